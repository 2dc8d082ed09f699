# zeal: 100000
"""The character database, all of it: digests of what CPython 3.14 says."""
import unicodedata as u
from zlib import crc32


def digest(f):
    text = ""
    total = 0
    for start in range(0, 0x110000, 0x1000):
        text = "\n".join(str(f(chr(c))) for c in range(start, start + 0x1000))
        total = crc32(text.encode("utf-8", "surrogatepass"), total)
    return total


assert u.unidata_version == "16.0.0" and u.ucd_3_2_0.unidata_version == "3.2.0"
PREDICATES = "isalpha isdecimal isdigit isnumeric islower isupper istitle isspace isprintable isidentifier isalnum".split()
EXPECTED = {
    "predicates": 404743840,
    "cases": 1597278297,
    "fields": 1845670792,
    "numbers": 2083693588,
    "decompositions": 1065740372,
    "names": 945106623,
    "nfkc": 90630908,
    "nfd": 1195123856,
    "old": 2044104664,
    "old nfkc": 3373125696,
}
found = {
    "predicates": digest(lambda c: sum(getattr(c, p)() << i for i, p in enumerate(PREDICATES))),
    "cases": digest(lambda c: (c.upper(), c.lower(), c.title(), c.casefold(), c.swapcase(), c.capitalize())),
    "fields": digest(lambda c: (u.category(c), u.bidirectional(c), u.combining(c), u.east_asian_width(c), u.mirrored(c))),
    "numbers": digest(lambda c: (u.decimal(c, None), u.digit(c, None), u.numeric(c, None))),
    "decompositions": digest(u.decomposition),
    "names": digest(lambda c: u.name(c, None)),
    "nfkc": digest(lambda c: u.normalize("NFKC", c)),
    "nfd": digest(lambda c: u.normalize("NFD", c + "\u0327")),
    "old": digest(lambda c: (u.ucd_3_2_0.category(c), u.ucd_3_2_0.bidirectional(c), u.ucd_3_2_0.numeric(c, None), u.ucd_3_2_0.decimal(c, None), u.ucd_3_2_0.decomposition(c))),
    "old nfkc": digest(lambda c: u.ucd_3_2_0.normalize("NFKC", c)),
}
assert found == EXPECTED, found

for c in range(0x110000):
    n = u.name(chr(c), None)
    assert n is None or u.lookup(n) == chr(c), n
assert u.lookup("LINE FEED") == "\n" and u.lookup("latin small letter r with tilde") == "r\u0303" and u.lookup("HANGUL SYLLABLE HAN") == "한"
assert u.is_normalized("NFC", "é") and not u.is_normalized("NFD", "é") and u.normalize("NFC", "한") == "한"
