//! Character classes and case of regular expressions, by code point.

use rustpython_unicode::{case, classify};

/// Which case mapping applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// ASCII letters only.
    Ascii,
    /// Unicode's simple mappings.
    Unicode,
    /// The C locale's, for bytes.
    Locale,
}

/// A character category, in the order of the codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is named like its code")]
pub enum Category {
    Digit,
    NotDigit,
    Space,
    NotSpace,
    Word,
    NotWord,
    Linebreak,
    NotLinebreak,
    LocWord,
    LocNotWord,
    UniDigit,
    UniNotDigit,
    UniSpace,
    UniNotSpace,
    UniWord,
    UniNotWord,
    UniLinebreak,
    UniNotLinebreak,
}

const CATEGORIES: [Category; 18] = {
    use Category::*;
    [
        Digit, NotDigit, Space, NotSpace, Word, NotWord, Linebreak, NotLinebreak, LocWord, LocNotWord, UniDigit,
        UniNotDigit, UniSpace, UniNotSpace, UniWord, UniNotWord, UniLinebreak, UniNotLinebreak,
    ]
};

impl Category {
    /// The category of a code.
    pub fn from_code(code: u32) -> Option<Category> {
        CATEGORIES.get(code as usize).copied()
    }

    /// Whether a character belongs to it.
    pub fn has(self, c: u32) -> bool {
        use Category::*;
        match self {
            Digit => ascii(c, |b| b.is_ascii_digit()),
            NotDigit => !ascii(c, |b| b.is_ascii_digit()),
            Space => ascii(c, is_ascii_space),
            NotSpace => !ascii(c, is_ascii_space),
            Word => is_word(c),
            NotWord => !is_word(c),
            Linebreak => c == 10,
            NotLinebreak => c != 10,
            LocWord => is_locale_word(c),
            LocNotWord => !is_locale_word(c),
            UniDigit => is_unicode_digit(c),
            UniNotDigit => !is_unicode_digit(c),
            UniSpace => is_unicode_space(c),
            UniNotSpace => !is_unicode_space(c),
            UniWord => is_unicode_word(c),
            UniNotWord => !is_unicode_word(c),
            UniLinebreak => is_unicode_linebreak(c),
            UniNotLinebreak => !is_unicode_linebreak(c),
        }
    }
}

fn ascii(c: u32, f: impl Fn(u8) -> bool) -> bool {
    c < 128 && f(c as u8)
}

fn is_ascii_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

/// `[A-Za-z0-9_]`
#[inline]
pub fn is_word(c: u32) -> bool {
    ascii(c, |b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A letter, digit or underscore of the C locale.
pub fn is_locale_word(c: u32) -> bool {
    // SAFETY: isalnum is defined for the values of unsigned char.
    c == 95 || c < 256 && unsafe { libc::isalnum(c as i32) } != 0
}

fn is_unicode_digit(c: u32) -> bool {
    if c < 128 { (c as u8).is_ascii_digit() } else { char::from_u32(c).is_some_and(classify::is_decimal) }
}

fn is_unicode_space(c: u32) -> bool {
    if c < 128 {
        return matches!(c, 0x09..=0x0d | 0x1c..=0x20);
    }
    char::from_u32(c).is_some_and(classify::is_space)
}

/// A Unicode alphanumeric or an underscore.
#[inline]
pub fn is_unicode_word(c: u32) -> bool {
    if c < 128 { is_word(c) } else { char::from_u32(c).is_some_and(classify::is_alnum) }
}

fn is_unicode_linebreak(c: u32) -> bool {
    matches!(c, 0x0a..=0x0d | 0x1c..=0x1e | 0x85 | 0x2028 | 0x2029)
}

/// Lower case by the given mapping.
#[inline]
pub fn lower(c: u32, by: Case) -> u32 {
    match by {
        _ if c < 128 && by != Case::Locale => (c as u8).to_ascii_lowercase() as u32,
        Case::Ascii => c,
        Case::Unicode => char::from_u32(c).map_or(c, |c| case::simple_lowercase(c) as u32),
        // SAFETY: tolower is defined for the values of unsigned char.
        Case::Locale if c < 256 => unsafe { libc::tolower(c as i32) as u32 },
        Case::Locale => c,
    }
}

/// Upper case by the given mapping.
#[inline]
pub fn upper(c: u32, by: Case) -> u32 {
    match by {
        _ if c < 128 && by != Case::Locale => (c as u8).to_ascii_uppercase() as u32,
        Case::Ascii => c,
        Case::Unicode => char::from_u32(c).map_or(c, |c| case::simple_uppercase(c) as u32),
        // SAFETY: toupper is defined for the values of unsigned char.
        Case::Locale if c < 256 => unsafe { libc::toupper(c as i32) as u32 },
        Case::Locale => c,
    }
}
