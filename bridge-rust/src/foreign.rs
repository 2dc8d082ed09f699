//! What the bridge does for the VM and for the collector.

use std::ffi::{c_int, c_void};

use cape_heap::{ForeignHeap, Header, Mirror, heap};
use cape_vm::foreign::{Foreign, Tracer};
use cape_vm::native::{GetSetDef, MethodDef};
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::vm::current;
use cape_vm::watchers::Watched;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::cross::cross;
use crate::error::check_status;
use crate::ffi;
use crate::fresh::plain_items;
use crate::from_c::{from_c, memory_given_back, number, small_int};
use crate::layout::*;
use crate::to_c::{decref, to_c};
use crate::unseen;

/// The bridge.
pub struct Bridge;

fn list_struct(list: &Header) -> *mut PyListObject {
    heap().mirror_of(list) as *mut PyListObject
}

/// Makes room for `n` items.
///
/// # Safety
/// `l` must be a live list.
#[inline(always)]
unsafe fn reserve(l: *mut PyListObject, n: usize) {
    // SAFETY: the caller's promise; the storage is the list's own.
    unsafe {
        if n > (*l).allocated as usize {
            let room = n + (n >> 3) + 6;
            let p = ffi::PyMem_Realloc((*l).ob_item as *mut c_void, 8 * room) as *mut *mut PyObject;
            assert!(!p.is_null(), "out of memory");
            (*l).ob_item = p;
            (*l).allocated = room as isize;
        }
    }
}

impl Foreign for Bridge {
    fn class_made(&self, vm: &Vm, class: Ptr<TypeObj>) -> Res<()> {
        crate::mirror::types::type_to_c(vm, class).map(|_| ())
    }

