//! `_codecs`.

use cape_builtins::codecs::errors::Errors;
use cape_builtins::codecs::{charmap, escape, narrow, registry, utf7, utf8, utf16, utf32};
use cape_vm::buffer::Buffer;
use cape_vm::native::{FromArg, OrNone};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

type Str = Ptr<StrObj>;
type Name = OrNone<String>;

fn strict(errors: &Name) -> &str {
    errors.0.as_deref().unwrap_or("strict")
}

fn pair(result: Value, used: usize) -> Ptr<TupleObj> {
    TupleObj::new(&[result, int_value(used as i64)])
}

fn encoded(data: Vec<u8>, s: Str) -> Ptr<TupleObj> {
    pair(BytesObj::new(&data).value(), s.len())
}

fn decoded(r: Res<(Str, usize)>) -> Res<Ptr<TupleObj>> {
    r.map(|(s, n)| pair(s.value(), n))
}

/// A bytes-like object, or a string, which stands for its UTF-8.
struct BytesOrStr(Vec<u8>);

impl FromArg for BytesOrStr {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Self> {
        match v.downcast::<StrObj>() {
            Some(s) => vm.utf8(s).map(|t| BytesOrStr(t.into_bytes())),
            None => vm.bytes_like(v).map(|b| BytesOrStr(b.as_slice().to_vec())),
        }
    }
}

/// A codec's name: a string without null characters.
struct Encoding(String);

impl FromArg for Encoding {
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Self> {
        let s = String::from_arg(vm, v, i)?;
        if s.contains('\0') { Err(vm.value_error("embedded null character")) } else { Ok(Encoding(s)) }
    }
}

fn utf_16(data: Buffer, errors: Name, order: i32, last: bool, vm: &Vm) -> Res<Ptr<TupleObj>> {
    let (s, n, _) = utf16::decode(data.as_slice(), &mut Errors::new(vm, strict(&errors)), order, last)?;
    Ok(pair(s.value(), n))
}

fn utf_32(data: Buffer, errors: Name, order: i32, last: bool, vm: &Vm) -> Res<Ptr<TupleObj>> {
    let (s, n, _) = utf32::decode(data.as_slice(), &mut Errors::new(vm, strict(&errors)), order, last)?;
    Ok(pair(s.value(), n))
}

