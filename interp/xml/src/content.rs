//! Elements and what is in them.

use std::collections::HashSet;
use std::rc::Rc;

use crate::dtd::predefined;
use crate::error::Error;
use crate::event::{Event, ExternalEntityRef, Kind};
use crate::namespaces::Namespaces;
use crate::parser::{Answered, Flow, Open, Parser, Phase, Res, Step, Tag, Whole, Wrong, text};
use crate::scan::{self, Stop, Tok, Token, char_ref};

/// So much decoded text is reported at once; Expat has a buffer for it.
const PIECE: usize = 1024;

/// An attribute that is to be reported.
struct Given {
    name: String,
    value: String,
}

impl Parser {
    /// Parses a token of content.
    pub(crate) fn content(&mut self, b: &[u8], pos: usize, more: bool) -> Res<Flow> {
        let mode = self.mode(self.open.is_empty());
        let mut raw = std::mem::take(&mut self.raw_tag);
        let scanned = scan::content(b, pos, mode, &mut raw);
        let flow = match scanned {
            Err(stop) => self.stopped(stop, more),
            Ok(Token { tok: Tok::TrailingCr | Tok::TrailingBracket | Tok::None, .. }) if more => {
                Ok(Flow::Wait)
            }
            Ok(t) => self.content_token(b, pos, t, &raw),
        };
        self.raw_tag = raw;
        flow
    }

    fn content_token(&mut self, b: &[u8], pos: usize, t: Token, raw: &scan::Tag) -> Res<Flow> {
        let first = std::mem::take(&mut self.first);
        let token = &b[pos..t.next];
        self.count(token.len())?;
        self.used(t.next);
        match t.tok {
            Tok::None => return self.content_ends(pos),
            Tok::TrailingCr | Tok::TrailingBracket => {
                self.report_characters(if t.tok == Tok::TrailingCr { b"\n" } else { token }, token);
                if self.open.is_empty() && self.whole != Whole::General {
                    let at = (t.tok == Tok::TrailingBracket).then_some(t.next);
                    self.queue.push_back(Step::Fail(Error::NoElements, at));
                }
                return Ok(Flow::Go);
            }
            Tok::Newline => self.report_characters(b"\n", token),
            Tok::Chars => self.characters(token, pos),
            Tok::StartTag | Tok::EmptyTag => self.start_tag(b, pos, t, raw)?,
            Tok::EndTag => self.end_tag(b, pos, t, raw)?,
            Tok::CharRef => {
                let c = char_ref(token).ok_or(Error::BadCharRef)?;
                self.report(Event::CharacterData(c.to_string()), token);
            }
            Tok::EntityRef => self.entity_ref(token)?,
            Tok::CdataOpen => {
                self.report(Event::StartCdataSection, token);
                self.phase = Phase::Cdata;
            }
            Tok::Pi => self.instruction(token),
            Tok::Comment => self.comment(token),
            Tok::XmlDecl if first && self.whole == Whole::General && self.open.is_empty() => {
                self.xml_decl(b, pos, t.next, true)?;
            }
            Tok::XmlDecl => return Err(Error::MisplacedXmlPi.into()),
            _ => self.report_raw(token),
        }
        Ok(Flow::Go)
    }

    /// The text is used up: that of an entity, or the whole.
    fn content_ends(&mut self, pos: usize) -> Res<Flow> {
        if let Some(open) = self.open.last() {
            if self.tags.len() != open.level {
                return Err(Error::AsyncEntity.into());
            }
            self.close_entity();
            return Ok(Flow::Go);
        }
        self.whole_characters()?;
        if self.whole != Whole::General {
            return Err(Wrong(Error::NoElements, Some(pos)));
        }
        if !self.tags.is_empty() {
            return Err(Error::AsyncEntity.into());
        }
        self.phase = Phase::Done;
        Ok(Flow::Go)
    }

    /// The end of the input is no end inside a character.
    pub(crate) fn whole_characters(&self) -> Res<()> {
        match self.input.incomplete() {
            0 => Ok(()),
            1 => Err(Error::UnclosedToken.into()),
            _ => Err(Error::PartialChar.into()),
        }
    }

    /// The innermost entity is at its end.
    pub(crate) fn close_entity(&mut self) {
        if let Some(open) = self.open.pop()
            && let Some(e) = self.dtd.borrow_mut().entities(open.parameter).get_mut(&open.name)
        {
            e.open = false;
        }
    }

