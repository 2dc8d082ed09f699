/* Arithmetic: exact ints of at most two digits and exact floats here, everything else by the operands' methods. */
#include "cape.h"

/* Numbers of operators for _Cape_Binary; bridge-rust/src/api/internal.rs has the same. */
enum { ADD, SUBTRACT, MULTIPLY };

/* The value of an exact int of at most two digits; 0 for anything else. */
static inline int
small_value(PyObject *op, int64_t *value)
{
    if (!PyLong_CheckExact(op)) {
        return 0;
    }
    const _PyLongValue *v = &((PyLongObject *)op)->long_value;
    if (v->lv_tag >> _PyLong_NON_SIZE_BITS > 2) {
        return 0;
    }
    int64_t magnitude = v->ob_digit[0];
    if (v->lv_tag >> _PyLong_NON_SIZE_BITS == 2) {
        magnitude |= (int64_t)v->ob_digit[1] << PyLong_SHIFT;
    }
    *value = (1 - (int64_t)(v->lv_tag & _PyLong_SIGN_MASK)) * magnitude;
    return 1;
}

static inline PyObject *
arithmetic(PyObject *a, PyObject *b, int operator, int in_place)
{
    if (CAPE_UNLIKELY(a == NULL || b == NULL)) {
        return cape_null_error();
    }
    int64_t x, y, result;
    if (small_value(a, &x) && small_value(b, &y)) {
        if (operator == ADD) {
            return PyLong_FromInt64(x + y);
        }
        if (operator == SUBTRACT) {
            return PyLong_FromInt64(x - y);
        }
        if (!__builtin_mul_overflow(x, y, &result)) {
            return PyLong_FromInt64(result);
        }
    }
    else if (PyFloat_CheckExact(a) && PyFloat_CheckExact(b)) {
        double p = PyFloat_AS_DOUBLE(a), q = PyFloat_AS_DOUBLE(b);
        return PyFloat_FromDouble(operator == ADD ? p + q : operator == SUBTRACT ? p - q : p * q);
    }
    return _Cape_Binary(a, b, operator, in_place);
}

PyObject *PyNumber_Add(PyObject *o1, PyObject *o2) { return arithmetic(o1, o2, ADD, 0); }
PyObject *PyNumber_Subtract(PyObject *o1, PyObject *o2) { return arithmetic(o1, o2, SUBTRACT, 0); }
PyObject *PyNumber_Multiply(PyObject *o1, PyObject *o2) { return arithmetic(o1, o2, MULTIPLY, 0); }
PyObject *PyNumber_InPlaceAdd(PyObject *o1, PyObject *o2) { return arithmetic(o1, o2, ADD, 1); }
PyObject *PyNumber_InPlaceSubtract(PyObject *o1, PyObject *o2) { return arithmetic(o1, o2, SUBTRACT, 1); }
PyObject *PyNumber_InPlaceMultiply(PyObject *o1, PyObject *o2) { return arithmetic(o1, o2, MULTIPLY, 1); }
