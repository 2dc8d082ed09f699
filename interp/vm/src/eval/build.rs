//! Building, indexing and unpacking containers.

use cape_heap::{Ptr, Value};

use super::Flow;
use crate::call::raw_method;
use crate::class::full_name;
use crate::exc::Res;
use crate::iteration::find;
use crate::native::{MethodDef, RawFn};
use crate::object::*;
use crate::ops::Cmp;
use crate::runtime::{rt, type_of};
use crate::special::Special;
use crate::vm::Vm;

#[inline(always)]
fn wrap_index(i: i64, n: usize) -> Option<usize> {
    let i = if i < 0 { i + n as i64 } else { i };
    (i >= 0 && (i as usize) < n).then_some(i as usize)
}

/// The `__eq__` of an object, if C implements it.
#[inline(always)]
fn raw_eq(v: Value) -> Option<(&'static MethodDef, RawFn)> {
    if v.is_ptr() { raw_method(type_of(v).special(Special::Eq)) } else { None }
}

/// `c[k]` for exact lists, tuples and dicts with simple keys; `None` for everything else, errors included.
#[inline(always)]
pub(super) fn fast_item(c: Value, k: Value) -> Option<Value> {
    if !c.is_ptr() {
        return None;
    }
    let m = c.header().map();
    let maps = &rt().maps;
    if k.is_int() {
        if m == maps.list {
            // SAFETY: its map says so.
            let l = unsafe { c.cast::<ListObj>() };
            let s = l.generic_slice()?;
            return wrap_index(k.as_int(), s.len()).map(|i| s[i]);
        }
        if m == maps.tuple {
            // SAFETY: its map says so.
            let t = unsafe { c.cast::<TupleObj>() };
            return wrap_index(k.as_int(), t.len()).map(|i| t.get(i));
        }
    }
    if m == maps.dict
        && let Some(s) = k.downcast::<StrObj>()
        && s.header().map() == maps.str
    {
        // SAFETY: its map says so.
        return unsafe { c.cast::<DictObj>() }.get_str(k);
    }
    None
}

/// `c[from:to]` for exact strings, lists and tuples with plain bounds.
#[inline(never)]
pub(super) fn fast_slice(c: Value, from: Value, to: Value) -> Option<Value> {
    let bound = |v: Value, default: usize, n: usize| {
        if v.is_int() {
            let i = v.as_int();
            Some((if i < 0 { i + n as i64 } else { i }).clamp(0, n as i64) as usize)
        } else {
            v.is_none().then_some(default)
        }
    };
    let range = |n: usize| {
        let (i, j) = (bound(from, 0, n)?, bound(to, n, n)?);
        Some((i, j.max(i)))
    };
    let (m, maps) = (c.map()?, &rt().maps);
    if m == maps.str {
        // SAFETY: its map says so.
        let s = unsafe { c.cast::<StrObj>() };
        let (i, j) = range(s.len())?;
        return Some(if j - i == s.len() { c } else { s.substring(i, j).value() });
    }
    if m == maps.list {
        // SAFETY: its map says so.
        let l = unsafe { c.cast::<ListObj>() };
        let items = l.generic_slice()?;
        let (i, j) = range(items.len())?;
        return Some(ListObj::new(&items[i..j]).value());
    }
    if m == maps.tuple {
        // SAFETY: its map says so.
        let t = unsafe { c.cast::<TupleObj>() };
        let (i, j) = range(t.len())?;
        return Some(if j - i == t.len() { c } else { TupleObj::new(&t.as_slice()[i..j]).value() });
    }
    None
}

/// `c[k] = v` for exact lists with a good index.
#[inline(always)]
pub(super) fn fast_store(c: Value, k: Value, v: Value) -> bool {
    if !c.is_ptr() || !k.is_int() || c.header().map() != rt().maps.list {
        return false;
    }
    // SAFETY: its map says so.
    let l = unsafe { c.cast::<ListObj>() };
    match wrap_index(k.as_int(), l.len()) {
        Some(i) => l.set(i, v),
        None => false,
    }
}

