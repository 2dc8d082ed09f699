/* apart: what generated code takes apart: the structs of descriptors, classes and strings, whose fields it reads and writes itself. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>

/* The hash that a string's struct has once it was asked for, as its class does it. */
static PyObject *
hash_kept(PyObject *Py_UNUSED(module), PyObject *text)
{
    Py_hash_t hash = PyUnicode_Type.tp_hash(text);
    return PyBool_FromLong(((PyASCIIObject *)text)->hash == hash && hash == PyObject_Hash(text));
}

/* A class's namespace, at the place that `type.__dictoffset__` names (Cython, in the limited API). */
static PyObject *
namespace(PyObject *Py_UNUSED(module), PyObject *type)
{
    PyObject *offset = PyObject_GetAttrString((PyObject *)&PyType_Type, "__dictoffset__");
    if (offset == NULL) {
        return NULL;
    }
    PyObject *dict = *(PyObject **)((char *)type + PyLong_AsSsize_t(offset));
    Py_DECREF(offset);
    PyObject *key = PyUnicode_FromString("added");
    PyObject *result = NULL;
    if (key != NULL && PyDict_SetItem(dict, key, Py_True) == 0 && PyDict_DelItemString(dict, "taken") == 0) {
        PyType_Modified((PyTypeObject *)type);
        result = Py_NewRef(dict);
    }
    Py_XDECREF(key);
    return result;
}

/* Copies what a special method is made of and puts another docstring into the copy (Cython). */
static PyObject *
wrapper_parts(PyObject *Py_UNUSED(module), PyObject *wrapper)
{
    static struct wrapperbase copy;
    if (!Py_IS_TYPE(wrapper, &PyWrapperDescr_Type)) {
        return PyErr_Format(PyExc_TypeError, "no slot wrapper: %R", wrapper);
    }
    PyWrapperDescrObject *w = (PyWrapperDescrObject *)wrapper;
    copy = *w->d_base;
    copy.doc = "Another.";
    w->d_base = &copy;
    return Py_BuildValue("OOs", w->d_common.d_type, w->d_common.d_name, copy.name);
}

/* Writes the docstring of a method, an attribute or a field into C's definition of it (NumPy's add_docstring). */
static PyObject *
add_docstring(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object;
    const char *text;
    if (!PyArg_ParseTuple(args, "Os", &object, &text)) {
        return NULL;
    }
    const char **place = Py_IS_TYPE(object, &PyMethodDescr_Type) ? &((PyMethodDescrObject *)object)->d_method->ml_doc
                         : Py_IS_TYPE(object, &PyGetSetDescr_Type) ? &((PyGetSetDescrObject *)object)->d_getset->doc
                         : Py_IS_TYPE(object, &PyMemberDescr_Type) ? &((PyMemberDescrObject *)object)->d_member->doc
                         : PyCFunction_CheckExact(object) ? &((PyCFunctionObject *)object)->m_ml->ml_doc : NULL;
    if (place == NULL) {
        return PyErr_Format(PyExc_TypeError, "no place for a docstring: %T", object);
    }
    char *kept = PyMem_Malloc(strlen(text) + 1);
    if (kept == NULL) {
        return PyErr_NoMemory();
    }
    *place = strcpy(kept, text);
    if (PyCFunction_Check(object)) {
        Py_RETURN_NONE;
    }
    return Py_NewRef(((PyDescrObject *)object)->d_name);
}

/* What PyMemoryView_GET_BUFFER finds in a view of an object: the memory, whose it is, and how it is arranged (NumPy). */
static PyObject *
described(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *memoryview = PyMemoryView_FromObject(object);
    if (memoryview == NULL) {
        return NULL;
    }
    Py_buffer *view = PyMemoryView_GET_BUFFER(memoryview);
    PyObject *shape = PyTuple_New(2 * view->ndim);
    for (int i = 0; shape != NULL && i < view->ndim; i++) {
        PyTuple_SET_ITEM(shape, i, PyLong_FromSsize_t(view->shape[i]));
        PyTuple_SET_ITEM(shape, view->ndim + i, PyLong_FromSsize_t(view->strides[i]));
    }
    PyObject *result = Py_BuildValue("OnsNiy#", PyMemoryView_GET_BASE(memoryview), view->itemsize, view->format, shape,
                                     view->readonly, view->buf, view->strides[0] < 0 ? 1 : view->len);
    Py_DECREF(memoryview);
    return result;
}

/* ---- static types, next to each other: a string that says it is on the heap until it is ready (Cython), and one behind it ---- */

typedef struct {
    PyObject_HEAD
    int field;
} Behind;

static PyObject *
method(PyObject *self, PyObject *Py_UNUSED(none))
{
    return Py_NewRef(self);
}

static PyObject *
get(PyObject *self, void *Py_UNUSED(closure))
{
    return Py_NewRef(self);
}

