//! `_lsprof`: the profiler behind `cProfile`. It is a tool of `sys.monitoring`, told of the calls of every function and their ends.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Instant;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, monitor, rt, type_of};

use cape_vm::monitor::Event;

/// `sys.monitoring.PROFILER_ID`
const TOOL: usize = 2;

/// What the tool watches, and the methods that are told. The ends of calls belong to the calls.
const CALLBACKS: [(Event, &str); 9] = [
    (Event::PyStart, "_pystart_callback"),
    (Event::PyResume, "_pystart_callback"),
    (Event::PyThrow, "_pythrow_callback"),
    (Event::PyReturn, "_pyreturn_callback"),
    (Event::PyYield, "_pyreturn_callback"),
    (Event::PyUnwind, "_pyreturn_callback"),
    (Event::Call, "_ccall_callback"),
    (Event::CReturn, "_creturn_callback"),
    (Event::CRaise, "_creturn_callback"),
];

static ENTRY: StructSeq = StructSeq::new(Spec {
    name: "_lsprof.profiler_entry",
    doc: "",
    fields: &[
        ("code", "code object or built-in function name"),
        ("callcount", "how many times this was called"),
        ("reccallcount", "how many times called recursively"),
        ("totaltime", "total time in this entry"),
        ("inlinetime", "inline time in this entry (not in subcalls)"),
        ("calls", "details of the calls"),
    ],
    visible: 6,
    instantiable: true,
    complete: None,
});

static SUBENTRY: StructSeq = StructSeq::new(Spec {
    name: "_lsprof.profiler_subentry",
    doc: "",
    fields: &[
        ("code", "called code object or built-in function name"),
        ("callcount", "how many times this is called"),
        ("reccallcount", "how many times this is called recursively"),
        ("totaltime", "total time spent in this call"),
        ("inlinetime", "inline time (not in further subcalls)"),
    ],
    visible: 5,
    instantiable: true,
    complete: None,
});

/// Calls of a function: all of them, or those from one caller. Times are in units of the timer.
#[derive(Default)]
struct Calls {
    total: i64,
    inline: i64,
    count: i64,
    recursive: i64,
    /// How many of them are running.
    level: i64,
}

impl Calls {
    fn end(&mut self, total: i64, inline: i64) {
        self.level -= 1;
        if self.level == 0 {
            self.total += total;
        } else {
            self.recursive += 1;
        }
        self.inline += inline;
        self.count += 1;
    }
}

/// A function that was called. What Python code sees of it is in [`ProfilerObj::functions`], at the same place as the entry.
#[derive(Default)]
struct Entry {
    calls: Calls,
    /// The calls that it made, by the callee's number.
    callees: Vec<(usize, Calls)>,
}

impl Entry {
    fn callee(&mut self, number: usize) -> Option<&mut Calls> {
        self.callees.iter_mut().find(|c| c.0 == number).map(|c| &mut c.1)
    }
}

/// A call that is running.
struct Running {
    function: usize,
    start: i64,
    /// Time spent in the calls that it made.
    below: i64,
}

/// What was measured.
#[derive(Default)]
struct Measured {
    entries: Vec<Entry>,
    /// Numbers of functions by address: of a code object, which does not move, or a native definition.
    numbers: HashMap<usize, usize>,
    running: Vec<Running>,
}

heap_object! {
    /// `_lsprof.Profiler`. `functions` is a list, `timer` a callable or EMPTY.
    pub struct ProfilerObj {
        timer: Field, functions: Field, unit: Cell<f64>, subcalls: Cell<bool>, builtins: Cell<bool>, enabled: Cell<bool>,
        in_timer: Cell<bool>, measured: Native<RefCell<Measured>>
    } [drop]
}

impl Named for ProfilerObj {
    const NAME: &'static str = "_lsprof.Profiler";
}

type This = Ptr<ProfilerObj>;

static TYPE: StaticType = StaticType::new();

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    if TYPE.try_get().is_none() {
        make_type();
    }
    m.class(TYPE.get()).class(ENTRY.class()).class(SUBENTRY.class());
    Ok(())
}

