//! Writing stacks where nothing may be allocated and no lock be taken: in signal handlers.
//!
//! Frames are read as the profiler reads them ([`cape_vm::profile::running`]); code does not move, and a line is found by decoding the
//! code's table of positions in place. Of threads that run Python code at the same time (a handler cannot stop them) the frames may change
//! while they are read, which at worst ends in a second fault, as in CPython.

use std::ffi::CStr;

use cape_heap::heap;
use cape_vm::object::{CodeObj, DictObj, ModuleObj, SetObj, StrObj};
use cape_vm::profile::{Running, is_interpreter, running};
use cape_vm::{Ptr, Vm, gil, rt};
use libc::{c_int, c_void};

use crate::statics::StaticValue;

/// Frames of a thread, threads, frames of the C stack, and characters of a text that are shown at most.
const FRAMES: usize = 100;
const THREADS: usize = 100;
const C_FRAMES: usize = 32;
const TEXT: usize = 500;

/// Gathers text and gives it away in pieces.
pub struct Out<'a> {
    buffer: [u8; 512],
    used: usize,
    to: &'a mut dyn FnMut(&[u8]),
}

impl Out<'_> {
    /// Gives what was written to `to`.
    pub fn new(to: &mut dyn FnMut(&[u8])) -> Out<'_> {
        Out { buffer: [0; 512], used: 0, to }
    }

    /// Gives away what has been gathered.
    pub fn flush(&mut self) {
        (self.to)(&self.buffer[..self.used]);
        self.used = 0;
    }

    fn byte(&mut self, b: u8) {
        if self.used == self.buffer.len() {
            self.flush();
        }
        self.buffer[self.used] = b;
        self.used += 1;
    }

    /// Text as it is.
    pub fn bytes(&mut self, text: &[u8]) {
        text.iter().for_each(|&b| self.byte(b));
    }

    /// Text as it is.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A number to `base`, with at least so many digits.
    pub fn number(&mut self, mut n: u64, base: u64, digits: usize) {
        let mut room = [b'0'; 20];
        let mut at = room.len();
        while n > 0 {
            at -= 1;
            room[at] = b"0123456789abcdef"[(n % base) as usize];
            n /= base;
        }
        let from = at.min(room.len() - digits);
        self.bytes(&room[from..]);
    }

    /// A string in ASCII, with escapes, cut when it is long.
    fn string(&mut self, s: &StrObj) {
        for c in s.chars().take(TEXT) {
            match c {
                0x20..0x7f => self.byte(c as u8),
                ..0x100 => self.escape("\\x", c, 2),
                ..0x10000 => self.escape("\\u", c, 4),
                _ => self.escape("\\U", c, 8),
            }
        }
        if s.len() > TEXT {
            self.text("...");
        }
    }

    fn escape(&mut self, mark: &str, c: u32, digits: usize) {
        self.text(mark);
        self.number(c as u64, 16, digits);
    }
}

