//! `_ast`.

pub use cape_builtins::ast::init;
