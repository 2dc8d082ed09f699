//! `XMLParser`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_stdlib::pyexpat::{VERSION, encoding_table};
use cape_stdlib::warn::warn;
use cape_vm::native::{Named, OrNone, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};
use cape_xml::{Error, Event, Kind, Next, Parser};

use crate::builder::{self, B};
use crate::events;
use crate::state::StateObj;
use crate::{INIT, NEW};

/// Characters that are read of a file at once.
const BLOCK: i64 = 64 << 10;

heap_object! {
    /// `XMLParser`. The engine is not borrowed while something is called. Fields of methods of the target are EMPTY for those that it does
    /// not have.
    pub struct ParserObj {
        engine: Native<Box<RefCell<Option<Parser>>>>,
        running: Cell<bool>,
        pub target: Field,
        pub entity: Field,
        /// A list: the names that were met, as the tree has them; and where each stands.
        names: Field,
        places: Native<Box<RefCell<Places>>>,
        /// A list: the methods of [`Method`].
        methods: Field,
    } [drop]
}

impl Named for ParserObj {
    const NAME: &'static str = "xml.etree.ElementTree.XMLParser";
}

type P = Ptr<ParserObj>;

type Places = HashMap<Box<str>, usize, BuildHasherDefault<TextHasher>>;

/// Hashes text as strings are hashed, which nobody outside can foresee.
#[derive(Default)]
struct TextHasher(u64);

impl Hasher for TextHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.rotate_left(7) ^ hash_bytes(bytes) as u64;
    }

    // What marks the end of a text.
    fn write_u8(&mut self, _: u8) {}
}

/// The methods that a target may have.
#[derive(Clone, Copy)]
enum Method {
    Start,
    End,
    Data,
    Comment,
    Pi,
    StartNs,
    EndNs,
    Doctype,
    Close,
}

const METHODS: [&str; 9] =
    ["start", "end", "data", "comment", "pi", "start_ns", "end_ns", "doctype", "close"];

/// Makes the class.
pub fn make_class() -> Ptr<TypeObj> {
    new_type::<ParserObj>("xml.etree.ElementTree.XMLParser", rt().types.object, TypeFlags::BASE)
        .new_fn("__new__($type, *args, **kwargs)", NEW, |_: &Vm, class: Ptr<TypeObj>, _: Value, _: Value| {
            make(class)
        })
        .method("__init__($self, *, target=None, encoding=None)", INIT, initialize)
        .method("feed($self, data, /)", "", |vm: &Vm, p: P, data: Value| {
            check(vm, p)?;
            if let Some(s) = data.downcast::<StrObj>() {
                let text = vm.utf8(s)?;
                with_engine(p, |engine| engine.set_encoding("utf-8"));
                return parse(vm, p, text.as_bytes(), false);
            }
            parse(vm, p, vm.bytes_like(data)?.as_slice(), false)
        })
        .method("close($self, /)", "", |vm: &Vm, p: P| {
            check(vm, p)?;
            parse(vm, p, b"", true)?;
            match (builder::exact(p.target.get()), p.method(Method::Close)) {
                (Some(b), _) => Ok(builder::close(b)),
                (None, Some(close)) => vm.call(close, &[]),
                (None, None) => Ok(Value::NONE),
            }
        })
        .method("flush($self, /)", "", |vm: &Vm, p: P| {
            check(vm, p)?;
            let mut deferred = false;
            with_engine(p, |engine| {
                deferred = engine.deferral();
                engine.set_deferral(false);
            });
            let done = parse(vm, p, b"", false);
            with_engine(p, |engine| engine.set_deferral(deferred));
            done
        })
        .method("_parse_whole($self, file, /)", "", parse_whole)
        .method("_setevents($self, events_queue, events_to_report=None, /)", "", set_events)
        .getter("entity", "", |_: &Vm, p: P| p.entity.get())
        .getter("target", "", |_: &Vm, p: P| p.target.get())
        .members(&["entity", "target"])
        .getter("version", "", |_: &Vm, _: P| {
            let [major, minor, micro] = VERSION;
            format!("Expat {major}.{minor}.{micro}")
        })
        .class()
}

