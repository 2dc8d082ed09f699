//! What the tests share: the repository's folders, the system's C compiler, the interpreters.

pub mod downloads;
pub mod manifest;
pub mod process;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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

/// The sources of the extension `crossing`, which has every way to cross.
pub fn crossing_sources() -> Vec<String> {
    let folder = std::fs::read_dir(root().join("perf/ext")).expect("perf/ext");
    let files =
        folder.flatten().map(|entry| entry.path()).filter(|p| p.extension().is_some_and(|e| e == "c"));
    let mut sources: Vec<String> = files.map(|path| path.display().to_string()).collect();
    sources.sort();
    sources
}

/// The `cape` binary of the profile that this program was built with, built if need be; or `CAPE_BIN`.
pub fn cape() -> &'static Path {
    static CAPE: OnceLock<PathBuf> = OnceLock::new();
    CAPE.get_or_init(|| match std::env::var("CAPE_BIN") {
        Ok(path) => path.into(),
        Err(_) => built("cape", &[]),
    })
}

/// The collector's options for a run under zeal: a collection at every `every`th allocation, always moving, verified. `CAPE_ZEAL` says others
/// for all such runs ("every:7,move,poison,verify:20").
pub fn zeal(every: &str) -> String {
    std::env::var("CAPE_ZEAL").unwrap_or_else(|_| format!("every:{every},move,poison,verify"))
}

/// The `cape` binary that has the Rust twins of hot functions of C, too.
pub fn cape_twins() -> PathBuf {
    built("cape-twins", &["--features", "twins"])
}

/// A binary of the package `cape`, of the profile that this program was built with, built if need be.
fn built(name: &str, options: &[&str]) -> PathBuf {
    let this = std::env::current_exe().expect("this program has a path");
    let folder = this.ancestors().skip(1).find(|f| !f.ends_with("deps") && !f.ends_with("examples"));
    let folder = folder.expect("the folder of the profile");
    let profile = folder.file_name().expect("the profile").to_string_lossy().into_owned();
    let profile = if profile == "debug" { "dev".to_string() } else { profile };
    let status = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["build", "--quiet", "--package", "cape", "--bin", name, "--profile", &profile])
        .args(options)
        .current_dir(root())
        .status();
    assert!(status.is_ok_and(|s| s.success()), "{name} does not build");
    folder.join(name)
}

/// The command of another interpreter: named by an environment variable, or on PATH.
pub fn peer(variable: &str, command: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|f| f.join(command)).find(|path| path.is_file())
}

/// CPython 3.14: `CAPE_PEER_CPYTHON`, or `python3.14` on PATH.
pub fn cpython() -> Option<PathBuf> {
    peer("CAPE_PEER_CPYTHON", "python3.14")
}
