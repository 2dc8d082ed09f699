/* Running and compiling source under the older names. */
#include "cape.h"

#undef Py_CompileString
#undef Py_CompileStringFlags
#undef PyRun_SimpleString
#undef PyRun_String

PyObject *
Py_CompileStringExFlags(const char *source, const char *filename, int start, PyCompilerFlags *flags,
                        int optimize)
{
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) {
        return NULL;
    }
    PyObject *code = Py_CompileStringObject(source, name, start, flags, optimize);
    Py_DECREF(name);
    return code;
}

PyObject *
Py_CompileStringFlags(const char *source, const char *filename, int start, PyCompilerFlags *flags)
{
    return Py_CompileStringExFlags(source, filename, start, flags, -1);
}

PyObject *
Py_CompileString(const char *source, const char *filename, int start)
{
    return Py_CompileStringExFlags(source, filename, start, NULL, -1);
}

PyObject *
PyRun_StringFlags(const char *source, int start, PyObject *globals, PyObject *locals,
                  PyCompilerFlags *flags)
{
    PyObject *code = Py_CompileStringExFlags(source, "<string>", start, flags, -1);
    if (code == NULL) {
        return NULL;
    }
    PyObject *result = PyEval_EvalCode(code, globals, locals);
    Py_DECREF(code);
    return result;
}

PyObject *
PyRun_String(const char *source, int start, PyObject *globals, PyObject *locals)
{
    return PyRun_StringFlags(source, start, globals, locals, NULL);
}

int
PyRun_SimpleStringFlags(const char *source, PyCompilerFlags *flags)
{
    PyObject *module = PyImport_AddModuleRef("__main__");
    if (module == NULL) {
        return -1;
    }
    PyObject *dict = PyModule_GetDict(module);
    PyObject *result = PyRun_StringFlags(source, Py_file_input, dict, dict, flags);
    Py_DECREF(module);
    if (result == NULL) {
        PyErr_Print();
        return -1;
    }
    Py_DECREF(result);
    return 0;
}

int
PyRun_SimpleString(const char *source)
{
    return PyRun_SimpleStringFlags(source, NULL);
}
