//! The frames of the import system, and what tracebacks do not show of them.

use cape_vm::frame::FrameObj;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Value, Vm, rt};

/// Files of the import system.
const FILES: [&str; 2] = ["<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>"];
/// The function that runs modules and finders: frames from the first of the import system to its frame are left out.
const CALLER: &str = "_call_with_frames_removed";

/// Whether the code that runs is the import system's.
pub(crate) fn imports(vm: &Vm) -> bool {
    let Some(frame) = vm.top_frame() else { return false };
    // SAFETY: the top frame is initialised.
    let code = unsafe { (*frame).code };
    code.filename.downcast::<StrObj>().is_some_and(|f| FILES.iter().any(|x| f.eq_str(x)))
}

/// Takes the frames of the import system out of the traceback of an exception that an import let through: all of them for an
/// `ImportError`, otherwise those that lead to a module's own code.
pub(crate) fn remove(raised: Raised) -> Raised {
    let e = raised.exc();
    let all = raised.is(rt().types.import_error);
    // The entry before; none: the exception itself.
    let mut before: Option<Ptr<TracebackObj>> = None;
    let mut chunk_before: Option<Ptr<TracebackObj>> = None;
    let mut in_chunk = false;
    let mut cursor = e.traceback.get();
    while let Some(t) = cursor.downcast::<TracebackObj>() {
        let next = t.next.get();
        let (file, name) = place(t);
        let here = file.is_some_and(|f| FILES.iter().any(|x| f.eq_str(x)));
        if here && !in_chunk {
            chunk_before = before;
        }
        in_chunk = here;
        if here && (all || name.is_some_and(|n| n.eq_str(CALLER))) {
            link(e, chunk_before, next);
            before = chunk_before;
        } else {
            before = Some(t);
        }
        cursor = next;
    }
    raised
}

/// File and function of an entry.
fn place(t: Ptr<TracebackObj>) -> (Option<Ptr<StrObj>>, Option<Ptr<StrObj>>) {
    let Some(frame) = t.frame.downcast::<FrameObj>() else { return (None, None) };
    let code = frame.code();
    (code.filename.downcast(), code.name.downcast())
}

fn link(e: Ptr<ExcObj>, before: Option<Ptr<TracebackObj>>, next: Value) {
    match before {
        Some(t) => t.next.set(t, next),
        None => e.traceback.set(e, next),
    }
}
