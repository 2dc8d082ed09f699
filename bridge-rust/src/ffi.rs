//! All that Rust uses of `bridge-c`, and nothing else. Linking contract: the static library `cape_c` is part of every
//! program that links this crate.

#![allow(missing_docs, reason = "documented in bridge-c and the C API reference")]

use std::ffi::{c_char, c_void};

pub use crate::api::code::PyCodeObject;
pub use crate::api::frameobject::PyFrameObject;
pub use crate::api::genobject::PyGenObject;
pub use crate::api::monitoring::PyMonitoringState;
pub use crate::api::pystate::{PyGILState_STATE, PyInterpreterState};
pub use crate::layout::*;
pub use crate::thread::PyThreadState;

/// A `PyLongObject` of one digit, as large as C has it.
#[repr(C)]
pub struct SmallInt {
    pub head: PyLongObject,
    pub digit: usize,
}

/// Rows of `_Cape_names`.
pub const NAMES: usize = 256;

/// A C string, and the interned `str` that it spelled; both null in a row that is free.
#[repr(C)]
pub struct KnownName {
    pub address: *const c_char,
    pub name: *mut PyObject,
}

/// A row of the table of static types.
#[repr(C)]
pub struct CapeStaticType {
    pub symbol: *const c_char,
    pub type_: *mut PyTypeObject,
}

/// A list of freed structs, chained through their first words.
#[repr(C)]
pub struct CapeFreeList {
    pub first: *mut c_void,
    pub count: i32,
}

