//! `TextIOWrapper`: text over a buffered byte stream.

pub mod codec;
mod position;
mod read;
mod write;

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{ModuleObj, StrObj, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use self::codec::{Codec, Errors};
use super::base::{TEXT_IO_BASE, no_pickle};
use super::buffered::{self, BufferedObj, type_name};
use super::bytesio;
use super::fileio::{get_finalizing, set_finalizing};
use super::newline::{Newlines, newlines_value};
use super::util::*;

pub use write::write_text;

heap_object! {
    /// A `TextIOWrapper`. `decoder` and `encoder` are objects of the `codecs` module, EMPTY when the codec is implemented here or
    /// not needed; `decoded` is the text that was decoded and not read entirely.
    pub struct TextObj {
        pub bits: Cell<u32>,
        pub buffer: Field,
        pub encoding: Field,
        pub errors: Field,
        pub decoder: Field,
        pub encoder: Field,
        pub decoded: Field,
        pub state: Native<UnsafeCell<State>>,
    } [drop]
}

impl Named for TextObj {
    const NAME: &'static str = "_io.TextIOWrapper";
}

/// What a text stream knows besides its objects.
pub struct State {
    ok: bool,
    detached: bool,
    readable: bool,
    writable: bool,
    seekable: bool,
    has_read1: bool,
    line_buffering: bool,
    write_through: bool,
    /// The codec, when it is implemented here.
    codec: Option<(Codec, Errors)>,
    chunk_size: usize,
    /// Characters of `decoded` that were read.
    used: usize,
    /// The bytes of an incomplete sequence.
    held: Vec<u8>,
    /// Universal newlines are recognised.
    newlines: Option<Newlines>,
    /// What ends a line when reading: `None` with universal newlines that are not translated.
    line_ends: Option<&'static str>,
    /// What `\n` becomes when written.
    write_as: Option<&'static str>,
    /// Encoded text that the buffer has not got yet.
    pending: Vec<u8>,
    /// Where the last chunk began.
    snapshot: Option<Snapshot>,
    /// Iteration makes `tell` impossible until it ends.
    telling: bool,
    /// The codec begins with a byte order mark, which is written only at position 0.
    encoding_start: bool,
}

/// The decoder's state before the last chunk, and the bytes that it was given.
#[derive(Clone)]
pub(super) struct Snapshot {
    flags: num_bigint::BigInt,
    input: Vec<u8>,
}

/// `_io.TextIOWrapper`.
pub static TEXT_IO: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<TextObj>("_io.TextIOWrapper", TEXT_IO_BASE.get(), CLASS)
        .doc("Character and line based layer over a BufferedIOBase object, buffer.")
        .allocated_by(new)
        .method(
            "__init__($self, /, buffer, encoding=None, errors=None, newline=None,\n              line_buffering=False, write_through=False)",
            "Initialize self.",
            init_text,
        )
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("close($self, /)", "", close)
        .method("detach($self, /)", "", detach)
        .method("fileno($self, /)", "", |vm: &Vm, t: Ptr<TextObj>| buffer_call(vm, t, "fileno"))
        .method("isatty($self, /)", "", |vm: &Vm, t: Ptr<TextObj>| buffer_call(vm, t, "isatty"))
        .method("readable($self, /)", "", |vm: &Vm, t: Ptr<TextObj>| buffer_call(vm, t, "readable"))
        .method("writable($self, /)", "", |vm: &Vm, t: Ptr<TextObj>| buffer_call(vm, t, "writable"))
        .method("seekable($self, /)", "", |vm: &Vm, t: Ptr<TextObj>| buffer_call(vm, t, "seekable"))
        .method(
            "reconfigure($self, /, *, encoding=None, errors=None, newline=None,\n            line_buffering=None, write_through=None)",
            "Reconfigure the text stream with new parameters.",
            reconfigure,
        )
        .getset("_finalizing", "", get_finalizing, set_finalizing)
        .getset("_CHUNK_SIZE", "", |vm: &Vm, t: Ptr<TextObj>| check_attached(vm, t).map(|_| t.state().chunk_size), set_chunk)
        .getter("buffer", "", |vm: &Vm, t: Ptr<TextObj>| {
            if t.buffer.get().is_empty() { Err(vm.attribute_error("buffer")) } else { Ok(t.buffer.get()) }
        })
        .getter("encoding", "", |_: &Vm, t: Ptr<TextObj>| t.encoding.get())
        .getter("errors", "", |vm: &Vm, t: Ptr<TextObj>| check_ready(vm, t).map(|()| t.errors.get()))
        .getter("line_buffering", "", |_: &Vm, t: Ptr<TextObj>| t.state().line_buffering)
        .getter("write_through", "", |_: &Vm, t: Ptr<TextObj>| t.state().write_through)
        .getter("newlines", "", newlines)
        .getter("closed", "", |vm: &Vm, t: Ptr<TextObj>| {
            let b = check_attached(vm, t)?;
            vm.get_attr_str(b, "closed")
        })
        .getter("name", "", |vm: &Vm, t: Ptr<TextObj>| {
            let b = check_attached(vm, t)?;
            vm.get_attr_str(b, "name")
        });
    let t = position::methods(write::methods(read::methods(b))).class();
    no_pickle(t);
    TEXT_IO.set(with_finalizer(t));
    m.class(t);
}

