/* What frames, code objects and functions tell of themselves: through the attributes that Python code sees. */
#include "cape.h"

/* The object keeps the attribute's value: a borrowed reference, NULL for None. */
static PyObject *
borrowed(PyObject *op, const char *name)
{
    PyObject *value = PyObject_GetAttrString(op, name);
    if (value == NULL) {
        return NULL;
    }
    Py_DECREF(value);
    return value == Py_None ? NULL : value;
}

/* A new reference; NULL without an exception for None. */
static PyObject *
unless_none(PyObject *value)
{
    if (value == Py_None) {
        Py_DECREF(value);
        return NULL;
    }
    return value;
}

#define ATTRIBUTE(FUNCTION, TYPE, NAME) \
    PyObject * \
    FUNCTION(TYPE *op) \
    { \
        return PyObject_GetAttrString((PyObject *)op, NAME); \
    }

ATTRIBUTE(PyCode_GetCode, PyCodeObject, "co_code")
ATTRIBUTE(PyCode_GetVarnames, PyCodeObject, "co_varnames")
ATTRIBUTE(PyCode_GetFreevars, PyCodeObject, "co_freevars")
ATTRIBUTE(PyCode_GetCellvars, PyCodeObject, "co_cellvars")
ATTRIBUTE(PyFrame_GetGlobals, PyFrameObject, "f_globals")
ATTRIBUTE(PyFrame_GetBuiltins, PyFrameObject, "f_builtins")
ATTRIBUTE(PyFrame_GetLocals, PyFrameObject, "f_locals")

/* Where the unit of a code object's instructions at this offset stands: line, last line, first and last column, -1 for what is not
   known. Raises nothing. */
static void
place_of_unit(PyCodeObject *code, int offset, int place[4])
{
    PyObject *all = PyObject_CallMethod((PyObject *)code, "co_positions", NULL);
    PyObject *list = all == NULL ? NULL : PySequence_List(all);
    Py_XDECREF(all);
    if (list == NULL) {
        PyErr_Clear();
    }
    /* (Borrowed from the list.) */
    PyObject *found = list != NULL && offset / 2 < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, offset / 2) : NULL;
    for (int i = 0; i < 4; i++) {
        PyObject *value = found == NULL ? Py_None : PyTuple_GET_ITEM(found, i);
        place[i] = value == Py_None ? -1 : (int)PyLong_AsLong(value);
    }
    Py_XDECREF(list);
}

int
PyCode_Addr2Location(PyCodeObject *code, int offset, int *line, int *column, int *end_line, int *end_column)
{
    int place[4];
    if (offset < 0) {
        *line = PyCode_Addr2Line(code, offset);
        *column = 0;
        *end_line = *end_column = 0;
        return 1;
    }
    place_of_unit(code, offset, place);
    *line = place[0];
    *end_line = place[1];
    *column = place[2];
    *end_column = place[3];
    return 1;
}

int
PyCode_Addr2Line(PyCodeObject *code, int offset)
{
    int place[4];
    if (offset < 0) {
        PyObject *first = PyObject_GetAttrString((PyObject *)code, "co_firstlineno");
        int line = first == NULL ? -1 : (int)PyLong_AsLong(first);
        Py_XDECREF(first);
        return line;
    }
    place_of_unit(code, offset, place);
    return place[0];
}

PyObject *
PyFrame_GetGenerator(PyFrameObject *frame)
{
    PyObject *generator = PyObject_GetAttrString((PyObject *)frame, "f_generator");
    return generator == NULL ? NULL : unless_none(generator);
}

int
PyFrame_GetLasti(PyFrameObject *frame)
{
    PyObject *last = PyObject_GetAttrString((PyObject *)frame, "f_lasti");
    int value = last == NULL ? -1 : (int)PyLong_AsLong(last);
    Py_XDECREF(last);
    return value;
}

PyObject *
PyFrame_GetVar(PyFrameObject *frame, PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        return PyErr_Format(PyExc_TypeError, "name must be str, not %s", Py_TYPE(name)->tp_name);
    }
    PyObject *locals = PyFrame_GetLocals(frame);
    PyObject *value = locals == NULL ? NULL : PyObject_GetItem(locals, name);
    Py_XDECREF(locals);
    if (value == NULL && locals != NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Format(PyExc_NameError, "variable %R does not exist", name);
    }
    return value;
}

PyObject *
PyFrame_GetVarString(PyFrameObject *frame, const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    PyObject *value = text == NULL ? NULL : PyFrame_GetVar(frame, text);
    Py_XDECREF(text);
    return value;
}

