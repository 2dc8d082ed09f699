/* The string builders: the private _PyUnicodeWriter and the public PyUnicodeWriter around it. */
#include "cape.h"

/* --- _PyUnicodeWriter ---------------------------------------------------------------------------- */

static void
update(_PyUnicodeWriter *writer)
{
    writer->maxchar = PyUnicode_MAX_CHAR_VALUE(writer->buffer);
    writer->data = PyUnicode_DATA(writer->buffer);
    if (writer->readonly) {
        /* Nothing can be written: the next write makes a buffer. */
        writer->kind = 0;
        writer->size = 0;
    }
    else {
        writer->kind = PyUnicode_KIND(writer->buffer);
        writer->size = PyUnicode_GET_LENGTH(writer->buffer);
    }
}

void
_PyUnicodeWriter_Init(_PyUnicodeWriter *writer)
{
    memset(writer, 0, sizeof(*writer));
    writer->min_char = 127;
}

int
_PyUnicodeWriter_PrepareInternal(_PyUnicodeWriter *writer, Py_ssize_t length, Py_UCS4 maxchar)
{
    if (length > PY_SSIZE_T_MAX - writer->pos) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t wanted = writer->pos + length;
    maxchar = Py_MAX(maxchar, writer->min_char);
    if (writer->buffer == NULL || wanted > writer->size) {
        if (writer->overallocate && wanted <= PY_SSIZE_T_MAX - wanted / 4) {
            wanted += wanted / 4;
        }
        wanted = Py_MAX(wanted, writer->min_length);
    }
    else {
        if (maxchar <= writer->maxchar) {
            return 0;
        }
        wanted = writer->size;
    }
    if (writer->buffer != NULL && !writer->readonly && maxchar <= writer->maxchar) {
        if (PyUnicode_Resize(&writer->buffer, wanted) < 0) {
            return -1;
        }
    }
    else {
        PyObject *buffer = PyUnicode_New(wanted, Py_MAX(maxchar, writer->maxchar));
        if (buffer == NULL) {
            return -1;
        }
        if (writer->buffer != NULL) {
            cape_copy_chars(PyUnicode_KIND(buffer), PyUnicode_DATA(buffer), 0,
                            PyUnicode_KIND(writer->buffer), PyUnicode_DATA(writer->buffer), 0,
                            writer->pos);
            Py_DECREF(writer->buffer);
        }
        writer->buffer = buffer;
        writer->readonly = 0;
    }
    update(writer);
    return 0;
}

int
_PyUnicodeWriter_PrepareKindInternal(_PyUnicodeWriter *writer, int kind)
{
    Py_UCS4 maxchar = kind == PyUnicode_1BYTE_KIND ? 0xff
                      : kind == PyUnicode_2BYTE_KIND ? 0xffff : 0x10ffff;
    return _PyUnicodeWriter_PrepareInternal(writer, 0, maxchar);
}

int
_PyUnicodeWriter_WriteChar(_PyUnicodeWriter *writer, Py_UCS4 ch)
{
    if (_PyUnicodeWriter_Prepare(writer, 1, ch) < 0) {
        return -1;
    }
    PyUnicode_WRITE(writer->kind, writer->data, writer->pos, ch);
    writer->pos++;
    return 0;
}

/* Writes characters that are known not to exceed `maxchar`. */
static int
write_chars(_PyUnicodeWriter *writer, int kind, const void *data, Py_ssize_t length, Py_UCS4 maxchar)
{
    if (_PyUnicodeWriter_Prepare(writer, length, maxchar) < 0) {
        return -1;
    }
    if (length > 0) {
        cape_copy_chars(writer->kind, writer->data, writer->pos, kind, data, 0, length);
        writer->pos += length;
    }
    return 0;
}

int
_PyUnicodeWriter_WriteStr(_PyUnicodeWriter *writer, PyObject *str)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(str);
    if (length == 0) {
        return 0;
    }
    if (writer->buffer == NULL && !writer->overallocate && PyUnicode_CheckExact(str)) {
        /* Perhaps all there will be: do not copy yet. */
        writer->readonly = 1;
        writer->buffer = Py_NewRef(str);
        update(writer);
        writer->pos += length;
        return 0;
    }
    return write_chars(writer, PyUnicode_KIND(str), PyUnicode_DATA(str), length,
                       PyUnicode_MAX_CHAR_VALUE(str));
}

