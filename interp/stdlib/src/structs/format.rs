//! Format strings.

use std::rc::Rc;

/// Byte order of items.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// The machine's own order.
pub const NATIVE: ByteOrder = if cfg!(target_endian = "little") { ByteOrder::Little } else { ByteOrder::Big };

/// What an item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `c`
    Char,
    /// `s`
    Bytes,
    /// `p`
    Pascal,
    /// Signed integer.
    Signed,
    /// Unsigned integer.
    Unsigned,
    /// `?`
    Bool,
    /// `e`, `f`, `d`
    Float,
    /// `F`, `D`
    Complex,
    /// `P`
    Pointer,
}

/// `repeat` items of `size` bytes each, from `offset` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code {
    /// Format character.
    pub letter: u8,
    /// What they are.
    pub kind: Kind,
    /// Bytes of an item; of a component, for complex numbers' halves see [`Kind::Complex`].
    pub size: usize,
    /// Where the first is.
    pub offset: usize,
    /// How many.
    pub repeat: usize,
}

/// A compiled format; cheap to clone.
#[derive(Clone)]
pub struct Compiled {
    /// The format itself.
    pub text: Rc<str>,
    /// Its items.
    pub codes: Rc<[Code]>,
    /// Bytes of the whole.
    pub size: usize,
    /// Number of values.
    pub items: usize,
    /// Byte order of its items.
    pub order: ByteOrder,
}

/// Kind, size and alignment of native items.
fn native(letter: u8) -> Option<(Kind, usize, usize)> {
    use Kind::*;
    let (kind, size) = match letter {
        b'x' => (Char, 1),
        b'n' => (Signed, 8),
        b'N' => (Unsigned, 8),
        b'l' => (Signed, 8),
        b'L' => (Unsigned, 8),
        b'P' => (Pointer, 8),
        b'F' => return Some((Complex, 8, 4)),
        b'D' => return Some((Complex, 16, 8)),
        _ => standard(letter)?,
    };
    Some((kind, size, size))
}

/// Kind and size of standard items.
fn standard(letter: u8) -> Option<(Kind, usize)> {
    use Kind::*;
    Some(match letter {
        b'x' | b'c' => (Char, 1),
        b's' => (Bytes, 1),
        b'p' => (Pascal, 1),
        b'b' => (Signed, 1),
        b'B' => (Unsigned, 1),
        b'?' => (Bool, 1),
        b'h' => (Signed, 2),
        b'H' => (Unsigned, 2),
        b'i' | b'l' => (Signed, 4),
        b'I' | b'L' => (Unsigned, 4),
        b'q' => (Signed, 8),
        b'Q' => (Unsigned, 8),
        b'e' => (Float, 2),
        b'f' => (Float, 4),
        b'd' => (Float, 8),
        b'F' => (Complex, 8),
        b'D' => (Complex, 16),
        _ => return None,
    })
}

const TOO_LONG: &str = "total struct size too long";

impl Compiled {
    /// Compiles a format; the error is a message.
    pub fn new(text: String) -> Result<Compiled, &'static str> {
        let all = text.as_bytes();
        if all.contains(&0) {
            return Err("embedded null character");
        }
        let (order, aligned, mut rest) = match all {
            [b'@', rest @ ..] => (NATIVE, true, rest),
            [b'=', rest @ ..] => (NATIVE, false, rest),
            [b'<', rest @ ..] => (ByteOrder::Little, false, rest),
            [b'>' | b'!', rest @ ..] => (ByteOrder::Big, false, rest),
            rest => (NATIVE, true, rest),
        };
        let (mut codes, mut size, mut items) = (Vec::new(), 0usize, 0usize);
        while let [first, tail @ ..] = rest {
            rest = tail;
            if matches!(first, b' ' | 9..=13) {
                continue;
            }
            let mut letter = *first;
            let mut repeat = 1usize;
            if letter.is_ascii_digit() {
                repeat = (letter - b'0') as usize;
                loop {
                    let [next, tail @ ..] = rest else {
                        return Err("repeat count given without format specifier");
                    };
                    rest = tail;
                    letter = *next;
                    if !letter.is_ascii_digit() {
                        break;
                    }
                    repeat = repeat
                        .checked_mul(10)
                        .and_then(|n| n.checked_add((letter - b'0') as usize))
                        .filter(|&n| n <= isize::MAX as usize)
                        .ok_or(TOO_LONG)?;
                }
            }
            let (kind, item, align) = if aligned {
                native(letter).ok_or("bad char in struct format")?
            } else {
                standard(letter).map(|(k, s)| (k, s, 1)).ok_or("bad char in struct format")?
            };
            size = size.checked_next_multiple_of(align).ok_or(TOO_LONG)?;
            let whole = matches!(kind, Kind::Bytes | Kind::Pascal);
            if letter != b'x' && (repeat > 0 || whole) {
                let (size_of_item, count) = if whole { (repeat, 1) } else { (item, repeat) };
                codes.push(Code { letter, kind, size: size_of_item, offset: size, repeat: count });
                items = items.checked_add(count).ok_or(TOO_LONG)?;
            }
            size = item
                .checked_mul(repeat)
                .and_then(|n| size.checked_add(n))
                .filter(|&n| n <= isize::MAX as usize)
                .ok_or(TOO_LONG)?;
        }
        Ok(Compiled { text: text.into(), codes: codes.into(), size, items, order })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let size = |f: &str| Compiled::new(f.to_string()).map(|c| c.size);
        assert_eq!(size("bq"), Ok(16));
        assert_eq!(size("=bq"), Ok(9));
        assert_eq!(size("qb0q"), Ok(16));
        assert_eq!(size("3x 2h"), Ok(8));
        assert_eq!(size("<lL"), Ok(8));
        assert_eq!(size("lL"), Ok(16));
        assert_eq!(size("5s0s"), Ok(5));
        assert_eq!(size("5"), Err("repeat count given without format specifier"));
        assert_eq!(size(">n"), Err("bad char in struct format"));
        assert_eq!(size("99999999999999999999i"), Err(TOO_LONG));
    }
}
