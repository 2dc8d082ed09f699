/* str: making strings, reading and comparing them. Codecs and the rest are elsewhere. */
#include "cape.h"

#undef PyUnicode_KIND
#undef PyUnicode_DATA

int PyUnicode_KIND(PyObject *op) { return _PyASCIIObject_CAST(op)->state.kind; }
void *PyUnicode_DATA(PyObject *op) { return _PyUnicode_DATA(op); }

#define PyUnicode_KIND(op) _Py_RVALUE(_PyASCIIObject_CAST(op)->state.kind)
#define PyUnicode_DATA(op) _PyUnicode_DATA(_PyObject_CAST(op))

/* --- static strings ------------------------------------------------------------------------------ */

static struct {
    PyASCIIObject head;
    Py_UCS1 text[2];
} ascii[129];  /* the last is the empty string */
static struct {
    PyCompactUnicodeObject head;
    Py_UCS1 text[2];
} latin1[128];

static void
make_static(PyASCIIObject *op, Py_ssize_t length, int is_ascii)
{
    op->ob_base.ob_refcnt_full = _Py_STATIC_IMMORTAL_INITIAL_REFCNT;
    op->ob_base.ob_type = &PyUnicode_Type;
    op->length = length;
    op->hash = -1;
    op->state.kind = PyUnicode_1BYTE_KIND;
    op->state.compact = 1;
    op->state.ascii = is_ascii;
    op->state.statically_allocated = 1;
}

__attribute__((constructor)) static void
make_static_strings(void)
{
    for (int i = 0; i < 128; i++) {
        make_static(&ascii[i].head, 1, 1);
        ascii[i].text[0] = (Py_UCS1)i;
        make_static(&latin1[i].head._base, 1, 0);
        latin1[i].text[0] = (Py_UCS1)(i + 128);
    }
    make_static(&ascii[128].head, 0, 1);
}

PyObject *
cape_empty_str(void)
{
    return (PyObject *)&ascii[128].head;
}

PyObject *
cape_latin1_char(unsigned char ch)
{
    return ch < 128 ? (PyObject *)&ascii[ch].head : (PyObject *)&latin1[ch - 128].head;
}

/* --- making strings ------------------------------------------------------------------------------ */

static int
kind_for(Py_UCS4 max_char)
{
    return max_char < 0x100 ? PyUnicode_1BYTE_KIND
           : max_char < 0x10000 ? PyUnicode_2BYTE_KIND : PyUnicode_4BYTE_KIND;
}

PyObject *
PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
{
    if (size == 0) {
        return cape_empty_str();
    }
    if (maxchar > 0x10ffff) {
        PyErr_SetString(PyExc_SystemError, "invalid maximum character passed to PyUnicode_New");
        return NULL;
    }
    if (size < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyUnicode_New");
        return NULL;
    }
    int is_ascii = maxchar < 0x80;
    int kind = kind_for(maxchar);
    size_t header = is_ascii ? sizeof(PyASCIIObject) : sizeof(PyCompactUnicodeObject);
    if (size > (Py_ssize_t)((PY_SSIZE_T_MAX - header) / (size_t)kind - 1)) {
        return PyErr_NoMemory();
    }
    PyObject *op = cape_text_malloc(header, (size_t)(size + 1) * (size_t)kind);
    if (CAPE_UNLIKELY(op == NULL)) {
        return PyErr_NoMemory();
    }
    cape_init(op, &PyUnicode_Type);
    PyASCIIObject *head = (PyASCIIObject *)op;
    head->length = size;
    head->hash = -1;
    memset(&head->state, 0, sizeof(head->state));
    head->state.kind = (unsigned int)kind;
    head->state.compact = 1;
    head->state.ascii = (unsigned int)is_ascii;
    if (!is_ascii) {
        ((PyCompactUnicodeObject *)op)->utf8_length = 0;
        ((PyCompactUnicodeObject *)op)->utf8 = NULL;
    }
    PyUnicode_WRITE(kind, (char *)op + header, size, 0);
    return op;
}

