//! Making classes: layout, MRO, the table of special methods, invalidation.

use std::cell::Cell;

use cape_heap::{Field, Header, HeapObject, KindInfo, MapFlags, MapRef, Ptr, Value, WeakCell, heap};

use crate::builtin_types::Row;
use crate::exc::Res;
use crate::native::{Flavour, MethodDef};
use crate::object::*;
use crate::runtime::{intern, rt, special_of, type_of};
use crate::shape;
use crate::special::{SPECIAL_NAMES, Special};
use crate::vm::Vm;
use crate::watchers::{Watched, tell, watched};

/// A class to be made by native code.
pub struct NewType {
    /// `module.name`, or `name` alone for `builtins`.
    pub name: &'static str,
    /// Its base.
    pub base: Ptr<TypeObj>,
    /// Layout of its instances.
    pub kind: &'static KindInfo,
    /// [`TypeFlags`].
    pub flags: u32,
}

fn alloc_type(map: MapRef, name: Value, kind: &'static KindInfo, flags: u32) -> Ptr<TypeObj> {
    let none = || Field::new(Value::EMPTY);
    let t = heap().alloc_old(
        map,
        TypeObj {
            header: Header::new(map),
            name: Field::new(name),
            qualname: Field::new(name),
            bases: none(),
            mro: none(),
            base: none(),
            dict: none(),
            subclasses: none(),
            native_data: none(),
            flags: Cell::new(flags),
            version: Cell::new(0),
            first_map: Cell::new(0),
            instance_map: Cell::new(0),
            kind: Cell::new(kind),
            nslots: Cell::new(0),
            inline_hint: Cell::new(0),
            construct: cape_heap::Native(Cell::new(None)),
            native_next: cape_heap::Native(Cell::new(None)),
            allocate: cape_heap::Native(Cell::new(None)),
            foreign: Cell::new(std::ptr::null_mut()),
            special: TypeObj::no_specials(),
        },
    );
    t.dict.set(t, DictObj::new().value());
    t
}

/// Flags that a class has from the first class along the MRO that has one of them, unless it has one itself.
const COLLECTION: u32 = TypeFlags::SEQUENCE | TypeFlags::MAPPING;

/// Flags that a class has when its base has them.
const INHERITED: u32 = TypeFlags::HAS_DICT
    | TypeFlags::INDEXED
    | TypeFlags::HAS_WEAKREF
    | TypeFlags::TYPE_SUBCLASS
    | TypeFlags::EXC_SUBCLASS
    | TypeFlags::FOREIGN
    | TypeFlags::MATCH_SELF;

fn inherit_collection(t: Ptr<TypeObj>, base: Ptr<TypeObj>) {
    if t.flags.get() & COLLECTION == 0 {
        t.flags.set(t.flags.get() | base.flags.get() & COLLECTION);
    }
}

fn finish_native(t: Ptr<TypeObj>, base: Option<Ptr<TypeObj>>, module: &str) {
    let mut mro = vec![t.value()];
    if let Some(b) = base {
        t.base.set(t, b.value());
        t.flags.set(t.flags.get() | b.flags.get() & INHERITED);
        inherit_collection(t, b);
        mro.extend_from_slice(b.mro().as_slice());
    }
    t.bases.set(t, TupleObj::new(&base.map(|b| b.value()).into_iter().collect::<Vec<_>>()).value());
    t.mro.set(t, TupleObj::new(&mro).value());
    if module != "builtins" {
        t.dict().set_str(rt().names.module, intern(module));
    }
    t.dict().set_str(rt().names.doc, Value::NONE);
    if let Some(b) = base {
        inherit_specials(t, b);
        add_subclass(b, t);
    }
}

/// Makes a builtin type at start-up; `map` is that of its instances.
pub(crate) fn make_static(
    row: &Row,
    map: MapRef,
    base: Option<Ptr<TypeObj>>,
    type_map: MapRef,
) -> Ptr<TypeObj> {
    let t = alloc_type(type_map, intern(row.name), row.kind(), row.flags | TypeFlags::IMMUTABLE);
    map.class.set_no_barrier(t.value());
    t.instance_map.set(map.id());
    shape::enter(map, t);
    finish_native(t, base, row.module);
    t
}

/// Makes a native class.
pub(crate) fn make_native(n: NewType) -> Ptr<TypeObj> {
    let (module, name) = n.name.rsplit_once('.').unwrap_or(("builtins", n.name));
    let flags = n.flags | TypeFlags::IMMUTABLE;
    let t = alloc_type(rt().maps.type_, intern(name), n.kind, flags);
    finish_native(t, Some(n.base), module);
    let own_dict = std::ptr::eq(n.kind, ModuleObj::kind()) || std::ptr::eq(n.kind, TypeObj::kind());
    let map = if t.has(TypeFlags::HAS_DICT) && !own_dict {
        MapRef::with_attrs(n.kind, t.value(), 1, 0, 1, 0)
    } else {
        MapRef::new(n.kind, t.value(), 0)
    };
    shape::enter(map, t);
    t.instance_map.set(map.id());
    rt().add_native_type(t);
    t
}

/// Gives a new native class, of which there are no instances yet, storage behind the struct.
pub(crate) fn add_tail(t: Ptr<TypeObj>, words: u16) {
    t.nslots.set(words);
    // SAFETY: a class's kind is a static.
    let map = MapRef::new(unsafe { &*t.kind.get() }, t.value(), words);
    shape::enter(map, t);
    t.instance_map.set(map.id());
}

