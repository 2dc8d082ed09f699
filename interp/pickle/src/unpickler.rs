//! `Unpickler`, and the view of its memo.

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::chunked::Chunked;
use crate::docs;
use crate::errors::{in_context, unpickling};
use crate::input::{Input, Methods, Rest};
use crate::load::Loader;
use crate::pickler::{generic_get, is_own};
use crate::tables;

heap_object! {
    /// An `Unpickler`. `read` is EMPTY until it is initialised; `persistent_load` is what was set on the instance.
    pub struct UnpicklerObj {
        read: Field,
        readline: Field,
        readinto: Field,
        peek: Field,
        encoding: Field,
        errors: Field,
        /// The iterator over out-of-band buffers, or EMPTY.
        pub buffers: Field,
        persistent_load: Field,
        /// The memo by number, as far as the numbers are those of a row.
        row: Chunked,
        /// The rest of the memo, a dict.
        others: Field,
        /// Numbers in the memo.
        count: Cell<usize>,
        /// Numbers below are in the row, or nowhere.
        width: Cell<usize>,
        pub proto: Cell<i32>,
        fix_imports: Cell<bool>,
        busy: Cell<bool>,
        rest: Native<UnsafeCell<Rest>>,
    } [drop]

    /// An `UnpicklerMemoProxy`.
    pub struct MemoProxyObj { unpickler: Field }
}

impl Named for UnpicklerObj {
    const NAME: &'static str = "_pickle.Unpickler";
}

impl Named for MemoProxyObj {
    const NAME: &'static str = "_pickle.UnpicklerMemoProxy";
}

static UNPICKLER: StaticType = StaticType::new();
static PROXY: StaticType = StaticType::new();

type This = Ptr<UnpicklerObj>;

/// Adds the class.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<UnpicklerObj>("_pickle.Unpickler", rt().types.object, TypeFlags::BASE)
        .doc(docs::UNPICKLER)
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
            new(cls.instance_map()).value()
        })
        .method(
            "__init__($self, /, file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
            "Initialize self.",
            init_unpickler,
        )
        .method("__getattribute__($self, name, /)", "Return getattr(self, name).", getattr)
        .method("__setattr__($self, name, value, /)", "Implement setattr(self, name, value).", setattr)
        .method("__delattr__($self, name, /)", "Implement delattr(self, name).", |vm: &Vm, u: This, name: Value| {
            setattr(vm, u, name, Value::EMPTY)
        })
        .method("persistent_load($self, pid, /)", "", |vm: &Vm, _: This, _: Value| -> Res<()> {
            Err(unpickling(
                vm,
                "A load persistent id instruction was encountered, but no persistent_load function was specified.",
            ))
        })
        .method("load($self, /)", "Load a pickle.\n\nRead a pickled object representation from the open file object given in the constructor, and return\nthe reconstituted object hierarchy specified therein.", load)
        .method("find_class($self, module_name, global_name, /)", docs::FIND_CLASS, find_class)
        .method("__sizeof__($self, /)", "Returns size in memory, in bytes.", |_: &Vm, u: This| {
            size_of::<UnpicklerObj>() + u.width.get() * size_of::<Value>()
        })
        .getset("memo", "", get_memo, set_memo)
        .class();
    UNPICKLER.set(t);
    m.class(t);
    let flags = TypeFlags::NO_INSTANTIATION;
    let proxy = new_type::<MemoProxyObj>("_pickle.UnpicklerMemoProxy", rt().types.object, flags)
        .attribute("__hash__", Value::NONE)
        .method("clear($self, /)", "Remove all items from memo.", |_: &Vm, m: Ptr<MemoProxyObj>| {
            m.unpickler().clear_memo()
        })
        .method("copy($self, /)", "Copy the memo to a new object.", |vm: &Vm, m: Ptr<MemoProxyObj>| {
            m.unpickler().copy_memo(vm)
        })
        .method(
            "__reduce__($self, /)",
            "Implement pickle support.",
            |vm: &Vm, m: Ptr<MemoProxyObj>| -> Res<Value> {
                let contents = m.unpickler().copy_memo(vm)?;
                let args = TupleObj::new(&[contents.value()]).value();
                Ok(TupleObj::new(&[rt().types.dict.value(), args]).value())
            },
        );
    PROXY.set(proxy.class());
}

