//! Prototypes of the public functions and data, one file per header that includes it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::table::{Kind, Row, Side};
use crate::{BANNER, Files};

/// Where they go.
pub const FOLDER: &str = "include/generated";

/// The file of a header's prototypes: `cpython/listobject.h` -> `cpython_listobject.h`.
fn file_name(header: &str) -> String {
    header.replace('/', "_")
}

/// When a declaration is visible; the order is the order in the file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Gate {
    Always,
    Since(u32, u32),
    FullApi,
    CapeOnly,
}

impl Gate {
    fn of(row: &Row) -> Gate {
        let full_header = row.header.contains('/');
        match row.stable {
            _ if row.abi_only => Gate::CapeOnly,
            // Headers in cpython/ are not seen by the limited API at all.
            _ if full_header => Gate::Always,
            Some((3, minor)) if minor <= 2 => Gate::Always,
            Some((major, minor)) => Gate::Since(major, minor),
            None => Gate::FullApi,
        }
    }

    fn open(&self) -> Option<String> {
        match self {
            Gate::Always => None,
            Gate::Since(major, minor) => {
                Some(format!("#if CAPE_API_LEVEL >= 0x{:08x}", (major << 24) | (minor << 16)))
            }
            Gate::FullApi => Some("#ifndef Py_LIMITED_API".to_string()),
            Gate::CapeOnly => Some("#ifdef CAPE_BUILD".to_string()),
        }
    }
}

/// One file per header that declares something.
pub fn generate(api: &[Row], files: &mut Files) {
    let mut headers: BTreeMap<&str, BTreeMap<Gate, Vec<String>>> = BTreeMap::new();
    for row in api {
        if row.side == Side::Inline || row.header.starts_with("internal/") {
            continue;
        }
        if let Some(text) = declaration(row) {
            headers.entry(&row.header).or_default().entry(Gate::of(row)).or_default().push(text);
        }
    }
    for (header, gates) in headers {
        let mut text = format!("/* {BANNER} */\n");
        for (gate, lines) in gates {
            text.push('\n');
            if let Some(open) = gate.open() {
                text.push_str(&open);
                text.push('\n');
            }
            for line in lines {
                text.push_str(&line);
                text.push('\n');
            }
            if gate.open().is_some() {
                text.push_str("#endif\n");
            }
        }
        files.insert(Path::new(FOLDER).join(file_name(header)), text);
    }
}

/// The C declaration of a public function or datum.
pub fn declaration(row: &Row) -> Option<String> {
    let mut text = String::new();
    if let Some(version) = &row.deprecated {
        let _ = write!(text, "Py_DEPRECATED({version}) ");
    }
    match &row.kind {
        Kind::Named => return None,
        Kind::Data { c_type } => {
            if c_type.contains(row.name.as_str()) {
                let _ = write!(text, "extern Py_EXPORTED_SYMBOL {c_type};");
            } else if let Some(at) = c_type.find('[') {
                let (base, array) = c_type.split_at(at);
                let _ = write!(text, "PyAPI_DATA({base}) {}{array};", row.name);
            } else {
                let _ = write!(text, "PyAPI_DATA({c_type}) {};", row.name);
            }
        }
        Kind::Function { result, .. } => {
            let _ = write!(text, "PyAPI_FUNC({result}) {}({})", row.name, row.c_params());
            if row.noreturn {
                text.push_str(" Py_GCC_ATTRIBUTE((__noreturn__))");
            }
            if let Some([format, first]) = row.printf {
                let _ = write!(text, " Py_GCC_ATTRIBUTE((format(printf, {format}, {first})))");
            }
            text.push(';');
        }
    }
    Some(text)
}
