"""Offsets in code: what programs that look into `co_code`, `co_positions()` and `co_lines()` rely on."""

import dis
import sys

seen = []


def look():
    frame = sys._getframe(1)
    code = frame.f_code
    seen.append((dis.opname[code.co_code[frame.f_lasti]], list(code.co_positions())[frame.f_lasti // 2][0] - code.co_firstlineno))
    return look


def calls(x):
    look()
    if x:
        return (look(),
                look())
    return None


calls(1)
assert [(name.partition('_')[0], line) for name, line in seen] == [('CALL', 1), ('CALL', 3), ('CALL', 4)], seen


def closure(n):
    def inner():
        return n
    yield inner


for f in calls, closure, lambda: 0, look:
    code = f.__code__
    ends = [end for _, end, _ in code.co_lines()]
    assert ends[-1] == len(code.co_code) == 2 * len(list(code.co_positions())), (f, ends)
    assert code.replace(co_code=code.co_code).co_code == code.co_code
    assert list(code.replace(co_linetable=code.co_linetable).co_positions()) == list(code.co_positions())
    for instruction in dis.get_instructions(f):
        assert dis.opmap[instruction.opname] == instruction.opcode

# An instruction that does what CPython's does has its name.
names = {i.opname for i in dis.get_instructions("x = a.b(c[0], -d, *e) if f else not g is h")}
assert names >= {'LOAD_NAME', 'LOAD_ATTR', 'BINARY_OP', 'UNARY_NEGATIVE', 'POP_JUMP_IF_FALSE', 'IS_OP', 'STORE_NAME', 'RETURN_VALUE'}
assert 'UNARY_NOT' not in names and not any(name.endswith('_K') for name in names)

# What is searched is a list to whoever compares it, too.
assert (1 in [1, 2] == [1, 2]) and not (1 in [1, 2] == (1, 2))
assert (not not []) is False and (not not 'x') is True
assert (1, (2, 3))[1][-1] == 3 and 'abc'[1:][0] == 'b' and b'ab'[1] == 98
try:
    eval('(1,)[1]')
    raise AssertionError
except IndexError as e:
    assert str(e) == 'tuple index out of range'
assert [y for x in range(4) for y in [x * x] if y % 2 for z in (y, -y)] == [1, 1, 9, 9]
