//! The node classes of syntax trees: facts of CPython's grammar (`Python.asdl`). Everything that makes, reads or checks trees is
//! driven by this table.

/// A node class.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Its base.
    pub base: &'static str,
    /// Fields: `name:type`, with `?` when optional and `*` for lists.
    pub fields: &'static str,
    /// `_attributes` of a class that has its own, separated by commas.
    pub attributes: Option<&'static str>,
    /// Names that are None in the class, separated by commas.
    pub none: &'static str,
    /// Docstring.
    pub doc: &'static str,
}

macro_rules! classes {
    ($($id:ident $name:literal $base:literal $fields:literal $attributes:expr, $none:literal $doc:literal;)*) => {
        /// A node class by name; `Any...` are the abstract ones.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the names say it")]
        pub enum Class { $($id),* }

        impl Class {
            /// All classes, in the order of [`ROWS`].
            pub const ALL: &[Class] = &[$(Class::$id),*];
        }

        /// The classes, bases first.
        pub const ROWS: &[Row] = &[$(Row { name: $name, base: $base, fields: $fields, attributes: $attributes, none: $none, doc: $doc }),*];
    };
}

#[rustfmt::skip]
classes! {
    AnyMod "mod" "AST" "" Some(""), "" "mod = Module(stmt* body, type_ignore* type_ignores)\n    | Interactive(stmt* body)\n    | Expression(expr body)\n    | FunctionType(expr* argtypes, expr returns)";
    Module "Module" "mod" "body:stmt* type_ignores:type_ignore*" None, "" "Module(stmt* body, type_ignore* type_ignores)";
    Interactive "Interactive" "mod" "body:stmt*" None, "" "Interactive(stmt* body)";
    Expression "Expression" "mod" "body:expr" None, "" "Expression(expr body)";
    FunctionType "FunctionType" "mod" "argtypes:expr* returns:expr" None, "" "FunctionType(expr* argtypes, expr returns)";
    AnyStmt "stmt" "AST" "" Some("lineno,col_offset,end_lineno,end_col_offset"), "end_lineno,end_col_offset" "stmt = FunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)\n     | AsyncFunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)\n     | ClassDef(identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, type_param* type_params)\n     | Return(expr? value)\n     | Delete(expr* targets)\n     | Assign(expr* targets, expr value, string? type_comment)\n     | TypeAlias(expr name, type_param* type_params, expr value)\n     | AugAssign(expr target, operator op, expr value)\n     | AnnAssign(expr target, expr annotation, expr? value, int simple)\n     | For(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)\n     | AsyncFor(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)\n     | While(expr test, stmt* body, stmt* orelse)\n     | If(expr test, stmt* body, stmt* orelse)\n     | With(withitem* items, stmt* body, string? type_comment)\n     | AsyncWith(withitem* items, stmt* body, string? type_comment)\n     | Match(expr subject, match_case* cases)\n     | Raise(expr? exc, expr? cause)\n     | Try(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)\n     | TryStar(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)\n     | Assert(expr test, expr? msg)\n     | Import(alias* names)\n     | ImportFrom(identifier? module, alias* names, int? level)\n     | Global(identifier* names)\n     | Nonlocal(identifier* names)\n     | Expr(expr value)\n     | Pass\n     | Break\n     | Continue";
    FunctionDef "FunctionDef" "stmt" "name:str args:arguments body:stmt* decorator_list:expr* returns:expr? type_comment:str? type_params:type_param*" None, "returns,type_comment" "FunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)";
    AsyncFunctionDef "AsyncFunctionDef" "stmt" "name:str args:arguments body:stmt* decorator_list:expr* returns:expr? type_comment:str? type_params:type_param*" None, "returns,type_comment" "AsyncFunctionDef(identifier name, arguments args, stmt* body, expr* decorator_list, expr? returns, string? type_comment, type_param* type_params)";
    ClassDef "ClassDef" "stmt" "name:str bases:expr* keywords:keyword* body:stmt* decorator_list:expr* type_params:type_param*" None, "" "ClassDef(identifier name, expr* bases, keyword* keywords, stmt* body, expr* decorator_list, type_param* type_params)";
    Return "Return" "stmt" "value:expr?" None, "value" "Return(expr? value)";
    Delete "Delete" "stmt" "targets:expr*" None, "" "Delete(expr* targets)";
    Assign "Assign" "stmt" "targets:expr* value:expr type_comment:str?" None, "type_comment" "Assign(expr* targets, expr value, string? type_comment)";
    TypeAlias "TypeAlias" "stmt" "name:expr type_params:type_param* value:expr" None, "" "TypeAlias(expr name, type_param* type_params, expr value)";
    AugAssign "AugAssign" "stmt" "target:expr op:operator value:expr" None, "" "AugAssign(expr target, operator op, expr value)";
    AnnAssign "AnnAssign" "stmt" "target:expr annotation:expr value:expr? simple:int" None, "value" "AnnAssign(expr target, expr annotation, expr? value, int simple)";
    For "For" "stmt" "target:expr iter:expr body:stmt* orelse:stmt* type_comment:str?" None, "type_comment" "For(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)";
    AsyncFor "AsyncFor" "stmt" "target:expr iter:expr body:stmt* orelse:stmt* type_comment:str?" None, "type_comment" "AsyncFor(expr target, expr iter, stmt* body, stmt* orelse, string? type_comment)";
    While "While" "stmt" "test:expr body:stmt* orelse:stmt*" None, "" "While(expr test, stmt* body, stmt* orelse)";
    If "If" "stmt" "test:expr body:stmt* orelse:stmt*" None, "" "If(expr test, stmt* body, stmt* orelse)";
    With "With" "stmt" "items:withitem* body:stmt* type_comment:str?" None, "type_comment" "With(withitem* items, stmt* body, string? type_comment)";
    AsyncWith "AsyncWith" "stmt" "items:withitem* body:stmt* type_comment:str?" None, "type_comment" "AsyncWith(withitem* items, stmt* body, string? type_comment)";
    Match "Match" "stmt" "subject:expr cases:match_case*" None, "" "Match(expr subject, match_case* cases)";
    Raise "Raise" "stmt" "exc:expr? cause:expr?" None, "exc,cause" "Raise(expr? exc, expr? cause)";
    Try "Try" "stmt" "body:stmt* handlers:excepthandler* orelse:stmt* finalbody:stmt*" None, "" "Try(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)";
    TryStar "TryStar" "stmt" "body:stmt* handlers:excepthandler* orelse:stmt* finalbody:stmt*" None, "" "TryStar(stmt* body, excepthandler* handlers, stmt* orelse, stmt* finalbody)";
    Assert "Assert" "stmt" "test:expr msg:expr?" None, "msg" "Assert(expr test, expr? msg)";
    Import "Import" "stmt" "names:alias*" None, "" "Import(alias* names)";
    ImportFrom "ImportFrom" "stmt" "module:str? names:alias* level:int?" None, "module,level" "ImportFrom(identifier? module, alias* names, int? level)";
    Global "Global" "stmt" "names:str*" None, "" "Global(identifier* names)";
    Nonlocal "Nonlocal" "stmt" "names:str*" None, "" "Nonlocal(identifier* names)";
    Expr "Expr" "stmt" "value:expr" None, "" "Expr(expr value)";
    Pass "Pass" "stmt" "" None, "" "Pass";
    Break "Break" "stmt" "" None, "" "Break";
    Continue "Continue" "stmt" "" None, "" "Continue";
    AnyExpr "expr" "AST" "" Some("lineno,col_offset,end_lineno,end_col_offset"), "end_lineno,end_col_offset" "expr = BoolOp(boolop op, expr* values)\n     | NamedExpr(expr target, expr value)\n     | BinOp(expr left, operator op, expr right)\n     | UnaryOp(unaryop op, expr operand)\n     | Lambda(arguments args, expr body)\n     | IfExp(expr test, expr body, expr orelse)\n     | Dict(expr?* keys, expr* values)\n     | Set(expr* elts)\n     | ListComp(expr elt, comprehension* generators)\n     | SetComp(expr elt, comprehension* generators)\n     | DictComp(expr key, expr value, comprehension* generators)\n     | GeneratorExp(expr elt, comprehension* generators)\n     | Await(expr value)\n     | Yield(expr? value)\n     | YieldFrom(expr value)\n     | Compare(expr left, cmpop* ops, expr* comparators)\n     | Call(expr func, expr* args, keyword* keywords)\n     | FormattedValue(expr value, int conversion, expr? format_spec)\n     | Interpolation(expr value, constant str, int conversion, expr? format_spec)\n     | JoinedStr(expr* values)\n     | TemplateStr(expr* values)\n     | Constant(constant value, string? kind)\n     | Attribute(expr value, identifier attr, expr_context ctx)\n     | Subscript(expr value, expr slice, expr_context ctx)\n     | Starred(expr value, expr_context ctx)\n     | Name(identifier id, expr_context ctx)\n     | List(expr* elts, expr_context ctx)\n     | Tuple(expr* elts, expr_context ctx)\n     | Slice(expr? lower, expr? upper, expr? step)";
    BoolOp "BoolOp" "expr" "op:boolop values:expr*" None, "" "BoolOp(boolop op, expr* values)";
    NamedExpr "NamedExpr" "expr" "target:expr value:expr" None, "" "NamedExpr(expr target, expr value)";
    BinOp "BinOp" "expr" "left:expr op:operator right:expr" None, "" "BinOp(expr left, operator op, expr right)";
    UnaryOp "UnaryOp" "expr" "op:unaryop operand:expr" None, "" "UnaryOp(unaryop op, expr operand)";
    Lambda "Lambda" "expr" "args:arguments body:expr" None, "" "Lambda(arguments args, expr body)";
    IfExp "IfExp" "expr" "test:expr body:expr orelse:expr" None, "" "IfExp(expr test, expr body, expr orelse)";
    Dict "Dict" "expr" "keys:expr* values:expr*" None, "" "Dict(expr?* keys, expr* values)";
    Set "Set" "expr" "elts:expr*" None, "" "Set(expr* elts)";
    ListComp "ListComp" "expr" "elt:expr generators:comprehension*" None, "" "ListComp(expr elt, comprehension* generators)";
    SetComp "SetComp" "expr" "elt:expr generators:comprehension*" None, "" "SetComp(expr elt, comprehension* generators)";
    DictComp "DictComp" "expr" "key:expr value:expr generators:comprehension*" None, "" "DictComp(expr key, expr value, comprehension* generators)";
    GeneratorExp "GeneratorExp" "expr" "elt:expr generators:comprehension*" None, "" "GeneratorExp(expr elt, comprehension* generators)";
    Await "Await" "expr" "value:expr" None, "" "Await(expr value)";
    Yield "Yield" "expr" "value:expr?" None, "value" "Yield(expr? value)";
    YieldFrom "YieldFrom" "expr" "value:expr" None, "" "YieldFrom(expr value)";
    Compare "Compare" "expr" "left:expr ops:cmpop* comparators:expr*" None, "" "Compare(expr left, cmpop* ops, expr* comparators)";
    Call "Call" "expr" "func:expr args:expr* keywords:keyword*" None, "" "Call(expr func, expr* args, keyword* keywords)";
    FormattedValue "FormattedValue" "expr" "value:expr conversion:int format_spec:expr?" None, "format_spec" "FormattedValue(expr value, int conversion, expr? format_spec)";
    Interpolation "Interpolation" "expr" "value:expr str:object conversion:int format_spec:expr?" None, "format_spec" "Interpolation(expr value, constant str, int conversion, expr? format_spec)";
    JoinedStr "JoinedStr" "expr" "values:expr*" None, "" "JoinedStr(expr* values)";
    TemplateStr "TemplateStr" "expr" "values:expr*" None, "" "TemplateStr(expr* values)";
    Constant "Constant" "expr" "value:object kind:str?" None, "kind" "Constant(constant value, string? kind)";
    Attribute "Attribute" "expr" "value:expr attr:str ctx:expr_context" None, "" "Attribute(expr value, identifier attr, expr_context ctx)";
    Subscript "Subscript" "expr" "value:expr slice:expr ctx:expr_context" None, "" "Subscript(expr value, expr slice, expr_context ctx)";
    Starred "Starred" "expr" "value:expr ctx:expr_context" None, "" "Starred(expr value, expr_context ctx)";
    Name "Name" "expr" "id:str ctx:expr_context" None, "" "Name(identifier id, expr_context ctx)";
    List "List" "expr" "elts:expr* ctx:expr_context" None, "" "List(expr* elts, expr_context ctx)";
    Tuple "Tuple" "expr" "elts:expr* ctx:expr_context" None, "" "Tuple(expr* elts, expr_context ctx)";
    Slice "Slice" "expr" "lower:expr? upper:expr? step:expr?" None, "lower,upper,step" "Slice(expr? lower, expr? upper, expr? step)";
    AnyExprContext "expr_context" "AST" "" Some(""), "" "expr_context = Load | Store | Del";
    Load "Load" "expr_context" "" None, "" "Load";
    Store "Store" "expr_context" "" None, "" "Store";
    Del "Del" "expr_context" "" None, "" "Del";
    AnyBoolop "boolop" "AST" "" Some(""), "" "boolop = And | Or";
    And "And" "boolop" "" None, "" "And";
    Or "Or" "boolop" "" None, "" "Or";
    AnyOperator "operator" "AST" "" Some(""), "" "operator = Add | Sub | Mult | MatMult | Div | Mod | Pow | LShift | RShift | BitOr | BitXor | BitAnd | FloorDiv";
    Add "Add" "operator" "" None, "" "Add";
    Sub "Sub" "operator" "" None, "" "Sub";
    Mult "Mult" "operator" "" None, "" "Mult";
    MatMult "MatMult" "operator" "" None, "" "MatMult";
    Div "Div" "operator" "" None, "" "Div";
    Mod "Mod" "operator" "" None, "" "Mod";
    Pow "Pow" "operator" "" None, "" "Pow";
    LShift "LShift" "operator" "" None, "" "LShift";
    RShift "RShift" "operator" "" None, "" "RShift";
    BitOr "BitOr" "operator" "" None, "" "BitOr";
    BitXor "BitXor" "operator" "" None, "" "BitXor";
    BitAnd "BitAnd" "operator" "" None, "" "BitAnd";
    FloorDiv "FloorDiv" "operator" "" None, "" "FloorDiv";
    AnyUnaryop "unaryop" "AST" "" Some(""), "" "unaryop = Invert | Not | UAdd | USub";
    Invert "Invert" "unaryop" "" None, "" "Invert";
    Not "Not" "unaryop" "" None, "" "Not";
    UAdd "UAdd" "unaryop" "" None, "" "UAdd";
    USub "USub" "unaryop" "" None, "" "USub";
    AnyCmpop "cmpop" "AST" "" Some(""), "" "cmpop = Eq | NotEq | Lt | LtE | Gt | GtE | Is | IsNot | In | NotIn";
    Eq "Eq" "cmpop" "" None, "" "Eq";
    NotEq "NotEq" "cmpop" "" None, "" "NotEq";
    Lt "Lt" "cmpop" "" None, "" "Lt";
    LtE "LtE" "cmpop" "" None, "" "LtE";
    Gt "Gt" "cmpop" "" None, "" "Gt";
    GtE "GtE" "cmpop" "" None, "" "GtE";
    Is "Is" "cmpop" "" None, "" "Is";
    IsNot "IsNot" "cmpop" "" None, "" "IsNot";
    In "In" "cmpop" "" None, "" "In";
    NotIn "NotIn" "cmpop" "" None, "" "NotIn";
    Comprehension "comprehension" "AST" "target:expr iter:expr ifs:expr* is_async:int" Some(""), "" "comprehension(expr target, expr iter, expr* ifs, int is_async)";
    AnyExcepthandler "excepthandler" "AST" "" Some("lineno,col_offset,end_lineno,end_col_offset"), "end_lineno,end_col_offset" "excepthandler = ExceptHandler(expr? type, identifier? name, stmt* body)";
    ExceptHandler "ExceptHandler" "excepthandler" "type:expr? name:str? body:stmt*" None, "type,name" "ExceptHandler(expr? type, identifier? name, stmt* body)";
    Arguments "arguments" "AST" "posonlyargs:arg* args:arg* vararg:arg? kwonlyargs:arg* kw_defaults:expr* kwarg:arg? defaults:expr*" Some(""), "vararg,kwarg" "arguments(arg* posonlyargs, arg* args, arg? vararg, arg* kwonlyargs, expr?* kw_defaults, arg? kwarg, expr* defaults)";
    Arg "arg" "AST" "arg:str annotation:expr? type_comment:str?" Some("lineno,col_offset,end_lineno,end_col_offset"), "annotation,type_comment,end_lineno,end_col_offset" "arg(identifier arg, expr? annotation, string? type_comment)";
    Keyword "keyword" "AST" "arg:str? value:expr" Some("lineno,col_offset,end_lineno,end_col_offset"), "arg,end_lineno,end_col_offset" "keyword(identifier? arg, expr value)";
    Alias "alias" "AST" "name:str asname:str?" Some("lineno,col_offset,end_lineno,end_col_offset"), "asname,end_lineno,end_col_offset" "alias(identifier name, identifier? asname)";
    WithItem "withitem" "AST" "context_expr:expr optional_vars:expr?" Some(""), "optional_vars" "withitem(expr context_expr, expr? optional_vars)";
    MatchCase "match_case" "AST" "pattern:pattern guard:expr? body:stmt*" Some(""), "guard" "match_case(pattern pattern, expr? guard, stmt* body)";
    AnyPattern "pattern" "AST" "" Some("lineno,col_offset,end_lineno,end_col_offset"), "" "pattern = MatchValue(expr value)\n        | MatchSingleton(constant value)\n        | MatchSequence(pattern* patterns)\n        | MatchMapping(expr* keys, pattern* patterns, identifier? rest)\n        | MatchClass(expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns)\n        | MatchStar(identifier? name)\n        | MatchAs(pattern? pattern, identifier? name)\n        | MatchOr(pattern* patterns)";
    MatchValue "MatchValue" "pattern" "value:expr" None, "" "MatchValue(expr value)";
    MatchSingleton "MatchSingleton" "pattern" "value:object" None, "" "MatchSingleton(constant value)";
    MatchSequence "MatchSequence" "pattern" "patterns:pattern*" None, "" "MatchSequence(pattern* patterns)";
    MatchMapping "MatchMapping" "pattern" "keys:expr* patterns:pattern* rest:str?" None, "rest" "MatchMapping(expr* keys, pattern* patterns, identifier? rest)";
    MatchClass "MatchClass" "pattern" "cls:expr patterns:pattern* kwd_attrs:str* kwd_patterns:pattern*" None, "" "MatchClass(expr cls, pattern* patterns, identifier* kwd_attrs, pattern* kwd_patterns)";
    MatchStar "MatchStar" "pattern" "name:str?" None, "name" "MatchStar(identifier? name)";
    MatchAs "MatchAs" "pattern" "pattern:pattern? name:str?" None, "pattern,name" "MatchAs(pattern? pattern, identifier? name)";
    MatchOr "MatchOr" "pattern" "patterns:pattern*" None, "" "MatchOr(pattern* patterns)";
    AnyTypeIgnore "type_ignore" "AST" "" Some(""), "" "type_ignore = TypeIgnore(int lineno, string tag)";
    TypeIgnore "TypeIgnore" "type_ignore" "lineno:int tag:str" None, "" "TypeIgnore(int lineno, string tag)";
    AnyTypeParam "type_param" "AST" "" Some("lineno,col_offset,end_lineno,end_col_offset"), "" "type_param = TypeVar(identifier name, expr? bound, expr? default_value)\n           | ParamSpec(identifier name, expr? default_value)\n           | TypeVarTuple(identifier name, expr? default_value)";
    TypeVar "TypeVar" "type_param" "name:str bound:expr? default_value:expr?" None, "bound,default_value" "TypeVar(identifier name, expr? bound, expr? default_value)";
    ParamSpec "ParamSpec" "type_param" "name:str default_value:expr?" None, "default_value" "ParamSpec(identifier name, expr? default_value)";
    TypeVarTuple "TypeVarTuple" "type_param" "name:str default_value:expr?" None, "default_value" "TypeVarTuple(identifier name, expr? default_value)";
}

