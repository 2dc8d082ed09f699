//! `_opcode`: facts about the opcodes of Cape's register machine, and the instructions of a code object, for `opcode` and `dis`.
//!
//! Names are those of the table of opcodes as Python programs write such names, and where CPython has an opcode that does the
//! same, its name: programs look for `LOAD_GLOBAL` and `STORE_NAME` to learn what a function refers to. Several opcodes of Cape's may
//! do what one of CPython's does; they have its name then, and one of them its number (`opmap`). What moves a register is called after
//! what the register is (`dis` knows that).

use cape_bytecode::{Kind, Op, RESUME, Word};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, type_of};

/// Opcodes of CPython's that are none of Cape's, for what tools look for by name: what a call does itself (it copies free variables),
/// a cache word, what takes arguments that are too large (Cape has none), and where a call arrives.
const PSEUDO: &[(&str, u8)] =
    &[("COPY_FREE_VARS", 252), ("CACHE", 253), ("EXTENDED_ARG", 254), ("RESUME", RESUME)];

const _: () = assert!(Op::COUNT <= 252);

/// The opcodes that CPython calls otherwise than the table.
const CPYTHON: &[(Op, &str)] = &[
    (Op::LoadCommon, "LOAD_COMMON_CONSTANT"),
    (Op::DelDeref, "DELETE_DEREF"),
    (Op::DelName, "DELETE_NAME"),
    (Op::DelGlobal, "DELETE_GLOBAL"),
    (Op::DelAttr, "DELETE_ATTR"),
    (Op::DelSubscr, "DELETE_SUBSCR"),
    (Op::UnaryNeg, "UNARY_NEGATIVE"),
    (Op::Compare, "COMPARE_OP"),
    (Op::LoadSlice, "BINARY_SLICE"),
    (Op::CheckBound, "LOAD_FAST_CHECK"),
    (Op::JumpIfTrue, "POP_JUMP_IF_TRUE"),
    (Op::JumpIfFalse, "POP_JUMP_IF_FALSE"),
    (Op::JumpIfNone, "POP_JUMP_IF_NONE"),
    (Op::JumpIfNotNone, "POP_JUMP_IF_NOT_NONE"),
    (Op::PopExcInfo, "POP_EXCEPT"),
    (Op::Is, "IS_OP"),
    (Op::Contains, "CONTAINS_OP"),
    (Op::Jump, "JUMP_FORWARD"),
    (Op::JumpBack, "JUMP_BACKWARD"),
    (Op::CallEx, "CALL_FUNCTION_EX"),
    (Op::CallIntrinsic1, "CALL_INTRINSIC_1"),
    (Op::CallIntrinsic2, "CALL_INTRINSIC_2"),
    (Op::Return, "RETURN_VALUE"),
    (Op::SetFuncAttr, "SET_FUNCTION_ATTRIBUTE"),
    (Op::Raise, "RAISE_VARARGS"),
    (Op::Yield, "YIELD_VALUE"),
    (Op::GetAIter, "GET_AITER"),
    (Op::GetANext, "GET_ANEXT"),
];

/// Opcodes that do what another one does, in another way: what they are called after. The number is CPython's argument, where it says
/// what Cape's opcode says itself.
const SHARED: &[(Op, Op, Option<u8>)] = &[
    (Op::LoadMethod, Op::LoadAttr, None),
    (Op::LoadSuperMethod, Op::LoadSuperAttr, None),
    (Op::LoadSubscr, Op::BinaryOp, Some(NB_SUBSCR)),
    (Op::LoadSubscrK, Op::BinaryOp, Some(NB_SUBSCR)),
    (Op::BinaryOpK, Op::BinaryOp, None),
    (Op::CompareK, Op::Compare, None),
    (Op::UnaryPos, Op::CallIntrinsic1, Some(5)),
    (Op::ListToTuple, Op::CallIntrinsic1, Some(6)),
    (Op::PrepReraiseStar, Op::CallIntrinsic2, Some(1)),
    (Op::YieldFrom, Op::Yield, Some(1)),
];

