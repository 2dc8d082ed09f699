"""Prints what comes of objects that C makes, hands over and keeps: exceptions, containers, numbers of handover.c.

usage: handover.py FOLDER_OF_THE_EXTENSION"""

import array
import gc
import math
import operator
import re
import sys
import threading
import weakref

sys.path.insert(0, sys.argv[1])
import handover

sys.stdout.reconfigure(line_buffering=True)


def describe(e, depth=0):
    text = f"{type(e).__name__}{e.args}"
    for name in ("value", "code", "errno", "strerror", "filename", "name", "obj", "path", "msg", "reason", "start", "object", "encoding",
                 "__notes__", "extra", "seen"):
        if hasattr(e, name):
            text += f" {name}={getattr(e, name)!r}"
    text += f" str={str(e)!r}"
    if depth == 0:
        text += f" traceback={e.__traceback__ is not None}"
    if e.__suppress_context__:
        text += " suppress"
    for label, other in (("cause", e.__cause__), ("context", e.__context__)):
        if other is not None:
            text += f" {label} {describe(other, depth + 1) if depth < 4 else '...'}"
    return text


def outcome(function, *args):
    try:
        text = repr(function(*args))
    except BaseException as e:
        text = describe(e)
    return re.sub("0x[0-9a-f]+", "0x", text).replace("\t", " ").replace("\n", " ")


def case(label, function, *args):
    print(label, outcome(function, *args), sep="\t")


class Own(Exception):
    pass


class OwnInit(Exception):
    def __init__(self, a, b=2):
        super().__init__(a, b)
        self.sum = a


class Fails(Exception):
    def __init__(self):
        raise KeyError("in __init__")


class NoException(Exception):
    def __new__(cls, *args):
        return "none at all"


CLASSES = [BaseException, Exception, ValueError, TypeError, KeyError, IndexError, LookupError, StopIteration, StopAsyncIteration, OSError,
           FileNotFoundError, UnicodeError, UnicodeDecodeError, SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError, OverflowError,
           ZeroDivisionError, AttributeError, NameError, UnboundLocalError, ImportError, ModuleNotFoundError, SyntaxError, AssertionError,
           RecursionError, NotImplementedError, SystemError, BufferError, EOFError, Warning, UserWarning, DeprecationWarning,
           BaseExceptionGroup, ExceptionGroup, Own, OwnInit, Fails, NoException]
VALUES = ["text", "", 5, 10**20, 1.5, None, (), ("one",), (1, 2), (2, "No such file", "name"), [], ValueError("inner"), KeyError("k"),
          OSError(2, "os"), int, b"bytes"]


def exceptions():
    for cls in CLASSES:
        name = cls.__name__
        case(f"{name} string", handover.raise_, "string", cls, "the text \u20ac")
        case(f"{name} format", handover.raise_, "format", cls, [1])
        case(f"{name} none", handover.raise_, "none", cls, None)
        case(f"{name} twice", handover.raise_, "twice", cls, "x")
        if cls is MemoryError:
            continue  # CPython uses the instances again, with their `__suppress_context__`
        case(f"{name} from cause", handover.raise_, "from cause", cls, "x")
        case(f"{name} dressed", handover.dressed, cls, "x")
        case(f"{name} normalized", handover.normalized, cls, "x")
        for value in VALUES:
            case(f"{name} object {value!r}", handover.raise_, "object", cls, value)
            case(f"{name} restore {value!r}", handover.raise_, "restore", cls, value)
        if cls not in (Fails, NoException):
            case(f"{name} object, an instance", lambda: handover.raise_("object", cls, caught(cls)))
        case(f"{name} in a handler", in_handler, handover.raise_, "string", cls, "inner")
        case(f"{name} caught by C", lambda: describe(handover.caught(lambda: handover.raise_("string", cls, "for C"))))
        case(f"{name} never out", handover.born, 10, cls, "x")
    for wrong in (int, 3, "text", None, ...):
        case(f"no class: {type(wrong).__name__}", handover.raise_, "string", wrong, "x")


