"""Prints what a package makes of a few documents: short enough for a collection every few allocations.

usage: corpus.py PACKAGE FOLDER_OF_THE_PACKAGE"""

import datetime
import decimal
import io
import sys
from collections import OrderedDict, namedtuple

Pair = namedtuple("Pair", "left right")
DOCUMENTS = [
    None, True, 0, -1, 2**31, -(2**63), 2**64 - 1, 1.5, -0.0, 1e300, "", "text", "caf\u00e9 \u20ac \U0001f600 \"\\\n\x00",
    [], {}, [[[]]], {"a": {"b": [1, {"c": None}]}}, list(range(300)), {str(i): i / 7 for i in range(40)}, ["x" * 300, "y" * 70000],
]


def case(label, function, *args, **kwargs):
    try:
        text = repr(function(*args, **kwargs))
    except Exception as e:
        text = f"{type(e).__name__} {e}"
    print(label, text[:300], len(text), sep="\t")


def json_like(m, bad):
    for i, d in enumerate(DOCUMENTS):
        case(f"dumps {i}", m.dumps, d)
        case(f"loads {i}", lambda: m.loads(m.dumps(d)) == d)
    for text in bad:
        case(f"bad {text[:20]!r}", m.loads, text)
    case("keys", m.dumps, {1: 2, None: 3, True: 4, 1.5: 6, "a": 7})
    case("sorted", m.dumps, {"b": 1, "a": 2, "c": [3]}, sort_keys=True, indent=2)
    case("default", m.dumps, {"a": {1, 2}}, default=lambda o: sorted(o))
    case("no default", m.dumps, {"a": object()}.keys())
    out = io.StringIO()
    case("dump", m.dump, {"a": [1, 2, 3]}, out)
    case("load", m.load, io.StringIO(out.getvalue()))


def simplejson(m):
    json_like(m, ["", "[1,", '{"a" 1}', '"\\x"', "nul", "[1]x", '{"a": 1,}', "NaN"])
    case("decimal", m.dumps, [decimal.Decimal("1.10"), 2**70])
    case("decimals", m.loads, "[1.10, 2e5, 3]", use_decimal=True)
    case("named tuple", m.dumps, Pair(1, Pair(2, (3,))))
    case("pairs", m.loads, '{"a": 1, "b": {"c": 2}}', object_pairs_hook=OrderedDict)
    case("hook", m.loads, '{"a": 1, "b": {"c": 2}}', object_hook=lambda d: sorted(d))
    case("nan", m.loads, "[NaN, Infinity, -Infinity]", allow_nan=True)
    case("iterable", m.dumps, iter([1, 2]), iterable_as_array=True)
    case("for_json", m.dumps, type("Own", (), {"for_json": lambda self: [1, "own"]})(), for_json=True)
    case("circular", m.dumps, (lambda l: l.append(l) or l)([]))
    case("text", lambda: list(m.JSONEncoder().iterencode({"a": [1, {"b": "c"}]})))


def ujson(m):
    json_like(m, ["", "[1,", '{"a" 1}', '"\\x"', "nul", "[1]x", '{"a": 1,}', "NaN"])
    case("decimal", m.dumps, decimal.Decimal("1.25"))
    case("slashes", m.dumps, "a/b<c>", escape_forward_slashes=False, encode_html_chars=True)
    case("__json__", m.dumps, type("Own", (), {"__json__": lambda self: '{"own": 1}'})())
    case("toDict", m.dumps, type("Own", (), {"toDict": lambda self: {"own": [1]}})())
    case("bytes", m.loads, b'{"a": [1, 2.5, "\xc3\xa9"]}')


