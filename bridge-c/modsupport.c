/* Py_BuildValue: values by format; and what is added to modules. */
#include "cape.h"

/* What is left of the format, and of the arguments. */
typedef struct {
    const char *format;
    va_list args;
} Build;

static PyObject *build_one(Build *b);

/* What a character of a format is: 1 is an item (all that is nothing else), OPENS one that begins with a bracket, CLOSES a bracket; 0 is
 * no item. */
#define OPENS 3
#define CLOSES (-2)
static const signed char meanings[256] = {
    [0] = 0, ['('] = OPENS, ['['] = OPENS, ['{'] = OPENS, [')'] = CLOSES, [']'] = CLOSES, ['}'] = CLOSES,
    ['#'] = 0, ['&'] = 0, [','] = 0, [':'] = 0, [' '] = 0, ['\t'] = 0,
    [1 ... 8] = 1, [10 ... 31] = 1, ['!'] = 1, ['"'] = 1, ['$'] = 1, ['%'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-' ... '9'] = 1, [';' ... 'Z'] = 1, ['\\'] = 1, ['^' ... 'z'] = 1, ['|'] = 1, ['~' ... 255] = 1,
};

/* Items up to the closing bracket; -1 with SystemError. */
static Py_ssize_t
count_items(const char *format, char end)
{
    Py_ssize_t count = 0;
    for (int level = 0; level > 0 || *format != end; format++) {
        int meaning = meanings[(unsigned char)*format];
        if (CAPE_UNLIKELY(*format == 0)) {
            PyErr_SetString(PyExc_SystemError, "unmatched paren in format");
            return -1;
        }
        /* (The lowest bit says that it is an item, the others how much deeper it leads.) */
        count += (level == 0) & meaning;
        level += meaning >> 1;
    }
    return count;
}

/* Skips the closing bracket; -1 with SystemError when it is another. */
static int
close_bracket(Build *b, char end)
{
    while (*b->format == ',' || *b->format == ':' || *b->format == ' ' || *b->format == '\t') {
        b->format++;
    }
    if (*b->format != end) {
        PyErr_SetString(PyExc_SystemError, "Unmatched paren in format");
        return -1;
    }
    if (end != 0) {
        b->format++;
    }
    return 0;
}

/* Makes `count` values and drops them, so that the references that "N" gives away are not lost. Keeps the
 * exception that is set. */
static void
drop_items(Build *b, char end, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *exc = PyErr_GetRaisedException();
        PyObject *value = build_one(b);
        PyErr_SetRaisedException(exc);
        Py_XDECREF(value);
    }
    PyObject *exc = PyErr_GetRaisedException();
    close_bracket(b, end);
    PyErr_SetRaisedException(exc);
}

/* Fills `items`, and skips the closing bracket. -1 with an exception: then the items that could not be made are NULL. */
static int
build_items(Build *b, char end, Py_ssize_t count, PyObject **items)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        items[i] = build_one(b);
        if (items[i] == NULL) {
            drop_items(b, end, count - i - 1);
            memset(items + i, 0, (size_t)(count - i) * sizeof(*items));
            return -1;
        }
    }
    return close_bracket(b, end);
}

static PyObject *
build_sequence(Build *b, char end, int list)
{
    Py_ssize_t count = count_items(b->format, end);
    if (count < 0) {
        return NULL;
    }
    PyObject *sequence = list ? PyList_New(count) : PyTuple_New(count);
    if (sequence == NULL) {
        drop_items(b, end, count);
        return NULL;
    }
    PyObject **items = list ? ((PyListObject *)sequence)->ob_item : ((PyTupleObject *)sequence)->ob_item;
    if (build_items(b, end, count, items) < 0) {
        Py_CLEAR(sequence);
    }
    return sequence;
}

static PyObject *
build_dict(Build *b)
{
    Py_ssize_t count = count_items(b->format, '}');
    if (count < 0) {
        return NULL;
    }
    if (count % 2) {
        PyErr_SetString(PyExc_SystemError, "Bad dict format");
        drop_items(b, '}', count);
        return NULL;
    }
    PyObject *dict = PyDict_New();
    if (dict == NULL) {
        drop_items(b, '}', count);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i += 2) {
        PyObject *key = build_one(b);
        if (key == NULL) {
            drop_items(b, '}', count - i - 1);
            Py_DECREF(dict);
            return NULL;
        }
        PyObject *value = build_one(b);
        if (value == NULL || PyDict_SetItem(dict, key, value) < 0) {
            drop_items(b, '}', count - i - 2);
            Py_DECREF(key);
            Py_XDECREF(value);
            Py_DECREF(dict);
            return NULL;
        }
        Py_DECREF(key);
        Py_DECREF(value);
    }
    if (close_bracket(b, '}') < 0) {
        Py_DECREF(dict);
        return NULL;
    }
    return dict;
}

