"""The classes of abstract syntax trees (the abstract grammar of Python 3.14)."""

PyCF_ONLY_AST = 0x400
PyCF_TYPE_COMMENTS = 0x1000
PyCF_ALLOW_TOP_LEVEL_AWAIT = 0x2000
PyCF_OPTIMIZED_AST = 0x8400


class AST:
    __slots__ = ("__dict__",)
    _fields = ()
    _attributes = ()
    _field_types = {}
    __match_args__ = ()

    def __init__(self, *args, **kwargs):
        cls = type(self)
        fields = cls._fields
        if len(args) > len(fields):
            plural = "" if len(fields) == 1 else "s"
            raise TypeError(f"{cls.__name__} constructor takes at most {len(fields)} positional argument{plural}")
        given = dict(zip(fields, args))
        for name, value in kwargs.items():
            if name in given:
                raise TypeError(f"{cls.__name__} got multiple values for argument {name!r}")
            given[name] = value
        for name in fields:
            if name not in given:
                kind = _kinds.get((cls.__name__, name))
                if kind == "*":
                    given[name] = []
                elif kind == "ctx":
                    given[name] = Load()
        self.__dict__.update(given)

    def __repr__(self):
        parts = [f"{n}={getattr(self, n)!r}" for n in self._fields if hasattr(self, n)]
        return f"{type(self).__name__}({', '.join(parts)})"

    def __reduce__(self):
        return type(self), (), dict(self.__dict__)

    def __replace__(self, /, **changes):
        cls = type(self)
        names = set(cls._fields) | set(cls._attributes)
        for name in changes:
            if name not in names:
                raise TypeError(f"{cls.__name__}.__replace__ got an unexpected keyword argument {name!r}.")
        new = cls.__new__(cls)
        new.__dict__.update(self.__dict__)
        new.__dict__.update(changes)
        return new


AST.__module__ = "ast"

# Sums: base, attributes; then "Class field field? field*" rows. "?" optional (None), "*" list, "^" expression context.
_POSITION = ("lineno", "col_offset", "end_lineno", "end_col_offset")
_GRAMMAR = {
    "mod": ((), "Module body* type_ignores*; Interactive body*; Expression body; FunctionType argtypes* returns"),
    "stmt": (
        _POSITION,
        "FunctionDef name args body* decorator_list* returns? type_comment? type_params*;"
        "AsyncFunctionDef name args body* decorator_list* returns? type_comment? type_params*;"
        "ClassDef name bases* keywords* body* decorator_list* type_params*; Return value?; Delete targets*;"
        "Assign targets* value type_comment?; TypeAlias name type_params* value; AugAssign target op value;"
        "AnnAssign target annotation value? simple; For target iter body* orelse* type_comment?;"
        "AsyncFor target iter body* orelse* type_comment?; While test body* orelse*; If test body* orelse*;"
        "With items* body* type_comment?; AsyncWith items* body* type_comment?; Match subject cases*;"
        "Raise exc? cause?; Try body* handlers* orelse* finalbody*; TryStar body* handlers* orelse* finalbody*;"
        "Assert test msg?; Import names*; ImportFrom module? names* level?; Global names*; Nonlocal names*;"
        "Expr value; Pass; Break; Continue",
    ),
    "expr": (
        _POSITION,
        "BoolOp op values*; NamedExpr target value; BinOp left op right; UnaryOp op operand; Lambda args body;"
        "IfExp test body orelse; Dict keys* values*; Set elts*; ListComp elt generators*; SetComp elt generators*;"
        "DictComp key value generators*; GeneratorExp elt generators*; Await value; Yield value?; YieldFrom value;"
        "Compare left ops* comparators*; Call func args* keywords*; FormattedValue value conversion format_spec?;"
        "Interpolation value str conversion format_spec?; JoinedStr values*; TemplateStr values*; Constant value kind?;"
        "Attribute value attr ctx^; Subscript value slice ctx^; Starred value ctx^; Name id ctx^; List elts* ctx^;"
        "Tuple elts* ctx^; Slice lower? upper? step?",
    ),
    "expr_context": ((), "Load; Store; Del"),
    "boolop": ((), "And; Or"),
    "operator": ((), "Add; Sub; Mult; MatMult; Div; Mod; Pow; LShift; RShift; BitOr; BitXor; BitAnd; FloorDiv"),
    "unaryop": ((), "Invert; Not; UAdd; USub"),
    "cmpop": ((), "Eq; NotEq; Lt; LtE; Gt; GtE; Is; IsNot; In; NotIn"),
    "excepthandler": (_POSITION, "ExceptHandler type? name? body*"),
    "pattern": (
        _POSITION,
        "MatchValue value; MatchSingleton value; MatchSequence patterns*; MatchMapping keys* patterns* rest?;"
        "MatchClass cls patterns* kwd_attrs* kwd_patterns*; MatchStar name?; MatchAs pattern? name?; MatchOr patterns*",
    ),
    "type_ignore": ((), "TypeIgnore lineno tag"),
    "type_param": (
        _POSITION,
        "TypeVar name bound? default_value?; ParamSpec name default_value?; TypeVarTuple name default_value?",
    ),
}
# Products: class, attributes, fields.
_PRODUCTS = (
    ("comprehension", (), "target iter ifs* is_async"),
    ("arguments", (), "posonlyargs* args* vararg? kwonlyargs* kw_defaults* kwarg? defaults*"),
    ("arg", _POSITION, "arg annotation? type_comment?"),
    ("keyword", _POSITION, "arg? value"),
    ("alias", _POSITION, "name asname?"),
    ("withitem", (), "context_expr optional_vars?"),
    ("match_case", (), "pattern guard? body*"),
)
_kinds = {}


def _make(name, base, attributes, fields):
    names = tuple(f.rstrip("?*^") for f in fields)
    space = {"_fields": names, "__match_args__": names, "_field_types": {n: object for n in names}, "__module__": "ast"}
    if attributes and not base._attributes:
        space["_attributes"] = attributes
        space["end_lineno"] = space["end_col_offset"] = None
    for f, n in zip(fields, names):
        if f.endswith("?"):
            space[n] = None
        elif f.endswith("*"):
            _kinds[name, n] = "*"
        elif f.endswith("^"):
            _kinds[name, n] = "ctx"
    globals()[name] = type(name, (base,), space)


for _sum, (_attributes, _rows) in _GRAMMAR.items():
    _make(_sum, AST, _attributes, ())
    for _row in _rows.split(";"):
        _name, *_fields = _row.split()
        _make(_name, globals()[_sum], (), _fields)
for _name, _attributes, _row in _PRODUCTS:
    _make(_name, AST, _attributes, _row.split())
del _sum, _attributes, _rows, _row, _name, _fields
