//! `Pickler`, and the view of its memo.

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::class::lookup_mro_where;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::chunked::Chunked;
use crate::docs;
use crate::errors::pickling;
use crate::memo::Memo;
use crate::opcode::{DEFAULT, HIGHEST};
use crate::save::Saver;

heap_object! {
    /// A `Pickler`. `write` is EMPTY until it is initialised; `persistent_id` is what was set on the instance.
    pub struct PicklerObj {
        pub write: Field,
        pub dispatch_table: Field,
        pub persistent_id: Field,
        pub buffer_callback: Field,
        /// The objects of the memo.
        pub values: Chunked,
        pub proto: Cell<i32>,
        pub bin: Cell<i32>,
        pub fast: Cell<i32>,
        pub fix_imports: Cell<bool>,
        /// A dump is under way.
        pub busy: Cell<bool>,
        memo: Native<UnsafeCell<Memo>>,
    } [drop]

    /// A `PicklerMemoProxy`.
    pub struct MemoProxyObj { pickler: Field }
}

impl Named for PicklerObj {
    const NAME: &'static str = "_pickle.Pickler";
}

impl Named for MemoProxyObj {
    const NAME: &'static str = "_pickle.PicklerMemoProxy";
}

static PICKLER: StaticType = StaticType::new();
static PROXY: StaticType = StaticType::new();

type This = Ptr<PicklerObj>;

/// Adds the class.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<PicklerObj>("_pickle.Pickler", rt().types.object, TypeFlags::BASE)
        .doc(docs::PICKLER)
        .new_fn(
            "__new__(type, /, *args, **kwargs)",
            "Create and return a new object.",
            |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| new(cls.instance_map()).value(),
        )
        .method(
            "__init__($self, /, file, protocol=None, fix_imports=True, buffer_callback=None)",
            "Initialize self.",
            init_pickler,
        )
        .method("__getattribute__($self, name, /)", "Return getattr(self, name).", getattr)
        .method("__setattr__($self, name, value, /)", "Implement setattr(self, name, value).", setattr)
        .method(
            "__delattr__($self, name, /)",
            "Implement delattr(self, name).",
            |vm: &Vm, p: This, name: Value| setattr(vm, p, name, Value::EMPTY),
        )
        .method("persistent_id($self, obj, /)", "", |_: &Vm, _: This, _: Value| Value::NONE)
        .method(
            "dump($self, obj, /)",
            "Write a pickled representation of the given object to the open file.",
            dump,
        )
        .method("clear_memo($self, /)", docs::CLEAR_MEMO, clear_memo)
        .method("__sizeof__($self, /)", "Returns size in memory, in bytes.", |_: &Vm, p: This| {
            size_of::<PicklerObj>() + p.memo().size()
        })
        .getset(
            "bin",
            "",
            |_: &Vm, p: This| p.bin.get(),
            |vm: &Vm, p: This, v: Value| set_number(vm, &p.bin, v),
        )
        .getset(
            "fast",
            "",
            |_: &Vm, p: This| p.fast.get(),
            |vm: &Vm, p: This, v: Value| set_number(vm, &p.fast, v),
        )
        .getset("dispatch_table", "", get_dispatch_table, set_dispatch_table)
        .getset("memo", "", get_memo, set_memo)
        .members(&["bin", "fast", "dispatch_table"])
        .class();
    PICKLER.set(t);
    m.class(t);
    let flags = TypeFlags::NO_INSTANTIATION;
    let proxy = new_type::<MemoProxyObj>("_pickle.PicklerMemoProxy", rt().types.object, flags)
        .attribute("__hash__", Value::NONE)
        .method("clear($self, /)", "Remove all items from memo.", |vm: &Vm, m: Ptr<MemoProxyObj>| {
            clear_memo(vm, m.pickler())
        })
        .method("copy($self, /)", "Copy the memo to a new object.", |vm: &Vm, m: Ptr<MemoProxyObj>| {
            copy(vm, m.pickler())
        })
        .method(
            "__reduce__($self, /)",
            "Implement pickle support.",
            |vm: &Vm, m: Ptr<MemoProxyObj>| -> Res<Value> {
                let contents = copy(vm, m.pickler())?;
                let args = TupleObj::new(&[contents.value()]).value();
                Ok(TupleObj::new(&[rt().types.dict.value(), args]).value())
            },
        );
    PROXY.set(proxy.class());
}

impl MemoProxyObj {
    fn pickler(&self) -> This {
        self.pickler.downcast().expect("made with one")
    }
}

/// A pickler that is not initialised.
fn new(map: cape_heap::MapRef) -> This {
    let none = || Field::new(Value::EMPTY);
    let p = PicklerObj {
        header: Header::new(map),
        write: none(),
        dispatch_table: none(),
        persistent_id: none(),
        buffer_callback: none(),
        values: Chunked::new(),
        proto: Cell::new(0),
        bin: Cell::new(0),
        fast: Cell::new(0),
        fix_imports: Cell::new(true),
        busy: Cell::new(false),
        memo: Native(UnsafeCell::new(Memo::default())),
    };
    heap().alloc(map, p)
}

