//! `scandir` and `DirEntry`.

use std::cell::{Cell, RefCell};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{ModuleObj, TypeFlags};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::dirs::Dir;
use super::stat::STAT_RESULT;
use crate::fsname::{self, PathOrFdOrNone};
use crate::oserror::{errno, os_error};

heap_object! {
    /// The iterator of `scandir`.
    pub struct ScandirObj { path: Field, prefix: Native<Vec<u8>>, is_bytes: Cell<bool>, fd: Cell<i32>, dir: Native<RefCell<Option<Dir>>> } [drop]

    /// An `os.DirEntry`. `fd` is the directory's descriptor when `scandir` was given one, else -1.
    pub struct DirEntryObj {
        name: Field,
        path: Field,
        stat: Field,
        lstat: Field,
        full: Native<std::ffi::CString>,
        fd: Cell<i32>,
        inode: Cell<u64>,
        kind: Cell<u8>,
    } [drop]
}

impl Named for ScandirObj {
    const NAME: &'static str = "posix.ScandirIterator";
}

impl Named for DirEntryObj {
    const NAME: &'static str = "os.DirEntry";
}

static ITERATOR: StaticType = StaticType::new();
static ENTRY: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    let it = new_type::<ScandirObj>("posix.ScandirIterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, s: Ptr<ScandirObj>| s)
        .method("__next__($self, /)", "Implement next(self).", next)
        .method("__enter__($self, /)", "", |_: &Vm, s: Ptr<ScandirObj>| s)
        .method("__exit__($self, /, *args)", "", |_: &Vm, s: Ptr<ScandirObj>, _: Value| close(s))
        .method("close($self, /)", "", |_: &Vm, s: Ptr<ScandirObj>| close(s))
        .method("__del__($self, /)", "Called when the instance is about to be destroyed.", finalize)
        .class();
    for map in cape_vm::shape::maps_of(it) {
        map.flags.set(map.flags.get() | cape_heap::MapFlags::FINALIZER);
    }
    ITERATOR.set(it);
    let entry = new_type::<DirEntryObj>("posix.DirEntry", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, e: Ptr<DirEntryObj>| {
            vm.repr_str(e.name.get()).map(|n| format!("<DirEntry {n}>"))
        })
        .method("__fspath__($self, /)", "Returns the path for the entry.", |_: &Vm, e: Ptr<DirEntryObj>| e.path.get())
        .method("inode($self, /)", "Return inode of the entry; cached per entry.", |_: &Vm, e: Ptr<DirEntryObj>| e.inode.get())
        .method("is_dir($self, /, *, follow_symlinks=True)", "Return True if the entry is a directory; cached per entry.", |vm: &Vm, e: Ptr<DirEntryObj>, f: Option<bool>| {
            is_kind(vm, e, f.unwrap_or(true), libc::DT_DIR, libc::S_IFDIR)
        })
        .method("is_file($self, /, *, follow_symlinks=True)", "Return True if the entry is a file; cached per entry.", |vm: &Vm, e: Ptr<DirEntryObj>, f: Option<bool>| {
            is_kind(vm, e, f.unwrap_or(true), libc::DT_REG, libc::S_IFREG)
        })
        .method("is_symlink($self, /)", "Return True if the entry is a symbolic link; cached per entry.", |vm: &Vm, e: Ptr<DirEntryObj>| {
            is_kind(vm, e, false, libc::DT_LNK, libc::S_IFLNK)
        })
        .method("is_junction($self, /)", "Return True if the entry is a junction; cached per entry.", |_: &Vm, _: Ptr<DirEntryObj>| false)
        .method("stat($self, /, *, follow_symlinks=True)", "Return stat_result object for the entry; cached per entry.", |vm: &Vm, e: Ptr<DirEntryObj>, f: Option<bool>| {
            stat(vm, e, f.unwrap_or(true))
        })
        .class_method("__class_getitem__($type, object, /)", "See PEP 585", |vm: &Vm, cls: Value, key: Value| {
            vm.call_generic_alias(cls, key)
        })
        .getter("name", "the entry's base filename, relative to scandir() \"path\" argument", |_: &Vm, e: Ptr<DirEntryObj>| e.name.get())
        .getter("path", "the entry's full path name; equivalent to os.path.join(scandir_path, entry.name)", |_: &Vm, e: Ptr<DirEntryObj>| e.path.get())
        .class();
    ENTRY.set(entry);
    m.class(entry);
    m.function("scandir($module, /, path=None)", "Return an iterator of DirEntry objects for given path.", scandir);
}

