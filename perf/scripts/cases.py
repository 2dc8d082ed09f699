"""The cases: (group, name, set-up, statement, how many crossings one statement is).

All but the groups "python", pure-Python workloads, and "modules", native modules, need the extension, as `ext`.
Set-up and statement run inside one function, so their names are local variables. HUGE are cases that take gigabytes and minutes."""

import modules
import packages

CALLBACK = 100
MANY = 100_000

CASES = []


def add(group, *rows):
    CASES.extend((group, *row, 1)[:5] for row in rows)


# Calls into C, by calling convention.
METHODS = "o = ext.Methods()"
add(
    "call",
    ("no argument", "f = ext.noargs", "f()"),
    ("one object", "f = ext.one; x = object()", "f(x)"),
    ("args tuple", "f = ext.args_none", "f(None, None)"),
    ("args tuple, parsed", "f = ext.args_parsed", "f(None, 12)"),
    ("args tuple, parsed, four kinds", "f = ext.args_many", "f('text', b'bytes', 1.5, True)"),
    ("args tuple, unpacked", "f = ext.args_unpacked", "f(None, 12)"),
    ("keywords, none given", "f = ext.keywords", "f(None, 12)"),
    ("keywords, one given", "f = ext.keywords", "f(None, number=12)"),
    ("keywords, from a dict", "f = ext.keywords; d = {'number': 12}", "f(None, **d)"),
    ("fastcall", "f = ext.fastcall", "f(None, None)"),
    ("fastcall, ten arguments", "f = ext.fastcall", "f(None, None, None, None, None, None, None, None, None, None)"),
    ("fastcall, from a tuple", "f = ext.fastcall; t = (None, None)", "f(*t)"),
    ("fastcall, keywords", "f = ext.fastcall_keywords", "f(None, number=None)"),
    ("attribute of the module", "", "ext.noargs()"),
    ("method", METHODS, "o.noargs()"),
    ("method, one object", METHODS, "o.one(None)"),
    ("method, args tuple", METHODS, "o.args(None, None)"),
    ("method, keywords", METHODS, "o.keywords(None, number=None)"),
    ("method, fastcall", METHODS, "o.fast(None, None)"),
    ("method, fastcall, keywords", METHODS, "o.fast_keywords(None, number=None)"),
    ("method, with its class", METHODS, "o.with_class(None, None)"),
    ("method of a collected object", "o = ext.Box(None)", "o.method()"),
    ("method, bound before", METHODS + "; f = o.noargs", "f()"),
    ("method, of the class", METHODS + "; f = ext.Methods.noargs", "f(o)"),
    ("method of a Python subclass", "class Sub(ext.Methods): pass\no = Sub()", "o.noargs()"),
    ("method through super()", "class Sub(ext.Methods):\n def noargs(self): super().noargs()\no = Sub()", "o.noargs()"),
    ("class method", "C = ext.Methods", "C.of_class()"),
    ("class method, fastcall", METHODS, "o.of_class_fast(None, None)"),
    ("static method", "C = ext.Methods", "C.of_none()"),
    ("static method, one object", METHODS, "o.of_none_one(None)"),
    ("an object called", "o = ext.Plain()", "o(None)"),
    ("an object called by vectorcall", "o = ext.Vector()", "o(None)"),
    ("an object made, tp_new", "C = ext.Box", "C(None)"),
    ("an object made, tp_new and tp_init", "C = ext.Plain", "C()"),
    ("an object made by vectorcall", "C = ext.Vector", "C()"),
    ("an object made of a Python subclass", "class Sub(ext.Plain):\n def __init__(self): pass", "Sub()"),
    ("map()", "f = ext.one; t = (None,) * 10", "for _ in map(f, t): pass", 10),
)

