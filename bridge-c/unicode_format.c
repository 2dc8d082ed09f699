/* PyUnicode_FromFormat and its relatives: printf with objects. */
#include "cape.h"

/* One conversion: % flags width .precision size letter */
typedef struct {
    int left;               /* '-' */
    int zero;               /* '0' */
    int alternate;          /* '#' */
    int bare;               /* no width, precision or size */
    Py_ssize_t width;       /* -1: none */
    Py_ssize_t precision;   /* -1: none */
    enum { SIZE_INT, SIZE_LONG, SIZE_LONGLONG, SIZE_SIZE_T, SIZE_INTMAX, SIZE_PTRDIFF } size;
} Conversion;

/* What va_list is as a parameter of functions that take it further. */
typedef struct {
    va_list args;
} Arguments;

static int
fill(_PyUnicodeWriter *writer, Py_ssize_t count, Py_UCS4 ch)
{
    if (count <= 0) {
        return 0;
    }
    if (_PyUnicodeWriter_Prepare(writer, count, ch) < 0) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyUnicode_WRITE(writer->kind, writer->data, writer->pos + i, ch);
    }
    writer->pos += count;
    return 0;
}

/* A string cut to the precision and padded to the width. */
static int
write_str(_PyUnicodeWriter *writer, PyObject *str, const Conversion *c)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(str);
    if (c->precision >= 0) {
        length = Py_MIN(length, c->precision);
    }
    Py_ssize_t padding = c->width - length;
    if (!c->left && fill(writer, padding, ' ') < 0) {
        return -1;
    }
    if (_PyUnicodeWriter_WriteSubstring(writer, str, 0, length) < 0) {
        return -1;
    }
    return c->left ? fill(writer, padding, ' ') : 0;
}

/* The same; takes the reference, NULL is an error. */
static int
write_taken(_PyUnicodeWriter *writer, PyObject *str, const Conversion *c)
{
    if (str == NULL) {
        return -1;
    }
    int status = write_str(writer, str, c);
    Py_DECREF(str);
    return status;
}

