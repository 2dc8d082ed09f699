//! `grp`.

use cape_vm::object::{ListObj, ModuleObj, StrObj};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::fsname::{encode, from_c};
use crate::posix::{id_arg, id_int};
use crate::pwd::look_up_group;

static GROUP: StructSeq = StructSeq::new(Spec {
    name: "grp.struct_group",
    doc: "grp.struct_group: Results from getgr*() routines.",
    fields: &[
        ("gr_name", "group name"),
        ("gr_passwd", "password"),
        ("gr_gid", "group id"),
        ("gr_mem", "group members"),
    ],
    visible: 4,
    instantiable: true,
    complete: None,
});

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.class(GROUP.class());
    m.function("getgrgid($module, /, id)", "Return the group database entry for the given numeric group ID.", getgrgid)
        .function("getgrnam($module, /, name)", "Return the group database entry for the given group name.", getgrnam)
        .function("getgrall($module, /)", "Return a list of all available group entries, in arbitrary order.", getgrall);
    Ok(())
}

fn entry(g: &libc::group) -> Value {
    // SAFETY: the fields are terminated strings, or null; the members are a terminated array of them.
    unsafe {
        let text = |s: *const libc::c_char| if s.is_null() { Value::NONE } else { from_c(s).value() };
        let members = ListObj::new(&[]);
        let mut p = g.gr_mem;
        while !p.is_null() && !(*p).is_null() {
            members.push(text(*p));
            p = p.add(1);
        }
        GROUP.make(&[text(g.gr_name), text(g.gr_passwd), id_int(g.gr_gid), members.value()])
    }
}

fn getgrgid(vm: &Vm, id: Value) -> Res<Value> {
    let missing = |vm: &Vm| -> Res<cape_vm::Raised> {
        let text = vm.str(id)?.display();
        Ok(vm.key_error_for(StrObj::new(&format!("getgrgid(): gid not found: {text}")).value()))
    };
    let gid = id_arg(vm, id, "gid")?;
    // SAFETY: valid buffers.
    match look_up_group(vm, |p, b, n, f| unsafe { libc::getgrgid_r(gid, p, b, n, f) }, entry)? {
        Some(v) => Ok(v),
        None => Err(missing(vm)?),
    }
}

fn getgrnam(vm: &Vm, name: Ptr<StrObj>) -> Res<Value> {
    let bytes = encode(vm, name)?;
    let Ok(c) = std::ffi::CString::new(bytes) else { return Err(vm.value_error("embedded null byte")) };
    let p = c.as_ptr() as usize;
    // SAFETY: a terminated name, and valid buffers.
    match look_up_group(vm, |r, b, n, f| unsafe { libc::getgrnam_r(p as *const libc::c_char, r, b, n, f) }, entry)? {
        Some(v) => Ok(v),
        None => {
            let shown = vm.repr_str(name.value())?;
            Err(vm.key_error_for(StrObj::new(&format!("getgrnam(): name not found: {shown}")).value()))
        }
    }
}

fn getgrall(_: &Vm) -> Value {
    let list = ListObj::new(&[]);
    // SAFETY: with the GIL held nobody else walks the database; each record is copied before the next call.
    unsafe {
        libc::setgrent();
        loop {
            let p = libc::getgrent();
            if p.is_null() {
                break;
            }
            list.push(entry(&*p));
        }
        libc::endgrent();
    }
    list.value()
}
