/* PyArg_Parse*: the arguments of a C function by format. The units are in getargs_units.c. */
#include "getargs.h"

/* Raises what a conversion said about argument `index` (0: the only one). */
static void
raise_conversion(Parse *p, Py_ssize_t index, const char *text, const char *function,
                 const char *custom)
{
    char buffer[512];
    if (PyErr_Occurred()) {
        return;
    }
    if (custom == NULL) {
        int length = 0;
        if (function != NULL) {
            length += PyOS_snprintf(buffer, sizeof(buffer), "%.200s() ", function);
        }
        if (index != 0) {
            length += PyOS_snprintf(buffer + length, sizeof(buffer) - (size_t)length, "argument %zd", index);
            for (int i = 0; i < MAX_NESTING && p->levels[i] > 0 && length < 220; i++) {
                length += PyOS_snprintf(buffer + length, sizeof(buffer) - (size_t)length, ", item %d",
                                        p->levels[i] - 1);
            }
        }
        else {
            length += PyOS_snprintf(buffer + length, sizeof(buffer) - (size_t)length, "argument");
        }
        PyOS_snprintf(buffer + length, sizeof(buffer) - (size_t)length, " %.256s", text);
        custom = buffer;
    }
    PyErr_SetString(text[0] == '(' ? PyExc_SystemError : PyExc_TypeError, custom);
}

/* --- positional arguments ------------------------------------------------------------------------ */

/* What the whole format says. */
typedef struct {
    int min, max;
    const char *function;  /* behind ':' */
    const char *message;   /* behind ';' */
} Shape;

static void
read_shape(const char *format, Shape *shape)
{
    int level = 0;
    memset(shape, 0, sizeof(*shape));
    shape->min = -1;
    for (int end = 0; !end;) {
        char c = *format++;
        switch (c) {
        case '(':
            shape->max += level == 0;
            if (++level >= 30) {
                Py_FatalError("too many tuple nesting levels in argument format string");
            }
            break;
        case ')':
            if (level-- == 0) {
                Py_FatalError("excess ')' in getargs format");
            }
            break;
        case 0:
            end = 1;
            break;
        case ':':
            shape->function = format;
            end = 1;
            break;
        case ';':
            shape->message = format;
            end = 1;
            break;
        case '|':
            if (level == 0) {
                shape->min = shape->max;
            }
            break;
        default:
            if (level == 0 && Py_ISALPHA(c) && c != 'e') {
                shape->max++;
            }
        }
    }
    if (level != 0) {
        Py_FatalError("missing ')' in getargs format");
    }
    if (shape->min < 0) {
        shape->min = shape->max;
    }
}

/* Arguments in a row. */
static int
parse_row(PyObject *const *args, Py_ssize_t given, const char *format, va_list vargs)
{
    Parse p;
    Shape shape;
    read_shape(format, &shape);
    cape_parse_begin(&p, format, vargs);
    if (given < shape.min || shape.max < given) {
        int wanted = given < shape.min ? shape.min : shape.max;
        if (shape.message == NULL) {
            PyErr_Format(PyExc_TypeError, "%.150s%s takes %s %d argument%s (%zd given)",
                         NAME_OF(shape.function),
                         shape.min == shape.max ? "exactly" : given < shape.min ? "at least" : "at most",
                         wanted, PLURAL(wanted), given);
        }
        else {
            PyErr_SetString(PyExc_TypeError, shape.message);
        }
        return cape_parse_finish(&p, 0);
    }
    for (Py_ssize_t i = 0; i < given; i++) {
        if (*p.format == '|') {
            p.format++;
        }
        const char *failure = cape_parse_item(&p, args[i], 0);
        if (failure != NULL) {
            raise_conversion(&p, i + 1, failure, shape.function, shape.message);
            return cape_parse_finish(&p, 0);
        }
    }
    if (*p.format != 0 && !Py_ISALPHA(*p.format) && strchr("(|:;", *p.format) == NULL) {
        PyErr_Format(PyExc_SystemError, "bad format string: %.200s", format);
        return cape_parse_finish(&p, 0);
    }
    return cape_parse_finish(&p, 1);
}

