//! Constant expressions.

use cape_bytecode::{BinOp, Const, Wtf8};
use num_bigint::BigInt;
use num_traits::{Pow, Signed, ToPrimitive, Zero};
use ruff_python_ast::{self as ast, Expr, UnaryOp};

use crate::compiler::Compiler;
use crate::display::dedup;
use crate::operators::binary_op;

/// Limits of folding, as CPython's: results above them are computed at run time.
const MAX_INT_BITS: u64 = 128;
const MAX_COLLECTION: usize = 256;
const MAX_TEXT: usize = 4096;

/// The truth value of a constant.
pub(crate) fn truth(k: &Const) -> bool {
    match k {
        Const::None | Const::False => false,
        Const::True | Const::Ellipsis | Const::BigInt(_) | Const::Code(_) | Const::Slice(_) => true,
        Const::Int(i) => *i != 0,
        Const::Float(f) => *f != 0.0,
        Const::Complex(r, i) => *r != 0.0 || *i != 0.0,
        Const::Str(s) => !s.0.is_empty(),
        Const::Bytes(b) => !b.is_empty(),
        Const::Tuple(t) | Const::FrozenSet(t) => !t.is_empty(),
    }
}

fn int(i: BigInt) -> Const {
    i.to_i64().map_or_else(|| Const::BigInt(i), Const::Int)
}

fn as_int(k: &Const) -> Option<BigInt> {
    match k {
        Const::Int(i) => Some((*i).into()),
        Const::BigInt(i) => Some(i.clone()),
        Const::True => Some(1.into()),
        Const::False => Some(0.into()),
        _ => None,
    }
}

fn as_float(k: &Const) -> Option<f64> {
    match k {
        Const::Float(f) => Some(*f),
        _ => as_int(k)?.to_f64().filter(|f| f.is_finite()),
    }
}

impl<'a> Compiler<'a> {
    /// The value of `e` if it is a constant expression.
    pub(crate) fn constant(&mut self, e: &Expr) -> Option<Const> {
        match e {
            Expr::UnaryOp(_) | Expr::BinOp(_) | Expr::Tuple(_) | Expr::Subscript(_) => {
                stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.constant_inner(e))
            }
            e => self.constant_inner(e),
        }
    }

    fn constant_inner(&mut self, e: &Expr) -> Option<Const> {
        Some(match e {
            Expr::NoneLiteral(_) => Const::None,
            Expr::EllipsisLiteral(_) => Const::Ellipsis,
            Expr::BooleanLiteral(b) if b.value => Const::True,
            Expr::BooleanLiteral(_) => Const::False,
            Expr::NumberLiteral(n) => number(&n.value),
            Expr::StringLiteral(s) => Const::Str(self.string_value(s)),
            Expr::BytesLiteral(b) => Const::Bytes(b.value.bytes().collect::<Vec<u8>>().into()),
            Expr::Name(n) if n.id == "__debug__" => {
                if self.opts.optimize == 0 {
                    Const::True
                } else {
                    Const::False
                }
            }
            // A constant that no literal makes, in a tree of Python code.
            Expr::IpyEscapeCommand(e) => self.source.kept(&e.node_index)?.clone(),
            Expr::Subscript(s) => self.constant_item(s)?,
            Expr::Tuple(t) => Const::Tuple(self.constants(&t.elts)?.into()),
            Expr::UnaryOp(u) => {
                let k = self.constant(&u.operand)?;
                unary(u.op, &k)?
            }
            Expr::BinOp(b) => {
                let key = std::ptr::from_ref(b) as usize;
                if self.not_constant.contains(&key) {
                    return None;
                }
                let folded = self.fold_binary(b);
                if folded.is_none() {
                    self.not_constant.insert(key);
                }
                folded?
            }
            _ => return None,
        })
    }

    fn fold_binary(&mut self, b: &ast::ExprBinOp) -> Option<Const> {
        if !maybe_constant(&b.right) || !maybe_constant(&b.left) {
            return None;
        }
        let r = self.constant(&b.right)?;
        let l = self.constant(&b.left)?;
        binary(binary_op(b.op), &l, &r)
    }

    /// An item of a constant.
    pub(crate) fn constant_item(&mut self, s: &ast::ExprSubscript) -> Option<Const> {
        if !maybe_item(s) {
            return None;
        }
        let at = match &*s.slice {
            Expr::Slice(slice) => self.constant_slice(slice)?,
            e if maybe_constant(e) => self.constant(e)?,
            _ => return None,
        };
        let k = self.constant(&s.value)?;
        item(&k, &at)
    }

    /// All of `list`, if all are constant.
    pub(crate) fn constants(&mut self, list: &[Expr]) -> Option<Vec<Const>> {
        if !list.iter().all(maybe_constant) {
            return None;
        }
        list.iter().map(|e| self.constant(e)).collect()
    }

    /// The container of a membership test: a constant list is as good as a tuple, a constant set as a frozenset.
    pub(crate) fn constant_container(&mut self, e: &Expr) -> Option<Const> {
        match e {
            Expr::List(l) => Some(Const::Tuple(self.constants(&l.elts)?.into())),
            Expr::Set(s) => Some(Const::FrozenSet(dedup(self.constants(&s.elts)?).into())),
            _ => None,
        }
    }

    /// A slice with constant bounds.
    pub(crate) fn constant_slice(&mut self, s: &ast::ExprSlice) -> Option<Const> {
        let mut part = |e: &Option<Box<Expr>>| match e {
            Some(e)
                if matches!(
                    **e,
                    Expr::NumberLiteral(_) | Expr::UnaryOp(_) | Expr::NoneLiteral(_) | Expr::StringLiteral(_)
                ) =>
            {
                self.constant(e)
            }
            Some(_) => None,
            None => Some(Const::None),
        };
        Some(Const::Slice(Box::new([part(&s.lower)?, part(&s.upper)?, part(&s.step)?])))
    }
}

