/* Where a SyntaxError is, and the line that it is about. */
#include "cape.h"

PyObject *
PyErr_ProgramTextObject(PyObject *filename, int lineno)
{
    if (filename == NULL || lineno <= 0) {
        return NULL;
    }
    PyObject *line = cape_call_module("linecache", "getline", Py_BuildValue("(Oi)", filename, lineno));
    if (line == NULL || PyUnicode_GetLength(line) == 0) {
        Py_CLEAR(line);
        PyErr_Clear();
    }
    return line;
}

PyObject *
PyErr_ProgramText(const char *filename, int lineno)
{
    PyObject *name = filename == NULL ? NULL : PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *line = PyErr_ProgramTextObject(name, lineno);
    Py_DECREF(name);
    return line;
}

/* exc.name = value, which it takes. What goes wrong is no matter. */
static void
set(PyObject *exc, const char *name, PyObject *value)
{
    if (value == NULL || PyObject_SetAttrString(exc, name, value) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(value);
}

/* Negative: not known. */
static PyObject *
column(int offset)
{
    return offset < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(offset);
}

void
PyErr_RangedSyntaxLocationObject(PyObject *filename, int lineno, int col_offset, int end_lineno, int end_col_offset)
{
    PyObject *exc = PyErr_GetRaisedException();
    if (exc == NULL) {
        return;
    }
    set(exc, "lineno", PyLong_FromLong(lineno));
    set(exc, "offset", column(col_offset));
    set(exc, "end_lineno", column(end_lineno));
    set(exc, "end_offset", column(end_col_offset));
    if (filename != NULL) {
        set(exc, "filename", Py_NewRef(filename));
        PyObject *text = PyErr_ProgramTextObject(filename, lineno);
        set(exc, "text", text == NULL ? Py_NewRef(Py_None) : text);
    }
    if (!PyErr_GivenExceptionMatches(exc, PyExc_SyntaxError)) {
        if (!PyObject_HasAttrString(exc, "msg")) {
            set(exc, "msg", PyObject_Str(exc));
        }
        if (!PyObject_HasAttrString(exc, "print_file_and_line")) {
            set(exc, "print_file_and_line", Py_NewRef(Py_None));
        }
    }
    PyErr_SetRaisedException(exc);
}

void
PyErr_SyntaxLocationObject(PyObject *filename, int lineno, int col_offset)
{
    PyErr_RangedSyntaxLocationObject(filename, lineno, col_offset, lineno, -1);
}

void
PyErr_SyntaxLocationEx(const char *filename, int lineno, int col_offset)
{
    PyObject *name = NULL;
    if (filename != NULL) {
        PyObject *exc = PyErr_GetRaisedException();
        name = PyUnicode_DecodeFSDefault(filename);
        PyErr_SetRaisedException(exc);  /* whatever is wrong with the name */
    }
    PyErr_SyntaxLocationObject(name, lineno, col_offset);
    Py_XDECREF(name);
}

void
PyErr_SyntaxLocation(const char *filename, int lineno)
{
    PyErr_SyntaxLocationEx(filename, lineno, -1);
}
