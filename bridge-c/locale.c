/* Names of the system as wide characters: UTF-8, whose mistakes are lone surrogates. Needs no interpreter. */
#include "cape.h"

/* The character at `s`, and its length in bytes; 0 when there is none. */
static int
utf8_char(const unsigned char *s, wchar_t *ch)
{
    if (s[0] < 0x80) {
        *ch = s[0];
        return 1;
    }
    int length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4) {
        return 0;
    }
    uint32_t value = s[0] & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;  /* the zero at the end, too */
        }
        value = value << 6 | (s[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *ch = (wchar_t)value;
    return length;
}

wchar_t *
Py_DecodeLocale(const char *arg, size_t *size)
{
    wchar_t *text = PyMem_RawMalloc((strlen(arg) + 1) * sizeof(wchar_t));
    if (text == NULL) {
        if (size != NULL) {
            *size = (size_t)-1;
        }
        return NULL;
    }
    size_t n = 0;
    for (const unsigned char *s = (const unsigned char *)arg; *s != 0; n++) {
        int length = utf8_char(s, &text[n]);
        if (length == 0) {
            text[n] = 0xdc00 + *s;
            length = 1;
        }
        s += length;
    }
    text[n] = 0;
    if (size != NULL) {
        *size = n;
    }
    return text;
}

char *
Py_EncodeLocale(const wchar_t *text, size_t *error_pos)
{
    char *all = PyMem_Malloc(4 * wcslen(text) + 1);
    unsigned char *s = (unsigned char *)all;
    if (error_pos != NULL) {
        *error_pos = (size_t)-1;
    }
    for (const wchar_t *at = text; all != NULL && *at != 0; at++) {
        uint32_t ch = (uint32_t)*at;
        if (ch >= 0xdc80 && ch <= 0xdcff) {
            *s++ = (unsigned char)(ch - 0xdc00);
        }
        else if ((ch >= 0xd800 && ch <= 0xdfff) || ch > 0x10ffff) {
            if (error_pos != NULL) {
                *error_pos = (size_t)(at - text);
            }
            PyMem_Free(all);
            return NULL;
        }
        else {
            int rest = ch < 0x80 ? 0 : ch < 0x800 ? 1 : ch < 0x10000 ? 2 : 3;
            static const unsigned char marks[] = {0, 0xc0, 0xe0, 0xf0};
            *s++ = (unsigned char)(marks[rest] | ch >> 6 * rest);
            while (rest-- > 0) {
                *s++ = (unsigned char)(0x80 | (ch >> 6 * rest & 0x3f));
            }
        }
    }
    if (all != NULL) {
        *s = 0;
    }
    return all;
}
