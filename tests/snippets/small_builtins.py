"""Corners of builtin types."""

import marshal
import re
import warnings

# A part of a complex number that is passed by name is to be real.
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert complex(1j) == 1j and complex(real=2.5) == 2.5 and not caught
    assert complex(real=1j) == 1j and len(caught) == 1
try:
    complex(real="1")
except TypeError:
    pass
else:
    raise AssertionError

# What makes the items of a bytearray sees those that are there.
b = bytearray()


def items():
    for i in range(3):
        assert list(b) == list(range(i))
        yield i


b.__init__(items())
assert b == b"\0\1\2"

# A search keeps its subject from being resized.
b = bytearray(b"xyz")
found = re.finditer(b"y", b)
try:
    b.extend(b"x" * 400)
except BufferError:
    pass
else:
    raise AssertionError
assert len(list(found)) == 1
del found
b.extend(b"x" * 400)

# Code whose constants cannot be written.
code = compile("a = 1", "<string>", "exec")
for odd in (frozenset([int]), [object()]):
    try:
        marshal.dumps(code.replace(co_consts=(1, odd, None)))
    except ValueError:
        pass
    else:
        raise AssertionError
marshal.loads(marshal.dumps(code.replace(co_consts=(1, (1, "x", None), None))))

# A view that __release_buffer__ keeps is not released.
memory = bytearray(b"hello")


class Lender:
    def __buffer__(self, flags):
        return memoryview(memory)

    def __release_buffer__(self, buffer):
        self.buffer = buffer


lender = Lender()
with memoryview(lender) as view:
    assert view.tobytes() == b"hello"
assert lender.buffer.tobytes() == b"hello"
lender.buffer.release()
memory.clear()
