//! `translate` and `maketrans`.

use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

type Str = Ptr<StrObj>;

/// What a table says of a code point.
enum Entry {
    Same,
    Char(u32),
    Text(Str),
    Delete,
}

fn look_up(vm: &Vm, table: Value, c: u32) -> Res<Entry> {
    let found = match table.downcast::<DictObj>() {
        Some(d) if d.header().map() == rt().maps.dict => match d.get(vm, Value::int(c as i64))? {
            Some(v) => v,
            None => return Ok(Entry::Same),
        },
        _ => match vm.get_item(table, Value::int(c as i64)) {
            Ok(v) => v,
            Err(e) if e.is(rt().types.lookup_error) => return Ok(Entry::Same),
            Err(e) => return Err(e),
        },
    };
    if found.is_none() {
        return Ok(Entry::Delete);
    }
    if let Some(s) = found.downcast::<StrObj>() {
        return Ok(Entry::Text(s));
    }
    match Int::of(found) {
        Some(i) => match i.to_i64() {
            Some(i @ 0..=0x10ffff) => Ok(Entry::Char(i as u32)),
            _ => Err(vm.value_error("character mapping must be in range(0x110000)")),
        },
        None => Err(vm.type_error("character mapping must return integer, None or str")),
    }
}

/// What is remembered of an ASCII character whose translation is none: its own byte otherwise.
const UNKNOWN: u8 = 0xff;
/// It has no translation of one ASCII character.
const OTHER: u8 = 0xfe;

/// The answers of a table for ASCII characters, asked for as they are needed.
struct Remembered<'a> {
    vm: &'a Vm,
    table: Value,
    ascii: [u8; 256],
}

impl Remembered<'_> {
    /// Asks the table, and remembers what can be.
    fn ask(&mut self, c: u32) -> Res<Entry> {
        let e = look_up(self.vm, self.table, c)?;
        if c < 128 {
            self.ascii[c as usize] = match e {
                Entry::Same => c as u8,
                Entry::Char(x) if x < 128 => x as u8,
                Entry::Text(t) if t.len() == 1 && t.is_ascii() => t.char_at(0) as u8,
                _ => OTHER,
            };
        }
        Ok(e)
    }

    /// Translates ASCII text as far as single ASCII characters come of it: how much of it was read, and what was written.
    fn ascii_part(&mut self, s: Str) -> Res<(usize, Vec<u8>)> {
        let mut out = vec![0; s.len()];
        let (mut read, mut written) = (0, 0);
        loop {
            let Some(text) = s.as_ascii().map(str::as_bytes) else { return Ok((0, vec![])) };
            let mut n = 0;
            for (o, &c) in out[written..].iter_mut().zip(&text[read..]) {
                let translated = self.ascii[c as usize];
                if translated >= 0x80 {
                    break;
                }
                *o = translated;
                n += 1;
            }
            (read, written) = (read + n, written + n);
            let Some(&c) = text.get(read) else { break };
            match self.ask(c as u32)? {
                Entry::Delete => read += 1,
                _ if self.ascii[c as usize] == OTHER => break,
                _ => {}
            }
        }
        out.truncate(written);
        Ok((read, out))
    }
}

pub(super) fn translate(vm: &Vm, s: Str, table: Value) -> Res<Str> {
    let mut known = Remembered { vm, table, ascii: [UNKNOWN; 256] };
    let (start, begun) = if s.is_ascii() { known.ascii_part(s)? } else { (0, vec![]) };
    if start == s.len() {
        return Ok(StrObj::from_latin1(&begun));
    }
    let mut out = StrBuilder::with_capacity(s.len());
    begun.iter().for_each(|&c| out.push(c as u32));
    for c in s.chars().skip(start) {
        if c < 128 && known.ascii[c as usize] < 0x80 {
            out.push(known.ascii[c as usize] as u32);
            continue;
        }
        match known.ask(c)? {
            Entry::Same => out.push(c),
            Entry::Char(x) => out.push(x),
            Entry::Text(t) => out.push_obj(&t),
            Entry::Delete => {}
        }
    }
    Ok(out.finish())
}

pub(super) fn maketrans(vm: &Vm, x: Value, y: Value, z: Value) -> Res<Ptr<DictObj>> {
    let table = DictObj::new();
    let key = |c: u32| Value::int(c as i64);
    if y.is_empty() {
        let Some(from) = x.downcast::<DictObj>() else {
            return Err(vm.type_error("if you give only one argument to maketrans it must be a dict"));
        };
        let mut i = 0;
        while let Some((at, e)) = from.table.next_entry(i) {
            i = at + 1;
            if let Some(s) = e.key.downcast::<StrObj>() {
                if s.len() != 1 {
                    return Err(vm.value_error("string keys in translate table must be of length 1"));
                }
                table.set(vm, key(s.char_at(0)), e.value)?;
            } else if is_int(e.key) {
                table.set(vm, e.key, e.value)?;
            } else {
                return Err(vm.type_error("keys in translate table must be strings or integers"));
            }
        }
        return Ok(table);
    }
    let text = |v: Value, i: usize| {
        v.downcast::<StrObj>().ok_or_else(|| {
            vm.type_error(format!("maketrans() argument {i} must be str, not {}", full_name(type_of(v))))
        })
    };
    let Some(from) = x.downcast::<StrObj>() else {
        return Err(vm.type_error("first maketrans argument must be a string if there is a second argument"));
    };
    let to = text(y, 2)?;
    if from.len() != to.len() {
        return Err(vm.value_error("the first two maketrans arguments must have equal length"));
    }
    for (a, b) in from.chars().zip(to.chars()) {
        table.set(vm, key(a), key(b))?;
    }
    if !z.is_empty() {
        for c in text(z, 3)?.chars() {
            table.set(vm, key(c), Value::NONE)?;
        }
    }
    Ok(table)
}
