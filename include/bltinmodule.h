#ifndef Py_BLTINMODULE_H
#define Py_BLTINMODULE_H
#ifdef __cplusplus
extern "C" {
#endif

#include "generated/bltinmodule.h"

#ifdef __cplusplus
}
#endif
#endif
