//! Rows, and what is known of their columns.

use std::ffi::{CStr, c_int};
use std::slice;

use cape_stdlib::statics::StaticValue;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};
use libsqlite3_sys as ffi;

use crate::connection::{Conn, open_db};
use crate::error;
use crate::handle::{Alone, StatementHandle};

/// Converters are looked for by the types that columns are declared with.
pub const PARSE_DECLTYPES: i32 = 1;
/// Converters are looked for by what stands in brackets in the names of columns.
pub const PARSE_COLNAMES: i32 = 2;

/// Names in capitals to converters.
static CONVERTERS: StaticValue = StaticValue::new();

/// An interpreter's own converters.
pub fn renew(m: Ptr<ModuleObj>) {
    CONVERTERS.set(DictObj::new().value());
    m.add("converters", CONVERTERS.try_get().unwrap_or(Value::NONE));
}

/// Fills in the module.
pub fn init(m: Ptr<ModuleObj>) {
    renew(m);
    m.function(
        "register_converter($module, typename, converter, /)",
        "Register a function to convert SQLite values to Python objects.",
        |vm: &Vm, name: Ptr<StrObj>, converter: Value| {
            let upper = vm.call_method(name.value(), intern("upper"), &[])?;
            known().set(vm, upper, converter)
        },
    );
}

fn known() -> Ptr<DictObj> {
    CONVERTERS.try_get().and_then(|d| d.downcast()).expect("the module was initialised")
}

/// A string of SQLite's.
pub fn text(vm: &Vm, bytes: &[u8]) -> Res<Value> {
    match std::str::from_utf8(bytes) {
        Ok(s) => Ok(StrObj::new(s).value()),
        Err(_) => vm.call_method(BytesObj::new(bytes).value(), intern("decode"), &[]),
    }
}

fn converter(vm: &Vm, name: &[u8]) -> Res<Option<Value>> {
    let upper = vm.call_method(text(vm, name)?, intern("upper"), &[])?;
    known().get(vm, upper)
}

/// The bytes of a text that SQLite gives, or nothing if that is null.
///
/// # Safety
/// It must be terminated.
unsafe fn copied(text: *const std::ffi::c_char) -> Option<Vec<u8>> {
    // SAFETY: the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes().to_vec())
}

fn name(vm: &Vm, c: Conn, s: &StatementHandle, i: c_int) -> Res<Vec<u8>> {
    let _alone = Alone::new(vm, c)?;
    // SAFETY: a statement of ours; its text is copied before anything else is done with it.
    unsafe { copied(ffi::sqlite3_column_name(s.st(), i)) }.ok_or_else(|| error::no_memory(vm))
}

fn declared(vm: &Vm, c: Conn, s: &StatementHandle, i: c_int) -> Res<Option<Vec<u8>>> {
    let _alone = Alone::new(vm, c)?;
    // SAFETY: as above.
    Ok(unsafe { copied(ffi::sqlite3_column_decltype(s.st(), i)) })
}

fn columns(s: &StatementHandle) -> c_int {
    // SAFETY: a statement of ours, or null.
    unsafe { ffi::sqlite3_column_count(s.st()) }
}

/// A tuple with the converter of each column, or None.
pub fn converters(vm: &Vm, c: Conn, s: &StatementHandle) -> Res<Value> {
    let wanted = c.detect_types.get();
    let n = columns(s);
    let out = TupleObj::uninit(n as usize);
    for i in 0..n {
        let mut found = None;
        if wanted & PARSE_COLNAMES != 0 {
            let name = name(vm, c, s, i)?;
            if let Some(from) = name.iter().position(|&b| b == b'[')
                && let Some(len) = name[from..].iter().position(|&b| b == b']')
            {
                // The last bracket that is opened before one is closed.
                let inner = name[from..from + len].rsplit(|&b| b == b'[').next().unwrap_or(&[]);
                found = converter(vm, inner)?;
            }
        }
        if found.is_none()
            && wanted & PARSE_DECLTYPES != 0
            && let Some(declared) = declared(vm, c, s, i)?
        {
            // (Of `NUMBER(10) NOT NULL`, the first word.)
            let word = declared.split(|b| matches!(b, b' ' | b'(')).next().unwrap_or(&[]);
            found = converter(vm, word)?;
        }
        out.init(i as usize, found.unwrap_or(Value::NONE));
    }
    Ok(out.value())
}

