/* complex, and arithmetic on Py_complex. */
#include "cape.h"

PyObject *
PyComplex_FromCComplex(Py_complex value)
{
    PyComplexObject *op = cape_take(&_Cape_free_numbers[CAPE_FREE_COMPLEXES]);
    if (CAPE_UNLIKELY(op == NULL)) {
        op = PyObject_Malloc(sizeof(PyComplexObject));
    }
    if (op == NULL) {
        return PyErr_NoMemory();
    }
    cape_init(op, &PyComplex_Type);
    op->cval = value;
    return (PyObject *)op;
}

PyObject *
PyComplex_FromDoubles(double real, double imag)
{
    return PyComplex_FromCComplex((Py_complex){real, imag});
}

void
cape_complex_dealloc(PyObject *op)
{
    if (PyComplex_CheckExact(op)) {
        if (!cape_give(&_Cape_free_numbers[CAPE_FREE_COMPLEXES], op, CAPE_FREE_BYTES / (int)sizeof(PyComplexObject))) {
            PyObject_Free(op);
        }
    }
    else {
        Py_TYPE(op)->tp_free(op);
    }
}

/* What __complex__ returns: NULL without an exception when there is none. */
static PyObject *
call_complex(PyObject *op)
{
    PyObject *name = PyUnicode_InternFromString("__complex__");
    if (name == NULL) {
        return NULL;
    }
    PyObject *method = _PyType_Lookup(Py_TYPE(op), name);
    Py_DECREF(name);
    if (method == NULL) {
        return NULL;
    }
    descrgetfunc get = Py_TYPE(method)->tp_descr_get;
    Py_INCREF(method);
    if (get != NULL) {
        PyObject *bound = get(method, op, (PyObject *)Py_TYPE(op));
        Py_DECREF(method);
        if (bound == NULL) {
            return NULL;
        }
        method = bound;
    }
    PyObject *result = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (result == NULL || PyComplex_CheckExact(result)) {
        return result;
    }
    if (!PyComplex_Check(result)) {
        cape_type_error("__complex__ returned non-complex (type %.200s)", result);
        Py_DECREF(result);
        return NULL;
    }
    if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1,
                         "__complex__ returned non-complex (type %.200s).  "
                         "The ability to return an instance of a strict subclass of complex "
                         "is deprecated, and may not be supported in a future version of Python.",
                         Py_TYPE(result)->tp_name)) {
        Py_DECREF(result);
        return NULL;
    }
    return result;
}

Py_complex
PyComplex_AsCComplex(PyObject *op)
{
    Py_complex value = {-1.0, 0.0};
    if (PyComplex_Check(op)) {
        return ((PyComplexObject *)op)->cval;
    }
    PyObject *converted = call_complex(op);
    if (converted != NULL) {
        value = ((PyComplexObject *)converted)->cval;
        Py_DECREF(converted);
        return value;
    }
    if (PyErr_Occurred()) {
        return value;
    }
    value.real = PyFloat_AsDouble(op);
    return value;
}

double
PyComplex_RealAsDouble(PyObject *op)
{
    if (PyComplex_Check(op)) {
        return ((PyComplexObject *)op)->cval.real;
    }
    PyObject *converted = call_complex(op);
    if (converted != NULL) {
        double real = ((PyComplexObject *)converted)->cval.real;
        Py_DECREF(converted);
        return real;
    }
    return PyErr_Occurred() ? -1.0 : PyFloat_AsDouble(op);
}

double
PyComplex_ImagAsDouble(PyObject *op)
{
    if (PyComplex_Check(op)) {
        return ((PyComplexObject *)op)->cval.imag;
    }
    PyObject *converted = call_complex(op);
    if (converted != NULL) {
        double imag = ((PyComplexObject *)converted)->cval.imag;
        Py_DECREF(converted);
        return imag;
    }
    if (PyErr_Occurred()) {
        return -1.0;
    }
    PyFloat_AsDouble(op);
    return PyErr_Occurred() ? -1.0 : 0.0;
}

Py_complex
_Py_c_sum(Py_complex a, Py_complex b)
{
    return (Py_complex){a.real + b.real, a.imag + b.imag};
}

Py_complex
_Py_c_diff(Py_complex a, Py_complex b)
{
    return (Py_complex){a.real - b.real, a.imag - b.imag};
}

Py_complex
_Py_c_neg(Py_complex a)
{
    return (Py_complex){-a.real, -a.imag};
}

/* An infinite part counts as one, a finite part as zero, signs kept: rules of C99's Annex G. */
static void
box_infinity(Py_complex *z)
{
    z->real = copysign(isinf(z->real) ? 1.0 : 0.0, z->real);
    z->imag = copysign(isinf(z->imag) ? 1.0 : 0.0, z->imag);
}

