"""Prints what comes of calls of hotcalls.c from places that are so hot that they are compiled, and then meet something else.

usage: hotcalls.py FOLDER_OF_THE_EXTENSION"""

import re
import sys
import warnings

sys.path.insert(0, sys.argv[1])
import hotcalls
from hotcalls import *

HOT = 450
warnings.simplefilter("error")


def text_of(v):
    if isinstance(v, BaseException):
        context = [getattr(v, name, None) for name in ("name", "obj")] if isinstance(v, AttributeError) else []
        v = f"{type(v).__name__}{v.args}{context}"
    text = re.sub(r" (object )?at 0x[0-9a-f]+", "", repr(v) if not isinstance(v, str) else v)
    # (Who is blamed for a NULL without an exception is another test's.)
    text = re.sub(r"SystemError\(.*(returned NULL without setting an exception|error return without exception set).*", "NULL", text)
    return re.sub(r"<module 'hotcalls' from [^>]*>", "<module>", text)


def outcome(function, *args):
    try:
        return text_of(function(*args))
    except BaseException as e:
        return text_of(e)


def row(label, *outcomes):
    print(label, " | ".join(outcomes), sep="\t")


def place(expression, setup=""):
    """A function of x, y and z with one place, whatever it is called with."""
    scope = dict(globals())
    exec(f"{setup}\ndef place(x, y, z):\n    return {expression}", scope)
    return scope["place"]


def show(label, expression, hot, *others):
    """What the place gives for the arguments that made it hot, then for others, then for the first again."""
    function = place(expression)
    for _ in range(HOT):
        usual = outcome(function, *hot)
    row(label, usual, *[outcome(function, *(*other, *hot[len(other):])) for other in others], outcome(function, *hot))


class Sub(Caller):
    pass


class Other:
    def __call__(self, *args, **kwargs):
        return "other", args, kwargs

    none = one = args = keywords = fast = fast_keywords = __call__


VALUES = [(None,), (1,), (10**6,), (-5,), (10**20,), (1.5,), ("text",), ([],), (True,), (...,), (Other(),)]
NUMBERS = (1, 2.5, "x")

# Argument tuples: kept, hashed, changed, passed on to a function of as many arguments.
for name in ("give_args", "count_args", "hash_args", "fail"):
    for n in range(10):
        expression = f"{name}({', '.join('xyzxyzxyz'[:n])})"
        show(expression, expression, NUMBERS, *VALUES, ([[]], {}, 1j))
for name in ("keep_args", "keep_items"):
    show(name, f"{name}(x, y)", NUMBERS, *VALUES)
    row(f"last of {name}", outcome(getattr(hotcalls, name)))
show("change_args", "change_args(x, y)", ("text", 1.5, None), *VALUES)
show("pass_on", "pass_on(x, y, z)", (give_args, 1, 2.5), (count_args,), (fail,), (Other(),), (lambda *a: a,), (None,))
show("pass_on itself", "pass_on(pass_on, pass_on, give_args, x, y)", NUMBERS, *VALUES)
show("pass_all", "pass_all(x, y)", (give_args, 1.5, None), (keep_args,), (lambda *a: a,), (fail,), (3,))
row("kept", outcome(keep_args))

# Functions with keywords.
for call in ("(x, y)", "(x, key=y)", "(key=x, other=y)", "(x, y, z, x, y, key=z)", "(*x, **y)"):
    hot = ((1, 2), {"key": 3}, None) if "*" in call else NUMBERS
    others = [((), {"a": 1}), ((1,), {"a": 1, "b": 2}), ([1], {"c": 3}), ((1,), {}), ((), {})] if "*" in call else VALUES
    for function in ("keywords", "fast_keywords"):
        show(function + call, function + call, hot, *others)

# Methods of an object, of a Python subclass, of something else; of the class; bound before.
o, sub = Caller(), Sub()
for method in ("none()", "one(y)", "args(y, z)", "keywords(y, key=z)", "fast(y, z)", "fast_keywords(y, key=z)", "static_none()",
               "static_one(y)", "static_fast(y, z)", "static_args(y, z)", "class_none()", "class_one(y)", "class_args(y)", "class_fast(y, z)"):
    show("x." + method, "x." + method, (o, 1, 2.5), (sub,), (Other(),), (Plain(),), (None,), (Caller,), (Sub,), (o, "text", []))
    show("Caller." + method, "Caller." + method, (o, 1, 2.5), (sub, "text"))
for method in ("none(x)", "one(x, y)", "fast(x, y, z)", "args(x, y)", "keywords(x, key=y)"):
    show("Caller." + method, "Caller." + method, (o, 1, 2.5), (sub,), (Plain(),), (None,), (Caller,), (o, "text", []))
