//! `TypeAliasType`.

use cape_builtins::generic_alias::generic_alias;
use cape_builtins::union_::TYPE_ALIAS;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Named, new_type};
use cape_vm::object::{ListObj, ModuleObj, StrObj, TupleObj, TypeFlags, TypeObj, ValueVec};
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::{caller, evaluated, evaluator, params::{has_default, is_tuple_param}, unpack};

heap_object! {
    /// `type Name[params] = value`; the value is EMPTY until it is asked for.
    pub struct TypeAliasObj { name: Field, params: Field, value: Field, evaluate: Field, module: Field }
}

impl Named for TypeAliasObj {
    const NAME: &'static str = "typing.TypeAliasType";
}

type This = Ptr<TypeAliasObj>;

pub(super) fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<TypeAliasObj>("typing.TypeAliasType", rt().types.object, TypeFlags::HAS_WEAKREF)
        .doc("Type alias.")
        .new_fn(
            "__new__(cls, name, value, *, type_params=())",
            "",
            |vm: &Vm, _: Ptr<TypeObj>, name: Ptr<StrObj>, value: Value, params: Option<Value>| -> Res<This> {
                let params = params.unwrap_or(rt().empty_tuple().value());
                if !params.is::<TupleObj>() {
                    return Err(vm.type_error("type_params must be a tuple"));
                }
                check_params(vm, params)?;
                Ok(make(name.value(), params, value, Value::EMPTY, caller(vm)))
            },
        )
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, a: This| a.name.get())
        .method("__reduce__($self, /)", "", |_: &Vm, a: This| a.name.get())
        .method(
            "__getitem__($self, key, /)",
            "Return self[key].",
            |vm: &Vm, a: This, k: Value| -> Res<Value> {
                if a.params.downcast::<TupleObj>().is_none_or(|p| p.is_empty()) {
                    return Err(vm.type_error("Only generic type aliases are subscriptable"));
                }
                Ok(generic_alias(vm, a.value(), k))
            },
        )
        .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, a: This| {
            let u = unpack(vm, a.value())?;
            vm.iter(ListObj::new(&[u]).value())
        })
        .method("__or__($self, value, /)", "Return self|value.", cape_builtins::generic_alias::or)
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| {
            cape_builtins::generic_alias::or(vm, b, a)
        })
        .getter("__name__", "", |_: &Vm, a: This| a.name.get())
        .getter("__module__", "", |_: &Vm, a: This| a.module.get())
        .getter("__type_params__", "", |_: &Vm, a: This| a.params.get())
        .getter("__parameters__", "", |vm: &Vm, a: This| -> Res<Value> {
            let Some(p) = a.params.downcast::<TupleObj>() else { return Ok(rt().empty_tuple().value()) };
            let mut all = ValueVec::new();
            for &v in p.as_slice() {
                all.push(if is_tuple_param(v) { unpack(vm, v)? } else { v });
            }
            Ok(TupleObj::new(&all).value())
        })
        .getter("__value__", "", |vm: &Vm, a: This| evaluated(vm, a, &a.value, &a.evaluate))
        .getter("evaluate_value", "", |_: &Vm, a: This| evaluator(&a.value, &a.evaluate));
    TYPE_ALIAS.set(b.class());
    m.class(b.class());
    m.function("_make_typealias(parts, /)", "", |vm: &Vm, parts: Ptr<TupleObj>| -> Res<This> {
        let [name, params, evaluate] = *parts.as_slice() else {
            return Err(vm.type_error(format!(
                "a type alias has three parts, not {}",
                full_name(type_of(parts.value()))
            )));
        };
        let params = if params.is_none() { rt().empty_tuple().value() } else { params };
        Ok(make(name, params, Value::EMPTY, evaluate, caller(vm)))
    });
}

/// All of them are type parameters, those with defaults last.
fn check_params(vm: &Vm, params: Value) -> Res<()> {
    let Some(params) = params.downcast::<TupleObj>() else { return Ok(()) };
    let mut defaults = false;
    for &p in params.as_slice() {
        match has_default(p) {
            None => {
                let shown = vm.repr_str(p)?;
                return Err(vm.type_error(format!("Expected a type param, got {shown}")));
            }
            Some(false) if defaults => {
                let shown = vm.repr_str(p)?;
                return Err(
                    vm.type_error(format!("non-default type parameter '{shown}' follows default type parameter"))
                );
            }
            Some(has) => defaults |= has,
        }
    }
    Ok(())
}

fn make(name: Value, params: Value, value: Value, evaluate: Value, module: Value) -> This {
    let map = TYPE_ALIAS.get().instance_map();
    heap().alloc(
        map,
        TypeAliasObj {
            header: Header::new(map),
            name: Field::new(name),
            params: Field::new(params),
            value: Field::new(value),
            evaluate: Field::new(evaluate),
            module: Field::new(module),
        },
    )
}
