//! What an encoding is made of: how it reads one character, how it writes one, what it remembers between two.

use cape_vm::Ptr;
use cape_vm::object::StrObj;

use super::reverse::Reverse;

/// What an encoding remembers: eight bytes, CPython's, since programs see them in `getstate()`.
pub type State = [u8; 8];

/// Why reading or writing stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// So many bytes or characters cannot be converted.
    Illegal(usize),
    /// The input ends amidst a code.
    TooFew,
    /// The state is none that can be reached.
    Internal,
}

/// A code point of a string's storage.
pub trait Unit: Copy {
    /// As a number.
    fn code(self) -> u32;
}

macro_rules! units { ($($t:ty)*) => { $(impl Unit for $t {
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
})* } }
units!(u8 u16 u32);

/// Decoded text: two bytes a character until one needs more.
#[derive(Default)]
pub struct Text {
    narrow: Vec<u16>,
    wide: Vec<u32>,
    is_wide: bool,
}

impl Text {
    /// Makes room for so many characters.
    pub fn reserve(&mut self, n: usize) {
        if self.is_wide { self.wide.reserve(n) } else { self.narrow.reserve(n) }
    }

    /// Appends a character.
    #[inline(always)]
    pub fn push(&mut self, c: u32) {
        if !self.is_wide && c < 0x10000 { self.narrow.push(c as u16) } else { self.push_wide(c) }
    }

    #[inline(never)]
    fn push_wide(&mut self, c: u32) {
        if !self.is_wide {
            self.is_wide = true;
            self.wide.reserve(self.narrow.capacity());
            self.wide.extend(self.narrow.drain(..).map(u32::from));
        }
        self.wide.push(c);
    }

    /// Appends a string.
    pub fn push_str(&mut self, s: Ptr<StrObj>) {
        s.chars().for_each(|c| self.push(c));
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.narrow.is_empty() && self.wide.is_empty()
    }

    /// The string.
    pub fn finish(self) -> Ptr<StrObj> {
        let (len, first) = match self.is_wide {
            true => (self.wide.len(), self.wide.first().copied().unwrap_or(0)),
            false => (self.narrow.len(), self.narrow.first().copied().unwrap_or(0) as u32),
        };
        match len {
            0 => cape_vm::rt().empty_str(),
            1 => StrObj::from_char(first),
            _ if self.is_wide => StrObj::from_code_points(&self.wide),
            _ => StrObj::from_two_byte(&self.narrow),
        }
    }
}

/// An encoding.
pub trait Scheme {
    /// Bytes below 0x80 stand for themselves, whatever came before.
    const ASCII: bool = true;
    /// The state in which encoding and decoding start.
    const START: (State, State) = ([0; 8], [0; 8]);

    /// The table for [`Scheme::put`].
    fn reverse() -> &'static Reverse;

    /// Writes the character `c`, which `rest` follows; `flush`: nothing comes after `rest`. Says how many characters it wrote. In most
    /// encodings that is the code in the table.
    fn put<C: Unit>(
        table: &Reverse,
        _state: &mut State,
        c: u32,
        _rest: &[C],
        _flush: bool,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        put_code(table.get(c), out)
    }

    /// Reads what begins with the byte `a`, which `rest` follows. Says how many bytes it read.
    fn take(state: &mut State, a: u8, rest: &[u8], out: &mut Text) -> Result<usize, Stop>;

    /// Writes what brings the state back to the start.
    fn reset(_state: &mut State, _out: &mut Vec<u8>) {}

    /// The state of a decoder that is reset.
    fn restart(_state: &mut State) {}
}

