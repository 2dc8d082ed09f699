/* int: structs with digits of 30 bits. Only ints that have lived for a while are linked, others cross by value. Structs of few digits come
 * from free lists, the small ints are static. */
#include "cape.h"

#undef PyUnstable_Long_IsCompact
#undef PyUnstable_Long_CompactValue

#define SMALL_MIN (-5)
#define SMALL_MAX 256

/* The small ints, in order; bridge-rust/src/lend.rs indexes them. */
CAPE_PRIVATE PyLongObject _Cape_small_ints[SMALL_MAX - SMALL_MIN + 1];
#define free_ints (_Cape_free_numbers[CAPE_FREE_INTS])

/* lv_tag of a number with `digits` digits; sign: 1, 0, -1. */
#define TAG(digits, sign) ((uintptr_t)(digits) << _PyLong_NON_SIZE_BITS | (uintptr_t)(1 - (sign)))

static inline Py_ssize_t
digit_count(const PyLongObject *v)
{
    return (Py_ssize_t)(v->long_value.lv_tag >> _PyLong_NON_SIZE_BITS);
}

static inline int
sign_of(const PyLongObject *v)
{
    return 1 - (int)(v->long_value.lv_tag & _PyLong_SIGN_MASK);
}

/* The bit of lv_tag that small ints have. */
#define IMMORTAL ((uintptr_t)1 << 2)

__attribute__((constructor)) static void
make_small_ints(void)
{
    for (int value = SMALL_MIN; value <= SMALL_MAX; value++) {
        PyLongObject *op = &_Cape_small_ints[value - SMALL_MIN];
        op->ob_base.ob_refcnt_full = _Py_STATIC_IMMORTAL_INITIAL_REFCNT;
        op->ob_base.ob_type = &PyLong_Type;
        op->long_value.lv_tag = TAG(value != 0, (value > 0) - (value < 0)) | IMMORTAL;
        op->long_value.ob_digit[0] = (digit)abs(value);
    }
}

PyObject *
cape_small_int(int value)
{
    assert(SMALL_MIN <= value && value <= SMALL_MAX);
    return (PyObject *)&_Cape_small_ints[value - SMALL_MIN];
}

/* --- making ints -------------------------------------------------------------------------------- */

/* Bytes of a struct with so many digits. */
#define SIZE(digits) (offsetof(PyLongObject, long_value.ob_digit) + (size_t)(digits) * sizeof(digit))

/* A struct for `digits` digits, tag and digits not set; NULL with MemoryError. */
static PyLongObject *
new_digits(Py_ssize_t digits)
{
    PyLongObject *op = NULL;
    if (digits <= 2) {
        op = cape_take(&free_ints);
        if (CAPE_UNLIKELY(op == NULL)) {
            op = PyObject_Malloc(sizeof(PyLongObject));
        }
    }
    else if (digits <= (Py_ssize_t)((PY_SSIZE_T_MAX - sizeof(PyLongObject)) / sizeof(digit))) {
        size_t size = SIZE(digits);
        op = CAPE_LIKELY(size <= CAPE_BLOCK_MOST) ? cape_block_malloc(size) : PyObject_Malloc(size);
    }
    else {
        PyErr_SetString(PyExc_OverflowError, "too many digits in integer");
        return NULL;
    }
    if (CAPE_UNLIKELY(op == NULL)) {
        return (PyLongObject *)PyErr_NoMemory();
    }
    cape_init(op, &PyLong_Type);
    return op;
}

void
cape_long_dealloc(PyObject *op)
{
    if (!PyLong_CheckExact(op)) {
        Py_TYPE(op)->tp_free(op);
    }
    else if (digit_count((PyLongObject *)op) <= 2) {
        cape_free_int(op);
    }
    else if (SIZE(digit_count((PyLongObject *)op)) <= CAPE_BLOCK_MOST) {
        cape_block_free(op, SIZE(digit_count((PyLongObject *)op)));
    }
    else {
        PyObject_Free(op);
    }
}