def caught(cls, *args):
    try:
        handover.raise_("string", cls, "made")
    except BaseException as e:
        return e


def in_handler(function, *args):
    try:
        raise LookupError("outer")
    except LookupError:
        function(*args)


def contexts():
    case("handled by C", handover.handling, KeyError("C's"), None)
    case("handled by C, calls", handover.handling, KeyError("C's"), lambda: repr(sys.exception()))
    case("handled by C, raises in Python", handover.handling, KeyError("C's"), lambda: 1 / 0)
    case("handled by C, raises in C", handover.handling, KeyError("C's"), lambda: handover.raise_("string", ValueError, "x"))
    case("handled by both", in_handler, handover.handling, KeyError("C's"), None)
    case("handled by both, calls", in_handler, handover.handling, KeyError("C's"), lambda: handover.raise_("string", ValueError, "x"))

    def catches():
        try:
            handover.raise_("string", ValueError, "caught inside")
        except ValueError as e:
            inside = repr(sys.exception()), describe(e)
        return inside, repr(sys.exception())

    case("catches within C's handler", handover.handling, KeyError("C's"), catches)
    case("catches within both", in_handler, lambda: print_nothing(handover.handling(KeyError("C's"), catches)))

    def generator():
        yield repr(sys.exception())
        try:
            raise IndexError("generator's")
        except IndexError:
            yield repr(sys.exception()), outcome(handover.raise_, "string", ValueError, "in a generator's handler")
        yield repr(sys.exception()), outcome(handover.raise_, "string", ValueError, "in a generator")

    for handler in (lambda f: f(), lambda f: handover.handling(KeyError("C's"), f)):
        g = generator()
        for step in range(3):
            case(f"generator step {step}, {'C' if 'handling' in handler.__code__.co_names else 'nothing'} handles",
                 handler, lambda: next(g))
    case("nothing is left", lambda: sys.exception())
    exc = KeyError("deep")
    case("deep", lambda: handover.handling(exc, lambda: handover.handling(ValueError("deeper"), lambda: (
        repr(sys.exception()), handover.handling(exc, lambda: sys.exception() is exc)))))

    def thread():
        seen.append((sys.exception(), outcome(handover.raise_, "string", ValueError, "in a thread")))

    seen = []

    def start():
        t = threading.Thread(target=thread)
        t.start()
        t.join()
        return seen

    case("another thread", handover.handling, KeyError("C's"), start)


def print_nothing(value):
    raise RuntimeError(repr(value))


def stored():
    for cls, value in [(ValueError, "x"), (KeyError, ("a", 1)), (OSError, (2, "text")), (Own, 5), (StopIteration, 7), (MemoryError, "m"),
                       (KeyboardInterrupt, None), (Warning, [1])]:
        name = cls.__name__
        handover.store(cls, value)
        first = handover.get_stored()
        case(f"{name} stored", lambda: (describe(first), handover.get_stored() is first))
        for how in (True, False):
            for time in (1, 2):
                try:
                    handover.again(how)
                except BaseException as e:
                    depth, tb = 0, e.__traceback__
                    while tb is not None:
                        depth, tb = depth + 1, tb.tb_next
                    case(f"{name} again {how} {time}", lambda: (e is first, depth, e.__context__))
        case(f"{name} again in a handler", in_handler, handover.again, True)
        case(f"{name} again in a handler, set", in_handler, handover.again, False)
        first.attribute = name
        del first
        gc.collect()
        case(f"{name} attribute", lambda: handover.get_stored().attribute)
        handover.drop_stored()
        gc.collect()
        case(f"{name} gone", handover.get_stored)
    # never seen by Python before it is raised, and raised twice
    for cls in (ValueError, Own):
        handover.store(cls, "twice")
        seen = []
        for _ in range(2):
            try:
                handover.again(True)
            except cls as e:
                seen.append(e)
        case(f"{cls.__name__} raised twice", lambda: (seen[0] is seen[1], seen[0].args, handover.get_stored() is seen[0]))
        case(f"{cls.__name__} handled as its own context", lambda: handled_again(cls))
        del seen[:]
        handover.drop_stored()

    # what an exception holds is let go
    class Held:
        pass

    for cls in (ValueError, Own):
        for keep in ("never out", "out", "stored"):
            held = Held()
            weak = weakref.ref(held)
            if keep == "never out":
                handover.born(9, cls, held)
            elif keep == "out":
                outcome(handover.raise_, "object", cls, held)
            else:
                handover.store(cls, held)
            del held
            clean(20)
            gc.collect()
            case(f"{cls.__name__} {keep}, held", lambda: weak() is not None)
            handover.drop_stored()
            clean(20)
            gc.collect()
            case(f"{cls.__name__} {keep}, let go", lambda: weak() is not None)
    # in a cycle with what it holds
    holder = Held()
    holder.list = [holder]
    weak = weakref.ref(holder)
    handover.store(ValueError, holder.list)
    holder.list.append(handover.get_stored())
    handover.drop_stored()
    del holder
    clean(20)
    gc.collect()
    gc.collect()
    case("cycle", lambda: weak() is not None)


