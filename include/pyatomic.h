#ifndef Py_ATOMIC_H
#define Py_ATOMIC_H
#ifndef Py_LIMITED_API
#  define Py_CPYTHON_ATOMIC_H
#  include "cpython/pyatomic.h"
#  undef Py_CPYTHON_ATOMIC_H
#endif
#endif
