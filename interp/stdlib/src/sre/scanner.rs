//! `pattern.scanner()` and `pattern.finditer()`.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::engine::{Request, State};
use super::match_::MatchObj;
use super::pattern::PatternObj;
use super::subject::Subject;

heap_object! {
    /// Finds one match after the other. `start` is beyond every subject once nothing is left.
    pub struct ScannerObj {
        pattern: Field,
        string: Field,
        pos: usize,
        end: usize,
        start: Cell<usize>,
        must_advance: Cell<bool>,
        /// A view of a subject whose memory could be resized: it is not to be while there is more to find.
        view: Field,
    }
}

impl Named for ScannerObj {
    const NAME: &'static str = "_sre.SRE_Scanner";
}

static SCANNER: StaticType = StaticType::new();
static ITERATOR: StaticType = StaticType::new();
const DONE: usize = usize::MAX;

/// Makes the types.
pub fn init(_vm: &Vm) {
    let b = new_type::<ScannerObj>("_sre.SRE_Scanner", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("match($self, /)", "", |vm: &Vm, s: Ptr<ScannerObj>| next(vm, s, false))
        .method("search($self, /)", "", |vm: &Vm, s: Ptr<ScannerObj>| next(vm, s, true))
        .getter("pattern", "", |_: &Vm, s: Ptr<ScannerObj>| s.pattern.get());
    SCANNER.set(b.class());
    let b = new_type::<ScannerObj>("callable_iterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, s: Ptr<ScannerObj>| s)
        .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, s: Ptr<ScannerObj>| {
            Ok(next(vm, s, true)?.map_or(Value::EMPTY, |m| m.value()))
        });
    ITERATOR.set(b.class());
}

/// A scanner; with `iterator`, what `finditer` gives.
pub fn make(
    vm: &Vm,
    pattern: Ptr<PatternObj>,
    string: Value,
    pos: Option<isize>,
    endpos: Option<isize>,
    iterator: bool,
) -> Res<Value> {
    let subject = Subject::of(vm, string, pattern.for_bytes())?;
    let (pos, end) = subject.clip(pos, endpos);
    let view = if subject.is_bytes() && !string.is::<BytesObj>() {
        cape_builtins::memoryview::from_buffer(vm.bytes_like(string)?).value()
    } else {
        Value::NONE
    };
    let map = if iterator { ITERATOR.get() } else { SCANNER.get() }.instance_map();
    let s = heap().alloc(
        map,
        ScannerObj {
            header: Header::new(map),
            pattern: Field::new(pattern.value()),
            string: Field::new(string),
            pos,
            end,
            start: Cell::new(pos),
            must_advance: Cell::new(false),
            view: Field::new(view),
        },
    );
    Ok(s.value())
}

fn next(vm: &Vm, s: Ptr<ScannerObj>, anywhere: bool) -> Res<Option<Ptr<MatchObj>>> {
    if s.start.get() == DONE {
        return Ok(None);
    }
    let pattern: Ptr<PatternObj> = s.pattern.downcast().expect("pattern of a scanner");
    let subject = Subject::of(vm, s.string.get(), pattern.for_bytes())?;
    let q = Request {
        start: s.start.get(),
        end: s.end.min(subject.len()),
        full: false,
        must_advance: s.must_advance.get(),
    };
    State::with(|st| {
        if !subject.run(pattern.program(), q, anywhere, st) {
            s.start.set(DONE);
            return Ok(None);
        }
        s.must_advance.set(st.start == st.end);
        s.start.set(st.end);
        Ok(Some(MatchObj::new(pattern, s.string.get(), st, s.pos, s.end)))
    })
}
