/* What code made by CPython's Argument Clinic calls: arguments are taken from a row, without a format. Private to CPython, but modules
 * that its own tests bring, and others that were made with its tools, are full of it. */
#include "getargs.h"

#include <fcntl.h>

void
_PyArg_BadArgument(const char *function, const char *what, const char *expected, PyObject *arg)
{
    PyErr_Format(PyExc_TypeError, "%.200s() %.200s must be %.50s, not %.50s", function, what, expected,
                 arg == Py_None ? "None" : Py_TYPE(arg)->tp_name);
}

int
_PyArg_CheckPositional(const char *name, Py_ssize_t nargs, Py_ssize_t min, Py_ssize_t max)
{
    if (min <= nargs && nargs <= max) {
        return 1;
    }
    Py_ssize_t wanted = nargs < min ? min : max;
    const char *about = min == max ? "" : nargs < min ? "at least " : "at most ";
    if (name != NULL) {
        PyErr_Format(PyExc_TypeError, "%.200s expected %s%zd argument%s, got %zd", name, about, wanted,
                     PLURAL(wanted), nargs);
    }
    else {
        PyErr_Format(PyExc_TypeError, "unpacked tuple should have %s%zd element%s, but has %zd", about, wanted,
                     PLURAL(wanted), nargs);
    }
    return 0;
}

int
_PyArg_NoKeywords(const char *function, PyObject *kwargs)
{
    if (kwargs == NULL) {
        return 1;
    }
    if (!PyDict_CheckExact(kwargs)) {
        PyErr_BadInternalCall();
        return 0;
    }
    if (PyDict_GET_SIZE(kwargs) == 0) {
        return 1;
    }
    PyErr_Format(PyExc_TypeError, "%.200s() takes no keyword arguments", function);
    return 0;
}

int
_PyArg_NoPositional(const char *function, PyObject *args)
{
    if (args == NULL) {
        return 1;
    }
    if (!PyTuple_CheckExact(args)) {
        PyErr_BadInternalCall();
        return 0;
    }
    if (PyTuple_GET_SIZE(args) == 0) {
        return 1;
    }
    PyErr_Format(PyExc_TypeError, "%.200s() takes no positional arguments", function);
    return 0;
}

/* --- keywords ------------------------------------------------------------------------------------ */

/* A call whose arguments are sorted into a row by name. */
typedef struct {
    PyObject *const *args;
    Py_ssize_t nargs;
    /* A dict, or names whose values follow the positional arguments, or neither. */
    PyObject *kwargs, *kwnames;
    const char *function;
    const char *const *keywords;
    /* How many keywords are "", and how many there are. */
    int positional_only, total;
} Call;

static Py_ssize_t
count_keywords(const Call *c)
{
    return c->kwargs != NULL ? PyDict_GET_SIZE(c->kwargs) : c->kwnames != NULL ? PyTuple_GET_SIZE(c->kwnames) : 0;
}

/* The argument of this name: a borrowed reference; NULL without an exception if there is none. */
static int
find_by_name(const Call *c, const char *keyword, PyObject **arg)
{
    *arg = NULL;
    if (c->kwargs != NULL) {
        int found = PyDict_GetItemStringRef(c->kwargs, keyword, arg);
        Py_XDECREF(*arg); /* the dict has it */
        return found >= 0;
    }
    for (Py_ssize_t i = 0; i < count_keywords(c); i++) {
        PyObject *name = PyTuple_GET_ITEM(c->kwnames, i);
        if (PyUnicode_Check(name) && PyUnicode_EqualToUTF8(name, keyword)) {
            *arg = c->args[c->nargs + i];
            break;
        }
    }
    return 1;
}

/* Raises about a name that is none of the parameters'. */
static void
raise_unexpected(const Call *c, PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "keywords must be strings");
        return;
    }
    for (int i = c->positional_only; i < c->total; i++) {
        if (PyUnicode_EqualToUTF8(name, c->keywords[i])) {
            return;
        }
    }
    PyErr_Format(PyExc_TypeError, "%.200s%s got an unexpected keyword argument '%S'",
                 c->function == NULL ? "this function" : c->function, c->function == NULL ? "" : "()", name);
}

/* Raises about a keyword argument that is left over. */
static void
raise_leftover(const Call *c, Py_ssize_t positional)
{
    for (int i = c->positional_only; i < positional; i++) {
        PyObject *arg;
        if (!find_by_name(c, c->keywords[i], &arg)) {
            return;
        }
        if (arg != NULL) {
            PyErr_Format(PyExc_TypeError, "argument for %.200s%s given by name ('%s') and position (%d)",
                         NAME_OF(c->function), c->keywords[i], i + 1);
            return;
        }
    }
    PyObject *name;
    Py_ssize_t position = 0;
    if (c->kwargs != NULL) {
        while (!PyErr_Occurred() && PyDict_Next(c->kwargs, &position, &name, NULL)) {
            raise_unexpected(c, name);
        }
    }
    for (Py_ssize_t i = 0; c->kwargs == NULL && !PyErr_Occurred() && i < count_keywords(c); i++) {
        raise_unexpected(c, PyTuple_GET_ITEM(c->kwnames, i));
    }
    if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "invalid keyword argument for %.200s%s", c->function == NULL ? "this function" : c->function,
                     c->function == NULL ? "" : "()");
    }
}