# Slots.
BOX = "o = ext.Box(None)"
NUMBER = "o = ext.Number()"
MAPPING = "o = ext.Mapping()"
add(
    "slot",
    ("len()", BOX, "len(o)"),
    ("item", BOX, "o[3]"),
    ("item, set", BOX, "o[3] = None"),
    ("in", BOX, "None in o"),
    ("iteration, one step", BOX, "for item in o: pass", 10),
    ("next()", BOX, "next(o, None)"),
    ("unpacking of ten", BOX, "a, b, c, d, e, f, g, h, i, j = o", 10),
    ("item by key", MAPPING, "o['key']"),
    ("item by key, set", MAPPING, "o['key'] = None"),
    ("item by key, deleted", MAPPING, "del o['key']"),
    ("slice", MAPPING, "o[1:3]"),
    ("truth", NUMBER, "not o"),
    ("+", NUMBER, "o + o"),
    ("+ with an int", NUMBER, "o + 1"),
    ("+ with an int before", NUMBER, "1 + o"),
    ("+=", NUMBER, "o += 1"),
    ("-", NUMBER, "o - o"),
    ("*", NUMBER, "o * 2.5"),
    ("*=", NUMBER, "o *= o"),
    ("/", NUMBER, "o / o"),
    ("//", NUMBER, "o // o"),
    ("%", NUMBER, "o % o"),
    ("**", NUMBER, "o ** o"),
    ("@", NUMBER, "o @ o"),
    ("<<", NUMBER, "o << 1"),
    ("&", NUMBER, "o & o"),
    ("- before", NUMBER, "-o"),
    ("~", NUMBER, "~o"),
    ("abs()", NUMBER, "abs(o)"),
    ("divmod()", NUMBER, "divmod(o, o)"),
    ("int()", NUMBER, "int(o)"),
    ("float()", NUMBER, "float(o)"),
    ("bool()", NUMBER, "bool(o)"),
    ("index of a list", NUMBER + "; l = [None] * 5", "l[o]"),
    ("==", NUMBER, "o == o"),
    ("==, with an int", NUMBER, "o == 1"),
    ("<", NUMBER + "; p = ext.Number()", "o < p"),
    ("in a list", NUMBER + "; l = [ext.Number(), o]", "o in l"),
    ("hash()", NUMBER, "hash(o)"),
    ("key of a dict", NUMBER + "; d = {o: None}", "d[o]"),
    ("repr()", NUMBER, "repr(o)"),
    ("str()", NUMBER, "str(o)"),
    ("f-string", NUMBER, "f'{o}'"),
    ("isinstance()", NUMBER + "; C = ext.Number", "isinstance(o, C)"),
    ("+ of a Python subclass", "class Sub(ext.Number): pass\no = Sub()", "o + o"),
    ("+ overridden in Python", "class Sub(ext.Number):\n def __add__(self, other): return self\no = Sub()", "o + o"),
    ("buffer", "o = ext.Memory()", "memoryview(o)"),
)

# Attributes. The strings among members can only be read.
MEMBERS = {
    "object": "None", "object_ex": "None", "bool": "True", "char": "'y'", "byte": "7", "ubyte": "7", "short": "7",
    "ushort": "7", "int": "7", "uint": "7", "long": "7", "ulong": "7", "longlong": "7", "ulonglong": "7", "size": "7",
    "float": "1.5", "double": "1.5", "string": "", "string_inplace": "",
}  # fmt: skip
for member, value in MEMBERS.items():
    add("attribute", (f"member, {member.replace('_', ' ')}", "o = ext.Record()", f"o.{member}"))
for member, value in MEMBERS.items():
    if value:
        add("attribute", (f"member, {member.replace('_', ' ')}, set", "o = ext.Record()", f"o.{member} = {value}"))
DESCRIBED = "class A: value = ext.Descriptor()\no = A()"
add(
    "attribute",
    ("getset", BOX, "o.computed"),
    ("getset, set", BOX, "o.computed = None"),
    ("getset of a Python subclass", "class Sub(ext.Box): pass\no = Sub(None)", "o.computed"),
    ("descriptor with __get__ in C", DESCRIBED, "o.value"),
    ("descriptor with __set__ in C", DESCRIBED, "o.value = None"),
    ("tp_getattro", "o = ext.Dynamic()", "o.value"),
    ("tp_getattro, the usual one from it", "o = ext.Dynamic()", "o.__class__"),
    ("tp_setattro", "o = ext.Dynamic()", "o.value = None"),
    ("dict of the instance", "o = ext.Open(); o.value = None", "o.value"),
    ("dict of the instance, set", "o = ext.Open()", "o.value = None"),
    ("dict of a Python subclass", "class Sub(ext.Box): pass\no = Sub(None); o.value = None", "o.value"),
    ("dict of a Python subclass, set", "class Sub(ext.Box): pass\no = Sub(None)", "o.value = None"),
    ("getattr()", BOX, "getattr(o, 'computed')"),
    ("getattr(), missing", BOX, "getattr(o, 'missing', None)"),
    ("of the class", "C = ext.Box", "C.computed"),
    ("of the module", "", "ext.Box"),
    ("type()", BOX, "type(o)"),
)

