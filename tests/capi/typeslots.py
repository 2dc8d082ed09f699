"""Prints what comes of slots, members and constructors of typeslots.c: which slots are called, with what, and what results.

usage: typeslots.py FOLDER_OF_THE_EXTENSION"""

import gc
import math
import operator
import re
import sys
import warnings

sys.path.insert(0, sys.argv[1])
import typeslots
from typeslots import make_type, settings

GIVE, NOTHING, ERROR, GIVE_AND_ERROR, STOP, STOP_WITH_VALUE, BY_SEQUENCES = range(7)


def show_exception(e):
    text = re.sub("0x[0-9a-f]+", "0x", f"{type(e).__name__}{e.args}")
    for label, other in (("cause", e.__cause__), ("context", e.__context__)):
        if other is not None and not (label == "context" and other is e.__cause__):
            text += f" {label} {show_exception(other)}"
    return text


def outcome(function, *args, **kwargs):
    typeslots.take_journal()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            text = repr(function(*args, **kwargs))
        except BaseException as e:
            text = show_exception(e)
    for warning in caught:
        text += f" {warning.category.__name__}: {warning.message}"
    journal = typeslots.take_journal()
    if journal:
        text += " after " + ", ".join(f"{slot}({', '.join(map(repr, rest))})" for slot, *rest in journal)
    return re.sub("0x[0-9a-f]+", "0x", text).replace("\t", " ").replace("\n", " ").replace("typeslots.", "")


def case(label, function, *args, **kwargs):
    print(label, outcome(function, *args, **kwargs), sep="\t", flush=True)


def cases(label, functions):
    """Several outcomes in a row of one line; those that are the same as the one before are not repeated."""
    texts, last = [], None
    for name, function in functions.items():
        text = outcome(function)
        texts.append(f"{name}: {text}" if text != last else name)
        last = text
    print(label, "; ".join(texts), sep="\t", flush=True)


class Int(int):
    pass


class Index:
    def __index__(self):
        return 7


class Float:
    def __float__(self):
        return 2.5


# ---- members ----

class DerivedMembers(typeslots.Members):
    pass


class SlottedMembers(typeslots.Members):
    __slots__ = ("own",)


NAMES = ["short", "int", "long", "float", "double", "string", "object", "object_ex", "char", "byte", "bool", "ubyte", "ushort", "uint",
         "ulong", "inplace", "longlong", "ulonglong", "ssize", "none", "readonly", "audited"]
NUMBERS = [0, 1, -1, 127, 128, -128, -129, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, -2**31 - 1, 2**32, 2**53, 2**63 - 1, 2**63, -2**63,
           -2**63 - 1, 2**64 - 1, 2**64, True, 1.5, math.inf]
OTHERS = [None, "x", "xy", "", b"x", Int(5), Index(), Float(), [], 1j]


def written(obj, name, value):
    setattr(obj, name, value)
    return getattr(obj, name)


def members():
    for T in (typeslots.Members, DerivedMembers, SlottedMembers):
        for name in NAMES:
            obj = T()
            read_only = name if name in ("none", "readonly", "audited") else name + "_ro"
            cases(f"{T.__name__}.{name}", {
                "fresh": lambda: getattr(obj, name),
                "least": lambda: (obj.fill(False), getattr(obj, name), getattr(obj, read_only))[1:],
                "most": lambda: (obj.fill(True), getattr(obj, name), getattr(obj, read_only))[1:],
                "delete": lambda: delattr(obj, name),
                "deleted": lambda: getattr(obj, name),
                "delete again": lambda: delattr(obj, name),
                "read only, set": lambda: setattr(obj, read_only, 1),
                "read only, set linked": lambda: setattr(obj, read_only, T),
                "read only, delete": lambda: delattr(obj, read_only),
            })
            if T is typeslots.Members:
                cases(f"{name} =", {re.sub(" object at.*", "", repr(value)): lambda value=value: written(obj, name, value)
                                    for value in NUMBERS + OTHERS})
    case("bool is True", lambda: (written(obj, "bool", True), written(obj, "bool", False)))
    case("no instance", typeslots.Members.__dict__["int"].__get__, 3)
    case("of another type", typeslots.Members.__dict__["int"].__get__, typeslots.Made())
    case("of another type, set", typeslots.Members.__dict__["object"].__set__, 3, 4)
    case("repr", lambda: (typeslots.Members.int, typeslots.Members.int_ro.__doc__, type(typeslots.Members.int)))

    # identity, and values that stay when what was lent is used again
    item, obj = [], typeslots.Members()
    obj.object = obj.object_ex = item
    case("same object", lambda: (obj.object is item, obj.object_ex is item, obj.has(item)))
    values = []
    for value in (1000, 10**12, 10**30, 1.25, -math.inf, True, None, "text", b"bytes", ("a", 1000), 2**60):
        obj.object = value
        len([]), typeslots.settings(0, 123456), typeslots.settings(0, 7.5)
        values.append(obj.object)
    case("values", lambda: values)
    obj.object = obj
    case("itself", lambda: obj.object.object is obj)
    obj.object = None
    for value in (10**6, "linked", item):
        obj.object = value
        obj.object_ex = obj.object
    case("from one to another", lambda: obj.object_ex is item)

    # the same, through caches of attributes in a loop, and of instances that differ
    many = [T() for T in (typeslots.Members, DerivedMembers, typeslots.Added) * 10]
    for n, one in enumerate(many):
        one.int, one.double, one.object = n, n / 2, [n]
        one.bool = n % 2 == 0
    case("in a loop", lambda: [(one.int, one.double, one.object, one.bool, one.string) for one in many])
    del many[:]


