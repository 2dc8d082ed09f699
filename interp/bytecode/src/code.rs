//! The unit of compiled code and its constants.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use crate::positions::{Position, PositionTable};
use crate::{Op, Word};

/// Code flags, CPython's `CO_*`.
pub mod flags {
    /// Locals are registers.
    pub const OPTIMIZED: u32 = 0x0001;
    /// A new locals mapping is made for each call.
    pub const NEWLOCALS: u32 = 0x0002;
    /// Has `*args`.
    pub const VARARGS: u32 = 0x0004;
    /// Has `**kwargs`.
    pub const VARKEYWORDS: u32 = 0x0008;
    /// Defined inside a function.
    pub const NESTED: u32 = 0x0010;
    /// Generator.
    pub const GENERATOR: u32 = 0x0020;
    /// Coroutine.
    pub const COROUTINE: u32 = 0x0080;
    /// Generator usable in `await` (`types.coroutine`).
    pub const ITERABLE_COROUTINE: u32 = 0x0100;
    /// Async generator.
    pub const ASYNC_GENERATOR: u32 = 0x0200;
    /// `from __future__ import division` and its like keep their bits.
    pub const FUTURE_DIVISION: u32 = 0x0002_0000;
    /// `absolute_import`.
    pub const FUTURE_ABSOLUTE_IMPORT: u32 = 0x0004_0000;
    /// `with_statement`.
    pub const FUTURE_WITH_STATEMENT: u32 = 0x0008_0000;
    /// `print_function`.
    pub const FUTURE_PRINT_FUNCTION: u32 = 0x0010_0000;
    /// `unicode_literals`.
    pub const FUTURE_UNICODE_LITERALS: u32 = 0x0020_0000;
    /// `barry_as_FLUFL`.
    pub const FUTURE_BARRY_AS_BDFL: u32 = 0x0040_0000;
    /// `generator_stop`.
    pub const FUTURE_GENERATOR_STOP: u32 = 0x0080_0000;
    /// `annotations`.
    pub const FUTURE_ANNOTATIONS: u32 = 0x0100_0000;
    /// `consts[0]` is the docstring.
    pub const HAS_DOCSTRING: u32 = 0x0400_0000;
    /// A function defined directly in a class.
    pub const METHOD: u32 = 0x0800_0000;
}

/// A constant.
///
/// Equality is identity of type and value (`1`, `1.0` and `True` differ, `0.0` and `-0.0` differ, NaNs equal by bits), as needed for
/// merging constants.
#[derive(Clone, Debug)]
pub enum Const {
    /// `None`
    None,
    /// `True`
    True,
    /// `False`
    False,
    /// `...`
    Ellipsis,
    /// An int that fits.
    Int(i64),
    /// An int that does not fit `Int`.
    BigInt(num_bigint::BigInt),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A str.
    Str(Wtf8),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// A tuple.
    Tuple(Box<[Const]>),
    /// A frozenset.
    FrozenSet(Box<[Const]>),
    /// A slice of constants: start, stop, step.
    Slice(Box<[Const; 3]>),
    /// Code.
    Code(Arc<CodeUnit>),
}

/// Text as generalized UTF-8: any sequence of code points, a surrogate being its three-byte sequence (`ED A0..BF xx`). As in CPython, two
/// surrogates next to each other stay two code points.
#[derive(Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Wtf8(pub Box<[u8]>);