/// A native method as it stands in a class dictionary.
pub fn method_descriptor(class: Ptr<TypeObj>, def: &'static MethodDef) -> Value {
    let map = match def.flavour {
        Flavour::Class => rt().maps.classmethod_descriptor,
        _ if is_slot_of(&class.name_str(), def.name) => rt().maps.wrapper_descriptor,
        _ => rt().maps.method_descriptor,
    };
    heap()
        .alloc(map, MethodDescrObj { header: Header::new(map), def, class: Field::new(class.value()) })
        .value()
}

/// Special methods that are slots in CPython, whose native versions are `wrapper_descriptor`s.
pub(crate) fn is_slot_name(name: &str) -> bool {
    special_of(name).is_some_and(|s| {
        !matches!(
            s,
            Special::Format
                | Special::Reduce
                | Special::ReduceEx
                | Special::Getstate
                | Special::Sizeof
                | Special::Dir
                | Special::Enter
                | Special::Exit
                | Special::Aenter
                | Special::Aexit
                | Special::LengthHint
                | Special::Reversed
                | Special::Round
                | Special::Trunc
                | Special::Floor
                | Special::Ceil
                | Special::Complex
                | Special::Bytes
                | Special::Missing
                | Special::Instancecheck
                | Special::Subclasscheck
                | Special::Subclasshook
                | Special::InitSubclass
                | Special::ClassGetitem
                | Special::Prepare
                | Special::SetName
                | Special::Fspath
                | Special::MroEntries
        )
    })
}

/// Whether a special method of a native class stands for a slot alone: some classes have a method of CPython's beside the slot.
pub(crate) fn is_slot_of(class: &str, name: &str) -> bool {
    let beside = match name {
        "__getitem__" => matches!(class, "list" | "dict"),
        "__contains__" => matches!(class, "dict" | "set" | "frozenset"),
        _ => false,
    };
    !beside && is_slot_name(name)
}

/// A `staticmethod` object.
pub fn static_method(callable: Value) -> Value {
    let map = rt().maps.staticmethod;
    heap().alloc(map, StaticMethodObj { header: Header::new(map), callable: Field::new(callable) }).value()
}

/// A `classmethod` object.
pub fn class_method(callable: Value) -> Value {
    let map = rt().maps.classmethod;
    heap().alloc(map, ClassMethodObj { header: Header::new(map), callable: Field::new(callable) }).value()
}

/// A native class got a new attribute during initialisation.
pub(crate) fn native_attribute_added(t: Ptr<TypeObj>, name: &str, v: Value) {
    if let Some(s) = special_of(name) {
        set_special(t, s, v);
        // `__eq__` without `__hash__` is the class's own business in native classes.
    }
}

fn set_special(t: Ptr<TypeObj>, s: Special, v: Value) {
    t.special[s as usize].set(t, v);
    note_special(t, s);
    if !t.foreign.get().is_null() {
        crate::foreign::foreign().special_changed(t, s);
    }
    for &sub in subclasses(t).as_slice() {
        let Some(sub) = sub.downcast::<TypeObj>() else { continue };
        // A subclass that overrides the name keeps its own.
        if sub.dict().get_str(s.name_value()).is_none() {
            let found = lookup_mro(sub, s.name_value()).unwrap_or(Value::EMPTY);
            if sub.special(s) != found {
                set_special(sub, s, found);
            }
        }
    }
}

/// Keeps the flags that depend on special methods.
fn note_special(t: Ptr<TypeObj>, s: Special) {
    let native_owner = |v: Value| {
        v.downcast::<MethodDescrObj>().is_some_and(|d| {
            let c = d.class.get();
            let ty = &rt().types;
            c == ty.object.value() || c == ty.type_.value() || c == ty.module.value()
        })
    };
    match s {
        Special::Getattribute | Special::Getattr => {
            let ga = t.special(Special::Getattribute);
            let custom = !t.special(Special::Getattr).is_empty() || !(ga.is_empty() || native_owner(ga));
            if custom {
                t.set_flag(TypeFlags::CUSTOM_GETATTR)
            } else {
                t.clear_flag(TypeFlags::CUSTOM_GETATTR)
            }
        }
        Special::Setattr | Special::Delattr => {
            let v = |s| t.special(s);
            let plain = |v: Value| v.is_empty() || native_owner(v);
            let custom = !(plain(v(Special::Setattr)) && plain(v(Special::Delattr)));
            if custom {
                t.set_flag(TypeFlags::CUSTOM_SETATTR)
            } else {
                t.clear_flag(TypeFlags::CUSTOM_SETATTR)
            }
        }
        Special::Del => {
            let on = !t.special(Special::Del).is_empty();
            for m in shape::maps_of(t) {
                let f = m.flags.get();
                m.flags.set(if on { f | MapFlags::FINALIZER } else { f & !MapFlags::FINALIZER });
            }
        }
        Special::New => settle_new(t),
        Special::Next => {
            let def = t.special(Special::Next).downcast::<MethodDescrObj>().map(|d| d.def);
            t.native_next.set(def.filter(|d| d.raw.is_none() && d.simple && d.nparams == 1));
        }
        _ => {}
    }
}

/// Instances of a class are made by its `__new__` where that is, or was, written in Python, and else as its base makes them: a native
/// `__new__` that it has from elsewhere is an attribute only.
fn settle_new(t: Ptr<TypeObj>) {
    let new = t.special(Special::New);
    if !t.has(TypeFlags::HEAP) || new.is_empty() {
        return;
    }
    let native =
        new.downcast::<BuiltinObj>().filter(|b| b.def.flavour == Flavour::Static && b.def.name == "__new__");
    match (native, t.base()) {
        (None, _) => t.set_flag(TypeFlags::GENERIC_NEW),
        (Some(_), Some(base)) if base.has(TypeFlags::GENERIC_NEW) => t.set_flag(TypeFlags::GENERIC_NEW),
        (Some(b), Some(base)) if !t.has(TypeFlags::GENERIC_NEW) && b.this.get() != t.value() => {
            let inherited = base.special(Special::New);
            if !inherited.is_empty() {
                t.special[Special::New as usize].set(t, inherited);
            }
        }
        _ => {}
    }
}