fn make(class: Ptr<TypeObj>) -> P {
    let map = class.instance_map();
    let names = ListObj::new(&[]);
    heap().alloc(
        map,
        ParserObj {
            header: Header::new(map),
            engine: Native(Box::default()),
            running: Cell::new(false),
            target: Field::new(Value::NONE),
            entity: Field::new(Value::NONE),
            names: Field::new(names.value()),
            places: Native(Box::default()),
            methods: Field::new(Value::EMPTY),
        },
    )
}

fn initialize(vm: &Vm, p: P, target: OrNone<Value>, encoding: Value) -> Res<()> {
    let encoding = match encoding.downcast::<StrObj>() {
        Some(s) => Some(vm.utf8(s)?),
        None if encoding.is_empty() || encoding.is_none() => None,
        None => {
            let got = type_of(encoding).name_str();
            return Err(
                vm.type_error(format!("XMLParser() argument 'encoding' must be str or None, not {got}"))
            );
        }
    };
    let target = match target.0 {
        Some(t) => t,
        None => builder::make(StateObj::of(type_of(p.value())).class(|s| &s.builder)).value(),
    };
    let methods = ListObj::new(&[]);
    for name in METHODS {
        methods.push(vm.get_attr_opt(target, intern(name))?.unwrap_or(Value::EMPTY));
    }
    let mut engine = Parser::new(encoding.as_deref(), Some(Some('}')));
    let has = |m: Method| methods.get(m as usize).is_some_and(|v| !v.is_empty());
    for (kind, wanted) in [
        (Kind::StartElement, true),
        (Kind::EndElement, true),
        (Kind::CharacterData, true),
        (Kind::Default, true),
        (Kind::StartDoctypeDecl, true),
        (Kind::Comment, has(Method::Comment)),
        (Kind::ProcessingInstruction, has(Method::Pi)),
        (Kind::StartNamespaceDecl, has(Method::StartNs)),
        (Kind::EndNamespaceDecl, has(Method::EndNs)),
    ] {
        engine.want(kind, wanted);
    }
    engine.set_expand(true);
    *p.engine.borrow_mut() = Some(engine);
    p.places.borrow_mut().clear();
    p.names.set(p, ListObj::new(&[]).value());
    p.methods.set(p, methods.value());
    p.entity.set(p, DictObj::new().value());
    p.target.set(p, target);
    Ok(())
}

impl ParserObj {
    fn method(&self, m: Method) -> Option<Value> {
        self.methods.downcast::<ListObj>()?.get(m as usize).filter(|v| !v.is_empty())
    }
}

fn check(vm: &Vm, p: P) -> Res<()> {
    if p.engine.borrow().is_none() {
        return Err(vm.value_error("XMLParser.__init__() wasn't called"));
    }
    if p.running.get() {
        return Err(vm.runtime_error("the parser is parsing already"));
    }
    Ok(())
}

/// Does something with the engine, which is there.
fn with_engine<R: Default>(p: P, f: impl FnOnce(&mut Parser) -> R) -> R {
    p.engine.borrow_mut().as_mut().map(f).unwrap_or_default()
}

/// `ParseError`, for where the parser is.
#[cold]
fn wrong(vm: &Vm, p: P, e: Error, message: &str) -> Raised {
    let (line, column) = with_engine(p, |engine| engine.place());
    let (line, column) = (line as i64 + 1, column as i64);
    let state = StateObj::of(type_of(p.value()));
    let message = format!("{message}: line {line}, column {column}");
    state.parse_error(vm, &message, Some((e as i64, line, column)))
}

/// Parses a piece of the document. After an exception the rest of it is parsed, too, without a word to anybody.
fn parse(vm: &Vm, p: P, bytes: &[u8], last: bool) -> Res<()> {
    let fed = p.engine.borrow_mut().as_mut().map_or(Ok(()), |engine| engine.feed(bytes, last));
    fed.map_err(|e| wrong(vm, p, e, e.text()))?;
    p.running.set(true);
    let done = run(vm, p);
    p.running.set(false);
    done
}

