/* handover: objects that C makes, hands over and keeps: exceptions, small containers, numbers. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* ---- exceptions ---- */

static PyObject *stored;

/* raise(how, class, value): the value is what the function of that name takes. */
static PyObject *
raise(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *how;
    PyObject *type, *value;
    if (!PyArg_ParseTuple(args, "sOO", &how, &type, &value)) {
        return NULL;
    }
    if (strcmp(how, "string") == 0) {
        PyErr_SetString(type, PyUnicode_AsUTF8(value));
    }
    else if (strcmp(how, "object") == 0) {
        PyErr_SetObject(type, value);
    }
    else if (strcmp(how, "none") == 0) {
        PyErr_SetNone(type);
    }
    else if (strcmp(how, "format") == 0) {
        PyErr_Format(type, "%R of %.3s, %d", value, "abcdef", 7);
    }
    else if (strcmp(how, "restore") == 0) {
        PyErr_Restore(Py_NewRef(type), Py_NewRef(value), NULL);
    }
    else if (strcmp(how, "twice") == 0) {
        PyErr_SetString(PyExc_KeyError, "the first, replaced");
        PyErr_SetObject(type, value);
    }
    else if (strcmp(how, "from cause") == 0) {
        PyErr_SetObject(type, value);
        _PyErr_FormatFromCause(PyExc_RuntimeError, "caused");
    }
    return NULL;
}

/* normalized(class, value): what PyErr_Fetch gives of it, and PyErr_NormalizeException makes; the exception is raised again. */
static PyObject *
normalized(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *type, *value, *t, *v, *tb;
    if (!PyArg_ParseTuple(args, "OO", &type, &value)) {
        return NULL;
    }
    PyErr_SetObject(type, value);
    PyErr_Fetch(&t, &v, &tb);
    int instance = PyExceptionInstance_Check(v), none = tb == NULL;
    PyErr_NormalizeException(&t, &v, &tb);
    PyObject *a = Py_NewRef(type), *b = Py_NewRef(value), *c = NULL;
    PyErr_NormalizeException(&a, &b, &c);
    PyObject *result = Py_BuildValue("(iiOOOO)", instance, none, t, v, a, b);
    Py_DECREF(a);
    Py_DECREF(b);
    Py_XDECREF(c);
    PyErr_Restore(t, v, tb);
    PyErr_Clear();
    return result;
}

/* store(class, value): makes an exception and keeps it; again(): raises what is kept. */
static PyObject *
store(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *type, *value;
    if (!PyArg_ParseTuple(args, "OO", &type, &value)) {
        return NULL;
    }
    PyErr_SetObject(type, value);
    Py_XSETREF(stored, PyErr_GetRaisedException());
    Py_RETURN_NONE;
}

static PyObject *
again(PyObject *Py_UNUSED(module), PyObject *how)
{
    if (how == Py_True) {
        PyErr_SetRaisedException(Py_NewRef(stored));
    }
    else {
        PyErr_SetObject((PyObject *)Py_TYPE(stored), stored);
    }
    return NULL;
}

static PyObject *
get_stored(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return Py_NewRef(stored == NULL ? Py_None : stored);
}

static PyObject *
drop_stored(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Py_CLEAR(stored);
    Py_RETURN_NONE;
}

/* dressed(class, value): an exception that C changes before it raises it. */
static PyObject *
dressed(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *type, *value;
    if (!PyArg_ParseTuple(args, "OO", &type, &value)) {
        return NULL;
    }
    PyErr_SetObject(type, value);
    PyObject *exc = PyErr_GetRaisedException();
    PyObject *note = PyObject_CallMethod(exc, "add_note", "s", "a note");
    Py_XDECREF(note);
    PyObject_SetAttrString(exc, "extra", value);
    PyException_SetCause(exc, PyObject_CallFunction(PyExc_KeyError, "s", "the cause"));
    PyObject *before = PyException_GetArgs(exc), *repr = PyObject_Repr(exc), *text = PyObject_Str(exc);
    PyObject *seen = Py_BuildValue("(NNNO)", before, repr, text, Py_TYPE(exc));
    PyObject_SetAttrString(exc, "seen", seen);
    Py_DECREF(seen);
    PyErr_SetRaisedException(exc);
    return NULL;
}

