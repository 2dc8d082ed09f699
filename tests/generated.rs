//! What is generated from `include/api.toml` is up to date, and compiles.

use std::process::Command;

use cape_tests::{compile, root};

#[test]
fn generated_files_are_up_to_date() {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "cape-gen", "--", "--check"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_file_of_bridge_c_compiles_without_warnings() {
    let folder = root().join("bridge-c");
    let mut sources = vec![folder.join("generated/missing.c")];
    for entry in std::fs::read_dir(&folder).expect("bridge-c") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "c") {
            sources.push(path);
        }
    }
    for source in sources {
        compile(
            "cc",
            &[
                "-I",
                &folder.display().to_string(),
                "-std=gnu11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-fsyntax-only",
                &source.display().to_string(),
            ],
        );
    }
}
