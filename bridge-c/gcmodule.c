/* Objects of C that take part in cyclic collection. The ring of tracked objects is read by the collector's
 * cross-boundary pass; tracking says that tp_traverse may be called. */
#include "cape.h"

CAPE_PRIVATE PyGC_Head _Cape_gc_tracked = {(uintptr_t)&_Cape_gc_tracked, (uintptr_t)&_Cape_gc_tracked};

/* How many there are, and how many there may be before a collection looks for cycles among them. */
CAPE_PRIVATE size_t _Cape_tracked = 0;
CAPE_PRIVATE size_t _Cape_tracked_limit = CAPE_TRACKED_LEAST;

void
PyObject_GC_Track(void *p)
{
    PyObject *op = (PyObject *)p;
    if (CAPE_UNLIKELY(_PyObject_GC_IS_TRACKED(op))) {
        Py_FatalError("object already tracked by the garbage collector");
    }
    cape_track(op);
}

void
PyObject_GC_UnTrack(void *p)
{
    cape_untrack((PyObject *)p);
}

void
PyObject_GC_Del(void *p)
{
    PyObject *op = (PyObject *)p;
    cape_untrack(op);
    cape_free(op);
}

/* The collector looks at what is linked, tracked or not. */
int
PyObject_GC_IsTracked(PyObject *op)
{
    return PyObject_IS_GC(op) && (_PyObject_GC_IS_TRACKED(op) || cape_is_linked(op));
}

int
PyObject_GC_IsFinalized(PyObject *op)
{
    return PyObject_IS_GC(op) && (_Py_AS_GC(op)->_gc_prev & _PyGC_PREV_MASK_FINALIZED) != 0;
}

/* Runs tp_finalize, once in the life of what has a collector's head to remember it in. */
void
PyObject_CallFinalizer(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    if (type->tp_finalize == NULL || PyObject_GC_IsFinalized(op)) {
        return;
    }
    type->tp_finalize(op);
    if (PyType_IS_GC(type)) {
        _Py_AS_GC(op)->_gc_prev |= _PyGC_PREV_MASK_FINALIZED;
    }
}

/* For tp_dealloc: 0, or -1 if the object has come to life again. */
int
PyObject_CallFinalizerFromDealloc(PyObject *op)
{
    if (Py_REFCNT(op) != 0) {
        Py_FatalError("PyObject_CallFinalizerFromDealloc called on object with a non-zero refcount");
    }
    op->ob_refcnt = 1;
    PyObject_CallFinalizer(op);
    return --op->ob_refcnt == 0 ? 0 : -1;
}

int
PyObject_IS_GC(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    return PyType_IS_GC(type) && (type->tp_is_gc == NULL || type->tp_is_gc(op));
}

PyObject *
_PyObject_GC_New(PyTypeObject *type)
{
    PyObject *op = cape_alloc(type, _PyObject_SIZE(type));
    return op == NULL ? NULL : PyObject_Init(op, type);
}

PyVarObject *
_PyObject_GC_NewVar(PyTypeObject *type, Py_ssize_t nitems)
{
    if (nitems < 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyVarObject *op = (PyVarObject *)cape_alloc(type, _PyObject_VAR_SIZE(type, nitems));
    return op == NULL ? NULL : PyObject_InitVar(op, type, nitems);
}

/* An instance with room for `extra` bytes behind it, all zero. */
PyObject *
PyUnstable_Object_GC_NewWithExtraData(PyTypeObject *type, size_t extra)
{
    size_t size = _PyObject_SIZE(type) + extra;
    PyObject *op = cape_alloc(type, size);
    if (op == NULL) {
        return NULL;
    }
    memset(op, 0, size);
    return PyObject_Init(op, type);
}

PyVarObject *
_PyObject_GC_Resize(PyVarObject *op, Py_ssize_t nitems)
{
    PyTypeObject *type = Py_TYPE(op);
    size_t before = cape_preheader(type);
    size_t size = _PyObject_VAR_SIZE(type, nitems);
    if (size > (size_t)PY_SSIZE_T_MAX - before) {
        return (PyVarObject *)PyErr_NoMemory();
    }
    assert(!_PyObject_GC_IS_TRACKED(op));
    char *block = PyObject_Realloc((char *)op - before, before + size);
    if (block == NULL) {
        return (PyVarObject *)PyErr_NoMemory();
    }
    op = (PyVarObject *)(block + before);
    op->ob_size = nitems;
    return op;
}
