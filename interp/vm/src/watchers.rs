//! Watchers: functions of C's that are told of changes of dicts, classes and functions, of new functions and code objects, and of the
//! context that runs.
//!
//! Where nothing is watched, an event costs a look at one byte. Which objects are watched, and by whom, is the bridge's to know.

use std::sync::atomic::{AtomicU8, Ordering};

use cape_heap::Value;

/// What watchers watch; the numbers are bits, and known to `bridge-c/watchers.c`.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub enum Watched {
    /// Changes of single dicts.
    Dict = 1,
    /// Changes of single classes.
    Class = 2,
    /// All functions.
    Function = 4,
    /// All code objects.
    Code = 8,
    /// The context of each thread.
    Context = 16,
}

/// Events, by the numbers that C has for them.
pub mod event {
    /// A key is added to a dict.
    pub const DICT_ADDED: i32 = 0;
    /// A key of a dict gets another value.
    pub const DICT_MODIFIED: i32 = 1;
    /// A key is removed from a dict.
    pub const DICT_DELETED: i32 = 2;
    /// An empty dict becomes the copy of another.
    pub const DICT_CLONED: i32 = 3;
    /// A dict becomes empty.
    pub const DICT_CLEARED: i32 = 4;
    /// A function was made.
    pub const FUNCTION_MADE: i32 = 0;
    /// A function gets other code.
    pub const FUNCTION_CODE: i32 = 2;
    /// A function gets other defaults.
    pub const FUNCTION_DEFAULTS: i32 = 3;
    /// A function gets other defaults of parameters by name.
    pub const FUNCTION_KWDEFAULTS: i32 = 4;
    /// A code object was made.
    pub const CODE_MADE: i32 = 0;
    /// Another context runs.
    pub const CONTEXT_SWITCHED: i32 = 1;
}

static WATCHED: AtomicU8 = AtomicU8::new(0);

/// Whether anything of this kind is watched.
#[inline(always)]
pub fn watched(kind: Watched) -> bool {
    WATCHED.load(Ordering::Relaxed) & kind as u8 != 0
}

/// Which kinds are watched from now on: the sum of their numbers.
pub fn set_watched(kinds: u8) {
    WATCHED.store(kinds, Ordering::Relaxed);
}

/// Tells the watchers of a kind, of which there are some, of an event: of what, and with which key and value (EMPTY: none).
#[cold]
#[inline(never)]
pub fn tell(kind: Watched, event: i32, object: Value, key: Value, value: Value) {
    crate::foreign::foreign().tell_watchers(crate::vm::current(), kind, event, [object, key, value]);
}
