# zeal: 200
"""Classes that nobody refers to are collected, although inline caches have seen them and their instances."""

import gc
import weakref


def use(cls):
    instance = cls()
    instance.a = 1
    instance.b = instance.a + cls.value
    return instance.method() + instance.b


def make(i):
    class Made:
        value = i

        def method(self):
            return self.value

    class Derived(Made):
        pass

    return Made, Derived


gc.collect()
before = len(object.__subclasses__())
references = []
for i in range(50):
    made, derived = make(i)
    assert use(made) == 1 + 2 * i and use(derived) == 1 + 2 * i
    references.append(weakref.ref(made))
    references.append(weakref.ref(derived))
del made, derived
for i in range(3):
    gc.collect()
# A word on the native stack may keep the last ones.
assert sum(r() is not None for r in references) <= 4, [r() for r in references]
assert len(object.__subclasses__()) <= before + 2


# A class at the place of a dead one is not taken for it.
def call(x):
    return x.method()


for i in range(300):
    class C:
        def method(self, i=i):
            return i

    assert call(C()) == i
    if i % 50 == 0:
        gc.collect()
