//! Symbol tables: which names each block binds and uses, and where each name lives.
//!
//! The algorithm is that of CPython's `symtable.c`: one pass over the syntax tree collects flags per name and block ([`build`]), a second over
//! the tree of blocks decides scopes ([`analyze`]).

mod analyze;
pub(crate) mod build;

use ruff_text_size::TextRange;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::intern::NameId;

pub(crate) use build::build;

/// What is known of a name in a block; numbers as in CPython's `symtable.h`.
pub(crate) mod def {
    pub const GLOBAL: u32 = 1;
    pub const LOCAL: u32 = 2;
    pub const PARAM: u32 = 4;
    pub const NONLOCAL: u32 = 8;
    pub const USE: u32 = 16;
    pub const FREE_CLASS: u32 = 64;
    pub const IMPORT: u32 = 128;
    pub const ANNOT: u32 = 256;
    pub const COMP_ITER: u32 = 512;
    pub const TYPE_PARAM: u32 = 1024;
    /// A cell while an inlined comprehension runs; said of what Python code sees alone.
    pub const COMP_CELL: u32 = 2048;
    pub const BOUND: u32 = LOCAL | PARAM | IMPORT | TYPE_PARAM;
    /// Target of an assignment expression: may change in the middle of an expression.
    pub const WALRUS: u32 = 1 << 20;
    /// Deleted somewhere (`del`, end of an `except ... as`).
    pub const DELETED: u32 = 1 << 21;
}

/// Where a name lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Scope {
    #[default]
    Unset,
    Local,
    GlobalExplicit,
    GlobalImplicit,
    Free,
    Cell,
}

/// A name in a block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Symbol {
    pub flags: u32,
    pub scope: Scope,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BlockKind {
    Module,
    Class,
    Function,
    Annotation,
    /// Bound, constraints or default of a type parameter.
    TypeVariable,
    TypeAlias,
    TypeParameters,
}

impl BlockKind {
    /// Whether names of the block are registers and visible to nested blocks.
    pub fn is_function_like(self) -> bool {
        !matches!(self, BlockKind::Module | BlockKind::Class)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comp {
    No,
    List,
    Set,
    Dict,
    Generator,
}

/// Index of a block in [`SymTable::blocks`].
pub(crate) type BlockId = u32;

/// One block.
#[derive(Debug)]
pub(crate) struct Block {
    pub kind: BlockKind,
    pub name: NameId,
    pub symbols: FxHashMap<NameId, Symbol>,
    /// Names of `symbols` in order of first appearance.
    pub order: Vec<NameId>,
    /// Parameters in `co_varnames` order.
    pub params: Vec<NameId>,
    /// Position of the first `global`/`nonlocal` directive per name.
    pub directives: Vec<(NameId, TextRange)>,
    pub children: Vec<BlockId>,
    pub range: TextRange,
    pub nested: bool,
    pub generator: bool,
    pub coroutine: bool,
    pub varargs: bool,
    pub varkeywords: bool,
    pub comp: Comp,
    pub comp_inlined: bool,
    pub comp_iter_target: bool,
    pub comp_iter_expr: u32,
    pub can_see_class_scope: bool,
    pub needs_class_closure: bool,
    pub needs_classdict: bool,
    pub method: bool,
    pub has_conditional_annotations: bool,
    pub in_conditional_block: bool,
    pub annotations_used: bool,
    pub annotation_block: Option<BlockId>,
    /// In a class's type parameter block: the only names that are mangled.
    pub mangled_names: Option<FxHashSet<NameId>>,
    /// The block whose `mangled_names` hold here.
    pub mangled_in: Option<BlockId>,
    /// What a type variable block is for, for messages.
    pub info: &'static str,
}

/// Which block of a syntax node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Part {
    Body,
    TypeParams,
    Annotations,
    Bound,
    Default,
}

/// All blocks of a compilation.
#[derive(Debug)]
pub(crate) struct SymTable {
    pub blocks: Vec<Block>,
    pub(crate) by_node: FxHashMap<(usize, Part), BlockId>,
    /// Warnings found on the way.
    pub(crate) warnings: Vec<(TextRange, String)>,
}

impl SymTable {
    /// The module (or expression) block.
    pub const TOP: BlockId = 0;

    /// The block that `part` of the syntax node at this address opens.
    pub fn find<T>(&self, node: &T, part: Part) -> BlockId {
        self.by_node[&(std::ptr::from_ref(node) as usize, part)]
    }

    /// The only names that are mangled in a block, if not all private ones are.
    pub fn only_mangled(&self, block: BlockId) -> Option<&FxHashSet<NameId>> {
        let holder = self.blocks[block as usize].mangled_in?;
        self.blocks[holder as usize].mangled_names.as_ref()
    }

    /// The scope of a name in a block (Unset if the block does not know it).
    pub fn scope(&self, block: BlockId, name: NameId) -> Scope {
        self.blocks[block as usize].symbols.get(&name).map_or(Scope::Unset, |s| s.scope)
    }
}
