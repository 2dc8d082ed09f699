"""Disassembler of Cape's bytecode.

Cape's code is for a machine with registers. An instruction has several operands, which `Instruction.operands` gives; the one that
says most (a jump's target, a name, a constant, an operator, else a register) is `Instruction.arg`, and all of them together are
`Instruction.argrepr`. Registers that are variables are shown by their names, others as `r5`.

The name of an instruction is CPython's where CPython has one for what it does: `BINARY_OP` for `a[b]`, too. Instructions that move a
register are called after it: `STORE_FAST` if it becomes a variable's value, `LOAD_FAST_BORROW` if it is one's. `Instruction.opcode` is
the number of the name.

An instruction is eight bytes of `co_code`, and eight more for each word of its inline cache: two for the opcode and a small operand,
the others for three more, which count as the cache does. Where the body of a function begins, behind what makes cells and the
generator, two bytes stand for the call: `RESUME`.
"""

import collections
import io
import itertools
import sys
import types

import _opcode
from opcode import *
from _opcode_metadata import _implied, _names, _own_names
from opcode import (
    __all__ as _opcode_names,
    _common_constants,
    _intrinsic_1_descs,
    _intrinsic_2_descs,
    _nb_ops,
    _special_method_names,
    _specializations,
    _specialized_opmap,
)

__all__ = ["code_info", "dis", "disassemble", "distb", "disco", "findlinestarts", "findlabels", "show_code", "get_instructions",
           "Instruction", "Bytecode"] + _opcode_names

_RESUME = opmap['RESUME']
# Bytes of a word.
_WORD = 8


def _offset(word):
    """Where a word of the body begins."""
    return _WORD * word + 2


_CACHE = opmap['CACHE']

# Opcode or name of a specialised form: that of the general one.
deoptmap = {form: base for base, forms in _specializations.items() for form in forms}
_all_opmap = opmap | _specialized_opmap

_have_code = (types.MethodType, types.FunctionType, types.CodeType, classmethod, staticmethod, type)

COMPILER_FLAG_NAMES = {
    1: "OPTIMIZED",
    2: "NEWLOCALS",
    4: "VARARGS",
    8: "VARKEYWORDS",
    16: "NESTED",
    32: "GENERATOR",
    64: "NOFREE",
    128: "COROUTINE",
    256: "ITERABLE_COROUTINE",
    512: "ASYNC_GENERATOR",
    0x4000000: "HAS_DOCSTRING",
    0x8000000: "METHOD",
}


def pretty_flags(flags):
    """Return pretty representation of code flags."""
    names = [name for bit, name in COMPILER_FLAG_NAMES.items() if flags & bit]
    rest = flags & ~sum(COMPILER_FLAG_NAMES)
    if rest or not names:
        names.append(hex(rest))
    return ", ".join(names)


# ---- what there is to disassemble ----

def _try_compile(source, name):
    """Compile an expression or, if it is none, statements."""
    try:
        return compile(source, name, 'eval')
    except SyntaxError:
        pass
    return compile(source, name, 'exec')


def _without_wrappers(x):
    """The code in a method, function, generator or coroutine, or what was given."""
    if hasattr(x, '__func__'):
        x = x.__func__
    for attribute in '__code__', 'gi_code', 'ag_code', 'cr_code':
        if hasattr(x, attribute):
            return getattr(x, attribute)
    return x


def _get_code_object(x):
    """The code object of a method, function, generator, coroutine, string or code object."""
    x = _without_wrappers(x)
    if isinstance(x, str):
        x = _try_compile(x, "<disassembly>")
    if hasattr(x, 'co_code'):
        return x
    raise TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def code_info(x):
    """Formatted details of methods, functions, or code."""
    return _format_code_info(_get_code_object(x))


def _format_code_info(co):
    lines = [
        f"Name:              {co.co_name}",
        f"Filename:          {co.co_filename}",
        f"Argument count:    {co.co_argcount}",
        f"Positional-only arguments: {co.co_posonlyargcount}",
        f"Kw-only arguments: {co.co_kwonlyargcount}",
        f"Number of locals:  {co.co_nlocals}",
        f"Stack size:        {co.co_stacksize}",
        f"Flags:             {pretty_flags(co.co_flags)}",
    ]
    for title, items, show in (
        ("Constants:", co.co_consts, repr),
        ("Names:", co.co_names, str),
        ("Variable names:", co.co_varnames, str),
        ("Free variables:", co.co_freevars, str),
        ("Cell variables:", co.co_cellvars, str),
    ):
        if items:
            lines.append(title)
            lines.extend(f"{i:4d}: {show(item)}" for i, item in enumerate(items))
    return "\n".join(lines)


