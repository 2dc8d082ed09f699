#ifndef Py_LIMITED_API
#ifndef Py_PYTIME_H
#define Py_PYTIME_H
#ifdef __cplusplus
extern "C" {
#endif

typedef int64_t PyTime_t;  /* nanoseconds */
#define PyTime_MIN INT64_MIN
#define PyTime_MAX INT64_MAX

#include "generated/cpython_pytime.h"

#ifdef __cplusplus
}
#endif
#endif
#endif
