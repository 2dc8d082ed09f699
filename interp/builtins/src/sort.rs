//! `list.sort`.
//!
//! The items are sorted as a permutation of their places: keys of one unboxed kind are copied out and left to Rust's sorts; all
//! others are compared by `<` in a merge sort of natural runs, which stops at the first exception and stays in bounds whatever the
//! comparisons say.

use std::cmp::Ordering;

use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, rt};

/// `list.sort(key=None, reverse=False)`.
pub fn sort(vm: &Vm, l: Ptr<ListObj>, key: Value, reverse: Option<bool>) -> Res<()> {
    let reverse = reverse.unwrap_or(false);
    let items = l.snapshot();
    let n = items.len();
    if l.is_mirrored() && n > 1 && (key.is_empty() || key.is_none()) {
        // Sorting unboxed keys runs no code that could look at the list: its items change places in the mirror.
        let mut order = places(vm, n, reverse)?;
        if sort_unboxed(items, &mut order) {
            if reverse {
                order.reverse();
            }
            l.reorder(&order);
            return Ok(());
        }
    }
    // While sorting the list looks empty; whoever changes it gives it another array.
    let marker = ArrayObj::new(0);
    l.replace(marker, 0);
    let sorted = sorted(vm, items, key, reverse);
    let untouched = if l.is_mirrored() {
        l.is_empty()
    } else {
        l.generic_slice().is_some_and(|s| s.as_ptr() == marker.items_ptr())
    };
    match sorted {
        Ok(a) => l.replace(a, n),
        Err(_) => l.replace(items, n),
    }
    sorted?;
    if untouched { Ok(()) } else { Err(vm.value_error("list modified during sort")) }
}

/// The items in order, in a fresh array.
fn sorted(vm: &Vm, items: Ptr<ArrayObj>, key: Value, reverse: bool) -> Res<Ptr<ArrayObj>> {
    let n = items.len();
    let keys = if key.is_empty() || key.is_none() {
        items
    } else {
        let keys = ArrayObj::new(n);
        for i in 0..n {
            keys.set(i, vm.call(key, &[items.get(i)])?);
        }
        keys
    };
    if n < 2 {
        return Ok(items);
    }
    let mut order = places(vm, n, reverse)?;
    if !sort_unboxed(keys, &mut order) {
        merge_sort(&mut order, |a, b| less(vm, keys.get(a as usize), keys.get(b as usize)))?;
    }
    if reverse {
        order.reverse();
    }
    let out = ArrayObj::new(n);
    let from = items.as_slice();
    for (i, &o) in order.iter().enumerate() {
        out.set(i, from[o as usize]);
    }
    Ok(out)
}

/// All places of a list, from the last to the first when the order will be reversed.
fn places(vm: &Vm, n: usize, reverse: bool) -> Res<Vec<u32>> {
    match u32::try_from(n) {
        Ok(n) if reverse => Ok((0..n).rev().collect()),
        Ok(n) => Ok((0..n).collect()),
        Err(_) => Err(vm.new_exc_args(rt().types.memory_error, &[])),
    }
}

