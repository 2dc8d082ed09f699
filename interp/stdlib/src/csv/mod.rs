//! `_csv`: reading and writing delimited text.

mod dialect;
mod reader;
mod writer;

use std::cell::Cell;

use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

use crate::statics::{StaticCell, StaticValue};

static ERROR: StaticType = StaticType::new();
/// Registered dialects by name.
static DIALECTS: StaticValue = StaticValue::new();
/// Characters that a field may have.
static FIELD_LIMIT: StaticCell<i64> = StaticCell(Cell::new(128 * 1024));

/// An interpreter's own dialects.
pub(crate) fn renew(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    DIALECTS.set(DictObj::new().value());
    m.add("_dialects", DIALECTS.try_get().unwrap_or(Value::NONE));
    Ok(())
}

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let error = cape_vm::native::new_type::<ExcObj>("_csv.Error", rt().types.exception, TypeFlags::BASE).class();
    ERROR.set(error);
    renew(vm, m)?;
    m.class(error)
        .class(dialect::make_type(vm))
        .add("Reader", reader::make_type(vm).value())
        .add("Writer", writer::make_type(vm).value());
    for (i, name) in dialect::QUOTING.iter().enumerate() {
        m.add(name, Value::int(i as i64));
    }
    m.function(
        "reader($module, /, *args, **fmtparams)",
        "Return a reader object that will process lines from the given iterable.\n\nThe \"iterable\" argument can be any object that returns a line\nof input for each iteration, such as a file object or a list.  The\noptional \"dialect\" argument defines a CSV dialect.  The function\nalso accepts optional keyword arguments which override settings\nprovided by the dialect.\n\nThe returned object is an iterator.  Each iteration returns a row\nof the CSV file (which can span multiple input lines).\n",
        reader::make,
    )
    .function(
        "writer($module, /, *args, **fmtparams)",
        "Return a writer object that will write user data on the given file object.\n\nThe \"fileobj\" argument can be any object that supports the file API.\nThe optional \"dialect\" argument defines a CSV dialect.  The function\nalso accepts optional keyword arguments which override settings\nprovided by the dialect.\n",
        writer::make,
    )
    .function(
        "register_dialect($module, /, *args, **fmtparams)",
        "Create a mapping from a string name to a CVS dialect.\n\nThe optional \"dialect\" argument specifies the base dialect instance\nor the name of the registered dialect.  The function also accepts\noptional keyword arguments which override settings provided by the\ndialect.\n",
        |vm: &Vm, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>| {
            let (name, base) = one_or_two(vm, "register_dialect", args)?;
            if !name.is::<StrObj>() {
                return Err(vm.type_error("dialect name must be a string"));
            }
            let d = dialect::of(vm, base, kwargs)?;
            dialects().set(vm, name, d.value())
        },
    )
    .function(
        "unregister_dialect($module, /, name)",
        "Delete the name/dialect mapping associated with a string name.",
        |vm: &Vm, name: Value| match dialects().remove(vm, name)? {
            Some(_) => Ok(()),
            None => Err(raise(vm, "unknown dialect")),
        },
    )
    .function(
        "get_dialect($module, /, name)",
        "Return the dialect instance associated with name.",
        |vm: &Vm, name: Value| dialect::registered(vm, name),
    )
    .function("list_dialects($module, /)", "Return a list of all known dialect names.", |_: &Vm| {
        let out = ListObj::new(&[]);
        dialects().copy().table.iter().for_each(|e| out.push(e.key));
        out
    })
    .function(
        "field_size_limit($module, /, new_limit=<unrepresentable>)",
        "Sets an upper limit on parsed fields.\n\nReturns old limit. If limit is not given, no new limit is set and\nthe old limit is returned",
        |vm: &Vm, limit: Option<Value>| {
            let old = FIELD_LIMIT.0.get();
            if let Some(l) = limit {
                if !is_int(l) {
                    return Err(vm.type_error("limit must be an integer"));
                }
                let n = Int::of(l).and_then(|i| i.to_i64());
                let n = n.ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))?;
                FIELD_LIMIT.0.set(n);
            }
            Ok(old)
        },
    );
    Ok(())
}

fn dialects() -> Ptr<DictObj> {
    DIALECTS.try_get().and_then(|d| d.downcast()).expect("the module was initialised")
}

/// `_csv.Error`
#[cold]
fn raise(vm: &Vm, message: &str) -> Raised {
    vm.new_exc(ERROR.get(), message)
}

/// The positional arguments: one, and a dialect that may be left out.
fn one_or_two(vm: &Vm, name: &str, args: Ptr<TupleObj>) -> Res<(Value, Value)> {
    match *args.as_slice() {
        [a] => Ok((a, Value::EMPTY)),
        [a, b] => Ok((a, b)),
        [] => Err(vm.type_error(format!("{name} expected at least 1 argument, got 0"))),
        _ => Err(vm.type_error(format!("{name} expected at most 2 arguments, got {}", args.len()))),
    }
}