# What crosses into C: the same object again and again, and one that C has never seen each time.
add(
    "argument",
    ("None", "f = ext.one", "f(None)"),
    ("bool", "f = ext.read_bool", "f(True)"),
    ("small int", "f = ext.one_int", "f(7)"),
    ("int", "f = ext.one_int", "f(123456)"),
    ("int of 60 bits", f"f = ext.one_int; x = {1 << 60}; f(x)", "f(x)"),
    ("int of 60 bits, new", f"f = ext.one_int; x = {1 << 59}", "f(x + x)"),
    ("int of 200 bits", f"f = ext.read_mask; x = {1 << 200}; f(x)", "f(x)"),
    ("int of 200 bits, new", f"f = ext.read_mask; x = {1 << 199}", "f(x + x)"),
    ("int, as an index", "f = ext.read_size", "f(123456)"),
    ("float", "f = ext.one_float", "f(1.25)"),
    ("float, new", "f = ext.one_float; x = 1.25", "f(x + x)"),
    ("int, as a float", "f = ext.one_float", "f(123456)"),
    ("complex", "f = ext.read_complex; x = 1j; f(x)", "f(x)"),
    ("str", "f = ext.one_str", "f('hello')"),
    ("str, new", "f = ext.one_str; a = 'hello'; b = 'world'", "f(a + b)"),
    ("str, Latin-1", "f = ext.one_str", "f('h\\xe9llo')"),
    ("str, Latin-1, new", "f = ext.one_str; a = 'h\\xe9llo'", "f(a + a)"),
    ("str, wide", "f = ext.one_str", "f('h\\u20acllo')"),
    ("str, wide, new", "f = ext.one_str; a = 'h\\u20acllo'", "f(a + a)"),
    ("str of 1 MB", "f = ext.one_str; x = 'x' * 1_000_000; f(x)", "f(x)"),
    ("str of 1 MB, new", "f = ext.one_str; x = 'x' * 500_000", "f(x + x)"),
    ("bytes", "f = ext.read_bytes", "f(b'hello')"),
    ("bytes, new", "f = ext.read_bytes; a = b'hello'", "f(a + a)"),
    ("bytes of 1 MB", "f = ext.read_bytes; x = b'x' * 1_000_000; f(x)", "f(x)"),
    ("bytes of 1 MB, new", "f = ext.read_bytes; x = b'x' * 500_000", "f(x + x)"),
    ("type asked", "f = ext.read_kind; x = []; f(x)", "f(x)"),
    ("tuple", "f = ext.one; x = (1, 'x'); f(x)", "f(x)"),
    ("tuple, new", "f = ext.one; x = 1", "f((x, 'x'))"),
    ("list of 10", "f = ext.one; x = [None] * 10; f(x)", "f(x)"),
    ("list of 10, new", "f = ext.one; x = [None] * 10", "f(x[:])"),
    ("list of 100,000", f"f = ext.one; x = [None] * {MANY}; f(x)", "f(x)"),
    ("list of 100,000 ints, new, per item", f"f = ext.one; x = list(range({MANY}))", "f(x[:])", MANY),
    ("dict of 2", "f = ext.one; x = {'a': 1, 'b': 2}; f(x)", "f(x)"),
    ("dict of 2, new", "f = ext.one", "f({'a': 1, 'b': 2})"),
    ("set, new", "f = ext.one", "f({'a', 'b'})"),
    ("object of C", "f = ext.one; x = ext.Box(None); f(x)", "f(x)"),
    ("object of C, new", "f = ext.one; C = ext.Box", "f(C(None))"),
    ("instance", "f = ext.one\nclass A: pass\nx = A()\nf(x)", "f(x)"),
    ("instance, new", "f = ext.one\nclass A: pass", "f(A())"),
    ("class", "f = ext.one\nclass A: pass", "f(A)"),
    ("function", "f = ext.one\ndef x(): pass\nf(x)", "f(x)"),
    ("function, new", "f = ext.one", "f(lambda: None)"),
    ("bound method, new", "f = ext.one\nclass A:\n def m(self): pass\nx = A()", "f(x.m)"),
)

