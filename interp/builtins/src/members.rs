//! Which attributes of the builtin types are `member_descriptor`s, as CPython's members of structs are.

use cape_vm::native::extend;
use cape_vm::rt;

const SYNTAX_ERROR: &[&str] = &[
    "msg",
    "filename",
    "lineno",
    "offset",
    "text",
    "end_lineno",
    "end_offset",
    "print_file_and_line",
    "_metadata",
];
const UNICODE_ERROR: &[&str] = &["encoding", "object", "start", "end", "reason"];
const CODE: &[&str] = &[
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_stacksize",
    "co_flags",
    "co_nlocals",
    "co_consts",
    "co_names",
    "co_filename",
    "co_name",
    "co_qualname",
    "co_firstlineno",
    "co_linetable",
    "co_exceptiontable",
];
const TYPE: &[&str] =
    &["__basicsize__", "__itemsize__", "__flags__", "__weakrefoffset__", "__base__", "__dictoffset__"];
const BOUNDS: &[&str] = &["start", "stop", "step"];
const WRAPPER: &[&str] = &["__func__", "__wrapped__"];
const DESCRIPTOR: &[&str] = &["__objclass__", "__name__"];

/// Marks them; the types are complete.
pub(crate) fn init() {
    let t = &rt().types;
    for (class, names) in [
        (t.property, &["fget", "fset", "fdel", "__doc__"][..]),
        (t.complex, &["real", "imag"]),
        (t.function, &["__closure__", "__globals__", "__builtins__"]),
        (t.method, &["__func__", "__self__"]),
        (t.slice, BOUNDS),
        (t.range, BOUNDS),
        (t.code, CODE),
        (t.traceback, &["tb_frame", "tb_lasti"]),
        (t.type_, TYPE),
        (t.coroutine, &["cr_origin"]),
        (t.async_generator, &["ag_running"]),
        (t.frame, &["f_trace_lines"]),
        (t.builtin_function, &["__module__"]),
        (t.method_descriptor, DESCRIPTOR),
        (t.wrapper_descriptor, DESCRIPTOR),
        (t.member_descriptor, DESCRIPTOR),
        (t.getset_descriptor, DESCRIPTOR),
        (t.classmethod, WRAPPER),
        (t.staticmethod, WRAPPER),
        (t.module, &["__dict__"]),
        (t.method_wrapper, &["__self__"]),
        (t.base_exception, &["__suppress_context__"]),
        (t.base_exception_group, &["message", "exceptions"]),
        (t.system_exit, &["code"]),
        (t.attribute_error, &["name", "obj"]),
        (t.import_error, &["msg", "name", "path", "name_from"]),
        (t.name_error, &["name"]),
        (t.os_error, &["errno", "strerror", "filename", "filename2"]),
        (t.stop_iteration, &["value"]),
        (t.syntax_error, SYNTAX_ERROR),
        (t.unicode_decode_error, UNICODE_ERROR),
        (t.unicode_encode_error, UNICODE_ERROR),
        (t.unicode_translate_error, UNICODE_ERROR),
    ] {
        extend(class).members(names);
    }
}
