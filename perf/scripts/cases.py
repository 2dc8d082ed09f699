"""The cases: (group, name, set-up, statement, how many crossings one statement is).

The groups "call", "return" and "callback" need the extension, as `ext`; "python" are the pure-Python
workloads. Set-up and statement run inside one function, so their names are local variables."""

CALLBACK = 100

CASES = [
    # calls into C
    ("call", "no argument", "f = ext.noargs", "f()", 1),
    ("call", "one object", "f = ext.one; x = object()", "f(x)", 1),
    ("call", "one int", "f = ext.one_int", "f(123456)", 1),
    ("call", "one float", "f = ext.one_float", "f(1.25)", 1),
    ("call", "one str", "f = ext.one_str", "f('hello')", 1),
    ("call", "a new str each time", "f = ext.one_str; a = 'hello'; b = 'world'", "f(a + b)", 1),
    ("call", "args tuple", "f = ext.args_none", "f(None, None)", 1),
    ("call", "args tuple, parsed", "f = ext.args_parsed", "f(None, 12)", 1),
    ("call", "keywords, none given", "f = ext.keywords", "f(None, 12)", 1),
    ("call", "keywords, one given", "f = ext.keywords", "f(None, number=12)", 1),
    ("call", "fastcall", "f = ext.fastcall", "f(None, None)", 1),
    ("call", "fastcall, keywords", "f = ext.fastcall_keywords", "f(None, number=None)", 1),
    ("call", "attribute of the module", "", "ext.noargs()", 1),
    ("call", "method", "box = ext.Box(None)", "box.method()", 1),
    ("call", "method, one object", "box = ext.Box(None)", "box.method_one(None)", 1),
    ("call", "method, fastcall", "box = ext.Box(None)", "box.method_fast(None, None)", 1),
    ("call", "member", "box = ext.Box(None)", "box.member", 1),
    ("call", "member, set", "box = ext.Box(None)", "box.member = None", 1),
    ("call", "member, a number", "box = ext.Box(None)", "box.number", 1),
    ("call", "getset", "box = ext.Box(None)", "box.computed", 1),
    ("call", "getset, set", "box = ext.Box(None)", "box.computed = None", 1),
    ("call", "len()", "box = ext.Box(None)", "len(box)", 1),
    ("call", "item", "box = ext.Box(None)", "box[3]", 1),
    ("call", "item, set", "box = ext.Box(None)", "box[3] = None", 1),
    ("call", "in", "box = ext.Box(None)", "None in box", 1),
    ("call", "truth", "box = ext.Box(None)", "not box", 1),
    ("call", "addition", "box = ext.Box(None)", "box + box", 1),
    ("call", "equality", "box = ext.Box(None)", "box == box", 1),
    ("call", "hash()", "box = ext.Box(None)", "hash(box)", 1),
    ("call", "an object called", "box = ext.Box(None)", "box(None)", 1),
    ("call", "iteration, one step", "box = ext.Box(None)", "for item in box: pass", 10),
    ("call", "an object made", "Box = ext.Box", "Box(None)", 1),
    ("call", "method of a Python subclass", "class Sub(ext.Box): pass\nbox = Sub(None)", "box.method()", 1),
    ("call", "list of 10 ints read", "f = ext.sum_list; x = list(range(10))", "f(x)", 1),
    ("call", "list of 10 ints made and read", "f = ext.sum_list", "f([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])", 1),
    ("call", "tuple of 10 ints read", "f = ext.sum_tuple; x = tuple(range(10))", "f(x)", 1),
    ("call", "dict of 10 ints walked", "f = ext.sum_dict; x = dict.fromkeys('abcdefghij', 5)", "f(x)", 1),
    ("call", "dict looked up", "f = ext.dict_get; x = dict.fromkeys('abcdefghij', 5)", "f(x, 'c')", 1),
    ("call", "generator of 10 ints consumed", "f = ext.sum_iterator", "f(i for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9))", 1),
    ("call", "append to a new list", "f = ext.append", "f([])", 1),
    ("call", "an exception raised and caught", "f = ext.raise_error", "try: f()\nexcept ValueError: pass", 1),
    # what comes back
    ("return", "None", "f = ext.give_none", "f()", 1),
    ("return", "small int", "f = ext.give_small_int", "f()", 1),
    ("return", "int", "f = ext.give_int", "f()", 1),
    ("return", "float", "f = ext.give_float", "f()", 1),
    ("return", "str", "f = ext.give_str", "f()", 1),
    ("return", "bytes", "f = ext.give_bytes", "f()", 1),
    ("return", "tuple of int and float", "f = ext.give_tuple", "f()", 1),
    ("return", "tuple, unpacked", "f = ext.give_tuple", "a, b = f()", 1),
    ("return", "list of 10 ints", "f = ext.give_list", "f()", 1),
    ("return", "list of 10 ints, summed", "f = ext.give_list", "sum(f())", 1),
    ("return", "dict of 2", "f = ext.give_dict", "f()", 1),
    ("return", "an object that C keeps", "f = ext.give_kept", "f()", 1),
    ("return", "a tuple that C keeps", "f = ext.give_kept_tuple", "f()", 1),
    ("return", "a str that C keeps", "f = ext.give_kept_str", "f()", 1),
    ("return", "the argument", "f = ext.give_same; x = object()", "f(x)", 1),
    ("return", "a new object of C", "f = ext.give_box", "f(None)", 1),
    # C calls Python
    ("callback", "no argument", "f = ext.call_none\ndef g(): pass", "f(g)", CALLBACK),
    ("callback", "one object", "f = ext.call_object\ndef g(x): pass", "f(g)", CALLBACK),
    ("callback", "a new int", "f = ext.call_int\ndef g(x): return x", "f(g)", CALLBACK),
    ("callback", "two by vectorcall", "f = ext.call_two\ndef g(x, y): return y", "f(g)", CALLBACK),
    ("callback", "arguments from a format", "f = ext.call_format\ndef g(x, y): return y", "f(g)", CALLBACK),
    ("callback", "method by name", "f = ext.call_method\nclass A:\n def method(self): pass\na = A()", "f(a)", CALLBACK),
    ("callback", "an exception comes back", "f = ext.call_raising\ndef g(): raise ValueError", "f(g)", CALLBACK),
    ("callback", "attribute", "f = ext.get_attribute\nclass A: value = 1\na = A()", "f(a)", CALLBACK),
    ("callback", "attribute set", "f = ext.set_attributes\nclass A: pass\na = A()", "f(a)", CALLBACK),
    ("callback", "addition of ints", "f = ext.add_numbers", "f(12345)", CALLBACK),
    ("callback", "addition of Python objects", "f = ext.add_numbers\nclass A:\n def __add__(self, other): return self\na = A()", "f(a)", CALLBACK),
    ("callback", "builtin called", "f = ext.call_object", "f(id)", CALLBACK),
]

for workload in (
    "calls attributes floats ints strings dicts generators exceptions sorting comprehensions".split()
):
    CASES.append(("python", workload, f"from workloads import {workload} as run\nassert run() == run()", "run()", 1))
