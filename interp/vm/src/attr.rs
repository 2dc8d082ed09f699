//! Attribute access.

use std::cell::Cell;

use cape_heap::{Field, Header, MapRef, Ptr, Value, heap};

use crate::class::{full_name, lookup_mro, lookup_of_instance};
use crate::exc::Res;
use crate::native::GetSetDef;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::shape;
use crate::special::Special;
use crate::vm::Vm;

/// Whether a class attribute takes precedence over the instance's.
#[inline]
pub fn is_data_descriptor(d: Value) -> bool {
    if !d.is_ptr() || d.is::<FunctionObj>() {
        return false;
    }
    if d.is::<GetSetObj>() || d.is::<MemberObj>() || d.is::<PropertyObj>() {
        return true;
    }
    let t = type_of(d);
    !t.special(Special::Set).is_empty() || !t.special(Special::Delete).is_empty()
}

/// Whether the descriptor can be read through; one that can only be set leaves reading to the instance's own attributes.
pub fn has_get(d: Value) -> bool {
    d.is::<GetSetObj>()
        || d.is::<MemberObj>()
        || d.is::<PropertyObj>()
        || !type_of(d).special(Special::Get).is_empty()
}

impl Vm {
    /// `obj.name`. `name` is a str.
    #[inline]
    pub fn get_attr(&self, obj: Value, name: Value) -> Res<Value> {
        match known(obj, name) {
            Some(v) => Ok(v),
            None => self.get_unknown_attr(obj, name),
        }
    }

    /// As [`Vm::get_attr`], of what is not [`known`].
    pub fn get_unknown_attr(&self, obj: Value, name: Value) -> Res<Value> {
        match self.search_attr(obj, name) {
            Ok(Some(v)) => Ok(v),
            Ok(None) => Err(self.no_attribute(obj, name)),
            Err(r) => Err(self.attribute_context(r, obj, name)),
        }
    }

    /// An AttributeError that does not say what it is about is told, for suggestions.
    #[cold]
    pub fn attribute_context(&self, r: crate::exc::Raised, obj: Value, name: Value) -> crate::exc::Raised {
        let e = r.exc();
        if r.is(rt().types.attribute_error)
            && (0..2).all(|i| matches!(crate::exc::extra(e, i), Value::EMPTY | Value::NONE))
        {
            crate::exc::set_extra(e, 0, name);
            crate::exc::set_extra(e, 1, obj);
        }
        r
    }

    /// `obj.name`, or nothing when it raises AttributeError.
    pub fn get_attr_opt(&self, obj: Value, name: Value) -> Res<Option<Value>> {
        match self.lookup_attr(obj, name) {
            Err(r) if r.is(rt().types.attribute_error) => Ok(None),
            r => r,
        }
    }

    /// `obj.name` by text.
    pub fn get_attr_str(&self, obj: Value, name: &str) -> Res<Value> {
        self.get_attr(obj, rt().intern(name))
    }

    /// The attribute; `None` when it is missing and nothing raised.
    #[inline]
    pub fn lookup_attr(&self, obj: Value, name: Value) -> Res<Option<Value>> {
        match known(obj, name) {
            Some(v) => Ok(Some(v)),
            None => self.search_attr(obj, name),
        }
    }

    #[inline]
    fn search_attr(&self, obj: Value, name: Value) -> Res<Option<Value>> {
        let name = interned(name);
        let t = type_of(obj);
        if t.has(TypeFlags::CUSTOM_GETATTR) {
            return self.custom_getattr(t, obj, name);
        }
        self.plain_getattr(t, obj, name)
    }

    /// Attribute access without the class's own `__getattribute__` and `__getattr__`.
    pub fn plain_getattr(&self, t: Ptr<TypeObj>, obj: Value, name: Value) -> Res<Option<Value>> {
        if let Some(c) = obj.downcast::<TypeObj>() {
            return self.type_getattr(c, name);
        }
        if let Some(m) = obj.downcast::<ModuleObj>() {
            return self.module_getattr(m, name);
        }
        self.generic_getattr(t, obj, name)
    }

