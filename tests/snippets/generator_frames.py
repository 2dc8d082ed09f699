"""A generator whose frame somebody has seen keeps its variables while it is suspended."""

import sys
def gen(n):
    for i in range(n):
        f = sys._getframe()
        yield i
for _ in range(200):
    g = gen(5)
    assert list(g) == [0, 1, 2, 3, 4]