def show_code(co, *, file=None):
    """Print details of methods, functions, or code to *file*.

    If *file* is not provided, the output is printed on stdout.
    """
    print(code_info(co), file=file)


# ---- instructions ----

Positions = collections.namedtuple(
    'Positions', ['lineno', 'end_lineno', 'col_offset', 'end_col_offset'], defaults=[None] * 4)

_Fields = collections.namedtuple(
    '_Instruction',
    ['opname', 'opcode', 'arg', 'argval', 'argrepr', 'offset', 'start_offset', 'starts_line', 'line_number', 'label',
     'positions', 'cache_info'],
    defaults=[None, None, None])

for _field, _text in (
    ('opname', "Human readable name for operation"),
    ('opcode', "Numeric code for operation"),
    ('arg', "The operand that is the argument of the operation, as a number (if any), otherwise None"),
    ('argval', "Resolved arg value (if known), otherwise same as arg"),
    ('argrepr', "Human readable description of all operands"),
    ('offset', "Start index of operation within bytecode sequence"),
    ('start_offset', "The same: what an operation needs for its operands comes after it"),
    ('starts_line', "True if this opcode starts a source line, otherwise False"),
    ('line_number', "Source line number associated with this opcode (if any), otherwise None"),
    ('label', "A label if this instruction is a jump target, otherwise None"),
    ('positions', "Positions object holding the span of source code covered by this instruction"),
    ('cache_info', "List of (name, size, data), one for each word of the inline cache, or None"),
):
    getattr(_Fields, _field).__doc__ = _text
del _field, _text

# An operand: what it means (a `Kind` of Cape's table of opcodes), the field of the instruction it is in, its number, and how it is
# shown.
# What it stands for is `what`.
Operand = collections.namedtuple('Operand', ['kind', 'field', 'value', 'text', 'what'])

_OPNAME_WIDTH = 20
_OPARG_WIDTH = 5


class Instruction(_Fields):
    """Details of an operation of the bytecode.

    opname, opcode, arg, argval, argrepr, offset, start_offset, starts_line, line_number, label, positions and cache_info as they
    are documented for the fields; operands is a tuple of all operands, each with kind, field, value, text and what.
    """

    operands = ()

    @classmethod
    def make(cls, opname, arg, argval, argrepr, offset, start_offset, starts_line, line_number, label=None, positions=None,
             cache_info=None):
        """An instruction whose opcode is that of the name: None for a name that is no opcode of this machine."""
        return cls(opname, _all_opmap.get(opname), arg, argval, argrepr, offset, start_offset, starts_line, line_number, label,
                   positions, cache_info)

    @property
    def oparg(self):
        """Alias for arg."""
        return self.arg

    @property
    def baseopname(self):
        """Name of the general operation if this one is specialised, otherwise the same as opname."""
        return deoptmap.get(self.opname, self.opname)

    @property
    def baseopcode(self):
        """Number of the general operation if this one is specialised, otherwise the same as opcode."""
        return _all_opmap.get(self.baseopname, self.opcode)

    @property
    def cache_offset(self):
        """Start index of the cache entries following the operation."""
        return self.offset + 2

    @property
    def end_offset(self):
        """End index of the cache entries following the operation."""
        return self.cache_offset + 2 * sum(size for _, size, _ in self.cache_info or ())

    @property
    def jump_target(self):
        """Bytecode index of the jump target if this is a jump operation, otherwise None."""
        if self.opcode not in hasjump:
            return None
        return self.end_offset + 2 * (-self.arg if self.opname == 'JUMP_BACKWARD' else self.arg)

    @property
    def is_jump_target(self):
        """True if other code jumps to here, otherwise False."""
        return self.label is not None

    def __str__(self):
        out = io.StringIO()
        _Printer(out).instruction(self)
        return out.getvalue().rstrip('\n')