def site(name):
    """Functions with one place each that reads and that writes the attribute."""
    scope = {}
    exec(f"def read(o): return o.{name}\ndef write(o, v):\n o.{name} = v\n return o.{name}", scope)
    return scope["read"], scope["write"]


def hot_members():
    """Places that became hot with a value of the member's sort, and then meet all others."""
    usual = {"float": 1.5, "double": 2.5, "object": "text", "object_ex": Int, "char": "y", "bool": True}
    for name in NAMES:
        if name in ("string", "inplace", "none", "readonly", "audited"):
            continue
        read, write = site(name)
        obj = typeslots.Members()
        for _ in range(2000):
            write(obj, usual.get(name, 7)), read(obj)
        cases(f"hot {name} =", {re.sub(" object at.*", "", repr(value)): lambda value=value: (write(obj, value), read(obj))
                                for value in NUMBERS + OTHERS + [False, "é", "\0", -0.0, math.nan, 1e300]})
        for fill in (False, True):
            obj.fill(fill)
            case(f"hot {name} filled {fill}", read, obj)
        for other in (DerivedMembers(), SlottedMembers(), Int(5)):
            case(f"hot {name} of another class", write, other, usual.get(name, 7))
        read_only = site(name + "_ro")[1]
        for _ in range(2000):
            try:
                read_only(obj, usual.get(name, 7))
            except AttributeError:
                pass
        case(f"hot {name}_ro", read_only, obj, usual.get(name, 7))
    for name in ("string", "inplace"):
        read, _ = site(name)
        obj = typeslots.Members()
        for fill in [False, True] * 1000:
            obj.fill(fill)
            read(obj)
        for fill in (False, True):
            obj.fill(fill)
            case(f"hot {name} filled {fill}", read, obj)


def relative_members():
    class Derived(typeslots.Added):
        pass

    for T in (typeslots.Added, Derived):
        one, two = T(), T()
        name = T.__name__
        case(f"{name} fresh", lambda: (one.number, one.int))
        case(f"{name} fresh object", lambda: one.thing)
        one.number, two.number, one.int = 5, -6, 7
        thing = one.thing = ["thing"]
        case(f"{name} set", lambda: (one.number, two.number, one.int, one.thing is thing, one.string))
        case(f"{name} too large", setattr, one, "number", 2**40)
        case(f"{name} wrong", setattr, one, "number", "x")
        case(f"{name} delete", lambda: (delattr(one, "thing"), hasattr(one, "thing")))
        case(f"{name} other instance", typeslots.Added.number.__get__, typeslots.Members())
    del one, two


# ---- slots ----

ARGUMENTS = [None, True, 0, 5, -6, 300, 2**29, 2**30, 2**31, -2**50, 2**51, 2**62, 10**40, -10**40, 1.5, -0.0, math.nan, "text", "",
             b"bytes", (), (1, 2), NotImplemented, ..., Int(3), int, len]
linked = ["linked"]
settings(GIVE, linked)


