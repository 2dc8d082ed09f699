"""Prints what comes of structs that generated code takes apart, with apart.c.

usage: apart.py FOLDER_OF_THE_EXTENSION"""

import array
import gc
import sys

sys.path.insert(0, sys.argv[1])
import apart
from checks import case, outcome

sys.stdout.reconfigure(line_buffering=True)


class Usual:
    taken = 1


for text in ("", "a", "abc", "x" * 1000, "\xe9", "\u20ac", "".join(["made ", "here"])):
    case(f"hash of {text[:10]!r}", lambda: apart.hash_kept(text))
case("namespace", lambda: sorted(k for k in apart.namespace(Usual) if not k.startswith("__")))
case("namespace changed", lambda: (Usual.added, hasattr(Usual, "taken")))
for cls, name in ((int, "__add__"), (list, "__len__"), (apart.Behind, "__repr__"), (dict, "get")):
    case(f"{cls.__name__}.{name}", lambda: apart.wrapper_parts(getattr(cls, name)))
case("text", lambda: (apart.Text("abc").upper(), apart.Text(5) + "x", apart.Text.__mro__))
case("behind the text", lambda: (apart.Behind.__basicsize__, isinstance(apart.Behind().method(), apart.Behind)))
gc.collect()
case("text again", lambda: {apart.Text("a"): 1}["a"])
for name in "method", "attribute", "field":
    descriptor = apart.Behind.__dict__[name]
    case(f"no docstring of {name}", lambda: descriptor.__doc__)
    case(f"docstring of {name}", lambda: apart.add_docstring(descriptor, f"About {name}."))
    del descriptor
    gc.collect()
    case(f"docstring of {name}, read", lambda: apart.Behind.__dict__[name].__doc__)
case("docstring of a function", lambda: (apart.add_docstring(apart.namespace, "namespace($module, type)\n--\n\nText."), apart.namespace.__doc__))
for label, view in {
    "bytes": b"abc", "bytearray": bytearray(b"abc"), "view of bytes": memoryview(b"abc"), "part": memoryview(b"abcd")[1:3],
    "backwards": memoryview(b"abcd")[::-1], "array": array.array("d", [1, 2]), "table": memoryview(b"abcdef").cast("B", (2, 3)),
}.items():
    case(f"memory of {label}", lambda: apart.described(view))
for cls in (type, object, int, str, bytes, list, dict, tuple, set, BaseException, OSError, type(case), type(apart), memoryview, Usual):
    case(f"layout of {cls.__name__}", lambda: (cls.__basicsize__, cls.__itemsize__, cls.__dictoffset__, cls.__weakrefoffset__))


# Slots that call those of their builtin bases.
class Made(metaclass=apart.Meta):
    class_attribute = 1
    static = apart.Property(lambda cls: cls.__name__)

    def __init__(self, x=None):
        self.x = x


class Below(Made):
    pass


def counted(label, function):
    apart.take_calls()
    said = outcome(function)
    print(label, said, apart.take_calls() > 0, sep="\t")


for cls in (Made, Below):
    counted("attribute of a class", lambda: cls.class_attribute)
    counted("no attribute of a class", lambda: cls.nothing)
    counted("static property", lambda: cls.static)
    counted("static property of an instance", lambda: cls().static)
    counted("instance", lambda: cls(3).x)
    counted("attribute set", lambda: setattr(cls, "other", 5))
    counted("attribute deleted", lambda: delattr(cls, "other"))
    counted("no attribute deleted", lambda: delattr(cls, "other"))


class DictBelow(apart.Dict):
    pass


for cls in (apart.Dict, DictBelow):
    d = cls(a=1)
    counted("item", lambda: d["a"])
    counted("no item", lambda: d["b"])
    counted("item set", lambda: d.__setitem__("b", 2))
    counted("item set by a statement", lambda: exec("d['c'] = 3; del d['b']"))
    counted("length", lambda: len(d))
    counted("repr", lambda: repr(d))
t = apart.HashedText("abc")
counted("hash", lambda: hash(t) == hash("abc"))
counted("comparison", lambda: (t == "abc", t < "b", t != "abc", {t: 1}["abc"]))
