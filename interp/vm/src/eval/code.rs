//! Code objects: made of units, and unfolded when they first run.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use cape_bytecode::{BinOp, CodeUnit, Const, Op, Word, flags};
use cape_heap::{Field, Header, Native, Ptr, Value, heap};
use num_bigint::BigInt;

use super::jit::Compiled;
use crate::monitor::Listed;
use crate::object::*;
use crate::runtime::{intern, rt};
use crate::vm::Vm;
use crate::watchers::{Watched, event, tell, watched};

/// What a constant is as a value.
pub fn const_value(vm: &Vm, c: &Const) -> Value {
    match c {
        Const::None => Value::NONE,
        Const::True => Value::TRUE,
        Const::False => Value::FALSE,
        Const::Ellipsis => Value::ELLIPSIS,
        Const::Int(i) => Value::try_int(*i).unwrap_or_else(|| LongObj::constant(&BigInt::from(*i)).value()),
        Const::BigInt(b) => LongObj::constant(b).value(),
        Const::Float(f) => Value::float(*f),
        Const::Complex(re, im) => ComplexObj::new(*re, *im).value(),
        Const::Str(s) => {
            let o = StrObj::from_wtf8(s.as_bytes());
            // Name-like constants are interned, as in CPython.
            let name_like =
                o.as_ascii().is_some_and(|t| t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            if name_like { rt().intern_obj(o) } else { o.value() }
        }
        Const::Bytes(b) => BytesObj::new(b).value(),
        Const::Tuple(items) => {
            let mut v = ValueVec::with_capacity(items.len());
            items.iter().for_each(|i| v.push(const_value(vm, i)));
            TupleObj::new(&v).value()
        }
        Const::FrozenSet(items) => {
            let s = SetObj::with_map(rt().maps.frozenset);
            for i in items {
                // Constants are hashable: the compiler only folds such.
                let _ = s.add(vm, const_value(vm, i));
            }
            s.value()
        }
        Const::Slice(parts) => {
            let [a, b, c] = [0, 1, 2].map(|i| const_value(vm, &parts[i]));
            SliceObj::new(a, b, c).value()
        }
        Const::Code(u) => new_code(vm, u.clone()).value(),
    }
}

/// A tuple of interned names.
pub fn str_tuple(names: &[Box<str>]) -> Value {
    let mut v = ValueVec::with_capacity(names.len());
    names.iter().for_each(|n| v.push(intern(n)));
    TupleObj::new(&v).value()
}

/// Operators whose instructions have forms of their own: between registers, and with a constant.
const FORMS: [(BinOp, Op, Op); 7] = [
    (BinOp::Add, Op::Add, Op::AddK),
    (BinOp::Sub, Op::Sub, Op::SubK),
    (BinOp::Mul, Op::Mul, Op::MulK),
    (BinOp::TrueDiv, Op::TrueDiv, Op::TrueDivK),
    (BinOp::FloorDiv, Op::FloorDiv, Op::FloorDivK),
    (BinOp::Mod, Op::Mod, Op::ModK),
    (BinOp::And, Op::And, Op::AndK),
];

/// The instruction in the form that its operator has.
pub(crate) fn specialise(w: Word) -> Word {
    let op = w.op();
    let k = match op {
        Some(Op::BinaryOp) => false,
        Some(Op::BinaryOpK) => true,
        _ => return w,
    };
    let plain = BinOp::from_u8(w.x()).map(BinOp::to_plain);
    let Some((_, plain, by_const)) = FORMS.iter().find(|form| Some(form.0) == plain) else { return w };
    w.with_op(if k { *by_const } else { *plain })
}

/// The instruction at a word in the form that its operator and what follows it allow. Where somebody watches, [`specialise`]: every
/// instruction is done there.
pub(crate) fn specialise_at(unit: &CodeUnit, at: u32) -> Word {
    let w = unit.code[at as usize];
    let next = unit.code.get(at as usize + 1).copied().unwrap_or(Word::ZERO);
    // (A constant has no cache words: what follows is an instruction.)
    if w.op() == Some(Op::LoadConst) && next.op() == Some(Op::Return) && next.a() == w.a() {
        return w.with_op(Op::ReturnConst);
    }
    specialise(w)
}

/// Makes a code object of its unit. The rest is made when it first runs, by [`unfold`].
pub fn new_code(_vm: &Vm, unit: Arc<CodeUnit>) -> Ptr<CodeObj> {
    let filename = StrObj::new(&unit.filename).value();
    code_of_file(unit, filename)
}

fn code_of_file(unit: Arc<CodeUnit>, filename: Value) -> Ptr<CodeObj> {
    let map = rt().maps.code;
    let star = flags::VARARGS | flags::VARKEYWORDS;
    let later = || Field::new(Value::EMPTY);
    let (name, qualname) = (intern(&unit.name), intern(&unit.qualname));
    let code = heap().alloc_old(
        map,
        CodeObj {
            header: Header::new(map),
            words: Native(Words::folded()),
            consts: later(),
            names: later(),
            cache_values: later(),
            cache_used: Cell::new(0),
            name: Field::new(name),
            qualname: Field::new(qualname),
            filename: Field::new(filename),
            varnames: later(),
            argcount: unit.argcount,
            kwonly: unit.kwonlyargcount,
            flags: unit.flags,
            nregs: unit.nregs as u32,
            first_free: unit.first_free as u32,
            nfree: unit.freevars.len() as u32,
            simple: unit.kwonlyargcount == 0 && unit.flags & star == 0,
            may_clean_up: Cell::new(true),
            hash: Cell::new(-1),
            compiled: Native(Compiled::none()),
            liveness: Native(OnceCell::new()),
            watch: Native(OnceCell::new()),
            listed: Native(Listed::not_yet()),
            unit: Native(unit),
        },
    );
    if watched(Watched::Code) {
        tell(Watched::Code, event::CODE_MADE, code.value(), Value::EMPTY, Value::EMPTY);
    }
    code
}

/// The names of the parameters and the other variables of the code's own, made when they are first asked for.
#[inline]
pub fn variable_names(code: Ptr<CodeObj>) -> Ptr<TupleObj> {
    if code.varnames.get().is_empty() {
        make_variable_names(code);
    }
    // SAFETY: nothing else is ever stored there.
    unsafe { code.varnames.get().cast() }
}

#[cold]
#[inline(never)]
fn make_variable_names(code: Ptr<CodeObj>) {
    code.varnames.set(code, str_tuple(&code.unit.varnames));
}

/// Makes what running code needs, unless it is made: words, constants, names.
pub fn unfold(code: Ptr<CodeObj>) {
    if code.words.are_folded() {
        make_words(code);
    }
}

#[cold]
#[inline(never)]
fn make_words(code: Ptr<CodeObj>) {
    let vm = crate::vm::current();
    // (A profiler may look while the words are being made.)
    let made = || {
        if let Some(watcher) = crate::profile::watcher() {
            watcher.code_made(code);
        }
    };
    made();
    let unit = Arc::clone(&code.unit);
    let mut consts = ValueVec::with_capacity(unit.consts.len());
    for c in &unit.consts {
        consts.push(match c {
            // Of one file: also when the file was given another name.
            Const::Code(u) if u.filename == unit.filename => {
                code_of_file(Arc::clone(u), code.filename.get()).value()
            }
            c => const_value(vm, c),
        });
    }
    code.consts.set(code, ArrayObj::from_slice(&consts).value());
    let mut names = ValueVec::with_capacity(unit.names.len());
    unit.names.iter().for_each(|n| names.push(intern(n)));
    code.names.set(code, ArrayObj::from_slice(&names).value());
    let mut words = Vec::with_capacity(unit.code.len() + 1);
    words.extend(unit.code.iter().map(|w| Cell::new(w.0)));
    let mut may_clean_up = !unit.exceptions.is_empty();
    for (at, op, _) in unit.instructions() {
        words[at as usize].set(specialise_at(&unit, at).0);
        may_clean_up |= op == Op::YieldFrom;
    }
    code.may_clean_up.set(may_clean_up);
    // A word behind the end, so that a saved pc may always be stepped over.
    words.push(Cell::new(0));
    code.words.unfold(words.into_boxed_slice());
    crate::monitor::code_unfolded(code);
    made();
}

/// Where an inline cache keeps a managed value: an index into the code's `cache_values`.
pub(super) fn cache_slots(code: Ptr<CodeObj>, n: u32) -> u32 {
    let at = code.cache_used.get();
    let caches = code.cache_values.downcast::<CacheObj>();
    if (at + n) as usize > caches.map_or(0, |c| c.len()) {
        let bigger = CacheObj::new(((at + n) as usize * 2).max(8));
        for i in 0..at as usize {
            bigger.set(i, caches.map_or(Value::EMPTY, |c| c.get(i)));
        }
        code.cache_values.set(code, bigger.value());
    }
    code.cache_used.set(at + n);
    at
}
