//! What tokens mean in a prolog, from the grammar of declarations.

use crate::scan::{Quant, Tok};

/// The part that a token plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// None of its own.
    None,
    /// It cannot stand here.
    Error,
    XmlDecl,
    TextDecl,
    InstanceStart,
    Pi,
    Comment,
    DoctypeNone,
    DoctypeName,
    DoctypeSystemId,
    DoctypePublicId,
    DoctypeInternalSubset,
    DoctypeClose,
    EntityNone,
    GeneralEntityName,
    ParamEntityName,
    EntityValue,
    EntitySystemId,
    EntityPublicId,
    EntityComplete,
    EntityNotationName,
    NotationNone,
    NotationName,
    NotationSystemId,
    NotationNoSystemId,
    NotationPublicId,
    AttlistNone,
    AttlistElementName,
    AttributeName,
    AttributeType(&'static str),
    EnumValue,
    NotationValue,
    ImpliedValue,
    RequiredValue,
    DefaultValue,
    FixedValue,
    ElementNone,
    ElementName,
    ContentAny,
    ContentEmpty,
    ContentPcdata,
    ContentElement(Quant),
    GroupOpen,
    GroupClose(Quant),
    GroupSequence,
    GroupChoice,
    IgnoreSection,
    /// A reference between declarations.
    ParamEntityRef,
    /// A reference inside a declaration.
    InnerParamEntityRef,
}

/// Where in the grammar the next token stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before anything.
    Start,
    /// Before the document type.
    Misc,
    /// After it.
    AfterDoctype,
    Doctype0,
    Doctype1,
    Doctype2,
    Doctype3,
    Doctype4,
    Doctype5,
    InternalSubset,
    ExternalStart,
    External,
    Entity0,
    /// A parameter entity's name comes.
    Entity1,
    /// After the name; the flag says of a parameter entity.
    Entity2(bool),
    Entity3(bool),
    Entity4(bool),
    Entity5(bool),
    Entity6,
    Notation0,
    Notation1,
    Notation2,
    Notation3,
    Notation4,
    Attlist0,
    Attlist1,
    Attlist2,
    Attlist3,
    Attlist4,
    Attlist5,
    Attlist6,
    Attlist7,
    Attlist8,
    Attlist9,
    Element0,
    Element1,
    Element2,
    Element3,
    Element4,
    Element5,
    Element6,
    Element7,
    Section0,
    Section1,
    Section2,
    /// Only `>` may come; white space has this role.
    Close(Role),
    Error,
}

/// A place in a prolog.
#[derive(Clone, Debug)]
pub struct Roles {
    state: State,
    /// Whether this is the prolog of a document, not that of an external subset or parameter entity.
    pub document: bool,
    /// Groups of the content model that are open.
    level: usize,
    /// `INCLUDE` sections that are open.
    sections: usize,
}

const TYPES: [&str; 8] = ["CDATA", "ID", "IDREF", "IDREFS", "ENTITY", "ENTITIES", "NMTOKEN", "NMTOKENS"];

impl Roles {
    /// The beginning of a document.
    pub fn document() -> Roles {
        Roles { state: State::Start, document: true, level: 0, sections: 0 }
    }

    /// The beginning of an external subset or parameter entity.
    pub fn external() -> Roles {
        Roles { state: State::ExternalStart, document: false, level: 0, sections: 0 }
    }

    fn to(&mut self, state: State, role: Role) -> Role {
        self.state = state;
        role
    }

    /// The state between declarations.
    fn between(&self) -> State {
        if self.document { State::InternalSubset } else { State::External }
    }

    fn top(&mut self, role: Role) -> Role {
        self.to(self.between(), role)
    }

    fn wrong(&mut self, tok: Tok) -> Role {
        if !self.document && tok == Tok::ParamEntityRef {
            return Role::InnerParamEntityRef;
        }
        self.to(State::Error, Role::Error)
    }