# What comes back from C.
add(
    "return",
    ("None", "f = ext.give_none", "f()"),
    ("bool", "f = ext.give_true", "f()"),
    ("small int", "f = ext.give_small_int", "f()"),
    ("int", "f = ext.give_int", "f()"),
    ("int of 60 bits", "f = ext.give_wide_int", "f()"),
    ("int of 200 bits", "f = ext.give_huge_int", "f()"),
    ("float", "f = ext.give_float", "f()"),
    ("complex", "f = ext.give_complex", "f()"),
    ("str", "f = ext.give_str", "f()"),
    ("str, empty", "f = ext.give_empty_str", "f()"),
    ("str, one letter", "f = ext.give_letter", "f()"),
    ("str, Latin-1", "f = ext.give_latin_str", "f()"),
    ("str, wide", "f = ext.give_wide_str", "f()"),
    ("str of 1 MB", "f = ext.give_long_str", "f()"),
    ("bytes", "f = ext.give_bytes", "f()"),
    ("bytes of 1 MB", "f = ext.give_long_bytes", "f()"),
    ("tuple of int and float", "f = ext.give_tuple", "f()"),
    ("tuple, unpacked", "f = ext.give_tuple", "a, b = f()"),
    ("tuple from a format", "f = ext.give_built", "f()"),
    ("list of 10 ints", "f = ext.give_list", "f()"),
    ("list of 10 ints, summed", "f = ext.give_list", "sum(f())"),
    ("list of 100,000 ints, per item", "f = ext.give_many", "f()", MANY),
    ("list of 100,000 ints, summed, per item", "f = ext.give_many", "sum(f())", MANY),
    ("dict of 2", "f = ext.give_dict", "f()"),
    ("set of 2", "f = ext.give_set", "f()"),
    ("memoryview", "f = ext.give_memoryview", "f()"),
    ("an int that C keeps", "f = ext.give_kept_int", "f()"),
    ("an object that C keeps", "f = ext.give_kept", "f()"),
    ("a tuple that C keeps", "f = ext.give_kept_tuple", "f()"),
    ("a list that C keeps", "f = ext.give_kept_list", "f()"),
    ("a dict that C keeps", "f = ext.give_kept_dict", "f()"),
    ("a str that C keeps", "f = ext.give_kept_str", "f()"),
    ("a str of 1 MB that C keeps", "f = ext.give_kept_long_str", "f()"),
    ("the argument", "f = ext.give_same; x = object()", "f(x)"),
    ("the argument, an instance of Python's", "f = ext.give_same\nclass A: pass\nx = A()", "f(x)"),
    ("the argument, an int", "f = ext.give_same; x = 1234567", "f(x)"),
    ("the argument, a str", "f = ext.give_same; x = 'hello, world'", "f(x)"),
    ("the argument, a list", "f = ext.give_same; x = [None] * 10", "f(x)"),
    ("a new object of C", "f = ext.give_box", "f(None)"),
)

