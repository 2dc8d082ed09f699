//! `__format__` of numbers.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Vm};

use super::float::{FIXED_ROOM, FloatStyle, float_to_string, short_fixed};
use super::grouping::Grouping;
use super::spec::Spec;

/// The parts of a number's text, to be put together with padding and separators.
struct Parts {
    negative: bool,
    prefix: &'static str,
    /// Digits before the point.
    whole: String,
    /// Digits behind the point, and whether there is a point.
    fraction: Option<String>,
    /// Exponent, percent sign; or all of the text of what has no digits.
    rest: String,
}

impl Parts {
    /// Splits the text of a float (without sign).
    fn of_float(text: &str, suffix: &str) -> Parts {
        let (negative, text) = match text.strip_prefix('-') {
            Some(t) => (true, t),
            None => (false, text),
        };
        let n = text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = text.split_at(n);
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(r) => {
                let n = r.bytes().take_while(u8::is_ascii_digit).count();
                (Some(r[..n].to_string()), &r[n..])
            }
            None => (None, rest),
        };
        Parts { negative, prefix: "", whole: whole.to_string(), fraction, rest: format!("{rest}{suffix}") }
    }

    fn write(&self, vm: &Vm, spec: &Spec, g: &Grouping, out: &mut StrBuilder) -> Res<()> {
        let sign = match (self.negative, spec.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            _ => "",
        };
        let mut tail = String::new();
        if let Some(f) = &self.fraction {
            tail.push_str(&g.point);
            tail.push_str(&g.group_fraction(f));
        }
        tail.push_str(&self.rest);
        let fixed = sign.len() + self.prefix.len() + tail.chars().count();
        let zero_pad = spec.fill == 0x30 && spec.align == '=';
        let min = if zero_pad { spec.width.unwrap_or(0).saturating_sub(fixed) } else { 0 };
        crate::bytes::check_size(vm, min)?;
        let whole = if self.whole.is_empty() { "0".repeat(min) } else { g.group(&self.whole, min) };
        let n = fixed + whole.chars().count();
        if spec.align == '=' {
            let total = spec.width.unwrap_or(0).max(n);
            crate::bytes::check_size(vm, total)?;
            out.push_str(sign);
            out.push_str(self.prefix);
            out.push_n(spec.fill, total - n);
            out.push_str(&whole);
            out.push_str(&tail);
            return Ok(());
        }
        spec.pad(vm, n, out, |out| {
            out.push_str(sign);
            out.push_str(self.prefix);
            out.push_str(&whole);
            out.push_str(&tail);
        })
    }
}

fn grouping(spec: &Spec) -> Grouping {
    match spec.kind {
        'n' => Grouping::of_locale(),
        'b' | 'o' | 'x' | 'X' => Grouping::every(4, spec.grouping, spec.fraction_grouping),
        _ => Grouping::every(3, spec.grouping, spec.fraction_grouping),
    }
}

/// A width of one or two digits, without a zero before it.
fn short_width(spec: &[u8]) -> Option<usize> {
    match *spec {
        [a @ b'1'..=b'9'] => Some((a - b'0') as usize),
        [a @ b'1'..=b'9', b @ b'0'..=b'9'] => Some((a - b'0') as usize * 10 + (b - b'0') as usize),
        _ => None,
    }
}

/// A float by a spec of a precision, type `f` and at most a width: what most specs of floats are.
fn plain_fixed(f: f64, spec: &StrObj) -> Option<Ptr<StrObj>> {
    let (width, precision) = match spec.as_ascii()?.as_bytes() {
        [width @ .., b'.', p @ b'0'..=b'9', b'f'] => (width, (p - b'0') as usize),
        _ => return None,
    };
    let width = if width.is_empty() { 0 } else { short_width(width.strip_prefix(b">").unwrap_or(width))? };
    let mut room = [0; FIXED_ROOM];
    let text = short_fixed(f, precision, &mut room)?;
    if width <= text.len() {
        return Some(StrObj::from_latin1(text));
    }
    let mut padded = [b' '; 100];
    padded[width - text.len()..width].copy_from_slice(text);
    Some(StrObj::from_latin1(&padded[..width]))
}