fn new(cls: Ptr<TypeObj>) -> Value {
    let map = cls.instance_map();
    let state = State {
        ok: false,
        detached: false,
        readable: false,
        writable: false,
        seekable: false,
        has_read1: false,
        line_buffering: false,
        write_through: false,
        codec: None,
        chunk_size: 8192,
        used: 0,
        held: Vec::new(),
        newlines: None,
        line_ends: Some("\n"),
        write_as: None,
        pending: Vec::new(),
        snapshot: None,
        telling: false,
        encoding_start: false,
    };
    let none = || Field::new(Value::NONE);
    let object = TextObj {
        header: Header::new(map),
        bits: Cell::new(0),
        buffer: Field::new(Value::EMPTY),
        encoding: none(),
        errors: none(),
        decoder: Field::new(Value::EMPTY),
        encoder: Field::new(Value::EMPTY),
        decoded: Field::new(Value::EMPTY),
        state: Native(UnsafeCell::new(state)),
    };
    heap().alloc(map, object).value()
}

/// A new text stream, as `TextIOWrapper(...)` makes it.
pub fn open(
    vm: &Vm,
    buffer: Value,
    encoding: Value,
    errors: Value,
    newline: Value,
    line_buffering: bool,
    write_through: bool,
) -> Res<Ptr<TextObj>> {
    let t: Ptr<TextObj> =
        new(TEXT_IO.get()).downcast().expect("just made");
    init_with(vm, t, buffer, encoding, errors, newline, line_buffering, write_through)?;
    Ok(t)
}

impl TextObj {
    /// The state. The reference must not be held while Python code runs or the GIL is released.
    #[allow(clippy::mut_from_ref, reason = "guarded by the GIL")]
    fn state(&self) -> &mut State {
        // SAFETY: the GIL is held, and callers end their use before anything else can run.
        unsafe { &mut *self.state.0.get() }
    }

    /// The buffer when its methods may be called directly: a stream of exactly one of the buffered classes.
    fn direct(&self) -> Option<Ptr<BufferedObj>> {
        let b = self.buffer.get();
        let p: Ptr<BufferedObj> = b.downcast()?;
        let t = type_of(b);
        (t == buffered::READER.get() || t == buffered::WRITER.get() || t == buffered::RANDOM.get()).then_some(p)
    }
}

fn check_ready(vm: &Vm, t: Ptr<TextObj>) -> Res<()> {
    if t.state().ok { Ok(()) } else { Err(vm.value_error("I/O operation on uninitialized object")) }
}

/// The buffer; raises unless the stream is ready and attached.
fn check_attached(vm: &Vm, t: Ptr<TextObj>) -> Res<Value> {
    let s = t.state();
    if s.detached {
        return Err(vm.value_error("underlying buffer has been detached"));
    }
    check_ready(vm, t)?;
    Ok(t.buffer.get())
}

/// Raises unless the stream is ready, attached and open.
fn check_open(vm: &Vm, t: Ptr<TextObj>) -> Res<()> {
    check_attached(vm, t)?;
    let closed = match t.direct().filter(|_| type_of(t.value()) == TEXT_IO.get()) {
        Some(b) => buffered::closed(vm, b)?,
        None => match bytesio::closed_exactly(t.buffer.get()).filter(|_| type_of(t.value()) == TEXT_IO.get()) {
            Some(closed) => closed,
            None => is_closed(vm, t.value())?,
        },
    };
    if closed { Err(closed_error(vm)) } else { Ok(()) }
}

fn buffer_call(vm: &Vm, t: Ptr<TextObj>, name: &str) -> Res<Value> {
    let b = check_attached(vm, t)?;
    call(vm, b, name, &[])
}

