//! `_sre`: the engine behind `re`.
//!
//! `re._compiler` turns a pattern into code; [`program`] checks and translates it, [`engine`] runs it.

mod chars;
mod engine;
mod match_;
mod pattern;
mod program;
mod scanner;
mod subject;
mod template;

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use chars::{Case, lower, upper};

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    pattern::init(vm);
    match_::init(vm);
    scanner::init(vm);
    template::init(vm);
    m.add("MAGIC", Value::int(program::MAGIC))
        .add("CODESIZE", Value::int(4))
        .add("MAXREPEAT", Value::int(u32::MAX as i64))
        .add("MAXGROUPS", Value::int(u32::MAX as i64 / 4))
        .add("copyright", StrObj::new(" SRE 2.2.2 Copyright (c) 1997-2002 by Secret Labs AB ").value())
        .function("getcodesize($module, /)", "", |_: &Vm| 4i32)
        .function("ascii_iscased($module, character, /)", "", |_: &Vm, c: i32| is_cased(c, Case::Ascii))
        .function("unicode_iscased($module, character, /)", "", |_: &Vm, c: i32| is_cased(c, Case::Unicode))
        .function("ascii_tolower($module, character, /)", "", |_: &Vm, c: i32| lower(c as u32, Case::Ascii))
        .function("unicode_tolower($module, character, /)", "", |_: &Vm, c: i32| lower(c as u32, Case::Unicode))
        .function(
            "compile($module, /, pattern, flags, code, groups, groupindex, indexgroup)",
            "",
            pattern::compile,
        )
        .function("template($module, pattern, template, /)", "", template::make);
    Ok(())
}

fn is_cased(c: i32, by: Case) -> bool {
    let c = c as u32;
    let several = |c: char| c.to_uppercase().len() > 1;
    lower(c, by) != c || upper(c, by) != c || by == Case::Unicode && char::from_u32(c).is_some_and(several)
}
