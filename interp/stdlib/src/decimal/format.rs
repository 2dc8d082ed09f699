//! `Decimal.__format__`.

use cape_builtins::format::grouping::Grouping;
use cape_decimal::{Context, NoMemory, Num, Number, digits_text, quantize};
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};
use smallvec::SmallVec;

use super::arguments::no_memory;
use super::context;
use super::object::Dec;

/// Adds the method to the class.
pub fn add(b: TypeBuilder) {
    b.method("__format__($self, format_spec, override=<unrepresentable>, /)", "", format);
}

/// A parsed specification.
struct Spec {
    fill: u32,
    /// One of `<>=^`, or `0` for zeros behind the sign.
    align: u8,
    sign: u8,
    no_negative_zero: bool,
    alternate: bool,
    width: i64,
    grouping: Option<char>,
    precision: Option<i64>,
    fraction_grouping: Option<char>,
    /// A letter, 0 for none.
    kind: u8,
}

/// The most characters that are filled in.
const MAX_WIDTH: i64 = 1 << 36;

/// Reads characters one after the other.
struct Reader<'a> {
    chars: &'a [u32],
}

impl Reader<'_> {
    fn is(&self, i: usize, set: &[u8]) -> Option<u8> {
        let c = u8::try_from(*self.chars.get(i)?).ok()?;
        set.contains(&c).then_some(c)
    }

    fn take(&mut self, set: &[u8]) -> Option<u8> {
        let c = self.is(0, set)?;
        self.chars = &self.chars[1..];
        Some(c)
    }

    fn number(&mut self, vm: &Vm) -> Res<Option<i64>> {
        let mut n = None;
        while let Some(d) = self.take(b"0123456789") {
            let next = n.unwrap_or(0i64).checked_mul(10).and_then(|n| n.checked_add((d - b'0') as i64));
            let Some(next) = next else {
                return Err(vm.overflow_error("cannot fit 'int' into an index-sized integer"));
            };
            n = Some(next);
        }
        Ok(n)
    }
}

#[cold]
fn invalid(vm: &Vm) -> Raised {
    vm.value_error("invalid format string")
}

impl Spec {
    fn parse(vm: &Vm, text: Ptr<StrObj>) -> Res<Spec> {
        if !text.is_ascii() {
            vm.utf8(text)?;
        }
        let chars: SmallVec<[u32; 16]> = text.chars().collect();
        let mut r = Reader { chars: &chars };
        let aligns = b"<>=^";
        let mut spec = Spec {
            fill: ' ' as u32,
            align: b'>',
            sign: b'-',
            no_negative_zero: false,
            alternate: false,
            width: 0,
            grouping: None,
            precision: None,
            fraction_grouping: None,
            kind: 0,
        };
        let mut aligned = true;
        if let Some(a) = r.is(1, aligns) {
            (spec.fill, spec.align) = (chars[0], a);
            r.chars = &chars[2..];
        } else if let Some(a) = r.take(aligns) {
            spec.align = a;
        } else {
            aligned = false;
        }
        spec.sign = r.take(b"+- ").unwrap_or(b'-');
        spec.no_negative_zero = r.take(b"z").is_some();
        spec.alternate = r.take(b"#").is_some();
        if r.take(b"0").is_some() {
            if aligned {
                return Err(invalid(vm));
            }
            spec.align = b'0';
        }
        spec.width = r.number(vm)?.unwrap_or(0);
        if spec.width > MAX_WIDTH {
            return Err(vm.value_error("format specification exceeds internal limits of _decimal"));
        }
        spec.grouping = r.take(b",_").map(char::from);
        if r.take(b".").is_some() {
            spec.precision = r.number(vm)?;
            spec.fraction_grouping = r.take(b",_").map(char::from);
            if spec.precision.is_none() && spec.fraction_grouping.is_none() {
                return Err(invalid(vm));
            }
        }
        spec.kind = r.take(b"eEfFgGnN%").unwrap_or(0);
        if !r.chars.is_empty() {
            return Err(invalid(vm));
        }
        if matches!(spec.kind, b'n' | b'N') {
            if spec.grouping.is_some() {
                return Err(invalid(vm));
            }
            if spec.kind == b'N' {
                let message = "Format specifier 'N' is deprecated and slated for removal in Python 3.18";
                vm.warn(rt().types.deprecation_warning, message)?;
            }
        }
        Ok(spec)
    }

