//! Functions, formatting, awaitables, intrinsics.

use cape_bytecode::{FuncAttr, Intrinsic1, Intrinsic2};
use cape_heap::{Ptr, Value};

use crate::class::full_name;
use crate::exc::Res;
use crate::frame::Frame;
use crate::generator::GeneratorObj;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;
use crate::vm::Vm;

/// Sets a part of a fresh function.
pub(super) fn set_func_attr(f: Value, which: u8, v: Value) {
    let f: Ptr<FunctionObj> = f.downcast().expect("a fresh function");
    match FuncAttr::from_u8(which) {
        Some(FuncAttr::Defaults) => f.defaults.set(f, v),
        Some(FuncAttr::KwDefaults) => f.kwdefaults.set(f, v),
        Some(FuncAttr::Closure) => f.closure.set(f, v),
        Some(FuncAttr::Annotate) => f.annotate.set(f, v),
        None => {}
    }
}

impl Vm {
    pub(super) fn make_function(&self, frame: *mut Frame, code: Value) -> Value {
        let code: Ptr<CodeObj> = code.downcast().expect("a code constant");
        // SAFETY: a live frame.
        let (globals, builtins) = unsafe { ((*frame).globals, (*frame).builtins) };
        self.function_from(code, globals, builtins).value()
    }

    /// A function over `code` with these globals (as `PyFunction_New`).
    pub fn function_from(&self, code: Ptr<CodeObj>, globals: Value, builtins: Value) -> Ptr<FunctionObj> {
        let module =
            globals.downcast::<DictObj>().and_then(|g| g.get_str(rt().names.name)).unwrap_or(Value::NONE);
        // EMPTY: what the code says, when somebody asks.
        let doc = if code.unit.has_docstring() { Value::EMPTY } else { Value::NONE };
        FunctionObj::new(code, globals, builtins, module, doc)
    }

    pub(super) fn format_value(&self, v: Value, conversion: u8, spec: Value) -> Res<Value> {
        let v = match conversion {
            1 => self.str(v)?.value(),
            2 => self.repr(v)?.value(),
            3 => self.ascii(v)?.value(),
            _ => v,
        };
        if spec.is_empty() && v.is::<StrObj>() && v.header().map() == rt().maps.str {
            return Ok(v);
        }
        let spec: Ptr<StrObj> = spec.downcast().unwrap_or_else(|| rt().empty_str());
        self.format(v, spec).map(|s| s.value())
    }

    /// `ascii(v)`.
    pub fn ascii(&self, v: Value) -> Res<Ptr<StrObj>> {
        let r = self.repr(v)?;
        if r.is_ascii() {
            return Ok(r);
        }
        let mut b = StrBuilder::with_capacity(r.len() + 16);
        for c in r.chars() {
            match c {
                0..=0x7f => b.push(c),
                0x80..=0xff => b.push_str(&format!("\\x{c:02x}")),
                0x100..=0xffff => b.push_str(&format!("\\u{c:04x}")),
                _ => b.push_str(&format!("\\U{c:08x}")),
            }
        }
        Ok(b.finish())
    }

    pub(super) fn build_interpolation(
        &self,
        v: Value,
        text: Value,
        conversion: u8,
        spec: Value,
    ) -> Res<Value> {
        let class = self.import_attr("_cape_template", "Interpolation")?;
        let conversion = match conversion {
            1 => StrObj::new("s").value(),
            2 => StrObj::new("r").value(),
            3 => StrObj::new("a").value(),
            _ => Value::NONE,
        };
        let spec = if spec.is_empty() { rt().empty_str().value() } else { spec };
        self.call(class, &[v, text, conversion, spec])
    }

    pub(super) fn build_template(&self, strings: Value, interpolations: Value) -> Res<Value> {
        let class = self.import_attr("_cape_template", "Template")?;
        if let Some(t) = class.downcast::<TypeObj>() {
            // Messages name it as a class that is not written in Python.
            t.flags.set(t.flags.get() | TypeFlags::DOTTED);
        }
        let s: Ptr<TupleObj> = strings.downcast().expect("strings of a template");
        let i: Ptr<TupleObj> = interpolations.downcast().expect("interpolations of a template");
        let mut args = ValueVec::new();
        for (n, &text) in s.as_slice().iter().enumerate() {
            args.push(text);
            if n < i.len() {
                args.push(i.get(n));
            }
        }
        self.call(class, &args)
    }