void
cape_unicode_dealloc(PyObject *op)
{
    if (!PyUnicode_IS_COMPACT_ASCII(op)) {
        PyCompactUnicodeObject *self = (PyCompactUnicodeObject *)op;
        if (self->utf8 != NULL && self->utf8 != PyUnicode_DATA(op)) {
            PyMem_Free(self->utf8);
        }
        if (!PyUnicode_IS_COMPACT(op) && ((PyUnicodeObject *)op)->data.any != NULL) {
            PyMem_Free(((PyUnicodeObject *)op)->data.any);
        }
    }
    if (PyUnicode_CheckExact(op)) {
        size_t size = 0;
        if (CAPE_LIKELY(PyUnicode_IS_COMPACT(op))) {
            size_t head = PyUnicode_IS_ASCII(op) ? sizeof(PyASCIIObject) : sizeof(PyCompactUnicodeObject);
            size = head + ((size_t)PyUnicode_GET_LENGTH(op) + 1) * (size_t)PyUnicode_KIND(op);
        }
        cape_text_free(op, size);
    }
    else {
        Py_TYPE(op)->tp_free != NULL ? Py_TYPE(op)->tp_free(op) : PyObject_Free(op);
    }
}

int
cape_unicode_is_modifiable(PyObject *op)
{
    PyASCIIObject *head = (PyASCIIObject *)op;
    return Py_REFCNT(op) == 1 && !cape_is_linked(op) && head->hash == -1
           && head->state.interned == 0 && !head->state.statically_allocated
           && PyUnicode_CheckExact(op);
}

/* --- characters ---------------------------------------------------------------------------------- */

Py_UCS4
cape_max_char(int kind, const void *data, Py_ssize_t size)
{
    Py_UCS4 all = 0;
    switch (kind) {
    case PyUnicode_1BYTE_KIND: {
        return size == 0 || cape_is_ascii(data, (size_t)size) ? 0x7f : 0xff;
    }
    case PyUnicode_2BYTE_KIND: {
        const Py_UCS2 *s = data;
        for (Py_ssize_t i = 0; i < size; i++) {
            all |= s[i];
        }
        break;
    }
    default: {
        const Py_UCS4 *s = data;
        for (Py_ssize_t i = 0; i < size; i++) {
            if (s[i] > 0x10ffff) {
                return s[i];
            }
            all |= s[i];
        }
        break;
    }
    }
    return all < 0x80 ? 0x7f : all < 0x100 ? 0xff : all < 0x10000 ? 0xffff : 0x10ffff;
}

#define COPY(FROM, TO) \
    do { \
        const FROM *s = (const FROM *)from + from_start; \
        TO *t = (TO *)to + to_start; \
        for (Py_ssize_t i = 0; i < count; i++) { \
            t[i] = (TO)s[i]; \
        } \
    } while (0)

void
cape_copy_chars(int to_kind, void *to, Py_ssize_t to_start, int from_kind, const void *from,
                Py_ssize_t from_start, Py_ssize_t count)
{
    if (to_kind == from_kind) {
        memcpy((char *)to + to_start * to_kind, (const char *)from + from_start * from_kind,
               (size_t)(count * to_kind));
        return;
    }
    switch (from_kind << 4 | to_kind) {
    case 0x12: COPY(Py_UCS1, Py_UCS2); break;
    case 0x14: COPY(Py_UCS1, Py_UCS4); break;
    case 0x21: COPY(Py_UCS2, Py_UCS1); break;
    case 0x24: COPY(Py_UCS2, Py_UCS4); break;
    case 0x41: COPY(Py_UCS4, Py_UCS1); break;
    case 0x42: COPY(Py_UCS4, Py_UCS2); break;
    default: Py_UNREACHABLE();
    }
}

