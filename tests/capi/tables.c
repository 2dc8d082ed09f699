/* tables: dicts and sets as C reads, changes and walks them, by keys of all kinds and by C strings; iterators that C asks; texts of formats. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* The C string that functions here take their keys from: always at one address. */
static char text[100];

static int
set_text(PyObject *from)
{
    const char *s = PyUnicode_AsUTF8(from);
    if (s == NULL) {
        return -1;
    }
    snprintf(text, sizeof(text), "%s", s);
    return 0;
}

/* A dict's or set's number of elements, as the macros say. */
static Py_ssize_t
shown(PyObject *container)
{
    return PyDict_Check(container) ? PyDict_GET_SIZE(container) : PyAnySet_Check(container) ? PySet_GET_SIZE(container) : -1;
}

/* do(operation, container, key, value): what it gave, and the size that macros see then. */
static PyObject *
operate(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *operation;
    PyObject *container, *key, *value, *result = NULL;
    if (!PyArg_ParseTuple(args, "sOOO", &operation, &container, &key, &value)) {
        return NULL;
    }
    int status = 0, of_text = strstr(operation, "text") != NULL;
    if (of_text && set_text(key) < 0) {
        return NULL;
    }
#define IS(name) (strcmp(operation, name) == 0)
    if (IS("set")) {
        status = PyDict_SetItem(container, key, value);
    }
    else if (IS("set text")) {
        status = PyDict_SetItemString(container, text, value);
    }
    else if (IS("set as mapping")) {
        status = PyObject_SetItem(container, key, value);
    }
    else if (IS("del")) {
        status = PyDict_DelItem(container, key);
    }
    else if (IS("del as mapping")) {
        status = PyObject_DelItem(container, key);
    }
    else if (IS("get")) {
        result = Py_XNewRef(PyDict_GetItem(container, key));
    }
    else if (IS("get with error")) {
        result = Py_XNewRef(PyDict_GetItemWithError(container, key));
        status = result == NULL && PyErr_Occurred() ? -1 : 0;
    }
    else if (IS("get text")) {
        result = Py_XNewRef(PyDict_GetItemString(container, text));
    }
    else if (IS("get ref")) {
        status = PyDict_GetItemRef(container, key, &result);
    }
    else if (IS("get ref text")) {
        status = PyDict_GetItemStringRef(container, text, &result);
    }
    else if (IS("contains")) {
        status = PyDict_Contains(container, key);
    }
    else if (IS("add")) {
        status = PySet_Add(container, key);
    }
    else if (IS("in set")) {
        status = PySet_Contains(container, key);
    }
    else {
        return PyErr_Format(PyExc_ValueError, "operation %s", operation);
    }
    if (status < 0) {
        Py_XDECREF(result);
        return NULL;
    }
    return Py_BuildValue("(iNn)", status, result == NULL ? Py_NewRef(Py_None) : result, shown(container));
}

/* again(dict, key, value, count): sets and deletes so often. */
static PyObject *
again(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dict, *key, *value;
    int count;
    if (!PyArg_ParseTuple(args, "OOOi", &dict, &key, &value, &count)) {
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        if (PyDict_SetItem(dict, key, value) < 0 || PyDict_Contains(dict, key) != 1 || PyDict_DelItem(dict, key) < 0
            || PyDict_Contains(dict, key) != 0) {
            return NULL;
        }
    }
    return PyLong_FromSsize_t(PyDict_GET_SIZE(dict));
}

/* walk(dict, which, start, change): keys, values or both from a position on; `change`, unless None, is called with each item. */
static PyObject *
walk(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dict, *change;
    int which;
    Py_ssize_t position;
    if (!PyArg_ParseTuple(args, "OinO", &dict, &which, &position, &change)) {
        return NULL;
    }
    PyObject *found = PyList_New(0), *key = NULL, *value = NULL;
    while (found != NULL && PyDict_Next(dict, &position, which & 1 ? &key : NULL, which & 2 ? &value : NULL)) {
        PyObject *item = Py_BuildValue("(OO)", key == NULL ? Py_None : key, value == NULL ? Py_None : value);
        if (item == NULL || PyList_Append(found, item) < 0) {
            Py_CLEAR(found);
        }
        else if (change != Py_None) {
            PyObject *done = PyObject_CallOneArg(change, item);
            if (done == NULL) {
                Py_CLEAR(found);
            }
            Py_XDECREF(done);
        }
        Py_XDECREF(item);
    }
    return found == NULL ? NULL : Py_BuildValue("(Nn)", found, position);
}

