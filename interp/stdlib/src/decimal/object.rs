//! `decimal.Decimal`: its objects.

use cape_decimal::{Kind, Num, Number};
use cape_heap::{Header, MapRef, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

heap_object! {
    /// A number; the limbs of its coefficient, `len` of them, follow the fixed part.
    pub struct DecimalObj { negative: bool, kind: Native<Kind>, len: u32, exp: i64 } [size = DecimalObj::bytes] [leaf]
}

impl Named for DecimalObj {
    const NAME: &'static str = "decimal.Decimal";
}

/// A reference to a number.
pub type Dec = Ptr<DecimalObj>;

static TYPE: StaticType = StaticType::new();

/// The class.
pub fn class() -> Ptr<TypeObj> {
    TYPE.get()
}

/// Makes the class, once.
pub fn make_type(vm: &Vm) -> Res<()> {
    if TYPE.try_get().is_some() {
        return Ok(());
    }
    let b = new_type::<DecimalObj>("decimal.Decimal", rt().types.object, TypeFlags::BASE).doc(
        "A decimal number. The value is an int, a str, a float, a tuple of sign, digits and exponent, or another number, and is taken as it \
         is, exactly; the context only says whether what is no number is an error.",
    );
    TYPE.set(b.class());
    super::construct::add(b);
    super::operators::add(b);
    super::methods::add(b);
    super::convert::add(b);
    super::format::add(b);
    let number = vm.import_attr("numbers", "Number")?;
    vm.call_method(number, intern("register"), &[b.class().value()])?;
    Ok(())
}

impl DecimalObj {
    fn bytes(&self) -> usize {
        size_of::<DecimalObj>() + 8 * self.len as usize
    }

    /// The number.
    #[inline(always)]
    pub fn num(&self) -> Num<'_> {
        // SAFETY: len limbs follow the fixed part, which is a multiple of eight bytes long.
        let coeff = unsafe {
            std::slice::from_raw_parts((self as *const DecimalObj).add(1) as *const u64, self.len as usize)
        };
        Num { negative: self.negative, kind: self.kind.0, exp: self.exp, coeff }
    }

    /// A number of the class with this map.
    #[inline]
    pub fn with_map(map: MapRef, n: Num<'_>) -> Dec {
        const { assert!(size_of::<DecimalObj>().is_multiple_of(8)) };
        let len = n.coeff.len();
        let bytes = size_of::<DecimalObj>() + 8 * len;
        let init = DecimalObj {
            header: Header::new(map),
            negative: n.negative,
            kind: Native(n.kind),
            len: len as u32,
            exp: n.exp,
        };
        let p = if len != 0 && map == class().instance_map() {
            heap().alloc_plain_leaf(map, bytes, init)
        } else {
            heap().alloc_var(map, bytes, init)
        };
        let to = (&raw const *p).wrapping_add(1) as *mut u64;
        if len <= 4 {
            for (i, &x) in n.coeff.iter().enumerate() {
                // SAFETY: len limbs follow the fixed part, and nobody else has seen the object. (Volatile, or it would be a call.)
                unsafe { to.add(i).write_volatile(x) };
            }
        } else {
            // SAFETY: as above.
            unsafe { std::ptr::copy_nonoverlapping(n.coeff.as_ptr(), to, len) };
        }
        p
    }

    /// Whether it is of the very class.
    pub fn is_exact(&self) -> bool {
        self.header.map() == class().instance_map()
    }
}

/// A number of the very class.
#[inline]
pub fn new(n: &Number) -> Value {
    DecimalObj::with_map(class().instance_map(), n.view()).value()
}

/// A number of a class: one derived is called with it.
pub fn of_class(vm: &Vm, cls: Ptr<TypeObj>, n: &Number) -> Res<Value> {
    let v = new(n);
    if cls == class() { Ok(v) } else { vm.call(cls.value(), &[v]) }
}