    /// `object.__getattribute__`; `None` when missing.
    pub fn generic_getattr(&self, t: Ptr<TypeObj>, obj: Value, name: Value) -> Res<Option<Value>> {
        let descr = lookup_of_instance(t, name);
        if let Some(g) = descr.and_then(|d| d.downcast::<GetSetObj>()) {
            self.check_descr_owner(g.class.get(), obj, g.def.name)?;
            return g.def.read(self, obj).map(Some);
        }
        if let Some(d) = descr
            && is_data_descriptor(d)
            && has_get(d)
        {
            return self.descr_get(d, obj, t).map(Some);
        }
        if obj.is_ptr() {
            let h = obj.header();
            if let Some(v) = shape::get(h, name) {
                if descr.is_none_or(is_inert) {
                    note(h, t, name);
                }
                return Ok(Some(v));
            }
            if let Some(n) = obj.downcast::<NamespaceObj>()
                && let Some(v) = n.dict.downcast::<DictObj>().and_then(|d| d.get_str(name))
            {
                return Ok(Some(v));
            }
        }
        match descr {
            Some(d) => self.descr_get(d, obj, t).map(Some),
            None => Ok(None),
        }
    }

    fn custom_getattr(&self, t: Ptr<TypeObj>, obj: Value, name: Value) -> Res<Option<Value>> {
        let ga = t.special(Special::Getattribute);
        let native = ga.downcast::<MethodDescrObj>().is_some_and(|d| {
            let c = d.class.get();
            c == rt().types.object.value() || c == rt().types.type_.value() || c == rt().types.module.value()
        });
        let r = if native || ga.is_empty() {
            self.plain_getattr(t, obj, name)
        } else {
            self.call_special(ga, &[obj, name]).map(Some)
        };
        let hook = t.special(Special::Getattr);
        if hook.is_empty() {
            return r;
        }
        match r {
            Ok(None) => {}
            Err(e) if e.is(rt().types.attribute_error) => {}
            r => return r,
        }
        self.call_special(hook, &[obj, name]).map(Some)
    }

    /// `type.__getattribute__(cls, name)`; `None` when missing.
    pub fn type_getattr(&self, c: Ptr<TypeObj>, name: Value) -> Res<Option<Value>> {
        let meta = type_of(c.value());
        let descr = lookup_of_instance(meta, name);
        if let Some(d) = descr
            && is_data_descriptor(d)
            && has_get(d)
        {
            return self.descr_get(d, c.value(), meta).map(Some);
        }
        if let Some(v) = lookup_mro(c, name) {
            return self.descr_get(v, Value::EMPTY, c).map(Some);
        }
        match descr {
            Some(d) => self.descr_get(d, c.value(), meta).map(Some),
            None => Ok(None),
        }
    }

    fn module_getattr(&self, m: Ptr<ModuleObj>, name: Value) -> Res<Option<Value>> {
        let t = type_of(m.value());
        let descr = lookup_of_instance(t, name);
        if let Some(d) = descr
            && is_data_descriptor(d)
        {
            return self.descr_get(d, m.value(), t).map(Some);
        }
        if let Some(v) = m.get(name) {
            return Ok(Some(v));
        }
        if let Some(d) = descr {
            return self.descr_get(d, m.value(), t).map(Some);
        }
        match m.get(rt().names.getattr) {
            Some(hook) => self.call(hook, &[name]).map(Some),
            None => Ok(None),
        }
    }

    /// Binds a class attribute `d` found on class `t`; `obj` is EMPTY when it is read from the class itself.
    pub fn descr_get(&self, d: Value, obj: Value, t: Ptr<TypeObj>) -> Res<Value> {
        if !d.is_ptr() {
            return Ok(d);
        }
        if d.is::<FunctionObj>() {
            return Ok(if obj.is_empty() { d } else { BoundMethodObj::new(d, obj).value() });
        }
        let h = d.header();
        let maps = &rt().maps;
        if let Some(m) = d.downcast::<MethodDescrObj>() {
            if h.map() == maps.classmethod_descriptor {
                return Ok(BuiltinObj::new(m.def, t.value(), Value::EMPTY).value());
            }
            if obj.is_empty() {
                return Ok(d);
            }
            let b = BuiltinObj::new(m.def, obj, Value::EMPTY);
            if h.map() == maps.wrapper_descriptor {
                b.header().set_map(maps.method_wrapper);
            }
            b.class.set(b, m.class.get());
            return Ok(b.value());
        }
        if h.map() == maps.staticmethod {
            return Ok(d.downcast::<StaticMethodObj>().map_or(d, |s| s.callable.get()));
        }
        if h.map() == maps.classmethod {
            let c = d.downcast::<ClassMethodObj>().map_or(d, |c| c.callable.get());
            if c.is::<FunctionObj>() {
                return Ok(BoundMethodObj::new(c, t.value()).value());
            }
            return Ok(BoundMethodObj::new(c, t.value()).value());
        }
        if obj.is_empty() && (d.is::<GetSetObj>() || d.is::<MemberObj>()) {
            return Ok(d);
        }
        if let Some(g) = d.downcast::<GetSetObj>() {
            self.check_descr_owner(g.class.get(), obj, g.def.name)?;
            return g.def.read(self, obj);
        }
        if let Some(m) = d.downcast::<MemberObj>() {
            self.check_member_owner(m, obj)?;
            // SAFETY: instances of the owning class have the slot in their tail.
            let v = unsafe { *obj.header().tail().add(m.index.get() as usize) };
            return if v.is_empty() { Err(self.empty_slot(obj, m.name.get())) } else { Ok(v) };
        }
        if h.map() == maps.property && !obj.is_empty() {
            let p: Ptr<PropertyObj> = d.downcast().expect("a property");
            return self.property_get(p, obj);
        }
        let get = type_of(d).special(Special::Get);
        if get.is_empty() {
            return Ok(d);
        }
        let o = if obj.is_empty() { Value::NONE } else { obj };
        if !(get.is::<FunctionObj>() || get.is::<MethodDescrObj>()) {
            // It is called as it stands, not bound to the descriptor.
            return self.call(get, &[d, o, t.value()]);
        }
        self.call_special(get, &[d, o, t.value()])
    }

