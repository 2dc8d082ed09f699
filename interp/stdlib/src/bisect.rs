//! `_bisect`.

use cape_vm::native::OrNone;
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function(
        "bisect_right($module, /, a, x, lo=0, hi=None, *, key=None)",
        "Return the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in \
         a[:i] have e <= x, and all e in\na[i:] have e > x.  So if x already appears in the list, a.insert(i, x) will\ninsert \
         just after the rightmost x already there.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a \
         to be searched.\n\nA custom key function can be supplied to customize the sort order.",
        |vm: &Vm, a: Value, x: Value, lo: Option<isize>, hi: OrNone<isize>, key: Value| {
            search(vm, a, x, lo, hi.0, key, false)
        },
    )
    .function(
        "bisect_left($module, /, a, x, lo=0, hi=None, *, key=None)",
        "Return the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in \
         a[:i] have e < x, and all e in\na[i:] have e >= x.  So if x already appears in the list, a.insert(i, x) will\ninsert \
         just before the leftmost x already there.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a \
         to be searched.\n\nA custom key function can be supplied to customize the sort order.",
        |vm: &Vm, a: Value, x: Value, lo: Option<isize>, hi: OrNone<isize>, key: Value| {
            search(vm, a, x, lo, hi.0, key, true)
        },
    )
    .function(
        "insort_right($module, /, a, x, lo=0, hi=None, *, key=None)",
        "Insert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the right of the \
         rightmost x.",
        |vm: &Vm, a: Value, x: Value, lo: Option<isize>, hi: OrNone<isize>, key: Value| {
            insert(vm, a, x, lo, hi.0, key, false)
        },
    )
    .function(
        "insort_left($module, /, a, x, lo=0, hi=None, *, key=None)",
        "Insert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the left of the \
         leftmost x.",
        |vm: &Vm, a: Value, x: Value, lo: Option<isize>, hi: OrNone<isize>, key: Value| {
            insert(vm, a, x, lo, hi.0, key, true)
        },
    );
    Ok(())
}

fn no_key(key: Value) -> bool {
    key.is_empty() || key.is_none()
}

fn search(
    vm: &Vm,
    a: Value,
    x: Value,
    lo: Option<isize>,
    hi: Option<isize>,
    key: Value,
    left: bool,
) -> Res<usize> {
    let lo = lo.unwrap_or(0);
    if lo < 0 {
        return Err(vm.value_error("lo must be non-negative"));
    }
    let hi = match hi {
        Some(hi) => hi,
        None => vm.len(a)? as isize,
    };
    let (mut lo, mut hi) = (lo as usize, hi.max(0) as usize);
    let list = a.downcast::<ListObj>().filter(|l| l.header().map() == rt().maps.list);
    while lo < hi {
        let mid = lo + (hi - lo) / 2;
        let item = match list.and_then(|l| l.get(mid)) {
            Some(v) => v,
            None => vm.get_item(a, int_value(mid as i64))?,
        };
        let item = if no_key(key) { item } else { vm.call(key, &[item])? };
        let go_right = if left { vm.compare_bool(item, x, Cmp::Lt)? } else { !vm.compare_bool(x, item, Cmp::Lt)? };
        if go_right {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    Ok(lo)
}

fn insert(
    vm: &Vm,
    a: Value,
    x: Value,
    lo: Option<isize>,
    hi: Option<isize>,
    key: Value,
    left: bool,
) -> Res<()> {
    let k = if no_key(key) { x } else { vm.call(key, &[x])? };
    let i = search(vm, a, k, lo, hi, key, left)?;
    match a.downcast::<ListObj>().filter(|l| l.header().map() == rt().maps.list) {
        Some(l) => {
            let i = i.min(l.len());
            l.splice(i, i, &[x]);
        }
        None => {
            vm.call_method(a, intern("insert"), &[int_value(i as i64), x])?;
        }
    }
    Ok(())
}
