"""An OrderedDict knows its keys in their order, also those that methods of `dict` have taken away behind its back."""

from collections import OrderedDict


def missing(f, *args):
    try:
        f(*args)
    except KeyError as e:
        return e.args[0]


def made():
    return OrderedDict.fromkeys(["a", "b", "c"])


d = made()
del d["a"]
assert missing(repr, d) is None and list(d.items()) == [("b", None), ("c", None)]

d = made()
dict.__delitem__(d, "a")
assert missing(repr, d) == "a" and missing(list, d.values()) == "a"
assert len(d) == 2 and "a" not in d
d = made()
dict.pop(d, "b")
assert missing(repr, d) == "b"
d = made()
dict.popitem(d)
assert missing(list, d.items()) == "c"
d.clear()
d["c"] = 1
assert list(d.items()) == [("c", 1)]


class Odd:
    """A key that does not know its hash."""

    count = 0

    def __hash__(self):
        Odd.count += 1
        return Odd.count * 1001


d = OrderedDict()
keys = [Odd(), Odd()]
for k in keys:
    d[k] = 1
assert missing(list, d) is keys[0]
assert missing(list, d.values()) is keys[0]
assert missing(d.copy) is keys[0]
