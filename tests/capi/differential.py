"""Runs functions of bridge-c and CPython's own on the same arguments, in CPython, and compares results,
exceptions and messages.

usage: python3.14 differential.py SHARED_OBJECT
"""

import ctypes
import itertools
import math
import sys
import warnings
from ctypes import (POINTER, byref, c_char, c_char_p, c_double, c_float, c_int, c_long, c_longlong,
                    c_short, c_size_t, c_ssize_t, c_ubyte, c_uint, c_ulong, c_ulonglong, c_ushort,
                    c_void_p, c_wchar_p, create_string_buffer, py_object)

ours = ctypes.PyDLL(sys.argv[1])
theirs = ctypes.pythonapi
warnings.simplefilter("ignore")

failures = 0
count = 0


def show(value):
    """A comparable picture of a result."""
    if isinstance(value, float):
        return ("float", value.hex() if not math.isnan(value) else "nan")
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [show(v) for v in value])
    if isinstance(value, dict):
        return ("dict", [(show(k), show(v)) for k, v in value.items()])
    return (type(value).__name__, value)


def outcome(library, name, result_type, build):
    """What a call gives: its result and what it stored, or the exception."""
    function = getattr(library, name)
    function.restype = result_type
    function.argtypes = None
    arguments, stored = build()
    try:
        result = function(*arguments)
    except Exception as e:
        message = str(e)
        if isinstance(e, SystemError) and "bad argument to internal function" in message:
            message = "bad argument to internal function"
        return ("raised", type(e).__name__, message, show(getattr(e, "args", ())) if not isinstance(e, SystemError) else None)
    return ("returned", show(result), [show(read()) for read in stored])


def check(name, result_type, build, label=None):
    """build() gives (arguments, functions that read what the call stored)."""
    global failures, count
    count += 1
    a = outcome(theirs, name, result_type, build)
    b = outcome(ours, name, result_type, build)
    if a != b:
        failures += 1
        print(f"{name}{label!r}\n    CPython {a}\n    Cape    {b}")


def plain(name, result_type, *arguments):
    check(name, result_type, lambda: (arguments, []), arguments)


O = py_object


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class FloatLike:
    def __float__(self):
        return 2.5


class BadFloat:
    def __float__(self):
        return "x"


class BadComplex:
    def __complex__(self):
        return "x"


class FloatSub(float):
    pass


class DeprecatedFloat:
    def __float__(self):
        return FloatSub(3.5)


class IntSub(int):
    pass


class StrSub(str):
    pass


class Falsy:
    def __bool__(self):
        return False


class Broken:
    def __bool__(self):
        raise ZeroDivisionError("bool")

    def __index__(self):
        raise ZeroDivisionError("index")

    def __len__(self):
        raise ZeroDivisionError("len")

    def __iter__(self):
        raise ZeroDivisionError("iter")

    def __getitem__(self, i):
        raise ZeroDivisionError("getitem")

    def __str__(self):
        raise ZeroDivisionError("str")

    def __repr__(self):
        return "Broken()"


INTS = [0, 1, -1, 5, -5, 127, 128, 255, 256, 257, -128, -129, 32767, 32768, -32769, 65535, 65536, 2**30 - 1,
        2**30, -(2**30), 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32 - 1, 2**32, 2**60, 2**60 - 1,
        2**62, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, -(2**64), 2**89, -(2**90), 10**30,
        2**100, -(2**100), 10**400]
ODD = ["x", 1.5, None, b"b", Index(7), Index("x"), Index(2**70), IntSub(9), True, Broken(), [], object]


class Mixed:
    """Knows ints on either side, changes in place."""

    def __init__(self, n):
        self.n = n

    def __add__(self, other):
        return ("add", self.n, other) if isinstance(other, int) else NotImplemented

    def __rmul__(self, other):
        return "rmul", other

    def __isub__(self, other):
        return "isub", other

    def __neg__(self):
        return "neg"

    def __contains__(self, value):
        return value == 1.5


