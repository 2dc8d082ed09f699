//! Operators and attributes of objects of C, whose functions compiled code calls itself.

use cape_bytecode::{BinOp, Word};
use cape_heap::{MapRef, Ptr, Value};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::{I8, I64};
use cape_jit::ir::{Block, InstBuilder};

use super::super::arith::operator;
use super::super::attrs::Access;
use super::attributes::Entry;
use super::crossing::{Convention, Crossing, Definition, Receiver, Target, To, crossing};
use super::emit::{Emit, Word64};
use super::helpers::{self, Helper};
use super::members::Member;
use super::promises::Kept;
use crate::call::raw_method;
use crate::foreign::ForeignObj;
use crate::object::*;
use crate::ops::{Cmp, of_sequence};
use crate::runtime::type_of;
use crate::special::Special;

/// The map of an object whose class caches may rely on.
pub(super) fn stable_map(v: Value) -> Option<MapRef> {
    let map = v.map()?;
    // (A version is given when it is asked for.)
    let version = crate::class::version(type_of(v));
    (version != 0 && map.version.get() == version).then_some(map)
}

/// How an attribute that C defines is read.
pub(super) enum Reader {
    /// From a field at an offset.
    Member(Member, usize),
    /// By a function.
    Getter(Target),
}

/// The function behind a special method that C implements, if compiled code may call it.
pub(super) fn special(c: &Crossing, v: Value, s: Special) -> Option<Target> {
    let (def, _) = raw_method(type_of(v).special(s))?;
    let (convention, function) = (c.function)(def)?;
    Some(Target::new(Definition::Method(def), convention, function))
}