def handled_again(cls):
    try:
        handover.again(True)
    except cls as e:
        try:
            handover.again(False)
        except cls as f:
            return e is f, f.__context__


def clean(n):
    return clean(n - 1) if n else [None] * 50


def unraisables():
    seen = []
    old, sys.unraisablehook = sys.unraisablehook, lambda args: seen.append(
        (args.exc_type.__name__, args.exc_value.args, args.err_msg, args.object, args.exc_value.__context__))
    for cls, value in [(ValueError, "x"), (Own, (1, 2)), (KeyError, None), (OSError, (2, "t"))]:
        for where in (None, "here", 5000, len):
            handover.unraisable(cls, value, where)
            case(f"unraisable {cls.__name__} {where}", seen.pop)
    case("unraisable in a handler", in_handler, lambda: (handover.unraisable(ValueError, "x", None), print_nothing(seen)))
    sys.unraisablehook = old


def containers():
    for container in ("list", "tuple", "dict", "set", "appended"):
        for kind in "ifsbltdoeN":
            if container == "set" and kind in "ldt":
                continue
            for count in (0, 1, 2, 63, 64, 65):
                for keep in ("", "container", "item"):
                    label = f"{container} of {count} {kind}{' keep ' + keep if keep else ''}"
                    if count > 2 and kind in "btde" and keep != "item":
                        continue
                    made = handover.fresh(container, kind, count, keep)
                    items = sorted(map(repr, made)) if container == "set" else list(made.values() if container == "dict" else made)
                    kept = handover.get_kept()
                    summary = hash_of(outcome(lambda: items))
                    same = None
                    if keep == "container":
                        same = kept is made
                    elif keep == "item" and count:
                        found = list(made.values() if container == "dict" else made)
                        same = any(x is kept for x in found) if kind not in "if" else kept in found
                    changed = None
                    if isinstance(made, list) and kind != "e":
                        made.append(made)
                        made.insert(0, "first")
                        del made[1:2]
                        changed = len(made), made[0], made[-1] is made, len(kept) if keep == "container" else None
                        made.clear()
                    print(label, f"{type(made).__name__} {summary} {same} {changed}", sep="\t")
                    handover.drop_kept()
    for which in ("itself", "thrice", "ring", "tuple in list in tuple", "sliced", "as tuple"):
        made = handover.odd(which)
        case(f"odd {which}", lambda: made)
        case(f"odd {which}, identities", lambda: [x is made or x is made[0] for x in made] + [
            y is made or y is made[0] for x in made if x is not made for y in x])
        gc.collect()
        case(f"odd {which}, after a collection", lambda: made)
    for kind in "ifsbltd":
        seen = []
        made = handover.pass_on(lambda x: seen.append(x) or x.append("Python's") or "result", kind)
        case(f"passed on {kind}", lambda: (made, made is seen[0]))
        case(f"passed on {kind}, itself", lambda: (lambda m: (m[-1] is m, len(m)))(handover.pass_on(lambda x: x, kind)))
        case(f"passed on {kind}, let go", lambda: handover.pass_on(lambda x: None, kind))
    for cls, base in ((handover.List, list), (handover.Tuple, tuple)):
        class Derived(cls):
            pass

        for T in (cls, Derived):
            made = T([1, 1000, 2.5, "x"])
            case(f"{T.__name__} {base.__name__}", lambda: (made, type(made).__name__, len(made), made[1], made == base(made), made[1:],
                                                           isinstance(made, base), list(reversed(made)), 1000 in made))
            if base is list:
                case(f"{T.__name__} changes", lambda: (made.append(made), made.pop() is made, made.sort(key=str), made, made.extend("ab"),
                                                       made[-1], len(made)))


