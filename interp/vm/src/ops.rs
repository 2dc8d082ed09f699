//! Operators and object protocols.

use cape_heap::{Ptr, Value};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::class::full_name;
use crate::exc::Res;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;
use crate::vm::Vm;

/// `types.GenericAlias`.
pub static GENERIC_ALIAS: crate::runtime::StaticType = crate::runtime::StaticType::new();

/// A comparison operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cmp {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Cmp {
    /// Its method.
    pub fn special(self) -> Special {
        match self {
            Cmp::Lt => Special::Lt,
            Cmp::Le => Special::Le,
            Cmp::Eq => Special::Eq,
            Cmp::Ne => Special::Ne,
            Cmp::Gt => Special::Gt,
            Cmp::Ge => Special::Ge,
        }
    }

    /// The operator with the operands exchanged.
    pub fn swapped(self) -> Cmp {
        match self {
            Cmp::Lt => Cmp::Gt,
            Cmp::Le => Cmp::Ge,
            Cmp::Gt => Cmp::Lt,
            Cmp::Ge => Cmp::Le,
            c => c,
        }
    }

    /// What it says of an ordering.
    #[inline]
    pub fn of(self, o: std::cmp::Ordering) -> bool {
        match self {
            Cmp::Lt => o.is_lt(),
            Cmp::Le => o.is_le(),
            Cmp::Eq => o.is_eq(),
            Cmp::Ne => o.is_ne(),
            Cmp::Gt => o.is_gt(),
            Cmp::Ge => o.is_ge(),
        }
    }

    /// Its symbol.
    pub fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }

    /// From CPython's number (`Py_LT`...).
    pub fn from_index(i: u8) -> Cmp {
        [Cmp::Lt, Cmp::Le, Cmp::Eq, Cmp::Ne, Cmp::Gt, Cmp::Ge][i as usize]
    }
}

/// A binary operator: its method, the reflected one, the in-place one, its symbol.
#[derive(Clone, Copy, Debug)]
pub struct BinaryOperator {
    /// `__op__`
    pub method: Special,
    /// `__rop__`
    pub reflected: Special,
    /// `__iop__`
    pub inplace: Special,
    /// For messages.
    pub symbol: &'static str,
}

macro_rules! binary_operators { ($($n:ident $m:ident $r:ident $i:ident $s:literal;)*) => { $(
    #[doc = concat!("The operator `", $s, "`.")]
    pub const $n: BinaryOperator = BinaryOperator { method: Special::$m, reflected: Special::$r, inplace: Special::$i, symbol: $s };
)* } }
binary_operators! {
    ADD Add Radd Iadd "+"; SUB Sub Rsub Isub "-"; MUL Mul Rmul Imul "*"; MATMUL Matmul Rmatmul Imatmul "@";
    TRUEDIV Truediv Rtruediv Itruediv "/"; FLOORDIV Floordiv Rfloordiv Ifloordiv "//"; MOD Mod Rmod Imod "%";
    POW Pow Rpow Ipow "** or pow()"; LSHIFT Lshift Rlshift Ilshift "<<"; RSHIFT Rshift Rrshift Irshift ">>";
    AND And Rand Iand "&"; XOR Xor Rxor Ixor "^"; OR Or Ror Ior "|"; DIVMOD Divmod Rdivmod Divmod "divmod()";
}

/// CPython's hash of None.
pub const NONE_HASH: i64 = 0xfca8_6420;

const HASH_MODULUS: i64 = (1 << 61) - 1;

/// CPython's hash of an integer.
#[inline(always)]
pub fn hash_i64(i: i64) -> i64 {
    // (All unboxed ints.)
    if i.unsigned_abs() < HASH_MODULUS as u64 {
        return if i == -1 { -2 } else { i };
    }
    hash_large(i)
}

#[cold]
fn hash_large(i: i64) -> i64 {
    let h = (i.unsigned_abs() % HASH_MODULUS as u64) as i64;
    let h = if i < 0 { -h } else { h };
    if h == -1 { -2 } else { h }
}

/// CPython's hash of a big integer.
pub fn hash_big(b: &BigInt) -> i64 {
    let h = (b % HASH_MODULUS).to_i64().unwrap_or(0);
    if h == -1 { -2 } else { h }
}

