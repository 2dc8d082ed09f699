/* callbacks: the ways in which C calls Python, with whatever arguments and whatever callable. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define MOST 8

/* vectorcall(callable, args, names): fresh objects of C are passed where an argument is an int, a float or a str. */
static PyObject *
vectorcall(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *callable, *values, *names;
    PyObject *vector[MOST] = {NULL}, *result = NULL;
    if (!PyArg_ParseTuple(args, "OO!O", &callable, &PyTuple_Type, &values, &names)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(values);
    Py_ssize_t named = names == Py_None ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = PyTuple_GET_ITEM(values, i);
        vector[i] = PyLong_CheckExact(value)      ? PyLong_FromLongLong(PyLong_AsLongLong(value))
                    : PyFloat_CheckExact(value)   ? PyFloat_FromDouble(PyFloat_AS_DOUBLE(value))
                    : PyUnicode_CheckExact(value) ? PyUnicode_FromString(PyUnicode_AsUTF8(value))
                                                  : Py_NewRef(value);
    }
    result = PyObject_Vectorcall(callable, vector, (size_t)(count - named), names == Py_None ? NULL : names);
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_DECREF(vector[i]);
    }
    return result;
}

/* by_dict(callable, args, kwargs): by both functions that take a dict. */
static PyObject *
by_dict(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *callable, *values, *kwargs;
    if (!PyArg_ParseTuple(args, "OO!O!", &callable, &PyTuple_Type, &values, &PyDict_Type, &kwargs)) {
        return NULL;
    }
    PyObject *first = PyObject_VectorcallDict(callable, ((PyTupleObject *)values)->ob_item, (size_t)PyTuple_GET_SIZE(values), kwargs);
    if (first == NULL) {
        return NULL;
    }
    PyObject *second = PyObject_Call(callable, values, kwargs);
    return second == NULL ? NULL : Py_BuildValue("(NN)", first, second);
}

/* methods(object, name): the method by all functions that take a name. */
static PyObject *
methods_by_name(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object, *name;
    if (!PyArg_ParseTuple(args, "OU", &object, &name)) {
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8(name);
    PyObject *list = PyList_New(0);
    PyObject *given = Py_BuildValue("(is)", 1, "in a tuple");
    PyObject *results[] = {
        PyObject_CallMethod(object, text, "is", 1, "text"),
        PyObject_CallMethod(object, text, "O", given),
        PyObject_CallMethod(object, text, "(Of)", Py_None, 1.5),
        PyObject_CallMethodObjArgs(object, name, Py_None, object, NULL),
        PyObject_CallMethod(object, text, "iiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8),
        PyObject_CallMethodOneArg(object, name, Py_True),
        PyObject_CallMethodNoArgs(object, name),
        PyObject_CallMethod(object, text, NULL),
    };
    Py_DECREF(given);
    for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++) {
        PyObject *result = results[i];
        if (result == NULL) {
            result = PyErr_GetRaisedException();
            if (result == NULL) {
                result = Py_NewRef(Py_Ellipsis);
            }
        }
        PyErr_Clear();
        PyList_Append(list, result);
        Py_DECREF(result);
    }
    return list;
}

/* handling(exception, callable): called while C handles the exception. */
static PyObject *
handling(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *exception, *callable;
    if (!PyArg_ParseTuple(args, "OO", &exception, &callable)) {
        return NULL;
    }
    PyObject *before = PyErr_GetHandledException();
    PyErr_SetHandledException(exception);
    PyObject *result = PyObject_CallNoArgs(callable);
    PyErr_SetHandledException(before);
    Py_XDECREF(before);
    return result;
}

/* with_error(callable): called with an exception set, which CPython finds in the result. */
static PyObject *
with_error(PyObject *Py_UNUSED(module), PyObject *callable)
{
    PyErr_SetString(PyExc_KeyError, "before");
    return PyObject_CallNoArgs(callable);
}

/* raised(type, text): an exception that C makes, as C sees it and gives it back. */
static PyObject *
raised(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *type, *value, *traceback, *kind;
    const char *text;
    if (!PyArg_ParseTuple(args, "Oz", &kind, &text)) {
        return NULL;
    }
    text == NULL ? PyErr_SetNone(kind) : PyErr_SetString(kind, text);
    PyErr_Fetch(&type, &value, &traceback);
    int none = traceback == NULL;
    PyErr_Restore(type, value, traceback);
    return none ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"vectorcall", vectorcall, METH_VARARGS, NULL},
    {"by_dict", by_dict, METH_VARARGS, NULL},
    {"methods_by_name", methods_by_name, METH_VARARGS, NULL},
    {"handling", handling, METH_VARARGS, NULL},
    {"with_error", with_error, METH_O, NULL},
    {"raised", raised, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "callbacks", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_callbacks(void)
{
    return PyModule_Create(&definition);
}
