"""Functions of `sys` that set and tell something, and what the environment says of the standard streams."""

import inspect
import io
import os
import subprocess
import sys
import sysconfig
import types


# (An interpreter that cannot say how it is run may be run by another name.)
cpython = sys.implementation.name == "cpython"
executable = os.environ.get("CAPE_PEER_CPYTHON", sys.executable) if cpython else sys.executable


def run(script, *options, **env):
    p = subprocess.run([executable, *options, "-c", script], env={**os.environ, **env}, capture_output=True)
    return p.stdout, p.stderr, p.returncode


flags = sys.getdlopenflags()
sys.setdlopenflags(flags + 1)
assert sys.getdlopenflags() == flags + 1
sys.setdlopenflags(flags)
assert sys.is_finalizing() is False
out = run("import sys\nclass A:\n    def __del__(self, f=sys.is_finalizing, p=print): p(f(), flush=True)\na = A()")[0]
assert out == b"True\n", out

for status, code in (((42,), 42), ((), None), ((1, 2), (1, 2)), (None, None), ("text", "text"), (3, 3)):
    try:
        sys.exit(status)
    except SystemExit as e:
        assert e.code == code, (status, e.code)

before, sys.stderr = sys.stderr, io.StringIO()
try:
    sys.excepthook(1, "1", 1)
    text = sys.stderr.getvalue()
finally:
    sys.stderr = before
assert "TypeError: print_exception(): Exception expected for value, str found" in text

for made in (sys.flags, sys.version_info, int | str):
    t = type(made)
    for make in (t, lambda: t.__new__(t)):
        try:
            make()
        except TypeError as e:
            assert str(e) == f"cannot create '{t.__module__}.{t.__name__}' instances", e
        else:
            raise AssertionError(t)

streams = "import sys; print(sys.stdin.errors, sys.stdout.encoding, sys.stdout.errors, sys.stderr.encoding, sys.stderr.errors)"
for value, expected in (
    ("ascii:replace", "replace ascii replace ascii backslashreplace"),
    ("latin-1", "strict iso8859-1 strict iso8859-1 backslashreplace"),
    (":ignore", "ignore utf-8 ignore utf-8 backslashreplace"),
):
    assert run(streams, PYTHONIOENCODING=value, LC_ALL="C.UTF-8")[0].split() == expected.encode().split(), value
    ignored = run(streams, "-E", PYTHONIOENCODING=value, LC_ALL="C.UTF-8")[0].split()
    assert ignored[2:4] == [b"strict", b"utf-8"] or ignored[2:4] == [b"surrogateescape", b"utf-8"], ignored
assert run("print('\\xa2')", PYTHONIOENCODING="ascii:replace")[0] == b"?\n"

# A wrong option of this implementation's is not looked at where the environment is ignored.
for name in ("CAPEGC", "CAPEJIT"):
    for option in ("-E", "-I"):
        assert run("print(1)", option, **{name: "nonsense"}) == (b"1\n", b"", 0), name

breakpoint_ = "import warnings; warnings.simplefilter('always'); breakpoint()"
for name in (".", ".foo", "foo.", "nosuchbuiltin", "nosuchmodule.nosuchcallable"):
    out, err, code = run(breakpoint_, PYTHONBREAKPOINT=name)
    assert code == 0 and f'RuntimeWarning: Ignoring unimportable $PYTHONBREAKPOINT: "{name}"'.encode() in err, err

short = "python%d.%d" % sys.version_info[:2]
paths = sysconfig.get_paths()
assert all(os.path.basename(paths[name]).startswith("python3") for name in ("stdlib", "platstdlib", "include")), paths
assert short in paths["stdlib"] and short in sysconfig.get_path("purelib", "posix_user")

assert str(inspect.signature(classmethod)) == "(function, /)" == str(inspect.signature(staticmethod))


class Namespace(types.SimpleNamespace):
    def __new__(cls, *args, **kwargs):
        return 12345 if made else super().__new__(cls)


made = False
namespace = Namespace()
made = True
try:
    namespace.__replace__()
except TypeError as e:
    assert str(e).startswith("expect types.SimpleNamespace type, but ") and str(e).endswith("Namespace() returned 'int' object"), e
else:
    raise AssertionError


class Meta(type):
    def __hash__(cls):
        if hashable:
            return 1
        raise TypeError("not hashable")


class A(metaclass=Meta): ...


class B(metaclass=Meta): ...


hashable = False
union = A | B
for hashable, message in ((False, "not hashable"), (True, "union contains 2 unhashable elements")):
    try:
        hash(union)
    except TypeError as e:
        assert str(e) == message
    else:
        raise AssertionError


# Builtins with a lookup of their own; code of a module called as a function.
class Refusing(dict):
    def __getitem__(self, key):
        raise ZeroDivisionError


for namespace in (Refusing(name=1), {"__builtins__": Refusing(name=1)}):
    try:
        exec("name", namespace)
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError

namespace = {"x": 1}
types.FunctionType(compile("y = x + 1; z = locals() is globals(); del x", "", "exec"), namespace)()
assert namespace["y"] == 2 and namespace["z"] is True and "x" not in namespace
assert list({}.keys()) == [] and bytes.translate(b"abc", bytes(range(256)), b"b") == b"ac"
for table, error in ((b"1", ValueError), (bytes(256), TypeError)):
    try:
        bytearray(b"abc").translate(table, 1)
    except error:
        pass
    else:
        raise AssertionError
