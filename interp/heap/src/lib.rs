//! Values, object headers, maps and the moving heap of Cape.
//!
//! Rooting rules (what may hold a managed pointer):
//!
//! * fields of heap objects ([`Field`], `Cell<Value>` visited by the kind's `trace`);
//! * the VM's register stack and frames, reported precisely by the VM's root scanner;
//! * native stack frames and registers, scanned conservatively: a word that falls into a
//!   nursery object pins that object, so Rust locals may keep [`Value`]s and [`Ptr`]s across
//!   an allocation;
//! * [`Root`] handles, for long-lived native structures.
//!
//! Nothing else: never a `Vec`, a `Box`, a `HashMap` or a `static`. Every allocation may collect.

mod barrier;
pub mod heap;
mod kind;
mod map;
mod object;
mod root;
mod value;

pub use barrier::write_barrier;
pub use heap::{Heap, heap};
pub use kind::{HeapObject, KindInfo, Native, Trace, Tracer};
pub use map::{Map, MapFlags, MapRef};
pub use object::{Field, Header, ObjFlags, Ptr};
pub use root::Root;
pub use value::Value;
