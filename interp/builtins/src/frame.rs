//! `frame`, and the mapping over a frame's variables that `f_locals` gives.

use cape_bytecode::flags;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::frame::FrameObj;
use cape_vm::generator::GenState;
use cape_vm::native::{Named, extend, new_type};
use cape_vm::object::{CellObj, DictObj, ListObj, StrObj, TypeFlags, TypeObj};
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// The write-through view of a function frame's variables (PEP 667).
    pub struct LocalsProxyObj { frame: Field }
}

impl Named for LocalsProxyObj {
    const NAME: &'static str = "FrameLocalsProxy";
}

static PROXY: StaticType = StaticType::new();

type Frame = Ptr<FrameObj>;
type Proxy = Ptr<LocalsProxyObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    extend(rt().types.frame)
        .getter("f_back", "Return the next outer frame object.", |vm: &Vm, f: Frame| vm.frame_back(f))
        .getter("f_code", "Return the code object of the frame.", |vm: &Vm, f: Frame| {
            vm.audit_attribute(f.value(), "f_code", None)?;
            Ok::<_, Raised>(f.code())
        })
        .getter("f_globals", "Return the global variables in the frame.", |_: &Vm, f: Frame| f.globals.get())
        .getter("f_builtins", "Return the built-in variables in the frame.", |_: &Vm, f: Frame| {
            f.builtins.get()
        })
        .getter("f_locals", "Return the mapping used by the frame to look up local variables.", locals)
        .getter(
            "f_lasti",
            "Return the index of the last attempted instruction in the frame.",
            |_: &Vm, f: Frame| f.offset(),
        )
        .getter(
            "f_generator",
            "Return the generator or coroutine associated with this frame, or None.",
            |_: &Vm, f: Frame| f.generator(),
        )
        .getset(
            "f_lineno",
            "Return the current line number in the frame.",
            |_: &Vm, f: Frame| knows_lines(f).then(|| f.line()),
            |vm: &Vm, f: Frame, v: Value| -> Res<()> {
                if v.is_empty() {
                    return Err(vm.attribute_error("cannot delete attribute"));
                }
                if !cape_vm::object::is_int(v) {
                    return Err(vm.value_error("lineno must be an integer"));
                }
                // (What does not fit an int of C's is out of range.)
                let line = vm.index_int(v)?.to_i64().unwrap_or(i64::MAX);
                vm.set_line(f, line)
            },
        )
        .getset(
            "f_trace",
            "Return the trace function for this frame, or None if no trace function is set.",
            |_: &Vm, f: Frame| f.trace_fn.get(),
            |_: &Vm, f: Frame, v: Value| f.trace_fn.set(f, crate::function::or_none(v)),
        )
        .getset(
            "f_trace_lines",
            "",
            |_: &Vm, f: Frame| f.trace_lines.get(),
            |vm: &Vm, f: Frame, v: Value| {
                if v.is_empty() {
                    return Err(vm.type_error("can't delete numeric/char attribute"));
                }
                flag(vm, &f.trace_lines, v)
            },
        )
        .getset(
            "f_trace_opcodes",
            "Return True if opcode tracing is enabled, False otherwise.",
            |_: &Vm, f: Frame| f.trace_opcodes.get(),
            |vm: &Vm, f: Frame, v: Value| {
                if v.is_empty() {
                    let message = "attribute 'f_trace_opcodes' of 'frame' objects cannot be deleted";
                    return Err(vm.attribute_error(message));
                }
                flag(vm, &f.trace_opcodes, v)?;
                vm.trace_opcodes(f, f.trace_opcodes.get());
                Ok(())
            },
        )
        .method("clear($self, /)", "Clear all references held by the frame.", clear)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method(
            "__sizeof__($self, /)",
            "Return the size of the frame in memory, in bytes.",
            |_: &Vm, f: Frame| 120 + 8 * f.code().nregs as usize,
        );
    let b = new_type::<LocalsProxyObj>("FrameLocalsProxy", rt().types.object, TypeFlags::MAPPING)
        .new_fn("__new__(cls, frame, /)", "", |_: &Vm, _: Ptr<TypeObj>, f: Frame| make_proxy(f))
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, p: Proxy| {
            if !vm.repr_enter(p.value()) {
                return Ok(StrObj::new("{...}"));
            }
            let r = vm.repr(snapshot(frame_of(p)).value());
            vm.repr_leave(p.value());
            r
        })
        .method("__getitem__($self, key, /)", "Return self[key].", |vm: &Vm, p: Proxy, k: Value| {
            match get(vm, frame_of(p), k)? {
                Some(v) => Ok(v),
                None => Err(missing(vm, k)?),
            }
        })
        .method(
            "__setitem__($self, key, value, /)",
            "Set self[key] to value.",
            |vm: &Vm, p: Proxy, k: Value, v: Value| set(vm, frame_of(p), k, v),
        )
        .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, p: Proxy, k: Value| {
            remove(vm, frame_of(p), k, None).map(|_| ())
        })
        .method("__contains__($self, key, /)", "Return bool(key in self).", |vm: &Vm, p: Proxy, k: Value| {
            Ok::<_, cape_vm::Raised>(get(vm, frame_of(p), k)?.is_some())
        })
        .method("__len__($self, /)", "Return len(self).", |_: &Vm, p: Proxy| snapshot(frame_of(p)).len())
        .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, p: Proxy| vm.iter(keys(p)))
        .method("__reversed__($self, /)", "", |_: &Vm, p: Proxy| {
            let l: Ptr<ListObj> = keys(p).downcast().expect("a list");
            let back: Vec<usize> = (0..l.len()).rev().collect();
            let out = ListObj::new(&[]);
            back.iter().filter_map(|i| l.get(*i)).for_each(|v| out.push(v));
            out
        })
        .method("keys($self, /)", "", |_: &Vm, p: Proxy| keys(p))
        .method("values($self, /)", "", |vm: &Vm, p: Proxy| {
            as_list(vm, crate::dict_views::values(snapshot(frame_of(p))))
        })
        .method("items($self, /)", "", |vm: &Vm, p: Proxy| {
            as_list(vm, crate::dict_views::items(snapshot(frame_of(p))))
        })
        .method("copy($self, /)", "", |_: &Vm, p: Proxy| snapshot(frame_of(p)))
        .method("get($self, key, default=None, /)", "", |vm: &Vm, p: Proxy, k: Value, d: Option<Value>| {
            Ok::<_, cape_vm::Raised>(get(vm, frame_of(p), k)?.or(d))
        })
        .method(
            "setdefault($self, key, default=None, /)",
            "",
            |vm: &Vm, p: Proxy, k: Value, d: Option<Value>| -> Res<Value> {
                if let Some(v) = get(vm, frame_of(p), k)? {
                    return Ok(v);
                }
                let d = d.unwrap_or(Value::NONE);
                set(vm, frame_of(p), k, d)?;
                Ok(d)
            },
        )
        .method(
            "pop($self, key, default=<unrepresentable>, /)",
            "",
            |vm: &Vm, p: Proxy, k: Value, d: Option<Value>| remove(vm, frame_of(p), k, d),
        )
        .method("update($self, other, /)", "", |vm: &Vm, p: Proxy, o: Value| update(vm, p, o))
        .method(
            "__ior__($self, value, /)",
            "Return self|=value.",
            |vm: &Vm, p: Proxy, o: Value| -> Res<Value> {
                if !o.is::<DictObj>() && !o.is::<LocalsProxyObj>() {
                    return Ok(Value::NOT_IMPLEMENTED);
                }
                update(vm, p, o)?;
                Ok(p.value())
            },
        )
        .method("__or__($self, value, /)", "Return self|value.", or)
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| or(vm, b, a))
        .attribute("__hash__", Value::NONE)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: Proxy, b: Value| {
            compare(vm, a, b, Cmp::Eq)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: Proxy, b: Value| {
            compare(vm, a, b, Cmp::Ne)
        });
    PROXY.set(b.class());
}

