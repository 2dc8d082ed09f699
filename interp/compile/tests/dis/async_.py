# Coroutines, generators, patterns.
def generator(x):
    y = yield x
    yield from y
    return [(yield)]


async def coroutine(a):
    async with a as b:
        async for c in b:
            yield await c
    return


async def comprehension(x):
    return [await y async for y in x if y], {k: v async for k, v in x}


def patterns(x):
    match x:
        case 0 | None:
            return 1
        case [1, *rest, Point(x=0, y=y)] if rest:
            return rest, y
        case {"k": v, **others}:
            return v, others
        case [a, _, *_] | (a, 2):
            return a
        case str() as s:
            return s
        case _:
            return x
