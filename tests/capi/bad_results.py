"""Prints what comes of functions and slots of C that return NULL without an exception, or a result with one.

usage: bad_results.py FOLDER_OF_THE_EXTENSION [EXPECTED]

Every case runs in a child process, so that a crash is a line as well; cases that crash in EXPECTED are not tried."""

import operator
import os
import re
import sys

sys.path.insert(0, sys.argv[1])
import badresults

# What makes use of a slot: `v` an instance, `T` the type.
USES = {
    "nb_add": ["v + 1", "1 + v", "operator.iadd(v, 1)", "T.__add__(v, 1)"],
    "nb_subtract": ["v - 1"],
    "nb_multiply": ["v * 2", "[1] * v"],
    "nb_remainder": ["v % 1"],
    "nb_divmod": ["divmod(v, 1)"],
    "nb_power": ["v ** 2", "pow(v, 2, 3)"],
    "nb_negative": ["-v"],
    "nb_positive": ["+v"],
    "nb_absolute": ["abs(v)"],
    "nb_bool": ["bool(v)", "not v", "1 if v else 2", "T.__bool__(v)"],
    "nb_invert": ["~v"],
    "nb_lshift": ["v << 1"],
    "nb_and": ["v & 1"],
    "nb_int": ["int(v)", "T.__int__(v)"],
    "nb_float": ["float(v)"],
    "nb_inplace_add": ["operator.iadd(v, 1)"],
    "nb_floor_divide": ["v // 1"],
    "nb_true_divide": ["v / 1"],
    "nb_index": ["operator.index(v)", "[1, 2][v]", "range(v)", "hex(v)"],
    "nb_matrix_multiply": ["v @ 1"],
    "sq_length": ["len(v)", "T.__len__(v)"],
    "sq_concat": ["v + [1]"],
    "sq_repeat": ["v * 2"],
    "sq_item": ["v[0]", "list(v)"],
    "sq_ass_item": ["operator.setitem(v, 0, 1)", "operator.delitem(v, 0)"],
    "sq_contains": ["1 in v"],
    "mp_length": ["len(v)", "list(v)"],
    "mp_subscript": ["v['k']"],
    "mp_ass_subscript": ["operator.setitem(v, 'k', 1)", "operator.delitem(v, 'k')"],
    "tp_call": ["v()", "v(1, k=2)", "T.__call__(v)", "call(v)", "list(map(v, [1]))"],
    "tp_getattro": ["v.name", "getattr(v, 'name', 5)", "hasattr(v, 'name')"],
    "tp_setattro": ["setattr(v, 'name', 1)", "delattr(v, 'name')"],
    "tp_hash": ["hash(v)", "{v: 1}"],
    "tp_init": ["T()"],
    "tp_iter": ["iter(v)", "list(v)"],
    "tp_new": ["T()", "T.__new__(T)"],
    "tp_repr": ["repr(v)", "str(v)", "f'{v!r}'"],
    "tp_richcompare": ["v == 1", "v < 1", "[v].index(1)"],
    "tp_str": ["str(v)", "f'{v}'", "print(v)"],
    "tp_descr_get": ["type('Owner', (), {'d': v})().d"],
    "tp_descr_set": ["setattr(type('Owner', (), {'d': v})(), 'd', 1)"],
    "am_await": ["v.__await__()"],
    "am_aiter": ["aiter(v)"],
    "am_anext": ["v.__anext__()"],
    "bf_getbuffer": ["memoryview(v)", "bytes(v)", "b''.join([v])"],
}
CONVENTIONS = {"noargs": "()", "o": "(1)", "varargs": "(1, 2)", "keywords": "(1, k=2)", "fastcall": "(1, 2)", "fastkeywords": "(1, k=2)"}


def cases():
    """(label, expression, names)"""
    for how in ("nothing", "both"):
        for name, arguments in CONVENTIONS.items():
            function = f"{name}_{how}"
            yield f"function {function}{arguments}", f"f{arguments}", {"f": getattr(badresults, function)}
            positional = "" if name == "noargs" else ", 1"
            yield f"function {function}, called by C", f"call(f{positional})", {"f": getattr(badresults, function)}
            yield f"method {function}{arguments}", f"v.{function}{arguments}", {"v": badresults.Attributes()}
            yield f"callback {function}", "list(map(f, [1]))" if positional else "sorted([1], key=lambda x: f())", {
                "f": getattr(badresults, function)}
        yield f"attribute {how}", f"v.{how}", {"v": badresults.Attributes()}
        yield f"set attribute {how}", f"setattr(v, '{how}', 1)", {"v": badresults.Attributes()}
    for slot in badresults.slot_names():
        T = badresults.make_type(slot, 0)
        v = object.__new__(T) if slot != "tp_new" else None
        for use in USES[slot]:
            yield f"{slot} {use}", use, {"T": T, "v": v}
        if slot in ("tp_call", "tp_new", "tp_init"):
            T = badresults.make_type(slot, 1)
            v = object.__new__(T) if slot != "tp_new" else None
            for use in USES[slot]:
                yield f"{slot} with an error {use}", use, {"T": T, "v": v}


def show(value):
    text = value if isinstance(value, str) else repr(value)
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def show_exception(e, named):
    """`named`: else which callable the message names is a matter of who called, and only the broken rule counts."""
    text = f"{type(e).__name__}({show(str(e))})"
    if not named and re.search("returned NULL without setting an exception|error return without exception set", text):
        text = "SystemError, nothing was set"
    if not named and "returned a result with an exception set" in text:
        text = "SystemError, an exception was set"
    for label, other in (("cause", e.__cause__), ("context", e.__context__)):
        if other is not None and not (label == "context" and other is e.__cause__):
            text += f" {label} {show_exception(other, named)}"
    return text


def is_named(label):
    return label.startswith(("function", "method", "callback", "tp_call")) and "called by C" not in label and "T.__" not in label


def main():
    skip = set()
    if len(sys.argv) > 2:
        with open(sys.argv[2]) as file:
            skip = {line.split("\t")[0] for line in file if line.endswith("\tcrash\n")}
    for label, expression, names in cases():
        if label in skip:
            continue
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            try:
                text = show(eval(expression, {"operator": operator, "call": badresults.call, **names}))
            except BaseException as e:
                text = show_exception(e, is_named(label))
            os.write(writer, text.encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            text = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        print(label, "crash" if os.WIFSIGNALED(status) else text, sep="\t", flush=True)


main()
