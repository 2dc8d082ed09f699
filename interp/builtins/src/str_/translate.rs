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

pub(super) fn translate(vm: &Vm, s: Str, table: Value) -> Res<Str> {
    let mut out = StrBuilder::with_capacity(s.len());
    // Answers for ASCII are remembered: 0xff unknown, 0xfe not a single ASCII character.
    let mut ascii = [0xffu8; 128];
    for c in s.chars() {
        if c < 128 && ascii[c as usize] < 0x80 {
            out.push(ascii[c as usize] as u32);
            continue;
        }
        let e = look_up(vm, table, c)?;
        match e {
            Entry::Same => out.push(c),
            Entry::Char(x) => out.push(x),
            Entry::Text(t) => out.push_obj(&t),
            Entry::Delete => {}
        }
        if c < 128 {
            ascii[c as usize] = match e {
                Entry::Same => c as u8,
                Entry::Char(x) if x < 128 => x as u8,
                Entry::Text(t) if t.len() == 1 && t.is_ascii() => t.char_at(0) as u8,
                _ => 0xfe,
            };
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
