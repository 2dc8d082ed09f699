//! Big5, CP950 and Big5 with the characters of Hong Kong.

use std::sync::OnceLock;

use super::reverse::Reverse;
use super::scheme::{Scheme, State, Stop, Text, Unit, put_code, take_two};
use super::tables::{self, HKSCS_PAIRS, NONE};

/// `big5`
pub struct Big5;
/// `cp950`
pub struct Cp950;
/// `big5hkscs`
pub struct Big5Hkscs;

impl Scheme for Big5 {
    fn reverse() -> &'static Reverse {
        static TABLE: OnceLock<Reverse> = OnceLock::new();
        TABLE.get_or_init(|| Reverse::of(false, &[], tables::big5))
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        take_two(a, rest, out, tables::big5)
    }
}

impl Scheme for Cp950 {
    fn reverse() -> &'static Reverse {
        static TABLE: OnceLock<Reverse> = OnceLock::new();
        // It encodes what Big5 has in places where it has something else, too. What it adds in row F9 comes last.
        TABLE.get_or_init(|| {
            let mut table = Reverse::of(false, &[], tables::big5);
            table.add(false, &[], |a, b| if a == 0xf9 { NONE } else { tables::cp950(a, b) });
            table.add(true, &[], |a, b| if a == 0xf9 { tables::cp950(a, b) } else { NONE });
            table
        })
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        take_two(a, rest, out, tables::cp950)
    }
}

impl Scheme for Big5Hkscs {
    fn reverse() -> &'static Reverse {
        static TABLE: OnceLock<Reverse> = OnceLock::new();
        TABLE.get_or_init(|| Reverse::of(false, &HKSCS_PAIRS, tables::big5hkscs))
    }

    fn put<C: Unit>(
        table: &Reverse,
        _: &mut State,
        c: u32,
        rest: &[C],
        flush: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        put_pair(table, c, rest, flush, out, put_code)
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        take_pair(a, rest, out, &HKSCS_PAIRS, tables::big5hkscs)
    }
}

/// Writes a character, and the next one if both have a code together.
#[inline(always)]
pub fn put_pair<C: Unit>(
    table: &Reverse,
    c: u32,
    rest: &[C],
    flush: bool,
    out: &mut Vec<u8>,
    put: impl Fn(u16, &mut Vec<u8>) -> Result<usize, Stop>,
) -> Result<usize, Stop> {
    if table.begins_pair(c) {
        match rest.first() {
            None if !flush => return Err(Stop::TooFew),
            None => {}
            Some(next) => {
                if let Some(code) = table.pair(c, next.code()) {
                    return put(code, out).map(|_| 2);
                }
            }
        }
    }
    put(table.get(c), out)
}

/// Reads a code of two bytes, which may stand for two characters.
#[inline(always)]
pub fn take_pair(
    a: u8,
    rest: &[u8],
    out: &mut Text,
    pairs: &[(u32, u32)],
    cells: impl Fn(u8, u8) -> tables::Cell,
) -> Result<usize, Stop> {
    let &b = rest.first().ok_or(Stop::TooFew)?;
    match cells(a, b) {
        NONE => return Err(Stop::Illegal(1)),
        c if tables::is_pair(c) => {
            let (base, mark) = pairs[(c & 0x7ff) as usize];
            out.push(base);
            out.push(mark);
        }
        c => out.push(c),
    }
    Ok(2)
}
