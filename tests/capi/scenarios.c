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
    PyGC_Collect();  /* Cape may keep it until then */
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


/* Static methods: they get no object. */
static PyObject *
echo(PyObject *self, PyObject *object)
{
    return self == NULL ? Py_NewRef(object) : NULL;
}

static PyObject *
nothing(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(self == NULL);
}

static PyMethodDef spec_methods[] = {
    {"number", number_of, METH_NOARGS, "The number."},
    {"echo", echo, METH_O | METH_STATIC, NULL},
    {"nothing", nothing, METH_NOARGS | METH_STATIC, NULL},
    {NULL, NULL, 0, NULL},
};
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
    PyUnicode_Fill(to, 0, 5, 0x20ac);
    Py_ssize_t copied = PyUnicode_CopyCharacters(to, 1, from, 0, 2);
    if (copied < 0) {
        Py_DECREF(to);
        return NULL;
    }
    return Py_BuildValue("(Nn)", to, copied);
}

/* PyOS_snprintf, Py_Version, _PyByteArray_empty_string */
static PyObject *
printing(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    char room[8];
    int written = PyOS_snprintf(room, sizeof(room), "%d-%s", 12, "a long text");
    return Py_BuildValue("(isis)", written, room, (int)(Py_Version >> 16), _PyByteArray_empty_string);
}

/* ---- a type whose instances export memory ---- */

typedef struct {
    PyObject_HEAD
    char *memory;
    Py_ssize_t size;
} Memory;

static int exported;

static PyObject *
memory_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    const char *text;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y#", &text, &size)) {
        return NULL;
    }
    Memory *self = (Memory *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->memory = PyMem_Malloc((size_t)size);
        memcpy(self->memory, text, (size_t)size);
        self->size = size;
    }
    return (PyObject *)self;
}

static void
memory_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(((Memory *)self)->memory);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
memory_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    exported++;
    return PyBuffer_FillInfo(view, self, ((Memory *)self)->memory, ((Memory *)self)->size, 0, flags);
}

static void
memory_releasebuffer(PyObject *Py_UNUSED(self), Py_buffer *Py_UNUSED(view))
{
    exported--;
}

static PyType_Slot memory_slots[] = {
    {Py_tp_new, memory_new}, {Py_tp_dealloc, memory_dealloc}, {Py_bf_getbuffer, memory_getbuffer},
    {Py_bf_releasebuffer, memory_releasebuffer}, {0, NULL},
};
static PyType_Spec memory_spec = {"scenarios.Memory", sizeof(Memory), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, memory_slots};

static PyObject *
exports(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(exported);
}

/* PyMemoryView_FromMemory, PyMemoryView_FromBuffer */
static PyObject *
views(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static char memory[] = "0123456789";
    Py_ssize_t shape[] = {2, 2}, strides[] = {3, 2};
    Py_buffer view = {.buf = memory, .len = 4, .itemsize = 1, .readonly = 1, .ndim = 2, .format = "B", .shape = shape, .strides = strides};
    return Py_BuildValue("(NNN)", PyMemoryView_FromMemory(memory, 10, PyBUF_WRITE), PyMemoryView_FromMemory(memory, 10, PyBUF_READ),
                         PyMemoryView_FromBuffer(&view));
}

/* ---- macros that read sizes and storage ---- */

static PyObject *
sizes_of(PyObject *dict, PyObject *set, PyObject *array)
{
    return Py_BuildValue("(nnny#)", PyDict_GET_SIZE(dict), PySet_GET_SIZE(set), PyByteArray_GET_SIZE(array),
                         PyByteArray_AS_STRING(array), PyByteArray_GET_SIZE(array));
}

static PyObject *
sizes(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dict, *set, *array;
    return PyArg_ParseTuple(args, "OOO", &dict, &set, &array) ? sizes_of(dict, set, array) : NULL;
}

typedef struct {
    PyObject_HEAD
    PyObject *dict, *set, *array;
} Holder;

