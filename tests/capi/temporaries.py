"""Prints what comes of arguments that were made for one call, made hot: C uses, keeps, changes and passes on what it got (temporaries.c).

usage: temporaries.py FOLDER_OF_THE_EXTENSION"""

import gc
import sys

sys.path.insert(0, sys.argv[1])
import temporaries

sys.stdout.reconfigure(line_buffering=True)

HOT = 2000
MODES = "SAME KEEP CALL CHANGE RAISE REPR HASH KEY ITEMS TWICE WEAK".split()


class A:
    def method(self):
        return 5

    def __repr__(self):
        return "A()"


class Text(str):
    def __add__(self, other):
        return self


# Expressions of x, y and z, which are set below; w: `:=` keeps it.
EXPRESSIONS = {
    "(x, y)": (1, "x"),
    "(x, y, (x, y))": (1, "x"),
    "(x, [y])": (1.5, 1 << 70),
    "()": (1, 2),
    "[x, y]": (1, "x"),
    "[x, [y], z]": (1, "x"),
    "[]": (1, 2),
    "x[:]": ([1, 2.5, "x", None], 0),
    "x[1:3] ": ([1, [2], "x", None], 0),
    "x + y": ("hello", "world"),
    "x + y ": ("h\xe9llo", "w\u20acrld"),
    "x + y  ": ("", "world"),
    "x + y   ": (b"hello", b"world"),
    "x + y    ": ([1], [2]),
    "x + y     ": ((1,), (2,)),
    "x + y      ": (1 << 59, 1 << 59),
    "x + y       ": (1 << 199, -(1 << 20)),
    "x + y        ": (-(1 << 65), 1 << 65),
    "x + y         ": ("x" * 40000, "y" * 40000),
    "x + y          ": (Text("a"), "b"),
    "x + 'constant'": ("hello", 0),
    "x + y + x": ("hello", "world"),
    "tuple(x)": ([1, 2.5, "x", None], 0),
    "tuple(x) ": ((1, "x"), 0),
    "tuple(x)  ": ([], 0),
    "list(x)": ((1, [2], "x"), 0),
    "list(x) ": ([1 << 70, 2], 0),
    "(w := tuple(x))": ([1, 2], 0),
    "(w := (x, y))": (1, 2),
    "(w := x + y)": ("hello", "world"),
    "(x, y) if z else [x]": (1, 2),
    "x.method ": (A(), 0),
}
CALLS = ["use({0})", "use_last({0})", "use_last(x, {0})", "use_last({0}, {0})", "use_first({0}, y)", "use_first([x], {0})"]
SOURCE = """def hot(count, use, use_last, use_first, x, y, z):
    w = last = None
    for n in range(count):
        try:
            last = {0}
        except Exception as e:
            last = e.args
    return last, w
"""


def text_of(v):
    if isinstance(getattr(v, "__self__", None), A):
        return f"{v.__name__} {v()}"
    if callable(v):
        return "callable"
    if isinstance(v, list | tuple):
        return f"{type(v).__name__} of {len(v)} [" + ", ".join(map(text_of, v[-4:])) + "]"
    if isinstance(v, dict):
        return "dict[" + ", ".join(f"{text_of(k)}: {text_of(x)}" for k, x in v.items()) + "]"
    text = f"{type(v).__name__} {v!r}"
    return text if len(text) < 80 else f"{text[:20]}... {len(text)}"


def short(results):
    """The results, and how many are one object."""
    return f"{len(results)} {len(set(map(id, results)))} {text_of(results[-1])}"


for expression, (x, y) in EXPRESSIONS.items():
    for call in CALLS:
        scope = {}
        exec(SOURCE.format(call.format(expression)), scope)
        hot = scope["hot"]
        seen = []
        arguments = temporaries.use, temporaries.use_last, temporaries.use_first, x, y, 0
        temporaries.set(MODES.index("WEAK"), None)
        hot(HOT, *arguments)
        for mode, name in enumerate(MODES):
            if call != CALLS[0] and name not in ("KEEP", "CHANGE", "TWICE"):
                continue
            temporaries.set(mode, seen.append)
            last, w = hot(5, *arguments)
            if name == "KEEP":
                gc.collect()
            kept = temporaries.set(mode, None)
            # What C got by `:=` is the variable's object.
            mine = [w is k for k in kept]
            print(f"{expression} {call} {name}\t" + text_of(last), text_of(w), short(kept) if kept else "nothing",
                  sum(mine), short(seen) if seen else "nothing", text_of(x), sep="; ")
            seen.clear()
        # Another sort of operands in the code that is hot.
        for x2, y2 in [("a", "b"), (1, 2), (1 << 60, 1 << 61), ([1], [2]), (2.5, 1 << 61)] if call == CALLS[0] else []:
            temporaries.set(MODES.index("TWICE"), None)
            try:
                last = text_of(hot(3, *arguments[:3], x2, y2, 1))
            except Exception as e:
                last = repr(e)
            print(f"{expression} {call} of {x2!r}, {y2!r}\t{last}", short(temporaries.set(0, None) or [None]), sep="; ")


# Results that nobody reads: what is new ends at once, in hot code.
UNREAD = ["counted()", "x + x", "x.again()", "x + y"]


def hot_statement(statement):
    scope = {"counted": temporaries.counted, "how_many": temporaries.how_many}
    exec(f"""def hot(count, x, y):
    most = 0
    for n in range(count):
        {statement}
        most = max(most, how_many())
    return most""", scope)
    return scope["hot"]


for statement in UNREAD:
    hot, x = hot_statement(statement), temporaries.counted()
    hot(HOT, x, x)
    gc.collect()
    most = 1 if sys._xoptions.get("jit") == "off" else hot(HOT, x, x)
    try:
        hot(1, x, 1)
        other = "fine"
    except TypeError as e:
        other = e
    print(f"{statement}, not read\t{most}; {other}")
    del x
    gc.collect()

# Keys that are made anew for each dict, more than anybody remembers, and several times.
FAMILIES = ["id name size".split(), [f"key {i}" for i in range(20)], ["x" * i for i in range(20)], ["\xe9", "\u20ac", "a\0b", "a\0c"]]
for n, family in enumerate(FAMILIES):
    dicts = [temporaries.keyed(family) for _ in range(5)]
    gc.collect()
    print(f"keys {n}\t", all(d == dict(zip(family, range(len(family)))) and list(d) == family for d in dicts))
many = [[f"{i * 7919 % 6000} key"] for i in range(6000)]
dicts = [temporaries.keyed(names) for names in many * 3]
print("many keys\t", all(d == {names[0]: 0} and hash(next(iter(d))) == hash(names[0]) for d, names in zip(dicts, many * 3)))
