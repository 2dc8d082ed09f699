# zeal: 1000
# What native frames hold of earlier calls keeps nothing alive in programs that run on top of them, whose frames stay where those were.
import gc
import weakref


class Node:
    def __init__(self, n):
        self.a = self.b = self.c = self.d = n
        self.e = self.f = self.g = self.h = self


def make(n):
    nodes = [Node(i) for i in range(n)]
    return [weakref.ref(node) for node in nodes]


def alive(refs):
    return sum(ref() is not None for ref in refs)


# Below this program there is nothing from before it: wherever in the nursery they are born, all die. (The first must fill it: what is
# there when it is collected for the first time is what stale words would keep for ever.)
for n in 20000, 5000, 1000:
    refs = make(n)
    gc.collect()
    assert alive(refs) == 0, (n, alive(refs))

# The arguments of a call that has many are not among those of exec, which has few.
program = compile("gc.collect(); left = ref() is not None", "program", "exec")
fields = (
    "argcount posonlyargcount kwonlyargcount nlocals stacksize flags firstlineno code consts names varnames freevars cellvars "
    "filename name qualname linetable exceptiontable"
).split()
for n in range(5):
    node = Node(n)
    ref = weakref.ref(node)
    arguments = {"co_" + field: node for field in fields}
    try:
        program.replace(**arguments)
    except TypeError:
        pass
    del node, arguments
    names = {"gc": gc, "ref": ref}
    exec(program, names)
    assert not names["left"], n
