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
}

/// Flags that `compile` accepts besides the future ones.
const PYCF_ONLY_AST: u32 = 0x400;
const PYCF_OPTIMIZED_AST: u32 = 0x8400;
const PYCF_MASK: u32 = 0x400 | 0x200 | 0x1000 | 0x2000 | 0x4000 | 0x8400;

/// Compiles text to a code object: SyntaxErrors are raised, warnings given through `warnings`.
pub fn compile_text(
    vm: &Vm,
    source: &str,
    filename: &str,
    mode: Mode,
    flags: u32,
    optimize: u8,
) -> Res<Ptr<CodeObj>> {
    let opts = options(flags, optimize);
    code_of(vm, compile_with_warnings(source, filename, mode, opts), filename, flags, Some(source))
}

fn options(flags: u32, optimize: u8) -> CompileOptions {
    CompileOptions { optimize, flags, max_digits: rt().config().int_max_str_digits, feature_version: 0 }
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

/// A `SyntaxError` without a place.
fn plain_syntax_error(vm: &Vm, msg: &str) -> Raised {
    let r = vm.syntax_error(msg);
    set_extra(r.exc(), 0, StrObj::new(msg).value());
    r
}

/// Source given as str, bytes or bytes-like, decoded (PEP 263).
pub fn source_text(vm: &Vm, source: Value, what: &str, name: &str, filename: &str) -> Res<String> {
    let from = Origin { name: filename, is_file: false };
    let text = if let Some(s) = source.downcast::<StrObj>() {
        vm.utf8(s)?
    } else if let Some(b) = source.downcast::<BytesObj>() {
        decode_source(vm, b.as_slice(), from)?
    } else if let Some(b) = source.downcast::<BytearrayObj>() {
        decode_source(vm, b.as_slice(), from)?
    } else if type_of(source).name_str() == "memoryview" {
        let b = vm.call_method(source, intern("tobytes"), &[])?;
        decode_source(vm, b.downcast::<BytesObj>().expect("tobytes gives bytes").as_slice(), from)?
    } else {
        return Err(vm.type_error(format!("{name}() arg 1 must be a {what}")));
    };
    if text.contains('\0') {
        return Err(plain_syntax_error(vm, "source code string cannot contain null bytes"));
    }
    Ok(text)
}

/// Where source bytes come from, for messages.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The file name to show.
    pub name: &'a str,
    /// The bytes were read from that file, not given to a function.
    pub is_file: bool,
}

/// A SyntaxError at a place. `text` None: it is not known, nor is the end.
fn error_at(
    vm: &Vm,
    message: &str,
    from: Origin<'_>,
    line: i64,
    offset: i64,
    text: Option<(&str, i64)>,
) -> Raised {
    let none = Value::NONE;
    let (text, end_line, end_offset) = match text {
        Some((t, end)) => (StrObj::new(t).value(), Value::int(line), Value::int(end)),
        None => (none, none, none),
    };
    let message = StrObj::new(message).value();
    let (file, line, offset) = (StrObj::new(from.name).value(), Value::int(line), Value::int(offset));
    let place = TupleObj::new(&[file, line, offset, text, end_line, end_offset]).value();
    let r = vm.new_exc_args(rt().types.syntax_error, &[message, place]);
    for (i, v) in [message, file, line, offset, text, end_line, end_offset].into_iter().enumerate() {
        set_extra(r.exc(), i, v);
    }
    r
}

/// Source that claims to be UTF-8, but has something else at byte `at`.
fn not_utf8(vm: &Vm, body: &[u8], at: usize, from: Origin<'_>) -> Raised {
    let line = body[..at].iter().filter(|&&b| b == b'\n').count() + 1;
    let start = memchr::memrchr(b'\n', &body[..at]).map_or(0, |i| i + 1);
    let end = memchr::memchr(b'\n', &body[at..]).map_or(body.len(), |i| at + i);
    let text = String::from_utf8_lossy(&body[start..end]);
    let offset = String::from_utf8_lossy(&body[start..at]).chars().count() as i64 + 1;
    let place = if from.is_file { format!(" in file {}", from.name) } else { String::new() };
    let message = format!(
        "Non-UTF-8 code starting with '\\x{:02x}'{place} on line {line}, but no encoding declared; see \
         https://peps.python.org/pep-0263/ for details",
        body[at]
    );
    error_at(vm, &message, from, line as i64, offset, Some((&text, offset)))
}

