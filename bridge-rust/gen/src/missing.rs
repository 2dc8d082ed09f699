//! Definitions of the functions that nobody implements yet: they raise, or stop the program where
//! the signature has no way to say that something failed.

use std::fmt::Write;
use std::path::Path;

use crate::table::{Row, Side};
use crate::{BANNER, Files};

/// Writes `bridge-c/generated/missing.c`.
pub fn generate(api: &[Row], files: &mut Files) {
    let mut text = format!(
        "/* {BANNER}\n *\n * The functions of the C API that are not implemented: each raises an exception that names\n \
         * it, or aborts where its result cannot tell. */\n#include \"cape.h\"\n\n\
         #pragma GCC diagnostic ignored \"-Wunused-parameter\"\n\
         #pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"\n"
    );
    for row in api.iter().filter(|row| row.side == Side::Missing) {
        let Some((result, _)) = row.function() else {
            continue;
        };
        let name = &row.name;
        let _ = write!(text, "\n#undef {name}\nPyAPI_FUNC({result})\n{name}({})\n{{\n", row.c_params());
        match (&row.error, row.noreturn) {
            (Some(error), false) => {
                let _ = writeln!(text, "    _Cape_Missing(\"{name}\");\n    return {error};");
            }
            _ => {
                let _ = writeln!(text, "    _Cape_MissingFatal(\"{name}\");");
            }
        }
        text.push_str("}\n");
    }
    files.insert(Path::new("bridge-c/generated/missing.c").to_path_buf(), text);
}