/// A word in decimal, by a spec of a width and at most zeros before it: what most specs of ints are.
fn plain_decimal(i: &Int, spec: &StrObj) -> Option<Ptr<StrObj>> {
    const ROOM: usize = 128;
    let Int::Small(i) = *i else { return None };
    let spec = spec.as_ascii()?.as_bytes();
    let spec = spec.strip_suffix(b"d").unwrap_or(spec);
    let zeros = spec.first() == Some(&b'0');
    let width = if zeros { short_width(&spec[1..])? } else { short_width(spec.strip_prefix(b">").unwrap_or(spec))? };
    let mut text = [if zeros { b'0' } else { b' ' }; ROOM];
    let (mut at, mut rest) = (ROOM, i.unsigned_abs());
    loop {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let negative = i < 0;
    let start = (at - negative as usize).min(ROOM - width);
    if negative {
        text[if zeros { start } else { at - 1 }] = b'-';
    }
    Some(StrObj::from_latin1(&text[start..]))
}

/// `format(i, spec)`.
pub fn format_int(vm: &Vm, i: &Int, text: Ptr<StrObj>) -> Res<Ptr<StrObj>> {
    if text.is_empty() {
        return int_to_text(vm, i, 10).map(|s| StrObj::new(&s));
    }
    if let Some(s) = plain_decimal(i, &text) {
        return Ok(s);
    }
    let spec = Spec::parse(vm, text, '>', "int")?;
    match spec.kind {
        '\0' | 'd' | 'n' | 'b' | 'o' | 'x' | 'X' | 'c' => {}
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => {
            let f = vm.int_to_f64(i)?;
            return format_float_spec(vm, f, spec);
        }
        _ => return Err(spec.unknown(vm, "int")),
    }
    if spec.precision.is_some() {
        return Err(vm.value_error("Precision not allowed in integer format specifier"));
    }
    if spec.no_negative_zero {
        return Err(vm.value_error("Negative zero coercion (z) not allowed in integer format specifier"));
    }
    let mut out = StrBuilder::new();
    if spec.kind == 'c' {
        if spec.sign.is_some() {
            return Err(vm.value_error("Sign not allowed with integer format specifier 'c'"));
        }
        if spec.alternate {
            return Err(vm.value_error("Alternate form (#) not allowed with integer format specifier 'c'"));
        }
        let c = match i.to_i64() {
            Some(c @ 0..=0x10ffff) => c as u32,
            Some(_) => return Err(vm.overflow_error("%c arg not in range(0x110000)")),
            None => return Err(vm.overflow_error("Python int too large to convert to C long")),
        };
        let spec = Spec { align: if spec.align == '=' { '>' } else { spec.align }, ..spec };
        spec.pad(vm, 1, &mut out, |out| out.push(c))?;
        return Ok(out.finish());
    }
    let (radix, prefix) = match spec.kind {
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut digits = int_to_text(vm, i, radix)?;
    let negative = digits.starts_with('-');
    if negative {
        digits.remove(0);
    }
    if spec.kind == 'X' {
        digits.make_ascii_uppercase();
    }
    let parts = Parts {
        negative,
        prefix: if spec.alternate { prefix } else { "" },
        whole: digits,
        fraction: None,
        rest: String::new(),
    };
    parts.write(vm, &spec, &grouping(&spec), &mut out)?;
    Ok(out.finish())
}

/// The digits of an int. Decimal text is limited in length as `sys.set_int_max_str_digits` says.
pub(super) fn int_to_text(vm: &Vm, i: &Int, radix: u32) -> Res<String> {
    match i {
        Int::Small(i) => Ok(match radix {
            2 if *i >= 0 => format!("{i:b}"),
            8 if *i >= 0 => format!("{i:o}"),
            16 if *i >= 0 => format!("{i:x}"),
            2 => format!("-{:b}", i.unsigned_abs()),
            8 => format!("-{:o}", i.unsigned_abs()),
            16 => format!("-{:x}", i.unsigned_abs()),
            _ => i.to_string(),
        }),
        Int::Big(b) if radix == 10 => {
            // `int.__repr__` knows the limit of digits.
            let v = big_value(b.clone());
            Ok(vm.repr(v)?.display())
        }
        Int::Big(b) => Ok(b.to_str_radix(radix)),
    }
}

/// `format(f, spec)`.
pub fn format_float(vm: &Vm, f: f64, text: Ptr<StrObj>) -> Res<Ptr<StrObj>> {
    if text.is_empty() {
        return Ok(StrObj::new(&crate::float_text::repr(f)));
    }
    if let Some(s) = plain_fixed(f, &text) {
        return Ok(s);
    }
    let spec = Spec::parse(vm, text, '>', "float")?;
    match spec.kind {
        '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%' => format_float_spec(vm, f, spec),
        _ => Err(spec.unknown(vm, "float")),
    }
}

/// The largest precision.
const MAX_PRECISION: usize = i32::MAX as usize;

fn checked_precision(vm: &Vm, spec: &Spec) -> Res<()> {
    match spec.precision {
        Some(p) if p > MAX_PRECISION => Err(vm.value_error("precision too big")),
        _ => Ok(()),
    }
}

/// The text of one float as the specification wants it, without sign handling, padding and separators.
fn float_text(spec: &Spec, f: f64, add_dot_0: bool) -> String {
    let (kind, default) = match spec.kind {
        '\0' if spec.precision.is_none() => ('r', 0),
        '\0' => ('g', 0),
        'n' => ('g', 6),
        '%' => ('f', 6),
        k => (k, 6),
    };
    let style = FloatStyle { add_dot_0, alternate: spec.alternate, no_negative_zero: spec.no_negative_zero };
    float_to_string(f, kind, spec.precision.unwrap_or(default), style)
}

fn format_float_spec(vm: &Vm, f: f64, spec: Spec) -> Res<Ptr<StrObj>> {
    checked_precision(vm, &spec)?;
    let (f, suffix) = if spec.kind == '%' { (f * 100.0, "%") } else { (f, "") };
    let text = float_text(&spec, f, spec.kind == '\0');
    let mut out = StrBuilder::new();
    Parts::of_float(&text, suffix).write(vm, &spec, &grouping(&spec), &mut out)?;
    Ok(out.finish())
}

/// `format(re + im j, spec)`.
pub fn format_complex(vm: &Vm, re: f64, im: f64, text: Ptr<StrObj>) -> Res<Ptr<StrObj>> {
    let spec = Spec::parse(vm, text, '>', "complex")?;
    match spec.kind {
        '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' => {}
        _ => return Err(spec.unknown(vm, "complex")),
    }
    checked_precision(vm, &spec)?;
    if spec.fill == 0x30 {
        return Err(vm.value_error("Zero padding is not allowed in complex format specifier"));
    }
    if spec.align == '=' {
        return Err(vm.value_error("'=' alignment flag is not allowed in complex format specifier"));
    }
    let plain = spec.kind == '\0';
    // Without a type the text is that of `str`: no real part that is a positive zero, and parentheses around two parts.
    let skip_re = plain && re == 0.0 && re.is_sign_positive();
    let inner = Spec { width: None, fill: 0x20, align: '<', ..spec.clone() };
    let g = grouping(&spec);
    let mut body = StrBuilder::new();
    if plain && !skip_re {
        body.push('(' as u32);
    }
    if !skip_re {
        Parts::of_float(&float_text(&inner, re, false), "").write(vm, &inner, &g, &mut body)?;
    }
    let im_spec = if skip_re { inner } else { Spec { sign: Some('+'), ..inner } };
    Parts::of_float(&float_text(&im_spec, im, false), "").write(vm, &im_spec, &g, &mut body)?;
    body.push('j' as u32);
    if plain && !skip_re {
        body.push(')' as u32);
    }
    let n = body.len();
    let body = body.finish();
    let mut out = StrBuilder::new();
    spec.pad(vm, n, &mut out, |out| out.push_obj(&body))?;
    Ok(out.finish())
}
