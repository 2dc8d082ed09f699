"""Arithmetic, text and bytes of int."""


def raises(exc, message, f, *args):
    try:
        f(*args)
    except exc as e:
        assert type(e) is exc, type(e)
        assert str(e) == message, str(e)
    else:
        raise AssertionError(f"{exc.__name__} not raised")


big = 10**30
edges = [0, 1, -1, 2**50 - 1, 2**50, -(2**50), -(2**50) - 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, big, -big]
for a in edges:
    for b in edges:
        assert (a + b) - b == a
        assert (a - b) + b == a
        assert a * b == b * a
        if b:
            q, r = divmod(a, b)
            assert q * b + r == a and (r == 0 or (r < 0) == (b < 0)) and abs(r) < abs(b)
            assert a // b == q and a % b == r
            assert (a * b) // b == a
        assert (a & b) + (a | b) == a + b
        assert (a ^ b) == (a | b) - (a & b)
        assert (a < b) == (a - b < 0) and (a == b) == (not a - b) and (a >= b) == (not a < b)
    assert -(-a) == a and ~~a == a and ~a == -a - 1 and abs(a) == (a if a >= 0 else -a)
    assert int(str(a)) == a and int(hex(a), 16) == a and int(bin(a), 0) == a and int(oct(a), 0) == a
    assert (a << 70) >> 70 == a and a >> 200 == (-1 if a < 0 else 0)
    assert hash(a) == hash(float(a)) if float(a) == a else True
    n = a.bit_length() // 8 + 1
    for order in ("little", "big"):
        assert int.from_bytes(a.to_bytes(n, order, signed=True), order, signed=True) == a
    assert a.bit_count() == bin(abs(a)).count("1")