static PyObject *
holder_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *dict, *set, *array;
    if (!PyArg_ParseTuple(args, "OOO", &dict, &set, &array)) {
        return NULL;
    }
    Holder *self = (Holder *)type->tp_alloc(type, 0);
    self->dict = Py_NewRef(dict);
    self->set = Py_NewRef(set);
    self->array = Py_NewRef(array);
    return (PyObject *)self;
}

static void
holder_dealloc(PyObject *op)
{
    Holder *self = (Holder *)op;
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF(self->dict);
    Py_DECREF(self->set);
    Py_DECREF(self->array);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
holder_call(PyObject *op, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Holder *self = (Holder *)op;
    return sizes_of(self->dict, self->set, self->array);
}

static PyType_Slot holder_slots[] = {{Py_tp_new, holder_new}, {Py_tp_dealloc, holder_dealloc}, {Py_tp_call, holder_call}, {0, NULL}};
static PyType_Spec holder_spec = {"scenarios.Holder", sizeof(Holder), 0, Py_TPFLAGS_DEFAULT, holder_slots};

static PyObject *
grown(PyObject *Py_UNUSED(module), PyObject *array)
{
    Py_ssize_t size = PyByteArray_Size(array);
    if (PyByteArray_Resize(array, size + 3) < 0) {
        return NULL;
    }
    memset(PyByteArray_AsString(array) + size, 0, 3);
    return Py_NewRef(array);
}

/* ---- the exception being handled: the API's answer, if it is what macros of Cython's read ---- */

static PyObject *
handled(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *type, *value, *traceback, *exception = PyErr_GetHandledException();
    PyErr_GetExcInfo(&type, &value, &traceback);
    _PyErr_StackItem *item = PyThreadState_Get()->exc_info;
    while (item->previous_item != NULL && (item->exc_value == NULL || item->exc_value == Py_None)) {
        item = item->previous_item;
    }
    PyObject *seen = item->exc_value == NULL ? Py_None : item->exc_value;
    int same = (exception == NULL ? Py_None : exception) == seen && (value == NULL ? Py_None : value) == seen;
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    if (!same) {
        PyErr_SetString(PyExc_AssertionError, "two answers to what is being handled");
        Py_XDECREF(exception);
        return NULL;
    }
    return exception == NULL ? Py_NewRef(Py_None) : exception;
}

/* PyStructSequence_InitType2, PyStructSequence_NewType, PyStructSequence_New, PyStructSequence_SetItem, PyStructSequence_GetItem */
static PyStructSequence_Field point_fields[] = {{"x", "Across."}, {"y", "Up."}, {"hidden", NULL}, {NULL, NULL}};
static PyStructSequence_Desc point_desc = {"scenarios.Point", "A point.", point_fields, 2};
static PyTypeObject Point_Type;

static PyObject *
points(PyObject *Py_UNUSED(module), PyObject *heap)
{
    PyTypeObject *type;
    if (heap == Py_True) {
        type = PyStructSequence_NewType(&point_desc);
    }
    else {
        type = Point_Type.tp_name == NULL && PyStructSequence_InitType2(&Point_Type, &point_desc) < 0
                   ? NULL
                   : (PyTypeObject *)Py_NewRef(&Point_Type);
    }
    PyObject *point = type == NULL ? NULL : PyStructSequence_New(type);
    if (point == NULL) {
        return NULL;
    }
    PyStructSequence_SetItem(point, 0, PyLong_FromLong(1));
    PyStructSequence_SetItem(point, 1, PyFloat_FromDouble(2.5));
    PyStructSequence_SetItem(point, 2, PyList_New(0));
    return Py_BuildValue("(NNO)", type, point, PyStructSequence_GetItem(point, 2));
}

static PyMethodDef methods[] = {
    {"points", points, METH_O, NULL},
    {"exports", exports, METH_NOARGS, NULL},
    {"views", views, METH_NOARGS, NULL},
    {"sizes", sizes, METH_VARARGS, NULL},
    {"grown", grown, METH_O, NULL},
    {"handled", handled, METH_NOARGS, NULL},
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
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL
        && (PyModule_Add(module, "Memory", PyType_FromSpec(&memory_spec)) < 0
            || PyModule_Add(module, "Holder", PyType_FromSpec(&holder_spec)) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}
