/* tracked: structs that C keeps to itself, in cycles that Python never sees. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyObject *next;
    PyObject *other;
} Node;

static Py_ssize_t alive, finalized;
static PyObject *kept;

static int
node_traverse(Node *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->next);
    Py_VISIT(self->other);
    return 0;
}

static int
node_clear(Node *self)
{
    Py_CLEAR(self->next);
    Py_CLEAR(self->other);
    return 0;
}

static void
node_finalize(PyObject *Py_UNUSED(self))
{
    finalized++;
}

static void
node_dealloc(Node *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (PyObject_CallFinalizerFromDealloc((PyObject *)self) < 0) {
        return;
    }
    PyObject_GC_UnTrack(self);
    node_clear(self);
    alive--;
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_tp_traverse, node_traverse}, {Py_tp_clear, node_clear}, {Py_tp_dealloc, node_dealloc}, {0, NULL}};
static PyType_Slot finalized_slots[] = {{Py_tp_traverse, node_traverse}, {Py_tp_clear, node_clear},
    {Py_tp_dealloc, node_dealloc}, {Py_tp_finalize, node_finalize}, {0, NULL}};
static PyType_Spec spec = {"tracked.Node", sizeof(Node), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
static PyType_Spec finalized_spec = {
    "tracked.Finalized", sizeof(Node), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, finalized_slots};

static Node *
made(PyObject *type)
{
    Node *node = PyObject_GC_New(Node, (PyTypeObject *)type);
    if (node != NULL) {
        node->next = node->other = NULL;
        alive++;
    }
    return node;
}

/* ring(type, length, other, tracked) -> the first node of a ring, whose nodes all refer to `other`. */
static PyObject *
ring_of(PyObject *type, Py_ssize_t length, PyObject *other, int tracked)
{
    Node *first = made(type), *last = first;
    for (Py_ssize_t i = 1; last != NULL && i < length; i++) {
        Node *node = made(type);
        if (node == NULL) {
            Py_DECREF(first);
            return NULL;
        }
        node->next = (PyObject *)last;
        last = node;
    }
    if (first == NULL) {
        return NULL;
    }
    first->next = (PyObject *)last;
    Py_INCREF(first);
    /* (first: one reference of the ring's, one of ours) */
    Node *node = first;
    do {
        node->other = Py_XNewRef(other == Py_None ? NULL : other);
        if (tracked) {
            PyObject_GC_Track(node);
        }
        node = (Node *)node->next;
    } while (node != first);
    return (PyObject *)first;
}

/* leave(type, length, other, tracked): a ring that nothing refers to. */
static PyObject *
leave(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *type, *other;
    Py_ssize_t length;
    int tracked;
    if (!PyArg_ParseTuple(args, "OnOp", &type, &length, &other, &tracked)) {
        return NULL;
    }
    PyObject *ring = ring_of(type, length, other, tracked);
    if (ring == NULL) {
        return NULL;
    }
    Py_DECREF(ring);
    Py_RETURN_NONE;
}

/* keep(type, length, other): a ring that C holds, in place of the last one. */
static PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *type, *other;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "OnO", &type, &length, &other)) {
        return NULL;
    }
    PyObject *ring = length == 0 ? NULL : ring_of(type, length, other, 1);
    if (ring == NULL && length != 0) {
        return NULL;
    }
    Py_XSETREF(kept, ring);
    Py_RETURN_NONE;
}

/* kept() -> what C holds */
static PyObject *
get_kept(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return Py_NewRef(kept == NULL ? Py_None : kept);
}

/* counts() -> (nodes alive, finalizers run), and both begin anew */
static PyObject *
counts(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *result = Py_BuildValue("(nn)", alive, finalized);
    finalized = 0;
    return result;
}

static PyMethodDef methods[] = {{"leave", leave, METH_VARARGS, NULL}, {"keep", keep, METH_VARARGS, NULL},
    {"kept", get_kept, METH_NOARGS, NULL}, {"counts", counts, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "tracked", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_tracked(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
    PyObject *node = PyType_FromSpec(&spec), *finalized_node = PyType_FromSpec(&finalized_spec);
    if (node == NULL || finalized_node == NULL || PyModule_AddObjectRef(module, "Node", node) < 0
        || PyModule_AddObjectRef(module, "Finalized", finalized_node) < 0) {
        Py_CLEAR(module);
    }
    Py_XDECREF(node);
    Py_XDECREF(finalized_node);
    return module;
}
