//! Shift JIS, CP932, EUC-JP and their forms with JIS X 0213.

use std::sync::OnceLock;

use super::reverse::Reverse;
use super::scheme::{Scheme, State, Stop, Text, Unit, put_code, take_two};
use super::tables::{self, Cell, JIS_PAIRS, NONE};
use super::tw::{put_pair, take_pair};

/// `shift_jis`
pub struct ShiftJis;
/// `cp932`
pub struct Cp932;
/// `euc_jp`
pub struct EucJp;
/// `shift_jis_2004` and (`OLD`) `shift_jisx0213`
pub struct ShiftJis2004<const OLD: bool>;
/// `euc_jis_2004` and (`OLD`) `euc_jisx0213`
pub struct EucJis2004<const OLD: bool>;

const YEN: u32 = 0xa5;
const OVERLINE: u32 = 0x203e;
/// Half-width katakana, of which 0xA1 to 0xDF are the codes, begin behind this.
const KANA: u32 = 0xff60;

/// Half-width katakana and the two characters that JIS X 0201 has in places of ASCII's.
fn add_jisx0201(table: &mut Reverse, roman: bool) {
    (1..0x40).for_each(|i| table.set(KANA + i, 0xa0 + i as u16));
    if roman {
        table.set(YEN, b'\\' as u16);
        table.set(OVERLINE, b'~' as u16);
    }
}

fn is_kana(a: u8) -> bool {
    (0xa1..=0xdf).contains(&a)
}

fn kana(a: u8) -> u32 {
    KANA + a as u32 - 0xa0
}

/// Row and column, from 0 on, of a code of Shift JIS; rows from 94 on are those of plane 2.
#[inline(always)]
fn place(a: u8, b: u8) -> Option<(u8, u8)> {
    let lead = match a {
        0x81..=0x9f => a - 0x81,
        0xe0..=0xfc => a - 0xc1,
        _ => return None,
    };
    let column = match b {
        0x40..=0x7e => b - 0x40,
        0x80..=0xfc => b - 0x41,
        _ => return None,
    };
    Some(if column < 94 { (2 * lead, column) } else { (2 * lead + 1, column - 94) })
}

#[inline(always)]
fn shift_jis_cell(a: u8, b: u8) -> Cell {
    place(a, b).map_or(NONE, |(row, column)| tables::jisx0208(0x21 + row, 0x21 + column))
}

impl Scheme for ShiftJis {
    fn reverse() -> &'static Reverse {
        static TABLE: OnceLock<Reverse> = OnceLock::new();
        TABLE.get_or_init(|| {
            let mut table = Reverse::of(true, &[], shift_jis_cell);
            add_jisx0201(&mut table, true);
            table
        })
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        match a {
            0x81..=0x9f | 0xe0..=0xea => take_two(a, rest, out, shift_jis_cell),
            _ if is_kana(a) => {
                out.push(kana(a));
                Ok(1)
            }
            _ => Err(Stop::Illegal(1)),
        }
    }
}

/// Characters for private use that CP932's single bytes 0xA0 and 0xFD to 0xFF stand for.
const CP932_SINGLE: u32 = 0xf8f0;

fn cp932_cell(a: u8, b: u8) -> Cell {
    match tables::cp932(a, b) {
        NONE => {}
        c => return c,
    }
    match (a, b) {
        // For private use.
        (0xf0..=0xf9, 0x40..=0x7e) => 0xe000 + (a as u32 - 0xf0) * 188 + b as u32 - 0x40,
        (0xf0..=0xf9, 0x80..=0xfc) => 0xe000 + (a as u32 - 0xf0) * 188 + b as u32 - 0x41,
        (..=0xea, _) => shift_jis_cell(a, b),
        _ => NONE,
    }
}

