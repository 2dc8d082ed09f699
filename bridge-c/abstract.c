/* The protocols of sequences, mappings, iterators and indices: each goes to a slot. */
#include "cape.h"

#undef PyObject_Length
#undef PySequence_Length
#undef PySequence_In
#undef PyMapping_Length

PyObject *
PyObject_Type(PyObject *op)
{
    return op == NULL ? cape_null_error() : Py_NewRef(Py_TYPE(op));
}

/* The slot of a protocol, NULL when the type has none. */
#define SLOT(op, protocol, name) \
    (Py_TYPE(op)->protocol == NULL ? NULL : Py_TYPE(op)->protocol->name)

/* --- size ---------------------------------------------------------------------------------------- */

Py_ssize_t
PyObject_Size(PyObject *op)
{
    if (op == NULL) {
        cape_null_error();
        return -1;
    }
    Py_ssize_t size = cape_plain_length(op);
    if (size >= 0) {
        return size;
    }
    lenfunc length = SLOT(op, tp_as_sequence, sq_length);
    return length != NULL ? length(op) : PyMapping_Size(op);
}

Py_ssize_t
PyObject_Length(PyObject *op)
{
    return PyObject_Size(op);
}

Py_ssize_t
PySequence_Size(PyObject *op)
{
    if (op == NULL) {
        cape_null_error();
        return -1;
    }
    Py_ssize_t size = cape_plain_size(op);
    if (size >= 0) {
        return size;
    }
    lenfunc length = SLOT(op, tp_as_sequence, sq_length);
    if (length != NULL) {
        return length(op);
    }
    cape_type_error(SLOT(op, tp_as_mapping, mp_length) != NULL ? "%.200s is not a sequence"
                                                               : "object of type '%.200s' has no len()", op);
    return -1;
}

Py_ssize_t
PySequence_Length(PyObject *op)
{
    return PySequence_Size(op);
}

Py_ssize_t
PyMapping_Size(PyObject *op)
{
    if (op == NULL) {
        cape_null_error();
        return -1;
    }
    lenfunc length = SLOT(op, tp_as_mapping, mp_length);
    if (length != NULL) {
        return length(op);
    }
    cape_type_error(SLOT(op, tp_as_sequence, sq_length) != NULL ? "%.200s is not a mapping"
                                                                : "object of type '%.200s' has no len()", op);
    return -1;
}

Py_ssize_t
PyMapping_Length(PyObject *op)
{
    return PyMapping_Size(op);
}

/* --- items --------------------------------------------------------------------------------------- */

/* An item of an exact list or tuple (a new reference), whose slots would take the way through Rust. NULL without an
 * exception for all else, and for an index that is out of range: the slot says what is wrong. */
static inline PyObject *
plain_item(PyObject *op, Py_ssize_t index)
{
    int is_list = PyList_CheckExact(op);
    if (!is_list && !PyTuple_CheckExact(op)) {
        return NULL;
    }
    Py_ssize_t size = Py_SIZE(op);
    if (index < 0) {
        index += size;
    }
    if ((size_t)index >= (size_t)size) {
        return NULL;
    }
    return Py_XNewRef(is_list ? PyList_GET_ITEM(op, index) : PyTuple_GET_ITEM(op, index));
}

/* The index of an item of a sequence: key as an int; -1 with an exception. */
static Py_ssize_t
sequence_index(PyObject *op, PyObject *key, const char *message)
{
    if (!PyIndex_Check(key)) {
        PyErr_Format(PyExc_TypeError, message, Py_TYPE(key)->tp_name, Py_TYPE(op)->tp_name);
        return -1;
    }
    return PyNumber_AsSsize_t(key, PyExc_IndexError);
}

