//! First pass: collect the blocks and the flags of their names.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Block, BlockId, BlockKind, Comp, Part, SymTable, Symbol, def};
use crate::error::{R, err};
use crate::intern::{Interner, NameId};

/// What to build the table for.
pub(crate) enum Top<'a> {
    Module(&'a [Stmt]),
    Expression(&'a Expr),
}

/// Build and analyse the table. `future_annotations`: `from __future__ import annotations` is on; `top_level_await`: the module may be a
/// coroutine.
pub(crate) fn build(
    top: &Top<'_>,
    interner: &mut Interner,
    future_annotations: bool,
    top_level_await: bool,
) -> R<SymTable> {
    let mut b = Builder {
        table: SymTable { blocks: Vec::new(), by_node: FxHashMap::default(), warnings: Vec::new() },
        interner,
        stack: Vec::new(),
        class: None,
        future_annotations,
        top_level_await,
        in_finally: false,
        in_loop: false,
    };
    let range = match top {
        Top::Module(_) => TextRange::default(),
        Top::Expression(e) => e.range(),
    };
    b.enter(BlockKind::Module, NameId::TOP, None, range);
    match top {
        Top::Module(body) => b.body(body)?,
        Top::Expression(e) => b.expr(e)?,
    }
    b.exit();
    let mut table = b.table;
    super::analyze::analyze(&mut table, interner)?;
    Ok(table)
}

struct Builder<'i> {
    table: SymTable,
    interner: &'i mut Interner,
    stack: Vec<BlockId>,
    /// Name of the class around, for mangling.
    class: Option<NameId>,
    future_annotations: bool,
    top_level_await: bool,
    /// Directly in a `finally` body (of this function), and in a loop inside of it (PEP 765).
    in_finally: bool,
    in_loop: bool,
}

