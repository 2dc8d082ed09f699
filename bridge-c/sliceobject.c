/* slice, and the arithmetic of slices. */
#include "cape.h"

#undef PySlice_GetIndicesEx

static CapeFreeList free_slices;
#define FREE_LIMIT 8

PyObject *
PySlice_New(PyObject *start, PyObject *stop, PyObject *step)
{
    PySliceObject *op = cape_take(&free_slices);
    if (op == NULL) {
        op = (PySliceObject *)cape_alloc(&PySlice_Type, sizeof(PySliceObject));
        if (op == NULL) {
            return NULL;
        }
    }
    cape_init(op, &PySlice_Type);
    op->start = Py_NewRef(start == NULL ? Py_None : start);
    op->stop = Py_NewRef(stop == NULL ? Py_None : stop);
    op->step = Py_NewRef(step == NULL ? Py_None : step);
    cape_track((PyObject *)op);
    return (PyObject *)op;
}

PyObject *
_PySlice_FromIndices(Py_ssize_t start, Py_ssize_t stop)
{
    PyObject *from = PyLong_FromSsize_t(start), *to = PyLong_FromSsize_t(stop);
    PyObject *slice = from == NULL || to == NULL ? NULL : PySlice_New(from, to, NULL);
    Py_XDECREF(from);
    Py_XDECREF(to);
    return slice;
}

void
cape_slice_dealloc(PyObject *op)
{
    PySliceObject *self = (PySliceObject *)op;
    cape_untrack(op);
    Py_DECREF(self->step);
    Py_DECREF(self->start);
    Py_DECREF(self->stop);
    if (!cape_give(&free_slices, op, FREE_LIMIT)) {
        cape_free(op);
    }
}

/* For converters: an index into *result, clamped. 0 with an exception. */
int
_PyEval_SliceIndexNotNone(PyObject *v, Py_ssize_t *result)
{
    if (!PyIndex_Check(v)) {
        PyErr_SetString(PyExc_TypeError, "slice indices must be integers or have an __index__ method");
        return 0;
    }
    Py_ssize_t value = PyNumber_AsSsize_t(v, NULL);
    if (value == -1 && PyErr_Occurred()) {
        return 0;
    }
    *result = value;
    return 1;
}

/* None leaves *result alone. */
int
_PyEval_SliceIndex(PyObject *v, Py_ssize_t *result)
{
    if (v == Py_None) {
        return 1;
    }
    if (!PyIndex_Check(v)) {
        PyErr_SetString(PyExc_TypeError,
                        "slice indices must be integers or None or have an __index__ method");
        return 0;
    }
    return _PyEval_SliceIndexNotNone(v, result);
}

int
PySlice_Unpack(PyObject *slice, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t *step)
{
    PySliceObject *self = (PySliceObject *)slice;
    *step = 1;
    if (!_PyEval_SliceIndex(self->step, step)) {
        return -1;
    }
    if (*step == 0) {
        PyErr_SetString(PyExc_ValueError, "slice step cannot be zero");
        return -1;
    }
    /* So that -step can be computed. */
    *step = Py_MAX(*step, -PY_SSIZE_T_MAX);
    *start = *step < 0 ? PY_SSIZE_T_MAX : 0;
    if (!_PyEval_SliceIndex(self->start, start)) {
        return -1;
    }
    *stop = *step < 0 ? PY_SSIZE_T_MIN : PY_SSIZE_T_MAX;
    return _PyEval_SliceIndex(self->stop, stop) ? 0 : -1;
}

/* Brings an end into the sequence: where -1 may stand for "before the first" when going down. */
static Py_ssize_t
clip(Py_ssize_t index, Py_ssize_t length, Py_ssize_t step)
{
    if (index < 0) {
        index += length;
        if (index < 0) {
            return step < 0 ? -1 : 0;
        }
    }
    if (index >= length) {
        return step < 0 ? length - 1 : length;
    }
    return index;
}

Py_ssize_t
PySlice_AdjustIndices(Py_ssize_t length, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t step)
{
    *start = clip(*start, length, step);
    *stop = clip(*stop, length, step);
    if (step < 0) {
        return *stop < *start ? (*start - *stop - 1) / (-step) + 1 : 0;
    }
    return *start < *stop ? (*stop - *start - 1) / step + 1 : 0;
}

int
PySlice_GetIndicesEx(PyObject *slice, Py_ssize_t length, Py_ssize_t *start, Py_ssize_t *stop,
                     Py_ssize_t *step, Py_ssize_t *slicelength)
{
    if (PySlice_Unpack(slice, start, stop, step) < 0) {
        return -1;
    }
    *slicelength = PySlice_AdjustIndices(length, start, stop, *step);
    return 0;
}

/* Takes ints only, and does not clip: -1 without an exception when an index is out of range. */
int
PySlice_GetIndices(PyObject *slice, Py_ssize_t length, Py_ssize_t *start, Py_ssize_t *stop,
                   Py_ssize_t *step)
{
    PySliceObject *self = (PySliceObject *)slice;
    PyObject *parts[] = {self->step, self->start, self->stop};
    Py_ssize_t *results[] = {step, start, stop};
    for (int i = 0; i < 3; i++) {
        if (parts[i] == Py_None) {
            *results[i] = i == 0 ? 1 : i == 1 ? (*step < 0 ? length - 1 : 0)
                                              : (*step < 0 ? -1 : length);
            continue;
        }
        if (!PyLong_Check(parts[i])) {
            return -1;
        }
        *results[i] = PyLong_AsSsize_t(parts[i]);
        if (i > 0 && *results[i] < 0) {
            *results[i] += length;
        }
    }
    return *stop > length || *start >= length || *step == 0 ? -1 : 0;
}
