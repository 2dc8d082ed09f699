//! Releases from PyPI, fetched with pip (`python3 -m pip`) and kept. Where that is not possible the tests say that they are
//! skipped, or fail when `CAPE_REQUIRE_DOWNLOADS` is set.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use crate::cape;
use crate::process::{limit, run};

/// The source package.
pub const SOURCE: &[&str] = &["--no-binary=:all:"];
/// A wheel that runs everywhere, or one that CPython 3.14 would have here.
pub const PURE: &[&str] = &["--only-binary=:all:", "--python-version=3.14"];

/// The file of a package's release, downloaded once; None when it cannot be had here. `target_tmp` is the test's
/// `env!("CARGO_TARGET_TMPDIR")`.
pub fn fetch(target_tmp: &str, requirement: &str, kind: &[&str], suffix: &str) -> Option<PathBuf> {
    let folder = Path::new(target_tmp).join("downloads").join(requirement);
    let find = || {
        let entries = std::fs::read_dir(&folder).ok()?;
        entries.flatten().map(|e| e.path()).find(|p| p.to_string_lossy().ends_with(suffix))
    };
    if find().is_none() {
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
            .arg(&folder)
            .args(kind)
            .arg(requirement);
        let outcome = run(&mut pip, &folder.join("pip.log"), limit(Duration::from_secs(180)));
        if !outcome.is_ok() {
            assert!(
                std::env::var_os("CAPE_REQUIRE_DOWNLOADS").is_none(),
                "{requirement}: {}",
                outcome.tail(5)
            );
            println!("skipped: {requirement} cannot be downloaded ({})", outcome.tail(1));
        }
    }
    find()
}

/// A folder with the contents of a wheel, shared by all tests; None when it cannot be had here.
pub fn wheel(target_tmp: &str, requirement: &str) -> Option<PathBuf> {
    static UNPACKING: Mutex<()> = Mutex::new(());
    let _alone = UNPACKING.lock().unwrap_or_else(|e| e.into_inner());
    let archive = fetch(target_tmp, requirement, PURE, ".whl")?;
    let folder = archive.parent().expect("a folder").join("wheel");
    if !folder.join("complete").is_file() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        unpack(&archive, &folder);
        std::fs::write(folder.join("complete"), "").expect("the target folder can be written");
    }
    Some(folder)
}

/// Unpacks an archive with Cape's own library.
pub fn unpack(archive: &Path, folder: &Path) {
    let code = "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2], sys.argv[3])";
    let format = if archive.to_string_lossy().ends_with(".whl") { "zip" } else { "gztar" };
    let mut command = Command::new(cape());
    command.args(["-c", code]).arg(archive).arg(folder).arg(format);
    let outcome = run(&mut command, &folder.join("unpack.log"), limit(Duration::from_secs(120)));
    assert!(outcome.is_ok(), "{}: {}", archive.display(), outcome.tail(12));
}