def numbers():
    for name, kind in [("PyLong_AsLong", c_long), ("PyLong_AsInt", c_int), ("PyLong_AsSsize_t", c_ssize_t),
                       ("PyLong_AsSize_t", c_size_t), ("PyLong_AsUnsignedLong", c_ulong),
                       ("PyLong_AsLongLong", c_longlong), ("PyLong_AsUnsignedLongLong", c_ulonglong),
                       ("PyLong_AsUnsignedLongMask", c_ulong),
                       ("PyLong_AsUnsignedLongLongMask", c_ulonglong), ("PyLong_AsDouble", c_double),
                       ("PyLong_AsVoidPtr", c_void_p), ("PyFloat_AsDouble", c_double)]:
        for value in INTS + ODD + [FloatLike(), BadFloat(), float("nan"), -0.0]:
            plain(name, kind, O(value))
    for name in ("PyLong_AsLongAndOverflow", "PyLong_AsLongLongAndOverflow"):
        for value in INTS + ODD:
            def build():
                i = c_int(99)
                return (O(value), byref(i)), [lambda: i.value]
            check(name, c_longlong, build, (value,))
    for name, kind in [("PyLong_AsInt32", ctypes.c_int32), ("PyLong_AsUInt32", ctypes.c_uint32),
                       ("PyLong_AsInt64", ctypes.c_int64), ("PyLong_AsUInt64", ctypes.c_uint64)]:
        for value in INTS + ODD:
            def build():
                i = kind(99)
                return (O(value), byref(i)), [lambda: i.value]
            check(name, c_int, build, (value,))
    for name in ("PyLong_IsZero", "PyLong_IsPositive", "PyLong_IsNegative"):
        for value in INTS + ["x", 1.5]:
            plain(name, c_int, O(value))
    for value in INTS:
        plain("_PyLong_NumBits", ctypes.c_int64, O(value))
        plain("_PyLong_Sign", c_int, O(value))
        plain("_PyLong_Copy", O, O(value))
        if -2**63 <= value < 2**63:
            for name in ("PyLong_FromLong", "PyLong_FromLongLong", "PyLong_FromSsize_t", "PyLong_FromInt64"):
                plain(name, O, c_long(value))
        if 0 <= value < 2**64:
            for name in ("PyLong_FromUnsignedLong", "PyLong_FromUnsignedLongLong", "PyLong_FromSize_t",
                         "PyLong_FromUInt64", "PyLong_FromVoidPtr"):
                plain(name, O, c_ulong(value))
    for value in [0.0, -0.0, 1.5, -1.5, 1e10, -1e18, 9.3e18, -9.3e18, 2.0**63, 2.0**64, 1e30, -1e300,
                  1.7e308, float("inf"), float("-inf"), float("nan"), 4.9e-324]:
        plain("PyLong_FromDouble", O, c_double(value))
        plain("PyFloat_FromDouble", O, c_double(value))
    for value, flags, size in itertools.product(INTS + ["x", Index(3)], [-1, 0, 1, 3, 4, 5, 7, 8, 9, 16, 28],
                                                [0, 1, 2, 3, 4, 7, 8, 9, 16]):
        def build():
            buffer = create_string_buffer(b"\x55" * 20, 20)
            return (O(value), buffer, c_ssize_t(size), c_int(flags)), [lambda: buffer.raw]
        check("PyLong_AsNativeBytes", c_ssize_t, build, (value, flags, size))
    for value, size, little, signed, raises in itertools.product(INTS, [1, 2, 3, 4, 8, 9, 16, 40], [0, 1],
                                                                 [0, 1], [0, 1]):
        def build():
            buffer = create_string_buffer(b"\x55" * 50, 50)
            return (O(value), buffer, c_size_t(size), c_int(little), c_int(signed), c_int(raises)), []
        check("_PyLong_AsByteArray", c_int, build, (value, size, little, signed))
    for text in [b"", b"\0", b"\1", b"\xff", b"\x80", b"\x7f", b"\x80\0", b"\0\x80", b"\xff\xff", b"\1\2\3\4\5\6\7\x88",
                 b"\x88" + b"\0" * 11, b"\xff" * 30, b"\0" * 16 + b"\1", b"\x80" + b"\0" * 7, b"\0" * 7 + b"\x80"]:
        for little, signed in itertools.product([0, 1], [0, 1]):
            plain("_PyLong_FromByteArray", O, text, c_size_t(len(text)), c_int(little), c_int(signed))
        for flags in (-1, 0, 1, 3, 4, 5, 7):
            plain("PyLong_FromNativeBytes", O, text, c_size_t(len(text)), c_int(flags))
            plain("PyLong_FromUnsignedNativeBytes", O, text, c_size_t(len(text)), c_int(flags))
    for value in [0.0, -0.0, 1.0, -2.5, 65504.0, 65519.9, 65520.0, 1e-8, 5.96e-8, 2.98e-8, 2.99e-8, 6.1e-5, 3.4e38,
                  3.5e38, 1e300, -1e300, 0.1, float("inf"), float("-inf"), float("nan"), -float("nan"), 1 / 3,
                  0.333251953125, 2049.0, 2051.0, 1e-45, 1e-46]:
        for size, little in itertools.product([2, 4, 8], [0, 1]):
            def build():
                buffer = create_string_buffer(b"\x55" * 8, 8)
                return (c_double(value), buffer, c_int(little)), [lambda: buffer.raw]
            check(f"PyFloat_Pack{size}", c_int, build, (value, little))
    for bits in [0, 1, 0x8000, 0x3c00, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x7c01, 0xfe01, 0x03ff, 0x0400, 0x1234]:
        for little in (0, 1):
            plain("PyFloat_Unpack2", c_double, bits.to_bytes(2, "little"), c_int(little))
            plain("PyFloat_Unpack4", c_double, (bits << 16 | 5).to_bytes(4, "little"), c_int(little))
    for value in [1, 1.5, 2j, 1 + 2j, "x", None, Index(4), FloatLike(), BadFloat(), BadComplex(), DeprecatedFloat()]:
        plain("PyComplex_RealAsDouble", c_double, O(value))
        plain("PyComplex_ImagAsDouble", c_double, O(value))
    plain("PyComplex_FromDoubles", O, c_double(1.0), c_double(-0.0))
    for value in ODD + INTS[:5] + [Falsy()]:
        plain("PyObject_IsTrue", c_int, O(value))
        plain("PyObject_Not", c_int, O(value))
        plain("PyNumber_Index", O, O(value))
        plain("PyIndex_Check", c_int, O(value))
        plain("PyNumber_Check", c_int, O(value))
        plain("PyNumber_AsSsize_t", c_ssize_t, O(value), O(IndexError))
        plain("PyNumber_AsSsize_t", c_ssize_t, O(value), None)
        plain("PyCallable_Check", c_int, O(value))
        plain("PyObject_Str", O, O(value))
    operators = ["Add", "Subtract", "Multiply", "Remainder", "Divmod", "Lshift", "Rshift", "And", "Xor", "Or", "FloorDivide", "TrueDivide",
                 "MatrixMultiply"]
    operands = [0, -7, 2**40, 2**70, 1.5, 2j, True, None, "text", "", "%s", b"b", (1,), {1}, {2: 3}, Index(4), FloatLike(), Falsy(), Mixed(3)]
    for a in operands:
        for b in operands:
            for name in operators:
                if name in ("Lshift", "Multiply") and 2**70 in (a, b) and not isinstance(a, float):
                    continue
                plain(f"PyNumber_{name}", O, O(a), O(b))
                if name != "Divmod" and not isinstance(a, (set, dict)):
                    plain(f"PyNumber_InPlace{name}", O, O(a), O(b))
            plain("PySequence_Contains", c_int, O(a), O(b))
        for name in ("Negative", "Positive", "Absolute") + (() if a is True else ("Invert",)):
            plain(f"PyNumber_{name}", O, O(a))
    for value in [0, 1, -1, 10, -10, 99, 100, 2**30 - 1, -(2**30) + 1, 2**30, 123456789, "text", Index(4)]:
        plain("PyObject_Str", O, O(value))


STRINGS = ["", "a", "abc", "\xe9", "caf\xe9", "\u20ac", "x\u20acy", "\U0001f600", "a\U0001f600b\xe9", "a\0b", "\ud800",
           "x" * 40, StrSub("sub"), "\xff" * 3, "z\uffff", "\x7f\x80"]