def hash_of(text):
    total = 0
    for c in text:
        total = (total * 31 + ord(c)) % 1000003
    return f"{text if len(text) < 120 else text[:60] + '...'} #{total}"


NUMBERS = [0, 1, -1, 256, 257, -6, 2**29, 2**30 - 1, 2**30, -2**30, 2**31, 2**45, 2**50, 2**51 - 1, 2**51, -2**51, 2**60 - 1, 2**60, -2**60,
           2**61, 2**62, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64, 10**40, -10**40, True, False, 0.0, -0.0, 1.5, math.inf, -math.inf,
           math.nan, 1e308]


def numbers():
    for n in NUMBERS:
        handover.keep_one(n)
    case("kept one by one", handover.kept_numbers)
    handover.keep_many(*NUMBERS[:5])
    handover.keep_many(*NUMBERS[5:])
    handover.keep_many(*reversed(NUMBERS))
    case("kept together", handover.kept_numbers)
    handover.keep_many(1000, 1000, 2.5, 2.5, 1000)
    case("kept twice", handover.kept_numbers)
    for n in NUMBERS:
        case(f"digits of {n!r}", lambda: handover.digits(n) if isinstance(n, int) else None)
        case(f"and back {n!r}", handover.keep_one, n)
    handover.kept_numbers()

    # Ints about the sizes at which their form changes, here and in C: fresh, and when they have lived for a while.
    wide = [s * (2**bits + d) for bits in (50, 51, 59, 60, 62, 63, 64, 89, 90, 119, 120, 127, 128, 299, 300, 301, 640) for s in (1, -1) for d in (-1, 0, 1)]
    for age in range(3):
        wrong = []
        for n in wide:
            back = handover.keep_one(n)
            handover.keep_many(n + 0, n)
            digits = handover.digits(n), handover.digits(n + 0)
            if not (back == n and digits[0] == digits[1] and handover.kept_numbers() == [n, n, n]):
                wrong.append(n)
        case(f"wide ints, {age}", lambda: wrong)
        gc.collect()

    def deeper(n, *rest):
        return handover.keep_then(deeper, n + 2**64, n * n, n + 2**200) if n < 2**70 else handover.keep_many(n, *rest)

    case("nested with wide ints", lambda: handover.keep_then(deeper, 2**69 - 2**65, 2.25))
    case("nested with wide ints, kept", lambda: len(handover.kept_numbers()))

    def deep(n, *rest):
        return handover.keep_then(deep, n - 1, n * 1.5, n + 10**6) if n > 100000 else handover.keep_many(n, *rest)

    for depth in (0, 1, 10, 63, 64, 65, 80):
        case(f"nested {depth}", lambda: handover.keep_then(deep, 100000 + depth, 2.25))
        case(f"nested {depth}, kept", handover.kept_numbers)
    case("a hundred deep", lambda: handover.keep_then(deep, 100100, 2.25))
    handover.kept_numbers()

    def fails(n):
        if n == 5000:
            raise ValueError(n)
        return handover.keep_then(fails, n - 1)

    for time in range(3):
        case(f"nested, raises {time}", handover.keep_then, fails, 5070)
        handover.keep_many(7777, 8.25)
        case(f"after it was raised {time}", handover.kept_numbers)
    case("nested in a handler", in_handler, lambda: print_nothing(handover.keep_then(deep, 100010)))
    handover.kept_numbers()

    def generator(n):
        while True:
            n = yield handover.keep_one(n + 0.5)

    g = generator(1000)
    next(g)
    case("across a generator", lambda: handover.keep_then(g.send, 12345))
    handover.kept_numbers()