fn inherit_specials(t: Ptr<TypeObj>, base: Ptr<TypeObj>) {
    for i in 0..SPECIAL_NAMES.len() {
        t.special[i].set(t, base.special[i].get());
    }
    t.native_next.set(base.native_next.get());
    t.flags.set(t.flags.get() | base.flags.get() & (TypeFlags::CUSTOM_GETATTR | TypeFlags::CUSTOM_SETATTR));
}

/// How `object.__new__` makes an instance of a class that has, or inherits, a native layout without a `__new__`.
pub fn allocator(t: Ptr<TypeObj>) -> Option<fn(Ptr<TypeObj>) -> Value> {
    let mut class = t;
    loop {
        if !std::ptr::eq(class.kind.get(), t.kind.get()) {
            return None;
        }
        if let Some(f) = class.allocate.get() {
            return Some(f);
        }
        class = class.base()?;
    }
}

fn fill_specials(t: Ptr<TypeObj>) {
    let mut found = [Value::EMPTY; SPECIAL_NAMES.len()];
    for &c in t.mro().as_slice().iter().rev() {
        // SAFETY: an MRO holds type objects.
        let c: Ptr<TypeObj> = unsafe { c.cast() };
        for e in c.dict().table.iter() {
            if let Some(s) = Special::of_key(e.key) {
                found[s as usize] = e.value;
            }
        }
    }
    for (field, v) in t.special.iter().zip(found) {
        field.set(t, v);
    }
    note_special(t, Special::Getattr);
    note_special(t, Special::Setattr);
    note_special(t, Special::Del);
    note_special(t, Special::New);
    note_special(t, Special::Next);
}

/// A class of C has another function in its slot for `s` now: operators call this method from now on.
pub fn replace_special(t: Ptr<TypeObj>, s: Special, method: Value) {
    t.special[s as usize].set(t, method);
    note_special(t, s);
}

/// A class of C whose slot for `s` is its base's: the method of the name in its dictionary is a method only.
pub fn hide_special(t: Ptr<TypeObj>, s: Special) {
    let inherited = t.base().map_or(Value::EMPTY, |b| b.special(s));
    t.special[s as usize].set(t, inherited);
    note_special(t, s);
}

/// Looks a name up along the MRO.
#[inline]
pub fn lookup_mro(t: Ptr<TypeObj>, name: Value) -> Option<Value> {
    lookup_mro_where(t, name).map(|f| f.0)
}

/// Looks a name up along the MRO; also says where it was found.
pub fn lookup_mro_where(t: Ptr<TypeObj>, name: Value) -> Option<(Value, Ptr<TypeObj>)> {
    for &c in t.mro().as_slice() {
        // SAFETY: an MRO holds type objects.
        let c: Ptr<TypeObj> = unsafe { c.cast() };
        if let Some(v) = c.dict().get_str(name) {
            return Some((v, c));
        }
    }
    None
}

/// Where a name was found in a class of a certain version. Interned strings live for ever, so the address is the name; it is never
/// followed.
struct Place {
    name: Cell<u64>,
    version: Cell<u32>,
    /// Position in the MRO (upper 8 bits) and entry in that class's dictionary; [`NOWHERE`].
    at: Cell<u32>,
}

const NOWHERE: u32 = u32::MAX;
const PLACES: usize = 2048;

struct Places([Place; PLACES]);
// SAFETY: used with the GIL held.
unsafe impl Sync for Places {}
static FOUND: Places =
    Places([const { Place { name: Cell::new(0), version: Cell::new(0), at: Cell::new(0) } }; PLACES]);

/// As [`lookup_mro`], for a class whose instances are in use and thus complete, and a name that is best interned.
#[inline]
pub fn lookup_of_instance(t: Ptr<TypeObj>, name: Value) -> Option<Value> {
    let v = version(t);
    let place = &FOUND.0[((name.bits() >> 4) as usize ^ v as usize) % PLACES];
    if place.name.get() == name.bits() && place.version.get() == v {
        let at = place.at.get();
        if at == NOWHERE {
            return None;
        }
        // SAFETY: an MRO holds type objects, and that of this version has one at the position.
        let c: Ptr<TypeObj> = unsafe { t.mro().as_slice()[(at >> 24) as usize].cast() };
        let dict = c.dict();
        let (keys, i) = (dict.table.keys(), (at & 0xff_ffff) as usize);
        if i < keys.filled() {
            let e = keys.entry(i);
            // The dictionary may have been rebuilt.
            if e.key == name && !e.value.is_empty() {
                return Some(e.value);
            }
        }
    }
    lookup_and_note(t, name, v, place)
}

#[inline(never)]
fn lookup_and_note(t: Ptr<TypeObj>, name: Value, v: u32, place: &Place) -> Option<Value> {
    let mut found = None;
    for (k, &c) in t.mro().as_slice().iter().enumerate() {
        // SAFETY: an MRO holds type objects.
        let c: Ptr<TypeObj> = unsafe { c.cast() };
        if let Some(i) = c.dict().index_of_str(name) {
            found = Some((k, i, c.dict().table.keys().entry(i).value));
            break;
        }
    }
    let at = match found {
        None => Some(NOWHERE),
        Some((k, i, _)) => (k < 0xff && i < 1 << 24).then_some((k << 24 | i) as u32),
    };
    // (Keys that are no plain strings run Python code when they are compared.)
    if let Some(at) = at
        && name.downcast::<StrObj>().is_some_and(|s| s.is_interned())
        && t.version.get() == v
    {
        place.name.set(name.bits());
        place.version.set(v);
        place.at.set(at);
    }
    found.map(|f| f.2)
}

