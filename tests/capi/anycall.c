/* anycall: calls any function of the C API by its name, with arguments that a script chooses, and tells what
 * came of it. All arguments are words (or doubles); registers do not mind that the callee's types are narrower. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>

#define MAX_ARGS 20
#define TEXT_ROOM 256

/* Stands for a NULL pointer in arguments and results. */
static PyObject *null_object;

typedef intptr_t (*WordFunction)();
typedef double (*DoubleFunction)();

typedef struct {
    char kind;
    intptr_t word;         /* what is passed */
    PyObject *object;      /* 'o', 'b': the cell */
    Py_ssize_t size;       /* 'n': the cell */
    int number;            /* 'm': the cell */
    char *text;            /* 'z': the cell */
    PyObject *array[MAX_ARGS];
} Argument;

static PyObject *
object_or_null(PyObject *object)
{
    return object == null_object ? NULL : object;
}

/* Fills an argument from what the script gave; 0, or -1 with an exception. */
static int
prepare(Argument *to, char kind, PyObject *from, double *doubles, int *double_count)
{
    to->kind = kind;
    switch (kind) {
    case 'O':
        to->word = (intptr_t)object_or_null(from);
        return 0;
    case 'S':  /* stolen */
        to->word = (intptr_t)Py_XNewRef(object_or_null(from));
        return 0;
    case 'o':
    case 'b':  /* the cell receives a borrowed reference */
        to->object = Py_XNewRef(object_or_null(from));
        to->word = (intptr_t)&to->object;
        return 0;
    case 'n':
        if (from == Py_None) {
            to->kind = 'p';
            return 0;
        }
        to->size = PyLong_AsSsize_t(from);
        to->word = (intptr_t)&to->size;
        return PyErr_Occurred() ? -1 : 0;
    case 'm':
    case 'z':
        if (from == Py_None) {
            to->kind = 'p';
            return 0;
        }
        to->word = kind == 'm' ? (intptr_t)&to->number : (intptr_t)&to->text;
        return 0;
    case 'd':
        doubles[(*double_count)++] = PyFloat_AsDouble(from);
        return PyErr_Occurred() ? -1 : 0;
    case 'a':
        if (from == null_object) {
            to->word = 0;
            return 0;
        }
        for (Py_ssize_t i = 0; i < PyTuple_Size(from); i++) {
            to->array[i + 1] = PyTuple_GET_ITEM(from, i);
        }
        to->word = (intptr_t)(to->array + 1);
        return PyErr_Occurred() ? -1 : 0;
    case 's':
    case 'p': {
        char *data;
        Py_ssize_t size;
        if (from == null_object) {
            to->word = 0;
            return 0;
        }
        if (PyLong_Check(from)) {
            to->word = (intptr_t)PyLong_AsSsize_t(from);
            return PyErr_Occurred() ? -1 : 0;
        }
        if (PyBytes_AsStringAndSize(from, &data, &size) < 0) {
            return -1;
        }
        /* Not freed: capsules, modules and code objects keep such texts. */
        char *copy = calloc(1, TEXT_ROOM);
        memcpy(copy, data, size < TEXT_ROOM - 8 ? size : TEXT_ROOM - 8);
        to->word = (intptr_t)copy;
        return 0;
    }
    default:
        to->word = (intptr_t)PyLong_AsUnsignedLongLongMask(from);
        return PyErr_Occurred() ? -1 : 0;
    }
}

static PyObject *
text_or_null(const char *text)
{
    return text == NULL ? Py_NewRef(null_object) : PyBytes_FromString(text);
}

static PyObject *
own_or_null(PyObject *object)
{
    return object == NULL ? Py_NewRef(null_object) : object;
}

/* call(name, kinds, arguments, error): kinds is "result:parameters"; (result, values of cells, exception). With
 * an `error` the error indicator is set to it before the call. */
