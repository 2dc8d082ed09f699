"""memoryview."""


def error(f, *args):
    try:
        f(*args)
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    raise AssertionError("no exception")


data = bytearray(range(12))
m = memoryview(data)
assert (m.nbytes, m.itemsize, m.format, m.ndim, m.shape, m.strides, m.suboffsets) == (12, 1, "B", 1, (12,), (1,), ())
assert m.obj is data and not m.readonly and m.c_contiguous and m.f_contiguous and m.contiguous and len(m) == 12
assert m[3] == 3 and m[-1] == 11 and m[2:5].tolist() == [2, 3, 4] and m[::-3].tolist() == [11, 8, 5, 2] and bytes(m[1:3]) == b"\1\2"
m[0] = 255
m[1:3] = b"xy"
m[4:8:2] = b"zz"
assert data == bytearray(b"\xffxy\3z\5z\7\x08\x09\x0a\x0b")
assert error(m.__setitem__, slice(0, 2), b"abc") == "ValueError: memoryview assignment: lvalue and rvalue have different structures"
assert error(m.__setitem__, 0, 256) == "ValueError: memoryview: invalid value for format 'B'"
assert error(m.__setitem__, 0, "a") == "TypeError: memoryview: invalid type for format 'B'"
assert error(m.__getitem__, 12) == "IndexError: index out of bounds on dimension 1"
assert error(m.__getitem__, "a") == "TypeError: memoryview: invalid slice key"
assert error(m.__delitem__, 0) == "TypeError: cannot delete memory"
assert error(memoryview(b"a").__setitem__, 0, 1) == "TypeError: cannot modify read-only memory"
assert error(memoryview, 3) == "TypeError: memoryview: a bytes-like object is required, not 'int'"

# Casts.
c = memoryview(bytearray(b"\1\0\2\0\3\0\4\0\5\0\6\0")).cast("H")
assert c.tolist() == [1, 2, 3, 4, 5, 6] and c.itemsize == 2 and c.shape == (6,)
g = c.cast("B").cast("H", [2, 3])
assert g.tolist() == [[1, 2, 3], [4, 5, 6]] and g.shape == (2, 3) and g.strides == (6, 2) and g[1, 2] == 6 and g[-1, 0] == 4
g[0, 1] = 9
assert c[1] == 9 and g.tobytes("F") == b"\1\0\4\0\x09\0\5\0\3\0\6\0" and g.c_contiguous and not g.f_contiguous
assert g[1:].tolist() == [[4, 5, 6]] and g[::-1].tolist() == [[4, 5, 6], [1, 9, 3]]
assert error(g.__getitem__, 0) == "NotImplementedError: multi-dimensional sub-views are not implemented"
assert error(g.__getitem__, (0, 5)) == "IndexError: index out of bounds on dimension 2"
assert error(g.cast, "I") == "TypeError: memoryview: cannot cast between two non-byte formats"
assert error(c[::2].cast, "B") == "TypeError: memoryview: casts are restricted to C-contiguous views"
assert error(m.cast, "B", [5]) == "TypeError: memoryview: product(shape) * itemsize != buffer size"
assert error(m[:5].cast, "H") == "TypeError: memoryview: length is not a multiple of itemsize"
assert memoryview(b"\0\0\x80?").cast("f")[0] == 1.0 and memoryview(b"\0<").cast("e")[0] == 1.0 and memoryview(b"ab").cast("c").tolist() == [b"a", b"b"]
for code, value in (("b", -5), ("h", -300), ("i", -(2**31)), ("q", -(2**63)), ("Q", 2**64 - 1), ("d", 1.5), ("f", 0.5), ("?", True), ("n", -1)):
    v = memoryview(bytearray(8)).cast(code)
    v[0] = value
    assert v[0] == value and type(v[0]) is type(value), code
z = memoryview(b"a").cast("B", [])
assert z.ndim == 0 and z[()] == 97 and z.tolist() == 97 and error(len, z) == "TypeError: 0-dim memory has no length"

# Comparison, hashing, copies.
assert memoryview(b"abc") == b"abc" == memoryview(bytearray(b"abc")) and memoryview(b"abc") != b"abd" and memoryview(b"a") != "a"
assert memoryview(b"\1\0").cast("H") == memoryview(b"\1\0").cast("h") and memoryview(b"abc")[::-1] == b"cba"
assert hash(memoryview(b"abc")) == hash(b"abc") and error(hash, m) == "ValueError: cannot hash writable memoryview object"
assert memoryview(b"abc").hex(":") == "61:62:63" and list(memoryview(b"ab")) == [97, 98] and m.toreadonly().readonly
assert memoryview(b"abcb").index(98) == 1 and memoryview(b"abcb").count(98) == 2 and 98 in memoryview(b"ab")
assert error(memoryview(b"a").index, 1) == "ValueError: memoryview.index(x): x not found"
assert error(b"".join, [b"", memoryview(b"cd")[::-1]]) == "TypeError: sequence item 1: expected a bytes-like object, memoryview found"
assert b"".join([memoryview(b"ab"), memoryview(b"cd")[1:]]) == b"abd" and bytes(memoryview(b"ab")[::-1]) == b"ba"

# Release.
n = memoryview(data)
k = n[1:]
n.release()
assert k[0] == 120 and error(n.tolist) == "ValueError: operation forbidden on released memoryview object" and n == n
assert repr(n).startswith("<released memory at 0x") and repr(k).startswith("<memory at 0x")
with memoryview(data) as w:
    assert error(data.append, 1) == "BufferError: Existing exports of data: object cannot be re-sized"
assert error(w.__len__) == "ValueError: operation forbidden on released memoryview object"


class Exporter:
    """Exports through Python methods."""

    log = []

    def __buffer__(self, flags):
        self.log.append("get")
        return memoryview(bytearray(b"abc"))

    def __release_buffer__(self, view):
        self.log.append("release")


with memoryview(Exporter()) as v:
    assert v.tolist() == [97, 98, 99]
assert Exporter.log == ["get", "release"]
