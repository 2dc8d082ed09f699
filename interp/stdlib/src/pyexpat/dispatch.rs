//! Events, and the calls they lead to.

use cape_vm::native::int_from;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt};
use cape_xml::{
    AttlistDecl, EntityDecl, Event, ExternalEntityRef, Model, Next, NotationDecl, StartDoctypeDecl, UNDEFINED,
    UnparsedEntityDecl,
};

use super::handlers::{self as h, get};
use super::parser::ParserObj;
use super::raise;

/// Takes in a piece of the document and calls handlers for what is in it.
pub fn feed(vm: &Vm, p: Ptr<ParserObj>, bytes: &[u8], last: bool) -> Res<()> {
    if p.running.get() {
        return Err(vm.runtime_error("the parser is parsing already"));
    }
    let fed = p.engine.borrow_mut().feed(bytes, last);
    fed.map_err(|e| raise(vm, p, e))?;
    p.running.set(true);
    let done = run(vm, p);
    p.running.set(false);
    done
}

fn run(vm: &Vm, p: Ptr<ParserObj>) -> Res<()> {
    loop {
        let next = p.engine.borrow_mut().next();
        match next {
            Next::Event(Event::UnknownEncoding(encoding)) => {
                if let Err(raised) = unknown_encoding(vm, p, &encoding) {
                    // The parser has an error of its own for that.
                    p.engine.borrow_mut().next();
                    return Err(raised);
                }
            }
            Next::Event(event) => {
                p.in_callback.set(true);
                let done = handle(vm, p, event);
                p.in_callback.set(false);
                if let Err(raised) = done {
                    // Nothing is called any more.
                    h::clear(p);
                    p.engine.borrow_mut().abort();
                    return Err(raised);
                }
            }
            Next::Paused => return Ok(()),
            Next::Error(e) => return Err(raise(vm, p, e)),
        }
    }
}

/// Reports the characters that have been collected.
pub fn flush(vm: &Vm, p: Ptr<ParserObj>) -> Res<()> {
    let text = std::mem::take(&mut *p.buffer.borrow_mut());
    if text.is_empty() { Ok(()) } else { characters(vm, p, &text) }
}

fn characters(vm: &Vm, p: Ptr<ParserObj>, text: &str) -> Res<()> {
    match get(p, h::CHARACTER_DATA) {
        Some(f) => vm.call(f, &[StrObj::new(text).value()]).map(drop),
        None => Ok(()),
    }
}

fn collect(vm: &Vm, p: Ptr<ParserObj>, text: &str) -> Res<()> {
    if !p.buffer_text.get() {
        return characters(vm, p, text);
    }
    let size = p.buffer_size.get();
    if p.buffer.borrow().len() + text.len() > size {
        flush(vm, p)?;
        if get(p, h::CHARACTER_DATA).is_none() {
            return Ok(());
        }
    }
    if text.len() > size {
        return characters(vm, p, text);
    }
    p.buffer.borrow_mut().push_str(text);
    Ok(())
}

/// A string that is the same object for the same text, if the parser's strings are.
fn name(vm: &Vm, p: Ptr<ParserObj>, text: &str) -> Res<Value> {
    let s = StrObj::new(text).value();
    let Some(interned) = p.intern.downcast::<DictObj>() else { return Ok(s) };
    match interned.get(vm, s)? {
        Some(old) => Ok(old),
        None => {
            interned.set(vm, s, s)?;
            Ok(s)
        }
    }
}

/// The same, or None.
fn named(vm: &Vm, p: Ptr<ParserObj>, text: &Option<String>) -> Res<Value> {
    text.as_ref().map_or(Ok(Value::NONE), |t| name(vm, p, t))
}

fn string(text: &str) -> Value {
    StrObj::new(text).value()
}

fn or_none(text: &Option<String>) -> Value {
    text.as_ref().map_or(Value::NONE, |t| string(t))
}

