"""enumerate, zip, map, filter, reversed, iter, and the iterators of sequences."""


def raises(exc, message, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        assert type(e) is exc, type(e)
        assert str(e) == message, str(e)
    else:
        raise AssertionError(f"{exc.__name__} not raised")


assert list(enumerate("ab")) == [(0, "a"), (1, "b")] and list(enumerate("ab", 10**30)) == [(10**30, "a"), (10**30 + 1, "b")]
assert list(zip()) == [] and list(zip([1, 2], "ab", (3, 4, 5))) == [(1, "a", 3), (2, "b", 4)]
assert list(zip([1], strict=True)) == [(1,)] and list(zip([1, 2], [3, 4], strict=True)) == [(1, 3), (2, 4)]
raises(ValueError, "zip() argument 2 is longer than argument 1", lambda: list(zip([1], [1, 2], strict=True)))
raises(ValueError, "zip() argument 3 is shorter than arguments 1-2", lambda: list(zip([1, 2], [1, 2], [1], strict=True)))
assert list(map(lambda a, b: a + b, [1, 2, 3], [10, 20])) == [11, 22] and list(map(str, [1])) == ["1"]
raises(ValueError, "map() argument 2 is shorter than argument 1", lambda: list(map(max, [1, 2], [1], strict=True)))
raises(TypeError, "map() must have at least two arguments.", map, str)
assert list(filter(None, [0, 1, "", "a"])) == [1, "a"] and list(filter(lambda v: v > 1, [1, 2, 3])) == [2, 3]
assert list(reversed([1, 2, 3])) == [3, 2, 1] and list(reversed("abc")) == ["c", "b", "a"]
raises(TypeError, "'int' object is not reversible", reversed, 3)
raises(TypeError, "'int' object is not iterable", zip, [], 3)


class Seq:
    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError
        return i * i

    def __len__(self):
        return self.n


assert list(Seq(4)) == [0, 1, 4, 9] and list(reversed(Seq(3))) == [4, 1, 0]

n = 0


def count():
    global n
    n += 1
    return n


assert list(iter(count, 4)) == [1, 2, 3]
it = iter(count, 6)
assert next(it) == 5 and list(it) == [] and list(it) == []

# Length hints.
for seq in ([1, 2, 3], (1, 2, 3), range(3), range(10**30, 10**30 + 3), Seq(3)):
    it = iter(seq)
    assert it.__length_hint__() == 3
    next(it)
    assert it.__length_hint__() == 2
    list(it)
    assert it.__length_hint__() == 0
it = reversed([1, 2, 3])
next(it)
assert it.__length_hint__() == 2

# State.
for make in (lambda: iter([1, 2, 3]), lambda: iter((1, 2, 3)), lambda: iter(range(1, 4)), lambda: reversed([3, 2, 1]), lambda: reversed((3, 2, 1))):
    it = make()
    next(it)
    r = it.__reduce__()
    copy = r[0](*r[1])
    if len(r) > 2 and r[2] is not None:
        copy.__setstate__(r[2])
    assert list(copy) == [2, 3] and list(it) == [2, 3]
    r = it.__reduce__()
    assert list(r[0](*r[1])) == []

# An exhausted list iterator stays exhausted; a shrinking or growing list is followed.
a = [1, 2]
it = iter(a)
assert next(it) == 1
a.append(3)
assert list(it) == [2, 3]
a.append(4)
assert list(it) == []
a = [1, 2, 3]
it = reversed(a)
next(it)
a.clear()
assert list(it) == []
