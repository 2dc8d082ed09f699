"""`-X gc=who:KIND` says at each collection that is asked for what keeps the objects of a kind."""

import re
import subprocess
import sys

if sys.implementation.name != "cape":
    raise SystemExit

code = """if True:
    import gc
    from collections import deque
    class Holder: pass
    holder = Holder()
    holder.it = deque()
    gc.collect()
"""
done = subprocess.run([sys.executable, "-X", "gc=who:DequeObj", "-c", code], capture_output=True, text=True)
assert done.returncode == 0, done
assert re.search(r"^who keeps \d+ objects of the kind DequeObj:$", done.stderr, re.M), done
assert re.search(r"^  the root 0x[0-9a-f]+( -> \w+ 0x[0-9a-f]+)* -> DequeObj 0x[0-9a-f]+$", done.stderr, re.M), done
