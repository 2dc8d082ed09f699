# list, tuple, dict, set: methods, slices, order, mutation during iteration, comparison.
l = [3, 1, 2]
l.append(5); l.extend((7, 8)); l.insert(0, 9); l.remove(1)
assert l == [9, 3, 2, 5, 7, 8] and l.pop() == 8 and l.pop(0) == 9 and l.index(5) == 2 and l[1:3] == [2, 5]
l[1:2] = [20, 21, 22]
assert l == [3, 20, 21, 22, 5, 7]
l[::2] = "abc"
assert l == ["a", 20, "b", 22, "c", 7]
del l[1::2]
assert l == ["a", "b", "c"] and l * 2 == ["a", "b", "c"] * 2 and l[::-1] == ["c", "b", "a"] and l + ["d"] == list("abcd")
try:
    l[0:2:2] = [1, 2]
except ValueError as error:
    assert str(error) == "attempt to assign sequence of size 2 to extended slice of size 1"
try:
    l[5]
except IndexError as error:
    assert str(error) == "list index out of range"
l.reverse()
l.sort(key=lambda c: -ord(c))
assert l == ["c", "b", "a"] and sorted([3, -1, 2], key=abs) == [-1, 2, 3] and sorted("bca", reverse=True) == ["c", "b", "a"]
m = [[]] * 2
m[0].append(1)
assert m == [[1], [1]] and [1, 2] < [1, 3] < [2] and [1] != (1,) and (1, 2) + (3,) == (1, 2, 3) and not []
recursive = [1]
recursive.append(recursive)
assert repr(recursive) == "[1, [...]]"
(a, (b, *c)), d = (1, (2, 3, 4)), 5
assert (a, b, c, d) == (1, 2, [3, 4], 5)
try:
    a, b = 1, 2, 3
except ValueError as error:
    assert "too many values to unpack (expected 2" in str(error)
try:
    a, *b, c = [1]
except ValueError as error:
    assert str(error) == "not enough values to unpack (expected at least 2, got 1)"

d = {"b": 1, "a": 2}
d["c"] = 3
d.update(a=5, z=6)
assert list(d) == ["b", "a", "c", "z"] and d.pop("b") == 1 and d.setdefault("n", []) == [] and d.get("q", 0) == 0
assert d | {"a": 9} == {"a": 9, "c": 3, "z": 6, "n": []} and list(reversed(d)) == ["n", "z", "c", "a"] and d.popitem() == ("n", [])
assert {1: "a", True: "b"} == {1: "b"} and dict([("x", 1)], y=2) == {"x": 1, "y": 2} and dict.fromkeys("ab", 0) == {"a": 0, "b": 0}
assert d.keys() & {"a", "q"} == {"a"} and ("c", 3) in d.items() and list(d.values()) == [5, 3, 6]
try:
    for k in d:
        d[k + "x"] = 1
except RuntimeError as error:
    assert str(error) == "dictionary changed size during iteration"
try:
    {}[[]]
except TypeError as error:
    assert "unhashable type: 'list'" in str(error)
assert {**{"a": 1}, "b": 2} == {"a": 1, "b": 2} and {k: v for k, v in zip("ab", range(2))} == {"a": 0, "b": 1}


class Odd:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return self.n % 3

    def __eq__(self, other):
        return self.n == other.n


table = {Odd(i): i for i in range(60)}
assert all(table[Odd(i)] == i for i in range(60)) and len(table) == 60
for i in range(0, 60, 2):
    del table[Odd(i)]
assert [k.n for k in table] == list(range(1, 60, 2))


class Missing(dict):
    def __missing__(self, key):
        return key * 2


assert Missing()["ab"] == "abab" and Missing(a=1).get("q") is None

s = {1, 2, 3}
assert s | {4} == {1, 2, 3, 4} and s & {2, 9} == {2} and s - {1} == {2, 3} and s ^ {3, 4} == {1, 2, 4} and {1} < s <= {1, 2, 3}
s.add(4); s.discard(9); s.remove(1); s |= {7}; s -= {2}
assert s == {3, 4, 7} and frozenset(s) == s and {frozenset({1}): 1}[frozenset([1])] == 1 and s.isdisjoint({1})
big = {}
for i in range(5000):
    big[i * 7919 % 5003] = i
for i in range(0, 5003, 2):
    big.pop(i, None)
assert len(big) == sum(1 for i in range(5000) if i * 7919 % 5003 % 2) and all(k % 2 for k in big)
assert list(range(10, 0, -3)) == [10, 7, 4, 1] and range(0, 100, 5)[3:5] == range(15, 25, 5) and 35 in range(0, 100, 5)
assert [*range(3), *"ab"] == [0, 1, 2, "a", "b"] and {*[1, 1]} == {1} and list(enumerate("ab", 1)) == [(1, "a"), (2, "b")]
assert list(map(lambda a, b: a + b, [1, 2], [3, 4])) == [4, 6] and list(filter(None, [0, 1, ""])) == [1] and any([0, 1]) and all([])
assert list(zip([1, 2], "ab", strict=True)) == [(1, "a"), (2, "b")] and sum([[1], [2]], []) == [1, 2] and min("b", "a") == "a"
i = iter([1, 2, 3])
assert next(i) == 1 and list(i) == [2, 3] and next(i, "end") == "end" and list(iter(iter([1, 2, 0, 3]).__next__, 0)) == [1, 2]

