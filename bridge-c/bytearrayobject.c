/* bytearray: the buffer belongs to the mirror, and the managed object works on it in place. */
#include "cape.h"

char _PyByteArray_empty_string[] = "";

PyObject *
PyByteArray_FromStringAndSize(const char *bytes, Py_ssize_t size)
{
    if (size < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyByteArray_FromStringAndSize");
        return NULL;
    }
    if (size == PY_SSIZE_T_MAX) {
        return PyErr_NoMemory();
    }
    PyByteArrayObject *op = PyObject_Malloc(sizeof(PyByteArrayObject));
    if (op == NULL) {
        return PyErr_NoMemory();
    }
    char *buffer = NULL;
    Py_ssize_t allocated = 0;
    if (size > 0) {
        allocated = size + 1;
        buffer = PyMem_Malloc((size_t)allocated);
        if (buffer == NULL) {
            PyObject_Free(op);
            return PyErr_NoMemory();
        }
        if (bytes != NULL) {
            memcpy(buffer, bytes, (size_t)size);
        }
        buffer[size] = 0;
    }
    cape_init(op, &PyByteArray_Type);
    op->ob_base.ob_size = size;
    op->ob_alloc = allocated;
    op->ob_bytes = op->ob_start = buffer;
    op->ob_exports = 0;
    return (PyObject *)op;
}

void
cape_bytearray_dealloc(PyObject *op)
{
    PyByteArrayObject *self = (PyByteArrayObject *)op;
    if (self->ob_exports > 0) {
        PyErr_SetString(PyExc_SystemError, "deallocated bytearray object has exported buffers");
        PyErr_Print();
    }
    if (self->ob_alloc > 0) {  /* else the storage is the managed side's */
        PyMem_Free(self->ob_bytes);
    }
    if (PyByteArray_CheckExact(op)) {
        PyObject_Free(op);
    }
    else {
        Py_TYPE(op)->tp_free(op);
    }
}

Py_ssize_t
PyByteArray_Size(PyObject *self)
{
    return PyByteArray_GET_SIZE(self);
}

char *
PyByteArray_AsString(PyObject *self)
{
    return PyByteArray_AS_STRING(self);
}

int
PyByteArray_Resize(PyObject *op, Py_ssize_t size)
{
    PyByteArrayObject *self = (PyByteArrayObject *)op;
    if (size < 0) {
        PyErr_Format(PyExc_ValueError, "Can only resize to positive sizes, got %zd", size);
        return -1;
    }
    if (size == Py_SIZE(self)) {
        return 0;
    }
    if (cape_is_linked(op)) {
        return _Cape_ByteArrayResize(op, size);
    }
    if (self->ob_exports > 0) {
        PyErr_SetString(PyExc_BufferError,
                        "Existing exports of data: object cannot be re-sized");
        return -1;
    }
    size_t skipped = (size_t)(self->ob_start - self->ob_bytes);
    size_t allocated = (size_t)self->ob_alloc;
    if ((size_t)size + skipped + 1 > allocated || (size_t)size < allocated / 2) {
        /* Grow in steps, and shrink when half would be wasted. */
        size_t wanted = (size_t)size <= allocated * 9 / 8 && (size_t)size >= allocated / 2
                        ? (size_t)size + ((size_t)size >> 3) + (size < 9 ? 3 : 6)
                        : (size_t)size + 1;
        if (wanted > (size_t)PY_SSIZE_T_MAX) {
            PyErr_NoMemory();
            return -1;
        }
        if (wanted < (size_t)size + 1) {
            wanted = (size_t)size + 1;
        }
        char *buffer = PyMem_Malloc(wanted);
        if (buffer == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (self->ob_start != NULL) {
            memcpy(buffer, self->ob_start, (size_t)Py_MIN(size, Py_SIZE(self)));
        }
        PyMem_Free(self->ob_bytes);
        self->ob_bytes = self->ob_start = buffer;
        self->ob_alloc = (Py_ssize_t)wanted;
    }
    Py_SET_SIZE(self, size);
    self->ob_start[size] = 0;
    return 0;
}
