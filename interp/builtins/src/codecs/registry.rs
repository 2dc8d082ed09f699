//! The registry of codecs and of error handlers: each interpreter's own.

use std::cell::UnsafeCell;

use cape_heap::Root;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, interpreter, type_of};

use super::handlers;

struct Registry {
    /// List of search functions.
    search: Root,
    /// Dict: normalised name to what a search function returned.
    cache: Root,
    /// Dict: name to error handler.
    errors: Root,
    /// The native error handlers, as such a dict: all interpreters have the same.
    native: Root,
}

struct Slot(UnsafeCell<Option<Registry>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Slot {}
static REGISTRY: Slot = Slot(UnsafeCell::new(None));

fn registry(vm: &Vm) -> &'static Registry {
    // SAFETY: the GIL is held; the registry is never replaced once made.
    let slot = unsafe { &mut *REGISTRY.0.get() };
    let first = slot.is_none();
    let empty = || Root::new(Value::EMPTY);
    let r: &'static Registry = slot.get_or_insert_with(|| Registry {
        search: empty(),
        cache: empty(),
        errors: empty(),
        native: Root::new(DictObj::new().value()),
    });
    if first {
        handlers::register(vm, dict(&r.native));
        for root in [&r.search, &r.cache, &r.errors] {
            interpreter::own(root);
        }
    }
    if r.errors.get().is_empty() {
        r.search.set(ListObj::new(&[]).value());
        r.cache.set(DictObj::new().value());
        r.errors.set(dict(&r.native).copy().value());
    }
    r
}

fn dict(r: &Root) -> Ptr<DictObj> {
    r.get().downcast().expect("a dict")
}

fn searchers(r: &Registry) -> Ptr<ListObj> {
    r.search.get().downcast().expect("a list")
}

/// `codecs.register`.
pub fn register(vm: &Vm, search: Value) -> Res<()> {
    if !vm.is_callable(search) {
        return Err(vm.type_error("argument must be callable"));
    }
    searchers(registry(vm)).push(search);
    Ok(())
}

/// `codecs.unregister`.
pub fn unregister(vm: &Vm, search: Value) {
    let r = registry(vm);
    let list = searchers(r);
    let at = (0..list.len()).find(|&i| list.get(i) == Some(search));
    if let Some(i) = at {
        list.remove(i);
        r.cache.set(DictObj::new().value());
    }
}

