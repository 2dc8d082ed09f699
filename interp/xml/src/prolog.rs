//! What comes before the root element, and external subsets.

use crate::dtd::Entity;
use crate::error::Error;
use crate::event::{Event, ExternalEntityRef, Kind};
use crate::parser::{Answered, Flow, ParamEntities, Parser, Phase, Res, Step, Whole, Wrong, text};
use crate::roles::Role;
use crate::scan::{self, Tok, is_space};

impl Parser {
    /// Parses a token of a prolog.
    pub(crate) fn prolog(&mut self, b: &[u8], pos: usize, more: bool) -> Res<Flow> {
        let t = match scan::prolog(b, pos, self.ns.is_some()) {
            Ok(t) if more && (t.open || t.tok == Tok::None) => return Ok(Flow::Wait),
            Ok(t) => t,
            Err(scan::Stop::Invalid(_)) if self.nowhere() => return Err(Error::InvalidToken.into()),
            Err(stop) => return self.stopped(stop, more),
        };
        self.first = false;
        if self.open.is_empty() {
            self.input.set_event(pos);
        }
        if t.tok == Tok::None {
            return self.prolog_ends(pos);
        }
        let token = &b[pos..t.next];
        self.count(token.len())?;
        self.used(t.next);
        let role = self.roles.role(t.tok, token);
        let shown = match role {
            Role::None => true,
            Role::Error => {
                return Err(match t.tok {
                    Tok::ParamEntityRef => Error::ParamEntityRef,
                    Tok::XmlDecl => Error::MisplacedXmlPi,
                    _ => Error::Syntax,
                }
                .into());
            }
            Role::XmlDecl | Role::TextDecl => {
                self.xml_decl(b, pos, t.next, role == Role::TextDecl)?;
                false
            }
            Role::InstanceStart => {
                if self.foreign {
                    self.external_subset();
                }
                self.phase = Phase::Content;
                false
            }
            Role::Pi => {
                self.instruction(token);
                false
            }
            Role::Comment => {
                self.comment(token);
                false
            }
            Role::ParamEntityRef | Role::InnerParamEntityRef => self.param_entity_ref(role, token)?,
            Role::IgnoreSection => {
                self.report_raw(token);
                self.phase = Phase::Ignored;
                false
            }
            role => self.declare(role, b, pos, t)?,
        };
        if shown {
            self.report_raw(token);
        }
        Ok(Flow::Go)
    }

    /// The text is used up: that of a parameter entity, or the whole.
    fn prolog_ends(&mut self, pos: usize) -> Res<Flow> {
        if self.open.last().is_some_and(|o| !o.between) {
            self.close_entity();
            return Ok(Flow::Go);
        }
        if self.open.is_empty() {
            self.whole_characters()?;
            if self.whole == Whole::Document {
                return Err(Wrong(Error::NoElements, Some(pos)));
            }
        }
        if self.roles.role(Tok::None, &[]) == Role::Error {
            return Err(Error::IncompletePe.into());
        }
        if self.open.is_empty() {
            self.phase = Phase::Done;
        } else {
            self.close_entity();
        }
        Ok(Flow::Go)
    }

    /// Parses the rest of an ignored section.
    pub(crate) fn ignored(&mut self, b: &[u8], pos: usize, more: bool) -> Res<Flow> {
        match scan::ignored(b, pos) {
            Ok(next) => {
                self.count(next - pos)?;
                self.used(next);
                self.report_raw(&b[pos..next]);
                self.phase = Phase::Prolog;
                Ok(Flow::Go)
            }
            Err(scan::Stop::Partial) if !more => Err(Error::Syntax.into()),
            Err(stop) => self.stopped(stop, more),
        }
    }

    /// A reference to a parameter entity; whether its text is still to be shown.
    fn param_entity_ref(&mut self, role: Role, token: &[u8]) -> Res<bool> {
        let between = role == Role::ParamEntityRef;
        let name = &token[1..token.len() - 1];
        let shared = self.dtd.clone();
        let mut dtd = shared.borrow_mut();
        // (Another subset is not known to be without it, unless the document stands alone.)
        let must = self.roles.document && dtd.standalone && self.open.is_empty();
        dtd.has_param_refs = true;
        let standalone = dtd.standalone;
        if self.param_entities == ParamEntities::Never {
            dtd.keep_processing = standalone;
            self.queue.push_back(Step::NotStandalone);
            return Ok(true);
        }
        let Some(entity) = dtd.parameter.get_mut(name) else {
            if must {
                return Err(Error::UndefinedEntity.into());
            }
            dtd.keep_processing = standalone;
            if between && self.wants(Kind::SkippedEntity) {
                let event = Event::SkippedEntity { name: text(name), parameter: true };
                self.queue.push_back(Step::Report(event, None));
                return Ok(false);
            }
            return Ok(true);
        };
        if must && !entity.is_internal {
            return Err(Error::EntityDeclaredInPe.into());
        }
        if entity.open {
            return Err(Error::RecursiveEntityRef.into());
        }
        if let Some(replacement) = entity.text.clone() {
            drop(dtd);
            self.open_entity(name, true, replacement, between);
            return Ok(false);
        }
        if !self.wants(Kind::ExternalEntityRef) {
            dtd.keep_processing = standalone;
            return Ok(true);
        }
        entity.open = true;
        let Entity { base, system, public, .. } = entity.clone();
        dtd.param_read = false;
        let event =
            Event::ExternalEntityRef(Box::new(ExternalEntityRef { context: None, base, system, public }));
        self.queue.push_back(Step::Report(event, None));
        self.queue.push_back(Step::Then(Answered::Parameter(name.to_vec())));
        Ok(false)
    }

