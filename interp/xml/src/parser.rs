//! The parser: what it is given, what it says, and whose turn it is.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::account::Account;
use crate::declaration::Declaration;
use crate::dtd::Dtd;
use crate::error::Error;
use crate::event::{Event, Kind};
use crate::input::{Encoding, Input, Named};
use crate::namespaces::Namespaces;
use crate::roles::Roles;
use crate::scan::{Mode, Stop, Tag as RawTag};
use crate::values::Value;

/// What [`Parser::next`] says.
#[derive(Debug)]
pub enum Next {
    /// Something has happened. What is to be answered is answered before the next question.
    Event(Event),
    /// More of the document is needed, or there is no more.
    Paused,
    /// This is wrong; it stays so.
    Error(Error),
}

/// Whether parameter entities that are external are reported, the external subset among them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamEntities {
    /// They are not.
    Never = 0,
    /// They are, unless the document says that it stands alone.
    UnlessStandalone = 1,
    /// They are.
    Always = 2,
}

/// What a parser parses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whole {
    Document,
    /// An external general entity.
    General,
    /// An external parameter entity, or an external subset.
    Parameter,
    /// An external parameter entity inside the value of an entity.
    Value,
}

/// What comes next in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    Begin,
    Prolog,
    /// The rest of an ignored section of an external subset.
    Ignored,
    /// The whole text is a value of an entity.
    Value,
    Content,
    Cdata,
    /// After the root element.
    Epilog,
    Done,
    Failed(Error),
}

/// An internal entity that is being expanded.
pub(crate) struct Open {
    pub text: Rc<[u8]>,
    pub pos: usize,
    pub parameter: bool,
    pub name: Vec<u8>,
    /// Elements that were open when it began: as many must be at its end.
    pub level: usize,
    /// Whether the reference stood between declarations.
    pub between: bool,
}

/// An element that is open.
pub(crate) struct Tag {
    pub raw: Vec<u8>,
    pub name: String,
    /// The prefixes that it gave a meaning.
    pub prefixes: Vec<Rc<str>>,
}

/// Something that is to be done, in order.
pub(crate) enum Step {
    /// Report this, or the text itself to the default handler.
    Report(Event, Option<String>),
    /// Report text to the default handler.
    Raw(String),
    /// What follows happens here.
    At(usize),
    /// Report it if the document depends on others.
    NotStandalone,
    /// The answer is known: go on.
    Then(Answered),
    /// The bytes after what is used have this encoding.
    Switch(Encoding),
    /// This is wrong; if a place is given, there.
    Fail(Error, Option<usize>),
}

/// What the answer was to.
pub(crate) enum Answered {
    NotStandalone,
    General(Vec<u8>),
    Parameter(Vec<u8>),
    /// The external subset; whether it is foreign, and whether there were references to parameter entities before.
    Subset {
        foreign: bool,
        had_refs: bool,
    },
    /// An external parameter entity inside the value of an entity.
    InValue(Vec<u8>),
    Encoding,
}

/// What a step of the parser leads to.
pub(crate) enum Flow {
    Go,
    Wait,
}

/// An error, and where.
pub(crate) struct Wrong(pub Error, pub Option<usize>);

impl From<Error> for Wrong {
    fn from(e: Error) -> Wrong {
        Wrong(e, None)
    }
}

pub(crate) type Res<T> = Result<T, Wrong>;

