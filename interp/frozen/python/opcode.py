"""Names and properties of the opcodes of Cape's bytecode.

Their set is that of Cape's register machine. Where CPython has an opcode that does the same, the name is CPython's.
"""

__all__ = ["cmp_op", "stack_effect", "hascompare", "opname", "opmap", "HAVE_ARGUMENT", "EXTENDED_ARG", "hasarg", "hasconst",
           "hasname", "hasjump", "hasjrel", "hasjabs", "hasfree", "haslocal", "hasexc"]

import _opcode
from _opcode import stack_effect
from _opcode_metadata import (HAVE_ARGUMENT, MIN_INSTRUMENTED_OPCODE, _cache_words, _names, _specializations,
                              _specialized_opmap, opmap)

EXTENDED_ARG = opmap['EXTENDED_ARG']

opname = [f'<{number}>' for number in range(max(opmap.values()) + 1)]
for _map in opmap, _specialized_opmap:
    for _name, _number in _map.items():
        opname[_number] = _name
# Opcodes that do what another one does have its name, too.
for _number, _name in _names.items():
    opname[_number] = _name

cmp_op = ('<', '<=', '==', '!=', '>', '>=')


def _those(has):
    return [number for number in sorted({*opmap.values(), *_names}) if has(number)]


hasarg = _those(_opcode.has_arg)
hasconst = _those(_opcode.has_const)
hasname = _those(_opcode.has_name)
hasjump = _those(_opcode.has_jump)
# (An instruction says where it leads; what `dis` shows for its argument is how far.)
hasjrel = hasjump
hasjabs = []
hasfree = _those(_opcode.has_free)
haslocal = _those(_opcode.has_local)
hasexc = _those(_opcode.has_exc)
hascompare = [number for number, name in _names.items() if name == 'COMPARE_OP']

_intrinsic_1_descs = _opcode.get_intrinsic1_descs()
_intrinsic_2_descs = _opcode.get_intrinsic2_descs()
_special_method_names = _opcode.get_special_method_names()
_common_constants = [AssertionError, NotImplementedError]
_nb_ops = _opcode.get_nb_ops()

# Words of the inline cache of an opcode: how many, and a name for each.
_inline_cache_entries = _cache_words
_cache_format = {name: {f'word{i}': 1 for i in range(n)} for name, n in _cache_words.items()}

del _map, _name, _number
