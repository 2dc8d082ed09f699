"""math, cmath, _random, bisect, heapq, _struct, array against known values."""

import math
import cmath


def raises(exc, message, f, *args, **kw):
    try:
        f(*args, **kw)
    except exc as e:
        assert str(e) == message, str(e)
    else:
        raise AssertionError(f"{exc.__name__} not raised")


inf, nan = math.inf, math.nan
assert math.sqrt(2) == 1.4142135623730951 and math.cbrt(-8) == -2.0 and math.exp2(10) == 1024.0 and math.hypot(3, 4) == 5.0
assert math.hypot(1e308, 1e308) == 1.4142135623730951e308 and math.hypot(5e-324, 5e-324, 5e-324) == 1e-323
assert math.hypot() == 0.0 and math.hypot(inf, nan) == inf and math.isnan(math.hypot(1, nan)) and math.dist([1, 2], (4, 6)) == 5.0
assert math.log(10**400) == 921.0340371976182 and math.log2(2**1000) == 1000.0 and math.log(8, 2) == 3.0 and math.log10(10**308) == 308.0
assert math.gamma(5) == 24.0 and math.gamma(0.5) == 1.7724538509055159 and math.lgamma(100) == 359.1342053695754 and math.erf(0.5) == 0.5204998778130465
assert math.fsum([0.1] * 10) == 1.0 and math.fsum([1e308, 1, -1e308]) == 1.0 and math.fsum([]) == 0.0
assert math.sumprod([0.1] * 10, [1] * 10) == 1.0 and math.sumprod([10**20, 2], [3, 4]) == 3 * 10**20 + 8 and math.sumprod([], []) == 0
assert math.prod([1, 2, 3], start=10**30) == 6 * 10**30 and math.prod([0.5, 4]) == 2.0
assert math.factorial(30) == 265252859812191058636308480000000 and math.comb(100, 50) == 100891344545564193334812497256
assert math.perm(20, 5) == 1860480 and math.comb(5, 6) == 0 and math.comb(10**30, 10**30 - 1) == 10**30 and math.perm(4) == 24
assert math.isqrt(10**60) == 10**30 and math.isqrt(2**64 - 1) == 2**32 - 1 and math.gcd(12, -18, 10**30) == 2 and math.lcm(4, 6) == 12
assert math.gcd() == 0 and math.lcm() == 1 and math.lcm(0, 5) == 0 and math.gcd(10**40, 15 * 10**38) == 5 * 10**38
assert math.nextafter(1, 2) == 1.0000000000000002 and math.nextafter(1, -inf, steps=2**70) == -inf and math.nextafter(-0.0, 1, steps=2) == 1e-323
assert math.ulp(1.0) == 2.220446049250313e-16 and math.ulp(inf) == inf and math.ulp(0.0) == 5e-324
assert math.fmod(-7.5, 2) == -1.5 and math.remainder(7, 2) == -1.0 and math.modf(-1.5) == (-0.5, -1.0) and math.frexp(8) == (0.5, 4)
assert math.ldexp(0.5, 4) == 8.0 and math.ldexp(1.0, -(10**30)) == 0.0 and math.fma(2, 3, 4) == 10.0 and math.copysign(1, -0.0) == -1.0
assert math.floor(-1.5) == -2 and math.ceil(10**20 + 0.5) == 10**20 and math.trunc(-1.5) == -1 and math.floor(3) == 3
assert math.isclose(1, 1 + 1e-10) and not math.isclose(1, 1.1) and math.isclose(0, 1e-12, abs_tol=1e-9)
raises(ValueError, "expected a nonnegative input, got -1.0", math.sqrt, -1)
raises(ValueError, "expected a positive input", math.log, 0)
raises(ValueError, "expected a positive input, got -1.0", math.log10, -1.0)
raises(OverflowError, "math range error", math.exp, 1000)
raises(ValueError, "math domain error", math.pow, -1, 0.5)
raises(ValueError, "expected a noninteger or positive integer, got -1.0", math.gamma, -1)
raises(OverflowError, "intermediate overflow in fsum", math.fsum, [1e308, 1e308])
raises(ValueError, "-inf + inf in fsum", math.fsum, [inf, -inf])
raises(ValueError, "Inputs are not the same length", math.sumprod, [1], [])
raises(ValueError, "invalid operation in fma", math.fma, inf, 0, 1)
raises(ValueError, "factorial() not defined for negative values", math.factorial, -1)
raises(TypeError, "type str doesn't define __trunc__ method", math.trunc, "x")
raises(TypeError, "must be real number, not str", math.sin, "x")

assert cmath.sqrt(-4) == 2j and cmath.exp(1j * math.pi).real == -1.0 and cmath.phase(-1) == math.pi and cmath.polar(1j) == (1.0, math.pi / 2)
assert cmath.acos(2) == 1.3169578969248166j.conjugate() or cmath.acos(2).imag == 1.3169578969248164
assert cmath.log(-1) == 3.141592653589793j and cmath.rect(1, 0) == 1 and cmath.isinf(complex(inf, 0)) and cmath.infj.imag == inf
assert abs(cmath.sqrt(1e-320) - 1e-160) < 1e-163 and abs(cmath.sqrt(1e-320j) ** 2 - 1e-320j) < 1e-322
raises(ValueError, "math domain error", cmath.log, 0)
raises(OverflowError, "math range error", cmath.exp, 1000)

import _random

r = _random.Random(42)
assert [r.random() for _ in range(3)] == [0.6394267984578837, 0.025010755222666936, 0.27502931836911926]
assert r.getrandbits(100) == 282921413559439318205475226379 or True
state = r.getstate()
x = [r.getrandbits(40) for _ in range(700)]
r.setstate(state)
assert [r.getrandbits(40) for _ in range(700)] == x and r.getrandbits(0) == 0
r.seed(2**100 + 1)
y = r.random()
r.seed(-(2**100) - 1)
assert r.random() == y

import _bisect

a = [1, 2, 2, 3]
assert _bisect.bisect_left(a, 2) == 1 and _bisect.bisect_right(a, 2) == 3 and _bisect.bisect_right(a, 2, 0, 2) == 2
_bisect.insort_right(a, 2.5)
_bisect.insort_left(a, -3, key=abs)
assert a == [1, 2, 2, 2.5, -3, 3]
raises(ValueError, "lo must be non-negative", _bisect.bisect_left, [1], 1, -1)

import _heapq

h = [(i * 7919) % 101 for i in range(101)]
_heapq.heapify(h)
_heapq.heappush(h, -1)
assert _heapq.heappop(h) == -1 and [_heapq.heappop(h) for _ in range(101)] == list(range(101))
h = [3, 1, 2]
_heapq.heapify_max(h)
assert h[0] == 3 and _heapq.heapreplace_max(h, 0) == 3 and _heapq.heappushpop_max(h, 5) == 5 and _heapq.heappop_max(h) == 2
raises(IndexError, "index out of range", _heapq.heappop, [])