/// Specialised forms that CPython has, or that need a name. (Cape's are for floats as well.)
const FORMS: &[(Op, &str)] = &[
    (Op::ReturnConst, "LOAD_CONST_RETURN"),
    (Op::Add, "BINARY_OP_ADD_INT"),
    (Op::AddK, "BINARY_OP_ADD_INT"),
    (Op::Sub, "BINARY_OP_SUBTRACT_INT"),
    (Op::SubK, "BINARY_OP_SUBTRACT_INT"),
    (Op::Mul, "BINARY_OP_MULTIPLY_INT"),
    (Op::MulK, "BINARY_OP_MULTIPLY_INT"),
];

/// What instructions are called that move a register, or format, after their operands; with their numbers from [`ABSENT_FROM`] on.
const BY_OPERANDS: &[(&str, Op)] = &[
    ("LOAD_FAST_BORROW", Op::Move),
    ("STORE_FAST", Op::Move),
    ("DELETE_FAST", Op::Clear),
    ("PUSH_NULL", Op::Nop),
    ("FORMAT_SIMPLE", Op::Nop),
    ("FORMAT_WITH_SPEC", Op::Nop),
];

/// CPython's opcodes that Cape has no use for: programs ask for their numbers, and find them nowhere. Those without an argument.
const ABSENT: &[&str] = &[
    "CLEANUP_THROW", "END_FOR", "END_SEND", "EXIT_INIT_CHECK", "INTERPRETER_EXIT", "NOT_TAKEN", "POP_ITER", "POP_TOP", "RESERVED",
    "WITH_EXCEPT_START", "ANNOTATIONS_PLACEHOLDER", "POP_BLOCK",
];

/// Those with one.
const ABSENT_WITH_ARGUMENT: &[&str] = &[
    "CONVERT_VALUE", "COPY", "JUMP_BACKWARD_NO_INTERRUPT", "LOAD_FAST", "LOAD_FAST_AND_CLEAR",
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_LOAD_FAST", "SEND", "STORE_FAST_LOAD_FAST",
    "STORE_FAST_STORE_FAST", "SWAP", "JUMP", "JUMP_IF_FALSE", "JUMP_IF_TRUE", "JUMP_NO_INTERRUPT", "LOAD_CLOSURE",
    "SETUP_CLEANUP", "SETUP_FINALLY", "SETUP_WITH", "STORE_FAST_MAYBE_NULL",
];

/// The same, of code that is being watched.
const ABSENT_WATCHED: &[&str] = &[
    "INSTRUMENTED_END_FOR", "INSTRUMENTED_POP_ITER", "INSTRUMENTED_END_SEND", "INSTRUMENTED_FOR_ITER",
    "INSTRUMENTED_INSTRUCTION", "INSTRUMENTED_JUMP_FORWARD", "INSTRUMENTED_NOT_TAKEN",
    "INSTRUMENTED_POP_JUMP_IF_TRUE", "INSTRUMENTED_POP_JUMP_IF_FALSE", "INSTRUMENTED_POP_JUMP_IF_NONE",
    "INSTRUMENTED_POP_JUMP_IF_NOT_NONE", "INSTRUMENTED_RESUME", "INSTRUMENTED_RETURN_VALUE",
    "INSTRUMENTED_YIELD_VALUE", "INSTRUMENTED_END_ASYNC_FOR", "INSTRUMENTED_LOAD_SUPER_ATTR",
    "INSTRUMENTED_CALL", "INSTRUMENTED_CALL_KW", "INSTRUMENTED_CALL_FUNCTION_EX",
    "INSTRUMENTED_JUMP_BACKWARD", "INSTRUMENTED_LINE", "ENTER_EXECUTOR",
];

/// Numbers of names that are no opcode's begin here.
const ABSENT_FROM: i32 = 256;

/// The operator of `a[b]`.
const NB_SUBSCR: u8 = 26;

fn shared(op: Op) -> Option<(Op, Option<u8>)> {
    SHARED.iter().find(|s| s.0 == op.generic()).map(|s| (s.1, s.2))
}

/// CPython's argument of an opcode whose own operands are other ones.
fn implied(op: Op) -> Option<u8> {
    if op == Op::Yield { Some(0) } else { shared(op).and_then(|s| s.1) }
}

