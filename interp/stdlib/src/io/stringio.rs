//! `StringIO`: a text stream in memory.

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{FromArg, Named, new_type};
use cape_vm::object::{Int, ModuleObj, StrBuilder, StrKind, StrObj, TupleObj, TypeObj, int_value};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use super::base::TEXT_IO_BASE;
use super::newline::{Newlines, newlines_value};
use super::util::*;

heap_object! {
    /// A `StringIO`. `newline` is the constructor's argument (None for universal newlines).
    pub struct StringIoObj { pub bits: Cell<u32>, pub newline: Field, state: Native<UnsafeCell<State>> } [drop]
}

impl Named for StringIoObj {
    const NAME: &'static str = "StringIO";
}

/// Code points: bytes while all are below U+0100.
#[derive(Default)]
struct Text {
    narrow: Vec<u8>,
    wide: Vec<u32>,
    is_wide: bool,
}

impl Text {
    fn len(&self) -> usize {
        if self.is_wide { self.wide.len() } else { self.narrow.len() }
    }

    fn widen(&mut self) {
        if !self.is_wide {
            self.is_wide = true;
            self.wide = self.narrow.drain(..).map(|c| c as u32).collect();
        }
    }

    /// Overwrites at `pos`, filling a gap with NULs.
    fn write(&mut self, pos: usize, s: &StrObj) {
        if s.kind() != StrKind::One {
            self.widen();
        }
        let n = s.len();
        if self.is_wide {
            put(&mut self.wide, pos, n, s.chars());
        } else if pos == self.narrow.len() {
            self.narrow.extend_from_slice(s.data1());
        } else {
            put(&mut self.narrow, pos, n, s.data1().iter().copied());
        }
    }

    fn slice(&self, from: usize, to: usize) -> Ptr<StrObj> {
        if self.is_wide { StrObj::from_code_points(&self.wide[from..to]) } else { StrObj::from_latin1(&self.narrow[from..to]) }
    }

    fn truncate(&mut self, n: usize) {
        self.narrow.truncate(n);
        self.wide.truncate(n);
    }

    /// The end (exclusive) of the line that begins at `from`.
    fn line_end(&self, from: usize, ending: &Ending) -> usize {
        let n = self.len();
        let at = |i: usize| if self.is_wide { self.wide[i] } else { self.narrow[i] as u32 };
        match ending {
            Ending::Char(c) if !self.is_wide && *c < 256 => {
                memchr::memchr(*c as u8, &self.narrow[from..]).map_or(n, |i| from + i + 1)
            }
            Ending::Char(c) => (from..n).find(|&i| at(i) == *c).map_or(n, |i| i + 1),
            Ending::CrLf => {
                (from..n).find(|&i| at(i) == 13 && i + 1 < n && at(i + 1) == 10).map_or(n, |i| i + 2)
            }
            Ending::Any => match (from..n).find(|&i| matches!(at(i), 10 | 13)) {
                None => n,
                Some(i) if at(i) == 13 && i + 1 < n && at(i + 1) == 10 => i + 2,
                Some(i) => i + 1,
            },
        }
    }
}

fn put<T: Copy + Default>(v: &mut Vec<T>, pos: usize, n: usize, it: impl Iterator<Item = T>) {
    if pos + n > v.len() {
        v.resize(pos + n, T::default());
    }
    v[pos..pos + n].iter_mut().zip(it).for_each(|(d, c)| *d = c);
}

/// What ends a line that is read.
enum Ending {
    Char(u32),
    CrLf,
    Any,
}

struct State {
    text: Text,
    pos: usize,
    ok: bool,
    /// Universal newlines are recognised (and, with `newline=None`, translated).
    newlines: Option<Newlines>,
    ending: Ending,
    /// What `\n` becomes when written.
    write_as: Option<&'static str>,
}

/// `_io.StringIO`.
pub static STRING_IO: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<StringIoObj>("_io.StringIO", TEXT_IO_BASE.get(), CLASS)
        .doc("Text I/O implementation using an in-memory buffer.")
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", new)
        .method("__init__($self, /, initial_value='', newline='\\n')", "Initialize self.", init_text)
        .method("__next__($self, /)", "Implement next(self).", next)
        .method("__getstate__($self, /)", "", getstate)
        .method("__setstate__($self, state, /)", "", setstate)
        .method("close($self, /)", "Close the IO object.", close)
        .method("getvalue($self, /)", "Retrieve the entire contents of the object.", getvalue)
        .method("read($self, size=-1, /)", "Read at most size characters, returned as a string.", read)
        .method("readable($self, /)", "Returns True if the IO object can be read.", able)
        .method("readline($self, size=-1, /)", "Read until newline or EOF.", readline)
        .method("seek($self, pos, whence=0, /)", "Change stream position.", seek)
        .method("seekable($self, /)", "Returns True if the IO object can be seeked.", able)
        .method("tell($self, /)", "Tell the current file position.", |vm: &Vm, s: Ptr<StringIoObj>| {
            check(vm, s).map(|()| s.state().pos)
        })
        .method("truncate($self, pos=None, /)", "Truncate size to pos.", truncate)
        .method("writable($self, /)", "Returns True if the IO object can be written.", able)
        .method("write($self, s, /)", "Write string to file.", write)
        .getter("closed", "", |vm: &Vm, s: Ptr<StringIoObj>| ready(vm, s).map(|()| has_bit(s.value(), bits::CLOSED)))
        .getter("line_buffering", "", |vm: &Vm, s: Ptr<StringIoObj>| check(vm, s).map(|()| false))
        .getter("newlines", "", |vm: &Vm, s: Ptr<StringIoObj>| {
            check(vm, s).map(|()| newlines_value(s.state().newlines.map_or(0, |n| n.seen)))
        })
        .class();
    STRING_IO.set(t);
    m.class(t);
}

