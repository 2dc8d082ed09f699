//! `property`, `classmethod`, `staticmethod`.

use std::cell::Cell;

use cape_heap::{Field, Header, heap};
use cape_vm::class::full_name;
use cape_vm::native::extend;
use cape_vm::object::{
    BoundMethodObj, ClassMethodObj, PropertyObj, StaticMethodObj, StrObj, TupleObj, TypeObj,
};
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::function::{add_dict, call, check_get, or_none};

const GET: (&str, &str) =
    ("__get__($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner.");
const INIT: &str = "Initialize self.  See help(type(self)) for accurate signature.";

/// Completes the types of this file.
pub fn init(vm: &Vm) {
    properties();
    method_wrappers(vm);
}

type This = Ptr<PropertyObj>;

fn properties() {
    extend(rt().types.property)
        .new_fn("__new__(cls, /, *args, **kwargs)", "", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
            let map = cls.instance_map();
            let none = || Field::new(Value::NONE);
            heap().alloc(map, PropertyObj { header: Header::new(map), get: none(), set: none(), del: none(), doc: none(), name: Field::new(Value::EMPTY), getter_doc: Cell::new(false) })
        })
        .method("__init__($self, /, fget=None, fset=None, fdel=None, doc=None)", INIT, property_init)
        .method(GET.0, GET.1, |vm: &Vm, p: This, o: Value, owner: Value| {
            check_get(vm, o, owner)?;
            if o.is_none() { Ok(p.value()) } else { vm.property_get(p, o) }
        })
        .method("__set__($self, instance, value, /)", "Set an attribute of instance to value.", |vm: &Vm, p: This, o: Value, v: Value| vm.property_set(p, o, v))
        .method("__delete__($self, instance, /)", "Delete an attribute of instance.", |vm: &Vm, p: This, o: Value| vm.property_set(p, o, Value::EMPTY))
        .method("getter($self, object, /)", "Descriptor to obtain a copy of the property with a different getter.", |vm: &Vm, p: This, f: Value| copy(vm, p, f, Value::NONE, Value::NONE))
        .method("setter($self, object, /)", "Descriptor to obtain a copy of the property with a different setter.", |vm: &Vm, p: This, f: Value| copy(vm, p, Value::NONE, f, Value::NONE))
        .method("deleter($self, object, /)", "Descriptor to obtain a copy of the property with a different deleter.", |vm: &Vm, p: This, f: Value| copy(vm, p, Value::NONE, Value::NONE, f))
        .method("__set_name__($self, /, *args)", "__set_name__(owner, name)\n\nMethod to set name of a property.", |vm: &Vm, p: This, a: Ptr<TupleObj>| {
            if a.len() != 2 {
                return Err(vm.type_error(format!("__set_name__() takes 2 positional arguments but {} were given", a.len())));
            }
            p.name.set(p, a.get(1));
            Ok(())
        })
        .getter("fget", "", |_: &Vm, p: This| p.get.get())
        .getter("fset", "", |_: &Vm, p: This| p.set.get())
        .getter("fdel", "", |_: &Vm, p: This| p.del.get())
        .getset("__doc__", "", |_: &Vm, p: This| or_none(p.doc.get()), |_: &Vm, p: This, v: Value| p.doc.set(p, or_none(v)))
        .getset("__name__", "", property_name, |_: &Vm, p: This, v: Value| p.name.set(p, v))
        .getter("__isabstractmethod__", "", |vm: &Vm, p: This| -> Res<bool> {
            for f in [&p.get, &p.set, &p.del] {
                if is_abstract(vm, f.get())? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .doc("Property attribute.\n\n  fget\n    function to be used for getting an attribute value\n  fset\n    function to be used for setting an attribute value\n  fdel\n    function to be used for del'ing an attribute\n  doc\n    docstring\n\nTypical use is to define a managed attribute x:\n\nclass C(object):\n    def getx(self): return self._x\n    def setx(self, value): self._x = value\n    def delx(self): del self._x\n    x = property(getx, setx, delx, \"I'm the 'x' property.\")\n\nDecorators make defining new properties or modifying existing ones easy:\n\nclass C(object):\n    @property\n    def x(self):\n        \"I am the 'x' property.\"\n        return self._x\n    @x.setter\n    def x(self, value):\n        self._x = value\n    @x.deleter\n    def x(self):\n        del self._x");
}

/// Whether a callable says that it is abstract.
pub(crate) fn is_abstract(vm: &Vm, f: Value) -> Res<bool> {
    if f.is_none() {
        return Ok(false);
    }
    match vm.get_attr_opt(f, rt().names.isabstractmethod)? {
        Some(v) => vm.truth(v),
        None => Ok(false),
    }
}

fn property_init(vm: &Vm, p: This, get: Value, set: Value, del: Value, doc: Value) -> Res<()> {
    let [get, set, del, doc] = [get, set, del, doc].map(or_none);
    p.get.set(p, get);
    p.set.set(p, set);
    p.del.set(p, del);
    p.doc.set(p, Value::NONE);
    p.name.set(p, Value::EMPTY);
    p.getter_doc.set(false);
    let mut text = doc;
    if doc.is_none() && !get.is_none() {
        text = vm.get_attr_opt(get, rt().names.doc)?.unwrap_or(Value::NONE);
        p.getter_doc.set(!text.is_none());
    }
    if type_of(p.value()) == rt().types.property {
        p.doc.set(p, text);
        return Ok(());
    }
    match vm.set_attr(p.value(), rt().names.doc, text) {
        // A subclass without a place for its docstring goes without one, unless the getter has one.
        Err(r) if !p.getter_doc.get() && r.is(rt().types.attribute_error) => Ok(()),
        r => r,
    }
}

fn copy(vm: &Vm, p: This, get: Value, set: Value, del: Value) -> Res<Value> {
    let pick = |new: Value, old: &Field| if new.is_none() { old.get() } else { new };
    let (get, set, del) = (pick(get, &p.get), pick(set, &p.set), pick(del, &p.del));
    let doc = if p.getter_doc.get() && !get.is_none() { Value::NONE } else { or_none(p.doc.get()) };
    let class = type_of(p.value());
    let new = vm.call(class.value(), &[get, set, del, doc])?;
    if let Some(n) = new.downcast::<PropertyObj>() {
        n.name.set(n, p.name.get());
    }
    Ok(new)
}

fn property_name(vm: &Vm, p: This) -> Res<Value> {
    if !p.name.get().is_empty() {
        return Ok(p.name.get());
    }
    if !p.get.get().is_none()
        && let Some(n) = vm.get_attr_opt(p.get.get(), rt().names.name)?
    {
        return Ok(n);
    }
    Err(vm.attribute_error_for(
        "'property' object has no attribute '__name__'".into(),
        p.value(),
        rt().names.name,
    ))
}

fn method_wrappers(_vm: &Vm) {
    let t = &rt().types;
    let c = extend(t.classmethod)
        .new_fn("__new__(cls, /, *args, **kwargs)", "", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
            let map = cls.instance_map();
            heap().alloc(map, ClassMethodObj { header: Header::new(map), callable: Field::new(Value::NONE) })
        })
        .method("__init__($self, function, /)", INIT, |vm: &Vm, c: Ptr<ClassMethodObj>, f: Value| {
            c.callable.set(c, f);
            wrap_attributes(vm, c.value(), f)
        })
        .method(GET.0, GET.1, |vm: &Vm, c: Ptr<ClassMethodObj>, o: Value, owner: Value| -> Res<Value> {
            check_get(vm, o, owner)?;
            let owner = if or_none(owner).is_none() { type_of(o).value() } else { owner };
            Ok(BoundMethodObj::new(c.callable.get(), owner).value())
        })
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, c: Ptr<ClassMethodObj>| repr(vm, "classmethod", c.callable.get()))
        .getter("__func__", "", |_: &Vm, c: Ptr<ClassMethodObj>| c.callable.get())
        .getter("__wrapped__", "", |_: &Vm, c: Ptr<ClassMethodObj>| c.callable.get())
        .getter("__isabstractmethod__", "", |vm: &Vm, c: Ptr<ClassMethodObj>| is_abstract(vm, c.callable.get()))
        .class_method("__class_getitem__($type, object, /)", "See PEP 585", crate::generic_alias::class_getitem)
        .doc("Convert a function to be a class method.\n\nA class method receives the class as implicit first argument,\njust like an instance method receives the instance.\nTo declare a class method, use this idiom:\n\n  class C:\n      @classmethod\n      def f(cls, arg1, arg2, argN):\n          ...\n\nIt can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()).  The instance is ignored except for its class.\nIf a class method is called for a derived class, the derived class\nobject is passed as the implied first argument.\n\nClass methods are different than C++ or Java static methods.\nIf you want those, see the staticmethod builtin.");
    add_dict(c);
    annotation_attributes(c);
    let s = extend(t.staticmethod)
        .new_fn("__new__(cls, /, *args, **kwargs)", "", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
            let map = cls.instance_map();
            heap().alloc(map, StaticMethodObj { header: Header::new(map), callable: Field::new(Value::NONE) })
        })
        .method("__init__($self, function, /)", INIT, |vm: &Vm, s: Ptr<StaticMethodObj>, f: Value| {
            s.callable.set(s, f);
            wrap_attributes(vm, s.value(), f)
        })
        .method(GET.0, GET.1, |vm: &Vm, s: Ptr<StaticMethodObj>, o: Value, owner: Value| -> Res<Value> {
            check_get(vm, o, owner)?;
            Ok(s.callable.get())
        })
        .method("__call__($self, /, *args, **kwargs)", "Call self as a function.", |vm: &Vm, s: Ptr<StaticMethodObj>, a: Ptr<TupleObj>, k: Value| {
            call(vm, s.callable.get(), a, k.downcast().ok_or_else(|| vm.type_error("keywords"))?)
        })
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, s: Ptr<StaticMethodObj>| repr(vm, "staticmethod", s.callable.get()))
        .getter("__func__", "", |_: &Vm, s: Ptr<StaticMethodObj>| s.callable.get())
        .getter("__wrapped__", "", |_: &Vm, s: Ptr<StaticMethodObj>| s.callable.get())
        .getter("__isabstractmethod__", "", |vm: &Vm, s: Ptr<StaticMethodObj>| is_abstract(vm, s.callable.get()))
        .class_method("__class_getitem__($type, object, /)", "See PEP 585", crate::generic_alias::class_getitem)
        .doc("Convert a function to be a static method.\n\nA static method does not receive an implicit first argument.\nTo declare a static method, use this idiom:\n\n     class C:\n         @staticmethod\n         def f(arg1, arg2, argN):\n             ...\n\nIt can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()). Both the class and the instance are ignored, and\nneither is passed implicitly as the first argument to the method.\n\nStatic methods in Python are similar to those found in Java or C++.\nFor a more advanced concept, see the classmethod builtin.");
    add_dict(s);
    annotation_attributes(s);
}

