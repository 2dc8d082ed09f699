"""What macros, inline functions and formats give on objects that Python made: macros.c. One line per call: the call, what came of it.

usage: macros.py FOLDER_OF_THE_EXTENSION [EXPECTED]"""

import array
import collections
import contextvars
import enum
import gc
import re
import sys
import types
import weakref

sys.path.insert(0, sys.argv[1])
import macros


class Indexed:
    def __index__(self):
        return 3


class Real:
    def __float__(self):
        return 2.5

    def __complex__(self):
        return 1j


class Path:
    def __fspath__(self):
        return "from a path"


class Plain:
    def method(self):
        yield 1


def derived(base):
    return type("Derived", (base,), {})


Point = collections.namedtuple("Point", "x y")
Color = enum.IntEnum("Color", "RED")


def show(value):
    text = repr(value)
    text = re.sub(r"0x[0-9a-f]{7,}", "0x", text)
    return re.sub(r" file [\"'][^\"']*[\"'], line \d+", " file", text)


def line(label, function, /, *args, **kwargs):
    try:
        text = show(function(*args, **kwargs))
    except BaseException as e:
        message = re.sub(r"^[\w./-]+:\d+: ", "", str(e))
        text = f"raised {type(e).__name__}: {message}"
        if e.__cause__ is not None:
            text += f" cause {e.__cause__!r}"
    print(label, text.replace("\n", " "), sep="\t", flush=True)


def each(function, /, **objects):
    for label, value in objects.items():
        line(f"{function.__name__} {label}", function, value)


def closure():
    variable = 1
    return (lambda: variable).__closure__[0]


async def coroutine():
    pass


async def async_generator():
    yield 1


def frame():
    return sys._getframe()


def traceback():
    try:
        1 / 0
    except ZeroDivisionError as e:
        return e.__traceback__


variable = contextvars.ContextVar("variable")
coro = coroutine()
target = Plain()
d = {1: 2}
each(macros.type_tests, int=7, true=True, enum=Color.RED, float=2.5, complex=1j, str="text", bytes=b"b", bytearray=bytearray(b"b"),
     tuple=(1,), namedtuple=Point(1, 2), list=[1], dict=d, ordered=collections.OrderedDict(), default=collections.defaultdict(int), set={1},
     frozenset=frozenset(), slice=slice(1), range=range(3), memoryview=memoryview(b"x"), module=sys, type=int, own_class=Plain,
     metaclass=derived(type), function=frame, method=target.method, builtin=len, bound=[].append, descriptor=list.append,
     generator=target.method(), coroutine=coro, async_generator=async_generator(), cell=closure(), code=frame.__code__, frame=frame(),
     traceback=traceback(), exception_class=KeyError, exception=KeyError(1), own_exception=derived(ValueError)(), weakref=weakref.ref(target),
     proxy=weakref.proxy(target), keys=d.keys(), values=d.values(), items=d.items(), context=contextvars.copy_context(), variable=variable,
     token=variable.set(1), sequence_iterator=iter(derived(collections.UserList)([1])), call_iterator=iter(int, 1), list_iterator=iter([]),
     map=map(int, []), zip=zip(), deque=collections.deque(), array=array.array("i"), none=None, ellipsis=..., property=property(),
     partial_class=types.GenericAlias(list, int), union=int | str, namespace=types.SimpleNamespace(), mapping_proxy=types.MappingProxyType({}),
     capsule=macros.CAPSULE, capsules=types.CapsuleType, instance=target, indexed=Indexed(), box=macros.Box(), classmethod=classmethod(len),
     **{f"derived_{base.__name__}": derived(base)() for base in (int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset)})
coro.close()

# references
box = macros.Box()
line("Box.get", box.get)
line("Box.set first", box.set, [1])
line("Box.set second", box.set, "text")
line("Box.set itself", box.set, box.get())
line("Box.get again", box.get)
for i in range(300):
    box.set(macros.Box())
box.set(None)
gc.collect()
line("boxes dropped", macros.drops)
cycle = macros.Box()
cycle.set([cycle])
del cycle
gc.collect()
line("the cycle dropped", macros.drops)
a, b = macros.Box(), macros.Box()
a.set(1), b.set(2.5)
for operator in ("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"):
    line(f"Box {operator}", lambda: (getattr(a, operator)(b), getattr(a, operator)(a), getattr(a, operator)(1)))
line("Box < Box", lambda: (a < b, b < a, a == b, a != b))
line("Box < int", lambda: a < 1)
b.set("x")
line("Box < Box of text", lambda: a < b)
line("hash(Box)", hash, a)
each(macros.references, list=[1], str="some text", object=Plain.method, dict={1: 2}, cls=Plain, big=2**70)

# items
each(macros.items, tuple=(1, "x", 2.5), empty=(), namedtuple=Point(1, [2]), derived_tuple=derived(tuple)((1, "x")), list=[1, None, 2.5],
     derived_list=derived(list)("ab"), set={1}, dict={"k": 1}, iterator=iter("ab"), int=7, struct=sys.version_info[:2],
     big=list(range(70)), mixed=[0.5, 1, "a", (), [], {}])
values = [2.5, "text", [1]]
line("filled", macros.filled, values)
line("filled, the list", lambda: values)
values.append(1), values.reverse()
line("filled, the list later", lambda: values)

# characters and texts
for c in [*range(0, 0x250, 11), 0x130, 0x1c5, 0x660, 0xb2, 0xbd, 0x2028, 0x3007, 0xd800, 0x1d7d8, 0x1f600, 0x10ffff, 0x110000]:
    line(f"character {c:#x}", macros.character, c)
