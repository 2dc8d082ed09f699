//! The encodings that follow ISO 2022: escape sequences designate sets of characters, whose codes have seven bits.

use super::reverse::Reverse;
use super::scheme::{Scheme, State, Stop, Text, Unit};
use super::tables::{self, Cell, JIS_PAIRS, NONE, PAIR};
use super::{cn, jp, kr};

/// A set of characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Set {
    Ksx1001,
    Jisx0201Roman,
    Jisx0201Katakana,
    Jisx0208,
    Jisx0212,
    Gb2312,
    /// Plane 1 of JIS X 0213, as of 2000 or 2004.
    Jisx0213First(bool),
    /// Plane 2.
    Jisx0213Second(bool),
    /// These are only read, and only after a single shift.
    Latin1,
    Greek,
}

/// A set that an encoding has: the byte that designates it, with the high bit if its codes are of two bytes, and where it
/// is designated to (0: G0, 1: G1).
struct Designation {
    set: Set,
    mark: u8,
    slot: usize,
}

const fn g0(set: Set, mark: u8) -> Designation {
    Designation { set, mark, slot: 0 }
}

/// The mark of ASCII.
const ASCII: u8 = b'B';
/// The bit of marks of sets with codes of two bytes.
const TWO: u8 = 0x80;
const LATIN1: u8 = b'A';
const GREEK: u8 = b'F';
const JISX0208: Designation = g0(Set::Jisx0208, b'B' | TWO);
const JISX0208_1978: Designation = g0(Set::Jisx0208, b'@' | TWO);
const JISX0212: Designation = g0(Set::Jisx0212, b'D' | TWO);
const ROMAN: Designation = g0(Set::Jisx0201Roman, b'J');
const OLD: bool = true;

/// What an encoding has.
pub struct Variant {
    /// In the order in which they are tried.
    sets: &'static [Designation],
    /// SI and SO shift.
    shifts: bool,
    /// There is a third place for sets, reached by single shifts.
    third: bool,
    /// The sequence that announces a revision of JIS X 0208 is known.
    revision: bool,
}

const JP: Variant =
    Variant { sets: &[JISX0208, ROMAN, JISX0208_1978], shifts: false, third: false, revision: true };

static VARIANTS: [Variant; 7] = [
    Variant {
        sets: &[Designation { set: Set::Ksx1001, mark: b'C' | TWO, slot: 1 }],
        shifts: true,
        third: false,
        revision: false,
    },
    JP,
    Variant { sets: &[JISX0208, JISX0212, ROMAN, JISX0208_1978], ..JP },
    Variant {
        sets: &[
            JISX0208,
            JISX0212,
            g0(Set::Ksx1001, b'C' | TWO),
            g0(Set::Gb2312, b'A' | TWO),
            ROMAN,
            JISX0208_1978,
            g0(Set::Latin1, LATIN1),
            g0(Set::Greek, GREEK),
        ],
        third: true,
        ..JP
    },
    Variant {
        sets: &[JISX0208, g0(Set::Jisx0213First(OLD), b'O' | TWO), g0(Set::Jisx0213Second(OLD), b'P' | TWO)],
        ..JP
    },
    Variant {
        sets: &[
            JISX0208,
            g0(Set::Jisx0213First(!OLD), b'Q' | TWO),
            g0(Set::Jisx0213Second(!OLD), b'P' | TWO),
        ],
        ..JP
    },
    Variant { sets: &[JISX0208, JISX0212, ROMAN, g0(Set::Jisx0201Katakana, b'I'), JISX0208_1978], ..JP },
];

/// `iso2022_kr`, `iso2022_jp`, `iso2022_jp_1`, `iso2022_jp_2`, `iso2022_jp_3`, `iso2022_jp_2004`, `iso2022_jp_ext`
pub struct Iso2022<const V: usize>;

// The state: the marks of G0 to G2, then flags.
const FLAGS: usize = 4;
/// G1 is in use.
const SHIFTED: u8 = 1;
/// An escape sequence of others passes.
const PASSING: u8 = 2;
const ESC: u8 = 0x1b;
const SI: u8 = 0x0f;
const SO: u8 = 0x0e;
/// The longest escape sequence that is waited for.
const LONGEST: usize = 16;

impl Set {
    /// The code of a character, with the high bits clear; 0 for none.
    #[inline(always)]
    fn code(self, c: u32) -> u16 {
        let if_ = |yes: bool, code: u16| if yes { code & 0x7f7f } else { 0 };
        let two = |code: u16, low: u16| if_(code >= 0x100 && code & 0x80 == low, code);
        match self {
            Set::Jisx0208 => two(jp::euc_jp().get(c), 0x80),
            Set::Jisx0212 => two(jp::euc_jp().get(c), 0),
            Set::Jisx0201Roman => match c {
                0xa5 => b'\\' as u16,
                0x203e => b'~' as u16,
                _ => 0,
            },
            Set::Jisx0201Katakana => match c {
                0xff61..=0xff9f => (c - 0xff61) as u16 + 0x21,
                _ => 0,
            },
            Set::Ksx1001 => {
                let code = kr::cp949().get(c);
                if_(kr::in_ksx1001(code), code)
            }
            Set::Gb2312 => cn::gb2312().get(c) & 0x7f7f,
            // The full-width form is EUC's.
            Set::Jisx0213First(_) if c == 0xff5e => 0,
            Set::Jisx0213First(old) => two(jp::euc_jis(old).get(c), 0x80),
            Set::Jisx0213Second(old) => {
                let code = two(jp::euc_jis(old).get(c), 0);
                if_(!tables::is_jisx0212((code >> 8) as u8, code as u8), code)
            }
            Set::Latin1 | Set::Greek => 0,
        }
    }

