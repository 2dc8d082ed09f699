//! Where compiled code is, for whoever meets an address in it on a native stack.

use std::cell::RefCell;

use cape_heap::Ptr;
use cape_jit::Code;

use crate::object::CodeObj;
use crate::profile::address;

/// A compiled function.
struct Made {
    start: usize,
    end: usize,
    /// The code object, as samples know it, and its words.
    code: usize,
    words: usize,
    /// By offset from the start: the word whose template begins there.
    places: Vec<(u32, u32)>,
}

struct All(RefCell<Vec<Made>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for All {}
static ALL: All = All(RefCell::new(Vec::new()));

/// Remembers compiled code, if there is a profiler who may ask.
pub(super) fn note(code: Ptr<CodeObj>, made: Code) {
    if crate::profile::watcher().is_none() {
        return;
    }
    let start = made.address as usize;
    ALL.0.borrow_mut().push(Made {
        start,
        end: start + made.size,
        code: address(code),
        words: code.words.as_ptr() as usize,
        places: made.places,
    });
}

/// What an address in compiled code stands for: the code object, as samples know it, and the address of the instruction's word.
/// `None`: there is no compiled code.
pub fn compiled_place(at: usize) -> Option<(usize, usize)> {
    let all = ALL.0.borrow();
    let made = all.iter().find(|m| (m.start..m.end).contains(&at))?;
    let i = made.places.partition_point(|p| p.0 as usize <= at - made.start);
    let word = i.checked_sub(1).map_or(0, |i| made.places[i].1);
    Some((made.code, made.words + 8 * word as usize))
}