/// What Python code calls an opcode.
fn name(op: Op) -> String {
    if op != op.generic() {
        if let Some((_, name)) = FORMS.iter().find(|(o, _)| *o == op) {
            return (*name).to_string();
        }
        let form = op.name();
        return format!("{}_{}", name(op.generic()), snake(form.strip_suffix('K').unwrap_or(form)));
    }
    if let Some((other, _)) = shared(op) {
        return name(other);
    }
    match CPYTHON.iter().find(|(o, _)| *o == op) {
        Some((_, name)) => (*name).to_string(),
        None => snake(op.name()),
    }
}

/// `LoadAttr` as `LOAD_ATTR`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// The opcodes that Python code sees: without those that only say how far code is made, or who watches it.
fn opcodes() -> impl Iterator<Item = Op> {
    (0..Op::COUNT).filter_map(|n| Op::from_u8(n as u8)).filter(|op| !matches!(op, Op::Unfold | Op::Stop))
}

/// Which operand `dis` takes for the argument of an instruction: CPython's have one at most. A register is one where CPython has opcodes
/// for variables.
fn argument(op: Op) -> Option<usize> {
    let variables = matches!(op.generic(), Op::Move | Op::Clear | Op::CheckBound | Op::MakeCell);
    let rank = |kind: Kind| match kind {
        Kind::Target => 0,
        Kind::Name => 1,
        Kind::Const => 2,
        Kind::Cell => 3,
        Kind::Binary
        | Kind::Cmp
        | Kind::Intr1
        | Kind::Intr2
        | Kind::FuncAttr
        | Kind::Special
        | Kind::Common
        | Kind::Await
        | Kind::Format => 4,
        Kind::Count => 5,
        Kind::Flag if matches!(op, Op::Is | Op::Contains) => 5,
        Kind::Dst | Kind::Reg | Kind::Mod | Kind::First | Kind::DstFirst => 6,
        Kind::Null | Kind::Flag => 7,
    };
    let operands = op.info().operands;
    (0..operands.len()).min_by_key(|&i| rank(operands[i].1)).filter(|&i| variables || rank(operands[i].1) < 6)
}

/// The kind of the argument of the opcode with this number.
fn argument_kind(n: i32) -> Option<Kind> {
    let op = opcode(n)?;
    Some(op.info().operands[argument(op)?].1)
}

fn opcode(n: i32) -> Option<Op> {
    if let Some((_, op)) = BY_OPERANDS.get((n as usize).wrapping_sub(ABSENT_FROM as usize)) {
        return Some(*op);
    }
    let op = Op::from_u8(u8::try_from(n).ok()?)?;
    (!matches!(op, Op::Unfold | Op::Stop)).then_some(op)
}

fn is_pseudo(n: i32) -> bool {
    PSEUDO.iter().any(|p| p.1 as i32 == n) || other_name(n).is_some()
}

/// The name that is no opcode's with this number.
fn other_name(n: i32) -> Option<&'static str> {
    other_names().chain(ABSENT_WATCHED.iter().copied()).nth(usize::try_from(n - ABSENT_FROM).ok()?)
}

fn other_names() -> impl Iterator<Item = &'static str> {
    BY_OPERANDS.iter().map(|b| b.0).chain(ABSENT.iter().chain(ABSENT_WITH_ARGUMENT).copied())
}

const INTRINSIC1: &[&str] = &[
    "INTRINSIC_1_INVALID",
    "INTRINSIC_PRINT",
    "INTRINSIC_IMPORT_STAR",
    "INTRINSIC_STOPITERATION_ERROR",
    "INTRINSIC_ASYNC_GEN_WRAP",
    "INTRINSIC_UNARY_POSITIVE",
    "INTRINSIC_LIST_TO_TUPLE",
    "INTRINSIC_TYPEVAR",
    "INTRINSIC_PARAMSPEC",
    "INTRINSIC_TYPEVARTUPLE",
    "INTRINSIC_SUBSCRIPT_GENERIC",
    "INTRINSIC_TYPEALIAS",
];