/// Runs `f` with a writer to a descriptor, which is written to until it takes no more.
pub fn to_descriptor(fd: c_int, f: impl FnOnce(&mut Out<'_>)) {
    let mut write = |mut bytes: &[u8]| {
        while !bytes.is_empty() {
            // SAFETY: writes from the slice.
            let n = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
            match n {
                1.. => bytes = &bytes[n as usize..],
                _ if n < 0 && crate::oserror::errno() == libc::EINTR => {}
                _ => return,
            }
        }
    };
    let mut out = Out::new(&mut write);
    f(&mut out);
    out.flush();
}

/// What is known of the place that a signal has interrupted: the machine's registers, if it was the interpreter's own loop, which keeps
/// the instruction that runs in one of them.
#[derive(Clone, Copy, Default)]
pub struct Interrupted {
    registers: [i64; 16],
    known: bool,
}

unsafe extern "C" {
    fn _Unwind_FindEnclosingFunction(pc: *mut c_void) -> *mut c_void;
    fn _Unwind_Backtrace(each: extern "C" fn(*mut c_void, *mut c_void) -> c_int, data: *mut c_void) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}

impl Interrupted {
    /// From the context that a handler is given.
    ///
    /// # Safety
    /// `context` is the kernel's `ucontext_t`, or null.
    #[cfg(target_arch = "x86_64")]
    pub unsafe fn at(context: *mut c_void) -> Interrupted {
        // SAFETY: the caller's promise; the address is only looked up.
        unsafe {
            let Some(context) = context.cast::<libc::ucontext_t>().as_ref() else { return Interrupted::default() };
            let all = &context.uc_mcontext.gregs;
            let here = all[libc::REG_RIP as usize] as *mut c_void;
            let known = is_interpreter(_Unwind_FindEnclosingFunction(here) as usize);
            Interrupted { registers: std::array::from_fn(|i| all[i]), known }
        }
    }

    /// Elsewhere the last instruction that was stored is shown.
    ///
    /// # Safety
    /// None is needed.
    #[cfg(not(target_arch = "x86_64"))]
    pub unsafe fn at(_: *mut c_void) -> Interrupted {
        Interrupted::default()
    }

    fn registers(&self) -> &[i64] {
        if self.known { &self.registers } else { &[] }
    }
}

fn frame(out: &mut Out<'_>, at: Running) {
    // SAFETY: the code object of a frame that runs; see the beginning of this file.
    let code = unsafe { &*(at.code as *const CodeObj) };
    let show = |out: &mut Out<'_>, s: Option<Ptr<StrObj>>, quote: &str| match s {
        Some(s) => {
            out.text(quote);
            out.string(&s);
            out.text(quote);
        }
        None => out.text("???"),
    };
    out.text("  File ");
    show(out, code.filename.downcast(), "\"");
    out.text(", line ");
    let words = code.words.as_ptr_range();
    let inside = (words.start as usize..words.end as usize).contains(&at.pc);
    let position = if inside { code.unit.position(((at.pc - words.start as usize) / 8) as u32) } else { None };
    out.number(position.map_or(code.unit.first_line, |p| p.line) as u64, 10, 1);
    out.text(" in ");
    show(out, code.name.downcast(), "");
    out.text("\n");
}

fn frames(out: &mut Out<'_>, vm: &Vm, interrupted: &Interrupted) {
    let mut n = 0;
    // SAFETY: the VM lives: it is the calling thread's or in the list of threads. About frames that change, see above.
    unsafe {
        running(vm, interrupted.registers(), |at| {
            frame(out, at);
            n += 1;
            n < FRAMES
        });
    }
    if n == 0 {
        out.text("  <no Python frame>\n");
    }
}

/// Writes the calling thread's Python stack, if it has any.
pub fn stack(out: &mut Out<'_>, interrupted: &Interrupted) {
    let me = gil::this_ident();
    gil::each_vm_unlocked(|vm| {
        let is_mine = vm.ident.get() == me;
        if is_mine {
            out.text("Stack (most recent call first):\n");
            frames(out, vm, interrupted);
        }
        !is_mine
    });
}

fn name(out: &mut Out<'_>, ident: u64) {
    let mut name = [0u8; 100];
    // SAFETY: the buffer is as long as said; the thread is in the list of those that live.
    let failed = unsafe { libc::pthread_getname_np(ident as libc::pthread_t, name.as_mut_ptr().cast(), name.len()) } != 0;
    let length = name.iter().position(|&b| b == 0).unwrap_or(0);
    if !failed && length > 0 {
        out.text(" [");
        out.bytes(&name[..length]);
        out.text("]");
    }
}

/// Writes the Python stacks of all threads, the newest first. `me`: the thread that is the current one, if any.
pub fn stacks(out: &mut Out<'_>, me: Option<u64>, interrupted: &Interrupted) {
    let mut n = 0;
    gil::each_vm_unlocked(|vm| {
        if n > 0 {
            out.text("\n");
        }
        if n == THREADS {
            out.text("...\n");
            return false;
        }
        n += 1;
        let ident = vm.ident.get();
        let is_current = Some(ident) == me;
        out.text(if is_current { "Current thread 0x" } else { "Thread 0x" });
        out.number(ident, 16, 16);
        name(out, ident);
        out.text(" (most recent call first):\n");
        if is_current && (heap().is_collecting() || crate::pending::runs_finalizers()) {
            out.text("  Garbage-collecting\n");
        }
        frames(out, vm, if is_current { interrupted } else { &Interrupted { registers: [0; 16], known: false } });
        true
    });
}

/// Addresses of the C stack.
struct Addresses {
    all: [usize; C_FRAMES],
    number: usize,
    more: bool,
}