# Containers that C reads and fills.
LIST, LETTERS = "x = list(range(10))", "x = dict.fromkeys('abcdefghij', 5)"
add(
    "container",
    ("list of 10 ints read", f"f = ext.sum_list; {LIST}", "f(x)"),
    ("list of 10 ints made and read", "f = ext.sum_list", "f([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])"),
    ("list of 10 ints read, checked", f"f = ext.sum_list_checked; {LIST}", "f(x)"),
    ("list of 10 ints read, as a sequence", f"f = ext.sum_sequence; {LIST}", "f(x)"),
    ("list of 10 ints read, PySequence_Fast", f"f = ext.sum_fast; {LIST}", "f(x)"),
    ("list of 10 ints iterated", f"f = ext.sum_iterator; {LIST}", "f(x)"),
    ("list of 100,000 ints read, per item", f"f = ext.sum_list; x = list(range({MANY})); f(x)", "f(x)", MANY),
    ("list of 100,000 ints, new, read, per item", f"f = ext.sum_list; x = list(range({MANY}))", "f(x[:])", MANY),
    ("list that C has seen read by Python", f"{LIST}; ext.one(x)", "x[3]"),
    ("list that C has seen changed by Python", f"{LIST}; ext.one(x)", "x[3] = None"),
    ("list that C has seen summed by Python", f"{LIST}; ext.one(x)", "sum(x)"),
    ("list that C has seen, append and pop", f"{LIST}; ext.one(x)", "x.append(None); x.pop()"),
    ("append to a new list", "f = ext.append", "f([])"),
    ("append of ten to a new list", "f = ext.append_ten", "f([])", 10),
    ("insertion of ten into a new list", "f = ext.insert_ten", "f([])", 10),
    ("ten items of a list set", "f = ext.set_ten; x = [None] * 10", "f(x)", 10),
    ("ten items of a sequence set", "f = ext.set_sequence; x = [None] * 10", "f(x)", 10),
    ("slice of a list read and set", "f = ext.set_slice; x = [None] * 10", "f(x)"),
    ("list of 10 sorted and reversed", f"f = ext.sort_list; {LIST}", "f(x)"),
    ("list from a tuple", "f = ext.as_list; x = tuple(range(10))", "f(x)"),
    ("tuple from a list", f"f = ext.as_tuple; {LIST}", "f(x)"),
    ("tuple of 10 ints read", "f = ext.sum_tuple; x = tuple(range(10))", "f(x)"),
    ("tuple of 10 ints made and read", f"f = ext.sum_tuple; {LIST}", "f(tuple(x))"),
    ("tuple of 10 ints read, checked", "f = ext.sum_tuple_checked; x = tuple(range(10))", "f(x)"),
    ("tuple of 10 filled", "f = ext.fill_tuple; x = object()", "f(x)"),
    ("tuple of 3 packed", "f = ext.pack; x = object()", "f(x)"),
    ("slice of a tuple", "f = ext.slice_tuple; x = tuple(range(10))", "f(x)"),
    ("dict of 10 ints walked", f"f = ext.sum_dict; {LETTERS}", "f(x)"),
    ("dict of 10 ints made and walked", f"f = ext.sum_dict; {LETTERS}", "f(x.copy())"),
    ("dict of 100,000 ints walked, per item", f"f = ext.sum_dict; x = dict.fromkeys(range({MANY}), 5); f(x)", "f(x)", MANY),
    ("dict looked up", f"f = ext.dict_get; {LETTERS}", "f(x, 'c')"),
    ("dict looked up by a C string", f"f = ext.dict_get_string; {LETTERS}", "f(x)", CALLBACK),
    ("dict set by a C string", f"f = ext.dict_set_string; {LETTERS}", "f(x)", CALLBACK),
    ("key of a dict", f"f = ext.dict_contains; {LETTERS}", "f(x)"),
    ("item of a dict set and deleted", "f = ext.dict_set_del; x = {}; k = 'key'", "f(x, k)"),
    ("new dict of one", "f = ext.new_dict; x = object()", "f(x)"),
    ("new dict filled with ten", "f = ext.fill_dict", "f({})", 10),
    ("new dict filled with ten, as a mapping", "f = ext.fill_mapping", "f({})", 10),
    ("dict copied", f"f = ext.dict_copy; {LETTERS}", "f(x)"),
    ("keys of a dict", f"f = ext.dict_keys; {LETTERS}", "f(x)"),
    ("set asked", "f = ext.set_contains; x = {1, 2, 3}", "f(x)"),
    ("new set filled with ten", "f = ext.fill_set", "f(set())", 10),
    ("range of 10 iterated", "f = ext.sum_iterator; x = range(10)", "f(x)"),
    ("generator of 10 ints consumed", "f = ext.sum_iterator", "f(i for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9))"),
    ("object of C iterated by C", "class Sub(ext.Box): pass\nx = Sub(0); f = ext.sum_iterator", "f(x)"),
)

# Texts and buffers that C reads and fills.
add(
    "text",
    ("str of 1,000 read", "f = ext.sum_text; x = 'x' * 1000", "f(x)"),
    ("wide str of 1,000 read", "f = ext.sum_text; x = '\\u20ac' * 1000", "f(x)"),
    ("str of 1,000, new, read", "f = ext.sum_text; x = 'x' * 500", "f(x + x)"),
    ("str of 12 read by PyUnicode_ReadChar", "f = ext.sum_letters; x = 'hello, world'", "f(x)"),
    ("str of 1,000 filled", "f = ext.fill_ascii", "f()"),
    ("wide str of 1,000 filled", "f = ext.fill_wide", "f()"),
    ("str formatted", "f = ext.format_text; x = 'world'", "f(x)"),
    ("str doubled", "f = ext.concat_text; x = 'hello'", "f(x)"),
    ("str encoded", "f = ext.encode_text; x = 'hello'", "f(x)"),
    ("bytes decoded", "f = ext.decode_text; x = b'hello'", "f(x)"),
    ("slice of a str", "f = ext.slice_text; x = 'hello, world'", "f(x)"),
    ("strs joined", "f = ext.join_text; x = ['hello', 'world']", "f(' ', x)"),
    ("str compared with a C string", "f = ext.equal_text; x = 'hello, world'", "f(x)"),
    ("C string interned", "f = ext.intern_text", "f(None)", CALLBACK),
    ("bytes of 1,000 read", "f = ext.sum_bytes; x = b'x' * 1000", "f(x)"),
    ("bytes of 1,000, new, read", "f = ext.sum_bytes; x = b'x' * 500", "f(x + x)"),
    ("bytes of 1,000 filled", "f = ext.fill_bytes", "f()"),
    ("buffer of bytes", "f = ext.lend_buffer; x = b'hello'", "f(x)"),
    ("buffer of a bytearray", "f = ext.lend_buffer; x = bytearray(b'hello')", "f(x)"),
    ("buffer of a memoryview", "f = ext.lend_buffer; x = memoryview(b'hello')", "f(x)"),
    ("buffer of an object of C", "f = ext.lend_buffer; x = ext.Memory()", "f(x)"),
)

