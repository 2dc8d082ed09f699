/* Tuples with named fields. */
#include "cape.h"

#undef PyStructSequence_GetItem
#undef PyStructSequence_SetItem

const char *const PyStructSequence_UnnamedField = "unnamed field";

void
PyStructSequence_SetItem(PyObject *op, Py_ssize_t index, PyObject *value)
{
    ((PyTupleObject *)op)->ob_item[index] = value;
}

PyObject *
PyStructSequence_GetItem(PyObject *op, Py_ssize_t index)
{
    return ((PyTupleObject *)op)->ob_item[index];
}