/// The concatenation of exact strings.
pub(super) fn concat_strings(items: &[Value]) -> Value {
    let total = items.iter().filter_map(|v| v.downcast::<StrObj>()).map(|s| s.len()).sum();
    let mut b = StrBuilder::with_capacity(total);
    for v in items {
        if let Some(s) = v.downcast::<StrObj>() {
            b.push_obj(&s);
        }
    }
    b.finish().value()
}

/// `c[start:stop]` of a list, whose items are its own, or a tuple of exact type, with bounds that are unboxed ints or None.
pub(super) fn plain_slice(c: Value, s: Ptr<SliceObj>) -> Option<Value> {
    if !c.is_ptr() || !s.step.get().is_none() {
        return None;
    }
    let bound = |v: Value, otherwise: usize, n: usize| {
        if v.is_none() {
            return Some(otherwise);
        }
        let i = v.is_int().then(|| v.as_int())?;
        Some(if i < 0 { i + n as i64 } else { i }.clamp(0, n as i64) as usize)
    };
    let fit = |n: usize| {
        let (start, stop) = (bound(s.start.get(), 0, n)?, bound(s.stop.get(), n, n)?);
        Some((start, stop.max(start)))
    };
    let map = c.header().map();
    if map == rt().maps.list {
        let items = c.downcast::<ListObj>()?;
        let items = items.generic_slice()?;
        let (start, stop) = fit(items.len())?;
        return Some(ListObj::new(&items[start..stop]).value());
    }
    if map == rt().maps.tuple {
        let t = c.downcast::<TupleObj>()?;
        let (start, stop) = fit(t.len())?;
        let whole = stop - start == t.len();
        return Some(if whole { c } else { TupleObj::new(&t.as_slice()[start..stop]).value() });
    }
    None
}

impl Vm {
    #[inline(never)]
    pub(super) fn subscr(&self, c: Value, k: Value, _dst: u16) -> Res<Flow> {
        if let Some(d) = c.downcast::<DictObj>()
            && d.header().map() == rt().maps.dict
        {
            return self.dict_item(d, k).map(Flow::Value);
        }
        // A list that C has seen, or an index that C knows.
        if let Some(l) = c.downcast::<ListObj>()
            && l.header().map() == rt().maps.list
            && (k.is_int() || crate::call::raw_method(type_of(k).special(Special::Index)).is_some())
        {
            return self.list_item(l, self.index_isize(k)? as i64).map(Flow::Value);
        }
        if let Some(s) = k.downcast::<SliceObj>()
            && let Some(v) = plain_slice(c, s)
        {
            return Ok(Flow::Value(v));
        }
        self.get_item(c, k).map(Flow::Value)
    }

    /// `d[k]` of a dict of exact type.
    #[inline(never)]
    pub(super) fn dict_item(&self, d: Ptr<DictObj>, k: Value) -> Res<Value> {
        let hash = self.key_hash(k)?;
        let found = match d.table.find_object(k, hash) {
            Some(i) => Some(i),
            None => d.table.find(self, k, hash)?,
        };
        match found {
            Some(i) => Ok(d.table.keys().entry(i).value),
            None => Err(self.key_error_for(k)),
        }
    }

    fn list_item(&self, l: Ptr<ListObj>, i: i64) -> Res<Value> {
        let item = wrap_index(i, l.len()).and_then(|i| l.get(i));
        // (The method says what is wrong.)
        item.map_or_else(|| self.get_item(l.value(), Int::Small(i).into_value()), Ok)
    }

    /// The item of a list of exact type at what `__index__` of `k` gave.
    #[inline(never)]
    pub(super) fn item_at(&self, l: Value, given: Value, k: Value) -> Res<Value> {
        let i = if given.is_int() { given } else { self.checked_int(given, "__index__")? };
        // SAFETY: the caller's promise.
        self.list_item(unsafe { l.cast() }, self.size_of_index(i, k)? as i64)
    }