static int
parse_tuple(PyObject *args, const char *format, va_list vargs)
{
    if (args == NULL || !PyTuple_Check(args)) {
        PyErr_SetString(PyExc_SystemError, "new style getargs format but argument is not a tuple");
        return 0;
    }
    return parse_row(&PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args), format, vargs);
}

/* One object, not a tuple of arguments. */
static int
parse_single(PyObject *arg, const char *format, va_list vargs)
{
    Shape shape;
    read_shape(format, &shape);
    if (shape.max == 0) {
        if (arg == NULL) {
            return 1;
        }
        PyErr_Format(PyExc_TypeError, "%.200s%s takes no arguments", NAME_OF(shape.function));
        return 0;
    }
    if (shape.min != 1 || shape.max != 1) {
        PyErr_SetString(PyExc_SystemError, "old style getargs format uses new features");
        return 0;
    }
    if (arg == NULL) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes at least one argument", NAME_OF(shape.function));
        return 0;
    }
    Parse p;
    cape_parse_begin(&p, format, vargs);
    const char *failure = cape_parse_item(&p, arg, 0);
    if (failure != NULL) {
        Py_ssize_t index = p.levels[0];
        memmove(p.levels, p.levels + 1, sizeof(p.levels) - sizeof(p.levels[0]));
        raise_conversion(&p, index, failure, shape.function, shape.message);
    }
    return cape_parse_finish(&p, failure == NULL);
}

/* --- keyword arguments --------------------------------------------------------------------------- */

#define AT_END(c) ((c) == 0 || (c) == ';' || (c) == ':')

/* What parse_keywords knows while it goes through the format. */
typedef struct {
    Parse p;
    PyObject *args, *kwargs;
    const char *const *keywords;
    int positional_only;    /* how many keywords are "" */
    int total;
    Py_ssize_t nargs, nkwargs;
    int min, max;           /* where | and $ stand; INT_MAX: not yet */
    int missing_positional; /* a positional-only argument is missing */
    const char *function, *message;
} Keywords;

/* | and $ in front of parameter i; false with an exception. */
static int
read_marks(Keywords *k, int i)
{
    const char *mistake = NULL;
    if (*k->p.format == '|') {
        mistake = k->min != INT_MAX ? "Invalid format string (| specified twice)"
                  : k->max != INT_MAX ? "Invalid format string ($ before |)" : NULL;
        k->min = i;
        k->p.format++;
    }
    if (mistake == NULL && *k->p.format == '$') {
        mistake = k->max != INT_MAX ? "Invalid format string ($ specified twice)"
                  : i < k->positional_only ? "Empty parameter name after $" : NULL;
        k->max = i;
        k->p.format++;
        if (mistake == NULL && !k->missing_positional && k->max == 0 && k->nargs > 0) {
            PyErr_Format(PyExc_TypeError, "%.200s%s takes no positional arguments", NAME_OF(k->function));
            return 0;
        }
        if (mistake == NULL && !k->missing_positional && k->max < k->nargs) {
            PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %d positional argument%s (%zd given)",
                         NAME_OF(k->function), k->min != INT_MAX ? "at most" : "exactly", k->max,
                         PLURAL(k->max), k->nargs);
            return 0;
        }
    }
    if (mistake != NULL) {
        PyErr_SetString(PyExc_SystemError, mistake);
        return 0;
    }
    return 1;
}

/* Argument i: a new reference, NULL when it was not given; false with an exception. */
static int
find_argument(Keywords *k, int i, PyObject **arg)
{
    *arg = NULL;
    if (i < k->nargs) {
        *arg = Py_NewRef(PyTuple_GET_ITEM(k->args, i));
    }
    else if (k->nkwargs > 0 && i >= k->positional_only) {
        if (PyDict_GetItemStringRef(k->kwargs, k->keywords[i], arg) < 0) {
            return 0;
        }
        k->nkwargs -= *arg != NULL;
    }
    return 1;
}

