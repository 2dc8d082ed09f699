/* float: structs from a free list, which are never linked: a float crosses by value. */
#include "cape.h"

#include <float.h>

#define free_floats (_Cape_free_numbers[CAPE_FREE_FLOATS])

static inline PyObject *
filled(PyFloatObject *op, double value)
{
    cape_init(op, &PyFloat_Type);
    op->ob_fval = value;
    return (PyObject *)op;
}

/* Out of line, or the usual way would have to save registers. */
static PyObject *__attribute__((noinline))
allocated(double value)
{
    PyFloatObject *op = PyObject_Malloc(sizeof(PyFloatObject));
    return CAPE_LIKELY(op != NULL) ? filled(op, value) : PyErr_NoMemory();
}

PyObject *
PyFloat_FromDouble(double value)
{
    PyFloatObject *op = cape_take(&free_floats);
    return CAPE_LIKELY(op != NULL) ? filled(op, value) : allocated(value);
}

void
cape_float_dealloc(PyObject *op)
{
    if (!PyFloat_CheckExact(op)) {
        Py_TYPE(op)->tp_free(op);
    }
    else if (!cape_give(&free_floats, op, CAPE_FREE_NUMBERS / (int)sizeof(PyFloatObject))) {
        PyObject_Free(op);
    }
}

/* The result of nb_float, checked; -1.0 with an exception. */
static double
double_from_slot(PyObject *op, unaryfunc nb_float)
{
    PyObject *result = nb_float(op);
    double value = -1.0;
    if (result == NULL) {
        return -1.0;
    }
    if (PyFloat_CheckExact(result)) {
        value = PyFloat_AS_DOUBLE(result);
    }
    else if (!PyFloat_Check(result)) {
        PyErr_Format(PyExc_TypeError, "%.50s.__float__ returned non-float (type %.50s)",
                     Py_TYPE(op)->tp_name, Py_TYPE(result)->tp_name);
    }
    else if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1,
                              "%.50s.__float__ returned non-float (type %.50s).  "
                              "The ability to return an instance of a strict subclass of float "
                              "is deprecated, and may not be supported in a future version of "
                              "Python.",
                              Py_TYPE(op)->tp_name, Py_TYPE(result)->tp_name) == 0) {
        value = PyFloat_AS_DOUBLE(result);
    }
    Py_DECREF(result);
    return value;
}

double
PyFloat_AsDouble(PyObject *op)
{
    if (op == NULL) {
        PyErr_BadArgument();
        return -1;
    }
    if (CAPE_LIKELY(PyFloat_Check(op))) {
        return PyFloat_AS_DOUBLE(op);
    }
    PyNumberMethods *number = Py_TYPE(op)->tp_as_number;
    if (number != NULL && number->nb_float != NULL) {
        if (PyLong_CheckExact(op)) {
            return PyLong_AsDouble(op);
        }
        return double_from_slot(op, number->nb_float);
    }
    if (number != NULL && number->nb_index != NULL) {
        PyObject *index = PyNumber_Index(op);
        if (index == NULL) {
            return -1;
        }
        double value = PyLong_AsDouble(index);
        Py_DECREF(index);
        return value;
    }
    cape_type_error("must be real number, not %.50s", op);
    return -1;
}

double
PyFloat_GetMax(void)
{
    return DBL_MAX;
}

double
PyFloat_GetMin(void)
{
    return DBL_MIN;
}

/* --- IEEE 754 bytes ----------------------------------------------------------------------------- */

/* Copies `size` bytes, reversed when the wanted order is not the machine's. */
static void
copy_ordered(char *to, const char *from, int size, int little)
{
    for (int i = 0; i < size; i++) {
        to[i] = from[little == PY_LITTLE_ENDIAN ? i : size - 1 - i];
    }
}

int
PyFloat_Pack8(double x, char *p, int le)
{
    copy_ordered(p, (const char *)&x, 8, le);
    return 0;
}