/// Calls the handler of an event.
fn handle(vm: &Vm, p: Ptr<ParserObj>, event: Event) -> Res<()> {
    let index = match &event {
        Event::CharacterData(text) => return collect(vm, p, text),
        Event::Default(_) => p.default.get(),
        event => h::KINDS.iter().position(|k| *k == event.kind()).expect("each kind has a handler"),
    };
    if get(p, index).is_none() {
        return Ok(());
    }
    flush(vm, p)?;
    // What was collected may have led to another.
    let Some(f) = get(p, index) else { return Ok(()) };
    let call = |args: &[Value]| vm.call(f, args);
    let one = |text: &str| vm.call(f, &[string(text)]);
    let _: Value = match &event {
        Event::StartElement { name: element, attributes, specified } => {
            let element = name(vm, p, element)?;
            let attributes = match p.specified_attributes.get() {
                true => &attributes[..*specified],
                false => attributes,
            };
            let container = if p.ordered_attributes.get() {
                let list = ListObj::new(&[]);
                for (key, value) in attributes {
                    list.push(name(vm, p, key)?);
                    list.push(string(value));
                }
                list.value()
            } else {
                let dict = DictObj::new();
                for (key, value) in attributes {
                    let key = name(vm, p, key)?;
                    dict.set(vm, key, string(value))?;
                }
                dict.value()
            };
            call(&[element, container])?
        }
        Event::EndElement(element) => call(&[name(vm, p, element)?])?,
        Event::ProcessingInstruction { target, data } => call(&[name(vm, p, target)?, string(data)])?,
        Event::UnparsedEntityDecl(d) => {
            let UnparsedEntityDecl { name: entity, base, system, public, notation } = &**d;
            let args = [
                name(vm, p, entity)?,
                named(vm, p, base)?,
                named(vm, p, system)?,
                named(vm, p, public)?,
                name(vm, p, notation)?,
            ];
            call(&args)?
        }
        Event::NotationDecl(d) => {
            let NotationDecl { name: notation, base, system, public } = &**d;
            let args =
                [name(vm, p, notation)?, named(vm, p, base)?, named(vm, p, system)?, named(vm, p, public)?];
            call(&args)?
        }
        Event::StartNamespaceDecl { prefix, uri } => call(&[named(vm, p, prefix)?, named(vm, p, uri)?])?,
        Event::EndNamespaceDecl(prefix) => call(&[named(vm, p, prefix)?])?,
        Event::Comment(text) => one(text)?,
        Event::Default(text) => one(text)?,
        Event::StartCdataSection | Event::EndCdataSection | Event::EndDoctypeDecl => call(&[])?,
        Event::NotStandalone => {
            let answer = call(&[])?;
            return reply(vm, p, answer);
        }
        Event::ExternalEntityRef(d) => {
            let ExternalEntityRef { context, base, system, public } = &**d;
            let args = [or_none(context), named(vm, p, base)?, named(vm, p, system)?, named(vm, p, public)?];
            let answer = call(&args)?;
            return reply(vm, p, answer);
        }
        Event::StartDoctypeDecl(d) => {
            let StartDoctypeDecl { name: doctype, system, public, internal } = &**d;
            let args = [
                name(vm, p, doctype)?,
                named(vm, p, system)?,
                named(vm, p, public)?,
                Value::int(*internal as i64),
            ];
            call(&args)?
        }
        Event::EntityDecl(d) => {
            let EntityDecl { name: entity, parameter, value, base, system, public, notation } = &**d;
            let args = [
                name(vm, p, entity)?,
                Value::int(*parameter as i64),
                or_none(value),
                named(vm, p, base)?,
                named(vm, p, system)?,
                named(vm, p, public)?,
                named(vm, p, notation)?,
            ];
            call(&args)?
        }
        Event::XmlDecl { version, encoding, standalone } => {
            call(&[or_none(version), or_none(encoding), Value::int(standalone.map_or(-1, |s| s as i64))])?
        }
        Event::ElementDecl { name: element, model } => {
            let model = model_tuple(vm, p, model, 0)?;
            call(&[name(vm, p, element)?, model])?
        }
        Event::AttlistDecl(d) => {
            let AttlistDecl { element, attribute, kind, default, required } = &**d;
            let args = [
                name(vm, p, element)?,
                name(vm, p, attribute)?,
                string(kind),
                or_none(default),
                Value::int(*required as i64),
            ];
            call(&args)?
        }
        Event::SkippedEntity { name: entity, parameter } => {
            call(&[name(vm, p, entity)?, Value::int(*parameter as i64)])?
        }
        Event::CharacterData(_) | Event::UnknownEncoding(_) => Value::NONE,
    };
    Ok(())
}

/// A number that is not zero goes on.
fn reply(vm: &Vm, p: Ptr<ParserObj>, answer: Value) -> Res<()> {
    let yes = vm.index_int(answer)?.to_i64();
    let yes = yes.ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))?;
    p.engine.borrow_mut().answer(yes as i32 != 0);
    Ok(())
}

/// `(type, quantifier, name, parts)`
fn model_tuple(vm: &Vm, p: Ptr<ParserObj>, model: &Model, i: usize) -> Res<Value> {
    vm.check_native_stack(" in conv_content_model")?;
    let parts = TupleObj::uninit(model.parts(i).count());
    for (at, part) in model.parts(i).enumerate() {
        parts.init(at, model_tuple(vm, p, model, part)?);
    }
    let content = model.part(i);
    let tuple = [
        Value::int(content.kind as i64),
        Value::int(content.quant as i64),
        named(vm, p, &content.name)?,
        parts.value(),
    ];
    Ok(TupleObj::new(&tuple).value())
}

/// Finds out what the bytes of an encoding mean.
fn unknown_encoding(vm: &Vm, p: Ptr<ParserObj>, encoding: &str) -> Res<()> {
    let table = encoding_table(vm, encoding)?;
    p.engine.borrow_mut().set_table(&table);
    Ok(())
}

/// What each byte of an encoding means, for [`cape_xml::Parser::set_table`]: each must be a character.
pub fn encoding_table(vm: &Vm, encoding: &str) -> Res<[u32; 256]> {
    let all: Vec<u8> = (0..=255).collect();
    let args = [BytesObj::new(&all).value(), string(encoding), string("replace")];
    let text = vm.call(rt().types.str.value(), &args)?;
    let text: Ptr<StrObj> = text.downcast().ok_or_else(|| vm.type_error("a str is expected"))?;
    if text.len() != 256 {
        return Err(vm.value_error("multi-byte encodings are not supported"));
    }
    let mut table = [UNDEFINED; 256];
    for (to, c) in table.iter_mut().zip(text.chars()) {
        if c != 0xfffd {
            *to = c;
        }
    }
    Ok(table)
}

/// An int for a place in a document.
pub fn place(n: Option<u64>) -> Value {
    int_from(n.map_or(-1, |n| n as i128))
}