    fn characters(&mut self, token: &[u8], pos: usize) {
        if self.input.encoding.is_plain() || !self.open.is_empty() {
            return self.report_characters(token, token);
        }
        let mut rest = token;
        while !rest.is_empty() {
            let mut n = rest.len().min(PIECE);
            while rest.get(n).is_some_and(|c| c & 0xc0 == 0x80) {
                n -= 1;
            }
            let (piece, after) = rest.split_at(n);
            self.report_characters(piece, piece);
            if !after.is_empty() {
                self.queue.push_back(Step::At(pos + token.len() - after.len()));
            }
            rest = after;
        }
    }

    /// Parses a token of a CDATA section.
    pub(crate) fn cdata(&mut self, b: &[u8], pos: usize, more: bool) -> Res<Flow> {
        let t = match scan::cdata(b, pos, self.mode(self.open.is_empty())) {
            Err(Stop::Partial) | Ok(Token { tok: Tok::None, .. }) if !more => {
                return Err(Error::UnclosedCdataSection.into());
            }
            Ok(Token { tok: Tok::None, .. }) => return Ok(Flow::Wait),
            Err(stop) => return self.stopped(stop, more),
            Ok(t) => t,
        };
        let token = &b[pos..t.next];
        self.count(token.len())?;
        self.used(t.next);
        match t.tok {
            Tok::CdataClose => {
                self.report(Event::EndCdataSection, token);
                self.phase = Phase::Content;
            }
            Tok::Newline => self.report_characters(b"\n", token),
            _ => self.characters(token, pos),
        }
        Ok(Flow::Go)
    }

    /// Parses a token after the root element.
    pub(crate) fn epilog(&mut self, b: &[u8], pos: usize, more: bool) -> Res<Flow> {
        let t = match scan::prolog(b, pos, self.ns.is_some()) {
            Ok(t) if more && t.tok == Tok::None => return Ok(Flow::Wait),
            Ok(t) => t,
            Err(stop) => return self.stopped(stop, more),
        };
        let token = &b[pos..t.next];
        self.count(token.len())?;
        self.used(t.next);
        match t.tok {
            Tok::None => {
                self.whole_characters()?;
                self.phase = Phase::Done;
            }
            Tok::Space => {
                self.report_raw(token);
                if t.open && !more {
                    self.phase = Phase::Done;
                }
            }
            Tok::Pi => self.instruction(token),
            Tok::Comment => self.comment(token),
            _ => return Err(Error::JunkAfterDocElement.into()),
        }
        Ok(Flow::Go)
    }

    /// Reports a processing instruction.
    pub(crate) fn instruction(&mut self, token: &[u8]) {
        let inner = &token[2..token.len() - 2];
        let end = inner.iter().position(|c| scan::is_space(*c)).unwrap_or(inner.len());
        let data = &inner[end..];
        let start = data.iter().position(|c| !scan::is_space(*c)).unwrap_or(data.len());
        let event = Event::ProcessingInstruction { target: text(&inner[..end]), data: lines(&data[start..]) };
        self.report(event, token);
    }

    /// Reports a comment.
    pub(crate) fn comment(&mut self, token: &[u8]) {
        self.report(Event::Comment(lines(&token[4..token.len() - 3])), token);
    }

    fn entity_ref(&mut self, token: &[u8]) -> Res<()> {
        let name = &token[1..token.len() - 1];
        if let Some(c) = predefined(name) {
            // It is counted although nothing is expanded.
            if !self.account.read(1, false) {
                return Err(Error::AmplificationLimitBreach.into());
            }
            self.report(Event::CharacterData(c.to_string()), token);
            return Ok(());
        }
        let must = self.must_be_declared();
        let found = self.dtd.borrow().general.get(name).cloned();
        let Some(entity) = found else {
            if must {
                return Err(Error::UndefinedEntity.into());
            }
            self.report(Event::SkippedEntity { name: text(name), parameter: false }, token);
            return Ok(());
        };
        if must && !entity.is_internal {
            return Err(Error::EntityDeclaredInPe.into());
        }
        if entity.open {
            return Err(Error::RecursiveEntityRef.into());
        }
        if entity.notation.is_some() {
            return Err(Error::BinaryEntityRef.into());
        }
        if let Some(replacement) = entity.text {
            if self.expand {
                self.open_entity(name, false, replacement, false);
            } else {
                self.report(Event::SkippedEntity { name: text(name), parameter: false }, token);
            }
            return Ok(());
        }
        if !self.wants(Kind::ExternalEntityRef) {
            self.report_raw(token);
            return Ok(());
        }
        self.set_open(name, true);
        let context = self.context_string();
        self.queue.push_back(Step::Report(
            Event::ExternalEntityRef(Box::new(ExternalEntityRef {
                context: Some(context),
                base: entity.base,
                system: entity.system,
                public: entity.public,
            })),
            None,
        ));
        self.queue.push_back(Step::Then(Answered::General(name.to_vec())));
        Ok(())
    }

