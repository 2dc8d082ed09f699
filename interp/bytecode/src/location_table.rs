//! Source positions in the form of CPython's `co_linetable`, which programs read and replace.
//!
//! An entry covers up to eight units, of two bytes each; a word has four of them. Its first byte is `0x80 | kind << 3 | count - 1`; the kind says what follows: 0 to 9, columns in
//! one line that need one byte more; 10 to 12, the same for lines up to two further on, with two bytes; 13, a line without columns; 14,
//! everything as varints (six bits a byte, least significant first); 15, nothing is known.

use crate::positions::{NO_COLUMN, Position, PositionBuilder, PositionTable, UNITS};

/// Units of an entry at most.
const MOST: u32 = 8;

const LINE_ONLY: u8 = 13;
const LONG: u8 = 14;
const NOTHING: u8 = 15;

fn write_varint(out: &mut Vec<u8>, mut n: u32) {
    while n >= 64 {
        out.push(0x40 | (n & 0x3f) as u8);
        n >>= 6;
    }
    out.push(n as u8);
}

fn write_signed(out: &mut Vec<u8>, n: i64) {
    write_varint(out, ((n.unsigned_abs() as u32) << 1) | (n < 0) as u32);
}

/// One entry for `count` units at `p`, after an entry of line `line`.
fn write_entry(out: &mut Vec<u8>, count: u32, p: Option<Position>, line: u32) {
    let head = |out: &mut Vec<u8>, kind: u8| out.push(0x80 | kind << 3 | (count - 1) as u8);
    let Some(p) = p else { return head(out, NOTHING) };
    let delta = p.line as i64 - line as i64;
    if p.col == NO_COLUMN {
        head(out, LINE_ONLY);
        return write_signed(out, delta);
    }
    let width = p.end_col.wrapping_sub(p.col);
    if p.end_line == p.line && delta == 0 && p.col < 80 && width < 16 {
        head(out, (p.col >> 3) as u8);
        out.push(((p.col & 7) << 4 | width) as u8);
    } else if p.end_line == p.line && (0..3).contains(&delta) && p.col < 128 && p.end_col < 128 {
        head(out, 10 + delta as u8);
        out.extend([p.col as u8, p.end_col as u8]);
    } else {
        head(out, LONG);
        write_signed(out, delta);
        write_varint(out, p.end_line.saturating_sub(p.line));
        write_varint(out, p.col + 1);
        write_varint(out, p.end_col + 1);
    }
}

/// The bytes of a reader, and where it stands.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u32> {
        let (mut n, mut shift) = (0u32, 0);
        loop {
            let b = self.byte()?;
            n |= ((b & 0x3f) as u32).checked_shl(shift).unwrap_or(0);
            shift += 6;
            if b & 0x40 == 0 {
                return Some(n);
            }
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let n = self.varint()?;
        Some(if n & 1 != 0 { -((n >> 1) as i64) } else { (n >> 1) as i64 })
    }

    /// What an entry of this kind says; moves `line`.
    fn position(&mut self, kind: u8, line: &mut u32) -> Option<Option<Position>> {
        let move_by = |line: &mut u32, delta: i64| *line = (*line as i64 + delta).max(0) as u32;
        let column = |n: u32| if n == 0 { NO_COLUMN } else { n - 1 };
        let (end, col, end_col) = match kind {
            NOTHING => return Some(None),
            LONG => {
                move_by(line, self.signed()?);
                let end = line.saturating_add(self.varint()?);
                (end, column(self.varint()?), column(self.varint()?))
            }
            LINE_ONLY => {
                move_by(line, self.signed()?);
                (*line, NO_COLUMN, NO_COLUMN)
            }
            10..LINE_ONLY => {
                *line += (kind - 10) as u32;
                (*line, self.byte()? as u32, self.byte()? as u32)
            }
            _ => {
                let b = self.byte()? as u32;
                let col = (kind as u32) << 3 | b >> 4;
                (*line, col, col + (b & 15))
            }
        };
        Some(Some(Position { line: *line, end_line: end, col, end_col }))
    }
}

impl PositionTable {
    /// The table as `co_linetable` of code that begins at `first_line`: of its words and, behind the first `prologue` of them, a unit that
    /// stands for the call, on line `called`.
    pub fn to_location_table(&self, first_line: u32, prologue: u32, called: u32) -> Vec<u8> {
        let (mut out, mut line) = (Vec::new(), first_line);
        for (mut units, p) in self.runs_with_call(prologue, called) {
            while units > 0 {
                let count = units.min(MOST);
                write_entry(&mut out, count, p, line);
                line = p.map_or(line, |p| p.line);
                units -= count;
            }
        }
        out
    }

    /// Reads a `co_linetable`, as far as it goes, but for the unit that stands for the call. A word is where its first unit is.
    pub fn from_location_table(table: &[u8], first_line: u32, prologue: u32) -> PositionTable {
        let (mut reader, mut line) = (Reader(table), first_line);
        let mut positions = PositionBuilder::new(first_line);
        let mut unit = 0;
        while let Some(head) = reader.byte()
            && let Some(p) = reader.position(head >> 3 & 15, &mut line)
        {
            for _ in 0..(head & 7) + 1 {
                let call = UNITS * prologue;
                if unit != call && (unit - (unit > call) as u32).is_multiple_of(UNITS) {
                    positions.push(1, p);
                }
                unit += 1;
            }
        }
        positions.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let at = |line, end_line, col, end_col| Some(Position { line, end_line, col, end_col });
        let mut b = PositionBuilder::new(7);
        for (n, p) in [
            (1, at(7, 7, 0, 3)),
            (20, at(7, 7, 79, 94)),
            (1, at(9, 9, 127, 4)),
            (2, None),
            (1, at(3, 300, 1000, 2)),
            (9, at(3, 3, NO_COLUMN, NO_COLUMN)),
            (1, at(70_000, 70_000, 4, 8)),
        ] {
            b.push(n, p);
        }
        let table = b.finish();
        for prologue in [0, 3] {
            let bytes = table.to_location_table(5, prologue, 0);
            assert!(PositionTable::from_location_table(&bytes, 5, prologue).runs().eq(table.runs()));
        }
        let read = |table: &[u8]| PositionTable::from_location_table(table, 5, 0);
        assert_eq!(read(&[0xf9]).runs().collect::<Vec<_>>(), [(0, 1, None)]);
        assert_eq!(read(&[0xf8]).runs().count(), 0);
    }
}
