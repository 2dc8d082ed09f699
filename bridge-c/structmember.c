/* Members of C structs as attributes: what a PyMemberDef describes. */
#include "cape.h"

/* False with AttributeError when an object member is empty. */
static int
require_value(PyObject *value, const char *addr_of, const PyMemberDef *member)
{
    if (value != NULL) {
        return 1;
    }
    PyErr_Format(PyExc_AttributeError, "'%T' object has no attribute '%s'", (PyObject *)addr_of, member->name);
    return 0;
}

PyObject *
PyMember_GetOne(const char *object, PyMemberDef *member)
{
    if (member->flags & Py_RELATIVE_OFFSET) {
        PyErr_SetString(PyExc_SystemError, "PyMember_GetOne used with Py_RELATIVE_OFFSET");
        return NULL;
    }
    const char *addr = object + member->offset;
    if ((member->flags & Py_AUDIT_READ)
        && PySys_Audit("object.__getattr__", "Os", (PyObject *)object, member->name) < 0) {
        return NULL;
    }
    switch (member->type) {
    case Py_T_BOOL: return PyBool_FromLong(*(const char *)addr);
    case Py_T_BYTE: return PyLong_FromLong(*(const signed char *)addr);
    case Py_T_UBYTE: return PyLong_FromUnsignedLong(*(const unsigned char *)addr);
    case Py_T_SHORT: return PyLong_FromLong(*(const short *)addr);
    case Py_T_USHORT: return PyLong_FromUnsignedLong(*(const unsigned short *)addr);
    case Py_T_INT: return PyLong_FromLong(*(const int *)addr);
    case Py_T_UINT: return PyLong_FromUnsignedLong(*(const unsigned int *)addr);
    case Py_T_LONG: return PyLong_FromLong(*(const long *)addr);
    case Py_T_ULONG: return PyLong_FromUnsignedLong(*(const unsigned long *)addr);
    case Py_T_LONGLONG: return PyLong_FromLongLong(*(const long long *)addr);
    case Py_T_ULONGLONG: return PyLong_FromUnsignedLongLong(*(const unsigned long long *)addr);
    case Py_T_PYSSIZET: return PyLong_FromSsize_t(*(const Py_ssize_t *)addr);
    case Py_T_FLOAT: return PyFloat_FromDouble((double)*(const float *)addr);
    case Py_T_DOUBLE: return PyFloat_FromDouble(*(const double *)addr);
    case Py_T_STRING: {
        const char *text = *(char *const *)addr;
        return text == NULL ? Py_NewRef(Py_None) : PyUnicode_FromString(text);
    }
    case Py_T_STRING_INPLACE: return PyUnicode_FromString(addr);
    case Py_T_CHAR: return PyUnicode_FromStringAndSize(addr, 1);
    case _Py_T_OBJECT: {
        PyObject *value = *(PyObject *const *)addr;
        return Py_NewRef(value == NULL ? Py_None : value);
    }
    case Py_T_OBJECT_EX: {
        PyObject *value = *(PyObject *const *)addr;
        return require_value(value, object, member) ? Py_NewRef(value) : NULL;
    }
    case _Py_T_NONE: return Py_NewRef(Py_None);
    default:
        return PyErr_Format(PyExc_SystemError, "bad memberdescr type");
    }
}

/* Tells of a value that does not fit; -1 when the warning became an exception. */
static int
warn(const char *text)
{
    return PyErr_WarnEx(PyExc_RuntimeWarning, text, 1);
}

#define TRUNCATED(C_NAME) warn("Truncation of value to " C_NAME)

/* A signed member narrower than long. */
#define STORE_SIGNED(TYPE, MIN, MAX, C_NAME) \
    do { \
        long number = PyLong_AsLong(value); \
        if (number == -1 && PyErr_Occurred()) { \
            return -1; \
        } \
        *(TYPE *)addr = (TYPE)number; \
        return number > MAX || number < MIN ? TRUNCATED(C_NAME) : 0; \
    } while (0)

