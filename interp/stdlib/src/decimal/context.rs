//! `decimal.Context`, dicts of signals, context managers, and which context is current.

use std::cell::Cell;

use cape_decimal::context::status::*;
use cape_decimal::context::{MAX_EMAX, MAX_PREC, MIN_EMIN};
use cape_decimal::{Context, Round};
use cape_heap::{Field, Header, MapRef, Native, WeakCell, heap, heap_object};
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

use super::arguments::{rounding, size};
use super::signals;
use crate::contextvars::{self, ContextVarObj};
use crate::statics::StaticValue;

heap_object! {
    /// A context. Its two dicts of signals are made when they are asked for.
    pub struct ContextObj {
        cx: Native<Cell<Context>>,
        pub capitals: Cell<bool>,
        traps: Cell<u32>,
        conditions: Cell<u32>,
        traps_dict: Field,
        flags_dict: Field,
    }

    /// A dict of signals, which shows those of a context: a weak reference to it, or EMPTY.
    pub struct SignalDictObj { context: Field, of_traps: bool }

    /// What `localcontext` gives: the context that is set and, while it is, the one before.
    pub struct ManagerObj { local: Field, outer: Field }
}

impl Named for ContextObj {
    const NAME: &'static str = "decimal.Context";
}
impl Named for SignalDictObj {
    const NAME: &'static str = "decimal.SignalDictMixin";
}
impl Named for ManagerObj {
    const NAME: &'static str = "decimal.ContextManager";
}

/// A reference to a context.
pub type Ctx = Ptr<ContextObj>;
type Dict = Ptr<SignalDictObj>;

static TYPE: StaticType = StaticType::new();
static MANAGER: StaticType = StaticType::new();
static SIGNAL_DICT: StaticType = StaticType::new();
/// The context of variables in which the current context was last looked for, and what it was.
static SEEN_IN: StaticValue = StaticValue::shared();
static SEEN: StaticValue = StaticValue::shared();
/// The context variable.
static CURRENT: StaticValue = StaticValue::shared();
static DEFAULT: StaticValue = StaticValue::shared();
static BASIC: StaticValue = StaticValue::shared();
static EXTENDED: StaticValue = StaticValue::shared();

/// The class.
pub fn class() -> Ptr<TypeObj> {
    TYPE.get()
}

const START: Context =
    Context { prec: 28, emax: 999_999, emin: -999_999, round: Round::HalfEven, clamp: false };
const USUAL_TRAPS: u32 = INVALID | DIVISION_BY_ZERO | OVERFLOW;

impl ContextObj {
    /// Precision, limits and rounding.
    #[inline(always)]
    pub fn cx(&self) -> Context {
        self.cx.get()
    }

    /// Notes conditions, and raises what is not to be passed over.
    #[inline(always)]
    pub fn signal(&self, vm: &Vm, conditions: u32) -> Res<()> {
        if conditions == 0 {
            return Ok(());
        }
        self.note(conditions);
        match conditions & self.traps.get() {
            0 => Ok(()),
            trapped => Err(signals::raised(vm, trapped)),
        }
    }

    /// Notes conditions.
    pub fn note(&self, conditions: u32) {
        self.conditions.set(self.conditions.get() | conditions);
    }
}

/// A context of the class with this map.
pub fn make(map: MapRef, cx: Context, traps: u32) -> Ctx {
    heap().alloc(
        map,
        ContextObj {
            header: Header::new(map),
            cx: Native(Cell::new(cx)),
            capitals: Cell::new(true),
            traps: Cell::new(traps),
            conditions: Cell::new(0),
            traps_dict: Field::new(Value::EMPTY),
            flags_dict: Field::new(Value::EMPTY),
        },
    )
}

/// A copy of the very class.
fn copy(c: Ctx) -> Ctx {
    let new = make(class().instance_map(), c.cx(), c.traps.get());
    new.capitals.set(c.capitals.get());
    new.conditions.set(c.conditions.get());
    new
}

