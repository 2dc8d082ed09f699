//! Shapes: which attribute of an instance is in which slot.

use std::cell::OnceCell;
use std::collections::HashMap;

use cape_heap::{Field, Header, MapFlags, MapRef, Native, Ptr, Value, heap, heap_object};

use crate::object::{ArrayObj, DictObj, TypeFlags, TypeObj};
use crate::runtime::rt;

heap_object! {
    /// The attribute names of the objects of one map, in slot order. Old from birth.
    pub struct ShapeObj {
        /// Array of interned names; the slot of a name is its index.
        pub names: Field,
        count: u32,
        index: Native<OnceCell<HashMap<u64, u32>>>,
        /// Transitions: array of alternating names and map ids.
        next: Field,
    } [drop]
}

/// Instances with more attributes than this go to dict mode.
const MAX_ATTRS: u32 = 128;
const LINEAR: u32 = 8;

impl ShapeObj {
    fn new(names: Ptr<ArrayObj>) -> Ptr<ShapeObj> {
        let map = rt().maps.shape;
        heap().alloc_old(
            map,
            ShapeObj {
                header: Header::new(map),
                count: names.len() as u32,
                names: Field::new(names.value()),
                index: Native(OnceCell::new()),
                next: Field::new(Value::EMPTY),
            },
        )
    }

    /// Number of attributes.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The names, in the order of their slots.
    pub fn names(&self) -> Ptr<ArrayObj> {
        self.names.downcast().expect("names of a shape")
    }

    /// The slot of an interned name.
    #[inline]
    pub fn slot_of(&self, name: Value) -> Option<u32> {
        if self.count <= LINEAR {
            return self.names().as_slice().iter().position(|&n| n == name).map(|i| i as u32);
        }
        let index = self.index.get_or_init(|| {
            self.names().as_slice().iter().enumerate().map(|(i, n)| (n.bits(), i as u32)).collect()
        });
        // Interned strings are old and do not move, so their addresses are good keys.
        index.get(&name.bits()).copied()
    }
}

/// The shape of instances with this map; `None` when they have no shaped attributes.
#[inline(always)]
pub fn shape_of(map: MapRef) -> Option<Ptr<ShapeObj>> {
    map.shape.get().downcast()
}

/// Gives a class's new root map its empty shape.
pub(crate) fn give_empty_shape(map: MapRef) {
    map.shape.set_no_barrier(ShapeObj::new(rt().empty_array()).value());
    cape_heap::write_barrier(map.class.get().header());
}

/// The map that objects of `map` get when attribute `name` is added; `None` when they must go to dict mode.
pub fn transition(map: MapRef, shape: Ptr<ShapeObj>, name: Value) -> Option<MapRef> {
    let old_next: Option<Ptr<ArrayObj>> = shape.next.downcast();
    if let Some(next) = old_next {
        for pair in next.as_slice().chunks_exact(2) {
            if pair[0] == name {
                // SAFETY: maps live as long as their class, and this shape belongs to a map of the same class.
                return Some(unsafe { MapRef::from_id(pair[1].as_int() as u32) });
            }
        }
    }
    if shape.count >= MAX_ATTRS {
        return None;
    }
    let names = ArrayObj::new(shape.count as usize + 1);
    names.copy_from(0, shape.names().as_slice());
    names.set(shape.count as usize, name);
    let child = ShapeObj::new(names);
    let class: Ptr<TypeObj> = map.class.downcast()?;
    let new = clone_map(map, class);
    new.shape.set_no_barrier(child.value());
    cape_heap::write_barrier(class.header());
    let n = old_next.map_or(0, |a| a.len());
    let next = ArrayObj::new(n + 2);
    if let Some(a) = old_next {
        next.copy_from(0, a.as_slice());
    }
    next.set(n, name);
    next.set(n + 1, Value::int(new.id() as i64));
    shape.next.set(shape, next.value());
    Some(new)
}

/// A map like `map` (same layout) for `class`, entered in the class's list, without shape and version.
pub fn clone_map(map: MapRef, class: Ptr<TypeObj>) -> MapRef {
    let new = MapRef::with_attrs(
        map.kind(),
        class.value(),
        map.tail_words,
        map.dict_index,
        map.inline_start,
        map.inline_count,
    );
    new.flags.set(map.flags.get());
    enter(new, class);
    new
}

/// Enters a new map in its class's list.
pub fn enter(map: MapRef, class: Ptr<TypeObj>) {
    map.next.set(class.first_map.get());
    class.first_map.set(map.id());
    map.version.set(class.version.get());
    if class.has(TypeFlags::HEAP) {
        map.flags.set(map.flags.get() | MapFlags::OWNS_CLASS);
    }
}

