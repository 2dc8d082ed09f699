//! Trees as Python objects.

use std::cell::Cell;

use cape_compile::asdl::{Class, ROWS};
use cape_compile::tree::{Item, Node};
use cape_vm::eval::const_value;
use cape_vm::object::*;
use cape_vm::{Res, Value, Vm, intern, shape};

/// Places of nodes.
const PLACE: [&str; 4] = ["lineno", "col_offset", "end_lineno", "end_col_offset"];

struct Maker<'a> {
    vm: &'a Vm,
    place: [Value; 4],
    /// Nodes without fields, which one instance stands for. Lives in a native frame.
    singletons: &'a [Cell<Value>; ROWS.len()],
}

/// The Python object of a tree.
pub fn to_object(vm: &Vm, node: &Node) -> Res<Value> {
    super::base_class(vm)?;
    let singletons = [const { Cell::new(Value::EMPTY) }; ROWS.len()];
    let m = Maker { vm, place: PLACE.map(intern), singletons: &singletons };
    m.node(node)
}

impl Maker<'_> {
    fn node(&self, n: &Node) -> Res<Value> {
        let shared = n.fields.is_empty() && n.at.is_none() && n.class.base() != Some(Class::AnyMod);
        let cell = &self.singletons[n.class as usize];
        if shared && !cell.get().is_empty() {
            return Ok(cell.get());
        }
        self.vm.check_native_stack(" during ast construction")?;
        let obj = InstanceObj::new(super::class_of(n.class).instance_map());
        for (spec, item) in n.class.fields().iter().zip(&n.fields) {
            let v = self.item(item)?;
            shape::set(&obj.header, intern(spec.name), v);
        }
        if let Some(at) = n.at {
            let values = [at.line, at.col, at.end_line, at.end_col];
            for (name, v) in self.place.into_iter().zip(values) {
                shape::set(&obj.header, name, Value::int(v as i64));
            }
        }
        if shared {
            cell.set(obj.value());
        }
        Ok(obj.value())
    }

    fn item(&self, item: &Item) -> Res<Value> {
        Ok(match item {
            Item::None => Value::NONE,
            Item::Node(n) => self.node(n)?,
            Item::List(items) => {
                let mut out = ValueVec::new();
                for i in items {
                    out.push(self.item(i)?);
                }
                ListObj::new(&out).value()
            }
            Item::Str(s) => match s.as_str() {
                Some(s) => intern(s),
                None => StrObj::from_wtf8(s.as_bytes()).value(),
            },
            Item::Int(i) => Value::int(*i),
            Item::Const(c) => const_value(self.vm, c),
        })
    }
}