impl StringIoObj {
    #[allow(clippy::mut_from_ref, reason = "guarded by the GIL")]
    fn state(&self) -> &mut State {
        // SAFETY: the GIL is held, and no Python code runs while the reference is in use.
        unsafe { &mut *self.state.0.get() }
    }
}

fn new(_: &Vm, cls: Ptr<TypeObj>, _args: Value, _kwargs: Value) -> Value {
    let map = cls.instance_map();
    let state = State {
        text: Text::default(),
        pos: 0,
        ok: false,
        newlines: None,
        ending: Ending::Char(10),
        write_as: None,
    };
    let object = StringIoObj {
        header: Header::new(map),
        bits: Cell::new(0),
        newline: Field::new(Value::NONE),
        state: Native(UnsafeCell::new(state)),
    };
    heap().alloc(map, object).value()
}

fn init_text(vm: &Vm, s: Ptr<StringIoObj>, initial: Option<Value>, newline: Option<Value>) -> Res<()> {
    let newline = newline.unwrap_or_else(|| StrObj::new("\n").value());
    let text = if newline.is_none() {
        None
    } else {
        let Some(n) = newline.downcast::<StrObj>() else {
            return Err(vm.type_error(format!(
                "newline must be str or None, not {}",
                type_of(newline).name_str()
            )));
        };
        let n_text = n.display();
        if !matches!(&*n_text, "" | "\n" | "\r" | "\r\n") {
            return Err(vm.value_error(format!("illegal newline value: {}", vm.repr_str(newline)?)));
        }
        Some(n_text)
    };
    if let Some(v) = initial
        && !v.is_none()
        && !v.is::<StrObj>()
    {
        return Err(vm.type_error(format!(
            "initial_value must be str or None, not {}",
            type_of(v).name_str()
        )));
    }
    s.newline.set(s, newline);
    let st = s.state();
    st.text = Text::default();
    st.pos = 0;
    st.ok = true;
    (st.newlines, st.ending, st.write_as) = match text.as_deref() {
        None => (Some(Newlines { translate: true, ..Newlines::default() }), Ending::Char(10), None),
        Some("") => (Some(Newlines::default()), Ending::Any, None),
        Some("\r") => (None, Ending::Char(13), Some("\r")),
        Some("\r\n") => (None, Ending::CrLf, Some("\r\n")),
        Some(_) => (None, Ending::Char(10), None),
    };
    if let Some(v) = initial.and_then(|v| v.downcast::<StrObj>()) {
        put_text(s, v);
        s.state().pos = 0;
    }
    Ok(())
}

fn ready(vm: &Vm, s: Ptr<StringIoObj>) -> Res<()> {
    if s.state().ok { Ok(()) } else { Err(vm.value_error("I/O operation on uninitialized object")) }
}

fn check(vm: &Vm, s: Ptr<StringIoObj>) -> Res<()> {
    ready(vm, s)?;
    if s.bits.get() & bits::CLOSED != 0 {
        return Err(vm.value_error("I/O operation on closed file"));
    }
    Ok(())
}

fn able(vm: &Vm, s: Ptr<StringIoObj>) -> Res<bool> {
    check(vm, s).map(|()| true)
}

/// Writes at the position, with the newline translation of writing.
fn put_text(s: Ptr<StringIoObj>, text: Ptr<StrObj>) {
    let mut text = text;
    if let Some(n) = &mut s.state().newlines {
        text = n.decode(text, true);
    }
    if let Some(nl) = s.state().write_as {
        let mut b = StrBuilder::with_capacity(text.len());
        for c in text.chars() {
            if c == 10 { b.push_str(nl) } else { b.push(c) }
        }
        text = b.finish();
    }
    let st = s.state();
    if !text.is_empty() {
        st.text.write(st.pos, &text);
        st.pos += text.len();
    }
}

fn write(vm: &Vm, s: Ptr<StringIoObj>, text: Value) -> Res<usize> {
    ready(vm, s)?;
    let Some(t) = text.downcast::<StrObj>() else {
        return Err(vm.type_error(format!("string argument expected, got '{}'", type_of(text).name_str())));
    };
    check(vm, s)?;
    let n = t.len();
    if n > 0 {
        put_text(s, t);
    }
    Ok(n)
}