/// Decoders with a `final` flag.
fn decoders(m: Ptr<ModuleObj>) {
    macro_rules! rows { ($($text:literal $default:literal $f:expr;)*) => { $(
        m.function($text, "", |vm: &Vm, data: Buffer, errors: Name, last: Option<bool>| -> Res<Ptr<TupleObj>> {
            let f: fn(Buffer, Name, bool, &Vm) -> Res<Ptr<TupleObj>> = $f;
            f(data, errors, last.unwrap_or($default), vm)
        });
    )* } }
    rows! {
        "utf_8_decode($module, data, errors=None, final=False, /)" false
            |d, e, last, vm| decoded(utf8::decode(d.as_slice(), &mut Errors::new(vm, strict(&e)), last));
        "utf_7_decode($module, data, errors=None, final=False, /)" false
            |d, e, last, vm| decoded(utf7::decode(d.as_slice(), &mut Errors::new(vm, strict(&e)), last));
        "utf_16_decode($module, data, errors=None, final=False, /)" false |d, e, last, vm| utf_16(d, e, 0, last, vm);
        "utf_16_le_decode($module, data, errors=None, final=False, /)" false |d, e, last, vm| utf_16(d, e, -1, last, vm);
        "utf_16_be_decode($module, data, errors=None, final=False, /)" false |d, e, last, vm| utf_16(d, e, 1, last, vm);
        "utf_32_decode($module, data, errors=None, final=False, /)" false |d, e, last, vm| utf_32(d, e, 0, last, vm);
        "utf_32_le_decode($module, data, errors=None, final=False, /)" false |d, e, last, vm| utf_32(d, e, -1, last, vm);
        "utf_32_be_decode($module, data, errors=None, final=False, /)" false |d, e, last, vm| utf_32(d, e, 1, last, vm);
    }
    m.function("unicode_escape_decode($module, data, errors=None, final=True, /)", "", |vm: &Vm, d: BytesOrStr, e: Name, last: Option<bool>| {
        decoded(escape::decode_unicode(&d.0, &mut Errors::new(vm, strict(&e)), last.unwrap_or(true)))
    })
    .function("raw_unicode_escape_decode($module, data, errors=None, final=True, /)", "", |vm: &Vm, d: BytesOrStr, e: Name, last: Option<bool>| {
        decoded(escape::decode_raw_unicode(&d.0, &mut Errors::new(vm, strict(&e)), last.unwrap_or(true)))
    })
    .function("ascii_decode($module, data, errors=None, /)", "", |vm: &Vm, d: Buffer, e: Name| {
        decoded(narrow::decode_ascii(d.as_slice(), &mut Errors::new(vm, strict(&e))))
    })
    .function("latin_1_decode($module, data, errors=None, /)", "", |_: &Vm, d: Buffer, _: Name| {
        pair(StrObj::from_latin1(d.as_slice()).value(), d.len())
    })
    .function("charmap_decode($module, data, errors=None, mapping=None, /)", "", |vm: &Vm, d: Buffer, e: Name, map: Value| {
        decoded(charmap::decode(d.as_slice(), &mut Errors::new(vm, strict(&e)), map))
    })
    .function("escape_decode($module, data, errors=None, /)", "", |vm: &Vm, d: BytesOrStr, e: Name| -> Res<_> {
        let out = escape::decode_bytes(vm, &d.0, strict(&e))?;
        Ok(pair(BytesObj::new(&out).value(), d.0.len()))
    })
    .function("utf_16_ex_decode($module, data, errors=None, byteorder=0, final=False, /)", "",
        |vm: &Vm, d: Buffer, e: Name, order: Option<i32>, last: Option<bool>| -> Res<_> {
            let (s, n, order) = utf16::decode(d.as_slice(), &mut Errors::new(vm, strict(&e)), order.unwrap_or(0), last.unwrap_or(false))?;
            Ok(TupleObj::new(&[s.value(), int_value(n as i64), Value::int(order as i64)]))
        })
    .function("utf_32_ex_decode($module, data, errors=None, byteorder=0, final=False, /)", "",
        |vm: &Vm, d: Buffer, e: Name, order: Option<i32>, last: Option<bool>| -> Res<_> {
            let (s, n, order) = utf32::decode(d.as_slice(), &mut Errors::new(vm, strict(&e)), order.unwrap_or(0), last.unwrap_or(false))?;
            Ok(TupleObj::new(&[s.value(), int_value(n as i64), Value::int(order as i64)]))
        });
}

