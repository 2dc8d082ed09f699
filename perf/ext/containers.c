/* Containers that C reads, walks, fills and changes. */
#include "crossing.h"

#define ITEMS 10

/* The sum of what `item` gives for each i below `size`; borrowed references. */
#define SUM(name, size_of, item)                                               \
    ONE(name)                                                                  \
    {                                                                          \
        long total = 0;                                                        \
        Py_ssize_t size = size_of(object);                                     \
        for (Py_ssize_t i = 0; i < size; i++) {                                \
            total += PyLong_AsLong(item);                                      \
        }                                                                      \
        return PyErr_Occurred() ? NULL : PyLong_FromLong(total);               \
    }

/* The same for new references. */
#define SUM_NEW(name, size_of, item)                                           \
    ONE(name)                                                                  \
    {                                                                          \
        long total = 0;                                                        \
        Py_ssize_t size = size_of(object);                                     \
        for (Py_ssize_t i = 0; i < size; i++) {                                \
            PyObject *number = item;                                           \
            if (number == NULL) {                                              \
                return NULL;                                                   \
            }                                                                  \
            total += PyLong_AsLong(number);                                    \
            Py_DECREF(number);                                                 \
        }                                                                      \
        return PyErr_Occurred() ? NULL : PyLong_FromLong(total);               \
    }

SUM(sum_list, PyList_Size, PyList_GET_ITEM(object, i))
SUM(sum_list_checked, PyList_Size, PyList_GetItem(object, i))
SUM(sum_tuple, PyTuple_Size, PyTuple_GET_ITEM(object, i))
SUM(sum_tuple_checked, PyTuple_Size, PyTuple_GetItem(object, i))
SUM_NEW(sum_sequence, PySequence_Size, PySequence_GetItem(object, i))

ONE(sum_fast)
{
    long total = 0;
    PyObject *fast = PySequence_Fast(object, "not a sequence");
    if (fast == NULL) {
        return NULL;
    }
    PyObject **items = PySequence_Fast_ITEMS(fast);
    Py_ssize_t size = PySequence_Fast_GET_SIZE(fast);
    for (Py_ssize_t i = 0; i < size; i++) {
        total += PyLong_AsLong(items[i]);
    }
    Py_DECREF(fast);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(total);
}

ONE(sum_dict)
{
    long total = 0;
    Py_ssize_t position = 0;
    PyObject *key, *value;
    while (PyDict_Next(object, &position, &key, &value)) {
        total += PyLong_AsLong(value);
    }
    return PyErr_Occurred() ? NULL : PyLong_FromLong(total);
}

