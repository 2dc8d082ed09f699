//! The types of items.

use cape_builtins::int::from_le_bytes;
use cape_builtins::number::type_name;
use cape_vm::object::*;
use cape_vm::{Res, Value, Vm};
use num_traits::{Signed, ToPrimitive};

/// What an item's bytes mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Signed integer.
    Signed,
    /// Unsigned integer.
    Unsigned,
    /// Float.
    Float,
    /// A code point of 4 bytes.
    Char,
}

/// A type code.
#[derive(Debug)]
pub struct Type {
    /// Its letter.
    pub letter: u8,
    /// Bytes per item.
    pub size: usize,
    /// What they are.
    pub kind: Kind,
    /// The format that buffers announce.
    pub format: &'static str,
    /// What messages call it.
    pub name: &'static str,
}

macro_rules! types {
    ($($letter:literal $size:literal $kind:ident $format:literal $name:literal;)*) => {
        /// The type codes, in the order of `array.typecodes`.
        pub const TYPES: &[Type] = &[$(Type { letter: $letter, size: $size, kind: Kind::$kind, format: $format, name: $name }),*];
    };
}

types! {
    b'b' 1 Signed "b" "signed char";
    b'B' 1 Unsigned "B" "unsigned byte integer";
    b'u' 4 Char "w" "";
    b'w' 4 Char "w" "";
    b'h' 2 Signed "h" "signed short integer";
    b'H' 2 Unsigned "H" "unsigned short";
    b'i' 4 Signed "i" "signed integer";
    b'I' 4 Unsigned "I" "unsigned int";
    b'l' 8 Signed "l" "long";
    b'L' 8 Unsigned "L" "unsigned long";
    b'q' 8 Signed "q" "";
    b'Q' 8 Unsigned "Q" "";
    b'f' 4 Float "f" "";
    b'd' 8 Float "d" "";
}

/// Where each letter is in [`TYPES`].
pub const PLACES: [u8; 256] = {
    let mut places = [u8::MAX; 256];
    let mut i = 0;
    while i < TYPES.len() {
        places[TYPES[i].letter as usize] = i as u8;
        i += 1;
    }
    places
};

impl Type {
    /// Whether items are characters.
    pub fn is_text(&self) -> bool {
        self.kind == Kind::Char
    }

    /// The value of an item.
    #[inline]
    pub fn read(&self, b: &[u8]) -> Value {
        match (self.kind, b) {
            (Kind::Float, &[a, b, c, d]) => Value::float(f32::from_ne_bytes([a, b, c, d]) as f64),
            (Kind::Float, b) => Value::float(f64::from_ne_bytes(b.try_into().unwrap_or([0; 8]))),
            (Kind::Char, b) => {
                let c = u32::from_ne_bytes(b.try_into().unwrap_or([0; 4]));
                StrObj::from_char(c.min(0x10_ffff)).value()
            }
            (Kind::Signed, &[a]) => Value::int(a as i8 as i64),
            (Kind::Unsigned, &[a]) => Value::int(a as i64),
            (Kind::Signed, b) => from_le_bytes(b, true),
            (Kind::Unsigned, b) => from_le_bytes(b, false),
        }
    }

    /// Converts a value into an item's bytes; `out` is one item long.
    pub fn write(&self, vm: &Vm, v: Value, out: &mut [u8]) -> Res<()> {
        match self.kind {
            Kind::Float => {
                let f = vm.to_f64(v)?;
                if self.size == 4 {
                    out.copy_from_slice(&(f as f32).to_ne_bytes());
                } else {
                    out.copy_from_slice(&f.to_ne_bytes());
                }
            }
            Kind::Char => {
                let Some(s) = v.downcast::<StrObj>() else {
                    return Err(vm.type_error(format!(
                        "array item must be a unicode character, not {}",
                        type_name(v)
                    )));
                };
                if s.len() != 1 {
                    return Err(vm.type_error(format!(
                        "array item must be a unicode character, not a string of length {}",
                        s.len()
                    )));
                }
                out.copy_from_slice(&s.char_at(0).to_ne_bytes());
            }
            Kind::Signed => {
                let w = self.signed(vm, v)?;
                out.copy_from_slice(&w.to_le_bytes()[..out.len()]);
            }
            Kind::Unsigned => {
                let w = self.unsigned(vm, v)?;
                out.copy_from_slice(&w.to_le_bytes()[..out.len()]);
            }
        }
        Ok(())
    }

    fn signed(&self, vm: &Vm, v: Value) -> Res<i64> {
        let i = vm.index_int(v)?;
        let Some(w) = i.to_i64() else {
            return Err(vm.overflow_error(if self.letter == b'q' {
                "int too big to convert"
            } else {
                "Python int too large to convert to C long"
            }));
        };
        let most = i64::MAX >> (64 - 8 * self.size);
        if w > most || w < -most - 1 {
            // One-byte items are read as short integers first.
            let name = if self.size == 1 && i16::try_from(w).is_err() { "signed short integer" } else { self.name };
            let what = if w > most { "greater than maximum" } else { "less than minimum" };
            return Err(vm.overflow_error(format!("{name} is {what}")));
        }
        Ok(w)
    }

    fn unsigned(&self, vm: &Vm, v: Value) -> Res<u64> {
        let i = vm.index_int(v)?;
        let negative = match &i {
            Int::Small(i) => *i < 0,
            Int::Big(b) => b.is_negative(),
        };
        if self.size >= 4 && negative {
            return Err(vm.overflow_error(if self.letter == b'Q' {
                "can't convert negative int to unsigned"
            } else {
                "can't convert negative value to unsigned int"
            }));
        }
        let word = match &i {
            Int::Small(i) => Some(*i as i128),
            Int::Big(b) => b.to_i128(),
        };
        let too_large = || match self.letter {
            b'Q' => "int too big to convert",
            b'B' | b'H' => "Python int too large to convert to C long",
            _ => "Python int too large to convert to C unsigned long",
        };
        let fits = |w: &i128| if self.size < 4 { i64::try_from(*w).is_ok() } else { u64::try_from(*w).is_ok() };
        let Some(w) = word.filter(fits) else { return Err(vm.overflow_error(too_large())) };
        let most = (u64::MAX >> (64 - 8 * self.size)) as i128;
        if w < 0 || w > most {
            let wide = match self.size {
                1 if i16::try_from(w).is_err() => "signed short integer",
                2 if i32::try_from(w).is_err() => "signed integer",
                _ => self.name,
            };
            let what = if w > most { "greater than maximum" } else { "less than minimum" };
            return Err(vm.overflow_error(format!("{wide} is {what}")));
        }
        Ok(w as u64)
    }
}
