"""A callee whose registers begin just behind its caller's keeps its variables in a full collection."""

import weakref


def collect_thrice():
    import gc

    gc.collect()
    gc.collect()
    gc.collect()
    return gc


class Target:
    pass


class Test:
    def collect(self):
        if weakref:
            return collect_thrice()

    def run(self):
        class Finalizer(weakref.finalize):
            pass

        target = Target()
        seen = []

        def callback():
            seen.append(123)

        finalizer = Finalizer(target, callback)
        reference = weakref.ref(callback)
        del callback, finalizer
        assert reference() is not None
        del target
        assert self.collect().__name__ == "gc"
        assert seen == [123]


Test().run()
