"""Prints what comes of large strings and bytes that cross, by largetext.c.

usage: largetext.py FOLDER_OF_THE_EXTENSION"""

import gc
import hashlib
import sys

sys.path.insert(0, sys.argv[1])
import largetext as ext

sys.stdout.reconfigure(line_buffering=True)


def digest(x):
    raw = x.encode("utf-8") if isinstance(x, str) else bytes(x)
    return len(x), hashlib.sha256(raw).hexdigest()[:12]


def row(name, *values):
    print(name, repr(values).replace("\t", " "), sep="\t")


SIZES = (1000, 20_000, 65_535, 65_536, 70_000, 300_000, 1_000_000)
for n in SIZES:
    for label, letter in (("ascii", "a"), ("latin", "\xe9"), ("wide", "\u20ac"), ("astral", "\U0001f600")):
        x = ("x" * 10 + letter) * (n // 11)
        row(f"str {label} {n}", ext.sum(x), ext.sum(x), ext.same(x) is x, digest(ext.same(x)))
        y = x + x
        row(f"str {label} {n} new", ext.sum(x + x), digest(y), y.find(letter, n), y == x + x, hash(y) == hash(x + x), y[n - 3 : n + 3])
    b = bytes(range(250)) * (n // 250)
    row(f"bytes {n}", ext.sum(b), ext.same(b) is b, digest(b), ext.sum(b + b), digest(b + b), (b + b)[n - 2 : n + 2], (b + b).count(b"\x07"))

for n in SIZES:
    for top in (0x7F, 0xFF, 0xFFFF, 0x10FFFF):
        x = ext.text(n, top)
        row(f"text {n} {top:x}", digest(x.replace("\uffff", "?")), ext.sum(x), ext.same(x) is x, x[:9] + x[-9:], x == ext.text(n, top))
        for m in (n // 3, n - 1, n + 1, 2 * n, 70_001):
            row(f"resized {n} {top:x} {m}", digest(ext.resized(n, top, m)), ext.sum(ext.resized(n, top, m)))
    for m in (n // 3, n - 1, n, n + 1, 2 * n, 70_001):
        x = ext.data(n, m)
        row(f"data {n} {m}", digest(x), ext.sum(x), ext.same(x) is x, x == ext.data(n, m), (x + b"tail")[-6:])
    row(f"unseen {n}", ext.unseen(n))

# What C keeps while Python has forgotten it, and what Python keeps while C has.
for i in range(8):
    ext.keep(i, ("k%d" % i) * 50_000 if i % 2 else b"k%d" % i * 50_000)
    ext.keep(i + 8, ext.text(90_000 + i, 0xFF if i % 2 else 0xFFFF))
for _ in range(3):
    gc.collect()
    junk = ["j" * 100_000 for _ in range(20)]
row("kept", [digest(ext.fetch(i)) for i in range(16)])
mine = [ext.fetch(i) for i in range(16)]
for i in range(16):
    ext.drop(i)
del junk
gc.collect()
others = [ext.text(90_000, 0xFF) for _ in range(20)]
row("mine", [digest(x) for x in mine], all(ext.same(x) is x for x in mine), len(set(map(id, mine))))
table = {x: i for i, x in enumerate(mine)}
row("keys", [table[ext.same(x)] for x in mine], table[mine[3] + ""], [i for i, x in enumerate(mine) if x in others])
del mine, table, others

# Memory is used again.
for i in range(300):
    ext.sum("x" * (70_000 + i) + "y")
    ext.sum(ext.data(100_000, 150_000 + i))
    ext.keep(i, ext.text(80_000 + i, 0x7F))
row("again", digest(ext.fetch(299)), ext.sum(b"%d" % i * 40_000))


class Sub(str):
    pass


class SubBytes(bytes):
    pass


x, y = Sub("s" * 200_000), SubBytes(b"s" * 200_000)
row("subclasses", ext.sum(x), ext.sum(y), ext.same(x) is x, type(ext.same(y)).__name__, digest(x + "t"), digest(y + b"t"))