    /// How digits are grouped: as the letter or the separator says, changed by a dict; `None`: they are not.
    fn grouping(&self, vm: &Vm, changes: Option<Ptr<DictObj>>) -> Res<Option<Grouping>> {
        let plain = self.grouping.is_none() && self.fraction_grouping.is_none();
        if plain && changes.is_none() && !matches!(self.kind, b'n' | b'N') {
            return Ok(None);
        }
        let mut g = match self.kind {
            b'n' | b'N' => Grouping {
                fraction: self.fraction_grouping.map(String::from).unwrap_or_default(),
                ..Grouping::of_locale()
            },
            _ => Grouping::every(3, self.grouping, self.fraction_grouping),
        };
        let Some(changes) = changes else { return Ok(Some(g)) };
        let read = |key: &str| -> Res<Option<String>> {
            let Some(v) = changes.get(vm, intern(key))? else { return Ok(None) };
            match v.downcast::<StrObj>() {
                Some(s) => vm.utf8(s).map(Some),
                None => Err(vm.type_error("bad argument type for built-in operation")),
            }
        };
        let wrong = || vm.value_error("invalid override dict");
        if let Some(point) = read("decimal_point")? {
            if point.is_empty() {
                return Err(wrong());
            }
            g.point = point;
        }
        if let Some(separator) = read("thousands_sep")? {
            g.separator = separator;
        }
        if let Some(sizes) = read("grouping")? {
            // (As a string of C, which ends at a zero: the last size repeats.)
            g.sizes = sizes.bytes().take_while(|&n| n != 0).collect();
        }
        if g.point.len() > 4 || g.separator.len() > 4 || g.sizes.iter().any(|&n| n > 127) {
            return Err(wrong());
        }
        Ok(Some(g))
    }
}

fn format(vm: &Vm, d: Dec, text: Value, changes: Value) -> Res<Value> {
    let Some(text) = text.downcast::<StrObj>() else { return Err(vm.type_error("format arg must be str")) };
    let changes = match changes {
        v if v.is_empty() => None,
        v => match v.downcast::<DictObj>() {
            Some(d) => Some(d),
            None => return Err(vm.type_error("optional argument must be a dict")),
        },
    };
    let c = context::current(vm)?;
    if text.is_empty() && changes.is_none() {
        return Ok(vm.str(d.value())?.value());
    }
    let spec = Spec::parse(vm, text)?;
    let grouping = spec.grouping(vm, changes)?;
    let capitals = c.capitals.get();
    let round = c.cx().round;
    match parts(d.num(), &spec, grouping.as_ref(), Context { round, ..Context::MAX }, capitals) {
        Ok(s) => Ok(s.value()),
        Err(NoMemory) => Err(no_memory(vm)),
    }
}

/// The number with the digits that are asked for.
fn rounded(n: Num<'_>, spec: &Spec, kind: u8, cx: &Context) -> Result<Number, NoMemory> {
    let mut n = n.to_number();
    if kind == b'%' {
        n.exp += 2;
    }
    let Some(precision) = spec.precision else {
        if n.coeff.is_empty() && n.exp > 0 && matches!(kind, b'f' | b'%') {
            n.exp = 0;
        }
        return Ok(n);
    };
    let digits = match kind {
        b'f' | b'%' => {
            let step = Number::small(false, 1, -precision);
            return quantize(n.view(), step.view(), cx, &mut 0);
        }
        b'e' => precision.saturating_add(1),
        _ => precision.max(1),
    };
    if kind == b'e' && !n.coeff.is_empty() {
        // As many digits as asked for, whether by rounding or by zeros.
        let exp = n.view().adjusted() - (digits - 1);
        if exp < n.exp {
            let step = Number::small(false, 1, exp);
            return quantize(n.view(), step.view(), cx, &mut 0);
        }
    }
    if n.view().digits() > digits {
        let narrow = Context { prec: digits, ..*cx };
        n = narrow.finalize(n, &mut 0)?;
    }
    Ok(n)
}

