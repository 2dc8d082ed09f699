//! `stderrprinter`: the bare stream that stands in for `sys.stdout` and `sys.stderr` until `io` has made real ones.

use std::cell::Cell;

use cape_heap::{Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::{StaticType, intern, rt};
use cape_vm::{Ptr, Res, Value, Vm};

heap_object! {
    /// Writes to a file descriptor without buffering.
    pub struct PrinterObj { fd: Cell<i32> }
}

impl Named for PrinterObj {
    const NAME: &'static str = "stderrprinter";
}

static TYPE: StaticType = StaticType::new();

/// A printer for the descriptor.
pub fn new(fd: i32) -> Value {
    if TYPE.try_get().is_none() {
        let t = new_type::<PrinterObj>("stderrprinter", rt().types.object, TypeFlags::NO_INSTANTIATION)
            .method("write($self, text, /)", "Write a string.", write)
            .method("flush($self, /)", "Do nothing.", |_: &Vm, _s: Value| ())
            .method("close($self, /)", "Do nothing.", |_: &Vm, _s: Value| ())
            .method("fileno($self, /)", "The file descriptor.", |_: &Vm, s: Ptr<PrinterObj>| s.fd.get())
            .method("isatty($self, /)", "Whether it is a terminal.", |_: &Vm, s: Ptr<PrinterObj>| {
                // SAFETY: isatty takes any number.
                unsafe { libc::isatty(s.fd.get()) == 1 }
            })
            .getter("encoding", "The encoding.", |_: &Vm, _s: Value| ())
            .getter("closed", "Never closed.", |_: &Vm, _s: Value| false)
            .getter("mode", "The mode.", |_: &Vm, _s: Value| "w");
        TYPE.set(t.class());
    }
    let map = TYPE.get().instance_map();
    heap().alloc(map, PrinterObj { header: Header::new(map), fd: Cell::new(fd) }).value()
}

/// The number of bytes that were written. Surrogates are escaped.
fn write(vm: &Vm, s: Ptr<PrinterObj>, text: Ptr<StrObj>) -> Res<usize> {
    let escaped;
    let plain = text.as_ascii();
    let all = match plain {
        Some(t) => t.as_bytes(),
        None => {
            let args = [intern("utf-8"), intern("backslashreplace")];
            let Some(b) = vm.call_method(text.value(), intern("encode"), &args)?.downcast::<BytesObj>()
            else {
                return Ok(0);
            };
            escaped = b;
            escaped.as_slice()
        }
    };
    let mut rest = all;
    while !rest.is_empty() {
        // SAFETY: the buffer is live for the call.
        let n = unsafe { libc::write(s.fd.get(), rest.as_ptr() as *const _, rest.len()) };
        if n <= 0 {
            break;
        }
        rest = &rest[n as usize..];
    }
    Ok(all.len() - rest.len())
}
