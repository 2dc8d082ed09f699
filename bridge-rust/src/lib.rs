//! The bridge between the interpreter and C extensions.
//!
//! Ownership: a `*mut PyObject` in Rust is borrowed unless its function says "a new reference". Managed values may move at any
//! allocation; C structs never do. Everything here runs with the GIL held unless it says otherwise.
//!
//! The way of a call from Python into C: [`call_c`] crosses the arguments ([`to_c`]), enters the extension, and takes its result over
//! ([`from_c`]). The way of an API call: the generated shim, [`enter`], the body in [`api`].

#![allow(
    clippy::not_unsafe_ptr_arg_deref,
    reason = "bodies get their pointers from the shims, which are unsafe functions"
)]
#![allow(
    unpredictable_function_pointer_comparisons,
    reason = "slots are compared with functions of this crate, which are not merged or duplicated across it"
)]
#![allow(non_camel_case_types, reason = "C names")]

mod allocator;
pub mod api;
mod arguments;
mod at_once;
mod attributes;
pub mod buffer;
pub mod call_c;
mod compiled;
mod convention;
mod cross;
pub mod enter;
pub mod error;
pub mod ffi;
pub mod foreign;
mod fresh;
pub mod from_c;
pub mod handled;
mod interned;
pub mod layout;
mod lend;
mod many_ints;
pub mod mirror;
pub mod module;
pub mod profile;
mod rows;
pub mod slots;
pub mod thread;
pub mod to_c;
pub mod typeready;
mod typespec;
mod unseen;

#[path = "generated/shims.rs"]
#[rustfmt::skip]
#[allow(clippy::all, clippy::undocumented_unsafe_blocks, missing_docs, reason = "generated")]
mod shims;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use cape_heap::heap;
use cape_vm::{Res, Vm};

static STARTED: AtomicBool = AtomicBool::new(false);
static BRIDGE: foreign::Bridge = foreign::Bridge;

/// Makes the bridge known to the VM. Nothing else happens until an extension is loaded.
pub fn install() {
    cape_vm::foreign::set_foreign(&BRIDGE);
}

/// Makes `_datetime` importable, which has a capsule for C.
pub fn register_datetime() {
    mirror::datetime::register();
}

/// Whether an extension was loaded.
pub(crate) fn is_started() -> bool {
    STARTED.load(Ordering::Relaxed)
}

/// Starts the bridge for its first extension: the thread state, the static types, the collector's view of C.
pub(crate) fn start(vm: &Vm) -> Res<()> {
    if STARTED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    heap().set_foreign(&BRIDGE);
    // SAFETY: the GIL is held, and no extension runs yet.
    unsafe { (ffi::_Cape_heap_start, ffi::_Cape_heap_size) = heap().addresses() };
    buffer::register();
    compiled::install();
    thread::attach(vm);
    thread::remember_hooks(vm);
    mirror::types::start(vm)
}

/// Ends Python: what `start::finish` does, which is the command's.
static FINISH: OnceLock<fn(&Vm, i32) -> i32> = OnceLock::new();

/// Tells how Python ends, for C that asks for it.
pub fn set_finish(finish: fn(&Vm, i32) -> i32) {
    let _ = FINISH.set(finish);
}

/// Ends Python; gives the exit code. Does nothing the second time.
pub(crate) fn finish(vm: &Vm, code: i32) -> i32 {
    FINISH.get().map_or(code, |finish| finish(vm, code))
}

/// Ends Python and the process.
pub(crate) fn exit(vm: &Vm, code: i32) -> ! {
    std::process::exit(finish(vm, code))
}

/// How far the end of Python has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Debug)]
#[repr(u8)]
pub enum End {
    /// It runs.
    No,
    /// The functions that are to run at exit do.
    Exiting,
    /// Objects are finalized.
    Finalizing,
    /// It has ended.
    Done,
}

static END: AtomicU8 = AtomicU8::new(End::No as u8);

/// Whether the end begins now: false when it has begun before.
pub fn begin_end() -> bool {
    let (no, exiting) = (End::No as u8, End::Exiting as u8);
    END.compare_exchange(no, exiting, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// Notes how far the end has come.
pub fn end_comes_to(end: End) {
    END.store(end as u8, Ordering::Relaxed);
}

/// How far the end has come.
pub fn end() -> End {
    match END.load(Ordering::Relaxed) {
        0 => End::No,
        1 => End::Exiting,
        2 => End::Finalizing,
        _ => End::Done,
    }
}

/// Calls what extensions gave to `Py_AtExit`.
pub fn run_at_exit() {
    // SAFETY: a plain call; the functions are C's.
    unsafe { ffi::cape_run_at_exit(std::ptr::null_mut()) }
}
