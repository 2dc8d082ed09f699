/* Properties of single characters: what the methods of str say of them. */
#include "cape.h"

/* ch.name(); a new reference or NULL. The error indicator stays as it was. */
static PyObject *
ask(Py_UCS4 ch, const char *method)
{
    PyObject *before = PyErr_GetRaisedException();
    PyObject *text = ch > 0x10ffff ? NULL : PyUnicode_FromOrdinal((int)ch);
    PyObject *answer = text == NULL ? NULL : PyObject_CallMethod(text, method, NULL);
    Py_XDECREF(text);
    PyErr_SetRaisedException(before);
    return answer;
}

#define PROPERTY(FUNCTION, METHOD) \
    int \
    FUNCTION(Py_UCS4 ch) \
    { \
        PyObject *answer = ask(ch, METHOD); \
        Py_XDECREF(answer);  /* a singleton */ \
        return answer == Py_True; \
    }

PROPERTY(_PyUnicode_IsAlpha, "isalpha")
PROPERTY(_PyUnicode_IsDecimalDigit, "isdecimal")
PROPERTY(_PyUnicode_IsDigit, "isdigit")
PROPERTY(_PyUnicode_IsNumeric, "isnumeric")
PROPERTY(_PyUnicode_IsLowercase, "islower")
PROPERTY(_PyUnicode_IsPrintable, "isprintable")

/* Not what istitle says: that is true of capital letters too. */
int
_PyUnicode_IsTitlecase(Py_UCS4 ch)
{
    return ch == 0x1c5 || ch == 0x1c8 || ch == 0x1cb || ch == 0x1f2 || (ch >= 0x1f88 && ch <= 0x1f8f)
           || (ch >= 0x1f98 && ch <= 0x1f9f) || (ch >= 0x1fa8 && ch <= 0x1faf) || ch == 0x1fbc || ch == 0x1fcc || ch == 0x1ffc;
}

PROPERTY(_PyUnicode_IsUppercase, "isupper")

int
_PyUnicode_IsLinebreak(Py_UCS4 ch)
{
    return (ch >= 0x0a && ch <= 0x0d) || (ch >= 0x1c && ch <= 0x1e) || ch == 0x85 || ch == 0x2028 || ch == 0x2029;
}

/* The first character of the mapped text. */
static Py_UCS4
mapped(Py_UCS4 ch, const char *method)
{
    PyObject *text = ask(ch, method);
    Py_UCS4 first = text == NULL || PyUnicode_GET_LENGTH(text) == 0 ? ch : PyUnicode_READ_CHAR(text, 0);
    Py_XDECREF(text);
    return first;
}

Py_UCS4
_PyUnicode_ToLowercase(Py_UCS4 ch)
{
    return mapped(ch, "lower");
}

Py_UCS4
_PyUnicode_ToUppercase(Py_UCS4 ch)
{
    return mapped(ch, "upper");
}

Py_UCS4
_PyUnicode_ToTitlecase(Py_UCS4 ch)
{
    return mapped(ch, "title");
}

/* unicodedata.function(ch, default); -1 for what has no such value. */
static double
value_of(Py_UCS4 ch, const char *function)
{
    PyObject *before = PyErr_GetRaisedException();
    PyObject *text = ch > 0x10ffff ? NULL : PyUnicode_FromOrdinal((int)ch);
    PyObject *answer = text == NULL ? NULL : cape_call_module("unicodedata", function, Py_BuildValue("(Ni)", text, -1));
    double value = answer == NULL ? -1.0 : PyFloat_AsDouble(answer);
    Py_XDECREF(answer);
    PyErr_SetRaisedException(before);
    return value;
}

int
_PyUnicode_ToDecimalDigit(Py_UCS4 ch)
{
    return (int)value_of(ch, "decimal");
}

int
_PyUnicode_ToDigit(Py_UCS4 ch)
{
    return (int)value_of(ch, "digit");
}

double
_PyUnicode_ToNumeric(Py_UCS4 ch)
{
    return value_of(ch, "numeric");
}

/* --- codecs by mapping ------------------------------------------------------------------------------- */

/* The first item of a codec's answer, which is taken. */
static PyObject *
first_of(PyObject *answer)
{
    PyObject *first = answer == NULL ? NULL : Py_XNewRef(PyTuple_GetItem(answer, 0));
    Py_XDECREF(answer);
    return first;
}

/* NULL is Latin-1, which the module calls None; false with TypeError for None itself. */
static int
is_mapping(PyObject *mapping)
{
    if (mapping == Py_None) {
        PyErr_SetString(PyExc_TypeError, "'NoneType' object is not subscriptable");
    }
    return mapping != Py_None;
}

PyObject *
PyUnicode_DecodeCharmap(const char *string, Py_ssize_t length, PyObject *mapping, const char *errors)
{
    if (length < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyUnicode_New");
        return NULL;
    }
    if ((size_t)length > (size_t)1 << 56) {
        return PyErr_NoMemory();
    }
    if (!is_mapping(mapping)) {
        return NULL;
    }
    PyObject *handler = PyUnicode_DecodeUTF8(errors == NULL ? "strict" : errors, errors == NULL ? 6 : (Py_ssize_t)strlen(errors),
                                             "replace");
    return handler == NULL ? NULL
           : first_of(cape_call_module("_codecs", "charmap_decode",
                                       Py_BuildValue("(y#NO)", string, length, handler, mapping == NULL ? Py_None : mapping)));
}

PyObject *
PyUnicode_AsCharmapString(PyObject *unicode, PyObject *mapping)
{
    if (!PyUnicode_Check(unicode) || mapping == NULL) {
        PyErr_BadArgument();
        return NULL;
    }
    return !is_mapping(mapping) ? NULL : first_of(cape_call_module("_codecs", "charmap_encode", Py_BuildValue("(OzO)", unicode, NULL, mapping)));
}

PyObject *
PyUnicode_BuildEncodingMap(PyObject *string)
{
    if (!PyUnicode_Check(string)) {
        PyErr_BadArgument();
        return NULL;
    }
    return cape_call_module("_codecs", "charmap_build", PyTuple_Pack(1, string));
}
