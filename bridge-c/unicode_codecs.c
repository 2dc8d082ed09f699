/* str to and from UTF-8, ASCII, Latin-1, UCS-4 and wchar_t. What is not plainly right (errors, error
 * handlers, other encodings) goes to Rust. */
#include "cape.h"

/* --- UTF-8 --------------------------------------------------------------------------------------- */

Py_ssize_t
cape_utf8_measure(const unsigned char *s, Py_ssize_t size, Py_UCS4 *max_char)
{
    const unsigned char *end = s + size;
    Py_ssize_t length = 0;
    Py_UCS4 max = 0x7f;
#define TAIL(i) ((s[i] & 0xc0) == 0x80)
    while (s < end) {
        if (*s < 0x80) {
            uint64_t word;
            while (end - s >= 8 && (memcpy(&word, s, 8), !(word & 0x8080808080808080u))) {
                s += 8;
                length += 8;
            }
            while (s < end && *s < 0x80) {
                s++;
                length++;
            }
            continue;
        }
        Py_ssize_t left = end - s;
        if (*s < 0xc2) {
            return -1;  /* a tail byte, or an overlong form */
        }
        if (*s < 0xe0) {
            if (left < 2 || !TAIL(1)) {
                return -1;
            }
            max = Py_MAX(max, (Py_UCS4)(*s < 0xc4 ? 0xff : 0xffff));
            s += 2;
        }
        else if (*s < 0xf0) {
            if (left < 3 || !TAIL(1) || !TAIL(2) || (*s == 0xe0 && s[1] < 0xa0)
                || (*s == 0xed && s[1] >= 0xa0)) {
                return -1;
            }
            max = Py_MAX(max, (Py_UCS4)0xffff);
            s += 3;
        }
        else {
            if (*s > 0xf4 || left < 4 || !TAIL(1) || !TAIL(2) || !TAIL(3)
                || (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] >= 0x90)) {
                return -1;
            }
            max = 0x10ffff;
            s += 4;
        }
        length++;
    }
#undef TAIL
    *max_char = max;
    return length;
}

#define STORE(TYPE) \
    do { \
        TYPE *out = (TYPE *)data + start; \
        while (s < end) { \
            Py_UCS4 ch = *s; \
            if (ch < 0x80) { \
                s++; \
            } \
            else if (ch < 0xe0) { \
                ch = (ch & 0x1f) << 6 | (s[1] & 0x3f); \
                s += 2; \
            } \
            else if (ch < 0xf0) { \
                ch = (ch & 0x0f) << 12 | (Py_UCS4)(s[1] & 0x3f) << 6 | (s[2] & 0x3f); \
                s += 3; \
            } \
            else { \
                ch = (ch & 0x07) << 18 | (Py_UCS4)(s[1] & 0x3f) << 12 \
                     | (Py_UCS4)(s[2] & 0x3f) << 6 | (s[3] & 0x3f); \
                s += 4; \
            } \
            *out++ = (TYPE)ch; \
        } \
    } while (0)

void
cape_utf8_store(const unsigned char *s, Py_ssize_t size, int kind, void *data, Py_ssize_t start)
{
    const unsigned char *end = s + size;
    switch (kind) {
    case PyUnicode_1BYTE_KIND: STORE(Py_UCS1); break;
    case PyUnicode_2BYTE_KIND: STORE(Py_UCS2); break;
    default: STORE(Py_UCS4); break;
    }
}

PyObject *
PyUnicode_DecodeUTF8(const char *str, Py_ssize_t size, const char *errors)
{
    const unsigned char *s = (const unsigned char *)str;
    Py_UCS4 max_char;
    if (size == 0) {
        return cape_empty_str();
    }
    if (CAPE_UNLIKELY((size_t)size > (size_t)1 << 56)) {
        return PyErr_NoMemory();  /* negative, or more than there is */
    }
    if (size == 1 && *s < 0x80) {
        return cape_latin1_char(*s);
    }
    if (size > 0 && cape_is_ascii(s, (size_t)size)) {
        PyObject *op = PyUnicode_New(size, 0x7f);
        if (op != NULL) {
            memcpy(PyUnicode_DATA(op), s, (size_t)size);
        }
        return op;
    }
    Py_ssize_t length = cape_utf8_measure(s, size, &max_char);
    if (CAPE_UNLIKELY(length < 0)) {
        return PyUnicode_Decode(str, size, "utf-8", errors);
    }
    if (length == 1) {
        Py_UCS4 ch;
        cape_utf8_store(s, size, PyUnicode_4BYTE_KIND, &ch, 0);
        if (ch < 0x100) {
            return cape_latin1_char((unsigned char)ch);
        }
    }
    PyObject *op = PyUnicode_New(length, max_char);
    if (CAPE_UNLIKELY(op == NULL)) {
        return NULL;
    }
    cape_utf8_store(s, size, PyUnicode_KIND(op), PyUnicode_DATA(op), 0);
    return op;
}