    #[inline(never)]
    pub(super) fn store_subscr(&self, c: Value, k: Value, v: Value) -> Res<()> {
        if let Some(d) = c.downcast::<DictObj>()
            && d.header().map() == rt().maps.dict
        {
            return d.set(self, k, v);
        }
        self.set_item(c, k, v)
    }

    #[inline]
    pub(super) fn contains_op(&self, c: Value, v: Value) -> Res<bool> {
        if c.is_ptr() && c.header().map() == rt().maps.list && raw_eq(v).is_some() {
            // SAFETY: its map says so.
            return self.list_has_object(unsafe { c.cast() }, v);
        }
        self.is_in(c, v)
    }

    #[inline(never)]
    fn is_in(&self, c: Value, v: Value) -> Res<bool> {
        if let Some(d) = c.downcast::<DictObj>()
            && d.header().map() == rt().maps.dict
        {
            return Ok(d.get(self, v)?.is_some());
        }
        if let Some(l) = c.downcast::<ListObj>()
            && l.header().map() == rt().maps.list
        {
            return Ok(find(self, |i| l.get(i), v, 0, usize::MAX)?.is_some());
        }
        if let Some(t) = c.downcast::<TupleObj>()
            && t.header().map() == rt().maps.tuple
        {
            return Ok(find(self, |i| t.as_slice().get(i).copied(), v, 0, usize::MAX)?.is_some());
        }
        self.contains(c, v)
    }

    /// Whether a list has an object whose class compares it with others of the class in C.
    #[inline(never)]
    fn list_has_object(&self, l: Ptr<ListObj>, v: Value) -> Res<bool> {
        let mut i = 0;
        while let Some(x) = l.get(i) {
            if x == v {
                return Ok(true);
            }
            let alike = x.is_ptr() && x.header().map() == v.header().map();
            // (Asked anew for each: what compares may change everything.)
            let equal = match raw_eq(v).filter(|_| alike) {
                Some((def, call)) => {
                    self.check_native_stack(" in comparison")?;
                    let r = call(self, def, &[x, v], None)?;
                    let known = r != Value::NOT_IMPLEMENTED;
                    self.truth(if known { r } else { self.compare_reflected(x, v, Cmp::Eq)? })?
                }
                None => self.eq_identity(x, v)?,
            };
            if equal {
                return Ok(true);
            }
            i += 1;
        }
        Ok(false)
    }

    pub(super) fn build_set(&self, items: &[Value]) -> Res<Value> {
        let s = SetObj::with_map(rt().maps.set);
        for &v in items {
            s.add(self, v)?;
        }
        Ok(s.value())
    }

    pub(super) fn build_map(&self, items: &[Value]) -> Res<Value> {
        let d = DictObj::new();
        for p in items.chunks_exact(2) {
            d.set(self, p[0], p[1])?;
        }
        Ok(d.value())
    }

    pub(super) fn list_extend(&self, list: Value, items: Value) -> Res<()> {
        let l: Ptr<ListObj> = list.downcast().expect("an exact list");
        if type_of(items).special(Special::Iter).is_empty()
            && type_of(items).special(Special::Getitem).is_empty()
        {
            return Err(self.type_error(format!(
                "Value after * must be an iterable, not {}",
                full_name(type_of(items))
            )));
        }
        let a = self.list_of(items)?;
        let n = l.len();
        if n == 0 {
            // The array is nobody else's.
            l.replace(a, a.len());
        } else {
            l.splice(n, n, a.as_slice());
        }
        Ok(())
    }