def many_arguments():
    settings(GIVE, None)
    T = make_type("typeslots.Wide", "nb_add", "nb_subtract", "nb_power", "nb_inplace_add", "mp_subscript", "mp_ass_subscript", "tp_call",
                  "tp_richcompare", "sq_contains", "tp_descr_get", "tp_descr_set", "tp_setattro")
    v = T()
    for a in [*ARGUMENTS, linked, v]:
        cases(f"argument {a!r:.20}" if a is not v else "argument v", {
            "v + a": lambda: v + a,
            "a - v": lambda: a - v,
            "v ** a": lambda: v ** a,
            "a ** v": lambda: a ** v,
            "pow(v, a, a)": lambda: pow(v, a, a),
            "v += a": lambda: operator.iadd(v, a),
            "v[a]": lambda: v[a],
            "v[a] = a": lambda: operator.setitem(v, a, a),
            "del v[a]": lambda: operator.delitem(v, a),
            "v(a)": lambda: v(a),
            "v(a, k=a, l=1)": lambda: v(a, k=a, l=1),
            "call(v, a, k=a)": lambda: typeslots.call(v, a, k=a),
            "v < a": lambda: v < a,
            "a < v": lambda: a < v,
            "v == a": lambda: v == a,
            "a in v": lambda: a in v,
            "v.__get__(a)": lambda: v.__get__(a),
            "v.__get__(a, a)": lambda: v.__get__(a, a),
            "v.attribute = a": lambda: setattr(v, "attribute", a),
            "v.__add__(a)": lambda: v.__add__(a),
            "v.__radd__(a)": lambda: v.__radd__(a),
        })
    settings(GIVE, ...)
    case("v()", lambda: v())
    case("v(*10)", lambda: v(*range(10)))
    case("v(**{})", lambda: v(**{}))
    case("v(1, 2.5, *(), x=10**20, **{'y z': None})", lambda: v(1, 2.5, *(), x=10**20, **{"y z": None}))
    case("v.__call__(1, k=2)", lambda: v.__call__(1, k=2))
    case("T.__call__(v, 1)", lambda: T.__call__(v, 1))
    case("map(v)", lambda: list(map(v, [1, 2.5, 10**20])))
    for wrong in ("v.__add__()", "v.__add__(1, 2)", "v.__add__(other=1)", "v.__pow__()", "v.__pow__(1, 2, 3)", "v.__setitem__(1)",
                  "v.__get__()", "v.__get__(None)", "v.__get__(None, None)", "T.__add__(1, 2)", "T.__add__()"):
        case(wrong, lambda: eval(wrong, {"v": v, "T": T}))


RESULTS = [None, True, False, NotImplemented, ..., "#0", "#1", "#-1", "#256", "#257", "#-5", "#-6", "#1073741823", "#1073741824",
           "#-1073741824", "#1152921504606846975", "#1152921504606846976", "#-1152921504606846976", "#2251799813685247",
           "#-2251799813685249", "#1" + "0" * 30, "#-1" + "0" * 30, 5, 10**10, 10**30, 1.5, -math.inf, "text", b"bytes", (), (1,), {},
           linked, int, Int(3)]


def results():
    T = make_type("typeslots.Results", "nb_negative", "nb_add", "nb_index", "nb_int", "nb_float", "mp_subscript", "tp_call", "tp_iternext",
                  "self_iter", "tp_richcompare", "tp_repr", "tp_str", "sq_item", "nb_divmod", "nb_matrix_multiply")
    v = T()
    uses = {
        "-v": lambda: -v, "v + 1": lambda: v + 1, "1 + v": lambda: 1 + v, "v + v": lambda: v + v, "v @ v": lambda: v @ v,
        "operator.index(v)": lambda: operator.index(v), "int(v)": lambda: int(v), "float(v)": lambda: float(v), "v[0]": lambda: v[0],
        "v(1)": lambda: v(1), "next(v)": lambda: next(v), "v < v": lambda: v < v, "v == 1": lambda: v == 1, "v != v": lambda: v != v,
        "not v == v": lambda: not v == v, "repr(v)": lambda: repr(v), "str(v)": lambda: str(v), "f'{v}'": lambda: f"{v}",
        "divmod(v, 2.5)": lambda: divmod(v, 2.5), "sorted": lambda: answer is not NotImplemented and sorted([v, v]) and None, "max": lambda: max(v, v) and None,
    }
    for how, answer in [(GIVE, r) for r in RESULTS] + [(ERROR, None), (STOP, None), (STOP_WITH_VALUE, 5)]:
        name = ("", "NOTHING", "ERROR", "", "STOP", "STOP_WITH_VALUE")[how] or f"{answer!r:.40}"
        settings(how, answer)
        cases(f"result {name}", uses)
        case(f"identity of {name}", lambda: (-v is answer, v[0] is answer, v() is answer, (v < v) is answer, next(v) is answer))
    settings(GIVE, 0)


