//! Every struct of the headers has the layout of CPython 3.14, as recorded in `layout/layout.tsv`
//! (which a C compiler printed from CPython's own headers).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use cape_tests::{compile, root, scratch};

struct Field<'a> {
    name: &'a str,
    offset: &'a str,
    size: &'a str,
}

/// Structs without a typedef.
const TAGS: &[&str] = &["_specialization_cache", "wrapperbase"];

fn read(facts: &str) -> BTreeMap<&str, (&str, Vec<Field<'_>>)> {
    let mut structs: BTreeMap<&str, (&str, Vec<Field>)> = BTreeMap::new();
    for line in facts.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let &[owner, name, offset, size, total] = cells.as_slice() else {
            panic!("unreadable line in layout.tsv: {line}");
        };
        structs.entry(owner).or_insert((total, Vec::new())).1.push(Field { name, offset, size });
    }
    structs
}

/// The check of one field: its offset and size, or the bits that it occupies.
fn check_field(c_name: &str, field: &Field, text: &mut String) {
    let Field { name, offset, size } = field;
    if let Some((width, first)) = size.split_once("bit@") {
        let _ = writeln!(text, "    BITS({c_name}, {name}, {offset}, {first}, {width});");
        return;
    }
    let _ = writeln!(text, "    OFFSET({c_name}, {name}, {offset});");
    if *size != "0" {
        let _ = writeln!(text, "    SIZE({c_name}, {name}, {size});");
    }
}

#[test]
fn structs_are_laid_out_as_in_cpython() {
    let facts = std::fs::read_to_string(root().join("tests/layout/layout.tsv")).expect("the facts");
    let structs = read(&facts);
    let mut text = String::from(include_str!("layout/check.h"));
    text.push_str("int main(void)\n{\n");
    let mut checked = 0;
    for (owner, (total, fields)) in &structs {
        let c_name = if TAGS.contains(owner) { format!("struct {owner}") } else { (*owner).to_string() };
        let _ = writeln!(text, "    TOTAL({c_name}, {total});");
        for field in fields {
            check_field(&c_name, field, &mut text);
            checked += 1;
        }
    }
    text.push_str("    return failures;\n}\n");
    assert!(checked > 1000, "only {checked} facts");

    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "layout");
    let source = folder.join("layout.c");
    let program = folder.join("layout");
    std::fs::write(&source, text).expect("the program can be written");
    compile(
        "cc",
        &[
            "-std=gnu11",
            "-Wno-deprecated-declarations",
            "-o",
            &program.display().to_string(),
            &source.display().to_string(),
        ],
    );
    let output = Command::new(&program).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
