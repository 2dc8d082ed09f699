//! `OSError`: the constructor picks the subclass for the error number.

use cape_vm::exc::{extra, set_extra};
use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::exceptions::{INIT, INIT_DOC, NEW_DOC, args_of, base_str, field, own_dict, set_field};

// Fields of an OSError: errno, strerror, filename, (winerror), filename2, characters_written.
const ERRNO: usize = 0;
const STRERROR: usize = 1;
const FILENAME: usize = 2;
const FILENAME2: usize = 4;
const WRITTEN: usize = 5;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    extend(rt().types.os_error)
        .new_fn("__new__($type, *args, **kwargs)", NEW_DOC, new)
        .method(INIT, INIT_DOC, initialize)
        .method("__str__($self, /)", "Return str(self).", str)
        .method("__reduce__($self, /)", "", reduce)
        .getset("errno", "POSIX exception code", field::<ERRNO>, set_field::<ERRNO>)
        .getset("strerror", "exception strerror", field::<STRERROR>, set_field::<STRERROR>)
        .getset("filename", "exception filename", field::<FILENAME>, set_field::<FILENAME>)
        .getset("filename2", "second exception filename", field::<FILENAME2>, set_field::<FILENAME2>)
        .getset("characters_written", "", get_written, set_written);
}

/// The subclass of OSError for an error number.
pub fn class_for(errno: i32) -> Ptr<TypeObj> {
    let t = &rt().types;
    match errno {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => t.blocking_io_error,
        libc::EPIPE | libc::ESHUTDOWN => t.broken_pipe_error,
        libc::ECHILD => t.child_process_error,
        libc::ECONNABORTED => t.connection_aborted_error,
        libc::ECONNREFUSED => t.connection_refused_error,
        libc::ECONNRESET => t.connection_reset_error,
        libc::EEXIST => t.file_exists_error,
        libc::ENOENT => t.file_not_found_error,
        libc::EISDIR => t.is_a_directory_error,
        libc::ENOTDIR => t.not_a_directory_error,
        libc::EINTR => t.interrupted_error,
        libc::EACCES | libc::EPERM => t.permission_error,
        libc::ESRCH => t.process_lookup_error,
        libc::ETIMEDOUT => t.timeout_error,
        _ => t.os_error,
    }
}

/// A class that has its own `__init__` but OSError's `__new__` is initialised by `__init__`, others by `__new__`.
fn uses_init(class: Ptr<TypeObj>) -> bool {
    use cape_vm::special::Special;
    let base = rt().types.os_error;
    class.special(Special::Init) != base.special(Special::Init)
        && class.special(Special::New) == base.special(Special::New)
}