impl MemoProxyObj {
    fn unpickler(&self) -> This {
        self.unpickler.downcast().expect("made with one")
    }
}

fn new(map: cape_heap::MapRef) -> This {
    let none = || Field::new(Value::EMPTY);
    let u = UnpicklerObj {
        header: Header::new(map),
        read: none(),
        readline: none(),
        readinto: none(),
        peek: none(),
        encoding: none(),
        errors: none(),
        buffers: none(),
        persistent_load: none(),
        row: Chunked::new(),
        others: none(),
        count: Cell::new(0),
        width: Cell::new(0),
        proto: Cell::new(0),
        fix_imports: Cell::new(true),
        busy: Cell::new(false),
        rest: Native(UnsafeCell::new(Rest::default())),
    };
    heap().alloc(map, u)
}

impl UnpicklerObj {
    #[allow(clippy::mut_from_ref, reason = "guarded by the GIL")]
    fn rest(&self) -> &mut Rest {
        // SAFETY: the GIL is held, and each use ends before anything else can ask for it.
        unsafe { &mut *self.rest.0.get() }
    }

    /// How Python 2's strings are decoded, and what is done about errors.
    pub fn encoding(&self) -> (Ptr<StrObj>, Ptr<StrObj>) {
        let text = |f: &Field, default: &str| f.downcast().unwrap_or_else(|| StrObj::new(default));
        (text(&self.encoding, "ASCII"), text(&self.errors, "strict"))
    }

    /// The object with a number.
    #[inline]
    pub fn memo_get(&self, vm: &Vm, i: usize) -> Res<Option<Value>> {
        let v = self.row.get(i);
        if !v.is_empty() {
            return Ok(Some(v));
        }
        match self.others.downcast::<DictObj>() {
            Some(d) => d.get(vm, uint_value(i as u64)),
            None => Ok(None),
        }
    }

    /// Gives an object a number.
    #[inline]
    pub fn memo_set(&self, vm: &Vm, i: usize, v: Value) -> Res<()> {
        // What leaves no large gap goes to the row.
        if i <= self.width.get() * 2 + 1024 {
            if self.row.get(i).is_empty() {
                self.count.set(self.count.get() + 1);
            }
            self.row.set(&self.header, i, v);
            if i >= self.width.get() {
                self.width.set(i + 1);
            }
            return self.forget_other(vm, i);
        }
        let d = match self.others.downcast::<DictObj>() {
            Some(d) => d,
            None => {
                let d = DictObj::new();
                self.others.store(&self.header, d.value());
                d
            }
        };
        let before = d.len();
        d.set(vm, uint_value(i as u64), v)?;
        self.count.set(self.count.get() + d.len() - before);
        Ok(())
    }

    /// A number of the row is in the dict no longer.
    #[inline]
    fn forget_other(&self, vm: &Vm, i: usize) -> Res<()> {
        if let Some(d) = self.others.downcast::<DictObj>()
            && d.remove(vm, uint_value(i as u64))?.is_some()
        {
            self.count.set(self.count.get() - 1);
        }
        Ok(())
    }

    /// Numbers in the memo.
    #[inline]
    pub fn memo_len(&self) -> usize {
        self.count.get()
    }

    fn clear_memo(&self) {
        self.row.clear();
        self.others.set_no_barrier(Value::EMPTY);
        self.count.set(0);
        self.width.set(0);
    }

    fn copy_memo(&self, vm: &Vm) -> Res<Ptr<DictObj>> {
        let d = DictObj::new();
        for i in 0..self.width.get() {
            let v = self.row.get(i);
            if !v.is_empty() {
                d.set(vm, uint_value(i as u64), v)?;
            }
        }
        if let Some(others) = self.others.downcast::<DictObj>() {
            for e in others.copy().table.iter() {
                d.set(vm, e.key, e.value)?;
            }
        }
        Ok(d)
    }

