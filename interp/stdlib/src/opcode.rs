//! `_opcode`: facts about the opcodes that `opcode.opmap` names, which are CPython's. Cape's own code is of another kind; the
//! module serves tools that work on CPython's numbers.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, type_of};

/// An opcode: number, properties (a string of letters: `a`rgument, `c`onstant, `n`ame, `j`ump, `f`ree, `l`ocal, `e`xception
/// handler), stack effects for argument 0 (without a jump given, jumping, not jumping), change of the effect per unit of
/// the argument, change when the argument is odd.
type Row = (u16, &'static str, [i8; 3], i8, i8);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (0, "", [0, 0, 0], 0, 0), (1, "", [-2, -2, -2], 0, 0), (2, "", [-1, -1, -1], 0, 0), (3, "l", [i8::MIN; 3], 0, 0),
    (4, "", [-3, -3, -3], 0, 0), (5, "", [0, 0, 0], 0, 0), (6, "", [0, 0, 0], 0, 0), (7, "", [-1, -1, -1], 0, 0),
    (8, "", [-2, -2, -2], 0, 0), (9, "", [-1, -1, -1], 0, 0), (10, "", [-1, -1, -1], 0, 0),
    (11, "", [-1, -1, -1], 0, 0), (12, "", [0, 0, 0], 0, 0), (13, "", [-1, -1, -1], 0, 0), (14, "", [0, 0, 0], 0, 0),
    (15, "", [1, 1, 1], 0, 0), (16, "", [0, 0, 0], 0, 0), (17, "", [0, 0, 0], 0, 0), (18, "", [1, 1, 1], 0, 0),
    (19, "", [0, 0, 0], 0, 0), (20, "", [-1, -1, -1], 0, 0), (21, "", [1, 1, 1], 0, 0), (22, "", [1, 1, 1], 0, 0),
    (23, "", [0, 0, 0], 0, 0), (24, "", [1, 1, 1], 0, 0), (25, "", [1, 1, 1], 0, 0), (26, "", [1, 1, 1], 0, 0),
    (27, "", [0, 0, 0], 0, 0), (28, "", [0, 0, 0], 0, 0), (29, "", [-1, -1, -1], 0, 0), (30, "", [-1, -1, -1], 0, 0),
    (31, "", [-1, -1, -1], 0, 0), (32, "", [1, 1, 1], 0, 0), (33, "", [1, 1, 1], 0, 0), (34, "", [1, 1, 1], 0, 0),
    (35, "", [0, 0, 0], 0, 0), (36, "", [0, 0, 0], 0, 0), (37, "", [-4, -4, -4], 0, 0), (38, "", [-3, -3, -3], 0, 0),
    (39, "", [0, 0, 0], 0, 0), (40, "", [0, 0, 0], 0, 0), (41, "", [0, 0, 0], 0, 0), (42, "", [0, 0, 0], 0, 0),
    (43, "", [1, 1, 1], 0, 0), (44, "a", [-1, -1, -1], 0, 0), (45, "a", [-1, -1, -1], 0, -1),
    (46, "a", [1, 1, 1], -1, 0), (47, "a", [1, 1, 1], -2, 0), (48, "a", [1, 1, 1], -1, 0), (49, "a", [1, 1, 1], -1, 0),
    (50, "a", [1, 1, 1], -1, 0), (51, "a", [1, 1, 1], -1, 0), (52, "a", [-1, -1, -1], -1, 0),
    (53, "a", [0, 0, 0], 0, 0), (54, "a", [-1, -1, -1], 0, 0), (55, "a", [-2, -2, -2], -1, 0),
    (56, "a", [-1, -1, -1], 0, 0), (57, "a", [-1, -1, -1], 0, 0), (58, "a", [0, 0, 0], 0, 0),
    (59, "a", [1, 1, 1], 0, 0), (60, "a", [0, 0, 0], 0, 0), (61, "an", [-1, -1, -1], 0, 0), (62, "af", [0, 0, 0], 0, 0),
    (63, "al", [0, 0, 0], 0, 0), (64, "an", [0, 0, 0], 0, 0), (65, "an", [0, 0, 0], 0, 0),
    (66, "a", [-1, -1, -1], 0, 0), (67, "a", [-1, -1, -1], 0, 0), (68, "aj", [-2, -2, -2], 0, 0),
    (69, "a", [0, 0, 0], 0, 0), (70, "aj", [1, 1, 1], 0, 0), (71, "a", [0, 0, 0], 0, 0), (72, "an", [1, 1, 1], 0, 0),
    (73, "an", [-1, -1, -1], 0, 0), (74, "a", [-1, -1, -1], 0, 0), (75, "aj", [0, 0, 0], 0, 0),
    (76, "aj", [0, 0, 0], 0, 0), (77, "aj", [0, 0, 0], 0, 0), (78, "a", [-1, -1, -1], 0, 0),
    (79, "a", [-1, -1, -1], 0, 0), (80, "an", [0, 0, 0], 0, 1), (81, "a", [1, 1, 1], 0, 0), (82, "ac", [1, 1, 1], 0, 0),
    (83, "al", [1, 1, 1], 0, 0), (84, "al", [1, 1, 1], 0, 0), (85, "al", [1, 1, 1], 0, 0), (86, "al", [1, 1, 1], 0, 0),
    (87, "al", [2, 2, 2], 0, 0), (88, "al", [1, 1, 1], 0, 0), (89, "al", [2, 2, 2], 0, 0), (90, "af", [0, 0, 0], 0, 0),
    (91, "an", [0, 0, 0], 0, 0), (92, "an", [1, 1, 1], 0, 1), (93, "an", [1, 1, 1], 0, 0), (94, "a", [1, 1, 1], 0, 0),
    (95, "a", [1, 1, 1], 0, 0), (96, "an", [-2, -2, -2], 0, 1), (97, "af", [0, 0, 0], 0, 0),
    (98, "a", [-2, -2, -2], 0, 0), (99, "a", [-2, -2, -2], 0, 0), (100, "aj", [-1, -1, -1], 0, 0),
    (101, "aj", [-1, -1, -1], 0, 0), (102, "aj", [-1, -1, -1], 0, 0), (103, "aj", [-1, -1, -1], 0, 0),
    (104, "a", [0, 0, 0], -1, 0), (105, "a", [-1, -1, -1], 0, 0), (106, "aj", [0, 0, 0], 0, 0),
    (107, "a", [-1, -1, -1], 0, 0), (108, "a", [-1, -1, -1], 0, 0), (109, "a", [-1, -1, -1], 0, 0),
    (110, "an", [-2, -2, -2], 0, 0), (111, "af", [-1, -1, -1], 0, 0), (112, "al", [-1, -1, -1], 0, 0),
    (113, "al", [0, 0, 0], 0, 0), (114, "al", [-2, -2, -2], 0, 0), (115, "an", [-1, -1, -1], 0, 0),
    (116, "an", [-1, -1, -1], 0, 0), (117, "a", [0, 0, 0], 0, 0), (118, "a", [0, 0, 0], 1, 0),
    (119, "a", [-1, -1, -1], 1, 0), (120, "a", [0, 0, 0], 0, 0), (128, "a", [0, 0, 0], 0, 0),
    (129, "", [i8::MIN; 3], 0, 0), (130, "", [i8::MIN; 3], 0, 0), (131, "", [i8::MIN; 3], 0, 0),
    (132, "", [i8::MIN; 3], 0, 0), (133, "", [i8::MIN; 3], 0, 0), (134, "", [i8::MIN; 3], 0, 0),
    (135, "", [i8::MIN; 3], 0, 0), (136, "", [i8::MIN; 3], 0, 0), (137, "", [i8::MIN; 3], 0, 0),
    (138, "", [i8::MIN; 3], 0, 0), (139, "", [i8::MIN; 3], 0, 0), (140, "", [i8::MIN; 3], 0, 0),
    (141, "", [i8::MIN; 3], 0, 0), (142, "", [i8::MIN; 3], 0, 0), (143, "a", [i8::MIN; 3], 0, 0),
    (144, "a", [i8::MIN; 3], 0, 0), (145, "a", [i8::MIN; 3], 0, 0), (146, "a", [i8::MIN; 3], 0, 0),
    (147, "a", [i8::MIN; 3], 0, 0), (148, "a", [i8::MIN; 3], 0, 0), (149, "a", [i8::MIN; 3], 0, 0),
    (150, "a", [i8::MIN; 3], 0, 0), (151, "a", [i8::MIN; 3], 0, 0), (152, "a", [i8::MIN; 3], 0, 0),
    (153, "a", [i8::MIN; 3], 0, 0), (154, "", [i8::MIN; 3], 0, 0), (155, "a", [i8::MIN; 3], 0, 0),
    (156, "a", [i8::MIN; 3], 0, 0), (157, "a", [i8::MIN; 3], 0, 0), (158, "a", [i8::MIN; 3], 0, 0),
    (159, "a", [i8::MIN; 3], 0, 0), (160, "a", [i8::MIN; 3], 0, 0), (161, "a", [i8::MIN; 3], 0, 0),
    (162, "a", [i8::MIN; 3], 0, 0), (163, "a", [i8::MIN; 3], 0, 0), (164, "a", [i8::MIN; 3], 0, 0),
    (165, "a", [i8::MIN; 3], 0, 0), (166, "a", [i8::MIN; 3], 0, 0), (167, "a", [i8::MIN; 3], 0, 0),
    (168, "a", [i8::MIN; 3], 0, 0), (169, "a", [i8::MIN; 3], 0, 0), (170, "a", [i8::MIN; 3], 0, 0),
    (171, "a", [i8::MIN; 3], 0, 0), (172, "aj", [i8::MIN; 3], 0, 0), (173, "aj", [i8::MIN; 3], 0, 0),
    (174, "aj", [i8::MIN; 3], 0, 0), (175, "aj", [i8::MIN; 3], 0, 0), (176, "aj", [i8::MIN; 3], 0, 0),
    (177, "a", [i8::MIN; 3], 0, 0), (178, "a", [i8::MIN; 3], 0, 0), (179, "an", [i8::MIN; 3], 0, 0),
    (180, "a", [i8::MIN; 3], 0, 0), (181, "a", [i8::MIN; 3], 0, 0), (182, "a", [i8::MIN; 3], 0, 0),
    (183, "a", [i8::MIN; 3], 0, 0), (184, "a", [i8::MIN; 3], 0, 0), (185, "a", [i8::MIN; 3], 0, 0),
    (186, "a", [i8::MIN; 3], 0, 0), (187, "a", [i8::MIN; 3], 0, 0), (188, "a", [i8::MIN; 3], 0, 0),
    (189, "an", [i8::MIN; 3], 0, 0), (190, "ac", [i8::MIN; 3], 0, 0), (191, "ac", [i8::MIN; 3], 0, 0),
    (192, "a", [i8::MIN; 3], 0, 0), (193, "a", [i8::MIN; 3], 0, 0), (194, "an", [i8::MIN; 3], 0, 0),
    (195, "an", [i8::MIN; 3], 0, 0), (196, "", [i8::MIN; 3], 0, 0), (197, "a", [i8::MIN; 3], 0, 0),
    (198, "", [i8::MIN; 3], 0, 0), (199, "", [i8::MIN; 3], 0, 0), (200, "an", [i8::MIN; 3], 0, 0),
    (201, "", [i8::MIN; 3], 0, 0), (202, "", [i8::MIN; 3], 0, 0), (203, "", [i8::MIN; 3], 0, 0),
    (204, "", [i8::MIN; 3], 0, 0), (205, "", [i8::MIN; 3], 0, 0), (206, "", [i8::MIN; 3], 0, 0),
    (207, "", [i8::MIN; 3], 0, 0), (208, "", [i8::MIN; 3], 0, 0), (209, "a", [i8::MIN; 3], 0, 0),
    (210, "a", [i8::MIN; 3], 0, 0), (211, "a", [i8::MIN; 3], 0, 0), (234, "", [-1, -1, -1], 0, 0),
    (235, "", [-1, -1, -1], 0, 0), (236, "", [-1, -1, -1], 0, 0), (237, "aj", [1, 1, 1], 0, 0),
    (238, "", [0, 0, 0], 0, 0), (239, "a", [0, 0, 0], 0, 0), (240, "", [0, 0, 0], 0, 0), (241, "a", [-1, -1, -1], 0, 0),
    (242, "a", [-1, -1, -1], 0, 0), (243, "a", [-1, -1, -1], 0, 0), (244, "a", [-1, -1, -1], 0, 0),
    (245, "a", [0, 0, 0], 0, 0), (246, "", [0, 0, 0], 0, 0), (247, "a", [0, 0, 0], 0, 0),
    (248, "aj", [-2, -2, -2], 0, 0), (249, "an", [-2, -2, -2], 0, 1), (250, "a", [-1, -1, -1], -1, 0),
    (251, "a", [-2, -2, -2], -1, 0), (252, "", [-3, -3, -3], 0, 0), (253, "a", [0, 0, 0], 0, 0),
    (254, "", [0, 0, 0], 0, 0), (255, "a", [0, 0, 0], 0, 0), (256, "", [0, 0, 0], 0, 0), (257, "aj", [0, 0, 0], 0, 0),
    (258, "aj", [0, 0, 0], 0, 0), (259, "aj", [0, 0, 0], 0, 0), (260, "aj", [0, 0, 0], 0, 0),
    (261, "al", [1, 1, 1], 0, 0), (262, "", [0, 0, 0], 0, 0), (263, "ae", [2, 2, 0], 0, 0),
    (264, "ae", [1, 1, 0], 0, 0), (265, "ae", [1, 1, 0], 0, 0), (266, "al", [-1, -1, -1], 0, 0),
];

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

