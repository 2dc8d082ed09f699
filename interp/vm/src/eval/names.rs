//! Names: globals, builtins, locals mappings.

use std::cell::Cell;

use cape_heap::{Ptr, Value};

use crate::exc::{Raised, Res};
use crate::frame::Frame;
use crate::object::*;
use crate::runtime::rt;
use crate::special::Special;
use crate::vm::Vm;

const BUILTIN: u64 = 1 << 63;

/// The global that the inline cache remembers, while the key sets of the dicts are as they were.
///
/// Cache: word 0 = version of the globals' keys (low half) and entry index (high half); word 1 = 0 for a global, or BUILTIN
/// with the version of the builtins' keys, the index then being one of theirs.
///
/// # Safety
/// `frame` must be live, `cache` two cache words of its code.
#[inline(always)]
pub(super) unsafe fn cached_global(frame: *mut Frame, cache: *const Cell<u64>) -> Option<Value> {
    // SAFETY: the caller's promise; globals are dicts, and an index is good while the version is.
    unsafe {
        let w0 = (*cache).get();
        if w0 == 0 {
            return None;
        }
        let globals: Ptr<DictObj> = (*frame).globals.cast();
        let keys = globals.table.keys();
        if keys.version.get() != w0 as u32 {
            return None;
        }
        let w1 = (*cache.add(1)).get();
        let i = (w0 >> 32) as usize;
        if w1 == 0 {
            return Some((*keys.entry_ptr(i)).value);
        }
        let builtins: Ptr<DictObj> = (*frame).builtins.downcast()?;
        let bkeys = builtins.table.keys();
        if bkeys.version.get() != w1 as u32 {
            return None;
        }
        Some((*bkeys.entry_ptr(i)).value)
    }
}

impl Vm {
    #[inline(never)]
    pub(crate) fn load_global(&self, frame: *mut Frame, name: Value, pc: *const Cell<u64>) -> Res<Value> {
        // SAFETY: a live frame; two cache words follow pc.
        let (globals, builtins, c0, c1) =
            unsafe { ((*frame).globals, (*frame).builtins, &*pc.add(1), &*pc.add(2)) };
        let Some(g) = globals.downcast::<DictObj>() else {
            return Err(self.system_error("globals is not a dict"));
        };
        if g.header().map() != rt().maps.dict {
            // A subclass may have its own lookup (`__missing__` of annotationlib's fake globals).
            if let Some(v) = self.mapping_get(globals, name)? {
                return Ok(v);
            }
            return match self.mapping_get(builtins, name)? {
                Some(v) => Ok(v),
                None => Err(self.name_not_defined(name)),
            };
        }
        if let Some(i) = g.index_of_str(name) {
            c1.set(0);
            c0.set(g.table.version() as u64 | (i as u64) << 32);
            return Ok(g.table.keys().entry(i).value);
        }
        if let Some(b) = builtins.downcast::<DictObj>().filter(|b| b.header().map() == rt().maps.dict) {
            if let Some(i) = b.index_of_str(name) {
                let gv = g.table.version();
                if gv != 0 {
                    c0.set(gv as u64 | (i as u64) << 32);
                    c1.set(b.table.version() as u64 | BUILTIN);
                }
                return Ok(b.table.keys().entry(i).value);
            }
        } else if let Some(v) = self.mapping_get(builtins, name)? {
            return Ok(v);
        }
        Err(self.name_not_defined(name))
    }

    #[cold]
    fn name_not_defined(&self, name: Value) -> Raised {
        let n = name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        self.name_error_for(format!("name '{n}' is not defined"), name, false)
    }

    /// `mapping[key]`, or nothing when it raises KeyError.
    pub fn mapping_get(&self, mapping: Value, key: Value) -> Res<Option<Value>> {
        if let Some(d) = mapping.downcast::<DictObj>()
            && d.header().map() == rt().maps.dict
        {
            return d.get(self, key);
        }
        match self.get_item(mapping, key) {
            Ok(v) => Ok(Some(v)),
            Err(r) if r.is(rt().types.key_error) => Ok(None),
            Err(r) => Err(r),
        }
    }

    pub(crate) fn load_name(&self, frame: *mut Frame, name: Value, pc: *const Cell<u64>) -> Res<Value> {
        // SAFETY: a live frame.
        let (locals, globals) = unsafe { ((*frame).locals, (*frame).globals) };
        if locals == globals || locals.is_empty() {
            // SAFETY: two cache words follow.
            if let Some(v) = unsafe { cached_global(frame, pc.add(1)) } {
                return Ok(v);
            }
            return self.load_global(frame, name, pc);
        }
        if let Some(v) = self.mapping_get(locals, name)? {
            return Ok(v);
        }
        self.load_global_uncached(frame, name)
    }

    fn load_global_uncached(&self, frame: *mut Frame, name: Value) -> Res<Value> {
        let cache = [const { Cell::new(0u64) }; 3];
        self.load_global(frame, name, cache.as_ptr())
    }

