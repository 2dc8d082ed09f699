"""list, tuple, range and slice."""


def raises(exc, message, f, *args):
    try:
        f(*args)
    except exc as e:
        assert type(e) is exc, type(e)
        assert str(e) == message, str(e)
    else:
        raise AssertionError(f"{exc.__name__} not raised")


def do(code, **names):
    exec(code, names)
    return names["a"]


# Slicing of all sequences agrees with index arithmetic.
points = [None, -7, -3, -1, 0, 1, 2, 5, 9]
for seq in ([0, 1, 2, 3, 4], (0, 1, 2, 3, 4), range(5)):
    for start in points:
        for stop in points:
            for step in (None, -7, -2, -1, 1, 2, 7):
                s = slice(start, stop, step)
                expected = [i for i in range(*s.indices(5))]
                assert list(seq[s]) == expected, (seq, s)
                if type(seq) is list:
                    a = list(seq)
                    del a[s]
                    assert a == [i for i in range(5) if i not in expected]
                    a = list(seq)
                    if step in (None, 1):
                        a[s] = "xyz"
                    else:
                        a[s] = [10 + i for i in expected]
                        assert [a[i] for i in expected] == [10 + i for i in expected]

assert slice(None, None, -1).indices(3) == (2, -1, -1) and slice(10**30, -(10**30), -1).indices(4) == (3, -1, -1)
assert slice(1, 2) == slice(1, 2) and slice(1, 2) < slice(1, 3) and hash(slice(1, 2, 3)) == hash(slice(1, 2, 3)) and repr(slice(3)) == "slice(None, 3, None)"
raises(ValueError, "slice step cannot be zero", lambda: [1][::0])
raises(ValueError, "length should not be negative", slice(1).indices, -1)
raises(TypeError, "slice indices must be integers or None or have an __index__ method", lambda: [1]["x":])

# Errors of indices.
raises(IndexError, "list index out of range", lambda: [1][1])
raises(IndexError, "tuple index out of range", lambda: (1,)[-2])
raises(IndexError, "range object index out of range", lambda: range(3)[3])
raises(IndexError, "list assignment index out of range", do, "a = [1]; a[1] = 1")
raises(IndexError, "list assignment index out of range", do, "a = [1]; del a[1]")
key = "x"
raises(TypeError, "list indices must be integers or slices, not str", lambda: [1][key])
raises(TypeError, "tuple indices must be integers or slices, not str", lambda: (1,)[key])
raises(TypeError, "range indices must be integers or slices, not str", lambda: range(1)[key])
raises(ValueError, "attempt to assign sequence of size 1 to extended slice of size 2", do, "a = [1, 2, 3]; a[::2] = [1]")
raises(TypeError, "must assign iterable to extended slice", do, "a = [1, 2, 3]; a[0:1] = 3")
raises(TypeError, "'tuple' object does not support item assignment", do, "a = (1,); a[0] = 1")
raises(TypeError, "'tuple' object doesn't support item deletion", do, "a = (1,); del a[0]")

# Methods of list.
a = [3, 1, 2]
a.append(4), a.extend((5,)), a.extend(range(2)), a.insert(0, 9), a.insert(-1, 8), a.insert(100, 7)
assert a == [9, 3, 1, 2, 4, 5, 0, 8, 1, 7]
assert a.pop() == 7 and a.pop(0) == 9 and a.index(1) == 1 and a.index(1, 2) == 7 and a.count(1) == 2
a.remove(1), a.reverse()
assert a == [1, 8, 0, 5, 4, 2, 3] and a.copy() == a and a.copy() is not a
a.clear()
assert a == []
a += [1]
a *= 3
assert a == [1, 1, 1] and a * 0 == [] and 2 * [1] == [1, 1]
a[1:2] = a
assert a == [1, 1, 1, 1, 1]
a.extend(a)
assert len(a) == 10
raises(IndexError, "pop from empty list", [].pop)
raises(IndexError, "pop index out of range", [1].pop, 3)
raises(ValueError, "list.remove(x): x not in list", [].remove, 3)
raises(ValueError, "list.index(x): x not in list", [1].index, 2)
raises(TypeError, "can only concatenate list (not \"tuple\") to list", lambda: [1] + (1,))
raises(TypeError, "can't multiply sequence by non-int of type 'str'", lambda: [1] * "x")
raises(OverflowError, "cannot fit 'int' into an index-sized integer", lambda: [1] * 10**30)
raises(TypeError, "'int' object is not iterable", list, 3)
raises(TypeError, "unhashable type: 'list'", hash, [])
raises(TypeError, "list expected at most 1 argument, got 2", list, 1, 2)
a = [1]
a.append(a)
assert repr(a) == "[1, [...]]" and repr((1,)) == "(1,)" and repr(()) == "()" and repr([1, "a"]) == "[1, 'a']"
x = float("nan")
assert [x] == [x] and x in [x] and [x].index(x) == 0 and (x,) == (x,)