/* born(count, class, value): exceptions that never leave C. */
static PyObject *
born(PyObject *Py_UNUSED(module), PyObject *args)
{
    int count, matched = 0;
    PyObject *type, *value;
    if (!PyArg_ParseTuple(args, "iOO", &count, &type, &value)) {
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        PyErr_SetObject(type, value);
        matched += PyErr_ExceptionMatches(type);
        if (i % 3 == 0) {
            PyErr_Clear();
        }
        else if (i % 3 == 1) {
            PyObject *exc = PyErr_GetRaisedException();
            Py_DECREF(exc);
        }
        else {
            PyObject *t, *v, *tb;
            PyErr_Fetch(&t, &v, &tb);
            PyErr_Restore(t, v, tb);
            PyErr_Clear();
        }
    }
    return Py_BuildValue("(ii)", matched, PyErr_Occurred() != NULL);
}

/* handling(exception, f): calls f as code of Cython's does in an except block that handles the exception. */
static PyObject *
handling(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *exc, *f;
    if (!PyArg_ParseTuple(args, "OO", &exc, &f)) {
        return NULL;
    }
    PyObject *before = PyErr_GetHandledException();
    PyErr_SetHandledException(exc);
    PyObject *result = f == Py_None ? NULL : PyObject_CallNoArgs(f);
    if (f == Py_None) {
        PyErr_SetString(PyExc_ValueError, "raised while C handles");
    }
    PyObject *after = PyErr_GetHandledException();
    int same = after == exc;
    PyErr_SetHandledException(before);
    Py_XDECREF(before);
    Py_XDECREF(after);
    return result == NULL ? NULL : Py_BuildValue("(Ni)", result, same);
}

static PyObject *
unraisable(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *type, *value, *where;
    if (!PyArg_ParseTuple(args, "OOO", &type, &value, &where)) {
        return NULL;
    }
    PyErr_SetObject(type, value);
    PyErr_WriteUnraisable(where == Py_None ? NULL : where);
    return PyBool_FromLong(PyErr_Occurred() != NULL);
}

/* caught(f): calls f, catches what it raises in C, and gives that. */
static PyObject *
caught(PyObject *Py_UNUSED(module), PyObject *f)
{
    PyObject *result = PyObject_CallNoArgs(f);
    if (result != NULL) {
        return result;
    }
    return PyErr_GetRaisedException();
}

/* ---- containers ---- */

static PyObject *kept;

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

static PyObject *
hold(PyObject *object)
{
    Py_XSETREF(kept, Py_XNewRef(object));
    return object;
}

/* An item of a kind. */
static PyObject *
make(char kind, Py_ssize_t n)
{
    switch (kind) {
        case 'i': return PyLong_FromSsize_t(n * 1000);
        case 'f': return PyFloat_FromDouble((double)n / 4);
        case 's': return PyUnicode_FromFormat("text %zd", n);
        case 'b': return PyBytes_FromFormat("bytes %zd", n);
        case 'l': return Py_BuildValue("[n]", n);
        case 't': return Py_BuildValue("(n[s])", n, "inner");
        case 'd': return Py_BuildValue("{snsn}", "key", n, "other", n + 1);
        case 'o': return PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
        case 'e': return PyObject_CallFunction(PyExc_ValueError, "n", n);
        case 'N': return Py_NewRef(Py_None);
    }
    return PyErr_Format(PyExc_ValueError, "no such kind");
}

