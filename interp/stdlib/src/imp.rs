//! `_imp`: what importlib needs from the interpreter.

use std::sync::Arc;

use cape_vm::eval::new_code;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::import_lock;

/// Modules of the embedded library that importlib itself finds as frozen, before any path is looked at.
const FROZEN: &[(&str, &str)] = &[
    ("_frozen_importlib", "importlib._bootstrap"),
    ("_frozen_importlib_external", "importlib._bootstrap_external"),
    ("zipimport", "zipimport"),
    ("_cape_library", "_cape_library"),
    ("__hello__", "__hello__"),
    ("__phello__", "__phello__"),
];

/// File-name endings of extension modules, most specific first.
pub const EXTENSION_SUFFIXES: &[&str] = &[".cpython-314-x86_64-linux-gnu.so", ".abi3.so", ".so"];

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function("acquire_lock()", "Acquires the interpreter's import lock for the current thread.", import_lock::acquire)
        .function("release_lock()", "Release the interpreter's import lock.", import_lock::release)
        .function("lock_held()", "Return True if the import lock is currently held, else False.", |_: &Vm| import_lock::is_held())
        .function("is_builtin(name, /)", "Returns True if the module name corresponds to a built-in module.", is_builtin)
        .function("create_builtin(spec, /)", "Create an extension module.", create_builtin)
        .function("exec_builtin(mod, /)", "Initialize a built-in module.", |_: &Vm, _m: Value| Value::int(0))
        .function("create_dynamic(spec, file=None, /)", "Create an extension module.", create_dynamic)
        .function("exec_dynamic(mod, /)", "Initialize an extension module.", exec_dynamic)
        .function("extension_suffixes()", "Returns the list of file suffixes used to identify extension modules.", |_: &Vm| crate::sys::str_list(EXTENSION_SUFFIXES))
        .function("is_frozen(name, /)", "Returns True if the module name corresponds to a frozen module.", |_: &Vm, n: Ptr<StrObj>| frozen(&n.display()).is_some())
        .function("is_frozen_package(name, /)", "Returns True if the module name is of a frozen package.", |_: &Vm, n: Ptr<StrObj>| frozen(&n.display()).is_some_and(|m| m.package))
        .function("find_frozen(name, /, *, withdata=False)", "Return info about the corresponding frozen module (if there is one) or None.", find_frozen)
        .function("get_frozen_object(name, data=None, /)", "Create a code object for a frozen module.", get_frozen_object)
        .function("init_frozen(name, /)", "Initializes a frozen module.", |vm: &Vm, _n: Value| -> Res<Value> { Err(vm.missing("_imp.init_frozen()")) })
        .function("source_hash(key, source)", "Return the hash of a source, for hash-based pycs.", source_hash)
        .function("_fix_co_filename(code, path, /)", "Changes code.co_filename to specify the passed-in file path.", fix_co_filename)
        .function("_frozen_module_names()", "Returns the list of available frozen modules.", |_: &Vm| crate::sys::str_list(FROZEN.iter().map(|f| f.0)))
        .function("_override_frozen_modules_for_tests(override, /)", "Override the use of frozen modules for tests.", |_: &Vm, _v: Value| ())
        .function("_override_multi_interp_extensions_check(override, /)", "Override the check of extensions for subinterpreters.", |_: &Vm, _v: Value| Value::int(0));
    m.add("check_hash_based_pycs", intern("default"));
    m.add("pyc_magic_number_token", Value::int(MAGIC));
    Ok(())
}

/// The magic number of Cape's `.pyc` files: two bytes before CR LF, which change with the opcodes and the compiler, so that files of
/// another version are compiled anew. The high bit is set: CPython's are below.
const MAGIC: i64 = {
    let version = cape_bytecode::version_hash();
    let folded = version ^ version >> 32;
    ((folded ^ folded >> 16) & 0x7fff | 0x8000) as i64 | 0x0a0d_0000
};

fn frozen(name: &str) -> Option<cape_frozen::Module> {
    let (_, origin) = FROZEN.iter().find(|f| f.0 == name)?;
    cape_frozen::find(origin)
}

/// Names may be any text, also such that no module has.
fn is_builtin(_vm: &Vm, name: Ptr<StrObj>) -> i64 {
    match name.display().as_str() {
        "sys" | "builtins" => -1,
        n => rt().native_module(n).is_some() as i64,
    }
}

