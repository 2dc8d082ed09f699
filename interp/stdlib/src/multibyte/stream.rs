//! `MultibyteStreamReader` and `MultibyteStreamWriter`.

use std::cell::Cell;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::codec::{self, HasErrors, errors_of};
use super::convert::{self, Decoding, End, Errors};
use super::incremental::{Encoding, Pending, overflow};
use super::scheme::{Codec, State, Stop};
use crate::io::util::call;

heap_object! {
    /// A reader.
    pub struct ReaderObj { codec: Native<&'static Codec>, state: Native<Cell<State>>, errors: Field, stream: Field, pending: Native<Cell<Pending>> }

    /// A writer; `pending` as in an encoder.
    pub struct WriterObj { codec: Native<&'static Codec>, state: Native<Cell<State>>, errors: Field, stream: Field, pending: Field }
}

impl Named for ReaderObj {
    const NAME: &'static str = "_multibytecodec.MultibyteStreamReader";
}
impl Named for WriterObj {
    const NAME: &'static str = "_multibytecodec.MultibyteStreamWriter";
}
impl HasErrors for ReaderObj {
    fn errors(&self) -> &Field {
        &self.errors
    }
}
impl HasErrors for WriterObj {
    fn errors(&self) -> &Field {
        &self.errors
    }
}

/// Makes the types.
pub fn init(m: Ptr<ModuleObj>) {
    const NEW: &str = "Create and return a new object.  See help(type) for accurate signature.";
    let object = rt().types.object;
    let reader = new_type::<ReaderObj>(ReaderObj::NAME, object, TypeFlags::BASE)
        .new_fn("__new__($type, *args, **kwargs)", NEW, new_reader)
        .method("read($self, sizeobj=None, /)", "", |vm: &Vm, r: Ptr<ReaderObj>, n: Option<Value>| {
            read(vm, r, "read", size(vm, n)?)
        })
        .method("readline($self, sizeobj=None, /)", "", |vm: &Vm, r: Ptr<ReaderObj>, n: Option<Value>| {
            read(vm, r, "readline", size(vm, n)?)
        })
        .method(
            "readlines($self, sizehintobj=None, /)",
            "",
            |vm: &Vm, r: Ptr<ReaderObj>, n: Option<Value>| {
                let text = read(vm, r, "read", size(vm, n)?)?;
                call(vm, text.value(), "splitlines", &[Value::bool(true)])
            },
        )
        .method("reset($self, /)", "", |_: &Vm, r: Ptr<ReaderObj>| {
            let mut state = r.state.0.get();
            (r.codec.0.restart)(&mut state);
            r.state.0.set(state);
            r.pending.0.set(Pending::default());
        })
        .getter("stream", "", |_: &Vm, r: Ptr<ReaderObj>| r.stream.get())
        .members(&["stream"]);
    let writer = new_type::<WriterObj>(WriterObj::NAME, object, TypeFlags::BASE)
        .new_fn("__new__($type, *args, **kwargs)", NEW, new_writer)
        .method("write($self, strobj, /)", "", write)
        .method("writelines($self, lines, /)", "", writelines)
        .method("reset($self, /)", "", reset_writer)
        .getter("stream", "", |_: &Vm, w: Ptr<WriterObj>| w.stream.get())
        .members(&["stream"]);
    m.class(codec::common::<ReaderObj>(reader).class());
    m.class(codec::common::<WriterObj>(writer).class());
}

fn new_reader(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Ptr<ReaderObj>> {
    let (stream, errors) = codec::arguments(vm, "StreamReader", &["stream", "errors"], args, kwargs)?;
    let codec = codec::codec_of(vm, cls)?;
    let map = cls.instance_map();
    Ok(heap().alloc(
        map,
        ReaderObj {
            header: Header::new(map),
            codec: Native(codec),
            state: Native(Cell::new(codec.start.1)),
            errors: Field::new(errors),
            stream: Field::new(stream),
            pending: Native(Cell::new(Pending::default())),
        },
    ))
}

fn new_writer(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Ptr<WriterObj>> {
    let (stream, errors) = codec::arguments(vm, "StreamWriter", &["stream", "errors"], args, kwargs)?;
    let codec = codec::codec_of(vm, cls)?;
    let map = cls.instance_map();
    Ok(heap().alloc(
        map,
        WriterObj {
            header: Header::new(map),
            codec: Native(codec),
            state: Native(Cell::new(codec.start.0)),
            errors: Field::new(errors),
            stream: Field::new(stream),
            pending: Field::new(Value::EMPTY),
        },
    ))
}

/// How much to read: negative for everything.
fn size(vm: &Vm, v: Option<Value>) -> Res<isize> {
    match v {
        None => Ok(-1),
        Some(v) if v.is_none() => Ok(-1),
        Some(v) if is_int(v) => vm.index_isize(v),
        Some(_) => Err(vm.type_error("arg 1 must be an integer")),
    }
}

/// Reads from the stream by this method of it.
fn read(vm: &Vm, r: Ptr<ReaderObj>, method: &str, size: isize) -> Res<Ptr<StrObj>> {
    if size == 0 {
        return Ok(rt().empty_str());
    }
    let errors = errors_of(vm, r)?;
    let mut size = size;
    loop {
        let stream = r.stream.get();
        let piece = match size {
            ..0 => call(vm, stream, method, &[])?,
            n => call(vm, stream, method, &[int_value(n as i64)])?,
        };
        let Some(piece) = piece.downcast::<BytesObj>() else {
            return Err(vm.type_error(format!(
                "stream function returned a non-bytes object ({})",
                type_of(piece).name_str()
            )));
        };
        let last = piece.is_empty() || size < 0;
        let before = r.pending.0.replace(Pending::default());
        let joined;
        let data = match before.as_slice() {
            [] => piece.as_slice(),
            before => {
                joined = [before, piece.as_slice()].concat();
                &joined
            }
        };
        let mut state = r.state.0.get();
        let mut all = Decoding::new(vm, r.codec.0, Errors::of(&errors), data);
        let done = all.run(&mut state, true);
        r.state.0.set(state);
        done?;
        if last && !all.rest().is_empty() {
            all.error(Stop::TooFew)?;
        }
        r.pending.0.set(Pending::of(all.rest()).ok_or_else(|| overflow(vm, r.codec.0, data))?);
        if size < 0 || !all.out.is_empty() || data.is_empty() {
            return Ok(all.out.finish());
        }
        // A byte more, until there is a whole character.
        size = 1;
    }
}

fn write(vm: &Vm, w: Ptr<WriterObj>, text: Value) -> Res<()> {
    let errors = errors_of(vm, w)?;
    let all = Encoding { codec: w.codec.0, state: &w.state, pending: &w.pending };
    let data = all.run(vm, w, text, &errors, End::Open)?;
    call(vm, w.stream.get(), "write", &[data.value()]).map(drop)
}

fn writelines(vm: &Vm, w: Ptr<WriterObj>, lines: Value) -> Res<()> {
    let t = type_of(lines);
    if t.special(Special::Getitem).is_empty() || t.is_subtype(rt().types.dict) {
        return Err(vm.type_error("arg must be a sequence object"));
    }
    let mut i = 0;
    while i < vm.len(lines)? {
        let line = vm.get_item(lines, int_value(i as i64))?;
        write(vm, w, line)?;
        i += 1;
    }
    Ok(())
}

fn reset_writer(vm: &Vm, w: Ptr<WriterObj>) -> Res<()> {
    let pending = w.pending.get();
    let Some(text) = pending.downcast::<StrObj>() else { return Ok(()) };
    let errors = errors_of(vm, w)?;
    let mut state = w.state.0.get();
    let out = convert::encode(vm, w.codec.0, &mut state, text, &mut 0, Errors::of(&errors), End::Reset);
    w.state.0.set(state);
    let out = out?;
    w.pending.set(w, Value::EMPTY);
    if !out.is_empty() {
        call(vm, w.stream.get(), "write", &[BytesObj::new(&out).value()])?;
    }
    Ok(())
}