/// Whether the frame's line is known: there may be code that knows none. (An empty body's only instruction is on the line of the call.)
fn knows_lines(f: Frame) -> bool {
    let unit = &f.code().unit;
    f.line_override.get() != 0
        || unit.code.len() == 1
        || unit.positions.runs().any(|(_, _, position)| position.is_some())
}

fn flag(vm: &Vm, cell: &std::cell::Cell<bool>, v: Value) -> Res<()> {
    if !v.is_bool() {
        return Err(vm.type_error("attribute value type must be bool"));
    }
    cell.set(v == Value::TRUE);
    Ok(())
}

fn make_proxy(f: Frame) -> Proxy {
    let map = PROXY.get().instance_map();
    heap().alloc(map, LocalsProxyObj { header: Header::new(map), frame: Field::new(f.value()) })
}

fn frame_of(p: Proxy) -> Frame {
    p.frame.downcast().expect("a proxy's frame")
}

fn locals(_vm: &Vm, f: Frame) -> Value {
    namespace(f).unwrap_or_else(|| make_proxy(f).value())
}

/// The mapping that holds the frame's variables; `None`: they are registers, as those of a function are, and those of a comprehension
/// that is running in a module or class.
pub fn namespace(f: Frame) -> Option<Value> {
    let own = match f.locals.get() {
        own if own.is_empty() && f.code().unit.flags & flags::OPTIMIZED == 0 => f.globals.get(),
        own => own,
    };
    (!own.is_empty() && !runs_comprehension(f)).then_some(own)
}

