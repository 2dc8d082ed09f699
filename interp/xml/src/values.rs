//! Values of attributes and entities, in which references are expanded.

use std::rc::Rc;

use crate::dtd::predefined;
use crate::error::Error;
use crate::event::{Event, ExternalEntityRef, Kind};
use crate::parser::{Answered, Flow, Parser, Phase, Res, Step, Whole, Wrong};
use crate::scan::{self, Stop, Tok, char_ref};

/// A text inside a value, and how much of it is used.
struct Part {
    text: Rc<[u8]>,
    pos: usize,
    /// The entity that it is of; nobody's is the value's own.
    name: Option<Vec<u8>>,
    /// Where it stands in the document, if it does.
    at: Option<usize>,
    /// Whether it is text of a document, in which lines may end in several ways.
    lines: bool,
}

/// A value of an entity in the making.
pub(crate) struct Value {
    parts: Vec<Part>,
    done: Option<Done>,
}

/// What to do with a value.
pub(crate) enum Done {
    /// It is that of the entity that is being declared; the text is for the default handler.
    Declare(Option<Vec<u8>>),
    /// It is part of one.
    Append,
}

impl Parser {
    /// The value of an attribute, whose text is at `range`. `declared`: as its default, in a declaration.
    pub(crate) fn attribute_value(
        &self,
        b: &[u8],
        range: (usize, usize),
        cdata: bool,
        declared: bool,
    ) -> Res<String> {
        let mut out = String::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut own = range.0;
        loop {
            let inner = parts.last().map(|p| (p.text.clone(), p.pos));
            let (text, pos) = match &inner {
                Some((text, pos)) => (&**text, *pos),
                None => (&b[..range.1], own),
            };
            let place = parts.is_empty().then_some(pos);
            let t = match scan::attribute(text, pos, self.mode(place.is_some() && self.open.is_empty())) {
                Ok(t) => t,
                Err(Stop::Invalid(at)) => return Err(Wrong(Error::InvalidToken, place.map(|_| at))),
                Err(_) => return Err(Wrong(Error::InvalidToken, place)),
            };
            let token = &text[pos..t.next];
            match t.tok {
                Tok::None => {
                    if parts.pop().is_none() {
                        break;
                    }
                    continue;
                }
                Tok::Space | Tok::Newline => push(&mut out, ' ', cdata),
                Tok::CharRef => match char_ref(token) {
                    Some(c) => push(&mut out, c, cdata),
                    None => return Err(Wrong(Error::BadCharRef, place)),
                },
                Tok::EntityRef => {
                    let name = &token[1..token.len() - 1];
                    match predefined(name) {
                        Some(c) => out.push(c),
                        None => {
                            let replacement = self.in_attribute(name, declared, &parts, place)?;
                            match parts.last_mut() {
                                Some(p) => p.pos = t.next,
                                None => own = t.next,
                            }
                            if let Some(text) = replacement {
                                if !self.account.read(text.len(), false) {
                                    return Err(Error::AmplificationLimitBreach.into());
                                }
                                parts.push(Part {
                                    text,
                                    pos: 0,
                                    name: Some(name.to_vec()),
                                    at: None,
                                    lines: false,
                                });
                            }
                            continue;
                        }
                    }
                }
                _ => out.push_str(&String::from_utf8_lossy(token)),
            }
            match parts.last_mut() {
                Some(p) => p.pos = t.next,
                None => own = t.next,
            }
        }
        if !cdata && out.ends_with(' ') {
            out.pop();
        }
        self.keep(out.len())?;
        self.account.release(if declared { 0 } else { out.len() });
        Ok(out)
    }

    /// The text that a reference in an attribute stands for; none if it is passed over.
    fn in_attribute(
        &self,
        name: &[u8],
        declared: bool,
        parts: &[Part],
        place: Option<usize>,
    ) -> Res<Option<Rc<[u8]>>> {
        let must = if declared {
            let dtd = self.dtd.borrow();
            let known = if dtd.standalone { self.open.is_empty() } else { !dtd.has_param_refs };
            self.roles.document && known
        } else {
            self.must_be_declared()
        };
        let dtd = self.dtd.borrow();
        let Some(entity) = dtd.general.get(name) else {
            return if must { Err(Error::UndefinedEntity.into()) } else { Ok(None) };
        };
        if must && !entity.is_internal {
            return Err(Error::EntityDeclaredInPe.into());
        }
        if entity.open || parts.iter().any(|p| p.name.as_deref() == Some(name)) {
            return Err(Wrong(Error::RecursiveEntityRef, place));
        }
        if entity.notation.is_some() {
            return Err(Wrong(Error::BinaryEntityRef, place));
        }
        match &entity.text {
            Some(text) => Ok(Some(text.clone())),
            None => Err(Wrong(Error::AttributeExternalEntityRef, place)),
        }
    }

    /// Begins the value of an entity, whose text is at `range`.
    pub(crate) fn begin_value(&mut self, b: &[u8], range: (usize, usize), done: Done) -> Res<()> {
        if matches!(done, Done::Declare(_)) {
            self.dtd.borrow_mut().value.clear();
        }
        let at = self.open.is_empty().then_some(range.0);
        let part =
            Part { text: b[range.0..range.1].into(), pos: 0, name: None, at, lines: self.open.is_empty() };
        self.value = Some(Value { parts: vec![part], done: Some(done) });
        self.store_value()
    }

    /// Goes on with a value, until it is complete or something must be answered. What is right of it is declared even if not all is.
    pub(crate) fn store_value(&mut self) -> Res<()> {
        let Err(wrong) = self.go_on_with_value() else { return Ok(()) };
        self.declare_what_is_known(wrong.1);
        Err(wrong)
    }