/* An unsigned member of at most 64 bits; negative numbers are accepted, with a warning. */
static int
store_unsigned(PyObject *value, void *addr, const PyMemberDef *member, size_t size, uint64_t max, const char *truncated)
{
    int overflow;
    int negative = 0;
    long number = PyLong_AsLongAndOverflow(value, &overflow);
    uint64_t bits = (uint64_t)number;
    if (number == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (overflow < 0) {
        PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C long");
        return -1;
    }
    if (overflow > 0) {
        PyObject *index = PyNumber_Index(value);
        if (index == NULL) {
            return -1;
        }
        bits = member->type == Py_T_ULONGLONG ? PyLong_AsUnsignedLongLong(index) : PyLong_AsUnsignedLong(index);
        Py_DECREF(index);
        if (bits == (uint64_t)-1 && PyErr_Occurred()) {
            return -1;
        }
    }
    else {
        negative = number < 0;
    }
    memcpy(addr, &bits, size);  /* little end first, as pyconfig.h says */
    if (negative && warn("Writing negative value into unsigned field") < 0) {
        return -1;
    }
    return bits > max && !negative ? warn(truncated) : 0;
}

static int
delete_member(void *addr, PyMemberDef *member)
{
    if (member->type == Py_T_OBJECT_EX) {
        if (*(PyObject **)addr == NULL) {
            PyErr_SetString(PyExc_AttributeError, member->name);
            return -1;
        }
    }
    else if (member->type != _Py_T_OBJECT) {
        PyErr_SetString(PyExc_TypeError, "can't delete numeric/char attribute");
        return -1;
    }
    PyObject *old = *(PyObject **)addr;
    *(PyObject **)addr = NULL;
    Py_XDECREF(old);
    return 0;
}

int
PyMember_SetOne(char *object, PyMemberDef *member, PyObject *value)
{
    if (member->flags & Py_RELATIVE_OFFSET) {
        PyErr_SetString(PyExc_SystemError, "PyMember_SetOne used with Py_RELATIVE_OFFSET");
        return -1;
    }
    void *addr = object + member->offset;
    if (member->flags & Py_READONLY) {
        PyErr_SetString(PyExc_AttributeError, "readonly attribute");
        return -1;
    }
    if (value == NULL) {
        return delete_member(addr, member);
    }
    switch (member->type) {
    case Py_T_BOOL:
        if (!PyBool_Check(value)) {
            PyErr_SetString(PyExc_TypeError, "attribute value type must be bool");
            return -1;
        }
        *(char *)addr = value == Py_True;
        return 0;
    case Py_T_BYTE: STORE_SIGNED(signed char, SCHAR_MIN, SCHAR_MAX, "char");
    case Py_T_UBYTE: STORE_SIGNED(unsigned char, 0, UCHAR_MAX, "unsigned char");
    case Py_T_SHORT: STORE_SIGNED(short, SHRT_MIN, SHRT_MAX, "short");
    case Py_T_USHORT: STORE_SIGNED(unsigned short, 0, USHRT_MAX, "unsigned short");
    case Py_T_INT: STORE_SIGNED(int, INT_MIN, INT_MAX, "int");
    case Py_T_LONG: {
        long number = PyLong_AsLong(value);
        *(long *)addr = number;
        return number == -1 && PyErr_Occurred() ? -1 : 0;
    }
    case Py_T_UINT:
        return store_unsigned(value, addr, member, 4, UINT_MAX, "Truncation of value to unsigned int");
    case Py_T_ULONG: case Py_T_ULONGLONG:
        return store_unsigned(value, addr, member, 8, UINT64_MAX, "");
    case Py_T_LONGLONG: {
        long long number = PyLong_AsLongLong(value);
        *(long long *)addr = number;
        return number == -1 && PyErr_Occurred() ? -1 : 0;
    }
    case Py_T_PYSSIZET: {
        Py_ssize_t number = PyLong_AsSsize_t(value);
        *(Py_ssize_t *)addr = number;
        return number == -1 && PyErr_Occurred() ? -1 : 0;
    }
    case Py_T_FLOAT: case Py_T_DOUBLE: {
        double number = PyFloat_AsDouble(value);
        if (number == -1.0 && PyErr_Occurred()) {
            return -1;
        }
        if (member->type == Py_T_FLOAT) {
            *(float *)addr = (float)number;
        }
        else {
            *(double *)addr = number;
        }
        return 0;
    }
    case _Py_T_OBJECT: case Py_T_OBJECT_EX: {
        PyObject *old = *(PyObject **)addr;
        *(PyObject **)addr = Py_NewRef(value);
        Py_XDECREF(old);
        return 0;
    }
    case Py_T_CHAR: {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(value, &length);
        if (text == NULL || length != 1) {
            PyErr_BadArgument();
            return -1;
        }
        *(char *)addr = text[0];
        return 0;
    }
    case Py_T_STRING: case Py_T_STRING_INPLACE:
        PyErr_SetString(PyExc_TypeError, "readonly attribute");
        return -1;
    default:
        PyErr_Format(PyExc_SystemError, "bad memberdescr type for %s", member->name);
        return -1;
    }
}
