//! Limits, interning, encodings, sizes.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use cape_heap::heap;
use cape_vm::object::*;
use cape_vm::runtime::{rt, type_of};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm};

pub(super) fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    functions(m);
    m.called_cleanly(&["getrefcount"]);
    Ok(())
}

/// How many processors the user wants programs to think that there are: `-X cpu_count` or PYTHON_CPU_COUNT.
pub fn cpu_count() -> Option<i64> {
    let value = rt().config().option("cpu_count", "PYTHON_CPU_COUNT");
    value.and_then(|v| v.parse().ok()).filter(|&n: &i64| n > 0)
}

fn functions(m: Ptr<ModuleObj>) {
    m.function("getrecursionlimit()", "Return the current value of the recursion limit.", |vm: &Vm| {
        vm.recursion_limit()
    })
    .function(
        "setrecursionlimit(limit, /)",
        "Set the maximum depth of the Python interpreter stack to n.",
        setrecursionlimit,
    )
    .function(
        "getdefaultencoding()",
        "Return the current default encoding used by the Unicode implementation.",
        |_: &Vm| "utf-8",
    )
    .function(
        "getfilesystemencoding()",
        "Return the encoding used to convert Unicode filenames to OS filenames.",
        |_: &Vm| if rt().config().ascii_names { "ascii" } else { "utf-8" },
    )
    .function(
        "getfilesystemencodeerrors()",
        "Return the error mode used for Unicode to OS filename conversion.",
        |_: &Vm| "surrogateescape",
    )
    .function("intern(string, /)", "``Intern'' the given string.", intern_fn)
    .function(
        "_is_interned(string, /)",
        "Return True if the given string is \"interned\".",
        |_: &Vm, s: Ptr<StrObj>| s.is_interned(),
    )
    .function(
        "_is_immortal(op, /)",
        "Return True if the given object is \"immortal\" per PEP 683.",
        is_immortal,
    )
    .function("getrefcount(object, /)", "Return the reference count of object.", getrefcount)
    .function("getsizeof(object, default=None)", "Return the size of object in bytes.", getsizeof)
    .function("getallocatedblocks()", "Return the number of memory blocks currently allocated.", |_: &Vm| {
        let mut n = 0i64;
        heap().each_object(&mut |_| n += 1);
        n
    })
    .function(
        "getswitchinterval()",
        "Return the current thread switch interval; see sys.setswitchinterval().",
        |_: &Vm| cape_vm::gil::switch_interval() as f64 * 1e-6,
    )
    .function(
        "setswitchinterval(interval, /)",
        "Set the ideal thread switching delay inside the Python interpreter.",
        setswitchinterval,
    )
    .function(
        "get_int_max_str_digits()",
        "Return the maximum string digits limit for non-binary int<->str conversions.",
        |_: &Vm| rt().config().int_max_str_digits,
    )
    .function(
        "set_int_max_str_digits(maxdigits)",
        "Set the maximum string digits limit for non-binary int<->str conversions.",
        set_int_max_str_digits,
    )
    .function("_get_cpu_count_config()", "Private function for getting PyConfig.cpu_count", |_: &Vm| {
        cpu_count().unwrap_or(-1)
    })
    .function("is_finalizing()", "Return True if Python is exiting.", |_: &Vm| {
        FINALIZING.load(Ordering::Relaxed)
    })
    .function("_clear_type_cache()", "Clear the internal type lookup cache.", |_: &Vm| ())
    .function("_clear_internal_caches()", "Clear all internal performance-related caches.", |_: &Vm| ())
    .function(
        "_debugmallocstats()",
        "Print debug info to stderr about the state of the memory allocator.",
        |_: &Vm| (),
    )
    .function("_is_gil_enabled()", "Return True if the GIL is currently enabled.", |_: &Vm| true)
    .function(
        "is_stack_trampoline_active()",
        "Return *True* if a stack profiler trampoline is active.",
        |_: &Vm| false,
    )
    .function(
        "getdlopenflags()",
        "Return the current value of the flags that are used for dlopen calls.",
        |_: &Vm| dlopen_flags(),
    )
    .function(
        "setdlopenflags(flags, /)",
        "Set the flags used by the interpreter for dlopen calls.",
        |_: &Vm, flags: i32| DLOPEN_FLAGS.store(flags, Ordering::Relaxed),
    )
    .function(
        "is_remote_debug_enabled()",
        "Return True if remote debugging is enabled, False otherwise.",
        |_: &Vm| false,
    );
}

