//! `BaseExceptionGroup` and `ExceptionGroup`.

use cape_vm::class::{ClassSpec, make_class};
use cape_vm::exc::{extra, set_extra};
use cape_vm::eval::{exception_matches, is_exception_class};
use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::exceptions::{INIT, INIT_DOC, NEW_DOC, args_of, base_init, field};

/// `ExceptionGroup`: the only builtin class with two bases, hence made like a Python class.
pub static EXCEPTION_GROUP: StaticType = StaticType::new();

const MESSAGE: usize = 0;
const EXCEPTIONS: usize = 1;
/// The repr of a custom sequence that was given as the second argument.
const SEQUENCE_REPR: usize = 2;

/// Completes the types of this file.
pub fn init(vm: &Vm) {
    let base = rt().types.base_exception_group;
    extend(base)
        .new_fn("__new__($type, *args, **kwargs)", NEW_DOC, new)
        .method(INIT, INIT_DOC, base_init)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__str__($self, /)", "Return str(self).", str)
        .class_method(
            "__class_getitem__($type, object, /)",
            "Exception groups are generic over the type of their contained exceptions",
            |vm: &Vm, cls: Value, item: Value| vm.call_generic_alias(cls, item),
        )
        .method("derive($self, excs, /)", "", derive)
        .method("split($self, matcher_value, /)", "", split)
        .method("subgroup($self, matcher_value, /)", "", subgroup)
        .getter("message", "exception message", field::<MESSAGE>)
        .getter("exceptions", "nested exceptions", field::<EXCEPTIONS>);
    let namespace = DictObj::new();
    namespace.set_str(rt().names.module, rt().names.empty_module);
    let made = make_class(
        vm,
        &ClassSpec {
            meta: rt().types.type_,
            name: StrObj::new("ExceptionGroup"),
            bases: TupleObj::new(&[base.value(), rt().types.exception.value()]),
            namespace,
        },
    );
    if let Ok(class) = made {
        EXCEPTION_GROUP.set(class);
        rt().builtins().set_str(intern("ExceptionGroup"), class.value());
    }
}

fn is_group(v: Value) -> bool {
    type_of(v).is_subtype(rt().types.base_exception_group)
}

