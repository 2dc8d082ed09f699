# zeal: 1000
"""Syntax trees, tokens and symbol tables, as the modules ast, tokenize and symtable show them."""

import ast
import copy
import io
import pickle
import symtable
import tokenize
import traceback
import warnings


def tokens(text):
    return [(tokenize.tok_name[t.type], t.string, t.start, t.end) for t in tokenize.generate_tokens(io.StringIO(text).readline)]


# Tokens.
assert tokens("if x:\n  y = f'{a!r:>{w}}'  # c\n") == [
    ("NAME", "if", (1, 0), (1, 2)),
    ("NAME", "x", (1, 3), (1, 4)),
    ("OP", ":", (1, 4), (1, 5)),
    ("NEWLINE", "\n", (1, 5), (1, 6)),
    ("INDENT", "  ", (2, 0), (2, 2)),
    ("NAME", "y", (2, 2), (2, 3)),
    ("OP", "=", (2, 4), (2, 5)),
    ("FSTRING_START", "f'", (2, 6), (2, 8)),
    ("OP", "{", (2, 8), (2, 9)),
    ("NAME", "a", (2, 9), (2, 10)),
    ("OP", "!", (2, 10), (2, 11)),
    ("NAME", "r", (2, 11), (2, 12)),
    ("OP", ":", (2, 12), (2, 13)),
    ("FSTRING_MIDDLE", ">", (2, 13), (2, 14)),
    ("OP", "{", (2, 14), (2, 15)),
    ("NAME", "w", (2, 15), (2, 16)),
    ("OP", "}", (2, 16), (2, 17)),
    ("FSTRING_MIDDLE", "", (2, 17), (2, 17)),
    ("OP", "}", (2, 17), (2, 18)),
    ("FSTRING_END", "'", (2, 18), (2, 19)),
    ("COMMENT", "# c", (2, 21), (2, 24)),
    ("NEWLINE", "\n", (2, 24), (2, 25)),
    ("DEDENT", "", (3, 0), (3, 0)),
    ("ENDMARKER", "", (3, 0), (3, 0)),
]
assert tokens("(é,\n'''a\nb''')")[-4:] == [
    ("STRING", "'''a\nb'''", (2, 0), (3, 4)),
    ("OP", ")", (3, 4), (3, 5)),
    ("NEWLINE", "", (3, 5), (3, 6)),
    ("ENDMARKER", "", (4, 0), (4, 0)),
]
try:
    tokens("(a")
except tokenize.TokenError as e:
    assert e.args == ("unexpected EOF in multi-line statement", (1, 0)), e.args
else:
    raise AssertionError

# Trees, with places in bytes.
tree = ast.parse("é = f(x for x in y)  # type: ignore[a]\n@d\ndef g(a, /, *b: int, c=1, **k): pass;\n", type_comments=True)
assert ast.dump(tree.body[0], include_attributes=True) == (
    "Assign(targets=[Name(id='é', ctx=Store(), lineno=1, col_offset=0, end_lineno=1, end_col_offset=2)], "
    "value=Call(func=Name(id='f', ctx=Load(), lineno=1, col_offset=5, end_lineno=1, end_col_offset=6), "
    "args=[GeneratorExp(elt=Name(id='x', ctx=Load(), lineno=1, col_offset=7, end_lineno=1, end_col_offset=8), "
    "generators=[comprehension(target=Name(id='x', ctx=Store(), lineno=1, col_offset=13, end_lineno=1, end_col_offset=14), "
    "iter=Name(id='y', ctx=Load(), lineno=1, col_offset=18, end_lineno=1, end_col_offset=19), is_async=0)], "
    "lineno=1, col_offset=6, end_lineno=1, end_col_offset=20)], lineno=1, col_offset=5, end_lineno=1, end_col_offset=20), "
    "lineno=1, col_offset=0, end_lineno=1, end_col_offset=20)"
)
g = tree.body[1]
assert (g.lineno, g.col_offset, g.end_lineno, g.end_col_offset) == (3, 0, 3, 37)
assert [(t.lineno, t.tag) for t in tree.type_ignores] == [(1, "[a]")]
assert ast.unparse(tree.body[1]) == "@d\ndef g(a, /, *b: int, c=1, **k):\n    pass"
assert ast.dump(ast.parse("(int, *str) -> x", mode="func_type")) == (
    "FunctionType(argtypes=[Name(id='int', ctx=Load()), Name(id='str', ctx=Load())], returns=Name(id='x', ctx=Load()))"
)
assert ast.dump(ast.parse("'%s!' % (a,)", optimize=1).body[0].value) == (
    "JoinedStr(values=[FormattedValue(value=Name(id='a', ctx=Load()), conversion=115), Constant(value='!')])"
)
assert ast.literal_eval("{'a': [1, -2.5, (3+4j)], b'x': {None, True}}") == {"a": [1, -2.5, 3 + 4j], b"x": {None, True}}

# Nodes are objects.
n = ast.Name("a", ctx=ast.Load(), lineno=1, col_offset=0)
assert ast.dump(pickle.loads(pickle.dumps(n))) == "Name(id='a', ctx=Load())"
assert copy.replace(n, id="b").id == "b" and n.id == "a"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    ast.Name()
assert "missing 1 required positional argument: 'id'" in str(caught[0].message)

