//! The iterator protocol.

use cape_heap::{Ptr, Value};

use crate::class::full_name;
use crate::exc::Res;
use crate::foreign::foreign;
use crate::native::MethodDef;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;
use crate::vm::Vm;

impl Vm {
    /// Whether instances can be gone through by index: `__getitem__` is Python's or C's, or the native class is a sequence;
    /// native mappings and type expressions have keys there.
    fn is_indexable(&self, t: Ptr<TypeObj>) -> bool {
        let f = t.special(Special::Getitem);
        !f.is_empty()
            && !t.is_subtype(rt().types.dict)
            && (!f.is::<MethodDescrObj>()
                || t.has(TypeFlags::SEQUENCE | TypeFlags::INDEXED)
                || t.has(TypeFlags::FOREIGN)
                || is_builtin_text(t))
    }

    /// `iter(v)`.
    pub fn iter(&self, v: Value) -> Res<Value> {
        let maps = &rt().maps;
        if v.is_ptr() {
            let m = v.header().map();
            if m == maps.list {
                return Ok(SeqIterObj::with_map(maps.list_iterator, v).value());
            }
            if m == maps.tuple {
                return Ok(SeqIterObj::with_map(maps.tuple_iterator, v).value());
            }
            if m == maps.generator {
                return Ok(v);
            }
        }
        let t = type_of(v);
        let f = t.special(Special::Iter);
        if f.is_empty() {
            if self.is_indexable(t) {
                return Ok(SeqIterObj::with_map(maps.seq_iterator, v).value());
            }
            return Err(self.type_error(format!("'{}' object is not iterable", full_name(t))));
        }
        if f.is_none() {
            return Err(self.type_error(format!("'{}' object is not iterable", full_name(t))));
        }
        let it = self.call_special(f, &[v])?;
        if type_of(it).special(Special::Next).is_empty() {
            return Err(
                self.type_error(format!("iter() returned non-iterator of type '{}'", full_name(type_of(it))))
            );
        }
        Ok(it)
    }

    /// `next(it)`; `None` when exhausted.
    #[inline(always)]
    pub fn next(&self, it: Value) -> Res<Option<Value>> {
        let v = self.next_or_empty(it)?;
        if v.is_empty() {
            // Or it would be the value of an iterator that ends later.
            self.take_stop_value();
            return Ok(None);
        }
        Ok(Some(v))
    }

    /// As [`Vm::next`], for callers that take the value of the StopIteration ([`Vm::take_stop_value`]) at the end.
    #[inline(always)]
    pub fn next_or_value(&self, it: Value) -> Res<Option<Value>> {
        let v = self.next_or_empty(it)?;
        Ok((!v.is_empty()).then_some(v))
    }

    /// As [`Vm::next_or_value`], EMPTY at the end: unlike an `Option` in a `Res` it is returned in machine registers.
    #[inline]
    pub fn next_or_empty(&self, it: Value) -> Res<Value> {
        let maps = &rt().maps;
        if it.is_ptr() {
            let m = it.header().map();
            if m == maps.range_iterator {
                // SAFETY: its map says so.
                return Ok(unsafe { it.cast::<RangeIterObj>() }.advance().unwrap_or(Value::EMPTY));
            }
            if m == maps.list_iterator || m == maps.tuple_iterator {
                // SAFETY: its map says so.
                return Ok(seq_next(unsafe { it.cast::<SeqIterObj>() }).unwrap_or(Value::EMPTY));
            }
            if m == maps.generator {
                // SAFETY: its map says so.
                let g = unsafe { it.cast::<crate::generator::GeneratorObj>() };
                return self.next_of_generator(g);
            }
        }
        self.next_slow(it)
    }

    /// The next items of an iterator, as many as there is room for: how many there were. Where there were fewer, it has ended.
    pub(crate) fn next_items(&self, it: Value, out: &mut [Value]) -> Res<usize> {
        let mut n = 0;
        while n < out.len() {
            let f = type_of(it).special(Special::Next);
            if crate::call::raw_method(f).is_some() {
                self.check_native_stack("")?;
                if let Some(r) = foreign().next_items(self, f, it, &mut out[n..]) {
                    let (more, ended) = r?;
                    n += more;
                    if ended {
                        self.take_stop_value();
                        return Ok(n);
                    }
                    continue;
                }
            }
            let v = self.next_of_any(it)?;
            if v.is_empty() {
                return Ok(n);
            }
            out[n] = v;
            n += 1;
        }
        Ok(n)
    }

    /// As [`Vm::next`], for iterators that are most likely no builtin ones; EMPTY at the end.
    #[inline(never)]
    pub(crate) fn next_of_any(&self, it: Value) -> Res<Value> {
        let v = self.next_by_method(it)?;
        if v.is_empty() {
            self.take_stop_value();
        }
        Ok(v)
    }

    #[inline(never)]
    fn next_slow(&self, it: Value) -> Res<Value> {
        self.next_by_method(it)
    }