/* Bytes of the UTF-8 form; -1 when there is a surrogate, which has none. */
static Py_ssize_t
utf8_size(PyObject *op)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(op), size = 0;
    int kind = PyUnicode_KIND(op);
    const void *data = PyUnicode_DATA(op);
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, data, i);
        if (Py_UNICODE_IS_SURROGATE(ch)) {
            return -1;
        }
        size += ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
    }
    return size;
}

static void
utf8_write(PyObject *op, char *to)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(op);
    int kind = PyUnicode_KIND(op);
    const void *data = PyUnicode_DATA(op);
    unsigned char *out = (unsigned char *)to;
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, data, i);
        if (ch < 0x80) {
            *out++ = (unsigned char)ch;
        }
        else if (ch < 0x800) {
            *out++ = (unsigned char)(0xc0 | ch >> 6);
            *out++ = (unsigned char)(0x80 | (ch & 0x3f));
        }
        else if (ch < 0x10000) {
            *out++ = (unsigned char)(0xe0 | ch >> 12);
            *out++ = (unsigned char)(0x80 | (ch >> 6 & 0x3f));
            *out++ = (unsigned char)(0x80 | (ch & 0x3f));
        }
        else {
            *out++ = (unsigned char)(0xf0 | ch >> 18);
            *out++ = (unsigned char)(0x80 | (ch >> 12 & 0x3f));
            *out++ = (unsigned char)(0x80 | (ch >> 6 & 0x3f));
            *out++ = (unsigned char)(0x80 | (ch & 0x3f));
        }
    }
}

/* Raises the UnicodeEncodeError of a string that has no UTF-8 form. */
static void
raise_surrogates(PyObject *op)
{
    Py_XDECREF(PyUnicode_AsEncodedString(op, "utf-8", NULL));
}

/* The UTF-8 form, which the string keeps. */
const char *
PyUnicode_AsUTF8AndSize(PyObject *op, Py_ssize_t *size)
{
    if (!PyUnicode_Check(op)) {
        PyErr_BadArgument();
        if (size != NULL) {
            *size = -1;
        }
        return NULL;
    }
    if (CAPE_LIKELY(PyUnicode_IS_COMPACT_ASCII(op))) {
        if (size != NULL) {
            *size = PyUnicode_GET_LENGTH(op);
        }
        return PyUnicode_DATA(op);
    }
    PyCompactUnicodeObject *self = (PyCompactUnicodeObject *)op;
    if (self->utf8 == NULL) {
        Py_ssize_t bytes = utf8_size(op);
        char *text = bytes < 0 ? NULL : PyMem_Malloc((size_t)bytes + 1);
        if (text == NULL) {
            if (bytes < 0) {
                raise_surrogates(op);
            }
            else {
                PyErr_NoMemory();
            }
            if (size != NULL) {
                *size = -1;
            }
            return NULL;
        }
        utf8_write(op, text);
        text[bytes] = 0;
        self->utf8 = text;
        self->utf8_length = bytes;
    }
    if (size != NULL) {
        *size = self->utf8_length;
    }
    return self->utf8;
}

const char *
PyUnicode_AsUTF8(PyObject *op)
{
    return PyUnicode_AsUTF8AndSize(op, NULL);
}

/* The UTF-8 form as an object; `bytes`: how long it is. */
static PyObject *
utf8_bytes(PyObject *op, Py_ssize_t bytes)
{
    if (PyUnicode_IS_ASCII(op)) {
        return PyBytes_FromStringAndSize(PyUnicode_DATA(op), bytes);
    }
    PyObject *result = PyBytes_FromStringAndSize(NULL, bytes);
    if (result != NULL) {
        utf8_write(op, PyBytes_AS_STRING(result));
    }
    return result;
}

