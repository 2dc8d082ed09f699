//! What the tests share: the repository's folders, and the system's C compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder of the test's own, emptied; `target_tmp` is its `env!("CARGO_TARGET_TMPDIR")`.
pub fn scratch(target_tmp: &str, name: &str) -> PathBuf {
    let folder = Path::new(target_tmp).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// Runs a compiler with the headers of Cape; panics with its messages when it fails.
pub fn compile(compiler: &str, arguments: &[&str]) {
    let include = root().join("include");
    let output = Command::new(compiler)
        .arg("-I")
        .arg(&include)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("{compiler}: {e}"));
    assert!(output.status.success(), "{compiler} {arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
}