def numbers_as_results():
    T = make_type("typeslots.Counts", "nb_bool", "sq_length", "tp_hash", "sq_contains", "sq_item", "sq_ass_item", "mp_ass_subscript")
    v = T()
    for status in (0, 1, 2, -1, -2, -5, 2**31 - 1):
        for how in (GIVE, ERROR):
            settings(how, None, status)
            name = f"{status}{' with an error' if how == ERROR else ''}"
            if how == GIVE or status == -1:  # else CPython goes on
                if not (how == GIVE and status == -1):  # tests/capi/bad_results.py
                    case(f"bool(v) {name}", lambda: bool(v) if status >= 0 or how == ERROR else None)
                    case(f"hash(v) {name}", lambda: hash(v))
                    case(f"{{v: 1}} {name}", lambda: len({v: 1}))
                if status >= -1 and (how == ERROR or status != -1):
                    case(f"not v {name}", lambda: not v)
                    case(f"if v {name}", lambda: 1 if v else 2)
                    case(f"v and v {name}", lambda: (v and 3, v or 4))
                    case(f"1 in v {name}", lambda: 1 in v)
                    case(f"1 not in v {name}", lambda: status > 1 or 1 not in v)
                    case(f"len(v) {name}", lambda: len(v))
                    case(f"v[-1] = 5 {name}", operator.setitem, v, -1, 5)
                    case(f"del v[0] {name}", operator.delitem, v, 0)
    settings(GIVE, None, 3)
    S = make_type("typeslots.Sequence", "sq_length", "sq_item", "sq_ass_item", "sq_concat", "sq_repeat")
    s = S()
    for key in (0, 1, -1, -3, -4, True, 2**62, 2**63, -2**63, -2**70, 1.5, "k", None, Int(2), Index(), slice(1)):
        name = re.sub(" object at.*", "", repr(key))
        case(f"s[{name}]", lambda: s[key])
        case(f"s[{name}] = 1000", operator.setitem, s, key, 1000)
        case(f"del s[{name}]", operator.delitem, s, key)
        if isinstance(key, int) and abs(key) < 2**63:
            case(f"s.__getitem__({name})", lambda: s.__getitem__(key))
        case(f"s * {name}", lambda: s * key)
        if key != "k":
            case(f"{name} * s", lambda: key * s)
        case(f"s + {name}", lambda: s + key)
        case(f"{name} + s", lambda: key + s)
        case(f"s *= {name}", lambda: operator.imul(s, key))
        case(f"s += {name}", lambda: operator.iadd(s, key))
    case("s + s", lambda: s + s)
    case("s * s", lambda: s * s)
    case("operator.concat", lambda: operator.concat(s, 1))
    case("s + s by sum", lambda: sum([s], s))


# ---- operators among types ----

def operators():
    A = make_type("typeslots.A", "nb_add", "nb_subtract", "nb_multiply", "nb_power", "nb_inplace_add", "nb_inplace_power", "tp_richcompare",
                  "nb_matrix_multiply", "nb_divmod")
    B = make_type("typeslots.B", "nb_add", "nb_subtract", "nb_power", "tp_richcompare", "nb_divmod")
    C = make_type("typeslots.C", "nb_add", "tp_richcompare", base=A)
    both = make_type("typeslots.Both", "nb_add", "nb_multiply", "sq_concat", "sq_repeat")
    empty = make_type("typeslots.Empty")

    class Plain(A):
        pass

    class Overrides(A):
        def __add__(self, other):
            typeslots.call(journal, "Overrides.__add__", type(other).__name__)
            return super().__add__(other)

        def __radd__(self, other):
            typeslots.call(journal, "Overrides.__radd__", type(other).__name__)
            return NotImplemented

        def __lt__(self, other):
            typeslots.call(journal, "Overrides.__lt__", type(other).__name__)
            return NotImplemented

    class Reflects(A):
        def __radd__(self, other):
            typeslots.call(journal, "Reflects.__radd__", type(other).__name__)
            return "reflected"

        def __rpow__(self, other, modulo=None):
            return NotImplemented

        def __gt__(self, other):
            return "greater"

    class Other:
        def __radd__(self, other):
            return "Other.__radd__"

        def __rpow__(self, other):
            return "Other.__rpow__"

        def __gt__(self, other):
            return "Other.__gt__"

        def __eq__(self, other):
            return NotImplemented

    calls = []

    def journal(*what):
        calls.append(what)

    def with_calls(function, *args):
        calls.clear()
        result = function(*args)
        return (result, *calls) if calls else result

    two = {**{T.__name__: T() for T in (A, B, C, both, empty, Plain, Overrides, Reflects, Other)}, "3": 3, "[1]": [1]}
    symbols = {"+": operator.add, "-": operator.sub, "*": operator.mul, "**": operator.pow, "@": operator.matmul, "+=": operator.iadd,
               "**=": operator.ipow, "<": operator.lt, "==": operator.eq, "!=": operator.ne,
               "divmod": divmod, "&": operator.and_}
    for answer in (NotImplemented, "given"):
        settings(GIVE, answer)
        for (na, a) in two.items():
            for (nb, b) in two.items():
                if not na[0].isupper() and not nb[0].isupper() or answer is NotImplemented and "Both" in (na, nb):
                    continue  # Both's number slots are all that Cape asks
                if answer is NotImplemented and na == "Reflects":
                    continue  # CPython asks the slot of its base twice
                cases(f"{na} and {nb} -> {answer}", {
                    symbol: lambda function=function: with_calls(function, a, b) for symbol, function in symbols.items()
                    if symbol != "+=" or answer == "given" or na not in ("Plain", "Overrides", "Reflects")})
    # by the operators themselves, of operands of one type again and again
    settings(GIVE, NotImplemented)
    for name in ("A", "Plain", "Overrides", "Reflects", "Empty"):
        a, b = two[name], type(two[name])()
        case(f"{name} + same", lambda: a + b)
        case(f"{name} - same", lambda: a - b)
        case(f"{name} * same", lambda: a * b)
        case(f"{name} ** same", lambda: a ** b)
        case(f"{name} < same", lambda: a < b)
        case(f"{name} == same", lambda: (a == b, a != b, a == a, a != a))
        case(f"{name} in a list", lambda: ([a].index(a), a in [b], [a] == [a], [a] == [b]))
    settings(ERROR, None)
    for name in ("A", "Plain", "Overrides"):
        a, b = two[name], type(two[name])()
        case(f"{name} + same, error", lambda: a + b)
        case(f"{name} < same, error", lambda: a < b)
        case(f"{name} += same, error", lambda: operator.iadd(a, b))
        case(f"{name} + 1, error", lambda: a + 1)
    settings(GIVE, None)