/* A string of the narrowest kind. */
static PyObject *
from_chars(int kind, const void *data, Py_ssize_t size)
{
    if (size == 0) {
        return cape_empty_str();
    }
    if (size == 1) {
        Py_UCS4 ch = PyUnicode_READ(kind, data, 0);
        if (ch < 0x100) {
            return cape_latin1_char((unsigned char)ch);
        }
    }
    Py_UCS4 max_char = cape_max_char(kind, data, size);
    PyObject *op = PyUnicode_New(size, max_char);
    if (op != NULL) {
        cape_copy_chars(PyUnicode_KIND(op), PyUnicode_DATA(op), 0, kind, data, 0, size);
    }
    return op;
}

PyObject *
PyUnicode_FromKindAndData(int kind, const void *buffer, Py_ssize_t size)
{
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "size must be positive");
        return NULL;
    }
    if (kind != PyUnicode_1BYTE_KIND && kind != PyUnicode_2BYTE_KIND && kind != PyUnicode_4BYTE_KIND) {
        PyErr_SetString(PyExc_SystemError, "invalid kind");
        return NULL;
    }
    return from_chars(kind, buffer, size);
}

PyObject *
PyUnicode_FromOrdinal(int ordinal)
{
    if (ordinal < 0 || ordinal > 0x10ffff) {
        PyErr_SetString(PyExc_ValueError, "chr() arg not in range(0x110000)");
        return NULL;
    }
    Py_UCS4 ch = (Py_UCS4)ordinal;
    return from_chars(PyUnicode_4BYTE_KIND, &ch, 1);
}

PyObject *
PyUnicode_FromStringAndSize(const char *u, Py_ssize_t size)
{
    if (size < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyUnicode_FromStringAndSize");
        return NULL;
    }
    if (u != NULL) {
        return PyUnicode_DecodeUTF8(u, size, NULL);
    }
    if (size > 0) {
        PyErr_SetString(PyExc_SystemError,
                        "NULL string with positive size with NULL passed to "
                        "PyUnicode_FromStringAndSize");
        return NULL;
    }
    return cape_empty_str();
}

PyObject *
PyUnicode_FromString(const char *u)
{
    return PyUnicode_DecodeUTF8(u, (Py_ssize_t)strlen(u), NULL);
}

/* Names that C code spells out: most come as literals, so the last one met at an address is likely the same
 * again. The text is compared all the same. (Rust looks here, too: `ffi::KnownName`.) */
#define NAMES 256
CAPE_PRIVATE struct {
    const char *address;
    PyObject *name;
} _Cape_names[NAMES];

PyObject *
PyUnicode_InternFromString(const char *u)
{
    uintptr_t at = (uintptr_t)u;
    size_t i = (at ^ at >> 8) % NAMES;
    if (_Cape_names[i].address == u && strcmp(u, (const char *)PyUnicode_DATA(_Cape_names[i].name)) == 0) {
        return Py_NewRef(_Cape_names[i].name);
    }
    PyObject *op = PyUnicode_FromString(u);
    if (op != NULL) {
        PyUnicode_InternInPlace(&op);
        if (PyUnicode_IS_ASCII(op) && PyUnicode_GET_LENGTH(op) < 64) {
            _Cape_names[i].address = u;
            Py_XSETREF(_Cape_names[i].name, Py_NewRef(op));
        }
    }
    return op;
}

PyObject *
PyUnicode_FromObject(PyObject *op)
{
    if (PyUnicode_CheckExact(op)) {
        return Py_NewRef(op);
    }
    if (PyUnicode_Check(op)) {
        return from_chars(PyUnicode_KIND(op), PyUnicode_DATA(op), PyUnicode_GET_LENGTH(op));
    }
    return PyErr_Format(PyExc_TypeError, "Can't convert '%.100s' object to str implicitly",
                        Py_TYPE(op)->tp_name);
}

/* --- size and single characters ------------------------------------------------------------------ */

/* False with TypeError("bad argument type for built-in operation"). */
static int
require_str(PyObject *op)
{
    if (!PyUnicode_Check(op)) {
        PyErr_BadArgument();
        return 0;
    }
    return 1;
}

