//! Crossings that compiled code makes itself: it lends the C sides of the values, calls the function, and takes over what it gives.
//!
//! What is in the way: a value that has no C side yet and is no number, an exception that is being handled, a thread that has not been
//! in C. Then the helper does the whole instruction.

use std::mem::offset_of;
use std::sync::OnceLock;

use cape_heap::{MapRef, Ptr, Value, heap};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::{I32, I64};
use cape_jit::ir::{Block, InstBuilder, StackSlot};

use super::emit::{Emit, INT, Word64};
use super::lending::Lent;
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
    /// `object f(p0, class, &p1, count, names)`, with the class that defines the method.
    OfClass(usize),
    /// `object f(p0, arguments)`, with the others in a tuple.
    Arguments,
    /// `object f(p0, arguments, keywords)`, with those by name in a dict, or NULL.
    ArgumentsAndKeywords,
    /// `object f(p0, arguments, keywords, new, init)`: an instance of a class, by its `tp_new` and `tp_init` (or 0).
    Instance(usize, usize),
    /// `object f(p0)`.
    Unary,
    /// `object f(p0, p1, p2)`: a descriptor, an object and its class.
    Get,
    /// `object f(p0, p1)`.
    Objects,
    /// `object f(p..., constant)`: an operator of comparison, a closure.
    ObjectsAnd(usize),
    /// `object f(p1, p0)`.
    Reflected,
    /// `object f(p0, i)`: an item, by an index that is not negative.
    Item,
    /// `int f(p0, i, p1)`: negative: an exception is set.
    SetItem,
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
    /// None: the object itself is called.
    Object,
    /// Of a method that reads attributes.
    Read(&'static Named),
}

