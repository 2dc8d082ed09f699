/* Builtin classes called by C, where nothing of the managed side is needed. */
#include "cape.h"

/* Everything but at most one positional argument. */
#define UNUSUAL(nargs) (nargs > 1 || (kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0))
#define ELSEWHERE return _Cape_ManagedVectorcall(class, args, nargsf, kwnames)

/* The vectorcall of a class: what it makes of no argument, and of one. */
#define CLASS(name, of_none, of_one) \
    static PyObject * \
    call_##name(PyObject *class, PyObject *const *args, size_t nargsf, PyObject *kwnames) \
    { \
        Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf); \
        if (CAPE_UNLIKELY(UNUSUAL(nargs))) { \
            ELSEWHERE; \
        } \
        return nargs == 0 ? (of_none) : (of_one); \
    }

static PyObject *
truth(PyObject *op)
{
    int truth = PyObject_IsTrue(op);
    return truth < 0 ? NULL : PyBool_FromLong(truth);
}

CLASS(list, PyList_New(0), PySequence_List(args[0]))
CLASS(tuple, PyTuple_New(0), PySequence_Tuple(args[0]))
CLASS(str, PyUnicode_New(0, 0), PyObject_Str(args[0]))
CLASS(bool, Py_NewRef(Py_False), truth(args[0]))

static PyObject *
call_type(PyObject *class, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    if (_PyVectorcall_NARGS(nargsf) == 1 && (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0)) {
        return Py_NewRef(Py_TYPE(args[0]));
    }
    ELSEWHERE;
}

vectorcallfunc
cape_class_vectorcall(PyTypeObject *type)
{
    return type == &PyList_Type      ? call_list
           : type == &PyTuple_Type   ? call_tuple
           : type == &PyUnicode_Type ? call_str
           : type == &PyBool_Type    ? call_bool
           : type == &PyType_Type    ? call_type
                                     : NULL;
}
