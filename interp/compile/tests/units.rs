//! What code objects say of themselves: names, cells, flags, constants, warnings.

use cape_bytecode::{CodeUnit, Const, Op, flags};
use cape_compile::{CompileOptions, ErrorKind, Mode, compile, compile_with_warnings};

fn exec(source: &str) -> CodeUnit {
    compile(source, "<test>", Mode::Exec, CompileOptions::default()).expect("compiles")
}

/// The code nested in `code` at a path of names.
fn nested<'c>(code: &'c CodeUnit, path: &[&str]) -> &'c CodeUnit {
    path.iter().fold(code, |code, name| {
        code.consts
            .iter()
            .find_map(|k| match k {
                Const::Code(c) if &*c.name == *name => Some(&**c),
                _ => None,
            })
            .unwrap_or_else(|| panic!("no {name} in {}", code.qualname))
    })
}

fn names(list: &[Box<str>]) -> Vec<&str> {
    list.iter().map(|n| &**n).collect()
}

#[test]
fn parameters_come_first_in_order() {
    let code = exec("def f(a, /, b, *args, c, d=1, **kw):\n x = 1\n return lambda: (b, x)");
    let f = nested(&code, &["f"]);
    assert_eq!(names(&f.varnames), ["a", "b", "c", "d", "args", "kw"]);
    assert_eq!((f.argcount, f.posonlyargcount, f.kwonlyargcount), (2, 1, 2));
    assert_eq!(names(&f.cellvars), ["b", "x"]);
    assert_eq!(f.cell_regs, [1, 6]);
    assert_eq!(names(&nested(f, &["<lambda>"]).freevars), ["b", "x"]);
    assert_eq!(f.nparams(), 6);
}

#[test]
fn class_scopes_are_skipped() {
    let code = exec("def f(x):\n class C:\n  x = 2\n  y = x\n  def m(self): return x\n return C");
    let c = nested(&code, &["f", "C"]);
    assert_eq!(names(&c.freevars), ["x"]);
    assert_eq!(names(&nested(c, &["m"]).freevars), ["x"]);
    assert_eq!(&*nested(c, &["m"]).qualname, "f.<locals>.C.m");
}

#[test]
fn private_names_are_mangled() {
    let code = exec("class _A:\n def f(self, __x):\n  self.__y = __x\n  import __z\n  return __w__");
    let f = nested(&code, &["_A", "f"]);
    assert_eq!(names(&f.varnames), ["self", "_A__x", "_A__z"]);
    assert_eq!(names(&f.names), ["_A__y", "__z", "__w__"]);
}

#[test]
fn inlined_comprehension_needs_no_cell() {
    let code = exec("def f(x):\n return [x + y for y in x]");
    let f = nested(&code, &["f"]);
    assert!(f.cellvars.is_empty());
    assert_eq!(names(&f.varnames), ["x", "y"]);
    // A variable that shadows another has a register of its own.
    let code = exec("def f(x):\n [x for x in x]\n return x");
    let f = nested(&code, &["f"]);
    assert_eq!(names(&f.varnames), ["x"]);
    assert_eq!(f.temp_names, [(1, "x".into())]);
}

#[test]
fn flags_tell_the_kind() {
    let code = exec(
        "def g(): yield\nasync def c(): pass\nasync def a(): yield\nclass C:\n def m(self): 'doc'\ndef o():\n def n(*a, **k): pass",
    );
    let has = |path: &[&str], flag| nested(&code, path).flags & flag != 0;
    assert!(has(&["g"], flags::GENERATOR));
    assert!(has(&["c"], flags::COROUTINE));
    assert!(has(&["a"], flags::ASYNC_GENERATOR));
    assert!(has(&["C", "m"], flags::METHOD));
    assert!(has(&["C", "m"], flags::HAS_DOCSTRING));
    assert!(has(&["o", "n"], flags::NESTED));
    assert!(has(&["o", "n"], flags::VARARGS) && has(&["o", "n"], flags::VARKEYWORDS));
    assert!(!has(&["C"], flags::OPTIMIZED) && has(&["o"], flags::OPTIMIZED));
}

fn returned(expression: &str) -> Const {
    let code = exec(&format!("def f(): return {expression}"));
    let f = nested(&code, &["f"]);
    let [load, give] = f.code[..] else { panic!("{expression} is not folded") };
    assert_eq!(give.op(), Some(Op::Return));
    match load.op() {
        Some(Op::LoadSmallInt) => Const::Int(load.bc().into()),
        Some(Op::LoadConst) => f.consts[load.bc() as usize].clone(),
        _ => panic!("{expression} is not folded"),
    }
}

