/* weakrefs: what C reads of weak references and proxies, and references to objects that C made. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

/* ---- objects that C makes, with a list of weak references or none of their own ---- */

typedef struct {
    PyObject_HEAD
    PyObject *weak;
    PyObject *other;
} Node;

static long destroyed;

static int
node_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(((Node *)op)->other);
    return 0;
}

static int
node_clear(PyObject *op)
{
    Py_CLEAR(((Node *)op)->other);
    return 0;
}

static void
node_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    PyObject_ClearWeakRefs(op);
    node_clear(op);
    destroyed++;
    Py_TYPE(op)->tp_free(op);
}

static PyMemberDef node_members[] = {{"other", T_OBJECT, offsetof(Node, other), 0, NULL}, {NULL, 0, 0, 0, NULL}};

static PyTypeObject Node_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "weakrefs.Node",
    .tp_basicsize = sizeof(Node),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_weaklistoffset = offsetof(Node, weak),
    .tp_traverse = node_traverse,
    .tp_clear = node_clear,
    .tp_dealloc = node_dealloc,
    .tp_members = node_members,
    .tp_new = PyType_GenericNew,
};

static void
managed_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    PyObject_ClearWeakRefs(op);
    destroyed++;
    type->tp_free(op);
    Py_DECREF(type);
}

static int
managed_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    return 0;
}

static PyType_Slot managed_slots[] = {{Py_tp_dealloc, managed_dealloc}, {Py_tp_traverse, managed_traverse}, {0, NULL}};
static PyType_Spec managed_spec = {"weakrefs.Managed", sizeof(PyObject), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MANAGED_WEAKREF,
                                   managed_slots};

/* ---- what C reads ---- */

/* What the macro says, what the functions say, whether they agree. */
static PyObject *
shown(PyObject *Py_UNUSED(module), PyObject *ref)
{
    PyObject *macro = PyWeakref_GET_OBJECT(ref), *strong = NULL, *borrowed = PyWeakref_GetObject(ref);
    int found = PyWeakref_GetRef(ref, &strong), dead = PyWeakref_IsDead(ref);
    int agree = borrowed == macro && (strong == NULL ? macro == Py_None : strong == macro);
    Py_XDECREF(strong);
    return Py_BuildValue("(Oiii)", macro, found, dead, agree);
}

/* The callback in the struct, if it has one. */
static PyObject *
callback(PyObject *Py_UNUSED(module), PyObject *ref)
{
    PyObject *callback = ((PyWeakReference *)ref)->wr_callback;
    return Py_BuildValue("(O)", callback == NULL ? Py_None : callback);
}

static PyObject *kept;

/* keep(object): C holds it, None lets go. */
static PyObject *
keep(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_XSETREF(kept, object == Py_None ? NULL : Py_NewRef(object));
    Py_RETURN_NONE;
}

/* What the weak reference that C holds shows. */
static PyObject *
kept_shows(PyObject *module, PyObject *Py_UNUSED(none))
{
    return shown(module, kept);
}

static PyObject *
new_ref(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object, *callback = NULL;
    return PyArg_ParseTuple(args, "O|O", &object, &callback) ? PyWeakref_NewRef(object, callback) : NULL;
}

static PyObject *
new_proxy(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object, *callback = NULL;
    return PyArg_ParseTuple(args, "O|O", &object, &callback) ? PyWeakref_NewProxy(object, callback) : NULL;
}

/* ref_in_c(class, proxy): an object that only C knows, its reference, what that shows while C holds the object; the reference is left. */
static PyObject *
ref_in_c(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *type;
    int proxy;
    if (!PyArg_ParseTuple(args, "Op", &type, &proxy)) {
        return NULL;
    }
    PyObject *object = PyObject_CallNoArgs(type);
    PyObject *ref = object == NULL ? NULL : proxy ? PyWeakref_NewProxy(object, NULL) : PyWeakref_NewRef(object, NULL);
    if (ref == NULL) {
        Py_XDECREF(object);
        return NULL;
    }
    int same = PyWeakref_GET_OBJECT(ref) == object;
    PyObject *again = proxy ? PyWeakref_NewProxy(object, NULL) : PyWeakref_NewRef(object, NULL);
    int shared = again == ref;
    Py_XDECREF(again);
    Py_DECREF(object);
    return Py_BuildValue("(iiN)", same, shared, ref);
}

/* What the functions say of what is no reference. */
static PyObject *
wrong(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *errors = PyList_New(0), *strong = Py_None;
    int given = object != Py_None;
    PyObject *operand = given ? object : NULL;
#define NOTE(CALL) { CALL; PyObject *e = PyErr_GetRaisedException(); PyList_Append(errors, e == NULL ? Py_None : e); Py_XDECREF(e); }
    NOTE(PyWeakref_GetRef(operand, &strong))
    NOTE(PyWeakref_GetObject(operand))
    NOTE(PyWeakref_IsDead(operand))
    if (given) {
        NOTE(PyWeakref_NewRef(operand, NULL))
        NOTE(PyWeakref_NewProxy(operand, NULL))
    }
    return Py_BuildValue("(Ni)", errors, strong == NULL);
}

static PyObject *
deallocations(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    long n = destroyed;
    destroyed = 0;
    return PyLong_FromLong(n);
}

static PyMethodDef methods[] = {
    {"shown", shown, METH_O, NULL},
    {"callback", callback, METH_O, NULL},
    {"keep", keep, METH_O, NULL},
    {"kept_shows", kept_shows, METH_NOARGS, NULL},
    {"new_ref", new_ref, METH_VARARGS, NULL},
    {"new_proxy", new_proxy, METH_VARARGS, NULL},
    {"ref_in_c", ref_in_c, METH_VARARGS, NULL},
    {"wrong", wrong, METH_O, NULL},
    {"deallocations", deallocations, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "weakrefs", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_weakrefs(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL
        && (PyModule_AddType(module, &Node_Type) < 0 || PyModule_Add(module, "Managed", PyType_FromSpec(&managed_spec)) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}
