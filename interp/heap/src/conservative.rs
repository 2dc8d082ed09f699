//! Native stacks: which threads have one, how far it is in use, and the scan of its words.
//!
//! A collection runs on the thread that holds the GIL, from its stack pointer up to its stack's base.
//! Every other thread has left the interpreter through [`Heap::release_thread`] (or
//! [`Heap::save_stack`]), which spilled its registers and recorded how deep its stack was.

use std::arch::asm;
use std::cell::Cell;

use crate::heap::Heap;

/// A thread that may hold managed pointers in its native stack.
struct Thread {
    id: u32,
    /// The lowest address of the stack, when it is known.
    low: usize,
    base: usize,
    /// Stacks that the thread has left for another one (see [`Heap::enter_stack`]): stack pointer, low end, base.
    left: Vec<(usize, usize, usize)>,
    /// The stack pointer when it gave up the GIL; 0 while it runs, or never ran.
    sp: usize,
    /// The registers that its callers had not spilled when it gave up the GIL ([`Heap::park_thread`]).
    regs: [usize; 12],
}

/// The attached threads.
pub(crate) struct Threads {
    list: Vec<Thread>,
    /// The one with the GIL; 0 when none has it.
    current: u32,
    last_id: u32,
}

thread_local! {
    static THIS: Cell<u32> = const { Cell::new(0) };
    /// The ends of the thread's stack; zeros until they are asked for.
    static BOUNDS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

impl Threads {
    pub(crate) const fn new() -> Threads {
        Threads { list: Vec::new(), current: 0, last_id: 0 }
    }

    fn find(&mut self, id: u32) -> Option<&mut Thread> {
        self.list.iter_mut().find(|t| t.id == id)
    }

    /// Calls `f` for each range of stack words in use, given the running thread's stack pointer.
    pub(crate) fn ranges(&self, sp: usize, f: &mut dyn FnMut(usize, usize)) {
        for t in &self.list {
            let sp = if t.id == self.current { sp } else { t.sp };
            if sp == 0 {
                continue;
            }
            assert!(
                t.low <= sp && sp <= t.base,
                "a collection on a native stack that the heap was not told of (Heap::enter_stack)"
            );
            f(sp, t.base);
            if t.id != self.current {
                let regs = t.regs.as_ptr() as usize;
                f(regs, regs + size_of_val(&t.regs));
            }
            t.left.iter().for_each(|&(sp, _, base)| f(sp, base));
        }
    }
}

/// The highest address of the calling thread's stack.
pub fn native_stack_base() -> usize {
    stack_bounds().1
}

/// The ends of the calling thread's stack; (0, an address above all others) when the system does not say. Asked for once: a
/// thread of C attaches and detaches again and again.
pub fn stack_bounds() -> (usize, usize) {
    let known = BOUNDS.get();
    if known.1 != 0 {
        return known;
    }
    let bounds = ask_for_bounds();
    BOUNDS.set(bounds);
    bounds
}

fn ask_for_bounds() -> (usize, usize) {
    // SAFETY: pthread_getattr_np initialises the attributes, which are destroyed after use.
    unsafe {
        let mut attr = std::mem::zeroed();
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) != 0 {
            return (0, usize::MAX & !7);
        }
        libc::pthread_attr_getstack(&attr, &mut low, &mut size);
        libc::pthread_attr_destroy(&mut attr);
        (low as usize, low as usize + size)
    }
}

/// Calls `f` with a stack pointer below which nothing of the caller is kept: the callee-saved registers
/// are spilled above it.
#[inline(never)]
pub(crate) fn with_registers<R>(f: impl FnOnce(usize) -> R) -> R {
    with_register_words(|sp, _| f(sp))
}

#[inline(never)]
fn with_register_words<R>(f: impl FnOnce(usize, &[usize; 12]) -> R) -> R {
    let mut regs = [0usize; 12];
    let sp: usize;
    // SAFETY: stores registers into an array that is large enough, and reads the stack pointer.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "mov [{r}], rbx", "mov [{r} + 8], rbp", "mov [{r} + 16], r12",
            "mov [{r} + 24], r13", "mov [{r} + 32], r14", "mov [{r} + 40], r15",
            "mov {sp}, rsp",
            r = in(reg) regs.as_mut_ptr(), sp = out(reg) sp, options(nostack, preserves_flags)
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "stp x19, x20, [{r}]", "stp x21, x22, [{r}, 16]", "stp x23, x24, [{r}, 32]",
            "stp x25, x26, [{r}, 48]", "stp x27, x28, [{r}, 64]", "str x29, [{r}, 80]",
            "mov {sp}, sp",
            r = in(reg) regs.as_mut_ptr(), sp = out(reg) sp, options(nostack, preserves_flags)
        );
    }
    let result = f(sp & !7, &regs);
    std::hint::black_box(&regs);
    result
}

/// Overwrites the native stack below the caller's frame: what calls that have returned left there keeps nothing alive.
#[inline(never)]
pub(crate) fn scrub_stack() {
    std::hint::black_box([0u64; 4096]);
}

/// As [`scrub_stack`], as far as most calls reach: what a collection ends with. Words that are left there point to where objects have been, and
/// would keep what is made in their places as soon as a frame lies around them that has places which nothing writes. (Under zeal, where
/// places are used again all the time, this is done at each allocation.)
#[inline(never)]
pub(crate) fn scrub_for_later() {
    // (A reference to a constant would be one to memory that is there already.)
    let mut words = [0u64; 1536];
    std::hint::black_box(&mut words);
}

