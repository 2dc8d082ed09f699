/* The buffer protocol: exports, and copies between memory of any shape. */
#include "cape.h"

int
PyObject_CheckBuffer(PyObject *op)
{
    PyBufferProcs *procs = Py_TYPE(op)->tp_as_buffer;
    return procs != NULL && procs->bf_getbuffer != NULL;
}

int
PyObject_GetBuffer(PyObject *op, Py_buffer *view, int flags)
{
    if (flags != PyBUF_SIMPLE && (flags == PyBUF_READ || flags == PyBUF_WRITE)) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyBufferProcs *procs = Py_TYPE(op)->tp_as_buffer;
    if (procs == NULL || procs->bf_getbuffer == NULL) {
        cape_type_error("a bytes-like object is required, not '%.100s'", op);
        return -1;
    }
    return procs->bf_getbuffer(op, view, flags);
}

void
PyBuffer_Release(Py_buffer *view)
{
    PyObject *op = view->obj;
    if (op == NULL) {
        return;
    }
    PyBufferProcs *procs = Py_TYPE(op)->tp_as_buffer;
    if (procs != NULL && procs->bf_releasebuffer != NULL) {
        procs->bf_releasebuffer(op, view);
    }
    view->obj = NULL;
    Py_DECREF(op);
}

int
PyBuffer_FillInfo(Py_buffer *view, PyObject *op, void *buf, Py_ssize_t len, int readonly, int flags)
{
    if (view == NULL) {
        PyErr_SetString(PyExc_BufferError, "PyBuffer_FillInfo: view==NULL argument is obsolete");
        return -1;
    }
    if (flags != PyBUF_SIMPLE) {
        if (flags == PyBUF_READ || flags == PyBUF_WRITE) {
            PyErr_BadInternalCall();
            return -1;
        }
        if ((flags & PyBUF_WRITABLE) && readonly) {
            PyErr_SetString(PyExc_BufferError, "Object is not writable.");
            return -1;
        }
    }
    view->obj = Py_XNewRef(op);
    view->buf = buf;
    view->len = len;
    view->readonly = readonly;
    view->itemsize = 1;
    view->format = flags & PyBUF_FORMAT ? "B" : NULL;
    view->ndim = 1;
    view->shape = flags & PyBUF_ND ? &view->len : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &view->itemsize : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;
    return 0;
}

/* --- contiguity ---------------------------------------------------------------------------------- */

/* Whether the items lie densely; from the last dimension (C) or the first (Fortran). */
static int
is_dense(const Py_buffer *view, int fortran)
{
    if (view->len == 0) {
        return 1;
    }
    if (view->strides == NULL) {
        if (!fortran || view->ndim <= 1) {
            return 1;
        }
        /* C order: both only when at most one dimension is longer than one. */
        int longer = 0;
        for (int i = 0; i < view->ndim; i++) {
            longer += view->shape[i] > 1;
        }
        return longer <= 1;
    }
    Py_ssize_t expected = view->itemsize;
    for (int n = 0; n < view->ndim; n++) {
        int i = fortran ? n : view->ndim - 1 - n;
        if (view->shape[i] > 1 && view->strides[i] != expected) {
            return 0;
        }
        expected *= view->shape[i];
    }
    return 1;
}

int
PyBuffer_IsContiguous(const Py_buffer *view, char order)
{
    if (view->suboffsets != NULL) {
        return 0;
    }
    switch (order) {
    case 'C': return is_dense(view, 0);
    case 'F': return is_dense(view, 1);
    case 'A': return is_dense(view, 0) || is_dense(view, 1);
    default: return 0;
    }
}

void
PyBuffer_FillContiguousStrides(int ndim, Py_ssize_t *shape, Py_ssize_t *strides, int itemsize,
                               char order)
{
    Py_ssize_t stride = itemsize;
    if (ndim <= 1 || order == 'F') {
        for (int i = 0; i < ndim; i++) {
            strides[i] = stride;
            stride *= shape[i];
        }
    }
    else {
        for (int i = ndim - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= shape[i];
        }
    }
}

void *
PyBuffer_GetPointer(const Py_buffer *view, const Py_ssize_t *indices)
{
    char *pointer = view->buf;
    for (int i = 0; i < view->ndim; i++) {
        pointer += view->strides[i] * indices[i];
        if (view->suboffsets != NULL && view->suboffsets[i] >= 0) {
            pointer = *(char **)pointer + view->suboffsets[i];
        }
    }
    return pointer;
}

/* --- copies -------------------------------------------------------------------------------------- */

/* Steps to the next item, the last (C) or first (Fortran) index fastest. */
static void
next_index(const Py_buffer *view, Py_ssize_t *indices, int fortran)
{
    for (int n = 0; n < view->ndim; n++) {
        int i = fortran ? n : view->ndim - 1 - n;
        if (++indices[i] < view->shape[i]) {
            return;
        }
        indices[i] = 0;
    }
}

