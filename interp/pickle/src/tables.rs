//! What the module shares with `copyreg` and `_compat_pickle`: their tables, looked up when somebody pickles for the first time.

use std::cell::OnceCell;

use cape_heap::Root;
use cape_vm::object::{DictObj, ListObj, ModuleObj, StrObj, TupleObj};
use cape_vm::{Ptr, Res, Value, Vm, rt};

/// A dict of a module in Python, kept from its first use on; each interpreter has its own.
pub struct Shared {
    module: &'static str,
    name: &'static str,
    dict: OnceCell<Root>,
}

// SAFETY: used with the GIL held.
unsafe impl Sync for Shared {}

impl Shared {
    const fn new(module: &'static str, name: &'static str) -> Shared {
        Shared { module, name, dict: OnceCell::new() }
    }

    /// The dict.
    #[inline]
    pub fn get(&'static self, vm: &Vm) -> Res<Ptr<DictObj>> {
        match self.dict.get().and_then(|r| r.get().downcast()) {
            Some(d) => Ok(d),
            None => self.import(vm),
        }
    }

    #[cold]
    fn import(&'static self, vm: &Vm) -> Res<Ptr<DictObj>> {
        let v = vm.import_attr(self.module, self.name)?;
        let d: Ptr<DictObj> = v
            .downcast()
            .ok_or_else(|| vm.runtime_error(format!("{}.{} should be a dict", self.module, self.name)))?;
        match self.dict.get() {
            Some(root) => root.set(v),
            None => cape_vm::interpreter::own(self.dict.get_or_init(|| Root::new(v))),
        }
        Ok(d)
    }
}

/// `copyreg.dispatch_table`
pub static DISPATCH: Shared = Shared::new("copyreg", "dispatch_table");
/// `copyreg._extension_registry`
pub static EXTENSIONS: Shared = Shared::new("copyreg", "_extension_registry");
/// `copyreg._inverted_registry`
pub static INVERTED: Shared = Shared::new("copyreg", "_inverted_registry");
/// `copyreg._extension_cache`
pub static CACHE: Shared = Shared::new("copyreg", "_extension_cache");
/// `_compat_pickle.NAME_MAPPING`
pub static NAMES: Shared = Shared::new("_compat_pickle", "NAME_MAPPING");
/// `_compat_pickle.IMPORT_MAPPING`
pub static IMPORTS: Shared = Shared::new("_compat_pickle", "IMPORT_MAPPING");
/// `_compat_pickle.REVERSE_NAME_MAPPING`
pub static OLD_NAMES: Shared = Shared::new("_compat_pickle", "REVERSE_NAME_MAPPING");
/// `_compat_pickle.REVERSE_IMPORT_MAPPING`
pub static OLD_IMPORTS: Shared = Shared::new("_compat_pickle", "REVERSE_IMPORT_MAPPING");

/// A module and a name in it by the names that the other Python has, according to these tables.
pub fn renamed(
    vm: &Vm,
    names: &'static Shared,
    imports: &'static Shared,
    module: Value,
    name: Value,
) -> Res<(Value, Value)> {
    let key = TupleObj::new(&[module, name]).value();
    if let Some(v) = names.get(vm)?.get(vm, key)? {
        let pair = v
            .downcast::<TupleObj>()
            .filter(|t| t.len() == 2 && t.as_slice().iter().all(|v| v.is::<StrObj>()));
        return match pair {
            Some(t) => Ok((t.get(0), t.get(1))),
            None => Err(vm.runtime_error(format!(
                "{}.{} values should be 2-tuples of str, not {}",
                names.module,
                names.name,
                crate::errors::class_name(v)
            ))),
        };
    }
    match imports.get(vm)?.get(vm, module)? {
        Some(v) if v.is::<StrObj>() => Ok((v, name)),
        Some(v) => Err(vm.runtime_error(format!(
            "{}.{} values should be strings, not {}",
            imports.module,
            imports.name,
            crate::errors::class_name(v)
        ))),
        None => Ok((module, name)),
    }
}

/// The module of this name, imported if need be. One that another thread is importing may come unfinished: [`import_whole`].
pub fn import(vm: &Vm, name: Value) -> Res<Value> {
    let Some(text) = name.downcast::<StrObj>() else {
        return Err(vm.type_error("module name must be a string"));
    };
    match rt().modules().get_str(rt().intern_obj(text)) {
        Some(m) if m.is::<ModuleObj>() => Ok(m),
        _ => import_whole(vm, name),
    }
}

/// The module of this name, as `__import__` leaves it.
#[cold]
pub fn import_whole(vm: &Vm, name: Value) -> Res<Value> {
    let import =
        rt().builtins().get_str(rt().names.import).ok_or_else(|| vm.import_error("__import__ not found"))?;
    let empty = DictObj::new().value();
    let list = ListObj::new(&[]).value();
    vm.call(import, &[name, empty, empty, list, Value::int(0)])?;
    rt().modules().get(vm, name)?.ok_or_else(|| vm.key_error_for(name))
}

/// The parts of a dotted name.
pub fn dotted(name: Ptr<StrObj>) -> Vec<(usize, usize)> {
    let (mut parts, mut start) = (vec![], 0);
    for (i, c) in name.chars().enumerate() {
        if c == '.' as u32 {
            parts.push((start, i));
            start = i + 1;
        }
    }
    parts.push((start, name.len()));
    parts
}

/// The attribute that a dotted name leads to.
pub fn get_dotted(vm: &Vm, of: Value, name: Ptr<StrObj>) -> Res<Value> {
    let mut v = of;
    for (start, end) in dotted(name) {
        v = vm.get_attr(v, rt().intern_obj(name.substring(start, end)))?;
    }
    Ok(v)
}