/// Decodes source: UTF-8 unless a coding line names another encoding.
pub fn decode_source(vm: &Vm, bytes: &[u8], from: Origin<'_>) -> Res<String> {
    let marked = bytes.strip_prefix(b"\xef\xbb\xbf");
    let body = marked.unwrap_or(bytes);
    let coding = coding_of(body);
    let is_utf8 = coding.as_deref().is_none_or(|c| c == "utf-8" || c.starts_with("utf-8-"));
    if marked.is_some() && !is_utf8 {
        let first = body.split(|&b| b == b'\n').next().unwrap_or(body);
        let text = String::from_utf8_lossy(first);
        let message = format!("encoding problem: {} with BOM", coding.unwrap_or_default());
        let end = text.chars().count() as i64;
        return Err(error_at(vm, &message, from, 1, 0, Some((&text, end))));
    }
    match coding.as_deref() {
        None | Some("utf-8" | "utf8" | "utf-8-sig") => match std::str::from_utf8(body) {
            Ok(s) => Ok(s.to_string()),
            Err(e) => Err(not_utf8(vm, body, e.valid_up_to(), from)),
        },
        Some("latin-1" | "iso-8859-1" | "iso-latin-1" | "latin1" | "l1") => {
            Ok(body.iter().map(|&b| b as char).collect())
        }
        Some(other) => {
            let b = BytesObj::new(body).value();
            let m = vm.get_attr_str(b, "decode")?;
            match vm.call(m, &[StrObj::new(other).value()]) {
                Ok(s) => match s.downcast::<StrObj>() {
                    Some(s) => vm.utf8(s),
                    None => Err(vm.type_error("the decoder of the source did not give a str")),
                },
                Err(r) if r.is(rt().types.lookup_error) => {
                    Err(error_at(vm, &format!("unknown encoding: {other}"), from, 0, -1, None))
                }
                Err(r) if r.is(rt().types.unicode_decode_error) => {
                    let message = vm.str(r.value())?.display();
                    Err(error_at(vm, &message, from, 0, -1, None))
                }
                Err(r) => Err(r),
            }
        }
    }
}

/// The encoding that a coding comment in the first two lines names.
fn coding_of(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|&b| b == b'\n').take(2) {
        let trimmed: &[u8] = line.trim_ascii_start();
        if !trimmed.starts_with(b"#") {
            if trimmed.is_empty() {
                continue;
            }
            return None;
        }
        if let Some(at) = memchr::memmem::find(trimmed, b"coding") {
            let rest = &trimmed[at + 6..];
            if matches!(rest.first(), Some(b':' | b'=')) {
                let name: Vec<u8> = rest[1..]
                    .iter()
                    .copied()
                    .skip_while(|b| *b == b' ' || *b == b'\t')
                    .take_while(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
                    .collect();
                if !name.is_empty() {
                    return Some(String::from_utf8_lossy(&name).to_lowercase().replace('_', "-"));
                }
            }
        }
    }
    None
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
    if flags & !((PYCF_MASK | CompileOptions::FUTURE_MASK) as i64) != 0 {
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
    let opts = options(flags, optimize);
    code_of(vm, cape_compile::compile_tree(&tree, filename, mode, opts), filename, flags, None)
        .map(|c| c.value())
}

/// Parses text to a tree of Python objects; without a mode, the signature of a function.
fn parse_text(vm: &Vm, text: &str, filename: &str, mode: Option<Mode>, opts: CompileOptions) -> Res<Value> {
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
        let b = rt().modules().get_str(intern("builtins")).unwrap_or(Value::NONE);
        g.set_str(rt().names.builtins, b);
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
        vm.run_code(c, g, l, cells)?;
        return Ok(Value::NONE);
    }
    if closure.is_some() {
        return Err(vm.type_error("closure can only be used when source is a code object"));
    }
    let text = source_text(vm, source, "string, bytes or code object", "exec", "<string>")?;
    let code = compile_text(vm, &text, "<string>", Mode::Exec, inherited_flags(vm), rt().config().optimize)?;
    vm.run_code(code, g, l, None)?;
    Ok(Value::NONE)
}
