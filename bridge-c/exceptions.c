/* Parts of exceptions, and exceptions with parts: OSError from errno, ImportError, the errors of codecs,
 * warnings. All through attributes and calls: exceptions are managed objects. */
#include "cape.h"

const char *
PyExceptionClass_Name(PyObject *op)
{
    return ((PyTypeObject *)op)->tp_name;
}

PyObject *
PyException_GetArgs(PyObject *self)
{
    return PyObject_GetAttrString(self, "args");
}

void
PyException_SetArgs(PyObject *self, PyObject *args)
{
    if (PyObject_SetAttrString(self, "args", args) < 0) {
        PyErr_FormatUnraisable("Exception ignored while setting the arguments of an exception");
    }
}

/* Raises what a call of an exception class gave; takes the reference. NULL. */
static PyObject *
raise(PyObject *exc)
{
    if (exc != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exc), exc);
        Py_DECREF(exc);
    }
    return NULL;
}

/* --- OSError ------------------------------------------------------------------------------------- */

PyObject *
PyErr_SetFromErrnoWithFilenameObjects(PyObject *type, PyObject *filename, PyObject *filename2)
{
    int code = errno;
    if (code == EINTR && PyErr_CheckSignals()) {
        return NULL;
    }
    PyObject *message = code != 0 ? PyUnicode_DecodeLocale(strerror(code), "surrogateescape")
                                  : PyUnicode_FromString("Error");
    if (message == NULL) {
        return NULL;
    }
    PyObject *args = filename == NULL ? Py_BuildValue("(iN)", code, message)
                     : filename2 == NULL ? Py_BuildValue("(iNO)", code, message, filename)
                     : Py_BuildValue("(iNOiO)", code, message, filename, 0, filename2);
    if (args == NULL) {
        return NULL;
    }
    PyObject *exc = PyObject_Call(type, args, NULL);
    Py_DECREF(args);
    return raise(exc);
}

PyObject *
PyErr_SetFromErrnoWithFilenameObject(PyObject *type, PyObject *filename)
{
    return PyErr_SetFromErrnoWithFilenameObjects(type, filename, NULL);
}

PyObject *
PyErr_SetFromErrnoWithFilename(PyObject *type, const char *filename)
{
    PyObject *name = NULL;
    if (filename != NULL) {
        int code = errno;
        name = PyUnicode_DecodeFSDefault(filename);
        if (name == NULL) {
            return NULL;
        }
        errno = code;
    }
    PyErr_SetFromErrnoWithFilenameObjects(type, name, NULL);
    Py_XDECREF(name);
    return NULL;
}

PyObject *
PyErr_SetFromErrno(PyObject *type)
{
    return PyErr_SetFromErrnoWithFilenameObjects(type, NULL, NULL);
}

/* --- ImportError --------------------------------------------------------------------------------- */

PyObject *
PyErr_SetImportErrorSubclass(PyObject *type, PyObject *msg, PyObject *name, PyObject *path)
{
    int is_subclass = PyObject_IsSubclass(type, PyExc_ImportError);
    if (is_subclass <= 0) {
        if (is_subclass == 0) {
            PyErr_SetString(PyExc_TypeError, "expected a subclass of ImportError");
        }
        return NULL;
    }
    if (msg == NULL) {
        PyErr_SetString(PyExc_TypeError, "expected a message argument");
        return NULL;
    }
    PyObject *kwargs = Py_BuildValue("{sOsO}", "name", name == NULL ? Py_None : name, "path",
                                     path == NULL ? Py_None : path);
    if (kwargs == NULL) {
        return NULL;
    }
    PyObject *exc = PyObject_VectorcallDict(type, &msg, 1, kwargs);
    Py_DECREF(kwargs);
    return raise(exc);
}

PyObject *
PyErr_SetImportError(PyObject *msg, PyObject *name, PyObject *path)
{
    return PyErr_SetImportErrorSubclass(PyExc_ImportError, msg, name, path);
}

