//! Arithmetic and comparison of unboxed numbers, and the general operators behind them.

use cape_bytecode::BinOp;
use cape_heap::Value;

use crate::exc::Res;
use crate::object::*;
use crate::ops::{self, BinaryOperator};
use crate::runtime::rt;
use crate::vm::Vm;

#[inline(always)]
fn num(v: Value) -> Option<f64> {
    if v.is_float() {
        Some(v.as_float())
    } else if v.is_int() {
        // 51-bit integers convert exactly.
        Some(v.as_int() as f64)
    } else {
        None
    }
}

macro_rules! fast {
    ($name:ident $int:ident $op:tt) => {
        /// The result for unboxed numbers; `None` for everything else.
        #[inline(always)]
        pub(super) fn $name(a: Value, b: Value) -> Option<Value> {
            if a.both_ints(b) {
                return a.$int(b);
            }
            if a.is_float() && b.is_float() {
                return Some(Value::float(a.as_float() $op b.as_float()));
            }
            if a.is_float() || b.is_float() {
                return Some(Value::float(num(a)? $op num(b)?));
            }
            None
        }
    };
}
fast!(fast_add int_add +);
fast!(fast_sub int_sub -);
fast!(fast_mul int_mul *);

/// `a / b` for unboxed numbers, but not by zero.
#[inline(always)]
pub(super) fn fast_truediv(a: Value, b: Value) -> Option<Value> {
    let (x, y) = (num(a)?, num(b)?);
    // The operands of a division of ints convert exactly, so that it is rounded once.
    (y != 0.0).then(|| Value::float(x / y))
}

/// `a // b` for unboxed ints, `b` positive.
#[inline(always)]
pub(super) fn fast_floordiv(a: Value, b: Value) -> Option<Value> {
    if !a.both_ints(b) || b.as_int() <= 0 {
        return None;
    }
    Some(Value::int(a.as_int().div_euclid(b.as_int())))
}

/// `a % b` for unboxed ints, `b` positive.
#[inline(always)]
pub(super) fn fast_mod(a: Value, b: Value) -> Option<Value> {
    if !a.both_ints(b) || b.as_int() <= 0 {
        return None;
    }
    Some(Value::int(a.as_int().rem_euclid(b.as_int())))
}

/// `a & b` for unboxed ints.
#[inline(always)]
pub(super) fn fast_and(a: Value, b: Value) -> Option<Value> {
    a.both_ints(b).then(|| Value::int(a.as_int() & b.as_int()))
}

/// Bits by comparison operator: less 1, equal 2, greater 4.
const MASKS: [u8; 6] = [1, 3, 2, 5, 4, 6];

/// The result of a comparison of unboxed numbers or of identical exact strings.
#[inline(always)]
pub(super) fn fast_compare(a: Value, b: Value, op: u8) -> Option<bool> {
    if a.both_ints(b) {
        let o = 1 << (a.as_int().cmp(&b.as_int()) as i8 + 1);
        return Some(MASKS[op as usize & 7] & o != 0);
    }
    if a.is_float() && b.is_float() {
        let (x, y) = (a.as_float(), b.as_float());
        return Some(match op {
            0 => x < y,
            1 => x <= y,
            2 => x == y,
            3 => x != y,
            4 => x > y,
            _ => x >= y,
        });
    }
    None
}

/// The operator with this number (in-place ones mapped to their plain form).
pub(crate) fn operator(op: BinOp) -> &'static BinaryOperator {
    match op.to_plain() {
        BinOp::Add => &ops::ADD,
        BinOp::And => &ops::AND,
        BinOp::FloorDiv => &ops::FLOORDIV,
        BinOp::LShift => &ops::LSHIFT,
        BinOp::MatMul => &ops::MATMUL,
        BinOp::Mul => &ops::MUL,
        BinOp::Mod => &ops::MOD,
        BinOp::Or => &ops::OR,
        BinOp::Pow => &ops::POW,
        BinOp::RShift => &ops::RSHIFT,
        BinOp::Sub => &ops::SUB,
        BinOp::TrueDiv => &ops::TRUEDIV,
        _ => &ops::XOR,
    }
}

impl Vm {
    /// A binary operation by its number: unboxed fast paths, then the methods.
    #[inline(never)]
    pub(crate) fn binary_op(&self, x: u8, a: Value, b: Value) -> Res<Value> {
        if (x == BinOp::Add as u8 || x == BinOp::IAdd as u8) && may_join(a, b) {
            let v = joined(a, b);
            if !v.is_empty() {
                return Ok(v);
            }
        }
        let op = BinOp::from_u8(x).expect("an operator");
        if a.is_ptr() || b.is_ptr() {
            if let Some(r) = sum_of_ints(op.to_plain(), a, b) {
                return Ok(r);
            }
            if !op.is_inplace() {
                let op = operator(op);
                if let Some(r) = self.binary_by_c(a, b, op) {
                    return r;
                }
                // (Texts are put together below.)
                let text = |m| m == rt().maps.str || m == rt().maps.bytes;
                if a.is_ptr()
                    && !text(a.header().map())
                    && let Some(r) = self.binary_by_native(a, b, op)
                {
                    return r;
                }
            }
        }
        self.binary_op_any(op, a, b)
    }

