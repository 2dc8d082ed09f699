//! `%` formatting of `str` and `bytes`.

use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use super::float::{FloatStyle, float_to_string};
use super::number::int_to_text;
use crate::bytes::Data;
use crate::slicing::is_index;

type Str = Ptr<StrObj>;

/// What differs between `str` and `bytes`.
trait Target {
    /// Template unit at `i`.
    fn unit(&self, i: usize) -> u32;
    fn len(&self) -> usize;
    /// The key `from..to` of a mapping.
    fn key(&self, from: usize, to: usize) -> Value;
    /// Appends template text.
    fn literal(&mut self, from: usize, to: usize);
    fn push(&mut self, c: u32);
    fn push_n(&mut self, c: u32, n: usize);
    fn push_str(&mut self, s: &str);
    /// Appends at most `precision` units of the text that conversion `kind` gives; false when the target does not know it.
    fn convert(&mut self, vm: &Vm, kind: u32, v: Value, f: &Flags) -> Res<bool>;
    const NAME: &'static str;
}

/// The flags of one conversion.
#[derive(Default)]
struct Flags {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

struct Arguments {
    all: Value,
    tuple: Option<Ptr<TupleObj>>,
    next: usize,
    mapping: bool,
}

impl Arguments {
    fn new(vm: &Vm, args: Value) -> Arguments {
        let tuple = args.downcast::<TupleObj>();
        let mapping = tuple.is_none()
            && !args.is::<StrObj>()
            && !args.is::<BytesObj>()
            && !args.is::<BytearrayObj>()
            && !type_of(args).special(Special::Getitem).is_empty();
        let _ = vm;
        Arguments { all: args, tuple, next: 0, mapping }
    }

    fn next(&mut self, vm: &Vm) -> Res<Value> {
        let v = match self.tuple {
            Some(t) => t.as_slice().get(self.next).copied(),
            None => (self.next == 0).then_some(self.all),
        };
        self.next += 1;
        v.ok_or_else(|| vm.type_error("not enough arguments for format string"))
    }

