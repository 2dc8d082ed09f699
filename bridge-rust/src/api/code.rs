//! `code.h`: code objects that extensions make to appear in tracebacks.

use std::ffi::{c_char, c_int};
use std::sync::Arc;

use cape_bytecode::{CodeUnit, Const, Op, PositionBuilder, Word};
use cape_vm::eval::new_code;
use cape_vm::object::*;
use cape_vm::{Ptr, Value};

use super::{layout, text};
use crate::enter::{Borrowed, CResult, Cx};
use crate::layout::PyObject;
use crate::to_c::to_c;

/// C's view of a code object.
pub type PyCodeObject = PyObject;

fn empty(cx: &Cx, filename: &str, name: &str, line: u32) -> Ptr<CodeObj> {
    let mut positions = PositionBuilder::new(line);
    positions.push(1, None);
    let unit = CodeUnit {
        name: name.into(),
        qualname: name.into(),
        filename: filename.into(),
        first_line: line,
        flags: 0,
        argcount: 0,
        posonlyargcount: 0,
        kwonlyargcount: 0,
        nregs: 1,
        first_free: 0,
        varnames: Vec::new(),
        cellvars: Vec::new(),
        cell_regs: Vec::new(),
        freevars: Vec::new(),
        temp_names: Vec::new(),
        names: Vec::new(),
        consts: vec![Const::None],
        code: vec![Word::abc32(Op::ReturnConst, 0, 0, 0)],
        exceptions: Vec::new(),
        positions: positions.finish(),
    };
    new_code(cx.vm, Arc::new(unit))
}

pub fn PyCode_NewEmpty(
    cx: &Cx,
    filename: *const c_char,
    funcname: *const c_char,
    firstlineno: c_int,
) -> CResult<*mut PyCodeObject> {
    let c = empty(cx, &text(cx, filename)?, &text(cx, funcname)?, firstlineno.max(0) as u32);
    to_c(cx.vm, c.value())
}

/// Cape does not run CPython's bytecode: the object has the names, and raises when it is executed.
#[allow(clippy::too_many_arguments, reason = "the signature is CPython's")]
pub fn PyUnstable_Code_NewWithPosOnlyArgs(
    cx: &Cx,
    _argcount: c_int,
    _posonly: c_int,
    _kwonly: c_int,
    _nlocals: c_int,
    _stacksize: c_int,
    _flags: c_int,
    _code: Borrowed,
    _consts: Borrowed,
    _names: Borrowed,
    _varnames: Borrowed,
    _freevars: Borrowed,
    _cellvars: Borrowed,
    filename: Borrowed,
    name: Borrowed,
    _qualname: Borrowed,
    firstlineno: c_int,
    _linetable: Borrowed,
    _exceptiontable: Borrowed,
) -> CResult<*mut PyCodeObject> {
    let text = |v: Value| -> CResult<String> { Ok(layout::<StrObj>(cx, v)?.display()) };
    let c = empty(cx, &text(filename.get(cx)?)?, &text(name.get(cx)?)?, firstlineno.max(0) as u32);
    to_c(cx.vm, c.value())
}
