"""Symbols of `symtable`."""

import symtable

flags = symtable.symtable("[(lambda: x) for x in [1]]; [y for y in [1]]", "?", "exec")
assert repr(flags.lookup("x")) == "<symbol 'x': CELL, DEF_LOCAL|DEF_COMP_ITER|DEF_COMP_CELL>", flags.lookup("x")
assert repr(flags.lookup("y")) == "<symbol 'y': LOCAL, USE|DEF_LOCAL|DEF_COMP_ITER>", flags.lookup("y")
