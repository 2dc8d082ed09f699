/* Exceptions: raised in C, coming to C from Python, looked at, kept and put back. */
#include "crossing.h"

NOARGS(raise_error)
{
    PyErr_SetString(PyExc_ValueError, "no");
    return NULL;
}

NOARGS(raise_none)
{
    PyErr_SetNone(PyExc_ValueError);
    return NULL;
}

NOARGS(raise_format)
{
    return PyErr_Format(PyExc_ValueError, "no %s of %d", "item", 12);
}

/* `object` is an instance. */
ONE(raise_instance)
{
    PyErr_SetObject((PyObject *)Py_TYPE(object), object);
    return NULL;
}

/* The callable raises ValueError, and C does away with it. */
static PyObject *
call_failing(PyObject *callable)
{
    PyObject *result = PyObject_CallNoArgs(callable);
    if (result == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        result = kept(Py_None);
    }
    return result;
}

/* The same, but C looks at the exception and raises it again before. */
static PyObject *
call_and_look(PyObject *callable)
{
    PyObject *result = PyObject_CallNoArgs(callable);
    if (result == NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyErr_Restore(type, value, traceback);
        if (PyErr_ExceptionMatches(PyExc_ValueError)) {
            PyErr_Clear();
            result = kept(Py_None);
        }
    }
    return result;
}

/* An attribute that is not there. */
static PyObject *
miss_attribute(PyObject *object)
{
    PyObject *result = PyObject_GetAttrString(object, "missing");
    if (result == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        result = kept(Py_None);
    }
    return result;
}

/* Set and cleared; nobody sees it. */
static PyObject *
set_and_clear(void)
{
    PyErr_SetString(PyExc_ValueError, "no");
    PyErr_Clear();
    return kept(Py_None);
}

static PyObject *
fetch_and_restore(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_Restore(type, value, traceback);
    return kept(Py_None);
}

REPEATED(call_raising, call_failing(object))
REPEATED(call_looking, call_and_look(object))
REPEATED(missing_attribute, miss_attribute(object))
REPEATED(error_set, set_and_clear())
REPEATED(error_asked, PyErr_Occurred() != NULL ? NULL : kept(object))
REPEATED(error_saved, fetch_and_restore())

PyMethodDef error_functions[] = {
    {"raise_error", raise_error, METH_NOARGS, NULL},
    {"raise_none", raise_none, METH_NOARGS, NULL},
    {"raise_format", raise_format, METH_NOARGS, NULL},
    {"raise_instance", raise_instance, METH_O, NULL},
    {"call_raising", call_raising, METH_O, NULL},
    {"call_looking", call_looking, METH_O, NULL},
    {"missing_attribute", missing_attribute, METH_O, NULL},
    {"error_set", error_set, METH_O, NULL},
    {"error_asked", error_asked, METH_O, NULL},
    {"error_saved", error_saved, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
