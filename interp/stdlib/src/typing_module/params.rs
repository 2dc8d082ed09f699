//! `TypeVar`, `ParamSpec`, `TypeVarTuple`, and the parts of a ParamSpec.

use std::cell::Cell;

use cape_builtins::function::add_dict;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::{ListObj, ModuleObj, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use super::{call_typing, caller, evaluated, evaluator, no_default, set_module, subclass_error, unpack};

heap_object! {
    /// A type parameter of any of the three sorts. Fields with an evaluator are EMPTY until they are asked for.
    pub struct ParamObj {
        name: Field,
        bound: Field,
        evaluate_bound: Field,
        constraints: Field,
        evaluate_constraints: Field,
        default: Field,
        evaluate_default: Field,
        covariant: Cell<bool>,
        contravariant: Cell<bool>,
        infer: Cell<bool>,
    }

    /// `P.args` or `P.kwargs`: the type says which.
    pub struct ParamPartObj { origin: Field }
}

impl Named for ParamObj {
    const NAME: &'static str = "typing.TypeVar";
}
impl Named for ParamPartObj {
    const NAME: &'static str = "typing.ParamSpecArgs";
}

static TYPE_VAR: StaticType = StaticType::new();
static PARAM_SPEC: StaticType = StaticType::new();
static TYPE_VAR_TUPLE: StaticType = StaticType::new();
static ARGS: StaticType = StaticType::new();
static KWARGS: StaticType = StaticType::new();

type P = Ptr<ParamObj>;
const E: Value = Value::EMPTY;

pub(super) fn is_tuple_param(v: Value) -> bool {
    v.is::<ParamObj>() && type_of(v) == TYPE_VAR_TUPLE.get()
}

fn alloc(cls: Ptr<TypeObj>, name: Value) -> P {
    let map = cls.instance_map();
    let none = || Field::new(E);
    heap().alloc(
        map,
        ParamObj {
            header: Header::new(map),
            name: Field::new(name),
            bound: none(),
            evaluate_bound: none(),
            constraints: none(),
            evaluate_constraints: none(),
            default: none(),
            evaluate_default: none(),
            covariant: Cell::new(false),
            contravariant: Cell::new(false),
            infer: Cell::new(false),
        },
    )
}

/// What all three sorts have; EMPTY bound means None, EMPTY default NoDefault.
fn common(b: TypeBuilder) -> TypeBuilder {
    let b = b
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, p: P| {
            let n = p.name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
            let mark = if p.infer.get() || type_of(p.value()) == TYPE_VAR_TUPLE.get() {
                ""
            } else if p.covariant.get() {
                "+"
            } else if p.contravariant.get() {
                "-"
            } else {
                "~"
            };
            format!("{mark}{n}")
        })
        .method("has_default($self, /)", "", |_: &Vm, p: P| has_default(p.value()) == Some(true))
        .method("__reduce__($self, /)", "", |_: &Vm, p: P| p.name.get())
        .method("__mro_entries__($self, bases, /)", "", |vm: &Vm, p: P, _: Value| -> Res<Value> {
            Err(subclass_error(vm, type_of(p.value())))
        })
        .getter("__name__", "", |_: &Vm, p: P| p.name.get())
        .getter("__default__", "", default_of)
        .getter("evaluate_default", "", |_: &Vm, p: P| match evaluator(&p.default, &p.evaluate_default) {
            v if p.default.get() == no_default() && p.evaluate_default.get().is_empty() => {
                let _ = v;
                Value::NONE
            }
            v => v,
        });
    add_dict(b)
}

/// Whether a type parameter has a default; `None` when the value is none.
pub(super) fn has_default(v: Value) -> Option<bool> {
    let p = v.downcast::<ParamObj>()?;
    let default = p.default.get();
    Some(!p.evaluate_default.get().is_empty() || !default.is_empty() && default != no_default())
}

fn default_of(vm: &Vm, p: P) -> Res<Value> {
    let v = evaluated(vm, p, &p.default, &p.evaluate_default)?;
    Ok(if v.is_empty() { no_default() } else { v })
}

