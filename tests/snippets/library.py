# A walk through the standard library: what ordinary programs import.
import abc
import argparse
import base64
import bisect
import collections
import contextlib
import copy
import csv
import dataclasses
import datetime
import enum
import functools
import hashlib
import heapq
import io
import itertools
import json
import logging
import math
import operator
import os
import pathlib
import pickle
import random
import re
import statistics
import string
import struct
import tempfile
import textwrap
import threading
import time
import typing
import urllib.parse
import zlib
from decimal import Decimal
from fractions import Fraction

assert json.loads(json.dumps({"a": [1, 2.5, None, True, "é"]})) == {"a": [1, 2.5, None, True, "é"]}
assert re.sub(r"(?P<w>\w+)@(\w+)", r"\2 at \g<w>", "me@home you@work") == "home at me work at you"
assert [m.group() for m in re.finditer(r"\d{2,}", "1 22 333")] == ["22", "333"]
assert collections.Counter("banana").most_common(1) == [("a", 3)] and collections.deque([1, 2, 3], 2) == collections.deque([2, 3])
Pair = collections.namedtuple("Pair", "x y")
assert Pair(1, y=2)._replace(x=5) == (5, 2) and collections.OrderedDict(a=1) == {"a": 1}
assert list(itertools.chain(itertools.islice(itertools.count(5), 2), itertools.accumulate([1, 2, 3]))) == [5, 6, 1, 3, 6]
assert ["".join(p) for p in itertools.permutations("ab")] == ["ab", "ba"] and len(list(itertools.product(range(3), repeat=3))) == 27
assert functools.reduce(operator.mul, range(1, 6)) == 120 and functools.partial(int, base=2)("101") == 5


@functools.lru_cache
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


assert fib(80) == 23416728348467685 and fib.cache_info().misses == 81


@dataclasses.dataclass(order=True, frozen=True)
class Item:
    price: float
    name: str = dataclasses.field(compare=False, default="")


assert Item(1) < Item(2) and dataclasses.asdict(Item(1.5, "x")) == {"price": 1.5, "name": "x"}


class Color(enum.Flag):
    RED = enum.auto()
    BLUE = enum.auto()


assert Color.RED | Color.BLUE == Color(3) and Color["BLUE"].value == 2 and [c.name for c in Color] == ["RED", "BLUE"]


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


try:
    Shape()
except TypeError as error:
    assert "abstract method 'area'" in str(error)


@contextlib.contextmanager
def tag(name):
    out.append(f"<{name}>")
    yield
    out.append(f"</{name}>")


out = []
with tag("a"), contextlib.suppress(KeyError):
    {}["x"]
assert out == ["<a>", "</a>"]
assert pickle.loads(pickle.dumps([Item(2, "n"), {1: {2}}, Fraction(1, 3)])) == [Item(2, "n"), {1: {2}}, Fraction(1, 3)]
assert copy.deepcopy([[1], {"a": (2,)}]) == [[1], {"a": (2,)}]
assert Decimal("0.1") + Decimal("0.2") == Decimal("0.3") and Fraction("0.25") + Fraction(1, 4) == Fraction(1, 2)
assert datetime.datetime(2024, 2, 28) + datetime.timedelta(days=2) == datetime.datetime(2024, 3, 1)
assert datetime.date.fromisoformat("2026-01-31").strftime("%Y/%m/%d") == "2026/01/31"
assert hashlib.sha256(b"abc").hexdigest()[:8] == "ba7816bf" and zlib.decompress(zlib.compress(b"x" * 1000)) == b"x" * 1000
assert base64.b64encode(b"hello") == b"aGVsbG8=" and struct.unpack("<hI", struct.pack("<hI", -2, 7)) == (-2, 7)
assert math.isclose(math.sin(math.pi / 6), 0.5) and math.gcd(12, 18) == 6 and statistics.median([3, 1, 2]) == 2 and math.comb(5, 2) == 10
assert heapq.nsmallest(2, [5, 1, 4]) == [1, 4] and bisect.bisect([1, 3, 5], 3) == 2
random.seed(1)
assert random.randint(1, 100) == 18 and random.random() == 0.5692038748222122
assert textwrap.shorten("hello big world", 11, placeholder="...") == "hello..." and string.Template("$a").substitute(a=1) == "1"
assert list(csv.reader(io.StringIO('a,"b,c"\n1,2\n'))) == [["a", "b,c"], ["1", "2"]]
assert urllib.parse.parse_qs("a=1&b=2%203") == {"a": ["1"], "b": ["2 3"]} and typing.get_type_hints(fib.__wrapped__) == {}
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "sub" / "file.txt"
    path.parent.mkdir()
    path.write_text("línea\nzwei\n", encoding="utf-8")
    with open(path, encoding="utf-8") as file:
        assert file.readlines() == ["línea\n", "zwei\n"]
    assert [p.name for p in pathlib.Path(folder).rglob("*.txt")] == ["file.txt"] and os.path.getsize(path) == 12
parser = argparse.ArgumentParser()
parser.add_argument("--n", type=int, default=3)
parser.add_argument("files", nargs="*")
assert vars(parser.parse_args(["--n", "5", "x"])) == {"n": 5, "files": ["x"]}
stream = io.StringIO()
logging.basicConfig(stream=stream, format="%(levelname)s %(message)s")
logging.warning("careful %d", 5)
assert stream.getvalue() == "WARNING careful 5\n"
results = []
threads = [threading.Thread(target=lambda i=i: results.append(i)) for i in range(5)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert sorted(results) == [0, 1, 2, 3, 4] and time.monotonic() > 0

# Modules that are C's in CPython have the same classes under those names here and there.
import _datetime
import _pickle
import datetime
import pickle

assert _datetime.timedelta is datetime.timedelta and _datetime.datetime is datetime.datetime
assert _pickle.Pickler is pickle.Pickler and _pickle.loads(_pickle.dumps([1, "a"])) == [1, "a"]
assert issubclass(_pickle.PicklingError, pickle.PickleError)
