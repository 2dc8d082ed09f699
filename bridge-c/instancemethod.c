/* instancemethod: binds any callable as a function of Python's is bound. A type as extensions write them; nothing of the managed side is one. */
#include "cape.h"

static PyObject *
function_of(PyObject *op)
{
    return ((PyInstanceMethodObject *)op)->func;
}

static PyObject *
instancemethod_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *func;
    if (!_PyArg_NoKeywords("instancemethod", kwargs) || !PyArg_UnpackTuple(args, "instancemethod", 1, 1, &func)) {
        return NULL;
    }
    if (!PyCallable_Check(func)) {
        PyErr_SetString(PyExc_TypeError, "first argument must be callable");
        return NULL;
    }
    PyInstanceMethodObject *made = (PyInstanceMethodObject *)type->tp_alloc(type, 0);
    if (made != NULL) {
        made->func = Py_NewRef(func);
    }
    return (PyObject *)made;
}

static int
instancemethod_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(function_of(self));
    return 0;
}

static int
instancemethod_clear(PyObject *self)
{
    Py_CLEAR(((PyInstanceMethodObject *)self)->func);
    return 0;
}

static void
instancemethod_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    instancemethod_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
instancemethod_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return PyObject_Call(function_of(self), args, kwargs);
}

static PyObject *
instancemethod_get(PyObject *self, PyObject *obj, PyObject *Py_UNUSED(type))
{
    PyObject *func = function_of(self);
    return obj == NULL ? Py_NewRef(func) : PyMethod_New(func, obj);
}

/* What the type has; all else is the function's. */
static PyObject *
instancemethod_getattro(PyObject *self, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject *found = _PyType_Lookup(type, name);
    if (found == NULL) {
        return PyErr_Occurred() ? NULL : PyObject_GetAttr(function_of(self), name);
    }
    Py_INCREF(found);
    descrgetfunc get = Py_TYPE(found)->tp_descr_get;
    if (get == NULL) {
        return found;
    }
    PyObject *result = get(found, self, (PyObject *)type);
    Py_DECREF(found);
    return result;
}

static PyObject *
instancemethod_richcompare(PyObject *self, PyObject *other, int op)
{
    if ((op != Py_EQ && op != Py_NE) || !PyInstanceMethod_Check(self) || !PyInstanceMethod_Check(other)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    int equal = PyObject_RichCompareBool(function_of(self), function_of(other), Py_EQ);
    return equal < 0 ? NULL : PyBool_FromLong(equal == (op == Py_EQ));
}

static PyObject *
instancemethod_repr(PyObject *self)
{
    PyObject *name;
    if (PyObject_GetOptionalAttrString(function_of(self), "__name__", &name) < 0) {
        return NULL;
    }
    if (name != NULL && !PyUnicode_Check(name)) {
        Py_CLEAR(name);
    }
    PyObject *text = PyUnicode_FromFormat("<instancemethod %V at %p>", name, "?", self);
    Py_XDECREF(name);
    return text;
}

static PyObject *
instancemethod_doc(PyObject *self, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(function_of(self), "__doc__");
}

static PyMemberDef members[] = {
    {"__func__", Py_T_OBJECT_EX, offsetof(PyInstanceMethodObject, func), Py_READONLY, "the function (or other callable) implementing a method"},
    {NULL},
};

static PyGetSetDef getters[] = {
    {"__doc__", instancemethod_doc, NULL, NULL, NULL},
    {NULL},
};

PyTypeObject PyInstanceMethod_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "instancemethod",
    .tp_basicsize = sizeof(PyInstanceMethodObject),
    .tp_dealloc = instancemethod_dealloc,
    .tp_repr = instancemethod_repr,
    .tp_call = instancemethod_call,
    .tp_getattro = instancemethod_getattro,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = PyDoc_STR("instancemethod(function)\n--\n\nBind a function to a class."),
    .tp_traverse = instancemethod_traverse,
    .tp_clear = instancemethod_clear,
    .tp_richcompare = instancemethod_richcompare,
    .tp_members = members,
    .tp_getset = getters,
    .tp_descr_get = instancemethod_get,
    .tp_new = instancemethod_new,
};
