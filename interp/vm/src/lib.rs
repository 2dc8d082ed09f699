//! The virtual machine: object model, evaluation, protocols.
//!
//! It knows nothing of C: extensions are reached through [`foreign::Foreign`]. What Python code sees of the builtin types
//! is declared in `cape-builtins` and `cape-stdlib` with [`native`].

pub mod attr;
pub mod audit;
pub mod buffer;
pub mod builtin_types;
pub mod call;
pub mod class;
pub mod config;
pub mod eval;
pub mod exc;
pub mod foreign;
pub mod frame;
pub mod generator;
pub mod gil;
pub mod instances;
mod interned;
pub mod interpreter;
pub mod iteration;
mod lacking;
pub mod monitor;
pub mod names;
pub mod native;
pub mod object;
pub mod ops;
pub mod profile;
mod results;
pub mod runtime;
pub mod shape;
mod siphash;
pub mod special;
pub mod structseq;
pub mod suggest;
pub mod vm;
pub mod watchers;

pub use cape_heap::{Ptr, Value};
pub use exc::{Raised, Res};
pub use runtime::{intern, rt, type_of};
pub use vm::{Vm, current};

/// The double in a float of any representation.
#[inline(always)]
pub fn object_float(v: Value) -> Option<f64> {
    object::float_of(v)
}
