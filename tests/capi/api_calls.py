"""Calls the functions of the C API as api_calls.txt says, and then with bad input: NULL, wrong types, numbers out
of range, and an exception that is set already. Prints what each call gives, one line per call and outcome.

usage: api_calls.py FOLDER_OF_THE_EXTENSION SIGNATURES [EXPECTED] [NAME...]

SIGNATURES has rows of name, C result, C parameters, "borrowed" for a borrowed result, stolen parameters. Calls that
EXPECTED says to crash are not made. Every function is called in a child process, so that a crash is a line as well."""

import collections
import contextvars
import gc
import os
import re
import signal
import sys
import weakref

sys.path.insert(0, sys.argv[1])
import anycall

HERE = os.path.dirname(os.path.abspath(__file__))
NULL = anycall.NULL

# What takes the place of a good argument, by the kind of the parameter.
OBJECTS = ["NULL", "42", "'text'", "b'bytes'", "2.5", "(1, 2)", "[1, 2]", "{'k': 1}", "{1}", "None", "int",
           "Broken()", "ValueError('v')"]
NUMBERS = ["-1", "0", "100", "2**62", "-2**63", "2**63 - 1"]
BAD = {"O": OBJECTS, "S": OBJECTS, "l": NUMBERS, "s": ["NULL", "b''", "b'not there'", "b'\\xff'"], "d": ["float('nan')", "-1.0"],
       "a": ["NULL"], "p": [], "o": [], "b": [], "n": [], "m": [], "z": []}

# Calls whose outcome hangs on what lies in memory: no bad input there.
UNCHECKED = {
    ("PyObject_Vectorcall", 2), ("PyObject_VectorcallMethod", 2), ("PyObject_VectorcallDict", 2),
    ("PyObject_Vectorcall", 1), ("PyObject_VectorcallMethod", 1), ("PyObject_VectorcallDict", 1),
    ("PyUnstable_Code_NewWithPosOnlyArgs", 0), ("PyTuple_Pack", 0), ("PyObject_ClearWeakRefs", 0), ("PyObject_GenericGetDict", 0),
    ("PyObject_GenericSetDict", 0), ("PyUnstable_Object_EnableDeferredRefcount", 0), ("PyObject_GC_IsFinalized", 0),
    ("PyFrame_New", 0), ("PyFrame_New", 1), ("PyFrame_New", 2), ("PyFrame_New", 3), ("PyTraceBack_Here", 0), ("PyCMethod_New", 0),
    ("PyCMethod_New", 3), ("PyInterpreterState_GetID", 0), ("PyArg_ParseTupleAndKeywords", 3), ("PyType_Modified", 0),
    ("_PyType_Lookup", 0), ("PyType_IsSubtype", 0), ("PyType_IsSubtype", 1),
    ("PyCode_GetCellvars", 0), ("PyCode_GetFreevars", 0), ("PyCode_GetVarnames", 0), ("PyFrame_GetBuiltins", 0), ("PyFrame_GetGlobals", 0),
    ("PyFrame_GetVar", 0), ("PyFrame_GetVarString", 0), ("PyFunction_New", 0), ("PyFunction_New", 1), ("PyFunction_NewWithQualName", 0),
    ("PyFunction_NewWithQualName", 1), ("PyFunction_NewWithQualName", 2), ("PyDescr_IsData", 0), ("PyType_Freeze", 0), ("_PyDict_GetItemStringWithError", 0),
    ("PyException_SetCause", 0), ("PyException_GetTraceback", 0), ("PyException_SetTraceback", 0), ("PyUnicode_FindChar", 0),
    ("PyUnicode_Substring", 0), ("PyObject_Call", 1), ("PyObject_Call", 2), ("PyObject_VectorcallDict", 3),
    ("PyObject_Vectorcall", 3), ("PyObject_VectorcallMethod", 3), ("PyBytes_FromStringAndSize", 0),
    ("PyUnstable_Code_NewWithPosOnlyArgs", 6), ("PyDescr_NewClassMethod", 0), ("PyType_GenericAlloc", 0), ("PyType_GenericNew", 0),
    ("PyType_GetName", 0), ("PyType_GetQualName", 0), ("_PyLong_Copy", 0), ("PyException_GetCause", 0), ("PyException_SetContext", 0),
    ("PyException_SetContext", 1), ("PyGen_GetCode", 0), ("PyByteArray_FromStringAndSize", 0), ("PyUnicode_CompareWithASCIIString", 0),
}
# Memory that nobody has filled.
UNINITIALISED = {"PyUnicode_New", "PyUnicode_Resize", "_PyBytes_Resize"}


