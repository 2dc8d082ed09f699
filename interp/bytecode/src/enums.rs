//! Small operand enums: operators, intrinsics, kinds. Their numbers are part of the bytecode.

macro_rules! operand_enum {
    ($(#[$m:meta])* $name:ident { $($(#[$vm:meta])* $var:ident = $num:literal $text:literal),* $(,)? }) => {
        $(#[$m])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vm])* $var = $num),* }

        impl $name {
            /// All members.
            pub const ALL: &'static [$name] = &[$($name::$var),*];

            /// The member with this number.
            #[inline]
            pub const fn from_u8(n: u8) -> Option<Self> {
                match n { $($num => Some(Self::$var),)* _ => None }
            }

            /// How disassembly shows it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$var => $text),* }
            }
        }
    };
}

operand_enum! {
    /// Binary operators, numbered as CPython's `NB_*`.
    BinOp {
        /// `+`
        Add = 0 "+",
        /// `&`
        And = 1 "&",
        /// `//`
        FloorDiv = 2 "//",
        /// `<<`
        LShift = 3 "<<",
        /// `@`
        MatMul = 4 "@",
        /// `*`
        Mul = 5 "*",
        /// `%`
        Mod = 6 "%",
        /// `|`
        Or = 7 "|",
        /// `**`
        Pow = 8 "**",
        /// `>>`
        RShift = 9 ">>",
        /// `-`
        Sub = 10 "-",
        /// `/`
        TrueDiv = 11 "/",
        /// `^`
        Xor = 12 "^",
        /// `+=`
        IAdd = 13 "+=",
        /// `&=`
        IAnd = 14 "&=",
        /// `//=`
        IFloorDiv = 15 "//=",
        /// `<<=`
        ILShift = 16 "<<=",
        /// `@=`
        IMatMul = 17 "@=",
        /// `*=`
        IMul = 18 "*=",
        /// `%=`
        IMod = 19 "%=",
        /// `|=`
        IOr = 20 "|=",
        /// `**=`
        IPow = 21 "**=",
        /// `>>=`
        IRShift = 22 ">>=",
        /// `-=`
        ISub = 23 "-=",
        /// `/=`
        ITrueDiv = 24 "/=",
        /// `^=`
        IXor = 25 "^=",
    }
}

impl BinOp {
    /// Whether this is an in-place operator.
    pub const fn is_inplace(self) -> bool {
        self as u8 >= 13
    }

    /// The in-place form of a plain operator (itself if in-place already).
    pub const fn to_inplace(self) -> BinOp {
        if self.is_inplace() { self } else { Self::ALL[self as usize + 13] }
    }

    /// The plain form of an operator.
    pub const fn to_plain(self) -> BinOp {
        if self.is_inplace() { Self::ALL[self as usize - 13] } else { self }
    }
}

operand_enum! {
    /// Rich comparisons, numbered as `Py_LT`...`Py_GE`.
    CmpOp {
        /// `<`
        Lt = 0 "<",
        /// `<=`
        Le = 1 "<=",
        /// `==`
        Eq = 2 "==",
        /// `!=`
        Ne = 3 "!=",
        /// `>`
        Gt = 4 ">",
        /// `>=`
        Ge = 5 ">=",
    }
}

operand_enum! {
    /// One-operand intrinsics (`CallIntrinsic1`).
    Intrinsic1 {
        /// `sys.displayhook(v)`; result None.
        Print = 1 "PRINT",
        /// `from v import *` into the frame's locals mapping; result None. ImportErrors as CPython.
        ImportStar = 2 "IMPORT_STAR",
        /// `typing.TypeVar(name)` (infer_variance).
        TypeVar = 7 "TYPEVAR",
        /// `typing.ParamSpec(name)`.
        ParamSpec = 8 "PARAMSPEC",
        /// `typing.TypeVarTuple(name)`.
        TypeVarTuple = 9 "TYPEVARTUPLE",
        /// `typing.Generic[*params]` for a tuple of type parameters.
        SubscriptGeneric = 10 "SUBSCRIPT_GENERIC",
        /// `typing.TypeAliasType` from a tuple (name, type params tuple or None, evaluate function).
        TypeAlias = 11 "TYPEALIAS",
    }
}

operand_enum! {
    /// Two-operand intrinsics (`CallIntrinsic2`).
    Intrinsic2 {
        /// TypeVar of name and a function that evaluates its bound.
        TypeVarWithBound = 2 "TYPEVAR_WITH_BOUND",
        /// TypeVar of name and a function that evaluates its constraints.
        TypeVarWithConstraints = 3 "TYPEVAR_WITH_CONSTRAINTS",
        /// Set `__type_params__` of the function (first operand) to the tuple; result: the function.
        SetFunctionTypeParams = 4 "SET_FUNCTION_TYPE_PARAMS",
        /// Set the default evaluator of a type parameter (first operand); result: the type parameter.
        SetTypeparamDefault = 5 "SET_TYPEPARAM_DEFAULT",
    }
}

operand_enum! {
    /// Parts of a fresh function (`SetFuncAttr`).
    FuncAttr {
        /// Tuple of defaults.
        Defaults = 1 "defaults",
        /// Dict of keyword-only defaults.
        KwDefaults = 2 "kwdefaults",
        /// Tuple of Cells, in the order of the code's `freevars`.
        Closure = 8 "closure",
        /// The `__annotate__` function.
        Annotate = 16 "annotate",
    }
}

operand_enum! {
    /// Special methods of `LoadSpecial`, numbered as CPython's.
    SpecialMethod {
        /// `__enter__`: TypeError `'%T' object does not support the context manager protocol (missed __enter__ method)`.
        Enter = 0 "__enter__",
        /// `__exit__`.
        Exit = 1 "__exit__",
        /// `__aenter__`.
        AEnter = 2 "__aenter__",
        /// `__aexit__`.
        AExit = 3 "__aexit__",
    }
}

operand_enum! {
    /// Builtin objects of `LoadCommon`.
    CommonConst {
        /// The class AssertionError.
        AssertionError = 0 "AssertionError",
        /// The class NotImplementedError.
        NotImplementedError = 1 "NotImplementedError",
    }
}

operand_enum! {
    /// Where an awaitable comes from (`GetAwaitable`), for the error message.
    AwaitKind {
        /// `await x`: `'%.100s' object can't be awaited`.
        Plain = 0 "await",
        /// `async with`: `'async with' received an object from __aenter__ that does not implement __await__: %.100s`.
        AEnter = 1 "aenter",
        /// `async with`: the same for `__aexit__`.
        AExit = 2 "aexit",
    }
}

/// Bit of a format operand (`x` of `FormatValue`, `BuildInterpolation`): a format spec is given.
pub const FORMAT_HAS_SPEC: u8 = 4;
/// Conversion part of a format operand.
pub const FORMAT_CONV_MASK: u8 = 3;
