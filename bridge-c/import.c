/* Imports under other names. */
#include "cape.h"

PyObject *
PyImport_ImportModuleAttr(PyObject *module_name, PyObject *name)
{
    PyObject *module = PyImport_Import(module_name);
    if (module == NULL) {
        return NULL;
    }
    PyObject *value = PyObject_GetAttr(module, name);
    Py_DECREF(module);
    return value;
}

PyObject *
PyImport_ImportModuleAttrString(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    if (module == NULL) {
        return NULL;
    }
    PyObject *value = PyObject_GetAttrString(module, name);
    Py_DECREF(module);
    return value;
}

PyObject *
PyImport_ImportModuleNoBlock(const char *name)
{
    return PyImport_ImportModule(name);
}

PyObject *
PyImport_ImportModuleLevel(const char *name, PyObject *globals, PyObject *locals, PyObject *fromlist,
                           int level)
{
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) {
        return NULL;
    }
    PyObject *module = PyImport_ImportModuleLevelObject(text, globals, locals, fromlist, level);
    Py_DECREF(text);
    return module;
}

/* Borrowed: sys.modules keeps it. */
PyObject *
PyImport_AddModule(const char *name)
{
    PyObject *module = PyImport_AddModuleRef(name);
    Py_XDECREF(module);
    return module;
}

PyObject *
PyImport_AddModuleObject(PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    return text == NULL ? NULL : PyImport_AddModule(text);
}

PyObject *
PyImport_ReloadModule(PyObject *module)
{
    return cape_call_module("importlib", "reload", Py_BuildValue("(O)", module));
}
