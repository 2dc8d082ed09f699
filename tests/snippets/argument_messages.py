"""What calls of builtin functions, methods and types with the wrong arguments say."""

import math
import types


def says(expected, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except TypeError as e:
        assert str(e) == expected, f"{e!s} != {expected}"
    else:
        raise AssertionError(expected)


# Methods are named with the class that defines them, functions with their module.
says("int.bit_length() takes no arguments (1 given)", int.bit_length, 1, 2)
says("int.bit_count() takes no keyword arguments", int.bit_count, 1, a=2)
says("int.bit_count() takes no keyword arguments", int.bit_count, 1, 2, 3, a=2)
says("list.append() takes exactly one argument (2 given)", list.append, [], 1, 2)
says("list.append() takes no keyword arguments", list.append, [], 1, a=2)
says("dict.fromkeys() takes no keyword arguments", dict.fromkeys, a=1)
says("object.__format__() takes exactly one argument (0 given)", object.__format__, [])
says("list.__class_getitem__() takes exactly one argument (2 given)", list.__class_getitem__, 1, 2)
says("math.sin() takes exactly one argument (0 given)", math.sin)
says("math.sin() takes no keyword arguments", math.sin, x=1)
says("len() takes exactly one argument (0 given)", len)
says("len() takes no keyword arguments", len, [], [], a=1)
says("globals() takes no arguments (1 given)", globals, 1)
says("divmod() takes no keyword arguments", divmod, 1, 2, 3, a=1)
says("set.union() takes no keyword arguments", set.union, set(), a=1)
says("insert expected 2 arguments, got 1", list.insert, [], 1)
says("list.insert() takes no keyword arguments", list.insert, [], 1, a=1)

# Wrappers of slots, and methods beside slots.
says("wrapper __add__() takes no keyword arguments", (1).__add__, 1, 2, a=3)
says("wrapper __neg__() takes no keyword arguments", (1).__neg__, a=3)
says("expected 1 argument, got 2", (1).__add__, 1, 2)
for container in ([], {}):
    name = type(container).__name__
    says(f"{name}.__getitem__() takes exactly one argument (0 given)", container.__getitem__)
    says(f"{name}.__getitem__() takes no keyword arguments", container.__getitem__, a=1)
says("expected 1 argument, got 0", "".__getitem__)
for container in ({}, set(), frozenset()):
    says(f"{type(container).__name__}.__contains__() takes exactly one argument (2 given)", container.__contains__, 1, 2)
says("expected 1 argument, got 0", [].__contains__)

# Constructors.
says("int expected at most 2 arguments, got 3", int, 1, 2, 3)
says("int() takes at most 2 arguments (3 given)", int, 1, 2, a=3)
says("int() got an unexpected keyword argument 'a'", int, 1, a=3)
says("str expected at most 3 arguments, got 4", str, 1, 2, 3, 4)
says("complex() takes at most 2 arguments (3 given)", complex, 1, 2, 3)
says("complex() takes at most 2 arguments (3 given)", complex, 1, 2, a=3)
says("float expected at most 1 argument, got 2", float, 1, 2)
says("float() takes no keyword arguments", float, 1, 2, a=1)
says("memoryview() takes at most 1 argument (2 given)", memoryview, 1, 2)
says("memoryview() missing required argument 'object' (pos 1)", memoryview, a=2)
for t in (classmethod, staticmethod, reversed):
    says(f"{t.__name__} expected 1 argument, got 0", t)
    says(f"{t.__name__} expected 1 argument, got 2", t, 1, 2)
    says(f"{t.__name__}() takes no keyword arguments", t, 1, 2, a=1)
says("SimpleNamespace expected at most 1 argument, got 2", types.SimpleNamespace, 1, 2)
says("mappingproxy() takes at most 1 argument (2 given)", types.MappingProxyType, 1, 2)
says("code expected at least 16 arguments, got 1", types.CodeType, 1)
says("code expected at most 18 arguments, got 19", types.CodeType, *range(19))
says("code() takes no keyword arguments", types.CodeType, a=1)
says("function() missing required argument 'code' (pos 1)", types.FunctionType, a=1)

# What is missing is said before what is not expected, and too many before that.
says("round() missing required argument 'number' (pos 1)", round, a=1)
says("round() takes at most 2 arguments (3 given)", round, 1, 2, a=1)
says("round() got an unexpected keyword argument 'a'", round, 1, a=1)
says("pow() missing required argument 'exp' (pos 2)", pow, 1, a=1)
says("compile() missing required argument 'source' (pos 1)", compile, a=1)
says("sum() takes at least 1 positional argument (0 given)", sum)
says("sum() takes at least 1 positional argument (0 given)", sum, a=1)
says("replace() takes at least 2 positional arguments (0 given)", "".replace)
says("replace() takes no positional arguments", says.__code__.replace, 1)
says("__format__() argument must be str, not None", [].__format__, None)