# C calls Python.
NOTHING, TAKES_ONE, TAKES_TWO = "def g(): pass", "def g(x): pass", "def g(x, y): return y"
METHOD = "class A:\n def method(self): pass\n def method_one(self, x): pass\na = A()"
SPECIAL = """class A:
 def __add__(self, other): return self
 def __isub__(self, other): return self
 def __neg__(self): return self
 def __lt__(self, other): return True
 def __eq__(self, other): return False
 def __hash__(self): return 5
 def __bool__(self): return True
 def __len__(self): return 5
 def __int__(self): return 5
 def __float__(self): return 1.5
 def __str__(self): return 'text'
 def __repr__(self): return 'text'
 def __getitem__(self, key): return key
 def __setitem__(self, key, value): pass
 def __contains__(self, value): return True
 def __iter__(self): return self
 def __next__(self): return None
a = A()"""


def callback(name, function, setup, argument="g"):
    add("callback", (name, f"f = ext.{function}\n{setup}", f"f({argument})", CALLBACK))


callback("no argument", "call_none", NOTHING)
callback("one object", "call_one", TAKES_ONE)
callback("one object, CallFunctionObjArgs", "call_object", TAKES_ONE)
callback("a new int", "call_int", "def g(x): return x")
callback("two by vectorcall", "call_two", TAKES_TWO)
callback("two by vectorcall, one named", "call_names", TAKES_TWO)
callback("two by vectorcall, one in a dict", "call_dict", TAKES_TWO)
callback("arguments in a tuple", "call_tuple", TAKES_TWO)
callback("arguments in a tuple and a dict", "call_keywords", TAKES_TWO)
callback("CallObject", "call_callobject", TAKES_TWO)
callback("CallObject, no arguments", "call_callobject_none", NOTHING)
callback("arguments from a format", "call_format", TAKES_TWO)
callback("method by name", "call_method", METHOD, "a")
callback("method by name, arguments from a format", "call_method_format", METHOD, "a")
callback("method by name, CallMethodNoArgs", "call_method_noargs", METHOD, "a")
callback("method by name, CallMethodObjArgs", "call_method_objargs", METHOD, "a")
callback("method by name, VectorcallMethod", "call_method_vector", METHOD, "a")
callback("bound method", "call_none", METHOD + "; g = a.method")
callback("closure", "call_none", "z = 1\ndef g(): return z")
callback("generator function", "call_none", "def g(): yield 1")
callback("class", "call_none", "class g: pass")
callback("class with __init__", "call_one", "class g:\n def __init__(self, x): pass")
callback("object with __call__", "call_none", "class A:\n def __call__(self): pass\ng = A()")
callback("builtin called", "call_object", "g = id")
callback("builtin class called", "call_none", "g = list")
callback("function of C called", "call_none", "g = ext.noargs")
callback("method of C called", "call_none", "g = ext.Methods().noargs")
callback("attribute", "get_attribute", "class A: value = 1\na = A()", "a")
callback("attribute of the instance", "get_attribute_named", "class A: pass\na = A(); a.value = None", "a")
callback("attribute, a property", "get_attribute_named", "class A:\n @property\n def value(self): pass\na = A()", "a")
callback("attribute, __getattr__", "get_attribute_named", "class A:\n def __getattr__(self, name): pass\na = A()", "a")
callback("attribute of an object of C", "get_attribute_named", "a = ext.Dynamic()", "a")
callback("attribute set", "set_attributes", "class A: pass\na = A()", "a")
callback("attribute set, named by an object", "set_attribute_named", "class A: pass\na = A()", "a")
callback("attribute asked, missing", "has_attribute", "class A: pass\na = A()", "a")
callback("addition of ints", "add_numbers", "", "12345")
callback("addition of floats", "add_numbers", "", "1.5")
callback("addition of strs", "add_numbers", "", "'hello'")
callback("addition of Python objects", "add_numbers", SPECIAL, "a")
callback("addition of objects of C", "add_numbers", "a = ext.Number()", "a")
callback("subtraction in place", "subtract_in_place", SPECIAL, "a")
callback("negation", "negative", SPECIAL, "a")
callback("comparison", "compare", SPECIAL, "a")
callback("equality", "equal", SPECIAL, "a")
callback("equality of a str and None", "equal", "", "'hello'")
callback("truth", "truth", SPECIAL, "a")
callback("hash", "hash", SPECIAL, "a")
callback("hash of a str", "hash", "", "'hello'")
callback("length", "size", SPECIAL, "a")
callback("conversion to int", "to_int", SPECIAL, "a")
callback("conversion to float", "to_float", SPECIAL, "a")
callback("conversion to str", "to_str", SPECIAL, "a")
callback("conversion of an int to str", "to_str", "", "12345")
callback("representation", "to_repr", SPECIAL, "a")
callback("item", "get_item", SPECIAL, "a")
callback("item set", "set_item", SPECIAL, "a")
callback("item of a sequence", "get_index", SPECIAL, "a")
callback("containment", "contains", SPECIAL, "a")
callback("isinstance()", "is_instance", "class A: pass", "A")
callback("iterator asked for", "get_iter", SPECIAL, "a")
callback("iterator of a list", "get_iter", "", "[1, 2, 3]")
callback("next item of an object", "take_next", SPECIAL, "a")
callback("next item of a generator", "take_next", "def g():\n while True: yield None\na = g()", "a")

