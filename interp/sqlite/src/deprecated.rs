//! Methods whose arguments should be passed in another way: they warn.

use cape_stdlib::warn::warn;
use cape_vm::native::{Flavour, IntoNative, MethodDef, Raw};
use cape_vm::object::TupleObj;
use cape_vm::{Ptr, Res, Value, Vm, rt};

struct Deprecated {
    method: &'static MethodDef,
    message: &'static str,
    warns: Warns,
}

enum Warns {
    /// More than one argument is passed by position, and not too many.
    Positional { most: usize },
    /// So many arguments should be passed by position; with fewer, what is missing is passed by name.
    Keyword { positional: usize },
}

fn call(vm: &Vm, def: &'static MethodDef, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
    let data = def.raw.as_ref().map_or(0, |r| r.data[0]);
    // SAFETY: `make` has put the address of a struct there that lives for ever.
    let d = unsafe { &*(data as *const Deprecated) };
    let given = args.len() - 1;
    let by_position = given - kwnames.map_or(0, |k| k.len());
    let wrong = match d.warns {
        Warns::Positional { most } => (2..=most).contains(&by_position),
        // (If one is missing altogether, that is said instead.)
        Warns::Keyword { positional } => by_position < positional && given >= positional,
    };
    if wrong {
        warn(vm, rt().types.deprecation_warning, d.message, 1)?;
    }
    d.method.call(vm, args, kwnames)
}

fn make(
    method: &'static MethodDef,
    signature: &'static str,
    message: &'static str,
    warns: Warns,
) -> &'static MethodDef {
    let d: &'static Deprecated = Box::leak(Box::new(Deprecated { method, message, warns }));
    let raw = Raw { call, data: [d as *const Deprecated as usize, 0] };
    MethodDef::leak_foreign(method.name, signature, method.doc, Flavour::Method, raw)
}

/// A constructor that should get only its first argument by position.
pub fn positional<A, F: IntoNative<A>>(
    text: &'static str,
    doc: &'static str,
    class: &'static str,
    message: &'static str,
    f: F,
) -> &'static MethodDef {
    let method = MethodDef::leak(text, doc, Flavour::Method, f);
    method.class_name.set(class);
    let most = method.parsed().positional - 1;
    make(method, "($self, /, *args, **kwargs)", message, Warns::Positional { most })
}

/// A method that should get so many arguments by position.
pub fn keyword<A, F: IntoNative<A>>(
    text: &'static str,
    doc: &'static str,
    positional: usize,
    message: &'static str,
    f: F,
) -> &'static MethodDef {
    let method = MethodDef::leak(text, doc, Flavour::Method, f);
    make(method, method.signature, message, Warns::Keyword { positional })
}
