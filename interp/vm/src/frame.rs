//! Frames: the native records of running Python code, and the frame objects that Python sees of them.

use std::cell::Cell;

use cape_heap::{Field, Header, Ptr, Tracer, Value, WeakCell, heap, heap_object};

use crate::generator::{GenState, GeneratorObj};
use crate::object::*;
use crate::runtime::rt;
use crate::vm::Vm;

/// One running Python frame, on the thread's frame stack. Its registers are `base[0..code.nregs]`.
#[repr(C)]
pub struct Frame {
    /// The code.
    pub code: Ptr<CodeObj>,
    /// First register.
    pub base: *mut Value,
    /// The end of the traced registers when the frame was pushed, restored when it is popped.
    pub saved_sp: *mut Value,
    /// The instruction that is running, or (in callers) the one that called.
    pub pc: *const Cell<u64>,
    /// Where in the caller's registers the result goes.
    pub ret: u32,
    /// The frame was entered from native code: returning leaves the evaluation loop.
    pub entry: bool,
    /// What else is to be known of it: bits of [`mark`], none when it is pushed.
    pub marks: u8,
    /// The function (EMPTY for module and class code).
    pub func: Value,
    /// The globals dict.
    pub globals: Value,
    /// The builtins dict (or mapping).
    pub builtins: Value,
    /// The locals mapping of module, class and exec code; EMPTY in functions.
    pub locals: Value,
    /// The frame object, if Python asked for it; else EMPTY.
    pub object: Value,
    /// The generator whose body this is; else EMPTY.
    pub generator: Value,
    /// The frame runs `__init__` of this new object, which is the call's result; else EMPTY.
    pub ctor: Value,
    /// In generators: what the resumer had as handled exception.
    pub outer_handled: Value,
}

/// Bits of [`Frame::marks`].
pub(crate) mod mark {
    /// A callee's parameters are being put in place in the frame's upper registers.
    pub const BINDING: u8 = 1;
    /// It has stopped for a tool, or was running when somebody began to watch: its beginning is past.
    pub const STARTED: u8 = 2;
    /// Its pc stands behind the instruction that dropped what is being finalised.
    pub const PAST: u8 = 4;
}

impl Frame {
    /// Of a generator that runs: empties the copy of its registers that was kept while it was suspended, which is written anew when it
    /// is again. (One that is being suspended has written it already.)
    pub(crate) fn clear_suspended(&self) {
        let Some(g) = self.generator.downcast::<GeneratorObj>() else { return };
        if g.state() != GenState::Running {
            return;
        }
        if let Some(kept) = g.registers.downcast::<ArrayObj>() {
            for i in 0..kept.len() {
                // SAFETY: in bounds; what is no pointer needs no barrier, which a collection would not like.
                unsafe { kept.items_ptr().add(i).write(Value::EMPTY) };
            }
        }
    }

    /// Whether it has this mark.
    pub(crate) fn is(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    /// Gives it a mark, or takes it away; whether it had it.
    pub(crate) fn set_mark(&mut self, mark: u8, on: bool) -> bool {
        let had = self.is(mark);
        self.marks = if on { self.marks | mark } else { self.marks & !mark };
        had
    }

    pub(crate) fn trace(&mut self, t: &mut Tracer<'_>) {
        for v in [
            &mut self.func,
            &mut self.globals,
            &mut self.builtins,
            &mut self.locals,
            &mut self.object,
            &mut self.generator,
            &mut self.outer_handled,
            &mut self.ctor,
        ] {
            t.visit(Cell::from_mut(v));
        }
        let mut code = self.code.value();
        t.visit(Cell::from_mut(&mut code));
        debug_assert!(code == self.code.value(), "code objects do not move");
    }

    /// Word index of the running instruction.
    pub fn lasti(&self) -> u32 {
        let first = self.code.words.as_ptr();
        // SAFETY: pc points into the code's words.
        unsafe { self.pc.offset_from(first) as u32 }
    }

    /// That, or another word of the instruction, as whoever asks where the frame is sees it.
    pub fn place(&self) -> u32 {
        self.lasti() - self.is(mark::PAST) as u32
    }

    /// The line that is running.
    pub fn line(&self) -> u32 {
        let unit = &self.code.unit;
        unit.position(self.place()).map_or(unit.first_line, |p| p.line)
    }
}

heap_object! {
    /// A frame object. While the frame runs, `live` points to it; afterwards the object has a copy of what can be asked.
    pub struct FrameObj {
        pub live: Cell<*mut Frame>,
        pub code: Field,
        pub globals: Field,
        pub builtins: Field,
        pub locals: Field,
        /// The caller's frame object, once this one has finished.
        pub back: Field,
        /// The registers at the end, or those of a suspended generator (array); EMPTY before.
        pub registers: Field,
        /// A weak reference to the generator: a frame does not keep it. EMPTY until it rests.
        generator: Field,
        pub lasti: Cell<i32>,
        pub trace_fn: Field,
        /// Variables added through `f_locals` that the code does not have (a dict).
        pub extra_locals: Field,
        pub trace_lines: Cell<bool>,
        pub trace_opcodes: Cell<bool>,
        /// Line reported instead of the computed one (the bridge's synthetic frames); 0: computed.
        pub line_override: Cell<i32>,
    }
}

impl FrameObj {
    /// The code.
    pub fn code(&self) -> Ptr<CodeObj> {
        self.code.downcast().expect("code of a frame")
    }