/// Interprets a `newline` argument: `None`, or one of the four legal strings.
/// UnicodeEncodeError for what C could not be given in UTF-8.
fn encodable(vm: &Vm, s: Ptr<StrObj>) -> Res<()> {
    match s.chars().position(|c| (0xd800..0xe000).contains(&c)) {
        Some(i) => Err(vm.unicode_encode_error_at("utf-8", s, i, i + 1, "surrogates not allowed")),
        None => Ok(()),
    }
}

fn newline_arg(vm: &Vm, v: Value) -> Res<Option<&'static str>> {
    if v.is_none() {
        return Ok(None);
    }
    let Some(s) = v.downcast::<StrObj>() else {
        return Err(vm.type_error(format!("newline must be str or None, not {}", type_of(v).name_str())));
    };
    match ["", "\n", "\r", "\r\n"].iter().find(|n| s.eq_str(n)) {
        Some(n) => Ok(Some(n)),
        None => {
            encodable(vm, s)?;
            let text = s.display();
            Err(vm.value_error(format!("illegal newline value: {}", text.split('\0').next().unwrap_or(""))))
        }
    }
}

fn set_newline(s: &mut State, newline: Option<&'static str>) {
    let keep = s.newlines.unwrap_or_default();
    s.newlines = match newline {
        None => Some(Newlines { translate: true, ..keep }),
        Some("") => Some(Newlines { translate: false, ..keep }),
        Some(_) => None,
    };
    s.line_ends = match newline {
        None => Some("\n"),
        Some("") => None,
        Some(n) => Some(n),
    };
    // On this platform the native line ending is "\n".
    s.write_as = newline.filter(|n| n.starts_with('\r'));
}

#[allow(clippy::too_many_arguments, reason = "as many as Python's")]
fn init_text(
    vm: &Vm,
    t: Ptr<TextObj>,
    buffer: Value,
    encoding: Option<Value>,
    errors: Option<Value>,
    newline: Option<Value>,
    line_buffering: Option<bool>,
    write_through: Option<bool>,
) -> Res<()> {
    let or_none = |v: Option<Value>| v.unwrap_or(Value::NONE);
    init_with(
        vm,
        t,
        buffer,
        or_none(encoding),
        or_none(errors),
        or_none(newline),
        line_buffering.unwrap_or(false),
        write_through.unwrap_or(false),
    )
}

#[allow(clippy::too_many_arguments, reason = "as many as Python's")]
fn init_with(
    vm: &Vm,
    t: Ptr<TextObj>,
    buffer: Value,
    encoding: Value,
    errors: Value,
    newline: Value,
    line_buffering: bool,
    write_through: bool,
) -> Res<()> {
    t.state().ok = false;
    t.state().detached = false;
    let mut encoding = encoding;
    if encoding.is_none() && rt().config().warn_default_encoding {
        crate::warn::warn(vm, rt().types.encoding_warning, "'encoding' argument not specified", 1)?;
    }
    if !errors.is_none() && !errors.is::<StrObj>() {
        return Err(vm.type_error(format!(
            "TextIOWrapper() argument 'errors' must be str or None, not {}",
            type_of(errors).name_str()
        )));
    }
    let newline = newline_arg(vm, newline)?;
    if encoding.is_none() || encoding.downcast::<StrObj>().is_some_and(|e| e.eq_str("locale")) {
        encoding = StrObj::new(&crate::locale::encoding(vm)).value();
    }
    let Some(name) = encoding.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "TextIOWrapper() argument 'encoding' must be str or None, not {}",
            type_of(encoding).name_str()
        )));
    };
    encodable(vm, name)?;
    if let Some(e) = errors.downcast::<StrObj>() {
        encodable(vm, e)?;
    }
    if [Some(name), errors.downcast()].into_iter().flatten().any(|s| s.chars().any(|c| c == 0)) {
        return Err(vm.value_error("embedded null character"));
    }
    if let Some(e) = errors.downcast::<StrObj>()
        && rt().config().dev_mode
    {
        cape_builtins::codecs::registry::lookup_error(vm, &vm.utf8(e)?)?;
    }
    let errors = if errors.is_none() { intern("strict") } else { errors };
    t.buffer.set(t, buffer);
    t.encoding.set(t, encoding);
    t.errors.set(t, errors);
    t.decoded.set_no_barrier(Value::EMPTY);
    {
        let s = t.state();
        (s.line_buffering, s.write_through) = (line_buffering, write_through);
        (s.used, s.snapshot) = (0, None);
        s.held.clear();
        s.pending.clear();
        s.chunk_size = 8192;
        s.newlines = None;
        set_newline(s, newline);
    }
    let readable = ask(vm, buffer, "readable")?;
    let writable = ask(vm, buffer, "writable")?;
    {
        let s = t.state();
        (s.readable, s.writable) = (readable, writable);
    }
    set_codec(vm, t, name)?;
    let seekable = ask(vm, buffer, "seekable")?;
    let has_read1 = vm.get_attr_opt(buffer, intern("read1"))?.is_some();
    {
        let s = t.state();
        (s.seekable, s.telling) = (seekable, seekable);
        s.has_read1 = has_read1;
        s.encoding_start = false;
    }
    if seekable && writable {
        fix_start(vm, t)?;
    }
    set_bit(buffer, bits::OWNED, true);
    t.state().ok = true;
    Ok(())
}

