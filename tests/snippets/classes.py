# Classes: attribute lookup, descriptors, MRO, super, metaclasses, slots, special methods.
class A:
    kind = "a"

    def who(self):
        return ["A"]

    @classmethod
    def make(cls, *args):
        return cls(*args)

    @staticmethod
    def plain(x):
        return x * 2


class B(A):
    def who(self):
        return ["B"] + super().who()


class C(A):
    def who(self):
        return ["C"] + super().who()


class D(B, C):
    pass


assert D().who() == ["B", "C", "A"] and [c.__name__ for c in D.__mro__] == ["D", "B", "C", "A", "object"]
assert type(D.make()) is D and D.plain(4) == 8
d = D()
d.kind = "mine"
assert d.kind == "mine" and D.kind == "a"
del d.kind
assert d.kind == "a"
A.kind = "changed"
assert d.kind == "changed"
B.kind = "nearer"
assert d.kind == "nearer"
try:
    d.nothing
except AttributeError as error:
    assert str(error) == "'D' object has no attribute 'nothing'" and error.obj is d
try:
    type("X", (A, B), {})
except TypeError as error:
    assert "consistent method resolution order" in str(error)
else:
    raise AssertionError


class Celsius:
    def __init__(self):
        self._t = 0

    @property
    def t(self):
        "degrees"
        return self._t

    @t.setter
    def t(self, value):
        self._t = value

    @t.deleter
    def t(self):
        self._t = None


c = Celsius()
c.t = 5
assert c.t == 5 and Celsius.t.__doc__ == "degrees"
del c.t
assert c.t is None


class Positive:
    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, obj, owner=None):
        return self if obj is None else obj.__dict__.get(self.name, 0)

    def __set__(self, obj, value):
        if value < 0:
            raise ValueError(self.name)
        obj.__dict__[self.name] = value


class Account:
    balance = Positive()


account = Account()
account.balance = 3
assert account.balance == 3 and account.__dict__ == {"balance": 3} and Account.balance.name == "balance"
try:
    account.balance = -1
except ValueError as error:
    assert str(error) == "balance"


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y) if isinstance(other, Point) else NotImplemented

    def __hash__(self):
        return hash((self.x, self.y))

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __radd__(self, other):
        return self if other == 0 else NotImplemented

    def __iadd__(self, other):
        self.x += other.x
        return self

    def __getitem__(self, i):
        return (self.x, self.y)[i]

    def __len__(self):
        return 2

    def __bool__(self):
        return bool(self.x or self.y)

    def __repr__(self):
        return f"Point({self.x}, {self.y})"

    def __neg__(self):
        return Point(-self.x, -self.y)

    def __contains__(self, v):
        return v in (self.x, self.y)


p = Point(1, 2)
q = p
q += Point(5, 0)
assert q is p and p.x == 6 and -p == Point(-6, -2) and sum([p, Point(1, 1)]) == Point(7, 3)
assert list(p) == [6, 2] and len(p) == 2 and 2 in p and not Point(0, 0) and {p: 1}[Point(6, 2)] == 1
assert p != 5 and repr([p]) == "[Point(6, 2)]" and not hasattr(p, "__dict__")
try:
    p.z = 1
except AttributeError as error:
    assert "no attribute 'z'" in str(error)
try:
    p + 5
except AttributeError:
    pass


class Registry(type):
    classes = []

    def __new__(meta, name, bases, namespace, **options):
        cls = super().__new__(meta, name, bases, namespace)
        cls.options = options
        meta.classes.append(name)
        return cls

    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)

    def __len__(cls):
        return 42

    def __instancecheck__(cls, obj):
        return obj == "magic" or super().__instancecheck__(obj)


