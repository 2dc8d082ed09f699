//! `super().name`.

use cape_heap::{Ptr, Value};

use crate::exc::Res;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::vm::Vm;

impl Vm {
    /// `super().name`, see the opcodes: the attribute and EMPTY, or, where it is to be called (`method`), a function and its self.
    pub(crate) fn load_super(
        &self,
        sup: Value,
        class: Value,
        obj: Value,
        name: Value,
        two: bool,
        method: bool,
    ) -> Res<(Value, Value)> {
        let builtin = rt().builtins().get_str(rt().names.super_);
        let direct = Some(sup) == builtin;
        if let (true, Some(c)) = (direct, class.downcast::<TypeObj>())
            && let Some(start) = self.super_start(c, obj)?
        {
            if let Some(d) = super_lookup(start, c, name) {
                if method && d.is::<FunctionObj>() && !obj.downcast::<TypeObj>().is_some_and(|o| o == start) {
                    return Ok((d, obj));
                }
                let o = if obj == start.value() { Value::EMPTY } else { obj };
                return Ok((self.descr_get(d, o, start)?, Value::EMPTY));
            }
            if name != rt().names.class {
                let n = name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
                let s = self.call(sup, &[class, obj])?;
                return Err(self.attribute_error_for(
                    format!("'super' object has no attribute '{n}'"),
                    s,
                    name,
                ));
            }
        }
        let s = if two || direct { self.call(sup, &[class, obj])? } else { self.call(sup, &[])? };
        Ok((self.get_attr(s, name)?, Value::EMPTY))
    }

    /// The class whose MRO `super(class, obj)` walks; `None` when obj fits neither way (the caller raises).
    pub fn super_start(&self, class: Ptr<TypeObj>, obj: Value) -> Res<Option<Ptr<TypeObj>>> {
        if let Some(o) = obj.downcast::<TypeObj>()
            && o.is_subtype(class)
        {
            return Ok(Some(o));
        }
        let t = type_of(obj);
        if t.is_subtype(class) {
            return Ok(Some(t));
        }
        let k = self.get_attr_opt(obj, rt().names.class)?.and_then(|k| k.downcast::<TypeObj>());
        Ok(k.filter(|k| k.is_subtype(class)))
    }
}

/// Looks a name up along the MRO of `start` behind `class`.
pub fn super_lookup(start: Ptr<TypeObj>, class: Ptr<TypeObj>, name: Value) -> Option<Value> {
    let mro = start.mro();
    let mro = mro.as_slice();
    let at = mro.iter().position(|&c| c == class.value())?;
    mro[at + 1..].iter().find_map(|c| c.downcast::<TypeObj>()?.dict().get_str(name))
}
