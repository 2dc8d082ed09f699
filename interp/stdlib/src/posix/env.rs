//! The environment.

use std::ffi::CString;

use cape_vm::object::{BytesObj, DictObj, ModuleObj};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::fsname::fsencode;
use crate::oserror::last_error;

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

pub(super) fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    renew(vm, m)?;
    m.function("_create_environ($module, /)", "Create the environment dictionary.", create)
        .function("putenv($module, name, value, /)", "Change or add an environment variable.", putenv)
        .function("unsetenv($module, name, /)", "Delete an environment variable.", unsetenv);
    Ok(())
}

pub(super) fn renew(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("environ", create(vm)?);
    Ok(())
}

/// The process's environment as a dict of bytes.
fn create(vm: &Vm) -> Res<Value> {
    let d = DictObj::new();
    // SAFETY: with the GIL held nobody changes the environment; it is a terminated array of terminated strings.
    unsafe {
        let mut p = environ;
        while !p.is_null() && !(*p).is_null() {
            let entry = std::ffi::CStr::from_ptr(*p).to_bytes();
            if let Some(eq) = memchr::memchr(b'=', entry) {
                let key = BytesObj::new(&entry[..eq]).value();
                // The first definition of a name counts.
                if d.get(vm, key)?.is_none() {
                    d.set(vm, key, BytesObj::new(&entry[eq + 1..]).value())?;
                }
            }
            p = p.add(1);
        }
    }
    Ok(d.value())
}

fn name_arg(vm: &Vm, name: Value) -> Res<CString> {
    let n = fsencode(vm, name)?;
    if n.as_bytes().contains(&b'=') {
        return Err(vm.value_error("illegal environment variable name"));
    }
    Ok(n)
}

fn putenv(vm: &Vm, name: Value, value: Value) -> Res<()> {
    let (name, value) = (name_arg(vm, name)?, fsencode(vm, value)?);
    // SAFETY: terminated strings, which are copied; the GIL serialises changes.
    if unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) } != 0 {
        return Err(last_error(vm));
    }
    Ok(())
}

fn unsetenv(vm: &Vm, name: Value) -> Res<()> {
    let name = fsencode(vm, name)?;
    // SAFETY: a terminated string.
    if unsafe { libc::unsetenv(name.as_ptr()) } != 0 {
        return Err(last_error(vm));
    }
    Ok(())
}
