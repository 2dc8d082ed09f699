"""lzma: formats, filters, limits, what is left over, and the messages of what does not fit."""

import io
import lzma
import os
import pickle
import shutil
import tarfile
import tempfile
import threading
import types
import zipfile
from collections import OrderedDict, defaultdict
from compression import lzma as same

import _lzma
from _lzma import (
    LZMACompressor, LZMADecompressor, LZMAError, _decode_filter_properties, _encode_filter_properties,
)


def raises(cls, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except Exception as e:
        assert type(e) is cls, (type(e), e)
        assert str(e) == message, str(e)
        assert e.__context__ is None and e.__cause__ is None
    else:
        raise AssertionError(f"{cls.__name__} expected: {message}")


TEXT = b"".join(b"line %d of a text that repeats itself\n" % (i % 700) for i in range(4000))

# The constants.
assert same.LZMACompressor is lzma.LZMACompressor is LZMACompressor
constants = {n: getattr(_lzma, n) for n in dir(_lzma) if n.isupper()}
assert constants == dict(
    CHECK_CRC32=1, CHECK_CRC64=4, CHECK_ID_MAX=15, CHECK_NONE=0, CHECK_SHA256=10, CHECK_UNKNOWN=16,
    FILTER_ARM=7, FILTER_ARMTHUMB=8, FILTER_DELTA=3, FILTER_IA64=6, FILTER_LZMA1=0x4000000000000001,
    FILTER_LZMA2=33, FILTER_POWERPC=5, FILTER_SPARC=9, FILTER_X86=4, FORMAT_ALONE=2, FORMAT_AUTO=0,
    FORMAT_RAW=3, FORMAT_XZ=1, MF_BT2=18, MF_BT3=19, MF_BT4=20, MF_HC3=3, MF_HC4=4, MODE_FAST=1,
    MODE_NORMAL=2, PRESET_DEFAULT=6, PRESET_EXTREME=1 << 31,
), constants
assert LZMAError.__mro__ == (LZMAError, Exception, BaseException, object)
assert LZMAError.__doc__ == "Call to liblzma failed." and LZMAError.__module__ == "_lzma"

# The stream is the library's, byte for byte.
c = LZMACompressor()
assert c.compress(b"") == b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F"
assert c.compress(b"") == b""
assert c.flush() == b"\x00\x00\x00\x00\x1c\xdfD!\x1f\xb6\xf3}\x01\x00\x00\x00\x00\x04YZ"
raises(ValueError, "Repeated call to flush()", c.flush)
raises(ValueError, "Compressor has been flushed", c.compress, b"")
assert lzma.compress(b"hello", lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}]) == b"\x01\x00\x04hello\x00"

# There and back, in all formats.
DELTA = {"id": lzma.FILTER_DELTA, "dist": 5}
X86 = {"id": lzma.FILTER_X86, "start_offset": 16}
LZMA2 = {"id": lzma.FILTER_LZMA2, "preset": 1, "lc": 1, "lp": 2, "pb": 0, "dict_size": 1 << 16,
         "mode": lzma.MODE_FAST, "nice_len": 40, "mf": lzma.MF_HC4, "depth": 9}
