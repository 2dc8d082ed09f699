//! `tupleobject.h`: all of it is in C.

#[cfg(feature = "twins")]
pub use super::twins::{PyTuple_GetItem, PyTuple_GetSlice, PyTuple_New, PyTuple_Size};