    fn set_open(&mut self, name: &[u8], open: bool) {
        if let Some(e) = self.dtd.borrow_mut().general.get_mut(name) {
            e.open = open;
        }
    }

    /// Begins to parse the text of an entity.
    pub(crate) fn open_entity(&mut self, name: &[u8], parameter: bool, replacement: Rc<[u8]>, between: bool) {
        if let Some(e) = self.dtd.borrow_mut().entities(parameter).get_mut(name) {
            e.open = true;
        }
        self.open.push(Open {
            text: replacement,
            pos: 0,
            parameter,
            name: name.to_vec(),
            level: self.tags.len(),
            between,
        });
    }

    /// What a parser of an external entity must know: prefixes and open entities.
    fn context_string(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if let Some(ns) = &self.ns {
            parts.extend(ns.all().iter().map(|(prefix, uri)| format!("{prefix}={uri}")));
        }
        let dtd = self.dtd.borrow();
        let mut names: Vec<&Vec<u8>> =
            dtd.general.iter().filter(|(_, e)| e.open).map(|(name, _)| name).collect();
        names.sort_unstable();
        parts.extend(names.into_iter().map(|n| text(n)));
        parts.join("\u{c}")
    }

    fn start_tag(&mut self, b: &[u8], pos: usize, t: Token, raw: &scan::Tag) -> Res<()> {
        let name = &b[pos + 1..raw.name_end];
        let token = &b[pos..t.next];
        let mut prefixes = Vec::new();
        let attributes = self.attributes(b, name, raw, &mut prefixes);
        let (name, given, specified) = match attributes.and_then(|(given, specified)| {
            let name = self.element_name(text(name))?;
            Ok((name, given, specified))
        }) {
            Ok(all) => all,
            Err(e) => {
                if t.tok == Tok::EmptyTag {
                    self.queue.extend(e.1.map(Step::At));
                    self.unbind(prefixes);
                }
                self.queue.push_back(Step::Fail(e.0, e.1));
                return Ok(());
            }
        };
        let attributes = given.into_iter().map(|g| (g.name, g.value)).collect();
        let event = Event::StartElement { name: name.clone(), attributes, specified };
        let empty = t.tok == Tok::EmptyTag;
        if !empty {
            self.report(event, token);
            let raw = b[pos + 1..raw.name_end].to_vec();
            self.keep(2 * raw.len())?;
            self.tags.push(Tag { raw, name, prefixes });
            return Ok(());
        }
        // The text stands for both, so it is reported only if neither is.
        let both = self.wants(Kind::StartElement) || self.wants(Kind::EndElement);
        let shown = if both { None } else { self.wants(Kind::Default).then(|| text(token)) };
        let start = self.wants(Kind::StartElement);
        self.queue.push_back(Step::Report(event, shown));
        if start {
            self.queue.push_back(Step::At(t.next));
        }
        self.queue.push_back(Step::Report(Event::EndElement(name), None));
        self.unbind(prefixes);
        self.element_ends(t.next);
        Ok(())
    }

    /// What the root element's end means.
    fn element_ends(&mut self, _next: usize) {
        if self.tags.is_empty() && self.whole == Whole::Document && self.open.is_empty() {
            self.phase = Phase::Epilog;
        }
    }

    fn end_tag(&mut self, b: &[u8], pos: usize, t: Token, raw: &scan::Tag) -> Res<()> {
        let level = self.open.last().map_or(0, |o| o.level);
        if self.tags.len() == level {
            return Err(Error::AsyncEntity.into());
        }
        let name = &b[pos + 2..raw.name_end];
        let tag = self.tags.pop().expect("there are more than none");
        if tag.raw != name {
            return Err(Wrong(Error::TagMismatch, Some(pos + 2)));
        }
        self.account.release(2 * tag.raw.len());
        self.report(Event::EndElement(tag.name), &b[pos..t.next]);
        self.unbind(tag.prefixes);
        self.element_ends(t.next);
        Ok(())
    }

    /// The prefixes of an element lose their meanings, the last first.
    fn unbind(&mut self, prefixes: Vec<Rc<str>>) {
        for prefix in prefixes.iter().rev() {
            if let Some(ns) = &mut self.ns {
                ns.unbind(prefix);
            }
            let prefix = (!prefix.is_empty()).then(|| prefix.to_string());
            self.queue.push_back(Step::Report(Event::EndNamespaceDecl(prefix), None));
        }
    }