/* Raises about a keyword argument that is left over. */
static void
raise_leftover(Keywords *k)
{
    for (int i = k->positional_only; i < k->nargs; i++) {
        PyObject *arg;
        if (PyDict_GetItemStringRef(k->kwargs, k->keywords[i], &arg) < 0) {
            return;
        }
        if (arg != NULL) {
            Py_DECREF(arg);
            PyErr_Format(PyExc_TypeError,
                         "argument for %.200s%s given by name ('%s') and position (%d)",
                         NAME_OF(k->function), k->keywords[i], i + 1);
            return;
        }
    }
    PyObject *key;
    Py_ssize_t position = 0;
    while (PyDict_Next(k->kwargs, &position, &key, NULL)) {
        if (!PyUnicode_Check(key)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            return;
        }
        int known = 0;
        for (int i = k->positional_only; i < k->total && !known; i++) {
            known = PyUnicode_EqualToUTF8(key, k->keywords[i]);
        }
        if (!known) {
            PyErr_Format(PyExc_TypeError, "%.200s%s got an unexpected keyword argument '%S'",
                         k->function == NULL ? "this function" : k->function,
                         k->function == NULL ? "" : "()", key);
            return;
        }
    }
    PyErr_Format(PyExc_TypeError, "invalid keyword argument for %.200s%s", k->function == NULL ? "this function" : k->function,
                 k->function == NULL ? "" : "()");
}

/* Goes through the parameters: 1 done, 0 failed, -1 all parameters seen. */
static int
convert_parameters(Keywords *k, int *seen)
{
    int i;
    for (i = 0; i < k->total; i++) {
        if (!read_marks(k, i)) {
            return 0;
        }
        if (k->missing_positional && k->max != INT_MAX) {
            break;
        }
        if (AT_END(*k->p.format)) {
            PyErr_Format(PyExc_SystemError,
                         "More keyword list entries (%d) than format specifiers (%d)", k->total, i);
            return 0;
        }
        if (!k->missing_positional) {
            PyObject *arg;
            if (!find_argument(k, i, &arg)) {
                return 0;
            }
            if (arg != NULL) {
                const char *failure = cape_parse_item(&k->p, arg, 0);
                Py_DECREF(arg);
                if (failure != NULL) {
                    raise_conversion(&k->p, i + 1, failure, k->function, k->message);
                    return 0;
                }
                continue;
            }
            if (i < k->min) {
                if (i >= k->positional_only) {
                    PyErr_Format(PyExc_TypeError, "%.200s%s missing required argument '%s' (pos %i)",
                                 NAME_OF(k->function), k->keywords[i], i + 1);
                    return 0;
                }
                /* How many there should be is known when | or $ is seen. */
                k->missing_positional = 1;
            }
            if (k->nkwargs == 0 && !k->missing_positional) {
                return 1;
            }
        }
        const char *unit = k->p.format;
        const char *mistake = cape_parse_skip(&k->p);
        if (mistake != NULL) {
            PyErr_Format(PyExc_SystemError, "%s: '%s'", mistake, unit);
            return 0;
        }
    }
    *seen = i;
    return -1;
}

