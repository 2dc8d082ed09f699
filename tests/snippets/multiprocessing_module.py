"""`_multiprocessing.SemLock` and `_posixshmem`, and what `multiprocessing` makes of them."""

import _multiprocessing
import _posixshmem
import multiprocessing
import os
import threading
from multiprocessing import shared_memory


def raises(kind, text, f, *args):
    try:
        f(*args)
    except kind as e:
        assert text in str(e), (text, str(e))
    else:
        raise AssertionError(f"{kind.__name__} not raised")


name = f"/cape-test-{os.getpid()}"
RECURSIVE, SEMAPHORE = 0, 1
raises(ValueError, "unrecognized kind", _multiprocessing.SemLock, 2, 1, 1, name, True)
lock = _multiprocessing.SemLock(SEMAPHORE, 1, 1, name, True)
assert (lock.kind, lock.maxvalue, lock.name) == (SEMAPHORE, 1, None) and lock.handle
assert lock.SEM_VALUE_MAX == 2**31 - 1
assert lock._get_value() == 1 and not lock._is_zero() and lock._count() == 0
raises(ValueError, "semaphore or lock released too many times", lock.release)
assert lock.acquire() and lock._is_zero() and lock._count() == 1 and lock._is_mine()
assert lock.acquire(False) is False and lock.acquire(True, 0.01) is False and lock.acquire(timeout=-1) is False
threading.Timer(0.05, lock.release).start()
assert lock.acquire(True, 20)
lock.release()
with lock:
    assert lock._is_zero()

recursive = _multiprocessing.SemLock(RECURSIVE, 1, 1, name, False)
assert recursive.name == name
raises(FileExistsError, "", _multiprocessing.SemLock, RECURSIVE, 1, 1, name, False)
again = _multiprocessing.SemLock._rebuild(recursive.handle, RECURSIVE, 1, name)
with recursive, recursive:
    assert recursive._count() == 2 and again.acquire(False) is False
raises(AssertionError, "attempt to release recursive lock not owned by thread", recursive.release)
assert again.acquire(False)
again.release()
_multiprocessing.sem_unlink(name)
raises(FileNotFoundError, "", _multiprocessing.sem_unlink, name)

fd = _posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)
os.close(fd)
_posixshmem.shm_unlink(name)
raises(FileNotFoundError, name, _posixshmem.shm_unlink, name)
raises(FileNotFoundError, name, _posixshmem.shm_open, name, os.O_RDWR)


def work(queue, lock, block):
    with lock:
        other = shared_memory.SharedMemory(block, track=False)
        other.buf[0] += 1
        other.close()
    queue.put(os.getpid())


context = multiprocessing.get_context("fork")
queue, lock = context.Queue(), context.Lock()
memory = shared_memory.SharedMemory(create=True, size=16, track=False)
workers = [context.Process(target=work, args=(queue, lock, memory.name)) for _ in range(3)]
for worker in workers:
    worker.start()
assert {queue.get(timeout=30) for _ in workers} == {worker.pid for worker in workers}
for worker in workers:
    worker.join()
assert memory.buf[0] == 3
memory.close()
memory.unlink()
