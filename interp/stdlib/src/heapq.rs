//! `_heapq`.

use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

type L = Ptr<ListObj>;

/// Whether the smallest or the greatest item comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Min,
    Max,
}
use Order::{Max, Min};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function(
        "heappush($module, heap, item, /)",
        "Push item onto heap, maintaining the heap invariant.",
        |vm: &Vm, l: L, v: Value| push(vm, l, v, Min),
    )
    .function(
        "heappushpop($module, heap, item, /)",
        "Push item on the heap, then pop and return the smallest item from the heap.\n\nThe combined action runs more efficiently \
         than heappush() followed by\na separate call to heappop().",
        |vm: &Vm, l: L, v: Value| push_pop(vm, l, v, Min),
    )
    .function(
        "heappop($module, heap, /)",
        "Pop the smallest item off the heap, maintaining the heap invariant.",
        |vm: &Vm, l: L| pop(vm, l, Min),
    )
    .function(
        "heapreplace($module, heap, item, /)",
        "Pop and return the current smallest value, and add the new item.\n\nThis is more efficient than heappop() followed by \
         heappush(), and can be\nmore appropriate when using a fixed-size heap.  Note that the value\nreturned may be larger than \
         item!",
        |vm: &Vm, l: L, v: Value| replace(vm, l, v, Min),
    )
    .function(
        "heapify($module, heap, /)",
        "Transform list into a heap, in-place, in O(len(heap)) time.",
        |vm: &Vm, l: L| heapify(vm, l, Min),
    )
    .function("heappush_max($module, heap, item, /)", "Push item onto max heap, maintaining the heap invariant.", |vm: &Vm, l: L, v: Value| {
        push(vm, l, v, Max)
    })
    .function("heappushpop_max($module, heap, item, /)", "Maxheap variant of heappushpop.", |vm: &Vm, l: L, v: Value| {
        push_pop(vm, l, v, Max)
    })
    .function("heappop_max($module, heap, /)", "Maxheap variant of heappop.", |vm: &Vm, l: L| pop(vm, l, Max))
    .function("heapreplace_max($module, heap, item, /)", "Maxheap variant of heapreplace.", |vm: &Vm, l: L, v: Value| {
        replace(vm, l, v, Max)
    })
    .function("heapify_max($module, heap, /)", "Maxheap variant of heapify.", |vm: &Vm, l: L| heapify(vm, l, Max));
    m.add(
        "__about__",
        StrObj::new(
            "Heap queues: binary trees kept in lists, in which every parent comes before its children (heap[k] <= heap[2*k+1] and \
             heap[k] <= heap[2*k+2]), so that heap[0] is the smallest item.",
        )
        .value(),
    );
    Ok(())
}

/// Whether `a` comes strictly before `b`.
#[inline]
fn before(vm: &Vm, a: Value, b: Value, order: Order) -> Res<bool> {
    let (a, b) = if order == Min { (a, b) } else { (b, a) };
    if a.both_ints(b) {
        return Ok(a.as_int() < b.as_int());
    }
    if a.is_float() && b.is_float() {
        return Ok(a.as_float() < b.as_float());
    }
    vm.compare_bool(a, b, Cmp::Lt)
}

#[cold]
fn changed(vm: &Vm) -> Raised {
    vm.runtime_error("list changed size during iteration")
}

#[cold]
fn out_of_range(vm: &Vm) -> Raised {
    vm.index_error("index out of range")
}

fn get(vm: &Vm, l: L, i: usize) -> Res<Value> {
    l.get(i).ok_or_else(|| changed(vm))
}

/// Compares two items; RuntimeError when that changed the list's size.
fn item_before(vm: &Vm, l: L, size: usize, a: Value, b: Value, order: Order) -> Res<bool> {
    let r = before(vm, a, b, order)?;
    if l.len() == size { Ok(r) } else { Err(changed(vm)) }
}

/// Moves the item at `at` up to its place below `start`.
fn sift_down(vm: &Vm, l: L, start: usize, mut at: usize, order: Order) -> Res<()> {
    let size = l.len();
    if at >= size {
        return Err(out_of_range(vm));
    }
    while at > start {
        let parent = (at - 1) / 2;
        let (item, up) = (get(vm, l, at)?, get(vm, l, parent)?);
        if !item_before(vm, l, size, item, up, order)? {
            break;
        }
        // The comparison may have exchanged items of the list.
        let (item, up) = (get(vm, l, at)?, get(vm, l, parent)?);
        l.set(at, up);
        l.set(parent, item);
        at = parent;
    }
    Ok(())
}

/// Moves the item at `at` down to a leaf, its smaller children up, then up again to its place.
fn sift_up(vm: &Vm, l: L, mut at: usize, order: Order) -> Res<()> {
    let (size, start) = (l.len(), at);
    if at >= size {
        return Err(out_of_range(vm));
    }
    let half = size / 2;
    while at < half {
        let mut child = 2 * at + 1;
        if child + 1 < size {
            let (a, b) = (get(vm, l, child)?, get(vm, l, child + 1)?);
            if !item_before(vm, l, size, a, b, order)? {
                child += 1;
            }
        }
        let (up, item) = (get(vm, l, child)?, get(vm, l, at)?);
        l.set(child, item);
        l.set(at, up);
        at = child;
    }
    sift_down(vm, l, start, at, order)
}

fn push(vm: &Vm, l: L, v: Value, order: Order) -> Res<()> {
    l.push(v);
    sift_down(vm, l, 0, l.len() - 1, order)
}

fn pop(vm: &Vm, l: L, order: Order) -> Res<Value> {
    let n = l.len();
    if n == 0 {
        return Err(out_of_range(vm));
    }
    let last = l.remove(n - 1);
    if n == 1 {
        return Ok(last);
    }
    let first = get(vm, l, 0)?;
    l.set(0, last);
    sift_up(vm, l, 0, order)?;
    Ok(first)
}

fn replace(vm: &Vm, l: L, v: Value, order: Order) -> Res<Value> {
    let Some(first) = l.get(0) else { return Err(out_of_range(vm)) };
    l.set(0, v);
    sift_up(vm, l, 0, order)?;
    Ok(first)
}

fn push_pop(vm: &Vm, l: L, v: Value, order: Order) -> Res<Value> {
    let Some(first) = l.get(0) else { return Ok(v) };
    if !before(vm, first, v, order)? {
        return Ok(v);
    }
    if l.is_empty() {
        return Err(out_of_range(vm));
    }
    let first = get(vm, l, 0)?;
    l.set(0, v);
    sift_up(vm, l, 0, order)?;
    Ok(first)
}

fn heapify(vm: &Vm, l: L, order: Order) -> Res<()> {
    for i in (0..l.len() / 2).rev() {
        sift_up(vm, l, i, order)?;
    }
    Ok(())
}
