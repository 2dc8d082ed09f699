//! Whole databases: copies, and their bytes.

use std::ffi::c_int;
use std::ptr;

use cape_vm::buffer::Buffer;
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};
use libsqlite3_sys as ffi;

use crate::connection::{Conn, ConnectionObj, open_db, usable};
use crate::error::{self, Error, operational};
use crate::functions::{c_text, checked};
use crate::handle::{Entry, run};

/// Adds the methods of connections.
pub fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method(
        "backup($self, /, target, *, pages=-1, progress=None, name='main',\n       sleep=0.25)",
        "Makes a backup of the database.",
        backup,
    )
    .method(
        "serialize($self, /, *, name='main')",
        "Serialize a database into a byte string.\n\n  name\n    Which database to serialize.\n\nFor an ordinary on-disk database file, the serialization is just\na copy of the disk file.  For an in-memory database or a \"temp\"\ndatabase, the serialization is the same sequence of bytes which\nwould be written to disk if that database were backed up to disk.",
        serialize,
    )
    .method(
        "deserialize($self, data, /, *, name='main')",
        "Load a serialized database.\n\n  data\n    The serialized database content.\n  name\n    Which database to reopen with the deserialization.\n\nThe deserialize interface causes the database connection to\ndisconnect from the target database, and then reopen it as\nan in-memory database based on the given serialized data.\n\nThe deserialize interface will fail with SQLITE_BUSY if the database\nis currently in a read transaction or is involved in a backup\noperation.",
        deserialize,
    )
}

/// A copy that is being made. Both connections are entered, so that their databases stay open.
struct Backup {
    handle: *mut ffi::sqlite3_backup,
    _entries: [Entry; 2],
}

fn backup(
    vm: &Vm,
    c: Conn,
    target: Ptr<ConnectionObj>,
    pages: Option<i32>,
    progress: Option<Value>,
    name: Option<String>,
    sleep: Option<f64>,
) -> Res<()> {
    let name = c_text(vm, name.unwrap_or_else(|| "main".to_owned()))?;
    let from = usable(vm, c)?;
    if target == c {
        return Err(vm.value_error("target cannot be the same connection instance"));
    }
    let to = open_db(vm, target)?;
    let progress = progress.filter(|p| !p.is_none());
    if progress.is_some_and(|p| !vm.is_callable(p)) {
        return Err(vm.type_error("progress argument must be a callable"));
    }
    let pages = match pages.unwrap_or(-1) {
        0 => -1,
        n => n,
    };
    let milliseconds = (sleep.unwrap_or(0.25) * 1000.0) as c_int;
    let (Some(mine), Some(other)) = (c.shared(), target.shared()) else {
        return Err(vm.runtime_error("the connection is closed"));
    };
    let entries = [Entry::new(c, &mine), Entry::new(target, &other)];
    // SAFETY: two open databases.
    let handle =
        run(vm, c, || unsafe { ffi::sqlite3_backup_init(to, c"main".as_ptr(), from, name.as_ptr()) });
    if handle.is_null() {
        // SAFETY: an open database.
        return Err(unsafe { Error::of_call(to, ffi::SQLITE_ERROR) }.raise(vm));
    }
    let b = Backup { handle, _entries: entries };
    let copied = copy(vm, c, &b, pages, progress, milliseconds);
    let finished = run(vm, c, || {
        // SAFETY: the copy is not used after this; the target is not closed while it is entered.
        unsafe {
            match ffi::sqlite3_backup_finish(b.handle) {
                ffi::SQLITE_OK => Ok(()),
                rc => Err(Error::of_call(to, rc)),
            }
        }
    });
    copied?;
    finished.map_err(|e| e.raise(vm))
}

fn copy(vm: &Vm, c: Conn, b: &Backup, pages: c_int, progress: Option<Value>, milliseconds: c_int) -> Res<()> {
    loop {
        // SAFETY: the copy is being made.
        let rc = run(vm, c, || unsafe { ffi::sqlite3_backup_step(b.handle, pages) });
        if let Some(progress) = progress {
            // SAFETY: as above.
            let (remaining, count) =
                unsafe { (ffi::sqlite3_backup_remaining(b.handle), ffi::sqlite3_backup_pagecount(b.handle)) };
            vm.call(progress, &[rc, remaining, count].map(|n| Value::int(n as i64)))?;
        }
        match rc {
            ffi::SQLITE_OK => {}
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
                if !crate::locks::reclaim(vm) {
                    // SAFETY: a plain call.
                    run(vm, c, || unsafe { ffi::sqlite3_sleep(milliseconds) });
                }
            }
            _ => return Ok(()),
        }
    }
}

fn serialize(vm: &Vm, c: Conn, name: Option<String>) -> Res<Ptr<BytesObj>> {
    let text = name.unwrap_or_else(|| "main".to_owned());
    let name = c_text(vm, text.clone())?;
    let db = usable(vm, c)?;
    let bytes = run(vm, c, || {
        let mut n = 0;
        // SAFETY: an open database. The first call gives memory of SQLite's own, the second memory that is to be freed.
        unsafe {
            let own = ffi::sqlite3_serialize(db, name.as_ptr(), &mut n, ffi::SQLITE_SERIALIZE_NOCOPY as _);
            if !own.is_null() {
                return Some(std::slice::from_raw_parts(own, n as usize).to_vec());
            }
            let copy = ffi::sqlite3_serialize(db, name.as_ptr(), &mut n, 0);
            if copy.is_null() {
                return None;
            }
            let bytes = std::slice::from_raw_parts(copy, n as usize).to_vec();
            ffi::sqlite3_free(copy as *mut _);
            Some(bytes)
        }
    });
    match bytes {
        Some(bytes) => Ok(BytesObj::new(&bytes)),
        None => Err(operational(vm, format!("unable to serialize '{text}'"))),
    }
}

fn deserialize(vm: &Vm, c: Conn, data: Bytes, name: Option<String>) -> Res<()> {
    let name = c_text(vm, name.unwrap_or_else(|| "main".to_owned()))?;
    let db = usable(vm, c)?;
    let data = data.0;
    let flags = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE;
    let mut no_memory = false;
    let done = checked(vm, c, db, || {
        // SAFETY: SQLite gets memory of its own, with so many bytes, and frees it, also if the call fails.
        unsafe {
            let n = data.len();
            let memory = ffi::sqlite3_malloc64(n.max(1) as u64) as *mut u8;
            no_memory = memory.is_null();
            if no_memory {
                return ffi::SQLITE_NOMEM;
            }
            ptr::copy_nonoverlapping(data.as_slice().as_ptr(), memory, n);
            ffi::sqlite3_deserialize(db, name.as_ptr(), memory, n as i64, n as i64, flags as _)
        }
    });
    if no_memory { Err(error::no_memory(vm)) } else { done }
}

/// An argument that is bytes; a `str` stands for its UTF-8.
struct Bytes(Buffer);

impl cape_vm::native::FromArg for Bytes {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Bytes> {
        let v = match v.downcast::<StrObj>() {
            Some(s) => BytesObj::new(vm.utf8(s)?.as_bytes()).value(),
            None => v,
        };
        vm.bytes_like(v).map(Bytes)
    }
}
