/* quick: what the API does by a shorter way where it can: texts that C makes as keys and values of dicts and sets, interned, encoded and
 * decoded; long lists of ints; numbers read from texts. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* fresh(text): another string with the same letters, which nobody has seen. */
static PyObject *
fresh(PyObject *text)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    PyObject *made = PyUnicode_New(size, PyUnicode_MAX_CHAR_VALUE(text));
    if (made != NULL && PyUnicode_CopyCharacters(made, 0, text, 0, size) < 0) {
        Py_CLEAR(made);
    }
    return made;
}

/* by_text(dict, key, value): what the functions of dicts do with fresh strings; the value None stands for a fresh string. */
static PyObject *
by_text(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dict, *key, *value;
    if (!PyArg_ParseTuple(args, "OUO", &dict, &key, &value)) {
        return NULL;
    }
    PyObject *k = fresh(key), *v = value == Py_None ? fresh(key) : Py_NewRef(value);
    int before = PyDict_Contains(dict, k);
    int set = PyDict_SetItem(dict, k, v);
    if (set < 0) {
        Py_DECREF(k);
        Py_DECREF(v);
        return NULL;
    }
    int is_number = PyLong_CheckExact(v) || PyFloat_CheckExact(v);
    /* What the dict has been given is borrowed from it. */
    Py_DECREF(v);
    PyObject *other = fresh(key), *ref = NULL;
    PyObject *got = PyDict_GetItemWithError(dict, other);
    int given = PyDict_GetItemRef(dict, other, &ref);
    PyObject *keys = PyDict_Keys(dict);
    int same_key = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys); i++) {
        same_key |= PyList_GET_ITEM(keys, i) == k;
    }
    PyObject *result = Py_BuildValue("iiiiiiOn", before, set, is_number || got == v, given,
                                     is_number || ref == v, same_key, got, PyDict_Size(dict));
    Py_DECREF(keys);
    Py_DECREF(other);
    Py_XDECREF(ref);
    Py_DECREF(k);
    return result;
}

/* delete(container, key): removed by a fresh string. */
static PyObject *
delete(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dict, *key;
    if (!PyArg_ParseTuple(args, "OU", &dict, &key)) {
        return NULL;
    }
    PyObject *k = fresh(key);
    int done = PyDict_DelItem(dict, k);
    Py_DECREF(k);
    return done < 0 ? NULL : PyLong_FromSsize_t(PyDict_Size(dict));
}

/* memo(dict, key): PyDict_SetDefaultRef of a fresh string under itself. */
static PyObject *
memo(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dict, *key, *first = NULL, *second = NULL;
    if (!PyArg_ParseTuple(args, "OU", &dict, &key)) {
        return NULL;
    }
    PyObject *a = fresh(key), *b = fresh(key), *number = PyLong_FromLong(123456);
    int there = PyDict_SetDefaultRef(dict, a, a, &first);
    int again = PyDict_SetDefaultRef(dict, b, b, &second);
    int quiet = PyDict_SetDefaultRef(dict, b, number, NULL);
    PyObject *result = Py_BuildValue("iiiiiO", there, again, quiet, first == a, second == first, second);
    Py_DECREF(a);
    Py_DECREF(b);
    Py_DECREF(number);
    Py_XDECREF(first);
    Py_XDECREF(second);
    return result;
}

/* in_set(set, key): added and looked for as fresh strings. */
static PyObject *
in_set(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *set, *key;
    if (!PyArg_ParseTuple(args, "OU", &set, &key)) {
        return NULL;
    }
    PyObject *a = fresh(key), *b = fresh(key);
    int before = PySet_Contains(set, a), added = PySet_Add(set, a), again = PySet_Add(set, b), after = PySet_Contains(set, b);
    Py_ssize_t size = PySet_Size(set);
    int gone = PySet_Discard(set, b);
    Py_DECREF(a);
    Py_DECREF(b);
    return Py_BuildValue("iiiinii", before, added, again, after, size, gone, PySet_Contains(set, key));
}

/* intern(text): whether fresh strings of these letters become one, and what it is. */
static PyObject *
intern(PyObject *Py_UNUSED(module), PyObject *text)
{
    PyObject *a = fresh(text), *b = fresh(text), *c = Py_NewRef(text);
    PyUnicode_InternInPlace(&a);
    PyUnicode_InternInPlace(&b);
    PyUnicode_InternInPlace(&c);
    PyObject *d = Py_NewRef(a);
    PyUnicode_InternInPlace(&d);
    PyObject *result = Py_BuildValue("iiiO", a == b, b == c, c == d, a);
    Py_DECREF(a);
    Py_DECREF(b);
    Py_DECREF(c);
    Py_DECREF(d);
    return result;
}

static PyObject *
encode(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *text;
    const char *encoding, *errors;
    if (!PyArg_ParseTuple(args, "Ozz", &text, &encoding, &errors)) {
        return NULL;
    }
    return PyUnicode_AsEncodedString(text, encoding, errors);
}

static PyObject *
decode(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *data, *encoding, *errors;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y#zz", &data, &size, &encoding, &errors)) {
        return NULL;
    }
    return PyUnicode_Decode(data, size, encoding, errors);
}

/* number(class, text): the class called by C. */
static PyObject *
number(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *class, *text;
    if (!PyArg_ParseTuple(args, "OO", &class, &text)) {
        return NULL;
    }
    return PyObject_CallOneArg(class, text);
}

/* sum(list): of the ints of a list, each of which is looked at twice; keep(list, n): references to every nth item are kept, and given back
 * by kept(). */
static PyObject *held;

static PyObject *
sum(PyObject *Py_UNUSED(module), PyObject *list)
{
    double total = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        double value = PyLong_AsDouble(item);
        if (value == -1.0 && PyErr_Occurred()) {
            return NULL;
        }
        if (value != PyLong_AsDouble(PyList_GET_ITEM(list, PyList_GET_SIZE(list) - 1 - i))) {
            total += value * (double)(i % 7);
        }
    }
    return PyFloat_FromDouble(total);
}

static PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *list;
    int n;
    if (!PyArg_ParseTuple(args, "Oi", &list, &n)) {
        return NULL;
    }
    if (held == NULL) {
        held = PyList_New(0);
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i += n) {
        PyList_Append(held, PyList_GET_ITEM(list, i));
    }
    return PyLong_FromSsize_t(PyList_GET_SIZE(held));
}

static PyObject *
kept(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *list = held == NULL ? PyList_New(0) : held;
    held = NULL;
    return list;
}

static PyMethodDef methods[] = {
    {"by_text", by_text, METH_VARARGS, NULL},
    {"delete", delete, METH_VARARGS, NULL},
    {"memo", memo, METH_VARARGS, NULL},
    {"in_set", in_set, METH_VARARGS, NULL},
    {"intern", intern, METH_O, NULL},
    {"encode", encode, METH_VARARGS, NULL},
    {"decode", decode, METH_VARARGS, NULL},
    {"number", number, METH_VARARGS, NULL},
    {"sum", sum, METH_O, NULL},
    {"keep", keep, METH_VARARGS, NULL},
    {"kept", kept, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "quick", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_quick(void)
{
    return PyModule_Create(&definition);
}
