//! Performance: the same extension (`ext/`) and the same cases (`scripts/cases.py`) on Cape, CPython 3.14 and PyPy; and each
//! hot function of the C API in C against its twin in Rust; and the programs of pyperformance.
//!
//! Each engine is a process that waits for requests ([`engine::Engine`]), so that the engines can be
//! measured in turns, sample by sample, and what slows the machine down slows all of them down.

pub mod baseline;
pub mod compare;
pub mod engine;
pub mod plot;
pub mod pyperformance;
pub mod report;
pub mod sample;
pub mod startup;
pub mod twins;
pub mod why;
