//! The standard error handlers as Python callables.

use cape_vm::exc::extra;
use cape_vm::native::{Flavour, MethodDef};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use super::errors::{backslash, surrogate_at, surrogate_bytes, utf_unit};

/// What a Unicode error is about.
enum Subject {
    Text(Ptr<StrObj>),
    Bytes(Ptr<BytesObj>),
}

struct Info {
    subject: Subject,
    encoding: String,
    start: usize,
    end: usize,
    decode: bool,
    translate: bool,
}

fn unknown(vm: &Vm, v: Value) -> Raised {
    vm.type_error(format!(
        "don't know how to handle {} in error callback",
        cape_vm::class::full_name(type_of(v))
    ))
}

/// Reads a Unicode error's fields, clipped to the object.
fn info(vm: &Vm, v: Value) -> Res<Info> {
    let t = &rt().types;
    let exc: Ptr<ExcObj> = v.downcast().ok_or_else(|| unknown(vm, v))?;
    let of = |c| type_of(v).is_subtype(c);
    let (decode, translate) = (of(t.unicode_decode_error), of(t.unicode_translate_error));
    if !decode && !translate && !of(t.unicode_encode_error) {
        return Err(unknown(vm, v));
    }
    let object = extra(exc, 1);
    let (subject, len) = if decode {
        let b: Ptr<BytesObj> =
            object.downcast().ok_or_else(|| vm.type_error("object attribute must be bytes"))?;
        (Subject::Bytes(b), b.len())
    } else {
        let s: Ptr<StrObj> =
            object.downcast().ok_or_else(|| vm.type_error("object attribute must be unicode"))?;
        (Subject::Text(s), s.len())
    };
    let number = |i| Int::of(extra(exc, i)).and_then(|i| i.to_i64()).unwrap_or(0);
    // A position is at least 0 and before the end; the end at least 1 and not behind the object's.
    let start = number(2).clamp(0, (len as i64 - 1).max(0)) as usize;
    let end = number(3).clamp(1.min(len as i64), len as i64) as usize;
    let encoding = extra(exc, 0).downcast::<StrObj>().map_or(String::new(), |s| s.display());
    Ok(Info { subject, encoding, start, end: end.max(start), decode, translate })
}

fn answer(text: Value, at: usize) -> Value {
    TupleObj::new(&[text, int_value(at as i64)]).value()
}

fn strict(vm: &Vm, v: Value) -> Res<Value> {
    match v.downcast::<ExcObj>() {
        Some(e) => Err(Raised::new(e)),
        None => Err(vm.type_error("codec must pass exception instance")),
    }
}

fn ignore(vm: &Vm, v: Value) -> Res<Value> {
    let i = info(vm, v)?;
    Ok(answer(rt().empty_str().value(), i.end))
}

fn replace(vm: &Vm, v: Value) -> Res<Value> {
    let i = info(vm, v)?;
    let n = i.end - i.start;
    let text = match (i.decode, i.translate) {
        (true, _) => vec![0xfffd],
        (_, true) => vec![0xfffd; n],
        _ => vec!['?' as u32; n],
    };
    Ok(answer(StrObj::from_code_points(&text).value(), i.end))
}

fn backslashreplace(vm: &Vm, v: Value) -> Res<Value> {
    let i = info(vm, v)?;
    let mut text = Vec::new();
    match i.subject {
        Subject::Bytes(b) => {
            b.as_slice()[i.start..i.end].iter().for_each(|&c| backslash(&mut text, c as u32))
        }
        Subject::Text(s) => (i.start..i.end).for_each(|k| backslash(&mut text, s.char_at(k))),
    }
    Ok(answer(StrObj::from_code_points(&text).value(), i.end))
}

fn encode_only(vm: &Vm, v: Value) -> Res<(Ptr<StrObj>, Info)> {
    let i = info(vm, v)?;
    match i.subject {
        Subject::Text(s) if !i.translate => Ok((s, i)),
        _ => Err(unknown(vm, v)),
    }
}

fn xmlcharrefreplace(vm: &Vm, v: Value) -> Res<Value> {
    let (s, i) = encode_only(vm, v)?;
    let text: String = (i.start..i.end).map(|k| format!("&#{};", s.char_at(k))).collect();
    Ok(answer(StrObj::new(&text).value(), i.end))
}

