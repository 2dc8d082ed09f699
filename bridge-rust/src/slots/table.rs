//! The table of slots that have special methods.

use cape_vm::special::Special;

use super::trampolines as t;

/// How a slot function is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// `PyObject *f(self)`
    Unary,
    /// `PyObject *f(self, other)`; the reflected method calls it with the operands exchanged.
    Binary,
    /// `PyObject *f(self, other)`, without a reflected method.
    InPlace,
    /// `PyObject *f(self, other, modulus)`
    Power,
    /// The same, without a reflected method.
    InPlacePower,
    /// `int f(self)`
    Inquiry,
    /// `Py_ssize_t f(self)`
    Len,
    /// `Py_hash_t f(self)`
    Hash,
    /// `PyObject *f(self, Py_ssize_t)`
    Index,
    /// `PyObject *f(self, Py_ssize_t)` of a repetition.
    Repeat,
    /// `int f(self, Py_ssize_t, value or NULL)`
    SetIndex,
    /// `PyObject *f(self, key)`
    Subscript,
    /// `int f(self, key, value or NULL)`
    SetSubscript,
    /// `int f(self, value)`
    Contains,
    /// `PyObject *f(self, other, op)`
    Compare,
    /// `PyObject *f(self)`, NULL without an exception at the end.
    Next,
    /// `PyObject *f(self, args, kwargs)`
    Call,
    /// `int f(self, args, kwargs)`
    Init,
    /// `PyObject *f(self, name)`
    GetAttr,
    /// `int f(self, name, value or NULL)`
    SetAttr,
    /// `PyObject *f(self, object, type)`
    Get,
    /// `int f(self, object, value or NULL)`
    Set,
    /// `void f(self)`
    Destructor,
}

/// One slot.
pub struct SlotRow {
    /// Its number in `typeslots.h`.
    pub slot: i32,
    /// The method that it stands for.
    pub special: Special,
    /// Further methods that it serves: reflected, deleting, the other comparisons.
    pub others: &'static [Special],
    /// Its signature.
    pub shape: Shape,
    /// Calls the method of a managed object; null: such slots are C's alone.
    pub trampoline: *const (),
}

impl SlotRow {
    /// Whether operators ask the slot after those of numbers.
    pub fn is_late(&self) -> bool {
        matches!(self.slot, CONCAT | REPEAT | INPLACE_CONCAT | INPLACE_REPEAT)
    }
}

/// `sq_concat`
pub const CONCAT: i32 = 40;
/// `sq_repeat`
pub const REPEAT: i32 = 46;
/// `sq_inplace_concat`
pub const INPLACE_CONCAT: i32 = 42;
/// `sq_inplace_repeat`
pub const INPLACE_REPEAT: i32 = 43;
/// `nb_power`
pub const POWER: i32 = 33;
/// `nb_inplace_power`
pub const INPLACE_POWER: i32 = 20;

// SAFETY: the trampolines are functions.
unsafe impl Sync for SlotRow {}

macro_rules! rows {
    ($($slot:literal $name:ident $special:ident [$($other:ident),*] $shape:ident $tramp:expr;)*) => {
        /// All slots, in the order in which they are filled.
        pub static ROWS: &[SlotRow] = &[$(SlotRow {
            slot: $slot, special: Special::$special, others: &[$(Special::$other),*], shape: Shape::$shape,
            trampoline: $tramp as *const (),
        }),*];
        /// The number of a slot by its C name.
        pub fn slot_number(name: &str) -> Option<i32> {
            match name { $(stringify!($name) => Some($slot),)* _ => None }
        }
    };
}

/// Classes of the VM have one method for the slot of numbers and that of sequences: only the former is filled.
const NOT_FILLED: *const () = std::ptr::null();

const fn s(x: Special) -> usize {
    x as usize
}