/* Locals are live: there is nothing to copy. */
int
PyFrame_FastToLocalsWithError(PyFrameObject *frame)
{
    if (frame == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    return 0;
}

void
PyFrame_FastToLocals(PyFrameObject *Py_UNUSED(frame))
{
}

void
PyFrame_LocalsToFast(PyFrameObject *Py_UNUSED(frame), int Py_UNUSED(clear))
{
}

/* --- the running frame ----------------------------------------------------------------------------- */

/* Borrowed from the running code. */
PyFrameObject *
PyEval_GetFrame(void)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    Py_XDECREF(frame);
    return frame;
}

static PyObject *
frame_attribute(const char *name)
{
    PyFrameObject *frame = PyEval_GetFrame();
    return frame == NULL ? NULL : PyObject_GetAttrString((PyObject *)frame, name);
}

PyObject *
PyEval_GetGlobals(void)
{
    PyFrameObject *frame = PyEval_GetFrame();
    return frame == NULL ? NULL : borrowed((PyObject *)frame, "f_globals");
}

PyObject *
PyEval_GetFrameGlobals(void)
{
    return frame_attribute("f_globals");
}

PyObject *
PyEval_GetFrameBuiltins(void)
{
    PyFrameObject *frame = PyEval_GetFrame();
    return frame == NULL ? Py_XNewRef(PyEval_GetBuiltins()) : frame_attribute("f_builtins");
}

/* A dict: for functions a snapshot. */
PyObject *
PyEval_GetFrameLocals(void)
{
    PyObject *locals = frame_attribute("f_locals");
    if (locals == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_SystemError, "frame does not exist");
        }
        return NULL;
    }
    if (PyDict_Check(locals)) {
        return locals;
    }
    PyObject *snapshot = PyDict_New();
    if (snapshot != NULL && PyDict_Update(snapshot, locals) < 0) {
        Py_CLEAR(snapshot);
    }
    Py_DECREF(locals);
    return snapshot;
}

/* Borrowed: the thread's dictionary keeps the last answer. */
PyObject *
PyEval_GetLocals(void)
{
    PyObject *locals = PyEval_GetFrameLocals(), *owner = PyThreadState_GetDict();
    if (locals == NULL) {
        return NULL;
    }
    int status = owner == NULL ? -1 : PyDict_SetItemString(owner, "_cape_locals", locals);
    Py_DECREF(locals);
    return status < 0 ? NULL : locals;
}

/* --- functions ------------------------------------------------------------------------------------------- */

/* False with SystemError. */
static int
is_function(PyObject *op)
{
    if (op != NULL && PyFunction_Check(op)) {
        return 1;
    }
    PyErr_BadInternalCall();
    return 0;
}

#define FUNCTION_ATTRIBUTE(FUNCTION, NAME) \
    PyObject * \
    FUNCTION(PyObject *op) \
    { \
        return is_function(op) ? borrowed(op, NAME) : NULL; \
    }

FUNCTION_ATTRIBUTE(PyFunction_GetCode, "__code__")
FUNCTION_ATTRIBUTE(PyFunction_GetGlobals, "__globals__")
FUNCTION_ATTRIBUTE(PyFunction_GetModule, "__module__")
FUNCTION_ATTRIBUTE(PyFunction_GetDefaults, "__defaults__")
FUNCTION_ATTRIBUTE(PyFunction_GetKwDefaults, "__kwdefaults__")
FUNCTION_ATTRIBUTE(PyFunction_GetClosure, "__closure__")

/* None when there are none. */
PyObject *
PyFunction_GetAnnotations(PyObject *op)
{
    PyObject *annotations = is_function(op) ? borrowed(op, "__annotations__") : NULL;
    return annotations != NULL && PyDict_Size(annotations) == 0 ? Py_None : annotations;
}

static int
set_function_attribute(PyObject *op, const char *name, PyObject *value, int fits, const char *mistake)
{
    if (!is_function(op)) {
        return -1;
    }
    if (value != Py_None && !fits) {
        PyErr_SetString(PyExc_SystemError, mistake);
        return -1;
    }
    return PyObject_SetAttrString(op, name, value);
}

int
PyFunction_SetDefaults(PyObject *op, PyObject *value)
{
    return set_function_attribute(op, "__defaults__", value, value != NULL && PyTuple_Check(value), "non-tuple default args");
}

int
PyFunction_SetKwDefaults(PyObject *op, PyObject *value)
{
    return set_function_attribute(op, "__kwdefaults__", value, value != NULL && PyDict_Check(value),
                                  "non-dict keyword only default args");
}

/* Whatever is in the tuple, and however long it is. */
int
PyFunction_SetClosure(PyObject *op, PyObject *value)
{
    if (!is_function(op)) {
        return -1;
    }
    if (value != Py_None && (value == NULL || !PyTuple_Check(value))) {
        PyErr_Format(PyExc_SystemError, "expected tuple for closure, got '%.100s'",
                     value == NULL ? "NULL" : Py_TYPE(value)->tp_name);
        return -1;
    }
    return _Cape_SetClosure(op, value);
}

