//! `compile`, `eval` and `exec`.

use std::sync::Arc;

use cape_compile::{
    CompileOptions, Compiled, ErrorKind, Mode, Stage, SyntaxErr, Warning, compile_with_warnings,
};
use cape_vm::eval::new_code;
use cape_vm::exc::{Raised, set_extra};
use cape_vm::native::OrNone;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Ptr, Res, Value, Vm};

pub use crate::source_text::{Origin, decode_source, source_text};

/// The mode of modules and scripts.
pub const EXEC: Mode = Mode::Exec;

/// Adds the three functions.
pub(crate) fn init(m: Ptr<ModuleObj>) {
    m.function(
        "compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)",
        "Compile source into a code object that can be executed by exec() or eval().",
        compile,
    )
    .function(
        "eval(source, /, globals=None, locals=None)",
        "Evaluate the given source in the context of globals and locals.",
        eval,
    )
    .function(
        "exec(source, /, globals=None, locals=None, *, closure=None)",
        "Execute the given source in the context of globals and locals.",
        exec,
    );
    // What it runs may be a whole program (`runpy`): its native frames stay as long.
    m.called_cleanly(&["exec"]);
}

/// Flags that `compile` accepts besides the future ones.
const PYCF_ONLY_AST: u32 = 0x400;
const PYCF_OPTIMIZED_AST: u32 = 0x8400;
const PYCF_MASK: u32 = 0x400 | 0x200 | 0x1000 | 0x2000 | 0x4000 | 0x8400;
/// `CO_NESTED`, the flag of a feature that has long been on.
const PYCF_OBSOLETE: u32 = 0x10;

/// Compiles text to a code object: SyntaxErrors are raised, warnings given through `warnings`.
pub fn compile_text(
    vm: &Vm,
    source: &str,
    filename: &str,
    mode: Mode,
    flags: u32,
    optimize: u8,
) -> Res<Ptr<CodeObj>> {
    if rt().is_audited() {
        vm.audit("compile", &[BytesObj::new(source.as_bytes()).value(), StrObj::new(filename).value()])?;
    }
    let opts = options(flags, optimize);
    if source.contains("\\N{") {
        import_names(vm, source, filename, mode, opts)?;
    }
    code_of(vm, compile_with_warnings(source, filename, mode, opts), filename, flags, Some(source))
}

/// Where characters are written by name, programs see the module that has the names imported; a SyntaxError where they cannot.
#[cold]
fn import_names(vm: &Vm, source: &str, filename: &str, mode: Mode, opts: CompileOptions) -> Res<()> {
    if vm.import_module("unicodedata").is_ok() {
        return Ok(());
    }
    // Which of them are in literals that have names? Those that are missed when there are no such names.
    let mut parts = source.split("\\N{");
    let mut nameless = parts.next().unwrap_or_default().to_string();
    for part in parts {
        nameless.push_str("\\N{?");
        nameless.push_str(part.trim_start_matches(|c: char| c.is_ascii_uppercase()));
    }
    match compile_with_warnings(&nameless, filename, mode, opts) {
        Err(e) if e.msg.ends_with("unknown Unicode character name") => {
            let msg = "(unicode error) \\N escapes not supported (can't load unicodedata module)".into();
            Err(syntax_error(vm, &SyntaxErr { msg, ..e }, filename))
        }
        _ => Ok(()),
    }
}

/// Whether what was typed so far, without its last newline, is the beginning of a statement only.
pub fn is_incomplete(source: &str, flags: u32) -> bool {
    let flags = flags | CompileOptions::ALLOW_INCOMPLETE_INPUT | CompileOptions::DONT_IMPLY_DEDENT;
    let parsed = |text: &str| cape_compile::tree::parse(text, Mode::Single, options(flags, 0));
    // What an empty line after it would end is begun; what is wrong even then is wrong.
    parsed(source).is_err()
        && match parsed(&format!("{source}\n")) {
            Ok(_) => true,
            Err(e) => e.incomplete,
        }
}

/// Compiles a statement that was typed at the prompt. What is wrong with its grammar is told of the input, all else, and the code, is
/// called by `name`. Future statements add to `flags`.
pub fn compile_typed(vm: &Vm, source: &str, name: &str, flags: &mut u32) -> Res<Ptr<CodeObj>> {
    let opts = options(*flags, rt().config().optimize);
    let of_grammar = |stage| matches!(stage, Stage::Tokenizer | Stage::Parser);
    match compile_with_warnings(source, name, Mode::Single, opts) {
        Ok(c) => {
            for w in &c.warnings {
                give_warning(vm, w, if of_grammar(w.error.stage) { "<stdin>" } else { name })?;
            }
            let code = new_code(vm, Arc::new(c.code));
            *flags |= code.flags & CompileOptions::FUTURE_MASK;
            Ok(code)
        }
        Err(e) if of_grammar(e.stage) => Err(source_error(vm, &e, "<stdin>", *flags, Some(source))),
        Err(e) => {
            let r = source_error(vm, &e, name, *flags, None);
            if let Some(text) = e.text.as_ref().filter(|_| r.is(rt().types.syntax_error)) {
                // The fifth field of the exception is the text: it is at hand, though no file has it.
                set_extra(r.exc(), 4, StrObj::new(text).value());
            }
            Err(r)
        }
    }
}

