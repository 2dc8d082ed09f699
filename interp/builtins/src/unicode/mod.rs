//! The Unicode character database: predicates, case mappings, decompositions.

mod names;
pub mod normalize;
pub mod old;
pub mod tables;

pub use names::{character, name, sequence};

use tables::*;

/// What is known of a code point; one per distinct combination.
#[derive(Debug)]
pub struct Record {
    /// Index into [`CATEGORIES`].
    pub category: u8,
    /// Index into [`BIDI`].
    pub bidi: u8,
    /// Canonical combining class.
    pub combining: u8,
    /// Index into [`WIDTHS`].
    pub width: u8,
    /// The flags declared in [`tables`].
    pub flags: u16,
    case: u16,
    /// Digit value; negative: none.
    pub digit: i8,
    numeric: u8,
}

impl Record {
    #[allow(clippy::too_many_arguments, reason = "one row of a generated table")]
    const fn new(
        category: u8,
        bidi: u8,
        combining: u8,
        width: u8,
        flags: u16,
        case: u16,
        digit: i8,
        numeric: u8,
    ) -> Record {
        Record { category, bidi, combining, width, flags, case, digit, numeric }
    }

    /// Numeric value.
    pub fn numeric(&self) -> Option<f64> {
        NUMERIC_VALUES.get(self.numeric as usize).copied()
    }
}

/// The record of a code point.
#[inline(always)]
pub fn record(c: u32) -> &'static Record {
    // Beyond Unicode: as a code point that will never be assigned.
    let c = if c > 0x10ffff { 0xfdcf + 1 } else { c };
    let block = FIRST.get(c as usize >> 7).copied().unwrap_or(FIRST[FIRST.len() - 1]);
    &RECORDS[SECOND[(block as usize) << 7 | c as usize & 127] as usize]
}

/// Whether the code point has one of the flags.
#[inline(always)]
pub fn has(c: u32, flags: u16) -> bool {
    record(c).flags & flags != 0
}

/// Whether `str.isspace` holds.
#[inline(always)]
pub fn is_space(c: u32) -> bool {
    if c < 0x80 { matches!(c, 9..=13 | 28..=32) } else { has(c, SPACE) }
}

/// Whether `repr` shows the code point as it is.
#[inline(always)]
pub fn is_printable(c: u32) -> bool {
    if c < 0x80 { (0x20..0x7f).contains(&c) } else { has(c, PRINTABLE) }
}

/// Whether `str.splitlines` splits there.
#[inline(always)]
pub fn is_line_break(c: u32) -> bool {
    match c {
        0..0x80 => matches!(c, 10..=13 | 28..=30),
        _ => matches!(c, 0x85 | 0x2028 | 0x2029),
    }
}

/// The decimal digit's value.
pub fn decimal(c: u32) -> Option<u32> {
    let r = record(c);
    (r.flags & DECIMAL != 0).then_some(r.digit as u32)
}

/// A case mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// Upper case.
    Upper = 0,
    /// Lower case.
    Lower = 1,
    /// Title case.
    Title = 2,
    /// Case folding.
    Fold = 3,
}

/// Calls `push` for each code point of the full mapping of `c` (the context of final sigma is the caller's business).
#[inline]
pub fn map_case(c: u32, case: Case, mut push: impl FnMut(u32)) {
    let r = record(c);
    if r.flags & CASE_CHANGES == 0 {
        return push(c);
    }
    match CASE[r.case as usize][case as usize] {
        d if d >= 0x200000 => EXPANSIONS[d as usize - 0x200000].chars().for_each(|c| push(c as u32)),
        d => push(c.wrapping_add_signed(d)),
    }
}

/// For each block of 128 code points, up to the last that has any: how many rows of [`DECOMPOSED`] are before it, and a bit for each
/// code point that has one.
static DECOMPOSED_BLOCKS: [(u16, u128); DECOMPOSED_END] = {
    let mut blocks = [(0, 0); DECOMPOSED_END];
    let (mut block, mut row) = (0, 0);
    while block < DECOMPOSED_END {
        blocks[block].0 = row as u16;
        while row < DECOMPOSED.len() && DECOMPOSED[row].0 as usize >> 7 == block {
            blocks[block].1 |= 1 << (DECOMPOSED[row].0 & 127);
            row += 1;
        }
        block += 1;
    }
    blocks
};

/// How many blocks these are.
const DECOMPOSED_END: usize = (DECOMPOSED[DECOMPOSED.len() - 1].0 >> 7) as usize + 1;

/// The decomposition of a code point as the database has it: its tag (empty: canonical) and the code points. Hangul
/// syllables are not in the table.
pub fn decomposition(c: u32) -> Option<(&'static str, &'static [u32])> {
    let &(before, those) = DECOMPOSED_BLOCKS.get(c as usize >> 7)?;
    let upwards = those >> (c & 127);
    if upwards & 1 == 0 {
        return None;
    }
    let (_, tag, at, n) = DECOMPOSED[before as usize + (those.count_ones() - upwards.count_ones()) as usize];
    Some((TAGS[tag as usize], &DECOMPOSITIONS[at as usize..at as usize + n as usize]))
}

/// The canonical composition of two code points (Hangul not included).
pub fn compose(a: u32, b: u32) -> Option<u32> {
    COMPOSED.binary_search_by_key(&(a, b), |c| (c.0, c.1)).ok().map(|i| COMPOSED[i].2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        assert!(has('a' as u32, ALPHA) && has('a' as u32, LOWER) && !has('a' as u32, UPPER));
        assert_eq!(CATEGORIES[record(0x1c5).category as usize], "Lt");
        assert_eq!(record('½' as u32).numeric(), Some(0.5));
        assert_eq!(decimal('٣' as u32), Some(3));
        assert_eq!(CATEGORIES[record(0x110000).category as usize], "Cn");
        for c in 0..0x80u32 {
            assert_eq!(is_space(c), has(c, SPACE));
            assert_eq!(is_printable(c), has(c, PRINTABLE));
        }
        for c in 0..0x110000u32 {
            assert_eq!(is_line_break(c), has(c, LINE_BREAK), "{c:x}");
        }
    }

    #[test]
    fn case_mappings() {
        let map = |c: char, case| {
            let mut s = String::new();
            map_case(c as u32, case, |c| s.extend(char::from_u32(c)));
            s
        };
        assert_eq!(map('ß', Case::Upper), "SS");
        assert_eq!(map('ß', Case::Title), "Ss");
        assert_eq!(map('ẞ', Case::Fold), "ss");
        assert_eq!(map('Ǆ', Case::Title), "ǅ");
        assert_eq!(map('1', Case::Title), "1");
        assert_eq!(decomposition('é' as u32), Some(("", &[0x65, 0x301][..])));
        assert_eq!(compose(0x65, 0x301), Some(0xe9));
    }
}
