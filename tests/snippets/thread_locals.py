"""Thread-local objects: what a thread has in them dies with the object, with the thread, and in cycles."""

import gc
import threading
import weakref


class Value:
    pass


def collected(make):
    """Whether what `make` gives weak references to dies."""
    refs = make()
    for _ in range(3):
        gc.collect()
    return all(r() is None for r in refs)


def dead():
    local = threading.local()
    local.value = Value()
    return [weakref.ref(local), weakref.ref(local.value)]


def cycle():
    local = threading.local()
    local.value = Value()
    local.value.back = local
    return [weakref.ref(local), weakref.ref(local.value)]


def many():
    return [r for _ in range(300) for r in dead()]


def in_thread():
    refs = []

    def work():
        shared.value = Value()
        refs.append(weakref.ref(shared.value))

    t = threading.Thread(target=work)
    t.start()
    t.join()
    assert not hasattr(shared, "value")
    return refs


shared = threading.local()
for make in dead, cycle, many, in_thread:
    assert collected(make), make.__name__


# Objects that live are told of the ends of threads, however many have died.
class Own(threading.local):
    def __init__(self, n):
        self.n = n
        self.values = []


kept = [Own(i) for i in range(40)]
many()


def work():
    for i, local in enumerate(kept):
        assert local.n == i and local.values == []
        local.values.append(Value())
        refs.append(weakref.ref(local.values[0]))


refs = []
t = threading.Thread(target=work)
t.start()
t.join()
del t
for _ in range(3):
    gc.collect()
assert len(refs) == 40 and all(r() is None for r in refs)

print("thread_locals: ok")