impl Scheme for Cp932 {
    fn reverse() -> &'static Reverse {
        static TABLE: OnceLock<Reverse> = OnceLock::new();
        TABLE.get_or_init(|| {
            let mut table = Reverse::of(true, &[], cp932_cell);
            // What JIS X 0208 has in places where CP932 has something else is encoded, too.
            table.add(true, &[], shift_jis_cell);
            add_jisx0201(&mut table, false);
            table.set(0x80, 0x80);
            table.set(CP932_SINGLE, 0xa0);
            (1..4).for_each(|i| table.set(CP932_SINGLE + i, 0xfc + i as u16));
            table
        })
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        let single = match a {
            0x81..=0x9f | 0xe0..=0xfc => return take_two(a, rest, out, cp932_cell),
            0x80 => 0x80,
            0xa0 => CP932_SINGLE,
            0xfd.. => CP932_SINGLE + a as u32 - 0xfc,
            _ => kana(a),
        };
        out.push(single);
        Ok(1)
    }
}

/// The codes of EUC-JP: kana as their last byte, JIS X 0212 without the high bit of the last byte.
pub fn euc_jp() -> &'static Reverse {
    static TABLE: OnceLock<Reverse> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Reverse::of(true, &[], |a, b| tables::jisx0208(a ^ 0x80, b ^ 0x80));
        table.add(true, &[], |a, b| tables::jisx0212(a ^ 0x80, b));
        add_jisx0201(&mut table, true);
        table
    })
}

const SINGLE_SHIFT_2: u8 = 0x8e;
const SINGLE_SHIFT_3: u8 = 0x8f;

/// Writes a code in the form of [`euc_jp`].
#[inline(always)]
fn put_euc(code: u16, out: &mut Vec<u8>) -> Result<usize, Stop> {
    match code {
        0..0x80 => return put_code(code, out),
        0x80..0x100 => out.extend_from_slice(&[SINGLE_SHIFT_2, code as u8]),
        _ if code & 0x80 != 0 => out.extend_from_slice(&code.to_be_bytes()),
        _ => out.extend_from_slice(&[SINGLE_SHIFT_3, (code >> 8) as u8, code as u8 | 0x80]),
    }
    Ok(1)
}

/// Reads what begins with a single shift.
fn take_shifted(a: u8, rest: &[u8], out: &mut Text, cells: impl Fn(u8, u8) -> Cell) -> Result<usize, Stop> {
    let c = match (a, rest) {
        (SINGLE_SHIFT_2, [b, ..]) if is_kana(*b) => kana(*b),
        (SINGLE_SHIFT_2, [_, ..]) => NONE,
        (SINGLE_SHIFT_3, [b, c, ..]) => cells(b ^ 0x80, c ^ 0x80),
        _ => return Err(Stop::TooFew),
    };
    if c == NONE {
        return Err(Stop::Illegal(1));
    }
    out.push(c);
    Ok(1 + (a - SINGLE_SHIFT_2) as usize + 1)
}

impl Scheme for EucJp {
    fn reverse() -> &'static Reverse {
        euc_jp()
    }

    fn put<C: Unit>(
        table: &Reverse,
        _: &mut State,
        c: u32,
        _: &[C],
        _: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        put_euc(table.get(c), out)
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        match a {
            SINGLE_SHIFT_2 | SINGLE_SHIFT_3 => take_shifted(a, rest, out, tables::jisx0212),
            _ => take_two(a, rest, out, |a, b| tables::jisx0208(a ^ 0x80, b ^ 0x80)),
        }
    }
}

fn make_euc_jis(old: bool) -> Reverse {
    let mut table = Reverse::of(true, &JIS_PAIRS, |a, b| tables::jisx0213_1(a ^ 0x80, b ^ 0x80, old));
    let plane2 = |jisx0212: bool| {
        move |a: u8, b: u8| {
            let a = a ^ 0x80;
            if tables::is_jisx0212(a, b) == jisx0212 { tables::jis2(a, b, old) } else { NONE }
        }
    };
    table.add(true, &[], plane2(false));
    table.add(true, &[], plane2(true));
    if old {
        // JIS X 0212 has some of these.
        tables::ADDED_IN_2004.iter().for_each(|&c| table.set(c, 0));
    }
    add_jisx0201(&mut table, false);
    table
}

