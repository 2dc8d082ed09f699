//! The format specification: `[[fill]align][sign]["z"]["#"]["0"][width][grouping]["." precision [grouping]][type]`.

use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Vm};

/// A parsed specification.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Fill character.
    pub fill: u32,
    /// One of `<>=^`.
    pub align: char,
    /// Whether the alignment was written.
    pub align_given: bool,
    /// One of `+`, `-`, space.
    pub sign: Option<char>,
    /// `z`.
    pub no_negative_zero: bool,
    /// `#`.
    pub alternate: bool,
    /// Least width.
    pub width: Option<usize>,
    /// Separator of groups of the integer part.
    pub grouping: Option<char>,
    /// Separator of groups of the fraction.
    pub fraction_grouping: Option<char>,
    /// Digits.
    pub precision: Option<usize>,
    /// Type letter; `'\0'`: none (for `str`, `s`).
    pub kind: char,
}

/// A decimal number in the specification; `None` when there is no digit.
fn number(vm: &Vm, s: &StrObj, at: &mut usize) -> Res<Option<usize>> {
    let start = *at;
    let mut n: usize = 0;
    while *at < s.len()
        && let Some(d) = crate::unicode::decimal(s.char_at(*at))
    {
        n = n
            .checked_mul(10)
            .and_then(|n| n.checked_add(d as usize))
            .filter(|&n| n <= isize::MAX as usize)
            .ok_or_else(|| vm.value_error("Too many decimal digits in format string"))?;
        *at += 1;
    }
    Ok((*at > start).then_some(n))
}

impl Spec {
    /// Parses; `align` is the type's default alignment, `of` its name.
    pub fn parse(vm: &Vm, text: Ptr<StrObj>, align: char, of: &str) -> Res<Spec> {
        let s: &StrObj = &text;
        let at_is = |i: usize, set: &str| -> Option<char> {
            let c = u8::try_from(if i < s.len() { s.char_at(i) } else { 0 }).ok()?;
            set.as_bytes().contains(&c).then_some(c as char)
        };
        let mut spec = Spec {
            fill: 0x20,
            align,
            align_given: false,
            sign: None,
            no_negative_zero: false,
            alternate: false,
            width: None,
            grouping: None,
            fraction_grouping: None,
            precision: None,
            kind: if of == "str" { 's' } else { '\0' },
        };
        let mut i = 0;
        let mut fill_given = false;
        if let Some(a) = at_is(1, "<>=^") {
            (spec.fill, spec.align, spec.align_given, fill_given) = (s.char_at(0), a, true, true);
            i = 2;
        } else if let Some(a) = at_is(0, "<>=^") {
            (spec.align, spec.align_given) = (a, true);
            i = 1;
        }
        if let Some(c) = at_is(i, "+- ") {
            spec.sign = Some(c);
            i += 1;
        }
        if at_is(i, "z").is_some() {
            spec.no_negative_zero = true;
            i += 1;
        }
        if at_is(i, "#").is_some() {
            spec.alternate = true;
            i += 1;
        }
        if !fill_given && at_is(i, "0").is_some() {
            spec.fill = 0x30;
            if !spec.align_given && align == '>' {
                spec.align = '=';
            }
            i += 1;
        }
        spec.width = number(vm, s, &mut i)?;
        let group = |i: &mut usize| -> Res<Option<char>> {
            let Some(c) = at_is(*i, ",_") else { return Ok(None) };
            *i += 1;
            if at_is(*i, ",_").is_some_and(|d| d != c) {
                return Err(vm.value_error("Cannot specify both ',' and '_'."));
            }
            Ok(Some(c))
        };
        spec.grouping = group(&mut i)?;
        if at_is(i, ".").is_some() {
            i += 1;
            spec.precision = number(vm, s, &mut i)?;
            spec.fraction_grouping = group(&mut i)?;
            if spec.precision.is_none() && spec.fraction_grouping.is_none() {
                return Err(vm.value_error("Format specifier missing precision"));
            }
        }
        if s.len() - i > 1 {
            return Err(vm.value_error(format!(
                "Invalid format specifier '{}' for object of type '{of}'",
                text.display()
            )));
        }
        if i < s.len() {
            spec.kind = char::from_u32(s.char_at(i)).unwrap_or('\u{fffd}');
        }
        let digits4 = matches!(spec.kind, 'b' | 'o' | 'x' | 'X');
        let groupable = matches!(spec.kind, 'd' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F' | '\0');
        if let Some(c) = spec.grouping
            && !(groupable || digits4 && c == '_')
        {
            return Err(spec.no_grouping(vm, c));
        }
        if let Some(c) = spec.fraction_grouping
            && (spec.kind == 'n' || !(groupable || digits4 || spec.kind == 's'))
        {
            return Err(spec.no_grouping(vm, c));
        }
        Ok(spec)
    }

    fn no_grouping(&self, vm: &Vm, c: char) -> Raised {
        if (33..128).contains(&(self.kind as u32)) {
            vm.value_error(format!("Cannot specify '{c}' with '{}'.", self.kind))
        } else {
            vm.value_error(format!("Cannot specify '{c}' with '\\x{:x}'.", self.kind as u32))
        }
    }

    /// The ValueError for a type letter that the type does not know.
    pub fn unknown(&self, vm: &Vm, of: &str) -> Raised {
        let c = self.kind as u32;
        if (33..128).contains(&c) {
            vm.value_error(format!("Unknown format code '{}' for object of type '{of}'", self.kind))
        } else {
            vm.value_error(format!("Unknown format code '\\x{c:x}' for object of type '{of}'"))
        }
    }

    /// Appends what `write` appends, `n` code points, padded to the width.
    pub fn pad(&self, vm: &Vm, n: usize, out: &mut StrBuilder, write: impl FnOnce(&mut StrBuilder)) -> Res<()> {
        let total = self.width.unwrap_or(0).max(n);
        crate::bytes::check_size(vm, total)?;
        let left = match self.align {
            '>' => total - n,
            '^' => (total - n) / 2,
            _ => 0,
        };
        out.push_n(self.fill, left);
        write(out);
        out.push_n(self.fill, total - n - left);
        Ok(())
    }
}