Py_ssize_t
PyUnicode_GetLength(PyObject *op)
{
    return require_str(op) ? PyUnicode_GET_LENGTH(op) : -1;
}

/* Once the number of wchar_t: of code points, in fact. */
Py_ssize_t
PyUnicode_GetSize(PyObject *op)
{
    return PyUnicode_GetLength(op);
}

Py_UCS4
PyUnicode_ReadChar(PyObject *op, Py_ssize_t index)
{
    if (!require_str(op)) {
        return (Py_UCS4)-1;
    }
    if ((size_t)index >= (size_t)PyUnicode_GET_LENGTH(op)) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return (Py_UCS4)-1;
    }
    return PyUnicode_READ_CHAR(op, index);
}

static int
check_modifiable(PyObject *op)
{
    if (!cape_unicode_is_modifiable(op)) {
        PyErr_SetString(PyExc_SystemError, "Cannot modify a string currently used");
        return 0;
    }
    return 1;
}

int
PyUnicode_WriteChar(PyObject *op, Py_ssize_t index, Py_UCS4 ch)
{
    if (!PyUnicode_Check(op) || !PyUnicode_IS_COMPACT(op)) {
        PyErr_BadArgument();
        return -1;
    }
    if ((size_t)index >= (size_t)PyUnicode_GET_LENGTH(op)) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return -1;
    }
    if (!check_modifiable(op)) {
        return -1;
    }
    if (ch > PyUnicode_MAX_CHAR_VALUE(op)) {
        PyErr_SetString(PyExc_ValueError, "character out of range");
        return -1;
    }
    PyUnicode_WRITE(PyUnicode_KIND(op), PyUnicode_DATA(op), index, ch);
    return 0;
}

Py_ssize_t
PyUnicode_Fill(PyObject *op, Py_ssize_t start, Py_ssize_t length, Py_UCS4 ch)
{
    if (!PyUnicode_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (!check_modifiable(op)) {
        return -1;
    }
    if (start < 0) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return -1;
    }
    if (ch > PyUnicode_MAX_CHAR_VALUE(op)) {
        PyErr_SetString(PyExc_ValueError,
                        "fill character is bigger than the string maximum character");
        return -1;
    }
    length = Py_MIN(length, PyUnicode_GET_LENGTH(op) - start);
    if (length <= 0) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        PyUnicode_WRITE(PyUnicode_KIND(op), PyUnicode_DATA(op), start + i, ch);
    }
    return length;
}

Py_ssize_t
PyUnicode_CopyCharacters(PyObject *to, Py_ssize_t to_start, PyObject *from, Py_ssize_t from_start,
                         Py_ssize_t count)
{
    if (!PyUnicode_Check(from) || !PyUnicode_Check(to)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if ((size_t)from_start > (size_t)PyUnicode_GET_LENGTH(from)
        || (size_t)to_start > (size_t)PyUnicode_GET_LENGTH(to)) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return -1;
    }
    if (count < 0) {
        PyErr_SetString(PyExc_SystemError, "how_many cannot be negative");
        return -1;
    }
    count = Py_MIN(PyUnicode_GET_LENGTH(from) - from_start, count);
    if (to_start + count > PyUnicode_GET_LENGTH(to)) {
        PyErr_Format(PyExc_SystemError,
                     "Cannot write %zi characters at %zi in a string of %zi characters", count,
                     to_start, PyUnicode_GET_LENGTH(to));
        return -1;
    }
    if (count == 0) {
        return 0;
    }
    if (!check_modifiable(to)) {
        return -1;
    }
    const void *data = (const char *)PyUnicode_DATA(from) + from_start * PyUnicode_KIND(from);
    if (PyUnicode_MAX_CHAR_VALUE(from) > PyUnicode_MAX_CHAR_VALUE(to)
        && cape_max_char(PyUnicode_KIND(from), data, count) > PyUnicode_MAX_CHAR_VALUE(to)) {
        PyErr_Format(PyExc_SystemError,
                     "Cannot copy %s characters into a string of %s characters",
                     PyUnicode_IS_ASCII(from) ? "ascii" : PyUnicode_KIND(from) == 1 ? "latin-1"
                     : PyUnicode_KIND(from) == 2 ? "UCS2" : "UCS4",
                     PyUnicode_IS_ASCII(to) ? "ascii" : PyUnicode_KIND(to) == 1 ? "latin-1" : "UCS2");
        return -1;
    }
    cape_copy_chars(PyUnicode_KIND(to), PyUnicode_DATA(to), to_start, PyUnicode_KIND(from), data, 0,
                    count);
    return count;
}

