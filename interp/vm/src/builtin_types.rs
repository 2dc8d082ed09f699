//! The table of builtin types.

use cape_heap::{HeapObject, KindInfo, MapRef, Ptr};

use crate::for_each_exception;
use crate::frame::FrameObj;
use crate::generator::{AsyncGenAuxObj, GeneratorObj};
use crate::object::*;

/// One builtin type.
pub struct Row {
    /// Field of [`Types`].
    pub field: &'static str,
    /// Python name.
    pub name: &'static str,
    /// Its `__module__`.
    pub module: &'static str,
    /// Field name of its base; its own for `object`.
    pub base: &'static str,
    kind: fn() -> &'static KindInfo,
    /// [`TypeFlags`].
    pub flags: u32,
}

impl Row {
    /// Layout of instances.
    pub fn kind(&self) -> &'static KindInfo {
        (self.kind)()
    }
}

macro_rules! both {
    ([$($field:ident $name:literal $module:literal $kind:ty, $base:ident, $flags:expr;)*] $($ef:ident $en:literal $eb:ident,)*) => {
        /// The builtin types.
        #[repr(C)]
        #[allow(missing_docs, reason = "each is named like its type")]
        pub struct Types { $(pub $field: Ptr<TypeObj>,)* $(pub $ef: Ptr<TypeObj>,)* }

        /// The maps of instances of exactly the builtin types.
        #[repr(C)]
        #[allow(missing_docs, reason = "each is named like its type")]
        pub struct Maps { $(pub $field: MapRef,)* $(pub $ef: MapRef,)* pub array: MapRef, pub table_keys: MapRef, pub shape: MapRef, pub weak_cell: MapRef, pub native_member: MapRef, pub caches: MapRef }

        /// The rows, bases before derived types, in the order of the fields of [`Types`].
        pub const ROWS: &[Row] = &[
            $(Row { field: stringify!($field), name: $name, module: $module, base: stringify!($base),
                kind: <$kind as HeapObject>::kind, flags: $flags },)*
            $(Row { field: stringify!($ef), name: $en, module: "builtins", base: stringify!($eb),
                kind: <ExcObj as HeapObject>::kind, flags: BASE | HAS_DICT | TypeFlags::EXC_SUBCLASS },)*
        ];
    };
}

const BASE: u32 = TypeFlags::BASE;
const HAS_DICT: u32 = TypeFlags::HAS_DICT;
const HAS_WEAKREF: u32 = TypeFlags::HAS_WEAKREF;
const SEQ: u32 = TypeFlags::SEQUENCE;
const MAPPING: u32 = TypeFlags::MAPPING;
const SELF: u32 = TypeFlags::MATCH_SELF;
const NOINST: u32 = TypeFlags::NO_INSTANTIATION;
const MDESCR: u32 = TypeFlags::METHOD_DESCRIPTOR;

