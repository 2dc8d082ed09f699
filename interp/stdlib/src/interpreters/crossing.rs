//! Data on their way from one interpreter to another.
//!
//! What has no state is the same object on both sides, for there is one heap; of the rest the data cross.

use cape_builtins::memoryview;
use cape_heap::Root;
use cape_vm::object::*;
use cape_vm::runtime::type_of;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

use super::arguments::Fallback;
use super::{channels, code, exceptions, main_file, queues};

/// A value between two interpreters.
pub enum Packed {
    /// The object itself: it refers to nothing, and its class is native.
    Same(Root),
    /// A tuple's items.
    Tuple(Vec<Packed>),
    /// An object whose memory both sides use.
    Memory(Root),
    /// A queue's number, held.
    Queue(queues::Held),
    /// A channel's end.
    Channel(channels::End),
    /// A function without state: its code as `marshal` writes it.
    Function(Vec<u8>),
    /// Pickled.
    Pickle(Vec<u8>),
}

/// Whether a value's class is one whose objects cross.
pub fn is_shareable(v: Value) -> bool {
    is_same(v)
        || v.is_ptr()
            && (v.header().map() == rt().maps.tuple
                || memoryview::is_memoryview(v)
                || queues::is_queue(v)
                || channels::is_channel(v))
}

fn is_same(v: Value) -> bool {
    if v.is_none() || v.is_int() || v.is_bool() || v.is_float() {
        return true;
    }
    let exact = || {
        let (map, maps) = (v.header().map(), &rt().maps);
        [maps.str, maps.bytes, maps.int, maps.float].contains(&map)
    };
    v.is_ptr() && exact()
}

fn not_shareable(vm: &Vm, v: Value, cause: Option<Value>) -> Raised {
    match vm.str(v) {
        Ok(s) => {
            let message = format!("{} does not support cross-interpreter data", s.display());
            exceptions::not_shareable_error(vm, &message, cause)
        }
        Err(r) => r,
    }
}

impl Packed {
    /// Packs a value of the interpreter that runs.
    pub fn pack(vm: &Vm, v: Value, fallback: Fallback) -> Res<Packed> {
        vm.check_native_stack(" while sharing a tuple")?;
        if is_same(v) {
            return Ok(Packed::Same(Root::new(v)));
        }
        if v.is_ptr() && v.header().map() == rt().maps.tuple {
            let t: Ptr<TupleObj> = v.downcast().expect("its map says so");
            let pack = |i| Packed::pack(vm, t.get(i), fallback);
            let items: Res<Vec<_>> = (0..t.len()).map(pack).collect();
            return items.map(Packed::Tuple).map_err(|r| match r.is(exceptions::not_shareable()) {
                true => not_shareable(vm, v, Some(r.value())),
                false => r,
            });
        }
        if memoryview::is_memoryview(v) {
            return Ok(Packed::Memory(Root::new(v)));
        }
        if queues::is_queue(v) {
            return queues::Held::of(vm, v).map(Packed::Queue);
        }
        if channels::is_channel(v) {
            return channels::End::of(vm, v).map(Packed::Channel);
        }
        if fallback == Fallback::None {
            return Err(not_shareable(vm, v, None));
        }
        let mut cause = None;
        if let Some(f) = v.downcast::<FunctionObj>() {
            match code::state_of(vm, f) {
                None => return crate::marshal::dumps(vm, f.code.get()).map(Packed::Function),
                Some(why) => {
                    let message = "only stateless functions are shareable";
                    cause = Some(exceptions::not_shareable_error(vm, message, Some(why.value())));
                }
            }
        }
        match pickle(vm, v) {
            Ok(data) => Ok(Packed::Pickle(data)),
            Err(_) => Err(cause.unwrap_or_else(|| not_shareable(vm, v, None))),
        }
    }

    /// The value, in the interpreter that runs.
    pub fn unpack(&self, vm: &Vm) -> Res<Value> {
        match self {
            Packed::Same(root) => Ok(match root.get().downcast::<BytesObj>() {
                // As everywhere, so that nobody finds out by their identity.
                Some(b) => BytesObj::new(b.as_slice()).value(),
                None => root.get(),
            }),
            Packed::Tuple(items) => {
                let mut values = ValueVec::new();
                for item in items {
                    values.push(item.unpack(vm)?);
                }
                Ok(TupleObj::new(&values).value())
            }
            Packed::Memory(root) => vm.call(type_of(root.get()).value(), &[root.get()]),
            Packed::Queue(held) => held.queue(vm),
            Packed::Channel(end) => end.object(vm),
            Packed::Function(data) => {
                let code = crate::marshal::loads(vm, data)?;
                let globals = main_file::namespace(vm)?;
                let function = vm.import_attr("types", "FunctionType")?;
                vm.call(function, &[code, globals.value()])
            }
            Packed::Pickle(data) => main_file::unpickle(vm, data).map_err(|r| {
                exceptions::not_shareable_error(vm, "object could not be unpickled", Some(r.value()))
            }),
        }
    }
}

fn pickle(vm: &Vm, v: Value) -> Res<Vec<u8>> {
    let dumps = vm.import_attr("pickle", "dumps")?;
    let data = vm.call(dumps, &[v])?;
    let data: Ptr<BytesObj> = data.downcast().ok_or_else(|| vm.type_error("pickle.dumps() gave no bytes"))?;
    Ok(data.as_slice().to_vec())
}

/// The text of an exception for the other side: its class, its message, and what caused it.
pub fn told(vm: &Vm, r: &Raised) -> String {
    let mut text = super::snapshot::Snapshot::of(vm, r.exc()).formatted();
    if let Some(cause) = r.exc().cause.get().downcast::<ExcObj>() {
        let first = super::snapshot::Snapshot::of(vm, cause).formatted();
        text = format!(
            "{first}\n\nThe above exception was the direct cause of the following exception:\n\n{text}"
        );
    }
    text
}

/// A plain `Exception` that tells of one in another interpreter.
pub fn teller(vm: &Vm, text: &str) -> Value {
    vm.new_exc(rt().types.exception, text).value()
}
