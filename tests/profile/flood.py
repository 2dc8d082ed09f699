"""Runs small functions, hot, while signals of the profiler come as fast as another process can send them: at every instruction, that is."""

import os
import signal
import time

SECONDS = 2


def add(x, y):
    return x + y


def count(n):
    total = 0
    for i in range(n):
        total = add(total, add(i, 1))
    return total


me = os.getpid()
sender = os.fork()
if sender == 0:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for _ in range(100):
            os.kill(me, signal.SIGPROF)
    os._exit(0)
rounds = 0
while os.waitpid(sender, os.WNOHANG) == (0, 0):
    rounds += count(1000) == 500_500
print("counted" if rounds else "nothing was counted")
