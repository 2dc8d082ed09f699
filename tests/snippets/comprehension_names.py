"""The variables of comprehensions that run in the frame around them: seen while they run (PEP 709), gone afterwards."""

import gc
import sys


def namespace():
    frame = sys._getframe(1)
    return sorted(frame.f_locals), frame.f_locals is frame.f_globals


# In a module: alone while a comprehension runs.
assert [locals() for y in [3]] == [{"y": 3}]
assert [[locals() for w in [4]] for y in [3]] == [[{"y": 3, "w": 4}]]
assert [vars() for y in [3]] == [{"y": 3}] and [dir() for y in [3]] == [["y"]]
assert [locals() is globals() for y in [3]] == [False] and locals() is globals()
assert [eval("y") for y in [3]] == [3] and [eval("sorted(locals())") for y in [3]] == [["y"]]
assert [namespace() for y in [3]] == [(["y"], False)] and namespace()[1]
assert [(lambda: y, locals())[1] for y in [3]] == [{"y": 3}]
y = 1
assert [exec("y = 9") for y in [3]] == [None] and y == 1
assert "y" in globals() and [globals()["y"] for y in [3]] == [1]

# In a class.
class K:
    y = 4
    seen = [locals() for y in [3]]
    cells = [(lambda: y, locals())[1] for y in [3]]
    [exec("y = 9") for y in [3]]
    [exec("z = 9") for y in [3]]
    after = sorted(locals())
    mangled = [sorted(locals()) for __x in [1]]
    generator = list(sorted(locals()) for w in [1])


assert K.seen == [{"y": 3}] == K.cells and K.y == 4 and not hasattr(K, "z")
assert K.after == ["__firstlineno__", "__module__", "__qualname__", "cells", "seen", "y"], K.after
assert K.mangled == [["_K__x"]] and K.generator == [[".0", "w"]]


# In a function: among its variables, also those that are cells, the innermost of several.
def function(a):
    assert [(lambda: b, locals())[1] for b in [3]] == [{"a": 1, "b": 3}]
    assert [(locals(), lambda: a)[0] for a in [3]] == [{"a": 3}]
    inner = [[(locals()["c"], lambda: c)[0] for c in [9]] for c in [8]]
    assert inner == [[9]] and a == 1 and sorted(locals()) == ["a", "inner"]
    inner = [[(locals()["a"], a)[0] for a in [9]] for a in [8]], [(locals()["a"], a)[0] for a in [7]]
    assert inner == ([[9]], [7])


function(1)
assert set(function.__code__.co_varnames) == {"a", "inner", "b", "c"}, function.__code__.co_varnames
assert function.__code__.co_cellvars == ("a", "b", "c"), function.__code__.co_cellvars
code = compile("[q for q in x]\n[lambda: r for r in x]", "", "exec")
assert (code.co_varnames, code.co_cellvars, code.co_nlocals) == (("q", "r"), ("r",), 2)


# An exception ends them, too.
def caught():
    x = 5
    try:
        [1 / 0 for x in [1] for y in [lambda: x] if y]
    except ZeroDivisionError as e:
        assert x == 5 and sorted(locals()) == ["e", "x"]
        assert sorted(e.__traceback__.tb_frame.f_locals) == ["e", "x"]
    try:
        [[1 / (v - w) for v in [2, 1]] for w in [1]]
    except ZeroDivisionError:
        assert sorted(locals()) == ["x"]
    try:
        z
    except UnboundLocalError:
        pass
    else:
        raise AssertionError
    for z in ():
        pass
    try:
        try:
            [1 / 0 for z in [1]]
        finally:
            assert "z" not in locals()
    except ZeroDivisionError:
        pass
    return [sorted(locals()) for z in [1]]


assert caught() == [["x", "z"]]


def uncaught():
    before = 1
    return [1 / 0 for inside in [1]]


try:
    uncaught()
except ZeroDivisionError as e:
    assert e.__traceback__.tb_next.tb_frame.f_locals == {"before": 1}

try:
    [1 / 0 for y in [7]]
except ZeroDivisionError:
    assert y == 1 and locals() is globals()


# ... and a generator's or coroutine's that is closed or fails in one.
def generator():
    try:
        [(yield_from, 1 / 0) for yield_from in (yield 1)]
    except ZeroDivisionError:
        yield sorted(locals())


g = generator()
assert next(g) == 1 and g.send([2]) == []


async def numbers():
    yield 0


async def coroutine():
    try:
        [1 / n async for n in numbers()]
    except ZeroDivisionError:
        return sorted(locals())


try:
    coroutine().send(None)
except StopIteration as e:
    assert e.value == []


def shadowing():
    """A variable that no later instruction reads is there for `locals()` nevertheless."""
    x = "outer"
    return [(gc.collect(), locals()["x"])[1] for x in ["inner"]], x


assert shadowing() == (["inner"], "outer")
