# _uuid: identifiers of time and place.
import _uuid
import os
import sys
import time
import uuid

EPOCH = 0x01B21DD213814000  # in ticks of 100 ns
assert _uuid.has_uuid_generate_time_safe == 1 and _uuid.has_stable_extractable_node == 0

before = time.time_ns() // 100
made = [_uuid.generate_time_safe() for _ in range(3000)]
after = time.time_ns() // 100
assert {state for _, state in made} <= {0, -1}
ids = [uuid.UUID(bytes=data) for data, _ in made]
assert len(set(ids)) == len(ids)
assert all(i.version == 1 and i.variant == uuid.RFC_4122 for i in ids)
assert len({i.node for i in ids}) == 1
assert before - 10**7 < ids[0].time - EPOCH < ids[-1].time - EPOCH < after + 10**7
assert uuid.uuid1().is_safe in (uuid.SafeUUID.safe, uuid.SafeUUID.unsafe)

# A child does not go on with its parent's.
r, w = os.pipe()
child = os.fork()
if child == 0:
    os.write(w, b"".join(_uuid.generate_time_safe()[0] for _ in range(100)))
    os._exit(0)
own = {_uuid.generate_time_safe()[0] for _ in range(100)}
os.waitpid(child, 0)
data = os.read(r, 1600)
of_child = {data[i : i + 16] for i in range(0, 1600, 16)}
assert len(data) == 1600 and len(of_child) == 100
# (CPython's come from the system's library, which promises this only of what it calls safe.)
safe = sys.implementation.name == "cape" or all(state == 0 for _, state in made)
assert not safe or not own & of_child

try:
    _uuid.generate_time_safe(1)
except TypeError as e:
    assert str(e) == "_uuid.generate_time_safe() takes no arguments (1 given)"
else:
    raise AssertionError
