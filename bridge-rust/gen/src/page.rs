//! The page of the API: what there is, who implements it, how much of it is there.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::table::{Kind, Row, Side};
use crate::{BANNER, Files};

/// Writes `include/API.md`.
pub fn generate(api: &[Row], files: &mut Files) {
    let mut text = format!(
        "<!-- {BANNER} -->\n# The C API\n\n\
         Every public symbol of CPython 3.14 and the side of Cape that implements it: *C* (`bridge-c`), *Rust*\n\
         (`bridge-rust/src/api`), *inline* (the headers), or *missing* (a function raises an exception that\n\
         names it; an extension that needs a missing datum fails to import). *since* is the first version\n\
         of the limited API that has the symbol; *used* counts the packages that import it, among the most\n\
         downloaded ones that have extensions.\n\n## Coverage\n\n\
         | exported symbols | C | Rust | missing | there |\n|---|---|---|---|---|\n"
    );
    let exported: Vec<&Row> =
        api.iter().filter(|r| r.side != Side::Inline && !matches!(r.kind, Kind::Named)).collect();
    for (label, least) in [("used by 20 packages or more", 20), ("used by 5 or more", 5), ("all", 0)] {
        let rows: Vec<&&Row> = exported.iter().filter(|r| r.used >= least).collect();
        let count = |side| rows.iter().filter(|r| r.side == side).count();
        let missing = count(Side::Missing);
        let there = 100.0 * (rows.len() - missing) as f64 / rows.len().max(1) as f64;
        let _ = writeln!(
            text,
            "| {label} ({}) | {} | {} | {missing} | {there:.1} % |",
            rows.len(),
            count(Side::C),
            count(Side::Rust),
        );
    }
    let mut headers: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in api {
        headers.entry(&row.header).or_default().push(row);
    }
    text.push_str(
        "\nMacros and inline functions are all there; private symbols that no package uses are left out.\n",
    );
    for (header, rows) in headers {
        let mut lines = String::new();
        for row in &rows {
            if row.side == Side::Inline || matches!(row.kind, Kind::Named) {
                continue;
            }
            let side = match row.side {
                Side::C => "C",
                Side::Rust => "Rust",
                Side::Inline => "inline",
                Side::Missing => "missing",
            };
            let why = row.why.as_deref().map(|w| format!(": {w}")).unwrap_or_default();
            let since = row.stable.map(|(a, b)| format!("{a}.{b}")).unwrap_or_default();
            let used = if row.used > 0 { row.used.to_string() } else { String::new() };
            let _ = writeln!(lines, "| {} | {side}{why} | {since} | {used} |", row.name);
        }
        let inline = rows.iter().filter(|r| r.side == Side::Inline).map(|r| r.name.as_str());
        let inline: Vec<&str> = inline.collect();
        if lines.is_empty() && inline.is_empty() {
            continue;
        }
        let _ = write!(text, "\n## {header}\n\n");
        if !lines.is_empty() {
            let _ = write!(text, "| symbol | side | since | used |\n|---|---|---|---|\n{lines}");
        }
        if !inline.is_empty() {
            let _ = writeln!(text, "\nInline: {}", inline.join(", "));
        }
    }
    files.insert(Path::new("include/API.md").to_path_buf(), text);
}
