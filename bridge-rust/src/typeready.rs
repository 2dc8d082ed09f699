//! Classes implemented in C: `PyType_Ready`, the `PyType_FromSpec` family, and what happens to their instances.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};

use cape_heap::{HeapObject, KindInfo};
use cape_vm::class::{ForeignSpec, make_foreign};
use cape_vm::foreign::ForeignObj;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::from_c::from_c;
use crate::layout::*;
use crate::mirror::types::{class_behind, heap_type, join, type_to_c};
use crate::slots;
use crate::to_c::{decref, incref, to_c};
use crate::{attributes, call_c, ffi};

/// The class of a type object; readies a static type that nobody has readied yet, as CPython does on first use.
pub fn class_of(vm: &Vm, t: *mut PyTypeObject) -> Res<Ptr<TypeObj>> {
    match class_behind(t) {
        Some(c) => Ok(c),
        None => ready(vm, t),
    }
}

thread_local! {
    /// The static types that were made ready last.
    static READY: RefCell<Vec<*mut PyTypeObject>> = const { RefCell::new(Vec::new()) };
}

/// How many of these are looked at, when a module is loaded: more than one has.
const LATEST: usize = 256;

/// A module is loaded, perhaps by another one: the static types that were made ready have the slots now that they shall have.
pub fn module_loaded() {
    let types = READY.with_borrow_mut(|ready| {
        let old = ready.len().saturating_sub(LATEST);
        ready.drain(..old);
        ready.clone()
    });
    for t in types {
        if let Some(class) = class_behind(t) {
            // SAFETY: static types live for ever.
            unsafe { slots::refresh(class, t) };
        }
    }
}

/// `PyType_Ready`.
pub fn ready(vm: &Vm, t: *mut PyTypeObject) -> Res<Ptr<TypeObj>> {
    if let Some(c) = class_behind(t) {
        return Ok(c);
    }
    // SAFETY: C hands over a live type object.
    unsafe {
        if (*t).tp_name.is_null() {
            return Err(vm.system_error("Type does not define the tp_name field."));
        }
        // Cython says of static types that they are on the heap until they are ready, for CPython to allow other bases. But they have no room
        // for what a heap type has behind its struct.
        let lent = (*t).tp_flags & tpflags::HEAPTYPE != 0 && ((*t).ob_base.ob_base.ob_refcnt as i32) < 0;
        if lent {
            (*t).tp_flags &= !tpflags::HEAPTYPE;
        }
        let class = complete(vm, t);
        if class.is_ok() && (*t).tp_flags & tpflags::HEAPTYPE == 0 {
            READY.with_borrow_mut(|ready| ready.push(t));
        }
        if lent {
            (*t).tp_flags |= tpflags::HEAPTYPE;
        }
        class
    }
}

unsafe fn complete(vm: &Vm, t: *mut PyTypeObject) -> Res<Ptr<TypeObj>> {
    // SAFETY: the caller's promise.
    unsafe {
        let bases = bases_of(vm, t)?;
        let base = base_of(vm, t, bases)?;
        check_size(vm, t)?;
        let base_c = type_to_c(vm, base)?;
        if (*t).tp_base.is_null() {
            incref(base_c as *mut PyObject);
            (*t).tp_base = base_c;
        }
        if (*t).ob_base.ob_base.ob_type.is_null() {
            (*t).ob_base.ob_base.ob_type = (*base_c).ob_base.ob_base.ob_type;
        }
        let meta = class_of(vm, (*t).ob_base.ob_base.ob_type)?;
        (*t).tp_flags |= tpflags::READYING;
        inherit_layout(t, base_c);
        let full = CStr::from_ptr((*t).tp_name).to_string_lossy().into_owned();
        let (module, name) = match full.rsplit_once('.') {
            Some((m, n)) => (Some(m.to_string()), n.to_string()),
            None => (None, full),
        };
        let class = make_foreign(
            vm,
            &ForeignSpec {
                meta,
                name: &name,
                module: module.as_deref(),
                bases,
                base,
                kind: kind_of(t, base, bases),
                flags: class_flags(t, base) | fields_flag(t, base_c),
            },
        )?;
        join(class, t);
        if (*t).tp_flags & tpflags::HEAPTYPE == 0 {
            rt().keep(class.value());
        }
        if !(*t).tp_dict.is_null() {
            let d = from_c(vm, (*t).tp_dict)?;
            vm.dict_update(class.dict(), d)?;
        }
        add_descriptors(vm, class, t)?;
        ffi::cape_complete_attribute_slots(t);
        slots::add_slot_wrappers(class, t);
        let doc = (*t).tp_doc;
        let n = &rt().names;
        if class.dict().get_str(n.doc).is_none_or(|d| d.is_none()) {
            class.dict().set_str(n.doc, doc_value(class, doc, &name));
        }
        cape_vm::class::foreign_ready(class);
        slots::hide_methods(class, t);
        slots::fill(vm, class, t)?;
        (*t).tp_dict = to_c(vm, class.dict.get())?;
        (*t).tp_bases = to_c(vm, class.bases.get())?;
        (*t).tp_mro = to_c(vm, class.mro.get())?;
        (*t).tp_flags = ((*t).tp_flags | tpflags::READY) & !tpflags::READYING;
        Ok(class)
    }
}

