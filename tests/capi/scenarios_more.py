"""What sequences of API calls do: scenarios_more.c; and what the data symbols are. The same holds in CPython.

usage: scenarios_more.py FOLDER_OF_THE_EXTENSIONS DATA_SYMBOLS"""

import atexit
import builtins
import errno
import gc
import io
import os
import re
import signal
import sys
import tempfile
import threading
import tracemalloc
import types

sys.path.insert(0, sys.argv[1])
import anycall
import scenarios_more
from checks import raises


def equal(a, b):
    assert a == b, (a, b)


def texts(errors):
    return [f"{type(e).__name__}: {re.sub(r'^[^ ]*:[0-9]+: ', '', str(e))}" for e in errors]


def address(function):
    return anycall.call(function, "k:", (), None)[0]


# ---- locks and what threads have of their own ----

equal(scenarios_more.locks(), (1, 0, 1, 1, 1, 1, 0))
equal(scenarios_more.thread_storage(), (0, 0, 0, 1, 0, 1, 0))
equal(scenarios_more.without_state(), (1, 1, 1))


def work():
    return sum(len(str(i)) for i in [[j] for j in range(1000)]), threading.get_ident() == threading.main_thread().ident


*before, result, back, kept, id, interpreter = scenarios_more.swapped(work)
equal((before, result, back, id, interpreter), ([1, 1, 1, 1], (4890, True), 1, 1, 1))
equal((type(kept), kept.args), (ValueError, ("mine",)))
equal(scenarios_more.in_thread(work, False), ((4890, False), 3))
equal(scenarios_more.in_thread(work, True), ((4890, False), 8))
equal(scenarios_more.in_thread(lambda: 1 / 0, False), (None, 3))
equal(threading.active_count(), 1)
*rest, frame = scenarios_more.states("key of scenarios_more")
equal(rest, [1, 2, 1, 1])
assert frame is sys._getframe()

# ---- writers of text ----

expected = ["ValueError: character must be in range(0x110000)",
            "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 4: invalid start byte",
            "ValueError: invalid start argument", "ValueError: invalid start argument", "ValueError: invalid end argument",
            "TypeError: expect str, not list", "SystemError: invalid format string: %q", "ValueError: length must be positive"]
bad, text, empty, errors = scenarios_more.writer("\u20ac'")
equal((bad, text, empty), (0, "ab\xe9cd\u20ac'\"\u20ac'\"234\U0001f600asc<NULL>|7 \u20ac'|\u20acxwi", ""))
equal(texts(errors), expected)
bad, text, empty, errors = scenarios_more.writer([1])
equal(text, "ab\xe9cd[1][1]234\U0001f600asc<NULL>|7 [1]|\u20acxwi")

# ---- contiguous views ----


def parts(m):
    return m.tobytes("F"), m.tolist(), m.shape, m.strides, m.format, m.c_contiguous, m.f_contiguous, m.readonly, type(m.obj)


square = memoryview(bytearray(range(24))).cast("B", (2, 3, 4))
for order in "CFA":
    view = scenarios_more.contiguous_view(square, order)
    equal(view.tolist(), square.tolist())
    equal(view.obj is square.obj, order != "F")
    strides = (1, 2, 6) if order == "F" else (12, 4, 1)
    equal((view.strides, view.f_contiguous, view.readonly), (strides, order == "F", order == "F"))
view = scenarios_more.contiguous_view(memoryview(b"abcdefghijkl").cast("h", (2, 3)), "F")
equal(parts(view), (b"abghcdijefkl", [[25185, 25699, 26213], [26727, 27241, 27755]], (2, 3), (2, 4), "h", False, True, True, bytes))
sliced = memoryview(bytearray(b"abcdefgh"))[::2]
equal(parts(scenarios_more.contiguous_view(sliced, "F")), (b"aceg", [97, 99, 101, 103], (4,), (1,), "B", True, True, True, bytes))
again = scenarios_more.contiguous_view(view, "C")
equal(parts(again), (b"abghcdijefkl", view.tolist(), (2, 3), (6, 2), "h", True, False, True, bytes))
del view, again, square, sliced
gc.collect()

