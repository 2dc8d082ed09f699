//! `posix_spawn`.

use cape_vm::native::FromArg;
use cape_vm::object::{ModuleObj, TupleObj};
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use super::process::{arguments, environment, is_mapping, pointers};
use super::system::sched_param;
use crate::fsname::{Path, fsencode};
use crate::oserror::os_error;
use crate::signal::set_of;

unsafe extern "C" {
    static environ: *const *mut libc::c_char;
    fn posix_spawn_file_actions_addclosefrom_np(a: *mut libc::posix_spawn_file_actions_t, from: i32) -> i32;
}

pub(super) fn init(m: Ptr<ModuleObj>) {
    m.function(
        "posix_spawn($module, path, argv, env, /, *, file_actions=(),\n            setpgroup=None, resetids=False, setsid=False,\n            setsigmask=(), setsigdef=(), scheduler=None)",
        "Execute the program specified by path in a new process.",
        |vm: &Vm, p: Path, a: Value, e: Value, fa: Option<Value>, g: Option<Value>, r: Option<bool>, s: Option<bool>, sm: Option<Value>, sd: Option<Value>, sch: Option<Value>| {
            spawn(vm, p, a, e, Options { actions: fa, group: g, resetids: r, setsid: s, mask: sm, defaults: sd, scheduler: sch }, false)
        },
    )
    .function(
        "posix_spawnp($module, path, argv, env, /, *, file_actions=(),\n             setpgroup=None, resetids=False, setsid=False,\n             setsigmask=(), setsigdef=(), scheduler=None)",
        "Execute the program specified by path in a new process.",
        |vm: &Vm, p: Path, a: Value, e: Value, fa: Option<Value>, g: Option<Value>, r: Option<bool>, s: Option<bool>, sm: Option<Value>, sd: Option<Value>, sch: Option<Value>| {
            spawn(vm, p, a, e, Options { actions: fa, group: g, resetids: r, setsid: s, mask: sm, defaults: sd, scheduler: sch }, true)
        },
    );
}

struct Options {
    actions: Option<Value>,
    group: Option<Value>,
    resetids: Option<bool>,
    setsid: Option<bool>,
    mask: Option<Value>,
    defaults: Option<Value>,
    scheduler: Option<Value>,
}

/// The attributes and file actions of a spawn, destroyed when dropped.
struct Setup {
    attr: libc::posix_spawnattr_t,
    actions: libc::posix_spawn_file_actions_t,
}

impl Drop for Setup {
    fn drop(&mut self) {
        // SAFETY: both were initialised.
        unsafe {
            libc::posix_spawnattr_destroy(&mut self.attr);
            libc::posix_spawn_file_actions_destroy(&mut self.actions);
        }
    }
}

fn ok(vm: &Vm, r: i32) -> Res<()> {
    if r != 0 { Err(os_error(vm, r, Value::EMPTY)) } else { Ok(()) }
}

fn given(v: Option<Value>) -> Option<Value> {
    v.filter(|v| !v.is_none())
}

fn spawn(vm: &Vm, path: Path, argv: Value, env: Value, o: Options, search: bool) -> Res<i32> {
    let name = if search { "posix_spawnp" } else { "posix_spawn" };
    let what = format!("{name}: argv");
    let argv = arguments(vm, argv, &what, &what)?;
    let env = if env.is_none() {
        None
    } else if is_mapping(env) {
        Some(environment(vm, env)?)
    } else {
        return Err(vm.type_error(format!("{name}: environment must be a mapping object or None")));
    };
    // SAFETY: both are initialised before the struct exists.
    let mut s = unsafe {
        let mut attr = std::mem::zeroed();
        let mut actions = std::mem::zeroed();
        libc::posix_spawnattr_init(&mut attr);
        libc::posix_spawn_file_actions_init(&mut actions);
        Setup { attr, actions }
    };
    if let Some(a) = given(o.actions) {
        file_actions(vm, a, &mut s)?;
    }
    attributes(vm, name, &o, &mut s)?;
    let a = pointers(&argv);
    let e = env.as_ref().map(|e| pointers(e));
    let mut pid = 0;
    // SAFETY: terminated strings and arrays, initialised structs.
    let r = unsafe {
        let envp = e.as_ref().map_or(environ, |e| e.as_ptr() as *const *mut libc::c_char);
        let argv = a.as_ptr() as *const *mut libc::c_char;
        if search {
            libc::posix_spawnp(&mut pid, path.as_ptr(), &s.actions, &s.attr, argv, envp)
        } else {
            libc::posix_spawn(&mut pid, path.as_ptr(), &s.actions, &s.attr, argv, envp)
        }
    };
    if r != 0 {
        return Err(os_error(vm, r, path.object));
    }
    Ok(pid)
}

