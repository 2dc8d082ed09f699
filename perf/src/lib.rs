//! Performance: the same extension (`ext/crossing.c`) and the same cases (`scripts/cases.py`) on Cape,
//! CPython 3.14 and PyPy.
//!
//! Each engine is a process that waits for requests ([`engine::Engine`]), so that the engines can be
//! measured in turns, sample by sample, and what slows the machine down slows all of them down.

pub mod compare;
pub mod engine;
pub mod sample;
