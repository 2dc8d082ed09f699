//! `memoryview`.

mod access;
mod attributes;
mod cast;
mod compare;
mod item;
mod iter;

use std::cell::{Cell, OnceCell};

use cape_heap::{Field, Header, HeapObject, Native, heap, heap_object};
use cape_vm::buffer::{self, Buffer, Layout, Memory, RawBuffer, flags};
use cape_vm::class::full_name;
use cape_vm::native::{Flavour, MethodDef, Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::{StaticMap, StaticType};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

/// What gives a buffer back: see [`RawBuffer::release`].
type Release = fn(Value, *mut u8);

heap_object! {
    /// A buffer that memoryviews share; given back when the last of them is released.
    pub struct ManagedObj {
        exporter: Field,
        base: Field,
        memory: Native<Memory>,
        release: Native<Cell<Option<Release>>>,
        internal: Native<*mut u8>,
        views: Cell<usize>,
        /// No further view is to be made: the memory is lent for a call only.
        restricted: Cell<bool>,
    }

    /// A memoryview: a window on a shared buffer with an arrangement of its own.
    pub struct MemoryViewObj {
        managed: Field,
        /// Of a row of unsigned bytes, how many; negative for others.
        row: isize,
        /// Of a row of bytes it is made when it is asked for: most views come and go without.
        arrangement: Native<OnceCell<Box<Layout>>>,
        /// From the buffer's first byte to the first item.
        offset: isize,
        readonly: bool,
        released: Cell<bool>,
        /// Buffers taken from this view.
        exports: Cell<usize>,
        hash: Cell<i64>,
    } [drop] [finalizer] [late]
}

/// How the items of a new view are arranged.
enum Arrangement {
    /// So many unsigned bytes, one behind the other.
    Row(usize),
    Other(Box<Layout>),
}

impl Named for MemoryViewObj {
    const NAME: &'static str = "memoryview";
}

static MEMORYVIEW: StaticType = StaticType::new();

type View = Ptr<MemoryViewObj>;

/// Completes the types of this file.
pub fn init(vm: &Vm) {
    let base = TypeFlags::SEQUENCE | TypeFlags::HAS_WEAKREF;
    let t = new_type::<MemoryViewObj>("memoryview", rt().types.object, base)
        .doc("Create a new memoryview object which references the given object.")
        .new_fn("__new__(cls, object)", "Create and return a new object.  See help(type) for accurate signature.", |vm: &Vm, _: Ptr<TypeObj>, object: Value| {
            new(vm, object, flags::FULL_RO)
        })
        .class_method("_from_flags($type, /, object, flags)", "Create a new memoryview object which references the given object.", |vm: &Vm, _: Ptr<TypeObj>, object: Value, what: i32| {
            new(vm, object, what as u32)
        })
        .class_method("__class_getitem__($type, object, /)", "See PEP 585", |vm: &Vm, t: Ptr<TypeObj>, key: Value| vm.call_generic_alias(t.value(), key))
        .method("__enter__($self, /)", "", |vm: &Vm, m: View| -> Res<View> {
            m.check(vm)?;
            Ok(m)
        })
        .method("__exit__($self, /, *exc_info)", "Release the underlying buffer exposed by the memoryview object.", |vm: &Vm, m: View, _: Value| release(vm, m))
        .method("release($self, /)", "Release the underlying buffer exposed by the memoryview object.", release)
        .method("toreadonly($self, /)", "Return a readonly version of the memoryview.", |vm: &Vm, m: View| -> Res<View> {
            m.check_free(vm)?;
            Ok(m.sibling(m.arrangement(), 0, true))
        })
        .method("__buffer__($self, flags, /)", "Return a buffer object that exposes the underlying memory of the object.", buffer_method)
        .method("__release_buffer__($self, buffer, /)", "Release the buffer object that exposes the underlying memory of the object.", release_buffer_method);
    MEMORYVIEW.set(t.class());
    attributes::add(t);
    access::add(t);
    cast::add(t);
    compare::add(t);
    iter::add(vm, t);
    // Dead views give their memory back; Python code sees no `__del__`.
    let def = MethodDef::leak("__del__($self, /)", "", Flavour::Method, |_: &Vm, m: View| m.give_up());
    let del = cape_vm::class::method_descriptor(t.class(), def);
    t.class().special[Special::Del as usize].set(t.class(), del);
    buffer::register(MemoryViewObj::kind(), export);
    rt().builtins().set_str(cape_vm::intern("memoryview"), t.class().value());
}

/// A view of an object's buffer.
pub fn new(vm: &Vm, object: Value, what: u32) -> Res<View> {
    if let Some(m) = object.downcast::<MemoryViewObj>() {
        m.check_free(vm)?;
        if what & flags::WRITABLE == 0 {
            return Ok(m.sibling(m.arrangement(), 0, m.readonly));
        }
    }
    if !vm.has_buffer(object) {
        return Err(vm.type_error(format!(
            "memoryview: a bytes-like object is required, not '{}'",
            full_name(type_of(object))
        )));
    }
    let b = vm.buffer(object, what)?;
    if b.dimensions() > MAX_NDIM {
        return Err(vm.value_error("memoryview: number of dimensions must not exceed 64"));
    }
    Ok(from_buffer(b))
}

/// The most dimensions of a view.
pub const MAX_NDIM: usize = 64;

/// Whether a value is a memoryview.
pub fn is_memoryview(v: Value) -> bool {
    v.is::<MemoryViewObj>()
}

/// A read-only view of a copy of what a memoryview shows, contiguous in C's or Fortran's order.
pub fn contiguous_copy(vm: &Vm, view: Value, fortran: bool) -> Res<View> {
    let Some(m) = view.downcast::<MemoryViewObj>() else {
        return Err(vm.type_error("a memoryview is required"));
    };
    let mut layout = m.layout().clone();
    layout.suboffsets = Vec::new();
    layout.strides = Layout::c_strides(&layout.shape, layout.itemsize);
    if fortran {
        let mut step = layout.itemsize as isize;
        for (stride, n) in layout.strides.iter_mut().zip(&layout.shape) {
            *stride = step;
            step *= n;
        }
    }
    let order = StrObj::new(if fortran { "F" } else { "C" }).value();
    let copy = vm.call_method(view, rt().intern("tobytes"), &[order])?;
    let (exporter, base, mut raw) = vm.buffer(copy, flags::SIMPLE)?.into_parts();
    raw.layout = Some(Box::new(layout));
    Ok(from_buffer(Buffer::with_base(exporter, base, raw)))
}

/// A view of a buffer, which it keeps until it is released.
pub fn from_buffer(b: Buffer) -> View {
    let (exporter, base, mut raw) = b.into_parts();
    let readonly = raw.readonly;
    // The arrangement is the view's from now on.
    let arrangement = raw.layout.take().map_or(Arrangement::Row(raw.len), Arrangement::Other);
    let map = managed_map();
    let managed = heap().alloc(
        map,
        ManagedObj {
            header: Header::new(map),
            exporter: Field::new(exporter),
            base: Field::new(base),
            memory: Native(raw.memory),
            release: Native(Cell::new(raw.release)),
            internal: Native(raw.internal),
            views: Cell::new(0),
            restricted: Cell::new(false),
        },
    );
    view(managed, arrangement, 0, readonly)
}

/// A view of a buffer from which no other is made.
pub fn restricted_view(b: Buffer) -> Value {
    let view = from_buffer(b);
    view.managed().restricted.set(true);
    view.value()
}

static MANAGED: StaticMap = StaticMap::new();

fn managed_map() -> cape_heap::MapRef {
    MANAGED.get(ManagedObj::kind())
}

fn view(managed: Ptr<ManagedObj>, arrangement: Arrangement, offset: isize, readonly: bool) -> View {
    managed.views.set(managed.views.get() + 1);
    let map = MEMORYVIEW.get().instance_map();
    let (row, cell) = match arrangement {
        Arrangement::Row(n) => (n as isize, OnceCell::new()),
        Arrangement::Other(layout) => (-1, OnceCell::from(layout)),
    };
    let view = heap().alloc(
        map,
        MemoryViewObj {
            header: Header::new(map),
            managed: Field::new(managed.value()),
            row,
            arrangement: Native(cell),
            offset,
            readonly,
            released: Cell::new(false),
            exports: Cell::new(0),
            hash: Cell::new(-1),
        },
    );
    if row < 0 {
        heap().add_drop(view.header());
    }
    if managed.release.0.get().is_some() {
        heap().add_finalizer(view.header());
    }
    view
}

impl ManagedObj {
    /// One view less: the last one gives the buffer back.
    fn drop_view(&self) {
        let n = self.views.get() - 1;
        self.views.set(n);
        if n == 0 {
            if let Some(f) = self.release.0.take() {
                f(self.exporter.get(), self.internal.0)
            }
            // A view that is only released must not keep them.
            self.exporter.set_no_barrier(Value::NONE);
            self.base.set_no_barrier(Value::NONE);
        }
    }
}

impl MemoryViewObj {
    /// Runs `f`, which may run Python code, while the view cannot be released.
    fn held<T>(&self, f: impl FnOnce() -> Res<T>) -> Res<T> {
        self.exports.set(self.exports.get() + 1);
        let r = f();
        self.exports.set(self.exports.get() - 1);
        r
    }

    fn managed(&self) -> Ptr<ManagedObj> {
        // SAFETY: set when made, to an object of this kind.
        unsafe { self.managed.cast() }
    }

    /// As `check`, before another view of the same memory is made.
    fn check_free(&self, vm: &Vm) -> Res<()> {
        self.check(vm)?;
        if self.managed().restricted.get() {
            return Err(vm.value_error("cannot create new view on restricted memoryview"));
        }
        Ok(())
    }

    /// ValueError when released.
    fn check(&self, vm: &Vm) -> Res<()> {
        if self.released.get() {
            return Err(vm.value_error("operation forbidden on released memoryview object"));
        }
        Ok(())
    }

    /// Address of the first item now.
    fn address(&self) -> *mut u8 {
        let m = self.managed();
        m.memory.0.address(m.base.get()).wrapping_offset(self.offset)
    }

    /// Another view of the same buffer, its first item `by` bytes after this one's.
    fn sibling(&self, arrangement: Arrangement, by: isize, readonly: bool) -> View {
        view(self.managed(), arrangement, self.offset + by, readonly)
    }

    /// How many unsigned bytes it is a row of, if it is one.
    fn row(&self) -> Option<usize> {
        usize::try_from(self.row).ok()
    }

    /// The arrangement of its items, for a view of the same.
    fn arrangement(&self) -> Arrangement {
        self.row().map_or_else(|| Arrangement::Other(Box::new(self.layout().clone())), Arrangement::Row)
    }

    /// The arrangement of its items. It stays where it is as long as the view lives.
    fn layout(&self) -> &Layout {
        self.arrangement.get_or_init(|| {
            heap().add_drop(&self.header);
            Box::new(Layout::bytes(self.row as usize))
        })
    }

    /// Bytes of all items.
    fn len(&self) -> usize {
        self.row().unwrap_or_else(|| self.layout().len())
    }

    /// The bytes of all items in C order.
    fn bytes(&self) -> Vec<u8> {
        if self.row().is_some() || self.layout().is_c_contiguous() {
            if self.len() == 0 {
                return Vec::new();
            }
            // SAFETY: a contiguous layout covers this many bytes of the buffer, which is not released.
            return unsafe { std::slice::from_raw_parts(self.address(), self.len()) }.to_vec();
        }
        let l = self.layout();
        let mut out = Vec::with_capacity(l.len());
        // SAFETY: the layout describes the buffer, which is not released.
        unsafe { buffer::gather(self.address(), l, 0, &mut out) };
        out
    }

    fn give_up(&self) {
        if !self.released.replace(true) {
            self.managed().drop_view();
        }
    }
}

fn release(vm: &Vm, m: View) -> Res<()> {
    if m.released.get() {
        return Ok(());
    }
    if m.exports.get() != 0 {
        // Who borrowed may be dead.
        release_dead(vm, &|exporter| exporter == m.value(), &|| m.exports.get() != 0)?;
    }
    match m.exports.get() {
        0 => {
            m.give_up();
            Ok(())
        }
        n => Err(vm.buffer_error(format!(
            "memoryview has {n} exported buffer{}",
            if n == 1 { "" } else { "s" }
        ))),
    }
}

/// The memoryview's own buffer.
fn export(vm: &Vm, v: Value, what: u32) -> Res<Buffer> {
    let m: View = v.downcast().expect("registered for this kind");
    let (base, memory) = lend(vm, m, what)?;
    let (layout, itemsize) = match m.arrangement() {
        Arrangement::Row(_) => (None, 1),
        Arrangement::Other(l) => {
            let itemsize = l.itemsize;
            ((what & flags::ND == flags::ND).then_some(l), itemsize)
        }
    };
    let raw = RawBuffer {
        memory,
        len: m.len(),
        readonly: m.readonly,
        layout,
        itemsize,
        release: Some(|v, _| {
            if let Some(m) = v.downcast::<MemoryViewObj>() {
                take_back(m);
            }
        }),
        internal: std::ptr::null_mut(),
    };
    Ok(Buffer::with_base(v, base, raw))
}

/// The arrangement of a view's items, which stays where it is as long as the view has lent its memory.
#[inline]
pub fn layout(m: &MemoryViewObj) -> (&Layout, bool) {
    (m.layout(), m.readonly)
}

/// How many unsigned bytes a view is a row of, if it is one, and whether they may not be written.
#[inline]
pub fn row(m: &MemoryViewObj) -> Option<(usize, bool)> {
    m.row().map(|n| (n, m.readonly))
}

/// As [`lend`], of a row of bytes of which nothing unusual is asked; `None`, with nothing done: it is to be asked.
#[inline(always)]
pub fn lend_at_once(m: View, what: u32) -> Option<(Value, Memory)> {
    let managed = m.managed();
    let usual = !m.released.get() && !managed.restricted.get() && m.row >= 0;
    let refused = what & flags::WRITABLE != 0 && m.readonly || what & (flags::ND | flags::FORMAT) == flags::FORMAT;
    if !usual || refused {
        return None;
    }
    m.exports.set(m.exports.get() + 1);
    Some((managed.base.get(), managed.memory.0.offset(m.offset)))
}

/// What was lent is given back.
#[inline]
pub fn take_back(m: View) {
    m.exports.set(m.exports.get() - 1);
}

/// Lends the memory of a view if it can be lent so: the object in whose storage it is, and where.
#[inline]
pub fn lend(vm: &Vm, m: View, what: u32) -> Res<(Value, Memory)> {
    m.check_free(vm)?;
    let wants = |f: u32| what & f == f;
    let refused = |text: &str| Err(vm.buffer_error(format!("memoryview: {text}")));
    if wants(flags::WRITABLE) && m.readonly {
        return refused("underlying buffer is not writable");
    }
    if m.row().is_none() {
        check_arrangement(vm, m.layout(), what)?;
    }
    if !wants(flags::ND) && wants(flags::FORMAT) {
        return refused("cannot cast to unsigned bytes if the format flag is present");
    }
    m.exports.set(m.exports.get() + 1);
    let managed = m.managed();
    Ok((managed.base.get(), managed.memory.0.offset(m.offset)))
}

/// BufferError unless the arrangement of a view's items is what is asked for.
fn check_arrangement(vm: &Vm, l: &Layout, what: u32) -> Res<()> {
    let wants = |f: u32| what & f == f;
    let refused = |text: &str| Err(vm.buffer_error(format!("memoryview: {text}")));
    let (c, f) = (|| l.is_c_contiguous(), || l.is_f_contiguous());
    if wants(flags::C_CONTIGUOUS) && !c() {
        return refused("underlying buffer is not C-contiguous");
    }
    if wants(flags::F_CONTIGUOUS) && !f() {
        return refused("underlying buffer is not Fortran contiguous");
    }
    if wants(flags::ANY_CONTIGUOUS) && !c() && !f() {
        return refused("underlying buffer is not contiguous");
    }
    if !wants(flags::INDIRECT) && !l.suboffsets.is_empty() {
        return refused("underlying buffer requires suboffsets");
    }
    if !wants(flags::STRIDES) && !c() {
        return refused("underlying buffer is not C-contiguous");
    }
    Ok(())
}

/// `__buffer__` of the builtin types. A derived class may call it from its own.
pub fn buffer_method(vm: &Vm, v: Value, what: i32) -> Res<View> {
    let own = vm.own_buffer(v, what as u32)?;
    Ok(from_buffer(own.map_or_else(|| vm.buffer(v, what as u32), Ok)?))
}

/// `__buffer__` of types whose memory is a row of bytes, which know the flags that are no request.
pub fn row_buffer_method(vm: &Vm, v: Value, what: i32) -> Res<View> {
    match what as u32 {
        flags::READ | flags::WRITE => Err(vm.system_error("bad argument to internal function")),
        _ => buffer_method(vm, v, what),
    }
}

/// `__release_buffer__` of the builtin types: releases the view.
pub fn release_buffer_method(vm: &Vm, v: Value, view: Value) -> Res<()> {
    let Some(m) = view.downcast::<MemoryViewObj>() else {
        return Err(vm.type_error("expected a memoryview object"));
    };
    m.check(vm)?;
    if m.managed().exporter.get() != v {
        return Err(vm.value_error("memoryview's buffer is not this object"));
    }
    release(vm, m)
}

/// Collects dead views of a buffer, so that they give it back, as reference counting would have made them. `of` tells their exporters;
/// `held` says whether the buffer is still lent. A view that native frames alone mention, and that has lent nothing, counts as dead: the
/// word is more likely what an earlier call left there. (What a native frame mentions keeps the views to which it refers.) The young are looked at first, for most views die at once. Other holders than
/// views may be finalised, in the end, which can run any code.
pub fn release_dead(vm: &Vm, of: &dyn Fn(Value) -> bool, held: &dyn Fn() -> bool) -> Res<()> {
    let idle = |h: &Header| {
        h.as_value().downcast::<MemoryViewObj>().is_some_and(|m| {
            m.exports.get() == 0 && !m.released.get() && of(m.managed().exporter.get())
        })
    };
    vm.clear_dead_temporaries(usize::MAX);
    for full in [false, true] {
        heap().collect_idle(full, &idle);
        heap().run_finalizers_of(&idle, &mut |v| {
            v.downcast::<MemoryViewObj>().expect("a view").give_up();
        });
        if !held() {
            return Ok(());
        }
    }
    (vm.hooks().poll)(vm)
}
