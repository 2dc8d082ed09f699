//! `ast.AST`: how nodes are made, shown, copied.

use cape_vm::native::new_type;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

/// Makes the base class.
pub fn make_base() -> Ptr<TypeObj> {
    const FLAGS: u32 = TypeFlags::BASE | TypeFlags::HAS_DICT;
    let empty = rt().empty_tuple().value();
    let class = new_type::<InstanceObj>("ast.AST", rt().types.object, FLAGS)
        .method(
            "__init__($self, /, *args, **kwargs)",
            "Initialize self.  See help(type(self)) for accurate signature.",
            init,
        )
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, node: Value| {
            let mut out = StrBuilder::new();
            show(vm, node, 3, &mut out)?;
            Ok::<_, cape_vm::Raised>(out.finish())
        })
        .method("__reduce__($self, /)", "", reduce)
        .method(
            "__replace__($self, /, *args, **kwargs)",
            "Return a copy of the AST node with new values for the specified fields.",
            replace,
        )
        .any_names("__init__")
        .any_names("__replace__")
        .getset(
            "__dict__",
            "",
            |vm: &Vm, node: Value| vm.dict_of(node),
            |vm: &Vm, node: Value, d: Value| cape_vm::attr::set_dict(vm, node, d),
        )
        .attribute("_fields", empty)
        .attribute("__match_args__", empty)
        .attribute("_attributes", empty)
        .class();
    // Its attributes may be set, as those of the other classes.
    class.flags.set(class.flags.get() & !TypeFlags::IMMUTABLE);
    class
}

/// The items of a class attribute that is a sequence of names; none when it is missing.
fn class_names(vm: &Vm, node: Value, name: &str) -> Res<Ptr<ArrayObj>> {
    match vm.get_attr_opt(type_of(node).value(), intern(name))? {
        Some(v) => vm.list_of(v),
        None => Ok(rt().empty_array()),
    }
}

fn deprecated(vm: &Vm, message: String) -> Res<()> {
    crate::warn::warn(vm, rt().types.deprecation_warning, &message, 1)
}

fn init(vm: &Vm, node: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    let class = type_of(node);
    let name = cape_vm::class::full_name(class);
    let short = class.name_str();
    let Some(fields) = vm.get_attr_opt(class.value(), intern("_fields"))? else {
        return Err(vm.attribute_error(format!("type object '{name}' has no attribute '_fields'")));
    };
    let fields = vm.list_of(fields)?;
    let fields = fields.as_slice();
    if args.len() > fields.len() {
        let plural = if fields.len() == 1 { "" } else { "s" };
        let given = if name == "ast.AST" { &short } else { &name };
        return Err(vm.type_error(format!(
            "{given} constructor takes at most {} positional argument{plural}",
            fields.len()
        )));
    }
    for (&f, &v) in fields.iter().zip(args.as_slice()) {
        vm.set_attr(node, f, v)?;
    }
    let is_field = |key: Value| -> Res<Option<usize>> {
        for (i, &f) in fields.iter().enumerate() {
            if vm.eq_identity(f, key)? {
                return Ok(Some(i));
            }
        }
        Ok(None)
    };
    let mut given = vec![false; fields.len()];
    given[..args.len()].fill(true);
    for e in kwargs.table.iter() {
        match is_field(e.key)? {
            Some(i) if i < args.len() => {
                return Err(vm.type_error(format!(
                    "{short} got multiple values for argument {}",
                    vm.repr_str(e.key)?
                )));
            }
            Some(i) => given[i] = true,
            None => {
                let attributes = class_names(vm, node, "_attributes")?;
                let mut known = false;
                for &a in attributes.as_slice() {
                    known |= vm.eq_identity(a, e.key)?;
                }
                if !known {
                    deprecated(
                        vm,
                        format!(
                            "{short}.__init__ got an unexpected keyword argument {}. Support for arbitrary keyword arguments is deprecated and will be removed in Python 3.15.",
                            vm.repr_str(e.key)?
                        ),
                    )?;
                }
            }
        }
        vm.set_attr(node, e.key, e.value)?;
    }
    let Some(types) = vm.get_attr_opt(class.value(), intern("_field_types"))? else { return Ok(()) };
    let Some(types) = types.downcast::<DictObj>() else { return Ok(()) };
    for (i, &f) in fields.iter().enumerate() {
        if !given[i] {
            default(vm, node, &short, f, types)?;
        }
    }
    Ok(())
}

