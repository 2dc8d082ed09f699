/* Context variables, through the module contextvars. Entering and leaving a context is Rust's. */
#include "cape.h"

PyObject *
PyContextVar_New(const char *name, PyObject *default_value)
{
    PyObject *type = (PyObject *)&PyContextVar_Type;
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) {
        return NULL;
    }
    PyObject *kwargs = default_value == NULL ? NULL : Py_BuildValue("{sO}", "default", default_value);
    PyObject *var = default_value != NULL && kwargs == NULL ? NULL
                    : PyObject_VectorcallDict(type, &text, 1, kwargs);
    Py_XDECREF(kwargs);
    Py_DECREF(text);
    return var;
}

/* False with TypeError. */
static int
require(PyObject *op, PyTypeObject *type, const char *message)
{
    if (Py_IS_TYPE(op, type)) {
        return 1;
    }
    PyErr_SetString(PyExc_TypeError, message);
    return 0;
}

#define IS_VAR(op) require(op, &PyContextVar_Type, "an instance of ContextVar was expected")

/* NULL in *value, without an exception, when there is no value and no default. */
int
PyContextVar_Get(PyObject *var, PyObject *default_value, PyObject **value)
{
    *value = NULL;
    if (!IS_VAR(var)) {
        return -1;
    }
    *value = default_value == NULL ? PyObject_CallMethod(var, "get", NULL)
                                   : PyObject_CallMethod(var, "get", "(O)", default_value);
    if (*value != NULL) {
        return 0;
    }
    if (default_value != NULL || !PyErr_ExceptionMatches(PyExc_LookupError)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
}

PyObject *
PyContextVar_Set(PyObject *var, PyObject *value)
{
    return IS_VAR(var) ? PyObject_CallMethod(var, "set", "(O)", value) : NULL;
}

int
PyContextVar_Reset(PyObject *var, PyObject *token)
{
    if (!IS_VAR(var)) {
        return -1;
    }
    PyObject *result = PyObject_CallMethod(var, "reset", "(O)", token);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

PyObject *
PyContext_New(void)
{
    return PyObject_CallNoArgs((PyObject *)&PyContext_Type);
}

PyObject *
PyContext_Copy(PyObject *context)
{
    return require(context, &PyContext_Type, "an instance of Context was expected")
           ? PyObject_CallMethod(context, "copy", NULL) : NULL;
}

PyObject *
PyContext_CopyCurrent(void)
{
    return cape_call_module("contextvars", "copy_context", PyTuple_New(0));
}