/// Direct subclasses that are still alive.
pub fn subclasses(t: Ptr<TypeObj>) -> Ptr<ArrayObj> {
    let Some(a) = t.subclasses.downcast::<ArrayObj>().filter(|a| !a.is_empty()) else {
        return rt().empty_array();
    };
    let mut alive = ValueVec::with_capacity(a.len());
    for w in a.as_slice() {
        if let Some(c) = w.downcast::<WeakCell>().map(|w| w.target()).filter(|c| !c.is_empty()) {
            alive.push(c);
        }
    }
    ArrayObj::from_slice(&alive)
}

/// Notes `t`, which is not yet there, among the subclasses of `base`, which does not keep it alive.
fn add_subclass(base: Ptr<TypeObj>, t: Ptr<TypeObj>) {
    let cell = heap().new_weak(rt().maps.weak_cell, t.value(), Value::EMPTY).value();
    let cells = base.subclasses.downcast::<ArrayObj>().unwrap_or(rt().empty_array());
    // Cells, of which some may be dead, and free places behind them.
    let end = cells.as_slice().partition_point(|w| !w.is_empty());
    if end < cells.len() {
        return cells.set(end, cell);
    }
    // It is full: twice as much room as for those that are alive.
    let mut all = ValueVec::with_capacity(cells.len() + 1);
    let alive = |w: &&Value| w.downcast::<WeakCell>().is_some_and(|w| !w.target().is_empty());
    cells.as_slice().iter().filter(alive).for_each(|w| all.push(*w));
    all.push(cell);
    base.subclasses.set(base, ArrayObj::with_capacity((2 * all.len()).max(4), &all).value());
}

fn remove_subclass(base: Ptr<TypeObj>, t: Ptr<TypeObj>) {
    if let Some(a) = base.subclasses.downcast::<ArrayObj>() {
        let mut left = ValueVec::with_capacity(a.len());
        for &w in a.as_slice() {
            if w.downcast::<WeakCell>().is_some_and(|w| w.target() != t.value()) {
                left.push(w);
            }
        }
        base.subclasses.set(base, ArrayObj::from_slice(&left).value());
    }
}

/// The class or one of its bases changed: nothing cached about it holds any more.
pub fn modified(t: Ptr<TypeObj>) {
    if t.version.get() != 0 {
        if watched(Watched::Class) {
            tell(Watched::Class, 0, t.value(), Value::EMPTY, Value::EMPTY);
        }
        t.version.set(0);
        for m in shape::maps_of(t) {
            m.version.set(0);
        }
    }
    for &s in subclasses(t).as_slice() {
        if let Some(s) = s.downcast() {
            modified(s);
        }
    }
}

/// A version of the class for caches; never 0.
#[inline]
pub fn version(t: Ptr<TypeObj>) -> u32 {
    let v = t.version.get();
    if v != 0 { v } else { new_version(t) }
}

#[cold]
fn new_version(t: Ptr<TypeObj>) -> u32 {
    // A version promises that changes of bases are noticed too, so those need versions first:
    // `modified` stops at classes without one only for itself, never for its subclasses.
    let v = rt().next_type_version();
    t.version.set(v);
    for m in shape::maps_of(t) {
        m.version.set(v);
    }
    v
}

/// Sets (or, with EMPTY, deletes) a class attribute: dictionary, special table, caches. False when deleting
/// what is not there.
pub fn set_class_attribute(t: Ptr<TypeObj>, name: Value, v: Value) -> bool {
    if v.is_empty() {
        if t.dict().remove_str(name).is_none() {
            return false;
        }
    } else {
        t.dict().set_str(name, v);
    }
    modified(t);
    if let Some(s) = name.downcast::<StrObj>().and_then(|s| special_of(s.as_ascii()?)) {
        let found = lookup_mro(t, name).unwrap_or(Value::EMPTY);
        set_special(t, s, found);
    }
    true
}

/// C3 linearisation. `bases` are types.
pub fn c3_mro(vm: &Vm, t: Ptr<TypeObj>, bases: &[Value]) -> Res<Ptr<TupleObj>> {
    let type_at = |v: Value| v.downcast::<TypeObj>().expect("a base");
    if let Some(b) = bases.iter().map(|b| type_at(*b)).find(|b| b.mro().is_empty()) {
        return Err(vm.type_error(format!("Cannot extend an incomplete type '{}'", b.name_str())));
    }
    if let [only] = bases {
        let mut v = ValueVec::with_capacity(8);
        v.push(t.value());
        v.extend_from_slice(type_at(*only).mro().as_slice());
        return Ok(TupleObj::new(&v));
    }
    for (i, b) in bases.iter().enumerate() {
        if bases[..i].contains(b) {
            return Err(vm.type_error(format!("duplicate base class {}", type_at(*b).name_str())));
        }
    }
    let mut out = ValueVec::with_capacity(16);
    out.push(t.value());
    // One list per base, its MRO, and last the bases themselves; all are read through `bases`, as tuples move.
    let item = |k: usize, i: usize| match bases.get(k) {
        Some(b) => type_at(*b).mro().as_slice().get(i).copied(),
        None => bases.get(i).copied(),
    };
    let later = |k: usize, i: usize, c: Value| match bases.get(k) {
        Some(b) => type_at(*b).mro().as_slice().iter().skip(i + 1).any(|&x| x == c),
        None => bases.iter().skip(i + 1).any(|&x| x == c),
    };
    let mut at = vec![0; bases.len() + 1];
    loop {
        let heads = || at.iter().enumerate().filter_map(|(k, &i)| item(k, i));
        if heads().next().is_none() {
            return Ok(TupleObj::new(&out));
        }
        let good = heads().find(|&c| !at.iter().enumerate().any(|(k, &i)| later(k, i, c)));
        let Some(c) = good else {
            let mut names: Vec<String> = Vec::new();
            for (n, c) in heads().enumerate() {
                if !heads().take(n).any(|seen| seen == c) {
                    names.push(type_at(c).name_str());
                }
            }
            return Err(vm.type_error(format!(
                "Cannot create a consistent method resolution order (MRO) for bases {}",
                names.join(", ")
            )));
        };
        for (k, i) in at.iter_mut().enumerate() {
            if item(k, *i) == Some(c) {
                *i += 1;
            }
        }
        out.push(c);
    }
}

