# Exceptions: matching, finally, chaining, context, groups, tracebacks, cleanup of names.
import sys
import traceback


class Custom(ValueError):
    def __init__(self, code):
        super().__init__("custom", code)
        self.code = code


def flow(kind):
    out = []
    try:
        out.append("try")
        if kind:
            raise kind
    except (KeyError, IndexError) as error:
        out.append(type(error).__name__)
    except ValueError:
        out.append("value")
    else:
        out.append("else")
    finally:
        out.append("finally")
    return out


assert flow(None) == ["try", "else", "finally"]
assert flow(KeyError) == ["try", "KeyError", "finally"]
assert flow(Custom(5)) == ["try", "value", "finally"]
try:
    flow(TypeError("out"))
except TypeError as error:
    assert error.args == ("out",)
try:
    error
except NameError:
    pass


def overridden():
    try:
        return "try"
    finally:
        for _ in range(1):
            break
        out.append("ran")


out = []
assert overridden() == "try" and out == ["ran"]


def loops():
    for i in range(5):
        try:
            if i == 1:
                continue
            if i == 3:
                break
            out.append(i)
        finally:
            out.append("f")


out = []
loops()
assert out == [0, "f", "f", 2, "f", "f"]

try:
    try:
        {}["k"]
    except KeyError as first:
        raise RuntimeError("second") from first
except RuntimeError as error:
    assert isinstance(error.__cause__, KeyError) and error.__suppress_context__
    text = "".join(traceback.format_exception(error))
    assert "KeyError: 'k'" in text and "direct cause" in text and "exceptions.py" in text

try:
    try:
        1 / 0
    except ZeroDivisionError:
        raise Custom(7)
except Custom as error:
    assert isinstance(error.__context__, ZeroDivisionError) and error.code == 7 and error.__cause__ is None
    assert sys.exception() is error and sys.exc_info()[0] is Custom
assert sys.exception() is None

try:
    try:
        raise KeyError(1)
    except KeyError:
        raise
except KeyError as error:
    assert error.args == (1,)
try:
    raise
except RuntimeError as error:
    assert str(error) == "No active exception to reraise"
try:
    raise 5
except TypeError as error:
    assert str(error) == "exceptions must derive from BaseException"

group = ExceptionGroup("g", [ValueError(1), TypeError(2), ExceptionGroup("in", [ValueError(3)])])
caught = []
try:
    try:
        raise group
    except* ValueError as some:
        caught.append([type(e).__name__ for e in some.exceptions])
except ExceptionGroup as rest:
    assert [type(e) for e in rest.exceptions] == [TypeError]
assert caught == [["ValueError", "ExceptionGroup"]]
assert group.split(TypeError)[0].exceptions[0].args == (2,)

error = ValueError("noted")
error.add_note("more")
assert error.__notes__ == ["more"] and repr(error) == "ValueError('noted')"


def lines():
    try:
        int("x")
    except ValueError as caught:
        tb = caught.__traceback__
        while tb.tb_next:
            tb = tb.tb_next
        return tb.tb_lineno, tb.tb_frame.f_code.co_name


number, name = lines()
assert name == "lines" and number == lines.__code__.co_firstlineno + 2

try:
    assert 1 == 2, "message"
except AssertionError as error:
    assert str(error) == "message"
assert str(KeyError("a")) == "'a'" and str(OSError(2, "No", "f")) == "[Errno 2] No: 'f'"
try:
    open("/nonexistent/file")
except FileNotFoundError as error:
    assert error.errno == 2 and error.filename == "/nonexistent/file"


class Manager:
    def __init__(self, swallow):
        self.swallow = swallow

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        self.seen = kind
        return self.swallow


with Manager(True) as m:
    raise LookupError
assert m.seen is LookupError
try:
    with Manager(False) as m, Manager(False):
        raise LookupError
except LookupError:
    pass
assert m.seen is LookupError


def early():
    with Manager(False) as m:
        return m


assert early().seen is None
