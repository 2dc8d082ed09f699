"""sum() keeps a total in one of four ways, which follow one another: ints, floats with compensation, complex numbers, anything."""


class I(int):
    pass


class F(float):
    pass


L = [0.1] * 10

# A total that is no exact int, float or complex number at the start is never compensated.
assert sum([0.1] * 40, True) == 4.999999999999999
assert sum(L, False) == sum(L, F(0)) == 0.9999999999999999
assert sum(L) == sum(L, 0.0) == 1.0
# Ints of 64 bits are added on the way; what is larger ends the first way.
assert sum([2**62, -(2**62)] + L) == 1.0
assert sum([2**70, -(2**70)] + L) == 0.9999999999999999
assert sum([1, True] + L) == 3.0
assert sum([1, I(1)] + L) == 3.000000000000001
# Floats of a subclass end the second, ints of any kind and size do not.
assert sum(L + [F(0.1)] + L) == 2.100000000000001
for one in 1, True, I(1), 1.0:
    assert sum([1e16, one, 1.0, -1e16]) == 2.0
assert sum([1e16, 2**70, -(2**70), 1.0, -1e16]) == 1.0
# Complex numbers take what floats and ints there are.
assert sum([1e16 + 0j, 1.0, 1j, F(1.0), -1e16]) == 2 + 1j
assert sum([1e16, 1j, 1.0, 1.0, I(3), True, -1e16]) == 6 + 1j
try:
    sum([1.0, 10**400])
except OverflowError as e:
    assert str(e) == "int too large to convert to float"
else:
    raise AssertionError
