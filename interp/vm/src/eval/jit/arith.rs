//! Arithmetic and comparison of unboxed numbers.

use cape_bytecode::{Op, Word};
use cape_heap::Value;
use cape_jit::ir::condcodes::{FloatCC, IntCC};
use cape_jit::ir::types::{F64, I64};
use cape_jit::ir::{Block, InstBuilder, MemFlagsData};

use super::super::arith;
use super::crossing::Convention;
use super::emit::{Emit, FLOAT, INT, INT_SHIFT, Word64};
use super::helpers::{self, Helper};
use crate::special::Special;

impl Emit<'_, '_> {
    /// Goes on if both are ints, else with `other`.
    pub(super) fn unless_ints(&mut self, a: Word64, b: Word64, other: Block) {
        let both = match (self.is_known_int(a), self.is_known_int(b)) {
            (true, true) => return,
            (true, false) => b,
            (false, true) => a,
            (false, false) => self.b.ins().band(a, b),
        };
        let ints = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, both, INT as i64);
        self.unless(ints, other);
    }

    /// Whether `v` is a float.
    pub(super) fn is_float(&mut self, v: Word64) -> Word64 {
        let bits = self.b.ins().iadd_imm_s(v, -(FLOAT as i64));
        self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, bits, (INT - FLOAT) as i64)
    }

    /// Goes on if `v` is a float, else with `other`; gives the float.
    pub(super) fn unless_float(&mut self, v: Word64, other: Block) -> Word64 {
        let float = self.is_float(v);
        self.unless(float, other);
        let bits = self.b.ins().iadd_imm_s(v, -(FLOAT as i64));
        self.b.ins().bitcast(F64, MemFlagsData::new(), bits)
    }

    /// The float that a word is or converts to, by what is guessed of it; goes on with `other` if the guess is wrong.
    fn number(&mut self, v: Word64, guess: Value, other: Block) -> Word64 {
        if guess.is_int() {
            self.unless_ints(v, v, other);
            let i = self.as_int(v);
            return self.b.ins().fcvt_from_sint(F64, i);
        }
        self.unless_float(v, other)
    }

    /// The word of a float; a NaN goes on with `other`.
    pub(super) fn boxed(&mut self, f: Word64, other: Block) -> Word64 {
        let ordered = self.b.ins().fcmp(FloatCC::Ordered, f, f);
        self.unless(ordered, other);
        let bits = self.b.ins().bitcast(I64, MemFlagsData::new(), f);
        self.b.ins().iadd_imm_s(bits, FLOAT as i64)
    }

    /// The number of an int.
    pub(super) fn as_int(&mut self, v: Word64) -> Word64 {
        let s = self.b.ins().ishl_imm_s(v, INT_SHIFT);
        self.b.ins().sshr_imm_s(s, INT_SHIFT)
    }

    /// The word of a number; one that does not fit an int goes on with `other`.
    pub(super) fn small_int(&mut self, n: Word64, other: Block) -> Word64 {
        let bounded = self.b.ins().iadd_imm_s(n, -Value::INT_MIN);
        let span = Value::INT_MAX - Value::INT_MIN;
        let small = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, bounded, span);
        self.unless(small, other);
        self.b.ins().bor_imm_s(n, INT as i64)
    }

    /// An int whose number stands in the upper bits.
    fn from_upper(&mut self, s: Word64) -> Word64 {
        let n = self.b.ins().ushr_imm_s(s, INT_SHIFT);
        self.b.ins().bor_imm_s(n, INT as i64)
    }

    fn upper(&mut self, v: Word64) -> Word64 {
        self.b.ins().ishl_imm_s(v, INT_SHIFT)
    }

    /// The result of the operator for ints; `None` if it has none. Goes on with `other` when it does not fit.
    fn int_operation(&mut self, op: Op, a: Word64, b: Word64, other: Block) -> Option<Word64> {
        Some(match op {
            Op::Add | Op::AddK | Op::Sub | Op::SubK => {
                let (p, q) = (self.upper(a), self.upper(b));
                let (s, o) = if matches!(op, Op::Add | Op::AddK) {
                    self.b.ins().sadd_overflow(p, q)
                } else {
                    self.b.ins().ssub_overflow(p, q)
                };
                self.unless_not(o, other);
                self.from_upper(s)
            }
            Op::Mul | Op::MulK => {
                let (p, q) = (self.as_int(a), self.upper(b));
                let (s, o) = self.b.ins().smul_overflow(p, q);
                self.unless_not(o, other);
                self.from_upper(s)
            }
            Op::And | Op::AndK => self.b.ins().band(a, b),
            Op::FloorDiv | Op::FloorDivK | Op::Mod | Op::ModK => {
                let (p, q) = (self.as_int(a), self.as_int(b));
                let positive = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, q, 0);
                self.unless(positive, other);
                // Towards zero, then down where there is a negative rest.
                let quotient = self.b.ins().sdiv(p, q);
                let back = self.b.ins().imul(quotient, q);
                let rest = self.b.ins().isub(p, back);
                let sign = self.b.ins().sshr_imm_s(rest, 63);
                let n = if matches!(op, Op::FloorDiv | Op::FloorDivK) {
                    self.b.ins().iadd(quotient, sign)
                } else {
                    let more = self.b.ins().band(sign, q);
                    self.b.ins().iadd(rest, more)
                };
                let s = self.b.ins().ishl_imm_s(n, INT_SHIFT);
                self.from_upper(s)
            }
            _ => return None,
        })
    }

    /// Goes on if `condition` does not hold, else with `other`.
    pub(super) fn unless_not(&mut self, condition: Word64, other: Block) {
        let next = self.b.create_block();
        self.b.ins().brif(condition, other, &[], next, &[]);
        self.follow(next);
    }

    fn float_operation(&mut self, op: Op, p: Word64, q: Word64, other: Block) -> Option<Word64> {
        Some(match op {
            Op::Add | Op::AddK => self.b.ins().fadd(p, q),
            Op::Sub | Op::SubK => self.b.ins().fsub(p, q),
            Op::Mul | Op::MulK => self.b.ins().fmul(p, q),
            Op::TrueDiv | Op::TrueDivK => {
                let zero = self.b.ins().f64const(0.0);
                let good = self.b.ins().fcmp(FloatCC::NotEqual, q, zero);
                self.unless(good, other);
                self.b.ins().fdiv(p, q)
            }
            _ => return None,
        })
    }

    /// An operator with a form of its own: as the operands at the time of compilation suggest; all else by the helper.
    pub(super) fn arithmetic(&mut self, op: Op, w: Word) {
        let constant = op.generic() == Op::BinaryOpK;
        let general: Helper = if constant { helpers::binary_k } else { helpers::binary };
        let (left, right) =
            (self.hint(w.b()), if constant { self.constant_value(w.c() as u32) } else { self.hint(w.c()) });
        if matches!(op, Op::Add | Op::AddK) && arith::may_join(left, right) {
            let (a, b) = (self.reg(w.b()), if constant { self.konst(w.c() as u32) } else { self.reg(w.c()) });
            let slow = self.b.create_block();
            self.make_at_once(w.a(), helpers::joined, [a, b], general, slow);
            return;
        }
        let number = |v: Value| v.is_int() || v.is_float();
        let division = matches!(op, Op::TrueDiv | Op::TrueDivK);
        if left.is_not_number() && !left.is_empty() || right.is_not_number() && !right.is_empty() {
            if !self.binary_by_c(w, constant, general) {
                self.arithmetic_of_any(op, w, constant, general);
            }
            return;
        }
        let floats = left.is_float() || right.is_float() || division && number(left) && number(right);
        let (a, b) = (self.reg(w.b()), if constant { self.konst(w.c() as u32) } else { self.reg(w.c()) });
        let slow = if self.patient { self.b.create_block() } else { self.failing() };
        let result = if floats {
            let p = self.number(a, left, slow);
            let q = self.number(b, right, slow);
            self.float_operation(op, p, q, slow).map(|f| self.boxed(f, slow))
        } else {
            self.unless_ints(a, b, slow);
            self.int_operation(op, a, b, slow)
        };
        match result {
            Some(r) => {
                if !floats {
                    self.note_int(r);
                }
                self.set(w.a(), r);
                self.rejoin(slow, general);
            }
            None => {
                self.b.ins().jump(slow, &[]);
                self.ended = !self.patient;
                if self.patient {
                    self.follow(slow);
                    self.perform(general);
                }
            }
        }
    }

    /// An operator whose operands cannot be guessed (registers of intermediate results hold other things in between): floats, ints, or
    /// the helper.
    fn arithmetic_of_any(&mut self, op: Op, w: Word, constant: bool, general: Helper) {
        let (a, b) = (self.reg(w.b()), if constant { self.konst(w.c() as u32) } else { self.reg(w.c()) });
        let (ints, slow, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let to = 8 * w.a() as usize;
        let p = self.unless_float(a, ints);
        let q = self.unless_float(b, ints);
        match self.float_operation(op, p, q, slow) {
            Some(f) => {
                let r = self.boxed(f, slow);
                self.store(r, self.regs, to);
                self.b.ins().jump(after, &[]);
            }
            None => {
                self.b.ins().jump(slow, &[]);
            }
        }
        self.follow(ints);
        self.unless_ints(a, b, slow);
        match self.int_operation(op, a, b, slow) {
            Some(r) => {
                self.store(r, self.regs, to);
                self.b.ins().jump(after, &[]);
            }
            None => {
                self.b.ins().jump(slow, &[]);
            }
        }
        self.otherwise(slow, general, after);
    }

    /// An operator of any operands: by a function of C, or by the helper.
    pub(super) fn operator(&mut self, w: Word, constant: bool) {
        let general: Helper = if constant { helpers::binary_k } else { helpers::binary };
        if !self.binary_by_c(w, constant, general) {
            self.perform(general);
        }
    }

    /// A unary operator of an object.
    pub(super) fn unary(&mut self, w: Word, s: Special, general: Helper) {
        let unary = |c| c == Convention::Unary;
        if !self.special_by_c(s, w.b(), &[], Some(w.a()), unary, general) {
            self.perform(general);
        }
    }

    pub(super) fn negate(&mut self, w: Word) {
        let v = self.reg(w.b());
        if !self.hint(w.b()).is_int() || self.patient {
            self.unary(w, Special::Neg, helpers::unary_neg);
            return;
        }
        let other = self.failing();
        self.unless_ints(v, v, other);
        let zero = self.b.ins().iconst(I64, 0);
        let s = self.upper(v);
        let (n, o) = self.b.ins().ssub_overflow(zero, s);
        self.unless_not(o, other);
        let r = self.from_upper(n);
        self.note_int(r);
        self.set(w.a(), r);
    }

    /// A comparison, with the jump on it.
    pub(super) fn comparison(&mut self, w: Word, constant: bool) {
        let general: Helper = if constant { helpers::compare_k } else { helpers::compare };
        let (left, right) =
            (self.hint(w.b()), if constant { self.constant_value(w.c() as u32) } else { self.hint(w.c()) });
        let floats = left.is_float() && right.is_float();
        let ints = !floats && !left.is_not_number() && right.is_int() || left.is_int() && right.is_empty();
        if !ints && !floats {
            if self.compare_by_c(w, constant, general) {
                return;
            }
            self.compare_by_helper(w, general);
            return;
        }
        let (a, b) = (self.reg(w.b()), if constant { self.konst(w.c() as u32) } else { self.reg(w.c()) });
        let slow = if self.patient { self.b.create_block() } else { self.failing() };
        let c = if floats {
            let p = self.unless_float(a, slow);
            let q = self.unless_float(b, slow);
            let cc = [
                FloatCC::LessThan,
                FloatCC::LessThanOrEqual,
                FloatCC::Equal,
                FloatCC::NotEqual,
                FloatCC::GreaterThan,
                FloatCC::GreaterThanOrEqual,
            ][w.x() as usize];
            self.b.ins().fcmp(cc, p, q)
        } else {
            self.unless_ints(a, b, slow);
            let (p, q) = (self.upper(a), self.upper(b));
            let cc = [
                IntCC::SignedLessThan,
                IntCC::SignedLessThanOrEqual,
                IntCC::Equal,
                IntCC::NotEqual,
                IntCC::SignedGreaterThan,
                IntCC::SignedGreaterThanOrEqual,
            ][w.x() as usize];
            self.b.ins().icmp(cc, p, q)
        };
        if !self.patient {
            self.branch_on(w, 2, c);
            return;
        }
        let after = self.b.create_block();
        let result = self.b.append_block_param(after, cape_jit::ir::types::I8);
        self.b.ins().jump(after, &[c.into()]);
        self.follow(slow);
        let c = self.answer_of_comparison(general);
        self.b.ins().jump(after, &[c.into()]);
        self.follow(after);
        self.branch_on(w, 2, result);
    }

    fn compare_by_helper(&mut self, w: Word, general: Helper) {
        let c = self.answer_of_comparison(general);
        self.branch_on(w, 2, c);
    }

    /// The helper's answer as a truth value. A result that is no bool is in its register, and the interpreter goes on with it.
    pub(super) fn answer_of_comparison(&mut self, general: Helper) -> Word64 {
        let answer = self.call(general);
        let failed = self.equals(answer, super::RAISED);
        self.leave_if(failed, answer);
        let odd = self.equals(answer, helpers::NO_BOOL);
        let next = self.address(self.at + 2);
        self.leave_if(odd, next);
        self.equals(answer, helpers::TRUE)
    }
}
