//! The functions that a parser calls.

use cape_vm::object::*;
use cape_vm::native::TypeBuilder;
use cape_vm::{Ptr, Res, Value, Vm};
use cape_xml::Kind;

use super::dispatch::flush;
use super::parser::ParserObj;

/// The place of `CharacterDataHandler`.
pub const CHARACTER_DATA: usize = 3;
/// The place of `DefaultHandler`.
pub const DEFAULT: usize = 11;
/// The place of `DefaultHandlerExpand`.
pub const DEFAULT_EXPAND: usize = 12;

macro_rules! handlers {
    ($($name:literal $index:literal $kind:ident;)*) => {
        /// The kinds of events that they are for.
        pub const KINDS: &[Kind] = &[$(Kind::$kind),*];
        /// Adds the attributes that set them.
        pub fn add(b: TypeBuilder) -> TypeBuilder {
            $(let b = b.getset(
                $name,
                "",
                |_: &Vm, p: Ptr<ParserObj>| get(p, $index).unwrap_or(Value::NONE),
                |vm: &Vm, p: Ptr<ParserObj>, v: Value| set(vm, p, $index, v),
            );)*
            b
        }
    };
}

handlers! {
    "StartElementHandler" 0 StartElement;
    "EndElementHandler" 1 EndElement;
    "ProcessingInstructionHandler" 2 ProcessingInstruction;
    "CharacterDataHandler" 3 CharacterData;
    "UnparsedEntityDeclHandler" 4 UnparsedEntityDecl;
    "NotationDeclHandler" 5 NotationDecl;
    "StartNamespaceDeclHandler" 6 StartNamespaceDecl;
    "EndNamespaceDeclHandler" 7 EndNamespaceDecl;
    "CommentHandler" 8 Comment;
    "StartCdataSectionHandler" 9 StartCdataSection;
    "EndCdataSectionHandler" 10 EndCdataSection;
    "DefaultHandler" 11 Default;
    "DefaultHandlerExpand" 12 Default;
    "NotStandaloneHandler" 13 NotStandalone;
    "ExternalEntityRefHandler" 14 ExternalEntityRef;
    "StartDoctypeDeclHandler" 15 StartDoctypeDecl;
    "EndDoctypeDeclHandler" 16 EndDoctypeDecl;
    "EntityDeclHandler" 17 EntityDecl;
    "XmlDeclHandler" 18 XmlDecl;
    "ElementDeclHandler" 19 ElementDecl;
    "AttlistDeclHandler" 20 AttlistDecl;
    "SkippedEntityHandler" 21 SkippedEntity;
}

/// The handler in a place, if one is set.
pub fn get(p: Ptr<ParserObj>, index: usize) -> Option<Value> {
    let handlers: Ptr<ListObj> = p.handlers.downcast().expect("handlers of a parser");
    handlers.get(index).filter(|h| !h.is_none())
}

/// Sets a handler, or takes it away.
fn set(vm: &Vm, p: Ptr<ParserObj>, index: usize, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.runtime_error("Cannot delete attribute"));
    }
    if index == CHARACTER_DATA {
        // What has been collected is the old one's.
        flush(vm, p)?;
    }
    put(p, index, v);
    let mut engine = p.engine.borrow_mut();
    engine.want(KINDS[index], !v.is_none());
    if matches!(index, DEFAULT | DEFAULT_EXPAND) {
        // There is one of them, the last that was set.
        p.default.set(index);
        engine.set_expand(index == DEFAULT_EXPAND);
    }
    Ok(())
}

fn put(p: Ptr<ParserObj>, index: usize, v: Value) {
    let handlers: Ptr<ListObj> = p.handlers.downcast().expect("handlers of a parser");
    handlers.set(index, v);
}

/// Takes all handlers away.
pub fn clear(p: Ptr<ParserObj>) {
    for (index, kind) in KINDS.iter().enumerate() {
        put(p, index, Value::NONE);
        p.engine.borrow_mut().want(*kind, false);
    }
}