/// Lays the number out.
fn parts(
    n: Num<'_>,
    spec: &Spec,
    grouping: Option<&Grouping>,
    cx: Context,
    capitals: bool,
) -> Result<Ptr<StrObj>, NoMemory> {
    let kind = match spec.kind.to_ascii_lowercase() {
        0 | b'n' => b'g',
        k => k,
    };
    let upper = if spec.kind == 0 { capitals } else { spec.kind.is_ascii_uppercase() };
    let mut negative = n.negative;
    let (whole, fraction, suffix);
    if !n.is_finite() {
        let text = cape_decimal::to_text(n.with_sign(false), false, true);
        (whole, fraction, suffix) = (text, String::new(), if kind == b'%' { "%".to_owned() } else { String::new() });
    } else {
        let r = rounded(n, spec, kind, &cx)?;
        let zero = r.coeff.is_empty();
        if spec.no_negative_zero && zero {
            negative = false;
        }
        let mut digits = String::from_utf8(digits_text(&r.coeff)).unwrap_or_default();
        let left = r.exp + digits.len() as i64;
        let point = match kind {
            b'e' => match spec.precision {
                Some(p) if zero => 1 - p,
                _ => 1,
            },
            b'f' | b'%' => left,
            _ if r.exp <= 0 && left > -6 => left,
            _ => 1,
        };
        let count = digits.len() as i64;
        let room = |n: i64| if n > MAX_WIDTH { Err(NoMemory) } else { Ok("0".repeat(n as usize)) };
        if point <= 0 {
            (whole, fraction) = ("0".to_owned(), room(-point)? + &digits);
        } else if point > count {
            digits += &room(point - count)?;
            (whole, fraction) = (digits, String::new());
        } else {
            fraction = digits.split_off(point as usize);
            whole = digits;
        }
        let exp = left - point;
        suffix = match kind {
            b'%' => "%".to_owned(),
            _ if exp != 0 || kind == b'e' => format!("{}{exp:+}", if upper { 'E' } else { 'e' }),
            _ => String::new(),
        };
    }
    let mut tail = String::new();
    if !fraction.is_empty() || spec.alternate && n.is_finite() {
        match grouping {
            Some(g) => {
                tail.push_str(&g.point);
                tail.push_str(&g.group_fraction(&fraction));
            }
            None => {
                tail.push('.');
                tail.push_str(&fraction);
            }
        }
    }
    tail.push_str(&suffix);
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, b'-') => "",
        (false, b'+') => "+",
        _ => " ",
    };
    let length = |s: &str| s.chars().count() as i64;
    let width = spec.width;
    let zeros = spec.align == b'0' && n.is_finite();
    let least = if zeros { (width - length(&tail) - length(sign)).max(0) as usize } else { 0 };
    let whole = match grouping {
        Some(g) if n.is_finite() => g.group(&whole, least),
        _ if least > whole.len() => "0".repeat(least - whole.len()) + &whole,
        _ => whole,
    };
    let used = length(sign) + length(&whole) + length(&tail);
    let pad = (width - used).max(0) as usize;
    let mut out = StrBuilder::with_capacity(used as usize + pad);
    let before = match spec.align {
        b'<' | b'=' => 0,
        b'^' => pad / 2,
        _ => pad,
    };
    out.push_n(spec.fill, before);
    out.push_str(sign);
    let inside = if spec.align == b'=' { pad } else { 0 };
    out.push_n(spec.fill, inside);
    out.push_str(&whole);
    out.push_str(&tail);
    out.push_n(spec.fill, pad - before - inside);
    Ok(out.finish())
}
