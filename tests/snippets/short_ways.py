"""Answers of ways that are shorter for the usual case: they must be those of the long ones, and end where the usual case does."""

import itertools
import random
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

RANDOM = random.Random(5)

# Floats with digits behind the point are rounded as the exact number, halves to even.
EXACT = Context(prec=800, Emax=999999, Emin=-999999, rounding=ROUND_HALF_EVEN)
FLOATS = [0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 0.125, 0.375, 2.675, 5e-324, 1e-20, 0.05, 9.995, 999.9999999, 2.0**53, 2.0**63, 2.0**64, 2.0**70]
FLOATS += [1e15 + 0.3, 1e22, 1e23, 1.7976931348623157e308, 123456789.987654321]
FLOATS += [RANDOM.uniform(-10, 10) * 10.0 ** RANDOM.randrange(-12, 20) for _ in range(400)]
for f in FLOATS:
    for precision in (0, 1, 2, 3, 6, 9, 15, 19, 20):
        exact = Decimal(f).quantize(Decimal(1).scaleb(-precision), context=EXACT)
        wanted = f"{exact:.{precision}f}"
        assert format(f, f".{precision}f") == wanted, (f, precision)
        assert "%.*f" % (precision, f) == wanted, (f, precision)
        assert format(f, f"30.{precision}f") == wanted.rjust(30), (f, precision)
        assert format(f, f">7.{precision}f") == wanted.rjust(7), (f, precision)
        assert format(f, f"z.{precision}f") == (wanted if float(wanted) else wanted.lstrip("-")), (f, precision)
assert format(float("nan"), ".2f") == "nan" and format(float("-inf"), "7.2f") == "   -inf"
assert [format(-1.5, spec) for spec in (".1f", "8.1f", "08.1f", "<8.1f", "^8.1f", "=8.1f", "+.1f", "_.1f", "*>8.1f")] == [
    "-1.5", "    -1.5", "-00001.5", "-1.5    ", "  -1.5  ", "-    1.5", "-1.5", "-1.5", "****-1.5"]
assert [format(-15, spec) for spec in ("5", ">5", "<5", "05", ">05", "5d", ">5d", "=5", "+5", "x")] == [
    "  -15", "  -15", "-15  ", "-0015", "00-15", "  -15", "  -15", "-  15", "  -15", "-f"]

# Templates.
assert "a{{b}}c{}d{!r}{:>3}{x[0]}{y.real}".format(1, "s", 2, x="q", y=7) == "a{b}c1d's'  2q7"
assert "é{}ü{:>{w}}".format("a", "b", w=3) == "éaü  b"

# Ints from texts.
for text, n in [("0", 0), ("+7", 7), ("-12", -12), ("  5 ", 5), ("1_000", 1000), ("\u0663", 3), ("007", 7), ("9" * 18, 10**18 - 1), ("-" + "9" * 19, 1 - 10**19)]:
    assert int(text) == n
for text in ("", "-", "+", "--1", "1-", "12a", " ", "_1", "1__0"):
    try:
        int(text)
    except ValueError as e:
        assert str(e) == f"invalid literal for int() with base 10: {text!r}"
    else:
        raise AssertionError(text)


class Text(str):
    def __int__(self):
        return 99


assert int(Text("5")) == 99

# Digits in bases that are powers of two.
for n in (0, 1, -1, 255, -256, 2**50 - 1, 2**50, -(2**50), 2**63, -(2**64)):
    assert int(hex(n), 16) == int(bin(n), 2) == int(oct(n), 8) == n
assert (hex(-255), bin(-5), oct(8), hex(0)) == ("-0xff", "-0b101", "0o10", "0x0")

# Division of ints of two words.
INTS = [s * (2**k + d) for k in (40, 50, 51, 62, 63, 64, 65, 100, 126, 127, 128, 130) for d in (-1, 0, 1) for s in (1, -1)] + [1, -1, 3, -7]
for a, b in itertools.product(INTS, INTS):
    q, r = divmod(a, b)
    assert a // b == q and a % b == r and q * b + r == a and abs(r) < abs(b) and (r == 0 or (r < 0) == (b < 0))
    assert Fraction(a, b).__floor__() == q

# Tables for characters.
assert "hello".translate({ord("l"): None}) == "heo"
assert "hello".translate({ord("l"): "LL", ord("h"): "j"}) == "jeLLLLo"
assert "hello world".translate({ord("o"): 0x20AC, ord(" "): None}) == "hell€w€rld"
assert "abcabc".translate(str.maketrans("abc", "xyz")) == "xyzxyz"
assert "aébc".translate({ord("a"): "b", 0xE9: "e"}) == "bebc"
assert "".translate({}) == "" and "abc".translate({}) == "abc"


class Upper:
    def __getitem__(self, c):
        if c == 0x62:
            raise LookupError
        return chr(c).upper()


assert "abcabc".translate(Upper()) == "AbCAbC"

# Tuples that are put together, dicts of keywords.
assert (1, 2) + (3,) == (1, 2, 3) and () + (1,) == (1,) and tuple(range(20)) + tuple(range(20, 40)) == tuple(range(40))
assert list(dict(b=1, a=2).items()) == [("b", 1), ("a", 2)] and dict([("x", 1)], x=2) == {"x": 2}
assert dict(**{"a": 1}, b=2) == {"a": 1, "b": 2}


# A method of an instance that keeps a dictionary, as those of classes derived from native ones: it may get an attribute of that name.
class Bag(list):
    def name(self):
        return "class"


def names(bags):
    return [bag.name() for bag in bags]


first, second = Bag(), Bag()
second.other = 1
for _ in range(2000):
    assert names([first, second]) == ["class", "class"]
second.name = lambda: "instance"
assert names([first, second, first]) == ["class", "instance", "class"]
del second.name
first.name = lambda: "first"
assert names([first, second]) == ["first", "class"]
Bag.name = lambda self: "changed"
assert names([first, second, Bag()]) == ["first", "changed", "changed"]

# Iterators that end in the middle.
assert list(itertools.zip_longest("ab", "c", "", fillvalue="-")) == [("a", "c", "-"), ("b", "-", "-")]
assert list(itertools.zip_longest("abc", *["d"] * 5))[1:] == [("b", *[None] * 5), ("c", *[None] * 5)]
assert list(itertools.starmap(max, [(1, 2), [3, 4], iter((5, 6))])) == [2, 4, 6]
assert list(itertools.accumulate([1, 2, 2.5, 2**60])) == [1, 3, 5.5, 5.5 + 2**60]
assert list(itertools.accumulate([True, True])) == [True, 2]
assert list(itertools.permutations("abc", 2)) == [tuple(p) for p in ("ab", "ac", "ba", "bc", "ca", "cb")]
assert list(itertools.product((1, 2), repeat=0)) == [()] and list(itertools.combinations("abc", 0)) == [()]
assert [len(list(itertools.combinations_with_replacement(range(4), r))) for r in range(4)] == [1, 4, 10, 20]


def ends_with(value):
    yield 1
    return value


def delegates():
    x = yield from itertools.chain(ends_with(5), ends_with(6))
    yield x


assert list(delegates()) == [1, 1, None]
