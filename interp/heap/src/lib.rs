//! Values, object headers, maps and the moving heap of Cape.
//!
//! Rooting rules (what may hold a managed pointer):
//!
//! * fields of heap objects ([`Field`], `Cell<Value>` visited by the kind's `trace`);
//! * the VM's register stack and frames, reported precisely by the VM's root scanner;
//! * native stack frames and registers, scanned conservatively: a word that falls into a
//!   nursery object pins that object, so Rust locals may keep [`Value`]s and [`Ptr`]s across
//!   an allocation;
//! * [`Root`] handles, for long-lived native structures, and [`RootVec`], for values gathered on the side.
//!
//! Nothing else: never a `Vec`, a `Box`, a `HashMap` or a `static`. Every allocation may collect.
//!
//! What the heap offers beside allocation (all methods of [`Heap`]):
//!
//! * the barrier: [`Field::set`], or [`write_barrier`] and [`write_barrier_at`] after a plain store;
//! * threads: `attach_thread`, `detach_thread`, `release_thread(f)` around whatever gives up the GIL,
//!   or `save_stack` and `resume_thread`; `enter_stack` and `leave_stack` around a switch of stacks; `after_fork`;
//! * safe points: `has_pending`/`pending`, `take_pending` ([`Pending`]), `collect_fully`;
//! * weak references: `new_weak` ([`WeakCell`]), `each_weak`, `find_weak`, `clear_weak`, `add_weak_processor` ([`WeakCtx`]);
//! * finalizers: `MapFlags::FINALIZER`, `[finalizer]` kinds, `add_finalizer`;
//! * links: `link`, `unlink`, `relink`, `mirror_of`, `managed_of`, `managed_of_mirror`, `links_base`, `set_foreign`
//!   ([`ForeignHeap`], [`Mirror`], [`Link`]);
//! * large objects in one memory with a foreign struct: `lend`, `adopt`, `share`, `free_lent`;
//! * maps: `MapRef::set_class`, `MapRef::set_shape`, `reclaim_maps`, `Tracer::visit_map`;
//! * extensions' memory: `pressure(bytes)`;
//! * the `gc` module: `collect`, `each_object`, `each_referent`, `each_referrer`, `size_of`, `stats` ([`Stats`]),
//!   `set_options` (zeal), `verify`;
//! * watching: `watch_allocations`, [`WeakCtx::place`];
//! * tests: [`testing::exclusive`], because the heap is one per process.

mod attention;
mod barrier;
mod block;
mod census;
mod conservative;
mod cycles;
mod finalize;
pub mod heap;
mod held;
mod holders;
mod identity;
mod idle;
mod kind;
mod large;
mod links;
mod major;
mod map;
mod maps;
mod minor;
mod nursery;
mod object;
mod old;
mod options;
mod order;
mod pressure;
mod prompt;
mod region;
mod root;
mod shared;
mod stats;
pub mod testing;
mod trial;
mod value;
mod verify;
mod watch;
mod weak;

pub use attention::{Attention, attention};
pub use barrier::{write_barrier, write_barrier_at};
pub use census::{Counts, Request};
pub use conservative::{native_stack_base, stack_bounds};
pub use finalize::Pending;
pub use heap::{Heap, heap};
pub use kind::{HeapObject, KindInfo, Native, Trace, Tracer};
pub use links::{ForeignHeap, Link, Mirror};
pub use map::{ID_SHIFT as MAP_ID_SHIFT, Map, MapFlags, MapRef};
pub use object::{Field, Header, ObjFlags, Ptr};
pub use prompt::RootState;
pub use root::{Root, RootVec};
pub use stats::Stats;
pub use value::Value;
pub use weak::{WeakCell, WeakCtx};
