"""Containers that the code called by an operation changes, and arguments that release what is being read."""

import array
import collections
import csv
import types


def raises(kind, text, f, *args):
    try:
        f(*args)
    except kind as e:
        assert text in str(e), (text, str(e))
    else:
        raise AssertionError(f"{kind.__name__} not raised")


class Clears:
    def __init__(self, what, same):
        self.what, self.same = what, same

    def __eq__(self, other):
        self.what.clear()
        return self.same


for same in (True, False):
    d = collections.deque(["ab"])
    d.extend([Clears(d, same), "c"])
    raises(IndexError, "deque mutated", d.remove, "c")
    assert not d


class Key:
    count = 0

    def __init__(self, f):
        self.f = f

    def __hash__(self):
        return 1

    def __eq__(self, other):
        Key.count += 1
        if Key.count == 2:
            self.f()
        return True


left = collections.OrderedDict(dict.fromkeys((0, Key(lambda: left.clear()), 4.2)))
right = collections.OrderedDict(dict.fromkeys((0, Key(lambda: left.clear()), 4.2)))
Key.count = 0
raises(RuntimeError, "OrderedDict mutated during iteration", lambda: left == right)
assert not left and len(right) == 3


class Forgets(collections.OrderedDict):
    def __getitem__(self, key):
        od.clear()
        return "v"


od = Forgets([(1, "v1"), (2, "v2")])
raises(RuntimeError, "OrderedDict mutated during iteration", od.copy)


class Counts(collections.OrderedDict):
    asked = 0

    def __getitem__(self, key):
        Counts.asked += 1
        return super().__getitem__(key)

    def __delitem__(self, key):
        Counts.asked += 1
        super().__delitem__(key)


od = Counts(a=1)
assert od.pop("a") == 1 and od.pop("b", 7) == 7 and Counts.asked == 0

made = 0


def factory():
    global made
    made += 1
    mine = made
    if made == 1:
        table["k"]
    return mine


table = collections.defaultdict(factory)
assert table["k"] == 2 and made == 2 and table == {"k": 2}


class Reenters:
    n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n == 1:
            next(self.reader, None)
            return "a,b"
        if self.n == 2:
            return "x"
        raise StopIteration


lines = Reenters()
lines.reader = csv.reader(lines)
raises(csv.Error, "iterator has already advanced the reader", next, lines.reader)


class Shortens:
    def __repr__(self):
        shown.clear()
        return "x"


shown = [Shortens(), 1]
raises(IndexError, "list index out of range", repr, types.GenericAlias(int, shown))


class NoHint:
    def __len__(self):
        raise RuntimeError("no length")

    def __iter__(self):
        return iter(b"abc")


for target in ([], bytearray()):
    raises(RuntimeError, "no length", target.extend, NoHint())
    assert not target


# Memoryviews that are released while something is done with them.
class Hashes(array.array):
    def __hash__(self):
        view.release()
        return 123


view = memoryview(Hashes("B", b"A" * 64)).toreadonly()
raises(BufferError, "exported buffer", hash, view)


class Separator(bytes):
    def __len__(self):
        view.release()
        return 1


view = memoryview(bytearray(b"AB"))
raises(BufferError, "exported buffer", view.hex, Separator(b":"))


class Index:
    def __index__(self):
        view.release()
        return 4


view = memoryview(bytearray(range(8)))
assert list(view[:Index()]) == [0, 1, 2, 3]
view = memoryview(bytearray(range(8)))
raises(ValueError, "released", lambda: view[Index()])

# Arrays: NaNs, and what no character is.
nan = array.array("d", [float("nan")])
assert nan != nan and not nan == nan and not nan < nan and not nan >= nan
assert array.array("f", [1, 2]) < array.array("f", [1, 2, 0]) and array.array("d", [2]) > array.array("f", [1, 9])
for letter in "uw":
    raises(ValueError, "not in range", array.array(letter, b"\xff" * 4).tounicode)


class Reflected:
    def __rmul__(self, other):
        return "reflected"


for seq in (array.array("i", [1]), collections.deque([1]), [1]):
    raises(TypeError, "cannot be interpreted as an integer", seq.__mul__, "x")
    raises(TypeError, "cannot be interpreted as an integer", seq.__imul__, "x")
    raises(TypeError, "can't multiply sequence by non-int of type 'str'", lambda: seq * "x")
    assert seq * Reflected() == "reflected"
