//! `_struct`.

mod format;
mod items;

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Field, Header, Native, Root, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use format::Compiled;
use items::{pack_items, unpack_items};

heap_object! {
    /// `Struct`.
    pub struct StructObj { compiled: Native<UnsafeCell<Option<Compiled>>> } [drop]

    /// `iter_unpack`: the struct, the bytes (a `bytes` object, or EMPTY with a copy of their own), where it is.
    pub struct UnpackIterObj { layout: Field, bytes: Field, copy: Native<Vec<u8>>, at: Cell<usize> } [drop]
}

impl Named for StructObj {
    const NAME: &'static str = "Struct";
}
impl Named for UnpackIterObj {
    const NAME: &'static str = "unpack_iterator";
}

static ERROR: StaticType = StaticType::new();
static STRUCT: StaticType = StaticType::new();
static ITER: StaticType = StaticType::new();

/// Compiled formats by format, as `struct.pack` and its like use them.
struct Cache(UnsafeCell<Option<Root>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Cache {}
static CACHE: Cache = Cache(UnsafeCell::new(None));
const CACHE_SIZE: usize = 100;

type S = Ptr<StructObj>;

/// Raises `struct.error`.
#[cold]
fn error(vm: &Vm, message: impl AsRef<str>) -> Raised {
    vm.new_exc(ERROR.get(), message.as_ref())
}

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    // Imported again, the module has the same classes: what native code raises is known by them.
    if ERROR.try_get().is_none() {
        ERROR.set(new_type::<ExcObj>("struct.error", rt().types.exception, TypeFlags::BASE).class());
        init_struct();
        init_iter();
    }
    m.class(ERROR.get());
    m.class(STRUCT.get());
    // SAFETY: the GIL is held; no other reference to the cell is alive.
    unsafe { *CACHE.0.get() = Some(Root::new(DictObj::new().value())) };
    m.function("_clearcache($module, /)", "Clear the internal cache.", |_: &Vm| clear_cache())
        .function(
            "calcsize($module, format, /)",
            "Return size in bytes of the struct described by the format string.",
            |vm: &Vm, f: Value| Ok(compiled(vm, cached(vm, f)?)?.size),
        )
        .function("pack($module, /, *args)", "pack(format, v1, v2, ...) -> bytes\n\nReturn a bytes object containing the values v1, v2, ... packed according\nto the format string.  See help(struct) for more on format strings.", |vm: &Vm, args: Ptr<TupleObj>| -> Res<Ptr<BytesObj>> {
            let s = cached(vm, first(vm, args)?)?;
            pack(vm, s, &args.as_slice()[1..])
        })
        .function("pack_into($module, /, *args)", "pack_into(format, buffer, offset, v1, v2, ...)\n\nPack the values v1, v2, ... according to the format string and write\nthe packed bytes into the writable buffer buf starting at offset.  Note\nthat the offset is a required argument.  See help(struct) for more\non format strings.", |vm: &Vm, args: Ptr<TupleObj>| -> Res<()> {
            let s = cached(vm, first(vm, args)?)?;
            pack_into(vm, s, &args.as_slice()[1..])
        })
        .function(
            "unpack($module, format, buffer, /)",
            "Return a tuple containing values unpacked according to the format string.\n\nThe buffer's size in bytes must be calcsize(format).\n\nSee help(struct) for more on format strings.",
            |vm: &Vm, f: Value, b: Value| unpack(vm, cached(vm, f)?, b),
        )
        .function(
            "unpack_from($module, format, /, buffer, offset=0)",
            "Return a tuple containing values unpacked according to the format string.\n\nThe buffer's size, minus offset, must be at least calcsize(format).\n\nSee help(struct) for more on format strings.",
            |vm: &Vm, f: Value, b: Value, at: Option<isize>| unpack_from(vm, cached(vm, f)?, b, at),
        )
        .function(
            "iter_unpack($module, format, buffer, /)",
            "Return an iterator yielding tuples unpacked from the given bytes.\n\nThe bytes are unpacked according to the format string, like\na repeated invocation of unpack_from().\n\nRequires that the bytes length be a multiple of the format struct size.",
            |vm: &Vm, f: Value, b: Value| iter_unpack(vm, cached(vm, f)?, b),
        );
    Ok(())
}