static int
parse_keywords(PyObject *args, PyObject *kwargs, const char *format, const char *const *keywords,
               const char *function, const char *message, va_list vargs)
{
    if (args == NULL || !PyTuple_Check(args) || (kwargs != NULL && !PyDict_Check(kwargs))
        || format == NULL || keywords == NULL) {
        PyErr_BadInternalCall();
        return 0;
    }
    Keywords k = {.args = args, .kwargs = kwargs, .keywords = keywords, .min = INT_MAX, .max = INT_MAX,
                  .function = function, .message = message};
    while (keywords[k.positional_only] != NULL && !*keywords[k.positional_only]) {
        k.positional_only++;
    }
    for (k.total = k.positional_only; keywords[k.total] != NULL; k.total++) {
        if (!*keywords[k.total]) {
            PyErr_SetString(PyExc_SystemError, "Empty keyword parameter name");
            return 0;
        }
    }
    k.nargs = PyTuple_GET_SIZE(args);
    k.nkwargs = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs);
    if (k.nargs + k.nkwargs > k.total) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %d %sargument%s (%zd given)",
                     NAME_OF(k.function), "at most", k.total, k.nargs == 0 ? "keyword " : "",
                     PLURAL(k.total), k.nargs + k.nkwargs);
        return 0;
    }
    cape_parse_begin(&k.p, format, vargs);
    int seen = 0;
    int status = convert_parameters(&k, &seen);
    if (status >= 0) {
        return cape_parse_finish(&k.p, status);
    }
    if (k.missing_positional) {
        int wanted = Py_MIN(k.positional_only, k.min);
        PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %d positional argument%s (%zd given)",
                     NAME_OF(k.function), wanted < seen ? "at least" : "exactly", wanted, PLURAL(wanted),
                     k.nargs);
        return cape_parse_finish(&k.p, 0);
    }
    if (!AT_END(*k.p.format) && *k.p.format != '|' && *k.p.format != '$') {
        PyErr_Format(PyExc_SystemError,
                     "more argument specifiers than keyword list entries (remaining format:'%s')",
                     k.p.format);
        return cape_parse_finish(&k.p, 0);
    }
    if (k.nkwargs > 0) {
        raise_leftover(&k);
        return cape_parse_finish(&k.p, 0);
    }
    return cape_parse_finish(&k.p, 1);
}

/* Takes name and message from the format. */
static int
parse_keywords_format(PyObject *args, PyObject *kwargs, const char *format, char *const *keywords,
                      va_list vargs)
{
    const char *function = NULL, *message = NULL;
    if (format != NULL) {
        function = strchr(format, ':');
        if (function != NULL) {
            function++;
        }
        else {
            message = strchr(format, ';');
            message = message == NULL ? NULL : message + 1;
        }
    }
    return parse_keywords(args, kwargs, format, (const char *const *)keywords, function, message, vargs);
}

/* --- the functions ------------------------------------------------------------------------------- */

#define VARIADIC(NAME, PARAMS, LAST, CALL) \
    int \
    NAME PARAMS \
    { \
        va_list vargs; \
        va_start(vargs, LAST); \
        int success = CALL; \
        va_end(vargs); \
        return success; \
    }

VARIADIC(PyArg_ParseTuple, (PyObject *args, const char *format, ...), format,
         parse_tuple(args, format, vargs))
VARIADIC(_PyArg_ParseTuple_SizeT, (PyObject *args, const char *format, ...), format,
         parse_tuple(args, format, vargs))
VARIADIC(PyArg_Parse, (PyObject *arg, const char *format, ...), format,
         parse_single(arg, format, vargs))
VARIADIC(_PyArg_Parse_SizeT, (PyObject *arg, const char *format, ...), format,
         parse_single(arg, format, vargs))
#define KEYWORD_PARAMS \
    (PyObject *args, PyObject *kwargs, const char *format, PY_CXX_CONST char *const *keywords, ...)
VARIADIC(PyArg_ParseTupleAndKeywords, KEYWORD_PARAMS, keywords,
         parse_keywords_format(args, kwargs, format, keywords, vargs))
VARIADIC(_PyArg_ParseTupleAndKeywords_SizeT, KEYWORD_PARAMS, keywords,
         parse_keywords_format(args, kwargs, format, keywords, vargs))

VARIADIC(_PyArg_ParseStack, (PyObject *const *args, Py_ssize_t nargs, const char *format, ...), format,
         parse_row(args, nargs, format, vargs))

int
PyArg_VaParse(PyObject *args, const char *format, va_list vargs)
{
    return parse_tuple(args, format, vargs);
}

int
_PyArg_VaParse_SizeT(PyObject *args, const char *format, va_list vargs)
{
    return parse_tuple(args, format, vargs);
}

int
PyArg_VaParseTupleAndKeywords(PyObject *args, PyObject *kwargs, const char *format,
                              char *const *keywords, va_list vargs)
{
    return parse_keywords_format(args, kwargs, format, keywords, vargs);
}