/// CPython's hash of a float (not of a NaN, whose hash is its identity).
pub fn hash_f64(f: f64) -> i64 {
    if f.is_infinite() {
        return if f > 0.0 { 314159 } else { -314159 };
    }
    let whole = f as i64;
    if whole as f64 == f && f.abs() < 9e15 {
        return hash_i64(whole);
    }
    // A number of 53 bits, times a power of two: modulo 2**61 - 1 that power turns the bits around.
    const BITS: i32 = 61;
    let (exponent, fraction) = (f.to_bits() >> 52 & 0x7ff, f.to_bits() & ((1 << 52) - 1));
    let (m, e) = match exponent as i32 {
        0 => (fraction, -1074),
        e => (fraction | 1 << 52, e - 1075),
    };
    let turn = e.rem_euclid(BITS);
    let x = m << turn & HASH_MODULUS as u64 | m >> (BITS - turn);
    let h = if f < 0.0 { -(x as i64) } else { x as i64 };
    if h == -1 { -2 } else { h }
}

/// C's `frexp`.
pub fn frexp(f: f64) -> (f64, i32) {
    if f == 0.0 || !f.is_finite() {
        return (f, 0);
    }
    let bits = f.to_bits();
    let e = (bits >> 52 & 0x7ff) as i32;
    if e == 0 {
        let (m, e) = frexp(f * (1u64 << 54) as f64);
        return (m, e - 54);
    }
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), e - 1022)
}

impl Vm {
    /// Hash of an object's identity: what `object.__hash__` gives.
    pub fn identity_hash(&self, v: Value) -> i64 {
        let id = self.id(v) as u64;
        let h = id.rotate_right(4) as i64;
        if h == -1 { -2 } else { h }
    }

    /// `id(v)`: stable while the object lives.
    pub fn id(&self, v: Value) -> usize {
        if v.is_ptr() {
            return cape_heap::heap().identity(v.header());
        }
        // Numbers and singletons are their own identity; the bits are unique and cannot be addresses.
        (v.bits() as usize) & 0x7fff_ffff_ffff_ffff
    }

    /// `hash(v)`.
    #[inline]
    pub fn hash(&self, v: Value) -> Res<i64> {
        if v.is_int() {
            return Ok(hash_i64(v.as_int()));
        }
        if let Some(s) = v.downcast::<StrObj>()
            && s.header().map_id() == rt().maps.str.id()
        {
            return Ok(s.hash());
        }
        self.hash_slow(v)
    }

    #[inline(never)]
    fn hash_slow(&self, v: Value) -> Res<i64> {
        if v.is_ptr()
            && let Some((def, call)) = crate::call::raw_method(type_of(v).special(Special::Hash))
        {
            self.check_native_stack("")?;
            return self.hash_of(call(self, def, &[v], None)?);
        }
        self.hash_of_others(v)
    }

    fn hash_of_others(&self, v: Value) -> Res<i64> {
        if v.is_float() {
            let f = v.as_float();
            return Ok(if f.is_nan() { self.identity_hash(v) } else { hash_f64(f) });
        }
        if v.is_bool() {
            return Ok((v == Value::TRUE) as i64);
        }
        if v.is_none() {
            return Ok(NONE_HASH);
        }
        let f = type_of(v).special(Special::Hash);
        if f == rt().types.object.special(Special::Hash) {
            return Ok(self.identity_hash(v));
        }
        if f.is_empty() || f.is_none() {
            return Err(self.unhashable(v));
        }
        let r = self.call_special(f, &[v])?;
        self.hash_of(r)
    }

    /// The hash that `__hash__` has given.
    #[inline(always)]
    fn hash_of(&self, r: Value) -> Res<i64> {
        if r.is_int() {
            let h = r.as_int();
            // The full int hash only matters beyond 61 bits, which unboxed ints do not reach.
            return Ok(if h == -1 { -2 } else { h });
        }
        match Int::of(r) {
            Some(Int::Small(i)) => Ok(if i == -1 { -2 } else { i }),
            Some(Int::Big(b)) => Ok(hash_big(&b)),
            None => Err(self.type_error("__hash__ method should return an integer")),
        }
    }

    /// `TypeError: unhashable type`.
    #[cold]
    pub fn unhashable(&self, v: Value) -> crate::exc::Raised {
        self.type_error(format!("unhashable type: '{}'", full_name(type_of(v))))
    }

    /// `bool(v)`.
    #[inline(always)]
    pub fn truth(&self, v: Value) -> Res<bool> {
        if v.is_bool() {
            return Ok(v == Value::TRUE);
        }
        if v.is_int() {
            return Ok(v != Value::int(0));
        }
        self.truth_slow(v)
    }

    fn truth_slow(&self, v: Value) -> Res<bool> {
        if v.is_none() {
            return Ok(false);
        }
        if v.is_float() {
            return Ok(v.as_float() != 0.0);
        }
        if v == Value::NOT_IMPLEMENTED {
            return Err(self.type_error("NotImplemented should not be used in a boolean context"));
        }
        if !v.is_ptr() {
            return Ok(true);
        }
        if let Some((def, call)) = crate::call::raw_method(type_of(v).special(Special::Bool)) {
            self.check_native_stack("")?;
            let r = call(self, def, &[v], None)?;
            return self.bool_of_method(r);
        }
        self.truth_of_object(v)
    }