int
_PyUnicodeWriter_WriteSubstring(_PyUnicodeWriter *writer, PyObject *str, Py_ssize_t start,
                                Py_ssize_t end)
{
    if (end == 0 || start == end) {
        return 0;
    }
    if (start == 0 && end == PyUnicode_GET_LENGTH(str)) {
        return _PyUnicodeWriter_WriteStr(writer, str);
    }
    int kind = PyUnicode_KIND(str);
    const void *data = (const char *)PyUnicode_DATA(str) + start * kind;
    Py_UCS4 maxchar = PyUnicode_MAX_CHAR_VALUE(str);
    if (maxchar > writer->maxchar) {
        maxchar = cape_max_char(kind, data, end - start);
    }
    return write_chars(writer, kind, data, end - start, maxchar);
}

int
_PyUnicodeWriter_WriteASCIIString(_PyUnicodeWriter *writer, const char *str, Py_ssize_t len)
{
    if (len == -1) {
        len = (Py_ssize_t)strlen(str);
    }
    return write_chars(writer, PyUnicode_1BYTE_KIND, str, len, 127);
}

int
_PyUnicodeWriter_WriteLatin1String(_PyUnicodeWriter *writer, const char *str, Py_ssize_t len)
{
    return write_chars(writer, PyUnicode_1BYTE_KIND, str, len,
                       cape_max_char(PyUnicode_1BYTE_KIND, str, len));
}

PyObject *
_PyUnicodeWriter_Finish(_PyUnicodeWriter *writer)
{
    if (writer->pos == 0) {
        Py_CLEAR(writer->buffer);
        return cape_empty_str();
    }
    PyObject *str = writer->buffer;
    writer->buffer = NULL;
    if (!writer->readonly && PyUnicode_GET_LENGTH(str) != writer->pos
        && PyUnicode_Resize(&str, writer->pos) < 0) {
        Py_DECREF(str);
        return NULL;
    }
    if (writer->pos == 1 && PyUnicode_READ_CHAR(str, 0) < 256) {
        Py_UCS4 ch = PyUnicode_READ_CHAR(str, 0);
        Py_DECREF(str);
        return cape_latin1_char((unsigned char)ch);
    }
    return str;
}

void
_PyUnicodeWriter_Dealloc(_PyUnicodeWriter *writer)
{
    Py_CLEAR(writer->buffer);
}

/* --- PyUnicodeWriter ----------------------------------------------------------------------------- */

PyUnicodeWriter *
PyUnicodeWriter_Create(Py_ssize_t length)
{
    if (length < 0) {
        PyErr_SetString(PyExc_ValueError, "length must be positive");
        return NULL;
    }
    _PyUnicodeWriter *writer = PyMem_Malloc(sizeof(_PyUnicodeWriter));
    if (writer == NULL) {
        return (PyUnicodeWriter *)PyErr_NoMemory();
    }
    _PyUnicodeWriter_Init(writer);
    if (_PyUnicodeWriter_Prepare(writer, length, 127) < 0) {
        PyMem_Free(writer);
        return NULL;
    }
    writer->overallocate = 1;
    return (PyUnicodeWriter *)writer;
}

void
PyUnicodeWriter_Discard(PyUnicodeWriter *writer)
{
    if (writer != NULL) {
        _PyUnicodeWriter_Dealloc((_PyUnicodeWriter *)writer);
        PyMem_Free(writer);
    }
}

PyObject *
PyUnicodeWriter_Finish(PyUnicodeWriter *writer)
{
    PyObject *str = _PyUnicodeWriter_Finish((_PyUnicodeWriter *)writer);
    PyMem_Free(writer);
    return str;
}