extern "C" fn c_frame(context: *mut c_void, data: *mut c_void) -> c_int {
    /// Go on, and stop: `_URC_NO_REASON`, `_URC_END_OF_STACK`.
    const GO_ON: c_int = 0;
    const STOP: c_int = 5;
    // SAFETY: called by the unwinder with its context and what `c_stack` gave it.
    let (address, found) = unsafe { (_Unwind_GetIP(context), &mut *data.cast::<Addresses>()) };
    if address == 0 {
        return STOP;
    }
    match found.all.get_mut(found.number) {
        Some(place) => {
            *place = address;
            found.number += 1;
            GO_ON
        }
        None => {
            found.more = true;
            STOP
        }
    }
}

/// Writes the calling thread's C stack.
pub fn c_stack(out: &mut Out<'_>) {
    out.text("Current thread's C stack trace (most recent call first):\n");
    let mut found = Addresses { all: [0; C_FRAMES], number: 0, more: false };
    // SAFETY: the callback gets the struct, which outlives the call.
    unsafe { _Unwind_Backtrace(c_frame, (&raw mut found).cast()) };
    for &address in &found.all[..found.number] {
        c_place(out, address);
    }
    if found.more {
        out.text("  <truncated rest of calls>\n");
    }
}

fn c_place(out: &mut Out<'_>, address: usize) {
    // SAFETY: zeros are a valid value; the call fills it with pointers to what stays loaded while the stack mentions it.
    let (found, info) = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        (libc::dladdr(address as *const c_void, &mut info) != 0, info)
    };
    let c_text = |p: *const libc::c_char| {
        // SAFETY: as above; null or terminated.
        if p.is_null() { &b""[..] } else { unsafe { CStr::from_ptr(p) }.to_bytes() }
    };
    out.text("  Binary file \"");
    match c_text(info.dli_fname) {
        file @ [_, ..] if found => out.bytes(file),
        _ => out.text("<unknown>"),
    }
    out.text("\"");
    let symbol = c_text(info.dli_sname);
    let base = if symbol.is_empty() { info.dli_fbase } else { info.dli_saddr } as usize;
    if found && base != 0 {
        out.text(", at ");
        out.bytes(symbol);
        out.text(if address < base { "-0x" } else { "+0x" });
        out.number(address.abs_diff(base) as u64, 16, 1);
    }
    out.text(" [0x");
    out.number(address as u64, 16, 1);
    out.text("]\n");
}

/// The name under which `sys` has the names of the library's modules: made before a handler may need it.
static LIBRARY_NAMES: StaticValue = StaticValue::shared();

/// Makes what [`extension_modules`] needs.
pub fn prepare() {
    LIBRARY_NAMES.set(cape_vm::intern("stdlib_module_names"));
    // What the unwinder does once, it does now.
    let mut found = Addresses { all: [0; C_FRAMES], number: C_FRAMES, more: false };
    // SAFETY: as in `c_stack`.
    unsafe { _Unwind_Backtrace(c_frame, (&raw mut found).cast()) };
}

/// Writes the names of the modules written in C, or natively in Cape, that are not the library's own. Nothing inside of a collection.
pub fn extension_modules(out: &mut Out<'_>) {
    if heap().is_collecting() {
        return;
    }
    let library: Option<Ptr<SetObj>> =
        LIBRARY_NAMES.try_get().and_then(|n| rt().sys().get_str(n)).and_then(|v| v.downcast());
    let modules: Ptr<DictObj> = rt().modules();
    let mut n = 0;
    for entry in modules.table.iter() {
        let (Some(key), Some(module)) = (entry.key.downcast::<StrObj>(), entry.value.downcast::<ModuleObj>()) else {
            continue;
        };
        let native = |k: &str| matches!(k, "sys" | "builtins") || rt().native_module(k).is_some();
        if module.def.get().is_null() && !key.as_ascii().is_some_and(native) {
            continue;
        }
        let is_key = |e: cape_vm::object::Entry| e.key.downcast::<StrObj>().is_some_and(|s| s.chars().eq(key.chars()));
        let is_own = key.as_ascii().is_some_and(|k| k.starts_with("_cape_"));
        if is_own || library.is_some_and(|l| l.table.iter().any(is_key)) {
            continue;
        }
        out.text(if n == 0 { "\nExtension modules: " } else { ", " });
        out.string(&key);
        n += 1;
    }
    if n > 0 {
        out.text(" (total: ");
        out.number(n, 10, 1);
        out.text(")\n");
    }
}