/// The layout that a class extends: the nearest class along the bases that adds to the layout of its own base.
fn solid_base(t: Ptr<TypeObj>) -> Ptr<TypeObj> {
    match t.base() {
        Some(b) => {
            let s = solid_base(b);
            if extends_layout(t, b) { t } else { s }
        }
        None => t,
    }
}

fn extends_layout(t: Ptr<TypeObj>, base: Ptr<TypeObj>) -> bool {
    if t.has(TypeFlags::OWN_FIELDS | TypeFlags::NO_FIELDS) {
        return t.has(TypeFlags::OWN_FIELDS);
    }
    t.kind.get() != base.kind.get() || t.nslots.get() != base.nslots.get()
}

/// Whether instances are managed objects of the usual kind.
fn is_plain(t: Ptr<TypeObj>) -> bool {
    std::ptr::eq(t.kind.get(), InstanceObj::kind())
}

/// The base whose layout is taken, as CPython's `best_base`.
pub fn best_base(vm: &Vm, bases: &[Value]) -> Res<Ptr<TypeObj>> {
    let mut winner: Option<(Ptr<TypeObj>, Ptr<TypeObj>)> = None;
    for b in bases {
        let Some(b) = b.downcast::<TypeObj>() else {
            return Err(vm.type_error("bases must be types"));
        };
        if !b.has(TypeFlags::BASE) {
            return Err(vm.type_error(format!("type '{}' is not an acceptable base type", full_name(b))));
        }
        let s = solid_base(b);
        match winner {
            None => winner = Some((b, s)),
            // Of two that add nothing, the one of C has the say: its instances have structs.
            Some((b0, w)) if w == s && is_plain(b0) && !is_plain(b) => winner = Some((b, s)),
            Some((_, w)) if w.is_subtype(s) => {}
            Some((_, w)) if s.is_subtype(w) => winner = Some((b, s)),
            Some(_) => return Err(vm.type_error("multiple bases have instance lay-out conflict")),
        }
    }
    winner.map(|w| w.0).ok_or_else(|| vm.type_error("bases must be types"))
}

/// `module.qualname`, without the module for builtins: what CPython calls `tp_name` in messages for static types, the
/// bare name for heap types.
pub fn full_name(t: Ptr<TypeObj>) -> String {
    let name = t.short_name();
    if t.has(TypeFlags::HEAP) && !t.has(TypeFlags::DOTTED) {
        return name;
    }
    match t.dict().get_str(rt().names.module).and_then(|m| m.downcast::<StrObj>()) {
        Some(m) if !m.eq_str("builtins") => format!("{}.{name}", m.display()),
        _ => name,
    }
}

/// `module.qualname`, without the module for builtins and `__main__` (CPython's `%T`).
pub fn qualified_name(t: Ptr<TypeObj>) -> String {
    let name = t.qualname.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
    match t.dict().get_str(rt().names.module).and_then(|m| m.downcast::<StrObj>()) {
        Some(m) if !m.eq_str("builtins") && !m.eq_str("__main__") => format!("{}.{name}", m.display()),
        _ => name,
    }
}

/// What `type.__new__` has worked out before it makes the class.
pub struct ClassSpec {
    /// The metaclass.
    pub meta: Ptr<TypeObj>,
    /// `__name__`.
    pub name: Ptr<StrObj>,
    /// Bases, at least one.
    pub bases: Ptr<TupleObj>,
    /// The namespace; copied.
    pub namespace: Ptr<DictObj>,
}

