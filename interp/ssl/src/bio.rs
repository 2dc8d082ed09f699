//! `ssl.MemoryBIO`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use crate::error;

heap_object! {
    /// A buffer between TLS and whoever carries its records.
    pub struct BioObj { data: Native<RefCell<VecDeque<u8>>>, ended: Cell<bool> } [drop]
}

impl Named for BioObj {
    const NAME: &'static str = "_ssl.MemoryBIO";
}

/// `ssl.MemoryBIO`.
pub static BIO: StaticType = StaticType::new();

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<BioObj>("_ssl.MemoryBIO", rt().types.object, 0)
        .new_fn(
            "__new__($type, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
        )
        .method(
            "read($self, size=-1, /)",
            "Read up to size bytes from the memory BIO.\n\nIf size is not specified, read the entire buffer.\nIf the return value is an empty bytes instance, this means either\nEOF or that no data is available. Use the \"eof\" property to\ndistinguish between the two.",
            |_: &Vm, b: Ptr<BioObj>, size: Option<i32>| {
                let n = usize::try_from(size.unwrap_or(-1)).unwrap_or(usize::MAX);
                BytesObj::new(&b.take(n))
            },
        )
        .method(
            "write($self, b, /)",
            "Writes the bytes b into the memory BIO.\n\nReturns the number of bytes written.",
            |vm: &Vm, b: Ptr<BioObj>, data: Value| {
                let data = vm.bytes_like(data)?;
                if b.ended.get() {
                    return Err(error::bare(vm, "cannot write() after write_eof()"));
                }
                b.put(data.as_slice());
                Ok(data.len())
            },
        )
        .method(
            "write_eof($self, /)",
            "Write an EOF marker to the memory BIO.\n\nWhen all data has been read, the \"eof\" property will be True.",
            |_: &Vm, b: Ptr<BioObj>| b.ended.set(true),
        )
        .getter("pending", "The number of bytes pending in the memory BIO.", |_: &Vm, b: Ptr<BioObj>| {
            b.data.borrow().len()
        })
        .getter("eof", "Whether the memory BIO is at EOF.", |_: &Vm, b: Ptr<BioObj>| {
            b.is_at_end()
        });
    BIO.set(b.class());
    m.class(b.class());
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Ptr<BioObj>> {
    for (given, what) in [(args.len(), "positional"), (kwargs.len(), "keyword")] {
        if given > 0 {
            return Err(vm.type_error(format!("MemoryBIO() takes no {what} arguments")));
        }
    }
    let map = cls.instance_map();
    let data = Native(RefCell::new(VecDeque::new()));
    Ok(heap().alloc(map, BioObj { header: Header::new(map), data, ended: Cell::new(false) }))
}

impl BioObj {
    /// Takes up to `n` bytes out.
    pub fn take(&self, n: usize) -> Vec<u8> {
        let mut data = self.data.borrow_mut();
        let n = n.min(data.len());
        data.drain(..n).collect()
    }

    /// Puts bytes in.
    pub fn put(&self, bytes: &[u8]) {
        self.data.borrow_mut().extend(bytes);
    }

    /// Whether nothing is left and nothing will come.
    pub fn is_at_end(&self) -> bool {
        self.ended.get() && self.data.borrow().is_empty()
    }
}
