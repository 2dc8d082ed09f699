"""What modules say about arguments that are out of range, of another kind, or deleted."""

import binascii
import contextvars
import grp
import io
import os
import pwd
import signal
import socket
import string.templatelib
import sys
import time
import types
import typing
import unicodedata
import warnings


def raises(kind, text, f, *args):
    try:
        f(*args)
    except kind as e:
        assert text in str(e), (text, str(e))
    else:
        raise AssertionError(f"{kind.__name__} not raised")


def warned(category, text, f, *args):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            f(*args)
        except OSError:
            pass
    assert any(w.category is category and text in str(w.message) for w in caught), (text, caught)


# Descriptors that are True or False, paths, devices, ids.
for f in (os.stat, os.path.exists, os.fchdir, os.fsync, os.listdir, os.chdir):
    warned(RuntimeWarning, "bool is used as a file descriptor", f, False)
warned(RuntimeWarning, "bool is used as a file descriptor", lambda: os.stat(".", dir_fd=False))


class NoPath:
    __fspath__ = None


raises(TypeError, "expected str, bytes or os.PathLike object, not NoPath", os.fspath, NoPath())
raises(TypeError, "should be string, bytes, os.PathLike or integer, not NoPath", os.stat, NoPath())
raises(OverflowError, "int too big to convert", os.makedev, 2**64, 1)
raises(OverflowError, "can't convert negative int to unsigned", os.makedev, 1, -2)
raises(OverflowError, "too large to convert to C unsigned int", os.makedev, 2**32, 1)
assert os.makedev(-1, 1) == 18446726481524555521 and os.major(-1) == -1
raises(OverflowError, "int too big to convert", os.major, 2**64)
raises(OverflowError, "gid is greater than maximum", grp.getgrgid, 2**128)
raises(OverflowError, "gid is less than minimum", grp.getgrgid, -(2**128))
raises(KeyError, "getpwuid(): uid not found", pwd.getpwuid, 2**128)
raises(ValueError, "signal number -1 out of range", signal.pthread_sigmask, signal.SIG_BLOCK, [1 << 1000])

# Sockets.
for f in (socket.htons, socket.ntohs, socket.htonl, socket.ntohl):
    raises(ValueError, "Cannot convert negative int", f, -1)
    raises(OverflowError, "Python int too large for C uint", f, 2**40)
raises(OverflowError, "Python int too large for C uint16_t", socket.htons, 2**16)
raises(ValueError, "Cannot convert negative int", socket.if_indextoname, -1)
raises(OverflowError, "", socket.if_indextoname, 2**1000)
raises(OSError, "[Errno", socket.if_nametoindex, "_NOWHERE")
raises(OSError, "[Errno 9]", socket.close, -1)
with socket.socket() as s:
    for args in ((), (b"",), (b"", 0, ("a", 1), 4)):
        raises(TypeError, f"sendto() takes 2 or 3 arguments ({len(args)} given)", s.sendto, *args)
space = socket.CMSG_SPACE(1)
assert socket.CMSG_SPACE(2**31 - 1 - space) <= 2**31 - 1
raises(OverflowError, "CMSG_SPACE() argument out of range", socket.CMSG_SPACE, 2**31 - space)
raises(OverflowError, "CMSG_LEN() argument out of range", socket.CMSG_LEN, 2**31)

# Streams.
with io.FileIO(os.devnull) as f:
    raises(AttributeError, "not writable", setattr, f, "_blksize", 1)
    raises(AttributeError, "not writable", delattr, f, "_blksize")
    raises(TypeError, "attribute value type must be bool", setattr, f, "_finalizing", 1)
    raises(TypeError, "can't delete numeric/char attribute", delattr, f, "_finalizing")
text = io.TextIOWrapper(io.BytesIO())
raises(ValueError, "cannot fit 'int' into an index-sized integer", setattr, text, "_CHUNK_SIZE", 1 << 1000)
raises(AttributeError, "cannot be deleted", delattr, text, "_CHUNK_SIZE")
raises(OverflowError, "", lambda: text.reconfigure(line_buffering=1 << 100))
raises(TypeError, "reconfigure() argument 'newline' must be str or None", lambda: text.reconfigure(newline=1))
for name in ("encoding", "errors", "newline"):
    raises(UnicodeEncodeError, "surrogates not allowed", lambda: text.reconfigure(**{name: "\udcfe"}))
