//! Starting and joining threads.

use std::sync::{Arc, Weak};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicU8, AtomicUsize, Ordering};

use cape_heap::{Header, Native, Root, heap, heap_object};
use cape_vm::gil::{self, Attached};
use cape_vm::interpreter::{Interpreter, Stage};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{DictObj, ModuleObj, TupleObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::duration::{Round, nanoseconds};
use crate::lock::RawLock;

heap_object! {
    /// A `_thread._ThreadHandle`.
    pub struct HandleObj { shared: Native<Arc<Shared>> } [drop]
}

impl Named for HandleObj {
    const NAME: &'static str = "_thread._ThreadHandle";
}

const NOT_STARTED: u8 = 0;
const STARTING: u8 = 1;
const RUNNING: u8 = 2;
const DONE: u8 = 3;

/// What the thread and its handles share.
struct Shared {
    state: AtomicU8,
    ident: AtomicU64,
    /// Held until the thread has ended.
    ended: RawLock,
    daemon: std::sync::atomic::AtomicBool,
    /// The number of the interpreter that it runs in.
    interpreter: AtomicI64,
}

// SAFETY: all fields are synchronised.
unsafe impl Sync for Shared {}

impl Shared {
    fn new() -> Arc<Shared> {
        let s = Shared {
            state: AtomicU8::new(NOT_STARTED),
            ident: AtomicU64::new(0),
            ended: RawLock::default(),
            daemon: std::sync::atomic::AtomicBool::new(true),
            interpreter: AtomicI64::new(0),
        };
        s.ended.try_acquire();
        let s = Arc::new(s);
        let mut all = ALL.lock().unwrap_or_else(|e| e.into_inner());
        if all.len() == all.capacity() {
            all.retain(|s| s.strong_count() > 0);
        }
        all.push(Arc::downgrade(&s));
        drop(all);
        s
    }

    fn finish(&self) {
        if self.state.swap(DONE, Ordering::AcqRel) != DONE {
            self.ended.release();
        }
    }
}

static HANDLE: StaticType = StaticType::new();
static STACK_SIZE: AtomicUsize = AtomicUsize::new(0);
/// Threads that the interpreter waits for at exit.
static JOIN_AT_EXIT: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());
/// All that handles tell of, so that a fork's child can say which threads are no more.
static ALL: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());
static MAIN_IDENT: AtomicU64 = AtomicU64::new(0);

pub(super) fn init(m: Ptr<ModuleObj>) {
    gil::each_vm(|vm| {
        if gil::is_main_thread(vm) {
            MAIN_IDENT.store(vm.ident.get(), Ordering::Relaxed)
        }
    });
    let t = new_type::<HandleObj>("_thread._ThreadHandle", rt().types.object, 0)
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", |_: &Vm, _: Value, _: Value, _: Value| {
            new_handle(Shared::new())
        })
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, h: Ptr<HandleObj>| {
            format!("<{} object: ident={}>", type_of(h.value()).name_str(), h.shared.ident.load(Ordering::Relaxed))
        })
        .method("_set_done($self, /)", "", |vm: &Vm, h: Ptr<HandleObj>| {
            if h.shared.state.load(Ordering::Acquire) < RUNNING {
                return Err(vm.runtime_error("thread not started"));
            }
            h.shared.finish();
            Ok(())
        })
        .method("is_done($self, /)", "", |_: &Vm, h: Ptr<HandleObj>| h.shared.state.load(Ordering::Acquire) == DONE)
        .method("join($self, timeout=None, /)", "", join)
        .getter("ident", "", |_: &Vm, h: Ptr<HandleObj>| h.shared.ident.load(Ordering::Relaxed))
        .class();
    HANDLE.set(t);
    m.class(t);
    m.function("_count($module, /)", "Return the number of currently running Python threads, excluding the main thread.", |vm: &Vm| {
        vm.interpreter().thread_count()
    })
    .function("_get_main_thread_ident($module, /)", "Internal only.", |_: &Vm| MAIN_IDENT.load(Ordering::Relaxed))
    .function("_make_thread_handle($module, ident, /)", "Internal only. Make a thread handle for threads not spawned by the _thread or threading module.", |_: &Vm, ident: u64| {
        let s = Shared::new();
        s.ident.store(ident, Ordering::Relaxed);
        s.state.store(RUNNING, Ordering::Release);
        new_handle(s)
    })
    .function("_shutdown($module, /)", "Wait for all non-daemon threads (other than the calling thread) to stop.", shutdown)
    .function("daemon_threads_allowed($module, /)", "Return True if daemon threads are allowed in the current interpreter.", |vm: &Vm| {
        vm.interpreter().settings.allow_daemon_threads
    })
    .function("stack_size($module, size=0, /)", "Return the thread stack size used when creating new threads.", stack_size)
    .function("start_new_thread($module, function, args, kwargs={}, /)", "Start a new thread and return its identifier.", start_new_thread)
    .function("start_new($module, function, args, kwargs={}, /)", "An obsolete synonym of start_new_thread().", start_new_thread)
    .function("start_joinable_thread($module, /, function, handle=None, daemon=True)", "*For internal use only*: start a new thread.", start_joinable);
}

