//! An XML parser that is fed piece by piece and behaves as Expat does: the same events at the same places, the same
//! errors with the same numbers, the same ways with declarations, entities, encodings and namespaces.
//!
//! It is asked for its next event ([`Parser::next`]) and calls nothing, so that whoever handles an event may do with the parser what
//! he likes.
//!
//! Expat itself is not used: its crates bring a release of 2012 that looks for the system's, or are new and leave out most of what
//! declarations mean. What is here is written from the standard and from how Expat behaves.

mod account;
mod content;
mod declaration;
mod dtd;
mod error;
mod event;
mod input;
mod names;
mod namespaces;
mod parser;
mod prolog;
mod roles;
mod scan;
mod values;

pub use error::Error;
pub use event::{
    AttlistDecl, Content, ContentKind, EntityDecl, Event, ExternalEntityRef, Kind, Model, NotationDecl,
    StartDoctypeDecl, UnparsedEntityDecl,
};
pub use input::UNDEFINED;
pub use parser::{Next, ParamEntities, Parser};
pub use scan::Quant;