/// Sorts places by keys that are all ints, all numbers, or all strings of exact type. False when they are not.
fn sort_unboxed(keys: Ptr<ArrayObj>, order: &mut [u32]) -> bool {
    let keys = keys.as_slice();
    let first = keys[0];
    if first.is_int() && keys.iter().all(|k| k.is_int()) {
        by_copied_keys(order, |i| keys[i as usize].as_int(), i64::cmp);
        return true;
    }
    if first.is_int() || first.is_float() {
        let number = |v: &Value| if v.is_float() { v.as_float() } else { v.as_int() as f64 };
        if !keys.iter().all(|k| k.is_int() || k.is_float() && !k.as_float().is_nan()) {
            return false;
        }
        by_copied_keys(
            order,
            |i| number(&keys[i as usize]),
            |a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal),
        );
        return true;
    }
    let map = rt().maps.str;
    let exact = |v: &Value| v.is_ptr() && v.header().map() == map;
    if !keys.iter().all(exact) {
        return false;
    }
    // SAFETY: their maps say that all keys are strings.
    let text = |i: u32| unsafe { keys[i as usize].cast::<StrObj>() };
    if keys.iter().all(|k| k.downcast::<StrObj>().is_some_and(|s| s.kind() == StrKind::One)) {
        // Strings that differ in their first eight characters are told apart without touching them again.
        let prefix = |i: u32| {
            let s = text(i);
            let d = s.data1();
            let mut head = [0; 8];
            let n = d.len().min(8);
            head[..n].copy_from_slice(&d[..n]);
            (u64::from_be_bytes(head), i)
        };
        by_copied_keys(order, prefix, |a, b| {
            a.0.cmp(&b.0).then_with(|| text(a.1).data1().cmp(text(b.1).data1()))
        });
        return true;
    }
    order.sort_by(|&a, &b| text(a).cmp(&text(b)));
    true
}

/// Stable sort of places by plain keys, which are copied beside them.
fn by_copied_keys<K: Copy>(order: &mut [u32], key: impl Fn(u32) -> K, cmp: impl Fn(&K, &K) -> Ordering) {
    // What is in order already, or in strictly descending order, is common.
    let (mut ascends, mut descends) = (true, true);
    for p in order.windows(2) {
        let less = cmp(&key(p[1]), &key(p[0])).is_lt();
        ascends &= !less;
        descends &= less;
        if !ascends && !descends {
            break;
        }
    }
    if ascends {
        return;
    }
    if descends {
        return order.reverse();
    }
    let mut pairs: Vec<(K, u32)> = order.iter().map(|&i| (key(i), i)).collect();
    pairs.sort_by(|a, b| cmp(&a.0, &b.0));
    order.iter_mut().zip(pairs).for_each(|(o, p)| *o = p.1);
}

/// `a < b`.
#[inline]
fn less(vm: &Vm, a: Value, b: Value) -> Res<bool> {
    if a.is_float() && b.is_float() {
        return Ok(a.as_float() < b.as_float());
    }
    let map = rt().maps.tuple;
    if a.is_ptr() && b.is_ptr() && a.header().map() == map && b.header().map() == map {
        // SAFETY: their maps say that both are tuples.
        let (x, y) = unsafe { (a.cast::<TupleObj>(), b.cast::<TupleObj>()) };
        for (&p, &q) in x.as_slice().iter().zip(y.as_slice()) {
            if !vm.eq_identity(p, q)? {
                return vm.compare_bool(p, q, Cmp::Lt);
            }
        }
        return Ok(x.len() < y.len());
    }
    vm.compare_bool(a, b, Cmp::Lt)
}

/// Runs shorter than this are lengthened by binary insertion.
const SHORT: usize = 32;

/// Stable merge sort of natural runs. `less` may fail, which ends the sort with the order so far.
pub fn merge_sort<E>(v: &mut [u32], mut less: impl FnMut(u32, u32) -> Result<bool, E>) -> Result<(), E> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut buffer: Vec<u32> = Vec::new();
    let mut start = 0;
    while start < v.len() {
        let natural = natural_run(&mut v[start..], &mut less)?;
        let len = natural.max(SHORT.min(v.len() - start));
        insert_rest(&mut v[start..start + len], natural, &mut less)?;
        runs.push((start, len));
        start += len;
        // Keep the lengths of pending runs falling fast enough that every item takes part in few merges.
        while let [.., a, b] = runs[..]
            && (a.1 <= b.1 || runs.len() > 2 && runs[runs.len() - 3].1 <= a.1 + b.1)
        {
            merge_last(v, &mut runs, &mut buffer, &mut less)?;
        }
    }
    while runs.len() > 1 {
        merge_last(v, &mut runs, &mut buffer, &mut less)?;
    }
    Ok(())
}

