//! `typing.Union`, which is also `types.UnionType`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::new_type;
use cape_vm::object::{SetObj, StrBuilder, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use crate::generic_alias::{GenericAliasObj, make_parameters, substitute, type_repr};

heap_object! {
    /// `int | str`. `hashed` is a frozenset of the hashable members, `unhashed` a tuple of the others;
    /// `parameters` is EMPTY until asked for.
    pub struct UnionObj {
        /// The members, a tuple.
        pub args: Field,
        hashed: Field,
        unhashed: Field,
        parameters: Field,
    }
}

impl cape_vm::native::Named for UnionObj {
    const NAME: &'static str = "typing.Union";
}

/// The type.
pub static UNION: StaticType = StaticType::new();

/// `typing.TypeAliasType`, once it was made: its instances can be members of unions.
pub static TYPE_ALIAS: StaticType = StaticType::new();

type This = Ptr<UnionObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let b = new_type::<UnionObj>(
        "typing.Union",
        rt().types.object,
        TypeFlags::NO_INSTANTIATION | TypeFlags::HAS_WEAKREF,
    )
    .doc("Represent a union type\n\nE.g. for int | str")
    .method("__repr__($self, /)", "Return repr(self).", repr)
    .method("__hash__($self, /)", "Return hash(self).", hash)
    .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: This, b: Value| eq(vm, a, b, true))
    .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: This, b: Value| {
        eq(vm, a, b, false)
    })
    .method("__or__($self, value, /)", "Return self|value.", or)
    .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| or(vm, b, a))
    .method("__getitem__($self, key, /)", "Return self[key].", getitem)
    .method("__mro_entries__($self, bases, /)", "", |vm: &Vm, u: This, _: Value| -> Res<Value> {
        Err(vm.type_error(format!("Cannot subclass {}", vm.repr_str(u.value())?)))
    })
    .method("__instancecheck__($self, instance, /)", "", |vm: &Vm, u: This, v: Value| {
        vm.is_instance(v, u.args.get())
    })
    .method("__subclasscheck__($self, subclass, /)", "", |vm: &Vm, u: This, v: Value| {
        vm.is_subclass(v, u.args.get())
    })
    .class_method("__class_getitem__($type, object, /)", "", |vm: &Vm, _: Value, item: Value| {
        from_args(vm, item)
    })
    .getter("__args__", "", |_: &Vm, u: This| u.args.get())
    .getter("__parameters__", "Type variables in the types.UnionType.", parameters)
    .getter("__origin__", "Always returns the type", |_: &Vm, _: This| UNION.get())
    .getter("__name__", "Name of the type", |_: &Vm, _: This| "Union")
    .getter("__qualname__", "Qualified name of the type", |_: &Vm, _: This| "Union");
    UNION.set(b.class());
}

/// Gathers the members of a union: flattened, each once.
struct Builder {
    args: ValueVec,
    unhashed: ValueVec,
    hashed: Ptr<SetObj>,
}

impl Builder {
    fn new() -> Builder {
        Builder {
            args: ValueVec::new(),
            unhashed: ValueVec::new(),
            hashed: SetObj::with_map(rt().maps.frozenset),
        }
    }

    fn add(&mut self, vm: &Vm, v: Value) -> Res<()> {
        let v = if v.is_none() { rt().types.none_type.value() } else { v };
        if let Some(u) = v.downcast::<UnionObj>() {
            let args: Ptr<TupleObj> = u.args.downcast().ok_or_else(|| vm.type_error("bad union"))?;
            for &a in args.as_slice() {
                self.add(vm, a)?;
            }
            return Ok(());
        }
        match vm.hash(v) {
            Ok(_) => {
                if self.hashed.add(vm, v)? {
                    self.args.push(v);
                }
            }
            Err(r) if r.is(rt().types.type_error) => {
                for i in 0..self.unhashed.len() {
                    if vm.eq(self.unhashed[i], v)? {
                        return Ok(());
                    }
                }
                self.unhashed.push(v);
                self.args.push(v);
            }
            Err(r) => return Err(r),
        }
        Ok(())
    }

    fn finish(self, vm: &Vm) -> Res<Value> {
        match self.args.len() {
            0 => return Err(vm.type_error("Cannot take a Union of no types.")),
            1 => return Ok(self.args[0]),
            _ => {}
        }
        let map = UNION.get().instance_map();
        let args = TupleObj::new(&self.args);
        let unhashed = TupleObj::new(&self.unhashed);
        Ok(heap()
            .alloc(
                map,
                UnionObj {
                    header: Header::new(map),
                    args: Field::new(args.value()),
                    hashed: Field::new(self.hashed.value()),
                    unhashed: Field::new(unhashed.value()),
                    parameters: Field::new(Value::EMPTY),
                },
            )
            .value())
    }
}

