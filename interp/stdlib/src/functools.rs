//! `_functools`: `partial`, `reduce`, `lru_cache`, `cmp_to_key`.

use std::cell::Cell;

use cape_builtins::function::add_dict;
use cape_heap::{Field, Header, Root, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{
    BoundMethodObj, DictObj, Int, ModuleObj, StrBuilder, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec,
    is_int,
};
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// `functools.partial`. `args` is a tuple, `kwargs` a dict, `holes` the number of placeholders among `args`.
    pub struct PartialObj { func: Field, args: Field, kwargs: Field, holes: Cell<usize> }

    /// `functools.Placeholder`.
    pub struct PlaceholderObj {}

    /// What `cmp_to_key` makes (`object` EMPTY), and the keys that it makes of objects.
    pub struct KeyObj { cmp: Field, object: Field }

    /// A function with a cache. `cache` maps keys to results, the least recently used first; `limit` is negative when unbounded.
    pub struct LruCacheObj {
        func: Field,
        cache: Field,
        info: Field,
        limit: Cell<i64>,
        typed: Cell<bool>,
        hits: Cell<u64>,
        misses: Cell<u64>,
    }
}

impl Named for PartialObj {
    const NAME: &'static str = "functools.partial";
}
impl Named for KeyObj {
    const NAME: &'static str = "functools.KeyWrapper";
}
impl Named for LruCacheObj {
    const NAME: &'static str = "functools._lru_cache_wrapper";
}

static PARTIAL: StaticType = StaticType::new();
static KEY: StaticType = StaticType::new();
static LRU: StaticType = StaticType::new();

/// The one placeholder.
struct Single(Cell<Option<&'static Root>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Single {}
static PLACEHOLDER: Single = Single(Cell::new(None));

fn placeholder() -> Value {
    PLACEHOLDER.0.get().expect("made with the module").get()
}

const CALL: (&str, &str) = ("__call__($self, /, *args, **kwargs)", "Call self as a function.");
const GET: (&str, &str) =
    ("__get__($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner.");

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("__doc__", StrObj::new("Tools that operate on functions.").value())
        .function("reduce(function, iterable, /, initial=<unrepresentable>)", "Apply a function of two arguments cumulatively to the items of an iterable, from left to right.\n\nThis effectively reduces the iterable to a single value.  If initial is present,\nit is placed before the items of the iterable in the calculation, and serves as\na default when the iterable is empty.\n\nFor example, reduce(lambda x, y: x+y, [1, 2, 3, 4, 5])\ncalculates ((((1 + 2) + 3) + 4) + 5).", reduce)
        .function("cmp_to_key(mycmp)", "Convert a cmp= function into a key= function.\n\n  mycmp\n    Function that compares two objects.", |_: &Vm, f: Value| new_key(f, Value::EMPTY));
    placeholders(m);
    partials(m);
    keys();
    caches(m);
    Ok(())
}

fn reduce(vm: &Vm, f: Value, items: Value, initial: Option<Value>) -> Res<Value> {
    let it = vm.iter(items).map_err(|r| {
        if r.is(rt().types.type_error) { vm.type_error("reduce() arg 2 must support iteration") } else { r }
    })?;
    let mut acc = match initial {
        Some(v) => v,
        None => match vm.next(it)? {
            Some(v) => v,
            None => return Err(vm.type_error("reduce() of empty iterable with no initial value")),
        },
    };
    while let Some(x) = vm.next(it)? {
        acc = vm.call(f, &[acc, x])?;
    }
    Ok(acc)
}

fn placeholders(m: Ptr<ModuleObj>) {
    let b = new_type::<PlaceholderObj>("functools._PlaceholderType", rt().types.object, 0)
        .doc("The type of the Placeholder singleton.\n\nUsed as a placeholder for partial arguments.")
        .new_fn(
            "__new__(cls, /, *args, **kwargs)",
            "",
            |vm: &Vm, _: Value, a: Ptr<TupleObj>, k: Ptr<DictObj>| -> Res<Value> {
                if !a.is_empty() || !k.is_empty() {
                    return Err(vm.type_error("_PlaceholderType takes no arguments"));
                }
                Ok(placeholder())
            },
        )
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, _: Value| "Placeholder")
        .method("__reduce__($self, /)", "", |_: &Vm, _: Value| "Placeholder");
    let map = b.class().instance_map();
    let p = heap().alloc(map, PlaceholderObj { header: Header::new(map) });
    if PLACEHOLDER.0.get().is_none() {
        PLACEHOLDER.0.set(Some(Box::leak(Box::new(Root::new(p.value())))));
    }
    m.class(b.class()).add("Placeholder", placeholder());
}

