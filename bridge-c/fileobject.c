/* File objects: what has write(), readline() or fileno(). */
#include "cape.h"

PyObject *
PyFile_FromFd(int fd, const char *Py_UNUSED(name), const char *mode, int buffering, const char *encoding,
              const char *errors, const char *newline, int closefd)
{
    return cape_call_module("io", "open",
                            Py_BuildValue("(isizzzN)", fd, mode == NULL ? "r" : mode, buffering, encoding, errors, newline,
                                          PyBool_FromLong(closefd)));
}

int
PyFile_WriteObject(PyObject *value, PyObject *file, int flags)
{
    if (file == NULL) {
        PyErr_SetString(PyExc_TypeError, "writeobject with NULL file");
        return -1;
    }
    PyObject *writer = PyObject_GetAttrString(file, "write");
    if (writer == NULL) {
        return -1;
    }
    PyObject *text = flags & Py_PRINT_RAW ? PyObject_Str(value) : PyObject_Repr(value);
    PyObject *result = text == NULL ? NULL : PyObject_CallOneArg(writer, text);
    Py_XDECREF(text);
    Py_DECREF(writer);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int
PyFile_WriteString(const char *text, PyObject *file)
{
    if (file == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_SystemError, "null file for PyFile_WriteString");
        }
        return -1;
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    PyObject *value = PyUnicode_FromString(text);
    int status = value == NULL ? -1 : PyFile_WriteObject(value, file, Py_PRINT_RAW);
    Py_XDECREF(value);
    return status;
}

/* n > 0: at most n bytes; 0: a line; < 0: a line without its end, EOFError when there is none. */
PyObject *
PyFile_GetLine(PyObject *file, int n)
{
    if (file == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyObject *line = n <= 0 ? PyObject_CallMethod(file, "readline", NULL)
                            : PyObject_CallMethod(file, "readline", "i", n);
    if (line != NULL && !PyBytes_Check(line) && !PyUnicode_Check(line)) {
        PyErr_SetString(PyExc_TypeError, "object.readline() returned non-string");
        Py_CLEAR(line);
    }
    if (line == NULL || n >= 0) {
        return line;
    }
    Py_ssize_t size = PyObject_Size(line);
    if (size == 0) {
        PyErr_SetString(PyExc_EOFError, "EOF when reading a line");
        Py_CLEAR(line);
    }
    else if (PyBytes_Check(line) && PyBytes_AS_STRING(line)[size - 1] == '\n') {
        Py_SETREF(line, PyBytes_FromStringAndSize(PyBytes_AS_STRING(line), size - 1));
    }
    else if (PyUnicode_Check(line) && PyUnicode_READ_CHAR(line, size - 1) == '\n') {
        Py_SETREF(line, PyUnicode_Substring(line, 0, size - 1));
    }
    return line;
}

int
PyObject_AsFileDescriptor(PyObject *op)
{
    int fd;
    if (PyLong_Check(op)) {
        if (PyBool_Check(op)
            && PyErr_WarnEx(PyExc_RuntimeWarning, "bool is used as a file descriptor", 1) < 0) {
            return -1;
        }
        fd = PyLong_AsInt(op);
    }
    else {
        PyObject *method;
        if (PyObject_GetOptionalAttrString(op, "fileno", &method) < 0) {
            return -1;
        }
        if (method == NULL) {
            PyErr_SetString(PyExc_TypeError, "argument must be an int, or have a fileno() method.");
            return -1;
        }
        PyObject *number = PyObject_CallNoArgs(method);
        Py_DECREF(method);
        if (number == NULL) {
            return -1;
        }
        if (!PyLong_Check(number)) {
            PyErr_SetString(PyExc_TypeError, "fileno() returned a non-integer");
            Py_DECREF(number);
            return -1;
        }
        fd = PyLong_AsInt(number);
        Py_DECREF(number);
    }
    if (fd == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (fd < 0) {
        PyErr_Format(PyExc_ValueError, "file descriptor cannot be a negative integer (%i)", fd);
        return -1;
    }
    return fd;
}

/* str or bytes from str, bytes or an object with __fspath__. */
PyObject *
PyOS_FSPath(PyObject *path)
{
    if (PyUnicode_Check(path) || PyBytes_Check(path)) {
        return Py_NewRef(path);
    }
    PyObject *method;
    if (PyObject_GetOptionalAttrString((PyObject *)Py_TYPE(path), "__fspath__", &method) < 0) {
        return NULL;
    }
    if (method == NULL || method == Py_None) {
        Py_XDECREF(method);
        return cape_type_error("expected str, bytes or os.PathLike object, not %.200s", path);
    }
    PyObject *result = PyObject_CallOneArg(method, path);
    Py_DECREF(method);
    if (result != NULL && !PyUnicode_Check(result) && !PyBytes_Check(result)) {
        PyErr_Format(PyExc_TypeError, "expected %.200s.__fspath__() to return str or bytes, not %.200s",
                     Py_TYPE(path)->tp_name, Py_TYPE(result)->tp_name);
        Py_CLEAR(result);
    }
    return result;
}

int
PyObject_Print(PyObject *op, FILE *fp, int flags)
{
    clearerr(fp);
    if (op == NULL) {
        fputs("<nil>", fp);
    }
    else {
        PyObject *text = flags & Py_PRINT_RAW ? PyObject_Str(op) : PyObject_Repr(op);
        PyObject *bytes = text == NULL ? NULL : PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
        Py_XDECREF(text);
        if (bytes == NULL) {
            return -1;
        }
        fwrite(PyBytes_AS_STRING(bytes), 1, (size_t)PyBytes_GET_SIZE(bytes), fp);
        Py_DECREF(bytes);
    }
    if (ferror(fp)) {
        PyErr_SetFromErrno(PyExc_OSError);
        clearerr(fp);
        return -1;
    }
    return 0;
}

/* fgets that knows the line ends of every system, and turns them into \n. */
char *
Py_UniversalNewlineFgets(char *buf, int n, FILE *stream, PyObject *fobj)
{
    char *p = buf;
    int c = 'x';
    if (fobj != NULL) {
        errno = ENXIO;
        return NULL;
    }
    while (--n > 0 && (c = getc(stream)) != EOF) {
        if (c == '\r') {
            c = getc(stream);
            if (c != '\n' && c != EOF) {
                ungetc(c, stream);
            }
            c = '\n';
        }
        *p++ = (char)c;
        if (c == '\n') {
            break;
        }
    }
    *p = 0;
    return p == buf ? NULL : buf;
}
