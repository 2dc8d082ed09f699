# Generators, coroutines, async generators.
import asyncio
import gc
import types
import weakref


def echo():
    got = []
    try:
        while True:
            try:
                got.append((yield len(got)))
            except ValueError as error:
                got.append(str(error))
    finally:
        got.append("closed")
        log.append(got)


log = []
g = echo()
assert next(g) == 0 and g.send("a") == 1 and g.throw(ValueError("v")) == 2
g.close()
assert log == [["a", "v", "closed"]]
try:
    next(g)
except StopIteration as stop:
    assert stop.value is None


def inner():
    x = yield 1
    y = yield x
    return x + y


def outer():
    result = yield from inner()
    yield ("result", result)
    yield from "ab"


o = outer()
assert [next(o), o.send(10), o.send(5), next(o), next(o)] == [1, 10, ("result", 15), "a", "b"]
assert list(outer.__code__.co_varnames) == ["result"]


def fails():
    yield 1
    raise StopIteration("no")


f = fails()
next(f)
try:
    next(f)
except RuntimeError as error:
    assert str(error) == "generator raised StopIteration"


def reentered():
    yield from me


me = reentered()
try:
    next(me)
except ValueError as error:
    assert str(error) == "generator already executing"


def primes():
    n, known = 2, []
    while True:
        if all(n % p for p in known):
            known.append(n)
            yield n
        n += 1


found = []
for p in primes():
    if p > 40:
        break
    found.append(p)
assert found == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37]
assert sum(x * x for x in range(10) if x % 2) == 165
assert isinstance((x for x in ()), types.GeneratorType)
assert dict(zip("abc", (i for i in range(3)))) == {"a": 0, "b": 1, "c": 2}
first, *rest = (i for i in range(4))
assert first == 0 and rest == [1, 2, 3]


async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


class Lock:
    async def __aenter__(self):
        return "in"

    async def __aexit__(self, *exc):
        steps.append("out")


async def work(name, n):
    async with Lock() as where:
        steps.append((name, where))
        return [i async for i in ticks(n)], {i: i async for i in ticks(2)}


async def main():
    results = await asyncio.gather(work("a", 2), work("b", 3))
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)
    except TimeoutError:
        steps.append("timeout")
    queue = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.put(1))
        value = group.create_task(queue.get())
    return results, value.result()


steps = []
assert asyncio.run(main()) == ([([0, 1], {0: 0, 1: 1}), ([0, 1, 2], {0: 0, 1: 1})], 1)
assert steps == [("a", "in"), ("b", "in"), "out", "out", "timeout"]


# the value of a generator that was exhausted by something else is nobody else's
def returns_five():
    return 5
    yield


list(returns_five()), sum(returns_five()), next(returns_five(), 0)
for iterator in (iter([]), zip(), map(str, []), iter({}), reversed([])):
    list(returns_five())
    try:
        next(iterator)
    except StopIteration as e:
        assert e.value is None and e.args == (), e.args


# delegation several levels deep: values, results and exceptions pass through
def leaf(log):
    got = None
    try:
        while True:
            got = yield got
            if got == "raise":
                raise KeyError("leaf")
            if got == "return":
                return "result"
            if got == "stop":
                raise StopIteration(3)
    except ValueError as e:
        log.append(e.args[0])
        yield "caught"
        return "after"
    finally:
        log.append("leaf left")


def middle(log):
    try:
        r = yield from leaf(log)
        log.append(r)
        return ("middle", r)
    except KeyError:
        log.append("middle caught")
        yield "recovered"
    finally:
        log.append("middle left")


def top(log):
    r = yield from middle(log)
    log.append(r)
    yield "last"


def begun():
    log = []
    g = top(log)
    assert next(g) is None and g.send(1) == 1 and g.send("x") == "x" and g.gi_yieldfrom.gi_yieldfrom.gi_suspended
    return g, log


g, log = begun()
assert g.send("return") == "last" and list(g) == []
assert log == ["leaf left", "result", "middle left", ("middle", "result")]
g, log = begun()
assert g.send("raise") == "recovered" and next(g) == "last"
assert log == ["leaf left", "middle caught", "middle left", None]
g, log = begun()
assert g.throw(ValueError("thrown")) == "caught" and g.send(5) == "last"
assert log == ["thrown", "leaf left", "after", "middle left", ("middle", "after")]
g, log = begun()
g.close()
assert log == ["leaf left", "middle left"] and g.gi_frame is None
g, log = begun()
try:
    g.send("stop")
except RuntimeError as e:
    import traceback

    assert str(e) == "generator raised StopIteration" and e.__cause__.value == 3
    assert [f.name for f in traceback.extract_tb(e.__traceback__)][:3] == ["<module>", "top", "middle"]
else:
    raise AssertionError("RuntimeError not raised")


def descending(n):
    if n:
        yield from descending(n - 1)
        yield n
        yield from descending(n - 1)


assert sum(descending(9)) == 1013 and sum(x for x in descending(9)) == 1013


def spine(n):
    if n:
        yield from spine(n - 1)
    yield n


assert list(spine(300)) == list(range(301))


def endless(n):
    yield from endless(n + 1)


try:
    next(endless(0))
except RecursionError:
    pass
else:
    raise AssertionError("RecursionError not raised")


def itself():
    yield from me


me = itself()
try:
    next(me)
except ValueError as e:
    assert str(e) == "generator already executing"
else:
    raise AssertionError("ValueError not raised")


# what handles an exception goes on handling it whoever resumes
def handling():
    try:
        raise KeyError(1)
    except KeyError:
        inner = yield from two_values()
        assert sys.exception().args == (1,)
        return inner


def two_values():
    assert sys.exception().args == (1,)
    yield 1
    assert sys.exception().args == (1,)
    return 2


import sys

try:
    raise OSError(7)
except OSError:
    g = handling()
    assert next(g) == 1 and sys.exception().args == (7,)
    assert next(g, "end") == "end" and sys.exception().args == (7,)


async def level(n):
    if n == 0:
        await asyncio.sleep(0)
        return 1
    return 1 + await level(n - 1)


assert asyncio.run(level(50)) == 51


# What a generator has let go of since it was resumed is not kept by what it had when it was.
def test_running_generators_keep_nothing_old():
    class Thing:
        pass

    def generator():
        thing = Thing()
        reference = weakref.ref(thing)
        yield
        del thing
        gc.collect()
        yield reference()

    running = generator()
    next(running)
    assert next(running) is None


test_running_generators_keep_nothing_old()