fn exceptions_of(e: Ptr<ExcObj>) -> Ptr<TupleObj> {
    extra(e, EXCEPTIONS).downcast().unwrap_or_else(|| rt().empty_tuple())
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, _kwargs: Ptr<DictObj>) -> Res<Ptr<ExcObj>> {
    const NAME: &str = "BaseExceptionGroup.__new__()";
    let &[message, excs] = args.as_slice() else {
        return Err(vm.type_error(format!("{NAME} takes exactly 2 arguments ({} given)", args.len())));
    };
    if !message.is::<StrObj>() {
        let got = if message.is_none() { "None".to_string() } else { type_of(message).name_str() };
        return Err(vm.type_error(format!("{NAME} argument 1 must be str, not {got}")));
    }
    let plain = excs.is::<ListObj>() || excs.is::<TupleObj>();
    if !plain && type_of(excs).special(cape_vm::special::Special::Getitem).is_empty() || excs.is::<DictObj>() {
        return Err(vm.type_error("second argument (exceptions) must be a sequence"));
    }
    let array = vm.list_of(excs)?;
    let items = array.as_slice();
    if items.is_empty() {
        return Err(vm.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    let mut base_exceptions = false;
    for (i, e) in items.iter().enumerate() {
        if !e.is::<ExcObj>() {
            return Err(
                vm.value_error(format!("Item {i} of second argument (exceptions) is not an exception"))
            );
        }
        base_exceptions |= !type_of(*e).is_subtype(rt().types.exception);
    }
    let group = EXCEPTION_GROUP.get();
    let mut class = cls;
    if class == group {
        if base_exceptions {
            return Err(vm.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
        }
    } else if class == rt().types.base_exception_group {
        if !base_exceptions {
            class = group;
        }
    } else if base_exceptions && class.is_subtype(rt().types.exception) {
        return Err(vm.type_error(format!("Cannot nest BaseExceptions in '{}'", class.name_str())));
    }
    let text = if plain { Value::EMPTY } else { vm.repr(excs)?.value() };
    let e = ExcObj::with_map(class.instance_map(), args);
    set_extra(e, MESSAGE, message);
    set_extra(e, EXCEPTIONS, TupleObj::new(items).value());
    set_extra(e, SEQUENCE_REPR, text);
    Ok(e)
}

fn repr(vm: &Vm, e: Ptr<ExcObj>) -> Res<Value> {
    let excs = match extra(e, SEQUENCE_REPR).downcast::<StrObj>() {
        Some(text) => text,
        None => {
            let tuple = exceptions_of(e);
            let list = args_of(e).as_slice().get(1).is_some_and(|a| a.is::<ListObj>());
            vm.repr(if list { ListObj::new(tuple.as_slice()).value() } else { tuple.value() })?
        }
    };
    let message = vm.repr(extra(e, MESSAGE))?;
    let mut out = StrBuilder::new();
    out.push_str(&type_of(e.value()).name_str());
    out.push_str("(");
    out.push_obj(&message);
    out.push_str(", ");
    out.push_obj(&excs);
    out.push_str(")");
    Ok(out.finish().value())
}

fn str(vm: &Vm, e: Ptr<ExcObj>) -> Res<Value> {
    let message = vm.str(extra(e, MESSAGE))?;
    let n = exceptions_of(e).len();
    let mut out = StrBuilder::new();
    out.push_obj(&message);
    out.push_str(&format!(" ({n} sub-exception{})", if n == 1 { "" } else { "s" }));
    Ok(out.finish().value())
}

fn derive(vm: &Vm, e: Ptr<ExcObj>, excs: Value) -> Res<Value> {
    vm.call(rt().types.base_exception_group.value(), &[extra(e, MESSAGE), excs])
}

/// What `split` and `subgroup` select by.
enum Matcher {
    /// A class or a tuple of classes.
    Class(Value),
    /// A predicate.
    Call(Value),
}

fn matcher(vm: &Vm, v: Value) -> Res<Matcher> {
    if is_exception_class(v) {
        return Ok(Matcher::Class(v));
    }
    if vm.is_callable(v) && !v.is::<TypeObj>() {
        return Ok(Matcher::Call(v));
    }
    if let Some(t) = v.downcast::<TupleObj>()
        && t.as_slice().iter().all(|c| is_exception_class(*c))
    {
        return Ok(Matcher::Class(v));
    }
    Err(vm.type_error(
        "expected an exception type, a tuple of exception types, or a callable (other than a class)",
    ))
}

impl Matcher {
    fn matches(&self, vm: &Vm, e: Value) -> Res<bool> {
        match *self {
            Matcher::Class(c) => Ok(exception_matches(e, c)),
            Matcher::Call(f) => {
                let r = vm.call(f, &[e])?;
                vm.truth(r)
            }
        }
    }
}

/// The matching part and, if asked for, the rest; None where there is nothing.
fn split_by(vm: &Vm, e: Value, by: &Matcher, want_rest: bool) -> Res<(Value, Value)> {
    if by.matches(vm, e)? {
        return Ok((e, Value::NONE));
    }
    if !is_group(e) {
        return Ok((Value::NONE, e));
    }
    vm.check_native_stack(" in exceptiongroup_split_recursive")?;
    let group: Ptr<ExcObj> = e.downcast().expect("a group is an exception");
    let subs = exceptions_of(group);
    let (mut matched, mut rest) = (ValueVec::new(), ValueVec::new());
    for &s in subs.as_slice() {
        let (m, r) = split_by(vm, s, by, want_rest)?;
        if !m.is_none() {
            matched.push(m);
        }
        if want_rest && !r.is_none() {
            rest.push(r);
        }
    }
    let part = |items: &ValueVec| {
        if items.is_empty() { Ok(Value::NONE) } else { vm.derive_group(e, items) }
    };
    let m = part(&matched)?;
    let r = part(&rest)?;
    Ok((m, r))
}

fn split(vm: &Vm, e: Ptr<ExcObj>, value: Value) -> Res<Value> {
    let by = matcher(vm, value)?;
    let (m, r) = split_by(vm, e.value(), &by, true)?;
    Ok(TupleObj::new(&[m, r]).value())
}

fn subgroup(vm: &Vm, e: Ptr<ExcObj>, value: Value) -> Res<Value> {
    let by = matcher(vm, value)?;
    Ok(split_by(vm, e.value(), &by, false)?.0)
}
