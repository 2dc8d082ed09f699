/* Values: what C reads of an argument, and what comes back from C. */
#include "crossing.h"

#define SIZE_LONG 1000000
#define ITEMS_MANY 100000

/* ---- Read ---- */

ONE(read_bool)
{
    return kept(object == Py_True ? Py_None : object);
}

ONE(one_int)
{
    long value = PyLong_AsLong(object);
    if (value == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

ONE(read_size)
{
    Py_ssize_t value = PyNumber_AsSsize_t(object, PyExc_OverflowError);
    if (value == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

ONE(read_mask)
{
    unsigned long long value = PyLong_AsUnsignedLongLongMask(object);
    if (value == (unsigned long long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

ONE(one_float)
{
    double value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

ONE(read_complex)
{
    Py_complex value = PyComplex_AsCComplex(object);
    if (value.real == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

ONE(one_str)
{
    Py_ssize_t size;
    if (PyUnicode_AsUTF8AndSize(object, &size) == NULL) {
        return NULL;
    }
    Py_RETURN_NONE;
}

ONE(read_bytes)
{
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(object, &data, &size) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* The type of an argument is looked at, as overloads are told apart. */
ONE(read_kind)
{
    if (PyLong_Check(object) || PyFloat_Check(object) || PyUnicode_Check(object)) {
        Py_RETURN_TRUE;
    }
    return PyBool_FromLong(PyObject_TypeCheck(object, &PyList_Type));
}

/* ---- Given ---- */

static PyObject *kept_object, *kept_tuple, *kept_str, *kept_list, *kept_dict, *kept_int, *kept_long_str;

NOARGS(give_none) { Py_RETURN_NONE; }
NOARGS(give_true) { Py_RETURN_TRUE; }
NOARGS(give_small_int) { return PyLong_FromLong(7); }
NOARGS(give_int) { return PyLong_FromLong(1234567); }
NOARGS(give_wide_int) { return PyLong_FromLongLong(1LL << 60); }
NOARGS(give_float) { return PyFloat_FromDouble(1.5); }
NOARGS(give_complex) { return PyComplex_FromDoubles(1.5, 2.5); }
NOARGS(give_str) { return PyUnicode_FromStringAndSize("hello, world", 12); }
NOARGS(give_empty_str) { return PyUnicode_FromStringAndSize("", 0); }
NOARGS(give_letter) { return PyUnicode_FromStringAndSize("x", 1); }
NOARGS(give_latin_str) { return PyUnicode_FromStringAndSize("h\xc3\xa9llo, world", 13); }
NOARGS(give_wide_str) { return PyUnicode_FromStringAndSize("h\xe2\x82\xacllo, world", 14); }
NOARGS(give_bytes) { return PyBytes_FromStringAndSize("hello, world", 12); }

NOARGS(give_huge_int)
{
    static const unsigned char bytes[25] = {1, 2, 3, [24] = 1};
    return _PyLong_FromByteArray(bytes, sizeof(bytes), 1, 0);
}

NOARGS(give_long_str)
{
    PyObject *text = PyUnicode_New(SIZE_LONG, 127);
    if (text != NULL) {
        memset(PyUnicode_DATA(text), 'x', SIZE_LONG);
    }
    return text;
}

NOARGS(give_long_bytes)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, SIZE_LONG);
    if (bytes != NULL) {
        memset(PyBytes_AS_STRING(bytes), 'x', SIZE_LONG);
    }
    return bytes;
}

NOARGS(give_tuple)
{
    PyObject *tuple = PyTuple_New(2);
    if (tuple != NULL) {
        PyTuple_SET_ITEM(tuple, 0, PyLong_FromLong(7));
        PyTuple_SET_ITEM(tuple, 1, PyFloat_FromDouble(1.5));
    }
    return tuple;
}

static PyObject *
new_list(Py_ssize_t size)
{
    PyObject *list = PyList_New(size);
    for (long i = 0; list != NULL && i < size; i++) {
        PyList_SET_ITEM(list, i, PyLong_FromLong(i));
    }
    return list;
}

NOARGS(give_list) { return new_list(10); }
NOARGS(give_many) { return new_list(ITEMS_MANY); }
NOARGS(give_dict) { return Py_BuildValue("{s:i,s:i}", "one", 1, "two", 2); }
NOARGS(give_built) { return Py_BuildValue("(isd)", 7, "hello", 1.5); }
NOARGS(give_set) { return PySet_New(kept_tuple); }
NOARGS(give_kept) { return kept(kept_object); }
NOARGS(give_kept_tuple) { return kept(kept_tuple); }
NOARGS(give_kept_str) { return kept(kept_str); }
NOARGS(give_kept_list) { return kept(kept_list); }
NOARGS(give_kept_dict) { return kept(kept_dict); }
NOARGS(give_kept_int) { return kept(kept_int); }
NOARGS(give_kept_long_str) { return kept(kept_long_str); }
ONE(give_same) { return kept(object); }

PyMethodDef value_functions[] = {
    {"read_bool", read_bool, METH_O, NULL},
    {"one_int", one_int, METH_O, NULL},
    {"read_size", read_size, METH_O, NULL},
    {"read_mask", read_mask, METH_O, NULL},
    {"one_float", one_float, METH_O, NULL},
    {"read_complex", read_complex, METH_O, NULL},
    {"one_str", one_str, METH_O, NULL},
    {"read_bytes", read_bytes, METH_O, NULL},
    {"read_kind", read_kind, METH_O, NULL},
    {"give_none", give_none, METH_NOARGS, NULL},
    {"give_true", give_true, METH_NOARGS, NULL},
    {"give_small_int", give_small_int, METH_NOARGS, NULL},
    {"give_int", give_int, METH_NOARGS, NULL},
    {"give_wide_int", give_wide_int, METH_NOARGS, NULL},
    {"give_huge_int", give_huge_int, METH_NOARGS, NULL},
    {"give_float", give_float, METH_NOARGS, NULL},
    {"give_complex", give_complex, METH_NOARGS, NULL},
    {"give_str", give_str, METH_NOARGS, NULL},
    {"give_empty_str", give_empty_str, METH_NOARGS, NULL},
    {"give_letter", give_letter, METH_NOARGS, NULL},
    {"give_latin_str", give_latin_str, METH_NOARGS, NULL},
    {"give_wide_str", give_wide_str, METH_NOARGS, NULL},
    {"give_long_str", give_long_str, METH_NOARGS, NULL},
    {"give_bytes", give_bytes, METH_NOARGS, NULL},
    {"give_long_bytes", give_long_bytes, METH_NOARGS, NULL},
    {"give_tuple", give_tuple, METH_NOARGS, NULL},
    {"give_list", give_list, METH_NOARGS, NULL},
    {"give_many", give_many, METH_NOARGS, NULL},
    {"give_dict", give_dict, METH_NOARGS, NULL},
    {"give_built", give_built, METH_NOARGS, NULL},
    {"give_set", give_set, METH_NOARGS, NULL},
    {"give_kept", give_kept, METH_NOARGS, NULL},
    {"give_kept_tuple", give_kept_tuple, METH_NOARGS, NULL},
    {"give_kept_str", give_kept_str, METH_NOARGS, NULL},
    {"give_kept_list", give_kept_list, METH_NOARGS, NULL},
    {"give_kept_dict", give_kept_dict, METH_NOARGS, NULL},
    {"give_kept_int", give_kept_int, METH_NOARGS, NULL},
    {"give_kept_long_str", give_kept_long_str, METH_NOARGS, NULL},
    {"give_same", give_same, METH_O, NULL},
    {"give_box", give_box, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int
add_values(PyObject *Py_UNUSED(module))
{
    kept_tuple = Py_BuildValue("(id)", 7, 1.5);
    kept_str = PyUnicode_FromString("hello, world");
    kept_object = give_box(NULL, Py_None);
    kept_list = new_list(10);
    kept_dict = give_dict(NULL, NULL);
    kept_int = PyLong_FromLong(1234567);
    kept_long_str = give_long_str(NULL, NULL);
    return kept_tuple && kept_str && kept_object && kept_list && kept_dict && kept_int && kept_long_str ? 0 : -1;
}
