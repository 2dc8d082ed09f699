"""The format mini-language, str.format and %."""


def show(f, *args, **kwargs):
    """The result, or the exception with its message."""
    try:
        return f(*args, **kwargs)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def check(rows, f):
    for row in rows:
        *args, expected = row
        got = show(f, *args)
        assert got == expected, (args, got, expected)


check(
    [
        ("abc", "5", "abc  "), ("abc", ">5", "  abc"), ("abc", "é^6", "éabcéé"), ("abc", ".2", "ab"), ("abc", "05", "abc00"),
        ("abc", "d", "ValueError: Unknown format code 'd' for object of type 'str'"),
        ("abc", "=5", "ValueError: '=' alignment not allowed in string format specifier"),
        ("abc", "+", "ValueError: Sign not allowed in string format specifier"),
        ("abc", ",", "ValueError: Cannot specify ',' with 's'."),
        ("abc", ".", "ValueError: Format specifier missing precision"),
        ("abc", "ss", "ValueError: Invalid format specifier 'ss' for object of type 'str'"),
        (1234, "", "1234"), (1234, "010,", "00,001,234"), (1234, "#x", "0x4d2"), (1234, "#010x", "0x000004d2"), (-5, "05", "-0005"),
        (1234, "010_x", "0_0000_04d2"), (1234, "c", "Ӓ"), (1234, ".3f", "1234.000"), (1234, "%", "123400.000000%"), (255, "#X", "0XFF"),
        (5, "+", "+5"), (5, " ", " 5"), (5, "^5", "  5  "), (-255, "#b", "-0b11111111"), (10**20, ",", "100,000,000,000,000,000,000"),
        (True, "d", "1"), (True, "5", "    1"), (1234, ".3", "ValueError: Precision not allowed in integer format specifier"),
        (1234, ",x", "ValueError: Cannot specify ',' with 'x'."), (1234, ",_", "ValueError: Cannot specify both ',' and '_'."),
        (1.5, "", "1.5"), (1234.56789, ".2f", "1234.57"), (1234.56789, ",.2f", "1,234.57"), (1234.56789, "020,.6f", "0,000,001,234.567890"),
        (1234.56789, ".3", "1.23e+03"), (1234.56789, "e", "1.234568e+03"), (1234.56789, "G", "1234.57"), (1234.56789, ".6_f", "1234.567_890"),
        (0.0, "g", "0"), (-0.0, "", "-0.0"), (-0.0, "z", "0.0"), (-0.001, "z.1f", "0.0"), (float("nan"), "010", "0000000nan"),
        (float("-inf"), "+", "-inf"), (float("inf"), "F", "INF"), (1e16, "", "1e+16"), (1e15, "", "1000000000000000.0"), (0.1 + 0.2, "", "0.30000000000000004"),
        (2.5, ".0f", "2"), (1e300, ".3g", "1e+300"), (3.0, "#.0f", "3."), (100000.0, "g", "100000"), (1e6, "g", "1e+06"), (0.5, "%", "50.000000%"),
        (1.5, "d", "ValueError: Unknown format code 'd' for object of type 'float'"),
        (1234.5 - 6.7j, "", "(1234.5-6.7j)"), (1234.5 - 6.7j, ",.2f", "1,234.50-6.70j"), (1j, "", "1j"), (1 + 1j, ">10", "    (1+1j)"),
        (1 + 1j, "010", "ValueError: Zero padding is not allowed in complex format specifier"),
        ("abc", "\x01", "ValueError: Unknown format code '\\x1' for object of type 'str'"),
    ],
    format,
)

