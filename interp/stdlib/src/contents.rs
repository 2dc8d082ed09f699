//! What native modules contain when they have been made.
//!
//! The functions and classes of native modules are the process's: the interpreter that imports a module first makes them, further ones get
//! a module of their own with the same. What a module has of each interpreter's own is made anew by the module ([`renewed_by`]).

use std::sync::Mutex;

use cape_heap::Value;
use cape_vm::native::MethodDef;
use cape_vm::object::*;
use cape_vm::runtime::{NativeModule, intern, rt};
use cape_vm::{Ptr, Res, Vm};

use crate::statics::StaticValue;

/// A dict: a module's name to an array of the number of the interpreter that made the module and, for each name in it, the name, the value
/// and None. Functions of the module, which refer to it, are not kept, for it may die: the value is their `__module__`, and the address of
/// the definition follows.
static CONTENTS: StaticValue = StaticValue::shared();

/// What modules do for a further interpreter.
static RENEWED: Mutex<Vec<(&str, NativeModule)>> = Mutex::new(Vec::new());

/// Has `renew` called with each further module `name`, when it has the contents of the first: it replaces what must not be shared.
pub fn renewed_by(name: &'static str, renew: NativeModule) {
    RENEWED.lock().unwrap_or_else(|e| e.into_inner()).push((name, renew));
}

pub(crate) fn register() {
    renewed_by("atexit", crate::atexit::renew);
    renewed_by("gc", crate::gc::renew);
    renewed_by("_csv", crate::csv::renew);
    renewed_by("_warnings", crate::warnings::renew);
    renewed_by("posix", crate::posix::renew);
}

fn contents() -> Option<Ptr<DictObj>> {
    CONTENTS.try_get().and_then(|d| d.downcast())
}

/// Keeps what a module contains that has just been made.
pub fn keep(vm: &Vm, name: &str, m: Ptr<ModuleObj>) {
    let mut all = ValueVec::new();
    all.push(Value::int(vm.interpreter().id()));
    let names = &rt().names;
    for e in m.dict().table.iter() {
        // Importlib's, which is each interpreter's own.
        let imported = e.key == names.loader || e.key == names.spec;
        let function = e.value.downcast::<BuiltinObj>().filter(|f| f.this.get() == m.value());
        let (value, def) = match function {
            Some(f) => (f.module.get(), Value::int(f.def as *const MethodDef as i64)),
            None if imported => (Value::NONE, Value::NONE),
            None => (e.value, Value::NONE),
        };
        [e.key, value, def].into_iter().for_each(|v| all.push(v));
    }
    let all = ArrayObj::from_slice(&all).value();
    let contents = contents().unwrap_or_else(|| {
        let d = DictObj::new();
        CONTENTS.set(d.value());
        d
    });
    contents.set_str(intern(name), all);
}

/// A module with the contents of the one that another interpreter made; `None` when there is none, or when it was the main interpreter that
/// made it and is to make it again.
pub fn copy(vm: &Vm, name: &str) -> Res<Option<Ptr<ModuleObj>>> {
    let Some(all) = contents().and_then(|c| c.get_str(intern(name))).and_then(|a| a.downcast::<ArrayObj>())
    else {
        return Ok(None);
    };
    let running = vm.interpreter();
    if running.is_main() && all.as_slice()[0] == Value::int(running.id()) {
        return Ok(None);
    }
    let m = ModuleObj::with_map(rt().maps.module);
    for at in (1..all.as_slice().len()).step_by(3) {
        let [key, value, def] = [0, 1, 2].map(|i| all.as_slice()[at + i]);
        let value = match def.is_int().then(|| def.as_int()) {
            // SAFETY: `keep` has put the address of a definition there, and they stay.
            Some(def) => BuiltinObj::new(unsafe { &*(def as *const MethodDef) }, m.value(), value).value(),
            None => own(value),
        };
        m.dict().set_str(key, value);
    }
    let renew = RENEWED.lock().unwrap_or_else(|e| e.into_inner()).iter().find(|r| r.0 == name).map(|r| r.1);
    if let Some(renew) = renew {
        renew(vm, m)?;
    }
    Ok(Some(m))
}

/// A further module's value for that of the first: containers are copied.
fn own(v: Value) -> Value {
    let map = if v.is_ptr() { Some(v.header().map()) } else { None };
    match v.downcast::<ListObj>() {
        Some(l) if map == Some(rt().maps.list) => return ListObj::new(l.snapshot().as_slice()).value(),
        _ => {}
    }
    match v.downcast::<DictObj>() {
        Some(d) if map == Some(rt().maps.dict) => d.copy().value(),
        _ => v,
    }
}
