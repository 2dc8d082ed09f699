//! `object`.

use cape_vm::foreign::{ForeignObj, foreign};
use cape_vm::class::full_name;
use cape_vm::native::extend;
use cape_vm::object::{
    BuiltinObj, DictObj, InstanceObj, ListObj, ModuleObj, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec,
};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, shape, type_of};

use cape_heap::HeapObject;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let t = rt().types.object;
    extend(t)
        .doc("The base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\ninstance that has no instance attributes and cannot be given any.\n")
        .new_fn("__new__($type, *args, **kwargs)", "Create and return a new object.  See help(type) for accurate signature.", object_new)
        .method("__init__($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.", object_init)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__str__($self, /)", "Return str(self).", str_)
        .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, v: Value| vm.identity_hash(v))
        .method("__eq__($self, value, /)", "Return self==value.", eq)
        .method("__ne__($self, value, /)", "Return self!=value.", ne)
        .method("__lt__($self, value, /)", "Return self<value.", no_order)
        .method("__le__($self, value, /)", "Return self<=value.", no_order)
        .method("__gt__($self, value, /)", "Return self>value.", no_order)
        .method("__ge__($self, value, /)", "Return self>=value.", no_order)
        .method("__getattribute__($self, name, /)", "Return getattr(self, name).", getattribute)
        .method("__setattr__($self, name, value, /)", "Implement setattr(self, name, value).", setattr)
        .method("__delattr__($self, name, /)", "Implement delattr(self, name).", |vm: &Vm, o: Value, n: Value| {
            setattr_checked(vm, o, n, Value::EMPTY, "__delattr__")
        })
        .method("__format__($self, format_spec, /)", "Default object formatter.\n\nReturn str(self) if format_spec is empty. Raise TypeError otherwise.", format)
        .method("__dir__($self, /)", "Default dir() implementation.", dir)
        .method("__sizeof__($self, /)", "Size of object in memory, in bytes.", sizeof)
        .method("__reduce__($self, /)", "Helper for pickle.", |vm: &Vm, o: Value| common_reduce(vm, o, 0))
        .method("__reduce_ex__($self, protocol, /)", "Helper for pickle.", reduce_ex)
        .method("__getstate__($self, /)", "Helper for pickle.", |vm: &Vm, o: Value| default_getstate(vm, o, false))
        .class_method("__init_subclass__($type, /)", "This method is called when a class is subclassed.\n\nThe default implementation does nothing. It may be\noverridden to extend subclasses.\n", |_: &Vm, _: Value| ())
        .class_method("__subclasshook__($type, object, /)", "Abstract classes can override this to customize issubclass().\n\nThis is invoked early on by abc.ABCMeta.__subclasscheck__().\nIt should return True, False or NotImplemented.  If it returns\nNotImplemented, the normal algorithm is used.  Otherwise, it\noverrides the normal algorithm (and the outcome is cached).\n", |_: &Vm, _: Value, _: Value| Value::NOT_IMPLEMENTED)
        .getset("__class__", "the object's class", |_: &Vm, o: Value| type_of(o), set_class);
}

fn object_new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let object = rt().types.object;
    if !args.is_empty() || !kwargs.is_empty() {
        if cls.special(Special::New) != object.special(Special::New) || cls.has(TypeFlags::GENERIC_NEW) {
            return Err(
                vm.type_error("object.__new__() takes exactly one argument (the type to instantiate)")
            );
        }
        if cls.special(Special::Init) == object.special(Special::Init) {
            return Err(vm.type_error(format!("{}() takes no arguments", full_name(cls))));
        }
    }
    if cls.has(TypeFlags::ABSTRACT) {
        return Err(abstract_error(vm, cls)?);
    }
    if std::ptr::eq(cls.kind.get(), ForeignObj::kind()) {
        // Also of a class that Python code cannot instantiate (which `type.__call__` sees to): its own code, in C, comes here.
        return foreign().new_instance(vm, cls);
    }
    if !std::ptr::eq(cls.kind.get(), InstanceObj::kind()) {
        let Some(allocate) = cape_vm::class::allocator(cls).filter(|_| !cls.has(TypeFlags::NO_INSTANTIATION)) else {
            return Err(vm.type_error(format!("cannot create '{}' instances", full_name(cls))));
        };
        return Ok(allocate(cls));
    }
    Ok(InstanceObj::new(cls.instance_map()).value())
}

