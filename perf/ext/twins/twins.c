/* twins: each hot function of the C API that Cape implements in C, and its twin in Rust, called in a loop through the
 * same function pointer. Only for `cape-twins`, which exports the twins as _CapeRust_*.
 *
 * TWIN(name, result, parameters, step): `step` is one call of `f`, of that signature. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <time.h>

static PyObject *list, *tuple, *dict, *text, *key, *bytes, *number, *real, *native, *takes_none, *takes_one;
static PyObject *one_argument, *value_name, *growing;

/* The compiler may not leave a call out whose result is not looked at. */
#define USE(value) __asm__ volatile("" : : "g"(value))
/* A new reference. What is made dies by the same code on both sides, which is not what is measured: it dies while the clock stands. */
#define NEW(value) keep(value)

static PyObject *kept[1024];
static size_t kept_number;
/* Nanoseconds that deaths have taken. */
static long long deaths;

static long long
now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static __attribute__((noinline)) void
let_go(void)
{
    long long start = now();
    while (kept_number > 0) {
        Py_DECREF(kept[--kept_number]);
    }
    deaths += now() - start;
}

static inline void
keep(PyObject *object)
{
    kept[kept_number++] = object;
    if (kept_number == sizeof(kept) / sizeof(*kept)) {
        let_go();
    }
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

static void
nothing(void)
{
}

/* What the loop and its calls take by themselves. */
static void
run_nothing(long count)
{
    void (*f)(void) = nothing;
    __asm__ volatile("" : "+r"(f));
    for (long i = 0; i < count; i++) {
        f();
    }
}

/* run(number, rust, count) -> nanoseconds in the functions, the calls and deaths taken off; what the loop raised. */
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
    deaths = 0;
    long long start = now();
    twins[i].run(rust, count);
    long long between = now();
    long long without_deaths = between - start - deaths;
    let_go();
    long long calls = now();
    run_nothing(count);
    long long spent = without_deaths - (now() - calls);
    /* What takes no more than a call is not resolved further: a twentieth of it is as good as nothing. */
    spent = Py_MAX(spent, without_deaths / 20);
    return PyErr_Occurred() ? NULL : PyLong_FromLongLong(Py_MAX(spent, 1));
}

/* ---- an object whose slots are all C's ---- */

static PyObject *
native_get(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(key))
{
    return Py_NewRef(Py_None);
}

static int
native_set(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(key), PyObject *Py_UNUSED(value))
{
    return 0;
}

static PyObject *
native_next(PyObject *Py_UNUSED(self))
{
    return Py_NewRef(Py_None);
}

static PyType_Slot native_slots[] = {
    {Py_tp_getattro, native_get},      {Py_tp_setattro, native_set}, {Py_mp_subscript, native_get},
    {Py_mp_ass_subscript, native_set}, {Py_tp_iter, PyObject_SelfIter}, {Py_tp_iternext, native_next},
    {0, NULL},
};
static PyType_Spec native_spec = {"twins.Native", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, native_slots};

static PyMethodDef native_functions[] = {
    {"takes_none", native_get, METH_NOARGS, NULL},
    {"takes_one", native_get, METH_O, NULL},
};

/* Makes what the steps use. */
static PyObject *
prepare(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *type = PyType_FromSpec(&native_spec);
    native = type == NULL ? NULL : PyObject_CallNoArgs(type);
    Py_XDECREF(type);
    takes_none = PyCFunction_New(&native_functions[0], NULL);
    takes_one = PyCFunction_New(&native_functions[1], NULL);
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
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"names", names, METH_NOARGS, NULL},
    {"run", run, METH_VARARGS, NULL},
    {"prepare", prepare, METH_NOARGS, NULL},
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
