//! `sqlite3.Blob`: a value in a table that is read and written in place.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use cape_builtins::slicing::{Span, is_index, place, span};
use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{FromArg, Named, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use libsqlite3_sys as ffi;

use crate::adapt::sqlite_int;
use crate::connection::{Conn, ConnectionObj, attempt, check_open, check_thread, usable};
use crate::error::{Error, programming};
use crate::functions::c_text;
use crate::handle::{BlobHandle, Shared, run};

heap_object! {
    /// An open blob.
    pub struct BlobObj { connection: Field, handle: Native<Rc<BlobHandle>>, offset: Cell<i32> } [drop]
}

impl Named for BlobObj {
    const NAME: &'static str = "sqlite3.Blob";
}

type Blob = Ptr<BlobObj>;

static BLOB: StaticType = StaticType::new();

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let flags = TypeFlags::NO_INSTANTIATION | TypeFlags::HAS_WEAKREF;
    let t = new_type::<BlobObj>("sqlite3.Blob", rt().types.object, flags)
        .method("close($self, /)", "Close the blob.", |vm: &Vm, b: Blob| {
            check_open(vm, b.connection())?;
            check_thread(vm, b.connection())?;
            close(vm, b.connection(), &b.handle);
            Ok::<(), cape_vm::Raised>(())
        })
        .method(
            "read($self, length=-1, /)",
            "Read data at the current offset position.\n\n  length\n    Read length in bytes.\n\nIf the end of the blob is reached, the data up to end of file will\nbe returned.  When length is not specified, or is negative,\nBlob.read() will read until the end of the blob.",
            read,
        )
        .method(
            "write($self, data, /)",
            "Write data at the current offset.\n\nThis function cannot change the blob length.  Writing beyond the end\nof the blob will result in an exception being raised.",
            |vm: &Vm, b: Blob, data: Buffer| {
                b.check(vm)?;
                b.put(vm, b.offset.get() as usize, &data.to_vec())?;
                b.offset.set(b.offset.get() + data.len() as i32);
                Ok::<(), cape_vm::Raised>(())
            },
        )
        .method(
            "seek($self, offset, origin=0, /)",
            "Set the current access position to offset.\n\nThe origin argument defaults to os.SEEK_SET (absolute blob\npositioning).  Other values for origin are os.SEEK_CUR (seek\nrelative to the current position) and os.SEEK_END (seek relative to\nthe blob's end).",
            seek,
        )
        .method("tell($self, /)", "Return the current access position for the blob.", |vm: &Vm, b: Blob| {
            b.check(vm).map(|_| b.offset.get())
        })
        .method("__enter__($self, /)", "Blob context manager enter.", |vm: &Vm, b: Blob| b.check(vm).map(|_| b))
        .method(
            "__exit__($self, type, val, tb, /)",
            "Blob context manager exit.",
            |vm: &Vm, b: Blob, _: Value, _: Value, _: Value| {
                b.check(vm)?;
                close(vm, b.connection(), &b.handle);
                Ok::<bool, cape_vm::Raised>(false)
            },
        )
        .method("__len__($self, /)", "Return len(self).", |vm: &Vm, b: Blob| b.check(vm))
        .method("__getitem__($self, key, /)", "Return self[key].", get_item)
        .method("__setitem__($self, key, value, /)", "Set self[key] to value.", |vm: &Vm, b: Blob, key: Value, v: Value| {
            set_item(vm, b, key, Some(v))
        })
        .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, b: Blob, key: Value| set_item(vm, b, key, None))
        // Not even by its indices.
        .attribute("__iter__", Value::NONE);
    BLOB.set(t.class());
    m.class(t.class());
}

/// Adds the method of connections.
pub fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method(
        "blobopen($self, table, column, rowid, /, *, readonly=False, name='main')",
        "Open and return a BLOB object.\n\n  table\n    Table name.\n  column\n    Column name.\n  rowid\n    Row id.\n  readonly\n    Open the BLOB without write permissions.\n  name\n    Database name.",
        open,
    )
}

/// The number of a row.
struct RowId(i64);

impl FromArg for RowId {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<RowId> {
        match Int::of(v) {
            Some(n) => sqlite_int(vm, n).map(RowId),
            None => Err(vm.type_error("expected 'int'")),
        }
    }
}

