//! `_operator`.

use cape_builtins::descriptors::pair;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Named, new_type};
use cape_vm::object::{
    BytearrayObj, BytesObj, DictObj, Int, ModuleObj, StrBuilder, StrObj, TupleObj, TypeObj, ValueVec, is_int,
};
use cape_vm::ops::{self, Cmp};
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// `operator.itemgetter(*items)`.
    pub struct ItemGetterObj { items: Field }

    /// `operator.attrgetter(*names)`: `paths` holds a name, or a tuple of names for a dotted one.
    pub struct AttrGetterObj { names: Field, paths: Field }

    /// `operator.methodcaller(name, *args, **kwargs)`; `kwargs` is a dict or EMPTY.
    pub struct MethodCallerObj { name: Field, args: Field, kwargs: Field }
}

impl Named for ItemGetterObj {
    const NAME: &'static str = "operator.itemgetter";
}
impl Named for AttrGetterObj {
    const NAME: &'static str = "operator.attrgetter";
}
impl Named for MethodCallerObj {
    const NAME: &'static str = "operator.methodcaller";
}

static ITEM_GETTER: StaticType = StaticType::new();
static ATTR_GETTER: StaticType = StaticType::new();
static METHOD_CALLER: StaticType = StaticType::new();

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add(
        "__doc__",
        StrObj::new("Operator interface.\n\nThis module exports a set of functions implemented in C corresponding\nto the intrinsic operators of Python.  For example, operator.add(x, y)\nis equivalent to the expression x+y.").value(),
    );
    operators(m);
    objects(m);
    getters(m);
    Ok(())
}

macro_rules! binaries {
    ($m:ident, $($name:literal $iname:literal $op:ident $sym:literal),* $(,)?) => { $(
        $m.function(concat!($name, "(a, b, /)"), concat!("Same as a ", $sym, " b."), |vm: &Vm, a: Value, b: Value| vm.binary(a, b, &ops::$op))
            .function(concat!($iname, "(a, b, /)"), concat!("Same as a ", $sym, "= b."), |vm: &Vm, a: Value, b: Value| vm.inplace(a, b, &ops::$op));
    )* };
}

macro_rules! comparisons {
    ($m:ident, $($name:literal $c:ident $sym:literal),* $(,)?) => { $(
        $m.function(concat!($name, "(a, b, /)"), concat!("Same as a ", $sym, " b."), |vm: &Vm, a: Value, b: Value| vm.compare(a, b, Cmp::$c));
    )* };
}

fn operators(m: Ptr<ModuleObj>) {
    binaries!(
        m, "add" "iadd" ADD "+", "sub" "isub" SUB "-", "mul" "imul" MUL "*", "matmul" "imatmul" MATMUL "@",
        "floordiv" "ifloordiv" FLOORDIV "//", "truediv" "itruediv" TRUEDIV "/", "mod" "imod" MOD "%", "pow" "ipow" POW "**",
        "lshift" "ilshift" LSHIFT "<<", "rshift" "irshift" RSHIFT ">>", "and_" "iand" AND "&", "xor" "ixor" XOR "^",
        "or_" "ior" OR "|",
    );
    comparisons!(m, "lt" Lt "<", "le" Le "<=", "eq" Eq "==", "ne" Ne "!=", "gt" Gt ">", "ge" Ge ">=");
    m.function("neg(a, /)", "Same as -a.", |vm: &Vm, a: Value| vm.unary(a, Special::Neg, "unary -"))
        .function("pos(a, /)", "Same as +a.", |vm: &Vm, a: Value| vm.unary(a, Special::Pos, "unary +"))
        .function("inv(a, /)", "Same as ~a.", |vm: &Vm, a: Value| vm.unary(a, Special::Invert, "unary ~"))
        .function("invert(a, /)", "Same as ~a.", |vm: &Vm, a: Value| vm.unary(a, Special::Invert, "unary ~"))
        .function("abs(a, /)", "Same as abs(a).", |vm: &Vm, a: Value| vm.unary(a, Special::Abs, "abs()"))
        .function("index(a, /)", "Same as a.__index__()", |vm: &Vm, a: Value| vm.index_value(a))
        .function("truth(a, /)", "Return True if a is true, False otherwise.", |vm: &Vm, a: Value| {
            vm.truth(a)
        })
        .function("not_(a, /)", "Same as not a.", |vm: &Vm, a: Value| vm.truth(a).map(|b| !b))
        .function("is_(a, b, /)", "Same as a is b.", |vm: &Vm, a: Value, b: Value| vm.is(a, b))
        .function("is_not(a, b, /)", "Same as a is not b.", |vm: &Vm, a: Value, b: Value| !vm.is(a, b))
        .function("is_none(a, /)", "Same as a is None.", |_: &Vm, a: Value| a.is_none())
        .function("is_not_none(a, /)", "Same as a is not None.", |_: &Vm, a: Value| !a.is_none());
}