impl Builder<'_> {
    fn cur(&mut self) -> &mut Block {
        let id = *self.stack.last().expect("inside a block");
        &mut self.table.blocks[id as usize]
    }

    fn cur_ref(&self) -> &Block {
        &self.table.blocks[*self.stack.last().expect("inside a block") as usize]
    }

    /// A new block, not yet a child of any.
    fn new_block(&mut self, kind: BlockKind, name: NameId, range: TextRange) -> BlockId {
        let parent = self.stack.last().copied();
        let nested = parent.is_some_and(|p| {
            let p = &self.table.blocks[p as usize];
            p.nested || p.kind.is_function_like()
        });
        let id = self.table.blocks.len() as BlockId;
        self.table.blocks.push(Block {
            kind,
            name,
            symbols: FxHashMap::default(),
            order: Vec::new(),
            params: Vec::new(),
            directives: Vec::new(),
            children: Vec::new(),
            range,
            nested,
            generator: false,
            coroutine: false,
            varargs: false,
            varkeywords: false,
            comp: Comp::No,
            comp_inlined: false,
            comp_iter_target: false,
            comp_iter_expr: parent.map_or(0, |p| self.table.blocks[p as usize].comp_iter_expr),
            can_see_class_scope: false,
            needs_class_closure: false,
            needs_classdict: false,
            method: false,
            has_conditional_annotations: false,
            in_conditional_block: false,
            annotations_used: false,
            annotation_block: None,
            mangled_names: None,
            mangled_in: parent
                .filter(|_| kind != BlockKind::Class)
                .and_then(|p| self.table.blocks[p as usize].mangled_in),
            info: "",
        });
        id
    }

    fn enter(
        &mut self,
        kind: BlockKind,
        name: NameId,
        key: Option<(usize, Part)>,
        range: TextRange,
    ) -> BlockId {
        let id = self.new_block(kind, name, range);
        if let Some(&parent) = self.stack.last() {
            let parent = &mut self.table.blocks[parent as usize];
            parent.children.push(id);
            let in_class = parent.kind == BlockKind::Class;
            self.table.blocks[id as usize].method = in_class && kind == BlockKind::Function;
        }
        if let Some(key) = key {
            self.table.by_node.insert(key, id);
        }
        self.stack.push(id);
        id
    }

    /// A block that is only looked through for errors.
    fn enter_discarded(&mut self, kind: BlockKind, name: NameId, range: TextRange) {
        let id = self.new_block(kind, name, range);
        self.stack.push(id);
    }

    fn exit(&mut self) {
        self.stack.pop();
    }

    fn mangle(&mut self, name: &str) -> NameId {
        let id = self.interner.id(name);
        if self.class.is_none() || !name.starts_with("__") {
            return id;
        }
        if let Some(only) = self.table.only_mangled(*self.stack.last().expect("inside a block"))
            && !only.contains(&id)
        {
            return id;
        }
        self.interner.mangled(self.class, name)
    }

    fn lookup(&self, name: NameId) -> u32 {
        self.cur_ref().symbols.get(&name).map_or(0, |s| s.flags)
    }

    fn add(&mut self, name: &str, flags: u32, range: TextRange) -> R<()> {
        if flags & def::BOUND != 0 && name == "__debug__" {
            return err(range, "cannot assign to __debug__");
        }
        let name = self.mangle(name);
        self.add_id(name, flags, range)
    }

    fn add_id(&mut self, name: NameId, flags: u32, range: TextRange) -> R<()> {
        let id = *self.stack.last().expect("inside a block");
        self.add_to(id, name, flags, range)
    }

    fn add_to(&mut self, block: BlockId, name: NameId, flags: u32, range: TextRange) -> R<()> {
        let b = &mut self.table.blocks[block as usize];
        let fresh = !b.symbols.contains_key(&name);
        let symbol = b.symbols.entry(name).or_insert(Symbol::default());
        if fresh {
            b.order.push(name);
        }
        if flags & def::PARAM != 0 && symbol.flags & def::PARAM != 0 {
            let text = self.interner.get(name);
            return err(range, format!("duplicate argument '{text}' in function definition"));
        }
        if flags & def::TYPE_PARAM != 0 && symbol.flags & def::TYPE_PARAM != 0 {
            let text = self.interner.get(name);
            return err(range, format!("duplicate type parameter '{text}'"));
        }
        symbol.flags |= flags;
        if b.comp_iter_target {
            if symbol.flags & (def::GLOBAL | def::NONLOCAL) != 0 {
                let text = self.interner.get(name);
                return err(
                    range,
                    format!("comprehension inner loop cannot rebind assignment expression target '{text}'"),
                );
            }
            symbol.flags |= def::COMP_ITER;
        }
        if flags & def::PARAM != 0 {
            b.params.push(name);
        } else if flags & def::GLOBAL != 0 && block != SymTable::TOP {
            let top = &mut self.table.blocks[SymTable::TOP as usize];
            if !top.symbols.contains_key(&name) {
                top.order.push(name);
            }
            top.symbols.entry(name).or_default().flags |= flags;
        }
        Ok(())
    }

    fn implicit_param(&mut self, name: NameId) -> R<()> {
        self.add_id(name, def::PARAM, TextRange::default())
    }

    // ---- statements ----

    fn body(&mut self, body: &[Stmt]) -> R<()> {
        body.iter().try_for_each(|s| self.stmt(s))
    }

    /// Visit parts that may or may not run: annotations in them are conditional.
    fn conditional(&mut self, f: impl FnOnce(&mut Self) -> R<()>) -> R<()> {
        let before = std::mem::replace(&mut self.cur().in_conditional_block, true);
        f(self)?;
        self.cur().in_conditional_block = before;
        Ok(())
    }

    fn leaves_finally(&mut self, word: &str, range: TextRange) {
        self.table.warnings.push((range, format!("'{word}' in a 'finally' block")));
    }

    /// Visit the body of a loop.
    fn loop_body(&mut self, body: &[Stmt], orelse: &[Stmt]) -> R<()> {
        self.conditional(|b| {
            let before = std::mem::replace(&mut b.in_loop, true);
            b.body(body)?;
            b.in_loop = before;
            b.body(orelse)
        })
    }

    /// Visit the body of a function or class, where control flow begins anew.
    fn fresh_body(&mut self, body: &[Stmt]) -> R<()> {
        let before = (self.in_finally, self.in_loop);
        (self.in_finally, self.in_loop) = (false, false);
        self.body(body)?;
        (self.in_finally, self.in_loop) = before;
        Ok(())
    }

    fn exprs(&mut self, list: &[Expr]) -> R<()> {
        list.iter().try_for_each(|e| self.expr(e))
    }

    fn opt(&mut self, e: Option<&Expr>) -> R<()> {
        e.map_or(Ok(()), |e| self.expr(e))
    }

    fn stmt(&mut self, stmt: &Stmt) -> R<()> {
        match stmt {
            Stmt::FunctionDef(s) => self.function(s),
            Stmt::ClassDef(s) => self.class_def(s),
            Stmt::TypeAlias(s) => self.type_alias(s),
            Stmt::Return(s) => {
                if self.in_finally {
                    self.leaves_finally("return", s.range);
                }
                self.opt(s.value.as_deref())
            }
            Stmt::Delete(s) => s.targets.iter().try_for_each(|t| self.target(t, def::DELETED)),
            Stmt::Assign(s) => {
                s.targets.iter().try_for_each(|t| self.target(t, 0))?;
                self.expr(&s.value)
            }
            Stmt::AugAssign(s) => {
                if let Expr::Name(n) = &*s.target {
                    self.add(&n.id, def::USE, n.range)?;
                }
                self.target(&s.target, 0)?;
                self.expr(&s.value)
            }
            Stmt::AnnAssign(s) => self.ann_assign(s),
            Stmt::For(s) => {
                self.async_statement(s.is_async, "async for", s.range)?;
                self.target(&s.target, 0)?;
                self.expr(&s.iter)?;
                self.loop_body(&s.body, &s.orelse)
            }
            Stmt::While(s) => {
                self.expr(&s.test)?;
                self.loop_body(&s.body, &s.orelse)
            }
            Stmt::If(s) => {
                self.expr(&s.test)?;
                self.conditional(|b| {
                    b.body(&s.body)?;
                    s.elif_else_clauses.iter().try_for_each(|c| {
                        b.opt(c.test.as_ref())?;
                        b.body(&c.body)
                    })
                })
            }
            Stmt::With(s) => self.conditional(|b| {
                b.async_statement(s.is_async, "async with", s.range)?;
                for item in &s.items {
                    b.expr(&item.context_expr)?;
                    if let Some(t) = &item.optional_vars {
                        b.target(t, 0)?;
                    }
                }
                b.body(&s.body)
            }),
            Stmt::Match(s) => {
                self.expr(&s.subject)?;
                self.conditional(|b| {
                    s.cases.iter().try_for_each(|c| {
                        b.pattern(&c.pattern)?;
                        b.opt(c.guard.as_deref())?;
                        b.body(&c.body)
                    })
                })
            }
            Stmt::Raise(s) => {
                self.opt(s.exc.as_deref())?;
                self.opt(s.cause.as_deref())
            }
            Stmt::Try(s) => self.conditional(|b| {
                b.body(&s.body)?;
                for ast::ExceptHandler::ExceptHandler(h) in &s.handlers {
                    b.opt(h.type_.as_deref())?;
                    if let Some(name) = &h.name {
                        b.add(&name.id, def::LOCAL | def::DELETED, h.range)?;
                    }
                    b.body(&h.body)?;
                }
                b.body(&s.orelse)?;
                let before = (b.in_finally, b.in_loop);
                (b.in_finally, b.in_loop) = (true, false);
                b.body(&s.finalbody)?;
                (b.in_finally, b.in_loop) = before;
                Ok(())
            }),
            Stmt::Assert(s) => {
                self.expr(&s.test)?;
                self.opt(s.msg.as_deref())
            }
            Stmt::Import(s) => s.names.iter().try_for_each(|a| self.alias(a)),
            Stmt::ImportFrom(s) => s.names.iter().try_for_each(|a| self.alias(a)),
            Stmt::Global(s) => s.names.iter().try_for_each(|n| self.directive(n, def::GLOBAL, s.range)),
            Stmt::Nonlocal(s) => s.names.iter().try_for_each(|n| self.directive(n, def::NONLOCAL, s.range)),
            Stmt::Expr(s) => self.expr(&s.value),
            Stmt::Break(s) => {
                if self.in_finally && !self.in_loop {
                    self.leaves_finally("break", s.range);
                }
                Ok(())
            }
            Stmt::Continue(s) => {
                if self.in_finally && !self.in_loop {
                    self.leaves_finally("continue", s.range);
                }
                Ok(())
            }
            Stmt::Pass(_) => Ok(()),
            Stmt::IpyEscapeCommand(s) => err(s.range, "invalid syntax"),
        }
    }

    fn alias(&mut self, a: &ast::Alias) -> R<()> {
        let name = a.asname.as_ref().unwrap_or(&a.name);
        if &*a.name.id == "*" {
            if self.cur_ref().kind != BlockKind::Module {
                return err(a.range, "import * only allowed at module level");
            }
            return Ok(());
        }
        let first = name.id.split('.').next().unwrap_or(&name.id);
        let first = if a.asname.is_some() { &*name.id } else { first };
        let first = first.to_owned();
        self.add(&first, def::IMPORT, a.range)
    }

    fn directive(&mut self, name: &ast::Identifier, flag: u32, range: TextRange) -> R<()> {
        let id = self.mangle(&name.id);
        let cur = self.lookup(id);
        let word = if flag == def::GLOBAL { "global" } else { "nonlocal" };
        if cur & (def::PARAM | def::LOCAL | def::USE | def::ANNOT | def::TYPE_PARAM) != 0 {
            let text = &name.id;
            let msg = if cur & def::PARAM != 0 {
                format!("name '{text}' is parameter and {word}")
            } else if cur & def::USE != 0 {
                format!("name '{text}' is used prior to {word} declaration")
            } else if cur & def::ANNOT != 0 {
                format!("annotated name '{text}' can't be {word}")
            } else if cur & def::TYPE_PARAM != 0 {
                format!("type parameter '{text}' can't be declared {word}")
            } else {
                format!("name '{text}' is assigned to before {word} declaration")
            };
            return err(range, msg);
        }
        self.add_id(id, flag, range)?;
        self.cur().directives.push((id, range));
        Ok(())
    }

    fn ann_assign(&mut self, s: &ast::StmtAnnAssign) -> R<()> {
        self.cur().annotations_used = true;
        if let Expr::Name(n) = &*s.target {
            let id = self.mangle(&n.id);
            let cur = self.lookup(id);
            if cur & (def::GLOBAL | def::NONLOCAL) != 0
                && *self.stack.last().expect("inside a block") != SymTable::TOP
                && s.simple
            {
                let word = if cur & def::GLOBAL != 0 { "global" } else { "nonlocal" };
                return err(s.range, format!("annotated name '{}' can't be {word}", n.id));
            }
            if s.simple {
                self.add(&n.id, def::ANNOT | def::LOCAL, n.range)?;
            } else if s.value.is_some() {
                self.add(&n.id, def::LOCAL, n.range)?;
            }
        } else {
            self.target(&s.target, 0)?;
        }
        self.annotation(&s.annotation)?;
        self.opt(s.value.as_deref())
    }

    /// The annotation of a variable.
    fn annotation(&mut self, annotation: &Expr) -> R<()> {
        let id = *self.stack.last().expect("inside a block");
        let kind = self.cur_ref().kind;
        let conditional =
            kind == BlockKind::Module || kind == BlockKind::Class && self.cur_ref().in_conditional_block;
        if conditional && !self.future_annotations && !self.cur_ref().has_conditional_annotations {
            self.cur().has_conditional_annotations = true;
            self.add_id(NameId::CONDITIONAL, def::USE, annotation.range())?;
        }
        if kind.is_function_like() || self.future_annotations {
            self.enter_discarded(BlockKind::Annotation, NameId::ANNOTATE, annotation.range());
            self.expr(annotation)?;
            self.exit();
            return Ok(());
        }
        match self.cur_ref().annotation_block {
            Some(block) => self.stack.push(block),
            None => {
                let block = self.enter(BlockKind::Annotation, NameId::ANNOTATE, None, annotation.range());
                self.table.blocks[id as usize].annotation_block = Some(block);
                self.implicit_param(NameId::FORMAT)?;
                self.add_id(NameId::FORMAT, def::USE, TextRange::default())?;
                if kind == BlockKind::Class {
                    self.cur().can_see_class_scope = true;
                    self.add_id(NameId::CLASSDICT, def::USE, annotation.range())?;
                }
            }
        }
        if conditional {
            self.add_id(NameId::CONDITIONAL, def::USE, annotation.range())?;
        }
        self.expr(annotation)?;
        self.exit();
        Ok(())
    }

    fn function(&mut self, s: &ast::StmtFunctionDef) -> R<()> {
        self.add(&s.name.id, def::LOCAL, s.range)?;
        s.decorator_list.iter().try_for_each(|d| self.expr(&d.expression))?;
        self.defaults(&s.parameters)?;
        let key = std::ptr::from_ref(s) as usize;
        let name = self.interner.id(&s.name.id);
        let in_class = self.cur_ref().kind == BlockKind::Class;
        let range = s.range;
        if let Some(tp) = &s.type_params {
            self.enter_type_params(name, key, false, in_class, tp.range)?;
            let mut positional = s.parameters.posonlyargs.iter().chain(&s.parameters.args);
            if positional.any(|p| p.default.is_some()) {
                self.implicit_param(NameId::DOT_DEFAULTS)?;
            }
            if s.parameters.kwonlyargs.iter().any(|p| p.default.is_some()) {
                self.implicit_param(NameId::DOT_KWDEFAULTS)?;
            }
            self.type_params(tp)?;
        }
        self.function_annotations(s, key)?;
        self.enter(BlockKind::Function, name, Some((key, Part::Body)), range);
        self.cur().coroutine = s.is_async;
        self.params(&s.parameters)?;
        self.fresh_body(&s.body)?;
        self.exit();
        if s.type_params.is_some() {
            self.exit();
        }
        Ok(())
    }

    fn defaults(&mut self, p: &ast::Parameters) -> R<()> {
        for d in p.posonlyargs.iter().chain(&p.args).chain(&p.kwonlyargs) {
            self.opt(d.default.as_deref())?;
        }
        Ok(())
    }

    fn params(&mut self, p: &ast::Parameters) -> R<()> {
        for d in p.posonlyargs.iter().chain(&p.args).chain(&p.kwonlyargs) {
            self.add(&d.parameter.name.id, def::PARAM, d.parameter.range)?;
        }
        if let Some(v) = &p.vararg {
            self.add(&v.name.id, def::PARAM, v.name.range)?;
            self.cur().varargs = true;
        }
        if let Some(v) = &p.kwarg {
            self.add(&v.name.id, def::PARAM, v.name.range)?;
            self.cur().varkeywords = true;
        }
        Ok(())
    }

    fn function_annotations(&mut self, s: &ast::StmtFunctionDef, key: usize) -> R<()> {
        let p = &s.parameters;
        let params = p.posonlyargs.iter().chain(&p.args).map(|d| &d.parameter);
        let mut annotations: Vec<&Expr> = params
            .chain(p.vararg.as_deref())
            .chain(p.kwonlyargs.iter().map(|d| &d.parameter))
            .chain(p.kwarg.as_deref())
            .filter_map(|p| p.annotation.as_deref())
            .collect();
        annotations.extend(s.returns.as_deref());
        let sees_class = self.cur_ref().can_see_class_scope || self.cur_ref().kind == BlockKind::Class;
        self.enter(BlockKind::Annotation, NameId::ANNOTATE, Some((key, Part::Annotations)), s.range);
        self.implicit_param(NameId::FORMAT)?;
        self.add_id(NameId::FORMAT, def::USE, TextRange::default())?;
        if self.future_annotations {
            self.enter_discarded(BlockKind::Annotation, NameId::ANNOTATE, s.range);
        } else if sees_class {
            self.cur().can_see_class_scope = true;
            self.add_id(NameId::CLASSDICT, def::USE, s.range)?;
        }
        for a in annotations {
            self.expr(a)?;
        }
        if self.future_annotations {
            self.exit();
        }
        self.exit();
        Ok(())
    }

    fn enter_type_params(
        &mut self,
        name: NameId,
        key: usize,
        for_class: bool,
        sees_class: bool,
        range: TextRange,
    ) -> R<()> {
        self.enter(BlockKind::TypeParameters, name, Some((key, Part::TypeParams)), range);
        if sees_class {
            self.cur().can_see_class_scope = true;
            self.add_id(NameId::CLASSDICT, def::USE, range)?;
        }
        if for_class {
            self.add_id(NameId::DOT_TYPE_PARAMS, def::LOCAL | def::USE, range)?;
            self.add_id(NameId::DOT_GENERIC_BASE, def::LOCAL | def::USE, range)?;
        }
        Ok(())
    }

    fn type_params(&mut self, params: &ast::TypeParams) -> R<()> {
        let mut seen_default = false;
        for p in params.iter() {
            let (name, bound, default) = match p {
                ast::TypeParam::TypeVar(t) => (&t.name, t.bound.as_deref(), t.default.as_deref()),
                ast::TypeParam::TypeVarTuple(t) => (&t.name, None, t.default.as_deref()),
                ast::TypeParam::ParamSpec(t) => (&t.name, None, t.default.as_deref()),
            };
            if matches!(
                &*name.id,
                "__classdict__" | "__classcell__" | "__conditional_annotations__" | "__class__"
            ) {
                return err(
                    name.range,
                    format!("reserved name '{}' cannot be used for type parameter", name.id),
                );
            }
            if self.cur_ref().mangled_names.is_some() {
                let id = self.interner.id(&name.id);
                self.cur().mangled_names.as_mut().expect("checked").insert(id);
            }
            self.add(&name.id, def::TYPE_PARAM | def::LOCAL, p.range())?;
            let key = match p {
                ast::TypeParam::TypeVar(t) => std::ptr::from_ref(t) as usize,
                ast::TypeParam::TypeVarTuple(t) => std::ptr::from_ref(t) as usize,
                ast::TypeParam::ParamSpec(t) => std::ptr::from_ref(t) as usize,
            };
            if let Some(bound) = bound {
                let info =
                    if matches!(bound, Expr::Tuple(_)) { "a TypeVar constraint" } else { "a TypeVar bound" };
                self.type_variable(&name.id, key, Part::Bound, info, bound)?;
            }
            if let Some(default) = default {
                seen_default = true;
                let info = match p {
                    ast::TypeParam::TypeVar(_) => "a TypeVar default",
                    ast::TypeParam::TypeVarTuple(_) => "a TypeVarTuple default",
                    ast::TypeParam::ParamSpec(_) => "a ParamSpec default",
                };
                self.type_variable(&name.id, key, Part::Default, info, default)?;
            } else if seen_default {
                return err(
                    p.range(),
                    format!("non-default type parameter '{}' follows default type parameter", name.id),
                );
            }
        }
        Ok(())
    }

    fn type_variable(&mut self, name: &str, key: usize, part: Part, info: &'static str, e: &Expr) -> R<()> {
        let sees_class = self.cur_ref().can_see_class_scope;
        let name = self.interner.id(name);
        self.enter(BlockKind::TypeVariable, name, Some((key, part)), e.range());
        self.cur().info = info;
        self.implicit_param(NameId::FORMAT)?;
        self.add_id(NameId::FORMAT, def::USE, TextRange::default())?;
        if sees_class {
            self.cur().can_see_class_scope = true;
            self.add_id(NameId::CLASSDICT, def::USE, e.range())?;
        }
        match e {
            Expr::Starred(s) if part == Part::Default => self.expr(&s.value)?,
            _ => self.expr(e)?,
        }
        self.exit();
        Ok(())
    }

    fn class_def(&mut self, s: &ast::StmtClassDef) -> R<()> {
        self.add(&s.name.id, def::LOCAL, s.name.range)?;
        s.decorator_list.iter().try_for_each(|d| self.expr(&d.expression))?;
        let key = std::ptr::from_ref(s) as usize;
        let name = self.interner.id(&s.name.id);
        let in_class = self.cur_ref().kind == BlockKind::Class;
        let outer_class = self.class;
        if let Some(tp) = &s.type_params {
            self.enter_type_params(name, key, true, in_class, tp.range)?;
            let id = *self.stack.last().expect("inside a block");
            self.cur().mangled_names = Some(FxHashSet::default());
            self.cur().mangled_in = Some(id);
            self.class = Some(name);
            self.type_params(tp)?;
        }
        if let Some(args) = &s.arguments {
            self.exprs(&args.args)?;
            self.keywords(&args.keywords)?;
        }
        self.enter(BlockKind::Class, name, Some((key, Part::Body)), s.range);
        self.class = Some(name);
        if s.type_params.is_some() {
            self.add_id(NameId::TYPE_PARAMS, def::LOCAL, s.range)?;
            self.add_id(NameId::DOT_TYPE_PARAMS, def::USE, s.range)?;
        }
        self.fresh_body(&s.body)?;
        self.exit();
        if s.type_params.is_some() {
            self.exit();
        }
        self.class = outer_class;
        Ok(())
    }

    fn type_alias(&mut self, s: &ast::StmtTypeAlias) -> R<()> {
        self.target(&s.name, 0)?;
        let Expr::Name(n) = &*s.name else {
            return err(s.range, "invalid syntax");
        };
        let key = std::ptr::from_ref(s) as usize;
        let name = self.interner.id(&n.id);
        let in_class = self.cur_ref().kind == BlockKind::Class;
        if let Some(tp) = &s.type_params {
            self.enter_type_params(name, key, false, in_class, tp.range)?;
            self.type_params(tp)?;
        }
        self.enter(BlockKind::TypeAlias, name, Some((key, Part::Body)), s.range);
        self.implicit_param(NameId::FORMAT)?;
        self.add_id(NameId::FORMAT, def::USE, TextRange::default())?;
        if in_class {
            self.cur().can_see_class_scope = true;
            self.add_id(NameId::CLASSDICT, def::USE, s.range)?;
        }
        self.expr(&s.value)?;
        self.exit();
        if s.type_params.is_some() {
            self.exit();
        }
        Ok(())
    }

    // ---- targets and patterns ----

    /// Visit an assignment or deletion target.
    fn target(&mut self, e: &Expr, extra: u32) -> R<()> {
        match e {
            Expr::Name(n) => {
                if extra & def::DELETED != 0 && &*n.id == "__debug__" {
                    return err(n.range, "cannot delete __debug__");
                }
                self.add(&n.id, def::LOCAL | extra, n.range)
            }
            Expr::Tuple(t) => t.elts.iter().try_for_each(|e| self.target(e, extra)),
            Expr::List(t) => t.elts.iter().try_for_each(|e| self.target(e, extra)),
            Expr::Starred(s) => self.target(&s.value, extra),
            Expr::Attribute(a) => {
                if &*a.attr.id == "__debug__" {
                    let verb = if extra & def::DELETED != 0 { "delete" } else { "assign to" };
                    return err(a.range, format!("cannot {verb} __debug__"));
                }
                self.expr(&a.value)
            }
            _ => self.expr(e),
        }
    }

    fn pattern(&mut self, p: &ast::Pattern) -> R<()> {
        use ast::Pattern as P;
        match p {
            P::MatchValue(v) => self.expr(&v.value),
            P::MatchSingleton(_) => Ok(()),
            P::MatchSequence(s) => s.patterns.iter().try_for_each(|p| self.pattern(p)),
            P::MatchMapping(m) => {
                self.exprs(&m.keys)?;
                m.patterns.iter().try_for_each(|p| self.pattern(p))?;
                match &m.rest {
                    Some(n) => self.add(&n.id, def::LOCAL, m.range),
                    None => Ok(()),
                }
            }
            P::MatchClass(c) => {
                self.expr(&c.cls)?;
                c.arguments.patterns.iter().try_for_each(|p| self.pattern(p))?;
                c.arguments.keywords.iter().try_for_each(|k| {
                    if &*k.attr.id == "__debug__" {
                        return err(k.pattern.range(), "cannot assign to __debug__");
                    }
                    self.pattern(&k.pattern)
                })
            }
            P::MatchStar(s) => match &s.name {
                Some(n) => self.add(&n.id, def::LOCAL, s.range),
                None => Ok(()),
            },
            P::MatchAs(a) => {
                if let Some(p) = &a.pattern {
                    self.pattern(p)?;
                }
                match &a.name {
                    Some(n) => self.add(&n.id, def::LOCAL, a.range),
                    None => Ok(()),
                }
            }
            P::MatchOr(o) => o.patterns.iter().try_for_each(|p| self.pattern(p)),
        }
    }

    // ---- expressions ----

    /// Forbid `what` in annotation-like blocks.
    fn allowed_here(&self, what: &str, range: TextRange) -> R<()> {
        let block = self.cur_ref();
        let place = match block.kind {
            BlockKind::Annotation => "an annotation",
            BlockKind::TypeVariable => block.info,
            BlockKind::TypeAlias => "a type alias",
            BlockKind::TypeParameters => "the definition of a generic",
            _ => return Ok(()),
        };
        err(range, format!("{what} cannot be used within {place}"))
    }

    /// Whether this is the body of a coroutine.
    fn awaits(&self) -> bool {
        let block = self.cur_ref();
        block.kind == BlockKind::Function && block.coroutine
    }

    /// Whether this is a module that may become a coroutine.
    fn at_awaiting_top(&self) -> bool {
        self.top_level_await && self.cur_ref().kind == BlockKind::Module
    }

    /// Asynchronous loops and `with` statements are for coroutines.
    fn async_statement(&mut self, is_async: bool, what: &str, range: TextRange) -> R<()> {
        if !is_async {
            return Ok(());
        }
        if self.at_awaiting_top() {
            self.cur().coroutine = true;
        } else if !self.awaits() {
            return err(range, format!("'{what}' outside async function"));
        }
        Ok(())
    }

    fn no_yield_in_comprehension(&self, range: TextRange) -> R<()> {
        let what = match self.cur_ref().comp {
            Comp::No => return Ok(()),
            Comp::List => "list comprehension",
            Comp::Set => "set comprehension",
            Comp::Dict => "dict comprehension",
            Comp::Generator => "generator expression",
        };
        err(range, format!("'yield' inside {what}"))
    }

    fn expr(&mut self, e: &Expr) -> R<()> {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.expr_inner(e))
    }

    fn expr_inner(&mut self, e: &Expr) -> R<()> {
        match e {
            Expr::Name(n) => {
                self.add(&n.id, def::USE, n.range)?;
                if n.id == "super" && self.cur_ref().kind == BlockKind::Function {
                    self.add_id(NameId::CLASS, def::USE, n.range)?;
                }
                Ok(())
            }
            Expr::BoolOp(b) => self.exprs(&b.values),
            Expr::Named(n) => {
                self.allowed_here("named expression", n.range)?;
                if self.cur_ref().comp_iter_expr > 0 {
                    return err(
                        n.range,
                        "assignment expression cannot be used in a comprehension iterable expression",
                    );
                }
                if self.cur_ref().comp != Comp::No
                    && let Expr::Name(target) = &*n.target
                {
                    self.extend_walrus_scope(target)?;
                }
                self.expr(&n.value)?;
                self.target(&n.target, def::WALRUS)
            }
            Expr::BinOp(b) => {
                self.expr(&b.left)?;
                self.expr(&b.right)
            }
            Expr::UnaryOp(u) => self.expr(&u.operand),
            Expr::Lambda(l) => {
                if let Some(p) = &l.parameters {
                    self.defaults(p)?;
                }
                let key = std::ptr::from_ref(l) as usize;
                self.enter(BlockKind::Function, NameId::LAMBDA, Some((key, Part::Body)), l.range);
                if let Some(p) = &l.parameters {
                    self.params(p)?;
                }
                self.expr(&l.body)?;
                self.exit();
                Ok(())
            }
            Expr::If(i) => {
                self.expr(&i.test)?;
                self.expr(&i.body)?;
                self.expr(&i.orelse)
            }
            Expr::Dict(d) => d.items.iter().try_for_each(|i| {
                self.opt(i.key.as_ref())?;
                self.expr(&i.value)
            }),
            Expr::Set(s) => self.exprs(&s.elts),
            Expr::List(l) => self.exprs(&l.elts),
            Expr::Tuple(t) => self.exprs(&t.elts),
            Expr::ListComp(c) => {
                let key = std::ptr::from_ref(c) as usize;
                self.comprehension(key, Comp::List, NameId::LISTCOMP, &c.generators, &c.elt, None, c.range)
            }
            Expr::SetComp(c) => {
                let key = std::ptr::from_ref(c) as usize;
                self.comprehension(key, Comp::Set, NameId::SETCOMP, &c.generators, &c.elt, None, c.range)
            }
            Expr::DictComp(c) => {
                let key = std::ptr::from_ref(c) as usize;
                let Some(k) = &c.key else {
                    return err(c.range, "invalid syntax");
                };
                self.comprehension(
                    key,
                    Comp::Dict,
                    NameId::DICTCOMP,
                    &c.generators,
                    k,
                    Some(&c.value),
                    c.range,
                )
            }
            Expr::Generator(c) => {
                let key = std::ptr::from_ref(c) as usize;
                self.comprehension(
                    key,
                    Comp::Generator,
                    NameId::GENEXPR,
                    &c.generators,
                    &c.elt,
                    None,
                    c.range,
                )
            }
            Expr::Await(a) => {
                self.allowed_here("await expression", a.range)?;
                if !self.at_awaiting_top() {
                    let block = self.cur_ref();
                    if !block.kind.is_function_like() {
                        return err(a.range, "'await' outside function");
                    }
                    if !self.awaits() && block.comp == Comp::No {
                        return err(a.range, "'await' outside async function");
                    }
                }
                self.expr(&a.value)?;
                self.cur().coroutine = true;
                Ok(())
            }
            Expr::Yield(y) => {
                self.allowed_here("yield expression", y.range)?;
                self.opt(y.value.as_deref())?;
                self.cur().generator = true;
                self.no_yield_in_comprehension(y.range)
            }
            Expr::YieldFrom(y) => {
                self.allowed_here("yield expression", y.range)?;
                self.expr(&y.value)?;
                self.cur().generator = true;
                self.no_yield_in_comprehension(y.range)
            }
            Expr::Compare(c) => {
                self.expr(&c.left)?;
                self.exprs(&c.comparators)
            }
            Expr::Call(c) => {
                self.expr(&c.func)?;
                self.exprs(&c.arguments.args)?;
                self.keywords(&c.arguments.keywords)
            }
            Expr::FString(f) => f.value.iter().try_for_each(|part| match part {
                ast::FStringPart::Literal(_) => Ok(()),
                ast::FStringPart::FString(f) => self.interpolated(&f.elements),
            }),
            Expr::TString(t) => t.value.iter().try_for_each(|t| self.interpolated(&t.elements)),
            Expr::Attribute(a) => self.expr(&a.value),
            Expr::Subscript(s) => {
                self.expr(&s.value)?;
                self.expr(&s.slice)
            }
            Expr::Starred(s) => self.expr(&s.value),
            Expr::Slice(s) => {
                self.opt(s.lower.as_deref())?;
                self.opt(s.upper.as_deref())?;
                self.opt(s.step.as_deref())
            }
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Ok(()),
        }
    }

    fn keywords(&mut self, keywords: &[ast::Keyword]) -> R<()> {
        keywords.iter().try_for_each(|k| {
            if k.arg.as_ref().is_some_and(|a| &*a.id == "__debug__") {
                return err(k.range, "cannot assign to __debug__");
            }
            self.expr(&k.value)
        })
    }

    fn interpolated(&mut self, elements: &ast::InterpolatedStringElements) -> R<()> {
        elements.iter().try_for_each(|e| match e {
            ast::InterpolatedStringElement::Literal(_) => Ok(()),
            ast::InterpolatedStringElement::Interpolation(i) => {
                self.expr(&i.expression)?;
                match &i.format_spec {
                    Some(spec) => self.interpolated(&spec.elements),
                    None => Ok(()),
                }
            }
        })
    }

    /// An assignment expression in a comprehension binds in the function (or module) around it.
    fn extend_walrus_scope(&mut self, target: &ast::ExprName) -> R<()> {
        let name = self.mangle(&target.id);
        for i in (0..self.stack.len()).rev() {
            let id = self.stack[i];
            let block = &self.table.blocks[id as usize];
            let flags = block.symbols.get(&name).map_or(0, |s| s.flags);
            if block.comp != Comp::No {
                if flags & def::COMP_ITER != 0 && flags & def::LOCAL != 0 {
                    return err(
                        target.range,
                        format!(
                            "assignment expression cannot rebind comprehension iteration variable '{}'",
                            target.id
                        ),
                    );
                }
                continue;
            }
            match block.kind {
                BlockKind::Function => {
                    let here = if flags & def::GLOBAL != 0 { def::GLOBAL } else { def::NONLOCAL };
                    self.add_id(name, here, target.range)?;
                    let cur = *self.stack.last().expect("inside a block");
                    self.table.blocks[cur as usize].directives.push((name, target.range));
                    return self.add_to(id, name, def::LOCAL | def::WALRUS, target.range);
                }
                BlockKind::Module => {
                    self.add_id(name, def::GLOBAL, target.range)?;
                    let cur = *self.stack.last().expect("inside a block");
                    self.table.blocks[cur as usize].directives.push((name, target.range));
                    return self.add_to(id, name, def::GLOBAL, target.range);
                }
                BlockKind::Class => {
                    return err(
                        target.range,
                        "assignment expression within a comprehension cannot be used in a class body",
                    );
                }
                BlockKind::TypeParameters => {
                    return err(
                        target.range,
                        "assignment expression within a comprehension cannot be used within the definition of a generic",
                    );
                }
                BlockKind::TypeAlias => {
                    return err(
                        target.range,
                        "assignment expression within a comprehension cannot be used in a type alias",
                    );
                }
                BlockKind::TypeVariable => {
                    return err(
                        target.range,
                        "assignment expression within a comprehension cannot be used in a TypeVar bound",
                    );
                }
                BlockKind::Annotation => {
                    return err(target.range, "named expression cannot be used within an annotation");
                }
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn comprehension(
        &mut self,
        key: usize,
        comp: Comp,
        name: NameId,
        generators: &[ast::Comprehension],
        elt: &Expr,
        value: Option<&Expr>,
        range: TextRange,
    ) -> R<()> {
        let outermost = &generators[0];
        self.cur().comp_iter_expr += 1;
        self.expr(&outermost.iter)?;
        self.cur().comp_iter_expr -= 1;
        self.enter(BlockKind::Function, name, Some((key, Part::Body)), range);
        self.cur().comp = comp;
        self.cur().coroutine = outermost.is_async;
        self.implicit_param(NameId::DOT_ZERO)?;
        self.comp_target(&outermost.target)?;
        self.exprs(&outermost.ifs)?;
        for g in &generators[1..] {
            self.comp_target(&g.target)?;
            self.cur().comp_iter_expr += 1;
            self.expr(&g.iter)?;
            self.cur().comp_iter_expr -= 1;
            self.exprs(&g.ifs)?;
            if g.is_async {
                self.cur().coroutine = true;
            }
        }
        if let Some(value) = value {
            self.expr(value)?;
        }
        self.expr(elt)?;
        self.cur().generator = comp == Comp::Generator;
        let is_async = self.cur_ref().coroutine && comp != Comp::Generator;
        self.exit();
        if is_async {
            let block = self.cur_ref();
            if block.comp == Comp::No && !self.awaits() && !self.at_awaiting_top() {
                return err(range, "asynchronous comprehension outside of an asynchronous function");
            }
            self.cur().coroutine = true;
        }
        Ok(())
    }

    fn comp_target(&mut self, target: &Expr) -> R<()> {
        self.cur().comp_iter_target = true;
        self.target(target, 0)?;
        self.cur().comp_iter_target = false;
        Ok(())
    }
}
