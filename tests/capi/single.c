/* single: a module that initialises itself in one phase and finds itself by its definition; what C sees of classes and bound methods. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    long number;
} State;

static struct PyModuleDef definition;

/* find(): the number in the state of the module that the definition leads to. */
static PyObject *
find(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *found = PyState_FindModule(&definition);
    return found == NULL ? PyUnicode_FromString("not found") : PyLong_FromLong(((State *)PyModule_GetState(found))->number);
}

/* names(class): tp_name, ht_name, ht_qualname of a heap type. */
static PyObject *
names(PyObject *Py_UNUSED(module), PyObject *type)
{
    PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
    return Py_BuildValue("(sOO)", heap->ht_type.tp_name, heap->ht_name, heap->ht_qualname);
}

static PyObject *kept;

/* keep(object): for ever, or until the next. */
static PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *o)
{
    Py_XSETREF(kept, Py_NewRef(o));
    Py_RETURN_NONE;
}

/* call(argument): the object that is kept. */
static PyObject *
call(PyObject *Py_UNUSED(module), PyObject *argument)
{
    return PyObject_CallOneArg(kept, argument);
}

static PyMethodDef methods[] = {
    {"find", find, METH_NOARGS, NULL},
    {"names", names, METH_O, NULL},
    {"keep", keep, METH_O, NULL},
    {"call", call, METH_O, NULL},
    {NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "single", NULL, sizeof(State), methods};

PyMODINIT_FUNC
PyInit_single(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL) {
        ((State *)PyModule_GetState(module))->number = 42;
    }
    return module;
}
