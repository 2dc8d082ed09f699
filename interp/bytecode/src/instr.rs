//! The instruction word.

use crate::{Op, Slot};

impl Op {
    /// Whether the op gives a truth value that a conditional jump directly after it may consume without its being written.
    pub const fn is_test(self) -> bool {
        matches!(
            self.generic(),
            Op::Compare | Op::CompareK | Op::Is | Op::Contains | Op::UnaryNot | Op::ToBool
        )
    }
}

/// One word of code: an instruction, an extra operand or an inline cache.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Word(pub u64);

impl Word {
    /// An empty cache word.
    pub const ZERO: Word = Word(0);

    /// Instruction from all fields.
    #[inline]
    pub const fn new(op: Op, x: u8, a: u16, b: u16, c: u16) -> Word {
        Word(op as u64 | (x as u64) << 8 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }

    /// Instruction with fields `x`, `a` and the 32-bit field `bc`.
    #[inline]
    pub const fn abc32(op: Op, x: u8, a: u16, bc: u32) -> Word {
        Word(op as u64 | (x as u64) << 8 | (a as u64) << 16 | (bc as u64) << 32)
    }

    /// Instruction with fields `a`, `b` and the 24-bit field `xc`.
    #[inline]
    pub const fn ab_xc(op: Op, a: u16, b: u16, xc: u32) -> Word {
        Word::new(op, xc as u8, a, b, (xc >> 8) as u16)
    }

    /// The opcode number.
    #[inline(always)]
    pub const fn op_byte(self) -> u8 {
        self.0 as u8
    }

    /// The opcode, if the number is one.
    #[inline]
    pub const fn op(self) -> Option<Op> {
        Op::from_u8(self.0 as u8)
    }

    /// The 8-bit field.
    #[inline(always)]
    pub const fn x(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// The first 16-bit field.
    #[inline(always)]
    pub const fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The second 16-bit field.
    #[inline(always)]
    pub const fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// The third 16-bit field.
    #[inline(always)]
    pub const fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// `b` and `c` as one 32-bit field (`b` low).
    #[inline(always)]
    pub const fn bc(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// `x` and `c` as one 24-bit field (`x` low).
    #[inline(always)]
    pub const fn xc(self) -> u32 {
        self.x() as u32 | (self.c() as u32) << 8
    }

    /// The field in a slot; `extra` gives the operand word that follows.
    pub fn field(self, slot: Slot, extra: impl FnOnce() -> u64) -> u64 {
        match slot {
            Slot::x => self.x() as u64,
            Slot::a => self.a() as u64,
            Slot::b => self.b() as u64,
            Slot::c => self.c() as u64,
            Slot::bc => self.bc() as u64,
            Slot::xc => self.xc() as u64,
            Slot::w => extra(),
        }
    }

    /// The same word with another opcode (quickening).
    #[inline(always)]
    pub const fn with_op(self, op: Op) -> Word {
        Word((self.0 & !0xff) | op as u64)
    }

    /// The same word with another `bc`.
    #[inline]
    pub const fn with_bc(self, bc: u32) -> Word {
        Word((self.0 & 0xffff_ffff) | (bc as u64) << 32)
    }

    /// The same word with another `xc`.
    #[inline]
    pub const fn with_xc(self, xc: u32) -> Word {
        Word((self.0 & 0x0000_ffff_ffff_00ff) | ((xc & 0xff) as u64) << 8 | ((xc >> 8) as u64 & 0xffff) << 48)
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Word({:?} x={} a={} b={} c={})", self.op(), self.x(), self.a(), self.b(), self.c())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_round_trip() {
        let w = Word::new(Op::Move, 0xab, 0x1234, 0x5678, 0x9abc);
        assert_eq!((w.op(), w.x(), w.a(), w.b(), w.c()), (Some(Op::Move), 0xab, 0x1234, 0x5678, 0x9abc));
        assert_eq!(w.bc(), 0x9abc_5678);
        assert_eq!(w.xc(), 0x009a_bcab);
        let v = Word::ab_xc(Op::ForIter, 1, 2, 0x00fe_dcba);
        assert_eq!((v.a(), v.b(), v.xc()), (1, 2, 0x00fe_dcba));
        assert_eq!(v.with_xc(7).xc(), 7);
        assert_eq!(v.with_xc(7).b(), 2);
        assert_eq!(Word::abc32(Op::Jump, 0, 0, 9).with_bc(70000).bc(), 70000);
    }
}
