/* What the files of the extension `crossing` share. Each holds one function, type or slot per way to cross
 * between Python and C, with as little work of its own as there can be, and a table of its functions.
 * The API used is what CPython 3.14, Cape and PyPy 3.11 all have; what PyPy lacks stands behind
 * `#ifndef PYPY_VERSION`, and its cases are absent there. */
#ifndef CROSSING_H
#define CROSSING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>


/* The head of a function of METH_NOARGS, of METH_O. */
#define NOARGS(name) static PyObject *name(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
#define ONE(name) static PyObject *name(PyObject *Py_UNUSED(module), PyObject *object)
#define FAST(name) static PyObject *name(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)

/* A function of another convention, in a table of methods. */
#define AS_METHOD(function) ((PyCFunction)(void (*)(void))(function))

/* How often the functions of REPEATED do their one thing: CALLBACK in cases.py. */
#define TIMES 100

/* What a step gives back is dropped; NULL ends the loop. A step may use `object` and `i`. */
#define REPEATED(name, step)                                                   \
    ONE(name)                                                                  \
    {                                                                          \
        (void)object;                                                          \
        for (long i = 0; i < TIMES; i++) {                                     \
            PyObject *result = step;                                           \
            if (result == NULL) {                                              \
                return NULL;                                                   \
            }                                                                  \
            Py_DECREF(result);                                                 \
        }                                                                      \
        Py_RETURN_NONE;                                                        \
    }

/* The same for a step that gives an int, below zero for an error. */
#define REPEATED_INT(name, step)                                               \
    ONE(name)                                                                  \
    {                                                                          \
        for (long i = 0; i < TIMES; i++) {                                     \
            if (step < 0) {                                                    \
                return NULL;                                                   \
            }                                                                  \
        }                                                                      \
        Py_RETURN_NONE;                                                        \
    }

static inline PyObject *
kept(PyObject *object)
{
    Py_INCREF(object);
    return object;
}

/* Frees an instance of a heap type that holds nothing and is no business of the collector's. */
static inline void
free_plain(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Adds a type made of a specification to the module; -1 with an exception. */
static inline int
add_spec(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromSpec(spec);
    if (type == NULL) {
        return -1;
    }
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result;
}

extern PyMethodDef call_functions[], value_functions[], container_functions[], text_functions[],
    callback_functions[], error_functions[], thread_functions[], link_functions[];

/* Each adds what its file has but functions; -1 with an exception. */
int add_box(PyObject *module);
int add_calls(PyObject *module);
int add_slots(PyObject *module);
int add_attributes(PyObject *module);
int add_values(PyObject *module);
int add_links(PyObject *module);

/* A new Box (box.c) that holds `value`. */
PyObject *give_box(PyObject *module, PyObject *value);

#endif
