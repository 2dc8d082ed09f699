//! `_typing`: type parameters, type aliases, `Generic`, and the functions that the compiler's code calls to make them.

mod alias;
mod params;

use cape_builtins::union_::UNION;
use cape_heap::{Field, Header, Root, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{DictObj, InstanceObj, ModuleObj, StrBuilder, TupleObj, TypeFlags, TypeObj, ValueVec};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

heap_object! {
    /// `typing.NoDefault`.
    pub struct NoDefaultObj {}

    /// An evaluator of a value that is known already.
    pub struct ConstEvaluatorObj { value: Field }
}

impl Named for ConstEvaluatorObj {
    const NAME: &'static str = "_typing._ConstEvaluator";
}

static EVALUATOR: StaticType = StaticType::new();
static GENERIC: StaticType = StaticType::new();

struct Single(std::cell::Cell<Option<&'static Root>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Single {}
static NO_DEFAULT: Single = Single(std::cell::Cell::new(None));

fn no_default() -> Value {
    NO_DEFAULT.0.get().expect("made with the module").get()
}

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let object = rt().types.object;
    let b = new_type::<NoDefaultObj>("typing.NoDefaultType", object, 0)
        .doc("The type of the NoDefault singleton.")
        .new_fn(
            "__new__(cls, /, *args, **kwargs)",
            "",
            |vm: &Vm, _: Value, a: Ptr<TupleObj>, k: Ptr<DictObj>| {
                if !a.is_empty() || !k.is_empty() {
                    return Err(vm.type_error("NoDefaultType takes no arguments"));
                }
                Ok(no_default())
            },
        )
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, _: Value| "typing.NoDefault")
        .method("__reduce__($self, /)", "", |_: &Vm, _: Value| "NoDefault");
    let map = b.class().instance_map();
    let v = heap().alloc(map, NoDefaultObj { header: Header::new(map) });
    if NO_DEFAULT.0.get().is_none() {
        NO_DEFAULT.0.set(Some(Box::leak(Box::new(Root::new(v.value())))));
    }
    m.add("NoDefault", no_default());
    let b = new_type::<ConstEvaluatorObj>("_typing._ConstEvaluator", object, TypeFlags::NO_INSTANTIATION)
        .method(
            "__call__($self, format, /)",
            "Call self as a function.",
            |vm: &Vm, e: Ptr<ConstEvaluatorObj>, format: i32| -> Res<Value> {
                if format != 4 {
                    return Ok(e.value.get());
                }
                let mut out = StrBuilder::new();
                match e.value.downcast::<TupleObj>() {
                    Some(t) => {
                        out.push_str("(");
                        for (i, &v) in t.as_slice().iter().enumerate() {
                            out.push_str(if i > 0 { ", " } else { "" });
                            cape_builtins::generic_alias::type_repr(vm, v, &mut out)?;
                        }
                        out.push_str(")");
                    }
                    None => cape_builtins::generic_alias::type_repr(vm, e.value.get(), &mut out)?,
                }
                Ok(out.finish().value())
            },
        )
        .method(
            "__repr__($self, /)",
            "Return repr(self).",
            |vm: &Vm, e: Ptr<ConstEvaluatorObj>| -> Res<String> {
                Ok(format!("<constevaluator {}>", vm.repr_str(e.value.get())?))
            },
        );
    EVALUATOR.set(b.class());
    let b = new_type::<InstanceObj>("typing.Generic", object, TypeFlags::BASE)
        .doc("Abstract base class for generic types\n\nOn Python 3.12 and newer, generic classes implicitly inherit from\nGeneric when they declare a parameter list after the class's name::\n\n    class Mapping[KT, VT]:\n        def __getitem__(self, key: KT) -> VT:\n            ...\n            # Etc.\n\nOn older versions of Python, however, generic classes have to\nexplicitly inherit from Generic.\n\nAfter a class has been declared to be generic, it can then be used as\nfollows::\n\n    def lookup_name[KT, VT](mapping: Mapping[KT, VT], key: KT, default: VT) -> VT:\n        try:\n            return mapping[key]\n        except KeyError:\n            return default\n")
        .class_method("__class_getitem__($type, /, *args, **kwargs)", "Parameterizes a generic class.", |vm: &Vm, cls: Value, a: Ptr<TupleObj>, k: Ptr<DictObj>| by_typing(vm, "_generic_class_getitem", cls, a, k))
        .class_method("__init_subclass__($type, /, *args, **kwargs)", "Function to initialize subclasses.", |vm: &Vm, cls: Value, a: Ptr<TupleObj>, k: Ptr<DictObj>| by_typing(vm, "_generic_init_subclass", cls, a, k));
    GENERIC.set(b.class());
    m.class(b.class()).add("Union", UNION.get().value());
    m.function("_idfunc(x, /)", "", |_: &Vm, x: Value| x).function(
        "_subscript_generic(params, /)",
        "",
        subscript_generic,
    );
    params::init(m);
    alias::init(m);
    Ok(())
}