fn is_placeholder(v: Value) -> bool {
    v.is::<PlaceholderObj>()
}

fn partials(m: Ptr<ModuleObj>) {
    let flags = TypeFlags::BASE | TypeFlags::HAS_DICT | TypeFlags::HAS_WEAKREF;
    type This = Ptr<PartialObj>;
    let b =
        new_type::<PartialObj>("functools.partial", rt().types.object, flags)
            .doc("Create a new function with partial application of the given arguments and keywords.")
            .new_fn("__new__(cls, /, *args, **keywords)", "", partial_new)
            .method(CALL.0, CALL.1, partial_call)
            .positional("__call__", partial_called)
            .method(GET.0, GET.1, |_: &Vm, p: This, o: Value, _: Value| {
                if o.is_none() { p.value() } else { BoundMethodObj::new(p.value(), o).value() }
            })
            .method("__repr__($self, /)", "Return repr(self).", partial_repr)
            .method("__reduce__($self, /)", "", |vm: &Vm, p: This| {
                let d = vm.dict_of(p.value()).filter(|d| !d.is_empty()).map_or(Value::NONE, |d| d.value());
                let state = TupleObj::new(&[p.func.get(), p.args.get(), p.kwargs.get(), d]);
                TupleObj::new(&[
                    type_of(p.value()).value(),
                    TupleObj::new(&[p.func.get()]).value(),
                    state.value(),
                ])
            })
            .method("__setstate__($self, state, /)", "", partial_setstate)
            .class_method(
                "__class_getitem__($type, object, /)",
                "See PEP 585",
                cape_builtins::generic_alias::class_getitem,
            )
            .getter("func", "function object to use in future partial calls", |_: &Vm, p: This| p.func.get())
            .getter("args", "tuple of arguments to future partial calls", |_: &Vm, p: This| p.args.get())
            .getter(
                "keywords",
                "dictionary of keyword arguments to future partial calls",
                |_: &Vm, p: This| p.kwargs.get(),
            );
    b.getset(
        "__dict__",
        "",
        |vm: &Vm, o: Value| vm.dict_of(o).ok_or_else(|| vm.attribute_error("This object has no __dict__")),
        |vm: &Vm, o: Value, d: Value| match d.is_empty() {
            true => Err(vm.type_error("cannot delete __dict__")),
            false => cape_vm::attr::set_dict(vm, o, d),
        },
    );
    PARTIAL.set(b.class());
    m.class(b.class());
}

fn tuple(f: &Field) -> Ptr<TupleObj> {
    f.downcast().expect("a tuple")
}

fn dict(f: &Field) -> Ptr<DictObj> {
    f.downcast().expect("a dict")
}

fn count_holes(args: &[Value]) -> usize {
    args.iter().filter(|v| is_placeholder(**v)).count()
}

fn partial_new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let Some((&func, rest)) = args.as_slice().split_first() else {
        return Err(vm.type_error("type 'partial' takes at least one argument"));
    };
    if !vm.is_callable(func) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    if rest.last().is_some_and(|v| is_placeholder(*v)) {
        return Err(vm.type_error("trailing Placeholders are not allowed"));
    }
    if kwargs.table.iter().any(|e| is_placeholder(e.value)) {
        return Err(vm.type_error("Placeholder cannot be passed as a keyword argument"));
    }
    // A partial of a plain partial is flattened.
    let inner = func.downcast::<PartialObj>().filter(|p| {
        type_of(func).special(Special::Call) == PARTIAL.get().special(Special::Call)
            && vm.dict_of(p.value()).is_none_or(|d| d.is_empty())
    });
    let (func, all, kw) = match inner {
        None => {
            let kw = DictObj::new();
            kw.table.copy_from(kw.header(), &kwargs.table);
            (func, TupleObj::new(rest), kw)
        }
        Some(p) => {
            let kw = dict(&p.kwargs).copy();
            vm.dict_update(kw, kwargs.value())?;
            (p.func.get(), fill(tuple(&p.args), rest), kw)
        }
    };
    let map = cls.instance_map();
    let p = PartialObj {
        header: Header::new(map),
        func: Field::new(func),
        args: Field::new(all.value()),
        kwargs: Field::new(kw.value()),
        holes: Cell::new(count_holes(all.as_slice())),
    };
    Ok(heap().alloc(map, p).value())
}

