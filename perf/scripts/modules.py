"""The cases of the group "modules": modules that CPython writes in C, and the builtins beside them, as programs use them.

Rows are (name, set-up, statement), as in cases.py; set-ups are short, for they run before each sample."""

import csv
import datetime
import io
import random
import tempfile
from decimal import Decimal

import packages

DOCUMENT = packages.DOCUMENT
TEXT = "".join(
    f"2024-0{i % 9 + 1}-1{i % 10} host{i % 7} service[{i}]: user{i % 13}@example.org did {i * 37 % 1000} things, \"fine\" in {i / 8:.3f} s\n"
    for i in range(200)
)
NUMBERS = random.Random(7).sample(range(10_000_000), 2000)
FLOATS = [number / 7 for number in NUMBERS]
WORDS = [f"word{number}" for number in NUMBERS]
TABLE = [[str(i), f"name {i}", f'a "quoted", {i}' if i % 4 == 0 else "plain", f"{i / 8}"] for i in range(200)]
CSV = "".join(f'{i},name {i},{"plain" if i % 4 else chr(34) + "quoted, " + str(i) + chr(34)},{i / 8}\r\n' for i in range(200))
XML = "<?xml version='1.0'?>\n<log>\n" + "".join(
    f'  <entry id="{i}" level="info">\n    <host>host{i % 7}</host>\n    <text>did {i * 37 % 1000} &lt;things&gt;</text>\n  </entry>\n'
    for i in range(200)
) + "</log>\n"
KILOBYTE = bytes(range(256)) * 4
MEGABYTE = KILOBYTE * 1024
LINES = TEXT.encode() * 10


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


class Account:
    def __init__(self, name, balance):
        self.name = name
        self.balance = balance
        self.history = [balance, -balance]
        self.owner = {"name": name, "active": True}


POINTS = [Point(i, i / 3) for i in range(300)]
ACCOUNTS = [Account(f"account {i}", i * 100) for i in range(100)]
RECORDS = [{"id": i, "name": f"record {i}", "score": i / 7, "tags": ("a", "b", str(i)), "parent": None} for i in range(100)]
DATES = [datetime.datetime(2020, i % 12 + 1, i % 28 + 1, i % 24, i % 60, i) for i in range(60)]
DECIMALS = [Decimal(number) / 7 for number in NUMBERS[:50]]


def _file():
    """A file of lines, which is gone when the process ends."""
    file = tempfile.NamedTemporaryFile(suffix=".txt")
    file.write(LINES)
    file.flush()
    return file


FILE = _file()
PATH = FILE.name


def written(lines):
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue()


# What stands before a row's own set-up.
M = "import modules as m\n"
JSON = M + "import json; d = m.DOCUMENT; s = json.dumps(d)"
RE = M + "import re; t = m.TEXT"
STRUCT = M + "import struct; s = struct.Struct('<IHhqd4s')\np = s.pack(1, 2, -3, 4, 5.0, b'abcd')"
PICKLE = M + "import pickle; f = lambda x: pickle.dumps(x, 5); g = pickle.loads\n"
HASH = M + "import hashlib; k = m.KILOBYTE; b = m.MEGABYTE; s = b'abcd' * 8\n"
ZLIB = M + "import zlib; d = m.LINES[:100_000]; z = zlib.compress(d)"
BASE64 = M + "import base64, binascii; k = m.KILOBYTE * 8"
DECIMAL = M + "from decimal import Decimal as D; l = m.DECIMALS; a = l[3]; b = l[9]; s = str(a)"
DATETIME = M + "import datetime as dt; l = m.DATES; a = l[3]; b = l[9]; one = dt.timedelta(days=1); s = a.isoformat()"
COLLECTIONS = M + "from collections import Counter, OrderedDict, defaultdict, deque, namedtuple; w = m.WORDS; n = m.NUMBERS"
TUPLE = COLLECTIONS + "\nP = namedtuple('P', 'x y'); p = P(1, 2)"
ITERTOOLS = M + "import itertools as it; n = m.NUMBERS; from collections import deque\ndef run_out(i): deque(i, 0)\n"
FUNCTOOLS = M + "import functools as ft, operator as op; n = m.NUMBERS"
CACHED = FUNCTOOLS + "\n@ft.lru_cache(maxsize=None)\ndef f(x): return x\n@ft.lru_cache(maxsize=100)\ndef g(x): return x"
RANDOM = M + "import random; r = random.Random(3); n = list(m.NUMBERS[:500])"
MATH = M + "import math; n = m.FLOATS; x = 1.5"
FORMAT = M + "a = 'name'; i = 12345; x = 3.14159"
SORT = M + "n = m.NUMBERS; x = m.FLOATS; w = m.WORDS; p = m.POINTS; from operator import attrgetter, itemgetter"
IO = M + "import io; p = m.PATH; d = m.LINES; t = m.TEXT; l = t.splitlines(True)"
XML_TREE = M + "import xml.etree.ElementTree as et; t = m.XML; r = et.fromstring(t)"
CSV_ROWS = M + "import csv, io; t = m.CSV; l = m.TABLE; w = m.written"

