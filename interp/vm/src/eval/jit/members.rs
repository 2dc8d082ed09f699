//! Members: attributes that are fields of a struct of C (`PyMemberDef`), which compiled code reads and writes itself.

use cape_bytecode::Word;
use cape_heap::Value;
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::{F32, F64, I8, I16, I32, I64};
use cape_jit::ir::{Block, InstBuilder, MemFlagsData, Type};

use super::super::attrs::Access;
use super::attributes::Entry;
use super::crossing::Crossing;
use super::emit::{Emit, INT, Word64};
use super::helpers;
use crate::object::*;
use crate::runtime::rt;

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Member {
    /// A reference, or NULL for None.
    Object,
    /// A reference.
    Existing,
    /// A byte: a truth value.
    Bool,
    /// A byte: a letter.
    Letter,
    /// A signed number of so many bytes.
    Signed(u8),
    /// An unsigned number of so many bytes.
    Unsigned(u8),
    /// A number in single precision.
    Float,
    /// A double.
    Double,
}

fn int_type(bytes: u8) -> Type {
    match bytes {
        1 => I8,
        2 => I16,
        4 => I32,
        _ => I64,
    }
}

impl Emit<'_, '_> {
    /// What a field of the struct `p` holds.
    pub(super) fn member(
        &mut self,
        c: &Crossing,
        member: Member,
        p: Word64,
        offset: usize,
        slow: Block,
    ) -> Word64 {
        let flags = MemFlagsData::trusted();
        let at = offset as i32;
        match member {
            Member::Signed(8) => {
                let n = self.load(p, offset);
                self.small_int(n, slow)
            }
            Member::Unsigned(8) => {
                let n = self.load(p, offset);
                let fits = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, n, Value::INT_MAX);
                self.unless(fits, slow);
                self.b.ins().bor_imm_s(n, INT as i64)
            }
            Member::Signed(bytes) | Member::Unsigned(bytes) => {
                let n = self.b.ins().load(int_type(bytes), flags, p, at);
                let n = self.widened(member, n);
                self.b.ins().bor_imm_s(n, INT as i64)
            }
            Member::Bool => {
                let n = self.b.ins().load(I8, flags, p, at);
                let yes = self.b.ins().icmp_imm_s(IntCC::NotEqual, n, 0);
                self.bool_word(yes)
            }
            Member::Letter => {
                let n = self.b.ins().load(I8, flags, p, at);
                let ascii = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, n, 0);
                self.unless(ascii, slow);
                let n = self.b.ins().uextend(I64, n);
                let offset = self.b.ins().ishl_imm_s(n, 3);
                let letters = self.constant(rt().latin1_chars().as_ptr() as u64);
                let at = self.b.ins().iadd(letters, offset);
                self.load(at, 0)
            }
            Member::Float => {
                let f = self.b.ins().load(F32, flags, p, at);
                let f = self.b.ins().fpromote(F64, f);
                self.boxed(f, slow)
            }
            Member::Double => {
                let f = self.b.ins().load(F64, flags, p, at);
                self.boxed(f, slow)
            }
            Member::Object | Member::Existing => self.object_member(c, member, p, offset, slow),
        }
    }

    /// A narrow number of the field's sort as a word.
    fn widened(&mut self, member: Member, n: Word64) -> Word64 {
        if matches!(member, Member::Signed(_)) {
            self.b.ins().sextend(I64, n)
        } else {
            self.b.ins().uextend(I64, n)
        }
    }

    fn object_member(
        &mut self,
        c: &Crossing,
        member: Member,
        p: Word64,
        offset: usize,
        slow: Block,
    ) -> Word64 {
        let o = self.load(p, offset);
        let after = self.b.create_block();
        let result = self.b.append_block_param(after, I64);
        let none = self.constant(Value::NONE.bits());
        if member == Member::Object {
            let some = self.b.create_block();
            self.b.ins().brif(o, some, &[], after, &[none.into()]);
            self.follow(some);
        } else {
            let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, o, 0);
            self.unless(some, slow);
        }
        let other = self.b.create_block();
        let is_none = self.equals(o, c.singletons[0] as u64);
        self.b.ins().brif(is_none, after, &[none.into()], other, &[]);
        self.follow(other);
        let v = self.managed(c, o, slow);
        self.b.ins().jump(after, &[v.into()]);
        self.follow(after);
        result
    }

    /// A field gets the value in register `b` of the instruction, if that is of the sort that it was when the code got hot and fits. All
    /// else (conversions, warnings, what has to be counted down to nothing) is C's. False: it is not of a sort that the field takes.
    pub(super) fn set_member(
        &mut self,
        w: Word,
        c: &Crossing,
        e: &Entry,
        member: Member,
        offset: usize,
    ) -> bool {
        let guess = self.hint(w.b());
        let fits = match member {
            Member::Object | Member::Existing => !guess.is_int() && !guess.is_float() && !guess.is_empty(),
            Member::Bool => guess.is_bool(),
            Member::Letter => guess.is::<StrObj>(),
            Member::Signed(_) | Member::Unsigned(_) => guess.is_int(),
            Member::Float | Member::Double => guess.is_float(),
        };
        if !fits {
            return false;
        }
        let (obj, v) = (self.reg(w.a()), self.reg(w.b()));
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.unless_found(obj, e, Access::Store, slow);
        if matches!(member, Member::Object | Member::Existing) {
            self.sync(self.at);
            let p = self.mirror(obj, slow);
            let new = self.borrow_object(c, v, guess, slow);
            self.set_reference(c, new, p, offset, slow);
        } else {
            let p = self.mirror(obj, slow);
            let n = self.field(member, v, slow);
            self.store(n, p, offset);
        }
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::store_attr, after);
        true
    }

    /// What stands in a field (that is no reference) for a value.
    fn field(&mut self, member: Member, v: Word64, slow: Block) -> Word64 {
        match member {
            Member::Bool => {
                let masked = self.b.ins().band_imm_s(v, !0x10);
                let is_bool = self.equals(masked, Value::FALSE.bits());
                self.unless(is_bool, slow);
                self.equals(v, Value::TRUE.bits())
            }
            Member::Letter => self.letter(v, slow),
            Member::Float => {
                let f = self.unless_float(v, slow);
                self.b.ins().fdemote(F32, f)
            }
            Member::Double => self.unless_float(v, slow),
            Member::Signed(bytes) | Member::Unsigned(bytes) => {
                self.unless_ints(v, v, slow);
                let n = self.as_int(v);
                if member == Member::Signed(8) {
                    return n;
                }
                if bytes == 8 {
                    let positive = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, n, 0);
                    self.unless(positive, slow);
                    return n;
                }
                let narrow = self.b.ins().ireduce(int_type(bytes), n);
                let back = self.widened(member, narrow);
                let same = self.b.ins().icmp(IntCC::Equal, back, n);
                self.unless(same, slow);
                narrow
            }
            Member::Object | Member::Existing => unreachable!("counted"),
        }
    }

    /// The only letter of an ASCII string.
    fn letter(&mut self, v: Word64, slow: Block) -> Word64 {
        self.unless_map(v, rt().maps.str, slow);
        let length = self.load(v, StrObj::LEN);
        let one = self.equals(length, 1);
        self.unless(one, slow);
        let info = self.load(v, StrObj::INFO);
        let ascii = self.b.ins().band_imm_s(info, StrObj::INFO_ASCII as i64);
        let ascii = self.b.ins().icmp_imm_s(IntCC::NotEqual, ascii, 0);
        self.unless(ascii, slow);
        let place = self.b.ins().ushr_imm_s(info, StrObj::INFO_PLACE as i64);
        let at = self.b.ins().iadd(v, place);
        self.b.ins().load(I8, MemFlagsData::trusted(), at, 0)
    }

    /// A field that holds a reference gets another: of an object whose old value C holds, too, so that nothing dies here.
    pub(super) fn set_reference(&mut self, c: &Crossing, new: Word64, p: Word64, offset: usize, slow: Block) {
        let old = self.load(p, offset);
        let (some, put) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(old, some, &[], put, &[]);
        self.follow(some);
        let count = self.load32(old, c.count);
        // One is the last reference.
        let last = self.b.ins().icmp_imm_s(IntCC::Equal, count, 1);
        self.unless_not(last, slow);
        self.change_count(c, old, count, -1);
        self.b.ins().jump(put, &[]);
        self.follow(put);
        let count = self.load32(new, c.count);
        self.change_count(c, new, count, 1);
        self.store(new, p, offset);
    }

    /// Adds to a count of references, unless the object is not counted.
    pub(super) fn change_count(&mut self, c: &Crossing, p: Word64, count: Word64, by: i64) {
        let (counted, after) = (self.b.create_block(), self.b.create_block());
        let is_counted = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, count, 0);
        self.b.ins().brif(is_counted, counted, &[], after, &[]);
        self.follow(counted);
        let n = self.b.ins().iadd_imm_s(count, by);
        self.store(n, p, c.count);
        self.b.ins().jump(after, &[]);
        self.follow(after);
    }
}
