#ifndef Py_MODULEOBJECT_H
#define Py_MODULEOBJECT_H
#ifdef __cplusplus
extern "C" {
#endif

typedef struct PyModuleDef_Base {
    PyObject_HEAD
    PyObject *(*m_init)(void);
    Py_ssize_t m_index;
    PyObject *m_copy;
} PyModuleDef_Base;
#define PyModuleDef_HEAD_INIT { PyObject_HEAD_INIT(_Py_NULL) _Py_NULL, 0, _Py_NULL, }

#if CAPE_API_LEVEL >= 0x03050000
struct PyModuleDef_Slot {
    int slot;               /* Py_mod_*; 0 ends the array */
    void *value;
};
#  define Py_mod_create 1
#  define Py_mod_exec 2
#  if CAPE_API_LEVEL >= 0x030c0000
#    define Py_mod_multiple_interpreters 3
#  endif
#  if CAPE_API_LEVEL >= 0x030d0000
#    define Py_mod_gil 4
#  endif
#  ifndef Py_LIMITED_API
#    define _Py_mod_LAST_SLOT 4
#  endif
#endif
#if CAPE_API_LEVEL >= 0x030c0000
#  define Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED ((void *)0)
#  define Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED ((void *)1)
#  define Py_MOD_PER_INTERPRETER_GIL_SUPPORTED ((void *)2)
#endif
#if CAPE_API_LEVEL >= 0x030d0000
#  define Py_MOD_GIL_USED ((void *)0)
#  define Py_MOD_GIL_NOT_USED ((void *)1)
#endif

struct PyModuleDef {
    PyModuleDef_Base m_base;
    const char *m_name;
    const char *m_doc;
    Py_ssize_t m_size;
    PyMethodDef *m_methods;
    PyModuleDef_Slot *m_slots;
    traverseproc m_traverse;
    inquiry m_clear;
    freefunc m_free;
};

#include "generated/moduleobject.h"

#define PyModule_Check(op) PyObject_TypeCheck((op), &PyModule_Type)
#define PyModule_CheckExact(op) Py_IS_TYPE((op), &PyModule_Type)

#ifdef __cplusplus
}
#endif
#endif