unsafe fn bases_of(vm: &Vm, t: *mut PyTypeObject) -> Res<Ptr<TupleObj>> {
    // SAFETY: the caller's promise.
    unsafe {
        if !(*t).tp_bases.is_null() {
            return from_c(vm, (*t).tp_bases)?
                .downcast()
                .ok_or_else(|| vm.system_error("tp_bases is not a tuple"));
        }
        let base = if (*t).tp_base.is_null() { rt().types.object } else { class_of(vm, (*t).tp_base)? };
        Ok(TupleObj::new(&[base.value()]))
    }
}

unsafe fn base_of(vm: &Vm, t: *mut PyTypeObject, bases: Ptr<TupleObj>) -> Res<Ptr<TypeObj>> {
    // SAFETY: the caller's promise.
    unsafe {
        if !(*t).tp_base.is_null() {
            return class_of(vm, (*t).tp_base);
        }
        cape_vm::class::best_base(vm, bases.as_slice())
    }
}

unsafe fn check_size(vm: &Vm, t: *mut PyTypeObject) -> Res<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let b = (*t).tp_base;
        if !b.is_null() && (*t).tp_basicsize != 0 && (*t).tp_basicsize < (*b).tp_basicsize {
            let name = |t: *mut PyTypeObject| CStr::from_ptr((*t).tp_name).to_string_lossy().into_owned();
            return Err(vm.type_error(format!(
                "tp_basicsize for type '{}' ({}) is too small for base '{}' ({})",
                name(t),
                (*t).tp_basicsize,
                name(b),
                (*b).tp_basicsize
            )));
        }
    }
    Ok(())
}

/// The layout of the managed side of instances. One of C's own bases may come before a builtin one whose struct the class's begins with, as
/// in NumPy's scalars: what is a `float` is one on the managed side, too.
unsafe fn kind_of(t: *mut PyTypeObject, base: Ptr<TypeObj>, bases: Ptr<TupleObj>) -> &'static KindInfo {
    let kind = kind_below(base);
    if !std::ptr::eq(kind, ForeignObj::kind()) {
        return kind;
    }
    // SAFETY: the caller's promise.
    let size = unsafe { (*t).tp_basicsize } as usize;
    let number = |b: &Value| {
        let kind = kind_below(b.downcast::<TypeObj>()?);
        let begins = |k: &'static KindInfo, least: usize| std::ptr::eq(k, kind) && size >= least;
        let is_number = begins(FloatObj::kind(), size_of::<PyFloatObject>())
            || begins(ComplexObj::kind(), size_of::<PyComplexObject>());
        is_number.then_some(kind)
    };
    bases.as_slice().iter().find_map(number).unwrap_or(kind)
}

/// The layout below a class: that of a builtin one, else a proxy.
fn kind_below(base: Ptr<TypeObj>) -> &'static KindInfo {
    // SAFETY: a class's kind is a static.
    let k: &'static KindInfo = unsafe { &*base.kind.get() };
    if std::ptr::eq(k, InstanceObj::kind()) { ForeignObj::kind() } else { k }
}