    /// `d.update(m)` for any mapping `m`.
    pub fn dict_update(&self, d: Ptr<DictObj>, m: Value) -> Res<()> {
        if let Some(o) = m.downcast::<DictObj>()
            && (o.header().map() == rt().maps.dict
                || type_of(m).special(Special::Iter) == rt().types.dict.special(Special::Iter))
        {
            if d.is_empty() && d != o {
                d.table.copy_from(d.header(), &o.table);
                return Ok(());
            }
            let n = o.len();
            let mut i = 0;
            while let Some((at, e)) = o.table.next_entry(i) {
                i = at + 1;
                match d.table.find(self, e.key, e.hash)? {
                    Some(j) => d.table.set_value(j, e.value),
                    None => d.table.insert_new(d.header(), e.hash, e.key, e.value),
                }
                if o.len() != n {
                    return Err(self.runtime_error("dict mutated during update"));
                }
            }
            return Ok(());
        }
        let keys = self.call_method(m, rt().names.keys, &[])?;
        self.for_each(keys, |k| {
            let v = self.get_item(m, k)?;
            d.set(self, k, v)
        })
    }

    #[inline(always)]
    pub(super) fn set_add_op(&self, set: Value, v: Value) -> Res<()> {
        // What collects conditional annotations may have been replaced, by a frozen set as well.
        match set.downcast::<SetObj>() {
            Some(s) if s.header().map() == rt().maps.set || type_of(set).is_subtype(rt().types.set) => {
                s.add(self, v).map(drop)
            }
            _ => Err(self.type_error(format!("'{}' object is not a set", full_name(type_of(set))))),
        }
    }

    /// Adds all items to an exact set.
    pub(super) fn set_update_op(&self, set: Value, items: Value) -> Res<()> {
        let s: Ptr<SetObj> = set.downcast().expect("an exact set");
        match items.downcast::<SetObj>() {
            Some(other) if s.is_empty() => {
                s.table.copy_from(s.header(), &other.table);
                Ok(())
            }
            _ => self.for_each(items, |x| s.add(self, x).map(drop)),
        }
    }

    pub(super) fn dict_update_op(&self, d: Value, m: Value) -> Res<()> {
        let dict: Ptr<DictObj> = d.downcast().expect("an exact dict");
        match self.dict_update(dict, m) {
            Err(r) if r.is(rt().types.attribute_error) => {
                Err(self.type_error(format!("'{}' object is not a mapping", full_name(type_of(m)))))
            }
            r => r,
        }
    }

    pub(super) fn dict_merge_op(&self, d: Value, m: Value, f: Value) -> Res<()> {
        let dict: Ptr<DictObj> = d.downcast().expect("an exact dict");
        let is_dict = m.is::<DictObj>();
        if let Some(other) = m.downcast::<DictObj>()
            && other.header().map() == rt().maps.dict
            && dict.is_empty()
        {
            dict.table.copy_from(dict.header(), &other.table);
            return Ok(());
        }
        if !is_dict && self.get_attr_opt(m, rt().names.keys)?.is_none() {
            return Err(self.type_error(format!(
                "{} argument after ** must be a mapping, not {}",
                self.function_str(f),
                full_name(type_of(m))
            )));
        }
        let keys = if is_dict { m } else { self.call_method(m, rt().names.keys, &[])? };
        let keys = self.list_of(keys)?;
        for &k in keys.as_slice() {
            let v = self.get_item(m, k)?;
            if dict.get(self, k)?.is_some() {
                let name = self.str(k)?.display();
                return Err(self.type_error(format!(
                    "{} got multiple values for keyword argument '{name}'",
                    self.function_str(f)
                )));
            }
            dict.set(self, k, v)?;
        }
        Ok(())
    }

    /// `module.qualname()` for messages, as `_PyObject_FunctionStr`.
    pub(crate) fn function_str(&self, f: Value) -> String {
        let text = |v: Option<Value>| v.and_then(|v| v.downcast::<StrObj>()).map(|s| s.display());
        let q = text(self.get_attr_opt(f, rt().names.qualname).ok().flatten());
        let m = text(self.get_attr_opt(f, rt().names.module).ok().flatten());
        match (q, m) {
            (Some(q), Some(m)) if m != "builtins" => format!("{m}.{q}()"),
            (Some(q), _) => format!("{q}()"),
            (None, _) => self.str(f).map(|s| s.display()).unwrap_or_default(),
        }
    }

