# getattr() and setattr() with attributes of instances, whose places are remembered, while classes and instances change.


class A:
    inert = 1

    def method(self):
        return "method"


def read(o, name):
    return [getattr(o, name) for _ in range(3)][-1]


def write(o, name, v):
    for _ in range(3):
        setattr(o, name, v)


a, b = A(), A()
for o in a, b:
    for name in "x", "inert", "method":
        write(o, name, f"own {name}")
        assert read(o, name) == f"own {name}"

# A data descriptor of the class takes precedence from now on, and no longer when it is gone.
got = []
A.x = property(lambda self: "property", lambda self, v: got.append(v))
assert read(a, "x") == "property"
setattr(a, "x", 5)
assert got == [5] and read(b, "x") == "property"
del A.x
assert read(a, "x") == "own x"
A.x = "plain"
assert read(a, "x") == "own x"
write(a, "x", 6)
assert (read(a, "x"), read(b, "x"), A.x) == (6, "own x", "plain")


# What stands in the class may become a data descriptor.
class Late:
    def __get__(self, o, t=None):
        return "late"


A.late = Late()
write(a, "late", "own")
assert read(a, "late") == "own"
Late.__set__ = lambda self, o, v: got.append(("set", v))
assert read(a, "late") == "late"
setattr(a, "late", 7)
assert got[-1] == ("set", 7)

# Deletion, and a dictionary that is seen.
del a.x
assert read(a, "x") == "plain"
setattr(a, "x", 8)
assert read(a, "x") == 8
d = vars(b)
d["x"] = "from the dict"
assert read(b, "x") == "from the dict"
setattr(b, "x", 9)
assert d["x"] == 9 and read(b, "x") == 9
b.__dict__ = {"x": 10}
assert read(b, "x") == 10

# Hooks of the class.
c = A()
write(c, "y", 1)
assert read(c, "y") == 1
A.__getattribute__ = lambda self, name: "hooked"
assert read(c, "y") == "hooked"
del A.__getattribute__
assert read(c, "y") == 1
A.__setattr__ = lambda self, name, v: got.append((name, v))
setattr(c, "y", 2)
assert got[-1] == ("y", 2) and read(c, "y") == 1
del A.__setattr__
setattr(c, "y", 3)
assert read(c, "y") == 3


# Another class, and a base that changes.
class B(A):
    pass


o = B()
write(o, "z", 1)
assert read(o, "z") == 1
A.z = property(lambda self: "base's")
assert read(o, "z") == "base's"
del A.z
o.__class__ = A
assert read(o, "z") == 1


class Slots:
    __slots__ = ("s",)


s = Slots()
write(s, "s", 1)
assert read(s, "s") == 1
del s.s
try:
    read(s, "s")
    raise SystemExit("an empty slot was read")
except AttributeError:
    pass


# Names that are not interned, and of a subclass of str.
class Name(str):
    pass


e = A()
name = "".join(["at", "tr"])
write(e, name, 1)
write(e, Name("attr"), 2)
assert read(e, "attr") == read(e, "".join(["a", "ttr"])) == read(e, Name("attr")) == 2

# Many attributes, beyond those inside the object.
many = A()
for i in range(200):
    setattr(many, f"n{i}", i)
for _ in range(2):
    assert [getattr(many, f"n{i}") for i in range(200)] == list(range(200))


# Exceptions keep their arguments, whoever makes them.
class Own(ValueError):
    pass


class WithInit(ValueError):
    def __init__(self, *args):
        self.seen = args


class WithNew(ValueError):
    def __new__(cls, *args):
        return super().__new__(cls, "new")


for cls in ValueError, Own, KeyError, BaseException, ZeroDivisionError:
    assert cls().args == () and cls(1, "b").args == (1, "b")
    try:
        cls(a=1)
        raise SystemExit("a keyword was taken")
    except TypeError as error:
        assert "takes no keyword arguments" in str(error)
assert WithInit(1).seen == (1,) == WithInit(1).args
assert WithNew(1).args == (1,)
assert StopIteration(3).value == 3 and OSError(2, "x").errno == 2
try:
    raise Own
except ValueError as error:
    assert error.args == () and type(error) is Own