unsafe fn class_flags(t: *mut PyTypeObject, base: Ptr<TypeObj>) -> u32 {
    // SAFETY: the caller's promise.
    let (f, dict, weak) = unsafe { ((*t).tp_flags, (*t).tp_dictoffset, (*t).tp_weaklistoffset) };
    let mut out = TypeFlags::FOREIGN;
    let mut on = |c: bool, flag: u32| {
        if c {
            out |= flag
        }
    };
    // SAFETY: as above.
    on(unsafe { CStr::from_ptr((*t).tp_name) }.to_bytes().contains(&b'.'), TypeFlags::DOTTED);
    on(f & tpflags::BASETYPE != 0, TypeFlags::BASE);
    on(f & tpflags::HEAPTYPE != 0, TypeFlags::HEAP);
    on(f & tpflags::HEAPTYPE == 0 || f & tpflags::IMMUTABLETYPE != 0, TypeFlags::IMMUTABLE);
    on(f & tpflags::DISALLOW_INSTANTIATION != 0, TypeFlags::NO_INSTANTIATION);
    on(f & tpflags::SEQUENCE != 0, TypeFlags::SEQUENCE);
    on(f & tpflags::MAPPING != 0, TypeFlags::MAPPING);
    on(dict != 0 || f & tpflags::MANAGED_DICT != 0 || base.has(TypeFlags::HAS_DICT), TypeFlags::HAS_DICT);
    on(
        weak != 0 || f & tpflags::MANAGED_WEAKREF != 0 || base.has(TypeFlags::HAS_WEAKREF),
        TypeFlags::HAS_WEAKREF,
    );
    on(f & tpflags::METHOD_DESCRIPTOR != 0, TypeFlags::METHOD_DESCRIPTOR);
    // A static type without tp_new whose base is `object` cannot be instantiated.
    // SAFETY: as above.
    let no_new = unsafe { (*t).tp_new.is_none() } && f & tpflags::HEAPTYPE == 0 && base == rt().types.object;
    on(no_new, TypeFlags::NO_INSTANTIATION);
    out
}

/// Whether the struct has more than the base's (CPython's `shape_differs`).
unsafe fn fields_flag(t: *mut PyTypeObject, base: *mut PyTypeObject) -> u32 {
    // SAFETY: the caller's promise.
    let same =
        unsafe { (*t).tp_basicsize == (*base).tp_basicsize && (*t).tp_itemsize == (*base).tp_itemsize };
    if same { TypeFlags::NO_FIELDS } else { TypeFlags::OWN_FIELDS }
}

/// Sizes, offsets and flag bits that come from the base.
unsafe fn inherit_layout(t: *mut PyTypeObject, base: *mut PyTypeObject) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*t).tp_basicsize == 0 {
            (*t).tp_basicsize = (*base).tp_basicsize;
        }
        if (*t).tp_itemsize == 0 {
            (*t).tp_itemsize = (*base).tp_itemsize;
        }
        if (*t).tp_weaklistoffset == 0 {
            (*t).tp_weaklistoffset = (*base).tp_weaklistoffset;
        }
        if (*t).tp_dictoffset == 0 {
            (*t).tp_dictoffset = (*base).tp_dictoffset;
        }
        let inherited = tpflags::SUBCLASS_BITS
            | tpflags::MATCH_SELF
            | tpflags::SEQUENCE
            | tpflags::MAPPING
            | tpflags::MANAGED_DICT
            | tpflags::MANAGED_WEAKREF;
        (*t).tp_flags |= (*base).tp_flags & inherited;
    }
}

/// A docstring without its signature line. With one, the class keeps the whole.
unsafe fn doc_value(class: Ptr<TypeObj>, doc: *const c_char, name: &str) -> Value {
    if doc.is_null() {
        return Value::NONE;
    }
    // SAFETY: a C string.
    let text = unsafe { CStr::from_ptr(doc) }.to_string_lossy();
    let (signature, body) = call_c::split_doc(name, &text);
    if !signature.is_empty() {
        class.native_data.set(class, StrObj::new(&text).value());
    }
    StrObj::new(body).value()
}

unsafe fn add_descriptors(vm: &Vm, class: Ptr<TypeObj>, t: *mut PyTypeObject) -> Res<()> {
    // SAFETY: the tables end with a NULL name.
    unsafe {
        let mut m = (*t).tp_methods;
        while !m.is_null() && !(*m).ml_name.is_null() {
            call_c::add_method(vm, class, m)?;
            m = m.add(1);
        }
        let mut m = (*t).tp_members;
        while !m.is_null() && !(*m).name.is_null() {
            attributes::add_member(class, m);
            m = m.add(1);
        }
        let mut g = (*t).tp_getset;
        while !g.is_null() && !(*g).name.is_null() {
            attributes::add_getset(class, g);
            g = g.add(1);
        }
    }
    Ok(())
}

const PY_TP_TOKEN: c_int = 83;

