"""Code that gets hot, and then meets something else than what made it hot: types, classes, errors, and whoever looks in from outside."""

import sys

HOT = 4000


# Ints that outgrow a machine word's part, floats in between, negative divisors.
def total(items, start):
    s = start
    for x in items:
        s = s + x * 3 - 1
    return s


assert total(range(HOT), 0) == sum(x * 3 - 1 for x in range(HOT))
assert total([1 << 49] * HOT, 0) == HOT * (3 * (1 << 49) - 1)
assert total([0.5] * HOT, 0) == HOT * 0.5
assert total([1, 0.5, 1 << 70, True], 1j) == 1j + 2 + 0.5 + (1 << 70) * 3 - 1 + 2
assert str(total([float("nan"), 1], 0)) == "nan"


def divisions(n, d):
    q = r = 0
    for i in range(-n, n):
        q += i // d
        r += i % d
    return q, r


for d in (7, -7, 1, 1.5):
    assert divisions(HOT, d) == (sum(i // d for i in range(-HOT, HOT)), sum(i % d for i in range(-HOT, HOT))), d
try:
    divisions(HOT, 0)
    raise AssertionError("no error")
except ZeroDivisionError as e:
    assert e.__traceback__.tb_next.tb_lineno == divisions.__code__.co_firstlineno + 3


def compared(items, limit):
    n = 0
    for x in items:
        if x < limit:
            n += 1
        elif not x == limit:
            n -= 1
    return n


assert compared(range(HOT), 10) == 10 - (HOT - 11)
assert compared([0.5, 20.5, float("nan")] * HOT, 10) == -HOT
assert compared(["a", "b", "c"] * 3, "b") == 0


# Attributes: another class, a class that changes, attributes that come and go, properties.
class Point:
    scale = 1

    def __init__(self, x):
        self.x = x

    def moved(self, by):
        return self.x + by * self.scale


class Other:
    def __init__(self, x):
        self.y, self.x, self.scale = 0, x, 2

    def moved(self, by):
        return -self.x - by


def walk(points, n):
    s = 0
    for i in range(n):
        p = points[i % len(points)]
        p.x = p.x + 1
        s += p.moved(1)
    return s


assert walk([Point(0)], HOT) == HOT * (HOT + 1) // 2 + HOT
assert walk([Point(0), Other(0)], 2 * HOT) == 0
Point.scale = 3
assert walk([Point(0)], 2) == 1 + 3 + 2 + 3
Point.moved = lambda self, by: 100
assert walk([Point(0)], HOT) == 100 * HOT
Point.x = property(lambda self: 5, lambda self, v: None)
assert walk([Point.__new__(Point)], 3) == 300
del Point.x, Point.moved
try:
    walk([Point(0)], 1)
    raise AssertionError("no error")
except AttributeError as e:
    assert e.name == "moved"


# Globals and builtins that change while a loop runs.
def lengths(n):
    k = 0
    for i in range(n):
        k += len("abc")
        if i == n // 2:
            globals()["len"] = lambda x: 10
    return k


assert lengths(2 * HOT) == 3 * (HOT + 1) + 10 * (HOT - 1)
del len
assert lengths(2) == 3 + 3
del len


# Items: negative and too large indexes, other containers, lists that change under an iterator.
def picked(c, keys):
    s = 0
    for k in keys:
        s += c[k]
    return s


assert picked(list(range(10)), [1, -1, 2] * HOT) == HOT * 12
assert picked((1, 2, 3), [0, 1, True] * HOT) == HOT * 5
assert picked({-1: 5, "a": 6}, [-1, "a"] * HOT) == HOT * 11
for bad, error in (([1], IndexError), ({}, KeyError), (None, TypeError)):
    try:
        picked(bad, [7])
        raise AssertionError("no error")
    except error:
        pass


def grown(items):
    n = 0
    for x in items:
        n += x
        if len(items) < HOT:
            items.append(x + 1)
    return n, len(items)


assert grown([0]) == (HOT * (HOT - 1) // 2, HOT)
assert lengths.__name__ == "lengths" and grown([HOT]) == (sum(range(HOT, 2 * HOT)), HOT)


# Exceptions inside and out of hot code, with their lines; handlers, finally, else.
def caught(n):
    seen = []
    for i in range(n):
        try:
            if i % 1000 == 7:
                raise KeyError(i)
        except KeyError as e:
            seen.append((e.args[0], e.__traceback__.tb_lineno - caught.__code__.co_firstlineno))
        else:
            continue
        finally:
            n -= 0
    return seen


assert caught(HOT) == [(i, 5) for i in range(7, HOT, 1000)]


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


for _ in range(HOT // 100):
    assert deep(300) == 300
try:
    deep(10**6)
    raise AssertionError("no error")
except RecursionError:
    pass
assert deep(300) == 300


# Somebody who looks into a running frame, and writes there.
def watched(n):
    x = i = 0
    for i in range(n):
        x += 1
        if i == n - 2:
            peek()
    return x


def peek():
    f = sys._getframe(1)
    assert f.f_locals["i"] == f.f_locals["n"] - 2 == f.f_locals["x"] - 1
    assert f.f_lineno == watched.__code__.co_firstlineno + 5
    f.f_locals["x"] = 50


assert watched(HOT) == 51


# Generators: suspended, delegating, thrown into, closed while hot.
def numbers(n):
    for i in range(n):
        got = yield i
        if got:
            yield got * 2


def twice(n):
    first = yield from numbers(n)
    yield first
    return "done"


assert sum(x for x in numbers(HOT)) == HOT * (HOT - 1) // 2
assert list(twice(3)) == [0, 1, 2, None]
g = numbers(2 * HOT)
for x in g:
    if x == HOT:
        break
assert g.send(21) == 42 and next(g) == HOT + 1
try:
    g.throw(ValueError("in"))
    raise AssertionError("no error")
except ValueError as e:
    assert e.__traceback__.tb_next.tb_lineno == numbers.__code__.co_firstlineno + 2
assert list(g) == []


def returning(n):
    yield from range(n)
    return n


def collected(n):
    out = []
    for i in range(n):
        out.append((yield from returning(i % 3)))
    return out


try:
    g = collected(HOT)
    while True:
        next(g)
except StopIteration as e:
    assert e.value == [i % 3 for i in range(HOT)]


# Closures, cells that are empty, names that are unbound.
def counter():
    n = 0

    def step():
        nonlocal n
        n += 1
        return n

    return step


step = counter()
for _ in range(HOT):
    step()
assert step() == HOT + 1


def unbound(n):
    for i in range(n):
        if i == n - 1:
            del i
        j = i
    return j


try:
    unbound(HOT)
    raise AssertionError("no error")
except UnboundLocalError as e:
    assert "'i'" in str(e)


# Truth, identity, boxed numbers.
class Empty:
    def __bool__(self):
        return False


def truths(items):
    return [(1 if x else 0, 1 if x is None else 0, not x, x is not items) for x in items]


mixed = [0, 1, None, "", "a", [], [0], 0.0, 1 << 60, Empty(), True]
assert truths(mixed * HOT)[: len(mixed)] == [(int(bool(x)), int(x is None), not x, True) for x in mixed]