# ---- slots of numbers and of sequences together ----

def numbers_and_sequences():
    names = {
        "Number": ("nb_add", "nb_multiply"), "Sequence": ("sq_concat", "sq_repeat"), "Both": ("nb_add", "nb_multiply", "sq_concat", "sq_repeat"),
        "InPlace": ("nb_inplace_add", "nb_inplace_multiply", "sq_inplace_concat", "sq_inplace_repeat"),
        "All": ("nb_add", "nb_multiply", "sq_concat", "sq_repeat", "nb_inplace_add", "nb_inplace_multiply", "sq_inplace_concat",
                "sq_inplace_repeat"),
        "SequenceInPlace": ("sq_concat", "sq_repeat", "sq_inplace_concat", "sq_inplace_repeat"),
        "NumberInPlaceSequence": ("nb_add", "nb_multiply", "sq_inplace_concat", "sq_inplace_repeat"), "Index": ("nb_index",),
    }
    types = {name: make_type(f"typeslots.{name}", *slots) for name, slots in names.items()}

    class Derived(types["Both"]):
        pass

    class Overriding(types["Both"]):
        def __add__(self, other):
            return NotImplemented

        __mul__ = __radd__ = __rmul__ = __iadd__ = __imul__ = __add__

    class Reflecting(types["Number"]):
        def __radd__(self, other):
            return "__radd__"

    operands = {name: T() for name, T in (types | {"Derived": Derived, "Overriding": Overriding, "Reflecting": Reflecting}).items()}
    operands |= {"int": 3, "str": "k", "list": [1], "float": 1.5}
    in_place = {operator.iadd: "InPlaceAdd", operator.imul: "InPlaceMultiply"}
    for a_name, a in operands.items():
        for b_name, b in operands.items():
            if a_name == "Reflecting" or not {a_name, b_name} & (types.keys() | {"Derived", "Overriding", "Reflecting"}):
                continue
            for op, by_c in {operator.add: "Add", operator.mul: "Multiply", **in_place}.items():
                functions = {}
                for label, how, answer in ("given", GIVE, "#12345"), ("by sequences", BY_SEQUENCES, "#12345"):
                    def run(function, how=how, answer=answer):
                        settings(how, answer)
                        return function()

                    # A list changes.
                    functions[label] = lambda run=run: run(lambda: op([1] if a_name == "list" else a, b))
                    functions[label + ", C"] = lambda run=run: run(lambda: typeslots.number(by_c, [1] if a_name == "list" else a, b))
                cases(f"{op.__name__} {a_name} {b_name}", functions)
    settings(GIVE, None)


def powers():
    P, Q = (make_type(f"typeslots.{name}", "nb_power") for name in ("Power", "OtherPower"))
    I = make_type("typeslots.InPlacePower", "nb_inplace_power")

    class Derived(P):
        pass

    class Own:
        def __pow__(self, other, modulus=None):
            return "__pow__", other, modulus

        def __rpow__(self, other, modulus=None):
            return "__rpow__", other, modulus

        def __repr__(self):
            return "Own()"

    class OwnInPlace(Own):
        def __ipow__(self, other):
            return "__ipow__", other

    operands = {"int": 3, "float": 1.5, "complex": 2j, "str": "k", "Power": P(), "OtherPower": Q(), "Derived": Derived(), "Own": Own()}
    for answer in "#12345", NotImplemented:
        for a_name, a in operands.items():
            for b_name, b in operands.items():
                def run(c):
                    settings(GIVE, answer)
                    return pow(a, b, c)

                functions = {c_name: lambda c=c: run(c) for c_name, c in operands.items()}
                cases(f"pow {answer} {a_name} {b_name}", functions)
        for left in I(), OwnInPlace(), P(), 3:
            for c in None, 5, Q():
                def in_place():
                    settings(GIVE, answer)
                    return typeslots.number("InPlacePower", left, 2, c)

                case(f"PyNumber_InPlacePower {answer} {type(left).__name__} {type(c).__name__}", in_place)
    settings(GIVE, None)