fn options(flags: u32, optimize: u8) -> CompileOptions {
    let c = rt().config();
    CompileOptions {
        optimize,
        flags,
        no_columns: c.no_debug_ranges,
        max_digits: c.int_max_str_digits,
        feature_version: 0,
    }
}

fn code_of(
    vm: &Vm,
    r: Result<Compiled, SyntaxErr>,
    filename: &str,
    flags: u32,
    source: Option<&str>,
) -> Res<Ptr<CodeObj>> {
    match r {
        Ok(c) => {
            for w in &c.warnings {
                give_warning(vm, w, filename)?;
            }
            Ok(new_code(vm, Arc::new(c.code)))
        }
        Err(e) => Err(source_error(vm, &e, filename, flags, source)),
    }
}

/// The exception for a source that is wrong, or only incomplete when that was asked for.
fn source_error(vm: &Vm, e: &SyntaxErr, filename: &str, flags: u32, source: Option<&str>) -> Raised {
    for w in &e.warnings {
        if let Err(r) = give_warning(vm, w, filename) {
            return r;
        }
    }
    if e.incomplete && flags & CompileOptions::ALLOW_INCOMPLETE_INPUT != 0 {
        let r = syntax_error(vm, &SyntaxErr { msg: "incomplete input".into(), ..e.clone() }, filename);
        cape_vm::shape::set_class(&r.exc().header, rt().types.incomplete_input_error);
        return r;
    }
    let r = syntax_error(vm, e, filename);
    if let Some(source) = source.filter(|_| matches!(e.stage, Stage::Tokenizer | Stage::Parser)) {
        // Where to look for a misspelt keyword.
        let newline = if source.ends_with('\n') { "" } else { "\n" };
        let text = StrObj::new(&format!("{source}{newline}")).value();
        let metadata = TupleObj::new(&[Value::int(0), Value::int(0), text]);
        set_extra(r.exc(), 8, metadata.value());
    }
    r
}

fn give_warning(vm: &Vm, w: &Warning, filename: &str) -> Res<()> {
    let Ok(warn) = vm.import_attr("_warnings", "warn_explicit") else { return Ok(()) };
    let args = [
        StrObj::new(&w.msg).value(),
        rt().types.syntax_warning.value(),
        StrObj::new(filename).value(),
        Value::int(w.line as i64),
    ];
    match vm.call(warn, &args) {
        Ok(_) => Ok(()),
        Err(r) if r.is(rt().types.syntax_warning) => {
            // A warning turned into an error is a SyntaxError at that place.
            Err(syntax_error(vm, &w.error, filename))
        }
        Err(r) => Err(r),
    }
}

/// The Python exception of a compiler error.
pub fn syntax_error(vm: &Vm, e: &SyntaxErr, filename: &str) -> Raised {
    let t = &rt().types;
    let class = match e.kind {
        ErrorKind::Syntax => t.syntax_error,
        ErrorKind::Indentation => t.indentation_error,
        ErrorKind::Tab => t.tab_error,
        ErrorKind::Memory => return vm.memory_error(&e.msg),
        ErrorKind::Recursion => return vm.recursion_error(&e.msg),
        ErrorKind::Overflow => return vm.overflow_error(&e.msg),
        ErrorKind::Value => return vm.value_error(&e.msg),
    };
    // The compiler takes the text from the file.
    let parsing = matches!(e.stage, Stage::Tokenizer | Stage::Parser);
    let known = parsing || std::path::Path::new(filename).is_file();
    let text = e.text.as_ref().filter(|_| known).map_or(Value::NONE, |t| StrObj::new(t).value());
    let (file, line, col) =
        (StrObj::new(filename).value(), Value::int(e.line as i64), Value::int(e.col as i64));
    let (end_line, end_col) = (Value::int(e.end_line as i64), Value::int(e.end_col as i64));
    let place = TupleObj::new(&[file, line, col, text, end_line, end_col]).value();
    let message = StrObj::new(&e.msg).value();
    let r = match e.stage {
        Stage::Symbols => vm.new_exc_args(class, &[message]),
        _ => vm.new_exc_args(class, &[message, place]),
    };
    for (i, v) in [message, file, line, col, text, end_line, end_col].into_iter().enumerate() {
        set_extra(r.exc(), i, v);
    }
    r
}

