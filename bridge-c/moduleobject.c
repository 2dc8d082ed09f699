/* Modules: what their structs say. */
#include "cape.h"

/* Indices of single-phase modules in the interpreter's list; 0 is none. */
static Py_ssize_t last_index = 0;

PyObject *
PyModuleDef_Init(PyModuleDef *def)
{
    PyObject *op = (PyObject *)def;
    if (def->m_base.m_index == 0) {
        def->m_base.m_index = ++last_index;
        op->ob_type = &PyModuleDef_Type;
    }
    return op;
}

PyObject *
PyModule_New(const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) {
        return NULL;
    }
    PyObject *module = PyModule_NewObject(text);
    Py_DECREF(text);
    return module;
}

/* Borrowed. */
PyObject *
PyModule_GetDict(PyObject *op)
{
    if (!PyModule_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return ((PyModuleObject *)op)->md_dict;
}

PyModuleDef *
PyModule_GetDef(PyObject *op)
{
    if (!PyModule_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    return ((PyModuleObject *)op)->md_def;
}

void *
PyModule_GetState(PyObject *op)
{
    if (!PyModule_Check(op)) {
        PyErr_BadArgument();
        return NULL;
    }
    return ((PyModuleObject *)op)->md_state;
}

/* UTF-8 that lives as long as the str in the module's dictionary. */
static const char *
text_of(PyObject *op)
{
    if (op == NULL) {
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8(op);
    Py_DECREF(op);
    return text;
}

const char *
PyModule_GetName(PyObject *op)
{
    return text_of(PyModule_GetNameObject(op));
}

const char *
PyModule_GetFilename(PyObject *op)
{
    return text_of(PyModule_GetFilenameObject(op));
}
