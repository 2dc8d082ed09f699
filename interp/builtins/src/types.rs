//! `type`.

use cape_heap::HeapObject;
use cape_vm::class::{self, ClassSpec, full_name};
use cape_vm::native::extend;
use cape_vm::object::{
    BuiltinObj, DictObj, GetSetObj, InstanceObj, ListObj, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec,
};
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::object::{check_name, keys_list, merge_class_dict, qualname_of};

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    extend(rt().types.type_)
        .doc("type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type")
        .new_fn(
            "__new__($type, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            type_new,
        )
        .method(
            "__init__($self, /, *args, **kwargs)",
            "Initialize self.  See help(type(self)) for accurate signature.",
            type_init,
        )
        .method("__call__($self, /, *args, **kwargs)", "Call self as a function.", type_call)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__getattribute__($self, name, /)", "Return getattr(self, name).", getattribute)
        .method(
            "__setattr__($self, name, value, /)",
            "Implement setattr(self, name, value).",
            |vm: &Vm, c: Ptr<TypeObj>, n: Value, v: Value| {
                let n = check_name(vm, n)?;
                vm.type_setattr(c, n, v)
            },
        )
        .method(
            "__delattr__($self, name, /)",
            "Implement delattr(self, name).",
            |vm: &Vm, c: Ptr<TypeObj>, n: Value| {
                let n = check_name(vm, n)?;
                vm.type_setattr(c, n, Value::EMPTY)
            },
        )
        .method("__or__($self, value, /)", "Return self|value.", crate::generic_alias::or)
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| {
            crate::generic_alias::or(vm, b, a)
        })
        .method("mro($self, /)", "Return a type's method resolution order.", mro)
        .method("__subclasses__($self, /)", "Return a list of immediate subclasses.", subclasses)
        .class_method(
            "__prepare__($type, /, *args, **kwargs)",
            "Create the namespace for the class statement",
            |_: &Vm, _: Value, _: Value, _: Value| DictObj::new(),
        )
        .method(
            "__instancecheck__($self, instance, /)",
            "Check if an object is an instance.",
            |vm: &Vm, c: Value, v: Value| vm.recursive_is_instance(v, c),
        )
        .method(
            "__subclasscheck__($self, subclass, /)",
            "Check if a class is a subclass.",
            |vm: &Vm, c: Value, d: Value| vm.recursive_is_subclass(d, c),
        )
        .method("__dir__($self, /)", "Specialized __dir__ implementation for types.", dir)
        .method(
            "__sizeof__($self, /)",
            "Return memory consumption of the type object.",
            |_: &Vm, t: Ptr<TypeObj>| if t.has(TypeFlags::HEAP) { 928 + 64 * t.dict().len() } else { 416 },
        );
    attributes();
}

fn attributes() {
    extend(rt().types.type_)
        .getset("__name__", "", |_: &Vm, t: Ptr<TypeObj>| t.name.get(), set_name)
        .getset("__qualname__", "", |_: &Vm, t: Ptr<TypeObj>| t.qualname.get(), set_qualname)
        .getset("__module__", "", module, set_module)
        .getset("__bases__", "", |_: &Vm, t: Ptr<TypeObj>| t.bases.get(), set_bases)
        .getset("__doc__", "", doc, set_doc)
        .getset("__annotations__", "", annotations, set_annotations)
        .getset("__annotate__", "", annotate, set_annotate)
        .getset(
            "__type_params__",
            "",
            |_: &Vm, t: Ptr<TypeObj>| own(t, rt().names.type_params).unwrap_or(rt().empty_tuple().value()),
            set_type_params,
        )
        .getset("__abstractmethods__", "", abstract_methods, set_abstract_methods)
        .getter("__dict__", "", |_: &Vm, t: Ptr<TypeObj>| crate::descriptors::mapping_proxy(t.dict().value()))
        .getter("__text_signature__", "", text_signature)
        .getter("__mro__", "", |_: &Vm, t: Ptr<TypeObj>| match t.mro() {
            m if m.is_empty() => Value::NONE,
            m => m.value(),
        })
        .getter("__base__", "", |_: &Vm, t: Ptr<TypeObj>| t.base())
        .getter("__basicsize__", "", |vm: &Vm, t: Ptr<TypeObj>| layout(vm, t)[0] as i64)
        .getter("__itemsize__", "", |vm: &Vm, t: Ptr<TypeObj>| layout(vm, t)[1] as i64)
        .getter("__flags__", "", |_: &Vm, t: Ptr<TypeObj>| flags(t))
        .getter("__dictoffset__", "", |vm: &Vm, t: Ptr<TypeObj>| layout(vm, t)[2] as i64)
        .getter("__weakrefoffset__", "", |vm: &Vm, t: Ptr<TypeObj>| layout(vm, t)[3] as i64);
}

