/* tuple: items in the struct. */
#include "cape.h"

static PyTupleObject empty = {
    .ob_base = PyVarObject_HEAD_INIT(&PyTuple_Type, 0)
    .ob_hash = -1,
};

/* Words of a struct in front of its items. */
#define HEAD (offsetof(PyTupleObject, ob_item) / sizeof(PyObject *))

PyObject *
cape_empty_tuple(void)
{
    return (PyObject *)&empty;
}

/* A tuple whose items are not set, not tracked yet; size > 0. */
static inline PyTupleObject *
new_tuple(Py_ssize_t size)
{
    if (CAPE_UNLIKELY((size_t)size > (size_t)PY_SSIZE_T_MAX / sizeof(PyObject *) - HEAD)) {
        return (PyTupleObject *)PyErr_NoMemory();
    }
    PyTupleObject *op = (PyTupleObject *)cape_alloc_struct(&PyTuple_Type, HEAD + (size_t)size);
    if (CAPE_UNLIKELY(op == NULL)) {
        return NULL;
    }
    cape_init(op, &PyTuple_Type);
    op->ob_base.ob_size = size;
    op->ob_hash = -1;
    return op;
}

/* The same for Rust. */
PyObject *
cape_unfilled_tuple(Py_ssize_t size)
{
    return (PyObject *)new_tuple(size);
}

PyObject *
cape_tuple_of_one(PyObject *item)
{
    PyTupleObject *op = new_tuple(1);
    if (CAPE_UNLIKELY(op == NULL)) {
        return NULL;
    }
    op->ob_item[0] = Py_NewRef(item);
    if (PyType_IS_GC(Py_TYPE(item))) {
        cape_track((PyObject *)op);
    }
    return (PyObject *)op;
}

PyObject *
PyTuple_New(Py_ssize_t size)
{
    if (size == 0) {
        return (PyObject *)&empty;
    }
    if (size < 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyTupleObject *op = new_tuple(size);
    if (CAPE_UNLIKELY(op == NULL)) {
        return NULL;
    }
    cape_clear_words(op->ob_item, size);
    cape_track((PyObject *)op);
    return (PyObject *)op;
}

void
cape_tuple_dealloc(PyObject *op)
{
    Py_ssize_t size = Py_SIZE(op);
    cape_untrack(op);
    for (Py_ssize_t i = size - 1; i >= 0; i--) {
        cape_drop(((PyTupleObject *)op)->ob_item[i]);
    }
    if (PyTuple_CheckExact(op)) {
        cape_free_struct(op, HEAD + (size_t)size);
    }
    else {
        Py_TYPE(op)->tp_free(op);
    }
}

/* The same of a tuple of exact type whose items have been taken. */
void
cape_free_emptied_tuple(PyObject *op)
{
    cape_untrack(op);
    cape_free_struct(op, HEAD + (size_t)Py_SIZE(op));
}

Py_ssize_t
PyTuple_Size(PyObject *op)
{
    if (!PyTuple_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return Py_SIZE(op);
}

PyObject *
PyTuple_GetItem(PyObject *op, Py_ssize_t i)
{
    if (!PyTuple_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if ((size_t)i >= (size_t)Py_SIZE(op)) {
        PyErr_SetString(PyExc_IndexError, "tuple index out of range");
        return NULL;
    }
    return PyTuple_GET_ITEM(op, i);
}

int
PyTuple_SetItem(PyObject *tuple, Py_ssize_t index, PyObject *item)
{
    /* Only whoever made it may still fill it. A linked tuple is known to the managed side. */
    if (!PyTuple_Check(tuple) || Py_REFCNT(tuple) != 1 || cape_is_linked(tuple)) {
        Py_XDECREF(item);
        PyErr_BadInternalCall();
        return -1;
    }
    if ((size_t)index >= (size_t)Py_SIZE(tuple)) {
        Py_XDECREF(item);
        PyErr_SetString(PyExc_IndexError, "tuple assignment index out of range");
        return -1;
    }
    Py_XSETREF(((PyTupleObject *)tuple)->ob_item[index], item);
    return 0;
}

/* New references to `size` items. */
static PyObject *
from_array(PyObject *const *items, Py_ssize_t size)
{
    if (size == 0) {
        return (PyObject *)&empty;
    }
    PyTupleObject *op = new_tuple(size);
    if (op == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        op->ob_item[i] = Py_NewRef(items[i]);
    }
    cape_track((PyObject *)op);
    return (PyObject *)op;
}

PyObject *
cape_tuple_from_array(PyObject *const *items, Py_ssize_t size)
{
    return from_array(items, size);
}

PyObject *
PyTuple_Pack(Py_ssize_t n, ...)
{
    if (n == 0) {
        return (PyObject *)&empty;
    }
    if (n < 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyTupleObject *op = new_tuple(n);
    if (op == NULL) {
        return NULL;
    }
    va_list vargs;
    va_start(vargs, n);
    for (Py_ssize_t i = 0; i < n; i++) {
        op->ob_item[i] = Py_NewRef(va_arg(vargs, PyObject *));
    }
    va_end(vargs);
    cape_track((PyObject *)op);
    return (PyObject *)op;
}

PyObject *
PyTuple_GetSlice(PyObject *op, Py_ssize_t low, Py_ssize_t high)
{
    if (op == NULL || !PyTuple_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    low = Py_MAX(low, 0);
    high = Py_MIN(high, Py_SIZE(op));
    high = Py_MAX(high, low);
    if (low == 0 && high == Py_SIZE(op) && PyTuple_CheckExact(op)) {
        return Py_NewRef(op);
    }
    return from_array(((PyTupleObject *)op)->ob_item + low, high - low);
}

/* For builders: *pv is theirs alone. On error *pv is NULL. */
int
_PyTuple_Resize(PyObject **pv, Py_ssize_t newsize)
{
    PyObject *v = *pv;
    if (v == NULL || !PyTuple_CheckExact(v) || newsize < 0
        || (Py_SIZE(v) != 0 && (Py_REFCNT(v) != 1 || cape_is_linked(v)))) {
        *pv = NULL;
        Py_XDECREF(v);
        PyErr_BadInternalCall();
        return -1;
    }
    Py_ssize_t oldsize = Py_SIZE(v);
    if (oldsize == newsize) {
        return 0;
    }
    PyObject *fresh = PyTuple_New(newsize);
    if (fresh != NULL) {
        for (Py_ssize_t i = 0; i < Py_MIN(oldsize, newsize); i++) {
            ((PyTupleObject *)fresh)->ob_item[i] = ((PyTupleObject *)v)->ob_item[i];
            ((PyTupleObject *)v)->ob_item[i] = NULL;
        }
    }
    *pv = fresh;
    Py_DECREF(v);
    return fresh == NULL ? -1 : 0;
}
