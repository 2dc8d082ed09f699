//! Warnings about code that cannot do what it looks like.

use ruff_python_ast::{self as ast, CmpOp, Expr};
use ruff_text_size::Ranged;

use crate::compiler::Compiler;

/// The type name of a literal or display whose type is known, as warnings call it.
fn inferred_type(e: &Expr) -> Option<&'static str> {
    Some(match e {
        Expr::Tuple(_) => "tuple",
        Expr::List(_) | Expr::ListComp(_) => "list",
        Expr::Dict(_) | Expr::DictComp(_) => "dict",
        Expr::Set(_) | Expr::SetComp(_) => "set",
        Expr::Generator(_) => "generator",
        Expr::Lambda(_) => "function",
        Expr::TString(_) => "string.templatelib.Template",
        Expr::FString(_) | Expr::StringLiteral(_) => "str",
        Expr::BytesLiteral(_) => "bytes",
        Expr::NumberLiteral(n) => match n.value {
            ast::Number::Int(_) => "int",
            ast::Number::Float(_) => "float",
            ast::Number::Complex { .. } => "complex",
        },
        Expr::BooleanLiteral(_) => "bool",
        Expr::NoneLiteral(_) => "NoneType",
        Expr::EllipsisLiteral(_) => "ellipsis",
        _ => return None,
    })
}

impl<'a> Compiler<'a> {
    /// Calling a literal.
    pub(crate) fn check_caller(&mut self, e: &Expr) {
        let suspicious = !matches!(e, Expr::Lambda(_));
        if suspicious && let Some(t) = inferred_type(e) {
            self.warn(e.range(), format!("'{t}' object is not callable; perhaps you missed a comma?"));
        }
    }

    /// Subscripting what has no items.
    pub(crate) fn check_subscripter(&mut self, e: &Expr) {
        let subscriptable = matches!(
            e,
            Expr::Tuple(_)
                | Expr::List(_)
                | Expr::ListComp(_)
                | Expr::Dict(_)
                | Expr::DictComp(_)
                | Expr::StringLiteral(_)
                | Expr::FString(_)
                | Expr::BytesLiteral(_)
        );
        if !subscriptable && let Some(t) = inferred_type(e) {
            self.warn(e.range(), format!("'{t}' object is not subscriptable; perhaps you missed a comma?"));
        }
    }

    /// Indexing a sequence by something that is no index.
    pub(crate) fn check_index(&mut self, e: &Expr, index: &Expr) {
        let sequence = matches!(
            e,
            Expr::Tuple(_)
                | Expr::List(_)
                | Expr::ListComp(_)
                | Expr::StringLiteral(_)
                | Expr::FString(_)
                | Expr::BytesLiteral(_)
        );
        if !sequence || matches!(index, Expr::BooleanLiteral(_)) {
            return;
        }
        let Some(t) = inferred_type(index) else {
            return;
        };
        if t == "int" {
            return;
        }
        if let Some(s) = inferred_type(e) {
            self.warn(
                self.u.range,
                format!("{s} indices must be integers or slices, not {t}; perhaps you missed a comma?"),
            );
        }
    }

    /// Identity tests of literals.
    pub(crate) fn check_compare(&mut self, c: &ast::ExprCompare) {
        let literal = |e: &Expr| {
            let plain = matches!(e, Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::BytesLiteral(_));
            let tuple = matches!(e, Expr::Tuple(t) if t.elts.iter().all(|e| e.is_literal_expr()));
            plain || tuple
        };
        let mut left = &*c.left;
        for (op, right) in c.ops.iter().zip(&c.comparators) {
            if matches!(op, CmpOp::Is | CmpOp::IsNot) && (literal(left) || literal(right)) {
                let e = if literal(left) { left } else { right };
                let t = inferred_type(e).unwrap_or("tuple");
                let msg = match op {
                    CmpOp::Is => format!("\"is\" with '{t}' literal. Did you mean \"==\"?"),
                    _ => format!("\"is not\" with '{t}' literal. Did you mean \"!=\"?"),
                };
                self.warn(c.range(), msg);
                return;
            }
            left = right;
        }
    }
}