def iterators():
    def returns(*items):
        yield from items[:-1]
        return items[-1]

    class Iterator:
        def __init__(self, *args):
            self.args = args

        def __iter__(self):
            return self

        def __next__(self):
            raise StopIteration(*self.args)

    def step(it):
        item, e, after = handover.step(it)
        return item, e and e.value, after

    for items in ((None,), (5,), ((1, 2),), (1, 2), (1, None), (1, 2, 3, 4)):
        case(f"step of a generator {items}", lambda: step(returns(*items)))
        case(f"list of a generator {items}", lambda: (list(returns(*items)), step(iter([])), outcome(next, iter([]))))
    for args in ((), (5,), (1, 2), (None,)):
        case(f"step of an iterator {args}", lambda: step(Iterator(*args)))
        case(f"all of an iterator {args}", lambda: (list(Iterator(*args)), sum(Iterator(*args)), step(iter([])),
                                                    outcome(next, iter([])), next(Iterator(*args), "default"), outcome(next, zip())))
    case("step", lambda: (step(iter([1, 2])), step(iter([1])), step(zip("a", "b")), step(map(len, [5]))))


def sequence_iterators():
    class Sub(list):
        pass

    class Own(list):
        def __iter__(self):
            return iter("own")

    def walked(iterable, *counts):
        items, it = handover.iterator(iterable, counts[0])
        hint = operator.length_hint(it)
        rest = [handover.more(it, n) for n in counts[1:]]
        return type(it).__name__, items, hint, next(it, "end"), rest, list(it), next(it, "end"), operator.length_hint(it), handover.more(it, 1)

    for sequence in ([], (), [1], (1,), [1, "a", None, 2.5], (1, "a", None, 2.5), Sub("abcd"), Own("abcd"), [[]] * 3, list(range(1000))):
        for counts in ((0,), (1,), (2, 1), (1, 1, 1), (2000,)):
            case(f"walk {type(sequence).__name__} of {len(sequence)} {counts}", lambda: str(walked(sequence, *counts))[:300])
    l = [1, 2, 3]
    case("grows", lambda: handover.changed(l, lambda: l.append(4)))
    case("shrinks", lambda: handover.changed(l, l.pop))
    case("emptied", lambda: handover.changed(l, l.clear))
    case("raises", lambda: handover.changed([1], lambda: 1 / 0))
    for ends in ((0,), (3,), (-9, -2, 3), (255, 259), (5, -9, -4), (2**30 - 1, 2**30 + 1), (2**50 - 2, 2**50 + 2),
                 (-2**50 + 1, -2**50 - 3, -1), (2**62, 2**62 + 2), (2**63 - 2, 2**63 + 2), (2**80, 2**80 + 2)):
        for counts in ((1, 2), (10,)):
            case(f"walk {range(*ends)} {counts}", lambda: walked(range(*ends), *counts))

    def after_the_end():
        l = [1]
        items, it = handover.iterator(l, 2)
        l += [2, 3]
        return items, list(it)

    def kept_alive():
        items, it = handover.iterator([object() for _ in range(3)], 1)
        gc.collect()
        return len(items), len(list(it))

    def reduced():
        items, it = handover.iterator([1, 2, 3], 1)
        return it.__reduce__()[1:], it.__setstate__(2), list(it)

    def cycle(see):
        class A:
            pass

        l = [A()]
        dead = weakref.ref(l[0])
        handover.own_iterator(l)
        if see:
            repr(l[1])
        return dead

    def deeper(n):
        return [n, n and deeper(n - 1)]

    def collected(see):
        dead = cycle(see)
        for _ in range(3):
            gc.collect()
            deeper(20)  # and what the stack still has of it is gone
        return dead() is None

    case("after the end", after_the_end)
    case("kept alive", kept_alive)
    case("reduced", reduced)
    case("list with its iterator", lambda: (collected(False), collected(True)))


