"""Uses a package that is a wheel from PyPI, a little: uses.py PACKAGE."""

import asyncio
import io
import math
import pickle
import struct
import sys


def aiohttp():
    import aiohttp._http_parser
    import aiohttp._websocket.mask

    data = bytearray(b"abcd")
    aiohttp._websocket.mask._websocket_mask_cython(b"\1\2\3\4", data)
    assert data == bytes(a ^ b for a, b in zip(b"abcd", b"\1\2\3\4"))


def asyncpg():
    import asyncpg.protocol

    assert asyncpg.protocol.Record


def bcrypt():
    import bcrypt

    assert bcrypt.checkpw(b"secret", bcrypt.hashpw(b"secret", bcrypt.gensalt(4)))


def brotli():
    import brotli

    assert brotli.decompress(brotli.compress(b"a" * 100)) == b"a" * 100


def cffi():
    import cffi

    f = cffi.FFI()
    f.cdef("size_t strlen(const char *);")
    assert f.dlopen(None).strlen(b"abc") == 3
    assert list(f.new("int[3]", [1, 2, 3])) == [1, 2, 3]
    assert f.callback("int(int)", lambda x: x + 1)(3) == 4


def charset_normalizer():
    import charset_normalizer

    assert charset_normalizer.from_bytes("h\xe9llo w\xf6rld".encode()).best()


def contourpy():
    import contourpy

    lines = contourpy.contour_generator(z=[[0, 1], [1, 2]]).lines(1.0)
    assert len(lines) == 1 and lines[0].shape == (2, 2)


def coverage():
    import coverage
    from coverage.tracer import CTracer

    c = coverage.Coverage(data_file=None, config_file=False)
    c.start()
    exec(compile("a = 1\nb = 2\n", __file__, "exec"))
    c.stop()
    assert CTracer and c.get_data() is not None


def cryptography():
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives import hashes

    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"a")
    assert digest.finalize().hex().startswith("ca978112")
    key = Fernet.generate_key()
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"text")) == b"text"


def frozenlist():
    import frozenlist._frozenlist

    f = frozenlist.FrozenList([1])
    f.append(2)
    f.freeze()
    assert list(f) == [1, 2] and type(f).__module__ == "frozenlist._frozenlist"


def hiredis():
    import hiredis

    reader = hiredis.Reader()
    reader.feed(b"*2\r\n+OK\r\n:3\r\n")
    assert reader.gets() == [b"OK", 3]


def httptools():
    import httptools

    class Protocol:
        def on_url(self, url):
            self.url = url

    p = Protocol()
    httptools.HttpRequestParser(p).feed_data(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert p.url == b"/x"


def kiwisolver():
    import kiwisolver

    x, solver = kiwisolver.Variable("x"), kiwisolver.Solver()
    solver.addConstraint(x * 2 + 1 >= 7)
    solver.updateVariables()
    assert x.value() == 3


def lxml():
    from lxml import etree, html

    root = etree.fromstring('<a><b x="1">text</b><b/></a>')
    assert root.xpath("//b/@x") == ["1"] and len(root) == 2 and root[0].text == "text"
    assert isinstance(root.xpath("string(//b)"), str)
    assert etree.tostring(root) == b'<a><b x="1">text</b><b/></a>'
    assert html.fromstring("<p>a<br>b").text_content() == "ab"


def lz4():
    import lz4.frame

    assert lz4.frame.decompress(lz4.frame.compress(b"a" * 1000)) == b"a" * 1000


def markupsafe():
    import markupsafe._speedups

    assert markupsafe.escape("<a>") == "&lt;a&gt;"


def matplotlib():
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2, 3], label="line")
    axes.imshow([[1, 2], [3, 4]])
    axes.legend()
    picture = io.BytesIO()
    figure.savefig(picture)
    assert picture.getvalue().startswith(b"\x89PNG")