# ---- calls by C of functions of C ----

class Bad:
    def __iter__(self):
        raise KeyError("no items")

    def __str__(self):
        raise KeyError("no text")

    def __bool__(self):
        raise KeyError("no truth")

    def __repr__(self):
        return "Bad()"


def conventions():
    class Derived(typeslots.Conventions):
        pass

    names = ("takes_none", "takes_one", "takes_tuple", "takes_dict", "takes_vector", "takes_names")
    functions = {f"function {name}": getattr(typeslots, name) for name in names}
    functions |= {f"free {name}": typeslots.free_function(i) for i, name in enumerate(names)}
    for name, f in functions.items():
        calls = {"": lambda: f(), "1": lambda: f(1), "1, 'two'": lambda: f(1, "two"), "x=1": lambda: f(x=1), "1, x=2": lambda: f(1, x=2)}
        cases(f"from Python {name}", calls)
    for cls in (typeslots.Conventions, Derived, typeslots.OfClass, typeslots.Static):
        for name in names:
            functions[f"{cls.__name__} bound {name}"] = getattr(cls(), name)
            functions[f"{cls.__name__} {name}"] = getattr(cls, name)
    calls = [((), None), ((1,), None), ((1, "two"), None), ((1, 2, 3), None), ((1,), ("x",)), ((1, 2), ("x",)), ((1, 2), ("x", "y")), ((), ())]
    for label, f in functions.items():
        unbound = type(f) is type(list.append)
        for receiver in ((), (typeslots.Conventions(),), (Derived(),), (typeslots.Static(),), ("text",)) if unbound else ((),):
            outcomes = {}
            for args, keys in calls:
                named = len(keys or ())
                def by_tuple(args=args, keys=keys, named=named):
                    kwargs = dict(zip(keys, args[len(args) - named:])) if keys else {}
                    if not kwargs:
                        return typeslots.call(f, *receiver, *args)
                    return typeslots.call(f, *receiver, *args[:len(args) - named], **kwargs)

                outcomes[f"{args} {keys}"] = lambda args=args, keys=keys: typeslots.call_vector(f, receiver + args, keys)
                outcomes[f"{args} {keys} by tuple"] = by_tuple
            cases(f"call {label} {receiver[0].__class__.__name__ if receiver else ''}", outcomes)
    for receiver in typeslots.Conventions(), Derived(), typeslots.OfClass(), typeslots.Static(), typeslots:
        for name in names:
            outcomes = {f"{args} {keys}": lambda args=args, keys=keys: typeslots.call_method(name, (receiver, *args), keys)
                        for args, keys in calls if keys is None or len(args) >= len(keys)}
            cases(f"call method {type(receiver).__name__} {name}", outcomes)
    for how in None, True, False:
        for f in typeslots.breaks, typeslots.Conventions().breaks, typeslots.Static.breaks:
            case(f"broken {how}", lambda: typeslots.call_vector(f, (how,), None))
            case(f"broken {how} by tuple", lambda: typeslots.call(f, how))
        case(f"broken {how} descriptor", lambda: typeslots.call_vector(typeslots.Conventions.breaks, (typeslots.Conventions(), how), None))
    for method in typeslots.Conventions.takes_one, Derived.takes_dict, list.append, dict.get, str.join:
        case(f"parts of {method.__name__}", typeslots.descriptor_parts, method)

    things = {"none": (), "list": ([1, 2],), "text": ("aa",), "int": (7,), "negative": (-2**29,), "generator": ("a generator",),
              "class": (typeslots.Conventions,), "bad": (Bad(),), "two": (b"ab", "ascii"), "three": ("a", (), {})}
    for cls in list, tuple, str, bool, type, dict, frozenset, float, object:
        outcomes = {}
        for label, args in things.items():
            def make(args=args):
                return typeslots.call_vector(cls, tuple((c for c in "xx") if a == "a generator" else a for a in args), None)

            outcomes[label] = lambda make=make: (type(make()), make())
        outcomes["named"] = lambda: typeslots.call_vector(cls, ("x",), ("object",))
        cases(f"class called {cls.__name__}", outcomes)

    def deep(n):
        return typeslots.call(typeslots.call, deep, n - 1) if n else "the end"

    case("calls in calls", deep, 50)


# ---- iterators ----

