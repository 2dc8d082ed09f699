#ifndef Py_CPYTHON_WARNINGS_H
#  error "this header file must not be included directly"
#endif

#include "generated/cpython_warnings.h"

#define PyErr_Warn(category, msg) PyErr_WarnEx((category), (msg), 1)
