/* What bridge-c calls in Rust, for the differential test: there it runs inside CPython. */
#include "cape.h"

#include <dlfcn.h>

void
_Cape_LinkedDealloc(PyObject *Py_UNUSED(op))
{
    Py_FatalError("no object of CPython is linked");
}

void
_Cape_WriteUnraisable(PyObject *message, PyObject *object)
{
    PyErr_WriteUnraisable(message == NULL ? object : message);
}

void
_Cape_DumpTraceback(void)
{
}

int
_Cape_GetMethod(PyObject *obj, PyObject *name, PyObject **method)
{
    *method = PyObject_GetAttr(obj, name);
    return 0;
}

PyObject *
_Cape_ClassGetItem(PyObject *cls, PyObject *key)
{
    typedef PyObject *(*GetItem)(PyObject *, PyObject *);
    return ((GetItem)dlsym(dlopen(NULL, RTLD_NOW), "PyObject_GetItem"))(cls, key);
}

PyObject *
_Cape_NextNotImplemented(PyObject *op)
{
    return PyErr_Format(PyExc_TypeError, "'%.200s' object is not iterable", Py_TYPE(op)->tp_name);
}

int
_Cape_Audit(const char *Py_UNUSED(event), PyObject *Py_UNUSED(args))
{
    return 0;
}

PyObject *
_Cape_Binary(PyObject *a, PyObject *b, int operator, int in_place)
{
    static const char *const names[] = {"add", "sub", "mul", "iadd", "isub", "imul"};
    PyObject *module = PyImport_ImportModule("operator");
    PyObject *result = module == NULL ? NULL
                       : PyObject_CallMethod(module, names[operator + 3 * in_place], "OO", a, b);
    Py_XDECREF(module);
    return result;
}

int
_Cape_ByteArrayResize(PyObject *Py_UNUSED(op), Py_ssize_t Py_UNUSED(size))
{
    Py_FatalError("no object of CPython is linked");
}