# Correct rounding of true division.
assert 1 / 3 == 0.3333333333333333
assert (2**53 + 1) / 1 == 9007199254740992.0
assert (2**53 + 3) / 1 == 9007199254740996.0
assert 10**400 / 10**399 == 10.0
assert -(10**400) / 3**800 == -2.0090753457532982e18
assert 1 / 2**1074 == 5e-324 and 1 / 2**1075 == 0.0 and 3 / 2**1075 == 1e-323
assert 123456789012345678901234567890 / 987654321 == 1.2499999887343751e20
raises(OverflowError, "integer division result too large for a float", lambda: 10**400 / 3)
for f in (lambda: 1 // 0, lambda: 1 % 0, lambda: 1 / 0, lambda: big // 0, lambda: divmod(big, 0)):
    raises(ZeroDivisionError, "division by zero", f)

# Powers.
assert 3**200 == int("265613988875874769338781322035779626829233452653394495974574961739092490901302182994384699044001")
assert (-2) ** 64 == 2**64 and (-2) ** 65 == -(2**65) and 0**0 == 1 and (-1) ** (10**30 + 1) == -1
assert 2**-1 == 0.5 and pow(2, -1) == 0.5
assert pow(3, 10**20, 10**9 + 7) == pow(pow(3, 10**10, 10**9 + 7), 10**10, 10**9 + 7)
assert pow(38, -1, 97) == 23 and pow(5, 3, -7) == -1 and pow(2, 0, 1) == 0 and pow(3, -5, 1) == 0
raises(ValueError, "pow() 3rd argument cannot be 0", pow, 2, 3, 0)
raises(ValueError, "base is not invertible for the given modulus", pow, 2, -1, 4)
raises(ZeroDivisionError, "zero to a negative power", lambda: 0**-1)

# Shifts.
raises(ValueError, "negative shift count", lambda: 1 << -1)
raises(ValueError, "negative shift count", lambda: 1 >> -(10**30))
raises(OverflowError, "too many digits in integer", lambda: 1 << 10**30)
assert 0 << 10**30 == 0 and 1 >> 10**30 == 0 and -1 >> 10**30 == -1

# Comparison with floats is exact.
assert 2**53 + 1 != float(2**53) and 2**53 + 1 > float(2**53) and float(2**53) < 2**53 + 1
assert 10**400 > 1e308 and -(10**400) < -1e308 and 10**400 < float("inf") and not 1 < float("nan")
assert 2**1023 == float(2**1023) and 2**1023 + 1 > float(2**1023)

# Literals.
assert int(" \t-1_000\n") == -1000 and int("0x_ff", 16) == 255 and int("0b101", 0) == 5 and int("z", 36) == 35
assert int("٣٤") == 34 and int(b" 12 ") == 12 and int(bytearray(b"7")) == 7 and int("00", 0) == 0
for text, base in [("", 10), ("1_", 10), ("_1", 10), ("1__0", 10), ("0x", 0), ("012", 0), ("9", 8), ("- 1", 10), ("+-1", 10)]:
    raises(ValueError, f"invalid literal for int() with base {base}: {text!r}", int, text, base)
raises(ValueError, "int() base must be >= 2 and <= 36, or 0", int, "1", 37)
raises(TypeError, "int() can't convert non-string with explicit base", int, 12, 10)
raises(TypeError, "int() missing string argument", lambda: int(base=10))
raises(TypeError, "int() argument must be a string, a bytes-like object or a real number, not 'list'", int, [])
raises(ValueError, "cannot convert float NaN to integer", int, float("nan"))
raises(OverflowError, "cannot convert float infinity to integer", int, float("inf"))
raises(
    ValueError,
    "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits; "
    "use sys.set_int_max_str_digits() to increase the limit",
    int,
    "9" * 5000,
)
raises(
    ValueError,
    "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit",
    str,
    10**5000,
)

# Bytes.
assert (1000).to_bytes(2) == b"\x03\xe8" and (-1).to_bytes(3, signed=True) == b"\xff\xff\xff" and (0).to_bytes(0) == b""
assert int.from_bytes([1, 2]) == 258 and int.from_bytes(b"\xff", signed=True) == -1 and int.from_bytes(b"") == 0
raises(OverflowError, "int too big to convert", lambda: (256).to_bytes(1))
raises(OverflowError, "int too big to convert", lambda: (128).to_bytes(1, signed=True))
raises(OverflowError, "can't convert negative int to unsigned", lambda: (-1).to_bytes(1))
raises(ValueError, "length argument must be non-negative", lambda: (1).to_bytes(-1))
raises(ValueError, "byteorder must be either 'little' or 'big'", lambda: (1).to_bytes(1, "x"))
raises(TypeError, "cannot convert 'int' object to bytes", int.from_bytes, 3)

# Rounding.
assert [round(x, -1) for x in (5, 15, 25, -5, -15, 14, 16)] == [0, 20, 20, 0, -20, 10, 20]
assert round(10**30 + 5 * 10**28, -30) == 10**30 and round(123, 5) == 123


# Subclasses and conversion methods.
class I(int):
    pass


assert type(I(5)) is I and type(I(5) + 1) is int and type(+I(5)) is int and I(2**70) == 2**70 and I("12") == 12
assert type(I.from_bytes(b"\1")) is I and hash(I(2**70)) == hash(2**70) and {I(3): 1}[3] == 1


class Index:
    def __index__(self):
        return 7


assert int(Index()) == 7 and [0] * Index() == [0] * 7 and hex(Index()) == "0x7"
assert (True + True, True & False, True | False, True ^ True, True & 3, type(True & True)) == (2, False, True, False, 1, bool)
assert (5).__add__("x") is NotImplemented and (5).__radd__(1) == 6 and (5).__rsub__(1) == -4
assert (5).real == 5 and (5).imag == 0 and (5).numerator == 5 and (5).denominator == 1 and (5).as_integer_ratio() == (5, 1)
raises(TypeError, "int.__new__(str): str is not a subtype of int", int.__new__, str)
raises(TypeError, "int.__new__(X): X is not a type object (int)", int.__new__, 3)


# Called without a detour through a Python function, the class is checked too.
try:
    int.__new__(str)
except TypeError as e:
    assert str(e) == "int.__new__(str): str is not a subtype of int", str(e)
else:
    raise AssertionError("TypeError not raised")

# An int of many digits with one that fits a word, against the schoolbook.
def slowly(n):
    """The digits of a non-negative int, base 2**16."""
    digits = []
    while n:
        digits.append(n & 0xFFFF)
        n >>= 16
    return digits


def joined(digits, negative=False):
    n = 0
    for d in reversed(digits):
        n = n << 16 | d
    return -n if negative else n


words = [0, 1, -1, 2, -3, 10, 97, 2**16, 2**31, 2**32 - 1, -(2**32) + 1, 2**32, 2**50, -(2**50) - 1, 2**63 - 1, -(2**63), True]
for bits in (128, 129, 159, 160, 161, 191, 192, 300):
    for big in (2**bits, 2**bits - 1, -(2**bits), 1 - 2**bits, int("7" * (bits // 3)), -int("3" * (bits // 3))):
        for w in words:
            # Two's complement of 512 bits, digit by digit.
            mask = 2**512 - 1
            total, carry = [], 0
            for x, y in zip((slowly(big & mask) + [0] * 32)[:32], (slowly(w & mask) + [0] * 32)[:32]):
                carry += x + y
                total.append(carry & 0xFFFF)
                carry >>= 16
            assert (big + w) & mask == joined(total) == (w + big) & mask
            assert big - w == big + -w and w - big == -(big + -w)
            product, carry = [], 0
            for d in slowly(abs(big)) + [0] * 5:
                carry += d * abs(int(w))
                product.append(carry & 0xFFFF)
                carry >>= 16
            assert big * w == w * big == joined(product, (big < 0) != (w < 0))
            if w:
                q, r = big // w, big % w
                assert q * w + r == big and (0 <= r < w or w < r <= 0) and (q, r) == divmod(big, w), (big, w)
# Sums of any two of them, where carries run through and results get shorter.
def slow_sum(a, b):
    """By digits of 16 bits, for a, b >= 0."""
    digits, carry = [], 0
    for x, y in zip(slowly(a) + [0] * 60, slowly(b) + [0] * 60):
        carry += x + y
        digits.append(carry & 0xFFFF)
        carry >>= 16
    return joined(digits, False)


sizes = [2**n + d for n in (0, 31, 32, 50, 51, 59, 60, 62, 63, 64, 65, 96, 127, 128, 192, 500) for d in (-1, 0, 1)]
for a in sizes:
    for b in sizes:
        total = slow_sum(a, b)
        assert a + b == total and -a - b == -total and -a + -b == -total and hash(a + b) == hash(total)
        assert total - b == a and b - total == -a and -total + a == -b and a - -b == total
        c = a
        c += b
        c -= a
        assert c == b and type(c) is int and a - a == 0
assert type(2**200 + True) is int and type(I(2**200) + 1) is int

# Operators of unboxed ints and floats that have instructions of their own.
pairs = [(7, 2), (-7, 2), (7, -2), (-7, -2), (0, 5), (2**50 - 1, 3), (-(2**50), 7), (2**50 - 1, 2**50 - 1), (1, 2**50 - 1)]
for a, b in pairs:
    assert (a // b, a % b) == divmod(a, b) and (a // b) * b + a % b == a
    assert a / b == float(a) / float(b) and a & b == ~(~a | ~b)
    a2, a3, a4 = a, a, a
    a2 //= b
    a3 %= b
    a4 &= b
    assert (a2, a3, a4) == (a // b, a % b, a & b)
assert (-7 // 2, -7 % 2, 7 // -2, 7 % -2) == (-4, 1, -4, -1) and 7.5 // 2 == 3.0 and 7.5 % 2 == 1.5 and 7.0 / 2 == 3.5
assert True / 2 == 0.5 and True // 1 == 1 and True & True is True and sum([True, False, True], 5) == 7 and type(sum([True])) is int
for f in (lambda a: a / 0, lambda a: a // 0, lambda a: a % 0, lambda a: a / 0.0):
    try:
        f(1)
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError("ZeroDivisionError not raised")