    fn construct(
        &self,
        vm: &Vm,
        class: Ptr<TypeObj>,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Option<Res<Value>> {
        crate::slots::construct(vm, class, args, kwnames)
    }

    fn audited(&self) {
        // SAFETY: a plain int of C's, written with the GIL held.
        unsafe { crate::ffi::_Cape_audited = 1 };
    }

    fn new_instance(&self, vm: &Vm, class: Ptr<TypeObj>) -> Res<Value> {
        crate::typeready::new_instance(vm, class)
    }

    fn list_len(&self, list: &Header) -> usize {
        let l = list_struct(list);
        // SAFETY: a mirrored list is linked with its live struct.
        if l.is_null() { 0 } else { unsafe { (*l).ob_base.ob_size as usize } }
    }

    fn list_get(&self, list: &Header, i: usize) -> Option<Value> {
        let l = list_struct(list);
        // SAFETY: as above; the index is checked against the present size.
        unsafe {
            if i >= (*l).ob_base.ob_size as usize {
                return None;
            }
            let p = *(*l).ob_item.add(i);
            if let Some(v) = small_int(p) {
                return Some(v);
            }
            // A list that C has made but not filled yet has NULL items.
            if p.is_null() { Some(Value::NONE) } else { from_c(current(), p).ok() }
        }
    }

    fn list_numbers(&self, list: &Header, at: usize, out: &mut [Value]) -> usize {
        let l = list_struct(list);
        // SAFETY: as above; so many items there are.
        let items = unsafe {
            let n = ((*l).ob_base.ob_size as usize).saturating_sub(at).min(out.len());
            if n == 0 {
                return 0;
            }
            std::slice::from_raw_parts((*l).ob_item.add(at), n)
        };
        for (i, (place, &p)) in out.iter_mut().zip(items).enumerate() {
            match small_int(p).or_else(|| if p.is_null() { None } else { number(p) }) {
                Some(v) => *place = v,
                None => return i,
            }
        }
        items.len()
    }

    fn list_items(&self, list: &Header, out: Ptr<ArrayObj>) {
        let (vm, l) = (current(), list_struct(list));
        // SAFETY: a mirrored list is linked with its live struct.
        let known = unsafe {
            let n = out.len().min((*l).ob_base.ob_size as usize);
            if n == 0 { 0 } else { plain_items(std::slice::from_raw_parts((*l).ob_item, n), out) }
        };
        for i in known..out.len() {
            // SAFETY: a mirrored list is linked with its live struct; what a conversion may run changes neither the collector's idea
            // of the list nor `l`, and its size is asked each time.
            let v = unsafe {
                if i >= (*l).ob_base.ob_size as usize {
                    break;
                }
                match *(*l).ob_item.add(i) {
                    p if p.is_null() => None,
                    p => from_c(vm, p).ok(),
                }
            };
            out.set(i, v.unwrap_or(Value::NONE));
        }
    }

    fn list_push(&self, list: &Header, v: Value) {
        let Ok(p) = to_c(current(), v) else { return };
        let l = list_struct(list);
        // SAFETY: as above; there is room for one more item once `reserve` has made it.
        unsafe {
            let n = (*l).ob_base.ob_size;
            reserve(l, n as usize + 1);
            *(*l).ob_item.offset(n) = p;
            (*l).ob_base.ob_size = n + 1;
        }
    }

    fn list_remove(&self, list: &Header, i: usize) -> Value {
        let v = self.list_get(list, i).unwrap_or(Value::NONE);
        let l = list_struct(list);
        // SAFETY: as above. The reference is given up after the list is whole again.
        unsafe {
            let n = (*l).ob_base.ob_size as usize;
            if i >= n {
                return v;
            }
            let at = (*l).ob_item.add(i);
            let p = *at;
            std::ptr::copy(at.add(1), at, n - 1 - i);
            (*l).ob_base.ob_size = n as isize - 1;
            if !p.is_null() {
                decref(p);
            }
        }
        v
    }

    fn list_set(&self, list: &Header, i: usize, v: Value) -> bool {
        let l = list_struct(list);
        // SAFETY: as above.
        unsafe {
            if i >= (*l).ob_base.ob_size as usize {
                return false;
            }
            let Ok(p) = to_c(current(), v) else { return false };
            let old = std::mem::replace(&mut *(*l).ob_item.add(i), p);
            if !old.is_null() {
                decref(old);
            }
        }
        true
    }

    fn list_splice(&self, list: &Header, from: usize, to: usize, new: &[Value]) {
        let l = list_struct(list);
        let vm = current();
        // SAFETY: as above. References to the removed items are given up after the list is whole again, because that may run code.
        unsafe {
            let mut incoming = smallvec::SmallVec::<[*mut PyObject; 8]>::new();
            for &v in new {
                incoming.push(to_c(vm, v).unwrap_or(&raw mut ffi::_Py_NoneStruct));
            }
            let len = (*l).ob_base.ob_size as usize;
            let (from, to) = (from.min(len), to.clamp(from.min(len), len));
            let new_len = len - (to - from) + new.len();
            let removed: smallvec::SmallVec<[*mut PyObject; 8]> =
                (from..to).map(|i| *(*l).ob_item.add(i)).collect();
            reserve(l, new_len);
            let items = (*l).ob_item;
            std::ptr::copy(items.add(to), items.add(from + new.len()), len - to);
            std::ptr::copy_nonoverlapping(incoming.as_ptr(), items.add(from), incoming.len());
            (*l).ob_base.ob_size = new_len as isize;
            for p in removed {
                if !p.is_null() {
                    decref(p);
                }
            }
        }
    }

    fn list_reorder(&self, list: &Header, places: &[u32]) {
        let l = list_struct(list);
        if places.is_empty() {
            return;
        }
        // SAFETY: as above; the places are those of the items.
        unsafe {
            let items = std::slice::from_raw_parts_mut((*l).ob_item, places.len());
            let old = smallvec::SmallVec::<[*mut PyObject; 64]>::from_slice(items);
            for (item, &place) in items.iter_mut().zip(places) {
                *item = old[place as usize];
            }
        }
    }

    fn references(&self, object: &Header) -> Option<usize> {
        // SAFETY: a linked mirror is live.
        let count = unsafe { (*(heap().mirror_of(object) as *mut PyObject)).ob_refcnt };
        // One is the link's; counts with the top bit set are immortal.
        ((count as i32) >= 0).then(|| (count as usize).saturating_sub(1))
    }

    fn class_flags(&self, class: Ptr<TypeObj>) -> u64 {
        // SAFETY: the type object of a class of C, which is alive.
        unsafe { (*(class.foreign.get() as *mut PyTypeObject)).tp_flags }
    }

    fn method_doc(&self, def: &'static MethodDef) -> Option<String> {
        let c = crate::call_c::c_method_def(def)?;
        // SAFETY: a live definition; its documentation is a C string or NULL.
        let text = unsafe { crate::call_c::text((*c).ml_doc) };
        let (_, doc) = crate::call_c::split_doc(def.name, &text);
        (!doc.is_empty()).then(|| doc.to_string())
    }

    fn attribute_doc(&self, def: &'static GetSetDef) -> Option<String> {
        crate::attributes::doc(def)
    }

    fn class_layout(&self, vm: &Vm, class: Ptr<TypeObj>) -> Option<[isize; 4]> {
        if !class.has(TypeFlags::HEAP | TypeFlags::FOREIGN) {
            crate::start(vm).ok()?;
        }
        let t = class.foreign.get() as *mut PyTypeObject;
        // SAFETY: a class's type object is live.
        unsafe {
            let own = !t.is_null()
                && (class.has(TypeFlags::OWN_FIELDS | TypeFlags::NO_FIELDS)
                    || (*t).tp_flags & tpflags::STATIC_BUILTIN != 0);
            own.then(|| [(*t).tp_basicsize, (*t).tp_itemsize, (*t).tp_dictoffset, (*t).tp_weaklistoffset])
        }
    }

    fn thread_runs(&self, vm: &Vm) {
        if crate::is_started() {
            crate::thread::turn(vm);
        }
    }

    fn guest_leaves(&self, vm: &Vm) {
        crate::thread::guest_leaves(vm);
    }

    fn interpreter_ended(&self, interpreter: &cape_vm::interpreter::Interpreter) {
        let i = interpreter.c_state.replace(std::ptr::null_mut());
        if !i.is_null() {
            // SAFETY: C made the struct, for this interpreter.
            unsafe { crate::ffi::cape_free_interpreter(i as *mut _) };
        }
    }

    fn changed(&self, object: &Header) {
        crate::mirror::changed(object);
    }

    fn load_extension(&self, vm: &Vm, spec: Value, path: &str) -> Res<Value> {
        crate::start(vm)?;
        crate::module::load(vm, spec, path)
    }

    fn exec_extension(&self, vm: &Vm, module: Value) -> Res<Value> {
        crate::module::exec(vm, module)
    }

    fn call_with_dict(
        &self,
        vm: &Vm,
        def: &'static MethodDef,
        receiver: Value,
        args: &[Value],
        names: Ptr<DictObj>,
    ) -> Option<Res<Value>> {
        crate::convention::call_with_dict(vm, def, receiver, args, names)
    }

    fn call_with_tuple(
        &self,
        vm: &Vm,
        def: &'static MethodDef,
        receiver: Value,
        args: Ptr<TupleObj>,
        names: Option<Ptr<DictObj>>,
    ) -> Option<Res<Value>> {
        crate::slots::call_with_tuple(vm, def, receiver, args, names)
    }

    fn special_changed(&self, class: Ptr<TypeObj>, special: Special) {
        crate::slots::special_changed(class, special);
    }

    fn next_items(&self, vm: &Vm, next: Value, it: Value, out: &mut [Value]) -> Option<Res<(usize, bool)>> {
        crate::slots::next_items(vm, next, it, out)
    }

    fn sequence_operator(
        &self,
        vm: &Vm,
        a: Value,
        b: Value,
        op: Special,
        inplace: bool,
    ) -> Option<Res<Value>> {
        crate::slots::sequence_operator(vm, a, b, op, inplace)
    }

    fn trace_event(&self, vm: &Vm, tracer: Tracer, frame: Value, what: i32, argument: Value) -> Res<()> {
        // SAFETY: the address is one that C has given as a function of this type.
        let f = unsafe { std::mem::transmute::<usize, Py_tracefunc>(tracer.function) };
        let Some(f) = f else { return Ok(()) };
        let given = |v: Value, p: *mut PyObject| if v.is_empty() { std::ptr::null_mut() } else { p };
        let shown = |v: Value| if v.is_empty() { Value::NONE } else { v };
        let r = cross(vm, [shown(tracer.object), frame, shown(argument)], |p| {
            let (object, argument) = (given(tracer.object, p[0]), given(argument, p[2]));
            // SAFETY: C's promise when it set the function; all three live while it runs.
            let status = unsafe { f(object, p[1], what, argument) };
            check_status(vm, || "a trace function".to_string(), status).map(|_| Value::NONE)
        });
        r.map(drop)
    }

    fn tell_watchers(&self, vm: &Vm, kind: Watched, event: i32, values: [Value; 3]) {
        let class = values[0].downcast::<TypeObj>();
        if kind == Watched::Class && class.is_none_or(|t| t.foreign.get().is_null()) {
            return; // C does not know it
        }
        let given = |v: Value, p: *mut PyObject| if v.is_empty() { std::ptr::null_mut() } else { p };
        let shown = values.map(|v| if v.is_empty() { Value::NONE } else { v });
        // (Should there be no memory for what C is to see, nobody is told.)
        let _ = cross(vm, shown, |p| {
            let (key, value) = (given(values[1], p[1]), given(values[2], p[2]));
            // SAFETY: all of them live while it runs, and the first is what the kind says. It raises nothing.
            unsafe { ffi::cape_tell_watchers(kind as i32, event, p[0], key, value) };
            Ok(Value::NONE)
        });
    }

    fn power_by_modulus(&self, vm: &Vm, a: Value, b: Value, c: Value) -> Option<Res<Value>> {
        crate::slots::power_by_modulus(vm, a, b, c)
    }
}

unsafe extern "C" fn visit_one(o: *mut PyObject, arg: *mut c_void) -> c_int {
    if !o.is_null() {
        // SAFETY: traverse passes the argument on unchanged.
        let f = unsafe { &mut *(arg as *mut &mut dyn FnMut(*mut Mirror)) };
        f(o as *mut Mirror);
    }
    0
}

/// Whether a linked struct of this type is authoritative on the managed side, so that what it refers to is found by tracing.
fn managed_side(p: *mut PyObject) -> bool {
    // SAFETY: a live struct.
    let object = heap().managed_while_marking(unsafe { &*(p as *mut Mirror) });
    object.is_some_and(|v| !v.is_ptr() || !v.header().map().kind().mirror_refers)
}

impl ForeignHeap for Bridge {
    fn traverse(&self, mirror: *mut Mirror, visit: &mut dyn FnMut(*mut Mirror)) {
        let p = mirror as *mut PyObject;
        // SAFETY: the collector names live structs; tp_traverse functions do not allocate or change counts.
        unsafe {
            let t = (*p).ob_type;
            if t.is_null() {
                return;
            }
            let f = (*t).tp_flags;
            if f & tpflags::TUPLE_SUBCLASS != 0 {
                let n = (*(p as *mut PyVarObject)).ob_size as usize;
                let items = (&raw const (*(p as *mut PyTupleObject)).ob_item) as *const *mut PyObject;
                (0..n).map(|i| *items.add(i)).filter(|x| !x.is_null()).for_each(|x| visit(x as *mut Mirror));
            } else if f & tpflags::LIST_SUBCLASS != 0 {
                let l = p as *mut PyListObject;
                let n = (*l).ob_base.ob_size as usize;
                (0..n)
                    .map(|i| *(*l).ob_item.add(i))
                    .filter(|x| !x.is_null())
                    .for_each(|x| visit(x as *mut Mirror));
            } else if f & tpflags::DICT_SUBCLASS != 0
                && unseen::each_reference(p, |x| visit(x as *mut Mirror))
            {
                return;
            } else if managed_side(p) {
                if f & tpflags::HEAPTYPE != 0 {
                    visit(t as *mut Mirror);
                }
                return;
            }
            if f & tpflags::HAVE_GC != 0
                && let Some(tr) = (*t).tp_traverse
            {
                let mut v: &mut dyn FnMut(*mut Mirror) = visit;
                tr(p, visit_one, &raw mut v as *mut c_void);
            }
        }
    }