/* Whether a size follows the text; then *size is it, otherwise -1. */
static void
optional_size(Build *b, Py_ssize_t *size)
{
    *size = -1;
    if (*b->format == '#') {
        b->format++;
        *size = va_arg(b->args, Py_ssize_t);
    }
}

static Py_ssize_t
text_size(const char *text, Py_ssize_t size)
{
    if (size >= 0) {
        return size;
    }
    size_t length = strlen(text);
    if (length > PY_SSIZE_T_MAX) {
        PyErr_SetString(PyExc_OverflowError, "string too long for Python string");
        return -1;
    }
    return (Py_ssize_t)length;
}

/* Texts that formats took, by their addresses: most are literals, so what is met at an address a second time is likely the same. The text is
 * compared all the same. Where it was another, the row has no text any more: it is a buffer. */
#define TEXTS 256
static struct {
    const char *address;
    PyObject *text;
} texts[TEXTS];

/* The str of a C string. */
static PyObject *
text_at(const char *u)
{
    uintptr_t at = (uintptr_t)u;
    size_t i = (at ^ at >> 8) % TEXTS;
    int met = texts[i].address == u;
    if (met && texts[i].text != NULL) {
        if (strcmp(u, (const char *)PyUnicode_DATA(texts[i].text)) == 0) {
            return Py_NewRef(texts[i].text);
        }
        Py_CLEAR(texts[i].text);
    }
    Py_ssize_t size = text_size(u, -1);
    PyObject *text = size < 0 ? NULL : PyUnicode_FromStringAndSize(u, size);
    if (!met && text != NULL && size < 64 && PyUnicode_IS_COMPACT_ASCII(text)) {
        texts[i].address = u;
        Py_XSETREF(texts[i].text, Py_NewRef(text));
    }
    return text;
}

static PyObject *
build_object(Build *b, char letter)
{
    if (*b->format == '&') {
        typedef PyObject *(*Converter)(void *);
        Converter convert = va_arg(b->args, Converter);
        void *argument = va_arg(b->args, void *);
        b->format++;
        return convert(argument);
    }
    PyObject *op = va_arg(b->args, PyObject *);
    if (op != NULL) {
        return letter == 'N' ? op : Py_NewRef(op);
    }
    if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_SystemError, "NULL object passed to Py_BuildValue");
    }
    return NULL;
}

static PyObject *
build_one(Build *b)
{
    Py_ssize_t size;
    for (;;) {
        char letter = *b->format++;
        switch (letter) {
        case '(': return build_sequence(b, ')', 0);
        case '[': return build_sequence(b, ']', 1);
        case '{': return build_dict(b);
        case 'b': case 'B': case 'h': case 'i':
            return PyLong_FromLong(va_arg(b->args, int));
        case 'H': case 'I':
            return PyLong_FromUnsignedLong(va_arg(b->args, unsigned int));
        case 'n': return PyLong_FromSsize_t(va_arg(b->args, Py_ssize_t));
        case 'l': return PyLong_FromLong(va_arg(b->args, long));
        case 'k': return PyLong_FromUnsignedLong(va_arg(b->args, unsigned long));
        case 'L': return PyLong_FromLongLong(va_arg(b->args, long long));
        case 'K': return PyLong_FromUnsignedLongLong(va_arg(b->args, unsigned long long));
        case 'p': return PyBool_FromLong(va_arg(b->args, int));
        case 'f': case 'd':
            return PyFloat_FromDouble(va_arg(b->args, double));
        case 'D': return PyComplex_FromCComplex(*va_arg(b->args, Py_complex *));
        case 'c': {
            char c = (char)va_arg(b->args, int);
            return PyBytes_FromStringAndSize(&c, 1);
        }
        case 'C': return PyUnicode_FromOrdinal(va_arg(b->args, int));
        case 'u': {
            const wchar_t *text = va_arg(b->args, const wchar_t *);
            optional_size(b, &size);
            return text == NULL ? Py_NewRef(Py_None) : PyUnicode_FromWideChar(text, size);
        }
        case 's': case 'z': case 'U': case 'y': {
            const char *text = va_arg(b->args, const char *);
            optional_size(b, &size);
            if (text == NULL) {
                return Py_NewRef(Py_None);
            }
            if (size < 0 && letter != 'y') {
                return text_at(text);
            }
            size = text_size(text, size);
            if (size < 0) {
                return NULL;
            }
            return letter == 'y' ? PyBytes_FromStringAndSize(text, size)
                                 : PyUnicode_FromStringAndSize(text, size);
        }
        case 'N': case 'S': case 'O':
            return build_object(b, letter);
        case ':': case ',': case ' ': case '\t':
            continue;
        default:
            PyErr_SetString(PyExc_SystemError, "bad format char passed to Py_BuildValue");
            return NULL;
        }
    }
}

