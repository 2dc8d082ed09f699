//! EUC-KR, CP949 and Johab.

use std::sync::OnceLock;

use super::reverse::Reverse;
use super::scheme::{Scheme, State, Stop, Text, Unit, put_code, take_two};
use super::tables::{self, Cell, NONE};

/// `euc_kr`
pub struct EucKr;
/// `cp949`
pub struct Cp949;
/// `johab`
pub struct Johab;

/// The first syllable; 21 vowels and 28 finals (the first is none) follow each of 19 initials.
const SYLLABLES: u32 = 0xac00;
const FINALS: u32 = 28;
const VOWELS: u32 = 21;

/// The letters that begin syllables, after U+3130.
const INITIAL: [u8; 19] = [1, 2, 4, 7, 8, 9, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30];
/// The letters that end syllables, after U+3130; the first stands for none.
const FINAL: [u8; 28] =
    [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 26, 27, 28, 29, 30];
/// The letters for vowels come after U+314E.
const VOWEL: u32 = 0x1f;

/// The syllables that KS X 1001 has not, in order.
fn others() -> &'static [u16] {
    static OTHERS: OnceLock<Vec<u16>> = OnceLock::new();
    OTHERS.get_or_init(|| {
        let mut known = vec![false; 0xd7a4 - SYLLABLES as usize];
        for a in 0xb0..=0xc8 {
            for b in 0xa1..=0xfe {
                if let Some(k) = known.get_mut(tables::ksx1001(a, b).wrapping_sub(SYLLABLES) as usize) {
                    *k = true;
                }
            }
        }
        (SYLLABLES as u16..).zip(known).filter(|s| !s.1).map(|s| s.0).collect()
    })
}

/// CP949: KS X 1001, and the other syllables in order where that has nothing.
#[inline(always)]
fn cp949_cell(a: u8, b: u8) -> Cell {
    match tables::ksx1001(a, b) {
        NONE => other_syllable(a, b),
        c => c,
    }
}

fn other_syllable(a: u8, b: u8) -> Cell {
    let column = match b {
        0x41..=0x5a => b - 0x41,
        0x61..=0x7a => b - 0x61 + 26,
        0x81..=0xfe => b - 0x81 + 52,
        _ => return NONE,
    } as usize;
    let place = match a {
        0x81..=0xa0 => (a as usize - 0x81) * 178 + column,
        0xa1..=0xc6 if column < 84 => 32 * 178 + (a as usize - 0xa1) * 84 + column,
        _ => return NONE,
    };
    others().get(place).map_or(NONE, |&c| c as Cell)
}

/// The codes of CP949. Those of KS X 1001 have the high bit in both bytes, and a first byte from 0xA1 on.
pub fn cp949() -> &'static Reverse {
    static TABLE: OnceLock<Reverse> = OnceLock::new();
    TABLE.get_or_init(|| Reverse::of(true, &[], cp949_cell))
}

/// Whether a code of CP949 is one of KS X 1001.
pub fn in_ksx1001(code: u16) -> bool {
    code >= 0xa100 && code & 0xff >= 0xa1
}

impl Scheme for Cp949 {
    fn reverse() -> &'static Reverse {
        cp949()
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        take_two(a, rest, out, cp949_cell)
    }
}

/// A syllable letter by letter: a row of letters, the first of which is the filler.
const LETTERS: u8 = 0xa4;
const FILLER: u8 = 0xd4;

/// The byte of a letter in that row.
fn letter(l: u8) -> u8 {
    if l == 0 { FILLER } else { 0xa0 + l }
}