/// Whether a variable of a comprehension is bound in a frame whose other variables are in a mapping.
fn runs_comprehension(f: Frame) -> bool {
    let code = f.code();
    let unit = &code.unit;
    let shadows = unit.temp_names.iter().map(|(r, _)| *r as usize);
    f.registers().is_some_and(|registers| {
        (0..unit.varnames.len())
            .chain(shadows)
            .any(|r| !value_in(registers[r], unit.cell_regs.contains(&(r as u16))).is_empty())
    })
}

/// Calls `f` with each variable's name, register and whether the register holds a cell, until it returns true.
fn each_variable(code: &cape_bytecode::CodeUnit, mut f: impl FnMut(&str, usize, bool) -> bool) {
    for (r, n) in code.temp_names.iter().rev() {
        if f(n, *r as usize, code.cell_regs.contains(r)) {
            return;
        }
    }
    for (i, n) in code.varnames.iter().enumerate() {
        if f(n, i, code.cell_regs.contains(&(i as u16))) {
            return;
        }
    }
    for (n, &r) in code.cellvars.iter().zip(&code.cell_regs) {
        if r as usize >= code.varnames.len() && f(n, r as usize, true) {
            return;
        }
    }
    for (i, n) in code.freevars.iter().enumerate() {
        if f(n, code.first_free as usize + i, true) {
            return;
        }
    }
}

fn value_in(v: Value, cell: bool) -> Value {
    match v.downcast::<CellObj>() {
        Some(c) if cell => c.content.get(),
        _ => v,
    }
}

/// The frame's variables as a new dict.
pub fn snapshot(f: Frame) -> Ptr<DictObj> {
    let d = DictObj::new();
    let code = f.code();
    each_variable(&code.unit, |name, r, cell| {
        let v = f.registers().map_or(Value::EMPTY, |regs| value_in(regs[r], cell));
        let n = intern(name);
        if !v.is_empty() && d.get_str(n).is_none() {
            d.set_str(n, v);
        }
        false
    });
    if let Some(extra) = f.extra_locals.downcast::<DictObj>() {
        for e in extra.table.iter() {
            if e.key.is::<StrObj>() {
                d.set_str(cape_vm::attr::interned(e.key), e.value);
            } else {
                d.table.insert_new(d.header(), e.hash, e.key, e.value);
            }
        }
    }
    d
}

/// The register of a variable that is bound (or, with `any`, of any variable) under this name. What is no plain `str` says by itself which
/// names it equals.
fn find(vm: &Vm, f: Frame, key: Value, any: bool) -> Res<Option<(usize, bool)>> {
    let hash = vm.hash(key)?;
    if let Some(s) = key.downcast::<StrObj>()
        && type_of(key) == rt().types.str
    {
        return Ok(find_name(f, &s.display(), any));
    }
    let mut names = Vec::new();
    let code = f.code();
    each_variable(&code.unit, |n, _, _| {
        names.push(n.to_string());
        false
    });
    for n in names {
        let name = intern(&n);
        if vm.hash(name)? == hash && vm.eq(name, key)? {
            return Ok(find_name(f, &n, any));
        }
    }
    Ok(None)
}

fn find_name(f: Frame, name: &str, any: bool) -> Option<(usize, bool)> {
    let code = f.code();
    let (mut found, mut unbound) = (None, None);
    each_variable(&code.unit, |n, r, cell| {
        if n != name {
            return false;
        }
        let v = f.registers().map_or(Value::EMPTY, |regs| value_in(regs[r], cell));
        if v.is_empty() {
            // The variables of comprehensions come first; a name is that of the function's own.
            unbound = Some((r, cell));
            return false;
        }
        found = Some((r, cell));
        true
    });
    if any { found.or(unbound) } else { found }
}