def multidict():
    import multidict

    for cls in (multidict.MultiDict, multidict.CIMultiDict):
        d = cls([("a", "1"), ("a", "2"), ("b", "3")])
        assert d["a"] == "1" and d.getall("a") == ["1", "2"] and "b" in d and d.get("c") is None
        assert multidict.MultiDictProxy(d)["b"] == "3" if cls is multidict.MultiDict else True
    assert multidict.CIMultiDict(A="1")["a"] == "1"


def numpy():
    import numpy as np

    a = np.arange(12).reshape(3, 4)
    assert (a @ a.T).sum() == 1134 and a[a > 9].tolist() == [10, 11] and a.mean(axis=0).tolist() == [4, 5, 6, 7]
    assert np.allclose(np.linalg.inv(np.eye(3) * 2), np.eye(3) / 2) and np.fft.fft([1, 2, 3]).shape == (3,)
    assert np.random.default_rng(1).normal(size=5).shape == (5,)
    assert np.ndarray.sum.__doc__ and np.add.__doc__ and np.dtype.itemsize.__doc__
    # Scalars are numbers of Python's.
    x = np.float64(3)
    assert [x + 1, 1 + x, x * 2, -x, x**2, x / 2, divmod(x, 2)] == [4.0, 4.0, 6.0, -3.0, 9.0, 1.5, (1.0, 1.0)]
    assert x == 3 and x > 2 and hash(x) == hash(3.0) and {1.5: "a"}[np.float64(1.5)] == "a" and float(x) == x.item() == 3.0
    assert (repr(x), f"{x:.2f}", "%.1f" % x, str(np.float64(1.25)), round(np.float64(2.567), 2)) == (
        "np.float64(3.0)", "3.00", "3.0", "1.25", 2.57,
    )
    assert np.float32(3) + 1 == 4 and np.int64(7) // 2 == 3 and [10, 20][np.int64(1)] == 20 and np.complex128(1 + 2j) * 2 == 2 + 4j
    assert np.str_("ab") + "c" == "abc" and len(np.str_("abc")) == 3 and {"q": 1}[np.str_("q")] == 1
    assert math.sqrt(np.float64(4)) == 2 and struct.pack("d", x) == struct.pack("d", 3.0) and isinstance(x, float)
    assert pickle.loads(pickle.dumps(x)) == x and pickle.loads(pickle.dumps(a)).tolist() == a.tolist()
    # Buffers of Python's.
    assert np.asarray(memoryview(b"abc")).tolist() == [97, 98, 99] and np.asarray(bytearray(b"ab")).tolist() == [97, 98]
    assert memoryview(a)[1, 2] == 6 and bytes(np.uint8([1, 2])) == b"\1\2"


def orjson():
    import orjson

    value = {"a": [1, 2.5, None, "x", True]}
    assert orjson.loads(orjson.dumps(value)) == value


def pillow():
    from PIL import Image

    image = Image.new("RGB", (8, 8), (1, 2, 3))
    assert image.resize((4, 4)).rotate(90).getpixel((0, 0)) == (1, 2, 3)
    png = io.BytesIO()
    image.save(png, "png")
    assert Image.open(png).size == (8, 8)


def propcache():
    import propcache._helpers_c
    from propcache.api import cached_property

    class A:
        @cached_property
        def x(self):
            return [3]

    a = A()
    assert a.x is a.x


def protobuf():
    from google.protobuf import struct_pb2
    from google.protobuf.internal import api_implementation

    s = struct_pb2.Struct()
    s["a"] = 1
    assert api_implementation.Type() == "upb"
    assert struct_pb2.Struct.FromString(s.SerializeToString())["a"] == 1


def psutil():
    import psutil

    assert psutil.Process().pid and psutil.virtual_memory().total > 0 and psutil.cpu_times()


def pycryptodome():
    from Crypto.Cipher import AES

    assert len(AES.new(b"k" * 16, AES.MODE_ECB).encrypt(b"a" * 16)) == 16


