/* Links: objects that both sides know, that C makes, keeps and lets go. */
#include "crossing.h"

/* ---- Holder: keeps references that no collector sees, so that what it holds are roots ---- */

typedef struct {
    PyObject_HEAD
    PyObject **items;
    Py_ssize_t size;
} Holder;

static PyObject *
Holder_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *list;
    if (!PyArg_ParseTuple(args, "O!:Holder", &PyList_Type, &list)) {
        return NULL;
    }
    Holder *self = (Holder *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    Py_ssize_t size = PyList_Size(list);
    self->items = malloc((size_t)(size + 1) * sizeof(PyObject *));
    if (self->items == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        self->items[i] = kept(PyList_GetItem(list, i));
    }
    self->size = size;
    return (PyObject *)self;
}

static void
Holder_dealloc(Holder *self)
{
    for (Py_ssize_t i = 0; i < self->size; i++) {
        Py_DECREF(self->items[i]);
    }
    free(self->items);
    free_plain((PyObject *)self);
}

static PyType_Slot Holder_slots[] = {
    {Py_tp_new, Holder_new},
    {Py_tp_dealloc, Holder_dealloc},
    {0, NULL},
};

static PyType_Spec Holder_spec = {
    .name = "crossing.Holder",
    .basicsize = sizeof(Holder),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = Holder_slots,
};

/* ---- Objects that are made ---- */

ONE(boxes)
{
    Py_ssize_t size = PyLong_AsSsize_t(object);
    if (size < 0) {
        return NULL;
    }
    PyObject *list = PyList_New(size);
    for (Py_ssize_t i = 0; list != NULL && i < size; i++) {
        PyObject *box = give_box(NULL, Py_None);
        if (box == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, box);
    }
    return list;
}

/* Made and dropped on C's side alone. */
REPEATED(make_boxes, give_box(NULL, object))

/* One place that keeps an object: a new one lets the old one go. */
static PyObject *held;

ONE(hold)
{
    PyObject *old = held;
    held = kept(object);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

NOARGS(let_go)
{
    Py_CLEAR(held);
    Py_RETURN_NONE;
}

REPEATED(make_weakrefs, PyWeakref_NewRef(object, NULL))

PyMethodDef link_functions[] = {
    {"boxes", boxes, METH_O, NULL},
    {"make_boxes", make_boxes, METH_O, NULL},
    {"hold", hold, METH_O, NULL},
    {"let_go", let_go, METH_NOARGS, NULL},
    {"make_weakrefs", make_weakrefs, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int
add_links(PyObject *module)
{
    return add_spec(module, &Holder_spec);
}
