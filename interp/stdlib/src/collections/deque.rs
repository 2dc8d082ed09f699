//! `deque`: a circular buffer.

use std::cell::Cell;

use cape_builtins::descriptors::pair;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Named, new_type};
use cape_vm::object::{ArrayObj, Int, ListObj, ModuleObj, StrBuilder, TupleObj, TypeFlags, TypeObj, is_int};
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// `items[(head + i) % capacity]` is item `i`; the capacity is a power of two. `limit` is negative when there is none; `state` changes
    /// with every change of the length.
    pub struct DequeObj { items: Field, head: Cell<usize>, len: Cell<usize>, limit: Cell<i64>, state: Cell<u64> }

    /// An iterator over a deque, forward or (by its type) backward.
    pub struct DequeIterObj { deque: Field, index: Cell<usize>, state: Cell<u64>, left: Cell<usize> }
}

impl Named for DequeObj {
    const NAME: &'static str = "collections.deque";
}
impl Named for DequeIterObj {
    const NAME: &'static str = "collections._deque_iterator";
}

static DEQUE: StaticType = StaticType::new();
static FORWARD: StaticType = StaticType::new();
static BACKWARD: StaticType = StaticType::new();

type This = Ptr<DequeObj>;

impl DequeObj {
    fn array(&self) -> Ptr<ArrayObj> {
        self.items.downcast().expect("the buffer of a deque")
    }

    #[inline]
    fn place(&self, i: usize) -> usize {
        (self.head.get() + i) & (self.array().len() - 1)
    }

    fn get(&self, i: usize) -> Option<Value> {
        (i < self.len.get()).then(|| self.array().get(self.place(i)))
    }

    fn put(&self, i: usize, v: Value) {
        self.array().set(self.place(i), v);
    }

    fn changed(&self) {
        self.state.set(self.state.get().wrapping_add(1));
    }
}

fn empty(cls: Ptr<TypeObj>, limit: i64) -> This {
    let map = cls.instance_map();
    let items = ArrayObj::new(8);
    let zero = || Cell::new(0);
    heap().alloc(
        map,
        DequeObj {
            header: Header::new(map),
            items: Field::new(items.value()),
            head: zero(),
            len: zero(),
            limit: Cell::new(limit),
            state: Cell::new(0),
        },
    )
}

/// Makes room for one more.
#[inline]
fn grow(d: This) {
    if d.len.get() == d.array().len() {
        grow_to(d, d.array().len() * 2);
    }
}

#[inline(never)]
fn grow_to(d: This, size: usize) {
    let old = d.array();
    let new = ArrayObj::new(size);
    let first = old.len() - d.head.get();
    new.copy_from(0, &old.as_slice()[d.head.get()..]);
    new.copy_from(first, &old.as_slice()[..d.head.get()]);
    d.items.set(d, new.value());
    d.head.set(0);
}

fn push(d: This, v: Value) {
    if d.limit.get() == 0 {
        return;
    }
    grow(d);
    let n = d.len.get();
    d.put(n, v);
    d.len.set(n + 1);
    d.changed();
    if d.limit.get() >= 0 && n as i64 >= d.limit.get() {
        pop_front(d);
    }
}

fn push_front(d: This, v: Value) {
    if d.limit.get() == 0 {
        return;
    }
    grow(d);
    let n = d.len.get();
    d.head.set(d.head.get().wrapping_sub(1) & (d.array().len() - 1));
    d.len.set(n + 1);
    d.put(0, v);
    d.changed();
    if d.limit.get() >= 0 && n as i64 >= d.limit.get() {
        pop_back(d);
    }
}

fn pop_front(d: This) -> Option<Value> {
    let v = d.get(0)?;
    d.put(0, Value::EMPTY);
    d.head.set(d.place(1));
    d.len.set(d.len.get() - 1);
    d.changed();
    Some(v)
}

fn pop_back(d: This) -> Option<Value> {
    let n = d.len.get().checked_sub(1)?;
    let v = d.get(n)?;
    d.put(n, Value::EMPTY);
    d.len.set(n);
    d.changed();
    Some(v)
}

