"""The magic number is that of all releases of Python 3.14; a file that another version of the interpreter has written is compiled anew."""

import importlib.util
import os
import py_compile
import sys
import tempfile

assert int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little") == 3627
assert importlib.util.MAGIC_NUMBER[2:] == b"\r\n"

with tempfile.TemporaryDirectory() as folder:
    source = os.path.join(folder, "module_of_versions.py")
    with open(source, "w") as file:
        file.write("x = 1\n")
    cached = py_compile.compile(source)
    with open(cached, "rb") as file:
        good = file.read()
    sys.path.insert(0, folder)
    if sys.implementation.name == "cape":
        # Which version it is stands behind a head of 16 bytes, the kind and the length.
        at = 16 + 5 + 4
        with open(cached, "wb") as file:
            file.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    sys.dont_write_bytecode = False
    import module_of_versions

    assert module_of_versions.x == 1
    with open(cached, "rb") as file:
        assert file.read() == good

    # Without a source there is nothing to compile.
    lonely = os.path.join(folder, "lonely_of_versions.pyc")
    with open(lonely, "wb") as file:
        file.write(b"\0" + good[1:])
    try:
        import lonely_of_versions
    except ImportError as e:
        assert "bad magic number" in str(e), e
    else:
        raise AssertionError("imported")