/// The stored arguments with placeholders replaced by the first of `given`, the others behind them.
fn fill(stored: Ptr<TupleObj>, given: &[Value]) -> Ptr<TupleObj> {
    let mut rest = given.iter().copied();
    let mut out = ValueVec::with_capacity(stored.len() + given.len());
    for &v in stored.as_slice() {
        out.push(if is_placeholder(v) { rest.next().unwrap_or(v) } else { v });
    }
    rest.for_each(|v| out.push(v));
    TupleObj::new(&out)
}

fn partial_call(vm: &Vm, p: Ptr<PartialObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let holes = p.holes.get();
    if args.len() < holes {
        return Err(vm.type_error(format!(
            "missing positional arguments in 'partial' call; expected at least {holes}, got {}",
            args.len()
        )));
    }
    let stored = tuple(&p.args);
    let all = if stored.is_empty() {
        args
    } else if args.is_empty() {
        stored
    } else {
        fill(stored, args.as_slice())
    };
    let own = dict(&p.kwargs);
    let kw = if own.is_empty() {
        kwargs
    } else if kwargs.is_empty() {
        own
    } else {
        let d = own.copy();
        vm.dict_update(d, kwargs.value())?;
        d
    };
    vm.call_dict(p.func.get(), all.as_slice(), Some(kw))
}

/// A call of a partial without keywords or holes, of its own or given; EMPTY: another one.
fn partial_called(vm: &Vm, args: &[Value]) -> Res<Value> {
    let Some(p) = args[0].downcast::<PartialObj>() else { return Ok(Value::EMPTY) };
    let stored = tuple(&p.args);
    if p.holes.get() != 0 || !dict(&p.kwargs).is_empty() || stored.len() + args.len() > 8 {
        return Ok(Value::EMPTY);
    }
    let mut all = [Value::EMPTY; 8];
    let n = stored.len() + args.len() - 1;
    all[..stored.len()].copy_from_slice(stored.as_slice());
    all[stored.len()..n].copy_from_slice(&args[1..]);
    vm.call_args(p.func.get(), &all[..n], None)
}

fn partial_repr(vm: &Vm, p: Ptr<PartialObj>) -> Res<Value> {
    let v = p.value();
    if !vm.repr_enter(v) {
        return Ok(intern("..."));
    }
    let r = (|| {
        let t = type_of(v);
        let module = vm.get_attr(t.value(), rt().names.module)?;
        let mut out = StrBuilder::new();
        out.push_obj(&*vm.str(module)?);
        out.push_str(".");
        out.push_obj(&*vm.str(t.qualname.get())?);
        out.push_str("(");
        // What is called may replace all three.
        let (func, args, kw) = (p.func.get(), tuple(&p.args), dict(&p.kwargs));
        out.push_obj(&*vm.repr(func)?);
        for &a in args.as_slice() {
            out.push_str(", ");
            out.push_obj(&*vm.repr(a)?);
        }
        let mut i = 0;
        while let Some((at, e)) = kw.table.next_entry(i) {
            i = at + 1;
            out.push_str(", ");
            out.push_obj(&*vm.str(e.key)?);
            out.push_str("=");
            out.push_obj(&*vm.repr(e.value)?);
        }
        out.push_str(")");
        Ok(out.finish().value())
    })();
    vm.repr_leave(v);
    r
}

fn partial_setstate(vm: &Vm, p: Ptr<PartialObj>, state: Value) -> Res<()> {
    let invalid = || vm.type_error("invalid partial state");
    let state: Ptr<TupleObj> = state.downcast().ok_or_else(invalid)?;
    let [func, args, kwargs, own] = *state.as_slice() else { return Err(invalid()) };
    let args_ok = args.downcast::<TupleObj>();
    let bad = !vm.is_callable(func)
        || args_ok.is_none()
        || !(kwargs.is_none() || kwargs.is::<DictObj>())
        || !(own.is_none() || own.is::<DictObj>());
    let Some(a) = args_ok.filter(|_| !bad) else { return Err(invalid()) };
    if a.as_slice().last().is_some_and(|v| is_placeholder(*v)) {
        return Err(vm.type_error("trailing Placeholders are not allowed"));
    }
    let a = if a.header().map() == rt().maps.tuple { a } else { TupleObj::new(a.as_slice()) };
    let kw = match kwargs.downcast::<DictObj>() {
        None => DictObj::new(),
        Some(d) if d.header().map() == rt().maps.dict => d,
        Some(d) => d.copy(),
    };
    p.func.set(p, func);
    p.args.set(p, a.value());
    p.kwargs.set(p, kw.value());
    p.holes.set(count_holes(a.as_slice()));
    let own = if own.is_none() { DictObj::new().value() } else { own };
    cape_vm::attr::set_dict(vm, p.value(), own)
}