PyObject *
PyObject_GetItem(PyObject *op, PyObject *key)
{
    if (op == NULL || key == NULL) {
        return cape_null_error();
    }
    if (PyLong_CheckExact(key) && _PyLong_IsCompact((PyLongObject *)key)) {
        PyObject *item = plain_item(op, _PyLong_CompactValue((PyLongObject *)key));
        if (item != NULL) {
            return item;
        }
    }
    binaryfunc subscript = SLOT(op, tp_as_mapping, mp_subscript);
    if (subscript != NULL) {
        return subscript(op, key);
    }
    if (SLOT(op, tp_as_sequence, sq_item) != NULL) {
        Py_ssize_t index = sequence_index(op, key, "sequence index must be integer, not '%.200s'");
        return index == -1 && PyErr_Occurred() ? NULL : PySequence_GetItem(op, index);
    }
    if (PyType_Check(op)) {
        return _Cape_ClassGetItem(op, key);
    }
    return cape_type_error("'%.200s' object is not subscriptable", op);
}

/* value NULL: delete. */
static int
set_item(PyObject *op, PyObject *key, PyObject *value)
{
#ifndef CAPE_INSIDE_CPYTHON
    if (PyDict_CheckExact(op)) {
        return value == NULL ? PyDict_DelItem(op, key) : PyDict_SetItem(op, key, value);
    }
#endif
    objobjargproc assign = SLOT(op, tp_as_mapping, mp_ass_subscript);
    if (assign != NULL) {
        return assign(op, key, value);
    }
    if (Py_TYPE(op)->tp_as_sequence != NULL) {
        if (PyIndex_Check(key)) {
            Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
            if (index == -1 && PyErr_Occurred()) {
                return -1;
            }
            return value == NULL ? PySequence_DelItem(op, index) : PySequence_SetItem(op, index, value);
        }
        if (SLOT(op, tp_as_sequence, sq_ass_item) != NULL) {
            cape_type_error("sequence index must be integer, not '%.200s'", key);
            return -1;
        }
    }
    cape_type_error(value == NULL ? "'%.200s' object does not support item deletion"
                                  : "'%.200s' object does not support item assignment", op);
    return -1;
}

int
PyObject_SetItem(PyObject *op, PyObject *key, PyObject *value)
{
    if (op == NULL || key == NULL || value == NULL) {
        cape_null_error();
        return -1;
    }
    return set_item(op, key, value);
}

int
PyObject_DelItem(PyObject *op, PyObject *key)
{
    if (op == NULL || key == NULL) {
        cape_null_error();
        return -1;
    }
    return set_item(op, key, NULL);
}

int
PyObject_DelItemString(PyObject *op, const char *key)
{
    if (op == NULL || key == NULL) {
        cape_null_error();
        return -1;
    }
    PyObject *name = PyUnicode_FromString(key);
    int status = name == NULL ? -1 : PyObject_DelItem(op, name);
    Py_XDECREF(name);
    return status;
}

int
PySequence_Check(PyObject *op)
{
    return !PyDict_Check(op) && SLOT(op, tp_as_sequence, sq_item) != NULL;
}

/* Counts a negative index from the end, for types that have a length; -1 with an exception. */
static int
from_end(PyObject *op, Py_ssize_t *index)
{
    if (*index < 0) {
        lenfunc length = Py_TYPE(op)->tp_as_sequence->sq_length;
        if (length != NULL) {
            Py_ssize_t size = length(op);
            if (size < 0) {
                return -1;
            }
            *index += size;
        }
    }
    return 0;
}

PyObject *
PySequence_GetItem(PyObject *op, Py_ssize_t index)
{
    if (op == NULL) {
        return cape_null_error();
    }
    PyObject *plain = plain_item(op, index);
    if (plain != NULL) {
        return plain;
    }
    ssizeargfunc item = SLOT(op, tp_as_sequence, sq_item);
    if (item != NULL) {
        return from_end(op, &index) < 0 ? NULL : item(op, index);
    }
    return cape_type_error(SLOT(op, tp_as_mapping, mp_subscript) != NULL
                           ? "%.200s is not a sequence" : "'%.200s' object does not support indexing", op);
}

