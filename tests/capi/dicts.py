"""Prints what comes of dicts that C fills itself, with dicts.c.

usage: dicts.py FOLDER_OF_THE_EXTENSION"""

import gc
import sys

sys.path.insert(0, sys.argv[1])
import dicts
from checks import case

sys.stdout.reconfigure(line_buffering=True)
sys.unraisablehook = lambda unraisable: print(unraisable.err_msg, repr(unraisable.exc_value), sep="\t")


DOCUMENTS = [
    {}, {"a": 1}, {"": 1}, {"key": "value", "other": b"bytes"}, {"n": None, "t": True, "f": 1.5, "long": 2**40, "longer": 2**100},
    {"\xe9": "caf\xe9", "\u20ac": "\u20ac", "\U0001f600": "\U0001f600"}, {1: 2}, {(1, "a"): [1, "a"]},
    {f"key{i}": i for i in range(8)}, {f"key{i}": i for i in range(9)}, {f"key{i}": f"value {i}" for i in range(24)},
    {f"key{i}": i for i in range(25)}, {f"key{i}": i for i in range(100)},
    {"list": [{"id": i, "name": f"child {i}"} for i in range(5)], "dict": {"dict": {"dict": {}}}, "tuple": ({"a": 1}, [], ())},
    [{"id": i} for i in range(100)], ({"a": "b"},), {"x" * 3000: "y" * 3000}, {"same": "same", "sane": "sane", "name": "sale"},
]
SET = [("set", "a", 1), ("set", "b", "text"), ("set", "c", [1])]
SCRIPTS = {
    "nothing": [],
    "replaced": [*SET, ("set", "a", "anew"), ("set", "a", [2]), ("size",)],
    "strings": [("set string", "a", 1), ("set", "a", 2), ("set string", "b", "x"), ("get string", "b"), ("get string", "c")],
    "asked": [*SET, ("get", "a"), ("get", "b"), ("get", "z"), ("contains", "c"), ("contains", "z"), ("size",), ("truth",)],
    "asked with errors": [*SET, ("get with error", "a"), ("get with error", "z"), ("get ref", "c"), ("get ref", "z")],
    "asked oddly": [*SET, ("get", 1), ("get", []), ("get with error", []), ("contains", []), ("contains", "\u20ac"), ("get ref", [])],
    "defaults": [("default", "a", 1), ("default", "a", 2), ("default", "b", "b"), ("default", "b", "c"), ("default", 1, 1), ("size",)],
    "walked": [*SET, ("walk",), ("set", "d", 4), ("walk",)],
    "deleted": [*SET, ("delete", "b"), ("size",), ("set", "b", 5), ("delete", "z"), ("walk",)],
    "numbers as keys": [*SET, ("set", 1, "one"), ("set", "d", 1.5), ("walk",)],
    "unhashable": [*SET, ("set", [], 1), ("size",)],
    "itself": [("set", "a", 1), ("set itself", "me"), ("repr",), ("size",)],
    "itself, only": [("set itself", "me")],
    "in a tuple": [("set in a tuple", "t", "x"), ("size",)],
    "borrowed": [("set and use", "a", "text"), ("set and use", "b", ["list"]), ("set and use", "c", {"d": "e"}), ("size",)],
    "copied": [*SET, ("copy",), ("set", "d", 1)],
    "updated": [*SET, ("update", None, {"c": 2, "d": 3}), ("size",)],
    "cleared": [*SET, ("clear",), ("size",), ("set", "a", 1), ("size",)],
    "passed on": [*SET, ("call", None, lambda d: d.update(e=5)), ("size",), ("set", "f", 6), ("get", "e")],
    "keywords": [*SET, ("call with it", None, lambda **k: sorted(k))],
    "kept": [*SET, ("keep",), ("set", "d", "kept")],
    "many": [("set", f"key{i % 20}", f"{i}") for i in range(60)] + [("size",)],
    "too many": [("set", f"key{i}", i) for i in range(30)] + [("size",), ("get", "key29"), ("get", "key0")],
}


def handed_over():
    for number, document in enumerate(DOCUMENTS):
        case(f"document {number}", lambda: (x := dicts.fresh(document), x == document, type(x).__name__, str(x)[:200]))
        case(f"document {number}, kept", lambda: (x := dicts.fresh_kept(document), x == document, dicts.kept() is x or not x)[1:])
        case(f"document {number}, kept and changed", lambda: (dicts.kept() == document, dicts.drop()))
    for room in (-1, 0, 5, 24, 25, 1000):
        for name, script in SCRIPTS.items():
            case(f"{name}, {room}", lambda: dicts.steps(room, script))
            if name == "kept":
                case("what is kept", lambda: (d := dicts.kept(), d.update(g=1), dicts.kept(), dicts.kept() is d, dicts.drop())[2:])


def used_afterwards():
    results, d = dicts.steps(-1, SCRIPTS["many"])
    for i in range(50):
        d[f"more{i}"] = i
    case("grown", lambda: (len(d), list(d)[:3], d["more49"], d["key7"]))
    case("popped", lambda: (d.pop("key3"), d.popitem(), "key3" in d, len(d)))
    same = [dicts.fresh({"a": i}) for i in range(3)]
    case("keys of several", lambda: ({**same[0], **same[1]}, same))
    case("as keywords", lambda: dict(**dicts.fresh({"a": 1, "b": "c"})))


def dropped():
    pairs = [("a", "text"), ("b", [1, {"c": "d"}]), ("e", ({"f": 2**100},)), ("g", object())]
    case("dropped", lambda: dicts.dropped(pairs, 1000))
    deep = {}
    for _ in range(2000):
        deep = {"d": deep}
    case("deep", lambda: dicts.dropped([("x", deep)], 3))
    for in_list in (True, False):
        for _ in range(3):
            dicts.cycle(in_list)
    gc.collect()
    gc.collect()
    case("cycles of C", dicts.holders)


handed_over()
used_afterwards()
dropped()