/// A parser of one document, or of one external entity.
pub struct Parser {
    pub(crate) whole: Whole,
    pub(crate) input: Input,
    pub(crate) phase: Phase,
    pub(crate) open: Vec<Open>,
    pub(crate) queue: VecDeque<Step>,
    /// An event that comes before what is queued, and is wanted.
    ready: Option<Event>,
    pub(crate) roles: Roles,
    pub(crate) declaration: Declaration,
    pub(crate) dtd: Rc<RefCell<Dtd>>,
    pub(crate) account: Rc<Account>,
    pub(crate) ns: Option<Namespaces>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) raw_tag: RawTag,
    pub(crate) value: Option<Value>,
    pub(crate) base: Option<String>,
    /// The encoding that was given from outside.
    protocol: Option<String>,
    wants: u32,
    /// Whether internal entities are expanded although there is a default handler.
    pub(crate) expand: bool,
    pub(crate) param_entities: ParamEntities,
    pub(crate) foreign: bool,
    /// Whether this is the first token.
    pub(crate) first: bool,
    answer: bool,
    table: Option<Encoding>,
    last: bool,
    started: bool,
    error: Option<Error>,
    deferral: bool,
    /// What there was of a token that was not complete.
    had: usize,
    /// Whether it is too early to look at it again.
    deferred: bool,
    /// The length of what was not looked at when looking began.
    unused: usize,
}

impl Parser {
    /// A parser of documents. `separator`: with namespaces, what stands between them and names.
    pub fn new(encoding: Option<&str>, separator: Option<Option<char>>) -> Parser {
        Parser::of(
            Whole::Document,
            Rc::new(RefCell::new(Dtd::new())),
            Rc::new(Account::new()),
            encoding,
            separator.map(Namespaces::new),
        )
    }

    fn of(
        whole: Whole,
        dtd: Rc<RefCell<Dtd>>,
        account: Rc<Account>,
        encoding: Option<&str>,
        ns: Option<Namespaces>,
    ) -> Parser {
        Parser {
            whole,
            input: Input::new(),
            phase: Phase::Begin,
            open: Vec::new(),
            queue: VecDeque::new(),
            ready: None,
            roles: if whole == Whole::Parameter { Roles::external() } else { Roles::document() },
            declaration: Declaration::default(),
            dtd,
            account,
            ns,
            tags: Vec::new(),
            raw_tag: RawTag::default(),
            value: None,
            base: None,
            protocol: encoding.map(str::to_owned),
            wants: 0,
            expand: true,
            param_entities: ParamEntities::Never,
            foreign: false,
            first: true,
            answer: true,
            table: None,
            last: false,
            started: false,
            error: None,
            deferral: true,
            had: 0,
            deferred: false,
            unused: 0,
        }
    }

    /// A parser of an external entity that this one has reported, with the context that was reported; none is that of a parameter
    /// entity.
    pub fn external(&self, context: Option<&str>, encoding: Option<&str>) -> Parser {
        let (whole, dtd) = match context {
            Some(_) => (Whole::General, Rc::new(RefCell::new(self.dtd.borrow().copy()))),
            None if self.value.is_some() => (Whole::Value, self.dtd.clone()),
            None => (Whole::Parameter, self.dtd.clone()),
        };
        let ns = self.ns.as_ref().map(|n| {
            let mut ns = Namespaces::new(n.separator);
            ns.triplets = n.triplets;
            ns
        });
        let mut p = Parser::of(whole, dtd, self.account.clone(), encoding, ns);
        p.base = self.base.clone();
        p.wants = self.wants;
        p.expand = self.expand;
        p.param_entities = self.param_entities;
        p.deferral = self.deferral;
        for part in context.into_iter().flat_map(|c| c.split('\u{c}')) {
            match (part.split_once('='), &mut p.ns) {
                (Some((prefix, uri)), Some(ns)) => _ = ns.bind(prefix, uri),
                (Some(_), None) => {}
                (None, _) => {
                    if let Some(e) = p.dtd.borrow_mut().general.get_mut(part.as_bytes()) {
                        e.open = true;
                    }
                }
            }
        }
        p
    }

    /// Says whether events of a kind are wanted.
    pub fn want(&mut self, kind: Kind, wanted: bool) {
        let bit = 1 << kind as u32;
        self.wants = if wanted { self.wants | bit } else { self.wants & !bit };
    }

    /// Says whether internal entities are expanded although text that nobody else wants is.
    pub fn set_expand(&mut self, expand: bool) {
        self.expand = expand;
    }