fn make_type() {
    let b = new_type::<ProfilerObj>("_lsprof.Profiler", rt().types.object, TypeFlags::BASE)
        .doc("Build a profiler object using the specified timer function.\n\n  timer\n    Function that returns the current time.  The default timer is a fast\n    built-in one based on real time.\n  timeunit\n    For custom timer functions returning integers, \'timeunit\' can be a\n    float specifying a scale (that is, how long each integer unit is,\n    in seconds).")
        .new_fn("__new__($type, *args, **kwargs)", "Create and return a new object.", |_: &Vm, class: Ptr<TypeObj>, _: Value, _: Value| new(class))
        .method("__init__($self, /, timer=None, timeunit=0.0, subcalls=True, builtins=True)", "Initialize self.  See help(type(self)) for accurate signature.", initialize)
        .method("getstats($self, /)", "Return all information collected by the profiler, as a list of profiler_entry objects.", stats)
        .method("enable($self, /, subcalls=True, builtins=True)", "Start collecting profiling information.\n\n  subcalls\n    If True, also records for each function\n    statistics separated according to its current caller.\n  builtins\n    If True, records the time spent in\n    built-in functions separately from their caller.", enable)
        .method("disable($self, /)", "Stop collecting profiling information.", disable)
        .method("clear($self, /)", "Clear all profiling information collected so far.", clear)
        .method("_pystart_callback($self, code, instruction_offset, /)", "", |vm: &Vm, p: This, code: Value, _: Value| started(vm, p, code))
        .method("_pythrow_callback($self, code, instruction_offset, exception, /)", "", |vm: &Vm, p: This, code: Value, _: Value, _: Value| started(vm, p, code))
        .method("_pyreturn_callback($self, code, instruction_offset, retval, /)", "", |vm: &Vm, p: This, code: Value, _: Value, _: Value| leave(vm, p, code.bits() as usize))
        .method("_ccall_callback($self, code, instruction_offset, callable, self_arg, /)", "", |vm: &Vm, p: This, _: Value, _: Value, f: Value, first: Value| {
            if p.builtins.get() && let Some((def, this, module)) = native(f, first) {
                let key = std::ptr::from_ref(def) as usize;
                if !known(p, key) {
                    let shown = shown(vm, def, this, module)?;
                    add(p, key, shown);
                }
                enter(vm, p, key);
            }
            Ok::<_, Raised>(())
        })
        .method("_creturn_callback($self, code, instruction_offset, callable, self_arg, /)", "", |vm: &Vm, p: This, _: Value, _: Value, f: Value, first: Value| {
            if p.builtins.get() && let Some((def, ..)) = native(f, first) {
                leave(vm, p, std::ptr::from_ref(def) as usize);
            }
        });
    TYPE.set(b.class());
}

fn new(class: Ptr<TypeObj>) -> This {
    let functions = ListObj::new(&[]);
    let map = class.instance_map();
    heap().alloc(
        map,
        ProfilerObj {
            header: Header::new(map),
            timer: Field::new(Value::EMPTY),
            functions: Field::new(functions.value()),
            unit: Cell::new(0.0),
            subcalls: Cell::new(true),
            builtins: Cell::new(true),
            enabled: Cell::new(false),
            in_timer: Cell::new(false),
            measured: Native(RefCell::default()),
        },
    )
}

fn initialize(
    _: &Vm,
    p: This,
    timer: Option<Value>,
    unit: Option<f64>,
    subcalls: Option<bool>,
    builtins: Option<bool>,
) {
    p.timer.set(p, timer.filter(|t| !t.is_none()).unwrap_or(Value::EMPTY));
    p.unit.set(unit.unwrap_or(0.0));
    p.subcalls.set(subcalls.unwrap_or(true));
    p.builtins.set(builtins.unwrap_or(true));
}