static PyObject *
call(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *name, *kinds;
    PyObject *given, *error;
    if (!PyArg_ParseTuple(args, "ssO!O:call", &name, &kinds, &PyTuple_Type, &given, &error)) {
        return NULL;
    }
    void *function = dlsym(RTLD_DEFAULT, name);
    if (function == NULL) {
        return PyErr_Format(PyExc_LookupError, "%s is not exported", name);
    }
    char result_kind = kinds[0];
    kinds += 2;
    Argument arguments[MAX_ARGS];
    memset(arguments, 0, sizeof(arguments));
    intptr_t w[MAX_ARGS] = {0};
    double d[4] = {0};
    int words = 0, doubles = 0;
    Py_ssize_t count = PyTuple_GET_SIZE(given);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (prepare(&arguments[i], kinds[i], PyTuple_GET_ITEM(given, i), d, &doubles) < 0) {
            return NULL;
        }
        if (kinds[i] != 'd') {
            w[words++] = arguments[i].word;
        }
    }
    if (error != Py_None) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    intptr_t word = 0;
    double real = 0;
#define ALL d[0], d[1], d[2], d[3], w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11], \
    w[12], w[13], w[14], w[15], w[16], w[17]
    if (result_kind == 'd') {
        real = ((DoubleFunction)function)(ALL);
    } else {
        word = ((WordFunction)function)(ALL);
    }
#undef ALL
    PyObject *raised = PyErr_GetRaisedException();
    PyObject *result;
    switch (result_kind) {
    case 'O':
        result = own_or_null((PyObject *)word);
        break;
    case 'B':
        result = Py_NewRef(own_or_null((PyObject *)word));
        break;
    case 'd':
        result = PyFloat_FromDouble(real);
        break;
    case 'i':
        result = PyLong_FromLong((int)word);
        break;
    case 'k':
        result = PyLong_FromUnsignedLongLong((unsigned long long)word);
        break;
    case 's':
        result = text_or_null((const char *)word);
        break;
    case 'p':
        result = word == 0 ? Py_NewRef(null_object) : PyUnicode_FromString("a pointer");
        break;
    case 'v':
        result = Py_NewRef(Py_None);
        break;
    default:
        result = PyLong_FromLongLong(word);
    }
    PyObject *cells = PyList_New(0);
    for (Py_ssize_t i = 0; i < count; i++) {
        Argument *a = &arguments[i];
        PyObject *cell = a->kind == 'o'   ? own_or_null(a->object)
                         : a->kind == 'b' ? Py_NewRef(own_or_null(a->object))
                         : a->kind == 'n' ? PyLong_FromSsize_t(a->size)
                         : a->kind == 'm' ? PyLong_FromLong(a->number)
                         : a->kind == 'z' ? text_or_null(a->text)
                                          : NULL;
        if (cell != NULL) {
            PyList_Append(cells, cell);
            Py_DECREF(cell);
        }
    }
    PyObject *all = Py_BuildValue("(NNN)", result, cells, raised == NULL ? Py_NewRef(Py_None) : raised);
    return all;
}

/* data(name, indirect): the object that a data symbol is, or points to. */
static PyObject *
data(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *name;
    int indirect;
    if (!PyArg_ParseTuple(args, "si:data", &name, &indirect)) {
        return NULL;
    }
    void *address = dlsym(RTLD_DEFAULT, name);
    if (address == NULL) {
        return PyErr_Format(PyExc_LookupError, "%s is not exported", name);
    }
    return Py_NewRef(indirect ? *(PyObject **)address : (PyObject *)address);
}

static PyObject *
self_and_argument(PyObject *self, PyObject *argument)
{
    return Py_BuildValue("(OO)", self, argument);
}

static PyMethodDef method = {"method", self_and_argument, METH_O, NULL};
static char *keywords[] = {"a", "b", NULL};

static PyMethodDef methods[] = {
    {"call", call, METH_VARARGS, NULL},
    {"data", data, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "anycall", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_anycall(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
    null_object = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    if (null_object == NULL || PyModule_AddObjectRef(module, "NULL", null_object) < 0
        || PyModule_Add(module, "METHOD_DEF", PyLong_FromVoidPtr(&method)) < 0
        || PyModule_Add(module, "KEYWORDS", PyLong_FromVoidPtr(keywords)) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