    #[inline(always)]
    fn next_by_method(&self, it: Value) -> Res<Value> {
        match native_next(it) {
            Some(def) => self.next_natively(def, it),
            None => self.next_by_other(it),
        }
    }

    /// The next item by the function behind a class's `__next__`.
    #[inline(always)]
    pub(crate) fn next_natively(&self, def: &'static MethodDef, it: Value) -> Res<Value> {
        self.check_native_stack("")?;
        self.native_def.set(def);
        match (def.func)(self, &[it]) {
            Ok(v) => Ok(v),
            Err(r) => self.exhausted(r),
        }
    }

    fn next_by_other(&self, it: Value) -> Res<Value> {
        let f = type_of(it).special(Special::Next);
        if let Some(m) = f.downcast::<MethodDescrObj>() {
            // A slot of C gives EMPTY when exhausted; a method of C of this name raises StopIteration.
            self.check_native_stack("")?;
            let r = match crate::call::raw_method(f) {
                Some((def, call)) => call(self, def, &[it], None),
                None => m.def.call(self, &[it], None),
            };
            return match r {
                Ok(v) => Ok(v),
                Err(r) => self.exhausted(r),
            };
        }
        let t = type_of(it);
        if f.is_empty() {
            return Err(self.type_error(format!("'{}' object is not an iterator", full_name(t))));
        }
        match self.call_special(f, &[it]) {
            Ok(v) => Ok(v),
            Err(r) => self.exhausted(r),
        }
    }

    #[cold]
    fn exhausted(&self, r: crate::exc::Raised) -> Res<Value> {
        if !r.is(rt().types.stop_iteration) {
            return Err(r);
        }
        self.leave_stop_value(crate::generator::stop_value(r));
        Ok(Value::EMPTY)
    }

    /// All items of an iterable, in a fresh array.
    pub fn list_of(&self, v: Value) -> Res<Ptr<ArrayObj>> {
        if let Some(l) = v.downcast::<ListObj>()
            && l.header().map() == rt().maps.list
        {
            return Ok(l.snapshot());
        }
        if let Some(t) = v.downcast::<TupleObj>()
            && t.header().map() == rt().maps.tuple
        {
            return Ok(ArrayObj::from_slice(t.as_slice()));
        }
        let v = self.vec_of(v)?;
        Ok(ArrayObj::from_slice(&v))
    }

    /// As [`Vm::list_of`]; what is no iterable raises TypeError with this text.
    pub fn list_of_iterable(&self, v: Value, otherwise: &str) -> Res<Ptr<ArrayObj>> {
        if v.is_ptr() && (v.header().map() == rt().maps.list || v.header().map() == rt().maps.tuple) {
            return self.list_of(v);
        }
        match self.iter(v) {
            Ok(it) => self.list_of(it),
            Err(r) if r.is(rt().types.type_error) => Err(self.type_error(otherwise)),
            Err(r) => Err(r),
        }
    }

    /// All items of an iterable, in a growable vector.
    pub fn vec_of(&self, v: Value) -> Res<ValueVec> {
        let it = self.iter(v)?;
        let mut out = ValueVec::with_capacity(self.length_hint(v)?.unwrap_or(8).min(1 << 20));
        if crate::call::raw_method(type_of(it).special(Special::Next)).is_some() {
            let mut some = [Value::EMPTY; 16];
            loop {
                let n = self.next_items(it, &mut some)?;
                some[..n].iter().for_each(|&x| out.push(x));
                if n < some.len() {
                    return Ok(out);
                }
            }
        }
        while let Some(x) = self.next(it)? {
            out.push(x);
        }
        Ok(out)
    }

    /// `len(v)` or `v.__length_hint__()`; `None` when neither says.
    pub fn length_hint(&self, v: Value) -> Res<Option<usize>> {
        let t = type_of(v);
        if !t.special(Special::Len).is_empty() {
            match self.len(v) {
                Ok(n) => return Ok(Some(n)),
                Err(r) if r.is(rt().types.type_error) => {}
                Err(r) => return Err(r),
            }
        }
        let f = t.special(Special::LengthHint);
        if f.is_empty() {
            return Ok(None);
        }
        let r = match self.call_special(f, &[v]) {
            Ok(r) => r,
            Err(r) if r.is(rt().types.type_error) => return Ok(None),
            Err(r) => return Err(r),
        };
        if r == Value::NOT_IMPLEMENTED {
            return Ok(None);
        }
        match Int::of(r) {
            None => {
                Err(self
                    .type_error(format!("__length_hint__ must be an integer, not {}", type_of(r).name_str())))
            }
            Some(i) => match i.to_i64() {
                Some(n) if n >= 0 => Ok(Some(n as usize)),
                _ => Err(self.value_error("__length_hint__() should return >= 0")),
            },
        }
    }

