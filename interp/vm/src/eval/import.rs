//! The import statement.

use cape_heap::Value;

use crate::exc::{Raised, Res, set_extra};
use crate::frame::Frame;
use crate::lacking::{self, Cause};
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
        Err(self.cannot_import(module, name, pkg.filter(|p| p.is::<StrObj>()))?)
    }

    /// The `ImportError` for a `name` that `module`, which calls itself `from`, does not have.
    #[cold]
    fn cannot_import(&self, module: Value, name: Value, from: Option<Value>) -> Res<Raised> {
        let named = from.unwrap_or_else(|| intern("<unknown module name>"));
        let (asked, shown) = (self.repr_str(name)?, self.repr_str(named)?);
        let plain = format!("cannot import name {asked} from {shown}");
        let (mut cause, mut origin) = (Cause::Unknown, None);
        if let Some(spec) = self.get_attr_opt(module, rt().names.spec)? {
            (cause, origin) = self.cause_of_lack(named, spec)?;
            if origin.is_none() && module.is::<ModuleObj>() {
                origin = self.get_attr_opt(module, rt().names.file)?.filter(|f| f.is::<StrObj>());
            }
        }
        let file = |quoted: bool| match origin {
            Some(o) if quoted => self.repr_str(o),
            Some(o) => Ok(o.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default()),
            None => Ok("unknown location".into()),
        };
        let message = match cause {
            Cause::HidesLibrary => format!("{plain} ({})", lacking::hides_library(&file(true)?, &shown)),
            Cause::HidesOther => format!("{plain} ({})", lacking::hides_other(&file(true)?)),
            Cause::Unfinished => format!(
                "cannot import name {asked} from partially initialized module {shown} ({}) ({})",
                lacking::CIRCULAR,
                file(false)?
            ),
            Cause::Unknown => format!("{plain} ({})", file(false)?),
        };
        let r = self.import_error(&message);
        let e = r.exc();
        set_extra(e, 0, StrObj::new(&message).value());
        set_extra(e, 1, from.unwrap_or(Value::NONE));
        set_extra(e, 2, origin.unwrap_or(Value::NONE));
        set_extra(e, 3, name);
        Ok(r)
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