const INTRINSIC2: &[&str] = &[
    "INTRINSIC_2_INVALID",
    "INTRINSIC_PREP_RERAISE_STAR",
    "INTRINSIC_TYPEVAR_WITH_BOUND",
    "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS",
    "INTRINSIC_SET_FUNCTION_TYPE_PARAMS",
    "INTRINSIC_SET_TYPEPARAM_DEFAULT",
];

const SPECIAL_METHODS: &[&str] = &["__enter__", "__exit__", "__aenter__", "__aexit__"];

const NB_OPS: &[(&str, &str)] = &[
    ("NB_ADD", "+"),
    ("NB_AND", "&"),
    ("NB_FLOOR_DIVIDE", "//"),
    ("NB_LSHIFT", "<<"),
    ("NB_MATRIX_MULTIPLY", "@"),
    ("NB_MULTIPLY", "*"),
    ("NB_REMAINDER", "%"),
    ("NB_OR", "|"),
    ("NB_POWER", "**"),
    ("NB_RSHIFT", ">>"),
    ("NB_SUBTRACT", "-"),
    ("NB_TRUE_DIVIDE", "/"),
    ("NB_XOR", "^"),
    ("NB_INPLACE_ADD", "+="),
    ("NB_INPLACE_AND", "&="),
    ("NB_INPLACE_FLOOR_DIVIDE", "//="),
    ("NB_INPLACE_LSHIFT", "<<="),
    ("NB_INPLACE_MATRIX_MULTIPLY", "@="),
    ("NB_INPLACE_MULTIPLY", "*="),
    ("NB_INPLACE_REMAINDER", "%="),
    ("NB_INPLACE_OR", "|="),
    ("NB_INPLACE_POWER", "**="),
    ("NB_INPLACE_RSHIFT", ">>="),
    ("NB_INPLACE_SUBTRACT", "-="),
    ("NB_INPLACE_TRUE_DIVIDE", "/="),
    ("NB_INPLACE_XOR", "^="),
    ("NB_SUBSCR", "[]"),
];

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("ENABLE_SPECIALIZATION", Value::int(1)).add("ENABLE_SPECIALIZATION_FT", Value::int(1));
    m.function(
        "stack_effect($module, opcode, oparg=None, /, *, jump=None)",
        "Compute the stack effect of the opcode.",
        stack_effect,
    )
    .function("is_valid($module, /, opcode)", "Return True if opcode is valid, False otherwise.", |_: &Vm, op: i32| {
        opcode(op).is_some() || is_pseudo(op)
    })
    .function(
        "has_arg($module, /, opcode)",
        "Return True if the opcode uses its oparg, False otherwise.",
        |_: &Vm, op: i32| {
            opcode(op).is_some_and(|op| argument(op).is_some() || implied(op).is_some())
                || other_name(op).is_some_and(|name| ABSENT_WITH_ARGUMENT.contains(&name))
        },
    )
    .function(
        "has_const($module, /, opcode)",
        "Return True if the opcode accesses a constant, False otherwise.",
        |_: &Vm, op: i32| argument_kind(op) == Some(Kind::Const),
    )
    .function(
        "has_name($module, /, opcode)",
        "Return True if the opcode accesses an attribute by name, False otherwise.",
        |_: &Vm, op: i32| argument_kind(op) == Some(Kind::Name),
    )
    .function(
        "has_jump($module, /, opcode)",
        "Return True if the opcode has a jump target, False otherwise.",
        |_: &Vm, op: i32| argument_kind(op) == Some(Kind::Target),
    )
    .function(
        "has_free($module, /, opcode)",
        "Return True if the opcode accesses a free variable, False otherwise.\n\nNote that 'free' in this context refers to names in the current scope\nthat are referenced by inner scopes or names in outer scopes that are\nreferenced from this scope. It does not include references to global\nor builtin scopes.",
        |_: &Vm, op: i32| argument_kind(op) == Some(Kind::Cell) || op == Op::MakeCell as i32,
    )
    .function(
        "has_local($module, /, opcode)",
        "Return True if the opcode accesses a local variable, False otherwise.",
        |_: &Vm, op: i32| {
            op != Op::MakeCell as i32
                && matches!(
                    argument_kind(op),
                    Some(Kind::Dst | Kind::Reg | Kind::Mod | Kind::First | Kind::DstFirst)
                )
        },
    )
    .function(
        "has_exc($module, /, opcode)",
        "Return True if the opcode sets an exception handler, False otherwise.\n\nNone does: handlers are in a table.",
        |_: &Vm, _: i32| false,
    )
    .function(
        "get_intrinsic1_descs($module, /)",
        "Return a list of names of the unary intrinsics.",
        |_: &Vm| strings(INTRINSIC1),
    )
    .function(
        "get_intrinsic2_descs($module, /)",
        "Return a list of names of the binary intrinsics.",
        |_: &Vm| strings(INTRINSIC2),
    )
    .function("get_special_method_names($module, /)", "Return a list of special method names.", |_: &Vm| {
        strings(SPECIAL_METHODS)
    })
    .function(
        "get_nb_ops($module, /)",
        "Return array of symbols of binary ops.\n\nIndexed by the BINARY_OP oparg value.",
        |_: &Vm| {
            let l = ListObj::new(&[]);
            NB_OPS.iter().for_each(|(n, s)| l.push(TupleObj::new(&[intern(n), intern(s)]).value()));
            l
        },
    )
    .function("get_specialization_stats($module, /)", "Return the specialization stats", |_: &Vm| ())
    .function(
        "opcodes($module, /)",
        "Return (number, name, name of what it specialises or None, cache words,\nown name, whether another one has the number of the name, implied argument or\nNone) of each opcode.",
        |_: &Vm| table(),
    )
    .function(
        "pseudo_opcodes($module, /)",
        "Return (number, name) of what disassembly shows that is no instruction, and of\nwhat there is none of, for code that is being watched in another list.",
        |_: &Vm| {
            let list = |names: &[&str], first: i32| {
                let l = ListObj::new(&[]);
                for (n, s) in (first..).zip(names) {
                    l.push(TupleObj::new(&[Value::int(n as i64), intern(s)]).value());
                }
                l
            };
            let names: Vec<&str> = other_names().collect();
            let all = list(&names, ABSENT_FROM);
            for (s, n) in PSEUDO {
                all.push(TupleObj::new(&[Value::int(*n as i64), intern(s)]).value());
            }
            let watched = list(ABSENT_WATCHED, ABSENT_FROM + names.len() as i32);
            TupleObj::new(&[all.value(), watched.value()])
        },
    )
    .function(
        "instructions($module, code, adaptive=False, /)",
        "Return the instructions of a code object, or of the bytes of one.\n\nEach is (offset, opcode, index of the operand that is the argument or None,\noperands, bytes without the cache, cache words); an operand is (kind, field,\nvalue).",
        instructions,
    )
    .function(
        "get_executor($module, /, code, offset)",
        "Return the executor object at offset in code if exists, None otherwise.",
        |vm: &Vm, code: Value, _offset: i32| {
            if code.is::<CodeObj>() {
                return Err(vm.runtime_error("Executors are not available in this build"));
            }
            Err::<(), _>(vm.type_error(format!("expected a code object, not '{}'", type_of(code).name_str())))
        },
    );
    Ok(())
}

