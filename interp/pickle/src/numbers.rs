//! Numbers as text, as the older protocols have them.

use cape_builtins::int_text;
use cape_vm::object::{BytesObj, Int};
use cape_vm::{Res, Value, Vm, rt};

/// C's whitespace.
fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

/// Text up to a NUL, where C's strings end.
fn c_string(line: &[u8]) -> &[u8] {
    &line[..memchr::memchr(0, line).unwrap_or(line.len())]
}

/// What C's `strtol` makes of a whole line.
fn simple_int(line: &[u8]) -> Option<i64> {
    let start = line.iter().position(|&b| !is_space(b))?;
    let text = std::str::from_utf8(&line[start..]).ok()?;
    text.parse().ok()
}

/// The operand of `INT`: also a bool, by its length.
pub fn int(vm: &Vm, line: &[u8]) -> Res<Value> {
    if let Some(i) = simple_int(line) {
        return Ok(match i {
            0 | 1 if line.len() == 2 => Value::bool(i == 1),
            _ => cape_vm::object::int_value(i),
        });
    }
    let text = c_string(line);
    match int_text::parse(vm, text, 10, Value::NONE) {
        Ok(v) => Ok(v),
        Err(r) if r.is(rt().types.value_error) => Err(vm.value_error("could not convert string to int")),
        Err(r) => Err(r),
    }
}

/// An int of any length; `shown` is what messages quote.
fn any_int(vm: &Vm, text: &[u8], shown: &[u8]) -> Res<Value> {
    let shown = cape_builtins::codecs::decode(vm, BytesObj::new(shown).value(), "utf-8", "strict");
    match shown {
        Ok(s) => int_text::parse(vm, text, 10, s.value()),
        Err(r) => Err(r),
    }
}

/// The operand of `LONG`.
pub fn long(vm: &Vm, line: &[u8]) -> Res<Value> {
    match line.strip_suffix(b"L") {
        Some(text) => any_int(vm, c_string(text), c_string(text)),
        None => any_int(vm, c_string(line), &with_end(line)),
    }
}

/// A line as C sees it: up to a NUL, or with its line feed.
fn with_end(line: &[u8]) -> Vec<u8> {
    let mut shown = c_string(line).to_vec();
    if shown.len() == line.len() {
        shown.push(b'\n');
    }
    shown
}

/// A number of the memo.
pub fn memo_number(vm: &Vm, line: &[u8]) -> Res<i64> {
    let v = any_int(vm, c_string(line), &with_end(line))?;
    match Int::of(v).and_then(|i| i.to_i64()) {
        Some(i) => Ok(i),
        None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

/// How many bytes of the text are a float, as C reads it: no space before it, no underscores.
fn float_len(s: &[u8]) -> usize {
    let digits = |from: usize| s[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = matches!(s.first(), Some(b'+' | b'-')) as usize;
    for word in ["infinity", "inf", "nan"] {
        if s.len() >= sign + word.len() && s[sign..sign + word.len()].eq_ignore_ascii_case(word.as_bytes()) {
            return sign + word.len();
        }
    }
    let whole = digits(sign);
    let mut at = sign + whole;
    let mut any = whole;
    if s.get(at) == Some(&b'.') {
        let part = digits(at + 1);
        any += part;
        if any > 0 {
            at += 1 + part;
        }
    }
    if any == 0 {
        return 0;
    }
    if matches!(s.get(at), Some(b'e' | b'E')) {
        let sign = matches!(s.get(at + 1), Some(b'+' | b'-')) as usize;
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}

/// The operand of `FLOAT`.
pub fn float(vm: &Vm, line: &[u8]) -> Res<f64> {
    let text = c_string(line);
    let n = float_len(text);
    let shown = || String::from_utf8_lossy(&with_end(line)).into_owned();
    let Some(f) = std::str::from_utf8(&text[..n]).ok().and_then(|t| t.parse::<f64>().ok()) else {
        return Err(vm.value_error(format!("could not convert string to float: '{}'", shown())));
    };
    if f.is_infinite() && text[..n].iter().any(u8::is_ascii_digit) {
        return Err(vm.overflow_error(format!("value too large to convert to float: '{}'", shown())));
    }
    if n != text.len() {
        return Err(vm.value_error("could not convert string to float"));
    }
    Ok(f)
}
