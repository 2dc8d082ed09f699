/* largetext: strings and bytes of many bytes, made, resized, read and kept by C. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *kept[16];

/* A sum over what the macros show. */
static PyObject *
sum(PyObject *Py_UNUSED(module), PyObject *o)
{
    unsigned long total = 0;
    Py_ssize_t n;
    if (PyUnicode_Check(o)) {
        n = PyUnicode_GET_LENGTH(o);
        int kind = PyUnicode_KIND(o);
        const void *data = PyUnicode_DATA(o);
        for (Py_ssize_t i = 0; i <= n; i++) {
            total = total * 31 + PyUnicode_READ(kind, data, i);
        }
        Py_ssize_t size;
        const char *utf8 = PyUnicode_AsUTF8AndSize(o, &size);
        if (utf8 == NULL) {
            return NULL;
        }
        return Py_BuildValue("(nkniic)", n, total, size, kind, PyUnicode_IS_ASCII(o), utf8[size / 2]);
    }
    n = PyBytes_GET_SIZE(o);
    for (Py_ssize_t i = 0; i <= n; i++) {
        total = total * 31 + (unsigned char)PyBytes_AS_STRING(o)[i];
    }
    return Py_BuildValue("(nk)", n, total);
}

/* text(n, top): code points up to `top`, seen by Python before the second half is written. */
static PyObject *
text(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_ssize_t n;
    int top;
    if (!PyArg_ParseTuple(args, "ni", &n, &top)) {
        return NULL;
    }
    PyObject *o = PyUnicode_New(n, (Py_UCS4)top);
    for (Py_ssize_t i = 0; o != NULL && i < n; i++) {
        PyUnicode_WRITE(PyUnicode_KIND(o), PyUnicode_DATA(o), i, (Py_UCS4)(i % 7 == 0 ? top : 33 + i % 60));
    }
    return o;
}

/* data(n, m): n bytes, resized to m. */
static PyObject *
data(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_ssize_t n, m;
    if (!PyArg_ParseTuple(args, "nn", &n, &m)) {
        return NULL;
    }
    PyObject *o = PyBytes_FromStringAndSize(NULL, n);
    if (o == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyBytes_AS_STRING(o)[i] = (char)(i * 7);
    }
    if (_PyBytes_Resize(&o, m) < 0) {
        return NULL;
    }
    for (Py_ssize_t i = n; i < m; i++) {
        PyBytes_AS_STRING(o)[i] = (char)(i * 3);
    }
    return o;
}

/* resized(n, top, m): as text(n, top), then of m code points (those beyond n are 'z'). */
static PyObject *
resized(PyObject *module, PyObject *args)
{
    Py_ssize_t n, m;
    int top;
    if (!PyArg_ParseTuple(args, "nin", &n, &top, &m)) {
        return NULL;
    }
    PyObject *rest = Py_BuildValue("(ni)", n, top), *o = rest == NULL ? NULL : text(module, rest);
    Py_XDECREF(rest);
    if (o == NULL || PyUnicode_Resize(&o, m) < 0) {
        Py_XDECREF(o);
        return NULL;
    }
    for (Py_ssize_t i = n; i < m; i++) {
        PyUnicode_WRITE(PyUnicode_KIND(o), PyUnicode_DATA(o), i, 'z');
    }
    return o;
}

/* keep(i, o), fetch(i), drop(i) */
static PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *args)
{
    int i;
    PyObject *o;
    if (!PyArg_ParseTuple(args, "iO", &i, &o)) {
        return NULL;
    }
    Py_XSETREF(kept[i & 15], Py_NewRef(o));
    Py_RETURN_NONE;
}

static PyObject *
fetch(PyObject *Py_UNUSED(module), PyObject *i)
{
    return Py_NewRef(kept[PyLong_AsLong(i) & 15]);
}

static PyObject *
drop(PyObject *Py_UNUSED(module), PyObject *i)
{
    Py_CLEAR(kept[PyLong_AsLong(i) & 15]);
    Py_RETURN_NONE;
}

/* unseen(n): made and dropped before Python sees it. */
static PyObject *
unseen(PyObject *Py_UNUSED(module), PyObject *n)
{
    PyObject *a = PyBytes_FromStringAndSize(NULL, PyLong_AsSsize_t(n)), *b = PyUnicode_New(PyLong_AsSsize_t(n), 0x20ac);
    int made = a != NULL && b != NULL;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return PyBool_FromLong(made);
}

static PyObject *
same(PyObject *Py_UNUSED(module), PyObject *o)
{
    return Py_NewRef(o);
}

static PyMethodDef methods[] = {
    {"sum", sum, METH_O, NULL},           {"text", text, METH_VARARGS, NULL},   {"data", data, METH_VARARGS, NULL},
    {"keep", keep, METH_VARARGS, NULL},   {"fetch", fetch, METH_O, NULL},       {"drop", drop, METH_O, NULL},
    {"unseen", unseen, METH_O, NULL},     {"same", same, METH_O, NULL},         {"resized", resized, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "largetext", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_largetext(void)
{
    return PyModule_Create(&definition);
}