    /// `property.__get__` on an instance.
    pub fn property_get(&self, p: Ptr<PropertyObj>, obj: Value) -> Res<Value> {
        let f = p.get.get();
        if f.is_none() {
            return Err(self.attribute_error(self.property_message(p, obj, "getter")?));
        }
        if let Some(f) = f.downcast::<FunctionObj>() {
            return self.call_few(f, obj, Value::EMPTY);
        }
        self.call(f, &[obj])
    }

    /// `property 'x' of 'C' object has no setter`.
    pub fn property_message(&self, p: Ptr<PropertyObj>, obj: Value, what: &str) -> Res<String> {
        let q = type_of(obj).qualname.get();
        let owner = q.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        let mut name = p.name.get();
        if name.is_empty() || name.is_none() {
            name = self.get_attr_opt(p.get.get(), rt().names.name)?.unwrap_or(Value::EMPTY);
        }
        Ok(if name.is_empty() {
            format!("property of '{owner}' object has no {what}")
        } else {
            format!("property {} of '{owner}' object has no {what}", self.repr_str(name)?)
        })
    }

    /// A member or getset descriptor applied to an object of another class.
    #[inline]
    pub fn check_descr_owner(&self, class: Value, obj: Value, name: &str) -> Res<()> {
        match class.downcast::<TypeObj>() {
            Some(c) if c != rt().types.object && !type_of(obj).is_subtype(c) => {
                Err(self.wrong_owner(c, obj, name))
            }
            _ => Ok(()),
        }
    }

    #[cold]
    fn wrong_owner(&self, c: Ptr<TypeObj>, obj: Value, name: &str) -> crate::exc::Raised {
        self.type_error(format!(
            "descriptor '{name}' for '{}' objects doesn't apply to a '{}' object",
            full_name(c),
            full_name(type_of(obj))
        ))
    }

    fn check_member_owner(&self, m: Ptr<MemberObj>, obj: Value) -> Res<()> {
        if m.class.downcast::<TypeObj>().is_some_and(|c| type_of(obj) == c) {
            return Ok(());
        }
        let name = m.name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        self.check_descr_owner(m.class.get(), obj, &name)
    }

    /// The AttributeError for a slot that is not set.
    #[cold]
    fn empty_slot(&self, obj: Value, name: Value) -> crate::exc::Raised {
        let n = name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        let class = crate::class::qualified_name(type_of(obj));
        self.attribute_error_for(format!("'{class}' object has no attribute '{n}'"), obj, name)
    }

    /// The AttributeError for a missing attribute.
    #[cold]
    pub fn no_attribute(&self, obj: Value, name: Value) -> crate::exc::Raised {
        let n = name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        let message = if let Some(c) = obj.downcast::<TypeObj>() {
            format!("type object '{}' has no attribute '{n}'", c.name_str())
        } else if let Some(m) = obj.downcast::<ModuleObj>() {
            match self.module_lacks(m, &n) {
                Ok(message) => message,
                Err(raised) => return raised,
            }
        } else {
            format!("'{}' object has no attribute '{n}'", full_name(type_of(obj)))
        };
        self.attribute_error_for(message, obj, name)
    }