    /// Runs `f` on every item of an iterable.
    pub fn for_each(&self, v: Value, f: impl FnMut(Value) -> Res<()>) -> Res<()> {
        self.for_each_from(v, 0, f)
    }

    /// As [`Vm::for_each`], from the item of this number on, if it is one of those that [`leading_numbers`] begins with.
    pub fn for_each_from(&self, v: Value, from: usize, mut f: impl FnMut(Value) -> Res<()>) -> Res<()> {
        if let Some(mut at) = exact_sequence(v, from) {
            while let Some(x) = at.next() {
                f(x)?;
            }
            return Ok(());
        }
        let it = self.iter(v)?;
        let common = is_common(it);
        // Nobody gives an immutable class another `__next__`, or its instances another class.
        let fixed = native_next(it).filter(|_| type_of(it).has(TypeFlags::IMMUTABLE));
        while !common && let Some(def) = fixed.or_else(|| native_next(it)) {
            let x = self.next_natively(def, it)?;
            if x.is_empty() {
                self.take_stop_value();
                return Ok(());
            }
            f(x)?;
        }
        while let Some(x) = self.next(it)? {
            f(x)?;
        }
        Ok(())
    }
}

/// Whether it is of those that [`Vm::next_or_empty`] knows best.
fn is_common(it: Value) -> bool {
    let maps = &rt().maps;
    it.is_ptr()
        && [maps.range_iterator, maps.list_iterator, maps.tuple_iterator, maps.generator]
            .contains(&it.header().map())
}

/// The function behind the `__next__` of an iterator whose class is native.
#[inline(always)]
pub(crate) fn native_next(it: Value) -> Option<&'static MethodDef> {
    if !it.is_ptr() {
        return None;
    }
    // SAFETY: the class of a map is a type object.
    let t = unsafe { it.header().map().class.get().cast::<TypeObj>() };
    t.native_next.get()
}

/// A list or tuple of exact type: the one or the other.
fn list_or_tuple(v: Value) -> Option<(Option<Ptr<ListObj>>, Option<Ptr<TupleObj>>)> {
    if !v.is_ptr() {
        return None;
    }
    let map = v.header().map();
    if map == rt().maps.list {
        Some((v.downcast(), None))
    } else if map == rt().maps.tuple {
        Some((None, v.downcast()))
    } else {
        None
    }
}

/// Hands the first items of a list or tuple of exact type to `f`, some at a time, until it takes less than all of them, or what comes
/// next is no number perhaps. It says how many it has taken, and may neither run code nor make anything. How many were taken in all: none, of
/// anything else.
pub fn leading_numbers(v: Value, mut f: impl FnMut(&[Value]) -> usize) -> usize {
    const SOME: usize = 16;
    let list = match list_or_tuple(v) {
        Some((Some(list), _)) => list,
        Some((_, Some(tuple))) => return f(tuple.as_slice()),
        _ => return 0,
    };
    if let Some(items) = list.generic_slice() {
        return f(items);
    }
    let (mut some, mut done) = ([Value::EMPTY; SOME], 0);
    loop {
        let n = foreign().list_numbers(list.header(), done, &mut some);
        let taken = f(&some[..n]);
        done += taken;
        if taken < SOME {
            return done;
        }
    }
}

/// The items of a list or tuple of exact type, from one on, as its iterator would give them: a list may change meanwhile.
fn exact_sequence(v: Value, from: usize) -> Option<impl Iterator<Item = Value>> {
    let (list, tuple) = list_or_tuple(v)?;
    let mut i = from;
    Some(std::iter::from_fn(move || {
        let item = match (list, tuple) {
            (Some(l), _) => l.get(i),
            (_, Some(t)) => t.as_slice().get(i).copied(),
            _ => None,
        };
        i += 1;
        item
    }))
}

/// Next item of a list or tuple iterator.
#[inline(always)]
pub fn seq_next(it: Ptr<SeqIterObj>) -> Option<Value> {
    let seq = it.seq.get();
    let i = it.index.get();
    let item = if let Some(l) = seq.downcast::<ListObj>() {
        l.get(i)
    } else if let Some(t) = seq.downcast::<TupleObj>() {
        t.as_slice().get(i).copied()
    } else {
        None
    };
    match item {
        Some(_) => it.index.set(i + 1),
        None => it.seq.set_no_barrier(Value::EMPTY),
    }
    item
}

fn is_builtin_text(t: Ptr<TypeObj>) -> bool {
    let ty = &rt().types;
    [ty.str, ty.bytes, ty.bytearray].iter().any(|b| t.is_subtype(*b))
}

/// The first place in `from..to` whose item is or equals `v`. Items are fetched one by one, since comparing may change the sequence.
pub fn find(
    vm: &Vm,
    item: impl Fn(usize) -> Option<Value>,
    v: Value,
    from: usize,
    to: usize,
) -> Res<Option<usize>> {
    let mut i = from;
    while i < to
        && let Some(x) = item(i)
    {
        if vm.eq_identity(x, v)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}
