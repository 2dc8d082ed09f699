//! What C may call in Rust (`bridge-c/generated/slow.h`), and what the binary exports to the
//! extensions that it loads (`bridge-rust/generated/exports.txt`).

use std::fmt::Write;
use std::path::Path;

use crate::table::{Kind, Row, Side};
use crate::{BANNER, Files};

/// Writes both.
pub fn generate(api: &[Row], internal: &[Row], files: &mut Files) {
    files.insert(Path::new("bridge-c/generated/slow.h").to_path_buf(), header(api, internal));
    files.insert(Path::new("bridge-rust/generated/exports.txt").to_path_buf(), exports(api));
}

/// Prototypes of every function that is implemented in Rust.
fn header(api: &[Row], internal: &[Row]) -> String {
    let mut text = format!(
        "/* {BANNER}\n *\n * The functions implemented in Rust: bridge-c calls Rust through these only. */\n\
         #ifndef CAPE_SLOW_H\n#define CAPE_SLOW_H\n\n\
         #pragma GCC diagnostic push\n\
         #pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"\n\n/* Private. */\n"
    );
    for row in internal {
        if let Some((result, _)) = row.function() {
            let _ = writeln!(text, "extern Py_LOCAL_SYMBOL {result} {}({});", row.name, row.c_params());
        }
    }
    text.push_str("\n/* Public. */\n");
    for row in api.iter().filter(|row| row.side == Side::Rust) {
        if let Some((result, _)) = row.function() {
            // In parentheses, because some have macros of the same name.
            let _ = writeln!(text, "PyAPI_FUNC({result}) ({})({});", row.name, row.c_params());
        }
    }
    text.push_str("\n/* Private to CPython, but called by extensions: no header declares them. */\n");
    for row in api.iter().filter(|row| row.header.starts_with("internal/")) {
        if let Some(declaration) = crate::protos::declaration(row) {
            text.push_str(&declaration);
            text.push('\n');
        }
    }
    text.push_str("\n#pragma GCC diagnostic pop\n#endif\n");
    text
}

/// A list for the linker's `--dynamic-list`.
fn exports(api: &[Row]) -> String {
    let mut text = format!("/* {BANNER} */\n{{\n");
    for row in api {
        let defined = match (&row.kind, row.side) {
            (Kind::Named, _) | (_, Side::Inline) => false,
            (Kind::Data { .. }, side) => side != Side::Missing,
            (Kind::Function { .. }, _) => true,
        };
        if defined {
            let _ = writeln!(text, "  {};", row.name);
        }
    }
    text.push_str("};\n");
    text
}
