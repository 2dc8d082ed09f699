"""_struct and array."""

import _struct as struct
import array


def raises(exc, message, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        assert str(e) == message, str(e)
    else:
        raise AssertionError(f"{exc.__name__} not raised")


assert struct.calcsize("bq") == 16 and struct.calcsize("=bq") == 9 and struct.calcsize("qb0q") == 16 and struct.calcsize("3x") == 3
values = (-5, 250, b"x", b"ab", b"abc", True, -300, 65535, -(2**31), 2**32 - 1, -(2**63), 2**64 - 1, 1.5, 0.1, -2.0)
for order in "<>=!@":
    f = order + "bBc3s5p?hHiIqQfde"
    packed = struct.pack(f, *values)
    out = struct.unpack(f, packed)
    assert out == (-5, 250, b"x", b"ab\0", b"abc", True, -300, 65535, -(2**31), 2**32 - 1, -(2**63), 2**64 - 1, 1.5, 0.1, -2.0), out
    assert struct.unpack_from(f, b"??" + packed, 2) == out and struct.calcsize(f) == len(packed)
assert struct.pack(">hIe", 1, 2, 1.0) == b"\0\1\0\0\0\2\x3c\0" and struct.pack("<2h", 1, -1) == b"\1\0\xff\xff"
assert struct.pack("D", 1 + 2j) == struct.pack("dd", 1.0, 2.0) and struct.unpack("<F", struct.pack("<F", 1j)) == (1j,)
assert struct.pack("0s1s", b"", b"q") == b"q" and struct.pack("xh", 1) == b"\0\0\1\0" and struct.pack("P", -1) == b"\xff" * 8
assert list(struct.iter_unpack("<H", b"\1\0\2\0")) == [(1,), (2,)]
b = bytearray(6)
struct.pack_into("<h", b, 2, 258)
struct.pack_into("<h", b, -2, 1)
assert b == b"\0\0\2\1\1\0"
s = struct.Struct("<hq")
assert s.size == 10 and s.format == "<hq" and s.unpack(s.pack(1, 2)) == (1, 2) and repr(s) == "Struct('<hq')"
assert struct.unpack("<e", struct.pack("<e", 65504.0)) == (65504.0,) and struct.pack("<f", 1e-50) == b"\0\0\0\0"
error = struct.error
raises(error, "required argument is not an integer", struct.pack, "i", 1.5)
raises(error, "pack expected 1 items for packing (got 2)", struct.pack, "i", 1, 2)
raises(error, "'i' format requires -2147483648 <= number <= 2147483647", struct.pack, "i", 2**31)
raises(error, "'Q' format requires 0 <= number <= 18446744073709551615", struct.pack, ">Q", -1)
raises(error, "char format requires a bytes object of length 1", struct.pack, "c", b"xx")
raises(error, "argument for 's' must be a bytes object", struct.pack, "s", "x")
raises(error, "required argument is not a float", struct.pack, "f", "x")
raises(OverflowError, "float too large to pack with f format", struct.pack, "f", 1e100)
raises(OverflowError, "float too large to pack with e format", struct.pack, "e", 1e10)
raises(error, "bad char in struct format", struct.pack, ">n", 3)
raises(error, "repeat count given without format specifier", struct.calcsize, "5")
raises(error, "unpack requires a buffer of 4 bytes", struct.unpack, "i", b"abc")
raises(error, "iterative unpacking requires a buffer of a multiple of 4 bytes", struct.iter_unpack, "i", b"abc")
raises(
    error,
    "unpack_from requires a buffer of at least 7 bytes for unpacking 4 bytes at offset 3 (actual buffer size is 5)",
    struct.unpack_from,
    "i",
    b"abcde",
    3,
)
raises(error, "offset -20 out of range for 5-byte buffer", struct.unpack_from, "i", b"abcde", -20)
raises(error, "not enough data to unpack 4 bytes at offset -2", struct.unpack_from, "i", b"abcde", -2)
raises(TypeError, "a bytes-like object is required, not 'str'", struct.unpack, "i", "abcd")

for code in array.typecodes:
    if code in "uw":
        continue
    a = array.array(code, [1, 2, 3])
    assert a.tolist() == [1, 2, 3] and a[1] == 2 and a[-1] == 3 and len(a) == 3 and 2 in a and a == array.array("d", [1, 2, 3])
    assert array.array(code, a.tobytes()) == a and len(a.tobytes()) == 3 * a.itemsize and a[::-1].tolist() == [3, 2, 1]
    a.append(4), a.extend([5]), a.insert(0, 0)
    assert a.pop() == 5 and a.pop(0) == 0 and a.index(4) == 3 and a.count(4) == 1
    a.remove(4), a.reverse()
    assert a.tolist() == [3, 2, 1] and (a + a).tolist() == [3, 2, 1] * 2 and (a * 2).tolist() == [3, 2, 1] * 2
    a[1:2] = array.array(code, [7, 7])
    del a[0]
    assert a.tolist() == [7, 7, 1] and list(a) == [7, 7, 1] and repr(a).startswith(f"array('{code}', [7")
a = array.array("h", [1, 256])
a.byteswap()
assert a.tolist() == [256, 1] and a < array.array("h", [256, 2]) and bytes(a) == b"\0\1\1\0"
w = array.array("w", "aé日")
assert w.tounicode() == "aé日" and w[1] == "é" and repr(w) == "array('w', 'aé日')" and w.itemsize == 4
raises(OverflowError, "signed char is greater than maximum", array.array, "b", [200])
raises(OverflowError, "unsigned byte integer is less than minimum", array.array, "B", [-1])
raises(OverflowError, "signed integer is greater than maximum", array.array, "i", [2**31])
raises(OverflowError, "int too big to convert", array.array, "q", [2**63])
raises(OverflowError, "can't convert negative value to unsigned int", array.array, "I", [-1])
raises(TypeError, "'float' object cannot be interpreted as an integer", array.array, "i", [1.5])
raises(ValueError, "bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)", array.array, "x")
raises(TypeError, "cannot use a str to initialize an array with typecode 'i'", array.array, "i", "x")
raises(IndexError, "array index out of range", lambda: a[5])
raises(TypeError, "can only append array (not \"int\") to array", lambda: a + 3)
raises(ValueError, "bytes length not a multiple of item size", a.frombytes, b"abc")
m = memoryview(a)
assert m.format == "h" and m.itemsize == 2 and m[1] == 1
m[0] = 5
raises(BufferError, "cannot resize an array that is exporting buffers", a.append, 1)
m.release()
a.append(9)
assert a.tolist() == [5, 1, 9]
for p in (2, 3):
    f, args, state = a.__reduce_ex__(p)
    assert f(*args) == a