/// Gives a field that was left out its default.
fn default(vm: &Vm, node: Value, class: &str, field: Value, types: Ptr<DictObj>) -> Res<()> {
    let text = vm.repr_str(field)?;
    let Some(t) = types.get(vm, field)? else {
        return deprecated(
            vm,
            format!(
                "Field {text} is missing from {class}._field_types. This will become an error in Python 3.15."
            ),
        );
    };
    let kind = type_of(t).name_str();
    if kind == "Union" || kind == "UnionType" {
        // Optional: the class has None.
        return Ok(());
    }
    if kind == "GenericAlias" {
        return vm.set_attr(node, field, ListObj::new(&[]).value());
    }
    if t == super::class("expr_context").value() {
        let load = vm.call(super::class("Load").value(), &[])?;
        return vm.set_attr(node, field, load);
    }
    deprecated(
        vm,
        format!(
            "{class}.__init__ missing 1 required positional argument: {text}. This will become an error in Python 3.15."
        ),
    )
}

fn is_node(v: Value) -> bool {
    type_of(v).is_subtype(super::AST.get())
}

fn show(vm: &Vm, node: Value, depth: u32, out: &mut StrBuilder) -> Res<()> {
    let name = cape_vm::class::full_name(type_of(node));
    out.push_str(&name);
    if depth == 0 {
        out.push_str("(...)");
        return Ok(());
    }
    if !vm.repr_enter(node) {
        out.push_str("(...)");
        return Ok(());
    }
    let r = show_fields(vm, node, depth, out);
    vm.repr_leave(node);
    r
}

fn show_fields(vm: &Vm, node: Value, depth: u32, out: &mut StrBuilder) -> Res<()> {
    vm.check_native_stack(" while getting the repr of an object")?;
    out.push_str("(");
    let fields = vm.get_attr_str(node, "_fields")?;
    let fields = vm.list_of(fields)?;
    for (i, &f) in fields.as_slice().iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_obj(&*vm.str(f)?);
        out.push_str("=");
        let v = vm.get_attr(node, f)?;
        let items = if v.is::<ListObj>() || v.is::<TupleObj>() { Some(vm.list_of(v)?) } else { None };
        match items {
            Some(items) => {
                let items = items.as_slice();
                let (open, close) = if v.is::<ListObj>() { ("[", "]") } else { ("(", ")") };
                out.push_str(open);
                for (i, &x) in items.iter().enumerate() {
                    if i > 0 && i + 1 < items.len() {
                        continue;
                    }
                    if i > 0 {
                        out.push_str(if items.len() > 2 { ", ..., " } else { ", " });
                    }
                    show_value(vm, x, depth, out)?;
                }
                out.push_str(close);
            }
            None => show_value(vm, v, depth, out)?,
        }
    }
    out.push_str(")");
    Ok(())
}

fn show_value(vm: &Vm, v: Value, depth: u32, out: &mut StrBuilder) -> Res<()> {
    if is_node(v) {
        return show(vm, v, depth - 1, out);
    }
    out.push_obj(&*vm.repr(v)?);
    Ok(())
}

/// The class, `None` for each leading field that is there (to satisfy the constructor), and the attributes.
fn reduce(vm: &Vm, node: Value) -> Res<Value> {
    let class = type_of(node).value();
    let Some(d) = vm.dict_of(node) else {
        return Ok(TupleObj::new(&[class, rt().empty_tuple().value()]).value());
    };
    let fields = class_names(vm, node, "_fields")?;
    let mut n = 0;
    for &f in fields.as_slice() {
        if d.get(vm, f)?.is_none() {
            break;
        }
        n += 1;
    }
    let args = TupleObj::new(&vec![Value::NONE; n]);
    Ok(TupleObj::new(&[class, args.value(), d.copy().value()]).value())
}

fn replace(vm: &Vm, node: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    if !args.is_empty() {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let class = type_of(node);
    let short = class.name_str();
    let all = DictObj::new();
    let d = vm.dict_of(node).map(|d| d.copy());
    let mut missing: Vec<String> = Vec::new();
    for list in ["_fields", "_attributes"] {
        let names = class_names(vm, node, list)?;
        for &f in names.as_slice() {
            let own = match d {
                Some(d) => d.get(vm, f)?,
                None => None,
            };
            if let Some(v) = own {
                all.set(vm, f, v)?;
            } else if list == "_fields"
                && kwargs.get(vm, f)?.is_none()
                && vm.get_attr_opt(class.value(), f)?.is_none()
            {
                missing.push(vm.repr_str(f)?);
            }
        }
    }
    for e in kwargs.table.iter() {
        let mut known = false;
        for list in ["_fields", "_attributes"] {
            let names = class_names(vm, node, list)?;
            for &f in names.as_slice() {
                known |= vm.eq_identity(f, e.key)?;
            }
        }
        if !known {
            return Err(vm.type_error(format!(
                "{short}.__replace__ got an unexpected keyword argument {}.",
                vm.repr_str(e.key)?
            )));
        }
        all.set(vm, e.key, e.value)?;
    }
    if !missing.is_empty() {
        missing.sort();
        let plural = if missing.len() == 1 { "" } else { "s" };
        return Err(vm.type_error(format!(
            "{short}.__replace__ missing {} keyword argument{plural}: {}.",
            missing.len(),
            missing.join(", ")
        )));
    }
    vm.call_dict(class.value(), &[], Some(all))
}