def iterators():
    T = make_type("typeslots.Iterator", "self_iter", "tp_iternext")
    M = make_type("typeslots.WithMethods", "self_iter", "tp_iternext", "methods")
    N = make_type("typeslots.OnlyMethods", "self_iter", "methods")

    class Derived(T):
        pass

    class DerivedM(M):
        pass

    class DerivedN(N):
        pass

    def for_loop(it):
        for x in it:
            if x != "end":
                settings(STOP_WITH_VALUE, "end")
            yield x

    def delegate(it):
        return (yield from it)

    def drive(generator):
        out = []
        while True:
            try:
                out.append(generator.send(None))
            except StopIteration as e:
                return out, e.value
            settings(STOP_WITH_VALUE, "value of the end")

    for T in (T, M, N, Derived, DerivedM, DerivedN):
        it = T()
        for how in (NOTHING, STOP, STOP_WITH_VALUE, ERROR):
            name = f"{T.__name__} {('', 'NOTHING', 'ERROR', '', 'STOP', 'STOP_WITH_VALUE')[how]}"
            settings(how, "value")
            case(f"{name} next", lambda: next(it))
            case(f"{name} next with default", lambda: next(it, "default"))
            case(f"{name} __next__", lambda: it.__next__())
            case(f"{name} for", lambda: [x for x in it])
            case(f"{name} list", lambda: list(it))
            case(f"{name} unpack", lambda: (lambda *a: a)(*it))
            case(f"{name} unpack 1", lambda: exec("a, = it", {"it": it}))
            case(f"{name} yield from", lambda: drive(delegate(it)) if T not in (N, DerivedN) else None)
            case(f"{name} in", lambda: 1 in it)
            case(f"{name} zip", lambda: list(zip(it, it)))
            case(f"{name} map", lambda: list(map(str, it)))
            case(f"{name} sum", lambda: sum(it))
            case(f"{name} dict", lambda: dict(it))
            case(f"{name} join", lambda: "".join(it))
            case(f"{name} max", lambda: max(it, default="none"))
            case(f"{name} exception", lambda: exception_of(next, it))
        settings(GIVE, "#1000")
        case(f"{T.__name__} yield from with values", lambda: drive(delegate(it)) if T not in (N, DerivedN) else None)
        settings(GIVE, "#1000")
        case(f"{T.__name__} for with values", lambda: list(for_loop(it)))
    for T in (N, DerivedM, DerivedN):
        v = T()
        for answer in (True, False, None, "#1", NotImplemented, "text"):
            settings(GIVE, answer)
            name = f"{T.__name__} {answer}"
            case(f"{name} bool", lambda: bool(v))
            case(f"{name} if", lambda: 1 if v else 0)
            case(f"{name} __bool__", lambda: v.__bool__())
            case(f"{name} +", lambda: v + 1)
            case(f"{name} + same", lambda: v + v)
        for how in (ERROR, STOP):
            settings(how, None)
            case(f"{T.__name__} {how} bool", lambda: bool(v))
            case(f"{T.__name__} {how} if", lambda: 1 if v else 0)
            case(f"{T.__name__} {how} + same", lambda: v + v)
    settings(GIVE, None)


def exception_of(function, *args):
    try:
        function(*args)
    except BaseException as e:
        return type(e), e.args, e.__traceback__ is not None, e.__context__


# ---- construction ----