PyObject *
PyUnicode_AsUTF8String(PyObject *op)
{
    if (!PyUnicode_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    if (PyUnicode_IS_ASCII(op)) {
        return PyBytes_FromStringAndSize(PyUnicode_DATA(op), PyUnicode_GET_LENGTH(op));
    }
    Py_ssize_t bytes = utf8_size(op);
    return bytes < 0 ? PyUnicode_AsEncodedString(op, "utf-8", NULL) : utf8_bytes(op, bytes);
}

/* Whether it is one of the usual names of UTF-8; NULL is. */
static int
is_utf8(const char *encoding)
{
    if (encoding == NULL) {
        return 1;
    }
    if ((encoding[0] | 0x20) != 'u' || (encoding[1] | 0x20) != 't' || (encoding[2] | 0x20) != 'f') {
        return 0;
    }
    encoding += encoding[3] == '-' || encoding[3] == '_' ? 4 : 3;
    return encoding[0] == '8' && encoding[1] == 0;
}

/* For Rust: PyUnicode_AsEncodedString of what has a UTF-8 form, if that is asked for, so that it does not matter how errors are handled. 0, with
 * nothing done: it is something else. */
int
cape_encode_at_once(PyObject *op, const char *encoding, PyObject **result)
{
    if (op == NULL || !PyUnicode_Check(op) || !is_utf8(encoding)) {
        return 0;
    }
    Py_ssize_t bytes = PyUnicode_IS_ASCII(op) ? PyUnicode_GET_LENGTH(op) : utf8_size(op);
    if (bytes < 0) {
        return 0;
    }
    *result = utf8_bytes(op, bytes);
    return 1;
}

/* The same for PyUnicode_Decode of valid UTF-8, and of nothing. */
int
cape_decode_at_once(const char *s, Py_ssize_t size, const char *encoding, PyObject **result)
{
    Py_UCS4 max_char;
    if (size == 0) {
        /* (Whatever the encoding.) */
        *result = cape_empty_str();
        return 1;
    }
    if (size < 0 || (size_t)size > (size_t)1 << 47 || !is_utf8(encoding)
        || (!cape_is_ascii(s, (size_t)size) && cape_utf8_measure((const unsigned char *)s, size, &max_char) < 0)) {
        return 0;
    }
    *result = PyUnicode_DecodeUTF8(s, size, NULL);
    return 1;
}

/* --- ASCII and Latin-1 --------------------------------------------------------------------------- */

/* Whether a text can be that long at all; 0 with the exception of PyUnicode_New, before anything is read. */
static int
size_fits(Py_ssize_t size)
{
    if (size < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyUnicode_New");
        return 0;
    }
    if (size > (Py_ssize_t)1 << 47) {
        PyErr_NoMemory();
        return 0;
    }
    return 1;
}

PyObject *
PyUnicode_DecodeASCII(const char *s, Py_ssize_t size, const char *errors)
{
    if (!size_fits(size)) {
        return NULL;
    }
    if (cape_max_char(PyUnicode_1BYTE_KIND, s, size) > 0x7f) {
        return PyUnicode_Decode(s, size, "ascii", errors);
    }
    return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, s, size);
}

PyObject *
PyUnicode_DecodeLatin1(const char *s, Py_ssize_t size, const char *Py_UNUSED(errors))
{
    if (!size_fits(size)) {
        return NULL;
    }
    return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, s, size);
}

