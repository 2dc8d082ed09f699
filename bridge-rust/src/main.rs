//! The `cape` command.

mod cli;
mod program;
mod start;

fn main() {
    start::command()
}
