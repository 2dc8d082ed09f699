#ifndef Py_RANGEOBJECT_H
#define Py_RANGEOBJECT_H
#ifdef __cplusplus
extern "C" {
#endif
#include "generated/rangeobject.h"
#define PyRange_Check(op) Py_IS_TYPE((op), &PyRange_Type)
#ifdef __cplusplus
}
#endif
#endif