macro_rules! declare {
    ($($e:tt)*) => {
        both! { [
            object "object" "builtins" InstanceObj, object, BASE;
            type_ "type" "builtins" TypeObj, object, BASE | HAS_DICT | HAS_WEAKREF | TypeFlags::TYPE_SUBCLASS;
            none_type "NoneType" "builtins" InstanceObj, object, 0;
            not_implemented_type "NotImplementedType" "builtins" InstanceObj, object, 0;
            ellipsis "ellipsis" "builtins" InstanceObj, object, 0;
            int "int" "builtins" LongObj, object, BASE | SELF;
            bool "bool" "builtins" LongObj, int, SELF;
            float "float" "builtins" FloatObj, object, BASE | SELF;
            complex "complex" "builtins" ComplexObj, object, BASE;
            str "str" "builtins" StrObj, object, BASE | SELF;
            bytes "bytes" "builtins" BytesObj, object, BASE | SELF;
            bytearray "bytearray" "builtins" BytearrayObj, object, BASE | SELF;
            tuple "tuple" "builtins" TupleObj, object, BASE | SEQ | SELF;
            list "list" "builtins" ListObj, object, BASE | SEQ | SELF;
            dict "dict" "builtins" DictObj, object, BASE | MAPPING | SELF;
            set "set" "builtins" SetObj, object, BASE | SELF | HAS_WEAKREF;
            frozenset "frozenset" "builtins" SetObj, object, BASE | SELF | HAS_WEAKREF;
            range "range" "builtins" RangeObj, object, SEQ;
            slice "slice" "builtins" SliceObj, object, 0;
            range_iterator "range_iterator" "builtins" RangeIterObj, object, NOINST;
            list_iterator "list_iterator" "builtins" SeqIterObj, object, NOINST;
            list_reverse_iterator "list_reverseiterator" "builtins" SeqIterObj, object, NOINST;
            tuple_iterator "tuple_iterator" "builtins" SeqIterObj, object, NOINST;
            seq_iterator "iterator" "builtins" SeqIterObj, object, NOINST;
            cell "cell" "builtins" CellObj, object, 0;
            code "code" "builtins" CodeObj, object, HAS_WEAKREF;
            function "function" "builtins" FunctionObj, object, HAS_DICT | HAS_WEAKREF | MDESCR;
            method "method" "builtins" BoundMethodObj, object, HAS_WEAKREF;
            builtin_function "builtin_function_or_method" "builtins" BuiltinObj, object, NOINST | HAS_WEAKREF;
            method_descriptor "method_descriptor" "builtins" MethodDescrObj, object, NOINST | MDESCR;
            wrapper_descriptor "wrapper_descriptor" "builtins" MethodDescrObj, object, NOINST | MDESCR;
            classmethod_descriptor "classmethod_descriptor" "builtins" MethodDescrObj, object, NOINST;
            method_wrapper "method-wrapper" "builtins" BuiltinObj, object, NOINST;
            getset_descriptor "getset_descriptor" "builtins" GetSetObj, object, NOINST;
            member_descriptor "member_descriptor" "builtins" MemberObj, object, NOINST;
            classmethod "classmethod" "builtins" ClassMethodObj, object, BASE | HAS_DICT;
            staticmethod "staticmethod" "builtins" StaticMethodObj, object, BASE | HAS_DICT;
            property "property" "builtins" PropertyObj, object, BASE;
            module "module" "builtins" ModuleObj, object, BASE | HAS_DICT | HAS_WEAKREF;
            simple_namespace "SimpleNamespace" "types" NamespaceObj, object, BASE | HAS_DICT;
            traceback "traceback" "builtins" TracebackObj, object, 0;
            frame "frame" "builtins" FrameObj, object, NOINST;
            generator "generator" "builtins" GeneratorObj, object, NOINST | HAS_WEAKREF;
            coroutine "coroutine" "builtins" GeneratorObj, object, NOINST | HAS_WEAKREF;
            async_generator "async_generator" "builtins" GeneratorObj, object, NOINST | HAS_WEAKREF;
            coroutine_wrapper "coroutine_wrapper" "builtins" AsyncGenAuxObj, object, NOINST;
            async_gen_asend "async_generator_asend" "builtins" AsyncGenAuxObj, object, NOINST;
            async_gen_athrow "async_generator_athrow" "builtins" AsyncGenAuxObj, object, NOINST;
            async_gen_wrapped "async_generator_wrapped_value" "builtins" AsyncGenAuxObj, object, NOINST;
        ] $($e)* }
    };
}
for_each_exception!(declare);

impl Types {
    const COUNT: usize = size_of::<Types>() / size_of::<Ptr<TypeObj>>();

    pub(crate) fn from_rows(made: &[Ptr<TypeObj>]) -> Types {
        assert_eq!(made.len(), Self::COUNT);
        // SAFETY: repr(C) struct of COUNT pointers, in the rows' order.
        unsafe { std::ptr::read(made.as_ptr() as *const Types) }
    }

    /// Types before they exist.
    ///
    /// # Safety
    /// No field may be used.
    pub(crate) unsafe fn dangling() -> Types {
        // SAFETY: well-aligned non-null pointers, which the caller does not dereference.
        Types::from_rows(&vec![unsafe { Ptr::from_raw(16 as *mut TypeObj) }; Self::COUNT])
    }

    /// All of them, in the rows' order.
    pub fn as_slice(&self) -> &[Ptr<TypeObj>] {
        // SAFETY: repr(C) struct of COUNT pointers.
        unsafe { std::slice::from_raw_parts(self as *const Types as *const Ptr<TypeObj>, Self::COUNT) }
    }
}

impl Maps {
    pub(crate) fn from_rows(rows: &[MapRef], parts: [MapRef; 6]) -> Maps {
        let mut v = rows.to_vec();
        v.extend(parts);
        assert_eq!(v.len(), size_of::<Maps>() / size_of::<MapRef>());
        // SAFETY: repr(C) struct of that many map references, in this order.
        unsafe { std::ptr::read(v.as_ptr() as *const Maps) }
    }

    /// All of them.
    pub fn as_slice(&self) -> &[MapRef] {
        // SAFETY: repr(C) struct of map references.
        unsafe {
            std::slice::from_raw_parts(
                self as *const Maps as *const MapRef,
                size_of::<Maps>() / size_of::<MapRef>(),
            )
        }
    }
}
