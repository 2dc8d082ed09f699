//! What is told of an exception that nobody caught in another interpreter: texts, for the exception itself stays there.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

/// A snapshot of an exception.
pub struct Snapshot {
    name: String,
    qualname: String,
    module: Option<String>,
    message: Option<String>,
    /// As the interpreter that it ended would have printed it.
    display: Option<String>,
}

impl Snapshot {
    /// Of an exception of the interpreter that runs. What cannot be had of it is missing.
    pub fn of(vm: &Vm, e: Ptr<ExcObj>) -> Snapshot {
        let class = type_of(e.value()).value();
        let text = |v: Res<Value>| v.ok().and_then(|v| v.downcast::<StrObj>()).map(|s| s.display());
        Snapshot {
            name: text(vm.get_attr(class, rt().names.name)).unwrap_or_default(),
            qualname: text(vm.get_attr(class, intern("__qualname__"))).unwrap_or_default(),
            module: text(vm.get_attr(class, intern("__module__"))),
            message: vm.str(e.value()).ok().map(|s| s.display()),
            display: display(vm, e).ok(),
        }
    }

    /// The name that tracebacks have for the class.
    fn full_name(&self) -> String {
        match self.module.as_deref() {
            None | Some("builtins" | "__main__") => self.qualname.clone(),
            Some(m) => format!("{m}.{}", self.qualname),
        }
    }

    /// The class and the message.
    pub fn formatted(&self) -> String {
        match &self.message {
            Some(m) => format!("{}: {m}", self.full_name()),
            None => self.full_name(),
        }
    }

    /// For programs, in the interpreter that runs.
    pub fn namespace(&self, vm: &Vm) -> Res<Value> {
        let text = |s: &str| StrObj::new(s).value();
        let maybe = |s: &Option<String>| s.as_deref().map_or(Value::NONE, text);
        let class = DictObj::new();
        class.set_str(rt().names.name, text(&self.name));
        class.set_str(intern("__qualname__"), text(&self.qualname));
        class.set_str(intern("__module__"), maybe(&self.module));
        let d = DictObj::new();
        d.set_str(intern("type"), namespace(vm, class)?);
        d.set_str(intern("msg"), maybe(&self.message));
        d.set_str(intern("formatted"), text(&self.formatted()));
        d.set_str(intern("errdisplay"), maybe(&self.display));
        namespace(vm, d)
    }
}

fn display(vm: &Vm, e: Ptr<ExcObj>) -> Res<String> {
    let lines = vm.call(vm.import_attr("traceback", "format_exception")?, &[e.value()])?;
    let text = vm.call_method(rt().empty_str().value(), intern("join"), &[lines])?;
    Ok(vm.str(text)?.display().trim_end_matches('\n').to_string())
}

/// A `types.SimpleNamespace` of what is in `d`.
pub fn namespace(vm: &Vm, d: Ptr<DictObj>) -> Res<Value> {
    vm.call_dict(rt().types.simple_namespace.value(), &[], Some(d))
}
