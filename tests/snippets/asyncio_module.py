"""`_asyncio`: futures, tasks and what they do when they die, next to the library's own in Python."""

import asyncio
import contextvars
import gc
import _asyncio

assert asyncio.Future is _asyncio.Future and asyncio.Task is _asyncio.Task
assert asyncio.current_task is _asyncio.current_task
var = contextvars.ContextVar("var", default=0)


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        return str(e)
    assert False, "nothing was raised"


# Futures.
loop = asyncio.new_event_loop()
f = asyncio.Future(loop=loop)
assert f._state == "PENDING" and not f.done() and f.get_loop() is loop and f._callbacks is None
assert repr(f) == "<Future pending>"
assert raises(asyncio.InvalidStateError, f.result) == "Result is not set."
assert raises(asyncio.InvalidStateError, f.exception) == "Exception is not set."
assert raises(RuntimeError, asyncio.Future.__new__(asyncio.Future).get_loop) == "Future object is not initialized."
called = []
f.add_done_callback(lambda f: called.append((1, f.result(), var.get())))
context = contextvars.copy_context()
context.run(var.set, 5)
second = lambda f: called.append((2, f.result(), var.get()))
f.add_done_callback(second, context=context)
f.add_done_callback(print)
assert len(f._callbacks) == 3 and f._callbacks[1][0] is second and f._callbacks[1][1] is context
assert f.remove_done_callback(print) == 1 and f.remove_done_callback(print) == 0
f.set_result("x")
assert raises(asyncio.InvalidStateError, f.set_result, 1) == "invalid state"
assert not called and f.done() and f.result() == "x" and f.exception() is None
loop.run_until_complete(asyncio.sleep(0))
assert called == [(1, "x", 0), (2, "x", 5)], called
f = loop.create_future()
assert f.cancel("why") and not f.cancel() and f.cancelled() and f._cancel_message == "why"
assert raises(asyncio.CancelledError, f.result) == "why"
f = loop.create_future()
assert raises(TypeError, f.set_exception, 1) == "invalid exception object"
f.set_exception(StopIteration(3))
assert isinstance(f.exception(), RuntimeError) and f.exception().__cause__.value == 3
f = loop.create_future()
f.set_exception(KeyError)
assert f._log_traceback
assert raises(KeyError, f.result) == "" and not f._log_traceback
assert raises(ValueError, setattr, f, "_log_traceback", True) == "_log_traceback can only be set to False"
i = iter(loop.create_future())
f = next(i)
assert f._asyncio_future_blocking and raises(RuntimeError, next, i) == "await wasn't used with future"
f.set_result(7)
try:
    i.send(None)
except StopIteration as e:
    assert e.value == 7
i = iter(loop.create_future())
assert raises(KeyError, i.throw, KeyError("k")) == "'k'"


class Derived(asyncio.Future):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = 1


f = Derived(loop=loop)
f.set_result(f.extra)
assert loop.run_until_complete(f) == 1


# Tasks.
async def add(a, b):
    await asyncio.sleep(0)
    return a + b


async def fail():
    await asyncio.sleep(0)
    raise KeyError("failed")


