//! Code objects: a compiled [`CodeUnit`] made executable.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use cape_bytecode::{CodeUnit, Liveness, Op, Word};
use cape_heap::{Field, Native, heap_object};

use crate::eval::{Compiled, specialise};
use crate::monitor::{Listed, Watch};

heap_object! {
    /// Old from birth, so its address is stable. `words` is its own, quickened copy of the unit's instructions;
    /// `consts` and `names` are arrays of values (names interned). They are made when the code first runs
    /// ([`crate::eval::unfold`]), which most never does, and `varnames`, a tuple, when it is asked for
    /// ([`crate::eval::variable_names`]). `cache_values` holds what inline caches remember of managed values, as an array indexed
    /// from the cache words.
    pub struct CodeObj {
        pub unit: Native<Arc<CodeUnit>>,
        pub words: Native<Words>,
        pub consts: Field,
        pub names: Field,
        pub cache_values: Field,
        pub cache_used: Cell<u32>,
        pub name: Field,
        pub qualname: Field,
        pub filename: Field,
        pub varnames: Field,
        /// Copies of the unit's facts that calls look at.
        pub argcount: u32,
        pub kwonly: u32,
        pub flags: u32,
        pub nregs: u32,
        /// The first register of free variables, and their number.
        pub first_free: u32,
        pub nfree: u32,
        /// Parameters need no binding beyond their number: no keyword-only, `*args`, `**kwargs`.
        pub simple: bool,
        /// Of code that has run: a generator of it may stand in a `try` or delegate when it is suspended.
        pub may_clean_up: Cell<bool>,
        pub hash: Cell<i64>,
        /// The machine code of it, once it is hot.
        pub compiled: Native<Compiled>,
        /// Which temporaries live where, once a full collection has asked.
        pub liveness: Native<OnceCell<Liveness>>,
        /// Who watches it, and where it stops, once somebody has.
        pub(crate) watch: Native<OnceCell<Box<Watch>>>,
        /// Its place among the code that has run.
        pub(crate) listed: Native<Listed>,
    } [drop]
}

/// The offset of a word as Python code sees it: behind two bytes that stand for the call itself, where CPython has an instruction.
/// Negative: none has run yet.
pub fn byte_offset(word: i32) -> i64 {
    if word < 0 { word as i64 } else { word as i64 * 8 + 2 }
}

impl CodeObj {
    /// The line on which the code is called: that of the `def`, of a module 0.
    pub fn first_line(&self) -> u32 {
        if &*self.unit.name == "<module>" { 0 } else { self.unit.first_line }
    }

    /// The opcode of the instruction at this word, whether somebody watches it or not.
    #[inline(always)]
    pub fn op(&self, at: u32) -> Op {
        match Word(self.words[at as usize].get()).op() {
            Some(Op::Stop) => specialise(self.unit.code[at as usize]).op().expect("an instruction"),
            op => op.expect("an instruction"),
        }
    }

    /// Whether a generator that stands at this word delegates.
    #[inline(always)]
    pub fn delegates_at(&self, at: u32) -> bool {
        let byte = Word(self.words[at as usize].get()).op_byte();
        byte != Op::Yield as u8 && self.op(at) == Op::YieldFrom
    }
}

/// What code that has not run yet consists of.
static FOLDED: [AtomicU64; 2] = [AtomicU64::new(Op::Unfold as u64), AtomicU64::new(0)];

/// The words of a code object, once they are made.
pub struct Words {
    first: Cell<*const Cell<u64>>,
    len: Cell<usize>,
}

impl Words {
    /// Words that are still to be made.
    pub fn folded() -> Words {
        Words { first: Cell::new(FOLDED.as_ptr() as *const Cell<u64>), len: Cell::new(FOLDED.len()) }
    }

    /// Whether they are still to be made.
    pub fn are_folded(&self) -> bool {
        self.first.get() == FOLDED.as_ptr() as *const Cell<u64>
    }

    /// They are made, once.
    pub(crate) fn unfold(&self, words: Box<[Cell<u64>]>) {
        assert!(self.are_folded());
        self.len.set(words.len());
        self.first.set(Box::into_raw(words) as *const Cell<u64>);
    }
}

impl std::ops::Deref for Words {
    type Target = [Cell<u64>];

    #[inline(always)]
    fn deref(&self) -> &[Cell<u64>] {
        // SAFETY: both came from one slice, that of `unfold` or the static one, which has the layout of cells and is never written;
        // a slice that was handed out before `unfold` is of the static one.
        unsafe { std::slice::from_raw_parts(self.first.get(), self.len.get()) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        if !self.are_folded() {
            let words =
                std::ptr::slice_from_raw_parts_mut(self.first.get() as *mut Cell<u64>, self.len.get());
            // SAFETY: they came from this box.
            drop(unsafe { Box::from_raw(words) });
        }
    }
}