    /// What a `__bool__` gave, which must be a bool.
    #[inline(always)]
    fn bool_of_method(&self, r: Value) -> Res<bool> {
        if r.is_bool() { Ok(r == Value::TRUE) } else { Err(self.no_bool(r)) }
    }

    #[cold]
    fn no_bool(&self, r: Value) -> crate::exc::Raised {
        self.type_error(format!("__bool__ should return bool, returned {}", type_of(r).name_str()))
    }

    #[inline(never)]
    fn truth_of_object(&self, v: Value) -> Res<bool> {
        let maps = &rt().maps;
        let m = v.header().map();
        if m == maps.str {
            return Ok(v.downcast::<StrObj>().is_some_and(|s| !s.is_empty()));
        }
        if m == maps.list {
            return Ok(v.downcast::<ListObj>().is_some_and(|s| !s.is_empty()));
        }
        if m == maps.dict {
            return Ok(v.downcast::<DictObj>().is_some_and(|s| !s.is_empty()));
        }
        if m == maps.tuple {
            return Ok(v.downcast::<TupleObj>().is_some_and(|s| !s.is_empty()));
        }
        let t = type_of(v);
        let f = t.special(Special::Bool);
        if !f.is_empty() {
            let r = self.call_special(f, &[v])?;
            return self.bool_of_method(r);
        }
        if !t.special(Special::Len).is_empty() {
            return Ok(self.len(v)? != 0);
        }
        Ok(true)
    }

    /// `len(v)`.
    pub fn len(&self, v: Value) -> Res<usize> {
        if v.is_ptr() {
            let (m, maps) = (v.header().map(), &rt().maps);
            // SAFETY: what the map says is what the object is.
            unsafe {
                if m == maps.list {
                    return Ok(v.cast::<ListObj>().len());
                }
                if m == maps.tuple {
                    return Ok(v.cast::<TupleObj>().len());
                }
                if m == maps.dict {
                    return Ok(v.cast::<DictObj>().len());
                }
                if m == maps.str {
                    return Ok(v.cast::<StrObj>().len());
                }
            }
        }
        let t = type_of(v);
        let f = t.special(Special::Len);
        if f.is_empty() {
            return Err(self.type_error(format!("object of type '{}' has no len()", full_name(t))));
        }
        let r = self.call_special(f, &[v])?;
        match Int::of(r) {
            Some(Int::Small(i)) if i >= 0 => Ok(i as usize),
            Some(Int::Small(_)) => Err(self.value_error("__len__() should return >= 0")),
            Some(Int::Big(b)) if b.sign() == num_bigint::Sign::Minus => {
                Err(self.value_error("__len__() should return >= 0"))
            }
            Some(_) => Err(self.overflow_error("cannot fit 'int' into an index-sized integer")),
            None => {
                let i = self.index_value(r)?;
                match Int::of(i) {
                    Some(Int::Small(i)) if i >= 0 => Ok(i as usize),
                    _ => Err(self.value_error("__len__() should return >= 0")),
                }
            }
        }
    }

    /// `operator.index(v)`: an int of exact type... or of a subclass, as CPython allows with a warning.
    #[inline]
    pub fn index_value(&self, v: Value) -> Res<Value> {
        if v.is_int() {
            return Ok(v);
        }
        if let Some((def, call)) = crate::call::raw_method(type_of(v).special(Special::Index)) {
            self.check_native_stack("")?;
            let r = call(self, def, &[v], None)?;
            return if r.is_int() { Ok(r) } else { self.checked_int(r, "__index__") };
        }
        self.any_index_value(v)
    }

    fn any_index_value(&self, v: Value) -> Res<Value> {
        if long_is_int(v) {
            return Ok(v);
        }
        let t = type_of(v);
        let f = t.special(Special::Index);
        if f.is_empty() {
            return Err(
                self.type_error(format!("'{}' object cannot be interpreted as an integer", full_name(t)))
            );
        }
        let r = self.call_special(f, &[v])?;
        self.checked_int(r, "__index__")
    }

    /// The integer that `v` is or stands for through `__index__`.
    #[inline]
    pub fn index_int(&self, v: Value) -> Res<Int> {
        if v.is_int() {
            return Ok(Int::Small(v.as_int()));
        }
        let i = self.index_value(v)?;
        Int::of(i).ok_or_else(|| self.system_error("an index that is no int"))
    }

    /// As `PyNumber_AsSsize_t`: an index; values out of range raise IndexError.
    pub fn index_isize(&self, v: Value) -> Res<isize> {
        self.size_of_index(self.index_value(v)?, v)
    }

