# zeal: 1000000
"""What can be seen to end does so when it is dropped, whatever held it."""

import gc
import io
import os
import sys
import warnings
import weakref

ended = []


class Noted:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        ended.append(self.name)


class Box:
    pass


def check(*names):
    assert ended == list(names), (ended, names)
    ended.clear()


def variables():
    a = Noted("del")
    del a
    check("del")
    a = Noted("overwritten")
    a = None
    check("overwritten")
    Noted("temporary")
    check("temporary")
    assert Noted("operand").name == "operand"
    check("operand")

    def cell():
        nonlocal a
        a = None

    a = Noted("cell")
    cell()
    check("cell")


def containers():
    box = Box()
    box.first, box.again = Noted("in a box"), [box]
    box.again.clear()
    del box
    check("in a box")
    box = Box()
    box.value = Noted("attribute")
    box.value = None
    check("attribute")
    table = {i: Noted(i) for i in range(4)}
    del table[2]
    check(2)
    table[0] = None
    check(0)
    table.clear()
    assert sorted(ended) == [1, 3]
    ended.clear()
    outer = Noted("outer")
    outer.inner = Noted("inner")
    del outer
    check("outer", "inner")


def frames():
    def returns():
        local = Noted("local")
        return len(local.name)

    returns()
    check("local")

    def raises():
        local = Noted("unwound")
        raise ValueError(local.name)

    try:
        raises()
    except ValueError:
        assert ended == []
    check("unwound")

    try:
        try:
            raises()
        except ValueError as e:
            kept = e
    finally:
        assert ended == []
        kept = None
    check("unwound")


def generators():
    def generator():
        try:
            yield 1
        finally:
            ended.append("finally")

    g = generator()
    next(g)
    del g
    check("finally")
    for x in generator():
        break
    check("finally")

    def delegates():
        yield from generator()

    any(delegates())
    check("finally")

    def holds(value):
        yield value

    g = holds(Noted("argument"))
    g.close()
    check("argument")

    async def coroutine():
        pass

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coroutine()
        assert len(caught) == 1


def places():
    """The line of what dropped something is that of its end."""
    lines = []

    class Says:
        def __del__(self):
            lines.append(sys._getframe(1).f_lineno - first)

    class Box:
        pass

    def drops(a, box):
        a = None
        box.a = Says()
        box.a = None
        del box
        b = Says()
        del b
        c = 1

    first = drops.__code__.co_firstlineno
    drops(Says(), Box())
    assert lines == [1, 3, 6], lines

    def closes_badly():
        try:
            yield
        except GeneratorExit:
            yield

    reports = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda u: reports.append(u.exc_traceback.tb_lineno)
    try:
        g = closes_badly()
        next(g)
        line = sys._getframe().f_lineno + 1
        del g
    finally:
        sys.unraisablehook = hook
    assert reports == [line]


def frames_of_generators():
    def generator(a):
        yield a

    g = generator(Noted("argument"))
    frame = g.gi_frame
    assert frame.f_generator is g
    weak = weakref.ref(g)
    next(g)
    del g
    assert weak() is None
    assert frame.f_generator is None
    assert frame.f_locals["a"].name == "argument"
    frame.clear()
    check("argument")


def weak_references():
    box = Box()
    seen = []
    plain, called = weakref.ref(box), weakref.ref(box, seen.append)
    assert plain() is box
    del box
    assert plain() is None
    assert seen == [called]
    values = weakref.WeakValueDictionary()
    box = values["box"] = Box()
    assert len(values) == 1
    del box
    assert len(values) == 0


def revived():
    back = []

    class Returns:
        def __del__(self):
            back.append(self)

    value = Returns()
    weak = weakref.ref(value)
    del value
    assert len(back) == 1
    # As its references were not the last, the weak ones still have it.
    assert weak() is back[0]
    back.clear()
    assert weak() is None
    assert back == []


def cycles():
    # They wait for a collection.
    gc.collect()
    gc.disable()
    box = Noted("cycle")
    box.me = box
    held = Box()
    held.box, held.me = Noted("held by a cycle"), held
    del box, held
    check()
    gc.enable()
    gc.collect()
    assert sorted(ended) == ["cycle", "held by a cycle"]
    ended.clear()


def files():
    class Raw(io.RawIOBase):
        def close(self):
            if not self.closed:
                ended.append("closed")
            super().close()

        def readable(self):
            return True

    raw = Raw()
    del raw
    check("closed")
    reader = io.BufferedReader(Raw())
    try:
        reader.missing
    except AttributeError:
        pass
    del reader
    check("closed")


for part in (variables, containers, frames, generators, places, frames_of_generators, weak_references, revived, cycles, files):
    part()

name = Noted("global")
del name
check("global")
name = Noted("global")
name = None
check("global")
