/* Weak references as C reads them: the struct shows its target, borrowed, or None. */
#include "cape.h"

/* The target, borrowed; NULL when it is dead. */
static inline PyObject *
target(PyObject *ref)
{
    PyObject *object = ((PyWeakReference *)ref)->wr_object;
    return object == Py_None || Py_REFCNT(object) == 0 ? NULL : object;
}

int
PyWeakref_GetRef(PyObject *ref, PyObject **result)
{
    *result = NULL;
    if (ref == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (!PyWeakref_Check(ref)) {
        PyErr_SetString(PyExc_TypeError, "expected a weakref");
        return -1;
    }
    *result = Py_XNewRef(target(ref));
    return *result != NULL;
}

/* The reference does not keep what it refers to: neither does this. */
PyObject *
PyWeakref_GetObject(PyObject *ref)
{
    if (ref == NULL || !PyWeakref_Check(ref)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyObject *object = target(ref);
    return object == NULL ? Py_None : object;
}

int
PyWeakref_IsDead(PyObject *ref)
{
    if (ref == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (!PyWeakref_Check(ref)) {
        PyErr_Format(PyExc_TypeError, "expected a weakref, got %T", ref);
        return -1;
    }
    return target(ref) == NULL;
}
