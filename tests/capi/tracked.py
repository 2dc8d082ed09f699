"""Cycles of C's structs that Python never sees: tracked.c. Prints what is left of them."""

import gc
import sys
import weakref

sys.path.insert(0, sys.argv[1])
import tracked


def case(name, outcome):
    print(name, outcome, sep="\t")


def left():
    """What is alive after collections."""
    for _ in range(3):
        gc.collect()
    return tracked.counts()


class Plain:
    pass


for kind in tracked.Node, tracked.Finalized:
    name = kind.__name__
    for length in 1, 2, 10, 1000:
        tracked.leave(kind, length, None, True)
        case(f"{name} ring of {length}", left())
    tracked.leave(kind, 3, None, False)
    case(f"{name} untracked ring of 3", left()[1])

    # What such a ring refers to goes with it.
    thing = Plain()
    ref = weakref.ref(thing)
    tracked.leave(kind, 4, thing, True)
    del thing
    case(f"{name} ring with an instance", (left()[0], ref() is None))

    # A ring that refers to what refers to Python's cycle.
    a, b = Plain(), []
    a.b, ref = b, weakref.ref(a)
    b.append(a)
    tracked.leave(kind, 4, b, True)
    del a, b
    case(f"{name} ring with a cycle", (left()[0], ref() is None))

    # What C holds stays, with what it refers to.
    thing = Plain()
    ref = weakref.ref(thing)
    tracked.keep(kind, 5, thing)
    del thing
    case(f"{name} kept ring", (left(), ref() is not None))
    # Python looks at one of it, and lets it go.
    seen = tracked.kept()
    case(f"{name} kept ring, seen", (left(), ref() is not None, type(seen) is kind))
    del seen
    case(f"{name} kept ring, looked away", (left(), ref() is not None))
    tracked.keep(kind, 0, None)
    case(f"{name} ring let go", (left(), ref() is None))

    # Seen, but only by Python.
    tracked.keep(kind, 5, None)
    seen = tracked.kept()
    tracked.keep(kind, 0, None)
    case(f"{name} held by Python", left())
    del seen
    case(f"{name} not held by Python", left())

# Without being asked: C's structs alone make collections.
for _ in range(20000):
    tracked.leave(tracked.Node, 10, None, True)
case("many, collected on the way", tracked.counts()[0] < 150000)
case("many", left()[0])