/// Makes a class: the core of `type.__new__`, up to and without `__set_name__` and `__init_subclass__`.
pub fn make_class(vm: &Vm, spec: &ClassSpec) -> Res<Ptr<TypeObj>> {
    let names = &rt().names;
    let bases = spec.bases;
    let base = best_base(vm, bases.as_slice())?;
    // SAFETY: a class's kind is a static.
    let kind: &'static KindInfo = unsafe { &*base.kind.get() };
    let t = alloc_type(spec.meta.instance_map(), spec.name.value(), kind, TypeFlags::HEAP | TypeFlags::BASE);
    t.base.set(t, base.value());
    t.bases.set(t, bases.value());
    let dict = t.dict();
    dict.table.copy_from(dict.header(), &spec.namespace.table);
    for &b in bases.as_slice() {
        if let Some(b) = b.downcast::<TypeObj>() {
            t.flags.set(t.flags.get() | b.flags.get() & INHERITED);
        }
    }
    qualname_and_module(vm, t, spec)?;
    if let Some(doc) = dict.get_str(names.doc).and_then(|d| d.downcast::<StrObj>())
        && doc.as_ascii().is_none()
        && doc.to_utf8().is_none()
    {
        // In CPython, the text is kept for C, too.
        vm.utf8(doc)?;
    }
    let slots = slots(vm, t, base, spec)?;
    wrap_special_functions(t);
    // A slot may be called so.
    let cell = dict.remove_str(names.classcell);
    if let Some(cell) = cell {
        let Some(c) = cell.downcast::<CellObj>() else {
            return Err(vm.type_error(format!(
                "type.__new__() argument 3 must be dict with '__classcell__' item holding a cell, not {}",
                type_of(cell).name_str()
            )));
        };
        c.content.set(c, t.value());
    }
    t.mro.set(t, rt().empty_tuple().value());
    update_mro(vm, t)?;
    for &c in t.mro().as_slice() {
        if let Some(c) = c.downcast::<TypeObj>() {
            inherit_collection(t, c);
        }
    }
    make_instance_map(t, base, kind, &slots);
    add_slot_members(t, base, &slots);
    add_dict_and_weakref_getsets(t, base);
    // After the slots, one of which may be called so.
    if dict.get_str(names.doc).is_none() {
        dict.set_str(names.doc, Value::NONE);
    }
    if let Some(c) = dict.remove_str(names.classdictcell).and_then(|c| c.downcast::<CellObj>()) {
        c.content.set(c, dict.value());
    }
    if dict.get_str(Special::Hash.name_value()).is_none() && dict.get_str(Special::Eq.name_value()).is_some()
    {
        dict.set_str(Special::Hash.name_value(), Value::NONE);
    }
    fill_specials(t);
    for &b in bases.as_slice() {
        if let Some(b) = b.downcast::<TypeObj>() {
            add_subclass(b, t);
        }
    }
    if t.has(TypeFlags::FOREIGN) {
        if base.has(TypeFlags::NO_INSTANTIATION) && dict.get_str(Special::New.name_value()).is_none() {
            t.set_flag(TypeFlags::NO_INSTANTIATION);
        }
        crate::foreign::foreign().class_made(vm, t)?;
    }
    if dict.table.iter().any(|e| !e.key.is::<StrObj>()) {
        let text = format!("non-string key in the __dict__ of class {}", t.name_str());
        vm.warn(rt().types.runtime_warning, &text)?;
    }
    Ok(t)
}

fn qualname_and_module(vm: &Vm, t: Ptr<TypeObj>, spec: &ClassSpec) -> Res<()> {
    let names = &rt().names;
    let dict = t.dict();
    if let Some(q) = dict.remove_str(names.qualname) {
        if !q.is::<StrObj>() {
            return Err(
                vm.type_error(format!("type __qualname__ must be a str, not {}", type_of(q).name_str()))
            );
        }
        t.qualname.set(t, q);
    } else {
        t.qualname.set(t, spec.name.value());
    }
    if dict.get_str(names.module).is_none()
        && let Some(m) = vm.caller_globals().and_then(|g| g.get_str(names.name))
    {
        dict.set_str(names.module, m);
    }
    Ok(())
}

/// `__new__` becomes a static method, `__init_subclass__` and `__class_getitem__` class methods.
fn wrap_special_functions(t: Ptr<TypeObj>) {
    let d = t.dict();
    if let Some(f) = d.get_str(Special::New.name_value())
        && f.is::<FunctionObj>()
    {
        d.set_str(Special::New.name_value(), static_method(f));
    }
    for s in [Special::InitSubclass, Special::ClassGetitem] {
        if let Some(f) = d.get_str(s.name_value())
            && f.is::<FunctionObj>()
        {
            d.set_str(s.name_value(), class_method(f));
        }
    }
}

/// Works out the MRO of a class from its present bases, by its metaclass's `mro()` if that has one of its own. False when the
/// MRO was set otherwise while that ran.
fn update_mro(vm: &Vm, t: Ptr<TypeObj>) -> Res<bool> {
    let old = t.mro.get();
    let custom =
        lookup_mro_where(type_of(t.value()), rt().names.mro).filter(|(_, owner)| *owner != rt().types.type_);
    let new = match custom {
        Some((f, _)) => {
            let f = vm.descr_get(f, t.value(), type_of(t.value()))?;
            let r = vm.call(f, &[])?;
            let items = vm.list_of(r)?;
            check_mro(vm, t, items.as_slice())?;
            TupleObj::new(items.as_slice())
        }
        None => {
            let bases: Ptr<TupleObj> = t.bases.downcast().expect("bases");
            c3_mro(vm, t, bases.as_slice())?
        }
    };
    if t.mro.get() != old {
        return Ok(false);
    }
    t.mro.set(t, new.value());
    Ok(true)
}

/// Whether what a custom `mro()` gave can be one.
fn check_mro(vm: &Vm, t: Ptr<TypeObj>, mro: &[Value]) -> Res<()> {
    if mro.is_empty() {
        return Err(vm.type_error("type MRO must not be empty"));
    }
    let solid = t.base().map(solid_base);
    for &c in mro {
        let Some(c) = c.downcast::<TypeObj>() else {
            return Err(vm.type_error(format!("mro() returned a non-class ('{}')", type_of(c).name_str())));
        };
        if c != t && !solid.is_some_and(|s| s.is_subtype(solid_base(c))) {
            return Err(
                vm.type_error(format!("mro() returned base with unsuitable layout ('{}')", c.name_str()))
            );
        }
    }
    Ok(())
}

/// What `__slots__` asks for.
struct Slots {
    /// Mangled names, in order.
    names: ValueVec,
    dict: bool,
    weakref: bool,
}

