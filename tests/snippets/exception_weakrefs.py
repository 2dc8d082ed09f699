"""What has a list of weak references, and what `__builtins__` is in code that is executed."""

import gc
import types
import weakref

# Exceptions and wrappers of functions have none, so that classes with slots may ask for one.
for base in (Exception, BaseException, OSError, BaseExceptionGroup, staticmethod, classmethod):
    class Slotted(base):
        __slots__ = ("value", "__weakref__")
    assert "__weakref__" in Slotted.__dict__
    class Plain(base):
        pass
    assert "__weakref__" in Plain.__dict__
    assert base.__weakrefoffset__ == 0 != Plain.__weakrefoffset__
    class Without(base):
        __slots__ = ("value",)
    assert "__weakref__" not in Without.__dict__ and Without.__weakrefoffset__ == 0
for made in (ValueError("x"), OSError(2, "x"), staticmethod(len), classmethod(len)):
    try:
        weakref.ref(made)
        assert False
    except TypeError as e:
        assert str(e) == f"cannot create weak reference to '{type(made).__name__}' object", e


class Slotted(Exception):
    __slots__ = ("value", "__weakref__")


made = Slotted(1)
made.value = 2
ref = weakref.ref(made)
assert ref() is made and made.value == 2 and made.args == (1,)
del made
gc.collect()
assert ref() is None

try:
    class Meta(type):
        __slots__ = ("value",)
    assert False
except TypeError as e:
    assert str(e) == "nonempty __slots__ not supported for subtype of 'type'", e

# Code that is executed gets the builtins of the code that executes it.
names = {}
exec("x = len('abc')", names)
assert names["__builtins__"] is vars(__import__("builtins")) and names["x"] == 3
assert type(gc.__builtins__ if hasattr(gc, "__builtins__") else types.__builtins__) is dict
assert type(__builtins__) is types.ModuleType
few = {"__builtins__": {"exec": exec, "globals": globals, "d": {}, "answer": 42}}
exec("exec('x = answer', d)\nx = d['x']", few)
assert few["x"] == 42
assert few["__builtins__"]["d"]["__builtins__"] is few["__builtins__"]
assert eval("__builtins__", {}) is vars(__import__("builtins"))


# A frame that has ended refers to nothing.
class Raises:
    def __call__(self):
        raise ValueError


def caught(call):
    try:
        call()
    except ValueError:
        return True


def referrers():
    call = Raises()
    before = len(gc.get_referrers(call))
    assert caught(call)
    assert len(gc.get_referrers(call)) == before


referrers()
print("exception_weakrefs: ok")