/// Makes the types, once.
pub fn make_types(vm: &Vm) -> Res<()> {
    if TYPE.try_get().is_some() {
        return Ok(());
    }
    let object = rt().types.object;
    let b = new_type::<ContextObj>("decimal.Context", object, TypeFlags::BASE)
        .doc("Precision, limits of exponents, rounding, and what is to be done about conditions.")
        .new_fn("__new__($type, *args, **kwargs)", "Create and return a new object.", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
            make(cls.instance_map(), START, USUAL_TRAPS)
        })
        .method(
            "__init__($self, /, prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)",
            "Initialize self.",
            |vm: &Vm, c: Ctx, prec: Value, rounding: Value, emin: Value, emax: Value, capitals: Value, clamp: Value, flags: Value, traps: Value| {
                change(vm, c, [prec, rounding, emin, emax, capitals, clamp, flags, traps])
            },
        )
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("copy($self, /)", "A copy of the context.", |_: &Vm, c: Ctx| copy(c))
        .method("__copy__($self, /)", "A copy of the context.", |_: &Vm, c: Ctx| copy(c))
        .method("__reduce__($self, /)", "", reduce)
        .method("clear_flags($self, /)", "Clears all flags.", |_: &Vm, c: Ctx| c.conditions.set(0))
        .method("clear_traps($self, /)", "Clears all traps.", |_: &Vm, c: Ctx| c.traps.set(0));
    attributes(b);
    super::context_methods::add(b);
    TYPE.set(b.class());

    let b = new_type::<ManagerObj>("decimal.ContextManager", object, TypeFlags::NO_INSTANTIATION)
        .method("__enter__($self, /)", "", |vm: &Vm, m: Ptr<ManagerObj>| {
            set_current(vm, m.local.get())?;
            Ok(m.local.get())
        })
        .method("__exit__($self, /, *args)", "", |vm: &Vm, m: Ptr<ManagerObj>, _: Value| {
            set_current(vm, m.outer.get())?;
            Ok(false)
        });
    MANAGER.set(b.class());
    make_signal_dict(vm)?;

    CURRENT.set(contextvars::new_var(intern("decimal_context"), Value::EMPTY).value());
    let map = class().instance_map();
    DEFAULT.set(make(map, START, USUAL_TRAPS).value());
    let nine = Context { prec: 9, ..START };
    let basic = Context { round: Round::HalfUp, ..nine };
    BASIC.set(make(map, basic, USUAL_TRAPS | UNDERFLOW | CLAMPED).value());
    EXTENDED.set(make(map, nine, 0).value());
    Ok(())
}

/// Adds the contexts that others are made from.
pub fn add_templates(m: Ptr<ModuleObj>) -> Res<()> {
    for (name, v) in [("DefaultContext", &DEFAULT), ("BasicContext", &BASIC), ("ExtendedContext", &EXTENDED)] {
        if let Some(v) = v.try_get() {
            m.add(name, v);
        }
    }
    Ok(())
}

/// The current context.
#[inline]
pub fn current(vm: &Vm) -> Res<Ctx> {
    // (Only this module sets the variable.)
    if SEEN_IN.try_get() == Some(vm.context.get())
        && let Some(c) = SEEN.try_get().and_then(|v| v.downcast::<ContextObj>())
    {
        return Ok(c);
    }
    find(vm)
}

#[inline(never)]
fn find(vm: &Vm) -> Res<Ctx> {
    let var = CURRENT.try_get().and_then(|v| v.downcast::<ContextVarObj>());
    match var.and_then(|var| contextvars::var_value(vm, var)).and_then(|v| v.downcast::<ContextObj>()) {
        Some(c) => {
            SEEN_IN.set(vm.context.get());
            SEEN.set(c.value());
            Ok(c)
        }
        None => first(vm),
    }
}

/// Makes a context the current one for the first time.
#[cold]
fn first(vm: &Vm) -> Res<Ctx> {
    let template = DEFAULT.try_get().and_then(|v| v.downcast::<ContextObj>());
    let c = match template {
        Some(c) => copy(c),
        None => make(class().instance_map(), START, USUAL_TRAPS),
    };
    c.conditions.set(0);
    store(vm, c)?;
    Ok(c)
}

fn store(vm: &Vm, c: Ctx) -> Res<()> {
    match CURRENT.try_get().and_then(|v| v.downcast::<ContextVarObj>()) {
        Some(var) => {
            contextvars::var_set(vm, var, c.value())?;
            SEEN_IN.set(vm.context.get());
            SEEN.set(c.value());
            Ok(())
        }
        None => Err(vm.system_error("there is no variable for contexts")),
    }
}