    /// `obj.name = v`; EMPTY deletes.
    pub fn set_attr(&self, obj: Value, name: Value, v: Value) -> Res<()> {
        let t = type_of(obj);
        if let Some((map, slot)) = place_of(obj, name)
            && !v.is_empty()
            && !t.has(TypeFlags::CUSTOM_SETATTR)
        {
            shape::write_slot(obj.header(), map, slot, v);
            return Ok(());
        }
        if !name.is::<StrObj>() {
            let got = crate::class::full_name(type_of(name));
            return Err(self.type_error(format!("attribute name must be string, not '{got}'")));
        }
        let name = interned(name);
        if t.has(TypeFlags::CUSTOM_SETATTR) {
            let (s, args): (_, &[Value]) = if v.is_empty() {
                (Special::Delattr, &[obj, name])
            } else {
                (Special::Setattr, &[obj, name, v])
            };
            return self.call_special(t.special(s), args).map(|_| ());
        }
        if let Some(c) = obj.downcast::<TypeObj>() {
            return self.type_setattr(c, name, v);
        }
        self.generic_setattr(obj, name, v)
    }

    /// `del obj.name`.
    pub fn del_attr(&self, obj: Value, name: Value) -> Res<()> {
        self.set_attr(obj, name, Value::EMPTY)
    }

    /// `object.__setattr__` and `object.__delattr__` (v EMPTY).
    pub fn generic_setattr(&self, obj: Value, name: Value, v: Value) -> Res<()> {
        let name = interned(name);
        let t = type_of(obj);
        let descr = lookup_of_instance(t, name);
        if let Some(d) = descr
            && is_data_descriptor(d)
        {
            return self.descr_set(d, obj, name, v);
        }
        if obj.is_ptr() {
            let h = obj.header();
            let dict = if let Some(m) = obj.downcast::<ModuleObj>() {
                Some(m.dict())
            } else {
                obj.downcast::<NamespaceObj>().and_then(|n| n.dict.downcast::<DictObj>())
            };
            if let Some(d) = dict {
                if !v.is_empty() {
                    d.set_str(name, v);
                    return Ok(());
                }
                if d.remove_str(name).is_some() {
                    return Ok(());
                }
                return Err(self.no_attribute(obj, name));
            }
            if shape::has_attrs(h.map()) {
                if !v.is_empty() {
                    shape::set(h, name, v);
                    if descr.is_none_or(is_inert) {
                        note(h, t, name);
                    }
                    return Ok(());
                }
                if shape::delete(h, name) {
                    return Ok(());
                }
                return Err(self.no_attribute(obj, name));
            }
        }
        let n = name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        Err(match descr {
            Some(_) => self.attribute_error_for(
                format!("'{}' object attribute '{n}' is read-only", full_name(t)),
                obj,
                name,
            ),
            None => self.attribute_error_for(
                format!(
                    "'{}' object has no attribute '{n}' and no __dict__ for setting new attributes",
                    full_name(t)
                ),
                obj,
                name,
            ),
        })
    }

    /// `d.__set__(obj, v)`, or `__delete__` with EMPTY, for a data descriptor found under `name`.
    pub fn descr_set(&self, d: Value, obj: Value, name: Value, v: Value) -> Res<()> {
        if let Some(m) = d.downcast::<MemberObj>() {
            self.check_member_owner(m, obj)?;
            // SAFETY: instances of the owning class have the slot in their tail.
            let cell = unsafe { obj.header().tail().add(m.index.get() as usize) };
            // SAFETY: as above.
            unsafe {
                if v.is_empty() && (*cell).is_empty() {
                    return Err(self.no_attribute(obj, name));
                }
                *cell = v;
            }
            cape_heap::write_barrier(obj.header());
            // The struct of a class of C below one in Python may show what the slots hold.
            if obj.is::<crate::foreign::ForeignObj>() {
                crate::foreign::changed(obj.header());
            }
            return Ok(());
        }
        if let Some(g) = d.downcast::<GetSetObj>() {
            self.check_descr_owner(g.class.get(), obj, g.def.name)?;
            if let (Some(r), Some(_)) = (g.def.raw, g.def.set) {
                return (r.set)(self, g.def, obj, v);
            }
            return match g.def.set {
                Some(f) => f(self, &[obj, v]).map(|_| ()),
                None if d.header().map() == rt().maps.native_member => {
                    Err(self.attribute_error("readonly attribute"))
                }
                None => Err(self.attribute_error_for(
                    format!(
                        "attribute '{}' of '{}' objects is not writable",
                        g.def.name,
                        g.class.downcast::<TypeObj>().map(full_name).unwrap_or_default()
                    ),
                    obj,
                    name,
                )),
            };
        }
        if d.header().map() == rt().maps.property {
            let p: Ptr<PropertyObj> = d.downcast().expect("a property");
            return self.property_set(p, obj, v);
        }
        let t = type_of(d);
        if v.is_empty() {
            let f = t.special(Special::Delete);
            if f.is_empty() {
                return Err(self.attribute_error("__delete__"));
            }
            return self.call_special(f, &[d, obj]).map(|_| ());
        }
        let f = t.special(Special::Set);
        if f.is_empty() {
            return Err(self.attribute_error("__set__"));
        }
        self.call_special(f, &[d, obj, v]).map(|_| ())
    }