fn run(vm: &Vm, p: P) -> Res<()> {
    let mut first: Res<()> = Ok(());
    let target = builder::exact(p.target.get());
    loop {
        let next = match p.engine.borrow_mut().as_mut() {
            Some(engine) => engine.next(),
            None => return first,
        };
        match next {
            Next::Event(Event::UnknownEncoding(name)) => match encoding_table(vm, &name) {
                Ok(table) => with_engine(p, |engine| engine.set_table(&table)),
                // The parser has an error of its own for that.
                Err(r) => first = first.and(Err(r)),
            },
            Next::Event(event) => {
                if first.is_ok() {
                    first = match target {
                        Some(b) => build(vm, p, b, event),
                        None => tell(vm, p, event),
                    };
                }
            }
            Next::Paused => return first,
            Next::Error(e) => return first.and_then(|()| Err(wrong(vm, p, e, e.text()))),
        }
    }
}

/// A name as the tree has it: one string for each name.
fn name(p: P, text: &str) -> Value {
    // SAFETY: nothing else is stored there.
    let names = unsafe { p.names.cast::<ListObj>() };
    let place = p.places.borrow().get(text).copied();
    if let Some(v) = place.and_then(|i| names.get(i)) {
        return v;
    }
    let s = if text.contains('}') { StrObj::new(&format!("{{{text}")) } else { StrObj::new(text) };
    p.places.borrow_mut().insert(text.into(), names.len());
    names.push(s.value());
    s.value()
}

fn string(text: &str) -> Value {
    StrObj::new(text).value()
}

fn or_none(text: &Option<String>) -> Value {
    text.as_deref().map_or(Value::NONE, string)
}

/// A dict of attributes; EMPTY if there are none.
fn attributes(vm: &Vm, p: P, pairs: &[(String, String)]) -> Res<Value> {
    if pairs.is_empty() {
        return Ok(Value::EMPTY);
    }
    let d = DictObj::new();
    for (key, value) in pairs {
        let key = name(p, key);
        d.set(vm, key, string(value))?;
    }
    Ok(d.value())
}

/// What an event does to the module's own builder.
fn build(vm: &Vm, p: P, b: B, event: Event) -> Res<()> {
    match event {
        Event::CharacterData(text) => {
            builder::push_text(b, &text);
            Ok(())
        }
        Event::StartElement { name: tag, attributes: pairs, .. } => {
            let tag = name(p, &tag);
            let attrib = attributes(vm, p, &pairs)?;
            builder::start(vm, b, tag, attrib).map(drop)
        }
        Event::EndElement(_) => builder::end(vm, b).map(drop),
        Event::Comment(text) => builder::comment(vm, b, string(&text)).map(drop),
        Event::ProcessingInstruction { target, data } => {
            let target = string(&target);
            builder::pi(vm, b, target, string(&data)).map(drop)
        }
        Event::StartNamespaceDecl { prefix, uri } if events::wants(b, events::Kind::StartNs) => {
            let prefix = string(prefix.as_deref().unwrap_or(""));
            let pair = TupleObj::new(&[prefix, string(uri.as_deref().unwrap_or(""))]);
            events::report(vm, b, events::Kind::StartNs, pair.value())
        }
        Event::EndNamespaceDecl(_) => events::report(vm, b, events::Kind::EndNs, Value::NONE),
        Event::StartDoctypeDecl(_) => own_doctype(vm, p),
        Event::Default(text) => entity(vm, p, &text, |v| {
            builder::push_value(b, v);
            Ok(())
        }),
        _ => Ok(()),
    }
}