def sorting():
    class Odd:
        def __lt__(self, other):
            raise KeyError("odd")

    a, b, c = [1], [1], [0]
    lists = [[], [1], [3, 1, 2], [1, 2, 3], [3, 2, 1], [2, 2, 1, 1], [1, 2.5, -1], [2.5, 1.5, 2.5], ["b", "a", "ab", ""],
             ["\u20ac", "a", "\xe9"], [a, b, c], [2**70, -2**70, 5], [True, 0, 2], list(range(100, 0, -1)), [(1, 2), (1,), ()]]
    for l in lists:
        seen = lambda: handover.sorted(list(l))  # noqa: E731
        case(f"sorted {l[:4]}", lambda: (seen() == sorted(l), seen()[:5]))
        case(f"reversed {l[:4]}", lambda: (x := seen(), x.sort(reverse=True), x == sorted(l, reverse=True))[2])
    # Short lists of short ints are sorted by C itself.
    for n in (2, 5, 31, 32, 33):
        for most in (3, 1000, 2**29, 2**31, 2**62):
            mixed = [(i * 7919 + 3) * 104729 % (2 * most) - most for i in range(n)]
            case(f"sorted {n} of {most}", lambda: (x := handover.sorted(list(mixed)), x == sorted(mixed), x[:3]))
            case(f"sorted {n} of {most} and one more", lambda: handover.sorted([*mixed, 0.5]) == sorted([*mixed, 0.5]))
    case("sorted, a list of a subclass", lambda: handover.sorted(type("L", (list,), {})([5, 3, 4])))
    case("stable", lambda: [x is y for x, y in zip(handover.sorted([a, b, c]), [c, a, b])])
    case("nan", lambda: len(handover.sorted([1.0, math.nan, 0.5])))
    case("not comparable", lambda: handover.sorted([1, "a"]))
    case("odd", lambda: handover.sorted([Odd(), Odd()]))


def buffers():
    SIMPLE, WRITABLE, FORMAT, ND, STRIDES, FULL, FULL_RO = 0, 1, 4, 8, 24, 285, 284

    class Sub(bytearray):
        pass

    def lent(make, flags, meanwhile=lambda o: None):
        o = make()
        result = handover.lend(o, flags, lambda: meanwhile(o))
        return result, bytes(o) if not isinstance(o, memoryview) else o.tobytes()

    makers = {"bytes": lambda: b"abcdef", "bytearray": lambda: bytearray(b"abcdef"), "subclass": lambda: Sub(b"abcdef"),
              "empty": bytearray, "view": lambda: memoryview(b"abcdef"), "view of a bytearray": lambda: memoryview(bytearray(b"abcdef")),
              "slice": lambda: memoryview(b"abcdef")[1:4], "steps": lambda: memoryview(b"abcdef")[::2],
              "words": lambda: memoryview(bytearray(8)).cast("H"), "two": lambda: memoryview(bytearray(8)).cast("B", (2, 4)),
              "array": lambda: array.array("i", [1, 2, 3])}
    for name, make in makers.items():
        for flags in (SIMPLE, WRITABLE, FORMAT, ND, ND | FORMAT, STRIDES, FULL, FULL_RO):
            case(f"{name} {flags}", lambda: lent(make, flags))
    for name in ("bytearray", "subclass"):
        case(f"{name} resized meanwhile", lambda: lent(makers[name], SIMPLE, lambda o: outcome(o.append, 1)))
        case(f"{name} written meanwhile", lambda: lent(makers[name], SIMPLE, lambda o: o.__setitem__(0, 65)))
        case(f"{name} lent twice", lambda: lent(makers[name], SIMPLE, lambda o: handover.lend(o, FULL, lambda: outcome(o.clear))))

        def afterwards():
            o = makers[name]()
            handover.lend(o, FULL, lambda: None)
            o += b"gh"
            return bytes(o)

        case(f"{name} resized afterwards", afterwards)
    case("view released meanwhile", lambda: lent(makers["view"], SIMPLE, lambda o: outcome(o.release)))


