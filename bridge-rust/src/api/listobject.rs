//! `listobject.h`: all of it is in C.

#[cfg(feature = "twins")]
pub use super::twins::{
    PyList_Append, PyList_AsTuple, PyList_GetItem, PyList_GetItemRef, PyList_GetSlice, PyList_Insert,
    PyList_New, PyList_SetItem, PyList_Size,
};