    pub(crate) fn wants(&self, kind: Kind) -> bool {
        self.wants & 1 << kind as u32 != 0
    }

    /// Whether something has been parsed.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Whether this parses a document.
    pub fn is_root(&self) -> bool {
        self.whole == Whole::Document
    }

    /// Whether external parameter entities are reported; `false` if it is too late to say so.
    pub fn set_param_entities(&mut self, which: ParamEntities) -> bool {
        if !self.started {
            self.param_entities = which;
        }
        !self.started
    }

    /// Whether the external subset is reported though the document declares none.
    pub fn use_foreign(&mut self, foreign: bool) -> Result<(), Error> {
        if self.started {
            return Err(Error::CantChangeFeatureOnceParsing);
        }
        self.foreign = foreign;
        Ok(())
    }

    /// Says which encoding it is, if nothing has been parsed.
    pub fn set_encoding(&mut self, name: &str) {
        if !self.started {
            self.protocol = Some(name.to_owned());
        }
    }

    /// With namespaces, whether names are given with their prefixes; not once parsing has begun.
    pub fn set_triplets(&mut self, triplets: bool) {
        if let (false, Some(ns)) = (self.started, &mut self.ns) {
            ns.triplets = triplets;
        }
    }

    /// What URIs are relative to.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Sets what URIs are relative to.
    pub fn set_base(&mut self, base: &str) {
        self.base = Some(base.to_owned());
    }

    /// Whether a token that is not complete waits for twice its length before it is looked at again.
    pub fn deferral(&self) -> bool {
        self.deferral
    }

    /// Sets whether tokens wait.
    pub fn set_deferral(&mut self, deferral: bool) {
        self.deferral = deferral;
    }

    /// Limits the text of entities: from this many bytes on, to this many times the document's.
    pub fn limit_expansion(&mut self, threshold: Option<u64>, factor: Option<f32>) {
        let limit = &self.account.expansion;
        threshold.into_iter().for_each(|t| limit.0.set(t));
        factor.into_iter().for_each(|f| limit.1.set(f));
    }

    /// Limits memory, in the same way.
    pub fn limit_allocation(&mut self, threshold: Option<u64>, factor: Option<f32>) {
        let limit = &self.account.allocation;
        threshold.into_iter().for_each(|t| limit.0.set(t));
        factor.into_iter().for_each(|f| limit.1.set(f));
    }

    /// The last error.
    pub fn error(&self) -> Option<Error> {
        self.error
    }

    /// The byte of the document where the last event happened.
    pub fn byte(&self) -> Option<u64> {
        self.input.byte()
    }

    /// Line and column of the last event, from zero.
    pub fn place(&mut self) -> (u64, u64) {
        self.input.place()
    }

    /// The bytes from the last event on.
    pub fn context(&self) -> Option<Vec<u8>> {
        self.input.context()
    }

    /// Takes a piece of the document; the last one is said to be.
    pub fn feed(&mut self, bytes: &[u8], last: bool) -> Result<(), Error> {
        self.started = true;
        match self.phase {
            Phase::Failed(_) => return Ok(()),
            Phase::Done => {
                self.error = Some(Error::Finished);
                return Err(Error::Finished);
            }
            _ if self.last => {
                self.error = Some(Error::Finished);
                return Err(Error::Finished);
            }
            _ => {}
        }
        self.error = None;
        let before = self.input.unused();
        self.input.feed(bytes);
        self.last = last;
        let have = self.input.unused();
        if !self.account.keep(have.saturating_sub(before)) {
            self.fail(Error::NoMemory, None);
            return Ok(());
        }
        self.unused = have;
        self.deferred = self.deferral && !last && have < 2 * self.had;
        Ok(())
    }

