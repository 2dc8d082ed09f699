//! Audit events (`sys.audit`): what Python code, and native functions in its stead, tell the hooks of, which may forbid it by raising.
//!
//! Nothing is made for an event while nobody listens. A native function whose event has the function's own arguments is declared in a
//! table ([`audited`]); the others call [`Vm::audit`] where they know what they are about to do.

use cape_heap::{Ptr, Value};

use crate::exc::Res;
use crate::native::MethodDef;
use crate::object::*;
use crate::runtime::{intern, rt};
use crate::vm::Vm;

/// The event of a native function, raised before its arguments are looked at.
pub struct Audited {
    /// Its name.
    event: &'static str,
    /// Of each argument of the event: which parameter it is, and what stands for it when that is missing or None.
    arguments: Vec<(usize, Option<Value>)>,
    /// The function itself.
    func: crate::native::NativeFn,
}

/// The row of a function that tells of `event`, with parameters of its own, named in `arguments`: those that were not given are None, or
/// the number behind the name (`dir_fd=-1`).
pub fn audited(def: &'static MethodDef, event: &'static str, arguments: &str) -> &'static MethodDef {
    let params = &def.parsed().params;
    let one = |text: &str| {
        let (name, default) = match text.split_once('=') {
            Some((name, n)) => (name, Some(Value::int(n.parse().expect("a number")))),
            None => (text, None),
        };
        let at = params.iter().position(|p| p.name == name).expect("a parameter's name");
        (at, default)
    };
    let arguments = arguments.split_whitespace().map(one).collect();
    def.with_audit(Audited { event, arguments, func: def.func }, report)
}

/// What such a function is called through.
fn report(vm: &Vm, args: &[Value]) -> Res<Value> {
    let def = vm.native_def();
    let a = def.audited.as_ref().expect("an audited function");
    if rt().is_audited() {
        let mut told = ValueVec::new();
        for &(at, default) in &a.arguments {
            told.push(match (args[at], default) {
                (v, Some(d)) if v.is_empty() || v.is_none() => d,
                (v, None) if v.is_empty() => Value::NONE,
                (v, _) => v,
            });
        }
        vm.audit(a.event, &told)?;
        vm.native_def.set(def);
    }
    (a.func)(vm, args)
}

impl Vm {
    /// Tells the hooks of an event.
    #[inline]
    pub fn audit(&self, event: &str, args: &[Value]) -> Res<()> {
        if rt().is_audited() { self.tell_hooks(StrObj::new(event), TupleObj::new(args)) } else { Ok(()) }
    }

    /// The event of reading, writing (`v` is what) or deleting (`v` is EMPTY) an attribute that says how code runs.
    #[cold]
    pub fn audit_attribute(&self, o: Value, name: &str, written: Option<Value>) -> Res<()> {
        match written {
            None => self.audit("object.__getattr__", &[o, intern(name)]),
            Some(v) if v.is_empty() => self.audit("object.__delattr__", &[o, intern(name)]),
            Some(v) => self.audit("object.__setattr__", &[o, intern(name), v]),
        }
    }

    /// As [`Vm::audit`], with the arguments in a tuple.
    #[cold]
    pub fn tell_hooks(&self, event: Ptr<StrObj>, args: Ptr<TupleObj>) -> Res<()> {
        let Some(hooks) = rt().audit_hooks() else { return Ok(()) };
        // Hooks are traced when they say so.
        self.pause_tracing(true);
        let r = hooks.as_slice().iter().try_for_each(|&hook| {
            let traced = match self.get_attr_opt(hook, intern("__cantrace__"))? {
                Some(v) => self.truth(v)?,
                None => false,
            };
            if traced {
                self.pause_tracing(false);
            }
            let r = self.call(hook, &[event.value(), args.value()]);
            if traced {
                self.pause_tracing(true);
            }
            r.map(drop)
        });
        self.pause_tracing(false);
        r
    }

    /// `sys.addaudithook`: the hooks there are may keep another from being added.
    pub fn add_audit_hook(&self, hook: Value) -> Res<()> {
        match self.audit("sys.addaudithook", &[]) {
            Err(e) if e.is(rt().types.exception) => Ok(()),
            r => {
                r?;
                rt().push_audit_hook(hook);
                Ok(())
            }
        }
    }
}