    /// The word that runs or ran last.
    pub fn lasti(&self) -> u32 {
        let live = self.live.get();
        // SAFETY: a live frame stays at its address until it clears this pointer.
        if live.is_null() { self.lasti.get() as u32 } else { unsafe { (*live).place() } }
    }

    /// That as Python code sees it.
    pub fn offset(&self) -> i64 {
        match self.lasti() {
            _ if self.begins() => 0,
            u32::MAX => byte_offset(-1),
            word => byte_offset(self.code().unit.instruction_of(word) as i32),
        }
    }

    /// Whether its beginning is being reported, to whomever: it stands before its first instruction.
    fn begins(&self) -> bool {
        crate::vm::current().reports_beginning(self.live.get())
    }

    /// The line that runs or ran last.
    pub fn line(&self) -> u32 {
        if self.line_override.get() != 0 {
            return self.line_override.get() as u32;
        }
        let code = self.code();
        if self.begins() {
            return code.first_line();
        }
        code.unit.position(self.lasti()).map_or(code.first_line(), |p| p.line)
    }

    /// The generator whose frame it is.
    pub fn generator(&self) -> Option<Ptr<GeneratorObj>> {
        let live = self.live.get();
        if !live.is_null() {
            // SAFETY: a live frame stays at its address until it clears this pointer.
            return unsafe { (*live).generator }.downcast();
        }
        self.generator.downcast::<WeakCell>()?.target().downcast()
    }

    /// A generator's frame while that does not run.
    fn rests_in(frame: Ptr<FrameObj>, g: Ptr<GeneratorObj>) {
        frame.registers.set(frame, g.registers.get());
        if frame.generator.downcast::<WeakCell>().is_none_or(|w| w.target().is_empty()) {
            let weak = heap().new_weak(rt().maps.weak_cell, g.value(), Value::EMPTY);
            frame.generator.set(frame, weak.value());
        }
    }

    /// The registers: those of the running frame, the suspended generator, or the copy.
    pub fn registers(&self) -> Option<&[Value]> {
        let live = self.live.get();
        if !live.is_null() {
            // SAFETY: as above; a frame has nregs registers.
            return Some(unsafe { std::slice::from_raw_parts((*live).base, (&(*live).code).nregs as usize) });
        }
        if let Some(a) = self.registers.downcast::<ArrayObj>() {
            // SAFETY: the array is reachable from this frame object, which the caller holds on its native stack; it is
            // only read before the next allocation.
            return Some(unsafe { std::slice::from_raw_parts(a.items_ptr(), a.len()) });
        }
        None
    }

    /// Where register `i` is stored now, to write to.
    pub fn set_register(&self, i: usize, v: Value) {
        let live = self.live.get();
        if !live.is_null() {
            // SAFETY: as above.
            unsafe { *(*live).base.add(i) = v };
        } else if let Some(a) = self.registers.downcast::<ArrayObj>() {
            a.set(i, v);
        }
    }

    /// A frame object that never runs: for tracebacks that the bridge makes.
    pub fn synthetic(code: Ptr<CodeObj>, globals: Value, line: i32) -> Ptr<FrameObj> {
        let f = FrameObj::alloc(code, globals, Value::EMPTY);
        f.line_override.set(line);
        f
    }

