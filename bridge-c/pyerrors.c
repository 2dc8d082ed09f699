/* The error indicator, tstate->current_exception: an exception instance or NULL. Exceptions themselves are
 * managed objects: making one is a call of its class. */
#include "cape.h"

#undef PyErr_BadInternalCall

/* --- the indicator ------------------------------------------------------------------------------- */

PyObject *
PyErr_Occurred(void)
{
    PyThreadState *tstate = cape_tstate();
    PyObject *exc = tstate == NULL ? NULL : tstate->current_exception;
    return exc == NULL ? NULL : (PyObject *)Py_TYPE(exc);
}

void
PyErr_Clear(void)
{
    Py_CLEAR(cape_tstate()->current_exception);
}

PyObject *
PyErr_GetRaisedException(void)
{
    PyThreadState *tstate = cape_tstate();
    PyObject *exc = tstate->current_exception;
    tstate->current_exception = NULL;
    return exc;
}

void
PyErr_SetRaisedException(PyObject *exc)
{
    PyThreadState *tstate = cape_tstate();
    PyObject *old = tstate->current_exception;
    tstate->current_exception = exc;
    Py_XDECREF(old);
}

/* Whether the class is a builtin one that adds nothing to BaseException: then nobody could tell a call of it
 * from a struct that is filled here. */
static int
is_plain(PyObject *op)
{
    PyTypeObject *type = (PyTypeObject *)op;
    unsigned long wanted = _Py_TPFLAGS_STATIC_BUILTIN | Py_TPFLAGS_HAVE_GC;
    return (type->tp_flags & (wanted | Py_TPFLAGS_PREHEADER)) == wanted
           && type->tp_basicsize == sizeof(PyBaseExceptionObject) && op != PyExc_MemoryError;
}

/* PyObject_IsSubclass, where no metaclass has a say in that a class is its own subclass. */
static int
is_subclass_of(PyObject *derived, PyObject *type)
{
    return derived == type && Py_IS_TYPE(type, &PyType_Type) ? 1 : PyObject_IsSubclass(derived, type);
}

/* The traceback of an exception: a new reference, or NULL. One that was made here has none before it has a managed side. */
static PyObject *
traceback_of(PyObject *exc)
{
    return cape_is_linked(exc) || !is_plain((PyObject *)Py_TYPE(exc)) ? PyException_GetTraceback(exc) : NULL;
}

void
PyErr_Fetch(PyObject **type, PyObject **value, PyObject **traceback)
{
    PyObject *exc = PyErr_GetRaisedException();
    *value = exc;
    *type = exc == NULL ? NULL : Py_NewRef(Py_TYPE(exc));
    *traceback = exc == NULL ? NULL : traceback_of(exc);
}

/* An exception with one argument or none, which has no managed side until one is asked for. */
static PyObject *
make_plain(PyTypeObject *type, PyObject *value)
{
    PyObject *args = value == NULL || value == Py_None ? cape_empty_tuple() : cape_tuple_of_one(value);
    PyBaseExceptionObject *exc = args == NULL ? NULL : (PyBaseExceptionObject *)cape_new_mirror(type);
    if (exc == NULL) {
        Py_XDECREF(args);
        return NULL;
    }
    exc->args = args;
    return (PyObject *)exc;
}

void
cape_exception_dealloc(PyObject *op)
{
    if (Py_TYPE(op)->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN) {
        Py_CLEAR(((PyBaseExceptionObject *)op)->args);
    }
    cape_mirror_dealloc(op);
}

/* An instance of the class; NULL with an exception. */
static PyObject *
create(PyObject *type, PyObject *value)
{
    if (cape_error() == NULL && is_plain(type) && (value == NULL || !PyTuple_Check(value))) {
        return make_plain((PyTypeObject *)type, value);
    }
    PyObject *exc = value == NULL || value == Py_None ? PyObject_CallNoArgs(type)
                    : PyTuple_Check(value) ? PyObject_Call(type, value, NULL)
                                           : PyObject_CallOneArg(type, value);
    if (exc != NULL && !PyExceptionInstance_Check(exc)) {
        PyErr_Format(PyExc_TypeError,
                     "calling %R should have returned an instance of BaseException, not %s", type,
                     Py_TYPE(exc)->tp_name);
        Py_CLEAR(exc);
    }
    return exc;
}

void
PyErr_Restore(PyObject *type, PyObject *value, PyObject *traceback)
{
    if (type == NULL) {
        PyErr_SetRaisedException(NULL);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
        return;
    }
    if (value == NULL || (PyObject *)Py_TYPE(value) != type) {
        PyObject *exc = create(type, value);
        Py_XDECREF(value);
        value = exc;
    }
    Py_DECREF(type);
    if (value != NULL && traceback != NULL && traceback != Py_None && !PyTraceBack_Check(traceback)) {
        Py_CLEAR(value);
        PyErr_SetString(PyExc_TypeError, "__traceback__ must be a traceback or None");
    }
    if (value != NULL) {
        if (cape_is_linked(value) || traceback != NULL || !is_plain((PyObject *)Py_TYPE(value))) {
            PyException_SetTraceback(value, traceback == NULL ? Py_None : traceback);
        }
        PyErr_SetRaisedException(value);
    }
    Py_XDECREF(traceback);
}

