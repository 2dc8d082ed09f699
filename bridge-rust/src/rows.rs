//! Rows for what C defines: the VM's definitions of functions and attributes live for ever, so each of C's definitions gets one once, and
//! the same again when it is met again.

use std::cell::RefCell;
use std::collections::HashMap;

use cape_vm::native::{Flavour, GetSetDef, MethodDef, Raw, RawAttr};

/// What identifies a row: an address, and what was made of it.
type Key = (usize, usize, usize);

thread_local! {
    // With one GIL, a row made twice by two threads is no harm.
    static METHODS: RefCell<HashMap<Key, &'static MethodDef>> = RefCell::new(HashMap::new());
    static ATTRIBUTES: RefCell<HashMap<Key, &'static GetSetDef>> = RefCell::new(HashMap::new());
}

/// The row of a C function. One made before is taken when it says the same: C may have put another definition where one was.
pub fn method(name: &str, signature: &str, doc: &str, flavour: Flavour, raw: Raw) -> &'static MethodDef {
    let key = (raw.data[0], raw.data[1], flavour as usize);
    METHODS.with_borrow_mut(|rows| {
        if let Some(row) = rows.get(&key)
            && row.name == name
            && row.doc == doc
            && row.raw.is_some_and(|r| r.call as usize == raw.call as usize)
        {
            return *row;
        }
        let row = MethodDef::leak_foreign(leak(name), leak(signature), leak(doc), flavour, raw);
        rows.insert(key, row);
        row
    })
}

/// The row of a C attribute; as [`method`].
pub fn attribute(name: &str, doc: &str, writable: bool, raw: RawAttr) -> &'static GetSetDef {
    let key = (raw.data[0], raw.data[1], writable as usize);
    ATTRIBUTES.with_borrow_mut(|rows| {
        if let Some(row) = rows.get(&key)
            && row.name == name
            && row.doc == doc
            && row.raw.is_some_and(|r| r.get as usize == raw.get as usize)
        {
            return *row;
        }
        let row = GetSetDef::leak_foreign(leak(name), leak(doc), writable, raw);
        rows.insert(key, row);
        row
    })
}

fn leak(s: &str) -> &'static str {
    Box::leak(s.to_string().into_boxed_str())
}