# Comparison.
assert [1, 2] < [1, 3] and [1] < [1, 0] and not [2] < [1, 5] and [1, 2] != [1] and (1, 2) >= (1, 2) and (1,) != [1]
raises(TypeError, "'<' not supported between instances of 'int' and 'str'", lambda: [1] < ["a"])

# Sorting.
assert sorted([3, 1, 2]) == [1, 2, 3] and sorted("bca", reverse=True) == ["c", "b", "a"]
pairs = [(i % 5, i) for i in range(100)]
assert sorted(pairs, key=lambda p: p[0]) == sorted(pairs)
assert sorted(pairs, key=lambda p: p[0], reverse=True) == [p for k in (4, 3, 2, 1, 0) for p in pairs if p[0] == k]
assert sorted([0.0, -0.0, 0, False], key=lambda v: v) == [0.0, -0.0, 0, False] and repr(sorted([0.0, -0.0])) == "[0.0, -0.0]"
assert sorted([2**60, 1.5, -3, 10**30, True]) == [-3, True, 1.5, 2**60, 10**30]
assert sorted(["b", "ä", "a" * 9, "a" * 8 + "b", "", "日"]) == ["", "a" * 9, "a" * 8 + "b", "b", "ä", "日"]
raises(TypeError, "'<' not supported between instances of 'str' and 'int'", [3, "x"].sort)
raises(TypeError, "sort() takes no positional arguments", [1].sort, 1)
a = [3, 2, 1]


def meddle(v):
    a.append(v)
    return v


raises(ValueError, "list modified during sort", lambda: a.sort(key=meddle))
assert a == [1, 2, 3]
a = [3, "x", 1]
raises(TypeError, "'<' not supported between instances of 'str' and 'int'", a.sort)
assert sorted(map(str, a)) == ["1", "3", "x"]


class Seen:
    def __init__(self, v):
        self.v = v

    def __lt__(self, other):
        assert len(b) == 0
        return self.v < other.v


b = [Seen((i * 7919) % 1000) for i in range(1000)]
b.sort()
assert [s.v for s in b] == list(range(1000))

# tuple.
assert tuple([1, 2]) == (1, 2) and (1, 2) + (3,) == (1, 2, 3) and (1, 2) * 2 == (1, 2, 1, 2) and 2 in (1, 2) and (1, 2, 1).count(1) == 2
assert hash((1, 2)) == -3550055125485641917 and hash(()) == 5740354900026072187 and (1, 2).index(2) == 1
raises(ValueError, "tuple.index(x): x not in tuple", (1,).index, 2)


class T(tuple):
    pass


t = T([1, 2])
assert type(t) is T and t == (1, 2) and type(t[:]) is tuple and type(t + ()) is tuple and isinstance(T(), tuple)

# range.
r = range(0, 10**30, 10**29)
assert len(r) == 10 and r[3] == 3 * 10**29 and list(r)[-1] == r[-1] and 10**29 in r and 5 not in r and r.index(2 * 10**29) == 2
assert list(reversed(r)) == list(r)[::-1] and r[::-1][0] == 9 * 10**29 and hash(r) == hash(range(0, 10**30 - 1, 10**29))
assert range(3) == range(0, 3) and range(0, 5, 2) == range(0, 6, 2) and range(0) == range(5, 2) and range(3) != range(4)
assert repr(range(1, 2)) == "range(1, 2)" and repr(range(1, 9, 3)) == "range(1, 9, 3)" and list(range(5, 0, -2)) == [5, 3, 1]
assert range(10).count(3) == 1 and 3.0 in range(5) and "x" not in range(5) and not range(0) and list(reversed(range(3))) == [2, 1, 0]
assert (range(3).start, range(3).stop, range(3).step) == (0, 3, 1)
raises(ValueError, "range() arg 3 must not be zero", range, 1, 2, 0)
raises(TypeError, "'float' object cannot be interpreted as an integer", range, 1.5)
raises(TypeError, "range expected at least 1 argument, got 0", range)
raises(ValueError, "range.index(x): x not in range", range(3).index, 7)
raises(OverflowError, "Python int too large to convert to C ssize_t", len, range(10**30))
