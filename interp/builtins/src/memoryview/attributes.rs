//! The attributes of memoryviews, and copies of their contents.

use cape_vm::class::full_name;
use cape_vm::native::{OrNone, TypeBuilder};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use super::{MemoryViewObj, View};
use super::item::{letter, unpack};
use cape_vm::buffer;
use cape_vm::buffer::Layout;

fn tuple(numbers: &[isize]) -> Ptr<TupleObj> {
    let mut v = ValueVec::with_capacity(numbers.len());
    numbers.iter().for_each(|&n| v.push(int_value(n as i64)));
    TupleObj::new(&v)
}

pub(super) fn add(t: TypeBuilder) {
    macro_rules! getters { ($($name:literal $doc:literal $f:expr;)*) => { t$(
        .getter($name, $doc, |vm: &Vm, m: View| {
            m.check(vm)?;
            let f: fn(View) -> _ = $f;
            Ok(f(m)) as Res<_>
        })
    )* } }
    let t = getters! {
        "obj" "The underlying object of the memoryview." |m: View| m.managed().exporter.get();
        "nbytes" "The amount of space in bytes that the array would use in a contiguous representation." |m: View| MemoryViewObj::len(&m);
        "readonly" "A bool indicating whether the memory is read only." |m: View| m.readonly;
        "itemsize" "The size in bytes of each element of the memoryview." |m: View| m.layout().itemsize;
        "format" "A string containing the format (in struct module style) for each element in the view." |m: View| m.layout().format.to_string();
        "ndim" "An integer indicating how many dimensions of a multi-dimensional array the memory represents." |m: View| m.layout().shape.len();
        "shape" "A tuple of ndim integers giving the shape of the memory as an N-dimensional array." |m: View| tuple(&m.layout().shape);
        "strides" "A tuple of ndim integers giving the size in bytes to access each element for each dimension of the array." |m: View| tuple(&m.layout().strides);
        "suboffsets" "A tuple of integers used internally for PIL-style arrays." |m: View| tuple(&m.layout().suboffsets);
        "c_contiguous" "A bool indicating whether the memory is C contiguous." |m: View| m.layout().is_c_contiguous();
        "f_contiguous" "A bool indicating whether the memory is Fortran contiguous." |m: View| m.layout().is_f_contiguous();
        "contiguous" "A bool indicating whether the memory is contiguous." |m: View| m.layout().is_c_contiguous() || m.layout().is_f_contiguous();
    };
    t.method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, m: View| {
        let what = if m.released.get() { "released memory" } else { "memory" };
        format!("<{what} at {:#x}>", vm.id(m.value()))
    })
    .method("__hash__($self, /)", "Return hash(self).", hash)
    .method("tobytes($self, /, order='C')", "Return the data in the buffer as a byte string.", tobytes)
    .method("hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)", "Return the data in the buffer as a str of hexadecimal numbers.\n\n>>> data = memoryview(b'\\n\\x0b\\x0c')\n>>> data.hex()\n'0a0b0c'\n>>> data.hex('-')\n'0a-0b-0c'\n>>> data.hex('-', 2)\n'0a-0b0c'\n>>> data.hex('-', -2)\n'0a0b-0c'", |vm: &Vm, m: View, sep: Value, group: Option<i32>| {
        m.check(vm)?;
        m.held(|| crate::bytes::to_hex(vm, &m.bytes(), sep, group))
    })
    .method("tolist($self, /)", "Return the data in the buffer as a list of elements.", tolist);
}

fn hash(vm: &Vm, m: View) -> Res<Value> {
    if m.hash.get() == -1 {
        m.check(vm)?;
        if !m.readonly {
            return Err(vm.value_error("cannot hash writable memoryview object"));
        }
        if !matches!(letter(&m.layout().format), Some(b'B' | b'b' | b'c')) {
            return Err(vm.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
        }
        let exporter = m.managed().exporter.get();
        if !exporter.is::<BytesObj>() {
            // Whatever is viewed must be hashable itself.
            m.held(|| vm.hash(exporter))?;
        }
        m.hash.set(hash_bytes(&m.bytes()));
    }
    Ok(int_value(m.hash.get()))
}

fn tobytes(vm: &Vm, m: View, order: OrNone<Value>) -> Res<Ptr<BytesObj>> {
    m.check(vm)?;
    let order = match order.0 {
        None => 'C',
        Some(v) => {
            let Some(s) = v.downcast::<StrObj>() else {
                return Err(vm.type_error(format!(
                    "tobytes() argument 'order' must be str or None, not {}",
                    full_name(type_of(v))
                )));
            };
            match s.as_ascii() {
                Some("C") => 'C',
                Some("F") => 'F',
                Some("A") => 'A',
                _ => return Err(vm.value_error("order must be 'C', 'F' or 'A'")),
            }
        }
    };
    let l = m.layout();
    if order == 'C' || order == 'A' && !(l.is_f_contiguous() && !l.is_c_contiguous()) {
        return Ok(BytesObj::new(&m.bytes()));
    }
    // Fortran order is C order of the transposed view.
    let reversed = |v: &[isize]| v.iter().rev().copied().collect::<Vec<_>>();
    if l.suboffsets.is_empty() {
        let transposed = Layout {
            format: l.format.clone(),
            itemsize: l.itemsize,
            shape: reversed(&l.shape),
            strides: reversed(&l.strides),
            suboffsets: Vec::new(),
        };
        let mut out = Vec::with_capacity(l.len());
        // SAFETY: the same items in another order.
        unsafe { buffer::gather(m.address(), &transposed, 0, &mut out) };
        return Ok(BytesObj::new(&out));
    }
    Ok(BytesObj::new(&transpose(&m.bytes(), l)))
}

/// C order to Fortran order.
fn transpose(data: &[u8], l: &Layout) -> Vec<u8> {
    let size = l.itemsize;
    let mut out = vec![0; data.len()];
    for i in 0..l.count() {
        let (mut rest, mut at, mut step) = (i, 0, l.count());
        // The index of item i, first dimension slowest; its place with the first dimension fastest.
        let mut weight = 1;
        for &n in &l.shape {
            step /= n as usize;
            at += rest / step * weight;
            rest %= step;
            weight *= n as usize;
        }
        out[at * size..(at + 1) * size].copy_from_slice(&data[i * size..(i + 1) * size]);
    }
    out
}

fn tolist(vm: &Vm, m: View) -> Res<Value> {
    m.check(vm)?;
    let Some(c) = letter(&m.layout().format) else {
        return Err(
            vm.not_implemented_error(format!("memoryview: unsupported format {}", m.layout().format))
        );
    };
    let data = m.bytes();
    Ok(nested(c, &data, m.layout().itemsize, &m.layout().shape))
}

/// The items as lists of lists; `data` is in C order.
fn nested(letter: u8, data: &[u8], size: usize, shape: &[isize]) -> Value {
    let Some((&n, rest)) = shape.split_first() else { return unpack(letter, &data[..size]) };
    let step = rest.iter().product::<isize>() as usize * size;
    let mut out = ValueVec::with_capacity(n as usize);
    for i in 0..n as usize {
        out.push(nested(letter, &data[i * step..], size, rest));
    }
    ListObj::from_vec(out).value()
}
