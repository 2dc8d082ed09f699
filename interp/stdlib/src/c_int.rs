//! Ints as C functions take them that parse their arguments by a format.

use cape_vm::{Res, Value, Vm};

/// A C `int`, in the words of the format `i`. (Functions whose arguments the Argument Clinic converts have others: `FromArg`.)
pub fn c_int(vm: &Vm, v: Value) -> Res<i32> {
    let Some(i) = vm.index_int(v)?.to_i64() else {
        return Err(vm.overflow_error("Python int too large to convert to C long"));
    };
    i32::try_from(i).map_err(|_| {
        vm.overflow_error(if i > 0 {
            "signed integer is greater than maximum"
        } else {
            "signed integer is less than minimum"
        })
    })
}
