//! `_cape_stdlib`: the embedded standard library, for the path hook in `_cape_library.py`; what its modules ask of code objects.

use cape_bytecode::Op;
use cape_vm::object::*;
use cape_vm::runtime::intern;
use cape_vm::{Ptr, Res, Value, Vm};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function("find(name, /)", "(is_package, file) of an embedded module, or None.", find)
        .function("code(name, filename, /)", "The code object of an embedded module.", code)
        .function("source(name, /)", "The source of an embedded module.", source)
        .function("file(path, /)", "What is in a file of the library, given by its path below the library's folder, or None.", file)
        .function("folder(path, /)", "[(name, is_folder)] of what is in a folder of the library.", folder)
        .function("_find_imports(co)", "[(name, level, fromlist)] of the import statements in the code.", find_imports)
        .function("_find_store_names(co)", "Names of variables which are written in the code.", find_store_names)
        .function("names(prefix, /)", "[(name, is_package)] of the modules directly below a dotted prefix.", names);
    Ok(())
}

fn find(_vm: &Vm, name: Ptr<StrObj>) -> Value {
    match cape_frozen::find(&name.display()) {
        Some(m) => TupleObj::new(&[Value::bool(m.package), StrObj::new(m.path).value()]).value(),
        None => Value::NONE,
    }
}

fn module(vm: &Vm, name: &str) -> Res<cape_frozen::Module> {
    cape_frozen::find(name).ok_or_else(|| vm.import_error(format!("no embedded module named '{name}'")))
}

fn code(vm: &Vm, name: String, filename: String) -> Res<Ptr<CodeObj>> {
    crate::imp::embedded_code(vm, &module(vm, &name)?, &filename)
}

fn source(vm: &Vm, name: String) -> Res<Ptr<BytesObj>> {
    Ok(BytesObj::new(&module(vm, &name)?.source()))
}

fn file(_vm: &Vm, path: String) -> Value {
    cape_frozen::file(&path).map_or(Value::NONE, |data| BytesObj::new(&data).value())
}

fn folder(_vm: &Vm, path: String) -> Value {
    let list = ListObj::new(&[]);
    for (name, is_folder) in cape_frozen::folder(&path) {
        list.push(TupleObj::new(&[intern(name), Value::bool(is_folder)]).value());
    }
    list.value()
}

fn names(_vm: &Vm, prefix: String) -> Value {
    let mut v = ValueVec::new();
    for m in cape_frozen::modules() {
        if let Some(rest) = m.name.strip_prefix(prefix.as_str())
            && !rest.contains('.')
        {
            v.push(TupleObj::new(&[intern(rest), Value::bool(m.package)]).value());
        }
    }
    ListObj::from_vec(v).value()
}

fn find_imports(vm: &Vm, code: Ptr<CodeObj>) -> Res<Value> {
    let consts = vm.get_attr_str(code.value(), "co_consts")?.downcast::<TupleObj>();
    let found = ListObj::new(&[]);
    for (_, op, word) in code.unit.instructions() {
        if op == Op::ImportName {
            let fromlist = consts.and_then(|c| c.as_slice().get(word.b() as usize).copied());
            let name = intern(&code.unit.names[word.c() as usize]);
            let row = [name, Value::int(word.x() as i64), fromlist.unwrap_or(Value::NONE)];
            found.push(TupleObj::new(&row).value());
        }
    }
    Ok(found.value())
}

fn find_store_names(_vm: &Vm, code: Ptr<CodeObj>) -> Value {
    let found = ListObj::new(&[]);
    for (_, op, word) in code.unit.instructions() {
        if matches!(op, Op::StoreName | Op::StoreGlobal) {
            found.push(intern(&code.unit.names[word.bc() as usize]));
        }
    }
    found.value()
}