fn open(
    vm: &Vm,
    c: Conn,
    table: String,
    column: String,
    row: RowId,
    readonly: Option<bool>,
    name: Option<String>,
) -> Res<Blob> {
    let (table, column) = (c_text(vm, table)?, c_text(vm, column)?);
    let name = c_text(vm, name.unwrap_or_else(|| "main".to_owned()))?;
    let db = usable(vm, c)?;
    let write = !readonly.unwrap_or(false) as c_int;
    let blob = attempt(vm, c, || {
        let mut blob = ptr::null_mut();
        // SAFETY: C strings, and a database that stays open while the connection is entered.
        unsafe {
            let (name, table, column) = (name.as_ptr(), table.as_ptr(), column.as_ptr());
            match ffi::sqlite3_blob_open(db, name, table, column, row.0, write, &mut blob) {
                ffi::SQLITE_OK => Ok(blob),
                rc @ ffi::SQLITE_MISUSE => Err(Error::of_code(rc)),
                rc => Err(Error::of_call(db, rc)),
            }
        }
    })?;
    let handle = Rc::new(BlobHandle::new(blob));
    if let Some(shared) = c.shared() {
        let mut blobs = shared.blobs.borrow_mut();
        blobs.retain(|b| b.strong_count() > 0);
        blobs.push(Rc::downgrade(&handle));
    }
    let map = BLOB.get().instance_map();
    let object = BlobObj {
        header: Header::new(map),
        connection: Field::new(c.value()),
        handle: Native(handle),
        offset: Cell::new(0),
    };
    Ok(heap().alloc(map, object))
}

fn close(vm: &Vm, c: Conn, handle: &BlobHandle) {
    let blob = handle.take();
    if !blob.is_null() {
        // SAFETY: nobody else has it now.
        run(vm, c, || unsafe { ffi::sqlite3_blob_close(blob) });
    }
}

/// Closes the blobs of a connection.
pub fn close_all(vm: &Vm, c: Conn, shared: &Arc<Shared>) {
    let blobs = std::mem::take(&mut *shared.blobs.borrow_mut());
    blobs.iter().filter_map(|b| b.upgrade()).for_each(|b| close(vm, c, &b));
}

impl BlobObj {
    fn connection(&self) -> Conn {
        self.connection.downcast::<ConnectionObj>().expect("a connection")
    }

    /// The length, if the blob is open.
    fn check(&self, vm: &Vm) -> Res<usize> {
        let c = self.connection();
        check_open(vm, c)?;
        check_thread(vm, c)?;
        let blob = self.handle.get();
        if blob.is_null() {
            return Err(programming(vm, "Cannot operate on a closed blob."));
        }
        // SAFETY: an open blob.
        Ok(unsafe { ffi::sqlite3_blob_bytes(blob) } as usize)
    }

    /// Reads or writes without the GIL. `f` gets the blob, which stays open: the handle lives as long as this frame, and whoever closes
    /// it waits for the same mutex.
    fn transfer(&self, vm: &Vm, f: impl FnOnce(*mut ffi::sqlite3_blob) -> c_int) -> Res<()> {
        let c = self.connection();
        let db = usable(vm, c)?;
        let blob = self.handle.get();
        let r = run(vm, c, || match f(blob) {
            ffi::SQLITE_OK => Ok(()),
            // SAFETY: the connection is entered, so that its database is not closed.
            rc => Err(unsafe { Error::of_call(db, rc) }),
        });
        r.map_err(|e| e.raise(vm))
    }

    /// Bytes from an offset.
    fn get(&self, vm: &Vm, from: usize, n: usize) -> Res<Vec<u8>> {
        let mut out = vec![0u8; n];
        if n > 0 {
            // SAFETY: there is room for so many bytes.
            self.transfer(vm, |blob| unsafe {
                ffi::sqlite3_blob_read(blob, out.as_mut_ptr() as *mut _, n as c_int, from as c_int)
            })?;
        }
        Ok(out)
    }