/* (Out of line, as what allocates is, or the usual ways would have to save registers.) */
static PyObject *__attribute__((noinline))
from_magnitude(uint64_t magnitude, int negative)
{
    if (magnitude <= (uint64_t)(negative ? -SMALL_MIN : SMALL_MAX)) {
        return cape_small_int(negative ? -(int)magnitude : (int)magnitude);
    }
    Py_ssize_t digits = magnitude >> 60 ? 3 : magnitude >> 30 ? 2 : 1;
    PyLongObject *op = new_digits(digits);
    if (CAPE_UNLIKELY(op == NULL)) {
        return NULL;
    }
    op->long_value.lv_tag = TAG(digits, negative ? -1 : 1);
    /* (There is room for two digits in any case.) */
    digit *d = op->long_value.ob_digit;
    d[0] = (digit)(magnitude & PyLong_MASK);
    d[1] = (digit)(magnitude >> PyLong_SHIFT & PyLong_MASK);
    if (digits == 3) {
        d[2] = (digit)(magnitude >> 2 * PyLong_SHIFT);
    }
    return (PyObject *)op;
}

/* The same for Rust. */
PyObject *
cape_int(uint64_t magnitude, int negative)
{
    return from_magnitude(magnitude, negative);
}

/* Makes a struct a number of one digit that is not small. */
static inline PyObject *
one_digit(PyLongObject *op, int64_t value)
{
    cape_init(op, &PyLong_Type);
    op->long_value.lv_tag = TAG(1, value < 0 ? -1 : 1);
    op->long_value.ob_digit[0] = (digit)_Py_ABS_CAST(uint64_t, value);
    return (PyObject *)op;
}

static PyObject *__attribute__((noinline))
allocated_one_digit(int64_t value)
{
    PyLongObject *op = PyObject_Malloc(sizeof(PyLongObject));
    return CAPE_LIKELY(op != NULL) ? one_digit(op, value) : PyErr_NoMemory();
}

PyObject *
PyLong_FromInt64(int64_t value)
{
    if ((uint64_t)value - (uint64_t)SMALL_MIN <= SMALL_MAX - SMALL_MIN) {
        return (PyObject *)&_Cape_small_ints[value - SMALL_MIN];
    }
    /* A number of one digit. */
    uint64_t magnitude = _Py_ABS_CAST(uint64_t, value);
    if (CAPE_LIKELY(magnitude - (SMALL_MAX + 1) <= PyLong_MASK - (SMALL_MAX + 1))) {
        PyLongObject *op = cape_take(&free_ints);
        return CAPE_LIKELY(op != NULL) ? one_digit(op, value) : allocated_one_digit(value);
    }
    return from_magnitude(_Py_ABS_CAST(uint64_t, value), value < 0);
}

PyObject *
PyLong_FromUInt64(uint64_t value)
{
    return from_magnitude(value, 0);
}

PyObject *PyLong_FromInt32(int32_t value) { return PyLong_FromInt64(value); }
PyObject *PyLong_FromUInt32(uint32_t value) { return PyLong_FromUInt64(value); }
PyObject *PyLong_FromLong(long value) { return PyLong_FromInt64(value); }
PyObject *PyLong_FromLongLong(long long value) { return PyLong_FromInt64(value); }
PyObject *PyLong_FromSsize_t(Py_ssize_t value) { return PyLong_FromInt64(value); }
PyObject *PyLong_FromUnsignedLong(unsigned long value) { return PyLong_FromUInt64(value); }
PyObject *PyLong_FromUnsignedLongLong(unsigned long long value) { return PyLong_FromUInt64(value); }
PyObject *PyLong_FromSize_t(size_t value) { return PyLong_FromUInt64(value); }
PyObject *PyLong_FromVoidPtr(void *p) { return PyLong_FromUInt64((uintptr_t)p); }

/* Drops leading zero digits; a small value gives the static int instead. Steals `op`. */
static PyObject *
finished(PyLongObject *op, Py_ssize_t digits, int negative)
{
    while (digits > 0 && op->long_value.ob_digit[digits - 1] == 0) {
        digits--;
    }
    digit first = digits ? op->long_value.ob_digit[0] : 0;
    if (digits <= 1 && first <= (digit)(negative ? -SMALL_MIN : SMALL_MAX)) {
        op->long_value.lv_tag = TAG(1, 1);
        Py_DECREF(op);
        return cape_small_int(negative ? -(int)first : (int)first);
    }
    op->long_value.lv_tag = TAG(digits, negative ? -1 : 1);
    return (PyObject *)op;
}

