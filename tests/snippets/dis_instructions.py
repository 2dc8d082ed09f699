"""`dis` and `opcode`: what holds whatever the instructions are."""

import contextlib
import dis
import inspect
import io
import modulefinder
import opcode
import os
import sys
import tempfile


def function(a, b=2):
    try:
        for item in a:
            print(item.name)
    except ValueError as e:
        return e
    return b + 1


def generator(n):
    yield n
    return n


def closure(n):
    def inner():
        return n + UNKNOWN
    return inner


def written(f, *args, **options):
    out = io.StringIO()
    f(*args, file=out, **options)
    return out.getvalue()


# ---- instructions ----

def names(f):
    return [i.opname for i in dis.get_instructions(f)]


for f in function, generator, closure, closure(1), (lambda: 0):
    instructions = list(dis.get_instructions(f))
    code = f.__code__
    assert instructions[0].offset == 0
    first = code.co_firstlineno
    for before, after in zip(instructions, instructions[1:]):
        assert before.end_offset == after.start_offset, (before, after)
        assert before.start_offset <= before.offset < before.cache_offset <= before.end_offset
    assert instructions[-1].end_offset == 2 * len(list(code.co_positions()))
    for i in instructions:
        assert dis.opname[i.opcode] == i.opname and dis.opmap[i.opname] == i.opcode
        assert i.oparg == i.arg and (i.baseopname, i.baseopcode) == (i.opname, i.opcode)
        assert (i.jump_target is not None) == (i.opcode in dis.hasjump)
        assert i.is_jump_target == (i.label is not None)
        assert isinstance(i.positions, dis.Positions)
        assert i.opname in str(i)
        assert type(i) is dis.Instruction and len(i) == 12
    by_offset = {i.offset: i for i in instructions}
    for target in dis.findlabels(code.co_code) if f is not generator else ():
        assert by_offset[target].is_jump_target
    for i in instructions:
        if i.jump_target is not None:
            assert by_offset[i.jump_target].label is not None
            assert f'to L{by_offset[i.jump_target].label}' in i.argrepr or i.opname == 'END_ASYNC_FOR'
    starts = dict(dis.findlinestarts(code))
    assert {i.offset for i in instructions if i.starts_line} == starts.keys()
    assert starts[0] in (None, first)
    # What debuggers rely on: the body begins after RESUME.
    resume = names(f).index('RESUME')
    body = instructions[resume + 1]
    assert body.line_number == first + (f.__name__ not in ('<lambda>',)), (f, body)
    moved = list(dis.get_instructions(f, first_line=1000))
    assert moved[resume + 1].line_number - 1000 == body.line_number - first
    assert moved[resume + 1].positions == body.positions
assert 'RETURN_GENERATOR' in names(generator)[:names(generator).index('RESUME')]
assert 'MAKE_CELL' in names(closure)[:names(closure).index('RESUME')]

found = {(i.opname, i.argval) for i in dis.get_instructions(function)}
assert ('LOAD_GLOBAL', 'print') in found and ('LOAD_ATTR', 'name') in found and ('LOAD_GLOBAL', 'ValueError') in found
found = {(i.opname, i.argval) for i in dis.get_instructions("global g\ng = h\ndel g, x\nimport a.b\nx.y = 1\ndel x.z")}
assert found >= {('STORE_GLOBAL', 'g'), ('LOAD_NAME', 'h'), ('DELETE_GLOBAL', 'g'), ('DELETE_NAME', 'x'), ('IMPORT_NAME', 'a.b'),
                 ('STORE_NAME', 'a'), ('STORE_ATTR', 'y'), ('DELETE_ATTR', 'z')}, found
assert any(i.opcode in dis.hasconst and i.argval == 'text' for i in dis.get_instructions("x = 'text'"))
assert any(i.opcode in dis.haslocal and i.argval == 'v' for i in dis.get_instructions(lambda v: f(v)))
assert any(i.opcode in dis.hasfree and i.argval == 'n' for i in dis.get_instructions(closure))
assert '<' in next(i for i in dis.get_instructions("a < b") if i.opcode in dis.hascompare).argrepr

made = dis.Instruction.make('NOP', None, None, '', 4, 4, True, 3)
assert made == dis.Instruction('NOP', dis.opmap['NOP'], None, None, '', 4, 4, True, 3) and made.positions is None
assert made.end_offset == 6 and made.cache_info is None and str(made).split() == ['NOP']

# ---- opcodes ----

assert dis.opmap['EXTENDED_ARG'] == dis.EXTENDED_ARG and dis.cmp_op[2] == '=='
assert dis.HAVE_ARGUMENT > dis.opmap['NOP'] and set(opcode.__all__) <= set(dis.__all__)
assert set(dis.hasjrel) | set(dis.hasjabs) == set(dis.hasjump) <= set(dis.hasarg)
assert dis.stack_effect(dis.opmap['NOP']) == dis.stack_effect(dis.opmap['NOP'], None, jump=True) == 0
for arguments, message in (
    ((30000,), 'invalid opcode or oparg'),
    ((-1,), 'invalid opcode or oparg'),
):
    try:
        dis.stack_effect(*arguments)
        raise AssertionError
    except ValueError as e:
        assert str(e) == message
try:
    dis.stack_effect(0, jump=3)
    raise AssertionError
except ValueError as e:
    assert str(e) == 'stack_effect: jump must be False, True or None'

# ---- printing ----

