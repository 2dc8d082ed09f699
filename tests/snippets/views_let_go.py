"""A buffer may be resized as soon as the last view of it is forgotten, wherever that was."""

import array
import io
import mmap
import pickle


def check(resize, view, n=20):
    for _ in range(n):
        view()
        resize()


class Reader:
    def __init__(self):
        self.buffer = bytearray()

    def take(self, n):
        data = bytes(memoryview(self.buffer)[:n])
        del self.buffer[:n]
        return data

    async def read(self, n):
        data = bytes(memoryview(self.buffer)[:n])
        del self.buffer[:n]
        return data

    async def line(self, n):
        return await self.read(n)


b = bytearray(b"abc")
for view in (
    lambda: memoryview(b)[0],
    lambda: bytes(memoryview(b)[:2]),
    lambda: memoryview(b)[::-1].tolist(),
    lambda: memoryview(memoryview(b)).nbytes,
    lambda: memoryview(b).cast("b")[:1].obj,
):
    check(lambda: b.append(1), view)
    check(lambda: b.extend(b"ab"), view)
    check(lambda: b.pop(), view)
    check(lambda: b.__delitem__(slice(0, 1)), view)
    check(lambda: b.__iadd__(b"de"), view)

reader = Reader()
for i in range(50):
    reader.buffer += b"0123456789"
    assert reader.take(10) == b"0123456789"
    reader.buffer += b"0123456789"
    try:
        reader.line(10).send(None)
    except StopIteration as stop:
        assert stop.value == b"0123456789"

a = array.array("i", [1, 2, 3])
check(lambda: a.append(4), lambda: memoryview(a)[0])
check(lambda: a.extend([1, 2]), lambda: memoryview(a).nbytes)
check(lambda: a.__delitem__(slice(0, 1)), lambda: memoryview(a).tolist() and None)

f = io.BytesIO(b"abc")
check(lambda: f.write(b"x" * 10), lambda: f.getbuffer().nbytes)
check(lambda: f.truncate(3), lambda: bytes(f.getbuffer()[:2]))
f.getbuffer().nbytes
f.close()

for i in range(10):
    m = mmap.mmap(-1, 4096)
    memoryview(m)[:3].tobytes()
    m.close()

# A view that is still there keeps the size.
kept = memoryview(b)
box = [kept[:1]]
del kept
for i in range(5):
    try:
        b.append(1)
        raise AssertionError("resized under a view")
    except BufferError:
        pass
    assert box[0][0] == b[0]
box.clear()
b.append(1)

# Other buffers' views are no business of a resize: this one is nowhere but among the items that zip has taken.
other = bytes(range(10))
b2 = bytearray(b"xyz")


def resizing():
    for i in range(5):
        memoryview(b2)[0]
        b2.append(i)
        yield i


for view, i in zip((memoryview(other)[i:] for i in range(5)), resizing()):
    assert view[0] == i, (view[0], i)

# One that has lent its memory is in use.
with memoryview(b2) as outer:
    p = pickle.PickleBuffer(outer)
    try:
        b2.append(1)
        raise AssertionError("resized under a buffer")
    except BufferError:
        pass
    assert p.raw()[0] == b2[0]
    p.release()
b2.append(1)