/// The error of making an instance of a class with abstract methods left.
fn abstract_error(vm: &Vm, cls: Ptr<TypeObj>) -> Res<cape_vm::Raised> {
    let set = vm.get_attr(cls.value(), rt().names.abstractmethods)?;
    let items = vm.list_of(set)?;
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    for &n in items.as_slice() {
        names.push(match n.downcast::<StrObj>() {
            Some(s) => s.display(),
            None => {
                return Ok(vm.type_error(format!(
                    "sequence item 0: expected str instance, {} found",
                    full_name(type_of(n))
                )));
            }
        });
    }
    names.sort();
    let plural = if names.len() > 1 { "s" } else { "" };
    Ok(vm.type_error(format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{plural} '{}'",
        cls.name_str(),
        names.join("', '")
    )))
}

fn object_init(vm: &Vm, obj: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    if args.is_empty() && kwargs.is_empty() {
        return Ok(());
    }
    let (t, object) = (type_of(obj), rt().types.object);
    if t.special(Special::Init) != object.special(Special::Init) {
        return Err(
            vm.type_error("object.__init__() takes exactly one argument (the instance to initialize)")
        );
    }
    if t.special(Special::New) == object.special(Special::New) && !t.has(TypeFlags::GENERIC_NEW) {
        return Err(vm.type_error(format!(
            "{}.__init__() takes exactly one argument (the instance to initialize)",
            full_name(t)
        )));
    }
    Ok(())
}

/// The module of a class when it is a str.
pub(crate) fn module_of(vm: &Vm, t: Ptr<TypeObj>) -> Res<Option<String>> {
    let m = vm.get_attr_opt(t.value(), rt().names.module)?;
    Ok(m.and_then(|m| m.downcast::<StrObj>()).map(|s| s.display()))
}

/// `__qualname__` of a class as text.
pub(crate) fn qualname_of(t: Ptr<TypeObj>) -> String {
    t.qualname.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default()
}

/// What `object.__repr__` gives.
pub fn repr(vm: &Vm, obj: Value) -> Res<String> {
    let t = type_of(obj);
    let id = vm.id(obj);
    Ok(match module_of(vm, t)? {
        Some(m) if m != "builtins" => format!("<{m}.{} object at {id:#x}>", qualname_of(t)),
        _ => format!("<{} object at {id:#x}>", full_name(t)),
    })
}

fn str_(vm: &Vm, obj: Value) -> Res<Value> {
    vm.call_special(type_of(obj).special(Special::Repr), &[obj])
}

fn eq(_vm: &Vm, a: Value, b: Value) -> Value {
    if a == b { Value::TRUE } else { Value::NOT_IMPLEMENTED }
}

fn ne(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    let f = type_of(a).special(Special::Eq);
    if f.is_empty() || f.is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let r = vm.ask(f, a, b)?;
    if r == Value::NOT_IMPLEMENTED { Ok(r) } else { Ok(Value::bool(!vm.truth(r)?)) }
}

fn no_order(_vm: &Vm, _a: Value, _b: Value) -> Value {
    Value::NOT_IMPLEMENTED
}

/// `TypeError` unless the attribute name is a str.
pub(crate) fn check_name(vm: &Vm, name: Value) -> Res<Value> {
    if name.is::<StrObj>() {
        return Ok(cape_vm::attr::interned(name));
    }
    Err(vm.type_error(format!("attribute name must be string, not '{}'", full_name(type_of(name)))))
}

