//! The import statement.

use cape_heap::Value;

use crate::exc::{Res, set_extra};
use crate::frame::Frame;
use crate::object::*;
use crate::runtime::{intern, rt};
use crate::vm::Vm;

impl Vm {
    /// Op::ImportName: through `__import__` of the frame's builtins.
    pub(super) fn import_name(
        &self,
        frame: *mut Frame,
        name: Value,
        fromlist: Value,
        level: u8,
    ) -> Res<Value> {
        // SAFETY: a live frame.
        let (globals, locals, builtins) = unsafe { ((*frame).globals, (*frame).locals, (*frame).builtins) };
        let Some(import) = self.mapping_get(builtins, rt().names.import)? else {
            return Err(self.import_error("__import__ not found"));
        };
        let locals = if locals.is_empty() { Value::NONE } else { locals };
        self.call(import, &[name, globals, locals, fromlist, Value::int(level as i64)])
    }

    /// Op::ImportFrom.
    pub(super) fn import_from(&self, module: Value, name: Value) -> Res<Value> {
        if let Some(v) = self.get_attr_opt(module, name)? {
            return Ok(v);
        }
        let text = |v: Value| v.downcast::<StrObj>().map(|s| s.display());
        let n = text(name).unwrap_or_default();
        let pkg = self.get_attr_opt(module, rt().names.name)?;
        if let Some(p) = pkg.and_then(text) {
            let full = intern(&format!("{p}.{n}"));
            if let Some(v) = rt().modules().get(self, full)? {
                return Ok(v);
            }
        }
        let pkg_value = pkg.filter(|p| p.is::<StrObj>());
        let shown = match pkg_value {
            Some(p) => self.repr_str(p)?,
            None => "'<unknown module name>'".into(),
        };
        let spec = self.get_attr_opt(module, rt().names.spec)?;
        let origin = self.module_origin(module, spec)?;
        let initializing = match spec {
            Some(s) if !s.is_none() => self.get_attr_opt(s, rt().names.initializing)? == Some(Value::TRUE),
            _ => false,
        };
        let place = match origin.and_then(text) {
            Some(o) => o,
            None => "unknown location".into(),
        };
        let message = if initializing {
            format!(
                "cannot import name '{n}' from partially initialized module {shown} (most likely due to a circular import) ({place})"
            )
        } else {
            format!("cannot import name '{n}' from {shown} ({place})")
        };
        let r = self.import_error(&message);
        let e = r.exc();
        set_extra(e, 0, StrObj::new(&message).value());
        set_extra(e, 1, pkg_value.unwrap_or(Value::NONE));
        set_extra(e, 2, origin.unwrap_or(Value::NONE));
        set_extra(e, 3, name);
        Err(r)
    }

    fn module_origin(&self, module: Value, spec: Option<Value>) -> Res<Option<Value>> {
        if let Some(s) = spec
            && !s.is_none()
            && let Some(has) = self.get_attr_opt(s, intern("has_location"))?
            && self.truth(has)?
            && let Some(o) = self.get_attr_opt(s, intern("origin"))?
            && o.is::<StrObj>()
        {
            return Ok(Some(o));
        }
        Ok(self.get_attr_opt(module, rt().names.file)?.filter(|f| f.is::<StrObj>()))
    }

    /// `from module import *` into the frame's locals.
    pub(super) fn import_star(&self, module: Value, frame: *mut Frame) -> Res<Value> {
        // SAFETY: a live frame.
        let locals = unsafe { (*frame).locals };
        if locals.is_empty() {
            return Err(self.system_error("no locals found during 'import *'"));
        }
        let all = self.get_attr_opt(module, rt().names.all)?;
        let explicit = all.is_some();
        let names = match all {
            Some(a) => self.list_of(a)?,
            None => match self.get_attr_opt(module, rt().names.dict)? {
                Some(d) => {
                    let keys = self.call_method(d, rt().names.keys, &[])?;
                    self.list_of(keys)?
                }
                None => return Err(self.import_error("from-import-* object has no __dict__ and no __all__")),
            },
        };
        for &name in names.as_slice() {
            let Some(s) = name.downcast::<StrObj>() else {
                let m = match self.get_attr_opt(module, rt().names.name)?.and_then(|m| m.downcast::<StrObj>())
                {
                    Some(m) => m.display(),
                    None => String::new(),
                };
                let t = crate::runtime::type_of(name).name_str();
                return Err(self.type_error(if explicit {
                    format!("Item in {m}.__all__ must be str, not {t}")
                } else {
                    format!("Key in {m}.__dict__ must be str, not {t}")
                }));
            };
            if !explicit && s.len() > 0 && s.char_at(0) == '_' as u32 {
                continue;
            }
            let v = self.get_attr(module, name)?;
            self.store_in(locals, rt().intern_obj(s), v)?;
        }
        Ok(Value::NONE)
    }
}

impl Vm {
    /// Imports `module` (dotted) and returns that very module.
    pub fn import_module(&self, module: &str) -> Res<Value> {
        let name = intern(module);
        if let Some(m) = rt().modules().get_str(name)
            && !m.is_none()
        {
            return Ok(m);
        }
        let import = rt()
            .builtins()
            .get_str(rt().names.import)
            .ok_or_else(|| self.import_error("__import__ not found"))?;
        let empty = DictObj::new().value();
        let m = self.call(import, &[name, empty, empty, TupleObj::new(&[]).value(), Value::int(0)])?;
        match rt().modules().get_str(name) {
            Some(v) => Ok(v),
            None => Ok(m),
        }
    }

    /// `from module import name`.
    pub fn import_attr(&self, module: &str, name: &str) -> Res<Value> {
        let m = self.import_module(module)?;
        self.get_attr_str(m, name)
    }
}