class _Registers:
    """How the operands of a code object's instructions are shown."""

    def __init__(self, code, labels):
        self.labels = labels
        self.consts = self.names = None
        self.variable = None
        if not isinstance(code, bytes):
            self.consts, self.names, self.variable = code.co_consts, code.co_names, code._varname_from_oparg

    def register(self, n):
        if self.variable is not None:
            try:
                return self.variable(n)
            except IndexError:
                pass
        return f'r{n}'

    def value_and_text(self, kind, n):
        """What an operand stands for, and how it is shown."""
        match kind:
            case 'Dst' | 'Reg' | 'Mod' | 'Cell' | 'First' | 'DstFirst':
                name = self.register(n)
                return name, name
            case 'Const':
                if self.consts is None or n >= len(self.consts):
                    return n, f'constant {n}'
                return self.consts[n], repr(self.consts[n])
            case 'Name':
                if self.names is None or n >= len(self.names):
                    return n, f'name {n}'
                return self.names[n], self.names[n]
            case 'Target':
                offset = _offset(n)
                label = self.labels.get(offset)
                return offset, f'to {offset}' if label is None else f'to L{label}'
            case 'Null':
                return n, '+ NULL' if n & 1 else ''
            case 'Flag':
                return n, ''
            case 'Cmp':
                text = _entry(cmp_op, n)
                return text, text
            case 'Binary':
                return n, _entry([symbol for _, symbol in _nb_ops], n)
            case 'Intr1':
                return n, _entry(_intrinsic_1_descs, n)
            case 'Intr2':
                return n, _entry(_intrinsic_2_descs, n)
            case 'Special':
                return n, _entry(_special_method_names, n)
            case 'FuncAttr':
                return n, {1: 'defaults', 2: 'kwdefaults', 8: 'closure', 16: 'annotate'}.get(n, str(n))
            case 'Common':
                if n < len(_common_constants):
                    return _common_constants[n], _common_constants[n].__name__
                return n, str(n)
            case 'Await':
                return n, _entry(('', 'after __aenter__', 'after __aexit__'), n)
            case 'Format':
                conversion = (None, str, repr, ascii)[n & 3]
                text = conversion.__name__ if conversion else ''
                if n & 4:
                    text += ' with format' if text else 'with format'
                return (conversion, bool(n & 4)), text
        return n, str(n)

    def run(self, first, count):
        """Some registers in a row."""
        if count <= 4:
            return ', '.join(self.register(first + i) for i in range(count))
        return f'{self.register(first)}, ..., {self.register(first + count - 1)}'

    def show(self, base, operands):
        """All operands of an instruction that Cape calls so."""
        by_field = {o.field: o.text for o in operands}
        number = {o.field: o.value for o in operands}
        if base in _PATTERNS:
            text = _PATTERNS[base].format_map(by_field)
        else:
            match base:
                case 'IS' | 'CONTAINS':
                    word = (('is', 'is not') if base == 'IS' else ('in', 'not in'))[number['x'] & 1]
                    text = '{a}, {b} {word} {c}'.format(word=word, **by_field)
                case 'BUILD_TUPLE' | 'BUILD_LIST' | 'BUILD_SET' | 'BUILD_STRING' | 'BUILD_SLICE' | 'UNPACK_SEQUENCE':
                    text = f"{by_field['a']}, ({self.run(number['b'], number['c'])})"
                case 'BUILD_MAP':
                    text = f"{by_field['a']}, ({self.run(number['b'], 2 * number['c'])})"
                case 'UNPACK_EX':
                    text = f"{by_field['a']}, ({self.run(number['b'], number['x'] + 1 + number['c'])})"
                case 'LOAD_SLICE':
                    c = number['c']
                    text = f"{by_field['a']}, {by_field['b']}[{self.register(c)}:{self.register(c + 1)}]"
                case 'STORE_SLICE':
                    b = number['b']
                    text = f"{by_field['a']}[{self.register(b)}:{self.register(b + 1)}], {by_field['c']}"
                case 'CALL':
                    text = f"{by_field['a']}, {by_field['b']}({self.run(number['b'] + 2, number['c'])})"
                case 'CALL_KW':
                    text = '{}, {}({}; {})'.format(
                        by_field['a'], by_field['b'], self.run(number['b'] + 2, number['c']), by_field['w'])
                case 'CALL_EX':
                    b = number['b']
                    text = f"{by_field['a']}, {by_field['b']}(*{self.register(b + 2)}, **{self.register(b + 3)})"
                case 'FORMAT_VALUE' if not number['x'] & 4:
                    text = ', '.join(by_field[field] for field in 'abx' if by_field[field])
                case 'RAISE':
                    text = ('', '{a}', '{a} from {b}')[min(number['x'], 2)].format_map(by_field)
                case _:
                    text = ', '.join(o.text for o in operands if o.text and o.kind != 'Null')
        if number.get('x', 0) & 1 and any(o.kind == 'Null' for o in operands):
            text += ' + NULL'
        return text