LZMA1 = dict(LZMA2, id=lzma.FILTER_LZMA1)
for format, options in [
    (lzma.FORMAT_XZ, {}),
    (lzma.FORMAT_XZ, dict(preset=0)),
    (lzma.FORMAT_XZ, dict(preset=2 | lzma.PRESET_EXTREME, check=lzma.CHECK_SHA256)),
    (lzma.FORMAT_XZ, dict(filters=[DELTA, X86, LZMA2], check=lzma.CHECK_NONE)),
    (lzma.FORMAT_XZ, dict(filters=(OrderedDict(LZMA2),), check=lzma.CHECK_CRC32)),
    (lzma.FORMAT_ALONE, {}),
    (lzma.FORMAT_ALONE, dict(filters=[LZMA1])),
    (lzma.FORMAT_RAW, dict(filters=[LZMA1])),
    (lzma.FORMAT_RAW, dict(filters=[DELTA, LZMA2])),
]:
    packed = lzma.compress(TEXT, format, **options)
    assert len(packed) < len(TEXT) // 4, (format, options)
    raw = {"filters": options["filters"]} if format == lzma.FORMAT_RAW else {}
    assert lzma.decompress(packed, format, **raw) == TEXT
    if not raw:
        assert lzma.decompress(packed) == TEXT
        assert lzma.decompress(packed + packed) == TEXT * 2

    # In small pieces, both of input and of output.
    d = LZMADecompressor(format, **raw)
    out, at = [], 0
    while not d.eof:
        piece = b""
        if d.needs_input:
            piece, at = (packed + b"rest")[at:at + 101], at + 101
        out.append(d.decompress(memoryview(piece), max_length=1000))
        assert len(out[-1]) <= 1000
    assert b"".join(out) == TEXT
    assert not d.needs_input
    assert b"rest".startswith(d.unused_data)
    expected = options.get("check", lzma.CHECK_CRC64 if format == lzma.FORMAT_XZ else lzma.CHECK_NONE)
    assert d.check == expected, (d.check, expected)
    raises(EOFError, "Already at end of stream", d.decompress, b"")

# What a decompressor says of itself.
packed = lzma.compress(b"hello" * 1000)
d = LZMADecompressor()
state = lambda: (d.check, d.eof, d.needs_input, d.unused_data)
assert state() == (lzma.CHECK_UNKNOWN, False, True, b"")
assert d.decompress(packed[:20]) == b"" and state() == (4, False, True, b"")
assert d.decompress(packed[20:], 3) == b"hel" and state() == (4, False, False, b"")
assert d.decompress(b"", 0) == b"" and state() == (4, False, False, b"")
assert len(d.decompress(b"more")) == 4997 and state() == (4, True, False, b"more")
for name in "check", "eof", "needs_input", "unused_data":
    raises(AttributeError, "readonly attribute", setattr, d, name, 1)
    assert type(getattr(LZMADecompressor, name)) is types.MemberDescriptorType

# Streams that are broken, or too large.
d = LZMADecompressor()
raises(LZMAError, "Input format not supported by decoder", d.decompress, b"no such thing" * 9)
assert state() == (0, False, True, b"")
raises(LZMAError, "Internal error", d.decompress, packed)
d = LZMADecompressor(memlimit=1000)
raises(LZMAError, "Memory usage limit exceeded", d.decompress, packed)
assert state() == (4, False, True, b"")
raises(LZMAError, "Corrupt input data", lzma.decompress, packed[:40] + b"\xff" + packed[41:])
raises(LZMAError, "Compressed data ended before the end-of-stream marker was reached", lzma.decompress, packed[:-1])
assert LZMADecompressor(memlimit=1 << 40).decompress(packed) == b"hello" * 1000

