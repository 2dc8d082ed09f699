//! `types.GenericAlias`, and the substitution of type parameters.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::new_type;
use cape_vm::object::{DictObj, ListObj, StrBuilder, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec};
use cape_vm::ops;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

pub use crate::union_::or;

heap_object! {
    /// `list[int]`. `parameters` is EMPTY until asked for.
    pub struct GenericAliasObj {
        /// What was subscripted.
        pub origin: Field,
        /// The arguments, a tuple.
        pub args: Field,
        parameters: Field,
        /// The alias was unpacked with `*`.
        pub starred: Cell<bool>,
    }

    /// The iterator that unpacks an alias: gives the starred alias once.
    pub struct AliasIterObj { alias: Field }
}

impl cape_vm::native::Named for GenericAliasObj {
    const NAME: &'static str = "types.GenericAlias";
}
impl cape_vm::native::Named for AliasIterObj {
    const NAME: &'static str = "generic_alias_iterator";
}

static ITERATOR: StaticType = StaticType::new();

type This = Ptr<GenericAliasObj>;

/// Completes the types of this file.
pub fn init(vm: &Vm) {
    let flags = TypeFlags::BASE | TypeFlags::HAS_WEAKREF;
    let b = new_type::<GenericAliasObj>("types.GenericAlias", rt().types.object, flags)
        .doc("Represent a PEP 585 generic type\n\nE.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).")
        .new_fn("__new__(cls, origin, args, /)", "", |vm: &Vm, cls: Ptr<TypeObj>, origin: Value, args: Value| new_in(vm, cls, origin, args))
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, a: This| -> Res<i64> {
            match vm.hash(a.origin.get())? ^ vm.hash(a.args.get())? { -1 => Ok(-2), h => Ok(h) }
        })
        .method("__call__($self, /, *args, **kwargs)", "Call self as a function.", call)
        .method("__getattribute__($self, name, /)", "Return getattr(self, name).", getattribute)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: This, b: Value| eq(vm, a, b, true))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: This, b: Value| eq(vm, a, b, false))
        .method("__getitem__($self, key, /)", "Return self[key].", getitem)
        .method("__or__($self, value, /)", "Return self|value.", or)
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| or(vm, b, a))
        .method("__iter__($self, /)", "Implement iter(self).", iter)
        .method("__mro_entries__($self, bases, /)", "", |_: &Vm, a: This, _: Value| TupleObj::new(&[a.origin.get()]))
        .method("__instancecheck__($self, instance, /)", "", |vm: &Vm, _: This, _: Value| -> Res<Value> { Err(vm.type_error("isinstance() argument 2 cannot be a parameterized generic")) })
        .method("__subclasscheck__($self, subclass, /)", "", |vm: &Vm, _: This, _: Value| -> Res<Value> { Err(vm.type_error("issubclass() argument 2 cannot be a parameterized generic")) })
        .method("__reduce__($self, /)", "", reduce)
        .method("__dir__($self, /)", "", dir)
        .getter("__origin__", "", |_: &Vm, a: This| a.origin.get())
        .getter("__args__", "", |_: &Vm, a: This| a.args.get())
        .getter("__unpacked__", "", |_: &Vm, a: This| a.starred.get())
        .getter("__parameters__", "Type variables in the GenericAlias.", parameters)
        .getter("__typing_unpacked_tuple_args__", "", |_: &Vm, a: This| (a.starred.get() && a.origin.get() == rt().types.tuple.value()).then(|| a.args.get()));
    ops::GENERIC_ALIAS.set(b.class());
    let b =
        new_type::<AliasIterObj>("generic_alias_iterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
            .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
            .method(
                "__next__($self, /)",
                "Implement next(self).",
                |vm: &Vm, i: Ptr<AliasIterObj>| -> Res<Value> {
                    let Some(a) = i.alias.downcast::<GenericAliasObj>() else { return Ok(Value::EMPTY) };
                    let new = alloc(type_of(a.value()), a.origin.get(), a.args.get());
                    let _ = vm;
                    new.starred.set(true);
                    i.alias.set(i, Value::EMPTY);
                    Ok(new.value())
                },
            )
            .method("__reduce__($self, /)", "", |vm: &Vm, i: Ptr<AliasIterObj>| -> Res<Value> {
                let iter = crate::iterators::builtin(vm, "iter")?;
                let of = if i.alias.get().is_empty() { rt().empty_tuple().value() } else { i.alias.get() };
                Ok(crate::descriptors::pair(iter, TupleObj::new(&[of]).value()))
            });
    ITERATOR.set(b.class());
    let _ = vm;
}

