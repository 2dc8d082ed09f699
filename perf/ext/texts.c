/* Texts and buffers that C reads and fills. */
#include "crossing.h"

#define LENGTH 1000

ONE(sum_text)
{
    unsigned long total = 0;
    Py_ssize_t length = PyUnicode_GET_LENGTH(object);
    int kind = PyUnicode_KIND(object);
    const void *data = PyUnicode_DATA(object);
    for (Py_ssize_t i = 0; i < length; i++) {
        total += PyUnicode_READ(kind, data, i);
    }
    return PyLong_FromUnsignedLong(total);
}

ONE(sum_letters)
{
    unsigned long total = 0;
    Py_ssize_t length = PyUnicode_GetLength(object);
    for (Py_ssize_t i = 0; i < length; i++) {
        total += PyUnicode_ReadChar(object, i);
    }
    return PyLong_FromUnsignedLong(total);
}

static PyObject *
filled(Py_UCS4 letter)
{
    PyObject *text = PyUnicode_New(LENGTH, letter);
    if (text != NULL) {
        int kind = PyUnicode_KIND(text);
        void *data = PyUnicode_DATA(text);
        for (Py_ssize_t i = 0; i < LENGTH; i++) {
            PyUnicode_WRITE(kind, data, i, letter);
        }
    }
    return text;
}

NOARGS(fill_ascii) { return filled('x'); }
NOARGS(fill_wide) { return filled(0x20ac); }
ONE(format_text) { return PyUnicode_FromFormat("%s: %zd, %U", "hello", (Py_ssize_t)12, object); }
ONE(concat_text) { return PyUnicode_Concat(object, object); }
ONE(encode_text) { return PyUnicode_AsUTF8String(object); }
ONE(slice_text) { return PyUnicode_Substring(object, 2, 8); }

/* A separator, and what it separates. */
FAST(join_text)
{
    return nargs == 2 ? PyUnicode_Join(args[0], args[1]) : NULL;
}

ONE(decode_text)
{
    return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object), NULL);
}

ONE(equal_text)
{
    return PyBool_FromLong(PyUnicode_CompareWithASCIIString(object, "hello, world") == 0);
}

REPEATED(intern_text, PyUnicode_InternFromString("method"))

ONE(sum_bytes)
{
    unsigned long total = 0;
    Py_ssize_t size = PyBytes_GET_SIZE(object);
    const char *data = PyBytes_AS_STRING(object);
    for (Py_ssize_t i = 0; i < size; i++) {
        total += (unsigned char)data[i];
    }
    return PyLong_FromUnsignedLong(total);
}

NOARGS(fill_bytes)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, LENGTH);
    if (bytes != NULL) {
        memset(PyBytes_AS_STRING(bytes), 'x', LENGTH);
    }
    return bytes;
}

ONE(lend_buffer)
{
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

NOARGS(give_memoryview)
{
    static char memory[64];
    return PyMemoryView_FromMemory(memory, sizeof(memory), PyBUF_WRITE);
}

PyMethodDef text_functions[] = {
    {"sum_text", sum_text, METH_O, NULL},
    {"sum_letters", sum_letters, METH_O, NULL},
    {"fill_ascii", fill_ascii, METH_NOARGS, NULL},
    {"fill_wide", fill_wide, METH_NOARGS, NULL},
    {"format_text", format_text, METH_O, NULL},
    {"concat_text", concat_text, METH_O, NULL},
    {"encode_text", encode_text, METH_O, NULL},
    {"decode_text", decode_text, METH_O, NULL},
    {"slice_text", slice_text, METH_O, NULL},
    {"join_text", AS_METHOD(join_text), METH_FASTCALL, NULL},
    {"equal_text", equal_text, METH_O, NULL},
    {"intern_text", intern_text, METH_O, NULL},
    {"sum_bytes", sum_bytes, METH_O, NULL},
    {"fill_bytes", fill_bytes, METH_NOARGS, NULL},
    {"lend_buffer", lend_buffer, METH_O, NULL},
    {"give_memoryview", give_memoryview, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
