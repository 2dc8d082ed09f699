//! How the VM sees C: one trait, implemented by the bridge.

use std::cell::Cell;

use cape_heap::{Header, Ptr, Value, heap_object};

use crate::exc::Res;
use crate::native::MethodDef;
use crate::object::{ArrayObj, DictObj, TupleObj, TypeObj};
use crate::special::Special;
use crate::vm::Vm;
use crate::watchers::Watched;

heap_object! {
    /// The proxy of an object whose struct lives in C memory, reached through its link: an instance of a class implemented in C or derived from one.
    pub struct ForeignObj {}
    [mirror_refers]
}

/// A `str` or `bytes` of exact type whose data is of so many bytes or more has, between its fixed part and the data, room for the head of
/// a C struct: when it crosses, nothing is copied, and what C makes of that size is joined with a managed object in the same memory.
pub const LARGE_TEXT: usize = 64 << 10;
/// How far behind the object's start such data is.
pub const LARGE_DATA: usize = 96;

/// What the bridge does for the VM.
pub trait Foreign: Sync {
    /// A Python class derived from a class implemented in C was made: gives it its `PyTypeObject`.
    fn class_made(&self, vm: &Vm, class: Ptr<TypeObj>) -> Res<()>;
    /// A new instance of a class implemented in C, or derived from one, by its `tp_alloc`.
    fn new_instance(&self, vm: &Vm, class: Ptr<TypeObj>) -> Res<Value>;
    /// Calls a class by the C functions behind its `tp_new` and `tp_init`; `None`: one of them is not C's.
    fn construct(
        &self,
        vm: &Vm,
        class: Ptr<TypeObj>,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Option<Res<Value>>;
    /// The docstring that C's definition of a function has now, signature and all; None: it is none of C's, or has none.
    fn method_doc(&self, def: &'static crate::native::MethodDef) -> Option<String> {
        let _ = def;
        None
    }
    /// As [`Foreign::method_doc`], of an attribute.
    fn attribute_doc(&self, def: &'static crate::native::GetSetDef) -> Option<String> {
        let _ = def;
        None
    }
    /// The calling thread runs in this VM from now on: C has no state of it yet, or the thread ran in another VM of its own before.
    fn thread_runs(&self, vm: &Vm);
    /// A guest VM is about to be dropped; it does not run.
    fn guest_leaves(&self, vm: &Vm) {
        let _ = vm;
    }
    /// An interpreter is no more.
    fn interpreter_ended(&self, interpreter: &crate::interpreter::Interpreter) {
        let _ = interpreter;
    }
    /// The flags that C knows a class of its own by.
    fn class_flags(&self, class: Ptr<TypeObj>) -> u64;
    /// Where C has what in instances of a class of C or of a builtin class: bytes of the fixed part and of an item, the places of the
    /// dictionary and of the weak references. None: it has no struct of its own.
    fn class_layout(&self, vm: &Vm, class: Ptr<TypeObj>) -> Option<[isize; 4]>;
    /// Number of items of a mirrored list.
    fn list_len(&self, list: &Header) -> usize;
    /// Item of a mirrored list.
    fn list_get(&self, list: &Header, i: usize) -> Option<Value>;
    /// The numbers among the items of a mirrored list from `at` on, up to the first that is none or as many as there is room for: how many.
    fn list_numbers(&self, list: &Header, at: usize, out: &mut [Value]) -> usize;
    /// Replaces an item of a mirrored list; false when out of range.
    fn list_set(&self, list: &Header, i: usize, v: Value) -> bool;
    /// Writes the items of a mirrored list into an array, which has room for them.
    fn list_items(&self, list: &Header, out: Ptr<ArrayObj>);
    /// Appends to a mirrored list.
    fn list_push(&self, list: &Header, v: Value);
    /// Removes the item at an index of a mirrored list, which must exist.
    fn list_remove(&self, list: &Header, i: usize) -> Value;
    /// Replaces a range of a mirrored list.
    fn list_splice(&self, list: &Header, from: usize, to: usize, new: &[Value]);
    /// Puts a mirrored list's items into the order of `places`, a permutation of all of them.
    fn list_reorder(&self, list: &Header, places: &[u32]);
    /// What the mirror of a linked object shows changed: the size or the storage of a dict, set or bytearray, the parts of a function,
    /// the name of a class, slots of an instance of a class of C.
    fn changed(&self, object: &Header);
    /// References that C holds of a linked object; `None`: it never dies.
    fn references(&self, object: &Header) -> Option<usize>;
    /// Loads an extension module from a shared object.
    fn load_extension(&self, vm: &Vm, spec: Value, path: &str) -> Res<Value>;
    /// Runs the execution slots of a module made by multi-phase initialisation.
    fn exec_extension(&self, vm: &Vm, module: Value) -> Res<Value>;
    /// Calls a function of C with arguments by name in a dict that nobody else has. `None`, with nothing done: it takes no dict.
    fn call_with_dict(
        &self,
        vm: &Vm,
        def: &'static MethodDef,
        receiver: Value,
        args: &[Value],
        names: Ptr<DictObj>,
    ) -> Option<Res<Value>> {
        let _ = (vm, def, receiver, args, names);
        None
    }
    /// Calls an object of C by its class's `__call__`, a definition, with the very tuple that the caller has. `None`, with nothing done: it
    /// takes no tuple.
    fn call_with_tuple(
        &self,
        vm: &Vm,
        def: &'static MethodDef,
        receiver: Value,
        args: Ptr<TupleObj>,
        names: Option<Ptr<DictObj>>,
    ) -> Option<Res<Value>> {
        let _ = (vm, def, receiver, args, names);
        None
    }
    /// A class that C knows has another special method than before.
    fn special_changed(&self, class: Ptr<TypeObj>, special: Special) {
        let _ = (class, special);
    }
    /// The next items of an iterator whose `__next__`, a descriptor, is a slot of C's: as many as there is room for, or fewer; how many
    /// they are (at least one, unless there is none), and whether it has ended. `None`, with nothing done: it is another method, or this is
    /// not the time.
    fn next_items(&self, vm: &Vm, next: Value, it: Value, out: &mut [Value]) -> Option<Res<(usize, bool)>> {
        let _ = (vm, next, it, out);
        None
    }
    /// `a + b` or `a * b` by slots of sequences that are asked after those of numbers, which do not know the operands. Nothing when there
    /// are none, or when they were asked as `__add__` or `__mul__` already.
    fn sequence_operator(
        &self,
        vm: &Vm,
        a: Value,
        b: Value,
        op: Special,
        inplace: bool,
    ) -> Option<Res<Value>> {
        let _ = (vm, a, b, op, inplace);
        None
    }
    /// Tells a trace or profile function of C's of an event: `what` is one of `PyTrace_*`, `argument` EMPTY where C gets NULL.
    fn trace_event(&self, vm: &Vm, tracer: Tracer, frame: Value, what: i32, argument: Value) -> Res<()> {
        let _ = (vm, tracer, frame, what, argument);
        Ok(())
    }
    /// Tells C's watchers of an event: an object, a key and a value (EMPTY: none).
    fn tell_watchers(&self, vm: &Vm, kind: Watched, event: i32, values: [Value; 3]) {
        let _ = (vm, kind, event, values);
    }
    /// There are audit hooks from now on.
    fn audited(&self) {}
    /// `pow(a, b, c)` by the slot of `c`, which is asked when those of `a` and `b` do not know the operands.
    fn power_by_modulus(&self, vm: &Vm, a: Value, b: Value, c: Value) -> Option<Res<Value>> {
        let _ = (vm, a, b, c);
        None
    }
}

/// A trace or profile function: of Python's, or of C's with the object that it gets.
#[derive(Clone, Copy, PartialEq)]
pub struct Tracer {
    /// Python's function, or the object; EMPTY: there is no tracer, or C's has no object.
    pub object: Value,
    /// The address of C's function; 0: it is Python's.
    pub function: usize,
}

impl Tracer {
    /// None at all.
    pub const NONE: Tracer = Tracer { object: Value::EMPTY, function: 0 };

    /// A function of Python's (EMPTY: none).
    pub fn python(f: Value) -> Tracer {
        Tracer { object: f, function: 0 }
    }

    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self == Tracer::NONE
    }
}

/// To be called after each change of what an object's mirror shows: sizes, storage, the parts of functions.
#[inline(always)]
pub fn changed(object: &Header) {
    if object.link() != 0 {
        tell(object);
    }
}

#[cold]
fn tell(object: &Header) {
    foreign().changed(object);
}

struct Slot(Cell<Option<&'static dyn Foreign>>);
// SAFETY: set once at start-up, with the GIL held.
unsafe impl Sync for Slot {}
static FOREIGN: Slot = Slot(Cell::new(None));

/// Installs the bridge.
pub fn set_foreign(f: &'static dyn Foreign) {
    FOREIGN.0.set(Some(f));
}

/// The bridge. Panics in a process without one: only objects that the bridge made lead here.
#[inline]
pub fn foreign() -> &'static dyn Foreign {
    FOREIGN.0.get().expect("foreign objects exist only with a bridge")
}

/// The bridge, if there is one.
pub fn try_foreign() -> Option<&'static dyn Foreign> {
    FOREIGN.0.get()
}
