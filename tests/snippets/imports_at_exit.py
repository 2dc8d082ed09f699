"""When Python ends, what is garbage finds all modules; what modules still hold finds none that is not imported by its name."""

import os
import subprocess
import sys

PROGRAM = """
import json

class Late:
    def __init__(self, name):
        self.name = name

    def __del__(self, print=print):
        try:
            import json
            print(self.name, "imports", json.loads("1"))
        except ImportError as e:
            print(self.name, e)

garbage = Late("garbage")
garbage.itself = garbage
del garbage
kept = Late("kept")
"""

cpython = sys.implementation.name == "cpython"
executable = os.environ.get("CAPE_PEER_CPYTHON", sys.executable) if cpython else sys.executable
done = subprocess.run([executable, "-c", PROGRAM], capture_output=True, text=True)
assert done.stderr == "", done.stderr
assert done.stdout.splitlines() == [
    "garbage imports 1",
    "kept sys.meta_path is None, Python is likely shutting down",
], done.stdout
