/* Joining strings. */
#include "cape.h"

/* The string to put between `count` items, borrowed; NULL where there is none to put, or with an exception. */
static PyObject *
separator_of(PyObject *separator, Py_ssize_t count)
{
    if (count < 2) {
        return NULL;
    }
    if (separator == NULL) {
        return cape_latin1_char(' ');
    }
    if (!PyUnicode_Check(separator)) {
        return PyErr_Format(PyExc_TypeError, "separator: expected str instance, %.80s found",
                            Py_TYPE(separator)->tp_name);
    }
    return PyUnicode_GET_LENGTH(separator) > 0 ? separator : NULL;
}

/* Length and largest character of what the items give with `between` between them; -1 with an exception. */
static Py_ssize_t
measure(PyObject *between, PyObject *const *items, Py_ssize_t count, Py_UCS4 *max_char)
{
    Py_ssize_t gap = between != NULL ? PyUnicode_GET_LENGTH(between) : 0, total = 0;
    *max_char = between != NULL ? PyUnicode_MAX_CHAR_VALUE(between) : 127;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyUnicode_Check(items[i])) {
            PyErr_Format(PyExc_TypeError, "sequence item %zd: expected str instance, %.80s found", i,
                         Py_TYPE(items[i])->tp_name);
            return -1;
        }
        Py_ssize_t size = PyUnicode_GET_LENGTH(items[i]);
        Py_UCS4 max = PyUnicode_MAX_CHAR_VALUE(items[i]);
        *max_char = Py_MAX(*max_char, max);
        if (__builtin_add_overflow(total, i > 0 ? gap : 0, &total) || __builtin_add_overflow(total, size, &total)) {
            PyErr_SetString(PyExc_OverflowError, "join() result is too long for a Python string");
            return -1;
        }
    }
    return total;
}

static void
append(PyObject *result, Py_ssize_t *at, PyObject *part)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(part);
    cape_copy_chars(PyUnicode_KIND(result), PyUnicode_DATA(result), *at, PyUnicode_KIND(part), PyUnicode_DATA(part), 0,
                    size);
    *at += size;
}

static PyObject *
join(PyObject *separator, PyObject *const *items, Py_ssize_t count)
{
    if (count == 0) {
        return Py_NewRef(cape_empty_str());
    }
    if (count == 1 && PyUnicode_CheckExact(items[0])) {
        return Py_NewRef(items[0]);
    }
    PyObject *between = separator_of(separator, count);
    if (between == NULL && PyErr_Occurred()) {
        return NULL;
    }
    Py_UCS4 max_char;
    Py_ssize_t total = measure(between, items, count, &max_char);
    if (total == 0) {
        return Py_NewRef(cape_empty_str());
    }
    PyObject *result = total < 0 ? NULL : PyUnicode_New(total, max_char);
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 0; result != NULL && i < count; i++) {
        if (i > 0 && between != NULL) {
            append(result, &at, between);
        }
        append(result, &at, items[i]);
    }
    return result;
}

PyObject *
PyUnicode_Join(PyObject *separator, PyObject *seq)
{
    PyObject *items = PySequence_Fast(seq, "can only join an iterable");
    if (items == NULL) {
        return NULL;
    }
    PyObject *result = join(separator, PySequence_Fast_ITEMS(items), PySequence_Fast_GET_SIZE(items));
    Py_DECREF(items);
    return result;
}