/// Opcodes from here on have an argument.
const HAVE_ARGUMENT: i32 = 43;

fn row(op: i32) -> Option<&'static Row> {
    let op = u16::try_from(op).ok()?;
    ROWS.binary_search_by_key(&op, |r| r.0).ok().map(|i| &ROWS[i])
}

fn has(op: i32, property: char) -> bool {
    row(op).is_some_and(|r| r.1.contains(property))
}

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("ENABLE_SPECIALIZATION", Value::int(1)).add("ENABLE_SPECIALIZATION_FT", Value::int(1));
    m.function(
        "stack_effect($module, opcode, oparg=None, /, *, jump=None)",
        "Compute the stack effect of the opcode.",
        stack_effect,
    )
    .function("is_valid($module, /, opcode)", "Return True if opcode is valid, False otherwise.", |_: &Vm, op: i32| {
        row(op).is_some()
    })
    .function(
        "has_arg($module, /, opcode)",
        "Return True if the opcode uses its oparg, False otherwise.",
        |_: &Vm, op: i32| has(op, 'a'),
    )
    .function(
        "has_const($module, /, opcode)",
        "Return True if the opcode accesses a constant, False otherwise.",
        |_: &Vm, op: i32| has(op, 'c'),
    )
    .function(
        "has_name($module, /, opcode)",
        "Return True if the opcode accesses an attribute by name, False otherwise.",
        |_: &Vm, op: i32| has(op, 'n'),
    )
    .function(
        "has_jump($module, /, opcode)",
        "Return True if the opcode has a jump target, False otherwise.",
        |_: &Vm, op: i32| has(op, 'j'),
    )
    .function(
        "has_free($module, /, opcode)",
        "Return True if the opcode accesses a free variable, False otherwise.\n\nNote that 'free' in this context refers to names in the current scope\nthat are referenced by inner scopes or names in outer scopes that are\nreferenced from this scope. It does not include references to global\nor builtin scopes.",
        |_: &Vm, op: i32| has(op, 'f'),
    )
    .function(
        "has_local($module, /, opcode)",
        "Return True if the opcode accesses a local variable, False otherwise.",
        |_: &Vm, op: i32| has(op, 'l'),
    )
    .function(
        "has_exc($module, /, opcode)",
        "Return True if the opcode sets an exception handler, False otherwise.",
        |_: &Vm, op: i32| has(op, 'e'),
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

fn stack_effect(vm: &Vm, op: i32, arg: Option<Value>, jump: Option<Value>) -> Res<i64> {
    let arg = arg.filter(|a| !a.is_none());
    let mode = match jump {
        None | Some(Value::NONE) => 0,
        Some(Value::TRUE) => 1,
        Some(Value::FALSE) => 2,
        Some(_) => return Err(vm.value_error("stack_effect: jump must be False, True or None")),
    };
    let invalid = || vm.value_error("invalid opcode or oparg");
    let Some(&(_, _, base, slope, odd)) = row(op).filter(|r| r.2[0] != i8::MIN) else {
        return Err(invalid());
    };
    let arg = match arg {
        Some(a) if op >= HAVE_ARGUMENT => <i32 as cape_vm::native::FromArg>::from_arg(vm, a, 1)? as i64,
        _ => 0,
    };
    if arg < 0 {
        return Err(invalid());
    }
    Ok(base[mode] as i64 + slope as i64 * arg + odd as i64 * (arg & 1))
}
