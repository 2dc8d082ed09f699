#ifndef Py_MARSHAL_H
#define Py_MARSHAL_H
#ifdef __cplusplus
extern "C" {
#endif

#ifndef Py_LIMITED_API
#  define Py_MARSHAL_VERSION 5
#endif

#include "generated/marshal.h"

#ifdef __cplusplus
}
#endif
#endif
