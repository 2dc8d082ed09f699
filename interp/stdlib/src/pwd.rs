//! `pwd`.

use cape_vm::object::{ListObj, ModuleObj, StrObj};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::fsname::{encode, from_c};
use crate::oserror::os_error;
use crate::posix::{id_arg, id_int};

static PASSWD: StructSeq = StructSeq::new(Spec {
    name: "pwd.struct_passwd",
    doc: "pwd.struct_passwd: Results from getpw*() routines.",
    fields: &[
        ("pw_name", "user name"),
        ("pw_passwd", "password"),
        ("pw_uid", "user id"),
        ("pw_gid", "group id"),
        ("pw_gecos", "real name"),
        ("pw_dir", "home directory"),
        ("pw_shell", "shell program"),
    ],
    visible: 7,
    instantiable: true,
    complete: None,
});

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.class(PASSWD.class());
    m.function("getpwuid($module, uidobj, /)", "Return the password database entry for the given numeric user ID.", getpwuid)
        .function("getpwnam($module, name, /)", "Return the password database entry for the given user name.", getpwnam)
        .function("getpwall($module, /)", "Return a list of all available password database entries, in arbitrary order.", getpwall);
    Ok(())
}

fn entry(p: &libc::passwd) -> Value {
    // SAFETY: the fields are terminated strings, or null.
    let text = |s: *const libc::c_char| if s.is_null() { Value::NONE } else { unsafe { from_c(s) }.value() };
    PASSWD.make(&[
        text(p.pw_name),
        text(p.pw_passwd),
        id_int(p.pw_uid),
        id_int(p.pw_gid),
        text(p.pw_gecos),
        text(p.pw_dir),
        text(p.pw_shell),
    ])
}

/// Runs one of the reentrant look-ups with a buffer that is large enough.
fn look_up<T>(
    vm: &Vm,
    f: impl Fn(*mut T, *mut libc::c_char, usize, *mut *mut T) -> i32,
    make: impl Fn(&T) -> Value,
) -> Res<Option<Value>> {
    let mut size = 1024;
    loop {
        let mut buf = vec![0u8; size];
        // SAFETY: plain C structs.
        let mut record: T = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        let r = vm.allow_threads(|| f(&mut record, buf.as_mut_ptr() as *mut libc::c_char, size, &mut found));
        if r == libc::ERANGE && size < 1 << 24 {
            size *= 2;
            continue;
        }
        if found.is_null() {
            // "Not found" has many names.
            return match r {
                libc::EINTR | libc::EIO | libc::EMFILE | libc::ENFILE | libc::ENOMEM => {
                    Err(os_error(vm, r, Value::EMPTY))
                }
                _ => Ok(None),
            };
        }
        return Ok(Some(make(&record)));
    }
}

/// As [`look_up`], for the module of groups.
pub(crate) fn look_up_group(
    vm: &Vm,
    f: impl Fn(*mut libc::group, *mut libc::c_char, usize, *mut *mut libc::group) -> i32,
    make: impl Fn(&libc::group) -> Value,
) -> Res<Option<Value>> {
    look_up(vm, f, make)
}

fn getpwuid(vm: &Vm, id: Value) -> Res<Value> {
    let missing = |vm: &Vm| -> Res<cape_vm::Raised> {
        let text = vm.str(id)?.display();
        Ok(vm.key_error_for(StrObj::new(&format!("getpwuid(): uid not found: {text}")).value()))
    };
    let uid = match id_arg(vm, id, "uid") {
        Err(e) if e.is(cape_vm::rt().types.overflow_error) => {
            return Err(vm.key_error("getpwuid(): uid not found"));
        }
        r => r?,
    };
    // SAFETY: valid buffers.
    match look_up(vm, |p, b, n, f| unsafe { libc::getpwuid_r(uid, p, b, n, f) }, entry)? {
        Some(v) => Ok(v),
        None => Err(missing(vm)?),
    }
}

fn getpwnam(vm: &Vm, name: Ptr<StrObj>) -> Res<Value> {
    let bytes = encode(vm, name)?;
    let Ok(c) = std::ffi::CString::new(bytes) else { return Err(vm.value_error("embedded null byte")) };
    let p = c.as_ptr() as usize;
    // SAFETY: a terminated name, and valid buffers.
    match look_up(vm, |r, b, n, f| unsafe { libc::getpwnam_r(p as *const libc::c_char, r, b, n, f) }, entry)? {
        Some(v) => Ok(v),
        None => {
            let shown = vm.repr_str(name.value())?;
            Err(vm.key_error_for(StrObj::new(&format!("getpwnam(): name not found: {shown}")).value()))
        }
    }
}

fn getpwall(_: &Vm) -> Value {
    let list = ListObj::new(&[]);
    // SAFETY: with the GIL held nobody else walks the database; each record is copied before the next call.
    unsafe {
        libc::setpwent();
        loop {
            let p = libc::getpwent();
            if p.is_null() {
                break;
            }
            list.push(entry(&*p));
        }
        libc::endpwent();
    }
    list.value()
}
