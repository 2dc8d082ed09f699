//! The state of one thread that runs Python code.

use std::cell::Cell;
use std::sync::atomic::AtomicPtr;
use std::sync::{Arc, Mutex};

use cape_bytecode::Liveness;
use cape_heap::{Ptr, Tracer, Value, attention, heap};

use crate::exc::{Raised, Res};
use crate::frame::{Frame, mark};
use crate::interpreter::{self, Interpreter};
use crate::native::MethodDef;
use crate::object::*;
use crate::runtime::rt;

/// One thread's virtual machine: register stack, frame stack, handled exception.
pub struct Vm {
    /// Memory behind the pointers that follow.
    _stacks: Stacks,
    regs: *mut Value,
    regs_end: *mut Value,
    /// First register above the running frame's window.
    pub(crate) sp: Cell<*mut Value>,
    frames: *mut Frame,
    frames_end: *mut Frame,
    /// The running frame; one below the first when none runs.
    pub(crate) frame_top: Cell<*mut Frame>,
    /// The frame that an exception leaves, and the instruction where it was left.
    pub(crate) left_at: Cell<(*mut Frame, i32)>,
    /// The exception being handled (EMPTY: none at this level).
    pub(crate) handled: Cell<Value>,
    /// How many generators on the stack have set the exception of their resumer aside.
    pub(crate) set_aside: Cell<u32>,
    /// Where the handlers of late were in their tables, by the places of the instructions that raised ([`Vm::handler_hint`]).
    handler_hints: [Cell<u16>; HINTS],
    /// What the bridge keeps for this thread (its `PyThreadState`); null before the first extension.
    pub c_state: Cell<*mut u8>,
    /// The state that the bridge made for this VM alone, if the VM is a guest; null before the first extension.
    pub c_own_state: Cell<*mut u8>,
    /// The numbers that the bridge may lend for calls; null before the first.
    pub c_scratch: Cell<*mut u8>,
    /// The native function that was called last, for the messages of argument conversion.
    pub(crate) native_def: Cell<*const MethodDef>,
    /// Native frames must stay above this address.
    stack_limit: Cell<usize>,
    /// Python frames allowed, and the first frame that may therefore not be pushed.
    recursion_limit: Cell<u32>,
    frames_limit: Cell<*mut Frame>,
    /// The value of a StopIteration that a native iterator left without an exception object.
    stop_value: Cell<Value>,
    /// What an entry frame's compiled code has returned, on its way to the evaluation loop.
    pub(crate) returned: Cell<Value>,
    /// The exception on its way from compiled code to the evaluation loop.
    pub(crate) raised: Cell<Option<crate::exc::Raised>>,
    hooks: Cell<Hooks>,
    /// The native function that was called with keywords last.
    pub(crate) named_call: Cell<*const MethodDef>,
    /// Objects that are being printed by `repr` (an array used as a stack), against endless recursion.
    repr_guard: Cell<Value>,
    /// The current `contextvars` context (EMPTY until used).
    pub context: Cell<Value>,
    /// The event loop that runs in the thread, and the task that it runs (EMPTY: none).
    pub event_loop: Cell<Value>,
    pub event_task: Cell<Value>,
    /// The async-generator hooks: firstiter, finalizer.
    pub asyncgen_hooks: [Cell<Value>; 2],
    /// `sys.set_coroutine_origin_tracking_depth`.
    pub origin_depth: Cell<u32>,
    /// `threading.get_ident()`.
    pub ident: Cell<u64>,
    /// What `_thread._local` objects have to forget when the thread ends (a list, EMPTY until used).
    pub local_dicts: Cell<Value>,
    /// What tools have to know of this thread.
    pub(crate) stops: crate::monitor::Stops,
    /// The VM that was listed before this one: see [`crate::gil::each_vm_unlocked`].
    pub(crate) older: AtomicPtr<Vm>,
    /// What it runs in.
    interpreter: Arc<Interpreter>,
    /// Its thread has another VM, which it had first: this one is for work in another interpreter.
    pub(crate) guest: bool,
}

