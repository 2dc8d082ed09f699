"""Prints what comes of the shorter ways of the API: quick.c says which.

usage: quick.py FOLDER_OF_THE_EXTENSION"""

import gc
import re
import sys

sys.path.insert(0, sys.argv[1])
import quick

sys.stdout.reconfigure(line_buffering=True)

TEXTS = ["", "a", "\xe9", "key", "seven77", "eight888", "a longer text", "fifteen letters", "sixteen letters!", "x" * 63, "y" * 64, "z" * 65,
         "w" * 100, "caf\xe9", "\xe9" * 40, "\u20ac", "price in \u20ac", "\U0001f600", "a\0b", "\ud800", "v" * 3000, "\xff" * 3000]


class Key(str):
    pass


class Same:
    """Equal to a string of its hash."""

    def __init__(self, text):
        self.text = text

    def __hash__(self):
        return hash(self.text)

    def __eq__(self, other):
        return self.text == other

    def __repr__(self):
        return f"Same({self.text[:5]!a})"


def short(value):
    text = re.sub("0x[0-9a-f]+", "0x", ascii(value))
    return text if len(text) < 150 else f"{text[:100]}... {len(text)}"


def case(label, function, *args):
    try:
        outcome = short(function(*args))
    except Exception as e:
        outcome = short(e)
    print(short(label), outcome, sep="\t")


def containers():
    d = {}
    for text in TEXTS:
        for value in (5, 123456, 2.5, None, True, [1], 1 << 70):
            case((text, "into", len(d), value), lambda: quick.by_text(d, text, value))
    case("order", lambda: list(d))
    for text in TEXTS[::2]:
        case((text, "deleted"), lambda: quick.delete(d, text))
        case((text, "deleted again"), lambda: quick.delete(d, text))
    for text in TEXTS:
        case((text, "memo"), lambda: quick.memo(d, text))
    for make in (Key, Same):
        for text in TEXTS:
            other = {make(text): 1}
            case((make, text), lambda: (quick.by_text(other, text, None), list(map(type, other))))
            case((make, text, "memo"), lambda: quick.memo({make(text): 2}, text))
            case((make, text, "set"), lambda: quick.in_set({make(text)}, text))
    many = {}
    for i in range(2000):
        quick.by_text(many, f"number {i % 1500}", i)
    gc.collect()
    case("many", lambda: (len(many), sum(many.values()), list(many)[::250]))
    s = set()
    for text in TEXTS:
        case((text, "in a set"), lambda: quick.in_set(s, text))
    case("iterated", lambda: [quick.by_text(many, f"new {k}", 1) for k in many])


def texts():
    for text in TEXTS:
        case((text, "interned"), lambda: (quick.intern(text)[:3], quick.intern(text)[3] == text, quick.intern(text)[3] is sys.intern(text)))
        for encoding in (None, "utf-8", "UTF8", "Utf_8", "utf8 ", "utf-80", "u", "ut", "utf", "utf-", "utf-7", "ascii", "latin-1", "nonsense"):
            for errors in (None, "strict", "ignore", "surrogatepass"):
                case((text, encoding, errors), lambda: quick.encode(text, encoding, errors))
    case("a subclass", lambda: quick.encode(Key("caf\xe9"), "utf-8", None))
    for wrong in (b"bytes", None, 5):
        case(wrong, lambda: quick.encode(wrong, "utf-8", None))
    for data in (b"", b"a", b"caf\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xff", b"a\x80", b"\xed\xa0\x80", b"\0", b"x" * 5000):
        for encoding in (None, "utf-8", "UTF8", "ascii", "latin-1", "nonsense"):
            for errors in (None, "replace", "surrogatepass"):
                case((data, encoding, errors), lambda: quick.decode(data, encoding, errors))


def numbers():
    for text in ("", "0", "7", "-7", "+7", "-", "+", "--7", "007", "-0", "1_000", " 12 ", "12\n", "123456789012345678", "-123456789012345678",
                 "1234567890123456789", "9" * 40, "0x10", "12a", "\u0663", "1.5", "-1.5", "-1", "-1.0", "1e5", "1E-5", ".5", "5.", ".", "e5",
                 "1e", "1e400", "-1e400", "9" * 400 + ".", "1.5.5", "1+1", "inf", "nan", "1_0.5", "1\0", "caf\xe9", Key("5"), b"5", bytearray(b"6"),
                 5, 2.5, None, [], True):
        for cls in (int, float, bool):
            case((cls, text), lambda: quick.number(cls, text))


def ints():
    lists = [list(range(start, start + n)) for n in (511, 512, 513, 5000) for start in (-300, 1000, 2**30 - 100, 2**51 - 100)]
    lists += [[1000] * 600, [i * 2.5 if i % 2 else i for i in range(600)], list(range(70000)), list(range(10**6, 10**6 + 70000))]
    for l in lists:
        case(("sum", len(l), l[0]), lambda: (quick.sum(l[:]), quick.sum(l), quick.sum(l[:])))
    # What C keeps of a list is as it was when others take the places of the rest.
    for n in (1, 3, 97):
        for l in lists:
            quick.keep(l[:], n)
        expected = [x for l in lists for x in l[::n]]
        case(("kept", n), lambda: quick.kept() == expected)
    alive = [l[:] for l in lists]
    case("alive", lambda: [quick.sum(l) for l in alive] == [quick.sum(l) for l in lists])
    for l in alive:
        l[5] = l[-1] = 77777
        l.append(88888)
    case("changed", lambda: [(l[5], l[-2:], l[6:-2] == old[6:-1]) for l, old in zip(alive, lists)])
    case("wrong", lambda: quick.sum(list(range(600)) + ["x"]))
    for _ in range(5):
        quick.sum(list(range(100_000)))
    case("again", lambda: quick.sum(list(range(100_000))))


containers()
texts()
numbers()
ints()
