/* Writing to sys.stdout and sys.stderr by format, audit events, signals, files. */
#include "cape.h"

#include <signal.h>

/* --- standard streams ----------------------------------------------------------------------------- */

/* Writes to a stream of sys, or to `fallback` when it is not there or fails. Keeps the exception that is set. */
static void
write_stream(const char *name, FILE *fallback, PyObject *text)
{
    PyObject *exc = PyErr_GetRaisedException();
    PyObject *file = PySys_GetObject(name);
    PyObject *result = NULL;
    if (text != NULL && file != NULL && file != Py_None) {
        result = PyObject_CallMethod(file, "write", "O", text);
    }
    if (result == NULL) {
        PyErr_Clear();
        const char *bytes = text == NULL ? NULL : PyUnicode_AsUTF8(text);
        if (bytes != NULL) {
            fputs(bytes, fallback);
        }
        PyErr_Clear();
    }
    Py_XDECREF(result);
    Py_XDECREF(text);
    PyErr_SetRaisedException(exc);
}

/* printf: at most 1000 bytes. */
static PyObject *
printf_text(const char *format, va_list vargs)
{
    char buffer[1001];
    int length = PyOS_vsnprintf(buffer, sizeof(buffer), format, vargs);
    PyObject *text = PyUnicode_DecodeUTF8(buffer, (Py_ssize_t)strlen(buffer), "replace");
    if (text != NULL && (length < 0 || (size_t)length >= sizeof(buffer))) {
        PyUnicode_AppendAndDel(&text, PyUnicode_FromString("... truncated"));
    }
    return text;
}

#define WRITE(NAME, STREAM, FILE, TEXT) \
    void \
    NAME(const char *format, ...) \
    { \
        va_list vargs; \
        va_start(vargs, format); \
        write_stream(STREAM, FILE, TEXT(format, vargs)); \
        va_end(vargs); \
    }

WRITE(PySys_WriteStdout, "stdout", stdout, printf_text)
WRITE(PySys_WriteStderr, "stderr", stderr, printf_text)
WRITE(PySys_FormatStdout, "stdout", stdout, PyUnicode_FromFormatV)
WRITE(PySys_FormatStderr, "stderr", stderr, PyUnicode_FromFormatV)

/* --- audit ---------------------------------------------------------------------------------------- */

/* Whether anybody listens; Rust sets it with the first hook. */
CAPE_PRIVATE int _Cape_audited = 0;

int
PySys_AuditTuple(const char *event, PyObject *args)
{
    if (args != NULL && !PyTuple_Check(args)) {
        PyErr_Format(PyExc_TypeError, "args must be tuple, got %T", args);
        return -1;
    }
    return _Cape_audited ? _Cape_Audit(event, args == NULL ? cape_empty_tuple() : args) : 0;
}

int
PySys_Audit(const char *event, const char *format, ...)
{
    if (!_Cape_audited) {
        return 0;
    }
    va_list vargs;
    va_start(vargs, format);
    PyObject *args = format == NULL || *format == 0 ? Py_NewRef(cape_empty_tuple())
                                                    : cape_build_arguments(format, vargs);
    va_end(vargs);
    if (args == NULL) {
        return -1;
    }
    int status = _Cape_Audit(event, args);
    Py_DECREF(args);
    return status;
}

/* --- signals and files ---------------------------------------------------------------------------- */

PyOS_sighandler_t
PyOS_getsig(int sig)
{
    struct sigaction action;
    return sigaction(sig, NULL, &action) == -1 ? SIG_ERR : action.sa_handler;
}

PyOS_sighandler_t
PyOS_setsig(int sig, PyOS_sighandler_t handler)
{
    struct sigaction action, old;
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    /* On the alternative stack, if there is one. */
    action.sa_flags = SA_ONSTACK;
    return sigaction(sig, &action, &old) == -1 ? SIG_ERR : old.sa_handler;
}

/* path: str, bytes or PathLike. */
FILE *
Py_fopen(PyObject *path, const char *mode)
{
    PyObject *bytes = NULL;
    if (!PyUnicode_FSConverter(path, &bytes)) {
        return NULL;
    }
    if (PySys_Audit("open", "Osi", path, mode, 0) < 0) {
        Py_DECREF(bytes);
        return NULL;
    }
    FILE *file;
    do {
        Py_BEGIN_ALLOW_THREADS
        file = fopen(PyBytes_AS_STRING(bytes), mode);
        Py_END_ALLOW_THREADS
    } while (file == NULL && errno == EINTR && PyErr_CheckSignals() == 0);
    int code = errno;
    Py_DECREF(bytes);
    if (PyErr_Occurred()) {
        if (file != NULL) {
            fclose(file);
        }
        return NULL;
    }
    if (file == NULL) {
        errno = code;
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
    }
    return file;
}

int
Py_fclose(FILE *file)
{
    return fclose(file);
}

int
PySys_HasWarnOptions(void)
{
    PyObject *options = PySys_GetObject("warnoptions");
    return options != NULL && PyList_Check(options) && PyList_GET_SIZE(options) > 0;
}

void
PySys_ResetWarnOptions(void)
{
    PyObject *options = PySys_GetObject("warnoptions");
    if (options != NULL && PyList_Check(options)) {
        PyList_SetSlice(options, 0, PyList_GET_SIZE(options), NULL);
    }
}

void
PySys_AddWarnOptionUnicode(PyObject *option)
{
    PyObject *options = PySys_GetObject("warnoptions");
    if (options != NULL && PyList_Check(options) && PyList_Append(options, option) < 0) {
        PyErr_Clear();
    }
}

void
PySys_AddWarnOption(const wchar_t *option)
{
    PyObject *text = PyUnicode_FromWideChar(option, -1);
    if (text == NULL) {
        PyErr_Clear();
        return;
    }
    PySys_AddWarnOptionUnicode(text);
    Py_DECREF(text);
}