def strings():
    for s in STRINGS:
        encoded = s.encode("utf-8", "surrogatepass")
        plain("PyUnicode_FromString", O, encoded)
        plain("PyUnicode_FromStringAndSize", O, encoded, c_ssize_t(len(encoded)))
        plain("PyUnicode_DecodeASCII", O, encoded, c_ssize_t(len(encoded)), None)
        plain("PyUnicode_DecodeLatin1", O, encoded, c_ssize_t(len(encoded)), None)
        for name in ("PyUnicode_AsUTF8String", "PyUnicode_AsASCIIString", "PyUnicode_AsLatin1String",
                     "PyUnicode_FromObject", "PyUnicode_EncodeFSDefault"):
            plain(name, O, O(s))
        plain("PyUnicode_AsUTF8", c_char_p, O(s))
        plain("PyUnicode_GetLength", c_ssize_t, O(s))
        plain("PyUnicode_AsWideCharString", c_wchar_p, O(s), None)
        plain("PyUnicode_FromWideChar", O, c_wchar_p(s), c_ssize_t(-1))
        for i in (-1, 0, 1, 2, 100):
            plain("PyUnicode_ReadChar", c_uint, O(s), c_ssize_t(i))
            for j in (-1, 0, 1, 2, 100):
                plain("PyUnicode_Substring", O, O(s), c_ssize_t(i), c_ssize_t(j))
        for ch in (97, 0xe9, 0x20ac, 0x1f600, 0):
            for start, end, direction in itertools.product((0, 1, -1), (1, 3, -1, 100), (1, -1)):
                plain("PyUnicode_FindChar", c_ssize_t, O(s), c_uint(ch), c_ssize_t(start), c_ssize_t(end), c_int(direction))
        for t in STRINGS:
            plain("PyUnicode_Compare", c_int, O(s), O(t))
            plain("PyUnicode_Equal", c_int, O(s), O(t))
            plain("PyUnicode_Concat", O, O(s), O(t))
            raw = t.encode("utf-8", "surrogatepass")
            plain("PyUnicode_EqualToUTF8", c_int, O(s), raw)
            plain("PyUnicode_EqualToUTF8AndSize", c_int, O(s), raw, c_ssize_t(len(raw)))
            if t.isascii() and "\0" not in t:
                plain("PyUnicode_CompareWithASCIIString", c_int, O(s), raw)
    for bad in [b"\xff", b"a\xc3", b"\xc0\x80", b"\xe2\x82", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"ok\x80ok", b"\xf0\x9f\x98\x80",
                b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xc3\xa9", b"abcdefgh\xff"]:
        for errors in (None, b"strict", b"ignore", b"replace", b"surrogateescape"):
            plain("PyUnicode_DecodeUTF8", O, bad, c_ssize_t(len(bad)), errors)
            plain("PyUnicode_DecodeASCII", O, bad, c_ssize_t(len(bad)), errors)
    for kind, data in [(1, b"abc"), (1, b"\xe9\xff"), (2, b"a\0b\0"), (2, b"\xac\x20a\0"), (4, b"a\0\0\0"), (4, b"\0\xf6\1\0"),
                       (4, b"\0\0\x11\0"), (3, b"abc"), (1, b"")]:
        plain("PyUnicode_FromKindAndData", O, c_int(kind), data, c_ssize_t(len(data) // kind))
    plain("PyUnicode_FromKindAndData", O, c_int(1), b"a", c_ssize_t(-1))
    for i in (-1, 0, 97, 255, 256, 0xffff, 0x10ffff, 0x110000):
        plain("PyUnicode_FromOrdinal", O, c_int(i))
    for wrong in (1, b"x", None):
        for name in ("PyUnicode_AsUTF8String", "PyUnicode_AsASCIIString", "PyUnicode_FromObject"):
            plain(name, O, O(wrong))
        plain("PyUnicode_AsUTF8", c_char_p, O(wrong))
        plain("PyUnicode_GetLength", c_ssize_t, O(wrong))
        plain("PyUnicode_Compare", c_int, O(wrong), O("a"))
        plain("PyUnicode_Equal", c_int, O("a"), O(wrong))
        plain("PyUnicode_Equal", c_int, O(wrong), O("a"))
        plain("PyUnicode_Concat", O, O("a"), O(wrong))
        plain("PyUnicode_Concat", O, O(wrong), O("a"))
    for size in (-1, 0, 3):
        plain("PyUnicode_FromStringAndSize", O, None, c_ssize_t(size))
    for base in (0, 2, 8, 10, 16, 36):
        for text in (b"0", b"12", b"-12", b" +7x", b"0x1f", b"0b101", b"0o17", b"0x", b"00", b"012", b"zz", b"", b"-", b"99999999999999999999",
                     b"-9223372036854775808", b"9223372036854775808"):
            for name, kind in (("PyOS_strtol", c_long), ("PyOS_strtoul", c_ulong)):
                def build():
                    end = c_char_p()
                    return (text, byref(end), c_int(base)), [lambda: end.value]
                check(name, kind, build, (text, base))


class Meta(type):
    pass


class Named(metaclass=Meta):
    class Inner:
        pass


def formats():
    cases = [(b"plain",), (b"100%%",), (b"%c%c", 65, 0x20ac), (b"%c", -1), (b"%c", 0x110000), (b"%d", 5), (b"%d", -5), (b"%5d|", 42),
             (b"%-5d|", 42), (b"%05d|", -42), (b"%.3d|", 7), (b"%6.3d|", -7), (b"%-6.3d|", 7), (b"%06.3d|", 7), (b"%i", -1), (b"%u", -1),
             (b"%x", 255), (b"%X", 255), (b"%o", 8), (b"%08x", 255), (b"%ld", c_long(-2**40)), (b"%lu", c_ulong(2**63)), (b"%lld", c_longlong(-2**50)),
             (b"%llu", c_ulonglong(2**64 - 1)), (b"%zd", c_ssize_t(-3)), (b"%zu", c_size_t(3)), (b"%zi", c_ssize_t(-3)), (b"%jd", c_longlong(-4)),
             (b"%tx", c_longlong(17)), (b"%lx", c_ulong(2**60)), (b"%llX", c_ulonglong(2**60)), (b"%*d|", 6, 42), (b"%*d|", -6, 42), (b"%.*d|", 4, 42),
             (b"%.*d|", -4, 42), (b"%s", b"text"), (b"%.2s", b"text"), (b"%6s|", b"ab"), (b"%-6s|", b"ab"), (b"%06s|", b"ab"), (b"%s", "caf\xe9".encode()),
             (b"%.4s", "caf\xe9".encode()), (b"%.5s", "caf\xe9".encode()), (b"%.3s", "\u20ac\u20ac".encode()), (b"%.5s", "\u20ac\u20ac".encode()),
             (b"%s", b"bad\xff!"), (b"%8s|", b"bad\xff!"), (b"%.4s|", b"bad\xff!"), (b"%p", c_void_p(0x1234)), (b"%20p|", c_void_p(0x1234)), (b"%p", c_void_p(0)),
             (b"%U", O("u\u20ac")), (b"%.1U", O("u\u20ac")), (b"%5U|", O("u\u20ac")), (b"%-5U|", O("u\u20ac")), (b"%5.1U|", O("u\u20ac")), (b"%V", O("obj"), b"alt"),
             (b"%V", None, b"alt"), (b"%S", O(1.5)), (b"%R", O("q'")), (b"%A", O("\u20ac")), (b"%.3R|", O("long text")), (b"%10S|", O(None)),
             (b"%S", O(Broken())), (b"%T", O(1)), (b"%T", O(Named())), (b"%#T", O(Named.Inner())), (b"%T", O(ctypes.c_int())), (b"%#T", O(ctypes.c_int())),
             (b"%N", O(Named)), (b"%#N", O(Named.Inner)), (b"%N", O(int)), (b"%N", O(1)), (b"%ls", c_wchar_p("w\u20ac")), (b"%.1ls", c_wchar_p("w\u20ac")),
             (b"%lV", None, c_wchar_p("w")), (b"%y", 1), (b"abc %q def", 1), (b"%", ), (b"%l",), (b"%5", ), (b"caf\xe9", ), (b"%d %s %R", 1, b"two", O(3)),
             (b"%99999999999999999999d", 1), (b"%.99999999999999999999d", 1), (b"%lc", 65), (b"%zs", b"x"), (b"%-05d|", 42), (b"%0-5d|", 42), (b"%5%|",), (b"%5c|", 65), (b"%-p", c_void_p(1)), (b"%.2p", c_void_p(1)), (b"%#d", 5), (b"%#U", O("a")), (b"%05T|", O(1)), (b"%8T|", O(1)), (b"%.2T|", O(1)), (b"%l%",), (b"%zT", O(1)), (b"%lU", O("a")), (b"%hd", 1), (b"%#x", 255)]
    for format, *arguments in cases:
        arguments = [c_int(a) if isinstance(a, int) else a for a in arguments]
        plain("PyUnicode_FromFormat", O, format, *arguments)
    for format, *arguments in cases:
        if all(not isinstance(a, py_object) for a in arguments) and b"c" not in format and b"V" not in format and b"ls" not in format:
            arguments = [c_int(a) if isinstance(a, int) else a for a in arguments]
            plain("PyBytes_FromFormat", O, format, *arguments)
    plain("PyBytes_FromFormat", O, b"%c|%c", c_int(65), c_int(255))
    plain("PyBytes_FromFormat", O, b"%c", c_int(256))
    for format, *arguments in cases[:30]:
        arguments = [c_int(a) if isinstance(a, int) else a for a in arguments]
        check("PyErr_Format", O, lambda: ((O(ValueError), format, *arguments), []), (format, arguments))


def values():
    text = c_char_p(b"text")
    cases = [(b"",), (b"i", c_int(5)), (b"(i)", c_int(5)), (b"ii", c_int(5), c_int(6)), (b"[i,i]", c_int(5), c_int(6)), (b"{s:i}", b"k", c_int(1)),
             (b"{s:i, s:O}", b"k", c_int(1), b"l", O("v")), (b"((ii)[i]{i:i})", *[c_int(i) for i in range(5)]), (b"b", c_int(-3)), (b"B", c_int(200)), (b"h", c_int(-3)),
             (b"H", c_int(60000)), (b"I", c_uint(2**32 - 1)), (b"n", c_ssize_t(-9)), (b"l", c_long(-9)), (b"k", c_ulong(2**64 - 1)), (b"L", c_longlong(-2**63)),
             (b"K", c_ulonglong(2**64 - 1)), (b"f", c_double(1.5)), (b"d", c_double(-0.0)), (b"c", c_int(65)), (b"C", c_int(0x20ac)), (b"C", c_int(-1)), (b"s", text),
             (b"s", None), (b"z", None), (b"s#", b"te\0xt", c_ssize_t(4)), (b"U", b"caf\xc3\xa9"), (b"y", b"by\xff"), (b"y#", b"by\0te", c_ssize_t(5)), (b"s", b"\xff"),
             (b"y", None), (b"u", c_wchar_p("w\u20ac")), (b"u#", c_wchar_p("wide"), c_ssize_t(2)), (b"u", None), (b"O", O([1])), (b"S", O([1])), (b"O", None), (b"p", c_int(0)),
             (b"p", c_int(7)), (b"(i", c_int(1)), (b"i)", c_int(1)), (b"[i)", c_int(1)), (b"{i}", c_int(1)), (b"q", c_int(1)), (b"iq", c_int(1), c_int(2)), (b"()",), (b"[]",),
             (b"{}",), (b" i , i ", c_int(1), c_int(2)), (b"{[i]:i}", c_int(1), c_int(2)), (b"(O)", None)]
    for format, *arguments in cases:
        plain("Py_BuildValue", O, format, *arguments)


def arguments():
    """Every unit with every kind of object."""
    objects = [5, -5, 0, 200, 300, 40000, 70000, 2**31, 2**40, 2**63, 2**64, -(2**70), 1.5, 2j, "s", "text", "caf\xe9", "a\0b", "\ud800", "", b"b", b"bytes", b"a\0b", b"",
               bytearray(b"x"), bytearray(b"array"), memoryview(b"view"), memoryview(bytearray(b"wview")), memoryview(b"strided")[::2], None, True, (1, 2), [1, 2], Index(3),
               FloatLike(), Broken(), IntSub(4), StrSub("sub"), int, object]
    simple = {"b": c_ubyte, "B": c_ubyte, "h": c_short, "H": c_ushort, "i": c_int, "I": c_uint, "l": c_long, "k": c_ulong, "L": c_longlong, "K": c_ulonglong, "n": c_ssize_t,
              "f": c_float, "d": c_double, "c": c_char, "C": c_int, "p": c_int, "s": c_char_p, "z": c_char_p, "y": c_char_p}

    def boxed(kind):
        box = kind()
        return box, (lambda: box.value)

    for suffix in ("", ":name", ";message"):
        for unit, kind in simple.items():
            for value in objects if suffix == "" else objects[::4]:
                def build():
                    box, read = boxed(kind)
                    return (O((value,)), (unit + suffix).encode(), byref(box)), [read]
                check("PyArg_ParseTuple", c_int, build, (unit + suffix, value))
    for unit in ("s#", "z#", "y#"):
        for value in objects:
            def build():
                box, size = c_char_p(), c_ssize_t(-7)
                return (O((value,)), unit.encode(), byref(box), byref(size)), [lambda: ctypes.string_at(box, size.value) if box and size.value >= 0 else None, lambda: size.value]
            check("PyArg_ParseTuple", c_int, build, (unit, value))
    for unit in ("s*", "z*", "y*", "w*"):
        for value in objects:
            def build():
                view = (c_ssize_t * 10)()
                return (O((value,)), unit.encode(), view), [lambda: view[2:6]]
            check("PyArg_ParseTuple", c_int, build, (unit, value))
    for unit, encoding in itertools.product(("es", "et"), (b"utf-8", b"latin-1", b"ascii", None, b"nonsense")):
        for value in objects:
            def build():
                box = c_char_p()
                return (O((value,)), unit.encode(), encoding, byref(box)), [lambda: box.value]
            check("PyArg_ParseTuple", c_int, build, (unit, encoding, value))
            for room in (0, 3, 64):
                def build():
                    buffer = create_string_buffer(64)
                    box = c_char_p(ctypes.addressof(buffer)) if room else c_char_p()
                    size = c_ssize_t(room)
                    return (O((value,)), (unit + "#").encode(), encoding, byref(box), byref(size)), [lambda: ctypes.string_at(box, size.value) if box else (buffer and None), lambda: size.value]
                check("PyArg_ParseTuple", c_int, build, (unit + "#", encoding, value, room))
    for unit in ("S", "Y", "U", "O"):
        for value in objects:
            def build():
                box = c_void_p()
                return (O((value,)), unit.encode(), byref(box)), [lambda: box.value == id(value)]
            check("PyArg_ParseTuple", c_int, build, (unit, value))
    for kind in (int, str, tuple):
        for value in objects:
            def build():
                box = c_void_p()
                return (O((value,)), b"O!", O(kind), byref(box)), [lambda: box.value == id(value)]
            check("PyArg_ParseTuple", c_int, build, ("O!", kind, value))
    shapes = ["", "i", "i|i", "|ii", "ii|ii", "i:f", "i|i:f", ":f", "ii;custom message", "(ii)", "(i(ii))i", "i(ii)|i:f", "(es)", "w", "q", "i!", "e", "|", "()"]
    tuples = [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((1, 2),), ([1, 2],), ((1,),), ("ab",), (b"ab",), (1, (2, 3)), ((1, (2, 3)), 4), ((1, (2, "x")), 4), (None,), ("x",), (1, "x"),
              ({1, 2},), (range(2),), (Broken(),)]
    for shape, value in itertools.product(shapes, tuples):
        if shape == "(es)":
            continue
        def build():
            boxes = [c_long(77) for _ in range(6)]
            return (O(value), shape.encode(), *[byref(b) for b in boxes]), [lambda: [b.value for b in boxes]]
        check("PyArg_ParseTuple", c_int, build, (shape, value))
    for value in (5, [1], {}):
        plain("PyArg_ParseTuple", c_int, O(value), b"i", byref(c_int()))
    for shape, value in itertools.product(["", "i", "i:f", "i;msg", "(ii)", "(ii):f", "ii", "s"], [1, "x", (1, 2), (1, "x"), None, 2**40]):
        def build():
            boxes = [c_long(77) for _ in range(6)]
            return (O(value), shape.encode(), *[byref(b) for b in boxes]), []
        check("PyArg_Parse", c_int, build, (shape, value))


def keywords():
    shapes = ["ii", "i|i", "|ii", "i|i:f", "i$i", "|i$i:f", "i|$i;msg", "$ii", "||ii", "|$ii", "i", "iii", "$|ii", "i|i|", "O!i", "(ii)i", "s#i", "es", "i)", "(i", "q", "ii:g"]
    lists = [["a", "b"], ["", "b"], ["", ""], ["a"], ["a", "", "c"], [], ["a", "b", "c"], ["", "b", "c"]]
    calls = [((), {}), ((1,), {}), ((1, 2), {}), ((1, 2, 3), {}), ((1,), {"b": 2}), ((), {"a": 1}), ((), {"a": 1, "b": 2}), ((1,), {"a": 2}), ((1,), {"z": 2}), ((1, 2), {"b": 3}),
             ((), {"z": 1}), ((), {1: 2}), (("x",), {}), ((1,), {"b": "x"}), ((1,), {"": 2}), ((), {"a": 1, "b": 2, "c": 3}), ((1,), {"c": 3})]
    for shape, names, (args, kwargs) in itertools.product(shapes, lists, calls):
        if shape in ("O!i", "s#i", "es") and (args or kwargs):
            continue
        def build():
            boxes = [c_long(77) for _ in range(8)]
            array = (c_char_p * (len(names) + 1))(*[n.encode() for n in names], None)
            return (O(args), O(kwargs), shape.encode(), array, *[byref(b) for b in boxes]), [lambda: [b.value for b in boxes]]
        check("PyArg_ParseTupleAndKeywords", c_int, build, (shape, names, args, kwargs))
    for value in ({}, {"a": 1}, {1: 2}, [], 5):
        plain("PyArg_ValidateKeywordArguments", c_int, O(value))
    for value, name, low, high in itertools.product([(), (1,), (1, 2), (1, 2, 3), [1]], [b"f", None], [0, 1, 2], [0, 1, 2, 3]):
        def build():
            boxes = [c_void_p() for _ in range(4)]
            return (O(value), name, c_ssize_t(low), c_ssize_t(high), *[byref(b) for b in boxes]), [lambda: [bool(b.value) for b in boxes]]
        check("PyArg_UnpackTuple", c_int, build, (value, name, low, high))


def containers():
    lists = [[], [1], [1, 2, 3], list(range(10))]
    for l in lists + [(1, 2), "x", 5]:
        for name in ("PyList_Size", "PyTuple_Size", "PyObject_Size", "PySequence_Size", "PyMapping_Size"):
            plain(name, c_ssize_t, O(l))
        plain("PyList_AsTuple", O, O(l))
        plain("PySequence_List", O, O(l))
        plain("PySequence_Tuple", O, O(l))
        plain("PySequence_Fast", O, O(l), b"not a sequence")
        plain("PySequence_Check", c_int, O(l))
        plain("PyMapping_Check", c_int, O(l))
        for i in (-3, -1, 0, 1, 2, 99):
            plain("PyList_GetItemRef", O, O(l), c_ssize_t(i))
            plain("PySequence_GetItem", O, O(l), c_ssize_t(i))
            plain("PyObject_GetItem", O, O(l), O(i))
            for j in (-3, 0, 1, 2, 99):
                plain("PyTuple_GetSlice", O, O(tuple(l) if isinstance(l, list) else l), c_ssize_t(i), c_ssize_t(j))
                plain("PyList_GetSlice", O, O(l), c_ssize_t(i), c_ssize_t(j))
    def changed(name, start, *rest):
        def build():
            l = list(start)
            return (O(l), *rest), [lambda: l]
        check(name, c_int, build, (start, rest))
    for l in lists:
        changed("PyList_Reverse", l)
        changed("PyList_Clear", l)
        changed("PyList_Append", l, O("new"))
        for i in (-99, -1, 0, 1, 5, 99):
            changed("PyList_Insert", l, c_ssize_t(i), O("new"))
            changed("PySequence_SetItem", l, c_ssize_t(i), O("new"))
            changed("PySequence_DelItem", l, c_ssize_t(i))
            changed("PyObject_SetItem", l, O(i), O("new"))
            changed("PyObject_DelItem", l, O(i))
            for j in (-1, 0, 1, 2, 99):
                for value in ([], [7, 8, 9], (7,), "ab", None, 5, range(20)):
                    changed("PyList_SetSlice", l, c_ssize_t(i), c_ssize_t(j), O(value) if value is not None else None)
        for value in ([], [1], (1, 2), "abc", iter([1, 2]), {1: 2}, 5, Broken()):
            changed("PyList_Extend", l, O(value) if not hasattr(value, "__next__") else O([9]))
    for value in ODD + [{}, {"a": 1}, {1}, "abc", (1, 2), [1], range(3), iter([]), memoryview(b"xy")]:
        for name in ("PyObject_Size", "PySequence_Size", "PyMapping_Size"):
            plain(name, c_ssize_t, O(value))
        plain("PyObject_GetItem", O, O(value), O("a"))
        plain("PyObject_GetItem", O, O(value), O(0))
        plain("PySequence_GetItem", O, O(value), c_ssize_t(0))
        plain("PyMapping_GetItemString", O, O(value), b"a")
        plain("PySequence_Fast", O, O(value), b"message") if not hasattr(value, "__next__") else None
        plain("PySequence_Check", c_int, O(value))
        plain("PyMapping_Check", c_int, O(value))
        if not isinstance(value, (Index, Broken, IntSub)):  # their slot is a function of CPython's own
            plain("PyIter_Check", c_int, O(value))
        plain("PyObject_CheckBuffer", c_int, O(value))
        for name in ("PyObject_HasAttrStringWithError", "PyObject_HasAttrString"):
            plain(name, c_int, O(value), b"append")
        plain("PyObject_GetAttrString", O, O(value), b"no_such") if value is not object else None
        plain("PyObject_SetAttrString", c_int, O(value), b"no_such", O(1)) if not isinstance(value, (Broken, Index, IntSub)) else None
        plain("PyObject_GetAttr", O, O(value), O(5))
        plain("PyObject_Hash", c_ssize_t, O(value)) if not isinstance(value, str) else None
        for other in (1, "x", None, [], 2.5):
            for op in range(6):
                plain("PyObject_RichCompareBool", c_int, O(value), O(other), c_int(op))
                plain("PyObject_RichCompare", O, O(value), O(other), c_int(op))
        plain("PyObject_CallNoArgs", O, O(value)) if value is not object else None
    for start, stop, step in itertools.product([None, 0, 1, -1, 5, 99, -99, "x", Index(2), 2**70], [None, 0, 3, -1, 99, -99, 1.5], [None, 1, -1, 2, -2, 0, 2**70]):
        def build():
            boxes = [c_ssize_t(77) for _ in range(4)]
            return (O(slice(start, stop, step)), c_ssize_t(6), *[byref(b) for b in boxes]), [lambda: [b.value for b in boxes[:3 if False else 4]]]
        def unpacked():
            boxes = [c_ssize_t(77) for _ in range(3)]
            return (O(slice(start, stop, step)), *[byref(b) for b in boxes]), [lambda: [b.value for b in boxes]]
        check("PySlice_Unpack", c_int, unpacked, (start, stop, step))
        check("PySlice_GetIndicesEx", c_int, build, (start, stop, step))
    plain("PySlice_New", O, O(1), None, O(3))
    plain("PyTuple_Pack", O, c_ssize_t(3), O(1), O("a"), O(None))
    plain("PyTuple_Pack", O, c_ssize_t(0))


def calls():
    def f(*args, **kwargs):
        return args, kwargs

    def boom(*args):
        raise KeyError("boom")

    class C:
        def method(self, *args):
            return args
    o = C()
    cases = [(None,), (b"",), (b"i", c_int(1)), (b"(i)", c_int(1)), (b"ii", c_int(1), c_int(2)), (b"(ii)", c_int(1), c_int(2)), (b"((ii))", c_int(1), c_int(2)), (b"O", O((1, 2))), (b"O", O([1])),
             (b"s", b"text"), (b"[i]", c_int(3)), (b"q", c_int(1))]
    for callable in (f, boom, 5, int, len, str.upper, C):
        for format, *arguments in cases:
            plain("PyObject_CallFunction", O, O(callable), format, *arguments) if callable is not C else None
        for args in ((), (1,), (1, 2), ("a",), [1], 5):
            for kwargs in (None, {}, {"a": 1}, {1: 2}):
                if isinstance(args, tuple) and callable is not C:
                    plain("PyObject_Call", O, O(callable), O(args), O(kwargs) if kwargs is not None else None)
            plain("PyObject_CallObject", O, O(callable), O(args)) if callable is not C else None
    for format, *arguments in cases:
        plain("PyObject_CallMethod", O, O(o), b"method", format, *arguments)
        plain("PyObject_CallMethod", O, O("text"), b"upper", format, *arguments)
    plain("PyObject_CallMethod", O, O(o), b"missing", None)
    plain("PyObject_CallMethod", O, O(o), b"__dict__", None)
    plain("PyObject_CallFunctionObjArgs", O, O(f), None)
    plain("PyObject_CallFunctionObjArgs", O, O(f), *[O(i) for i in range(10)], None)
    plain("PyObject_CallMethodObjArgs", O, O(o), O("method"), O(1), O(2), None)
    plain("PyObject_CallMethodObjArgs", O, O(o), O("method"), *[O(i) for i in range(10)], None)
    plain("PyObject_CallOneArg", O, O(f), O(7))


def errors():
    for kind, value in itertools.product((ValueError, KeyError, OSError, UnicodeDecodeError, 5, "x", int), (None, "text", (1, 2), ValueError("given"), KeyError("k"))):
        plain("PyErr_SetObject", None, O(kind), O(value) if value is not None else None)
    plain("PyErr_SetNone", None, O(StopIteration))
    plain("PyErr_SetString", None, O(TypeError), b"caf\xc3\xa9")
    plain("PyErr_NoMemory", O)
    plain("PyErr_BadArgument", O)
    for a, b in itertools.product((ValueError, ValueError("x"), int, None, UnicodeError, 5), (ValueError, Exception, (KeyError, ValueError), ((), (ValueError,)), int, 5)):
        plain("PyErr_GivenExceptionMatches", c_int, O(a), O(b))
    e = UnicodeDecodeError("utf-8", b"abc", 1, 2, "why")
    for name in ("PyUnicodeDecodeError_GetObject", "PyUnicodeDecodeError_GetReason", "PyUnicodeDecodeError_GetEncoding"):
        plain(name, O, O(e))
    for start, end in itertools.product((-5, 0, 1, 3, 99), (-5, 0, 1, 3, 99)):
        e = UnicodeDecodeError("utf-8", b"abc", start, end, "why")
        for name in ("PyUnicodeDecodeError_GetStart", "PyUnicodeDecodeError_GetEnd"):
            def build():
                box = c_ssize_t(77)
                return (O(e), byref(box)), [lambda: box.value]
            check(name, c_int, build, (start, end))
    plain("PyErr_SetImportError", O, O("msg"), O("name"), None)
    plain("PyErr_SetImportErrorSubclass", O, O(ValueError), O("msg"), None, None)
    plain("PyExceptionClass_Name", c_char_p, O(ValueError))


def capsules():
    for name in (b"a.b", None):
        keep = create_string_buffer(b"x")
        plain("PyCapsule_New", c_void_p, None, name, None)
        plain("PyCapsule_GetPointer", c_void_p, O(5), name)
        plain("PyCapsule_IsValid", c_int, O(5), name)
    import datetime  # noqa: F401
    plain("PyCapsule_Import", c_void_p, b"datetime.datetime_CAPI", c_int(0))
    plain("PyCapsule_Import", c_void_p, b"no_such_module.x", c_int(0))
    plain("PyCapsule_Import", c_void_p, b"datetime.date", c_int(0))
    plain("PyCapsule_Import", c_void_p, b"datetime.nothing", c_int(0))


class Path:
    def __init__(self, result):
        self.result = result

    def __fspath__(self):
        return self.result


class File:
    def __init__(self, *lines):
        self.lines = list(lines)

    def write(self, text):
        self.lines.append(text)

    def readline(self, n=-1):
        return self.lines.pop(0) if self.lines else ""

    def fileno(self):
        return self.lines[0]


class Bytes:
    def __init__(self, result):
        self.result = result

    def __bytes__(self):
        return self.result


class Keys(dict):
    def keys(self):
        return 5


def derived():
    things = [[1, 2, 1], (1, 2), "abab", b"xyx", {"a": 1}, {1}, range(3), 5, None, Broken(), bytearray(b"ab"), Index(1), object]
    for op in things:
        for n in (-1, 0, 2):
            plain("PySequence_Repeat", O, O(op), c_ssize_t(n))
            if not isinstance(op, (list, bytearray)):
                plain("PySequence_InPlaceRepeat", O, O(op), c_ssize_t(n))
        for other in things:
            if not isinstance(op, (list, bytearray)):
                plain("PySequence_InPlaceConcat", O, O(op), O(other))
        for value in (1, "a", 120, None, Broken()):
            if value != "a" or not isinstance(op, (bytes, bytearray)):
                plain("PySequence_Count", c_ssize_t, O(op), O(value))
                plain("PySequence_Index", c_ssize_t, O(op), O(value))
        for name in ("PyMapping_Keys", "PyMapping_Values", "PyObject_GetAIter", "PyBytes_FromObject", "PyObject_Bytes"):
            if op is not object:
                plain(name, O, O(op))
        plain("PyObject_AsFileDescriptor", c_int, O(op))
        plain("PyOS_FSPath", O, O(op))
        plain("PyUnicode_FromEncodedObject", O, O(op), b"utf-8", None)
        plain("PyUnicode_RichCompare", O, O(op), O("a"), c_int(0))
        plain("PyLong_FromUnicodeObject", O, O(op), c_int(10)) if isinstance(op, str) else None
        plain("PyDict_Items", O, O(op)) if op is not object else None
        plain("PyDict_Values", O, O(op)) if op is not object else None
        plain("PySet_Size", c_ssize_t, O(op))
    for op in (Keys(a=1), Bytes(b"x"), Bytes("x"), Bytes(None)):
        plain("PyMapping_Keys", O, O(op))
        plain("PyObject_Bytes", O, O(op))
    for op in (Path("p"), Path(b"p"), Path(5)):
        plain("PyOS_FSPath", O, O(op))
    for op in (File(3), File(-1), File("x"), File(2**40), True, 2**40, -3):
        plain("PyObject_AsFileDescriptor", c_int, O(op))
    for lines in ((), ("line\n",), ("end",), (b"bytes\n",), (5,)):
        for n in (-1, 0, 5):
            check("PyFile_GetLine", O, lambda: ((O(File(*lines)), c_int(n)), []), (lines, n))
    def written(flags):
        file = File()
        return (O("text"), O(file), c_int(flags)), [lambda: file.lines]
    for flags in (0, 1):
        check("PyFile_WriteObject", c_int, lambda: written(flags), flags)
    for other, override in itertools.product(({"a": 2, "b": 3}, [("c", 1)], Keys(z=1), 5), (0, 1, 2)):
        def merged():
            d = {"a": 1}
            return (O(d), O(other), c_int(override)), [lambda: d]
        check("PyDict_Merge", c_int, merged, (other, override))
    for pairs, override in itertools.product(([("a", 2), ("b", 3)], [(1, 2, 3)], [5], ["xy"], 5, []), (0, 1)):
        def merged():
            d = {"a": 1}
            return (O(d), O(pairs), c_int(override)), [lambda: d]
        check("PyDict_MergeFromSeq2", c_int, merged, (pairs, override))
    for s in ("a b c", "x\ny\r\nz", "", "aXbXc"):
        plain("PyUnicode_Splitlines", O, O(s), c_int(0))
        plain("PyUnicode_Splitlines", O, O(s), c_int(1))
        plain("PyUnicode_RSplit", O, O(s), None, c_ssize_t(1))
        plain("PyUnicode_RSplit", O, O(s), O("X"), c_ssize_t(-1))
        plain("PyUnicode_Partition", O, O(s), O("X"))
        plain("PyUnicode_RPartition", O, O(s), O("X"))
        plain("PyUnicode_Count", c_ssize_t, O(s), O("X"), c_ssize_t(0), c_ssize_t(99))
        plain("PyUnicode_IsIdentifier", c_int, O(s))
        plain("PyUnicode_Translate", O, O(s), O({97: "q", 98: None}), None)
        plain("PyUnicode_Translate", O, O(s), O({97: "q", 98: None, 88: 0x20ac}), b"ignore")
        plain("PyUnicode_Translate", O, O(s), O({88: 1.5}), b"replace")
        for name in ("PyUnicode_AsUTF16String", "PyUnicode_AsUTF32String", "PyUnicode_AsUnicodeEscapeString", "PyUnicode_AsRawUnicodeEscapeString"):
            plain(name, O, O(s))
        for op in range(6):
            plain("PyUnicode_RichCompare", O, O(s), O("a b"), c_int(op))
    for data in (b"", b"a\0b\0", b"\xff\xfea\0", b"\xfe\xff\0a", b"a\0b", b"\0\xd8"):
        for order in (None, -1, 0, 1):
            def build():
                box = c_int(order or 0)
                size = c_ssize_t(77)
                return (data, c_ssize_t(len(data)), None, byref(box) if order is not None else None, byref(size)), [lambda: box.value, lambda: size.value]
            check("PyUnicode_DecodeUTF16Stateful", O, build, (data, order))
            check("PyUnicode_DecodeUTF16", O, lambda: (build()[0][:4], []), (data, order))
    for data in (b"abc", b"ab\xc3", b"ab\xe2\x82", b"ab\xff", b"\xf0\x9f\x98"):
        def build():
            size = c_ssize_t(77)
            return (data, c_ssize_t(len(data)), None, byref(size)), [lambda: size.value]
        check("PyUnicode_DecodeUTF8Stateful", O, build, data)
    for encoding in (b"utf-8", b"hex", b"nonsense"):
        plain("PyCodec_KnownEncoding", c_int, encoding)
        plain("PyCodec_Encode", O, O("abc"), encoding, None)
        plain("PyCodec_Decode", O, O(b"6162"), encoding, None)
    plain("PyByteArray_Concat", O, O(b"a"), O(b"b"))
    plain("PyByteArray_Concat", O, O(b"a"), O("b"))
    plain("PyBytes_Repr", O, O(b"a'b\\\n\0\xff\""), c_int(0))
    plain("PyBytes_Repr", O, O(b"a'b"), c_int(1))
    plain("PyFloat_GetInfo", O)
    plain("PyImport_ImportModuleAttrString", O, b"math", b"pi")
    plain("PyImport_ImportModuleAttrString", O, b"math", b"nothing")
    plain("PyImport_ImportModuleLevel", O, b"os.path", None, None, None, c_int(0))
    plain("PyMarshal_WriteObjectToString", O, O((1, "a")), c_int(4))
    plain("PyEval_GetFuncName", c_char_p, O(len))
    plain("PyEval_GetFuncDesc", c_char_p, O(5))
    plain("PyRun_String", O, b"1 + 1", c_int(258), O({}), O({}))
    plain("PyRun_String", O, b"1 +", c_int(258), O({}), O({}))


MEMBER_TYPES = {"SHORT": 0, "INT": 1, "LONG": 2, "FLOAT": 3, "DOUBLE": 4, "STRING": 5, "OBJECT": 6, "CHAR": 7, "BYTE": 8, "UBYTE": 9, "USHORT": 10, "UINT": 11, "ULONG": 12,
                "STRING_INPLACE": 13, "BOOL": 14, "OBJECT_EX": 16, "LONGLONG": 17, "ULONGLONG": 18, "PYSSIZET": 19, "NONE": 20, "bad": 99}


def members():
    class Def(ctypes.Structure):
        _fields_ = [("name", c_char_p), ("type", c_int), ("offset", c_ssize_t), ("flags", c_int), ("doc", c_char_p)]

    for name, code in MEMBER_TYPES.items():
        if "OBJECT" not in name and name != "STRING":
            for raw in (b"\0" * 8, b"A" + b"\0" * 7, b"\xff" * 7 + b"\x7f", b"\x80" + b"\xff" * 6 + b"\0"):
                def build():
                    memory = create_string_buffer(raw + b"\0" * 8, 16)
                    return (memory, byref(Def(b"field", code, 0, 0, None))), []
                check("PyMember_GetOne", O, build, (name, raw))
        for value in INTS[:30] + ["x", "xy", 1.5, None, True, False, b"b"]:
            for flags in (0, 1) if value == 5 else (0,):
                def build():
                    memory = create_string_buffer(16)
                    memory.raw = bytes(16)
                    return (memory, byref(Def(b"field", code, 0, flags, None)), O(value)), [lambda: memory.raw if "OBJECT" not in name else None]
                check("PyMember_SetOne", c_int, build, (name, value, flags))
        def build():
            memory = create_string_buffer(16)
            return (memory, byref(Def(b"field", code, 0, 0, None)), None), []
        if name != "OBJECT_EX":
            check("PyMember_SetOne", c_int, build, (name, "delete"))


for part in (derived, members, numbers, strings, formats, values, arguments, keywords, containers, calls, errors, capsules):
    before, failed = count, failures
    part()
    print(f"{part.__name__}: {count - before} calls, {failures - failed} differ", flush=True)
sys.exit(failures != 0)
