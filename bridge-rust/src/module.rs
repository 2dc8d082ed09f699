//! Extension modules: loading shared objects, single- and multi-phase initialisation (PEP 489), module structs.

use std::ffi::{CStr, CString, c_int, c_void};

use cape_heap::heap;
use cape_vm::exc::set_extra;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::call_c::{Hold, row};
use crate::error::take;
use crate::ffi;
use crate::layout::*;
use crate::to_c::{to_c, to_c_borrowed};

/// CPython's private module struct.
#[repr(C)]
pub struct PyModuleObject {
    ob_base: PyObject,
    md_dict: *mut PyObject,
    md_def: *mut PyModuleDef,
    md_state: *mut c_void,
    md_weaklist: *mut PyObject,
    md_name: *mut PyObject,
}

const PY_MOD_CREATE: c_int = 1;
const PY_MOD_EXEC: c_int = 2;
const PY_MOD_MULTIPLE_INTERPRETERS: c_int = 3;
const PY_MOD_GIL: c_int = 4;
/// What a module says that can be loaded in several interpreters with one lock; more: with one each.
const MULTIPLE_INTERPRETERS_SUPPORTED: usize = 1;

/// Fills the fresh mirror of a module.
///
/// # Safety
/// `p` must be a zeroed struct of a module type.
pub unsafe fn fill_mirror(vm: &Vm, m: Ptr<ModuleObj>, p: *mut PyObject) -> Res<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let o = p as *mut PyModuleObject;
        (*o).md_dict = to_c(vm, m.dict.get())?;
        (*o).md_def = m.def.get() as *mut PyModuleDef;
        (*o).md_state = m.state.get() as *mut c_void;
        if let Some(n) = m.get(rt().names.name) {
            (*o).md_name = to_c(vm, n)?;
        }
    }
    Ok(())
}

fn load_error(vm: &Vm, message: &str, name: &str, path: &str) -> Raised {
    let r = vm.import_error(message);
    set_extra(r.exc(), 0, StrObj::new(message).value());
    set_extra(r.exc(), 1, StrObj::new(name).value());
    set_extra(r.exc(), 2, StrObj::new(path).value());
    r
}

fn dl_error() -> String {
    // SAFETY: dlerror gives a C string or NULL.
    unsafe {
        let e = libc::dlerror();
        if e.is_null() { "unknown error".into() } else { CStr::from_ptr(e).to_string_lossy().into_owned() }
    }
}

/// The name of a module's initialisation function.
fn init_symbol(name: &str) -> CString {
    let short = name.rsplit('.').next().unwrap_or(name);
    let text =
        if short.is_ascii() { format!("PyInit_{short}") } else { format!("PyInitU_{}", punycode(short)) };
    CString::new(text).unwrap_or_default()
}

/// Punycode (RFC 3492) with hyphens as underscores, for non-ASCII module names.
fn punycode(s: &str) -> String {
    let mut out: String = s.chars().filter(char::is_ascii).collect();
    let basic = out.len();
    if basic > 0 {
        out.push('_');
    }
    let chars: Vec<u32> = s.chars().map(|c| c as u32).collect();
    let (mut n, mut delta, mut bias, mut done) = (128u32, 0u32, 72u32, basic);
    while done < chars.len() {
        let m = chars.iter().copied().filter(|&c| c >= n).min().unwrap_or(n);
        delta += (m - n) * (done as u32 + 1);
        n = m;
        for &c in &chars {
            if c < n {
                delta += 1;
            }
            if c == n {
                let (mut q, mut k) = (delta, 36);
                loop {
                    let t = if k <= bias {
                        1
                    } else if k >= bias + 26 {
                        26
                    } else {
                        k - bias
                    };
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (36 - t)));
                    q = (q - t) / (36 - t);
                    k += 36;
                }
                out.push(digit(q));
                let mut d = if done == basic { delta / 700 } else { delta / 2 };
                d += d / (done as u32 + 1);
                let mut k = 0;
                while d > 455 {
                    d /= 35;
                    k += 36;
                }
                bias = k + 36 * d / (d + 38);
                delta = 0;
                done += 1;
            }
        }
        delta += 1;
        n += 1;
    }
    out
}

