#ifndef Py_GENERICALIASOBJECT_H
#define Py_GENERICALIASOBJECT_H
#ifdef __cplusplus
extern "C" {
#endif

#include "generated/genericaliasobject.h"

#ifdef __cplusplus
}
#endif
#endif