class Broken:
    """Whatever is asked of it fails."""

    def fail(self, *args):
        raise ZeroDivisionError("broken")

    for name in """__bool__ __len__ __iter__ __next__ __getitem__ __setitem__ __delitem__ __contains__ __hash__ __eq__ __lt__ __add__
                __radd__ __iadd__ __sub__ __rsub__ __call__ __index__ __int__ __float__ __str__ __format__ __getattr__ __setattr__
                __delattr__ __instancecheck__ __subclasscheck__ __bytes__ __complex__""".split():
        locals()[name] = fail

    def __repr__(self):
        return "Broken()"


class Plain:
    def __init__(self):
        self.attribute = 1

    def method(self):
        pass

    def __repr__(self):
        return f"Plain{vars(self)}"


class Indexed:
    """A number by __index__ alone."""

    def __index__(self):
        return 3

    def __repr__(self):
        return "indexed"


class Mapping:
    def keys(self):
        return iter(["k"])

    def items(self):
        return iter([("k", self["k"])])

    def __getitem__(self, key):
        return f"the item {key}"

    def __repr__(self):
        return "mapping"


class Special:
    """What few classes have."""

    def __dir__(self):
        return ["b", "a"]

    def __length_hint__(self):
        return 7

    def __buffer__(self, flags):
        return memoryview(b"buffered")

    def __getattr__(self, name):
        return f"the attribute {name}"

    def __repr__(self):
        return "special"


class Outer:
    class Inner:
        pass


def word(function):
    return anycall.call(function, "k:", (), None)[0]


def caught():
    try:
        raise ValueError("caught")
    except ValueError as e:
        return e


def caused():
    e = ValueError("effect")
    e.__cause__ = KeyError("cause")
    e.__context__ = IndexError("context")
    return e


class Names(dict):
    """What the rows are evaluated in; the objects are made anew for each call."""

    def __missing__(self, name):
        if name in ("cell", "out"):
            return NULL
        if name in ("instance", "weak"):
            return Plain()
        if name == "caught":
            return caught()
        if name == "caused":
            return caused()
        if name == "mapping":
            return Mapping()
        if name == "deque":
            return collections.deque("abc")
        if name == "ordered":
            return collections.OrderedDict(a=1)
        if name == "module":
            return type(sys)("module")
        if name == "capsule":
            return anycall.call("PyCapsule_New", "O:psp", (1, b"capsule.name", NULL), None)[0]
        if name == "function":
            return lambda x=5, *, y=6: x
        if name == "weakref":
            return weakref.ref(Plain)
        if name == "weakproxy":
            return weakref.proxy(Plain)
        if name == "dead":
            reference = weakref.ref(type("Dying", (), {"__repr__": lambda self: "dead"})())
            gc.collect()
            return reference
        if name == "context":
            return contextvars.Context()
        if name == "frozen":
            return type("Frozen", (), {})
        if name == "FRAME":
            return FRAME
        raise KeyError(name)


NAMES = Names(
    NULL=NULL, Broken=Broken, Plain=Plain, KEYWORDS=anycall.KEYWORDS, METHOD_DEF=anycall.METHOD_DEF, CODE=word.__code__,
    THREAD=word("PyThreadState_Get"), INTERPRETER=word("PyInterpreterState_Get"), __builtins__=__builtins__,
    NO_CELL=None, indexed=Indexed(), special=Special(), nested=Outer.Inner, sys=sys,
)


FRAME = caught().__traceback__.tb_frame