fn getattribute(vm: &Vm, obj: Value, name: Value) -> Res<Value> {
    let name = check_name(vm, name)?;
    let t = type_of(obj);
    let own = if obj.is::<TypeObj>() || obj.is::<ModuleObj>() { vm.dict_of(obj) } else { None };
    if let Some(v) = own.and_then(|d| d.get_str(name)) {
        let data = cape_vm::class::lookup_mro(t, name).is_some_and(cape_vm::attr::is_data_descriptor);
        if !data {
            return Ok(v);
        }
    }
    match vm.generic_getattr(t, obj, name)? {
        Some(v) => Ok(v),
        None => Err(vm.no_attribute(obj, name)),
    }
}

fn setattr(vm: &Vm, obj: Value, name: Value, v: Value) -> Res<()> {
    setattr_checked(vm, obj, name, v, "__setattr__")
}

fn setattr_checked(vm: &Vm, obj: Value, name: Value, v: Value, what: &str) -> Res<()> {
    if obj.is::<TypeObj>() {
        return Err(vm.type_error(format!("can't apply this {what} to {} object", full_name(type_of(obj)))));
    }
    // CPython's check: a native base that overrides attribute setting must not be bypassed.
    let mut base = Some(type_of(obj));
    while let Some(b) = base.filter(|b| b.has(TypeFlags::HEAP)) {
        base = b.base();
    }
    if let Some(b) = base
        && b.has(TypeFlags::CUSTOM_SETATTR)
    {
        return Err(vm.type_error(format!("can't apply this {what} to {} object", full_name(b))));
    }
    let name = check_name(vm, name)?;
    vm.generic_setattr(obj, name, v)
}

fn format(vm: &Vm, obj: Value, spec: Value) -> Res<Value> {
    let Some(s) = spec.downcast::<StrObj>() else {
        let got = if spec.is_none() { "None".to_string() } else { full_name(type_of(spec)) };
        return Err(vm.type_error(format!("__format__() argument must be str, not {got}")));
    };
    if !s.is_empty() {
        return Err(vm.type_error(format!(
            "unsupported format string passed to {}.__format__",
            full_name(type_of(obj))
        )));
    }
    Ok(vm.str(obj)?.value())
}

fn dir(vm: &Vm, obj: Value) -> Res<Value> {
    let names = &rt().names;
    let all = DictObj::new();
    if let Some(d) = vm.get_attr_opt(obj, names.dict)?
        && d.is::<DictObj>()
    {
        vm.dict_update(all, d)?;
    }
    if let Some(c) = vm.get_attr_opt(obj, names.class)? {
        merge_class_dict(vm, all, c)?;
    }
    keys_list(all)
}

/// The keys of a dict as a list.
pub(crate) fn keys_list(d: Ptr<DictObj>) -> Res<Value> {
    let mut keys = ValueVec::with_capacity(d.len());
    d.table.iter().for_each(|e| keys.push(e.key));
    Ok(ListObj::from_vec(keys).value())
}

/// Adds the attributes of a class and of its bases to `all`.
pub(crate) fn merge_class_dict(vm: &Vm, all: Ptr<DictObj>, class: Value) -> Res<()> {
    let names = &rt().names;
    if let Some(t) = class.downcast::<TypeObj>()
        && type_of(class) == rt().types.type_
    {
        for &c in t.mro().as_slice() {
            if let Some(c) = c.downcast::<TypeObj>() {
                vm.dict_update(all, c.dict().value())?;
            }
        }
        return Ok(());
    }
    if let Some(d) = vm.get_attr_opt(class, names.dict)? {
        vm.dict_update(all, d)?;
    }
    if let Some(b) = vm.get_attr_opt(class, names.bases)? {
        let bases = vm.list_of(b)?;
        for &b in bases.as_slice() {
            merge_class_dict(vm, all, b)?;
        }
    }
    Ok(())
}

fn sizeof(_vm: &Vm, obj: Value) -> usize {
    if !obj.is_ptr() {
        return 16;
    }
    // The header is counted as CPython's, which is eight bytes larger.
    cape_heap::heap().size_of(obj.header()).max(16)
}

