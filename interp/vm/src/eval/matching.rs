//! Pattern matching.

use cape_heap::{Ptr, Value};

use crate::exc::Res;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::vm::Vm;

impl Vm {
    /// The values of a mapping for a tuple of keys, or None when one is missing.
    pub(super) fn match_keys(&self, subject: Value, keys: Value) -> Res<Value> {
        let keys: Ptr<TupleObj> = keys.downcast().expect("a tuple of keys");
        if keys.is_empty() {
            return Ok(TupleObj::new(&[]).value());
        }
        let seen = SetObj::with_map(rt().maps.set);
        // `get` with a private default, so that __missing__ of defaultdicts does not run.
        let get = self.get_attr(subject, rt().names.get)?;
        let dummy = ListObj::new(&[]).value();
        let mut values = ValueVec::with_capacity(keys.len());
        for &k in keys.as_slice() {
            if !seen.add(self, k)? {
                let r = self.repr_str(k)?;
                return Err(self.value_error(format!("mapping pattern checks duplicate key ({r})")));
            }
            let v = self.call(get, &[k, dummy])?;
            if v == dummy {
                return Ok(Value::NONE);
            }
            values.push(v);
        }
        Ok(TupleObj::new(&values).value())
    }

    /// Class pattern: the tuple of attribute values, or None.
    pub(super) fn match_class(&self, subject: Value, class: Value, names: Value, npos: usize) -> Res<Value> {
        let Some(c) = class.downcast::<TypeObj>() else {
            return Err(self.type_error("called match pattern must be a class"));
        };
        if !self.is_instance(subject, class)? {
            return Ok(Value::NONE);
        }
        let names: Ptr<TupleObj> = names.downcast().expect("a tuple of names");
        let mut out = ValueVec::with_capacity(npos + names.len());
        let seen = SetObj::with_map(rt().maps.set);
        if npos > 0 {
            let match_args = self.get_attr_opt(class, rt().names.match_args)?;
            let mut self_match = false;
            let args = match match_args {
                Some(a) => match a.downcast::<TupleObj>() {
                    Some(t) => t,
                    None => {
                        return Err(self.type_error(format!(
                            "{}.__match_args__ must be a tuple (got {})",
                            c.name_str(),
                            type_of(a).name_str()
                        )));
                    }
                },
                None => {
                    self_match = c.has(TypeFlags::MATCH_SELF);
                    TupleObj::new(&[])
                }
            };
            let allowed = if self_match { 1 } else { args.len() };
            if allowed < npos {
                return Err(self.type_error(format!(
                    "{}() accepts {allowed} positional sub-pattern{} ({npos} given)",
                    c.name_str(),
                    if allowed == 1 { "" } else { "s" }
                )));
            }
            if self_match {
                out.push(subject);
            } else {
                for &name in &args.as_slice()[..npos] {
                    if !name.is::<StrObj>() {
                        return Err(self.type_error(format!(
                            "__match_args__ elements must be strings (got {})",
                            type_of(name).name_str()
                        )));
                    }
                    match self.match_attr(subject, c, name, seen)? {
                        Some(v) => out.push(v),
                        None => return Ok(Value::NONE),
                    }
                }
            }
        }
        for &name in names.as_slice() {
            match self.match_attr(subject, c, name, seen)? {
                Some(v) => out.push(v),
                None => return Ok(Value::NONE),
            }
        }
        Ok(TupleObj::new(&out).value())
    }

    fn match_attr(
        &self,
        subject: Value,
        c: Ptr<TypeObj>,
        name: Value,
        seen: Ptr<SetObj>,
    ) -> Res<Option<Value>> {
        if !seen.add(self, name)? {
            let r = self.repr_str(name)?;
            return Err(
                self.type_error(format!("{}() got multiple sub-patterns for attribute {r}", c.name_str()))
            );
        }
        self.get_attr_opt(subject, name)
    }
}