fn close(vm: &Vm, s: Ptr<StringIoObj>) -> Res<()> {
    s.bits.set(s.bits.get() | bits::CLOSED);
    s.state().text = Text::default();
    call(vm, s.value(), "flush", &[]).map(drop).or_else(|e| {
        if e.is(cape_vm::rt().types.value_error) { Ok(()) } else { Err(e) }
    })
}

fn getvalue(vm: &Vm, s: Ptr<StringIoObj>) -> Res<Value> {
    check(vm, s)?;
    let t = &s.state().text;
    Ok(t.slice(0, t.len()).value())
}

fn read(vm: &Vm, s: Ptr<StringIoObj>, size: Size) -> Res<Value> {
    check(vm, s)?;
    let st = s.state();
    let from = st.pos.min(st.text.len());
    let to = size.limit().map_or(st.text.len(), |n| (from.saturating_add(n)).min(st.text.len()));
    if to > from {
        st.pos = to;
    }
    Ok(st.text.slice(from, to).value())
}

fn read_line(s: Ptr<StringIoObj>, limit: Option<usize>) -> Ptr<StrObj> {
    let st = s.state();
    let n = st.text.len();
    if st.pos >= n {
        return cape_vm::rt().empty_str();
    }
    let from = st.pos;
    let mut to = st.text.line_end(from, &st.ending);
    if let Some(l) = limit {
        to = to.min(from.saturating_add(l));
    }
    st.pos = to;
    st.text.slice(from, to)
}

fn readline(vm: &Vm, s: Ptr<StringIoObj>, size: Size) -> Res<Value> {
    check(vm, s)?;
    Ok(read_line(s, size.limit()).value())
}

fn next(vm: &Vm, s: Ptr<StringIoObj>) -> Res<Value> {
    check(vm, s)?;
    let line = if type_of(s.value()) == STRING_IO.get() {
        read_line(s, None)
    } else {
        let r = call(vm, s.value(), "readline", &[])?;
        match r.downcast::<StrObj>() {
            Some(l) => l,
            None => {
                return Err(vm.os_error(format!(
                    "readline() should have returned a str object, not '{}'",
                    type_of(r).name_str()
                )));
            }
        }
    };
    Ok(if line.is_empty() { Value::EMPTY } else { line.value() })
}

fn seek(vm: &Vm, s: Ptr<StringIoObj>, pos: isize, whence: Option<i32>) -> Res<usize> {
    check(vm, s)?;
    let whence = whence.unwrap_or(0);
    if !(0..=2).contains(&whence) {
        return Err(vm.value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)")));
    }
    if pos < 0 && whence == 0 {
        return Err(vm.value_error(format!("Negative seek position {pos}")));
    }
    if whence != 0 && pos != 0 {
        return Err(vm.os_error("Can't do nonzero cur-relative seeks"));
    }
    let st = s.state();
    st.pos = match whence {
        0 => pos as usize,
        1 => st.pos,
        _ => st.text.len(),
    };
    Ok(st.pos)
}

fn truncate(vm: &Vm, s: Ptr<StringIoObj>, pos: Option<Value>) -> Res<usize> {
    check(vm, s)?;
    let n = match pos {
        Some(v) if !v.is_none() => isize::from_arg(vm, v, 1)?,
        _ => s.state().pos as isize,
    };
    if n < 0 {
        return Err(vm.value_error(format!("Negative size value {n}")));
    }
    s.state().text.truncate(n as usize);
    Ok(n as usize)
}

fn getstate(vm: &Vm, s: Ptr<StringIoObj>) -> Res<Value> {
    let value = getvalue(vm, s)?;
    let dict = match vm.dict_of(s.value()) {
        Some(d) => d.copy().value(),
        None => Value::NONE,
    };
    Ok(TupleObj::new(&[value, s.newline.get(), int_value(s.state().pos as i64), dict]).value())
}

fn setstate(vm: &Vm, s: Ptr<StringIoObj>, state: Value) -> Res<()> {
    // `__init__` need not have run: this does its work.
    if has_bit(s.value(), bits::CLOSED) {
        check(vm, s)?;
    }
    let Some(t) = state.downcast::<TupleObj>().filter(|t| t.len() >= 4) else {
        return Err(vm.type_error(format!(
            "{}.__setstate__ argument should be 4-tuple, got {}",
            super::buffered::type_name(s.value()),
            type_of(state).name_str()
        )));
    };
    init_text(vm, s, None, Some(t.get(1)))?;
    let Some(value) = t.get(0).downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "initial_value must be str or None, not {}",
            type_of(t.get(0)).name_str()
        )));
    };
    // The value was translated when it was written: it is taken as it is.
    s.state().text.write(0, &value);
    let Some(pos) = Int::of(t.get(2)) else {
        return Err(vm.type_error(format!(
            "third item of state must be an integer, got {}",
            type_of(t.get(2)).name_str()
        )));
    };
    match pos.to_i64() {
        Some(n) if n >= 0 => s.state().pos = n as usize,
        _ => return Err(vm.value_error("position value cannot be negative")),
    }
    super::bytesio::set_state_dict(vm, s.value(), t.get(3), "fourth")
}
