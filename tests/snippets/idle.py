"""A thread that waits collects what died young, so that nobody waits for the end of something that is garbage."""

import os
import threading
import time
import weakref


class Thing:
    pass


def forgotten():
    return weakref.ref(Thing())


# While it sleeps.
ref = forgotten()
for _ in range(100):
    if ref() is None:
        break
    time.sleep(0.02)
assert ref() is None

# While it waits for another thread, which waits for the end of a pipe.
read, write = os.pipe()
received = []


def drain():
    with open(read, "rb") as file:
        received.append(file.read())


def leave_open():
    file = open(write, "wb", buffering=0)
    file.write(b"text")


thread = threading.Thread(target=drain, daemon=True)
thread.start()
leave_open()
for _ in range(100):
    thread.join(0.1)
    if not thread.is_alive():
        break
assert received == [b"text"]

# A wait that is too short, or none at all, ends as it did.
lock = threading.Lock()
with lock:
    start = time.monotonic()
    assert not lock.acquire(timeout=0.002)
    assert not lock.acquire(timeout=0.05)
    assert not lock.acquire(blocking=False)
    assert 0.05 <= time.monotonic() - start < 10