/// What higher crates do for the VM.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// The first weak reference to an object, or None.
    pub first_weakref: fn(Value) -> Value,
    /// Work asked for through [`request`]: signals, pending calls, finalizers, the GIL.
    pub poll: fn(&Vm) -> Res<()>,
    /// A memoryview of a buffer from which no other can be made.
    pub restricted_view: fn(crate::buffer::Buffer) -> Value,
}

/// Asks the running thread to call [`Hooks::poll`] soon.
pub fn request() {
    attention().request();
}

/// Whether somebody asked.
#[inline(always)]
pub(crate) fn requested() -> bool {
    attention().is_requested()
}

/// The request is being served.
pub fn clear_request() {
    attention().clear_request();
}

struct Current(Cell<*const Vm>);
// SAFETY: written when a thread takes the GIL, read with the GIL held.
unsafe impl Sync for Current {}
static CURRENT: Current = Current(Cell::new(std::ptr::null()));

/// The VM of the thread that holds the GIL.
#[inline(always)]
pub fn current() -> &'static Vm {
    debug_assert!(!CURRENT.0.get().is_null());
    // SAFETY: set while a thread holds the GIL; a thread's Vm outlives its holding the GIL.
    unsafe { &*CURRENT.0.get() }
}

/// Makes `vm` (or nothing) the current one; with the GIL held.
pub fn set_current(vm: Option<&Vm>) {
    CURRENT.0.set(vm.map_or(std::ptr::null(), |v| v as *const Vm));
    if let Some(vm) = vm {
        interpreter::run_in(vm);
    }
    if let Some(vm) = vm
        && vm.c_state.get().is_null()
        && let Some(foreign) = crate::foreign::try_foreign()
    {
        foreign.thread_runs(vm);
    }
}

/// Python frames allowed unless somebody says otherwise.
const RECURSION_LIMIT: u32 = 1000;
/// Notes of handlers: a power of two.
const HINTS: usize = 128;

const REGISTERS: usize = 8 << 20;
const FRAMES: usize = 1 << 19;

/// The register stack and the frame stack of a thread: address space that the system backs as it is used.
pub struct Stacks {
    regs: *mut Value,
    frames: *mut Frame,
}

// SAFETY: memory that belongs to whoever has the struct.
unsafe impl Send for Stacks {}

/// Stacks of threads that have ended, for those that come: mapping them anew, with the faults of their first pages, is most of what
/// a thread of C's pays that takes the GIL for a moment. Whoever finds the list locked does without it (a fork's child may for ever).
static SPARE: Mutex<Vec<Stacks>> = Mutex::new(Vec::new());
/// How many are kept.
const SPARES: usize = 4;
/// Stacks that were used up to here have more memory behind them than is worth keeping.
const DEEP_FRAME: usize = 256;
const DEEP_REGISTER: usize = 16 << 10;

impl Stacks {
    /// New ones; `None` when there is no address space left for them.
    pub fn reserve() -> Option<Stacks> {
        if let Some(spare) = SPARE.try_lock().ok().and_then(|mut spare| spare.pop()) {
            return Some(spare);
        }
        let regs = reserve(REGISTERS * size_of::<Value>())? as *mut Value;
        match reserve(FRAMES * size_of::<Frame>()) {
            Some(frames) => Some(Stacks { regs, frames: frames as *mut Frame }),
            None => {
                // SAFETY: mapped above, with this size.
                unsafe { libc::munmap(regs as *mut _, REGISTERS * size_of::<Value>()) };
                None
            }
        }
    }
}

impl Stacks {
    /// Whether much of them was ever used: what is mapped anew is zero, a frame's code and most values are not.
    fn was_deep(&self) -> bool {
        // SAFETY: both are inside the mappings; any bits are a word.
        unsafe {
            *(self.frames.add(DEEP_FRAME) as *const usize) != 0
                || *(self.regs.add(DEEP_REGISTER) as *const u64) != 0
        }
    }
}

impl Drop for Stacks {
    fn drop(&mut self) {
        if !self.was_deep()
            && let Ok(mut spare) = SPARE.try_lock()
            && spare.len() < SPARES
        {
            spare.push(Stacks { regs: self.regs, frames: self.frames });
            return;
        }
        // SAFETY: the mappings were made with these sizes.
        unsafe {
            libc::munmap(self.regs as *mut _, REGISTERS * size_of::<Value>());
            libc::munmap(self.frames as *mut _, FRAMES * size_of::<Frame>());
        }
    }
}

