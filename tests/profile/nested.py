"""Evaluation loops inside of each other, as deep as the first argument says, and code that dies while the program runs."""

import gc
import sys
import time


def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def down(n):
    if n:
        sorted([n - 1], key=down)
    else:
        spin(0.3)


def mayfly(n):
    space = {"spin": spin}
    exec(f"def short_{n}():\n    spin(0.02)\n\nshort_{n}()", space)


down(int(sys.argv[1]))
for n in range(30):
    mayfly(n)
    gc.collect()
