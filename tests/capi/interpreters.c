/* interpreters: further interpreters, made, entered, left and ended by C. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyModuleDef definition;

/* Runs a script in the interpreter of the current thread state; 0 or -1. */
static int
script(PyObject *text)
{
    const char *source = PyUnicode_AsUTF8(text);
    return source == NULL ? -1 : PyRun_SimpleString(source);
}

/* in_new(text): by Py_NewInterpreter, with the GIL given up before. */
static PyObject *
in_new(PyObject *Py_UNUSED(module), PyObject *text)
{
    PyThreadState *before = PyThreadState_Swap(NULL);
    PyThreadState *state = Py_NewInterpreter();
    if (state == NULL) {
        PyThreadState_Swap(before);
        PyErr_SetString(PyExc_RuntimeError, "no interpreter");
        return NULL;
    }
    int current = state == PyThreadState_Get();
    int another = PyThreadState_GetInterpreter(state) != PyThreadState_GetInterpreter(before)
        && PyInterpreterState_Get() == PyThreadState_GetInterpreter(state)
        && PyInterpreterState_Get() == PyInterpreterState_Head()
        && PyInterpreterState_Main() == PyThreadState_GetInterpreter(before);
    int own_modules = PyState_FindModule(&definition) == NULL;
    int status = script(text);
    Py_EndInterpreter(state);
    int none = PyThreadState_GetUnchecked() == NULL;
    PyThreadState_Swap(before);
    return Py_BuildValue("(iiiii)", status, current, another, own_modules, none);
}

/* with_config(text, check, own_gil): by Py_NewInterpreterFromConfig; what it says when that fails. */
static PyObject *
with_config(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *text;
    int check, own_gil;
    if (!PyArg_ParseTuple(args, "Oii", &text, &check, &own_gil)) {
        return NULL;
    }
    const PyInterpreterConfig config = {
        .use_main_obmalloc = !own_gil,
        .allow_threads = 1,
        .check_multi_interp_extensions = check,
        .gil = own_gil ? PyInterpreterConfig_OWN_GIL : PyInterpreterConfig_SHARED_GIL,
    };
    PyThreadState *before = PyThreadState_Get(), *state = NULL;
    PyStatus failed = Py_NewInterpreterFromConfig(&state, &config);
    if (PyStatus_Exception(failed)) {
        PyThreadState_Swap(before);
        return PyUnicode_FromString(failed.err_msg);
    }
    int status = script(text);
    Py_EndInterpreter(state);
    PyThreadState_Swap(before);
    return PyLong_FromLong(status);
}

static PyThreadState *kept = NULL;

/* keep(): an interpreter that stays. */
static PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyThreadState *before = PyThreadState_Swap(NULL);
    kept = Py_NewInterpreter();
    PyThreadState_Swap(before);
    return PyBool_FromLong(kept != NULL);
}

/* in_kept(text): in a new thread state of it. */
static PyObject *
in_kept(PyObject *Py_UNUSED(module), PyObject *text)
{
    PyThreadState *state = PyThreadState_New(PyThreadState_GetInterpreter(kept));
    PyThreadState *before = PyThreadState_Swap(state);
    int status = script(text);
    PyThreadState_Clear(state);
    PyThreadState_Swap(before);
    PyThreadState_Delete(state);
    return PyLong_FromLong(status);
}

/* end_kept() */
static PyObject *
end_kept(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyThreadState *before = PyThreadState_Swap(kept);
    Py_EndInterpreter(kept);
    PyThreadState_Swap(before);
    Py_RETURN_NONE;
}

/* dict_of(key, value): keeps a value in the dict of the running interpreter, and gives what was there. */
static PyObject *
dict_of(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *key, *value;
    if (!PyArg_ParseTuple(args, "OO", &key, &value)) {
        return NULL;
    }
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *old = dict == NULL ? NULL : PyDict_GetItemWithError(dict, key);
    old = Py_XNewRef(old);
    if (dict == NULL || PyDict_SetItem(dict, key, value) < 0) {
        Py_XDECREF(old);
        return NULL;
    }
    return old == NULL ? Py_NewRef(Py_None) : old;
}

static PyMethodDef methods[] = {
    {"in_new", in_new, METH_O, NULL},
    {"with_config", with_config, METH_VARARGS, NULL},
    {"keep", keep, METH_NOARGS, NULL},
    {"in_kept", in_kept, METH_O, NULL},
    {"end_kept", end_kept, METH_NOARGS, NULL},
    {"dict_of", dict_of, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "interpreters", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_interpreters(void)
{
    return PyModule_Create(&definition);
}