fn digit(d: u32) -> char {
    char::from(if d < 26 { b'a' + d as u8 } else { b'0' + d as u8 - 26 })
}

/// Extensions that cannot run here, and why: they would crash.
const REFUSED: [(&str, &str); 1] = [(
    "greenlet._greenlet",
    "Cape does not run greenlet, which switches native stacks: its collector has to read them",
)];

/// Loads a shared object and makes its module: `_imp.create_dynamic`.
pub fn load(vm: &Vm, spec: Value, path: &str) -> Res<Value> {
    let name_value = vm.get_attr_str(spec, "name")?;
    let name: String = match name_value.downcast::<StrObj>() {
        Some(s) => vm.utf8(s)?,
        None => return Err(vm.type_error("the name of a module must be a string")),
    };
    if let Some((_, why)) = REFUSED.iter().find(|row| row.0 == name) {
        return Err(load_error(vm, why, &name, path));
    }
    let c_path = CString::new(path).map_err(|_| vm.value_error("embedded null character"))?;
    // SAFETY: loading runs the object's constructors, which is what importing an extension means.
    let handle = unsafe { libc::dlopen(c_path.as_ptr(), cape_stdlib::sys::dlopen_flags()) };
    if handle.is_null() {
        return Err(load_error(vm, &dl_error(), &name, path));
    }
    let symbol = init_symbol(&name);
    // SAFETY: the handle is open; nothing closes it.
    let init = unsafe { libc::dlsym(handle, symbol.as_ptr()) };
    if init.is_null() {
        let message =
            format!("dynamic module does not define module export function ({})", symbol.to_string_lossy());
        return Err(load_error(vm, &message, &name, path));
    }
    // SAFETY: the symbol is a module's initialisation function.
    let init: unsafe extern "C" fn() -> *mut PyObject = unsafe { std::mem::transmute(init) };
    // A module inside a package that initialises itself in one phase does not know the package: PyModule_Create reads its name there.
    let c_name = CString::new(name.as_str()).map_err(|_| vm.value_error("embedded null character"))?;
    // SAFETY: as above; the name outlives the call, and the import around this one gets its own back.
    let p = unsafe {
        let context = &raw mut ffi::_Cape_package_context;
        let outer = context.replace(c_name.as_ptr());
        let p = init();
        *context = outer;
        p
    };
    crate::typeready::module_loaded();
    if p.is_null() {
        let r = take(vm).unwrap_or_else(|| {
            vm.system_error(format!("initialization of {name} failed without raising an exception"))
        });
        return Err(failed_in_further(vm, r)?);
    }
    if let Some(r) = take(vm) {
        let s = vm.system_error(format!("initialization of {name} raised unreported exception"));
        let e = s.exc();
        e.cause.set(e, r.value());
        e.context.set(e, r.value());
        return Err(s);
    }
    // SAFETY: a module definition is recognised by its type, which PyModuleDef_Init has set.
    unsafe {
        if std::ptr::eq((*p).ob_type, &raw const ffi::PyModuleDef_Type) {
            return from_def(vm, p as *mut PyModuleDef, spec, name_value);
        }
    }
    single_phase(vm, p, name_value, path)
}

/// Why a module could not be initialised. In a further interpreter only that it could not: the main one is told of the exception, as if
/// the module had been initialised there.
fn failed_in_further(vm: &Vm, r: Raised) -> Res<Raised> {
    if vm.interpreter().is_main() {
        return Ok(r);
    }
    let main = cape_vm::interpreter::main();
    cape_stdlib::interpreters::inside(vm, &main, |vm| vm.report_unraisable(r, "Exception ignored"))?;
    Ok(vm.import_error("failed to import from subinterpreter due to exception"))
}

/// An ImportError where the interpreter does not take a module that cannot be loaded in several, or not in such with locks of their own.
fn check_admitted(vm: &Vm, name: Value, several: bool, own_gil: bool) -> Res<()> {
    if vm.interpreter().admits(several, own_gil) {
        return Ok(());
    }
    let shown = name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
    let message = format!("module {shown} does not support loading in subinterpreters");
    Err(vm.import_error(&message))
}

