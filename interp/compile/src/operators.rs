//! Operators of the syntax tree as operators of the bytecode.

use cape_bytecode::{BinOp, CmpOp, Op};
use ruff_python_ast as ast;

pub(crate) fn binary_op(op: ast::Operator) -> BinOp {
    use ast::Operator as O;
    match op {
        O::Add => BinOp::Add,
        O::Sub => BinOp::Sub,
        O::Mult => BinOp::Mul,
        O::MatMult => BinOp::MatMul,
        O::Div => BinOp::TrueDiv,
        O::Mod => BinOp::Mod,
        O::Pow => BinOp::Pow,
        O::LShift => BinOp::LShift,
        O::RShift => BinOp::RShift,
        O::BitOr => BinOp::Or,
        O::BitXor => BinOp::Xor,
        O::BitAnd => BinOp::And,
        O::FloorDiv => BinOp::FloorDiv,
    }
}

pub(crate) fn unary_op(op: ast::UnaryOp) -> Op {
    match op {
        ast::UnaryOp::Invert => Op::UnaryInvert,
        ast::UnaryOp::Not => Op::UnaryNot,
        ast::UnaryOp::UAdd => Op::UnaryPos,
        ast::UnaryOp::USub => Op::UnaryNeg,
    }
}

/// The rich comparison of an operator, unless it is an identity or membership test.
pub(crate) fn rich_comparison(op: ast::CmpOp) -> Option<CmpOp> {
    Some(match op {
        ast::CmpOp::Eq => CmpOp::Eq,
        ast::CmpOp::NotEq => CmpOp::Ne,
        ast::CmpOp::Lt => CmpOp::Lt,
        ast::CmpOp::LtE => CmpOp::Le,
        ast::CmpOp::Gt => CmpOp::Gt,
        ast::CmpOp::GtE => CmpOp::Ge,
        _ => return None,
    })
}