/* --- UnicodeError -------------------------------------------------------------------------------- */

PyObject *
PyUnicodeDecodeError_Create(const char *encoding, const char *object, Py_ssize_t length,
                            Py_ssize_t start, Py_ssize_t end, const char *reason)
{
    return PyObject_CallFunction(PyExc_UnicodeDecodeError, "sy#nns", encoding, object, length, start,
                                 end, reason);
}

/* The object that could not be coded: bytes or str. A new reference, or NULL. */
static PyObject *
coded_object(PyObject *self, int bytes)
{
    PyObject *object = PyObject_GetAttrString(self, "object");
    if (object != NULL && !(bytes ? PyBytes_Check(object) : PyUnicode_Check(object))) {
        PyErr_Format(PyExc_TypeError, "UnicodeError 'object' attribute must be a %s, not %T",
                     bytes ? "bytes" : "string", object);
        Py_CLEAR(object);
    }
    return object;
}

static int
set_index(PyObject *self, const char *name, Py_ssize_t value)
{
    PyObject *index = PyLong_FromSsize_t(value);
    int status = index == NULL ? -1 : PyObject_SetAttrString(self, name, index);
    Py_XDECREF(index);
    return status;
}

/* start or end, kept inside the object. */
static int
get_index(PyObject *self, int bytes, int is_end, Py_ssize_t *result)
{
    PyObject *object = coded_object(self, bytes);
    if (object == NULL) {
        return -1;
    }
    Py_ssize_t size = bytes ? PyBytes_GET_SIZE(object) : PyUnicode_GET_LENGTH(object);
    Py_DECREF(object);
    PyObject *index = PyObject_GetAttrString(self, is_end ? "end" : "start");
    if (index == NULL) {
        return -1;
    }
    Py_ssize_t value = PyLong_AsSsize_t(index);
    Py_DECREF(index);
    if (value == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (is_end) {
        *result = Py_MAX(Py_MIN(value, size), Py_MIN(1, size));
    }
    else {
        *result = size == 0 ? 0 : Py_MIN(Py_MAX(value, 0), size - 1);
    }
    return 0;
}

static PyObject *
get_text(PyObject *self, const char *name)
{
    PyObject *text = PyObject_GetAttrString(self, name);
    if (text != NULL && !PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "UnicodeError '%s' attribute must be a string, not %T", name,
                     text);
        Py_CLEAR(text);
    }
    return text;
}

static int
set_reason(PyObject *self, const char *reason)
{
    PyObject *text = PyUnicode_FromString(reason);
    int status = text == NULL ? -1 : PyObject_SetAttrString(self, "reason", text);
    Py_XDECREF(text);
    return status;
}

#define UNICODE_ERROR(KIND, BYTES) \
    PyObject *Py##KIND##Error_GetObject(PyObject *self) { return coded_object(self, BYTES); } \
    PyObject *Py##KIND##Error_GetReason(PyObject *self) { return get_text(self, "reason"); } \
    int Py##KIND##Error_SetReason(PyObject *self, const char *s) { return set_reason(self, s); } \
    int Py##KIND##Error_GetStart(PyObject *self, Py_ssize_t *start) \
    { return get_index(self, BYTES, 0, start); } \
    int Py##KIND##Error_GetEnd(PyObject *self, Py_ssize_t *end) \
    { return get_index(self, BYTES, 1, end); } \
    int Py##KIND##Error_SetStart(PyObject *self, Py_ssize_t start) \
    { return set_index(self, "start", start); } \
    int Py##KIND##Error_SetEnd(PyObject *self, Py_ssize_t end) { return set_index(self, "end", end); }

UNICODE_ERROR(UnicodeDecode, 1)
UNICODE_ERROR(UnicodeEncode, 0)
UNICODE_ERROR(UnicodeTranslate, 0)

PyObject *PyUnicodeDecodeError_GetEncoding(PyObject *self) { return get_text(self, "encoding"); }
PyObject *PyUnicodeEncodeError_GetEncoding(PyObject *self) { return get_text(self, "encoding"); }

