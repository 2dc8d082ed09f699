//! Declarations in the making, and the pieces that they are made of.

use std::rc::Rc;

use crate::dtd::{Attribute, Entity, predefined};
use crate::error::Error;
use crate::event::{
    AttlistDecl, Content, ContentKind, EntityDecl, Event, ExternalEntityRef, Kind, Model, NotationDecl,
    StartDoctypeDecl, UnparsedEntityDecl,
};
use crate::parser::{Answered, Parser, Res, Step, Wrong, text};
use crate::roles::Role;
use crate::scan::{Quant, Tok, Token};
use crate::values::Done;

/// What the declaration that is being parsed has said so far.
#[derive(Default)]
pub(crate) struct Declaration {
    /// The document type's name, if somebody wants it.
    doctype: Option<String>,
    doctype_system: Option<String>,
    doctype_public: Option<String>,
    /// Whether there is an external subset.
    subset: bool,
    /// The entity, and whether it is a parameter entity; none if it was declared before.
    entity: Option<(bool, Vec<u8>)>,
    notation: Option<String>,
    notation_public: Option<String>,
    element: Vec<u8>,
    attribute: Vec<u8>,
    cdata: bool,
    /// An attribute's type, if somebody wants it.
    kind: String,
    /// What has connected the parts of each open group.
    groups: Vec<u8>,
    /// The content model, if somebody wants it, and its open groups.
    model: Option<Vec<Content>>,
    inner: Vec<usize>,
}

impl Declaration {
    /// The entity that is being declared.
    pub(crate) fn entity(&self) -> Option<(bool, &[u8])> {
        self.entity.as_ref().map(|(parameter, name)| (*parameter, &**name))
    }
}

/// A part of a content model.
fn part(kind: ContentKind, quant: Quant, name: Option<String>) -> Content {
    Content { kind, quant, name, first: 0, last: 0, next: 0 }
}

/// Adds a part to the group `to`; its index.
fn add(model: &mut Vec<Content>, to: Option<&usize>, new: Content) -> usize {
    let i = model.len();
    model.push(new);
    if let Some(&to) = to {
        let last = std::mem::replace(&mut model[to].last, i);
        if last == 0 {
            model[to].first = i;
        } else {
            model[last].next = i;
        }
    }
    i
}