fn new_handle(shared: Arc<Shared>) -> Value {
    let map = HANDLE.get().instance_map();
    heap().alloc(map, HandleObj { header: Header::new(map), shared: Native(shared) }).value()
}

fn stack_size(vm: &Vm, size: Option<isize>) -> Res<usize> {
    let old = STACK_SIZE.load(Ordering::Relaxed);
    if let Some(n) = size {
        if n < 0 {
            return Err(vm.value_error("size must be 0 or a positive value"));
        }
        if n > 0 && n < 32768 {
            return Err(vm.value_error(format!("size not valid: {n} bytes")));
        }
        STACK_SIZE.store(n as usize, Ordering::Relaxed);
    }
    Ok(old)
}

/// What a new thread is given: a root of (function, args, kwargs), the shared state, the hooks.
struct Start {
    call: Root,
    shared: Arc<Shared>,
    hooks: cape_vm::vm::Hooks,
    stacks: cape_vm::vm::Stacks,
    interpreter: Arc<Interpreter>,
    started: Arc<RawLock>,
}

// SAFETY: the root is used with the GIL held.
unsafe impl Send for Start {}

fn start(vm: &Vm, function: Value, args: Value, kwargs: Value, shared: Arc<Shared>) -> Res<u64> {
    let interpreter = vm.interpreter();
    if !interpreter.settings.allow_threads {
        return Err(vm.runtime_error("thread is not supported for isolated subinterpreters"));
    }
    if crate::sys::is_finalizing() {
        let class = rt().types.python_finalization_error;
        return Err(vm.new_exc(class, "can't create new thread at interpreter shutdown"));
    }
    if interpreter.stage.get() >= Stage::Ending {
        let class = rt().types.python_finalization_error;
        return Err(vm.new_exc(class, "can't create new thread at interpreter shutdown"));
    }
    let Some(stacks) = cape_vm::vm::Stacks::reserve() else {
        return Err(vm.runtime_error("can't start new thread"));
    };
    shared.interpreter.store(interpreter.id(), Ordering::Relaxed);
    shared.state.store(STARTING, Ordering::Release);
    let started = Arc::new(RawLock::default());
    started.try_acquire();
    let data = Start {
        call: Root::new(TupleObj::new(&[function, args, kwargs]).value()),
        shared: shared.clone(),
        hooks: vm.hooks(),
        stacks,
        interpreter: interpreter.clone(),
        started: started.clone(),
    };
    let size = match STACK_SIZE.load(Ordering::Relaxed) {
        0 => 8 << 20,
        n => n.max(256 << 10),
    };
    interpreter.count_thread(1);
    let spawned = std::thread::Builder::new().stack_size(size).spawn(move || run(data));
    if spawned.is_err() {
        interpreter.count_thread(-1);
        shared.state.store(NOT_STARTED, Ordering::Release);
        return Err(vm.runtime_error("can't start new thread"));
    }
    // The thread says its identifier before it asks for the GIL.
    while !started.acquire(vm, None).unwrap_or(false) {}
    Ok(shared.ident.load(Ordering::Relaxed))
}

fn run(data: Start) {
    data.shared.ident.store(gil::this_ident(), Ordering::Relaxed);
    data.shared.state.store(RUNNING, Ordering::Release);
    data.started.release();
    let thread = Attached::new(data.hooks, data.stacks, data.interpreter);
    body(thread.vm(), data.call);
    thread.vm().interpreter().count_thread(-1);
    data.shared.finish();
    JOIN_AT_EXIT.lock().unwrap_or_else(|e| e.into_inner()).retain(|s| !Arc::ptr_eq(s, &data.shared));
    drop(thread);
}

/// Never inlined, so that nothing of it is left on the stack when the thread leaves.
#[inline(never)]
fn body(vm: &Vm, call: Root) {
    let t: Ptr<TupleObj> = call.get().downcast().expect("a tuple");
    drop(call);
    let (function, kwargs) = (t.get(0), t.get(2).downcast::<DictObj>());
    let args: Ptr<TupleObj> = t.get(1).downcast().expect("a tuple");
    // The stack may be that of a thread that has ended.
    vm.scrub_frames_to_come();
    if let Err(e) = vm.call_dict(function, args.as_slice(), kwargs) {
        super::report(vm, e, function);
    }
    super::local::leave(vm);
}

/// Not every interpreter has threads that nobody waits for.
fn check_daemon(vm: &Vm, daemon: bool) -> Res<()> {
    if daemon && !vm.interpreter().settings.allow_daemon_threads {
        return Err(vm.runtime_error("daemon threads are disabled in this (sub)interpreter"));
    }
    Ok(())
}