/// Calls `f` with every word of `start .. end`, and where it is.
///
/// # Safety
/// The range must be a readable part of a stack.
#[inline]
pub(crate) unsafe fn words(start: usize, end: usize, f: &mut impl FnMut(usize, usize)) {
    let mut p = start;
    while p < end {
        // SAFETY: the caller's promise; the volatile read takes whatever is there.
        f(unsafe { std::ptr::read_volatile(p as *const usize) }, p);
        p += 8;
    }
}

impl Heap {
    /// Makes the calling thread, which must hold the GIL, known to the collector: from now on it may hold
    /// managed pointers in the part of its stack below `stack_base` (see [`native_stack_base`]).
    /// Does nothing but make it the running thread when it is attached already.
    pub fn attach_thread(&self, stack_base: usize) {
        self.ensure_init();
        // SAFETY: the GIL is held, and no other reference to the threads is alive.
        let threads = unsafe { &mut (*self.state()).threads };
        let id = THIS.get();
        if threads.find(id).is_none() {
            threads.last_id += 1;
            THIS.set(threads.last_id);
            let (low, base) = stack_bounds();
            let low = if low < stack_base && stack_base <= base { low } else { 0 };
            let thread = Thread {
                id: threads.last_id,
                low,
                base: stack_base & !7,
                left: Vec::new(),
                sp: 0,
                regs: [0; 12],
            };
            threads.list.push(thread);
        }
        threads.current = THIS.get();
    }

    /// Forgets the calling thread, which holds the GIL and no managed pointer any more.
    pub fn detach_thread(&self) {
        // SAFETY: as in attach_thread.
        let threads = unsafe { &mut (*self.state()).threads };
        let id = THIS.replace(0);
        threads.list.retain(|t| t.id != id);
        if threads.current == id {
            threads.current = 0;
        }
    }

    /// Whether the calling thread is attached.
    pub fn is_attached(&self) -> bool {
        THIS.get() != 0
    }

    /// Records that the calling thread is about to give up the GIL with its stack in use down to `sp`;
    /// the caller must have spilled its registers above `sp` and must not return from that frame until
    /// [`Heap::resume_thread`]. [`Heap::release_thread`] does all that.
    pub fn save_stack(&self, sp: usize) {
        // SAFETY: as in attach_thread.
        let threads = unsafe { &mut (*self.state()).threads };
        let id = THIS.get();
        if let Some(t) = threads.find(id) {
            t.sp = sp & !7;
        }
        if threads.current == id {
            threads.current = 0;
        }
    }

    /// As [`Heap::save_stack`], for a thread that goes on running C code after giving up the GIL: what its callers keep in
    /// registers is remembered too, and the caller may return.
    pub fn park_thread(&self) {
        with_register_words(|sp, regs| {
            self.save_stack(sp);
            // SAFETY: as in attach_thread.
            let threads = unsafe { &mut (*self.state()).threads };
            if let Some(t) = threads.find(THIS.get()) {
                for (to, &from) in t.regs.iter_mut().zip(regs) {
                    // SAFETY: a place of the array. Volatile, because wider loads would wait for the stores of these words.
                    unsafe { std::ptr::from_mut(to).write_volatile(from) };
                }
            }
        })
    }

    /// Records that the calling thread has taken the GIL again. Attaches it when it is new.
    pub fn resume_thread(&self) {
        // SAFETY: as in attach_thread.
        let threads = unsafe { &mut (*self.state()).threads };
        let id = THIS.get();
        match threads.find(id) {
            Some(t) => {
                t.sp = 0;
                threads.current = id;
            }
            None => self.attach_thread(native_stack_base()),
        }
    }

    /// Runs `f` (which gives up the GIL, does something without managed pointers, and takes the GIL again)
    /// with the calling thread's registers spilled and its stack visible to other threads' collections.
    pub fn release_thread<R>(&self, f: impl FnOnce() -> R) -> R {
        with_registers(|sp| {
            self.save_stack(sp);
            let r = f();
            self.resume_thread();
            r
        })
    }

    /// For threads of the C side that only ever take and leave the GIL: the thread keeps its place in the
    /// list, but its stack holds no managed pointers now.
    pub fn clear_stack(&self) {
        // SAFETY: as in attach_thread.
        let threads = unsafe { &mut (*self.state()).threads };
        let id = THIS.get();
        if let Some(t) = threads.find(id) {
            t.sp = 0;
        }
        if threads.current == id {
            threads.current = 0;
        }
    }

    /// Tells that the running thread goes on on another stack, `low .. base`, having left its present one at `sp` (registers
    /// spilled above it). For code that switches stacks, as `stacker` does.
    pub fn enter_stack(&self, sp: usize, low: usize, base: usize) {
        self.check_thread();
        // SAFETY: as in attach_thread.
        let threads = unsafe { &mut (*self.state()).threads };
        if let Some(t) = threads.find(THIS.get()) {
            t.left.push((sp & !7, t.low, t.base));
            (t.low, t.base) = (low, base & !7);
        }
    }

    /// Tells that the running thread is back on the stack that it left last.
    pub fn leave_stack(&self) {
        // SAFETY: as in attach_thread.
        let threads = unsafe { &mut (*self.state()).threads };
        if let Some(t) = threads.find(THIS.get())
            && let Some((_, low, base)) = t.left.pop()
        {
            (t.low, t.base) = (low, base);
        }
    }

    /// In a forked child: the other threads are gone.
    pub fn after_fork(&self) {
        // SAFETY: as in attach_thread.
        let threads = unsafe { &mut (*self.state()).threads };
        threads.list.retain(|t| t.id == THIS.get());
        threads.current = THIS.get();
    }

    /// Makes sure that the running thread is attached, whatever its embedder did.
    pub(crate) fn check_thread(&self) {
        // SAFETY: as in attach_thread.
        let threads = unsafe { &mut (*self.state()).threads };
        let id = THIS.get();
        if id == 0 || threads.current != id {
            self.resume_thread();
        }
    }
}