    #[inline(never)]
    fn binary_op_any(&self, op: BinOp, a: Value, b: Value) -> Res<Value> {
        if a.both_ints(b)
            && let Some(r) = int_op(op.to_plain(), a.as_int(), b.as_int())
        {
            return Ok(r);
        }
        if (a.is_float() || b.is_float())
            && let (Some(p), Some(q)) = (num(a), num(b))
            && let Some(r) = float_op(op.to_plain(), p, q)
        {
            return Ok(r);
        }
        if op.to_plain() == BinOp::Mul
            && b.is_int()
            && let Some(s) = a.downcast::<StrObj>()
            && s.header().map() == rt().maps.str
        {
            // No number: its slot of sequences decides.
            return self.call_special(rt().types.str.special(crate::special::Special::Mul), &[a, b]);
        }
        if op.to_plain() == BinOp::Add
            && let (Some(p), Some(q)) = (a.downcast::<StrObj>(), b.downcast::<StrObj>())
            && p.header().map() == rt().maps.str
            && q.header().map() == rt().maps.str
        {
            if q.is_empty() {
                return Ok(a);
            }
            return Ok(if p.is_empty() { b } else { StrObj::concat(p, q).value() });
        }
        if op.to_plain() == BinOp::Add
            && let (Some(p), Some(q)) = (a.downcast::<BytesObj>(), b.downcast::<BytesObj>())
            && p.header().map() == rt().maps.bytes
            && q.header().map() == rt().maps.bytes
        {
            if q.is_empty() {
                return Ok(a);
            }
            return Ok(if p.is_empty() { b } else { BytesObj::concat(p.as_slice(), q.as_slice()).value() });
        }
        if op.is_inplace() { self.inplace(a, b, operator(op)) } else { self.binary(a, b, operator(op)) }
    }

    /// `-v`.
    pub(crate) fn negate(&self, v: Value) -> Res<Value> {
        self.unary(v, crate::special::Special::Neg, "unary -")
    }
}

/// Whether [`joined`] may have something for such values.
#[inline(always)]
pub(super) fn may_join(a: Value, b: Value) -> bool {
    if !a.is_ptr() || !b.is_ptr() {
        return false;
    }
    let (map, maps) = (a.header().map(), &rt().maps);
    map == b.header().map() && (map == maps.str || map == maps.bytes || map == maps.int)
}

/// Texts from this length on are put together further down, where nothing that compiled code leaves behind keeps the one before alive.
const LONG: usize = 16 << 10;

/// `a + b` for two heap ints, or two texts that are not empty, of exact type: what is made is new. EMPTY for all else. (In a frame of its own, so
/// that those further down lie where they always do, and what is left behind there keeps nothing alive.)
#[inline(never)]
pub(super) fn joined(a: Value, b: Value) -> Value {
    if !may_join(a, b) {
        return Value::EMPTY;
    }
    let (map, maps) = (a.header().map(), &rt().maps);
    // SAFETY: both have this map, which is that of the layout.
    unsafe {
        if map == maps.str {
            let (a, b) = (a.cast::<StrObj>(), b.cast::<StrObj>());
            let joins = !a.is_empty() && !b.is_empty() && a.len() + b.len() < LONG;
            return if joins { StrObj::concat(a, b).value() } else { Value::EMPTY };
        }
        if map == maps.bytes {
            let (a, b) = (a.cast::<BytesObj>(), b.cast::<BytesObj>());
            let joins = !a.is_empty() && !b.is_empty() && a.len() + b.len() < LONG;
            return if joins { BytesObj::concat(a.as_slice(), b.as_slice()).value() } else { Value::EMPTY };
        }
        digits::sum_of_longs(a.cast(), b.cast())
    }
}

/// The sum, difference or product of ints of exact type, of which one at least is a heap object.
#[inline]
fn sum_of_ints(op: BinOp, a: Value, b: Value) -> Option<Value> {
    let exact = |v: Value| v.is_int() || v.is_ptr() && v.header().map() == rt().maps.int;
    if !exact(a) || !exact(b) {
        return None;
    }
    match op {
        BinOp::Add => digits::add(a, b),
        BinOp::Sub => digits::sub(a, b),
        BinOp::Mul => digits::mul(a, b),
        _ => None,
    }
}

#[inline]
fn int_op(op: BinOp, a: i64, b: i64) -> Option<Value> {
    Some(match op {
        BinOp::FloorDiv if b != 0 => {
            Int::Small(a.div_euclid(b) - (b < 0 && a.rem_euclid(b) != 0) as i64).into_value()
        }
        BinOp::Mod if b != 0 => {
            let r = a % b;
            Value::int(if r != 0 && (r < 0) != (b < 0) { r + b } else { r })
        }
        BinOp::And => Value::int(a & b),
        BinOp::Or => Value::int(a | b),
        BinOp::Xor => Value::int(a ^ b),
        BinOp::LShift if (0..13).contains(&b) => Int::Small(a << b).into_value(),
        BinOp::RShift if b >= 0 => Value::int(a >> b.min(63)),
        BinOp::TrueDiv if b != 0 => Value::float(a as f64 / b as f64),
        BinOp::Pow if (0..64).contains(&b) => {
            let r = a.checked_pow(b as u32)?;
            Int::Small(r).into_value()
        }
        BinOp::Add => Int::Small(a + b).into_value(),
        BinOp::Sub => Int::Small(a - b).into_value(),
        BinOp::Mul => Int::Small(a.checked_mul(b)?).into_value(),
        _ => return None,
    })
}

#[inline]
fn float_op(op: BinOp, a: f64, b: f64) -> Option<Value> {
    Some(Value::float(match op {
        BinOp::Add => a + b,
        BinOp::Sub => a - b,
        BinOp::Mul => a * b,
        BinOp::TrueDiv if b != 0.0 => a / b,
        BinOp::Pow if b == 2.0 => a * a,
        _ => return None,
    }))
}
