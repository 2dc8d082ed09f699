"""Many objects that cross, and collections beside them. What was made last stays until `drop`, so that a case that is
measured again finds it there."""

import gc

latest = None, None


def drop():
    global latest
    latest = None, None


def kept(key, make):
    global latest
    if latest[0] != key:
        drop()
        latest = key, make()
        gc.collect()
    return latest[1]


def boxes(ext, number):
    """Objects of C that Python holds, and has looked at."""

    def make():
        found = ext.boxes(number)
        for _ in found:
            pass
        return found

    return kept(("boxes", number), make)


class Instance:
    __slots__ = ()


def held(ext, number):
    """Instances of a Python class that only C holds."""
    return kept(("held", number), lambda: ext.Holder([Instance() for _ in range(number)]))


collect = gc.collect


def collect_young():
    """Collects the young; NotImplementedError where there is no way to ask for it."""
    if hasattr(gc, "collect_step"):
        raise NotImplementedError("no way to ask for a collection of the young")
    gc.collect(0)