class Base(metaclass=Registry, level=3):
    def __init_subclass__(cls, /, tag=None, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.tag = tag

    def __class_getitem__(cls, item):
        return (cls.__name__, item)


class Derived(Base):
    pass


Derived2 = Registry("Derived2", (Derived,), {"z": 1})
assert Registry.classes == ["Base", "Derived", "Derived2"] and Base.options == {"level": 3}
assert len(Base) == 42 and isinstance("magic", Base) and Base[int] == ("Base", int) and Derived2().z == 1


class Fallback:
    def __getattr__(self, name):
        if name.startswith("auto_"):
            return name[5:]
        raise AttributeError(name)

    def __setattr__(self, name, value):
        object.__setattr__(self, name, (value,))

    def __delattr__(self, name):
        object.__setattr__(self, "deleted", name)


f = Fallback()
f.a = 1
del f.b
assert f.a == (1,) and f.auto_x == "x" and f.deleted == "b" and not hasattr(f, "nope")

# changing the class of an object, and the bases of a class
class Before:
    def say(self):
        return "before"


class After:
    def say(self):
        return "after"


o = Before()
assert o.say() == "before"
o.__class__ = After
assert o.say() == "after" and type(o) is After
class Mixed(Before):
    pass


m = Mixed()
assert m.say() == "before"
Mixed.__bases__ = (After,)
assert m.say() == "after"
for i in range(200):
    setattr(o, f"a{i}", i)
assert sum(getattr(o, f"a{i}") for i in range(200)) == 19900 and len(o.__dict__) == 200


# one site, objects of several classes and shapes, which change in between
class Animal:
    legs = 4

    def __init__(self, name):
        self.name = name

    def noise(self):
        return "?"

    @property
    def label(self):
        return f"{self.name}:{self.noise()}:{self.legs}"


class Dog(Animal):
    def noise(self):
        return "woof"


class Bird(Animal):
    legs = 2

    def __init__(self, name):
        self.wings = 2
        super().__init__(name)

    def noise(self):
        return "tweet"


class Odd(Animal):
    __slots__ = ("own",)
    noise = None

    def __init__(self, name):
        self.own = 1
        self.noise = lambda: "odd"
        super().__init__(name)


animals = [c(c.__name__) for c in (Animal, Dog, Bird, Odd)]
expected = ["Animal:?:4", "Dog:woof:4", "Bird:tweet:2", "Odd:odd:4"]
for _ in range(5):
    assert [a.label for a in animals] == expected
    assert [a.label for a in reversed(animals)] == expected[::-1]
    assert [a.label for a in animals[1:3] * 3] == expected[1:3] * 3
Dog.noise = lambda self: "wuff"
Animal.legs = 5
animals[2].legs = 3
expected = ["Animal:?:5", "Dog:wuff:5", "Bird:tweet:3", "Odd:odd:5"]
for _ in range(3):
    assert [a.label for a in animals] == expected
    for a in animals:
        a.name = a.name.lower()
        assert a.label == f"{type(a).__name__.lower()}:{a.noise()}:{a.legs}"
        a.name = type(a).__name__
Dog.label = property(lambda self: "dog")
assert [a.label for a in animals] == [expected[0], "dog", *expected[2:]]
Dog.label = "plain"
assert [a.label for a in animals] == [expected[0], "plain", *expected[2:]]
del Dog.label
assert [a.label for a in animals] == expected
Dog.__getattr__ = lambda self, name: f"no {name}"
Dog.label = property(lambda self: self.missing)
assert animals[1].label == "no missing"

# special methods by computed names, from bases, mixed and removed
computed = "".join(["__le", "n__"])
Sized = type("Sized", (), {computed: lambda self: 5, "__call__": lambda self: "called"})
Derived = type("Derived", (Sized,), {})
Other = type("Other", (), {"__len__": lambda self: 6, "__neg__": lambda self: "neg"})
Both = type("Both", (Derived, Other), {"__call__": None})
assert len(Sized()) == len(Derived()) == len(Both()) == 5 and -Both() == "neg" and Derived()() == "called"
try:
    Both()()
except TypeError as e:
    assert str(e) == "'NoneType' object is not callable", e
else:
    raise AssertionError("TypeError not raised")
delattr(Sized, computed)
assert len(Both()) == 6


# Methods that are read and not called: the place where they are read remembers them, and forgets in time.
class Read:
    def m(self):
        return "m", self

    def replaced(self):
        return "new", self


def read(o):
    return o.m


for _ in range(3):
    a, b = Read(), Read()
    assert read(a)() == ("m", a) and read(b)() == ("m", b)
    assert read(a).__self__ is a and read(a) == a.m and read(a) != read(b)
b.m = "shadow"
assert read(b) == "shadow" and read(a)() == ("m", a)
a.other = 1
assert read(a)() == ("m", a)
Read.m = Read.replaced
assert read(a)() == ("new", a) and read(b) == "shadow"
Read.m = property(lambda self: "property")
assert read(a) == "property" and read(b) == "property"
del Read.m
assert read(b) == "shadow"
try:
    read(a)
except AttributeError as e:
    assert str(e) == "'Read' object has no attribute 'm'", e
else:
    raise AssertionError("m is gone")


def joined(s):
    return s.join


for _ in range(3):
    assert joined("-")("ab") == "a-b" and joined("+")(["a", "b"]) == "a+b"
    assert joined(b"-")([b"a", b"b"]) == b"a-b"


def raises(kind, message, f, *args):
    try:
        f(*args)
    except kind as e:
        assert str(e) == message, str(e)
    else:
        raise AssertionError("nothing raised")


# sites that have seen descriptors and class methods notice it when those change
class Data:
    def __get__(self, obj, cls):
        return "got", obj is None, cls.__name__

    def __set__(self, obj, value):
        obj.seen = value


class Raises:
    def __get__(self, obj, cls):
        raise AttributeError

    def __set__(self, obj, value):
        raise AttributeError("no")


class Host:
    data = Data()
    raises = Raises()

    @property
    def prop(self):
        return self.__dict__.get("hidden", 0)

    @prop.setter
    def prop(self, value):
        self.__dict__["hidden"] = value

    @classmethod
    def named(cls, *args):
        return cls.__name__, args

    made = classmethod(lambda cls: (cls.__name__, "made"))
    of_dict = dict.__dict__["fromkeys"]


class Lower(Host):
    pass


def read(o):
    return o.data


def write(o, value):
    o.data = value


def prop(o, value):
    o.prop = value
    return o.prop


def named(o, *args):
    return o.named(1), o.made()


host = Host()
for _ in range(3):
    assert read(host) == ("got", False, "Host") and prop(host, 5) == 5 and prop(Lower(), 6) == 6
    write(host, 7)
    assert host.seen == 7
    for o in (Host, Lower, host, Lower()):
        name = (o if isinstance(o, type) else type(o)).__name__
        assert named(o) == ((name, (1,)), (name, "made")), o
    try:
        host.raises
    except AttributeError as e:
        assert (e.name, e.obj, str(e)) == ("raises", host, "")
host.__dict__["data"] = "own"
assert read(host) == ("got", False, "Host")
set_of_data = Data.__set__
del Data.__set__
assert read(host) == "own"
write(host, "written")
assert read(host) == "written"
Data.__set__ = set_of_data
assert read(host) == ("got", False, "Host")
Data.__get__ = lambda self, obj, cls: "other"
assert read(host) == "other"
del Data.__get__
assert read(host) == "written"
del host.__dict__["data"]
assert isinstance(read(host), Data)
Host.prop = property(lambda self: "changed")
raises(AttributeError, "property '<lambda>' of 'Host' object has no setter", prop, host, 1)
Host.prop = 5
assert prop(host, 8) == 8 and host.__dict__["prop"] == 8
Host.named = classmethod(lambda cls, x: ("new", cls.__name__))
assert [named(o)[0] for o in (Host, Lower, host, Lower())] == [("new", "Host"), ("new", "Lower")] * 2
Lower.named = staticmethod(lambda x: "static")
assert [named(o)[0] for o in (Host, Lower, host, Lower())] == [("new", "Host"), "static", ("new", "Host"), "static"]
host.named = lambda x: "of the instance"
assert named(host)[0] == "of the instance" and named(Host())[0] == ("new", "Host")
for _ in range(3):
    assert [c.fromkeys("ab") for c in (dict,)] == [{"a": None, "b": None}]
    assert [{}.fromkeys("a", 1), type("D", (dict,), {})().fromkeys("a", 1)] == [{"a": 1}] * 2
    raises(TypeError, "descriptor 'fromkeys' requires a subtype of 'dict' but received 'Host'", lambda: Host.of_dict("a"))

# what a class has, looked up for one object after the other while it changes
class Looked:
    pass


def looked(names):
    return [getattr(x, n, "-") for x in (first, second) for n in names]


first, second = Looked(), Looked()
assert looked("ab") == ["-"] * 4
Looked.a = 1
assert looked("ab") == [1, "-", 1, "-"]
object_a = first.__dict__["a"] = 2
assert looked("ab") == [2, "-", 1, "-"]
Looked.b = property(lambda self: 3)
del Looked.a
assert looked("ab") == [2, 3, "-", 3]
for i in range(3000):
    setattr(Looked, f"n{i}", i)
    assert getattr(first, f"n{i}") == i and getattr(second, f"m{i}", None) is None
assert [getattr(first, f"n{i}") for i in range(3000)] == list(range(3000))

# builtin classes called: what they take, and what subclasses make of it
assert [int(), int(5), int("7"), int("11", 2), float(), float(2), str(), str(5), str(b"x", "ascii"), bool(), bool([]), bool(5)] == [
    0, 5, 7, 3, 0.0, 2.0, "", "5", "x", False, False, True]
assert [tuple(), tuple("ab"), bytes(2), bytes("a", "ascii"), frozenset("a"), complex(1, 2), type(5), object().__class__] == [
    (), ("a", "b"), b"\0\0", b"a", frozenset({"a"}), 1 + 2j, int, object]
raises(TypeError, "type() takes 1 or 3 arguments", lambda: type(1, 2))
raises(TypeError, "bool expected at most 1 argument, got 2", lambda: bool(1, 2))


class Truth:
    def __int__(self):
        return True

    def __float__(self):
        return 2

    def __bool__(self):
        return 1

    def __index__(self):
        return 2


raises(TypeError, "Truth.__float__ returned non-float (type int)", lambda: float(Truth()))
raises(TypeError, "__bool__ should return bool, returned int", lambda: bool(Truth()))
assert [10, 20, 30][Truth()] == 30 and [10, 20, 30][Truth():] == [30]
