"""`co_linetable`: positions of code in CPython's form, read and replaced."""

import os
import subprocess
import sys
import warnings


def varint(it):
    value = shift = 0
    while True:
        b = next(it)
        value |= (b & 63) << shift
        shift += 6
        if not b & 64:
            return value


def signed(it):
    n = varint(it)
    return -(n >> 1) if n & 1 else n >> 1


def table(code):
    """The positions that the bytes of the table say, one for each instruction."""
    line, it = code.co_firstlineno, iter(code.co_linetable)
    for first in it:
        kind, count = first >> 3 & 15, (first & 7) + 1
        if kind == 15:
            entry = (None,) * 4
        elif kind == 14:
            line += signed(it)
            end = line + varint(it)
            columns = [c - 1 if c else None for c in (varint(it), varint(it))]
            entry = line, end, *columns
        elif kind == 13:
            line += signed(it)
            entry = line, line, None, None
        elif kind >= 10:
            line += kind - 10
            entry = line, line, next(it), next(it)
        else:
            second = next(it)
            column = kind << 3 | second >> 4
            entry = line, line, column, column + (second & 15)
        yield from [entry] * count


def function(a, b):
    c = (
        a

        + b)
    for x in range(3): c += 1; a = [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x]
    if c:
        return [
            c for c in b
            if a
        ]
    return c


for code in (table.__code__, function.__code__, varint.__code__):
    assert list(table(code)) == list(code.co_positions())
    same = code.replace(co_linetable=code.co_linetable)
    assert same == code and hash(same) == hash(code) and list(same.co_lines()) == list(code.co_lines())
    moved = code.replace(co_linetable=code.co_linetable, co_firstlineno=code.co_firstlineno + 10)
    assert [p[0] and p[0] - 10 for p in moved.co_positions()] == [p[0] for p in code.co_positions()]

empty = function.__code__.replace(co_linetable=b"")
assert empty != function.__code__ and list(empty.co_lines()) == [] == list(empty.co_positions())


def fails():
    1 / 0


for line_table in (b"", b"\xf8"):
    fails.__code__ = fails.__code__.replace(co_linetable=line_table)
    try:
        fails()
    except ZeroDivisionError as e:
        assert e.__traceback__.tb_next.tb_lineno is None
        assert e.__traceback__.tb_next.tb_frame.f_lineno is None

try:
    fails.__code__.replace(co_linetable="text")
except TypeError:
    pass
else:
    raise AssertionError

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    pairs = function.__code__.co_lnotab
assert [w.category for w in caught] == [DeprecationWarning] and len(pairs) % 2 == 0
lines = function.__code__.co_firstlineno
seen = {lines := lines + (d - 256 if d > 127 else d) for d in pairs[1::2]}
first = function.__code__.co_firstlineno
known = {line for *_, line in function.__code__.co_lines() if line}
assert seen | {first} == known | {first}, (seen, known)

# Without columns.
script = """
def f(a): return a + 1
for line, end, column, end_column in f.__code__.co_positions():
    assert line == end and column is None and end_column is None
"""
# (An interpreter that cannot say how it is run may be run by another name.)
cpython = sys.implementation.name == "cpython"
executable = os.environ.get("CAPE_PEER_CPYTHON", sys.executable) if cpython else sys.executable
for options, env in ((["-X", "no_debug_ranges"], {}), ([], {"PYTHONNODEBUGRANGES": "1"})):
    subprocess.run([executable, *options, "-c", script], env={**os.environ, **env}, check=True)