int
PySequence_SetItem(PyObject *op, Py_ssize_t index, PyObject *value)
{
    if (op == NULL) {
        cape_null_error();
        return -1;
    }
    if (PyList_CheckExact(op) && value != NULL && (size_t)index < (size_t)Py_SIZE(op)) {
        return PyList_SetItem(op, index, Py_NewRef(value));
    }
    ssizeobjargproc assign = SLOT(op, tp_as_sequence, sq_ass_item);
    if (assign != NULL) {
        return from_end(op, &index) < 0 ? -1 : assign(op, index, value);
    }
    cape_type_error(SLOT(op, tp_as_mapping, mp_ass_subscript) != NULL
                    ? "%.200s is not a sequence"
                    : "'%.200s' object does not support item assignment", op);
    return -1;
}

int
PySequence_DelItem(PyObject *op, Py_ssize_t index)
{
    if (op == NULL) {
        cape_null_error();
        return -1;
    }
    ssizeobjargproc assign = SLOT(op, tp_as_sequence, sq_ass_item);
    if (assign != NULL) {
        return from_end(op, &index) < 0 ? -1 : assign(op, index, NULL);
    }
    cape_type_error(SLOT(op, tp_as_mapping, mp_ass_subscript) != NULL
                    ? "%.200s is not a sequence"
                    : "'%.200s' object doesn't support item deletion", op);
    return -1;
}

int
PySequence_Contains(PyObject *op, PyObject *value)
{
    if (op == NULL || value == NULL) {
        /* An empty list or tuple does not look at it. */
        if (op != NULL && (PyList_CheckExact(op) || PyTuple_CheckExact(op)) && Py_SIZE(op) == 0) {
            return 0;
        }
        PyErr_BadInternalCall();
        return -1;
    }
    objobjproc contains = SLOT(op, tp_as_sequence, sq_contains);
    return cape_is_own(contains, Py_sq_contains) ? contains(op, value) : _Cape_Contains(op, value);
}

int
PySequence_In(PyObject *op, PyObject *value)
{
    return PySequence_Contains(op, value);
}

/* --- sequences as lists and tuples --------------------------------------------------------------- */

PyObject *
PySequence_List(PyObject *op)
{
    if (op == NULL) {
        return cape_null_error();
    }
    if (PyList_CheckExact(op)) {
        return PyList_GetSlice(op, 0, Py_SIZE(op));
    }
    if (PyTuple_CheckExact(op)) {
        return cape_list_from_array(((PyTupleObject *)op)->ob_item, Py_SIZE(op));
    }
    PyObject *list = PyList_New(0);
    if (list != NULL && PyList_Extend(list, op) < 0) {
        Py_CLEAR(list);
    }
    return list;
}

PyObject *
PySequence_Tuple(PyObject *op)
{
    if (op == NULL) {
        return cape_null_error();
    }
    if (PyTuple_CheckExact(op)) {
        return Py_NewRef(op);
    }
    if (PyList_CheckExact(op)) {
        return PyList_AsTuple(op);
    }
    PyObject *list = PySequence_List(op);
    if (list == NULL) {
        return NULL;
    }
    PyObject *tuple = PyList_AsTuple(list);
    Py_DECREF(list);
    return tuple;
}

PyObject *
PySequence_Fast(PyObject *op, const char *message)
{
    if (op == NULL) {
        return cape_null_error();
    }
    if (PyList_CheckExact(op) || PyTuple_CheckExact(op)) {
        return Py_NewRef(op);
    }
    PyObject *iterator = PyObject_GetIter(op);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_SetString(PyExc_TypeError, message);
        }
        return NULL;
    }
    PyObject *list = PySequence_List(iterator);
    Py_DECREF(iterator);
    return list;
}

/* --- mappings with string keys --------------------------------------------------------------------- */

int
PyMapping_Check(PyObject *op)
{
    return op != NULL && SLOT(op, tp_as_mapping, mp_subscript) != NULL;
}

PyObject *
PyMapping_GetItemString(PyObject *op, const char *key)
{
    if (key == NULL) {
        return cape_null_error();
    }
    PyObject *name = PyUnicode_FromString(key);
    if (name == NULL) {
        return NULL;
    }
    PyObject *value = PyObject_GetItem(op, name);
    Py_DECREF(name);
    return value;
}

