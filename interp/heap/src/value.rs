//! The NaN-boxed value.
//!
//! | bits                                   | meaning                                   |
//! |----------------------------------------|-------------------------------------------|
//! | `0x0000_0000_0000_0000`                | [`Value::EMPTY`]: no value (unbound)      |
//! | `0x0000_0000_0000_0010 ..= 0x0ff0`     | singletons                                |
//! | `0x0000_xxxx_xxxx_xxx0` or `..8`       | pointer to a heap object, itself          |
//! | `0x0001_.. ..= 0xfff2_0000_0000_0000`  | a double, its bits plus `1 << 48`         |
//! | `0xfff8_.. ..= 0xffff_..`              | a 51-bit signed integer                   |
//!
//! Pointers are unchanged so that a conservative scan of a native stack sees them.

use crate::object::{Header, Ptr};
use crate::{HeapObject, MapRef};

/// One Python value in 64 bits.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Value(u64);

const INT_TAG: u64 = 0xfff8 << 48;
const DOUBLE_OFFSET: u64 = 1 << 48;
const INT_SHIFT: u32 = 13;

impl Value {
    /// No value: an unbound local, an absent argument, an unused slot.
    pub const EMPTY: Value = Value(0);
    /// `None`.
    pub const NONE: Value = Value(0x10);
    /// `False`.
    pub const FALSE: Value = Value(0x20);
    /// `True`.
    pub const TRUE: Value = Value(0x30);
    /// `Ellipsis`.
    pub const ELLIPSIS: Value = Value(0x40);
    /// `NotImplemented`.
    pub const NOT_IMPLEMENTED: Value = Value(0x50);
    /// Private: a deleted hash-table entry or a similar mark that Python code never sees.
    pub const DELETED: Value = Value(0x60);
    /// The largest integer that is kept unboxed.
    pub const INT_MAX: i64 = (1 << 50) - 1;
    /// The smallest integer that is kept unboxed.
    pub const INT_MIN: i64 = -(1 << 50);

    /// The raw word.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// A value from its raw word.
    ///
    /// # Safety
    /// `bits` must come from [`Value::bits`] of a value that is still alive.
    #[inline(always)]
    pub const unsafe fn from_bits(bits: u64) -> Value {
        Value(bits)
    }

    /// A small integer, or `None` when `i` does not fit in 51 bits.
    #[inline(always)]
    pub const fn try_int(i: i64) -> Option<Value> {
        if i >= Self::INT_MIN && i <= Self::INT_MAX { Some(Self::int(i)) } else { None }
    }

    /// A small integer that is known to fit in 51 bits.
    #[inline(always)]
    pub const fn int(i: i64) -> Value {
        debug_assert!(i >= Self::INT_MIN && i <= Self::INT_MAX);
        Value(i as u64 | INT_TAG)
    }

    /// Whether this is an unboxed integer (not a `bool`, not a heap integer).
    #[inline(always)]
    pub const fn is_int(self) -> bool {
        self.0 >= INT_TAG
    }

    /// Whether both are unboxed integers.
    #[inline(always)]
    pub const fn both_ints(self, other: Value) -> bool {
        self.0 & other.0 >= INT_TAG
    }

    /// The integer; only for values of which [`Value::is_int`] holds.
    #[inline(always)]
    pub const fn as_int(self) -> i64 {
        ((self.0 << INT_SHIFT) as i64) >> INT_SHIFT
    }

    /// `self + other` for two unboxed integers; `None` when the sum needs more than 51 bits.
    #[inline(always)]
    pub fn int_add(self, other: Value) -> Option<Value> {
        let (s, o) = ((self.0 << INT_SHIFT) as i64).overflowing_add((other.0 << INT_SHIFT) as i64);
        if o { None } else { Some(Value((s as u64 >> INT_SHIFT) | INT_TAG)) }
    }

    /// `self - other` for two unboxed integers; `None` when the difference needs more than 51 bits.
    #[inline(always)]
    pub fn int_sub(self, other: Value) -> Option<Value> {
        let (s, o) = ((self.0 << INT_SHIFT) as i64).overflowing_sub((other.0 << INT_SHIFT) as i64);
        if o { None } else { Some(Value((s as u64 >> INT_SHIFT) | INT_TAG)) }
    }

    /// `self * other` for two unboxed integers; `None` when the product needs more than 51 bits.
    #[inline(always)]
    pub fn int_mul(self, other: Value) -> Option<Value> {
        let (s, o) = self.as_int().overflowing_mul((other.0 << INT_SHIFT) as i64);
        if o { None } else { Some(Value((s as u64 >> INT_SHIFT) | INT_TAG)) }
    }

    /// An unboxed float. Of a NaN only the sign is kept.
    #[inline(always)]
    pub fn float(f: f64) -> Value {
        let bits = f.to_bits();
        // A negative quiet NaN would run into the integers; a signalling one fits.
        let bits = match f.is_nan() {
            true if f.is_sign_negative() => 0xfff1_0000_0000_0000,
            true => 0x7ff8_0000_0000_0000,
            false => bits,
        };
        Value(bits.wrapping_add(DOUBLE_OFFSET))
    }

