/* marshal: values as bytes, in memory and in a FILE *. */
#include "cape.h"

PyObject *
PyMarshal_WriteObjectToString(PyObject *value, int version)
{
    return cape_call_module("marshal", "dumps", Py_BuildValue("(Oi)", value, version));
}

PyObject *
PyMarshal_ReadObjectFromString(const char *data, Py_ssize_t size)
{
    return cape_call_module("marshal", "loads", Py_BuildValue("(y#)", data, size));
}

/* Four bytes, the little end first. */
void
PyMarshal_WriteLongToFile(long value, FILE *fp, int Py_UNUSED(version))
{
    for (int i = 0; i < 4; i++) {
        putc((int)(value >> 8 * i & 0xff), fp);
    }
}

void
PyMarshal_WriteObjectToFile(PyObject *value, FILE *fp, int version)
{
    PyObject *bytes = PyMarshal_WriteObjectToString(value, version);
    if (bytes != NULL) {
        fwrite(PyBytes_AS_STRING(bytes), 1, (size_t)PyBytes_GET_SIZE(bytes), fp);
        Py_DECREF(bytes);
    }
}

/* A number of `size` bytes, the little end first, with its sign; -1 with EOFError where there are fewer. */
static long
read_number(FILE *fp, int size)
{
    unsigned char bytes[4];
    if (fread(bytes, 1, (size_t)size, fp) != (size_t)size) {
        PyErr_SetString(PyExc_EOFError, "EOF read where data expected");
        return -1;
    }
    uint32_t bits = 0;
    for (int i = 0; i < size; i++) {
        bits |= (uint32_t)bytes[i] << 8 * i;
    }
    return size == 2 ? (int16_t)bits : (int32_t)bits;
}

int
PyMarshal_ReadShortFromFile(FILE *fp)
{
    return (int)read_number(fp, 2);
}

long
PyMarshal_ReadLongFromFile(FILE *fp)
{
    return read_number(fp, 4);
}

/* readinto() and read() of a file object over a FILE *, which the capsule has: no more is read than is asked for. */
static PyObject *
read_into(PyObject *capsule, PyObject *target)
{
    Py_buffer view;
    FILE *fp = PyCapsule_GetPointer(capsule, NULL);
    if (fp == NULL || PyObject_GetBuffer(target, &view, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    size_t n = fread(view.buf, 1, (size_t)view.len, fp);
    PyBuffer_Release(&view);
    return PyLong_FromSize_t(n);
}

static PyObject *
read_bytes(PyObject *capsule, PyObject *size)
{
    FILE *fp = PyCapsule_GetPointer(capsule, NULL);
    Py_ssize_t n = PyLong_AsSsize_t(size);
    PyObject *bytes = fp == NULL || (n == -1 && PyErr_Occurred()) ? NULL : PyBytes_FromStringAndSize(NULL, n);
    if (bytes != NULL) {
        _PyBytes_Resize(&bytes, (Py_ssize_t)fread(PyBytes_AS_STRING(bytes), 1, (size_t)n, fp));
    }
    return bytes;
}

PyObject *
PyMarshal_ReadObjectFromFile(FILE *fp)
{
    static PyMethodDef methods[] = {{"readinto", read_into, METH_O, NULL}, {"read", read_bytes, METH_O, NULL}};
    PyObject *value = NULL;
    PyObject *capsule = PyCapsule_New(fp, NULL, NULL);
    PyObject *file = capsule == NULL ? NULL : cape_call_module("types", "SimpleNamespace", PyTuple_New(0));
    for (size_t i = 0; file != NULL && i < Py_ARRAY_LENGTH(methods); i++) {
        PyObject *function = PyCFunction_New(&methods[i], capsule);
        if (function == NULL || PyObject_SetAttrString(file, methods[i].ml_name, function) < 0) {
            Py_CLEAR(file);
        }
        Py_XDECREF(function);
    }
    if (file != NULL) {
        value = cape_call_module("marshal", "load", Py_BuildValue("(O)", file));
    }
    Py_XDECREF(file);
    Py_XDECREF(capsule);
    return value;
}

/* For what is last in its file: nobody asks how far it was read. */
PyObject *
PyMarshal_ReadLastObjectFromFile(FILE *fp)
{
    return PyMarshal_ReadObjectFromFile(fp);
}
