/* Running Python from a FILE *: scripts, and statements as they are typed. */
#include "cape.h"

#undef PyRun_AnyFile
#undef PyRun_AnyFileEx
#undef PyRun_AnyFileFlags
#undef PyRun_File
#undef PyRun_FileEx
#undef PyRun_FileFlags
#undef PyRun_InteractiveLoop
#undef PyRun_InteractiveOne
#undef PyRun_SimpleFile
#undef PyRun_SimpleFileEx

/* What PyRun_InteractiveOne answers at the end of the file. */
#define AT_END 11

/* --- files ------------------------------------------------------------------------------------------ */

/* The rest of a file, as bytes. */
static PyObject *
read_rest(FILE *fp)
{
    char buffer[8192];
    PyObject *all = PyBytes_FromStringAndSize(NULL, 0);
    size_t n;
    while (all != NULL && (n = fread(buffer, 1, sizeof(buffer), fp)) > 0) {
        PyObject *piece = PyBytes_FromStringAndSize(buffer, (Py_ssize_t)n);
        if (piece == NULL) {
            Py_CLEAR(all);
        }
        else {
            PyBytes_ConcatAndDel(&all, piece);
        }
    }
    if (all != NULL && ferror(fp)) {
        PyErr_SetFromErrno(PyExc_OSError);
        Py_CLEAR(all);
    }
    return all;
}

/* Runs the code, which it takes; NULL is an error already. */
static PyObject *
run_code(PyObject *code, PyObject *globals, PyObject *locals)
{
    if (code == NULL) {
        return NULL;
    }
    PyObject *result = PyEval_EvalCode(code, globals, locals);
    Py_DECREF(code);
    return result;
}

/* Compiles the rest of the file and runs it; the file is closed first when `closeit`. */
static PyObject *
run_file(FILE *fp, PyObject *filename, int start, PyObject *globals, PyObject *locals, int closeit,
         PyCompilerFlags *flags)
{
    PyObject *source = read_rest(fp);
    if (closeit) {
        fclose(fp);
    }
    if (source == NULL) {
        return NULL;
    }
    PyObject *code = cape_compile(source, filename, start, flags, -1);
    Py_DECREF(source);
    return run_code(code, globals, locals);
}

/* Runs the rest of a file of compiled code, as run_file. */
static PyObject *
run_compiled_file(FILE *fp, PyObject *globals, int closeit)
{
    enum { HEADER = 16 };
    PyObject *code = NULL;
    PyObject *data = read_rest(fp);
    if (closeit) {
        fclose(fp);
    }
    if (data == NULL) {
        return NULL;
    }
    long magic = PyImport_GetMagicNumber();
    if (magic == -1 && PyErr_Occurred()) {
        Py_DECREF(data);
        return NULL;
    }
    uint32_t found = 0;
    if (PyBytes_GET_SIZE(data) >= HEADER) {
        memcpy(&found, PyBytes_AS_STRING(data), sizeof(found));  /* little end first */
    }
    if (found != (uint32_t)magic) {
        PyErr_SetString(PyExc_RuntimeError, "Bad magic number in .pyc file");
    }
    else {
        code = PyMarshal_ReadObjectFromString(PyBytes_AS_STRING(data) + HEADER, PyBytes_GET_SIZE(data) - HEADER);
    }
    Py_DECREF(data);
    if (code != NULL && !PyCode_Check(code)) {
        PyErr_SetString(PyExc_RuntimeError, "Bad code object in .pyc file");
        Py_CLEAR(code);
    }
    return run_code(code, globals, globals);
}

PyObject *
PyRun_FileExFlags(FILE *fp, const char *filename, int start, PyObject *globals, PyObject *locals, int closeit,
                  PyCompilerFlags *flags)
{
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) {
        if (closeit) {
            fclose(fp);
        }
        return NULL;
    }
    PyObject *result = run_file(fp, name, start, globals, locals, closeit, flags);
    Py_DECREF(name);
    return result;
}

PyObject *
PyRun_File(FILE *fp, const char *filename, int start, PyObject *globals, PyObject *locals)
{
    return PyRun_FileExFlags(fp, filename, start, globals, locals, 0, NULL);
}

PyObject *
PyRun_FileEx(FILE *fp, const char *filename, int start, PyObject *globals, PyObject *locals, int closeit)
{
    return PyRun_FileExFlags(fp, filename, start, globals, locals, closeit, NULL);
}

PyObject *
PyRun_FileFlags(FILE *fp, const char *filename, int start, PyObject *globals, PyObject *locals, PyCompilerFlags *flags)
{
    return PyRun_FileExFlags(fp, filename, start, globals, locals, 0, flags);
}

/* --- scripts, in __main__ ----------------------------------------------------------------------------- */

