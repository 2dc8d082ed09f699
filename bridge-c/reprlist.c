/* Which objects are being printed in this thread: Py_ReprEnter and Py_ReprLeave keep repr() from following
 * a cycle. */
#include "cape.h"

#define KEY "Py_Repr"

/* The thread's list, made when it is missing; a new reference, NULL (with or without an exception). */
static PyObject *
thread_list(int make)
{
    PyObject *dict = PyThreadState_GetDict();
    PyObject *list = NULL;
    if (dict == NULL || PyDict_GetItemStringRef(dict, KEY, &list) != 0 || !make) {
        return list;
    }
    list = PyList_New(0);
    if (list != NULL && PyDict_SetItemString(dict, KEY, list) < 0) {
        Py_CLEAR(list);
    }
    return list;
}

/* 0: go on; 1: it is being printed already; -1 with an exception. */
int
Py_ReprEnter(PyObject *op)
{
    PyObject *list = thread_list(1);
    if (list == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int status = 0;
    for (Py_ssize_t i = PyList_GET_SIZE(list) - 1; i >= 0 && status == 0; i--) {
        status = PyList_GET_ITEM(list, i) == op;
    }
    if (status == 0) {
        status = PyList_Append(list, op);
    }
    Py_DECREF(list);
    return status;
}

void
Py_ReprLeave(PyObject *op)
{
    PyObject *exc = PyErr_GetRaisedException();
    PyObject *list = thread_list(0);
    if (list != NULL && PyList_Check(list)) {
        for (Py_ssize_t i = PyList_GET_SIZE(list) - 1; i >= 0; i--) {
            if (PyList_GET_ITEM(list, i) == op) {
                PyList_SetSlice(list, i, i + 1, NULL);
                break;
            }
        }
    }
    Py_XDECREF(list);
    PyErr_SetRaisedException(exc);
}