fn inherited_flags(vm: &Vm) -> u32 {
    // SAFETY: the top frame is initialised.
    vm.top_frame().map_or(0, |f| unsafe { (&(*f).code).flags } & CompileOptions::FUTURE_MASK)
}

fn compile(
    vm: &Vm,
    source: Value,
    filename: Value,
    mode: Ptr<StrObj>,
    flags: Option<i64>,
    dont_inherit: Option<bool>,
    optimize: Option<i64>,
    feature_version: Option<i64>,
) -> Res<Value> {
    let filename = file_name(vm, filename)?;
    let flags = flags.unwrap_or(0);
    if flags & !((PYCF_MASK | PYCF_OBSOLETE | CompileOptions::FUTURE_MASK) as i64) != 0 {
        return Err(vm.value_error("compile(): unrecognised flags"));
    }
    let optimize = match optimize.unwrap_or(-1) {
        -1 => rt().config().optimize,
        o @ 0..=2 => o as u8,
        _ => return Err(vm.value_error("compile(): invalid optimize value")),
    };
    let mut flags = flags as u32;
    if !dont_inherit.unwrap_or(false) {
        flags |= inherited_flags(vm);
    }
    let only_ast = flags & PYCF_ONLY_AST != 0;
    let m = match mode.as_ascii() {
        Some("exec") => Some(Mode::Exec),
        Some("eval") => Some(Mode::Eval),
        Some("single") => Some(Mode::Single),
        Some("func_type") if only_ast => None,
        Some("func_type") => {
            return Err(vm.value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST"));
        }
        _ if only_ast => {
            return Err(vm.value_error("compile() mode must be 'exec', 'eval', 'single' or 'func_type'"));
        }
        _ => return Err(vm.value_error("compile() mode must be 'exec', 'eval' or 'single'")),
    };
    if crate::ast::is_node(vm, source)? {
        return compile_node(vm, source, &filename, m, flags, optimize);
    }
    let text = source_text(vm, source, "string, bytes or AST object", "compile", &filename)?;
    let mut opts = options(flags, optimize);
    // Only trees are made for older versions.
    if only_ast {
        opts.feature_version = feature_version.unwrap_or(0).clamp(0, 14) as u8;
    }
    match m {
        Some(m) if !only_ast => compile_text(vm, &text, &filename, m, flags, optimize).map(|c| c.value()),
        m => parse_text(vm, &text, &filename, m, opts),
    }
}

/// Compiles a tree of Python objects.
fn compile_node(
    vm: &Vm,
    node: Value,
    filename: &str,
    mode: Option<Mode>,
    flags: u32,
    optimize: u8,
) -> Res<Value> {
    let mut tree = crate::ast::from_object(vm, node, mode)?;
    if let Err(e) = cape_compile::tree::check(&tree) {
        return Err(if e.type_error { vm.type_error(e.msg) } else { vm.value_error(e.msg) });
    }
    if flags & PYCF_ONLY_AST != 0 {
        if flags & PYCF_OPTIMIZED_AST == PYCF_OPTIMIZED_AST {
            cape_compile::tree::optimize(&mut tree, optimize);
        }
        return crate::ast::to_object(vm, &tree);
    }
    let Some(mode) = mode else { return Err(vm.value_error("a signature has no code")) };
    vm.audit("compile", &[node, Value::NONE])?;
    let opts = options(flags, optimize);
    code_of(vm, cape_compile::compile_tree(&tree, filename, mode, opts), filename, flags, None)
        .map(|c| c.value())
}

/// Parses text to a tree of Python objects; without a mode, the signature of a function.
fn parse_text(vm: &Vm, text: &str, filename: &str, mode: Option<Mode>, opts: CompileOptions) -> Res<Value> {
    if rt().is_audited() {
        vm.audit("compile", &[BytesObj::new(text.as_bytes()).value(), StrObj::new(filename).value()])?;
    }
    let Some(mode) = mode else {
        return match cape_compile::tree::parse_func_type(text) {
            Ok(tree) => crate::ast::to_object(vm, &tree),
            Err(e) => Err(source_error(vm, &e, filename, opts.flags, Some(text))),
        };
    };
    match cape_compile::tree::parse(text, mode, opts) {
        Ok((mut tree, warnings)) => {
            for w in &warnings {
                give_warning(vm, w, filename)?;
            }
            if opts.flags & PYCF_OPTIMIZED_AST == PYCF_OPTIMIZED_AST {
                cape_compile::tree::optimize(&mut tree, opts.optimize);
            }
            crate::ast::to_object(vm, &tree)
        }
        Err(e) => Err(source_error(vm, &e, filename, opts.flags, Some(text))),
    }
}

/// A file name given as str, bytes or path.
pub fn file_name(vm: &Vm, v: Value) -> Res<String> {
    if let Some(s) = v.downcast::<StrObj>() {
        return Ok(s.to_utf8().map_or_else(|| s.display(), |c| c.into_owned()));
    }
    if let Some(b) = v.downcast::<BytesObj>() {
        return Ok(String::from_utf8_lossy(b.as_slice()).into_owned());
    }
    let f = type_of(v).special(cape_vm::special::Special::Fspath);
    if f.is_empty() {
        return Err(vm.type_error(format!(
            "expected str, bytes or os.PathLike object, not {}",
            type_of(v).name_str()
        )));
    }
    let p = vm.call_special(f, &[v])?;
    file_name(vm, p)
}

/// Globals and locals of `eval` and `exec`, defaults filled in.
fn namespaces(
    vm: &Vm,
    name: &str,
    globals: Option<Value>,
    locals: Option<Value>,
) -> Res<(Ptr<DictObj>, Value)> {
    let (g, l) = match (globals, locals) {
        (None, None) => {
            let g = vm
                .caller_globals()
                .ok_or_else(|| vm.system_error(format!("{name}() needs globals when no Python code runs")))?;
            let locals = rt().builtins().get_str(intern("locals")).unwrap_or(Value::NONE);
            (g, vm.call(locals, &[])?)
        }
        (None, Some(l)) => {
            let g = vm.caller_globals().ok_or_else(|| vm.system_error(format!("{name}() needs globals")))?;
            (g, l)
        }
        (Some(g), l) => {
            let Some(d) = g.downcast::<DictObj>() else {
                return Err(vm.type_error(if name == "eval" {
                    if type_of(g).special(cape_vm::special::Special::Getitem).is_empty() {
                        "globals must be a dict".to_string()
                    } else {
                        "globals must be a real dict; try eval(code, {}, mapping)".to_string()
                    }
                } else {
                    format!("{name}() globals must be a dict, not {}", type_of(g).name_str())
                }));
            };
            (d, l.unwrap_or(g))
        }
    };
    if !l.is::<DictObj>() && type_of(l).special(cape_vm::special::Special::Getitem).is_empty() {
        return Err(vm.type_error(if name == "eval" {
            "locals must be a mapping".to_string()
        } else {
            format!("locals must be a mapping or None, not {}", type_of(l).name_str())
        }));
    }
    if g.get_str(rt().names.builtins).is_none() {
        g.set_str(rt().names.builtins, vm.caller_builtins());
    }
    Ok((g, l))
}

fn eval(vm: &Vm, source: Value, globals: OrNone<Value>, locals: OrNone<Value>) -> Res<Value> {
    let (g, l) = namespaces(vm, "eval", globals.0, locals.0)?;
    let code = match source.downcast::<CodeObj>() {
        Some(c) => {
            if !c.unit.freevars.is_empty() {
                return Err(vm.type_error("code object passed to eval() may not contain free variables"));
            }
            c
        }
        None => {
            let text = source_text(vm, source, "string, bytes or code object", "eval", "<string>")?;
            let text = text.trim_start_matches([' ', '\t']);
            compile_text(vm, text, "<string>", Mode::Eval, inherited_flags(vm), rt().config().optimize)?
        }
    };
    vm.audit("exec", &[code.value()])?;
    vm.run_code(code, g, l, None)
}

fn exec(
    vm: &Vm,
    source: Value,
    globals: OrNone<Value>,
    locals: OrNone<Value>,
    closure: OrNone<Value>,
) -> Res<Value> {
    let (g, l) = namespaces(vm, "exec", globals.0, locals.0)?;
    let closure = closure.0;
    if let Some(c) = source.downcast::<CodeObj>() {
        let n = c.unit.freevars.len();
        let cells = closure.and_then(|c| c.downcast::<TupleObj>());
        if n == 0 && closure.is_some() {
            return Err(vm.type_error("cannot use a closure with this code object"));
        }
        if n > 0 && !cells.is_some_and(|t| t.len() == n && t.as_slice().iter().all(|c| c.is::<CellObj>())) {
            return Err(vm.type_error(format!("code object requires a closure of exactly length {n}")));
        }
        vm.audit("exec", &[source])?;
        vm.run_code(c, g, l, cells)?;
        return Ok(Value::NONE);
    }
    if closure.is_some() {
        return Err(vm.type_error("closure can only be used when source is a code object"));
    }
    let text = source_text(vm, source, "string, bytes or code object", "exec", "<string>")?;
    let code = compile_text(vm, &text, "<string>", Mode::Exec, inherited_flags(vm), rt().config().optimize)?;
    vm.audit("exec", &[code.value()])?;
    vm.run_code(code, g, l, None)?;
    Ok(Value::NONE)
}