/// A [`Scheme`] as a value.
pub struct Codec {
    /// Its name in exceptions.
    pub name: &'static str,
    /// As in [`Scheme::START`].
    pub start: (State, State),
    /// As in [`Scheme::ASCII`].
    pub ascii: bool,
    encode1: fn(&mut State, &[u8], &mut usize, bool, &mut Vec<u8>) -> Result<(), Stop>,
    encode2: fn(&mut State, &[u16], &mut usize, bool, &mut Vec<u8>) -> Result<(), Stop>,
    encode4: fn(&mut State, &[u32], &mut usize, bool, &mut Vec<u8>) -> Result<(), Stop>,
    /// Decodes from a position on, and moves it to the end or to what cannot be decoded.
    pub decode: fn(&mut State, &[u8], &mut usize, &mut Text) -> Result<(), Stop>,
    /// As [`Scheme::reset`].
    pub reset: fn(&mut State, &mut Vec<u8>),
    /// As [`Scheme::restart`].
    pub restart: fn(&mut State),
}

impl Codec {
    /// The codec for a scheme.
    pub const fn of<S: Scheme>(name: &'static str) -> Codec {
        Codec {
            name,
            start: S::START,
            ascii: S::ASCII,
            encode1: encode::<S, u8>,
            encode2: encode::<S, u16>,
            encode4: encode::<S, u32>,
            decode: decode::<S>,
            reset: S::reset,
            restart: S::restart,
        }
    }

    /// Encodes from a position on, and moves it to the end or to what cannot be encoded.
    pub fn encode(
        &self,
        state: &mut State,
        text: Ptr<StrObj>,
        at: &mut usize,
        flush: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        use cape_vm::object::StrKind;
        match text.kind() {
            StrKind::One => (self.encode1)(state, text.data1(), at, flush, out),
            StrKind::Two => (self.encode2)(state, text.data2(), at, flush, out),
            StrKind::Four => (self.encode4)(state, text.data4(), at, flush, out),
        }
    }
}

fn encode<S: Scheme, C: Unit>(
    state: &mut State,
    text: &[C],
    at: &mut usize,
    flush: bool,
    out: &mut Vec<u8>,
) -> Result<(), Stop> {
    let table = S::reverse();
    let mut i = *at;
    let mut result = Ok(());
    out.reserve((text.len() - i) * if size_of::<C>() == 1 { 1 } else { 2 });
    while let Some((c, rest)) = text[i..].split_first() {
        let c = c.code();
        if S::ASCII && c < 0x80 {
            out.push(c as u8);
            i += 1;
            continue;
        }
        match S::put(table, state, c, rest, flush, out) {
            Ok(n) => i += n,
            Err(stop) => {
                result = Err(stop);
                break;
            }
        }
    }
    *at = i;
    result
}

fn decode<S: Scheme>(state: &mut State, data: &[u8], at: &mut usize, out: &mut Text) -> Result<(), Stop> {
    let mut i = *at;
    let mut result = Ok(());
    out.reserve(data.len() - i);
    while let Some((&a, rest)) = data[i..].split_first() {
        if S::ASCII && a < 0x80 {
            out.push(a as u32);
            i += 1;
            continue;
        }
        match S::take(state, a, rest, out) {
            Ok(n) => i += n,
            Err(stop) => {
                result = Err(stop);
                break;
            }
        }
    }
    *at = i;
    result
}

/// Reads a code of two bytes by a table.
#[inline(always)]
pub fn take_two(
    a: u8,
    rest: &[u8],
    out: &mut Text,
    cells: impl Fn(u8, u8) -> super::tables::Cell,
) -> Result<usize, Stop> {
    let &b = rest.first().ok_or(Stop::TooFew)?;
    match cells(a, b) {
        super::tables::NONE => Err(Stop::Illegal(1)),
        c => {
            out.push(c);
            Ok(2)
        }
    }
}

/// Writes a code: of one byte, when it is below 0x100, or two.
#[inline(always)]
pub fn put_code(code: u16, out: &mut Vec<u8>) -> Result<usize, Stop> {
    match code {
        0 => Err(Stop::Illegal(1)),
        1..=0xff => {
            out.push(code as u8);
            Ok(1)
        }
        _ => {
            out.extend_from_slice(&code.to_be_bytes());
            Ok(1)
        }
    }
}
