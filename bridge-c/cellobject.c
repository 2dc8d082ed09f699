/* Cells, through their type: the managed cell is the one that counts. */
#include "cape.h"

PyObject *
PyCell_New(PyObject *value)
{
    return value == NULL ? PyObject_CallNoArgs((PyObject *)&PyCell_Type)
                         : PyObject_CallOneArg((PyObject *)&PyCell_Type, value);
}

/* NULL without an exception when the cell is empty. */
PyObject *
PyCell_Get(PyObject *op)
{
    if (!PyCell_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyObject *value = PyObject_GetAttrString(op, "cell_contents");
    if (value == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
    }
    return value;
}

int
PyCell_Set(PyObject *op, PyObject *value)
{
    if (!PyCell_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return PyObject_SetAttrString(op, "cell_contents", value);
}
