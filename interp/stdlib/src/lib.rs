//! Cape.