# A call with an empty dict of keywords is not always one without.
for f in ("keywords", "fast_keywords", "x.keywords", "x.fast_keywords", "Caller.keywords", "x", "Plain()"):
    show(f + "(**y)", f + "(**y)", (o, {}, None), (sub,), (o, {"key": 1}), (o, {}), (Plain(), {}))
    show(f + "(*z, **y)", f + "(*z, **y)", (o, {}, ()), (o, {}, (1,)), (o, {}, (o,)), (o, {"key": 1}, (o,)), (o, {}, [o, 2]))
for t in ("Made", "New"):
    show(t + "(**y)", t + "(**y).value", (o, {}, None), (o, {"key": 1}), (o, None))
    show(t + "(*z, **y)", t + "(*z, **y).value", (o, {}, ()), (o, {}, (1,)), (o, {"key": 1}, (1,)), (o, {}, [o, 2]))
show("with its class", "x.of_class(y, key=z)", (Heap(), 1, 2.5), (type("Derived", (Heap,), {})(),), (Heap(), "text", []), (3,))
show("none with an argument", "x.none(y)", (o, 1, 2), (sub,))
show("one without", "x.one()", (o, 1, 2), (sub,))

# Objects that are called: the function in their struct may change.
show("x(y)", "x(y, z)", (o, 1, 2.5), (Plain(),), (sub,), (Other(),), (3,), (o, "text", []), (Caller,), (len,))
show("x(key)", "x(y, key=z)", (o, 1, 2.5), (Plain(),), (sub,), (Other(),), (3,), (o, "text", []))
function = place("x(y)")
for which in [0] * HOT + [1, 2, 0]:
    o.use(which)
    last = outcome(function, o, 1, 2)
    if which:
        row(f"use {which}", last)
row("use 0", last)
show("tp_call", "x(y)", (Plain(), 1, None), (o,), (Plain(), ...), (Plain(), "text"), (Other(),))
show("tp_call, keywords", "x(y, key=z)", (Plain(), 1, None), (o,), (Plain(), "text"), (Other(),))

# Classes that are called.
Derived = type("Derived", (Made,), {})
Initialised = type("Initialised", (Made,), {"__init__": lambda self, *args: setattr(self, "args", args)})
WISHES = [(n,) for n in range(7)] + [(1, o), (1, Derived("x")), (1, 5), ("text",), ([],)]
for name in ("Made", "New", "Own", "OnlyOwn", "Derived", "Initialised"):
    value = ".value" if name in ("Made", "New", "Derived", "Initialised") else ""
    show(name, f"{name}(x, y){value}", (0, 2.5, None), *WISHES)
    show(name + " of none", f"{name}(){value}", (0, None, None))
    show(name + " of seven", f"{name}(x, y, z, x, y, z, x){value}", NUMBERS)
    show(name + " of nine", f"{name}(x, y, z, x, y, z, x, y, z){value}", NUMBERS)
    show(name + " by key", f"{name}(x, key=y){value}", (0, 2.5, None), ("text",))
show("a class", "x(y)", (New, 0, None), (Made,), (Derived,), (Own,), (int,), (str,), (type,), (len,), (Initialised,))

# What is asked of objects, in all ways to answer.
asked, attributes, computed = Asked(), Attributes(), Computed()


class Owner:
    value = Descriptor()


owner = Owner()
for expression in ("x.value", "getattr(x, 'value')", "getattr(x, 'value', 'default')", "setattr(x, 'value', y)", "x[3]", "x[y]", "x[-1]",
                   "x.__setitem__(3, y)", "len(x)", "bool(x)", "not x", "int(x)", "float(x)", "next(x, 'end')", "next(x)", "list(x)[:1]",
                   "type(x)", "isinstance(x, Asked)", "isinstance(x, Other)", "[1, 2, 3][x]", "x in [1, x]", "1 if x else 2"):
    for label, obj in (("asked", asked), ("attributes", attributes), ("owner", owner), ("computed", computed)):
        function, all = place(expression), []
        if expression == "list(x)[:1]" or expression.startswith("x[") and label != "asked" or (
                expression.startswith("setattr") and label == "computed"):
            continue
        # (CPython takes a NULL without an exception for something else here.)
        lenient = expression in ("getattr(x, 'value', 'default')", "x.__setitem__(3, y)", "[1, 2, 3][x]")
        for n in [0] * HOT + [1, 2, 4 if lenient else 3, 4, 5, 6, 7, 8, 0]:
            set_mode(n)
            last = outcome(function, obj, 1, None)
            if n or not all:
                all.append(last)
        all += [last, outcome(function, 3, 1, None), outcome(function, Other(), 1, None)]
        row(f"{label} {expression}", *all)
set_mode(0)