/// The maps of a class.
pub fn maps_of(class: Ptr<TypeObj>) -> impl Iterator<Item = MapRef> {
    let mut id = class.first_map.get();
    std::iter::from_fn(move || {
        if id == 0 {
            return None;
        }
        // SAFETY: the list holds maps of this class, which live as long as it.
        let m = unsafe { MapRef::from_id(id) };
        id = m.next.get();
        Some(m)
    })
}

/// The dict-mode map for objects of `map` (or of another map of the same size).
fn dict_mode_map(map: MapRef) -> MapRef {
    let class: Ptr<TypeObj> = map.class.downcast().expect("class of a map");
    let found = maps_of(class).find(|m| {
        m.flags.get() & MapFlags::DICT_MODE != 0
            && m.tail_words == map.tail_words
            && m.dict_index == map.dict_index
    });
    found.unwrap_or_else(|| {
        let m = clone_map(map, class);
        m.flags.set(m.flags.get() | MapFlags::DICT_MODE);
        m
    })
}

/// Whether instances with this map keep attributes (shaped or in a dict).
#[inline(always)]
pub fn has_attrs(map: MapRef) -> bool {
    map.dict_index != u16::MAX
}

fn attr_word(h: &Header, map: MapRef) -> *mut Value {
    // SAFETY: dict_index is inside the tail.
    unsafe { h.tail().add(map.dict_index as usize) }
}

/// Reads attribute slot `slot` of an object.
#[inline(always)]
pub fn read_slot(h: &Header, map: MapRef, slot: u32) -> Value {
    let inline = map.inline_count as u32;
    // SAFETY: a shape's slots below inline_count are in the tail, the others in the overflow array.
    unsafe {
        if slot < inline {
            return *h.tail().add(map.inline_start as usize + slot as usize);
        }
        let over = *attr_word(h, map);
        over.cast::<ArrayObj>().get((slot - inline) as usize)
    }
}

/// Writes attribute slot `slot`, which the object's shape has.
#[inline(always)]
pub fn write_slot(h: &Header, map: MapRef, slot: u32, v: Value) {
    let inline = map.inline_count as u32;
    // SAFETY: as in read_slot.
    unsafe {
        if slot < inline {
            *h.tail().add(map.inline_start as usize + slot as usize) = v;
            cape_heap::write_barrier(h);
            return;
        }
        let over = *attr_word(h, map);
        over.cast::<ArrayObj>().set((slot - inline) as usize, v);
    }
}

/// The instance attribute `name` (interned).
#[inline]
pub fn get(h: &Header, name: Value) -> Option<Value> {
    let map = h.map();
    if !has_attrs(map) {
        return None;
    }
    match shape_of(map) {
        Some(shape) => shape.slot_of(name).map(|s| read_slot(h, map, s)),
        // SAFETY: in dict mode the attribute word holds a dict, or nothing yet.
        None => unsafe { *attr_word(h, map) }.downcast::<DictObj>().and_then(|d| d.get_str(name)),
    }
}

/// Whether the instance has an attribute `name` (interned).
#[inline]
pub fn is_own(h: &Header, name: Value) -> bool {
    let map = h.map();
    has_attrs(map) && shape_of(map).is_none_or(|s| s.count != 0) && get(h, name).is_some()
}

/// Sets the instance attribute `name` (interned). The object's map must have attributes.
pub fn set(h: &Header, name: Value, v: Value) {
    let map = h.map();
    let Some(shape) = shape_of(map) else {
        dict_word(h, map).set_str(name, v);
        return;
    };
    if let Some(slot) = shape.slot_of(name) {
        return write_slot(h, map, slot, v);
    }
    let Some(new) = transition(map, shape, name) else {
        to_dict(h).set_str(name, v);
        return;
    };
    add_slot(h, map, new, shape.count, v);
}

/// Moves an object to map `new`, which adds slot `slot` with value `v` to its present map.
pub fn add_slot(h: &Header, map: MapRef, new: MapRef, slot: u32, v: Value) {
    let inline = map.inline_count as u32;
    if slot >= inline {
        let at = (slot - inline) as usize;
        // SAFETY: the attribute word holds the overflow array, or nothing yet.
        let old: Option<Ptr<ArrayObj>> = unsafe { *attr_word(h, map) }.downcast();
        if old.is_none_or(|a| a.len() <= at) {
            let bigger = ArrayObj::new((at + 4) & !3);
            if let Some(a) = old {
                bigger.copy_from(0, a.as_slice());
            }
            // SAFETY: inside the tail.
            unsafe { *attr_word(h, map) = bigger.value() };
            cape_heap::write_barrier(h);
        }
    }
    h.set_map(new);
    write_slot(h, new, slot, v);
}

/// Deletes the instance attribute; false when it is not there.
pub fn delete(h: &Header, name: Value) -> bool {
    if !has_attrs(h.map()) || get(h, name).is_none() {
        return false;
    }
    to_dict(h).remove_str(name).is_some()
}

