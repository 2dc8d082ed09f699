//! Calls of builtin functions and classes that have a form of their own: those that only ask something of an object that the code knows
//! the class of.

use std::mem::offset_of;

use cape_bytecode::Word;
use cape_heap::{Map, Ptr, Value};
use cape_jit::ir::InstBuilder;
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::I64;

use super::super::calls::Callee;
use super::crossing::{Convention, Receiver, To, crossing};
use super::emit::{Emit, INT, Word64};
use super::helpers::{self, Helper};
use super::mirrored::of_mirrored;
use super::promises::Kept;
use super::slots::{Reader, special, stable_map};
use crate::class::lookup_mro;
use crate::foreign::ForeignObj;
use crate::native::MethodDef;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;

/// Whether this is the definition of the builtin function of its name.
fn is_builtin(def: &'static MethodDef) -> bool {
    let function = rt().builtins().get_str(rt().intern(def.name)).and_then(|v| v.downcast::<BuiltinObj>());
    function.is_some_and(|f| std::ptr::eq(f.def, def))
}

impl Emit<'_, '_> {
    /// A builtin function; false, with nothing done, if it has no form of its own for these arguments.
    pub(super) fn builtin_function(&mut self, w: Word, def: &'static MethodDef) -> bool {
        let named = |name: &str| def.name == name && is_builtin(def);
        match w.c() {
            1 if named("len") => {
                self.length(w, def) || self.builtin_by_c(w, Callee::Native(def), Special::Len)
            }
            1 if named("hash") => self.builtin_by_c(w, Callee::Native(def), Special::Hash),
            1 if named("abs") => self.builtin_by_c(w, Callee::Native(def), Special::Abs),
            1 if named("repr") => self.converted_by_c(w, Callee::Native(def), Special::Repr),
            2 if named("isinstance") => self.is_instance(w, def),
            2 if named("divmod") => self.divmod_by_c(w, def),
            2 if named("next") => self.next_or_default(w, def),
            2 | 3 if named("getattr") => self.get_attr(w, def),
            _ => false,
        }
    }

    /// A builtin class; false as above.
    pub(super) fn builtin_class(&mut self, w: Word, class: Ptr<TypeObj>) -> bool {
        let types = &rt().types;
        if w.c() != 1 {
            return false;
        }
        if class == types.type_ {
            return self.class_of(w, class);
        }
        if class == types.bool {
            return self.truth_of_argument(w, class);
        }
        if class == types.tuple || class == types.list {
            return self.copied(w, class);
        }
        let s = if class == types.int {
            Special::Int
        } else if class == types.float {
            Special::Float
        } else if class == types.str {
            Special::Str
        } else {
            return false;
        };
        self.converted_by_c(w, Callee::Class(class), s)
    }

    /// A builtin that makes a number or a text of an object of C by a special method, whose result is looked at.
    fn converted_by_c(&mut self, w: Word, callee: Callee, s: Special) -> bool {
        if !self.builtin_by_c(w, callee, s) {
            return false;
        }
        let (odd, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        // What is in its usual form needs no look.
        let v = self.load(self.regs, 8 * w.a() as usize);
        let check: Helper = match s {
            Special::Int => {
                let int = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, v, INT as i64);
                self.unless(int, odd);
                helpers::int_result
            }
            Special::Float => {
                let float = self.is_float(v);
                self.unless(float, odd);
                helpers::float_result
            }
            _ => {
                self.unless_map(v, rt().maps.str, odd);
                if s == Special::Str { helpers::str_result } else { helpers::repr_result }
            }
        };
        self.b.ins().jump(after, &[]);
        self.follow(odd);
        self.perform(check);
        self.b.ins().jump(after, &[]);
        self.follow(after);
        self.forget();
        true
    }