fn reserve(bytes: usize) -> Option<*mut u8> {
    // SAFETY: an anonymous private mapping, backed lazily.
    let p = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    (p != libc::MAP_FAILED).then_some(p as *mut u8)
}

/// Native stack that is kept free below the limit for Rust and C leaf functions.
const STACK_MARGIN: usize = 512 << 10;

fn native_stack_limit() -> usize {
    let (low, top) = cape_heap::stack_bounds();
    if low == 0 {
        return 0;
    }
    // The main thread's mapping may be unlimited: trust at most 8 MiB there.
    let usable = (top - low).min(8 << 20);
    top - usable + STACK_MARGIN.min(usable / 4)
}

impl Vm {
    /// A VM for the calling thread.
    pub fn new(stacks: Stacks, interpreter: Arc<Interpreter>) -> Box<Vm> {
        let Stacks { regs, frames } = stacks;
        Box::new(Vm {
            _stacks: stacks,
            regs,
            // SAFETY: inside the mappings.
            regs_end: unsafe { regs.add(REGISTERS) },
            sp: Cell::new(regs),
            // The first frame is left unused so that "one below the first" stays inside the mapping.
            // SAFETY: as above.
            frames: unsafe { frames.add(1) },
            // SAFETY: as above.
            frames_end: unsafe { frames.add(FRAMES) },
            frame_top: Cell::new(frames),
            left_at: Cell::new((std::ptr::null_mut(), -1)),
            handled: Cell::new(Value::EMPTY),
            set_aside: Cell::new(0),
            handler_hints: [const { Cell::new(0) }; HINTS],
            c_state: Cell::new(std::ptr::null_mut()),
            c_own_state: Cell::new(std::ptr::null_mut()),
            native_def: Cell::new(std::ptr::null()),
            stack_limit: Cell::new(native_stack_limit()),
            recursion_limit: Cell::new(RECURSION_LIMIT),
            // SAFETY: as above.
            frames_limit: Cell::new(unsafe { frames.add(1 + RECURSION_LIMIT as usize) }),
            c_scratch: Cell::new(std::ptr::null_mut()),
            stop_value: Cell::new(Value::NONE),
            returned: Cell::new(Value::EMPTY),
            raised: Cell::new(None),
            hooks: Cell::new(Hooks {
                first_weakref: |_| Value::NONE,
                poll: |_| Ok(()),
                restricted_view: |_| Value::NONE,
            }),
            named_call: Cell::new(std::ptr::null()),
            repr_guard: Cell::new(Value::EMPTY),
            context: Cell::new(Value::EMPTY),
            event_loop: Cell::new(Value::EMPTY),
            event_task: Cell::new(Value::EMPTY),
            asyncgen_hooks: [const { Cell::new(Value::NONE) }; 2],
            origin_depth: Cell::new(0),
            ident: Cell::new(0),
            local_dicts: Cell::new(Value::EMPTY),
            stops: crate::monitor::Stops::new(),
            older: AtomicPtr::new(std::ptr::null_mut()),
            interpreter,
            guest: false,
        })
    }

    /// What it runs in.
    #[inline(always)]
    pub fn interpreter(&self) -> &Arc<Interpreter> {
        &self.interpreter
    }

    /// Whether its thread has another VM, which it had first.
    pub fn is_guest(&self) -> bool {
        self.guest
    }

    /// Reports this thread's roots.
    pub fn trace(&self, t: &mut Tracer<'_>) {
        if !t.young_only() {
            self.clear_dead_temporaries(usize::MAX);
            self.each_frame(|f| f.clear_suspended());
        } else if heap().makes_room() {
            self.clear_dead_temporaries(1);
        }
        let mut p = self.regs;
        while p < self.sp.get() {
            // SAFETY: between the stack's base and sp every register is initialised.
            t.visit(unsafe { &*(p as *const Cell<Value>) });
            p = p.wrapping_add(1);
        }
        let mut f = self.frames;
        while f <= self.frame_top.get() {
            // SAFETY: frames up to the top are initialised.
            unsafe { (*f).trace(t) };
            f = f.wrapping_add(1);
        }
        for c in [&self.handled, &self.stop_value, &self.repr_guard, &self.context, &self.local_dicts] {
            t.visit(c);
        }
        self.stops.trace(t);
        self.asyncgen_hooks.iter().chain([&self.event_loop, &self.event_task]).for_each(|c| t.visit(c));
    }

