//! `_symtable`.

use cape_compile::symbols::{Table, tables};
use cape_compile::{CompileOptions, Mode};
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

heap_object! {
    /// A block of a symbol table: its attributes in the order of [`ATTRIBUTES`].
    pub struct EntryObj { values: Field }
}

impl Named for EntryObj {
    const NAME: &'static str = "symtable entry";
}

static TYPE: StaticType = StaticType::new();

/// Names of the attributes.
const ATTRIBUTES: [&str; 8] = ["id", "name", "symbols", "varnames", "children", "nested", "type", "lineno"];

/// Constants of the module.
const CONSTANTS: &[(&str, i64)] = &[
    ("USE", 16),
    ("DEF_GLOBAL", 1),
    ("DEF_NONLOCAL", 8),
    ("DEF_LOCAL", 2),
    ("DEF_PARAM", 4),
    ("DEF_TYPE_PARAM", 1024),
    ("DEF_FREE_CLASS", 64),
    ("DEF_IMPORT", 128),
    ("DEF_BOUND", 134),
    ("DEF_ANNOT", 256),
    ("DEF_COMP_ITER", 512),
    ("DEF_COMP_CELL", 2048),
    ("TYPE_FUNCTION", 0),
    ("TYPE_CLASS", 1),
    ("TYPE_MODULE", 2),
    ("TYPE_ANNOTATION", 3),
    ("TYPE_TYPE_ALIAS", 4),
    ("TYPE_TYPE_PARAMETERS", 5),
    ("TYPE_TYPE_VARIABLE", 6),
    ("LOCAL", 1),
    ("GLOBAL_EXPLICIT", 2),
    ("GLOBAL_IMPLICIT", 3),
    ("FREE", 4),
    ("CELL", 5),
    ("SCOPE_OFF", 12),
    ("SCOPE_MASK", 15),
];

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let b = new_type::<EntryObj>("symtable entry", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .getter("id", "", |_: &Vm, e: Ptr<EntryObj>| get(e, 0))
        .getter("name", "", |_: &Vm, e: Ptr<EntryObj>| get(e, 1))
        .getter("symbols", "", |_: &Vm, e: Ptr<EntryObj>| get(e, 2))
        .getter("varnames", "", |_: &Vm, e: Ptr<EntryObj>| get(e, 3))
        .getter("children", "", |_: &Vm, e: Ptr<EntryObj>| get(e, 4))
        .getter("nested", "", |_: &Vm, e: Ptr<EntryObj>| get(e, 5))
        .getter("type", "", |_: &Vm, e: Ptr<EntryObj>| get(e, 6))
        .getter("lineno", "", |_: &Vm, e: Ptr<EntryObj>| get(e, 7));
    TYPE.set(b.class());
    m.function(
        "symtable($module, source, filename, startstr, /)",
        "Return symbol and scope dictionaries used internally by compiler.",
        symtable,
    );
    for (name, v) in CONSTANTS {
        m.add(name, Value::int(*v));
    }
    Ok(())
}

fn get(e: Ptr<EntryObj>, i: usize) -> Value {
    e.values.downcast::<TupleObj>().map_or(Value::NONE, |t| t.get(i))
}

fn repr(vm: &Vm, e: Ptr<EntryObj>) -> Res<String> {
    let text = |i| Ok::<_, cape_vm::Raised>(vm.str(get(e, i))?.display());
    Ok(format!("<symtable entry {}({}), line {}>", text(1)?, text(0)?, text(7)?))
}

fn symtable(vm: &Vm, source: Value, filename: Value, start: Ptr<StrObj>) -> Res<Value> {
    let filename = cape_builtins::compile_fn::file_name(vm, filename)?;
    let text = cape_builtins::compile_fn::source_text(vm, source, "string or bytes", "symtable", &filename)?;
    let mode = match start.as_ascii() {
        Some("exec") => Mode::Exec,
        Some("eval") => Mode::Eval,
        Some("single") => Mode::Single,
        _ => return Err(vm.value_error("symtable() arg 3 must be 'exec' or 'eval' or 'single'")),
    };
    match tables(&text, mode, CompileOptions::default()) {
        Ok(t) => {
            let mut next = 0;
            entry(vm, &t, &mut next)
        }
        Err(e) => Err(cape_builtins::compile_fn::syntax_error(vm, &e, &filename)),
    }
}

/// The object of a block; `next` numbers them.
fn entry(vm: &Vm, t: &Table, next: &mut i64) -> Res<Value> {
    vm.check_native_stack(" while making symbol tables")?;
    *next += 1;
    let id = *next;
    let symbols = DictObj::new();
    for (name, flags) in &t.symbols {
        symbols.set_str(intern(name), Value::int(*flags as i64));
    }
    let mut names = ValueVec::new();
    t.parameters.iter().for_each(|p| names.push(intern(p)));
    let varnames = ListObj::new(&names);
    let mut children = ValueVec::new();
    for c in &t.children {
        children.push(entry(vm, c, next)?);
    }
    let children = ListObj::new(&children);
    let values: [Value; ATTRIBUTES.len()] = [
        Value::int(id),
        intern(&t.name),
        symbols.value(),
        varnames.value(),
        children.value(),
        Value::int(t.nested as i64),
        Value::int(t.kind as i64),
        Value::int(t.line as i64),
    ];
    let values = TupleObj::new(&values);
    let map = TYPE.get().instance_map();
    let e = heap().alloc(map, EntryObj { header: Header::new(map), values: Field::new(values.value()) });
    Ok(e.value())
}