fn attributes(vm: &Vm, name: &str, o: &Options, s: &mut Setup) -> Res<()> {
    let mut flags = 0;
    // SAFETY (of the block): the attributes are initialised.
    // SAFETY: as for the blocks around it: the arguments are valid for the call, and the GIL is held.
    unsafe {
        if let Some(g) = given(o.group) {
            ok(vm, libc::posix_spawnattr_setpgroup(&mut s.attr, i32::from_arg(vm, g, 0)?))?;
            flags |= libc::POSIX_SPAWN_SETPGROUP;
        }
        if o.resetids == Some(true) {
            flags |= libc::POSIX_SPAWN_RESETIDS;
        }
        if o.setsid == Some(true) {
            flags |= 0x80;
        }
        if let Some(m) = o.mask {
            ok(vm, libc::posix_spawnattr_setsigmask(&mut s.attr, &set_of(vm, m)?))?;
            flags |= libc::POSIX_SPAWN_SETSIGMASK;
        }
        if let Some(d) = o.defaults {
            ok(vm, libc::posix_spawnattr_setsigdefault(&mut s.attr, &set_of(vm, d)?))?;
            flags |= libc::POSIX_SPAWN_SETSIGDEF;
        }
        if let Some(sched) = given(o.scheduler) {
            let Some(t) = sched.downcast::<TupleObj>() else {
                return Err(vm.type_error(format!("{name}: scheduler must be a tuple or None")));
            };
            if t.len() != 2 {
                return Err(vm.type_error("A scheduler tuple must have two elements"));
            }
            if !t.get(0).is_none() {
                ok(vm, libc::posix_spawnattr_setschedpolicy(&mut s.attr, i32::from_arg(vm, t.get(0), 0)?))?;
                flags |= libc::POSIX_SPAWN_SETSCHEDULER;
            }
            let p = sched_param(vm, t.get(1))?;
            ok(vm, libc::posix_spawnattr_setschedparam(&mut s.attr, &p))?;
            flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
        }
        ok(vm, libc::posix_spawnattr_setflags(&mut s.attr, flags as _))
    }
}

fn file_actions(vm: &Vm, list: Value, s: &mut Setup) -> Res<()> {
    if type_of(list).special(cape_vm::special::Special::Getitem).is_empty() {
        return Err(vm.type_error("file_actions must be a sequence or None"));
    }
    let items = vm.vec_of(list)?;
    for &item in items.iter() {
        let Some(t) = item.downcast::<TupleObj>().filter(|t| !t.is_empty()) else {
            return Err(vm.type_error("Each file_actions element must be a non-empty tuple"));
        };
        let tag = i64::from_arg(vm, t.get(0), 0)?;
        let want = |n: usize, what: &str| {
            if t.len() != n {
                return Err(vm.type_error(format!("A {what} file_action tuple must have {n} elements")));
            }
            Ok(())
        };
        let int = |i: usize| i32::from_arg(vm, t.get(i), 0);
        // SAFETY (of the block): the actions are initialised; paths are copied by the C library.
        // SAFETY: as for the blocks around it: the arguments are valid for the call, and the GIL is held.
        unsafe {
            match tag {
                0 => {
                    want(5, "open")?;
                    let (fd, path, flags, mode) = (int(1)?, fsencode(vm, t.get(2))?, int(3)?, int(4)?);
                    let r = libc::posix_spawn_file_actions_addopen(
                        &mut s.actions,
                        fd,
                        path.as_ptr(),
                        flags,
                        mode as u32,
                    );
                    ok(vm, r)?;
                }
                1 => {
                    want(2, "close")?;
                    ok(vm, libc::posix_spawn_file_actions_addclose(&mut s.actions, int(1)?))?;
                }
                2 => {
                    want(3, "dup2")?;
                    ok(vm, libc::posix_spawn_file_actions_adddup2(&mut s.actions, int(1)?, int(2)?))?;
                }
                3 => {
                    want(2, "closefrom")?;
                    ok(vm, posix_spawn_file_actions_addclosefrom_np(&mut s.actions, int(1)?))?;
                }
                _ => return Err(vm.type_error("Unknown file_actions identifier")),
            }
        }
    }
    Ok(())
}