# Exceptions, both ways.
add(
    "error",
    ("raised in C and caught", "f = ext.raise_error", "try: f()\nexcept ValueError: pass"),
    ("raised in C without a message", "f = ext.raise_none", "try: f()\nexcept ValueError: pass"),
    ("raised in C with a format", "f = ext.raise_format", "try: f()\nexcept ValueError: pass"),
    ("raised in C, an instance", "f = ext.raise_instance; x = ValueError('no')", "try: f(x)\nexcept ValueError: pass"),
    ("raised in C, caught by name", "f = ext.raise_error", "try: f()\nexcept ValueError as e: e.args"),
    ("raised in C, through two frames", "f = ext.raise_error\ndef g(): f()", "try: g()\nexcept ValueError: pass"),
    ("raised in C, out of a slot", "o = ext.Box(None)", "try: o[99]\nexcept IndexError: pass"),
    ("through C", "f = ext.call_none\ndef g(): raise ValueError", "try: f(g)\nexcept ValueError: pass"),
    ("wrong argument", "f = ext.args_parsed", "try: f(None, 'x')\nexcept TypeError: pass"),
    ("missing argument", "f = ext.keywords", "try: f()\nexcept TypeError: pass"),
    ("missing attribute", "o = ext.Box(None)", "try: o.missing\nexcept AttributeError: pass"),
    ("to C, cleared", "f = ext.call_raising\ndef g(): raise ValueError", "f(g)", CALLBACK),
    ("to C, fetched and put back", "f = ext.call_looking\ndef g(): raise ValueError", "f(g)", CALLBACK),
    ("to C from C", "f = ext.call_raising; g = ext.raise_error", "f(g)", CALLBACK),
    ("to C, missing attribute", "f = ext.missing_attribute\nclass A: pass\na = A()", "f(a)", CALLBACK),
    ("set and cleared in C", "f = ext.error_set", "f(None)", CALLBACK),
    ("asked for in C", "f = ext.error_asked", "f(None)", CALLBACK),
    ("fetched and put back, none", "f = ext.error_saved", "f(None)", CALLBACK),
)

# The GIL.
add(
    "gil",
    ("released and taken", "f = ext.allow_threads", "f()", CALLBACK),
    ("PyGILState_Ensure, held", "f = ext.ensure_held", "f()", CALLBACK),
    ("PyGILState_Ensure, released before", "f = ext.ensure_released", "f()", CALLBACK),
    ("PyGILState_Ensure, a foreign thread", "f = ext.ensure_foreign", "f()", CALLBACK),
    ("a foreign thread calls Python", "f = ext.call_foreign\ndef g(): pass", "f(g)", CALLBACK),
    ("PyThreadState_Get", "f = ext.thread_state", "f()", CALLBACK),
)

