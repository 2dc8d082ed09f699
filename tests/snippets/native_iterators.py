"""Builtin iterators, constructors of containers and unpacking, in code that runs often: what they give, and what they say."""

import itertools
import random


def raises(expected, message, f, *args):
    try:
        f(*args)
    except expected as error:
        assert str(error) == message, error
    else:
        raise AssertionError(f"no {expected.__name__}")


# Loops over all of them, hot, then over something else in the same place.
def collect(iterable):
    out = []
    for x in iterable:
        out.append(x)
    return out


d = {"a": 1, "b": 2}
everything = [
    (lambda: enumerate("ab"), [(0, "a"), (1, "b")]),
    (lambda: enumerate("ab", 2**50 - 1), [(2**50 - 1, "a"), (2**50, "b")]),
    (lambda: enumerate("ab", 2**64), [(2**64, "a"), (2**64 + 1, "b")]),
    (lambda: zip("ab", [1, 2, 3]), [("a", 1), ("b", 2)]),
    (lambda: zip("ab", [1, 2], (3, 4)), [("a", 1, 3), ("b", 2, 4)]),
    (lambda: map(abs, [-1, 2]), [1, 2]),
    (lambda: filter(None, [0, 1, "", "x"]), [1, "x"]),
    (lambda: reversed([1, 2, 3]), [3, 2, 1]),
    (lambda: d, ["a", "b"]),
    (lambda: d.items(), [("a", 1), ("b", 2)]),
    (lambda: d.values(), [1, 2]),
    (lambda: iter([3, 4].pop, 3), [4]),
    (lambda: itertools.chain([1], (2,)), [1, 2]),
    (lambda: b"ab", [97, 98]),
    (lambda: (x for x in "ab"), ["a", "b"]),
]
for make, expected in everything * 400:
    assert collect(make()) == expected, expected


# A class in Python that extends a builtin iterator, and changes its mind.
class Numbered(enumerate):
    pass


def first(iterator):
    for x in iterator:
        return x


for _ in range(3000):
    assert first(Numbered("x")) == (0, "x")
Numbered.__next__ = lambda self: "mine"
assert first(Numbered("x")) == "mine"
del Numbered.__next__
assert first(Numbered("x")) == (0, "x")


class Stops(Exception):
    pass


def boom(x):
    raise Stops(x)


for iterator in (map(boom, [1]), filter(boom, [1]), zip(map(boom, [1])), enumerate(map(boom, [1]))):
    raises(Stops, "1", collect, iterator)


def changes():
    for key in d:
        d[key + "x"] = 1


raises(RuntimeError, "dictionary changed size during iteration", changes)
d = {"a": 1, "b": 2}


# Unpacking: tuples, lists, others; too few and too many; a variable that is unpacked over itself.
def two(pair):
    a, b = pair
    return b, a


def itself(a):
    a, b = a
    return a, b


for _ in range(3000):
    assert two((1, 2)) == (2, 1) and itself((1, 2)) == (1, 2)
for pair in ([1, 2], "12", iter((1, 2)), {1: 0, 2: 0}):
    assert tuple(map(str, two(pair))) == ("2", "1")
assert itself([[1], 2]) == ([1], 2)
raises(ValueError, "too many values to unpack (expected 2, got 3)", two, (1, 2, 3))
raises(ValueError, "not enough values to unpack (expected 2, got 1)", two, [1])
raises(TypeError, "cannot unpack non-iterable int object", two, 1)


# Constructors.
def made(cls, *args):
    return cls(*args)


def made_of(cls, x):
    return cls(x)


for _ in range(2000):
    assert list((1, 2)) == [1, 2] and dict([(1, 2)]) == {1: 2} and set("aa") == {"a"}
    assert list(d) == ["a", "b"] and list({3}) == [3] and dict(d) == d and set(d) == {"a", "b"}
    assert dict(a=1, b=2) == {"a": 1, "b": 2} == dict({"a": 0}, a=1, b=2)
    assert made(list) == [] and made(dict) == {} and made(set) == set() == made_of(set, [])
assert list(dict(zip("ab", "cd"), e="f").items()) == [("a", "c"), ("b", "d"), ("e", "f")]
for cls in list, set:
    raises(TypeError, "'int' object is not iterable", made_of, cls, 5)
raises(TypeError, "'int' object is not iterable", made_of, dict, 5)
raises(TypeError, "list expected at most 1 argument, got 2", made, list, 1, 2)
raises(TypeError, "dict expected at most 1 argument, got 2", made, dict, 1, 2)
raises(TypeError, "set expected at most 1 argument, got 2", made, set, 1, 2)
raises(ValueError, "dictionary update sequence element #1 has length 3; 2 is required", dict, [(1, 2), (1, 2, 3)])


class Counted(dict):
    def __init__(self, *args):
        super().__init__(*args)
        self.n = len(self)


assert made_of(Counted, {1: 2}).n == 1 and type(made(Counted)) is Counted
counted = {1, 2, 3}
counted |= {4}
assert {*counted, 5} == {1, 2, 3, 4, 5} and {1, 2, 3} is not counted

# Products and powers of ints, by other ways.
random.seed(5)
for bits in (10, 51, 60, 64, 65, 128, 300, 1500, 1600, 4000):
    for _ in range(40):
        a, b = (random.getrandbits(random.randrange(1, bits + 1)) * random.choice((1, -1)) for _ in "ab")
        product = 0
        for i in range(0, abs(b).bit_length(), 30):
            product += (a * (abs(b) >> i & (1 << 30) - 1)) << i
        assert a * b == (product if b >= 0 else -product), (a, b)
for _ in range(300):
    x, y, m = random.randrange(-(10**9), 10**9), random.randrange(40), random.choice((1, -1)) * random.randrange(1, 2**62)
    assert pow(x, y, m) == x**y % m, (x, y, m)
assert pow(5, 0, 1) == 0 and pow(5, 0, -1) == 0 and pow(0, 0, 7) == 1 and pow(3, 2, -(2**63) + 1) == 9 - 2**63 + 1
assert pow(2, 2**62, 2**61 - 1) == pow(2, 2**62 % 61, 2**61 - 1) and pow(7, 5, 2**51 - 1) == 7**5

# One character for another.
text = "abcabc\xe9" * 60
for old, new in (("a", "b"), ("z", "a"), ("\xe9", "e"), ("b", "\u20ac"), ("c", "\xff")):
    for count in (-1, 0, 1, 2, 500):
        parts = text.split(old) if count < 0 else text.split(old, count)
        assert text.replace(old, new, count) == new.join(parts), (old, new, count)

# Subclasses that come and go.
class Base:
    pass


kept = []
for i in range(500):
    cls = type(f"C{i}", (Base,), {})
    if i % 50 == 0:
        kept.append(cls)
import gc

cls = None
gc.collect()
assert [c.__name__ for c in Base.__subclasses__()] == [c.__name__ for c in kept]
kept[0].__bases__ = (type("Other", (), {}),)
assert [c.__name__ for c in Base.__subclasses__()] == [c.__name__ for c in kept[1:]]
kept[0].__bases__ = (Base,)
assert [c.__name__ for c in Base.__subclasses__()] == [c.__name__ for c in kept[1:] + kept[:1]]

print("native_iterators: ok")
