//! `bool`, and the types of `None`, `Ellipsis` and `NotImplemented`.

use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use crate::number::warn;
use crate::{binary_operators, int_ops, rich_comparisons};

/// Completes the types.
pub fn init(_vm: &Vm) {
    init_bool();
    let none = extend(rt().types.none_type);
    none.new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.", |vm: &Vm, _: Class, a, k| {
        only(vm, Value::NONE, "NoneType", a, k)
    })
    .doc("NoneType()\n--\n\nThe type of the None singleton.")
    .attribute("__doc__", cape_vm::object::StrObj::new("The type of the None singleton.").value())
    .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, _: Value| "None")
    .method("__hash__($self, /)", "Return hash(self).", |_: &Vm, _: Value| cape_vm::ops::NONE_HASH)
    .method("__bool__($self, /)", "True if self else False", |_: &Vm, _: Value| false);
    rich_comparisons!(none, Value, compare_none);
    extend(rt().types.ellipsis)
        .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.", |vm: &Vm, _: Class, a, k| {
            only(vm, Value::ELLIPSIS, "EllipsisType", a, k)
        })
        .doc("The type of the Ellipsis singleton.")
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, _: Value| "Ellipsis")
        .method("__reduce__($self, /)", "", |_: &Vm, _: Value| "Ellipsis");
    extend(rt().types.not_implemented_type)
        .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.", |vm: &Vm, _: Class, a, k| {
            only(vm, Value::NOT_IMPLEMENTED, "NotImplementedType", a, k)
        })
        .doc("The type of the NotImplemented singleton.")
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, _: Value| "NotImplemented")
        .method("__reduce__($self, /)", "", |_: &Vm, _: Value| "NotImplemented")
        .method("__bool__($self, /)", "True if self else False", |vm: &Vm, _: Value| -> Res<bool> {
            Err(vm.type_error("NotImplemented should not be used in a boolean context"))
        });
}

type Class = Ptr<TypeObj>;

/// The one instance of a singleton's type, whose constructor takes no arguments.
fn only(vm: &Vm, v: Value, name: &str, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    if args.is_empty() && kwargs.is_empty() {
        return Ok(v);
    }
    Err(vm.type_error(format!("{name} takes no arguments")))
}

fn compare_none(_: &Vm, _: Value, b: Value, op: Cmp) -> Value {
    match op {
        Cmp::Eq if b.is_none() => Value::TRUE,
        Cmp::Ne if b.is_none() => Value::FALSE,
        _ => Value::NOT_IMPLEMENTED,
    }
}

fn init_bool() {
    let t = extend(rt().types.bool);
    t.doc(
        "Returns True when the argument is true, False otherwise.\nThe builtins True and False are the only two instances \
         of the class bool.\nThe class bool is a subclass of the class int, and cannot be subclassed.",
    )
    .new_fn("__new__(cls, object=False, /)", "Create and return a new object.", new_bool)
    .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, v: Value| {
        if v == Value::TRUE { "True" } else { "False" }
    })
    .method("__invert__($self, /)", "~self", |vm: &Vm, v: Value| -> Res<Value> {
        let message = "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the \
                       bitwise inversion of the underlying int object and is usually not what you expect from the \
                       negation of a bool object. Use the 'not' operator for boolean negation or ~int(x) for the bitwise \
                       inversion of the underlying int.";
        warn(vm, rt().types.deprecation_warning, message)?;
        Ok(int_ops::invert(vm, v))
    });
    binary_operators! { t;
        "and" "&" and, and;
        "xor" "^" xor, xor;
        "or" "|" or, or;
    }
}

fn new_bool(vm: &Vm, _: Class, v: Value) -> Res<bool> {
    if v.is_empty() { Ok(false) } else { vm.truth(v) }
}

macro_rules! logical {
    ($($name:ident $op:tt;)*) => { $(
        fn $name(vm: &Vm, a: Value, b: Value) -> Value {
            if a.is_bool() && b.is_bool() {
                return Value::bool((a == Value::TRUE) $op (b == Value::TRUE));
            }
            int_ops::$name(vm, a, b)
        }
    )* };
}
logical! { and &; or |; xor ^; }