_PATTERNS = {
    'LOAD_ATTR': '{a}, {b}.{c}',
    'LOAD_METHOD': '{a}, {b}.{c}',
    'STORE_ATTR': '{a}.{c}, {b}',
    'DEL_ATTR': '{a}.{c}',
    'LOAD_SUBSCR': '{a}, {b}[{c}]',
    'LOAD_SUBSCR_K': '{a}, {b}[{c}]',
    'STORE_SUBSCR': '{a}[{b}], {c}',
    'DEL_SUBSCR': '{a}[{b}]',
    'UNARY_NEG': '{a}, -{b}',
    'UNARY_POS': '{a}, +{b}',
    'UNARY_INVERT': '{a}, ~{b}',
    'UNARY_NOT': '{a}, not {b}',
    'YIELD_FROM': '{a}, from {b}, sent {c}',
    'BINARY_OP': '{a}, {b} {x} {c}',
    'BINARY_OP_K': '{a}, {b} {x} {c}',
    'COMPARE': '{a}, {b} {x} {c}',
    'COMPARE_K': '{a}, {b} {x} {c}',
    'IMPORT_NAME': '{a}, {c}, from list {b}, level {x}',
    'IMPORT_FROM': '{a}, {b}.{c}',
    'LOAD_SPECIAL': '{a}, {b}.{x}',
    'SET_FUNC_ATTR': '{a}.{x}, {b}',
}


def _entry(table, n):
    return table[n] if n < len(table) else str(n)


# The exception table: what is raised from start up to end (not included) goes to target, and into register reg.
_ExceptionTableEntry = collections.namedtuple('_ExceptionTableEntry', ['start', 'end', 'target', 'reg'])


def _parse_exception_table(code):
    """The rows of co_exceptiontable: four numbers of four bytes, of which three are words of the code."""
    numbers = memoryview(code.co_exceptiontable).cast('I')
    return [
        _ExceptionTableEntry(*(_offset(word) for word in row[:3]), row[3])
        for row in itertools.batched(numbers, 4)
    ]


def _jump_targets(rows):
    found = {}
    for _, op, argument, operands, _, _ in rows:
        if argument is not None and operands[argument][0] == 'Target':
            found[_offset(operands[argument][2])] = None
    return list(found)


def findlabels(code):
    """Detect all offsets in a byte code which are jump targets.

    Return the list of offsets.
    """
    return _jump_targets(_opcode.instructions(code))


def findlinestarts(code):
    """Find the offsets in a byte code which are start of lines in the source.

    Generate pairs (offset, lineno). lineno will be an integer or None if the offset does not have a source line.
    """
    last = ()
    for start, _, line in code.co_lines():
        if line != last:
            last = line
            yield start, line