    /// What the index of `v`, an int, is as a size.
    #[inline(always)]
    pub(crate) fn size_of_index(&self, i: Value, v: Value) -> Res<isize> {
        if i.is_int() {
            return Ok(i.as_int() as isize);
        }
        match self.index_int(i)?.to_i64() {
            Some(i) => Ok(i as isize),
            None => Err(self
                .index_error(format!("cannot fit '{}' into an index-sized integer", full_name(type_of(v))))),
        }
    }

    /// As `PyFloat_AsDouble`.
    pub fn to_f64(&self, v: Value) -> Res<f64> {
        if let Some(f) = crate::object_float(v) {
            return Ok(f);
        }
        if let Some(i) = Int::of(v)
            && type_of(v).special(Special::Float).downcast::<MethodDescrObj>().is_some()
        {
            return self.int_to_f64(&i);
        }
        let t = type_of(v);
        let f = t.special(Special::Float);
        if !f.is_empty() {
            let r = self.call_special(f, &[v])?;
            return match crate::object_float(r) {
                Some(f) => Ok(f),
                None => Err(self.type_error(format!(
                    "{}.__float__ returned non-float (type {})",
                    full_name(t),
                    type_of(r).name_str()
                ))),
            };
        }
        if !t.special(Special::Index).is_empty() {
            let i = self.index_int(v)?;
            return self.int_to_f64(&i);
        }
        Err(self.type_error(format!("must be real number, not {}", full_name(t))))
    }

    /// An int as a float, correctly rounded; OverflowError when too large.
    pub fn int_to_f64(&self, i: &Int) -> Res<f64> {
        match i {
            Int::Small(i) => Ok(*i as f64),
            Int::Big(b) => match b.to_f64() {
                Some(f) if f.is_finite() => Ok(f),
                _ => Err(self.overflow_error("int too large to convert to float")),
            },
        }
    }

    /// `a <cmp> b`, the raw result of the rich comparison.
    pub fn compare(&self, a: Value, b: Value, c: Cmp) -> Res<Value> {
        if a.is_int() && b.is_int() {
            return Ok(Value::bool(c.of(a.as_int().cmp(&b.as_int()))));
        }
        if a.is_ptr()
            && b.is_ptr()
            && a.header().map() == b.header().map()
            && let Some((def, call)) = crate::call::raw_method(type_of(a).special(c.special()))
        {
            self.check_native_stack(" in comparison")?;
            let r = call(self, def, &[a, b], None)?;
            return if r == Value::NOT_IMPLEMENTED { self.compare_reflected(a, b, c) } else { Ok(r) };
        }
        self.compare_any(a, b, c)
    }

    /// The second operand's turn, after the first's class did not know.
    #[inline(never)]
    pub(crate) fn compare_reflected(&self, a: Value, b: Value, c: Cmp) -> Res<Value> {
        let g = type_of(b).special(c.swapped().special());
        let r = if g.is_empty() { Value::NOT_IMPLEMENTED } else { self.ask(g, b, a)? };
        if r == Value::NOT_IMPLEMENTED { self.compare_identity(a, b, c) } else { Ok(r) }
    }

    #[inline(never)]
    fn compare_any(&self, a: Value, b: Value, c: Cmp) -> Res<Value> {
        if let (Some(x), Some(y)) = (a.downcast::<StrObj>(), b.downcast::<StrObj>())
            && x.header().map() == rt().maps.str
            && y.header().map() == rt().maps.str
        {
            return Ok(Value::bool(match c {
                Cmp::Eq => x.same_text(&y),
                Cmp::Ne => !x.same_text(&y),
                c => c.of(x.cmp(&y)),
            }));
        }
        self.check_native_stack(" in comparison")?;
        let (ta, tb) = (type_of(a), type_of(b));
        let f = ta.special(c.special());
        if ta == tb
            && let Some(def) = crate::call::plain_native(f, 2)
        {
            self.native_def.set(def);
            let r = (def.func)(self, &[a, b])?;
            return if r == Value::NOT_IMPLEMENTED { self.compare_reflected(a, b, c) } else { Ok(r) };
        }
        let g = tb.special(c.swapped().special());
        let mut tried = false;
        if ta != tb && tb.is_subtype(ta) && !g.is_empty() {
            let r = self.ask(g, b, a)?;
            if r != Value::NOT_IMPLEMENTED {
                return Ok(r);
            }
            tried = true;
        }
        if !f.is_empty() {
            let r = self.ask(f, a, b)?;
            if r != Value::NOT_IMPLEMENTED {
                return Ok(r);
            }
        }
        if !tried && !g.is_empty() {
            let r = self.ask(g, b, a)?;
            if r != Value::NOT_IMPLEMENTED {
                return Ok(r);
            }
        }
        self.compare_identity(a, b, c)
    }

