//! Call sites: functions of C are called by compiled code itself where nothing is in the way, all others by the helper.

use std::mem::offset_of;

use cape_bytecode::Word;
use cape_heap::{MapRef, Ptr, Value};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::{Block, InstBuilder};

use super::super::calls::Callee;
use super::crossing::{Code, Convention, Crossing, Definition, Receiver, Target, To, crossing};
use super::emit::{Emit, Word64};
use super::helpers::{self, Helper};
use super::promises::Kept;
use super::slots;
use crate::native::MethodDef;
use crate::object::*;
use crate::runtime::{rt, type_of};

/// Arguments of a function that takes them in a row.
const MOST: u16 = 6;

/// A call site: where the arguments are, and what makes the call otherwise.
#[derive(Clone, Copy)]
struct Site {
    w: Word,
    /// The last cache word, at which the caller stands while the callee runs.
    stand: u32,
    /// The constant with the names of the last arguments.
    names: Option<u32>,
    general: Helper,
}

impl Emit<'_, '_> {
    pub(super) fn call_site(&mut self, w: Word) {
        let callee = Callee::recorded(self.word(self.at + 1), self.word(self.at + 2));
        self.call_at(Site { w, stand: self.at + 2, names: None, general: helpers::call }, callee);
    }

    /// A call with arguments by name.
    pub(super) fn call_site_kw(&mut self, w: Word) {
        let callee = Callee::recorded(self.word(self.at + 2), self.word(self.at + 3));
        let names = Some(self.word(self.at + 1) as u32);
        self.call_at(Site { w, stand: self.at + 3, names, general: helpers::call_kw }, callee);
    }

    fn call_at(&mut self, site: Site, callee: Option<Callee>) {
        self.poll();
        let builtin = |e: &mut Self, callee| match callee {
            Callee::Native(def) => e.builtin_function(site.w, def),
            Callee::Class(class) => e.builtin_class(site.w, class),
            Callee::Method(def, class) => e.list_method(site.w, def, class),
            _ => false,
        };
        let done = callee.is_some_and(|callee| {
            site.names.is_none() && builtin(self, callee)
                || crossing().is_some_and(|c| self.call_into(site, c, callee))
        });
        if !done {
            self.perform(site.general);
        }
    }

    /// A call of a function of C; false, with nothing done, if it is one for the helper.
    fn call_into(&mut self, site: Site, c: &'static Crossing, callee: Callee) -> bool {
        let w = site.w;
        // The arguments but the receiver.
        let (mut first, mut n) = (w.b() + 2, w.c());
        let object = |code, convention, first| Target {
            code,
            first,
            ..Target::new(Definition::Object, convention, std::ptr::null())
        };
        let of_method = |def: &'static MethodDef, first| {
            let (convention, function) = (c.function)(def)?;
            Some(Target { first, ..Target::new(Definition::Method(def), convention, function) })
        };
        let (target, map, receiver) = match callee {
            Callee::Function(def) => (of_method(def, None), None, Receiver::OfFunction(w.b())),
            Callee::Native(def) => (of_method(def, Some(0)), None, Receiver::None),
            Callee::Method(def, class) => {
                let this = self.hint(w.b() + 1);
                let Some(map) = this.map().filter(|_| type_of(this).is_subtype(class)) else { return false };
                (of_method(def, None), Some(map), Receiver::Register(w.b() + 1))
            }
            Callee::ClassMethod(_, class) if crate::class::version(class) == 0 => return false,
            Callee::ClassMethod(def, _) => (of_method(def, None), None, Receiver::Register(w.b() + 1)),
            Callee::Unbound(def, class) => {
                let this = self.hint(w.b() + 2);
                let Some(map) = this.map().filter(|_| n > 0 && type_of(this).is_subtype(class)) else {
                    return false;
                };
                n -= 1;
                first += 1;
                (of_method(def, None), Some(map), Receiver::Register(w.b() + 2))
            }
            Callee::Object(def, class) => {
                let f = self.hint(w.b());
                let Some(map) = slots::stable_map(f).filter(|_| type_of(f) == class) else { return false };
                let found = (c.callable)(class, def);
                let target = found.map(|(convention, code)| object(code, convention, None));
                (target, Some(map), Receiver::Register(w.b()))
            }
            Callee::Class(class) => {
                let stable = crate::class::version(class) != 0;
                let found = (c.constructor)(class).filter(|_| stable);
                let target = found.map(|(convention, function, class)| {
                    object(Code::At(function), convention, Some(class as usize))
                });
                (target, None, Receiver::Register(w.b()))
            }
        };
        let Some(mut target) = target else { return false };
        let fits = match target.convention {
            Convention::NoArgs | Convention::Unary => n == 0,
            Convention::Objects => n == 1,
            Convention::Fast | Convention::Arguments | Convention::ArgumentsAndKeywords => n <= MOST,
            Convention::Instance(..) => n <= MOST,
            Convention::FastKeywords | Convention::OfClass(_) => n <= MOST,
            _ => false,
        };
        if !fits {
            return false;
        }
        if let Some(i) = site.names {
            let named = self.constant_value(i).downcast::<TupleObj>().map_or(0, |t| t.len()) as u16;
            match target.convention {
                Convention::FastKeywords | Convention::OfClass(_) => target.names = Some(i),
                Convention::ArgumentsAndKeywords | Convention::Instance(..) if named <= n => {
                    n -= named;
                    target.keywords = Some((i, first + n));
                }
                _ => return false,
            }
        }
        let slow = self.b.create_block();
        self.b.set_cold_block(slow);
        let after = self.b.create_block();
        let this = self.callee_guard(w, callee, map, slow);
        let mut values: Vec<(Word64, Value)> = this.map(|this| (this, Value::EMPTY)).into_iter().collect();
        for r in first..first + n {
            let v = self.reg(r);
            let fresh = self.is_last(r);
            self.last.extend(fresh.map(|fresh| (v, fresh)));
            values.push((v, if fresh.is_some() { Value::EMPTY } else { self.hint(r) }));
        }
        self.cross(c, target, &values, receiver, site.stand, To::Register(w.a()), slow, after, None);
        self.otherwise(slow, site.general, after);
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