/// `sys.setdlopenflags()`
static DLOPEN_FLAGS: AtomicI32 = AtomicI32::new(libc::RTLD_NOW);
static FINALIZING: AtomicBool = AtomicBool::new(false);

/// With what flags extensions are loaded.
pub fn dlopen_flags() -> i32 {
    DLOPEN_FLAGS.load(Ordering::Relaxed)
}

/// From now on `sys.is_finalizing()` is true.
pub fn begin_finalizing() {
    FINALIZING.store(true, Ordering::Relaxed);
}

/// Whether it does: no thread but this one runs Python code again.
pub fn is_finalizing() -> bool {
    FINALIZING.load(Ordering::Relaxed)
}

/// What CPython reports of objects that never die.
const IMMORTAL: i64 = 0xc000_0000;

/// One for all references of variables and managed objects, which nobody counts, and those that C holds: what C leaks shows. What is
/// garbage, but not collected yet, does not count.
fn getrefcount(vm: &Vm, v: Value) -> i64 {
    if v.is_float() {
        return 1;
    }
    if !v.is_ptr() {
        return IMMORTAL;
    }
    if v.header().link() == 0 {
        return 1;
    }
    crate::gc::collect_all(vm);
    // (The link of an object that is held stays.)
    cape_vm::foreign::foreign().references(v.header()).map_or(IMMORTAL, |n| n as i64 + 1)
}

/// Whether CPython's object of that kind never dies, or C's side of this one.
fn is_immortal(_: &Vm, v: Value) -> bool {
    if !v.is_ptr() {
        return !v.is_float();
    }
    v.header().link() != 0 && cape_vm::foreign::foreign().references(v.header()).is_none()
}

fn setrecursionlimit(vm: &Vm, n: i64) -> Res<()> {
    if n < 1 {
        return Err(vm.value_error("recursion limit must be greater or equal than 1"));
    }
    if vm.depth() as i64 >= n {
        return Err(vm.recursion_error(format!(
            "cannot set the recursion limit to {n} at the recursion depth {}: the limit is too low",
            vm.depth()
        )));
    }
    vm.set_recursion_limit(n.min(u32::MAX as i64) as u32);
    Ok(())
}

fn intern_fn(vm: &Vm, s: Ptr<StrObj>) -> Res<Value> {
    if s.header().map() != rt().maps.str {
        return Err(vm.type_error(format!("can't intern {}", type_of(s.value()).name_str())));
    }
    Ok(rt().intern_obj(s))
}

fn getsizeof(vm: &Vm, v: Value, default: Option<Value>) -> Res<Value> {
    let f = type_of(v).special(Special::Sizeof);
    if f.is_empty() {
        return default.ok_or_else(|| {
            vm.type_error(format!("Type {} doesn't define __sizeof__", type_of(v).name_str()))
        });
    }
    let r = vm.call_special(f, &[v])?;
    match Int::of(r).and_then(|i| i.to_i64()) {
        Some(n) if n >= 0 => Ok(Value::int(n)),
        Some(_) => Err(vm.value_error("__sizeof__() should return >= 0")),
        None => default.ok_or_else(|| vm.type_error("an integer is required")),
    }
}

fn setswitchinterval(vm: &Vm, s: f64) -> Res<()> {
    if s <= 0.0 {
        return Err(vm.value_error("switch interval must be strictly positive"));
    }
    cape_vm::gil::set_switch_interval((s * 1e6) as u64);
    Ok(())
}

fn set_int_max_str_digits(vm: &Vm, n: i64) -> Res<()> {
    if n != 0 && n < 640 {
        return Err(vm.value_error("maxdigits must be 0 or larger than 640"));
    }
    // SAFETY: the GIL is held; the option is a plain number that is read anew each time.
    unsafe { (*rt().config.get()).int_max_str_digits = n as usize };
    Ok(())
}
