//! Wrong sources and the errors that CPython 3.14 reports for them: exception, message, line and column. One case a line, tab-separated;
//! `ok` for sources that are right.

use cape_compile::{CompileOptions, ErrorKind, Mode, compile};

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('1')) => out.push('\u{1}'),
            ('\\', Some('0')) => out.push('\u{a0}'),
            ('\\', Some(c)) => out.push(c),
            (c, _) => out.push(c),
        }
    }
    out
}

#[test]
fn errors_are_cpythons() {
    let mut wrong = Vec::new();
    for line in include_str!("syntax_errors.tsv").lines() {
        let fields: Vec<String> = line.split('\t').map(unescape).collect();
        let [source, kind, msg, row, col] = &fields[..] else { panic!("{line}") };
        let got = match compile(source, "<s>", Mode::Exec, CompileOptions::default()) {
            Ok(_) => ("ok", String::new(), 0, 0),
            Err(e) => {
                let kind = match e.kind {
                    ErrorKind::Syntax => "SyntaxError",
                    ErrorKind::Indentation => "IndentationError",
                    ErrorKind::Tab => "TabError",
                    other => panic!("{source:?}: {other:?}"),
                };
                (kind, e.msg, e.line, e.col)
            }
        };
        let expected =
            (kind.as_str(), msg.clone(), row.parse().expect("a line"), col.parse().expect("a column"));
        if got != expected {
            wrong.push(format!("{source:?}\n  expected {expected:?}\n  got      {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
