//! `_json`: the fast parts of `json`.

mod encode;
mod scan;

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function(
        "scanstring($module, string, end, strict=True, /)",
        "scanstring(string, end, strict=True) -> (string, end)\n\nScan the string s for a JSON string. End is the index of the\ncharacter in s after the quote that started the JSON string.\nUnescapes all valid JSON string escape sequences and raises ValueError\non attempt to decode an invalid string. If strict is False then literal\ncontrol characters are allowed in the string.\n\nReturns a tuple of the decoded string and the index of the character in s\nafter the end quote.",
        scan::scanstring,
    )
    .function(
        "encode_basestring_ascii($module, object, /)",
        "encode_basestring_ascii(string) -> string\n\nReturn an ASCII-only JSON representation of a Python string",
        |vm: &Vm, s: Value| encode::quoted(vm, s, true),
    )
    .function(
        "encode_basestring($module, object, /)",
        "encode_basestring(string) -> string\n\nReturn a JSON representation of a Python string",
        |vm: &Vm, s: Value| encode::quoted(vm, s, false),
    );
    m.add("make_scanner", scan::make_type(vm).value()).add("make_encoder", encode::make_type(vm).value());
    Ok(())
}

/// A string argument.
fn text(vm: &Vm, v: Value) -> Res<Ptr<StrObj>> {
    v.downcast().ok_or_else(|| {
        vm.type_error(format!("first argument must be a string, not {}", type_of(v).name_str()))
    })
}