impl Class {
    /// Its row.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The class with this name.
    pub fn named(name: &str) -> Option<Class> {
        ROWS.iter().position(|r| r.name == name).map(|i| Class::ALL[i])
    }

    /// Its base, if that is not `AST`.
    pub fn base(self) -> Option<Class> {
        Class::named(self.row().base)
    }
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An identifier or string.
    Str,
    /// An int.
    Int,
    /// A constant.
    Constant,
    /// A node of the class or one derived from it.
    Node(Class),
}

/// How many values a field has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arity {
    /// One.
    One,
    /// One or none.
    Optional,
    /// A list.
    Many,
}

/// A field.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// How many.
    pub arity: Arity,
}

/// What [`ROWS`] says, taken apart.
struct Parsed {
    fields: Vec<Field>,
    /// The classes derived from it.
    children: Vec<Class>,
}

fn parsed(class: Class) -> &'static Parsed {
    static ALL: std::sync::OnceLock<Vec<Parsed>> = std::sync::OnceLock::new();
    let all = ALL.get_or_init(|| {
        let one = |c: &Class| Parsed {
            fields: c.row().fields.split(' ').filter(|f| !f.is_empty()).map(field).collect(),
            children: Class::ALL.iter().copied().filter(|x| x.base() == Some(*c)).collect(),
        };
        Class::ALL.iter().map(one).collect()
    });
    &all[class as usize]
}

fn field(text: &'static str) -> Field {
    let (name, ty) = text.split_once(':').expect("a type");
    let arity = match ty.as_bytes().last() {
        Some(b'*') => Arity::Many,
        Some(b'?') => Arity::Optional,
        _ => Arity::One,
    };
    let kind = match ty.trim_end_matches(['*', '?']) {
        "str" => Kind::Str,
        "int" => Kind::Int,
        "object" => Kind::Constant,
        other => Kind::Node(Class::named(other).expect("a class of the table")),
    };
    Field { name, kind, arity }
}

impl Class {
    /// Its fields.
    pub fn fields(self) -> &'static [Field] {
        &parsed(self).fields
    }

    /// The classes derived from it.
    pub fn children(self) -> &'static [Class] {
        &parsed(self).children
    }

    /// Whether its instances have a place in the source.
    pub fn has_place(self) -> bool {
        let with = self.base().unwrap_or(self);
        with.row().attributes.is_some_and(|a| !a.is_empty())
    }
}
