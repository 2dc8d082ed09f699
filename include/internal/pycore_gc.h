/* The head of objects that take part in cyclic collection. */
#ifndef Py_INTERNAL_GC_H
#define Py_INTERNAL_GC_H
#ifdef __cplusplus
extern "C" {
#endif
#ifndef Py_BUILD_CORE
#  error "this header requires Py_BUILD_CORE define"
#endif

/* In front of every object whose type has Py_TPFLAGS_HAVE_GC. */
typedef struct {
    uintptr_t _gc_next;     /* 0: not tracked */
    uintptr_t _gc_prev;     /* the low bits are flags */
} PyGC_Head;

#define _PyGC_PREV_MASK_FINALIZED ((uintptr_t)1)
#define _PyGC_PREV_MASK_COLLECTING ((uintptr_t)2)
#define _PyGC_PREV_SHIFT 2
#define _PyGC_PREV_MASK (((uintptr_t)-1) << _PyGC_PREV_SHIFT)

static inline PyGC_Head *
_Py_AS_GC(PyObject *op)
{
    return ((PyGC_Head *)op) - 1;
}
#define _Py_AS_GC(op) _Py_AS_GC(_PyObject_CAST(op))

static inline PyObject *
_Py_FROM_GC(PyGC_Head *gc)
{
    return (PyObject *)(gc + 1);
}

static inline int
_PyObject_GC_IS_TRACKED(PyObject *op)
{
    return _Py_AS_GC(op)->_gc_next != 0;
}
#define _PyObject_GC_IS_TRACKED(op) _PyObject_GC_IS_TRACKED(_PyObject_CAST(op))

#ifdef __cplusplus
}
#endif
#endif