    /// `type(x)`.
    fn class_of(&mut self, w: Word, class: Ptr<TypeObj>) -> bool {
        if !self.hint(w.b() + 2).is_ptr() {
            return false;
        }
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.callee_guard(w, Callee::Class(class), None, slow);
        let v = self.reg(w.b() + 2);
        let pointer = self.is_pointer(v);
        self.unless(pointer, slow);
        let map = self.map_of(v);
        let t = self.load(map, offset_of!(Map, class));
        self.store(t, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// `tuple(x)` or `list(x)` of a list or tuple, which is a new object; false, with nothing done, for others.
    fn copied(&mut self, w: Word, class: Ptr<TypeObj>) -> bool {
        let (r, maps) = (w.b() + 2, &rt().maps);
        let guess = self.hint_map(r);
        let of_list = guess == Some(maps.list) && of_mirrored(self.hint(r)).is_none();
        if !of_list && !(guess == Some(maps.tuple) && class == rt().types.list) {
            return false;
        }
        let slow = self.b.create_block();
        self.callee_guard(w, Callee::Class(class), None, slow);
        let (c, v) = (self.constant(class.value().bits()), self.reg(r));
        self.make_at_once(w.a(), helpers::copied, [c, v], helpers::call, slow);
        true
    }

    /// `bool(x)` of an object of C.
    fn truth_of_argument(&mut self, w: Word, class: Ptr<TypeObj>) -> bool {
        let r = w.b() + 2;
        let Some(s) = self.truth_method(r).filter(|&s| self.test_target(s, r).is_some()) else {
            return false;
        };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.callee_guard(w, Callee::Class(class), None, slow);
        let truth = self.test_by_c(s, r, &[], helpers::truth_of_argument).expect("it has a target");
        let v = self.bool_word(truth);
        self.store(v, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// `isinstance(x, C)`, for a plain class: the answer is a constant as long as the classes are as they were.
    fn is_instance(&mut self, w: Word, def: &'static MethodDef) -> bool {
        let (x, c) = (self.hint(w.b() + 2), self.hint(w.b() + 3));
        let Some(class) = c.downcast::<TypeObj>() else { return false };
        let version = crate::class::version(class);
        let Some(map) = stable_map(x) else { return false };
        if type_of(c) != rt().types.type_ || version == 0 {
            return false;
        }
        let t = type_of(x);
        let yes = t.is_subtype(class);
        // `__class__` may say otherwise.
        let name = rt().names.class;
        let usual = || lookup_mro(t, name) == lookup_mro(rt().types.object, name);
        if !yes && (t.has(TypeFlags::CUSTOM_GETATTR) || t.has(TypeFlags::HEAP) && !usual()) {
            return false;
        }
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.callee_guard(w, Callee::Native(def), None, slow);
        let (x, k) = (self.reg(w.b() + 2), self.reg(w.b() + 3));
        self.unless_class(x, map, slow);
        self.unless_same_class(k, class, slow);
        let answer = self.constant(Value::bool(yes).bits());
        self.store(answer, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// `getattr(x, name)` or `getattr(x, name, default)`, of a name that is there or missing by the class alone.
    fn get_attr(&mut self, w: Word, def: &'static MethodDef) -> bool {
        let r = w.b() + 2;
        let guess = self.hint(r);
        let name =
            self.given_constant(r + 1).and_then(|n| n.downcast::<StrObj>()).filter(|n| n.is_interned());
        let (Some(map), Some(name)) = (stable_map(guess), name) else { return false };
        let (t, name) = (type_of(guess), name.value());
        if t.has(TypeFlags::CUSTOM_GETATTR) || !guess.is::<ForeignObj>() {
            return false;
        }
        let found = lookup_mro(t, name);
        let reads = found.and_then(|d| d.downcast::<GetSetObj>()).and_then(|g| self.reader(t, g));
        // (A getter that raises AttributeError makes way for the default.)
        let reads = reads.filter(|r| w.c() == 2 || matches!(r, Reader::Member(..)));
        // (An object with attributes of its own may have this one.)
        let missing = found.is_none() && w.c() == 3 && !crate::shape::has_attrs(map);
        if !missing && reads.is_none() {
            return false;
        }
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.callee_guard(w, Callee::Native(def), None, slow);
        let (obj, n) = (self.reg(r), self.reg(r + 1));
        self.unless_class(obj, map, slow);
        // (A constant of the code, which does not move when it is interned.)
        let same = self.equals(n, name.bits());
        self.unless(same, slow);
        match reads {
            Some(read) => self.read_by_c(w.a(), obj, r, read, self.at + 2, slow, after),
            None => {
                let v = self.reg(r + 2);
                self.store(v, self.regs, 8 * w.a() as usize);
                self.b.ins().jump(after, &[]);
            }
        }
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// `divmod(x, y)` of two objects of a class of C.
    fn divmod_by_c(&mut self, w: Word, def: &'static MethodDef) -> bool {
        let r = w.b() + 2;
        let (left, right) = (self.hint(r), self.hint(r + 1));
        let alike = left.is::<ForeignObj>() && left.map() == right.map();
        let Some(c) = crossing().filter(|_| alike) else { return false };
        let target = special(c, left, Special::Divmod).filter(|t| t.convention == Convention::Objects);
        let (Some(target), Some(map)) = (target, stable_map(left)) else { return false };
        let (slow, after, unknown) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.b.set_cold_block(unknown);
        self.callee_guard(w, Callee::Native(def), None, slow);
        let (a, b) = ((self.reg(r), left), (self.reg(r + 1), right));
        self.unless_operands(a, b, map, Kept::special(type_of(left), Special::Divmod), slow);
        let (to, answer) = (To::Register(w.a()), Some((Value::NOT_IMPLEMENTED, unknown)));
        self.cross(c, target, &[a, b], Receiver::Register(r), self.at + 2, to, slow, after, answer);
        self.follow(unknown);
        self.ended = false;
        self.perform(helpers::divmod_unknown);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// `next(iterator, default)` of an iterator of C.
    fn next_or_default(&mut self, w: Word, def: &'static MethodDef) -> bool {
        let r = w.b() + 2;
        let Some(c) = crossing() else { return false };
        let guess = self.hint(r);
        if !guess.is::<ForeignObj>() {
            return false;
        }
        let target = special(c, guess, Special::Next).filter(|t| t.convention == Convention::Next);
        let (Some(target), Some(map)) = (target, stable_map(guess)) else { return false };
        let (slow, after, ended) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.callee_guard(w, Callee::Native(def), None, slow);
        let it = self.reg(r);
        self.unless_kept(it, map, Kept::special(type_of(guess), Special::Next), slow);
        let (values, to) = ([(it, guess)], To::Register(w.a()));
        let end = Some((Value::DELETED, ended));
        self.cross(c, target, &values, Receiver::Register(r), self.at + 2, to, slow, after, end);
        self.follow(ended);
        let v = self.load(self.regs, 8 * (r + 1) as usize);
        self.store(v, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// A builtin function or class that asks a special method of its argument, of one for which C implements that; false, with nothing
    /// done, for others.
    fn builtin_by_c(&mut self, w: Word, callee: Callee, s: Special) -> bool {
        let r = w.b() + 2;
        let guess = self.hint(r);
        let Some(c) = crossing().filter(|_| guess.is::<ForeignObj>()) else { return false };
        let number = matches!(s, Special::Len | Special::Hash);
        let convention = if number { Convention::Number } else { Convention::Unary };
        let target = special(c, guess, s).filter(|t| t.convention == convention);
        let (Some(target), Some(class)) = (target, stable_map(guess)) else { return false };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.callee_guard(w, callee, None, slow);
        let v = self.reg(r);
        self.unless_kept(v, class, Kept::special(type_of(guess), s), slow);
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
        let n = if let Some(c) = of_mirrored(guess) {
            let p = self.list_struct(v, slow);
            self.load(p, c.size)
        } else {
            self.unless_map(v, map, slow);
            if map == maps.list {
                // Of a list that C has seen, C keeps the length.
                let items = self.load(v, ListObj::ITEMS);
                let own = self.b.ins().icmp_imm_s(IntCC::NotEqual, items, 0);
                self.unless(own, slow);
            }
            self.load(v, offset)
        };
        let n = self.b.ins().bor_imm_s(n, INT as i64);
        self.store(n, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::call, after);
        true
    }

    /// The map of an object.
    fn map_of(&mut self, v: Word64) -> Word64 {
        let id = self.load32(v, 0);
        let id = self.b.ins().uextend(I64, id);
        self.b.ins().ishl_imm_s(id, cape_heap::MAP_ID_SHIFT as i64)
    }
}