fn clear(d: This) {
    d.items.set(d, ArrayObj::new(8).value());
    d.head.set(0);
    d.len.set(0);
    d.changed();
}

fn items(d: This) -> Ptr<ArrayObj> {
    let a = ArrayObj::new(d.len.get());
    (0..a.len()).for_each(|i| a.set(i, d.get(i).unwrap_or(Value::NONE)));
    a
}

pub(super) fn init(m: Ptr<ModuleObj>) {
    let flags = TypeFlags::BASE | TypeFlags::SEQUENCE | TypeFlags::HAS_WEAKREF;
    let b = new_type::<DequeObj>("collections.deque", rt().types.object, flags)
        .doc("A list-like sequence optimized for data accesses near its endpoints.")
        .new_fn(
            "__new__(cls, /, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| empty(cls, -1),
        )
        .method(
            "__init__($self, iterable=<unrepresentable>, maxlen=None)",
            "Initialize self.  See help(type(self)) for accurate signature.",
            init_deque,
        )
        .method(
            "append($self, item, /)",
            "Add an element to the right side of the deque.",
            |_: &Vm, d: This, v: Value| push(d, v),
        )
        .method(
            "appendleft($self, item, /)",
            "Add an element to the left side of the deque.",
            |_: &Vm, d: This, v: Value| push_front(d, v),
        )
        .method("pop($self, /)", "Remove and return the rightmost element.", |vm: &Vm, d: This| {
            pop_back(d).ok_or_else(|| vm.index_error("pop from an empty deque"))
        })
        .method("popleft($self, /)", "Remove and return the leftmost element.", |vm: &Vm, d: This| {
            pop_front(d).ok_or_else(|| vm.index_error("pop from an empty deque"))
        })
        .method("clear($self, /)", "Remove all elements from the deque.", |_: &Vm, d: This| clear(d))
        .method("copy($self, /)", "Return a shallow copy of a deque.", copy)
        .method("__copy__($self, /)", "Return a shallow copy of a deque.", copy)
        .method(
            "extend($self, iterable, /)",
            "Extend the right side of the deque with elements from the iterable.",
            extend,
        )
        .method(
            "extendleft($self, iterable, /)",
            "Extend the left side of the deque with elements from the iterable.",
            |vm: &Vm, d: This, v: Value| {
                let v = if v == d.value() { items_list(d) } else { v };
                vm.for_each(v, |x| {
                    push_front(d, x);
                    Ok(())
                })
            },
        )
        .method(
            "count($self, value, /)",
            "Return number of occurrences of value.",
            |vm: &Vm, d: This, v: Value| -> Res<usize> {
                let mut n = 0;
                search(vm, d, v, 0, usize::MAX, Vm::runtime_error, &mut |_| {
                    n += 1;
                    false
                })?;
                Ok(n)
            },
        )
        .method(
            "index($self, value, start=<unrepresentable>, stop=<unrepresentable>, /)",
            "Return first index of value.\n\nRaises ValueError if the value is not present.",
            index,
        )
        .method(
            "insert($self, index, value, /)",
            "Insert value before index.",
            |vm: &Vm, d: This, i: Value, v: Value| -> Res<()> {
                if d.limit.get() >= 0 && d.len.get() as i64 >= d.limit.get() {
                    return Err(vm.index_error("deque already at its maximum size"));
                }
                let (i, n) = (vm.index_isize(i)?, d.len.get() as isize);
                let at = if i < 0 { (i + n).max(0) } else { i.min(n) };
                insert(d, at as usize, v);
                Ok(())
            },
        )
        .method(
            "remove($self, value, /)",
            "Remove first occurrence of value.",
            |vm: &Vm, d: This, v: Value| -> Res<()> {
                let n = d.len.get();
                let found = search(vm, d, v, 0, usize::MAX, Vm::index_error, &mut |_| true)?;
                if n != d.len.get() {
                    return Err(vm.index_error("deque mutated during remove()."));
                }
                match found {
                    Some(i) => delete(d, i),
                    None => return Err(vm.value_error("deque.remove(x): x not in deque")),
                }
                Ok(())
            },
        )
        .method("reverse($self, /)", "Reverse *IN PLACE*.", |_: &Vm, d: This| {
            let n = d.len.get();
            for i in 0..n / 2 {
                let (a, b) = (d.get(i), d.get(n - 1 - i));
                if let (Some(a), Some(b)) = (a, b) {
                    d.put(i, b);
                    d.put(n - 1 - i, a);
                }
            }
        })
        .method(
            "rotate($self, n=1, /)",
            "Rotate the deque n steps to the right.  If n is negative, rotates left.",
            |vm: &Vm, d: This, n: Option<Value>| -> Res<()> {
                rotate(d, vm.index_isize(n.unwrap_or(Value::int(1)))?);
                Ok(())
            },
        )
        .getter("maxlen", "maximum size of a deque or None if unbounded", |_: &Vm, d: This| {
            (d.limit.get() >= 0).then(|| d.limit.get())
        })
        .method("__len__($self, /)", "Return len(self).", |_: &Vm, d: This| d.len.get())
        .method(
            "__contains__($self, key, /)",
            "Return bool(key in self).",
            |vm: &Vm, d: This, v: Value| -> Res<bool> {
                Ok(search(vm, d, v, 0, usize::MAX, Vm::runtime_error, &mut |_| true)?.is_some())
            },
        )
        .method(
            "__getitem__($self, key, /)",
            "Return self[key].",
            |vm: &Vm, d: This, k: Value| -> Res<Value> {
                let i = position(vm, d, k)?;
                d.get(i).ok_or_else(|| vm.index_error("deque index out of range"))
            },
        )
        .method(
            "__setitem__($self, key, value, /)",
            "Set self[key] to value.",
            |vm: &Vm, d: This, k: Value, v: Value| -> Res<()> {
                d.put(position(vm, d, k)?, v);
                Ok(())
            },
        )
        .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, d: This, k: Value| -> Res<()> {
            delete(d, position(vm, d, k)?);
            Ok(())
        })
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, d: This| iterate(FORWARD.get(), d, 0))
        .method("__reversed__($self, /)", "Return a reverse iterator over the deque.", |_: &Vm, d: This| {
            iterate(BACKWARD.get(), d, 0)
        })
        .method(
            "__add__($self, value, /)",
            "Return self+value.",
            |vm: &Vm, d: This, o: Value| -> Res<Value> {
                if !o.is::<DequeObj>() {
                    return Err(vm.type_error(format!(
                        "can only concatenate deque (not \"{}\") to deque",
                        full_name(type_of(o))
                    )));
                }
                let new = copy(vm, d)?;
                if let Some(n) = new.downcast::<DequeObj>() {
                    extend(vm, n, o)?;
                }
                Ok(new)
            },
        )
        .method(
            "__iadd__($self, value, /)",
            "Implement self+=value.",
            |vm: &Vm, d: This, o: Value| -> Res<Value> {
                extend(vm, d, o)?;
                Ok(d.value())
            },
        )
        .method("__mul__($self, value, /)", "Return self*value.", repeat)
        .method("__rmul__($self, value, /)", "Return value*self.", repeat)
        .method(
            "__imul__($self, value, /)",
            "Implement self*=value.",
            |vm: &Vm, d: This, n: Value| -> Res<Value> {
                if type_of(n).special(Special::Index).is_empty() {
                    return Ok(Value::NOT_IMPLEMENTED);
                }
                repeat_into(vm, d, n)?;
                Ok(d.value())
            },
        )
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: This, b: Value| {
            compare(vm, a, b, Cmp::Eq)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: This, b: Value| {
            compare(vm, a, b, Cmp::Ne)
        })
        .method("__lt__($self, value, /)", "Return self<value.", |vm: &Vm, a: This, b: Value| {
            compare(vm, a, b, Cmp::Lt)
        })
        .method("__le__($self, value, /)", "Return self<=value.", |vm: &Vm, a: This, b: Value| {
            compare(vm, a, b, Cmp::Le)
        })
        .method("__gt__($self, value, /)", "Return self>value.", |vm: &Vm, a: This, b: Value| {
            compare(vm, a, b, Cmp::Gt)
        })
        .method("__ge__($self, value, /)", "Return self>=value.", |vm: &Vm, a: This, b: Value| {
            compare(vm, a, b, Cmp::Ge)
        })
        .attribute("__hash__", Value::NONE)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__reduce__($self, /)", "Return state information for pickling.", reduce)
        .method(
            "__sizeof__($self, /)",
            "Return the size of the deque in memory, in bytes.",
            |_: &Vm, d: This| 232 + 8 * d.array().len(),
        )
        .class_method(
            "__class_getitem__($type, object, /)",
            "deques are generic over the type of their contents",
            cape_builtins::generic_alias::class_getitem,
        );
    DEQUE.set(b.class());
    m.class(b.class());
    for (name, slot) in
        [("collections._deque_iterator", &FORWARD), ("collections._deque_reverse_iterator", &BACKWARD)]
    {
        let b = new_type::<DequeIterObj>(name, rt().types.object, 0)
            .new_fn(
                "__new__(cls, deque, index=0, /)",
                "",
                |vm: &Vm, cls: Ptr<TypeObj>, d: This, i: Option<Value>| -> Res<Value> {
                    let i = vm.index_isize(i.unwrap_or(Value::int(0)))?.max(0) as usize;
                    Ok(iterate(cls, d, i.min(d.len.get())))
                },
            )
            .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
            .method("__next__($self, /)", "Implement next(self).", next)
            .method(
                "__length_hint__($self, /)",
                "Private method returning an estimate of len(list(it)).",
                |_: &Vm, i: Ptr<DequeIterObj>| i.left.get(),
            )
            .method(
                "__reduce__($self, /)",
                "Return state information for pickling.",
                |_: &Vm, i: Ptr<DequeIterObj>| {
                    let taken = Int::Small(i.index.get() as i64).into_value();
                    pair(type_of(i.value()).value(), pair(i.deque.get(), taken))
                },
            );
        slot.set(b.class());
        m.class(b.class());
    }
}

