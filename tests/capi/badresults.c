/* badresults: functions and slots that break the rules about results: NULL (or -1) without an exception, and a result with an
 * exception. make_type(slot, how) gives a type with one such slot. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* How a function goes wrong. */
enum { NOTHING_SET, RESULT_AND_ERROR };

static PyObject *
wrong(int how)
{
    if (how == NOTHING_SET) {
        return NULL;
    }
    PyErr_SetString(PyExc_ValueError, "set all the same");
    return PyLong_FromLong(1);
}

static int
wrong_status(int how)
{
    if (how == NOTHING_SET) {
        return -1;
    }
    PyErr_SetString(PyExc_ValueError, "set all the same");
    return 0;
}

/* The same body under every calling convention; the arguments do not matter. */
#define FUNCTIONS(SUFFIX, HOW) \
    static PyObject *noargs_##SUFFIX(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(n)) { return wrong(HOW); } \
    static PyObject *o_##SUFFIX(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(o)) { return wrong(HOW); } \
    static PyObject *varargs_##SUFFIX(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(a)) { return wrong(HOW); } \
    static PyObject *keywords_##SUFFIX(PyObject *Py_UNUSED(m), PyObject *Py_UNUSED(a), PyObject *Py_UNUSED(k)) \
    { return wrong(HOW); } \
    static PyObject *fastcall_##SUFFIX(PyObject *Py_UNUSED(m), PyObject *const *Py_UNUSED(a), Py_ssize_t Py_UNUSED(n)) \
    { return wrong(HOW); } \
    static PyObject *fastkeywords_##SUFFIX(PyObject *Py_UNUSED(m), PyObject *const *Py_UNUSED(a), Py_ssize_t Py_UNUSED(n), \
                                           PyObject *Py_UNUSED(k)) { return wrong(HOW); } \
    static PyObject *slot_##SUFFIX(void) { return wrong(HOW); } \
    static int status_##SUFFIX(void) { return wrong_status(HOW); } \
    static Py_ssize_t size_##SUFFIX(void) { return wrong_status(HOW); }

FUNCTIONS(nothing, NOTHING_SET)
FUNCTIONS(both, RESULT_AND_ERROR)

#define ROWS(SUFFIX) \
    {"noargs_" #SUFFIX, noargs_##SUFFIX, METH_NOARGS, NULL}, \
    {"o_" #SUFFIX, o_##SUFFIX, METH_O, NULL}, \
    {"varargs_" #SUFFIX, varargs_##SUFFIX, METH_VARARGS, NULL}, \
    {"keywords_" #SUFFIX, (PyCFunction)(void (*)(void))keywords_##SUFFIX, METH_VARARGS | METH_KEYWORDS, NULL}, \
    {"fastcall_" #SUFFIX, (PyCFunction)(void (*)(void))fastcall_##SUFFIX, METH_FASTCALL, NULL}, \
    {"fastkeywords_" #SUFFIX, (PyCFunction)(void (*)(void))fastkeywords_##SUFFIX, METH_FASTCALL | METH_KEYWORDS, NULL},

static PyMethodDef type_methods[] = {ROWS(nothing) ROWS(both) {NULL, NULL, 0, NULL}};

/* What kind of result a slot has. */
static const struct {
    const char *name;
    int slot;
    char kind;  /* 'o' object, 's' int status, 'n' Py_ssize_t */
} slots[] = {
#define SLOT(NAME, KIND) {#NAME, Py_##NAME, KIND},
    SLOT(nb_add, 'o') SLOT(nb_subtract, 'o') SLOT(nb_multiply, 'o') SLOT(nb_remainder, 'o') SLOT(nb_divmod, 'o') SLOT(nb_power, 'o')
    SLOT(nb_negative, 'o') SLOT(nb_positive, 'o') SLOT(nb_absolute, 'o') SLOT(nb_bool, 's') SLOT(nb_invert, 'o') SLOT(nb_lshift, 'o')
    SLOT(nb_and, 'o') SLOT(nb_int, 'o') SLOT(nb_float, 'o') SLOT(nb_inplace_add, 'o') SLOT(nb_floor_divide, 'o')
    SLOT(nb_true_divide, 'o') SLOT(nb_index, 'o') SLOT(nb_matrix_multiply, 'o') SLOT(sq_length, 'n') SLOT(sq_concat, 'o')
    SLOT(sq_repeat, 'o') SLOT(sq_item, 'o') SLOT(sq_ass_item, 's') SLOT(sq_contains, 's') SLOT(mp_length, 'n') SLOT(mp_subscript, 'o')
    SLOT(mp_ass_subscript, 's') SLOT(tp_call, 'o') SLOT(tp_getattro, 'o') SLOT(tp_setattro, 's') SLOT(tp_hash, 'n') SLOT(tp_init, 's')
    SLOT(tp_iter, 'o') SLOT(tp_new, 'o') SLOT(tp_repr, 'o') SLOT(tp_richcompare, 'o') SLOT(tp_str, 'o') SLOT(tp_descr_get, 'o')
    SLOT(tp_descr_set, 's') SLOT(am_await, 'o') SLOT(am_aiter, 'o') SLOT(am_anext, 'o') SLOT(bf_getbuffer, 's')
#undef SLOT
};

static PyObject *
make_type(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *name;
    int both;
    if (!PyArg_ParseTuple(args, "si", &name, &both)) {
        return NULL;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(slots); i++) {
        if (strcmp(slots[i].name, name) == 0) {
            void *function = slots[i].kind == 'o'   ? (both ? (void *)slot_both : (void *)slot_nothing)
                             : slots[i].kind == 's' ? (both ? (void *)status_both : (void *)status_nothing)
                                                    : (both ? (void *)size_both : (void *)size_nothing);
            PyType_Slot spec_slots[] = {{slots[i].slot, function}, {Py_tp_methods, type_methods}, {0, NULL}};
            PyType_Spec spec = {"badresults.Wrong", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, spec_slots};
            return PyType_FromSpec(&spec);
        }
    }
    return PyErr_Format(PyExc_LookupError, "no slot %s", name);
}

static PyObject *
slot_names(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *names = PyList_New(0);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(slots); i++) {
        PyObject *name = PyUnicode_FromString(slots[i].name);
        PyList_Append(names, name);
        Py_DECREF(name);
    }
    return names;
}

/* call(callable, *args): the call is made by C. */
static PyObject *
call(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    PyObject *result = PyObject_Call(PyTuple_GET_ITEM(args, 0), rest, NULL);
    Py_DECREF(rest);
    return result;
}

/* getset and members of their own */
static PyObject *
get_wrong(PyObject *Py_UNUSED(self), void *how)
{
    return wrong((int)(intptr_t)how);
}

static int
set_wrong(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(value), void *how)
{
    return wrong_status((int)(intptr_t)how);
}

static PyGetSetDef getset[] = {
    {"nothing", get_wrong, set_wrong, NULL, (void *)NOTHING_SET},
    {"both", get_wrong, set_wrong, NULL, (void *)RESULT_AND_ERROR},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot attribute_slots[] = {{Py_tp_getset, getset}, {Py_tp_methods, type_methods}, {0, NULL}};
static PyType_Spec attribute_spec = {"badresults.Attributes", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, attribute_slots};

static PyMethodDef methods[] = {
    {"make_type", make_type, METH_VARARGS, NULL},
    {"slot_names", slot_names, METH_NOARGS, NULL},
    {"call", call, METH_VARARGS, NULL},
    ROWS(nothing) ROWS(both) {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "badresults", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_badresults(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_Add(module, "Attributes", PyType_FromSpec(&attribute_spec)) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
