//! The source text: lines, columns.

use cape_bytecode::Position;
use ruff_text_size::TextRange;

/// Finds lines and columns of offsets.
pub(crate) struct Source<'a> {
    pub text: &'a str,
    /// Offset of the beginning of each line.
    starts: Vec<u32>,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|i| i as u32 + 1));
        Source { text, starts }
    }

    /// 0-based line of an offset.
    fn line_index(&self, offset: u32) -> usize {
        self.starts.partition_point(|&s| s <= offset).saturating_sub(1)
    }

    /// 1-based line of an offset.
    pub fn line(&self, offset: u32) -> u32 {
        self.line_index(offset) as u32 + 1
    }

    /// 1-based line and 0-based byte column.
    pub fn line_col(&self, offset: u32) -> (u32, u32) {
        let i = self.line_index(offset);
        (i as u32 + 1, offset - self.starts[i])
    }

    /// As [`Self::line_col`], fast if `hint` (a 0-based line, updated) is near.
    fn line_col_near(&self, offset: u32, hint: &mut usize) -> (u32, u32) {
        let h = *hint;
        let inside =
            |i: usize| self.starts[i] <= offset && self.starts.get(i + 1).is_none_or(|&next| offset < next);
        let i = if inside(h) {
            h
        } else if h + 1 < self.starts.len() && inside(h + 1) {
            h + 1
        } else {
            self.line_index(offset)
        };
        *hint = i;
        (i as u32 + 1, offset - self.starts[i])
    }

    /// The position of a range.
    pub fn position(&self, range: TextRange, hint: &mut usize) -> Position {
        let (line, col) = self.line_col_near(range.start().to_u32(), hint);
        let mut end_hint = *hint;
        let (end_line, end_col) = self.line_col_near(range.end().to_u32(), &mut end_hint);
        Position { line, end_line, col, end_col }
    }

    /// A line (1-based) with its newline.
    pub fn line_text(&self, line: u32) -> &'a str {
        let i = (line as usize).saturating_sub(1).min(self.starts.len() - 1);
        let end = self.starts.get(i + 1).map_or(self.text.len(), |&e| e as usize);
        &self.text[self.starts[i] as usize..end]
    }

    /// 1-based column in characters of an offset.
    pub fn char_col(&self, offset: u32) -> u32 {
        let (line, col) = self.line_col(offset);
        let text = self.line_text(line);
        let mut col = (col as usize).min(text.len());
        while !text.is_char_boundary(col) {
            col -= 1;
        }
        text[..col].chars().count() as u32 + 1
    }

    pub fn slice(&self, range: TextRange) -> &'a str {
        &self.text[range.start().to_usize()..range.end().to_usize()]
    }
}