    /// Asks an operand's method about the other operand; one that cannot be had of the operand knows nothing.
    #[inline]
    pub fn ask(&self, f: Value, a: Value, b: Value) -> Res<Value> {
        if f.is::<FunctionObj>() || f.is::<MethodDescrObj>() {
            return self.call_special(f, &[a, b]);
        }
        match self.descr_get(f, a, type_of(a)) {
            Ok(method) => self.call(method, &[b]),
            Err(r) if r.is(rt().types.attribute_error) => Ok(Value::NOT_IMPLEMENTED),
            Err(r) => Err(r),
        }
    }

    /// What is left when neither operand knows.
    fn compare_identity(&self, a: Value, b: Value, c: Cmp) -> Res<Value> {
        let (ta, tb) = (type_of(a), type_of(b));
        match c {
            Cmp::Eq => Ok(Value::bool(self.is(a, b))),
            Cmp::Ne => Ok(Value::bool(!self.is(a, b))),
            _ => Err(self.type_error(format!(
                "'{}' not supported between instances of '{}' and '{}'",
                c.symbol(),
                full_name(ta),
                full_name(tb)
            ))),
        }
    }

    /// The truth of `a <cmp> b`.
    #[inline]
    pub fn compare_bool(&self, a: Value, b: Value, c: Cmp) -> Res<bool> {
        let r = self.compare(a, b, c)?;
        self.truth(r)
    }

    /// `a == b`.
    #[inline]
    pub fn eq(&self, a: Value, b: Value) -> Res<bool> {
        self.compare_bool(a, b, Cmp::Eq)
    }

    /// `a is b or a == b`: how containers compare.
    #[inline]
    pub fn eq_identity(&self, a: Value, b: Value) -> Res<bool> {
        if a == b {
            return Ok(true);
        }
        self.eq(a, b)
    }

    /// `a is b`. Ints and floats are identical by value, whatever their representation.
    #[inline(always)]
    pub fn is(&self, a: Value, b: Value) -> bool {
        a == b || (a.is_ptr() || b.is_ptr()) && self.is_slow(a, b)
    }

    fn is_slow(&self, a: Value, b: Value) -> bool {
        let maps = &rt().maps;
        let boxed = |v: Value| v.is_ptr() && (v.header().map() == maps.int || v.header().map() == maps.float);
        if !boxed(a) && !boxed(b) {
            return false;
        }
        if type_of(a) != type_of(b) {
            return false;
        }
        if type_of(a) == rt().types.float {
            return crate::object_float(a).map(f64::to_bits) == crate::object_float(b).map(f64::to_bits);
        }
        type_of(a) == rt().types.int && Int::of(a) == Int::of(b)
    }

    /// `a <op> b` where one method alone is asked: one implemented in C, of operands that are of one class, or one of which is an
    /// instance of a class of C and the other a number, whose methods know no such instances. `None`: not so.
    #[inline(always)]
    pub(crate) fn binary_by_c(&self, a: Value, b: Value, op: &BinaryOperator) -> Option<Res<Value>> {
        let number = |v: Value| v.is_int() || v.is_float();
        let (f, args) = if a.is_ptr() {
            let f = type_of(a).special(op.method);
            if b.is_ptr() {
                if a.header().map() != b.header().map() {
                    return None;
                }
            } else if !number(b) || !a.is::<crate::foreign::ForeignObj>() || of_sequence(op, f) {
                return None;
            }
            (f, [a, b])
        } else if number(a) && b.is::<crate::foreign::ForeignObj>() {
            let f = type_of(b).special(op.reflected);
            if of_sequence(op, f) {
                return None;
            }
            (f, [b, a])
        } else {
            return None;
        };
        let (def, call) = crate::call::raw_method(f)?;
        Some(match self.check_native_stack("").and_then(|()| call(self, def, &args, None)) {
            Ok(r) if r == Value::NOT_IMPLEMENTED && !of_sequence(op, f) => self.by_sequences(a, b, op, false),
            r => r,
        })
    }

