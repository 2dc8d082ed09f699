//! Prepared statements: `sqlite3.Statement`.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::ptr;
use std::sync::Arc;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use libsqlite3_sys as ffi;

use crate::adapt;
use crate::connection::{Conn, attempt, limit, open_db};
use crate::error::{self, Error, programming};
use crate::handle::{Alone, StatementHandle};
use crate::locks::watch_timeout;

heap_object! {
    /// A statement. `changes`: it is an INSERT, UPDATE, DELETE or REPLACE.
    pub struct StatementObj { pub handle: Native<Arc<StatementHandle>>, pub changes: Cell<bool> } [drop]
}

impl Named for StatementObj {
    const NAME: &'static str = "sqlite3.Statement";
}

static STATEMENT: StaticType = StaticType::new();

/// Makes the class.
pub fn init() {
    let flags = TypeFlags::NO_INSTANTIATION;
    STATEMENT.set(new_type::<StatementObj>("sqlite3.Statement", rt().types.object, flags).class());
}

/// The rest of a text behind blanks and comments.
fn skip_blank(mut sql: &[u8]) -> &[u8] {
    loop {
        sql = match sql {
            [b' ' | b'\t' | b'\n' | b'\r' | 0x0c, rest @ ..] => rest,
            [b'-', b'-', rest @ ..] => match rest.iter().position(|&c| c == b'\n') {
                Some(i) => &rest[i + 1..],
                None => &[],
            },
            [b'/', b'*', rest @ ..] => match rest.windows(2).position(|w| w == b"*/") {
                Some(i) => &rest[i + 2..],
                None => &[],
            },
            _ => return sql,
        }
    }
}

fn changes(sql: &[u8]) -> bool {
    let sql = skip_blank(sql);
    ["insert", "update", "delete", "replace"]
        .iter()
        .any(|word| sql.get(..word.len()).is_some_and(|s| s.eq_ignore_ascii_case(word.as_bytes())))
}

/// Prepares a statement.
pub fn prepare(vm: &Vm, c: Conn, sql: Ptr<StrObj>) -> Res<Ptr<StatementObj>> {
    let mut text = vm.utf8(sql)?.into_bytes();
    let db = open_db(vm, c)?;
    if text.contains(&0) {
        return Err(programming(vm, "the query contains a null character"));
    }
    let most = limit(vm, c, ffi::SQLITE_LIMIT_SQL_LENGTH, -1)?;
    if text.len() > most as usize {
        return Err(error::data(vm, "query string is too large"));
    }
    if skip_blank(&text).get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"pragma")) {
        watch_timeout(c, &text);
    }
    text.push(0);
    let (s, used) = attempt(vm, c, || {
        let (mut s, mut tail) = (ptr::null_mut(), ptr::null());
        let start = text.as_ptr() as *const _;
        // SAFETY: the text is terminated; the database stays open while the connection is entered.
        unsafe {
            match ffi::sqlite3_prepare_v2(db, start, text.len() as c_int, &mut s, &mut tail) {
                ffi::SQLITE_OK => Ok((s, tail.offset_from(start) as usize)),
                _ => Err(Error::of(db)),
            }
        }
    })?;
    let Some(shared) = c.shared() else {
        return Err(programming(vm, "Cannot operate on a closed database."));
    };
    let handle = StatementHandle::new(s, &shared);
    text.pop();
    if !skip_blank(text.get(used..).unwrap_or(&[])).is_empty() {
        return Err(programming(vm, "You can only execute one statement at a time."));
    }
    let map = STATEMENT.get().instance_map();
    let object =
        StatementObj { header: Header::new(map), handle: Native(handle), changes: Cell::new(changes(&text)) };
    Ok(heap().alloc(map, object))
}

/// Gives the parameters of a statement their values.
pub fn bind(vm: &Vm, c: Conn, s: &StatementHandle, parameters: Value) -> Res<()> {
    // SAFETY: a statement of ours, or null.
    let needed = unsafe { ffi::sqlite3_bind_parameter_count(s.st()) };
    let class = type_of(parameters);
    let exact = class == rt().types.tuple || class == rt().types.list;
    let subscripts = !class.special(Special::Getitem).is_empty();
    if exact || subscripts && !parameters.is::<DictObj>() && is_sequence(class) {
        let given = vm.len(parameters)?;
        if given != needed as usize {
            return Err(programming(
                vm,
                format!(
                    "Incorrect number of bindings supplied. The current statement uses {needed}, and there are {given} supplied."
                ),
            ));
        }
        for i in 0..needed {
            if let Some(name) = name(vm, c, s, i)?.filter(|n| !n.starts_with('?')) {
                return Err(programming(
                    vm,
                    format!(
                        "Binding {} ('{name}') is a named parameter, but you supplied a sequence which requires nameless (qmark) placeholders.",
                        i + 1
                    ),
                ));
            }
            let v = item(vm, parameters, i as usize)?;
            bind_one(vm, c, s, i, v)?;
        }
        Ok(())
    } else if subscripts {
        for i in 0..needed {
            let Some(name) = name(vm, c, s, i)? else {
                return Err(programming(
                    vm,
                    format!(
                        "Binding {} has no name, but you supplied a dictionary (which has only names).",
                        i + 1
                    ),
                ));
            };
            // (Without the colon.)
            let name = &name[1..];
            let key = StrObj::new(name).value();
            let v = match parameters.downcast::<DictObj>().filter(|_| class == rt().types.dict) {
                Some(d) => d.get(vm, key)?,
                None => match vm.get_item(parameters, key) {
                    Ok(v) => Some(v),
                    Err(r) if r.is(rt().types.lookup_error) => None,
                    Err(r) => return Err(r),
                },
            };
            let Some(v) = v else {
                return Err(programming(
                    vm,
                    format!("You did not supply a value for binding parameter :{name}."),
                ));
            };
            bind_one(vm, c, s, i, v)?;
        }
        Ok(())
    } else {
        Err(programming(vm, "parameters are of unsupported type"))
    }
}