/* Drops a character that the end cuts: the length without it. */
static Py_ssize_t
whole_characters(const char *s, Py_ssize_t length)
{
    Py_ssize_t start = length;
    while (start > 0 && length - start < 3 && (s[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return length;
    }
    unsigned char lead = (unsigned char)s[start - 1];
    Py_ssize_t needed = lead > 0xf4 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    return length - (start - 1) < needed ? start - 1 : length;
}

/* Text in UTF-8, the precision counted in bytes. */
static int
write_utf8(_PyUnicodeWriter *writer, const char *s, const Conversion *c)
{
    Py_ssize_t length;
    if (c->precision < 0) {
        length = (Py_ssize_t)strlen(s);
    }
    else {
        length = (Py_ssize_t)strnlen(s, (size_t)c->precision);
        if (length == c->precision) {
            length = whole_characters(s, length);
        }
    }
    Py_UCS4 maxchar;
    if (c->width < 0 && cape_utf8_measure((const unsigned char *)s, length, &maxchar) >= 0) {
        if (maxchar < 128) {
            return _PyUnicodeWriter_WriteASCIIString(writer, s, length);
        }
        return PyUnicodeWriter_WriteUTF8((PyUnicodeWriter *)writer, s, length);
    }
    Conversion padded = *c;
    padded.precision = -1;
    return write_taken(writer, PyUnicode_DecodeUTF8(s, length, "replace"), &padded);
}

/* wchar_t text, the precision counted in characters. */
static int
write_wide(_PyUnicodeWriter *writer, const wchar_t *s, const Conversion *c)
{
    Py_ssize_t length = c->precision < 0 ? (Py_ssize_t)wcslen(s)
                                         : (Py_ssize_t)wcsnlen(s, (size_t)c->precision);
    Conversion padded = *c;
    padded.precision = -1;
    return write_taken(writer, PyUnicode_FromWideChar(s, length), &padded);
}

/* Decimal digits, as printf has them. */
static int
decimal_text(char *text, uintmax_t value, int negative)
{
    char digits[24];
    int n = 0, length = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    if (negative) {
        text[length++] = '-';
    }
    while (n > 0) {
        text[length++] = digits[--n];
    }
    text[length] = 0;
    return length;
}

/* The integer argument of the conversion, as text of `letter`. */
static int
integer_text(char *text, size_t room, char letter, const Conversion *c, Arguments *a)
{
    char format[] = {'%', 'j', letter, 0};
    if (letter == 'd' || letter == 'i') {
        intmax_t value;
        switch (c->size) {
        case SIZE_LONG: value = va_arg(a->args, long); break;
        case SIZE_LONGLONG: value = va_arg(a->args, long long); break;
        case SIZE_SIZE_T: value = va_arg(a->args, Py_ssize_t); break;
        case SIZE_INTMAX: value = va_arg(a->args, intmax_t); break;
        case SIZE_PTRDIFF: value = va_arg(a->args, ptrdiff_t); break;
        default: value = va_arg(a->args, int); break;
        }
        return decimal_text(text, value < 0 ? 0 - (uintmax_t)value : (uintmax_t)value, value < 0);
    }
    uintmax_t value;
    switch (c->size) {
    case SIZE_LONG: value = va_arg(a->args, unsigned long); break;
    case SIZE_LONGLONG: value = va_arg(a->args, unsigned long long); break;
    case SIZE_SIZE_T: value = va_arg(a->args, size_t); break;
    case SIZE_INTMAX: value = va_arg(a->args, uintmax_t); break;
    case SIZE_PTRDIFF: value = (uintmax_t)va_arg(a->args, ptrdiff_t); break;
    default: value = va_arg(a->args, unsigned int); break;
    }
    return letter == 'u' ? decimal_text(text, value, 0) : snprintf(text, room, format, value);
}

static int
write_integer(_PyUnicodeWriter *writer, char letter, const Conversion *c, Arguments *a)
{
    char text[32];
    Py_ssize_t length = integer_text(text, sizeof(text), letter, c, a);
    int sign = text[0] == '-';
    length -= sign;
    Py_ssize_t digits = Py_MAX(c->precision, length);
    Py_ssize_t width = Py_MAX(c->width, digits + sign);
    if (c->zero && !c->left) {
        digits = width - sign;
    }
    Py_ssize_t padding = width - digits - sign;
    if ((!c->left && fill(writer, padding, ' ') < 0)
        || (sign && _PyUnicodeWriter_WriteChar(writer, '-') < 0)
        || fill(writer, digits - length, '0') < 0
        || _PyUnicodeWriter_WriteASCIIString(writer, text + sign, length) < 0) {
        return -1;
    }
    return c->left ? fill(writer, padding, ' ') : 0;
}

/* What printf makes of a pointer, always with 0x in front. */
static void
pointer_text(char *text, size_t room, void *pointer)
{
    int length = snprintf(text, room, "%p", pointer);
    if (text[1] != 'x') {
        memmove(text + 2, text, (size_t)length + 1);
        text[0] = '0';
        text[1] = 'x';
    }
}

/* "module.qualname", or only the name of builtins and of __main__. */
PyObject *
cape_type_full_name(PyTypeObject *type, char separator)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return PyUnicode_FromString(type->tp_name);
    }
    PyObject *qualname = PyType_GetQualName(type);
    if (qualname == NULL) {
        return NULL;
    }
    PyObject *module = PyObject_GetAttrString((PyObject *)type, "__module__");
    if (module == NULL) {
        Py_DECREF(qualname);
        return NULL;
    }
    PyObject *result;
    if (PyUnicode_Check(module) && !PyUnicode_EqualToUTF8(module, "builtins")
        && !PyUnicode_EqualToUTF8(module, "__main__")) {
        result = PyUnicode_FromFormat("%U%c%U", module, separator, qualname);
        Py_DECREF(qualname);
    }
    else {
        result = qualname;
    }
    Py_DECREF(module);
    return result;
}