/* fresh(container, kind, count, keep): keep is "" or "container" or "item". */
static PyObject *
fresh(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *container, *kind, *keep;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(args, "ssns", &container, &kind, &count, &keep)) {
        return NULL;
    }
    PyObject *made = container[0] == 'l'   ? PyList_New(count)
                     : container[0] == 't' ? PyTuple_New(count)
                     : container[0] == 'd' ? PyDict_New()
                     : container[0] == 's' ? PySet_New(NULL)
                                           : PyList_New(0);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = make(kind[0], i);
        if (item == NULL) {
            Py_DECREF(made);
            return NULL;
        }
        if (strcmp(keep, "item") == 0 && i == count / 2) {
            hold(item);
        }
        switch (container[0]) {
            case 'l': PyList_SET_ITEM(made, i, item); continue;
            case 't': PyTuple_SET_ITEM(made, i, item); continue;
            case 'd': {
                PyObject *key = PyLong_FromSsize_t(i);
                PyDict_SetItem(made, key, item);
                Py_DECREF(key);
                break;
            }
            case 's': PySet_Add(made, item); break;
            default: PyList_Append(made, item);
        }
        Py_DECREF(item);
    }
    return strcmp(keep, "container") == 0 ? hold(made) : made;
}

/* odd(which): containers that contain themselves, one item several times, or one another. */
static PyObject *
odd(PyObject *Py_UNUSED(module), PyObject *which)
{
    const char *name = PyUnicode_AsUTF8(which);
    PyObject *list = PyList_New(0);
    if (strcmp(name, "itself") == 0) {
        PyList_Append(list, list);
        return list;
    }
    PyObject *item = make('l', 5);
    if (strcmp(name, "thrice") == 0) {
        for (int i = 0; i < 3; i++) {
            PyList_Append(list, item);
        }
    }
    else if (strcmp(name, "ring") == 0) {
        PyList_Append(list, item);
        PyList_Append(item, list);
    }
    else if (strcmp(name, "tuple in list in tuple") == 0) {
        PyObject *tuple = PyTuple_Pack(2, item, item);
        PyList_Append(list, tuple);
        PyList_Append(item, tuple);
        Py_DECREF(tuple);
    }
    else if (strcmp(name, "sliced") == 0) {
        PyList_Append(list, item);
        PyObject *part = PyList_GetSlice(list, 0, 1);
        PyList_Append(part, list);
        Py_SETREF(list, part);
    }
    else if (strcmp(name, "as tuple") == 0) {
        PyList_Append(list, item);
        PyObject *tuple = PyList_AsTuple(list);
        list = Py_BuildValue("(NN)", tuple, list);
    }
    Py_DECREF(item);
    return list;
}

/* pass_on(f, kind): calls f with a fresh object, that C changes afterwards and gives back. */
static PyObject *
pass_on(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *f;
    const char *kind;
    if (!PyArg_ParseTuple(args, "Os", &f, &kind)) {
        return NULL;
    }
    PyObject *list = Py_BuildValue("[N]", make(kind[0], 1));
    PyObject *result = PyObject_CallOneArg(f, list);
    if (result == NULL) {
        Py_DECREF(list);
        return NULL;
    }
    PyList_Append(list, result);
    Py_DECREF(result);
    return list;
}

static PyType_Slot no_slots[] = {{0, NULL}};
static PyType_Spec list_spec = {"handover.List", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, no_slots};
static PyType_Spec tuple_spec = {"handover.Tuple", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, no_slots};

/* ---- numbers ---- */

/* keep(*numbers) keeps references in C alone; kept_numbers() makes a list of them. */
static PyObject *places[256];
static int used;

static PyObject *
keep_one(PyObject *Py_UNUSED(module), PyObject *number)
{
    places[used++] = Py_NewRef(number);
    return Py_NewRef(number);
}

static PyObject *
keep_many(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        places[used++] = Py_NewRef(args[i]);
    }
    return PyLong_FromSsize_t(n);
}

static PyObject *
kept_numbers(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *list = PyList_New(used);
    for (int i = 0; i < used; i++) {
        PyList_SET_ITEM(list, i, places[i]);
    }
    used = 0;
    return list;
}