    fn element_name(&self, name: String) -> Res<String> {
        let Some(ns) = &self.ns else { return Ok(name) };
        match name.split_once(':') {
            Some((prefix, local)) => {
                let uri = ns.get(prefix).ok_or(Error::UnboundPrefix)?;
                Ok(ns.expanded(&uri, local, prefix))
            }
            None => Ok(match ns.get("") {
                Some(uri) => ns.expanded(&uri, &name, ""),
                None => name,
            }),
        }
    }

    /// Gives a prefix a meaning and reports it.
    fn bind(&mut self, prefix: &str, uri: &str, prefixes: &mut Vec<Rc<str>>) -> Res<()> {
        let Some(ns) = &mut self.ns else { return Ok(()) };
        prefixes.push(ns.bind(prefix, uri)?);
        let some = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        let event = Event::StartNamespaceDecl { prefix: some(prefix), uri: some(uri) };
        self.queue.push_back(Step::Report(event, None));
        Ok(())
    }

    /// The attributes of a tag, with those of declarations at the end, and how many are of the tag itself.
    fn attributes(
        &mut self,
        b: &[u8],
        element: &[u8],
        raw: &scan::Tag,
        prefixes: &mut Vec<Rc<str>>,
    ) -> Res<(Vec<Given>, usize)> {
        let declared = self.dtd.borrow().elements.get(element).cloned();
        if raw.attributes.is_empty() && declared.is_none() {
            return Ok((Vec::new(), 0));
        }
        let mut seen: HashSet<&[u8]> = HashSet::new();
        let mut given: Vec<Given> = Vec::with_capacity(raw.attributes.len());
        for (i, a) in raw.attributes.iter().enumerate() {
            let name = &b[a.name.0..a.name.1];
            let new = if raw.attributes.len() <= 8 {
                !raw.attributes[..i].iter().any(|o| &b[o.name.0..o.name.1] == name)
            } else {
                seen.insert(name)
            };
            if !new {
                return Err(Wrong(Error::DuplicateAttribute, Some(a.name.0)));
            }
            let cdata = declared.as_ref().and_then(|d| d.get(name)).is_none_or(|d| d.cdata);
            let value = if a.plain
                || cdata && !b[a.value.0..a.value.1].iter().any(|c| matches!(c, b'&' | b'\t' | b'\n' | b'\r'))
            {
                text(&b[a.value.0..a.value.1])
            } else {
                self.attribute_value(b, a.value, cdata, false)?
            };
            self.give(text(name), value, &mut given, prefixes)?;
        }
        let specified = given.len();
        if let Some(declared) = declared {
            for a in &declared.attributes {
                if let Some(default) = &a.default
                    && !raw.attributes.iter().any(|r| b[r.name.0..r.name.1] == a.name)
                {
                    self.give(text(&a.name), default.to_string(), &mut given, prefixes)?;
                }
            }
        }
        if let Some(ns) = &self.ns {
            expand(ns, &mut given)?;
        }
        Ok((given, specified))
    }

    /// Takes an attribute, or the meaning of a prefix that it is.
    fn give(
        &mut self,
        name: String,
        value: String,
        given: &mut Vec<Given>,
        prefixes: &mut Vec<Rc<str>>,
    ) -> Res<()> {
        if self.ns.is_some() {
            if name == "xmlns" {
                return self.bind("", &value, prefixes);
            }
            if let Some(prefix) = name.strip_prefix("xmlns:") {
                return self.bind(prefix, &value, prefixes);
            }
        }
        given.push(Given { name, value });
        Ok(())
    }
}

/// Gives attributes their names with namespaces, which must differ, too.
fn expand(ns: &Namespaces, given: &mut [Given]) -> Res<()> {
    let mut seen: HashSet<(Rc<str>, String)> = HashSet::new();
    for g in given {
        if let Some((prefix, local)) = g.name.split_once(':') {
            let uri = ns.get(prefix).ok_or(Error::UnboundPrefix)?;
            let full = ns.expanded(&uri, local, prefix);
            if !seen.insert((uri, local.to_owned())) {
                return Err(Error::DuplicateAttribute.into());
            }
            g.name = full;
        }
    }
    Ok(())
}

/// Text whose lines end as they should.
pub(crate) fn lines(b: &[u8]) -> String {
    let s = text(b);
    if s.contains('\r') { s.replace("\r\n", "\n").replace('\r', "\n") } else { s }
}
