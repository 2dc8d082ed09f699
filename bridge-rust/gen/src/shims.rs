//! The `extern "C"` functions in front of the bodies in `bridge-rust/src/api`.
//!
//! A shim wraps its arguments (`Borrowed`, `Stolen`), and runs the body through the one wrapper
//! `crate::enter::enter`, which keeps panics in, turns `Err` into the error indicator and the error
//! value, and unwraps the result.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use crate::ctype::{result_type, rust_type};
use crate::table::{Param, Row, Side};
use crate::{BANNER, Files};

/// What stands above the functions.
const HEADER: &str = "//!
//! One function per row on side Rust: it wraps the arguments and runs the body of the same name in
//! `crate::api` through `crate::enter`. Twins (`_CapeRust_...`) are second implementations of functions
//! that bridge-c provides, for the benchmarks.
//!
//! # Safety
//!
//! The callers are C: each function may be called with what its C declaration allows, and with the
//! GIL unless it goes through `enter_without_gil`.
#![allow(clippy::missing_safety_doc, clippy::unused_unit, non_snake_case, unused_imports)]

use core::ffi::{
    c_char, c_int, c_long, c_longlong, c_uchar, c_uint, c_ulong, c_ulonglong, c_void,
};

use libc::{FILE, wchar_t};

use crate::at_once;
use crate::enter::{
    Borrowed, BorrowedRef, CResult, New, Stolen, enter, enter_for_good, enter_infallible, enter_without_gil,
};
use crate::ffi::*;
";

/// Writes `bridge-rust/src/generated/shims.rs`.
pub fn generate(api: &[Row], internal: &[Row], files: &mut Files) -> Result<(), String> {
    let mut shims = String::new();
    let mut modules = BTreeSet::new();
    for row in internal {
        shim(row, &row.name, "internal", &mut shims)?;
        modules.insert("internal".to_string());
    }
    for row in api {
        let module = module(&row.header);
        if row.side == Side::Rust {
            shim(row, &row.name, &module, &mut shims)?;
            modules.insert(module);
        } else if row.twin && row.side == Side::C {
            shims.push_str("#[cfg(feature = \"twins\")]\n");
            shim(row, &format!("_CapeRust_{}", row.name), &module, &mut shims)?;
            modules.insert(module);
        }
    }
    let modules: Vec<String> = modules.into_iter().collect();
    let text = format!("// {BANNER}\n{HEADER}use crate::api::{{{}}};\n\n{shims}", modules.join(", "));
    files.insert(Path::new("bridge-rust/src/generated/shims.rs").to_path_buf(), text);
    Ok(())
}

/// The module of a header's bodies: the header's base name, both halves of a split header in one.
fn module(header: &str) -> String {
    let base = header.rsplit('/').next().unwrap_or(header);
    match base.strip_suffix(".h").unwrap_or(base) {
        "abstract" => "abstract_".to_string(),
        name => name.to_string(),
    }
}

/// A parameter's name, moved out of the way of Rust's keywords.
fn rust_name(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "const", "crate", "do", "dyn", "else", "enum",
        "extern", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
        "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
        "trait", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    if KEYWORDS.contains(&name) { format!("{name}_") } else { name.to_string() }
}

/// How a parameter is handed to the body.
fn argument(param: &Param) -> String {
    let name = rust_name(&param.name);
    match (param.c_type == "PyObject *", param.stolen) {
        (true, false) => format!("Borrowed::from_c({name})"),
        (true, true) => format!("Stolen::from_c({name})"),
        (false, _) => name,
    }
}

/// The error value as a Rust expression; `None` when the function cannot fail.
fn error_value(row: &Row, result: &str) -> Option<String> {
    Some(match row.error.as_deref() {
        _ if result == "void" => "()".to_string(),
        Some("NULL") if result.starts_with("const ") => "core::ptr::null()".to_string(),
        Some("NULL") => "core::ptr::null_mut()".to_string(),
        // `(unsigned long)-1`
        Some(error) if error.contains(")-1") => "!0".to_string(),
        Some(error) => error.to_string(),
        None => return None,
    })
}

/// What the body returns: a new or a borrowed reference, or the C type; in a `CResult` when the
/// function can fail.
fn body_type(row: &Row, result: &str) -> Result<String, String> {
    let plain = match result {
        _ if row.noreturn => return Ok("!".to_string()),
        "PyObject *" if row.borrowed => "BorrowedRef".to_string(),
        "PyObject *" => "New".to_string(),
        "void" if row.needs_gil => return Ok("CResult<()>".to_string()),
        "void" => return Ok("()".to_string()),
        other => rust_type(other)?,
    };
    Ok(if row.error.is_some() && row.needs_gil { format!("CResult<{plain}>") } else { plain })
}

/// One shim.
fn shim(row: &Row, symbol: &str, module: &str, text: &mut String) -> Result<(), String> {
    let Some((result, params)) = row.function() else {
        return Ok(());
    };
    let context = |e: String| format!("row [{}]: {e}", row.name);
    let declared = params
        .iter()
        .map(|p| Ok(format!("{}: {}", rust_name(&p.name), rust_type(&p.c_type)?)))
        .collect::<Result<Vec<_>, String>>()
        .map_err(context)?
        .join(", ");
    let arrow = if row.noreturn { " -> !".to_string() } else { result_type(result).map_err(context)? };
    let body = body_type(row, result).map_err(context)?;
    let mut arguments: Vec<String> = params.iter().map(argument).collect();
    let name = &row.name;
    let _ = writeln!(
        text,
        "/// `{}{}{}({})`\n#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn {symbol}({declared}){arrow} {{",
        result,
        if result.ends_with('*') { "" } else { " " },
        name,
        row.c_params(),
    );
    let wrapper = match (row.needs_gil, error_value(row, result)) {
        (false, _) => format!("enter_without_gil(\"{name}\", ||"),
        (true, Some(error)) => format!("enter(\"{name}\", {error}, |cx|"),
        (true, None) => format!("enter_infallible(\"{name}\", |cx|"),
    };
    if row.needs_gil {
        arguments.insert(0, "cx".to_string());
    }
    let arguments = arguments.join(", ");
    if row.noreturn {
        let _ = writeln!(text, "    enter_for_good(\"{name}\", |cx| {module}::{name}({arguments}))\n}}\n");
        return Ok(());
    }
    let full = format!("{wrapper} -> {body} {{ {module}::{name}({arguments}) }})");
    if row.at_once {
        // (What enters is a function of its own, so that what is tried first needs to save no registers for it.)
        let given = params.iter().map(|p| rust_name(&p.name)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            text,
            "    #[inline(never)]\n    unsafe extern \"C\" fn in_full({declared}){arrow} {{\n        {full}\n    }}\n    \
             // SAFETY: the caller's promise.\n    unsafe {{ at_once::{name}({given}).unwrap_or_else(|| in_full({given})) }}"
        );
    } else {
        let _ = writeln!(text, "    {full}");
    }
    text.push_str("}\n\n");
    Ok(())
}
