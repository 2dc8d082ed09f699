/* classes: what C sees of classes, and keeps of them. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>

typedef struct {
    PyObject_HEAD
    PyObject *object;
} Holder;

static int
holder_init(Holder *self, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    PyObject *object = NULL;
    if (!PyArg_ParseTuple(args, "|O", &object)) {
        return -1;
    }
    Py_XSETREF(self->object, Py_XNewRef(object));
    return 0;
}

static int
holder_traverse(Holder *self, visitproc visit, void *arg)
{
    Py_VISIT(self->object);
    return 0;
}

/* As extensions for 3.9 and later have it. */
static int
heap_holder_traverse(Holder *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->object);
    return 0;
}

static int
holder_clear(Holder *self)
{
    Py_CLEAR(self->object);
    return 0;
}

static void
holder_dealloc(Holder *self)
{
    PyObject_GC_UnTrack(self);
    holder_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static void
heap_holder_dealloc(Holder *self)
{
    PyTypeObject *type = Py_TYPE(self);
    holder_dealloc(self);
    Py_DECREF(type);
}

static PyTypeObject holder_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "classes.Holder",
    .tp_basicsize = sizeof(Holder),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)holder_init,
    .tp_traverse = (traverseproc)holder_traverse,
    .tp_clear = (inquiry)holder_clear,
    .tp_dealloc = (destructor)holder_dealloc,
};

static PyType_Slot heap_slots[] = {
    {Py_tp_new, PyType_GenericNew}, {Py_tp_init, holder_init}, {Py_tp_traverse, heap_holder_traverse},
    {Py_tp_clear, holder_clear}, {Py_tp_dealloc, heap_holder_dealloc}, {0, NULL}};
static PyType_Spec heap_spec = {"classes.HeapHolder", sizeof(Holder), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, heap_slots};

static PyObject *kept;

/* Keeps an object; None: nothing. */
static PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_XSETREF(kept, object == Py_None ? NULL : Py_NewRef(object));
    Py_RETURN_NONE;
}

static PyObject *
see(PyObject *Py_UNUSED(module), PyObject *object)
{
    return PyLong_FromLong(PyType_Check(object) ? 1 : 0);
}

static PyObject *
make(PyObject *Py_UNUSED(module), PyObject *type)
{
    return PyObject_CallNoArgs(type);
}

/* What the struct of a class shows: its base, its bases, its MRO and its namespace. */
static PyObject *
shown(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyTypeObject *type = (PyTypeObject *)object;
    return Py_BuildValue("OOOn", type->tp_base, type->tp_bases, type->tp_mro, PyDict_Size(type->tp_dict));
}

/* The dictionary that C finds at an instance's address for it; None: no address, or nothing there. */
static PyObject *
dict_behind(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject **place = _PyObject_GetDictPtr(object);
    return Py_NewRef(place == NULL || *place == NULL ? Py_None : *place);
}

/* ---- a type whose struct has its instances' dictionary ---- */

typedef struct {
    PyObject_HEAD
    PyObject *dict;
} WithDict;

static void
with_dict_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((WithDict *)self)->dict);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef with_dict_members[] = {
    {"__dictoffset__", Py_T_PYSSIZET, offsetof(WithDict, dict), Py_READONLY, NULL},
    {"member", _Py_T_OBJECT, offsetof(WithDict, dict), Py_READONLY, NULL}, {NULL, 0, 0, 0, NULL}};
static PyGetSetDef with_dict_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL}, {NULL, NULL, NULL, NULL, NULL}};
static PyType_Slot with_dict_slots[] = {
    {Py_tp_members, with_dict_members}, {Py_tp_getset, with_dict_getset}, {Py_tp_dealloc, with_dict_dealloc}, {0, NULL}};
static PyType_Spec with_dict_spec = {
    "classes.WithDict", sizeof(WithDict), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, with_dict_slots};

static PyMethodDef functions[] = {
    {"dict_behind", dict_behind, METH_O, NULL},
    {"keep", keep, METH_O, NULL}, {"see", see, METH_O, NULL}, {"make", make, METH_O, NULL},
    {"shown", shown, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module_def = {PyModuleDef_HEAD_INIT, "classes", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_classes(void)
{
    PyObject *module = PyModule_Create(&module_def);
    PyObject *heap = PyType_FromSpec(&heap_spec);
    PyObject *with_dict = PyType_FromSpec(&with_dict_spec);
    if (module == NULL || heap == NULL || PyModule_AddObjectRef(module, "HeapHolder", heap) < 0
        || PyModule_Add(module, "WithDict", with_dict) < 0
        || PyModule_AddType(module, &holder_type) < 0) {
        Py_XDECREF(heap);
        Py_XDECREF(module);
        return NULL;
    }
    Py_DECREF(heap);
    return module;
}