ROWS = [
    ("json.dumps", JSON, "json.dumps(d)"),
    ("json.dumps, indent", JSON, "json.dumps(d, indent=2)"),
    ("json.dumps, small", JSON, "json.dumps([1, 'a', None])"),
    ("json.loads", JSON, "json.loads(s)"),
    ("json.loads, small", JSON, "json.loads('[1, \"a\", null]')"),
    ("re: match of a line", RE + "; p = re.compile(r'(\\d+)-(\\d+)-(\\d+) (\\w+) (\\w+)\\[(\\d+)\\]: (.*)')", "p.match(t)"),
    ("re: findall, words", RE + "; p = re.compile(r'\\w+')", "p.findall(t)"),
    ("re: findall, addresses", RE + "; p = re.compile(r'[\\w.]+@[\\w.]+')", "p.findall(t)"),
    ("re: search of a literal", RE + "; p = re.compile('user12@example.org did 99')", "p.search(t)"),
    ("re: sub by a string", RE + "; p = re.compile(r'(\\d+) things')", "p.sub(r'<\\1>', t)"),
    ("re: sub by a function", RE + "; p = re.compile(r'\\d+')", "p.sub(lambda m: m[0], t)"),
    ("re: split", RE + "; p = re.compile(r'[:,] ')", "p.split(t)"),
    ("re: finditer, alternatives", RE + "; p = re.compile('fine|things|host3')", "for m in p.finditer(t): pass"),
    ("re.match, from the cache", RE, "re.match('[0-9]+', t)"),
    ("re: compilation", RE + "\nfrom re import _compiler", "_compiler.compile(r'(\\d+)-(?P<x>[a-z]+)|x*y', 0)"),
    ("struct.pack", STRUCT, "struct.pack('<IHhqd4s', 1, 2, -3, 4, 5.0, b'abcd')"),
    ("struct.unpack", STRUCT, "struct.unpack('<IHhqd4s', p)"),
    ("struct: Struct.pack", STRUCT, "s.pack(1, 2, -3, 4, 5.0, b'abcd')"),
    ("struct: iter_unpack of 100", STRUCT + "; p *= 100", "for x in s.iter_unpack(p): pass"),
    ("csv: reader, 200 rows", CSV_ROWS, "list(csv.reader(io.StringIO(t, newline='')))"),
    ("csv: DictReader, 200 rows", CSV_ROWS, "list(csv.DictReader(io.StringIO(t, newline='')))"),
    ("csv: writer, 200 rows", CSV_ROWS, "w(l)"),
    ("xml.etree: fromstring, 200 entries", XML_TREE, "et.fromstring(t)"),
    ("xml.etree: tostring, 200 entries", XML_TREE, "et.tostring(r)"),
    ("xml.etree: iter and attributes", XML_TREE, "for e in r.iter('entry'): e.get('id'), e.findtext('host')"),
    ("xml.etree: SubElement", XML_TREE, "r = et.Element('r')\nfor i in range(200): et.SubElement(r, 'e', id='1').text = 'x'"),
    ("xml.etree: itertext", XML_TREE, "''.join(r.itertext())"),
    ("file: lines of text", IO, "with open(p, encoding='utf-8') as f:\n for x in f: pass"),
    ("file: lines of bytes", IO, "with open(p, 'rb') as f:\n for x in f: pass"),
    ("file: read as text", IO, "with open(p, encoding='utf-8') as f: f.read()"),
    ("file: lines written", IO + "; n = '/dev/null'", "with open(n, 'w', encoding='utf-8') as f:\n for x in l: f.write(x)"),
    ("file: opened and closed", IO, "open(p, 'rb').close()"),
    ("io: StringIO, lines written", IO, "f = io.StringIO()\nfor x in l: f.write(x)\nf.getvalue()"),
    ("io: StringIO, lines read", IO, "for x in io.StringIO(t): pass"),
    ("io: BytesIO, lines read", IO, "for x in io.BytesIO(d): pass"),
    ("sort: ints", SORT, "sorted(n)"),
    ("sort: floats", SORT, "sorted(x)"),
    ("sort: strings", SORT, "sorted(w)"),
    ("sort: sorted already", SORT + "; n = sorted(n)", "sorted(n)"),
    ("sort: tuples", SORT + "; l = [(i % 10, i) for i in n]", "sorted(l)"),
    ("sort: key=len", SORT, "sorted(w, key=len)"),
    ("sort: key=lambda", SORT, "sorted(p, key=lambda p: p.y)"),
    ("sort: key=itemgetter", SORT + "; l = [(i, i % 10) for i in n]", "sorted(l, key=itemgetter(1))"),
    ("sort: key=attrgetter", SORT, "sorted(p, key=attrgetter('y'))"),
    ("pickle.dumps, list of ints", PICKLE + "x = m.NUMBERS", "f(x)"),
    ("pickle.dumps, list of strings", PICKLE + "x = m.WORDS", "f(x)"),
    ("pickle.dumps, list of floats", PICKLE + "x = m.FLOATS", "f(x)"),
    ("pickle.dumps, dicts", PICKLE + "x = m.RECORDS", "f(x)"),
    ("pickle.dumps, instances", PICKLE + "x = m.POINTS", "f(x)"),
    ("pickle.dumps, instances with parts", PICKLE + "x = m.ACCOUNTS", "f(x)"),
    ("pickle.dumps, dates", PICKLE + "x = m.DATES", "f(x)"),
    ("pickle.dumps, small", PICKLE + "x = (1, 'a', None)", "f(x)"),
    ("pickle.loads, list of ints", PICKLE + "s = f(m.NUMBERS)", "g(s)"),
    ("pickle.loads, list of strings", PICKLE + "s = f(m.WORDS)", "g(s)"),
    ("pickle.loads, list of floats", PICKLE + "s = f(m.FLOATS)", "g(s)"),
    ("pickle.loads, dicts", PICKLE + "s = f(m.RECORDS)", "g(s)"),
    ("pickle.loads, instances", PICKLE + "s = f(m.POINTS)", "g(s)"),
    ("pickle.loads, instances with parts", PICKLE + "s = f(m.ACCOUNTS)", "g(s)"),
    ("pickle.loads, dates", PICKLE + "s = f(m.DATES)", "g(s)"),
    ("pickle.loads, small", PICKLE + "s = f((1, 'a', None))", "g(s)"),
    ("copy.deepcopy", M + "from copy import deepcopy; d = m.DOCUMENT", "deepcopy(d)"),
    ("marshal.dumps", M + "import marshal; d = m.RECORDS", "marshal.dumps(d)"),
    ("marshal.loads", M + "import marshal; s = marshal.dumps(m.RECORDS)", "marshal.loads(s)"),
    *((f"hashlib: {name}, 32 bytes", HASH + f"f = hashlib.{name}", "f(s).digest()") for name in ("md5", "sha256", "blake2b")),
    *((f"hashlib: {name}, 1 MB", HASH + f"f = hashlib.{name}", "f(b).digest()") for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s")),
    ("hmac.digest, 1 kB", HASH + "import hmac", "hmac.digest(s, k, 'sha256')"),
    ("zlib.compress, 100 kB", ZLIB, "zlib.compress(d)"),
    ("zlib.decompress, 100 kB", ZLIB, "zlib.decompress(z)"),
    ("zlib.crc32, 1 kB", M + "import zlib; k = m.KILOBYTE", "zlib.crc32(k)"),
    ("zlib.adler32, 1 MB", M + "import zlib; b = m.MEGABYTE", "zlib.adler32(b)"),
    ("bz2.compress, 10 kB", M + "import bz2; d = m.LINES[:10_000]", "bz2.compress(d)"),
    ("lzma.decompress, 100 kB", M + "import lzma; z = lzma.compress(m.LINES[:100_000], preset=1)", "lzma.decompress(z)"),
    ("base64.b64encode, 8 kB", BASE64, "base64.b64encode(k)"),
    ("base64.b64decode, 8 kB", BASE64 + "; s = base64.b64encode(k)", "base64.b64decode(s)"),
    ("binascii.hexlify, 8 kB", BASE64, "binascii.hexlify(k)"),
    ("binascii.unhexlify, 8 kB", BASE64 + "; s = k.hex()", "binascii.unhexlify(s)"),
    ("decimal: +", DECIMAL, "a + b"),
    ("decimal: *", DECIMAL, "a * b"),
    ("decimal: /", DECIMAL, "a / b"),
    ("decimal: <", DECIMAL, "a < b"),
    ("decimal: of a str", DECIMAL, "D(s)"),
    ("decimal: str", DECIMAL, "str(a)"),
    ("decimal: sum of 50", DECIMAL, "sum(l)"),
    ("datetime: made", DATETIME, "dt.datetime(2024, 5, 17, 12, 30)"),
    ("datetime: -", DATETIME, "a - b"),
    ("datetime: + a day", DATETIME, "a + one"),
    ("datetime: <", DATETIME, "a < b"),
    ("datetime: isoformat", DATETIME, "a.isoformat()"),
    ("datetime: fromisoformat", DATETIME, "dt.datetime.fromisoformat(s)"),
    ("datetime: strftime", DATETIME, "a.strftime('%Y-%m-%d %H:%M')"),
    ("datetime: now", DATETIME, "dt.datetime.now()"),
    ("collections: deque, append and popleft", COLLECTIONS + "; d = deque(n[:10])", "d.append(1); d.popleft()"),
    ("collections: deque of 2,000", COLLECTIONS, "deque(n)"),
    ("collections: Counter of 2,000", COLLECTIONS + "; l = [i % 100 for i in n]", "Counter(l)"),
    ("collections: Counter.most_common", COLLECTIONS + "; c = Counter(i % 100 for i in n)", "c.most_common(5)"),
    ("collections: OrderedDict of 2,000", COLLECTIONS, "OrderedDict.fromkeys(w)"),
    ("collections: OrderedDict.move_to_end", COLLECTIONS + "; d = OrderedDict.fromkeys(w[:10]); k = w[3]", "d.move_to_end(k)"),
    ("collections: defaultdict", COLLECTIONS, "d = defaultdict(list)\nfor i in n: d[i % 50].append(i)"),
    ("collections: namedtuple made", TUPLE, "P(1, 2)"),
    ("collections: namedtuple read", TUPLE, "p.x"),
    ("itertools: chain", ITERTOOLS, "run_out(it.chain(n, n))"),
    ("itertools: islice of count", ITERTOOLS, "run_out(it.islice(it.count(3), 2000))"),
    ("itertools: product", ITERTOOLS, "run_out(it.product(range(40), range(50)))"),
    ("itertools: combinations", ITERTOOLS, "run_out(it.combinations(range(20), 3))"),
    ("itertools: permutations", ITERTOOLS, "run_out(it.permutations(range(6)))"),
    ("itertools: accumulate", ITERTOOLS, "run_out(it.accumulate(n))"),
    ("itertools: groupby", ITERTOOLS + "l = [i // 10 for i in range(1000)]", "for k, g in it.groupby(l): pass"),
    ("itertools: pairwise", ITERTOOLS, "run_out(it.pairwise(n))"),
    ("itertools: zip_longest", ITERTOOLS, "run_out(it.zip_longest(n, n[:1000]))"),
    ("itertools: starmap", ITERTOOLS + "l = [(i, 3) for i in n]", "run_out(it.starmap(divmod, l))"),
    ("functools: lru_cache, a hit", CACHED, "f(3)"),
    ("functools: lru_cache of 100, a hit", CACHED, "g(3)"),
    ("functools: lru_cache of 100, misses", CACHED + "\nl = list(range(200))", "for i in l: g(i)"),
    ("functools: partial", FUNCTOOLS + "; f = ft.partial(max, 3)", "f(4)"),
    ("functools: reduce", FUNCTOOLS, "ft.reduce(op.add, n)"),
    ("functools: cmp_to_key", FUNCTOOLS + "; n = n[:200]", "sorted(n, key=ft.cmp_to_key(lambda a, b: a - b))"),
    ("heapq: push and pop of 200", FUNCTOOLS + "; import heapq; n = n[:200]",
     "h = []\nfor i in n: heapq.heappush(h, i)\nwhile h: heapq.heappop(h)"),
    ("bisect", FUNCTOOLS + "; import bisect; n = sorted(n)", "bisect.bisect(n, 5_000_000)"),
    ("random: random", RANDOM, "r.random()"),
    ("random: randint", RANDOM, "r.randint(1, 100)"),
    ("random: choice", RANDOM, "r.choice(n)"),
    ("random: shuffle of 500", RANDOM, "r.shuffle(n)"),
    ("random: gauss", RANDOM, "r.gauss(0, 1)"),
    ("math: sqrt", MATH, "math.sqrt(x)"),
    ("math: sin", MATH, "math.sin(x)"),
    ("math: floor", MATH, "math.floor(x)"),
    ("math: fsum of 2,000", MATH, "math.fsum(n)"),
    ("math: hypot", MATH, "math.hypot(x, 2.0)"),
    ("math: factorial(100)", MATH, "math.factorial(100)"),
    ("math: gcd", MATH, "math.gcd(123456, 7890)"),
    ("statistics.mean of 500", MATH + "; import statistics; n = n[:500]", "statistics.fmean(n)"),
    ("array: appends", MATH + "; from array import array", "a = array('d')\nfor x in n: a.append(x)"),
    ("array: sum", MATH + "; from array import array; a = array('d', n)", "sum(a)"),
    ("format: f-string", FORMAT, "f'{a}: {i} {x:.2f}'"),
    ("format: str.format", FORMAT, "'{}: {:>8} {:.2f}'.format(a, i, x)"),
    ("format: %", FORMAT, "'%s: %8d %.2f' % (a, i, x)"),
    ("format: str of a float", FORMAT, "str(x)"),
    ("format: int of a str", FORMAT + "; s = '12345'", "int(s)"),
    ("format: float of a str", FORMAT + "; s = '3.14159'", "float(s)"),
    ("str: split and join", FORMAT + "; t = m.TEXT", "' '.join(t.split())"),
    ("str: replace", FORMAT + "; t = m.TEXT", "t.replace('things', 'something')"),
    ("str: encode and decode", FORMAT + "; t = m.TEXT + '\\u20ac'", "t.encode().decode()"),
    ("str: translate", FORMAT + "; t = m.TEXT; d = str.maketrans('abc', 'xyz')", "t.translate(d)"),
    ("contextvars: get", M + "import contextvars; v = contextvars.ContextVar('v', default=1)", "v.get()"),
    ("unicodedata.normalize", M + "import unicodedata; t = 'caf\\xe9 \\u212b' * 20", "unicodedata.normalize('NFKD', t)"),
    ("os: stat", M + "import os; p = m.PATH", "os.stat(p)"),
    ("os: path.join", M + "from os.path import join", "join('/usr/lib', 'python', 'site.py')"),
    ("time: monotonic", M + "import time", "time.monotonic()"),
]  # fmt: skip