# slices with plain bounds, and with others
for seq in ("hello", "añ€😀z", [1, 2, 3, 4, 5], (1, 2, 3, 4, 5), b"hello"):
    n = len(seq)
    for i in (None, 0, 1, 4, 5, 6, 99, -1, -5, -6, -99, 2**60, -(2**60), 2**80, True):
        for j in (None, 0, 1, 4, 5, 99, -1, -5, -99, 2**60, -(2**80), False):
            expected = [seq[k] for k in range(*slice(i, j).indices(n))]
            assert list(seq[i:j]) == expected and type(seq[i:j]) is type(seq)
            assert seq[i:j] == seq[slice(i, j)]
whole = (1, 2)
assert whole[:] is whole and "ab"[0:] == "ab" and (fresh := [1])[:] is not fresh

# Slices with simple bounds, and with others, of lists and tuples.
def slices(s, cut):
    n = len(s)
    for start in (None, 0, 1, -1, -2, n, n + 1, -n, -n - 1, 2**70, -2**70, True):
        for stop in (None, 0, 1, -1, -2, n, n + 1, -n, -n - 1, 2**70, -2**70, False):
            first = 0 if start is None else max(start + n, 0) if start < 0 else min(start, n)
            last = n if stop is None else max(stop + n, 0) if stop < 0 else min(stop, n)
            got = cut(s, start, stop)
            assert type(got) is type(s) and list(got) == [s[i] for i in range(first, last)], (s, start, stop, got)
def by_bounds(s, start, stop): return s[start:stop]
def by_slice(s, start, stop): return s[slice(start, stop)]
for s in ([], [1], [1, 2.5, "x", None], (), (1,), (1, 2.5, "x", None)):
    slices(s, by_bounds)
    slices(s, by_slice)
t, l = (1, 2, 3), [1, 2, 3]
assert t[:] is t and t[0:3] is t and t[0:2] is not t and l[:] is not l and l[:] == l
try:
    l["a":]
except TypeError as error:
    assert str(error) == "slice indices must be integers or None or have an __index__ method"

# A list that is extended while it is empty does not share with anything.
a = [1, 2]
b = [*a]
b.append(3)
c = [*b, *b]
d = [*()]
d.append(1)
assert a == [1, 2] and b == [1, 2, 3] and c == [1, 2, 3] * 2 and d == [1]

# What goes over a list sees what is appended and removed meanwhile.
class Grows:
    def __init__(self, l): self.l = l
    def __hash__(self):
        if len(self.l) < 5: self.l.append(len(self.l))
        return 1
    def __radd__(self, total):
        del self.l[2:]
        return total + 1
grown = []
grown += [Grows(grown), 7]
seen = set(grown)
assert len(seen) == 3 and len(grown) == 3 and 2 in seen
shrunk = []
shrunk += [Grows(shrunk), 10, 100]
assert sum(shrunk) == 11 and len(shrunk) == 2

# Keys of one hash: ints, floats, strings, and those that say they are equal to everything, or add and remove keys when they are compared.
class Same:
    def __init__(self, h, equal): self.h, self.equal = h, equal
    def __hash__(self): return self.h
    def __eq__(self, other): return self.equal
d = {1: "int"}
d[1.0] = "float"
d[True] = "bool"
assert d == {1: "bool"} and list(d) == [1] and type(list(d)[0]) is int
d = {Same(5, False): "same", 5: "int", 5 + 2**61 - 1: "large"}
assert len(d) == 3 and d[5] == "int" and d[5 + 2**61 - 1] == "large" and 5.0 in d
s = {Same(hash("text"), False), "text"}
assert len(s) == 2 and "text" in s and len(s | {"text"}) == 2
d = {Same(7, True): 1}
d[7] = 2
assert len(d) == 1 and list(d.values()) == [2]
class Meddles:
    table = None
    def __hash__(self): return 3
    def __eq__(self, other):
        table, Meddles.table = Meddles.table, None
        if table is not None:
            for i in range(20): table[i] = i
        return self is other
d = {Meddles(): "one"}
Meddles.table = d
d[3] = "three"
assert d[3] == "three" and len(d) == 21 and sorted(map(str, d.values()))[:3] == ["0", "1", "10"]
large = {i * 3: i for i in range(70000)}
for i in range(0, 70000, 2): del large[i * 3]
assert all(large[i * 3] == i for i in range(1, 70000, 1000) if i % 2) and len(large) == 35000 and 0 not in large
large.update((i, i) for i in range(300))
assert all(large[i] == i for i in range(300)) and large.copy() == large