    /// The role of the next token, whose text is `text`; what nothing more comes after is [`Tok::None`].
    pub fn role(&mut self, tok: Tok, text: &[u8]) -> Role {
        use Role as R;
        use State as S;
        let is_name = matches!(tok, Tok::Name | Tok::PrefixedName);
        let word = |w: &str| tok == Tok::Name && text == w.as_bytes();
        let pound = |w: &str| tok == Tok::PoundName && text.get(1..) == Some(w.as_bytes());
        let opens = |w: &str| tok == Tok::DeclOpen && text.get(2..) == Some(w.as_bytes());
        match (self.state, tok) {
            (S::Start, Tok::Space) => self.to(S::Misc, R::None),
            (S::Start, Tok::XmlDecl) => self.to(S::Misc, R::XmlDecl),
            (S::Start | S::Misc, Tok::Pi) => self.to(S::Misc, R::Pi),
            (S::Start | S::Misc, Tok::Comment) => self.to(S::Misc, R::Comment),
            (S::Start | S::Misc, _) if opens("DOCTYPE") => self.to(S::Doctype0, R::DoctypeNone),
            (S::Start | S::Misc | S::AfterDoctype, Tok::InstanceStart) => self.to(S::Error, R::InstanceStart),
            (S::AfterDoctype | S::InternalSubset | S::External, Tok::Pi) => R::Pi,
            (S::AfterDoctype | S::InternalSubset | S::External, Tok::Comment) => R::Comment,
            (S::Misc | S::AfterDoctype | S::InternalSubset | S::External, Tok::Space) => R::None,

            (
                S::Doctype0 | S::Doctype1 | S::Doctype2 | S::Doctype3 | S::Doctype4 | S::Doctype5,
                Tok::Space,
            ) => R::DoctypeNone,
            (S::Doctype0, _) if is_name => self.to(S::Doctype1, R::DoctypeName),
            (S::Doctype1 | S::Doctype4, Tok::OpenBracket) => {
                self.to(S::InternalSubset, R::DoctypeInternalSubset)
            }
            (S::Doctype1 | S::Doctype4 | S::Doctype5, Tok::DeclClose) => {
                self.to(S::AfterDoctype, R::DoctypeClose)
            }
            (S::Doctype1, _) if word("SYSTEM") => self.to(S::Doctype3, R::DoctypeNone),
            (S::Doctype1, _) if word("PUBLIC") => self.to(S::Doctype2, R::DoctypeNone),
            (S::Doctype2, Tok::Literal) => self.to(S::Doctype3, R::DoctypePublicId),
            (S::Doctype3, Tok::Literal) => self.to(S::Doctype4, R::DoctypeSystemId),

            (S::ExternalStart, Tok::XmlDecl) => self.to(S::External, R::TextDecl),
            (S::ExternalStart, _) => {
                self.state = S::External;
                self.role(tok, text)
            }
            (S::External, Tok::CondOpen) => self.to(S::Section0, R::None),
            (S::External, Tok::CondClose) if self.sections > 0 => {
                self.sections -= 1;
                R::None
            }
            (S::External, Tok::None) if self.sections == 0 => R::None,
            (S::InternalSubset | S::External, _) if opens("ENTITY") => self.to(S::Entity0, R::EntityNone),
            (S::InternalSubset | S::External, _) if opens("ATTLIST") => self.to(S::Attlist0, R::AttlistNone),
            (S::InternalSubset | S::External, _) if opens("ELEMENT") => self.to(S::Element0, R::ElementNone),
            (S::InternalSubset | S::External, _) if opens("NOTATION") => {
                self.to(S::Notation0, R::NotationNone)
            }
            (S::InternalSubset | S::External, Tok::ParamEntityRef) => R::ParamEntityRef,
            (S::InternalSubset, Tok::CloseBracket) => self.to(S::Doctype5, R::DoctypeNone),
            (S::InternalSubset, Tok::None) => R::None,

            (
                S::Entity0
                | S::Entity1
                | S::Entity2(_)
                | S::Entity3(_)
                | S::Entity4(_)
                | S::Entity5(_)
                | S::Entity6,
                Tok::Space,
            ) => R::EntityNone,
            (S::Entity0, Tok::Percent) => self.to(S::Entity1, R::EntityNone),
            (S::Entity0, Tok::Name) => self.to(S::Entity2(false), R::GeneralEntityName),
            (S::Entity1, Tok::Name) => self.to(S::Entity2(true), R::ParamEntityName),
            (S::Entity2(p), _) if word("SYSTEM") => self.to(S::Entity4(p), R::EntityNone),
            (S::Entity2(p), _) if word("PUBLIC") => self.to(S::Entity3(p), R::EntityNone),
            (S::Entity2(_), Tok::Literal) => self.to(S::Close(R::EntityNone), R::EntityValue),
            (S::Entity3(p), Tok::Literal) => self.to(S::Entity4(p), R::EntityPublicId),
            (S::Entity4(p), Tok::Literal) => self.to(S::Entity5(p), R::EntitySystemId),
            (S::Entity5(_), Tok::DeclClose) => self.top(R::EntityComplete),
            (S::Entity5(false), _) if word("NDATA") => self.to(S::Entity6, R::EntityNone),
            (S::Entity6, Tok::Name) => self.to(S::Close(R::EntityNone), R::EntityNotationName),

            (S::Notation0 | S::Notation1 | S::Notation2 | S::Notation3 | S::Notation4, Tok::Space) => {
                R::NotationNone
            }
            (S::Notation0, Tok::Name) => self.to(S::Notation1, R::NotationName),
            (S::Notation1, _) if word("SYSTEM") => self.to(S::Notation3, R::NotationNone),
            (S::Notation1, _) if word("PUBLIC") => self.to(S::Notation2, R::NotationNone),
            (S::Notation2, Tok::Literal) => self.to(S::Notation4, R::NotationPublicId),
            (S::Notation3 | S::Notation4, Tok::Literal) => {
                self.to(S::Close(R::NotationNone), R::NotationSystemId)
            }
            (S::Notation4, Tok::DeclClose) => self.top(R::NotationNoSystemId),

            (
                S::Attlist0
                | S::Attlist1
                | S::Attlist2
                | S::Attlist3
                | S::Attlist4
                | S::Attlist5
                | S::Attlist6
                | S::Attlist7
                | S::Attlist8
                | S::Attlist9,
                Tok::Space,
            ) => R::AttlistNone,
            (S::Attlist0, _) if is_name => self.to(S::Attlist1, R::AttlistElementName),
            (S::Attlist1, Tok::DeclClose) => self.top(R::AttlistNone),
            (S::Attlist1, _) if is_name => self.to(S::Attlist2, R::AttributeName),
            (S::Attlist2, _) if word("NOTATION") => self.to(S::Attlist5, R::AttlistNone),
            (S::Attlist2, Tok::Name) => match TYPES.iter().find(|t| t.as_bytes() == text) {
                Some(t) => self.to(S::Attlist8, R::AttributeType(t)),
                None => self.wrong(tok),
            },
            (S::Attlist2, Tok::OpenParen) => self.to(S::Attlist3, R::AttlistNone),
            (S::Attlist3, Tok::Nmtoken | Tok::Name | Tok::PrefixedName) => self.to(S::Attlist4, R::EnumValue),
            (S::Attlist4 | S::Attlist7, Tok::CloseParen(Quant::None)) => self.to(S::Attlist8, R::AttlistNone),
            (S::Attlist4, Tok::Or) => self.to(S::Attlist3, R::AttlistNone),
            (S::Attlist5, Tok::OpenParen) => self.to(S::Attlist6, R::AttlistNone),
            (S::Attlist6, Tok::Name) => self.to(S::Attlist7, R::NotationValue),
            (S::Attlist7, Tok::Or) => self.to(S::Attlist6, R::AttlistNone),
            (S::Attlist8, _) if pound("IMPLIED") => self.to(S::Attlist1, R::ImpliedValue),
            (S::Attlist8, _) if pound("REQUIRED") => self.to(S::Attlist1, R::RequiredValue),
            (S::Attlist8, _) if pound("FIXED") => self.to(S::Attlist9, R::AttlistNone),
            (S::Attlist8, Tok::Literal) => self.to(S::Attlist1, R::DefaultValue),
            (S::Attlist9, Tok::Literal) => self.to(S::Attlist1, R::FixedValue),

            (
                S::Element0
                | S::Element1
                | S::Element2
                | S::Element3
                | S::Element4
                | S::Element5
                | S::Element6
                | S::Element7,
                Tok::Space,
            ) => R::ElementNone,
            (S::Element0, _) if is_name => self.to(S::Element1, R::ElementName),
            (S::Element1, _) if word("EMPTY") => self.to(S::Close(R::ElementNone), R::ContentEmpty),
            (S::Element1, _) if word("ANY") => self.to(S::Close(R::ElementNone), R::ContentAny),
            (S::Element1, Tok::OpenParen) => {
                self.level = 1;
                self.to(S::Element2, R::GroupOpen)
            }
            (S::Element2, _) if pound("PCDATA") => self.to(S::Element3, R::ContentPcdata),
            (S::Element2 | S::Element6, Tok::OpenParen) => {
                self.level += 1;
                self.to(S::Element6, R::GroupOpen)
            }
            (S::Element2 | S::Element6, _) if is_name => self.to(S::Element7, R::ContentElement(Quant::None)),
            (S::Element2 | S::Element6, Tok::NameQuant(q)) => self.to(S::Element7, R::ContentElement(q)),
            (S::Element3, Tok::CloseParen(q @ (Quant::None | Quant::Repeat))) => {
                self.to(S::Close(R::ElementNone), R::GroupClose(q))
            }
            (S::Element3 | S::Element5, Tok::Or) => self.to(S::Element4, R::ElementNone),
            (S::Element4, _) if is_name => self.to(S::Element5, R::ContentElement(Quant::None)),
            (S::Element5, Tok::CloseParen(Quant::Repeat)) => {
                self.to(S::Close(R::ElementNone), R::GroupClose(Quant::Repeat))
            }
            (S::Element7, Tok::CloseParen(q)) => {
                self.level -= 1;
                if self.level == 0 {
                    self.state = S::Close(R::ElementNone);
                }
                R::GroupClose(q)
            }
            (S::Element7, Tok::Comma) => self.to(S::Element6, R::GroupSequence),
            (S::Element7, Tok::Or) => self.to(S::Element6, R::GroupChoice),

            (S::Section0 | S::Section1 | S::Section2, Tok::Space) => R::None,
            (S::Section0, _) if word("INCLUDE") => self.to(S::Section1, R::None),
            (S::Section0, _) if word("IGNORE") => self.to(S::Section2, R::None),
            (S::Section1, Tok::OpenBracket) => {
                self.sections += 1;
                self.to(S::External, R::None)
            }
            (S::Section2, Tok::OpenBracket) => self.to(S::External, R::IgnoreSection),

            (S::Close(role), Tok::Space) => role,
            (S::Close(role), Tok::DeclClose) => self.top(role),
            (S::Error, _) => R::None,
            _ => self.wrong(tok),
        }
    }
}