    /// Whether this is an unboxed float.
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        self.0.wrapping_sub(DOUBLE_OFFSET) < INT_TAG - DOUBLE_OFFSET
    }

    /// The float; only for values of which [`Value::is_float`] holds.
    #[inline(always)]
    pub const fn as_float(self) -> f64 {
        f64::from_bits(self.0.wrapping_sub(DOUBLE_OFFSET))
    }

    /// `True` or `False`.
    #[inline(always)]
    pub const fn bool(b: bool) -> Value {
        Value(0x20 | (b as u64) << 4)
    }

    /// Whether this is `True` or `False`.
    #[inline(always)]
    pub const fn is_bool(self) -> bool {
        self.0 & !0x10 == 0x20
    }

    /// Whether this is [`Value::EMPTY`].
    #[inline(always)]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is `None`.
    #[inline(always)]
    pub const fn is_none(self) -> bool {
        self.0 == Self::NONE.0
    }

    /// Whether this points to a heap object.
    #[inline(always)]
    pub const fn is_ptr(self) -> bool {
        self.0.wrapping_sub(0x1000) < (1 << 48) - 0x1000
    }

    /// Whether this is a pointer or a singleton, that is neither an int nor a float.
    #[inline(always)]
    pub const fn is_not_number(self) -> bool {
        self.0 < DOUBLE_OFFSET
    }

    /// The header of the heap object; only for values of which [`Value::is_ptr`] holds.
    #[inline(always)]
    pub fn header(self) -> &'static Header {
        debug_assert!(self.is_ptr());
        // SAFETY: a pointer value is the address of a live object, whose first field is its header.
        // The conservative scan keeps it in place while this reference is in a native frame.
        unsafe { &*(self.0 as *const Header) }
    }

    /// The map of the heap object, if this is one.
    #[inline(always)]
    pub fn map(self) -> Option<MapRef> {
        if self.is_ptr() { Some(self.header().map()) } else { None }
    }

    /// The object seen as a `T`, when its layout is `T`'s (so also for instances of subclasses).
    #[inline(always)]
    pub fn downcast<T: HeapObject>(self) -> Option<Ptr<T>> {
        if self.is_ptr() && std::ptr::eq(self.header().map().kind(), T::kind()) {
            // SAFETY: the kind in its map says that the object is laid out as a T.
            Some(unsafe { self.cast() })
        } else {
            None
        }
    }

    /// Whether the object's layout is `T`'s.
    #[inline(always)]
    pub fn is<T: HeapObject>(self) -> bool {
        self.is_ptr() && std::ptr::eq(self.header().map().kind(), T::kind())
    }

    /// The object seen as a `T` without a check in release builds.
    ///
    /// # Safety
    /// The value must point to an object laid out as `T`.
    #[inline(always)]
    pub unsafe fn cast<T: HeapObject>(self) -> Ptr<T> {
        debug_assert!(self.is::<T>());
        // SAFETY: the caller's promise.
        unsafe { Ptr::from_raw(self.0 as *mut T) }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Value::EMPTY => write!(f, "<empty>"),
            Value::NONE => write!(f, "None"),
            Value::TRUE => write!(f, "True"),
            Value::FALSE => write!(f, "False"),
            Value::ELLIPSIS => write!(f, "Ellipsis"),
            Value::NOT_IMPLEMENTED => write!(f, "NotImplemented"),
            v if v.is_int() => write!(f, "{}", v.as_int()),
            v if v.is_float() => write!(f, "{:?}", v.as_float()),
            v if v.is_ptr() => write!(f, "<{} at {:#x}>", v.header().map().kind().name, v.0),
            v => write!(f, "<value {:#x}>", v.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_round_trip_and_overflow() {
        for i in [0, 1, -1, Value::INT_MAX, Value::INT_MIN, 123_456_789_012] {
            let v = Value::int(i);
            assert!(v.is_int() && !v.is_float() && !v.is_ptr());
            assert_eq!(v.as_int(), i);
        }
        assert!(Value::try_int(1 << 50).is_none());
        assert!(Value::int(Value::INT_MAX).int_add(Value::int(1)).is_none());
        assert!(Value::int(Value::INT_MIN).int_sub(Value::int(1)).is_none());
        assert_eq!(Value::int(-7).int_mul(Value::int(6)), Some(Value::int(-42)));
        assert!(Value::int(1 << 40).int_mul(Value::int(1 << 40)).is_none());
    }

    #[test]
    fn floats_round_trip() {
        for f in [0.0, -0.0, 1.5, -1.5, f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY, 5e-324] {
            let v = Value::float(f);
            assert!(v.is_float() && !v.is_int() && !v.is_ptr(), "{f}");
            assert_eq!(v.as_float().to_bits(), f.to_bits());
        }
        assert!(Value::float(f64::NAN).as_float().is_nan());
        assert!(Value::float(-f64::NAN).is_float());
    }

    #[test]
    fn singletons_are_neither() {
        for v in [Value::EMPTY, Value::NONE, Value::TRUE, Value::FALSE, Value::ELLIPSIS] {
            assert!(!v.is_int() && !v.is_float() && !v.is_ptr());
        }
        assert!(Value::TRUE.is_bool() && Value::FALSE.is_bool() && !Value::NONE.is_bool());
    }
}
