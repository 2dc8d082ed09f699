//! Names, and what the library has in Python.

use cape_stdlib::statics::StaticValue;
use cape_vm::object::TypeObj;
use cape_vm::{Ptr, Res, Value, Vm, intern};

/// A string that is looked up again and again.
pub(crate) struct Name(&'static str, StaticValue);

impl Name {
    const fn new(text: &'static str) -> Name {
        Name(text, StaticValue::shared())
    }

    /// The interned string.
    pub(crate) fn get(&'static self) -> Value {
        self.1.try_get().unwrap_or_else(|| {
            let v = intern(self.0);
            self.1.set(v);
            v
        })
    }
}

pub(crate) static CALL_SOON: Name = Name::new("call_soon");
pub(crate) static GET_DEBUG: Name = Name::new("get_debug");
pub(crate) static BLOCKING: Name = Name::new("_asyncio_future_blocking");

/// Something that the library has in Python, imported when it is first needed.
pub(crate) struct Import(&'static str, &'static str, StaticValue);

impl Import {
    const fn new(module: &'static str, name: &'static str) -> Import {
        Import(module, name, StaticValue::new())
    }

    pub(crate) fn get(&'static self, vm: &Vm) -> Res<Value> {
        self.2.get_or(|| vm.import_attr(self.0, self.1))
    }

    /// A class.
    pub(crate) fn class(&'static self, vm: &Vm) -> Res<Ptr<TypeObj>> {
        let v = self.get(vm)?;
        v.downcast().ok_or_else(|| vm.type_error(format!("{}.{} is not a class", self.0, self.1)))
    }
}

pub(crate) static CANCELLED_ERROR: Import = Import::new("asyncio.exceptions", "CancelledError");
pub(crate) static INVALID_STATE: Import = Import::new("asyncio.exceptions", "InvalidStateError");
pub(crate) static FUTURE_REPR: Import = Import::new("asyncio.base_futures", "_future_repr");
pub(crate) static TASK_REPR: Import = Import::new("asyncio.base_tasks", "_task_repr");
pub(crate) static GET_STACK: Import = Import::new("asyncio.base_tasks", "_task_get_stack");
pub(crate) static PRINT_STACK: Import = Import::new("asyncio.base_tasks", "_task_print_stack");
pub(crate) static GET_POLICY: Import = Import::new("asyncio.events", "_get_event_loop_policy");
pub(crate) static IS_COROUTINE: Import = Import::new("asyncio.coroutines", "iscoroutine");
pub(crate) static EXTRACT_STACK: Import = Import::new("traceback", "extract_stack");
pub(crate) static WEAK_SET: Import = Import::new("weakref", "WeakSet");