texts = Texts()
for expression in ("str(x)", "repr(x)", "f'{x}'", "f'{x!r}'", "str(x) + repr(x)", "'%s' % x"):
    function, all = place(expression), []
    for n in [0] * HOT + [1, 2, 3, 4, 5, 6, 7, 8, 0]:
        set_mode(n)
        last = outcome(function, texts, 1, None)
        if n or not all:
            all.append(last)
    row(f"texts {expression}", *all, last, *(outcome(function, v, 1, None) for v in (3, "text", b"bytes"[:0], None, [1])))
set_mode(0)


def stored(target):
    scope = dict(globals())
    exec(f"def place(x, y, z):\n    {target}", scope)
    return scope["place"]


for target in ("x.value = y", "x[3] = y", "x[z] = y", "del x[3]", "del x.value"):
    for label, obj in (("asked", asked), ("attributes", attributes), ("owner", owner)):
        function, all = stored(target), []
        for n in [0] * HOT + [1, 2, 3, 0]:
            set_mode(n)
            last = outcome(function, obj, 1, 2)
            if n or not all:
                all.append(last)
        all += [outcome(function, obj, v, -1) for v in (None, 10**20, 1.5, "text", [])]
        row(f"{label} {target}", *all, outcome(function, [1] * 5, 1, 2), outcome(function, 3, 1, 2))

# Slots by their names, with too many arguments or too few.
set_mode(4)
for call in ("__int__()", "__int__(y)", "__len__()", "__len__(y)", "__getitem__(y)", "__getitem__()", "__next__()", "__next__(y)", "__bool__(y)",
             "__iter__()", "__iter__(y)"):
    show(f"slot {call}", f"x.{call}", (asked, 1, None), (3,), (owner,), (asked, 2))
descriptor = Descriptor()
for call in ("__get__(y)", "__get__(y, z)", "__get__()", "__set__(y, z)", "__set__(y)", "__delete__(y)"):
    show(f"slot {call}", f"x.{call}", (descriptor, owner, Owner), (3,), (owner,), (descriptor, None))
set_mode(0)


# Descriptors of classes that are made anew, and of others.
def owner_of(value, **more):
    return type("Owner", (), {"value": value, **more})()


class Reader(Descriptor):
    def __get__(self, obj, owner=None):
        return "Python's", obj is not None, owner.__name__


set_mode(4)
OWNERS = [owner_of(Descriptor()), owner_of(Descriptor(), __slots__=()), owner_of(3), owner_of(property(lambda self: 5)), owner_of(Reader()),
          owner_of(len), Sub(), 7]
for function, label in ((place("x.value"), "read"), (stored("x.value = y"), "written")):
    for round in ("", " again"):
        for _ in range(HOT):
            usual = outcome(function, owner, 1, 2)
        row(f"described, {label}{round}", usual, *[outcome(function, each, 1, 2) for each in OWNERS], outcome(function, owner, 1, 2))
        for _ in range(HOT):
            usual = outcome(function, OWNERS[1], 1, 2)
        row(f"described anew, {label}{round}", usual, outcome(function, owner, 1, 2))
        type(OWNERS[0]).value = "changed"
set_mode(0)

# Lists that C has seen.
for n, items in enumerate(([1, 2.5, "x", None, True, 10**6, 10**20, [], o], [1] * 9)):
    give_args(items, items)
    for expression in ("x[0]", "x[y]", "x[-1]", "x[100]", "len(x)", "[a for a in x]", "sum(x[:2])", "x.count(1)", "y in x"):
        show(f"seen {n} {expression}", expression, (items, 3, None), (items, 0), (items, 6), (items, -1), (items, 99), (items, "x"), ([4] * 9,), ((5,) * 9,), ({0: 6, 3: 7},))


def filled(x, y, z):
    x[y] = z
    return x


seen = [None] * 4
give_args(seen, seen)
for _ in range(HOT):
    filled(seen, 1, "text")
for index, value in ((0, None), (1, 5), (2, 10**6), (3, 1.5), (-1, []), (3, o), (1, "text"), (9, None), ("x", 1)):
    row(f"filled {index} {value!r:.10}", outcome(filled, seen, index, value))


def grown(x, y):
    return x.append(y)


def shrunk(x):
    return x.pop()


class Noted(list):
    def append(self, value):
        return "noted", value


for usual in ("text", 10**6):
    seen = [None] * 3
    give_args(seen, seen)
    for _ in range(HOT):
        grown(seen, usual)
        shrunk(seen)
    for value in (None, True, 1, 10**6, 10**20, 1.5, "text", [], o, Sub()):
        row(f"grown {usual} {value!r:.10}", outcome(grown, seen, value), text_of(seen), outcome(shrunk, seen), str(len(seen)))
    row(f"shrunk {usual}", *(outcome(shrunk, seen) for _ in range(5)), text_of(seen))
    for other in ([1, 2], Noted([1, 2]), bytearray(b"xy"), {1}, {1: 2}):
        row(f"others {usual} {other}", outcome(grown, other, 7), outcome(shrunk, other), text_of(other))
    for _ in range(HOT):
        grown(seen, o)
    row(f"long {usual}", str(len(seen)), str(sum(shrunk(seen) is o for _ in range(HOT))), text_of(seen))

