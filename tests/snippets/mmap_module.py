import gc
import mmap
import os
import tempfile


def raises(kind, message, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as e:
        assert type(e) is kind and (message is None or str(e) == message), (type(e), str(e))
    else:
        raise AssertionError(f"no {kind.__name__}")


with tempfile.TemporaryFile() as f:
    f.write(b"abc\ndef\n" * 1000)
    f.flush()
    m = mmap.mmap(f.fileno(), 0)
    assert repr(m) == "<mmap.mmap closed=False, access=ACCESS_DEFAULT, length=8000, pos=0, offset=0>"
    assert len(m) == 8000 and m.size() == 8000 and not m.closed and m.seekable()
    assert m[0] == 97 and m[-1] == 10 and m[1:9:2] == b"b\ne\n" and m[8:4:-1] == b"a\nfe"
    raises(IndexError, "mmap index out of range", lambda: m[8000])
    raises(TypeError, "mmap indices must be integers", lambda: m["a"])
    assert list(m)[:3] == [b"a", b"b", b"c"] and b"f" in m and 97 not in m

    # Reading, writing, seeking.
    assert m.readline() == b"abc\n" and m.read(2) == b"de" and m.read_byte() == ord("f") and m.tell() == 7
    assert m.seek(0, os.SEEK_END) == 8000 and m.read() == b"" and m.readline() == b""
    raises(ValueError, "read byte out of range", m.read_byte)
    raises(ValueError, "write byte out of range", m.write_byte, 3)
    raises(ValueError, "data out of range", m.write, b"x")
    raises(ValueError, "seek out of range", m.seek, -1)
    raises(ValueError, "unknown seek type", m.seek, 0, 9)
    assert m.seek(0) == 0 and m.write(b"ABC") == 3 and m.tell() == 3
    m.write_byte(0)
    raises(OverflowError, None, m.write_byte, 256)
    raises(TypeError, "a bytes-like object is required, not 'str'", m.write, "abc")
    m[0] = 120
    m[1:3] = b"yz"
    m[4:10:2] = b"123"
    assert m[:10] == b"xyz\x001e2\n3b"
    raises(ValueError, "mmap item value must be in range(0, 256)", m.__setitem__, 0, 300)
    raises(TypeError, "mmap item value must be an int", m.__setitem__, 0, b"a")
    raises(IndexError, "mmap slice assignment is wrong size", m.__setitem__, slice(0, 3), b"ab")
    raises(TypeError, "mmap doesn't support item deletion", m.__delitem__, 0)
    m.move(0, 1, 3)
    assert m[:4] == b"yz\x00\x00"
    raises(ValueError, "source, destination, or count out of range", m.move, 0, 4, 100000)

    # Searching starts at the position.
    m.seek(100)
    assert m.find(b"abc") == 104 and m.find(b"abc", 0, 20) == 16 and m.rfind(b"abc") == 7992 and m.find(b"nowhere") == -1
    assert m.find(b"", 3) == 3 and m.find(b"abc", -8) == 7992 and m.find(b"a", 50, 20) == -1

    # What is written is in the file; the file grows with the mapping.
    assert m.flush() is None
    f.seek(0)
    assert f.read(4) == b"yz\x00\x00"
    raises(ValueError, "flush values out of range", m.flush, 0, 100000)
    raises(ValueError, "madvise start out of bounds", m.madvise, mmap.MADV_NORMAL, 8000)
    m.madvise(mmap.MADV_RANDOM)
    m.resize(20000)
    assert len(m) == 20000 == m.size() == os.fstat(f.fileno()).st_size

    # Buffers keep it open.
    view = memoryview(m)
    assert view.nbytes == 20000 and not view.readonly and view.obj is m
    view[0] = 65
    assert m[0] == 65
    raises(BufferError, "cannot close exported pointers exist", m.close)
    raises(BufferError, "mmap can't resize with extant buffers exported.", m.resize, 100)
    view.release()
    m.close()
    m.close()
    assert m.closed and repr(m) == "<mmap.mmap closed=True>"
    for function in (m.read, m.size, lambda: m[0], lambda: len(m), lambda: memoryview(m), m.__enter__):
        raises(ValueError, "mmap closed or invalid", function)

    # What only garbage holds does not keep it open.
    m = mmap.mmap(f.fileno(), 0)

    def look():
        return memoryview(m)[5]

    look()
    gc.collect()
    m.close()

    # Read-only, copy on write.
    with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
        assert memoryview(m).readonly
        raises(TypeError, "mmap can't modify a readonly memory map.", m.__setitem__, 0, 1)
        raises(TypeError, "mmap can't modify a readonly memory map.", m.write, b"a")
        raises(TypeError, "mmap can't resize a readonly or copy-on-write memory map.", m.resize, 10)
        gc.collect()
    assert m.closed
    with mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_COPY) as m:
        m[0] = 33
        f.seek(0)
        assert m[0] == 33 and os.pread(f.fileno(), 1, 0) == b"A"
    with mmap.mmap(f.fileno(), 100, offset=4096, trackfd=False) as m:
        assert len(m) == 100 and m[0] in b"abcdef\n"
        raises(ValueError, "mmap can't resize with trackfd=False.", m.resize, 10)

    # Arguments.
    raises(ValueError, "mmap length is greater than file size", mmap.mmap, f.fileno(), 1 << 40)
    raises(ValueError, "mmap offset is greater than file size", mmap.mmap, f.fileno(), 0, offset=4096 * 100)
    raises(OverflowError, "memory mapped length must be positive", mmap.mmap, -1, -1)
    raises(OverflowError, "memory mapped offset must be positive", mmap.mmap, f.fileno(), 10, offset=-1)
    raises(ValueError, "mmap invalid access parameter.", mmap.mmap, f.fileno(), 10, access=7)
    raises(ValueError, "mmap can't specify both access and flags, prot.", mmap.mmap, f.fileno(), 10, access=1, flags=2)
    raises(OSError, "[Errno 22] Invalid argument", mmap.mmap, f.fileno(), 10, offset=3)

with tempfile.TemporaryFile() as f:
    raises(ValueError, "cannot mmap an empty file", mmap.mmap, f.fileno(), 0)


class Own(mmap.mmap):
    pass


m = Own(-1, 10)
assert repr(m) == "<Own closed=False, access=ACCESS_DEFAULT, length=10, pos=0, offset=0>" and bytes(m) == bytes(10)
m.extra = 5
raises(ValueError, "mmap: can't expand a shared anonymous mapping", m.resize, 5000)
m.resize(5)
assert len(m) == 5 and mmap.error is OSError and mmap.PAGESIZE == mmap.ALLOCATIONGRANULARITY
