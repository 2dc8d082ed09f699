//! Unicode 3.2 (for internationalized domain names): where it differs.

use super::tables::{OLD, OLD_NORMALIZED, OLD_UNDECOMPOSED};

/// A row of [`OLD`]: first and last code point, category, bidirectional class, width, mirrored, numeric value, combining class.
pub type Row = (u32, u32, u8, u8, u8, bool, f64, u8);

/// What the code point was in Unicode 3.2, when that is not what it is now.
pub fn differs(c: u32) -> Option<&'static Row> {
    let i = OLD.partition_point(|r| r.1 < c);
    OLD.get(i).filter(|r| r.0 <= c)
}

/// Whether a code point that has a decomposition had one in Unicode 3.2.
pub fn decomposes(c: u32) -> bool {
    let i = OLD_UNDECOMPOSED.partition_point(|r| r.1 < c);
    OLD_UNDECOMPOSED.get(i).is_none_or(|r| r.0 > c)
}

/// The canonical decomposition that was corrected after Unicode 3.2.
pub fn normalized(c: u32) -> Option<u32> {
    OLD_NORMALIZED.binary_search_by_key(&c, |r| r.0).ok().map(|i| OLD_NORMALIZED[i].1)
}

/// Whether a digit that is no decimal now was one in Unicode 3.2.
pub fn was_decimal(c: u32) -> bool {
    matches!(c, 0xb2 | 0xb3 | 0xb9 | 0x1369..=0x1371 | 0x2070 | 0x2074..=0x2079 | 0x2080..=0x2089)
}
