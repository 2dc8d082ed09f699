//! The compiler of Cape: Python source to register bytecode.
//!
//! Source is parsed by `ruff_python_parser`; symbol tables are made of the tree ([`symtable`]); one pass over the tree then generates code unit by
//! unit. Nothing is executed.

mod annotations;
pub mod asdl;
mod assemble;
mod assign;
mod call;
mod character;
mod checks;
mod class;
mod compiler;
mod comprehension;
mod cond;
mod display;
mod error;
mod expr;
mod fold;
mod fstring;
mod func;
mod future;
mod intern;
mod literal;
mod loops;
mod names;
mod operators;
mod pattern;
mod source;
mod stmt;
pub mod symbols;
mod symtable;
mod syntax;
pub mod tokens;
pub mod tree;
mod try_;
mod typeparams;
mod unit;
mod unparse;

use cape_bytecode::{CodeUnit, flags};
use ruff_python_ast::{Expr, Mod, Stmt};
use ruff_text_size::Ranged;

pub use character::character;
pub use error::{ErrorKind, Stage, SyntaxErr, Warning};

use compiler::Compiler;
use error::R;
use intern::Interner;
use source::Source;
use symtable::build::Top;

/// What kind of source is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A module: statements.
    Exec,
    /// One expression, whose value the code returns.
    Eval,
    /// One interactive statement: expression statements are printed.
    Single,
}

/// Options of a compilation.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompileOptions {
    /// 0: keep everything; 1 (`-O`): no asserts, `__debug__` is False; 2 (`-OO`): no docstrings either.
    pub optimize: u8,
    /// `compile()` flags: inherited future flags (`flags::FUTURE_*`) and `PyCF_*`.
    pub flags: u32,
    /// Positions have no columns, and no end but that of the line.
    pub no_columns: bool,
    /// Most digits of a decimal int; 0 when there is no limit.
    pub max_digits: usize,
    /// Minor version of Python whose syntax is accepted; 0 for the newest.
    pub feature_version: u8,
}

impl CompileOptions {
    /// `PyCF_ALLOW_TOP_LEVEL_AWAIT`
    pub const ALLOW_TOP_LEVEL_AWAIT: u32 = 0x2000;
    /// `PyCF_TYPE_COMMENTS`
    pub const TYPE_COMMENTS: u32 = 0x1000;
    /// `PyCF_DONT_IMPLY_DEDENT`
    pub const DONT_IMPLY_DEDENT: u32 = 0x0200;
    /// `PyCF_ALLOW_INCOMPLETE_INPUT`
    pub const ALLOW_INCOMPLETE_INPUT: u32 = 0x4000;
    /// The future flags, which nested units and `exec` inherit.
    pub const FUTURE_MASK: u32 = flags::FUTURE_DIVISION
        | flags::FUTURE_ABSOLUTE_IMPORT
        | flags::FUTURE_WITH_STATEMENT
        | flags::FUTURE_PRINT_FUNCTION
        | flags::FUTURE_UNICODE_LITERALS
        | flags::FUTURE_BARRY_AS_BDFL
        | flags::FUTURE_GENERATOR_STOP
        | flags::FUTURE_ANNOTATIONS;

    pub(crate) fn top_level_await(&self) -> bool {
        self.flags & Self::ALLOW_TOP_LEVEL_AWAIT != 0
    }
}

/// The result of a compilation.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The code.
    pub code: CodeUnit,
    /// Warnings to give through the `warnings` module, in order.
    pub warnings: Vec<Warning>,
}

/// Compile `source`.
///
/// `filename` becomes `co_filename`. Errors are those of CPython's parser, symbol table and compiler.
pub fn compile(
    source: &str,
    filename: &str,
    mode: Mode,
    opts: CompileOptions,
) -> Result<CodeUnit, SyntaxErr> {
    compile_with_warnings(source, filename, mode, opts).map(|c| c.code)
}

/// As [`compile`], with the warnings.
pub fn compile_with_warnings(
    source: &str,
    filename: &str,
    mode: Mode,
    opts: CompileOptions,
) -> Result<Compiled, SyntaxErr> {
    let text = syntax::normalize(source);
    let source = Source::new(&text);
    let result = syntax::nesting(&text).and_then(|nesting| {
        stacker::maybe_grow(nesting.stack, nesting.stack + 64 * 1024, || {
            compile_text(&source, filename, mode, opts)
        })
    });
    result.map_err(|e| syntax::finish_typed(&source, mode, *e))
}