fn first(vm: &Vm, args: Ptr<TupleObj>) -> Res<Value> {
    args.as_slice().first().copied().ok_or_else(|| vm.type_error("missing format argument"))
}

fn cache() -> Ptr<DictObj> {
    // SAFETY: the GIL is held; the cell was filled when the module was initialised.
    let root = unsafe { (*CACHE.0.get()).as_ref() };
    root.and_then(|r| r.get().downcast()).expect("an initialised module")
}

fn clear_cache() {
    let d = cache();
    d.table.clear(d.header());
}

/// The struct of a format, made once.
fn cached(vm: &Vm, format: Value) -> Res<S> {
    if let Some(s) = format.downcast::<StructObj>() {
        return Ok(s);
    }
    if format.is::<StrObj>() || format.is::<BytesObj>() {
        if let Some(s) = cache().get(vm, format)? {
            return s.downcast().ok_or_else(|| vm.system_error("a struct is expected in the cache"));
        }
    }
    let s = alloc(STRUCT.get());
    compile(vm, s, format)?;
    if cache().len() >= CACHE_SIZE {
        clear_cache();
    }
    cache().set(vm, format, s.value())?;
    Ok(s)
}

fn alloc(cls: Ptr<TypeObj>) -> S {
    let map = cls.instance_map();
    heap().alloc(map, StructObj { header: Header::new(map), compiled: Native(UnsafeCell::new(None)) })
}

fn compile(vm: &Vm, s: S, format: Value) -> Res<()> {
    let text = if let Some(f) = format.downcast::<StrObj>() {
        match f.as_ascii() {
            Some(t) => t.to_string(),
            None => {
                let at = f.chars().position(|c| c > 127).unwrap_or(0);
                let end = at + f.chars().skip(at).take_while(|&c| c > 127).count();
                return Err(vm.unicode_encode_error_at("ascii", f, at, end, "ordinal not in range(128)"));
            }
        }
    } else if let Some(b) = format.downcast::<BytesObj>() {
        b.as_slice().iter().map(|&b| b as char).collect()
    } else {
        return Err(vm.type_error(format!(
            "Struct() argument 1 must be a str or bytes object, not {}",
            type_of(format).name_str()
        )));
    };
    let c = Compiled::new(text).map_err(|e| error(vm, e))?;
    // SAFETY: the GIL is held; references into the cell end before Python code can replace it (see `compiled`).
    unsafe { *s.compiled.get() = Some(c) };
    Ok(())
}

/// The compiled format of an initialised struct, by reference count so that `__init__` may replace it meanwhile.
fn compiled(vm: &Vm, s: S) -> Res<Compiled> {
    // SAFETY: the GIL is held; the reference ends with this statement.
    match unsafe { (*s.compiled.get()).clone() } {
        Some(c) => Ok(c),
        None => Err(vm.runtime_error("Struct object is not initialized")),
    }
}

/// Whether objects of the class are laid out as `Struct`.
pub fn is_struct(class: Ptr<TypeObj>) -> bool {
    STRUCT.try_get().is_some_and(|s| class.is_subtype(s))
}

/// The bytes of a `Struct`'s format and its number of values; `None` for other objects, and before it has a format.
pub fn extent(v: Value) -> Option<(usize, usize)> {
    let s: S = v.downcast()?;
    // SAFETY: the GIL is held; the reference ends with this statement.
    unsafe { (*s.compiled.get()).as_ref().map(|c| (c.size, c.items)) }
}