ONE(sum_iterator)
{
    long total = 0;
    PyObject *item, *iterator = PyObject_GetIter(object);
    if (iterator == NULL) {
        return NULL;
    }
    while ((item = PyIter_Next(iterator)) != NULL) {
        total += PyLong_AsLong(item);
        Py_DECREF(item);
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(total);
}

/* ---- Lists and tuples ---- */

ONE(append)
{
    if (PyList_Append(object, Py_None) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* An operation `step` for each of ten new ints, `number`, that borrows it; -1 ends. */
#define FILL(name, step)                                                       \
    ONE(name)                                                                  \
    {                                                                          \
        for (long i = 0; i < ITEMS; i++) {                                     \
            PyObject *number = PyLong_FromLong(1000 + i);                      \
            int failed = number == NULL || step < 0;                           \
            Py_XDECREF(number);                                                \
            if (failed) {                                                      \
                return NULL;                                                   \
            }                                                                  \
        }                                                                      \
        Py_RETURN_NONE;                                                        \
    }

FILL(append_ten, PyList_Append(object, number))
FILL(insert_ten, PyList_Insert(object, 0, number))
FILL(set_ten, PyList_SetItem(object, i, kept(number)))
FILL(set_sequence, PySequence_SetItem(object, i, number))
FILL(fill_dict, PyDict_SetItem(object, number, number))
FILL(fill_mapping, PyObject_SetItem(object, number, number))
FILL(fill_set, PySet_Add(object, number))

ONE(set_slice)
{
    PyObject *items = PyList_GetSlice(object, 0, 3);
    if (items == NULL || PyList_SetSlice(object, 2, 5, items) < 0) {
        Py_XDECREF(items);
        return NULL;
    }
    Py_DECREF(items);
    Py_RETURN_NONE;
}

ONE(sort_list)
{
    if (PyList_Sort(object) < 0 || PyList_Reverse(object) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

ONE(as_tuple) { return PySequence_Tuple(object); }
ONE(as_list) { return PySequence_List(object); }
ONE(pack) { return PyTuple_Pack(3, object, object, object); }
ONE(slice_tuple) { return PyTuple_GetSlice(object, 2, 6); }

ONE(fill_tuple)
{
    PyObject *tuple = PyTuple_New(ITEMS);
    for (Py_ssize_t i = 0; tuple != NULL && i < ITEMS; i++) {
        PyTuple_SET_ITEM(tuple, i, kept(object));
    }
    return tuple;
}

/* ---- Dicts and sets ---- */

static PyObject *
dict_get(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dict, *key;
    if (!PyArg_ParseTuple(args, "OO", &dict, &key)) {
        return NULL;
    }
    PyObject *value = PyDict_GetItemWithError(dict, key);
    return value == NULL ? NULL : kept(value);
}

REPEATED(dict_get_string, kept(PyDict_GetItemString(object, "c")))
REPEATED_INT(dict_set_string, PyDict_SetItemString(object, "c", Py_None))

ONE(dict_contains)
{
    int found = PyDict_Contains(object, Py_None);
    return found < 0 ? NULL : PyBool_FromLong(found);
}

FAST(dict_set_del)
{
    if (nargs != 2 || PyDict_SetItem(args[0], args[1], Py_None) < 0 || PyDict_DelItem(args[0], args[1]) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

ONE(dict_copy) { return PyDict_Copy(object); }
ONE(dict_keys) { return PyDict_Keys(object); }

ONE(new_dict)
{
    PyObject *dict = PyDict_New();
    if (dict != NULL && PyDict_SetItemString(dict, "value", object) < 0) {
        Py_CLEAR(dict);
    }
    return dict;
}

ONE(set_contains)
{
    int found = PySet_Contains(object, Py_None);
    return found < 0 ? NULL : PyBool_FromLong(found);
}

PyMethodDef container_functions[] = {
    {"sum_list", sum_list, METH_O, NULL},
    {"sum_list_checked", sum_list_checked, METH_O, NULL},
    {"sum_tuple", sum_tuple, METH_O, NULL},
    {"sum_tuple_checked", sum_tuple_checked, METH_O, NULL},
    {"sum_sequence", sum_sequence, METH_O, NULL},
    {"sum_fast", sum_fast, METH_O, NULL},
    {"sum_dict", sum_dict, METH_O, NULL},
    {"sum_iterator", sum_iterator, METH_O, NULL},
    {"append", append, METH_O, NULL},
    {"append_ten", append_ten, METH_O, NULL},
    {"insert_ten", insert_ten, METH_O, NULL},
    {"set_ten", set_ten, METH_O, NULL},
    {"set_sequence", set_sequence, METH_O, NULL},
    {"set_slice", set_slice, METH_O, NULL},
    {"sort_list", sort_list, METH_O, NULL},
    {"as_tuple", as_tuple, METH_O, NULL},
    {"as_list", as_list, METH_O, NULL},
    {"pack", pack, METH_O, NULL},
    {"slice_tuple", slice_tuple, METH_O, NULL},
    {"fill_tuple", fill_tuple, METH_O, NULL},
    {"fill_dict", fill_dict, METH_O, NULL},
    {"fill_mapping", fill_mapping, METH_O, NULL},
    {"fill_set", fill_set, METH_O, NULL},
    {"dict_get", dict_get, METH_VARARGS, NULL},
    {"dict_get_string", dict_get_string, METH_O, NULL},
    {"dict_set_string", dict_set_string, METH_O, NULL},
    {"dict_contains", dict_contains, METH_O, NULL},
    {"dict_set_del", AS_METHOD(dict_set_del), METH_FASTCALL, NULL},
    {"dict_copy", dict_copy, METH_O, NULL},
    {"dict_keys", dict_keys, METH_O, NULL},
    {"new_dict", new_dict, METH_O, NULL},
    {"set_contains", set_contains, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
