//! Source as text: what `compile` and its kin accept, and the encoding of source files (PEP 263).

use cape_vm::exc::set_extra;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Raised, Res, Value, Vm};

/// Where source bytes come from, for messages.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The file name to show.
    pub name: &'a str,
    /// The bytes were read from that file, not given to a function.
    pub is_file: bool,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Source given as str, bytes or bytes-like, decoded. `name` is the function and `what` what it accepts, for messages.
pub fn source_text(vm: &Vm, source: Value, what: &str, name: &str, filename: &str) -> Res<String> {
    let from = Origin { name: filename, is_file: false };
    let text = if let Some(s) = source.downcast::<StrObj>() {
        vm.utf8(s)?
    } else if let Some(b) = source.downcast::<BytesObj>() {
        decode(vm, b.as_slice(), from)?
    } else if let Some(b) = source.downcast::<BytearrayObj>() {
        decode(vm, b.as_slice(), from)?
    } else if type_of(source).name_str() == "memoryview" {
        let b = vm.call_method(source, intern("tobytes"), &[])?;
        decode(vm, b.downcast::<BytesObj>().expect("tobytes gives bytes").as_slice(), from)?
    } else {
        return Err(vm.type_error(format!("{name}() arg 1 must be a {what}")));
    };
    if text.contains('\0') {
        return Err(plain_error(vm, "source code string cannot contain null bytes"));
    }
    Ok(text)
}

/// Decodes source: UTF-8 unless a coding line names another encoding.
pub fn decode_source(vm: &Vm, bytes: &[u8], from: Origin<'_>) -> Res<String> {
    let text = decode(vm, bytes, from)?;
    if text.contains('\0') {
        return Err(plain_error(vm, "source code cannot contain null bytes"));
    }
    Ok(text)
}

fn decode(vm: &Vm, bytes: &[u8], from: Origin<'_>) -> Res<String> {
    let (body, bom) = match bytes.strip_prefix(BOM) {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    if !from.is_file && memchr::memchr(0, bytes).is_some() {
        return Err(plain_error(vm, "source code string cannot contain null bytes"));
    }
    let coding = coding_of(body);
    let name = coding.as_ref().map_or("utf-8", |c| &c.name);
    if name == "utf-8" {
        return match std::str::from_utf8(body) {
            Ok(s) => Ok(s.to_string()),
            Err(e) => Err(not_utf8(vm, body, e.valid_up_to(), from)),
        };
    }
    if bom && let Some(c) = &coding {
        let text = String::from_utf8_lossy(line_at(body, c.line).1).into_owned();
        let end = text.chars().count() as i64;
        let msg = format!("encoding problem: {name} with BOM");
        return Err(error_at(vm, &msg, from.name, c.line as i64, 0, &text, end));
    }
    if name == "iso-8859-1" {
        return Ok(body.iter().map(|&b| b as char).collect());
    }
    let m = vm.get_attr_str(BytesObj::new(body).value(), "decode")?;
    match vm.call(m, &[StrObj::new(name).value()]) {
        Ok(s) => match s.downcast::<StrObj>() {
            Some(s) => vm.utf8(s),
            None => Err(vm.type_error("the decoder of the source did not give a str")),
        },
        Err(r) if r.is(rt().types.lookup_error) || r.is(rt().types.unicode_decode_error) => {
            let message = vm.str(r.value())?.display();
            Err(nowhere(vm, &message, from.name))
        }
        Err(r) => Err(r),
    }
}

/// A `SyntaxError` without a place.
fn plain_error(vm: &Vm, msg: &str) -> Raised {
    let r = vm.syntax_error(msg);
    set_extra(r.exc(), 0, StrObj::new(msg).value());
    r
}

/// A `SyntaxError` with the arguments `(msg, place)` and these fields.
fn with_place(vm: &Vm, msg: &str, place: &[Value], fields: &[Value]) -> Raised {
    let message = StrObj::new(msg).value();
    let place = TupleObj::new(place).value();
    let r = vm.new_exc_args(rt().types.syntax_error, &[message, place]);
    set_extra(r.exc(), 0, message);
    for (i, &v) in fields.iter().enumerate() {
        set_extra(r.exc(), i + 1, v);
    }
    r
}

/// An error of the source as a whole.
fn nowhere(vm: &Vm, msg: &str, filename: &str) -> Raised {
    let place = [StrObj::new(filename).value(), Value::int(0), Value::int(-1), Value::NONE];
    with_place(vm, msg, &place, &place)
}

fn error_at(vm: &Vm, msg: &str, filename: &str, line: i64, col: i64, text: &str, end: i64) -> Raised {
    let (file, text) = (StrObj::new(filename).value(), StrObj::new(text).value());
    let (line, col, end) = (Value::int(line), Value::int(col), Value::int(end));
    with_place(vm, msg, &[Value::NONE, line, col, text, line, end], &[file, line, col, text, line, end])
}

fn not_utf8(vm: &Vm, body: &[u8], at: usize, from: Origin<'_>) -> Raised {
    let line = 1 + memchr::memchr_iter(b'\n', &body[..at]).count();
    let (start, bytes) = line_at(body, line);
    let text = String::from_utf8_lossy(bytes).into_owned();
    let col = String::from_utf8_lossy(&body[start..at]).chars().count() as i64 + 1;
    let place = if from.is_file { format!(" in file {}", from.name) } else { String::new() };
    let msg = format!(
        "Non-UTF-8 code starting with '\\x{:02x}'{place} on line {line}, but no encoding declared; see https://peps.python.org/pep-0263/ for details",
        body[at]
    );
    error_at(vm, &msg, from.name, line as i64, col, &text, col)
}

/// Where a line (1-based) begins, and the line without its end.
fn line_at(body: &[u8], line: usize) -> (usize, &[u8]) {
    let start = match line {
        1 => 0,
        n => memchr::memchr_iter(b'\n', body).nth(n - 2).map_or(body.len(), |i| i + 1),
    };
    let end = memchr::memchr(b'\n', &body[start..]).map_or(body.len(), |i| start + i);
    (start, &body[start..end])
}

/// What a coding line says.
struct Coding {
    name: String,
    line: usize,
}

/// The encoding that a comment in the first two lines names.
fn coding_of(body: &[u8]) -> Option<Coding> {
    for (i, line) in body.split(|&b| b == b'\n' || b == b'\r').take(2).enumerate() {
        let blank = line.iter().take_while(|b| matches!(b, b' ' | b'\t' | 12)).count();
        match line.get(blank) {
            None => continue,
            Some(b'#') => {}
            Some(_) => return None,
        }
        for at in memchr::memmem::find_iter(line, b"coding") {
            let rest = &line[at + 6..];
            if !matches!(rest.first(), Some(b':' | b'=')) {
                continue;
            }
            let name: Vec<u8> = rest[1..]
                .iter()
                .copied()
                .skip_while(|b| matches!(b, b' ' | b'\t'))
                .take_while(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
                .collect();
            if !name.is_empty() {
                return Some(Coding { name: normal_name(&String::from_utf8_lossy(&name)), line: i + 1 });
            }
        }
    }
    None
}

/// The two encodings that have names of their own, and any other as it is.
fn normal_name(name: &str) -> String {
    let lower: String =
        name.chars().take(12).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    let is = |n: &str| lower == n || lower.strip_prefix(n).is_some_and(|r| r.starts_with('-'));
    if is("utf-8") {
        return "utf-8".into();
    }
    if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") {
        return "iso-8859-1".into();
    }
    name.to_string()
}