    /// `property.__set__`, or `__delete__` with EMPTY.
    pub fn property_set(&self, p: Ptr<PropertyObj>, obj: Value, v: Value) -> Res<()> {
        let (f, what) = if v.is_empty() { (p.del.get(), "deleter") } else { (p.set.get(), "setter") };
        if f.is_none() {
            return Err(self.attribute_error(self.property_message(p, obj, what)?));
        }
        if v.is_empty() {
            self.call(f, &[obj])?
        } else {
            self.call(f, &[obj, v])?
        };
        Ok(())
    }

    /// `type.__setattr__` and `type.__delattr__` (v EMPTY).
    pub fn type_setattr(&self, c: Ptr<TypeObj>, name: Value, v: Value) -> Res<()> {
        let n = name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        if c.has(TypeFlags::IMMUTABLE) {
            return Err(
                self.type_error(format!("cannot set '{n}' attribute of immutable type '{}'", full_name(c)))
            );
        }
        if let Some(d) = lookup_mro(type_of(c.value()), name)
            && is_data_descriptor(d)
        {
            return self.descr_set(d, c.value(), name, v);
        }
        if !crate::class::set_class_attribute(c, name, v) {
            return Err(self.no_attribute(c.value(), name));
        }
        Ok(())
    }

    /// The object's `__dict__`, when it has one.
    pub fn dict_of(&self, obj: Value) -> Option<Ptr<DictObj>> {
        if !obj.is_ptr() {
            return None;
        }
        if let Some(m) = obj.downcast::<ModuleObj>() {
            return Some(m.dict());
        }
        if let Some(n) = obj.downcast::<NamespaceObj>() {
            return n.dict.downcast();
        }
        if let Some(t) = obj.downcast::<TypeObj>() {
            return Some(t.dict());
        }
        let h = obj.header();
        shape::has_attrs(h.map()).then(|| shape::to_dict(h))
    }

    /// Calls `obj.name(*args)` without making a bound method.
    pub fn call_method(&self, obj: Value, name: Value, args: &[Value]) -> Res<Value> {
        let t = type_of(obj);
        if !t.has(TypeFlags::CUSTOM_GETATTR) && !obj.is::<TypeObj>() && !obj.is::<ModuleObj>() {
            let name = interned(name);
            if let Some(d) = lookup_mro(t, name)
                && (d.is::<FunctionObj>()
                    || (d.is::<MethodDescrObj>() && d.header().map() != rt().maps.classmethod_descriptor))
                && (!obj.is_ptr() || shape::get(obj.header(), name).is_none())
            {
                return self.with_receiver(obj, args, |vm, all| vm.call(d, all));
            }
        }
        let m = self.get_attr(obj, name)?;
        self.call(m, args)
    }
}

/// The interned string with the same text (attribute names may be computed).
#[inline(always)]
pub fn interned(name: Value) -> Value {
    match name.downcast::<StrObj>() {
        Some(s) if !s.is_interned() => rt().intern_obj(s),
        _ => name,
    }
}

/// Where objects of a map keep an attribute that their class does not interfere with.
struct Place {
    /// The map's id, and the version of its class above it; 0: nothing is known.
    key: Cell<u64>,
    /// The interned name, which lives for ever. It is never followed.
    name: Cell<u64>,
    slot: Cell<u32>,
}

const PLACES: usize = 1024;

struct Places([Place; PLACES]);
// SAFETY: used with the GIL held.
unsafe impl Sync for Places {}
static KNOWN: Places =
    Places([const { Place { key: Cell::new(0), name: Cell::new(0), slot: Cell::new(0) } }; PLACES]);