impl Emit<'_, '_> {
    /// A binary operator one operand of which is an object of C, as [`Vm::binary_by_c`](crate::vm::Vm::binary_by_c) has it. False: it is
    /// not so, and nothing is done.
    pub(super) fn binary_by_c(&mut self, w: Word, constant: bool, general: Helper) -> bool {
        let Some(c) = crossing() else { return false };
        let Some(number_of) = BinOp::from_u8(w.x()) else { return false };
        let (op, inplace) = (operator(number_of), number_of.is_inplace());
        let (left, right) =
            (self.hint(w.b()), if constant { self.constant_value(w.c() as u32) } else { self.hint(w.c()) });
        let number = |v: Value| v.is_int() || v.is_float();
        let (s, first) =
            if left.is_ptr() && right.map() == left.map() || left.is::<ForeignObj>() && number(right) {
                let own = inplace && !type_of(left).special(op.inplace).is_empty();
                (if own { op.inplace } else { op.method }, left)
            } else if number(left) && right.is::<ForeignObj>() {
                (op.reflected, right)
            } else {
                return false;
            };
        if of_sequence(op, type_of(first).special(s)) {
            return false;
        }
        let Some(target) = special(c, first, s) else { return false };
        if !matches!(
            target.convention,
            Convention::Objects | Convention::Reflected | Convention::ObjectsAnd(_)
        ) {
            return false;
        }
        let Some(map) = stable_map(first) else { return false };
        let (slow, after, unknown) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.b.set_cold_block(unknown);
        let a = (self.reg(w.b()), left);
        let b = (if constant { self.konst(w.c() as u32) } else { self.reg(w.c()) }, right);
        let second = if inplace { op.inplace } else { s };
        let kept = Kept::specials(type_of(first), s, second);
        self.unless_operands(a, b, map, kept, slow);
        let (values, receiver) = if first == left { ([a, b], w.b()) } else { ([b, a], w.c()) };
        let receiver = Receiver::Register(receiver);
        let unknown_answer = Some((Value::NOT_IMPLEMENTED, unknown));
        self.cross(c, target, &values, receiver, self.at, To::Register(w.a()), slow, after, unknown_answer);
        self.follow(unknown);
        self.ended = false;
        self.perform(if s == op.inplace { helpers::inplace_unknown } else { helpers::binary_unknown });
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, general, after);
        true
    }

    /// Goes on if the operand that is an object is of a class that keeps the promise; if both are, of one class.
    pub(super) fn unless_operands(
        &mut self,
        a: (Word64, Value),
        b: (Word64, Value),
        map: MapRef,
        kept: Kept,
        slow: Block,
    ) {
        let objects: Vec<Word64> = [a, b].into_iter().filter(|o| o.1.is_ptr()).map(|o| o.0).collect();
        self.unless_kept(objects[0], map, kept, slow);
        if let Some(&other) = objects.get(1) {
            let pointer = self.is_pointer(other);
            self.unless(pointer, slow);
            let (p, q) = (self.load32(objects[0], 0), self.load32(other, 0));
            let same = self.b.ins().icmp(IntCC::Equal, p, q);
            self.unless(same, slow);
        }
    }

    /// A comparison of an object of C with another of its class or a number, with the jump on it. False: it is none, and nothing is done.
    pub(super) fn compare_by_c(&mut self, w: Word, constant: bool, general: Helper) -> bool {
        let Some(c) = crossing() else { return false };
        let left = self.hint(w.b());
        let right = if constant { self.constant_value(w.c() as u32) } else { self.hint(w.c()) };
        let number = right.is_int() || right.is_float();
        if !left.is_ptr() || left.map() != right.map() && !(number && left.is::<ForeignObj>()) {
            return false;
        }
        let Some(target) = special(c, left, Cmp::from_index(w.x()).special()) else { return false };
        let Some(map) = stable_map(left) else { return false };
        if !matches!(target.convention, Convention::ObjectsAnd(_)) {
            return false;
        }
        let (slow, result, done) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let unknown = self.b.create_block();
        self.b.set_cold_block(slow);
        self.b.set_cold_block(unknown);
        let truth = self.b.append_block_param(done, I8);
        let a = self.reg(w.b());
        let b = if constant { self.konst(w.c() as u32) } else { self.reg(w.c()) };
        let values = [(a, left), (b, right)];
        let kept = Kept::special(type_of(left), Cmp::from_index(w.x()).special());
        self.unless_operands(values[0], values[1], map, kept, slow);
        let receiver = Receiver::Register(w.b());
        let unknown_answer = Some((Value::NOT_IMPLEMENTED, unknown));
        self.cross(c, target, &values, receiver, self.at, To::Register(w.a()), slow, result, unknown_answer);
        self.follow(result);
        self.ended = false;
        self.forget();
        let v = self.load(self.regs, 8 * w.a() as usize);
        let masked = self.b.ins().band_imm_s(v, !0x10);
        let is_bool = self.equals(masked, Value::FALSE.bits());
        let (boolean, odd) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        self.b.ins().brif(is_bool, boolean, &[], odd, &[]);
        self.follow(boolean);
        let yes = self.equals(v, Value::TRUE.bits());
        self.b.ins().jump(done, &[yes.into()]);
        // The interpreter goes on with what is in the register.
        self.follow(odd);
        let next = self.address(self.at + 2);
        self.leave_with(next);
        for (block, helper) in [(unknown, helpers::compare_unknown as Helper), (slow, general)] {
            self.follow(block);
            let yes = self.answer_of_comparison(helper);
            self.b.ins().jump(done, &[yes.into()]);
        }
        self.follow(done);
        self.forget();
        self.branch_on(w, 2, truth);
        true
    }

    /// An instruction that is a call of one special method of the object in register `first`, with the values of `others`.
    pub(super) fn special_by_c(
        &mut self,
        s: Special,
        first: u16,
        others: &[(Word64, Value)],
        to: Option<u16>,
        accepts: fn(Convention) -> bool,
        general: Helper,
    ) -> bool {
        let Some(c) = crossing() else { return false };
        let guess = self.hint(first);
        if !guess.is_ptr() || others.iter().any(|o| o.1.is_empty()) {
            return false;
        }
        let Some(target) = special(c, guess, s).filter(|t| accepts(t.convention)) else { return false };
        let Some(map) = stable_map(guess) else { return false };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let v = self.reg(first);
        self.unless_kept(v, map, Kept::special(type_of(guess), s), slow);
        let mut values = vec![(v, guess)];
        values.extend_from_slice(others);
        let to = to.map_or(To::Nowhere, To::Register);
        self.cross(c, target, &values, Receiver::Register(first), self.at, to, slow, after, None);
        self.otherwise(slow, general, after);
        true
    }

    /// The next item of an iterator of C: goes on with `next`, or with `done` at the end. False: it is none.
    pub(super) fn next_by_c(&mut self, w: Word, next: Block, done: Block, slow: Block) -> bool {
        let Some(c) = crossing() else { return false };
        let guess = self.hint(w.b());
        if !guess.is_ptr() {
            return false;
        }
        let Some(target) = special(c, guess, Special::Next).filter(|t| t.convention == Convention::Next)
        else {
            return false;
        };
        let Some(map) = stable_map(guess) else { return false };
        let it = self.reg(w.b());
        self.unless_kept(it, map, Kept::special(type_of(guess), Special::Next), slow);
        let (values, receiver) = ([(it, guess)], Receiver::Register(w.b()));
        let end = Some((Value::DELETED, done));
        self.cross(c, target, &values, receiver, self.at, To::Register(w.a()), slow, next, end);
        true
    }

    /// The function of C behind a special method, of the object in a register, that gives a truth value or a length.
    pub(super) fn test_target(&self, s: Special, r: u16) -> Option<(Target, MapRef)> {
        let guess = self.hint(r);
        let c = crossing().filter(|_| guess.is_ptr())?;
        let target = special(c, guess, s)
            .filter(|t| matches!(t.convention, Convention::Truth | Convention::Number))?;
        Some((target, stable_map(guess)?))
    }

    /// The method that tells whether the object in a register is true.
    pub(super) fn truth_method(&self, r: u16) -> Option<Special> {
        let guess = self.hint(r);
        let class = guess.is_ptr().then(|| type_of(guess))?;
        Some(if class.special(Special::Bool).is_empty() { Special::Len } else { Special::Bool })
    }

    /// As [`Emit::special_by_c`], where the special method gives a truth value: gives that.
    pub(super) fn test_by_c(
        &mut self,
        s: Special,
        first: u16,
        others: &[(Word64, Value)],
        general: Helper,
    ) -> Option<Word64> {
        let c = crossing()?;
        let (target, map) = self.test_target(s, first).filter(|_| !others.iter().any(|o| o.1.is_empty()))?;
        let guess = self.hint(first);
        let (slow, answered, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let truth = self.b.append_block_param(after, I8);
        let v = self.reg(first);
        // (Of two methods that tell the truth it is the second for lack of the first.)
        let second = if s == Special::Len { Special::Bool } else { s };
        self.unless_kept(v, map, Kept::specials(type_of(guess), s, second), slow);
        let mut values = vec![(v, guess)];
        values.extend_from_slice(others);
        let scratch = self.stack_slot(8);
        let receiver = Receiver::Register(first);
        self.cross(c, target, &values, receiver, self.at, To::Memory(scratch), slow, answered, None);
        self.follow(answered);
        let v = self.b.ins().stack_load(I64, I64, scratch, 0);
        let false_value = if target.convention == Convention::Truth { Value::FALSE } else { Value::int(0) };
        let yes = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, false_value.bits() as i64);
        self.b.ins().jump(after, &[yes.into()]);
        self.follow(slow);
        let yes = self.answer_of_test(general);
        self.b.ins().jump(after, &[yes.into()]);
        self.follow(after);
        self.forget();
        self.ended = false;
        Some(truth)
    }

    /// How compiled code reads an attribute that C defines, of objects of a class; `None`: it does not.
    pub(super) fn reader(&self, t: Ptr<TypeObj>, g: Ptr<GetSetObj>) -> Option<Reader> {
        let c = crossing()?;
        if !g.class.downcast::<TypeObj>().is_some_and(|owner| t.is_subtype(owner)) {
            return None;
        }
        if let Some((member, offset)) = (c.member)(g.def) {
            return Some(Reader::Member(member, offset));
        }
        let (convention, function) = (c.getter)(g.def)?;
        Some(Reader::Getter(Target::new(Definition::Attribute(g.def), convention, function)))
    }

    /// Reads an attribute of the object in register `of` into another, for the instruction that stands at `word` meanwhile.
    #[allow(clippy::too_many_arguments, reason = "everything about a crossing")]
    pub(super) fn read_by_c(
        &mut self,
        to: u16,
        obj: Word64,
        of: u16,
        reader: Reader,
        word: u32,
        slow: Block,
        after: Block,
    ) {
        let c = crossing().expect("there is a reader");
        match reader {
            Reader::Member(member, offset) => {
                let p = self.mirror(obj, slow);
                let v = self.member(c, member, p, offset, slow);
                self.store(v, self.regs, 8 * to as usize);
                self.b.ins().jump(after, &[]);
            }
            Reader::Getter(target) => {
                let values = [(obj, Value::EMPTY)];
                let (of, to) = (Receiver::Register(of), To::Register(to));
                self.cross(c, target, &values, of, word, to, slow, after, None);
            }
        }
    }

    /// An attribute that C defines, by the cache entry that was filled for it: read from the struct, or by its getter.
    pub(super) fn load_attr_by_c(&mut self, w: Word, e: &Entry, d: Value) -> bool {
        let Some(class) = e.class() else { return false };
        let Some(reader) = d.downcast::<GetSetObj>().and_then(|g| self.reader(class, g)) else {
            return false;
        };
        let obj = self.reg(w.b());
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.unless_found(obj, e, Access::Load, slow);
        self.read_by_c(w.a(), obj, w.b(), reader, self.at, slow, after);
        self.otherwise(slow, helpers::load_attr, after);
        true
    }

    /// An attribute that is written by its setter.
    pub(super) fn store_attr_by_c(&mut self, w: Word, e: &Entry, d: Value) -> bool {
        let (Some(c), Some(g)) = (crossing(), d.downcast::<GetSetObj>()) else { return false };
        let guess = self.hint(w.b());
        if let Some((member, offset)) = (c.member)(g.def)
            && g.def.set.is_some()
        {
            return self.set_member(w, c, e, member, offset);
        }
        let Some((convention, function)) = (c.setter)(g.def).filter(|_| !guess.is_empty()) else {
            return false;
        };
        let (obj, v) = (self.reg(w.a()), self.reg(w.b()));
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.unless_found(obj, e, Access::Store, slow);
        let target = Target::new(Definition::Attribute(g.def), convention, function);
        let values = [(obj, Value::EMPTY), (v, guess)];
        self.cross(c, target, &values, Receiver::Register(w.a()), self.at, To::Nowhere, slow, after, None);
        self.otherwise(slow, helpers::store_attr, after);
        true
    }
}