    fn proxy_may_die(&self, managed: &Header) -> bool {
        // State of its own: attributes or `__slots__` in the tail, or a Python class.
        let map = managed.map();
        let n = map.tail_words as usize;
        // SAFETY: the map says that the object has a tail of n values.
        let empty = unsafe { (0..n).all(|i| (*managed.tail().add(i)).is_empty()) };
        let python_class = map.class.get().downcast::<TypeObj>().is_some_and(|c| {
            c.has(TypeFlags::HEAP) && !c.foreign.get().is_null() && {
                let t = c.foreign.get() as *mut PyTypeObject;
                // SAFETY: a class's type object is live.
                unsafe { (*t).tp_dealloc == Some(crate::typeready::subtype_dealloc) }
            }
        });
        empty && !python_class
    }

    fn weak_cleared(&self, mirror: *mut Mirror) {
        // SAFETY: the collector names mirrors of weak references.
        unsafe { crate::mirror::weak::cleared(mirror) }
    }

    fn check_weak(&self, mirror: *mut Mirror, target: *mut Mirror) {
        // SAFETY: as above.
        unsafe { crate::mirror::weak::check(mirror, target) }
    }

    fn release(&self, mirror: *mut Mirror) {
        let p = mirror as *mut PyObject;
        // SAFETY: the link's reference is given back.
        unsafe { decref(p) }
    }

