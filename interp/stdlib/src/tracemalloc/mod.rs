//! `_tracemalloc`: where the objects of the heap were made.
//!
//! While it traces, each allocation is told of ([`cape_heap::Heap::watch_allocations`]), which makes it slow; otherwise it costs nothing.
//! Objects die when a collection finds that they do: whoever asks how much memory is in use is answered after one.

mod stacks;
mod traces;

use cape_vm::native::int_from;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use stacks::{Stack, UNKNOWN};
use traces::with_state;
pub use traces::{MOST_FRAMES, is_tracing, start, stop, track, untrack};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("__doc__", cape_vm::intern("Debug module to trace memory blocks allocated by Python."));
    m.function(
        "is_tracing($module, /)",
        "Return True if the tracemalloc module is tracing Python memory allocations.",
        |_: &Vm| is_tracing(),
    )
    .function("clear_traces($module, /)", "Clear traces of memory blocks allocated by Python.", |_: &Vm| {
        with_state(|s| s.clear())
    })
    .function(
        "_get_traces($module, /)",
        "Get traces of all memory blocks allocated by Python.\n\nReturn a list of (size: int, traceback: tuple) tuples.\ntraceback is a tuple of (filename: str, lineno: int) tuples.\n\nReturn an empty list if the tracemalloc module is disabled.",
        traces,
    )
    .function(
        "_get_object_traceback($module, obj, /)",
        "Get the traceback where the Python object obj was allocated.\n\nReturn a tuple of (filename: str, lineno: int) tuples.\nReturn None if the tracemalloc module is disabled or did not\ntrace the allocation of the object.",
        |_: &Vm, v: Value| {
            let found = v.is_ptr().then(|| with_state(|s| s.find(v.bits() as usize))).flatten();
            found.map(|stack| traces::quietly(|| Tuples::new().frames(stack)))
        },
    )
    .function(
        "start($module, nframe=1, /)",
        "Start tracing Python memory allocations.\n\nAlso set the maximum number of frames stored in the traceback of a\ntrace to nframe.",
        |vm: &Vm, frames: Option<i32>| {
            let frames = usize::try_from(frames.unwrap_or(1)).ok().filter(|n| (1..=MOST_FRAMES).contains(n));
            let frames = frames.ok_or_else(|| {
                vm.value_error(format!("the number of frames must be in range [1; {MOST_FRAMES}]"))
            })?;
            start(frames);
            Ok::<(), cape_vm::Raised>(())
        },
    )
    .function(
        "stop($module, /)",
        "Stop tracing Python memory allocations.\n\nAlso clear traces of memory blocks allocated by Python.",
        |_: &Vm| stop(),
    )
    .function(
        "get_traceback_limit($module, /)",
        "Get the maximum number of frames stored in the traceback of a trace.\n\nBy default, a trace of an allocated memory block only stores\nthe most recent frame: the limit is 1.",
        |_: &Vm| with_state(|s| s.limit),
    )
    .function(
        "get_tracemalloc_memory($module, /)",
        "Get the memory usage in bytes of the tracemalloc module.\n\nThis memory is used internally to trace memory allocations.",
        |_: &Vm| with_state(|s| s.own_bytes()),
    )
    .function(
        "get_traced_memory($module, /)",
        "Get the current size and peak size of memory blocks traced by tracemalloc.\n\nReturns a tuple: (current: int, peak: int).",
        |_: &Vm| {
            if is_tracing() {
                cape_vm::vm::collect(true);
            }
            let (current, peak) = with_state(|s| (s.current, s.peak));
            traces::quietly(|| TupleObj::new(&[int_from(current as i128), int_from(peak as i128)]))
        },
    )
    .function(
        "reset_peak($module, /)",
        "Set the peak size of memory blocks traced by tracemalloc to the current size.\n\nDo nothing if the tracemalloc module is not tracing memory allocations.",
        |_: &Vm| with_state(|s| s.peak = s.current),
    );
    m.called_cleanly(&["_get_traces", "get_traced_memory"]);
    Ok(())
}

/// `(domain, size, frames, number of frames there were)`, of each object that lives, and of each piece of memory that was told of.
fn traces(vm: &Vm) -> Res<Ptr<ListObj>> {
    let list = ListObj::new(&[]);
    if !is_tracing() {
        return Ok(list);
    }
    cape_vm::vm::collect(true);
    traces::quietly(|| {
        // (Nothing is allocated before all objects were looked at, so that they stay where they are.)
        let all = traces::all(vm);
        let tuples = Tuples::new();
        for (domain, size, stack) in all {
            let frames = tuples.frames(stack);
            let total = with_state(|s| s.stacks.get(stack).total);
            let size = int_from(size as i128);
            let trace = [Value::int(domain as i64), size, frames.value(), Value::int(total as i64)];
            list.push(TupleObj::new(&trace).value());
        }
        Ok(list)
    })
}

/// Makes tuples of stacks: the same one of the same stack. Lists of what was made, by number.
struct Tuples {
    stacks: Ptr<ListObj>,
    files: Ptr<ListObj>,
}

impl Tuples {
    fn new() -> Tuples {
        Tuples { stacks: ListObj::new(&[]), files: ListObj::new(&[]) }
    }

    /// The frames of a stack, the latest first.
    fn frames(&self, stack: Stack) -> Ptr<TupleObj> {
        if let Some(t) = made(self.stacks, stack.0 as usize) {
            return t;
        }
        let places = with_state(|s| s.stacks.get(stack).places.to_vec());
        let frames = TupleObj::uninit(places.len());
        for (i, (file, line)) in places.into_iter().enumerate() {
            frames.init(i, TupleObj::new(&[self.file(file).value(), Value::int(line as i64)]).value());
        }
        keep(self.stacks, stack.0 as usize, frames.value());
        frames
    }

    fn file(&self, file: u32) -> Ptr<StrObj> {
        if let Some(s) = made(self.files, file as usize) {
            return s;
        }
        let name = with_state(|s| s.stacks.file(file).to_vec());
        let s = if file == UNKNOWN { StrObj::new("<unknown>") } else { StrObj::from_wtf8(&name) };
        keep(self.files, file as usize, s.value());
        s
    }
}

fn made<T: cape_heap::HeapObject>(list: Ptr<ListObj>, i: usize) -> Option<Ptr<T>> {
    list.get(i).and_then(|v| v.downcast())
}

fn keep(list: Ptr<ListObj>, i: usize, v: Value) {
    while list.len() <= i {
        list.push(Value::NONE);
    }
    list.set(i, v);
}