def construction():
    def seen(cls, *args, **kwargs):
        made = cls(*args, **kwargs)
        return type(made).__name__, made.seen if hasattr(made, "seen") else made

    def counted(function, *args, **kwargs):
        """How many instances are gone afterwards that were not before."""
        gc.collect()
        before = typeslots.deallocations()
        try:
            result = repr(function(*args, **kwargs))
        except Exception as e:
            result = show_exception(e)
            e.__traceback__ = None
            del e
        clean(20)
        gc.collect()
        gc.collect()
        return result, typeslots.deallocations() - before

    def clean(n):
        return clean(n - 1) if n else [None] * 50

    class Sub(typeslots.Made):
        pass

    class WithInit(typeslots.Made):
        def __init__(self, *args, **kwargs):
            self.seen = ("Python", args, kwargs)

    class WithNew(typeslots.Made):
        def __new__(cls, *args, **kwargs):
            return super().__new__(cls, *args, **kwargs)

    class WithBoth(typeslots.Made):
        def __new__(cls, *args, **kwargs):
            self = typeslots.Made.__new__(cls)
            return self

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    class SubNewOnly(typeslots.NewOnly):
        pass

    class SubInitOnly(typeslots.InitOnly):
        pass

    class SubNeither(typeslots.Neither):
        pass

    class SubGeneric(typeslots.Generic):
        def __init__(self, *args):
            self.seen = args

    class Meta(type):
        def __call__(cls, *args, **kwargs):
            return super().__call__("from the metaclass", *args, **kwargs)

    class WithMeta(typeslots.Made, metaclass=Meta):
        pass

    classes = [typeslots.Made, Sub, WithInit, WithNew, WithBoth, typeslots.NewOnly, SubNewOnly, typeslots.InitOnly, SubInitOnly,
               typeslots.Neither, SubNeither, typeslots.Generic, SubGeneric, WithMeta]
    words = ["new: nothing", "new: error", "new: other", "new: fresh list", "new: both", "init: error", "init: nothing", "init: both"]
    for cls in classes:
        name = cls.__name__
        case(f"{name}()", seen, cls)
        case(f"{name}(1, 2.5, None)", seen, cls, 1, 2.5, None)
        case(f"{name}(10**20, k=1, l=[])", seen, cls, 10**20, k=1, l=[])
        case(f"{name}(*range(12))", seen, cls, *range(12))
        case(f"{name} by C", typeslots.call, seen, cls, "x", k=5)
        case(f"call({name})", lambda: typeslots.call(cls, "x").seen)
        case(f"{name} mapped", lambda: [m.seen for m in map(cls, [1, 1000, 2.5, "s"])])
        case(f"{name}.__new__", lambda: type(cls.__new__(cls)).__name__)
        case(f"{name}.__new__ with arguments", lambda: type(cls.__new__(cls, 1, k=2)).__name__)
        case(f"{name}.__init__", lambda: (lambda o: (o.__init__(7, k=8), o.seen))(cls.__new__(cls)))
        # Whom the message names is another matter when Python's methods call those of C.
        told = [w for w in words if not (cls is WithBoth and w in words[-2:] or cls is WithNew and w in ("new: nothing", "new: both"))]
        for word in told:
            case(f"{name}({word})", seen, cls, word, 300)
        case(f"{name}(new: other, instance of the base)", seen, cls, "new: other", typeslots.Made("inner"))
        case(f"{name}(new: other, instance of Sub)", seen, cls, "new: other", Sub("inner"))
        case(f"{name}(new: other, instance of WithInit)", seen, cls, "new: other", WithInit("inner"), k=3)
        case(f"{name}(new: other, type)", seen, cls, "new: other", int)
        for word in told:
            case(f"{name}({word}) counted", counted, seen, cls, word, 5)
        case(f"{name}() counted", counted, seen, cls)
        case(f"{name}() counted, thrice", counted, lambda: [cls() and None for _ in range(3)])
    for cls in (typeslots.Made, Sub, typeslots.NewOnly):
        case(f"{cls.__name__} only", lambda: (cls("new: only") is cls("new: only", 2), cls("new: only").seen))
        typeslots.forget_only()
        case(f"{cls.__name__} only, counted", counted, lambda: (cls("new: only"), typeslots.forget_only()) and None)
    kept = []
    for cls in (typeslots.Made, Sub):
        case(f"{cls.__name__} known before it is made", lambda: cls("init: call", kept.append) is kept[-1])
        case(f"{cls.__name__} known, then fails", lambda: cls("init: call", lambda made: kept.append(made) or 1 / 0))
        case(f"{cls.__name__} what was known", lambda: [type(made).__name__ for made in kept])
        case(f"{cls.__name__} within itself", lambda: cls("init: call", lambda made: cls("init: call", lambda m: cls("x"))).seen[0][0])
    for cls in (typeslots.Closed, typeslots.NoNew, typeslots.Neither):
        case(f"{cls.__name__} by object's tp_new", lambda: type(typeslots.by_object(cls)).__name__)
    for cls in (typeslots.Closed, typeslots.NoNew):
        case(f"{cls.__name__}()", lambda: cls())
        case(f"{cls.__name__}(1, k=2)", lambda: cls(1, k=2))
        case(f"{cls.__name__}.__new__", lambda: cls.__new__(cls) and None)
        case(f"object.__new__({cls.__name__})", lambda: object.__new__(cls) and None)
        case(f"class of {cls.__name__}", lambda: type("Sub", (cls,), {})() and None)
    case("Made.__new__()", lambda: typeslots.Made.__new__())
    case("Made.__new__(3)", lambda: typeslots.Made.__new__(3))
    case("Made.__new__(int)", lambda: typeslots.Made.__new__(int))
    case("object.__new__(Made)", lambda: object.__new__(typeslots.Made))
    case("int.__new__(Made)", lambda: int.__new__(typeslots.Made))
    case("Made.__init__(3)", lambda: typeslots.Made.__init__(3))

    # classes that change after they were called
    for base in (typeslots.Made, typeslots.NewOnly, typeslots.Generic):
        class Changing(base):
            pass

        out = []
        for change in range(4):
            out.append(seen(Changing))
            if change == 0:
                Changing.__init__ = lambda self, *args: setattr(self, "seen", "by the new __init__")
            elif change == 1:
                Changing.__new__ = lambda cls, *args: "other"
            elif change == 2:
                del Changing.__new__, Changing.__init__
        case(f"changing {base.__name__}", lambda: out)


members()
hot_members()
relative_members()
many_arguments()
results()
numbers_as_results()
operators()
numbers_and_sequences()
powers()
conventions()
iterators()
construction()
