/* Heap types that define no deallocator of their own: the parts that the type added to its base go first,
 * then the base does its part. */
#include "cape.h"

/* The next base whose slot is not ours. */
#define BASE_WITH_OWN(type, slot, ours) \
    do { \
        while (type->slot == ours) { \
            type = type->tp_base; \
        } \
    } while (0)

/* The instance's dictionary, where one is kept in the struct; NULL otherwise. */
static PyObject **
own_dict(PyObject *op, PyTypeObject *base)
{
    PyTypeObject *type = Py_TYPE(op);
    return type->tp_dictoffset != 0 && base->tp_dictoffset == 0 ? cape_dict_place(op) : NULL;
}

void
_Cape_SubtypeDealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op), *base = type;
    BASE_WITH_OWN(base, tp_dealloc, _Cape_SubtypeDealloc);

    if (type->tp_finalize != NULL) {
        if (PyObject_CallFinalizerFromDealloc(op) < 0) {
            return;  /* resurrected */
        }
    }
    if (type->tp_del != NULL) {
        type->tp_del(op);
        if (Py_REFCNT(op) > 0) {
            return;
        }
    }
    int collected = PyType_IS_GC(type);
    if (collected) {
        cape_untrack(op);
    }
    if (type->tp_weaklistoffset != 0 && base->tp_weaklistoffset == 0) {
        PyObject_ClearWeakRefs(op);
    }
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        PyObject_ClearManagedDict(op);
    }
    else {
        PyObject **dict = own_dict(op, base);
        if (dict != NULL) {
            Py_CLEAR(*dict);
        }
    }
    /* A base that takes part in collection untracks, and expects to find the object tracked. */
    if (collected && PyType_IS_GC(base)) {
        cape_track(op);
    }
    /* The type may go with its last instance; a deallocator of a heap type drops it itself. */
    int drop_type = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) && !(base->tp_flags & Py_TPFLAGS_HEAPTYPE);
    if (base == &PyBaseObject_Type) {
        type->tp_free(op);
    }
    else {
        base->tp_dealloc(op);
    }
    if (drop_type) {
        Py_DECREF(type);
    }
}

int
_Cape_SubtypeTraverse(PyObject *op, visitproc visit, void *arg)
{
    PyTypeObject *type = Py_TYPE(op), *base = type;
    BASE_WITH_OWN(base, tp_traverse, _Cape_SubtypeTraverse);

    PyObject **dict = own_dict(op, base);
    if (dict != NULL) {
        Py_VISIT(*dict);
    }
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE)
        && (base->tp_traverse == NULL || !(base->tp_flags & Py_TPFLAGS_HEAPTYPE))) {
        Py_VISIT(type);
    }
    return base->tp_traverse != NULL ? base->tp_traverse(op, visit, arg) : 0;
}

int
_Cape_SubtypeClear(PyObject *op)
{
    PyTypeObject *base = Py_TYPE(op);
    BASE_WITH_OWN(base, tp_clear, _Cape_SubtypeClear);

    PyObject **dict = own_dict(op, base);
    if (dict != NULL) {
        Py_CLEAR(*dict);
    }
    return base->tp_clear != NULL ? base->tp_clear(op) : 0;
}
