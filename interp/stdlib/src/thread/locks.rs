//! `lock` and `RLock`.

use std::cell::Cell;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::native::{FromArg, Named, TypeBuilder, new_type};
use cape_vm::object::{ModuleObj, TupleObj, TypeFlags, TypeObj, uint_value};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::TIMEOUT_MAX;
use crate::duration::{Round, nanoseconds};
use crate::lock::RawLock;

heap_object! {
    /// A `_thread.lock`.
    pub struct LockObj { pub lock: Native<RawLock> } [drop]

    /// A `_thread.RLock`.
    pub struct RLockObj { lock: Native<RawLock>, owner: Cell<u64>, count: Cell<u64> } [drop]
}

impl Named for LockObj {
    const NAME: &'static str = "_thread.lock";
}

impl Named for RLockObj {
    const NAME: &'static str = "_thread.RLock";
}

/// `_thread.lock`.
pub static LOCK: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<LockObj>("_thread.lock", rt().types.object, TypeFlags::HAS_WEAKREF)
        .doc("A lock object is a synchronization primitive.")
        .new_fn("__new__(type, /)", "Create and return a new object.", new_lock);
    let b = aliases(b);
    let lock = b
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, l: Ptr<LockObj>| {
            let state = if l.lock.is_held() { "locked" } else { "unlocked" };
            format!("<{state} {} object at {:#x}>", class_name(l.value()), l.as_raw() as usize)
        })
        .method("_at_fork_reinit($self, /)", "", |_: &Vm, l: Ptr<LockObj>| l.lock.reset())
        .class();
    LOCK.set(lock);
    m.class(lock).add("LockType", lock.value());
    m.function("allocate_lock($module, /)", "Create a new lock object.", |_: &Vm| allocate())
        .function("allocate($module, /)", "An obsolete synonym of allocate_lock().", |_: &Vm| allocate());

    let rlock = new_type::<RLockObj>("_thread.RLock", rt().types.object, TypeFlags::BASE | TypeFlags::HAS_WEAKREF)
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", new_rlock)
        .method("acquire($self, /, blocking=True, timeout=-1)", "Lock the lock.", acquire_r)
        .method("release($self, /)", "Release the lock.", release_r)
        .method("locked($self, /)", "Return a boolean indicating whether this object is locked right now.", |_: &Vm, l: Ptr<RLockObj>| {
            l.count.get() > 0
        })
        .method("__enter__($self, /)", "Lock the lock.", |vm: &Vm, l: Ptr<RLockObj>| acquire_r(vm, l, None, None))
        .method("__exit__($self, /, *exc_info)", "Release the lock.", |vm: &Vm, l: Ptr<RLockObj>, _: Value| release_r(vm, l))
        .method("_is_owned($self, /)", "For internal use by `threading.Condition`.", |vm: &Vm, l: Ptr<RLockObj>| l.mine(vm))
        .method("_recursion_count($self, /)", "For internal use by reentrancy checks.", |vm: &Vm, l: Ptr<RLockObj>| {
            if l.mine(vm) { l.count.get() } else { 0 }
        })
        .method("_release_save($self, /)", "For internal use by `threading.Condition`.", release_save)
        .method("_acquire_restore($self, state, /)", "For internal use by `threading.Condition`.", acquire_restore)
        .method("_at_fork_reinit($self, /)", "", |_: &Vm, l: Ptr<RLockObj>| {
            l.lock.reset();
            l.owner.set(0);
            l.count.set(0);
        })
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, l: Ptr<RLockObj>| {
            let state = if l.count.get() > 0 { "locked" } else { "unlocked" };
            format!(
                "<{state} {} object owner={} count={} at {:#x}>",
                class_name(l.value()),
                l.owner.get(),
                l.count.get(),
                l.as_raw() as usize
            )
        })
        .class();
    m.class(rlock);
}

fn class_name(v: Value) -> String {
    cape_vm::class::full_name(type_of(v))
}

fn aliases(b: TypeBuilder) -> TypeBuilder {
    b.method("acquire($self, /, blocking=True, timeout=-1)", "Lock the lock.", acquire_and_look)
        .method("acquire_lock($self, /, blocking=True, timeout=-1)", "An obsolete synonym of acquire().", acquire_and_look)
        .method("release($self, /)", "Release the lock.", release)
        .method("release_lock($self, /)", "An obsolete synonym of release().", release)
        .method("locked($self, /)", "Return whether the lock is in the locked state.", locked)
        .method("locked_lock($self, /)", "An obsolete synonym of locked().", locked)
        .method("__enter__($self, /)", "Lock the lock.", |vm: &Vm, l: Ptr<LockObj>| acquire(vm, l, None, None))
        .method("__exit__($self, /, *exc_info)", "Release the lock.", |vm: &Vm, l: Ptr<LockObj>, _: Value| release(vm, l))
}

fn new_lock(_: &Vm, cls: Ptr<TypeObj>) -> Value {
    let map = cls.instance_map();
    heap().alloc(map, LockObj { header: Header::new(map), lock: Native(RawLock::default()) }).value()
}

fn allocate() -> Value {
    let map = LOCK.get().instance_map();
    heap().alloc(map, LockObj { header: Header::new(map), lock: Native(RawLock::default()) }).value()
}