    /// Writes bytes at an offset.
    fn put(&self, vm: &Vm, at: usize, data: &[u8]) -> Res<()> {
        let len = self.check(vm)?;
        if data.len() > len.saturating_sub(at) {
            return Err(vm.value_error("data longer than blob length"));
        }
        // SAFETY: so many bytes are read.
        self.transfer(vm, |blob| unsafe {
            ffi::sqlite3_blob_write(blob, data.as_ptr() as *const _, data.len() as c_int, at as c_int)
        })
    }
}

fn read(vm: &Vm, b: Blob, n: Option<i32>) -> Res<Ptr<BytesObj>> {
    let rest = b.check(vm)? - b.offset.get() as usize;
    let n = usize::try_from(n.unwrap_or(-1)).map_or(rest, |n| n.min(rest));
    let data = b.get(vm, b.offset.get() as usize, n)?;
    b.offset.set(b.offset.get() + n as i32);
    Ok(BytesObj::new(&data))
}

fn seek(vm: &Vm, b: Blob, offset: i32, origin: Option<i32>) -> Res<()> {
    let len = b.check(vm)? as i32;
    let from = match origin.unwrap_or(0) {
        libc::SEEK_SET => 0,
        libc::SEEK_CUR => b.offset.get(),
        libc::SEEK_END => len,
        _ => return Err(vm.value_error("'origin' should be os.SEEK_SET, os.SEEK_CUR, or os.SEEK_END")),
    };
    let Some(to) = from.checked_add(offset) else {
        return Err(vm.overflow_error("seek offset results in overflow"));
    };
    if !(0..=len).contains(&to) {
        return Err(vm.value_error("offset out of blob range"));
    }
    b.offset.set(to);
    Ok(())
}

fn index(vm: &Vm, b: Blob, key: Value) -> Res<usize> {
    let i = vm.index_isize(key)?;
    place(i, b.check(vm)?).ok_or_else(|| vm.index_error("Blob index out of range"))
}

/// The bytes between the first and the last that a slice with a step names, and where they begin.
fn stretch(s: Span) -> (usize, usize) {
    let s = s.ascending();
    if s.count == 0 { (0, 0) } else { (s.at(0), s.at(s.count - 1) + 1 - s.at(0)) }
}

fn get_item(vm: &Vm, b: Blob, key: Value) -> Res<Value> {
    b.check(vm)?;
    if is_index(key) {
        let i = index(vm, b, key)?;
        return Ok(Value::int(b.get(vm, i, 1)?[0] as i64));
    }
    let Some(s) = key.downcast::<SliceObj>() else {
        return Err(vm.type_error("Blob indices must be integers"));
    };
    let s = span(vm, s, b.check(vm)?)?;
    let (from, n) = stretch(s);
    let data = b.get(vm, from, n)?;
    let out: Vec<u8> = s.indices().map(|i| data[i - from]).collect();
    Ok(BytesObj::new(&out).value())
}

fn set_item(vm: &Vm, b: Blob, key: Value, v: Option<Value>) -> Res<()> {
    b.check(vm)?;
    if is_index(key) {
        let Some(v) = v else { return Err(vm.type_error("Blob doesn't support item deletion")) };
        let Some(byte) = Int::of(v) else {
            let class = type_of(v).name_str();
            return Err(vm.type_error(format!("'{class}' object cannot be interpreted as an integer")));
        };
        let i = index(vm, b, key)?;
        let byte = byte.to_i64().and_then(|n| u8::try_from(n).ok());
        let byte = byte.ok_or_else(|| vm.value_error("byte must be in range(0, 256)"))?;
        return b.put(vm, i, &[byte]);
    }
    let Some(s) = key.downcast::<SliceObj>() else {
        return Err(vm.type_error("Blob indices must be integers"));
    };
    let Some(v) = v else { return Err(vm.type_error("Blob doesn't support slice deletion")) };
    let s = span(vm, s, b.check(vm)?)?;
    let new = vm.bytes_like(v)?;
    if new.len() != s.count {
        return Err(vm.index_error("Blob slice assignment is wrong size"));
    }
    if s.count == 0 {
        return Ok(());
    }
    let (from, n) = stretch(s);
    if s.step == 1 {
        return b.put(vm, from, &new.to_vec());
    }
    let mut data = b.get(vm, from, n)?;
    s.indices().zip(new.to_vec()).for_each(|(i, byte)| data[i - from] = byte);
    b.put(vm, from, &data)
}
