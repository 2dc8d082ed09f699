//! Case mappings.

use cape_vm::object::*;
use cape_vm::{Ptr, Vm};

use super::exact;
use crate::unicode::tables::{CASE_IGNORABLE, CASED, LOWER, TITLE, UPPER};
use crate::unicode::{self, Case};

type Str = Ptr<StrObj>;

/// Maps an ASCII string byte by byte; the string itself when nothing changes.
fn map_ascii(s: Str, f: impl Fn(u8) -> u8) -> Str {
    let d = s.data1();
    match d.iter().position(|&c| f(c) != c) {
        None => exact(s),
        Some(_) => StrObj::from_latin1(&d.iter().map(|&c| f(c)).collect::<Vec<u8>>()),
    }
}

/// Maps every code point.
fn map_all(s: Str, mut f: impl FnMut(usize, u32, &mut StrBuilder)) -> Str {
    let mut out = StrBuilder::with_capacity(s.len());
    for (i, c) in s.chars().enumerate() {
        f(i, c, &mut out)
    }
    out.finish()
}

const SIGMA: u32 = 0x3a3;

/// The lower case of the capital sigma at `i`: final when a cased letter precedes and none follows.
fn lower_sigma(s: &StrObj, i: usize) -> u32 {
    let cased = |mut it: Box<dyn Iterator<Item = u32> + '_>| {
        it.find(|&c| !unicode::has(c, CASE_IGNORABLE)).is_some_and(|c| unicode::has(c, CASED))
    };
    let before = cased(Box::new((0..i).rev().map(|j| s.char_at(j))));
    let after = cased(Box::new((i + 1..s.len()).map(|j| s.char_at(j))));
    if before && !after { 0x3c2 } else { 0x3c3 }
}

fn push_lower(s: &StrObj, i: usize, c: u32, out: &mut StrBuilder) {
    if c == SIGMA {
        out.push(lower_sigma(s, i))
    } else {
        unicode::map_case(c, Case::Lower, |c| out.push(c))
    }
}

/// `str.upper`.
pub fn upper(_: &Vm, s: Str) -> Str {
    if s.is_ascii() {
        return map_ascii(s, |c| c.to_ascii_uppercase());
    }
    map_all(s, |_, c, out| unicode::map_case(c, Case::Upper, |c| out.push(c)))
}

/// `str.lower`.
pub fn lower(_: &Vm, s: Str) -> Str {
    if s.is_ascii() {
        return map_ascii(s, |c| c.to_ascii_lowercase());
    }
    map_all(s, |i, c, out| push_lower(&s, i, c, out))
}

/// `str.casefold`.
pub fn casefold(_: &Vm, s: Str) -> Str {
    if s.is_ascii() {
        return map_ascii(s, |c| c.to_ascii_lowercase());
    }
    map_all(s, |_, c, out| unicode::map_case(c, Case::Fold, |c| out.push(c)))
}

/// `str.swapcase`.
pub fn swapcase(_: &Vm, s: Str) -> Str {
    if s.is_ascii() {
        return map_ascii(s, |c| if c.is_ascii_alphabetic() { c ^ 0x20 } else { c });
    }
    map_all(s, |i, c, out| {
        if unicode::has(c, UPPER) {
            push_lower(&s, i, c, out)
        } else if unicode::has(c, LOWER) {
            unicode::map_case(c, Case::Upper, |c| out.push(c))
        } else {
            out.push(c)
        }
    })
}

/// `str.title`.
pub fn title(_: &Vm, s: Str) -> Str {
    let mut in_word = false;
    map_all(s, |i, c, out| {
        if in_word {
            push_lower(&s, i, c, out)
        } else {
            unicode::map_case(c, Case::Title, |c| out.push(c))
        }
        in_word = is_cased(c);
    })
}

/// Whether the code point has case: what separates words for `title` and `istitle`.
pub(super) fn is_cased(c: u32) -> bool {
    unicode::has(c, LOWER | UPPER | TITLE)
}

/// `str.capitalize`.
pub fn capitalize(_: &Vm, s: Str) -> Str {
    map_all(s, |i, c, out| {
        if i == 0 {
            unicode::map_case(c, Case::Title, |c| out.push(c))
        } else {
            push_lower(&s, i, c, out)
        }
    })
}
