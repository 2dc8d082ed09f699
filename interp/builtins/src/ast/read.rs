//! Trees from Python objects.

use cape_bytecode::{Const, Position, Wtf8};
use cape_compile::Mode;
use cape_compile::asdl::{Arity, Class, Field, Kind};
use cape_compile::tree::{Item, Node};
use cape_vm::object::*;
use cape_vm::runtime::type_of;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

/// Whether `v` is a node.
pub fn is_node(vm: &Vm, v: Value) -> Res<bool> {
    match super::AST.try_get() {
        Some(c) if v.is_ptr() => vm.is_instance(v, c.value()),
        _ => Ok(false),
    }
}

/// The tree of a Python object, for `compile` in `mode` (none: a signature). It is not checked.
pub fn from_object(vm: &Vm, v: Value, mode: Option<Mode>) -> Res<Node> {
    let class = match mode {
        Some(Mode::Exec) => Class::Module,
        Some(Mode::Eval) => Class::Expression,
        Some(Mode::Single) => Class::Interactive,
        None => Class::FunctionType,
    };
    if !is(vm, v, class)? {
        return Err(vm.type_error(format!(
            "expected {} node, got {}",
            class.row().name,
            type_of(v).name_str()
        )));
    }
    Ok(Node { class, fields: fields(vm, v, class)?, at: None })
}

fn is(vm: &Vm, v: Value, class: Class) -> Res<bool> {
    vm.is_instance(v, super::class_of(class).value())
}

fn node(vm: &Vm, v: Value, class: Class) -> Res<Item> {
    let children = class.children();
    let made = |class, fields, at| Ok(Item::Node(Box::new(Node { class, fields, at })));
    if children.is_empty() {
        let fields = fields(vm, v, class)?;
        let at = if class.has_place() { Some(place(vm, v, class)?) } else { None };
        return made(class, fields, at);
    }
    // Classes of operators and contexts must be there.
    let plain = children.iter().all(|c| c.fields().is_empty());
    if v.is_none() && !plain {
        return Ok(Item::None);
    }
    vm.check_native_stack(&format!(" while traversing '{}' node", class.row().name))?;
    let at = if class.has_place() { Some(place(vm, v, class)?) } else { None };
    for &c in children {
        if is(vm, v, c)? {
            return made(c, fields(vm, v, c)?, at);
        }
    }
    Err(vm.type_error(format!("expected some sort of {}, but got {}", class.row().name, vm.repr_str(v)?)))
}

fn missing(vm: &Vm, field: &str, class: Class) -> cape_vm::Raised {
    vm.type_error(format!("required field \"{field}\" missing from {}", class.row().name))
}

fn int(vm: &Vm, v: Value) -> Res<i64> {
    if !v.is_int() && !type_of(v).is_subtype(rt().types.int) {
        return Err(vm.value_error(format!("invalid integer value: {}", vm.repr_str(v)?)));
    }
    let i = vm.index_int(v)?;
    let fits = match i {
        Int::Small(i) => i32::try_from(i).ok(),
        Int::Big(_) => None,
    };
    fits.map(i64::from).ok_or_else(|| vm.overflow_error("Python int too large to convert to C int"))
}

fn place(vm: &Vm, v: Value, class: Class) -> Res<Position> {
    let get = |name: &str| -> Res<Option<i64>> {
        match vm.get_attr_opt(v, intern(name))? {
            Some(x) => Ok(Some(int(vm, x)?)),
            None => Ok(None),
        }
    };
    let required = |name: &str| get(name)?.ok_or_else(|| missing(vm, name, class));
    let optional = |name: &str, otherwise: i64| match vm.get_attr_opt(v, intern(name))? {
        Some(x) if !x.is_none() => int(vm, x),
        _ => Ok(otherwise),
    };
    let (line, col) = (required("lineno")?, required("col_offset")?);
    let end_line = optional("end_lineno", line)?;
    let end_col = optional("end_col_offset", col)?;
    if line > end_line {
        return Err(vm.value_error(format!("AST node line range ({line}, {end_line}) is not valid")));
    }
    if (line < 0 && end_line != line) || (col < 0 && end_col != col) {
        return Err(vm.value_error(format!(
            "AST node column range ({col}, {end_col}) for line range ({line}, {end_line}) is not valid"
        )));
    }
    if line == end_line && col > end_col {
        return Err(vm.value_error(format!("line {line}, column {col}-{end_col} is not a valid range")));
    }
    let unsigned = |i: i64| i.max(0) as u32;
    Ok(Position {
        line: unsigned(line),
        col: unsigned(col),
        end_line: unsigned(end_line),
        end_col: unsigned(end_col),
    })
}

