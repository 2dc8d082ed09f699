"""_pickle: bytes exactly as CPython writes them, its messages, and pickles while objects move."""

import _pickle
import collections
import copyreg
import functools
import io
import pickle
import sys


def outcome(f, *args, **kwargs):
    """The result, or what was raised, with notes and context."""
    try:
        return f(*args, **kwargs)
    except BaseException as e:
        notes = tuple(getattr(e, "__notes__", ()))
        return type(e).__name__, str(e), notes, type(e.__context__).__name__


assert pickle.Pickler is _pickle.Pickler and pickle.loads is _pickle.loads
assert pickle.PickleError.__module__ == "_pickle" and issubclass(pickle.PicklingError, pickle.PickleError)


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __eq__(self, other):
        return vars(self) == vars(other)


class Slotted:
    __slots__ = "a", "__dict__"


class Stated:
    def __getstate__(self):
        return {"seen": 1}

    def __setstate__(self, state):
        self.seen = state["seen"] + 1


class Listed(list):
    pass


class Named(collections.namedtuple("Named", "a b")):
    pass


class Empty:
    pass


# Every protocol, byte by byte.
point = Point(1, "one")
assert pickle.dumps(point, 2) == (
    b"\x80\x02c__main__\nPoint\nq\x00)\x81q\x01}q\x02(X\x01\x00\x00\x00xq\x03K\x01X\x01\x00\x00\x00yq\x04X\x03\x00\x00\x00oneq\x05ub."
)
assert pickle.dumps(point, 5) == (
    b"\x80\x05\x95.\x00\x00\x00\x00\x00\x00\x00\x8c\x08__main__\x94\x8c\x05Point\x94\x93\x94)\x81\x94}\x94("
    b"\x8c\x01x\x94K\x01\x8c\x01y\x94\x8c\x03one\x94ub."
)
assert pickle.dumps([1, -1, 255, 256, 65535, 65536, -(2**31), 2**31, 2**63, -(2**63), 2**80], 2) == (
    b"\x80\x02]q\x00(K\x01J\xff\xff\xff\xffK\xffM\x00\x01M\xff\xffJ\x00\x00\x01\x00J\x00\x00\x00\x80\x8a\x05\x00\x00\x00\x80\x00"
    b"\x8a\t\x00\x00\x00\x00\x00\x00\x00\x80\x00\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"
    b"\x8a\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01e."
)
assert pickle.dumps([2**40, -5, True, None, 1.5, "a\n\\\u20ac"], 0) == (
    b"(lp0\nL1099511627776L\naI-5\naI01\naNaF1.5\naVa\\u000a\\u005c\\u20ac\np1\na."
)
assert pickle.dumps(Empty()) == b"\x80\x05\x95\x19\x00\x00\x00\x00\x00\x00\x00\x8c\x08__main__\x94\x8c\x05Empty\x94\x93\x94)\x81\x94."
assert pickle.dumps(dict.fromkeys(range(1000))).endswith(b"M\xe7\x03Nu(u.")
assert pickle.dumps(list(range(1001))).endswith(b"e(M\xe8\x03e.")
assert pickle.dumps(Listed(range(1001))).endswith(b"eM\xe8\x03a.")
assert pickle.dumps([b"x" * 70000, 1])[:20] == b"\x80\x05]\x94(Bp\x11\x01\x00xxxxxxxxxx"

# There and back.
shared = ["shared"]
recursive = [1]
recursive.append((recursive, {"me": recursive}))
values = [
    None, ..., NotImplemented, True, 0, -1, 2**100, -(2**64), Point, 0.1, float("inf"), 1j, "", "text", "caf\u00e9", "\u20ac", "\U0001f600", "\ud800",
    b"", b"bytes", bytearray(b"array"), (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1], {}, {1: 2}, {"a": [shared], "b": shared}, set(), {1, 2},
    frozenset(), frozenset({1}), range(5), slice(1, 2), int, len, print, str.upper, Point(1, [2]), Named(1, 2),
    functools.partial(max, 3), collections.OrderedDict(a=1), collections.deque([1, 2]), type(None), type(...), ValueError("x"),
]  # fmt: skip
for protocol in range(6):
    for value in values:
        data = pickle.dumps(value, protocol)
        new = pickle.loads(data)
        assert type(new) is type(value) and (new == value or repr(new) == repr(value)), (protocol, value, new)
        assert pickle._loads(data) == new or repr(value) == repr(new)
        assert pickle.loads(pickle._dumps(value, protocol)) == new or repr(value) == repr(new)
    new = pickle.loads(pickle.dumps(recursive, protocol))
    assert new[1][0] is new and new[1][1]["me"] is new
    new = pickle.loads(pickle.dumps({"a": [shared], "b": shared}, protocol))
    assert new["a"][0] is new["b"]
    s = Slotted()
    s.a, s.b = 1, 2
    if protocol >= 2:
        new = pickle.loads(pickle.dumps(s, protocol))
        assert (new.a, new.b) == (1, 2)
    assert pickle.loads(pickle.dumps(Stated(), protocol)).seen == 2

