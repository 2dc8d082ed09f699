"""Native functions that have a shorter way for the usual case: it gives what the long one gives, and each hands over to the other."""

import base64
import binascii
import collections
import functools
import itertools
import marshal
import operator
import os
import struct
import tempfile


def raises(kind, f, *args):
    try:
        f(*args)
    except kind as e:
        return str(e)
    raise AssertionError(f"{kind.__name__} not raised")


# UTF-8, by pieces of every length and width.
for wide in ("\xe9", "\u20ac", "\U0001f600", "\x80", "\xff\u0100", "\ud7ff\ue000"):
    for before in range(20):
        for after in (0, 1, 7, 8, 9, 16, 17):
            text = "a" * before + wide + "b" * after + wide
            data = text.encode()
            assert data == b"".join(c.encode() for c in text) and data.decode() == text
            assert len(data.decode()) == len(text) and list(data.decode()) == list(text)
assert raises(UnicodeEncodeError, ("a" * 20 + "\ud800").encode).startswith("'utf-8' codec can't encode character '\\ud800' in position 20")
assert ("a" * 20 + "\ud800").encode("utf-8", "surrogatepass") == b"a" * 20 + b"\xed\xa0\x80"

# Floats as text.
for f, text in [
    (0.0, "0.0"), (-0.0, "-0.0"), (1e15, "1000000000000000.0"), (1e16, "1e+16"), (123456789012345680.0, "1.2345678901234568e+17"),
    (1e-4, "0.0001"), (1.5e-5, "1.5e-05"), (5e-324, "5e-324"), (1e22, "1e+22"), (100.25, "100.25"), (-1e100, "-1e+100"), (12.0, "12.0"),
]:  # fmt: skip
    assert repr(f) == text and float(text) == f, (repr(f), text)
assert [f"{x:.2f}" for x in (0.005, -0.001, 2.675, 1e20, -1.5)] == ["0.01", "-0.00", "2.67", "100000000000000000000.00", "-1.50"]
assert [f"{x:z.1f}" for x in (-0.01, -1.0, 0.04)] == ["0.0", "-1.0", "0.0"] and f"{2.5:.0f} {3.0:#.0f} {1e3:,.1f}" == "2 3. 1,000.0"

# Whitespace.
for text in ("", " ", "a", " a\x1cb\x85c\xa0d  ", "\ta\n", "a b", "\u2003a\u2003b"):
    assert text.split() == "".join(" " if c.isspace() else c for c in text).replace("  ", " ").strip(" ").split(" ") * bool(text.strip())

# Callables with one operand, or none, or keywords.
class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


points = [Point(i % 3, -i) for i in range(10)]
get = operator.attrgetter("x")
assert sorted(points, key=get) == sorted(points, key=lambda p: p.x) and operator.attrgetter("x", "y")(points[1]) == (1, -1)
assert raises(TypeError, get) == "attrgetter expected 1 argument, got 0" and "expected 1" in raises(TypeError, get, 1, 2)
assert raises(AttributeError, get, 1) == "'int' object has no attribute 'x'"
assert sorted([(1, 2), (2, 1)], key=operator.itemgetter(1)) == [(2, 1), (1, 2)] and operator.itemgetter(1, 0)("ab") == ("b", "a")
assert raises(TypeError, operator.itemgetter(1)) == "itemgetter expected 1 argument, got 0"
collected = lambda *args, **kwargs: (args, kwargs)
for n in (0, 1, 5, 8, 12):
    f = functools.partial(collected, *range(n))
    for m in (0, 1, 3, 9):
        assert f(*range(m)) == ((*range(n), *range(m)), {})
    assert f(1, k=2) == ((*range(n), 1), {"k": 2})
assert functools.partial(collected, k=1)(2) == ((2,), {"k": 1})
assert functools.partial(collected, functools.Placeholder, 2)(1) == ((1, 2), {})

# A cache: hits, the order of use, keys that are equal and not the same.
calls = []


@functools.lru_cache(maxsize=2)
def cached(x):
    calls.append(x)
    return x