# Arguments.
C, D = LZMACompressor, LZMADecompressor
AT_MOST = "LZMA{}ompressor() takes at most {} arguments ({} given)"
raises(TypeError, AT_MOST.format("C", 4, 5), C, 1, 2, 3, 4, 5)
raises(TypeError, AT_MOST.format("Dec", 3, 4), D, 1, 2, 3, 4)
raises(TypeError, "LZMACompressor() got an unexpected keyword argument 'bad'", C, bad=1)
raises(TypeError, "LZMADecompressor() got an unexpected keyword argument 'bad'", D, bad=1)
NO_INT = "'{}' object cannot be interpreted as an integer"
raises(TypeError, NO_INT.format("str"), C, "x")
raises(TypeError, NO_INT.format("NoneType"), C, 1, None)
raises(TypeError, NO_INT.format("float"), C, preset=1.5)
raises(TypeError, NO_INT.format("float"), D, memlimit=1.0)
raises(OverflowError, "signed integer is greater than maximum", C, 2**40)
raises(OverflowError, "signed integer is less than minimum", C, check=-2**40)
raises(OverflowError, "Python int too large to convert to C int", D, 2**40)
raises(ValueError, "Cannot convert negative int", C, preset=-1)
raises(ValueError, "Cannot convert negative int", D, memlimit=-2**70)
raises(OverflowError, "Python int too large for C uint32_t", C, preset=2**40)
raises(OverflowError, "Python int too large for C uint64_t", D, memlimit=2**70)
raises(LZMAError, "Invalid or unsupported options", C, preset=10)
raises(LZMAError, "Invalid compression preset: 10", C, lzma.FORMAT_ALONE, preset=10)
raises(ValueError, "Must specify filters for FORMAT_RAW", C, lzma.FORMAT_RAW)
raises(ValueError, "Must specify filters for FORMAT_RAW", D, lzma.FORMAT_RAW)
raises(ValueError, "Cannot specify filters except with FORMAT_RAW", D, filters=[])
raises(ValueError, "Cannot specify memory limit with FORMAT_RAW", D, lzma.FORMAT_RAW, 1, [])
raises(ValueError, "Cannot specify both preset and filter chain", C, preset=1, filters=[])
raises(ValueError, "Integrity checks are only supported by FORMAT_XZ", C, lzma.FORMAT_ALONE, 4)
raises(ValueError, "Invalid container format: 9", C, 9)
raises(ValueError, "Invalid container format: 0", C, lzma.FORMAT_AUTO)
raises(ValueError, "Invalid container format: 9", D, 9)
raises(LZMAError, "Unsupported integrity check", C, check=7)
raises(LZMAError, "Internal error", C, check=17)
raises(TypeError, "a bytes-like object is required, not 'str'", C().compress, "x")
for cls in C, D:
    raises(TypeError, f"cannot pickle '_lzma.{cls.__name__}' object", pickle.dumps, cls())
    raises(TypeError, f"type '_lzma.{cls.__name__}' is not an acceptable base type", type, "x", (cls,), {})


# Filter chains.
class Index:
    def __index__(self):
        return 33


class Sequence:
    def __len__(self):
        return 1

    def __getitem__(self, i):
        return {"id": Index()}


class Broken:
    def __getitem__(self, key):
        raise ZeroDivisionError(key)


def chain(*filters):
    return lambda: C(filters=filters)


C(filters=Sequence())
C(filters=[defaultdict(int, LZMA2)])
NO_FIT = "Invalid filter specifier for {} filter"
raises(TypeError, "object of type 'int' has no len()", C, filters=5)
raises(TypeError, "dict is not a sequence", C, filters={0: LZMA2})
raises(TypeError, "string indices must be integers, not 'str'", C, filters="ab")
raises(LZMAError, "Internal error", chain())
raises(LZMAError, "Internal error", D, lzma.FORMAT_RAW, filters=[])
raises(ValueError, "Too many filters - liblzma supports a maximum of 4", chain(*[LZMA2] * 5))
raises(TypeError, "Filter specifier must be a dict or dict-like object", chain(5))
raises(ValueError, 'Filter specifier must have an "id" entry', chain({}))
raises(ZeroDivisionError, "id", chain(Broken()))
raises(TypeError, NO_INT.format("str"), chain({"id": "x"}))
raises(ValueError, "Invalid filter ID: 99", chain({"id": 99}))
raises(ValueError, "Invalid filter ID: 10", chain({"id": 10}))
raises(ValueError, "Cannot convert negative int", chain({"id": -1}))
raises(OverflowError, "Python int too large for C lzma_vli", chain({"id": 2**70}))
raises(TypeError, NO_INT.format("NoneType"), chain({"id": 33, "preset": None}))
raises(LZMAError, "Invalid compression preset: 77", chain({"id": 33, "preset": 77}))
raises(LZMAError, "Invalid or unsupported options", chain(LZMA2, LZMA2))
raises(LZMAError, "Invalid or unsupported options", chain({"id": 33, "mf": 99}))
for wrong in {"foo": 1}, {"lc": -1}, {"lc": 2**40}, {"lc": None}, {1: 2}, {"mode": 2**33}:
    raises(ValueError, NO_FIT.format("LZMA"), chain({"id": 33} | wrong))