fn variance(b: TypeBuilder) -> TypeBuilder {
    b.getter("__covariant__", "", |_: &Vm, p: P| p.covariant.get())
        .getter("__contravariant__", "", |_: &Vm, p: P| p.contravariant.get())
        .getter("__infer_variance__", "", |_: &Vm, p: P| p.infer.get())
        .getter("__bound__", "", |vm: &Vm, p: P| -> Res<Value> {
            let v = evaluated(vm, p, &p.bound, &p.evaluate_bound)?;
            Ok(if v.is_empty() { Value::NONE } else { v })
        })
        .method("__or__($self, value, /)", "Return self|value.", cape_builtins::union_::make)
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| {
            cape_builtins::union_::make(vm, b, a)
        })
}

pub(super) fn init(m: Ptr<ModuleObj>) {
    let object = rt().types.object;
    let flags = TypeFlags::HAS_DICT | TypeFlags::HAS_WEAKREF;
    let b = new_type::<ParamObj>("typing.TypeVar", object, flags)
        .doc("Type variable.")
        .new_fn("__new__(cls, name, *constraints, bound=None, default=<unrepresentable>, covariant=False, contravariant=False, infer_variance=False)", "", type_var)
        .method("__typing_subst__($self, arg, /)", "", |vm: &Vm, p: P, a: Value| call_typing(vm, "_typevar_subst", &[p.value(), a]))
        .method("__typing_prepare_subst__($self, alias, args, /)", "", prepare_subst)
        .getter("__constraints__", "", |vm: &Vm, p: P| -> Res<Value> {
            let v = evaluated(vm, p, &p.constraints, &p.evaluate_constraints)?;
            Ok(if v.is_empty() { rt().empty_tuple().value() } else { v })
        })
        .getter("evaluate_bound", "", |_: &Vm, p: P| evaluator(&p.bound, &p.evaluate_bound))
        .getter("evaluate_constraints", "", |_: &Vm, p: P| evaluator(&p.constraints, &p.evaluate_constraints));
    common(variance(b));
    TYPE_VAR.set(b.class());
    m.class(b.class());
    let b = new_type::<ParamObj>("typing.ParamSpec", object, flags)
        .doc("Parameter specification variable.")
        .new_fn("__new__(cls, name, *, bound=None, default=<unrepresentable>, covariant=False, contravariant=False, infer_variance=False)", "", param_spec)
        .method("__typing_subst__($self, arg, /)", "", |vm: &Vm, p: P, a: Value| call_typing(vm, "_paramspec_subst", &[p.value(), a]))
        .method("__typing_prepare_subst__($self, alias, args, /)", "", |vm: &Vm, p: P, alias: Value, a: Value| call_typing(vm, "_paramspec_prepare_subst", &[p.value(), alias, a]))
        .getter("args", "Represents positional arguments.", |_: &Vm, p: P| part(ARGS.get(), p.value()))
        .getter("kwargs", "Represents keyword arguments.", |_: &Vm, p: P| part(KWARGS.get(), p.value()));
    common(variance(b));
    PARAM_SPEC.set(b.class());
    m.class(b.class());
    let b = new_type::<ParamObj>("typing.TypeVarTuple", object, flags)
        .doc("Type variable tuple.")
        .new_fn(
            "__new__(cls, name, *, default=<unrepresentable>)",
            "",
            |vm: &Vm, cls: Ptr<TypeObj>, name: Ptr<StrObj>, default: Option<Value>| -> Res<P> {
                let p = alloc(cls, name.value());
                p.default.set(p, default.unwrap_or(E));
                set_module(vm, p.value(), caller(vm))?;
                Ok(p)
            },
        )
        .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, p: P| {
            let u = unpack(vm, p.value())?;
            vm.iter(ListObj::new(&[u]).value())
        })
        .method("__typing_subst__($self, arg, /)", "", |vm: &Vm, _: P, _: Value| -> Res<Value> {
            Err(vm.type_error("Substitution of bare TypeVarTuple is not supported"))
        })
        .method(
            "__typing_prepare_subst__($self, alias, args, /)",
            "",
            |vm: &Vm, p: P, alias: Value, a: Value| {
                call_typing(vm, "_typevartuple_prepare_subst", &[p.value(), alias, a])
            },
        );
    common(b);
    TYPE_VAR_TUPLE.set(b.class());
    m.class(b.class());
    for (name, slot, suffix) in
        [("typing.ParamSpecArgs", &ARGS, "args"), ("typing.ParamSpecKwargs", &KWARGS, "kwargs")]
    {
        let b = new_type::<ParamPartObj>(name, object, TypeFlags::HAS_WEAKREF)
            .new_fn("__new__(cls, origin)", "", |_: &Vm, cls: Ptr<TypeObj>, o: Value| part(cls, o))
            .method("__repr__($self, /)", "Return repr(self).", part_repr)
            .method(
                "__eq__($self, value, /)",
                "Return self==value.",
                |vm: &Vm, a: Ptr<ParamPartObj>, b: Value| part_eq(vm, a, b, true),
            )
            .method(
                "__ne__($self, value, /)",
                "Return self!=value.",
                |vm: &Vm, a: Ptr<ParamPartObj>, b: Value| part_eq(vm, a, b, false),
            )
            .attribute("__hash__", Value::NONE)
            .method(
                "__mro_entries__($self, bases, /)",
                "",
                |vm: &Vm, p: Ptr<ParamPartObj>, _: Value| -> Res<Value> {
                    Err(subclass_error(vm, type_of(p.value())))
                },
            )
            .getter("__origin__", "", |_: &Vm, p: Ptr<ParamPartObj>| p.origin.get());
        slot.set(b.class());
        m.class(b.class());
        let _ = suffix;
    }
    makers(m);
}

