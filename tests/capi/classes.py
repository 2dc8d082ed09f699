"""Classes that C has seen die as others do: classes.c. Prints which are left."""

import gc
import sys
import weakref

sys.path.insert(0, sys.argv[1])
import classes


def case(name, outcome):
    print(name, outcome, sep="\t")


def left(refs):
    """How many of them are alive after collections."""
    for _ in range(4):
        gc.collect()
    return sum(ref() is not None for ref in refs)


def family(*bases, meta=type):
    """A class and one derived from it, the second with a second base."""
    class Mixin:
        pass

    class A(*bases, metaclass=meta):
        def method(self):
            return __class__, 42

    class B(A, Mixin):
        pass

    return A, B, Mixin


class Meta(type):
    pass


def of_function(bases, use):
    made = family(*bases)
    use(*made)
    return [weakref.ref(c) for c in made]


def see_all(*all):
    for c in all:
        classes.see(c)


def see_instances(A, B, Mixin):
    for c in (A, B, Mixin):
        classes.see(c())


def make_instances(A, B, Mixin):
    assert type(classes.make(B)) is B
    assert classes.make(B).method() == (A, 42)


def instance_in_class(A, B, Mixin):
    B.instance = B()
    A.instance = classes.make(B)
    classes.see(B.instance)


def keep_instance(A, B, Mixin):
    classes.keep(B())


def keep_class(A, B, Mixin):
    classes.keep(A)


def keep_method(A, B, Mixin):
    classes.keep(B().method)


def cycle_through_c(A, B, Mixin):
    holder = classes.Holder([B])
    B.holder = holder
    heap = classes.HeapHolder(A)
    A.heap = heap


def much(A, B, Mixin):
    for _ in range(3000):
        b = classes.make(B)
        assert isinstance(b, A) and type(b) is B
        classes.see(b)
        classes.see(B())


USES = see_all, see_instances, make_instances, instance_in_class, cycle_through_c, much
BASES = (), (classes.Holder,), (classes.HeapHolder,), (list,), (dict,), (str,), (tuple,), (int,), (Exception,)
for bases in BASES:
    for use in USES:
        name = " ".join([use.__name__, *(b.__name__ for b in bases)])
        case(name, left(of_function(bases, use)))

# What C holds of a class keeps it, and all that it needs.
for use, count in (keep_instance, 3), (keep_class, 1), (keep_method, 3):
    refs = of_function((), use)
    case(f"{use.__name__}, kept", left(refs))
    classes.keep(None)
    case(f"{use.__name__}, let go", left(refs))

# Instances that hold each other, of which C has one.
for base in classes.Holder, classes.HeapHolder:
    A, B, Mixin = family(base)
    a, b = A(), B()
    a.__init__(b)
    b.__init__(a)
    refs = [weakref.ref(c) for c in (A, B, Mixin)]
    classes.keep(a)
    del A, B, Mixin, a, b
    case(f"cycle of {base.__name__}, kept", left(refs))
    classes.keep(None)
    case(f"cycle of {base.__name__}, let go", left(refs))

# Metaclasses, which die after their classes.
class M(type):
    def __call__(cls):
        return super().__call__()


made = family(meta=M)
see_all(*made)
see_instances(*made)
refs = [weakref.ref(c) for c in (M, *made)]
classes.keep(made[1])
del M, made
case("metaclass, class kept", left(refs))
classes.keep(None)
case("metaclass", left(refs))

# Finalizers that run while the class goes.
log = []


def finalized():
    class F:
        def __del__(self):
            log.append((type(self).__name__, isinstance(self, F)))

    class G(F):
        pass

    G.instance = G()
    classes.see(G.instance)
    classes.make(F)
    return [weakref.ref(c) for c in (F, G)]


refs = finalized()
case("with finalizers", left(refs))
case("finalized", sorted(log))

# An instance that comes back takes its class along.
back = []


def resurrected():
    class R:
        def __del__(self):
            back.append(self)

    R.instance = R()
    classes.see(R.instance)
    return [weakref.ref(R)]


refs = resurrected()
gc.collect()
gc.collect()
case("came back", (len(back), type(back[0]).__name__, classes.make(type(back[0])) is not None))
case("shown after that", len(classes.shown(type(back[0]))[2]))
back.clear()

# What a class shows follows changes of its bases.
class One:
    pass


class Two:
    pass


class Derived(One):
    pass


class Below(Derived):
    pass


def names(shown):
    base, bases, mro, _ = shown
    return base.__name__, [b.__name__ for b in bases], [c.__name__ for c in mro]


case("shown", names(classes.shown(Below)))
Derived.__bases__ = (Two,)
case("other bases", names(classes.shown(Derived)))
case("other bases, below", names(classes.shown(Below)))
Derived.__bases__ = (Two, One)
gc.collect()
case("two bases", names(classes.shown(Derived)))
case("two bases, below", names(classes.shown(Below)))

# The class of an object that C has seen changes.
refs = []


def changed():
    class Old:
        pass

    class New:
        pass

    old = Old()
    classes.keep(old)
    old.__class__ = New
    return [weakref.ref(Old), weakref.ref(New)]


refs = changed()
case("class changed", [left([ref]) for ref in refs][1])
classes.keep(None)
case("class changed, let go", left(refs))


# Code that was compiled for classes that are gone.
def hot(cls, other):
    n = 0
    for _ in range(2000):
        x = cls()
        n += isinstance(x, cls) + isinstance(x, other) + x.value + cls.make().value
    return n


def short_lived(number):
    class S(classes.Holder):
        value = number
        make = classmethod(lambda cls: cls())

    class T(classes.HeapHolder):
        value = number + 1

        @classmethod
        def make(cls):
            return S()

    return hot(S, T), hot(T, S)


for i in range(12):
    result = short_lived(i)
    gc.collect()
    if result != (2000 * (1 + 2 * i), 2000 * (2 + 2 * i)):
        case(f"hot, {i}", result)
case("hot", result)


# Where C finds the dictionaries of instances.
class Usual:
    pass


class Error(Exception):
    pass


class List(list):
    pass


class Sub(classes.WithDict):
    pass


def with_attributes(o):
    o.attribute = 1
    o.other = classes.dict_behind(o)
    return o.other is o.__dict__ and classes.dict_behind(o) is o.other and [*o.other]


for cls in (Usual, Error, List, classes.WithDict, Sub):
    case(f"dictionary of {cls.__name__}", with_attributes(cls()))
case("dictionary of a function", with_attributes(lambda: None))
case("no dictionary", [classes.dict_behind(o) for o in (1, "text", object(), [])])
instance = classes.WithDict()
instance.attribute = 1
instance.__dict__ = new = {"attribute": 2}
case("dictionary put in place", (classes.dict_behind(instance) is new, instance.member is new))