fn fields(vm: &Vm, v: Value, class: Class) -> Res<Vec<Item>> {
    let specs = class.fields();
    let mut out = Vec::with_capacity(specs.len());
    for f in specs {
        out.push(field(vm, v, class, f)?);
    }
    for (f, item) in specs.iter().zip(&out) {
        if f.arity == Arity::One && matches!(item, Item::None) {
            return Err(vm.value_error(format!("field '{}' is required for {}", f.name, class.row().name)));
        }
    }
    Ok(out)
}

fn field(vm: &Vm, v: Value, class: Class, f: &Field) -> Res<Item> {
    let found = vm.get_attr_opt(v, intern(f.name))?;
    match (found, f.arity) {
        (None, Arity::One) => Err(missing(vm, f.name, class)),
        (None, Arity::Optional) => Ok(Item::None),
        (None, Arity::Many) => Ok(Item::List(Vec::new())),
        (Some(x), Arity::Optional) if x.is_none() => Ok(Item::None),
        (Some(x), Arity::Many) => list(vm, x, class, f),
        (Some(x), _) => value(vm, x, f.kind),
    }
}

fn list(vm: &Vm, v: Value, class: Class, f: &Field) -> Res<Item> {
    let Some(l) = v.downcast::<ListObj>() else {
        return Err(vm.type_error(format!(
            "{} field \"{}\" must be a list, not a {}",
            class.row().name,
            f.name,
            type_of(v).name_str()
        )));
    };
    let n = l.len();
    let mut out = Vec::with_capacity(n);
    for i in 0..n {
        let x = l.get(i).unwrap_or(Value::NONE);
        out.push(value(vm, x, f.kind)?);
        if l.len() != n {
            return Err(vm.runtime_error(format!(
                "{} field \"{}\" changed size during iteration",
                class.row().name,
                f.name
            )));
        }
    }
    Ok(Item::List(out))
}

fn value(vm: &Vm, v: Value, kind: Kind) -> Res<Item> {
    match kind {
        Kind::Node(c) => node(vm, v, c),
        Kind::Int => Ok(Item::Int(int(vm, v)?)),
        Kind::Constant => Ok(Item::Const(constant(vm, v)?)),
        Kind::Str if v.is_none() => Ok(Item::None),
        Kind::Str => match v.downcast::<StrObj>() {
            Some(s) => Ok(Item::Str(wtf8(s))),
            None => Err(vm.type_error("AST identifier must be of type str")),
        },
    }
}

fn wtf8(s: Ptr<StrObj>) -> Wtf8 {
    s.to_wtf8().into_owned().into()
}

/// The constant that a value is.
pub(crate) fn constant(vm: &Vm, v: Value) -> Res<Const> {
    let t = type_of(v);
    let types = &rt().types;
    let list = |items: &[Value]| -> Res<Box<[Const]>> {
        let mut out = Vec::with_capacity(items.len());
        for &i in items {
            vm.check_native_stack(" during compilation")?;
            out.push(constant(vm, i)?);
        }
        Ok(out.into())
    };
    if v.is_none() {
        return Ok(Const::None);
    }
    if v == Value::ELLIPSIS {
        return Ok(Const::Ellipsis);
    }
    if v == Value::TRUE {
        return Ok(Const::True);
    }
    if v == Value::FALSE {
        return Ok(Const::False);
    }
    if t == types.int {
        return Ok(match vm.index_int(v)? {
            Int::Small(i) => Const::Int(i),
            Int::Big(b) => Const::BigInt(b),
        });
    }
    if t == types.float {
        return Ok(Const::Float(vm.to_f64(v)?));
    }
    if t == types.str
        && let Some(s) = v.downcast::<StrObj>()
    {
        return Ok(Const::Str(wtf8(s)));
    }
    if t == types.bytes
        && let Some(b) = v.downcast::<BytesObj>()
    {
        return Ok(Const::Bytes(b.as_slice().into()));
    }
    if t == types.complex
        && let Some(c) = v.downcast::<ComplexObj>()
    {
        return Ok(Const::Complex(c.re, c.im));
    }
    if t == types.tuple
        && let Some(items) = v.downcast::<TupleObj>()
    {
        return Ok(Const::Tuple(list(items.as_slice())?));
    }
    if t == types.frozenset {
        return Ok(Const::FrozenSet(list(vm.list_of(v)?.as_slice())?));
    }
    Err(vm.type_error(format!("got an invalid type in Constant: {}", t.name_str())))
}