/* What Python has written so far is written. */
static void
flush_streams(void)
{
    PyObject *before = PyErr_GetRaisedException();
    static const char *const streams[] = {"stderr", "stdout"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(streams); i++) {
        PyObject *stream = PySys_GetObject(streams[i]);
        PyObject *result = stream == NULL ? NULL : PyObject_CallMethod(stream, "flush", NULL);
        if (result == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(result);
    }
    PyErr_SetRaisedException(before);
}

/* __main__.__loader__ reads the file. */
static int
set_main_loader(PyObject *dict, PyObject *filename, const char *class)
{
    PyObject *loader = cape_call_module("importlib.machinery", class, Py_BuildValue("(sO)", "__main__", filename));
    if (loader == NULL) {
        return -1;
    }
    int status = PyDict_SetItemString(dict, "__loader__", loader);
    Py_DECREF(loader);
    return status;
}

static int
run_script(FILE *fp, PyObject *filename, PyObject *dict, int closeit, PyCompilerFlags *flags)
{
    const char *name = PyUnicode_AsUTF8(filename);
    if (name == NULL) {
        PyErr_Clear();  /* it has surrogates */
        name = "";
    }
    size_t length = strlen(name);
    int compiled = length > 4 && strcmp(name + length - 4, ".pyc") == 0;
    PyObject *result = NULL;
    if (strcmp(name, "<stdin>") != 0
        && set_main_loader(dict, filename, compiled ? "SourcelessFileLoader" : "SourceFileLoader") < 0) {
        if (closeit) {
            fclose(fp);
        }
    }
    else if (compiled) {
        result = run_compiled_file(fp, dict, closeit);
    }
    else {
        result = run_file(fp, filename, Py_file_input, dict, dict, closeit, flags);
    }
    flush_streams();
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int
simple_file(FILE *fp, PyObject *filename, int closeit, PyCompilerFlags *flags)
{
    int status = -1;
    int named = 0;
    PyObject *module = PyImport_AddModuleRef("__main__");
    PyObject *dict = module == NULL ? NULL : PyModule_GetDict(module);
    if (dict != NULL) {
        int has_file = PyDict_ContainsString(dict, "__file__");
        if (has_file == 0 && PyDict_SetItemString(dict, "__file__", filename) == 0) {
            named = 1;
            has_file = PyDict_SetItemString(dict, "__cached__", Py_None) == 0;
        }
        if (has_file > 0) {
            status = run_script(fp, filename, dict, closeit, flags);
            closeit = 0;
        }
    }
    if (closeit) {
        fclose(fp);
    }
    if (status < 0) {
        PyErr_Print();
    }
    if (named && (PyDict_PopString(dict, "__file__", NULL) < 0 || PyDict_PopString(dict, "__cached__", NULL) < 0)) {
        PyErr_Print();
    }
    Py_XDECREF(module);
    return status;
}

/* The name of a file, or of one that has none; reports what is wrong with it. */
static PyObject *
decode_name(const char *filename)
{
    PyObject *name = PyUnicode_DecodeFSDefault(filename == NULL ? "???" : filename);
    if (name == NULL) {
        PyErr_Print();
    }
    return name;
}

int
PyRun_SimpleFileExFlags(FILE *fp, const char *filename, int closeit, PyCompilerFlags *flags)
{
    PyObject *name = decode_name(filename);
    if (name == NULL) {
        return -1;
    }
    int status = simple_file(fp, name, closeit, flags);
    Py_DECREF(name);
    return status;
}

int
PyRun_SimpleFile(FILE *fp, const char *filename)
{
    return PyRun_SimpleFileExFlags(fp, filename, 0, NULL);
}

int
PyRun_SimpleFileEx(FILE *fp, const char *filename, int closeit)
{
    return PyRun_SimpleFileExFlags(fp, filename, closeit, NULL);
}

int
Py_FdIsInteractive(FILE *fp, const char *filename)
{
    if (isatty(fileno(fp))) {
        return 1;
    }
    return Py_InteractiveFlag
           && (filename == NULL || strcmp(filename, "<stdin>") == 0 || strcmp(filename, "???") == 0);
}

int
PyRun_AnyFileExFlags(FILE *fp, const char *filename, int closeit, PyCompilerFlags *flags)
{
    if (!Py_FdIsInteractive(fp, filename)) {
        return PyRun_SimpleFileExFlags(fp, filename, closeit, flags);
    }
    int status = PyRun_InteractiveLoopFlags(fp, filename, flags);
    if (closeit) {
        fclose(fp);
    }
    return status;
}

int
PyRun_AnyFile(FILE *fp, const char *filename)
{
    return PyRun_AnyFileExFlags(fp, filename, 0, NULL);
}

int
PyRun_AnyFileEx(FILE *fp, const char *filename, int closeit)
{
    return PyRun_AnyFileExFlags(fp, filename, closeit, NULL);
}

int
PyRun_AnyFileFlags(FILE *fp, const char *filename, PyCompilerFlags *flags)
{
    return PyRun_AnyFileExFlags(fp, filename, 0, flags);
}

/* --- statements as they are typed ---------------------------------------------------------------------- */

/* Writes sys.ps1 or sys.ps2, if it is there, to stderr. */
static void
prompt(const char *name)
{
    PyObject *value = PySys_GetObject(name);
    PyObject *text = value == NULL ? NULL : PyObject_Str(value);
    const char *bytes = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    if (bytes != NULL) {
        fputs(bytes, stderr);
    }
    PyErr_Clear();
    fflush(stderr);
    Py_XDECREF(text);
}

/* Adds a line of the file to the text: 1, 0 when there is none, -1 with an exception. */
static int
add_line(FILE *fp, PyObject **text)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    Py_BEGIN_ALLOW_THREADS
    n = getline(&line, &size, fp);
    Py_END_ALLOW_THREADS
    int status = n > 0;
    if (n > 0) {
        PyObject *piece = PyBytes_FromStringAndSize(line, n);
        if (piece == NULL) {
            status = -1;
        }
        else {
            PyBytes_ConcatAndDel(text, piece);
            status = *text == NULL ? -1 : 1;
        }
    }
    free(line);
    return status;
}

/* Whether there is nothing to run in the line. */
static int
is_blank(const char *line)
{
    line += strspn(line, " \t\f\r\n");
    return *line == 0 || *line == '#';
}

/* Reads lines until they are a statement: bytes, or NULL, with an exception or at the end of the file. */
static PyObject *
read_statement(FILE *fp, PyCompilerFlags *flags)
{
    PyObject *text = PyBytes_FromStringAndSize(NULL, 0);
    const char *name = "ps1";
    while (text != NULL) {
        prompt(name);
        int more = add_line(fp, &text);
        if (more < 0) {
            Py_XDECREF(text);
            return NULL;
        }
        if (more == 0 && PyBytes_GET_SIZE(text) == 0) {
            Py_DECREF(text);
            return NULL;
        }
        if (more == 0 || (name[2] == '1' && is_blank(PyBytes_AS_STRING(text)))
            || !_Cape_IsIncomplete(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), flags == NULL ? 0 : flags->cf_flags)) {
            return text;
        }
        name = "ps2";
    }
    return NULL;
}