fn init_deque(vm: &Vm, d: This, iterable: Option<Value>, maxlen: Option<Value>) -> Res<()> {
    let limit = match maxlen.filter(|m| !m.is_none()) {
        None => -1,
        Some(m) if !is_int(m) => return Err(vm.type_error("an integer is required")),
        Some(m) => match vm.index_isize(m)? {
            n if n < 0 => return Err(vm.value_error("maxlen must be non-negative")),
            n => n as i64,
        },
    };
    d.limit.set(limit);
    if d.len.get() > 0 {
        clear(d);
    }
    match iterable {
        Some(v) => extend(vm, d, v),
        None => Ok(()),
    }
}

fn items_list(d: This) -> Value {
    ListObj::new(items(d).as_slice()).value()
}

fn extend(vm: &Vm, d: This, v: Value) -> Res<()> {
    let v = if v == d.value() { items_list(d) } else { v };
    if let Some(l) = v.downcast::<ListObj>().filter(|_| d.limit.get() < 0) {
        let size = (d.len.get() + l.len()).next_power_of_two();
        if size > d.array().len() {
            grow_to(d, size);
        }
    }
    if d.limit.get() == 0 {
        return vm.for_each(v, |_| Ok(()));
    }
    vm.for_each(v, |x| {
        push(d, x);
        Ok(())
    })
}

