"""Trace and profile functions of C's are told what CPython tells them: tracing.c. Prints the events."""

import sys

sys.path.insert(0, sys.argv[1])
import tracing


def case(name, outcome):
    print(name, outcome, sep="\t")


def plain(a):
    b = a + 1
    if b > 1:
        b = len([b])
    return b


def raising():
    try:
        {}["key"]
    except KeyError:
        pass


def loop(n):
    total = 0
    for i in range(n):
        total += i
    return total


def numbers():
    yield 1
    yield 2


def generating():
    return [n for n in numbers()]


def leaving():
    raise OSError("out")


def events(start, function, *args):
    found = []
    start(found)
    try:
        function(*args)
    except OSError:
        pass
    tracing.stop()
    return [(kind, name, line - function.__code__.co_firstlineno, what) for kind, name, line, what in found]


NAMES = {f.__name__ for f in (plain, raising, loop, numbers, generating, leaving)}

for function, args in ((plain, (1,)), (raising, ()), (loop, (2,)), (generating, ()), (leaving, ())):
    for start in (tracing.trace, tracing.profile):
        # (Callbacks of weak references may run at any time.)
        told = [e for e in events(start, function, *args) if e[1] in NAMES]
        for number, event in enumerate(told):
            print(f"{start.__name__} {function.__name__}", number, event, sep="\t")

# (Callbacks of weak references may run at any time.)
case("many lines", sum(kind == "line" and name == "loop" for kind, name, *_ in events(tracing.trace, loop, 3000)))

found = []
tracing.trace(found)
tracing.untraced(lambda: plain(1))
tracing.stop()
case("within EnterTracing", [kind for kind, name, *_ in found if name == "plain"])

try:
    tracing.trace_failing(None)
    plain(1)
except ValueError as error:
    tracing.stop()
    case("failing", repr(error))

marker = []
tracing.trace(marker)
case("gettrace is the object", sys.gettrace() is marker)
tracing.stop()
case("gettrace afterwards", sys.gettrace())


def outer(a, b=1, /, c=2, *args, d=3, **kwargs):
    local = a

    def inner():
        return local, c

    return inner


def fields(code):
    filename, *rest = tracing.code_fields(code)
    assert filename is code.co_filename
    return rest


for function in (outer, outer(1), numbers, lambda: 0):
    case(f"code of {function.__qualname__}", fields(function.__code__))
