# Binding of arguments: every kind of parameter, defaults, unpacking, and what goes wrong.


def raises(kind, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert text in str(error), (text, str(error))
    else:
        raise AssertionError(f"{kind.__name__} expected")


def everything(a, b=2, /, c=3, *rest, d, e=5, **more):
    return a, b, c, rest, d, e, more


assert everything(1, d=4) == (1, 2, 3, (), 4, 5, {})
assert everything(1, 20, 30, 40, 50, d=4, z=9) == (1, 20, 30, (40, 50), 4, 5, {"z": 9})
assert everything(*[1, 2], *(3, 4), **{"d": 5}, **{"x": 6}) == (1, 2, 3, (4,), 5, 5, {"x": 6})
assert everything(1, d=4, a=7) == (1, 2, 3, (), 4, 5, {"a": 7})
raises(TypeError, "missing 1 required positional argument: 'a'", everything, d=1)
raises(TypeError, "missing 1 required keyword-only argument: 'd'", everything, 1)
raises(TypeError, "got multiple values for argument 'c'", everything, 1, 2, 3, c=3, d=4)


def two(a, b):
    return a - b


raises(TypeError, "takes 2 positional arguments but 3 were given", two, 1, 2, 3)
raises(TypeError, "unexpected keyword argument 'c'", two, 1, c=2)
raises(TypeError, "missing 2 required positional arguments: 'a' and 'b'", two)
raises(TypeError, "not callable", lambda: 5())
raises(TypeError, "must be a mapping", lambda: two(**5))
raises(TypeError, "got multiple values for keyword argument 'a'", lambda: two(**{"a": 1}, **{"a": 2}))
assert two(b=1, a=3) == 2

# defaults are made once, and are the function's
def collect(x, into=[]):
    into.append(x)
    return into


assert collect(1) is collect(2) and collect.__defaults__ == ([1, 2],)
collect.__defaults__ = ([],)
assert collect(9) == [9]


class Adder:
    def __init__(self, n):
        self.n = n

    def __call__(self, x, *, twice=False):
        return self.n + x * (2 if twice else 1)


assert Adder(5)(1) == 6 and Adder(5)(1, twice=True) == 7
bound = Adder(1).__call__
assert bound(2) == 3 and bound.__self__.n == 1 and bound == bound.__self__.__call__

# order of evaluation
order = []


def note(x):
    order.append(x)
    return x


two(*[note(1)], b=note(2))
note(note)  if False else None
(note("f") and two)(note("x") and 3, note("y") and 1)
assert order == [1, 2, "f", "x", "y"]


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


assert deep(700) == 700


def forever():
    return forever()


raises(RecursionError, "maximum recursion depth exceeded", forever)
assert (lambda *a, k=1, **kw: (a, k, kw))(1, 2, k=3, j=4) == ((1, 2), 3, {"j": 4})
assert max(*[3, 1], 2, key=lambda v: -v) == 1


def defaulted(a, b=2, c=3, *, d=4):
    unset = [a, b, c, d]
    return unset


def plain(a, b=2, c=3):
    return a, b, c


assert plain(1) == (1, 2, 3) and plain(1, 5) == (1, 5, 3) and plain(1, 5, 6) == (1, 5, 6) and plain(c=1, a=0) == (0, 2, 1)
assert defaulted(1) == [1, 2, 3, 4] and defaulted(1, d=0, b=9) == [1, 9, 3, 0]
plain.__defaults__ = (7, 8, 9, 10)
assert plain() == (8, 9, 10) and plain(1) == (1, 9, 10)
plain.__defaults__ = None
raises(TypeError, "plain() missing 2 required positional arguments: 'b' and 'c'", plain, 1)
raises(TypeError, "plain() missing 1 required positional argument: 'a'", lambda: plain(b=1, c=2))


def unbound_after(flag):
    if flag:
        late = 1
    return late


assert unbound_after(True) == 1
raises(UnboundLocalError, "cannot access local variable 'late' where it is not associated with a value", unbound_after, False)
assert len((1, 2)) == 2 and len({1: 2}) == 1 and len("añ€") == 3 and max(3, 9, 4) == 9 and min("b", "a", key=ord) == "a"


class Long(tuple):
    def __len__(self):
        return 77


assert len(Long((1,))) == 77


# keywords are bound in place where that is simple
def named(a, b=2, /, c=3, *, d, e=5):
    return a, b, c, d, e


assert named(1, d=4) == (1, 2, 3, 4, 5) and named(1, 9, 8, e=7, d=6) == (1, 9, 8, 6, 7) and named(1, c=0, d=4) == (1, 2, 0, 4, 5)
assert named(*[1, 2], **{"d": 3, "c": 4}) == (1, 2, 4, 3, 5)
name = "".join(["d"])
assert named(1, **{name + "": 4}) == (1, 2, 3, 4, 5)
raises(TypeError, "named() missing 1 required keyword-only argument: 'd'", named, 1)
raises(TypeError, "named() missing 1 required positional argument: 'a'", lambda: named(d=1))
raises(TypeError, "named() got multiple values for argument 'c'", lambda: named(1, 2, 3, c=4, d=5))
raises(TypeError, "named() got some positional-only arguments passed as keyword arguments: 'a'", lambda: named(a=1, d=5))
raises(TypeError, "named() got an unexpected keyword argument 'z'", lambda: named(1, d=5, z=1))
assert named.__code__.co_varnames == ("a", "b", "c", "d", "e") and named.__code__.co_names == ()


# code that has not run yet knows all that it will
def documented(first, *rest, key=None):
    "What it does."

    def inner():
        return first, len(rest)

    return inner


code = documented.__code__
assert code.co_consts[0] == documented.__doc__ == "What it does." and documented.__doc__ is documented.__doc__
assert code.co_varnames[:3] == ("first", "key", "rest") and code.co_cellvars == ("first", "rest")
nested = [c for c in code.co_consts if hasattr(c, "co_name")][0]
assert nested.co_name == "inner" and nested.co_freevars == ("first", "rest") and "len" in nested.co_names
assert nested.co_filename == code.co_filename == __file__ and documented(1, 2)() == (1, 1)


def other():
    return 7


def undocumented():
    return 6


raises(ValueError, "other() requires a code object with 0 free vars, not 2", setattr, other, "__code__", documented(1).__code__)
other.__code__ = (lambda: 8).__code__
assert other() == 8 and other.__doc__ is None and undocumented.__doc__ is None
documented.__code__ = undocumented.__code__
assert documented.__doc__ == "What it does." and documented() == 6
undocumented.__doc__ = "now"
assert undocumented.__doc__ == "now"
del undocumented.__doc__
assert undocumented.__doc__ is None


def idle():
    "Idle."
    return lambda: "from inside"


same = idle.__code__.replace()
renamed = idle.__code__.replace(co_name="renamed", co_filename="elsewhere")
assert same == idle.__code__ and hash(same) == hash(idle.__code__) and renamed != same
assert (renamed.co_name, renamed.co_filename, renamed.co_consts[0]) == ("renamed", "elsewhere", "Idle.")
idle.__code__ = renamed
assert idle()() == "from inside" and idle().__code__.co_filename == __file__ and idle.__doc__ == "Idle."
assert max(3, 1, 2) == 3 and min(2.5, 1, True) == 1 and max("a", "b") == "b" and min([1], [0], key=len) == [1]
assert type(min(1, True)) is int and type(max(True, 1)) is bool
raises(TypeError, "'>' not supported between instances of 'str' and 'int'", max, 1, "a")
raises(TypeError, "max expected at least 1 argument, got 0", max)
raises(TypeError, "'int' object is not iterable", max, 1)
assert "ab" * 0 == "" and "ab" * -1 == "" and "ab" * 3 == "ababab" and "ab" * True == "ab"