fn single_phase(vm: &Vm, p: *mut PyObject, name: Value, path: &str) -> Res<Value> {
    let v = crate::from_c::take_over(vm, p)?;
    check_admitted(vm, name, false, false)?;
    let Some(m) = v.downcast::<ModuleObj>() else {
        return Err(vm.system_error("initialization did not return an extension module"));
    };
    m.dict().set_str(rt().names.file, StrObj::new(path).value());
    let p = to_c_borrowed(vm, v)?;
    // SAFETY: a module's struct.
    let def = unsafe { (*(p as *mut PyModuleObject)).md_def };
    // SAFETY: the definition is the extension's, and the module's struct lives as long as the module. PyState_FindModule finds it from now
    // on, unless the extension has seen to that itself.
    unsafe {
        if !def.is_null()
            && !std::ptr::eq(ffi::PyState_FindModule(def), p)
            && ffi::PyState_AddModule(p, def) < 0
        {
            return Err(take(vm).unwrap_or_else(|| vm.system_error("PyState_AddModule failed")));
        }
    }
    rt().modules().set(vm, name, v)?;
    Ok(v)
}

/// Multi-phase initialisation, first half (`PyModule_FromDefAndSpec`).
///
/// # Safety
/// `def` must be a valid definition.
pub unsafe fn from_def(vm: &Vm, def: *mut PyModuleDef, spec: Value, name: Value) -> Res<Value> {
    // SAFETY: the caller's promise; slots end with number 0.
    unsafe {
        type Create = unsafe extern "C" fn(*mut PyObject, *mut PyModuleDef) -> *mut PyObject;
        let mut create: Option<Create> = None;
        let (mut interpreters, mut gil) = (0, 0);
        let mut support = MULTIPLE_INTERPRETERS_SUPPORTED;
        let mut s = (*def).m_slots;
        let text = || name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        if (*def).m_size < 0 {
            return Err(vm.system_error(format!(
                "module {}: m_size may not be negative for multi-phase initialization",
                text()
            )));
        }
        while !s.is_null() && (*s).slot != 0 {
            match (*s).slot {
                PY_MOD_CREATE => {
                    if create.is_some() {
                        return Err(vm.system_error(format!("module {} has multiple create slots", text())));
                    }
                    create = Some(std::mem::transmute::<*mut c_void, Create>((*s).value));
                }
                PY_MOD_EXEC => {}
                PY_MOD_MULTIPLE_INTERPRETERS => {
                    interpreters += 1;
                    support = (*s).value as usize;
                }
                PY_MOD_GIL => gil += 1,
                n => {
                    return Err(vm.system_error(format!("module {} uses unknown slot ID {n}", text())));
                }
            }
            for (count, what) in [(interpreters, "multiple interpreters"), (gil, "gil")] {
                if count > 1 {
                    return Err(
                        vm.system_error(format!("module {} has more than one '{what}' slots", text()))
                    );
                }
            }
            s = s.add(1);
        }
        check_admitted(
            vm,
            name,
            support >= MULTIPLE_INTERPRETERS_SUPPORTED,
            support > MULTIPLE_INTERPRETERS_SUPPORTED,
        )?;
        let v = match create {
            Some(f) => {
                let sp = Hold(to_c(vm, spec)?);
                let p = f(sp.0, def);
                crate::error::check_result(vm, || format!("creation of module {}", text()), p)?
            }
            None => new_module(name).value(),
        };
        if let Some(m) = v.downcast::<ModuleObj>() {
            m.def.set(def as *mut u8);
            sync_mirror(m);
            add_functions(vm, m, (*def).m_methods)?;
            if !(*def).m_doc.is_null() {
                let doc = CStr::from_ptr((*def).m_doc).to_string_lossy();
                m.dict().set_str(rt().names.doc, StrObj::new(&doc).value());
            }
        } else if (*def).m_size > 0 {
            return Err(vm.system_error(format!(
                "module {} is not a module object, but requests module state",
                text()
            )));
        } else {
            for (key, function) in functions((*def).m_methods, v, name) {
                vm.set_attr(v, key, function)?;
            }
        }
        Ok(v)
    }
}

