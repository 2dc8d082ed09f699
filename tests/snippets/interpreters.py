"""Further interpreters: what is their own, what crosses, what is told of exceptions."""

import sys
import threading

import _interpreters
from concurrent import interpreters


def raises(exc, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except exc as e:
        return e
    raise AssertionError(f"{exc} not raised")


# What is an interpreter's own.
main = interpreters.get_main()
assert main.id == 0 and interpreters.get_current() == main
interp = interpreters.create()
assert interp.id > 0 and [i.id for i in interpreters.list_all()] == [0, interp.id]
modules = id(sys.modules)
sys.only_here = 1
import builtins
builtins.only_here = 2
import math
math.only_here = 3
interp.prepare_main(modules=modules, argv=tuple(sys.argv))
interp.exec("""
import sys, builtins, math, atexit, warnings, codecs
assert id(sys.modules) != modules
for module in (sys, builtins, math):
    assert not hasattr(module, 'only_here'), module
    assert sys.modules[module.__name__] is module
assert sys.modules['__main__'].__dict__ is globals()
assert math.sqrt.__self__ is math and len.__self__ is builtins
assert atexit._ncallbacks() == 0
warnings.simplefilter('error')
codecs.register(lambda name: codecs.lookup('ascii') if name == 'only_there' else None)
assert 'x'.encode('only_there') == b'x'
sys.set_int_max_str_digits(1000)
import collections
deque = collections.deque([1, 2])
assert type(deque) is collections.deque and repr(deque) == 'deque([1, 2])'
""")
assert sys.get_int_max_str_digits() == 4300
raises(LookupError, "x".encode, "only_there")
interp.exec("assert sys.get_int_max_str_digits() == 1000 and deque.pop() == 2")
assert interp.call(eval, "sum(range(10))") == 45

# What crosses, and how.
for value in (None, True, 1, 1 << 100, 1.5, "x", "\ud800", b"x", (1, ("a", None)), ...,
              [1, {"a": {2}}], ValueError("x"), len, int):
    again = interp.call(lambda x: x, value)
    assert type(again) is type(value) and repr(again) == repr(value), value
assert interpreters.is_shareable((1, [])) and not interpreters.is_shareable([])
view = memoryview(bytearray(b"abc"))
interp.prepare_main(view=view)
interp.exec("view[1] = 0x7a")
assert bytes(view) == b"azc"
raises(interpreters.NotShareableError, interp.prepare_main, x=[])
e = raises(interpreters.NotShareableError, interp.call, len, (sys,))
assert "does not support cross-interpreter data" in str(e)

# Exceptions.
e = raises(interpreters.ExecutionFailed, interp.exec, "class E(Exception): pass\nraise E('why')")
assert e.excinfo.type.__name__ == "E" and e.excinfo.type.__module__ == "__main__"
assert e.excinfo.msg == "why" and e.excinfo.formatted == "E: why"
assert e.excinfo.errdisplay == ('Traceback (most recent call last):\n'
                                '  File "<script>", line 2, in <module>\nE: why')
e = raises(interpreters.ExecutionFailed, interp.call, eval, "1/0")
assert str(e).startswith("ZeroDivisionError: division by zero\n\nUncaught in the interpreter:\n\nTraceback")
raises(SyntaxError, interp.exec, "a b")
raises(interpreters.InterpreterError, main.exec, "1")

# Queues.
queue = interpreters.create_queue(2)
queue.put([1])
interp.prepare_main(queue=queue)
interp.exec("assert queue.get() == [1]; queue.put(queue); queue.put('x')")
raises(interpreters.QueueFull, queue.put_nowait, 1)
assert queue.get() is queue
interp.close()
assert repr(queue.get()) == "concurrent.interpreters._queues.UNBOUND"
raises(interpreters.QueueEmpty, queue.get_nowait)
raises(interpreters.InterpreterNotFoundError, interp.exec, "1")

# Threads run in several at once.
made = [interpreters.create() for _ in range(3)]
results = interpreters.create_queue()


def work(interp, n):
    interp.prepare_main(n=n, results=results)
    interp.exec("""if True:
        import time
        for i in range(20):
            time.sleep(0.0005)
            assert n == globals()['n']
        results.put(n * n)
    """)


threads = [threading.Thread(target=work, args=(i, n)) for n, i in enumerate(made)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert sorted(results.get() for _ in made) == [0, 1, 4]
for i in made:
    i.close()

# What may be done.
config = _interpreters.new_config("isolated", allow_threads=False)
i = _interpreters.create(config)
told = _interpreters.exec(i, "import threading; threading.Thread(target=print).start()")
assert told.formatted == "RuntimeError: thread is not supported for isolated subinterpreters", told
told = _interpreters.exec(i, "import os; os.fork()")
assert told.formatted == "RuntimeError: fork not supported for isolated subinterpreters", told
told = _interpreters.exec(i, "import os; os.execv('/bin/true', ['true'])")
assert told.formatted == "RuntimeError: exec not supported for isolated subinterpreters", told
_interpreters.destroy(i)

# At the end of an interpreter what is to be run at exit runs, and finalizers.
i = interpreters.create()
i.prepare_main(results=results)
i.exec("""if True:
    import atexit
    atexit.register(results.put, 'exit')
    class D:
        def __del__(self, put=results.put):
            put('del')
    d = D()
""")
i.close()
assert [results.get_nowait(), results.get_nowait()] == [interpreters._queues.UNBOUND] * 2
