/* tracing: trace and profile functions of C's. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static const char *const KINDS[] = {
    "call", "exception", "line", "return", "c_call", "c_exception", "c_return", "opcode",
};

/* Appends (kind, line, kind of argument) to the list that is the object. */
static int
note(PyObject *list, PyFrameObject *frame, int what, PyObject *argument)
{
    PyObject *shown = argument == NULL ? PyUnicode_FromString("NULL") : PyObject_Str((PyObject *)Py_TYPE(argument));
    if (shown == NULL) {
        return -1;
    }
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *entry = Py_BuildValue("(sOiN)", KINDS[what], code->co_name, PyFrame_GetLineNumber(frame), shown);
    Py_DECREF(code);
    if (entry == NULL) {
        return -1;
    }
    int status = PyList_Append(list, entry);
    Py_DECREF(entry);
    return status;
}

/* Fails at the first line, and is not asked again. */
static int
fail(PyObject *Py_UNUSED(object), PyFrameObject *Py_UNUSED(frame), int what, PyObject *Py_UNUSED(argument))
{
    if (what == PyTrace_LINE) {
        PyEval_SetTrace(NULL, NULL);
        PyErr_SetString(PyExc_ValueError, "stop here");
        return -1;
    }
    return 0;
}

/* What the struct of a code object says. */
static PyObject *
code_fields(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyCodeObject *code = (PyCodeObject *)object;
    return Py_BuildValue("(OOOiiiiiiiii)", code->co_filename, code->co_name, code->co_qualname, code->co_argcount,
        code->co_posonlyargcount, code->co_kwonlyargcount, code->co_nlocals, code->co_ncellvars, code->co_nfreevars,
        code->co_firstlineno, code->co_flags & (CO_VARARGS | CO_VARKEYWORDS | CO_GENERATOR | CO_NESTED),
        (int)PyCode_GetNumFree(code));
}

static PyObject *
trace(PyObject *Py_UNUSED(module), PyObject *list)
{
    PyEval_SetTrace(note, list);
    Py_RETURN_NONE;
}

static PyObject *
trace_failing(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyEval_SetTrace(fail, object);
    Py_RETURN_NONE;
}

static PyObject *
profile(PyObject *Py_UNUSED(module), PyObject *list)
{
    PyEval_SetProfile(note, list);
    Py_RETURN_NONE;
}

static PyObject *
stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    PyEval_SetTrace(NULL, NULL);
    PyEval_SetProfile(NULL, NULL);
    Py_RETURN_NONE;
}

/* Calls a function whose events nobody is told of. */
static PyObject *
untraced(PyObject *Py_UNUSED(module), PyObject *function)
{
    PyThreadState *state = PyThreadState_Get();
    PyThreadState_EnterTracing(state);
    PyObject *result = PyObject_CallNoArgs(function);
    PyThreadState_LeaveTracing(state);
    return result;
}

static PyMethodDef functions[] = {
    {"trace", trace, METH_O, NULL},
    {"trace_failing", trace_failing, METH_O, NULL},
    {"profile", profile, METH_O, NULL},
    {"code_fields", code_fields, METH_O, NULL},
    {"stop", stop, METH_NOARGS, NULL},
    {"untraced", untraced, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "tracing", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC
PyInit_tracing(void)
{
    return PyModule_Create(&module);
}
