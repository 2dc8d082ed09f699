"""What gc.collect() counts: garbage in cycles and what only cycles refer to, not what nothing referred to."""

import gc
import os
import sys

if "CAPEGC" in os.environ or "gc" in sys._xoptions:
    # Collections that nobody asked for come before those that count.
    sys.exit()


class Node:
    pass


def knot():
    node = Node()
    node.me = node
    return node


def found(make):
    gc.collect()
    make()
    return gc.collect()


def chain():
    x = None
    for _ in range(50):
        x = [x]


def list_and_tuple():
    items = []
    items.append((items,))


def behind_a_knot():
    node = knot()
    node.more = [[], {}]


def in_front_of_a_knot():
    return [[knot()]] and None


def diamond():
    top, left, right = [], [], []
    bottom = []
    top += [left, right]
    left.append(bottom)
    right.append(bottom)


gc.disable()
assert found(chain) == 0
assert found(diamond) == 0
assert found(lambda: knot() and None) == 1
assert found(lambda: [knot() for _ in range(1000)] and None) == 1000
assert found(list_and_tuple) == 2
assert found(behind_a_knot) == 4
assert found(in_front_of_a_knot) == 1

# What was old before it died.
kept = [knot() for _ in range(10)]
gc.collect()
gc.collect()
del kept
assert gc.collect() == 10
assert gc.collect() == 0

# A finalizer that revives: nothing died.
revived = []


class Lazarus:
    def __init__(self):
        self.me = self
        self.cargo = [self]

    def __del__(self):
        revived.append(self)


assert found(lambda: Lazarus() and None) == 0
assert len(revived) == 1
revived.clear()
assert gc.collect() == 2


# A finalizer that does not.
class Quiet(Lazarus):
    def __del__(self):
        pass


assert found(lambda: Quiet() and None) == 2

# Finalizers of what counting would have freed: from outside inwards.
order = []


class Told:
    def __init__(self, name, *more):
        self.name, self.more = name, more

    def __del__(self):
        order.append(self.name)


def tell():
    inner = [Told(i) for i in range(3)]
    outer = Told("outer", Told("middle", inner))
    del inner, outer


tell()
gc.collect()
assert order[:2] == ["outer", "middle"] and sorted(order[2:]) == [0, 1, 2], order

# Saved instead of freed.
gc.collect()
gc.set_debug(gc.DEBUG_SAVEALL)
try:
    knot()
    [[]]
    assert gc.collect() == 1
finally:
    gc.set_debug(0)
assert len(gc.garbage) == 1 and gc.garbage[0].me is gc.garbage[0]
gc.garbage.clear()
assert gc.collect() == 1

# Statistics and callbacks.
calls = []
before = gc.get_stats()
gc.callbacks.append(lambda phase, info: calls.append((phase, info["generation"], info["collected"])))
knot()
assert gc.collect() == 1
gc.callbacks.clear()
after = gc.get_stats()
assert calls == [("start", 2, 0), ("stop", 2, 1)], calls
assert after[2]["collections"] == before[2]["collections"] + 1
assert after[2]["collected"] == before[2]["collected"] + 1

# Generations.
gc.collect()
new = [[]]
assert [any(new is x for x in gc.get_objects(g)) for g in range(3)] == [True, False, False]
gc.collect(0)
assert [any(new is x for x in gc.get_objects(g)) for g in range(3)] == [False, True, False]
gc.collect(1)
assert [any(new is x for x in gc.get_objects(g)) for g in range(3)] == [False, False, True]
assert sorted(gc.get_referents([1, 2], {3: 4}, (5, 6))) == [1, 2, 3, 4, 5, 6]