fn objects(m: Ptr<ModuleObj>) {
    m.function("concat(a, b, /)", "Same as a + b, for a and b sequences.", |vm: &Vm, a: Value, b: Value| {
        check_sequence(vm, a)?;
        vm.binary(a, b, &ops::ADD)
    })
    .function("iconcat(a, b, /)", "Same as a += b, for a and b sequences.", |vm: &Vm, a: Value, b: Value| {
        check_sequence(vm, a)?;
        vm.inplace(a, b, &ops::ADD)
    })
    .function("contains(a, b, /)", "Same as b in a (note reversed operands).", |vm: &Vm, a: Value, b: Value| vm.contains(a, b))
    .function("countOf(a, b, /)", "Return the number of items in a which are, or which equal, b.", |vm: &Vm, a: Value, b: Value| -> Res<usize> {
        let it = iterate(vm, a)?;
        let mut n = 0;
        while let Some(x) = vm.next(it)? {
            n += vm.eq_identity(x, b)? as usize;
        }
        Ok(n)
    })
    .function("indexOf(a, b, /)", "Return the first index of b in a.", |vm: &Vm, a: Value, b: Value| -> Res<usize> {
        let it = iterate(vm, a)?;
        let mut n = 0;
        while let Some(x) = vm.next(it)? {
            if vm.eq_identity(x, b)? {
                return Ok(n);
            }
            n += 1;
        }
        Err(vm.value_error("sequence.index(x): x not in sequence"))
    })
    .function("getitem(a, b, /)", "Same as a[b].", |vm: &Vm, a: Value, b: Value| vm.get_item(a, b))
    .function("setitem(a, b, c, /)", "Same as a[b] = c.", |vm: &Vm, a: Value, b: Value, c: Value| vm.set_item(a, b, c))
    .function("delitem(a, b, /)", "Same as del a[b].", |vm: &Vm, a: Value, b: Value| vm.del_item(a, b))
    .function("length_hint(obj, default=0, /)", "Return an estimate of the number of items in obj.\n\nThis is useful for presizing containers when building from an iterable.\n\nIf the object supports len(), the result will be exact.\nOtherwise, it may over- or under-estimate by an arbitrary amount.", |vm: &Vm, o: Value, d: Option<Value>| -> Res<Value> {
        let d = d.unwrap_or(Value::int(0));
        if !is_int(d) {
            return Err(vm.type_error(format!("'{}' object cannot be interpreted as an integer", full_name(type_of(d)))));
        }
        Ok(vm.length_hint(o)?.map_or(d, |n| Int::Small(n as i64).into_value()))
    })
    .function("call(obj, /, *args, **kwargs)", "Same as obj(*args, **kwargs).", |vm: &Vm, f: Value, a: Ptr<TupleObj>, k: Ptr<DictObj>| vm.call_dict(f, a.as_slice(), Some(k)))
    .function("_compare_digest(a, b, /)", "Return 'a == b'.\n\nThis function uses an approach designed to prevent\ntiming analysis, making it appropriate for cryptography.\n\na and b must both be of the same type: either str (ASCII only),\nor any bytes-like object.\n\nNote: If a and b are of different lengths, or if an error occurs,\na timing attack could theoretically reveal information about the\ntypes and lengths of a and b--but not their values.", compare_digest);
}

fn iterate(vm: &Vm, v: Value) -> Res<Value> {
    vm.iter(v).map_err(|r| {
        let t = type_of(v);
        if r.is(rt().types.type_error) && t.special(Special::Iter).is_empty() {
            vm.type_error(format!("argument of type '{}' is not iterable", full_name(t)))
        } else {
            r
        }
    })
}