int
PyMapping_SetItemString(PyObject *op, const char *key, PyObject *value)
{
    if (key == NULL) {
        cape_null_error();
        return -1;
    }
    PyObject *name = PyUnicode_FromString(key);
    int status = name == NULL ? -1 : PyObject_SetItem(op, name, value);
    Py_XDECREF(name);
    return status;
}

int
PyMapping_GetOptionalItem(PyObject *op, PyObject *key, PyObject **result)
{
    if (PyDict_CheckExact(op)) {
        return PyDict_GetItemRef(op, key, result);
    }
    *result = PyObject_GetItem(op, key);
    if (*result != NULL) {
        return 1;
    }
    if (!PyErr_ExceptionMatches(PyExc_KeyError)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
}

int
PyMapping_GetOptionalItemString(PyObject *op, const char *key, PyObject **result)
{
    if (key == NULL) {
        *result = NULL;
        cape_null_error();
        return -1;
    }
    PyObject *name = PyUnicode_FromString(key);
    if (name == NULL) {
        *result = NULL;
        return -1;
    }
    int found = PyMapping_GetOptionalItem(op, name, result);
    Py_DECREF(name);
    return found;
}

int
PyMapping_HasKeyWithError(PyObject *op, PyObject *key)
{
    PyObject *value;
    int found = PyMapping_GetOptionalItem(op, key, &value);
    Py_XDECREF(value);
    return found;
}

int
PyMapping_HasKeyStringWithError(PyObject *op, const char *key)
{
    PyObject *value;
    int found = PyMapping_GetOptionalItemString(op, key, &value);
    Py_XDECREF(value);
    return found;
}

/* These two cannot report errors. */
int
PyMapping_HasKey(PyObject *op, PyObject *key)
{
    PyObject *value;
    int found = op == NULL || key == NULL ? (cape_null_error(), value = NULL, -1)
                                          : PyMapping_GetOptionalItem(op, key, &value);
    Py_XDECREF(value);
    if (found < 0) {
        PyErr_FormatUnraisable("Exception ignored in PyMapping_HasKey(); consider using "
                               "PyMapping_HasKeyWithError(), PyMapping_GetOptionalItem() or "
                               "PyObject_GetItem()");
        return 0;
    }
    return found;
}

int
PyMapping_HasKeyString(PyObject *op, const char *key)
{
    PyObject *value = NULL;
    int found = op == NULL ? (cape_null_error(), -1) : PyMapping_GetOptionalItemString(op, key, &value);
    Py_XDECREF(value);
    if (found < 0) {
        PyErr_FormatUnraisable("Exception ignored in PyMapping_HasKeyString(); consider using "
                               "PyMapping_HasKeyStringWithError(), "
                               "PyMapping_GetOptionalItemString() or PyMapping_GetItemString()");
        return 0;
    }
    return found;
}

/* --- iterators ----------------------------------------------------------------------------------- */

int
PyIter_Check(PyObject *op)
{
    iternextfunc next = Py_TYPE(op)->tp_iternext;
    return next != NULL && next != (iternextfunc)_Cape_NextNotImplemented;
}

int
PyAIter_Check(PyObject *op)
{
    unaryfunc next = SLOT(op, tp_as_async, am_anext);
    return next != NULL && next != (unaryfunc)_Cape_NextNotImplemented;
}

PyObject *
PyObject_GetIter(PyObject *op)
{
#ifndef CAPE_INSIDE_CPYTHON
    if (PyList_CheckExact(op)) {
        return cape_list_iterator(op);
    }
    if (PyTuple_CheckExact(op)) {
        return cape_tuple_iterator(op);
    }
#endif
    getiterfunc iter = Py_TYPE(op)->tp_iter;
    if (iter == NULL) {
        if (PySequence_Check(op)) {
            return PySeqIter_New(op);
        }
        return cape_type_error("'%.200s' object is not iterable", op);
    }
    PyObject *iterator = iter(op);
    if (iterator != NULL && !PyIter_Check(iterator)) {
        cape_type_error("iter() returned non-iterator of type '%.100s'", iterator);
        Py_CLEAR(iterator);
    }
    return iterator;
}

/* NULL at the end, with or without StopIteration; here it is gone. */
PyObject *
PyIter_Next(PyObject *iterator)
{
    PyObject *item = Py_TYPE(iterator)->tp_iternext(iterator);
    if (item == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_Clear();
    }
    return item;
}

int
PyIter_NextItem(PyObject *iterator, PyObject **item)
{
    if (Py_TYPE(iterator)->tp_iternext == NULL) {
        *item = NULL;
        PyErr_Format(PyExc_TypeError, "expected an iterator, got '%T'", iterator);
        return -1;
    }
    *item = PyIter_Next(iterator);
    return *item != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
}

PySendResult
PyIter_Send(PyObject *iterator, PyObject *arg, PyObject **result)
{
    sendfunc send = SLOT(iterator, tp_as_async, am_send);
    if (send != NULL) {
        return send(iterator, arg, result);
    }
    if (arg == Py_None && PyIter_Check(iterator)) {
        *result = Py_TYPE(iterator)->tp_iternext(iterator);
    }
    else {
        PyObject *name = PyUnicode_InternFromString("send");
        *result = name == NULL ? NULL : PyObject_CallMethodOneArg(iterator, name, arg);
        Py_XDECREF(name);
    }
    if (*result != NULL) {
        return PYGEN_NEXT;
    }
    return _PyGen_FetchStopIterationValue(result) == 0 ? PYGEN_RETURN : PYGEN_ERROR;
}

/* --- indices ------------------------------------------------------------------------------------- */

int
PyIndex_Check(PyObject *op)
{
    return SLOT(op, tp_as_number, nb_index) != NULL;
}

int
PyNumber_Check(PyObject *op)
{
    if (op == NULL) {
        return 0;
    }
    PyNumberMethods *number = Py_TYPE(op)->tp_as_number;
    return PyComplex_Check(op)
           || (number != NULL
               && (number->nb_index != NULL || number->nb_int != NULL || number->nb_float != NULL));
}

PyObject *
PyNumber_Index(PyObject *op)
{
    if (op == NULL) {
        return cape_null_error();
    }
    if (PyLong_CheckExact(op)) {
        return Py_NewRef(op);
    }
    if (PyLong_Check(op)) {
        return _PyLong_Copy((PyLongObject *)op);
    }
    unaryfunc index = SLOT(op, tp_as_number, nb_index);
    if (index == NULL) {
        return cape_type_error("'%.200s' object cannot be interpreted as an integer", op);
    }
    PyObject *result = index(op);
    if (result == NULL || PyLong_CheckExact(result)) {
        return result;
    }
    if (!PyLong_Check(result)) {
        cape_type_error("__index__ returned non-int (type %.200s)", result);
        Py_DECREF(result);
        return NULL;
    }
    if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1,
                         "__index__ returned non-int (type %.200s).  "
                         "The ability to return an instance of a strict subclass of int "
                         "is deprecated, and may not be supported in a future version of Python.",
                         Py_TYPE(result)->tp_name)) {
        Py_DECREF(result);
        return NULL;
    }
    PyObject *exact = _PyLong_Copy((PyLongObject *)result);
    Py_DECREF(result);
    return exact;
}

/* err NULL: clamp what does not fit. */
Py_ssize_t
PyNumber_AsSsize_t(PyObject *op, PyObject *err)
{
    PyObject *index = PyNumber_Index(op);
    if (index == NULL) {
        return -1;
    }
    Py_ssize_t value = PyLong_AsSsize_t(index);
    if (value == -1 && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        if (err == NULL) {
            value = _PyLong_Sign(index) < 0 ? PY_SSIZE_T_MIN : PY_SSIZE_T_MAX;
        }
        else {
            PyErr_Format(err, "cannot fit '%.200s' into an index-sized integer", Py_TYPE(op)->tp_name);
        }
    }
    Py_DECREF(index);
    return value;
}
