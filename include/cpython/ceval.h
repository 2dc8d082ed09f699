#ifndef Py_CPYTHON_CEVAL_H
#  error "this header file must not be included directly"
#endif

typedef struct {
    FILE *perf_map;
    PyThread_type_lock map_lock;
} PerfMapState;

#include "generated/cpython_ceval.h"

_Py_DEPRECATED_EXTERNALLY(3.12) static inline Py_ssize_t
_PyEval_RequestCodeExtraIndex(freefunc f)
{
    return PyUnstable_Eval_RequestCodeExtraIndex(f);
}
