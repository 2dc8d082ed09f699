//! Crossings that compiled code makes itself: it lends the C sides of the values, calls the function, and takes over what it gives.
//!
//! What is in the way: a value that has no C side yet and is no number, an exception that is being handled, a thread that has not been
//! in C. Then the helper does the whole instruction.

use std::mem::offset_of;
use std::sync::OnceLock;

use cape_heap::{MapRef, ObjFlags, Value, heap};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::{I32, I64};
use cape_jit::ir::{Block, InstBuilder, StackSlot};

use super::emit::{Emit, FLOAT, INT, Word64};
use super::members::Member;
use crate::native::{GetSetDef, MethodDef};
use crate::object::*;
use crate::vm::Vm;

/// What a function of C takes and gives, of the sorts that compiled code knows. `p`: the C sides of the values, receiver first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Convention {
    /// `object f(p0, NULL)`.
    NoArgs,
    /// `object f(p0, &p1, count)`.
    Fast,
    /// `object f(p0, &p1, count, names)`.
    FastKeywords,
    /// `object f(p...)`.
    Objects,
    /// `object f(p..., constant)`: an operator of comparison, a closure.
    ObjectsAnd(usize),
    /// `object f(p1, p0)`.
    Reflected,
    /// `object f(p0)`, NULL at the end of an iteration.
    Next,
    /// `Py_ssize_t f(p0)`; -1: an exception is set.
    Number,
    /// `int f(p...)`: a truth value; negative: an exception is set.
    Truth,
    /// `int f(p..., constant)` or, without one, `int f(p...)`: negative: an exception is set.
    Status(Option<usize>),
}

