"""`_decimal`: numbers, contexts, signals, and how they live with other numbers and with the rest of the library."""
import contextvars
import copy
import math
import pickle
import threading
import _decimal
import decimal
from decimal import *
from fractions import Fraction


def raised(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except Exception as e:
        return type(e).__name__, str(e)
    raise AssertionError("nothing raised")


assert decimal.Decimal is _decimal.Decimal and _decimal.HAVE_THREADS and _decimal.HAVE_CONTEXTVAR
assert (MAX_PREC, MAX_EMAX, MIN_EMIN, MIN_ETINY) == (10**18 - 1, 10**18 - 1, 1 - 10**18, 3 - 2 * 10**18)

# Arithmetic.
a, b = Decimal("1234567890.123456789012345678"), Decimal("9876543.2109876543210987654321")
assert str(a + b) == "1244444433.334444443333444443" and str(a - b) == "1224691346.912469134691246913"
assert str(a * b) == "12193263113702179.52261850326" and str(a / b) == "124.9999988609375000142382812"
assert str(a // b) == "124" and str(a % b) == "9876531.960987653196098764420" and a == a // b * b + a % b
assert divmod(Decimal(-7), 2) == (-3, -1) and pow(Decimal(7), 10, 13) == 4 and 2 ** Decimal(10) == 1024
assert str(Decimal(2).sqrt()) == "1.414213562373095048801688724" and str(Decimal(4).sqrt()) == "2"
assert str(Decimal(1).exp()) == "2.718281828459045235360287471" and str(Decimal(10).ln()) == "2.302585092994045684017991455"
assert str(Decimal(2).log10()) == "0.3010299956639811952137388947" and str(Decimal("2") ** Decimal("0.5")) == "1.414213562373095048801688724"
assert str(+Decimal("1E-30").next_plus()) == "1.000000000000000000000000001E-30"
with localcontext(prec=1000) as c:
    r = Decimal(2).sqrt()
    assert abs(r * r - 2) < Decimal("1E-997") and len(str(r)) == 1001
    e = Decimal(1).exp()
    assert abs(e.ln() - 1) < Decimal("1E-997")
with localcontext(Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)):
    # What is exact needs no room for the digits that there could be.
    assert Decimal(4) / 2 == 2 and Decimal(400) ** -1 == Decimal("0.0025") and Decimal("40E9").sqrt() == Decimal("2.0E+5")
    assert Decimal(3) ** 117 == 3**117 and Decimal(10**400 + 1) * (10**400 - 1) == 10**800 - 1
    assert raised(lambda: Decimal(1) / 3)[0] == "MemoryError"
with localcontext(prec=200_000):
    n = Decimal("7" * 30_000) * Decimal("3" * 40_000)
    assert n % 9 == 7 * 30_000 * 3 * 40_000 % 9
    assert n / Decimal("3" * 40_000) == Decimal("7" * 30_000)

# Other numbers.
for x in (0, 1, -1, 5, 2**61 - 1, 2**61, -(2**61), 10**40, 1.5, -0.375, 1e300, Fraction(3, 8), Fraction(-7, 5)):
    d = Decimal(x.numerator) / x.denominator if isinstance(x, Fraction) else Decimal(x)
    assert d == x and x == d and hash(d) == hash(x) and not d != x, x
assert Decimal("0.1") != 0.1 and Decimal("0.1") < 0.1 and Decimal("0.1") == Fraction(1, 10) and Decimal(1) == 1 + 0j != Decimal(2)
assert Decimal("inf") == math.inf and Decimal("inf") > 10**400 and Decimal("-inf") < Fraction(1, 3) and hash(Decimal("inf")) == hash(math.inf)
assert Decimal(10**30) == 10**30 and int(Decimal("-1.9E+25")) == -19 * 10**24 and round(Decimal("2.5")) == 2 and round(Decimal("2.567"), 2) == Decimal("2.57")
assert math.floor(Decimal("-1.5")) == -2 and math.ceil(Decimal("-1.5")) == -1 and math.trunc(Decimal("-1.5")) == -1
assert float(Decimal("0.1")) == 0.1 and float(Decimal("1E-400")) == 0.0 and complex(Decimal(3)) == 3
assert Decimal("3.25").as_integer_ratio() == (13, 4) and Decimal.from_float(0.1).as_tuple().exponent == -55
assert raised(lambda: Decimal(1) + 1.5) == ("TypeError", "unsupported operand type(s) for +: 'decimal.Decimal' and 'float'")
assert raised(Decimal, object()) == ("TypeError", "conversion from object to Decimal is not supported")
assert sum([Decimal("0.1")] * 10) == 1 and max(Decimal(3), 2, Decimal("3.5")) == Decimal("3.5") and sorted([Decimal(2), 1, Decimal("1.5")])[1] == Decimal("1.5")

# Text.
assert [str(Decimal(s)) for s in ("1E+3", "0E-7", "123E-10", "-0", "sNaN7", "1_000.5", " ٣.٥ ")] == ["1E+3", "0E-7", "1.23E-8", "-0", "sNaN7", "1000.5", "3.5"]
assert Decimal("123E+4").to_eng_string() == "1.23E+6" and repr(Decimal("-1.50")) == "Decimal('-1.50')"
assert f"{Decimal('1234567.891'):,.2f}|{Decimal('0.5'):.0%}|{Decimal('-1.5'):*^9}|{Decimal('1E3'):010.1f}" == "1,234,567.89|50%|**-1.5***|00001000.0"
assert raised(Decimal, "x") == ("InvalidOperation", "[<class 'decimal.ConversionSyntax'>]")
assert raised(format, Decimal(1), "q") == ("ValueError", "invalid format string")
assert Decimal((1, (1, 2, 3), -2)) == Decimal("-1.23") and Decimal("-1.23").as_tuple() == (1, (1, 2, 3), -2)

# Classes derived from it.
class Money(Decimal):
    rate = 2

    def __new__(cls, value, unit="EUR"):
        self = super().__new__(cls, value)
        self.unit = unit
        return self


m = Money("12.50", "CHF")
assert m.unit == "CHF" and m * 2 == 25 and type(m * 2) is Decimal and type(+m) is Decimal and isinstance(m, Decimal)
assert Decimal(m) == m and type(Decimal(m)) is Decimal and type(Money.from_float(1.5)) is Money
long = Money("1" * 200)
assert long.unit == "EUR" and str(long) == "1" * 200
d = Decimal("1.10")
assert copy.copy(d) is d and copy.deepcopy(d) is d and Decimal(d) is d
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    assert pickle.loads(pickle.dumps(Decimal("-1.10"), protocol)).as_tuple() == (1, (1, 1, 0), -2)
    c = Context(prec=5, rounding=ROUND_UP, flags=[Inexact], traps=[Clamped])
    assert repr(pickle.loads(pickle.dumps(c, protocol))) == repr(c)
assert Decimal.__module__ == "decimal" and raised(setattr, Decimal, "x", 1)[0] == "TypeError"

# Contexts and signals.
with localcontext() as c:
    c.prec = 5
    assert Decimal(1) / 3 == Decimal("0.33333") and c.flags[Inexact] and c.flags[Rounded] and not c.flags[Overflow]
    c.clear_flags()
    c.traps[Inexact] = True
    assert raised(lambda: Decimal(1) / 3) == ("Inexact", "[<class 'decimal.Inexact'>]")
    with localcontext(prec=3, traps=[]) as inner:
        assert Decimal(2) / 3 == Decimal("0.667") and getcontext() is inner and inner.flags[Inexact]
    assert getcontext() is c
assert raised(lambda: Decimal(1) / 0) == ("DivisionByZero", "[<class 'decimal.DivisionByZero'>]")
assert raised(lambda: Decimal(0) / 0) == ("InvalidOperation", "[<class 'decimal.DivisionUndefined'>]")
assert issubclass(DivisionByZero, ZeroDivisionError) and issubclass(FloatOperation, TypeError) and issubclass(Underflow, Subnormal)
with localcontext() as c:
    c.clear_flags()
    c.traps[FloatOperation] = True
    assert raised(lambda: Decimal(1) < 0.5)[0] == raised(Decimal, 0.5)[0] == "FloatOperation" and Decimal("0.5") == 0.5
    c.flags = {**c.flags.copy(), Clamped: True}
    assert c.flags[Clamped] and [s for s, on in c.flags.items() if on] == [FloatOperation, Clamped] and len(c.flags) == 9
    assert raised(c.flags.__getitem__, 5)[0] == "KeyError" and raised(setattr, c, "flags", [])[0] == "TypeError"
    flags = c.flags
    assert flags is c.flags and flags != c.traps and repr(flags).startswith("{<class 'decimal.InvalidOperation'>:False")
assert raised(Context, prec=0) == ("ValueError", "valid range for prec is [1, MAX_PREC]")
assert raised(localcontext, precision=5) == ("TypeError", "this function got an unexpected keyword argument 'precision'")
assert raised(delattr, Context(), "prec") == ("AttributeError", "context attributes cannot be deleted")
assert repr(IEEEContext(64)) == "Context(prec=16, rounding=ROUND_HALF_EVEN, Emin=-383, Emax=384, capitals=1, clamp=1, flags=[], traps=[])"
assert repr(BasicContext).endswith("traps=[Clamped, InvalidOperation, DivisionByZero, Overflow, Underflow])")
setcontext(BasicContext)
assert getcontext() is not BasicContext and getcontext().prec == 9
setcontext(Context())

# Each thread and each context of variables has its own.
getcontext().prec = 7
seen = []
t = threading.Thread(target=lambda: (seen.append(getcontext().prec), setattr(getcontext(), "prec", 3), seen.append(Decimal(1) / 3)))
t.start()
t.join()
assert seen == [28, Decimal("0.333")] and getcontext().prec == 7


def change():
    with localcontext(prec=4):
        setcontext(Context(prec=4))
        return Decimal(1) / 3


inner = contextvars.copy_context()
assert inner.run(change) == Decimal("0.3333") and getcontext().prec == 7 and str(Decimal(1) / 3) == "0.3333333"
inner.run(lambda: setcontext(Context(prec=2)))
assert inner.run(lambda: Decimal(1) / 3) == Decimal("0.33") and str(Decimal(1) / 3) == "0.3333333"
setcontext(Context())


def halves():
    with localcontext(prec=3):
        for n in range(3):
            yield Decimal(n) / 7


g = halves()
first = next(g), Decimal(1) / 7
assert first[0] == 0 and list(g) == [Decimal("0.143"), Decimal("0.286")] and getcontext().prec == 28

# Many of them, of all lengths, that live for a while.
kept = {}
for i in range(400):
    kept[i] = (Decimal(i) / 7, Decimal(10**i + i), str(Decimal(i) * Decimal("1.01")), Money(i))
    if i % 3 == 0:
        kept.pop(i // 2, None)
assert all(kept[i][1] - i == 10**i or i > 28 for i in kept) and all(kept[i][3] == i and kept[i][3].unit == "EUR" for i in kept)

# A program of a known result: pi, by a series.
getcontext().prec = 50
last, t, s, n, na, d, da = 0, Decimal(3), 3, 1, 0, 0, 24
while s != last:
    last = s
    n, na = n + na, na + 8
    d, da = d + da, da + 32
    t = (t * n) / d
    s += t
assert str(s)[:49] == "3.14159265358979323846264338327950288419716939937"

print("decimal_module: ok")
