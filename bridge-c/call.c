/* Calls: the vectorcall protocol, tp_call behind it. */
#include "cape.h"

#undef PyVectorcall_NARGS

Py_ssize_t
PyVectorcall_NARGS(size_t nargsf)
{
    return _PyVectorcall_NARGS(nargsf);
}

PyObject *
cape_check_result(PyObject *callable, PyObject *result, const char *where)
{
    PyObject *error = cape_error();
    if (CAPE_LIKELY((result == NULL) == (error != NULL))) {
        return result;
    }
    if (result == NULL) {
        return callable != NULL
               ? PyErr_Format(PyExc_SystemError, "%R returned NULL without setting an exception", callable)
               : PyErr_Format(PyExc_SystemError, "%s returned NULL without setting an exception", where);
    }
    Py_DECREF(result);
    return callable != NULL
           ? _PyErr_FormatFromCause(PyExc_SystemError, "%R returned a result with an exception set", callable)
           : _PyErr_FormatFromCause(PyExc_SystemError, "%s returned a result with an exception set", where);
}

#ifndef CAPE_INSIDE_CPYTHON
vectorcallfunc _Cape_managed_calls[4];
#endif

/* The function at a type's offset. */
static inline vectorcallfunc
vectorcall_at(PyObject *callable, Py_ssize_t offset)
{
    vectorcallfunc function;
    memcpy(&function, (char *)callable + offset, sizeof(function));
    return function;
}

static inline vectorcallfunc
vectorcall_of(PyObject *callable)
{
    PyTypeObject *type = Py_TYPE(callable);
    if (!(type->tp_flags & Py_TPFLAGS_HAVE_VECTORCALL)) {
        return NULL;
    }
    return vectorcall_at(callable, type->tp_vectorcall_offset);
}

vectorcallfunc
PyVectorcall_Function(PyObject *callable)
{
    return vectorcall_of(callable);
}

static PyObject *
not_callable(PyObject *callable)
{
    return PyErr_Format(PyExc_TypeError, "'%.200s' object is not callable", Py_TYPE(callable)->tp_name);
}

/* tp_call, guarded; args a tuple, kwargs a dict or NULL. */
static PyObject *
slot_call(PyObject *callable, PyObject *args, PyObject *kwargs)
{
    ternaryfunc call = Py_TYPE(callable)->tp_call;
    if (call == NULL) {
        return not_callable(callable);
    }
    if (cape_enter_call(" while calling a Python object")) {
        return NULL;
    }
    PyObject *result = call(callable, args, kwargs);
    return cape_checked(callable, result);
}

PyObject *
cape_keywords_as_dict(PyObject *const *values, PyObject *kwnames)
{
    PyObject *kwargs = PyDict_New();
    for (Py_ssize_t i = 0; kwargs != NULL && i < PyTuple_GET_SIZE(kwnames); i++) {
        if (PyDict_SetItem(kwargs, PyTuple_GET_ITEM(kwnames, i), values[i]) < 0) {
            Py_CLEAR(kwargs);
        }
    }
    return kwargs;
}

/* The way through tp_call for what has no vectorcall function. */
static PyObject *
make_tp_call(PyObject *callable, PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs)
{
    PyObject *tuple = cape_tuple_from_array(args, nargs);
    if (tuple == NULL) {
        return NULL;
    }
    PyObject *result = slot_call(callable, tuple, kwargs);
    Py_DECREF(tuple);
    return result;
}

/* A call of what has no vectorcall function. */
static PyObject *
call_without_vector(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf);
    if (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0) {
        return make_tp_call(callable, args, nargs, NULL);
    }
    PyObject *kwargs = cape_keywords_as_dict(args + nargs, kwnames);
    if (kwargs == NULL) {
        return NULL;
    }
    PyObject *result = make_tp_call(callable, args, nargs, kwargs);
    Py_DECREF(kwargs);
    return result;
}

static inline PyObject *
vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    vectorcallfunc function = vectorcall_of(callable);
    if (CAPE_UNLIKELY(function == NULL)) {
        return call_without_vector(callable, args, nargsf, kwnames);
    }
    return cape_checked(callable, function(callable, args, nargsf, kwnames));
}

PyObject *
PyObject_Vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    return vectorcall(callable, args, nargsf, kwnames);
}

/* Calls a vectorcall function with arguments in a tuple and a dict. */
static PyObject *
vectorcall_unpacked(vectorcallfunc function, PyObject *callable, PyObject *const *args,
                    Py_ssize_t nargs, PyObject *kwargs)
{
    Py_ssize_t nkw = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs);
    if (nkw == 0) {
        return function(callable, args, (size_t)nargs, NULL);  /* not checked, as in CPython */
    }
    if (cape_is_managed_call(function) && PyDict_CheckExact(kwargs)) {
        return cape_checked(callable, _Cape_CallDict(callable, args, nargs, kwargs));
    }
    PyObject *kwnames = PyTuple_New(nkw);
    PyObject **stack = PyMem_New(PyObject *, nargs + nkw + 1);
    if (kwnames == NULL || stack == NULL) {
        Py_XDECREF(kwnames);
        PyMem_Free(stack);
        return PyErr_NoMemory();
    }
    PyObject **vector = stack + 1;  /* room for PY_VECTORCALL_ARGUMENTS_OFFSET */
    for (Py_ssize_t i = 0; i < nargs; i++) {
        vector[i] = Py_NewRef(args[i]);
    }
    PyObject *key, *value;
    Py_ssize_t position = 0, count = 0;
    int strings = 1;
    while (count < nkw && PyDict_Next(kwargs, &position, &key, &value)) {
        strings &= PyUnicode_Check(key);
        PyTuple_SET_ITEM(kwnames, count, Py_NewRef(key));
        vector[nargs + count] = Py_NewRef(value);
        count++;
    }
    PyObject *result = NULL;
    if (!strings) {
        PyErr_SetString(PyExc_TypeError, "keywords must be strings");
    }
    else {
        result = function(callable, vector, (size_t)nargs | PY_VECTORCALL_ARGUMENTS_OFFSET, kwnames);
        result = cape_checked(callable, result);
    }
    for (Py_ssize_t i = 0; i < nargs + count; i++) {
        Py_DECREF(vector[i]);
    }
    PyMem_Free(stack);
    Py_DECREF(kwnames);
    return result;
}