/// What `blocking` and `timeout` mean: `None`: for ever; 0: not at all.
pub(crate) fn wait_time(vm: &Vm, blocking: Option<Value>, timeout: Option<Value>) -> Res<Option<i64>> {
    let blocking = match blocking {
        None => true,
        Some(v) => {
            if cape_vm::object::float_of(v).is_some() {
                return Err(vm.type_error("'float' object cannot be interpreted as an integer"));
            }
            i64::from_arg(vm, v, 0)? != 0
        }
    };
    let timeout = match timeout {
        None => -1_000_000_000,
        Some(t) => nanoseconds(vm, t, Round::Up)?,
    };
    if !blocking && timeout != -1_000_000_000 {
        return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
    }
    if timeout < 0 && timeout != -1_000_000_000 {
        return Err(vm.value_error("timeout value must be a non-negative number"));
    }
    if timeout == TIMEOUT_MAX {
        return Err(vm.overflow_error("timeout value is too large"));
    }
    Ok(match (blocking, timeout) {
        (false, _) => Some(0),
        (true, t) if t < 0 => None,
        (true, t) => Some(t),
    })
}

/// Acquires, and raises what a signal handler raises that came while this thread waited: behind the call it would be too late for the
/// `try` that the call stands in, as `Condition.wait` has one.
fn acquire_and_look(vm: &Vm, l: Ptr<LockObj>, blocking: Option<Value>, timeout: Option<Value>) -> Res<bool> {
    if !l.lock.is_held() {
        return acquire(vm, l, blocking, timeout);
    }
    let got = acquire(vm, l, blocking, timeout)?;
    vm.poll()?;
    Ok(got)
}

fn acquire(vm: &Vm, l: Ptr<LockObj>, blocking: Option<Value>, timeout: Option<Value>) -> Res<bool> {
    if blocking.is_none() && timeout.is_none() && l.lock.try_acquire() {
        return Ok(true);
    }
    let time = wait_time(vm, blocking, timeout)?;
    let got = l.lock.acquire(vm, time)?;
    if got {
        // What arrived meanwhile is served here, not in the midst of what the caller does with the lock.
        vm.poll().inspect_err(|_| l.lock.release())?;
    }
    Ok(got)
}

fn release(vm: &Vm, l: Ptr<LockObj>) -> Res<()> {
    if !l.lock.is_held() {
        return Err(vm.runtime_error("release unlocked lock"));
    }
    l.lock.release();
    Ok(())
}

fn locked(_: &Vm, l: Ptr<LockObj>) -> bool {
    l.lock.is_held()
}

impl RLockObj {
    fn mine(&self, vm: &Vm) -> bool {
        self.count.get() > 0 && self.owner.get() == vm.ident.get()
    }
}

fn new_rlock(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<cape_vm::object::DictObj>) -> Res<Value> {
    if cls.name_str() == "RLock" && (!args.is_empty() || !kwargs.is_empty()) {
        crate::warn::warn(
            vm,
            rt().types.deprecation_warning,
            "Passing arguments to RLock is deprecated and will be removed in 3.15",
            1,
        )?;
    }
    let map = cls.instance_map();
    let object = RLockObj {
        header: Header::new(map),
        lock: Native(RawLock::default()),
        owner: Cell::new(0),
        count: Cell::new(0),
    };
    Ok(heap().alloc(map, object).value())
}

fn acquire_r(vm: &Vm, l: Ptr<RLockObj>, blocking: Option<Value>, timeout: Option<Value>) -> Res<bool> {
    let time = wait_time(vm, blocking, timeout)?;
    if l.mine(vm) {
        l.count.set(l.count.get() + 1);
        return Ok(true);
    }
    if !l.lock.acquire(vm, time)? {
        return Ok(false);
    }
    l.owner.set(vm.ident.get());
    l.count.set(1);
    match vm.poll() {
        Ok(()) => Ok(true),
        Err(e) => release_r(vm, l).and(Err(e)),
    }
}

fn release_r(vm: &Vm, l: Ptr<RLockObj>) -> Res<()> {
    if !l.mine(vm) {
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    l.count.set(l.count.get() - 1);
    if l.count.get() == 0 {
        l.owner.set(0);
        l.lock.release();
    }
    Ok(())
}

fn release_save(vm: &Vm, l: Ptr<RLockObj>) -> Res<Value> {
    if l.count.get() == 0 {
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    let (count, owner) = (l.count.replace(0), l.owner.replace(0));
    l.lock.release();
    Ok(TupleObj::new(&[uint_value(count), uint_value(owner)]).value())
}

fn acquire_restore(vm: &Vm, l: Ptr<RLockObj>, state: Ptr<TupleObj>) -> Res<()> {
    if state.len() != 2 {
        return Err(vm.type_error("function takes exactly 2 arguments"));
    }
    let (count, owner) = (u64::from_arg(vm, state.get(0), 0)?, u64::from_arg(vm, state.get(1), 0)?);
    // Not to be interrupted: the caller relies on holding the lock afterwards. Signal handlers run when it is done.
    l.lock.acquire_uninterrupted(vm);
    l.owner.set(owner);
    l.count.set(count);
    Ok(())
}
