//! Indices and slices: what the sequence types share.

use cape_vm::native::FromArg;
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, type_of};
use num_bigint::Sign;

/// A slice fitted to a sequence: `count` items from `start` on, `step` apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First index.
    pub start: isize,
    /// One beyond the last index, in the direction of the step.
    pub stop: isize,
    /// Distance; never 0.
    pub step: isize,
    /// Number of items.
    pub count: usize,
}

impl Span {
    /// Index of item `i`.
    #[inline(always)]
    pub fn at(&self, i: usize) -> usize {
        (self.start + i as isize * self.step) as usize
    }

    /// The indices of all items.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |i| self.at(i))
    }

    /// The items as a range, when they are adjacent and in order.
    pub fn range(self) -> Option<std::ops::Range<usize>> {
        (self.step == 1).then(|| self.start as usize..self.start as usize + self.count)
    }

    /// The same items in ascending order.
    pub fn ascending(mut self) -> Span {
        if self.step < 0 && self.count > 0 {
            let last = self.at(self.count - 1) as isize;
            self.stop = self.start + 1;
            self.start = last;
            self.step = -self.step;
        }
        self
    }
}

/// An index into a slice, `None` for None; clipped to the machine's range.
fn bound(vm: &Vm, v: Value) -> Res<Option<isize>> {
    if v.is_none() {
        return Ok(None);
    }
    clipped(vm, v, "slice indices must be integers or None or have an __index__ method").map(Some)
}

/// An index clipped to the machine's range; `message` is that of the TypeError for what is none.
pub fn clipped(vm: &Vm, v: Value, message: &str) -> Res<isize> {
    if v.is_int() {
        return Ok(v.as_int() as isize);
    }
    if !is_int(v) && type_of(v).special(Special::Index).is_empty() {
        return Err(vm.type_error(message));
    }
    Ok(match vm.index_int(v)? {
        Int::Small(i) => i as isize,
        Int::Big(b) if b.sign() == Sign::Minus => isize::MIN,
        Int::Big(_) => isize::MAX,
    })
}

/// The slice's raw start, stop and step (as `PySlice_Unpack`).
pub fn unpack(vm: &Vm, s: Ptr<SliceObj>) -> Res<(isize, isize, isize)> {
    let step = bound(vm, s.step.get())?.unwrap_or(1);
    if step == 0 {
        return Err(vm.value_error("slice step cannot be zero"));
    }
    // Negating the step must be possible.
    let step = step.max(-isize::MAX);
    let start = bound(vm, s.start.get())?.unwrap_or(if step < 0 { isize::MAX } else { 0 });
    let stop = bound(vm, s.stop.get())?.unwrap_or(if step < 0 { isize::MIN } else { isize::MAX });
    Ok((start, stop, step))
}

/// Fits raw indices to a sequence of `len` items (as `PySlice_AdjustIndices`).
pub fn fit(raw: (isize, isize, isize), len: usize) -> Span {
    let (start, stop, step) = raw;
    let n = len as isize;
    let clip = |i: isize| {
        if i < 0 {
            let i = i.saturating_add(n);
            if i < 0 { if step < 0 { -1 } else { 0 } } else { i }
        } else if i >= n {
            if step < 0 { n - 1 } else { n }
        } else {
            i
        }
    };
    let (start, stop) = (clip(start), clip(stop));
    let count = if step < 0 {
        if stop < start { (start - stop - 1) / -step + 1 } else { 0 }
    } else if start < stop {
        (stop - start - 1) / step + 1
    } else {
        0
    };
    Span { start, stop, step, count: count as usize }
}

/// The slice fitted to a sequence of `len` items. `__index__` methods of its parts run: compute `len` afterwards with
/// [`unpack`] and [`fit`] when they may change the sequence.
pub fn span(vm: &Vm, s: Ptr<SliceObj>, len: usize) -> Res<Span> {
    unpack(vm, s).map(|raw| fit(raw, len))
}

/// Whether `v` can be an index (an int or something with `__index__`).
#[inline]
pub fn is_index(v: Value) -> bool {
    v.is_int() || is_int(v) || !type_of(v).special(Special::Index).is_empty()
}

/// The place of index `i`, counted from the end when negative; `None` when out of range.
#[inline(always)]
pub fn place(i: isize, len: usize) -> Option<usize> {
    let i = if i < 0 { i.wrapping_add(len as isize) } else { i } as usize;
    (i < len).then_some(i)
}

/// `start` and `stop` arguments of `index()`: clipped to the sequence.
pub fn search_bounds(vm: &Vm, start: Value, stop: Value, len: impl Fn() -> usize) -> Res<(usize, usize)> {
    let get = |v: Value, default: isize| {
        if v.is_empty() {
            return Ok(default);
        }
        let i = clipped(vm, v, "slice indices must be integers or have an __index__ method")?;
        Ok(if i < 0 { i.saturating_add(len() as isize).max(0) } else { i })
    };
    Ok((get(start, 0)? as usize, get(stop, isize::MAX)? as usize))
}

/// The number of repetitions that `seq * v` asks for; `None` when `v` is no index. Negative ones are 0.
pub fn repetitions(vm: &Vm, v: Value) -> Res<Option<usize>> {
    if !is_index(v) {
        return Ok(None);
    }
    match vm.index_int(v)?.to_i64() {
        Some(n) => Ok(Some(n.max(0) as usize)),
        None => Err(vm.overflow_error(format!(
            "cannot fit '{}' into an index-sized integer",
            cape_vm::class::full_name(type_of(v))
        ))),
    }
}

/// The length of `n` repetitions of `len` items; MemoryError when no memory holds as many.
pub fn repeated_len(vm: &Vm, len: usize, n: usize) -> Res<usize> {
    match len.checked_mul(n) {
        Some(total) if total < 1 << 40 => Ok(total),
        _ => Err(vm.new_exc_args(cape_vm::rt().types.memory_error, &[])),
    }
}

/// A start or end argument as `str.find` takes it: an index, clipped to the machine's range, or None.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound(pub Option<isize>);

impl FromArg for Bound {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Bound> {
        if v.is_empty() { Ok(Bound(None)) } else { bound(vm, v).map(Bound) }
    }
}

/// `start` and `end` of a search in `len` items, clipped as slices are. `start` may be beyond `end`.
pub fn search_range(start: Bound, end: Bound, len: usize) -> (usize, usize) {
    let clip = |i: isize| if i < 0 { i.saturating_add(len as isize).max(0) } else { i };
    let end = clip(end.0.unwrap_or(isize::MAX)).min(len as isize);
    (clip(start.0.unwrap_or(0)) as usize, end as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitting() {
        let indices = |s: Span| (0..s.count).map(|i| s.at(i)).collect::<Vec<_>>();
        assert_eq!(indices(fit((0, isize::MAX, 2), 5)), [0, 2, 4]);
        assert_eq!(indices(fit((isize::MAX, isize::MIN, -1), 3)), [2, 1, 0]);
        assert_eq!(indices(fit((isize::MAX, isize::MIN, -2), 5).ascending()), [0, 2, 4]);
        assert_eq!(indices(fit((-2, isize::MAX, 1), 5)), [3, 4]);
        assert_eq!(indices(fit((4, 1, 1), 5)), [0usize; 0]);
        assert_eq!(indices(fit((isize::MAX, -4, -1), 5)), [4, 3, 2]);
    }
}