/// `setcontext(context)`
pub fn set_current(vm: &Vm, v: Value) -> Res<()> {
    let Some(mut c) = v.downcast::<ContextObj>() else {
        return Err(vm.type_error("argument must be a context"));
    };
    // The templates stay as they are.
    if [&DEFAULT, &BASIC, &EXTENDED].iter().any(|t| t.try_get() == Some(v)) {
        c = copy(c);
        c.conditions.set(0);
    }
    store(vm, c)
}

/// `localcontext(ctx=None, **changes)`
pub fn local(vm: &Vm, ctx: Value, changes: Ptr<DictObj>) -> Res<Ptr<ManagerObj>> {
    let outer = current(vm)?;
    let inner = copy(super::arguments::context(vm, ctx)?);
    let mut values = [Value::EMPTY; ATTRIBUTES.len()];
    for e in changes.table.iter() {
        let name = e.key.downcast::<StrObj>();
        match ATTRIBUTES.iter().position(|a| name.is_some_and(|n| n.eq_str(a.name))) {
            Some(i) => values[i] = e.value,
            None => {
                let name = name.map(|n| n.display()).unwrap_or_default();
                return Err(
                    vm.type_error(format!("this function got an unexpected keyword argument '{name}'"))
                );
            }
        }
    }
    change(vm, inner, values)?;
    let map = MANAGER.get().instance_map();
    Ok(heap().alloc(
        map,
        ManagerObj {
            header: Header::new(map),
            local: Field::new(inner.value()),
            outer: Field::new(outer.value()),
        },
    ))
}

/// An attribute of contexts: how it is read and written.
struct Attribute {
    name: &'static str,
    get: fn(&Vm, Ctx) -> Value,
    set: fn(&Vm, Ctx, Value) -> Res<()>,
}

/// Changes one of the limits of a context.
fn limit(
    vm: &Vm,
    c: Ctx,
    v: Value,
    (least, most): (i64, i64),
    message: &str,
    change: impl FnOnce(&mut Context, i64),
) -> Res<()> {
    let n = size(vm, v)?;
    if !(least..=most).contains(&n) {
        return Err(vm.value_error(message));
    }
    let mut cx = c.cx();
    change(&mut cx, n);
    c.cx.set(cx);
    Ok(())
}

/// The attributes in the order of the constructor's parameters.
const ATTRIBUTES: [Attribute; 8] = [
    Attribute {
        name: "prec",
        get: |_, c| int_value(c.cx().prec),
        set: |vm, c, v| limit(vm, c, v, (1, MAX_PREC), "valid range for prec is [1, MAX_PREC]", |cx, n| cx.prec = n),
    },
    Attribute {
        name: "rounding",
        get: |_, c| intern(c.cx().round.name()),
        set: |vm, c, v| {
            let round = rounding(vm, v)?;
            c.cx.set(Context { round, ..c.cx() });
            Ok(())
        },
    },
    Attribute {
        name: "Emin",
        get: |_, c| int_value(c.cx().emin),
        set: |vm, c, v| limit(vm, c, v, (MIN_EMIN, 0), "valid range for Emin is [MIN_EMIN, 0]", |cx, n| cx.emin = n),
    },
    Attribute {
        name: "Emax",
        get: |_, c| int_value(c.cx().emax),
        set: |vm, c, v| limit(vm, c, v, (0, MAX_EMAX), "valid range for Emax is [0, MAX_EMAX]", |cx, n| cx.emax = n),
    },
    Attribute {
        name: "capitals",
        get: |_, c| Value::int(c.capitals.get() as i64),
        set: |vm, c, v| {
            let mut on = false;
            limit(vm, c, v, (0, 1), "valid values for capitals are 0 or 1", |_, n| on = n != 0)?;
            c.capitals.set(on);
            Ok(())
        },
    },
    Attribute {
        name: "clamp",
        get: |_, c| Value::int(c.cx().clamp as i64),
        set: |vm, c, v| {
            limit(vm, c, v, (0, 1), "valid values for clamp are 0 or 1", |cx, n| cx.clamp = n != 0)
        },
    },
    Attribute {
        name: "flags",
        get: |_, c| signal_dict(c, false),
        set: |vm, c, v| {
            c.conditions.set(from_dict(vm, v)?);
            Ok(())
        },
    },
    Attribute {
        name: "traps",
        get: |_, c| signal_dict(c, true),
        set: |vm, c, v| {
            c.traps.set(from_dict(vm, v)?);
            Ok(())
        },
    },
];