async def main():
    me = asyncio.current_task()
    assert me in asyncio.all_tasks() and me.get_coro().__name__ == "main" and asyncio.current_task(loop) is me
    t = asyncio.create_task(add(1, 2), name="adds")
    assert t.get_name() == "adds" and asyncio.all_tasks() == {me, t} and t._callbacks is None
    assert await t == 3 and asyncio.all_tasks() == {me}
    assert await asyncio.gather(*(add(i, i) for i in range(50))) == [2 * i for i in range(50)]
    try:
        await asyncio.create_task(fail())
    except KeyError as e:
        names = []
        tb = e.__traceback__
        while tb:
            names.append(tb.tb_frame.f_code.co_name)
            tb = tb.tb_next
        assert names == ["main", "fail"], names
    # Cancelled before its first step, while it waits, and while it catches.
    for wait in 0, 1:
        t = asyncio.create_task(asyncio.sleep(100))
        if wait:
            await asyncio.sleep(0)
            assert t._fut_waiter is not None and t in t._fut_waiter._asyncio_awaited_by
        assert t.cancel("enough") and t.cancelling() == 1
        try:
            await t
        except asyncio.CancelledError as e:
            assert e.args == ("enough",) and t.cancelled() and t.uncancel() == 0

    async def stubborn():
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()
            await asyncio.sleep(0)
            return "survived"

    t = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    t.cancel()
    assert await t == "survived"
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            slow = group.create_task(asyncio.sleep(100))
    except* KeyError as e:
        assert len(e.exceptions) == 1 and slow.cancelled()
    try:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(100)
        assert False
    except TimeoutError:
        pass

    # Wrong things to wait for.
    async def waits(thing):
        await thing

    async def wait_for_me():
        await asyncio.current_task()

    class Yields:
        def __init__(self, thing):
            self.thing = thing

        def __await__(self):
            yield self.thing

    for coroutine, message in [
        (wait_for_me(), "Task cannot await on itself"),
        (waits(Yields(5)), "Task got bad yield: 5"),
        (waits(Yields(x for x in ())), "yield was used instead of yield from for generator"),
        (waits(Yields(asyncio.get_running_loop().create_future())), "yield was used instead of yield from in"),
        (waits(asyncio.Future(loop=other)), "attached to a different loop"),
    ]:
        try:
            await asyncio.create_task(coroutine)
        except RuntimeError as e:
            assert message in str(e), e
        else:
            assert False, message

    # Context, eager start, a coroutine that is none.
    async def change():
        var.set(var.get() + 1)
        await asyncio.sleep(0)
        return var.get()

    assert await asyncio.create_task(change()) == 1 and var.get() == 0
    context = contextvars.copy_context()
    assert await asyncio.create_task(change(), context=context) == 1 and context[var] == 1

    async def at_once():
        return asyncio.current_task()

    t = asyncio.Task(at_once(), loop=loop, eager_start=True)
    assert t.done() and t.result() is t and asyncio.current_task() is me
    t = asyncio.Task(add(1, 1), loop=loop, eager_start=True)
    assert not t.done() and await t == 2
    assert raises(TypeError, asyncio.Task, 1, loop=loop) == "a coroutine was expected, got 1"

    # A future of another kind.
    class Foreign:
        _asyncio_future_blocking = False

        def __init__(self):
            self._loop = asyncio.get_running_loop()
            self.callbacks = []

        def add_done_callback(self, f, *, context=None):
            self.callbacks.append(f)

        def result(self):
            return "foreign"

        def __await__(self):
            self._asyncio_future_blocking = True
            yield self
            return self.result()

    async def waits_foreign(f):
        return await f

    foreign = Foreign()
    t = asyncio.create_task(waits_foreign(foreign))
    await asyncio.sleep(0)
    assert t._fut_waiter is foreign and not foreign._asyncio_future_blocking
    asyncio.get_running_loop().call_soon(foreign.callbacks[0], foreign)
    assert await t == "foreign"

    queue = asyncio.Queue(3)

    async def produce():
        for i in range(200):
            await queue.put([i])

    async def consume():
        return [(await queue.get())[0] for _ in range(200)]

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        got = group.create_task(consume())
    assert got.result() == list(range(200))
    return "done"


other = asyncio.new_event_loop()
assert loop.run_until_complete(main()) == "done"
other.close()
assert raises(RuntimeError, asyncio.current_task) == "no running event loop"
assert raises(RuntimeError, asyncio.get_running_loop) == "no running event loop"
assert not asyncio.all_tasks(loop)



# A coroutine refers to what it has in its variables while it runs, too.
async def referrers():
    value = [1]
    return gc.get_referrers(value) == [coroutine]


coroutine = referrers()
assert loop.run_until_complete(coroutine)
del coroutine

# What nobody asks for is told to the loop's handler.
told = []
loop.set_exception_handler(lambda loop, context: told.append(context))


def forget():
    f = loop.create_future()
    f.set_exception(KeyError("unseen"))
    f = loop.create_future()
    f.set_exception(KeyError("seen"))
    f.exception()


forget()
for _ in range(3):
    gc.collect()
assert [c["message"] for c in told] == ["Future exception was never retrieved"], told
assert told[0]["exception"].args == ("unseen",) and "source_traceback" not in told[0]
told.clear()


async def never():
    await asyncio.Future()


async def run():
    asyncio.Task(never(), loop=loop)
    await asyncio.sleep(0)


loop.run_until_complete(run())
for _ in range(3):
    gc.collect()
assert [c["message"] for c in told] == ["Task was destroyed but it is pending!"], told
told.clear()

# Where things were made, when the loop debugs.
loop.set_debug(True)
f = loop.create_future()
assert f._source_traceback[-1].name in ("create_future", "<module>")
assert "created at" in repr(f)
f.cancel()
loop.close()

print("asyncio_module: ok")