fn is_unionable(v: Value) -> bool {
    v.is_none()
        || v.is::<TypeObj>()
        || v.is::<GenericAliasObj>()
        || v.is::<UnionObj>()
        || TYPE_ALIAS.try_get().is_some_and(|t| cape_vm::type_of(v) == t)
}

/// `a | b` for types: a union, or NotImplemented.
pub fn or(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    if a.is::<UnionObj>() || b.is::<UnionObj>() {
        return from_args(vm, TupleObj::new(&[a, b]).value());
    }
    if !is_unionable(a) || !is_unionable(b) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let mut u = Builder::new();
    u.add(vm, a)?;
    u.add(vm, b)?;
    u.finish(vm)
}

/// `typing.Union[args]`: members that are no types go through `typing._type_check`.
pub fn from_args(vm: &Vm, args: Value) -> Res<Value> {
    let one = [args];
    let tuple = args.downcast::<TupleObj>();
    let items: &[Value] = tuple.as_ref().map_or(&one, |t| t.as_slice());
    let mut u = Builder::new();
    for &v in items {
        let v = if is_unionable(v) {
            v
        } else {
            let check = vm.import_attr("typing", "_type_check")?;
            vm.call(check, &[v, StrObj::new("Union[arg, ...]: each arg must be a type.").value()])?
        };
        u.add(vm, v)?;
    }
    u.finish(vm)
}

fn repr(vm: &Vm, u: This) -> Res<Value> {
    let args: Ptr<TupleObj> = u.args.downcast().ok_or_else(|| vm.type_error("bad union"))?;
    let mut out = StrBuilder::new();
    for (i, &a) in args.as_slice().iter().enumerate() {
        if i > 0 {
            out.push_str(" | ");
        }
        type_repr(vm, a, &mut out)?;
    }
    Ok(out.finish().value())
}

fn hash(vm: &Vm, u: This) -> Res<i64> {
    let unhashed: Ptr<TupleObj> = u.unhashed.downcast().ok_or_else(|| vm.type_error("bad union"))?;
    for &v in unhashed.as_slice() {
        vm.hash(v)?;
    }
    if !unhashed.is_empty() {
        let (n, plural) = (unhashed.len(), if unhashed.len() == 1 { "" } else { "s" });
        return Err(vm.type_error(format!("union contains {n} unhashable element{plural}")));
    }
    vm.hash(u.hashed.get())
}

fn eq(vm: &Vm, a: This, b: Value, equal: bool) -> Res<Value> {
    let Some(b) = b.downcast::<UnionObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    Ok(Value::bool(same(vm, a, b)? == equal))
}

fn same(vm: &Vm, a: This, b: This) -> Res<bool> {
    if !vm.eq(a.hashed.get(), b.hashed.get())? {
        return Ok(false);
    }
    let (Some(x), Some(y)) = (a.unhashed.downcast::<TupleObj>(), b.unhashed.downcast::<TupleObj>()) else {
        return Ok(true);
    };
    if x.len() != y.len() {
        return Ok(false);
    }
    for (p, q) in [(x, y), (y, x)] {
        for &v in p.as_slice() {
            let mut found = false;
            for &w in q.as_slice() {
                if vm.eq(v, w)? {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn parameters(vm: &Vm, u: This) -> Res<Value> {
    if u.parameters.get().is_empty() {
        let args: Ptr<TupleObj> = u.args.downcast().ok_or_else(|| vm.type_error("bad union"))?;
        let p = make_parameters(vm, args.as_slice())?;
        u.parameters.set(u, p.value());
    }
    Ok(u.parameters.get())
}

fn getitem(vm: &Vm, u: This, item: Value) -> Res<Value> {
    let params = parameters(vm, u)?;
    let params: Ptr<TupleObj> = params.downcast().ok_or_else(|| vm.type_error("bad parameters"))?;
    let args: Ptr<TupleObj> = u.args.downcast().ok_or_else(|| vm.type_error("bad union"))?;
    let new = substitute(vm, u.value(), args.as_slice(), params, item)?;
    from_args(vm, new.value())
}

/// `v | w` by the operator, for types that fall back to it.
pub fn make(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    from_args(vm, TupleObj::new(&[a, b]).value())
}