fn dict_word(h: &Header, map: MapRef) -> Ptr<DictObj> {
    // SAFETY: inside the tail.
    let v = unsafe { *attr_word(h, map) };
    match v.downcast::<DictObj>() {
        Some(d) => d,
        None => {
            let d = DictObj::new();
            // SAFETY: inside the tail.
            unsafe { *attr_word(h, map) = d.value() };
            cape_heap::write_barrier(h);
            d
        }
    }
}

/// The object's `__dict__`: puts the object into dict mode.
pub fn to_dict(h: &Header) -> Ptr<DictObj> {
    let map = h.map();
    debug_assert!(has_attrs(map));
    let Some(shape) = shape_of(map) else {
        return dict_word(h, map);
    };
    let d = DictObj::new();
    for (i, &n) in shape.names().as_slice().iter().enumerate() {
        d.set_str(n, read_slot(h, map, i as u32));
    }
    set_dict(h, d);
    d
}

/// Makes `d` the object's `__dict__`.
pub fn set_dict(h: &Header, d: Ptr<DictObj>) {
    let map = h.map();
    if shape_of(map).is_some() {
        h.set_map(dict_mode_map(map));
    }
    // SAFETY: inside the tail; the in-object slots are cleared because nothing reads them any more.
    unsafe {
        *attr_word(h, map) = d.value();
        for i in 0..map.inline_count {
            *h.tail().add((map.inline_start + i) as usize) = Value::EMPTY;
        }
    }
    cape_heap::write_barrier(h);
}

/// What the class adds to its instances: `__slots__` names in order, and whether it brings a dict and weak references.
fn own_slots(class: Ptr<TypeObj>) -> (Vec<u64>, u32) {
    let mut names = Vec::new();
    for e in class.dict().table.iter() {
        if let Some(m) = e.value.downcast::<crate::object::MemberObj>()
            && m.class.get() == class.value()
        {
            names.push((m.index.get(), m.name.get().bits()));
        }
    }
    names.sort_unstable();
    let inherited = class.base().map_or(0, |b| b.flags.get());
    let flags = class.flags.get() & !inherited & (TypeFlags::HAS_DICT | TypeFlags::HAS_WEAKREF);
    (names.into_iter().map(|n| n.1).collect(), flags)
}

/// The nearest class along the bases that adds something to the layout of its own base.
fn adding_class(class: Ptr<TypeObj>) -> Ptr<TypeObj> {
    let mut c = class;
    while let Some(b) = c.base()
        && c.kind.get() == b.kind.get()
        && own_slots(c) == (Vec::new(), 0)
    {
        c = b;
    }
    c
}

/// Whether instances of one class can become instances of the other.
pub fn same_layout(a: Ptr<TypeObj>, b: Ptr<TypeObj>) -> bool {
    use crate::object::TypeFlags;
    let flags = TypeFlags::HAS_DICT | TypeFlags::HAS_WEAKREF;
    if a.kind.get() != b.kind.get()
        || a.nslots.get() != b.nslots.get()
        || (a.flags.get() ^ b.flags.get()) & flags != 0
    {
        return false;
    }
    let (x, y) = (adding_class(a), adding_class(b));
    x == y || x.base() == y.base() && own_slots(x) == own_slots(y)
}

/// Makes an object an instance of another class of the same layout.
pub fn set_class(h: &Header, class: Ptr<TypeObj>) {
    let old_flags = h.map().flags.get();
    h.set_map(map_in_class(h, class));
    if h.map().flags.get() & !old_flags & MapFlags::FINALIZER != 0 {
        heap().add_finalizer(h);
    }
}

fn map_in_class(h: &Header, class: Ptr<TypeObj>) -> MapRef {
    let (map, root) = (h.map(), class.instance_map());
    if !has_attrs(map) {
        return root;
    }
    let same = root.tail_words == map.tail_words && root.dict_index == map.dict_index;
    if let (true, Some(from), Some(_)) = (same, shape_of(map), shape_of(root)) {
        let mut to = Some(root);
        for &name in from.names().as_slice() {
            to = to.and_then(|m| transition(m, shape_of(m)?, name));
        }
        if let Some(m) = to {
            return m;
        }
    }
    to_dict(h);
    let map = h.map();
    let found = maps_of(class)
        .find(|m| shape_of(*m).is_none() && m.tail_words == map.tail_words && m.dict_index == map.dict_index);
    found.unwrap_or_else(|| {
        let m = MapRef::with_attrs(
            map.kind(),
            class.value(),
            map.tail_words,
            map.dict_index,
            map.inline_start,
            map.inline_count,
        );
        m.flags.set(root.flags.get() | MapFlags::DICT_MODE);
        enter(m, class);
        m
    })
}
