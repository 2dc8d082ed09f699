//! `gc`: the collector as Python code sees it.

use std::cell::Cell;
use std::sync::Mutex;

use cape_heap::{Header, HeapObject, Request, RootVec, heap};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::statics::{StaticCell, StaticValue};

static CALLBACKS: StaticValue = StaticValue::new();
static GARBAGE: StaticValue = StaticValue::new();
static ENABLED: StaticCell<bool> = StaticCell(Cell::new(true));
static DEBUG: StaticCell<i32> = StaticCell(Cell::new(0));
static THRESHOLD: StaticCell<[i32; 3]> = StaticCell(Cell::new([2000, 10, 10]));
static FROZEN: StaticCell<usize> = StaticCell(Cell::new(0));
static TOTALS: StaticCell<Totals> = StaticCell(Cell::new(Totals::new()));
/// What is to be printed when the collection under way is done.
static REPORT: Mutex<String> = Mutex::new(String::new());

const DEBUG_STATS: i32 = 1;
const DEBUG_COLLECTABLE: i32 = 2;
const DEBUG_SAVEALL: i32 = 32;

/// What collections have done that were asked for.
#[derive(Clone, Copy)]
struct Totals {
    /// How many were asked for, by generation, and what they found dead.
    asked: [usize; 3],
    found: [usize; 3],
    /// How many the heap has made for that, of the nursery and full ones.
    minor: usize,
    major: usize,
}

impl Totals {
    const fn new() -> Totals {
        Totals { asked: [0; 3], found: [0; 3], minor: 0, major: 0 }
    }
}

const DEBUG_FLAGS: &[(&str, i64)] = &[
    ("DEBUG_COLLECTABLE", 2),
    ("DEBUG_LEAK", 38),
    ("DEBUG_SAVEALL", 32),
    ("DEBUG_STATS", 1),
    ("DEBUG_UNCOLLECTABLE", 4),
];

