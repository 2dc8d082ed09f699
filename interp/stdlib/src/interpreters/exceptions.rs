//! The exceptions of crossings.

use cape_vm::native::new_type;
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Value, Vm, rt};

static ERROR: StaticType = StaticType::new();
static NOT_FOUND: StaticType = StaticType::new();
static NOT_SHAREABLE: StaticType = StaticType::new();

/// The class in `place`, made at the first use.
pub fn class(
    place: &'static StaticType,
    name: &'static str,
    base: Ptr<TypeObj>,
    doc: Option<&'static str>,
) -> Ptr<TypeObj> {
    place.try_get().unwrap_or_else(|| {
        let t = new_type::<ExcObj>(name, base, TypeFlags::BASE);
        let t = match doc {
            Some(doc) => t.doc(doc),
            None => t,
        };
        place.set(t.class());
        place.get()
    })
}

/// `InterpreterError`
pub fn error() -> Ptr<TypeObj> {
    let base = rt().types.exception;
    class(
        &ERROR,
        "concurrent.interpreters.InterpreterError",
        base,
        Some("A cross-interpreter operation failed"),
    )
}

/// `InterpreterNotFoundError`
pub fn not_found() -> Ptr<TypeObj> {
    let doc = Some("An interpreter was not found");
    class(&NOT_FOUND, "concurrent.interpreters.InterpreterNotFoundError", error(), doc)
}

/// `NotShareableError`
pub fn not_shareable() -> Ptr<TypeObj> {
    class(&NOT_SHAREABLE, "concurrent.interpreters.NotShareableError", rt().types.type_error, None)
}

/// An `InterpreterError`.
pub fn interpreter_error(vm: &Vm, message: &str) -> Raised {
    vm.new_exc(error(), message)
}

/// A `NotShareableError`, with its cause.
pub fn not_shareable_error(vm: &Vm, message: &str, cause: Option<Value>) -> Raised {
    let r = vm.new_exc(not_shareable(), message);
    if let Some(cause) = cause {
        let e = r.exc();
        e.cause.set(e, cause);
    }
    r
}