/// A method that reads an attribute, for messages.
pub struct Named {
    /// The method.
    pub def: &'static MethodDef,
    /// The class that has it.
    pub class: Ptr<TypeObj>,
    /// The attribute's name, an interned string.
    pub name: Value,
}
// SAFETY: compiled code, to which it belongs, runs with the GIL.
unsafe impl Sync for Named {}

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
    /// How an object of C whose class has this `__call__` is called: by a function, or by one whose address stands at an offset of its
    /// struct.
    pub callable: fn(Ptr<TypeObj>, &'static MethodDef) -> Option<(Convention, Code)>,
    /// How an instance of a class of C is made, with the class's C side.
    pub constructor: fn(Ptr<TypeObj>) -> Option<(Convention, *const u8, *const u8)>,
    /// The field that an attribute reads, and its offset in the struct.
    pub member: fn(&'static GetSetDef) -> Option<(Member, usize)>,
    /// The C sides of None, False and True.
    pub singletons: [usize; 3],
    /// The C sides of small ints: the address of the first, the size of each, the first and the last number.
    pub small_ints: (usize, usize, i64, i64),
    /// In a thread's C state: where the exception is that C has raised, and what points to the cell of the one that it handles.
    pub raised: usize,
    pub handled: usize,
    /// What a thread lends.
    pub lending: Lending,
    /// In a C object: its count of references (32 bits; negative: it is not counted), its link (32 bits, none when the low half is 0), an
    /// int's tag and its digits, a float's number, the number of items, a tuple's hash and items, where a list's items are and how many have room, the class.
    pub count: usize,
    pub link: usize,
    pub tag: usize,
    pub digits: usize,
    pub double: usize,
    pub hash: usize,
    pub items: usize,
    pub size: usize,
    pub list_items: usize,
    pub list_room: usize,
    pub class: usize,
    /// The class of ints.
    pub int_class: usize,
    /// The tuple of no items.
    pub empty_tuple: usize,
    /// For what [`Definition::Method`], [`Definition::Attribute`], [`Definition::Object`] and [`Definition::Read`] name.
    pub finish: [Finish; 4],
    /// After [`Convention::Next`]: also DELETED, at the end.
    pub finish_next: unsafe extern "C-unwind" fn(&Vm, *const u8, Value, *mut u8) -> Value,
    /// After a function that gives a number.
    pub finish_number: unsafe extern "C-unwind" fn(&Vm, i64) -> Value,
    /// Gives an object a C side, which its link keeps. NULL: it is a number, or there was an error; nothing is done then.
    pub give_link: unsafe extern "C-unwind" fn(&Vm, Value) -> *mut u8,
    /// Gives a number, or an object that is used for the last time, a C side. If the last is not 0, nothing else refers to it; then the C side may
    /// be one of its own, with the low bit set in its address, and is ended after the call. NULL: there was an error; nothing is done then.
    pub give_last: unsafe extern "C-unwind" fn(&Vm, Value, u64) -> *mut u8,
    /// Ends what was given so.
    pub end_last: unsafe extern "C-unwind" fn(*mut u8),
    /// Takes an unlinked C object over if it is of one of the commonest sorts; EMPTY: it is not, and nothing is done.
    pub take_at_once: unsafe extern "C-unwind" fn(*mut u8) -> Value,
    /// Drops an unlinked C object that nobody reads, and gives None for it; EMPTY: it is an answer that is to be looked at, and nothing is
    /// done.
    pub drop_unread: unsafe extern "C-unwind" fn(*mut u8) -> Value,
    /// Gives pairs back, from this one on.
    pub give_back: unsafe extern "C-unwind" fn(usize),
    /// A dict of names (a tuple) and as many values, of which the caller gets a reference; NULL: there was an error, and nothing is done.
    pub keywords: unsafe extern "C-unwind" fn(&Vm, Value, *const Value) -> *mut u8,
    /// Drops the last reference to an object.
    pub drop: unsafe extern "C-unwind" fn(*mut u8),
    /// Gives an argument tuple back.
    pub give_tuple_back: unsafe extern "C-unwind" fn(*mut u8),
}

/// In what [`Vm::c_scratch`] points to:
#[derive(Clone, Copy)]
pub struct Lending {
    /// the number of the next free pair of an int and a float that may be lent,
    pub next: usize,
    /// the pairs,
    pub pairs: usize,
    /// and how many they are;
    pub most: usize,
    /// argument tuples by length (null: there is none now),
    pub tuples: usize,
    /// and how many lengths there are.
    pub lengths: usize,
}

/// Where the function is.
#[derive(Clone, Copy)]
pub enum Code {
    /// At this address.
    At(*const u8),
    /// At the address that is at this offset of the struct of the first value.
    In(usize),
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
    pub code: Code,
    /// The constant that stands for the receiver, where that is none of the values.
    pub first: Option<usize>,
    /// The constant with the names of the last values.
    pub names: Option<u32>,
    /// For functions that take a dict: the constant with the names of further arguments, and the first register of those.
    pub keywords: Option<(u32, u16)>,
}

impl Target {
    /// A function whose receiver is among the values, and which are all positional.
    pub(super) fn new(definition: Definition, convention: Convention, function: *const u8) -> Target {
        Target { definition, convention, code: Code::At(function), first: None, names: None, keywords: None }
    }
}

/// Where the receiver is after the call.
#[derive(Clone, Copy)]
pub(super) enum Receiver {
    /// In a register.
    Register(u16),
    /// In the builtin function in a register.
    OfFunction(u16),
    /// There is none.
    None,
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
    /// Nobody reads the result: what only C knows is dropped, and None stands for it.
    unread: bool,
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
        let indexed = matches!(target.convention, Convention::Item | Convention::SetItem);
        if indexed {
            self.unless_index(values[1].0, slow);
        }
        // Numbers last: giving an object a C side may lend some, too.
        let mut p = vec![self.vm; values.len()];
        let mut slow = slow;
        for numbers in [false, true] {
            for (i, (p, &(v, guess))) in p.iter_mut().zip(values).enumerate() {
                if indexed && i == 1 {
                    continue;
                }
                if (guess.is_int() || guess.is_float()) == numbers {
                    let passed = self.passed.len();
                    *p = self.lend(c, v, guess, &mut lent, slow);
                    if let Some(&own) = self.passed.get(passed) {
                        slow = self.without(c, own, slow);
                    }
                }
            }
        }
        if let Some(first) = target.first {
            p.insert(0, self.constant(first as u64));
        }
        let names = target.names.map(|i| {
            let names = self.konst(i);
            self.lend_object(c, names, slow)
        });
        let packs = matches!(
            target.convention,
            Convention::Arguments | Convention::ArgumentsAndKeywords | Convention::Instance(..)
        );
        let tuple = packs.then(|| self.lend_tuple(c, &p[1..], slow));
        let n_packed = p.len() - 1;
        let keywords =
            target.keywords.map(|k| self.make_keywords(c, k, tuple.filter(|_| n_packed > 0), n_packed, slow));
        let f = match target.code {
            Code::At(f) => self.constant(f as u64),
            Code::In(offset) => {
                let f = self.load(p[0], offset);
                let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, f, 0);
                self.unless(some, slow);
                f
            }
        };
        if let Some(l) = &lent {
            let next = self.b.ins().iadd_imm_s(l.first, l.objects.len() as i64);
            self.store(next, l.scratch, c.lending.next);
        }
        let named =
            target.names.map_or(0, |i| self.constant_value(i).downcast::<TupleObj>().map_or(0, |t| t.len()));
        let r = match target.convention {
            Convention::NoArgs => {
                let null = self.constant(0);
                self.call_c(f, &[p[0], null])
            }
            Convention::Fast | Convention::FastKeywords | Convention::OfClass(_) => {
                let row = self.row(&p[1..]);
                let count = self.constant((p.len() - 1 - named) as u64);
                let names = names.unwrap_or_else(|| self.constant(0));
                match target.convention {
                    Convention::Fast => self.call_c(f, &[p[0], row, count]),
                    Convention::OfClass(class) => {
                        let class = self.constant(class as u64);
                        self.call_c(f, &[p[0], class, row, count, names])
                    }
                    _ => self.call_c(f, &[p[0], row, count, names]),
                }
            }
            Convention::Arguments | Convention::ArgumentsAndKeywords | Convention::Instance(..) => {
                let keywords = keywords.unwrap_or_else(|| self.constant(0));
                let tuple = tuple.expect("packed");
                match target.convention {
                    Convention::Arguments => self.call_c(f, &[p[0], tuple]),
                    Convention::Instance(new, init) => {
                        let (new, init) = (self.constant(new as u64), self.constant(init as u64));
                        self.call_c(f, &[p[0], tuple, keywords, new, init])
                    }
                    _ => self.call_c(f, &[p[0], tuple, keywords]),
                }
            }
            Convention::Item => {
                let i = self.as_int(values[1].0);
                self.call_c(f, &[p[0], i])
            }
            Convention::SetItem => {
                let i = self.as_int(values[1].0);
                self.call_c(f, &[p[0], i, p[2]])
            }
            Convention::Reflected => self.call_c(f, &[p[1], p[0]]),
            Convention::ObjectsAnd(k) | Convention::Status(Some(k)) => {
                p.push(self.constant(k as u64));
                self.call_c(f, &p)
            }
            _ => self.call_c(f, &p),
        };
        self.forget();
        // What was lent is given back when the result has been taken over, which may be a number that was lent. (Of no items there is
        // one tuple, which is not lent.)
        let tuple = tuple.filter(|_| p.len() > 1);
        let passed = std::mem::take(&mut self.passed);
        self.last.clear();
        let gives_back = lent.is_some() || tuple.is_some() || keywords.is_some() || !passed.is_empty();
        let settle = gives_back.then(|| {
            let settle = self.b.create_block();
            self.b.append_block_param(settle, I64);
            settle
        });
        let called = matches!(
            target.convention,
            Convention::NoArgs
                | Convention::Fast
                | Convention::FastKeywords
                | Convention::OfClass(_)
                | Convention::Arguments
                | Convention::ArgumentsAndKeywords
                | Convention::Instance(..)
                | Convention::Objects
        );
        let unread = match to {
            To::Nowhere => true,
            // (What special methods of one operand give may be looked at, `float(x)`'s for one.)
            To::Register(r) => called && self.is_unread(r),
            To::Memory(_) => false,
        };
        let end = End { to, settle, after, unread };
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
            Convention::Truth | Convention::Status(_) | Convention::SetItem => {
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
                    Definition::Object => (2, 0),
                    Definition::Read(named) => (3, std::ptr::from_ref(named) as u64),
                };
                let finish = &c.finish[kind];
                let status =
                    matches!(convention, Convention::Truth | Convention::Status(_) | Convention::SetItem);
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
                    Receiver::None => self.constant(0),
                };
                self.call_c(f, &[self.vm, definition, this, r])
            }
        };
        let v = match settle {
            None => v,
            Some(settle) => {
                self.b.ins().jump(settle, &[v.into()]);
                self.follow(settle);
                if let Some(t) = tuple {
                    self.give_tuple_back(c, t, n_packed);
                }
                if let Some(k) = keywords {
                    self.drop_reference(c, k);
                }
                if let Some(l) = lent {
                    self.give_back(c, l);
                }
                passed.into_iter().for_each(|own| self.end_last(c, own));
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
        self.arrive(End { to, settle: None, after, unread }, v);
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
        let unlinked = self.b.create_block();
        let v = self.managed(c, p, unlinked);
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
        self.follow(unlinked);
        if end.unread {
            let f = self.constant(c.drop_unread as usize as u64);
            let v = self.call_c(f, &[p]);
            let dropped = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, 0);
            self.unless(dropped, finish);
            self.arrive(end, v);
            return;
        }
        let f = self.constant(c.take_at_once as usize as u64);
        let v = self.call_c(f, &[p]);
        let taken = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, 0);
        self.unless(taken, finish);
        self.arrive(end, v);
    }

    /// The address of the link with an index (of 32 bits): the managed object, then its mirror.
    pub(super) fn link_entry(&mut self, link: Word64) -> Word64 {
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
}