# An instance may have its own methods; its attributes stay where they are.
point = Point(1, 2)
point.__reduce_ex__ = lambda protocol: (int, (7,))
assert pickle.loads(pickle.dumps(point)) == 7
point = Point(1, 2)
assert pickle.loads(pickle.dumps(point)) == point
vars(point)["z"] = point
new = pickle.loads(pickle.dumps(point))
assert new.z is new and list(vars(new)) == ["x", "y", "z"]

# Many objects, in and out of the nursery.
many = [Point(i, [str(i), float(i), {i: (i, "x" * (i % 30))}]) for i in range(3000)]
many += many
for protocol in (0, 2, 5):
    data = pickle.dumps(many, protocol)
    new = pickle.loads(data)
    assert new == many and all(new[i] is new[i + 3000] for i in range(3000))


class Making:
    """Pickles as a call with objects that are made, and moved, while it is being pickled."""

    def __init__(self, n):
        self.n = n

    def __reduce__(self):
        garbage = [[i] for i in range(200)]
        return make, (self.n, {"n": self.n, "list": garbage[:2]}), None


def make(n, d):
    return n, d


made = [Making(i) for i in range(500)]
for protocol in (1, 4):
    new = pickle.loads(pickle.dumps(made + made, protocol))
    assert new[:500] == [(i, {"n": i, "list": [[0], [1]]}) for i in range(500)]
    assert all(new[i] is new[i + 500] for i in range(500))

# Errors, as they are worded.
assert outcome(pickle.loads, b"") == ("EOFError", "Ran out of input", (), "NoneType")
for data, text in [
    (b".", "unpickling stack underflow"), (b"(.", "unexpected MARK found"), (b"1.", "could not find MARK"), (b"K", "pickle data was truncated"),
    (b"(Nd.", "odd number of items for DICT"), (b"h\0.", "Memo value not found at index 0"), (b"z.", "invalid load key, 'z'."),
    (b"\xff.", "invalid load key, '\\xff'."), (b"NN\x93.", "STACK_GLOBAL requires str"), (b"}N]b.", "state is not a dictionary"),
    (b"NN\x81.", "NEWOBJ class argument must be a type, not NoneType"), (b"\x82\0.", "EXT specifies code <= 0"),
    (b"\x95\4\0\0\0\0\0\0\0\x8c\5abcde.", "pickle exhausted before end of frame"),
]:  # fmt: skip
    assert outcome(pickle.loads, data) == ("UnpicklingError", text, (), "NoneType"), data
assert outcome(pickle.loads, b"Ix\n.")[:2] == ("ValueError", "could not convert string to int")
assert outcome(pickle.loads, b"Lx\n.")[:2] == ("ValueError", "invalid literal for int() with base 10: 'x\\n'")
assert outcome(pickle.loads, b"F 1\n.")[:2] == ("ValueError", "could not convert string to float: ' 1\n'")
assert outcome(pickle.loads, b"F1e999\n.")[:2] == ("OverflowError", "value too large to convert to float: '1e999\n'")
assert [pickle.loads(b"I%b\n." % n) for n in (b"01", b"00", b"1", b" 1 ", b"1_0")] == [True, False, 1, 1, 10]
local = lambda: None
assert outcome(pickle.dumps, [{"a": (local,)}]) == (
    "PicklingError",
    f"Can't pickle {local!r}: it's not found as __main__.<lambda>",
    ("when serializing tuple item 0", "when serializing dict item 'a'", "when serializing list item 0"),
    "AttributeError",
)
assert outcome(pickle.dumps, [Point(1, sys)])[2] == (
    "when serializing dict item 'y'", "when serializing Point state", "when serializing Point object", "when serializing list item 0"
)  # fmt: skip

# Hooks: persistent objects, a dispatch table, reducer_override, find_class.
class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        asked.append(obj)
        return "it" if obj is shared else None

    def reducer_override(self, obj):
        return (list, ((7,),)) if obj is Point else NotImplemented


class Unpickler(pickle.Unpickler):
    def persistent_load(self, pid):
        return pid, shared

    def find_class(self, module, name):
        found.append((module, name))
        return super().find_class(module, name)


