/* ends: C that ends Python. What follows the end writes with C's own functions. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdio.h>
#include <stdlib.h>

static void
at_exit(void)
{
    printf("Py_AtExit: initialized %d\n", Py_IsInitialized());
    fflush(stdout);
}

/* end(how): "exit", "finalize" or "finalize_ex". Does not return. */
static PyObject *
end(PyObject *Py_UNUSED(module), PyObject *how)
{
    Py_AtExit(at_exit);
    printf("before: initialized %d finalizing %d\n", Py_IsInitialized(), Py_IsFinalizing());
    fflush(stdout);
    if (PyUnicode_EqualToUTF8(how, "exit")) {
        Py_Exit(7);
    }
    if (PyUnicode_EqualToUTF8(how, "finalize")) {
        Py_Finalize();
        printf("after: initialized %d\n", Py_IsInitialized());
    }
    else {
        int status = Py_FinalizeEx();
        printf("after: %d initialized %d\n", status, Py_IsInitialized());
        printf("again: %d\n", Py_FinalizeEx());
    }
    fflush(stdout);
    _Exit(8);
}

static PyObject *
state(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("(ii)", Py_IsInitialized(), Py_IsFinalizing());
}

static PyMethodDef methods[] = {{"end", end, METH_O, NULL}, {"state", state, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "ends", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_ends(void)
{
    return PyModule_Create(&definition);
}
