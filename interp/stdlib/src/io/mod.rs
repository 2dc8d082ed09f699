//! `_io`: streams.

pub mod base;
pub mod buffered;
pub mod bytesio;
pub mod fileio;
pub mod newline;
pub mod open;
pub mod stringio;
pub mod text;
pub mod util;

use cape_vm::object::{DictObj, ModuleObj, StrObj, TupleObj};
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

/// Size of buffers unless told otherwise.
pub const DEFAULT_BUFFER_SIZE: usize = 128 << 10;

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let t = &rt().types;
    let ns = DictObj::new();
    ns.set_str(rt().names.module, intern("io"));
    let bases = TupleObj::new(&[t.os_error.value(), t.value_error.value()]);
    let unsupported = vm.call(t.type_.value(), &[intern("UnsupportedOperation"), bases.value(), ns.value()])?;
    util::UNSUPPORTED.set(unsupported.downcast().expect("type() makes a class"));
    m.add("UnsupportedOperation", unsupported)
        .add("BlockingIOError", t.blocking_io_error.value())
        .add("DEFAULT_BUFFER_SIZE", Value::int(DEFAULT_BUFFER_SIZE as i64));
    base::init(m);
    fileio::init(m);
    buffered::init(m);
    bytesio::init(m);
    newline::init(m);
    stringio::init(m);
    text::init(m);
    m.function(
        "open($module, /, file, mode='r', buffering=-1, encoding=None,\n     errors=None, newline=None, closefd=True, opener=None)",
        "Open file and return a stream.  Raise OSError upon failure.",
        open::open_function,
    )
    .function(
        "open_code($module, /, path)",
        "Opens the provided file with the intent to import the contents.",
        fileio::open_code,
    )
    .function(
        "text_encoding($module, encoding, stacklevel=2, /)",
        "A helper function to choose the text encoding.",
        text_encoding,
    );
    Ok(())
}

fn text_encoding(vm: &Vm, encoding: Value, stacklevel: Option<i64>) -> Res<Value> {
    if !encoding.is_none() {
        return Ok(encoding);
    }
    if rt().config().warn_default_encoding {
        crate::warn::warn(
            vm,
            rt().types.encoding_warning,
            "'encoding' argument not specified",
            stacklevel.unwrap_or(2),
        )?;
    }
    Ok(StrObj::new(if rt().config().utf8_mode { "utf-8" } else { "locale" }).value())
}