fn namereplace(vm: &Vm, v: Value) -> Res<Value> {
    let (s, i) = encode_only(vm, v)?;
    // The names belong to this module, which programs see.
    vm.import_module("unicodedata")?;
    let mut text = Vec::new();
    for c in (i.start..i.end).map(|k| s.char_at(k)) {
        match crate::unicode::name(c) {
            Some(n) => text.extend(format!("\\N{{{n}}}").bytes().map(u32::from)),
            None => backslash(&mut text, c),
        }
    }
    Ok(answer(StrObj::from_code_points(&text).value(), i.end))
}

fn surrogateescape(vm: &Vm, v: Value) -> Res<Value> {
    let i = info(vm, v)?;
    match i.subject {
        Subject::Text(s) if !i.translate => {
            let mut out = Vec::new();
            for c in (i.start..i.end).map(|k| s.char_at(k)) {
                match c {
                    0xdc80..0xdd00 => out.push((c - 0xdc00) as u8),
                    _ => return strict(vm, v),
                }
            }
            Ok(answer(BytesObj::new(&out).value(), i.end))
        }
        Subject::Bytes(b) => {
            let text: Vec<u32> = b.as_slice()[i.start..i.end]
                .iter()
                .take(4)
                .take_while(|&&b| b >= 0x80)
                .map(|&b| 0xdc00 + b as u32)
                .collect();
            if text.is_empty() {
                return strict(vm, v);
            }
            Ok(answer(StrObj::from_code_points(&text).value(), i.start + text.len()))
        }
        _ => Err(unknown(vm, v)),
    }
}

fn surrogatepass(vm: &Vm, v: Value) -> Res<Value> {
    let i = info(vm, v)?;
    let unit = utf_unit(&i.encoding);
    match i.subject {
        Subject::Text(s) if !i.translate => {
            let Some(unit) = unit else { return strict(vm, v) };
            let mut out = Vec::new();
            for c in (i.start..i.end).map(|k| s.char_at(k)) {
                if !(0xd800..0xe000).contains(&c) {
                    return strict(vm, v);
                }
                out.extend(surrogate_bytes(c, unit));
            }
            Ok(answer(BytesObj::new(&out).value(), i.end))
        }
        Subject::Bytes(b) => {
            let Some((c, n)) = unit.and_then(|u| surrogate_at(&b.as_slice()[i.start..], u)) else {
                return strict(vm, v);
            };
            Ok(answer(StrObj::from_code_points(&[c]).value(), i.start + n))
        }
        _ => Err(unknown(vm, v)),
    }
}

/// Puts the standard handlers into the registry.
pub(super) fn register(vm: &Vm, errors: Ptr<DictObj>) {
    let _ = vm;
    macro_rules! rows { ($($name:literal $text:literal $doc:literal $f:ident;)*) => { $(
        let def = MethodDef::leak($text, $doc, Flavour::Function, $f);
        errors.set_str(intern($name), BuiltinObj::new(def, Value::EMPTY, Value::NONE).value());
    )* } }
    rows! {
        "strict" "strict_errors(exception, /)" "Implements the 'strict' error handling, which raises a UnicodeError on coding errors." strict;
        "ignore" "ignore_errors(exception, /)" "Implements the 'ignore' error handling, which ignores malformed data and continues." ignore;
        "replace" "replace_errors(exception, /)" "Implements the 'replace' error handling, which replaces malformed data with a replacement marker." replace;
        "xmlcharrefreplace" "xmlcharrefreplace_errors(exception, /)" "Implements the 'xmlcharrefreplace' error handling, which replaces an unencodable character with the appropriate XML character reference." xmlcharrefreplace;
        "backslashreplace" "backslashreplace_errors(exception, /)" "Implements the 'backslashreplace' error handling, which replaces malformed data with a backslashed escape sequence." backslashreplace;
        "namereplace" "namereplace_errors(exception, /)" "Implements the 'namereplace' error handling, which replaces an unencodable character with a \\N{...} escape sequence." namereplace;
        "surrogatepass" "surrogatepass(exception, /)" "Implements the 'surrogatepass' error handling, which lets lone surrogates pass." surrogatepass;
        "surrogateescape" "surrogateescape(exception, /)" "Implements the 'surrogateescape' error handling, which keeps undecodable bytes as lone surrogates." surrogateescape;
    }
}
