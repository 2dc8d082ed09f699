//! Pickling of arrays, by machine formats that other platforms understand.

use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern};

use cape_builtins::number::type_name;

use super::elements::{Kind, TYPES, Type};
use super::{A, ARRAY, class_of, dict_of, methods};

/// A machine format: kind, bytes per item, whether big-endian. UTF-16 and UTF-32 are `Char` of 2 and 4 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Machine {
    kind: Kind,
    size: usize,
    big: bool,
}

/// The format with this code.
fn machine(code: i64) -> Option<Machine> {
    use Kind::*;
    if code == 0 || code == 1 {
        return Some(Machine { kind: if code == 0 { Unsigned } else { Signed }, size: 1, big: false });
    }
    let (kind, size) = match code / 2 {
        1 => (Unsigned, 2),
        2 => (Signed, 2),
        3 => (Unsigned, 4),
        4 => (Signed, 4),
        5 => (Unsigned, 8),
        6 => (Signed, 8),
        7 => (Float, 4),
        8 => (Float, 8),
        9 => (Char, 2),
        10 => (Char, 4),
        _ => return None,
    };
    if code < 0 {
        return None;
    }
    Some(Machine { kind, size, big: code % 2 == 1 })
}

fn code_of(t: &Type) -> i64 {
    (0..22)
        .find(|&c| {
            machine(c).is_some_and(|m| {
                m.kind == t.kind && m.size == t.size && (m.size == 1 || m.big == cfg!(target_endian = "big"))
            })
        })
        .unwrap_or(-1)
}

pub(super) fn add(t: TypeBuilder, m: Ptr<ModuleObj>) {
    t.method("__reduce_ex__($self, value, /)", "Return state information for pickling.", reduce);
    m.function(
        "_array_reconstructor($module, arraytype, typecode, mformat_code, items, /)",
        "Internal. Used for pickling support.",
        reconstruct,
    );
}

fn reduce(vm: &Vm, a: A, protocol: Value) -> Res<Value> {
    let protocol = match Int::of(protocol) {
        Some(i) => i.to_i64().unwrap_or(i64::MAX),
        None => {
            return Err(vm.type_error(format!(
                "__reduce_ex__ argument should be an integer, not {}",
                type_name(protocol)
            )));
        }
    };
    let dict = dict_of(vm, a)?;
    let letter = StrObj::from_char(a.letter.get() as u32).value();
    if protocol < 3 {
        let list = methods::to_list(vm, a).value();
        let args = TupleObj::new(&[letter, list]);
        return Ok(TupleObj::new(&[class_of(a), args.value(), dict]).value());
    }
    let f = vm.import_attr("array", "_array_reconstructor")?;
    let data = BytesObj::new(a.bytes()).value();
    let args = TupleObj::new(&[class_of(a), letter, Value::int(code_of(a.item_type())), data]);
    Ok(TupleObj::new(&[f, args.value(), dict]).value())
}

fn reconstruct(vm: &Vm, class: Value, letter: Ptr<StrObj>, code: i32, items: Value) -> Res<Value> {
    let Some(cls) = class.downcast::<TypeObj>() else {
        return Err(vm.type_error(format!("first argument must be a type object, not {}", type_name(class))));
    };
    if !cls.is_subtype(ARRAY.get()) {
        return Err(vm.type_error(format!("{} is not a subtype of array.array", cls.name_str())));
    }
    let known = letter.len() == 1 && TYPES.iter().any(|t| t.letter as u32 == letter.char_at(0));
    if !known {
        return Err(vm.value_error("second argument must be a valid type code"));
    }
    let Some(from) = machine(code as i64) else {
        return Err(vm.value_error("third argument must be a valid machine format code."));
    };
    let Some(data) = items.downcast::<BytesObj>() else {
        return Err(vm.type_error(format!("fourth argument should be bytes, not {}", type_name(items))));
    };
    let make = |typecode: Value, initial: Value| vm.call(class, &[typecode, initial]);
    let wanted = TYPES.iter().find(|t| t.letter as u32 == letter.char_at(0)).expect("checked");
    if code_of(wanted) == code as i64 {
        return make(letter.value(), items);
    }
    if data.len() % from.size != 0 {
        return Err(vm.value_error("string length not a multiple of item size"));
    }
    if from.kind == Kind::Char {
        let name = match (from.size, from.big) {
            (2, false) => "utf-16-le",
            (2, true) => "utf-16-be",
            (_, false) => "utf-32-le",
            (_, true) => "utf-32-be",
        };
        let text = vm.call_method(items, intern("decode"), &[StrObj::new(name).value()])?;
        return make(letter.value(), text);
    }
    // Integers keep their size whatever letter this platform has for it.
    let fitting = TYPES.iter().find(|t| t.kind == from.kind && t.size == from.size && t.letter == wanted.letter);
    let t = fitting
        .or_else(|| TYPES.iter().find(|t| t.kind == from.kind && t.size == from.size))
        .unwrap_or(wanted);
    let mut values = ValueVec::with_capacity(data.len() / from.size);
    for i in 0..data.len() / from.size {
        let mut item = data.as_slice()[i * from.size..(i + 1) * from.size].to_vec();
        if from.big != cfg!(target_endian = "big") {
            item.reverse();
        }
        values.push(t.read(&item));
    }
    let list = ListObj::from_vec(values).value();
    let typecode = if wanted.kind == from.kind { t.letter } else { wanted.letter };
    make(StrObj::from_char(typecode as u32).value(), list)
}
