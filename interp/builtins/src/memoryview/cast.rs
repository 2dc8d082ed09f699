//! `memoryview.cast`.

use cape_vm::buffer::Layout;
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Res, Value, Vm};

use super::{Arrangement, MAX_NDIM, View};
use super::item::{letter, size};

pub(super) fn add(t: TypeBuilder) {
    t.method(
        "cast($self, /, format, shape=<unrepresentable>)",
        "Cast a memoryview to a new format or shape.",
        cast,
    );
}

fn cast(vm: &Vm, m: View, format: Value, shape: Value) -> Res<View> {
    m.check_free(vm)?;
    let Some(text) = format.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "cast() argument 'format' must be str, not {}",
            cape_vm::class::full_name(cape_vm::type_of(format))
        )));
    };
    let l = m.layout();
    if !l.is_c_contiguous() {
        return Err(vm.type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    let ndim = l.shape.len();
    let mut new_shape = None;
    if !shape.is_empty() {
        let items = match (shape.downcast::<ListObj>(), shape.downcast::<TupleObj>()) {
            (Some(l), _) => l.snapshot(),
            (_, Some(t)) => ArrayObj::from_slice(t.as_slice()),
            _ => return Err(vm.type_error("shape must be a list or a tuple")),
        };
        if items.len() > MAX_NDIM {
            return Err(vm.value_error("memoryview: number of dimensions must not exceed 64"));
        }
        if ndim != 1 && items.len() != 1 {
            return Err(vm.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
        }
        new_shape = Some(items);
    }
    if (!shape.is_empty() || ndim != 1)
        && (l.shape.contains(&0) || l.strides.contains(&0))
    {
        return Err(vm.type_error("memoryview: cannot cast view with zeros in shape or strides"));
    }
    let wanted = text.display();
    let Some(to) = letter(&wanted) else {
        return Err(vm.value_error(
            "memoryview: destination format must be a native single character format prefixed with an optional '@'",
        ));
    };
    let is_byte = |c: u8| matches!(c, b'B' | b'b' | b'c');
    if !letter(&l.format).is_some_and(is_byte) && !is_byte(to) {
        return Err(vm.type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let itemsize = size(to).unwrap_or(1);
    let len = l.len();
    if len % itemsize != 0 {
        return Err(vm.type_error("memoryview: length is not a multiple of itemsize"));
    }
    let mut layout = Layout::row(wanted.into(), itemsize, len / itemsize);
    if let Some(items) = new_shape {
        let mut dims = Vec::new();
        let mut product = itemsize as isize;
        for &v in items.as_slice() {
            let Some(n) = Int::of(v) else {
                return Err(vm.type_error("memoryview.cast(): elements of shape must be integers"));
            };
            let Some(n) = n.to_i64().map(|n| n as isize) else {
                return Err(vm.overflow_error("Python int too large to convert to C ssize_t"));
            };
            if n <= 0 {
                return Err(
                    vm.value_error("memoryview.cast(): elements of shape must be integers > 0")
                );
            }
            product = product
                .checked_mul(n)
                .ok_or_else(|| vm.value_error("memoryview.cast(): product(shape) > SSIZE_MAX"))?;
            dims.push(n);
        }
        if product != len as isize {
            return Err(
                vm.type_error("memoryview: product(shape) * itemsize != buffer size")
            );
        }
        layout.strides = Layout::c_strides(&dims, itemsize);
        layout.shape = dims;
    }
    Ok(m.sibling(Arrangement::Other(Box::new(layout)), 0, m.readonly))
}