/// An interpreter's own lists.
pub(crate) fn renew(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for (name, list) in [("callbacks", &CALLBACKS), ("garbage", &GARBAGE)] {
        list.set(ListObj::new(&[]).value());
        m.add(name, list.try_get().unwrap_or(Value::NONE));
    }
    Ok(())
}

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    renew(vm, m)?;
    for (name, v) in DEBUG_FLAGS {
        m.add(name, Value::int(*v));
    }
    m.function("enable($module, /)", "Enable automatic garbage collection.", |_: &Vm| {
            ENABLED.0.set(true);
            tell_heap();
        })
        .function("disable($module, /)", "Disable automatic garbage collection.", |_: &Vm| {
            ENABLED.0.set(false);
            tell_heap();
        })
        .function("isenabled($module, /)", "Returns true if automatic garbage collection is enabled.", |_: &Vm| ENABLED.0.get())
        .function(
            "collect($module, /, generation=2)",
            "Run the garbage collector.\n\nWith no arguments, run a full collection.  The optional argument\nmay be an integer specifying which generation to collect.  A ValueError\nis raised if the generation number is invalid.\n\nThe number of objects that were finalized or whose weak references were\ncleared with a callback is returned.",
            collect,
        )
        .function("get_count($module, /)", "Return a three-tuple of the current collection counts.", |_: &Vm| {
            let s = heap().stats();
            TupleObj::new(&[s.minor, s.major, 0].map(|n| int_value(n as i64)))
        })
        .function("get_debug($module, /)", "Get the garbage collection debugging flags.", |_: &Vm| DEBUG.0.get())
        .function(
            "set_debug($module, flags, /)",
            "Set the garbage collection debugging flags.\n\n  flags\n    An integer that can have the following bits turned on:\n      DEBUG_STATS - Print statistics during collection.\n      DEBUG_COLLECTABLE - Print collectable objects found.\n      DEBUG_UNCOLLECTABLE - Print unreachable but uncollectable objects\n        found.\n      DEBUG_SAVEALL - Save objects to gc.garbage rather than freeing them.\n      DEBUG_LEAK - Debug leaking programs (everything but STATS).\n\nDebugging information is written to sys.stderr.",
            |_: &Vm, flags: i32| DEBUG.0.set(flags),
        )
        .function("get_threshold($module, /)", "Return the current collection thresholds.", |_: &Vm| {
            TupleObj::new(&THRESHOLD.0.get().map(|n| Value::int(n as i64)))
        })
        .function(
            "set_threshold($module, threshold0, threshold1=None, threshold2=None, /)",
            "set_threshold(threshold0, [threshold1, [threshold2]])\nSet the collection thresholds (the collection frequency).\n\nSetting 'threshold0' to zero disables collection.",
            |_: &Vm, a: i32, b: Option<i32>, c: Option<i32>| {
                let [_, old_b, old_c] = THRESHOLD.0.get();
                THRESHOLD.0.set([a, b.unwrap_or(old_b), c.unwrap_or(old_c)]);
                tell_heap();
            },
        )
        .function("get_stats($module, /)", "Return a list of dictionaries containing per-generation statistics.", stats)
        .function(
            "get_objects($module, /, generation=None)",
            "Return a list of objects tracked by the collector (excluding the list returned).\n\n  generation\n    Generation to extract the objects from.\n\nIf generation is not None, return only the objects tracked by the\ncollector that are in that generation.",
            objects,
        )
        .function(
            "get_referents($module, /, *objs)",
            "Return the list of objects that are directly referred to by 'objs'.",
            |vm: &Vm, objs: Ptr<TupleObj>| {
                vm.audit("gc.get_referents", &[objs.value()])?;
                let found = RootVec::new();
                for &o in objs.as_slice() {
                    if numbers(o, &found) {
                        // (Pointers and numbers, in order.)
                    } else if o.is_ptr() {
                        // Objects own their classes where those are not for ever.
                        let class = type_of(o);
                        let owned = class.flags.get() & TypeFlags::IMMUTABLE == 0;
                        referents(o.header(), &mut |v| {
                            if owned || v != class.value() {
                                found.push(v);
                            }
                        });
                    }
                }
                Ok::<_, Raised>(ListObj::new(found.as_slice()))
            },
        )
        .function(
            "get_referrers($module, /, *objs)",
            "Return the list of objects that directly refer to any of 'objs'.",
            |vm: &Vm, objs: Ptr<TupleObj>| {
                vm.audit("gc.get_referrers", &[objs.value()])?;
                collect_all(vm);
                let found = RootVec::new();
                heap().each_object(&mut |h| {
                    let mut hit = false;
                    if is_visible(h) && h.as_value() != objs.value() {
                        referents(h, &mut |v| hit |= objs.as_slice().contains(&v));
                    }
                    if hit {
                        found.push(h.as_value());
                    }
                });
                // What runs has its variables in registers.
                cape_vm::gil::each_vm(|vm| {
                    vm.each_running_generator(&mut |g, registers| {
                        let g = g.value();
                        if registers.iter().any(|v| objs.as_slice().contains(v)) && !found.as_slice().contains(&g) {
                            found.push(g);
                        }
                    });
                });
                Ok::<_, Raised>(ListObj::new(found.as_slice()))
            },
        )
        .function(
            "is_tracked($module, obj, /)",
            "Returns true if the object is tracked by the garbage collector.\n\nSimple atomic objects will return false.",
            |_: &Vm, v: Value| v.is_ptr() && is_tracked(v.header()),
        )
        .function(
            "is_finalized($module, obj, /)",
            "Returns true if the object has been already finalized by the GC.",
            |_: &Vm, v: Value| v.is_ptr() && v.header().has(cape_heap::ObjFlags::FINALIZED),
        )
        .function(
            "freeze($module, /)",
            "Freeze all current tracked objects and ignore them for future collections.\n\nThis can be used before a POSIX fork() call to make the gc copy-on-write\nfriendly.\nNote: collection before a POSIX fork() call may free pages for future\nallocation which can cause copy-on-write.",
            |_: &Vm| {
                let mut n = 0;
                heap().each_object(&mut |h| n += (is_visible(h) && is_tracked(h)) as usize);
                FROZEN.0.set(n);
            },
        )
        .function(
            "unfreeze($module, /)",
            "Unfreeze all objects in the permanent generation.\n\nPut all objects in the permanent generation back into oldest generation.",
            |_: &Vm| FROZEN.0.set(0),
        )
        .function(
            "get_freeze_count($module, /)",
            "Return the number of objects in the permanent generation.",
            |_: &Vm| FROZEN.0.get(),
        );
    // What words left in native frames keep alive is neither to stay nor to be shown.
    m.called_cleanly(&["collect", "get_objects", "get_referrers"]);
    Ok(())
}

/// Whether collections come by themselves.
pub fn is_enabled() -> bool {
    ENABLED.0.get()
}

