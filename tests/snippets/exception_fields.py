# Constructors, fields and messages of exceptions.
def raised(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except BaseException as e:
        return type(e), str(e)
    raise AssertionError("nothing raised")


assert repr(ValueError("x")) == "ValueError('x')"
assert repr(ValueError(1, 2)) == "ValueError(1, 2)"
assert str(KeyError("a")) == "'a'"
assert StopIteration(3).value == 3 and StopIteration().value is None
assert SystemExit(1, 2).code == (1, 2) and SystemExit().code is None
assert raised(ValueError, x=1) == (TypeError, "ValueError() takes no keyword arguments")
assert raised(NameError, a=1) == (TypeError, "NameError() got an unexpected keyword argument 'a'")

e = OSError(2, "gone", "f", None, "g")
assert type(e) is FileNotFoundError and e.args == (2, "gone") and e.filename2 == "g"
assert str(e) == "[Errno 2] gone: 'f' -> 'g'"
assert BlockingIOError(11, "x", 7).characters_written == 7
e = ImportError("m", name="n", path="p")
assert e.__reduce__() == (ImportError, ("m",), {"name": "n", "path": "p"})
e = AttributeError("m", name="n", obj=3)
assert e.__reduce__() == (AttributeError, ("m",), {"name": "n", "args": ("m",)})
e = SyntaxError("bad", ("dir/f.py", 3, 4, "text", 3, 5))
assert str(e) == "bad (f.py, line 3)" and e.offset == 4 and e.end_offset == 5
assert raised(SyntaxError, "a", (1, 2)) == (TypeError, "function takes at least 4 arguments (2 given)")
e = UnicodeDecodeError("ascii", b"\xff", 0, 1, "why")
assert str(e) == "'ascii' codec can't decode byte 0xff in position 0: why"
e = UnicodeEncodeError("ascii", "a\u1234", 1, 2, "why")
assert str(e) == "'ascii' codec can't encode character '\\u1234' in position 1: why"

e = ValueError("x")
e.add_note("n")
assert e.__notes__ == ["n"]
assert raised(e.add_note, 1) == (TypeError, "add_note() argument must be str, not int")
e.__cause__ = KeyError()
assert e.__suppress_context__
assert raised(setattr, e, "__cause__", 3)[0] is TypeError

g = ExceptionGroup("m", [ValueError(1), TypeError(2), ExceptionGroup("n", [ValueError(3)])])
assert str(g) == "m (3 sub-exceptions)"
m, r = g.split(ValueError)
assert repr(m) == "ExceptionGroup('m', [ValueError(1), ExceptionGroup('n', [ValueError(3)])])"
assert repr(r) == "ExceptionGroup('m', [TypeError(2)])"
assert type(BaseExceptionGroup("m", [ValueError()])) is ExceptionGroup
assert raised(ExceptionGroup, "m", []) == (
    ValueError, "second argument (exceptions) must be a non-empty sequence")
assert g.subgroup(lambda e: isinstance(e, TypeError)).exceptions[0].args == (2,)


def chain():
    try:
        1 / 0
    except ZeroDivisionError as first:
        try:
            {}["k"]
        except KeyError as second:
            return first, second


first, second = chain()
assert second.__context__ is first and second.__traceback__.tb_frame.f_code.co_name == "chain"
tb = second.__traceback__
assert raised(setattr, tb, "tb_next", tb) == (ValueError, "traceback loop detected")