fn alloc(cls: Ptr<TypeObj>, origin: Value, args: Value) -> This {
    let map = cls.instance_map();
    heap().alloc(
        map,
        GenericAliasObj {
            header: Header::new(map),
            origin: Field::new(origin),
            args: Field::new(args),
            parameters: Field::new(Value::EMPTY),
            starred: Cell::new(false),
        },
    )
}

fn new_in(_vm: &Vm, cls: Ptr<TypeObj>, origin: Value, args: Value) -> This {
    let args = if args.is::<TupleObj>() { args } else { TupleObj::new(&[args]).value() };
    alloc(cls, origin, args)
}

/// `types.GenericAlias(origin, args)`.
pub fn generic_alias(vm: &Vm, origin: Value, args: Value) -> Value {
    new_in(vm, ops::GENERIC_ALIAS.get(), origin, args).value()
}

/// `__class_getitem__` of generic builtin classes.
pub fn class_getitem(vm: &Vm, cls: Value, args: Value) -> Value {
    generic_alias(vm, cls, args)
}

/// How a type shows itself inside the repr of an alias or a union.
pub fn type_repr(vm: &Vm, t: Value, out: &mut StrBuilder) -> Res<()> {
    if t == Value::ELLIPSIS {
        out.push_str("...");
        return Ok(());
    }
    if t == rt().types.none_type.value() {
        out.push_str("None");
        return Ok(());
    }
    let has_origin = vm.get_attr_opt(t, intern("__origin__"))?.is_some();
    if !(has_origin && vm.get_attr_opt(t, intern("__args__"))?.is_some()) {
        let qualname = vm.get_attr_opt(t, rt().names.qualname)?;
        let module = vm.get_attr_opt(t, rt().names.module)?.filter(|m| !m.is_none());
        if let (Some(q), Some(m)) = (qualname, module) {
            let builtin = m.downcast::<StrObj>().is_some_and(|s| s.eq_str("builtins"));
            if !builtin {
                out.push_obj(&*vm.str(m)?);
                out.push_str(".");
            }
            out.push_obj(&*vm.str(q)?);
            return Ok(());
        }
    }
    out.push_obj(&*vm.repr(t)?);
    Ok(())
}

fn arg_repr(vm: &Vm, v: Value, out: &mut StrBuilder) -> Res<()> {
    let Some(l) = v.downcast::<ListObj>() else {
        // Inside an alias, NoneType goes by its own name.
        if v == rt().types.none_type.value() {
            out.push_str("NoneType");
            return Ok(());
        }
        return type_repr(vm, v, out);
    };
    out.push_str("[");
    let n = l.len();
    for i in 0..n {
        // Showing an item may have shortened the list.
        let Some(x) = l.get(i) else { return Err(vm.index_error("list index out of range")) };
        if i > 0 {
            out.push_str(", ");
        }
        type_repr(vm, x, out)?;
    }
    out.push_str("]");
    Ok(())
}

fn repr(vm: &Vm, a: This) -> Res<Value> {
    let mut out = StrBuilder::new();
    if a.starred.get() {
        out.push_str("*");
    }
    type_repr(vm, a.origin.get(), &mut out)?;
    out.push_str("[");
    let args: Ptr<TupleObj> = args_of(vm, a)?;
    for (i, &v) in args.as_slice().iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        arg_repr(vm, v, &mut out)?;
    }
    if args.is_empty() {
        out.push_str("()");
    }
    out.push_str("]");
    Ok(out.finish().value())
}

fn args_of(vm: &Vm, a: This) -> Res<Ptr<TupleObj>> {
    a.args.downcast().ok_or_else(|| vm.type_error("__args__ is not a tuple"))
}

fn call(vm: &Vm, a: This, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let (all, names) = crate::types::flatten(vm, args.as_slice(), kwargs)?;
    let obj = vm.call_args(a.origin.get(), &all, names)?;
    match vm.set_attr(obj, rt().names.orig_class, a.value()) {
        Err(r) if r.is(rt().types.attribute_error) || r.is(rt().types.type_error) => Ok(obj),
        Err(r) => Err(r),
        Ok(()) => Ok(obj),
    }
}

/// Attributes that belong to the alias itself; all others are the origin's.
const OWN: &[&str] = &[
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
];
const BLOCKED: &[&str] = &["__bases__", "__copy__", "__deepcopy__"];