impl Wtf8 {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As `str`, if there are no lone surrogates.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<&str> for Wtf8 {
    fn from(s: &str) -> Self {
        Wtf8(s.as_bytes().into())
    }
}

impl From<String> for Wtf8 {
    fn from(s: String) -> Self {
        Wtf8(s.into_bytes().into())
    }
}

impl From<Vec<u8>> for Wtf8 {
    fn from(s: Vec<u8>) -> Self {
        Wtf8(s.into())
    }
}

impl std::fmt::Debug for Wtf8 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl PartialEq for Const {
    fn eq(&self, other: &Const) -> bool {
        use Const::*;
        match (self, other) {
            (None, None) | (True, True) | (False, False) | (Ellipsis, Ellipsis) => true,
            (Int(a), Int(b)) => a == b,
            (BigInt(a), BigInt(b)) => a == b,
            (Float(a), Float(b)) => a.to_bits() == b.to_bits(),
            (Complex(a, b), Complex(c, d)) => a.to_bits() == c.to_bits() && b.to_bits() == d.to_bits(),
            (Str(a), Str(b)) => a == b,
            (Bytes(a), Bytes(b)) => a == b,
            (Tuple(a), Tuple(b)) | (FrozenSet(a), FrozenSet(b)) => a == b,
            (Slice(a), Slice(b)) => a == b,
            (Code(a), Code(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Const {}

impl std::hash::Hash for Const {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        use Const::*;
        std::mem::discriminant(self).hash(state);
        match self {
            None | True | False | Ellipsis => {}
            Int(a) => a.hash(state),
            BigInt(a) => a.hash(state),
            Float(a) => a.to_bits().hash(state),
            Complex(a, b) => (a.to_bits(), b.to_bits()).hash(state),
            Str(a) => a.hash(state),
            Bytes(a) => a.hash(state),
            Tuple(a) | FrozenSet(a) => a.hash(state),
            Slice(a) => a.hash(state),
            Code(a) => Arc::as_ptr(a).hash(state),
        }
    }
}

/// A row of the exception table: an exception raised by an instruction in `start..end` goes to `handler` with the exception object in
/// register `reg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExcEntry {
    /// First word covered.
    pub start: u32,
    /// End of the covered words (exclusive).
    pub end: u32,
    /// Word index of the handler.
    pub handler: u32,
    /// Register that receives the exception.
    pub reg: u16,
}

/// Compiled code of a module, class body, function, lambda, comprehension, generator expression or annotation scope.
///
/// Register layout: `varnames` occupy registers `0..nlocals` (parameters first: positional, keyword-only, `*args`, `**kwargs`); then the
/// cells of captured variables that are not parameters; then the free variables, from `first_free` on; then the registers of `temp_names`;
/// then temporaries.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeUnit {
    /// `co_name`.
    pub name: Box<str>,
    /// `co_qualname`.
    pub qualname: Box<str>,
    /// `co_filename`.
    pub filename: Arc<str>,
    /// `co_firstlineno`.
    pub first_line: u32,
    /// `co_flags`, see [`flags`].
    pub flags: u32,
    /// Number of positional parameters, positional-only ones included.
    pub argcount: u32,
    /// Number of positional-only parameters.
    pub posonlyargcount: u32,
    /// Number of keyword-only parameters.
    pub kwonlyargcount: u32,
    /// Number of registers of a frame.
    pub nregs: u16,
    /// First of the registers that receive the function's closure, in `freevars` order.
    pub first_free: u16,
    /// `co_freevars`.
    pub freevars: Vec<Box<str>>,
    /// The rest.
    pub body: Body,
}

/// What a [`CodeUnit`] needs to run, as its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeBody {
    /// `co_varnames`: names of registers `0..nlocals`.
    pub varnames: Vec<Box<str>>,
    /// `co_cellvars`.
    pub cellvars: Vec<Box<str>>,
    /// The register of each cell variable; then those of comprehension variables that are cells under a name which is there already.
    pub cell_regs: Vec<u16>,
    /// Names of variables in other registers: variables of inlined comprehensions whose name is also another local. Such a register is EMPTY
    /// (as are registers of comprehension variables among the locals) unless the comprehension is running; `locals()` then shows it.
    pub temp_names: Vec<(u16, Box<str>)>,
    /// `co_names`: globals, attributes, imports.
    pub names: Vec<Box<str>>,
    /// `co_consts`.
    pub consts: Vec<Const>,
    /// The instructions.
    pub code: Vec<Word>,
    /// Sorted by `start`, not overlapping (the innermost handler wins).
    pub exceptions: Vec<ExcEntry>,
    /// Source positions.
    pub positions: PositionTable,
}

/// A [`CodeBody`], which may still have to be read.
#[derive(Clone, Debug)]
pub struct Body {
    read: OnceLock<Box<CodeBody>>,
    /// Where it is, serialized, and the file it is of.
    source: Option<(&'static [u8], Arc<str>)>,
}

impl Body {
    /// One that is read when it is first used, from bytes that [`crate::serialize()`] wrote.
    pub(crate) fn unread(source: &'static [u8], filename: Arc<str>) -> Body {
        Body { read: OnceLock::new(), source: Some((source, filename)) }
    }

    #[cold]
    fn read_now(&self) -> &CodeBody {
        self.read.get_or_init(|| {
            let (bytes, filename) = self.source.as_ref().expect("a body is read or has a source");
            Box::new(crate::serialize::read_body(bytes, filename).expect("embedded code is whole"))
        })
    }
}

impl From<CodeBody> for Body {
    fn from(body: CodeBody) -> Body {
        Body { read: Box::new(body).into(), source: None }
    }
}

impl Deref for Body {
    type Target = CodeBody;