# Indexes that C knows.
numbers = list(range(10, 20))
for expression in ("x[y]", "x[y] + x[y]", "[x][0][y]"):
    function, all = place(expression), []
    for n in [4] * HOT + [1, 2, 5, 6, 7, 8, 0, 4]:
        set_mode(n)
        last = outcome(function, numbers, asked, None)
        if n != 4 or not all:
            all.append(last)
    others = [(numbers, 2), (numbers, owner), ([1], asked), ((5,) * 9, asked), ("a text of letters", asked), ({asked: 1}, asked), (numbers, "x"), (numbers, -1), (numbers, 1.5)]
    row(f"indexed {expression}", *all, last, *(outcome(function, c, i, None) for c, i in others), outcome(function, numbers, asked, None))


def kept(x, y):
    item = "as before"
    try:
        item = x[y]
    except Exception as error:
        return item, str(error)
    return item


set_mode(4)
for _ in range(HOT):
    kept(numbers, asked)
row("indexed, a variable when it fails", *(outcome(kept, x, y) for x, y in ((numbers, asked), ([], asked), (numbers, owner), ((), asked))))


# Iterators of C that are asked for all they have.
def three(x):
    a, b, c = x
    return a, b, c


def twenty(x):
    a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t = x
    return a, t


def sixteen(x):
    a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p = x
    return a, p


for function, n in ((three, 3), (sixteen, 16), (twenty, 20)):
    for _ in range(HOT):
        function(Counted(n))
takers = (three, sixteen, twenty, list, tuple, sum, lambda x: sorted(set(x)), lambda x: [*x, 0], lambda x: dict.fromkeys(x))
for n in (0, 1, 2, 3, 4, 15, 16, 17, 20, 21, 31, 32, 33):
    row(f"counted {n}", *(outcome(f, Counted(n)) for f in takers))
for n in (1, 2, 3, 5, 6, 8):
    set_mode(n)
    row(f"asked for all {n}", *(outcome(f, asked) for f in (takers[:3] if n in (2, 5, 6) else takers)))
set_mode(0)


class Changing(Counted):
    def __next__(self):
        if len(numbers) < 5:
            raise StopIteration
        return numbers.pop()


row("counted by Python", *(outcome(f, Changing(3)) for f in (three, list, tuple)))

function, all = place("divmod(x, y)"), []
for n in [0] * HOT + [1, 2, 3, 4, 5, 6, 7, 9, 0]:
    set_mode(n)
    last = outcome(function, asked, asked, None)
    if n or not all:
        all.append(last)
others = [(asked, Asked()), (asked, 3), (3, asked), (7, 2), (7, 0), (7.5, 2), ("x", 2), (asked, o)]
row("divmod", *all, last, *(outcome(function, x, y, None) for x, y in others))


# Arguments by name in a dict.
def spread(x, y):
    return keywords(x, **y)


class Text(str):
    pass


given = {"key": 1, "other": [2]}
for _ in range(HOT):
    result = spread(None, given)
row("spread", text_of(result), str(result[2] is given))
result[2]["more"] = 3
row("spread and changed", text_of(result), text_of(given), outcome(spread, 5, given))
row("spread others", *(outcome(spread, 5, y) for y in ({1: 2}, {Text("key"): 3}, {"a": 1, 2: 3}, [("a", 1)], 5, {"key": o}, {str(n): n for n in range(40)})))


# Sums of lists that C has seen, whose numbers are read many at a time, up to what is none.
class Adds:
    def __init__(self, items):
        self.items = items

    def __radd__(self, total):
        self.items.append(total)
        return 100


def seen(items):
    keywords(items)
    return items


def changed(numbers):
    items = seen(list(numbers))
    items.append(seen(Adds(items)))
    items += numbers
    return sum(items), items[-1]


few, many = [1, 2, -3], [*range(-20, 20), 1 << 40, 1 << 62]
for start in (0, 0.5, 1 << 49, 2j):
    row(f"sum from {start}", *(outcome(sum, seen(list(x)), start) for x in (few, many, [*few, 0.1, *many], [0.1] * 40, [True, 2], [*many, 1j, 2.5])))
row("sum of others", *(outcome(sum, seen(x)) for x in ([], [None], [*many, "x"], [[1]], [*range(16), None], [float("inf"), 1])))
row("sum that changes", *(outcome(changed, x) for x in (few, many, [0.5] * 16)))
