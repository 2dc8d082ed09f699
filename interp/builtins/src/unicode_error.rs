//! `UnicodeEncodeError`, `UnicodeDecodeError`, `UnicodeTranslateError`.

use cape_vm::exc::{extra, set_extra};
use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::exceptions::{INIT, INIT_DOC, base_init, field, set_field};

// Fields: encoding, object, start, end, reason.
const ENCODING: usize = 0;
const OBJECT: usize = 1;
const START: usize = 2;
const END: usize = 3;
const REASON: usize = 4;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let t = &rt().types;
    extend(t.unicode_encode_error)
        .method(INIT, INIT_DOC, |vm: &Vm, e, args, kwargs| initialize(vm, e, args, kwargs, Codec::Encode))
        .method("__str__($self, /)", "Return str(self).", |vm: &Vm, e| coding_str(vm, e, Codec::Encode));
    extend(t.unicode_decode_error)
        .method(INIT, INIT_DOC, |vm: &Vm, e, args, kwargs| initialize(vm, e, args, kwargs, Codec::Decode))
        .method("__str__($self, /)", "Return str(self).", |vm: &Vm, e| coding_str(vm, e, Codec::Decode));
    extend(t.unicode_translate_error)
        .method(INIT, INIT_DOC, |vm: &Vm, e, args, kwargs| initialize(vm, e, args, kwargs, Codec::Translate))
        .method("__str__($self, /)", "Return str(self).", |vm: &Vm, e| coding_str(vm, e, Codec::Translate));
    for class in [t.unicode_encode_error, t.unicode_decode_error, t.unicode_translate_error] {
        extend(class)
            .getset("encoding", "exception encoding", field::<ENCODING>, set_field::<ENCODING>)
            .getset("object", "exception object", field::<OBJECT>, set_field::<OBJECT>)
            .getset("start", "exception start", get_index::<START>, set_index::<START>)
            .getset("end", "exception end", get_index::<END>, set_index::<END>)
            .getset("reason", "exception reason", field::<REASON>, set_field::<REASON>);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Codec {
    Encode,
    Decode,
    Translate,
}

fn get_index<const I: usize>(_: &Vm, e: Ptr<ExcObj>) -> Value {
    match extra(e, I) {
        v if v.is_empty() => Value::int(0),
        v => v,
    }
}

fn set_index<const I: usize>(vm: &Vm, e: Ptr<ExcObj>, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.type_error("can't delete numeric/char attribute"));
    }
    let Some(i) = Int::of(v) else { return Err(vm.type_error("an integer is required")) };
    let i = i.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
    set_extra(e, I, int_value(i));
    Ok(())
}

fn initialize(
    vm: &Vm,
    e: Ptr<ExcObj>,
    args: Ptr<TupleObj>,
    kwargs: Ptr<DictObj>,
    codec: Codec,
) -> Res<()> {
    base_init(vm, e, args, kwargs)?;
    // Where each argument goes.
    let fields: &[usize] = match codec {
        Codec::Translate => &[OBJECT, START, END, REASON],
        _ => &[ENCODING, OBJECT, START, END, REASON],
    };
    let items = args.as_slice();
    if items.len() != fields.len() {
        return Err(vm.type_error(format!(
            "function takes exactly {} arguments ({} given)",
            fields.len(),
            items.len()
        )));
    }
    for (i, (&field, &v)) in fields.iter().zip(items).enumerate() {
        let v = match field {
            START | END => {
                let n = vm.index_int(v)?.to_i64().ok_or_else(|| {
                    vm.overflow_error("Python int too large to convert to C ssize_t")
                })?;
                int_value(n)
            }
            OBJECT if codec == Codec::Decode => v,
            _ if v.is::<StrObj>() => v,
            _ => {
                let got = if v.is_none() { "None".to_string() } else { type_of(v).name_str() };
                return Err(vm.type_error(format!("argument {} must be str, not {got}", i + 1)));
            }
        };
        set_extra(e, field, v);
    }
    let object = extra(e, OBJECT);
    if codec == Codec::Decode && !object.is::<BytesObj>() {
        set_extra(e, OBJECT, bytes_copy(vm, object)?);
    }
    Ok(())
}

/// A `bytes` copy of a bytes-like object.
fn bytes_copy(vm: &Vm, v: Value) -> Res<Value> {
    use cape_vm::special::Special;
    if let Some(b) = v.downcast::<BytearrayObj>() {
        return Ok(BytesObj::new(b.as_slice()).value());
    }
    if type_of(v).special(Special::Buffer).is_empty() {
        return Err(
            vm.type_error(format!("a bytes-like object is required, not '{}'", type_of(v).name_str()))
        );
    }
    vm.call(rt().types.bytes.value(), &[v])
}

fn coding_str(vm: &Vm, e: Ptr<ExcObj>, codec: Codec) -> Res<Value> {
    if extra(e, OBJECT).is_empty() {
        return Ok(rt().empty_str().value());
    }
    let reason = vm.str(field::<REASON>(vm, e))?;
    let encoding = vm.str(field::<ENCODING>(vm, e))?;
    // Those calls may have changed it.
    let object = extra(e, OBJECT);
    if object.is_empty() {
        return Err(vm.type_error("UnicodeError 'object' attribute is not set"));
    }
    let (text, bytes) = (object.downcast::<StrObj>(), object.downcast::<BytesObj>());
    let len = match (codec, text, bytes) {
        (Codec::Decode, _, Some(b)) => b.len(),
        (Codec::Encode | Codec::Translate, Some(s), _) => s.len(),
        _ => {
            let kind = if codec == Codec::Decode { "bytes" } else { "string" };
            return Err(vm.type_error(format!("UnicodeError 'object' attribute must be a {kind}")));
        }
    } as i64;
    let index = |i| Int::of(extra(e, i)).and_then(|i| i.to_i64()).unwrap_or(0);
    let (start, end) = (index(START), index(END));
    let one = start >= 0 && start < len && end >= 0 && end <= len && end == start + 1;
    let (singular, plural, action) = match codec {
        Codec::Encode => ("character", "characters", "encode "),
        Codec::Decode => ("byte", "bytes", "decode "),
        Codec::Translate => ("character", "characters", "translate "),
    };
    let mut out = StrBuilder::new();
    if codec != Codec::Translate {
        out.push_str("'");
        out.push_obj(&encoding);
        out.push_str("' codec ");
    }
    out.push_str("can't ");
    out.push_str(action);
    if one {
        let unit = match (bytes, text) {
            (Some(b), _) => format!("0x{:02x}", b.as_slice()[start as usize]),
            (None, Some(s)) => match s.char_at(start as usize) {
                c @ 0..=0xff => format!("'\\x{c:02x}'"),
                c @ 0x100..=0xffff => format!("'\\u{c:04x}'"),
                c => format!("'\\U{c:08x}'"),
            },
            _ => String::new(),
        };
        out.push_str(&format!("{singular} {unit} in position {start}: "));
    } else {
        out.push_str(&format!("{plural} in position {start}-{}: ", end - 1));
    }
    out.push_obj(&reason);
    Ok(out.finish().value())
}
