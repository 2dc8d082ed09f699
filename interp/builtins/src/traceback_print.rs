//! Printing uncaught exceptions: through the `traceback` module when it can be imported, as CPython does, and natively
//! otherwise (while the library is not available, at shutdown, or when it fails itself).

use std::collections::HashMap;
use std::fmt::Write as _;

use cape_vm::exc::extra;
use cape_vm::frame::FrameObj;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

const HEADER: &str = "Traceback (most recent call last):\n";
const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";
/// Equal frames in a row that are shown before the rest is only counted.
const REPEATS: usize = 3;
/// Members and nesting of groups that are shown.
const MAX_GROUP_WIDTH: usize = 15;
const MAX_GROUP_DEPTH: usize = 10;

/// `sys.excepthook(type, value, traceback)`: prints an exception to `sys.stderr`.
pub fn excepthook(vm: &Vm, _class: Value, value: Value, traceback: Value) -> Res<()> {
    if let Some(e) = value.downcast::<ExcObj>()
        && e.traceback.get().is_none()
        && traceback.is::<TracebackObj>()
    {
        e.traceback.set(e, traceback);
    }
    print_exception(vm, value);
    Ok(())
}

/// Prints an exception with its traceback and everything that belongs to it. Never raises.
pub fn print_exception(vm: &Vm, value: Value) {
    let file = rt().sys().get_str(rt().names.stderr);
    if file.is_some_and(|f| f.is_none()) {
        return;
    }
    if file.is_some() && by_module(vm, value).is_ok() {
        return;
    }
    let text = match value.downcast::<ExcObj>() {
        Some(e) => format_exception(vm, e),
        None => format!(
            "TypeError: print_exception(): Exception expected for value, {} found\n",
            type_of(value).name_str()
        ),
    };
    let written = file.map(|f| vm.call_method(f, rt().names.write, &[StrObj::new(&text).value()]));
    if !matches!(written, Some(Ok(_))) {
        // There may be nowhere to write to: nothing is left to be done then.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        return;
    }
    if let Some(f) = file {
        // A stream that cannot be flushed has no way to say so here.
        let _ = vm.call_method(f, rt().names.flush, &[]);
    }
}

fn by_module(vm: &Vm, value: Value) -> Res<()> {
    let f = vm.import_attr("traceback", "_print_exception_bltin")?;
    vm.call(f, &[value]).map(|_| ())
}

/// The text that the native printer prints.
pub fn format_exception(vm: &Vm, e: Ptr<ExcObj>) -> String {
    let mut p = Printer { vm, out: String::new(), indent: 0, need_close: false, sources: HashMap::new() };
    let mut seen = ValueVec::new();
    p.exception(e, &mut seen);
    p.out
}

struct Printer<'a> {
    vm: &'a Vm,
    out: String,
    /// Nesting in exception groups.
    indent: usize,
    need_close: bool,
    sources: HashMap<String, Vec<String>>,
}