PyObject *
PyType_GetFullyQualifiedName(PyTypeObject *type)
{
    return cape_type_full_name(type, '.');
}

/* Reads decimal digits; -1 with ValueError when there are too many. */
static Py_ssize_t
read_number(const char **f, const char *too_big)
{
    Py_ssize_t value = 0;
    for (; Py_ISDIGIT(**f); ++*f) {
        int unit = **f - '0';
        if (value > (PY_SSIZE_T_MAX - unit) / 10) {
            PyErr_SetString(PyExc_ValueError, too_big);
            return -1;
        }
        value = value * 10 + unit;
    }
    return value;
}

/* Reads what stands between the % and the letter; -1 on error. */
static int
read_conversion(const char **f, Conversion *c, Arguments *a)
{
    memset(c, 0, sizeof(*c));
    c->width = c->precision = -1;
    for (;; ++*f) {
        switch (**f) {
        case '-': c->left = 1; continue;
        case '0': c->zero = 1; continue;
        case '#': c->alternate = 1; continue;
        }
        break;
    }
    if (**f == '*') {
        c->width = va_arg(a->args, int);
        if (c->width < 0) {
            c->left = 1;
            c->width = -c->width;
        }
        ++*f;
    }
    else if (Py_ISDIGIT(**f)) {
        c->width = read_number(f, "width too big");
        if (c->width < 0) {
            return -1;
        }
    }
    if (**f == '.') {
        ++*f;
        if (**f == '*') {
            c->precision = va_arg(a->args, int);
            if (c->precision < 0) {
                c->precision = -1;
            }
            ++*f;
        }
        else if (Py_ISDIGIT(**f)) {
            c->precision = read_number(f, "precision too big");
            if (c->precision < 0) {
                return -1;
            }
        }
    }
    switch (**f) {
    case 'l':
        ++*f;
        c->size = SIZE_LONG;
        if (**f == 'l') {
            ++*f;
            c->size = SIZE_LONGLONG;
        }
        break;
    case 'z': ++*f; c->size = SIZE_SIZE_T; break;
    case 'j': ++*f; c->size = SIZE_INTMAX; break;
    case 't': ++*f; c->size = SIZE_PTRDIFF; break;
    }
    c->bare = c->width == -1 && c->precision == -1 && c->size == SIZE_INT;
    return 0;
}

