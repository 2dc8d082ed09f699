//! `genobject.h`.

use cape_vm::Ptr;
use cape_vm::generator::GeneratorObj;

use super::code::PyCodeObject;
use super::layout;
use crate::enter::{CResult, Cx};
use crate::from_c::from_c;
use crate::layout::PyObject;
use crate::to_c::to_c;

/// C's view of a generator.
pub type PyGenObject = PyObject;

pub fn PyGen_GetCode(cx: &Cx, g: *mut PyGenObject) -> CResult<*mut PyCodeObject> {
    let g: Ptr<GeneratorObj> = layout(cx, from_c(cx.vm, g)?)?;
    to_c(cx.vm, g.code().value())
}
