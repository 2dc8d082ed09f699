//! Call sites: functions of C are called by compiled code itself where nothing is in the way, all others by the helper.
//!
//! What is in the way of a call into C: an argument that has no C side yet and is no number, an exception that is being handled, a
//! thread that has not been in C. Then the helper does the whole call.

use std::mem::offset_of;
use std::sync::OnceLock;

use cape_bytecode::Word;
use cape_heap::{MapRef, ObjFlags, Value, heap};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::I64;
use cape_jit::ir::{Block, InstBuilder};

use super::super::calls::Callee;
use super::emit::{Emit, INT, INT_SHIFT, Word64};
use super::helpers;
use crate::native::MethodDef;
use crate::object::*;
use crate::runtime::rt;
use crate::vm::Vm;

/// How a function of C takes its arguments, of the conventions that compiled code knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// The receiver, and a null pointer.
    NoArgs,
    /// The receiver, and the argument.
    One,
    /// The receiver, the address of the arguments, and how many they are.
    Fast,
    /// As [`Convention::Fast`], with the names of the last arguments.
    FastKeywords,
}

/// What the bridge tells compiled code of crossings. Offsets are in bytes.
pub struct Crossing {
    /// The function behind a definition and its convention; `None`: it is not called by compiled code.
    pub function: fn(&'static MethodDef) -> Option<(Convention, *const u8)>,
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
    /// In a C object: its count of references (32 bits), an int's tag and its digits, a float's number.
    pub count: usize,
    pub tag: usize,
    pub digits: usize,
    pub double: usize,
    /// Takes over what a function returned, as after every call: the value, or EMPTY with the exception in the VM.
    pub finish: unsafe extern "C-unwind" fn(&Vm, &'static MethodDef, Value, *mut u8) -> Value,
    /// Gives pairs back, from this one on.
    pub give_back: unsafe extern "C-unwind" fn(usize),
}

static CROSSING: OnceLock<Crossing> = OnceLock::new();

/// Tells what the compiler needs to know of C, once.
pub fn set_crossing(c: Crossing) {
    let _ = CROSSING.set(c);
}

/// A number that is lent: the pair's count is to be looked at after the call.
struct Lent {
    /// Scratch memory of the thread, and the first pair that this call lends.
    scratch: Word64,
    first: Word64,
    objects: Vec<Word64>,
}

impl Emit<'_, '_> {
    pub(super) fn call_site(&mut self, w: Word) {
        self.poll();
        if let Some(crossing) = CROSSING.get()
            && let Some(callee) = Callee::recorded(self.word(self.at + 1), self.word(self.at + 2))
            && let Some((convention, function)) = (crossing.function)(callee.def())
            && self.call_into(w, crossing, callee, convention, function)
        {
            return;
        }
        self.perform(helpers::call);
    }

    /// A call of a function of C; false, with nothing done, if it is one for the helper.
    fn call_into(
        &mut self,
        w: Word,
        crossing: &'static Crossing,
        callee: Callee,
        convention: Convention,
        function: *const u8,
    ) -> bool {
        let n = w.c();
        let count_fits = match convention {
            Convention::NoArgs => n == 0,
            Convention::One => n == 1,
            Convention::Fast | Convention::FastKeywords => n <= 6,
        };
        let receiver_map = match callee {
            Callee::Function(_) => None,
            Callee::Method(_, class) => {
                let this = self.hint(w.b() + 1);
                let Some(map) = this.map().filter(|_| crate::runtime::type_of(this).is_subtype(class)) else {
                    return false;
                };
                Some(map)
            }
        };
        if !count_fits {
            return false;
        }
        let slow = self.b.create_block();
        self.b.set_cold_block(slow);
        let after = self.b.create_block();
        let this = self.callee_guard(w, callee, receiver_map, slow);

        // Nothing is being handled, and the thread has been in C.
        let handled = self.load(self.vm, offset_of!(Vm, handled));
        let nothing = self.equals(handled, 0);
        self.unless(nothing, slow);
        let aside = self.load32(self.vm, offset_of!(Vm, set_aside));
        self.unless_not(aside, slow);
        let state = self.load(self.vm, offset_of!(Vm, c_state));
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, state, 0);
        self.unless(some, slow);

        let this_c = self.mirror(this, slow);
        let mut lent: Option<Lent> = None;
        let mut arguments = Vec::new();
        for i in 0..n {
            let r = w.b() + 2 + i;
            let v = self.reg(r);
            let guess = self.hint(r);
            arguments.push(self.lend(crossing, v, guess, &mut lent, slow));
        }
        if let Some(l) = &lent {
            let next = self.b.ins().iadd_imm_s(l.first, l.objects.len() as i64);
            self.store(next, l.scratch, crossing.next);
        }

        // The caller stands at its last cache word while the callee runs.
        self.sync(self.at + 2);
        let f = self.constant(function as u64);
        let p = match convention {
            Convention::NoArgs | Convention::One => {
                let argument = match arguments.first() {
                    Some(&a) => a,
                    None => self.constant(0),
                };
                self.call_c(f, &[this_c, argument])
            }
            Convention::Fast | Convention::FastKeywords => {
                let row = self.row(&arguments);
                let count = self.constant(n as u64);
                if convention == Convention::Fast {
                    self.call_c(f, &[this_c, row, count])
                } else {
                    let no_names = self.constant(0);
                    self.call_c(f, &[this_c, row, count, no_names])
                }
            }
        };
        self.forget();
        if let Some(l) = lent {
            self.give_back(crossing, l);
        }

        // The usual answer is None with nothing raised and nothing handled.
        let (finish, quick) = (self.b.create_block(), self.b.create_block());
        let none = self.equals(p, crossing.singletons[0] as u64);
        self.unless(none, finish);
        let state = self.load(self.vm, offset_of!(Vm, c_state));
        let raised = self.load(state, crossing.raised);
        let cell = self.load(state, crossing.handled);
        let handling = self.load(cell, 0);
        let either = self.b.ins().bor(raised, handling);
        self.b.ins().brif(either, finish, &[], quick, &[]);
        self.follow(quick);
        let v = self.constant(Value::NONE.bits());
        self.store(v, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);

        self.follow(finish);
        let f = self.constant(crossing.finish as usize as u64);
        let def = self.constant(std::ptr::from_ref(callee.def()) as u64);
        // (For messages: what the receiver was is in its register still.)
        let receiver = self.receiver(w, callee);
        let v = self.call_c(f, &[self.vm, def, receiver, p]);
        let good = self.b.create_block();
        let status = self.constant(super::RAISED);
        let failed = self.equals(v, 0);
        let fine = self.b.create_block();
        self.b.ins().brif(failed, good, &[], fine, &[]);
        self.follow(good);
        self.leave_with(status);
        self.follow(fine);
        self.store(v, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);

        self.follow(slow);
        self.perform(helpers::call);
        self.b.ins().jump(after, &[]);
        self.follow(after);
        self.forget();
        true
    }

    /// Goes on if the callee is the one that was recorded; gives the receiver.
    fn callee_guard(&mut self, w: Word, callee: Callee, receiver: Option<MapRef>, slow: Block) -> Word64 {
        let f = self.reg(w.b());
        let this = self.reg(w.b() + 1);
        let maps = &rt().maps;
        match callee {
            Callee::Function(def) => {
                let none = self.equals(this, 0);
                self.unless(none, slow);
                self.unless_map(f, maps.builtin_function, slow);
                let d = self.load(f, offset_of!(BuiltinObj, def));
                let same = self.equals(d, std::ptr::from_ref(def) as u64);
                self.unless(same, slow);
                let this = self.load(f, offset_of!(BuiltinObj, this));
                let pointer = self.is_pointer(this);
                self.unless(pointer, slow);
                this
            }
            Callee::Method(def, class) => {
                let map = receiver.expect("a method's");
                self.unless_map(f, maps.method_descriptor, slow);
                let d = self.load(f, offset_of!(MethodDescrObj, def));
                let same = self.equals(d, std::ptr::from_ref(def) as u64);
                self.unless(same, slow);
                let c = self.load(f, offset_of!(MethodDescrObj, class));
                let same = self.equals(c, class.value().bits());
                self.unless(same, slow);
                self.unless_map(this, map, slow);
                let at = self.constant(&raw const map.version as u64);
                let now = self.load32(at, 0);
                let same = self.b.ins().icmp_imm_s(IntCC::Equal, now, map.version.get() as i64);
                self.unless(same, slow);
                this
            }
        }
    }

    fn receiver(&mut self, w: Word, callee: Callee) -> Word64 {
        match callee {
            Callee::Function(_) => {
                let f = self.load(self.regs, 8 * w.b() as usize);
                self.load(f, offset_of!(BuiltinObj, this))
            }
            Callee::Method(..) => self.load(self.regs, 8 * (w.b() + 1) as usize),
        }
    }

    /// The C side of an object; goes on with `slow` if it has none.
    fn mirror(&mut self, v: Word64, slow: Block) -> Word64 {
        let meta = self.load32(v, 4);
        let link = self.b.ins().band_imm_s(meta, ObjFlags::LINK_MASK as i64);
        let link = self.b.ins().uextend(I64, link);
        let offset = self.b.ins().ishl_imm_s(link, 4);
        let links = self.constant(heap().links_base() as u64);
        let entry = self.b.ins().iadd(links, offset);
        let p = self.load(entry, 8);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, slow);
        p
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
            let bits = self.b.ins().iadd_imm_s(v, -(super::emit::FLOAT as i64));
            let float =
                self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, bits, (INT - super::emit::FLOAT) as i64);
            self.unless(float, slow);
            let p = self.borrow(crossing, lent, 8, slow);
            self.store(bits, p, crossing.double);
            return p;
        }
        if guess.is_ptr() || guess.is_empty() {
            let pointer = self.is_pointer(v);
            self.unless(pointer, slow);
            return self.mirror(v, slow);
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
        if !self.is_known_int(v) {
            let int = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, v, INT as i64);
            self.unless(int, slow);
        }
        let i = self.b.ins().ishl_imm_s(v, INT_SHIFT);
        let i = self.b.ins().sshr_imm_s(i, INT_SHIFT);
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
