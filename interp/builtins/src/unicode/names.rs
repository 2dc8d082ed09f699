//! Names of characters.

use std::fmt::Write;

use super::tables::SEQUENCES;

/// The name of a code point, as `unicodedata.name` gives it.
pub fn name(c: u32) -> Option<String> {
    let c = char::from_u32(c)?;
    let n = unicode_names2::name(c)?;
    let mut out = String::new();
    write!(out, "{n}").ok()?;
    Some(out)
}

/// The character with this name or alias.
pub fn character(name: &str) -> Option<char> {
    unicode_names2::character(name)
}

/// The characters of a named sequence; letter case does not matter.
pub fn sequence(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    SEQUENCES.binary_search_by(|s| s.0.cmp(&name)).ok().map(|i| SEQUENCES[i].1)
}
