# Loops, exceptions, contexts: cleanup is emitted on every way out.
def loops(items):
    for i, j in items:
        if not i or j:
            continue
        while True:
            if i > j:
                break
            i -= 1
    else:
        return items


def unbound(x):
    if x:
        y = 1
    print(y)
    del y
    return y


def cleanup(f, g):
    for x in f:
        try:
            with g as h:
                return h(x)
        except ValueError as e:
            raise KeyError from e
        finally:
            f.close()


def groups(f):
    try:
        f()
    except* OSError as e:
        print(e)


def swap(a, b):
    a, b = b, a
    (a, *b), c.d = a, b
    return a


def dead(x):
    return x
    x = yield_nothing()
