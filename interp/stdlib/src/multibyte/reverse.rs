//! Characters to codes: made from the tables of codes when somebody first encodes.

use super::tables::{Cell, NONE, is_pair};

/// Codes by character, in pages of 256 characters; page 0 is empty.
pub struct Reverse {
    /// The page of each 256 characters.
    index: Vec<u16>,
    pages: Vec<[u16; 256]>,
    /// Codes of two characters.
    pairs: Vec<(u32, u32, u16)>,
    /// A bit for each character with which those begin.
    bases: Vec<u64>,
}

/// Characters up to U+2FFFF have codes.
const INDEX: usize = 0x300;
/// Pairs begin with characters below U+3200.
const BASES: usize = 0x3200 / 64;

impl Default for Reverse {
    fn default() -> Self {
        Reverse::new()
    }
}

impl Reverse {
    /// Without any code.
    pub fn new() -> Reverse {
        Reverse { index: vec![0; INDEX], pages: vec![[0; 256]], pairs: vec![], bases: vec![] }
    }

    /// The codes of `cells` over all leads and trails, the first of two codes for one character (`first`) or the last.
    pub fn of(first: bool, pairs: &[(u32, u32)], cells: impl Fn(u8, u8) -> Cell) -> Reverse {
        let mut r = Reverse::new();
        r.add(first, pairs, cells);
        r
    }

    /// Adds cells as [`Reverse::of`] does.
    pub fn add(&mut self, first: bool, pairs: &[(u32, u32)], cells: impl Fn(u8, u8) -> Cell) {
        for code in 0x2121..=0xfefe_u16 {
            let c = cells((code >> 8) as u8, code as u8);
            if c == NONE {
                continue;
            }
            if is_pair(c) {
                if let Some(&(base, mark)) = pairs.get((c & 0x7ff) as usize) {
                    self.pairs.push((base, mark, code));
                    self.bases.resize(BASES, 0);
                    self.bases[base as usize / 64] |= 1 << (base % 64);
                }
            } else if !first || self.get(c) == 0 {
                self.set(c, code);
            }
        }
    }

    /// Gives a character a code.
    pub fn set(&mut self, c: u32, code: u16) {
        let page = &mut self.index[c as usize >> 8];
        if *page == 0 {
            *page = self.pages.len() as u16;
            self.pages.push([0; 256]);
        }
        self.pages[*page as usize][c as usize & 0xff] = code;
    }

    /// The code of a character, 0 if it has none.
    #[inline(always)]
    pub fn get(&self, c: u32) -> u16 {
        let page = match self.index.get(c as usize >> 8) {
            Some(&page) => page,
            None => 0,
        };
        self.pages[page as usize][c as usize & 0xff]
    }

    /// Whether a code of two characters may begin with this one.
    #[inline(always)]
    pub fn begins_pair(&self, c: u32) -> bool {
        self.bases.get(c as usize / 64).is_some_and(|word| word >> (c % 64) & 1 != 0)
    }

    /// The code of two characters.
    pub fn pair(&self, c: u32, next: u32) -> Option<u16> {
        self.pairs.iter().find(|p| (p.0, p.1) == (c, next)).map(|p| p.2)
    }
}