fn new_key(cmp: Value, object: Value) -> Value {
    let map = KEY.get().instance_map();
    heap()
        .alloc(map, KeyObj { header: Header::new(map), cmp: Field::new(cmp), object: Field::new(object) })
        .value()
}

fn keys() {
    type This = Ptr<KeyObj>;
    let b = new_type::<KeyObj>("functools.KeyWrapper", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__call__($self, /, obj)", "Call self as a function.", |_: &Vm, k: This, o: Value| {
            new_key(k.cmp.get(), o)
        })
        .getset(
            "obj",
            "Value wrapped by a key function.",
            |vm: &Vm, k: This| {
                let o = k.object.get();
                if o.is_empty() { Err(vm.attribute_error("obj")) } else { Ok(o) }
            },
            |_: &Vm, k: This, v: Value| k.object.set(k, v),
        )
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: This, b: Value| {
            compare_keys(vm, a, b, Cmp::Eq)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: This, b: Value| {
            compare_keys(vm, a, b, Cmp::Ne)
        })
        .method("__lt__($self, value, /)", "Return self<value.", |vm: &Vm, a: This, b: Value| {
            compare_keys(vm, a, b, Cmp::Lt)
        })
        .method("__le__($self, value, /)", "Return self<=value.", |vm: &Vm, a: This, b: Value| {
            compare_keys(vm, a, b, Cmp::Le)
        })
        .method("__gt__($self, value, /)", "Return self>value.", |vm: &Vm, a: This, b: Value| {
            compare_keys(vm, a, b, Cmp::Gt)
        })
        .method("__ge__($self, value, /)", "Return self>=value.", |vm: &Vm, a: This, b: Value| {
            compare_keys(vm, a, b, Cmp::Ge)
        })
        .attribute("__hash__", Value::NONE);
    KEY.set(b.class());
}

fn compare_keys(vm: &Vm, a: Ptr<KeyObj>, b: Value, c: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<KeyObj>() else {
        return Err(vm.type_error("other argument must be K instance"));
    };
    let (x, y) = (a.object.get(), b.object.get());
    if x.is_empty() || y.is_empty() {
        return Err(vm.attribute_error("object"));
    }
    let r = vm.call(a.cmp.get(), &[x, y])?;
    vm.compare(r, Value::int(0), c)
}

fn caches(m: Ptr<ModuleObj>) {
    type This = Ptr<LruCacheObj>;
    let flags = TypeFlags::BASE | TypeFlags::HAS_DICT | TypeFlags::HAS_WEAKREF | TypeFlags::METHOD_DESCRIPTOR;
    let b = new_type::<LruCacheObj>("functools._lru_cache_wrapper", rt().types.object, flags)
        .doc("Create a cached callable that wraps another function.\n\nuser_function:      the function being cached\n\nmaxsize:  0         for no caching\n          None      for unlimited cache size\n          n         for a bounded cache\n\ntyped:    False     cache f(3) and f(3.0) as identical calls\n          True      cache f(3) and f(3.0) as distinct calls\n\ncache_info_type:    namedtuple class with the fields:\n                        hits misses currsize maxsize\n")
        .new_fn("__new__(cls, user_function, maxsize, typed, cache_info_type)", "", lru_new)
        .method(CALL.0, CALL.1, lru_call)
        .positional("__call__", lru_called)
        .method(GET.0, GET.1, |_: &Vm, c: This, o: Value, _: Value| if o.is_none() { c.value() } else { BoundMethodObj::new(c.value(), o).value() })
        .method("cache_info($self, /)", "Report cache statistics", |vm: &Vm, c: This| -> Res<Value> {
            let n = |n: u64| Int::Small(n as i64).into_value();
            let limit = if c.limit.get() < 0 { Value::NONE } else { n(c.limit.get() as u64) };
            vm.call(c.info.get(), &[n(c.hits.get()), n(c.misses.get()), limit, n(dict(&c.cache).len() as u64)])
        })
        .method("cache_clear($self, /)", "Clear the cache and cache statistics", |_: &Vm, c: This| {
            c.hits.set(0);
            c.misses.set(0);
            c.cache.set(c, DictObj::new().value());
        })
        .method("__reduce__($self, /)", "", |vm: &Vm, c: This| vm.get_attr(c.value(), rt().names.qualname))
        .method("__copy__($self, /)", "", |_: &Vm, c: This| c)
        .method("__deepcopy__($self, memo, /)", "", |_: &Vm, c: This, _: Value| c);
    add_dict(b);
    LRU.set(b.class());
    m.class(b.class());
}