fn set_class(vm: &Vm, obj: Value, class: Value) -> Res<()> {
    if class.is_empty() {
        return Err(vm.type_error("can't delete __class__ attribute"));
    }
    let Some(new) = class.downcast::<TypeObj>() else {
        return Err(vm.type_error(format!(
            "__class__ must be set to a class, not '{}' object",
            full_name(type_of(class))
        )));
    };
    vm.audit_attribute(obj, "__class__", Some(class))?;
    let old = type_of(obj);
    let module = rt().types.module;
    let mutable = !new.has(TypeFlags::IMMUTABLE) && !old.has(TypeFlags::IMMUTABLE);
    if !mutable && !(new.is_subtype(module) && old.is_subtype(module)) {
        return Err(
            vm.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses")
        );
    }
    if !shape::same_layout(old, new) {
        return Err(vm.type_error(format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            full_name(new),
            full_name(old)
        )));
    }
    shape::set_class(obj.header(), new);
    Ok(())
}

fn import_copyreg(vm: &Vm, name: &str) -> Res<Value> {
    vm.import_attr("copyreg", name)
}

fn reduce_ex(vm: &Vm, obj: Value, protocol: i32) -> Res<Value> {
    let reduce = vm.get_attr(obj, Special::Reduce.name_value())?;
    let class = vm.get_attr(obj, rt().names.class)?;
    let of_class = vm.get_attr(class, Special::Reduce.name_value())?;
    if of_class != rt().types.object.special(Special::Reduce) {
        return vm.call(reduce, &[]);
    }
    common_reduce(vm, obj, protocol)
}

fn common_reduce(vm: &Vm, obj: Value, protocol: i32) -> Res<Value> {
    if protocol >= 2 {
        return reduce_newobj(vm, obj);
    }
    let f = import_copyreg(vm, "_reduce_ex")?;
    vm.call(f, &[obj, Value::int(protocol as i64)])
}

/// The arguments for `__new__` that the object asks for: positional ones, keywords.
fn new_arguments(vm: &Vm, obj: Value) -> Res<(Option<Ptr<TupleObj>>, Option<Ptr<DictObj>>)> {
    if let Some(f) = lookup_special(vm, obj, "__getnewargs_ex__")? {
        let r = vm.call(f, &[])?;
        let Some(t) = r.downcast::<TupleObj>() else {
            return Err(vm.type_error(format!(
                "__getnewargs_ex__ should return a tuple, not '{}'",
                full_name(type_of(r))
            )));
        };
        if t.len() != 2 {
            return Err(vm.value_error(format!(
                "__getnewargs_ex__ should return a tuple of length 2, not {}",
                t.len()
            )));
        }
        let (a, k) = (t.get(0), t.get(1));
        let Some(args) = a.downcast::<TupleObj>() else {
            return Err(vm.type_error(format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{}'",
                full_name(type_of(a))
            )));
        };
        let Some(kwargs) = k.downcast::<DictObj>() else {
            return Err(vm.type_error(format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{}'",
                full_name(type_of(k))
            )));
        };
        return Ok((Some(args), Some(kwargs)));
    }
    if let Some(f) = lookup_special(vm, obj, "__getnewargs__")? {
        let r = vm.call(f, &[])?;
        return match r.downcast::<TupleObj>() {
            Some(t) => Ok((Some(t), None)),
            None => Err(vm.type_error(format!(
                "__getnewargs__ should return a tuple, not '{}'",
                full_name(type_of(r))
            ))),
        };
    }
    Ok((None, None))
}

/// A method looked up on the object's type and bound to it.
pub(crate) fn lookup_special(vm: &Vm, obj: Value, name: &str) -> Res<Option<Value>> {
    let t = type_of(obj);
    match cape_vm::class::lookup_mro(t, intern(name)) {
        Some(d) => vm.descr_get(d, obj, t).map(Some),
        None => Ok(None),
    }
}

