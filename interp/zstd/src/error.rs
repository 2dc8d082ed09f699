//! `ZstdError`, and what the library's codes say.

use std::ffi::CStr;

use cape_vm::native::new_type;
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Vm, rt};
use zstd_sys as ffi;

static ERROR: StaticType = StaticType::new();

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let flags = TypeFlags::BASE | TypeFlags::HAS_WEAKREF;
    let error = new_type::<ExcObj>("compression.zstd.ZstdError", rt().types.exception, flags)
        .doc("An error occurred in the zstd library.")
        .class();
    ERROR.set(error);
    m.class(error);
}

/// A `ZstdError`.
#[cold]
pub fn new(vm: &Vm, message: &str) -> Raised {
    vm.new_exc(ERROR.get(), message)
}

/// What a result of the library says, if that is an error.
pub fn of_code(code: usize) -> Option<String> {
    // SAFETY: any number may be asked about; the names are static text.
    unsafe {
        (ffi::ZSTD_isError(code) != 0)
            .then(|| CStr::from_ptr(ffi::ZSTD_getErrorName(code)).to_string_lossy().into_owned())
    }
}

/// The result, or the exception that it means.
pub fn checked(vm: &Vm, doing: &str, code: usize) -> Res<usize> {
    match of_code(code) {
        None => Ok(code),
        Some(why) => Err(new(vm, &format!("Unable to {doing}: {why}"))),
    }
}
