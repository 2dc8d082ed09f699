"""bytes and bytearray."""


def raises(kind, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert str(e) == message, (str(e), message)
    else:
        raise AssertionError(f"{kind.__name__} expected: {message}")


for T in (bytes, bytearray):
    b = T(b"abcabc")
    assert type(b[1:]) is T and b[0] == 97 and list(b[::2]) == [97, 99, 98] and len(b) == 6
    assert b.find(b"c") == 2 and b.find(99, 3) == 5 and b.rfind(b"ab") == 3 and b.count(b"a") == 2 and 98 in b and b"bc" in b
    assert b.replace(b"b", b"xx") == b"axxcaxxc" and b.split(b"b") == [b"a", b"ca", b"c"] and type(b.split(b"b")[0]) is T
    assert T(b" a  b ").split() == [b"a", b"b"] and T(b"a\r\nb\nc").splitlines(True) == [b"a\r\n", b"b\n", b"c"]
    assert b.partition(b"b") == (b"a", b"b", b"cabc") and T(b",").join([b"a", bytearray(b"b"), memoryview(b"c")]) == b"a,b,c"
    assert T(b"aBc").swapcase() == b"AbC" and T(b"ab cd").title() == b"Ab Cd" and T(b"\xe9").upper() == b"\xe9"
    assert T(b"a").center(4, b"*") == b"*a**" and T(b"+1").zfill(4) == b"+001" and T(b"xax").strip(b"x") == b"a"
    assert T(b"abc").translate(bytes.maketrans(b"ab", b"ba"), b"c") == b"ba" and T(b"ab").hex() == "6162"
    assert T(b"abcdef").hex("-", 4) == "6162-63646566" and T(b"abcdef").hex(b"-", -4) == "61626364-6566"
    assert T.fromhex("61 62\n63") == b"abc" and type(T.fromhex("61")) is T
    assert b.startswith((b"x", b"ab")) and b.endswith(b"bc", 2) and T(b"%d|%s|%5.1f|%c" % (1, b"x", 2.25, 65)) == b"1|x|  2.2|A"
    assert T([1, 2, 255]) == b"\x01\x02\xff" and T(3) == b"\0\0\0" and T("é", "utf-8") == b"\xc3\xa9" and T() == b""
    assert T(b"a") < T(b"b") and T(b"a") == bytearray(b"a") and T(b"a") != "a" and (T(b"ab") * 2) == b"abab"
    raises(TypeError, "string argument without an encoding", T, "a")
    raises(TypeError, "encoding without a string argument", T, b"a", "utf-8")
    raises(ValueError, "negative count", T, -1)
    raises(TypeError, "a bytes-like object is required, not 'str'", b.split, "b")
    raises(TypeError, "argument should be integer or bytes-like object, not 'str'", b.find, "b")
    raises(ValueError, "byte must be in range(0, 256)", lambda: 256 in b)
    raises(ValueError, "subsection not found", b.index, b"x")
    raises(ValueError, "non-hexadecimal number found in fromhex() arg at position 1", T.fromhex, "1z")

assert repr(b"a'\"\n\xff") == "b'a\\'\"\\n\\xff'" and repr(bytearray(b"a'")) == "bytearray(b\"a\\'\")"
raises(ValueError, "bytes must be in range(0, 256)", bytes, [256])
raises(TypeError, "cannot convert 'float' object to bytes", bytes, 1.5)
raises(TypeError, "can't concat str to bytes", lambda: b"a" + "b")
raises(IndexError, "index out of range", lambda: b"a"[1])


class B:
    def __bytes__(self):
        return b"B"


assert bytes(B()) == b"B" and hash(b"a") == hash("a")

# Changing a bytearray.
a = bytearray(b"abc")
a.append(100)
a.extend(b"ef")
a.extend([103])
a += b"h"
a.insert(0, 48)
assert a == b"0abcdefgh" and a.pop() == 104 and a.pop(0) == 48
a[0] = 65
a[1:3] = b"xyz"
assert a == b"Axyzdefg"
a[::2] = b"1234"
assert a == b"1x2z3e4g"
del a[::3]
assert a == b"x2" + b"3e" + b"g", a
a.clear()
assert a == b"" and not a
a[:] = range(3)
a *= 2
a.reverse()
assert a == b"\2\1\0\2\1\0"
a.remove(1)
a.resize(7)
assert a == b"\2\0\2\1\0\0\0"
raises(ValueError, "attempt to assign bytes of size 1 to extended slice of size 4", a.__setitem__, slice(None, None, 2), b"x")
raises(TypeError, "can assign only bytes, buffers, or iterables of ints in range(0, 256)", a.__setitem__, slice(0, 1), "x")
raises(IndexError, "pop from empty bytearray", bytearray().pop)
m = memoryview(a)
raises(BufferError, "Existing exports of data: object cannot be re-sized", a.append, 1)
m.release()
a.append(1)
assert bytearray(b"a\xff").__reduce_ex__(2) == (bytearray, ("a\xff", "latin-1"), None)