/// The `PyType_FromSpec` family (`PyType_FromMetaclass`). A new reference.
///
/// # Safety
/// `spec` must be a valid specification; `meta` may be null.
pub unsafe fn from_spec(
    vm: &Vm,
    meta: *mut PyTypeObject,
    module: *mut PyObject,
    spec: *mut PyType_Spec,
    bases: *mut PyObject,
) -> Res<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe {
        let members = crate::typespec::members(vm, spec)?;
        let name_c = CStr::from_ptr((*spec).name);
        let full = name_c.to_string_lossy().into_owned();
        let mut base: *mut PyTypeObject = std::ptr::null_mut();
        let mut base_tuple = bases;
        let mut s = (*spec).slots;
        while !s.is_null() && (*s).slot != 0 {
            match (*s).slot {
                48 => base = (*s).pfunc as *mut PyTypeObject,
                49 if base_tuple.is_null() => base_tuple = (*s).pfunc as *mut PyObject,
                _ => {}
            }
            s = s.add(1);
        }
        let managed_bases: Ptr<TupleObj> = if base_tuple.is_null() {
            let b = if base.is_null() { rt().types.object } else { class_of(vm, base)? };
            TupleObj::new(&[b.value()])
        } else {
            let v = from_c(vm, base_tuple)?;
            match v.downcast::<TupleObj>() {
                Some(t) => t,
                None if v.is::<TypeObj>() => TupleObj::new(&[v]),
                None => return Err(vm.system_error("Py_tp_bases is not a tuple")),
            }
        };
        let best = cape_vm::class::best_base(vm, managed_bases.as_slice())?;
        if !best.has(TypeFlags::BASE) {
            return Err(vm.type_error(format!("type '{}' is not an acceptable base type", best.name_str())));
        }
        let base_c = type_to_c(vm, best)?;
        let metaclass = if meta.is_null() { type_of(best.value()) } else { class_of(vm, meta)? };
        let metaclass = cape_builtins::functions::winning_metaclass(vm, metaclass, managed_bases.as_slice())?;
        let meta_c = type_to_c(vm, metaclass)?;
        crate::typespec::check(vm, spec, managed_bases, base_c, metaclass)?;
        let size = heap_type::SIZE.max((*meta_c).tp_basicsize as usize);
        let p = ffi::cape_alloc(meta_c, size) as *mut PyTypeObject;
        if p.is_null() {
            return Err(vm.memory_error(""));
        }
        std::ptr::write_bytes(p as *mut u8, 0, size);
        (*p).ob_base.ob_base.ob_refcnt = 1;
        (*p).ob_base.ob_base.ob_type = meta_c;
        (*p).tp_name = CString::new(full.clone()).unwrap_or_default().into_raw();
        (*p).tp_flags = (*spec).flags as u64 | tpflags::HEAPTYPE;
        incref(base_c as *mut PyObject);
        (*p).tp_base = base_c;
        (*p).tp_bases = to_c(vm, managed_bases.value())?;
        let base_size = (*base_c).tp_basicsize;
        let mut own_offset = 0;
        (*p).tp_basicsize = match (*spec).basicsize as isize {
            0 => base_size,
            n if n < 0 => {
                own_offset = (base_size + 15) & !15;
                own_offset + ((-n + 15) & !15)
            }
            n => n,
        };
        (*p).tp_itemsize = (*spec).itemsize as isize;
        crate::typespec::take_offsets(p, members, own_offset);
        let field = |offset: usize| (p as *mut u8).add(offset) as *mut *mut PyObject;
        let short = full.rsplit('.').next().unwrap_or(&full);
        *field(heap_type::NAME) = to_c(vm, intern(short))?;
        *field(heap_type::QUALNAME) = to_c(vm, intern(short))?;
        if !module.is_null() {
            incref(module);
            *field(heap_type::MODULE) = module;
        }
        *field(heap_type::TOKEN) = spec as *mut PyObject;
        fill_from_slots(vm, p, (*spec).slots, members, own_offset, field(heap_type::TOKEN))?;
        let class = ready(vm, p)?;
        if !module.is_null()
            && let Some(m) = from_c(vm, module)?.downcast::<ModuleObj>()
            && !full.contains('.')
            && let Some(n) = m.get(rt().names.name)
        {
            class.dict().set_str(rt().names.module, n);
        }
        Ok(p as *mut PyObject)
    }
}

