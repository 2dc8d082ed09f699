//! `MultibyteIncrementalEncoder` and `MultibyteIncrementalDecoder`.

use std::cell::Cell;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

use super::codec::{self, HasErrors, errors_of};
use super::convert::{self, Decoding, End, Errors};
use super::scheme::{Codec, State, Stop};

heap_object! {
    /// An encoder; `pending`: the characters that may belong to what follows, or EMPTY.
    pub struct EncoderObj { codec: Native<&'static Codec>, state: Native<Cell<State>>, errors: Field, pending: Field }

    /// A decoder.
    pub struct DecoderObj { codec: Native<&'static Codec>, state: Native<Cell<State>>, errors: Field, pending: Native<Cell<Pending>> }
}

impl Named for EncoderObj {
    const NAME: &'static str = "_multibytecodec.MultibyteIncrementalEncoder";
}
impl Named for DecoderObj {
    const NAME: &'static str = "_multibytecodec.MultibyteIncrementalDecoder";
}
impl HasErrors for EncoderObj {
    fn errors(&self) -> &Field {
        &self.errors
    }
}
impl HasErrors for DecoderObj {
    fn errors(&self) -> &Field {
        &self.errors
    }
}

/// Bytes that are not a whole code yet.
#[derive(Clone, Copy, Default)]
pub struct Pending {
    bytes: [u8; Pending::MOST],
    len: usize,
}

impl Pending {
    /// More than that is an error.
    pub const MOST: usize = 8;

    /// These bytes, if they are few enough.
    pub fn of(data: &[u8]) -> Option<Pending> {
        let mut p = Pending { len: data.len(), ..Pending::default() };
        p.bytes.get_mut(..data.len())?.copy_from_slice(data);
        Some(p)
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// So many characters may wait for what follows.
const MOST_PENDING: usize = 2;
/// Bytes of such characters in the state that a program gets.
const PENDING_BYTES: usize = 4 * MOST_PENDING;

/// What an encoder and the writer of a stream share.
pub struct Encoding<'a> {
    /// How.
    pub codec: &'static Codec,
    /// The state.
    pub state: &'a Native<Cell<State>>,
    /// What waits.
    pub pending: &'a Field,
}

impl Encoding<'_> {
    /// Encodes `input` behind what waits; `owner` has the field.
    pub fn run<T: cape_heap::HeapObject>(
        &self,
        vm: &Vm,
        owner: Ptr<T>,
        input: Value,
        errors: &str,
        end: End,
    ) -> Res<Ptr<BytesObj>> {
        let mut text = convert::text_of(vm, input)?;
        if let Some(before) = self.pending.get().downcast::<StrObj>() {
            text = StrObj::concat(before, text);
        }
        let mut at = 0;
        let mut state = self.state.0.get();
        // Handlers may use this object; the state is as far as the last character then.
        let out = convert::encode(vm, self.codec, &mut state, text, &mut at, Errors::of(errors), end);
        self.state.0.set(state);
        let out = out?;
        let rest = text.len() - at;
        if rest > MOST_PENDING {
            let what = "pending buffer overflow";
            return Err(vm.unicode_encode_error_at(self.codec.name, text, at, text.len(), what));
        }
        let pending = if rest == 0 { Value::EMPTY } else { text.substring(at, text.len()).value() };
        self.pending.set(owner, pending);
        Ok(BytesObj::new(&out))
    }
}

/// Makes the types.
pub fn init(m: Ptr<ModuleObj>) {
    const NEW: &str = "Create and return a new object.  See help(type) for accurate signature.";
    let object = rt().types.object;
    let encoder = new_type::<EncoderObj>(EncoderObj::NAME, object, TypeFlags::BASE)
        .new_fn("__new__($type, *args, **kwargs)", NEW, new_encoder)
        .method("encode($self, /, input, final=False)", "", encode)
        .method("getstate($self, /)", "", encoder_getstate)
        .method("setstate($self, state, /)", "", encoder_setstate)
        .method("reset($self, /)", "", |_: &Vm, e: Ptr<EncoderObj>| {
            let mut state = e.state.0.get();
            (e.codec.0.reset)(&mut state, &mut Vec::new());
            e.state.0.set(state);
            e.pending.set(e, Value::EMPTY);
        });
    let decoder = new_type::<DecoderObj>(DecoderObj::NAME, object, TypeFlags::BASE)
        .new_fn("__new__($type, *args, **kwargs)", NEW, new_decoder)
        .method("decode($self, /, input, final=False)", "", decode)
        .method("getstate($self, /)", "", |_: &Vm, d: Ptr<DecoderObj>| {
            let pending = BytesObj::new(d.pending.0.get().as_slice()).value();
            TupleObj::new(&[pending, cape_builtins::int::from_le_bytes(&d.state.0.get(), false)])
        })
        .method("setstate($self, state, /)", "", decoder_setstate)
        .method("reset($self, /)", "", |_: &Vm, d: Ptr<DecoderObj>| {
            let mut state = d.state.0.get();
            (d.codec.0.restart)(&mut state);
            d.state.0.set(state);
            d.pending.0.set(Pending::default());
        });
    m.class(codec::common::<EncoderObj>(encoder).class());
    m.class(codec::common::<DecoderObj>(decoder).class());
}

fn new_encoder(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    args: Ptr<TupleObj>,
    kwargs: Ptr<DictObj>,
) -> Res<Ptr<EncoderObj>> {
    let (_, errors) = codec::arguments(vm, "IncrementalEncoder", &["errors"], args, kwargs)?;
    let codec = codec::codec_of(vm, cls)?;
    let map = cls.instance_map();
    Ok(heap().alloc(
        map,
        EncoderObj {
            header: Header::new(map),
            codec: Native(codec),
            state: Native(Cell::new(codec.start.0)),
            errors: Field::new(errors),
            pending: Field::new(Value::EMPTY),
        },
    ))
}

fn encode(vm: &Vm, e: Ptr<EncoderObj>, input: Value, last: Option<bool>) -> Res<Ptr<BytesObj>> {
    let errors = errors_of(vm, e)?;
    let end = if last.unwrap_or(false) { End::Reset } else { End::Open };
    let all = Encoding { codec: e.codec.0, state: &e.state, pending: &e.pending };
    all.run(vm, e, input, &errors, end)
}

fn too_large(vm: &Vm) -> Raised {
    vm.new_exc(rt().types.unicode_error, "pending buffer too large")
}

/// The length of what waits, that in UTF-8, and the state: as one int.
fn encoder_getstate(vm: &Vm, e: Ptr<EncoderObj>) -> Res<Value> {
    let mut bytes = vec![0];
    if let Some(s) = e.pending.get().downcast::<StrObj>() {
        let text = vm.utf8(s)?;
        if text.len() > PENDING_BYTES {
            return Err(too_large(vm));
        }
        bytes[0] = text.len() as u8;
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(&e.state.0.get());
    Ok(cape_builtins::int::from_le_bytes(&bytes, false))
}

/// The little-endian bytes of an int that is not negative.
fn unsigned<const N: usize>(vm: &Vm, i: Int) -> Res<[u8; N]> {
    let big = i.into_big();
    if big.sign() == num_bigint::Sign::Minus {
        return Err(vm.overflow_error("can't convert negative int to unsigned"));
    }
    let mut out = [0; N];
    let bytes = big.to_bytes_le().1;
    match out.get_mut(..bytes.len()) {
        Some(place) => place.copy_from_slice(&bytes),
        None => return Err(vm.overflow_error("int too big to convert")),
    }
    Ok(out)
}

fn encoder_setstate(vm: &Vm, e: Ptr<EncoderObj>, state: Value) -> Res<()> {
    let Some(i) = Int::of(state) else {
        let got = if state.is_none() { "None".into() } else { cape_vm::type_of(state).name_str() };
        return Err(vm.type_error(format!("setstate() argument must be int, not {got}")));
    };
    let bytes: [u8; 1 + PENDING_BYTES + 8] = unsigned(vm, i)?;
    let n = bytes[0] as usize;
    if n > PENDING_BYTES {
        return Err(too_large(vm));
    }
    let pending = match n {
        0 => Value::EMPTY,
        _ => {
            let text = BytesObj::new(&bytes[1..=n]).value();
            cape_builtins::codecs::decode(vm, text, "utf-8", "strict")?.value()
        }
    };
    e.pending.set(e, pending);
    let mut s = State::default();
    s.copy_from_slice(&bytes[1 + n..][..8]);
    e.state.0.set(s);
    Ok(())
}

fn new_decoder(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    args: Ptr<TupleObj>,
    kwargs: Ptr<DictObj>,
) -> Res<Ptr<DecoderObj>> {
    let (_, errors) = codec::arguments(vm, "IncrementalDecoder", &["errors"], args, kwargs)?;
    let codec = codec::codec_of(vm, cls)?;
    let map = cls.instance_map();
    Ok(heap().alloc(
        map,
        DecoderObj {
            header: Header::new(map),
            codec: Native(codec),
            state: Native(Cell::new(codec.start.1)),
            errors: Field::new(errors),
            pending: Native(Cell::new(Pending::default())),
        },
    ))
}

fn decode(vm: &Vm, d: Ptr<DecoderObj>, input: Buffer, last: Option<bool>) -> Res<Ptr<StrObj>> {
    let errors = errors_of(vm, d)?;
    let before = d.pending.0.get();
    let joined;
    let data = match before.as_slice() {
        [] => input.as_slice(),
        before => {
            joined = [before, input.as_slice()].concat();
            &joined
        }
    };
    d.pending.0.set(Pending::default());
    let mut state = d.state.0.get();
    let mut all = Decoding::new(vm, d.codec.0, Errors::of(&errors), data);
    let r = all.run(&mut state, true);
    d.state.0.set(state);
    r?;
    if last.unwrap_or(false)
        && !all.rest().is_empty()
        && let Err(e) = all.error(Stop::TooFew)
    {
        d.pending.0.set(before);
        return Err(e);
    }
    match Pending::of(all.rest()) {
        Some(p) => d.pending.0.set(p),
        None => return Err(overflow(vm, d.codec.0, data)),
    }
    Ok(all.out.finish())
}

/// Too many of these bytes wait.
pub fn overflow(vm: &Vm, codec: &Codec, data: &[u8]) -> Raised {
    convert::decode_error(vm, codec, BytesObj::new(data), "pending buffer overflow")
}

fn decoder_setstate(vm: &Vm, d: Ptr<DecoderObj>, state: Value) -> Res<()> {
    let Some(t) = state.downcast::<TupleObj>() else {
        let got = if state.is_none() { "None".into() } else { cape_vm::type_of(state).name_str() };
        return Err(vm.type_error(format!("setstate() argument must be tuple, not {got}")));
    };
    let wrong = || vm.type_error("setstate(): illegal state argument");
    let [buffer, state] = *t.as_slice() else { return Err(wrong()) };
    let buffer: Ptr<BytesObj> = buffer.downcast().ok_or_else(wrong)?;
    let state: State = unsigned(vm, Int::of(state).ok_or_else(wrong)?)?;
    let Some(pending) = Pending::of(buffer.as_slice()) else {
        return Err(convert::decode_error(vm, d.codec.0, buffer, "pending buffer too large"));
    };
    d.pending.0.set(pending);
    d.state.0.set(state);
    Ok(())
}
