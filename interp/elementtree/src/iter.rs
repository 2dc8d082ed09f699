//! Iterators over whole trees.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::element::{E, ElementObj};
use crate::find::has_tag;
use crate::state::StateObj;

heap_object! {
    /// What `iter()` and `itertext()` give: it is in `parent`, whose first `at` subelements were visited. `around`, an array, has the same
    /// of the `depth` elements around that one, in pairs.
    pub struct IterObj {
        /// The element that was given last and is to be entered, or, at first, the root; EMPTY.
        next: Field,
        parent: Field,
        at: Cell<usize>,
        around: Field,
        depth: Cell<usize>,
        tag: Field,
        text: Cell<bool>,
    }
}

impl Named for IterObj {
    const NAME: &'static str = "_elementtree._element_iterator";
}

type This = Ptr<IterObj>;

/// What `at` is of an element that is not entered.
const END: usize = i32::MAX as usize;

/// Makes the class.
pub fn make_class() -> Ptr<TypeObj> {
    new_type::<IterObj>("_elementtree._element_iterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
        .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, it: This| {
            if it.text.get() { next_text(vm, it) } else { next_element(vm, it) }
        })
        .class()
}

/// Adds the methods to the class of elements.
pub fn add(b: TypeBuilder) -> TypeBuilder {
    b.method("iter($self, /, tag=None)", "", |_: &Vm, e: E, tag: Option<Value>| {
        let tag = tag.filter(|t| !t.downcast::<StrObj>().is_some_and(|t| t.eq_str("*")));
        make(e, tag.unwrap_or(Value::NONE), false)
    })
    .method("itertext($self, /)", "", |_: &Vm, e: E| make(e, Value::NONE, true))
}

fn make(e: E, tag: Value, text: bool) -> This {
    let map = StateObj::of(type_of(e.value())).class(|s| &s.iter).instance_map();
    let around = rt().empty_array();
    heap().alloc(
        map,
        IterObj {
            header: Header::new(map),
            next: Field::new(e.value()),
            parent: Field::new(Value::EMPTY),
            at: Cell::new(0),
            around: Field::new(around.value()),
            depth: Cell::new(0),
            tag: Field::new(tag),
            text: Cell::new(text),
        },
    )
}

impl IterObj {
    fn array(&self) -> Ptr<ArrayObj> {
        // SAFETY: nothing else is stored there.
        unsafe { self.around.cast() }
    }
}

/// Goes into an element, whose subelements from `at` on come next.
fn enter(it: This, e: E, at: usize) {
    let outer = it.parent.get();
    if !outer.is_empty() {
        let depth = it.depth.get();
        let mut around = it.array();
        if 2 * depth == around.len() {
            around = ArrayObj::with_capacity((4 * depth).max(16), around.as_slice());
            it.around.set(it, around.value());
        }
        around.set(2 * depth, outer);
        around.set(2 * depth + 1, Value::int(it.at.get() as i64));
        it.depth.set(depth + 1);
    }
    it.parent.set(it, e.value());
    it.at.set(at);
}

/// Goes out of an element, to the one around it; `false` at the root.
fn leave(it: This) -> bool {
    let Some(depth) = it.depth.get().checked_sub(1) else {
        it.parent.set_no_barrier(Value::EMPTY);
        return false;
    };
    let around = it.array();
    let outer = around.get(2 * depth);
    it.at.set(around.get(2 * depth + 1).as_int() as usize);
    around.set(2 * depth, Value::EMPTY);
    it.parent.set(it, outer);
    it.depth.set(depth);
    true
}

/// The next element that has the tag; EMPTY at the end.
fn next_element(vm: &Vm, it: This) -> Res<Value> {
    let tag = it.tag.get();
    let mut next = it.next.downcast::<ElementObj>();
    it.next.set_no_barrier(Value::EMPTY);
    // The root itself has not been given yet.
    if let Some(root) = next
        && it.parent.get().is_empty()
        && it.at.get() == 0
    {
        it.at.set(END);
        it.next.set(it, root.value());
        if tag.is_none() || has_tag(vm, root, tag)? {
            return Ok(root.value());
        }
        it.next.set_no_barrier(Value::EMPTY);
    }
    loop {
        if let Some(e) = next.take()
            && e.len() > 0
        {
            enter(it, e, 0);
        }
        let Some(parent) = it.parent.downcast::<ElementObj>() else { return Ok(Value::EMPTY) };
        let at = it.at.get();
        let Some(e) = parent.child(at) else {
            leave(it);
            continue;
        };
        it.at.set(at + 1);
        if tag.is_none() || has_tag(vm, e, tag)? {
            it.next.set(it, e.value());
            return Ok(e.value());
        }
        next = Some(e);
    }
}

/// Whether a text is one; most are strings, or None.
fn is_text(vm: &Vm, v: Value) -> Res<bool> {
    if v.is_none() {
        return Ok(false);
    }
    match v.downcast::<StrObj>() {
        Some(s) if type_of(v) == rt().types.str => Ok(!s.is_empty()),
        _ => vm.truth(v),
    }
}

/// The next text that is not empty; EMPTY at the end.
fn next_text(vm: &Vm, it: This) -> Res<Value> {
    loop {
        let e = if let Some(root) = it.next.downcast::<ElementObj>() {
            it.next.set_no_barrier(Value::EMPTY);
            root
        } else {
            let Some(parent) = it.parent.downcast::<ElementObj>() else { return Ok(Value::EMPTY) };
            let at = it.at.get();
            match parent.child(at) {
                Some(child) => {
                    it.at.set(at + 1);
                    child
                }
                None => {
                    let tail = parent.tail.get();
                    // What follows on the element where it began is not inside.
                    if leave(it) && is_text(vm, tail)? {
                        return Ok(tail);
                    }
                    continue;
                }
            }
        };
        // The text of comments and the like is not the document's.
        let tag = e.tag.get();
        let inside = tag.is_none() || tag.is::<StrObj>();
        enter(it, e, if inside { 0 } else { END });
        let text = e.text.get();
        if inside && is_text(vm, text)? {
            return Ok(text);
        }
    }
}
