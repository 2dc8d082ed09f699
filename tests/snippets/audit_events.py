"""Audit events: hooks hear of what is about to happen, with its arguments, and may forbid it."""

import array
import gc
import marshal
import os
import socket
import sys
import tempfile
import time

seen = None


def hook(event, args):
    if seen is not None:
        seen.append((event, args))


sys.addaudithook(hook)


def events(f, *names):
    """What is told while `f` runs; only the named events if there are names."""
    global seen
    seen = heard = []
    try:
        f()
    finally:
        seen = None
    return [e for e in heard if not names or e[0] in names]


def check(f, *expected):
    found = events(f, *{name for name, _ in expected})
    assert found == list(expected), (found, expected)


# Functions whose arguments are the event's; what was not given has a default.
directory = tempfile.mkdtemp()
a, b = os.path.join(directory, "a"), os.path.join(directory, "b")
check(lambda: os.mkdir(a), ("os.mkdir", (a, 511, -1)))
check(lambda: os.chmod(a, 0o700), ("os.chmod", (a, 0o700, -1)))
check(lambda: os.rename(a, dst=b), ("os.rename", (a, b, -1, -1)))
check(lambda: os.utime(b, (1, 2)), ("os.utime", (b, (1, 2), None, -1)))
check(lambda: os.listdir(), ("os.listdir", (None,)))
check(lambda: list(os.scandir(b)), ("os.scandir", (b,)))
check(lambda: os.rmdir(path=b), ("os.rmdir", (b, -1)))
check(lambda: os.kill(os.getpid(), 0), ("os.kill", (os.getpid(), 0)))
os.rmdir(directory)

# Sockets: functions and methods.
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
address = ("127.0.0.1", 0)
check(lambda: s.bind(address), ("socket.bind", (s, address)))
check(lambda: s.sendto(b"x", s.getsockname()), ("socket.sendto", (s, s.getsockname())))
check(lambda: s.connect(s.getsockname()), ("socket.connect", (s, s.getsockname())))
made = []
found = events(lambda: made.append(socket.socket()), "socket.__new__")
assert found == [("socket.__new__", (made[0], socket.AF_INET, socket.SOCK_STREAM, 0))], found
made[0].close()
s.close()
check(socket.gethostname, ("socket.gethostname", ()))

# Files.
found = events(lambda: open(os.devnull, "wb", buffering=0).close(), "open")
assert [(n, x[:2]) for n, x in found] == [("open", (os.devnull, "w"))], found
found = events(lambda: os.close(os.open(os.devnull, os.O_RDONLY)), "open")
assert [(n, x[:2]) for n, x in found] == [("open", (os.devnull, None))], found

# Code.
code = compile("1", "name", "eval")
check(lambda: eval(code), ("exec", (code,)))
check(lambda: compile("1 + 1", "name", "eval"), ("compile", (b"1 + 1", "name")))
assert [n for n, _ in events(lambda: exec("x = 1"))] == ["compile", "exec"]
found = events(lambda: __import__("wave"), "import")
assert found[0] == ("import", ("wave", None, sys.path, sys.meta_path, sys.path_hooks)), found[0]
check(lambda: __import__("wave"))

# Attributes that say how code runs.


def f():
    yield


async def coroutine():
    pass


check(lambda: f.__code__, ("object.__getattr__", (f, "__code__")))
check(lambda: f.__globals__)
code = f.__code__


def change():
    f.__code__ = code
    f.__defaults__ = None
    del f.__kwdefaults__


check(
    change,
    ("object.__setattr__", (f, "__code__", code)),
    ("object.__delattr__", (f, "__defaults__")),
    ("object.__delattr__", (f, "__kwdefaults__")),
)
g, c = f(), coroutine()
check(lambda: g.gi_frame, ("object.__getattr__", (g, "gi_frame")))
check(lambda: c.cr_code, ("object.__getattr__", (c, "cr_code")))
c.close()


class A:
    pass


class B:
    pass


instance = A()


def change():
    A.__name__ = "X"
    A.attribute = 1
    instance.__class__ = B


check(change, ("object.__setattr__", (A, "__name__", "X")), ("object.__setattr__", (instance, "__class__", B)))

# Others.
check(lambda: id(12), ("builtins.id", (id(12),)))
check(lambda: array.array("i", [1]), ("array.__new__", ("i", [1])))
check(lambda: time.sleep(0), ("time.sleep", (0,)))
check(lambda: gc.get_referents(1, 2), ("gc.get_referents", ((1, 2),)))
data = marshal.dumps(1)
check(lambda: marshal.loads(marshal.dumps(1)), ("marshal.dumps", (1, marshal.version)), ("marshal.loads", (data,)))
check(sys._getframemodulename, ("sys._getframemodulename", (0,)))
check(lambda: sys.settrace(None), ("sys.settrace", ()))
check(lambda: sys.audit("own.event", 1, 2), ("own.event", (1, 2)))

# Hooks are not found by looking for lists, and are not traced unless they say so.
assert not any(hook in o for o in gc.get_objects() if type(o) is list)
traced = []
sys.settrace(lambda frame, event, arg: traced.append(frame.f_code.co_name))
eval("1")
sys.settrace(None)
assert "hook" not in traced, traced


# What a hook raises forbids, a further hook among it.
forbidden = None


def forbid(event, args):
    if event == forbidden:
        raise RuntimeError("no " + event)


sys.addaudithook(forbid)
forbidden = "time.sleep"
try:
    time.sleep(100)
except RuntimeError as e:
    assert str(e) == "no time.sleep"
else:
    assert False
heard = []
forbidden = "sys.addaudithook"
sys.addaudithook(lambda *args: heard.append(args))
forbidden = None
sys.audit("own.event")
assert not heard

print("audit_events: ok")
