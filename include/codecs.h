#ifndef Py_CODECREGISTRY_H
#define Py_CODECREGISTRY_H
#ifdef __cplusplus
extern "C" {
#endif

#include "generated/codecs.h"

#ifdef __cplusplus
}
#endif
#endif
