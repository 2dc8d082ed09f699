//! `_imp`: what importlib needs from the interpreter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use cape_vm::buffer::Buffer;
use cape_vm::eval::new_code;
use cape_vm::exc::set_extra;
use cape_vm::native::OrNone;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::import_lock;

/// A module that importlib finds as frozen, before any path is looked at.
struct Frozen {
    name: &'static str,
    /// The module of the embedded library whose code it has.
    code: &'static str,
    /// What it says it was frozen from; empty: it does not say.
    origin: &'static str,
    package: bool,
    /// Found also where programs are told not to use frozen modules.
    essential: bool,
}

const fn frozen_module(name: &'static str, code: &'static str, package: bool) -> Frozen {
    Frozen { name, code, origin: code, package, essential: false }
}

const fn essential(name: &'static str, code: &'static str) -> Frozen {
    Frozen { essential: true, ..frozen_module(name, code, false) }
}

const FROZEN: &[Frozen] = &[
    essential("_frozen_importlib", "importlib._bootstrap"),
    essential("_frozen_importlib_external", "importlib._bootstrap_external"),
    essential("zipimport", "zipimport"),
    essential("_cape_library", "_cape_library"),
    frozen_module("__hello__", "__hello__", false),
    frozen_module("__hello_alias__", "__hello__", false),
    Frozen { origin: "", ..frozen_module("__hello_only__", "__hello__", false) },
    frozen_module("__phello_alias__", "__hello__", true),
    frozen_module("__phello_alias__.spam", "__hello__", false),
    frozen_module("__phello__", "__phello__", true),
    Frozen { origin: "<__phello__", ..frozen_module("__phello__.__init__", "__phello__", false) },
    frozen_module("__phello__.ham", "__phello__.ham", true),
    Frozen { origin: "<__phello__.ham", ..frozen_module("__phello__.ham.__init__", "__phello__.ham", false) },
    frozen_module("__phello__.ham.eggs", "__phello__.ham.eggs", false),
    frozen_module("__phello__.spam", "__phello__.spam", false),
];

/// Whether only essential modules are found as frozen, as tests may ask.
static ESSENTIAL_ONLY: AtomicBool = AtomicBool::new(false);

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
        .function("is_frozen_package(name, /)", "Returns True if the module name is of a frozen package.", |vm: &Vm, n: Ptr<StrObj>| known_frozen(vm, n).map(|f| f.package))
        .function("find_frozen(name, /, *, withdata=False)", "Return info about the corresponding frozen module (if there is one) or None.", find_frozen)
        .function("get_frozen_object(name, data=None, /)", "Create a code object for a frozen module.", get_frozen_object)
        .function("init_frozen(name, /)", "Initializes a frozen module.", init_frozen)
        .function("source_hash(key, source)", "Return the hash of a source, for hash-based pycs.", source_hash)
        .function("_fix_co_filename(code, path, /)", "Changes code.co_filename to specify the passed-in file path.", fix_co_filename)
        .function("_is_current_pyc(data, /)", "Whether this version can read the code in a pyc file, as far as its beginning tells.", |_: &Vm, data: Buffer| {
            is_current_pyc(data.as_slice())
        })
        .function("_frozen_module_names()", "Returns the list of available frozen modules.", |_: &Vm| crate::sys::str_list(FROZEN.iter().map(|f| f.name)))
        .function("_override_frozen_modules_for_tests(override, /)", "Override the use of frozen modules for tests.", |_: &Vm, how: i64| ESSENTIAL_ONLY.store(how < 0, Relaxed))
        .function("_override_multi_interp_extensions_check(override, /)", "Override the check of extensions for subinterpreters.", |vm: &Vm, n: i64| {
            let i = vm.interpreter();
            if i.is_main() {
                let message = "_imp._override_multi_interp_extensions_check() cannot be used in the main interpreter";
                return Err(vm.runtime_error(message));
            }
            Ok(i.check_override.replace(n.signum()))
        });
    m.add("check_hash_based_pycs", intern("default"));
    m.add("pyc_magic_number_token", Value::int(MAGIC));
    Ok(())
}

/// The magic number of `.pyc` files, which is CPython's: it stays as it is in all releases of Python 3.14. Which version of Cape wrote a
/// file stands in the code itself ([`is_current_pyc`]); CPython's files have other names.
const MAGIC: i64 = 3627 | 0x0a0d_0000;

/// Where a `.pyc` file's code begins.
const PYC_HEADER: usize = 16;

/// Whether this version of Cape can read the code in a `.pyc` file, as far as its beginning tells: what is not code at all, or is cut off,
/// is for the unmarshaller to refuse.
fn is_current_pyc(data: &[u8]) -> bool {
    let code = data.get(PYC_HEADER..).and_then(crate::marshal::code_bytes);
    code.is_none_or(|code| code.len() < cape_bytecode::HEAD || cape_bytecode::is_current(code))
}