/// The timer may do anything, but this.
fn not_in_timer(vm: &Vm, p: This, doing: &str) -> Res<()> {
    if p.in_timer.get() {
        return Err(vm.runtime_error(format!("cannot {doing} profiler in external timer")));
    }
    Ok(())
}

fn enable(vm: &Vm, p: This, subcalls: Option<bool>, builtins: Option<bool>) -> Res<()> {
    not_in_timer(vm, p, "enable")?;
    p.subcalls.set(subcalls.unwrap_or(true));
    p.builtins.set(builtins.unwrap_or(true));
    if !monitor::tool_name(TOOL).is_empty() {
        return Err(vm.value_error(format!("tool {TOOL} is already in use")));
    }
    monitor::set_tool_name(TOOL, intern("cProfile"));
    let mut events = 0;
    for (event, name) in CALLBACKS {
        let f = vm.get_attr(p.value(), intern(name))?;
        monitor::set_callback(TOOL, event, f);
        if !matches!(event, Event::CReturn | Event::CRaise) {
            events |= event.bit();
        }
    }
    monitor::watch_everywhere(TOOL, events);
    p.enabled.set(true);
    Ok(())
}

fn disable(vm: &Vm, p: This) -> Res<()> {
    not_in_timer(vm, p, "disable")?;
    if p.enabled.replace(false) {
        monitor::clear_tool(TOOL);
        monitor::set_tool_name(TOOL, Value::EMPTY);
        while !p.measured.borrow().running.is_empty() {
            end(vm, p);
        }
    }
    Ok(())
}

fn clear(vm: &Vm, p: This) -> Res<()> {
    not_in_timer(vm, p, "clear")?;
    *p.measured.borrow_mut() = Measured::default();
    p.functions.set(p, ListObj::new(&[]).value());
    Ok(())
}

// ---- time ----

/// The time in the timer's units; what goes wrong in a timer of Python's is reported, and is 0.
fn now(vm: &Vm, p: This) -> i64 {
    let timer = p.timer.get();
    if timer.is_empty() {
        static START: OnceLock<Instant> = OnceLock::new();
        return START.get_or_init(Instant::now).elapsed().as_nanos() as i64;
    }
    p.in_timer.set(true);
    let told = vm.call(timer, &[]);
    p.in_timer.set(false);
    let time = told.and_then(|t| match p.unit.get() > 0.0 {
        true => <i64 as cape_vm::native::FromArg>::from_arg(vm, t, 0),
        false => Ok((vm.to_f64(t)? * 1e9).floor() as i64),
    });
    time.unwrap_or_else(|e| {
        crate::warn::unraisable_message(vm, e, timer, "Exception ignored while calling _lsprof timer");
        0
    })
}

/// Seconds of the timer's unit.
fn factor(p: This) -> f64 {
    match p.timer.get().is_empty() || p.unit.get() <= 0.0 {
        true => 1e-9,
        false => p.unit.get(),
    }
}

// ---- calls ----

fn known(p: This, key: usize) -> bool {
    p.measured.borrow().numbers.contains_key(&key)
}

fn add(p: This, key: usize, shown: Value) {
    let functions: Ptr<ListObj> = p.functions.downcast().expect("a list");
    functions.push(shown);
    let mut m = p.measured.borrow_mut();
    let number = m.entries.len();
    m.entries.push(Entry::default());
    m.numbers.insert(key, number);
}

/// A function of Python's begins or goes on.
fn started(vm: &Vm, p: This, code: Value) {
    let key = code.bits() as usize;
    if !known(p, key) {
        add(p, key, code);
    }
    enter(vm, p, key);
}

fn enter(vm: &Vm, p: This, key: usize) {
    {
        let mut m = p.measured.borrow_mut();
        let Some(&function) = m.numbers.get(&key) else { return };
        m.entries[function].calls.level += 1;
        if p.subcalls.get()
            && let Some(caller) = m.running.last().map(|r| r.function)
        {
            let caller = &mut m.entries[caller];
            if caller.callee(function).is_none() {
                caller.callees.push((function, Calls::default()));
            }
            caller.callee(function).expect("added above").level += 1;
        }
        m.running.push(Running { function, start: 0, below: 0 });
    }
    let depth = p.measured.borrow().running.len();
    let start = now(vm, p);
    if let Some(r) = p.measured.borrow_mut().running.get_mut(depth - 1) {
        r.start = start;
    }
}