    /// Gives an entity that is being declared, if there is one, the value that is known, because there will be no more of it.
    pub(crate) fn declare_what_is_known(&mut self, at: Option<usize>) {
        if let Some(Value { done: Some(Done::Declare(raw)), .. }) = self.value.take() {
            self.queue.extend(at.filter(|_| self.open.is_empty()).map(Step::At));
            self.value_known(raw);
        }
    }

    fn go_on_with_value(&mut self) -> Res<()> {
        let dtd = self.dtd.clone();
        let modes = [self.mode(false), self.mode(true)];
        while let Some(value) = &mut self.value {
            let Some(part) = value.parts.last_mut() else { break };
            let text = part.text.clone();
            let pos = part.pos;
            let offset = part.at;
            let lines = part.lines;
            let place = offset.map(|at| at + pos);
            let t = match scan::entity_value(&text, pos, modes[usize::from(lines)]) {
                Ok(t) => t,
                Err(Stop::Invalid(at)) => return Err(Wrong(Error::InvalidToken, offset.map(|o| o + at))),
                Err(_) => return Err(Wrong(Error::InvalidToken, place)),
            };
            part.pos = t.next;
            let token = &text[pos..t.next];
            match t.tok {
                Tok::None => {
                    if let Some(Part { name: Some(name), .. }) = value.parts.pop()
                        && let Some(e) = dtd.borrow_mut().parameter.get_mut(&name)
                    {
                        e.open = false;
                    }
                }
                Tok::Newline => dtd.borrow_mut().value.push(b'\n'),
                Tok::CharRef => {
                    let c = char_ref(token).ok_or(Wrong(Error::BadCharRef, place))?;
                    dtd.borrow_mut().value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Tok::ParamEntityRef => {
                    // Not inside the declarations of the document itself.
                    if self.roles.document && self.open.is_empty() && self.whole == Whole::Document {
                        return Err(Wrong(Error::ParamEntityRef, place));
                    }
                    if !self.param_in_value(&token[1..token.len() - 1], place)? {
                        return Ok(());
                    }
                }
                _ => dtd.borrow_mut().value.extend_from_slice(token),
            }
        }
        let Some(Value { done: Some(done), .. }) = self.value.take() else { return Ok(()) };
        self.keep(dtd.borrow().value.len())?;
        match done {
            Done::Declare(raw) => self.value_known(raw),
            Done::Append => self.phase = Phase::Done,
        }
        Ok(())
    }

    /// A reference to a parameter entity in a value; `false` if something must be answered first.
    fn param_in_value(&mut self, name: &[u8], place: Option<usize>) -> Res<bool> {
        let dtd = self.dtd.clone();
        let mut dtd = dtd.borrow_mut();
        let standalone = dtd.standalone;
        let declared = self.declaration.entity() == Some((true, name));
        let Some(entity) = dtd.parameter.get_mut(name) else {
            // What it stands for is left out.
            dtd.keep_processing = standalone;
            return Ok(true);
        };
        if entity.open || declared {
            return Err(Wrong(Error::RecursiveEntityRef, place));
        }
        if let Some(text) = entity.text.clone() {
            if !self.account.read(text.len(), false) {
                return Err(Error::AmplificationLimitBreach.into());
            }
            entity.open = true;
            if let Some(value) = &mut self.value {
                value.parts.push(Part { text, pos: 0, name: Some(name.to_vec()), at: None, lines: false });
            }
            return Ok(true);
        }
        if !self.wants(Kind::ExternalEntityRef) {
            dtd.keep_processing = standalone;
            return Ok(true);
        }
        entity.open = true;
        let event = Event::ExternalEntityRef(Box::new(ExternalEntityRef {
            context: None,
            base: entity.base.clone(),
            system: entity.system.clone(),
            public: entity.public.clone(),
        }));
        dtd.param_read = false;
        self.queue.push_back(Step::Report(event, None));
        self.queue.push_back(Step::Then(Answered::InValue(name.to_vec())));
        Ok(false)
    }

    /// Parses a text that is part of a value, when all of it is there.
    pub(crate) fn whole_value(&mut self, b: &[u8], pos: usize, more: bool) -> Res<Flow> {
        let mut at = pos;
        loop {
            self.input.set_event(at);
            match scan::prolog(b, at, self.ns.is_some()) {
                Ok(t) if more && (t.open || t.tok == Tok::None) => return Ok(Flow::Wait),
                Ok(t) if t.tok == Tok::None => break,
                Ok(t) if t.tok == Tok::XmlDecl && at == pos && self.first => {
                    self.first = false;
                    self.used(t.next);
                    self.xml_decl(b, pos, t.next, true)?;
                    return Ok(Flow::Go);
                }
                // It cannot begin an element.
                Ok(t) if t.tok == Tok::InstanceStart && self.first => return Err(Error::Syntax.into()),
                Ok(t) if t.next == at => at += 1,
                Ok(t) => at = t.next,
                Err(Stop::Invalid(_)) => return Err(Error::InvalidToken.into()),
                Err(stop) => return self.stopped(stop, more),
            }
        }
        if !self.account.read(b.len() - pos, false) {
            return Err(Error::AmplificationLimitBreach.into());
        }
        self.used(b.len());
        self.begin_value(b, (pos, b.len()), Done::Append)?;
        Ok(Flow::Go)
    }
}

/// Appends a character; where white space is collapsed, blanks are not doubled and none is the first.
fn push(out: &mut String, c: char, cdata: bool) {
    if cdata || c != ' ' || !(out.is_empty() || out.ends_with(' ')) {
        out.push(c);
    }
}
