"""Handlers of exceptions in code that is hot: they are compiled once exceptions have come there often, and go on as before."""

import contextlib
import sys
import traceback

HOT = 2200


class Odd(Exception):
    pass


def fails(kind, *args):
    raise kind(*args)


def caught(n):
    """Several handlers in one function, of which each is entered many times."""
    seen = []
    for i in range(n):
        try:
            fails(ValueError, i)
        except TypeError:
            seen.append("no")
        except ValueError as e:
            seen.append(e.args[0])
        try:
            int("x")
        except (KeyError, ValueError):
            assert isinstance(sys.exception(), ValueError)
        assert sys.exception() is None
        try:
            raise Odd(i) from None
        except Odd as e:
            assert e.__suppress_context__ and e.__context__ is None
            last = e
    return seen, last


seen, last = caught(HOT)
assert seen == list(range(HOT))
assert last.args == (HOT - 1,)
assert last.__traceback__.tb_lineno == caught.__code__.co_firstlineno + 16, last.__traceback__.tb_lineno


def nested(n):
    """An exception in a handler has a context; what is raised again goes on with its own traceback."""
    counts = {}
    for i in range(n):
        try:
            try:
                [][i]
            except IndexError as first:
                if i % 3 == 0:
                    raise
                if i % 3 == 1:
                    raise Odd(i)
                raise Odd(i) from first
            finally:
                counts["finally"] = counts.get("finally", 0) + 1
        except IndexError as e:
            assert e.__context__ is None
            kind = "raised again"
        except Odd as e:
            assert isinstance(e.__context__, IndexError)
            assert (e.__cause__ is e.__context__) == (i % 3 == 2)
            kind = "another"
        counts[kind] = counts.get(kind, 0) + 1
    return counts


assert nested(HOT) == {"finally": HOT, "raised again": (HOT + 2) // 3, "another": HOT - (HOT + 2) // 3}


def through(n):
    """Frames between, and one that only cleans up."""
    open_ones = []

    @contextlib.contextmanager
    def opened(name):
        open_ones.append(name)
        try:
            yield name
        finally:
            open_ones.remove(name)

    def inner(i):
        with opened(i):
            if i % 2:
                raise Odd(i)
            return i

    total = 0
    for i in range(n):
        try:
            total += inner(i)
        except Odd as e:
            total -= e.args[0]
            names = [f.name for f in traceback.extract_tb(e.__traceback__)]
            assert names == ["through", "inner"], names
        assert not open_ones
    return total


assert through(HOT) == -HOT // 2


def generator(n):
    """A generator handles what is thrown into it, and sets aside what its callers handle."""
    got = None
    for _ in range(n):
        try:
            yield got
        except Odd as e:
            assert sys.exception() is e
            got = e.args[0]


def throws(n):
    g = generator(n + 1)
    assert next(g) is None
    for i in range(n):
        try:
            raise KeyError(i)
        except KeyError as e:
            assert g.throw(Odd(i)) == i
            assert sys.exception() is e
    assert sys.exception() is None


throws(HOT)


def leaves(n):
    """Handlers that leave by break, continue and return, and one that lets go of what it caught."""
    done = 0
    while True:
        try:
            if done >= n:
                fails(StopIteration)
            fails(Odd)
        except StopIteration:
            break
        except Odd:
            done += 1
            continue
    try:
        fails(Odd, done)
    except Odd as e:
        return e.args[0]


for _ in range(3):
    assert leaves(HOT) == HOT


def groups(n):
    """`except*` splits."""
    rest = 0
    for i in range(n):
        try:
            try:
                raise ExceptionGroup("some", [ValueError(i), KeyError(i)])
            except* ValueError as e:
                assert len(e.exceptions) == 1
        except ExceptionGroup as e:
            rest += len(e.exceptions)
    return rest


assert groups(HOT // 5) == HOT // 5


def watched(n):
    """Tools that begin to watch while the code is hot are told of what it handles."""
    events = []

    def trace(frame, event, arg):
        if event == "exception":
            events.append(arg[0])
        return trace

    for i in range(n):
        if i == n - 2:
            sys.settrace(trace)
            sys._getframe().f_trace = trace
        try:
            fails(Odd)
        except Odd:
            pass
    sys.settrace(None)
    return events


assert watched(HOT) == [Odd] * 4, watched(HOT)


class Changes:
    """Added to a sum, it changes the list that is summed."""

    def __init__(self, items):
        self.items = items

    def __radd__(self, total):
        self.items.append(total)
        return 100


items = [1, 2.5, True]
items += [Changes(items), 7, False]
assert sum(items) == 100 + 7 + 0 + 4.5
assert len(items) == 7
assert sum(range(10)) == sum(list(range(10))) == sum(tuple(range(10))) == 45
assert sum([1 << 49, 1 << 49, 1 << 49, 1 << 62, -1]) == 3 * (1 << 49) + (1 << 62) - 1
assert sum([1, 2, 0.5, 3]) == 6.5 and sum([True, True], 1) == 3
assert sum([0.1] * 10) == 1.0 and sum([1, 2j, 0.5]) == 1.5 + 2j
