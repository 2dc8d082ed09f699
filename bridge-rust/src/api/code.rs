//! `code.h`: code objects that extensions make to appear in tracebacks.

use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;

use cape_bytecode::{CodeBody, CodeUnit, Const, Op, PositionBuilder, Word};
use cape_vm::Ptr;
use cape_vm::eval::new_code;
use cape_vm::object::*;

use super::{layout, text};
use crate::enter::{Borrowed, CResult, Cx};
use crate::layout::PyObject;
use crate::to_c::to_c;

/// C's view of a code object.
pub type PyCodeObject = PyObject;

fn empty(cx: &Cx, filename: &str, name: &str, line: u32) -> Ptr<CodeObj> {
    let mut positions = PositionBuilder::new(line);
    positions.push(2, None);
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
        freevars: Vec::new(),
        body: CodeBody {
            varnames: Vec::new(),
            cellvars: Vec::new(),
            cell_regs: Vec::new(),
            temp_names: Vec::new(),
            names: Vec::new(),
            consts: vec![Const::None],
            code: vec![Word::abc32(Op::LoadConst, 0, 0, 0), Word::new(Op::Return, 0, 0, 0, 0)],
            exceptions: Vec::new(),
            positions: positions.finish(),
        }
        .into(),
    };
    new_code(cx.vm, Arc::new(unit))
}

pub fn PyCode_NewEmpty(
    cx: &Cx,
    filename: *const c_char,
    funcname: *const c_char,
    firstlineno: c_int,
) -> CResult<*mut PyCodeObject> {
    // SAFETY: the API demands a C string.
    let file = unsafe { CStr::from_ptr(filename) }.to_string_lossy();
    let c = empty(cx, &file, &text(cx, funcname)?, firstlineno.max(0) as u32);
    to_c(cx.vm, c.value())
}

fn argument<T: cape_heap::HeapObject>(cx: &Cx, v: Borrowed) -> CResult<Ptr<T>> {
    match v.opt(cx)? {
        Some(v) => layout(cx, v),
        None => Err(super::bad_call(cx)),
    }
}

/// Cape does not run CPython's bytecode: the object has the names, and raises when it is executed.
#[allow(clippy::too_many_arguments, reason = "the signature is CPython's")]
pub fn PyUnstable_Code_NewWithPosOnlyArgs(
    cx: &Cx,
    argcount: c_int,
    posonly: c_int,
    kwonly: c_int,
    nlocals: c_int,
    stacksize: c_int,
    flags: c_int,
    code: Borrowed,
    consts: Borrowed,
    names: Borrowed,
    varnames: Borrowed,
    freevars: Borrowed,
    cellvars: Borrowed,
    filename: Borrowed,
    name: Borrowed,
    qualname: Borrowed,
    firstlineno: c_int,
    linetable: Borrowed,
    exceptiontable: Borrowed,
) -> CResult<*mut PyCodeObject> {
    if argcount < posonly || posonly < 0 || kwonly < 0 || stacksize < 0 || flags < 0 {
        return Err(super::bad_call(cx));
    }
    for bytes in [code, linetable, exceptiontable] {
        argument::<BytesObj>(cx, bytes)?;
    }
    argument::<TupleObj>(cx, consts)?;
    let (varnames, all_names) = (argument::<TupleObj>(cx, varnames)?, [names, freevars, cellvars]);
    let [filename, name, _] =
        [argument::<StrObj>(cx, filename)?, argument(cx, name)?, argument(cx, qualname)?];
    if nlocals as usize != varnames.len() {
        return Err(cx.vm.value_error("code: co_nlocals != len(co_varnames)"));
    }
    for names in all_names {
        if !argument::<TupleObj>(cx, names)?.as_slice().iter().all(|n| n.is::<StrObj>()) {
            return Err(cx.vm.system_error("non-string found in code slot"));
        }
    }
    const VARARGS: c_int = 4;
    const VARKEYWORDS: c_int = 8;
    let variable = (flags & VARARGS != 0) as i64 + (flags & VARKEYWORDS != 0) as i64;
    if argcount as i64 + kwonly as i64 + variable > nlocals as i64 {
        return Err(cx.vm.value_error("code: co_varnames is too small"));
    }
    let c = empty(cx, &filename.display(), &name.display(), firstlineno.max(0) as u32);
    to_c(cx.vm, c.value())
}