/// A definition of a function or an attribute that C implements.
#[derive(Clone, Copy)]
pub enum Definition {
    /// Of a function, method or slot.
    Method(&'static MethodDef),
    /// Of an attribute.
    Attribute(&'static GetSetDef),
}

/// The functions that take over what C has returned, as after every call: they give the value, or EMPTY with the exception in the VM.
/// The definition and the receiver are for messages.
#[derive(Clone, Copy)]
pub struct Finish {
    /// After a function that gives an object.
    pub object: unsafe extern "C-unwind" fn(&Vm, *const u8, Value, *mut u8) -> Value,
    /// After one that gives a status: None.
    pub status: unsafe extern "C-unwind" fn(&Vm, *const u8, Value, i64) -> Value,
}

/// What the bridge tells compiled code of crossings. Offsets are in bytes.
pub struct Crossing {
    /// The function behind a definition and what it takes; `None`: it is not called by compiled code.
    pub function: fn(&'static MethodDef) -> Option<(Convention, *const u8)>,
    /// The function that reads an attribute; `None` as above.
    pub getter: fn(&'static GetSetDef) -> Option<(Convention, *const u8)>,
    /// The function that writes an attribute.
    pub setter: fn(&'static GetSetDef) -> Option<(Convention, *const u8)>,
    /// The field that an attribute reads, and its offset in the struct.
    pub member: fn(&'static GetSetDef) -> Option<(Member, usize)>,
    /// The C sides of None, False and True.
    pub singletons: [usize; 3],
    /// The C sides of small ints: the address of the first, the size of each, the first and the last number.
    pub small_ints: (usize, usize, i64, i64),
    /// In a thread's C state: where the exception is that C has raised, and what points to the cell of the one that it handles.
    pub raised: usize,
    pub handled: usize,
    /// In what [`Vm::c_scratch`] points to: the number of the next free pair of an int and a float that may be lent, the pairs, and how
    /// many they are.
    pub next: usize,
    pub pairs: usize,
    pub most: usize,
    /// In a C object: its count of references (32 bits; negative: it is not counted), its link (32 bits, none when the low half is 0), an
    /// int's tag and its digits, a float's number.
    pub count: usize,
    pub link: usize,
    pub tag: usize,
    pub digits: usize,
    pub double: usize,
    /// For what [`Definition::Method`] and [`Definition::Attribute`] name.
    pub finish: [Finish; 2],
    /// After [`Convention::Next`]: also DELETED, at the end.
    pub finish_next: unsafe extern "C-unwind" fn(&Vm, *const u8, Value, *mut u8) -> Value,
    /// After a function that gives a number.
    pub finish_number: unsafe extern "C-unwind" fn(&Vm, i64) -> Value,
    /// Gives an object a C side, which its link keeps. NULL: it is a number, or there was an error; nothing is done then.
    pub give_link: unsafe extern "C-unwind" fn(&Vm, Value) -> *mut u8,
    /// Gives pairs back, from this one on.
    pub give_back: unsafe extern "C-unwind" fn(usize),
}

static CROSSING: OnceLock<Crossing> = OnceLock::new();

/// Tells what the compiler needs to know of C, once.
pub fn set_crossing(c: Crossing) {
    let _ = CROSSING.set(c);
}

/// What has been told; `None` before the first extension.
pub(super) fn crossing() -> Option<&'static Crossing> {
    CROSSING.get()
}

/// A function of C that is called.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub definition: Definition,
    pub convention: Convention,
    pub function: *const u8,
}

/// Where the receiver is after the call.
#[derive(Clone, Copy)]
pub(super) enum Receiver {
    /// In a register.
    Register(u16),
    /// In the builtin function in a register.
    OfFunction(u16),
}

/// A number that is lent: the pair's count is to be looked at after the call.
struct Lent {
    /// Scratch memory of the thread, and the first pair that this call lends.
    scratch: Word64,
    first: Word64,
    objects: Vec<Word64>,
}

/// Where the result of a crossing goes. (What is an object is for a register only, where the collector sees it.)
#[derive(Clone, Copy)]
pub(super) enum To {
    Nowhere,
    Register(u16),
    Memory(StackSlot),
}

/// How a crossing ends: with `settle`, which gets the value, if something is to be given back, else in the register, if there is one,
/// and with `after`.
#[derive(Clone, Copy)]
struct End {
    to: To,
    settle: Option<Block>,
    after: Block,
}

impl Emit<'_, '_> {
    /// Goes on with `slow` while an exception is being handled, and where the thread has not been in C.
    fn ready_to_cross(&mut self, slow: Block) {
        let handled = self.load(self.vm, offset_of!(Vm, handled));
        let nothing = self.equals(handled, 0);
        self.unless(nothing, slow);
        let aside = self.load32(self.vm, offset_of!(Vm, set_aside));
        self.unless_not(aside, slow);
        let state = self.load(self.vm, offset_of!(Vm, c_state));
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, state, 0);
        self.unless(some, slow);
    }

    /// Calls a function of C with values, of which guesses say what sort they are; `to` gets the result, if anything does, and all goes
    /// on with `after`; with the block of `special`, and nothing there, if it is that value. While C runs the frame stands at `word`.
    #[allow(clippy::too_many_arguments, reason = "everything about a crossing")]
    pub(super) fn cross(
        &mut self,
        c: &'static Crossing,
        target: Target,
        values: &[(Word64, Value)],
        receiver: Receiver,
        word: u32,
        to: To,
        slow: Block,
        after: Block,
        special: Option<(Value, Block)>,
    ) {
        self.ready_to_cross(slow);
        self.sync(word);
        let mut lent: Option<Lent> = None;
        // Numbers last: giving an object a C side may lend some, too.
        let mut p = vec![self.vm; values.len()];
        for numbers in [false, true] {
            for (p, &(v, guess)) in p.iter_mut().zip(values) {
                if (guess.is_int() || guess.is_float()) == numbers {
                    *p = self.lend(c, v, guess, &mut lent, slow);
                }
            }
        }
        if let Some(l) = &lent {
            let next = self.b.ins().iadd_imm_s(l.first, l.objects.len() as i64);
            self.store(next, l.scratch, c.next);
        }
        let f = self.constant(target.function as u64);
        let r = match target.convention {
            Convention::NoArgs => {
                let null = self.constant(0);
                self.call_c(f, &[p[0], null])
            }
            Convention::Fast | Convention::FastKeywords => {
                let row = self.row(&p[1..]);
                let count = self.constant(p.len() as u64 - 1);
                if target.convention == Convention::Fast {
                    self.call_c(f, &[p[0], row, count])
                } else {
                    let no_names = self.constant(0);
                    self.call_c(f, &[p[0], row, count, no_names])
                }
            }
            Convention::Reflected => self.call_c(f, &[p[1], p[0]]),
            Convention::ObjectsAnd(k) | Convention::Status(Some(k)) => {
                p.push(self.constant(k as u64));
                self.call_c(f, &p)
            }
            _ => self.call_c(f, &p),
        };
        self.forget();
        // What was lent is given back when the result has been taken over, which may be a number that was lent.
        let settle = lent.as_ref().map(|_| {
            let settle = self.b.create_block();
            self.b.append_block_param(settle, I64);
            settle
        });
        let end = End { to, settle, after };
        let state = self.load(self.vm, offset_of!(Vm, c_state));
        let raised = self.load(state, c.raised);
        let cell = self.load(state, c.handled);
        let handling = self.load(cell, 0);
        let either = self.b.ins().bor(raised, handling);
        let finish = self.b.create_block();
        self.b.set_cold_block(finish);
        match target.convention {
            Convention::Number => {
                self.unless_not(either, finish);
                let fits = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, r, Value::INT_MAX);
                self.unless(fits, finish);
                let v = self.b.ins().bor_imm_s(r, INT as i64);
                self.arrive(end, v);
            }
            Convention::Truth | Convention::Status(_) => {
                self.unless_not(either, finish);
                let n = self.b.ins().ireduce(I32, r);
                let good = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, n, 0);
                self.unless(good, finish);
                let v = if target.convention == Convention::Truth {
                    let yes = self.b.ins().icmp_imm_s(IntCC::NotEqual, n, 0);
                    self.bool_word(yes)
                } else {
                    self.constant(Value::NONE.bits())
                };
                self.arrive(end, v);
            }
            _ => {
                self.unless_not(either, finish);
                self.quick_result(c, r, end, finish);
            }
        }
        self.follow(finish);
        let v = match target.convention {
            Convention::Number => {
                let f = self.constant(c.finish_number as usize as u64);
                self.call_c(f, &[self.vm, r])
            }
            convention => {
                let (kind, definition) = match target.definition {
                    Definition::Method(d) => (0, std::ptr::from_ref(d) as u64),
                    Definition::Attribute(d) => (1, std::ptr::from_ref(d) as u64),
                };
                let finish = &c.finish[kind];
                let status = matches!(convention, Convention::Truth | Convention::Status(_));
                let f = match convention {
                    Convention::Next => c.finish_next as usize,
                    _ if status => finish.status as usize,
                    _ => finish.object as usize,
                };
                let f = self.constant(f as u64);
                let definition = self.constant(definition);
                let this = match receiver {
                    Receiver::Register(r) => self.load(self.regs, 8 * r as usize),
                    Receiver::OfFunction(r) => {
                        let f = self.load(self.regs, 8 * r as usize);
                        self.load(f, offset_of!(BuiltinObj, this))
                    }
                };
                self.call_c(f, &[self.vm, definition, this, r])
            }
        };
        let v = match settle {
            None => v,
            Some(settle) => {
                self.b.ins().jump(settle, &[v.into()]);
                self.follow(settle);
                if let Some(l) = lent {
                    self.give_back(c, l);
                }
                self.b.block_params(settle)[0]
            }
        };
        let (failed, fine) = (self.b.create_block(), self.b.create_block());
        let none = self.equals(v, 0);
        self.b.ins().brif(none, failed, &[], fine, &[]);
        self.follow(failed);
        let status = self.constant(super::RAISED);
        self.leave_with(status);
        self.follow(fine);
        if let Some((value, block)) = special {
            let other = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, value.bits() as i64);
            self.unless(other, block);
        }
        self.arrive(End { to, settle: None, after }, v);
        self.ended = true;
    }