/// An encoding's name as search functions get it: lower case, runs of other characters than letters, digits and
/// dots as one underscore.
pub fn normalize(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            gap = false;
            out.push(c.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    out
}

/// `codecs.lookup`.
pub fn lookup(vm: &Vm, encoding: &str) -> Res<Ptr<TupleObj>> {
    let r = registry(vm);
    if searchers(r).is_empty() {
        vm.import_module("encodings")?;
    }
    let name = intern(&normalize(encoding));
    if let Some(found) = dict(&r.cache).get(vm, name)? {
        return found.downcast().ok_or_else(|| not_a_tuple(vm));
    }
    let mut i = 0;
    while let Some(f) = searchers(r).get(i) {
        i += 1;
        let found = vm.call(f, &[name])?;
        if found.is_none() {
            continue;
        }
        let tuple: Ptr<TupleObj> = found.downcast().ok_or_else(|| not_a_tuple(vm))?;
        if tuple.len() != 4 {
            return Err(not_a_tuple(vm));
        }
        dict(&r.cache).set(vm, name, found)?;
        return Ok(tuple);
    }
    Err(vm.lookup_error(format!("unknown encoding: {encoding}")))
}

fn not_a_tuple(vm: &Vm) -> Raised {
    vm.type_error("codec search functions must return 4-tuples")
}

/// `codecs.register_error`.
pub fn register_error(vm: &Vm, name: Value, handler: Value) -> Res<()> {
    if !vm.is_callable(handler) {
        return Err(vm.type_error("handler must be callable"));
    }
    dict(&registry(vm).errors).set(vm, name, handler)
}

/// `codecs._unregister_error`: whether there was one.
pub fn unregister_error(vm: &Vm, name: &str) -> Res<bool> {
    if super::errors::Handler::of(name) != super::errors::Handler::Other {
        return Err(vm.value_error(format!("cannot un-register built-in error handler '{name}'")));
    }
    Ok(dict(&registry(vm).errors).remove(vm, intern(name))?.is_some())
}

/// `codecs.lookup_error`.
pub fn lookup_error(vm: &Vm, name: &str) -> Res<Value> {
    match dict(&registry(vm).errors).get(vm, intern(name))? {
        Some(h) => Ok(h),
        None => Err(vm.lookup_error(format!("unknown error handler name '{name}'"))),
    }
}

fn call_codec(
    vm: &Vm,
    codec: Ptr<TupleObj>,
    which: usize,
    obj: Value,
    encoding: &str,
    errors: Option<&str>,
) -> Res<Value> {
    let f = codec.get(which);
    let args = [obj, errors.map_or(Value::EMPTY, |e| StrObj::new(e).value())];
    let n = if errors.is_some() { 2 } else { 1 };
    let (operation, role) = if which == 0 { ("encoding", "encoder") } else { ("decoding", "decoder") };
    let r = match vm.call(f, &args[..n]) {
        Ok(r) => r,
        Err(e) => {
            vm.add_note(e.exc(), &format!("{operation} with '{encoding}' codec failed"))?;
            return Err(e);
        }
    };
    match r.downcast::<TupleObj>() {
        Some(t) if t.len() == 2 => Ok(t.get(0)),
        _ => Err(vm.type_error(format!("{role} must return a tuple (object, integer)"))),
    }
}

/// `codecs.encode`.
pub fn encode(vm: &Vm, obj: Value, encoding: &str, errors: Option<&str>) -> Res<Value> {
    let codec = lookup(vm, encoding)?;
    call_codec(vm, codec, 0, obj, encoding, errors)
}

/// `codecs.decode`.
pub fn decode(vm: &Vm, obj: Value, encoding: &str, errors: Option<&str>) -> Res<Value> {
    let codec = lookup(vm, encoding)?;
    call_codec(vm, codec, 1, obj, encoding, errors)
}

/// The codec, which must be one between text and bytes.
pub fn lookup_text(vm: &Vm, encoding: &str, alternative: &str) -> Res<Ptr<TupleObj>> {
    let codec = lookup(vm, encoding)?;
    if type_of(codec.value()) != cape_vm::rt().types.tuple
        && let Some(v) = vm.get_attr_opt(codec.value(), intern("_is_text_encoding"))?
        && !vm.truth(v)?
    {
        return Err(vm.lookup_error(format!(
            "'{encoding}' is not a text encoding; use {alternative} to handle arbitrary codecs"
        )));
    }
    Ok(codec)
}

/// What `str.encode` does with encodings that are not built in.
pub(super) fn encode_text(vm: &Vm, s: Value, encoding: &str, errors: &str) -> Res<Value> {
    let codec = lookup_text(vm, encoding, "codecs.encode()")?;
    call_codec(vm, codec, 0, s, encoding, Some(errors))
}

/// What `bytes.decode` does with encodings that are not built in.
pub(super) fn decode_text(vm: &Vm, data: Value, encoding: &str, errors: &str) -> Res<Value> {
    let codec = lookup_text(vm, encoding, "codecs.decode()")?;
    // Codecs take bytes-like objects; other buffers are handed over as they are.
    call_codec(vm, codec, 1, data, encoding, Some(errors))
}

/// An encoder returned a bytearray: RuntimeWarning.
pub(super) fn warn_bytearray(vm: &Vm, encoding: &str) -> Res<()> {
    let warn = vm.import_attr("warnings", "warn")?;
    let text = StrObj::new(&format!(
        "encoder {encoding} returned bytearray instead of bytes; use codecs.encode() to encode to arbitrary types"
    ));
    vm.call(warn, &[text.value(), cape_vm::rt().types.runtime_warning.value()]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn names() {
        assert_eq!(normalize("UTF-8"), "utf_8");
        assert_eq!(normalize("iso  8859-1"), "iso_8859_1");
        assert_eq!(normalize("--x.y-"), "x.y");
    }
}
