"""The numbers and names of Cape's opcodes, as `opcode` and `dis` use them: from `_opcode`, which knows the table."""

import _opcode

opmap = {}
_specialized_opmap = {}
_specializations = {}
_cache_words = {}
# Of each opcode: its name, what Cape itself calls it, and CPython's argument where the opcode says it already.
_names = {}
_own_names = {}
_implied = {}

for _number, _name, _base, _cache, _own, _shares, _argument in _opcode.opcodes():
    _names[_number] = _name
    _own_names[_number] = _own
    if _argument is not None:
        _implied[_number] = _argument
    if _base is not None:
        _specialized_opmap.setdefault(_name, _number)
        if _name not in _specializations.setdefault(_base, []):
            _specializations[_base].append(_name)
    elif not _shares:
        opmap[_name] = _number
        if _cache:
            _cache_words[_name] = _cache
_others, _watched = _opcode.pseudo_opcodes()
for _number, _name in _others:
    opmap[_name] = _number

# No number divides the opcodes with operands from those without; only Nop is below the first with some. `hasarg` is exact.
HAVE_ARGUMENT = opmap['NOP'] + 1
# None of Cape's opcodes is for code that is being watched; CPython's names have numbers behind all others.
MIN_INSTRUMENTED_OPCODE = _watched[0][0]
for _number, _name in _watched:
    opmap[_name] = _number

del _number, _name, _base, _cache, _own, _shares, _argument, _others, _watched
