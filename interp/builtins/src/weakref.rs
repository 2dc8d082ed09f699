//! `weakref.ref` and the weak proxies, on the heap's weak cells.

use cape_heap::{WeakCell, heap};
use cape_vm::class::{full_name, qualified_name};
use cape_vm::native::{TypeBuilder, extend, new_type};
use cape_vm::object::{DictObj, StrObj, TupleObj, TypeFlags, TypeObj};
use cape_vm::ops::{self, BinaryOperator, Cmp};
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::function::or_none;
use crate::types::flatten;

/// `weakref.ReferenceType`.
pub static REF: StaticType = StaticType::new();
/// `weakref.ProxyType`.
pub static PROXY: StaticType = StaticType::new();
/// `weakref.CallableProxyType`.
pub static CALLABLE_PROXY: StaticType = StaticType::new();

/// A weak reference as an argument.
type Ref = Value;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let object = rt().types.object;
    let b = new_type::<WeakCell>("weakref.ReferenceType", object, TypeFlags::BASE)
        .new_fn(
            "__new__($type, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            |vm: &Vm, cls: Ptr<TypeObj>, a: Ptr<TupleObj>, k: Ptr<DictObj>| -> Res<Value> {
                let (target, callback) = arguments(vm, a, k, cls)?;
                make(vm, cls, target, callback)
            },
        )
        .method(
            "__init__($self, /, *args, **kwargs)",
            "Initialize self.  See help(type(self)) for accurate signature.",
            |vm: &Vm, _: Ref, a: Ptr<TupleObj>, k: Ptr<DictObj>| arguments(vm, a, k, REF.get()).map(|_| ()),
        )
        .method("__call__($self, /)", "Call self as a function.", |vm: &Vm, r: Ref| {
            target(vm, r).map(or_none)
        })
        .method("__hash__($self, /)", "Return hash(self).", hash)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: Ref, b: Value| {
            compare(vm, a, b, Cmp::Eq)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: Ref, b: Value| {
            compare(vm, a, b, Cmp::Ne)
        })
        .getter("__callback__", "", |_: &Vm, r: Ref| {
            r.downcast::<WeakCell>().map(|c| or_none(c.callback.get()))
        })
        .class_method(
            "__class_getitem__($type, object, /)",
            "See PEP 585",
            crate::generic_alias::class_getitem,
        );
    REF.set(b.class());
    for (name, slot) in [("weakref.ProxyType", &PROXY), ("weakref.CallableProxyType", &CALLABLE_PROXY)] {
        let b = new_type::<WeakCell>(name, object, TypeFlags::NO_INSTANTIATION);
        proxy_methods(b);
        slot.set(b.class());
    }
    extend(CALLABLE_PROXY.get()).method(
        "__call__($self, /, *args, **kwargs)",
        "Call self as a function.",
        |vm: &Vm, p: Value, a: Ptr<TupleObj>, k: Ptr<DictObj>| -> Res<Value> {
            let (all, names) = flatten(vm, a.as_slice(), k)?;
            vm.call_args(unwrap(vm, p)?, &all, names)
        },
    );
}

fn arguments(vm: &Vm, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>, cls: Ptr<TypeObj>) -> Res<(Value, Value)> {
    if !kwargs.is_empty() && cls == REF.get() {
        return Err(vm.type_error("ref() takes no keyword arguments"));
    }
    match *args.as_slice() {
        [t] => Ok((t, Value::EMPTY)),
        [t, c] => Ok((t, if c.is_none() { Value::EMPTY } else { c })),
        [] => Err(vm.type_error("__new__ expected at least 1 argument, got 0")),
        _ => Err(vm.type_error(format!("__new__ expected at most 2 arguments, got {}", args.len()))),
    }
}

/// A weak reference (or proxy, by its class) to `target`; one without callback is shared when the class is exact.
pub fn make(vm: &Vm, cls: Ptr<TypeObj>, target: Value, callback: Value) -> Res<Value> {
    if !target.is_ptr() || !type_of(target).has(TypeFlags::HAS_WEAKREF) {
        return Err(
            vm.type_error(format!("cannot create weak reference to '{}' object", full_name(type_of(target))))
        );
    }
    let map = cls.instance_map();
    let shared = [&REF, &PROXY, &CALLABLE_PROXY].iter().any(|s| s.get() == cls);
    if callback.is_empty()
        && shared
        && let Some(c) =
            heap().find_weak(target.header(), |c| c.header.map() == map && c.callback.get().is_empty())
    {
        return Ok(c.value());
    }
    let r = heap().new_weak(map, target, callback).value();
    // Classes are in cycles anyway, and modules stay. Each import has a lock for a moment.
    if !crate::import_frames::imports(vm)
        && !target.is::<TypeObj>()
        && !target.is::<cape_vm::object::ModuleObj>() {
        heap().watch(target.header());
    }
    Ok(r)
}

/// `weakref.proxy(target, callback)`.
pub fn proxy(vm: &Vm, target: Value, callback: Value) -> Res<Value> {
    let cls = if vm.is_callable(target) { CALLABLE_PROXY.get() } else { PROXY.get() };
    make(vm, cls, target, callback)
}

