/* Calls whose arguments are the C function's own: by format, or objects up to NULL. */
#include "cape.h"

/* --- objects up to NULL -------------------------------------------------------------------------- */

#define SMALL 6

/* Calls with the objects of `vargs`, behind `self` unless that is NULL. */
static PyObject *
call_objects(PyObject *callable, PyObject *self, va_list vargs)
{
    PyObject *small[SMALL + 1];
    PyObject **stack = small;
    va_list counting;
    size_t count = self != NULL;
    va_copy(counting, vargs);
    while (va_arg(counting, PyObject *) != NULL) {
        count++;
    }
    va_end(counting);
    if (count > SMALL) {
        stack = PyMem_New(PyObject *, count + 1);
        if (stack == NULL) {
            return PyErr_NoMemory();
        }
    }
    PyObject **args = stack + 1;
    size_t i = 0;
    if (self != NULL) {
        args[i++] = self;
    }
    for (; i < count; i++) {
        args[i] = va_arg(vargs, PyObject *);
    }
    PyObject *result = PyObject_Vectorcall(callable, args, count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (stack != small) {
        PyMem_Free(stack);
    }
    return result;
}

PyObject *
PyObject_CallFunctionObjArgs(PyObject *callable, ...)
{
    if (callable == NULL) {
        return cape_null_error();
    }
    va_list vargs;
    va_start(vargs, callable);
    PyObject *result = call_objects(callable, NULL, vargs);
    va_end(vargs);
    return result;
}

PyObject *
PyObject_CallMethodObjArgs(PyObject *obj, PyObject *name, ...)
{
    if (obj == NULL || name == NULL) {
        return cape_null_error();
    }
    PyObject *method = NULL;
    int unbound = _Cape_GetMethod(obj, name, &method);
    if (method == NULL) {
        return NULL;
    }
    va_list vargs;
    va_start(vargs, name);
    PyObject *result = call_objects(method, unbound ? obj : NULL, vargs);
    va_end(vargs);
    Py_DECREF(method);
    return result;
}

/* --- by format ----------------------------------------------------------------------------------- */

/* A format of one object that is a tuple gives the arguments themselves. */
static PyObject *
call_format(PyObject *callable, const char *format, va_list vargs)
{
    if (format == NULL || *format == 0) {
        return PyObject_CallNoArgs(callable);
    }
    PyObject *built = cape_build_arguments(format, vargs), *args = built;
    if (built == NULL) {
        return NULL;
    }
    if (PyTuple_GET_SIZE(args) == 1 && PyTuple_Check(PyTuple_GET_ITEM(args, 0))) {
        args = PyTuple_GET_ITEM(built, 0);
    }
    PyObject *result = PyObject_Vectorcall(callable, ((PyTupleObject *)args)->ob_item, (size_t)PyTuple_GET_SIZE(args), NULL);
    Py_DECREF(built);
    return result;
}

#define CALL_FORMAT(NAME) \
    PyObject * \
    NAME(PyObject *callable, const char *format, ...) \
    { \
        if (callable == NULL) { \
            return cape_null_error(); \
        } \
        va_list vargs; \
        va_start(vargs, format); \
        PyObject *result = call_format(callable, format, vargs); \
        va_end(vargs); \
        return result; \
    }

CALL_FORMAT(PyObject_CallFunction)
CALL_FORMAT(_PyObject_CallFunction_SizeT)
CALL_FORMAT(PyEval_CallFunction)

/* Takes the reference to the method; NULL is an error. */
static PyObject *
call_method(PyObject *method, const char *format, va_list vargs)
{
    if (method == NULL) {
        return NULL;
    }
    PyObject *result = NULL;
    if (!PyCallable_Check(method)) {
        cape_type_error("attribute of type '%.200s' is not callable", method);
    }
    else {
        result = call_format(method, format, vargs);
    }
    Py_DECREF(method);
    return result;
}

#define CALL_METHOD(NAME) \
    PyObject * \
    NAME(PyObject *obj, const char *name, const char *format, ...) \
    { \
        if (obj == NULL || name == NULL) { \
            return cape_null_error(); \
        } \
        va_list vargs; \
        va_start(vargs, format); \
        PyObject *result = call_method(PyObject_GetAttrString(obj, name), format, vargs); \
        va_end(vargs); \
        return result; \
    }

CALL_METHOD(PyObject_CallMethod)
CALL_METHOD(_PyObject_CallMethod_SizeT)
CALL_METHOD(PyEval_CallMethod)

PyObject *
_PyObject_CallMethodId(PyObject *obj, _Py_Identifier *name, const char *format, ...)
{
    if (obj == NULL || name == NULL) {
        return cape_null_error();
    }
    va_list vargs;
    va_start(vargs, format);
    PyObject *result = call_method(PyObject_GetAttrString(obj, name->string), format, vargs);
    va_end(vargs);
    return result;
}
