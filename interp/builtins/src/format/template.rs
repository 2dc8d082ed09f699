//! `str.format`: replacement fields in braces. Also the parser behind `_string`.

use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

type Str = Ptr<StrObj>;

const OPEN: u32 = '{' as u32;
const CLOSE: u32 = '}' as u32;

/// One step through a template: literal text, and the replacement field behind it, if any.
#[derive(Debug, PartialEq)]
pub struct Piece {
    /// Literal text (an escaped brace included): start and end.
    pub literal: (usize, usize),
    /// The field.
    pub field: Option<Field>,
}

/// A replacement field; pairs are start and end in the template.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// The name with its attributes and indices.
    pub name: (usize, usize),
    /// The conversion letter.
    pub conversion: Option<u32>,
    /// The format specification.
    pub spec: (usize, usize),
    /// Whether the specification contains fields.
    pub nested: bool,
}

/// Walks through the pieces of `s[at..end]`.
pub struct Pieces<'a> {
    s: &'a StrObj,
    at: usize,
    end: usize,
}

impl<'a> Pieces<'a> {
    /// All pieces of a template.
    pub fn new(s: &'a StrObj) -> Pieces<'a> {
        Pieces { s, at: 0, end: s.len() }
    }

    /// From a position that [`Pieces::position`] gave.
    pub fn from(s: &'a StrObj, at: usize) -> Pieces<'a> {
        Pieces { s, at, end: s.len() }
    }

    /// Where the next piece begins.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next piece; `None` at the end.
    pub fn next(&mut self, vm: &Vm) -> Res<Option<Piece>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let start = self.at;
        let mut i = start;
        match self.s.as_ascii() {
            Some(text) => {
                let text = &text.as_bytes()[start..self.end];
                i += text.iter().position(|&c| c == b'{' || c == b'}').unwrap_or(text.len());
            }
            None => {
                while i < self.end && !matches!(self.s.char_at(i), OPEN | CLOSE) {
                    i += 1;
                }
            }
        }
        if i == self.end {
            self.at = i;
            return Ok(Some(Piece { literal: (start, i), field: None }));
        }
        let c = self.s.char_at(i);
        let next = (i + 1 < self.end).then(|| self.s.char_at(i + 1));
        if next == Some(c) {
            // An escaped brace: the literal text ends behind the first one.
            self.at = i + 2;
            return Ok(Some(Piece { literal: (start, i + 1), field: None }));
        }
        if c == CLOSE {
            return Err(vm.value_error("Single '}' encountered in format string"));
        }
        if next.is_none() {
            return Err(vm.value_error("Single '{' encountered in format string"));
        }
        self.at = i + 1;
        let field = self.field(vm)?;
        Ok(Some(Piece { literal: (start, i), field: Some(field) }))
    }

    fn field(&mut self, vm: &Vm) -> Res<Field> {
        let name_start = self.at;
        let mut bracket = false;
        let unfinished = || vm.value_error("expected '}' before end of string");
        let mut i = self.at;
        let stop = loop {
            if i >= self.end {
                return Err(unfinished());
            }
            match self.s.char_at(i) {
                OPEN if !bracket => return Err(vm.value_error("unexpected '{' in field name")),
                0x5b => bracket = true,
                0x5d => bracket = false,
                c @ (CLOSE | 0x3a | 0x21) if !bracket => break c,
                _ => {}
            }
            i += 1;
        };
        let name = (name_start, i);
        i += 1;
        let mut field = Field { name, conversion: None, spec: (i, i), nested: false };
        if stop == CLOSE {
            field.spec = (i - 1, i - 1);
            self.at = i;
            return Ok(field);
        }
        if stop == 0x21 {
            if i >= self.end {
                return Err(
                    vm.value_error("end of string while looking for conversion specifier")
                );
            }
            let c = self.s.char_at(i);
            i += 1;
            if i >= self.end {
                return Err(vm.value_error("unmatched '{' in format spec"));
            }
            field.conversion = Some(c);
            match self.s.char_at(i) {
                CLOSE => {
                    self.at = i + 1;
                    field.spec = (i, i);
                    return Ok(field);
                }
                0x3a => i += 1,
                _ if c == CLOSE => return Err(vm.value_error("unmatched '{' in format spec")),
                _ => return Err(vm.value_error("expected ':' after conversion specifier")),
            }
        }
        let start = i;
        let mut depth = 1;
        while i < self.end {
            match self.s.char_at(i) {
                OPEN => {
                    field.nested = true;
                    depth += 1;
                }
                CLOSE => {
                    depth -= 1;
                    if depth == 0 {
                        field.spec = (start, i);
                        self.at = i + 1;
                        return Ok(field);
                    }
                }
                _ => {}
            }
            i += 1;
        }
        Err(vm.value_error("unmatched '{' in format spec"))
    }
}

/// The first part of a field's name.
#[derive(Debug, PartialEq)]
pub enum First {
    /// Nothing: numbered automatically.
    Auto,
    /// A number.
    Index(usize),
    /// A keyword.
    Key(usize, usize),
}

/// A step from an object to a part of it.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// `.name`
    Attribute(usize, usize),
    /// `[number]`
    Index(usize),
    /// `[text]`
    Key(usize, usize),
}

