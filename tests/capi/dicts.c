/* dicts: what C makes of dicts that it fills itself and hands over, keeps, passes on or drops. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *kept;

/* An object of C's own that is equal, made of fresh parts; others as they are. A new reference. */
static PyObject *
fresh(PyObject *op)
{
    if (PyUnicode_CheckExact(op)) {
        return PyUnicode_FromKindAndData(PyUnicode_KIND(op), PyUnicode_DATA(op), PyUnicode_GET_LENGTH(op));
    }
    if (PyBytes_CheckExact(op)) {
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(op), PyBytes_GET_SIZE(op));
    }
    if (PyTuple_CheckExact(op)) {
        PyObject *made = PyTuple_New(PyTuple_GET_SIZE(op));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(op); i++) {
            PyTuple_SET_ITEM(made, i, fresh(PyTuple_GET_ITEM(op, i)));
        }
        return made;
    }
    if (PyList_CheckExact(op)) {
        PyObject *made = PyList_New(0);
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(op); i++) {
            PyObject *item = fresh(PyList_GET_ITEM(op, i));
            PyList_Append(made, item);
            Py_DECREF(item);
        }
        return made;
    }
    if (PyDict_CheckExact(op)) {
        PyObject *made = PyDict_New(), *key, *value;
        Py_ssize_t at = 0;
        while (PyDict_Next(op, &at, &key, &value)) {
            PyObject *k = fresh(key), *v = fresh(value);
            PyDict_SetItem(made, k, v);
            Py_DECREF(k);
            Py_DECREF(v);
        }
        return made;
    }
    return Py_NewRef(op);
}

static PyObject *
fresh_one(PyObject *Py_UNUSED(module), PyObject *op)
{
    return fresh(op);
}

/* A fresh object that C keeps as well. */
static PyObject *
fresh_kept(PyObject *Py_UNUSED(module), PyObject *op)
{
    Py_XSETREF(kept, fresh(op));
    return Py_NewRef(kept);
}

static PyObject *
get_kept(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return Py_NewRef(kept == NULL ? Py_None : kept);
}

static PyObject *
drop_kept(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Py_CLEAR(kept);
    Py_RETURN_NONE;
}

/* One step with a dict: what it gives, or NULL with an exception. */
static PyObject *
step(PyObject *d, const char *op, PyObject *key, PyObject *value)
{
    PyObject *found = NULL;
    if (strcmp(op, "set") == 0) {
        return PyLong_FromLong(PyDict_SetItem(d, key, value));
    }
    if (strcmp(op, "set string") == 0) {
        return PyLong_FromLong(PyDict_SetItemString(d, PyUnicode_AsUTF8(key), value));
    }
    if (strcmp(op, "set itself") == 0) {
        return PyLong_FromLong(PyDict_SetItem(d, key, d));
    }
    if (strcmp(op, "set in a tuple") == 0) {
        PyObject *tuple = PyTuple_Pack(2, d, value);
        long done = PyDict_SetItem(d, key, tuple);
        Py_DECREF(tuple);
        return PyLong_FromLong(done);
    }
    if (strcmp(op, "set and use") == 0) {
        /* The value is the dict's alone, and borrowed afterwards. */
        PyObject *own = fresh(value);
        PyDict_SetItem(d, key, own);
        Py_DECREF(own);
        PyDict_Contains(d, Py_None);
        return PyObject_Repr(own);
    }
    if (strcmp(op, "get") == 0) {
        found = PyDict_GetItem(d, key);
        return Py_NewRef(found == NULL ? Py_Ellipsis : found);
    }
    if (strcmp(op, "get with error") == 0) {
        found = PyDict_GetItemWithError(d, key);
        return found == NULL && PyErr_Occurred() ? NULL : Py_NewRef(found == NULL ? Py_Ellipsis : found);
    }
    if (strcmp(op, "get ref") == 0) {
        int there = PyDict_GetItemRef(d, key, &found);
        return there < 0 ? NULL : Py_BuildValue("(iN)", there, found == NULL ? Py_NewRef(Py_Ellipsis) : found);
    }
    if (strcmp(op, "get string") == 0) {
        found = PyDict_GetItemString(d, PyUnicode_AsUTF8(key));
        return Py_NewRef(found == NULL ? Py_Ellipsis : found);
    }
    if (strcmp(op, "contains") == 0) {
        int there = PyDict_Contains(d, key);
        return there < 0 ? NULL : PyLong_FromLong(there);
    }
    if (strcmp(op, "default") == 0) {
        int there = PyDict_SetDefaultRef(d, key, value, &found);
        return there < 0 ? NULL : Py_BuildValue("(iN)", there, found);
    }
    if (strcmp(op, "delete") == 0) {
        return PyDict_DelItem(d, key) < 0 ? NULL : Py_NewRef(Py_None);
    }
    if (strcmp(op, "size") == 0) {
        return Py_BuildValue("(nnn)", PyDict_Size(d), PyDict_GET_SIZE(d), PyObject_Size(d));
    }
    if (strcmp(op, "walk") == 0) {
        PyObject *all = PyList_New(0), *k, *v;
        Py_ssize_t at = 0;
        while (PyDict_Next(d, &at, &k, &v)) {
            PyObject *pair = PyTuple_Pack(2, k, v);
            PyList_Append(all, pair);
            Py_DECREF(pair);
        }
        return all;
    }
    if (strcmp(op, "copy") == 0) {
        return PyDict_Copy(d);
    }
    if (strcmp(op, "update") == 0) {
        return PyDict_Update(d, value) < 0 ? NULL : Py_NewRef(Py_None);
    }
    if (strcmp(op, "clear") == 0) {
        PyDict_Clear(d);
        return Py_NewRef(Py_None);
    }
    if (strcmp(op, "repr") == 0) {
        return PyObject_Repr(d);
    }
    if (strcmp(op, "truth") == 0) {
        return PyLong_FromLong(PyObject_IsTrue(d));
    }
    if (strcmp(op, "call") == 0) {
        return PyObject_CallOneArg(value, d);
    }
    if (strcmp(op, "call with it") == 0) {
        return PyObject_VectorcallDict(value, NULL, 0, d);
    }
    if (strcmp(op, "keep") == 0) {
        Py_XSETREF(kept, Py_NewRef(d));
        return Py_NewRef(Py_None);
    }
    return PyErr_Format(PyExc_ValueError, "no such step");
}