check(
    [
        ("{} {}", 1, 2, "1 2"), ("{1} {0}", 1, 2, "2 1"), ("{{}}", "{}"), ("{0[1]}{0[0]}", "ab", "ba"), ("{!r:>5}", "a", "  'a'"),
        ("{:{}}", 1, 3, "  1"), ("{:{}.{}f}", 1.5, 8, 3, "   1.500"), ("{0.real}", 5, "5"), ("{!a}", "é", "'\\xe9'"),
        ("{", "ValueError: Single '{' encountered in format string"), ("}", "ValueError: Single '}' encountered in format string"),
        ("{} {}", 1, "IndexError: Replacement index 1 out of range for positional args tuple"), ("{a}", "KeyError: 'a'"),
        ("{0} {}", 1, "ValueError: cannot switch from manual field specification to automatic field numbering"),
        ("{!x}", 1, "ValueError: Unknown conversion specifier x"), ("{!rx}", 1, "ValueError: expected ':' after conversion specifier"),
        ("{:{:{}}}", 1, 2, 3, "ValueError: Max string recursion exceeded"), ("{0[", 1, "ValueError: expected '}' before end of string"),
        ("{0.}", 1, "ValueError: Empty attribute in format string"), ("{:", 1, "ValueError: unmatched '{' in format spec"),
        ("{0[0]x}", "a", "ValueError: Only '.' or '[' may follow ']' in format field specifier"),
    ],
    lambda t, *args: t.format(*args),
)
assert "{a} {b.real} {c[k]}".format(a=1, b=2, c={"k": 3}) == "1 2 3"


class Default(dict):
    def __missing__(self, key):
        return f"<{key}>"


assert "{x} {y}".format_map(Default(x=1)) == "1 <y>"
assert f"{'é':>3}{3.14159:.2f}{10!r:>4}{'x'!a}" == "  é3.14  10'x'"

check(
    [
        ("%d %s %r", (1, "é", "é"), "1 é 'é'"), ("%5.1f|%-5d|%05d|%+d", (1.25, 3, -3, 4), "  1.2|3    |-0003|+4"), ("%%", (), "%"),
        ("%x %X %#x %o %#o", (255, 255, 255, 8, 8), "ff FF 0xff 10 0o10"), ("%c%c", ("é", 65), "éA"), ("%.2s|%5s|%-5s|", ("abc", "ab", "ab"), "ab|   ab|ab   |"),
        ("%(a)s %(b)05.1f", {"a": 1, "b": 2.25}, "1 002.2"), ("%*d|%-*d|%.*f", (4, 1, 4, 1, 1, 2.25), "   1|1   |2.2"), ("%e %g %G", (1.5, 1e20, 1e-10), "1.500000e+00 1e+20 1E-10"),
        ("%d", 1.9, "1"), ("%s", b"a", "b'a'"), ("abc", {}, "abc"), ("%s", [1], "[1]"), ("%.3d %08.3d", (-3, -3), "-003 -0000003"), ("%i %u %ld", (1, 2, 3), "1 2 3"),
        ("%d", "a", "TypeError: %d format: a real number is required, not str"), ("%x", 1.5, "TypeError: %x format: an integer is required, not float"),
        ("%", 1, "ValueError: incomplete format"), ("%y", 1, "ValueError: unsupported format character 'y' (0x79) at index 1"),
        ("%s", (), "TypeError: not enough arguments for format string"), ("%s", (1, 2), "TypeError: not all arguments converted during string formatting"),
        ("%(a)s", 1, "TypeError: format requires a mapping"), ("%c", "ab", "TypeError: %c requires an int or a unicode character, not a string of length 2"),
        ("%c", 0x110000, "OverflowError: %c arg not in range(0x110000)"), ("%f", "a", "TypeError: must be real number, not str"),
        ("%*d", ("a", 1), "TypeError: * wants int"), ("%5%", (1,), "ValueError: unsupported format character '%' (0x25) at index 2"),
    ],
    lambda t, args: t % args,
)

# a width, perhaps with zeros: the short way of ints
for i in (0, 7, -7, 42, -42, 123456, -123456, 2**50, -(2**63), 2**63 - 1, 2**70, True):
    for width in (1, 2, 3, 9, 10, 25, 99, 100):
        text = str(int(i))
        assert f"{i:{width}}" == f"{i:{width}d}" == text.rjust(width), (i, width)
        assert f"{i:0{width}}" == f"{i:0{width}d}" == text.zfill(width), (i, width)
assert f"{5:0}" == "5" and f"{5:d}" == "5" and f"{-5:<4}|" == "-5  |"