/// The integer that `s[from..to]` spells; `None` when it is no number.
fn integer(vm: &Vm, s: &StrObj, from: usize, to: usize) -> Res<Option<usize>> {
    if from == to {
        return Ok(None);
    }
    let mut n: usize = 0;
    for i in from..to {
        let Some(d) = crate::unicode::decimal(s.char_at(i)) else { return Ok(None) };
        n = n
            .checked_mul(10)
            .and_then(|n| n.checked_add(d as usize))
            .filter(|&n| n <= isize::MAX as usize)
            .ok_or_else(|| vm.value_error("Too many decimal digits in format string"))?;
    }
    Ok(Some(n))
}

/// Splits a field's name: its first part, and where the steps begin.
pub fn first_part(vm: &Vm, s: &StrObj, name: (usize, usize)) -> Res<(First, usize)> {
    let (from, to) = name;
    if from == to {
        return Ok((First::Auto, to));
    }
    let mut i = from;
    while i < to && !matches!(s.char_at(i), 0x2e | 0x5b) {
        i += 1;
    }
    let first = match integer(vm, s, from, i)? {
        Some(n) => First::Index(n),
        None if i == from => First::Auto,
        None => First::Key(from, i),
    };
    Ok((first, i))
}

/// The step at `at` of a field's name that ends at `to`, and where the next one begins.
pub fn next_step(vm: &Vm, s: &StrObj, at: usize, to: usize) -> Res<Option<(Step, usize)>> {
    if at >= to {
        return Ok(None);
    }
    let empty = || vm.value_error("Empty attribute in format string");
    let mut i = at + 1;
    match s.char_at(at) {
        0x2e => {
            while i < to && !matches!(s.char_at(i), 0x2e | 0x5b) {
                i += 1;
            }
            if i == at + 1 {
                return Err(empty());
            }
            Ok(Some((Step::Attribute(at + 1, i), i)))
        }
        0x5b => {
            while i < to && s.char_at(i) != 0x5d {
                i += 1;
            }
            if i == to {
                return Err(vm.value_error("Missing ']' in format string"));
            }
            if i == at + 1 {
                return Err(empty());
            }
            let step = match integer(vm, s, at + 1, i)? {
                Some(n) => Step::Index(n),
                None => Step::Key(at + 1, i),
            };
            Ok(Some((step, i + 1)))
        }
        _ => Err(vm.value_error("Only '.' or '[' may follow ']' in format field specifier")),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Numbering {
    Unknown,
    Auto,
    Manual,
}

struct Formatter<'a> {
    vm: &'a Vm,
    args: Option<Ptr<TupleObj>>,
    kwargs: Value,
    numbering: Numbering,
    next: usize,
}

impl Formatter<'_> {
    fn numbered(&mut self, n: Numbering) -> Res<()> {
        if self.numbering != Numbering::Unknown && self.numbering != n {
            return Err(self.vm.value_error(if n == Numbering::Auto {
                "cannot switch from manual field specification to automatic field numbering"
            } else {
                "cannot switch from automatic field numbering to manual field specification"
            }));
        }
        self.numbering = n;
        Ok(())
    }

    fn argument(&self, i: usize) -> Res<Value> {
        let Some(args) = self.args else {
            return Err(self.vm.value_error("Format string contains positional fields"));
        };
        args.as_slice().get(i).copied().ok_or_else(|| {
            self.vm.index_error(format!("Replacement index {i} out of range for positional args tuple"))
        })
    }

    fn object(&mut self, s: Str, name: (usize, usize)) -> Res<Value> {
        let vm = self.vm;
        let (first, mut at) = first_part(vm, &s, name)?;
        let mut obj = match first {
            First::Auto => {
                self.numbered(Numbering::Auto)?;
                self.next += 1;
                self.argument(self.next - 1)?
            }
            First::Index(i) => {
                self.numbered(Numbering::Manual)?;
                self.argument(i)?
            }
            First::Key(a, b) => {
                let key = s.substring(a, b).value();
                match self.kwargs.downcast::<DictObj>() {
                    _ if self.kwargs.is_empty() => return Err(vm.key_error_for(key)),
                    Some(d) if d.header().map() == rt().maps.dict => {
                        d.get(vm, key)?.ok_or_else(|| vm.key_error_for(key))?
                    }
                    _ => vm.get_item(self.kwargs, key)?,
                }
            }
        };
        while let Some((step, next)) = next_step(vm, &s, at, name.1)? {
            obj = match step {
                Step::Attribute(a, b) => vm.get_attr(obj, rt().intern_obj(s.substring(a, b)))?,
                Step::Index(i) => vm.get_item(obj, int_value(i as i64))?,
                Step::Key(a, b) => vm.get_item(obj, s.substring(a, b).value())?,
            };
            at = next;
        }
        Ok(obj)
    }

    fn run(&mut self, s: Str, out: &mut StrBuilder, depth: usize) -> Res<()> {
        let vm = self.vm;
        if depth == 0 {
            return Err(vm.value_error("Max string recursion exceeded"));
        }
        let mut pieces = Pieces::new(&s);
        while let Some(p) = pieces.next(vm)? {
            out.push_part(&s, p.literal.0, p.literal.1);
            let Some(f) = p.field else { continue };
            let mut obj = self.object(s, f.name)?;
            if let Some(c) = f.conversion {
                obj = convert(vm, obj, c)?;
            }
            let spec = if f.nested {
                let mut inner = StrBuilder::new();
                self.run(s.substring(f.spec.0, f.spec.1), &mut inner, depth - 1)?;
                inner.finish()
            } else if f.spec.0 == f.spec.1 {
                rt().empty_str()
            } else {
                s.substring(f.spec.0, f.spec.1)
            };
            let text = vm.format(obj, spec)?;
            out.push_obj(&text);
        }
        Ok(())
    }
}

