//! Reading: `scanstring` and `make_scanner`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};

heap_object! {
    /// `make_scanner`: calls read one value at an index.
    pub struct ScannerObj {
        strict: Field,
        object_hook: Field,
        object_pairs_hook: Field,
        parse_float: Field,
        parse_int: Field,
        parse_constant: Field,
    }
}

impl Named for ScannerObj {
    const NAME: &'static str = "Scanner";
}

/// Makes the class.
pub fn make_type(_vm: &Vm) -> Ptr<TypeObj> {
    new_type::<ScannerObj>("_json.Scanner", rt().types.object, 0)
        .doc("JSON scanner object")
        .new_fn(
            "__new__($type, context)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
        )
        .method("__call__($self, /, string, idx)", "Call self as a function.", call)
        .getter("strict", "strict", |_: &Vm, s: Ptr<ScannerObj>| s.strict.get())
        .getter("object_hook", "object_hook", |_: &Vm, s: Ptr<ScannerObj>| s.object_hook.get())
        .getter("object_pairs_hook", "", |_: &Vm, s: Ptr<ScannerObj>| s.object_pairs_hook.get())
        .getter("parse_float", "parse_float", |_: &Vm, s: Ptr<ScannerObj>| s.parse_float.get())
        .getter("parse_int", "parse_int", |_: &Vm, s: Ptr<ScannerObj>| s.parse_int.get())
        .getter("parse_constant", "parse_constant", |_: &Vm, s: Ptr<ScannerObj>| s.parse_constant.get())
        .class()
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, context: Value) -> Res<Value> {
    let strict = vm.get_attr_str(context, "strict")?;
    let strict = Value::bool(vm.truth(strict)?);
    let object_hook = vm.get_attr_str(context, "object_hook")?;
    let object_pairs_hook = vm.get_attr_str(context, "object_pairs_hook")?;
    let parse_float = vm.get_attr_str(context, "parse_float")?;
    let parse_int = vm.get_attr_str(context, "parse_int")?;
    let parse_constant = vm.get_attr_str(context, "parse_constant")?;
    let map = cls.instance_map();
    let s = heap().alloc(
        map,
        ScannerObj {
            header: Header::new(map),
            strict: Field::new(strict),
            object_hook: Field::new(object_hook),
            object_pairs_hook: Field::new(object_pairs_hook),
            parse_float: Field::new(parse_float),
            parse_int: Field::new(parse_int),
            parse_constant: Field::new(parse_constant),
        },
    );
    Ok(s.value())
}

/// `scan_once(string, idx)`: the value there and the index after it.
fn call(vm: &Vm, s: Ptr<ScannerObj>, string: Value, idx: isize) -> Res<Value> {
    let text = super::text(vm, string)?;
    if idx < 0 {
        return Err(vm.value_error("idx cannot be negative"));
    }
    let idx = idx as usize;
    let memo = DictObj::new();
    let (v, end) = match text.kind() {
        StrKind::One => Reader { vm, s, text, d: text.data1(), memo }.value(idx)?,
        StrKind::Two => Reader { vm, s, text, d: text.data2(), memo }.value(idx)?,
        StrKind::Four => Reader { vm, s, text, d: text.data4(), memo }.value(idx)?,
    };
    Ok(TupleObj::new(&[v, int_value(end as i64)]).value())
}

/// `scanstring(string, end, strict=True)`
pub fn scanstring(vm: &Vm, string: Value, end: isize, strict: Option<bool>) -> Res<Value> {
    let text = super::text(vm, string)?;
    if end < 0 || end as usize > text.len() {
        return Err(vm.value_error("end is out of bounds"));
    }
    let (end, strict) = (end as usize, strict.unwrap_or(true));
    let (v, end) = match text.kind() {
        StrKind::One => string_at(vm, text, text.data1(), end, strict)?,
        StrKind::Two => string_at(vm, text, text.data2(), end, strict)?,
        StrKind::Four => string_at(vm, text, text.data4(), end, strict)?,
    };
    Ok(TupleObj::new(&[v.value(), int_value(end as i64)]).value())
}

/// A code unit of the text.
trait Unit: Copy + Into<u32> {}
impl Unit for u8 {}
impl Unit for u16 {}
impl Unit for u32 {}

/// `json.JSONDecodeError(message, text, at)`
#[cold]
fn decode_error(vm: &Vm, message: &str, text: Ptr<StrObj>, at: usize) -> Raised {
    let made = vm
        .import_attr("json.decoder", "JSONDecodeError")
        .and_then(|c| vm.call(c, &[intern(message), text.value(), int_value(at as i64)]))
        .and_then(|e| vm.exception_from(e));
    match made {
        Ok(r) | Err(r) => r,
    }
}

fn hex4<C: Unit>(d: &[C]) -> Option<u32> {
    d.iter().try_fold(0, |n, &c| {
        let digit = char::from_u32(c.into())?.to_digit(16)?;
        Some(n << 4 | digit)
    })
}

