//! The `cape` command with the Rust twins of hot functions of C exported (`_CapeRust_...`), for the benchmarks.

mod cli;
mod program;
mod start;

fn main() {
    start::command()
}
