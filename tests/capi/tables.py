"""Prints what dicts, sets and iterators do when C uses them: tables.c.

usage: tables.py FOLDER_OF_THE_EXTENSION"""

import gc
import re
import sys

sys.path.insert(0, sys.argv[1])
import tables

sys.stdout.reconfigure(line_buffering=True)
sys.unraisablehook = lambda u: note("unraisable", u.err_msg, repr(u.exc_value))
said = []
count = 0


def note(*what):
    said.append(" ".join(map(str, what)).replace("\t", " ").replace("\n", " "))


def tell(label):
    """Prints what was noted since the last time, as one outcome."""
    global count
    count += 1
    print(f"{count} {label}", "; ".join(said), sep="\t")
    said.clear()



class Same:
    """Equal to what it names."""

    def __init__(self, other):
        self.other = other

    def __hash__(self):
        return hash(self.other)

    def __eq__(self, other):
        return self.other == other

    def __repr__(self):
        return f"Same({self.other!r})"


class Unequal(Same):
    def __eq__(self, other):
        raise ValueError("not comparable")

    __hash__ = Same.__hash__


class NoHash:
    def __hash__(self):
        raise KeyError("no hash")

    def __repr__(self):
        return "NoHash()"


class Clears(Same):
    """Empties a dict or set when it is compared."""

    def __eq__(self, other):
        self.target.clear()
        return self.other == other

    __hash__ = Same.__hash__
    target = {}


class Text(str):
    def __repr__(self):
        return f"Text({str(self)!r})"


class Shouting(Text):
    """Unequal to its own text."""

    def __eq__(self, other):
        return False

    __hash__ = str.__hash__


class OwnDict(dict):
    def __getitem__(self, key):
        return "own"

    def __setitem__(self, key, value):
        super().__setitem__(key, ("own", value))


def joined(*parts):
    """A str that is no constant of this file."""
    return "".join(parts)


nan = float("nan")
KEYS = [0, 1, -1, -2, 5, 256, 257, 2**30 - 1, 2**30, -(2**30), 2**49, 2**50, 2**61 - 1, 2**61, -(2**63), 10**30, True, False, None, 1.0,
        0.0, -0.0, 1.5, -1.0, 1e300, 5e-324, nan, float("inf"), "", "a", "key", joined("k", "ey"), "a" * 70, "\xe9", "\u20ac", b"key",
        (1, 2), (), Text("key"), Shouting("key"), Same(1), Same("key"), Same(None), Unequal(5), Unequal("a"), Unequal(None), NoHash(),
        [1], frozenset([1]), int, len, Ellipsis]  # fmt: skip


def outcome(function, *args):
    try:
        text = repr(function(*args))
    except BaseException as e:
        text = f"{type(e).__name__}{e.args}"
    return re.sub(" at 0x[0-9a-f]+|[^ ']*[.]c:[0-9]+: ", "", text)


def case(label, function, *args):
    note(f"{label}:", outcome(function, *args))


def start(kind):
    d = {kind: "first"}
    for key, value in {1: "one", "key": "value", None: "none", 1.5: [], 5: 123456789, "a": 0.25, -1: "minus"}.items():
        try:
            d[key] = value
        except ValueError:
            pass
    return d


# Every key, in a dict that has keys of its kind and hash, and in an empty one.
for key in KEYS:
    for first in (0, "first", Same(5), Unequal("key"), Same(None)):
        d = start(first)
        for operation in ("contains", "get with error", "get ref", "set", "contains", "get ref", "del", "contains", "del", "set as mapping",
                          "get", "del as mapping", "del as mapping"):  # fmt: skip
            case(operation, tables.operate, operation, d, key, [key])
        note(sorted(map(repr, d.items())), len(d))
        tell(f"{key!r} beside {first!r}")
    s = {0, "key", None, Same(5)}
    for operation in ("in set", "add", "in set", "add"):
        case(operation, tables.operate, operation, s, key, None)
    note(sorted(map(repr, s)), len(s))
    case("frozenset", tables.operate, "in set", frozenset(["key", 1]), key, None)
    tell(f"{key!r} in sets")

