//! The events that a builder reports to a queue: `XMLParser._setevents`.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern};

use crate::builder::B;

/// The kinds of events, in the order of their names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Start,
    End,
    StartNs,
    EndNs,
    Comment,
    Pi,
}

const NAMES: [(&str, Kind); 6] = [
    ("start", Kind::Start),
    ("end", Kind::End),
    ("start-ns", Kind::StartNs),
    ("end-ns", Kind::EndNs),
    ("comment", Kind::Comment),
    ("pi", Kind::Pi),
];

/// Sets the queue and the events that are wanted, of which `want` is told. The default is the ends of elements.
pub fn set(vm: &Vm, b: B, queue: Value, wanted: Option<Value>, mut want: impl FnMut(Kind)) -> Res<()> {
    let append = vm.get_attr(queue, intern("append"))?;
    b.append.set(b, append);
    let names = ListObj::new(&[Value::EMPTY; NAMES.len()]);
    b.wanted.set(b, names.value());
    let Some(wanted) = wanted else {
        names.set(Kind::End as usize, intern("end"));
        return Ok(());
    };
    for &v in vm.list_of_iterable(wanted, "events must be a sequence")?.as_slice() {
        let text = match (v.downcast::<StrObj>(), v.downcast::<BytesObj>()) {
            (Some(s), _) => vm.utf8(s)?,
            (None, Some(b)) => String::from_utf8_lossy(b.as_slice()).into_owned(),
            _ => return Err(vm.value_error("invalid events sequence")),
        };
        match NAMES.iter().find(|(name, _)| *name == text) {
            Some(&(_, kind)) => {
                names.set(kind as usize, v);
                want(kind);
            }
            None => return Err(vm.value_error(format!("unknown event '{text}'"))),
        }
    }
    Ok(())
}

/// The name of an event, if it is wanted.
#[inline]
fn name(b: B, kind: Kind) -> Option<Value> {
    let wanted: Ptr<ListObj> = b.wanted.downcast()?;
    wanted.get(kind as usize).filter(|v| !v.is_empty())
}

/// Whether an event is wanted.
pub fn wants(b: B, kind: Kind) -> bool {
    name(b, kind).is_some()
}

/// Puts an event into the queue, if it is wanted.
#[inline]
pub fn report(vm: &Vm, b: B, kind: Kind, node: Value) -> Res<()> {
    if b.append.get().is_empty() {
        return Ok(());
    }
    match name(b, kind) {
        Some(name) => vm.call(b.append.get(), &[TupleObj::new(&[name, node]).value()]).map(drop),
        None => Ok(()),
    }
}