/// Makes a native module by its import name and fills it.
pub fn make_native(vm: &Vm, name: &str) -> Res<Value> {
    let Some(init) = rt().native_module(name) else {
        return Err(vm.import_error(format!("no built-in module named '{name}'")));
    };
    let m = ModuleObj::with_map(rt().maps.module);
    let names = &rt().names;
    let d = m.dict();
    d.set_str(names.name, intern(name));
    d.set_str(names.doc, Value::NONE);
    d.set_str(names.package, Value::NONE);
    d.set_str(names.loader, Value::NONE);
    d.set_str(names.spec, Value::NONE);
    init(vm, m)?;
    Ok(m.value())
}

fn create_builtin(vm: &Vm, spec: Value) -> Res<Value> {
    let name = vm.get_attr_str(spec, "name")?;
    if let Some(m) = rt().modules().get(vm, name)?
        && !m.is_none()
    {
        return Ok(m);
    }
    let Some(n) = name.downcast::<StrObj>() else {
        return Err(vm.type_error("the name of a module must be a string"));
    };
    make_native(vm, &n.display())
}

fn create_dynamic(vm: &Vm, spec: Value, file: Option<Value>) -> Res<Value> {
    let _ = file;
    let path = vm.get_attr_str(spec, "origin")?;
    let Some(p) = path.downcast::<StrObj>() else {
        return Err(vm.type_error("the origin of an extension module must be a string"));
    };
    let name = vm.get_attr_str(spec, "name")?;
    vm.audit("import", &[name, path, Value::NONE, Value::NONE, Value::NONE])?;
    // C's functions take text as the environment says.
    crate::locale::codeset();
    match cape_vm::foreign::try_foreign() {
        Some(f) => f.load_extension(vm, spec, &vm.utf8(p)?),
        None => Err(vm.import_error("this process runs without a bridge to C: extension modules cannot be loaded")),
    }
}

fn exec_dynamic(vm: &Vm, m: Value) -> Res<Value> {
    match cape_vm::foreign::try_foreign() {
        Some(f) => f.exec_extension(vm, m),
        None => Ok(Value::int(0)),
    }
}

fn find_frozen(_vm: &Vm, name: Ptr<StrObj>, withdata: Option<bool>) -> Value {
    let name = name.display();
    let Some(m) = frozen(&name) else { return Value::NONE };
    let origin = FROZEN.iter().find(|f| f.0 == name).map_or(name.as_str(), |f| f.1);
    let data = if withdata.unwrap_or(false) { BytesObj::new(m.code).value() } else { Value::NONE };
    TupleObj::new(&[data, Value::bool(m.package), StrObj::new(origin).value()]).value()
}

/// Code of an embedded module, with this file name.
pub fn embedded_code(vm: &Vm, m: &cape_frozen::Module, filename: &str) -> Res<Ptr<CodeObj>> {
    match cape_bytecode::deserialize_embedded(m.code, filename) {
        Ok(unit) => Ok(new_code(vm, Arc::new(unit))),
        Err(e) => Err(vm.system_error(format!("embedded module {}: {e:?}", m.name))),
    }
}

fn get_frozen_object(vm: &Vm, name: String, data: Option<Value>) -> Res<Ptr<CodeObj>> {
    let _ = data;
    match frozen(&name) {
        Some(m) => embedded_code(vm, &m, &format!("<frozen {}>", m.name)),
        None => Err(vm.import_error(format!("No such frozen object named {name}"))),
    }
}

fn source_hash(_vm: &Vm, key: i64, source: Ptr<BytesObj>) -> Ptr<BytesObj> {
    // FNV-1a over key and source; only ever compared with hashes made here.
    let mut h = 0xcbf2_9ce4_8422_2325u64 ^ key as u64;
    for &b in source.as_slice() {
        h = (h ^ b as u64).wrapping_mul(0x0000_0100_0000_01b3);
    }
    BytesObj::new(&h.to_le_bytes())
}

fn fix_co_filename(_vm: &Vm, code: Ptr<CodeObj>, path: Ptr<StrObj>) {
    code.filename.set(code, path.value());
    if let Some(consts) = code.consts.downcast::<ArrayObj>() {
        for i in 0..consts.len() {
            if let Some(c) = consts.get(i).downcast::<CodeObj>() {
                fix_co_filename(_vm, c, path);
            }
        }
    }
}