#[inline(always)]
fn key_of(map: MapRef) -> u64 {
    map.id() as u64 | (map.version.get() as u64) << 32
}

#[inline(always)]
fn place(key: u64, name: Value) -> &'static Place {
    &KNOWN.0[((name.bits() >> 4) ^ (key >> 1) ^ (key >> 32)) as usize % PLACES]
}

/// The map of an object and the slot of its attribute, where that was noted.
#[inline(always)]
fn place_of(obj: Value, name: Value) -> Option<(MapRef, u32)> {
    if !obj.is_ptr() {
        return None;
    }
    let map = obj.header().map();
    let key = key_of(map);
    let place = place(key, name);
    (place.key.get() == key && place.name.get() == name.bits()).then(|| (map, place.slot.get()))
}

/// The attribute of an instance, where it was noted that nothing else is to be asked.
#[inline(always)]
pub fn known(obj: Value, name: Value) -> Option<Value> {
    place_of(obj, name).map(|(map, slot)| shape::read_slot(obj.header(), map, slot))
}

/// Whether a class attribute is none of those that could be, or become, a data descriptor.
fn is_inert(d: Value) -> bool {
    !d.is_ptr() || d.is::<FunctionObj>()
}

/// Notes where an object has an attribute that neither its class has, unless it is inert, nor hooks of the class hide.
fn note(h: &Header, t: Ptr<TypeObj>, name: Value) {
    if t.has(TypeFlags::CUSTOM_GETATTR) || !name.downcast::<StrObj>().is_some_and(|s| s.is_interned()) {
        return;
    }
    let map = h.map();
    if let Some(slot) = shape::shape_of(map).and_then(|s| s.slot_of(name))
        && map.version.get() != 0
    {
        let key = key_of(map);
        let place = place(key, name);
        place.key.set(key);
        place.name.set(name.bits());
        place.slot.set(slot);
    }
}

fn getset(t: Ptr<TypeObj>, def: &'static GetSetDef) -> Value {
    let map = rt().maps.getset_descriptor;
    heap().alloc(map, GetSetObj { header: Header::new(map), def, class: Field::new(t.value()) }).value()
}

/// The `__dict__` attribute of classes whose instances have one.
pub fn dict_getset(t: Ptr<TypeObj>) -> Value {
    static DEF: GetSetDef = GetSetDef {
        name: "__dict__",
        doc: "dictionary for instance variables",
        get: |vm, args| match vm.dict_of(args[0]) {
            // Classes have an attribute of their own for that, which keeps their namespace from being written to.
            Some(d) if args[0].is::<TypeObj>() => match rt().types.type_.dict().get_str(rt().names.dict) {
                Some(own) => vm.descr_get(own, args[0], type_of(args[0])),
                None => Ok(d.value()),
            },
            Some(d) => Ok(d.value()),
            None => Err(vm.attribute_error("This object has no __dict__")),
        },
        set: Some(|vm, args| set_dict(vm, args[0], args[1]).map(|_| Value::NONE)),
        raw: None,
    };
    getset(t, &DEF)
}

/// `obj.__dict__ = d`.
pub fn set_dict(vm: &Vm, obj: Value, d: Value) -> Res<()> {
    if obj.is::<TypeObj>() || obj.is::<ModuleObj>() {
        let t = type_of(obj).name_str();
        return Err(vm.attribute_error(format!("attribute '__dict__' of '{t}' objects is not writable")));
    }
    if d.is_empty() {
        shape::set_dict(obj.header(), DictObj::new());
        return Ok(());
    }
    let Some(d) = d.downcast::<DictObj>() else {
        return Err(
            vm.type_error(format!("__dict__ must be set to a dictionary, not a '{}'", type_of(d).name_str()))
        );
    };
    if !shape::has_attrs(obj.header().map()) {
        return Err(vm.attribute_error("This object has no __dict__"));
    }
    shape::set_dict(obj.header(), d);
    Ok(())
}

/// The `__weakref__` attribute of classes whose instances can be weakly referenced.
pub(crate) fn weakref_getset(t: Ptr<TypeObj>) -> Value {
    static DEF: GetSetDef = GetSetDef {
        name: "__weakref__",
        doc: "list of weak references to the object",
        get: |_, args| {
            let own = rt().maps.weak_cell;
            let first = heap().find_weak(args[0].header(), |w| w.header.map() != own);
            Ok(first.map_or(Value::NONE, |w| w.value()))
        },
        set: None,
        raw: None,
    };
    getset(t, &DEF)
}