def msgpack(m):
    for i, d in enumerate(DOCUMENTS + [b"bytes", b"x" * 300, m.ExtType(5, b"ext"), m.Timestamp(1, 5), (1, 2)]):
        case(f"packb {i}", m.packb, d)
        case(f"unpackb {i}", lambda: m.unpackb(m.packb(d)))
    when = datetime.datetime(2024, 10, 27, 1, 30, 59, 123456, datetime.timezone.utc)
    case("datetime", m.packb, when, datetime=True)
    case("back", lambda: m.unpackb(m.packb([when, when], datetime=True), timestamp=3))
    case("naive", m.packb, when.replace(tzinfo=None), datetime=True)
    case("default", m.packb, {"a": {3, 4}}, default=sorted)
    case("no default", m.packb, object)
    case("hook", m.unpackb, m.packb({"a": {"b": 1}}), object_hook=lambda d: list(d.items()))
    case("list hook", m.unpackb, m.packb([1, [2, [3]]]), list_hook=tuple)
    case("tuples", m.unpackb, m.packb([1, [2, [3]]]), use_list=False)
    case("truncated", m.unpackb, m.packb([1, 2, 3])[:-1])
    case("extra", m.unpackb, m.packb(1) + b"\x01")
    unpacker = m.Unpacker(io.BytesIO(b"".join(m.packb(d) for d in DOCUMENTS)))
    case("stream", lambda: [d for d in unpacker] == DOCUMENTS)
    packer = m.Packer()
    case("packer", lambda: [packer.pack(d)[:20] for d in DOCUMENTS])


def bitarray(m):
    a, b = m.bitarray("0010111" * 9), m.bitarray("1101001" * 9)
    for label, function in {
        "and": lambda: a & b, "or": lambda: a | b, "xor": lambda: a ^ b, "not": lambda: ~a, "add": lambda: a + b, "mul": lambda: a * 3,
        "shift": lambda: (a << 3, b >> 5), "slice": lambda: (a[3:40:3], a[-1], a[::-1]), "count": lambda: (a.count(), a.count(0, 5, 30)),
        "find": lambda: (a.find(m.bitarray("111")), list(a.search(m.bitarray("0111")))), "bytes": lambda: (a.tobytes(), bytes(b)),
        "list": lambda: (a.tolist(), list(b)), "text": lambda: (a.to01(), repr(b)), "int": lambda: m.util.ba2int(a),
        "hex": lambda: m.util.ba2hex(m.bitarray("1" * 16)), "sort": lambda: sorted([a, b, a]), "compare": lambda: (a == b, a < b, a != b),
        "memory": lambda: memoryview(a)[0], "frozen": lambda: hash(m.frozenbitarray(a)) == hash(m.frozenbitarray(a)),
        "huffman": lambda: sorted(m.util.huffman_code({"a": 5, "b": 2, "c": 1}).items()), "bad": lambda: m.bitarray("012"),
        "out of range": lambda: a[100], "zeros": lambda: m.util.zeros(20), "encode": lambda: m.bitarray().encode({"a": m.bitarray("1")}, "aaa"),
        "decode": lambda: list(m.bitarray("1011").decode({"a": m.bitarray("1"), "b": m.bitarray("0")})),
    }.items():
        case(label, function)
    c = a.copy()
    c[2:10] = b[:3]
    c.extend([True, False, 1])
    c.insert(0, 1)
    del c[5:20:2]
    case("changed", lambda: (c, c.pop(), c.index(1), len(c)))


def xxhash(m):
    for name in ("xxh32", "xxh64", "xxh3_64", "xxh3_128"):
        f = getattr(m, name)
        for data in (b"", b"a", bytes(range(256)) * 9, "text", bytearray(b"abc"), memoryview(b"abcdef")[::1]):
            case(f"{name} {bytes(data[:3], 'utf-8') if isinstance(data, str) else bytes(data[:3])}", lambda: f(data, seed=7).hexdigest())
        h = f()
        h.update(b"one")
        g = h.copy()
        g.update(b"two")
        case(name, lambda: (h.intdigest(), g.digest(), h.name, h.digest_size, h.block_size, repr(h.seed)))
        case("bad", f, 5)
        case("one shot", lambda: (getattr(m, name + "_hexdigest")(b"x"), getattr(m, name + "_intdigest")(b"x", 3)))


name, folder = sys.argv[1:]
sys.path.insert(0, folder)
run = globals()[name]
if name == "bitarray":
    __import__("bitarray.util")
run(__import__(name))
