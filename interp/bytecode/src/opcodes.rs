//! The opcode table of the register machine.
//!
//! One row per opcode: name, operands, inline cache words, meaning. Everything that depends on the set of opcodes
//! (the enum, names, operand printing, cache sizes, the version hash of serialized code) is derived from the rows.
//!
//! # Notation
//!
//! - An instruction is one word: `op:u8 | x:u8 | a:u16 | b:u16 | c:u16`, `op` in the lowest byte. `bc` is the 32-bit field
//!   made of `b` (low) and `c` (high); `xc` the 24-bit field made of `x` (low 8 bits) and `c` (high 16 bits).
//! - `r[i]` is a register of the current frame. EMPTY is the "unbound" register content. All registers that are not
//!   parameters start EMPTY. A register may also hold a Cell (captured variables); only the ops that say so see it.
//! - Results are written after all operands were read, so a destination may equal any operand.
//! - Jump targets are absolute word indexes. Targets always point at an instruction, never into cache words.
//! - After the instruction word come `extra` operand words (static), then `cache` inline cache words (initially 0).
//! - *null flag*: with `x & 1`, the op also sets `r[a+1] = EMPTY` (it loads a callee: the self slot of a call).
//! - Unless an op says otherwise, values read from operand registers are never EMPTY.
//! - *pair at f*: a callee in `r[f]` and its self argument, or EMPTY, in `r[f+1]`.

/// The number that stands, in the bytes of code that Python code sees, for where a call arrives. No opcode has it.
pub const RESUME: u8 = 255;

/// Where an operand lives in the instruction word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types)]
pub enum Slot {
    /// The 8-bit field.
    x,
    /// First 16-bit field.
    a,
    /// Second 16-bit field.
    b,
    /// Third 16-bit field.
    c,
    /// `b` and `c` as 32 bits.
    bc,
    /// `x` and `c` as 24 bits.
    xc,
    /// The first extra operand word.
    w,
}

/// What an operand means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Register that is written.
    Dst,
    /// Register that is read.
    Reg,
    /// Register that is read and written.
    Mod,
    /// Register that holds a Cell.
    Cell,
    /// First of a run of registers that are read.
    First,
    /// First of a run of registers that are written.
    DstFirst,
    /// Index into `consts`.
    Const,
    /// Index into `names`.
    Name,
    /// A number.
    Count,
    /// A jump target.
    Target,
    /// Null flag.
    Null,
    /// Flag bits, described by the row.
    Flag,
    /// A [`BinOp`](crate::BinOp).
    Binary,
    /// A [`CmpOp`](crate::CmpOp).
    Cmp,
    /// An [`Intrinsic1`](crate::Intrinsic1).
    Intr1,
    /// An [`Intrinsic2`](crate::Intrinsic2).
    Intr2,
    /// A [`FuncAttr`](crate::FuncAttr).
    FuncAttr,
    /// A [`SpecialMethod`](crate::SpecialMethod).
    Special,
    /// A [`CommonConst`](crate::CommonConst).
    Common,
    /// An [`AwaitKind`](crate::AwaitKind).
    Await,
    /// Conversion and spec flag of a format operation, see [`FORMAT_HAS_SPEC`](crate::FORMAT_HAS_SPEC).
    Format,
}

/// The static description of an opcode: one row of the table.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The name of the opcode.
    pub name: &'static str,
    /// Its operands in printing order.
    pub operands: &'static [(Slot, Kind)],
    /// Number of inline cache words.
    pub cache: u8,
    /// Number of extra operand words (before the cache words).
    pub extra: u8,
}

