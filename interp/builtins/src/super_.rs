//! `super`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::eval::super_lookup;
use cape_vm::native::new_type;
use cape_vm::object::{CellObj, DictObj, TupleObj, TypeFlags, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::function::or_none;
use crate::object::check_name;

heap_object! {
    /// `super(class, object)`; `start` is the class whose MRO is walked. EMPTY: not given.
    pub struct SuperObj {
        /// The class behind which the search begins.
        pub class: Field,
        /// What found attributes are bound to.
        pub object: Field,
        /// The class whose MRO is walked.
        pub start: Field,
    }
}

impl cape_vm::native::Named for SuperObj {
    const NAME: &'static str = "super";
}

/// The type.
pub static SUPER: StaticType = StaticType::new();

type This = Ptr<SuperObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let b = new_type::<SuperObj>("super", rt().types.object, TypeFlags::BASE)
        .doc("super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires issubclass(type2, type)\nTypical use to call a cooperative superclass method:\nclass C(B):\n    def meth(self, arg):\n        super().meth(arg)\nThis works for class methods too:\nclass C(B):\n    @classmethod\n    def cmeth(cls, arg):\n        super().cmeth(arg)\n")
        .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.  See help(type) for accurate signature.", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| empty(cls))
        .method("__init__($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.", init_super)
        .method("__getattribute__($self, name, /)", "Return getattr(self, name).", getattribute)
        .method("__get__($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner.", get)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .getter("__thisclass__", "the class invoking super()", |_: &Vm, s: This| or_none(s.class.get()))
        .getter("__self__", "the instance invoking super(); may be None", |_: &Vm, s: This| or_none(s.object.get()))
        .getter("__self_class__", "the type of the instance invoking super(); may be None", |_: &Vm, s: This| or_none(s.start.get()));
    SUPER.set(b.class());
    rt().builtins().set_str(cape_vm::intern("super"), b.class().value());
}

fn empty(cls: Ptr<TypeObj>) -> This {
    let map = cls.instance_map();
    let none = || Field::new(Value::EMPTY);
    heap().alloc(map, SuperObj { header: Header::new(map), class: none(), object: none(), start: none() })
}

fn init_super(vm: &Vm, s: This, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    if !kwargs.is_empty() {
        return Err(vm.type_error("super() takes no keyword arguments"));
    }
    let (class, object) = match *args.as_slice() {
        [] => implicit(vm)?,
        [c] => (c, Value::EMPTY),
        [c, o] => (c, if o.is_none() { Value::EMPTY } else { o }),
        _ => return Err(vm.type_error(format!("super() expected at most 2 arguments, got {}", args.len()))),
    };
    let Some(c) = class.downcast::<TypeObj>() else {
        let got = if class.is_none() { "None".into() } else { full_name(type_of(class)) };
        return Err(vm.type_error(format!("super() argument 1 must be a type, not {got}")));
    };
    bind(vm, s, c, object)
}

fn bind(vm: &Vm, s: This, class: Ptr<TypeObj>, object: Value) -> Res<()> {
    s.class.set(s, class.value());
    s.object.set(s, object);
    s.start.set(s, Value::EMPTY);
    if object.is_empty() {
        return Ok(());
    }
    let Some(start) = vm.super_start(class, object)? else {
        let (what, name) = match object.downcast::<TypeObj>() {
            Some(t) => ("type", full_name(t)),
            None => ("instance of", full_name(type_of(object))),
        };
        return Err(vm.type_error(format!(
            "super(type, obj): obj ({what} {name}) is not an instance or subtype of type ({}).",
            full_name(class)
        )));
    };
    s.start.set(s, start.value());
    Ok(())
}

/// Class and object of a `super()` without arguments: from the running frame.
fn implicit(vm: &Vm) -> Res<(Value, Value)> {
    let Some(frame) = vm.top_frame() else {
        return Err(vm.runtime_error("super(): no current frame"));
    };
    // SAFETY: the top frame is live, and has nregs registers.
    let (code, regs) = unsafe {
        let f = &*frame;
        (f.code, std::slice::from_raw_parts(f.base, f.code.nregs as usize))
    };
    if code.argcount == 0 {
        return Err(vm.runtime_error("super(): no arguments"));
    }
    let mut object = regs[0];
    if code.unit.cell_regs.contains(&0)
        && let Some(c) = object.downcast::<CellObj>()
    {
        object = c.content.get();
    }
    if object.is_empty() {
        return Err(vm.runtime_error("super(): arg[0] deleted"));
    }
    let Some(i) = code.unit.freevars.iter().position(|n| &**n == "__class__") else {
        return Err(vm.runtime_error("super(): __class__ cell not found"));
    };
    let cell = regs[code.unit.first_free as usize + i].downcast::<CellObj>();
    let Some(cell) = cell else {
        return Err(vm.runtime_error("super(): bad __class__ cell"));
    };
    let class = cell.content.get();
    if class.is_empty() {
        return Err(vm.runtime_error("super(): empty __class__ cell"));
    }
    if !class.is::<TypeObj>() {
        let t = full_name(type_of(class));
        return Err(vm.runtime_error(format!("super(): __class__ is not a type ({t})")));
    }
    Ok((class, object))
}

fn getattribute(vm: &Vm, s: This, name: Value) -> Res<Value> {
    let name = check_name(vm, name)?;
    if name != rt().names.class
        && let (Some(start), Some(class)) = (s.start.downcast::<TypeObj>(), s.class.downcast::<TypeObj>())
        && let Some(d) = super_lookup(start, class, name)
    {
        let o = s.object.get();
        return vm.descr_get(d, if o == start.value() { Value::EMPTY } else { o }, start);
    }
    match vm.generic_getattr(type_of(s.value()), s.value(), name)? {
        Some(v) => Ok(v),
        None => Err(vm.no_attribute(s.value(), name)),
    }
}

fn get(vm: &Vm, s: This, object: Value, _owner: Value) -> Res<Value> {
    if object.is_none() || !s.object.get().is_empty() {
        return Ok(s.value());
    }
    let class = type_of(s.value());
    if class != SUPER.get() {
        return vm.call(class.value(), &[s.class.get(), object]);
    }
    let Some(c) = s.class.downcast::<TypeObj>() else {
        return Err(vm.runtime_error("super.__get__: super object without a class"));
    };
    let new = empty(class);
    bind(vm, new, c, object)?;
    Ok(new.value())
}

fn repr(_vm: &Vm, s: This) -> String {
    let class = s.class.downcast::<TypeObj>().map_or("NULL".into(), full_name);
    match s.start.downcast::<TypeObj>() {
        Some(t) => format!("<super: <class '{class}'>, <{} object>>", full_name(t)),
        None => format!("<super: <class '{class}'>, NULL>"),
    }
}
