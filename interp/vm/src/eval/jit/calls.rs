//! Call sites: functions of C are called by compiled code itself where nothing is in the way, all others by the helper.

use std::mem::offset_of;

use cape_bytecode::Word;
use cape_heap::{MapRef, Value};
use cape_jit::ir::{Block, InstBuilder};

use super::super::calls::Callee;
use super::crossing::{Convention, Crossing, Definition, Receiver, Target, crossing};
use super::emit::{Emit, Word64};
use super::helpers;
use crate::object::*;
use crate::runtime::{rt, type_of};

/// Arguments of a function that takes them in a row.
const MOST: u16 = 6;

impl Emit<'_, '_> {
    pub(super) fn call_site(&mut self, w: Word) {
        self.poll();
        if let Some(c) = crossing()
            && let Some(callee) = Callee::recorded(self.word(self.at + 1), self.word(self.at + 2))
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
            Callee::Function(_) => Receiver::OfFunction(w.b()),
            Callee::Method(..) => Receiver::Register(w.b() + 1),
        };
        let target = Target { definition: Definition::Method(callee.def()), convention, function };
        // The caller stands at its last cache word while the callee runs.
        self.cross(c, target, &values, receiver, self.at + 2, Some(w.a()), slow, after, None);
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
            Callee::Function(def) => {
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