    /// Gives up: nothing more is parsed. In content, that happens after what was reported.
    pub fn abort(&mut self) {
        if self.open.is_empty() && self.phase != Phase::Prolog {
            self.input.set_event(self.input.pos);
        }
        self.queue.clear();
        self.phase = Phase::Done;
        self.error = Some(Error::Aborted);
    }

    /// Answers the last event.
    pub fn answer(&mut self, yes: bool) {
        self.answer = yes;
    }

    /// The characters of the encoding that was asked for: [`crate::UNDEFINED`] for bytes that have none.
    pub fn set_table(&mut self, table: &[u32; 256]) {
        self.table = Encoding::table(table);
    }

    /// What happens next.
    #[allow(clippy::should_implement_trait, reason = "there is more to come after a pause")]
    pub fn next(&mut self) -> Next {
        loop {
            if let Some(event) = self.ready.take() {
                return Next::Event(event);
            }
            if let Some(step) = self.queue.pop_front() {
                if let Some(event) = self.step(step) {
                    return Next::Event(event);
                }
                continue;
            }
            match self.phase {
                Phase::Failed(e) => {
                    self.error = Some(e);
                    return Next::Error(e);
                }
                Phase::Done => return Next::Paused,
                _ if self.deferred => return Next::Paused,
                _ => {}
            }
            match self.advance() {
                Ok(Flow::Go) => {}
                Ok(Flow::Wait) => {
                    let left = self.input.unused();
                    self.account.release(self.unused - left.min(self.unused));
                    self.had = if left == self.unused { left } else { 0 };
                    self.unused = left;
                    self.input.settle();
                    return Next::Paused;
                }
                Err(Wrong(e, at)) => self.queue.push_back(Step::Fail(e, at)),
            }
        }
    }

    fn fail(&mut self, e: Error, at: Option<usize>) {
        self.queue.clear();
        if let (Some(at), true) = (at, self.open.is_empty()) {
            self.input.set_event(at);
        }
        self.phase = Phase::Failed(e);
        self.error = Some(e);
    }

    /// Does what was to be done, unless it is an event.
    fn step(&mut self, step: Step) -> Option<Event> {
        match step {
            Step::Report(event, raw) => {
                if event.kind() == Kind::UnknownEncoding || self.wants(event.kind()) {
                    return Some(event);
                }
                return raw.filter(|_| self.wants(Kind::Default)).map(Event::Default);
            }
            Step::Raw(text) => return self.wants(Kind::Default).then_some(Event::Default(text)),
            Step::At(i) => {
                // What happens in an entity happens where it is referred to.
                if self.open.is_empty() {
                    self.input.set_event(i);
                }
            }
            Step::NotStandalone => {
                if !self.dtd.borrow().standalone && self.wants(Kind::NotStandalone) {
                    self.answer = true;
                    self.queue.push_front(Step::Then(Answered::NotStandalone));
                    return Some(Event::NotStandalone);
                }
            }
            Step::Then(what) => {
                let answer = std::mem::replace(&mut self.answer, true);
                if let Err(Wrong(e, at)) = self.answered(what, answer) {
                    self.fail(e, at);
                }
            }
            Step::Switch(encoding) => self.input.switch(encoding),
            Step::Fail(e, at) => self.fail(e, at),
        }
        None
    }