    /// Unpacks exactly `n` items of `v` into registers.
    pub(super) unsafe fn unpack(&self, v: Value, dst: *mut Value, n: usize) -> Res<()> {
        let items: Option<&[Value]> =
            if let Some(t) = v.downcast::<TupleObj>().filter(|t| t.header().map() == rt().maps.tuple) {
                // SAFETY: the tuple is on this native stack; no allocation happens while the slice is used.
                Some(unsafe { std::slice::from_raw_parts(t.as_slice().as_ptr(), t.len()) })
            } else if let Some(l) = v.downcast::<ListObj>().filter(|l| l.header().map() == rt().maps.list) {
                // SAFETY: as above.
                l.generic_slice().map(|s| unsafe { std::slice::from_raw_parts(s.as_ptr(), s.len()) })
            } else {
                None
            };
        if let Some(items) = items {
            if items.len() == n {
                // SAFETY: n destination registers.
                unsafe { crate::object::copy_values(items, dst) };
                return Ok(());
            }
            return Err(if items.len() > n {
                self.value_error(format!("too many values to unpack (expected {n}, got {})", items.len()))
            } else {
                self.value_error(format!("not enough values to unpack (expected {n}, got {})", items.len()))
            });
        }
        let it = self.unpack_iter(v)?;
        // (The registers are written when all is well.)
        let not_enough =
            |i| Err(self.value_error(format!("not enough values to unpack (expected {n}, got {i})")));
        let mut few = [Value::EMPTY; 17];
        let many = if n >= few.len() { Some(ArrayObj::new(n)) } else { None };
        let more = match many {
            None => {
                let got = self.next_items(it, &mut few[..n + 1])?;
                if got < n {
                    return not_enough(got);
                }
                got > n
            }
            Some(a) => {
                for i in 0..n {
                    let x = self.next_of_any(it)?;
                    if x.is_empty() {
                        return not_enough(i);
                    }
                    a.set(i, x);
                }
                self.next(it)?.is_some()
            }
        };
        if more {
            let sized = v.is::<ListObj>() || v.is::<TupleObj>() || v.is::<DictObj>();
            let total = if sized { Some(self.len(v)?) } else { None };
            return Err(self.value_error(match total {
                Some(t) if t > n => format!("too many values to unpack (expected {n}, got {t})"),
                _ => format!("too many values to unpack (expected {n})"),
            }));
        }
        let got = many.map_or(few.as_ptr(), |a| a.items_ptr() as *const Value);
        // SAFETY: n values, n destination registers.
        unsafe { std::ptr::copy_nonoverlapping(got, dst, n) };
        Ok(())
    }

    fn unpack_iter(&self, v: Value) -> Res<Value> {
        let t = type_of(v);
        if t.special(Special::Iter).is_empty() && t.special(Special::Getitem).is_empty() {
            return Err(self.type_error(format!("cannot unpack non-iterable {} object", full_name(t))));
        }
        self.iter(v)
    }

    /// Unpacks `before` items, a list of the rest, `after` items into registers.
    pub(super) unsafe fn unpack_ex(&self, v: Value, dst: *mut Value, before: usize, after: usize) -> Res<()> {
        let it = self.unpack_iter(v)?;
        let mut got = ValueVec::with_capacity(before + after);
        while let Some(x) = self.next(it)? {
            got.push(x);
        }
        let n = got.len();
        if n < before + after {
            return Err(if after > 0 || n < before {
                self.value_error(format!(
                    "not enough values to unpack (expected at least {}, got {n})",
                    before + after
                ))
            } else {
                self.value_error(format!("not enough values to unpack (expected at least {before}, got {n})"))
            });
        }
        let rest = ListObj::new(&got[before..n - after]);
        // SAFETY: before + 1 + after destination registers.
        unsafe {
            std::ptr::copy_nonoverlapping(got.as_slice().as_ptr(), dst, before);
            *dst.add(before) = rest.value();
            std::ptr::copy_nonoverlapping(got.as_slice().as_ptr().add(n - after), dst.add(before + 1), after);
        }
        Ok(())
    }
}