/* --- the exception being handled ----------------------------------------------------------------- */

/* The innermost handler's exception, borrowed; NULL when none is being handled. */
static PyObject *
handled(void)
{
    for (_PyErr_StackItem *item = cape_tstate()->exc_info; item != NULL; item = item->previous_item) {
        if (item->exc_value != NULL && item->exc_value != Py_None) {
            return item->exc_value;
        }
    }
    return NULL;
}

PyObject *
PyErr_GetHandledException(void)
{
    return Py_XNewRef(handled());
}

void
PyErr_SetHandledException(PyObject *exc)
{
    PyObject *value = exc == NULL || exc == Py_None ? NULL : Py_NewRef(exc);
    Py_XSETREF(cape_tstate()->exc_info->exc_value, value);
}

void
PyErr_GetExcInfo(PyObject **type, PyObject **value, PyObject **traceback)
{
    PyObject *exc = handled();
    PyObject *tb = exc == NULL ? NULL : PyException_GetTraceback(exc);
    *type = Py_NewRef(exc == NULL ? Py_None : (PyObject *)Py_TYPE(exc));
    *value = Py_NewRef(exc == NULL ? Py_None : exc);
    *traceback = tb == NULL ? Py_NewRef(Py_None) : tb;
}

void
PyErr_SetExcInfo(PyObject *type, PyObject *value, PyObject *traceback)
{
    PyErr_SetHandledException(value);
    Py_XDECREF(value);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
}

/* --- raising ------------------------------------------------------------------------------------- */

/* Makes the handled exception the context of the new one, without closing a cycle. Floyd's two pointers
 * stop at cycles that others made. */
static void
chain(PyObject *exc)
{
    PyObject *context = handled();
    if (context == NULL || context == exc) {
        return;
    }
    PyObject *at = context, *slow = context;
    int step = 0;
    for (;;) {
        PyObject *next = PyException_GetContext(at);
        if (next == NULL) {
            break;
        }
        Py_DECREF(next);  /* `at` holds it */
        if (next == exc) {
            PyException_SetContext(at, NULL);
            break;
        }
        at = next;
        if (at == slow) {
            break;
        }
        if (step++ & 1) {
            slow = PyException_GetContext(slow);
            Py_DECREF(slow);
        }
    }
    PyException_SetContext(exc, Py_NewRef(context));
}

/* Notes on the exception that is set, of which exception it takes the place. */
static void
note_failure(PyObject *type, PyObject *value)
{
    PyObject *exc = PyErr_GetRaisedException();
    PyObject *note = value == NULL
                     ? PyUnicode_FromFormat("Normalization failed: type=%s args=<NULL>", ((PyTypeObject *)type)->tp_name)
                     : PyUnicode_FromFormat("Normalization failed: type=%s args=%R", ((PyTypeObject *)type)->tp_name, value);
    if (note == NULL) {
        PyErr_Clear();
        note = PyUnicode_FromFormat("Normalization failed: type=%s args=<unknown>", ((PyTypeObject *)type)->tp_name);
    }
    PyObject *done = note == NULL ? NULL : PyObject_CallMethod(exc, "add_note", "O", note);
    Py_XDECREF(note);
    Py_XDECREF(done);
    PyErr_SetRaisedException(exc);
}

void
PyErr_SetObject(PyObject *type, PyObject *value)
{
    if (type != NULL && !PyExceptionClass_Check(type)) {
        PyErr_Format(PyExc_SystemError,
                     "_PyErr_SetObject: exception %R is not a BaseException subclass", type);
        return;
    }
    if (type == NULL) {
        PyErr_Clear();
        return;
    }
    PyObject *exc;
    int is_instance = 0;
    if (value != NULL && PyExceptionInstance_Check(value)) {
        is_instance = is_subclass_of((PyObject *)Py_TYPE(value), type);
        if (is_instance < 0) {
            return;
        }
    }
    if (is_instance) {
        exc = Py_NewRef(value);
    }
    else {
        PyErr_Clear();
        exc = create(type, value);
        if (exc == NULL) {
            note_failure(type, value);
            return;
        }
    }
    chain(exc);
    PyErr_SetRaisedException(exc);
}

void
PyErr_SetNone(PyObject *type)
{
    PyErr_SetObject(type, NULL);
}

void
PyErr_SetString(PyObject *type, const char *text)
{
    PyObject *value = PyUnicode_FromString(text);
    if (value != NULL) {
        PyErr_SetObject(type, value);
        Py_DECREF(value);
    }
}

PyObject *
PyErr_FormatV(PyObject *type, const char *format, va_list vargs)
{
    PyErr_Clear();
    PyObject *text = PyUnicode_FromFormatV(format, vargs);
    if (text != NULL) {
        PyErr_SetObject(type, text);
        Py_DECREF(text);
    }
    return NULL;
}

