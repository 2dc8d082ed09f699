//! Call sites: functions of C are called by compiled code itself where nothing is in the way, all others by the helper.

use std::mem::offset_of;

use cape_bytecode::Word;
use cape_heap::{MapRef, Value};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::{Block, InstBuilder};

use super::super::calls::Callee;
use super::crossing::{Convention, Crossing, Definition, Receiver, Target, To, crossing};
use super::emit::{Emit, INT, Word64};
use super::{helpers, slots};
use crate::foreign::ForeignObj;
use crate::native::MethodDef;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;

/// The special method that a builtin function stands for.
fn builtin_special(def: &'static MethodDef) -> Option<Special> {
    let functions = [("len", Special::Len), ("hash", Special::Hash), ("abs", Special::Abs)];
    let (name, s) = functions.into_iter().find(|f| f.0 == def.name)?;
    let function = rt().builtins().get_str(rt().intern(name)).and_then(|v| v.downcast::<BuiltinObj>())?;
    std::ptr::eq(function.def, def).then_some(s)
}

/// Arguments of a function that takes them in a row.
const MOST: u16 = 6;

impl Emit<'_, '_> {
    pub(super) fn call_site(&mut self, w: Word) {
        self.poll();
        let callee = Callee::recorded(self.word(self.at + 1), self.word(self.at + 2));
        if let Some(Callee::Native(def)) = callee {
            let done = w.c() == 1
                && builtin_special(def).is_some_and(|s| {
                    s == Special::Len && self.length(w, def) || self.builtin_by_c(w, def, s)
                });
            if !done {
                self.perform(helpers::call);
            }
            return;
        }
        if let Some(c) = crossing()
            && let Some(callee) = callee
            && let Some((convention, function)) = (c.function)(callee.def())
            && self.call_into(w, c, callee, convention, function)
        {
            return;
        }
        self.perform(helpers::call);
    }

    /// A call of a function of C; false, with nothing done, if it is one for the helper.
    fn call_into(
        &mut self,
        w: Word,
        c: &'static Crossing,
        callee: Callee,
        convention: Convention,
        function: *const u8,
    ) -> bool {
        let n = w.c();
        let count_fits = match convention {
            Convention::NoArgs => n == 0,
            Convention::Objects => n == 1,
            Convention::Fast | Convention::FastKeywords => n <= MOST,
            _ => false,
        };
        let receiver_map = match callee {
            Callee::Native(_) => return false,
            Callee::Function(_) => None,
            Callee::Method(_, class) => {
                let this = self.hint(w.b() + 1);
                let Some(map) = this.map().filter(|_| type_of(this).is_subtype(class)) else { return false };
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
        let mut values = vec![(this, Value::EMPTY)];
        for r in w.b() + 2..w.b() + 2 + n {
            values.push((self.reg(r), self.hint(r)));
        }
        let receiver = match callee {
            Callee::Function(_) | Callee::Native(_) => Receiver::OfFunction(w.b()),
            Callee::Method(..) => Receiver::Register(w.b() + 1),
        };
        let target = Target { definition: Definition::Method(callee.def()), convention, function };
        // The caller stands at its last cache word while the callee runs.
        self.cross(c, target, &values, receiver, self.at + 2, To::Register(w.a()), slow, after, None);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// A builtin function that asks a special method of its argument, of one for which C implements that; false, with nothing done, for
    /// others.
    fn builtin_by_c(&mut self, w: Word, def: &'static MethodDef, s: Special) -> bool {
        let r = w.b() + 2;
        let guess = self.hint(r);
        let Some(c) = crossing().filter(|_| guess.is::<ForeignObj>()) else { return false };
        let convention = if s == Special::Abs { Convention::Objects } else { Convention::Number };
        let target = slots::special(c, guess, s).filter(|t| t.convention == convention);
        let (Some(target), Some(class)) = (target, slots::stable_map(guess)) else { return false };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.callee_guard(w, Callee::Native(def), None, slow);
        let v = self.reg(r);
        self.unless_class(v, class, slow);
        let (values, to) = ([(v, guess)], To::Register(w.a()));
        self.cross(c, target, &values, Receiver::Register(r), self.at + 2, to, slow, after, None);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// `len()` of lists, tuples, strs and dicts; false, with nothing done, for others.
    fn length(&mut self, w: Word, def: &'static MethodDef) -> bool {
        let r = w.b() + 2;
        let guess = self.hint(r);
        let Some(map) = guess.map() else { return false };
        let maps = &rt().maps;
        let offset = if map == maps.tuple {
            TupleObj::LEN
        } else if map == maps.str {
            StrObj::LEN
        } else if map == maps.dict {
            offset_of!(DictObj, table) + Table::USED
        } else if map == maps.list {
            ListObj::LEN
        } else {
            return false;
        };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.callee_guard(w, Callee::Native(def), None, slow);
        let v = self.reg(r);
        self.unless_map(v, map, slow);
        if map == maps.list {
            // Of a list that C has seen, C keeps the length.
            let items = self.load(v, ListObj::ITEMS);
            let own = self.b.ins().icmp_imm_s(IntCC::NotEqual, items, 0);
            self.unless(own, slow);
        }
        let n = self.load(v, offset);
        let n = self.b.ins().bor_imm_s(n, INT as i64);
        self.store(n, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// The block `slow` does the instruction by the helper, and goes on with `after`, as do all.
    pub(super) fn otherwise(&mut self, slow: Block, general: helpers::Helper, after: Block) {
        self.follow(slow);
        self.perform(general);
        self.b.ins().jump(after, &[]);
        self.follow(after);
        self.forget();
        self.ended = false;
    }

    /// Goes on if the callee is the one that was recorded; gives the receiver.
    fn callee_guard(&mut self, w: Word, callee: Callee, receiver: Option<MapRef>, slow: Block) -> Word64 {
        let f = self.reg(w.b());
        let this = self.reg(w.b() + 1);
        let maps = &rt().maps;
        match callee {
            Callee::Function(def) | Callee::Native(def) => {
                let none = self.equals(this, 0);
                self.unless(none, slow);
                self.unless_map(f, maps.builtin_function, slow);
                let d = self.load(f, offset_of!(BuiltinObj, def));
                let same = self.equals(d, std::ptr::from_ref(def) as u64);
                self.unless(same, slow);
                self.load(f, offset_of!(BuiltinObj, this))
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
                self.unless_class(this, map, slow);
                this
            }
        }
    }
}