impl Printer<'_> {
    fn margin(&self) -> String {
        if self.indent == 0 { String::new() } else { format!("{}| ", "  ".repeat(self.indent)) }
    }

    fn write(&mut self, text: &str) {
        let margin = self.margin();
        for line in text.split_inclusive('\n') {
            self.out.push_str(&margin);
            self.out.push_str(line);
        }
    }

    /// The exception after those that led to it.
    fn exception(&mut self, e: Ptr<ExcObj>, seen: &mut ValueVec) {
        seen.push(e.value());
        if self.vm.check_native_stack("").is_err() {
            self.write("...\n");
            return;
        }
        let (before, message) = if e.cause.get().is::<ExcObj>() {
            (e.cause.get(), CAUSE)
        } else if !e.suppress_context.get() {
            (e.context.get(), CONTEXT)
        } else {
            (Value::NONE, "")
        };
        if let Some(b) = before.downcast::<ExcObj>()
            && !seen.contains(&b.value())
        {
            self.exception(b, seen);
            self.write(message);
        }
        if type_of(e.value()).is_subtype(rt().types.base_exception_group) {
            self.group(e, seen);
        } else {
            if e.traceback.get().is::<TracebackObj>() {
                self.write(HEADER);
                self.frames(e.traceback.get());
            }
            self.last_lines(e);
        }
    }

    fn group(&mut self, e: Ptr<ExcObj>, seen: &mut ValueVec) {
        if self.indent > MAX_GROUP_DEPTH {
            self.write(&format!("... (max_group_depth is {MAX_GROUP_DEPTH})\n"));
            return;
        }
        let first = self.indent == 0;
        if first {
            self.indent = 1;
        }
        if e.traceback.get().is::<TracebackObj>() {
            if first {
                self.out.push_str("  + Exception Group ");
                self.out.push_str(HEADER);
            } else {
                self.write(&format!("Exception Group {HEADER}"));
            }
            self.frames(e.traceback.get());
        }
        self.last_lines(e);
        let subs = extra(e, 1).downcast::<TupleObj>().unwrap_or_else(|| rt().empty_tuple());
        let n = subs.len();
        let shown = n.min(MAX_GROUP_WIDTH + 1);
        self.need_close = false;
        for i in 0..shown {
            let last = i + 1 == shown;
            if last {
                self.need_close = true;
            }
            let title = if i == MAX_GROUP_WIDTH { "...".to_string() } else { (i + 1).to_string() };
            let pad = "  ".repeat(self.indent);
            let corner = if i == 0 { "+-" } else { "  " };
            let _ = writeln!(self.out, "{pad}{corner}+---------------- {title} ----------------");
            self.indent += 1;
            if i == MAX_GROUP_WIDTH {
                let rest = n - MAX_GROUP_WIDTH;
                let plural = if rest == 1 { "" } else { "s" };
                self.write(&format!("and {rest} more exception{plural}\n"));
            } else if let Some(s) = subs.get(i).downcast::<ExcObj>() {
                self.exception(s, seen);
            }
            if last && self.need_close {
                let pad = "  ".repeat(self.indent);
                let _ = writeln!(self.out, "{pad}+------------------------------------");
                self.need_close = false;
            }
            self.indent -= 1;
        }
        if first {
            self.indent = 0;
        }
    }

    fn frames(&mut self, tb: Value) {
        let mut last: Option<(String, i32, String)> = None;
        let mut count = 0;
        let mut cursor = tb;
        while let Some(t) = cursor.downcast::<TracebackObj>() {
            cursor = t.next.get();
            let Some(frame) = t.frame.downcast::<FrameObj>() else { continue };
            let code = frame.code();
            let text = |v: Value| v.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
            let key = (text(code.filename.get()), t.line_number().unwrap_or(-1), text(code.name.get()));
            if last.as_ref() != Some(&key) {
                self.repeated(count);
                count = 0;
            }
            count += 1;
            if count <= REPEATS {
                self.write(&format!("  File \"{}\", line {}, in {}\n", key.0, key.1, key.2));
                let position = u32::try_from(t.lasti.get()).ok().and_then(|w| code.unit.position(w));
                self.source_line(&key.0, key.1, position.map(|p| (p.line, p.end_line, p.col, p.end_col)));
            }
            last = Some(key);
        }
        self.repeated(count);
    }

    fn repeated(&mut self, count: usize) {
        if count > REPEATS {
            let n = count - REPEATS;
            let plural = if n == 1 { "" } else { "s" };
            self.write(&format!("  [Previous line repeated {n} more time{plural}]\n"));
        }
    }

    fn source(&mut self, file: &str, line: i32) -> Option<String> {
        if file.starts_with('<') || line < 1 {
            return None;
        }
        let lines = self.sources.entry(file.to_string()).or_insert_with(|| {
            let data = std::fs::read(file).unwrap_or_default();
            String::from_utf8_lossy(&data).lines().map(str::to_string).collect()
        });
        lines.get(line as usize - 1).cloned()
    }

    fn source_line(&mut self, file: &str, line: i32, range: Option<(u32, u32, u32, u32)>) {
        let Some(text) = self.source(file, line) else { return };
        let stripped = text.trim();
        if stripped.is_empty() {
            return;
        }
        self.write(&format!("    {stripped}\n"));
        let Some((from_line, to_line, col, end_col)) = range else { return };
        let indent = text.len() - text.trim_start().len();
        let end = if to_line == from_line { end_col as usize } else { text.trim_end().len() };
        let (col, end) = (col as usize, end.min(text.len()));
        if from_line as i32 != line || col < indent || col >= end || end - col >= stripped.len() {
            return;
        }
        let (Some(before), Some(under)) = (text.get(indent..col), text.get(col..end)) else { return };
        let (pad, n) = (" ".repeat(before.chars().count()), under.chars().count());
        self.write(&format!("    {pad}{}\n", "^".repeat(n)));
    }

    /// `module.Class: message`, with what precedes it for syntax errors and the notes after it.
    fn last_lines(&mut self, e: Ptr<ExcObj>) {
        let class = type_of(e.value());
        let mut message = self.text_of(e.value(), false);
        if class.is_subtype(rt().types.syntax_error) {
            message = self.syntax_error(e).or(message);
        }
        let name = qualified_name(class);
        match message {
            None => self.write(&format!("{name}: <exception str() failed>\n")),
            Some(m) if m.is_empty() => self.write(&format!("{name}\n")),
            Some(m) => self.write(&format!("{name}: {m}\n")),
        }
        self.notes(e);
    }

    fn text_of(&self, v: Value, repr: bool) -> Option<String> {
        let r = if repr { self.vm.repr(v) } else { self.vm.str(v) };
        r.ok().map(|s| s.display())
    }

    /// Prints where a syntax error is; gives the message without the place.
    fn syntax_error(&mut self, e: Ptr<ExcObj>) -> Option<String> {
        let text = |i| extra(e, i).downcast::<StrObj>().map(|s| s.display());
        let number = |i| Int::of(extra(e, i)).and_then(|n| n.to_i64());
        let line = number(2)?;
        let file = text(1).unwrap_or_else(|| "<string>".to_string());
        self.write(&format!("  File \"{file}\", line {line}\n"));
        let source = text(4).or_else(|| self.source(&file, line as i32));
        if let Some(source) = source {
            let shown = source.trim_end_matches(['\n', '\x0c']).trim_start_matches([' ', '\n', '\x0c']);
            self.write(&format!("    {}\n", shown.trim_end()));
            if let Some(offset) = number(3).filter(|o| *o >= 1) {
                let end = match (number(6), number(5)) {
                    (Some(end), Some(end_line)) if end_line == line && end > offset => end,
                    _ => offset + 1,
                };
                let cut = (source.chars().count()
                    - source.trim_start_matches([' ', '\n', '\x0c']).chars().count())
                    as i64;
                let from = offset - 1 - cut;
                if from >= 0 {
                    let pad: String = shown
                        .chars()
                        .take(from as usize)
                        .map(|c| if c.is_whitespace() { c } else { ' ' })
                        .collect();
                    self.write(&format!("    {pad}{}\n", "^".repeat((end - offset) as usize)));
                }
            }
        }
        Some(match extra(e, 0) {
            m if m.is_empty() || m.is_none() => "<no detail available>".to_string(),
            m => self.text_of(m, false)?,
        })
    }

    fn notes(&mut self, e: Ptr<ExcObj>) {
        let notes = match self.vm.get_attr_opt(e.value(), rt().names.notes) {
            Ok(Some(n)) if !n.is_none() => n,
            _ => return,
        };
        let items = match notes.downcast::<ListObj>() {
            Some(l) => l.snapshot(),
            None if notes.is::<TupleObj>() => match self.vm.list_of(notes) {
                Ok(l) => l,
                Err(_) => return,
            },
            None => {
                let text = self.text_of(notes, true).unwrap_or_else(|| "<__notes__ repr() failed>".into());
                return self.write(&format!("{text}\n"));
            }
        };
        for &note in items.as_slice() {
            let text = self.text_of(note, false).unwrap_or_else(|| "<note str() failed>".into());
            for line in text.split('\n') {
                self.write(&format!("{line}\n"));
            }
        }
    }
}

/// `module.qualname`, without the module for builtins and the main program.
fn qualified_name(class: Ptr<TypeObj>) -> String {
    let name = class.qualname.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
    match cape_vm::class::lookup_mro(class, intern("__module__")).and_then(|m| m.downcast::<StrObj>()) {
        Some(m) if m.eq_str("builtins") || m.eq_str("__main__") => name,
        Some(m) => format!("{}.{name}", m.display()),
        // Builtin classes have none in their namespaces.
        None if !class.has(TypeFlags::HEAP) => name,
        None => format!("<unknown>.{name}"),
    }
}
