"""Generators and coroutines that die, exceptions that go through them, and what exceptions are told on their way."""

import gc
import math
import subprocess
import sys
import tempfile
import warnings


def collect():
    for _ in range(3):
        gc.collect()


# A generator that dies in a `try` is closed.
log = []


def held():
    try:
        yield 1
    finally:
        log.append("closed")


def start():
    g = held()
    next(g)


start()
collect()
assert log == ["closed"], log


# A coroutine that nobody awaited is told of.
async def forgotten():
    pass


with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    (lambda: forgotten())()
    collect()
assert [str(w.message) for w in seen] == ["coroutine 'forgotten' was never awaited"], seen


# What is thrown through a delegating generator is raised in frames that are seen.
def inner():
    yield sys._getframe().f_back.f_code.co_name
    yield


def outer():
    yield from inner()


class Probe:
    def __iter__(self):
        return self

    def __next__(self):
        return 1

    def throw(self, exc):
        return sys._getframe().f_back.f_code.co_name


def through():
    yield from Probe()


g = through()
next(g)
assert g.throw(ValueError()) == "through"


# Its context is what the generator handles, not what the thrower does.
def handling():
    try:
        raise KeyError("own")
    except KeyError:
        yield


g = handling()
next(g)
try:
    try:
        1 / 0
    except ZeroDivisionError:
        g.throw(ValueError())
except ValueError as e:
    assert isinstance(e.__context__, KeyError)
    assert e.__context__.__context__ is None


# An exception that is raised again is in the traceback once.
def again():
    try:
        1 / 0
    except ZeroDivisionError:
        raise


try:
    again()
except ZeroDivisionError as e:
    tb, depth = e.__traceback__, 0
    while tb:
        tb, depth = tb.tb_next, depth + 1
    assert depth == 2, depth

# The value of a lambda that is a generator is its result.
g = (lambda: (yield 1))()
next(g)
try:
    g.send(2)
except StopIteration as e:
    assert e.value == 2


# Keywords of calls are not private names.
class Private:
    def call(self):
        return dict(__x=1)


assert Private().call() == {"__x": 1}


# An AttributeError from `__getattr__` is told what it is about.
class Empty:
    def __getattr__(self, name):
        raise AttributeError


try:
    Empty().thing
except AttributeError as e:
    assert e.name == "thing" and type(e.obj) is Empty

# NaN has a sign.
assert math.copysign(1, float("-nan")) == -1
assert math.copysign(1, float("nan")) == 1


# Subclasses are not kept by their bases' list, and bases can be changed by a custom mro().
class Meta(type):
    def mro(cls):
        return type.mro(cls)


class A(metaclass=Meta):
    x = 1


class B(metaclass=Meta):
    x = 2


class C(A):
    pass


C.__bases__ = (B,)
assert C.x == 2 and A.__subclasses__() == [] and B.__subclasses__() == [C]

# What is alive at exit is finalized: files are flushed, generators closed.
def check_exit():
    with tempfile.NamedTemporaryFile() as file:
        code = f"""
f = open({file.name!r}, "w"); f.write("kept")
def g():
    try: yield
    finally: print("closed")
x = g(); next(x)
"""
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert out.stdout == "closed\n", out
        assert file.read() == b"kept"


# String hashes are random, unless the seed is given.
def hashes(seed):
    command = [sys.executable, "-c", "print(hash('seeded'))"]
    return subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True).stdout


# (Not every place where this runs can start the interpreter by its path.)
if subprocess.run([sys.executable, "-c", ""], capture_output=True).returncode == 0:
    check_exit()
    assert hashes("1") == hashes("1") != hashes("2")
    assert hashes("random") != hashes("random")
