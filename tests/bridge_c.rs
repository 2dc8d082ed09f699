//! bridge-c defines every row on side C, calls in Rust only what `generated/slow.h` lists, and does
//! what CPython does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use cape_tests::{compile, cpython, root, scratch};

/// The C files, missing functions included.
fn sources() -> Vec<PathBuf> {
    let folder = root().join("bridge-c");
    let mut sources = vec![folder.join("generated/missing.c")];
    for entry in std::fs::read_dir(&folder).expect("bridge-c") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "c") {
            sources.push(path);
        }
    }
    sources.sort();
    sources
}

fn include_flag() -> String {
    format!("-I{}", root().join("bridge-c").display())
}

/// Compiles every file to an object in `folder`; all warnings are errors.
fn compile_all(folder: &Path) -> Vec<PathBuf> {
    let include = include_flag();
    sources()
        .iter()
        .map(|source| {
            let object = folder.join(source.file_stem().expect("a name")).with_extension("o");
            compile(
                "cc",
                &[
                    &include,
                    "-std=gnu11",
                    "-Wall",
                    "-Wextra",
                    "-Werror",
                    "-O1",
                    "-fPIC",
                    "-c",
                    "-o",
                    &object.display().to_string(),
                    &source.display().to_string(),
                ],
            );
            object
        })
        .collect()
}

/// The symbols that `nm` lists with the given option.
fn symbols(objects: &[PathBuf], option: &str) -> BTreeSet<String> {
    let output = Command::new("nm").args(["-g", option]).args(objects).output().expect("nm");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|word| !word.ends_with(':'))
        .map(str::to_string)
        .collect()
}

/// Names in a table whose side is one of `sides`; rows without a side are Rust's.
fn rows(table: &str, sides: &[&str]) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(table)).expect("the table");
    let table: toml::Table = toml::from_str(&text).expect("the table is TOML");
    table
        .iter()
        .filter(|(_, row)| {
            let side = row.get("side").and_then(|s| s.as_str()).unwrap_or("Rust");
            sides.contains(&side)
        })
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn every_row_on_side_c_is_defined_and_rust_is_called_through_the_list_only() {
    let objects = compile_all(&scratch(env!("CARGO_TARGET_TMPDIR"), "bridge_c"));
    let defined = symbols(&objects, "--defined-only");
    let missing: Vec<_> = rows("include/api.toml", &["C"]).difference(&defined).cloned().collect();
    assert!(missing.is_empty(), "on side C, but not defined in bridge-c: {missing:?}");

    let mut callable = rows("include/api.toml", &["Rust"]);
    callable.extend(rows("include/internal.toml", &["Rust"]));
    let wrong: Vec<_> = symbols(&objects, "--undefined-only")
        .difference(&defined)
        .filter(|name| name.contains("Py") || name.contains("Cape"))
        .filter(|name| !callable.contains(*name))
        .cloned()
        .collect();
    assert!(wrong.is_empty(), "called by bridge-c, but in no table: {wrong:?}");
}

/// Files that are about Cape's own memory, threads and data, which CPython has its own of.
const NOT_IN_CPYTHON: &[&str] = &[
    "gcmodule.c",
    "getversion.c",
    "instancemethod.c",
    "lock.c",
    "missing.c",
    "obmalloc.c",
    "pyctype.c",
    "pydebug.c",
    "pystate.c",
    "sysmodule.c",
    "types.c",
    "watchers.c",
];

/// Thousands of calls of bridge-c's functions inside CPython, compared with CPython's own. Needs the
/// CPython 3.14; does nothing without.
#[test]
fn bridge_c_does_what_cpython_does() {
    let Some(cpython) = cpython() else {
        eprintln!("no CPython 3.14 here (CAPE_PEER_CPYTHON): not compared");
        return;
    };
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "differential");
    let library = folder.join("bridge_c.so").display().to_string();
    let include = include_flag();
    let mut arguments: Vec<String> = [
        include.as_str(),
        "-std=gnu11",
        "-w",
        "-O1",
        "-g",
        "-fPIC",
        "-shared",
        "-Wl,-Bsymbolic",
        "-DCAPE_INSIDE_CPYTHON",
        "-o",
        library.as_str(),
    ]
    .map(str::to_string)
    .to_vec();
    for source in sources() {
        let name = source.file_name().expect("a name").to_string_lossy().into_owned();
        if !NOT_IN_CPYTHON.contains(&name.as_str()) {
            arguments.push(source.display().to_string());
        }
    }
    arguments.push(root().join("tests/capi/inside_cpython.c").display().to_string());
    arguments.push("-lm".to_string());
    compile("cc", &arguments.iter().map(String::as_str).collect::<Vec<_>>());

    let output = Command::new(cpython)
        .arg(root().join("tests/capi/differential.py"))
        .arg(&library)
        .output()
        .expect("CPython runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}
