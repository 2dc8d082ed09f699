"""Code objects that are made of the parts of others."""

import marshal
import types

PARTS = ("argcount", "posonlyargcount", "kwonlyargcount", "nlocals", "stacksize", "flags", "code", "consts", "names", "varnames", "filename",
         "name", "qualname", "firstlineno", "linetable", "exceptiontable", "freevars", "cellvars")


def remade(code):
    """The code once more, through the constructor, and so the code inside of it."""
    parts = [getattr(code, "co_" + part) for part in PARTS]
    at = PARTS.index("consts")
    parts[at] = tuple(remade(c) if isinstance(c, types.CodeType) else c for c in parts[at])
    return types.CodeType(*parts)


def function(f):
    return types.FunctionType(remade(f.__code__), f.__globals__, f.__name__, f.__defaults__, f.__closure__)


def plain(a, b=2, /, *rest, c=3, **more):
    total = a + b + c
    for x in rest:
        total += x
    return total, more


g = function(plain)
g.__kwdefaults__ = plain.__kwdefaults__
assert g(1) == (6, {}) and g(1, 1, 5, c=0, d=4) == (7, {"d": 4})
assert g.__code__ == plain.__code__ and hash(g.__code__) == hash(plain.__code__)
assert list(g.__code__.co_lines()) == list(plain.__code__.co_lines())


def handles(x):
    try:
        return 10 // x
    except ZeroDivisionError as e:
        return type(e).__name__
    finally:
        seen.append(x)


seen = []
h = function(handles)
assert h(3) == 3 and h(0) == "ZeroDivisionError" and seen == [3, 0]


def outer(start):
    step = 1

    def inner(n):
        nonlocal start
        start += n * step
        return start

    def twice():
        return [inner(k) for k in (1, 2)]

    return inner, twice


inner, twice = function(outer)(10)
assert inner(5) == 15 and twice() == [16, 18]
inner = function(inner)
assert inner(2) == 20 and twice() == [21, 23]


def count(n):
    while n:
        got = yield n
        n -= got or 1


assert list(function(count)(3)) == [3, 2, 1]
assert marshal.loads(marshal.dumps(remade(outer.__code__))) == outer.__code__

# Names, constants and instructions of another.
add = (lambda x, y: x + y).__code__
multiply = (lambda x, y: x * y).__code__
product = types.FunctionType(add.replace(co_code=multiply.co_code), {})
assert product(3, 4) == 12
seven = types.FunctionType((lambda: 6).__code__.replace(co_consts=(None, 7)), {})
assert seven() in (6, 7, None)

bare = (lambda: 0).__code__
more = bare.replace(co_freevars=("kept",))
assert more.co_freevars == ("kept",)
assert types.FunctionType(more, {}, closure=(types.CellType(1),))() == 0

for wrong in ({"co_nlocals": 5}, {"co_varnames": ("a",)}, {"co_argcount": -1}):
    try:
        bare.replace(**wrong)
    except ValueError:
        pass
    else:
        raise AssertionError(wrong)
try:
    types.CodeType(1)
except TypeError:
    pass
else:
    raise AssertionError("too few parts")

print("code_parts: ok")
