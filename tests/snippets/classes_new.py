# Which `__new__` makes instances: the one written in Python, or how the base does it.
import ast
import os
import subprocess
import sys
import tempfile


cpython = sys.implementation.name == "cpython"
executable = os.environ.get("CAPE_PEER_CPYTHON", sys.executable) if cpython else sys.executable


def error_of(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    return None


# A native `__new__` from elsewhere is an attribute only.
class Plain:
    __new__ = list.__new__


class Items(list):
    __new__ = object.__new__


assert type(Plain()) is Plain and Items("ab") == ["a", "b"]
assert "object.__new__(Items) is not safe" in error_of(Items.__new__, Items)


class Later(list):
    pass


Later.__new__ = object.__new__
assert Later("ab") == ["a", "b"]


# Where there was one in Python once, `__new__` is called by name ever since.
class Refuses:
    def __new__(cls, *args):
        raise AssertionError


class Restored(Refuses):
    __new__ = object.__new__

    def __init__(self, *args):
        self.args = args


assert Restored().args == ()
assert "takes exactly one argument" in error_of(Restored, 3)
del Restored.__new__
assert error_of(Restored, 3) == "AssertionError: "
del Refuses.__new__
assert Restored().args == () and "takes exactly one argument" in error_of(Restored, 3)
assert type(Refuses()) is Refuses


class Counted:
    made = 0

    def __new__(cls, *args):
        cls.made += 1
        return super().__new__(cls)


class Below(Counted):
    pass


for n in range(5):
    assert type(Below()) is Below and Below.made == 2 * n + 1
    assert type(Below(1)) is Below


# A native `__new__` that is called by name in a loop checks its class each time.
def made_by(new, cls, times=3000):
    return [error_of(new, cls, "1") for _ in range(times)][-1]


assert "is not a type object" in made_by(int.__new__, 5)
assert "is not a subtype of float" in made_by(float.__new__, int)


# Attribute names that are no strings, from native code.
class Odd(ast.AST):
    _fields = (1,)


assert error_of(Odd, 5) == "TypeError: attribute name must be string, not 'int'"

# What is no descriptor itself gets the descriptor as any `__get__` does.
seen = []


class Noted:
    __get__ = type("", (), {"__call__": lambda self, *args: seen.append(args)})()


class Owner:
    noted = Noted()


owner = Owner()
assert owner.noted is None and seen[0][0] is Owner.__dict__["noted"] and seen[0][1:] == (owner, Owner)


# An operator whose method is not to be had knows nothing of the other operand; other errors are raised.
def of_unavailable(error):
    def get(self):
        raise error

    return type("C", (), dict.fromkeys(["__eq__", "__lt__", "__add__", "__radd__"], property(get)))


C = of_unavailable(AttributeError)
assert C() != C() and not C() == 1 and not 1 == C()
assert "not supported" in error_of(lambda: C() < 1) and "unsupported" in error_of(lambda: C() + C())
assert "unsupported" in error_of(lambda: 1 + C()) and "unsupported" in error_of(lambda: C() + 1)
C = of_unavailable(KeyError)
for f in (lambda: C() == C(), lambda: 1 == C(), lambda: C() < 1, lambda: C() + C(), lambda: 1 + C()):
    assert error_of(f) == "KeyError: "

# Functions that are made by hand have the builtins of who makes them.
ns = {"type": type, "__builtins__": {"None": None}}
exec("def f(): pass\ng = type(f)(f.__code__, {})", ns)
assert ns["g"].__builtins__ is ns["__builtins__"]

# There is one empty `bytes`, and names that are a prefix and a number.
assert eval("b''") is eval("b''")
assert "\N{TANGUT IDEOGRAPH-17000}\N{BULLET}\ud800" == "\U00017000\u2022\ud800"
assert rf"{1}\N{{TANGUT IDEOGRAPH-17000}}" == r"1\N{TANGUT IDEOGRAPH-17000}"
assert f"{1}\N{TANGUT IDEOGRAPH-18D08}" == "1\U00018d08"
assert error_of(compile, r'"\N{TANGUT IDEOGRAPH-00000}"', "", "eval").startswith("SyntaxError")

# PYTHONPATH is bytes.
with tempfile.TemporaryDirectory() as folder:
    folder = os.path.join(os.fsencode(folder), b"u\xe7w")
    os.mkdir(folder)
    with open(os.path.join(folder, b"found_there.py"), "w") as file:
        file.write("x = 1")
    command = [executable, "-c", "import found_there; print(ascii(found_there.__file__))"]
    env = os.environ | {"PYTHONPATH": os.fsdecode(folder)}
    out = subprocess.run(command, env=env, capture_output=True, text=True)
    assert "u\\udce7w" in out.stdout, out

# Nothing is imported when objects are finalized at the end.
program = """
class Last:
    def __del__(self):
        try:
            import wave
        except ImportError as e:
            print(e)
last = Last()
"""
out = subprocess.run([executable, "-c", program], capture_output=True, text=True)
assert "shutting down" in out.stdout, out