/// A quick necessary condition, without recursion.
pub(crate) fn maybe_constant(e: &Expr) -> bool {
    matches!(
        e,
        Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::IpyEscapeCommand(_)
            | Expr::Tuple(_)
            | Expr::UnaryOp(_)
            | Expr::BinOp(_)
    ) || match e {
        Expr::Name(n) => n.id == "__debug__",
        Expr::Subscript(s) => maybe_item(s),
        _ => false,
    }
}

/// As [`maybe_constant`], for an item of an item... of something.
fn maybe_item(s: &ast::ExprSubscript) -> bool {
    let mut e = &*s.value;
    while let Expr::Subscript(s) = e {
        e = &s.value;
    }
    matches!(e, Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::Tuple(_) | Expr::BinOp(_))
        && maybe_constant(e)
}

/// Item `at` of the constant `k`, if it has it.
fn item(k: &Const, at: &Const) -> Option<Const> {
    let mut chars = Vec::new();
    let len = match k {
        Const::Tuple(t) => t.len(),
        Const::Bytes(b) => b.len(),
        Const::Str(s) => {
            chars.extend(s.as_str()?.chars());
            chars.len()
        }
        _ => return None,
    } as i64;
    if let Const::Slice(parts) = at {
        let [start, stop, step] = &**parts;
        if *step != Const::None {
            return None;
        }
        let bound = |b: &Const, otherwise: i64| match b {
            Const::None => Some(otherwise),
            Const::Int(i) if *i < 0 => Some((i + len).max(0)),
            Const::Int(i) => Some((*i).min(len)),
            _ => None,
        };
        let start = bound(start, 0)? as usize;
        let stop = (bound(stop, len)? as usize).max(start);
        return Some(match k {
            Const::Tuple(t) => Const::Tuple(t[start..stop].into()),
            Const::Bytes(b) => Const::Bytes(b[start..stop].into()),
            _ => Const::Str(chars[start..stop].iter().collect::<String>().into()),
        });
    }
    let i = as_int(at)?.to_i64()?;
    let i = if i < 0 { i + len } else { i };
    let i = usize::try_from(i).ok().filter(|&i| (i as i64) < len)?;
    Some(match k {
        Const::Tuple(t) => t[i].clone(),
        Const::Bytes(b) => Const::Int(b[i].into()),
        _ => Const::Str(chars[i].to_string().into()),
    })
}

