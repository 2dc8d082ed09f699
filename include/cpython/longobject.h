#ifndef Py_CPYTHON_LONGOBJECT_H
#  error "this header file must not be included directly"
#endif
#define _PyLong_CAST(op) (assert(PyLong_Check(op)), _Py_CAST(PyLongObject*, (op)))
#include "generated/cpython_longobject.h"