fn copy(vm: &Vm, d: This) -> Res<Value> {
    let t = type_of(d.value());
    if t == DEQUE.get() {
        let new = empty(t, d.limit.get());
        let n = d.len.get();
        (0..n).for_each(|i| push(new, d.get(i).unwrap_or(Value::NONE)));
        return Ok(new.value());
    }
    if d.limit.get() < 0 {
        return vm.call(t.value(), &[d.value()]);
    }
    vm.call(t.value(), &[d.value(), Int::Small(d.limit.get()).into_value()])
}

/// Calls `found` with the indices in `from..to` of the items that equal `v`, until it says stop; `changed` makes the error
/// of a deque that changes meanwhile.
fn search(
    vm: &Vm,
    d: This,
    v: Value,
    from: usize,
    to: usize,
    changed: fn(&Vm, &'static str) -> Raised,
    found: &mut dyn FnMut(usize) -> bool,
) -> Res<Option<usize>> {
    let state = d.state.get();
    let mut i = from;
    while i < to.min(d.len.get()) {
        let Some(x) = d.get(i) else { break };
        let same = vm.eq_identity(x, v)?;
        if d.state.get() != state {
            return Err(changed(vm, "deque mutated during iteration"));
        }
        if same && found(i) {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

/// A start or stop argument.
fn bound(vm: &Vm, v: Value, n: usize) -> Res<usize> {
    if type_of(v).special(Special::Index).is_empty() {
        return Err(vm.type_error("slice indices must be integers or have an __index__ method"));
    }
    let i = match vm.index_int(v)? {
        Int::Small(i) => i,
        Int::Big(b) if b.sign() == num_bigint::Sign::Minus => i64::MIN / 2,
        Int::Big(_) => i64::MAX / 2,
    };
    Ok(if i < 0 { (i + n as i64).max(0) } else { i } as usize)
}

fn index(vm: &Vm, d: This, v: Value, start: Option<Value>, stop: Option<Value>) -> Res<usize> {
    let n = d.len.get();
    let from = start.map_or(Ok(0), |s| bound(vm, s, n))?;
    let to = stop.map_or(Ok(usize::MAX), |s| bound(vm, s, n))?;
    match search(vm, d, v, from, to, Vm::runtime_error, &mut |_| true)? {
        Some(i) => Ok(i),
        None => Err(vm.value_error("deque.index(x): x not in deque")),
    }
}

fn position(vm: &Vm, d: This, k: Value) -> Res<usize> {
    if type_of(k).special(Special::Index).is_empty() {
        return Err(vm.type_error(format!("sequence index must be integer, not '{}'", full_name(type_of(k)))));
    }
    let (i, n) = (vm.index_isize(k)?, d.len.get() as isize);
    let i = if i < 0 { i + n } else { i };
    if i < 0 || i >= n {
        return Err(vm.index_error("deque index out of range"));
    }
    Ok(i as usize)
}

fn insert(d: This, at: usize, v: Value) {
    let n = d.len.get();
    push(d, v);
    for i in (at..n).rev() {
        let x = d.get(i).unwrap_or(Value::NONE);
        d.put(i + 1, x);
    }
    d.put(at, v);
}

fn delete(d: This, at: usize) {
    let n = d.len.get();
    if at < n / 2 {
        for i in (0..at).rev() {
            let x = d.get(i).unwrap_or(Value::NONE);
            d.put(i + 1, x);
        }
        pop_front(d);
    } else {
        for i in at..n - 1 {
            let x = d.get(i + 1).unwrap_or(Value::NONE);
            d.put(i, x);
        }
        pop_back(d);
    }
}

fn rotate(d: This, n: isize) {
    let len = d.len.get();
    if len <= 1 {
        return;
    }
    let right = n.rem_euclid(len as isize) as usize;
    // Moves the shorter end over, item by item.
    if right <= len / 2 {
        for _ in 0..right {
            if let Some(v) = pop_back(d) {
                push_front(d, v);
            }
        }
    } else {
        for _ in 0..len - right {
            if let Some(v) = pop_front(d) {
                push(d, v);
            }
        }
    }
}

fn repeat(vm: &Vm, d: This, n: Value) -> Res<Value> {
    if type_of(n).special(Special::Index).is_empty() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let new = copy(vm, d)?;
    if let Some(x) = new.downcast::<DequeObj>() {
        repeat_into(vm, x, n)?;
    }
    Ok(new)
}

fn repeat_into(vm: &Vm, d: This, n: Value) -> Res<()> {
    let n = vm.index_isize(n)?;
    if n <= 0 {
        clear(d);
        return Ok(());
    }
    let all = items(d);
    if all.is_empty() {
        return Ok(());
    }
    let limit = d.limit.get();
    if limit < 0 && all.len().checked_mul(n as usize).is_none_or(|t| t > isize::MAX as usize / 16) {
        return Err(vm.new_exc_args(rt().types.memory_error, &[]));
    }
    // With a limit, more rounds than fill it change nothing.
    let rounds = if limit < 0 { n as usize } else { (n as usize).min(limit as usize / all.len() + 2) };
    for _ in 1..rounds {
        all.as_slice().iter().for_each(|&v| push(d, v));
    }
    Ok(())
}

fn compare(vm: &Vm, a: This, b: Value, c: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<DequeObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    if a.len.get() != b.len.get() {
        match c {
            Cmp::Eq => return Ok(Value::FALSE),
            Cmp::Ne => return Ok(Value::TRUE),
            _ => {}
        }
    }
    let (x, y) = (iterate(FORWARD.get(), a, 0), iterate(FORWARD.get(), b, 0));
    loop {
        let (p, q) = (vm.next(x)?, vm.next(y)?);
        let (Some(p), Some(q)) = (p, q) else {
            return Ok(Value::bool(c.of(p.is_some().cmp(&q.is_some()))));
        };
        if !vm.eq_identity(p, q)? {
            return match c {
                Cmp::Eq => Ok(Value::FALSE),
                Cmp::Ne => Ok(Value::TRUE),
                _ => vm.compare(p, q, c),
            };
        }
    }
}

fn repr(vm: &Vm, d: This) -> Res<Value> {
    if !vm.repr_enter(d.value()) {
        return Ok(intern("[...]"));
    }
    let r = vm.repr(items_list(d));
    vm.repr_leave(d.value());
    let mut out = StrBuilder::new();
    out.push_str(&type_of(d.value()).name_str());
    out.push_str("(");
    out.push_obj(&*r?);
    if d.limit.get() >= 0 {
        out.push_str(&format!(", maxlen={}", d.limit.get()));
    }
    out.push_str(")");
    Ok(out.finish().value())
}

fn reduce(vm: &Vm, d: This) -> Res<Value> {
    let state = vm.get_attr(d.value(), Special::Getstate.name_value())?;
    let state = vm.call(state, &[])?;
    let it = vm.iter(d.value())?;
    let args = if d.limit.get() < 0 {
        rt().empty_tuple()
    } else {
        TupleObj::new(&[rt().empty_tuple().value(), Int::Small(d.limit.get()).into_value()])
    };
    Ok(TupleObj::new(&[type_of(d.value()).value(), args.value(), state, it]).value())
}

fn iterate(cls: Ptr<TypeObj>, d: This, from: usize) -> Value {
    let map = cls.instance_map();
    heap()
        .alloc(
            map,
            DequeIterObj {
                header: Header::new(map),
                deque: Field::new(d.value()),
                index: Cell::new(from),
                state: Cell::new(d.state.get()),
                left: Cell::new(d.len.get() - from),
            },
        )
        .value()
}

fn next(vm: &Vm, i: Ptr<DequeIterObj>) -> Result<Value, Raised> {
    let Some(d) = i.deque.downcast::<DequeObj>() else { return Ok(Value::EMPTY) };
    if d.state.get() != i.state.get() {
        i.left.set(0);
        return Err(vm.runtime_error("deque mutated during iteration"));
    }
    let n = i.left.get();
    if n == 0 {
        return Ok(Value::EMPTY);
    }
    let at = i.index.get();
    i.index.set(at + 1);
    i.left.set(n - 1);
    let forward = type_of(i.value()) == FORWARD.get();
    Ok(d.get(if forward { at } else { n - 1 }).unwrap_or(Value::EMPTY))
}
