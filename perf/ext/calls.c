/* Calls into C: functions and methods of every calling convention, and objects that are called. */
#include "crossing.h"
#include <stddef.h>

NOARGS(noargs)
{
    Py_RETURN_NONE;
}

static PyObject *
one(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(object))
{
    Py_RETURN_NONE;
}

static PyObject *
args_none(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    Py_RETURN_NONE;
}

static PyObject *
args_parsed(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object;
    long number;
    if (!PyArg_ParseTuple(args, "Ol", &object, &number)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* A str, a buffer, a float and a flag, as much as a typical signature has. */
static PyObject *
args_many(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *text;
    Py_buffer buffer;
    double number;
    int flag = 0;
    if (!PyArg_ParseTuple(args, "sy*d|p", &text, &buffer, &number, &flag)) {
        return NULL;
    }
    PyBuffer_Release(&buffer);
    Py_RETURN_NONE;
}

static PyObject *
args_unpacked(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *first, *second;
    if (!PyArg_UnpackTuple(args, "args_unpacked", 2, 2, &first, &second)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
keywords(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"object", "number", NULL};
    PyObject *object;
    long number = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|l", names, &object, &number)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
keywords_none(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Py_RETURN_NONE;
}

static PyObject *
fastcall(PyObject *Py_UNUSED(module), PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(nargs))
{
    Py_RETURN_NONE;
}

static PyObject *
fastcall_keywords(PyObject *Py_UNUSED(module), PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(nargs),
                  PyObject *Py_UNUSED(names))
{
    Py_RETURN_NONE;
}

PyMethodDef call_functions[] = {
    {"noargs", noargs, METH_NOARGS, NULL},
    {"one", one, METH_O, NULL},
    {"args_none", args_none, METH_VARARGS, NULL},
    {"args_parsed", args_parsed, METH_VARARGS, NULL},
    {"args_many", args_many, METH_VARARGS, NULL},
    {"args_unpacked", args_unpacked, METH_VARARGS, NULL},
    {"keywords", AS_METHOD(keywords), METH_VARARGS | METH_KEYWORDS, NULL},
    {"keywords_none", AS_METHOD(keywords_none), METH_VARARGS | METH_KEYWORDS, NULL},
    {"fastcall", AS_METHOD(fastcall), METH_FASTCALL, NULL},
    {"fastcall_keywords", AS_METHOD(fastcall_keywords), METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---- Methods: one of each convention ---- */

static PyObject *
method_class(PyObject *Py_UNUSED(self), PyTypeObject *Py_UNUSED(defining), PyObject *const *Py_UNUSED(args),
             Py_ssize_t Py_UNUSED(nargs), PyObject *Py_UNUSED(names))
{
    Py_RETURN_NONE;
}

static PyMethodDef Methods_methods[] = {
    {"noargs", noargs, METH_NOARGS, NULL},
    {"one", one, METH_O, NULL},
    {"args", args_none, METH_VARARGS, NULL},
    {"keywords", AS_METHOD(keywords_none), METH_VARARGS | METH_KEYWORDS, NULL},
    {"fast", AS_METHOD(fastcall), METH_FASTCALL, NULL},
    {"fast_keywords", AS_METHOD(fastcall_keywords), METH_FASTCALL | METH_KEYWORDS, NULL},
    {"with_class", AS_METHOD(method_class), METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL},
    {"of_class", noargs, METH_NOARGS | METH_CLASS, NULL},
    {"of_class_fast", AS_METHOD(fastcall), METH_FASTCALL | METH_CLASS, NULL},
    {"of_none", noargs, METH_NOARGS | METH_STATIC, NULL},
    {"of_none_one", one, METH_O | METH_STATIC, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot Methods_slots[] = {
    {Py_tp_dealloc, free_plain},
    {Py_tp_methods, Methods_methods},
    {0, NULL},
};

static PyType_Spec Methods_spec = {
    .name = "crossing.Methods",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = Methods_slots,
};

/* ---- Vector: instances are called through their vectorcall function; Vector() through the class's ---- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
} Vector;

static PyTypeObject Vector_type;

static PyObject *
Vector_called(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args), size_t Py_UNUSED(nargs),
              PyObject *Py_UNUSED(names))
{
    Py_RETURN_NONE;
}

static PyObject *
Vector_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Vector *self = (Vector *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->call = Vector_called;
    }
    return (PyObject *)self;
}

static PyObject *
Vector_made(PyObject *type, PyObject *const *Py_UNUSED(args), size_t Py_UNUSED(nargs), PyObject *Py_UNUSED(names))
{
    return Vector_new((PyTypeObject *)type, NULL, NULL);
}

static void
Vector_dealloc(PyObject *self)
{
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject Vector_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "crossing.Vector",
    .tp_basicsize = sizeof(Vector),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Vector, call),
    .tp_call = PyVectorcall_Call,
    .tp_new = Vector_new,
    .tp_vectorcall = Vector_made,
    .tp_dealloc = Vector_dealloc,
};

/* ---- Plain: made by tp_new and tp_init, and called through tp_call ---- */

static int
Plain_init(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    return 0;
}

static PyType_Slot Plain_slots[] = {
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, Plain_init},
    {Py_tp_dealloc, free_plain},
    {Py_tp_call, keywords_none},
    {0, NULL},
};

static PyType_Spec Plain_spec = {
    .name = "crossing.Plain",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = Plain_slots,
};

int
add_calls(PyObject *module)
{
    if (add_spec(module, &Methods_spec) < 0 || add_spec(module, &Plain_spec) < 0) {
        return -1;
    }
    return PyModule_AddType(module, &Vector_type);
}