def _instructions(code, first_line=None, adaptive=False):
    """The instructions of a code object or of bytes."""
    rows = _opcode.instructions(code, adaptive)
    whole = not isinstance(code, bytes)
    targets = set(_jump_targets(rows))
    positions, starts, shift = [], {}, 0
    if whole:
        for entry in _parse_exception_table(code):
            targets.update((entry.start, entry.end, entry.target))
        positions = [Positions(*p) for p in code.co_positions()]
        starts = dict(findlinestarts(code))
        if first_line is not None:
            shift = first_line - code.co_firstlineno
    labels = {offset: i for i, offset in enumerate(sorted(targets), 1)}
    registers = _Registers(code, labels)
    line = None

    for offset, number, argument, given, raw, cache in rows:
        operands = []
        for kind, field, n in given:
            what, text = registers.value_and_text(kind, n)
            operands.append(Operand(kind, field, n, text, what))
        name, arg, value = _name_and_argument(number, operands, argument)
        if argument is not None and operands[argument].kind == 'Target':
            # How far it is, in units of two bytes.
            arg = (value - offset - len(raw) - _WORD * len(cache)) // 2
            if name == 'JUMP_BACKWARD':
                arg = -arg
        begins = offset in starts
        if begins:
            line = starts[offset]
            if line is not None:
                line += shift
        where = None
        if whole:
            where = positions[offset // 2] if offset // 2 < len(positions) else Positions()
        info = [('operands', 3, raw[2:_WORD])] if len(raw) >= _WORD else []
        info += [('operand', 4, raw[i:i + _WORD]) for i in range(_WORD, len(raw), _WORD)]
        info += [(f'word{i}', 4, word.to_bytes(_WORD, sys.byteorder)) for i, word in enumerate(cache)]
        instruction = Instruction(
            name, _all_opmap.get(name, number), arg, value, registers.show(_own_names.get(number), operands), offset, offset, begins,
            line, labels.get(offset), where, info or None)
        instruction.operands = tuple(operands)
        yield instruction


def _name_and_argument(number, operands, argument):
    """What the instruction is called, its argument, and what that stands for."""
    name = _names.get(number)
    if name is None:
        return (opname[number] if number < len(opname) else f'<{number}>'), 0, 0
    if number in _implied:
        return name, _implied[number], _implied[number]
    if argument is None:
        return name, None, None
    by_field = {o.field: o for o in operands}
    chosen = operands[argument]
    match name:
        case 'MOVE' | 'CLEAR':
            variable = next((o for o in operands if o.kind in ('Dst', 'Reg') and o.text != f'r{o.value}'), None)
            if variable is None:
                return ('PUSH_NULL' if name == 'CLEAR' else name), None, None
            chosen = variable
            if name == 'CLEAR':
                name = 'DELETE_FAST'
            else:
                name = 'STORE_FAST' if variable.kind == 'Dst' else 'LOAD_FAST_BORROW'
        case 'FORMAT_VALUE':
            name = 'FORMAT_WITH_SPEC' if by_field['x'].value & 4 else 'FORMAT_SIMPLE'
    return name, chosen.value, chosen.what


def get_instructions(x, *, first_line=None, show_caches=None, adaptive=False):
    """Iterator for the opcodes in methods, functions or code.

    Generates a series of Instruction named tuples giving the details of each operation in the supplied code.

    If *first_line* is not None, it indicates the line number that should be reported for the first source line in the disassembled
    code. Otherwise, the source line information (if any) is taken directly from the disassembled code object.
    """
    return _instructions(_get_code_object(x), first_line, adaptive)


# ---- printing ----

class _Printer:
    """Writes instructions as lines with columns: line or position, label, offset, mark, operation."""

    def __init__(self, file=None, line_width=0, label_width=0, offset_width=0, positions_width=0, show_caches=False):
        self.file = file
        self.line_width = line_width
        self.label_width = label_width
        self.offset_width = offset_width
        self.positions_width = positions_width
        self.show_caches = show_caches

    def instruction(self, instruction, current=False):
        """One instruction and, if they are wanted, the words of its cache."""
        columns = []
        if self.positions_width:
            columns.append(_show_positions(instruction.positions).ljust(self.positions_width))
        elif self.line_width:
            line = ''
            if instruction.starts_line:
                line = _NO_LINE if instruction.line_number is None else str(instruction.line_number)
            columns.append(line.ljust(self.line_width) if line == _NO_LINE else line.rjust(self.line_width))
        if instruction.starts_line and instruction.offset > 0 and columns:
            print(file=self.file)
        label = '' if instruction.label is None else f'L{instruction.label}:'
        columns.append(label.rjust(self.label_width))
        if self.offset_width:
            columns.append(str(instruction.offset).rjust(self.offset_width) + '  ')
        columns.append('-->' if current else '   ')
        if instruction.opcode == _CACHE:
            columns.append(f'{instruction.opname:<{_OPNAME_WIDTH}} {0:>{_OPARG_WIDTH}} ({instruction.argrepr})')
        else:
            columns.append(f'{instruction.opname:<{_OPNAME_WIDTH}} {instruction.argrepr}')
        print(' '.join(columns).rstrip(), file=self.file)
        if self.show_caches:
            offset = instruction.cache_offset
            for name, size, data in instruction.cache_info or ():
                if name.startswith('operand'):
                    # They have been shown.
                    offset += 2 * size
                    continue
                self.instruction(Instruction(
                    'CACHE', _CACHE, 0, None, f'{name}: {int.from_bytes(data, sys.byteorder)}', offset, offset, False, None,
                    None, instruction.positions))
                offset += 2 * size

    def exceptions(self, entries, labels):
        if entries:
            print('ExceptionTable:', file=self.file)
        for entry in entries:
            start, end, target = (f'L{labels[x]}' if x in labels else x for x in entry[:3])
            print(f'  {start} to {end} -> {target} [r{entry.reg}]', file=self.file)


_NO_LINE = '  --'


def _show_positions(p):
    if p is None or p.lineno is None:
        return _NO_LINE
    line, end_line, column, end_column = ('?' if x is None else x for x in p)
    return f'{line}:{column}-{end_line}:{end_column}'


def _print(code, lasti=-1, *, file=None, first_line=None, show_caches=False, adaptive=False, show_offsets=False,
           show_positions=False):
    """Print all instructions of a code object or of bytes."""
    instructions = list(_instructions(code, first_line, adaptive))
    labels = {i.offset: i.label for i in instructions if i.label is not None}
    entries = []
    if not isinstance(code, bytes):
        entries = _parse_exception_table(code)
        end = max((i.end_offset for i in instructions), default=0)
        if any(end in entry[:3] for entry in entries):
            labels.setdefault(end, len(labels) + 1)
    lines = [i.line_number for i in instructions if i.starts_line]
    line_width = positions_width = 0
    if any(line is not None for line in lines):
        line_width = max(3, len(str(max(line for line in lines if line is not None))))
        if None in lines:
            line_width = max(line_width, len(_NO_LINE))
        if show_positions:
            positions_width = 1 + max(len(_show_positions(i.positions)) for i in instructions)
    printer = _Printer(
        file, line_width, 4 + len(str(len(labels))),
        max(4, len(str(instructions[-1].offset))) if show_offsets and instructions else 0, positions_width, show_caches)
    for i in instructions:
        # An offset within an instruction is that instruction's.
        printer.instruction(i, i.offset <= lasti < i.end_offset and i.opcode != _RESUME or i.offset == lasti == 0)
    printer.exceptions(entries, labels)


def disassemble(co, lasti=-1, *, file=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassemble a code object."""
    _print(co, lasti, file=file, show_caches=show_caches, adaptive=adaptive, show_offsets=show_offsets,
           show_positions=show_positions)


# An older name.
disco = disassemble


def _print_nested(co, depth, file, options):
    disassemble(co, file=file, **options)
    if depth is not None:
        if depth <= 0:
            return
        depth -= 1
    for x in co.co_consts:
        if hasattr(x, 'co_code'):
            print(file=file)
            print(f"Disassembly of {x!r}:", file=file)
            _print_nested(x, depth, file, options)


def dis(x=None, *, file=None, depth=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassemble classes, methods, functions, and other compiled objects.

    With no argument, disassemble the last traceback.

    Compiled objects currently include generator objects, async generator objects, and coroutine objects, all of which store their
    code object in a special attribute.
    """
    options = dict(show_caches=show_caches, adaptive=adaptive, show_offsets=show_offsets, show_positions=show_positions)
    if x is None:
        return distb(file=file, **options)
    x = _without_wrappers(x)
    if hasattr(x, '__dict__'):
        for name, member in sorted(x.__dict__.items()):
            if isinstance(member, _have_code):
                print(f"Disassembly of {name}:", file=file)
                try:
                    dis(member, file=file, depth=depth, **options)
                except TypeError as e:
                    print("Sorry:", e, file=file)
                print(file=file)
    elif hasattr(x, 'co_code'):
        _print_nested(x, depth, file, options)
    elif isinstance(x, (bytes, bytearray)):
        _print(bytes(x), file=file, **options)
    elif isinstance(x, str):
        _print_nested(_try_compile(x, '<dis>'), depth, file, options)
    else:
        raise TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def distb(tb=None, *, file=None, show_caches=False, adaptive=False, show_offsets=False, show_positions=False):
    """Disassemble a traceback (default: last traceback)."""
    if tb is None:
        if hasattr(sys, 'last_exc'):
            tb = sys.last_exc.__traceback__
        else:
            tb = getattr(sys, 'last_traceback', None)
        if tb is None:
            raise RuntimeError("no last traceback to disassemble")
        while tb.tb_next:
            tb = tb.tb_next
    disassemble(tb.tb_frame.f_code, tb.tb_lasti, file=file, show_caches=show_caches, adaptive=adaptive,
                show_offsets=show_offsets, show_positions=show_positions)


class Bytecode:
    """The bytecode operations of a piece of code.

    Instantiate this with a function, method, other compiled object, string of code, or a code object (as returned by compile()).

    Iterating over this yields the bytecode operations as Instruction instances.
    """

    def __init__(self, x, *, first_line=None, current_offset=None, show_caches=False, adaptive=False, show_offsets=False,
                 show_positions=False):
        self.codeobj = _get_code_object(x)
        self._first_line = first_line
        self.first_line = self.codeobj.co_firstlineno if first_line is None else first_line
        self._original_object = x
        self.current_offset = current_offset
        self.exception_entries = _parse_exception_table(self.codeobj)
        self.show_caches = show_caches
        self.adaptive = adaptive
        self.show_offsets = show_offsets
        self.show_positions = show_positions

    def __iter__(self):
        return _instructions(self.codeobj, self._first_line, self.adaptive)

    def __repr__(self):
        return f"{type(self).__name__}({self._original_object!r})"

    @classmethod
    def from_traceback(cls, tb, *, show_caches=False, adaptive=False):
        """Construct a Bytecode from the given traceback."""
        while tb.tb_next:
            tb = tb.tb_next
        return cls(tb.tb_frame.f_code, current_offset=tb.tb_lasti, show_caches=show_caches, adaptive=adaptive)

    def info(self):
        """Return formatted information about the code object."""
        return _format_code_info(self.codeobj)

    def dis(self):
        """Return a formatted view of the bytecode operations."""
        out = io.StringIO()
        _print(self.codeobj, -1 if self.current_offset is None else self.current_offset, file=out,
               first_line=self._first_line, show_caches=self.show_caches, adaptive=self.adaptive,
               show_offsets=self.show_offsets, show_positions=self.show_positions)
        return out.getvalue()


# ---- for modulefinder ----

def _find_imports(co):
    """Find import statements in the code.

    Generate triplets (name, level, fromlist) where name is the imported module and level, fromlist are the corresponding args to
    __import__.
    """
    for instruction in _instructions(co):
        if instruction.opname == 'IMPORT_NAME':
            operand = {o.field: o.value for o in instruction.operands}
            yield instruction.argval, operand['x'], co.co_consts[operand['b']]


def _find_store_names(co):
    """Find names of variables which are written in the code.

    Generate sequence of strings.
    """
    for instruction in _instructions(co):
        if instruction.opname in ('STORE_NAME', 'STORE_GLOBAL'):
            yield instruction.argval


def main(args=None):
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument('-C', '--show-caches', action='store_true', help='show inline caches')
    parser.add_argument('-O', '--show-offsets', action='store_true', help='show instruction offsets')
    parser.add_argument('-P', '--show-positions', action='store_true', help='show instruction positions')
    parser.add_argument('-S', '--specialized', action='store_true', help='show specialized bytecode')
    parser.add_argument('infile', nargs='?', default='-')
    options = parser.parse_args(args=args)
    if options.infile == '-':
        name, source = '<stdin>', sys.stdin.buffer.read()
    else:
        name = options.infile
        with open(name, 'rb') as file:
            source = file.read()
    dis(compile(source, name, 'exec'), show_caches=options.show_caches, adaptive=options.specialized,
        show_offsets=options.show_offsets, show_positions=options.show_positions)


if __name__ == "__main__":
    main()