/// What the class's own namespace holds under a name; the attributes of `type` that hide it there do not count.
fn own(t: Ptr<TypeObj>, name: Value) -> Option<Value> {
    let v = t.dict().get_str(name)?;
    (t != rt().types.type_ || !v.is::<GetSetObj>()).then_some(v)
}

fn variable(t: Ptr<TypeObj>) -> bool {
    // SAFETY: a class's kind is a static.
    unsafe { (*t.kind.get()).size.is_some() }
}

/// Bytes of the fixed part of instances and of an item, and where C finds their dictionary and their weak references, as CPython has them:
/// Cython looks for a class's namespace at the place that `type.__dictoffset__` names.
fn layout(vm: &Vm, t: Ptr<TypeObj>) -> [isize; 4] {
    if let Some(known) = cape_vm::foreign::foreign().class_layout(vm, t) {
        return known;
    }
    let Some(base) = t.base().filter(|_| t.has(TypeFlags::HEAP)) else {
        // SAFETY: a class's kind is a static. CPython's head is eight bytes larger than ours.
        let own = unsafe { (*t.kind.get()).fixed_size } + 8;
        let [item, dict, weak] =
            [(variable(t), 8), (t.has(TypeFlags::HAS_DICT), 16), (t.has(TypeFlags::HAS_WEAKREF), 24)]
                .map(|(has, n)| if has { n } else { 0 });
        return [own as isize, item, dict, weak];
    };
    let [basic, item, dict, weak] = layout(vm, base);
    let slots = t.nslots.get() as isize - base.nslots.get() as isize;
    let before = |place: isize, flag: u32, own: isize| if place == 0 && t.has(flag) { own } else { place };
    [
        basic + 8 * slots.max(0),
        item,
        before(dict, TypeFlags::HAS_DICT, -1),
        before(weak, TypeFlags::HAS_WEAKREF, -32),
    ]
}

/// CPython's `tp_flags`, as far as the class has them.
fn flags(t: Ptr<TypeObj>) -> u64 {
    if t.has(TypeFlags::FOREIGN) {
        return cape_vm::foreign::foreign().class_flags(t);
    }
    let ty = &rt().types;
    let mut f: u64 = 1 << 12;
    for (own, cpython) in [
        (TypeFlags::IMMUTABLE, 8),
        (TypeFlags::BASE, 10),
        (TypeFlags::NO_INSTANTIATION, 7),
        (TypeFlags::SEQUENCE, 5),
        (TypeFlags::MAPPING, 6),
        (TypeFlags::METHOD_DESCRIPTOR, 17),
        (TypeFlags::ABSTRACT, 20),
        (TypeFlags::MATCH_SELF, 22),
    ] {
        if t.has(own) {
            f |= 1 << cpython;
        }
    }
    // The classes of CPython's extension modules are heap types.
    if t.has(TypeFlags::HEAP) || own(t, rt().names.module).is_some() {
        f |= 1 << 9;
    }
    if t.has(TypeFlags::HEAP) {
        f |= 1 << 14;
        if t.has(TypeFlags::HAS_DICT) {
            f |= 1 << 4;
            // Attributes lie in instances that have nothing else.
            if std::ptr::eq(t.kind.get(), InstanceObj::kind()) && t.nslots.get() == 0 {
                f |= 1 << 2;
            }
        }
    }
    for (base, bit) in [
        (ty.int, 24),
        (ty.list, 25),
        (ty.tuple, 26),
        (ty.bytes, 27),
        (ty.str, 28),
        (ty.dict, 29),
        (ty.base_exception, 30),
        (ty.type_, 31),
    ] {
        if t.is_subtype(base) {
            f |= 1 << bit;
        }
    }
    f
}

/// The arguments of a native function with `*args, **kwargs` in the calling convention of [`Vm::call_args`].
pub(crate) fn flatten(
    vm: &Vm,
    args: &[Value],
    kwargs: Ptr<DictObj>,
) -> Res<(ValueVec, Option<Ptr<TupleObj>>)> {
    let mut all = ValueVec::with_capacity(args.len() + kwargs.len());
    all.extend_from_slice(args);
    if kwargs.is_empty() {
        return Ok((all, None));
    }
    let mut names = ValueVec::with_capacity(kwargs.len());
    for e in kwargs.table.iter() {
        if !e.key.is::<StrObj>() {
            return Err(vm.type_error("keywords must be strings"));
        }
        names.push(e.key);
        all.push(e.value);
    }
    Ok((all, Some(TupleObj::new(&names))))
}

