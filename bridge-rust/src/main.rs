//! The `cape` command.

mod cli;
mod start;

fn main() {
    start::command()
}
