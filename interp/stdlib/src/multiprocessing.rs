//! `_multiprocessing`: named semaphores (`sem_open`), which processes share.

use std::cell::Cell;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

use crate::duration::{Round, clock, nanoseconds, timespec};
use crate::fsname::c_name;
use crate::oserror::{errno, last_error};

/// The kinds, as `multiprocessing.synchronize` numbers them.
const RECURSIVE_MUTEX: i32 = 0;
const SEMAPHORE: i32 = 1;

heap_object! {
    /// A `SemLock`; `name` is None once the name is unlinked. `count` is how often this process holds it, `owner` by which thread.
    pub struct SemLockObj {
        name: Field,
        handle: Native<Handle>,
        kind: i32,
        maxvalue: i32,
        count: Cell<i32>,
        owner: Cell<u64>,
    } [drop]
}

/// A semaphore of the system, closed with the object.
struct Handle(*mut libc::sem_t);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: opened by `sem_open`, and used by this object alone.
        unsafe { libc::sem_close(self.0) };
    }
}

impl Named for SemLockObj {
    const NAME: &'static str = "_multiprocessing.SemLock";
}

static SEM_LOCK: StaticType = StaticType::new();

type Lock = Ptr<SemLockObj>;

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let t = new_type::<SemLockObj>("_multiprocessing.SemLock", rt().types.object, TypeFlags::BASE)
        .doc("Semaphore/Mutex type")
        .new_fn("__new__(cls, kind, value, maxvalue, name, unlink)", "Create and return a new object.", new)
        .class_method("_rebuild($type, handle, kind, maxvalue, name, /)", "", rebuild)
        .method("acquire($self, /, block=True, timeout=None)", "Acquire the semaphore/lock.", acquire)
        .method("release($self, /)", "Release the semaphore/lock.", release)
        .method("__enter__($self, /)", "Enter the semaphore/lock.", |vm: &Vm, l: Lock| acquire(vm, l, None, None))
        .method(
            "__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)",
            "Exit the semaphore/lock.",
            |vm: &Vm, l: Lock, _: Option<Value>, _: Option<Value>, _: Option<Value>| release(vm, l),
        )
        .method("_count($self, /)", "Num of `acquire()`s minus num of `release()`s for this process.", |_: &Vm, l: Lock| {
            l.count.get()
        })
        .method("_is_mine($self, /)", "Whether the lock is owned by this thread.", |vm: &Vm, l: Lock| l.mine(vm))
        .method("_get_value($self, /)", "Get the value of the semaphore.", |vm: &Vm, l: Lock| l.value_now(vm))
        .method("_is_zero($self, /)", "Return whether semaphore has value zero.", |vm: &Vm, l: Lock| -> Res<bool> {
            Ok(l.value_now(vm)? == 0)
        })
        .method("_after_fork($self, /)", "Rezero the net acquisition count after fork().", |_: &Vm, l: Lock| l.count.set(0))
        .getter("handle", "", |_: &Vm, l: Lock| l.handle.0.0 as usize)
        .getter("kind", "", |_: &Vm, l: Lock| l.kind)
        .getter("maxvalue", "", |_: &Vm, l: Lock| l.maxvalue)
        .getter("name", "", |_: &Vm, l: Lock| l.name.get())
        .attribute("SEM_VALUE_MAX", Value::int(i32::MAX as i64));
    SEM_LOCK.set(t.class());
    m.class(t.class());
    m.function("sem_unlink($module, name, /)", "", |vm: &Vm, name: Ptr<StrObj>| -> Res<()> {
        let c = c_name(vm, name)?;
        // SAFETY: a terminated name.
        if unsafe { libc::sem_unlink(c.as_ptr()) } < 0 { Err(last_error(vm)) } else { Ok(()) }
    });
    let flags = DictObj::new();
    for name in ["HAVE_SEM_OPEN", "HAVE_SEM_TIMEDWAIT"] {
        flags.set_str(cape_vm::intern(name), Value::int(1));
    }
    m.add("flags", flags.value());
    Ok(())
}

fn make(cls: Ptr<TypeObj>, handle: *mut libc::sem_t, kind: i32, maxvalue: i32, name: Value) -> Value {
    let map = cls.instance_map();
    let object = SemLockObj {
        header: Header::new(map),
        name: Field::new(name),
        handle: Native(Handle(handle)),
        kind,
        maxvalue,
        count: Cell::new(0),
        owner: Cell::new(0),
    };
    heap().alloc(map, object).value()
}