    fn left_over(&self) -> bool {
        match self.tuple {
            Some(t) => self.next < t.len(),
            None => self.next == 0 && !self.mapping,
        }
    }
}

fn run<T: Target>(vm: &Vm, t: &mut T, args: Value) -> Res<()> {
    let mut args = Arguments::new(vm, args);
    let mut keyed = false;
    let n = t.len();
    let mut i = 0;
    while i < n {
        let start = i;
        while i < n && t.unit(i) != '%' as u32 {
            i += 1;
        }
        t.literal(start, i);
        if i == n {
            break;
        }
        i += 1;
        let incomplete = || vm.value_error("incomplete format");
        if i == n {
            return Err(incomplete());
        }
        if t.unit(i) == '%' as u32 {
            t.push('%' as u32);
            i += 1;
            continue;
        }
        let mut keyed_value = None;
        if t.unit(i) == '(' as u32 {
            if !args.mapping {
                return Err(vm.type_error("format requires a mapping"));
            }
            let from = i + 1;
            let mut depth = 1;
            i = from;
            while i < n {
                match char::from_u32(t.unit(i)) {
                    Some('(') => depth += 1,
                    Some(')') => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                i += 1;
            }
            if i == n {
                return Err(vm.value_error("incomplete format key"));
            }
            let key = t.key(from, i);
            keyed_value = Some(vm.get_item(args.all, key)?);
            keyed = true;
            i += 1;
        }
        let mut f = Flags::default();
        while i < n {
            match char::from_u32(t.unit(i)) {
                Some('-') => f.left = true,
                Some('+') => f.plus = true,
                Some(' ') => f.space = true,
                Some('#') => f.alternate = true,
                Some('0') => f.zero = true,
                _ => break,
            }
            i += 1;
        }
        if let Some(w) = size(vm, t, &mut i, &mut args, keyed_value, "width too big")? {
            f.left |= w < 0;
            f.width = w.unsigned_abs();
        }
        if i < n && t.unit(i) == '.' as u32 {
            i += 1;
            let p = size(vm, t, &mut i, &mut args, keyed_value, "precision too big")?.unwrap_or(0);
            f.precision = Some(p.max(0) as usize);
        }
        if i < n && matches!(char::from_u32(t.unit(i)), Some('h' | 'l' | 'L')) {
            i += 1;
        }
        if i == n {
            return Err(incomplete());
        }
        let kind = t.unit(i);
        let v = match keyed_value {
            Some(v) => v,
            None => args.next(vm)?,
        };
        if !number(vm, t, kind, v, &f)? && !t.convert(vm, kind, v, &f)? {
            let shown = char::from_u32(kind).filter(|c| (' '..'\u{7f}').contains(c)).unwrap_or('?');
            return Err(
                vm.value_error(format!("unsupported format character '{shown}' (0x{kind:x}) at index {i}"))
            );
        }
        i += 1;
    }
    if args.left_over() && !keyed {
        return Err(
            vm.type_error(format!("not all arguments converted during {} formatting", T::NAME))
        );
    }
    Ok(())
}

/// A width or precision: digits, or `*` for an argument.
fn size<T: Target>(
    vm: &Vm,
    t: &T,
    i: &mut usize,
    args: &mut Arguments,
    keyed: Option<Value>,
    too_big: &str,
) -> Res<Option<isize>> {
    if *i < t.len() && t.unit(*i) == '*' as u32 {
        *i += 1;
        let v = match keyed {
            Some(v) => v,
            None => args.next(vm)?,
        };
        let n = Int::of(v).ok_or_else(|| vm.type_error("* wants int"))?;
        return match n.to_i64() {
            Some(n) if too_big.starts_with("precision") && n > i32::MAX as i64 => {
                Err(vm.overflow_error("Python int too large to convert to C int"))
            }
            Some(n) => Ok(Some(n as isize)),
            None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
        };
    }
    let mut n: Option<isize> = None;
    while *i < t.len()
        && let Some(d @ 0..=9) = t.unit(*i).checked_sub('0' as u32)
    {
        let max = if too_big.starts_with("precision") { i32::MAX as isize } else { isize::MAX };
        let next = n.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(d as isize));
        n = Some(next.filter(|&n| n <= max).ok_or_else(|| vm.value_error(too_big))?);
        *i += 1;
    }
    Ok(n)
}

/// Numeric conversions; false when `kind` is none.
fn number<T: Target>(vm: &Vm, t: &mut T, kind: u32, v: Value, f: &Flags) -> Res<bool> {
    let Some(c) = char::from_u32(kind) else { return Ok(false) };
    let (negative, prefix, body) = match c {
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
            let text = integer(vm, c, v)?;
            let (negative, digits) = match text.strip_prefix('-') {
                Some(d) => (true, d.to_string()),
                None => (false, text),
            };
            if f.precision.is_some_and(|p| p > i32::MAX as usize - 4) {
                return Err(vm.overflow_error("precision too large"));
            }
            let zeros = f.precision.unwrap_or(0).saturating_sub(digits.len());
            crate::bytes::check_size(vm, zeros)?;
            let digits = format!("{}{digits}", "0".repeat(zeros));
            let prefix = match c {
                'x' if f.alternate => "0x",
                'X' if f.alternate => "0X",
                'o' if f.alternate => "0o",
                _ => "",
            };
            (negative, prefix, if c == 'X' { digits.to_uppercase() } else { digits })
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let x = float_argument(vm, v, T::NAME)?;
            let style = FloatStyle { alternate: f.alternate, ..FloatStyle::default() };
            let text = float_to_string(x, c, f.precision.unwrap_or(6), style);
            match text.strip_prefix('-') {
                Some(d) => (true, "", d.to_string()),
                None => (false, "", text),
            }
        }
        _ => return Ok(false),
    };
    let sign = match (negative, f.plus, f.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let n = sign.len() + prefix.len() + body.len();
    crate::bytes::check_size(vm, f.width)?;
    let fill = f.width.saturating_sub(n);
    if !f.left && !f.zero {
        t.push_n(' ' as u32, fill);
    }
    t.push_str(sign);
    t.push_str(prefix);
    if !f.left && f.zero {
        t.push_n('0' as u32, fill);
    }
    t.push_str(&body);
    if f.left {
        t.push_n(' ' as u32, fill);
    }
    Ok(true)
}

fn float_argument(vm: &Vm, v: Value, target: &str) -> Res<f64> {
    vm.to_f64(v).map_err(|e| {
        if target == "bytes" && e.is(rt().types.type_error) {
            return vm.type_error(format!("float argument required, not {}", full_name(type_of(v))));
        }
        e
    })
}

/// The digits of an integer conversion's argument.
fn integer(vm: &Vm, c: char, v: Value) -> Res<String> {
    let radix = match c {
        'x' | 'X' => 16,
        'o' => 8,
        _ => 10,
    };
    if let Some(i) = Int::of(v) {
        return int_to_text(vm, &i, radix);
    }
    let wanted = |vm: &Vm| -> Raised {
        let what = if radix == 10 { "a real number" } else { "an integer" };
        vm.type_error(format!("%{c} format: {what} is required, not {}", full_name(type_of(v))))
    };
    let t = type_of(v);
    let converted = if radix != 10 {
        if t.special(Special::Index).is_empty() {
            return Err(wanted(vm));
        }
        vm.index_value(v)
    } else {
        let numeric = v.is_float()
            || v.is::<FloatObj>()
            || !t.special(Special::Int).is_empty()
            || !t.special(Special::Index).is_empty();
        if !numeric || v.is::<ComplexObj>() {
            return Err(wanted(vm));
        }
        vm.call(rt().types.int.value(), &[v])
    };
    match converted {
        Ok(i) => match Int::of(i) {
            Some(i) => int_to_text(vm, &i, radix),
            None => Err(wanted(vm)),
        },
        Err(e) if e.is(rt().types.type_error) => Err(wanted(vm)),
        Err(e) => Err(e),
    }
}

/// Appends `n` units that `write` appends, padded with spaces.
fn padded<T: Target>(vm: &Vm, t: &mut T, n: usize, f: &Flags, write: impl FnOnce(&mut T)) -> Res<()> {
    crate::bytes::check_size(vm, f.width)?;
    let fill = f.width.saturating_sub(n);
    if !f.left {
        t.push_n(' ' as u32, fill);
    }
    write(t);
    if f.left {
        t.push_n(' ' as u32, fill);
    }
    Ok(())
}

struct Text {
    template: Str,
    out: StrBuilder,
}

impl Target for Text {
    const NAME: &'static str = "string";