/* steps(room, [(op, key, value), ...]): what the steps give, keys and values being fresh, and the dict. */
static PyObject *
steps(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_ssize_t room;
    PyObject *all;
    if (!PyArg_ParseTuple(args, "nO!", &room, &PyList_Type, &all)) {
        return NULL;
    }
    PyObject *d = room < 0 ? PyDict_New() : _PyDict_NewPresized(room), *results = PyList_New(0);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(all); i++) {
        const char *op;
        PyObject *key = Py_None, *value = Py_None;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(all, i), "s|OO", &op, &key, &value)) {
            return NULL;
        }
        key = fresh(key);
        value = fresh(value);
        PyObject *result = step(d, op, key, value);
        if (result == NULL) {
            result = PyErr_GetRaisedException();
        }
        PyList_Append(results, result);
        Py_DECREF(result);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    return Py_BuildValue("(NN)", results, d);
}

/* dropped(pairs, count): makes a dict of pairs, which nobody but C sees, and drops it, so often. */
static PyObject *
dropped(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *all;
    int count;
    if (!PyArg_ParseTuple(args, "Oi", &all, &count)) {
        return NULL;
    }
    for (int n = 0; n < count; n++) {
        PyObject *d = PyDict_New();
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(all); i++) {
            PyObject *pair = PyList_GET_ITEM(all, i);
            PyObject *key = fresh(PyTuple_GET_ITEM(pair, 0)), *value = fresh(PyTuple_GET_ITEM(pair, 1));
            PyDict_SetItem(d, key, value);
            Py_DECREF(key);
            Py_DECREF(value);
        }
        Py_DECREF(d);
    }
    return PyLong_FromLong(count);
}

/* Holds a dict: a cycle through both is C's alone. */
typedef struct {
    PyObject_HEAD
    PyObject *dict;
} Holder;

static Py_ssize_t holders;

static int
holder_traverse(Holder *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    return 0;
}

static int
holder_clear(Holder *self)
{
    Py_CLEAR(self->dict);
    return 0;
}

static void
holder_dealloc(Holder *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    holder_clear(self);
    holders--;
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyType_Slot holder_slots[] = {
    {Py_tp_traverse, holder_traverse}, {Py_tp_clear, holder_clear}, {Py_tp_dealloc, holder_dealloc}, {0, NULL}};
static PyType_Spec holder_spec = {"dicts.Holder", sizeof(Holder), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, holder_slots};

/* cycle(in_list): makes a cycle of a holder and a dict, in which the holder is, perhaps in a list, and drops it; how many holders there are. */
static PyObject *
cycle(PyObject *module, PyObject *in_list)
{
    Holder *holder = PyObject_GC_New(Holder, *(PyTypeObject **)PyModule_GetState(module));
    holder->dict = PyDict_New();
    holders++;
    PyObject_GC_Track((PyObject *)holder);
    PyObject *value = in_list == Py_True ? Py_BuildValue("[O]", holder) : Py_NewRef((PyObject *)holder);
    PyDict_SetItemString(holder->dict, "holder", value);
    Py_DECREF(value);
    Py_DECREF(holder);
    return PyLong_FromSsize_t(holders);
}

static PyObject *
holders_left(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromSsize_t(holders);
}

static int
exec(PyObject *module)
{
    PyTypeObject **state = PyModule_GetState(module);
    *state = (PyTypeObject *)PyType_FromSpec(&holder_spec);
    return *state == NULL ? -1 : 0;
}

static PyMethodDef methods[] = {
    {"fresh", fresh_one, METH_O, NULL},
    {"fresh_kept", fresh_kept, METH_O, NULL},
    {"kept", get_kept, METH_NOARGS, NULL},
    {"drop", drop_kept, METH_NOARGS, NULL},
    {"steps", steps, METH_VARARGS, NULL},
    {"dropped", dropped, METH_VARARGS, NULL},
    {"cycle", cycle, METH_O, NULL},
    {"holders", holders_left, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec}, {0, NULL}};
static struct PyModuleDef def = {
    PyModuleDef_HEAD_INIT, .m_name = "dicts", .m_size = sizeof(PyTypeObject *), .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC
PyInit_dicts(void)
{
    return PyModuleDef_Init(&def);
}
