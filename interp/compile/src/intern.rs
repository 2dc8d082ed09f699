//! Identifiers as small numbers, and private name mangling.

use std::sync::Arc;

use rustc_hash::FxHashMap;

/// An interned identifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct NameId(pub u32);

macro_rules! well_known {
    ($($const:ident $text:literal),* $(,)?) => {
        impl NameId {
            well_known!(@ 0; $($const)*);
        }
        const WELL_KNOWN: &[&str] = &[$($text),*];
    };
    (@ $n:expr; $head:ident $($rest:ident)*) => {
        pub const $head: NameId = NameId($n);
        well_known!(@ $n + 1; $($rest)*);
    };
    (@ $n:expr;) => {};
}

well_known! {
    TOP "<module>",
    LAMBDA "<lambda>",
    LISTCOMP "<listcomp>",
    SETCOMP "<setcomp>",
    DICTCOMP "<dictcomp>",
    GENEXPR "<genexpr>",
    DOT_ZERO ".0",
    FORMAT ".format",
    FORMAT_PLAIN "format",
    CLASS "__class__",
    CLASSDICT "__classdict__",
    CLASSCELL "__classcell__",
    CLASSDICTCELL "__classdictcell__",
    CONDITIONAL "__conditional_annotations__",
    ANNOTATE "__annotate__",
    ANNOTATE_FUNC "__annotate_func__",
    ANNOTATIONS "__annotations__",
    TYPE_PARAMS "__type_params__",
    DOT_TYPE_PARAMS ".type_params",
    DOT_GENERIC_BASE ".generic_base",
    DOT_DEFAULTS ".defaults",
    DOT_KWDEFAULTS ".kwdefaults",
    SUPER "super",
    NAME "__name__",
    MODULE "__module__",
    QUALNAME "__qualname__",
    FIRSTLINENO "__firstlineno__",
    STATIC_ATTRIBUTES "__static_attributes__",
    DOC "__doc__",
    INIT "__init__",
}

/// The identifiers of one compilation.
pub(crate) struct Interner {
    map: FxHashMap<Arc<str>, NameId>,
    names: Vec<Arc<str>>,
}

impl Interner {
    pub fn new() -> Self {
        let mut interner = Interner { map: FxHashMap::default(), names: Vec::new() };
        for name in WELL_KNOWN {
            interner.id(name);
        }
        interner
    }

    pub fn id(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.map.get(name) {
            return id;
        }
        let id = NameId(self.names.len() as u32);
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.map.insert(name, id);
        id
    }

    pub fn get(&self, id: NameId) -> &str {
        &self.names[id.0 as usize]
    }

    /// The interned `name` as seen inside class `class`: `__x` becomes `_C__x`.
    pub fn mangled(&mut self, class: Option<NameId>, name: &str) -> NameId {
        if let Some(class) = class
            && name.starts_with("__")
            && !name.ends_with("__")
            && !name.contains('.')
        {
            let class = self.get(class).trim_start_matches('_');
            if !class.is_empty() {
                let mangled = format!("_{class}{name}");
                return self.id(&mangled);
            }
        }
        self.id(name)
    }
}
