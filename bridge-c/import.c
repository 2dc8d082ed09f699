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
    if (PyErr_WarnEx(PyExc_DeprecationWarning,
                     "PyImport_ImportModuleNoBlock() is deprecated and scheduled for removal in Python 3.15. "
                     "Use PyImport_ImportModule() instead.", 1) < 0) {
        return NULL;
    }
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

/* A name that is no str is a key like any other. */
PyObject *
PyImport_AddModuleObject(PyObject *name)
{
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *module;
    if (modules == NULL || PyMapping_GetOptionalItem(modules, name, &module) < 0) {
        return NULL;
    }
    if (module == NULL || !PyModule_Check(module)) {
        Py_XSETREF(module, PyModule_NewObject(name));
        if (module != NULL && PyObject_SetItem(modules, name, module) < 0) {
            Py_CLEAR(module);
        }
    }
    Py_XDECREF(module);
    return module;
}

PyObject *
PyImport_ReloadModule(PyObject *module)
{
    return cape_call_module("importlib", "reload", Py_BuildValue("(O)", module));
}

PyObject *
PyImport_GetImporter(PyObject *path)
{
    return cape_call_module("pkgutil", "get_importer", Py_BuildValue("(O)", path));
}

/* --- compiled modules --------------------------------------------------------------------------- */

long
PyImport_GetMagicNumber(void)
{
    PyObject *number = PyImport_ImportModuleAttrString("_imp", "pyc_magic_number_token");
    long magic = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(number);
    return magic;
}

const char *
PyImport_GetMagicTag(void)
{
    static char tag[32];
    PyObject *implementation = PyImport_ImportModuleAttrString("sys", "implementation");
    PyObject *value = implementation == NULL ? NULL : PyObject_GetAttrString(implementation, "cache_tag");
    const char *text = value == NULL ? NULL : PyUnicode_AsUTF8(value);
    if (text != NULL) {
        PyOS_snprintf(tag, sizeof(tag), "%s", text);
    }
    Py_XDECREF(implementation);
    Py_XDECREF(value);
    return text == NULL ? NULL : tag;
}

/* The dict of the module of that name, which is made where there is none; borrowed. */
static PyObject *
dict_for_code(PyObject *name)
{
    PyObject *module = PyImport_AddModuleObject(name);
    PyObject *dict = module == NULL ? NULL : PyModule_GetDict(module);
    if (dict != NULL) {
        int has_builtins = PyDict_ContainsString(dict, "__builtins__");
        if (has_builtins < 0
            || (has_builtins == 0 && PyDict_SetItemString(dict, "__builtins__", PyEval_GetBuiltins()) < 0)) {
            return NULL;
        }
    }
    return dict;
}

/* sys.modules no longer has the module, whatever is raised. */
static void
remove_module(PyObject *name)
{
    PyObject *before = PyErr_GetRaisedException();
    PyObject *modules = PyImport_GetModuleDict();
    if (modules != NULL && PyObject_DelItem(modules, name) < 0) {
        PyErr_Clear();
    }
    PyErr_SetRaisedException(before);
}

/* Runs the code in the module's dict; the module, which the code may have replaced. */
static PyObject *
run_module(PyObject *name, PyObject *dict, PyObject *code)
{
    PyObject *result = PyEval_EvalCode(code, dict, dict);
    if (result == NULL) {
        remove_module(name);
        return NULL;
    }
    Py_DECREF(result);
    PyObject *module = PyImport_GetModule(name);
    if (module == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_ImportError, "Loaded module %R not found in sys.modules", name);
    }
    return module;
}

PyObject *
PyImport_ExecCodeModuleObject(PyObject *name, PyObject *code, PyObject *pathname, PyObject *cpathname)
{
    PyObject *dict = dict_for_code(name);
    if (dict == NULL) {
        return NULL;
    }
    PyObject *path = pathname != NULL ? Py_NewRef(pathname) : PyObject_GetAttrString(code, "co_filename");
    PyObject *args = path == NULL ? NULL : Py_BuildValue("(OOOO)", dict, name, path, cpathname == NULL ? Py_None : cpathname);
    PyObject *result = cape_call_module("_frozen_importlib_external", "_fix_up_module", args);
    Py_XDECREF(path);
    if (result == NULL) {
        remove_module(name);
        return NULL;
    }
    Py_DECREF(result);
    return run_module(name, dict, code);
}

PyObject *
PyImport_ExecCodeModuleWithPathnames(const char *name, PyObject *code, const char *pathname, const char *cpathname)
{
    PyObject *module = NULL, *path = NULL, *cpath = NULL;
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL || (cpathname != NULL && (cpath = PyUnicode_DecodeFSDefault(cpathname)) == NULL)) {
        goto done;
    }
    if (pathname != NULL) {
        path = PyUnicode_DecodeFSDefault(pathname);
        if (path == NULL) {
            goto done;
        }
    }
    else if (cpath != NULL) {
        /* The source that it was made from, if that can be told. */
        path = cape_call_module("_frozen_importlib_external", "_get_sourcefile", Py_BuildValue("(O)", cpath));
        if (path == NULL) {
            PyErr_Clear();
        }
    }
    module = PyImport_ExecCodeModuleObject(text, code, path, cpath);
done:
    Py_XDECREF(text);
    Py_XDECREF(path);
    Py_XDECREF(cpath);
    return module;
}

PyObject *
PyImport_ExecCodeModuleEx(const char *name, PyObject *code, const char *pathname)
{
    return PyImport_ExecCodeModuleWithPathnames(name, code, pathname, NULL);
}

PyObject *
PyImport_ExecCodeModule(const char *name, PyObject *code)
{
    return PyImport_ExecCodeModuleWithPathnames(name, code, NULL, NULL);
}

/* Asks _imp about a frozen module: 1, 0, -1 with an exception. */
static int
ask_imp(const char *question, PyObject *name)
{
    PyObject *answer = cape_call_module("_imp", question, Py_BuildValue("(O)", name));
    int status = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return status;
}

int
PyImport_ImportFrozenModuleObject(PyObject *name)
{
    if (name == NULL || !PyUnicode_Check(name)) {
        return 0;
    }
    int status = ask_imp("is_frozen", name);
    if (status <= 0) {
        return status;
    }
    PyObject *module = NULL;
    PyObject *code = cape_call_module("_imp", "get_frozen_object", Py_BuildValue("(O)", name));
    int package = code == NULL ? -1 : ask_imp("is_frozen_package", name);
    PyObject *dict = package < 0 ? NULL : dict_for_code(name);
    if (dict != NULL && package) {
        PyObject *path = PyList_New(0);
        if (path == NULL || PyDict_SetItemString(dict, "__path__", path) < 0) {
            dict = NULL;
        }
        Py_XDECREF(path);
    }
    if (dict != NULL) {
        module = run_module(name, dict, code);
    }
    Py_XDECREF(code);
    Py_XDECREF(module);
    return module == NULL ? -1 : 1;
}

int
PyImport_ImportFrozenModule(const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) {
        return -1;
    }
    int status = PyImport_ImportFrozenModuleObject(text);
    Py_DECREF(text);
    return status;
}