static PyObject *
encode_bytes(PyObject *op, Py_UCS4 limit, const char *encoding)
{
    if (!PyUnicode_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    if (PyUnicode_MAX_CHAR_VALUE(op) > limit) {
        return PyUnicode_AsEncodedString(op, encoding, NULL);
    }
    return PyBytes_FromStringAndSize(PyUnicode_DATA(op), PyUnicode_GET_LENGTH(op));
}

PyObject *
PyUnicode_AsASCIIString(PyObject *op)
{
    return encode_bytes(op, 0x7f, "ascii");
}

PyObject *
PyUnicode_AsLatin1String(PyObject *op)
{
    return encode_bytes(op, 0xff, "latin-1");
}

/* --- UCS-4 and wchar_t, which are the same thing ---------------------------------------------------- */

Py_UCS4 *
PyUnicode_AsUCS4(PyObject *op, Py_UCS4 *target, Py_ssize_t size, int copy_null)
{
    if (target == NULL || size < 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(op);
    if (size < length + (copy_null != 0)) {
        PyErr_SetString(PyExc_SystemError, "string is longer than the buffer");
        if (copy_null && size > 0) {
            target[0] = 0;
        }
        return NULL;
    }
    cape_copy_chars(PyUnicode_4BYTE_KIND, target, 0, PyUnicode_KIND(op), PyUnicode_DATA(op), 0, length);
    if (copy_null) {
        target[length] = 0;
    }
    return target;
}

Py_UCS4 *
PyUnicode_AsUCS4Copy(PyObject *op)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(op);
    Py_UCS4 *target = PyMem_New(Py_UCS4, length + 1);
    if (target == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return PyUnicode_AsUCS4(op, target, length + 1, 1);
}

int
cape_are_characters(const wchar_t *u, Py_ssize_t size)
{
    for (Py_ssize_t i = 0; i < size; i++) {
        if ((Py_UCS4)u[i] > 0x10ffff) {
            PyErr_Format(PyExc_ValueError, "character U+%x is not in range [U+0000; U+10ffff]", (unsigned int)u[i]);
            return 0;
        }
    }
    return 1;
}

PyObject *
PyUnicode_FromWideChar(const wchar_t *u, Py_ssize_t size)
{
    if (u == NULL && size != 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (size == -1) {
        size = (Py_ssize_t)wcslen(u);
    }
    if (!cape_are_characters(u, size)) {
        return NULL;
    }
    return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, u, size);
}

/* Copies at most `size` characters, with the final zero if it fits. */
Py_ssize_t
PyUnicode_AsWideChar(PyObject *op, wchar_t *w, Py_ssize_t size)
{
    if (op == NULL || !PyUnicode_Check(op)) {
        if (op == NULL) {
            PyErr_BadInternalCall();
        }
        else {
            PyErr_BadArgument();
        }
        return -1;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(op);
    if (w == NULL) {
        return length + 1;
    }
    Py_ssize_t count = Py_MIN(size, length);
    cape_copy_chars(PyUnicode_4BYTE_KIND, w, 0, PyUnicode_KIND(op), PyUnicode_DATA(op), 0, count);
    if (size > length) {
        w[length] = 0;
    }
    return count;
}

wchar_t *
PyUnicode_AsWideCharString(PyObject *op, Py_ssize_t *size)
{
    if (op == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (!PyUnicode_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    wchar_t *w = (wchar_t *)PyUnicode_AsUCS4Copy(op);
    if (w == NULL) {
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(op);
    if (size != NULL) {
        *size = length;
    }
    else if (wcslen(w) != (size_t)length) {
        PyMem_Free(w);
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    return w;
}

/* --- the file system's and the locale's encoding: both UTF-8 ----------------------------------------- */

PyObject *
PyUnicode_DecodeFSDefaultAndSize(const char *s, Py_ssize_t size)
{
    return PyUnicode_DecodeUTF8(s, size, "surrogateescape");
}

PyObject *
PyUnicode_DecodeFSDefault(const char *s)
{
    return PyUnicode_DecodeFSDefaultAndSize(s, (Py_ssize_t)strlen(s));
}

PyObject *
PyUnicode_EncodeFSDefault(PyObject *op)
{
    if (PyUnicode_Check(op) && PyUnicode_IS_ASCII(op)) {
        return PyUnicode_AsUTF8String(op);
    }
    return PyUnicode_AsEncodedString(op, "utf-8", "surrogateescape");
}

PyObject *
PyUnicode_DecodeLocaleAndSize(const char *s, Py_ssize_t size, const char *errors)
{
    if (s[size] != 0 || (size_t)size != strlen(s)) {
        PyErr_SetString(PyExc_ValueError, "embedded null byte");
        return NULL;
    }
    return PyUnicode_DecodeUTF8(s, size, errors);
}

PyObject *
PyUnicode_DecodeLocale(const char *s, const char *errors)
{
    return PyUnicode_DecodeUTF8(s, (Py_ssize_t)strlen(s), errors);
}

PyObject *
PyUnicode_EncodeLocale(PyObject *op, const char *errors)
{
    return PyUnicode_AsEncodedString(op, "utf-8", errors);
}
