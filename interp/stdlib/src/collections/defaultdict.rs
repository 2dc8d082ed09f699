//! `defaultdict`.

use cape_builtins::function::or_none;
use cape_heap::write_barrier;
use cape_vm::native::new_type_with_tail;
use cape_vm::object::{DictObj, ModuleObj, StrBuilder, TupleObj, TypeFlags};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

type This = Ptr<DictObj>;

/// The default factory is the first word behind the dict's own fields.
fn factory(d: This) -> Value {
    // SAFETY: the type was made with one word of tail, which its subclasses inherit.
    or_none(unsafe { *d.header().tail() })
}

fn set_factory(d: This, v: Value) {
    // SAFETY: as above.
    unsafe { *d.header().tail() = v };
    write_barrier(d.header());
}

pub(super) fn init(m: Ptr<ModuleObj>) {
    let b = new_type_with_tail::<DictObj>("collections.defaultdict", rt().types.dict, TypeFlags::BASE | TypeFlags::MAPPING, 1)
        .doc("defaultdict(default_factory=None, /, [...]) --> dict with default factory\n\nThe default factory is called without arguments to produce\na new value when a key is not present, in __getitem__ only.\nA defaultdict compares equal to a dict with the same items.\nAll remaining arguments are treated the same as if they were\npassed to the dict constructor, including keyword arguments.")
        .method("__init__($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.", |vm: &Vm, d: This, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>| -> Res<()> {
            let (f, rest) = match args.as_slice() {
                [] => (Value::NONE, &[][..]),
                [f, rest @ ..] => (*f, rest),
            };
            if !f.is_none() && !vm.is_callable(f) {
                return Err(vm.type_error("first argument must be callable or None"));
            }
            set_factory(d, f);
            cape_builtins::dict::update(vm, d, TupleObj::new(rest), kwargs, "dict")
        })
        .method("__missing__($self, object, /)", "__missing__(key) # Called by __getitem__ for missing key; pseudo-code:\n  if self.default_factory is None: raise KeyError((key,))\n  self[key] = value = self.default_factory()\n  return value\n", |vm: &Vm, d: This, key: Value| -> Res<Value> {
            let f = factory(d);
            if f.is_none() {
                return Err(vm.key_error_for(key));
            }
            let v = vm.call(f, &[])?;
            // The factory may have set the item itself: what it set stays.
            if let Some(set) = d.get(vm, key)? {
                return Ok(set);
            }
            vm.set_item(d.value(), key, v)?;
            Ok(v)
        })
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("copy($self, /)", "D.copy() -> a shallow copy of D.", copy)
        .method("__copy__($self, /)", "D.copy() -> a shallow copy of D.", copy)
        .method("__or__($self, value, /)", "Return self|value.", or)
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| or(vm, b, a))
        .method("__reduce__($self, /)", "Return state information for pickling.", |vm: &Vm, d: This| -> Res<Value> {
            let f = factory(d);
            let args = if f.is_none() { rt().empty_tuple() } else { TupleObj::new(&[f]) };
            let items = vm.call_method(d.value(), rt().names.items, &[])?;
            let it = vm.iter(items)?;
            Ok(TupleObj::new(&[type_of(d.value()).value(), args.value(), Value::NONE, Value::NONE, it]).value())
        })
        .class_method("__class_getitem__($type, object, /)", "See PEP 585", cape_builtins::generic_alias::class_getitem)
        .getset("default_factory", "Factory for default value called by __missing__().", |_: &Vm, d: This| factory(d), |_: &Vm, d: This, v: Value| set_factory(d, or_none(v)));
    m.class(b.class());
}

fn copy(vm: &Vm, d: This) -> Res<Value> {
    vm.call(type_of(d.value()).value(), &[factory(d), d.value()])
}

fn or(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    if !a.is::<DictObj>() || !b.is::<DictObj>() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    // The default dict gives the class and the factory, wherever it stands.
    let is_default = |v: Value| {
        type_of(v).special(Special::Missing).downcast::<cape_vm::object::MethodDescrObj>().is_some()
    };
    let own = if is_default(a) { a } else { b };
    let f = own.downcast::<DictObj>().map_or(Value::NONE, factory);
    let new = vm.call(type_of(own).value(), &[f, a])?;
    if let Some(d) = new.downcast::<DictObj>() {
        vm.dict_update(d, b)?;
    }
    Ok(new)
}

fn repr(vm: &Vm, d: This) -> Res<Value> {
    let base = rt().types.dict.special(Special::Repr);
    let items = vm.call_special(base, &[d.value()])?;
    let f = factory(d);
    let mut out = StrBuilder::new();
    out.push_str(&type_of(d.value()).name_str());
    out.push_str("(");
    // A factory that is a method of the dict itself would recurse.
    if vm.repr_enter(f) || f.is_none() {
        let r = vm.repr(f);
        vm.repr_leave(f);
        out.push_obj(&*r?);
    } else {
        out.push_str("...");
    }
    out.push_str(", ");
    out.push_obj(&*vm.str(items)?);
    out.push_str(")");
    Ok(out.finish().value())
}