for protocol in range(6):
    asked, found = [], []
    f = io.BytesIO()
    Pickler(f, protocol).dump([shared, Point, 5, Empty()])
    f.seek(0)
    new = Unpickler(f).load()
    assert new[0] == ("it", shared) and new[1] == [7] and new[2] == 5 and type(new[3]) is Empty
    assert asked[1] is shared and 5 in asked
    assert ("__main__", "Empty") in found
p = pickle.Pickler(io.BytesIO())
assert not hasattr(p, "dispatch_table")
p.dispatch_table = {Point: lambda p: (list, ())}
p.dump(Point(1, 2))
assert outcome(pickle.Pickler.dump, pickle.Pickler.__new__(type("P", (pickle.Pickler,), {})), 1)[1].startswith("Pickler.__init__() was not called by P.")

# The memo can be looked at, set, and kept from one pickle to the next.
f = io.BytesIO()
p = pickle.Pickler(f)
p.dump(shared)
assert p.memo.copy() == {id(shared): (0, shared), id(shared[0]): (1, shared[0])}
p.dump(shared)
u = pickle.Unpickler(io.BytesIO(f.getvalue()))
assert u.load() is u.load() and u.memo.copy() == {0: ["shared"], 1: "shared"}
other = pickle.Pickler(g := io.BytesIO())
other.memo = p.memo
other.dump(shared)
assert g.getvalue() == b"\x80\x05h\x00."
assert outcome(setattr, p, "memo", {1: 2})[1] == "'memo' values must be 2-item tuples"
assert outcome(setattr, u, "memo", {-1: 2})[1] == "memo key must be positive integers."
assert pickle.loads(b"Kar\x00\x00\x10\x000Nr\x03\x00\x00\x000j\x00\x00\x10\x00.") == 97
p.clear_memo()
assert p.memo.copy() == {}
p = pickle.Pickler(f := io.BytesIO())
p.dump(point := Point(1, "b"))
assert len(p.memo.copy()) == 8, p.memo.copy()
for memo in (p.memo, p.memo.copy()):
    other = pickle.Pickler(g := io.BytesIO())
    other.memo = memo
    other.dump([point, "new", "new"])
    assert g.getvalue()[11:] == b"]\x94(h\x03\x8c\x03new\x94h\x09e.", g.getvalue()


# Files: read and written in pieces.
class File:
    def __init__(self, data):
        self.file = io.BytesIO(data)
        self.calls = []

    def read(self, n):
        self.calls.append(n)
        return self.file.read(n)

    def readline(self):
        self.calls.append("line")
        return self.file.readline()


f = File(pickle.dumps([1, b"x" * 70000, "a", bytearray(b"y")]) + b"rest")
assert len(pickle.Unpickler(f).load()) == 4
assert f.calls == [1, 1, 1, 8, 5, 1, 4, 70000, 1, 8, 18] and f.file.read() == b"rest"


class Peeked(File):
    def peek(self, n):
        return self.file.getvalue()[self.file.tell() :][:64]


f = Peeked(pickle.dumps(1) + pickle.dumps("two", 0) + b"rest")
u = pickle.Unpickler(f)
assert (u.load(), u.load()) == (1, "two") and f.file.read() == b"rest"


class Written:
    def __init__(self):
        self.pieces = []

    def write(self, data):
        self.pieces.append(len(data))


w = Written()
pickle.dump([i * 1000 for i in range(30000)], w)
assert w.pieces == [65547, 65545, 18867], w.pieces

# One at a time.
class Busy:
    def __reduce__(self):
        assert outcome(p.dump, 1)[:2] == ("RuntimeError", "Pickler object is already used")
        return list, ()


p = pickle.Pickler(io.BytesIO())
p.dump(Busy())

# Buffers out of band.
buffers = []
data = pickle.dumps([pickle.PickleBuffer(b"ab"), pickle.PickleBuffer(bytearray(b"cd"))], 5, buffer_callback=lambda b: buffers.append(b))
assert data == b"\x80\x05\x95\x08\x00\x00\x00\x00\x00\x00\x00]\x94(\x97\x98\x97e."
assert list(map(bytes, pickle.loads(data, buffers=buffers))) == [b"ab", b"cd"]
assert outcome(pickle.loads, data)[1].startswith("pickle stream refers to out-of-band data")

copyreg.add_extension("__main__", "Point", 240)
assert pickle.dumps(Point, 2) == b"\x80\x02\x82\xf0." and pickle.loads(b"\x80\x02\x82\xf0.") is Point
copyreg.remove_extension("__main__", "Point", 240)
copyreg.clear_extension_cache()

print("pickle_native: ok")
