//! Print the bytecode of a Python file.

use cape_compile::{CompileOptions, Mode, compile_with_warnings};

fn main() {
    let path = std::env::args().nth(1).expect("usage: dis FILE.py");
    let source = std::fs::read_to_string(&path).expect("readable file");
    match compile_with_warnings(&source, &path, Mode::Exec, CompileOptions::default()) {
        Ok(c) => {
            print!("{}", cape_bytecode::disassemble(&c.code));
            for w in c.warnings {
                println!("{path}:{}: SyntaxWarning: {}", w.line, w.msg);
            }
        }
        Err(e) => {
            println!("{path}:{}:{}: {:?}: {}", e.line, e.col, e.kind, e.msg);
            std::process::exit(1);
        }
    }
}