for x in (1, 2, 1, 3, 1, 2, "a", "a", 1.0, True):
    cached(x)
assert calls[:5] == [1, 2, 3, 2, "a"], calls
raises(TypeError, cached, [])
assert cached.cache_info().currsize == 2

# Structs: limits of every size, both orders.
for letter, size in zip("bhiq", (1, 2, 4, 8)):
    for order in "<>":
        low, high = -(1 << 8 * size - 1), (1 << 8 * size - 1) - 1
        for n in (0, 1, -1, low, high, low + 1, high - 1):
            assert struct.unpack(order + letter, struct.pack(order + letter, n)) == (n,)
        for n in (0, 1, 2 * high + 1, high + 1):
            assert struct.unpack(order + letter.upper(), struct.pack(order + letter.upper(), n)) == (n,)
        for bad in (low - 1, high + 1):
            raises(struct.error, struct.pack, order + letter, bad)
        for bad in (-1, 2 * high + 2):
            raises(struct.error, struct.pack, order + letter.upper(), bad)
assert struct.unpack("<20B", bytes(range(20))) == tuple(range(20)) and struct.pack("<h", True) == b"\1\0"
assert list(struct.iter_unpack("<Hb", bytes(range(6)))) == [(0x100, 2), (0x403, 5)]

# Base64 and hexadecimal, with and without what does not belong there.
for n in range(12):
    data = bytes(range(250, 250 + n)) if n < 6 else bytes(range(n))
    text = base64.b64encode(data)
    assert base64.b64decode(text) == data == base64.b64decode(b"\n" + text[:5] + b" \n" + text[5:] + b"\n")
    assert binascii.unhexlify(data.hex()) == data == binascii.unhexlify(data.hex().upper()) and binascii.hexlify(data).decode() == data.hex()
assert raises(binascii.Error, binascii.unhexlify, "0g") == "Non-hexadecimal digit found"
assert raises(binascii.Error, base64.b64decode, "abcde") == (
    "Invalid base64-encoded string: number of data characters (5) cannot be 1 more than a multiple of 4"
)
assert raises(binascii.Error, base64.b64decode, "abcdef") == "Incorrect padding"

# Combinations, of few items and of many.
assert list(itertools.product("ab", repeat=2)) == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")] and list(itertools.product()) == [()]
assert list(itertools.product("a", repeat=10)) == [("a",) * 10]
assert list(itertools.combinations(range(10), 9))[0] == tuple(range(9)) and len(list(itertools.permutations(range(4)))) == 24
assert list(itertools.zip_longest("ab", [1], fillvalue=0)) == [("a", 1), ("b", 0)]
d = collections.deque([1, 2])
d.extend(list(range(100)))
d.appendleft(0)
assert list(d) == [0, 1, 2, *range(100)] and list(collections.deque(range(9), 3)) == [6, 7, 8]
o = collections.OrderedDict.fromkeys("abc")
o.move_to_end("c")
o.move_to_end("a")
assert list(o) == ["b", "c", "a"]
del o["a"]
o.move_to_end("c")
assert list(o) == ["b", "c"]

# Values that are met again keep their identity.
shared = ["x"]
new = marshal.loads(marshal.dumps([shared, shared, 1, 2.5, "x", b"y", (1, 2), {"k": shared}]))
assert new == [shared, shared, 1, 2.5, "x", b"y", (1, 2), {"k": shared}] and new[0] is new[1] is new[7]["k"]

# Buffers of closed files are used again, and by nobody else.
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file")
    for i in range(5):
        with open(path, "wb") as f, open(os.devnull, "wb") as g:
            f.write(b"%d" % i * 10)
            g.write(b"other")
        with open(path, "rb") as f, open(path, "rb") as g:
            assert f.read(5) == g.read(5) == b"%d" % i * 5 and f.peek()[:5] == g.read() == b"%d" % i * 5
        f.close()
        raises(ValueError, f.read)

print("native_shortcuts: ok")