    /// Empties the temporaries of so many frames that nothing will read again, so that a collection finds nothing through them.
    pub fn clear_dead_temporaries(&self, mut frames: usize) {
        // The registers from the lowest base to the highest end of the frames above, whose windows may begin inside this one or
        // just behind it, and reach beyond those in between.
        let mut above: Option<(*mut Value, *mut Value)> = None;
        let mut f = self.frame_top.get();
        while f >= self.frames && frames > 0 {
            frames -= 1;
            // SAFETY: frames up to the top are initialised, their windows lie inside the register stack.
            unsafe {
                let frame = &*f;
                let (base, n) = (frame.base, frame.code.nregs as usize);
                let pc = frame.lasti();
                let live = frame.code.liveness.get_or_init(|| Liveness::new(&frame.code.unit));
                for r in frame.code.unit.first_temp()..n {
                    let at = base.add(r);
                    let dead = match above {
                        Some((from, to)) => at >= to || at < from && !live.is_live(pc, r),
                        None => !live.is_live(pc, r),
                    };
                    if dead && !frame.is(mark::BINDING) {
                        *at = Value::EMPTY;
                    }
                }
                // A window that is being filled may reach beyond this frame's, into those below it.
                let end = if frame.is(mark::BINDING) { self.regs_end } else { base.add(n) };
                above = Some((base, above.map_or(end, |(_, to)| to.max(end))));
                f = f.sub(1);
            }
        }
    }

    /// Installs what higher crates do for the VM.
    pub fn set_hooks(&self, hooks: Hooks) {
        self.hooks.set(hooks);
    }

    /// What higher crates do for the VM.
    pub fn hooks(&self) -> Hooks {
        self.hooks.get()
    }

    /// Gives each frame on the stack to `f`.
    pub(crate) fn each_frame(&self, mut f: impl FnMut(&mut Frame)) {
        let mut at = self.frames;
        while at <= self.frame_top.get() {
            // SAFETY: frames up to the top are initialised; nothing else has a reference to them while the GIL is held here.
            f(unsafe { &mut *at });
            at = at.wrapping_add(1);
        }
    }

    /// The first register, and the first that is not traced.
    pub(crate) fn registers(&self) -> (*mut Value, *mut Value) {
        (self.regs, self.sp.get())
    }

    pub(crate) fn frames_base(&self) -> *mut Frame {
        self.frames
    }

    /// The first frame that may not be pushed: what the recursion limit allows, and the stack has room for.
    #[inline(always)]
    pub(crate) fn frames_limit(&self) -> *mut Frame {
        self.frames_limit.get()
    }

    /// Python frames allowed.
    pub fn recursion_limit(&self) -> u32 {
        self.recursion_limit.get()
    }

    /// Sets how many Python frames are allowed.
    pub fn set_recursion_limit(&self, n: u32) {
        self.recursion_limit.set(n);
        self.frames_limit.set(self.frames.wrapping_add(n as usize).min(self.frames_end));
    }

    #[inline(always)]
    pub(crate) fn regs_end(&self) -> *mut Value {
        self.regs_end
    }

    /// Keeps an exception for compiled code, which leaves with it before anything is allocated.
    pub fn keep_raised(&self, r: crate::exc::Raised) {
        self.raised.set(Some(r));
    }

    /// Number of Python frames.
    pub fn depth(&self) -> usize {
        let n = (self.frame_top.get() as isize - self.frames as isize) / size_of::<Frame>() as isize + 1;
        n.max(0) as usize
    }