PyObject *
PyErr_Format(PyObject *type, const char *format, ...)
{
    va_list vargs;
    va_start(vargs, format);
    PyErr_FormatV(type, format, vargs);
    va_end(vargs);
    return NULL;
}

/* The same, with the exception that is set as its cause and context. */
PyObject *
_PyErr_FormatFromCause(PyObject *type, const char *format, ...)
{
    PyObject *cause = PyErr_GetRaisedException();
    va_list vargs;
    va_start(vargs, format);
    PyErr_FormatV(type, format, vargs);
    va_end(vargs);
    PyObject *exc = PyErr_GetRaisedException();
    PyException_SetCause(exc, Py_NewRef(cause));
    PyException_SetContext(exc, cause);
    PyErr_SetRaisedException(exc);
    return NULL;
}

void
_PyErr_SetKeyError(PyObject *key)
{
    PyObject *exc = PyObject_CallOneArg(PyExc_KeyError, key);
    if (exc != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exc), exc);
        Py_DECREF(exc);
    }
}

/* Puts back an exception; one that was raised meanwhile gets it as its context. */
void
_PyErr_ChainExceptions1(PyObject *exc)
{
    if (exc == NULL) {
        return;
    }
    if (PyErr_Occurred()) {
        PyObject *later = PyErr_GetRaisedException();
        PyException_SetContext(later, exc);
        exc = later;
    }
    PyErr_SetRaisedException(exc);
}

PyObject *
PyErr_NoMemory(void)
{
    PyErr_SetNone(PyExc_MemoryError);
    return NULL;
}

int
PyErr_BadArgument(void)
{
    PyErr_SetString(PyExc_TypeError, "bad argument type for built-in operation");
    return 0;
}

void
_PyErr_BadInternalCall(const char *filename, int lineno)
{
    PyErr_Format(PyExc_SystemError, "%s:%d: bad argument to internal function", filename, lineno);
}

void
PyErr_BadInternalCall(void)
{
    PyErr_SetString(PyExc_SystemError, "bad argument to internal function");
}

void *
cape_type_error(const char *message, PyObject *op)
{
    PyErr_Format(PyExc_TypeError, message, Py_TYPE(op)->tp_name);
    return NULL;
}

void *
cape_null_error(void)
{
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_SystemError, "null argument to internal routine");
    }
    return NULL;
}

void
_Cape_Missing(const char *function)
{
    if (PyThreadState_GetUnchecked() == NULL) {
        return; /* nobody to whom an exception could be given: the error value has to do */
    }
    PyErr_Format(PyExc_NotImplementedError, "Cape does not implement %s", function);
}

void
_Cape_MissingFatal(const char *function)
{
    fprintf(stderr, "Cape does not implement %s, which cannot report it\n", function);
    abort();
}

/* --- matching ------------------------------------------------------------------------------------ */

int
PyErr_GivenExceptionMatches(PyObject *err, PyObject *exc)
{
    if (err == NULL || exc == NULL) {
        return 0;
    }
    if (PyTuple_Check(exc)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(exc); i++) {
            if (PyErr_GivenExceptionMatches(err, PyTuple_GET_ITEM(exc, i))) {
                return 1;
            }
        }
        return 0;
    }
    if (PyExceptionInstance_Check(err)) {
        err = PyExceptionInstance_Class(err);
    }
    if (PyExceptionClass_Check(err) && PyExceptionClass_Check(exc)) {
        return PyType_IsSubtype((PyTypeObject *)err, (PyTypeObject *)exc);
    }
    return err == exc;
}

int
PyErr_ExceptionMatches(PyObject *exc)
{
    return PyErr_GivenExceptionMatches(PyErr_Occurred(), exc);
}

/* Makes *value an instance of *type. */
void
PyErr_NormalizeException(PyObject **type, PyObject **value, PyObject **traceback)
{
    for (int depth = 0; *type != NULL; depth++) {
        if (!PyExceptionClass_Check(*type)) {
            return;
        }
        PyObject *inner = *value != NULL && PyExceptionInstance_Check(*value)
                          ? (PyObject *)Py_TYPE(*value) : NULL;
        int is_subclass = inner == NULL ? 0 : is_subclass_of(inner, *type);
        if (is_subclass == 1) {
            if (inner != *type) {
                Py_SETREF(*type, Py_NewRef(inner));
            }
            return;
        }
        PyObject *exc = is_subclass < 0 ? NULL : create(*type, *value);
        if (exc != NULL) {
            Py_XSETREF(*value, exc);
            return;
        }
        /* The instance could not be made: the reason takes its place. */
        PyObject *old_type = *type, *old_value = *value, *old_traceback = *traceback;
        PyErr_Fetch(type, value, traceback);
        if (*traceback == NULL) {
            *traceback = old_traceback;
        }
        else {
            Py_XDECREF(old_traceback);
        }
        Py_DECREF(old_type);
        Py_XDECREF(old_value);
        if (depth >= 32) {
            Py_FatalError("Cannot recover from the recursive normalization of an exception.");
        }
    }
}
