/* Calls whose arguments are the C function's own: by format, or objects up to NULL. */
#include "cape.h"

/* --- objects up to NULL -------------------------------------------------------------------------- */

#define SMALL 6

/* A stack with twice the room, two places in front, and what the last one held: `last`, which is freed, or `small`. NULL without an
 * exception if there is no memory. */
static PyObject **
with_more_room(PyObject **last, PyObject **small, size_t *room)
{
    size_t held = 2 + *room;
    *room *= 2;
    PyObject **stack = PyMem_New(PyObject *, 2 + *room);
    if (stack != NULL) {
        memcpy(stack, last == NULL ? small : last, held * sizeof(PyObject *));
    }
    PyMem_Free(last);
    return stack;
}

/* Calls `callable`, or the method of this name, with the objects of `vargs`. */
static PyObject *
call_objects(PyObject *callable, PyObject *name, va_list vargs)
{
    PyObject *small[SMALL + 2];
    PyObject **stack = small;
    size_t count = 0, room = SMALL;
    PyObject *object;
    while ((object = va_arg(vargs, PyObject *)) != NULL) {
        if (count == room) {
            stack = with_more_room(stack == small ? NULL : stack, small, &room);
            if (stack == NULL) {
                return PyErr_NoMemory();
            }
        }
        stack[2 + count++] = object;
    }
    PyObject **args = stack + 2;
    stack[1] = callable;
    PyObject *result = name == NULL ? PyObject_Vectorcall(callable, args, count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL)
                       : PyObject_VectorcallMethod(name, args - 1, (count + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
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
    va_list vargs;
    va_start(vargs, name);
    PyObject *result = call_objects(obj, name, vargs);
    va_end(vargs);
    return result;
}

/* --- by format ----------------------------------------------------------------------------------- */

/* Calls `callable` with arguments that have a place in front of them, where `self` goes unless it is NULL. */
static PyObject *
call_behind(PyObject *callable, PyObject *self, PyObject **args, Py_ssize_t count)
{
    if (self == NULL) {
        return PyObject_Vectorcall(callable, args, (size_t)count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    args[-1] = self;
    return PyObject_Vectorcall(callable, args - 1, (size_t)count + 1, NULL);
}

/* The same with the items of a tuple. */
static PyObject *
call_spread(PyObject *callable, PyObject *self, PyObject *tuple)
{
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    PyObject **items = ((PyTupleObject *)tuple)->ob_item;
    if (self == NULL) {
        return PyObject_Vectorcall(callable, items, (size_t)count, NULL);
    }
    PyObject **stack = PyMem_New(PyObject *, count + 1);
    if (stack == NULL) {
        return PyErr_NoMemory();
    }
    memcpy(stack + 1, items, (size_t)count * sizeof(*items));
    PyObject *result = call_behind(callable, self, stack + 1, count);
    PyMem_Free(stack);
    return result;
}

/* Calls with arguments by format, behind `self` unless that is NULL. An argument that is a tuple alone gives them itself. */
static PyObject *
call_format(PyObject *callable, PyObject *self, const char *format, va_list vargs)
{
    PyObject *small[SMALL + 1];
    PyObject **stack = small;
    Py_ssize_t count = cape_count_values(format);
    if (count < 0) {
        return NULL;
    }
    if (count > SMALL) {
        stack = PyMem_New(PyObject *, count + 1);
        if (stack == NULL) {
            return PyErr_NoMemory();
        }
    }
    PyObject **args = stack + 1;
    PyObject *result = NULL;
    if (count == 0 || cape_build_values(format, vargs, count, args) == 0) {
        result = count == 1 && PyTuple_Check(args[0]) ? call_spread(callable, self, args[0])
                                                      : call_behind(callable, self, args, count);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_XDECREF(args[i]);
    }
    if (stack != small) {
        PyMem_Free(stack);
    }
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
        PyObject *result = call_format(callable, NULL, format, vargs); \
        va_end(vargs); \
        return result; \
    }

CALL_FORMAT(PyObject_CallFunction)
CALL_FORMAT(_PyObject_CallFunction_SizeT)
CALL_FORMAT(PyEval_CallFunction)

/* The method is not bound for the call where nobody can tell: that of a function of C, or one that is called with an exception set, is
 * named in errors. */
static PyObject *
call_method(PyObject *obj, const char *name, const char *format, va_list vargs)
{
    PyObject *key = PyUnicode_InternFromString(name);
    if (key == NULL) {
        return NULL;
    }
    PyObject *method = NULL;
    int found = 0;
    if (cape_error() == NULL) {
        int bare = format == NULL || *format == 0;
        found = bare ? _Cape_CallMethod(key, &obj, 1, NULL, &method) : _Cape_GetMethod(obj, key, &method);
        if (found == 2 || method == NULL) {
            Py_DECREF(key);
            return method;
        }
    }
    if (method == NULL || (found == 1 && !PyFunction_Check(method))) {
        found = 0;
        Py_XSETREF(method, PyObject_GetAttr(obj, key));
    }
    Py_DECREF(key);
    if (method == NULL) {
        return NULL;
    }
    PyObject *result = NULL;
    if (!PyCallable_Check(method)) {
        cape_type_error("attribute of type '%.200s' is not callable", method);
    }
    else {
        result = call_format(method, found == 1 ? obj : NULL, format, vargs);
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
        PyObject *result = call_method(obj, name, format, vargs); \
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
    PyObject *result = call_method(obj, name->string, format, vargs);
    va_end(vargs);
    return result;
}