int
PyFunction_SetAnnotations(PyObject *op, PyObject *value)
{
    return set_function_attribute(op, "__annotations__", value, value != NULL && PyDict_Check(value), "non-dict annotations");
}

PyObject *
PyFunction_NewWithQualName(PyObject *code, PyObject *globals, PyObject *qualname)
{
    PyObject *function = PyObject_CallFunctionObjArgs((PyObject *)&PyFunction_Type, code, globals, NULL);
    if (function != NULL && qualname != NULL && PyObject_SetAttrString(function, "__qualname__", qualname) < 0) {
        Py_CLEAR(function);
    }
    return function;
}

PyObject *
PyFunction_New(PyObject *code, PyObject *globals)
{
    return PyFunction_NewWithQualName(code, globals, NULL);
}

/* --- signals, limits, options --------------------------------------------------------------------------- */

void
PyErr_SetInterrupt(void)
{
    (void)PyErr_SetInterruptEx(2);  /* SIGINT */
}

int
Py_GetRecursionLimit(void)
{
    PyObject *limit = cape_call_module("sys", "getrecursionlimit", PyTuple_New(0));
    int value = limit == NULL ? -1 : (int)PyLong_AsLong(limit);
    Py_XDECREF(limit);
    return value;
}

void
Py_SetRecursionLimit(int limit)
{
    PyObject *done = cape_call_module("sys", "setrecursionlimit", Py_BuildValue("(i)", limit));
    if (done == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
}

/* Borrowed from sys. */
PyObject *
PySys_GetXOptions(void)
{
    return PySys_GetObject("_xoptions");
}

/* Prints as the interpreter does for what nobody catches. */
void
PyErr_DisplayException(PyObject *exc)
{
    PyObject *traceback = PyException_GetTraceback(exc);
    PyObject *done = cape_call_module("sys", "__excepthook__",
                                      PyTuple_Pack(3, (PyObject *)Py_TYPE(exc), exc, traceback == NULL ? Py_None : traceback));
    Py_XDECREF(traceback);
    if (done == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
}

void
PyErr_Display(PyObject *Py_UNUSED(type), PyObject *value, PyObject *traceback)
{
    if (value != NULL && PyExceptionInstance_Check(value)) {
        if (traceback != NULL && PyTraceBack_Check(traceback)) {
            PyException_SetTraceback(value, traceback);
        }
        PyErr_DisplayException(value);
    }
}

Py_ssize_t
PyBuffer_SizeFromFormat(const char *format)
{
    PyObject *size = cape_call_module("struct", "calcsize", Py_BuildValue("(s)", format));
    Py_ssize_t value = size == NULL ? -1 : PyLong_AsSsize_t(size);
    Py_XDECREF(size);
    return value;
}

PyObject *
PyFile_OpenCodeObject(PyObject *path)
{
    return cape_call_module("io", "open_code", PyTuple_Pack(1, path));
}

PyObject *
PyFile_OpenCode(const char *path)
{
    return cape_call_module("io", "open_code", Py_BuildValue("(s)", path));
}

/* The hash is not asked: Cape has its own. */
int
_PyDict_SetItem_KnownHash_LockHeld(PyDictObject *dict, PyObject *key, PyObject *value, Py_hash_t Py_UNUSED(hash))
{
    return PyDict_SetItem((PyObject *)dict, key, value);
}

PyObject *
_PyDict_Pop(PyObject *dict, PyObject *key, PyObject *fallback)
{
    PyObject *value = NULL;
    int found = PyDict_Pop(dict, key, &value);
    if (found != 0) {
        return found < 0 ? NULL : value;
    }
    if (fallback == NULL) {
        PyObject *error = PyObject_CallOneArg(PyExc_KeyError, key);  /* the key may be None or a tuple */
        PyErr_SetRaisedException(error);
    }
    return Py_XNewRef(fallback);
}

/* Borrowed. */
PyObject *
_PyDict_GetItemStringWithError(PyObject *dict, const char *key)
{
    PyObject *text = PyUnicode_FromString(key);
    PyObject *value = text == NULL ? NULL : PyDict_GetItemWithError(dict, text);
    Py_XDECREF(text);
    return value;
}

int
_PySet_Update(PyObject *set, PyObject *iterable)
{
    if (!PySet_Check(set)) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyObject *before = PyErr_GetRaisedException();
    PyObject *done = PyObject_CallMethod(set, "update", "(O)", iterable);
    Py_XDECREF(done);
    if (done != NULL && before != NULL) {
        PyErr_SetRaisedException(before);
        return -1;
    }
    Py_XDECREF(before);
    return done == NULL ? -1 : 0;
}

int
PyDescr_IsData(PyObject *op)
{
    return Py_TYPE(op)->tp_descr_set != NULL;
}
