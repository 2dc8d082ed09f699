"""The numbers and names of Cape's opcodes, as `opcode` and `dis` use them: from `_opcode`, which knows the table."""

import _opcode

opmap = {}
_specialized_opmap = {}
_specializations = {}
_cache_words = {}

for _number, _name, _base, _cache in _opcode.opcodes():
    if _base is None:
        opmap[_name] = _number
        if _cache:
            _cache_words[_name] = _cache
    else:
        _specialized_opmap[_name] = _number
        _specializations.setdefault(_base, []).append(_name)
for _number, _name in _opcode.pseudo_opcodes():
    opmap[_name] = _number

# No number divides the opcodes with operands from those without; only Nop is below the first with some. `hasarg` is exact.
HAVE_ARGUMENT = opmap['NOP'] + 1
# None of Cape's opcodes is for code that is being watched.
MIN_INSTRUMENTED_OPCODE = max(opmap.values()) + 1

del _number, _name, _base, _cache