    fn this(&self) -> Value {
        self.header.as_value()
    }

    /// `find_class`, where it is not the class's own.
    pub fn find_class_override(&self, vm: &Vm) -> Res<Option<Value>> {
        let class = type_of(self.this());
        if class == UNPICKLER.get() || is_own(class, "find_class", UNPICKLER.get()) {
            return Ok(None);
        }
        let f = vm.get_attr(self.this(), intern("find_class"))?;
        let own = f
            .downcast::<BuiltinObj>()
            .is_some_and(|b| b.def.name == "find_class" && b.this.get() == self.this());
        Ok((!own).then_some(f))
    }

    /// What is asked for persistent objects.
    pub fn persistent_load(&self, vm: &Vm) -> Res<Value> {
        vm.get_attr(self.this(), intern("persistent_load"))
    }

    /// The object that a module has under a name.
    pub fn find_class(&self, vm: &Vm, mut module: Value, mut name: Value) -> Res<Value> {
        vm.audit("pickle.find_class", &[module, name])?;
        if self.proto.get() < 3 && self.fix_imports.get() {
            (module, name) = tables::renamed(vm, &tables::NAMES, &tables::IMPORTS, module, name)?;
        }
        let found = tables::import(vm, module)?;
        let Some(text) = name.downcast::<StrObj>() else {
            let t = type_of(name).name_str();
            return Err(vm.type_error(format!("attribute name must be string, not '{t}'")));
        };
        if self.proto.get() >= 4 && text.chars().any(|c| c == '.' as u32) {
            return tables::get_dotted(vm, found, text).map_err(|r| {
                if !r.is(rt().types.attribute_error) {
                    return r;
                }
                match (vm.repr_str(name), vm.repr_str(module)) {
                    (Ok(name), Ok(module)) => in_context(
                        vm.attribute_error(format!("Can't resolve path {name} on module {module}")),
                        r,
                    ),
                    _ => r,
                }
            });
        }
        let name = rt().intern_obj(text);
        match vm.get_attr(found, name) {
            Err(r) if r.is(rt().types.attribute_error) => {
                vm.get_attr(tables::import_whole(vm, module)?, name)
            }
            r => r,
        }
    }
}

fn check_idle(vm: &Vm, u: This) -> Res<()> {
    if u.busy.get() { Err(vm.runtime_error("Unpickler object is already used")) } else { Ok(()) }
}

fn configure(
    vm: &Vm,
    u: This,
    fix_imports: Option<bool>,
    encoding: Option<Ptr<StrObj>>,
    errors: Option<Ptr<StrObj>>,
    buffers: Option<Value>,
) -> Res<()> {
    u.fix_imports.set(fix_imports.unwrap_or(true));
    u.encoding.set(u, encoding.map_or(Value::EMPTY, |s| s.value()));
    u.errors.set(u, errors.map_or(Value::EMPTY, |s| s.value()));
    let buffers = match buffers.filter(|v| !v.is_none()) {
        Some(v) => vm.iter(v)?,
        None => Value::EMPTY,
    };
    u.buffers.set(u, buffers);
    Ok(())
}

fn set_file(vm: &Vm, u: This, file: Value) -> Res<()> {
    let given = |name: &str| Ok(vm.get_attr_opt(file, intern(name))?.unwrap_or(Value::EMPTY));
    let (peek, readinto) = (given("peek")?, given("readinto")?);
    let (read, readline) = (given("read")?, given("readline")?);
    if read.is_empty() || readline.is_empty() {
        return Err(vm.type_error("file must have 'read' and 'readline' attributes"));
    }
    u.peek.set(u, peek);
    u.readinto.set(u, readinto);
    u.read.set(u, read);
    u.readline.set(u, readline);
    *u.rest() = Rest::default();
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "Python's signature")]
fn init_unpickler(
    vm: &Vm,
    u: This,
    file: Value,
    fix_imports: Option<bool>,
    encoding: Option<Ptr<StrObj>>,
    errors: Option<Ptr<StrObj>>,
    buffers: Option<Value>,
) -> Res<()> {
    check_idle(vm, u)?;
    set_file(vm, u, file)?;
    configure(vm, u, fix_imports, encoding, errors, buffers)?;
    u.clear_memo();
    u.proto.set(0);
    Ok(())
}

