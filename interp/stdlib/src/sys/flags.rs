//! `sys.flags`, `sys.argv`, options.

use std::sync::atomic::Ordering;

use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm};

use super::{os_text, str_list};

/// Fields of `sys.flags`.
static FLAGS: StructSeq = StructSeq::new(Spec {
    name: "sys.flags",
    doc: "sys.flags",
    fields: &[
        ("debug", ""),
        ("inspect", ""),
        ("interactive", ""),
        ("optimize", ""),
        ("dont_write_bytecode", ""),
        ("no_user_site", ""),
        ("no_site", ""),
        ("ignore_environment", ""),
        ("verbose", ""),
        ("bytes_warning", ""),
        ("quiet", ""),
        ("hash_randomization", ""),
        ("isolated", ""),
        ("dev_mode", ""),
        ("utf8_mode", ""),
        ("warn_default_encoding", ""),
        ("safe_path", ""),
        ("int_max_str_digits", ""),
        ("gil", ""),
        ("thread_inherit_context", ""),
        ("context_aware_warnings", ""),
    ],
    visible: 18,
    instantiable: false,
    complete: None,
});

/// Makes `sys.flags.inspect` say whether the interpreter becomes interactive when the program has ended. SystemExit ends it only
/// where it does not.
pub fn set_inspect(on: bool) {
    crate::report::INSPECT.store(on, Ordering::Relaxed);
    rt().sys().set_str(intern("flags"), make(on));
}

/// The flags of the command line.
fn make(inspect: bool) -> Value {
    let c = rt().config();
    let i = |n: usize| Value::int(n as i64);
    let b = |b: bool| Value::int(b as i64);
    FLAGS.make(&[
        i(c.debug as usize),
        b(inspect),
        b(c.interactive),
        i(c.optimize as usize),
        b(c.dont_write_bytecode),
        b(c.no_user_site),
        b(c.no_site),
        b(c.ignore_environment),
        i(c.verbose as usize),
        i(c.bytes_warning as usize),
        b(c.quiet),
        b(c.hash_seed != Some(0)),
        b(c.isolated),
        Value::bool(c.dev_mode),
        b(c.utf8_mode),
        b(c.warn_default_encoding),
        Value::bool(c.safe_path),
        i(c.int_max_str_digits),
        i(1),
        i(0),
        i(0),
    ])
}

pub(super) fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let c = rt().config();
    m.add("flags", make(c.inspect));
    let argv = |args: &[std::ffi::OsString]| {
        let mut v = ValueVec::new();
        args.iter().for_each(|a| v.push(os_text(a).value()));
        ListObj::from_vec(v).value()
    };
    m.add("argv", argv(&c.argv));
    m.add("orig_argv", argv(&c.orig_argv));
    m.add("warnoptions", str_list(&c.warn_options));
    let x = DictObj::new();
    for (k, v) in &c.x_options {
        let value = v.as_ref().map_or(Value::TRUE, |v| StrObj::new(v).value());
        x.set(vm, StrObj::new(k).value(), value)?;
    }
    m.add("_xoptions", x.value());
    m.add("dont_write_bytecode", Value::bool(c.dont_write_bytecode));
    Ok(())
}
