//! `marshal`: CPython's format for data. Code objects are in Cape's own form.

mod read;
mod write;

use cape_vm::buffer::Buffer;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};


/// The newest format.
const VERSION: i32 = 5;
/// Nesting allowed.
const MAX_DEPTH: usize = 2000;

/// Type codes.
mod code {
    pub const NULL: u8 = b'0';
    pub const NONE: u8 = b'N';
    pub const FALSE: u8 = b'F';
    pub const TRUE: u8 = b'T';
    pub const STOP_ITERATION: u8 = b'S';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    pub const INT64: u8 = b'I';
    pub const FLOAT: u8 = b'f';
    pub const BINARY_FLOAT: u8 = b'g';
    pub const COMPLEX: u8 = b'x';
    pub const BINARY_COMPLEX: u8 = b'y';
    pub const LONG: u8 = b'l';
    pub const BYTES: u8 = b's';
    pub const INTERNED: u8 = b't';
    pub const REF: u8 = b'r';
    pub const TUPLE: u8 = b'(';
    pub const LIST: u8 = b'[';
    pub const DICT: u8 = b'{';
    pub const CODE: u8 = b'c';
    pub const STR: u8 = b'u';
    pub const SET: u8 = b'<';
    pub const FROZENSET: u8 = b'>';
    pub const ASCII: u8 = b'a';
    pub const ASCII_INTERNED: u8 = b'A';
    pub const SMALL_TUPLE: u8 = b')';
    pub const SHORT_ASCII: u8 = b'z';
    pub const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub const SLICE: u8 = b':';
    /// Added to a code: the object gets the next reference number.
    pub const FLAG_REF: u8 = 0x80;
}

/// The code's own bytes, if marshalled data is code.
pub(crate) fn code_bytes(data: &[u8]) -> Option<&[u8]> {
    // The kind and the length come first.
    match data {
        [kind, _, _, _, _, unit @ ..] if kind & !code::FLAG_REF == code::CODE => Some(unit),
        _ => None,
    }
}

/// A value as bytes, code too.
pub(crate) fn dumps(vm: &Vm, v: Value) -> Res<Vec<u8>> {
    write::dumps(vm, v, VERSION, true)
}

/// The value that bytes are of.
pub(crate) fn loads(vm: &Vm, data: &[u8]) -> Res<Value> {
    read::load(vm, read::Source::Bytes(data), true)
}

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("version", Value::int(VERSION as i64))
        .function(
            "dump($module, value, file, version=version, /, *, allow_code=True)",
            "Write the value on the open file.\n\n  value\n    Must be a supported type.\n  file\n    Must be a writeable binary file.\n  version\n    Indicates the data format that dump should use.\n  allow_code\n    Allow to write code objects.\n\nIf the value has (or contains an object that has) an unsupported type, a\nValueError exception is raised - but garbage data will also be written\nto the file. The object will not be properly read back by load().",
            |vm: &Vm, v: Value, file: Value, version: Option<i32>, allow: Option<bool>| {
                vm.audit("marshal.dumps", &[v, Value::int(version.unwrap_or(VERSION) as i64)])?;
                let data = write::dumps(vm, v, version.unwrap_or(VERSION), allow.unwrap_or(true))?;
                vm.call_method(file, intern("write"), &[BytesObj::new(&data).value()])
            },
        )
        .function(
            "dumps($module, value, version=version, /, *, allow_code=True)",
            "Return the bytes object that would be written to a file by dump(value, file).\n\n  value\n    Must be a supported type.\n  version\n    Indicates the data format that dumps should use.\n  allow_code\n    Allow to write code objects.\n\nRaise a ValueError exception if value has (or contains an object that has) an\nunsupported type.",
            |vm: &Vm, v: Value, version: Option<i32>, allow: Option<bool>| {
                vm.audit("marshal.dumps", &[v, Value::int(version.unwrap_or(VERSION) as i64)])?;
                let data = write::dumps(vm, v, version.unwrap_or(VERSION), allow.unwrap_or(true))?;
                Ok::<_, cape_vm::Raised>(BytesObj::new(&data))
            },
        )
        .function(
            "load($module, file, /, *, allow_code=True)",
            "Read one value from the open file and return it.\n\n  file\n    Must be readable binary file.\n  allow_code\n    Allow to load code objects.\n\nIf no valid value is read (e.g. because the data has a different Python\nversion's incompatible marshal format), raise EOFError, ValueError or\nTypeError.\n\nNote: If an object containing an unsupported type was marshalled with\ndump(), load() will substitute None for the unmarshallable type.",
            |vm: &Vm, file: Value, allow: Option<bool>| {
                let probe = vm.call_method(file, intern("read"), &[Value::int(0)])?;
                if !probe.is::<BytesObj>() {
                    return Err(vm.type_error(format!(
                        "file.read() returned not bytes but {}",
                        type_of(probe).name_str()
                    )));
                }
                vm.audit("marshal.load", &[])?;
                read::load(vm, read::Source::File(file), allow.unwrap_or(true))
            },
        )
        .function(
            "loads($module, bytes, /, *, allow_code=True)",
            "Convert the bytes-like object to a value.\n\n  allow_code\n    Allow to load code objects.\n\nIf no valid value is found, raise EOFError, ValueError or TypeError.  Extra\nbytes in the input are ignored.",
            |vm: &Vm, data: Buffer, allow: Option<bool>| {
                if rt().is_audited() {
                    vm.audit("marshal.loads", &[BytesObj::new(data.as_slice()).value()])?;
                }
                read::load(vm, read::Source::Bytes(data.as_slice()), allow.unwrap_or(true))
            },
        );
    Ok(())
}