fn strings(items: &[&str]) -> Ptr<ListObj> {
    let l = ListObj::new(&[]);
    items.iter().for_each(|s| l.push(intern(s)));
    l
}

fn table() -> Ptr<ListObj> {
    let l = ListObj::new(&[]);
    for op in opcodes() {
        let base = if op == op.generic() { Value::NONE } else { intern(&name(op.generic())) };
        let row = [
            Value::int(op as i64),
            intern(&name(op)),
            base,
            Value::int(op.cache_words() as i64),
            intern(&snake(op.generic().name())),
            Value::bool(shared(op).is_some() || op.name().ends_with('K') && op != op.generic()),
            implied(op).map_or(Value::NONE, |n| Value::int(n as i64)),
        ];
        l.push(TupleObj::new(&row).value());
    }
    l
}

fn instructions(vm: &Vm, of: Value, adaptive: Option<bool>) -> Res<Ptr<ListObj>> {
    let list = ListObj::new(&[]);
    if let Some(code) = of.downcast::<CodeObj>() {
        let adaptive = adaptive.unwrap_or(false);
        if adaptive {
            cape_vm::eval::unfold(code);
        }
        let words = &code.unit.code;
        let body = code.unit.prologue() as usize;
        let mut at = 0;
        while let Some(&first) = words.get(at) {
            if at == body {
                push_other(list, 8 * at, &[RESUME, 0]);
            }
            let Some(generic) = first.op() else { break };
            let op = if adaptive { code.op(at as u32) } else { generic };
            let cache = |i: usize| if adaptive { code.words[at + i].get() } else { 0 };
            let offset = 8 * at + 2 * (at >= body) as usize;
            push(list, offset, op, |i| words.get(at + i).map_or(0, |w| w.0), cache);
            at += op.words();
        }
        return Ok(list);
    }
    let Some(bytes) = of.downcast::<BytesObj>() else {
        return Err(vm.type_error(format!("expected a code object or bytes, not '{}'", type_of(of).name_str())));
    };
    // A copy, for what follows allocates.
    let bytes = bytes.as_slice().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == RESUME && at + 2 <= bytes.len() {
            push_other(list, at, &bytes[at..at + 2]);
            at += 2;
            continue;
        }
        let get = |i: usize| bytes.get(at + 8 * i..).and_then(|b| b.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b));
        let Some(word) = bytes.get(at..at + 8) else {
            return Err(vm.value_error("code must consist of whole words of 8 bytes"));
        };
        match opcode(word[0] as i32) {
            Some(op) => {
                push(list, at, op, get, get);
                at += 8 * op.words();
            }
            None => {
                push_other(list, at, word);
                at += 8;
            }
        }
    }
    Ok(list)
}