/// Length of the run at the start of `v`; a strictly descending one is reversed.
fn natural_run<E>(v: &mut [u32], less: &mut impl FnMut(u32, u32) -> Result<bool, E>) -> Result<usize, E> {
    if v.len() < 2 {
        return Ok(v.len());
    }
    let descending = less(v[1], v[0])?;
    let mut n = 2;
    while n < v.len() && less(v[n], v[n - 1])? == descending {
        n += 1;
    }
    if descending {
        v[..n].reverse();
    }
    Ok(n)
}

/// Inserts `v[sorted..]` into the sorted part before it.
fn insert_rest<E>(
    v: &mut [u32],
    sorted: usize,
    less: &mut impl FnMut(u32, u32) -> Result<bool, E>,
) -> Result<(), E> {
    for i in sorted..v.len() {
        let x = v[i];
        let (mut lo, mut hi) = (0, i);
        while lo < hi {
            let mid = lo + (hi - lo) / 2;
            if less(x, v[mid])? {
                hi = mid;
            } else {
                lo = mid + 1;
            }
        }
        v.copy_within(lo..i, lo + 1);
        v[lo] = x;
    }
    Ok(())
}

fn merge_last<E>(
    v: &mut [u32],
    runs: &mut Vec<(usize, usize)>,
    buffer: &mut Vec<u32>,
    less: &mut impl FnMut(u32, u32) -> Result<bool, E>,
) -> Result<(), E> {
    let (Some(b), Some(a)) = (runs.pop(), runs.pop()) else { return Ok(()) };
    runs.push((a.0, a.1 + b.1));
    let v = &mut v[a.0..b.0 + b.1];
    let mid = a.1;
    // Already in order: one comparison tells.
    if !less(v[mid], v[mid - 1])? {
        return Ok(());
    }
    buffer.clear();
    buffer.extend_from_slice(&v[..mid]);
    let (mut left, mut right, mut out) = (0, mid, 0);
    let mut outcome = Ok(());
    while left < buffer.len() && right < v.len() {
        match less(v[right], buffer[left]) {
            Ok(true) => {
                v[out] = v[right];
                right += 1;
            }
            Ok(false) => {
                v[out] = buffer[left];
                left += 1;
            }
            Err(e) => {
                outcome = Err(e);
                break;
            }
        }
        out += 1;
    }
    // What is left of the first run fills exactly the gap before the rest of the second.
    v[out..out + buffer.len() - left].copy_from_slice(&buffer[left..]);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(keys: &[u32]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        merge_sort::<()>(&mut order, |a, b| Ok(keys[a as usize] < keys[b as usize])).unwrap();
        order
    }

    #[test]
    fn stable() {
        let mut x = 12345u32;
        for n in [0usize, 1, 2, 3, 31, 32, 33, 100, 1000, 5000] {
            let keys: Vec<u32> = (0..n)
                .map(|_| {
                    x = x.wrapping_mul(1664525).wrapping_add(1013904223);
                    x >> 24
                })
                .collect();
            let mut expected: Vec<u32> = (0..n as u32).collect();
            expected.sort_by_key(|&i| keys[i as usize]);
            assert_eq!(sorted(&keys), expected);
        }
    }

    #[test]
    fn survives_nonsense_and_errors() {
        let mut order: Vec<u32> = (0..500).collect();
        let mut flip = false;
        merge_sort::<()>(&mut order, |_, _| {
            flip = !flip;
            Ok(flip)
        })
        .unwrap();
        for fail_at in [1, 10, 600, 2000, 3500] {
            let mut order: Vec<u32> = (0..1000).collect();
            let mut count = 0;
            let _ = merge_sort(&mut order, |a, b| {
                count += 1;
                if count == fail_at {
                    Err(())
                } else {
                    Ok(a.wrapping_mul(2654435761) < b.wrapping_mul(2654435761))
                }
            });
            let mut check = order.clone();
            check.sort_unstable();
            assert_eq!(check, (0..1000).collect::<Vec<u32>>());
        }
    }
}
