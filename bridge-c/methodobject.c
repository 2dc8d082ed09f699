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
    PyTypeObject *type = &PyInstanceMethod_Type;
    if (PyType_Ready(type) < 0) {
        return NULL;
    }
    return PyObject_CallOneArg((PyObject *)type, function);
}

/* --- calls ---------------------------------------------------------------------------------------- */

static inline int
has_names(PyObject *kwnames)
{
    return CAPE_UNLIKELY(kwnames != NULL) && PyTuple_GET_SIZE(kwnames) > 0;
}

/* "module.name()" or "class.name()" of a function; a new reference, or NULL. */
static PyObject *
function_text(PyObject *callable)
{
    PyObject *name = PyObject_GetAttrString(callable, "__qualname__");
    PyObject *module = name == NULL ? NULL : PyObject_GetAttrString(callable, "__module__");
    PyObject *text = NULL;
    if (module != NULL) {
        int plain = module == Py_None || (PyUnicode_Check(module) && PyUnicode_EqualToUTF8(module, "builtins"));
        text = plain ? PyUnicode_FromFormat("%S()", name) : PyUnicode_FromFormat("%S.%S()", module, name);
    }
    Py_XDECREF(name);
    Py_XDECREF(module);
    return text;
}

/* What is wrong with the arguments of a function. NULL. */
static PyObject *
function_misfit(PyObject *callable, Py_ssize_t nargs, PyObject *kwnames, const char *takes)
{
    if (PyCFunction_GET_FLAGS(callable) & METH_VARARGS) {
        return PyErr_Format(PyExc_TypeError, "%.200s() takes no keyword arguments", ((PyCFunctionObject *)callable)->m_ml->ml_name);
    }
    PyObject *text = function_text(callable);
    if (text != NULL) {
        if (has_names(kwnames)) {
            PyErr_Format(PyExc_TypeError, "%U takes no keyword arguments", text);
        }
        else {
            PyErr_Format(PyExc_TypeError, "%U takes %s (%zd given)", text, takes, nargs);
        }
        Py_DECREF(text);
    }
    return NULL;
}

#define function_OTHERWISE(takes) return function_misfit(callable, nargs, kwnames, takes)
/* The managed side says what is wrong. */
#define descriptor_OTHERWISE(takes) return _Cape_ManagedVectorcall(callable, args, nargsf, kwnames)

/* The calls of each convention: of what is over `definition`, where it `is_fit`; `skipped` arguments come before those of the function. */
#define CALL(expression) \
    if (cape_enter_call(" while calling a Python object")) { \
        return NULL; \
    } \
    PyObject *result = (expression); \
    return result

#define CALLS(prefix, definition, is_fit, self, skipped) \
    static PyObject * \
    prefix##_noargs(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) \
    { \
        (void)args; \
        Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf); \
        if (CAPE_UNLIKELY(nargs != skipped || has_names(kwnames) || !(is_fit))) { \
            prefix##_OTHERWISE("no arguments"); \
        } \
        CALL((definition)->ml_meth(self, NULL)); \
    } \
    static PyObject * \
    prefix##_one(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) \
    { \
        Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf); \
        if (CAPE_UNLIKELY(nargs != skipped + 1 || has_names(kwnames) || !(is_fit))) { \
            prefix##_OTHERWISE("exactly one argument"); \
        } \
        CALL((definition)->ml_meth(self, args[skipped])); \
    } \
    static PyObject * \
    prefix##_fast(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) \
    { \
        Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf); \
        if (CAPE_UNLIKELY(nargs < skipped || has_names(kwnames) || !(is_fit))) { \
            prefix##_OTHERWISE(""); \
        } \
        CALL(((PyCFunctionFast)(void (*)(void))(definition)->ml_meth)(self, args + skipped, nargs - skipped)); \
    } \
    static PyObject * \
    prefix##_fast_keywords(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) \
    { \
        Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf); \
        if (CAPE_UNLIKELY(nargs < skipped || !(is_fit))) { \
            prefix##_OTHERWISE(""); \
        } \
        CALL(((PyCFunctionFastWithKeywords)(void (*)(void))(definition)->ml_meth)(self, args + skipped, nargs - skipped, \
                                                                                 kwnames)); \
    } \
    static PyObject * \
    prefix##_tuple(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) \
    { \
        Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf); \
        if (CAPE_UNLIKELY(nargs < skipped || has_names(kwnames) || !(is_fit))) { \
            prefix##_OTHERWISE(""); \
        } \
        PyObject *tuple = cape_tuple_from_array(args + skipped, nargs - skipped); \
        if (tuple == NULL) { \
            return NULL; \
        } \
        PyObject *result = with_tuple(definition, self, tuple, NULL); \
        Py_DECREF(tuple); \
        return result; \
    } \
    static PyObject * \
    prefix##_tuple_keywords(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) \
    { \
        Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf); \
        if (CAPE_UNLIKELY(nargs < skipped || !(is_fit))) { \
            prefix##_OTHERWISE(""); \
        } \
        PyObject *tuple = cape_tuple_from_array(args + skipped, nargs - skipped), *kwargs = NULL, *result = NULL; \
        if (tuple != NULL && (!has_names(kwnames) || (kwargs = cape_keywords_as_dict(args + nargs, kwnames)) != NULL)) { \
            result = with_tuple(definition, self, tuple, kwargs); \
        } \
        Py_XDECREF(tuple); \
        Py_XDECREF(kwargs); \
        return result; \
    }

/* `args` a tuple, `kwargs` a dict or NULL. */
static PyObject *
with_tuple(PyMethodDef *definition, PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (definition->ml_flags & METH_KEYWORDS) {
        CALL(((PyCFunctionWithKeywords)(void (*)(void))definition->ml_meth)(self, args, kwargs));
    }
    CALL(definition->ml_meth(self, args));
}

#define FUNCTION ((PyCFunctionObject *)callable)
#define DESCRIPTOR ((PyMethodDescrObject *)callable)
CALLS(function, FUNCTION->m_ml, 1, PyCFunction_GET_SELF(callable), 0)
CALLS(descriptor, DESCRIPTOR->d_method, PyObject_TypeCheck(args[0], PyDescr_TYPE(callable)), args[0], 1)

#define BY_FLAGS(prefix) \
    switch (flags & (METH_VARARGS | METH_KEYWORDS | METH_NOARGS | METH_O | METH_FASTCALL | METH_METHOD)) { \
    case METH_NOARGS: return prefix##_noargs; \
    case METH_O: return prefix##_one; \
    case METH_FASTCALL: return prefix##_fast; \
    case METH_FASTCALL | METH_KEYWORDS: return prefix##_fast_keywords; \
    case METH_VARARGS: return prefix##_tuple; \
    case METH_VARARGS | METH_KEYWORDS: return prefix##_tuple_keywords; \
    default: return NULL; \
    }

vectorcallfunc
cape_function_vectorcall(int flags)
{
    BY_FLAGS(function)
}

vectorcallfunc
cape_descriptor_vectorcall(int flags)
{
    BY_FLAGS(descriptor)
}

int
cape_takes_tuple(vectorcallfunc function, PyObject *kwargs)
{
    return function == function_tuple_keywords || (function == function_tuple && (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0));
}

PyObject *
cape_call_with_tuple(PyObject *callable, PyObject *args, PyObject *kwargs)
{
    return with_tuple(FUNCTION->m_ml, PyCFunction_GET_SELF(callable), args, kwargs);
}