# ---- memory and fresh objects ----

equal(scenarios_more.memory(), (1, 1, 1, 1, 1, 2, 1, 3))
bad, data, none, shared, cut, text, fields, items, errors, unique, no_more = scenarios_more.resized()
equal((bad, data, none, shared, cut, text, fields, items), (0, b"abcd", b"", b"abc", b"ab", "xxxyz", (1.5, [], "last"), [1 << 20]))
equal((unique, no_more), (1, 0))
equal(texts(errors), ["IndexError: string index out of range", "ValueError: character out of range",
                      "SystemError: bad argument to internal function", "IndexError: tuple assignment index out of range",
                      "IndexError: tuple assignment index out of range", "IndexError: list assignment index out of range"])

# ---- types ----

made, flags, slots, module, features, bad, errors = scenarios_more.types(None)
equal((made.__name__, made.__module__, made.__doc__, flags, slots, module, features, bad),
      ("Made", "scenarios_more", "Made.", 1, 1, 1, 1, 0))
equal(texts(errors), ["SystemError: bad argument to internal function", "SystemError: bad argument to internal function",
                      "TypeError: PyType_GetModule: Type 'int' is not a heap type",
                      "TypeError: PyType_GetModuleByDef: No superclass of 'int' has the given module",
                      "TypeError: PyType_GetModule: Type 'int' is not a heap type"])
equal(made().class_module(), (made, scenarios_more, scenarios_more))
raises(TypeError, "class_module() takes no arguments", made().class_module, 1)


class Derived(made):
    pass


equal(Derived().class_module(), (made, scenarios_more, scenarios_more))
over = scenarios_more.types((made,))[0]
equal((over.__bases__, over.__mro__, over().class_module()[0]), ((made,), (over, made, object), over))
equal(scenarios_more.types(made)[0].__bases__, (made,))
raises(TypeError, "type 'bool' is not an acceptable base type", scenarios_more.types, bool)

# ---- errors ----

raises(FileNotFoundError, "[Errno 2] No such file or directory", scenarios_more.from_errno, OSError, errno.ENOENT, None)
raises(PermissionError, "[Errno 13] Permission denied: 'name'", scenarios_more.from_errno, OSError, errno.EACCES, "name")
raises(OSError, "[Errno 17] File exists: 'one' -> 'two'", scenarios_more.from_errno, OSError, errno.EEXIST, "one", "two")
raises(ValueError, "(22, 'Invalid argument')", scenarios_more.from_errno, ValueError, errno.EINVAL, None)
raises(OSError, "[Errno 0] Error", scenarios_more.from_errno, OSError, 0, None)


def stderr_of(function, *args):
    sys.stderr = io.StringIO()
    try:
        return function(*args), sys.stderr.getvalue()
    finally:
        sys.stderr = sys.__stderr__


def failed():
    try:
        try:
            {}["key"]
        except KeyError:
            raise ValueError("what \u20ac") from None
    except ValueError as e:
        e.add_note("a note")
        return e


def tail(text):
    """Without the places in files."""
    return [line for line in text.splitlines() if not line.startswith(" ")]


error = failed()
for how in (0, 1):
    sys.last_exc = None
    done, printed = stderr_of(scenarios_more.printed, error, how)
    equal((done, tail(printed)), (True, ["Traceback (most recent call last):", "ValueError: what \u20ac", "a note"]))
    assert ", in failed\n" in printed
    equal(sys.last_exc, error if how == 1 else None)
equal(tail(stderr_of(scenarios_more.printed, error, 2)[1])[1], "ValueError: what \u20ac")
hooked = []
sys.excepthook = lambda *args: hooked.append(args)
scenarios_more.printed(error, 1)
sys.excepthook = sys.__excepthook__
equal(hooked, [(ValueError, error, error.__traceback__)])


def broken(*args):
    raise IndexError("in the hook")


sys.excepthook = broken
printed = stderr_of(scenarios_more.printed, error, 1)[1]
sys.excepthook = sys.__excepthook__
equal([line for line in tail(printed) if line],
      ["Error in sys.excepthook:", "Traceback (most recent call last):", "IndexError: in the hook",
       "Original exception was:", "Traceback (most recent call last):", "ValueError: what \u20ac", "a note"])