/// Compile a tree from Python code, which was checked.
pub fn compile_tree(
    tree: &tree::Node,
    filename: &str,
    mode: Mode,
    opts: CompileOptions,
) -> Result<Compiled, SyntaxErr> {
    let (tree, synthetic) = tree::back::to_parser(tree);
    let source = Source::synthetic(synthetic);
    let result = stacker::maybe_grow(8 << 20, 16 << 20, || {
        compile_parsed(&source, filename, mode, opts, &tree, Vec::new(), Vec::new())
    });
    result.map_err(|e| syntax::finish(&source, *e))
}

fn compile_text(source: &Source<'_>, filename: &str, mode: Mode, opts: CompileOptions) -> R<Compiled> {
    let syntax::Syntax { tree, warnings, inner_comments, .. } = syntax::parse(source, mode, &opts)?;
    compile_parsed(source, filename, mode, opts, &tree, warnings, inner_comments)
}

/// Symbol tables and code of a parsed source.
fn compile_parsed(
    source: &Source<'_>,
    filename: &str,
    mode: Mode,
    opts: CompileOptions,
    tree: &Mod,
    warnings: Vec<Warning>,
    inner_comments: Vec<ruff_text_size::TextRange>,
) -> R<Compiled> {
    make_code(source, filename, mode, opts, tree, warnings, inner_comments).map_err(|mut e| {
        if e.stage != Stage::Symbols {
            e.stage = Stage::Compiler;
        }
        e
    })
}

fn make_code(
    source: &Source<'_>,
    filename: &str,
    mode: Mode,
    mut opts: CompileOptions,
    tree: &Mod,
    warnings: Vec<Warning>,
    inner_comments: Vec<ruff_text_size::TextRange>,
) -> R<Compiled> {
    let mut interner = Interner::new();
    match tree {
        Mod::Module(m) => {
            opts.flags |= future::flags_of(&m.body).map_err(from_symbols)?;
            let table = symtable::build(
                &Top::Module(&m.body),
                &mut interner,
                opts.annotations(),
                opts.top_level_await(),
            )
            .map_err(from_symbols)?;
            let mut c = Compiler::new(source, filename, mode, opts, interner, table, warnings);
            c.inner_comments = inner_comments;
            c.module(&m.body)?;
            c.finish()
        }
        Mod::Expression(m) => {
            let table = symtable::build(
                &Top::Expression(&m.body),
                &mut interner,
                opts.annotations(),
                opts.top_level_await(),
            )
            .map_err(from_symbols)?;
            let mut c = Compiler::new(source, filename, mode, opts, interner, table, warnings);
            c.inner_comments = inner_comments;
            c.expression(&m.body)?;
            c.finish()
        }
    }
}

/// Marks an error of the symbol table.
pub(crate) fn from_symbols(mut e: Box<error::Error>) -> Box<error::Error> {
    e.stage = Stage::Symbols;
    e
}

impl CompileOptions {
    fn annotations(&self) -> bool {
        self.flags & flags::FUTURE_ANNOTATIONS != 0
    }
}

impl<'a> Compiler<'a> {
    fn module(&mut self, body: &'a [Stmt]) -> R<()> {
        if self.table.blocks[0].coroutine && self.top_level_await() {
            self.u.flags |=
                if self.table.blocks[0].generator { flags::ASYNC_GENERATOR } else { flags::COROUTINE };
        }
        self.emit_prologue();
        let start = self.u.ins.len();
        self.module_annotations_prologue();
        let doc = self.docstring(body).filter(|_| self.mode == Mode::Exec);
        let rest = literal::after_docstring(body, doc.is_some());
        if let Some(doc) = doc
            && self.opts.optimize < 2
        {
            self.u.range = body[0].range();
            let t = self.const_temp(cape_bytecode::Const::Str(literal::clean_docstring(&doc)));
            self.store_class_name(intern::NameId::DOC, t);
            self.u.next_temp = t as u32;
        }
        self.body(rest)?;
        self.insert_module_annotate(start)?;
        self.return_at_end();
        Ok(())
    }

    fn expression(&mut self, e: &'a Expr) -> R<()> {
        if self.table.blocks[0].coroutine && self.top_level_await() {
            self.u.flags |= flags::COROUTINE;
        }
        self.emit_prologue();
        self.u.range = e.range();
        let r = self.expr(e)?;
        self.emit_return(r);
        Ok(())
    }

    fn finish(mut self) -> R<Compiled> {
        self.unwind_comprehensions();
        let top = compiler::empty_unit(&self);
        let u = std::mem::replace(&mut self.u, top);
        let code = self.assemble(u)?;
        Ok(Compiled { code, warnings: self.warnings })
    }
}
