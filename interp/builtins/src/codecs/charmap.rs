//! Codecs by tables.

use std::collections::HashMap;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::errors::{Decoder, EncodeHow, Errors};
use super::narrow;

const UNDEFINED: &str = "character maps to <undefined>";

heap_object! {
    /// What `charmap_build` makes: characters to bytes.
    pub struct EncodingMapObj { table: Native<HashMap<u32, u8>> } [drop]
}

impl Named for EncodingMapObj {
    const NAME: &'static str = "EncodingMap";
}

static ENCODING_MAP: StaticType = StaticType::new();

/// Makes the type.
pub fn init(_: &Vm) {
    if ENCODING_MAP.try_get().is_none() {
        let t = new_type::<EncodingMapObj>("EncodingMap", rt().types.object, TypeFlags::NO_INSTANTIATION)
            .method(
                "size($self, /)",
                "Return the size (in bytes) of this object.",
                |_: &Vm, m: Ptr<EncodingMapObj>| m.table.len(),
            );
        ENCODING_MAP.set(t.class());
    }
}

/// `codecs.charmap_build`.
pub fn build(vm: &Vm, s: Ptr<StrObj>) -> Res<Value> {
    let simple =
        !s.is_empty() && s.char_at(0) == 0 && s.chars().take(256).skip(1).all(|c| c != 0 && c <= 0xffff);
    if !simple {
        let d = DictObj::new();
        for (i, c) in s.chars().take(256).enumerate() {
            d.set(vm, Value::int(c as i64), Value::int(i as i64))?;
        }
        return Ok(d.value());
    }
    init(vm);
    let table =
        s.chars().take(256).enumerate().filter(|c| c.1 != 0xfffe).map(|(i, c)| (c, i as u8)).collect();
    let map = ENCODING_MAP.get().instance_map();
    Ok(heap().alloc(map, EncodingMapObj { header: Header::new(map), table: Native(table) }).value())
}

/// Looks `key` up; `None` when the mapping does not have it, or has None.
fn look_up(vm: &Vm, mapping: Value, key: u32) -> Res<Option<Value>> {
    match vm.get_item(mapping, Value::int(key as i64)) {
        Ok(v) => Ok((!v.is_none()).then_some(v)),
        Err(e) if e.is(rt().types.lookup_error) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The string by a mapping of ordinals (None: Latin-1).
pub fn encode(s: Ptr<StrObj>, errors: &mut Errors<'_>, mapping: Value) -> Res<Vec<u8>> {
    if mapping.is_none() || mapping.is_empty() {
        return narrow::encode(s, errors, narrow::LATIN1);
    }
    let vm = errors.vm;
    let how = EncodeHow { gather: true, ascii_only: false, unit: 1 };
    let mut out = Vec::with_capacity(s.len());
    if let Some(m) = mapping.downcast::<EncodingMapObj>() {
        errors.encode_all("charmap", s, UNDEFINED, how, &mut out, |out, c| {
            let b = m.table.get(&c);
            out.extend(b);
            Ok(b.is_some())
        })?;
        return Ok(out);
    }
    errors.encode_all("charmap", s, UNDEFINED, how, &mut out, |out, c| {
        let Some(v) = look_up(vm, mapping, c)? else { return Ok(false) };
        if let Some(b) = v.downcast::<BytesObj>() {
            out.extend_from_slice(b.as_slice());
            return Ok(true);
        }
        match Int::of(v) {
            Some(i) => match i.to_i64() {
                Some(i @ 0..=255) => out.push(i as u8),
                _ => return Err(vm.type_error("character mapping must be in range(256)")),
            },
            None => {
                return Err(vm.type_error(format!(
                    "character mapping must return integer, bytes or None, not {}",
                    full_name(type_of(v))
                )));
            }
        }
        Ok(true)
    })?;
    Ok(out)
}

/// The text of bytes by a table: a string, or a mapping of byte values (None: Latin-1).
pub fn decode(data: &[u8], errors: &mut Errors<'_>, mapping: Value) -> Res<(Ptr<StrObj>, usize)> {
    if mapping.is_none() || mapping.is_empty() {
        return Ok((StrObj::from_latin1(data), data.len()));
    }
    let vm = errors.vm;
    let table = mapping.downcast::<StrObj>();
    let mut d = Decoder::new("charmap", data);
    while d.pos < d.data.len() {
        let at = d.pos;
        let b = d.data[at];
        d.pos = at + 1;
        if let Some(t) = table {
            match (b as usize) < t.len() {
                true if t.char_at(b as usize) != 0xfffe => d.out.push(t.char_at(b as usize)),
                _ => d.error(errors, at, at + 1, UNDEFINED)?,
            }
            continue;
        }
        let Some(v) = look_up(vm, mapping, b as u32)? else {
            d.error(errors, at, at + 1, UNDEFINED)?;
            continue;
        };
        if let Some(t) = v.downcast::<StrObj>() {
            if t.len() == 1 && t.char_at(0) == 0xfffe {
                d.error(errors, at, at + 1, UNDEFINED)?;
            } else {
                d.out.push_obj(&t);
            }
            continue;
        }
        match Int::of(v).map(|i| i.to_i64()) {
            Some(Some(0xfffe)) => d.error(errors, at, at + 1, UNDEFINED)?,
            Some(Some(c @ 0..=0x10ffff)) => d.out.push(c as u32),
            Some(_) => return Err(vm.type_error("character mapping must be in range(0x110000)")),
            None => {
                return Err(vm.type_error("character mapping must return integer, None or str"));
            }
        }
    }
    Ok(d.finish())
}
