//! The module `_pickle`: objects to bytes and back.
//!
//! Writing is in [`save`] and [`reduce`], reading in [`load`] and [`making`]; both know what the other Python and `copyreg` have by
//! the [`tables`].

mod buffer;
mod chunked;
mod docs;
mod errors;
mod input;
mod load;
mod making;
mod memo;
mod numbers;
mod opcode;
mod output;
mod pickler;
mod reduce;
mod save;
mod stack;
mod tables;
mod unpickler;

use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Vm};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    errors::init(m);
    buffer::init(m);
    pickler::init(m);
    unpickler::init(m);
    m.function(
        "dump($module, /, obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)",
        "Write a pickled representation of obj to the open file object file.\n\nThis is equivalent to ``Pickler(file, protocol).dump(obj)``, but may be more efficient.",
        pickler::dump_to,
    )
    .function(
        "dumps($module, /, obj, protocol=None, *, fix_imports=True, buffer_callback=None)",
        "Return the pickled representation of the object as a bytes object.",
        pickler::dumps,
    )
    .function(
        "load($module, /, file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
        "Read and return an object from the pickle data stored in a file.\n\nThis is equivalent to ``Unpickler(file).load()``, but may be more efficient.",
        unpickler::load_from,
    )
    .function(
        "loads($module, data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
        "Read and return an object from the given pickle data.",
        unpickler::loads,
    );
    Ok(())
}
