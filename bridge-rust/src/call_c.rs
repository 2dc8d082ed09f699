//! Calls into C functions: those of `PyMethodDef`.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::null_mut;

use cape_vm::class::{method_descriptor, static_method};
use cape_vm::native::{Flavour, MethodDef, Raw};
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::arguments::Arguments;
use crate::convention::{FASTCALL_KW, Fast, FastKw, METHOD_KW, MethodKw, VARARGS_KW, given};
use crate::error::check_result;
use crate::layout::*;
use crate::rows;
use crate::to_c::{CArgs, decref, kwargs_dict, to_c};

/// First data word of a row: the `PyMethodDef`; second: this mark, whether it is a method of a class, and the class for `METH_METHOD`.
const MARK: usize = 1;
const OF_CLASS: usize = 2;

/// The C definition behind a row, if it is one.
pub fn c_method_def(def: &MethodDef) -> Option<*mut PyMethodDef> {
    let raw = def.raw?;
    (crate::convention::is_entry(raw.call) && raw.data[1] & MARK != 0)
        .then_some(raw.data[0] as *mut PyMethodDef)
}

/// The class that defines a method with `METH_METHOD`, by its row; else null.
#[inline(always)]
pub fn defining_class(def: &MethodDef) -> *mut PyTypeObject {
    def.raw.map_or(null_mut(), |raw| (raw.data[1] & !(MARK | OF_CLASS)) as *mut PyTypeObject)
}

/// C text, empty for NULL.
///
/// # Safety
/// `s` must be a C string or NULL, and live as long as the result.
pub(crate) unsafe fn text<'a>(s: *const c_char) -> std::borrow::Cow<'a, str> {
    // SAFETY: the caller's promise.
    if s.is_null() { "".into() } else { unsafe { CStr::from_ptr(s) }.to_string_lossy() }
}

/// Splits `name(signature)\n--\n\ndoc` as CPython does.
pub(crate) fn split_doc<'a>(name: &str, text: &'a str) -> (&'a str, &'a str) {
    let short = name.rsplit('.').next().unwrap_or(name);
    if let Some(rest) = text.strip_prefix(short)
        && rest.starts_with('(')
        && let Some(end) = rest.find(")\n--\n\n")
    {
        return (&rest[..=end], &rest[end + 6..]);
    }
    ("", text)
}

/// The row of a `PyMethodDef`; `class` is its defining class for `METH_METHOD`.
///
/// # Safety
/// `m` must be a valid definition that lives as long as anybody may call it.
pub unsafe fn row(m: *mut PyMethodDef, class: *mut PyTypeObject) -> &'static MethodDef {
    // SAFETY: the caller's promise.
    let flags = unsafe { (*m).ml_flags };
    let flavour = if flags & meth::STATIC != 0 {
        Flavour::Static
    } else if flags & meth::CLASS != 0 {
        Flavour::Class
    } else {
        Flavour::Method
    };
    // SAFETY: the caller's promise.
    unsafe { with_flavour(m, class, flavour) }
}

unsafe fn with_flavour(
    m: *mut PyMethodDef,
    class: *mut PyTypeObject,
    flavour: Flavour,
) -> &'static MethodDef {
    // SAFETY: the caller's promise.
    let (name, text, flags) = unsafe { (text((*m).ml_name), text((*m).ml_doc), (*m).ml_flags) };
    let (signature, doc) = split_doc(&name, &text);
    let of_class = if class.is_null() { 0 } else { OF_CLASS };
    let class = if flags & meth::METHOD != 0 { class as usize } else { 0 };
    // The short ways are for what has a receiver.
    let unbound = if matches!(flavour, Flavour::Static) { meth::STATIC } else { 0 };
    let raw =
        Raw { call: crate::convention::entry(flags | unbound), data: [m as usize, class | of_class | MARK] };
    rows::method(&name, signature, doc, flavour, raw)
}

