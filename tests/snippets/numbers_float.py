"""Arithmetic and text of float and complex."""

nan = float("nan")
inf = float("inf")


def raises(exc, message, f, *args):
    try:
        f(*args)
    except exc as e:
        assert type(e) is exc, type(e)
        assert str(e) == message, str(e)
    else:
        raise AssertionError(f"{exc.__name__} not raised")


def same(a, b):
    return repr(a) == repr(b)


# Text.
for text in ["0.0", "-0.0", "0.1", "1e+16", "1e-05", "0.0001", "5e-324", "1.7976931348623157e+308", "123456.789", "inf", "-inf", "nan"]:
    assert repr(float(text)) == text
assert float(" 1_0.5e-1_0 ") == 10.5e-10 and float("Infinity") == inf and float("-iNF") == -inf and float(b"1.5") == 1.5
for text in ["", ".", "1_", "_1", "1__0", "1e", "0x1", "1 2", "infi", "nan1", "1.e+"]:
    raises(ValueError, f"could not convert string to float: {text!r}", float, text)
raises(TypeError, "float() argument must be a string or a real number, not 'list'", float, [])

# Division.
assert 7.5 // 2 == 3.0 and -7.5 // 2 == -4.0 and 7.5 % -2 == -0.5 and divmod(-7.5, 2) == (-4.0, 0.5)
assert same(0.0 % -1.0, -0.0) and same(-0.0 // 1.0, -0.0) and 1e16 % 3 == 1.0 and same(1.0 // inf, 0.0) and -1.0 // inf == -1.0
assert same(5.0 % inf, 5.0) and -5.0 % inf == inf
for f in (lambda: 1.0 / 0, lambda: 1.0 // 0, lambda: 1.0 % 0.0, lambda: divmod(1.0, 0)):
    raises(ZeroDivisionError, "division by zero", f)

# Powers.
assert 2.0**0.5 == 1.4142135623730951 and (-8.0) ** 3 == -512.0 and 0.0**0 == 1.0 and nan**0 == 1.0 and 1.0**nan == 1.0
assert same((-0.0) ** 3, -0.0) and (-inf) ** 3 == -inf and (-inf) ** 2 == inf and same((-inf) ** -3, -0.0) and 0.5**inf == 0.0
assert (-8.0) ** (1 / 3) == (1.0000000000000002 + 1.7320508075688772j)
raises(ZeroDivisionError, "zero to a negative power", lambda: 0.0**-1)
try:
    2.0**10000
except OverflowError as e:
    assert e.args == (34, "Numerical result out of range")

# Rounding.
assert [round(x) for x in (0.5, 1.5, 2.5, -0.5, -1.5, 1e20)] == [0, 2, 2, 0, -2, 10**20]
assert round(2.675, 2) == 2.67 and round(0.125, 2) == 0.12 and round(1.15, 1) == 1.1 and round(25.0, -1) == 20.0
assert round(1e308, -308) == 1e308 and same(round(-1.0, -2), -0.0) and round(1.5, 400) == 1.5 and round(123.456, -400) == 0.0
raises(OverflowError, "rounded value too large to represent", round, 1.7976931348623157e308, -308)
raises(ValueError, "cannot convert float NaN to integer", round, nan)

# Hexadecimal.
for x in (0.1, -5e-324, 1e308, 2.2250738585072014e-308, 3.0):
    assert float.fromhex(x.hex()) == x
assert (0.1).hex() == "0x1.999999999999ap-4" and (-0.0).hex() == "-0x0.0p+0" and (5e-324).hex() == "0x0.0000000000001p-1022"
assert float.fromhex("  0X.8p1 ") == 1.0 and float.fromhex("ff") == 255.0 and float.fromhex("-inf") == -inf
assert float.fromhex("0x1.00000000000008p0") == 1.0 and float.fromhex("0x1.000000000000081p0") > 1.0
raises(OverflowError, "hexadecimal value too large to represent as a float", float.fromhex, "0x1p1024")
raises(ValueError, "invalid hexadecimal floating-point string", float.fromhex, "0x")

assert (0.75).as_integer_ratio() == (3, 4) and (-1e20).as_integer_ratio() == (-(10**20), 1) and (0.0).as_integer_ratio() == (0, 1)
raises(OverflowError, "cannot convert Infinity to integer ratio", inf.as_integer_ratio)
raises(ValueError, "cannot convert NaN to integer ratio", nan.as_integer_ratio)
assert (1.5).is_integer() is False and (2.0).is_integer() and not inf.is_integer()
assert float.from_number(3) == 3.0
raises(TypeError, "must be real number, not str", float.from_number, "3")
assert hash(0.5) == 1152921504606846976 and hash(1e300) == 1224995262755759164 and hash(inf) == 314159 and hash(3.0) == 3
assert int(1e30) == 1000000000000000019884624838656 and int(-1.9) == -1


class F(float):
    pass


assert type(F(1.5)) is F and type(F(1.5) + 1) is float and F("2.5") == 2.5 and F(1) < 2 and F.fromhex("0x1p0") == 1.0

# Complex.
assert repr(1j) == "1j" and repr(complex(-0.0, 1)) == "(-0+1j)" and repr(complex(1.5, -inf)) == "(1.5-infj)" and str(3 + 0j) == "(3+0j)"
assert complex(" ( 1.5-2J ) ") == 1.5 - 2j and complex("-j") == -1j and complex("1e3") == 1000 and complex("infinity+nanj").real == inf
for text in ["", "1+", "1 + 2j", "(1", "1+2", "j2"]:
    raises(ValueError, "complex() arg is a malformed string", complex, text)
assert (1 + 2j) * (3 - 4j) == 11 + 2j and (1 + 2j) / (3 - 4j) == -0.2 + 0.4j and (1 + 2j) ** 2 == -3 + 4j and abs(3 + 4j) == 5.0
assert (1 + 2j).conjugate() == 1 - 2j and hash(1 + 0j) == hash(1) and hash(1 + 2j) == hash(1) + 1000003 * hash(2)
assert (1 + 0j) == 1 and 1 == (1 + 0j) and (1 + 1j) != 1 and complex(2**53) != 2**53 + 1
assert same(-0.0 + 1j - 1j, 0j) and same(complex(inf, 1) * 2, complex(inf, 2))
raises(ZeroDivisionError, "division by zero", lambda: 1j / 0)
raises(ZeroDivisionError, "zero to a negative or complex power", lambda: 0j**-1)
raises(ValueError, "complex modulo", pow, 1j, 1, 1)
raises(TypeError, "'<' not supported between instances of 'complex' and 'int'", lambda: 1j < 1)
raises(TypeError, "unsupported operand type(s) for //: 'complex' and 'int'", lambda: 1j // 1)
raises(TypeError, "complex() argument 'imag' must be a real number, not str", complex, 1, "x")
raises(TypeError, "complex() argument must be a string or a number, not list", complex, [])