    fn release_all(&self, mirrors: &[*mut Mirror]) {
        /// How far ahead structs are fetched, which have not been looked at since the collection began.
        const AHEAD: usize = 8;
        for (i, &mirror) in mirrors.iter().enumerate() {
            if let Some(&later) = mirrors.get(i + AHEAD) {
                prefetch(later);
            }
            // SAFETY: the link's reference is given back.
            unsafe { decref(mirror as *mut PyObject) }
        }
        memory_given_back();
    }

    fn collected_fully(&self, doomed: usize) {
        // SAFETY: frees structs that nobody has.
        unsafe { ffi::_Cape_CollectedFully(doomed) }
        memory_given_back();
    }

    fn finalize(&self, mirror: *mut Mirror) {
        let p = mirror as *mut PyObject;
        // SAFETY: the struct is alive; it is kept so by the collector's queue.
        unsafe { ffi::PyObject_CallFinalizer(p) }
    }

    fn needs_finalize(&self, mirror: *mut Mirror) -> bool {
        let p = mirror as *mut PyObject;
        // SAFETY: a live struct.
        unsafe {
            let t = (*p).ob_type;
            !managed_side(p) && (*t).tp_finalize.is_some() && ffi::PyObject_GC_IsFinalized(p) == 0
        }
    }

