# Operands, constants, conditions.
def operands(a, b):
    c = a + b * 2 - 1.5
    c += a
    d = c if a < b else -c
    return (c, d, a and b or c, not d, a < b < c, a is None, b not in [1, 2])


def calls(f, x):
    f()
    f(x, 1, k=x)
    x.m(f(x), *x, **f)
    return f(x)(x.y[0], x[1:2], x[f:])


def constants():
    return (1, -2, 2 ** 10, "a" "b", b"x", 3 + 4j, (1, (2, 3)), [1, 2, 3], {1, 2, 3}, {"k": 1})


def strings(x):
    return f"{x!r:>{x}} and {x=}" f"{x}"


def walrus(x):
    return x + (x := 3) + x