fn reduce_newobj(vm: &Vm, obj: Value) -> Res<Value> {
    let class = type_of(obj);
    if class.special(Special::New).is_empty() || class.has(TypeFlags::NO_INSTANTIATION) {
        return Err(vm.type_error(format!("cannot pickle '{}' object", full_name(class))));
    }
    let (args, kwargs) = new_arguments(vm, obj)?;
    let has_args = args.is_some();
    let is_list = obj.is::<ListObj>();
    let is_dict = obj.is::<DictObj>();
    let (new, new_args) = match kwargs.filter(|k| !k.is_empty()) {
        None => {
            let mut all = ValueVec::new();
            all.push(class.value());
            all.extend_from_slice(args.as_ref().map_or(&[], |a| a.as_slice()));
            (import_copyreg(vm, "__newobj__")?, TupleObj::new(&all))
        }
        Some(k) => {
            let a = args.map_or(rt().empty_tuple(), |a| a);
            (import_copyreg(vm, "__newobj_ex__")?, TupleObj::new(&[class.value(), a.value(), k.value()]))
        }
    };
    let state = getstate(vm, obj, !(has_args || is_list || is_dict))?;
    let list_items = if is_list { vm.iter(obj)? } else { Value::NONE };
    let dict_items = if is_dict {
        let items = vm.call_method(obj, rt().names.items, &[])?;
        vm.iter(items)?
    } else {
        Value::NONE
    };
    Ok(TupleObj::new(&[new, new_args.value(), state, list_items, dict_items]).value())
}

fn getstate(vm: &Vm, obj: Value, required: bool) -> Res<Value> {
    let f = vm.get_attr(obj, Special::Getstate.name_value())?;
    let default =
        f.downcast::<BuiltinObj>().is_some_and(|b| b.this.get() == obj && b.def.name == "__getstate__")
            && type_of(obj).special(Special::Getstate) == rt().types.object.special(Special::Getstate);
    if default { default_getstate(vm, obj, required) } else { vm.call(f, &[]) }
}

fn default_getstate(vm: &Vm, obj: Value, required: bool) -> Res<Value> {
    let t = type_of(obj);
    // SAFETY: a class's kind is a static.
    let variable = unsafe { (*t.kind.get()).size.is_some() };
    if required && variable {
        return Err(vm.type_error(format!("cannot pickle {} objects", full_name(t))));
    }
    let dict = vm.get_attr_opt(obj, rt().names.dict)?;
    let slot_names = slot_names(vm, t)?;
    if required && !std::ptr::eq(t.kind.get(), InstanceObj::kind()) {
        return Err(vm.type_error(format!("cannot pickle '{}' object", full_name(t))));
    }
    let state = match dict {
        Some(d) if !d.downcast::<DictObj>().is_some_and(|d| d.is_empty()) => d,
        _ => Value::NONE,
    };
    let Some(names) = slot_names.filter(|n| !n.is_empty()) else { return Ok(state) };
    let slots = DictObj::new();
    for i in 0..names.len() {
        let Some(name) = names.get(i) else { break };
        if let Some(v) = vm.get_attr_opt(obj, name)? {
            slots.set(vm, name, v)?;
        }
    }
    if slots.is_empty() {
        return Ok(state);
    }
    Ok(TupleObj::new(&[state, slots.value()]).value())
}

fn slot_names(vm: &Vm, t: Ptr<TypeObj>) -> Res<Option<Ptr<ListObj>>> {
    let key = intern("__slotnames__");
    if let Some(v) = t.dict().get_str(key) {
        return Ok(v.downcast());
    }
    let f = import_copyreg(vm, "_slotnames")?;
    let r = vm.call(f, &[t.value()])?;
    if !r.is::<ListObj>() && !r.is_none() {
        return Err(vm.type_error("copyreg._slotnames didn't return a list or None"));
    }
    Ok(r.downcast())
}
