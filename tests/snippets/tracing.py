"""sys.settrace, sys.setprofile and sys.monitoring: who watches is told what happens, and what nobody watches runs as ever."""

import sys
import warnings

warnings.simplefilter("ignore")  # a jump over the first assignment of a variable binds it to None, with a warning


def raises(expected, message, f, *args):
    try:
        f(*args)
    except expected as error:
        assert str(error) == message, error
    else:
        raise AssertionError(f"no {expected.__name__}")


def traced(function, *args, only=("call", "line", "return", "exception")):
    events = []

    def tracer(frame, event, argument):
        if frame.f_code.co_filename == __file__ and event in only:
            events.append((event, frame.f_lineno - function.__code__.co_firstlineno))
        return tracer

    sys.settrace(tracer)
    try:
        function(*args)
    except LookupError as error:
        events.append(error.args)
    finally:
        sys.settrace(None)
    # What this function itself is told of ends with its own lines.
    first = events.index(("call", 0))
    return [e for e in events[first:] if len(e) == 1 or 0 <= e[1] < 40]


def statements(flag):
    try:
        pass
    except ValueError:
        pass
    while True:
        if flag:
            break
        flag = 1
    with open("/dev/null"):
        x = (1,
             2)
    return x


assert traced(statements, 0)[:11] == [
    ("call", 0), ("line", 1), ("line", 2), ("line", 5), ("line", 6), ("line", 8), ("line", 5), ("line", 6), ("line", 7),
    ("line", 9), ("line", 10),
], traced(statements, 0)


def loops():
    for i in range(2):
        for j in range(2):
            pass
    n = 2
    while n: n -= 1


line = [n for e, n in traced(loops, only=("call", "line"))]
assert line == [0, 1, 2, 3, 2, 3, 2, 1, 2, 3, 2, 3, 2, 1, 4, 5, 5, 5], line


def failing():
    try:
        [][1]
    finally:
        y = 1


assert traced(failing)[:5] == [("call", 0), ("line", 1), ("line", 2), ("exception", 2), ("line", 4)], traced(failing)


# A local trace function that returns None still goes on; one that raises ends the tracing.
def broken(frame, event, argument):
    if event == "line":
        raise KeyError("from the tracer")
    return broken


def target():
    return 1


sys.settrace(broken)
try:
    target()
except KeyError as error:
    assert error.args == ("from the tracer",)
else:
    raise AssertionError("what the tracer raises is lost")
assert sys.gettrace() is None


# Frames that run already are traced where they have a function of their own.
def inner(events):
    def local(frame, event, argument):
        events.append((event, frame.f_lineno - inner.__code__.co_firstlineno))
        return local

    sys._getframe().f_trace = local
    sys.settrace(lambda *args: None)
    a = 1
    b = 2
    sys.settrace(None)


events = []
inner(events)
assert events == [("line", 7), ("line", 8), ("line", 9)], events


# Hot code is traced, too, and is hot again afterwards.
def hot(n):
    total = 0
    for i in range(n):
        total += i
    return total


assert hot(5000) == 12497500
lines = traced(hot, 50, only=("call", "line"))
assert len(lines) == 1 + 1 + 51 + 50 + 1, len(lines)
assert hot(5000) == 12497500


# frame.f_lineno sends a frame elsewhere.
def jumping(log):
    log.append(1)
    log.append(2)
    log.append(3)
    for x in "a":
        log.append(x)
    return log


def jump(source, destination, log):
    first = jumping.__code__.co_firstlineno
    done = []

    def tracer(frame, event, argument):
        if frame.f_code is jumping.__code__ and event == "line" and frame.f_lineno == first + source and not done:
            done.append(1)
            frame.f_lineno = first + destination
        return tracer

    sys.settrace(tracer)
    try:
        return jumping(log)
    finally:
        sys.settrace(None)


assert jump(2, 3, []) == [1, 3, "a"]
assert jump(3, 1, []) == [1, 2, 1, 2, 3, "a"]
assert jump(5, 6, []) == [1, 2, 3]
raises(ValueError, "can't jump into the body of a for loop", jump, 2, 5, [])
raises(ValueError, f"line {jumping.__code__.co_firstlineno + 70} comes after the current code block", jump, 2, 70, [])


def set_line():
    sys._getframe().f_lineno = 1


raises(ValueError, "f_lineno can only be set in a trace function", set_line)


# Profiles: calls of Python's and of builtin functions, their ends, and exceptions on the way.
def profiled():
    len([])
    try:
        int.__new__(3)
    except TypeError:
        pass
    return sorted([2, 1], key=lambda x: x)


calls = []
sys.setprofile(lambda frame, event, argument: calls.append(
    (event, argument.__name__ if event.startswith("c_") else frame.f_code.co_name)))