/// A codec that writes a byte order mark must not do so in the middle of a file.
fn fix_start(vm: &Vm, t: Ptr<TextObj>) -> Res<()> {
    if t.encoder.get().is_empty() {
        return Ok(());
    }
    t.state().encoding_start = true;
    let pos = call(vm, t.buffer.get(), "tell", &[])?;
    if !vm.eq(pos, Value::int(0))? {
        t.state().encoding_start = false;
        call(vm, t.encoder.get(), "setstate", &[Value::int(0)])?;
    }
    Ok(())
}

/// A name as C reads it: up to a null character. (The constructor has refused those, `reconfigure()` takes them.)
fn before_null(name: Ptr<StrObj>) -> Ptr<StrObj> {
    match name.chars().position(|c| c == 0) {
        Some(n) => name.substring(0, n),
        None => name,
    }
}

/// Chooses the codec: one of those here, or an incremental decoder and encoder of the `codecs` module.
fn set_codec(vm: &Vm, t: Ptr<TextObj>, name: Ptr<StrObj>) -> Res<()> {
    let errors: Ptr<StrObj> = t.errors.downcast().expect("errors is a str");
    t.decoder.set_no_barrier(Value::EMPTY);
    t.encoder.set_no_barrier(Value::EMPTY);
    let (name, errors) = (before_null(name), before_null(errors));
    let own = Codec::of(&name.display()).zip(Errors::of(&errors.display()));
    t.state().codec = own;
    if own.is_some() {
        return Ok(());
    }
    let lookup = vm.import_attr("_codecs", "lookup")?;
    let info = vm.call(lookup, &[name.value()])?;
    if let Some(text) = vm.get_attr_opt(info, intern("_is_text_encoding"))?
        && !vm.truth(text)?
    {
        return Err(vm.new_exc(
            rt().types.lookup_error,
            &format!(
                "{} is not a text encoding; use codecs.open() to handle arbitrary codecs",
                vm.repr_str(name.value())?
            ),
        ));
    }
    let (readable, writable) = (t.state().readable, t.state().writable);
    if readable {
        let d = call(vm, info, "incrementaldecoder", &[errors.value()])?;
        t.decoder.set(t, d);
    }
    if writable {
        let e = call(vm, info, "incrementalencoder", &[errors.value()])?;
        t.encoder.set(t, e);
    }
    Ok(())
}

fn repr(vm: &Vm, t: Ptr<TextObj>) -> Res<String> {
    check_ready(vm, t)?;
    let class = type_name(t.value());
    if !vm.repr_enter(t.value()) {
        return Err(vm.runtime_error(format!("reentrant call inside {class}.__repr__")));
    }
    let r = (|| {
        let mut out = format!("<{class}");
        for key in ["name", "mode"] {
            let v = match vm.get_attr_opt(t.value(), intern(key)) {
                Err(e) if e.is(rt().types.value_error) => None,
                r => r?,
            };
            if let Some(v) = v {
                out.push_str(&format!(" {key}={}", vm.repr_str(v)?));
            }
        }
        out.push_str(&format!(" encoding={}>", vm.repr_str(t.encoding.get())?));
        Ok(out)
    })();
    vm.repr_leave(t.value());
    r
}

fn newlines(vm: &Vm, t: Ptr<TextObj>) -> Res<Value> {
    check_attached(vm, t)?;
    Ok(newlines_value(t.state().newlines.map_or(0, |n| n.seen)))
}

fn set_chunk(vm: &Vm, t: Ptr<TextObj>, v: Value) -> Res<()> {
    check_attached(vm, t)?;
    if v.is_empty() {
        return Err(vm.attribute_error(format!(
            "attribute '_CHUNK_SIZE' of '{}' objects cannot be deleted",
            cape_vm::class::full_name(type_of(t.value()))
        )));
    }
    let n = match vm.index_isize(v) {
        Err(e) if e.is(rt().types.index_error) => {
            let kind = cape_vm::class::full_name(type_of(v));
            return Err(vm.value_error(format!("cannot fit '{kind}' into an index-sized integer")));
        }
        r => r?,
    };
    if n <= 0 {
        return Err(vm.value_error("a strictly positive integer is required"));
    }
    t.state().chunk_size = n as usize;
    Ok(())
}