fn scandir(vm: &Vm, path: PathOrFdOrNone) -> Res<Value> {
    let dir = Dir::open(vm, &path).map_err(|e| os_error(vm, e, path.object))?;
    if path.fd.is_some() {
        dir.rewind();
    }
    let mut prefix = match path.fd {
        Some(_) => Vec::new(),
        None => path.text.as_bytes().to_vec(),
    };
    if prefix.last().is_some_and(|&c| c != b'/') {
        prefix.push(b'/');
    }
    let map = ITERATOR.get().instance_map();
    let object = ScandirObj {
        header: Header::new(map),
        path: Field::new(path.object),
        prefix: Native(prefix),
        is_bytes: Cell::new(path.is_bytes),
        fd: Cell::new(path.fd.unwrap_or(-1)),
        dir: Native(RefCell::new(Some(dir))),
    };
    Ok(heap().alloc(map, object).value())
}

fn close(s: Ptr<ScandirObj>) {
    // A second user is in the middle of `next`: it closes when it is done.
    if let Ok(mut d) = s.dir.try_borrow_mut() {
        if s.fd.get() >= 0
            && let Some(d) = &*d
        {
            d.rewind();
        }
        *d = None;
    }
}

fn finalize(vm: &Vm, s: Ptr<ScandirObj>) -> Res<()> {
    if s.dir.borrow().is_none() {
        return Ok(());
    }
    let text = vm.repr_str(s.value())?;
    let message = format!("unclosed scandir iterator {text}");
    let r = crate::warn::warn_source(vm, rt().types.resource_warning, &message, 1, s.value());
    close(s);
    r
}

fn next(vm: &Vm, s: Ptr<ScandirObj>) -> Res<Value> {
    let dir = s.dir.borrow();
    let Some(d) = &*dir else { return Ok(Value::EMPTY) };
    let found = match d.next(vm) {
        Ok(f) => f,
        Err(e) => {
            drop(dir);
            close(s);
            return Err(os_error(vm, e, s.path.get()));
        }
    };
    let Some((name, inode, kind)) = found else {
        drop(dir);
        close(s);
        return Ok(Value::EMPTY);
    };
    let mut full = s.prefix.clone();
    full.extend_from_slice(name);
    let value = |bytes: &[u8]| {
        if s.is_bytes.get() {
            cape_vm::object::BytesObj::new(bytes).value()
        } else {
            fsname::decode(bytes).value()
        }
    };
    let (name, path) = (value(name), value(&full));
    let map = ENTRY.get().instance_map();
    let entry = DirEntryObj {
        header: Header::new(map),
        name: Field::new(name),
        path: Field::new(path),
        stat: Field::new(Value::EMPTY),
        lstat: Field::new(Value::EMPTY),
        full: Native(std::ffi::CString::new(full).expect("names have no NULs")),
        fd: Cell::new(s.fd.get()),
        inode: Cell::new(inode),
        kind: Cell::new(kind),
    };
    Ok(heap().alloc(map, entry).value())
}

/// The entry's stat result, or the `errno`.
fn fetch(vm: &Vm, e: Ptr<DirEntryObj>, follow: bool) -> Result<Value, i32> {
    let cache = if follow { &e.stat } else { &e.lstat };
    if !cache.get().is_empty() {
        return Ok(cache.get());
    }
    if follow && e.kind.get() != libc::DT_LNK && e.kind.get() != libc::DT_UNKNOWN {
        // No link to follow.
        let v = fetch(vm, e, false)?;
        e.stat.set(e, v);
        return Ok(v);
    }
    let p = e.full.as_ptr() as usize;
    let dir = if e.fd.get() >= 0 { e.fd.get() } else { libc::AT_FDCWD };
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: plain C struct.
    let mut st: libc::stat = unsafe { std::mem::zeroed() };
    let (r, err) = vm.allow_threads(|| {
        // SAFETY: a terminated path, and a valid buffer.
        (unsafe { libc::fstatat(dir, p as *const libc::c_char, &mut st, flags) }, errno())
    });
    if r != 0 {
        return Err(err);
    }
    let v = super::stat::result(&st);
    cache.set(e, v);
    Ok(v)
}

fn stat(vm: &Vm, e: Ptr<DirEntryObj>, follow: bool) -> Res<Value> {
    fetch(vm, e, follow).map_err(|err| os_error(vm, err, e.path.get()))
}

fn is_kind(vm: &Vm, e: Ptr<DirEntryObj>, follow: bool, dt: u8, mode: u32) -> Res<bool> {
    let kind = e.kind.get();
    if kind != libc::DT_UNKNOWN && !(follow && kind == libc::DT_LNK) {
        return Ok(kind == dt);
    }
    let st = match fetch(vm, e, follow) {
        Ok(v) => v,
        Err(libc::ENOENT) => return Ok(false),
        Err(err) => return Err(os_error(vm, err, e.path.get())),
    };
    debug_assert!(cape_vm::type_of(st) == STAT_RESULT.class());
    let m = vm.get_item(st, Value::int(0))?;
    Ok(vm.index_isize(m)? as u32 & libc::S_IFMT == mode)
}
