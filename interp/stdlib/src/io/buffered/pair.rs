//! `BufferedRWPair`: a reader and a writer that share nothing.

use cape_vm::native::FromArg;
use cape_vm::object::TupleObj;

use super::*;

heap_object! {
    /// A `BufferedRWPair`.
    pub struct PairObj { pub bits: Cell<u32>, pub reader: Field, pub writer: Field }
}

impl Named for PairObj {
    const NAME: &'static str = "BufferedRWPair";
}

macro_rules! forward { ($b:ident, $($name:literal $side:ident),*) => { $b$(
    .method(concat!($name, "($self, /, *args)"), "", |vm: &Vm, p: Ptr<PairObj>, args: Ptr<TupleObj>| {
        let target = p.$side.get();
        if target.is_empty() {
            return Err(vm.value_error("I/O operation on uninitialized object"));
        }
        call(vm, target, $name, args.as_slice())
    }))*
} }

pub(super) fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<PairObj>("_io.BufferedRWPair", BUFFERED_IO_BASE.get(), CLASS)
        .doc("A buffered reader and writer object together.")
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", new_pair)
        .method(
            "__init__($self, reader, writer, buffer_size=DEFAULT_BUFFER_SIZE, /)",
            "Initialize self.",
            init_pair,
        )
        .method("close($self, /)", "", close_pair)
        .method("isatty($self, /)", "", isatty)
        .getter("closed", "", |vm: &Vm, p: Ptr<PairObj>| {
            if p.writer.get().is_empty() {
                return Err(vm.runtime_error("the BufferedRWPair object is being garbage-collected"));
            }
            vm.get_attr_str(p.writer.get(), "closed")
        });
    let b = forward!(b, "read" reader, "peek" reader, "read1" reader, "readinto" reader, "readinto1" reader, "readable" reader,
        "write" writer, "flush" writer, "writable" writer);
    let t = with_finalizer(b.class());
    m.class(t);
}

fn new_pair(_: &Vm, cls: Ptr<TypeObj>, _args: Value, _kwargs: Value) -> Value {
    let map = cls.instance_map();
    let none = || Field::new(Value::EMPTY);
    heap().alloc(map, PairObj { header: Header::new(map), bits: Cell::new(0), reader: none(), writer: none() }).value()
}

fn init_pair(vm: &Vm, p: Ptr<PairObj>, reader: Value, writer: Value, size: Option<Value>) -> Res<()> {
    super::super::base::check_able(vm, reader, "readable", "File or stream is not readable.")?;
    super::super::base::check_able(vm, writer, "writable", "File or stream is not writable.")?;
    let size = match size {
        Some(v) => isize::from_arg(vm, v, 3)?,
        None => super::super::DEFAULT_BUFFER_SIZE as isize,
    };
    let make = |class: &'static StaticType, raw, readable| {
        let b = new(class.get());
        init_with(vm, b.downcast().expect("just made"), raw, Some(size), readable, !readable).map(|()| b)
    };
    let r = make(&READER, reader, true)?;
    p.reader.set(p, r);
    let w = make(&WRITER, writer, false)?;
    p.writer.set(p, w);
    set_bit(r, bits::OWNED, true);
    set_bit(w, bits::OWNED, true);
    Ok(())
}

fn close_pair(vm: &Vm, p: Ptr<PairObj>) -> Res<Value> {
    let side = |v: Value| {
        if v.is_empty() {
            return Err(vm.value_error("I/O operation on uninitialized object"));
        }
        call(vm, v, "close", &[])
    };
    let first = side(p.writer.get());
    both(first, side(p.reader.get()))
}

fn isatty(vm: &Vm, p: Ptr<PairObj>) -> Res<Value> {
    let r = call(vm, p.writer.get(), "isatty", &[])?;
    if r == Value::FALSE { call(vm, p.reader.get(), "isatty", &[]) } else { Ok(r) }
}
