/* temporaries: what is done with arguments that were made for the call alone. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum { SAME, KEEP, CALL, CHANGE, RAISE, REPR, HASH, KEY, ITEMS, TWICE, WEAK, MODES };

static int mode;
static PyObject *kept, *callback;

/* set(mode, callback): how use() uses its argument from now on; what it has kept is given, and forgotten. */
static PyObject *
set(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *function, *before = kept == NULL ? PyList_New(0) : kept;
    if (before == NULL || !PyArg_ParseTuple(args, "iO", &mode, &function)) {
        return NULL;
    }
    Py_XSETREF(callback, Py_NewRef(function));
    kept = PyList_New(0);
    return before;
}

static PyObject *
done(int status)
{
    return status < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
use(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyObject *dict, *result;
    switch (mode) {
    case SAME: return Py_NewRef(x);
    case KEEP: return done(PyList_Append(kept, x));
    case CALL: return PyObject_CallOneArg(callback, x);
    case CHANGE: return PyList_CheckExact(x) && PyList_Append(x, callback) < 0 ? NULL : Py_NewRef(x);
    case RAISE:
        PyErr_SetObject(PyExc_ValueError, x);
        return NULL;
    case REPR: return PyObject_Repr(x);
    case HASH: return PyLong_FromLong(PyObject_Hash(x) != -1 || !PyErr_Occurred() ? 1 : (PyErr_Clear(), 0));
    case KEY:
        dict = PyDict_New();
        if (dict == NULL || PyDict_SetItem(dict, PyList_CheckExact(x) ? Py_None : x, x) < 0) {
            return NULL;
        }
        return dict;
    case ITEMS: return PySequence_Check(x) ? PySequence_List(x) : PyNumber_Long(x);
    case TWICE:
        result = PyTuple_Pack(2, x, x);
        return result != NULL && PyList_Append(kept, result) < 0 ? NULL : result;
    default: return PyLong_FromLong((long)PyObject_IsTrue(x));
    }
}

/* The same of the last argument of several. */
static PyObject *
use_last(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return use(module, args[n - 1]);
}

/* And of the first of two, which the second is appended to if that can be. */
static PyObject *
use_first(PyObject *module, PyObject *args)
{
    PyObject *x, *y;
    if (!PyArg_ParseTuple(args, "OO", &x, &y)) {
        return NULL;
    }
    return PyList_CheckExact(x) && PyList_Append(x, y) < 0 ? NULL : use(module, x);
}

/* Objects of which it is known how many there are. */
static Py_ssize_t alive;
static PyTypeObject *counted_type;

static PyObject *
counted(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *op = counted_type->tp_alloc(counted_type, 0);
    alive += op != NULL;
    return op;
}

static void
counted_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    alive--;
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
counted_add(PyObject *left, PyObject *right)
{
    return Py_IS_TYPE(left, counted_type) && Py_IS_TYPE(right, counted_type) ? counted(NULL, NULL)
                                                                             : Py_NewRef(Py_NotImplemented);
}

static PyObject *
counted_again(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_NewRef(self);
}

static PyMethodDef counted_methods[] = {{"again", counted_again, METH_NOARGS, NULL}, {0}};
static PyType_Slot counted_slots[] = {
    {Py_tp_dealloc, counted_dealloc}, {Py_nb_add, counted_add}, {Py_tp_methods, counted_methods}, {0, NULL}};
static PyType_Spec counted_spec = {"temporaries.Counted", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, counted_slots};

static PyObject *
how_many(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromSsize_t(alive);
}

/* A dict with the keys of a list of texts, all of them made anew, and their numbers. */
static PyObject *
keyed(PyObject *Py_UNUSED(module), PyObject *names)
{
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < PyList_GET_SIZE(names); i++) {
        Py_ssize_t size;
        const char *text = PyUnicode_AsUTF8AndSize(PyList_GET_ITEM(names, i), &size);
        PyObject *key = text == NULL ? NULL : PyUnicode_FromStringAndSize(text, size);
        PyObject *value = PyLong_FromSsize_t(i);
        if (key == NULL || value == NULL || PyDict_SetItem(dict, key, value) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return dict;
}

static PyMethodDef methods[] = {
    {"counted", counted, METH_NOARGS, NULL},
    {"how_many", how_many, METH_NOARGS, NULL},
    {"keyed", keyed, METH_O, NULL},
    {"set", set, METH_VARARGS, NULL},
    {"use", use, METH_O, NULL},
    {"use_last", (PyCFunction)(void (*)(void))use_last, METH_FASTCALL, NULL},
    {"use_first", use_first, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "temporaries", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_temporaries(void)
{
    counted_type = (PyTypeObject *)PyType_FromSpec(&counted_spec);
    return counted_type == NULL ? NULL : PyModule_Create(&definition);
}