fn lru_new(vm: &Vm, cls: Ptr<TypeObj>, func: Value, max: Value, typed: bool, info: Value) -> Res<Value> {
    if !vm.is_callable(func) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let limit = if max.is_none() {
        -1
    } else if is_int(max) || !type_of(max).special(Special::Index).is_empty() {
        (vm.index_isize(max)? as i64).max(0)
    } else {
        return Err(vm.type_error("maxsize should be integer or None"));
    };
    let cache = DictObj::new();
    let map = cls.instance_map();
    let c = LruCacheObj {
        header: Header::new(map),
        func: Field::new(func),
        cache: Field::new(cache.value()),
        info: Field::new(info),
        limit: Cell::new(limit),
        typed: Cell::new(typed),
        hits: Cell::new(0),
        misses: Cell::new(0),
    };
    Ok(heap().alloc(map, c).value())
}

/// The key of a call: a single int or str stands for itself, everything else is a tuple of the arguments, the keywords behind a
/// mark, and with `typed` their types.
/// Whether a single argument stands for itself.
fn is_key(v: Value) -> bool {
    v.is_int() || v.is_ptr() && v.header().map() == rt().maps.str
}

fn call_key(args: Ptr<TupleObj>, kwargs: Ptr<DictObj>, typed: bool) -> Value {
    if !typed && kwargs.is_empty() {
        if let [v] = *args.as_slice()
            && is_key(v)
        {
            return v;
        }
        return args.value();
    }
    let mut all = ValueVec::with_capacity(args.len() + 2 * kwargs.len() + 1);
    all.extend_from_slice(args.as_slice());
    if !kwargs.is_empty() {
        all.push(LRU.get().value());
        for e in kwargs.table.iter() {
            all.push(e.key);
            all.push(e.value);
        }
    }
    if typed {
        args.as_slice().iter().for_each(|v| all.push(type_of(*v).value()));
        kwargs.table.iter().for_each(|e| all.push(type_of(e.value).value()));
    }
    TupleObj::new(&all).value()
}

/// What the cache has at entry `i`, which becomes the one used last.
fn lru_hit(c: Ptr<LruCacheObj>, cache: Ptr<DictObj>, i: usize) -> Value {
    c.hits.set(c.hits.get() + 1);
    let e = cache.table.keys().entry(i);
    // At the end already, most often.
    if c.limit.get() > 0 && i + 1 != cache.table.keys().filled() {
        cache.table.remove_at(i);
        cache.table.insert_new(cache.header(), e.hash, e.key, e.value);
    }
    e.value
}

fn lru_call(vm: &Vm, c: Ptr<LruCacheObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let limit = c.limit.get();
    if limit == 0 {
        c.misses.set(c.misses.get() + 1);
        return vm.call_dict(c.func.get(), args.as_slice(), Some(kwargs));
    }
    let key = call_key(args, kwargs, c.typed.get());
    found_or_made(vm, c, key, || vm.call_dict(c.func.get(), args.as_slice(), Some(kwargs)))
}

/// A call with one argument that is a key itself; EMPTY: another one.
fn lru_called(vm: &Vm, args: &[Value]) -> Res<Value> {
    match (args, args[0].downcast::<LruCacheObj>()) {
        (&[_, x], Some(c)) if c.limit.get() != 0 && !c.typed.get() && is_key(x) => {
            found_or_made(vm, c, x, || vm.call_args(c.func.get(), &[x], None))
        }
        _ => Ok(Value::EMPTY),
    }
}

/// What the cache has for a key, or what `make` gives, which goes into it.
fn found_or_made(
    vm: &Vm,
    c: Ptr<LruCacheObj>,
    key: Value,
    make: impl FnOnce() -> Res<Value>,
) -> Res<Value> {
    let limit = c.limit.get();
    let hash = vm.hash(key)?;
    let cache = dict(&c.cache);
    if let Some(i) = cache.table.find(vm, key, hash)? {
        return Ok(lru_hit(c, cache, i));
    }
    c.misses.set(c.misses.get() + 1);
    let r = make()?;
    let cache = dict(&c.cache);
    // The call may have filled the same place.
    if let Some(i) = cache.table.find(vm, key, hash)? {
        if limit < 0 {
            cache.table.set_value(i, r);
        }
        return Ok(r);
    }
    if limit > 0
        && cache.len() as i64 >= limit
        && let Some((i, _)) = cache.table.next_entry(0)
    {
        cache.table.remove_at(i);
    }
    cache.table.insert_new(cache.header(), hash, key, r);
    Ok(r)
}