# Keys by C strings at one address, short and long, known and not.
d = {}
for text in ("a", "b", "a", "ab", "a" * 8, "a" * 9, "a" * 70, "", "\xe9", "a" * 9, "a" * 8 + "b", "a"):
    for operation in ("get text", "get ref text", "set text", "set text", "get ref text", "get text"):
        case(operation, tables.operate, operation, d, text, [text])
    tell(f"C string {text!r}")
note(d)
d = {Same("a"): "same", Text("b"): "text", Shouting("c"): "shouting", Unequal("d"): "unequal"}
for text in "abc":
    case(f"other keys {text}", tables.operate, "get text", d, text, None)
    case(f"other keys {text}", tables.operate, "set text", d, text, text)
case("other keys d", tables.operate, "set text", d, "d", "d")
case("other keys d", tables.operate, "get ref text", d, "d", "d")
note(len(d))

tell("C strings among other keys")

# What is no dict, a dict of a subclass.
for operation in ("set", "set text", "del", "get", "get with error", "get text", "get ref", "get ref text", "contains", "add", "in set"):
    if operation not in ("get ref", "get ref text", "contains"):
        case(f"{operation} of no dict", tables.operate, operation, [], "key", "value")
d = OwnDict(key=1)
for operation in ("get", "set", "get with error", "set text", "get text", "contains", "del", "set as mapping"):
    case(f"{operation} of a subclass", tables.operate, operation, d, "key", 7)
note(dict(d))

tell("no dicts, dicts of a subclass")

# Comparisons that change the table.
for operation in ("contains", "set", "get ref", "del"):
    d = {Clears(7): 1, "other": 2}
    Clears.target = d
    case(f"{operation}, cleared", tables.operate, operation, d, 7, "new")
    note(len(d), list(d.items()))
s = {Clears(7), "other"}
Clears.target = s
case("in set, cleared", tables.operate, "in set", s, 7, None)
note(len(s))

tell("comparisons that change the table")

# Tables that grow, and places that are used again.
for container in ({}, set(), {"old": 1}, {1, 2, 3}):
    case("filled", tables.fill, container, [str(i) for i in range(40)] + [float(i) for i in range(20)])
    note(len(container), sum(key in container for key in ["7", 1000, 3000.0, 4.0, 0.5]))
d = {"first": 1}
for key in ("key", 5, None, 1.5, (1,)):
    case(f"again {key!r}", tables.again, d, key, object(), 100)
d["last"] = 2
note(list(d.items()))
d = {i: i for i in range(100)}
for i in range(0, 100, 2):
    tables.operate("del", d, i, None)
note(len(d), list(d)[:5], 3 in d, 4 in d)

tell("tables that grow")

# Values that live on when their dict does not.
d = {i: [i] for i in range(20)}
kept = [tables.operate("get ref", d, i, None)[1] for i in range(20)]
d.clear()
gc.collect()
note(kept[7], sys.getrefcount(kept[7]) < 4)

tell("values that live on")

# Walking.
d = {"a": 1, 2: "b", None: 2.5, (3,): [], 10**20: 10**30, 1.5: -7}
for which in (0, 1, 2, 3):
    for position in (0, 2, 5, 6, 100):
        items, end = tables.walk(d, which, position, None)
        note(which, position, items, len(items))