fn getattribute(vm: &Vm, a: This, name: Value) -> Res<Value> {
    let name = crate::object::check_name(vm, name)?;
    let text = name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
    if !OWN.contains(&text.as_str()) && !BLOCKED.contains(&text.as_str()) {
        return vm.get_attr(a.origin.get(), name);
    }
    match vm.generic_getattr(type_of(a.value()), a.value(), name)? {
        Some(v) => Ok(v),
        None => Err(vm.no_attribute(a.value(), name)),
    }
}

fn eq(vm: &Vm, a: This, b: Value, equal: bool) -> Res<Value> {
    let Some(b) = b.downcast::<GenericAliasObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let same = a.starred.get() == b.starred.get()
        && vm.eq(a.origin.get(), b.origin.get())?
        && vm.eq(a.args.get(), b.args.get())?;
    Ok(Value::bool(same == equal))
}

fn parameters(vm: &Vm, a: This) -> Res<Value> {
    if a.parameters.get().is_empty() {
        let args = args_of(vm, a)?;
        let p = make_parameters(vm, args.as_slice())?;
        a.parameters.set(a, p.value());
    }
    Ok(a.parameters.get())
}

fn getitem(vm: &Vm, a: This, item: Value) -> Res<Value> {
    let params: Ptr<TupleObj> =
        parameters(vm, a)?.downcast().ok_or_else(|| vm.type_error("__parameters__ is not a tuple"))?;
    let args = args_of(vm, a)?;
    let new = substitute(vm, a.value(), args.as_slice(), params, item)?;
    let r = alloc(ops::GENERIC_ALIAS.get(), a.origin.get(), new.value());
    r.starred.set(a.starred.get());
    Ok(r.value())
}

fn iter(_vm: &Vm, a: This) -> Value {
    let map = ITERATOR.get().instance_map();
    heap().alloc(map, AliasIterObj { header: Header::new(map), alias: Field::new(a.value()) }).value()
}

fn reduce(vm: &Vm, a: This) -> Res<Value> {
    use crate::descriptors::pair;
    let class = ops::GENERIC_ALIAS.get().value();
    if a.starred.get() {
        let plain = generic_alias(vm, a.origin.get(), a.args.get());
        let it = vm.iter(plain)?;
        let next = vm.import_attr("builtins", "next")?;
        return Ok(pair(next, TupleObj::new(&[it]).value()));
    }
    Ok(pair(class, pair(a.origin.get(), a.args.get())))
}

fn dir(vm: &Vm, a: This) -> Res<Value> {
    let dir = vm.import_attr("builtins", "dir")?;
    let list = vm.call(dir, &[a.origin.get()])?;
    let Some(l) = list.downcast::<ListObj>() else { return Ok(list) };
    for n in OWN {
        let n = intern(n);
        if !vm.contains(list, n)? {
            l.push(n);
        }
    }
    Ok(list)
}

fn add_once(vm: &Vm, out: &mut ValueVec, v: Value) -> Res<()> {
    let _ = vm;
    if !out.as_slice().contains(&v) {
        out.push(v);
    }
    Ok(())
}

fn is_plain_sequence(v: Value) -> bool {
    v.is_ptr() && (v.header().map() == rt().maps.tuple || v.header().map() == rt().maps.list)
}

/// The type parameters in `args`, each once, in order.
pub fn make_parameters(vm: &Vm, args: &[Value]) -> Res<Ptr<TupleObj>> {
    let mut out = ValueVec::new();
    for &t in args {
        if t.is::<TypeObj>() {
            continue;
        }
        if is_plain_sequence(t) {
            let items = vm.list_of(t)?;
            let sub = make_parameters(vm, items.as_slice())?;
            for &p in sub.as_slice() {
                add_once(vm, &mut out, p)?;
            }
            continue;
        }
        if vm.get_attr_opt(t, intern("__typing_subst__"))?.is_some() {
            add_once(vm, &mut out, t)?;
        } else if let Some(sub) = vm.get_attr_opt(t, intern("__parameters__"))?
            && let Some(sub) = sub.downcast::<TupleObj>()
        {
            for &p in sub.as_slice() {
                add_once(vm, &mut out, p)?;
            }
        }
    }
    Ok(TupleObj::new(&out))
}

