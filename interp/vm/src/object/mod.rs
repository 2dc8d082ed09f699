//! Layouts of the core builtin objects, with the operations that need no Python code to run.
//!
//! One file per type. What Python sees of them (methods, constructors) is declared in `cape-builtins`.

mod array;
mod bytes;
mod cache;
mod cell;
mod code;
mod complex;
pub mod dict;
pub mod digits;
mod exception;
mod float;
mod function;
mod instance;
mod list;
mod long;
mod module;
mod native;
mod range;
mod str;
mod tuple;
mod types;

pub(crate) use self::array::copy_values;
pub use self::array::{ArrayObj, ValueVec};
pub use self::bytes::{BytearrayObj, BytesObj};
pub use self::cache::CacheObj;
pub(crate) use self::cache::forget_dead;
pub use self::cell::CellObj;
pub use self::code::{CodeObj, Words, byte_offset};
pub use self::complex::ComplexObj;
pub use self::dict::{DictObj, Entry, SetObj, Table, TableKeys};
pub use self::exception::{ExcObj, TracebackObj};
pub use self::float::{FloatObj, float_of};
pub use self::function::{BoundMethodObj, ClassMethodObj, FunctionObj, PropertyObj, StaticMethodObj};
pub use self::instance::{InstanceObj, NamespaceObj};
pub use self::list::ListObj;
pub use self::long::{Int, LongObj, big_value, i128_value, int_value, is_int, magnitude_value, uint_value};
pub use self::module::ModuleObj;
pub use self::native::{BuiltinObj, GetSetObj, MemberObj, MethodDescrObj};
pub use self::range::{RangeIterObj, RangeObj, SeqIterObj, SliceObj};
pub use self::str::{StrBuilder, StrKind, StrObj, hash_bytes, push_wtf8, same_bytes};
pub use self::tuple::TupleObj;
pub use self::types::{TypeFlags, TypeObj};