fn load(vm: &Vm, u: This) -> Res<Value> {
    check_idle(vm, u)?;
    if u.read.get().is_empty() {
        let name = type_of(u.value()).name_str();
        return Err(unpickling(vm, format!("Unpickler.__init__() was not called by {name}.__init__()")));
    }
    let file = Methods {
        read: u.read.get(),
        readline: u.readline.get(),
        readinto: u.readinto.get(),
        peek: u.peek.get(),
    };
    u.busy.set(true);
    let mut loader = Loader::new(vm, u, Input::file(vm, file, std::mem::take(u.rest())));
    let done = loader.load();
    *u.rest() = loader.finish();
    u.busy.set(false);
    done
}

/// `loads`
pub fn loads(
    vm: &Vm,
    data: Value,
    fix_imports: Option<bool>,
    encoding: Option<Ptr<StrObj>>,
    errors: Option<Ptr<StrObj>>,
    buffers: Option<Value>,
) -> Res<Value> {
    let u = new(UNPICKLER.get().instance_map());
    configure(vm, u, fix_imports, encoding, errors, buffers)?;
    let data = vm.bytes_like(data)?;
    Loader::new(vm, u, Input::memory(vm, data.as_slice())).load()
}

/// `load`
pub fn load_from(
    vm: &Vm,
    file: Value,
    fix_imports: Option<bool>,
    encoding: Option<Ptr<StrObj>>,
    errors: Option<Ptr<StrObj>>,
    buffers: Option<Value>,
) -> Res<Value> {
    let u = new(UNPICKLER.get().instance_map());
    set_file(vm, u, file)?;
    configure(vm, u, fix_imports, encoding, errors, buffers)?;
    load(vm, u)
}

fn find_class(vm: &Vm, u: This, module: Value, name: Value) -> Res<Value> {
    u.find_class(vm, module, name)
}

fn is_persistent_load(name: Value) -> bool {
    name.downcast::<StrObj>().is_some_and(|s| s.eq_str("persistent_load"))
}

fn getattr(vm: &Vm, u: This, name: Value) -> Res<Value> {
    if is_persistent_load(name) && !u.persistent_load.get().is_empty() {
        return Ok(u.persistent_load.get());
    }
    generic_get(vm, u.value(), name)
}

fn setattr(vm: &Vm, u: This, name: Value, v: Value) -> Res<()> {
    if is_persistent_load(name) {
        u.persistent_load.set(u, v);
        return Ok(());
    }
    vm.generic_setattr(u.value(), name, v)
}

fn get_memo(_: &Vm, u: This) -> Value {
    let map = PROXY.get().instance_map();
    heap().alloc(map, MemoProxyObj { header: Header::new(map), unpickler: Field::new(u.value()) }).value()
}

fn set_memo(vm: &Vm, u: This, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.type_error("attribute deletion is not supported"));
    }
    let contents = match v.downcast::<MemoProxyObj>() {
        Some(m) => m.unpickler().copy_memo(vm)?,
        None => v.downcast::<DictObj>().map(|d| d.copy()).ok_or_else(|| {
            let name = cape_vm::class::full_name(type_of(v));
            vm.type_error(format!(
                "'memo' attribute must be an UnpicklerMemoProxy object or dict, not {name}"
            ))
        })?,
    };
    // Everything is looked at before anything changes.
    let mut numbers = vec![];
    for e in contents.table.iter() {
        let n = match Int::of(e.key) {
            Some(n) => {
                n.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))?
            }
            None => return Err(vm.type_error("memo key must be integers")),
        };
        numbers.push(usize::try_from(n).map_err(|_| vm.value_error("memo key must be positive integers."))?);
    }
    u.clear_memo();
    for (e, n) in contents.table.iter().zip(numbers) {
        u.memo_set(vm, n, e.value)?;
    }
    Ok(())
}
