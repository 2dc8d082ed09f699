/* Arithmetic. Here: exact ints of at most two digits, exact floats, exact strs, and slots that extensions fill. Everything
 * else by the operands' methods, on the managed side. */
#include "cape.h"

/* Numbers of operators for _Cape_Binary and _Cape_Unary; bridge-rust/src/slots/trampolines.rs and api/abstract_.rs have the same. */
enum { ADD, SUBTRACT, MULTIPLY, REMAINDER, DIVMOD, LSHIFT, RSHIFT, AND, XOR, OR, FLOOR_DIVIDE, TRUE_DIVIDE, MATRIX_MULTIPLY };
enum { NEGATIVE, POSITIVE, INVERT, ABSOLUTE };
/* For _Cape_Binary: what is to be done. */
enum { IN_PLACE = 1, NUMBERS_ASKED = 2 };

#ifndef CAPE_INSIDE_CPYTHON
void *_Cape_trampolines[CAPE_SLOTS];
#endif

/* The slots of an operator in PyNumberMethods, and their numbers. */
typedef struct {
    size_t offset, in_place_offset;
    int slot, in_place_slot;
} Slots;

#define ROW(name) {offsetof(PyNumberMethods, nb_##name), offsetof(PyNumberMethods, nb_inplace_##name), Py_nb_##name, Py_nb_inplace_##name}
static const Slots operators[] = {
    [ADD] = ROW(add),
    [SUBTRACT] = ROW(subtract),
    [MULTIPLY] = ROW(multiply),
    [REMAINDER] = ROW(remainder),
    [DIVMOD] = {offsetof(PyNumberMethods, nb_divmod), 0, Py_nb_divmod, 0},
    [LSHIFT] = ROW(lshift),
    [RSHIFT] = ROW(rshift),
    [AND] = ROW(and),
    [XOR] = ROW(xor),
    [OR] = ROW(or),
    [FLOOR_DIVIDE] = ROW(floor_divide),
    [TRUE_DIVIDE] = ROW(true_divide),
    [MATRIX_MULTIPLY] = ROW(matrix_multiply),
};

/* The function of an extension in a slot of numbers; NULL for none and for the managed side's. */
static inline binaryfunc
own_slot(PyTypeObject *type, size_t offset, int slot)
{
    if (type->tp_as_number == NULL) {
        return NULL;
    }
    binaryfunc function;
    memcpy(&function, (char *)type->tp_as_number + offset, sizeof(function));
    return cape_is_own(function, slot) ? function : NULL;
}

/* Objects whose own slots do not know those of extensions. */
static inline int
is_plain(PyObject *op)
{
    return PyLong_CheckExact(op) || PyFloat_CheckExact(op) || PyComplex_CheckExact(op) || PyBool_Check(op) || op == Py_None;
}

/* A new reference; NULL with or without an exception: NULL without one where the managed side must be asked, `flags` says for what. */
static PyObject *
by_slots(PyObject *a, PyObject *b, const Slots *slots, int *flags)
{
    PyTypeObject *left = Py_TYPE(a), *right = Py_TYPE(b);
    binaryfunc f = own_slot(left, slots->offset, slots->slot), g = f;
    if (left != right) {
        g = own_slot(right, slots->offset, slots->slot);
        if ((f == NULL && !is_plain(a)) || (g == NULL && !is_plain(b))) {
            return NULL;
        }
    }
    if (f == NULL && g == NULL) {
        return NULL;
    }
    PyObject *result;
    if ((*flags & IN_PLACE) && f != NULL && left->tp_as_number != NULL && slots->in_place_slot != 0) {
        binaryfunc in_place;
        memcpy(&in_place, (char *)left->tp_as_number + slots->in_place_offset, sizeof(in_place));
        if (in_place != NULL) {
            if (!cape_is_own(in_place, slots->in_place_slot)) {
                return NULL;
            }
            result = in_place(a, b);
            if (result != Py_NotImplemented) {
                *flags = -1;
                return result;
            }
        }
    }
    if (g == f) {
        g = NULL;
    }
    if (g != NULL && f != NULL && PyType_IsSubtype(right, left)) {
        result = g(a, b);
        if (result != Py_NotImplemented) {
            *flags = -1;
            return result;
        }
        g = NULL;
    }
    result = f != NULL ? f(a, b) : Py_NotImplemented;
    if (result == Py_NotImplemented && g != NULL) {
        result = g(a, b);
    }
    if (result == Py_NotImplemented) {
        *flags |= NUMBERS_ASKED;
        return NULL;
    }
    *flags = -1;
    return result;
}

static inline PyObject *
binary(PyObject *a, PyObject *b, int operator, int flags)
{
    if (CAPE_UNLIKELY(a == NULL || b == NULL)) {
        return cape_null_error();
    }
    PyTypeObject *type = Py_TYPE(a);
    PyObject *result;
    if (CAPE_LIKELY(type == Py_TYPE(b) && flags == 0 && type->tp_as_number != NULL)) {
        /* One slot, whosever it is, knows both. */
        binaryfunc function;
        memcpy(&function, (char *)type->tp_as_number + operators[operator].offset, sizeof(function));
        if (function != NULL && !(type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN)) {
            result = function(a, b);
            return CAPE_LIKELY(result != Py_NotImplemented) ? result : _Cape_Binary(a, b, operator, NUMBERS_ASKED);
        }
    }
    result = by_slots(a, b, &operators[operator], &flags);
    return flags < 0 ? result : _Cape_Binary(a, b, operator, flags);
}

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
arithmetic(PyObject *a, PyObject *b, int operator, int flags)
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
    else if (operator == ADD && PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b)) {
        return PyUnicode_Concat(a, b);
    }
    return binary(a, b, operator, flags);
}

#define OPERATOR(through, name, operator) \
    PyObject *PyNumber_##name(PyObject *o1, PyObject *o2) { return through(o1, o2, operator, 0); } \
    PyObject *PyNumber_InPlace##name(PyObject *o1, PyObject *o2) { return through(o1, o2, operator, IN_PLACE); }
OPERATOR(arithmetic, Add, ADD)
OPERATOR(arithmetic, Subtract, SUBTRACT)
OPERATOR(arithmetic, Multiply, MULTIPLY)
OPERATOR(binary, Remainder, REMAINDER)
OPERATOR(binary, Lshift, LSHIFT)
OPERATOR(binary, Rshift, RSHIFT)
OPERATOR(binary, And, AND)
OPERATOR(binary, Xor, XOR)
OPERATOR(binary, Or, OR)
OPERATOR(binary, FloorDivide, FLOOR_DIVIDE)
OPERATOR(binary, TrueDivide, TRUE_DIVIDE)
OPERATOR(binary, MatrixMultiply, MATRIX_MULTIPLY)

PyObject *
PyNumber_Divmod(PyObject *o1, PyObject *o2)
{
    return binary(o1, o2, DIVMOD, 0);
}

#define UNARY(name, slot_name, operator) \
    PyObject * \
    PyNumber_##name(PyObject *o) \
    { \
        if (CAPE_UNLIKELY(o == NULL)) { \
            return cape_null_error(); \
        } \
        PyNumberMethods *number = Py_TYPE(o)->tp_as_number; \
        if (number != NULL && cape_is_own(number->slot_name, Py_##slot_name)) { \
            return number->slot_name(o); \
        } \
        return _Cape_Unary(o, operator); \
    }
UNARY(Negative, nb_negative, NEGATIVE)
UNARY(Positive, nb_positive, POSITIVE)
UNARY(Invert, nb_invert, INVERT)
UNARY(Absolute, nb_absolute, ABSOLUTE)