/// The string whose opening quote is before `end`, and the index after its closing quote.
fn string_at<C: Unit>(
    vm: &Vm,
    text: Ptr<StrObj>,
    d: &[C],
    end: usize,
    strict: bool,
) -> Res<(Ptr<StrObj>, usize)> {
    let begin = end.wrapping_sub(1);
    let len = d.len();
    let special = |from: usize| {
        d[from..].iter().position(|&c| {
            let c: u32 = c.into();
            c == 34 || c == 92 || c <= 0x1f && strict
        })
    };
    let unterminated = || decode_error(vm, "Unterminated string starting at", text, begin);
    let mut out: Option<StrBuilder> = None;
    let mut at = end;
    loop {
        let stop = at + special(at).ok_or_else(unterminated)?;
        let c: u32 = d[stop].into();
        if c != 34 && c != 92 {
            return Err(decode_error(vm, "Invalid control character at", text, stop));
        }
        if c == 34 {
            let Some(mut b) = out else { return Ok((text.substring(at, stop), stop + 1)) };
            d[at..stop].iter().for_each(|&c| b.push(c.into()));
            return Ok((b.finish(), stop + 1));
        }
        let b = out.get_or_insert_with(StrBuilder::new);
        d[at..stop].iter().for_each(|&c| b.push(c.into()));
        let Some(&escape) = d.get(stop + 1) else { return Err(unterminated()) };
        let plain = match char::from_u32(escape.into()) {
            Some(c @ ('"' | '\\' | '/')) => c as u32,
            Some('b') => 8,
            Some('f') => 12,
            Some('n') => 10,
            Some('r') => 13,
            Some('t') => 9,
            Some('u') => {
                let (c, next) = unicode_escape(vm, text, d, stop)?;
                b.push(c);
                at = next;
                continue;
            }
            _ => return Err(decode_error(vm, "Invalid \\escape", text, stop)),
        };
        b.push(plain);
        at = stop + 2;
        if at > len {
            return Err(unterminated());
        }
    }
}

/// The character of the `\u` at `at` (a pair makes one character), and the index after it.
fn unicode_escape<C: Unit>(vm: &Vm, text: Ptr<StrObj>, d: &[C], at: usize) -> Res<(u32, usize)> {
    let invalid = |at| decode_error(vm, "Invalid \\uXXXX escape", text, at);
    let end = at + 6;
    if end > d.len() {
        return Err(invalid(at + 1));
    }
    let c = hex4(&d[at + 2..end]).ok_or_else(|| invalid(at + 1))?;
    let is = |i: usize, c: char| Into::<u32>::into(d[i]) == c as u32;
    if (0xd800..0xdc00).contains(&c) && end + 6 <= d.len() && is(end, '\\') && is(end + 1, 'u') {
        let low = hex4(&d[end + 2..end + 6]).ok_or_else(|| invalid(end + 1))?;
        if (0xdc00..0xe000).contains(&low) {
            return Ok((0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00), end + 6));
        }
    }
    Ok((c, end))
}

/// One read. Lives in native frames only.
struct Reader<'a, C> {
    vm: &'a Vm,
    s: Ptr<ScannerObj>,
    text: Ptr<StrObj>,
    d: &'a [C],
    /// Keys seen, so that equal keys are one string.
    memo: Ptr<DictObj>,
}