    fn alloc(code: Ptr<CodeObj>, globals: Value, builtins: Value) -> Ptr<FrameObj> {
        let map = rt().maps.frame;
        let none = || Field::new(Value::EMPTY);
        heap().alloc(
            map,
            FrameObj {
                header: Header::new(map),
                live: Cell::new(std::ptr::null_mut()),
                code: Field::new(code.value()),
                globals: Field::new(globals),
                builtins: Field::new(builtins),
                locals: none(),
                back: none(),
                registers: none(),
                generator: none(),
                lasti: Cell::new(-1),
                trace_fn: Field::new(Value::NONE),
                extra_locals: none(),
                trace_lines: Cell::new(true),
                trace_opcodes: Cell::new(false),
                line_override: Cell::new(0),
            },
        )
    }
}

impl Vm {
    /// The frame object of a running frame, made when first asked for.
    #[allow(clippy::not_unsafe_ptr_arg_deref, reason = "frames are only named by the VM's own accessors")]
    pub fn frame_object(&self, frame: *mut Frame) -> Ptr<FrameObj> {
        // SAFETY: the caller passes a frame of this thread's stack.
        let f = unsafe { &mut *frame };
        if let Some(o) = f.object.downcast() {
            return o;
        }
        let generator: Option<Ptr<GeneratorObj>> = f.generator.downcast();
        if let Some(o) = generator.and_then(|g| g.frame.downcast::<FrameObj>()) {
            f.object = o.value();
            o.live.set(frame);
            return o;
        }
        let o = FrameObj::alloc(f.code, f.globals, f.builtins);
        o.live.set(frame);
        o.locals.set(o, f.locals);
        f.object = o.value();
        if let Some(g) = generator {
            g.frame.set(g, o.value());
        }
        o
    }

    /// The frame object of a generator that has not finished.
    pub fn generator_frame(&self, g: Ptr<GeneratorObj>) -> Ptr<FrameObj> {
        if let Some(o) = g.frame.downcast() {
            return o;
        }
        let mut f = self.frame_top.get();
        while f >= self.frames_base() {
            // SAFETY: frames up to the top are initialised.
            if unsafe { (*f).generator } == g.value() {
                return self.frame_object(f);
            }
            f = f.wrapping_sub(1);
        }
        let o = FrameObj::alloc(g.code(), g.globals.get(), g.builtins.get());
        FrameObj::rests_in(o, g);
        o.lasti.set(g.pc.get() as i32);
        g.frame.set(g, o.value());
        o
    }

    /// The frame below `frame` on this thread's stack.
    pub fn frame_below(&self, frame: *mut Frame) -> Option<*mut Frame> {
        let below = frame.wrapping_sub(1);
        (below >= self.frames_base()).then_some(below)
    }

    /// The running frame.
    pub fn top_frame(&self) -> Option<*mut Frame> {
        let t = self.frame_top.get();
        (t >= self.frames_base()).then_some(t)
    }

    /// The frame object's `f_back`.
    pub fn frame_back(&self, f: Ptr<FrameObj>) -> Option<Ptr<FrameObj>> {
        let live = f.live.get();
        if live.is_null() {
            return f.back.downcast();
        }
        let back = |vm: &Vm| vm.frame_below(live).map(|b| vm.frame_object(b));
        if self.holds(live) {
            return back(self);
        }
        // Another thread's.
        let mut found = None;
        crate::gil::each_vm(|vm| {
            if vm.holds(live) {
                found = back(vm);
            }
        });
        found
    }

    /// Whether a running frame is on this thread's stack.
    fn holds(&self, frame: *mut Frame) -> bool {
        self.frames_base() <= frame && frame <= self.frame_top.get()
    }

    /// A frame with a frame object is leaving: the object takes over what can still be asked.
    #[cold]
    pub(crate) fn detach_frame_object(&self, frame: *mut Frame, finished: bool) {
        // SAFETY: the caller passes the running frame.
        let f = unsafe { &mut *frame };
        let Some(o) = f.object.downcast::<FrameObj>() else { return };
        if finished {
            // The variables only: what a finished frame computed on the way is gone.
            // SAFETY: a frame has nregs registers.
            let regs = unsafe { std::slice::from_raw_parts(f.base, f.code.unit.first_temp()) };
            let kept = ArrayObj::new(f.code.nregs as usize);
            kept.copy_from(0, regs);
            o.registers.set(o, kept.value());
            // A generator's frame is left by whoever resumed it last, which is none of its past.
            if f.generator.is_empty()
                && let Some(b) = self.frame_below(frame)
            {
                let b = self.frame_object(b);
                o.back.set(o, b.value());
            }
        }
        if !finished && let Some(g) = f.generator.downcast() {
            FrameObj::rests_in(o, g);
        }
        o.lasti.set(f.lasti() as i32);
        o.live.set(std::ptr::null_mut());
        f.object = Value::EMPTY;
    }
}