fn part(cls: Ptr<TypeObj>, origin: Value) -> Value {
    let map = cls.instance_map();
    heap().alloc(map, ParamPartObj { header: Header::new(map), origin: Field::new(origin) }).value()
}

fn part_repr(vm: &Vm, p: Ptr<ParamPartObj>) -> Res<String> {
    let suffix = if type_of(p.value()) == ARGS.get() { "args" } else { "kwargs" };
    match vm.get_attr_opt(p.origin.get(), rt().names.name)?.and_then(|n| n.downcast::<StrObj>()) {
        Some(n) => Ok(format!("{}.{suffix}", n.display())),
        None => Ok(format!("{}.{suffix}", vm.repr_str(p.origin.get())?)),
    }
}

fn part_eq(vm: &Vm, a: Ptr<ParamPartObj>, b: Value, want: bool) -> Res<Value> {
    let Some(o) = b.downcast::<ParamPartObj>().filter(|_| type_of(b) == type_of(a.value())) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    Ok(Value::bool(vm.eq(a.origin.get(), o.origin.get())? == want))
}

fn check(vm: &Vm, v: Value, message: &str) -> Res<Value> {
    call_typing(vm, "_type_check", &[v, StrObj::new(message).value()])
}

fn check_variance(vm: &Vm, p: P) -> Result<(), Raised> {
    if p.covariant.get() && p.contravariant.get() {
        return Err(vm.value_error("Bivariant types are not supported."));
    }
    if p.infer.get() && (p.covariant.get() || p.contravariant.get()) {
        return Err(vm.value_error("Variance cannot be specified with infer_variance."));
    }
    Ok(())
}

/// A new parameter that is covariant, contravariant, or of inferred variance, in this order of `variance`.
fn with_variance(vm: &Vm, cls: Ptr<TypeObj>, name: Ptr<StrObj>, variance: [Option<bool>; 3]) -> Res<P> {
    let p = alloc(cls, name.value());
    let [co, contra, infer] = variance.map(|v| v.unwrap_or(false));
    p.covariant.set(co);
    p.contravariant.set(contra);
    p.infer.set(infer);
    check_variance(vm, p)?;
    Ok(p)
}

