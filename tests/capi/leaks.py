"""Crosses between Python and C in every way, many times over, and watches resident memory: it must stay flat.

usage: leaks.py FOLDER_OF_THE_EXTENSIONS [COUNT [PART_OF_NAME]]

The ways are those of perf/scripts/cases.py and the ones below, each crossed COUNT times (10000000 for the real thing)."""

import gc
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [sys.argv[1], os.path.join(HERE, "..", "..", "perf", "scripts")]
import crossing as ext
import population
import scenarios
from cases import CASES

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
NAME = sys.argv[3] if len(sys.argv) > 3 else ""

# Bytes that resident memory may grow by: free space in blocks, and pages touched for the first time.
ALLOWED = 3_000_000
# Objects that there may be more.
KEPT = 100

MORE = [
    ("life", "a Python subclass with attributes", "class Sub(ext.Box): pass", "x = Sub(None); x.a = x.member", 3),
    ("life", "a cycle through C", "Box = ext.Box", "a = []; a.append(Box(a))", 2),
    ("life", "a cycle of a Python subclass", "class Sub(ext.Box): pass", "a = Sub(None); a.me = a", 2),
    ("life", "a cycle of two objects of C", "Box = ext.Box", "l = [None]; l[0] = Box(Box(l))", 3),
    ("life", "a class that C sees", "f = ext.one", "class A: pass\nf(A); f(A())", 40),
    ("life", "a Python subclass made anew", "Box = ext.Box", "class Sub(Box): pass\nSub(Sub)", 40),
    ("life", "a weak reference to an object of C", "import weakref", "weakref.ref(scenarios.life)", 1),
    ("life", "an object of C in a dict", "d = {}", "d[1] = ext.Box(d)", 2),
    ("life", "an object of C that holds an instance", "class A: pass", "a = A(); a.box = ext.Box(a)", 2),
    ("life", "member replaced", "box = ext.Box(None)", "box.member = object()", 1),
    ("new", "a new list each time", "f = ext.one", "f([1, 2.5, 'x'])", 3),
    ("new", "a new dict each time", "f = ext.one", "f({'a': 1.5, 2: []})", 3),
    ("new", "a new tuple each time", "f = ext.one", "f((1, 2.5, [], object()))", 4),
    ("new", "a new set each time", "f = ext.one", "f({1, 2, 'x'})", 1),
    ("new", "a new bytes each time", "f = ext.one; a = b'x' * 20", "f(a + a)", 1),
    ("new", "a new bytearray each time", "f = ext.one", "f(bytearray(b'abc'))", 1),
    ("new", "a new big int each time", "f = ext.one; a = 1 << 100", "f(a + a)", 1),
    ("new", "a new complex each time", "f = ext.one; a = 1j", "f(a + a)", 1),
    ("new", "a new slice each time", "f = ext.one", "f(slice(1, [], 2.5))", 1),
    ("new", "a new instance each time", "f = ext.one\nclass A: pass", "f(A())", 1),
    ("new", "a new function each time", "f = ext.one", "f(lambda: 1)", 1),
    ("new", "a new bound method each time", "f = ext.one; s = 'x'", "f(s.upper)", 1),
    ("new", "a new exception each time", "f = ext.one", "f(ValueError('x'))", 1),
    ("new", "a new long str each time", "f = ext.one_str; a = 'é' * 400", "f(a + a)", 1),
    ("new", "a new iterator each time", "f = ext.sum_iterator", "f(iter([1, 2, 3]))", 4),
    ("list", "a list that grows and shrinks", "l = []; f = ext.append", "f(l); l.pop()", 2),
    ("list", "a list whose items are replaced", "l = [0] * 10; f = ext.one; f(l)", "l[3] = object(); l[1:3] = [1.5, []]", 3),
    ("dict", "a dict that grows and shrinks", "d = {}; f = ext.one; f(d)", "d['k'] = 1; del d['k']", 2),
    ("dict", "a number in a dict looked up", "d = {}; f = ext.dict_get", "d[1] = 12345.5; f(d, 1)", 1),
    ("error", "wrong arguments", "f = ext.args_parsed", "try: f(None, 'x')\nexcept TypeError: pass", 1),
    ("error", "missing arguments", "f = ext.keywords", "try: f()\nexcept TypeError: pass", 1),
    ("error", "unknown keyword", "f = ext.keywords", "try: f(None, nope=1)\nexcept TypeError: pass", 1),
    ("error", "an item out of range", "box = ext.Box(None)", "try: box[99]\nexcept IndexError: pass", 1),
    ("error", "an exception through C", "f = ext.call_none\ndef g(): raise KeyError(1)", "try: f(g)\nexcept KeyError: pass", 2),
    ("error", "an exception while one is handled", "f = ext.raise_error",
     "try: raise KeyError\nexcept KeyError:\n  try: f()\n  except ValueError: pass", 2),
    ("error", "what is being handled", "f = scenarios.handled", "try: raise KeyError\nexcept KeyError: f()", 2),
    ("buffer", "of bytes", "f = scenarios.buffers", "f(b'abc')", 1),
    ("buffer", "of a bytearray", "f = scenarios.buffers; b = bytearray(b'abc')", "f(b)", 1),
    ("buffer", "of a memoryview", "f = scenarios.buffers; b = memoryview(b'abcd')[::2]", "f(b)", 1),
    ("buffer", "of an object of C", "m = scenarios.Memory(b'abc')", "bytes(m)", 1),
    ("buffer", "a memoryview of an object of C", "m = scenarios.Memory(b'abc')", "memoryview(m).release()", 1),
    ("buffer", "a memoryview that is dropped", "m = scenarios.Memory(b'abc')", "memoryview(m)[1]", 1),
    ("buffer", "memoryviews of memory of C", "f = scenarios.views", "f()", 3),
    ("many", "life", "f = scenarios.own_memory", "f()", 4),
    ("many", "sizes", "f = scenarios.sizes", "f({1: 2}, {1}, bytearray(b'12'))", 4),
]


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def loop(setup, statement):
    indented = "\n".join("        " + line for line in statement.split("\n"))
    setup = "\n".join("    " + line for line in setup.split("\n")) if setup else "    pass"
    names = {"ext": ext, "scenarios": scenarios}
    exec(f"def run(count):\n{setup}\n    for _ in range(count):\n{indented}\n", names)
    return names["run"]


def settled():
    """Resident bytes and the number of objects, after collections."""
    for _ in range(3):
        gc.collect()
    return resident(), len(gc.get_objects())


def main():
    leaks = []
    for group, name, setup, statement, crossings in CASES + MORE:
        label = f"{group}, {name}"
        if group in ("python", "packages", "modules") or NAME not in label:
            continue
        population.drop()
        run = loop(setup, statement)
        # What copies a megabyte shows a leak sooner.
        weight = 100 if "1 MB" in name else max(int(crossings), 1)
        times = max(COUNT // weight, 1)
        start = time.perf_counter()
        run(times)
        growths = []
        # A leak grows each time; free space in blocks does not.
        while len(growths) < 8 and (not growths or growths[-1] > ALLOWED):
            before, objects = settled()
            run(times)
            after, more = settled()
            growths.append(after - before)
            kept = more - objects
            if kept > KEPT:
                break
        growth = growths[-1]
        ok = growth <= ALLOWED and kept <= KEPT
        print(f"{'ok  ' if ok else 'LEAK'} {label}: {growth:+} bytes, {kept:+} objects in {times}, {time.perf_counter() - start:.1f} s", flush=True)
        if not ok:
            leaks.append(label)
    if leaks:
        raise SystemExit(f"{len(leaks)} leak: {leaks}")


main()
