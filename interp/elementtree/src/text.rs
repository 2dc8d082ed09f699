//! Text that comes in pieces.

use cape_vm::object::*;
use cape_vm::{Res, Value, Vm, intern, rt};

/// The pieces as one: of strings, or of whatever they are that has a `join`.
pub fn joined(vm: &Vm, pieces: &[Value]) -> Res<Value> {
    match pieces {
        [] => Ok(rt().empty_str().value()),
        [one] => Ok(*one),
        _ if pieces.iter().all(|p| p.is::<StrObj>()) => Ok(StrObj::join(&rt().empty_str(), pieces).value()),
        [first, ..] => {
            let none = SliceObj::new(Value::int(0), Value::int(0), Value::NONE);
            let list = ListObj::new(pieces);
            let joiner = vm.get_item(*first, none.value())?;
            vm.call_method(joiner, intern("join"), &[list.value()])
        }
    }
}
