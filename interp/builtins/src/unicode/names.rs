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
    let c = cape_compile::character(name)?;
    // A code point in a name is written with four digits, or with as many as it needs.
    let digits = name.rsplit('-').next().unwrap_or("");
    let number = u32::from_str_radix(digits, 16).is_ok_and(|n| n == c as u32);
    (!number || digits.eq_ignore_ascii_case(&format!("{:04X}", c as u32))).then_some(c)
}

/// The characters of a named sequence; letter case does not matter.
pub fn sequence(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    SEQUENCES.binary_search_by(|s| s.0.cmp(&name)).ok().map(|i| SEQUENCES[i].1)
}