    /// `a <op> b` where the first operand's class has a native method for a slot of numbers, and the second's no say before it: it is asked
    /// without more ado. `None`: not so.
    #[inline(never)]
    pub(crate) fn binary_by_native(&self, a: Value, b: Value, op: &BinaryOperator) -> Option<Res<Value>> {
        if !a.is_ptr() {
            return None;
        }
        let (ta, tb) = (type_of(a), type_of(b));
        let f = ta.special(op.method);
        if !f.is_ptr() || f.header().map() != rt().maps.wrapper_descriptor {
            return None;
        }
        // SAFETY: what the map says is what the object is.
        let def = unsafe { f.cast::<MethodDescrObj>() }.def;
        let g = if ta == tb { Value::EMPTY } else { tb.special(op.reflected) };
        if def.raw.is_some()
            || !def.simple
            || def.nparams != 2
            || !g.is_empty() && tb.is_subtype(ta)
            || of_sequence(op, f)
        {
            return None;
        }
        Some(self.check_native_stack("").and_then(|()| {
            self.native_def.set(def);
            let r = (def.func)(self, &[a, b])?;
            if r != Value::NOT_IMPLEMENTED {
                return Ok(r);
            }
            if !g.is_empty() && !g.is_none() && !of_sequence(op, g) {
                let r = self.call_special(g, &[b, a])?;
                if r != Value::NOT_IMPLEMENTED {
                    return Ok(r);
                }
            }
            self.by_sequences(a, b, op, false)
        }))
    }

    /// `a <op> b` by the methods of the operands; no fast paths.
    pub fn binary(&self, a: Value, b: Value, op: &BinaryOperator) -> Res<Value> {
        if let Some(r) = self.binary_by_c(a, b, op) {
            return r;
        }
        let r = self.by_numbers(a, b, op)?;
        if r == Value::NOT_IMPLEMENTED { self.by_sequences(a, b, op, false) } else { Ok(r) }
    }

    /// As [`Vm::binary`], without the TypeError.
    pub fn binary_or_not_implemented(&self, a: Value, b: Value, op: &BinaryOperator) -> Res<Value> {
        let r = self.by_numbers(a, b, op)?;
        if r != Value::NOT_IMPLEMENTED {
            return Ok(r);
        }
        Ok(self.sequences_or_nothing(a, b, op, false)?.unwrap_or(r))
    }

    /// The methods that stand for slots of numbers: the first operand's, the second's reflected one.
    fn by_numbers(&self, a: Value, b: Value, op: &BinaryOperator) -> Res<Value> {
        self.check_native_stack("")?;
        let (ta, tb) = (type_of(a), type_of(b));
        let f = ta.special(op.method);
        let g = if ta == tb { Value::EMPTY } else { tb.special(op.reflected) };
        let f = if of_sequence(op, f) { Value::EMPTY } else { f };
        // One function of C behind both: it is asked once.
        let g = if same_slot(f, g) || of_sequence(op, g) { Value::EMPTY } else { g };
        let reflected_first = !g.is_empty() && tb.is_subtype(ta) && g != ta.special(op.reflected);
        if reflected_first {
            let r = self.ask(g, b, a)?;
            if r != Value::NOT_IMPLEMENTED {
                return Ok(r);
            }
        }
        if !f.is_empty() && !f.is_none() {
            let r = self.ask(f, a, b)?;
            if r != Value::NOT_IMPLEMENTED {
                return Ok(r);
            }
        }
        if !reflected_first && !g.is_empty() && !g.is_none() {
            return self.ask(g, b, a);
        }
        Ok(Value::NOT_IMPLEMENTED)
    }

    /// What no number slot knows: slots of sequences, or TypeError.
    #[inline(never)]
    pub fn by_sequences(&self, a: Value, b: Value, op: &BinaryOperator, inplace: bool) -> Res<Value> {
        match self.sequences_or_nothing(a, b, op, inplace)? {
            Some(r) => Ok(r),
            None => Err(self.unsupported(a, b, op, inplace)),
        }
    }

    /// `+` and `*` by what stands for slots of sequences. The left operand's slot decides, even by an error.
    fn sequences_or_nothing(
        &self,
        a: Value,
        b: Value,
        op: &BinaryOperator,
        inplace: bool,
    ) -> Res<Option<Value>> {
        if !matches!(op.method, Special::Add | Special::Mul) {
            return Ok(None);
        }
        let (ta, tb) = (type_of(a), type_of(b));
        let builtin = |f: Value| of_sequence(op, f) && of_builtin(f);
        let ask = |f: Value, x: Value, y: Value| {
            let r = self.call_special(f, &[x, y])?;
            Ok(if r == Value::NOT_IMPLEMENTED { None } else { Some(r) })
        };
        if inplace && builtin(ta.special(op.inplace)) {
            return ask(ta.special(op.inplace), a, b);
        }
        if builtin(ta.special(op.method)) {
            return ask(ta.special(op.method), a, b);
        }
        if let Some(foreign) = crate::foreign::try_foreign()
            && let Some(r) = foreign.sequence_operator(self, a, b, op.method, inplace)
        {
            return r.map(Some);
        }
        // A left operand that could be a sequence is none: the right one is not changed in its place.
        if builtin(tb.special(op.reflected)) && !(inplace && ta.has(TypeFlags::HEAP)) {
            return ask(tb.special(op.reflected), b, a);
        }
        Ok(None)
    }

