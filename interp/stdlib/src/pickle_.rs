//! `_pickle`: `PickleBuffer`, and the functions and classes of `pickle` by the names that they have in C.
//!
//! The pickling itself is `pickle`'s, in Python. `pickle` imports this module while it is itself being imported, so its names
//! are looked up when somebody asks for them.

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

/// What this module calls what `pickle` has, and what `pickle` calls it.
const NAMES: &[(&str, &str)] = &[
    ("PickleError", "PickleError"),
    ("PicklingError", "PicklingError"),
    ("UnpicklingError", "UnpicklingError"),
    ("Pickler", "_Pickler"),
    ("Unpickler", "_Unpickler"),
];

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
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
    m.function(
        "dump($module, /, obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)",
        "Write a pickled representation of obj to the open file object file.",
        |vm: &Vm, obj: Value, file: Value, protocol: Option<Value>, fix: Option<Value>, callback: Option<Value>| {
            let named = [("protocol", protocol), ("fix_imports", fix), ("buffer_callback", callback)];
            forward(vm, "_dump", &[obj, file], &named)
        },
    )
    .function(
        "dumps($module, /, obj, protocol=None, *, fix_imports=True, buffer_callback=None)",
        "Return the pickled representation of the object as a bytes object.",
        |vm: &Vm, obj: Value, protocol: Option<Value>, fix: Option<Value>, callback: Option<Value>| {
            let named = [("protocol", protocol), ("fix_imports", fix), ("buffer_callback", callback)];
            forward(vm, "_dumps", &[obj], &named)
        },
    )
    .function(
        "load($module, /, file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
        "Read and return an object from the pickle data stored in a file.",
        |vm: &Vm, file: Value, fix: Option<Value>, encoding: Option<Value>, errors: Option<Value>, buffers: Option<Value>| {
            let named = [("fix_imports", fix), ("encoding", encoding), ("errors", errors), ("buffers", buffers)];
            forward(vm, "_load", &[file], &named)
        },
    )
    .function(
        "loads($module, data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
        "Read and return an object from the given pickle data.",
        |vm: &Vm, data: Value, fix: Option<Value>, encoding: Option<Value>, errors: Option<Value>, buffers: Option<Value>| {
            let named = [("fix_imports", fix), ("encoding", encoding), ("errors", errors), ("buffers", buffers)];
            forward(vm, "_loads", &[data], &named)
        },
    )
    .function("__getattr__(name, /)", "", attribute);
    Ok(())
}

/// Calls the function of `pickle` with what was given.
fn forward(vm: &Vm, name: &str, args: &[Value], named: &[(&str, Option<Value>)]) -> Res<Value> {
    let f = vm.import_attr("pickle", name)?;
    let mut all = ValueVec::new();
    args.iter().for_each(|v| all.push(*v));
    let mut names = ValueVec::new();
    for (name, v) in named {
        if let Some(v) = v {
            names.push(intern(name));
            all.push(*v);
        }
    }
    if names.is_empty() { vm.call(f, &all) } else { vm.call_args(f, &all, Some(TupleObj::new(&names))) }
}

fn attribute(vm: &Vm, name: Ptr<StrObj>) -> Res<Value> {
    match NAMES.iter().find(|(here, _)| name.eq_str(here)) {
        Some((_, there)) => vm.import_attr("pickle", there),
        None => Err(vm.attribute_error(format!("module '_pickle' has no attribute '{}'", name.display()))),
    }
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, base: Value) -> Res<Value> {
    if !vm.has_buffer(base) {
        return Err(
            vm.type_error(format!("a bytes-like object is required, not '{}'", full_name(type_of(base))))
        );
    }
    let view = memoryview::new(vm, base, flags::FULL_RO)?;
    let map = cls.instance_map();
    let object = PickleBufferObj {
        header: Header::new(map),
        base: Field::new(base),
        view: Field::new(view.value()),
    };
    Ok(heap().alloc(map, object).value())
}

/// What is wrapped; ValueError when released.
fn base(vm: &Vm, b: This) -> Res<Value> {
    match b.base.get() {
        v if v.is_empty() => Err(vm.value_error("operation forbidden on released PickleBuffer object")),
        v => Ok(v),
    }
}

fn export(vm: &Vm, v: Value, what: u32) -> Res<Buffer> {
    let b: This = v.downcast().expect("registered for this kind");
    vm.buffer(base(vm, b)?, what)
}

fn raw(vm: &Vm, b: This) -> Res<Value> {
    let buffer = vm.buffer(base(vm, b)?, flags::FULL_RO)?;
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