# Links: made, used again, dying.
add(
    "link",
    ("object of C made and dropped by C", "f = ext.make_boxes", "f(None)", CALLBACK),
    ("object of C made, seen, dropped", "f = ext.give_box", "f(None)"),
    ("objects of C, 1,000 made and dropped", "f = ext.boxes", "f(1000)", 1000),
    ("objects of C, 1,000 made, seen, dropped", "f = ext.boxes", "for box in f(1000): pass", 1000),
    ("instances, 1,000 made, seen by C, dropped", "f = ext.one\nclass A: pass",
     "l = [A() for _ in range(1000)]\nfor a in l: f(a)\ndel l", 1000),
    ("instance kept by C and let go", "f = ext.hold\nclass A: pass", "f(A())"),
    ("instance kept by C, let go, crossing again", "f = ext.hold; g = ext.let_go\nclass A: pass\na = A()", "f(a); g()"),
    ("object of C kept by C and let go", "f = ext.hold; C = ext.Box", "f(C(None))"),
    ("list kept by C and let go", "f = ext.hold", "f([None])"),
    ("int kept by C and let go", "f = ext.hold; x = 123456", "f(x)"),
    ("weak reference made by C", "f = ext.make_weakrefs\nclass A: pass\na = A()", "f(a)", CALLBACK),
    ("cycle through C, 1,000 of them", "C = ext.Box; from population import collect",
     "for _ in range(1000): a = []; a.append(C(a))\ncollect(2)", 1000),
)  # fmt: skip


# Collections beside many links. Objects of C that Python holds; instances that C holds; and what a collection of the
# young does with 1,000 new ones.
def collections(links):
    number = f"{links:,}"
    return [
        ("collect", f"all, {number} objects of C, per link",
         f"from population import collect, boxes; l = boxes(ext, {links})", "collect(2)", links),
        ("collect", f"all, {number} instances that C holds, per link",
         f"from population import collect, held; l = held(ext, {links})", "collect(2)", links),
        ("collect", f"young, 1,000 links beside {number}, per young link",
         f"from population import collect_young, boxes; l = boxes(ext, {links}); f = ext.boxes",
         "y = f(1000)\nfor box in y: pass\ncollect_young()", 1000),
    ]  # fmt: skip


CASES += collections(100_000) + collections(1_000_000)
HUGE = collections(10_000_000)

for workload in (
    "calls attributes floats ints strings dicts generators exceptions sorting comprehensions".split()
):
    CASES.append(("python", workload, f"from workloads import {workload} as run\nassert run() == run()", "run()", 1))

add("modules", *modules.ROWS)

# Packages as their users have them: wheels, where the test `packages` has left them.
if packages.are_here():
    PACKAGE = "from packages import DOCUMENT, package\n"
    JSON = PACKAGE + "m = package('simplejson'); d = DOCUMENT; s = m.dumps(d)"
    UJSON = PACKAGE + "m = package('ujson'); d = DOCUMENT; s = m.dumps(d)"
    MSGPACK = PACKAGE + "m = package('msgpack'); d = DOCUMENT; s = m.packb(d)"
    BITS = PACKAGE + "m = package('bitarray'); a = m.bitarray('0010111' * 1000); b = m.bitarray('1101001' * 1000); w = m.bitarray('11100')"
    HASH = PACKAGE + "m = package('xxhash'); f = m.xxh64; s = bytes(range(256)) * 4"
    add(
        "packages",
        ("simplejson.dumps", JSON, "m.dumps(d)"),
        ("simplejson.loads", JSON, "m.loads(s)"),
        ("ujson.dumps", UJSON, "m.dumps(d)"),
        ("ujson.loads", UJSON, "m.loads(s)"),
        ("msgpack.packb", MSGPACK, "m.packb(d)"),
        ("msgpack.unpackb", MSGPACK, "m.unpackb(s)"),
        ("bitarray.count", BITS, "a.count()"),
        ("bitarray, and", BITS, "a & b"),
        ("bitarray.find", BITS, "a.find(w)"),
        ("bitarray, ten items", BITS, "for i in range(10): a[i]", 10),
        ("xxhash.xxh64, 1 kB", HASH, "f(s).intdigest()"),
        ("xxhash.xxh64_intdigest, 1 kB", HASH + "; f = m.xxh64_intdigest", "f(s)"),
    )