PyObject *
PyObject_VectorcallDict(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwargs)
{
    vectorcallfunc function = vectorcall_of(callable);
    Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf);
    if (function == NULL) {
        return make_tp_call(callable, args, nargs, kwargs);
    }
    if (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0) {
        return cape_checked(callable, function(callable, args, nargsf, NULL));
    }
    return vectorcall_unpacked(function, callable, args, nargs, kwargs);
}

/* For tp_call of types that have vectorcall; a class derived from one that overrides __call__ has not, but its super().__call__ comes here. */
PyObject *
PyVectorcall_Call(PyObject *callable, PyObject *tuple, PyObject *kwargs)
{
    Py_ssize_t offset = Py_TYPE(callable)->tp_vectorcall_offset;
    vectorcallfunc function = offset > 0 ? vectorcall_at(callable, offset) : NULL;
    if (function == NULL) {
        return PyErr_Format(PyExc_TypeError, "'%.200s' object does not support vectorcall",
                            Py_TYPE(callable)->tp_name);
    }
    return vectorcall_unpacked(function, callable, ((PyTupleObject *)tuple)->ob_item,
                               PyTuple_GET_SIZE(tuple), kwargs);
}

PyObject *
PyObject_Call(PyObject *callable, PyObject *args, PyObject *kwargs)
{
    vectorcallfunc function = vectorcall_of(callable);
    if (function != NULL) {
        if (cape_takes_tuple(function, kwargs)) {
            return cape_checked(callable, cape_call_with_tuple(callable, args, kwargs));
        }
        return vectorcall_unpacked(function, callable, ((PyTupleObject *)args)->ob_item,
                                   PyTuple_GET_SIZE(args), kwargs);
    }
    return slot_call(callable, args, kwargs);
}

PyObject *
PyCFunction_Call(PyObject *callable, PyObject *args, PyObject *kwargs)
{
    return PyObject_Call(callable, args, kwargs);
}

PyObject *
PyObject_CallObject(PyObject *callable, PyObject *args)
{
    if (args == NULL) {
        return PyObject_CallNoArgs(callable);
    }
    if (!PyTuple_Check(args)) {
        PyErr_SetString(PyExc_TypeError, "argument list must be a tuple");
        return NULL;
    }
    return PyObject_Call(callable, args, NULL);
}

PyObject *
PyEval_CallObjectWithKeywords(PyObject *callable, PyObject *args, PyObject *kwargs)
{
    if (args != NULL && !PyTuple_Check(args)) {
        PyErr_SetString(PyExc_TypeError, "argument list must be a tuple");
        return NULL;
    }
    if (kwargs != NULL && !PyDict_Check(kwargs)) {
        PyErr_SetString(PyExc_TypeError, "keyword list must be a dictionary");
        return NULL;
    }
    return args == NULL ? PyObject_VectorcallDict(callable, NULL, 0, kwargs)
                        : PyObject_Call(callable, args, kwargs);
}

PyObject *
PyObject_CallNoArgs(PyObject *callable)
{
    return vectorcall(callable, NULL, 0, NULL);
}

PyObject *
PyObject_CallOneArg(PyObject *callable, PyObject *arg)
{
    if (CAPE_UNLIKELY(arg == NULL)) {
        return cape_null_error();
    }
    PyObject *stack[2] = {NULL, arg};
    return vectorcall(callable, stack + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* name is looked up in args[0], which is the first argument unless that binds it. */
PyObject *
PyObject_VectorcallMethod(PyObject *name, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyObject *method = NULL;
    int found = _Cape_CallMethod(name, args, nargsf, kwnames, &method);
    if (found == 2 || method == NULL) {
        return method;
    }
    if (found == 1) {
        /* args[-1] is not the callee's: args starts at self. */
        nargsf &= ~PY_VECTORCALL_ARGUMENTS_OFFSET;
    }
    else {
        args++;
        nargsf--;
    }
    PyObject *result = vectorcall(method, args, nargsf, kwnames);
    Py_DECREF(method);
    return result;
}

PyObject *
cape_call_module(const char *module, const char *function, PyObject *args)
{
    if (args == NULL) {
        return NULL;
    }
    /* What is set already is no matter of the function's. */
    PyObject *before = PyErr_GetRaisedException();
    PyObject *result = NULL;
    PyObject *callable = PyImport_ImportModuleAttrString(module, function);
    if (callable != NULL) {
        result = PyObject_Call(callable, args, NULL);
        Py_DECREF(callable);
    }
    Py_DECREF(args);
    if (result != NULL && before != NULL) {
        PyErr_SetRaisedException(before);
    }
    else {
        Py_XDECREF(before);
    }
    return result;
}