unsafe fn fill_from_slots(
    vm: &Vm,
    p: *mut PyTypeObject,
    mut s: *mut PyType_Slot,
    members: *mut PyMemberDef,
    own_offset: isize,
    token: *mut *mut PyObject,
) -> Res<()> {
    // SAFETY: the slots end with number 0.
    unsafe {
        while !s.is_null() && (*s).slot != 0 {
            let (n, f) = ((*s).slot, (*s).pfunc);
            match n {
                48 | 49 => {}
                56 => {
                    // The documentation is copied: the specification may be temporary.
                    if !f.is_null() {
                        (*p).tp_doc = CStr::from_ptr(f as *const c_char).to_owned().into_raw();
                    }
                }
                72 => (*p).tp_members = crate::typespec::copy_members(members, own_offset),
                PY_TP_TOKEN => {
                    if !f.is_null() {
                        *token = f as *mut PyObject;
                    }
                }
                _ => {
                    if ffi::cape_set_slot(p, n, f) == 0 {
                        return Err(vm.runtime_error("invalid slot offset"));
                    }
                }
            }
            s = s.add(1);
        }
        if (*p).tp_dealloc.is_none() {
            (*p).tp_dealloc = Some(subtype_dealloc);
        }
    }
    Ok(())
}

/// `tp_dealloc` of Python classes derived from C classes, and of specified types without one: the nearest different
/// deallocator below does the work.
///
/// # Safety
/// As `tp_dealloc`.
pub unsafe extern "C" fn subtype_dealloc(o: *mut PyObject) {
    // SAFETY: C passes a dying object, whose type is alive.
    unsafe {
        let t = (*o).ob_type;
        let mut base = (*t).tp_base;
        while !base.is_null() && (*base).tp_dealloc == Some(subtype_dealloc) {
            base = (*base).tp_base;
        }
        if (*t).tp_finalize.is_some() && ffi::PyObject_CallFinalizerFromDealloc(o) < 0 {
            return;
        }
        if base.is_null() || std::ptr::eq(base, &raw const ffi::PyBaseObject_Type) {
            if (*t).tp_flags & tpflags::HAVE_GC != 0 {
                ffi::PyObject_GC_UnTrack(o as *mut c_void);
            }
            match (*t).tp_free {
                Some(f) => f(o as *mut c_void),
                None => ffi::PyObject_Free(o as *mut c_void),
            }
            if (*t).tp_flags & tpflags::HEAPTYPE != 0 {
                decref(t as *mut PyObject);
            }
            return;
        }
        let base_counts = (*base).tp_flags & tpflags::HEAPTYPE != 0;
        if let Some(d) = (*base).tp_dealloc {
            d(o);
        }
        // A heap base's own deallocator gives up the reference to the object's type itself.
        if !base_counts && (*t).tp_flags & tpflags::HEAPTYPE != 0 {
            decref(t as *mut PyObject);
        }
    }
}

/// `tp_traverse` of Python classes derived from C classes.
///
/// # Safety
/// As `tp_traverse`.
pub unsafe extern "C" fn subtype_traverse(o: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: a live object.
    unsafe {
        let t = (*o).ob_type;
        let mut base = (*t).tp_base;
        while !base.is_null() && (*base).tp_traverse == Some(subtype_traverse) {
            base = (*base).tp_base;
        }
        // (A heap base's own function visits the object's type itself.)
        let mut visited = false;
        if !base.is_null()
            && let Some(f) = (*base).tp_traverse
        {
            visited = (*base).tp_flags & tpflags::HEAPTYPE != 0;
            let r = f(o, visit, arg);
            if r != 0 {
                return r;
            }
        }
        let visits = !visited && (*t).tp_flags & tpflags::HEAPTYPE != 0;
        if visits { visit(t as *mut PyObject, arg) } else { 0 }
    }
}

/// `tp_clear` of Python classes derived from C classes.
///
/// # Safety
/// As `tp_clear`.
pub unsafe extern "C" fn subtype_clear(o: *mut PyObject) -> c_int {
    // SAFETY: a live object.
    unsafe {
        let mut base = (*(*o).ob_type).tp_base;
        while !base.is_null() && (*base).tp_clear == Some(subtype_clear) {
            base = (*base).tp_base;
        }
        match base.is_null() {
            false => (*base).tp_clear.map_or(0, |f| f(o)),
            true => 0,
        }
    }
}

/// A new instance of a class implemented in C (or derived from one) through its `tp_alloc`, for `object.__new__`.
pub fn new_instance(vm: &Vm, class: Ptr<TypeObj>) -> Res<Value> {
    let t = type_to_c(vm, class)?;
    // SAFETY: a ready type has tp_alloc.
    let p = unsafe { (*t).tp_alloc.unwrap_or(ffi::PyType_GenericAlloc)(t, 0) };
    crate::error::check_result(vm, || "tp_alloc".to_string(), p)
}
