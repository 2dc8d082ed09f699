#ifndef _Py_CPYTHON_AUDIT_H
#  error "this header file must not be included directly"
#endif

typedef int (*Py_AuditHookFunction)(const char *, PyObject *, void *);

#include "generated/cpython_audit.h"