static void
zero_nan(Py_complex *z)
{
    if (isnan(z->real)) {
        z->real = copysign(0.0, z->real);
    }
    if (isnan(z->imag)) {
        z->imag = copysign(0.0, z->imag);
    }
}

Py_complex
_Py_c_prod(Py_complex z, Py_complex w)
{
    double ac = z.real * w.real, bd = z.imag * w.imag;
    double ad = z.real * w.imag, bc = z.imag * w.real;
    Py_complex r = {ac - bd, ad + bc};
    if (!isnan(r.real) || !isnan(r.imag)) {
        return r;
    }
    /* NaN + NaNj: recover an infinity that the operands had. */
    int recalc = 0;
    if (isinf(z.real) || isinf(z.imag)) {
        box_infinity(&z);
        zero_nan(&w);
        recalc = 1;
    }
    if (isinf(w.real) || isinf(w.imag)) {
        box_infinity(&w);
        zero_nan(&z);
        recalc = 1;
    }
    if (!recalc && (isinf(ac) || isinf(bd) || isinf(ad) || isinf(bc))) {
        zero_nan(&z);
        zero_nan(&w);
        recalc = 1;
    }
    if (recalc) {
        r.real = Py_INFINITY * (z.real * w.real - z.imag * w.imag);
        r.imag = Py_INFINITY * (z.real * w.imag + z.imag * w.real);
    }
    return r;
}

/* Smith's algorithm: divide by the larger part of b. Sets errno to EDOM on division by zero. */
Py_complex
_Py_c_quot(Py_complex a, Py_complex b)
{
    Py_complex r;
    const double abs_real = fabs(b.real), abs_imag = fabs(b.imag);
    if (abs_real >= abs_imag) {
        if (abs_real == 0.0) {
            errno = EDOM;
            r.real = r.imag = 0.0;
        }
        else {
            const double ratio = b.imag / b.real;
            const double denominator = b.real + b.imag * ratio;
            r.real = (a.real + a.imag * ratio) / denominator;
            r.imag = (a.imag - a.real * ratio) / denominator;
        }
    }
    else if (abs_imag >= abs_real) {
        const double ratio = b.real / b.imag;
        const double denominator = b.real * ratio + b.imag;
        r.real = (a.real * ratio + a.imag) / denominator;
        r.imag = (a.imag * ratio - a.real) / denominator;
    }
    else {
        r.real = r.imag = Py_NAN;
    }
    /* Recover infinities and zeros that became NaN + NaNj. */
    if (isnan(r.real) && isnan(r.imag)) {
        if ((isinf(a.real) || isinf(a.imag)) && isfinite(b.real) && isfinite(b.imag)) {
            box_infinity(&a);
            r.real = Py_INFINITY * (a.real * b.real + a.imag * b.imag);
            r.imag = Py_INFINITY * (a.imag * b.real - a.real * b.imag);
        }
        else if ((isinf(abs_real) || isinf(abs_imag)) && isfinite(a.real) && isfinite(a.imag)) {
            box_infinity(&b);
            r.real = 0.0 * (a.real * b.real + a.imag * b.imag);
            r.imag = 0.0 * (a.imag * b.real - a.real * b.imag);
        }
    }
    return r;
}

double
_Py_c_abs(Py_complex z)
{
    errno = 0;
    if (!isfinite(z.real) || !isfinite(z.imag)) {
        if (isinf(z.real) || isinf(z.imag)) {
            return Py_INFINITY;
        }
        return Py_NAN;
    }
    double result = hypot(z.real, z.imag);
    if (!isfinite(result)) {
        errno = ERANGE;
    }
    return result;
}

Py_complex
_Py_c_pow(Py_complex a, Py_complex b)
{
    if (b.real == 0.0 && b.imag == 0.0) {
        return (Py_complex){1.0, 0.0};
    }
    if (a.real == 0.0 && a.imag == 0.0) {
        if (b.imag != 0.0 || b.real < 0.0) {
            errno = EDOM;
        }
        return (Py_complex){0.0, 0.0};
    }
    double modulus = hypot(a.real, a.imag);
    double length = pow(modulus, b.real);
    double angle = atan2(a.imag, a.real);
    double phase = angle * b.real;
    if (b.imag != 0.0) {
        length *= exp(-angle * b.imag);
        phase += b.imag * log(modulus);
    }
    Py_complex r = {length * cos(phase), length * sin(phase)};
    if (isinf(r.real) || isinf(r.imag)) {
        errno = ERANGE;
    }
    return r;
}