/// Whether objects of a class that has `__getitem__` are sequences, as far as one can see: mappings are not, unless they are written in Python.
fn is_sequence(class: Ptr<TypeObj>) -> bool {
    !class.has(TypeFlags::MAPPING) || class.special(Special::Getitem).is::<FunctionObj>()
}

fn item(vm: &Vm, sequence: Value, i: usize) -> Res<Value> {
    let class = type_of(sequence);
    let there = if class == rt().types.tuple {
        sequence.downcast::<TupleObj>().and_then(|t| t.as_slice().get(i).copied())
    } else if class == rt().types.list {
        // An adapter may have changed it.
        let v = sequence.downcast::<ListObj>().and_then(|l| l.get(i));
        return v.ok_or_else(|| vm.index_error("list index out of range"));
    } else {
        None
    };
    match there {
        Some(v) => Ok(v),
        None => vm.get_item(sequence, Value::int(i as i64)),
    }
}

/// The name of a parameter; none if it is a question mark.
fn name(vm: &Vm, c: Conn, s: &StatementHandle, i: c_int) -> Res<Option<String>> {
    let _alone = Alone::new(vm, c)?;
    // SAFETY: a statement of ours; the text is copied before anything else is done with it.
    unsafe {
        let name = ffi::sqlite3_bind_parameter_name(s.st(), i + 1);
        Ok((!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned()))
    }
}

fn bind_one(vm: &Vm, c: Conn, s: &StatementHandle, i: c_int, v: Value) -> Res<()> {
    let v = adapt::parameter(vm, v)?;
    let bytes = match !v.is_none() && !v.is_float() && !is_int(v) && !v.is::<StrObj>() && vm.has_buffer(v) {
        true => Some(vm.bytes_like(v)?),
        false => None,
    };
    // What has been called may have closed it.
    open_db(vm, c)?;
    let (st, at) = (s.st(), i + 1);
    let int_max = i32::MAX as usize;
    // SAFETY: a statement of ours, which nobody else uses; what is bound is copied.
    let rc = unsafe {
        if v.is_none() {
            let _alone = Alone::new(vm, c)?;
            ffi::sqlite3_bind_null(st, at)
        } else if let Some(n) = Int::of(v) {
            let n = adapt::sqlite_int(vm, n)?;
            let _alone = Alone::new(vm, c)?;
            ffi::sqlite3_bind_int64(st, at, n)
        } else if let Some(f) = float_of(v) {
            let _alone = Alone::new(vm, c)?;
            ffi::sqlite3_bind_double(st, at, f)
        } else if let Some(text) = v.downcast::<StrObj>() {
            let owned;
            let text = match text.as_ascii() {
                Some(t) => t,
                None => {
                    owned = vm.utf8(text)?;
                    &owned
                }
            };
            if text.len() > int_max {
                return Err(vm.overflow_error("string longer than INT_MAX bytes"));
            }
            let _alone = Alone::new(vm, c)?;
            ffi::sqlite3_bind_text(
                st,
                at,
                text.as_ptr() as *const _,
                text.len() as c_int,
                ffi::SQLITE_TRANSIENT(),
            )
        } else if let Some(bytes) = &bytes {
            if bytes.len() > int_max {
                return Err(vm.overflow_error("BLOB longer than INT_MAX bytes"));
            }
            let _alone = Alone::new(vm, c)?;
            // (The address of no bytes must not be null, or it would be NULL.)
            let start = bytes.as_slice().as_ptr() as *const _;
            ffi::sqlite3_bind_blob(st, at, start, bytes.len() as c_int, ffi::SQLITE_TRANSIENT())
        } else {
            let class = type_of(v).name_str();
            return Err(programming(
                vm,
                format!("Error binding parameter {at}: type '{class}' is not supported"),
            ));
        }
    };
    if rc == ffi::SQLITE_OK {
        return Ok(());
    }
    let _alone = Alone::new(vm, c)?;
    // SAFETY: the statement's database.
    Err(unsafe { Error::of_call(ffi::sqlite3_db_handle(st), rc) }.raise(vm))
}