    /// The word of a truth value.
    pub(super) fn bool_word(&mut self, condition: Word64) -> Word64 {
        let bit = self.b.ins().uextend(I64, condition);
        let bit = self.b.ins().ishl_imm_s(bit, 4);
        self.b.ins().bor_imm_s(bit, Value::FALSE.bits() as i64)
    }

    /// The value goes where the crossing ends.
    fn arrive(&mut self, end: End, v: Word64) {
        if let Some(settle) = end.settle {
            self.b.ins().jump(settle, &[v.into()]);
            return;
        }
        match end.to {
            To::Nowhere => {}
            To::Register(r) => self.store(v, self.regs, 8 * r as usize),
            To::Memory(slot) => {
                self.b.ins().stack_store(I64, v, slot, 0);
            }
        }
        self.b.ins().jump(end.after, &[]);
    }

    /// The results that need no function to take them over: singletons, small ints, objects that are linked and that C keeps.
    fn quick_result(&mut self, c: &Crossing, p: Word64, end: End, finish: Block) {
        let singletons = [Value::NONE, Value::FALSE, Value::TRUE].into_iter().zip(c.singletons);
        for (value, at) in singletons {
            let (yes, no) = (self.b.create_block(), self.b.create_block());
            let same = self.equals(p, at as u64);
            self.b.ins().brif(same, yes, &[], no, &[]);
            self.follow(yes);
            let v = self.constant(value.bits());
            self.arrive(end, v);
            self.follow(no);
        }
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, finish);
        let (base, size, first, last) = c.small_ints;
        let (small, other) = (self.b.create_block(), self.b.create_block());
        let at = self.b.ins().iadd_imm_s(p, -(base as i64));
        let limit = (last - first + 1) * size as i64;
        let inside = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, at, limit);
        self.b.ins().brif(inside, small, &[], other, &[]);
        self.follow(small);
        let i = self.b.ins().ushr_imm_s(at, size.trailing_zeros() as i64);
        let i = self.b.ins().iadd_imm_s(i, first);
        let v = self.b.ins().bor_imm_s(i, INT as i64);
        self.arrive(end, v);
        self.follow(other);
        let v = self.managed(c, p, finish);
        let counted = self.b.create_block();
        let count = self.load32(p, c.count);
        let several = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, count, 1);
        let (drop, immortal) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(several, drop, &[], immortal, &[]);
        self.follow(drop);
        let less = self.b.ins().iadd_imm_s(count, -1);
        self.store(less, p, c.count);
        self.b.ins().jump(counted, &[]);
        self.follow(immortal);
        let uncounted = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, count, 0);
        self.unless(uncounted, finish);
        self.b.ins().jump(counted, &[]);
        self.follow(counted);
        self.arrive(end, v);
    }

    /// The address of the link with an index (of 32 bits): the managed object, then its mirror.
    fn link_entry(&mut self, link: Word64) -> Word64 {
        let link = self.b.ins().uextend(I64, link);
        let offset = self.b.ins().ishl_imm_s(link, 4);
        let links = self.constant(heap().links_base() as u64);
        self.b.ins().iadd(links, offset)
    }

    /// The managed side of a C object; goes on with `other` if it has none.
    pub(super) fn managed(&mut self, c: &Crossing, p: Word64, other: Block) -> Word64 {
        let link = self.load32(p, c.link);
        let low = self.b.ins().band_imm_s(link, 0xffff);
        let linked = self.b.ins().icmp_imm_s(IntCC::NotEqual, low, 0);
        self.unless(linked, other);
        let entry = self.link_entry(link);
        let v = self.load(entry, 0);
        let pointer = self.is_pointer(v);
        self.unless(pointer, other);
        v
    }

    /// Goes on if `v` has this map and its class is as it was.
    pub(super) fn unless_class(&mut self, v: Word64, map: MapRef, other: Block) {
        self.unless_map(v, map, other);
        let at = self.constant(&raw const map.version as u64);
        let now = self.load32(at, 0);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, now, map.version.get() as i64);
        self.unless(same, other);
    }

    /// The C side of an object; goes on with `slow` if it has none.
    pub(super) fn mirror(&mut self, v: Word64, slow: Block) -> Word64 {
        let p = self.mirror_or_null(v);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, slow);
        p
    }

    fn mirror_or_null(&mut self, v: Word64) -> Word64 {
        let meta = self.load32(v, 4);
        let link = self.b.ins().band_imm_s(meta, ObjFlags::LINK_MASK as i64);
        let entry = self.link_entry(link);
        self.load(entry, 8)
    }

    /// The C side of an object, which is made if it has none; goes on with `slow` if that cannot be.
    fn lend_object(&mut self, crossing: &Crossing, v: Word64, slow: Block) -> Word64 {
        let (make, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(make);
        let result = self.b.append_block_param(after, I64);
        let p = self.mirror_or_null(v);
        self.b.ins().brif(p, after, &[p.into()], make, &[]);
        self.follow(make);
        let f = self.constant(crossing.give_link as usize as u64);
        let p = self.call_c(f, &[self.vm, v]);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, slow);
        self.b.ins().jump(after, &[p.into()]);
        self.follow(after);
        result
    }

    /// The C side of an argument that is of the sort that `guess` is; goes on with `slow` if it is of another, or has none.
    fn lend(
        &mut self,
        crossing: &Crossing,
        v: Word64,
        guess: Value,
        lent: &mut Option<Lent>,
        slow: Block,
    ) -> Word64 {
        if guess.is_int() {
            return self.lend_int(crossing, v, lent, slow);
        }
        if guess.is_float() {
            let bits = self.b.ins().iadd_imm_s(v, -(FLOAT as i64));
            let float = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, bits, (INT - FLOAT) as i64);
            self.unless(float, slow);
            let p = self.borrow(crossing, lent, 8, slow);
            self.store(bits, p, crossing.double);
            return p;
        }
        self.borrow_object(crossing, v, guess, slow)
    }

    /// As [`Emit::lend`], of what is no number.
    pub(super) fn borrow_object(
        &mut self,
        crossing: &Crossing,
        v: Word64,
        guess: Value,
        slow: Block,
    ) -> Word64 {
        if guess.is_ptr() || guess.is_empty() {
            let pointer = self.is_pointer(v);
            self.unless(pointer, slow);
            return self.lend_object(crossing, v, slow);
        }
        for (value, at) in [Value::NONE, Value::FALSE, Value::TRUE].into_iter().zip(crossing.singletons) {
            if guess == value {
                let same = self.equals(v, value.bits());
                self.unless(same, slow);
                return self.constant(at as u64);
            }
        }
        self.b.ins().jump(slow, &[]);
        let unreachable = self.b.create_block();
        self.follow(unreachable);
        self.constant(0)
    }

    fn lend_int(&mut self, crossing: &Crossing, v: Word64, lent: &mut Option<Lent>, slow: Block) -> Word64 {
        self.unless_ints(v, v, slow);
        let i = self.as_int(v);
        let (base, size, first, last) = crossing.small_ints;
        let (large, after) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(after, I64);
        // A pair is taken for it in any case, so that the number of pairs does not depend on the numbers.
        let p = self.borrow(crossing, lent, 0, slow);
        let at = self.b.ins().iadd_imm_s(i, -first);
        let small = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, at, last - first);
        self.unless(small, large);
        let offset = self.b.ins().imul_imm_s(at, size as i64);
        let table = self.constant(base as u64);
        let s = self.b.ins().iadd(table, offset);
        self.b.ins().jump(after, &[s.into()]);
        self.follow(large);
        let sign = self.b.ins().sshr_imm_s(i, 63);
        let flipped = self.b.ins().bxor(i, sign);
        let magnitude = self.b.ins().isub(flipped, sign);
        let low = self.b.ins().band_imm_s(magnitude, 0x3fff_ffff);
        let high = self.b.ins().ushr_imm_s(magnitude, 30);
        let upper = self.b.ins().ishl_imm_s(high, 32);
        let digits = self.b.ins().bor(low, upper);
        self.store(digits, p, crossing.digits);
        let two = self.b.ins().icmp_imm_s(IntCC::NotEqual, high, 0);
        let two = self.b.ins().uextend(I64, two);
        let n = self.b.ins().iadd_imm_s(two, 1);
        let n = self.b.ins().ishl_imm_s(n, 3);
        let negative = self.b.ins().band_imm_s(sign, 2);
        let tag = self.b.ins().bor(n, negative);
        self.store(tag, p, crossing.tag);
        self.b.ins().jump(after, &[p.into()]);
        self.follow(after);
        result
    }

    /// The int (at 0) or float (at 8) of the next pair that can be lent.
    fn borrow(&mut self, crossing: &Crossing, lent: &mut Option<Lent>, which: usize, slow: Block) -> Word64 {
        if lent.is_none() {
            let scratch = self.load(self.vm, offset_of!(Vm, c_scratch));
            let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, scratch, 0);
            self.unless(some, slow);
            let first = self.load(scratch, crossing.next);
            let fits = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, first, crossing.most as i64 - 8);
            self.unless(fits, slow);
            *lent = Some(Lent { scratch, first, objects: Vec::new() });
        }
        let l = lent.as_ref().expect("made above");
        let (scratch, first, k) = (l.scratch, l.first, l.objects.len());
        let offset = self.b.ins().ishl_imm_s(first, 4);
        let pair = self.b.ins().iadd(scratch, offset);
        let p = self.load(pair, crossing.pairs + 16 * k + which);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, slow);
        lent.as_mut().expect("made above").objects.push(p);
        p
    }

    /// Gives back what was lent; what C has kept is replaced.
    fn give_back(&mut self, crossing: &Crossing, l: Lent) {
        let (kept, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(kept);
        let mut all = None;
        for p in l.objects {
            let count = self.load32(p, crossing.count);
            all = Some(match all {
                None => count,
                Some(a) => self.b.ins().bor(a, count),
            });
        }
        let ours = self.b.ins().icmp_imm_s(IntCC::Equal, all.expect("some number"), 1);
        let quick = self.b.create_block();
        self.b.ins().brif(ours, quick, &[], kept, &[]);
        self.follow(quick);
        self.store(l.first, l.scratch, crossing.next);
        self.b.ins().jump(after, &[]);
        self.follow(kept);
        let f = self.constant(crossing.give_back as usize as u64);
        self.call_c(f, &[l.first]);
        self.b.ins().jump(after, &[]);
        self.follow(after);
    }

    /// Arguments in a row; gives its address.
    fn row(&mut self, arguments: &[Word64]) -> Word64 {
        let slot = self.stack_slot(8 * arguments.len().max(1) as u32);
        let row = self.b.ins().stack_addr(I64, slot, 0);
        for (i, &a) in arguments.iter().enumerate() {
            self.store(a, row, 8 * i);
        }
        row
    }
}