fn check_sequence(vm: &Vm, v: Value) -> Res<()> {
    let t = type_of(v);
    if t.special(Special::Getitem).is_empty() || v.is::<DictObj>() {
        return Err(vm.type_error(format!("'{}' object can't be concatenated", full_name(t))));
    }
    Ok(())
}

/// The bytes of a str (which must be ASCII) or of a bytes-like object.
fn digest_bytes(vm: &Vm, v: Value) -> Res<Option<Vec<u8>>> {
    if let Some(b) = v.downcast::<BytesObj>() {
        return Ok(Some(b.as_slice().to_vec()));
    }
    if v.is::<BytearrayObj>() || !type_of(v).special(Special::Buffer).is_empty() {
        let b = vm.call(rt().types.bytes.value(), &[v])?;
        return Ok(b.downcast::<BytesObj>().map(|b| b.as_slice().to_vec()));
    }
    Ok(None)
}

fn compare_digest(vm: &Vm, a: Value, b: Value) -> Res<bool> {
    let (x, y) = match (a.downcast::<StrObj>(), b.downcast::<StrObj>()) {
        (Some(s), Some(t)) => match (s.as_ascii(), t.as_ascii()) {
            (Some(s), Some(t)) => (s.as_bytes().to_vec(), t.as_bytes().to_vec()),
            _ => return Err(vm.type_error("comparing strings with non-ASCII characters is not supported")),
        },
        _ => match (digest_bytes(vm, a)?, digest_bytes(vm, b)?) {
            (Some(x), Some(y)) => (x, y),
            _ => {
                return Err(vm.type_error(format!(
                    "unsupported operand types(s) or combination of types: '{}' and '{}'",
                    full_name(type_of(a)),
                    full_name(type_of(b))
                )));
            }
        },
    };
    if x.len() != y.len() {
        return Ok(false);
    }
    Ok(x.iter().zip(&y).fold(0, |d, (a, b)| std::hint::black_box(d | (a ^ b))) == 0)
}

