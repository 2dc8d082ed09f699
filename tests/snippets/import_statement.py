# `__import__`: what it refuses, relative names, and what it says of modules that lack something.
import os
import subprocess
import sys
import tempfile
import warnings


def refused(*args, **kwargs):
    try:
        __import__(*args, **kwargs)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class Spec:
    def __init__(self, parent):
        self.parent = parent


assert refused(None) == "TypeError: module name must be a string"
assert refused("") == "ValueError: Empty module name"
assert refused("os", level=-1) == "ValueError: level must be >= 0"
assert refused("x", level=1) == """KeyError: "'__name__' not in globals\""""
assert refused("x", 5, level=1) == "TypeError: globals must be a dict"
assert refused("x", {"__package__": 3}, level=1) == "TypeError: package must be a string"
assert refused("x", {"__package__": ""}, level=1) == "ImportError: attempted relative import with no known parent package"
assert refused("x", {"__package__": "a.b"}, level=3) == "ImportError: attempted relative import beyond top-level package"
assert refused("x", {"__package__": "no_such.b"}, level=2) == "ModuleNotFoundError: No module named 'no_such'"
assert refused("x", {"__spec__": Spec(5)}, level=1) == "TypeError: __spec__.parent must be a string"
sys.modules["absent"] = None
assert refused("absent") == "ModuleNotFoundError: import of absent halted; None in sys.modules"
sys.modules["json.nothing.there"] = {}
assert refused("nothing.there", {"__package__": "json"}, level=1) == "KeyError: \"'json.nothing' not in sys.modules as expected\""

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert refused("x", {"__name__": 3}, level=1) == "TypeError: __name__ must be a string"
    assert __import__("decoder", {"__spec__": Spec("json")}, level=1).__name__ == "json.decoder"
    assert refused("nope", {"__spec__": Spec("json"), "__package__": "xml"}, level=1).endswith("'xml.nope'")
assert [str(w.message) for w in caught] == [
    "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__",
    "__package__ != __spec__.parent",
]
assert all(w.filename == __file__ for w in caught)

import json.decoder

assert __import__("json.decoder") is json
assert __import__("json.decoder", fromlist=("x",)) is json.decoder
assert __import__("", {"__package__": "json"}, fromlist=("decoder",), level=1) is json
assert __import__("json", fromlist=("nothing at all",)) is json

# Names may be any text.
name = "mod\ud800"
sys.modules[name] = json
assert __import__(name) is json
assert refused("none\ud800").startswith("ModuleNotFoundError")


cpython = sys.implementation.name == "cpython"
executable = os.environ.get("CAPE_PEER_CPYTHON", sys.executable) if cpython else sys.executable


def run(folder, *args):
    done = subprocess.run([executable, *args], cwd=folder, capture_output=True, text=True)
    return done.stderr.splitlines()[-1]


with tempfile.TemporaryDirectory() as folder:
    def write(name, text):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    write("fractions.py", "x = 1")
    write("hides.py", "import fractions\nfractions.Fraction")
    write("numbers_.py", "import numbers_\nnumbers_.nothing")
    write("a.py", "import b\nx = 1")
    write("b.py", "from a import x")
    write("pkg/__init__.py", "")
    write("pkg/one.py", "import pkg.two")
    write("pkg/two.py", "import pkg\npkg.one")
    hidden = (
        "(consider renaming '{}' since it has the same name as the standard library module named 'fractions' "
        "and prevents importing that standard library module)"
    ).format(os.path.join(os.path.realpath(folder), "fractions.py"))
    assert run(folder, "hides.py") == f"AttributeError: module 'fractions' has no attribute 'Fraction' {hidden}"
    assert run(folder, "-c", "from fractions import Fraction").startswith(
        "ImportError: cannot import name 'Fraction' from 'fractions' (consider renaming "
    )
    assert run(folder, "numbers_.py").endswith(
        "numbers_.py' if it has the same name as a library you intended to import)"
    )
    away = f"import sys; sys.path.append({folder!r}); "
    assert run("/", "-c", away + "import a").startswith(
        "ImportError: cannot import name 'x' from partially initialized module 'a' (most likely due to a circular import) ("
    )
    assert run("/", "-P", "-c", away + "import pkg.one") == (
        "AttributeError: cannot access submodule 'one' of module 'pkg' (most likely due to a circular import)"
    )
