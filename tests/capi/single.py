"""Prints what a module sees that initialises itself in one phase, here inside a package, of itself, of classes and of bound methods.

usage: single.py FOLDER_OF_THE_EXTENSION"""

import gc
import os
import shutil
import sys
import tempfile
import weakref

with tempfile.TemporaryDirectory() as folder:
    package = os.path.join(folder, "pack")
    os.mkdir(package)
    shutil.copy(os.path.join(sys.argv[1], "single.cpython-314-x86_64-linux-gnu.so"), package)
    sys.path.insert(0, folder)
    from pack import single


def case(label, function, *args):
    try:
        text = repr(function(*args))
    except Exception as e:
        text = f"{type(e).__name__} {e}"
    print(label, text, sep="\t")


case("module", lambda: (single.__name__, single.find.__module__, single.find.__self__ is single))
case("state", single.find)


class Outer:
    class Inner:
        pass


case("names", single.names, Outer.Inner)
Outer.Inner.__name__ = "Changed"
case("name changed", single.names, Outer.Inner)
Outer.Inner.__qualname__ = "Elsewhere.Changed"
case("qualname changed", single.names, Outer.Inner)

# Bound slot wrappers, and bound builtin methods, which do not keep their object alive once they are gone.
case("wrapper", lambda: (single.keep({"a": 1}.__getitem__), single.call("a"), single.keep([1, 2].__eq__), single.call([1, 2])))
for _ in range(400):
    single.keep({"a": 1}.__getitem__)
    single.keep((1, 2).__len__)
    single.keep(b"abc".__contains__)


class List(list):
    pass


held = List()
gone = weakref.ref(held)
single.keep(held.append)
case("append", lambda: (single.call(3), gone()))
del held
single.keep(None)
gc.collect()
case("gone", lambda: gone() is None)

# References that C has taken show.
held = Outer()
before = sys.getrefcount(held)
single.keep(held)
case("one more", lambda: sys.getrefcount(held) - before)
single.keep(None)
case("as before", lambda: sys.getrefcount(held) - before)
case("immortal", lambda: [sys.getrefcount(o) for o in (None, True, 1)])
