//! Characters by name.

/// Names that are a prefix and a number are not in the tables for these.
const TANGUT: &str = "TANGUT IDEOGRAPH-";

/// The character with this Unicode name or alias; letter case does not matter.
pub fn character(name: &str) -> Option<char> {
    unicode_names2::character(name).or_else(|| {
        let (prefix, digits) = name.split_at_checked(TANGUT.len())?;
        if !prefix.eq_ignore_ascii_case(TANGUT) || digits.len() != 5 {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        char::from_u32(number).filter(|_| matches!(number, 0x17000..=0x187f7 | 0x18d00..=0x18d08))
    })
}