fn start_new_thread(vm: &Vm, function: Value, args: Value, kwargs: Option<Value>) -> Res<u64> {
    if !vm.is_callable(function) {
        return Err(vm.type_error("first arg must be callable"));
    }
    if !args.is::<TupleObj>() {
        return Err(vm.type_error("2nd arg must be a tuple"));
    }
    let kwargs = super::kwargs_of(vm, kwargs)?;
    check_daemon(vm, true)?;
    let told = [function, args, kwargs.map_or(Value::NONE, |d| d.value())];
    vm.audit("_thread.start_new_thread", &told)?;
    start(vm, function, args, kwargs.map_or(Value::NONE, |d| d.value()), Shared::new())
}

fn start_joinable(vm: &Vm, function: Value, handle: Option<Value>, daemon: Option<bool>) -> Res<Value> {
    if !vm.is_callable(function) {
        return Err(vm.type_error("thread function must be callable"));
    }
    check_daemon(vm, daemon.unwrap_or(true))?;
    let told = [function, Value::int(daemon.unwrap_or(true) as i64), handle.unwrap_or(Value::NONE)];
    vm.audit("_thread.start_joinable_thread", &told)?;
    let handle = match handle {
        Some(h) if !h.is_none() => h,
        _ => new_handle(Shared::new()),
    };
    let Some(h) = handle.downcast::<HandleObj>() else {
        return Err(vm.type_error("'handle' must be a _ThreadHandle"));
    };
    if h.shared.state.load(Ordering::Acquire) != NOT_STARTED {
        return Err(vm.runtime_error("thread already started"));
    }
    let shared: Arc<Shared> = (*h.shared).clone();
    let daemon = daemon.unwrap_or(true);
    shared.daemon.store(daemon, Ordering::Relaxed);
    shared.interpreter.store(vm.interpreter().id(), Ordering::Relaxed);
    if !daemon {
        JOIN_AT_EXIT.lock().unwrap_or_else(|e| e.into_inner()).push(shared.clone());
    }
    if let Err(e) = start(vm, function, rt().empty_tuple().value(), Value::NONE, shared.clone()) {
        JOIN_AT_EXIT.lock().unwrap_or_else(|e| e.into_inner()).retain(|s| !Arc::ptr_eq(s, &shared));
        return Err(e);
    }
    Ok(handle)
}

fn join(vm: &Vm, h: Ptr<HandleObj>, timeout: Option<Value>) -> Res<()> {
    let timeout = match timeout {
        Some(t) if !t.is_none() => {
            let ns = nanoseconds(vm, t, Round::Up)?;
            // Negative means for ever, as for locks.
            if ns < 0 { None } else { Some(ns) }
        }
        _ => None,
    };
    if h.shared.state.load(Ordering::Acquire) == NOT_STARTED {
        return Err(vm.runtime_error("thread not started"));
    }
    if h.shared.ident.load(Ordering::Relaxed) == vm.ident.get()
        && h.shared.state.load(Ordering::Acquire) != DONE
    {
        return Err(vm.runtime_error("Cannot join current thread"));
    }
    if crate::sys::is_finalizing() && h.shared.state.load(Ordering::Acquire) != DONE {
        // It will run no more.
        let class = rt().types.python_finalization_error;
        return Err(vm.new_exc(class, "cannot join thread at interpreter shutdown"));
    }
    let shared: Arc<Shared> = (*h.shared).clone();
    if shared.ended.acquire(vm, timeout)? {
        // For the next one who joins.
        shared.ended.release();
    }
    Ok(())
}

/// Waits for all of the interpreter's threads that are no daemons.
pub fn shutdown(vm: &Vm) -> Res<()> {
    loop {
        let next = {
            let list = JOIN_AT_EXIT.lock().unwrap_or_else(|e| e.into_inner());
            let (here, id) = (vm.ident.get(), vm.interpreter().id());
            let mut others = list.iter().filter(|s| s.interpreter.load(Ordering::Relaxed) == id);
            others.find(|s| s.ident.load(Ordering::Relaxed) != here).cloned()
        };
        let Some(s) = next else { return Ok(()) };
        if s.ended.acquire(vm, None)? {
            s.ended.release();
        }
        JOIN_AT_EXIT.lock().unwrap_or_else(|e| e.into_inner()).retain(|o| !Arc::ptr_eq(o, &s));
    }
}

/// In a fork's child: only the calling thread is left.
pub fn after_fork(vm: &Vm) {
    cape_vm::interpreter::list().iter().for_each(|i| i.count_thread(-(i.thread_count() as isize)));
    MAIN_IDENT.store(vm.ident.get(), Ordering::Relaxed);
    // Another thread may have held a mutex at the fork; then the list stays as it is and nobody looks at it again.
    if let Ok(mut list) = JOIN_AT_EXIT.try_lock() {
        list.clear();
    }
    if let Ok(all) = ALL.try_lock() {
        let here = vm.ident.get();
        for s in all.iter().filter_map(Weak::upgrade) {
            if s.ident.load(Ordering::Relaxed) != here && s.state.load(Ordering::Acquire) >= STARTING {
                s.finish();
            }
        }
    }
}