fn getters(m: Ptr<ModuleObj>) {
    let object = rt().types.object;
    let call = "__call__($self, /, *args, **kwargs)";
    let call_doc = "Call self as a function.";
    let b = new_type::<ItemGetterObj>("operator.itemgetter", object, 0)
        .doc("itemgetter(item, /, *items)\n--\n\nReturn a callable object that fetches the given item(s) from its operand.\nAfter f = itemgetter(2), the call f(r) returns r[2].\nAfter g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])")
        .new_fn("__new__(cls, /, *args, **kwargs)", "", |vm: &Vm, cls: Ptr<TypeObj>, a: Ptr<TupleObj>, k: Ptr<DictObj>| -> Res<Value> {
            no_keywords(vm, k, "itemgetter")?;
            if a.is_empty() {
                return Err(vm.type_error("itemgetter expected 1 argument, got 0"));
            }
            let map = cls.instance_map();
            Ok(heap().alloc(map, ItemGetterObj { header: Header::new(map), items: Field::new(a.value()) }).value())
        })
        .getter("__text_signature__", "", |_: &Vm, _: Value| "(obj, /)")
        .method(call, call_doc, |vm: &Vm, g: Ptr<ItemGetterObj>, a: Ptr<TupleObj>, k: Ptr<DictObj>| -> Res<Value> {
            let o = operand(vm, a, k, "itemgetter")?;
            let items = tuple(&g.items);
            if items.len() == 1 {
                return vm.get_item(o, items.get(0));
            }
            each(items, |i| vm.get_item(o, i))
        })
        .positional("__call__", |vm, args| match (args, args[0].downcast::<ItemGetterObj>().map(|g| tuple(&g.items))) {
            (&[_, o], Some(items)) if items.len() == 1 => vm.get_item(o, items.get(0)),
            _ => Ok(Value::EMPTY),
        })
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, g: Ptr<ItemGetterObj>| repr(vm, g.value(), tuple(&g.items), None))
        .method("__reduce__($self, /)", "Return state information for pickling", |_: &Vm, g: Ptr<ItemGetterObj>| pair(type_of(g.value()).value(), g.items.get()));
    ITEM_GETTER.set(b.class());
    m.class(b.class());
    let b = new_type::<AttrGetterObj>("operator.attrgetter", object, 0)
        .doc("attrgetter(attr, /, *attrs)\n--\n\nReturn a callable object that fetches the given attribute(s) from its operand.\nAfter f = attrgetter('name'), the call f(r) returns r.name.\nAfter g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).\nAfter h = attrgetter('name.first', 'name.last'), the call h(r) returns\n(r.name.first, r.name.last).")
        .new_fn("__new__(cls, /, *args, **kwargs)", "", new_attr_getter)
        .getter("__text_signature__", "", |_: &Vm, _: Value| "(obj, /)")
        .method(call, call_doc, |vm: &Vm, g: Ptr<AttrGetterObj>, a: Ptr<TupleObj>, k: Ptr<DictObj>| -> Res<Value> {
            let o = operand(vm, a, k, "attrgetter")?;
            let paths = tuple(&g.paths);
            if paths.len() == 1 {
                return follow(vm, o, paths.get(0));
            }
            each(paths, |p| follow(vm, o, p))
        })
        .positional("__call__", |vm, args| match (args, args[0].downcast::<AttrGetterObj>().map(|g| tuple(&g.paths))) {
            (&[_, o], Some(paths)) if paths.len() == 1 => follow(vm, o, paths.get(0)),
            _ => Ok(Value::EMPTY),
        })
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, g: Ptr<AttrGetterObj>| repr(vm, g.value(), tuple(&g.names), None))
        .method("__reduce__($self, /)", "Return state information for pickling", |_: &Vm, g: Ptr<AttrGetterObj>| pair(type_of(g.value()).value(), g.names.get()));
    ATTR_GETTER.set(b.class());
    m.class(b.class());
    let b = new_type::<MethodCallerObj>("operator.methodcaller", object, 0)
        .doc("methodcaller(name, /, *args, **kwargs)\n--\n\nReturn a callable object that calls the given method on its operand.\nAfter f = methodcaller('name'), the call f(r) returns r.name().\nAfter g = methodcaller('name', 'date', foo=1), the call g(r) returns\nr.name('date', foo=1).")
        .new_fn("__new__(cls, /, *args, **kwargs)", "", new_method_caller)
        .getter("__text_signature__", "", |_: &Vm, _: Value| "(obj, /)")
        .method(call, call_doc, |vm: &Vm, c: Ptr<MethodCallerObj>, a: Ptr<TupleObj>, k: Ptr<DictObj>| -> Res<Value> {
            let o = operand(vm, a, k, "methodcaller")?;
            match c.kwargs.downcast::<DictObj>() {
                None => vm.call_method(o, c.name.get(), tuple(&c.args).as_slice()),
                kwargs => {
                    let f = vm.get_attr(o, c.name.get())?;
                    vm.call_dict(f, tuple(&c.args).as_slice(), kwargs)
                }
            }
        })
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, c: Ptr<MethodCallerObj>| -> Res<Value> {
            let mut all = ValueVec::new();
            all.push(c.name.get());
            all.extend_from_slice(tuple(&c.args).as_slice());
            repr(vm, c.value(), TupleObj::new(&all), c.kwargs.downcast())
        })
        .method("__reduce__($self, /)", "Return state information for pickling", reduce_method_caller);
    METHOD_CALLER.set(b.class());
    m.class(b.class());
}

fn tuple(f: &Field) -> Ptr<TupleObj> {
    f.downcast().expect("a tuple")
}

fn each(items: Ptr<TupleObj>, mut f: impl FnMut(Value) -> Res<Value>) -> Res<Value> {
    let mut out = ValueVec::with_capacity(items.len());
    for &i in items.as_slice() {
        out.push(f(i)?);
    }
    Ok(TupleObj::new(&out).value())
}

fn no_keywords(vm: &Vm, k: Ptr<DictObj>, name: &str) -> Res<()> {
    if k.is_empty() { Ok(()) } else { Err(vm.type_error(format!("{name}() takes no keyword arguments"))) }
}

fn operand(vm: &Vm, a: Ptr<TupleObj>, k: Ptr<DictObj>, name: &str) -> Res<Value> {
    no_keywords(vm, k, name)?;
    match *a.as_slice() {
        [o] => Ok(o),
        _ => Err(vm.type_error(format!("{name} expected 1 argument, got {}", a.len()))),
    }
}

