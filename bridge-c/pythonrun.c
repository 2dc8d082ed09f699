/* Running and compiling source under the older names. */
#include "cape.h"

#undef Py_CompileString
#undef Py_CompileStringFlags
#undef PyRun_SimpleString
#undef PyRun_String

PyObject *
cape_compile(PyObject *source, PyObject *filename, int start, PyCompilerFlags *flags, int optimize)
{
    const char *mode = start == Py_single_input ? "single"
                       : start == Py_file_input ? "exec"
                       : start == Py_eval_input ? "eval"
                       : start == Py_func_type_input ? "func_type" : "";
    int given = flags == NULL ? 0 : flags->cf_flags;
    PyObject *version = given & PyCF_ONLY_AST ? Py_BuildValue("{si}", "_feature_version", flags->cf_feature_version)
                                              : Py_NewRef(Py_None);
    PyObject *args = Py_BuildValue("(OOsiOi)", source, filename, mode, given & (PyCF_MASK | PyCF_COMPILE_MASK),
                                   Py_True, optimize);
    PyObject *compile = PyImport_ImportModuleAttrString("builtins", "compile");
    PyObject *code = version == NULL || args == NULL || compile == NULL
                     ? NULL : PyObject_Call(compile, args, version == Py_None ? NULL : version);
    Py_XDECREF(version);
    Py_XDECREF(args);
    Py_XDECREF(compile);
    return code;
}

/* The encoding that the source names is looked at unless the flags say otherwise: then it is UTF-8. */
PyObject *
Py_CompileStringObject(const char *source, PyObject *filename, int start, PyCompilerFlags *flags, int optimize)
{
    PyObject *text = flags != NULL && (flags->cf_flags & PyCF_IGNORE_COOKIE) ? PyUnicode_FromString(source)
                                                                             : PyBytes_FromString(source);
    if (text == NULL) {
        return NULL;
    }
    PyObject *code = cape_compile(text, filename, start, flags, optimize);
    Py_DECREF(text);
    return code;
}

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
