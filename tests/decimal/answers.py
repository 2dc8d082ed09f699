"""Random operations on decimal numbers: each with its arguments, its result and the signals it raised, a line each."""
import random
from decimal import *

COUNT = 110_000
R = random.Random(20261)
ROUNDINGS = "UP DOWN CEILING FLOOR HALF_UP HALF_DOWN HALF_EVEN 05UP".split()
SPECIAL = "1 10 100 1.0 1.00 0.1 2 5 0.5 3 9 99 999999999 1E+1 1E-1 0.25".split()
UNARY = """next_plus next_minus plus minus abs normalize to_integral_exact to_integral_value logb sqrt exp ln log10 number_class
to_eng_string to_sci_string logical_invert""".split()
BINARY = """add subtract multiply divide divide_int remainder remainder_near divmod compare compare_signal compare_total
compare_total_mag max min max_mag min_mag next_toward quantize scaleb shift rotate logical_and logical_or logical_xor
same_quantum power""".split()
OTHER = "fma modular created hash int float ratio order format round text".split()
WIDE = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def number():
    kind, sign = R.random(), R.choice(["", "-"])
    if kind < 0.04:
        return sign + "Infinity"
    if kind < 0.08:
        return sign + R.choice(["NaN", "sNaN"]) + R.choice(["", "123", str(R.randrange(10 ** R.randrange(1, 12)))])
    if kind < 0.14:
        return sign + "0E%+d" % R.choice([0, 0, 1, -1, R.randrange(-50, 50), R.randrange(-2000, 2000)])
    if kind < 0.2:
        return sign + R.choice(SPECIAL)
    digits = R.choice([1, 2, 3, 5, 9, 10, 17, 18, 19, 20, 28, 29, 36, 37, 40, 55, 80, R.randrange(1, 120)])
    how = R.random()
    if how < 0.5:
        coefficient = R.randrange(10 ** (digits - 1), 10**digits)
    elif how < 0.7:
        coefficient = 10**digits - R.randrange(1, 3)
    elif how < 0.85:
        coefficient = R.randrange(1, 10) * 10 ** (digits - 1) + R.choice([0, 0, 1, 5])
    else:
        coefficient = int("".join(R.choice("0159") for _ in range(digits)))
    exponent = R.choice(
        [0, 0, 0, -1, 1, -2, 2, R.randrange(-10, 10), R.randrange(-digits - 5, 6), -digits, R.randrange(-60, 60)]
        + [R.randrange(-400, 400), R.randrange(-1500, 1500)]
    )
    return "%s%dE%+d" % (sign, coefficient, exponent)


def small():
    return R.choice([number(), str(R.randrange(-30, 30)), str(R.randrange(-200, 200))])


def logical():
    return R.choice([number()] + ["".join(R.choice("01") for _ in range(R.randrange(1, 40)))] * 8)


def context():
    emax = R.choice([999999, 999999, MAX_EMAX, 384, 6144, 99, 9, R.randrange(0, 300)])
    return Context(
        prec=R.choice([1, 2, 3, 5, 7, 9, 16, 17, 18, 19, 28, 28, 28, 34, 36, 37, 50, R.randrange(1, 100)]),
        Emax=emax,
        Emin=R.choice([-emax, -emax, 1 - emax if emax else 0, -R.randrange(0, 300)]),
        rounding="ROUND_" + R.choice(ROUNDINGS),
        clamp=R.choice([0, 0, 0, 1]),
        traps=[],
    )


def spec():
    return (
        R.choice(["", "", "<", ">", "^", "=", "*<", "é^", "0>"])
        + R.choice(["", "", "+", " ", "-"])
        + R.choice(["", "", "", "z"])
        + R.choice(["", "", "", "#"])
        + R.choice(["", "", "0"])
        + R.choice(["", "1", "12", "40"])
        + R.choice(["", "", ",", "_"])
        + R.choice(["", "", ".0", ".1", ".2", ".5", ".30", ".2_", ".,"])
        + R.choice(["", "", "e", "E", "f", "F", "g", "G", "n", "%", "x"])
    )


def modest():
    """A number that as an int is not long."""
    while True:
        n = number()
        if "N" in n or "I" in n or abs(WIDE.create_decimal(n).adjusted()) < 500:
            return n


def answer(operation, c):
    if operation in UNARY:
        arguments = [logical() if operation == "logical_invert" else number()]
    elif operation in ("scaleb", "shift", "rotate", "power"):
        arguments = [number(), small()]
        if operation == "power" and R.random() < 0.3:
            near = ["1.%0*d" % (R.randrange(1, 40), R.randrange(1, 1000)), "0.99%d" % R.randrange(10**6)]
            arguments = [R.choice([number(), *near]), number()]
    elif operation in BINARY:
        make = logical if operation.startswith("logical") else number
        arguments = [make(), make()]
        if R.random() < 0.2:
            arguments[1] = "%dE%+d" % (R.randrange(1, 1000), R.randrange(-20, 20))
    elif operation == "fma":
        arguments = [number(), number(), number()]
    elif operation == "modular":
        top = lambda: 10 ** R.randrange(1, 30)
        arguments = [str(R.randrange(-top(), top())), str(R.randrange(0, top())), str(R.randrange(-top(), top()))]
    elif operation == "created":
        arguments = [R.choice([number(), number() + "E1", "1E%d" % R.randrange(-3 * 10**18, 3 * 10**18), ".", "1.", "x"])]
    else:
        arguments = [modest(), modest()]
    numbers = [WIDE.create_decimal(a) for a in arguments]
    a, b = numbers[0], numbers[-1]
    call = {
        "modular": lambda: c.power(*numbers),
        "created": lambda: (c.create_decimal(arguments[0]), Decimal(arguments[0])),
        "hash": lambda: None if a.is_nan() else hash(a),
        "int": lambda: (int(a), a.__floor__(), a.__ceil__(), round(a)),
        "float": lambda: repr(float(a)),
        "ratio": lambda: a.as_integer_ratio(),
        "order": lambda: (a < b, a <= b, a == b, a > b, a == int(a), a < 0.5),
        "format": lambda: format(a, arguments.append(spec()) or arguments[-1]),
        "round": lambda: round(a, R.randrange(-5, 30)),
        "text": lambda: (str(a), repr(a), a.as_tuple(), a.to_eng_string()),
    }.get(operation) or (lambda: getattr(c, operation)(*numbers))
    c.clear_flags()
    setcontext(c)
    try:
        result = call()
    except (ArithmeticError, ValueError, TypeError) as e:
        result = f"{type(e).__name__}: {e}"
    raised = "".join(s.__name__[:2] for s, on in c.flags.items() if on)
    rule = f"{c.prec} {c.Emin} {c.Emax} {c.rounding} {c.clamp}"
    return f"{operation} {arguments} [{rule}] {result} {raised}"


OPERATIONS = UNARY + BINARY * 2 + OTHER
for _ in range(COUNT):
    print(answer(R.choice(OPERATIONS), context()))
