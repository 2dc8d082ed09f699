//! The `cape` command.

mod cli;
mod start;

fn main() {
    let cli = match cli::parse(std::env::args_os().collect()) {
        Ok(c) => c,
        Err(code) => std::process::exit(code),
    };
    if let Some(file) = &cli.profile
        && let Err(e) = cape_bridge::profile::start(file.as_ref())
    {
        eprintln!("cape: {}: {e}", file.display());
        std::process::exit(2);
    }
    std::process::exit(start::run(cli));
}
