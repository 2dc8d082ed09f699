/* Options of the interpreter by their names, where sys has them. */
#include "cape.h"

enum { TEXT, TEXT_OR_NONE, TEXTS, DICT, NUMBER, BOOL };
/* Where an option is: an attribute of sys, of sys.flags (or what says the contrary), what a function of sys answers, or what an option -X denies. */
enum { ATTRIBUTE, FLAG, NO_FLAG, FUNCTION, NO_OPTION };

typedef struct {
    const char *name;
    int kind;
    int place;
    const char *source;
    /* An attribute of sys that can be set, and works at once; for FUNCTION, the function that sets it. NULL: cannot. */
    const char *setter;
} Option;

#define OF_SYS(NAME, KIND, SOURCE) {NAME, KIND, ATTRIBUTE, SOURCE, SOURCE}
#define OF_FLAGS(NAME, KIND, SOURCE) {NAME, KIND, FLAG, SOURCE, NULL}

static const Option options[] = {
    OF_SYS("argv", TEXTS, "argv"),
    OF_SYS("base_exec_prefix", TEXT, "base_exec_prefix"),
    OF_SYS("base_executable", TEXT_OR_NONE, "_base_executable"),
    OF_SYS("base_prefix", TEXT, "base_prefix"),
    OF_FLAGS("bytes_warning", NUMBER, "bytes_warning"),
    {"code_debug_ranges", BOOL, NO_OPTION, "no_debug_ranges", NULL},
    OF_FLAGS("context_aware_warnings", NUMBER, "context_aware_warnings"),
    OF_FLAGS("dev_mode", BOOL, "dev_mode"),
    OF_SYS("exec_prefix", TEXT, "exec_prefix"),
    OF_SYS("executable", TEXT_OR_NONE, "executable"),
    {"filesystem_encoding", TEXT, FUNCTION, "getfilesystemencoding", NULL},
    {"filesystem_errors", TEXT, FUNCTION, "getfilesystemencodeerrors", NULL},
    OF_FLAGS("inspect", BOOL, "inspect"),
    {"int_max_str_digits", NUMBER, FUNCTION, "get_int_max_str_digits", "set_int_max_str_digits"},
    OF_FLAGS("interactive", BOOL, "interactive"),
    OF_FLAGS("isolated", BOOL, "isolated"),
    OF_SYS("module_search_paths", TEXTS, "path"),
    OF_FLAGS("optimization_level", NUMBER, "optimize"),
    {"orig_argv", TEXTS, ATTRIBUTE, "orig_argv", NULL},
    OF_FLAGS("parser_debug", BOOL, "debug"),
    OF_SYS("platlibdir", TEXT, "platlibdir"),
    OF_SYS("prefix", TEXT, "prefix"),
    OF_SYS("pycache_prefix", TEXT_OR_NONE, "pycache_prefix"),
    OF_FLAGS("quiet", BOOL, "quiet"),
    OF_FLAGS("safe_path", BOOL, "safe_path"),
    {"site_import", BOOL, NO_FLAG, "no_site", NULL},
    OF_SYS("stdlib_dir", TEXT_OR_NONE, "_stdlib_dir"),
    OF_FLAGS("thread_inherit_context", NUMBER, "thread_inherit_context"),
    {"use_environment", BOOL, NO_FLAG, "ignore_environment", NULL},
    {"user_site_directory", BOOL, NO_FLAG, "no_user_site", NULL},
    OF_FLAGS("utf8_mode", BOOL, "utf8_mode"),
    OF_FLAGS("verbose", NUMBER, "verbose"),
    OF_FLAGS("warn_default_encoding", BOOL, "warn_default_encoding"),
    OF_SYS("warnoptions", TEXTS, "warnoptions"),
    {"write_bytecode", BOOL, NO_FLAG, "dont_write_bytecode", "dont_write_bytecode"},
    OF_SYS("xoptions", DICT, "_xoptions"),
};

