"""Prints what comes of calls of Python from C: callbacks.c.

usage: callbacks.py FOLDER_OF_THE_EXTENSION"""

import re
import sys

sys.path.insert(0, sys.argv[1])
from callbacks import by_dict, handling, methods_by_name, raised, vectorcall, with_error


def text_of(v):
    if isinstance(v, BaseException):
        v = f"{type(v).__name__}{v.args}"
    elif isinstance(v, (list, tuple)):
        v = [text_of(item) for item in v]
    return re.sub(r" (object )?at 0x[0-9a-f]+", "", re.sub(r"[-./\w]*\.c:\d+: ", "", str(v)))


def case(label, function, *args):
    for _ in range(3):  # (The third time everything is known.)
        try:
            outcome = text_of(function(*args))
        except BaseException as e:
            outcome = text_of(e)
    print(label, outcome, sep="\t")


def nothing():
    return "nothing"


def one(a):
    return a


def two(a, b):
    return b, a


def defaults(a, b=2, *, c=3):
    return a, b, c


def anything(*args, **kwargs):
    return args, kwargs


def positional(a, /, b):
    return a, b


def closing(z):
    def inner(a):
        return z, a

    return inner


def generating(a):
    yield a


def failing(*args):
    raise ValueError(*args)


class Callable:
    def __call__(self, *args):
        return "called", args


class Plain:
    pass


class Strict:
    def __init__(self, a, b=1):
        self.a, self.b = a, b

    def __repr__(self):
        return f"Strict({self.a}, {self.b})"


class Meta(type):
    def __call__(cls, *args):
        return cls.__name__, args


class OfMeta(metaclass=Meta):
    pass


class Own(Exception):
    pass


class Methods:
    def method(self, *args):
        return "method", args

    def few(self, a):
        return "few", a

    @classmethod
    def of_class(cls, *args):
        return cls.__name__, args

    @staticmethod
    def static(*args):
        return "static", args

    number = 5


Plain.__repr__ = Methods.__repr__ = Callable.__repr__ = lambda self: type(self).__name__
methods = Methods()
shadowed = Methods()
shadowed.method = lambda *args: ("own", args)
callables = {
    "nothing": nothing, "one": one, "two": two, "defaults": defaults, "anything": anything, "positional": positional,
    "closing": closing(7), "failing": failing, "Callable": Callable(), "Plain": Plain, "Strict": Strict, "OfMeta": OfMeta,
    "ValueError": ValueError, "Own": Own, "StopIteration": StopIteration, "bound": methods.method, "bound few": methods.few,
    "of class": Methods.of_class, "id": lambda: id, "len": len, "list": list, "print": (lambda a: a).__get__("self"), "none": None,
}
arguments = [(), (None,), (1, "two"), (-(1 << 40), 2.5), ("text", b"bytes", 3), (1, 2, 3, 4, 5, 6)]
for name, c in callables.items():
    for args in arguments:
        case(f"{name}{args}", vectorcall, c, args, None)
    for names in ("a",), ("b",), ("b", "a"), ("c",), ("zzz",):
        case(f"{name} named {names}", vectorcall, c, (1, "x", None)[: len(names)], names)
        case(f"{name} one, named {names}", vectorcall, c, (1, "x", None)[: len(names) + 1], names)
        case(f"{name} dict {names}", by_dict, c, (0,), dict.fromkeys(names, "v"))
case("names that are no strings", by_dict, anything, (), {1: 2})
case("many in a dict", by_dict, anything, (1, 2), {f"k{i}": i for i in range(9)})
case("generator", lambda: list(vectorcall(generating, ("item",), None)))

for label, o in ("instance", methods), ("shadowed", shadowed), ("class", Methods), ("text", "a-b"), ("int", 5):
    for name in "method", "few", "of_class", "static", "number", "missing", "split", "__class__":
        case(f"{label}.{name}", methods_by_name, o, name)

# What is handled, on either side.
case("handled in C", handling, KeyError("c"), sys.exception)
case("handled in C, by a function", handling, KeyError("c"), lambda: sys.exception())
case("context", lambda: handling(KeyError("c"), failing))


def context():
    try:
        handling(KeyError("c"), failing)
    except ValueError as e:
        return e, e.__context__


case("context of what a function raises", context)


def handled_here():
    try:
        raise KeyError("here")
    except KeyError:
        return vectorcall(lambda: sys.exception(), (), None), vectorcall(sys.exception, (), None)


case("handled here", handled_here)
for c in nothing, Plain, len, failing:
    case(f"error set before {text_of(c)}", with_error, c)


# Depth.
def deep(n):
    return 0 if n == 0 else 1 + vectorcall(deep, (n - 1,), None)


def endless(*args):
    return vectorcall(endless, args, None)


case("deep", deep, 300)
case("endless", lambda: vectorcall(endless, (1,), None))
case("not too deep afterwards", deep, 300)

# Exceptions that C makes.
for kind in ValueError, KeyError, Own, MemoryError, StopIteration, OSError, RecursionError, int:
    for text in None, "", "no", "h\xe9", "x" * 3000:
        case(f"{kind.__name__} {text if text is None else len(text)}", raised, kind, text)


def looked_at():
    try:
        raised(ValueError, "no")
    except ValueError as e:
        tb = e.__traceback__
        return e.args, e.__context__, e.__cause__, tb.tb_frame.f_code.co_name, tb.tb_next


case("looked at", looked_at)