del d[2], d["a"]
note(tables.walk(d, 3, 0, None)[0])
note(tables.walk({}, 3, 0, None), tables.walk([], 3, 0, None)[0])
note(tables.walk(OwnDict(a=1), 3, 0, None)[0])
d = {i: str(i) for i in range(10)}
note(tables.walk(d, 3, 0, lambda item: d.__setitem__(item[0], item[0] * 1000))[0], d[9])
note(tables.walk(d, 3, 0, lambda item: d.pop(item[0]))[0], d)
d = {i: str(i) for i in range(10)}
note(tables.walk(d, 1, 0, lambda item: d.pop(item[0] + 1, None))[0], d)
d = {i: str(i) for i in range(10)}
note(tables.walk(d, 3, 0, lambda item: d.clear())[0], d)
case("a walk that fails", tables.walk, {1: 2}, 3, 0, lambda item: 1 / 0)

tell("walks")

# Iterators.
def generator(n, end=None):
    for i in range(n):
        try:
            yield i * 100_000
        except GeneratorExit:
            note("closed at", i)
            raise
    return end


def raises():
    yield 1
    raise ValueError("in the generator")


def handles():
    try:
        raise KeyError("handled")
    except KeyError as e:
        yield repr(sys.exception())
        yield repr(sys.exception())
    yield repr(sys.exception())


def nested():
    got = yield from generator(3, "inner")
    yield got


def itself():
    yield slotted(me)


def slotted(g):
    try:
        return tables.slot(g)
    except ValueError as e:
        return str(e)


def iterators():
    return [
        ("generator", generator(3)), ("returning", generator(2, "value")), ("returning a tuple", generator(0, (1, 2))), ("raising", raises()),
        ("handling", handles()), ("nested", nested()), ("range", iter(range(3))), ("large range", iter(range(2**62, 2**62 + 2))),
        ("range across", iter(range(2**50 - 1, 2**50 + 1))), ("negative", iter(range(-5, -8, -1))), ("keys", iter({1: 2, "a": "b"})),
        ("items", iter({1: 2}.items())), ("values", iter({1: 2.5}.values())), ("set", iter({1})), ("str", iter("a\u20ac")), ("bytes", iter(b"ab")),
        ("map", map(str, [1, 2])), ("map of two", map(lambda a, b: (a, b), "ab", "cd")), ("zip", zip([1, 2], "ab")),
        ("filter", filter(None, [0, 1, 2])), ("enumerate", enumerate("ab")), ("reversed", reversed((1, 2))), ("list", iter([1.5, None])),
        ("callable", iter(iter([1, 2, 3]).__next__, 3)),
    ]  # fmt: skip


for name, iterator in iterators():
    for _ in range(3):
        case("taken", tables.take, iterator, 2)
    tell(f"{name}, taken")
for name, iterator in iterators():
    for _ in range(5):
        case("slot", tables.slot, iterator)
    tell(f"{name}, by its slot")
me = itself()
case("a generator that asks itself", tables.slot, me)
try:
    raise OSError("outside")
except OSError:
    g = handles()
    case("while an exception is handled", tables.take, g, 2)
    note(repr(sys.exception()))
case("later", tables.take, g, 2)
g = generator(5)
tables.take(g, 2)
del g
gc.collect()


tell("generators")

# Structs by the thousand, of types that share their memory.
async def coroutine():
    pass


def closed():
    c = coroutine()
    c.close()
    return c


async def asynchronous():
    yield 1


for function in (lambda: generator(1), closed, asynchronous, lambda: iter(range(3)), lambda: {1, 2}, lambda: frozenset([1]), lambda: {},
                 lambda: iter({1}), lambda: map(str, []), lambda: iter("ab"), lambda: slice(1, 2), lambda: range(3), lambda: [1].append):  # fmt: skip
    for _ in range(3):
        sum_ = tables.many(function, 1000)
    gc.collect()
    note(sum_, tables.many(function, 10))

tell("structs")

# Texts of formats.
for first, second in (("a", "b"), ("a", "b"), ("same", "same"), ("", "x"), ("\xe9", "\u20ac"), ("a" * 63, "a" * 64), ("a" * 80, "b" * 80)):
    for _ in range(3):
        case("texts", tables.texts, first, second)
tell("texts")
