//! The `cape` command.

mod cli;
mod start;

fn main() {
    let config = match cli::parse(std::env::args_os().collect()) {
        Ok(c) => c,
        Err(code) => std::process::exit(code),
    };
    std::process::exit(start::run(config));
}
