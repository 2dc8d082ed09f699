# zeal: 5
# Objects that move keep identity, hash and contents; weak references, finalizers, cycles.
import gc
import weakref


class Node:
    def __init__(self, n):
        self.n = n
        self.next = None


first = Node(0)
ids = {}
node = first
for i in range(1, 300):
    node.next = Node(i)
    node = node.next
    ids[id(node)] = node
    garbage = [object(), {}, (i, str(i))]
node, count = first.next, 0
while node:
    assert ids[id(node)] is node and node.n == count + 1
    node, count = node.next, count + 1
assert count == 299
plain = object()
before = hash(plain), id(plain)
gc.collect()
assert (hash(plain), id(plain)) == before

died = []
a, b = Node("a"), Node("b")
a.next, b.next = b, a
ref = weakref.ref(a, lambda r: died.append("a"))
weakref.finalize(b, died.append, "b")
assert ref() is a
del a, b
gc.collect()
assert ref() is None and sorted(died) == ["a", "b"]


class Loud:
    def __del__(self):
        died.append("loud")


died = []
loud = Loud()
del loud
gc.collect()
assert died == ["loud"]


class Phoenix:
    def __del__(self):
        risen.append(self)


risen = []
p = Phoenix()
del p
gc.collect()
assert len(risen) == 1 and isinstance(risen[0], Phoenix)
risen.clear()
gc.collect()
assert risen == []

cache = weakref.WeakValueDictionary()
keep = [Node(i) for i in range(10)]
for n in keep:
    cache[n.n] = n
n = None
del keep[5:]
gc.collect()
assert sorted(cache) == [0, 1, 2, 3, 4]
names = weakref.WeakKeyDictionary({keep[0]: "zero"})
assert names[keep[0]] == "zero"
old = [None] * 1000
for i in range(1000):
    old[i] = [i]
assert all(old[i] == [i] for i in range(1000))