fn slots(vm: &Vm, t: Ptr<TypeObj>, base: Ptr<TypeObj>, spec: &ClassSpec) -> Res<Slots> {
    let names = &rt().names;
    let base_dict = t.has(TypeFlags::HAS_DICT);
    let base_weak = t.has(TypeFlags::HAS_WEAKREF);
    // Structs whose items follow the head have no place for the list of references.
    let ty = &rt().types;
    let can_weak = ![ty.int, ty.tuple, ty.bytes].iter().any(|&v| base.is_subtype(v));
    let Some(s) = t.dict().get_str(names.slots) else {
        return Ok(Slots { names: ValueVec::new(), dict: true, weakref: base_weak || can_weak });
    };
    let list = if s.is::<StrObj>() { ListObj::new(&[s]).snapshot() } else { vm.list_of(s)? };
    let mut out = Slots { names: ValueVec::new(), dict: base_dict, weakref: base_weak };
    // SAFETY: a class's kind is a static.
    let variable = unsafe { (*base.kind.get()).size.is_some() } && !base.is_subtype(ty.str);
    if !list.is_empty() && (variable || base.is_subtype(ty.type_)) {
        return Err(
            vm.type_error(format!("nonempty __slots__ not supported for subtype of '{}'", base.name_str()))
        );
    }
    for &n in list.as_slice() {
        let Some(text) = n.downcast::<StrObj>() else {
            return Err(
                vm.type_error(format!("__slots__ items must be strings, not '{}'", type_of(n).name_str()))
            );
        };
        let plain = text.display();
        if !vm.is_identifier(text) {
            return Err(vm.type_error("__slots__ must be identifiers"));
        }
        match plain.as_str() {
            "__dict__" if base_dict || out.dict => {
                return Err(vm.type_error("__dict__ slot disallowed: we already got one"));
            }
            "__dict__" => out.dict = true,
            "__weakref__" if out.weakref || !can_weak => {
                return Err(vm.type_error("__weakref__ slot disallowed: we already got one"));
            }
            "__weakref__" => out.weakref = true,
            _ => {
                let mangled = intern(&mangle(&spec.name.display(), &plain));
                if t.dict().get_str(mangled).is_some()
                    && !matches!(plain.as_str(), "__qualname__" | "__classcell__" | "__classdictcell__")
                {
                    return Err(vm.value_error(format!(
                        "{} in __slots__ conflicts with class variable",
                        vm.repr_str(mangled)?
                    )));
                }
                out.names.push(mangled);
            }
        }
    }
    // The order of the layout is the names', so that classes with the same slots have the same one.
    out.names.as_mut_slice().sort_by_key(|n| n.downcast::<StrObj>().map(|s| s.display()));
    out.names.touched();
    Ok(out)
}

/// Private-name mangling: `__x` in class `C` is `_C__x`.
pub fn mangle(class: &str, name: &str) -> String {
    let stripped = class.trim_start_matches('_');
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') || stripped.is_empty() {
        return name.to_string();
    }
    format!("_{stripped}{name}")
}

fn make_instance_map(t: Ptr<TypeObj>, base: Ptr<TypeObj>, kind: &'static KindInfo, slots: &Slots) {
    if slots.dict {
        t.set_flag(TypeFlags::HAS_DICT);
    }
    if slots.weakref {
        t.set_flag(TypeFlags::HAS_WEAKREF);
    }
    let nslots = base.nslots.get() + slots.names.len() as u16;
    t.nslots.set(nslots);
    let own_dict = std::ptr::eq(kind, ModuleObj::kind()) || std::ptr::eq(kind, TypeObj::kind());
    if !slots.dict || own_dict {
        let m = MapRef::new(kind, t.value(), nslots);
        shape::enter(m, t);
        t.instance_map.set(m.id());
        return;
    }
    // The tail: `__slots__` words in inheritance order, the attribute word, in-object attributes. A base with a dict
    // and a derived class with slots would move the attribute word; it is found through the map, so that is fine.
    let plain = std::ptr::eq(kind, InstanceObj::kind());
    let inline = if plain { inline_hint(t) } else { 0 };
    t.inline_hint.set(inline);
    let m = MapRef::with_attrs(kind, t.value(), nslots + 1 + inline, nslots, nslots + 1, inline);
    shape::enter(m, t);
    if plain {
        shape::give_empty_shape(m);
    } else {
        m.flags.set(m.flags.get() | MapFlags::DICT_MODE);
    }
    t.instance_map.set(m.id());
}

/// How many attributes instances will probably have: what the compiler saw assigned to `self`, along the MRO.
fn inline_hint(t: Ptr<TypeObj>) -> u16 {
    let mut n = 0;
    for &c in t.mro().as_slice() {
        if let Some(c) = c.downcast::<TypeObj>()
            && let Some(a) = c.dict().get_str(rt().names.static_attributes)
            && let Some(a) = a.downcast::<TupleObj>()
        {
            n += a.len();
        }
    }
    // An even tail keeps objects at multiples of 16 bytes without waste: header + attribute word + slots.
    (n.clamp(2, 30) as u16 + 1) & !1
}

fn add_slot_members(t: Ptr<TypeObj>, base: Ptr<TypeObj>, slots: &Slots) {
    for (i, &name) in slots.names.iter().enumerate() {
        let map = rt().maps.member_descriptor;
        let m = heap().alloc(
            map,
            MemberObj {
                header: Header::new(map),
                name: Field::new(name),
                class: Field::new(t.value()),
                index: Cell::new(base.nslots.get() as u32 + i as u32),
            },
        );
        t.dict().set_str(name, m.value());
    }
}

/// Classes whose instances gain a `__dict__` or weak references get the attributes of these names.
fn add_dict_and_weakref_getsets(t: Ptr<TypeObj>, base: Ptr<TypeObj>) {
    let names = &rt().names;
    let new = |flag: u32| t.has(flag) && !base.has(flag);
    if new(TypeFlags::HAS_DICT) && t.dict().get_str(names.dict).is_none() {
        t.dict().set_str(names.dict, crate::attr::dict_getset(t));
    }
    if new(TypeFlags::HAS_WEAKREF) && t.dict().get_str(names.weakref).is_none() {
        t.dict().set_str(names.weakref, crate::attr::weakref_getset(t));
    }
}