int
_PyArg_VaParseTupleAndKeywords_SizeT(PyObject *args, PyObject *kwargs, const char *format,
                                     char *const *keywords, va_list vargs)
{
    return parse_keywords_format(args, kwargs, format, keywords, vargs);
}

/* As a parser of keywords says. */
static int
parse_by_parser(PyObject *args, PyObject *kwargs, struct _PyArg_Parser *parser, va_list vargs)
{
    const char *format = parser->format;
    const char *function = parser->fname, *message = parser->custom_msg;
    if (function == NULL && message == NULL) {
        function = strchr(format, ':');
        function = function == NULL ? NULL : function + 1;
        if (function == NULL) {
            message = strchr(format, ';');
            message = message == NULL ? NULL : message + 1;
        }
    }
    return parse_keywords(args, kwargs, format, parser->keywords, function, message, vargs);
}

VARIADIC(_PyArg_ParseTupleAndKeywordsFast, (PyObject *args, PyObject *kwargs, struct _PyArg_Parser *parser, ...),
         parser, parse_by_parser(args, kwargs, parser, vargs))

/* Positional arguments in a row, then the values of `kwnames`. */
static int
parse_stack(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, struct _PyArg_Parser *parser, va_list vargs)
{
    PyObject *positional = cape_tuple_from_array(args, nargs);
    PyObject *kwargs = NULL;
    int success = positional != NULL;
    if (success && kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0) {
        kwargs = PyDict_New();
        success = kwargs != NULL;
        for (Py_ssize_t i = 0; success && i < PyTuple_GET_SIZE(kwnames); i++) {
            success = PyDict_SetItem(kwargs, PyTuple_GET_ITEM(kwnames, i), args[nargs + i]) == 0;
        }
    }
    success = success && parse_by_parser(positional, kwargs, parser, vargs);
    Py_XDECREF(positional);
    Py_XDECREF(kwargs);
    return success;
}

VARIADIC(_PyArg_ParseStackAndKeywords,
         (PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, struct _PyArg_Parser *parser, ...), parser,
         parse_stack(args, nargs, kwnames, parser, vargs))

int
PyArg_ValidateKeywordArguments(PyObject *kwargs)
{
    if (!PyDict_Check(kwargs)) {
        PyErr_BadInternalCall();
        return 0;
    }
    PyObject *key;
    Py_ssize_t position = 0;
    while (PyDict_Next(kwargs, &position, &key, NULL)) {
        if (!PyUnicode_Check(key)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            return 0;
        }
    }
    return 1;
}

/* The wrong number of arguments for PyArg_UnpackTuple. */
static void
raise_count(const char *name, const char *bound, Py_ssize_t wanted, Py_ssize_t given)
{
    if (name != NULL) {
        PyErr_Format(PyExc_TypeError, "%.200s expected %s%zd argument%s, got %zd", name, bound, wanted,
                     PLURAL(wanted), given);
    }
    else {
        PyErr_Format(PyExc_TypeError, "unpacked tuple should have %s%zd element%s, but has %zd", bound,
                     wanted, PLURAL(wanted), given);
    }
}

int
PyArg_UnpackTuple(PyObject *args, const char *name, Py_ssize_t min, Py_ssize_t max, ...)
{
    if (!PyTuple_Check(args)) {
        PyErr_SetString(PyExc_SystemError, "PyArg_UnpackTuple() argument list is not a tuple");
        return 0;
    }
    Py_ssize_t given = PyTuple_GET_SIZE(args);
    if (given < min) {
        raise_count(name, min == max ? "" : "at least ", min, given);
        return 0;
    }
    if (given > max) {
        raise_count(name, min == max ? "" : "at most ", max, given);
        return 0;
    }
    va_list vargs;
    va_start(vargs, max);
    for (Py_ssize_t i = 0; i < given; i++) {
        *va_arg(vargs, PyObject **) = PyTuple_GET_ITEM(args, i);
    }
    va_end(vargs);
    return 1;
}