/// What a reference refers to; EMPTY when it is dead.
fn target(vm: &Vm, r: Ref) -> Res<Value> {
    match r.downcast::<WeakCell>() {
        Some(c) => Ok(c.target()),
        None => Err(vm.type_error("expected a weak reference")),
    }
}

fn hash(vm: &Vm, r: Ref) -> Res<i64> {
    let Some(c) = r.downcast::<WeakCell>() else { return Err(vm.type_error("expected a weak reference")) };
    if !c.hashed.get() {
        let t = c.target();
        if t.is_empty() {
            return Err(vm.type_error("weak object has gone away"));
        }
        c.hash.set(vm.hash(t)?);
        c.hashed.set(true);
    }
    Ok(c.hash.get())
}

fn repr(vm: &Vm, r: Ref) -> Res<String> {
    let t = target(vm, r)?;
    let id = vm.id(r);
    if t.is_empty() {
        return Ok(format!("<weakref at {id:#x}; dead>"));
    }
    let class = qualified_name(type_of(t));
    // A name that cannot be had is left out.
    let name = vm.get_attr_opt(t, rt().names.name).unwrap_or(None).and_then(|n| n.downcast::<StrObj>());
    Ok(match name {
        Some(n) => format!("<weakref at {id:#x}; to '{class}' at {:#x} ({})>", vm.id(t), n.display()),
        None => format!("<weakref at {id:#x}; to '{class}' at {:#x}>", vm.id(t)),
    })
}

fn compare(vm: &Vm, a: Ref, b: Value, c: Cmp) -> Res<Value> {
    let is_ref = |v: Value| v.is::<WeakCell>() && type_of(v).is_subtype(REF.get());
    if !is_ref(a) || !is_ref(b) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (x, y) = (target(vm, a)?, target(vm, b)?);
    if x.is_empty() || y.is_empty() {
        return Ok(Value::bool((a == b) == (c == Cmp::Eq)));
    }
    vm.compare(x, y, c)
}

/// Whether it is a weak proxy.
pub fn is_proxy(v: Value) -> bool {
    v.is::<WeakCell>() && [&PROXY, &CALLABLE_PROXY].iter().any(|s| s.get() == type_of(v))
}

/// The object behind a proxy (other values are themselves); ReferenceError when it is gone.
fn unwrap(vm: &Vm, v: Value) -> Res<Value> {
    let Some(c) = v.downcast::<WeakCell>() else { return Ok(v) };
    let t = type_of(v);
    if t != PROXY.get() && t != CALLABLE_PROXY.get() {
        return Ok(v);
    }
    let target = c.target();
    if target.is_empty() {
        return Err(vm.reference_error("weakly-referenced object no longer exists"));
    }
    Ok(target)
}

macro_rules! operators {
    ($b:ident, $($op:ident $plain:literal $reflected:literal $inplace:literal),* $(,)?) => { $(
        $b.method(concat!($plain, "($self, value, /)"), "", |vm: &Vm, a: Value, b: Value| binary(vm, a, b, &ops::$op))
            .method(concat!($reflected, "($self, value, /)"), "", |vm: &Vm, a: Value, b: Value| binary(vm, b, a, &ops::$op));
        if !$inplace.is_empty() {
            $b.method(concat!($inplace, "($self, value, /)"), "", |vm: &Vm, a: Value, b: Value| vm.inplace(unwrap(vm, a)?, unwrap(vm, b)?, &ops::$op));
        }
    )* };
}

fn binary(vm: &Vm, a: Value, b: Value, op: &BinaryOperator) -> Res<Value> {
    vm.binary(unwrap(vm, a)?, unwrap(vm, b)?, op)
}

macro_rules! unaries {
    ($b:ident, $($s:ident $name:literal $symbol:literal),* $(,)?) => { $(
        $b.method(concat!($name, "($self, /)"), "", |vm: &Vm, p: Value| vm.unary(unwrap(vm, p)?, Special::$s, $symbol));
    )* };
}