    /// The declaration at the beginning of a document, or of an external entity.
    pub(crate) fn xml_decl(&mut self, b: &[u8], pos: usize, next: usize, entity: bool) -> Res<()> {
        let wrong = |at| Wrong(if entity { Error::TextDecl } else { Error::XmlDecl }, Some(at));
        let d = XmlDecl::parse(b, pos + 5, next - 2, entity).map_err(wrong)?;
        let of = |range: Option<(usize, usize)>| range.map(|(from, to)| text(&b[from..to]));
        if !entity && d.standalone == Some(true) {
            self.dtd.borrow_mut().standalone = true;
            if self.param_entities == ParamEntities::UnlessStandalone {
                self.param_entities = ParamEntities::Never;
            }
        }
        let encoding = of(d.encoding);
        let event =
            Event::XmlDecl { version: of(d.version), encoding: encoding.clone(), standalone: d.standalone };
        self.report(event, &b[pos..next]);
        match (encoding, d.encoding) {
            (Some(name), Some((at, _))) => self.declared(&name, at),
            _ => Ok(()),
        }
    }
}

/// The places of what such a declaration says.
#[derive(Default)]
struct XmlDecl {
    version: Option<(usize, usize)>,
    encoding: Option<(usize, usize)>,
    standalone: Option<bool>,
}

/// A name and a value, and the place after them.
struct Pseudo {
    name: (usize, usize),
    value: (usize, usize),
    next: usize,
}

impl XmlDecl {
    /// What stands between `at` and `end`, or the place where it is wrong.
    fn parse(b: &[u8], at: usize, end: usize, entity: bool) -> Result<XmlDecl, usize> {
        let b = &b[..end];
        let mut d = XmlDecl::default();
        let mut p = pseudo(b, at)?.ok_or(end)?;
        if &b[p.name.0..p.name.1] == b"version" {
            let minor = b[p.value.0..p.value.1].strip_prefix(b"1.").unwrap_or_default();
            if minor.is_empty() || !minor.iter().all(u8::is_ascii_digit) {
                return Err(p.value.0);
            }
            d.version = Some(p.value);
            match pseudo(b, p.next)? {
                Some(next) => p = next,
                // An entity's must say what its encoding is.
                None => return if entity { Err(end) } else { Ok(d) },
            }
        } else if !entity {
            return Err(p.name.0);
        }
        if &b[p.name.0..p.name.1] == b"encoding" {
            if !b[p.value.0..p.value.1].first().is_some_and(u8::is_ascii_alphabetic) {
                return Err(p.value.0);
            }
            d.encoding = Some(p.value);
            match pseudo(b, p.next)? {
                Some(next) => p = next,
                None => return Ok(d),
            }
        }
        if &b[p.name.0..p.name.1] != b"standalone" || entity {
            return Err(p.name.0);
        }
        d.standalone = Some(match &b[p.value.0..p.value.1] {
            b"yes" => true,
            b"no" => false,
            _ => return Err(p.value.0),
        });
        let rest = space(b, p.next);
        if rest == end { Ok(d) } else { Err(rest) }
    }
}

fn space(b: &[u8], mut i: usize) -> usize {
    while b.get(i).is_some_and(|c| is_space(*c)) {
        i += 1;
    }
    i
}

/// The next `name="value"`, if there is one, or the place where it is wrong.
fn pseudo(b: &[u8], at: usize) -> Result<Option<Pseudo>, usize> {
    if at == b.len() {
        return Ok(None);
    }
    let start = space(b, at);
    if start == at {
        return Err(at);
    }
    if start == b.len() {
        return Ok(None);
    }
    let mut i = start;
    let name = loop {
        match b.get(i) {
            Some(b'=') => break (start, i),
            Some(c) if is_space(*c) => {
                let eq = space(b, i);
                if b.get(eq) != Some(&b'=') {
                    return Err(eq);
                }
                break (start, std::mem::replace(&mut i, eq));
            }
            Some(c) if c.is_ascii() => i += 1,
            _ => return Err(i),
        }
    };
    if name.0 == name.1 {
        return Err(i);
    }
    let open = space(b, i + 1);
    let quote = match b.get(open) {
        Some(c @ (b'"' | b'\'')) => *c,
        _ => return Err(open),
    };
    let mut i = open + 1;
    loop {
        match b.get(i) {
            Some(c) if *c == quote => {
                return Ok(Some(Pseudo { name, value: (open + 1, i), next: i + 1 }));
            }
            Some(c) if c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_') => i += 1,
            _ => return Err(i),
        }
    }
}