    /// The native function called last.
    pub fn native_def(&self) -> &'static MethodDef {
        // SAFETY: set before every call of a native function to a row that lives for ever.
        unsafe { &*self.native_def.get() }
    }

    /// Whether the native function that runs was called with keywords. To be asked once, before it calls another.
    pub fn called_by_name(&self) -> bool {
        let named = self.named_call.replace(std::ptr::null());
        !named.is_null() && std::ptr::eq(named, self.native_def.get())
    }

    /// RecursionError when the native stack is nearly used up. `what` completes the message.
    #[inline(always)]
    pub fn check_native_stack(&self, what: &str) -> Res<()> {
        if self.has_native_stack() { Ok(()) } else { Err(self.too_deep(what)) }
    }

    /// Whether the native stack is not nearly used up.
    #[inline(always)]
    pub(crate) fn has_native_stack(&self) -> bool {
        let here = 0u8;
        &raw const here as usize >= self.stack_limit.get()
    }

    #[cold]
    pub(crate) fn too_deep(&self, what: &str) -> Raised {
        self.recursion_error(format!("maximum recursion depth exceeded{what}"))
    }

    /// Runs `f` with the receiver put before the arguments, in scratch registers.
    pub fn with_receiver<R>(&self, receiver: Value, args: &[Value], f: impl FnOnce(&Vm, &[Value]) -> R) -> R {
        let base = self.sp.get();
        let n = args.len() + 1;
        assert!((self.regs_end as usize - base as usize) / 8 > n + 64, "register stack overflow");
        // SAFETY: there is room above sp, where nothing is that anybody has; the registers are made part of the traced stack by moving sp.
        let all = unsafe {
            *base = receiver;
            crate::object::copy_values(args, base.add(1));
            self.sp.set(base.add(n));
            std::slice::from_raw_parts(base, n)
        };
        let r = f(self, all);
        self.sp.set(base);
        r
    }

    /// The exception being handled (`sys.exception()`), looking through generators to their resumers.
    pub fn handled_exception(&self) -> Option<Ptr<ExcObj>> {
        let own = self.handled.get();
        if !own.is_empty() && !own.is_none() {
            return own.downcast();
        }
        if self.set_aside.get() == 0 {
            return None;
        }
        let mut f = self.frame_top.get();
        while f >= self.frames {
            // SAFETY: frames up to the top are initialised.
            let frame = unsafe { &*f };
            if !frame.generator.is_empty() {
                let outer = frame.outer_handled;
                if !outer.is_empty() && !outer.is_none() {
                    return outer.downcast();
                }
            }
            f = f.wrapping_sub(1);
        }
        None
    }

    /// Whether no exception is being handled.
    #[inline(always)]
    pub fn handles_nothing(&self) -> bool {
        self.handled.get().is_empty() && self.set_aside.get() == 0
    }

    /// Where to note which handler an instruction has. (Several instructions share a note: it is a guess.)
    #[inline(always)]
    pub(crate) fn handler_hint(&self, at: *const Cell<u64>) -> &Cell<u16> {
        // (Multiplied, for the instructions of one function are often evenly spaced.)
        &self.handler_hints
            [((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HINTS.ilog2())) as usize]
    }

    /// The raw handled-exception slot of this level.
    #[inline(always)]
    pub fn handled(&self) -> Value {
        self.handled.get()
    }

    /// A generator's frame is entered: what is handled is set aside.
    pub(crate) fn set_aside(&self, own: Value) -> Value {
        let outer = self.handled.replace(own);
        self.set_aside.set(self.set_aside.get() + !outer.is_empty() as u32);
        outer
    }

    /// It is left: what was set aside is handled again.
    pub(crate) fn take_back(&self, outer: Value) -> Value {
        self.set_aside.set(self.set_aside.get() - !outer.is_empty() as u32);
        self.handled.replace(outer)
    }

    /// Replaces the raw handled-exception slot of this level, for `PyErr_SetHandledException` and the like.
    pub fn set_handled(&self, v: Value) -> Value {
        self.handled.replace(v)
    }

    /// Globals of the running Python code. What another interpreter has called runs in `__main__`.
    pub fn caller_globals(&self) -> Option<Ptr<DictObj>> {
        match self.top_frame() {
            // SAFETY: the top frame is initialised.
            Some(f) => unsafe { (*f).globals.downcast() },
            None if self.guest => {
                rt().modules().get_str(rt().names.main)?.downcast::<ModuleObj>().map(|m| m.dict())
            }
            None => None,
        }
    }

    /// The builtins of the running code: what code that it executes uses, unless its globals say otherwise.
    pub fn caller_builtins(&self) -> Value {
        // SAFETY: the top frame is initialised.
        self.top_frame().map_or(rt().builtins().value(), |f| unsafe { (*f).builtins })
    }

    /// Takes the value that exhausted iterator left.
    pub fn take_stop_value(&self) -> Value {
        self.stop_value.replace(Value::NONE)
    }

    /// A native `__next__` that reports exhaustion leaves the value of the StopIteration here.
    pub fn leave_stop_value(&self, v: Value) {
        self.stop_value.set(v)
    }

    /// Enters `repr` of a container; false when it is already being printed. Pair with [`Vm::repr_leave`].
    pub fn repr_enter(&self, v: Value) -> bool {
        let stack = match self.repr_guard.get().downcast::<ListObj>() {
            Some(l) => l,
            None => {
                let l = ListObj::new(&[]);
                self.repr_guard.set(l.value());
                l
            }
        };
        if stack.generic_slice().is_some_and(|s| s.contains(&v)) {
            return false;
        }
        stack.push(v);
        true
    }

    /// Leaves `repr` of the container entered last.
    pub fn repr_leave(&self, v: Value) {
        if let Some(l) = self.repr_guard.get().downcast::<ListObj>()
            && let Some(i) = l.generic_slice().and_then(|s| s.iter().rposition(|&x| x == v))
        {
            l.remove(i);
        }
    }

    /// The UTF-8 text of a string; lone surrogates raise UnicodeEncodeError.
    pub fn utf8(&self, s: Ptr<StrObj>) -> Res<String> {
        if let Some(t) = s.to_utf8() {
            return Ok(t.into_owned());
        }
        let at = s.chars().position(|c| (0xd800..0xe000).contains(&c)).unwrap_or(0);
        let end = at + s.chars().skip(at).take_while(|c| (0xd800..0xe000).contains(c)).count();
        Err(self.unicode_encode_error_at("utf-8", s, at, end, "surrogates not allowed"))
    }

    /// A raised `UnicodeEncodeError`.
    #[cold]
    pub fn unicode_encode_error_at(
        &self,
        encoding: &str,
        s: Ptr<StrObj>,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Raised {
        let args = [
            StrObj::new(encoding).value(),
            s.value(),
            Value::int(start as i64),
            Value::int(end as i64),
            StrObj::new(reason).value(),
        ];
        let r = self.new_exc_args(rt().types.unicode_encode_error, &args);
        args.iter().enumerate().for_each(|(i, &v)| crate::exc::set_extra(r.exc(), i, v));
        r
    }

    /// A raised `UnicodeDecodeError`; `object` is the bytes object.
    #[cold]
    pub fn unicode_decode_error_at(
        &self,
        encoding: &str,
        object: Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Raised {
        let args = [
            StrObj::new(encoding).value(),
            object,
            Value::int(start as i64),
            Value::int(end as i64),
            StrObj::new(reason).value(),
        ];
        let r = self.new_exc_args(rt().types.unicode_decode_error, &args);
        args.iter().enumerate().for_each(|(i, &v)| crate::exc::set_extra(r.exc(), i, v));
        r
    }

    /// Whether the string is an identifier (keywords included).
    pub fn is_identifier(&self, s: Ptr<StrObj>) -> bool {
        let Some(t) = s.to_utf8() else { return false };
        let mut cs = t.chars();
        cs.next().is_some_and(|c| c == '_' || unicode_ident::is_xid_start(c))
            && cs.all(unicode_ident::is_xid_continue)
    }

    /// Safe point: serves requests.
    #[inline(always)]
    pub fn poll(&self) -> Res<()> {
        if requested() { (self.hooks.get().poll)(self) } else { Ok(()) }
    }
}

/// The heap, for callers that have the VM at hand.
pub fn collect(full: bool) {
    heap().collect(full)
}