/* --- parts and wholes ---------------------------------------------------------------------------- */

PyObject *
PyUnicode_Substring(PyObject *self, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    end = Py_MIN(end, length);
    if (start == 0 && end == length) {
        return PyUnicode_FromObject(self);
    }
    if (start < 0 || end < 0) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return NULL;
    }
    if (start >= length || end < start) {
        return cape_empty_str();
    }
    int kind = PyUnicode_KIND(self);
    const char *data = (const char *)PyUnicode_DATA(self) + start * kind;
    Py_ssize_t size = end - start;
    if (PyUnicode_IS_ASCII(self) && size > 1) {
        PyObject *op = PyUnicode_New(size, 0x7f);
        if (CAPE_LIKELY(op != NULL)) {
            memcpy(PyUnicode_DATA(op), data, (size_t)size);
        }
        return op;
    }
    return from_chars(kind, data, size);
}

Py_ssize_t
PyUnicode_FindChar(PyObject *str, Py_UCS4 ch, Py_ssize_t start, Py_ssize_t end, int direction)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(str);
    end = end > length ? length : end < 0 ? Py_MAX(end + length, 0) : end;
    start = start < 0 ? Py_MAX(start + length, 0) : start;
    int kind = PyUnicode_KIND(str);
    const void *data = PyUnicode_DATA(str);
    if (direction > 0) {
        if (kind == PyUnicode_1BYTE_KIND) {
            const char *found = NULL;
            if (start < end && ch < 0x100) {
                found = memchr((const char *)data + start, (int)ch, (size_t)(end - start));
            }
            return found == NULL ? -1 : found - (const char *)data;
        }
        for (Py_ssize_t i = start; i < end; i++) {
            if (PyUnicode_READ(kind, data, i) == ch) {
                return i;
            }
        }
    }
    else {
        for (Py_ssize_t i = end - 1; i >= start; i--) {
            if (PyUnicode_READ(kind, data, i) == ch) {
                return i;
            }
        }
    }
    return -1;
}

PyObject *
PyUnicode_Concat(PyObject *left, PyObject *right)
{
    if (!PyUnicode_Check(left)) {
        return cape_type_error("must be str, not %.100s", left);
    }
    if (!PyUnicode_Check(right)) {
        return PyErr_Format(PyExc_TypeError, "can only concatenate str (not \"%.200s\") to str",
                            Py_TYPE(right)->tp_name);
    }
    Py_ssize_t left_size = PyUnicode_GET_LENGTH(left), right_size = PyUnicode_GET_LENGTH(right);
    if (left_size == 0) {
        return PyUnicode_FromObject(right);
    }
    if (right_size == 0) {
        return PyUnicode_FromObject(left);
    }
    if (left_size > PY_SSIZE_T_MAX - right_size) {
        PyErr_SetString(PyExc_OverflowError, "strings are too large to concat");
        return NULL;
    }
    PyObject *result = PyUnicode_New(left_size + right_size,
                                     Py_MAX(PyUnicode_MAX_CHAR_VALUE(left),
                                            PyUnicode_MAX_CHAR_VALUE(right)));
    if (result != NULL) {
        int kind = PyUnicode_KIND(result);
        void *data = PyUnicode_DATA(result);
        cape_copy_chars(kind, data, 0, PyUnicode_KIND(left), PyUnicode_DATA(left), 0, left_size);
        cape_copy_chars(kind, data, left_size, PyUnicode_KIND(right), PyUnicode_DATA(right), 0,
                        right_size);
    }
    return result;
}

