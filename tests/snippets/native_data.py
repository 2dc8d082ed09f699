# Modules for data: marshal, csv, binascii, zlib, hashes, contexts, atexit, gc.
import atexit
import binascii
import contextvars
import csv
import gc
import hashlib
import marshal
import zlib

value = (1, -2, 10**30, 1.5, 2j, "a", "\u1234\udc80", b"b", [1, None, True], {"k": (1,)}, frozenset([3]), ...)
assert marshal.loads(marshal.dumps(value)) == value
assert marshal.dumps(True) == b"T" and marshal.dumps(1, 2) == b"i\x01\x00\x00\x00"
l = []
l.append(l)
back = marshal.loads(marshal.dumps(l))
assert back[0] is back
try:
    marshal.loads(b"")
except EOFError as e:
    assert str(e) == "EOF read where object expected"

rows = list(csv.reader(['a,"b ""q"" c",d', '"x', 'y",z']))
assert rows == [["a", 'b "q" c', "d"], ["x\ny", "z"]] or rows == [["a", 'b "q" c', "d"], ["xy", "z"]]


class Sink(list):
    write = list.append


sink = Sink()
csv.writer(sink).writerow(["a,b", 'q"', None, 3])
assert sink == ['"a,b","q""",,3\r\n']

assert binascii.b2a_base64(b"abcd") == b"YWJjZA==\n" and binascii.a2b_base64("YWJj ZA==") == b"abcd"
assert binascii.hexlify(b"\x01\xff", "-") == b"01-ff" and binascii.unhexlify("01ff") == b"\x01\xff"
assert binascii.a2b_uu(binascii.b2a_uu(b"hello")) == b"hello"
assert binascii.b2a_qp(b"a=\xe9 ") == b"a=3D=E9=20" and binascii.a2b_qp(b"a=3D=\nb") == b"a=b"
assert binascii.crc32(b"a") == zlib.crc32(b"a") == 0xE8B7BE43 and binascii.crc_hqx(b"a", 0) == 31879

data = b"abc" * 5000
assert zlib.decompress(zlib.compress(data)) == data
d = zlib.decompressobj()
out = d.decompress(zlib.compress(data) + b"rest", 10)
assert len(out) == 10 and d.unconsumed_tail
while d.unconsumed_tail:
    out += d.decompress(d.unconsumed_tail, 5000)
assert out + d.flush() == data and d.unused_data == b"rest"
c = zlib.compressobj(wbits=-15, zdict=b"abc")
raw = c.compress(b"abcabc") + c.flush()
assert zlib.decompressobj(wbits=-15, zdict=b"abc").decompress(raw) == b"abcabc"
try:
    zlib.decompress(b"x")
except zlib.error as e:
    assert str(e) == "Error -5 while decompressing data: incomplete or truncated stream"

assert hashlib.md5(b"a").hexdigest() == "0cc175b9c0f1b6a831c399e269772661"
assert hashlib.sha256(b"a").hexdigest().startswith("ca978112ca1bbdca")
assert hashlib.sha3_224(b"").hexdigest().startswith("6b4e03423667dbb7")
assert hashlib.shake_128(b"").hexdigest(4) == "7f9c2ba4"
h = hashlib.blake2b(b"a", digest_size=16, key=b"k", salt=b"s", person=b"p")
copy = h.copy()
copy.update(b"more")
assert h.digest_size == 16 and h.hexdigest() != copy.hexdigest()

v = contextvars.ContextVar("v", default=0)
token = v.set(1)
context = contextvars.copy_context()
assert context.run(lambda: (v.set(2), v.get())[1]) == 2
assert v.get() == 1 and context[v] == 2
v.reset(token)
assert v.get() == 0

assert atexit._ncallbacks() >= 0
ran = []
atexit.register(ran.append, 1)
atexit.unregister(ran.append)
assert gc.is_tracked([]) and not gc.is_tracked(1) and l in gc.get_referents((l,))
