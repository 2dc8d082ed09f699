"""What `opcode` and `dis` ask of the interpreter.

Cape's bytecode is not CPython's: no opcode number of CPython's is valid, so nothing is known of one.
"""


def _none_of(opcode):
    if not isinstance(opcode, int):
        raise TypeError(f"'{type(opcode).__name__}' object cannot be interpreted as an integer")
    return False


is_valid = has_arg = has_const = has_name = has_jump = has_free = has_local = has_exc = _none_of


def stack_effect(opcode, oparg=None, /, *, jump=None):
    raise ValueError("invalid opcode or oparg")


def get_executor(*, code, offset):
    raise RuntimeError("Executors are not available in this build")


def get_specialization_stats():
    return None


def get_nb_ops():
    names = ("ADD", "AND", "FLOOR_DIVIDE", "LSHIFT", "MATRIX_MULTIPLY", "MULTIPLY", "REMAINDER", "OR", "POWER", "RSHIFT",
             "SUBTRACT", "TRUE_DIVIDE", "XOR")
    signs = ("+", "&", "//", "<<", "@", "*", "%", "|", "**", ">>", "-", "/", "^")
    plain = [("NB_" + n, s) for n, s in zip(names, signs)]
    return plain + [("NB_INPLACE_" + n, s + "=") for n, s in zip(names, signs)] + [("NB_SUBSCR", "[]")]


def get_intrinsic1_descs():
    return ["INTRINSIC_1_INVALID", "INTRINSIC_PRINT", "INTRINSIC_IMPORT_STAR"]


def get_intrinsic2_descs():
    return ["INTRINSIC_2_INVALID"]


def get_special_method_names():
    return ["__enter__", "__exit__", "__aenter__", "__aexit__"]