fn detach(vm: &Vm, t: Ptr<TextObj>) -> Res<Value> {
    check_attached(vm, t)?;
    call(vm, t.value(), "flush", &[])?;
    let b = t.buffer.get();
    set_bit(b, bits::OWNED, false);
    t.buffer.set_no_barrier(Value::EMPTY);
    t.state().detached = true;
    Ok(b)
}

fn close(vm: &Vm, t: Ptr<TextObj>) -> Res<Value> {
    let b = check_attached(vm, t)?;
    if is_closed(vm, t.value())? {
        return Ok(Value::NONE);
    }
    if t.state().detached {
        // By what was asked whether it is closed.
        return Ok(Value::NONE);
    }
    if has_bit(t.value(), bits::FINALIZING)
        && let Err(e) = call(vm, b, "_dealloc_warn", &[t.value()])
        && !e.is(rt().types.exception)
    {
        return Err(e);
    }
    let first = call(vm, t.value(), "flush", &[]);
    both(first, call(vm, b, "close", &[]))
}

fn reconfigure(
    vm: &Vm,
    t: Ptr<TextObj>,
    encoding: Option<Value>,
    errors: Option<Value>,
    newline: Option<Value>,
    line_buffering: Option<Value>,
    write_through: Option<Value>,
) -> Res<()> {
    let given = |v: Option<Value>| v.filter(|v| !v.is_none());
    check_attached(vm, t)?;
    let (encoding, errors) = (given(encoding), given(errors));
    // For newline None has a meaning of its own.
    if t.state().readable
        && (!t.decoded.get().is_empty() || t.state().snapshot.is_some())
        && (encoding.is_some() || errors.is_some() || newline.is_some())
    {
        return Err(unsupported(
            vm,
            "It is not possible to set the encoding or newline of stream after the first read",
        ));
    }
    for (v, what) in [(encoding, "encoding"), (errors, "errors")] {
        if let Some(v) = v
            && !v.is::<StrObj>()
        {
            return Err(vm.type_error(format!(
                "reconfigure() argument '{what}' must be str or None, not {}",
                type_of(v).name_str()
            )));
        }
    }
    for s in [encoding, errors].into_iter().flatten().filter_map(|v| v.downcast::<StrObj>()) {
        encodable(vm, s)?;
    }
    if let Some(v) = newline.filter(|v| !v.is_none() && !v.is::<StrObj>()) {
        return Err(vm.type_error(format!(
            "reconfigure() argument 'newline' must be str or None, not {}",
            type_of(v).name_str()
        )));
    }
    let newline = newline.map(|n| newline_arg(vm, n)).transpose()?;
    let flag = |v: Option<Value>, old: bool| match given(v) {
        None => Ok(old),
        Some(v) if v.is_float() || type_of(v).special(cape_vm::special::Special::Index).is_empty() => {
            Err(vm.type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                type_of(v).name_str()
            )))
        }
        Some(v) => Ok(super::util::offset(vm, v)? != 0),
    };
    let line_buffering = flag(line_buffering, t.state().line_buffering)?;
    let write_through = flag(write_through, t.state().write_through)?;
    call(vm, t.value(), "flush", &[])?;
    if encoding.is_some() || errors.is_some() || newline.is_some() {
        let old = (t.encoding.get(), t.errors.get());
        let new_encoding = match encoding {
            Some(e) if e.downcast::<StrObj>().is_some_and(|e| e.eq_str("locale")) => {
                StrObj::new(&crate::locale::encoding(vm)).value()
            }
            Some(e) => e,
            None => old.0,
        };
        let new_errors = match (errors, encoding) {
            (Some(e), _) => e,
            (None, Some(_)) => intern("strict"),
            (None, None) => old.1,
        };
        t.encoding.set(t, new_encoding);
        t.errors.set(t, new_errors);
        if let Err(e) = set_codec(vm, t, new_encoding.downcast().expect("a str")) {
            t.encoding.set(t, old.0);
            t.errors.set(t, old.1);
            set_codec(vm, t, old.0.downcast().expect("a str"))?;
            return Err(e);
        }
        if let Some(n) = newline {
            set_newline(t.state(), n);
        }
        if t.state().seekable && t.state().writable {
            fix_start(vm, t)?;
        }
    }
    let s = t.state();
    (s.line_buffering, s.write_through) = (line_buffering, write_through);
    Ok(())
}