rows! {
    66 tp_repr Repr [] Unary t::unary::<{ s(Special::Repr) }>;
    70 tp_str Str [] Unary t::unary::<{ s(Special::Str) }>;
    59 tp_hash Hash [] Hash t::hash;
    50 tp_call Call [] Call t::call;
    58 tp_getattro Getattribute [Getattr] GetAttr t::getattro;
    69 tp_setattro Setattr [Delattr] SetAttr t::setattro;
    67 tp_richcompare Eq [Ne, Lt, Le, Gt, Ge] Compare t::richcompare;
    62 tp_iter Iter [] Unary t::unary::<{ s(Special::Iter) }>;
    63 tp_iternext Next [] Next t::iternext;
    54 tp_descr_get Get [] Get t::descr_get;
    55 tp_descr_set Set [Delete] Set t::descr_set;
    60 tp_init Init [] Init t::init;
    80 tp_finalize Del [] Destructor t::finalize;
    7 nb_add Add [Radd] Binary t::binary::<0>;
    36 nb_subtract Sub [Rsub] Binary t::binary::<1>;
    29 nb_multiply Mul [Rmul] Binary t::binary::<2>;
    34 nb_remainder Mod [Rmod] Binary t::binary::<3>;
    10 nb_divmod Divmod [Rdivmod] Binary t::binary::<4>;
    33 nb_power Pow [Rpow] Power t::power;
    20 nb_inplace_power Ipow [] InPlacePower t::inplace_power;
    30 nb_negative Neg [] Unary t::unary::<{ s(Special::Neg) }>;
    32 nb_positive Pos [] Unary t::unary::<{ s(Special::Pos) }>;
    6 nb_absolute Abs [] Unary t::unary::<{ s(Special::Abs) }>;
    9 nb_bool Bool [] Inquiry t::boolean;
    27 nb_invert Invert [] Unary t::unary::<{ s(Special::Invert) }>;
    28 nb_lshift Lshift [Rlshift] Binary t::binary::<5>;
    35 nb_rshift Rshift [Rrshift] Binary t::binary::<6>;
    8 nb_and And [Rand] Binary t::binary::<7>;
    38 nb_xor Xor [Rxor] Binary t::binary::<8>;
    31 nb_or Or [Ror] Binary t::binary::<9>;
    26 nb_int Int [] Unary t::unary::<{ s(Special::Int) }>;
    11 nb_float Float [] Unary t::unary::<{ s(Special::Float) }>;
    14 nb_inplace_add Iadd [] InPlace t::inplace::<{ s(Special::Iadd) }>;
    23 nb_inplace_subtract Isub [] InPlace t::inplace::<{ s(Special::Isub) }>;
    18 nb_inplace_multiply Imul [] InPlace t::inplace::<{ s(Special::Imul) }>;
    21 nb_inplace_remainder Imod [] InPlace t::inplace::<{ s(Special::Imod) }>;
    17 nb_inplace_lshift Ilshift [] InPlace t::inplace::<{ s(Special::Ilshift) }>;
    22 nb_inplace_rshift Irshift [] InPlace t::inplace::<{ s(Special::Irshift) }>;
    15 nb_inplace_and Iand [] InPlace t::inplace::<{ s(Special::Iand) }>;
    25 nb_inplace_xor Ixor [] InPlace t::inplace::<{ s(Special::Ixor) }>;
    19 nb_inplace_or Ior [] InPlace t::inplace::<{ s(Special::Ior) }>;
    12 nb_floor_divide Floordiv [Rfloordiv] Binary t::binary::<10>;
    37 nb_true_divide Truediv [Rtruediv] Binary t::binary::<11>;
    16 nb_inplace_floor_divide Ifloordiv [] InPlace t::inplace::<{ s(Special::Ifloordiv) }>;
    24 nb_inplace_true_divide Itruediv [] InPlace t::inplace::<{ s(Special::Itruediv) }>;
    13 nb_index Index [] Unary t::unary::<{ s(Special::Index) }>;
    75 nb_matrix_multiply Matmul [Rmatmul] Binary t::binary::<12>;
    76 nb_inplace_matrix_multiply Imatmul [] InPlace t::inplace::<{ s(Special::Imatmul) }>;
    4 mp_length Len [] Len t::len;
    5 mp_subscript Getitem [] Subscript t::subscript;
    3 mp_ass_subscript Setitem [Delitem] SetSubscript t::ass_subscript;
    45 sq_length Len [] Len t::len;
    44 sq_item Getitem [] Index t::sq_item;
    39 sq_ass_item Setitem [Delitem] SetIndex t::sq_ass_item;
    40 sq_concat Add [] InPlace NOT_FILLED;
    46 sq_repeat Mul [Rmul] Repeat NOT_FILLED;
    42 sq_inplace_concat Iadd [] InPlace NOT_FILLED;
    43 sq_inplace_repeat Imul [] Repeat NOT_FILLED;
    41 sq_contains Contains [] Contains t::contains;
    77 am_await Await [] Unary t::unary::<{ s(Special::Await) }>;
    78 am_aiter Aiter [] Unary t::unary::<{ s(Special::Aiter) }>;
    79 am_anext Anext [] Unary t::unary::<{ s(Special::Anext) }>;
}
