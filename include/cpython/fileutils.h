#ifndef Py_CPYTHON_FILEUTILS_H
#  error "this header file must not be included directly"
#endif

#include "generated/cpython_fileutils.h"

Py_DEPRECATED(3.14) static inline FILE *
_Py_fopen_obj(PyObject *path, const char *mode)
{
    return Py_fopen(path, mode);
}
