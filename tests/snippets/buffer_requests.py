# What is asked of buffers, and what views of them say and keep.
import array
import gc
import mmap
import struct
import weakref


def raises(kind, f, *args):
    try:
        f(*args)
    except kind as e:
        return str(e)
    raise AssertionError(f"{kind} not raised")


# Two numbers are flags of PyMemoryView_FromMemory, and no requests.
with mmap.mmap(-1, 16) as mapping:
    for exporter in (b"abc", bytearray(b"abc"), mapping):
        for flags in (0x100, 0x200):
            raises(SystemError, exporter.__buffer__, flags)
    view = mapping.__buffer__(0)
    assert view.nbytes == 16
    mapping.__release_buffer__(view)
    raises(ValueError, len, view)
array.array("i", [1]).__buffer__(0x100).release()

# A view that is released keeps nothing.
class Exporter(bytearray):
    pass


exporter = Exporter(b"abc")
alive = weakref.ref(exporter)
view = memoryview(exporter)
view.release()
del exporter
gc.collect()
assert alive() is None

# The shape of a cast.
view = memoryview(bytes(8))
raises(OverflowError, view.cast, "B", [2**64])
assert "SSIZE_MAX" in raises(ValueError, view.cast, "I", [2**31, 2**31])
raises(TypeError, view.cast, "I", [3])
assert view.cast("I", [2, 1]).shape == (2, 1)
