#ifndef Py_LIMITED_API
#ifndef Py_TRACEMALLOC_H
#define Py_TRACEMALLOC_H
#ifdef __cplusplus
extern "C" {
#endif

#include "generated/cpython_tracemalloc.h"

#ifdef __cplusplus
}
#endif
#endif
#endif
