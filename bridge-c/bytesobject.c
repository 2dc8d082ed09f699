/* bytes: immutable once shared, so the characters live in the struct. */
#include "cape.h"

_Py_COMP_DIAG_PUSH
_Py_COMP_DIAG_IGNORE_DEPR_DECLS

#define HEADER offsetof(PyBytesObject, ob_sval)

/* The empty bytes and those of one byte are static. */
static union {
    PyBytesObject object;
    char room[HEADER + 2];
} characters[256];
static PyBytesObject empty;

static void
make_static(PyBytesObject *op, Py_ssize_t size)
{
    op->ob_base.ob_base.ob_refcnt_full = _Py_STATIC_IMMORTAL_INITIAL_REFCNT;
    op->ob_base.ob_base.ob_type = &PyBytes_Type;
    op->ob_base.ob_size = size;
    op->ob_shash = -1;
}

__attribute__((constructor)) static void
make_characters(void)
{
    make_static(&empty, 0);
    for (int i = 0; i < 256; i++) {
        make_static(&characters[i].object, 1);
        characters[i].object.ob_sval[0] = (char)i;
        characters[i].room[HEADER + 1] = 0;
    }
}

PyObject *
cape_empty_bytes(void)
{
    return (PyObject *)&empty;
}

/* A new object, uninitialised but for the final zero. */
static PyBytesObject *
new_bytes(Py_ssize_t size)
{
    if ((size_t)size > (size_t)PY_SSIZE_T_MAX - HEADER - 1) {
        PyErr_SetString(PyExc_OverflowError, "byte string is too large");
        return NULL;
    }
    PyBytesObject *op = cape_text_malloc(HEADER, (size_t)size + 1);
    if (CAPE_UNLIKELY(op == NULL)) {
        return (PyBytesObject *)PyErr_NoMemory();
    }
    cape_init(op, &PyBytes_Type);
    op->ob_base.ob_size = size;
    op->ob_shash = -1;
    op->ob_sval[size] = 0;
    return op;
}

PyObject *
PyBytes_FromStringAndSize(const char *str, Py_ssize_t size)
{
    if (size < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyBytes_FromStringAndSize");
        return NULL;
    }
    if (size == 0) {
        return (PyObject *)&empty;
    }
    if (size == 1 && str != NULL) {
        return (PyObject *)&characters[(unsigned char)*str].object;
    }
    PyBytesObject *op = new_bytes(size);
    if (op != NULL && str != NULL) {
        memcpy(op->ob_sval, str, (size_t)size);
    }
    return (PyObject *)op;
}

PyObject *
PyBytes_FromString(const char *str)
{
    return PyBytes_FromStringAndSize(str, (Py_ssize_t)strlen(str));
}

void
cape_bytes_dealloc(PyObject *op)
{
    if (PyBytes_CheckExact(op)) {
        cape_text_free(op, HEADER + (size_t)PyBytes_GET_SIZE(op) + 1);
    }
    else {
        Py_TYPE(op)->tp_free(op);
    }
}

Py_ssize_t
PyBytes_Size(PyObject *op)
{
    if (!PyBytes_Check(op)) {
        cape_type_error("expected bytes, %.200s found", op);
        return -1;
    }
    return PyBytes_GET_SIZE(op);
}

char *
PyBytes_AsString(PyObject *op)
{
    if (!PyBytes_Check(op)) {
        return cape_type_error("expected bytes, %.200s found", op);
    }
    return PyBytes_AS_STRING(op);
}