/// Tells another target of an event.
fn tell(vm: &Vm, p: P, event: Event) -> Res<()> {
    let call = |m: Method, args: &[Value]| match p.method(m) {
        Some(f) => vm.call(f, args).map(drop),
        None => Ok(()),
    };
    match event {
        Event::CharacterData(text) => call(Method::Data, &[string(&text)]),
        Event::StartElement { name: tag, attributes: pairs, .. } => {
            let tag = name(p, &tag);
            let attrib = attributes(vm, p, &pairs)?;
            let attrib = if attrib.is_empty() { DictObj::new().value() } else { attrib };
            call(Method::Start, &[tag, attrib])
        }
        Event::EndElement(tag) => call(Method::End, &[name(p, &tag)]),
        Event::Comment(text) => call(Method::Comment, &[string(&text)]),
        Event::ProcessingInstruction { target, data } => {
            let target = string(&target);
            call(Method::Pi, &[target, string(&data)])
        }
        Event::StartNamespaceDecl { prefix, uri } => {
            let prefix = string(prefix.as_deref().unwrap_or(""));
            call(Method::StartNs, &[prefix, string(uri.as_deref().unwrap_or(""))])
        }
        Event::EndNamespaceDecl(prefix) => call(Method::EndNs, &[string(prefix.as_deref().unwrap_or(""))]),
        Event::StartDoctypeDecl(d) => {
            if p.method(Method::Doctype).is_none() {
                return own_doctype(vm, p);
            }
            let args = [name(p, &d.name), or_none(&d.public), or_none(&d.system)];
            call(Method::Doctype, &args)
        }
        Event::Default(text) => entity(vm, p, &text, |v| call(Method::Data, &[v])),
        _ => Ok(()),
    }
}

/// A parser that has a method `doctype`, which was once called, is told that it is not.
fn own_doctype(vm: &Vm, p: P) -> Res<()> {
    if vm.get_attr_opt(p.value(), intern("doctype"))?.is_none() {
        return Ok(());
    }
    let message =
        "The doctype() method of XMLParser is ignored.  Define doctype() method on the TreeBuilder target.";
    warn(vm, rt().types.runtime_warning, message, 1)
}

/// Text that nobody else takes: a reference to an entity stands for what the parser's dict has of it.
fn entity(vm: &Vm, p: P, text: &str, give: impl FnOnce(Value) -> Res<()>) -> Res<()> {
    let Some(key) = text.strip_prefix('&').filter(|rest| !rest.is_empty()) else { return Ok(()) };
    let key = key.strip_suffix(';').unwrap_or(key);
    let found = match p.entity.downcast::<DictObj>() {
        Some(d) => d.get(vm, string(key))?,
        None => None,
    };
    match found {
        Some(v) => give(v),
        None => Err(wrong(vm, p, Error::UndefinedEntity, &format!("undefined entity &{key};"))),
    }
}

fn parse_whole(vm: &Vm, p: P, file: Value) -> Res<Value> {
    check(vm, p)?;
    let read = vm.get_attr(file, intern("read"))?;
    loop {
        let block = vm.call(read, &[Value::int(BLOCK)])?;
        if let Some(s) = block.downcast::<StrObj>() {
            if s.is_empty() {
                break;
            }
            with_engine(p, |engine| engine.set_encoding("utf-8"));
            parse(vm, p, &s.to_wtf8(), false)?;
        } else {
            match block.downcast::<BytesObj>() {
                Some(b) if !b.as_slice().is_empty() => parse(vm, p, b.as_slice(), false)?,
                _ => break,
            }
        }
    }
    parse(vm, p, b"", true)?;
    Ok(builder::exact(p.target.get()).map_or(Value::NONE, builder::close))
}

fn set_events(vm: &Vm, p: P, queue: Value, wanted: OrNone<Value>) -> Res<()> {
    check(vm, p)?;
    let Some(b) = builder::exact(p.target.get()) else {
        return Err(vm.type_error("event handling only supported for ElementTree.TreeBuilder targets"));
    };
    events::set(vm, b, queue, wanted.0, |kind| {
        let kind = match kind {
            events::Kind::StartNs => Kind::StartNamespaceDecl,
            events::Kind::EndNs => Kind::EndNamespaceDecl,
            events::Kind::Comment => Kind::Comment,
            events::Kind::Pi => Kind::ProcessingInstruction,
            events::Kind::Start | events::Kind::End => return,
        };
        with_engine(p, |engine| engine.want(kind, true));
    })
}
