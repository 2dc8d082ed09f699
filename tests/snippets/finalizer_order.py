"""What is finalised together: an object before what it refers to, whichever of them was made first."""

import os
import subprocess
import sys

PROGRAM = """
import gc

ended = []

class Noted:
    def __init__(self, name, held=None):
        self.name = name
        self.held = held

    def __del__(self):
        ended.append(self.name)

def held_first():
    Noted("file", Noted("buffer", Noted("socket")))

def holder_first():
    log = Noted("log")
    log.held = Noted("stream")
    log.held.held = Noted("raw")

for drop, order in (held_first, ["file", "buffer", "socket"]), (holder_first, ["log", "stream", "raw"]):
    drop()
    for i in range(100_000):
        if len(ended) == 3:
            break
        if i % 10_000 == 9_999:
            gc.collect()
        [0] * 100
    # (What a word still mentions ends later.)
    seen = [name for name in ended if name in order]
    assert seen and seen == order[: len(seen)], ended
    ended.clear()
"""

executable = sys.executable
if sys.implementation.name == "cpython":
    executable = os.environ.get("CAPE_PEER_CPYTHON", executable)
# (Where ends are prompt, collections have little to do.)
subprocess.run([executable, "-X", "gc=late", "-c", PROGRAM], check=True)