    /// Stores a name into a namespace.
    pub(crate) fn store_in(&self, namespace: Value, name: Value, v: Value) -> Res<()> {
        match namespace.downcast::<DictObj>() {
            Some(d) if d.header().map() == rt().maps.dict => {
                d.set_str(name, v);
                Ok(())
            }
            _ => self.set_item(namespace, name, v),
        }
    }

    pub(crate) fn store_name(&self, frame: *mut Frame, name: Value, v: Value) -> Res<()> {
        // A module's code that is called as a function has the globals for its locals.
        // SAFETY: a live frame.
        let locals = unsafe {
            if (*frame).locals.is_empty() {
                (*frame).locals = (*frame).globals;
            }
            (*frame).locals
        };
        self.store_in(locals, name, v)
    }

    pub(crate) fn del_name(&self, frame: *mut Frame, name: Value) -> Res<()> {
        // SAFETY: a live frame.
        let locals = unsafe { (*frame).locals };
        match locals.downcast::<DictObj>() {
            Some(d) if d.header().map() == rt().maps.dict => match d.remove_str(name) {
                Some(_) => Ok(()),
                None => Err(self.name_not_defined(name)),
            },
            _ => match self.del_item(locals, name) {
                Err(r) if r.is(rt().types.key_error) => Err(self.name_not_defined(name)),
                r => r,
            },
        }
    }

    pub(crate) fn del_global(&self, frame: *mut Frame, name: Value) -> Res<()> {
        // SAFETY: a live frame.
        let g = unsafe { (*frame).globals };
        match g.downcast::<DictObj>().and_then(|d| d.remove_str(name)) {
            Some(_) => Ok(()),
            None => Err(self.name_not_defined(name)),
        }
    }

    pub(crate) fn from_dict_or_deref(
        &self,
        code: Ptr<CodeObj>,
        mapping: Value,
        cell: Value,
        reg: u16,
    ) -> Res<Value> {
        let name = rt().intern(code.unit.register_name(reg).unwrap_or("?"));
        if let Some(v) = self.mapping_get(mapping, name)? {
            return Ok(v);
        }
        let c: Ptr<CellObj> = cell.downcast().expect("a cell register");
        let v = c.content.get();
        if v.is_empty() { Err(self.unbound_local(code, reg)) } else { Ok(v) }
    }

    pub(crate) fn from_dict_or_globals(&self, frame: *mut Frame, mapping: Value, name: Value) -> Res<Value> {
        match self.mapping_get(mapping, name)? {
            Some(v) => Ok(v),
            None => self.load_global_uncached(frame, name),
        }
    }

    pub(crate) fn load_build_class(&self, frame: *mut Frame) -> Res<Value> {
        // SAFETY: a live frame.
        let b = unsafe { (*frame).builtins };
        self.mapping_get(b, rt().names.build_class)?
            .ok_or_else(|| self.name_error("__build_class__ not found"))
    }

    pub(crate) fn setup_annotations(&self, frame: *mut Frame) -> Res<()> {
        // SAFETY: a live frame.
        let locals = unsafe { (*frame).locals };
        if locals.is_empty() {
            return Err(self.system_error("no locals found when setting up annotations"));
        }
        let name = rt().names.annotations;
        if self.mapping_get(locals, name)?.is_none() {
            self.store_in(locals, name, DictObj::new().value())?;
        }
        Ok(())
    }

    /// Pair for a call of a special method, looked up on the type: the `with` statements.
    pub(crate) fn load_special(&self, obj: Value, which: u8) -> Res<(Value, Value)> {
        let s = [Special::Enter, Special::Exit, Special::Aenter, Special::Aexit][which as usize];
        let t = crate::runtime::type_of(obj);
        let f = t.special(s);
        if f.is_empty() {
            return Err(self.not_a_context_manager(obj, s));
        }
        if f.is::<FunctionObj>()
            || f.is::<MethodDescrObj>() && f.header().map() != rt().maps.classmethod_descriptor
        {
            return Ok((f, obj));
        }
        Ok((self.descr_get(f, obj, t)?, Value::EMPTY))
    }

    #[cold]
    fn not_a_context_manager(&self, obj: Value, s: Special) -> Raised {
        let t = crate::runtime::type_of(obj);
        let name = t.name_str();
        let has = |s: Special| !t.special(s).is_empty();
        let is_async = matches!(s, Special::Aenter | Special::Aexit);
        let (kind, other, other_pair) = if is_async {
            ("asynchronous context manager", "with", (Special::Enter, Special::Exit))
        } else {
            ("context manager", "async with", (Special::Aenter, Special::Aexit))
        };
        let hint = if has(other_pair.0) && has(other_pair.1) {
            let other_kind = if is_async { "context manager" } else { "asynchronous context manager" };
            format!(" but it supports the {other_kind} protocol. Did you mean to use '{other}'?")
        } else {
            String::new()
        };
        let missing = format!(" (missed {} method)", s.name());
        self.type_error(format!("'{name}' object does not support the {kind} protocol{missing}{hint}"))
    }
}