fn get(vm: &Vm, f: Frame, key: Value) -> Res<Option<Value>> {
    if let Some((r, cell)) = find(vm, f, key, false)? {
        return Ok(f.registers().map(|regs| value_in(regs[r], cell)));
    }
    match f.extra_locals.downcast::<DictObj>() {
        Some(d) => d.get(vm, key),
        None => Ok(None),
    }
}

#[cold]
fn missing(vm: &Vm, key: Value) -> Res<cape_vm::Raised> {
    Ok(vm.key_error(format!("local variable '{}' is not defined", vm.str(key)?.display())))
}

fn set(vm: &Vm, f: Frame, key: Value, v: Value) -> Res<()> {
    if let Some((r, cell)) = find(vm, f, key, true)? {
        let there = f.registers().map_or(Value::EMPTY, |regs| regs[r]);
        match there.downcast::<CellObj>() {
            Some(c) if cell => c.content.set(c, v),
            _ => f.set_register(r, v),
        }
        return Ok(());
    }
    let extra = match f.extra_locals.downcast::<DictObj>() {
        Some(d) => d,
        None => {
            let d = DictObj::new();
            f.extra_locals.set(f, d.value());
            d
        }
    };
    extra.set(vm, key, v)
}

fn remove(vm: &Vm, f: Frame, key: Value, default: Option<Value>) -> Res<Value> {
    if find(vm, f, key, true)?.is_some() {
        return Err(vm.value_error("cannot remove local variables from FrameLocalsProxy"));
    }
    let found = match f.extra_locals.downcast::<DictObj>() {
        Some(d) => d.remove(vm, key)?,
        None => None,
    };
    found.or(default).ok_or_else(|| vm.key_error_for(key))
}

fn keys(p: Proxy) -> Value {
    let l = ListObj::new(&[]);
    for e in snapshot(frame_of(p)).table.iter() {
        l.push(e.key);
    }
    l.value()
}

fn as_list(vm: &Vm, v: Value) -> Res<Value> {
    Ok(ListObj::from_vec(vm.vec_of(v)?).value())
}

fn update(vm: &Vm, p: Proxy, other: Value) -> Res<()> {
    let items = match other.downcast::<LocalsProxyObj>() {
        Some(o) => snapshot(frame_of(o)),
        None => {
            let Some(d) = other.downcast::<DictObj>() else {
                return Err(vm.type_error("update() argument must be dict or another FrameLocalsProxy"));
            };
            d.copy()
        }
    };
    let mut i = 0;
    while let Some((at, e)) = items.table.next_entry(i) {
        i = at + 1;
        set(vm, frame_of(p), e.key, e.value)?;
    }
    Ok(())
}

fn or(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    let part = |v: Value| match (v.downcast::<LocalsProxyObj>(), v.downcast::<DictObj>()) {
        (Some(p), _) => Some(snapshot(frame_of(p))),
        (_, Some(d)) => Some(d),
        _ => None,
    };
    let (Some(x), Some(y)) = (part(a), part(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    let d = x.copy();
    vm.dict_update(d, y.value())?;
    Ok(d.value())
}

fn compare(vm: &Vm, a: Proxy, b: Value, c: Cmp) -> Res<Value> {
    if let Some(o) = b.downcast::<LocalsProxyObj>() {
        return Ok(Value::bool((a.frame.get() == o.frame.get()) == (c == Cmp::Eq)));
    }
    if !b.is::<DictObj>() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    vm.compare(snapshot(frame_of(a)).value(), b, c)
}

fn clear(vm: &Vm, f: Frame) -> Res<()> {
    let g = f.generator();
    match g.map(|g| g.state()) {
        Some(GenState::Running) => return Err(vm.runtime_error("cannot clear an executing frame")),
        Some(GenState::Suspended) => return Err(vm.runtime_error("cannot clear a suspended frame")),
        Some(GenState::Created) => {
            if let Some(g) = g {
                crate::generator::finalize(vm, g);
            }
        }
        _ if !f.live.get().is_null() => return Err(vm.runtime_error("cannot clear an executing frame")),
        _ => {}
    }
    let n = f.registers().map_or(0, |r| r.len());
    (0..n).for_each(|i| f.set_register(i, Value::EMPTY));
    f.extra_locals.set(f, Value::EMPTY);
    f.trace_fn.set(f, Value::NONE);
    Ok(())
}

fn repr(vm: &Vm, f: Frame) -> Res<String> {
    let code = f.code();
    Ok(format!(
        "<frame at {:#x}, file {}, line {}, code {}>",
        vm.id(f.value()),
        vm.repr_str(code.filename.get())?,
        f.line(),
        code.name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default()
    ))
}