fn type_call(vm: &Vm, t: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let (all, names) = flatten(vm, args.as_slice(), kwargs)?;
    vm.type_call(t, &all, names)
}

fn type_init(vm: &Vm, _t: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    if args.len() == 1 && !kwargs.is_empty() {
        return Err(vm.type_error("type.__init__() takes no keyword arguments"));
    }
    if args.len() != 1 && args.len() != 3 {
        return Err(vm.type_error("type.__init__() takes 1 or 3 arguments"));
    }
    Ok(())
}

/// The most derived metaclass of `meta` and the bases' classes.
pub fn calculate_metaclass(vm: &Vm, meta: Ptr<TypeObj>, bases: &[Value]) -> Res<Ptr<TypeObj>> {
    let mut winner = meta;
    for &b in bases {
        let t = type_of(b);
        if winner.is_subtype(t) {
            continue;
        }
        if t.is_subtype(winner) {
            winner = t;
            continue;
        }
        return Err(vm.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

fn type_new(vm: &Vm, meta: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    if args.len() != 3 {
        if meta == rt().types.type_ && args.len() != 1 {
            return Err(vm.type_error("type() takes 1 or 3 arguments"));
        }
        let n = args.len();
        return Err(vm.type_error(format!("type.__new__() takes exactly 3 arguments ({n} given)")));
    }
    let wrong = |i: usize, expected: &str| {
        let got = args.get(i);
        let got = if got.is_none() { "None".into() } else { full_name(type_of(got)) };
        vm.type_error(format!("type.__new__() argument {} must be {expected}, not {got}", i + 1))
    };
    let name: Ptr<StrObj> = args.get(0).downcast().ok_or_else(|| wrong(0, "str"))?;
    let bases: Ptr<TupleObj> = args.get(1).downcast().ok_or_else(|| wrong(1, "tuple"))?;
    let namespace: Ptr<DictObj> = args.get(2).downcast().ok_or_else(|| wrong(2, "dict"))?;
    let bases = if bases.is_empty() { TupleObj::new(&[rt().types.object.value()]) } else { bases };
    for &b in bases.as_slice() {
        if !b.is::<TypeObj>() && vm.get_attr_opt(b, Special::MroEntries.name_value())?.is_some() {
            return Err(vm.type_error("type() doesn't support MRO entry resolution; use types.new_class()"));
        }
    }
    let winner = calculate_metaclass(vm, meta, bases.as_slice())?;
    if winner != meta {
        let new = winner.special(Special::New);
        if winner.has(TypeFlags::NO_INSTANTIATION) {
            return Err(vm.type_error(format!("cannot create '{}' instances", full_name(winner))));
        }
        if new != rt().types.type_.special(Special::New) {
            let f = vm.descr_get(new, Value::EMPTY, winner)?;
            let mut all = ValueVec::with_capacity(4);
            all.push(winner.value());
            all.extend_from_slice(args.as_slice());
            return vm.call_dict(f, &all, Some(kwargs));
        }
    }
    vm.utf8(name)?;
    if name.chars().any(|c| c == 0) {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    let t = class::make_class(vm, &ClassSpec { meta: winner, name, bases, namespace })?;
    set_names(vm, t)?;
    init_subclass(vm, t, kwargs)?;
    Ok(t.value())
}

/// Tells the values in a new class's namespace their names.
fn set_names(vm: &Vm, t: Ptr<TypeObj>) -> Res<()> {
    let has = |v: Value| v.is_ptr() && !type_of(v).special(Special::SetName).is_empty();
    if !t.dict().table.iter().any(|e| has(e.value)) {
        return Ok(());
    }
    let items = t.dict().copy();
    let mut i = 0;
    while let Some((at, e)) = items.table.next_entry(i) {
        i = at + 1;
        if !has(e.value) {
            continue;
        }
        let f = type_of(e.value).special(Special::SetName);
        if let Err(r) = vm.call_special(f, &[e.value, t.value(), e.key]) {
            return Err(note_set_name(vm, r, e.value, e.key, t)?);
        }
    }
    Ok(())
}

#[cold]
fn note_set_name(vm: &Vm, r: Raised, v: Value, key: Value, t: Ptr<TypeObj>) -> Res<Raised> {
    let text = format!(
        "Error calling __set_name__ on '{}' instance {} in '{}'",
        full_name(type_of(v)),
        vm.repr_str(key)?,
        t.name_str()
    );
    vm.call_method(r.value(), rt().names.exc_notes, &[StrObj::new(&text).value()])?;
    Ok(r)
}

fn init_subclass(vm: &Vm, t: Ptr<TypeObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    let name = Special::InitSubclass.name_value();
    if !t.mro().as_slice().contains(&t.value()) {
        return Err(vm.type_error("super(type, obj): obj must be an instance or subtype of type"));
    }
    let Some(d) = cape_vm::eval::super_lookup(t, t, name) else { return Ok(()) };
    if d == rt().types.object.special(Special::InitSubclass) {
        if kwargs.is_empty() {
            return Ok(());
        }
        return Err(
            vm.type_error(format!("{}.__init_subclass__() takes no keyword arguments", qualname_of(t)))
        );
    }
    let f = vm.descr_get(d, Value::EMPTY, t)?;
    vm.call_dict(f, &[], Some(kwargs)).map(|_| ())
}

fn repr(vm: &Vm, t: Ptr<TypeObj>) -> Res<String> {
    Ok(match crate::object::module_of(vm, t)? {
        Some(m) if m != "builtins" => format!("<class '{m}.{}'>", qualname_of(t)),
        Some(_) | None if !t.has(TypeFlags::HEAP) => format!("<class '{}'>", full_name(t)),
        _ => format!("<class '{}'>", qualname_of(t)),
    })
}

fn getattribute(vm: &Vm, t: Ptr<TypeObj>, name: Value) -> Res<Value> {
    let name = check_name(vm, name)?;
    match vm.type_getattr(t, name)? {
        Some(v) => Ok(v),
        None => Err(vm.no_attribute(t.value(), name)),
    }
}

fn mro(vm: &Vm, t: Ptr<TypeObj>) -> Res<Value> {
    let bases: Ptr<TupleObj> = t.bases.downcast().ok_or_else(|| vm.type_error("a class has no bases"))?;
    if bases.is_empty() {
        return Ok(ListObj::new(&[t.value()]).value());
    }
    Ok(ListObj::new(class::c3_mro(vm, t, bases.as_slice())?.as_slice()).value())
}

fn subclasses(_vm: &Vm, t: Ptr<TypeObj>) -> Value {
    let list = ListObj::new(&[]);
    class::subclasses(t).as_slice().iter().for_each(|s| list.push(*s));
    list.value()
}

fn dir(vm: &Vm, t: Ptr<TypeObj>) -> Res<Value> {
    let all = DictObj::new();
    merge_class_dict(vm, all, t.value())?;
    keys_list(all)
}

fn check_settable(vm: &Vm, t: Ptr<TypeObj>, v: Value, name: &str) -> Res<()> {
    let what = if t.has(TypeFlags::IMMUTABLE) {
        "set"
    } else if v.is_empty() {
        "delete"
    } else {
        return vm.audit_attribute(t.value(), name, Some(v));
    };
    Err(vm.type_error(format!("cannot {what} '{name}' attribute of immutable type '{}'", full_name(t))))
}

fn set_name(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    check_settable(vm, t, v, "__name__")?;
    let Some(s) = v.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "can only assign string to {}.__name__, not '{}'",
            full_name(t),
            full_name(type_of(v))
        )));
    };
    vm.utf8(s)?;
    if s.chars().any(|c| c == 0) {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    t.name.set(t, v);
    cape_vm::foreign::changed(t.header());
    Ok(())
}

fn set_qualname(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    check_settable(vm, t, v, "__qualname__")?;
    if !v.is::<StrObj>() {
        return Err(vm.type_error(format!(
            "can only assign string to {}.__qualname__, not '{}'",
            full_name(t),
            full_name(type_of(v))
        )));
    }
    t.qualname.set(t, v);
    cape_vm::foreign::changed(t.header());
    Ok(())
}

fn module(vm: &Vm, t: Ptr<TypeObj>) -> Res<Value> {
    match t.dict().get_str(rt().names.module) {
        // What instances have under that name hides that of the class.
        Some(v) if v.is::<GetSetObj>() => {
            Ok(intern(if crate::union_::TYPE_ALIAS.try_get() == Some(t) { "typing" } else { "builtins" }))
        }
        Some(v) => Ok(v),
        None if !t.has(TypeFlags::HEAP) => Ok(intern("builtins")),
        None => Err(vm.attribute_error("__module__")),
    }
}

fn set_module(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    check_settable(vm, t, v, "__module__")?;
    class::set_class_attribute(t, rt().names.module, v);
    t.dict().remove_str(rt().names.firstlineno);
    Ok(())
}

fn set_bases(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    check_settable(vm, t, v, "__bases__")?;
    let Some(bases) = v.downcast::<TupleObj>() else {
        return Err(vm.type_error(format!(
            "can only assign tuple to {}.__bases__, not {}",
            full_name(t),
            full_name(type_of(v))
        )));
    };
    if bases.is_empty() {
        return Err(
            vm.type_error(format!("can only assign non-empty tuple to {}.__bases__, not ()", full_name(t)))
        );
    }
    for &b in bases.as_slice() {
        let Some(b) = b.downcast::<TypeObj>() else {
            return Err(vm.type_error(format!(
                "{}.__bases__ must be tuple of classes, not '{}'",
                full_name(t),
                full_name(type_of(b))
            )));
        };
        let mut below = Some(b);
        while let Some(c) = below.filter(|c| *c != t) {
            below = c.base();
        }
        if b.is_subtype(t) || below.is_some() {
            return Err(vm.type_error("a __bases__ item causes an inheritance cycle"));
        }
    }
    class::set_bases(vm, t, bases)
}

fn doc(vm: &Vm, t: Ptr<TypeObj>) -> Res<Value> {
    if !t.has(TypeFlags::HEAP | TypeFlags::FOREIGN) && !t.native_data.get().is_empty() {
        let text = t.native_data.downcast::<StrObj>().map(|d| split_doc(t, &d.display()));
        return Ok(match text {
            Some((Some(_), doc)) => StrObj::new(&doc).value(),
            _ => t.native_data.get(),
        });
    }
    match own(t, rt().names.doc) {
        None => Ok(Value::NONE),
        Some(v) if v.is_ptr() && !type_of(v).special(Special::Get).is_empty() => {
            vm.descr_get(v, Value::EMPTY, t)
        }
        Some(v) => Ok(v),
    }
}

fn set_doc(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    check_settable(vm, t, v, "__doc__")?;
    class::set_class_attribute(t, rt().names.doc, v);
    Ok(())
}

fn set_type_params(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    check_settable(vm, t, v, "__type_params__")?;
    class::set_class_attribute(t, rt().names.type_params, v);
    Ok(())
}

fn abstract_methods(vm: &Vm, t: Ptr<TypeObj>) -> Res<Value> {
    let name = rt().names.abstractmethods;
    own(t, name).ok_or_else(|| {
        vm.attribute_error_for(
            format!("type object '{}' has no attribute '__abstractmethods__'", t.name_str()),
            t.value(),
            name,
        )
    })
}

fn set_abstract_methods(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    let abstract_ = !v.is_empty() && vm.truth(v)?;
    if !class::set_class_attribute(t, rt().names.abstractmethods, v) {
        return Err(vm.attribute_error_for(
            "__abstractmethods__".into(),
            t.value(),
            rt().names.abstractmethods,
        ));
    }
    if abstract_ {
        t.set_flag(TypeFlags::ABSTRACT)
    } else {
        t.clear_flag(TypeFlags::ABSTRACT)
    }
    Ok(())
}

fn annotations_cache() -> Value {
    intern("__annotations_cache__")
}

fn annotations(vm: &Vm, t: Ptr<TypeObj>) -> Res<Value> {
    if !t.has(TypeFlags::HEAP) {
        return Err(vm.no_attribute(t.value(), rt().names.annotations));
    }
    let d = t.dict();
    if let Some(v) = d.get_str(rt().names.annotations).or_else(|| d.get_str(annotations_cache())) {
        if v.is_ptr() && !type_of(v).special(Special::Get).is_empty() {
            return vm.descr_get(v, Value::EMPTY, t);
        }
        return Ok(v);
    }
    let f = annotate(vm, t)?;
    let v = if vm.is_callable(f) { call_annotate(vm, f)? } else { DictObj::new().value() };
    d.set_str(annotations_cache(), v);
    class::modified(t);
    Ok(v)
}

/// `__annotate__(1)`, which must be a dict.
pub(crate) fn call_annotate(vm: &Vm, f: Value) -> Res<Value> {
    let v = vm.call(f, &[Value::int(1)])?;
    if !v.is::<DictObj>() {
        return Err(
            vm.type_error(format!("__annotate__ returned non-dict of type '{}'", type_of(v).name_str()))
        );
    }
    Ok(v)
}

fn set_annotations(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    if t.has(TypeFlags::IMMUTABLE) {
        return Err(vm.type_error(format!(
            "cannot set '__annotations__' attribute of immutable type '{}'",
            full_name(t)
        )));
    }
    let names = &rt().names;
    let d = t.dict();
    if v.is_empty() {
        if d.remove_str(names.annotations).is_none() && d.remove_str(annotations_cache()).is_none() {
            return Err(vm.attribute_error_for("__annotations__".into(), t.value(), names.annotations));
        }
    } else if d.get_str(names.annotations).is_some() {
        d.set_str(names.annotations, v);
    } else {
        d.set_str(annotations_cache(), v);
    }
    if v.is_empty() {
        d.remove_str(annotations_cache());
    }
    d.remove_str(names.annotate_func);
    d.remove_str(names.annotate);
    class::modified(t);
    Ok(())
}

fn annotate(vm: &Vm, t: Ptr<TypeObj>) -> Res<Value> {
    let names = &rt().names;
    if !t.has(TypeFlags::HEAP) {
        return Err(vm.no_attribute(t.value(), names.annotate));
    }
    let d = t.dict();
    match d.get_str(names.annotate).or_else(|| d.get_str(names.annotate_func)) {
        Some(v) if v.is_ptr() => vm.descr_get(v, Value::EMPTY, t),
        Some(v) => Ok(v),
        None => {
            d.set_str(names.annotate_func, Value::NONE);
            class::modified(t);
            Ok(Value::NONE)
        }
    }
}

fn set_annotate(vm: &Vm, t: Ptr<TypeObj>, v: Value) -> Res<()> {
    let names = &rt().names;
    if v.is_empty() {
        return Err(vm.type_error("cannot delete __annotate__ attribute"));
    }
    if t.has(TypeFlags::IMMUTABLE) {
        return Err(vm.type_error(format!(
            "cannot set '__annotate__' attribute of immutable type '{}'",
            full_name(t)
        )));
    }
    if !v.is_none() && !vm.is_callable(v) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    let d = t.dict();
    let key = if d.get_str(names.annotate).is_some() { names.annotate } else { names.annotate_func };
    d.set_str(key, v);
    if !v.is_none() {
        d.remove_str(annotations_cache());
    }
    class::modified(t);
    Ok(())
}

/// A class's docstring may begin with a signature, `name(parameters)\n--\n\n`: the parameters, and the rest.
fn split_doc(t: Ptr<TypeObj>, text: &str) -> (Option<String>, String) {
    let parts = text.strip_prefix(&format!("{}(", t.short_name())).and_then(|s| s.split_once(")\n--\n\n"));
    match parts {
        Some((parameters, doc)) => (Some(format!("({parameters})")), doc.to_string()),
        None => (None, text.to_string()),
    }
}

fn text_signature(_vm: &Vm, t: Ptr<TypeObj>) -> Option<String> {
    if t.has(TypeFlags::OWN_FIELDS | TypeFlags::NO_FIELDS) {
        // C's: its whole text is kept when it begins with a signature.
        return split_doc(t, &t.native_data.downcast::<StrObj>()?.display()).0;
    }
    if t.has(TypeFlags::HEAP) {
        let doc = own(t, rt().names.doc)?.downcast::<StrObj>()?;
        return split_doc(t, &doc.display()).0;
    }
    if t == rt().types.object {
        return Some("()".into());
    }
    if let Some(s) = t.native_data.downcast::<StrObj>().and_then(|d| split_doc(t, &d.display()).0) {
        return Some(s);
    }
    let new: Ptr<BuiltinObj> = t.dict().get_str(Special::New.name_value())?.downcast()?;
    let mut sig = new.def.signature;
    if sig.contains("*args") {
        // The arguments are the initialiser's.
        sig = t.dict().get_str(Special::Init.name_value())?.downcast::<cape_vm::object::MethodDescrObj>()?.def.signature;
        if sig.contains("*args") {
            return None;
        }
    }
    let rest = sig.strip_prefix("($self").or_else(|| sig.strip_prefix("($type")).or_else(|| sig.strip_prefix("(cls"))?;
    let rest = rest.strip_prefix(", /").unwrap_or(rest);
    Some(format!("({}", rest.trim_start_matches(", ")))
}
