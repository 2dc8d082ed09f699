"""`_zstd`: streams of many frames, shared dictionaries, threads, and what is said of wrong arguments."""

import gc
import threading
from compression import zstd

DATA = b"".join(b"line %d of the text\n" % i for i in range(3000))


def says(kind, expected, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert str(e) == expected, f"{e!s} != {expected}"
    else:
        raise AssertionError(expected)


frames = zstd.compress(DATA) + zstd.compress(b"") + zstd.compress(DATA, 9)
assert zstd.decompress(frames) == DATA * 2
decompressor = zstd.ZstdDecompressor()
out = b""
for i in range(0, len(frames), 7):
    if decompressor.eof:
        break
    out += decompressor.decompress(frames[i : i + 7])
assert out == DATA

# The dictionary lives as long as those who use it.
compressor = zstd.ZstdCompressor(zstd_dict=zstd.ZstdDict(DATA[:1000], is_raw=True).as_digested_dict)
gc.collect()
packed = compressor.compress(DATA, compressor.FLUSH_FRAME)
assert zstd.decompress(packed, zstd.ZstdDict(DATA[:1000], is_raw=True)) == DATA

# One compressor, several threads: each piece is whole.
compressor = zstd.ZstdCompressor()
pieces = []


def work():
    for _ in range(20):
        pieces.append(compressor.compress(b"x" * 1000, compressor.FLUSH_FRAME))


threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
assert zstd.decompress(b"".join(pieces)) == b"x" * 80000

# Contexts that nobody has any more are freed before they are many.
for _ in range(3000):
    zstd.ZstdCompressor(level=3).compress(b"abc", 2)

says(ValueError, "illegal compression level 100; the valid range is [-131072, 22]", zstd.ZstdCompressor, 100)
says(TypeError, "invalid type for level, expected int", zstd.ZstdCompressor, "a")
says(TypeError, "Only one of level or options should be used.", zstd.ZstdCompressor, 1, {})
says(
    TypeError,
    "compression options dictionary key must not be a DecompressionParameter attribute",
    zstd.ZstdCompressor,
    options={zstd.DecompressionParameter.window_log_max: 20},
)
says(ValueError, "invalid Zstandard dictionary", zstd.ZstdDict, b"12345678")