/// The items of a subscript, with unpacked tuples of known length flattened.
fn unpack_args(vm: &Vm, item: Value) -> Res<Ptr<TupleObj>> {
    let one = [item];
    let tuple = item.downcast::<TupleObj>();
    let items: &[Value] = tuple.as_ref().map_or(&one, |t| t.as_slice());
    let mut out = ValueVec::new();
    for &v in items {
        if !v.is::<TypeObj>()
            && let Some(sub) = vm.get_attr_opt(v, intern("__typing_unpacked_tuple_args__"))?
            && let Some(sub) = sub.downcast::<TupleObj>()
            && sub.as_slice().last() != Some(&Value::ELLIPSIS)
        {
            out.extend_from_slice(sub.as_slice());
        } else {
            out.push(v);
        }
    }
    Ok(TupleObj::new(&out))
}

/// `args` with `parameters` replaced by `item` (one value or a tuple): the arguments of `owner[item]`.
pub fn substitute(
    vm: &Vm,
    owner: Value,
    args: &[Value],
    parameters: Ptr<TupleObj>,
    item: Value,
) -> Res<Ptr<TupleObj>> {
    let n = parameters.len();
    if n == 0 {
        return Err(vm.type_error(format!("{} is not a generic class", vm.repr_str(owner)?)));
    }
    let mut item = unpack_args(vm, item)?.value();
    for &p in parameters.as_slice() {
        if let Some(prepare) = vm.get_attr_opt(p, intern("__typing_prepare_subst__"))?
            && !prepare.is_none()
        {
            if !item.is::<TupleObj>() {
                item = TupleObj::new(&[item]).value();
            }
            item = vm.call(prepare, &[owner, item])?;
        }
    }
    let one = [item];
    let tuple = item.downcast::<TupleObj>();
    let items: &[Value] = tuple.as_ref().map_or(&one, |t| t.as_slice());
    if items.len() != n {
        return Err(vm.type_error(format!(
            "Too {} arguments for {}; actual {}, expected {n}",
            if items.len() > n { "many" } else { "few" },
            vm.repr_str(owner)?,
            items.len()
        )));
    }
    substitute_items(vm, owner, args, parameters, items, item)
}

fn substitute_items(
    vm: &Vm,
    owner: Value,
    args: &[Value],
    parameters: Ptr<TupleObj>,
    items: &[Value],
    item: Value,
) -> Res<Ptr<TupleObj>> {
    let mut out = ValueVec::new();
    for &arg in args {
        if arg.is::<TypeObj>() {
            out.push(arg);
            continue;
        }
        if is_plain_sequence(arg) {
            let nested = vm.list_of(arg)?;
            let sub = substitute(vm, owner, nested.as_slice(), parameters, item)?;
            out.push(if arg.is::<ListObj>() { ListObj::new(sub.as_slice()).value() } else { sub.value() });
            continue;
        }
        let unpacked = match vm.get_attr_opt(arg, intern("__typing_is_unpacked_typevartuple__"))? {
            Some(v) => vm.truth(v)?,
            None => false,
        };
        let new = match vm.get_attr_opt(arg, intern("__typing_subst__"))? {
            Some(f) => match parameters.as_slice().iter().position(|&p| p == arg) {
                Some(i) => vm.call(f, &[items[i]])?,
                None => {
                    return Err(vm.type_error(format!(
                        "argument {} with __typing_subst__ was not found in __parameters__",
                        vm.repr_str(arg)?
                    )));
                }
            },
            None => substitute_inside(vm, arg, parameters, items)?,
        };
        if !unpacked {
            out.push(new);
            continue;
        }
        let Some(t) = new.downcast::<TupleObj>() else {
            return Err(vm.type_error(format!(
                "expected __typing_subst__ of {} objects to return a tuple, not {}",
                full_name(type_of(arg)),
                full_name(type_of(new))
            )));
        };
        out.extend_from_slice(t.as_slice());
    }
    Ok(TupleObj::new(&out))
}

/// A generic argument with its own parameters replaced.
fn substitute_inside(vm: &Vm, obj: Value, parameters: Ptr<TupleObj>, items: &[Value]) -> Res<Value> {
    let Some(sub) = vm.get_attr_opt(obj, intern("__parameters__"))?.and_then(|p| p.downcast::<TupleObj>())
    else {
        return Ok(obj);
    };
    if sub.is_empty() {
        return Ok(obj);
    }
    let mut out = ValueVec::new();
    for &p in sub.as_slice() {
        match parameters.as_slice().iter().position(|&q| q == p) {
            Some(i) => {
                let variadic = !type_of(p).special(cape_vm::special::Special::Iter).is_empty();
                match items[i].downcast::<TupleObj>() {
                    Some(t) if variadic => out.extend_from_slice(t.as_slice()),
                    _ => out.push(items[i]),
                }
            }
            None => out.push(p),
        }
    }
    vm.get_item(obj, TupleObj::new(&out).value())
}