/// Calls a function of `typing` with the class before the arguments.
fn by_typing(vm: &Vm, name: &str, first: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let f = vm.import_attr("typing", name)?;
    let mut all = ValueVec::with_capacity(args.len() + 1);
    all.push(first);
    all.extend_from_slice(args.as_slice());
    vm.call_dict(f, &all, Some(kwargs))
}

fn call_typing(vm: &Vm, name: &str, args: &[Value]) -> Res<Value> {
    let f = vm.import_attr("typing", name)?;
    vm.call(f, args)
}

fn unpack(vm: &Vm, v: Value) -> Res<Value> {
    let u = vm.import_attr("typing", "Unpack")?;
    vm.get_item(u, v)
}

/// `Generic[*params]`, for the base that the compiler adds to generic classes.
fn subscript_generic(vm: &Vm, params: Ptr<TupleObj>) -> Res<Value> {
    let mut all = ValueVec::with_capacity(params.len());
    for &p in params.as_slice() {
        all.push(if params::is_tuple_param(p) { unpack(vm, p)? } else { p });
    }
    call_typing(vm, "_GenericAlias", &[GENERIC.get().value(), TupleObj::new(&all).value()])
}

fn constant(v: Value) -> Value {
    let map = EVALUATOR.get().instance_map();
    heap().alloc(map, ConstEvaluatorObj { header: Header::new(map), value: Field::new(v) }).value()
}

/// `__name__` of the module whose code is running.
fn caller(vm: &Vm) -> Value {
    vm.caller_globals().and_then(|g| g.get_str(rt().names.name)).unwrap_or(Value::NONE)
}

/// The value of a lazily evaluated field, evaluated when first asked for.
fn evaluated<T: cape_heap::HeapObject>(
    vm: &Vm,
    owner: Ptr<T>,
    value: &Field,
    evaluate: &Field,
) -> Res<Value> {
    if value.get().is_empty() {
        let f = evaluate.get();
        if f.is_empty() || f.is_none() {
            return Ok(Value::EMPTY);
        }
        let v = vm.call(f, &[Value::int(1)])?;
        value.set(owner, v);
    }
    Ok(value.get())
}

/// The evaluator of a field: as given, or one for the value; None when there is neither.
fn evaluator(value: &Field, evaluate: &Field) -> Value {
    if !evaluate.get().is_empty() {
        return evaluate.get();
    }
    if value.get().is_empty() { Value::NONE } else { constant(value.get()) }
}

/// The text of a name argument.
fn module_name() -> Value {
    intern("__module__")
}

/// A class of this module whose instances keep `__module__` in their dict.
fn set_module(vm: &Vm, v: Value, module: Value) -> Res<()> {
    vm.set_attr(v, module_name(), module)
}

/// Not instantiable by calling with anything: for messages.
fn subclass_error(vm: &Vm, t: Ptr<TypeObj>) -> cape_vm::Raised {
    vm.type_error(format!("Cannot subclass an instance of {}", t.name_str()))
}