    /// `a <op>= b`.
    pub fn inplace(&self, a: Value, b: Value, op: &BinaryOperator) -> Res<Value> {
        let f = type_of(a).special(op.inplace);
        // The number slots of both come before a sequence's own.
        if !f.is_empty() && !of_sequence(op, f) {
            let r = self.call_special(f, &[a, b])?;
            if r != Value::NOT_IMPLEMENTED {
                return Ok(r);
            }
        }
        self.inplace_by_operands(a, b, op)
    }

    /// As [`Vm::inplace`], after the first operand's own method.
    pub(crate) fn inplace_by_operands(&self, a: Value, b: Value, op: &BinaryOperator) -> Res<Value> {
        let r = self.by_numbers(a, b, op)?;
        if r == Value::NOT_IMPLEMENTED { self.by_sequences(a, b, op, true) } else { Ok(r) }
    }

    /// The TypeError of an operator that neither operand knows.
    #[cold]
    pub(crate) fn unsupported(
        &self,
        a: Value,
        b: Value,
        op: &BinaryOperator,
        inplace: bool,
    ) -> crate::exc::Raised {
        let symbol = match (op.symbol, inplace) {
            ("** or pow()", true) => "**=".to_string(),
            (s, true) => format!("{s}="),
            (s, false) => s.to_string(),
        };
        let (ta, tb) = (full_name(type_of(a)), full_name(type_of(b)));
        if op.symbol == "*" {
            let right = !(inplace && type_of(a).has(TypeFlags::HEAP));
            let builtin = |v| {
                let f = type_of(v).special(op.method);
                of_sequence(op, f) && of_builtin(f)
            };
            for (seq, other, asked) in [(a, &tb, true), (b, &ta, right)] {
                if asked && (is_builtin_sequence(seq) || builtin(seq)) {
                    return self.type_error(format!("can't multiply sequence by non-int of type '{other}'"));
                }
            }
        }
        if op.symbol == ">>" && !inplace && a.downcast::<BuiltinObj>().is_some_and(|f| f.def.name == "print")
        {
            return self.type_error(format!(
                "unsupported operand type(s) for >>: '{ta}' and '{tb}'. Did you mean \"print(<message>, file=<output_stream>)\"?"
            ));
        }
        self.type_error(format!("unsupported operand type(s) for {symbol}: '{ta}' and '{tb}'"))
    }

    /// A unary operator by its method.
    pub fn unary(&self, v: Value, s: Special, symbol: &str) -> Res<Value> {
        match self.try_special(v, s, &[])? {
            Some(r) => Ok(r),
            None => {
                Err(self.type_error(format!("bad operand type for {symbol}: '{}'", full_name(type_of(v)))))
            }
        }
    }

    /// `container[key]`.
    pub fn get_item(&self, c: Value, key: Value) -> Res<Value> {
        let t = type_of(c);
        let f = t.special(Special::Getitem);
        if !f.is_empty() {
            return self.call_special(f, &[c, key]);
        }
        if let Some(class) = c.downcast::<TypeObj>() {
            if class == rt().types.type_ {
                return self.call_generic_alias(c, key);
            }
            if let Some(m) = self.get_attr_opt(c, Special::ClassGetitem.name_value())?
                && !m.is_none()
            {
                return self.call(m, &[key]);
            }
            return Err(self.type_error(format!("type '{}' is not subscriptable", full_name(class))));
        }
        Err(self.type_error(format!("'{}' object is not subscriptable", full_name(t))))
    }

    /// `types.GenericAlias(origin, key)`.
    pub fn call_generic_alias(&self, origin: Value, key: Value) -> Res<Value> {
        self.call(GENERIC_ALIAS.get().value(), &[origin, key])
    }

    /// `container[key] = v`.
    pub fn set_item(&self, c: Value, key: Value, v: Value) -> Res<()> {
        let t = type_of(c);
        let f = t.special(Special::Setitem);
        if f.is_empty() {
            return Err(
                self.type_error(format!("'{}' object does not support item assignment", full_name(t)))
            );
        }
        self.call_special(f, &[c, key, v]).map(|_| ())
    }

    /// `del container[key]`.
    pub fn del_item(&self, c: Value, key: Value) -> Res<()> {
        let t = type_of(c);
        let f = t.special(Special::Delitem);
        if f.is_empty() {
            // (Sequences say it in other words, if they are asked as such.)
            let sequence = t.has(TypeFlags::HEAP)
                || [Special::Len, Special::Contains, Special::Getitem]
                    .iter()
                    .any(|&s| !t.special(s).is_empty());
            let index = key.is_int() || !type_of(key).special(Special::Index).is_empty();
            let not = if sequence && index { "doesn't" } else { "does not" };
            return Err(self.type_error(format!("'{}' object {not} support item deletion", full_name(t))));
        }
        self.call_special(f, &[c, key]).map(|_| ())
    }

