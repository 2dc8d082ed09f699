//! `PickleBuffer`: a buffer that may be pickled out of band.

use cape_builtins::memoryview;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::buffer::{self, Buffer, flags};
use cape_vm::class::full_name;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// A `pickle.PickleBuffer`; `view` is the memoryview that keeps the buffer of `base`, and both are EMPTY once released.
    pub struct PickleBufferObj { base: Field, view: Field }
}

impl Named for PickleBufferObj {
    const NAME: &'static str = "pickle.PickleBuffer";
}

static PICKLE_BUFFER: StaticType = StaticType::new();

type This = Ptr<PickleBufferObj>;

/// Adds the class.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<PickleBufferObj>("pickle.PickleBuffer", rt().types.object, TypeFlags::BASE | TypeFlags::HAS_WEAKREF)
        .doc("Wrapper for potentially out-of-band buffers")
        .new_fn("__new__(cls, object, /)", "Create and return a new object.  See help(type) for accurate signature.", new)
        .method(
            "raw($self, /)",
            "Return a memoryview of the raw memory underlying this buffer.\n\nWill raise BufferError is the buffer isn't contiguous.",
            raw,
        )
        .method("release($self, /)", "Release the underlying buffer exposed by the PickleBuffer object.", release)
        .method(
            "__buffer__($self, flags, /)",
            "Return a buffer object that exposes the underlying memory of the object.",
            memoryview::buffer_method,
        )
        .method(
            "__release_buffer__($self, buffer, /)",
            "Release the buffer object that exposes the underlying memory of the object.",
            memoryview::release_buffer_method,
        );
    PICKLE_BUFFER.set(t.class());
    buffer::register(buffer::kind_of::<PickleBufferObj>(), export);
    m.class(t.class());
}

/// The class.
pub fn class() -> Ptr<TypeObj> {
    PICKLE_BUFFER.get()
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, base: Value) -> Res<Value> {
    if !vm.has_buffer(base) {
        return Err(
            vm.type_error(format!("a bytes-like object is required, not '{}'", full_name(type_of(base))))
        );
    }
    let view = memoryview::new(vm, base, flags::FULL_RO)?;
    let map = cls.instance_map();
    let object =
        PickleBufferObj { header: Header::new(map), base: Field::new(base), view: Field::new(view.value()) };
    Ok(heap().alloc(map, object).value())
}

/// What is wrapped; ValueError when released.
fn base(vm: &Vm, b: This) -> Res<Value> {
    match b.base.get() {
        v if v.is_empty() => Err(vm.value_error("operation forbidden on released PickleBuffer object")),
        v => Ok(v),
    }
}

/// The buffer itself, with its layout.
pub fn view(vm: &Vm, b: This) -> Res<Buffer> {
    vm.buffer(base(vm, b)?, flags::FULL_RO)
}

fn export(vm: &Vm, v: Value, what: u32) -> Res<Buffer> {
    let b: This = v.downcast().expect("registered for this kind");
    vm.buffer(base(vm, b)?, what)
}

fn raw(vm: &Vm, b: This) -> Res<Value> {
    let buffer = view(vm, b)?;
    let layout = buffer.raw().layout();
    if !layout.is_c_contiguous() && !layout.is_f_contiguous() {
        return Err(vm.buffer_error("cannot extract raw buffer from non-contiguous buffer"));
    }
    drop(layout);
    let (exporter, base, mut raw) = buffer.into_parts();
    raw.layout = None;
    raw.itemsize = 1;
    Ok(memoryview::from_buffer(Buffer::with_base(exporter, base, raw)).value())
}

fn release(vm: &Vm, b: This) -> Res<()> {
    let view = b.view.get();
    b.base.set_no_barrier(Value::EMPTY);
    b.view.set_no_barrier(Value::EMPTY);
    if !view.is_empty() {
        vm.call_method(view, intern("release"), &[])?;
    }
    Ok(())
}