/// The row of a function object over a `PyMethodDef`: its receiver is always passed.
///
/// # Safety
/// As [`row`].
pub unsafe fn function_row(m: *mut PyMethodDef, class: *mut PyTypeObject) -> &'static MethodDef {
    // SAFETY: the caller's promise.
    unsafe { with_flavour(m, class, Flavour::Method) }
}

/// The row of a function object over a `PyMethodDef` without a receiver.
///
/// # Safety
/// As [`row`].
pub unsafe fn free_row(m: *mut PyMethodDef, class: *mut PyTypeObject) -> &'static MethodDef {
    // SAFETY: the caller's promise.
    unsafe { with_flavour(m, class, Flavour::Static) }
}

/// The row of a class method over a `PyMethodDef`.
///
/// # Safety
/// As [`row`].
pub unsafe fn class_row(m: *mut PyMethodDef, class: *mut PyTypeObject) -> &'static MethodDef {
    // SAFETY: the caller's promise.
    unsafe { with_flavour(m, class, Flavour::Class) }
}

/// Adds a `PyMethodDef` to a class's dictionary.
///
/// # Safety
/// As [`row`].
pub unsafe fn add_method(_vm: &Vm, class: Ptr<TypeObj>, m: *mut PyMethodDef) -> Res<()> {
    // SAFETY: the caller's promise.
    let def = unsafe { row(m, class.foreign.get() as *mut PyTypeObject) };
    let name = intern(def.name);
    let v = match def.flavour {
        Flavour::Static => static_method(BuiltinObj::new(def, class.value(), Value::NONE).value()),
        _ => method_descriptor(class, def),
    };
    class.dict().set_str(name, v);
    Ok(())
}

/// Calls a C function: `args` are the receiver (for functions of modules: the module), the positional arguments, the values of
/// `names`.
pub fn call(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Option<Ptr<TupleObj>>) -> Res<Value> {
    let raw = def.raw.expect("a row for a C function");
    let m = raw.data[0] as *mut PyMethodDef;
    let class = defining_class(def);
    // SAFETY: the row was made for a definition that is alive.
    let (meth, flags) = unsafe { ((*m).ml_meth, (*m).ml_flags) };
    let (this, rest): (Value, &[Value]) = match (def.flavour, args.split_first()) {
        (Flavour::Static, _) => (Value::EMPTY, args),
        (_, Some((&t, rest))) => (t, rest),
        (_, None) => return Err(vm.type_error(format!("{}() needs an argument", def.name))),
    };
    // SAFETY: the flags say the signature.
    unsafe { call_meth(vm, meth, flags, class, this, rest, names, def) }
}

/// How messages name a C function, as the repr of the object that was called.
pub fn callable_name(vm: &Vm, def: &MethodDef, this: Value) -> String {
    let name = def.name;
    let of_class = def.raw.is_some_and(|r| r.data[1] & OF_CLASS != 0);
    if this.is_empty() || this.is::<ModuleObj>() {
        return format!("<built-in function {name}>");
    }
    let t = type_of(this).name_str();
    if !of_class || this.is::<TypeObj>() {
        return format!("<built-in method {name} of {t} object at {:#x}>", vm.id(this));
    }
    format!("<method '{name}' of '{t}' objects>")
}

/// How messages about arguments name a C function: with its module, or with the class that defines it.
#[cold]
fn function_str(def: &MethodDef, this: Value) -> String {
    let name = def.name;
    if let Some(m) = this.downcast::<ModuleObj>() {
        let module = m.get(rt().names.name).and_then(|v| v.downcast::<StrObj>()).map(|s| s.display());
        return match module {
            Some(m) if m != "builtins" => format!("{m}.{name}"),
            _ => name.to_string(),
        };
    }
    if this.is_empty() {
        return name.to_string();
    }
    let class = this.downcast::<TypeObj>().unwrap_or_else(|| type_of(this));
    let defines = |c: &Value| {
        let d = c.downcast::<TypeObj>()?;
        let m = d.dict().get_str(intern(name))?.downcast::<MethodDescrObj>()?;
        let class = d.name_str();
        std::ptr::eq(m.def, def).then(|| class.rsplit('.').next().unwrap_or_default().to_string())
    };
    match class.mro().as_slice().iter().find_map(defines) {
        Some(c) => format!("{c}.{name}"),
        None => name.to_string(),
    }
}