fn init_struct() {
    let t = new_type::<StructObj>("_struct.Struct", rt().types.object, TypeFlags::BASE | TypeFlags::HAS_WEAKREF)
        .doc("Struct(fmt) --> compiled struct object")
        .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.", |_: &Vm, c: Ptr<TypeObj>, _: Value, _: Value| {
            alloc(c)
        })
        .method("__init__($self, /, format)", "Initialize self.", |vm: &Vm, s: S, f: Value| compile(vm, s, f))
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, s: S| -> Res<String> {
            let c = compiled(vm, s)?;
            let name = type_of(s.value()).name_str();
            Ok(format!("{name}({})", vm.repr_str(StrObj::new(&c.text).value())?))
        })
        .method("pack($self, /, *args)", "S.pack(v1, v2, ...) -> bytes\n\nReturn a bytes object containing values v1, v2, ... packed according\nto the format string S.format.", |vm: &Vm, s: S, args: Ptr<TupleObj>| {
            pack(vm, s, args.as_slice())
        })
        .method("pack_into($self, /, *args)", "S.pack_into(buffer, offset, v1, v2, ...)\n\nPack the values v1, v2, ... according to the format string S.format\nand write the packed bytes into the writable buffer buf starting at\noffset.", |vm: &Vm, s: S, args: Ptr<TupleObj>| {
            pack_into(vm, s, args.as_slice())
        })
        .method("unpack($self, buffer, /)", "Return a tuple containing unpacked values.\n\nUnpack according to the format string Struct.format.", unpack)
        .method(
            "unpack_from($self, /, buffer, offset=0)",
            "Return a tuple containing unpacked values.\n\nValues are unpacked according to the format string Struct.format.",
            unpack_from,
        )
        .method(
            "iter_unpack($self, buffer, /)",
            "Return an iterator yielding tuples.\n\nTuples are unpacked from the given bytes source, like a repeated\ninvocation of unpack_from().",
            iter_unpack,
        )
        .method("__sizeof__($self, /)", "S.__sizeof__() -> size of S in memory, in bytes", |vm: &Vm, s: S| {
            Ok(64 + 32 * (compiled(vm, s)?.codes.len() + 1))
        })
        .getter("format", "struct format string", |vm: &Vm, s: S| Ok(compiled(vm, s)?.text.to_string()))
        .getter("size", "struct size in bytes", |vm: &Vm, s: S| {
            compiled(vm, s).map_or(-1, |c| c.size as i64)
        });
    STRUCT.set(t.class());
}

fn pack(vm: &Vm, s: S, args: &[Value]) -> Res<Ptr<BytesObj>> {
    let c = compiled(vm, s)?;
    check_count(vm, "pack", &c, args.len())?;
    let mut out = vec![0; c.size];
    pack_items(vm, &c, args, &mut out)?;
    Ok(BytesObj::new(&out))
}

fn check_count(vm: &Vm, name: &str, c: &Compiled, given: usize) -> Res<()> {
    if given == c.items {
        return Ok(());
    }
    Err(error(vm, format!("{name} expected {} items for packing (got {given})", c.items)))
}

fn pack_into(vm: &Vm, s: S, args: &[Value]) -> Res<()> {
    let c = compiled(vm, s)?;
    if args.len() < 2 {
        let what = if args.is_empty() { "buffer" } else { "offset" };
        return Err(error(vm, format!("pack_into expected {what} argument")));
    }
    check_count(vm, "pack_into", &c, args.len() - 2)?;
    let buffer = vm.writable_bytes(args[0], "argument")?;
    let given = vm.index_isize(args[1])?;
    let len = buffer.len();
    let at = if given < 0 {
        if given.saturating_add(c.size as isize) > 0 {
            return Err(error(vm, format!("no space to pack {} bytes at offset {given}", c.size)));
        }
        start_of(vm, given, len)?
    } else {
        given as usize
    };
    if len < at || len - at < c.size {
        return Err(error(vm, format!(
            "pack_into requires a buffer of at least {} bytes for packing {} bytes at offset {at} (actual buffer size is {len})",
            at.saturating_add(c.size),
            c.size
        )));
    }
    let mut out = vec![0; c.size];
    pack_items(vm, &c, &args[2..], &mut out)?;
    buffer.as_mut_slice()[at..at + c.size].copy_from_slice(&out);
    Ok(())
}