/// Recomputes the MRO and everything that follows from it after `__bases__` was assigned.
pub fn set_bases(vm: &Vm, t: Ptr<TypeObj>, bases: Ptr<TupleObj>) -> Res<()> {
    let base = best_base(vm, bases.as_slice())?;
    let old_base = t.base().unwrap_or(base);
    if solid_base(base) != solid_base(old_base) {
        return Err(vm.type_error(format!(
            "__bases__ assignment: '{}' object layout differs from '{}'",
            base.name_str(),
            old_base.name_str()
        )));
    }
    let old: Ptr<TupleObj> = t.bases.downcast().expect("bases");
    t.bases.set(t, bases.value());
    t.base.set(t, base.value());
    // Classes whose MRO was changed: the class, its new MRO, its old one.
    let mut changed = ValueVec::new();
    if let Err(e) = update_mros(vm, t, &mut changed) {
        for c in changed.chunks(3).rev() {
            if let Some(class) = c[0].downcast::<TypeObj>()
                && class.mro.get() == c[1]
            {
                class.mro.set(class, c[2]);
            }
        }
        if t.bases.get() == bases.value() && t.base() == Some(base) {
            t.bases.set(t, old.value());
            t.base.set(t, old_base.value());
        }
        return Err(e);
    }
    // A custom `mro()` may have set other bases meanwhile.
    if t.bases.get() == bases.value() {
        for &b in old.as_slice() {
            if let Some(b) = b.downcast() {
                remove_subclass(b, t);
            }
        }
        for &b in bases.as_slice() {
            if let Some(b) = b.downcast() {
                add_subclass(b, t);
            }
        }
        refresh_below(t);
    }
    // (Classes that keep their MROs show new bases, too.)
    crate::foreign::changed(t.header());
    for c in changed.chunks(3) {
        crate::foreign::changed(c[0].header());
    }
    Ok(())
}

/// Updates the MROs of a class and of the classes derived from it.
fn update_mros(vm: &Vm, t: Ptr<TypeObj>, changed: &mut ValueVec) -> Res<()> {
    vm.check_native_stack("")?;
    let old = t.mro.get();
    if !update_mro(vm, t)? {
        return Ok(());
    }
    for v in [t.value(), t.mro.get(), old] {
        changed.push(v);
    }
    for &s in subclasses(t).as_slice() {
        if let Some(s) = s.downcast::<TypeObj>()
            && !s.mro().is_empty()
        {
            update_mros(vm, s, changed)?;
        }
    }
    Ok(())
}

fn refresh_below(t: Ptr<TypeObj>) {
    modified(t);
    fill_specials(t);
    for &s in subclasses(t).as_slice() {
        if let Some(s) = s.downcast() {
            refresh_below(s);
        }
    }
}

/// A class implemented in C, as `PyType_Ready` has found it.
pub struct ForeignSpec<'a> {
    /// The metaclass.
    pub meta: Ptr<TypeObj>,
    /// `__name__`.
    pub name: &'a str,
    /// `__module__`, when the C name has one.
    pub module: Option<&'a str>,
    /// The bases.
    pub bases: Ptr<TupleObj>,
    /// The base that gives the layout.
    pub base: Ptr<TypeObj>,
    /// Layout of the managed side of instances.
    pub kind: &'static KindInfo,
    /// [`TypeFlags`].
    pub flags: u32,
}

/// Makes the class of a C type: without attributes, which the bridge adds before it calls [`foreign_ready`].
pub fn make_foreign(vm: &Vm, spec: &ForeignSpec<'_>) -> Res<Ptr<TypeObj>> {
    let t = alloc_type(spec.meta.instance_map(), intern(spec.name), spec.kind, spec.flags);
    t.base.set(t, spec.base.value());
    t.bases.set(t, spec.bases.value());
    for &b in spec.bases.as_slice() {
        if let Some(b) = b.downcast::<TypeObj>() {
            t.flags.set(t.flags.get() | b.flags.get() & INHERITED);
        }
    }
    let mro = c3_mro(vm, t, spec.bases.as_slice())?;
    t.mro.set(t, mro.value());
    let slots = Slots {
        names: ValueVec::new(),
        dict: t.has(TypeFlags::HAS_DICT),
        weakref: t.has(TypeFlags::HAS_WEAKREF),
    };
    make_instance_map(t, spec.base, spec.kind, &slots);
    if std::ptr::eq(spec.kind, crate::foreign::ForeignObj::kind()) {
        let m = t.instance_map();
        m.flags.set(m.flags.get() | MapFlags::PROXY);
    }
    if let Some(m) = spec.module {
        t.dict().set_str(rt().names.module, intern(m));
    }
    Ok(t)
}

/// The attributes of a C class are complete: special methods, inherited getsets, subclasses of its bases.
pub fn foreign_ready(t: Ptr<TypeObj>) {
    let hash = Special::Hash.name_value();
    if t.dict().get_str(hash).is_none() && t.dict().get_str(Special::Eq.name_value()).is_some() {
        t.dict().set_str(hash, Value::NONE);
    }
    if let Some(b) = t.base() {
        add_dict_and_weakref_getsets(t, b);
    }
    fill_specials(t);
    let bases: Ptr<TupleObj> = t.bases.downcast().expect("bases");
    for &b in bases.as_slice() {
        if let Some(b) = b.downcast::<TypeObj>()
            && !subclasses(b).as_slice().contains(&t.value())
        {
            add_subclass(b, t);
        }
    }
}