fn proxy_methods(b: TypeBuilder) {
    b.method(
        "__getattribute__($self, name, /)",
        "Return getattr(self, name).",
        |vm: &Vm, p: Value, n: Value| vm.get_attr(unwrap(vm, p)?, crate::object::check_name(vm, n)?),
    )
    .method(
        "__setattr__($self, name, value, /)",
        "Implement setattr(self, name, value).",
        |vm: &Vm, p: Value, n: Value, v: Value| {
            vm.set_attr(unwrap(vm, p)?, crate::object::check_name(vm, n)?, v)
        },
    )
    .method("__delattr__($self, name, /)", "Implement delattr(self, name).", |vm: &Vm, p: Value, n: Value| {
        vm.del_attr(unwrap(vm, p)?, crate::object::check_name(vm, n)?)
    })
    .method("__str__($self, /)", "Return str(self).", |vm: &Vm, p: Value| vm.str(unwrap(vm, p)?))
    .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, p: Value| -> Res<String> {
        let t = target(vm, p)?;
        let id = vm.id(p);
        if t.is_empty() {
            return Ok(format!("<weakproxy at {id:#x}; dead>"));
        }
        Ok(format!("<weakproxy at {id:#x}; to '{}' at {:#x}>", qualified_name(type_of(t)), vm.id(t)))
    })
    .method("__bytes__($self, /)", "", |vm: &Vm, p: Value| {
        let o = unwrap(vm, p)?;
        vm.call_method(o, Special::Bytes.name_value(), &[])
    })
    .method("__reversed__($self, /)", "", |vm: &Vm, p: Value| {
        let o = unwrap(vm, p)?;
        vm.call_method(o, Special::Reversed.name_value(), &[])
    })
    .method("__bool__($self, /)", "True if self else False", |vm: &Vm, p: Value| vm.truth(unwrap(vm, p)?))
    .method("__len__($self, /)", "Return len(self).", |vm: &Vm, p: Value| vm.len(unwrap(vm, p)?))
    .method("__getitem__($self, key, /)", "Return self[key].", |vm: &Vm, p: Value, k: Value| {
        vm.get_item(unwrap(vm, p)?, unwrap(vm, k)?)
    })
    .method(
        "__setitem__($self, key, value, /)",
        "Set self[key] to value.",
        |vm: &Vm, p: Value, k: Value, v: Value| vm.set_item(unwrap(vm, p)?, k, v),
    )
    .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, p: Value, k: Value| {
        vm.del_item(unwrap(vm, p)?, k)
    })
    .method("__contains__($self, key, /)", "Return bool(key in self).", |vm: &Vm, p: Value, k: Value| {
        vm.contains(unwrap(vm, p)?, k)
    })
    .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, p: Value| vm.iter(unwrap(vm, p)?))
    .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, p: Value| -> Res<Value> {
        let o = unwrap(vm, p)?;
        if type_of(o).special(Special::Next).is_empty() {
            return Err(vm.type_error(format!(
                "Weakref proxy referenced a non-iterator '{}' object",
                full_name(type_of(o))
            )));
        }
        Ok(vm.next(o)?.unwrap_or(Value::EMPTY))
    })
    .method("__pow__($self, value, mod=None, /)", "", |vm: &Vm, a: Value, b: Value, m: Option<Value>| {
        power(vm, a, b, m)
    })
    .method("__rpow__($self, value, mod=None, /)", "", |vm: &Vm, a: Value, b: Value, m: Option<Value>| {
        power(vm, b, a, m)
    })
    .method("__ipow__($self, value, /)", "", |vm: &Vm, a: Value, b: Value| {
        vm.inplace(unwrap(vm, a)?, unwrap(vm, b)?, &ops::POW)
    })
    .method("__int__($self, /)", "int(self)", |vm: &Vm, p: Value| {
        vm.call(rt().types.int.value(), &[unwrap(vm, p)?])
    })
    .method("__float__($self, /)", "float(self)", |vm: &Vm, p: Value| {
        vm.call(rt().types.float.value(), &[unwrap(vm, p)?])
    })
    .method("__index__($self, /)", "", |vm: &Vm, p: Value| vm.index_value(unwrap(vm, p)?))
    .attribute("__hash__", Value::NONE);
    unaries!(b, Neg "__neg__" "unary -", Pos "__pos__" "unary +", Invert "__invert__" "unary ~", Abs "__abs__" "abs()");
    operators!(
        b, ADD "__add__" "__radd__" "__iadd__", SUB "__sub__" "__rsub__" "__isub__", MUL "__mul__" "__rmul__" "__imul__",
        MATMUL "__matmul__" "__rmatmul__" "__imatmul__", TRUEDIV "__truediv__" "__rtruediv__" "__itruediv__",
        FLOORDIV "__floordiv__" "__rfloordiv__" "__ifloordiv__", MOD "__mod__" "__rmod__" "__imod__",
        LSHIFT "__lshift__" "__rlshift__" "__ilshift__", RSHIFT "__rshift__" "__rrshift__" "__irshift__",
        AND "__and__" "__rand__" "__iand__", XOR "__xor__" "__rxor__" "__ixor__", OR "__or__" "__ror__" "__ior__",
        DIVMOD "__divmod__" "__rdivmod__" "",
    );
    macro_rules! comparisons { ($($c:ident $name:literal),*) => { $(
        b.method(concat!($name, "($self, value, /)"), "", |vm: &Vm, a: Value, b: Value| vm.compare(unwrap(vm, a)?, unwrap(vm, b)?, Cmp::$c));
    )* } }
    comparisons!(Eq "__eq__", Ne "__ne__", Lt "__lt__", Le "__le__", Gt "__gt__", Ge "__ge__");
}

/// `pow(a, b, m)` of what proxies stand for.
pub fn power(vm: &Vm, a: Value, b: Value, m: Option<Value>) -> Res<Value> {
    let (a, b) = (unwrap(vm, a)?, unwrap(vm, b)?);
    match m.filter(|m| !m.is_none()) {
        None => vm.binary(a, b, &ops::POW),
        Some(m) => {
            let pow = vm.import_attr("builtins", "pow")?;
            vm.call(pow, &[a, b, unwrap(vm, m)?])
        }
    }
}
