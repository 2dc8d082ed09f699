/* Builtin classes called by C, where nothing of the managed side is needed. */
#include "cape.h"

/* Everything but at most one positional argument. */
#define UNUSUAL(nargs) (nargs > 1 || (kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0))
#define ELSEWHERE return _Cape_ManagedVectorcall(class, args, nargsf, kwnames)

/* The vectorcall of a class: what it makes of no argument, and of one. */
#define CLASS(name, of_none, of_one) \
    static PyObject * \
    call_##name(PyObject *class, PyObject *const *args, size_t nargsf, PyObject *kwnames) \
    { \
        Py_ssize_t nargs = _PyVectorcall_NARGS(nargsf); \
        if (CAPE_UNLIKELY(UNUSUAL(nargs))) { \
            ELSEWHERE; \
        } \
        return nargs == 0 ? (of_none) : (of_one); \
    }

static PyObject *
truth(PyObject *op)
{
    int truth = PyObject_IsTrue(op);
    return truth < 0 ? NULL : PyBool_FromLong(truth);
}

CLASS(list, PyList_New(0), PySequence_List(args[0]))
CLASS(tuple, PyTuple_New(0), PySequence_Tuple(args[0]))
CLASS(str, PyUnicode_New(0, 0), PyObject_Str(args[0]))
CLASS(bool, Py_NewRef(Py_False), truth(args[0]))

static PyObject *
call_type(PyObject *class, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    if (_PyVectorcall_NARGS(nargsf) == 1 && (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0)) {
        return Py_NewRef(Py_TYPE(args[0]));
    }
    ELSEWHERE;
}

/* The value of at most 18 digits, perhaps behind a sign; 0: it is something else. */
static int
read_digits(PyObject *text, int64_t *value)
{
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text)) {
        return 0;
    }
    const char *s = PyUnicode_DATA(text);
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    int negative = size > 0 && s[0] == '-';
    Py_ssize_t i = negative || (size > 0 && s[0] == '+');
    if (i == size || size > 18) {
        return 0;
    }
    int64_t n = 0;
    for (; i < size; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return 0;
        }
        n = n * 10 + (s[i] - '0');
    }
    *value = negative ? -n : n;
    return 1;
}

static PyObject *
call_int(PyObject *class, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    int64_t value;
    if (_PyVectorcall_NARGS(nargsf) == 1 && (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0)
        && read_digits(args[0], &value)) {
        return PyLong_FromInt64(value);
    }
    ELSEWHERE;
}

/* The value of a text of digits, signs, a point and an exponent; 0: it is something else. */
static int
read_double(PyObject *text, double *value)
{
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_COMPACT_ASCII(text)) {
        return 0;
    }
    const char *s = PyUnicode_DATA(text);
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (size == 0 || strspn(s, "0123456789+-.eE") != (size_t)size) {
        return 0;
    }
    char *end;
    *value = PyOS_string_to_double(s, &end, NULL);
    if (*value == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return end == s + size;
}

static PyObject *
call_float(PyObject *class, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    double value;
    if (_PyVectorcall_NARGS(nargsf) == 1 && (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0)
        && read_double(args[0], &value)) {
        return PyFloat_FromDouble(value);
    }
    ELSEWHERE;
}

vectorcallfunc
cape_class_vectorcall(PyTypeObject *type)
{
    return type == &PyList_Type      ? call_list
           : type == &PyTuple_Type   ? call_tuple
           : type == &PyUnicode_Type ? call_str
           : type == &PyBool_Type    ? call_bool
           : type == &PyType_Type    ? call_type
           : type == &PyLong_Type    ? call_int
           : type == &PyFloat_Type   ? call_float
                                     : NULL;
}
