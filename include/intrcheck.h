#ifndef Py_INTRCHECK_H
#define Py_INTRCHECK_H
#ifdef __cplusplus
extern "C" {
#endif

#include "generated/intrcheck.h"

#ifdef __cplusplus
}
#endif
#endif