void
PyUnicode_Append(PyObject **p_left, PyObject *right)
{
    PyObject *left = *p_left;
    if (left == NULL || right == NULL || !PyUnicode_Check(left) || !PyUnicode_Check(right)) {
        if (p_left != NULL && left != NULL && right != NULL) {
            PyErr_BadInternalCall();
        }
        Py_CLEAR(*p_left);
        return;
    }
    Py_ssize_t left_size = PyUnicode_GET_LENGTH(left), right_size = PyUnicode_GET_LENGTH(right);
    if (right_size > 0 && left_size > 0 && PyUnicode_CheckExact(right)
        && cape_unicode_is_modifiable(left) && PyUnicode_IS_COMPACT(left)
        && PyUnicode_KIND(right) <= PyUnicode_KIND(left)
        && !(PyUnicode_IS_ASCII(left) && !PyUnicode_IS_ASCII(right))
        && left_size <= PY_SSIZE_T_MAX - right_size) {
        if (PyUnicode_Resize(p_left, left_size + right_size) < 0) {
            Py_CLEAR(*p_left);
            return;
        }
        left = *p_left;
        cape_copy_chars(PyUnicode_KIND(left), PyUnicode_DATA(left), left_size, PyUnicode_KIND(right),
                        PyUnicode_DATA(right), 0, right_size);
        return;
    }
    *p_left = PyUnicode_Concat(left, right);
    Py_DECREF(left);
}

void
PyUnicode_AppendAndDel(PyObject **p_left, PyObject *right)
{
    PyUnicode_Append(p_left, right);
    Py_XDECREF(right);
}

int
PyUnicode_Resize(PyObject **p, Py_ssize_t length)
{
    if (p == NULL || *p == NULL || !PyUnicode_Check(*p) || length < 0) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyObject *op = *p;
    Py_ssize_t old = PyUnicode_GET_LENGTH(op);
    if (old == length) {
        return 0;
    }
    if (length == 0) {
        *p = cape_empty_str();
        Py_DECREF(op);
        return 0;
    }
    if (!cape_unicode_is_modifiable(op) || !PyUnicode_IS_COMPACT(op)) {
        PyObject *copy = PyUnicode_New(length, PyUnicode_MAX_CHAR_VALUE(op));
        if (copy == NULL) {
            return -1;
        }
        cape_copy_chars(PyUnicode_KIND(copy), PyUnicode_DATA(copy), 0, PyUnicode_KIND(op),
                        PyUnicode_DATA(op), 0, Py_MIN(old, length));
        Py_SETREF(*p, copy);
        return 0;
    }
    size_t kind = (size_t)PyUnicode_KIND(op);
    size_t header = PyUnicode_IS_ASCII(op) ? sizeof(PyASCIIObject) : sizeof(PyCompactUnicodeObject);
    if (!PyUnicode_IS_ASCII(op)) {
        PyCompactUnicodeObject *self = (PyCompactUnicodeObject *)op;
        PyMem_Free(self->utf8);
        self->utf8 = NULL;
        self->utf8_length = 0;
    }
    if (length > (Py_ssize_t)((PY_SSIZE_T_MAX - header) / kind - 1)) {
        PyErr_NoMemory();
        return -1;
    }
    op = cape_text_realloc(op, header, (size_t)(length + 1) * kind);
    if (op == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    ((PyASCIIObject *)op)->length = length;
    PyUnicode_WRITE((int)kind, PyUnicode_DATA(op), length, 0);
    *p = op;
    return 0;
}

/* --- comparison ---------------------------------------------------------------------------------- */

static int
same_chars(PyObject *a, PyObject *b)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(a);
    int kind = PyUnicode_KIND(a);
    return length == PyUnicode_GET_LENGTH(b) && kind == PyUnicode_KIND(b)
           && memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), (size_t)(length * kind)) == 0;
}

