//! pyperformance, pyperf and what its programs import, as they are on PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cape_tests::cape;
use cape_tests::process::{limit, run};

/// The releases, which are those that pyperformance asks for: with others the numbers could not be compared.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Downloads and unpacks them, once, into a folder of `parent` that Python can import from.
pub fn packages(parent: &Path) -> Result<PathBuf, String> {
    let folder = parent.join("packages");
    let list = parent.join("requirements.txt");
    if folder.is_dir() && std::fs::read_to_string(&list).is_ok_and(|text| text == REQUIREMENTS) {
        return Ok(folder);
    }
    let _ = std::fs::remove_dir_all(parent); // other releases, or half of these
    let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&list, REQUIREMENTS));
    written.map_err(|e| format!("{}: {e}", list.display()))?;
    let downloads = parent.join("downloads");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"])
        .args(["--only-binary=:all:", "--python-version=3.14", "--dest"])
        .arg(&downloads)
        .arg("--requirement")
        .arg(&list);
    let outcome = run(&mut pip, &parent.join("pip.log"), limit(Duration::from_secs(180)));
    if !outcome.is_ok() {
        return Err(format!("pyperformance cannot be downloaded ({})", outcome.tail(1)));
    }
    let unpacked = parent.join("unpacked");
    unpack(&downloads, &unpacked, &parent.join("unpack.log"))?;
    // Whole, or not there at all.
    std::fs::rename(&unpacked, &folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

/// Unpacks the archives in a folder with Cape's own library.
fn unpack(downloads: &Path, folder: &Path, log: &Path) -> Result<(), String> {
    let code = "import glob, shutil, sys\n\
                for f in glob.glob(sys.argv[1] + '/*.whl'): shutil.unpack_archive(f, sys.argv[2], 'zip')";
    let mut command = Command::new(cape());
    command.args(["-c", code]).args([downloads, folder]);
    let outcome = run(&mut command, log, limit(Duration::from_secs(120)));
    if outcome.is_ok() { Ok(()) } else { Err(format!("{}: {}", downloads.display(), outcome.tail(5))) }
}