    fn each_tracked(&self, visit: &mut dyn FnMut(*mut Mirror)) {
        let ring = &raw const ffi::_Cape_gc_tracked;
        // SAFETY: the ring goes through the heads of live structs, which lie right before them, and back to its own; nothing
        // is tracked or untracked meanwhile.
        unsafe {
            let mut head = (*ring)._gc_next;
            while !std::ptr::eq(head, ring) {
                visit(head.add(1) as *mut Mirror);
                head = (*head)._gc_next;
            }
        }
    }

    fn clear(&self, mirror: *mut Mirror) {
        let p = mirror as *mut PyObject;
        // SAFETY: the struct is alive; it is kept so by the collector's queue.
        unsafe {
            let t = (*p).ob_type;
            if heap().managed_of_mirror(&*mirror).is_empty() {
                // One of those that the limit allowed for until now.
                ffi::_Cape_tracked_limit = ffi::_Cape_tracked_limit.saturating_sub(1);
            }
            if (*t).tp_flags & tpflags::LIST_SUBCLASS != 0 {
                // The storage of a list that C has seen is the mirror's: the list is emptied before its items go, because that
                // may run code.
                let l = p as *mut PyListObject;
                let items = std::mem::replace(&mut (*l).ob_item, std::ptr::null_mut());
                let n = std::mem::replace(&mut (*l).ob_base.ob_size, 0) as usize;
                (*l).allocated = 0;
                (0..n).map(|i| *items.add(i)).filter(|x| !x.is_null()).for_each(|x| decref(x));
                ffi::PyMem_Free(items as *mut c_void);
            }
            if (*t).tp_flags & tpflags::DICT_SUBCLASS != 0 {
                unseen::clear(p);
            }
            if (*t).tp_flags & tpflags::TYPE_SUBCLASS != 0
                && let Some(class) = heap().managed_of_mirror(&*mirror).downcast()
            {
                crate::mirror::types::clear(class, p as *mut PyTypeObject);
            }
            if (*t).tp_flags & tpflags::HAVE_GC != 0
                && let Some(f) = (*t).tp_clear
            {
                f(p);
            }
        }
    }
}

/// Asks for the memory of a struct to be brought into the cache.
#[inline(always)]
fn prefetch(p: *mut Mirror) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which reads nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch(p as *const i8, _MM_HINT_T0);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}
