//! `_elementtree`: trees of XML elements, what builds them, and a parser (`cape_xml`) that drives the builder without a call into
//! Python.
//!
//! A module that is imported anew has classes and factories of its own ([`state`]).

mod builder;
mod copying;
mod element;
mod events;
mod find;
mod items;
mod iter;
mod parser;
mod state;
mod text;

use cape_vm::native::{Flavour, MethodDef, Raw};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use state::StateObj;

/// Makes the module importable.
pub fn register() {
    rt().add_native_module("_elementtree", init);
}

/// The text signature of constructors that take what they like.
const ANY: &str = "($self, /, *args, **kwargs)";
const NEW: &str = "Create and return a new object.  See help(type) for accurate signature.";
const INIT: &str = "Initialize self.  See help(type(self)) for accurate signature.";

fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let element = element::make_class();
    let builder = builder::make_class();
    let parser = parser::make_class();
    let error = state::make_error(vm)?;
    StateObj::add([element, builder, parser, iter::make_class()], error);
    m.class(element).class(builder).class(parser).add("ParseError", error.value());
    let name = m.get(rt().names.name).unwrap_or(Value::NONE);
    let raw = Raw { call: element::sub_element, data: [0, 0] };
    let def = MethodDef::leak_foreign("SubElement", "", "", Flavour::Method, raw);
    m.add("SubElement", BuiltinObj::new(def, m.value(), name).value());
    let def = MethodDef::leak(
        "_set_factories($module, comment_factory, pi_factory, /)",
        "Change the factories used to create comments and processing instructions.\n\nFor internal use only.",
        Flavour::Method,
        set_factories,
    );
    m.add("_set_factories", BuiltinObj::new(def, m.value(), name).value());
    Ok(())
}

/// The module is the receiver: the factories are its own.
fn set_factories(vm: &Vm, m: Ptr<ModuleObj>, comment: Value, pi: Value) -> Res<Ptr<TupleObj>> {
    for (v, what) in [(comment, "Comment"), (pi, "PI")] {
        if !v.is_none() && !vm.is_callable(v) {
            let got = type_of(v).name_str();
            return Err(vm.type_error(format!("{what} factory must be callable, not {got}")));
        }
    }
    let class = m.get(cape_vm::intern("TreeBuilder")).and_then(|c| c.downcast::<TypeObj>());
    let class =
        class.ok_or_else(|| vm.attribute_error("module '_elementtree' has no attribute 'TreeBuilder'"))?;
    let state = StateObj::of(class);
    let old = TupleObj::new(&[state.comment.get(), state.pi.get()]);
    state.comment.set(state, comment);
    state.pi.set(state, pi);
    Ok(old)
}
