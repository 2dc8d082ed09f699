//! `warnings.h`.

use std::ffi::{c_char, c_int};

use cape_vm::Value;
use cape_vm::object::*;
use cape_vm::runtime::rt;

use super::text;
use crate::enter::{Borrowed, CResult, Cx};

pub fn PyErr_WarnEx(cx: &Cx, category: Borrowed, message: *const c_char, level: isize) -> CResult<c_int> {
    let class = category.opt(cx)?.unwrap_or(rt().types.runtime_warning.value());
    let m = StrObj::new(&text(cx, message)?).value();
    super::result_with_error(cx, class)?;
    if !class.downcast::<TypeObj>().is_some_and(|c| c.is_subtype(rt().types.warning)) {
        // As CPython's: the category is not checked, it is called.
        cx.vm.call(class, &[m])?;
        return Ok(0);
    }
    let warn = cx.vm.import_attr("_warnings", "warn")?;
    cx.vm.call(warn, &[m, class, Value::int(level as i64)])?;
    Ok(0)
}