fn new(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    kind: i32,
    value: i32,
    maxvalue: i32,
    name: Ptr<StrObj>,
    unlink: bool,
) -> Res<Value> {
    if kind != RECURSIVE_MUTEX && kind != SEMAPHORE {
        return Err(vm.value_error("unrecognized kind"));
    }
    let c = c_name(vm, name)?;
    // SAFETY: a terminated name; with O_CREAT go a mode and the first value.
    let handle = unsafe { libc::sem_open(c.as_ptr(), libc::O_CREAT | libc::O_EXCL, 0o600u32, value as u32) };
    if handle == libc::SEM_FAILED {
        return Err(last_error(vm));
    }
    // SAFETY: a terminated name.
    if unlink && unsafe { libc::sem_unlink(c.as_ptr()) } < 0 {
        let e = last_error(vm);
        drop(Handle(handle));
        return Err(e);
    }
    Ok(make(cls, handle, kind, maxvalue, if unlink { Value::NONE } else { name.value() }))
}

fn rebuild(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    handle: usize,
    kind: i32,
    maxvalue: i32,
    name: Option<Ptr<StrObj>>,
) -> Res<Value> {
    let Some(name) = name else {
        // A handle of another object: this one must not close it, too.
        let _ = handle;
        return Err(vm.value_error("a semaphore without a name cannot be opened again"));
    };
    let c = c_name(vm, name)?;
    // SAFETY: a terminated name.
    let handle = unsafe { libc::sem_open(c.as_ptr(), 0) };
    if handle == libc::SEM_FAILED {
        return Err(last_error(vm));
    }
    Ok(make(cls, handle, kind, maxvalue, name.value()))
}

impl SemLockObj {
    fn mine(&self, vm: &Vm) -> bool {
        self.count.get() > 0 && self.owner.get() == vm.ident.get()
    }

    fn value_now(&self, vm: &Vm) -> Res<i32> {
        let mut n = 0;
        // SAFETY: an open semaphore and a valid place.
        if unsafe { libc::sem_getvalue(self.handle.0.0, &mut n) } < 0 {
            return Err(last_error(vm));
        }
        Ok(n.max(0))
    }
}

fn acquire(vm: &Vm, l: Lock, block: Option<bool>, timeout: Option<Value>) -> Res<Value> {
    if l.kind == RECURSIVE_MUTEX && l.mine(vm) {
        l.count.set(l.count.get() + 1);
        return Ok(Value::TRUE);
    }
    let timeout = match timeout.filter(|t| !t.is_none()) {
        Some(t) => Some(nanoseconds(vm, t, Round::Up)?.max(0)),
        None => None,
    };
    let deadline = timeout.map(|t| timespec(clock(libc::CLOCK_REALTIME).saturating_add(t)));
    let handle = l.handle.0.0 as usize;
    // SAFETY: an open semaphore; the object that keeps it open is an argument.
    let mut got = unsafe { libc::sem_trywait(handle as *mut libc::sem_t) };
    while got < 0 && block != Some(false) && matches!(errno(), libc::EAGAIN | libc::EINTR) {
        let (r, e) = vm.allow_threads(|| {
            let handle = handle as *mut libc::sem_t;
            // SAFETY: as above, and a valid time.
            let r = unsafe {
                match &deadline {
                    Some(t) => libc::sem_timedwait(handle, t),
                    None => libc::sem_wait(handle),
                }
            };
            (r, errno())
        });
        if r < 0 && e == libc::EINTR {
            vm.poll()?;
        }
        crate::oserror::set_errno(e);
        got = r;
        if r < 0 && e != libc::EINTR {
            break;
        }
    }
    if got < 0 {
        return match errno() {
            libc::EAGAIN | libc::ETIMEDOUT => Ok(Value::FALSE),
            _ => Err(last_error(vm)),
        };
    }
    l.count.set(l.count.get() + 1);
    l.owner.set(vm.ident.get());
    Ok(Value::TRUE)
}

fn release(vm: &Vm, l: Lock) -> Res<()> {
    if l.kind == RECURSIVE_MUTEX {
        if !l.mine(vm) {
            return Err(assertion(vm, "attempt to release recursive lock not owned by thread"));
        }
        if l.count.get() > 1 {
            l.count.set(l.count.get() - 1);
            return Ok(());
        }
    } else if l.value_now(vm)? >= l.maxvalue {
        return Err(vm.value_error("semaphore or lock released too many times"));
    }
    // SAFETY: an open semaphore.
    if unsafe { libc::sem_post(l.handle.0.0) } < 0 {
        return Err(last_error(vm));
    }
    l.count.set(l.count.get() - 1);
    Ok(())
}

#[cold]
fn assertion(vm: &Vm, message: &str) -> Raised {
    vm.new_exc(rt().types.assertion_error, message)
}
