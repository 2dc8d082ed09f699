//! `_ast`: the classes of syntax trees, and trees as Python objects.

mod make;
mod node;
mod read;

use cape_vm::class::{ClassSpec, make_class};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

use cape_compile::asdl::{Class, ROWS, Row};

pub use make::to_object;
pub(crate) use read::constant;
pub use read::{from_object, is_node};

static AST: StaticType = StaticType::new();

/// Classes by their place in [`ROWS`].
static CLASSES: [StaticType; ROWS.len()] = [const { StaticType::new() }; ROWS.len()];

const FLAGS: &[(&str, i64)] = &[
    ("PyCF_ALLOW_TOP_LEVEL_AWAIT", 0x2000),
    ("PyCF_ONLY_AST", 0x400),
    ("PyCF_OPTIMIZED_AST", 0x8400),
    ("PyCF_TYPE_COMMENTS", 0x1000),
];

/// Fills the module `_ast`.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    make_classes(vm)?;
    m.class(AST.get());
    for c in &CLASSES {
        m.class(c.get());
    }
    for (name, v) in FLAGS {
        m.add(name, Value::int(*v));
    }
    Ok(())
}

/// The class `ast.AST`.
pub fn base_class(vm: &Vm) -> Res<Ptr<TypeObj>> {
    make_classes(vm)?;
    Ok(AST.get())
}

/// The class of a node by its name, which must be one of the grammar's.
fn class(name: &str) -> Ptr<TypeObj> {
    class_of(Class::named(name).expect("a node class"))
}

/// The class of a node.
fn class_of(c: Class) -> Ptr<TypeObj> {
    CLASSES[c as usize].get()
}

fn names(text: &str, separator: char) -> Ptr<TupleObj> {
    let mut out = ValueVec::new();
    text.split(separator)
        .filter(|s| !s.is_empty())
        .for_each(|s| out.push(intern(s.split(':').next().unwrap_or(s))));
    TupleObj::new(&out)
}

fn make_classes(vm: &Vm) -> Res<()> {
    if AST.try_get().is_some() {
        return Ok(());
    }
    AST.set(node::make_base());
    for (i, row) in ROWS.iter().enumerate() {
        let base = if row.base == "AST" { AST.get() } else { class(row.base) };
        CLASSES[i].set(make(vm, row, base)?);
    }
    for (i, row) in ROWS.iter().enumerate() {
        if row.base != "AST" || !row.fields.is_empty() {
            let types = field_types(vm, row)?;
            for name in ["_field_types", "__annotations__"] {
                cape_vm::class::set_class_attribute(CLASSES[i].get(), intern(name), types.value());
            }
        }
    }
    Ok(())
}

fn make(vm: &Vm, row: &Row, base: Ptr<TypeObj>) -> Res<Ptr<TypeObj>> {
    let d = DictObj::new();
    let fields = names(row.fields, ' ').value();
    d.set_str(intern("_fields"), fields);
    d.set_str(rt().names.match_args, fields);
    d.set_str(rt().names.module, intern("ast"));
    d.set_str(rt().names.doc, StrObj::new(row.doc).value());
    if let Some(a) = row.attributes {
        d.set_str(intern("_attributes"), names(a, ',').value());
    }
    for name in row.none.split(',').filter(|n| !n.is_empty()) {
        d.set_str(intern(name), Value::NONE);
    }
    make_class(
        vm,
        &ClassSpec {
            meta: rt().types.type_,
            name: StrObj::new(row.name),
            bases: TupleObj::new(&[base.value()]),
            namespace: d,
        },
    )
}

fn field_types(vm: &Vm, row: &Row) -> Res<Ptr<DictObj>> {
    let d = DictObj::new();
    for field in row.fields.split(' ').filter(|f| !f.is_empty()) {
        let (name, ty) = field.split_once(':').unwrap_or((field, "object"));
        let plain = ty.trim_end_matches(['*', '?']);
        let t = match plain {
            "str" => rt().types.str,
            "int" => rt().types.int,
            "object" => rt().types.object,
            other => class(other),
        }
        .value();
        let v = match ty.chars().last() {
            Some('*') => vm.call_generic_alias(rt().types.list.value(), t)?,
            Some('?') => vm.binary(t, Value::NONE, &cape_vm::ops::OR)?,
            _ => t,
        };
        d.set_str(intern(name), v);
    }
    Ok(d)
}