/* The option of that name; NULL with ValueError. */
static const Option *
find(const char *name)
{
    for (size_t i = 0; i < Py_ARRAY_LENGTH(options); i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    PyErr_Format(PyExc_ValueError, "unknown config option name: %s", name);
    return NULL;
}

/* Whether neither `-X option` nor its environment variable is given. */
static PyObject *
not_given(const char *option)
{
    PyObject *given = PyImport_ImportModuleAttrString("sys", "_xoptions");
    int there = given == NULL ? -1 : PyMapping_HasKeyStringWithError(given, option);
    Py_XDECREF(given);
    if (there == 0) {
        const char *text = getenv("PYTHONNODEBUGRANGES");
        PyObject *uses = text == NULL || text[0] == 0 ? NULL : PyConfig_Get("use_environment");
        there = uses == NULL ? (PyErr_Occurred() ? -1 : 0) : uses == Py_True;
        Py_XDECREF(uses);
    }
    return there < 0 ? NULL : PyBool_FromLong(!there);
}

PyObject *
PyConfig_Get(const char *name)
{
    const Option *option = find(name);
    if (option == NULL) {
        return NULL;
    }
    /* What can be set is an attribute of sys, not the flag that it began as. */
    if (option->place == ATTRIBUTE || (option->place == NO_FLAG && option->setter != NULL)) {
        PyObject *value = PyImport_ImportModuleAttrString("sys", option->source);
        if (value != NULL && option->place == NO_FLAG) {
            int truth = PyObject_IsTrue(value);
            Py_SETREF(value, truth < 0 ? NULL : PyBool_FromLong(!truth));
        }
        return value;
    }
    if (option->place == FUNCTION) {
        return cape_call_module("sys", option->source, PyTuple_New(0));
    }
    if (option->place == NO_OPTION) {
        return not_given(option->source);
    }
    PyObject *flags = PyImport_ImportModuleAttrString("sys", "flags");
    PyObject *value = flags == NULL ? NULL : PyObject_GetAttrString(flags, option->source);
    Py_XDECREF(flags);
    if (value != NULL && option->kind == BOOL) {
        int truth = PyObject_IsTrue(value);
        Py_SETREF(value, truth < 0 ? NULL : PyBool_FromLong(option->place == NO_FLAG ? !truth : truth));
    }
    return value;
}

int
PyConfig_GetInt(const char *name, int *value)
{
    PyObject *found = PyConfig_Get(name);
    if (found == NULL) {
        return -1;
    }
    int status = -1;
    if (!PyLong_Check(found)) {
        PyErr_Format(PyExc_TypeError, "config option %s is not an int", name);
    }
    else {
        int overflow;
        long number = PyLong_AsLongAndOverflow(found, &overflow);
        if (overflow != 0 || number < INT_MIN || number > INT_MAX) {
            PyErr_Format(PyExc_OverflowError, "config option %s value does not fit into a C int", name);
        }
        else {
            *value = (int)number;
            status = 0;
        }
    }
    Py_DECREF(found);
    return status;
}

PyObject *
PyConfig_Names(void)
{
    PyObject *names = PyList_New(0);
    for (size_t i = 0; names != NULL && i < Py_ARRAY_LENGTH(options); i++) {
        PyObject *name = PyUnicode_FromString(options[i].name);
        if (name == NULL || PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    PyObject *set = names == NULL ? NULL : PyFrozenSet_New(names);
    Py_XDECREF(names);
    return set;
}

/* Whether the value is one of the option's kind; TypeError or ValueError where it is not. */
static int
fits(const Option *option, PyObject *value)
{
    const char *expected;
    switch (option->kind) {
    case NUMBER: case BOOL:
        if (!PyLong_Check(value)) {
            expected = "int or bool";
            break;
        }
        PyObject *zero = PyLong_FromLong(0);
        int negative = zero == NULL ? -1 : PyObject_RichCompareBool(value, zero, Py_LT);
        Py_XDECREF(zero);
        if (negative > 0) {
            PyErr_SetString(PyExc_ValueError, "value must be >= 0");
        }
        return negative == 0;
    case TEXT: case TEXT_OR_NONE:
        if (PyUnicode_Check(value) || (option->kind == TEXT_OR_NONE && value == Py_None)) {
            return 1;
        }
        expected = option->kind == TEXT ? "str" : "str or None";
        break;
    case DICT:
        if (PyDict_Check(value)) {
            return 1;
        }
        expected = "dict[str, str | bool]";
        break;
    default:
        if (PyList_Check(value)) {
            for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value); i++) {
                PyObject *item = PyList_GET_ITEM(value, i);
                if (!PyUnicode_Check(item)) {
                    PyErr_Format(PyExc_TypeError, "expected str, list item %zd has type %T", i, item);
                    return 0;
                }
            }
            return 1;
        }
        expected = "list[str]";
    }
    PyErr_Format(PyExc_TypeError, "expected %s, got %T", expected, value);
    return 0;
}

int
PyConfig_Set(const char *name, PyObject *value)
{
    if (PySys_Audit("cpython.PyConfig_Set", "sO", name, value) < 0) {
        return -1;
    }
    const Option *option = find(name);
    if (option == NULL) {
        return -1;
    }
    if (option->setter == NULL) {
        PyErr_Format(PyExc_ValueError, "cannot set read-only option %s", name);
        return -1;
    }
    if (!fits(option, value)) {
        return -1;
    }
    if (option->place == FUNCTION) {
        PyObject *result = cape_call_module("sys", option->setter, Py_BuildValue("(O)", value));
        Py_XDECREF(result);
        return result == NULL ? -1 : 0;
    }
    if (option->place == NO_FLAG) {
        int truth = PyObject_IsTrue(value);
        return truth < 0 ? -1 : PySys_SetObject(option->setter, truth ? Py_False : Py_True);
    }
    return PySys_SetObject(option->setter, value);
}

/* --- the same under older names ------------------------------------------------------------------------- */

/* An option's text, which is kept as it was when somebody first asked; NULL without an exception. */
static wchar_t *
kept(wchar_t **place, const char *name)
{
    if (*place == NULL) {
        PyObject *value = PyConfig_Get(name);
        if (value != NULL && PyList_Check(value)) {
            PyObject *colon = PyUnicode_FromString(":");
            Py_SETREF(value, colon == NULL ? NULL : PyUnicode_Join(colon, value));
            Py_XDECREF(colon);
        }
        if (value != NULL && PyUnicode_Check(value)) {
            *place = PyUnicode_AsWideCharString(value, NULL);
        }
        Py_XDECREF(value);
        PyErr_Clear();
    }
    return *place;
}

#define KEPT(FUNCTION, NAME) \
    wchar_t * \
    FUNCTION(void) \
    { \
        static wchar_t *text = NULL; \
        return kept(&text, NAME); \
    }

KEPT(Py_GetExecPrefix, "exec_prefix")
KEPT(Py_GetPath, "module_search_paths")
KEPT(Py_GetPrefix, "prefix")
KEPT(Py_GetProgramFullPath, "executable")
KEPT(Py_GetProgramName, "executable")

/* The words of the command that started Python, kept for ever. */
void
Py_GetArgcArgv(int *argc, wchar_t ***argv)
{
    static wchar_t **words = NULL;
    static int count = 0;
    PyObject *list = words == NULL ? PySys_GetObject("orig_argv") : NULL;
    if (list != NULL && PyList_Check(list)) {
        Py_ssize_t n = PyList_GET_SIZE(list);
        wchar_t **made = PyMem_RawCalloc((size_t)n + 1, sizeof(wchar_t *));
        int whole = made != NULL;
        for (Py_ssize_t i = 0; whole && i < n; i++) {
            made[i] = PyUnicode_AsWideCharString(PyList_GET_ITEM(list, i), NULL);
            whole = made[i] != NULL;
        }
        if (whole) {
            words = made;
            count = (int)n;
        }
        else {
            PyErr_Clear();
        }
    }
    *argc = count;
    *argv = words;
}

/* Nobody can have set one. */
wchar_t *
Py_GetPythonHome(void)
{
    return NULL;
}
