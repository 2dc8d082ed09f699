"""What sequences of API calls do: scenarios.c. The same holds in CPython.

usage: scenarios.py FOLDER_OF_THE_EXTENSIONS"""

import gc
import sys
import threading
import weakref

sys.path.insert(0, sys.argv[1])
import crossing
import scenarios
from checks import raises

assert scenarios.life() == (0, 0, 1, None, 2, 2), scenarios.life()
count, plain, *rest = scenarios.own_memory()
assert (count, plain.__name__, rest) == (1, "Plain", [1, 1, 1])
assert scenarios.memory() == (b"123456789", 1, 1, 1)
same, module, *rest = scenarios.modules()
assert (same, module.__name__, rest) == (1, "made", [1, 1, "Made."])
assert scenarios.threads() == (1, 1, 1, 1, 1, 0)
assert scenarios.managed_dict() == (1, 1, 0, 1)
assert scenarios.printing() == (14, "12-a lo", 0x030e, "")
assert scenarios.fresh_text("xyz") == ("\u20acxy\u20ac\u20ac", 2)
raises(SystemError, "bad argument to internal function", scenarios.fresh_text, 3)
raises(SystemError, "Cannot copy UCS4 characters into a string of UCS2 characters", scenarios.fresh_text, "\U0001f600x")

# an argument that comes back is the same object, however young
for text in "abc", "\u20ac", "x" * 600:
    for fresh in text + str(len(text)), (text + "y").encode(), (text, []), [text], {text: 1}, 1 << 100, 2.5:
        assert crossing.give_same(fresh) is fresh, fresh

# buffers that C takes
assert scenarios.buffers(b"abc") == ((b"abc", 3, 1, 1, 1, "B", 3, 1), 1, 1)
data = bytearray(b"abc")
assert scenarios.buffers(data) == ((b"abc", 3, 0, 1, 1, "B", 3, 1), 1, 1)
data += b"d" * 1000  # no export is left
assert scenarios.buffers(data)[0][:2] == (b"abc" + b"d" * 1000, 1003)
assert scenarios.buffers(memoryview(b"abcd")[::2])[0][1:] == (2, 1, 1, 1, "B", 2, 2)
raises(TypeError, "a bytes-like object is required, not 'int'", scenarios.buffers, 3)


class Exporter:
    released = 0

    def __buffer__(self, flags):
        return memoryview(b"python")

    def __release_buffer__(self, view):
        Exporter.released += 1


assert scenarios.buffers(Exporter())[0] == (b"python", 6, 1, 1, 1, "B", 6, 1)
assert Exporter.released == 1

# buffers that C gives
memory = scenarios.Memory(b"some memory")
view = memoryview(memory)
assert (bytes(view), view.readonly, view.format, view.obj) == (b"some memory", False, "B", memory)
view[0:4] = b"SOME"
assert bytes(memory) == b"SOME memory" and scenarios.exports() == 1
assert b"".join([memory, b"!"]) == b"SOME memory!" and int.from_bytes(scenarios.Memory(b"\1\1")) == 257
view.release()
assert scenarios.exports() == 0
assert scenarios.buffers(memory)[0][0] == b"SOME memory"
assert memory.__buffer__(0).nbytes == 11 and hasattr(scenarios.Memory, "__release_buffer__")
gc.collect()


class Derived(scenarios.Memory):
    pass


assert bytes(Derived(b"derived")) == b"derived"
assert scenarios.buffers(Derived(b"derived"))[0][0] == b"derived"
assert not hasattr(scenarios.from_spec(None), "__buffer__")
raises(TypeError, "a bytes-like object is required", memoryview, scenarios.from_spec(None)())

# memoryviews of memory that is C's
writable, readable, described = scenarios.views()
assert (bytes(writable), writable.readonly, writable.obj) == (b"0123456789", False, None)
writable[3] = ord("x")
assert readable[:5].tobytes() == b"012x4" and readable.readonly
assert described.tolist() == [[48, 50], [120, 53]] and described.shape == (2, 2) and described.strides == (3, 2)

# types made from specifications
T = scenarios.from_spec(None)
assert (T.__name__, T.__doc__, T().number()) == ("FromSpec", "From a specification.", 0)
assert object.__new__(T).number() == 0
assert (T.echo(5), T().echo("x"), T.nothing(), T().nothing()) == (5, "x", True, True)


class Sub(T):
    def __init__(self, x):
        self.x = x


assert (Sub(5).x, Sub(5).number(), type(scenarios.from_spec(type))) == (5, 0, type)
assert weakref.ref(Sub).__call__() is Sub

# what macros read of dicts, sets and bytearrays that change behind C's back
d, s, b = {1: 2}, {1}, bytearray(b"12")
assert scenarios.sizes(d, s, b) == (1, 1, 2, b"12")
hold = scenarios.Holder(d, s, b)
for i in range(100):
    d[i] = i
    s.add(i)
    b.append(i)
assert hold() == (100, 100, 102, bytes(b))
d.pop(5), s.discard(5), b.pop()
assert hold() == (99, 99, 101, bytes(b))
d.clear(), s.clear(), b.clear()
assert hold() == (0, 0, 0, b"")
d.update(dict.fromkeys(range(7)))
s |= {1, 2, 3}
b.extend(b"xyz")
assert hold() == (7, 3, 3, b"xyz")
assert scenarios.grown(bytearray(b"ab")) == bytearray(b"ab\0\0\0")

# tuples with named fields
for heap in (False, True):
    Point, point, hidden = scenarios.points(heap)
    assert (point.x, point.y, point.hidden, len(point), tuple(point)) == (1, 2.5, [], 2, (1, 2.5)) and point.hidden is hidden
    assert repr(point) == "scenarios.Point(x=1, y=2.5)" and isinstance(point, tuple) and point == (1, 2.5)
    assert (Point.n_fields, Point.n_sequence_fields, Point.n_unnamed_fields) == (3, 2, 0)
    assert Point((3, 4)).hidden is None and Point((3, 4), {"hidden": 5}).hidden == 5 and Point([3, 4, 5]).hidden == 5
    raises(TypeError, "takes an at least 2-sequence (1-sequence given)", Point, (1,))
    assert point.__reduce__() == (Point, ((1, 2.5), {"hidden": []}))
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2.5)

# the exception that is being handled, as C sees it
assert scenarios.handled() is None
try:
    raise KeyError("outer")
except KeyError as e:
    assert scenarios.handled() is e
    try:
        raise ValueError("inner")
    except ValueError as inner:
        assert scenarios.handled() is inner
    assert scenarios.handled() is e

    def generator():
        try:
            raise IndexError
        except IndexError as own:
            yield scenarios.handled() is own
        yield scenarios.handled()

    assert list(generator()) == [True, e]
assert scenarios.handled() is None


def in_another_thread():
    try:
        raise KeyError
    except KeyError as e:
        seen.append(scenarios.handled() is e)


seen = []
thread = threading.Thread(target=in_another_thread)
thread.start()
thread.join()
assert seen == [True] and scenarios.handled() is None
