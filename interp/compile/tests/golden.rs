//! Disassembly of small programs, compared with the text files beside them. Set `CAPE_BLESS=1` to write the files anew after a change that
//! is meant.

use std::path::Path;

use cape_compile::{CompileOptions, Mode, compile};

#[test]
fn bytecode_is_as_recorded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dis");
    let mut checked = 0;
    for entry in std::fs::read_dir(&dir).expect("readable") {
        let path = entry.expect("entry").path();
        if path.extension().is_none_or(|e| e != "py") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("readable");
        let name = path.file_name().expect("a name").to_string_lossy();
        let code = compile(&source, &name, Mode::Exec, CompileOptions::default()).expect("compiles");
        cape_bytecode::verify(&code).expect("sound");
        let text = cape_bytecode::disassemble(&code);
        let golden = path.with_extension("txt");
        if std::env::var_os("CAPE_BLESS").is_some() {
            std::fs::write(&golden, &text).expect("writable");
        }
        let recorded = std::fs::read_to_string(&golden).unwrap_or_default();
        assert!(text == recorded, "{name} compiles differently now:\n{text}");
        checked += 1;
    }
    assert!(checked >= 4);
}