/// A number literal.
pub(crate) fn number(n: &ast::Number) -> Const {
    match n {
        ast::Number::Int(i) => match i.as_i64() {
            Some(i) => Const::Int(i),
            None => int(parse_int(&i.to_string())),
        },
        ast::Number::Float(f) => Const::Float(*f),
        ast::Number::Complex { real, imag } => Const::Complex(*real, *imag),
    }
}

/// Digits with an optional base prefix, as the parser keeps big literals.
fn parse_int(text: &str) -> BigInt {
    let digits = text.replace('_', "");
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ => (10, &lower[..]),
    };
    BigInt::parse_bytes(digits.as_bytes(), radix).unwrap_or_default()
}

pub(crate) fn unary(op: UnaryOp, k: &Const) -> Option<Const> {
    Some(match (op, k) {
        (UnaryOp::Not, _) => {
            if truth(k) {
                Const::False
            } else {
                Const::True
            }
        }
        (UnaryOp::Invert, Const::Int(_) | Const::BigInt(_)) => int(!as_int(k)?),
        (UnaryOp::USub, Const::Float(f)) => Const::Float(-f),
        (UnaryOp::USub, Const::Complex(r, i)) => Const::Complex(-r, -i),
        (UnaryOp::USub, _) => int(-as_int(k)?),
        (UnaryOp::UAdd, Const::Float(_) | Const::Complex(..)) => k.clone(),
        (UnaryOp::UAdd, _) => int(as_int(k)?),
        _ => return None,
    })
}

pub(crate) fn binary(op: BinOp, l: &Const, r: &Const) -> Option<Const> {
    if let (Some(a), Some(b)) = (as_int(l), as_int(r)) {
        return int_binary(op, l, r, a, b);
    }
    if matches!(l, Const::Complex(..)) || matches!(r, Const::Complex(..)) {
        return complex_binary(op, l, r);
    }
    if let (Some(a), Some(b)) = (as_float(l), as_float(r)) {
        return float_binary(op, a, b).map(Const::Float);
    }
    match (op, l, r) {
        (BinOp::Add, Const::Str(a), Const::Str(b)) => {
            let text = [&*a.0, &*b.0].concat();
            (text.len() <= MAX_TEXT).then(|| Const::Str(Wtf8(text.into())))
        }
        (BinOp::Add, Const::Bytes(a), Const::Bytes(b)) => {
            let text = [&**a, &**b].concat();
            (text.len() <= MAX_TEXT).then(|| Const::Bytes(text.into()))
        }
        (BinOp::Add, Const::Tuple(a), Const::Tuple(b)) => {
            (a.len() + b.len() <= MAX_COLLECTION).then(|| Const::Tuple([&**a, &**b].concat().into()))
        }
        (BinOp::Mul, _, _) => match (as_int(l), as_int(r)) {
            (None, Some(n)) => repeat(l, &n),
            (Some(n), None) => repeat(r, &n),
            _ => None,
        },
        _ => None,
    }
}

fn repeat(k: &Const, n: &BigInt) -> Option<Const> {
    let n = n.to_i64()?.max(0) as usize;
    match k {
        Const::Str(s) => {
            (s.0.len().checked_mul(n)? <= MAX_TEXT).then(|| Const::Str(Wtf8(s.0.repeat(n).into())))
        }
        Const::Bytes(b) => (b.len().checked_mul(n)? <= MAX_TEXT).then(|| Const::Bytes(b.repeat(n).into())),
        Const::Tuple(t) => (t.len().checked_mul(n)? <= MAX_COLLECTION
            && (n == 0 || !t.iter().any(|t| matches!(t, Const::Tuple(_)))))
        .then(|| Const::Tuple(std::iter::repeat_n(t, n).flat_map(|t| t.iter().cloned()).collect())),
        _ => None,
    }
}

