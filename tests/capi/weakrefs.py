"""Prints what C reads of weak references and proxies, alive and dead: weakrefs.c.

usage: weakrefs.py FOLDER_OF_THE_EXTENSION"""

import gc
import re
import sys
import weakref

sys.path.insert(0, sys.argv[1])
import weakrefs
from weakrefs import callback, kept_shows, new_proxy, new_ref, shown


def case(label, function, *args):
    try:
        text = repr(function(*args))
    except BaseException as e:
        text = f"{type(e).__name__}{e.args}"
    text = re.sub(r"[-./\w]*\.c:\d+: ", "", text)
    print(label, re.sub("0x[0-9a-f]+", "0x", text).replace("\t", " ").replace("\n", " "), sep="\t", flush=True)


class Plain:
    def __repr__(self):
        return "plain"


class Slotted:
    __slots__ = "__weakref__",


class Callable(Plain):
    def __call__(self):
        return "called"


class Sub(weakrefs.Node):
    pass


class Ref(weakref.ref):
    __slots__ = "name",


class Attributed(weakref.ref):
    pass


class Int(int):
    pass


class Str(str):
    pass


class List(list):
    pass


class Tuple(tuple):
    __slots__ = ()


def collected():
    for i in range(3):
        gc.collect()


TARGETS = {
    "plain": Plain, "slotted": Slotted, "callable": Callable, "int": lambda: Int(2**70), "str": lambda: Str("text"), "list": lambda: List([1]),
    "set": lambda: {1}, "function": lambda: lambda: 0, "class": lambda: type("Made", (), {}), "exception": lambda: type("E", (OSError,), {})(1),
    "generator": lambda: (i for i in "a"), "node": weakrefs.Node, "managed": weakrefs.Managed, "derived": Sub,
}
MAKERS = {
    "ref": weakref.ref, "proxy": weakref.proxy, "ref by C": new_ref, "proxy by C": new_proxy, "subclass": Ref, "subclass with a dict": Attributed,
}


def alive(make, target):
    r = make(target)
    seen = shown(r)
    return seen[0] is target, *seen[1:]


def dead(make, target, before):
    def build():
        object = target()
        r = make(object)
        if before:
            shown(r)
        return r

    r = build()
    collected()
    return shown(r)


def kept(make, target):
    def build():
        object = target()
        r = make(object)
        weakrefs.keep(r)
        return kept_shows()[0] is object

    was = build()
    collected()
    now = kept_shows()
    weakrefs.keep(None)
    return was, now


def c_keeps_target(make, target):
    def build():
        object = target()
        weakrefs.keep(object)
        return make(object)

    r = build()
    collected()
    before = shown(r)
    weakrefs.keep(None)
    type_of_it = type(before[0]).__name__
    del before
    collected()
    return type_of_it, shown(r)


for label, target in TARGETS.items():
    for how, make in MAKERS.items():
        case(f"{label}, {how}", alive, make, target())
        if label == "class":
            continue
        case(f"{label}, {how}, dead", dead, make, target, False)
        case(f"{label}, {how}, dead after C saw it", dead, make, target, True)
        case(f"{label}, {how}, kept by C", kept, make, target)
        case(f"{label}, {how}, target kept by C", c_keeps_target, make, target)
weakrefs.deallocations()


def in_c(cls, proxy):
    same, shared, r = weakrefs.ref_in_c(cls, proxy)
    collected()
    return same, shared, shown(r), weakrefs.deallocations()


for cls in weakrefs.Node, weakrefs.Managed, Sub, Plain:
    for proxy in False, True:
        case(f"{cls.__name__} of C, {proxy}", in_c, cls, proxy)


# cycles, all sorts of deaths

def cycle(cls):
    def build():
        a, b = cls(), cls()
        a.other, b.other = b, a
        r, p = new_ref(a), new_proxy(b)
        shown(r), shown(p)
        return r, p

    r, p = build()
    collected()
    return shown(r), shown(p), weakrefs.deallocations()


for cls in weakrefs.Node, Sub, Plain:
    case(f"cycle of {cls.__name__}", cycle, cls)


class Reviving(Plain):
    saved = None

    def __init__(self):
        self.cycle = self

    def __del__(self):
        Reviving.saved = self


def revived():
    r = new_ref(Reviving())
    collected()
    return shown(r), Reviving.saved


case("revived", revived)


# callbacks see a dead reference, in the order that the references were made

def called(make, target):
    seen = []

    def build():
        object = target()
        rs = [make(object, lambda r, i=i: seen.append((i, r is rs[i] if type(r) is weakref.ref else None, shown(r)))) for i in range(3)]
        for r in rs:
            shown(r)
        return rs, [callback(r)[0] is not None for r in rs]

    rs, had = build()
    collected()
    return had, seen, [callback(r) for r in rs]


del TARGETS["class"]
for label, target in TARGETS.items():
    for how in "ref", "ref by C", "proxy by C", "subclass":
        case(f"{label}, {how}, callback", called, MAKERS[how], target)
case("a number as callback", lambda: callback(weakref.ref(case, 7)))
case("None as callback", lambda: callback(new_ref(case, None)))


# references that lead back to themselves

def itself():
    l = List()
    r = weakref.ref(l)
    l.append(r)
    first = shown(r)
    return first[0] is l, first[0][0] is r, shown(l[0])[0] is l, new_ref(l) is r


def bound():
    l = []
    m = l.append
    l.append(m)
    weakrefs.keep(m)
    weakrefs.keep(l)
    same = l[0] is m
    weakrefs.keep(None)
    return same


case("a list with its own reference", itself)
case("a list with its own method", bound)


# many, with collections in between

def many():
    things = [Plain() if i % 3 else weakrefs.Node() for i in range(300)]
    refs = [(new_proxy if i % 5 == 0 else new_ref)(t) for i, t in enumerate(things)]
    right = all(shown(r)[0] is t for r, t in zip(refs, things))
    junk = [[i] for i in range(20000)]
    right = right and all(shown(r)[0] is t for r, t in zip(refs, things))
    del things[::2]
    t = None
    collected()
    return right, sum(shown(r)[0] is None for r in refs[::2]) > 140, all(shown(r)[0] is t for r, t in zip(refs[1::2], things))


case("many", many)
for value in None, 7, [], "text", Plain():
    case(f"no reference {type(value).__name__}", weakrefs.wrong, value)
dictionary = weakref.WeakValueDictionary()
dictionary["key"] = kept_value = Plain()
case("of a dictionary", lambda: shown(dictionary.data["key"])[0] is kept_value)
case("of a dictionary, its key", lambda: dictionary.data["key"].key)