/// The codes of EUC-JIS-2004, or (`old`) EUC-JISX0213, in the form of [`euc_jp`].
pub fn euc_jis(old: bool) -> &'static Reverse {
    static TABLES: [OnceLock<Reverse>; 2] = [const { OnceLock::new() }; 2];
    TABLES[old as usize].get_or_init(|| make_euc_jis(old))
}

/// A code that means something since 2004 only is wrong as a whole.
#[inline(always)]
fn later(r: Result<usize, Stop>, old: bool, added: impl Fn() -> bool) -> Result<usize, Stop> {
    match r {
        Err(Stop::Illegal(1)) if old && added() => Err(Stop::Illegal(2)),
        r => r,
    }
}

impl<const OLD: bool> Scheme for EucJis2004<OLD> {
    fn reverse() -> &'static Reverse {
        euc_jis(OLD)
    }

    fn put<C: Unit>(
        table: &Reverse,
        _: &mut State,
        c: u32,
        rest: &[C],
        flush: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        put_pair(table, c, rest, flush, out, put_euc)
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        match a {
            SINGLE_SHIFT_2 | SINGLE_SHIFT_3 => take_shifted(a, rest, out, |a, b| tables::jis2(a, b, OLD)),
            _ => {
                let r =
                    take_pair(a, rest, out, &JIS_PAIRS, |a, b| tables::jisx0213_1(a ^ 0x80, b ^ 0x80, OLD));
                later(r, OLD, || rest.first().is_some_and(|b| tables::added_in_2004(a ^ 0x80, b ^ 0x80)))
            }
        }
    }
}

/// The rows of plane 2 in the order in which Shift JIS has them.
const PLANE2: [u8; 26] = [
    0x21, 0x28, 0x23, 0x24, 0x25, 0x2c, 0x2d, 0x2e, 0x2f, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75,
    0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e,
];

#[inline(always)]
fn shift_jis_2004_cell(a: u8, b: u8, old: bool) -> Cell {
    match place(a, b) {
        // The codes of full-width forms stand for what JIS X 0201 has replaced.
        Some((0, 0x1f)) => '\\' as u32,
        Some((1, 0x11)) => '~' as u32,
        Some((row, column)) if row < 94 => tables::jisx0213_1(0x21 + row, 0x21 + column, old),
        Some((row, column)) => tables::jis2(PLANE2[row as usize - 94], 0x21 + column, old),
        None => NONE,
    }
}

impl<const OLD: bool> Scheme for ShiftJis2004<OLD> {
    const ASCII: bool = false;

    fn reverse() -> &'static Reverse {
        static TABLES: [OnceLock<Reverse>; 2] = [const { OnceLock::new() }; 2];
        TABLES[OLD as usize].get_or_init(|| {
            let mut table = Reverse::of(true, &JIS_PAIRS, |a, b| shift_jis_2004_cell(a, b, OLD));
            add_jisx0201(&mut table, true);
            table
        })
    }

    fn put<C: Unit>(
        table: &Reverse,
        _: &mut State,
        c: u32,
        rest: &[C],
        flush: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        if c < 0x80 && c != '\\' as u32 && c != '~' as u32 {
            out.push(c as u8);
            return Ok(1);
        }
        put_pair(table, c, rest, flush, out, put_code)
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        let single = match a {
            0x81..=0x9f | 0xe0..=0xfc => {
                let r = take_pair(a, rest, out, &JIS_PAIRS, |a, b| shift_jis_2004_cell(a, b, OLD));
                let added = |(row, column): (u8, u8)| tables::added_in_2004(0x21 + row, 0x21 + column);
                return later(r, OLD, || rest.first().and_then(|&b| place(a, b)).is_some_and(added));
            }
            b'\\' => YEN,
            b'~' => OVERLINE,
            0..=0x7f => a as u32,
            _ if is_kana(a) => kana(a),
            _ => return Err(Stop::Illegal(1)),
        };
        out.push(single);
        Ok(1)
    }
}
