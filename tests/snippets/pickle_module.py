"""`pickle.PickleBuffer`, and the names of `_pickle`."""

import _pickle
import io
import pickle


def raises(kind, text, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert text in str(e), (text, str(e))
    else:
        raise AssertionError(f"{kind.__name__} not raised")


assert pickle.PickleBuffer is _pickle.PickleBuffer and pickle.PickleBuffer.__module__ == "pickle"
raises(TypeError, "a bytes-like object is required, not 'int'", pickle.PickleBuffer, 1)
data = bytearray(b"some bytes")
buffer = pickle.PickleBuffer(data)
assert memoryview(buffer).obj is data and bytes(buffer) == data
raw = buffer.raw()
assert raw.format == "B" and raw.shape == (10,) and not raw.readonly and raw.obj is data
raises(BufferError, "", data.append, 1)
raw.release()
buffer.release()
buffer.release()
data.append(1)
raises(ValueError, "operation forbidden on released PickleBuffer object", memoryview, buffer)
raises(ValueError, "operation forbidden on released PickleBuffer object", buffer.raw)
view = memoryview(b"abcdefghijkl").cast("B", (3, 4))
assert pickle.PickleBuffer(view).raw().shape == (12,)
raises(BufferError, "cannot extract raw buffer from non-contiguous buffer", pickle.PickleBuffer(memoryview(b"abcd")[::2]).raw)

# In band and out of band.
for make in (pickle._dumps, pickle.dumps, _pickle.dumps):
    assert pickle.loads(make(pickle.PickleBuffer(b"in band"), protocol=5)) == b"in band"
    buffers = []
    text = make(pickle.PickleBuffer(bytearray(b"outside")), protocol=5, buffer_callback=buffers.append)
    assert b"outside" not in text
    assert bytes(pickle.loads(text, buffers=buffers)) == b"outside" and len(buffers) == 1
raises(pickle.PicklingError, "PickleBuffer can only be pickled with protocol >= 5", pickle.dumps, pickle.PickleBuffer(b"x"), 4)


# The functions are builtin: as attributes of a class they are not bound.
class Holder:
    dumps, loads, dump, load = _pickle.dumps, _pickle.loads, _pickle.dump, _pickle.load


h = Holder()
assert h.loads(h.dumps([1, "a"])) == [1, "a"]
f = io.BytesIO()
h.dump({1: 2}, f, 4)
f.seek(0)
assert h.load(f) == {1: 2}
assert _pickle.PicklingError is pickle.PicklingError and issubclass(_pickle.Pickler, object)
try:
    _pickle.nothing
except AttributeError as e:
    assert str(e) == "module '_pickle' has no attribute 'nothing'"

# Static methods of builtin types know their class.
assert str.maketrans.__self__ is None and str.maketrans.__qualname__ == "str.maketrans"
assert repr(bytes.maketrans).startswith("<built-in method maketrans of type object")
for method in (str.maketrans, bytes.maketrans, bytearray.maketrans, dict.fromkeys):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(method, protocol)) == method
raises(TypeError, "cannot pickle 'classmethod_descriptor' object", pickle.dumps, dict.__dict__["fromkeys"])