/// A negative offset, counted from the end.
fn start_of(vm: &Vm, given: isize, len: usize) -> Res<usize> {
    let at = given.saturating_add(len as isize);
    if at < 0 {
        return Err(error(vm, format!("offset {given} out of range for {len}-byte buffer")));
    }
    Ok(at as usize)
}

fn unpack(vm: &Vm, s: S, buffer: Value) -> Res<Ptr<TupleObj>> {
    let c = compiled(vm, s)?;
    let b = vm.bytes_like(buffer)?;
    if b.len() != c.size {
        return Err(error(vm, format!("unpack requires a buffer of {} bytes", c.size)));
    }
    Ok(unpack_items(&c, b.as_slice()))
}

fn unpack_from(vm: &Vm, s: S, buffer: Value, offset: Option<isize>) -> Res<Ptr<TupleObj>> {
    let c = compiled(vm, s)?;
    let b: Buffer = vm.bytes_like(buffer)?;
    let (given, len) = (offset.unwrap_or(0), b.len());
    let at = if given < 0 {
        if given.saturating_add(c.size as isize) > 0 {
            return Err(error(vm, format!("not enough data to unpack {} bytes at offset {given}", c.size)));
        }
        start_of(vm, given, len)?
    } else {
        given as usize
    };
    if len < at || len - at < c.size {
        return Err(error(vm, format!(
            "unpack_from requires a buffer of at least {} bytes for unpacking {} bytes at offset {at} (actual buffer size is {len})",
            at.saturating_add(c.size),
            c.size
        )));
    }
    Ok(unpack_items(&c, &b.as_slice()[at..at + c.size]))
}

fn iter_unpack(vm: &Vm, s: S, buffer: Value) -> Res<Ptr<UnpackIterObj>> {
    let c = compiled(vm, s)?;
    let b = vm.bytes_like(buffer)?;
    if c.size == 0 {
        return Err(error(vm, "cannot iteratively unpack with a struct of length 0"));
    }
    if b.len() % c.size != 0 {
        return Err(error(vm, format!("iterative unpacking requires a buffer of a multiple of {} bytes", c.size)));
    }
    let (bytes, copy) =
        if buffer.is::<BytesObj>() { (buffer, Vec::new()) } else { (Value::EMPTY, b.as_slice().to_vec()) };
    let map = ITER.get().instance_map();
    let it = UnpackIterObj {
        header: Header::new(map),
        layout: Field::new(s.value()),
        bytes: Field::new(bytes),
        copy: Native(copy),
        at: Cell::new(0),
    };
    Ok(heap().alloc(map, it))
}

type I = Ptr<UnpackIterObj>;

impl UnpackIterObj {
    fn data(&self) -> &[u8] {
        match self.bytes.downcast::<BytesObj>() {
            // SAFETY: the iterator holds the bytes object; it is on a native stack, and no allocation that could move the
            // bytes happens between here and the end of the slice's use, but for those of `unpack_items`, whose caller keeps
            // the object on its stack.
            Some(b) => unsafe { std::slice::from_raw_parts(b.as_slice().as_ptr(), b.len()) },
            None => &self.copy,
        }
    }
}

fn init_iter() {
    let t = new_type::<UnpackIterObj>("_struct.unpack_iterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: I| it)
        .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, it: I| -> Res<Value> {
            let s: S = it.layout.downcast().expect("a struct");
            let c = compiled(vm, s)?;
            let held = it.bytes.get();
            let at = it.at.get();
            let Some(item) = it.data().get(at..at + c.size) else { return Ok(Value::EMPTY) };
            it.at.set(at + c.size);
            let r = unpack_items(&c, item);
            std::hint::black_box(held);
            Ok(r.value())
        })
        .method("__length_hint__($self, /)", "Private method returning an estimate of len(list(it)).", |vm: &Vm, it: I| -> Res<usize> {
            let s: S = it.layout.downcast().expect("a struct");
            Ok((it.data().len() - it.at.get()) / compiled(vm, s)?.size)
        });
    ITER.set(t.class());
}