impl<C: Unit> Reader<'_, C> {
    #[inline(always)]
    fn char(&self, i: usize) -> u32 {
        self.d.get(i).map_or(0, |&c| c.into())
    }

    fn error(&self, message: &str, at: usize) -> Raised {
        decode_error(self.vm, message, self.text, at)
    }

    fn blank(&self, mut i: usize) -> usize {
        while matches!(self.char(i), 32 | 9 | 10 | 13) {
            i += 1;
        }
        i
    }

    fn word(&self, i: usize, w: &str) -> bool {
        self.d.len() - i >= w.len() && w.bytes().zip(&self.d[i..]).all(|(a, &b)| a as u32 == b.into())
    }

    fn value(&self, i: usize) -> Res<(Value, usize)> {
        let nothing = || self.vm.stop_iteration_with(int_value(i as i64));
        if i >= self.d.len() {
            return Err(nothing());
        }
        let c = char::from_u32(self.char(i)).unwrap_or(' ');
        match c {
            '"' => {
                let strict = self.s.strict.get() == Value::TRUE;
                let (s, end) = string_at(self.vm, self.text, self.d, i + 1, strict)?;
                return Ok((s.value(), end));
            }
            '{' => {
                self.vm.check_native_stack(" while decoding a JSON object from a unicode string")?;
                return self.object(i + 1);
            }
            '[' => {
                self.vm.check_native_stack(" while decoding a JSON array from a unicode string")?;
                return self.array(i + 1);
            }
            'n' if self.word(i, "null") => return Ok((Value::NONE, i + 4)),
            't' if self.word(i, "true") => return Ok((Value::TRUE, i + 4)),
            'f' if self.word(i, "false") => return Ok((Value::FALSE, i + 5)),
            'N' if self.word(i, "NaN") => return self.constant("NaN", i),
            'I' if self.word(i, "Infinity") => return self.constant("Infinity", i),
            '-' if self.word(i, "-Infinity") => return self.constant("-Infinity", i),
            _ => {}
        }
        self.number(i)?.ok_or_else(nothing)
    }

    fn constant(&self, name: &str, i: usize) -> Res<(Value, usize)> {
        let v = self.vm.call(self.s.parse_constant.get(), &[intern(name)])?;
        Ok((v, i + name.len()))
    }

    fn digits(&self, mut i: usize) -> usize {
        while (48..58).contains(&self.char(i)) {
            i += 1;
        }
        i
    }

    fn number(&self, start: usize) -> Res<Option<(Value, usize)>> {
        let mut i = start + (self.char(start) == '-' as u32) as usize;
        match self.char(i) {
            48 => i += 1,
            49..58 => i = self.digits(i),
            _ => return Ok(None),
        }
        let mut float = false;
        if self.char(i) == '.' as u32 {
            let end = self.digits(i + 1);
            if end > i + 1 {
                float = true;
                i = end;
            }
        }
        if matches!(self.char(i), 69 | 101) {
            let signed = matches!(self.char(i + 1), 43 | 45) as usize;
            let end = self.digits(i + 1 + signed);
            if end > i + 1 + signed {
                float = true;
                i = end;
            }
        }
        let text: Vec<u8> = self.d[start..i].iter().map(|&c| Into::<u32>::into(c) as u8).collect();
        let parser = if float { self.s.parse_float.get() } else { self.s.parse_int.get() };
        let own = if float { rt().types.float } else { rt().types.int };
        if parser == own.value() {
            let s = std::str::from_utf8(&text).unwrap_or_default();
            if float {
                if let Ok(f) = s.parse::<f64>() {
                    return Ok(Some((Value::float(f), i)));
                }
            } else if let Ok(n) = s.parse::<i64>() {
                return Ok(Some((int_value(n), i)));
            }
        }
        let v = self.vm.call(parser, &[StrObj::from_latin1(&text).value()])?;
        Ok(Some((v, i)))
    }

    fn array(&self, i: usize) -> Res<(Value, usize)> {
        let list = ListObj::new(&[]);
        let mut i = self.blank(i);
        if i < self.d.len() && self.char(i) == ']' as u32 {
            return Ok((list.value(), i + 1));
        }
        loop {
            let (v, end) = self.value(i)?;
            list.push(v);
            i = self.blank(end);
            match self.char(i) {
                93 => return Ok((list.value(), i + 1)),
                44 => {}
                _ => return Err(self.error("Expecting ',' delimiter", i)),
            }
            let comma = i;
            i = self.blank(i + 1);
            if self.char(i) == ']' as u32 {
                return Err(self.error("Illegal trailing comma before end of array", comma));
            }
        }
    }

    fn key(&self, s: Ptr<StrObj>) -> Value {
        match self.memo.get_str(s.value()) {
            Some(k) => k,
            None => {
                self.memo.set_str(s.value(), s.value());
                s.value()
            }
        }
    }

    fn object(&self, i: usize) -> Res<(Value, usize)> {
        let vm = self.vm;
        let pairs = (!self.s.object_pairs_hook.get().is_none()).then(|| ListObj::new(&[]));
        let dict = DictObj::new();
        let mut i = self.blank(i);
        if self.char(i) != '}' as u32 {
            loop {
                if self.char(i) != '"' as u32 {
                    return Err(self.error("Expecting property name enclosed in double quotes", i));
                }
                let strict = self.s.strict.get() == Value::TRUE;
                let (key, end) = string_at(vm, self.text, self.d, i + 1, strict)?;
                let key = self.key(key);
                i = self.blank(end);
                if self.char(i) != ':' as u32 {
                    return Err(self.error("Expecting ':' delimiter", i));
                }
                i = self.blank(i + 1);
                let (v, end) = self.value(i)?;
                match pairs {
                    Some(p) => p.push(TupleObj::new(&[key, v]).value()),
                    None => dict.set_str(key, v),
                }
                i = self.blank(end);
                match self.char(i) {
                    125 => break,
                    44 => {}
                    _ => return Err(self.error("Expecting ',' delimiter", i)),
                }
                let comma = i;
                i = self.blank(i + 1);
                if self.char(i) == '}' as u32 {
                    return Err(self.error("Illegal trailing comma before end of object", comma));
                }
            }
        }
        let end = i + 1;
        if let Some(p) = pairs {
            return Ok((vm.call(self.s.object_pairs_hook.get(), &[p.value()])?, end));
        }
        match self.s.object_hook.get() {
            hook if hook.is_none() => Ok((dict.value(), end)),
            hook => Ok((vm.call(hook, &[dict.value()])?, end)),
        }
    }
}