file = io.StringIO()
result, _, raised = anycall.call("PyTraceBack_Print", "i:OO", (error.__traceback__, file), None)
equal((result, raised), (0, None))
lines = file.getvalue().splitlines()
equal((lines[0], lines[1].endswith(", in failed"), lines[2]), ("Traceback (most recent call last):", True,
                                                              '    raise ValueError("what \\u20ac") from None'))
result, _, raised = anycall.call("PyTraceBack_Print", "i:OO", (3, file), None)
equal((result, texts([raised])), (-1, ["SystemError: bad argument to internal function"]))

signal.signal(signal.SIGINT, signal.default_int_handler)
*counts, exception, unknown, known, ignored = scenarios_more.interrupted()
equal((counts, type(exception), unknown, known, ignored), ([0, -1], KeyboardInterrupt, -1, 0, 0))
e = ValueError("old")
same, none, context, cause, args = scenarios_more.chained(e)
equal((same, none, args, e.args, repr(e.__context__), repr(e.__cause__), e.__suppress_context__),
      (1, 1, ("new", 7), ("new", 7), "KeyError('context')", "IndexError('cause')", True))
assert e.__context__ is context and e.__cause__ is cause

# ---- capsules, buffers, numbers, the system ----

bad, found, errors, destroyed = scenarios_more.capsules()
equal((bad, found, destroyed), (0, 1, 1))
equal(texts(errors), ["ValueError: PyCapsule_SetPointer called with null pointer",
                      "ValueError: PyCapsule_GetPointer called with incorrect name",
                      "ValueError: PyCapsule_New called with null pointer",
                      'AttributeError: PyCapsule_Import "scenarios_more.C_API" is not valid'])
*result, errors, bad = scenarios_more.contiguous()
equal((result, bad), ([(1, 0, 1), (0, 1, 1), (0, 0, 0), 0, b"aceikm", b"aickem", 12, b"AbBdCfghDjElFn"], 0))
equal(texts(errors), ["ValueError: PyBuffer_ToContiguous: len != view->len", "BufferError: Object is not writable."])
equal(scenarios_more.complex_parts(3 + 4j), (3.0, 4.0, 3 + 4j, -7 + 24j, 6 + 8j))
equal(scenarios_more.complex_parts(2.5)[:3], (2.5, 0.0, 2.5 + 0j))
equal(scenarios_more.complex_parts(7)[2], 7 + 0j)
raises(TypeError, "must be real number, not str", scenarios_more.complex_parts, "x")


class WithComplex:
    def __complex__(self):
        return 1 + 2j


equal(scenarios_more.complex_parts(WithComplex())[2], 1 + 2j)
equal(scenarios_more.system_texts(), (-31, "g", 511, "z", 0, 0, "longe", 2**63 - 1, 1, 20))
equal(scenarios_more.signals(), (1, 1, 1))
equal(scenarios_more.forked(lambda: len(threading.enumerate()) + 40), 41)
equal(scenarios_more.forked(lambda: 1 / 0), 99)

names = {"__builtins__": builtins}
code, none, bad, value, errors = scenarios_more.evaluated(names)
equal((code.co_filename, none, bad, value, names["x"]), ("made by C", None, 0, 43, 42))
import __main__
equal(__main__.made_by_C, 1)
equal(texts(errors), ["SyntaxError: invalid syntax (made by C, line 1)", "ZeroDivisionError: division by zero"])

# ---- frames ----


def inner():
    frame = sys._getframe()
    back = anycall.call("PyFrame_GetBack", "O:O", (frame,), None)[0]
    code = anycall.call("PyFrame_GetCode", "O:O", (frame,), None)[0]
    line = anycall.call("PyFrame_GetLineNumber", "i:O", (frame,), None)[0]
    return back is frame.f_back, code is frame.f_code, line - code.co_firstlineno


equal(inner(), (True, True, 4))
top = sys._getframe()
while top.f_back is not None:
    top = top.f_back
