# The hash of a number is that of the fraction that it is, modulo 2**61 - 1, whatever its type.
import random
from fractions import Fraction

P = 2**61 - 1


def expected(f):
    n, d = f.as_integer_ratio()
    h = abs(n) * pow(d, -1, P) % P
    h = -h if n < 0 else h
    return -2 if h == -1 else h


values = [0.1, 0.5, 1.5, -1.5, 1 / 3, 3.14, 1e16, 1e300, -1e300, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9e15,
          9007199254740991.0, 2.0**60, 2.0**61, 2.0**62, -(2.0**61), 1.5 * 2.0**-61, 0.75, float(P), -float(P)]  # fmt: skip
random.seed(7)
values += [random.uniform(-1, 1) * 2.0 ** random.randint(-1070, 1020) for _ in range(3000)]
values += [random.random() for _ in range(1000)]
for f in values:
    assert hash(f) == expected(f), f
    assert hash(f) == hash(Fraction(f)), f
assert hash(0.0) == hash(-0.0) == 0 and hash(-1.0) == -2 and hash(1.0) == 1
assert hash(float("inf")) == 314159 and hash(float("-inf")) == -314159

# Ints, around the modulus too.
for i in [0, 1, -1, -2, 2**50, -(2**50), 2**51, P - 1, P, P + 1, -P, -P - 1, 1 - P, 2 * P, 2**63, -(2**63), 2**64, 10**40]:
    assert hash(i) == expected(i), i

# Keys that are the same object, and not equal to themselves.
nan = float("nan")
d = {nan: 1}
assert d[nan] == 1 and nan in {nan}


class Never:
    def __eq__(self, other):
        return False

    def __hash__(self):
        return 5


never = Never()
d = {never: 1}
assert d[never] == 1 and 5 not in d and Never() not in d and len({never, Never(), never}) == 2