    fn unit(&self, i: usize) -> u32 {
        self.template.char_at(i)
    }

    fn len(&self) -> usize {
        self.template.len()
    }

    fn key(&self, from: usize, to: usize) -> Value {
        self.template.substring(from, to).value()
    }

    fn literal(&mut self, from: usize, to: usize) {
        self.out.push_part(&self.template, from, to)
    }

    fn push(&mut self, c: u32) {
        self.out.push(c)
    }

    fn push_n(&mut self, c: u32, n: usize) {
        self.out.push_n(c, n)
    }

    fn push_str(&mut self, s: &str) {
        self.out.push_str(s)
    }

    fn convert(&mut self, vm: &Vm, kind: u32, v: Value, f: &Flags) -> Res<bool> {
        let s = match char::from_u32(kind) {
            Some('s') => vm.str(v)?,
            Some('r') => vm.repr(v)?,
            Some('a') => super::template::ascii(vm, v)?,
            Some('c') => {
                let c = character(vm, v)?;
                padded(vm, self, 1, f, |t| t.out.push(c))?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        let n = f.precision.map_or(s.len(), |p| p.min(s.len()));
        padded(vm, self, n, f, |t| t.out.push_part(&s, 0, n))?;
        Ok(true)
    }
}

/// The argument of `%c` of a `str`.
fn character(vm: &Vm, v: Value) -> Res<u32> {
    if let Some(s) = v.downcast::<StrObj>() {
        return match s.len() {
            1 => Ok(s.char_at(0)),
            n => Err(vm.type_error(format!(
                "%c requires an int or a unicode character, not a string of length {n}"
            ))),
        };
    }
    if !is_index(v) {
        return Err(vm.type_error(format!(
            "%c requires an int or a unicode character, not {}",
            cape_vm::class::qualified_name(type_of(v))
        )));
    }
    match vm.index_int(v)?.to_i64() {
        Some(c @ 0..=0x10ffff) => Ok(c as u32),
        _ => Err(vm.overflow_error("%c arg not in range(0x110000)")),
    }
}

struct Bytes {
    template: Data,
    out: Vec<u8>,
}

impl Target for Bytes {
    const NAME: &'static str = "bytes";

    fn unit(&self, i: usize) -> u32 {
        self.template.slice()[i] as u32
    }

    fn len(&self) -> usize {
        self.template.slice().len()
    }

    fn key(&self, from: usize, to: usize) -> Value {
        BytesObj::new(&self.template.slice()[from..to]).value()
    }

    fn literal(&mut self, from: usize, to: usize) {
        self.out.extend_from_slice(&self.template.slice()[from..to])
    }

    fn push(&mut self, c: u32) {
        self.out.push(c as u8)
    }

    fn push_n(&mut self, c: u32, n: usize) {
        self.out.resize(self.out.len() + n, c as u8)
    }

    fn push_str(&mut self, s: &str) {
        self.out.extend_from_slice(s.as_bytes())
    }

    fn convert(&mut self, vm: &Vm, kind: u32, v: Value, f: &Flags) -> Res<bool> {
        let data = match char::from_u32(kind) {
            Some('s' | 'b') => bytes_argument(vm, v)?,
            Some('r' | 'a') => super::template::ascii(vm, v)?.data1().to_vec(),
            Some('c') => {
                let c = byte(vm, v)?;
                padded(vm, self, 1, f, |t| t.out.push(c))?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        let n = f.precision.map_or(data.len(), |p| p.min(data.len()));
        padded(vm, self, n, f, |t| t.out.extend_from_slice(&data[..n]))?;
        Ok(true)
    }
}

fn bytes_argument(vm: &Vm, v: Value) -> Res<Vec<u8>> {
    if let Some(b) = v.downcast::<BytesObj>()
        && b.header().map() == rt().maps.bytes
    {
        return Ok(b.as_slice().to_vec());
    }
    if let Some(r) = vm.try_special(v, Special::Bytes, &[])? {
        return match r.downcast::<BytesObj>() {
            Some(b) => Ok(b.as_slice().to_vec()),
            None => Err(vm.type_error(format!(
                "__bytes__ returned non-bytes (type {})",
                full_name(type_of(r))
            ))),
        };
    }
    if vm.has_buffer(v) {
        return vm.bytes_of(v);
    }
    Err(vm.type_error(format!(
        "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'",
        full_name(type_of(v))
    )))
}

/// The argument of `%c` of `bytes`.
fn byte(vm: &Vm, v: Value) -> Res<u8> {
    let (what, data) = match (v.downcast::<BytesObj>(), v.downcast::<BytearrayObj>()) {
        (Some(b), _) => ("bytes", b.as_slice().to_vec()),
        (_, Some(b)) => ("bytearray", b.as_slice().to_vec()),
        _ => {
            if !is_index(v) {
                return Err(vm.type_error(format!(
                    "%c requires an integer in range(256) or a single byte, not {}",
                    cape_vm::class::qualified_name(type_of(v))
                )));
            }
            return match vm.index_int(v)?.to_i64() {
                Some(c @ 0..=255) => Ok(c as u8),
                _ => Err(vm.overflow_error("%c arg not in range(256)")),
            };
        }
    };
    match *data {
        [c] => Ok(c),
        _ => Err(vm.type_error(format!(
            "%c requires an integer in range(256) or a single byte, not a {what} object of length {}",
            data.len()
        ))),
    }
}

/// `template % args`.
pub fn format_str(vm: &Vm, template: Str, args: Value) -> Res<Str> {
    let mut t = Text { template, out: StrBuilder::with_capacity(template.len() + 16) };
    run(vm, &mut t, args)?;
    Ok(t.out.finish())
}

/// `template % args` of `bytes` or `bytearray`.
pub fn format_bytes(vm: &Vm, template: Data, args: Value) -> Res<Value> {
    let mut t = Bytes { template, out: Vec::new() };
    run(vm, &mut t, args)?;
    Ok(template.make(t.out))
}