#[allow(clippy::too_many_arguments, reason = "the constructor's parameters")]
fn type_var(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    name: Ptr<StrObj>,
    constraints: Ptr<TupleObj>,
    bound: Option<Value>,
    default: Option<Value>,
    co: Option<bool>,
    contra: Option<bool>,
    infer: Option<bool>,
) -> Res<P> {
    let p = with_variance(vm, cls, name, [co, contra, infer])?;
    if let Some(b) = bound.filter(|b| !b.is_none()) {
        if !constraints.is_empty() {
            return Err(vm.type_error("Constraints cannot be combined with bound=..."));
        }
        p.bound.set(p, check(vm, b, "Bound must be a type.")?);
    }
    if constraints.len() == 1 {
        return Err(vm.type_error("A single constraint is not allowed"));
    }
    if !constraints.is_empty() {
        let mut all = ValueVec::with_capacity(constraints.len());
        for &c in constraints.as_slice() {
            all.push(check(vm, c, "TypeVar(name, constraint, ...): constraints must be types.")?);
        }
        p.constraints.set(p, TupleObj::new(&all).value());
    }
    p.default.set(p, default.unwrap_or(E));
    set_module(vm, p.value(), caller(vm))?;
    Ok(p)
}

#[allow(clippy::too_many_arguments, reason = "the constructor's parameters")]
fn param_spec(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    name: Ptr<StrObj>,
    bound: Option<Value>,
    default: Option<Value>,
    co: Option<bool>,
    contra: Option<bool>,
    infer: Option<bool>,
) -> Res<P> {
    let p = with_variance(vm, cls, name, [co, contra, infer])?;
    if let Some(b) = bound.filter(|b| !b.is_none()) {
        p.bound.set(p, b);
    }
    p.default.set(p, default.unwrap_or(E));
    set_module(vm, p.value(), caller(vm))?;
    Ok(p)
}

fn prepare_subst(vm: &Vm, p: P, alias: Value, args: Value) -> Res<Value> {
    let params = vm.get_attr(alias, intern("__parameters__"))?;
    let params = vm.list_of(params)?;
    let Some(index) = params.as_slice().iter().position(|v| *v == p.value()) else {
        return Err(vm.value_error("sequence.index(x): x not in sequence"));
    };
    let n = vm.len(args)?;
    if index < n {
        return Ok(args);
    }
    let default = default_of(vm, p)?;
    if index > n || default == no_default() {
        let alias = vm.str(alias)?.display();
        return Err(vm.type_error(format!(
            "Too few arguments for {alias}; actual {n}, expected at least {}",
            index + 1
        )));
    }
    vm.binary(args, TupleObj::new(&[default]).value(), &cape_vm::ops::ADD)
}

/// The functions that code with type parameters calls.
fn makers(m: Ptr<ModuleObj>) {
    let fresh = |class: &StaticType, vm: &Vm, name: Value| -> Res<P> {
        let p = alloc(class.get(), name);
        p.infer.set(true);
        set_module(vm, p.value(), caller(vm))?;
        Ok(p)
    };
    m.function("_make_typevar(name, /)", "", move |vm: &Vm, n: Value| fresh(&TYPE_VAR, vm, n))
        .function("_make_paramspec(name, /)", "", move |vm: &Vm, n: Value| fresh(&PARAM_SPEC, vm, n))
        .function("_make_typevartuple(name, /)", "", move |vm: &Vm, n: Value| fresh(&TYPE_VAR_TUPLE, vm, n))
        .function(
            "_make_typevar_with_bound(name, evaluate, /)",
            "",
            move |vm: &Vm, n: Value, f: Value| -> Res<P> {
                let p = fresh(&TYPE_VAR, vm, n)?;
                p.evaluate_bound.set(p, f);
                Ok(p)
            },
        )
        .function(
            "_make_typevar_with_constraints(name, evaluate, /)",
            "",
            move |vm: &Vm, n: Value, f: Value| -> Res<P> {
                let p = fresh(&TYPE_VAR, vm, n)?;
                p.evaluate_constraints.set(p, f);
                Ok(p)
            },
        )
        .function(
            "_set_typeparam_default(param, evaluate, /)",
            "",
            |vm: &Vm, p: Value, f: Value| -> Res<Value> {
                let Some(q) = p.downcast::<ParamObj>() else {
                    return Err(
                        vm.type_error(format!("Expected a type param, got {}", full_name(type_of(p))))
                    );
                };
                q.evaluate_default.set(q, f);
                Ok(p)
            },
        );
}