    fn answered(&mut self, what: Answered, yes: bool) -> Res<()> {
        match what {
            Answered::NotStandalone => return if yes { Ok(()) } else { Err(Error::NotStandalone.into()) },
            Answered::Encoding => {
                let table = self.table.take().ok_or(Error::UnknownEncoding)?;
                if self.phase == Phase::Begin {
                    self.input.begin_with(table);
                    self.begun();
                } else {
                    self.input.switch(table);
                }
                return Ok(());
            }
            _ => {}
        }
        let mut dtd = self.dtd.borrow_mut();
        match &what {
            Answered::General(name) => _ = dtd.general.get_mut(name).map(|e| e.open = false),
            Answered::Parameter(name) | Answered::InValue(name) => {
                _ = dtd.parameter.get_mut(name).map(|e| e.open = false)
            }
            _ => {}
        }
        if !yes {
            drop(dtd);
            self.queue.clear();
            self.declare_what_is_known(None);
            self.queue.push_back(Step::Fail(Error::ExternalEntityHandling, None));
            return Ok(());
        }
        match what {
            Answered::Subset { foreign, had_refs } => {
                if dtd.param_read {
                    drop(dtd);
                    self.queue.push_front(Step::NotStandalone);
                } else if foreign {
                    dtd.has_param_refs = had_refs;
                }
            }
            Answered::Parameter(_) => {
                if dtd.param_read {
                    drop(dtd);
                    self.queue.push_front(Step::NotStandalone);
                } else {
                    dtd.keep_processing = dtd.standalone;
                }
            }
            Answered::InValue(_) => {
                if !dtd.param_read {
                    dtd.keep_processing = dtd.standalone;
                }
                drop(dtd);
                // The value goes on, before anything that is to be done after it.
                let later = std::mem::take(&mut self.queue);
                let done = self.store_value();
                self.queue.extend(later);
                return done;
            }
            _ => {}
        }
        Ok(())
    }

    /// Parses the next token.
    fn advance(&mut self) -> Res<Flow> {
        if self.phase == Phase::Begin {
            return self.begin();
        }
        if let Some(open) = self.open.last_mut() {
            let text = open.text.clone();
            let pos = open.pos;
            return self.token(&text, pos, false);
        }
        let text = std::mem::take(&mut self.input.text);
        let pos = self.input.pos;
        // What is read of the text is noted in numbers, and it is put back before anything else looks at it.
        let flow = self.token(&text, pos, !self.last);
        debug_assert!(self.input.text.is_empty());
        self.input.text = text;
        flow
    }

    fn token(&mut self, text: &[u8], pos: usize, more: bool) -> Res<Flow> {
        if self.open.is_empty() && !self.nowhere() {
            self.input.set_event(pos);
        }
        match self.phase {
            Phase::Prolog => self.prolog(text, pos, more),
            Phase::Ignored => self.ignored(text, pos, more),
            Phase::Content => self.content(text, pos, more),
            Phase::Cdata => self.cdata(text, pos, more),
            Phase::Epilog => self.epilog(text, pos, more),
            Phase::Value => self.whole_value(text, pos, more),
            Phase::Begin | Phase::Done | Phase::Failed(_) => Ok(Flow::Wait),
        }
    }

    /// Whether errors have no place yet, as in Expat before the first token of an external parameter entity.
    pub(crate) fn nowhere(&self) -> bool {
        self.first && self.whole == Whole::Parameter
    }

    /// Decides the encoding.
    fn begin(&mut self) -> Res<Flow> {
        let named = match self.protocol.take() {
            None => None,
            Some(name) => match Named::of(&name) {
                Some(named) => {
                    self.protocol = Some(name);
                    Some(named)
                }
                None => {
                    self.protocol = Some("utf-8".to_owned());
                    self.queue.push_back(Step::Report(Event::UnknownEncoding(name), None));
                    self.queue.push_back(Step::Then(Answered::Encoding));
                    return Ok(Flow::Go);
                }
            },
        };
        if !self.input.begin(named, self.whole == Whole::General, self.last) {
            // One byte alone, of what should be more.
            return if self.last && self.input.incomplete() > 0 {
                Err(Wrong(Error::UnclosedToken, Some(0)))
            } else {
                Ok(Flow::Wait)
            };
        }
        self.begun();
        Ok(Flow::Go)
    }

    fn begun(&mut self) {
        self.phase = match self.whole {
            Whole::Document | Whole::Parameter => Phase::Prolog,
            Whole::General => Phase::Content,
            Whole::Value => Phase::Value,
        };
        if matches!(self.whole, Whole::Parameter | Whole::Value) {
            self.dtd.borrow_mut().param_read = true;
        }
    }

