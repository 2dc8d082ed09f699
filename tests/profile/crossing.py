"""Python calls C calls Python, in two threads. Prints the CPU time of the whole."""

import sys
import threading
import time

sys.path.insert(0, sys.argv[1])
import crossing


def inner(x):
    total = 0
    for i in range(200):
        total += i * x
    return total


def from_c(x):
    return inner(x)


def outer():
    crossing.call_int(from_c)


def often():
    f = crossing.noargs
    for _ in range(20000):
        f()


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        outer()
        often()
        crossing.sum_tuple(numbers)


class Other:
    def run(self):
        work(0.4)


numbers = tuple(range(50000))
work(0.8)
other = threading.Thread(target=Other().run)
other.start()
other.join()
print(time.process_time())