    #[inline]
    fn deref(&self) -> &CodeBody {
        match self.read.get() {
            Some(body) => body,
            None => self.read_now(),
        }
    }
}

impl DerefMut for Body {
    fn deref_mut(&mut self) -> &mut CodeBody {
        let _: &CodeBody = self;
        self.read.get_mut().expect("it has just been read")
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Body) -> bool {
        **self == **other
    }
}

impl Deref for CodeUnit {
    type Target = CodeBody;

    #[inline]
    fn deref(&self) -> &CodeBody {
        &self.body
    }
}

impl DerefMut for CodeUnit {
    fn deref_mut(&mut self) -> &mut CodeBody {
        &mut self.body
    }
}

impl CodeUnit {
    /// Number of named local registers (`co_nlocals`).
    pub fn nlocals(&self) -> usize {
        self.varnames.len()
    }

    /// Number of parameter registers, `*args` and `**kwargs` included.
    pub fn nparams(&self) -> usize {
        let star =
            (self.flags & flags::VARARGS != 0) as usize + (self.flags & flags::VARKEYWORDS != 0) as usize;
        self.argcount as usize + self.kwonlyargcount as usize + star
    }

    /// The first register that is not a variable's or a cell's.
    pub fn first_temp(&self) -> usize {
        self.first_free as usize + self.freevars.len()
    }

    /// The handler for an exception raised by the instruction at word `pc`.
    #[inline]
    pub fn find_handler(&self, pc: u32) -> Option<&ExcEntry> {
        let i = self.exceptions.partition_point(|e| e.start <= pc);
        let entry = &self.exceptions[i.checked_sub(1)?];
        (pc < entry.end).then_some(entry)
    }

    /// As [`Code::find_handler`], which looks first at the entry of the number in `hint`, and leaves there where it has found one.
    #[inline(always)]
    pub fn find_handler_near(&self, pc: u32, hint: &std::cell::Cell<u16>) -> Option<&ExcEntry> {
        // (The ranges do not overlap: an entry that covers the instruction is the one.)
        if let Some(entry) = self.exceptions.get(hint.get() as usize)
            && entry.start <= pc
            && pc < entry.end
        {
            return Some(entry);
        }
        let i = self.exceptions.partition_point(|e| e.start <= pc).checked_sub(1)?;
        hint.set(i as u16);
        Some(&self.exceptions[i]).filter(|entry| pc < entry.end)
    }

    /// Where the instruction begins that word `pc` belongs to: a frame that calls stands at a cache word.
    pub fn instruction_of(&self, pc: u32) -> u32 {
        let mut begins = 0;
        for (at, ..) in self.instructions().take_while(|(at, ..)| *at <= pc) {
            begins = at;
        }
        begins
    }

    /// How many words come before the body of a function: what makes cells and the generator.
    pub fn prologue(&self) -> u32 {
        let body = self.instructions().find(|(_, op, _)| !matches!(op, Op::MakeCell | Op::ReturnGenerator));
        body.map_or(0, |(at, ..)| at)
    }

    /// The name of the variable in register `reg`.
    pub fn register_name(&self, reg: u16) -> Option<&str> {
        if let Some(name) = self.varnames.get(reg as usize) {
            return Some(name);
        }
        if let Some(i) = (reg as usize).checked_sub(self.first_free as usize)
            && let Some(name) = self.freevars.get(i)
        {
            return Some(name);
        }
        if let Some(i) = self.cell_regs.iter().position(|&r| r == reg)
            && let Some(name) = self.cellvars.get(i)
        {
            return Some(name);
        }
        self.temp_names.iter().find(|(r, _)| *r == reg).map(|(_, n)| &**n)
    }

    /// Whether register `reg` holds the cell of a free variable (not of an own one).
    pub fn is_free(&self, reg: u16) -> bool {
        (reg as usize).checked_sub(self.first_free as usize).is_some_and(|i| i < self.freevars.len())
    }

    /// The docstring, if the code has one.
    pub fn docstring(&self) -> Option<&Const> {
        if self.has_docstring() { self.consts.first() } else { None }
    }

    /// Whether there is one.
    pub fn has_docstring(&self) -> bool {
        self.flags & flags::HAS_DOCSTRING != 0
    }

    /// The source position of word `pc`.
    pub fn position(&self, pc: u32) -> Option<Position> {
        self.positions.lookup(pc)
    }

    /// The instructions with their word indexes, without extra and cache words.
    pub fn instructions(&self) -> impl Iterator<Item = (u32, Op, Word)> + '_ {
        let mut pc = 0usize;
        let code: &[Word] = &self.code;
        std::iter::from_fn(move || {
            let word = *code.get(pc)?;
            let op = word.op()?;
            let at = pc as u32;
            pc += op.words();
            Some((at, op, word))
        })
    }
}