assert anycall.call("PyFrame_GetBack", "O:O", (top,), None)[0] is anycall.NULL
frame = anycall.call("PyThreadState_GetFrame", "O:p", (address("PyThreadState_Get"),), None)[0]
assert frame is sys._getframe()
equal(anycall.call("Py_GetVersion", "s:", (), None)[0].decode(), sys.version)

# ---- Python's end, in processes of their own ----


def run(function, *args):
    """What a child that calls a function, and ends then, leaves: its status, and what it wrote."""
    sys.stdout.flush()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            function(*args)
            raise SystemExit  # nobody catches it
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read()


def registering():
    print(scenarios_more.at_exit(), flush=True)
    atexit.register(print, "atexit", flush=True)


def ending():
    registering()
    print("not flushed", end="")
    scenarios_more.printed(SystemExit(4), 1)
    print("not reached", flush=True)


equal(run(registering), (0, "0\natexit\nlast words\n", ""))
equal(run(ending), (4, "0\nnot flushedatexit\nlast words\n", ""))
status, out, err = run(scenarios_more.fatal)
equal((status, out, err.splitlines()[0]), (-signal.SIGABRT, "", "Fatal Python error: fatal: no way to go on"))
equal(run(scenarios_more.printed, SystemExit(3), 1), (3, "", ""))
equal(run(scenarios_more.printed, SystemExit("why"), 1), (1, "", "why\n"))
equal(run(scenarios_more.printed, SystemExit(), 0), (0, "", ""))

# ---- memory that is told of ----

DOMAIN, PLACE = 77, 0x1000


def tracked():
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, DOMAIN)])
    return [(trace.size, trace.traceback[-1].filename) for trace in snapshot.traces]


def track(size):
    return anycall.call("PyTraceMalloc_Track", "i:iii", (DOMAIN, PLACE, size), None)[0]


def untrack():
    return anycall.call("PyTraceMalloc_Untrack", "i:ii", (DOMAIN, PLACE), None)[0]


equal((track(100), untrack()), (-2, -2))
tracemalloc.start()
before = tracemalloc.get_traced_memory()[0]
equal(track(1 << 20), 0)
equal(tracked(), [(1 << 20, __file__)])
assert tracemalloc.get_traced_memory()[0] >= before + (1 << 20)
# Told of again, it is another piece of memory.
equal(track(1000), 0)
equal(tracked(), [(1000, __file__)])
equal((untrack(), untrack(), tracked()), (0, 0, []))
tracemalloc.stop()
equal(track(100), -2)

# ---- data ----

special = {
    "_Py_NoneStruct": None, "_Py_TrueStruct": True, "_Py_FalseStruct": False, "_Py_NotImplementedStruct": NotImplemented,
    "_Py_EllipsisObject": ..., "PyUnicode_Type": str, "PyLong_Type": int, "PyBaseObject_Type": object, "PyByteArray_Type": bytearray,
    "PyFrozenSet_Type": frozenset, "PyCFunction_Type": type(len), "PyMethod_Type": types.MethodType, "PyMethodDescr_Type": type(str.join),
    "PyMemoryView_Type": memoryview, "PyModule_Type": types.ModuleType, "PyCapsule_Type": types.CapsuleType,
    "PyTraceBack_Type": types.TracebackType, "PyGen_Type": types.GeneratorType, "PyCoro_Type": types.CoroutineType,
    "PyWrapperDescr_Type": type(int.__add__), "PyExc_IOError": OSError,
}
with open(sys.argv[2]) as file:
    symbols = file.read().split()
for symbol in symbols:
    if symbol in ("Py_Version", "_PyByteArray_empty_string", "_Py_ascii_whitespace"):
        continue  # scenarios.py and macros.py have them
    if symbol.startswith("PyExc_"):
        value, expected = anycall.data(symbol, 1), special.get(symbol) or getattr(builtins, symbol.removeprefix("PyExc_"))
    else:
        value, expected = anycall.data(symbol, 0), special[symbol] if symbol in special else getattr(builtins, symbol[2:-5].lower())
    assert value is expected, symbol
assert len(symbols) >= 60
gc.collect()