fn new_attr_getter(vm: &Vm, cls: Ptr<TypeObj>, a: Ptr<TupleObj>, k: Ptr<DictObj>) -> Res<Value> {
    no_keywords(vm, k, "attrgetter")?;
    if a.is_empty() {
        return Err(vm.type_error("attrgetter expected 1 argument, got 0"));
    }
    let mut paths = ValueVec::with_capacity(a.len());
    for &n in a.as_slice() {
        let Some(s) = n.downcast::<StrObj>() else {
            return Err(vm.type_error("attribute name must be a string"));
        };
        let dots: Vec<usize> =
            s.chars().enumerate().filter(|(_, c)| *c == '.' as u32).map(|(i, _)| i).collect();
        if dots.is_empty() {
            paths.push(rt().intern_obj(s));
            continue;
        }
        let mut parts = ValueVec::with_capacity(dots.len() + 1);
        let mut from = 0;
        for d in dots.into_iter().chain([s.len()]) {
            parts.push(rt().intern_obj(s.substring(from, d)));
            from = d + 1;
        }
        paths.push(TupleObj::new(&parts).value());
    }
    let paths = TupleObj::new(&paths);
    let map = cls.instance_map();
    let g = AttrGetterObj {
        header: Header::new(map),
        names: Field::new(a.value()),
        paths: Field::new(paths.value()),
    };
    Ok(heap().alloc(map, g).value())
}

fn follow(vm: &Vm, o: Value, path: Value) -> Res<Value> {
    match path.downcast::<TupleObj>() {
        None => vm.get_attr(o, path),
        Some(t) => t.as_slice().iter().try_fold(o, |o, &n| vm.get_attr(o, n)),
    }
}

fn new_method_caller(vm: &Vm, cls: Ptr<TypeObj>, a: Ptr<TupleObj>, k: Ptr<DictObj>) -> Res<Value> {
    let Some((&name, rest)) = a.as_slice().split_first() else {
        return Err(vm.type_error("methodcaller needs at least one argument, the method name"));
    };
    let Some(s) = name.downcast::<StrObj>() else {
        return Err(vm.type_error("method name must be a string"));
    };
    let (name, args) = (rt().intern_obj(s), TupleObj::new(rest));
    let map = cls.instance_map();
    let kwargs = if k.is_empty() { Value::EMPTY } else { k.value() };
    let c = MethodCallerObj {
        header: Header::new(map),
        name: Field::new(name),
        args: Field::new(args.value()),
        kwargs: Field::new(kwargs),
    };
    Ok(heap().alloc(map, c).value())
}

fn reduce_method_caller(vm: &Vm, c: Ptr<MethodCallerObj>) -> Res<Value> {
    let class = type_of(c.value()).value();
    let Some(kwargs) = c.kwargs.downcast::<DictObj>() else {
        let mut all = ValueVec::new();
        all.push(c.name.get());
        all.extend_from_slice(tuple(&c.args).as_slice());
        return Ok(pair(class, TupleObj::new(&all).value()));
    };
    let partial = vm.import_attr("functools", "partial")?;
    let p = vm.call_dict(partial, &[class, c.name.get()], Some(kwargs))?;
    Ok(pair(p, c.args.get()))
}

fn repr(vm: &Vm, v: Value, items: Ptr<TupleObj>, kwargs: Option<Ptr<DictObj>>) -> Res<Value> {
    let name = full_name(type_of(v));
    if !vm.repr_enter(v) {
        return Ok(intern(&format!("{name}(...)")));
    }
    let r = (|| {
        let mut out = StrBuilder::new();
        out.push_str(&name);
        out.push_str("(");
        for (i, &x) in items.as_slice().iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            out.push_obj(&*vm.repr(x)?);
        }
        if let Some(k) = kwargs {
            for e in k.table.iter() {
                out.push_str(", ");
                out.push_obj(&*vm.str(e.key)?);
                out.push_str("=");
                out.push_obj(&*vm.repr(e.value)?);
            }
        }
        out.push_str(")");
        Ok(out.finish().value())
    })();
    vm.repr_leave(v);
    r
}
