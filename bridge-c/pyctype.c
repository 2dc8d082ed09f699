/* Tables of characters: the C locale, whatever the real one is. */
#include "cape.h"

#define RANGE(first, last, flags) [first ... last] = flags

const unsigned int _Py_ctype_table[256] = {
    RANGE('\t', '\r', PY_CTF_SPACE),
    [' '] = PY_CTF_SPACE,
    RANGE('0', '9', PY_CTF_DIGIT | PY_CTF_XDIGIT),
    RANGE('A', 'F', PY_CTF_UPPER | PY_CTF_XDIGIT),
    RANGE('G', 'Z', PY_CTF_UPPER),
    RANGE('a', 'f', PY_CTF_LOWER | PY_CTF_XDIGIT),
    RANGE('g', 'z', PY_CTF_LOWER),
};

#define ROW(n, f) f(n), f(n + 1), f(n + 2), f(n + 3), f(n + 4), f(n + 5), f(n + 6), f(n + 7)
#define ROWS(n, f) ROW(n, f), ROW(n + 8, f), ROW(n + 16, f), ROW(n + 24, f)
#define ALL(f) \
    ROWS(0, f), ROWS(32, f), ROWS(64, f), ROWS(96, f), ROWS(128, f), ROWS(160, f), ROWS(192, f), \
    ROWS(224, f)
#define LOWERED(c) ((c) >= 'A' && (c) <= 'Z' ? (c) + 32 : (c))
#define UPPERED(c) ((c) >= 'a' && (c) <= 'z' ? (c) - 32 : (c))

const unsigned char _Py_ctype_tolower[256] = {ALL(LOWERED)};
const unsigned char _Py_ctype_toupper[256] = {ALL(UPPERED)};

/* What str.isspace() accepts below 128. */
const unsigned char _Py_ascii_whitespace[128] = {
    RANGE('\t', '\r', 1),
    RANGE(0x1c, 0x1f, 1),
    [' '] = 1,
};

const char *Py_hexdigits = "0123456789abcdef";
