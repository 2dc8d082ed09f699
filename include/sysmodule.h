#ifndef Py_SYSMODULE_H
#define Py_SYSMODULE_H
#ifdef __cplusplus
extern "C" {
#endif

#include "generated/sysmodule.h"

#ifdef __cplusplus
}
#endif
#endif