impl PicklerObj {
    /// The memo. What is done with it runs no Python code.
    #[allow(clippy::mut_from_ref, reason = "guarded by the GIL")]
    #[inline(always)]
    pub fn memo(&self) -> &mut Memo {
        // SAFETY: the GIL is held, and each use ends before anything else can ask for it.
        unsafe { &mut *self.memo.0.get() }
    }

    fn this(&self) -> Value {
        self.header.as_value()
    }

    /// `persistent_id`, unless it is the class's own, which says None.
    pub fn persistent_id_override(&self, vm: &Vm) -> Res<Option<Value>> {
        let set = self.persistent_id.get();
        if !set.is_empty() {
            return Ok(Some(set));
        }
        let class = type_of(self.this());
        if class == PICKLER.get() || is_own(class, "persistent_id", PICKLER.get()) {
            return Ok(None);
        }
        vm.get_attr(self.this(), intern("persistent_id")).map(Some)
    }

    /// `reducer_override`, where a subclass has it.
    pub fn reducer_override(&self, vm: &Vm) -> Res<Option<Value>> {
        if type_of(self.this()) == PICKLER.get() {
            return Ok(None);
        }
        vm.get_attr_opt(self.this(), intern("reducer_override"))
    }
}

/// Whether a class has its attribute from `owner`, and instances have no dict that may hide it.
pub fn is_own(class: Ptr<TypeObj>, name: &str, owner: Ptr<TypeObj>) -> bool {
    !class.has(TypeFlags::HAS_DICT) && lookup_mro_where(class, intern(name)).is_some_and(|(_, c)| c == owner)
}

/// Settings as arguments give them.
fn configure(
    vm: &Vm,
    p: This,
    protocol: Option<Value>,
    fix_imports: Option<bool>,
    callback: Option<Value>,
) -> Res<()> {
    let number = match protocol.filter(|v| !v.is_none()) {
        Some(v) => match vm.index_int(v)?.to_i64() {
            Some(n) => n,
            None => return Err(vm.overflow_error("Python int too large to convert to C long")),
        },
        None => DEFAULT,
    };
    if number > HIGHEST {
        return Err(vm.value_error(format!("pickle protocol must be <= {HIGHEST}")));
    }
    let number = if number < 0 { HIGHEST } else { number };
    let callback = callback.filter(|v| !v.is_none());
    if callback.is_some() && number < 5 {
        return Err(vm.value_error("buffer_callback needs protocol >= 5"));
    }
    p.proto.set(number as i32);
    p.bin.set((number > 0) as i32);
    p.fix_imports.set(fix_imports.unwrap_or(true) && number < 3);
    p.buffer_callback.set(p, callback.unwrap_or(Value::EMPTY));
    Ok(())
}

fn write_of(vm: &Vm, file: Value) -> Res<Value> {
    vm.get_attr_opt(file, intern("write"))?.ok_or_else(|| vm.type_error("file must have a 'write' attribute"))
}

fn check_idle(vm: &Vm, p: This) -> Res<()> {
    if p.busy.get() { Err(vm.runtime_error("Pickler object is already used")) } else { Ok(()) }
}

fn init_pickler(
    vm: &Vm,
    p: This,
    file: Value,
    protocol: Option<Value>,
    fix_imports: Option<bool>,
    callback: Option<Value>,
) -> Res<()> {
    check_idle(vm, p)?;
    configure(vm, p, protocol, fix_imports, callback)?;
    p.write.set(p, write_of(vm, file)?);
    p.fast.set(0);
    clear_memo(vm, p);
    // A subclass may have a table of its own.
    if let Some(table) = vm.get_attr_opt(p.value(), intern("dispatch_table"))? {
        p.dispatch_table.set(p, table);
    }
    Ok(())
}

/// Writes the pickle of `v` with a pickler; gives the bytes that have not gone to its file.
fn run(vm: &Vm, p: This, v: Value, write: Value) -> Res<Vec<u8>> {
    p.busy.set(true);
    let done = (|| {
        let mut s = Saver::new(vm, p, write)?;
        s.dump(v)?;
        if !write.is_empty() {
            s.out.flush(vm)?;
        }
        Ok(s.out.bytes)
    })();
    p.busy.set(false);
    done
}

fn dump(vm: &Vm, p: This, v: Value) -> Res<()> {
    check_idle(vm, p)?;
    let write = p.write.get();
    if write.is_empty() {
        let name = type_of(p.value()).name_str();
        return Err(pickling(vm, format!("Pickler.__init__() was not called by {name}.__init__()")));
    }
    run(vm, p, v, write).map(drop)
}

