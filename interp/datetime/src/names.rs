//! Names of attributes that are looked up often.

use std::cell::Cell;

use cape_vm::{Value, intern};

/// An interned string, found once: it is never freed, and does not move.
pub struct Name {
    text: &'static str,
    value: Cell<Value>,
}

// SAFETY: used with the GIL held.
unsafe impl Sync for Name {}

impl Name {
    const fn new(text: &'static str) -> Name {
        Name { text, value: Cell::new(Value::EMPTY) }
    }

    /// The name as Rust text.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The string.
    #[inline]
    pub fn get(&self) -> Value {
        if self.value.get().is_empty() {
            self.value.set(intern(self.text));
        }
        self.value.get()
    }
}

macro_rules! names { ($($name:ident $text:literal),* $(,)?) => { $(pub static $name: Name = Name::new($text);)* } }

names! {
    AS_INTEGER_RATIO "as_integer_ratio",
    DST "dst",
    FOLD "fold",
    FROMTIMESTAMP "fromtimestamp",
    FROMUTC "fromutc",
    GETINITARGS "__getinitargs__",
    GETSTATE "__getstate__",
    ISOFORMAT "isoformat",
    REPLACE "replace",
    STRFTIME "strftime",
    TIMETUPLE "timetuple",
    TZNAME "tzname",
    UTCOFFSET "utcoffset",
}