fn leave(vm: &Vm, p: This, key: usize) {
    let known = {
        let mut m = p.measured.borrow_mut();
        if m.running.is_empty() {
            return;
        }
        let known = m.numbers.contains_key(&key);
        if !known {
            m.running.pop();
        }
        known
    };
    if known {
        end(vm, p);
    }
}

/// The innermost running call ends.
fn end(vm: &Vm, p: This) {
    let time = now(vm, p);
    let mut m = p.measured.borrow_mut();
    let Some(r) = m.running.pop() else { return };
    let total = time.wrapping_sub(r.start);
    let inline = total.wrapping_sub(r.below);
    m.entries[r.function].calls.end(total, inline);
    let Some(caller) = m.running.last_mut() else { return };
    caller.below = caller.below.wrapping_add(total);
    let caller = caller.function;
    if p.subcalls.get()
        && let Some(calls) = m.entries[caller].callee(r.function)
    {
        calls.end(total, inline);
    }
}

/// The definition, receiver and module of a native function that is called with a first argument.
fn native(f: Value, first: Value) -> Option<(&'static cape_vm::native::MethodDef, Value, Value)> {
    if let Some(f) = f.downcast::<BuiltinObj>() {
        return Some((f.def, f.this.get(), f.module.get()));
    }
    let d = f.downcast::<MethodDescrObj>()?;
    let plain = d.header().map() == rt().maps.method_descriptor && first != monitor::missing();
    plain.then_some((d.def, first, Value::EMPTY))
}

/// What stands for a native function: text, so that nothing keeps what it was bound to.
fn shown(vm: &Vm, def: &cape_vm::native::MethodDef, this: Value, module: Value) -> Res<Value> {
    let module = match module.downcast::<ModuleObj>() {
        Some(m) => m.dict().get_str(rt().names.name).unwrap_or(Value::NONE),
        None => module,
    };
    let module = module.downcast::<StrObj>().map(|s| s.display());
    let text = if this.is_empty() {
        match module.as_deref() {
            Some("builtins") | None => format!("<{}>", def.name),
            Some(module) => format!("<{module}.{}>", def.name),
        }
    } else {
        if let Some(found) = cape_vm::class::lookup_mro(type_of(this), intern(def.name)) {
            return vm.repr(found).map(|s| s.value());
        }
        match module {
            Some(module) => format!("<built-in method {module}.{}>", def.name),
            None => format!("<built-in method {}>", def.name),
        }
    };
    Ok(StrObj::new(&text).value())
}

// ---- results ----

fn stats(_: &Vm, p: This) -> Ptr<ListObj> {
    let all = ListObj::new(&[]);
    let factor = factor(p);
    let functions: Ptr<ListObj> = p.functions.downcast().expect("a list");
    let functions = functions.snapshot();
    let functions = functions.as_slice();
    let numbers = |c: &Calls| {
        [
            Value::int(c.count),
            Value::int(c.recursive),
            Value::float(c.total as f64 * factor),
            Value::float(c.inline as f64 * factor),
        ]
    };
    let m = p.measured.borrow();
    for (i, e) in m.entries.iter().enumerate().filter(|(_, e)| e.calls.count > 0) {
        let mut calls = Value::NONE;
        if !e.callees.is_empty() {
            let list = ListObj::new(&[]);
            for (callee, c) in e.callees.iter().filter(|(_, c)| c.count > 0) {
                let [count, recursive, total, inline] = numbers(c);
                list.push(SUBENTRY.make(&[functions[*callee], count, recursive, total, inline]));
            }
            calls = list.value();
        }
        let [count, recursive, total, inline] = numbers(&e.calls);
        all.push(ENTRY.make(&[functions[i], count, recursive, total, inline, calls]));
    }
    all
}