/// `dumps`
pub fn dumps(
    vm: &Vm,
    v: Value,
    protocol: Option<Value>,
    fix_imports: Option<bool>,
    callback: Option<Value>,
) -> Res<Value> {
    let p = new(PICKLER.get().instance_map());
    configure(vm, p, protocol, fix_imports, callback)?;
    Ok(BytesObj::new(&run(vm, p, v, Value::EMPTY)?).value())
}

/// `dump`
pub fn dump_to(
    vm: &Vm,
    v: Value,
    file: Value,
    protocol: Option<Value>,
    fix_imports: Option<bool>,
    callback: Option<Value>,
) -> Res<()> {
    let p = new(PICKLER.get().instance_map());
    configure(vm, p, protocol, fix_imports, callback)?;
    run(vm, p, v, write_of(vm, file)?).map(drop)
}

fn is_persistent_id(name: Value) -> bool {
    name.downcast::<StrObj>().is_some_and(|s| s.eq_str("persistent_id"))
}

fn getattr(vm: &Vm, p: This, name: Value) -> Res<Value> {
    if is_persistent_id(name) && !p.persistent_id.get().is_empty() {
        return Ok(p.persistent_id.get());
    }
    generic_get(vm, p.value(), name)
}

/// `object.__getattribute__`
pub fn generic_get(vm: &Vm, v: Value, name: Value) -> Res<Value> {
    let Some(s) = name.downcast::<StrObj>() else {
        let t = type_of(name).name_str();
        return Err(vm.type_error(format!("attribute name must be string, not '{t}'")));
    };
    let name = rt().intern_obj(s);
    vm.generic_getattr(type_of(v), v, name)?.ok_or_else(|| vm.no_attribute(v, name))
}

fn setattr(vm: &Vm, p: This, name: Value, v: Value) -> Res<()> {
    if is_persistent_id(name) {
        p.persistent_id.set(p, v);
        return Ok(());
    }
    vm.generic_setattr(p.value(), name, v)
}

fn set_number(vm: &Vm, cell: &Cell<i32>, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.type_error("can't delete numeric/char attribute"));
    }
    let n = vm.index_int(v)?.to_i64().and_then(|n| i32::try_from(n).ok());
    cell.set(n.ok_or_else(|| vm.overflow_error("Python int too large to convert to C int"))?);
    Ok(())
}

fn get_dispatch_table(vm: &Vm, p: This) -> Res<Value> {
    match p.dispatch_table.get() {
        v if v.is_empty() => Err(vm.no_attribute(p.value(), intern("dispatch_table"))),
        v => Ok(v),
    }
}

fn set_dispatch_table(vm: &Vm, p: This, v: Value) -> Res<()> {
    if v.is_empty() {
        get_dispatch_table(vm, p)?;
    }
    p.dispatch_table.set(p, v);
    Ok(())
}

fn clear_memo(_: &Vm, p: This) {
    *p.memo() = Memo::default();
    p.values.clear();
}

fn get_memo(_: &Vm, p: This) -> Value {
    let map = PROXY.get().instance_map();
    heap().alloc(map, MemoProxyObj { header: Header::new(map), pickler: Field::new(p.value()) }).value()
}

/// The memo as a dict: numbers and objects by identity.
fn copy(vm: &Vm, p: This) -> Res<Ptr<DictObj>> {
    let d = DictObj::new();
    for at in 0..p.memo().len() {
        // The state of an instance, which was not made: it counts.
        let v = Some(p.values.get(at)).filter(|v| !v.is_empty()).unwrap_or_else(|| DictObj::new().value());
        let pair = TupleObj::new(&[int_value(p.memo().number(at)), v]).value();
        d.set(vm, uint_value(vm.id(v) as u64), pair)?;
    }
    Ok(d)
}

fn set_memo(vm: &Vm, p: This, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.type_error("attribute deletion is not supported"));
    }
    let contents = match v.downcast::<MemoProxyObj>() {
        Some(m) => copy(vm, m.pickler())?,
        None => v.downcast::<DictObj>().ok_or_else(|| {
            let name = cape_vm::class::full_name(type_of(v));
            vm.type_error(format!("'memo' attribute must be a PicklerMemoProxy object or dict, not {name}"))
        })?,
    };
    // Everything is looked at before anything changes.
    let mut new = ValueVec::new();
    let mut numbers = vec![];
    for e in contents.copy().table.iter() {
        let Some(t) = e.value.downcast::<TupleObj>().filter(|t| t.len() == 2) else {
            return Err(vm.type_error("'memo' values must be 2-item tuples"));
        };
        let n = match Int::of(t.get(0)) {
            Some(n) => {
                n.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))?
            }
            None => return Err(vm.type_error("an integer is required")),
        };
        numbers.push(n);
        new.push(t.get(1));
    }
    clear_memo(vm, p);
    for (&v, n) in new.as_slice().iter().zip(numbers) {
        p.memo().add_as(&p.values, p.header(), v, n);
    }
    Ok(())
}