    /// What a code stands for.
    #[inline(always)]
    fn cell(self, a: u8, b: u8) -> Cell {
        match self {
            Set::Jisx0208 => tables::jisx0208(a, b),
            Set::Jisx0212 => tables::jisx0212(a, b),
            Set::Jisx0201Roman => match a {
                b'\\' => 0xa5,
                b'~' => 0x203e,
                _ => a as Cell,
            },
            Set::Jisx0201Katakana => match a {
                0x21..=0x5f => 0xff40 + a as Cell,
                _ => NONE,
            },
            Set::Ksx1001 => tables::ksx1001(a ^ 0x80, b ^ 0x80),
            Set::Gb2312 => tables::gb2312(a ^ 0x80, b ^ 0x80),
            Set::Jisx0213First(_) if (a, b) == (0x22, 0x32) => '~' as Cell,
            Set::Jisx0213First(old) => tables::jisx0213_1(a, b, old),
            Set::Jisx0213Second(_) if tables::is_jisx0212(a, b) => NONE,
            Set::Jisx0213Second(old) => tables::jis2(a, b, old),
            Set::Latin1 | Set::Greek => NONE,
        }
    }
}

/// ISO 8859-7.
fn greek(b: u8) -> Cell {
    let c = b as Cell;
    match c {
        0..0xa0 => c,
        0xa1 => 0x2018,
        0xa2 => 0x2019,
        0xaf => 0x2015,
        0xa0 | 0xa3 | 0xa6..=0xa9 | 0xab..=0xad | 0xb0..=0xb3 | 0xb7 | 0xbb | 0xbd => c,
        0xb4..=0xfe if c != 0xd2 => 0x2d0 + c,
        _ => NONE,
    }
}

/// Writes the sequence that designates a set.
fn designate(d: &Designation, out: &mut Vec<u8>) {
    out.push(ESC);
    let plane = if d.slot == 0 { b'(' } else { b')' };
    if d.mark & TWO == 0 {
        out.extend_from_slice(&[plane, d.mark]);
        return;
    }
    out.push(b'$');
    // JIS X 0208 does without naming the place.
    if d.set != Set::Jisx0208 {
        out.push(plane);
    }
    out.push(d.mark & !TWO);
}

fn shift_in(state: &mut State, out: &mut Vec<u8>) {
    if state[FLAGS] & SHIFTED != 0 {
        out.push(SI);
        state[FLAGS] &= !SHIFTED;
    }
}

fn ascii(state: &mut State, out: &mut Vec<u8>) {
    if state[0] != ASCII {
        out.extend_from_slice(&[ESC, b'(', ASCII]);
        state[0] = ASCII;
    }
}

#[inline]
fn put_designated(d: &Designation, code: u16, state: &mut State, out: &mut Vec<u8>) {
    if d.slot == 0 {
        shift_in(state, out);
    }
    if state[d.slot] != d.mark {
        designate(d, out);
        state[d.slot] = d.mark;
    }
    if d.slot == 1 && state[FLAGS] & SHIFTED == 0 {
        out.push(SO);
        state[FLAGS] |= SHIFTED;
    }
    if d.mark & TWO != 0 {
        out.push((code >> 8) as u8);
    }
    out.push(code as u8);
}

impl<const V: usize> Scheme for Iso2022<V> {
    const ASCII: bool = false;
    const START: (State, State) = ([ASCII, ASCII, 0, 0, 0, 0, 0, 0], [ASCII, ASCII, ASCII, 0, 0, 0, 0, 0]);