raises(ValueError, NO_FIT.format("LZMA"), chain(types.MappingProxyType({"id": 33})))
raises(ValueError, NO_FIT.format("delta"), chain(DELTA | {"lc": 1}))
raises(ValueError, NO_FIT.format("BCJ"), chain(X86 | {"dist": 1}))
raises(
    ValueError, "Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter",
    C, lzma.FORMAT_ALONE, filters=[LZMA2],
)

# Properties of filters, as they stand in files.
for spec, encoded, decoded in [
    ({"id": lzma.FILTER_LZMA1}, b"]\x00\x00\x80\x00",
     {"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 23}),
    ({"id": lzma.FILTER_LZMA2}, b"\x16", {"id": 33, "dict_size": 1 << 23}),
    (DELTA, b"\x04", DELTA),
    (X86, b"\x10\x00\x00\x00", X86),
    ({"id": lzma.FILTER_ARM}, b"", {"id": lzma.FILTER_ARM}),
]:
    assert _encode_filter_properties(spec) == encoded
    result = _decode_filter_properties(spec["id"], bytearray(encoded))
    assert result == decoded and list(result) == list(decoded)
raises(LZMAError, "Internal error", _encode_filter_properties, {"id": lzma.FILTER_LZMA1, "lc": 9})
raises(LZMAError, "Internal error", _encode_filter_properties, DELTA | {"dist": 999})
raises(LZMAError, "Invalid or unsupported options", _decode_filter_properties, 33, b"")
raises(LZMAError, "Invalid or unsupported options", _decode_filter_properties, 99, b"")
raises(ValueError, "Invalid filter ID: 10", _decode_filter_properties, 10, b"")
raises(TypeError, "a bytes-like object is required, not 'str'", _decode_filter_properties, 3, "x")
raises(TypeError, "_decode_filter_properties expected 2 arguments, got 1", _decode_filter_properties, 3)

supported = [n for n in range(-1, 20) if lzma.is_check_supported(n)]
assert supported == [0, 1, 4, 10]
raises(TypeError, NO_INT.format("str"), lzma.is_check_supported, "x")

# Files.
with lzma.open(io.BytesIO(lzma.compress(TEXT) + b"what follows is passed over"), "rt") as f:
    assert f.readline() == "line 0 of a text that repeats itself\n"
    f.seek(0)
    assert f.read().encode() == TEXT
target = io.BytesIO()
with lzma.LZMAFile(target, "w", preset=1) as f:
    f.write(TEXT)
assert lzma.decompress(target.getvalue()) == TEXT

# Archives.
with tempfile.TemporaryDirectory() as folder:
    source = os.path.join(folder, "source")
    os.mkdir(source)
    with open(os.path.join(source, "a.txt"), "wb") as f:
        f.write(TEXT)
    archive = shutil.make_archive(os.path.join(folder, "packed"), "xztar", folder, "source")
    assert archive.endswith("packed.tar.xz") and "xztar" in dict(shutil.get_archive_formats())
    shutil.unpack_archive(archive, os.path.join(folder, "out"), filter="data")
    with open(os.path.join(folder, "out", "source", "a.txt"), "rb") as f:
        assert f.read() == TEXT
    with tarfile.open(archive, "r|*") as tar:
        assert [m.name for m in tar] == ["source", "source/a.txt"]
    name = os.path.join(folder, "packed.zip")
    with zipfile.ZipFile(name, "w", zipfile.ZIP_LZMA) as z:
        z.writestr("a.txt", TEXT)
    with zipfile.ZipFile(name) as z:
        assert z.infolist()[0].compress_type == zipfile.ZIP_LZMA
        assert z.testzip() is None and z.read("a.txt") == TEXT

# Threads that share a stream take turns.
c, d = LZMACompressor(preset=0), LZMADecompressor()
lengths = []


def feed():
    for _ in range(10):
        c.compress(TEXT)


def drink():
    while not d.eof:
        try:
            lengths.append(len(d.decompress(b"", 20_000)))
        except EOFError:
            # Another thread has had the rest since.
            pass


def in_threads(f):
    threads = [threading.Thread(target=f) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


in_threads(feed)
assert c.flush()
lengths.append(len(d.decompress(lzma.compress(TEXT * 5), 1)))
in_threads(drink)
assert sum(lengths) == len(TEXT) * 5
