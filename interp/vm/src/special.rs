//! The special method names that operators and protocols look up on the type.

use cape_heap::Value;

use crate::object::StrObj;

macro_rules! specials {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// A special method; the index into `TypeObj::special`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each is named like its method")]
        pub enum Special { $($variant),* }

        /// Their names, in order.
        pub const SPECIAL_NAMES: &[&str] = &[$($name),*];
        const ALL: &[Special] = &[$(Special::$variant),*];
    };
}

specials! {
    Repr "__repr__", Str "__str__", Bytes "__bytes__", Format "__format__", Hash "__hash__", Bool "__bool__",
    Lt "__lt__", Le "__le__", Eq "__eq__", Ne "__ne__", Gt "__gt__", Ge "__ge__",
    Getattribute "__getattribute__", Getattr "__getattr__", Setattr "__setattr__", Delattr "__delattr__",
    Get "__get__", Set "__set__", Delete "__delete__", SetName "__set_name__",
    New "__new__", Init "__init__", Del "__del__", Call "__call__", InitSubclass "__init_subclass__",
    Len "__len__", LengthHint "__length_hint__", Getitem "__getitem__", Setitem "__setitem__", Delitem "__delitem__",
    Missing "__missing__", Contains "__contains__", Iter "__iter__", Next "__next__", Reversed "__reversed__",
    Add "__add__", Sub "__sub__", Mul "__mul__", Matmul "__matmul__", Truediv "__truediv__", Floordiv "__floordiv__",
    Mod "__mod__", Divmod "__divmod__", Pow "__pow__", Lshift "__lshift__", Rshift "__rshift__",
    And "__and__", Xor "__xor__", Or "__or__",
    Radd "__radd__", Rsub "__rsub__", Rmul "__rmul__", Rmatmul "__rmatmul__", Rtruediv "__rtruediv__",
    Rfloordiv "__rfloordiv__", Rmod "__rmod__", Rdivmod "__rdivmod__", Rpow "__rpow__", Rlshift "__rlshift__",
    Rrshift "__rrshift__", Rand "__rand__", Rxor "__rxor__", Ror "__ror__",
    Iadd "__iadd__", Isub "__isub__", Imul "__imul__", Imatmul "__imatmul__", Itruediv "__itruediv__",
    Ifloordiv "__ifloordiv__", Imod "__imod__", Ipow "__ipow__", Ilshift "__ilshift__", Irshift "__irshift__",
    Iand "__iand__", Ixor "__ixor__", Ior "__ior__",
    Neg "__neg__", Pos "__pos__", Abs "__abs__", Invert "__invert__", Complex "__complex__", Int "__int__",
    Float "__float__", Index "__index__", Round "__round__", Trunc "__trunc__", Floor "__floor__", Ceil "__ceil__",
    Enter "__enter__", Exit "__exit__", Aenter "__aenter__", Aexit "__aexit__",
    Await "__await__", Aiter "__aiter__", Anext "__anext__",
    Instancecheck "__instancecheck__", Subclasscheck "__subclasscheck__", Subclasshook "__subclasshook__",
    ClassGetitem "__class_getitem__", MroEntries "__mro_entries__", Prepare "__prepare__",
    Buffer "__buffer__", ReleaseBuffer "__release_buffer__", Dir "__dir__", Sizeof "__sizeof__",
    Reduce "__reduce__", ReduceEx "__reduce_ex__", Getstate "__getstate__", Fspath "__fspath__",
}

/// Number of special methods.
pub const SPECIAL_COUNT: usize = SPECIAL_NAMES.len();

/// Slots of the index of names.
pub(crate) const INDEX: usize = 512;

/// Where the search for a name begins: interned strings do not move.
fn slot(name: Value) -> usize {
    ((name.bits() >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55) as usize % INDEX
}

/// For each slot: the number of the name there and one more, or 0.
pub(crate) fn index(names: &[Value; SPECIAL_COUNT]) -> [u8; INDEX] {
    const { assert!(SPECIAL_COUNT < 256 && SPECIAL_COUNT < INDEX / 2) };
    let mut index = [0; INDEX];
    for (n, &name) in names.iter().enumerate() {
        let mut i = slot(name);
        while index[i] != 0 {
            i = (i + 1) % INDEX;
        }
        index[i] = n as u8 + 1;
    }
    index
}

impl Special {
    /// All of them, in order.
    pub fn all() -> &'static [Special] {
        ALL
    }

    /// Its Python name.
    pub fn name(self) -> &'static str {
        SPECIAL_NAMES[self as usize]
    }

    /// Its Python name as the interned string.
    #[inline(always)]
    pub fn name_value(self) -> Value {
        crate::runtime::rt().special_names[self as usize]
    }

    /// The special method that a key of a class's dictionary names.
    pub fn of_key(key: Value) -> Option<Special> {
        let rt = crate::runtime::rt();
        let mut i = slot(key);
        while let n @ 1.. = rt.special_index[i] as usize {
            if rt.special_names[n - 1] == key {
                return Some(ALL[n - 1]);
            }
            i = (i + 1) % INDEX;
        }
        // Others that are not interned may have the text of one.
        key.downcast::<StrObj>().filter(|s| !s.is_interned()).and_then(|s| Special::of_name(s.as_ascii()?))
    }

    /// The special method with this Python name.
    pub fn of_name(name: &str) -> Option<Special> {
        if !name.starts_with("__") {
            return None;
        }
        // The table is searched at class creation only, for names that begin with two underscores.
        SPECIAL_NAMES.iter().position(|n| *n == name).map(|i| ALL[i])
    }
}