fn unknown_conversion(vm: &Vm, c: u32) -> Raised {
    if c > 32 && c < 127 {
        vm.value_error(format!("Unknown conversion specifier {}", c as u8 as char))
    } else {
        vm.value_error(format!("Unknown conversion specifier \\x{c:x}"))
    }
}

fn convert(vm: &Vm, obj: Value, c: u32) -> Res<Value> {
    match char::from_u32(c) {
        Some('r') => Ok(vm.repr(obj)?.value()),
        Some('s') => Ok(vm.str(obj)?.value()),
        Some('a') => Ok(ascii(vm, obj)?.value()),
        _ => Err(unknown_conversion(vm, c)),
    }
}

/// `ascii(obj)`.
pub fn ascii(vm: &Vm, obj: Value) -> Res<Str> {
    let s = vm.repr(obj)?;
    if s.is_ascii() {
        return Ok(s);
    }
    let mut out = StrBuilder::with_capacity(s.len() + 16);
    for c in s.chars() {
        match c {
            0..0x80 => out.push(c),
            0x80..0x100 => out.push_str(&format!("\\x{c:02x}")),
            0x100..0x10000 => out.push_str(&format!("\\u{c:04x}")),
            _ => out.push_str(&format!("\\U{c:08x}")),
        }
    }
    Ok(out.finish())
}

/// `str.format`.
pub(crate) fn format(vm: &Vm, s: Str, args: Ptr<TupleObj>, kwargs: Value) -> Res<Str> {
    let mut out = StrBuilder::with_capacity(s.len());
    let mut f = Formatter { vm, args: Some(args), kwargs, numbering: Numbering::Unknown, next: 0 };
    f.run(s, &mut out, 2)?;
    Ok(out.finish())
}

/// `str.format_map`.
pub(crate) fn format_map(vm: &Vm, s: Str, mapping: Value) -> Res<Str> {
    let mut out = StrBuilder::with_capacity(s.len());
    let mut f = Formatter { vm, args: None, kwargs: mapping, numbering: Numbering::Unknown, next: 0 };
    f.run(s, &mut out, 2)?;
    Ok(out.finish())
}