/// Tells the heap whether dead cycles that can be seen to end are to wait for `gc.collect()`.
fn tell_heap() {
    heap().let_cycles_wait(!ENABLED.0.get() || THRESHOLD.0.get()[0] == 0);
}

/// Whether Python code can get hold of the object: it is laid out as its class says (arrays and tables inside other
/// objects are not).
fn is_visible(h: &Header) -> bool {
    let map = h.map();
    match map.class.get().downcast::<TypeObj>() {
        Some(class) => std::ptr::eq(class.kind.get(), map.kind()),
        None => false,
    }
}

/// Modules whose types are part of CPython's core, and static there.
const CORE_MODULES: &[&str] = &["types", "datetime", "weakref", "_contextvars"];

fn is_tracked(h: &Header) -> bool {
    let map = h.map();
    let v = h.as_value();
    let builtin =
        |class: Ptr<TypeObj>| class.has(TypeFlags::IMMUTABLE) && !class.has(TypeFlags::HEAP);
    if let Some(class) = v.downcast::<TypeObj>() {
        // Those of extension modules are heap types in CPython, but for the modules that its core has.
        let module = class.dict().get_str(rt().names.module).and_then(|m| m.downcast::<StrObj>());
        return !builtin(class) || module.is_some_and(|m| !CORE_MODULES.iter().any(|core| m.eq_str(core)));
    }
    if v.is::<BytearrayObj>() || v.is::<CodeObj>() {
        return false;
    }
    if map.class.get().downcast::<TypeObj>().is_some_and(|c| !builtin(c)) {
        return true;
    }
    if std::ptr::eq(map.kind(), InstanceObj::kind()) {
        return map.tail_words != 0;
    }
    !map.kind().leaf || map.tail_words != 0
}

/// What an object refers to, through the arrays and tables that are parts of it.
fn referents(h: &Header, f: &mut dyn FnMut(Value)) {
    heap().each_referent(h, &mut |v| {
        if !v.is_ptr() {
            if !v.is_empty() {
                f(v);
            }
        } else if is_visible(v.header()) {
            f(v);
        } else if v.header().map() != rt().maps.shape {
            referents(v.header(), f);
        }
    });
}

/// What a plain container refers to, numbers included; false for other objects.
fn numbers(o: Value, found: &RootVec) -> bool {
    let mut push = |v: Value| {
        if !v.is_empty() {
            found.push(v);
        }
    };
    if type_of(o).has(TypeFlags::HEAP) {
        return false;
    }
    if let Some(l) = o.downcast::<ListObj>() {
        l.snapshot().as_slice().iter().for_each(|&v| push(v));
    } else if let Some(t) = o.downcast::<TupleObj>() {
        t.as_slice().iter().for_each(|&v| push(v));
    } else if let Some(d) = o.downcast::<DictObj>() {
        d.table.iter().for_each(|e| [e.key, e.value].into_iter().for_each(&mut push));
    } else if let Some(s) = o.downcast::<SetObj>() {
        s.table.iter().for_each(|e| push(e.key));
    } else {
        return false;
    }
    true
}

/// Whether an object that is dead counts. Notes what is to be said of it.
fn counts(h: &Header) -> bool {
    let yes = is_visible(h) && is_tracked(h);
    if yes
        && DEBUG.0.get() & DEBUG_COLLECTABLE != 0
        && let Some(class) = h.map().class.get().downcast::<TypeObj>()
    {
        let line = format!("gc: collectable <{} {:#x}>\n", class.name_str(), h as *const Header as usize);
        REPORT.lock().unwrap_or_else(|e| e.into_inner()).push_str(&line);
    }
    yes
}

/// Puts an object into `gc.garbage`.
pub(crate) fn save(v: Value) {
    if let Some(list) = GARBAGE.try_get().and_then(|l| l.downcast::<ListObj>()) {
        list.push(v);
    }
}

fn notify(vm: &Vm, phase: &str, generation: i32, collected: i64) -> Res<()> {
    let Some(list) = CALLBACKS.try_get().and_then(|c| c.downcast::<ListObj>()) else { return Ok(()) };
    if list.is_empty() {
        return Ok(());
    }
    let info = DictObj::new();
    info.set_str(intern("generation"), Value::int(generation as i64));
    info.set_str(intern("collected"), Value::int(collected));
    info.set_str(intern("uncollectable"), Value::int(0));
    let items = list.snapshot();
    for &f in items.as_slice() {
        if let Err(e) = vm.call(f, &[intern(phase), info.value()]) {
            crate::report::unraisable(vm, e, "Exception ignored while calling GC callback", f);
        }
    }
    Ok(())
}