line("surrogates", macros.surrogates)
each(macros.text, ascii="text", latin="t\xe9xt", two="\u20ac uro", four="\U0001f600!", empty="", derived=derived(str)("d\u20ac"),
     joined="".join(["a"] * 50), sliced="some text"[2:6], number=str(12345), surrogate="\ud800")
for view in (memoryview(b"abc"), memoryview(bytearray(b"abc")), memoryview(array.array("i", [1, 2]))):
    line(f"data {view.obj!r}", macros.data, b"a\0b", bytearray(b"xyz"), view)
line("data derived", macros.data, derived(bytes)(b"ab"), derived(bytearray)(b"xyz"), memoryview(b""))
line("data wrong", macros.data, b"", "", memoryview(b""))

# numbers
for number in (0, 1, -1, 2**30 - 1, 2**30, -2**30, 2**62, 2**100, -2**100, True, Color.RED, derived(int)(7), derived(int)(2**80)):
    line(f"numbers {type(number).__name__} {number:d}", macros.numbers, 2.5, number)
for real in (float("inf"), -0.0, 5e-324, derived(float)(1.5)):
    line(f"numbers {real}", macros.numbers, real, 1)
for which in range(7):
    line(f"constant {which}", macros.constant, which)

# functions and the rest
each(macros.function_parts, builtin=len, bound=[1].append, method=target.method, cell=closure(), exception=KeyError(1),
     own_exception=derived(OSError)(2, "text"), none=None)
function = eval("lambda x=1, *, y=2: 0", {"__name__": "names"})
line("function_parts function", lambda: macros.function_parts(function)[2:])
code, names, *_ = macros.function_parts(function)
line("function_parts code and globals", lambda: (code is function.__code__, names is function.__globals__))
function.__code__ = (lambda: 0).__code__
function.__defaults__, function.__kwdefaults__, function.__module__ = None, None, "other"
line("function_parts changed", lambda: macros.function_parts(function)[2:])
line("function_parts changed code", lambda: macros.function_parts(function)[0] is function.__code__)
function.__defaults__ = (1, 2)
line("function_parts changed again", lambda: macros.function_parts(function)[2:])
each(macros.function_parts, method_of_builtin=types.MethodType(len, "abc"), method_of_int=types.MethodType(max, 10**10), own=dict.fromkeys)
empty = types.CellType()
line("function_parts empty cell", macros.function_parts, empty)
line("function_parts the cell", lambda: empty.cell_contents)
line("calls", macros.calls, [])
line("calls derived", macros.calls, derived(list)())
line("sections", macros.sections, [])
line("module", lambda: (macros.ANSWER, macros.PY_VERSION[:4]))

# formats of arguments
for args in ((1,), (1, 2), (), ("x",), (1, "x"), (1, 2, 3), (True, 2**70)):
    line(f"convert {args}", macros.convert, *args)
buffers = dict(bytes=b"abc", bytearray=bytearray(b"abc"), str="t\xe9xt", none=None, int=7, memoryview=memoryview(bytearray(b"abc")),
               strided=memoryview(b"abcd")[::2], array=array.array("h", [1, 2]), empty=b"", text="\ud800", derived=derived(bytearray)(b"x"))
for unit in ("s*", "z*", "y*", "w*", "y*:name", "w*;message"):
    for label, value in buffers.items():
        line(f"take_buffer {unit} {label}", lambda: show(macros.take_buffer(unit, value)))
buffers["bytearray"] += b"more"  # no export is left
good = [1, 255, -2, 65535, -3, 2**32 - 1, -4, 2**64 - 1, -5, 2**64 - 1, -6, b"c", "\u20ac", 1.5, 2.5, 1j, "true"]
line("take_numbers", macros.take_numbers, *good)
line("take_numbers few", macros.take_numbers, *good[:-1])
line("take_numbers indexed", macros.take_numbers, *[Indexed()] * 11, b"c", "C", Real(), Real(), Real(), [])
line("take_numbers wrapped", macros.take_numbers, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, bytearray(b"c"), "C", 1, True, 7, 0)
candidates = (-1, 255, 256, -2**15, 2**15, -2**31, 2**31, 2**32, -2**63, 2**63, 2**64, 2.5, "x", "xy", b"c", b"cd", bytearray(b"c"), None, Indexed(),
              Real(), True, derived(int)(5))
for unit in "bBhHiIlkLKncCfdDp":
    for value in candidates:
        label = type(value).__name__ if isinstance(value, (Indexed, Real)) else repr(value)
        line(f"take_number {unit} {label}", macros.take_number, unit, value)
for unit in ("es", "et", "es#", "et#"):
    for encoding in (None, "ascii", "utf-16-le", "not there"):
        for value in ("ab", "\u20ac", "a\0b", b"raw", bytearray(b"abcdef"), 7, "long text"):
            for own_room in (False, True) if "#" in unit else (False,):
                line(f"take_encoded {unit} {encoding} {value!r} {own_room}", macros.take_encoded, unit, encoding, value, own_room)
for args, kwargs in (((1,), {}), ((1, 2), {}), ((1, 2, 3), {}), ((), {}), ((1,), {"b": 2}), ((1, 2), {"b": 3}), ((1,), {"c": [], "d": 4}),
                     ((1,), {"d": "x"}), ((), {"": 1}), ((1,), {"e": 1}), ((1,), {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}), ((1, 2), {"d": Real()})):
    line(f"take_keywords {args} {kwargs if 'd' not in kwargs else sorted(kwargs)}", macros.take_keywords, *args, **kwargs)
for value in ("name", b"name", Path(), "t\xe9xt", b"\xff", "a\0b", 7, "\ud800"):
    line(f"take_path {value if not isinstance(value, Path) else 'Path'!r}", macros.take_path, value, value)
for which in range(14):
    line(f"build {which}", macros.build, which)