/// Adds the attributes to the class.
fn attributes(mut b: TypeBuilder) {
    macro_rules! add { ($($i:literal)*) => { $(
        b = b.getset(
            ATTRIBUTES[$i].name,
            "",
            |vm: &Vm, c: Ctx| (ATTRIBUTES[$i].get)(vm, c),
            |vm: &Vm, c: Ctx, v: Value| {
                if v.is_empty() {
                    return Err(vm.attribute_error("context attributes cannot be deleted"));
                }
                (ATTRIBUTES[$i].set)(vm, c, v)
            },
        );
    )* } }
    add!(0 1 2 3 4 5 6 7);
}

/// Sets what is given, in the order of [`ATTRIBUTES`]. Signals may be in lists here.
fn change(vm: &Vm, c: Ctx, values: [Value; 8]) -> Res<()> {
    for (a, v) in ATTRIBUTES.iter().zip(values) {
        if v.is_empty() || v.is_none() {
            continue;
        }
        match (a.name, v.downcast::<ListObj>()) {
            ("flags" | "traps", Some(list)) => {
                let mut set = 0;
                let mut i = 0;
                while let Some(v) = list.get(i) {
                    set |= signals::bits_of(vm, v)?;
                    i += 1;
                }
                if a.name == "traps" { c.traps.set(set) } else { c.conditions.set(set) }
            }
            _ => (a.set)(vm, c, v)?,
        }
    }
    Ok(())
}

fn repr(_: &Vm, c: Ctx) -> String {
    let cx = c.cx();
    format!(
        "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags={}, traps={})",
        cx.prec,
        cx.round.name(),
        cx.emin,
        cx.emax,
        c.capitals.get() as u8,
        cx.clamp as u8,
        signals::names(c.conditions.get()),
        signals::names(c.traps.get())
    )
}

fn reduce(vm: &Vm, c: Ctx) -> Value {
    let mut args = [Value::NONE; ATTRIBUTES.len()];
    for (to, a) in args.iter_mut().zip(&ATTRIBUTES[..6]) {
        *to = (a.get)(vm, c);
    }
    args[6] = signals::list(c.conditions.get());
    args[7] = signals::list(c.traps.get());
    let cls = cape_vm::type_of(c.value()).value();
    TupleObj::new(&[cls, TupleObj::new(&args).value()]).value()
}

// Dicts of signals.

/// The dict of a context's flags or traps.
fn signal_dict(c: Ctx, of_traps: bool) -> Value {
    let field = if of_traps { &c.traps_dict } else { &c.flags_dict };
    if !field.get().is_empty() {
        return field.get();
    }
    let map = SIGNAL_DICT.get().instance_map();
    let weak = heap().new_weak(rt().maps.weak_cell, c.value(), Value::EMPTY);
    let d = heap().alloc(map, SignalDictObj { header: Header::new(map), context: Field::new(weak.value()), of_traps });
    // The dict is not to be used when the context has ended.
    heap().watch(c.header());
    let field = if of_traps { &c.traps_dict } else { &c.flags_dict };
    field.set(c, d.value());
    d.value()
}

impl SignalDictObj {
    /// Where the signals are.
    fn cell(&self, vm: &Vm) -> Res<Ctx> {
        let context = self.context.downcast::<WeakCell>().and_then(|w| w.target().downcast());
        context.ok_or_else(|| vm.value_error("invalid signal dict"))
    }

    fn set(&self, vm: &Vm) -> Res<u32> {
        let c = self.cell(vm)?;
        Ok(if self.of_traps { c.traps.get() } else { c.conditions.get() })
    }
}

/// The signals that a dict says are set: a dict of signals, or any with the same keys.
fn from_dict(vm: &Vm, v: Value) -> Res<u32> {
    if let Some(d) = v.downcast::<SignalDictObj>() {
        return d.set(vm);
    }
    match v.downcast::<DictObj>() {
        Some(d) => plain_dict(vm, d)?.ok_or_else(|| vm.key_error("invalid signal dict")),
        None => Err(vm.type_error("argument must be a signal dict")),
    }
}

