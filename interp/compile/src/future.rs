//! `from __future__ import ...`.

use cape_bytecode::flags;
use ruff_python_ast::{Expr, Stmt};

use crate::error::{R, err};

/// Code flag of a feature; 0: it is on always.
fn feature(name: &str) -> Option<u32> {
    Some(match name {
        "nested_scopes" | "generators" => 0,
        "division" => flags::FUTURE_DIVISION,
        "absolute_import" => flags::FUTURE_ABSOLUTE_IMPORT,
        "with_statement" => flags::FUTURE_WITH_STATEMENT,
        "print_function" => flags::FUTURE_PRINT_FUNCTION,
        "unicode_literals" => flags::FUTURE_UNICODE_LITERALS,
        "barry_as_FLUFL" => flags::FUTURE_BARRY_AS_BDFL,
        "generator_stop" => flags::FUTURE_GENERATOR_STOP,
        "annotations" => flags::FUTURE_ANNOTATIONS,
        _ => return None,
    })
}

/// The flags of the future statements of a module; an error for a misplaced or unknown one.
pub(crate) fn flags_of(body: &[Stmt]) -> R<u32> {
    let mut found = 0;
    let mut early = true;
    for (i, s) in body.iter().enumerate() {
        match s {
            Stmt::ImportFrom(s)
                if s.level == 0 && s.module.as_ref().is_some_and(|m| m.id == "__future__") =>
            {
                if !early {
                    return err(s.range, "from __future__ imports must occur at the beginning of the file");
                }
                for a in &s.names {
                    match feature(&a.name.id) {
                        // These two are on without a flag.
                        Some(flag) => found |= flag,
                        None if a.name.id == "braces" => return err(a.range, "not a chance"),
                        None => {
                            return err(a.range, format!("future feature {} is not defined", a.name.id));
                        }
                    }
                }
            }
            Stmt::Expr(e) if i == 0 && matches!(&*e.value, Expr::StringLiteral(_)) => {}
            _ => early = false,
        }
    }
    Ok(found)
}
