#ifndef _Py_AUDIT_H
#define _Py_AUDIT_H
#ifdef __cplusplus
extern "C" {
#endif

#include "generated/audit.h"

#ifndef Py_LIMITED_API
#  define _Py_CPYTHON_AUDIT_H
#  include "cpython/audit.h"
#  undef _Py_CPYTHON_AUDIT_H
#endif

#ifdef __cplusplus
}
#endif
#endif