text = written(dis.dis, function)
assert 'L1:' in text and ' RESUME' in text and 'ExceptionTable:\n' in text and text.count('\n\n') >= 4
lines = text.splitlines()
numbers = [int(l.split()[0]) for l in lines if l[:4].strip().isdigit()]
first = function.__code__.co_firstlineno
assert set(range(first, first + 4)) <= set(numbers) and numbers[0] == first, numbers
with contextlib.redirect_stdout(io.StringIO()) as out:
    dis.dis(function)
assert out.getvalue() == text == written(dis.disco, function.__code__) == dis.Bytecode(function).dis()
assert f'{first + 3}:12-' in written(dis.dis, function, show_positions=True)
assert len(written(dis.dis, function, show_offsets=True)) > len(text)
caches = written(dis.dis, function, show_caches=True)
assert 'CACHE ' in caches and 'CACHE ' not in text
written(dis.dis, function, adaptive=True)
nested = written(dis.dis, closure)
assert 'Disassembly of <code object inner at ' in nested and 'UNKNOWN' in nested
assert 'Disassembly' not in written(dis.dis, closure, depth=0)
assert written(dis.dis, generator) == written(dis.dis, generator(1))
assert '-->' not in text


class Class:
    x = 1

    def method(self): pass

    @staticmethod
    def static(): pass


text = written(dis.dis, Class)
assert text.startswith('Disassembly of method:\n') and 'Disassembly of static:\n' in text and text.endswith('\n\n')
assert written(dis.dis, Class().method) == written(dis.dis, Class.method)
for what in 3, object():
    for use in dis.dis, dis.code_info, dis.Bytecode:
        try:
            use(what)
            raise AssertionError
        except TypeError as e:
            assert str(e) == f"don't know how to disassemble {type(what).__name__} objects"
assert written(dis.dis, function.__code__.co_code).count('\n') >= 10

# ---- tracebacks ----

for name in 'last_exc', 'last_traceback':
    if hasattr(sys, name):
        delattr(sys, name)
try:
    dis.dis()
    raise AssertionError
except RuntimeError as e:
    assert str(e) == 'no last traceback to disassemble'


def fails(x):
    y = x
    return 1 / y


try:
    fails(0)
except ZeroDivisionError as e:
    failed = e
tb = failed.__traceback__.tb_next
marked = [l for l in written(dis.distb, tb).splitlines() if '-->' in l]
assert len(marked) == 1 and 'BINARY_OP' in marked[0], marked
sys.last_exc = failed
assert written(dis.dis) == written(dis.distb) == written(dis.distb, tb) == dis.Bytecode.from_traceback(failed.__traceback__).dis()
assert written(dis.disassemble, tb.tb_frame.f_code, tb.tb_lasti) == written(dis.distb)
assert dis.Bytecode.from_traceback(tb).current_offset == tb.tb_lasti
assert next(i for i in dis.get_instructions(fails) if i.offset == tb.tb_lasti).opname.startswith('BINARY_OP')

# ---- details of code ----

info = dis.code_info(function).splitlines()
assert info[0] == 'Name:              function' and info[2:6] == [
    'Argument count:    2', 'Positional-only arguments: 0', 'Kw-only arguments: 0', 'Number of locals:  4']
assert info[7] == 'Flags:             OPTIMIZED, NEWLOCALS'
assert '   0: print' in info and '   3: e' in info and 'Variable names:' in info
assert written(dis.show_code, function) == dis.code_info(function) + '\n' == dis.Bytecode(function).info() + '\n'
assert dis.pretty_flags(0) == '0x0' and dis.pretty_flags(0x80000021) == 'OPTIMIZED, GENERATOR, 0x80000000'
assert dis.COMPILER_FLAG_NAMES[32] == 'GENERATOR'
b = dis.Bytecode("a = 1", first_line=7)
assert repr(b) == "Bytecode('a = 1')" and b.first_line == 7 and b.codeobj.co_name == '<module>'

# ---- users of it ----

vars = inspect.getclosurevars(closure(5))
assert vars.nonlocals == {'n': 5} and vars.unbound == {'UNKNOWN'}
vars = inspect.getclosurevars(function)
assert vars.builtins == {'print': print, 'ValueError': ValueError} and vars.unbound == {'name'}
vars = inspect.getclosurevars(lambda q: written(q.alpha.beta()))
assert vars.globals == {'written': written} and vars.unbound == {'alpha', 'beta'}, vars

with tempfile.TemporaryDirectory() as folder:
    main = os.path.join(folder, 'main.py')
    with open(main, 'w') as file:
        file.write("import one\nfrom two import x as y, z\nfrom three import *\nif y: import one\nCONSTANT = 1\n")
    for name in 'one', 'three':
        with open(os.path.join(folder, f'{name}.py'), 'w') as file:
            file.write('name_of_it = 1')
    finder = modulefinder.ModuleFinder(path=[folder])
    finder.run_script(main)
    assert {'one', 'three', '__main__'} == finder.modules.keys() and 'two' in finder.badmodules
    assert {'one', 'y', 'z', 'CONSTANT', 'name_of_it'} <= finder.modules['__main__'].globalnames.keys()

    def command(*args, input=''):
        sys.stdin = io.TextIOWrapper(io.BytesIO(input.encode()))
        try:
            with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
                dis.main(args=list(args))
        finally:
            sys.stdin = sys.__stdin__
        return out.getvalue()

    compiled = compile(open(main).read(), main, 'exec')
    assert command('-O', main) == written(dis.dis, compiled, show_offsets=True)
    assert '1:4-1:5' in command('-CPS', input='x = 1\n')
    try:
        command('--unknown')
        raise AssertionError
    except SystemExit as e:
        assert e.code == 2
