# What methods of builtin classes that stand for slots say of wrong arguments.


def message(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except TypeError as error:
        return str(error)
    raise AssertionError("TypeError expected")


class Descriptor:
    pass


values = [1, 1.5, 1j, "s", b"b", bytearray(b"x"), [1], (1,), {1: 2}, {1}, frozenset([1]), range(3), iter([]), zip(), property(), object()]
for value in values:
    for cls in type(value).__mro__:
        for name, method in vars(cls).items():
            if type(method) is not type(int.__add__) or name == "__init__":
                continue
            if name != "__call__":
                assert message(method, value, x=1) == f"wrapper {name}() takes no keyword arguments", (cls, name)
            three = message(method, value, 1, 2, 3)
            if name in ("__setitem__", "__setattr__", "__set__"):
                assert three == f"{name} expected 2 arguments, got 3"
                assert message(method, value) == f"{name} expected 2 arguments, got 0"
                assert message(method, value, "a") == f"{name} expected 2 arguments, got 1"
            elif name == "__get__":
                assert three == "__get__ expected at most 2 arguments, got 3"
                assert message(method, value) == "__get__ expected at least 1 argument, got 0"
            elif name in ("__buffer__", "__release_buffer__"):
                assert three == f"{name} expected 1 argument, got 3"
            elif name in ("__pow__", "__rpow__"):
                assert three == "expected 1 or 2 arguments, got 3"
                assert message(method, value) == "expected 1 or 2 arguments, got 0"
            else:
                assert three in ("expected 0 arguments, got 3", "expected 1 argument, got 3"), (cls, name, three)


# Instances of classes whose items follow the head cannot be referred to weakly.

import weakref

for base in int, tuple, bytes:
    class Derived(base):
        pass

    assert message(weakref.ref, Derived()) == "cannot create weak reference to 'Derived' object"
    assert not hasattr(Derived, "__weakref__")
    assert Derived.__weakrefoffset__ == 0

for base in float, str, list, dict, set, complex:
    class Derived(base):
        pass

    thing = Derived()
    assert weakref.ref(thing)() is thing


# The third argument of pow() is asked last.

class Modulus:
    def __pow__(self, other, modulus=None):
        raise AssertionError("not asked")

    __rpow__ = __pow__


assert message(pow, 2, 3, Modulus()) == "unsupported operand type(s) for ** or pow(): 'int', 'int', 'Modulus'"
assert message(pow, 2, 3, 1.5) == "pow() 3rd argument not allowed unless all arguments are integers"
assert message(pow, "a", 3, 1j) == "unsupported operand type(s) for ** or pow(): 'str', 'int', 'complex'"
try:
    pow(2, 3, 1j)
except ValueError as error:
    assert str(error) == "complex modulo"
else:
    raise AssertionError("ValueError expected")
five = type("Five", (set,), {"__pow__": lambda self, *rest: "five"})()
assert message(pow, 2, 3, weakref.proxy(five)) == "unsupported operand type(s) for ** or pow(): 'int', 'int', 'Five'"


# Callbacks of weak references are called one after the other, the latest first.

import gc


def order():
    seen = []

    def run(i):
        seen.append(i)
        [[] for _ in range(100)]
        seen.append(-i)

    def make():
        target = Modulus()
        return [weakref.ref(target, lambda r, i=i: run(i)) for i in range(1, 6)]

    references = make()
    gc.collect()
    return seen


assert order() == [5, -5, 4, -4, 3, -3, 2, -2, 1, -1]
