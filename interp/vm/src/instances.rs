//! `isinstance()` and `issubclass()`.

use cape_heap::{Ptr, Value};

use crate::exc::Res;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;
use crate::vm::Vm;

/// `isinstance(v, class)` where that takes no code and no names: of a class that has nothing to say of its own.
#[inline]
pub fn is_instance_at_once(v: Value, class: Value) -> Option<bool> {
    let c = class.downcast::<TypeObj>()?;
    let t = type_of(v);
    if t == c {
        return Some(true);
    }
    if type_of(class) != rt().types.type_ {
        return None;
    }
    let yes = t.is_subtype(c);
    (yes || !t.has(TypeFlags::HEAP | TypeFlags::CUSTOM_GETATTR)).then_some(yes)
}

impl Vm {
    /// `isinstance(v, class)`, `class` being a class, a tuple or a union.
    pub fn is_instance(&self, v: Value, class: Value) -> Res<bool> {
        if let Some(c) = class.downcast::<TypeObj>() {
            if type_of(v) == c {
                return Ok(true);
            }
            if type_of(class) == rt().types.type_ {
                return self.plain_is_instance(v, c);
            }
        } else if let Some(t) = class.downcast::<TupleObj>() {
            self.check_native_stack(" in __instancecheck__")?;
            for &c in t.as_slice() {
                if self.is_instance(v, c)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let f = type_of(class).special(Special::Instancecheck);
        if !f.is_empty() {
            self.check_native_stack(" in __instancecheck__")?;
            let r = self.call_special(f, &[class, v])?;
            return self.truth(r);
        }
        self.recursive_is_instance(v, class)
    }

    fn plain_is_instance(&self, v: Value, c: Ptr<TypeObj>) -> Res<bool> {
        let t = type_of(v);
        if t.is_subtype(c) {
            return Ok(true);
        }
        if !t.has(TypeFlags::HEAP) && !t.has(TypeFlags::CUSTOM_GETATTR) {
            return Ok(false);
        }
        // `__class__` may say otherwise (proxies, mocks).
        match self.get_attr_opt(v, rt().names.class)? {
            Some(k) if k != t.value() => Ok(k.downcast::<TypeObj>().is_some_and(|k| k.is_subtype(c))),
            _ => Ok(false),
        }
    }

    /// `type.__instancecheck__`, and the check against class-like objects with `__bases__`.
    pub fn recursive_is_instance(&self, v: Value, class: Value) -> Res<bool> {
        if let Some(c) = class.downcast::<TypeObj>() {
            return self.plain_is_instance(v, c);
        }
        if self.abstract_bases(class)?.is_none() {
            return Err(self.type_error("isinstance() arg 2 must be a type, a tuple of types, or a union"));
        }
        match self.get_attr_opt(v, rt().names.class)? {
            Some(k) => self.abstract_is_subclass(k, class),
            None => Ok(false),
        }
    }

    fn abstract_bases(&self, class: Value) -> Res<Option<Ptr<TupleObj>>> {
        Ok(self.get_attr_opt(class, rt().names.bases)?.and_then(|b| b.downcast()))
    }

    fn abstract_is_subclass(&self, derived: Value, class: Value) -> Res<bool> {
        if derived == class {
            return Ok(true);
        }
        let Some(bases) = self.abstract_bases(derived)? else { return Ok(false) };
        self.check_native_stack(" in __issubclass__")?;
        for &b in bases.as_slice() {
            if self.abstract_is_subclass(b, class)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `issubclass(derived, class)`.
    pub fn is_subclass(&self, derived: Value, class: Value) -> Res<bool> {
        if let Some(c) = class.downcast::<TypeObj>() {
            if type_of(class) == rt().types.type_ {
                if derived == class {
                    return Ok(true);
                }
                return self.recursive_is_subclass(derived, c.value());
            }
        } else if let Some(t) = class.downcast::<TupleObj>() {
            self.check_native_stack(" in __subclasscheck__")?;
            for &c in t.as_slice() {
                if self.is_subclass(derived, c)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let f = type_of(class).special(Special::Subclasscheck);
        if !f.is_empty() {
            self.check_native_stack(" in __subclasscheck__")?;
            let r = self.call_special(f, &[class, derived])?;
            return self.truth(r);
        }
        self.recursive_is_subclass(derived, class)
    }

    /// `type.__subclasscheck__`, and the check of class-like objects with `__bases__`.
    pub fn recursive_is_subclass(&self, derived: Value, class: Value) -> Res<bool> {
        if let (Some(d), Some(c)) = (derived.downcast::<TypeObj>(), class.downcast::<TypeObj>()) {
            return Ok(d.is_subtype(c));
        }
        if self.abstract_bases(derived)?.is_none() {
            return Err(self.type_error("issubclass() arg 1 must be a class"));
        }
        if self.abstract_bases(class)?.is_none() {
            return Err(self.type_error("issubclass() arg 2 must be a class, a tuple of classes, or a union"));
        }
        self.abstract_is_subclass(derived, class)
    }
}