fn repr(vm: &Vm, what: &str, f: Value) -> Res<String> {
    Ok(format!("<{what}({})>", vm.repr_str(f)?))
}

/// Copies the names and the docstring of the wrapped callable, as CPython's `functools_wraps`.
fn wrap_attributes(vm: &Vm, wrapper: Value, f: Value) -> Res<()> {
    let n = &rt().names;
    for name in [n.module, n.name, n.qualname, n.doc] {
        if let Some(v) = vm.get_attr_opt(f, name)? {
            vm.set_attr(wrapper, name, v)?;
        }
    }
    Ok(())
}

/// `__annotations__` and `__annotate__` of a wrapper: its own, once set, else those of what it wraps.
fn annotation_attributes(b: cape_vm::native::TypeBuilder) {
    b.getset(
        "__annotations__",
        "",
        |vm: &Vm, o: Value| wrapped_attribute(vm, o, rt().names.annotations),
        |vm: &Vm, o: Value, v: Value| set_own(vm, o, rt().names.annotations, v),
    )
    .getset(
        "__annotate__",
        "",
        |vm: &Vm, o: Value| wrapped_attribute(vm, o, rt().names.annotate),
        |vm: &Vm, o: Value, v: Value| set_own(vm, o, rt().names.annotate, v),
    );
}

fn wrapped_attribute(vm: &Vm, o: Value, name: Value) -> Res<Value> {
    let d = vm.dict_of(o);
    if let Some(v) = d.and_then(|d| d.get_str(name)) {
        return Ok(v);
    }
    let f = match (o.downcast::<ClassMethodObj>(), o.downcast::<StaticMethodObj>()) {
        (Some(c), _) => c.callable.get(),
        (_, Some(s)) => s.callable.get(),
        _ => Value::NONE,
    };
    let v = vm.get_attr(f, name)?;
    if let Some(d) = d {
        d.set_str(name, v);
    }
    Ok(v)
}

fn set_own(vm: &Vm, o: Value, name: Value, v: Value) -> Res<()> {
    let Some(d) = vm.dict_of(o) else {
        return Err(vm.attribute_error("This object has no __dict__"));
    };
    if !v.is_empty() {
        d.set_str(name, v);
        return Ok(());
    }
    match d.remove_str(name) {
        Some(_) => Ok(()),
        None => Err(vm.attribute_error_for(
            format!(
                "'{}' object has no attribute '{}'",
                full_name(type_of(o)),
                name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default()
            ),
            o,
            name,
        )),
    }
}
