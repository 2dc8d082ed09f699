# Numbers: the edges of the small int, big ints, floats, conversions, formatting.
assert 2**50 + 2**50 == 2**51 and -(2**51) - 1 == -2251799813685249 and (2**62) * 4 == 2**64
edge = 2**50 - 1
assert edge + 1 == 1125899906842624 and edge * edge == 2**100 - 2**51 + 1
for shift in range(40, 70):
    n = 1 << shift
    assert n - 1 < n < n + 1 and (n - 1) + 1 == n and -n + n == 0 and n // 2 * 2 == n and n >> shift == 1
    assert int(str(n)) == n and hash(n) == n % (2**61 - 1) and ~n == -n - 1 and (n ^ (n - 1)) == 2 * n - 1
    assert divmod(-n - 1, n) == (-2, n - 1) and -n % 7 == 7 - (n % 7 or 7)
assert [7 // 2, -7 // 2, 7 // -2, -7 % 3, 7 % -3] == [3, -4, -4, 2, -2]
assert pow(3, 200, 1000007) == 3**200 % 1000007 and pow(3, -1, 7) == 5 and 2**-1 == 0.5
assert (2**200).bit_length() == 201 and (255).to_bytes(2, "big") == b"\x00\xff" and int.from_bytes(b"\xff", signed=True) == -1
assert 0x_ff == 0b1111_1111 == 0o377 == 255 and int("-0x1f", 16) == -31 and int("zz", 36) == 1295
try:
    1 // 0
except ZeroDivisionError as error:
    assert str(error) == "division by zero"
try:
    int("12a")
except ValueError as error:
    assert str(error) == "invalid literal for int() with base 10: '12a'"
assert 0.1 + 0.2 == 0.30000000000000004 and repr(1e16) == "1e+16" and repr(123456789.0) == "123456789.0"
assert float("inf") > 10**400 and float("nan") != float("nan") and -0.0 == 0.0 and str(-0.0) == "-0.0"
assert round(2.5) == 2 and round(-3.5) == -4 and round(2.675, 2) == 2.67 and round(1234, -2) == 1200
assert (0.5).as_integer_ratio() == (1, 2) and (1.5).hex() == "0x1.8000000000000p+0" and float.fromhex("0x1p-2") == 0.25
try:
    float(10**400)
except OverflowError as error:
    assert str(error) == "int too large to convert to float"
assert 1 == 1.0 == True == (1 + 0j) and hash(1) == hash(1.0) == hash(True) and {1: "a"}[1.0] == "a"
assert 10**20 == 1e20 and 10**23 != 1e23 and (3 + 4j) * 1j == -4 + 3j and abs(3 + 4j) == 5.0
assert f"{1234567.891:,.2f} {255:#x} {-5:+d} {0.25:.0%} {1e10:g} {42:>6} {7:03}" == "1,234,567.89 0xff -5 25% 1e+10     42 007"
assert True + True == 2 and isinstance(True, int) and (True & False) is False and (5 & True) == 1
assert 3 .__add__(4) == 7 and (3).__add__(4.0) is NotImplemented and (5).__floordiv__(2) == 2
assert 1 < 2 < 3 and not 1 < 3 < 2 and 2**53 + 1 != float(2**53)


class Meters(int):
    def __add__(self, other):
        return Meters(int(self) + int(other))

    __radd__ = __add__


assert type(Meters(3) + 4) is Meters and type(4 + Meters(3)) is Meters and Meters(3) * 2 == 6 and [10, 20, 30][Meters(1)] == 20
x = 5
x **= 2; x -= 1; x //= 5; x <<= 3; x |= 1; x ^= 2; x &= 0xFF; x %= 16; x /= 2
assert x == 1.5
big = 1
for i in range(1, 60):
    big *= i
assert big == 138683118545689835737939019720389406345902876772687432540821294940160000000000000
assert big // (10**40) == 13868311854568983573793901972038940634590 and str(big)[-13:] == "0" * 13