impl Scheme for EucKr {
    fn reverse() -> &'static Reverse {
        cp949()
    }

    fn put<C: Unit>(
        table: &Reverse,
        _: &mut State,
        c: u32,
        _: &[C],
        _: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        let code = table.get(c);
        if code == 0 || in_ksx1001(code) {
            return put_code(code, out);
        }
        let s = c - SYLLABLES;
        let initial = INITIAL[(s / (VOWELS * FINALS)) as usize];
        let last = FINAL[(s % FINALS) as usize];
        let vowel = VOWEL + s / FINALS % VOWELS;
        out.extend_from_slice(&[
            LETTERS,
            FILLER,
            LETTERS,
            letter(initial),
            LETTERS,
            letter(vowel as u8),
            LETTERS,
            letter(last),
        ]);
        Ok(1)
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        if a != LETTERS || rest.first() != Some(&FILLER) {
            return take_two(a, rest, out, tables::ksx1001);
        }
        let &[_, row1, initial, row2, vowel, row3, last, ..] = rest else { return Err(Stop::TooFew) };
        let place = |letters: &[u8], b: u8| letters.iter().position(|&l| letter(l) == b);
        let vowel = (vowel as u32).wrapping_sub(0xa0 + VOWEL);
        match (place(&INITIAL, initial), place(&FINAL, last)) {
            (Some(i), Some(l)) if [row1, row2, row3] == [LETTERS; 3] && vowel < VOWELS => {
                out.push(SYLLABLES + (i as u32 * VOWELS + vowel) * FINALS + l as u32);
                Ok(8)
            }
            _ => Err(Stop::Illegal(1)),
        }
    }
}

/// What five bits of Johab stand for.
#[derive(Clone, Copy, PartialEq)]
enum Jamo {
    No,
    Fill,
    Letter(u8),
}

const fn jamos(runs: &[(u8, u8)], fill: u8) -> [Jamo; 32] {
    let mut out = [Jamo::No; 32];
    out[fill as usize] = Jamo::Fill;
    let (mut n, mut r) = (0, 0);
    while r < runs.len() {
        let mut i = runs[r].0;
        while i <= runs[r].1 {
            out[i as usize] = Jamo::Letter(n);
            n += 1;
            i += 1;
        }
        r += 1;
    }
    out
}

static JOHAB_INITIAL: [Jamo; 32] = jamos(&[(2, 20)], 1);
static JOHAB_VOWEL: [Jamo; 32] = jamos(&[(3, 7), (10, 15), (18, 23), (26, 29)], 2);
/// Counted from 0, where [`FINAL`] counts from 1.
static JOHAB_FINAL: [Jamo; 32] = jamos(&[(2, 17), (19, 29)], 1);

fn johab_cell(a: u8, b: u8) -> Cell {
    if a >= 0xd8 {
        return johab_symbol(a, b);
    }
    let code = (a as usize) << 8 | b as usize;
    let parts =
        (JOHAB_INITIAL[code >> 10 & 31], JOHAB_VOWEL[code >> 5 & 31], JOHAB_FINAL[code & 31], a >= 0x80);
    let compatible = |l: u8| 0x3130 + l as u32;
    match parts {
        (Jamo::Fill, Jamo::Fill, Jamo::Fill, true) => 0x3000,
        (Jamo::Fill, Jamo::Fill, Jamo::Letter(l), true) => compatible(FINAL[l as usize + 1]),
        (Jamo::Fill, Jamo::Letter(v), Jamo::Fill, true) => compatible(v + VOWEL as u8),
        (Jamo::Letter(i), Jamo::Fill, Jamo::Fill, true) => compatible(INITIAL[i as usize]),
        (Jamo::Letter(i), Jamo::Letter(v), l @ (Jamo::Fill | Jamo::Letter(_)), true) => {
            let last = if let Jamo::Letter(l) = l { l as u32 + 1 } else { 0 };
            SYLLABLES + (i as u32 * VOWELS + v as u32) * FINALS + last
        }
        _ => NONE,
    }
}

/// KS X 1001 without its syllables and the letters: two rows for each first byte.
fn johab_symbol(a: u8, b: u8) -> Cell {
    let column = match b {
        0x31..=0x7e => b - 0x31,
        0x91..=0xfe => b - 0x43,
        _ => return NONE,
    };
    if a == 0xda && (0xa1..=0xd3).contains(&b) {
        return NONE;
    }
    let row = match a {
        0xd9..=0xde => 2 * (a - 0xd9),
        0xe0..=0xf9 => 2 * (a - 0xe0) + 0x29,
        _ => return NONE,
    };
    tables::ksx1001(0xa1 + row + column / 94, 0xa1 + column % 94)
}

impl Scheme for Johab {
    fn reverse() -> &'static Reverse {
        static TABLE: OnceLock<Reverse> = OnceLock::new();
        TABLE.get_or_init(|| Reverse::of(false, &[], johab_cell))
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        take_two(a, rest, out, johab_cell)
    }
}