/* 0, -1 with an exception, or AT_END. */
static int
run_statement(FILE *fp, PyObject *filename, PyCompilerFlags *flags)
{
    if (!PyUnicode_Check(filename)) {
        PyErr_Format(PyExc_TypeError, "expected str, got %T", filename);
        return -1;
    }
    PyObject *module = PyImport_AddModuleRef("__main__");
    if (module == NULL) {
        return -1;
    }
    PyObject *text = read_statement(fp, flags);
    int status = -1;
    if (text == NULL) {
        status = PyErr_Occurred() ? -1 : AT_END;
    }
    else if (is_blank(PyBytes_AS_STRING(text)) && strchr(PyBytes_AS_STRING(text), '\n') == strrchr(PyBytes_AS_STRING(text), '\n')) {
        status = 0;
    }
    else {
        PyObject *dict = PyModule_GetDict(module);
        PyObject *code = cape_compile(text, filename, Py_single_input, flags, -1);
        if (code != NULL && flags != NULL && PyCode_Check(code)) {
            /* Future statements hold for what comes. */
            flags->cf_flags |= ((PyCodeObject *)code)->co_flags & PyCF_MASK;
        }
        PyObject *result = run_code(code, dict, dict);
        flush_streams();
        Py_XDECREF(result);
        status = result == NULL ? -1 : 0;
    }
    Py_XDECREF(text);
    Py_DECREF(module);
    return status;
}

int
PyRun_InteractiveOneObject(FILE *fp, PyObject *filename, PyCompilerFlags *flags)
{
    int status = run_statement(fp, filename, flags);
    if (status == -1) {
        PyErr_Print();
        flush_streams();
    }
    return status;
}

int
PyRun_InteractiveOneFlags(FILE *fp, const char *filename, PyCompilerFlags *flags)
{
    PyObject *name = decode_name(filename);
    if (name == NULL) {
        return -1;
    }
    int status = PyRun_InteractiveOneObject(fp, name, flags);
    Py_DECREF(name);
    return status;
}

int
PyRun_InteractiveOne(FILE *fp, const char *filename)
{
    return PyRun_InteractiveOneFlags(fp, filename, NULL);
}

/* A prompt that nobody has set. */
static int
default_prompt(const char *name, const char *text)
{
    if (PySys_GetObject(name) != NULL) {
        return 0;
    }
    PyObject *value = PyUnicode_FromString(text);
    int status = value == NULL ? -1 : PySys_SetObject(name, value);
    Py_XDECREF(value);
    return status;
}

int
PyRun_InteractiveLoopFlags(FILE *fp, const char *filename, PyCompilerFlags *flags)
{
    PyCompilerFlags own = _PyCompilerFlags_INIT;
    PyObject *name = decode_name(filename);
    if (name == NULL) {
        return -1;
    }
    if (default_prompt("ps1", ">>> ") < 0 || default_prompt("ps2", "... ") < 0) {
        PyErr_Clear();
    }
    while (PyRun_InteractiveOneObject(fp, name, flags == NULL ? &own : flags) != AT_END) {
    }
    Py_DECREF(name);
    return 0;
}

int
PyRun_InteractiveLoop(FILE *fp, const char *filename)
{
    return PyRun_InteractiveLoopFlags(fp, filename, NULL);
}
