//! The whole standard library compiles, and its code survives serialization.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cape_compile::{CompileOptions, Mode, compile};

fn python_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(dir).expect("readable").map(|e| e.expect("entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            python_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "py") {
            out.push(path);
        }
    }
}

#[test]
fn every_module_compiles_and_round_trips() {
    let root = std::env::var("CAPE_COMPILE_LIB").unwrap_or(rustpython_pylib::LIB_PATH.into());
    let mut files = Vec::new();
    python_files(Path::new(&root), &mut files);
    assert!(files.len() > 100, "{} files", files.len());
    let mut failed = Vec::new();
    let (mut compiling, mut writing, mut reading) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut source_bytes, mut code_bytes, mut words) = (0, 0, 0);
    for path in &files {
        // Files in other encodings or wrong on purpose are not the library.
        let Ok(source) = std::fs::read_to_string(path) else { continue };
        if path.components().any(|c| c.as_os_str().to_string_lossy().contains("bad")) {
            continue;
        }
        let name = path.to_string_lossy();
        let start = Instant::now();
        let code = match compile(&source, &name, Mode::Exec, CompileOptions::default()) {
            Ok(code) => code,
            Err(e) => {
                failed.push(format!("{name}:{}: {:?} {}", e.line, e.kind, e.msg));
                continue;
            }
        };
        compiling += start.elapsed();
        if let Err(e) = cape_bytecode::verify(&code) {
            failed.push(format!("{name}: {e}"));
        }
        let start = Instant::now();
        let bytes = cape_bytecode::serialize(&code);
        writing += start.elapsed();
        let start = Instant::now();
        let back = cape_bytecode::deserialize(&bytes, None).expect("readable");
        reading += start.elapsed();
        assert_eq!(cape_bytecode::serialize(&back), bytes, "{name}");
        assert_eq!(cape_bytecode::disassemble(&back), cape_bytecode::disassemble(&code), "{name}");
        source_bytes += source.len();
        code_bytes += bytes.len();
        words += code.code.len();
    }
    println!(
        "{} files, {source_bytes} bytes of source, {code_bytes} bytes of code ({words} words at top level): \
         compile {compiling:?}, write {writing:?}, read {reading:?}",
        files.len()
    );
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
}
