//! Bytes-like arguments of system calls.

use cape_vm::native::FromArg;
use cape_vm::object::{BytearrayObj, BytesObj};
use cape_vm::{Ptr, Res, Value, Vm, type_of};

/// The bytes of a bytes-like object, held in place until dropped.
pub struct Bytes(Value);

impl Bytes {
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
        if let Some(b) = v.downcast::<BytearrayObj>() {
            b.exports.set(b.exports.get() + 1);
        } else if !v.is::<BytesObj>() {
            return Err(
                vm.type_error(format!("a bytes-like object is required, not '{}'", type_of(v).name_str()))
            );
        }
        Ok(Bytes(v))
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(b) = self.0.downcast::<BytearrayObj>() {
            b.exports.set(b.exports.get() - 1);
        }
    }
}
