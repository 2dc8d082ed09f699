/* Functions written in C, and bound methods: what their structs say. */
#include "cape.h"

#undef PyCFunction_New
#undef PyCFunction_NewEx

PyObject *
PyCFunction_New(PyMethodDef *ml, PyObject *self)
{
    return PyCMethod_New(ml, self, NULL, NULL);
}

PyObject *
PyCFunction_NewEx(PyMethodDef *ml, PyObject *self, PyObject *module)
{
    return PyCMethod_New(ml, self, module, NULL);
}

/* False with SystemError. */
static int
is_cfunction(PyObject *op)
{
    if (!PyCFunction_Check(op)) {
        PyErr_BadInternalCall();
        return 0;
    }
    return 1;
}

PyCFunction
PyCFunction_GetFunction(PyObject *op)
{
    return is_cfunction(op) ? PyCFunction_GET_FUNCTION(op) : NULL;
}

PyObject *
PyCFunction_GetSelf(PyObject *op)
{
    return is_cfunction(op) ? PyCFunction_GET_SELF(op) : NULL;
}

int
PyCFunction_GetFlags(PyObject *op)
{
    return is_cfunction(op) ? PyCFunction_GET_FLAGS(op) : -1;
}

PyObject *
PyMethod_Function(PyObject *op)
{
    if (!PyMethod_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return PyMethod_GET_FUNCTION(op);
}

PyObject *
PyMethod_Self(PyObject *op)
{
    if (!PyMethod_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return PyMethod_GET_SELF(op);
}

PyObject *
PyInstanceMethod_Function(PyObject *op)
{
    if (!PyInstanceMethod_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return PyInstanceMethod_GET_FUNCTION(op);
}

PyObject *
PyInstanceMethod_New(PyObject *function)
{
    return PyObject_CallOneArg((PyObject *)&PyInstanceMethod_Type, function);
}
