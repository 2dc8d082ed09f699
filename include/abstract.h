/* Operations on any object. */
#ifndef Py_ABSTRACTOBJECT_H
#define Py_ABSTRACTOBJECT_H
#ifdef __cplusplus
extern "C" {
#endif

#include "generated/abstract.h"

#if defined(Py_LIMITED_API) && Py_LIMITED_API+0 < 0x030d0000
#  define PyObject_DelAttrString(O, A) PyObject_SetAttrString((O), (A), NULL)
#  define PyObject_DelAttr(O, A) PyObject_SetAttr((O), (A), NULL)
#endif

/* Set in nargsf: the callee may overwrite args[-1]. */
#if CAPE_API_LEVEL >= 0x030c0000
#  define PY_VECTORCALL_ARGUMENTS_OFFSET (_Py_STATIC_CAST(size_t, 1) << (8 * sizeof(size_t) - 1))
#endif

#undef PyObject_Length
#define PyObject_Length PyObject_Size
#undef PySequence_Length
#define PySequence_Length PySequence_Size
#undef PySequence_In
#define PySequence_In PySequence_Contains
#undef PyMapping_Length
#define PyMapping_Length PyMapping_Size
#define PyMapping_DelItemString(O, K) PyObject_DelItemString((O), (K))
#define PyMapping_DelItem(O, K) PyObject_DelItem((O), (K))

#ifndef Py_LIMITED_API
#  define Py_CPYTHON_ABSTRACTOBJECT_H
#  include "cpython/abstract.h"
#  undef Py_CPYTHON_ABSTRACTOBJECT_H
#endif

#ifdef __cplusplus
}
#endif
#endif
