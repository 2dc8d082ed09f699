//! The headers compile without warnings in every C and C++ dialect that extensions use, with every
//! limited API, and have every macro and inline function of the table.

use std::fmt::Write;

use cape_tests::{compile, root, scratch};

const EVERYTHING: &str = "\
#include <Python.h>
#include <structmember.h>
#include <datetime.h>
#include <frameobject.h>
#include <marshal.h>
#include <errcode.h>
#include <osdefs.h>
";

/// The dialects: compiler, language, standard.
const DIALECTS: &[(&str, &str, &str)] = &[
    ("cc", "c", "c99"),
    ("cc", "c", "c11"),
    ("cc", "c", "gnu17"),
    ("c++", "c++", "c++11"),
    ("c++", "c++", "c++17"),
    ("c++", "c++", "c++20"),
];

/// Compiles `text` in every dialect with all warnings as errors.
fn compile_everywhere(name: &str, text: &str, options: &[&str]) {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), name);
    let source = folder.join("test.c").display().to_string();
    std::fs::write(&source, text).expect("the source can be written");
    for (compiler, language, standard) in DIALECTS {
        let standard = format!("-std={standard}");
        let mut arguments = vec!["-x", language, &standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only"];
        if *language == "c" {
            arguments.extend(["-Wpedantic", "-Wstrict-prototypes"]);
        }
        arguments.extend(options);
        arguments.push(&source);
        compile(compiler, &arguments);
    }
}

#[test]
fn the_whole_api_compiles_everywhere() {
    compile_everywhere("headers_full", EVERYTHING, &[]);
    compile_everywhere("headers_asserts", EVERYTHING, &["-DPy_DEBUG", "-UNDEBUG"]);
}

#[test]
fn every_limited_api_compiles_everywhere() {
    for minor in 2..=14 {
        let level = format!("-DPy_LIMITED_API=0x03{minor:02x}0000");
        compile_everywhere(&format!("headers_limited_{minor}"), EVERYTHING, &[&level]);
    }
    compile_everywhere("headers_limited", EVERYTHING, &["-DPy_LIMITED_API"]);
}

/// An extension of the limited API must not see layouts, and must call functions for counts.
#[test]
fn the_limited_api_hides_what_is_not_stable() {
    let text = format!(
        "{EVERYTHING}\n#if defined(PyList_GET_ITEM) || defined(PyUnicode_DATA) || defined(PyVectorcall_NARGS)\n\
         #error \"macros of the full API are visible\"\n#endif\n\
         struct _typeobject {{ int mine; }};\n\
         void use(PyObject *op);\nvoid use(PyObject *op) {{ Py_INCREF(op); Py_DECREF(op); }}\n"
    );
    compile_everywhere("headers_hidden", &text, &["-DPy_LIMITED_API=0x030e0000"]);
}

#[test]
fn every_inline_row_is_in_the_headers() {
    let table = std::fs::read_to_string(root().join("include/api.toml")).expect("the table");
    let table: toml::Table = toml::from_str(&table).expect("the table is TOML");
    let mut text = format!("{EVERYTHING}\n");
    let mut count = 0;
    for (name, row) in &table {
        let header = row["header"].as_str().unwrap_or_default();
        if row["side"].as_str() != Some("inline") {
            continue;
        }
        let _ = writeln!(
            text,
            "#ifndef {name} /* {header} */\nvoid check_{name}(void);\nvoid check_{name}(void) {{ (void)&{name}; }}\n#endif"
        );
        count += 1;
    }
    assert!(count > 500, "only {count} inline rows");
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "headers_inline");
    let source = folder.join("test.c").display().to_string();
    std::fs::write(&source, text).expect("the source can be written");
    compile("cc", &["-std=c11", "-fsyntax-only", "-Wno-deprecated-declarations", &source]);
}