def kind_of(c, stolen, result=False):
    """The letter for a C type."""
    if c == "PyObject *const *":
        return "a"
    c = c.replace("const ", "").strip()
    if c == "void":
        return "v"
    if c in ("double", "float"):
        return "d"
    if c in ("PyObject *", "PyTypeObject *", "PyCodeObject *", "PyFrameObject *", "PyGenObject *", "PyLongObject *"):
        return "S" if stolen else "O"
    if c == "PyObject **":
        return "p" if result else "o"
    if c == "Py_ssize_t *":
        return "n"
    if c == "int *":
        return "m"
    if c == "char *":
        return "s"
    if c == "char **":
        return "z"
    if "*" in c or c in ("visitproc", "PyCapsule_Destructor", "destructor"):
        return "p"
    if result and c in ("int", "Py_UCS4"):
        return "i"
    if result and c in ("unsigned long", "unsigned long long", "size_t"):
        return "k"
    return "l"


def signatures(path):
    """name -> (letter of the result, letters of the parameters)."""
    found = {}
    with open(path) as file:
        for line in file:
            name, result, parameters, returns, steals = line.rstrip("\n").split("\t")
            stolen = steals.split(",") if steals else []
            kinds = ""
            for parameter in parameters.split(", ") if parameters and parameters != "void" else []:
                if parameter == "...":
                    continue
                c, own = re.fullmatch(r"(.*?)(\w+)?", parameter).groups()
                if parameter in ("int", "long", "size_t"):
                    c, own = parameter, ""
                kinds += kind_of(c, own in stolen)
            letter = kind_of(result, False, True)
            if name == "PyDict_Next":
                kinds = kinds.replace("o", "b")
            found[name] = ("B" if letter == "O" and returns == "borrowed" else letter, kinds)
    return found


def split(text):
    """The arguments of a call, as texts."""
    parts, depth, quote, part = [], 0, None, ""
    for c in text:
        if quote:
            quote = None if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(part.strip())
            part = ""
            continue
        part += c
    return parts + [part.strip()] if part.strip() else parts


def rows():
    """(name, argument texts) of each call with correct input."""
    with open(os.path.join(HERE, "api_calls.txt")) as file:
        for line in file:
            line = line.strip()
            if line and not line.startswith("#"):
                name, _, arguments = line.partition("(")
                yield name, split(arguments[:-1])


def show(value):
    """Without addresses."""
    if value is NULL:
        return "NULL"
    if isinstance(value, (list, tuple)):
        text = ", ".join(show(v) for v in value)
        return f"[{text}]" if isinstance(value, list) else f"({text})"
    if isinstance(value, memoryview):
        return f"{'readonly ' if value.readonly else ''}memoryview of {value.tobytes()}"
    if isinstance(value, type(sys)) and hasattr(value, "__file__"):
        return f"module {value.__name__}"
    if isinstance(value, type(sys)) and type(value.__name__) is str and value.__name__ == "module":
        return f"module {dict((k, v) for k, v in vars(value).items() if not k.startswith('__'))}"
    if isinstance(value, (set, frozenset)) and len(value) > 1:
        return f"{type(value).__name__} of {', '.join(sorted(map(show, value)))}"
    try:
        text = repr(value)
    except Exception as e:
        text = f"<{type(value).__name__} whose repr raises {type(e).__name__}>"
    if len(text) > 200:
        text = type(value).__name__
    text = re.sub(r"0x[0-9a-f]{7,}", "0x", text)
    text = re.sub(r" (at|of \w+ object at) 0x[0-9a-f]+", r" \1 0x", text)
    text = re.sub(r"(api_calls.py['\"]), line \d+", r"\1, line of this file", text)
    return re.sub(r" file '?\"?[^ ,]*,", " file,", text)


def show_exception(e, depth=3):
    if not isinstance(e, BaseException):
        return show(e)
    try:
        text = re.sub(r"^[\w./-]+:\d+: ", "", str(e))
    except Exception as other:
        text = f"whose str raises {type(other).__name__}"
    text = re.sub(r" at 0x[0-9a-f]+", " at 0x", re.sub(r"0x[0-9a-f]{7,}", "0x", text))
    text = f"{type(e).__name__}({text})" if text else type(e).__name__
    for label, other in (("cause", e.__cause__), ("context", e.__context__)):
        if other is not None and depth and not (label == "context" and other is e.__cause__):
            text += f" {label} {show_exception(other, depth - 1)}"
    return text


