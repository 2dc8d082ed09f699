/* scenarios: what cannot be tried by one call alone. Each function makes the calls in the order that the API demands,
 * and tells what came of them in a tuple, which is the same in CPython. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

/* ---- a type with everything that an object's life needs ---- */

typedef struct {
    PyObject_HEAD
    PyObject *held;
    PyObject *weak;
} Node;

static int finalized, deallocated;

static void
node_finalize(PyObject *Py_UNUSED(self))
{
    finalized++;
}

static void
node_dealloc(PyObject *self)
{
    if (PyObject_CallFinalizerFromDealloc(self) < 0) {
        return;
    }
    PyObject_GC_UnTrack(self);
    if (((Node *)self)->weak != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_CLEAR(((Node *)self)->held);
    deallocated++;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_Del(self);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        Py_DECREF(type);
    }
}

static int
node_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Node *)self)->held);
    return 0;
}

static int
node_clear(PyObject *self)
{
    Py_CLEAR(((Node *)self)->held);
    return 0;
}

static PyMemberDef node_members[] = {
    {"held", T_OBJECT, offsetof(Node, held), 0, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weak), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject Node_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "scenarios.Node",
    .tp_basicsize = sizeof(Node),
    .tp_dealloc = node_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = node_traverse,
    .tp_clear = node_clear,
    .tp_members = node_members,
    .tp_finalize = node_finalize,
    .tp_weaklistoffset = offsetof(Node, weak),
};

static Node *
new_node(PyTypeObject *type)
{
    Node *node = (Node *)_PyObject_GC_New(type);
    if (node != NULL) {
        node->held = NULL;
        node->weak = NULL;
        PyObject_GC_Track(node);
    }
    return node;
}

/* _PyObject_GC_New, PyObject_GC_Track, PyObject_GC_UnTrack, PyObject_CallFinalizerFromDealloc, PyObject_ClearWeakRefs, PyObject_GC_Del,
 * PyObject_GC_IsFinalized, _Py_Dealloc */
static PyObject *
life(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    int ready = PyType_Ready(&Node_Type);
    finalized = deallocated = 0;
    Node *node = new_node(&Node_Type);
    if (node == NULL) {
        return NULL;
    }
    node->held = PyList_New(0);
    PyObject *weak = PyWeakref_NewRef((PyObject *)node, NULL);
    if (weak == NULL) {
        return NULL;
    }
    int before = PyObject_GC_IsFinalized((PyObject *)node), tracked = PyObject_GC_IsTracked((PyObject *)node);
    Py_DECREF(node);
    PyObject *after = PyObject_CallNoArgs(weak);
    Py_DECREF(weak);
    Node *other = new_node(&Node_Type);
    PyObject_GC_UnTrack(other);
    PyObject_GC_UnTrack(other);
    Py_SET_REFCNT(other, 0);
    _Py_Dealloc((PyObject *)other);
    return Py_BuildValue("(iiiNii)", ready, before, tracked, after, finalized, deallocated);
}

/* PyObject_Init, PyObject_Free */
typedef struct {
    PyObject_HEAD
    int number;
} Plain;

static void
plain_dealloc(PyObject *self)
{
    deallocated++;
    PyObject_Free(self);
}

static PyTypeObject Plain_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "scenarios.Plain",
    .tp_basicsize = sizeof(Plain),
    .tp_dealloc = plain_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static PyObject *
own_memory(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    if (PyType_Ready(&Plain_Type) < 0) {
        return NULL;
    }
    deallocated = 0;
    PyObject *plain = PyObject_Init((PyObject *)PyObject_Malloc(sizeof(Plain)), &Plain_Type);
    Py_ssize_t count = Py_REFCNT(plain);
    PyObject *type = PyObject_Type(plain);
    Py_DECREF(plain);
    PyObject_Free(NULL);
    PyObject *nothing = PyObject_Init(NULL, &Plain_Type);
    int error = PyErr_Occurred() != NULL && PyErr_ExceptionMatches(PyExc_MemoryError);
    PyErr_Clear();
    return Py_BuildValue("(nNiii)", count, type, deallocated, nothing == NULL, error);
}

/* PyMem_Malloc, PyMem_Realloc, PyMem_Free */
static PyObject *
memory(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    char *block = PyMem_Malloc(10), *empty = PyMem_Malloc(0), *fresh = PyMem_Realloc(NULL, 3);
    memcpy(block, "123456789", 10);
    block = PyMem_Realloc(block, 100000);
    PyObject *text = PyBytes_FromString(block);
    void *huge = PyMem_Malloc((size_t)PY_SSIZE_T_MAX + 1), *larger = PyMem_Realloc(block, (size_t)PY_SSIZE_T_MAX + 1);
    PyMem_Free(block);
    PyMem_Free(NULL);
    int made = empty != NULL && fresh != NULL;
    PyMem_Free(empty);
    PyMem_Free(fresh);
    return Py_BuildValue("(Niii)", text, made, huge == NULL, larger == NULL);
}

/* PyModuleDef_Init, PyModule_Create2 */
static PyMethodDef no_methods[] = {{NULL, NULL, 0, NULL}};
static PyModuleDef made = {PyModuleDef_HEAD_INIT, "made", "Made.", 8, no_methods, NULL, NULL, NULL, NULL};
static PyModuleDef negative = {PyModuleDef_HEAD_INIT, "negative", NULL, -2, no_methods, NULL, NULL, NULL, NULL};

static PyObject *
modules(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    int same = PyModuleDef_Init(&negative) == (PyObject *)&negative;
    PyObject *module = PyModule_Create2(&made, PYTHON_API_VERSION);
    if (module == NULL) {
        return NULL;
    }
    int state = PyModule_GetState(module) != NULL, definition = PyModule_GetDef(module) == &made;
    PyObject *doc = PyObject_GetAttrString(module, "__doc__");
    return Py_BuildValue("(iNiiN)", same, module, state, definition, doc);
}