class Int(int):
    def __add__(self, other):
        return f"Int.__add__({int(other)})" if isinstance(other, int) else NotImplemented

    def __radd__(self, other):
        return f"Int.__radd__({other!r})"

    def __imul__(self, other):
        return f"Int.__imul__({other!r})"


class PlainInt(int):
    pass


class Float(float):
    def __rsub__(self, other):
        return f"Float.__rsub__({other!r})"

    def __mul__(self, other):
        raise ValueError("Float.__mul__")


class Other:
    def __radd__(self, other):
        return f"Other.__radd__({other!r})"

    def __isub__(self, other):
        return NotImplemented


def arithmetic():
    named = {**{repr(n): n for n in NUMBERS}, "Int(5)": Int(5), "PlainInt(2**60)": PlainInt(2**60), "Float(1.5)": Float(1.5), "[1]": [1],
             "'s'": "s", "None": None, "(1,)": (1,), "1j": 1j, "bytes": b"b"}
    def shown(x):
        return f"{type(x).__name__} {describe(x) if isinstance(x, BaseException) else repr(x)}".replace("traceback=False", "traceback=True")

    def by_python(a, b):
        out = []
        for function in (operator.add, operator.sub, operator.mul, operator.iadd, operator.isub, operator.imul):
            try:
                out.append(function(a, b))
            except Exception as e:
                out.append(e.with_traceback(None))
        return out

    for (na, a) in named.items():
        wrong = []
        for (nb, b) in named.items():
            sequences = [isinstance(x, (list, str, tuple, bytes)) for x in (a, b)]
            if any(sequences) and any(isinstance(x, int) and abs(x) > 1000 for x in (a, b)) or all(sequences) and na != nb:
                continue
            if isinstance(a, list):
                a = [1]
            got = list(map(shown, handover.arithmetic(a, b)))
            if isinstance(a, list):
                a = [1]
            expected = list(map(shown, by_python(a, b)))
            wrong += [(nb, x, y) for x, y in zip(got, expected) if x != y]
        case(f"{na} and the others", lambda: wrong)
    case("results", lambda: [handover.arithmetic(a, b) for a, b in [
        (2**30 - 1, 1), (2**30, -1), (2**60 - 1, 2), (-2**60 + 1, 2**60 - 1), (2**31, 2**32), (2**63 - 1, 1), (True, 2.5), (3, 0.5),
        (2**53 + 1, 1.0), (math.inf, -1), (1.5, 1.5), (Int(5), 3), (3, Int(5)), (2.5, Float(1.5))]
        if not isinstance(b, Float)])
    case("Other", lambda: [describe(x) if isinstance(x, Exception) else x for x in handover.arithmetic(3, Other())])
    case("Other, reflected", lambda: [describe(x) if isinstance(x, Exception) else x for x in handover.arithmetic(Other(), 2.5)])
    case("types", lambda: [type(x).__name__ for x in handover.arithmetic(True, True) + handover.arithmetic(PlainInt(1), PlainInt(2))])


exceptions()
contexts()
stored()
unraisables()
containers()
numbers()
iterators()
sequence_iterators()
sorting()
buffers()
arithmetic()