fn frozen(name: &str) -> Option<&'static Frozen> {
    FROZEN.iter().find(|f| f.name == name && (f.essential || !ESSENTIAL_ONLY.load(Relaxed)))
}

impl Frozen {
    fn origin(&self) -> Value {
        if self.origin.is_empty() { Value::NONE } else { StrObj::new(self.origin).value() }
    }

    fn code(&self, vm: &Vm) -> Res<Ptr<CodeObj>> {
        let module = cape_frozen::find(self.code).expect("the library has what is frozen");
        embedded_code(vm, &module, &format!("<frozen {}>", self.code))
    }
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
    if let Some(m) = crate::contents::copy(vm, name)? {
        return Ok(m.value());
    }
    let m = new_module(name);
    init(vm, m)?;
    crate::contents::keep(vm, name, m);
    Ok(m.value())
}

/// A module that has what every module has, and nothing else.
pub(crate) fn new_module(name: &str) -> Ptr<ModuleObj> {
    let m = ModuleObj::with_map(rt().maps.module);
    let names = &rt().names;
    m.dict().set_str(names.name, intern(name));
    for n in [names.doc, names.package, names.loader, names.spec] {
        m.dict().set_str(n, Value::NONE);
    }
    m
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
    if [Some(p), name.downcast::<StrObj>()].into_iter().flatten().any(|s| s.chars().any(|c| c == 0)) {
        return Err(vm.value_error("embedded null character"));
    }
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

fn find_frozen(vm: &Vm, name: Ptr<StrObj>, withdata: Option<bool>) -> Res<Value> {
    let Some(f) = frozen(&name.display()) else { return Ok(Value::NONE) };
    let data = match withdata {
        Some(true) => {
            let code = f.code(vm)?.value();
            BytesObj::new(&crate::marshal::dumps(vm, code)?).value()
        }
        _ => Value::NONE,
    };
    Ok(TupleObj::new(&[data, Value::bool(f.package), f.origin()]).value())
}

/// Code of an embedded module, with this file name.
pub fn embedded_code(vm: &Vm, m: &cape_frozen::Module, filename: &str) -> Res<Ptr<CodeObj>> {
    match cape_bytecode::deserialize_embedded(m.code, filename) {
        Ok(unit) => Ok(new_code(vm, Arc::new(unit))),
        Err(e) => Err(vm.system_error(format!("embedded module {}: {e:?}", m.name))),
    }
}

/// The frozen module of this name, or else the ImportError that says why there is none.
fn known_frozen(vm: &Vm, name: Ptr<StrObj>) -> Res<&'static Frozen> {
    let text = name.display();
    if let Some(f) = frozen(&text) {
        return Ok(f);
    }
    let shown = vm.repr_str(name.value())?;
    Err(frozen_error(vm, name, match FROZEN.iter().any(|f| f.name == text) {
        true => format!("Frozen modules are disabled and the frozen object named {shown} is not essential"),
        false => format!("No such frozen object named {shown}"),
    }))
}

/// An ImportError about the module `name`.
fn frozen_error(vm: &Vm, name: Ptr<StrObj>, message: String) -> Raised {
    let raised = vm.import_error(&message);
    set_extra(raised.exc(), 0, StrObj::new(&message).value());
    set_extra(raised.exc(), 1, name.value());
    raised
}

fn get_frozen_object(vm: &Vm, name: Ptr<StrObj>, data: OrNone<Buffer>) -> Res<Ptr<CodeObj>> {
    let Some(data) = data.0.filter(|d| !d.as_slice().is_empty()) else {
        return known_frozen(vm, name)?.code(vm);
    };
    let shown = vm.repr_str(name.value())?;
    let Ok(read) = crate::marshal::loads(vm, data.as_slice()) else {
        return Err(frozen_error(vm, name, format!("Frozen object named {shown} is invalid")));
    };
    read.downcast().ok_or_else(|| vm.type_error(format!("frozen object {shown} is not a code object")))
}

/// Imports a frozen module without asking importlib.
fn init_frozen(vm: &Vm, name: Ptr<StrObj>) -> Res<Value> {
    let Some(f) = frozen(&name.display()) else { return Ok(Value::NONE) };
    let code = f.code(vm)?;
    let key = intern(f.name);
    let module = match rt().modules().get_str(key).and_then(|m| m.downcast::<ModuleObj>()) {
        Some(m) => m,
        None => {
            let m = new_module(f.name);
            rt().modules().set_str(key, m.value());
            m
        }
    };
    let d = module.dict();
    if f.package {
        d.set_str(rt().names.path, ListObj::new(&[]).value());
    }
    d.set_str(rt().names.builtins, rt().builtins().value());
    d.set_str(intern("__origname__"), f.origin());
    vm.run_code(code, d, d.value(), None)?;
    Ok(rt().modules().get_str(key).unwrap_or(Value::NONE))
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
