//! Facts about the interpreter and the platform.

use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm};

static VERSION_INFO: StructSeq = StructSeq::new(Spec {
    name: "sys.version_info",
    doc: "sys.version_info",
    fields: &[("major", ""), ("minor", ""), ("micro", ""), ("releaselevel", ""), ("serial", "")],
    visible: 5,
    instantiable: false,
    complete: None,
});
static FLOAT_INFO: StructSeq = StructSeq::new(Spec {
    name: "sys.float_info",
    doc: "sys.float_info",
    fields: &[
        ("max", ""),
        ("max_exp", ""),
        ("max_10_exp", ""),
        ("min", ""),
        ("min_exp", ""),
        ("min_10_exp", ""),
        ("dig", ""),
        ("mant_dig", ""),
        ("epsilon", ""),
        ("radix", ""),
        ("rounds", ""),
    ],
    visible: 11,
    instantiable: false,
    complete: None,
});
static INT_INFO: StructSeq = StructSeq::new(Spec {
    name: "sys.int_info",
    doc: "sys.int_info",
    fields: &[
        ("bits_per_digit", ""),
        ("sizeof_digit", ""),
        ("default_max_str_digits", ""),
        ("str_digits_check_threshold", ""),
    ],
    visible: 4,
    instantiable: false,
    complete: None,
});
static HASH_INFO: StructSeq = StructSeq::new(Spec {
    name: "sys.hash_info",
    doc: "sys.hash_info",
    fields: &[
        ("width", ""),
        ("modulus", ""),
        ("inf", ""),
        ("nan", ""),
        ("imag", ""),
        ("algorithm", ""),
        ("hash_bits", ""),
        ("seed_bits", ""),
        ("cutoff", ""),
    ],
    visible: 9,
    instantiable: false,
    complete: None,
});
static THREAD_INFO: StructSeq = StructSeq::new(Spec {
    name: "sys.thread_info",
    doc: "sys.thread_info",
    fields: &[("name", ""), ("lock", ""), ("version", "")],
    visible: 3,
    instantiable: false,
    complete: None,
});

/// The Python version that Cape implements.
pub const VERSION: (u8, u8, u8) = (3, 14, 8);

/// The folder for compiled modules: of `-X pycache_prefix`, or of the environment.
fn pycache_prefix() -> Option<String> {
    rt().config().option("pycache_prefix", "PYTHONPYCACHEPREFIX").filter(|p| !p.is_empty())
}

pub(super) fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let i = |n: i64| Value::int(n);
    let s = |t: &str| StrObj::new(t).value();
    let (major, minor, micro) = VERSION;
    let version_info =
        VERSION_INFO.make(&[i(major as i64), i(minor as i64), i(micro as i64), s("final"), i(0)]);
    m.add("version_info", version_info);
    let hex = (major as i64) << 24 | (minor as i64) << 16 | (micro as i64) << 8 | 0xf0;
    m.add("hexversion", i(hex));
    m.add(
        "version",
        s(&format!(
            "{major}.{minor}.{micro} (Cape {}, Nov 28 2026, 00:00:00) [rustc]",
            env!("CARGO_PKG_VERSION")
        )),
    );
    m.add("api_version", i(1013));
    m.add("copyright", s("Copyright (c) the Cape developers. MIT OR Apache-2.0.\nThe standard library is copyright (c) 2001 Python Software Foundation."));
    m.add("platform", s("linux"));
    m.add("byteorder", s("little"));
    m.add("maxsize", Int::Small(i64::MAX).into_value());
    m.add("maxunicode", i(0x10ffff));
    m.add("platlibdir", s("lib"));
    m.add("abiflags", s(""));
    m.add("float_repr_style", s("short"));
    m.add("_git", TupleObj::new(&[s("Cape"), s(""), s("")]).value());
    m.add("_framework", s(""));
    m.add("pycache_prefix", pycache_prefix().map_or(Value::NONE, |p| s(&p)));
    let d = DictObj::new();
    let impl_ns = NamespaceObj::new(d);
    d.set_str(intern("name"), s("cape"));
    d.set_str(intern("cache_tag"), s("cape-314"));
    d.set_str(intern("version"), version_info);
    d.set_str(intern("hexversion"), i(hex));
    d.set_str(intern("_multiarch"), s("x86_64-linux-gnu"));
    d.set_str(intern("supports_isolated_interpreters"), Value::FALSE);
    m.add("implementation", impl_ns.value());
    super::paths::init(m);
    m.add(
        "float_info",
        FLOAT_INFO.make(&[
            Value::float(f64::MAX),
            i(1024),
            i(308),
            Value::float(f64::MIN_POSITIVE),
            i(-1021),
            i(-307),
            i(15),
            i(53),
            Value::float(f64::EPSILON),
            i(2),
            i(1),
        ]),
    );
    m.add("int_info", INT_INFO.make(&[i(30), i(4), i(4300), i(640)]));
    m.add(
        "hash_info",
        HASH_INFO.make(&[
            i(64),
            Int::Small((1 << 61) - 1).into_value(),
            i(314159),
            i(0),
            i(1000003),
            s("siphash13"),
            i(64),
            i(128),
            i(0),
        ]),
    );
    m.add("thread_info", THREAD_INFO.make(&[s("pthread"), s("semaphore"), Value::NONE]));
    let mut names = rt().native_module_names();
    names.extend(["builtins", "sys"]);
    names.sort_unstable();
    let mut v = ValueVec::new();
    names.iter().for_each(|n| v.push(intern(n)));
    m.add("builtin_module_names", TupleObj::new(&v).value());
    let set = SetObj::with_map(rt().maps.frozenset);
    let top = cape_frozen::modules().map(|m| m.name).filter(|n| !n.contains('.') && !n.starts_with("_cape"));
    for n in top.chain(names.iter().copied().filter(|n| !n.starts_with("_cape"))) {
        set.add(vm, intern(n))?;
    }
    m.add("stdlib_module_names", set.value());
    Ok(())
}
