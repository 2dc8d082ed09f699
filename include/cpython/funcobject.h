#ifndef Py_LIMITED_API
#ifndef Py_FUNCOBJECT_H
#define Py_FUNCOBJECT_H
#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    PyObject *fc_globals;
    PyObject *fc_builtins;
    PyObject *fc_name;
    PyObject *fc_qualname;
    PyObject *fc_code;
    PyObject *fc_defaults;
    PyObject *fc_kwdefaults;
    PyObject *fc_closure;
} PyFrameConstructor;

typedef struct {
    PyObject_HEAD
    PyObject *func_globals;
    PyObject *func_builtins;
    PyObject *func_name;
    PyObject *func_qualname;
    PyObject *func_code;
    PyObject *func_defaults;
    PyObject *func_kwdefaults;
    PyObject *func_closure;
    PyObject *func_doc;
    PyObject *func_dict;
    PyObject *func_weakreflist;
    PyObject *func_module;
    PyObject *func_annotations;
    PyObject *func_annotate;
    PyObject *func_typeparams;
    vectorcallfunc vectorcall;
    uint32_t func_version;
} PyFunctionObject;

#define PY_FOREACH_FUNC_EVENT(V) \
    V(CREATE) V(DESTROY) V(MODIFY_CODE) V(MODIFY_DEFAULTS) V(MODIFY_KWDEFAULTS)
typedef enum {
#define PY_DEF_EVENT(EVENT) PyFunction_EVENT_##EVENT,
    PY_FOREACH_FUNC_EVENT(PY_DEF_EVENT)
#undef PY_DEF_EVENT
} PyFunction_WatchEvent;
typedef int (*PyFunction_WatchCallback)(PyFunction_WatchEvent event, PyFunctionObject *func,
                                        PyObject *new_value);

#include "generated/cpython_funcobject.h"

#define PyFunction_Check(op) Py_IS_TYPE((op), &PyFunction_Type)
#define _PyFunction_CAST(func) (assert(PyFunction_Check(func)), _Py_CAST(PyFunctionObject*, func))

/* Borrowed references. */
static inline PyObject *
PyFunction_GET_CODE(PyObject *op)
{
    return _PyFunction_CAST(op)->func_code;
}
#define PyFunction_GET_CODE(op) PyFunction_GET_CODE(_PyObject_CAST(op))

static inline PyObject *
PyFunction_GET_GLOBALS(PyObject *op)
{
    return _PyFunction_CAST(op)->func_globals;
}
#define PyFunction_GET_GLOBALS(op) PyFunction_GET_GLOBALS(_PyObject_CAST(op))

static inline PyObject *
PyFunction_GET_MODULE(PyObject *op)
{
    return _PyFunction_CAST(op)->func_module;
}
#define PyFunction_GET_MODULE(op) PyFunction_GET_MODULE(_PyObject_CAST(op))

static inline PyObject *
PyFunction_GET_DEFAULTS(PyObject *op)
{
    return _PyFunction_CAST(op)->func_defaults;
}
#define PyFunction_GET_DEFAULTS(op) PyFunction_GET_DEFAULTS(_PyObject_CAST(op))

static inline PyObject *
PyFunction_GET_KW_DEFAULTS(PyObject *op)
{
    return _PyFunction_CAST(op)->func_kwdefaults;
}
#define PyFunction_GET_KW_DEFAULTS(op) PyFunction_GET_KW_DEFAULTS(_PyObject_CAST(op))

static inline PyObject *
PyFunction_GET_CLOSURE(PyObject *op)
{
    return _PyFunction_CAST(op)->func_closure;
}
#define PyFunction_GET_CLOSURE(op) PyFunction_GET_CLOSURE(_PyObject_CAST(op))

static inline PyObject *
PyFunction_GET_ANNOTATIONS(PyObject *op)
{
    return _PyFunction_CAST(op)->func_annotations;
}
#define PyFunction_GET_ANNOTATIONS(op) PyFunction_GET_ANNOTATIONS(_PyObject_CAST(op))

#ifdef __cplusplus
}
#endif
#endif
#endif
