//! What declarations have said.

use std::collections::HashMap;
use std::rc::Rc;

/// An entity.
#[derive(Clone, Default)]
pub struct Entity {
    /// Its replacement text, if it is internal.
    pub text: Option<Rc<[u8]>>,
    pub system: Option<String>,
    pub public: Option<String>,
    pub base: Option<String>,
    /// Its notation, if it is not to be parsed.
    pub notation: Option<String>,
    /// Whether it is being expanded.
    pub open: bool,
    /// Whether it was declared in the document itself, outside of all entities.
    pub is_internal: bool,
}

/// An attribute of an element that is declared.
#[derive(Clone)]
pub struct Attribute {
    pub name: Vec<u8>,
    pub cdata: bool,
    pub default: Option<Rc<str>>,
}

/// What is declared of an element's attributes.
#[derive(Clone, Default)]
pub struct Element {
    pub attributes: Vec<Attribute>,
    /// Places in `attributes`, for elements that have many.
    index: HashMap<Vec<u8>, usize>,
}

impl Element {
    /// The declaration of an attribute.
    pub fn get(&self, name: &[u8]) -> Option<&Attribute> {
        self.index.get(name).map(|i| &self.attributes[*i])
    }

    /// Declares an attribute; only the first declaration counts.
    pub fn declare(&mut self, attribute: Attribute) {
        if !self.index.contains_key(&attribute.name) {
            self.index.insert(attribute.name.clone(), self.attributes.len());
            self.attributes.push(attribute);
        }
    }
}

/// A document type.
#[derive(Clone)]
pub struct Dtd {
    pub general: HashMap<Vec<u8>, Entity>,
    pub parameter: HashMap<Vec<u8>, Entity>,
    /// The external subset, once it is declared.
    pub subset: Option<Entity>,
    pub elements: HashMap<Vec<u8>, Rc<Element>>,
    /// Whether declarations still count: after a parameter entity that was not read, they do not.
    pub keep_processing: bool,
    /// Whether there are references to parameter entities, the external subset among them.
    pub has_param_refs: bool,
    pub standalone: bool,
    /// Whether the external entity that was reported was read.
    pub param_read: bool,
    /// The value of the entity that is being declared.
    pub value: Vec<u8>,
}

impl Dtd {
    /// Nothing is declared.
    pub fn new() -> Dtd {
        Dtd {
            general: HashMap::new(),
            parameter: HashMap::new(),
            subset: None,
            elements: HashMap::new(),
            keep_processing: true,
            has_param_refs: false,
            standalone: false,
            param_read: false,
            value: Vec::new(),
        }
    }

    /// A copy for the content of an external entity, none of whose entities is open.
    pub fn copy(&self) -> Dtd {
        let mut copy = self.clone();
        copy.general.values_mut().chain(copy.parameter.values_mut()).for_each(|e| e.open = false);
        copy
    }

    /// The entities of a kind.
    pub fn entities(&mut self, parameter: bool) -> &mut HashMap<Vec<u8>, Entity> {
        if parameter { &mut self.parameter } else { &mut self.general }
    }
}

/// The character that one of the five entities without declaration is.
pub fn predefined(name: &[u8]) -> Option<char> {
    Some(match name {
        b"lt" => '<',
        b"gt" => '>',
        b"amp" => '&',
        b"quot" => '"',
        b"apos" => '\'',
        _ => return None,
    })
}