/* Does the conversion at *f, which is behind the %; 1 when it is unknown. */
static int
convert(_PyUnicodeWriter *writer, const char **f, Arguments *a)
{
    Conversion c;
    if (read_conversion(f, &c, a) < 0) {
        return -1;
    }
    char letter = *(*f)++;
    if (c.size != SIZE_INT && strchr("diuoxX", letter) == NULL
        && !(c.size == SIZE_LONG && (letter == 's' || letter == 'V'))) {
        return 1;
    }
    if (letter == 0) {
        return 1;
    }
    switch (letter) {
    case 'd': case 'i': case 'u': case 'o': case 'x': case 'X':
        return write_integer(writer, letter, &c, a);
    case 'c': {
        if (!c.bare) {
            return 1;
        }
        int ordinal = va_arg(a->args, int);
        if (ordinal < 0 || ordinal > 0x10ffff) {
            PyErr_SetString(PyExc_OverflowError, "character argument not in range(0x110000)");
            return -1;
        }
        return _PyUnicodeWriter_WriteChar(writer, (Py_UCS4)ordinal);
    }
    case 'p': {
        char text[32];
        if (!c.bare) {
            return 1;
        }
        pointer_text(text, sizeof(text), va_arg(a->args, void *));
        return _PyUnicodeWriter_WriteASCIIString(writer, text, -1);
    }
    case 's':
        return c.size == SIZE_LONG ? write_wide(writer, va_arg(a->args, const wchar_t *), &c)
                                   : write_utf8(writer, va_arg(a->args, const char *), &c);
    case 'U':
        return write_str(writer, va_arg(a->args, PyObject *), &c);
    case 'V': {
        PyObject *str = va_arg(a->args, PyObject *);
        const void *text = va_arg(a->args, const void *);
        return str != NULL ? write_str(writer, str, &c)
               : c.size == SIZE_LONG ? write_wide(writer, text, &c) : write_utf8(writer, text, &c);
    }
    case 'S':
        return write_taken(writer, PyObject_Str(va_arg(a->args, PyObject *)), &c);
    case 'R':
        return write_taken(writer, PyObject_Repr(va_arg(a->args, PyObject *)), &c);
    case 'A':
        return write_taken(writer, PyObject_ASCII(va_arg(a->args, PyObject *)), &c);
    case 'T': {
        PyTypeObject *type = Py_TYPE(va_arg(a->args, PyObject *));
        return write_taken(writer, cape_type_full_name(type, c.alternate ? ':' : '.'), &c);
    }
    case 'N': {
        PyObject *type = va_arg(a->args, PyObject *);
        if (!PyType_Check(type)) {
            PyErr_SetString(PyExc_TypeError, "%N argument must be a type");
            return -1;
        }
        return write_taken(writer,
                           cape_type_full_name((PyTypeObject *)type, c.alternate ? ':' : '.'), &c);
    }
    case '%':
        return c.bare && !c.left && !c.zero && !c.alternate ? _PyUnicodeWriter_WriteChar(writer, '%') : 1;
    default:
        return 1;
    }
}

/* Writes the whole format; -1 on error. */
static int
format_into(_PyUnicodeWriter *writer, const char *format, va_list vargs)
{
    Arguments a;
    int status = 0;
    cape_va_copy(a.args, vargs);
    for (const char *f = format; status == 0 && *f != 0;) {
        const char *start = f;
        if (*f == '%') {
            f++;
            status = convert(writer, &f, &a);
            if (status > 0) {
                PyErr_Format(PyExc_SystemError, "invalid format string: %s", start);
                status = -1;
            }
            continue;
        }
        while (*f != 0 && *f != '%') {
            if ((unsigned char)*f > 127) {
                PyErr_Format(PyExc_ValueError,
                             "PyUnicode_FromFormatV() expects an ASCII-encoded format string, got a "
                             "non-ASCII byte: 0x%02x", (unsigned char)*f);
                status = -1;
                break;
            }
            f++;
        }
        if (status == 0) {
            status = _PyUnicodeWriter_WriteASCIIString(writer, start, f - start);
        }
    }
    va_end(a.args);
    return status;
}

PyObject *
PyUnicode_FromFormatV(const char *format, va_list vargs)
{
    _PyUnicodeWriter writer;
    _PyUnicodeWriter_Init(&writer);
    writer.min_length = (Py_ssize_t)strlen(format) + 100;
    writer.overallocate = 1;
    if (format_into(&writer, format, vargs) < 0) {
        _PyUnicodeWriter_Dealloc(&writer);
        return NULL;
    }
    return _PyUnicodeWriter_Finish(&writer);
}

PyObject *
PyUnicode_FromFormat(const char *format, ...)
{
    va_list vargs;
    va_start(vargs, format);
    PyObject *result = PyUnicode_FromFormatV(format, vargs);
    va_end(vargs);
    return result;
}

int
PyUnicodeWriter_Format(PyUnicodeWriter *writer, const char *format, ...)
{
    _PyUnicodeWriter *w = (_PyUnicodeWriter *)writer;
    Py_ssize_t before = w->pos;
    va_list vargs;
    va_start(vargs, format);
    int status = format_into(w, format, vargs);
    va_end(vargs);
    if (status < 0) {
        w->pos = before;
    }
    return status;
}