/* keep_then(f, number, *rest): the number must be what it was when f, which makes calls of its own, is back. */
static PyObject *
keep_then(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n)
{
    PyObject *before = PyObject_Repr(args[1]);
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, n - 1, NULL);
    if (result == NULL) {
        Py_DECREF(before);
        return NULL;
    }
    PyObject *after = PyObject_Repr(args[1]);
    int same = PyUnicode_Compare(before, after) == 0;
    Py_DECREF(before);
    Py_DECREF(after);
    return Py_BuildValue("(Oi)", args[1], same && (Py_DECREF(result), 1));
}

/* arithmetic(a, b): by six functions of the API. */
static PyObject *
arithmetic(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t Py_UNUSED(n))
{
    PyObject *(*const functions[])(PyObject *, PyObject *) = {
        PyNumber_Add, PyNumber_Subtract, PyNumber_Multiply, PyNumber_InPlaceAdd, PyNumber_InPlaceSubtract, PyNumber_InPlaceMultiply,
    };
    PyObject *results = PyList_New(0);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(functions); i++) {
        PyObject *result = functions[i](args[0], args[1]);
        if (result == NULL) {
            result = PyErr_GetRaisedException();
        }
        PyList_Append(results, result);
        Py_DECREF(result);
    }
    return results;
}

/* digits(n): lv_tag's parts, that a number of C's making has and one that crosses. */
static PyObject *
digits(PyObject *Py_UNUSED(module), PyObject *number)
{
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    int sign = 0;
    PyLong_GetSign(number, &sign);
    return Py_BuildValue("(iLii)", overflow, overflow ? 0 : value, sign, (int)PyUnstable_Long_IsCompact((PyLongObject *)number));
}

/* step(iterator): what tp_iternext gives, and the exception that it sets. */
static PyObject *
step(PyObject *Py_UNUSED(module), PyObject *iterator)
{
    PyObject *item = Py_TYPE(iterator)->tp_iternext(iterator), *exc = PyErr_GetRaisedException();
    PyObject *next = PyIter_Next(iterator);
    return Py_BuildValue("(NNN)", item == NULL ? Py_NewRef(Py_None) : item, exc == NULL ? Py_NewRef(Py_None) : exc,
                         next == NULL ? Py_NewRef(PyErr_Occurred() ? Py_True : Py_None) : next);
}

/* ---- iterators, sorting, buffers ---- */

/* Up to `count` items of an iterator, in a list. */
static PyObject *
some_of(PyObject *iterator, long count)
{
    PyObject *items = PyList_New(0), *item;
    while (items != NULL && count-- > 0 && (item = PyIter_Next(iterator)) != NULL) {
        PyList_Append(items, item);
        Py_DECREF(item);
    }
    if (PyErr_Occurred()) {
        Py_CLEAR(items);
    }
    return items;
}

/* iterator(iterable, count): (its first items, its iterator). */
static PyObject *
iterator(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *iterable;
    long count;
    if (!PyArg_ParseTuple(args, "Ol", &iterable, &count)) {
        return NULL;
    }
    PyObject *it = PyObject_GetIter(iterable);
    if (it == NULL) {
        return NULL;
    }
    PyObject *items = some_of(it, count);
    if (items == NULL) {
        Py_DECREF(it);
        return NULL;
    }
    return Py_BuildValue("(NN)", items, it);
}

/* more(iterator, count): its next items. */
static PyObject *
more(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *it;
    long count;
    return PyArg_ParseTuple(args, "Ol", &it, &count) ? some_of(it, count) : NULL;
}

/* changed(list, callable): the items that are there when the list is walked, and `callable` called after the first of them. */
static PyObject *
changed(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *iterable, *callable;
    if (!PyArg_ParseTuple(args, "OO", &iterable, &callable)) {
        return NULL;
    }
    PyObject *it = PyObject_GetIter(iterable);
    PyObject *first = it == NULL ? NULL : PyIter_Next(it);
    PyObject *result = first == NULL ? NULL : PyObject_CallNoArgs(callable);
    PyObject *items = result == NULL ? NULL : some_of(it, 100);
    Py_XDECREF(it);
    Py_XDECREF(result);
    return items == NULL ? NULL : Py_BuildValue("(NN)", first, items);
}

