//! What a parser reports.

use crate::scan::Quant;

/// The kinds of events: what a handler is set for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A start tag.
    StartElement,
    /// An end tag.
    EndElement,
    /// Characters.
    CharacterData,
    /// A processing instruction.
    ProcessingInstruction,
    /// A declaration of an entity that is not to be parsed.
    UnparsedEntityDecl,
    /// A declaration of a notation.
    NotationDecl,
    /// A prefix gets a meaning.
    StartNamespaceDecl,
    /// And loses it.
    EndNamespaceDecl,
    /// A comment.
    Comment,
    /// A CDATA section begins.
    StartCdataSection,
    /// And ends.
    EndCdataSection,
    /// Text of the document for which there is no other handler.
    Default,
    /// The document needs other entities than itself.
    NotStandalone,
    /// A reference to an external entity.
    ExternalEntityRef,
    /// The document type declaration begins.
    StartDoctypeDecl,
    /// And ends.
    EndDoctypeDecl,
    /// A declaration of an entity.
    EntityDecl,
    /// The XML declaration, or a text declaration.
    XmlDecl,
    /// A declaration of an element.
    ElementDecl,
    /// A declaration of an attribute.
    AttlistDecl,
    /// A reference to an entity that is not expanded.
    SkippedEntity,
    /// An encoding that is not built in; always reported.
    UnknownEncoding,
}

/// What elements of a content model are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentKind {
    /// `EMPTY`
    Empty = 1,
    /// `ANY`
    Any = 2,
    /// `(#PCDATA|...)`
    Mixed = 3,
    /// A name.
    Name = 4,
    /// `(a|b)`
    Choice = 5,
    /// `(a,b)`
    Sequence = 6,
}

/// A part of a content model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    /// What it is.
    pub kind: ContentKind,
    /// How often it occurs.
    pub quant: Quant,
    /// Its name, if it is one.
    pub name: Option<String>,
    /// The first of its parts and the one after it, as indexes: zero for none. See [`Model`].
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) next: usize,
}

/// A content model. The first part is the whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model(pub(crate) Vec<Content>);

impl Model {
    /// The part with this index. The whole has zero.
    pub fn part(&self, i: usize) -> &Content {
        &self.0[i]
    }

    /// The indexes of its parts.
    pub fn parts(&self, i: usize) -> impl Iterator<Item = usize> {
        let mut at = self.0[i].first;
        std::iter::from_fn(move || {
            let i = at;
            (i != 0).then(|| {
                at = self.0[i].next;
                i
            })
        })
    }
}

/// A declaration of an entity that is not to be parsed.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "named as in the standard")]
pub struct UnparsedEntityDecl {
    pub name: String,
    pub base: Option<String>,
    pub system: Option<String>,
    pub public: Option<String>,
    pub notation: String,
}

/// A declaration of a notation.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "named as in the standard")]
pub struct NotationDecl {
    pub name: String,
    pub base: Option<String>,
    pub system: Option<String>,
    pub public: Option<String>,
}

/// A reference to an external entity.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "named as in the standard")]
pub struct ExternalEntityRef {
    pub context: Option<String>,
    pub base: Option<String>,
    pub system: Option<String>,
    pub public: Option<String>,
}

/// The beginning of a document type declaration.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "named as in the standard")]
pub struct StartDoctypeDecl {
    pub name: String,
    pub system: Option<String>,
    pub public: Option<String>,
    pub internal: bool,
}

/// A declaration of an entity.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "named as in the standard")]
pub struct EntityDecl {
    pub name: String,
    pub parameter: bool,
    pub value: Option<String>,
    pub base: Option<String>,
    pub system: Option<String>,
    pub public: Option<String>,
    pub notation: Option<String>,
}

/// A declaration of an attribute.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "named as in the standard")]
pub struct AttlistDecl {
    pub element: String,
    pub attribute: String,
    pub kind: String,
    pub default: Option<String>,
    pub required: bool,
}

/// Something that a parser reports. What is rare is boxed: events are passed from hand to hand.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A start tag. Attributes from `specified` on come from declarations.
    StartElement {
        name: String,
        attributes: Vec<(String, String)>,
        specified: usize,
    },
    EndElement(String),
    CharacterData(String),
    ProcessingInstruction {
        target: String,
        data: String,
    },
    UnparsedEntityDecl(Box<UnparsedEntityDecl>),
    NotationDecl(Box<NotationDecl>),
    StartNamespaceDecl {
        prefix: Option<String>,
        uri: Option<String>,
    },
    EndNamespaceDecl(Option<String>),
    Comment(String),
    StartCdataSection,
    EndCdataSection,
    Default(String),
    /// To be answered.
    NotStandalone,
    /// To be answered. Without a context it is a parameter entity, or the external subset.
    ExternalEntityRef(Box<ExternalEntityRef>),
    StartDoctypeDecl(Box<StartDoctypeDecl>),
    EndDoctypeDecl,
    EntityDecl(Box<EntityDecl>),
    XmlDecl {
        version: Option<String>,
        encoding: Option<String>,
        standalone: Option<bool>,
    },
    ElementDecl {
        name: String,
        model: Model,
    },
    AttlistDecl(Box<AttlistDecl>),
    SkippedEntity {
        name: String,
        parameter: bool,
    },
    /// To be answered with [`crate::Parser::set_table`].
    UnknownEncoding(String),
}

impl Event {
    /// The kind of event this is.
    pub fn kind(&self) -> Kind {
        match self {
            Event::StartElement { .. } => Kind::StartElement,
            Event::EndElement(_) => Kind::EndElement,
            Event::CharacterData(_) => Kind::CharacterData,
            Event::ProcessingInstruction { .. } => Kind::ProcessingInstruction,
            Event::UnparsedEntityDecl(_) => Kind::UnparsedEntityDecl,
            Event::NotationDecl(_) => Kind::NotationDecl,
            Event::StartNamespaceDecl { .. } => Kind::StartNamespaceDecl,
            Event::EndNamespaceDecl(_) => Kind::EndNamespaceDecl,
            Event::Comment(_) => Kind::Comment,
            Event::StartCdataSection => Kind::StartCdataSection,
            Event::EndCdataSection => Kind::EndCdataSection,
            Event::Default(_) => Kind::Default,
            Event::NotStandalone => Kind::NotStandalone,
            Event::ExternalEntityRef(_) => Kind::ExternalEntityRef,
            Event::StartDoctypeDecl(_) => Kind::StartDoctypeDecl,
            Event::EndDoctypeDecl => Kind::EndDoctypeDecl,
            Event::EntityDecl(_) => Kind::EntityDecl,
            Event::XmlDecl { .. } => Kind::XmlDecl,
            Event::ElementDecl { .. } => Kind::ElementDecl,
            Event::AttlistDecl(_) => Kind::AttlistDecl,
            Event::SkippedEntity { .. } => Kind::SkippedEntity,
            Event::UnknownEncoding(_) => Kind::UnknownEncoding,
        }
    }
}