for name in ("encoding", "errors"):
    raises(UnicodeEncodeError, "surrogates not allowed", lambda: io.TextIOWrapper(io.BytesIO(), **{name: "\udcfe"}))
closed = io.BytesIO()
closed.close()
raises(ValueError, "closed file", closed.__setstate__, (b"", 0, None))
restored = io.StringIO.__new__(io.StringIO)
restored.__setstate__(("a\nb", "\n", 1, {"more": 2}))
assert restored.read() == "\nb" and restored.more == 2

# base64 and uuencode.
for data, strict, lax in (
    (b"ab==c=", "Excess data after padding", b"i\xb7"),
    (b"abc=d", "Excess data after padding", b"i\xb7\x1d"),
    (b"ab===", "Excess padding not allowed", b"i"),
    (b"abcd=", "Excess padding not allowed", b"i\xb7\x1d"),
    (b"=", "Leading padding not allowed", b""),
    (b"ab=c=", "Discontinuous padding not allowed", b"i\xb7"),
    (b"ab==\n", "Only base64 data is allowed", b"i"),
):
    raises(binascii.Error, strict, lambda: binascii.a2b_base64(data, strict_mode=True))
    assert binascii.a2b_base64(data) == lax
raises(binascii.Error, "number of data characters (1)", lambda: binascii.a2b_base64(b"a=b", strict_mode=True))
raises(binascii.Error, "Incorrect padding", binascii.a2b_base64, b"ab=")
raises(binascii.Error, "Missing length byte", binascii.a2b_uu, b"")

# Names of characters.
raises(KeyError, "undefined character name", unicodedata.lookup, "CJK UNIFIED IDEOGRAPH-03400")
assert unicodedata.lookup("CJK UNIFIED IDEOGRAPH-3400") == "\u3400" == unicodedata.ucd_3_2_0.lookup("CJK UNIFIED IDEOGRAPH-3400")
for name in ("LATIN SMALL LETTER R WITH TILDE", "LATIN CAPITAL LETTER GHA"):
    assert unicodedata.lookup(name)
    raises(KeyError, "undefined character name", unicodedata.ucd_3_2_0.lookup, name)

# Types.
T, D, P = typing.TypeVar("T"), typing.TypeVar("D", default=int), typing.ParamSpec("P")
for params, message in (
    ((1,), "Expected a type param, got 1"),
    ((T, 2), "Expected a type param, got 2"),
    ((D, T), "non-default type parameter '~T' follows default type parameter"),
    ((D, P), "non-default type parameter '~P' follows default type parameter"),
):
    raises(TypeError, message, lambda: typing.TypeAliasType("A", int, type_params=params))
assert typing.TypeAliasType("A", int, type_params=(T, D)).__type_params__ == (T, D)
type Alias[X] = list[X]
assert repr(Alias[int]) == "Alias[int]" and not hasattr(Alias, "__qualname__")
assert typing.TypeAliasType.__module__ == "typing" and Alias.__module__ == __name__
assert string.templatelib.Template[int].__args__ == (int,)
now = time.gmtime()
for name in ("tm_zone", "tm_year"):
    raises(AttributeError, "readonly attribute", setattr, now, name, 1)
    raises(AttributeError, "readonly attribute", delattr, now, name)


def function():
    pass


def generator():
    yield


raises(TypeError, "cannot delete __dict__", delattr, function, "__dict__")
warned(DeprecationWarning, "Assigning a code object of non-matching type", setattr, function, "__code__", generator.__code__)
generator.__annotate__ = lambda format: 3
raises(TypeError, "__annotate__ returned non-dict of type 'int'", getattr, generator, "__annotations__")


class Odd(BaseException):
    def __new__(*args):
        return ["odd"]


def from_odd():
    raise IndexError from Odd


raises(TypeError, "should have returned an instance of BaseException, not <class 'list'>", from_odd)


class Unhashable(str):
    def __eq__(self, other):
        return NotImplemented


raises(TypeError, "unhashable type: 'Unhashable'", contextvars.ContextVar, Unhashable())
for args in ((1, 2, 2**63 - 1), (-1, -2, -(2**63)), (2**63 - 3, 2**63 - 1, 2), (-(2**63), -(2**63) + 2)):
    it = iter(range(*args))
    f, state, *_ = it.__reduce__()
    assert type(f(*state)) is type(it) and list(f(*state)) == list(range(*args))