    fn reverse() -> &'static Reverse {
        match VARIANTS[V].sets {
            [Designation { set: Set::Ksx1001, .. }, ..] => kr::cp949(),
            [_, Designation { set: Set::Jisx0213First(old), .. }, ..] => jp::euc_jis(*old),
            _ => jp::euc_jp(),
        }
    }

    fn put<C: Unit>(
        table: &Reverse,
        state: &mut State,
        c: u32,
        rest: &[C],
        flush: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        if c < 0x80 {
            ascii(state, out);
            shift_in(state, out);
            out.push(c as u8);
            return Ok(1);
        }
        let sets = VARIANTS[V].sets;
        if table.begins_pair(c) {
            match rest.first() {
                None if !flush => return Err(Stop::TooFew),
                None => {}
                Some(next) => {
                    if let Some(code) = table.pair(c, next.code()) {
                        // Only plane 1 of JIS X 0213 has such codes, and it comes second.
                        put_designated(&sets[1], code & 0x7f7f, state, out);
                        return Ok(2);
                    }
                }
            }
        }
        for d in sets {
            let code = d.set.code(c);
            if code != 0 {
                put_designated(d, code, state, out);
                return Ok(1);
            }
        }
        Err(Stop::Illegal(1))
    }

    fn take(state: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        let v = &VARIANTS[V];
        if state[FLAGS] & PASSING != 0 {
            out.push(a as u32);
            if a.is_ascii_uppercase() || a == b'@' {
                state[FLAGS] &= !PASSING;
            }
            return Ok(1);
        }
        match a {
            ESC => return escape(v, state, rest, out),
            SI if v.shifts => {
                state[FLAGS] &= !SHIFTED;
                return Ok(1);
            }
            SO if v.shifts => {
                state[FLAGS] |= SHIFTED;
                return Ok(1);
            }
            b'\n' => state[FLAGS] &= !SHIFTED,
            0x80.. => return Err(Stop::Illegal(1)),
            _ => {}
        }
        let mark = if state[FLAGS] & SHIFTED != 0 { state[1] } else { state[0] };
        if a < 0x20 || mark == ASCII {
            out.push(a as u32);
            return Ok(1);
        }
        let d = v.sets.iter().find(|d| d.mark == mark).ok_or(Stop::Illegal(1))?;
        if mark & TWO == 0 {
            return match d.set.cell(a, 0) {
                NONE => Err(Stop::Illegal(1)),
                c => {
                    out.push(c);
                    Ok(1)
                }
            };
        }
        let &b = rest.first().ok_or(Stop::TooFew)?;
        match d.set.cell(a, b) {
            NONE => return Err(Stop::Illegal(2)),
            c if tables::is_pair(c) => {
                let (base, mark) = JIS_PAIRS[(c - PAIR) as usize];
                out.push(base);
                out.push(mark);
                return Ok(2);
            }
            c => out.push(c),
        }
        // More of the same.
        let mut n = 2;
        for code in rest[1..].chunks_exact(2) {
            match (code[0] >= 0x21).then(|| d.set.cell(code[0], code[1])) {
                None | Some(NONE) => break,
                Some(c) if tables::is_pair(c) => break,
                Some(c) => out.push(c),
            }
            n += 2;
        }
        Ok(n)
    }

    fn reset(state: &mut State, out: &mut Vec<u8>) {
        shift_in(state, out);
        ascii(state, out);
    }

    fn restart(state: &mut State) {
        state[0] = ASCII;
        state[FLAGS] &= !SHIFTED;
    }
}

/// Reads what follows ESC.
fn escape(v: &Variant, state: &mut State, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
    match rest.first() {
        None => Err(Stop::TooFew),
        Some(b'(' | b')' | b'$' | b'.' | b'&') => designation(v, state, rest),
        Some(b'N') if v.third => single_shift(state, rest, out),
        Some(_) => {
            out.push(ESC as u32);
            state[FLAGS] |= PASSING;
            Ok(1)
        }
    }
}

/// Reads a sequence that designates a set; `rest` begins after ESC.
fn designation(v: &Variant, state: &mut State, rest: &[u8]) -> Result<usize, Stop> {
    let mut i = 0;
    let length = loop {
        if i + 1 >= LONGEST {
            return Err(Stop::Illegal(1));
        }
        match rest[i.min(rest.len())..] {
            [] => return Err(Stop::TooFew),
            [b'A'..=b'Z' | b'@', ..] => break i + 2,
            [b'&', b'@', ..] if v.revision => i += 2,
            _ => {}
        }
        i += 1;
    };
    let (mark, slot) = match (&rest[..length - 1], length) {
        ([b'$', m], 3) => (m | TWO, 0),
        ([b'(', m], 3) => (*m, 0),
        ([b')', m], 3) => (*m, 1),
        ([b'.', m], 3) if v.third => (*m, 2),
        ([b'$', b'(', m], 4) => (m | TWO, 0),
        ([b'$', b')', m], 4) => (m | TWO, 1),
        ([_, _, ESC, b'$', b'B'], 6) if v.revision => (b'B' | TWO, 0),
        _ => return Err(Stop::Illegal(length)),
    };
    if mark != ASCII && v.sets.iter().all(|d| d.mark != mark) {
        return Err(Stop::Illegal(length));
    }
    state[slot] = mark;
    Ok(length)
}

/// Reads a character of the third set; `rest` begins after ESC.
fn single_shift(state: &State, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
    let &[_, b, ..] = rest else { return Err(Stop::TooFew) };
    let c = match state[2] {
        LATIN1 if b < 0x80 => b as Cell + 0x80,
        ASCII if b < 0x80 => b as Cell,
        GREEK if b == 0x80 || greek(b ^ 0x80) != NONE => greek(b ^ 0x80),
        LATIN1 | ASCII | GREEK => return Err(Stop::Illegal(3)),
        _ => return Err(Stop::Internal),
    };
    out.push(c);
    Ok(3)
}