PyObject *
Py_VaBuildValue(const char *format, va_list vargs)
{
    Py_ssize_t count = count_items(format, 0);
    if (count < 0) {
        return NULL;
    }
    if (count == 0) {
        return Py_NewRef(Py_None);
    }
    Build b;
    b.format = format;
    cape_va_copy(b.args, vargs);
    PyObject *value = count == 1 ? build_one(&b) : build_sequence(&b, 0, 0);
    va_end(b.args);
    return value;
}

PyObject *
cape_build_arguments(const char *format, va_list vargs)
{
    Build b;
    b.format = format;
    cape_va_copy(b.args, vargs);
    PyObject *value = build_sequence(&b, 0, 0);
    va_end(b.args);
    return value;
}

Py_ssize_t
cape_count_values(const char *format)
{
    return format == NULL ? 0 : count_items(format, 0);
}

int
cape_build_values(const char *format, va_list vargs, Py_ssize_t count, PyObject **values)
{
    Build b;
    b.format = format;
    cape_va_copy(b.args, vargs);
    int status = build_items(&b, 0, count, values);
    va_end(b.args);
    return status;
}

PyObject *
_Py_VaBuildValue_SizeT(const char *format, va_list vargs)
{
    return Py_VaBuildValue(format, vargs);
}

#define BUILD(NAME) \
    PyObject * \
    NAME(const char *format, ...) \
    { \
        va_list vargs; \
        va_start(vargs, format); \
        PyObject *value = Py_VaBuildValue(format, vargs); \
        va_end(vargs); \
        return value; \
    }

BUILD(Py_BuildValue)
BUILD(_Py_BuildValue_SizeT)

/* --- modules ------------------------------------------------------------------------------------- */

int
PyModule_AddObjectRef(PyObject *module, const char *name, PyObject *value)
{
    if (!PyModule_Check(module)) {
        PyErr_SetString(PyExc_TypeError, "PyModule_AddObjectRef() first argument must be a module");
        return -1;
    }
    if (value == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_SystemError,
                            "PyModule_AddObjectRef() must be called with an exception raised if "
                            "value is NULL");
        }
        return -1;
    }
    PyObject *dict = PyModule_GetDict(module);
    if (dict == NULL) {
        PyErr_Format(PyExc_SystemError, "module '%s' has no __dict__", PyModule_GetName(module));
        return -1;
    }
    return PyDict_SetItemString(dict, name, value);
}

/* Steals `value`, always. */
int
PyModule_Add(PyObject *module, const char *name, PyObject *value)
{
    int status = PyModule_AddObjectRef(module, name, value);
    Py_XDECREF(value);
    return status;
}

/* Steals `value` when it succeeds. */
int
PyModule_AddObject(PyObject *module, const char *name, PyObject *value)
{
    int status = PyModule_AddObjectRef(module, name, value);
    if (status == 0) {
        Py_DECREF(value);
    }
    return status;
}

int
PyModule_AddIntConstant(PyObject *module, const char *name, long value)
{
    return PyModule_Add(module, name, PyLong_FromLong(value));
}

int
PyModule_AddStringConstant(PyObject *module, const char *name, const char *value)
{
    return PyModule_Add(module, name, PyUnicode_FromString(value));
}

int
PyModule_AddType(PyObject *module, PyTypeObject *type)
{
    if (PyType_Ready(type) < 0) {
        return -1;
    }
    return PyModule_AddObjectRef(module, _PyType_Name(type), (PyObject *)type);
}