# Streams whose raw stream misbehaves, and reading and writing in turns.
class Pieces(io.RawIOBase):
    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, str):
            return piece
        buffer[: len(piece)] = piece
        return len(piece)


reader = io.BufferedReader(Pieces(b"fgh", b"jkl"), 10)
assert reader.peek(3) == b"fgh"
target = bytearray(20)
assert reader.readinto1(target) == 6 and target[:6] == b"fghjkl"
try:
    io.BufferedReader(Pieces("no number")).readline()
except OSError as e:
    assert str(e) == "raw readinto() failed" and type(e.__cause__) is TypeError
reader.close()
raises(ValueError, "closed file", reader.flush)
pair = io.TextIOWrapper(io.BufferedRWPair(io.BytesIO(b"foo\nbar\n"), io.BytesIO()))
line = pair.readline()
pair.write(line)
assert pair.readline() == "bar\n"


class Writes(io.RawIOBase):
    done = []

    def writable(self):
        return True

    def write(self, data):
        if not self.done:
            self.done.append(bytes(data))
            out.write("middle")
        else:
            self.done.append(bytes(data))
        return len(data)


out = io.TextIOWrapper(Writes())
out.write("abc")
out.write("g" * 8192)
out.flush()
assert Writes.done == [b"abc", b"middle", b"g" * 8192]

# Output that does not fit into the first buffer of a decompressor that is flushed.
import marshal
import zlib

whole = bytes(range(256)) * 300
decompressor = zlib.decompressobj()
decompressor.decompress(zlib.compress(whole, 1), 1)
assert decompressor.flush(1) == whole[1:]


class TooMuch(io.BytesIO):
    def readinto(self, buffer):
        n = super().readinto(buffer)
        return n + 10**6 if n > 4 else n


raises(ValueError, "read() returned too much data: 8 bytes requested", marshal.load, TooMuch(marshal.dumps(1.0)))
assert marshal.load(io.BytesIO(marshal.dumps([1.5, "text"]))) == [1.5, "text"]


# The variables of a frame.
def frame_variables():
    x = 1
    proxy = sys._getframe().f_locals
    assert list(reversed(proxy)) == list(proxy)[::-1]
    raises(TypeError, "unhashable type: 'list'", proxy.get, [])
    raises(TypeError, "unhashable type: 'list'", proxy.__setitem__, [], 1)
    raises(KeyError, "local variable '3' is not defined", proxy.__getitem__, 3)

    class Key(str):
        def __hash__(self):
            return hash("x")

        def __eq__(self, other):
            return other == "x"

    proxy[Key("other")] = 5
    assert x == 5 and proxy[Key("more")] == 5
    raises(TypeError, "can't delete numeric/char attribute", delattr, sys._getframe(), "f_trace_lines")


frame_variables()

# What nobody can catch is reported: callbacks at exit, and iterators that cannot be asked for `close`.
import atexit

reported = []
sys.unraisablehook = lambda u: reported.append((u.exc_type, u.err_msg, u.object))


def fails():
    raise KeyError


atexit.register(fails)
atexit._run_exitfuncs()


class NoAttributes:
    def __iter__(self):
        return self

    def __next__(self):
        return 1

    def __getattr__(self, name):
        raise ZeroDivisionError


def delegates():
    yield from NoAttributes()


g = delegates()
next(g)
g.close()
sys.unraisablehook = sys.__unraisablehook__
(kind, message, thing), (kind2, message2, thing2) = reported
assert (kind, thing) == (KeyError, None) and message.startswith("Exception ignored in atexit callback <function fails at ")
assert (kind2, thing2) == (ZeroDivisionError, None)
assert message2.startswith("Exception ignored while closing generator <__main__.NoAttributes object at ")

# Sizes, signatures, and classes whose attributes may be set.
import inspect

assert int.__itemsize__ == 4 and (2**40).__sizeof__() == int.__basicsize__ + 2 * int.__itemsize__
assert str(inspect.signature(type(None))) == "()"
time.struct_time.added = 1
del time.struct_time.added
raises(TypeError, "immutable type", setattr, type(sys.flags), "added", 1)

# A `__conditional_annotations__` of the program's own is looked at before anything is added to it.
for other, name in ((0, "int"), ([], "list"), (None, "NoneType")):
    try:
        exec("__conditional_annotations__ = other\nif 1:\n    x: int = 3", {"other": other})
        assert False
    except TypeError as e:
        assert str(e) == f"'{name}' object is not a set", e
