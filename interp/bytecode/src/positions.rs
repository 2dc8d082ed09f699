//! Source positions of code, compactly.
//!
//! A sequence of runs: a run covers some words and gives their position. Encoding of a run: varint `(words << 1) | has_position`, then, if it
//! has one, signed varint line delta to the last run with a position (the first: to the code's base line), varint `end_line - line`, varint
//! `column`, varint `end_column` (columns in UTF-8 bytes).

use crate::varint::{read_signed, read_unsigned, write_signed, write_unsigned};

/// A source range: 1-based lines, 0-based columns in UTF-8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Position {
    /// First line.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// Column in the first line.
    pub col: u32,
    /// Column in the last line (exclusive).
    pub end_col: u32,
}

/// Units of two bytes in a word: CPython's instructions consist of such units, and programs count in them.
pub const UNITS: u32 = 4;

/// Stands for a column that is not known.
pub const NO_COLUMN: u32 = u32::MAX;

/// The encoded table.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PositionTable {
    pub(crate) data: Box<[u8]>,
    pub(crate) base_line: u32,
}

/// Collects runs.
#[derive(Debug)]
pub struct PositionBuilder {
    data: Vec<u8>,
    base_line: u32,
    line: u32,
    run: Option<(u32, Option<Position>)>,
}

impl PositionBuilder {
    /// A builder for code that begins at `base_line`.
    pub fn new(base_line: u32) -> Self {
        PositionBuilder { data: Vec::new(), base_line, line: base_line, run: None }
    }

    /// Append `words` words at `position` (None: no source position).
    pub fn push(&mut self, words: u32, position: Option<Position>) {
        match &mut self.run {
            Some((n, p)) if *p == position => *n += words,
            _ => {
                self.flush();
                self.run = Some((words, position));
            }
        }
    }

    fn flush(&mut self) {
        let Some((words, position)) = self.run.take() else {
            return;
        };
        write_unsigned(&mut self.data, (words as u64) << 1 | position.is_some() as u64);
        if let Some(p) = position {
            write_signed(&mut self.data, p.line as i64 - self.line as i64);
            self.line = p.line;
            write_unsigned(&mut self.data, p.end_line.saturating_sub(p.line) as u64);
            write_unsigned(&mut self.data, p.col as u64);
            write_unsigned(&mut self.data, p.end_col as u64);
        }
    }

    /// The finished table.
    pub fn finish(mut self) -> PositionTable {
        self.flush();
        PositionTable { data: self.data.into(), base_line: self.base_line }
    }
}

/// Iterator over runs: (first word, number of words, position).
pub struct Runs<'a> {
    data: &'a [u8],
    at: usize,
    line: u32,
    word: u32,
}

impl Iterator for Runs<'_> {
    type Item = (u32, u32, Option<Position>);

    fn next(&mut self) -> Option<Self::Item> {
        let head = read_unsigned(self.data, &mut self.at)?;
        let (start, words) = (self.word, (head >> 1) as u32);
        self.word += words;
        if head & 1 == 0 {
            return Some((start, words, None));
        }
        self.line = (self.line as i64 + read_signed(self.data, &mut self.at)?) as u32;
        let end_line = self.line + read_unsigned(self.data, &mut self.at)? as u32;
        let col = read_unsigned(self.data, &mut self.at)? as u32;
        let end_col = read_unsigned(self.data, &mut self.at)? as u32;
        Some((start, words, Some(Position { line: self.line, end_line, col, end_col })))
    }
}

impl PositionTable {
    /// All runs in order.
    pub fn runs(&self) -> Runs<'_> {
        Runs { data: &self.data, at: 0, line: self.base_line, word: 0 }
    }

    /// The position of word `pc`: one pass over the runs before it.
    pub fn lookup(&self, pc: u32) -> Option<Position> {
        self.runs().find(|&(start, words, _)| pc < start + words)?.2
    }

    /// The same table with all lines moved by `delta`.
    pub fn shifted(&self, delta: i64) -> PositionTable {
        PositionTable { data: self.data.clone(), base_line: (self.base_line as i64 + delta).max(0) as u32 }
    }

    /// The position of the call itself, on this line, as the first of all: with columns if the others have them. `None`: there are none.
    pub fn of_call(&self, line: u32) -> Option<Position> {
        let known = self.runs().find_map(|(_, _, p)| p);
        let column = if known.is_some_and(|p| p.col == NO_COLUMN) { NO_COLUMN } else { 0 };
        (self.byte_len() > 0).then_some(Position { line, end_line: line, col: column, end_col: column })
    }

    /// How many units of two bytes there are at each position in turn, as Python code sees them: four for a word and, behind the first
    /// `prologue` words, one for the call, on line `called`.
    pub fn runs_with_call(&self, prologue: u32, called: u32) -> Vec<(u32, Option<Position>)> {
        let mut out = Vec::new();
        let Some(call) = self.of_call(called) else { return out };
        for (start, words, p) in self.runs() {
            let before = prologue.saturating_sub(start).min(words);
            let calls = (start..start + words).contains(&prologue) as u32;
            let parts = [(UNITS * before, p), (calls, Some(call)), (UNITS * (words - before), p)];
            out.extend(parts.into_iter().filter(|(units, _)| *units > 0));
        }
        out
    }

    /// Size in bytes.
    pub fn byte_len(&self) -> usize {
        self.data.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_round_trip_and_lookup() {
        let p = |line, end_line, col, end_col| Position { line, end_line, col, end_col };
        let runs = [
            (3, Some(p(10, 10, 0, 5))),
            (1, None),
            (2, Some(p(9, 12, 70, 3))),
            (200, Some(p(400, 400, 1, 300))),
        ];
        let mut b = PositionBuilder::new(8);
        for (n, pos) in runs {
            for _ in 0..n {
                b.push(1, pos);
            }
        }
        let t = b.finish();
        let got: Vec<_> = t.runs().map(|(_, n, pos)| (n, pos)).collect();
        assert_eq!(got, runs);
        assert_eq!(t.lookup(2), runs[0].1);
        assert_eq!(t.lookup(3), None);
        assert_eq!(t.lookup(4), runs[2].1);
        assert_eq!(t.lookup(205), runs[3].1);
        assert_eq!(t.lookup(206), None);
    }
}
