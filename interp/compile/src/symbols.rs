//! The symbol tables of a source, for Python code (`_symtable`).

use ruff_python_ast::Mod;

use crate::error::SyntaxErr;
use crate::intern::Interner;
use crate::source::Source;
use crate::symtable::build::Top;
use crate::symtable::{self, Block, BlockId, BlockKind, Scope, SymTable, def};
use crate::{CompileOptions, Mode, syntax};

/// Where the scope stands in the flags of a symbol.
pub const SCOPE_OFFSET: u32 = 12;
/// The number of that scope.
const CELL: u32 = 5;
/// Flags that CPython has too.
const SHARED: u32 = (1 << SCOPE_OFFSET) - 1;

/// A block.
#[derive(Debug)]
pub struct Table {
    /// Kind, as the `TYPE_...` constants number it.
    pub kind: u8,
    /// Name.
    pub name: String,
    /// Line on which it begins; 0 for the module.
    pub line: u32,
    /// Whether it is within a function.
    pub nested: bool,
    /// Names with their flags and scope.
    pub symbols: Vec<(String, u32)>,
    /// Parameters.
    pub parameters: Vec<String>,
    /// The blocks in it.
    pub children: Vec<Table>,
}

/// The symbol tables of `source`.
pub fn tables(source: &str, mode: Mode, opts: CompileOptions) -> Result<Table, SyntaxErr> {
    let text = syntax::normalize(source);
    let source = Source::new(&text);
    let result = syntax::nesting(&text).and_then(|nesting| {
        stacker::maybe_grow(nesting.stack, nesting.stack + 64 * 1024, || {
            let parsed = syntax::parse(&source, mode, &opts)?;
            let mut interner = Interner::new();
            let table = match &parsed.tree {
                Mod::Module(m) => {
                    let flags = opts.flags | crate::future::flags_of(&m.body)?;
                    let future = flags & cape_bytecode::flags::FUTURE_ANNOTATIONS != 0;
                    symtable::build(&Top::Module(&m.body), &mut interner, future, false)
                }
                Mod::Expression(m) => symtable::build(&Top::Expression(&m.body), &mut interner, false, false),
            };
            let table = table.map_err(crate::from_symbols)?;
            Ok(Reader { source: &source, table: &table, interner: &interner }.table(SymTable::TOP))
        })
    });
    result.map_err(|e| syntax::finish_typed(&source, mode, *e))
}

struct Reader<'a> {
    source: &'a Source<'a>,
    table: &'a SymTable,
    interner: &'a Interner,
}

impl Reader<'_> {
    fn table(&self, id: BlockId) -> Table {
        let b = &self.table.blocks[id as usize];
        let name = match self.interner.get(b.name) {
            "<module>" => "top",
            other => other.trim_matches(['<', '>']),
        };
        Table {
            kind: kind(b.kind),
            name: name.to_owned(),
            line: if id == SymTable::TOP { 0 } else { self.source.line(b.range.start().to_u32()) },
            nested: b.nested,
            symbols: self.symbols(b),
            parameters: b.params.iter().map(|&p| self.interner.get(p).to_owned()).collect(),
            children: self.children(b),
        }
    }

    fn symbols(&self, b: &Block) -> Vec<(String, u32)> {
        let symbol = |&name: &_| {
            let s = &b.symbols[name];
            let scope = match s.scope {
                Scope::Unset => 0,
                Scope::Local => 1,
                Scope::GlobalExplicit => 2,
                Scope::GlobalImplicit => 3,
                Scope::Free => 4,
                Scope::Cell => CELL,
            };
            (self.interner.get(*name).to_owned(), s.flags & SHARED | scope << SCOPE_OFFSET)
        };
        let mut out: Vec<_> =
            b.order.iter().filter(|n| b.symbols.contains_key(n)).map(|n| symbol(&n)).collect();
        // What an inlined comprehension binds is a name of the block.
        for &c in &b.children {
            let c = &self.table.blocks[c as usize];
            if c.comp_inlined {
                for (name, mut flags) in self.symbols(c) {
                    let cell = if flags >> SCOPE_OFFSET == CELL { def::COMP_CELL } else { 0 };
                    flags |= cell;
                    match out.iter_mut().find(|o| o.0 == name) {
                        Some(own) => own.1 |= cell,
                        None if flags & def::PARAM == 0 => out.push((name, flags)),
                        None => {}
                    }
                }
            }
        }
        out
    }

    fn children(&self, b: &Block) -> Vec<Table> {
        let mut out = Vec::new();
        for &c in &b.children {
            let child = &self.table.blocks[c as usize];
            if child.comp_inlined {
                out.extend(self.children(child));
            } else {
                out.push(self.table(c));
            }
        }
        out
    }
}

fn kind(k: BlockKind) -> u8 {
    match k {
        BlockKind::Function => 0,
        BlockKind::Class => 1,
        BlockKind::Module => 2,
        BlockKind::Annotation => 3,
        BlockKind::TypeAlias => 4,
        BlockKind::TypeParameters => 5,
        BlockKind::TypeVariable => 6,
    }
}