int
PyUnicode_Compare(PyObject *a, PyObject *b)
{
    if (!PyUnicode_Check(a) || !PyUnicode_Check(b)) {
        PyErr_Format(PyExc_TypeError, "Can't compare %.100s and %.100s", Py_TYPE(a)->tp_name,
                     Py_TYPE(b)->tp_name);
        return -1;
    }
    if (a == b) {
        return 0;
    }
    Py_ssize_t length_a = PyUnicode_GET_LENGTH(a), length_b = PyUnicode_GET_LENGTH(b);
    Py_ssize_t length = Py_MIN(length_a, length_b);
    int kind_a = PyUnicode_KIND(a), kind_b = PyUnicode_KIND(b);
    const void *data_a = PyUnicode_DATA(a), *data_b = PyUnicode_DATA(b);
    if (kind_a == 1 && kind_b == 1) {
        int order = memcmp(data_a, data_b, (size_t)length);
        if (order != 0) {
            return order < 0 ? -1 : 1;
        }
    }
    else {
        for (Py_ssize_t i = 0; i < length; i++) {
            Py_UCS4 ch_a = PyUnicode_READ(kind_a, data_a, i), ch_b = PyUnicode_READ(kind_b, data_b, i);
            if (ch_a != ch_b) {
                return ch_a < ch_b ? -1 : 1;
            }
        }
    }
    return length_a < length_b ? -1 : length_a > length_b;
}

int
PyUnicode_Equal(PyObject *a, PyObject *b)
{
    if (!PyUnicode_Check(a)) {
        PyErr_Format(PyExc_TypeError, "first argument must be str, not %T", a);
        return -1;
    }
    if (!PyUnicode_Check(b)) {
        PyErr_Format(PyExc_TypeError, "second argument must be str, not %T", b);
        return -1;
    }
    return a == b || same_chars(a, b);
}

int
PyUnicode_CompareWithASCIIString(PyObject *uni, const char *str)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(uni);
    int kind = PyUnicode_KIND(uni);
    const void *data = PyUnicode_DATA(uni);
    if (kind == PyUnicode_1BYTE_KIND) {
        Py_ssize_t size = (Py_ssize_t)strlen(str);
        int order = memcmp(data, str, (size_t)Py_MIN(length, size));
        return order != 0 ? (order < 0 ? -1 : 1) : (length > size) - (length < size);
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, data, i), other = (unsigned char)str[i];
        if (ch != other || other == 0) {
            return ch < other ? -1 : 1;
        }
    }
    return str[length] == 0 ? 0 : -1;
}

int
PyUnicode_EqualToUTF8AndSize(PyObject *op, const char *str, Py_ssize_t size)
{
    const unsigned char *s = (const unsigned char *)str;
    Py_ssize_t length = PyUnicode_GET_LENGTH(op);
    if (PyUnicode_IS_ASCII(op)) {
        return length == size && memcmp(PyUnicode_DATA(op), str, (size_t)size) == 0;
    }
    Py_UCS4 max_char;
    if (cape_utf8_measure(s, size, &max_char) != length) {
        return 0;
    }
    PyCompactUnicodeObject *self = (PyCompactUnicodeObject *)op;
    if (self->utf8 != NULL) {
        return self->utf8_length == size && memcmp(self->utf8, str, (size_t)size) == 0;
    }
    for (Py_ssize_t i = 0, at = 0; i < length; i++) {
        Py_UCS4 ch;
        int bytes = s[at] < 0x80 ? 1 : s[at] < 0xe0 ? 2 : s[at] < 0xf0 ? 3 : 4;
        cape_utf8_store(s + at, bytes, PyUnicode_4BYTE_KIND, &ch, 0);
        if (ch != PyUnicode_READ_CHAR(op, i)) {
            return 0;
        }
        at += bytes;
    }
    return 1;
}

int
PyUnicode_EqualToUTF8(PyObject *op, const char *str)
{
    return PyUnicode_EqualToUTF8AndSize(op, str, (Py_ssize_t)strlen(str));
}
