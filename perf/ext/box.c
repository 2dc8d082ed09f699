/* Box: a class that does a little of everything, whose instances hold an object and are the collector's business. */
#include "crossing.h"
#include <stddef.h>

typedef struct {
    PyObject_HEAD
    PyObject *value;
    Py_ssize_t size;
} Box;

static PyTypeObject *box_type;

static PyObject *
Box_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *value;
    if (!PyArg_ParseTuple(args, "O:Box", &value)) {
        return NULL;
    }
    Box *self = (Box *)type->tp_alloc(type, 0);
    if (self != NULL) {
        Py_INCREF(value);
        self->value = value;
        self->size = 10;
    }
    return (PyObject *)self;
}

static int
Box_traverse(Box *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->value);
    return 0;
}

static int
Box_clear(Box *self)
{
    Py_CLEAR(self->value);
    return 0;
}

static void
Box_dealloc(Box *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->value);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
Box_value(Box *self)
{
    Py_INCREF(self->value);
    return self->value;
}

static PyObject *
Box_method(Box *self, PyObject *Py_UNUSED(ignored))
{
    return Box_value(self);
}

static PyObject *
Box_method_one(Box *self, PyObject *Py_UNUSED(object))
{
    return Box_value(self);
}

static PyObject *
Box_method_fast(Box *self, PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(nargs))
{
    return Box_value(self);
}

static PyObject *
Box_get(Box *self, void *Py_UNUSED(closure))
{
    return Box_value(self);
}

static int
Box_set(Box *Py_UNUSED(self), PyObject *Py_UNUSED(value), void *Py_UNUSED(closure))
{
    return 0;
}

static Py_ssize_t
Box_length(Box *self)
{
    return self->size;
}

static PyObject *
Box_item(Box *self, Py_ssize_t index)
{
    if (index < 0 || index >= self->size) {
        PyErr_SetString(PyExc_IndexError, "no such item");
        return NULL;
    }
    return Box_value(self);
}

static int
Box_set_item(Box *Py_UNUSED(self), Py_ssize_t Py_UNUSED(index), PyObject *Py_UNUSED(value))
{
    return 0;
}

static int
Box_contains(Box *self, PyObject *object)
{
    return self->value == object;
}

static int
Box_bool(Box *self)
{
    return self->size > 0;
}

static PyObject *
Box_add(PyObject *left, PyObject *Py_UNUSED(right))
{
    Py_INCREF(left);
    return left;
}

static PyObject *
Box_compare(PyObject *left, PyObject *right, int operation)
{
    if (operation != Py_EQ) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return PyBool_FromLong(left == right);
}

static Py_hash_t
Box_hash(Box *self)
{
    return self->size;
}

static PyObject *
Box_call(Box *self, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    return Box_value(self);
}

/* A Box iterates over itself, size times at every iter(). */
static PyObject *
Box_iter(Box *self)
{
    self->size = 10;
    Py_INCREF(self);
    return (PyObject *)self;
}

static PyObject *
Box_next(Box *self)
{
    if (self->size == 0) {
        self->size = 10;
        return NULL;
    }
    self->size--;
    return Box_value(self);
}

static PyMethodDef Box_methods[] = {
    {"method", (PyCFunction)Box_method, METH_NOARGS, NULL},
    {"method_one", (PyCFunction)Box_method_one, METH_O, NULL},
    {"method_fast", (PyCFunction)(void (*)(void))Box_method_fast, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef Box_members[] = {
    {"member", T_OBJECT_EX, offsetof(Box, value), 0, NULL},
    {"number", T_PYSSIZET, offsetof(Box, size), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef Box_getset[] = {
    {"computed", (getter)Box_get, (setter)Box_set, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot Box_slots[] = {
    {Py_tp_new, Box_new},
    {Py_tp_dealloc, Box_dealloc},
    {Py_tp_traverse, Box_traverse},
    {Py_tp_clear, Box_clear},
    {Py_tp_methods, Box_methods},
    {Py_tp_members, Box_members},
    {Py_tp_getset, Box_getset},
    {Py_sq_length, Box_length},
    {Py_sq_item, Box_item},
    {Py_sq_ass_item, Box_set_item},
    {Py_sq_contains, Box_contains},
    {Py_nb_bool, Box_bool},
    {Py_nb_add, Box_add},
    {Py_tp_richcompare, Box_compare},
    {Py_tp_hash, Box_hash},
    {Py_tp_call, Box_call},
    {Py_tp_iter, Box_iter},
    {Py_tp_iternext, Box_next},
    {0, NULL},
};

static PyType_Spec Box_spec = {
    .name = "crossing.Box",
    .basicsize = sizeof(Box),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = Box_slots,
};

PyObject *
give_box(PyObject *Py_UNUSED(module), PyObject *value)
{
    Box *self = (Box *)box_type->tp_alloc(box_type, 0);
    if (self != NULL) {
        Py_INCREF(value);
        self->value = value;
        self->size = 10;
    }
    return (PyObject *)self;
}

int
add_box(PyObject *module)
{
    box_type = (PyTypeObject *)PyType_FromSpec(&Box_spec);
    return box_type == NULL ? -1 : PyModule_AddType(module, box_type);
}
