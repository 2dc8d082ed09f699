#ifndef Py_CPYTHON_FILEOBJECT_H
#  error "this header file must not be included directly"
#endif

typedef PyObject *(*Py_OpenCodeHookFunction)(PyObject *, void *);

#include "generated/cpython_fileobject.h"