/* A view with shape and strides spelled out, in the arrays given; false with an exception. */
static int
spell_out(Py_buffer *view, Py_ssize_t *strides)
{
    if (view->ndim > PyBUF_MAX_NDIM) {
        PyErr_SetString(PyExc_BufferError, "too many dimensions");
        return 0;
    }
    if (view->strides == NULL) {
        PyBuffer_FillContiguousStrides(view->ndim, view->shape, strides, (int)view->itemsize, 'C');
        view->strides = strides;
    }
    return 1;
}

int
PyBuffer_ToContiguous(void *buf, const Py_buffer *view, Py_ssize_t len, char order)
{
    if (len != view->len) {
        PyErr_SetString(PyExc_ValueError, "PyBuffer_ToContiguous: len != view->len");
        return -1;
    }
    if (PyBuffer_IsContiguous(view, order)) {
        memcpy(buf, view->buf, (size_t)len);
        return 0;
    }
    Py_buffer source = *view;
    Py_ssize_t strides[PyBUF_MAX_NDIM], indices[PyBUF_MAX_NDIM] = {0};
    if (!spell_out(&source, strides)) {
        return -1;
    }
    char *to = buf;
    for (Py_ssize_t n = len / view->itemsize; n > 0; n--) {
        memcpy(to, PyBuffer_GetPointer(&source, indices), (size_t)view->itemsize);
        to += view->itemsize;
        next_index(&source, indices, order == 'F');
    }
    return 0;
}

int
PyBuffer_FromContiguous(const Py_buffer *view, const void *buf, Py_ssize_t len, char order)
{
    len = Py_MIN(len, view->len);
    if (PyBuffer_IsContiguous(view, order)) {
        memcpy(view->buf, buf, (size_t)len);
        return 0;
    }
    Py_buffer target = *view;
    Py_ssize_t strides[PyBUF_MAX_NDIM], indices[PyBUF_MAX_NDIM] = {0};
    if (!spell_out(&target, strides)) {
        return -1;
    }
    const char *from = buf;
    for (Py_ssize_t n = len / view->itemsize; n > 0; n--) {
        memcpy(PyBuffer_GetPointer(&target, indices), from, (size_t)view->itemsize);
        from += view->itemsize;
        next_index(&target, indices, order == 'F');
    }
    return 0;
}

int
PyObject_CopyData(PyObject *dest, PyObject *src)
{
    if (!PyObject_CheckBuffer(dest) || !PyObject_CheckBuffer(src)) {
        PyErr_SetString(PyExc_TypeError, "both destination and source must be bytes-like objects");
        return -1;
    }
    Py_buffer to, from;
    if (PyObject_GetBuffer(dest, &to, PyBUF_FULL) != 0) {
        return -1;
    }
    if (PyObject_GetBuffer(src, &from, PyBUF_FULL_RO) != 0) {
        PyBuffer_Release(&to);
        return -1;
    }
    int status = -1;
    if (to.len < from.len) {
        PyErr_SetString(PyExc_BufferError, "destination is too small to receive data from source");
    }
    else {
        void *copy = PyMem_Malloc((size_t)from.len);
        if (copy == NULL) {
            PyErr_NoMemory();
        }
        else {
            status = PyBuffer_ToContiguous(copy, &from, from.len, 'C');
            if (status == 0) {
                status = PyBuffer_FromContiguous(&to, copy, from.len, 'C');
            }
            PyMem_Free(copy);
        }
    }
    PyBuffer_Release(&to);
    PyBuffer_Release(&from);
    return status;
}

/* --- the protocol of Python 2, for old stable ABIs --------------------------------------------------- */

/* The view is given back at once: whoever asks trusts that the object keeps its memory. */
static int
old_buffer(PyObject *op, void **buffer, Py_ssize_t *length, int flags)
{
    Py_buffer view;
    if (op == NULL || buffer == NULL || length == NULL) {
        cape_null_error();
        return -1;
    }
    if (PyObject_GetBuffer(op, &view, flags) != 0) {
        if (flags == PyBUF_WRITABLE) {
            PyErr_SetString(PyExc_TypeError, "expected a writable bytes-like object");
        }
        return -1;
    }
    *buffer = view.buf;
    *length = view.len;
    PyBuffer_Release(&view);
    return 0;
}

int
PyObject_AsReadBuffer(PyObject *op, const void **buffer, Py_ssize_t *length)
{
    return old_buffer(op, (void **)buffer, length, PyBUF_SIMPLE);
}

int
PyObject_AsCharBuffer(PyObject *op, const char **buffer, Py_ssize_t *length)
{
    return old_buffer(op, (void **)buffer, length, PyBUF_SIMPLE);
}

int
PyObject_AsWriteBuffer(PyObject *op, void **buffer, Py_ssize_t *length)
{
    return old_buffer(op, buffer, length, PyBUF_WRITABLE);
}

int
PyObject_CheckReadBuffer(PyObject *op)
{
    Py_buffer view;
    if (!PyObject_CheckBuffer(op)) {
        return 0;
    }
    if (PyObject_GetBuffer(op, &view, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        return 0;
    }
    PyBuffer_Release(&view);
    return 1;
}
