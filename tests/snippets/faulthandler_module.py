"""faulthandler: stacks of threads, handlers of fatal and other signals, the watchdog."""

import faulthandler
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

HERE = (lambda: 0).__code__.co_filename
cpython = sys.implementation.name == "cpython"
executable = os.environ.get("CAPE_PEER_CPYTHON", sys.executable) if cpython else sys.executable


def raises(exc, text, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        assert type(e) is exc, type(e)
        assert str(e) == text, str(e)
    else:
        assert False, f"{f} does not raise"


def dumped(f, **kw):
    with tempfile.TemporaryFile() as file:
        f(file=file, **kw)
        file.seek(0)
        return file.read().decode()


def run(code, *options, env=None):
    """The exit code and what a program writes to stderr."""
    # No core files.
    code = "import resource, faulthandler\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n" + code.lstrip()
    e = {k: v for k, v in os.environ.items() if k not in ("PYTHONFAULTHANDLER", "PYTHONDEVMODE")}
    p = subprocess.run([executable, *options, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**e, **(env or {})}, timeout=60)
    return p.returncode, p.stderr.decode(), p.stdout.decode()


CURRENT = r"Current thread 0x[0-9a-f]{16}( \[.*\])? \(most recent call first\):\n"
OTHER = r"Thread 0x[0-9a-f]{16}( \[.*\])? \(most recent call first\):\n"

# ---- the calling thread's stack


def inner():
    return dumped(faulthandler.dump_traceback, all_threads=False)


def outer():
    x = inner()
    return x


def line_of(f, n):
    return f.__code__.co_firstlineno + n


d = line_of(dumped, 2)
text = outer()
expected = (
    f'Stack (most recent call first):\n  File "{HERE}", line {d} in dumped\n'
    f'  File "{HERE}", line {line_of(inner, 1)} in inner\n  File "{HERE}", line {line_of(outer, 1)} in outer\n'
)
assert text.startswith(expected), text
assert re.fullmatch(r'  File ".*", line \d+ in <module>\n', text[len(expected):]), text

# What is not printable ASCII is escaped; long names are cut; a hundred frames are shown.
space = {"dumped": dumped, "faulthandler": faulthandler}
name = 'a"\t\xe9\u1234\U0001f600'
exec(compile("\n\ndef \xf1():\n    return dumped(faulthandler.dump_traceback, all_threads=False)", name, "exec"), space)
assert '  File "a"\\x09\\xe9\\u1234\\U0001f600", line 4 in \\xf1\n' in space["\xf1"](), space["\xf1"]()
long = "x" * 550
exec(f"def {long}(): return dumped(faulthandler.dump_traceback, all_threads=False)", space)
assert f'  File "<string>", line 1 in {"x" * 500}...\n' in space[long]()


def deep(n):
    return deep(n - 1) if n else inner()


lines = deep(200).splitlines()
assert len(lines) == 101, len(lines)
assert lines[-1] == f'  File "{HERE}", line {line_of(deep, 1)} in deep'

# ---- all threads


go, there = threading.Event(), threading.Event()


def waits():
    there.set()
    go.wait()


t = threading.Thread(target=waits)
t.start()
there.wait()
text = dumped(faulthandler.dump_traceback)
go.set()
t.join()
first, second = text.split("\n\n")
assert re.match(OTHER + '  File ".*threading.py", line', first), text
assert re.search(rf'  File "{re.escape(HERE)}", line {line_of(waits, 2)} in waits\n', first), text
assert re.match(CURRENT + rf'  File "{re.escape(HERE)}", line {d} in dumped\n', second), text
assert f"{threading.get_ident():#018x}" in second

text = dumped(faulthandler.dump_c_stack)
head, *rest = text.splitlines()
assert head == "Current thread's C stack trace (most recent call first):"
assert rest and all(re.fullmatch(r'  Binary file ".+"(, at .*[+-]0x[0-9a-f]+)? \[0x[0-9a-f]+\]|  <.+>', r) for r in rest), rest

# ---- arguments


class File:
    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd


for f in faulthandler.enable, faulthandler.dump_traceback, faulthandler.dump_c_stack:
    raises(ValueError, "file is not a valid file descriptor", f, -1)
    raises(OverflowError, "Python int too large to convert to C int", f, 1 << 40)
    raises(AttributeError, "'str' object has no attribute 'fileno'", f, "x")
    raises(RuntimeError, "file.fileno() is not a valid file descriptor", f, File("x"))
    raises(RuntimeError, "file.fileno() is not a valid file descriptor", f, File(-2))
    stderr, sys.stderr = sys.stderr, None
    try:
        raises(RuntimeError, "sys.stderr is None", f)
        del sys.stderr
        raises(RuntimeError, "lost sys.stderr", f)
    finally:
        sys.stderr = stderr
later = faulthandler.dump_traceback_later
raises(ValueError, "timeout must be greater than 0", later, 0)
raises(ValueError, "timeout must be greater than 0", later, -1)
raises(OverflowError, "timestamp out of range for C PyTime_t", later, 1e30)
raises(TypeError, "'str' object cannot be interpreted as an integer or float", later, "x")
faulthandler.cancel_dump_traceback_later()
for f in faulthandler.register, faulthandler.unregister:
    raises(RuntimeError, f"signal {signal.SIGSEGV} cannot be registered, use enable() instead", f, signal.SIGSEGV)
    raises(ValueError, "signal number out of range", f, 0)
    raises(ValueError, "signal number out of range", f, 65)
raises(OSError, "[Errno 22] Invalid argument", faulthandler.register, signal.SIGKILL)
assert faulthandler.unregister(signal.SIGUSR2) is False
assert not faulthandler.is_enabled()
faulthandler.enable(2, True, False)
faulthandler.enable(all_threads=False, c_stack=True)
assert faulthandler.is_enabled()
assert faulthandler.disable() is True
assert faulthandler.disable() is False

# ---- signals that are asked for


def asks(chain):
    with tempfile.TemporaryFile() as file:
        faulthandler.register(signal.SIGUSR1, file, all_threads=False, chain=chain)
        signal.raise_signal(signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert faulthandler.unregister(signal.SIGUSR1)
        file.seek(0)
        return file.read().decode()


came = []
signal.signal(signal.SIGUSR1, lambda n, f: came.append(n))
text = asks(False)
parts = text.split("Stack (most recent call first):\n")
assert len(parts) == 3 and not parts[0], text
for part, n in zip(parts[1:], (3, 4)):
    assert part.startswith(f'  File "{HERE}", line {line_of(asks, n)} in asks\n'), part
assert came == []
assert asks(True).count("in asks\n") == 2
assert came == [signal.SIGUSR1] * 2, came
signal.raise_signal(signal.SIGUSR1)
assert came == [signal.SIGUSR1] * 3

# ---- the watchdog

code, err, _ = run("""
import time
def f():
    faulthandler.dump_traceback_later(0.1, repeat=True)
    time.sleep(0.55)
    faulthandler.cancel_dump_traceback_later()
    time.sleep(0.2)
f()
""")
one = r"Timeout \(0:00:00\.100000\)!\n" + OTHER + r'  File "<string>", line 6 in f\n  File "<string>", line 9 in <module>\n'
assert code == 0 and re.fullmatch(f"(?:{one}){{2,5}}", err), err

code, err, _ = run("""
faulthandler.dump_traceback_later(0.1, exit=True)
def busy():
    while True:
        pass
busy()
""")
assert code == 1, code
assert re.match(r"Timeout \(0:00:00\.100000\)!\n" + OTHER + r'  File "<string>", line [56] in busy\n  File "<string>", line 7 in <module>\n', err), err
# Another one takes the first one's place; the end does not wait for it.
code, err, _ = run("faulthandler.dump_traceback_later(0.1)\nfaulthandler.dump_traceback_later(3000)\nimport time; time.sleep(0.3)")
assert (code, err) == (0, ""), err
# A child of a fork has none to cancel, and may have its own. (CPython waits for ever for the one that it does not have.)
FORKED = """
import os, time, warnings
warnings.simplefilter("ignore")
faulthandler.dump_traceback_later(3000)
if os.fork():
    assert os.wait()[1] == 0
else:
    faulthandler.dump_traceback_later(0.1)
    time.sleep(0.3)
    os._exit(0)
"""
code, err, _ = (0, "", "") if cpython else run(FORKED)
assert cpython or code == 0 and re.match(r"Timeout \(0:00:00\.100000\)!\n" + OTHER + '  File "<string>", line 10 in <module>\n', err), err

# ---- fatal signals

FATAL = {
    "faulthandler._sigsegv()": (signal.SIGSEGV, "Segmentation fault"),
    "faulthandler._sigsegv(True)": (signal.SIGSEGV, "Segmentation fault"),
    "faulthandler._read_null()": (signal.SIGSEGV, "Segmentation fault"),
    "faulthandler._stack_overflow()": (signal.SIGSEGV, "Segmentation fault"),
    "faulthandler._sigabrt()": (signal.SIGABRT, "Aborted"),
    "os.abort()": (signal.SIGABRT, "Aborted"),
    "faulthandler._sigfpe()": (signal.SIGFPE, "Floating-point exception"),
    "signal.raise_signal(signal.SIGBUS)": (signal.SIGBUS, "Bus error"),
    "os.kill(os.getpid(), signal.SIGILL)": (signal.SIGILL, "Illegal instruction"),
}
C_STACK = "Current thread's C stack trace (most recent call first):\n"
for what, (number, name) in FATAL.items():
    code, err, _ = run(f"import os, signal\nfaulthandler.enable()\ndef f():\n    {what}\nf()")
    assert code == -number, (what, code, err)
    assert "Extension modules" not in err, err
    start = f"Fatal Python error: {name}\n\n{CURRENT}" + r'  File "<string>", line 6 in f\n  File "<string>", line 7 in <module>\n\n'
    assert re.match(start + re.escape(C_STACK) + '  Binary file ".+', err), (what, err)
    assert err.count("Fatal") == 1, err
    code, err, _ = run(f"import os, signal\nfaulthandler.enable(all_threads=False, c_stack=False)\n{what}")
    assert code == -number, (what, code, err)
    assert err == f'Fatal Python error: {name}\n\nStack (most recent call first):\n  File "<string>", line 5 in <module>\n', err
    if not what.startswith("faulthandler"):
        continue
    code, err, _ = run(f"import os, signal\nfaulthandler.enable()\nfaulthandler.disable()\n{what}")
    assert code in (-number, -signal.SIGABRT) and "Fatal Python error" not in err, (what, code, err)

# In a thread.
code, err, _ = run("""
import threading
faulthandler.enable()
def f():
    faulthandler._sigsegv()
t = threading.Thread(target=f)
t.start()
t.join()
""")
assert code == -signal.SIGSEGV, code
assert re.match(f"Fatal Python error: Segmentation fault\n\n{CURRENT}" + '  File "<string>", line 6 in f\n', err), err
assert re.search("\n\n" + OTHER + r'(  File ".*threading.py", line \d+ in .*\n)+  File "<string>", line [89] in <module>\n', err), err

# In a finalizer that the collector runs.
code, err, _ = run("""
import gc
class A:
    def __del__(self):
        faulthandler.dump_traceback()
a = A()
a.a = a
del a
gc.collect()
""")
assert code == 0 and re.match(CURRENT + '  Garbage-collecting\n  File "<string>", line 6 in __del__\n', err), err

# A fatal error of a thread that Python does not know.
code, err, _ = run("faulthandler._fatal_error_c_thread()")
assert code == -signal.SIGABRT, code
assert re.match(
    "Fatal Python error: faulthandler_fatal_error_thread: in new thread\nPython runtime state: initialized\n\n" + OTHER
    + '  File "<string>", line 3 in <module>\n', err), err

# Modules that are not the library's.
code, err, _ = run("import sys\nsys.stdlib_module_names = frozenset()\nfaulthandler.enable()\nfaulthandler._sigsegv()")
m = re.search(r"^Extension modules: (.*) \(total: (\d+)\)$", err, re.M)
names = m[1].split(", ")
assert len(names) == int(m[2]) and {"sys", "faulthandler"} <= set(names), err

# ---- asked for at the start

SHOW = "print(faulthandler.is_enabled())"
for options, env, on in (
    ((), {}, False),
    (("-X", "faulthandler"), {}, True),
    (("-X", "dev"), {}, True),
    ((), {"PYTHONFAULTHANDLER": "1"}, True),
    ((), {"PYTHONFAULTHANDLER": ""}, False),
    (("-E",), {"PYTHONFAULTHANDLER": "1"}, False),
):
    code, err, out = run(SHOW, *options, env=env)
    assert (code, out) == (0, f"{on}\n"), (options, env, code, out, err)
