# Compressing and decompressing with _bz2, by pieces and with limits.
import bz2
import pickle
from _bz2 import BZ2Compressor, BZ2Decompressor


def raises(kind, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert type(e) is kind and str(e) == message, (type(e), str(e))
    else:
        raise AssertionError(f"{kind} not raised")


# The streams are bzip2's own.
c = BZ2Compressor()
assert c.compress(b"x") == b""
assert c.flush().hex() == "425a683931415926535" "9774bb01400000000800040200021184682ee48a70a120ee9760280"
raises(ValueError, "Repeated call to flush()", c.flush)
raises(ValueError, "Compressor has been flushed", c.compress, b"")
assert BZ2Compressor().flush() == b"BZh9\x17rE8P\x90\0\0\0\0"

raises(ValueError, "compresslevel must be between 1 and 9", BZ2Compressor, 0)
raises(OverflowError, "Python int too large to convert to C int", BZ2Compressor, 1 << 40)
raises(TypeError, "BZ2Compressor expected at most 1 argument, got 2", BZ2Compressor, 1, 2)
raises(TypeError, "BZ2Compressor() takes no keyword arguments", BZ2Compressor, compresslevel=1)
raises(TypeError, "BZ2Decompressor() takes no positional arguments", BZ2Decompressor, 1)
raises(TypeError, "a bytes-like object is required, not 'str'", BZ2Compressor().compress, "s")

data = bytes(i * i % 251 for i in range(200_000))
for level in (1, 5, 9):
    c = BZ2Compressor(level)
    z = b"".join(c.compress(data[i : i + 7777]) for i in range(0, len(data), 7777)) + c.flush()
    assert bz2.decompress(z) == data
    # By single bytes of the end, and with a limit.
    d = BZ2Decompressor()
    out = d.decompress(z[:-20])
    for b in z[-20:]:
        assert d.needs_input and not d.eof
        out += d.decompress(bytes([b]))
    assert out == data and d.eof and not d.needs_input
    d = BZ2Decompressor()
    pieces = [d.decompress(z + b"behind", 1000)]
    while not d.eof:
        assert len(pieces[-1]) == 1000 and not d.needs_input
        pieces.append(d.decompress(b"", 1000))
    assert b"".join(pieces) == data and d.unused_data == b"behind"
    raises(EOFError, "End of stream already reached", d.decompress, b"")

d = BZ2Decompressor()
assert d.decompress(z, 0) == b"" and not d.needs_input
assert d.decompress(b"tail", 5) == data[:5] and d.decompress(b"") == data[5:] and d.unused_data == b"tail"

# What has failed stays so.
for bad in (b"no stream", z[:-1] + b"!", z[:100] + bytes(20) + z[120:]):
    d = BZ2Decompressor()
    raises(OSError, "Invalid data stream", d.decompress, bad)
    assert not d.eof and not d.needs_input
    raises(ValueError, "Decompressor is unusable after a previous error", d.decompress, b"")

raises(AttributeError, "readonly attribute", setattr, d, "eof", True)
for o in (c, d):
    raises(TypeError, f"cannot pickle '_bz2.{type(o).__name__}' object", pickle.dumps, o)