def pydantic_core():
    from pydantic_core import SchemaValidator, ValidationError, core_schema

    v = SchemaValidator(core_schema.int_schema())
    assert v.validate_python("3") == 3
    try:
        v.validate_python("x")
    except ValidationError as e:
        assert e.error_count() == 1
    else:
        raise AssertionError


def pynacl():
    import nacl.secret
    import nacl.utils

    box = nacl.secret.SecretBox(nacl.utils.random(32))
    assert box.decrypt(box.encrypt(b"x")) == b"x"


def pyyaml():
    import yaml

    assert yaml.load("a: [1, 2]\nb: {c: d}", Loader=yaml.CSafeLoader) == {"a": [1, 2], "b": {"c": "d"}}
    assert yaml.dump({"a": [1]}, Dumper=yaml.CDumper) == "a:\n- 1\n"


def pyzmq():
    import zmq

    context = zmq.Context()
    a, b = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    b.connect("tcp://127.0.0.1:%d" % a.bind_to_random_port("tcp://127.0.0.1"))
    b.send(b"x")
    assert a.recv() == b"x"
    a.close(0)
    b.close(0)
    context.term()


def rapidfuzz():
    from rapidfuzz import fuzz, process

    assert 60 < fuzz.ratio("abc", "abd") < 70 and process.extractOne("a", ["b", "a"])[0] == "a"


def regex():
    import regex

    assert regex.findall(r"\p{Lu}\w+", "Ab cd Ef") == ["Ab", "Ef"]
    assert regex.sub(r"(a)(?<n>b)", r"\g<n>\1", "abab") == "baba"


def rpds_py():
    import rpds

    assert rpds.HashTrieMap({"a": 1}).insert("b", 2)["b"] == 2 and list(rpds.List([1, 2])) == [1, 2]


def sentencepiece():
    import sentencepiece

    assert sentencepiece.SentencePieceProcessor() is not None


def setproctitle():
    import setproctitle

    setproctitle.setproctitle("title")
    assert setproctitle.getproctitle() == "title"


def shapely():
    from shapely.geometry import Point

    assert abs(Point(0, 0).buffer(1).area - 3.14) < 0.1


def tornado():
    import tornado.speedups

    assert tornado.speedups.websocket_mask(b"abcd", b"efgh") == bytes(a ^ b for a, b in zip(b"abcd", b"efgh"))


def uvloop():
    import uvloop

    assert uvloop.run(asyncio.sleep(0.01, 3)) == 3


def websockets():
    from websockets.speedups import apply_mask

    assert apply_mask(b"abcd", b"efgh") == bytes(a ^ b for a, b in zip(b"abcd", b"efgh"))


def wrapt():
    import wrapt

    @wrapt.decorator
    def more(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs) + 1

    @more
    def same(x):
        return x

    p = wrapt.ObjectProxy([1, 2])
    p.append(3)
    p._self_own = "own"
    assert same(3) == 4 and p == [1, 2, 3] and isinstance(p, list) and p._self_own == "own" and not hasattr([], "_self_own")


def yarl():
    import yarl
    import yarl._quoting_c

    u = yarl.URL("http://a.b/c?d=1")
    assert u.query["d"] == "1" and str(u / "x") == "http://a.b/c/x"


def zope_interface():
    import zope.interface._zope_interface_coptimizations
    from zope.interface import Interface, implementer
    from zope.interface.adapter import AdapterRegistry

    class One(Interface):
        pass

    class Other(Interface):
        pass

    @implementer(One)
    class A:
        pass

    assert One.providedBy(A()) and One.implementedBy(A)
    registry = AdapterRegistry()
    registry.register([One], Other, "", 42)
    assert registry.lookup1(One, Other, "") == 42


def zstandard():
    import zstandard

    packed = zstandard.ZstdCompressor().compress(b"a" * 1000)
    assert zstandard.ZstdDecompressor().decompress(packed) == b"a" * 1000


globals()[sys.argv[1].replace("-", "_").replace(".", "_")]()