def outcome(name, kinds, texts, error):
    kinds = kinds[0] + ":" + kinds[1]
    values = []
    for i, text in enumerate(texts):
        typed = re.fullmatch(r"([lOsnobdz])\((.*)\)", text)
        if typed and i >= len(kinds) - 2:
            kinds += typed[1]
            text = typed[2]
        values.append(eval(text, {}, NAMES))
    values = tuple(values)
    before = [show_exception(v) for v in values]
    result, cells, raised = anycall.call(name, kinds, values, error)
    if name == "PyObject_Hash" and result != -1:
        result = "as hash() says" if result == hash(values[0]) else result
    text = show(result)
    if cells:
        text += f" cells {show(cells)}"
    for text_before, v in zip(before, values):
        after = show_exception(v)
        if after != text_before:
            text += f" changed {text_before} to {after}"
    if raised is not None:
        text += " raised " + show_exception(raised)
    return text


def cases(name, texts, kinds, again):
    """(key, label, argument texts, error) of each call that is made of a row; a key stands for similar calls. Only the first row
    of a function (not `again`) is tried with bad input too."""
    good = f"{name}({', '.join(texts)})"
    yield good, "good", texts, None
    if again:
        return
    yield good, "error set before", texts, ValueError("set before")
    for i, text in enumerate(texts):
        typed = re.match(r"([lOsnobdz])\(", text) if i >= len(kinds[1]) else None
        kind = typed[1] if typed else kinds[1][i] if i < len(kinds[1]) else "p"
        if text == "cell" or (name, i) in UNCHECKED or (typed and name not in ("Py_BuildValue",)):
            continue
        for bad in BAD[kind]:
            changed = texts[:i] + [f"{kind}({bad})" if typed else bad] + texts[i + 1:]
            if name in UNINITIALISED and bad == "100":
                continue
            key = f"{name}({', '.join(texts[:i] + ['?'] + texts[i + 1:])})"
            yield key, bad, changed, None


def run(name, texts, kinds, skip, again):
    """All outcomes of a row: (key, label, outcome)."""
    todo = [case for case in cases(name, texts, kinds, again) if (case[0], case[1]) not in skip]
    done = 0
    results = []
    while done < len(todo):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            # What is printed on the way goes nowhere.
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            signal.alarm(300)
            for key, label, changed, error in todo[done:]:
                try:
                    text = outcome(name, kinds, changed, error)
                except BaseException as e:
                    text = "the test itself " + show_exception(e)
                os.write(writer, text.replace("\n", " ").encode("utf-8", "backslashreplace") + b"\n")
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            lines = pipe.read().decode(errors="replace").split("\n")[:-1]
        _, status = os.waitpid(child, 0)
        for line in lines:
            results.append((todo[done][0], todo[done][1], line))
            done += 1
        if os.WIFSIGNALED(status) or done < len(todo):
            if done == len(todo):
                raise SystemExit(f"{name}: a crash after the last call")
            results.append((todo[done][0], todo[done][1], "crash"))
            done += 1
    return results


def main():
    known = signatures(sys.argv[2])
    skip = set()
    arguments = sys.argv[3:]
    if arguments and os.path.exists(arguments[0]):
        with open(arguments.pop(0)) as file:
            for line in file:
                key, labels, text = line.rstrip("\n").split("\t")
                if text == "crash":
                    skip.update((key, label) for label in labels.split(" | "))
    seen = set()
    for name, texts in rows():
        if arguments and name not in arguments:
            continue
        grouped = {}
        again = name in seen
        seen.add(name)
        for key, label, text in run(name, texts, known[name], skip, again):
            grouped.setdefault((key, text), []).append(label)
        for (key, text), labels in grouped.items():
            print(key, " | ".join(labels), text, sep="\t", flush=True)


main()
