# _hmac: keyed hashes, by objects and at once.
import _hmac
import hashlib
import re

KEYS = [b"", b"key", b"k" * 64, b"k" * 129, b"k" * 1000]


def raises(kind, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert type(e) is kind and str(e) == message, (type(e), str(e))
    else:
        raise AssertionError(f"{kind} not raised")


def by_definition(name, key, message):
    block = hashlib.new(name).block_size
    if len(key) > block:
        key = hashlib.new(name, key).digest()
    key = key.ljust(block, b"\0")
    inner = hashlib.new(name, bytes(b ^ 0x36 for b in key) + message).digest()
    return hashlib.new(name, bytes(b ^ 0x5C for b in key) + inner).digest()


NAMES = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512"]
message = bytes(range(256)) * 3
for name in NAMES + ["blake2s", "blake2b"]:
    function = getattr(_hmac, "compute_" + name + ("_32" if name[0] == "b" else ""))
    for key in KEYS:
        expected = by_definition(name, key, message)
        assert function(key, message) == expected == _hmac.compute_digest(key, message, name.upper())
        if name[0] == "b":
            continue
        h = _hmac.new(key, digestmod=name)
        for i in range(0, len(message), 100):
            h.update(msg=memoryview(message)[i : i + 100])
        copy = h.copy()
        copy.update(b"more")
        assert h.digest() == expected and h.hexdigest() == expected.hex()
        assert copy.digest() == by_definition(name, key, message + b"more")
        assert (h.name, h.digest_size) == ("hmac-" + name, len(expected))
        assert h.block_size == hashlib.new(name).block_size
        assert re.fullmatch(f"<{name} HMAC object @ 0x[0-9a-f]+>", repr(h))

assert _hmac.new(b"k", b"m", "sha2_256").name == "hmac-sha256"
for name in ("nope", "", "SHA-256", "shake_128", None, 1, b"md5"):
    raises(_hmac.UnknownHashError, f"unsupported hash type: {name!r}", _hmac.new, b"k", b"m", name)
    raises(_hmac.UnknownHashError, f"unsupported hash type: {name!r}", _hmac.compute_digest, "k", 1, name)
assert issubclass(_hmac.UnknownHashError, ValueError)
raises(TypeError, "new() missing 1 required argument 'digestmod'", _hmac.new, b"k", b"m")
raises(TypeError, "new() missing required argument 'key' (pos 1)", _hmac.new)
raises(TypeError, "Strings must be encoded before hashing", _hmac.new, "k", b"m", "md5")
raises(TypeError, "object supporting the buffer API required", _hmac.compute_md5, b"k", None)
raises(TypeError, "_hmac.compute_md5() takes no keyword arguments", _hmac.compute_md5, key=b"", msg=b"")
raises(TypeError, "compute_md5 expected 2 arguments, got 1", _hmac.compute_md5, b"k")
raises(TypeError, "cannot create '_hmac.HMAC' instances", _hmac.HMAC)
raises(AttributeError, "attribute 'name' of '_hmac.HMAC' objects is not writable", setattr, h, "name", "n")
