//! GB 2312, GBK, GB 18030 and HZ.

use std::sync::OnceLock;

use super::reverse::Reverse;
use super::scheme::{Scheme, State, Stop, Text, Unit, put_code, take_two};
use super::tables;

/// `gb2312`
pub struct Gb2312;
/// `gbk`
pub struct Gbk;
/// `gb18030`
pub struct Gb18030;
/// `hz`
pub struct Hz;

/// The codes of GB 2312, both bytes with their high bit.
pub fn gb2312() -> &'static Reverse {
    static TABLE: OnceLock<Reverse> = OnceLock::new();
    TABLE.get_or_init(|| Reverse::of(true, &[], tables::gb2312))
}

fn gb18030() -> &'static Reverse {
    static TABLE: OnceLock<Reverse> = OnceLock::new();
    TABLE.get_or_init(|| Reverse::of(true, &[], tables::gb18030))
}

impl Scheme for Gb2312 {
    fn reverse() -> &'static Reverse {
        gb2312()
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        take_two(a, rest, out, tables::gb2312)
    }
}

impl Scheme for Gbk {
    fn reverse() -> &'static Reverse {
        static TABLE: OnceLock<Reverse> = OnceLock::new();
        TABLE.get_or_init(|| Reverse::of(true, &[], tables::gbk))
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        take_two(a, rest, out, tables::gbk)
    }
}

/// Runs of characters that have codes of four bytes, with their places in the order of such codes.
struct Runs {
    first: Vec<u16>,
    place: Vec<u16>,
}

/// How many characters up to U+FFFF have codes of four bytes.
const FOUR_BYTES: usize = 39420;

/// All of them are those that have no code of two, in order.
fn runs() -> &'static Runs {
    static RUNS: OnceLock<Runs> = OnceLock::new();
    RUNS.get_or_init(|| {
        let two = gb18030();
        let (mut first, mut place) = (vec![], vec![]);
        let (mut n, mut inside) = (0_u16, false);
        for c in 0x80..=0xffff_u16 {
            if (0xd800..0xe000).contains(&c) || two.get(c as u32) != 0 {
                inside = false;
                continue;
            }
            if !inside {
                first.push(c);
                place.push(n);
                inside = true;
            }
            n += 1;
        }
        Runs { first, place }
    })
}

/// A code of four bytes from its place among them.
fn put_four(place: usize, first: u8, out: &mut Vec<u8>) -> Result<usize, Stop> {
    out.extend_from_slice(&[
        first + (place / 12600) as u8,
        0x30 + (place / 1260 % 10) as u8,
        0x81 + (place / 10 % 126) as u8,
        0x30 + (place % 10) as u8,
    ]);
    Ok(1)
}

impl Scheme for Gb18030 {
    fn reverse() -> &'static Reverse {
        gb18030()
    }

    fn put<C: Unit>(
        table: &Reverse,
        _: &mut State,
        c: u32,
        _: &[C],
        _: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        match (c, table.get(c)) {
            (0x10000.., _) => put_four(c as usize - 0x10000, 0x90, out),
            (0xd800..0xe000, _) => Err(Stop::Illegal(1)),
            (_, 0) => {
                let runs = runs();
                let i = runs.first.partition_point(|&f| f as u32 <= c) - 1;
                put_four(runs.place[i] as usize + c as usize - runs.first[i] as usize, 0x81, out)
            }
            (_, code) => put_code(code, out),
        }
    }

    fn take(_: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        let &b = rest.first().ok_or(Stop::TooFew)?;
        if !b.is_ascii_digit() {
            return take_two(a, rest, out, tables::gb18030);
        }
        let &[_, c, d, ..] = rest else { return Err(Stop::TooFew) };
        if !(0x81..=0xfe).contains(&a) || !(0x81..=0xfe).contains(&c) || !d.is_ascii_digit() {
            return Err(Stop::Illegal(1));
        }
        let place = (b as usize - 0x30) * 1260 + (c as usize - 0x81) * 10 + d as usize - 0x30;
        match a {
            0x81..0x85 => {
                let place = place + (a as usize - 0x81) * 12600;
                if place >= FOUR_BYTES {
                    return Err(Stop::Illegal(1));
                }
                let runs = runs();
                let i = runs.place.partition_point(|&p| p as usize <= place) - 1;
                out.push((runs.first[i] as usize + place - runs.place[i] as usize) as u32);
            }
            0x90.. => {
                let place = place + (a as usize - 0x90) * 12600;
                if place > 0xfffff {
                    return Err(Stop::Illegal(1));
                }
                out.push(0x10000 + place as u32);
            }
            _ => return Err(Stop::Illegal(1)),
        }
        Ok(4)
    }
}

/// Byte of the state that says whether codes are of two bytes now.
const DOUBLE: usize = 0;

impl Scheme for Hz {
    const ASCII: bool = false;

    fn reverse() -> &'static Reverse {
        gb2312()
    }

    fn put<C: Unit>(
        table: &Reverse,
        state: &mut State,
        c: u32,
        _: &[C],
        _: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        if c < 0x80 {
            Self::reset(state, out);
            out.push(c as u8);
            if c == '~' as u32 {
                out.push(b'~');
            }
            return Ok(1);
        }
        let code = table.get(c);
        if code == 0 {
            return Err(Stop::Illegal(1));
        }
        if state[DOUBLE] == 0 {
            out.extend_from_slice(b"~{");
            state[DOUBLE] = 1;
        }
        out.extend_from_slice(&(code & 0x7f7f).to_be_bytes());
        Ok(1)
    }

    fn take(state: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop> {
        if a == b'~' {
            let &b = rest.first().ok_or(Stop::TooFew)?;
            match (b, state[DOUBLE] != 0) {
                (b'~', false) => out.push('~' as u32),
                (b'{', false) => state[DOUBLE] = 1,
                // The line goes on.
                (b'\n', false) => {}
                (b'}', true) => state[DOUBLE] = 0,
                _ => return Err(Stop::Illegal(1)),
            }
            return Ok(2);
        }
        if a >= 0x80 {
            return Err(Stop::Illegal(1));
        }
        if state[DOUBLE] == 0 {
            out.push(a as u32);
            return Ok(1);
        }
        take_two(a, rest, out, |a, b| tables::gb2312(a ^ 0x80, b ^ 0x80))?;
        // More of the same.
        let mut n = 2;
        for code in rest[1..].chunks_exact(2) {
            match tables::gb2312(code[0] ^ 0x80, code[1] ^ 0x80) {
                tables::NONE => break,
                c => out.push(c),
            }
            n += 2;
        }
        Ok(n)
    }

    fn reset(state: &mut State, out: &mut Vec<u8>) {
        if state[DOUBLE] != 0 {
            out.extend_from_slice(b"~}");
            state[DOUBLE] = 0;
        }
    }

    fn restart(state: &mut State) {
        state[DOUBLE] = 0;
    }
}
