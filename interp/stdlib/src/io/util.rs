//! What the classes of `_io` share: attribute calls by name, argument conversions, standard errors.

use std::cell::Cell;

use cape_heap::heap_object;
use cape_vm::native::FromArg;
use cape_vm::object::{Int, TypeFlags, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// The common beginning of all layouts of `_io`: [`bits`].
    pub struct IoObj { pub bits: Cell<u32> }
}

/// State of an I/O object that `_IOBase` keeps.
pub mod bits {
    /// `close()` has run to its end.
    pub const CLOSED: u32 = 1;
    /// The finalizer is closing it: warn.
    pub const FINALIZING: u32 = 2;
    /// Another object closes it: its own finalizer does nothing, since owners must flush before what they own is closed.
    pub const OWNED: u32 = 4;
}

/// `io.UnsupportedOperation`.
pub static UNSUPPORTED: StaticType = StaticType::new();

/// A raised `io.UnsupportedOperation`.
#[cold]
pub fn unsupported(vm: &Vm, what: &str) -> Raised {
    vm.new_exc(UNSUPPORTED.get(), what)
}

/// The state bits of an I/O object; `None` for objects that only behave like one.
pub fn io_bits(v: Value) -> Option<&'static Cell<u32>> {
    if !v.is_ptr() || !super::base::IO_BASE.try_get().is_some_and(|t| type_of(v).is_subtype(t)) {
        return None;
    }
    // SAFETY: the layouts of `_IOBase` and of everything derived from it begin like IoObj; the conservative scan keeps the object in
    // place while its value is in the caller's frame.
    Some(unsafe { &(*(v.header() as *const cape_heap::Header as *const IoObj)).bits })
}

/// Whether the bit is set.
pub fn has_bit(v: Value, bit: u32) -> bool {
    io_bits(v).is_some_and(|b| b.get() & bit != 0)
}

/// Sets or clears the bit.
pub fn set_bit(v: Value, bit: u32, on: bool) {
    if let Some(b) = io_bits(v) {
        b.set(if on { b.get() | bit } else { b.get() & !bit });
    }
}

/// Marks the maps of a native I/O class: its instances have a finalizer (`__del__`, inherited).
pub fn with_finalizer(t: Ptr<TypeObj>) -> Ptr<TypeObj> {
    for m in cape_vm::shape::maps_of(t) {
        m.flags.set(m.flags.get() | cape_heap::MapFlags::FINALIZER);
    }
    t
}

/// Flags of the concrete classes.
pub const CLASS: u32 = TypeFlags::BASE | TypeFlags::HAS_DICT | TypeFlags::HAS_WEAKREF;

/// `obj.name(*args)`.
pub fn call(vm: &Vm, obj: Value, name: &str, args: &[Value]) -> Res<Value> {
    vm.call_method(obj, intern(name), args)
}

/// `bool(obj.name())`.
pub fn ask(vm: &Vm, obj: Value, name: &str) -> Res<bool> {
    let r = call(vm, obj, name, &[])?;
    vm.truth(r)
}

/// `bool(obj.closed)`.
pub fn is_closed(vm: &Vm, obj: Value) -> Res<bool> {
    let r = vm.get_attr_str(obj, "closed")?;
    vm.truth(r)
}

/// ValueError when closed.
pub fn check_closed(vm: &Vm, obj: Value) -> Res<()> {
    if is_closed(vm, obj)? { Err(closed_error(vm)) } else { Ok(()) }
}

/// The ValueError for closed files.
#[cold]
pub fn closed_error(vm: &Vm) -> Raised {
    vm.value_error("I/O operation on closed file.")
}

/// A size argument: an int, or None (also when left out) for "all", which is -1.
#[derive(Clone, Copy)]
pub struct Size(pub isize);

impl FromArg for Size {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Size> {
        if v.is_empty() || v.is_none() {
            return Ok(Size(-1));
        }
        if type_of(v).special(Special::Index).is_empty() {
            return Err(vm.type_error(format!(
                "argument should be integer or None, not '{}'",
                type_of(v).name_str()
            )));
        }
        vm.index_isize(v).map(Size)
    }
}

impl Size {
    /// `None` when everything is asked for.
    pub fn limit(self) -> Option<usize> {
        usize::try_from(self.0).ok()
    }
}

/// An offset from an int argument (`PyNumber_AsOff_t`).
pub fn offset(vm: &Vm, v: Value) -> Res<i64> {
    let i = vm.index_int(v)?;
    i.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))
}

/// The position that a `seek` or `tell` of a raw stream returned.
pub fn position(vm: &Vm, v: Value, what: &str) -> Res<i64> {
    let n = match Int::of(v) {
        Some(i) => i.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))?,
        None => offset(vm, v)?,
    };
    if n < 0 {
        return Err(vm.os_error(format!("Raw stream returned invalid position {n}").replace("Raw stream", what)));
    }
    Ok(n)
}

/// Runs both parts of a close: the second even when the first raised; the first error then becomes the context of the second.
pub fn both<T>(first: Res<T>, second: Res<Value>) -> Res<Value> {
    match (first, second) {
        (Ok(_), r) => r,
        (Err(a), Ok(_)) => Err(a),
        (Err(a), Err(b)) => {
            let exc = b.exc();
            if exc.context.get().is_none() && exc.value() != a.value() {
                exc.context.set(exc, a.value());
            }
            Err(b)
        }
    }
}

/// Warns of an object that was not closed.
pub fn warn_unclosed(vm: &Vm, source: Value) -> Res<()> {
    let text = vm.repr_str(source)?;
    let r = crate::warn::warn_source(vm, rt().types.resource_warning, &format!("unclosed file {text}"), 1, source);
    match r {
        // A warning turned into an error cannot be raised from a finalizer.
        Err(e) if e.is(rt().types.warning) => {
            crate::warn::unraisable(vm, e, source);
            Ok(())
        }
        _ => Ok(()),
    }
}
