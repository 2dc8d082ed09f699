#ifndef Py_ENUMOBJECT_H
#define Py_ENUMOBJECT_H
#ifdef __cplusplus
extern "C" {
#endif
#include "generated/enumobject.h"
#ifdef __cplusplus
}
#endif
#endif