/* fill(container, objects): adds the objects of a sequence, and new ints; returns what the macros said after each. */
static PyObject *
fill(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *container, *objects;
    if (!PyArg_ParseTuple(args, "OO", &container, &objects)) {
        return NULL;
    }
    PyObject *sizes = PyList_New(0);
    for (Py_ssize_t i = 0; sizes != NULL && i < PySequence_Size(objects) * 2; i++) {
        PyObject *key = i % 2 ? PyLong_FromSsize_t(1000 * i) : PySequence_GetItem(objects, i / 2);
        int failed = key == NULL
                     || (PyDict_Check(container) ? PyDict_SetItem(container, key, key) : PySet_Add(container, key)) < 0;
        Py_XDECREF(key);
        PyObject *size = failed ? NULL : PyLong_FromSsize_t(shown(container));
        if (size == NULL || PyList_Append(sizes, size) < 0) {
            Py_CLEAR(sizes);
        }
        Py_XDECREF(size);
    }
    return sizes;
}

/* take(iterator, count): so many items at most by PyIter_Next, and whether it ended. */
static PyObject *
take(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *iterator, *item = NULL;
    int count;
    if (!PyArg_ParseTuple(args, "Oi", &iterator, &count)) {
        return NULL;
    }
    PyObject *items = PyList_New(0);
    for (int i = 0; i < count && (item = PyIter_Next(iterator)) != NULL; i++) {
        PyList_Append(items, item);
        Py_DECREF(item);
    }
    if (PyErr_Occurred()) {
        Py_DECREF(items);
        return NULL;
    }
    return Py_BuildValue("(Ni)", items, item == NULL);
}

/* slot(iterator): what its slot gives: an item, a StopIteration's value, or nothing. */
static PyObject *
slot(PyObject *Py_UNUSED(module), PyObject *iterator)
{
    PyObject *item = Py_TYPE(iterator)->tp_iternext(iterator);
    if (item != NULL) {
        return Py_BuildValue("(sN)", "item", item);
    }
    if (!PyErr_Occurred()) {
        return Py_BuildValue("(s)", "end");
    }
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
        return NULL;
    }
    PyObject *exc = PyErr_GetRaisedException(), *value = PyObject_GetAttrString(exc, "value");
    Py_DECREF(exc);
    return Py_BuildValue("(sN)", "end with", value);
}

/* many(function, count): makes so many objects by calls of the function, holds them all, and gives them up. */
static PyObject *
many(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *function, *made[1000];
    int count, n = 0;
    if (!PyArg_ParseTuple(args, "Oi", &function, &count)) {
        return NULL;
    }
    while (n < count && n < 1000 && (made[n] = PyObject_CallNoArgs(function)) != NULL) {
        n++;
    }
    Py_ssize_t sum = 0;
    for (int i = 0; i < n; i++) {
        sum += PyAnySet_Check(made[i]) ? PySet_GET_SIZE(made[i]) : Py_REFCNT(made[i]) > 0;
        Py_DECREF(made[i]);
    }
    return PyErr_Occurred() ? NULL : PyLong_FromSsize_t(sum);
}

/* texts(first, second): values that formats make of C strings at one address. */
static PyObject *
texts(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *first, *second;
    if (!PyArg_ParseTuple(args, "UU", &first, &second) || set_text(first) < 0) {
        return NULL;
    }
    PyObject *a = Py_BuildValue("(s{s:i}z)", text, text, 1, text);
    PyObject *b = Py_BuildValue("s", text);
    if (b != NULL) {
        /* What a text grows by changes nobody else's. */
        PyUnicode_AppendAndDel(&b, PyUnicode_FromString("+"));
    }
    if (set_text(second) < 0) {
        return NULL;
    }
    PyObject *c = Py_BuildValue("[s{s:i}U]", text, text, 2, text);
    if (set_text(first) < 0) {
        return NULL;
    }
    return Py_BuildValue("(NNNs)", a, b, c, text);
}

static PyMethodDef functions[] = {
    {"operate", operate, METH_VARARGS, NULL}, {"again", again, METH_VARARGS, NULL}, {"walk", walk, METH_VARARGS, NULL},
    {"fill", fill, METH_VARARGS, NULL},       {"take", take, METH_VARARGS, NULL},   {"slot", slot, METH_O, NULL},
    {"many", many, METH_VARARGS, NULL},       {"texts", texts, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "tables", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC
PyInit_tables(void)
{
    return PyModule_Create(&module);
}