profiled()
sys.setprofile(None)
assert calls == [
    ("call", "profiled"), ("c_call", "len"), ("c_return", "len"), ("c_call", "__new__"), ("c_exception", "__new__"),
    ("c_call", "sorted"), ("call", "<lambda>"), ("return", "<lambda>"), ("call", "<lambda>"), ("return", "<lambda>"),
    ("c_return", "sorted"), ("return", "profiled"), ("c_call", "setprofile"),
], calls

# Monitoring: everywhere or in single code objects, by several tools, until they want no more.
monitoring = sys.monitoring
E = monitoring.events
monitoring.use_tool_id(3, "snippet")
raises(ValueError, "tool 3 is already in use", monitoring.use_tool_id, 3, "again")
raises(ValueError, "invalid tool 6 (must be between 0 and 5)", monitoring.get_tool, 6)
raises(ValueError, "cannot set C_RETURN or C_RAISE events independently", monitoring.set_events, 3, E.C_RETURN)
raises(ValueError, "invalid local event set 0x800", monitoring.set_local_events, 3, hot.__code__, E.RAISE)
assert monitoring.get_tool(3) == "snippet" and monitoring.get_tool(4) is None

seen = []
monitoring.register_callback(3, E.LINE, lambda code, line: seen.append(line - code.co_firstlineno))
monitoring.set_local_events(3, hot.__code__, E.LINE)
hot(2)
statements(1)
assert seen == [1, 2, 3, 2, 3, 2, 4], seen
monitoring.set_local_events(3, hot.__code__, E.NO_EVENTS)
hot(2)
assert len(seen) == 7


def once(code, line):
    seen.append(line - code.co_firstlineno)
    return monitoring.DISABLE


seen.clear()
monitoring.register_callback(3, E.LINE, once)
monitoring.set_local_events(3, hot.__code__, E.LINE)
hot(3)
count = len(seen)
assert set(seen) == {1, 2, 3, 4} and seen.count(3) == 1, seen
hot(3)
assert len(seen) == count, seen
monitoring.restart_events()
hot(3)
assert len(seen) == 2 * count, seen
monitoring.set_local_events(3, hot.__code__, 0)

seen.clear()
monitoring.register_callback(3, E.CALL, lambda code, offset, f, first: seen.append((f, first)))
monitoring.register_callback(3, E.C_RETURN, lambda code, offset, f, first: seen.append("returned"))
monitoring.set_local_events(3, profiled.__code__, E.CALL)
profiled()
assert seen[0] == (len, []) and seen[1] == "returned" and seen[2] == (int.__new__, 3), seen
monitoring.set_local_events(3, profiled.__code__, 0)

seen.clear()
for event in (E.PY_START, E.PY_YIELD, E.PY_RESUME, E.PY_RETURN):
    monitoring.register_callback(3, event, lambda code, offset, *rest, event=event: seen.append(event))


def numbers():
    yield 1


monitoring.set_local_events(3, numbers.__code__, E.PY_START | E.PY_YIELD | E.PY_RESUME | E.PY_RETURN)
assert list(numbers()) == [1]
assert seen == [E.PY_START, E.PY_YIELD, E.PY_RESUME, E.PY_RETURN], seen

seen.clear()
for event in (E.RAISE, E.RERAISE, E.EXCEPTION_HANDLED, E.PY_UNWIND, E.PY_THROW):
    monitoring.register_callback(3, event, lambda code, offset, error, event=event: seen.append((event, code.co_name)))
monitoring.set_events(3, E.RAISE | E.EXCEPTION_HANDLED | E.PY_UNWIND)
try:
    [].pop()
except IndexError:
    pass
monitoring.set_events(3, 0)
assert seen == [(E.RAISE, "<module>"), (E.EXCEPTION_HANDLED, "<module>")], seen
raised = lambda *args: monitoring.DISABLE
monitoring.register_callback(3, E.RAISE, raised)
monitoring.set_events(3, E.RAISE)
try:
    [].pop()
except ValueError as error:
    assert str(error) == "Cannot disable RAISE events. Callback removed.", error
monitoring.set_events(3, 0)
assert monitoring.register_callback(3, E.RAISE, None) is None
monitoring.free_tool_id(3)
assert monitoring.get_tool(3) is None

# Where a branch leads, as offsets; the call itself is the first of them.
assert next(hot.__code__.co_positions())[0] == hot.__code__.co_firstlineno
assert next(hot.__code__.co_lines())[:2] == (0, 2) and len(list(hot.__code__.co_branches())) == 1



# Code that runs in compiled form is watched from the next line on.
def begins(tracer):
    sys._getframe().f_trace = tracer
    sys.settrace(tracer)
    a = 1
    b = 2
    sys.settrace(None)


for _ in range(3000):
    begins(None)
lines = []


def tracer(frame, event, argument):
    if event == "line":
        lines.append(frame.f_lineno - begins.__code__.co_firstlineno)
    return tracer


begins(tracer)
assert lines == [3, 4, 5], lines

print("tracing: ok")
