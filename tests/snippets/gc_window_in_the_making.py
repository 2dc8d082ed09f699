# zeal: 7
"""While a callee's parameters are put in place, a collection must not take them for dead temporaries of any frame
below: the window may begin in the caller's registers, end behind them, and still lie inside those of the caller's caller."""

import gc


def small(a, b=1, c=2, d=3, e=4, f=5, g=6, h=7, i=8, j=9, *args, **kwargs):
    assert args == () and j == 9 and kwargs == {"name": [3]}, (args, kwargs)
    return len(kwargs) + 1


def middle():
    return small(0, name=[3])


def wide(n):
    # Sixty temporaries, the call first: the callee's registers lie inside this window.
    return [
        middle(), n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n,
        n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n,
    ]


class Name(str):
    """A keyword whose comparison collects."""

    def __eq__(self, other):
        gc.collect()
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def collecting():
    return small(0, **{Name("name"): [3]})


def wide_collecting(n):
    return [
        collecting(), n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n,
        n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n,
    ]


for _ in range(12):
    assert wide(1)[0] == 2
    assert wide_collecting(1)[0] == 2
print("ok")