fn no_keywords(vm: &Vm, class: Ptr<TypeObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    if kwargs.is_empty() {
        return Ok(());
    }
    Err(vm.type_error(format!("{}() takes no keyword arguments", cape_vm::class::full_name(class))))
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Ptr<ExcObj>> {
    if uses_init(cls) {
        return Ok(ExcObj::with_map(cls.instance_map(), rt().empty_tuple()));
    }
    no_keywords(vm, cls, kwargs)?;
    let mut class = cls;
    if class == rt().types.os_error
        && (2..=5).contains(&args.len())
        && let Some(n) = Int::of(args.get(0)).and_then(|i| i.to_i64())
        && let Ok(n) = i32::try_from(n)
    {
        class = class_for(n);
    }
    let e = ExcObj::with_map(class.instance_map(), args);
    fill(vm, e, args)?;
    Ok(e)
}

fn initialize(vm: &Vm, e: Ptr<ExcObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    let class = type_of(e.value());
    if !uses_init(class) {
        // Everything was done in __new__.
        return Ok(());
    }
    no_keywords(vm, class, kwargs)?;
    fill(vm, e, args)
}

fn fill(vm: &Vm, e: Ptr<ExcObj>, args: Ptr<TupleObj>) -> Res<()> {
    let items = args.as_slice();
    if !(2..=5).contains(&items.len()) {
        e.args.set(e, args.value());
        return Ok(());
    }
    set_extra(e, ERRNO, items[0]);
    set_extra(e, STRERROR, items[1]);
    let mut shorten = false;
    if let Some(&name) = items.get(2).filter(|n| !n.is_none()) {
        shorten = true;
        if type_of(e.value()) == rt().types.blocking_io_error && is_number(name) {
            let n = vm.index_int(name)?.to_i64().ok_or_else(|| {
                vm.value_error(format!(
                    "cannot fit '{}' into an index-sized integer",
                    type_of(name).name_str()
                ))
            })?;
            set_extra(e, WRITTEN, int_value(n));
            shorten = false;
        } else {
            set_extra(e, FILENAME, name);
        }
    }
    if shorten && let Some(&name) = items.get(4).filter(|n| !n.is_none()) {
        set_extra(e, FILENAME2, name);
    }
    e.args.set(e, if shorten { TupleObj::new(&items[..2]).value() } else { args.value() });
    Ok(())
}

fn is_number(v: Value) -> bool {
    use cape_vm::special::Special::{Complex, Float, Index, Int};
    let t = type_of(v);
    [Index, Int, Float, Complex].iter().any(|s| !t.special(*s).is_empty())
}

fn str(vm: &Vm, e: Ptr<ExcObj>) -> Res<Value> {
    let (errno, strerror, name, name2) = (extra(e, ERRNO), extra(e, STRERROR), extra(e, FILENAME), extra(e, FILENAME2));
    if name.is_empty() && (errno.is_empty() || strerror.is_empty()) {
        return Ok(base_str(vm, e)?.value());
    }
    let mut out = StrBuilder::new();
    out.push_str("[Errno ");
    let text = vm.str(field::<ERRNO>(vm, e))?;
    out.push_obj(&text);
    out.push_str("] ");
    let text = vm.str(field::<STRERROR>(vm, e))?;
    out.push_obj(&text);
    if !name.is_empty() {
        out.push_str(": ");
        let text = vm.repr(name)?;
        out.push_obj(&text);
        if !name2.is_empty() {
            out.push_str(" -> ");
            let text = vm.repr(name2)?;
        out.push_obj(&text);
        }
    }
    Ok(out.finish().value())
}

fn reduce(vm: &Vm, e: Ptr<ExcObj>) -> Value {
    let class = type_of(e.value()).value();
    let (name, name2) = (extra(e, FILENAME), extra(e, FILENAME2));
    let mut args = args_of(e);
    if args.len() == 2 && !name.is_empty() {
        let (a, b) = (args.get(0), args.get(1));
        args = if name2.is_empty() {
            TupleObj::new(&[a, b, name])
        } else {
            TupleObj::new(&[a, b, name, Value::NONE, name2])
        };
    }
    match own_dict(vm, e) {
        Some(d) => TupleObj::new(&[class, args.value(), d.value()]).value(),
        None => TupleObj::new(&[class, args.value()]).value(),
    }
}

fn get_written(vm: &Vm, e: Ptr<ExcObj>) -> Res<Value> {
    match extra(e, WRITTEN) {
        v if v.is_empty() => Err(vm.attribute_error("characters_written")),
        v => Ok(v),
    }
}

fn set_written(vm: &Vm, e: Ptr<ExcObj>, v: Value) -> Res<()> {
    if v.is_empty() {
        get_written(vm, e)?;
        set_extra(e, WRITTEN, Value::EMPTY);
        return Ok(());
    }
    let n = vm.index_int(v)?.to_i64().ok_or_else(|| {
        vm.value_error(format!("cannot fit '{}' into an index-sized integer", type_of(v).name_str()))
    })?;
    set_extra(e, WRITTEN, int_value(n));
    Ok(())
}
