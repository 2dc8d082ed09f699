//! The `is...` methods.

use cape_vm::object::*;
use cape_vm::{Ptr, Vm};

use super::case::is_cased;
use crate::unicode::tables::*;
use crate::unicode::{has, is_printable, is_space};

type Str = Ptr<StrObj>;

/// Not empty, and true for all code points.
fn all(s: Str, f: impl Fn(u32) -> bool) -> bool {
    !s.is_empty() && s.chars().all(f)
}

pub(super) fn isascii(_: &Vm, s: Str) -> bool {
    s.is_ascii()
}

/// Some code point is cased, and no cased one has another case than `want`.
fn is_case(s: Str, want: u16, other: u16) -> bool {
    let mut cased = false;
    for c in s.chars() {
        if has(c, other | TITLE) {
            return false;
        }
        cased |= has(c, want);
    }
    cased
}

pub(super) fn islower(_: &Vm, s: Str) -> bool {
    is_case(s, LOWER, UPPER)
}

pub(super) fn isupper(_: &Vm, s: Str) -> bool {
    is_case(s, UPPER, LOWER)
}

pub(super) fn istitle(_: &Vm, s: Str) -> bool {
    let (mut cased, mut previous_cased) = (false, false);
    for c in s.chars() {
        if has(c, UPPER | TITLE) {
            if previous_cased {
                return false;
            }
            cased = true;
        } else if has(c, LOWER) {
            if !previous_cased {
                return false;
            }
            cased = true;
        }
        previous_cased = is_cased(c);
    }
    cased
}

pub(super) fn isspace(_: &Vm, s: Str) -> bool {
    all(s, is_space)
}

pub(super) fn isdecimal(_: &Vm, s: Str) -> bool {
    all(s, |c| has(c, DECIMAL))
}

pub(super) fn isdigit(_: &Vm, s: Str) -> bool {
    all(s, |c| has(c, DIGIT))
}

pub(super) fn isnumeric(_: &Vm, s: Str) -> bool {
    all(s, |c| has(c, NUMERIC))
}

pub(super) fn isalpha(_: &Vm, s: Str) -> bool {
    all(s, |c| has(c, ALPHA))
}

pub(super) fn isalnum(_: &Vm, s: Str) -> bool {
    all(s, |c| has(c, ALPHA | DECIMAL | DIGIT | NUMERIC))
}

/// Whether the string is an identifier (keywords included).
pub fn is_identifier(s: &StrObj) -> bool {
    !s.is_empty() && has(s.char_at(0), ID_START) && s.chars().skip(1).all(|c| has(c, ID_CONTINUE))
}

pub(super) fn isidentifier(_: &Vm, s: Str) -> bool {
    is_identifier(&s)
}

pub(super) fn isprintable(_: &Vm, s: Str) -> bool {
    s.chars().all(is_printable)
}