    /// What follows a declaration of an encoding.
    pub(crate) fn declared(&mut self, name: &str, at: usize) -> Res<()> {
        if self.protocol.is_some() {
            return Ok(());
        }
        let wide = self.input.encoding.is_wide();
        let encoding = match Named::of(name) {
            Some(Named::Utf16) if wide => return Ok(()),
            Some(Named::Utf16Big) => Encoding::Utf16Big,
            Some(Named::Utf16Little) => Encoding::Utf16Little,
            Some(Named::Utf16) => Encoding::Utf16Big,
            Some(Named::Latin1) => Encoding::Latin1,
            Some(Named::Ascii) => Encoding::Ascii,
            Some(Named::Utf8) => Encoding::Utf8,
            None => {
                self.queue.push_back(Step::Report(Event::UnknownEncoding(name.to_owned()), None));
                self.queue.push_back(Step::At(at));
                self.queue.push_back(Step::Then(Answered::Encoding));
                return Ok(());
            }
        };
        if encoding.is_wide() != wide || wide && encoding != self.input.encoding {
            self.queue.push_back(Step::Fail(Error::IncorrectEncoding, Some(at)));
        } else {
            self.queue.push_back(Step::Switch(encoding));
        }
        Ok(())
    }

    /// How text is scanned: that of a document, or of an entity.
    pub(crate) fn mode(&self, lines: bool) -> Mode {
        Mode { ns: self.ns.is_some(), lines }
    }

    /// Counts what was read.
    pub(crate) fn count(&self, bytes: usize) -> Res<()> {
        if self.account.read(bytes, self.open.is_empty() && self.is_root()) {
            Ok(())
        } else {
            Err(Error::AmplificationLimitBreach.into())
        }
    }

    /// Counts what is kept.
    pub(crate) fn keep(&self, bytes: usize) -> Res<()> {
        if self.account.keep(bytes) { Ok(()) } else { Err(Error::NoMemory.into()) }
    }

    /// Everything before `to` is used.
    pub(crate) fn used(&mut self, to: usize) {
        match self.open.last_mut() {
            Some(open) => open.pos = to,
            None => self.input.pos = to,
        }
    }

    /// What to do when there is no token: wait, if more text may come.
    pub(crate) fn stopped(&mut self, stop: Stop, more: bool) -> Res<Flow> {
        match stop {
            Stop::Invalid(at) => Err(Wrong(Error::InvalidToken, Some(at))),
            _ if more => Ok(Flow::Wait),
            Stop::Partial => Err(Error::UnclosedToken.into()),
            Stop::PartialChar => Err(Error::PartialChar.into()),
        }
    }

    /// Queues an event, or the text it stands for.
    pub(crate) fn report(&mut self, event: Event, raw: &[u8]) {
        // Nobody can change what is wanted before what comes next.
        if self.queue.is_empty() && self.ready.is_none() && self.wants(event.kind()) {
            self.ready = Some(event);
            return;
        }
        let raw = self.wants(Kind::Default).then(|| text(raw));
        self.queue.push_back(Step::Report(event, raw));
    }

    /// Queues characters, or the text they stand for.
    pub(crate) fn report_characters(&mut self, characters: &[u8], raw: &[u8]) {
        if self.wants(Kind::CharacterData) || self.wants(Kind::Default) {
            self.report(Event::CharacterData(text(characters)), raw);
        }
    }

    /// Queues text for the default handler.
    pub(crate) fn report_raw(&mut self, raw: &[u8]) {
        if self.wants(Kind::Default) {
            self.queue.push_back(Step::Raw(text(raw)));
        }
    }

    /// Whether entities must be declared, and that in the document itself, for a reference to be right.
    pub(crate) fn must_be_declared(&self) -> bool {
        let dtd = self.dtd.borrow();
        !dtd.has_param_refs || dtd.standalone
    }
}

/// Text that has been scanned.
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(s) => s.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