    /// Goes on if the callee is the one that was recorded; gives the receiver, if that is a value.
    pub(super) fn callee_guard(
        &mut self,
        w: Word,
        callee: Callee,
        receiver: Option<MapRef>,
        slow: Block,
    ) -> Option<Word64> {
        let f = self.reg(w.b());
        let this = self.reg(w.b() + 1);
        let maps = &rt().maps;
        if !matches!(callee, Callee::Method(..) | Callee::ClassMethod(..)) {
            let none = self.equals(this, 0);
            self.unless(none, slow);
        }
        match callee {
            Callee::Function(def) | Callee::Native(def) => {
                self.unless_map(f, maps.builtin_function, slow);
                let d = self.load(f, offset_of!(BuiltinObj, def));
                let same = self.equals(d, std::ptr::from_ref(def) as u64);
                self.unless(same, slow);
                let of_c = matches!(callee, Callee::Function(_));
                of_c.then(|| self.load(f, offset_of!(BuiltinObj, this)))
            }
            Callee::Method(def, class) | Callee::Unbound(def, class) => {
                let map = receiver.expect("a method's");
                self.unless_method(f, maps.method_descriptor, def, slow);
                let c = self.load(f, offset_of!(MethodDescrObj, class));
                let same = self.equals(c, class.value().bits());
                self.unless(same, slow);
                let bound = matches!(callee, Callee::Method(..));
                let this = if bound { this } else { self.reg(w.b() + 2) };
                self.unless_kept(this, map, Kept::Subtype(class), slow);
                Some(this)
            }
            Callee::ClassMethod(def, class) => {
                self.unless_method(f, maps.classmethod_descriptor, def, slow);
                self.unless_same_class(this, class, slow);
                Some(this)
            }
            Callee::Object(..) => {
                let map = receiver.expect("an object's");
                self.unless_class(f, map, slow);
                Some(f)
            }
            Callee::Class(class) => {
                // Its `__new__` and `__init__` are those of when the code got hot.
                self.unless_same_class(f, class, slow);
                None
            }
        }
    }

    /// Goes on if this is the descriptor of this method.
    fn unless_method(&mut self, f: Word64, map: MapRef, def: &'static MethodDef, slow: Block) {
        self.unless_map(f, map, slow);
        let d = self.load(f, offset_of!(MethodDescrObj, def));
        let same = self.equals(d, std::ptr::from_ref(def) as u64);
        self.unless(same, slow);
    }

    /// Goes on if a class is as it was.
    /// Goes on if this is the class, and as it was. (The class may die, and another stand at its address; versions are never used again.)
    pub(super) fn unless_same_class(&mut self, v: Word64, class: Ptr<TypeObj>, slow: Block) {
        let (map, meta) = (class.header().map(), type_of(class.value()));
        if meta.has(TypeFlags::HEAP) {
            // (So may the metaclass.)
            crate::class::version(meta);
            self.unless_class(v, map, slow);
        } else {
            self.unless_map(v, map, slow);
        }
        self.unless_version(v, crate::class::version(class), slow);
    }

    pub(super) fn unless_version(&mut self, class: Word64, version: u32, slow: Block) {
        let now = self.load32(class, offset_of!(TypeObj, version));
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, now, version as i64);
        self.unless(same, slow);
    }
}