/// Calls the code at `meth` by its `METH_*` flags.
///
/// # Safety
/// The flags must describe the function's signature.
#[allow(clippy::too_many_arguments, reason = "each is a part of one call")]
pub unsafe fn call_meth(
    vm: &Vm,
    meth: *const c_void,
    flags: i32,
    class: *mut PyTypeObject,
    this: Value,
    args: &[Value],
    names: Option<Ptr<TupleObj>>,
    def: &MethodDef,
) -> Res<Value> {
    let name = def.name;
    let nkw = names.map_or(0, |n| n.len());
    let npos = args.len() - nkw;
    if nkw > 0 && flags & meth::KEYWORDS == 0 {
        return Err(vm.type_error(format!("{}() takes no keyword arguments", function_str(def, this))));
    }
    let this_c = if this.is_empty() { null_mut() } else { to_c(vm, this)? };
    let _this = Hold(this_c);
    let _shown = crate::handled::show(vm);
    let convention =
        flags & (meth::VARARGS | meth::KEYWORDS | meth::NOARGS | meth::O | meth::FASTCALL | meth::METHOD);
    use std::mem::transmute;
    // SAFETY: the flags say the signature (the caller's promise); arguments are held for the call.
    let p = unsafe {
        match convention {
            meth::NOARGS => {
                if npos != 0 {
                    return Err(vm.type_error(format!(
                        "{}() takes no arguments ({npos} given)",
                        function_str(def, this)
                    )));
                }
                transmute::<*const c_void, binaryfunc>(meth)(this_c, null_mut())
            }
            meth::O => {
                if npos != 1 {
                    return Err(vm.type_error(format!(
                        "{}() takes exactly one argument ({npos} given)",
                        function_str(def, this)
                    )));
                }
                let a = Hold(to_c(vm, args[0])?);
                transmute::<*const c_void, binaryfunc>(meth)(this_c, a.0)
            }
            meth::VARARGS => {
                let t = Arguments::new(vm, args)?;
                transmute::<*const c_void, binaryfunc>(meth)(this_c, t.tuple())
            }
            VARARGS_KW => {
                let t = Arguments::new(vm, &args[..npos])?;
                let k = Hold(kwargs_dict(vm, names, &args[npos..])?);
                transmute::<*const c_void, ternaryfunc>(meth)(this_c, t.tuple(), k.0)
            }
            meth::FASTCALL => {
                let a = CArgs::new(vm, args)?;
                transmute::<*const c_void, Fast>(meth)(this_c, a.0.as_ptr(), npos as isize)
            }
            FASTCALL_KW => {
                let a = CArgs::new(vm, args)?;
                let n = Hold(given(names).map_or(Ok(null_mut()), |n| to_c(vm, n.value()))?);
                transmute::<*const c_void, FastKw>(meth)(this_c, a.0.as_ptr(), npos as isize, n.0)
            }
            METHOD_KW => {
                let a = CArgs::new(vm, args)?;
                let n = Hold(given(names).map_or(Ok(null_mut()), |n| to_c(vm, n.value()))?);
                transmute::<*const c_void, MethodKw>(meth)(this_c, class, a.0.as_ptr(), npos, n.0)
            }
            _ => return Err(vm.system_error(format!("{name}() method: bad call flags"))),
        }
    };
    check_result(vm, || callable_name(vm, def, this), p)
}

/// A reference held for the duration of a call; may be null.
pub struct Hold(pub *mut PyObject);

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the reference is ours.
            unsafe { decref(self.0) }
        }
    }
}