int
PyBytes_AsStringAndSize(PyObject *op, char **s, Py_ssize_t *len)
{
    if (s == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (!PyBytes_Check(op)) {
        cape_type_error("expected bytes, %.200s found", op);
        return -1;
    }
    *s = PyBytes_AS_STRING(op);
    if (len != NULL) {
        *len = PyBytes_GET_SIZE(op);
    }
    else if (strlen(*s) != (size_t)PyBytes_GET_SIZE(op)) {
        PyErr_SetString(PyExc_ValueError, "embedded null byte");
        return -1;
    }
    return 0;
}

int
_PyBytes_Resize(PyObject **pv, Py_ssize_t newsize)
{
    PyObject *v = *pv;
    if (!PyBytes_Check(v) || newsize < 0) {
        goto bad;
    }
    Py_ssize_t oldsize = PyBytes_GET_SIZE(v);
    if (oldsize == newsize) {
        return 0;
    }
    if (oldsize == 0 || newsize == 0) {
        *pv = PyBytes_FromStringAndSize(NULL, newsize);
        Py_DECREF(v);
        return *pv == NULL ? -1 : 0;
    }
    if (newsize > (Py_ssize_t)(PY_SSIZE_T_MAX - HEADER - 1)) {
        *pv = NULL;
        Py_DECREF(v);
        PyErr_SetString(PyExc_OverflowError, "byte string is too large");
        return -1;
    }
    if (Py_REFCNT(v) != 1 || cape_is_linked(v)) {
        /* Others may hold it: they keep what they have. */
        PyObject *copy = PyBytes_FromStringAndSize(NULL, newsize);
        if (copy != NULL) {
            memcpy(PyBytes_AS_STRING(copy), PyBytes_AS_STRING(v), (size_t)Py_MIN(oldsize, newsize));
        }
        Py_SETREF(*pv, copy);
        return copy == NULL ? -1 : 0;
    }
    PyBytesObject *op = cape_text_realloc(v, HEADER, (size_t)newsize + 1);
    if (op == NULL) {
        *pv = NULL;
        cape_text_free(v, 0);
        PyErr_NoMemory();
        return -1;
    }
    op->ob_base.ob_size = newsize;
    op->ob_sval[newsize] = 0;
    op->ob_shash = -1;
    *pv = (PyObject *)op;
    return 0;
bad:
    *pv = NULL;
    Py_DECREF(v);
    PyErr_BadInternalCall();
    return -1;
}

void
PyBytes_Concat(PyObject **pv, PyObject *w)
{
    if (*pv == NULL) {
        return;
    }
    Py_buffer left = {0}, right = {0};
    PyObject *result = NULL;
    if (w != NULL) {
        if (PyObject_GetBuffer(*pv, &left, PyBUF_SIMPLE) != 0
            || PyObject_GetBuffer(w, &right, PyBUF_SIMPLE) != 0) {
            PyErr_Format(PyExc_TypeError, "can't concat %.100s to %.100s", Py_TYPE(w)->tp_name,
                         Py_TYPE(*pv)->tp_name);
        }
        else if (left.len > PY_SSIZE_T_MAX - right.len) {
            PyErr_NoMemory();
        }
        else {
            result = PyBytes_FromStringAndSize(NULL, left.len + right.len);
            if (result != NULL) {
                memcpy(PyBytes_AS_STRING(result), left.buf, (size_t)left.len);
                memcpy(PyBytes_AS_STRING(result) + left.len, right.buf, (size_t)right.len);
            }
        }
        if (left.obj != NULL) {
            PyBuffer_Release(&left);
        }
        if (right.obj != NULL) {
            PyBuffer_Release(&right);
        }
    }
    Py_SETREF(*pv, result);
}

void
PyBytes_ConcatAndDel(PyObject **pv, PyObject *w)
{
    PyBytes_Concat(pv, w);
    Py_XDECREF(w);
}

_Py_COMP_DIAG_POP

int
cape_bytes_getbuffer(PyObject *op, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, op, ((PyBytesObject *)op)->ob_sval, Py_SIZE(op), 1, flags);
}

/* `\n` and the like in bytes. What the last two parameters say has had no meaning for long. */
PyObject *
PyBytes_DecodeEscape(const char *s, Py_ssize_t size, const char *errors, Py_ssize_t Py_UNUSED(unicode),
                     const char *Py_UNUSED(recode_encoding))
{
    PyObject *bytes = PyBytes_FromStringAndSize(size == 0 ? "" : s, size);
    PyObject *pair = bytes == NULL ? NULL : cape_call_module("_codecs", "escape_decode", Py_BuildValue("(Nz)", bytes, errors));
    PyObject *result = pair == NULL ? NULL : Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    Py_XDECREF(pair);
    return result;
}
