/* twins: each hot function of the C API that Cape implements in C, and its twin in Rust, called in a loop through the
 * same function pointer. Only for `cape-twins`, which exports the twins as _CapeRust_*.
 *
 * TWIN(name, result, parameters, step): `step` is one call of `f`, of that signature. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <time.h>

static PyObject *list, *tuple, *dict, *text, *key, *bytes, *number, *real, *function, *method, *instance;
static PyObject *one_argument, *value_name, *growing, *endless;

/* The compiler may not leave a call out whose result is not looked at. */
#define USE(value) __asm__ volatile("" : : "g"(value))
/* A new reference. */
#define NEW(value) drop(value)

static inline void
drop(PyObject *object)
{
    Py_DECREF(object);
}

static inline void
cut(void)
{
    if (PyList_GET_SIZE(growing) > 1000) {
        PyList_SetSlice(growing, 10, 2000, NULL);
    }
}

#define TWIN(name, result, parameters, step)                                   \
    extern result _CapeRust_##name parameters;                                 \
    static void run_##name(int rust, long count)                               \
    {                                                                          \
        result (*f) parameters = rust ? _CapeRust_##name : name;               \
        __asm__ volatile("" : "+r"(f));                                        \
        for (long i = 0; i < count; i++) {                                     \
            step;                                                              \
        }                                                                      \
    }
#include "table.h"
#undef TWIN

static const struct {
    const char *name;
    void (*run)(int rust, long count);
} twins[] = {
#define TWIN(name, result, parameters, step) {#name, run_##name},
#include "table.h"
#undef TWIN
};

#define NUMBER (sizeof(twins) / sizeof(*twins))

static PyObject *
names(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *found = PyTuple_New(NUMBER);
    for (size_t i = 0; found != NULL && i < NUMBER; i++) {
        PyTuple_SET_ITEM(found, i, PyUnicode_FromString(twins[i].name));
    }
    return found;
}

static long long
now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* run(number, rust, count) -> nanoseconds; what the loop raised. */
static PyObject *
run(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_ssize_t i;
    int rust;
    long count;
    if (!PyArg_ParseTuple(args, "npl", &i, &rust, &count)) {
        return NULL;
    }
    if (i < 0 || i >= (Py_ssize_t)NUMBER) {
        PyErr_SetString(PyExc_IndexError, "no such twin");
        return NULL;
    }
    long long start = now();
    twins[i].run(rust, count);
    long long end = now();
    return PyErr_Occurred() ? NULL : PyLong_FromLongLong(end - start);
}

/* What the steps use: use(function, instance, endless iterator). */
static PyObject *
use(PyObject *Py_UNUSED(module), PyObject *args)
{
    if (!PyArg_ParseTuple(args, "OOO", &function, &instance, &endless)) {
        return NULL;
    }
    Py_INCREF(function);
    Py_INCREF(instance);
    Py_INCREF(endless);
    list = Py_BuildValue("[iiiiiiiiii]", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    growing = PyList_GetSlice(list, 0, 10);
    tuple = PySequence_Tuple(list);
    dict = Py_BuildValue("{s:i,s:i}", "one", 1, "two", 2);
    text = PyUnicode_FromString("hello, world");
    key = PyUnicode_InternFromString("one");
    bytes = PyBytes_FromString("hello, world");
    number = PyLong_FromLong(1234567);
    real = PyFloat_FromDouble(1.5);
    one_argument = PyTuple_Pack(1, Py_None);
    value_name = PyUnicode_InternFromString("value");
    method = PyObject_GetAttrString(instance, "method");
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"names", names, METH_NOARGS, NULL},
    {"run", run, METH_VARARGS, NULL},
    {"use", use, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "twins",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC
PyInit_twins(void)
{
    return PyModule_Create(&definition);
}