/// A full collection with all that follows from it: what nobody holds is gone.
pub fn collect_all(vm: &Vm) {
    heap().collect_fully(&mut |p| crate::pending::run_one(vm, p));
}

fn collect(vm: &Vm, generation: Option<i32>) -> Res<i64> {
    let generation = generation.unwrap_or(2);
    if !(0..=2).contains(&generation) {
        return Err(vm.value_error("invalid generation"));
    }
    notify(vm, "start", generation, 0)?;
    let (debug, start) = (DEBUG.0.get(), std::time::Instant::now());
    if debug & DEBUG_STATS != 0 {
        let mut sizes = [0; 3];
        for (i, size) in sizes.iter_mut().enumerate() {
            heap().each_of_generation(i as u8, &mut |h| *size += (is_visible(h) && is_tracked(h)) as usize);
        }
        let text = format!(
            "gc: collecting generation {generation}...\ngc: objects in each generation: {} {} {}\n\
             gc: objects in permanent generation: {}\n",
            sizes[0],
            sizes[1],
            sizes[2],
            FROZEN.0.get()
        );
        crate::report::write_stderr(vm, &text);
    }
    let before = heap().stats();
    let request = Request { counts, save: debug & DEBUG_SAVEALL != 0, note: generation == 0 };
    let n = heap().collect_counting(generation == 2, request, &mut |p| crate::pending::run_one(vm, p));
    let after = heap().stats();
    let (g, mut totals) = (generation as usize, TOTALS.0.get());
    totals.asked[g] += 1;
    totals.found[g] += n;
    totals.minor += after.minor - before.minor;
    totals.major += after.major - before.major;
    TOTALS.0.set(totals);
    let report = std::mem::take(&mut *REPORT.lock().unwrap_or_else(|e| e.into_inner()));
    if !report.is_empty() {
        crate::report::write_stderr(vm, &report);
    }
    if debug & DEBUG_STATS != 0 {
        let text = format!("gc: done, {n} unreachable, 0 uncollectable, {:.4}s elapsed\n", start.elapsed().as_secs_f64());
        crate::report::write_stderr(vm, &text);
    }
    notify(vm, "stop", generation, n as i64)?;
    Ok(n as i64)
}

fn stats(_: &Vm) -> Ptr<ListObj> {
    let (s, totals) = (heap().stats(), TOTALS.0.get());
    let full = s.major - totals.major;
    // Each full collection comes behind one of the nursery.
    let made = [(s.minor - totals.minor).saturating_sub(full), 0, full];
    let list = ListObj::new(&[]);
    for (g, n) in made.into_iter().enumerate() {
        let d = DictObj::new();
        d.set_str(intern("collections"), int_value((n + totals.asked[g]) as i64));
        d.set_str(intern("collected"), int_value(totals.found[g] as i64));
        d.set_str(intern("uncollectable"), Value::int(0));
        list.push(d.value());
    }
    list
}

fn objects(vm: &Vm, generation: Option<Value>) -> Res<Ptr<ListObj>> {
    let generation = match generation.filter(|g| !g.is_none()) {
        None => None,
        Some(g) if !is_int(g) && type_of(g).special(cape_vm::special::Special::Index).is_empty() => {
            return Err(vm.type_error(format!(
                "argument should be integer or None, not {}",
                type_of(g).name_str()
            )));
        }
        Some(g) => match vm.index_int(g)?.to_i64() {
            Some(n @ 0..=2) => Some(n),
            Some(-1) => None,
            Some(n) if n < -1 => return Err(vm.value_error("generation parameter cannot be negative")),
            _ => {
                return Err(vm.value_error(
                    "generation parameter must be less than the number of available generations (3)",
                ));
            }
        },
    };
    vm.audit("gc.get_objects", &[Value::int(generation.unwrap_or(-1))])?;
    let found = RootVec::new();
    let mut take = |h: &Header| {
        if is_visible(h) && is_tracked(h) {
            found.push(h.as_value());
        }
    };
    match generation {
        Some(g @ 0..) => heap().each_of_generation(g as u8, &mut take),
        _ => {
            heap().collect(true);
            heap().each_object(&mut take);
        }
    }
    Ok(ListObj::new(found.as_slice()))
}