fn encoders(m: Ptr<ModuleObj>) {
    macro_rules! rows { ($($text:literal $f:expr;)*) => { $(
        m.function($text, "", |vm: &Vm, s: Str, errors: Name| -> Res<Ptr<TupleObj>> {
            let f: fn(Str, &mut Errors<'_>) -> Res<Vec<u8>> = $f;
            f(s, &mut Errors::new(vm, strict(&errors))).map(|d| encoded(d, s))
        });
    )* } }
    rows! {
        "utf_8_encode($module, str, errors=None, /)" utf8::encode;
        "utf_7_encode($module, str, errors=None, /)" |s, _| Ok(utf7::encode(s));
        "utf_16_le_encode($module, str, errors=None, /)" |s, e| utf16::encode(s, e, -1);
        "utf_16_be_encode($module, str, errors=None, /)" |s, e| utf16::encode(s, e, 1);
        "utf_32_le_encode($module, str, errors=None, /)" |s, e| utf32::encode(s, e, -1);
        "utf_32_be_encode($module, str, errors=None, /)" |s, e| utf32::encode(s, e, 1);
        "ascii_encode($module, str, errors=None, /)" |s, e| narrow::encode(s, e, narrow::ASCII);
        "latin_1_encode($module, str, errors=None, /)" |s, e| narrow::encode(s, e, narrow::LATIN1);
        "unicode_escape_encode($module, str, errors=None, /)" |s, _| Ok(escape::encode_unicode(s));
        "raw_unicode_escape_encode($module, str, errors=None, /)" |s, _| Ok(escape::encode_raw_unicode(s));
    }
    m.function("utf_16_encode($module, str, errors=None, byteorder=0, /)", "", |vm: &Vm, s: Str, e: Name, order: Option<i32>| -> Res<_> {
        Ok(encoded(utf16::encode(s, &mut Errors::new(vm, strict(&e)), order.unwrap_or(0))?, s))
    })
    .function("utf_32_encode($module, str, errors=None, byteorder=0, /)", "", |vm: &Vm, s: Str, e: Name, order: Option<i32>| -> Res<_> {
        Ok(encoded(utf32::encode(s, &mut Errors::new(vm, strict(&e)), order.unwrap_or(0))?, s))
    })
    .function("charmap_encode($module, str, errors=None, mapping=None, /)", "", |vm: &Vm, s: Str, e: Name, map: Value| -> Res<_> {
        Ok(encoded(charmap::encode(s, &mut Errors::new(vm, strict(&e)), map)?, s))
    })
    .function("charmap_build($module, map, /)", "", charmap::build)
    .function("escape_encode($module, data, errors=None, /)", "", |_: &Vm, d: Ptr<BytesObj>, _: Name| {
        pair(BytesObj::new(&escape::encode_bytes(d.as_slice())).value(), d.len())
    })
    .function("readbuffer_encode($module, data, errors=None, /)", "Encode data, a bytes-like object or a string, as bytes.", |_: &Vm, d: BytesOrStr, _: Name| {
        pair(BytesObj::new(&d.0).value(), d.0.len())
    });
}

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    charmap::init(vm);
    m.function("register($module, search_function, /)", "Register a codec search function.", registry::register)
        .function("unregister($module, search_function, /)", "Unregister a codec search function and clear the registry's cache.", registry::unregister)
        .function("lookup($module, encoding, /)", "Looks up a codec tuple in the Python codec registry and returns a CodecInfo object.", |vm: &Vm, e: Encoding| registry::lookup(vm, &e.0))
        .function("encode($module, /, obj, encoding='utf-8', errors='strict')", "Encodes obj using the codec registered for encoding.", |vm: &Vm, obj: Value, e: Option<Encoding>, errors: Option<Encoding>| {
            let errors = errors.map(|e| e.0);
            registry::encode(vm, obj, e.as_ref().map_or("utf-8", |e| &e.0), errors.as_deref())
        })
        .function("decode($module, /, obj, encoding='utf-8', errors='strict')", "Decodes obj using the codec registered for encoding.", |vm: &Vm, obj: Value, e: Option<Encoding>, errors: Option<Encoding>| {
            let errors = errors.map(|e| e.0);
            registry::decode(vm, obj, e.as_ref().map_or("utf-8", |e| &e.0), errors.as_deref())
        })
        .function("register_error($module, errors, handler, /)", "Register the specified error handler under the name errors.", |vm: &Vm, name: Encoding, handler: Value| {
            registry::register_error(vm, StrObj::new(&name.0).value(), handler)
        })
        .function("_unregister_error($module, errors, /)", "Un-register the specified error handler for the error handling `errors'.", |vm: &Vm, name: Encoding| {
            registry::unregister_error(vm, &name.0)
        })
        .function("lookup_error($module, name, /)", "Return the error handler for the specified error handling name.", |vm: &Vm, name: Encoding| {
            registry::lookup_error(vm, &name.0)
        });
    encoders(m);
    decoders(m);
    Ok(())
}