PyObject *
PyLong_FromDouble(double value)
{
    if (value > -9.2e18 && value < 9.2e18) {
        return PyLong_FromInt64((int64_t)value);
    }
    if (isnan(value)) {
        PyErr_SetString(PyExc_ValueError, "cannot convert float NaN to integer");
        return NULL;
    }
    if (isinf(value)) {
        PyErr_SetString(PyExc_OverflowError, "cannot convert float infinity to integer");
        return NULL;
    }
    int exponent;
    double fraction = frexp(fabs(value), &exponent);  /* in [0.5, 1) */
    Py_ssize_t digits = (exponent - 1) / PyLong_SHIFT + 1;
    PyLongObject *op = new_digits(digits);
    if (op == NULL) {
        return NULL;
    }
    fraction = ldexp(fraction, (exponent - 1) % PyLong_SHIFT + 1);
    for (Py_ssize_t i = digits - 1; i >= 0; i--) {
        digit bits = (digit)fraction;
        op->long_value.ob_digit[i] = bits;
        fraction = ldexp(fraction - bits, PyLong_SHIFT);
    }
    op->long_value.lv_tag = TAG(digits, value < 0 ? -1 : 1);
    return (PyObject *)op;
}

PyLongObject *
_PyLong_New(Py_ssize_t digits)
{
    PyLongObject *op = new_digits(digits ? digits : 1);
    if (op != NULL) {
        op->long_value.lv_tag = TAG(digits, digits ? 1 : 0);
        op->long_value.ob_digit[0] = 0;
    }
    return op;
}

PyLongObject *
_PyLong_FromDigits(int negative, Py_ssize_t count, digit *digits)
{
    if (count == 0) {
        return (PyLongObject *)cape_small_int(0);
    }
    PyLongObject *op = new_digits(count);
    if (op != NULL) {
        op->long_value.lv_tag = TAG(count, negative ? -1 : 1);
        memcpy(op->long_value.ob_digit, digits, (size_t)count * sizeof(digit));
    }
    return op;
}

/* A plain int with the value of `src`, which may be of a subclass. */
PyObject *
_PyLong_Copy(PyLongObject *src)
{
    if (_PyLong_IsCompact(src)) {
        return PyLong_FromInt64(_PyLong_CompactValue(src));
    }
    return (PyObject *)_PyLong_FromDigits(sign_of(src) < 0, digit_count(src),
                                          src->long_value.ob_digit);
}

/* --- reading ints -------------------------------------------------------------------------------- */

/* What a conversion needs: an int, from nb_index if need be. A new reference, or NULL. */
static PyLongObject *
as_int(PyObject *op)
{
    return (PyLongObject *)(PyLong_Check(op) ? Py_NewRef(op) : PyNumber_Index(op));
}

/* The magnitude modulo 2**64; false when it is larger. */
static int
magnitude_of(const PyLongObject *v, uint64_t *magnitude)
{
    Py_ssize_t digits = digit_count(v);
    uint64_t value = 0;
    for (Py_ssize_t i = Py_MIN(digits, 3) - 1; i >= 0; i--) {
        value = value << PyLong_SHIFT | v->long_value.ob_digit[i];
    }
    *magnitude = value;
    return digits < 3 || (digits == 3 && v->long_value.ob_digit[2] >> 4 == 0);
}

/* The value in *result; otherwise 1 or -1, the sign of what does not fit in 64 bits. */
static int
signed_value(const PyLongObject *v, int64_t *result)
{
    if (CAPE_LIKELY(_PyLong_IsCompact(v))) {
        *result = _PyLong_CompactValue(v);
        return 0;
    }
    uint64_t magnitude;
    int sign = sign_of(v);
    if (!magnitude_of(v, &magnitude) || magnitude > (uint64_t)INT64_MAX + (sign < 0)) {
        return sign;
    }
    *result = sign < 0 ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 0;
}