#[test]
fn constants_are_folded() {
    assert_eq!(returned("1 + 2 * 3"), Const::Int(7));
    assert_eq!(returned("-7 // 2"), Const::Int(-4));
    assert_eq!(returned("-7 % 3"), Const::Int(2));
    assert_eq!(returned("7 / 2"), Const::Float(3.5));
    assert_eq!(returned("not 'a'"), Const::False);
    assert_eq!(returned("-0.0"), Const::Float(-0.0));
    assert_eq!(returned("1 - 2j"), Const::Complex(1.0, -2.0));
    assert_eq!(returned("'ab' * 2 + 'c'"), Const::Str("ababc".into()));
    assert_eq!(returned("True & False"), Const::False);
    assert_eq!(returned("~5"), Const::Int(-6));
    assert_eq!(returned("0xFFFF_FFFF_FFFF_FFFF"), Const::BigInt(u64::MAX.into()));
    assert_eq!(
        returned("(1, ('x',) * 2)"),
        Const::Tuple([Const::Int(1), Const::Tuple(vec![Const::Str("x".into()); 2].into())].into())
    );
}

#[test]
fn what_would_fail_or_grow_is_left_to_run_time() {
    for e in ["1 // 0", "2 ** 1000", "'a' * 100000", "1 << 1000", "1 + 'a'", "(0,) * 1000", "0.0 ** -1"] {
        let code = exec(&format!("def f(): return {e}"));
        assert!(nested(&code, &["f"]).code.len() > 2, "{e}");
    }
}

#[test]
fn surrogates_survive_in_strings() {
    let pair: &[u8] = &[0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80];
    assert_eq!(returned(r"'\ud83d\ude00'"), Const::Str(pair.to_vec().into()));
    assert_eq!(returned(r"'\N{DIGIT ONE}\x41\101\ud800'"), Const::Str(b"1AA\xED\xA0\x80".to_vec().into()));
}

#[test]
fn docstrings_lose_their_indentation() {
    let code = exec("def f():\n    '''  first\n      second\n\tthird\n\n    last\n      '''");
    let doc = nested(&code, &["f"]).docstring().cloned();
    assert_eq!(doc, Some(Const::Str("first\n  second\n    third\n\nlast\n  ".into())));
    let bare = CompileOptions { optimize: 2, ..Default::default() };
    let code = compile("def f(): 'doc'", "<test>", Mode::Exec, bare).expect("compiles");
    assert_eq!(nested(&code, &["f"]).docstring(), None);
}

#[test]
fn future_annotations_are_text() {
    let code = exec(
        "from __future__ import annotations\ndef f(a: x [ 1 ] |  None, *b: 'q') -> lambda z = 1: -z ** 2: pass",
    );
    let annotate = nested(&code, &["__annotate__"]);
    let text = |t: &str| annotate.consts.contains(&Const::Str(t.into()));
    assert!(text("x[1] | None") && text("'q'") && text("lambda z=1: -z ** 2"), "{:?}", annotate.consts);
    assert!(code.flags & flags::FUTURE_ANNOTATIONS != 0);
}

#[test]
fn warnings_are_in_order() {
    let source = "'\\d'\nx is 1\nassert (1, 2)\n1()\nfor x in y:\n try: pass\n finally: continue\n";
    let compiled =
        compile_with_warnings(source, "<test>", Mode::Exec, CompileOptions::default()).expect("compiles");
    let got: Vec<_> =
        compiled.warnings.iter().map(|w| (w.line, w.msg.split_once(' ').expect("words").0)).collect();
    assert_eq!(got, [(1, "\"\\d\""), (7, "'continue'"), (2, "\"is\""), (3, "assertion"), (4, "'int'")]);
}

#[test]
fn interactive_input_is_one_complete_statement() {
    let opts = CompileOptions {
        flags: CompileOptions::ALLOW_INCOMPLETE_INPUT | CompileOptions::DONT_IMPLY_DEDENT,
        ..Default::default()
    };
    let single = |s: &str| compile(s, "<stdin>", Mode::Single, opts);
    assert!(single("a; b").is_ok());
    assert!(single("if a:\n  b\n").is_ok());
    assert_eq!(
        single("a\nb").expect_err("two statements").msg,
        "multiple statements found while compiling a single statement"
    );
    for part in ["if a:\n  b", "if a:", "def f(", "x = '''a", "a = \\\n", "class C:\n"] {
        assert!(single(part).expect_err("unfinished").incomplete, "{part:?}");
    }
    for wrong in ["a b", "x = )", "1 +* 2\n"] {
        assert!(!single(wrong).expect_err("wrong").incomplete, "{wrong:?}");
    }
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    let deep =
        |n: usize| compile(&format!("{}1", "-".repeat(n)), "<test>", Mode::Eval, CompileOptions::default());
    assert!(deep(5_000).is_ok());
    assert_eq!(deep(100_000).expect_err("too deep").kind, ErrorKind::Memory);
    let parens = format!("{}1{}", "(".repeat(300), ")".repeat(300));
    let e = compile(&parens, "<test>", Mode::Eval, CompileOptions::default()).expect_err("too deep");
    assert_eq!(e.msg, "too many nested parentheses");
    let long = (0..20_000).map(|i| format!("a{i}")).collect::<Vec<_>>().join("+");
    let _ = compile(&long, "<test>", Mode::Eval, CompileOptions::default());
}