/* --- warnings ------------------------------------------------------------------------------------ */

int
PyErr_WarnFormat(PyObject *category, Py_ssize_t stack_level, const char *format, ...)
{
    va_list vargs;
    va_start(vargs, format);
    PyObject *message = PyUnicode_FromFormatV(format, vargs);
    va_end(vargs);
    if (message == NULL) {
        return -1;
    }
    const char *text = PyUnicode_AsUTF8(message);
    int status = text == NULL ? -1 : PyErr_WarnEx(category, text, stack_level);
    Py_DECREF(message);
    return status;
}

/* Calls a function of the module warnings; takes `args`. 0, or -1 with the warning as exception. */
static int
call_warnings(const char *function, PyObject *args)
{
    PyObject *result = cape_call_module("warnings", function, args);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int
PyErr_ResourceWarning(PyObject *source, Py_ssize_t stack_level, const char *format, ...)
{
    va_list vargs;
    va_start(vargs, format);
    PyObject *message = PyUnicode_FromFormatV(format, vargs);
    va_end(vargs);
    if (message == NULL) {
        return -1;
    }
    return call_warnings("warn", Py_BuildValue("(NOnO)", message, PyExc_ResourceWarning, stack_level,
                                               source == NULL ? Py_None : source));
}

int
PyErr_WarnExplicitFormat(PyObject *category, const char *filename, int lineno, const char *module,
                         PyObject *registry, const char *format, ...)
{
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) {
        return -1;
    }
    va_list vargs;
    va_start(vargs, format);
    PyObject *message = PyUnicode_FromFormatV(format, vargs);
    va_end(vargs);
    if (message == NULL) {
        Py_DECREF(name);
        return -1;
    }
    return call_warnings("warn_explicit",
                         Py_BuildValue("(NONizO)", message, category == NULL ? PyExc_RuntimeWarning : category,
                                       name, lineno, module, registry == NULL ? Py_None : registry));
}

int
PyErr_WarnExplicitObject(PyObject *category, PyObject *message, PyObject *filename, int lineno,
                         PyObject *module, PyObject *registry)
{
    return call_warnings("warn_explicit",
                         Py_BuildValue("(OOOiOO)", message, category == NULL ? PyExc_RuntimeWarning : category,
                                       filename, lineno, module == NULL ? Py_None : module,
                                       registry == NULL ? Py_None : registry));
}

int
PyErr_WarnExplicit(PyObject *category, const char *message, const char *filename, int lineno,
                   const char *module, PyObject *registry)
{
    return call_warnings("warn_explicit",
                         Py_BuildValue("(sONizO)", message, category == NULL ? PyExc_RuntimeWarning : category,
                                       PyUnicode_DecodeFSDefault(filename), lineno, module,
                                       registry == NULL ? Py_None : registry));
}

/* --- errors that nobody can catch ---------------------------------------------------------------- */

void
PyErr_FormatUnraisable(const char *format, ...)
{
    PyObject *exc = PyErr_GetRaisedException();
    PyObject *message = NULL;
    if (format != NULL) {
        va_list vargs;
        va_start(vargs, format);
        message = PyUnicode_FromFormatV(format, vargs);
        va_end(vargs);
        if (message == NULL) {
            PyErr_Clear();
        }
    }
    PyErr_SetRaisedException(exc);
    _Cape_WriteUnraisable(message, NULL);
    Py_XDECREF(message);
}

#undef Py_FatalError

void
_Py_FatalErrorFunc(const char *function, const char *message)
{
    fflush(stdout);
    if (function != NULL) {
        fprintf(stderr, "Fatal Python error: %s: %s\n", function, message);
    }
    else {
        fprintf(stderr, "Fatal Python error: %s\n", message);
    }
    fflush(stderr);
    _Cape_DumpTraceback();
    abort();
}

void
Py_FatalError(const char *message)
{
    _Py_FatalErrorFunc(NULL, message);
}