/* The value modulo 2**64. */
static uint64_t
masked_value(const PyLongObject *v)
{
    uint64_t magnitude;
    magnitude_of(v, &magnitude);
    return sign_of(v) < 0 ? 0 - magnitude : magnitude;
}

long long
PyLong_AsLongLongAndOverflow(PyObject *op, int *overflow)
{
    *overflow = 0;
    if (op == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyLongObject *v = as_int(op);
    if (v == NULL) {
        return -1;
    }
    int64_t value = -1;
    *overflow = signed_value(v, &value);
    Py_DECREF(v);
    return *overflow ? -1 : value;
}

long
PyLong_AsLongAndOverflow(PyObject *op, int *overflow)
{
    return (long)PyLong_AsLongLongAndOverflow(op, overflow);
}

/* The usual case of conversions: an int of one digit. */
#define IS_COMPACT(op) CAPE_LIKELY((op) != NULL && PyLong_Check(op) && _PyLong_IsCompact((PyLongObject *)(op)))

long
PyLong_AsLong(PyObject *op)
{
    if (IS_COMPACT(op)) {
        return _PyLong_CompactValue((PyLongObject *)op);
    }
    int overflow;
    long value = PyLong_AsLongAndOverflow(op, &overflow);
    if (overflow) {
        PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C long");
    }
    return value;
}

int
PyLong_AsInt(PyObject *op)
{
    if (IS_COMPACT(op)) {
        return (int)_PyLong_CompactValue((PyLongObject *)op);
    }
    int overflow;
    long value = PyLong_AsLongAndOverflow(op, &overflow);
    if (overflow || value > INT_MAX || value < INT_MIN) {
        PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C int");
        return -1;
    }
    return (int)value;
}

long long
PyLong_AsLongLong(PyObject *op)
{
    if (IS_COMPACT(op)) {
        return _PyLong_CompactValue((PyLongObject *)op);
    }
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(op, &overflow);
    if (overflow) {
        PyErr_SetString(PyExc_OverflowError, "int too big to convert");
    }
    return value;
}

/* For conversions that refuse everything but ints: false with an exception. */
static int
require_int(PyObject *op)
{
    if (op == NULL) {
        PyErr_BadInternalCall();
        return 0;
    }
    if (!PyLong_Check(op)) {
        PyErr_SetString(PyExc_TypeError, "an integer is required");
        return 0;
    }
    return 1;
}

Py_ssize_t
PyLong_AsSsize_t(PyObject *op)
{
    if (IS_COMPACT(op)) {
        return _PyLong_CompactValue((PyLongObject *)op);
    }
    int64_t value = 0;
    if (!require_int(op)) {
        return -1;
    }
    if (signed_value((PyLongObject *)op, &value)) {
        PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C ssize_t");
        return -1;
    }
    return value;
}

/* An int that must fit in 64 unsigned bits; all ones with an exception. */
static uint64_t
unsigned_value(PyObject *op, const char *negative, const char *too_large)
{
    uint64_t magnitude;
    if (!require_int(op)) {
        return UINT64_MAX;
    }
    if (sign_of((PyLongObject *)op) < 0) {
        PyErr_SetString(PyExc_OverflowError, negative);
        return UINT64_MAX;
    }
    if (!magnitude_of((PyLongObject *)op, &magnitude)) {
        PyErr_SetString(PyExc_OverflowError, too_large);
        return UINT64_MAX;
    }
    return magnitude;
}

unsigned long
PyLong_AsUnsignedLong(PyObject *op)
{
    return unsigned_value(op, "can't convert negative value to unsigned int",
                          "Python int too large to convert to C unsigned long");
}

size_t
PyLong_AsSize_t(PyObject *op)
{
    return unsigned_value(op, "can't convert negative value to size_t",
                          "Python int too large to convert to C size_t");
}

unsigned long long
PyLong_AsUnsignedLongLong(PyObject *op)
{
    return unsigned_value(op, "can't convert negative int to unsigned", "int too big to convert");
}

unsigned long long
PyLong_AsUnsignedLongLongMask(PyObject *op)
{
    if (op == NULL) {
        PyErr_BadInternalCall();
        return (unsigned long long)-1;
    }
    PyLongObject *v = as_int(op);
    if (v == NULL) {
        return (unsigned long long)-1;
    }
    uint64_t value = masked_value(v);
    Py_DECREF(v);
    return value;
}

unsigned long
PyLong_AsUnsignedLongMask(PyObject *op)
{
    return (unsigned long)PyLong_AsUnsignedLongLongMask(op);
}

void *
PyLong_AsVoidPtr(PyObject *op)
{
    if (!require_int(op)) {
        return NULL;
    }
    int64_t value;
    if (sign_of((PyLongObject *)op) >= 0) {
        uint64_t address = PyLong_AsUnsignedLong(op);
        return address == UINT64_MAX && PyErr_Occurred() ? NULL : (void *)(uintptr_t)address;
    }
    if (signed_value((PyLongObject *)op, &value)) {
        PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C long");
        return NULL;
    }
    return (void *)(intptr_t)value;
}

/* The functions of 3.14 that store the value and return 0, or -1 with an exception. */
#define STORE_FUNCTION(NAME, TYPE, FLAGS, C_NAME) \
    int \
    NAME(PyObject *op, TYPE *value) \
    { \
        TYPE result; /* *value stays as it is in case of an error. */ \
        Py_ssize_t bytes = PyLong_AsNativeBytes( \
            op, &result, sizeof(result), \
            Py_ASNATIVEBYTES_NATIVE_ENDIAN | Py_ASNATIVEBYTES_ALLOW_INDEX | (FLAGS)); \
        if (bytes < 0) { \
            return -1; \
        } \
        if ((size_t)bytes > sizeof(*value)) { \
            PyErr_SetString(PyExc_OverflowError, \
                            "Python int too large to convert to C " C_NAME); \
            return -1; \
        } \
        *value = result; \
        return 0; \
    }
#define UNSIGNED (Py_ASNATIVEBYTES_UNSIGNED_BUFFER | Py_ASNATIVEBYTES_REJECT_NEGATIVE)

STORE_FUNCTION(PyLong_AsInt32, int32_t, 0, "int32_t")
STORE_FUNCTION(PyLong_AsInt64, int64_t, 0, "int64_t")
STORE_FUNCTION(PyLong_AsUInt32, uint32_t, UNSIGNED, "uint32_t")
STORE_FUNCTION(PyLong_AsUInt64, uint64_t, UNSIGNED, "uint64_t")

/* The nearest double, ties to even; -1.0 with OverflowError. */
double
PyLong_AsDouble(PyObject *op)
{
    if (!require_int(op)) {
        return -1.0;
    }
    PyLongObject *v = (PyLongObject *)op;
    if (_PyLong_IsCompact(v)) {
        return (double)_PyLong_CompactValue(v);
    }
    /* The top 64 bits, the lowest of which also stands for all the bits below. */
    Py_ssize_t digits = digit_count(v);
    const digit *d = v->long_value.ob_digit;
    int64_t bits = _PyLong_NumBits(op);
    uint64_t top = 0;
    int64_t shift = Py_MAX(bits - 64, 0);
    for (Py_ssize_t i = digits - 1; i >= 0; i--) {
        int64_t position = (int64_t)i * PyLong_SHIFT - shift;
        if (position >= 0) {
            top |= (uint64_t)d[i] << position;
        }
        else if (position > -PyLong_SHIFT) {
            top |= d[i] >> -position;
            if (d[i] & (((digit)1 << -position) - 1)) {
                top |= 1;
            }
        }
        else if (d[i]) {
            top |= 1;
        }
    }
    if (bits <= 1024) {
        double value = ldexp((double)top, (int)shift);
        if (!isinf(value)) {
            return sign_of(v) < 0 ? -value : value;
        }
    }
    PyErr_SetString(PyExc_OverflowError, "int too large to convert to float");
    return -1.0;
}

/* --- sign and size ------------------------------------------------------------------------------- */

/* Bits of the magnitude. */
int64_t
_PyLong_NumBits(PyObject *op)
{
    PyLongObject *v = (PyLongObject *)op;
    Py_ssize_t digits = digit_count(v);
    if (digits == 0) {
        return 0;
    }
    digit top = v->long_value.ob_digit[digits - 1];
    return (int64_t)(digits - 1) * PyLong_SHIFT + (top ? 32 - __builtin_clz(top) : 0);
}

int
_PyLong_Sign(PyObject *op)
{
    return sign_of((PyLongObject *)op);
}

/* For the predicates: false with TypeError. */
static int
expect_int(PyObject *op)
{
    if (PyLong_Check(op)) {
        return 1;
    }
    PyErr_Format(PyExc_TypeError, "expected int, got %T", op);
    return 0;
}

int
PyLong_GetSign(PyObject *op, int *sign)
{
    if (!expect_int(op)) {
        return -1;
    }
    *sign = sign_of((PyLongObject *)op);
    return 0;
}

int PyLong_IsZero(PyObject *op) { return expect_int(op) ? sign_of((PyLongObject *)op) == 0 : -1; }
int PyLong_IsPositive(PyObject *op) { return expect_int(op) ? sign_of((PyLongObject *)op) > 0 : -1; }
int PyLong_IsNegative(PyObject *op) { return expect_int(op) ? sign_of((PyLongObject *)op) < 0 : -1; }
int PyUnstable_Long_IsCompact(const PyLongObject *op) { return _PyLong_IsCompact(op); }
Py_ssize_t PyUnstable_Long_CompactValue(const PyLongObject *op) { return _PyLong_CompactValue(op); }

/* --- bytes --------------------------------------------------------------------------------------- */

/* Stores `n` bytes of the two's complement, sign-extended. */
static void
store_bytes(const PyLongObject *v, unsigned char *bytes, size_t n, int little_endian)
{
    int negative = sign_of(v) < 0;
    Py_ssize_t digits = digit_count(v);
    uint64_t accumulator = 0, carry = 1;
    int bits = 0;
    Py_ssize_t next = 0;
    for (size_t i = 0; i < n; i++) {
        if (bits < 8) {
            uint64_t d = next < digits ? v->long_value.ob_digit[next] : 0;
            next++;
            if (negative) {
                d = (d ^ PyLong_MASK) + carry;
                carry = d >> PyLong_SHIFT;
                d &= PyLong_MASK;
            }
            accumulator |= d << bits;
            bits += PyLong_SHIFT;
        }
        bytes[little_endian ? i : n - 1 - i] = (unsigned char)accumulator;
        accumulator >>= 8;
        bits -= 8;
    }
}

/* Bits that the two's complement needs, sign bit included. */
static int64_t
signed_bits(const PyLongObject *v)
{
    int64_t bits = _PyLong_NumBits((PyObject *)v);
    if (sign_of(v) < 0) {
        /* A power of two needs no bit more: -128 is one byte. */
        Py_ssize_t digits = digit_count(v);
        digit top = v->long_value.ob_digit[digits - 1];
        int power = (top & (top - 1)) == 0;
        for (Py_ssize_t i = 0; power && i < digits - 1; i++) {
            power = v->long_value.ob_digit[i] == 0;
        }
        return power ? bits : bits + 1;
    }
    return bits + 1;
}

int
_PyLong_AsByteArray(PyLongObject *v, unsigned char *bytes, size_t n, int little_endian,
                    int is_signed, int with_exceptions)
{
    if (sign_of(v) < 0 && !is_signed) {
        if (with_exceptions) {
            PyErr_SetString(PyExc_OverflowError, "can't convert negative int to unsigned");
        }
        return -1;
    }
    store_bytes(v, bytes, n, little_endian);
    int64_t bits = is_signed ? signed_bits(v) : _PyLong_NumBits((PyObject *)v);
    if (sign_of(v) != 0 && bits > (int64_t)n * 8) {
        if (with_exceptions) {
            PyErr_SetString(PyExc_OverflowError, "int too big to convert");
        }
        return -1;
    }
    return 0;
}

PyObject *
_PyLong_FromByteArray(const unsigned char *bytes, size_t n, int little_endian, int is_signed)
{
    if (n == 0) {
        return cape_small_int(0);
    }
#define BYTE(i) bytes[little_endian ? (i) : n - 1 - (i)]
    int negative = is_signed && BYTE(n - 1) >= 0x80;
    /* Leading bytes that say nothing. */
    while (n > 0 && BYTE(n - 1) == (negative ? 0xff : 0x00)) {
        if (!little_endian) {
            bytes++;
        }
        n--;
    }
    if (n > (size_t)PY_SSIZE_T_MAX / 8 - 2) {
        PyErr_SetString(PyExc_OverflowError, "byte array too long to convert to int");
        return NULL;
    }
    /* A negative number may have a magnitude of one bit more. */
    Py_ssize_t digits = (Py_ssize_t)((n * 8 + 1 + PyLong_SHIFT - 1) / PyLong_SHIFT);
    PyLongObject *op = new_digits(digits);
    if (op == NULL) {
        return NULL;
    }
    uint64_t carry = 1;
    for (Py_ssize_t i = 0; i < digits; i++) {
        /* The eight bytes from that on in which the digit begins. */
        size_t bit = (size_t)i * PyLong_SHIFT, first = bit / 8;
        uint64_t window = negative ? UINT64_MAX : 0;
        if (first + 8 <= n) {
            memcpy(&window, little_endian ? bytes + first : bytes + n - first - 8, 8);
            if (little_endian != PY_LITTLE_ENDIAN) {
                window = __builtin_bswap64(window);
            }
        }
        else if (n >= 8 && first < n) {
            /* The last eight bytes, without those before it. */
            uint64_t last;
            memcpy(&last, little_endian ? bytes + n - 8 : bytes, 8);
            if (little_endian != PY_LITTLE_ENDIAN) {
                last = __builtin_bswap64(last);
            }
            size_t shift = (first + 8 - n) * 8;
            window = last >> shift | window << (64 - shift);
        }
        else {
            for (size_t k = n; k > first; k--) {
                window = window << 8 | BYTE(k - 1);
            }
        }
        digit d = (digit)(window >> bit % 8 & PyLong_MASK);
        if (negative) {
            uint64_t complement = (uint64_t)(d ^ PyLong_MASK) + carry;
            carry = complement >> PyLong_SHIFT;
            d = (digit)(complement & PyLong_MASK);
        }
        op->long_value.ob_digit[i] = d;
    }
#undef BYTE
    return finished(op, digits, negative);
}

/* The byte order that `flags` ask for. */
static int
little_endian_wanted(int flags)
{
    if (flags == Py_ASNATIVEBYTES_DEFAULTS || (flags & 2)) {
        return PY_LITTLE_ENDIAN;
    }
    return flags & Py_ASNATIVEBYTES_LITTLE_ENDIAN;
}

/* Bytes that PyLong_AsNativeBytes says are needed, when `n` are offered: exact for large numbers, a word or
 * what was offered for small ones. An unsigned buffer may use the sign bit. */
static Py_ssize_t
native_size(const PyLongObject *v, Py_ssize_t n, int is_unsigned)
{
    int64_t bits = _PyLong_NumBits((PyObject *)v), offered = (int64_t)n * 8;
    if (_PyLong_IsCompact(v)) {
        if (n <= 0 || n >= (Py_ssize_t)sizeof(int64_t)) {
            return sizeof(int64_t);
        }
        if (signed_bits(v) <= offered) {
            return n;
        }
        return sign_of(v) > 0 && bits <= offered ? (is_unsigned ? n : n + 1) : (Py_ssize_t)sizeof(int64_t);
    }
    if (bits == offered && (sign_of(v) < 0 ? signed_bits(v) <= offered : is_unsigned)) {
        return n;
    }
    return (Py_ssize_t)(bits / 8 + 1);
}

Py_ssize_t
PyLong_AsNativeBytes(PyObject *op, void *buffer, Py_ssize_t n, int flags)
{
    if (op == NULL || n < 0) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyLongObject *v;
    if (PyLong_Check(op)) {
        v = (PyLongObject *)Py_NewRef(op);
    }
    else if (flags != Py_ASNATIVEBYTES_DEFAULTS && (flags & Py_ASNATIVEBYTES_ALLOW_INDEX)) {
        v = (PyLongObject *)PyNumber_Index(op);
        if (v == NULL) {
            return -1;
        }
    }
    else {
        PyErr_Format(PyExc_TypeError, "expect int, got %T", op);
        return -1;
    }
    Py_ssize_t needed = -1;
    if (flags != Py_ASNATIVEBYTES_DEFAULTS && (flags & Py_ASNATIVEBYTES_REJECT_NEGATIVE)
        && sign_of(v) < 0) {
        PyErr_SetString(PyExc_ValueError, "Cannot convert negative int");
    }
    else {
        if (n > 0) {
            store_bytes(v, buffer, (size_t)n, little_endian_wanted(flags));
        }
        needed = native_size(v, n, flags & Py_ASNATIVEBYTES_UNSIGNED_BUFFER);
    }
    Py_DECREF(v);
    return needed;
}

PyObject *
PyLong_FromNativeBytes(const void *buffer, size_t n, int flags)
{
    if (buffer == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    int is_signed = flags == Py_ASNATIVEBYTES_DEFAULTS || !(flags & Py_ASNATIVEBYTES_UNSIGNED_BUFFER);
    return _PyLong_FromByteArray(buffer, n, little_endian_wanted(flags), is_signed);
}

PyObject *
PyLong_FromUnsignedNativeBytes(const void *buffer, size_t n, int flags)
{
    if (buffer == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return _PyLong_FromByteArray(buffer, n, little_endian_wanted(flags), 0);
}

/* --- import and export (PEP 757) ------------------------------------------------------------------ */

static const PyLongLayout layout = {
    .bits_per_digit = PyLong_SHIFT,
    .digit_size = sizeof(digit),
    .digits_order = -1,
    .digit_endianness = PY_LITTLE_ENDIAN ? -1 : 1,
};

const PyLongLayout *
PyLong_GetNativeLayout(void)
{
    return &layout;
}

int
PyLong_Export(PyObject *op, PyLongExport *out)
{
    if (!PyLong_Check(op)) {
        memset(out, 0, sizeof(*out));
        PyErr_Format(PyExc_TypeError, "expected int, got %T", op);
        return -1;
    }
    PyLongObject *v = (PyLongObject *)op;
    int64_t value;
    if (signed_value(v, &value) == 0) {
        out->value = value;
        out->negative = 0;
        out->ndigits = 0;
        out->digits = NULL;
        out->_reserved = 0;
    }
    else {
        out->value = 0;
        out->negative = sign_of(v) < 0;
        out->ndigits = digit_count(v);
        out->digits = v->long_value.ob_digit;
        out->_reserved = (Py_uintptr_t)Py_NewRef(op);
    }
    return 0;
}

void
PyLong_FreeExport(PyLongExport *out)
{
    PyObject *op = (PyObject *)out->_reserved;
    if (op != NULL) {
        out->_reserved = 0;
        Py_DECREF(op);
    }
}

PyLongWriter *
PyLongWriter_Create(int negative, Py_ssize_t ndigits, void **digits)
{
    PyLongObject *op = NULL;
    if (ndigits <= 0) {
        PyErr_SetString(PyExc_ValueError, "ndigits must be positive");
    }
    else {
        op = new_digits(ndigits);
    }
    if (op == NULL) {
        *digits = NULL;
        return NULL;
    }
    op->long_value.lv_tag = TAG(ndigits, negative ? -1 : 1);
    *digits = op->long_value.ob_digit;
    return (PyLongWriter *)op;
}

PyObject *
PyLongWriter_Finish(PyLongWriter *writer)
{
    PyLongObject *op = (PyLongObject *)writer;
    return finished(op, digit_count(op), sign_of(op) < 0);
}

void
PyLongWriter_Discard(PyLongWriter *writer)
{
    Py_XDECREF((PyObject *)writer);
}