/// The signals that a plain dict says are set, if it has all of them and nothing else.
fn plain_dict(vm: &Vm, d: Ptr<DictObj>) -> Res<Option<u32>> {
    if d.len() != signals::SIGNALS {
        return Ok(None);
    }
    let mut set = 0;
    for i in 0..signals::SIGNALS {
        match d.get(vm, signals::signal(i))? {
            None => return Ok(None),
            Some(v) => set |= if vm.truth(v)? { signals::bits(i) } else { 0 },
        }
    }
    Ok(Some(set))
}

fn make_signal_dict(vm: &Vm) -> Res<()> {
    let b = new_type::<SignalDictObj>("decimal.SignalDictMixin", rt().types.object, TypeFlags::BASE)
        .new_fn("__new__($type, *args, **kwargs)", "Create and return a new object.", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
            let map = cls.instance_map();
            let context = Field::new(Value::EMPTY);
            heap().alloc(map, SignalDictObj { header: Header::new(map), context, of_traps: false })
        })
        .method("__init__($self, /, *args, **kwargs)", "Initialize self.", |_: &Vm, _: Dict, _: Value, _: Value| ())
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, d: Dict| {
            let set = d.set(vm)?;
            let mut items = Vec::new();
            for i in 0..signals::SIGNALS {
                let on = if set & signals::bits(i) != 0 { "True" } else { "False" };
                items.push(format!("{}:{on}", vm.repr_str(signals::signal(i))?));
            }
            Ok::<_, cape_vm::Raised>(format!("{{{}}}", items.join(", ")))
        })
        .attribute("__hash__", Value::NONE)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, d: Dict, v: Value| same(vm, d, v, Cmp::Eq))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, d: Dict, v: Value| same(vm, d, v, Cmp::Ne))
        .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, d: Dict| {
            d.cell(vm)?;
            let all: Vec<Value> = (0..signals::SIGNALS).map(signals::signal).collect();
            vm.iter(TupleObj::new(&all).value())
        })
        .method("__len__($self, /)", "Return len(self).", |vm: &Vm, d: Dict| {
            d.cell(vm).map(|_| signals::SIGNALS)
        })
        .method("__getitem__($self, key, /)", "Return self[key].", |vm: &Vm, d: Dict, key: Value| {
            let set = d.set(vm)?;
            Ok::<_, cape_vm::Raised>(set & signals::bits_of(vm, key)? != 0)
        })
        .method("__setitem__($self, key, value, /)", "Set self[key] to value.", |vm: &Vm, d: Dict, key: Value, v: Value| {
            let c = d.cell(vm)?;
            let bits = signals::bits_of(vm, key)?;
            let on = vm.truth(v)?;
            let cell = if d.of_traps { &c.traps } else { &c.conditions };
            cell.set(if on { cell.get() | bits } else { cell.get() & !bits });
            Ok::<_, cape_vm::Raised>(())
        })
        .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, _: Dict, _: Value| {
            Err::<(), _>(vm.value_error("signal keys cannot be deleted"))
        })
        .method("copy($self, /)", "A plain dict of the same.", |vm: &Vm, d: Dict| {
            let set = d.set(vm)?;
            let copy = DictObj::new();
            for i in 0..signals::SIGNALS {
                copy.set(vm, signals::signal(i), Value::bool(set & signals::bits(i) != 0))?;
            }
            Ok::<_, cape_vm::Raised>(copy)
        });
    let mapping = vm.import_attr("collections.abc", "MutableMapping")?;
    let bases = TupleObj::new(&[b.class().value(), mapping]);
    let meta = vm.import_attr("abc", "ABCMeta")?;
    let made = vm.call(meta, &[intern("SignalDict"), bases.value(), DictObj::new().value()])?;
    SIGNAL_DICT.set(made.downcast().ok_or_else(|| vm.system_error("no class was made"))?);
    Ok(())
}

fn same(vm: &Vm, d: Dict, v: Value, op: Cmp) -> Res<Value> {
    let set = d.set(vm)?;
    let other = match v.downcast::<SignalDictObj>() {
        Some(other) => other.set(vm)?,
        None => match v.downcast::<DictObj>() {
            Some(other) => match plain_dict(vm, other)? {
                Some(other) => other,
                None => return Ok(Value::NOT_IMPLEMENTED),
            },
            None => return Ok(Value::NOT_IMPLEMENTED),
        },
    };
    let equal = (0..signals::SIGNALS).all(|i| {
        let b = signals::bits(i);
        (set & b != 0) == (other & b != 0)
    });
    Ok(Value::bool(equal == (op == Cmp::Eq)))
}