    /// `v in container`.
    pub fn contains(&self, c: Value, v: Value) -> Res<bool> {
        let t = type_of(c);
        let f = t.special(Special::Contains);
        if !f.is_empty() {
            if f.is_none() {
                return Err(self.type_error(format!("'{}' object is not a container", full_name(t))));
            }
            let r = self.call_special(f, &[c, v])?;
            return self.truth(r);
        }
        // Whatever TypeError `__iter__` raises.
        let it = self.iter(c).map_err(|r| match r.is(rt().types.type_error) {
            true => {
                self.type_error(format!("argument of type '{}' is not a container or iterable", full_name(t)))
            }
            false => r,
        })?;
        while let Some(x) = self.next(it)? {
            if self.eq_identity(x, v)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `repr(v)`.
    pub fn repr(&self, v: Value) -> Res<Ptr<StrObj>> {
        self.check_native_stack(" while getting the repr of an object")?;
        let f = type_of(v).special(Special::Repr);
        let r = self.call_special(f, &[v])?;
        self.checked_str(r, "__repr__")
    }

    /// `repr(v)` as Rust text.
    pub fn repr_str(&self, v: Value) -> Res<String> {
        Ok(self.repr(v)?.display())
    }

    /// `str(v)`.
    pub fn str(&self, v: Value) -> Res<Ptr<StrObj>> {
        if let Some(s) = v.downcast::<StrObj>()
            && s.header().map() == rt().maps.str
        {
            return Ok(s);
        }
        self.check_native_stack(" while getting the str of an object")?;
        let f = type_of(v).special(Special::Str);
        let r = self.call_special(f, &[v])?;
        self.checked_str(r, "__str__")
    }

    /// `format(v, spec)`.
    pub fn format(&self, v: Value, spec: Ptr<StrObj>) -> Res<Ptr<StrObj>> {
        if spec.is_empty() {
            if let Some(s) = v.downcast::<StrObj>()
                && s.header().map() == rt().maps.str
            {
                return Ok(s);
            }
            if v.is_int() {
                return self.str(v);
            }
        }
        let f = type_of(v).special(Special::Format);
        let r = self.call_special(f, &[v, spec.value()])?;
        r.downcast().ok_or_else(|| {
            self.type_error(format!("__format__ must return a str, not {}", type_of(r).name_str()))
        })
    }
}

fn long_is_int(v: Value) -> bool {
    v.is_int() || v.is_bool() || v.is::<LongObj>()
}

fn is_builtin_sequence(v: Value) -> bool {
    v.is::<ListObj>()
        || v.is::<TupleObj>()
        || v.is::<StrObj>()
        || v.is::<BytesObj>()
        || v.is::<BytearrayObj>()
}

/// Whether a method stands for a slot of sequences (`+` and `*` of the builtin ones, and of those of C that say so): it is tried after
/// the number slots of both operands.
#[inline]
pub(crate) fn of_sequence(op: &BinaryOperator, f: Value) -> bool {
    if !matches!(op.method, Special::Add | Special::Mul) {
        return false;
    }
    let Some(m) = f.downcast::<MethodDescrObj>() else { return false };
    if let Some(raw) = m.def.raw {
        return crate::native::is_sequence_slot(raw.data[1]);
    }
    // The class that defines the method: those derived from it have the same one.
    let t = &rt().types;
    m.class
        .downcast::<TypeObj>()
        .is_some_and(|c| c.has(TypeFlags::SEQUENCE) || [t.str, t.bytes, t.bytearray].contains(&c))
}

/// Whether a class of the interpreter's own, or what it is derived from, has `*` and `+` as a sequence.
pub(crate) fn repeats(class: Ptr<TypeObj>) -> bool {
    let t = &rt().types;
    class.has(TypeFlags::SEQUENCE) || [t.str, t.bytes, t.bytearray].iter().any(|s| class.is_subtype(*s))
}

/// Whether a method of a sequence is no slot of C.
fn of_builtin(f: Value) -> bool {
    f.downcast::<MethodDescrObj>().is_some_and(|m| m.def.raw.is_none())
}

/// Whether two methods call one function of C.
pub fn same_slot(f: Value, g: Value) -> bool {
    let function = |v| crate::call::raw_method(v).and_then(|(def, _)| def.raw).map(|raw| raw.data[0]);
    function(f).is_some_and(|f| function(g) == Some(f))
}