/* PyEval_SaveThread, PyEval_RestoreThread, PyGILState_Ensure, PyGILState_Release, Py_LeaveRecursiveCall */
static PyObject *
threads(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyThreadState *mine = PyThreadState_Get();
    PyThreadState *saved = PyEval_SaveThread();
    int without = PyThreadState_GetUnchecked() == NULL;
    PyGILState_STATE inner = PyGILState_Ensure();
    int again = PyThreadState_Get() == mine;
    PyGILState_STATE nested = PyGILState_Ensure();
    PyGILState_Release(nested);
    PyGILState_Release(inner);
    int released = PyThreadState_GetUnchecked() == NULL;
    PyEval_RestoreThread(saved);
    int entered = Py_EnterRecursiveCall(" in a scenario");
    Py_LeaveRecursiveCall();
    return Py_BuildValue("(iiiiii)", saved == mine, without, again, nested == PyGILState_LOCKED, released, entered);
}

/* PyObject_GetBuffer, PyBuffer_Release */
static PyObject *
buffers(PyObject *Py_UNUSED(module), PyObject *source)
{
    Py_buffer view;
    if (PyObject_GetBuffer(source, &view, PyBUF_FULL_RO) < 0) {
        return NULL;
    }
    PyObject *result = Py_BuildValue("(y#ninisnn)", view.buf, view.len, view.len, view.readonly, view.itemsize, view.ndim,
                                     view.format, view.shape[0], view.strides[0]);
    int owner = view.obj == source;
    PyBuffer_Release(&view);
    int released = view.obj == NULL;
    PyBuffer_Release(&view);
    return Py_BuildValue("(Nii)", result, owner, released);
}

/* PyType_FromMetaclass */
static PyObject *
number_of(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(((Plain *)self)->number);
}

static PyMethodDef spec_methods[] = {{"number", number_of, METH_NOARGS, "The number."}, {NULL, NULL, 0, NULL}};
static PyType_Slot spec_slots[] = {{Py_tp_methods, spec_methods}, {Py_tp_doc, "From a specification."}, {0, NULL}};
static PyType_Spec spec = {"scenarios.FromSpec", sizeof(Plain), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, spec_slots};

static PyObject *
from_spec(PyObject *module, PyObject *metaclass)
{
    return PyType_FromMetaclass(metaclass == Py_None ? NULL : (PyTypeObject *)metaclass, module, &spec, NULL);
}

/* PyObject_VisitManagedDict, PyObject_ClearManagedDict, _PyObject_GetDictPtr */
static int
managed_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return PyObject_VisitManagedDict(self, visit, arg);
}

static int
managed_clear(PyObject *self)
{
    PyObject_ClearManagedDict(self);
    return 0;
}

static void
managed_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    PyObject_ClearManagedDict(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot managed_slots[] = {
    {Py_tp_traverse, managed_traverse}, {Py_tp_clear, managed_clear}, {Py_tp_dealloc, managed_dealloc}, {0, NULL},
};
static PyType_Spec managed_spec = {"scenarios.Managed", sizeof(PyObject), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MANAGED_DICT, managed_slots};

static PyObject *
managed_dict(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *type = PyType_FromSpec(&managed_spec);
    PyObject *instance = type == NULL ? NULL : PyObject_CallNoArgs(type);
    if (instance == NULL || PyObject_SetAttrString(instance, "attribute", type) < 0) {
        return NULL;
    }
    int has = PyObject_HasAttrString(instance, "attribute");
    PyObject *dict = PyObject_GenericGetDict(instance, NULL);
    Py_ssize_t size = PyDict_Size(dict);
    Py_DECREF(dict);
    PyObject_ClearManagedDict(instance);
    int still = PyObject_HasAttrString(instance, "attribute");
    PyObject *plain = PyLong_FromLong(1000);
    int none = _PyObject_GetDictPtr(plain) == NULL;
    Py_DECREF(plain);
    Py_DECREF(instance);
    Py_DECREF(type);
    return Py_BuildValue("(inii)", has, size, still, none);
}

/* PyUnicode_New, PyUnicode_CopyCharacters */
static PyObject *
fresh_text(PyObject *Py_UNUSED(module), PyObject *from)
{
    PyObject *to = PyUnicode_New(5, 0xffff);
    if (to == NULL) {
        return NULL;
    }
    PyUnicode_Fill(to, 0, 5, '-');
    Py_ssize_t copied = PyUnicode_CopyCharacters(to, 1, from, 0, 2);
    if (copied < 0) {
        Py_DECREF(to);
        return NULL;
    }
    return Py_BuildValue("(Nn)", to, copied);
}

/* PyOS_snprintf */
static PyObject *
printing(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    char room[8];
    int written = PyOS_snprintf(room, sizeof(room), "%d-%s", 12, "a long text");
    return Py_BuildValue("(is)", written, room);
}

static PyMethodDef methods[] = {
    {"life", life, METH_NOARGS, NULL},
    {"own_memory", own_memory, METH_NOARGS, NULL},
    {"memory", memory, METH_NOARGS, NULL},
    {"modules", modules, METH_NOARGS, NULL},
    {"threads", threads, METH_NOARGS, NULL},
    {"buffers", buffers, METH_O, NULL},
    {"from_spec", from_spec, METH_O, NULL},
    {"managed_dict", managed_dict, METH_NOARGS, NULL},
    {"fresh_text", fresh_text, METH_O, NULL},
    {"printing", printing, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "scenarios", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_scenarios(void)
{
    return PyModule_Create(&definition);
}