/* Whether there are neither too many arguments nor too few that have no names; or raises. */
static int
check_numbers(const Call *c, int minpos, int maxpos, int varpos)
{
    Py_ssize_t given = c->nargs + count_keywords(c);
    int wanted = Py_MIN(c->positional_only, minpos);
    if (!varpos && given > c->total) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes at most %d %sargument%s (%zd given)", NAME_OF(c->function),
                     c->total, c->nargs == 0 ? "keyword " : "", PLURAL(c->total), given);
    }
    else if (!varpos && c->nargs > maxpos && maxpos == 0) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes no positional arguments", NAME_OF(c->function));
    }
    else if (!varpos && c->nargs > maxpos) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %d positional argument%s (%zd given)", NAME_OF(c->function),
                     minpos < maxpos ? "at most" : "exactly", maxpos, PLURAL(maxpos), c->nargs);
    }
    else if (c->nargs < wanted) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %d positional argument%s (%zd given)", NAME_OF(c->function),
                     varpos || wanted < maxpos ? "at least" : "exactly", wanted, PLURAL(wanted), c->nargs);
    }
    else {
        return 1;
    }
    return 0;
}

#undef _PyArg_UnpackKeywords

/* The arguments by parameter, in `buf` or where they are: borrowed references, NULL for what was not given; NULL with an exception.
 * `varpos`: more positional arguments than `maxpos` are the caller's matter. `minkw`: required parameters behind `maxpos`. */
PyObject *const *
_PyArg_UnpackKeywords(PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs, PyObject *kwnames,
                      struct _PyArg_Parser *parser, int minpos, int maxpos, int minkw, int varpos, PyObject **buf)
{
    Call c = {.args = args, .nargs = nargs, .kwargs = kwargs, .kwnames = kwnames, .function = parser->fname,
              .keywords = parser->keywords};
    if (kwargs != NULL && !PyDict_Check(kwargs)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    Py_ssize_t left = count_keywords(&c);
    if (left == 0 && minkw == 0 && minpos <= nargs && (varpos || nargs <= maxpos) && args != NULL) {
        return args;
    }
    while (c.keywords[c.positional_only] != NULL && !*c.keywords[c.positional_only]) {
        c.positional_only++;
    }
    for (c.total = c.positional_only; c.keywords[c.total] != NULL; c.total++) {
    }
    if (!check_numbers(&c, minpos, maxpos, varpos)) {
        return NULL;
    }
    int positional = (int)Py_MIN(nargs, maxpos);
    int required = minkw > 0 ? maxpos + minkw : minpos;
    for (int i = 0; i < c.total; i++) {
        buf[i] = i < positional ? args[i] : NULL;
        if (i < positional || i < c.positional_only) {
            continue;
        }
        if (left > 0) {
            if (!find_by_name(&c, c.keywords[i], &buf[i])) {
                return NULL;
            }
            left -= buf[i] != NULL;
        }
        if (buf[i] == NULL && (i < minpos || (maxpos <= i && i < required))) {
            PyErr_Format(PyExc_TypeError, "%.200s%s missing required argument '%s' (pos %i)", NAME_OF(c.function),
                         c.keywords[i], i + 1);
            return NULL;
        }
    }
    if (left > 0) {
        raise_leftover(&c, positional);
        return NULL;
    }
    return buf;
}

/* --- the rest ------------------------------------------------------------------------------------ */

/* What a flag says once its function has succeeded. */
#define DONE 4

/* The GIL keeps others out: what the function runs may come back here, as it may in CPython with the same thread. */
int
_PyOnceFlag_CallOnceSlow(_PyOnceFlag *flag, int (*function)(void *), void *arg)
{
    if (flag->v == DONE) {
        return 0;
    }
    if (function(arg) < 0) {
        return -1;
    }
    flag->v = DONE;
    return 0;
}

int
_Py_IsValidFD(int fd)
{
    return fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

PyObject *
_PyNamespace_New(PyObject *kwds)
{
    PyObject *empty = PyTuple_New(0);
    PyObject *types = empty == NULL ? NULL : PyImport_ImportModule("types");
    PyObject *class = types == NULL ? NULL : PyObject_GetAttrString(types, "SimpleNamespace");
    PyObject *namespace = class == NULL ? NULL : PyObject_Call(class, empty, kwds);
    Py_XDECREF(class);
    Py_XDECREF(types);
    Py_XDECREF(empty);
    return namespace;
}