unsafe extern "C" {
    /// Freed ints, freed floats.
    pub static mut _Cape_free_numbers: [CapeFreeList; 3];
    pub static mut _Py_NoneStruct: PyObject;
    /// Bytes that extensions took since they were last counted.
    pub static mut _Cape_allocated: usize;
    /// The same for small blocks.
    pub static mut _Cape_allocated_small: usize;
    /// Bytes of large blocks that they gave back since that was last counted.
    pub static mut _Cape_returned: usize;
    /// Where the heap's addresses begin.
    pub static mut _Cape_heap_start: usize;
    /// How many they are.
    pub static mut _Cape_heap_size: usize;
    /// Whether there are audit hooks.
    pub static mut _Cape_audited: i32;
    /// The ints from -5 to 256.
    pub static mut _Cape_small_ints: [SmallInt; 0];
    /// The names that C strings spelled last, by their addresses (`bridge-c/unicodeobject.c`).
    pub static mut _Cape_names: [KnownName; 0];
    pub static mut _Py_TrueStruct: PyObject;
    pub static mut _Py_FalseStruct: PyObject;
    pub static mut _Py_EllipsisObject: PyObject;
    pub static mut _Py_NotImplementedStruct: PyObject;
    pub static mut PyType_Type: PyTypeObject;
    pub static mut PyBaseObject_Type: PyTypeObject;
    pub static mut PyLong_Type: PyTypeObject;
    pub static mut PyFloat_Type: PyTypeObject;
    pub static mut PyBool_Type: PyTypeObject;
    pub static mut PyUnicode_Type: PyTypeObject;
    pub static mut PyBytes_Type: PyTypeObject;
    pub static mut PyByteArray_Type: PyTypeObject;
    pub static mut PyMemoryView_Type: PyTypeObject;
    pub static mut PyTuple_Type: PyTypeObject;
    pub static mut PyList_Type: PyTypeObject;
    pub static mut PyDict_Type: PyTypeObject;
    pub static mut PySet_Type: PyTypeObject;
    pub static mut PyFrozenSet_Type: PyTypeObject;
    pub static mut PyGen_Type: PyTypeObject;
    pub static mut PyCoro_Type: PyTypeObject;
    pub static mut PyAsyncGen_Type: PyTypeObject;
    pub static mut PyRangeIter_Type: PyTypeObject;
    pub static mut PyUnicodeIter_Type: PyTypeObject;
    pub static mut PyBytesIter_Type: PyTypeObject;
    pub static mut PySetIter_Type: PyTypeObject;
    pub static mut PyDictIterKey_Type: PyTypeObject;
    pub static mut PyDictIterValue_Type: PyTypeObject;
    pub static mut PyDictIterItem_Type: PyTypeObject;
    pub static mut PyMap_Type: PyTypeObject;
    pub static mut PyZip_Type: PyTypeObject;
    pub static mut PyFilter_Type: PyTypeObject;
    pub static mut PyEnum_Type: PyTypeObject;
    pub static mut PyReversed_Type: PyTypeObject;
    pub static mut PyCallIter_Type: PyTypeObject;
    pub static mut PyComplex_Type: PyTypeObject;
    pub static mut PySlice_Type: PyTypeObject;
    pub static mut PyModule_Type: PyTypeObject;
    pub static mut PyModuleDef_Type: PyTypeObject;
    pub static mut PyCFunction_Type: PyTypeObject;
    pub static mut PyCapsule_Type: PyTypeObject;
    pub static mut PyMethodDescr_Type: PyTypeObject;
    pub static mut PyWrapperDescr_Type: PyTypeObject;
    pub static mut PyGetSetDescr_Type: PyTypeObject;
    pub static mut PyMemberDescr_Type: PyTypeObject;
    pub static mut PyMethod_Type: PyTypeObject;
    pub static mut PyFunction_Type: PyTypeObject;
    pub static mut cape_datetime_types: [PyTypeObject; 6];
    pub fn cape_datetime_capsule(utc: *mut PyObject) -> *mut PyObject;
    pub static _Cape_static_types: [CapeStaticType; 0];

    pub fn _Py_Dealloc(op: *mut PyObject);
    /// Head of the ring of tracked structs (bridge-c/gcmodule.c).
    pub static mut _Cape_gc_tracked: PyGC_Head;
    /// How many structs it may hold before a collection looks for cycles among them (bridge-c/alloc.c).
    pub static mut _Cape_tracked_limit: usize;
    pub fn PyObject_GC_Track(op: *mut c_void);
    pub fn PyObject_GC_UnTrack(op: *mut c_void);
    pub fn PyObject_GC_IsFinalized(op: *mut PyObject) -> std::ffi::c_int;
    pub fn PyObject_CallFinalizer(op: *mut PyObject);
    pub fn PyObject_CallFinalizerFromDealloc(op: *mut PyObject) -> std::ffi::c_int;
    pub fn PyLong_FromLongLong(v: i64) -> *mut PyObject;
    pub fn _PyLong_New(digits: isize) -> *mut PyObject;
    pub fn PyFloat_FromDouble(v: f64) -> *mut PyObject;
    pub fn PyTuple_New(n: isize) -> *mut PyObject;
    pub fn PyList_New(n: isize) -> *mut PyObject;
    pub fn PyUnicode_InternFromString(s: *const c_char) -> *mut PyObject;
    pub fn PyUnicode_AsUTF8(s: *mut PyObject) -> *const c_char;
    pub fn PyUnicode_New(size: isize, max: u32) -> *mut PyObject;
    pub fn PyBytes_FromStringAndSize(s: *const c_char, n: isize) -> *mut PyObject;
    pub fn PyObject_Malloc(n: usize) -> *mut c_void;
    pub fn PyMem_Malloc(n: usize) -> *mut c_void;
    pub fn PyMem_Realloc(p: *mut c_void, n: usize) -> *mut c_void;
    pub fn PyMem_Free(p: *mut c_void);
    pub fn PyType_GenericAlloc(t: *mut PyTypeObject, n: isize) -> *mut PyObject;
    pub fn PyObject_HashNotImplemented(o: *mut PyObject) -> isize;
    pub fn PyVectorcall_Call(o: *mut PyObject, a: *mut PyObject, k: *mut PyObject) -> *mut PyObject;
    pub fn PyType_GenericNew(t: *mut PyTypeObject, a: *mut PyObject, k: *mut PyObject) -> *mut PyObject;
    pub fn PyObject_Free(p: *mut c_void);
    pub fn PyObject_GC_Del(p: *mut c_void);
    pub fn PyMember_GetOne(addr: *const c_char, m: *mut PyMemberDef) -> *mut PyObject;
    pub fn PyMember_SetOne(addr: *mut c_char, m: *mut PyMemberDef, v: *mut PyObject) -> i32;
    #[link_name = "cape_get_slot"]
    pub fn PyType_GetSlotQuiet(t: *mut PyTypeObject, slot: i32) -> *mut c_void;
    pub fn cape_unicode_dealloc(o: *mut PyObject);
    pub fn cape_bytes_dealloc(o: *mut PyObject);
    pub fn cape_bytes_getbuffer(o: *mut PyObject, view: *mut Py_buffer, flags: i32) -> i32;
    pub fn cape_run_at_exit(interp: *mut PyInterpreterState);
    pub fn cape_tell_watchers(
        kind: i32,
        event: i32,
        object: *mut PyObject,
        key: *mut PyObject,
        value: *mut PyObject,
    );
    /// The full name of the extension module that is being loaded.
    pub static mut _Cape_package_context: *const std::ffi::c_char;
    pub fn PyState_FindModule(def: *mut crate::layout::PyModuleDef) -> *mut PyObject;
    pub fn PyState_AddModule(module: *mut PyObject, def: *mut crate::layout::PyModuleDef) -> i32;
    pub fn cape_class_vectorcall(t: *mut PyTypeObject) -> Option<vectorcallfunc>;
    pub fn cape_function_vectorcall(flags: i32) -> Option<vectorcallfunc>;
    pub fn cape_descriptor_vectorcall(flags: i32) -> Option<vectorcallfunc>;
    pub static mut _Cape_managed_calls: [Option<vectorcallfunc>; 4];
    pub static mut _Cape_trampolines: [*const (); 84];
    pub fn cape_capsule_repr(o: *mut PyObject) -> *mut PyObject;
    pub fn cape_set_slot(t: *mut PyTypeObject, slot: i32, value: *mut c_void) -> i32;
    pub fn cape_complete_attribute_slots(t: *mut PyTypeObject);
    pub fn cape_inherit_slots(t: *mut PyTypeObject, base: *mut PyTypeObject, own_hash: i32);
    pub fn cape_alloc(t: *mut PyTypeObject, size: usize) -> *mut PyObject;
    pub fn cape_range_iterator(start: i64, step: i64, len: isize) -> *mut PyObject;
    pub fn cape_new_mirror(t: *mut PyTypeObject) -> *mut PyObject;
    pub fn cape_unfilled_list(n: isize) -> *mut PyObject;
    pub fn cape_unfilled_tuple(n: isize) -> *mut PyObject;
    pub fn cape_encode_at_once(
        op: *mut PyObject,
        encoding: *const c_char,
        result: *mut *mut PyObject,
    ) -> std::ffi::c_int;
    pub fn cape_decode_at_once(
        s: *const c_char,
        size: isize,
        encoding: *const c_char,
        result: *mut *mut PyObject,
    ) -> std::ffi::c_int;
    pub fn cape_text_malloc(head: usize, data: usize) -> *mut c_void;
    pub fn cape_new_items(room: isize) -> *mut *mut PyObject;
    pub fn cape_drop_items(items: *mut *mut PyObject, room: isize);
    pub fn cape_drop_entries(op: *mut PyObject);
    pub fn cape_mirror_dealloc(op: *mut PyObject);
    pub fn cape_free_emptied_list(op: *mut PyObject);
    pub fn cape_free_emptied_tuple(op: *mut PyObject);
    pub fn cape_end_own(op: *mut PyObject);
    pub fn cape_int(magnitude: u64, negative: i32) -> *mut PyObject;
    pub fn _Cape_CollectedFully(doomed: usize);
    pub fn cape_main_interpreter() -> *mut c_void;
    pub fn cape_new_thread_state(interpreter: *mut c_void) -> *mut c_void;
    pub fn cape_new_interpreter(id: i64) -> *mut c_void;
    pub fn cape_free_interpreter(interpreter: *mut c_void);
    pub fn cape_set_thread_vm(t: *mut c_void, vm: *mut c_void);
    pub fn cape_thread_vm(t: *mut c_void) -> *mut c_void;
    pub fn PyThreadState_Clear(t: *mut c_void);
    pub fn _Cape_SetThreadState(t: *mut c_void);
    pub fn PyThreadState_GetUnchecked() -> *mut c_void;
    pub fn PyErr_SetRaisedException(exc: *mut PyObject);
    pub fn PyErr_GetRaisedException() -> *mut PyObject;
    pub fn PyType_IsSubtype(a: *mut PyTypeObject, b: *mut PyTypeObject) -> i32;
    pub fn PyErr_Occurred() -> *mut PyObject;
}

/// C's `PyCompilerFlags`.
pub type PyCompilerFlags = c_void;
