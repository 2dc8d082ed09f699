//! `_tokenize`.

use std::cell::{Cell, RefCell};

use cape_compile::tokens::{Text, Token, Tokens, Wait};
use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::exc::set_extra;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};

heap_object! {
    /// Reads tokens from the lines that a function returns; `encoding` is EMPTY when they are str. `line` shows the source of the
    /// last token.
    pub struct TokenizerObj {
        readline: Field,
        encoding: Field,
        line: Field,
        done: Cell<bool>,
        state: Native<RefCell<Tokens>>,
    } [drop]
}

impl Named for TokenizerObj {
    const NAME: &'static str = "_tokenize.TokenizerIter";
}

static TYPE: StaticType = StaticType::new();
const FILENAME: &str = "<string>";

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let b = new_type::<TokenizerObj>("_tokenize.TokenizerIter", rt().types.object, TypeFlags::BASE)
        .new_fn("__new__(cls, /, readline, *, encoding=None, extra_tokens)", "", new)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, t: Ptr<TokenizerObj>| t)
        .method("__next__($self, /)", "Implement next(self).", next);
    TYPE.set(b.class());
    m.class(b.class());
    Ok(())
}

fn new(
    _vm: &Vm,
    cls: Ptr<TypeObj>,
    readline: Value,
    encoding: Option<Ptr<StrObj>>,
    extra: bool,
) -> Ptr<TokenizerObj> {
    let map = cls.instance_map();
    heap().alloc(
        map,
        TokenizerObj {
            header: Header::new(map),
            readline: Field::new(readline),
            encoding: Field::new(encoding.map_or(Value::EMPTY, |e| e.value())),
            line: Field::new(Value::NONE),
            done: Cell::new(false),
            state: Native(RefCell::new(Tokens::new(extra))),
        },
    )
}

fn next(vm: &Vm, t: Ptr<TokenizerObj>) -> Res<Value> {
    if t.done.get() {
        return Ok(Value::EMPTY);
    }
    loop {
        // The borrow ends before Python code runs.
        let step = t.state.borrow_mut().next_token();
        let wait = match step {
            Ok(Some(token)) => return Ok(tuple(t, token)),
            Ok(None) => {
                t.done.set(true);
                return Ok(Value::EMPTY);
            }
            Err(wait) => wait,
        };
        match wait {
            Wait::Line => read_line(vm, t)?,
            other => return Err(raise(vm, other)),
        }
    }
}

fn tuple(t: Ptr<TokenizerObj>, token: Token) -> Value {
    let state = t.state.borrow();
    let text = |x: &Text| match x {
        Text::Source(r) => StrObj::new(&state.text()[r.clone()]).value(),
        Text::Fixed("") => rt().empty_str().value(),
        Text::Fixed(s) => StrObj::new(s).value(),
    };
    if let Some(line) = &token.line {
        let line = text(line);
        t.line.set(t, line);
    }
    let text = text(&token.text);
    let place = |(line, col): (u32, i32)| {
        TupleObj::new(&[Value::int(line as i64), Value::int(col as i64)]).value()
    };
    let (start, end) = (place(token.start), place(token.end));
    TupleObj::new(&[Value::int(token.number as i64), text, start, end, t.line.get()]).value()
}

/// Appends what `readline` gives, or notes the end.
fn read_line(vm: &Vm, t: Ptr<TokenizerObj>) -> Res<()> {
    let line = match vm.call(t.readline.get(), &[]) {
        Ok(v) => decode(vm, t, v)?,
        Err(r) if r.is(rt().types.stop_iteration) => String::new(),
        Err(r) => return Err(r),
    };
    let mut state = t.state.borrow_mut();
    if line.is_empty() {
        state.finish();
        return Ok(());
    }
    let r = state.add_line(&line);
    drop(state);
    r.map_err(|w| raise(vm, w))
}

fn decode(vm: &Vm, t: Ptr<TokenizerObj>, line: Value) -> Res<String> {
    let Some(encoding) = t.encoding.get().downcast::<StrObj>() else {
        return match line.downcast::<StrObj>() {
            Some(s) => vm.utf8(s),
            None => Err(vm.type_error("readline() returned a non-string object")),
        };
    };
    let Some(bytes) = line.downcast::<BytesObj>() else {
        return Err(vm.type_error("readline() returned a non-bytes object"));
    };
    if matches!(encoding.as_ascii(), Some("utf-8" | "utf8" | "UTF-8")) {
        return Ok(String::from_utf8_lossy(bytes.as_slice()).into_owned());
    }
    let text = vm.call_method(line, intern("decode"), &[encoding.value(), intern("replace")])?;
    match text.downcast::<StrObj>() {
        Some(s) => vm.utf8(s),
        None => Err(vm.type_error("the decoder did not return a str")),
    }
}

fn raise(vm: &Vm, wait: Wait) -> Raised {
    let (e, place) = match wait {
        Wait::Line => return vm.system_error("no line was read"),
        Wait::Error(e, false) => return cape_builtins::compile_fn::syntax_error(vm, &e, FILENAME),
        Wait::Error(e, true) => (e, true),
        Wait::EndOfInput(e) => (e, false),
    };
    let r = cape_builtins::compile_fn::syntax_error(vm, &e, FILENAME);
    for end in if place { 5..7 } else { 6..7 } {
        set_extra(r.exc(), end, Value::NONE);
    }
    let args = &r.exc().args;
    let Some(old) = args.downcast::<TupleObj>() else { return r };
    let [message, details] = old.as_slice() else { return r };
    let (message, details) = (*message, *details);
    let new = match details.downcast::<TupleObj>() {
        Some(d) if place => {
            let mut items = ValueVec::new();
            d.as_slice()[..4].iter().for_each(|&v| items.push(v));
            items.push(Value::NONE);
            items.push(Value::NONE);
            let d = TupleObj::new(&items).value();
            TupleObj::new(&[message, d])
        }
        _ => TupleObj::new(&[message]),
    };
    r.exc().args.set(r.exc(), new.value());
    r
}
