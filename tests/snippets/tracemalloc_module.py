"""`_tracemalloc`: objects that move and die keep their traces, or lose them."""

import gc
import tracemalloc


def made(n):
    return [bytes([i % 256]) * 1000 for i in range(n)]


LINE = made.__code__.co_firstlineno + 1

assert not tracemalloc.is_tracing() and tracemalloc.get_traced_memory() == (0, 0)
tracemalloc.start(2)
kept = made(100)
dropped = made(100)
size = tracemalloc.get_traced_memory()[0]
assert size >= 200_000, size
for _ in range(3):
    gc.collect()
for o in kept[0], kept[-1]:
    frames = tracemalloc.get_object_traceback(o)
    assert (frames[-1].filename, frames[-1].lineno) == (__file__, LINE), frames
    assert len(frames) == 2 and frames.total_nframe is None
dropped = None
after, peak = tracemalloc.get_traced_memory()
assert after <= size - 100_000 and peak >= size, (size, after, peak)

snapshot = tracemalloc.take_snapshot()
lines = {s.traceback[0].lineno: s for s in snapshot.statistics("lineno") if s.traceback[0].filename == __file__}
assert lines[LINE].size >= 100_000 and lines[LINE].count >= 100

tracemalloc.reset_peak()
current, peak = tracemalloc.get_traced_memory()
assert peak < 200_000 + current
tracemalloc.clear_traces()
assert tracemalloc.get_object_traceback(kept[0]) is None

# Code that is compiled and loops: its allocations are told of as well.
pairs = [(i, str(i)) for i in range(5000)]
lines = tracemalloc.take_snapshot().statistics("lineno")
assert sum(s.count for s in lines) >= 5000

tracemalloc.stop()
assert tracemalloc.get_traced_memory() == (0, 0) and tracemalloc.get_traceback_limit() == 2
try:
    tracemalloc.start(0)
except ValueError as e:
    assert str(e) == "the number of frames must be in range [1; 65535]"
else:
    raise AssertionError