/// Appends a row of `instructions` for what is no instruction.
fn push_other(list: Ptr<ListObj>, offset: usize, raw: &[u8]) {
    let empty = TupleObj::new(&[]).value();
    let number = Value::int(raw[0] as i64);
    let row = [Value::int(offset as i64), number, Value::NONE, empty, BytesObj::new(raw).value(), empty];
    list.push(TupleObj::new(&row).value());
}

/// Appends a row of `instructions`, with the words of the instruction.
fn push(
    list: Ptr<ListObj>,
    offset: usize,
    op: Op,
    word: impl Fn(usize) -> u64,
    cache: impl Fn(usize) -> u64,
) {
    let mut operands = ValueVec::new();
    for &(slot, kind) in op.info().operands {
        let v = Word(word(0)).field(slot, || word(1)) as u32;
        let row = [intern(&format!("{kind:?}")), intern(&format!("{slot:?}")), Value::int(v as i64)];
        operands.push(TupleObj::new(&row).value());
    }
    let mut caches = ValueVec::new();
    let first = 1 + op.extra_words();
    (first..first + op.cache_words()).for_each(|i| caches.push(uint_value(cache(i))));
    let raw: Vec<u8> = (0..first).flat_map(|i| word(i).to_le_bytes()).collect();
    let row = [
        Value::int(offset as i64),
        Value::int(op as i64),
        argument(op).map_or(Value::NONE, |i| Value::int(i as i64)),
        TupleObj::new(&operands).value(),
        BytesObj::new(&raw).value(),
        TupleObj::new(&caches).value(),
    ];
    list.push(TupleObj::new(&row).value());
}

/// Registers are not a stack: no instruction changes how many there are.
fn stack_effect(vm: &Vm, op: i32, arg: Option<Value>, jump: Option<Value>) -> Res<i64> {
    match jump {
        None | Some(Value::NONE | Value::TRUE | Value::FALSE) => {}
        Some(_) => return Err(vm.value_error("stack_effect: jump must be False, True or None")),
    }
    let invalid = || vm.value_error("invalid opcode or oparg");
    let Some(op) = opcode(op) else {
        return if is_pseudo(op) { Ok(0) } else { Err(invalid()) };
    };
    match arg.filter(|a| !a.is_none() && argument(op).is_some()) {
        Some(a) if <i32 as cape_vm::native::FromArg>::from_arg(vm, a, 1)? < 0 => Err(invalid()),
        _ => Ok(0),
    }
}