/// `Cursor.description`: None if there are no columns.
pub fn description(vm: &Vm, c: Conn, s: &StatementHandle) -> Res<Value> {
    let n = columns(s);
    if n == 0 {
        return Ok(Value::NONE);
    }
    let out = TupleObj::uninit(n as usize);
    for i in 0..n {
        let name = name(vm, c, s, i)?;
        let mut shown = &name[..];
        if c.detect_types.get() & PARSE_COLNAMES != 0
            && let Some(bracket) = name.iter().position(|&b| b == b'[')
        {
            shown = &name[..bracket];
            shown = shown.strip_suffix(b" ").unwrap_or(shown);
        }
        let mut column = [Value::NONE; 7];
        column[0] = text(vm, shown)?;
        out.init(i as usize, TupleObj::new(&column).value());
    }
    Ok(out.value())
}

/// A value as SQLite gives it. `B` are bytes.
pub enum Raw<B> {
    Null,
    Int(i64),
    Float(f64),
    Text(B),
    Blob(B),
}

/// A row that was read ahead.
pub type Ahead = Box<[Raw<Vec<u8>>]>;

impl<'a> Raw<&'a [u8]> {
    /// The value of a column; `blob`: as bytes, whatever it is. None: there was no memory for it.
    ///
    /// # Safety
    /// The statement must have a row; nothing may be done with it while the bytes are in use.
    unsafe fn of(st: *mut ffi::sqlite3_stmt, i: c_int, blob: bool) -> Option<Raw<&'a [u8]>> {
        // SAFETY: the caller's promise. The length is asked for after the value, which may have been converted.
        unsafe {
            let kind = ffi::sqlite3_column_type(st, i);
            let p = match kind {
                ffi::SQLITE_NULL => return Some(Raw::Null),
                _ if blob => ffi::sqlite3_column_blob(st, i) as *const u8,
                ffi::SQLITE_INTEGER => return Some(Raw::Int(ffi::sqlite3_column_int64(st, i))),
                ffi::SQLITE_FLOAT => return Some(Raw::Float(ffi::sqlite3_column_double(st, i))),
                ffi::SQLITE_TEXT => ffi::sqlite3_column_text(st, i),
                _ => ffi::sqlite3_column_blob(st, i) as *const u8,
            };
            let bytes = if !p.is_null() {
                slice::from_raw_parts(p, ffi::sqlite3_column_bytes(st, i) as usize)
            } else if ffi::sqlite3_errcode(ffi::sqlite3_db_handle(st)) == ffi::SQLITE_NOMEM {
                return None;
            } else if blob {
                // (So it is for no bytes, too.)
                return Some(Raw::Null);
            } else {
                &[]
            };
            Some(if kind == ffi::SQLITE_TEXT && !blob { Raw::Text(bytes) } else { Raw::Blob(bytes) })
        }
    }
}

impl Raw<Vec<u8>> {
    fn borrowed(&self) -> Raw<&[u8]> {
        match self {
            Raw::Null => Raw::Null,
            Raw::Int(n) => Raw::Int(*n),
            Raw::Float(f) => Raw::Float(*f),
            Raw::Text(b) => Raw::Text(b),
            Raw::Blob(b) => Raw::Blob(b),
        }
    }
}

/// The row that the statement is at, to be made later; None: there was no memory for it. `converted` says of which columns the bytes are wanted.
///
/// # Safety
/// The statement must have a row.
pub unsafe fn ahead(st: *mut ffi::sqlite3_stmt, converted: &[bool]) -> Option<Ahead> {
    let copied = |i: usize| {
        let blob = converted.get(i).copied().unwrap_or(false);
        // SAFETY: the caller's promise; the bytes are copied before anything else is done with the statement.
        Some(match unsafe { Raw::of(st, i as c_int, blob) }? {
            Raw::Null => Raw::Null,
            Raw::Int(n) => Raw::Int(n),
            Raw::Float(f) => Raw::Float(f),
            Raw::Text(b) => Raw::Text(b.to_vec()),
            Raw::Blob(b) => Raw::Blob(b.to_vec()),
        })
    };
    // SAFETY: the caller's promise.
    let n = unsafe { ffi::sqlite3_data_count(st) };
    (0..n as usize).map(copied).collect()
}

