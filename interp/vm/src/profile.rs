//! What a sampling profiler needs of the VM: to hear of threads and code, and to read a thread's frames from a signal handler
//! that has interrupted it.
//!
//! The handler reads what the interrupted thread itself writes. [`Vm::push_frame`] fills a frame before it makes it the top, and
//! [`Vm::pop_frame`] lowers the top before the place is used again, with compiler fences in between; that is all that a
//! handler on the same thread needs to see whole frames.

use std::cell::Cell;
use std::sync::OnceLock;

use cape_heap::Ptr;

use crate::frame::Frame;
use crate::object::CodeObj;
use crate::vm::Vm;

/// Hears what a profiler has to know. Called with the GIL held.
pub trait Watcher: Sync {
    /// A code object is about to run for the first time, and again when its words have been made. From then on its address and theirs
    /// stay the same until it dies; afterwards another may have them.
    fn code_made(&self, code: Ptr<CodeObj>);
    /// The calling thread begins to run Python code, on `vm`.
    fn thread_starts(&self, vm: &Vm);
    /// The calling thread runs no more Python code; its `Vm` is about to be dropped.
    fn thread_ends(&self);
}

static WATCHER: OnceLock<&'static dyn Watcher> = OnceLock::new();

/// Installs the watcher; before the runtime starts, or it misses code and threads.
pub fn watch(watcher: &'static dyn Watcher) {
    let _ = WATCHER.set(watcher);
}

/// The watcher, if there is one.
pub(crate) fn watcher() -> Option<&'static dyn Watcher> {
    WATCHER.get().copied()
}

/// The address of the evaluation loop's function. Each of its native frames runs one frame that [`Running::entry`] marks, and those
/// above it up to the next.
pub fn evaluator() -> usize {
    crate::eval::evaluate as *const () as usize
}

/// The addresses of the functions that call Python functions and resume generators from native code. Where they enter compiled code
/// themselves, their native frames stand for the [`evaluator`]'s.
pub fn callers() -> [usize; 6] {
    [
        Vm::call_function as *const () as usize,
        Vm::call_few as *const () as usize,
        Vm::call_binding as *const () as usize,
        Vm::call_bound as *const () as usize,
        Vm::next_of_generator as *const () as usize,
        Vm::resume_frame as *const () as usize,
    ]
}

/// The address of the function in which one piece of compiled code follows another.
pub fn chain() -> usize {
    Vm::chain as *const () as usize
}

/// Whether this is the address of a function that interprets, inside of the [`evaluator`]: it keeps the pc in a register.
pub fn is_interpreter(address: usize) -> bool {
    let forms = [crate::eval::interpret::<false> as *const (), crate::eval::interpret::<true> as *const ()];
    forms.iter().any(|&f| f as usize == address)
}

/// One Python frame as a signal handler sees it.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// The address of the code object.
    pub code: usize,
    /// The address of the word that runs, as far as it is known: of a frame on top, the last that was stored, unless a register tells.
    pub pc: usize,
    /// The frame was entered from native code.
    pub entry: bool,
}

/// The frames of the interrupted thread, innermost first, until `each` returns false. Async-signal-safe if `each` is.
///
/// `registers` are the interrupted thread's if it stood in an interpreter itself ([`is_interpreter`]), which keeps the pc in one of them; else none.
///
/// # Safety
/// `vm` lives. It is the calling thread's, or that of a thread which does not run Python code meanwhile; of one that does, the frames may be
/// gone while `each` looks at them.
pub unsafe fn running(vm: *const Vm, registers: &[i64], mut each: impl FnMut(Running) -> bool) {
    // SAFETY: the caller's promise. The fields are words, read as they are at this moment.
    let (mut frame, base) = unsafe { (read(&raw const *(*vm).frame_top.as_ptr()), (*vm).frames_base()) };
    let mut registers = Some(registers);
    while frame >= base {
        // SAFETY: frames up to the top are initialised, see the beginning of this file.
        let (code, mut pc, entry) = unsafe {
            (read(&raw const (*frame).code), read(&raw const (*frame).pc), read(&raw const (*frame).entry))
        };
        if let Some(registers) = registers.take() {
            pc = in_register(code, registers).unwrap_or(pc);
        }
        if !each(Running { code: address(code), pc: pc as usize, entry }) {
            return;
        }
        frame = frame.wrapping_sub(1);
    }
}

/// The first register's value that is a place in the code.
fn in_register(code: Ptr<CodeObj>, registers: &[i64]) -> Option<*const Cell<u64>> {
    // The code lives, because its frame runs; its words never change their place.
    let words = code.words.as_ptr_range();
    let inside = |&r: &i64| (words.start as usize..words.end as usize).contains(&(r as usize)) && r % 8 == 0;
    registers.iter().copied().find(inside).map(|r| r as usize as *const Cell<u64>)
}

/// The address that samples know a code object by.
pub fn address(code: Ptr<CodeObj>) -> usize {
    &raw const *code as usize
}

/// # Safety
/// As [`std::ptr::read_volatile`].
unsafe fn read<T: Copy>(p: *const T) -> T {
    // SAFETY: the caller's promise.
    unsafe { p.read_volatile() }
}

const _: () = assert!(align_of::<CodeObj>() >= 2 && size_of::<Frame>() % 8 == 0);