# And back: all statements of this file survive.
source = open(__file__, encoding="utf-8").read()
tree = ast.parse(source)
assert ast.dump(ast.parse(ast.unparse(tree))) == ast.dump(tree)
compile(tree, __file__, "exec")


def run(tree):
    ns = {}
    exec(compile(ast.fix_missing_locations(tree), "<tree>", "exec"), ns)
    return ns


value = ast.Constant((1, frozenset({2}), -3, "\ud800", b"x"))
tree = ast.Module([ast.Assign([ast.Name("x", ast.Store())], value)], [])
assert run(tree)["x"] == (1, frozenset({2}), -3, "\ud800", b"x")
everything = """
class C[T]:
    "doc"
    x: int = 1
    def m(self, *a, k=2, **kw):
        nonlocal_ = [i * j for i in a if i for j in (1, 2)]
        return nonlocal_, kw, f"{k!r:>4}{self.x=}"
match C().m(1, 2, z=3):
    case ([*_, last], {"z": z, **rest}, str() as s) if z:
        out = last, z, rest, s
try:
    raise ExceptionGroup("g", [ValueError(1)])
except* ValueError as e:
    caught = e.exceptions
with open(__file__) as f: first = f.readline
def gen():
    yield from (lambda n: range(n))(3)
"""
ns = {"__file__": __file__}
exec(compile(ast.parse(everything), "<tree>", "exec"), ns)
assert ns["out"] == (4, 3, {}, "   2self.x=1"), ns["out"]
assert ns["C"].__doc__ == "doc" and list(ns["gen"]()) == [0, 1, 2] and len(ns["caught"]) == 1


# Wrong trees.
def wrong(tree, error, message):
    try:
        compile(tree, "<tree>", "exec")
    except error as e:
        assert str(e) == message, e
    else:
        raise AssertionError(message)


at = dict(lineno=1, col_offset=0)
wrong(ast.Module([ast.Expr(ast.Name("a"))], []), TypeError, 'required field "lineno" missing from stmt')
wrong(ast.Expression(ast.Name("a", **at)), TypeError, "expected Module node, got Expression")
wrong(ast.Module([None], []), ValueError, "None disallowed in statement list")
wrong(
    ast.Module([ast.Expr(ast.Name("a", ast.Store(), **at), **at)], []),
    ValueError,
    "expression must have Load context but has Store instead",
)
wrong(ast.Module([ast.Expr(ast.Constant([], **at), **at)], []), TypeError, "got an invalid type in Constant: list")
wrong(ast.Module([ast.If(ast.Constant(1, **at), [], [], **at)], []), ValueError, "empty body on If")

# Symbol tables.
top = symtable.symtable("def f(a):\n    b = a\n    return lambda: b\nx = f", "<s>", "exec")
f = [c for c in top.get_children() if c.get_name() == "f"][0]
assert (f.get_type(), f.get_name(), f.get_lineno()) == ("function", "f", 1)
assert f.get_parameters() == ("a",) and f.lookup("b").is_local() and [c for c in f.get_children() if c.get_name() == "lambda"][0].lookup("b").is_free()
assert top.lookup("x").is_assigned() and not top.lookup("x").is_referenced()


# Incomplete input, and what comes of it.
def raised(text, **options):
    try:
        compile(text, "<text>", "exec", **options)
    except SyntaxError as e:
        return type(e).__name__, e.msg, e.lineno, e.offset
    return None


assert raised("(1,", flags=0x4000)[:2] == ("_IncompleteInputError", "incomplete input")
assert raised("(1,]", flags=0x4000)[0] == "SyntaxError"
assert raised("x = 'a\n") == ("SyntaxError", "unterminated string literal (detected at line 1)", 1, 5)
assert raised(b"\n'\xff'") == (
    "SyntaxError",
    "Non-UTF-8 code starting with '\\xff' on line 2, but no encoding declared; see https://peps.python.org/pep-0263/ for details",
    2,
    2,
)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    assert raised("x = '\\z'") == (
        "SyntaxError",
        '"\\z" is an invalid escape sequence. Did you mean "\\\\z"? A raw string is also an option.',
        1,
        6,
    )
    assert raised("0x1for x in y") == ("SyntaxError", "invalid hexadecimal literal", 1, 4)


# A raise alone adds nothing to a traceback; the import system does not show.
def again():
    try:
        1 / 0
    except ZeroDivisionError:
        raise


def entries(f):
    try:
        f()
    except BaseException as e:
        return [t.name for t in traceback.extract_tb(e.__traceback__)]


assert entries(again) == ["entries", "again"]


def no_module():
    import there_is_no_such.module


assert entries(no_module) == ["entries", "no_module"]


# `except*` handles what matched.
def star():
    try:
        raise ValueError(1)
    except* ValueError:
        raise


try:
    star()
except ExceptionGroup as e:
    assert e.message == "" and len(e.exceptions) == 1
else:
    raise AssertionError


# Comprehensions in annotation scopes do not see the class.
T = "global"


class Scopes:
    T = "class"
    type A = [T for _ in (1,)]


assert Scopes.A.__value__ == ["global"]

# The target of an assignment expression.
wrong = ast.fix_missing_locations(ast.Expression(ast.NamedExpr(target=ast.Constant(1), value=ast.Constant(3))))
try:
    compile(wrong, "", "eval")
except TypeError as e:
    assert str(e) == "NamedExpr target must be a Name"
else:
    raise AssertionError
