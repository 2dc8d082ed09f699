//! `__import__`: finds modules that are loaded, leaves the others to importlib.

use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::warn::warn;

/// `__import__(name, globals, locals, fromlist, level)`.
pub(crate) fn import(
    vm: &Vm,
    name: Value,
    globals: Option<Value>,
    locals: Option<Value>,
    fromlist: Option<Value>,
    level: Option<i64>,
) -> Res<Value> {
    let _ = locals;
    let Some(text) = name.downcast::<StrObj>() else {
        return Err(vm.type_error("module name must be a string"));
    };
    let level = level.unwrap_or(0);
    let full = match level {
        ..0 => return Err(vm.value_error("level must be >= 0")),
        0 if text.is_empty() => return Err(vm.value_error("Empty module name")),
        0 => text,
        _ => absolute(vm, text, globals.unwrap_or(Value::NONE), level as usize)?,
    };
    let loaded = if rt().imports_ended.get() { None } else { rt().modules().get(vm, full.value())? };
    let module = match loaded {
        Some(m) if !m.is_none() && is_complete(vm, m, full)? => m,
        _ => find_and_load(vm, full)?,
    };
    match fromlist {
        Some(names) if !names.is_none() && vm.truth(names)? => with_submodules(vm, module, names),
        _ => outermost(vm, module, text, full, level),
    }
}

/// What `import a.b.c` binds: the module of the first part of the name.
fn outermost(vm: &Vm, module: Value, name: Ptr<StrObj>, full: Ptr<StrObj>, level: i64) -> Res<Value> {
    let Some(dot) = name.chars().position(|c| c == '.' as u32) else { return Ok(module) };
    if level == 0 {
        return import(vm, name.substring(0, dot).value(), None, None, None, None);
    }
    let outer = full.substring(0, full.len() - (name.len() - dot)).value();
    match rt().modules().get(vm, outer)? {
        Some(m) => Ok(m),
        None => Err(vm.key_error(format!("{} not in sys.modules as expected", vm.repr_str(outer)?))),
    }
}

/// `module`, with the submodules among the names of a `from` import.
fn with_submodules(vm: &Vm, module: Value, names: Value) -> Res<Value> {
    if vm.get_attr_opt(module, rt().names.path)?.is_none() || has_all(module, names) {
        return Ok(module);
    }
    let boot = importlib(vm)?;
    let handle = vm.get_attr_str(boot, "_handle_fromlist")?;
    vm.call(handle, &[module, names, rt().import_function.get()]).map_err(crate::import_frames::remove)
}

/// Whether a module's namespace has all of some names.
fn has_all(module: Value, names: Value) -> bool {
    let (Some(m), Some(names)) = (module.downcast::<ModuleObj>(), names.downcast::<TupleObj>()) else {
        return false;
    };
    names
        .as_slice()
        .iter()
        .all(|n| n.downcast::<StrObj>().is_some_and(|s| s.is_interned() && m.get(*n).is_some()))
}

fn importlib(vm: &Vm) -> Res<Value> {
    let boot = rt().importlib.get();
    if boot.is_empty() { Err(vm.import_error("the import system is not set up")) } else { Ok(boot) }
}

/// Waits for a loaded module that another thread is importing. False: that import has failed, and this one begins anew; or somebody wants
/// to know of all imports, whose function is to be called.
fn is_complete(vm: &Vm, module: Value, name: Ptr<StrObj>) -> Res<bool> {
    let spec = match module.downcast::<ModuleObj>() {
        Some(m) => m.get(rt().names.spec),
        None => vm.get_attr_opt(module, rt().names.spec)?,
    };
    if let Some(spec) = spec
        && vm.is_initializing(spec)?
    {
        let wait = vm.get_attr_str(importlib(vm)?, "_lock_unlock_module")?;
        vm.call(wait, &[name.value()]).map_err(crate::import_frames::remove)?;
        if rt().modules().get(vm, name.value())? != Some(module) {
            return Ok(false);
        }
    }
    Ok(!rt().config().report_loaded_modules)
}

fn find_and_load(vm: &Vm, name: Ptr<StrObj>) -> Res<Value> {
    let boot = importlib(vm)?;
    if rt().is_audited() && !rt().modules().get(vm, name.value())?.is_some_and(|m| !m.is_none()) {
        let part = |name: &str| rt().sys().get_str(intern(name)).unwrap_or(Value::NONE);
        vm.audit(
            "import",
            &[name.value(), Value::NONE, part("path"), part("meta_path"), part("path_hooks")],
        )?;
    }
    let find = vm.get_attr_str(boot, "_find_and_load")?;
    vm.call(find, &[name.value(), rt().import_function.get()]).map_err(crate::import_frames::remove)
}

// ---- relative imports ----

/// The name of a module that `name` stands for in a package `level - 1` above that of the namespace `globals`.
fn absolute(vm: &Vm, name: Ptr<StrObj>, globals: Value, level: usize) -> Res<Ptr<StrObj>> {
    let package = package(vm, globals)?;
    let orphan = "attempted relative import with no known parent package";
    let package = package.filter(|p| !p.is_empty()).ok_or_else(|| vm.import_error(orphan))?;
    let mut end = package.len();
    for _ in 1..level {
        let dot = (0..end).rev().find(|&i| package.char_at(i) == '.' as u32);
        let beyond = || vm.import_error("attempted relative import beyond top-level package");
        end = dot.ok_or_else(beyond)?;
    }
    if name.is_empty() {
        return Ok(package.substring(0, end));
    }
    let mut full = StrBuilder::with_capacity(end + 1 + name.len());
    full.push_part(&package, 0, end);
    full.push('.' as u32);
    full.push_obj(&name);
    Ok(full.finish())
}

/// The package that a namespace belongs to. `None`: it is a module outside of packages.
fn package(vm: &Vm, globals: Value) -> Res<Option<Ptr<StrObj>>> {
    let names = &rt().names;
    let unnamed = || vm.key_error("'__name__' not in globals");
    if globals.is_none() {
        return Err(unnamed());
    }
    let Some(globals) = globals.downcast::<DictObj>() else {
        return Err(vm.type_error("globals must be a dict"));
    };
    let known = |n| globals.get_str(n).filter(|v| !v.is_none());
    let text = |v: Value, what: &str| {
        v.downcast::<StrObj>().ok_or_else(|| vm.type_error(format!("{what} must be a string")))
    };
    let parent = match known(names.spec) {
        Some(spec) => Some(vm.get_attr_str(spec, "parent")?),
        None => None,
    };
    if let Some(package) = known(names.package) {
        let package = text(package, "package")?;
        if let Some(parent) = parent
            && !vm.eq(package.value(), parent)?
        {
            warn(vm, rt().types.deprecation_warning, "__package__ != __spec__.parent", 1)?;
        }
        return Ok(Some(package));
    }
    if let Some(parent) = parent {
        return text(parent, "__spec__.parent").map(Some);
    }
    let message = "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__";
    warn(vm, rt().types.import_warning, message, 1)?;
    let name = text(globals.get_str(names.name).ok_or_else(unnamed)?, "__name__")?;
    if globals.get_str(names.path).is_some() {
        return Ok(Some(name));
    }
    let dot = name.chars().rposition(|c| c == '.' as u32);
    Ok(dot.map(|dot| name.substring(0, dot)))
}