fn int_binary(op: BinOp, l: &Const, r: &Const, a: BigInt, b: BigInt) -> Option<Const> {
    let bools = matches!((l, r), (Const::True | Const::False, Const::True | Const::False));
    Some(match op {
        BinOp::Add => int(a + b),
        BinOp::Sub => int(a - b),
        BinOp::Mul => {
            if a.bits() + b.bits() > MAX_INT_BITS {
                return None;
            }
            int(a * b)
        }
        BinOp::TrueDiv => {
            // Exact operands keep the quotient correctly rounded.
            let small = |x: &BigInt| x.bits() <= 53;
            if b.is_zero() || !small(&a) || !small(&b) {
                return None;
            }
            Const::Float(a.to_f64()? / b.to_f64()?)
        }
        BinOp::FloorDiv | BinOp::Mod => {
            if b.is_zero() {
                return None;
            }
            let mut q = &a / &b;
            let mut m = &a % &b;
            if !m.is_zero() && m.is_negative() != b.is_negative() {
                q -= 1;
                m += &b;
            }
            int(if op == BinOp::FloorDiv { q } else { m })
        }
        BinOp::Pow => {
            if b.is_negative() {
                return float_binary(op, a.to_f64()?, b.to_f64()?).map(Const::Float);
            }
            let e = b.to_u32()?;
            if a.bits().checked_mul(e as u64)? > MAX_INT_BITS {
                return None;
            }
            int(a.pow(e))
        }
        BinOp::LShift => {
            let n = b.to_u64()?;
            if n > MAX_INT_BITS || a.bits() + n > MAX_INT_BITS {
                return None;
            }
            int(a << n)
        }
        BinOp::RShift => int(a >> b.to_u64()?),
        BinOp::And | BinOp::Or | BinOp::Xor => {
            let v = match op {
                BinOp::And => a & b,
                BinOp::Or => a | b,
                _ => a ^ b,
            };
            if bools {
                return Some(if v.is_zero() { Const::False } else { Const::True });
            }
            int(v)
        }
        _ => return None,
    })
}

fn float_binary(op: BinOp, a: f64, b: f64) -> Option<f64> {
    Some(match op {
        BinOp::Add => a + b,
        BinOp::Sub => a - b,
        BinOp::Mul => a * b,
        BinOp::TrueDiv if b != 0.0 => a / b,
        BinOp::Pow if a > 0.0 => {
            let v = a.powf(b);
            // Overflow is an error at run time.
            (v.is_finite() || !a.is_finite() || !b.is_finite()).then_some(v)?
        }
        _ => return None,
    })
}

fn complex_binary(op: BinOp, l: &Const, r: &Const) -> Option<Const> {
    let parts = |k: &Const| match k {
        Const::Complex(r, i) => Some((*r, Some(*i))),
        k => Some((as_float(k)?, None)),
    };
    let ((a, b), (c, d)) = (parts(l)?, parts(r)?);
    // Mixed operations leave the imaginary part of the complex operand alone.
    Some(match op {
        BinOp::Add => Const::Complex(
            a + c,
            match (b, d) {
                (Some(b), Some(d)) => b + d,
                (Some(b), None) => b,
                (None, Some(d)) => d,
                (None, None) => return None,
            },
        ),
        BinOp::Sub => Const::Complex(
            a - c,
            match (b, d) {
                (Some(b), Some(d)) => b - d,
                (Some(b), None) => b,
                (None, Some(d)) => -d,
                (None, None) => return None,
            },
        ),
        _ => return None,
    })
}

/// A constant as a dict key: equal numbers of different types are the same key.
pub(crate) fn key(k: &Const) -> Const {
    match k {
        Const::True => Const::Int(1),
        Const::False => Const::Int(0),
        Const::Complex(r, i) if *i == 0.0 => key(&Const::Float(*r)),
        Const::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Const::Int(*f as i64),
        Const::Tuple(t) => Const::Tuple(t.iter().map(key).collect()),
        k => k.clone(),
    }
}