double
PyFloat_Unpack8(const char *p, int le)
{
    double x;
    copy_ordered((char *)&x, p, 8, le);
    return x;
}

int
PyFloat_Pack4(double x, char *p, int le)
{
    float y = (float)x;
    uint32_t bits;
    if (isinf(y) && !isinf(x)) {
        PyErr_SetString(PyExc_OverflowError, "float too large to pack with f format");
        return -1;
    }
    memcpy(&bits, &y, 4);
    if (isnan(x)) {
        /* Keep the sign, the quiet bit and the payload's upper bits, whatever the conversion did. */
        uint64_t wide;
        memcpy(&wide, &x, 8);
        bits = (uint32_t)(wide >> 32 & 0x80000000u) | 0x7f800000u | (uint32_t)(wide >> 29 & 0x7fffffu);
        if ((bits & 0x7fffffu) == 0) {
            bits |= 0x400000u;
        }
    }
    copy_ordered(p, (const char *)&bits, 4, le);
    return 0;
}

double
PyFloat_Unpack4(const char *p, int le)
{
    uint32_t bits;
    float x;
    copy_ordered((char *)&bits, p, 4, le);
    if ((bits & 0x7f800000u) == 0x7f800000u && (bits & 0x7fffffu) != 0) {
        uint64_t wide = (uint64_t)(bits & 0x80000000u) << 32 | 0x7ff0000000000000u
                        | (uint64_t)(bits & 0x7fffffu) << 29;
        double nan;
        memcpy(&nan, &wide, 8);
        return nan;
    }
    memcpy(&x, &bits, 4);
    return x;
}

/* Half precision: 1 sign bit, 5 of exponent, 10 of fraction; rounds to even. */
int
PyFloat_Pack2(double x, char *p, int le)
{
    uint16_t bits;
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    if (isnan(x)) {
        uint64_t wide;
        memcpy(&wide, &x, 8);
        bits = sign | 0x7c00 | (uint16_t)(wide >> 42 & 0x3ff);
        if ((bits & 0x3ff) == 0) {
            bits |= 0x200;
        }
    }
    else if (isinf(x)) {
        bits = sign | 0x7c00;
    }
    else if (x == 0.0) {
        bits = sign;
    }
    else {
        int exponent;
        double fraction = frexp(fabs(x), &exponent) * 2.0;  /* in [1, 2) */
        exponent--;
        if (exponent >= 16) {
            goto overflow;
        }
        double scaled;
        if (exponent < -25) {
            scaled = 0.0;
            exponent = 0;
        }
        else if (exponent < -14) {
            scaled = ldexp(fraction, 14 + exponent) * 1024.0;  /* a subnormal */
            exponent = 0;
        }
        else {
            exponent += 15;
            scaled = (fraction - 1.0) * 1024.0;
        }
        unsigned int units = (unsigned int)scaled;
        double rest = scaled - units;
        if (rest > 0.5 || (rest == 0.5 && (units & 1))) {
            units++;
            if (units == 1024) {
                units = 0;
                exponent++;
                if (exponent == 31) {
                    goto overflow;
                }
            }
        }
        bits = (uint16_t)(sign | (exponent << 10) | units);
    }
    copy_ordered(p, (const char *)&bits, 2, le);
    return 0;
overflow:
    PyErr_SetString(PyExc_OverflowError, "float too large to pack with e format");
    return -1;
}

double
PyFloat_Unpack2(const char *p, int le)
{
    uint16_t bits;
    copy_ordered((char *)&bits, p, 2, le);
    int exponent = bits >> 10 & 0x1f;
    unsigned int fraction = bits & 0x3ff;
    double x;
    if (exponent == 31) {
        uint64_t wide = (uint64_t)(bits >> 15) << 63 | 0x7ff0000000000000u | (uint64_t)fraction << 42;
        memcpy(&x, &wide, 8);
        return x;
    }
    x = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return bits & 0x8000 ? -x : x;
}