/// A public identifier, if all of its characters are right, with its white space collapsed.
fn public_id(b: &[u8]) -> Result<String, usize> {
    let right = |c: &u8| c.is_ascii_alphanumeric() || b" \r\n-'()+,./:=?;!*#@$_%".contains(c);
    match b.iter().position(|c| !right(c)) {
        Some(i) => Err(i),
        None => Ok(text(b).split([' ', '\r', '\n']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")),
    }
}

impl Parser {
    /// Does what a token of a declaration means. Whether its text is still for the default handler.
    pub(crate) fn declare(&mut self, role: Role, b: &[u8], pos: usize, t: Token) -> Res<bool> {
        let token = &b[pos..t.next];
        let inner = (pos + 1, t.next.saturating_sub(1));
        let keep = self.dtd.borrow().keep_processing;
        let wants = |p: &Parser, kind: Kind| !p.wants(kind);
        Ok(match role {
            Role::DoctypeNone => wants(self, Kind::StartDoctypeDecl),
            Role::DoctypeName => {
                if self.wants(Kind::StartDoctypeDecl) {
                    self.declaration.doctype = Some(text(token));
                }
                self.declaration.doctype.is_none()
            }
            Role::DoctypePublicId => {
                self.foreign = false;
                let public =
                    public_id(&b[inner.0..inner.1]).map_err(|i| Wrong(Error::PublicId, Some(inner.0 + i)))?;
                let mut dtd = self.dtd.borrow_mut();
                dtd.has_param_refs = true;
                dtd.subset.get_or_insert_default().public = Some(public.clone());
                drop(dtd);
                self.declaration.doctype_public = Some(public);
                wants(self, Kind::StartDoctypeDecl)
            }
            Role::DoctypeSystemId => {
                self.foreign = false;
                let system = text(&b[inner.0..inner.1]);
                let mut dtd = self.dtd.borrow_mut();
                dtd.has_param_refs = true;
                let subset = dtd.subset.get_or_insert_default();
                subset.system = Some(system.clone());
                subset.base = self.base.clone();
                drop(dtd);
                self.declaration.doctype_system = Some(system);
                self.declaration.subset = true;
                if self.param_entities == crate::ParamEntities::Never {
                    self.queue.push_back(Step::NotStandalone);
                }
                wants(self, Kind::StartDoctypeDecl)
            }
            Role::DoctypeInternalSubset => !self.start_doctype(true),
            Role::DoctypeClose => {
                if !self.open.is_empty() {
                    return Err(Error::InvalidToken.into());
                }
                let mut shown = self.start_doctype(false);
                if self.declaration.subset || self.foreign {
                    self.external_subset();
                }
                if self.wants(Kind::EndDoctypeDecl) {
                    self.queue.push_back(Step::Report(Event::EndDoctypeDecl, None));
                    shown = true;
                }
                !shown
            }

            Role::EntityNone => !(keep && self.wants(Kind::EntityDecl)),
            Role::GeneralEntityName | Role::ParamEntityName => {
                let parameter = role == Role::ParamEntityName;
                self.declaration.entity = None;
                if !keep || !parameter && predefined(token).is_some() {
                    return Ok(true);
                }
                let is_internal = self.is_root() && self.open.is_empty();
                let mut dtd = self.dtd.borrow_mut();
                let entities = dtd.entities(parameter);
                if entities.contains_key(token) {
                    return Ok(true);
                }
                entities.insert(token.to_vec(), Entity { is_internal, ..Entity::default() });
                drop(dtd);
                self.keep(size_of::<Entity>() + token.len())?;
                self.declaration.entity = Some((parameter, token.to_vec()));
                wants(self, Kind::EntityDecl)
            }
            Role::EntityValue => {
                if !keep {
                    return Ok(true);
                }
                let raw = self.wants(Kind::Default).then(|| token.to_vec());
                self.begin_value(b, inner, Done::Declare(raw))?;
                false
            }
            Role::EntityPublicId => {
                let public =
                    public_id(&b[inner.0..inner.1]).map_err(|i| Wrong(Error::PublicId, Some(inner.0 + i)))?;
                self.entity_is(keep, |e| e.public = Some(public))
            }
            Role::EntitySystemId => {
                let (system, base) = (text(&b[inner.0..inner.1]), self.base.clone());
                self.entity_is(keep, |e| {
                    e.system = Some(system);
                    e.base = base;
                })
            }
            Role::EntityComplete => {
                if !keep || !self.wants(Kind::EntityDecl) {
                    return Ok(true);
                }
                !self.report_entity(None, None)
            }
            Role::EntityNotationName => {
                let notation = text(token);
                if !keep || self.declaration.entity.is_none() {
                    return Ok(true);
                }
                let (name, entity) = {
                    let (parameter, name) = self.declaration.entity.as_ref().expect("it is known");
                    let mut dtd = self.dtd.borrow_mut();
                    let Some(e) = dtd.entities(*parameter).get_mut(name) else { return Ok(true) };
                    e.notation = Some(notation.clone());
                    (text(name), e.clone())
                };
                if self.wants(Kind::UnparsedEntityDecl) {
                    let Entity { base, system, public, .. } = entity;
                    let event = Event::UnparsedEntityDecl(Box::new(UnparsedEntityDecl {
                        name,
                        base,
                        system,
                        public,
                        notation,
                    }));
                    self.queue.push_back(Step::Report(event, None));
                    return Ok(false);
                }
                !(self.wants(Kind::EntityDecl) && self.report_entity(None, Some(notation)))
            }

            Role::NotationNone => wants(self, Kind::NotationDecl),
            Role::NotationName => {
                self.declaration.notation_public = None;
                self.declaration.notation = self.wants(Kind::NotationDecl).then(|| text(token));
                self.declaration.notation.is_none()
            }
            Role::NotationPublicId => {
                let public =
                    public_id(&b[inner.0..inner.1]).map_err(|i| Wrong(Error::PublicId, Some(inner.0 + i)))?;
                self.declaration.notation_public = Some(public);
                self.declaration.notation.is_none()
            }
            Role::NotationSystemId | Role::NotationNoSystemId => {
                let system = (role == Role::NotationSystemId).then(|| text(&b[inner.0..inner.1]));
                let public = self.declaration.notation_public.take();
                match self.declaration.notation.take() {
                    Some(name) if system.is_some() || public.is_some() => {
                        let event = Event::NotationDecl(Box::new(NotationDecl {
                            name,
                            base: self.base.clone(),
                            system,
                            public,
                        }));
                        self.queue.push_back(Step::Report(event, None));
                        false
                    }
                    _ => true,
                }
            }

            Role::AttlistNone => !(keep && self.wants(Kind::AttlistDecl)),
            Role::AttlistElementName => {
                self.declaration.element = token.to_vec();
                !(keep && self.wants(Kind::AttlistDecl))
            }
            Role::AttributeName => {
                self.declaration.attribute = token.to_vec();
                self.declaration.cdata = false;
                self.declaration.kind.clear();
                !(keep && self.wants(Kind::AttlistDecl))
            }
            Role::AttributeType(kind) => {
                self.declaration.cdata = kind == "CDATA";
                kind.clone_into(&mut self.declaration.kind);
                !(keep && self.wants(Kind::AttlistDecl))
            }
            Role::EnumValue | Role::NotationValue => {
                if !keep || !self.wants(Kind::AttlistDecl) {
                    return Ok(true);
                }
                let kind = &mut self.declaration.kind;
                let opening = if role == Role::NotationValue { "NOTATION(" } else { "(" };
                kind.push_str(if kind.is_empty() { opening } else { "|" });
                kind.push_str(&text(token));
                false
            }
            Role::ImpliedValue | Role::RequiredValue => {
                if !keep {
                    return Ok(true);
                }
                self.declare_attribute(None, role == Role::RequiredValue)
            }
            Role::DefaultValue | Role::FixedValue => {
                if !keep {
                    return Ok(true);
                }
                let value = self.attribute_value(b, inner, self.declaration.cdata, true)?;
                self.declare_attribute(Some(value), role == Role::FixedValue)
            }

            _ => return self.declare_element(role, t, token),
        })
    }

    /// Reports the beginning of the document type, if that is to be done.
    fn start_doctype(&mut self, internal: bool) -> bool {
        let Some(name) = self.declaration.doctype.take() else { return false };
        let system = self.declaration.doctype_system.clone();
        let public = self.declaration.doctype_public.take();
        self.queue.push_back(Step::Report(
            Event::StartDoctypeDecl(Box::new(StartDoctypeDecl { name, system, public, internal })),
            None,
        ));
        true
    }

    /// Reports the external subset, or one that is foreign to the document.
    pub(crate) fn external_subset(&mut self) {
        let foreign = std::mem::take(&mut self.foreign);
        let mut dtd = self.dtd.borrow_mut();
        let had_refs = std::mem::replace(&mut dtd.has_param_refs, true);
        if self.param_entities == crate::ParamEntities::Never || !self.wants(Kind::ExternalEntityRef) {
            return;
        }
        let entity = dtd.subset.get_or_insert_default();
        if foreign {
            entity.base = self.base.clone();
        }
        let Entity { base, system, public, .. } = entity.clone();
        dtd.param_read = false;
        drop(dtd);
        let event =
            Event::ExternalEntityRef(Box::new(ExternalEntityRef { context: None, base, system, public }));
        self.queue.push_back(Step::Report(event, None));
        let foreign = foreign && !self.declaration.subset;
        self.queue.push_back(Step::Then(Answered::Subset { foreign, had_refs }));
    }

    /// Says something of the entity that is being declared; whether the text is still to be shown.
    fn entity_is(&mut self, keep: bool, change: impl FnOnce(&mut Entity)) -> bool {
        if let (true, Some((parameter, name))) = (keep, &self.declaration.entity)
            && let Some(e) = self.dtd.borrow_mut().entities(*parameter).get_mut(name)
        {
            change(e);
            return !self.wants(Kind::EntityDecl);
        }
        true
    }

    /// Reports the entity that is being declared, if it is one.
    fn report_entity(&mut self, value: Option<String>, notation: Option<String>) -> bool {
        let Some((parameter, name)) = &self.declaration.entity else { return false };
        let mut dtd = self.dtd.borrow_mut();
        let Some(Entity { base, system, public, .. }) = dtd.entities(*parameter).get(name).cloned() else {
            return false;
        };
        // An entity with a text has the base of the parser.
        let base = if value.is_some() { self.base.clone() } else { base };
        let event = Event::EntityDecl(Box::new(EntityDecl {
            name: text(name),
            parameter: *parameter,
            value,
            base,
            system,
            public,
            notation,
        }));
        drop(dtd);
        self.queue.push_back(Step::Report(event, None));
        true
    }

    /// The value of the entity that is being declared is known.
    pub(crate) fn value_known(&mut self, raw: Option<Vec<u8>>) {
        let value = std::mem::take(&mut self.dtd.borrow_mut().value);
        let mut reported = false;
        if let Some((parameter, name)) = &self.declaration.entity {
            let shown = text(&value);
            if let Some(e) = self.dtd.borrow_mut().entities(*parameter).get_mut(name) {
                e.text = Some(Rc::from(value));
            }
            reported = self.wants(Kind::EntityDecl) && self.report_entity(Some(shown), None);
        }
        if let (Some(raw), false) = (raw, reported) {
            self.report_raw(&raw);
        }
    }

    /// Declares an attribute, and reports it. `required`: as the last word of an event.
    fn declare_attribute(&mut self, default: Option<String>, required: bool) -> bool {
        let d = &mut self.declaration;
        let is_id = d.kind == "ID";
        if default.is_some() || is_id || !d.cdata {
            let attribute = Attribute {
                name: d.attribute.clone(),
                cdata: d.cdata,
                default: default.as_deref().map(Rc::from),
            };
            let mut dtd = self.dtd.borrow_mut();
            Rc::make_mut(dtd.elements.entry(d.element.clone()).or_default()).declare(attribute);
            drop(dtd);
        }
        if !self.wants(Kind::AttlistDecl) || self.declaration.kind.is_empty() {
            return true;
        }
        let d = &mut self.declaration;
        if d.kind.contains('(') {
            d.kind.push(')');
        }
        let event = Event::AttlistDecl(Box::new(AttlistDecl {
            element: text(&d.element),
            attribute: text(&d.attribute),
            kind: d.kind.clone(),
            default,
            required,
        }));
        self.queue.push_back(Step::Report(event, None));
        false
    }

    fn declare_element(&mut self, role: Role, t: Token, token: &[u8]) -> Res<bool> {
        let wanted = self.wants(Kind::ElementDecl);
        let d = &mut self.declaration;
        match role {
            Role::ElementNone => return Ok(!wanted),
            Role::ElementName => {
                d.element = token.to_vec();
                d.groups.clear();
                d.inner.clear();
                d.model = wanted.then(Vec::new);
                return Ok(!wanted);
            }
            Role::GroupOpen => {
                d.groups.push(0);
                if let Some(model) = &mut d.model {
                    let i = add(model, d.inner.last(), part(ContentKind::Sequence, Quant::None, None));
                    d.inner.push(i);
                    self.keep(size_of::<Content>())?;
                }
            }
            Role::GroupSequence | Role::GroupChoice => {
                let (connector, other) = if role == Role::GroupChoice { (b'|', b',') } else { (b',', b'|') };
                let Some(group) = d.groups.last_mut() else { return Err(Error::UnexpectedState.into()) };
                if *group == other {
                    return Err(Error::Syntax.into());
                }
                *group = connector;
                if let (Some(model), Some(&i), b'|') = (&mut d.model, d.inner.last(), connector)
                    && model[i].kind != ContentKind::Mixed
                {
                    model[i].kind = ContentKind::Choice;
                }
            }
            Role::ContentPcdata => {
                if let (Some(model), Some(&i)) = (&mut d.model, d.inner.last()) {
                    model[i].kind = ContentKind::Mixed;
                }
            }
            Role::ContentElement(quant) => {
                if let Some(model) = &mut d.model {
                    let name =
                        if matches!(t.tok, Tok::NameQuant(_)) { &token[..token.len() - 1] } else { token };
                    let new = part(ContentKind::Name, quant, Some(text(name)));
                    add(model, d.inner.last(), new);
                    self.keep(size_of::<Content>())?;
                }
            }
            Role::GroupClose(quant) => {
                d.groups.pop();
                if let (Some(model), Some(i)) = (&mut d.model, d.inner.pop()) {
                    model[i].quant = quant;
                    if d.inner.is_empty() {
                        self.report_model();
                    }
                }
            }
            Role::ContentAny | Role::ContentEmpty => {
                if let Some(model) = &mut d.model {
                    let kind = if role == Role::ContentAny { ContentKind::Any } else { ContentKind::Empty };
                    model.push(part(kind, Quant::None, None));
                    self.report_model();
                }
            }
            _ => return Ok(true),
        }
        Ok(!wanted)
    }

    fn report_model(&mut self) {
        let d = &mut self.declaration;
        if let Some(model) = d.model.take() {
            self.account.release(model.len() * size_of::<Content>());
            let event = Event::ElementDecl { name: text(&d.element), model: Model(model) };
            self.queue.push_back(Step::Report(event, None));
        }
    }
}