static PyMethodDef methods[] = {{"method", method, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyGetSetDef getset[] = {{"attribute", get, NULL, NULL, NULL}, {NULL, NULL, NULL, NULL, NULL}};
static PyMemberDef members[] = {{"field", Py_T_INT, offsetof(Behind, field), 0, NULL}, {NULL, 0, 0, 0, NULL}};

static PyTypeObject types[2] = {
    {PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "apart.Text", .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE},
    {PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "apart.Behind", .tp_basicsize = sizeof(Behind), .tp_new = PyType_GenericNew,
     .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .tp_methods = methods, .tp_getset = getset, .tp_members = members},
};

/* ---- types whose slots call those of their builtin bases (pybind11, protobuf) ---- */

static long calls = 0;

static PyObject *
meta_getattro(PyObject *self, PyObject *name)
{
    calls++;
    return PyType_Type.tp_getattro(self, name);
}

static int
meta_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    calls++;
    return PyType_Type.tp_setattro(self, name, value);
}

static PyObject *
meta_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    calls++;
    return PyType_Type.tp_call(self, args, kwargs);
}

static PyObject *
property_get(PyObject *self, PyObject *Py_UNUSED(object), PyObject *type)
{
    calls++;
    return PyProperty_Type.tp_descr_get(self, type, type);
}

static PyObject *
dict_subscript(PyObject *self, PyObject *key)
{
    calls++;
    return PyDict_Type.tp_as_mapping->mp_subscript(self, key);
}

static int
dict_ass_subscript(PyObject *self, PyObject *key, PyObject *value)
{
    calls++;
    return PyDict_Type.tp_as_mapping->mp_ass_subscript(self, key, value);
}

static Py_ssize_t
dict_length(PyObject *self)
{
    calls++;
    return PyDict_Type.tp_as_mapping->mp_length(self);
}

static PyObject *
dict_repr(PyObject *self)
{
    calls++;
    return PyDict_Type.tp_repr(self);
}

static Py_hash_t
text_hash(PyObject *self)
{
    calls++;
    return PyUnicode_Type.tp_hash(self);
}

static PyObject *
text_richcompare(PyObject *self, PyObject *other, int op)
{
    calls++;
    return PyUnicode_Type.tp_richcompare(self, other, op);
}

static PyType_Slot meta_slots[] = {
    {Py_tp_getattro, meta_getattro}, {Py_tp_setattro, meta_setattro}, {Py_tp_call, meta_call}, {0, NULL}};
static PyType_Slot property_slots[] = {{Py_tp_descr_get, property_get}, {0, NULL}};
static PyType_Slot dict_slots[] = {
    {Py_mp_subscript, dict_subscript}, {Py_mp_ass_subscript, dict_ass_subscript}, {Py_mp_length, dict_length},
    {Py_tp_repr, dict_repr}, {0, NULL}};
static PyType_Slot text_slots[] = {{Py_tp_hash, text_hash}, {Py_tp_richcompare, text_richcompare}, {0, NULL}};
#define FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE)
static PyType_Spec specs[] = {
    {"apart.Meta", 0, 0, FLAGS, meta_slots}, {"apart.Property", 0, 0, FLAGS, property_slots},
    {"apart.Dict", 0, 0, FLAGS, dict_slots}, {"apart.HashedText", 0, 0, FLAGS, text_slots}};

/* How often the slots above were called since this was last asked. */
static PyObject *
take_calls(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    long n = calls;
    calls = 0;
    return PyLong_FromLong(n);
}

static PyMethodDef functions[] = {
    {"take_calls", take_calls, METH_NOARGS, NULL},

    {"hash_kept", hash_kept, METH_O, NULL}, {"namespace", namespace, METH_O, NULL},
    {"wrapper_parts", wrapper_parts, METH_O, NULL}, {"described", described, METH_O, NULL},
    {"add_docstring", add_docstring, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module_def = {PyModuleDef_HEAD_INIT, "apart", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_apart(void)
{
    PyObject *module = PyModule_Create(&module_def);
    types[0].tp_base = &PyUnicode_Type;
    types[0].tp_flags |= Py_TPFLAGS_HEAPTYPE;
    int ready = PyType_Ready(&types[0]);
    types[0].tp_flags &= ~Py_TPFLAGS_HEAPTYPE;
    if (module == NULL || ready < 0 || PyModule_AddType(module, &types[0]) < 0 || PyModule_AddType(module, &types[1]) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
    PyTypeObject *bases[] = {&PyType_Type, &PyProperty_Type, &PyDict_Type, &PyUnicode_Type};
    for (int i = 0; i < 4; i++) {
        PyObject *type = PyType_FromSpecWithBases(&specs[i], (PyObject *)bases[i]);
        if (type == NULL || PyModule_AddType(module, (PyTypeObject *)type) < 0) {
            return NULL;
        }
        Py_DECREF(type);
    }
    return module;
}
