//! The `cape` command.

mod cli;
mod path_file;
mod program;
mod start;

fn main() {
    start::command()
}