/// A module with the usual attributes (`PyModule_NewObject`).
pub fn new_module(name: Value) -> Ptr<ModuleObj> {
    let m = ModuleObj::with_map(rt().maps.module);
    let n = &rt().names;
    let d = m.dict();
    d.set_str(n.name, name);
    for k in [n.doc, n.package, n.loader, n.spec] {
        d.set_str(k, Value::NONE);
    }
    m
}

/// Copies definition and state to the module's struct, if it has one.
fn sync_mirror(m: Ptr<ModuleObj>) {
    let p = heap().mirror_of(m.header()) as *mut PyModuleObject;
    if !p.is_null() {
        // SAFETY: a linked mirror is live.
        unsafe {
            (*p).md_def = m.def.get() as *mut PyModuleDef;
            (*p).md_state = m.state.get() as *mut c_void;
        }
    }
}

/// `PyModule_AddFunctions`.
///
/// # Safety
/// The table must end with a NULL name and live as long as the module.
pub unsafe fn add_functions(_vm: &Vm, m: Ptr<ModuleObj>, f: *mut PyMethodDef) -> Res<()> {
    let module_name = m.get(rt().names.name).unwrap_or(Value::NONE);
    // SAFETY: the caller's promise.
    unsafe {
        for (key, function) in functions(f, m.value(), module_name) {
            m.dict().set_str(key, function);
        }
    }
    Ok(())
}

/// The functions of a table with their names, made one by one.
///
/// # Safety
/// NULL, or a table that ends with a NULL name and stays.
unsafe fn functions(
    mut f: *mut PyMethodDef,
    this: Value,
    module: Value,
) -> impl Iterator<Item = (Value, Value)> {
    std::iter::from_fn(move || {
        // SAFETY: the caller's promise.
        unsafe {
            if f.is_null() || (*f).ml_name.is_null() {
                return None;
            }
            let def = row(f, std::ptr::null_mut());
            f = f.add(1);
            Some((intern(def.name), BuiltinObj::new(def, this, module).value()))
        }
    })
}

/// Gives a module the state that its definition asks for.
///
/// # Safety
/// `def` must be valid.
unsafe fn make_state(vm: &Vm, m: Ptr<ModuleObj>, def: *mut PyModuleDef) -> Res<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if (*def).m_size >= 0 && m.state.get().is_null() {
            let n = (*def).m_size.max(1) as usize;
            let s = ffi::PyMem_Malloc(n) as *mut u8;
            if s.is_null() {
                return Err(vm.memory_error(""));
            }
            std::ptr::write_bytes(s, 0, n);
            m.state.set(s);
        }
    }
    sync_mirror(m);
    Ok(())
}

/// Multi-phase initialisation, second half (`PyModule_ExecDef`).
pub fn exec(vm: &Vm, v: Value) -> Res<Value> {
    let Some(m) = v.downcast::<ModuleObj>() else { return Ok(Value::int(0)) };
    let def = m.def.get() as *mut PyModuleDef;
    if def.is_null() || !m.state.get().is_null() {
        return Ok(Value::int(0));
    }
    // SAFETY: the definition was checked when the module was made.
    unsafe {
        make_state(vm, m, def)?;
        let p = Hold(to_c(vm, v)?);
        sync_mirror(m);
        let name = m.get(rt().names.name).and_then(|n| n.downcast::<StrObj>()).map(|s| s.display());
        let mut s = (*def).m_slots;
        while !s.is_null() && (*s).slot != 0 {
            if (*s).slot == PY_MOD_EXEC {
                let f: unsafe extern "C" fn(*mut PyObject) -> c_int = std::mem::transmute((*s).value);
                let n = f(p.0);
                let what = format!("execution of module {}", name.clone().unwrap_or_default());
                if n != 0 {
                    return Err(take(vm).unwrap_or_else(|| {
                        vm.system_error(format!("{what} failed without setting an exception"))
                    }));
                }
                if let Some(r) = take(vm) {
                    let e = vm.system_error(format!("{what} raised unreported exception"));
                    e.exc().cause.set(e.exc(), r.value());
                    return Err(e);
                }
            }
            s = s.add(1);
        }
    }
    crate::typeready::module_loaded();
    Ok(Value::int(0))
}
