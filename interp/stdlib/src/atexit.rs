//! `atexit`: functions to be called when the interpreter ends.

use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::statics::StaticValue;

/// A list of tuples: function, args, kwargs.
static CALLBACKS: StaticValue = StaticValue::new();

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    if CALLBACKS.try_get().is_none() {
        renew(vm, m)?;
    }
    m.function(
        "register($module, func, /, *args, **kwargs)",
        "Register a function to be executed upon normal program termination.\n\n    func - function to be called at exit\n    args - optional arguments to pass to func\n    kwargs - optional keyword arguments to pass to func\n\n    func is returned to facilitate usage as a decorator.",
        |vm: &Vm, f: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>| {
            if !vm.is_callable(f) {
                return Err(vm.type_error("the first argument must be callable"));
            }
            callbacks().push(TupleObj::new(&[f, args.value(), kwargs.value()]).value());
            Ok(f)
        },
    )
    .function(
        "unregister($module, func, /)",
        "Unregister an exit function which was previously registered using\natexit.register\n\n    func - function to be unregistered",
        unregister,
    )
    .function("_clear($module, /)", "Clear the list of previously registered exit functions.", |_: &Vm| {
        let l = callbacks();
        l.splice(0, l.len(), &[]);
    })
    .function("_run_exitfuncs($module, /)", "Run all registered exit functions.", |vm: &Vm| run(vm))
    .function(
        "_ncallbacks($module, /)",
        "Return the number of registered exit functions.",
        |_: &Vm| callbacks().len(),
    );
    Ok(())
}

/// An interpreter's own list.
pub(crate) fn renew(_: &Vm, _: Ptr<ModuleObj>) -> Res<()> {
    CALLBACKS.set(ListObj::new(&[]).value());
    Ok(())
}

fn callbacks() -> Ptr<ListObj> {
    CALLBACKS.try_get().and_then(|v| v.downcast()).expect("the module was initialised")
}

fn unregister(vm: &Vm, f: Value) -> Res<()> {
    let items = callbacks().snapshot();
    for &item in items.as_slice() {
        let Some(t) = item.downcast::<TupleObj>() else { continue };
        if vm.eq_identity(t.get(0), f)? {
            let l = callbacks();
            let at = (0..l.len()).find(|i| l.get(*i) == Some(item));
            if let Some(i) = at {
                l.remove(i);
            }
        }
    }
    Ok(())
}

/// Calls the functions, last registered first; what they raise is reported, not raised.
pub fn run(vm: &Vm) {
    // (Nobody has registered any while the module is not imported.)
    while let Some(l) = CALLBACKS.try_get().and_then(|v| v.downcast::<ListObj>()) {
        let Some(last) = l.len().checked_sub(1) else { return };
        let item = l.remove(last);
        let Some(t) = item.downcast::<TupleObj>() else { continue };
        let (f, args, kwargs) = (t.get(0), t.get(1), t.get(2));
        let args: Ptr<TupleObj> = args.downcast().expect("args of a callback");
        let r: Result<Value, Raised> = vm.call_dict(f, args.as_slice(), kwargs.downcast());
        if let Err(e) = r {
            let shown = vm.repr_str(f).unwrap_or_else(|_| "<object repr() failed>".to_string());
            vm.report_unraisable(e, &format!("Exception ignored in atexit callback {shown}"));
        }
    }
}