macro_rules! opcodes {
    (
        generic { $( $(#[doc = $doc:literal])* $name:ident ( $($slot:ident $kind:ident),* ) $(extra $extra:literal)? $(cache $cache:literal)? ; )* }
        specialised { $( $(#[doc = $sdoc:literal])* $sname:ident of $gname:ident ; )* }
    ) => {
        /// An opcode. See the table in this file for what each one does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Op {
            $( $(#[doc = $doc])* $name, )*
            $( $(#[doc = $sdoc])* $sname, )*
        }

        impl Op {
            /// All opcodes that the compiler emits, in table order.
            pub const GENERIC: &'static [Op] = &[ $( Op::$name, )* ];
            /// The quickened forms, never emitted by the compiler, each with the opcode it specialises.
            pub const SPECIALISED: &'static [(Op, Op)] = &[ $( (Op::$sname, Op::$gname), )* ];
            /// Number of opcodes, specialised ones included.
            pub const COUNT: usize = Self::GENERIC.len() + Self::SPECIALISED.len();

            /// The opcode with this number.
            pub const fn from_u8(n: u8) -> Option<Op> {
                if (n as usize) < Self::GENERIC.len() {
                    Some(Self::GENERIC[n as usize])
                } else if (n as usize) < Self::COUNT {
                    Some(Self::SPECIALISED[n as usize - Self::GENERIC.len()].0)
                } else {
                    None
                }
            }

            /// The row of the opcode. A specialised form has the operands and sizes of its generic form.
            pub const fn info(self) -> &'static OpInfo {
                &OP_INFO[self as usize]
            }

            /// The opcode that the compiler emitted: itself unless this is a specialised form.
            pub const fn generic(self) -> Op {
                let n = self as usize;
                if n < Self::GENERIC.len() { self } else { Self::SPECIALISED[n - Self::GENERIC.len()].1 }
            }

            /// Number of inline cache words after the instruction (and its extra words).
            pub const fn cache_words(self) -> usize {
                self.info().cache as usize
            }

            /// Number of extra operand words directly after the instruction.
            pub const fn extra_words(self) -> usize {
                self.info().extra as usize
            }

            /// Number of words of the whole instruction: 1 + extra + cache.
            pub const fn words(self) -> usize {
                1 + self.info().extra as usize + self.info().cache as usize
            }

            /// The name of the opcode.
            pub const fn name(self) -> &'static str {
                self.info().name
            }
        }

        static GENERIC_INFO: [OpInfo; Op::GENERIC.len()] = [
            $( OpInfo {
                name: stringify!($name),
                operands: &[ $( (Slot::$slot, Kind::$kind) ),* ],
                cache: 0 $(+ $cache)?,
                extra: 0 $(+ $extra)?,
            }, )*
        ];

        static OP_INFO: [OpInfo; Op::COUNT] = {
            let mut table = [OpInfo { name: "", operands: &[], cache: 0, extra: 0 }; Op::COUNT];
            let mut i = 0;
            while i < Op::GENERIC.len() {
                table[i] = GENERIC_INFO[i];
                i += 1;
            }
            let snames: &[&str] = &[ $( stringify!($sname) ),* ];
            let mut j = 0;
            while j < Op::SPECIALISED.len() {
                table[i + j] = GENERIC_INFO[Op::SPECIALISED[j].1 as usize];
                table[i + j].name = snames[j];
                j += 1;
            }
            table
        };

        /// Hash of the generic part of the table (names, operands, sizes); versions serialized code.
        pub const TABLE_HASH: u64 = {
            let mut h = 0xcbf2_9ce4_8422_2325u64;
            $(
                h = fnv(h, stringify!($name).as_bytes());
                $( h = fnv(h, stringify!($slot).as_bytes()); h = fnv(h, stringify!($kind).as_bytes()); )*
                h = fnv(h, &[0 $(+ $extra)?, 0 $(+ $cache)?]);
            )*
            h
        };
    };
}

const fn fnv(mut h: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        h = (h ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        i += 1;
    }
    h
}

opcodes! {
    generic {
        /// Does nothing.
        Nop();

        // ---- registers and constants ----
        /// `r[a] = r[b]`, raw: the content may also be a Cell (making closures, saving variables) or EMPTY.
        Move(a Dst, b Reg, x Null);
        /// `r[a] = EMPTY`. `del x` of a local is `CheckBound` (unless known bound) and `Clear`.
        Clear(a Dst);
        /// `r[a] = consts[bc]`.
        LoadConst(a Dst, bc Const);
        /// `r[a] = bc`, an int from 0 to 255, which needs no constant.
        LoadSmallInt(a Dst, bc Count);
        /// `r[a] = ` a builtin object that must not be affected by shadowing (`assert`, `__annotate__`).
        LoadCommon(a Dst, x Common);
        /// If `r[a]` is EMPTY raise UnboundLocalError `cannot access local variable '%s' where it is not associated with a
        /// value`; the name is `code.register_name(a)`.
        CheckBound(a Reg);

        // ---- cells ----
        /// At function entry: `r[a] = Cell(r[a])`. `r[a]` is a parameter, or EMPTY (an empty cell).
        MakeCell(a Mod);
        /// `r[a] = content of cell r[b]`. Empty: UnboundLocalError (message as `CheckBound`) if `r[b]` is one of this code's
        /// own `cellvars`; NameError `cannot access free variable '%s' where it is not associated with a value in enclosing
        /// scope` if it is a free variable. The name is `code.register_name(b)`.
        LoadDeref(a Dst, b Cell, x Null);
        /// Store `r[b]` into cell `r[a]`.
        StoreDeref(a Cell, b Reg);
        /// Empty cell `r[a]`; errors of `LoadDeref` if it is empty already.
        DelDeref(a Cell);

        // ---- names ----
        /// `r[a] = ` name `bc` looked up in the frame's locals mapping, then globals, then builtins. NameError
        /// `name '%s' is not defined`.
        LoadName(a Dst, bc Name, x Null) cache 2;
        /// Store `r[a]` under name `bc` in the frame's locals mapping. SystemError `no locals found when storing %R`.
        StoreName(a Reg, bc Name) cache 2;
        /// Delete name `bc` from the frame's locals mapping. NameError `name '%s' is not defined`.
        DelName(bc Name);
        /// `r[a] = ` name `bc` in globals, then builtins. NameError `name '%s' is not defined`.
        LoadGlobal(a Dst, bc Name, x Null) cache 2;
        /// Store `r[a]` under name `bc` in globals.
        StoreGlobal(a Reg, bc Name) cache 2;
        /// Delete name `bc` from globals. NameError `name '%s' is not defined`.
        DelGlobal(bc Name);
        /// `r[a] = ` the frame's locals mapping (the class namespace, module globals); SystemError `no locals`.
        LoadLocals(a Dst);
        /// `r[a] = r[b][name]` if the mapping `r[b]` has it (PyMapping_GetOptionalItem), else the content of cell `r[c]` (errors as
        /// `LoadDeref`). The name is `code.register_name(c)`. Class bodies and annotation scopes.
        LoadFromDictOrDeref(a Dst, b Reg, c Cell);
        /// `r[a] = r[b][name]` if the mapping has it, else global, else builtin (NameError as `LoadGlobal`). `c` = name.
        LoadFromDictOrGlobals(a Dst, b Reg, c Name);
        /// `r[a] = builtins.__build_class__`. NameError `__build_class__ not found`.
        LoadBuildClass(a Dst, x Null);
        /// Make `__annotations__` an empty dict in the frame's locals mapping unless it is there (`from __future__ import
        /// annotations` in a module or class with annotations).
        SetupAnnotations();

        // ---- attributes, items ----
        /// `r[a] = r[b].name`.
        LoadAttr(a Dst, b Reg, c Name, x Null) cache 4;
        /// For a call `r[b].name(...)`: pair at a. `r[a]` = the unbound function and `r[a+1]` = the object when the attribute is
        /// found on the type as a method descriptor; else `r[a]` = the attribute and `r[a+1]` = EMPTY.
        LoadMethod(a DstFirst, b Reg, c Name) cache 4;
        /// `r[a].name = r[b]`, `c` = name.
        StoreAttr(a Reg, b Reg, c Name) cache 4;
        /// `del r[a].name`, `c` = name.
        DelAttr(a Reg, c Name);
        /// `super().name` or `super(cls, self).name`: `r[b]` = what the global name `super` gave, `r[b+1]` = the class,
        /// `r[b+2]` = self, `c` = name. `x & 1` null flag; `x & 2`: two-argument form. If `r[b]` is not the builtin `super`
        /// type: call it, with no arguments (zero-argument form) or with the two, and take the attribute of the result.
        LoadSuperAttr(a Dst, b First, c Name, x Flag) cache 1;
        /// As `LoadSuperAttr`, but as the callee of a call: pair at a (as `LoadMethod`; self is `r[b+2]`). `x & 2` as there.
        LoadSuperMethod(a DstFirst, b First, c Name, x Flag) cache 1;
        /// `r[a] = r[b][r[c]]`.
        LoadSubscr(a Dst, b Reg, c Reg) cache 1;
        /// `r[a] = r[b][consts[c]]`; the constant is an int or a str.
        LoadSubscrK(a Dst, b Reg, c Const) cache 1;
        /// `r[a][r[b]] = r[c]`.
        StoreSubscr(a Reg, b Reg, c Reg) cache 1;
        /// `del r[a][r[b]]`.
        DelSubscr(a Reg, b Reg);
        /// `r[a] = r[b][r[c]:r[c+1]]`.
        LoadSlice(a Dst, b Reg, c First);
        /// `r[a][r[b]:r[b+1]] = r[c]`.
        StoreSlice(a Reg, b First, c Reg);
        /// `r[a] = slice(r[b], r[b+1])` or, with `c` == 3, `slice(r[b], r[b+1], r[b+2])`. `c` is 2 or 3.
        BuildSlice(a Dst, b First, c Count);

        // ---- operators ----
        /// `r[a] = -r[b]`.
        UnaryNeg(a Dst, b Reg);
        /// `r[a] = +r[b]`.
        UnaryPos(a Dst, b Reg);
        /// `r[a] = ~r[b]`.
        UnaryInvert(a Dst, b Reg);
        /// `r[a] = not r[b]` (a bool).
        UnaryNot(a Dst, b Reg);
        /// `r[a] = not not r[b]` (a bool).
        ToBool(a Dst, b Reg);
        /// `r[a] = r[b] <op> r[c]`; `x` = the operator, in-place ones included.
        BinaryOp(a Dst, b Reg, c Reg, x Binary) cache 1;
        /// `r[a] = r[b] <op> consts[c]`; the constant is an int, a float or a str.
        BinaryOpK(a Dst, b Reg, c Const, x Binary) cache 1;
        /// `r[a] = r[b] <cmp> r[c]` (the rich comparison's result, not converted to bool).
        Compare(a Dst, b Reg, c Reg, x Cmp) cache 1;
        /// `r[a] = r[b] <cmp> consts[c]`; the constant is an int, a float or a str.
        CompareK(a Dst, b Reg, c Const, x Cmp) cache 1;
        /// `r[a] = r[b] is r[c]`, with `x` = 1 `is not`.
        Is(a Dst, b Reg, c Reg, x Flag);
        /// `r[a] = r[b] in r[c]` (`r[c]` is the container), with `x` = 1 `not in`.
        Contains(a Dst, b Reg, c Reg, x Flag) cache 1;

        // ---- jumps ----
        /// Go to `bc`; always forward.
        Jump(bc Target);
        /// Go to `bc`, the head of a loop (backward): the place for polling signals, GIL and collector requests.
        JumpBack(bc Target);
        /// If `r[a]` is true (`__bool__`/`__len__` protocol) go to `bc`. `x & 1`: the target is backward (poll as `JumpBack`). `x & 2`: `r[a]` is
        /// read later; without it, a comparison fused with the jump need not write its result.
        JumpIfTrue(a Reg, bc Target, x Flag);
        /// If `r[a]` is false go to `bc`; `x` as in `JumpIfTrue`.
        JumpIfFalse(a Reg, bc Target, x Flag);
        /// If `r[a]` is None go to `bc`. With `x` = 1 the target is backward.
        JumpIfNone(a Reg, bc Target, x Flag);
        /// If `r[a]` is not None go to `bc`. With `x` = 1 the target is backward.
        JumpIfNotNone(a Reg, bc Target, x Flag);

        // ---- building ----
        /// `r[a] = (r[b], ..., r[b+c-1])`. Elements may be Cells (a closure tuple).
        BuildTuple(a Dst, b First, c Count);
        /// `r[a] = [r[b], ..., r[b+c-1]]`.
        BuildList(a Dst, b First, c Count);
        /// `r[a] = {r[b], ..., r[b+c-1]}`, added in order.
        BuildSet(a Dst, b First, c Count);
        /// `r[a] = {r[b]: r[b+1], ...}`, `c` pairs, inserted in order.
        BuildMap(a Dst, b First, c Count);
        /// `r[a] = ` concatenation of the str objects `r[b] ... r[b+c-1]`.
        BuildString(a Dst, b First, c Count);
        /// `r[a].append(r[b])`; `r[a]` is an exact list.
        ListAppend(a Reg, b Reg);
        /// `r[a].extend(r[b])`; TypeError `Value after * must be an iterable, not %.200s` if `r[b]` is not iterable.
        ListExtend(a Reg, b Reg);
        /// `r[a] = tuple(r[b])`; `r[b]` is an exact list made by this code.
        ListToTuple(a Dst, b Reg);
        /// `r[a].add(r[b])`; TypeError if `r[a]` is no set, as a `__conditional_annotations__` of the program's own may be.
        SetAdd(a Reg, b Reg);
        /// `r[a].update(r[b])`.
        SetUpdate(a Reg, b Reg);
        /// `r[a][r[b]] = r[c]`; `r[a]` is an exact dict.
        MapAdd(a Reg, b Reg, c Reg);
        /// `r[a].update(r[b])` for `{**m}`: TypeError `'%.200s' object is not a mapping`.
        DictUpdate(a Reg, b Reg);
        /// `r[a].update(r[b])` for `f(**m)`: TypeErrors `%V argument after ** must be a mapping, not %.200s`, `%V got multiple
        /// values for keyword argument '%S'`, where the function named is `r[c]`.
        DictMerge(a Reg, b Reg, c Reg);

        // ---- calls ----
        /// `r[a] = call`: pair at b, `c` positional arguments `r[b+2] ... r[b+1+c]` (self not counted). No register above the
        /// arguments is live: the callee's window may begin at `r[b+1]` or `r[b+2]`.
        Call(a Dst, b First, c Count) cache 2;
        /// As `Call`; `c` counts the keyword arguments too, and the extra word is the index of a constant tuple with their names,
        /// which belong to the last arguments.
        CallKw(a Dst, b First, c Count, w Const) extra 1 cache 2;
        /// `r[a] = r[b](*r[b+2], **r[b+3])`: pair at b (`r[b+1]` is EMPTY), `r[b+2]` a tuple or any iterable (TypeError `%V argument
        /// after * must be an iterable, not %.200s`), `r[b+3]` a dict or EMPTY.
        CallEx(a Dst, b First);
        /// `r[a] = intrinsic x of r[b]`.
        CallIntrinsic1(a Dst, b Reg, x Intr1);
        /// `r[a] = intrinsic x of r[b], r[c]`.
        CallIntrinsic2(a Dst, b Reg, c Reg, x Intr2);
        /// Leave the frame with value `r[a]`. In a generator: StopIteration(value); in an async generator: StopAsyncIteration.
        Return(a Reg);

        // ---- functions ----
        /// `r[a] = ` new function of code constant `bc` with the frame's globals; `__doc__` from the code's docstring flag.
        MakeFunction(a Dst, bc Const);
        /// Set part `x` of the fresh function `r[a]` to `r[b]`: defaults tuple, kwdefaults dict, annotate function, closure tuple.
        SetFuncAttr(a Reg, b Reg, x FuncAttr);

        // ---- iteration, unpacking ----
        /// `r[a] = iter(r[b])`.
        GetIter(a Dst, b Reg);
        /// `r[a] = next(r[b])`, or when it is exhausted (StopIteration included) go to `xc`, `r[a]` unchanged.
        ForIter(a Dst, b Reg, xc Target) cache 1;
        /// Unpack `r[a]` into exactly `c` registers from `r[b]` on, in order. TypeError `cannot unpack non-iterable %.200s object`;
        /// ValueErrors `not enough values to unpack (expected %d, got %d)`, `too many values to unpack (expected %d, got %d)`.
        UnpackSequence(a Reg, b DstFirst, c Count) cache 1;
        /// Unpack `r[a]`: `x` items, a list of the rest, then `c` items into registers from `r[b]` on (x + 1 + c of them). ValueError
        /// `not enough values to unpack (expected at least %d, got %zd)`.
        UnpackEx(a Reg, b DstFirst, c Count, x Count);
        /// `r[a] = len(r[b])`.
        GetLen(a Dst, b Reg);

        // ---- exceptions ----
        /// `r[a] = ` the thread's handled exception (or None), then make `r[b]` the handled exception. First op of a handler.
        PushExcInfo(a Dst, b Reg);
        /// Make `r[a]` (saved by `PushExcInfo`) the handled exception again.
        PopExcInfo(a Reg);
        /// `raise` (`x` = 0: re-raise the handled exception, RuntimeError `No active exception to reraise`), `raise r[a]` (`x` = 1),
        /// `raise r[a] from r[b]` (`x` = 2).
        Raise(a Reg, b Reg, x Count);
        /// Continue the propagation of exception `r[a]`; its traceback gets no new entry for this frame. `x` = 0: the frame is left here;
        /// `x` = 1: where the handler was entered from.
        Reraise(a Reg, x Count);
        /// `r[a] = ` whether exception `r[b]` matches `r[c]` (a class or tuple). TypeError `catching classes that do not inherit from
        /// BaseException is not allowed`.
        CheckExcMatch(a Dst, b Reg, c Reg);
        /// `except* r[c]`: splits `r[b]`: `r[a]` = the matching group (a naked exception is wrapped) or None, `r[b]` = the rest or
        /// None. A match becomes the thread's handled exception. TypeErrors as CPython's CHECK_EG_MATCH.
        CheckEgMatch(a Dst, b Mod, c Reg);
        /// End of a `try/except*`: `r[a]` = exception to re-raise or None, from the original exception `r[b]` and the list `r[c]` of
        /// exceptions raised and re-raised by the handlers (last entry: the unmatched rest, maybe None).
        PrepReraiseStar(a Dst, b Reg, c Reg);
        /// Pair at a: special method `x` of `r[b]`, looked up on the type. TypeErrors as CPython 3.14's `with` statement.
        LoadSpecial(a DstFirst, b Reg, x Special);
        /// `r[a], r[a+1], r[a+2] = type(r[b]), r[b], r[b].__traceback__` (None if it has none).
        ExcTriple(a DstFirst, b Reg);

        // ---- generators, coroutines ----
        /// Make a generator, coroutine or async generator (by the code's flags) from this frame, to be resumed after this
        /// instruction, and return it to the caller.
        ReturnGenerator();
        /// Suspend, giving `r[b]` to the consumer; on resumption `r[a]` = the value sent (or an exception is raised here).
        /// `x` = 1: in an async generator (the value is wrapped).
        Yield(a Dst, b Reg, x Flag);
        /// Delegate: send `r[c]` (None: next) to the iterator `r[b]`. If it finishes, `r[a]` = its result and go on. If it yields,
        /// suspend with that value, the pc staying here; on resumption `r[c]` = the value sent. `throw()` and `close()` on the
        /// suspended frame are forwarded to `r[b]`.
        YieldFrom(a Dst, b Reg, c Mod);
        /// `r[a] = ` what `await r[b]` iterates: TypeErrors by `x` (plain await, `async with` enter or exit), RuntimeError
        /// `coroutine is being awaited already`.
        GetAwaitable(a Dst, b Reg, x Await);
        /// `r[a] = ` what `yield from r[b]` iterates (`iter`, but a generator is itself; a coroutine is TypeError `cannot 'yield from'
        /// a coroutine object in a non-coroutine generator` unless this code is a coroutine or iterable coroutine).
        GetYieldFromIter(a Dst, b Reg);
        /// `r[a] = type(r[b]).__aiter__(r[b])`; TypeErrors as GET_AITER.
        GetAIter(a Dst, b Reg);
        /// `r[a] = ` awaitable of `type(r[b]).__anext__(r[b])` (what `GetAwaitable` would give); TypeErrors as GET_ANEXT.
        GetANext(a Dst, b Reg);
        /// Handler of an `async for`: go on if `r[a]` is a StopAsyncIteration, else re-raise it.
        EndAsyncFor(a Reg);

        // ---- import ----
        /// `r[a] = __import__(names[c], globals, locals, fromlist = consts[b], level = x)`.
        ImportName(a Dst, b Const, c Name, x Count);
        /// `r[a] = ` attribute (or submodule) `names[c]` of module `r[b]`; ImportErrors as IMPORT_FROM.
        ImportFrom(a Dst, b Reg, c Name);

        // ---- pattern matching ----
        /// `r[a] = ` whether `r[b]` is a sequence pattern subject (Py_TPFLAGS_SEQUENCE), a bool.
        MatchSequence(a Dst, b Reg);
        /// `r[a] = ` whether `r[b]` is a mapping pattern subject (Py_TPFLAGS_MAPPING), a bool.
        MatchMapping(a Dst, b Reg);
        /// `r[a] = ` tuple of the values of subject `r[b]` for the keys in tuple `r[c]`, or None if one is missing.
        MatchKeys(a Dst, b Reg, c Reg);
        /// Class pattern: `r[b]` = subject, `r[b+1]` = class, `r[b+2]` = tuple of keyword attribute names, `c` = number of positional
        /// patterns. `r[a]` = tuple of the attribute values (positional first) or None.
        MatchClass(a Dst, b First, c Count);

        // ---- formatted strings ----
        /// `r[a] = format(conv(r[b]), r[c] or '')`. `x & 3` = conversion (0 none, 1 `str`, 2 `repr`, 3 `ascii`); `x & 4`: there is a
        /// spec, `r[c]`. Without conversion and spec an exact str is returned as it is.
        FormatValue(a Dst, b Reg, c Reg, x Format);
        /// `r[a] = string.templatelib.Interpolation(r[b], r[b+1], conversion, r[b+2] or '')`: value, expression text, spec; `x` as in
        /// `FormatValue`.
        BuildInterpolation(a Dst, b First, x Format);
        /// `r[a] = string.templatelib.Template` of strings tuple `r[b]` and interpolations tuple `r[c]`.
        BuildTemplate(a Dst, b Reg, c Reg);
    }
    specialised {
        /// The only word of code that has not run yet: makes the others, and begins.
        Unfold of Nop;
        /// In place of the first word of an instruction that somebody watches; the others of its fields are the instruction's.
        Stop of Nop;
        /// `LoadConst` of what the `Return` behind it returns: returns it. Only where nobody watches.
        ReturnConst of LoadConst;
        /// `BinaryOp` with `+` or `+=`.
        Add of BinaryOp;
        /// `BinaryOpK` with `+` or `+=`.
        AddK of BinaryOpK;
        /// `BinaryOp` with `-` or `-=`.
        Sub of BinaryOp;
        /// `BinaryOpK` with `-` or `-=`.
        SubK of BinaryOpK;
        /// `BinaryOp` with `*` or `*=`.
        Mul of BinaryOp;
        /// `BinaryOpK` with `*` or `*=`.
        MulK of BinaryOpK;
        /// `BinaryOp` with `/` or `/=`.
        TrueDiv of BinaryOp;
        /// `BinaryOpK` with `/` or `/=`.
        TrueDivK of BinaryOpK;
        /// `BinaryOp` with `//` or `//=`.
        FloorDiv of BinaryOp;
        /// `BinaryOpK` with `//` or `//=`.
        FloorDivK of BinaryOpK;
        /// `BinaryOp` with `%` or `%=`.
        Mod of BinaryOp;
        /// `BinaryOpK` with `%` or `%=`.
        ModK of BinaryOpK;
        /// `BinaryOp` with `&` or `&=`.
        And of BinaryOp;
        /// `BinaryOpK` with `&` or `&=`.
        AndK of BinaryOpK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_rows_agree() {
        for n in 0..Op::COUNT {
            let op = Op::from_u8(n as u8).expect("every number below COUNT is an opcode");
            assert_eq!(op as usize, n);
            assert_eq!(op.name(), format!("{op:?}"));
        }
        assert_eq!(Op::from_u8(Op::COUNT as u8), None);
        for &(special, generic) in Op::SPECIALISED {
            assert_eq!(special.words(), generic.words());
            assert_eq!(special.generic(), generic);
        }
    }
}