int
PyUnicodeWriter_WriteChar(PyUnicodeWriter *writer, Py_UCS4 ch)
{
    if (ch > 0x10ffff) {
        PyErr_SetString(PyExc_ValueError, "character must be in range(0x110000)");
        return -1;
    }
    return _PyUnicodeWriter_WriteChar((_PyUnicodeWriter *)writer, ch);
}

int
PyUnicodeWriter_WriteUTF8(PyUnicodeWriter *pub, const char *str, Py_ssize_t size)
{
    _PyUnicodeWriter *writer = (_PyUnicodeWriter *)pub;
    Py_UCS4 maxchar;
    if (size < 0) {
        size = (Py_ssize_t)strlen(str);
    }
    Py_ssize_t length = cape_utf8_measure((const unsigned char *)str, size, &maxchar);
    if (length < 0) {
        /* Raises: the error is the decoder's. */
        PyObject *decoded = PyUnicode_Decode(str, size, "utf-8", NULL);
        if (decoded == NULL) {
            return -1;
        }
        int status = _PyUnicodeWriter_WriteStr(writer, decoded);
        Py_DECREF(decoded);
        return status;
    }
    if (_PyUnicodeWriter_Prepare(writer, length, maxchar) < 0) {
        return -1;
    }
    if (length > 0) {
        cape_utf8_store((const unsigned char *)str, size, writer->kind, writer->data, writer->pos);
        writer->pos += length;
    }
    return 0;
}

int
PyUnicodeWriter_WriteASCII(PyUnicodeWriter *writer, const char *str, Py_ssize_t size)
{
    return _PyUnicodeWriter_WriteASCIIString((_PyUnicodeWriter *)writer, str, size < 0 ? -1 : size);
}

int
PyUnicodeWriter_WriteUCS4(PyUnicodeWriter *writer, Py_UCS4 *str, Py_ssize_t size)
{
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "size must be positive");
        return -1;
    }
    if (size == 0) {
        return 0;
    }
    return write_chars((_PyUnicodeWriter *)writer, PyUnicode_4BYTE_KIND, str, size,
                       cape_max_char(PyUnicode_4BYTE_KIND, str, size));
}

int
PyUnicodeWriter_WriteWideChar(PyUnicodeWriter *writer, const wchar_t *str, Py_ssize_t size)
{
    if (size < 0) {
        size = (Py_ssize_t)wcslen(str);
    }
    if (!cape_are_characters(str, size)) {
        return -1;
    }
    return size == 0 ? 0 : PyUnicodeWriter_WriteUCS4(writer, (Py_UCS4 *)str, size);
}

/* Writes `str`, whose reference it takes; -1 when it is NULL. */
static int
write_taken(PyUnicodeWriter *writer, PyObject *str)
{
    if (str == NULL) {
        return -1;
    }
    int status = _PyUnicodeWriter_WriteStr((_PyUnicodeWriter *)writer, str);
    Py_DECREF(str);
    return status;
}

int
PyUnicodeWriter_WriteStr(PyUnicodeWriter *writer, PyObject *obj)
{
    return write_taken(writer, PyUnicode_CheckExact(obj) ? Py_NewRef(obj) : PyObject_Str(obj));
}

int
PyUnicodeWriter_WriteRepr(PyUnicodeWriter *writer, PyObject *obj)
{
    if (obj == NULL) {
        return _PyUnicodeWriter_WriteASCIIString((_PyUnicodeWriter *)writer, "<NULL>", 6);
    }
    return write_taken(writer, PyObject_Repr(obj));
}

int
PyUnicodeWriter_WriteSubstring(PyUnicodeWriter *writer, PyObject *str, Py_ssize_t start,
                               Py_ssize_t end)
{
    if (!PyUnicode_Check(str)) {
        PyErr_Format(PyExc_TypeError, "expect str, not %T", str);
        return -1;
    }
    if (start < 0 || start > end) {
        PyErr_Format(PyExc_ValueError, "invalid start argument");
        return -1;
    }
    if (end > PyUnicode_GET_LENGTH(str)) {
        PyErr_Format(PyExc_ValueError, "invalid end argument");
        return -1;
    }
    return _PyUnicodeWriter_WriteSubstring((_PyUnicodeWriter *)writer, str, start, end);
}