fn converter_of(converters: Option<Ptr<TupleObj>>, i: usize) -> Option<Value> {
    converters.and_then(|t| t.as_slice().get(i).copied()).filter(|f| !f.is_none())
}

/// Which columns have a converter.
pub fn converted(converters: Value) -> Vec<bool> {
    let converters = converters.downcast::<TupleObj>();
    (0..converters.map_or(0, |t| t.len())).map(|i| converter_of(converters, i).is_some()).collect()
}

/// The row that the statement is at.
pub fn row(vm: &Vm, c: Conn, s: &StatementHandle, converters: Value) -> Res<Ptr<TupleObj>> {
    // SAFETY: a statement of ours.
    let n = unsafe { ffi::sqlite3_data_count(s.st()) };
    let out = TupleObj::uninit(n as usize);
    let converters = converters.downcast::<TupleObj>();
    for i in 0..n {
        let converter = converter_of(converters, i as usize);
        let alone = Alone::new(vm, c)?;
        // SAFETY: the statement has a row, and is not touched while the value is being made.
        let raw = unsafe { Raw::of(s.st(), i, converter.is_some()) }.ok_or_else(|| error::no_memory(vm))?;
        out.init(i as usize, value(vm, c, s, i, converter, raw, Some(alone))?);
    }
    Ok(out)
}

/// A row that was read ahead.
pub fn row_ahead(
    vm: &Vm,
    c: Conn,
    s: &StatementHandle,
    converters: Value,
    row: &Ahead,
) -> Res<Ptr<TupleObj>> {
    let out = TupleObj::uninit(row.len());
    let converters = converters.downcast::<TupleObj>();
    for (i, raw) in row.iter().enumerate() {
        let converter = converter_of(converters, i);
        out.init(i, value(vm, c, s, i as c_int, converter, raw.borrowed(), None)?);
    }
    Ok(out)
}

/// What Python code gets. The bytes are copied before anything is called, and others let in.
#[inline]
fn value(
    vm: &Vm,
    c: Conn,
    s: &StatementHandle,
    i: c_int,
    converter: Option<Value>,
    raw: Raw<&[u8]>,
    alone: Option<Alone>,
) -> Res<Value> {
    let t = &rt().types;
    let (data, f) = match raw {
        Raw::Null => return Ok(Value::NONE),
        Raw::Int(n) => return Ok(int_value(n)),
        Raw::Float(f) => return Ok(Value::float(f)),
        Raw::Blob(data) => (data, converter.unwrap_or(t.bytes.value())),
        Raw::Text(data) => (data, c.text_factory.get()),
    };
    if f == t.str.value() {
        return match std::str::from_utf8(data) {
            Ok(text) => Ok(StrObj::new(text).value()),
            Err(_) => {
                let data = data.to_vec();
                drop(alone);
                Err(undecodable(vm, &name(vm, c, s, i)?, &data))
            }
        };
    }
    if f == t.bytearray.value() && converter.is_none() {
        return Ok(BytearrayObj::new(data.to_vec()).value());
    }
    let data = BytesObj::new(data).value();
    drop(alone);
    if f == t.bytes.value() {
        return Ok(data);
    }
    let v = vm.call(f, &[data])?;
    // It may have done anything.
    open_db(vm, c)?;
    Ok(v)
}

/// So many bytes of the message about a text that is not UTF-8 are shown.
const MESSAGE: usize = 198;

#[cold]
fn undecodable(vm: &Vm, column: &[u8], data: &[u8]) -> cape_vm::Raised {
    let end = data.iter().position(|&b| b == 0).unwrap_or(data.len());
    let message =
        [b"Could not decode to UTF-8 column '", column, b"' with text '", &data[..end], b"'"].concat();
    let shown: String = message
        .iter()
        .take(MESSAGE)
        .map(|&b| if b.is_ascii() { b as char } else { char::REPLACEMENT_CHARACTER })
        .collect();
    error::operational(vm, shown)
}
