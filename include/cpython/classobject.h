/* Bound methods. */
#ifndef Py_LIMITED_API
#ifndef Py_CLASSOBJECT_H
#define Py_CLASSOBJECT_H
#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    PyObject_HEAD
    PyObject *im_func;
    PyObject *im_self;
    PyObject *im_weakreflist;
    vectorcallfunc vectorcall;
} PyMethodObject;

typedef struct {
    PyObject_HEAD
    PyObject *func;
} PyInstanceMethodObject;

#include "generated/cpython_classobject.h"

#define PyMethod_Check(op) Py_IS_TYPE((op), &PyMethod_Type)
#define _PyMethod_CAST(meth) (assert(PyMethod_Check(meth)), _Py_CAST(PyMethodObject*, meth))
#define PyInstanceMethod_Check(op) Py_IS_TYPE((op), &PyInstanceMethod_Type)
#define _PyInstanceMethod_CAST(meth) \
    (assert(PyInstanceMethod_Check(meth)), _Py_CAST(PyInstanceMethodObject*, meth))

/* Borrowed references. */
static inline PyObject *
PyMethod_GET_FUNCTION(PyObject *op)
{
    return _PyMethod_CAST(op)->im_func;
}
#define PyMethod_GET_FUNCTION(op) PyMethod_GET_FUNCTION(_PyObject_CAST(op))

static inline PyObject *
PyMethod_GET_SELF(PyObject *op)
{
    return _PyMethod_CAST(op)->im_self;
}
#define PyMethod_GET_SELF(op) PyMethod_GET_SELF(_PyObject_CAST(op))

static inline PyObject *
PyInstanceMethod_GET_FUNCTION(PyObject *op)
{
    return _PyInstanceMethod_CAST(op)->func;
}
#define PyInstanceMethod_GET_FUNCTION(op) PyInstanceMethod_GET_FUNCTION(_PyObject_CAST(op))

#ifdef __cplusplus
}
#endif
#endif
#endif
