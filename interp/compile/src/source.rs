//! The source text: lines, columns.

use cape_bytecode::{Const, Position};
use ruff_python_ast::AtomicNodeIndex;
use ruff_text_size::TextRange;

/// Distance of offsets that stand for places of a tree.
pub(crate) const PLACE_STEP: u32 = 4;

/// What stands in for the source of a tree that Python code made.
pub(crate) struct Synthetic {
    /// Line and column of the places in the tree, sorted.
    pub places: Vec<(u32, u32)>,
    /// What the parser's tree cannot hold, by node index.
    pub consts: Vec<Const>,
}

/// Finds lines and columns of offsets.
pub(crate) struct Source<'a> {
    pub text: &'a str,
    /// Offset of the beginning of each line.
    starts: Vec<u32>,
    /// There is no text: a tree is compiled.
    synthetic: Option<Synthetic>,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|i| i as u32 + 1));
        Source { text, starts, synthetic: None }
    }

    /// Stands in for the source of a tree.
    pub fn synthetic(s: Synthetic) -> Self {
        Source { text: "", starts: vec![0], synthetic: Some(s) }
    }

    /// Whether a tree is compiled, so that there is no text.
    pub fn is_synthetic(&self) -> bool {
        self.synthetic.is_some()
    }

    /// What is kept beside the tree for a node.
    pub fn kept(&self, index: &AtomicNodeIndex) -> Option<&Const> {
        let s = self.synthetic.as_ref()?;
        s.consts.get(index.load().as_u32()? as usize)
    }

    /// The place that an offset stands for, if a tree is compiled.
    fn place(&self, offset: u32) -> Option<(u32, u32)> {
        let s = self.synthetic.as_ref()?;
        let i = ((offset / PLACE_STEP) as usize).min(s.places.len().saturating_sub(1));
        Some(s.places.get(i).copied().unwrap_or((1, 0)))
    }

    /// 0-based line of an offset.
    fn line_index(&self, offset: u32) -> usize {
        self.starts.partition_point(|&s| s <= offset).saturating_sub(1)
    }

    /// 1-based line of an offset.
    pub fn line(&self, offset: u32) -> u32 {
        if let Some((line, _)) = self.place(offset) {
            return line;
        }
        self.line_index(offset) as u32 + 1
    }

    /// 1-based line and 0-based byte column.
    pub fn line_col(&self, offset: u32) -> (u32, u32) {
        if let Some(place) = self.place(offset) {
            return place;
        }
        let i = self.line_index(offset);
        (i as u32 + 1, offset - self.starts[i])
    }

    /// As [`Self::line_col`], fast if `hint` (a 0-based line, updated) is near.
    fn line_col_near(&self, offset: u32, hint: &mut usize) -> (u32, u32) {
        if let Some(place) = self.place(offset) {
            return place;
        }
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

    /// Where the line of an offset begins.
    pub fn line_start(&self, offset: u32) -> u32 {
        match &self.synthetic {
            Some(s) => {
                let line = self.line(offset);
                s.places.binary_search(&(line, 0)).map_or(offset, |i| i as u32 * PLACE_STEP)
            }
            None => self.starts[self.line_index(offset)],
        }
    }

    /// The offset of a 1-based line and 0-based byte column.
    pub fn offset(&self, line: u32, col: u32) -> u32 {
        let start = self.starts.get((line as usize).saturating_sub(1)).copied().unwrap_or(0);
        (start + col).min(self.text.len() as u32)
    }

    /// The position of a range.
    pub fn position(&self, range: TextRange, hint: &mut usize) -> Position {
        let (line, col) = self.line_col_near(range.start().to_u32(), hint);
        let mut end_hint = *hint;
        let (end_line, end_col) = self.line_col_near(range.end().to_u32(), &mut end_hint);
        Position { line, end_line, col, end_col }
    }

    /// The range of a compound statement: a semicolon after the last statement in it belongs to it.
    pub fn with_semicolon(&self, range: TextRange) -> TextRange {
        let text = self.text.as_bytes();
        let mut at = range.end().to_usize();
        if self.is_synthetic() {
            return range;
        }
        loop {
            match text.get(at) {
                Some(b' ' | b'\t' | 12) => at += 1,
                Some(b'\\') if text.get(at + 1) == Some(&b'\n') => at += 2,
                Some(b';') => return TextRange::new(range.start(), (at as u32 + 1).into()),
                _ => return range,
            }
        }
    }

    /// A line (1-based) with its newline.
    pub fn line_text(&self, line: u32) -> &'a str {
        let i = (line as usize).saturating_sub(1).min(self.starts.len() - 1);
        let end = self.starts.get(i + 1).map_or(self.text.len(), |&e| e as usize);
        &self.text[self.starts[i] as usize..end]
    }

    /// 1-based column in characters of an offset.
    pub fn char_col(&self, offset: u32) -> u32 {
        if let Some((_, col)) = self.place(offset) {
            return col + 1;
        }
        let (line, col) = self.line_col(offset);
        let text = self.line_text(line);
        let mut col = (col as usize).min(text.len());
        while !text.is_char_boundary(col) {
            col -= 1;
        }
        text[..col].chars().count() as u32 + 1
    }

    pub fn slice(&self, range: TextRange) -> &'a str {
        self.text.get(range.start().to_usize()..range.end().to_usize()).unwrap_or("")
    }
}
