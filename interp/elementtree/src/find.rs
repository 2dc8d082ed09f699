//! `find` and its like: a tag is looked for here, paths by `xml.etree.ElementPath`.

use cape_stdlib::statics::StaticValue;
use cape_vm::native::{OrNone, TypeBuilder};
use cape_vm::object::*;
use cape_vm::{Res, Value, Vm, rt};

use crate::element::E;

static ELEMENT_PATH: StaticValue = StaticValue::new();

/// Adds the methods to the class of elements.
pub fn add(b: TypeBuilder) -> TypeBuilder {
    b.method(
        "find($self, /, path, namespaces=None)",
        "",
        |vm: &Vm, e: E, path: Value, namespaces: OrNone<Value>| {
            if is_path(path) || namespaces.0.is_some() {
                return by_path(vm, "find", &[e.value(), path, namespaces.0.unwrap_or(Value::NONE)]);
            }
            Ok(first(vm, e, path)?.map_or(Value::NONE, |c| c.value()))
        },
    )
    .method(
        "findtext($self, /, path, default=None, namespaces=None)",
        "",
        |vm: &Vm, e: E, path: Value, default: Option<Value>, namespaces: OrNone<Value>| {
            let default = default.unwrap_or(Value::NONE);
            if is_path(path) || namespaces.0.is_some() {
                let args = [e.value(), path, default, namespaces.0.unwrap_or(Value::NONE)];
                return by_path(vm, "findtext", &args);
            }
            Ok(match first(vm, e, path)? {
                Some(c) if c.text.get().is_none() => rt().empty_str().value(),
                Some(c) => c.text.get(),
                None => default,
            })
        },
    )
    .method(
        "findall($self, /, path, namespaces=None)",
        "",
        |vm: &Vm, e: E, path: Value, namespaces: OrNone<Value>| {
            if is_path(path) || namespaces.0.is_some() {
                return by_path(vm, "findall", &[e.value(), path, namespaces.0.unwrap_or(Value::NONE)]);
            }
            let list = ListObj::new(&[]);
            let mut i = 0;
            while let Some(c) = e.child(i) {
                if has_tag(vm, c, path)? {
                    list.push(c.value());
                }
                i += 1;
            }
            Ok(list.value())
        },
    )
    .method(
        "iterfind($self, /, path, namespaces=None)",
        "",
        |vm: &Vm, e: E, path: Value, namespaces: OrNone<Value>| {
            by_path(vm, "iterfind", &[e.value(), path, namespaces.0.unwrap_or(Value::NONE)])
        },
    )
}

/// Calls a function of `xml.etree.ElementPath`.
fn by_path(vm: &Vm, function: &str, args: &[Value]) -> Res<Value> {
    let module = ELEMENT_PATH.get_or(|| vm.import_attr("xml.etree", "ElementPath"))?;
    let f = vm.get_attr_str(module, function)?;
    vm.call(f, args)
}

/// Whether the element has this tag.
#[inline]
pub fn has_tag(vm: &Vm, e: E, tag: Value) -> Res<bool> {
    let own = e.tag.get();
    if own == tag {
        return Ok(true);
    }
    match (own.downcast::<StrObj>(), tag.downcast::<StrObj>()) {
        (Some(a), Some(b)) if exact(own) && exact(tag) => Ok(a.same_text(&b)),
        _ => vm.eq_identity(own, tag),
    }
}

fn exact(v: Value) -> bool {
    cape_vm::type_of(v) == rt().types.str
}

fn first(vm: &Vm, e: E, tag: Value) -> Res<Option<E>> {
    let mut i = 0;
    while let Some(c) = e.child(i) {
        if has_tag(vm, c, tag)? {
            return Ok(Some(c));
        }
        i += 1;
    }
    Ok(None)
}

/// Whether something is more than a tag: a path, or a pattern for tags.
fn is_path(v: Value) -> bool {
    if let Some(s) = v.downcast::<StrObj>() {
        return match s.as_ascii() {
            Some(s) => pattern(s.bytes().map(|b| b as u32)),
            None => pattern(s.chars()),
        };
    }
    if let Some(b) = v.downcast::<BytesObj>() {
        return pattern(b.as_slice().iter().map(|&b| b as u32));
    }
    true
}

/// The same, of characters. What stands in braces is a namespace, and has any characters.
fn pattern(chars: impl Iterator<Item = u32>) -> bool {
    let mut inside = false;
    let (mut start, mut n) = (['\0'; 3], 0);
    for c in chars.map(|c| char::from_u32(c).unwrap_or_default()) {
        if n < 3 {
            start[n] = c;
            n += 1;
            // `{}tag` and `{*}tag` are for any namespace.
            if start[..n] == ['{', '}'] || start[..n] == ['{', '*', '}'] {
                return true;
            }
        }
        match c {
            '{' => inside = true,
            '}' => inside = false,
            '/' | '*' | '[' | '@' | '.' if !inside => return true,
            _ => {}
        }
    }
    false
}
