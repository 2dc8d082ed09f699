//! Bytes-like arguments of system calls.

use cape_vm::native::FromArg;
use cape_vm::object::{BytearrayObj, BytesObj};
use cape_vm::{Ptr, Res, Value, Vm, type_of};

/// The bytes of a bytes-like object, held in place until dropped.
pub struct Bytes(Value);

impl Bytes {
    /// The bytes of `v`; TypeError when it is not bytes-like.
    pub fn of(vm: &Vm, v: Value) -> Res<Bytes> {
        if let Some(b) = v.downcast::<BytearrayObj>() {
            b.exports.set(b.exports.get() + 1);
        } else if !v.is::<BytesObj>() {
            return Err(
                vm.type_error(format!("a bytes-like object is required, not '{}'", type_of(v).name_str()))
            );
        }
        Ok(Bytes(v))
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        if let Some(b) = self.0.downcast::<BytesObj>() {
            // SAFETY: the object is in self, which is on a native stack: it neither dies nor moves.
            return unsafe { std::slice::from_raw_parts(b.as_slice().as_ptr(), b.len()) };
        }
        let b: Ptr<BytearrayObj> = self.0.downcast().expect("checked when made");
        // SAFETY: as above; the export counted in self freezes the storage.
        unsafe { std::slice::from_raw_parts(b.data_ptr(), b.as_slice().len()) }
    }
}

impl FromArg for Bytes {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Self> {
        Bytes::of(vm, v)
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(b) = self.0.downcast::<BytearrayObj>() {
            b.exports.set(b.exports.get() - 1);
        }
    }
}

/// The writable bytes of an object, held in place until dropped.
pub struct Writable(Bytes);

impl Writable {
    /// Those of `v`; `what` begins the message of the TypeError.
    pub fn of(vm: &Vm, v: Value, what: &str) -> Res<Writable> {
        if !v.is::<BytearrayObj>() {
            return Err(vm.type_error(format!(
                "{what} must be read-write bytes-like object, not {}",
                type_of(v).name_str()
            )));
        }
        Bytes::of(vm, v).map(Writable)
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.as_slice().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes. No Python code may run while the slice is held.
    #[allow(clippy::mut_from_ref, reason = "the memory belongs to the exporter")]
    pub fn as_mut_slice(&self) -> &mut [u8] {
        let s = self.0.as_slice();
        // SAFETY: the storage of a bytearray is writable, and nobody else looks at it meanwhile.
        unsafe { std::slice::from_raw_parts_mut(s.as_ptr() as *mut u8, s.len()) }
    }

    /// Address of the first byte.
    pub fn address(&self) -> *mut u8 {
        self.0.as_slice().as_ptr() as *mut u8
    }
}

/// Whether the object is bytes-like.
pub fn is_bytes_like(_: &Vm, v: Value) -> bool {
    v.is::<BytesObj>() || v.is::<BytearrayObj>()
}