/* own_iterator(list): puts an iterator over the list into it, which only the list has. */
static PyObject *
own_iterator(PyObject *Py_UNUSED(module), PyObject *list)
{
    PyObject *it = PyObject_GetIter(list);
    if (it == NULL || PyList_Append(list, it) < 0) {
        return NULL;
    }
    Py_DECREF(it);
    Py_RETURN_NONE;
}

/* sorted(list): sorts it. */
static PyObject *
sorted(PyObject *Py_UNUSED(module), PyObject *list)
{
    return PyList_Sort(list) < 0 ? NULL : Py_NewRef(list);
}

/* lend(object, flags, callable): what its buffer is, and what the callable gives meanwhile. */
static PyObject *
lend(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object, *callable;
    int flags;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "OiO", &object, &flags, &callable) || PyObject_GetBuffer(object, &view, flags) < 0) {
        return NULL;
    }
    PyObject *result = PyObject_CallNoArgs(callable);
    PyObject *all = result == NULL ? NULL : Py_BuildValue(
        "(OniinzNNN)", view.obj == object ? Py_True : Py_False, view.len, view.readonly, view.ndim, view.itemsize, view.format,
        view.shape == NULL ? Py_NewRef(Py_None) : PyLong_FromSsize_t(view.shape[0]),
        view.strides == NULL ? Py_NewRef(Py_None) : PyLong_FromSsize_t(view.strides[0]), result);
    PyBuffer_Release(&view);
    return all;
}

static PyMethodDef methods[] = {
    {"iterator", iterator, METH_VARARGS, NULL},
    {"more", more, METH_VARARGS, NULL},
    {"changed", changed, METH_VARARGS, NULL},
    {"own_iterator", own_iterator, METH_O, NULL},
    {"sorted", sorted, METH_O, NULL},
    {"lend", lend, METH_VARARGS, NULL},
    {"step", step, METH_O, NULL},
    {"raise_", raise, METH_VARARGS, NULL},
    {"normalized", normalized, METH_VARARGS, NULL},
    {"store", store, METH_VARARGS, NULL},
    {"again", again, METH_O, NULL},
    {"get_stored", get_stored, METH_NOARGS, NULL},
    {"drop_stored", drop_stored, METH_NOARGS, NULL},
    {"dressed", dressed, METH_VARARGS, NULL},
    {"born", born, METH_VARARGS, NULL},
    {"handling", handling, METH_VARARGS, NULL},
    {"unraisable", unraisable, METH_VARARGS, NULL},
    {"caught", caught, METH_O, NULL},
    {"get_kept", get_kept, METH_NOARGS, NULL},
    {"drop_kept", drop_kept, METH_NOARGS, NULL},
    {"fresh", fresh, METH_VARARGS, NULL},
    {"odd", odd, METH_O, NULL},
    {"pass_on", pass_on, METH_VARARGS, NULL},
    {"keep_one", keep_one, METH_O, NULL},
    {"keep_many", (PyCFunction)(void (*)(void))keep_many, METH_FASTCALL, NULL},
    {"kept_numbers", kept_numbers, METH_NOARGS, NULL},
    {"keep_then", (PyCFunction)(void (*)(void))keep_then, METH_FASTCALL, NULL},
    {"arithmetic", (PyCFunction)(void (*)(void))arithmetic, METH_FASTCALL, NULL},
    {"digits", digits, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "handover", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_handover(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL
        && (PyModule_Add(module, "List", PyType_FromSpecWithBases(&list_spec, (PyObject *)&PyList_Type)) < 0
            || PyModule_Add(module, "Tuple", PyType_FromSpecWithBases(&tuple_spec, (PyObject *)&PyTuple_Type)) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}
