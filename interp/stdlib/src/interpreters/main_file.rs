//! `__main__` as data see it that come from another interpreter: pickles name functions and classes of the program, which in a further
//! interpreter nobody has run. It is run for them then, as a module of another name.

use cape_heap::Root;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

use crate::statics::StaticValue;

/// What the program is called when it is run for its definitions.
const FAKE: &str = "<fake __main__>";

/// The module that has its definitions, once somebody has asked for one.
static DEFINED: StaticValue = StaticValue::new();

/// The namespace of `__main__`.
pub fn namespace(vm: &Vm) -> Res<Ptr<DictObj>> {
    let main = vm.import_module("__main__")?;
    main.downcast::<ModuleObj>().map(|m| m.dict()).ok_or_else(|| vm.runtime_error("__main__ is no module"))
}

/// The file of the program that the main interpreter runs.
fn file(vm: &Vm) -> Option<String> {
    let main = cape_vm::interpreter::main();
    let found = super::inside(vm, &main, |_| {
        let m = rt().modules().get_str(rt().names.main)?.downcast::<ModuleObj>()?;
        Some(m.get(rt().names.file)?.downcast::<StrObj>()?.display())
    });
    found.ok().flatten()
}

/// The program's definitions, for which it is run the first time.
fn defined(vm: &Vm) -> Res<Option<Value>> {
    if let Some(m) = DEFINED.try_get() {
        return Ok(Some(m));
    }
    let Some(file) = file(vm) else { return Ok(None) };
    let run = vm.import_attr("runpy", "run_path")?;
    let names = DictObj::new();
    names.set_str(intern("run_name"), intern(FAKE));
    let ran = vm.call_dict(run, &[StrObj::new(&file).value()], Some(names))?;
    let m = crate::imp::new_module(FAKE);
    if let Some(ran) = ran.downcast::<DictObj>() {
        m.dict().table.copy_from(m.dict().header(), &ran.table);
    }
    DEFINED.set(m.value());
    Ok(Some(m.value()))
}

fn loads(vm: &Vm, data: &[u8]) -> Res<Value> {
    let loads = vm.import_attr("pickle", "loads")?;
    vm.call(loads, &[BytesObj::new(data).value()])
}

/// The object that was pickled in another interpreter.
pub fn unpickle(vm: &Vm, data: &[u8]) -> Res<Value> {
    let r = match loads(vm, data) {
        Err(r) if r.is(rt().types.attribute_error) => r,
        other => return other,
    };
    if vm.interpreter().is_main() || !names_main(data) {
        return Err(r);
    }
    let Some(defined) = defined(vm)? else { return Err(r) };
    // The pickle looks for `__main__`.
    let modules = rt().modules();
    let before = modules.get_str(rt().names.main).map(Root::new);
    modules.set_str(rt().names.main, defined);
    let loaded = loads(vm, data);
    if let Some(before) = before {
        modules.set_str(rt().names.main, before.get());
    }
    loaded
}

/// Whether a pickle may refer to what is in `__main__`.
fn names_main(data: &[u8]) -> bool {
    memchr::memmem::find(data, b"__main__").is_some()
}