    pub(super) fn get_awaitable(&self, v: Value, kind: u8) -> Res<Value> {
        if let Some(g) = v.downcast::<GeneratorObj>()
            && g.header().map() == rt().maps.coroutine
            && g.delegate().is_some()
        {
            return Err(self.runtime_error("coroutine is being awaited already"));
        }
        self.awaitable_iter(v, || {
            let t = full_name(type_of(v));
            match kind {
                1 => format!(
                    "'async with' received an object from __aenter__ that does not implement __await__: {t}"
                ),
                2 => format!(
                    "'async with' received an object from __aexit__ that does not implement __await__: {t}"
                ),
                _ => format!("'{t}' object can't be awaited"),
            }
        })
    }

    pub(super) fn yield_from_iter(&self, code: Ptr<CodeObj>, v: Value) -> Res<Value> {
        use cape_bytecode::flags;
        if let Some(g) = v.downcast::<GeneratorObj>() {
            if g.header().map() == rt().maps.generator {
                return Ok(v);
            }
            if g.header().map() == rt().maps.coroutine {
                if code.flags & (flags::COROUTINE | flags::ITERABLE_COROUTINE) == 0 {
                    return Err(self
                        .type_error("cannot 'yield from' a coroutine object in a non-coroutine generator"));
                }
                return Ok(v);
            }
        }
        self.iter(v)
    }

    pub(super) fn get_aiter(&self, v: Value) -> Res<Value> {
        let t = type_of(v);
        let f = t.special(Special::Aiter);
        if f.is_empty() {
            return Err(self.type_error(format!(
                "'async for' requires an object with __aiter__ method, got {}",
                full_name(t)
            )));
        }
        let it = self.call_special(f, &[v])?;
        if type_of(it).special(Special::Anext).is_empty() {
            return Err(self.type_error(format!(
                "'async for' received an object from __aiter__ that does not implement __anext__: {}",
                full_name(type_of(it))
            )));
        }
        Ok(it)
    }

    pub(super) fn get_anext(&self, it: Value) -> Res<Value> {
        let t = type_of(it);
        let f = t.special(Special::Anext);
        if f.is_empty() {
            return Err(self.type_error(format!(
                "'async for' requires an iterator with __anext__ method, got {}",
                full_name(t)
            )));
        }
        let a = self.call_special(f, &[it])?;
        match self.awaitable_iter(a, || {
            format!("'async for' received an invalid object from __anext__: {}", full_name(type_of(a)))
        }) {
            Ok(v) => Ok(v),
            Err(r) => {
                let n = self.type_error(format!(
                    "'async for' received an invalid object from __anext__: {}",
                    full_name(type_of(a))
                ));
                let e = n.exc();
                e.cause.set(e, r.value());
                e.context.set(e, r.value());
                e.suppress_context.set(true);
                Err(n)
            }
        }
    }

    pub(super) fn intrinsic1(&self, which: u8, v: Value, frame: *mut Frame) -> Res<Value> {
        match Intrinsic1::from_u8(which) {
            Some(Intrinsic1::Print) => {
                let hook = rt().sys().get_str(rt().names.displayhook);
                let hook = hook.ok_or_else(|| self.runtime_error("lost sys.displayhook"))?;
                self.call(hook, &[v])
            }
            Some(Intrinsic1::ImportStar) => self.import_star(v, frame),
            Some(Intrinsic1::TypeVar) => self.call_typing("_make_typevar", &[v]),
            Some(Intrinsic1::ParamSpec) => self.call_typing("_make_paramspec", &[v]),
            Some(Intrinsic1::TypeVarTuple) => self.call_typing("_make_typevartuple", &[v]),
            Some(Intrinsic1::SubscriptGeneric) => self.call_typing("_subscript_generic", &[v]),
            Some(Intrinsic1::TypeAlias) => self.call_typing("_make_typealias", &[v]),
            None => Err(self.system_error("unknown intrinsic")),
        }
    }

    pub(super) fn intrinsic2(&self, which: u8, a: Value, b: Value) -> Res<Value> {
        match Intrinsic2::from_u8(which) {
            Some(Intrinsic2::TypeVarWithBound) => self.call_typing("_make_typevar_with_bound", &[a, b]),
            Some(Intrinsic2::TypeVarWithConstraints) => {
                self.call_typing("_make_typevar_with_constraints", &[a, b])
            }
            Some(Intrinsic2::SetFunctionTypeParams) => {
                if let Some(f) = a.downcast::<FunctionObj>() {
                    f.type_params.set(f, b);
                }
                Ok(a)
            }
            Some(Intrinsic2::SetTypeparamDefault) => self.call_typing("_set_typeparam_default", &[a, b]),
            None => Err(self.system_error("unknown intrinsic")),
        }
    }

    /// A function of the native module `_typing`.
    fn call_typing(&self, name: &str, args: &[Value]) -> Res<Value> {
        let f = self.import_attr("_typing", name)?;
        self.call(f, args)
    }
}
