/* hotcalls: functions, methods, objects and classes of all calling conventions, which answer with what they were given, keep it,
   change it, or fail. What is called so often that it is compiled has to do the same as before. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

static PyObject *kept;

/* Gives the argument tuple that was kept last, and keeps this one. */
static PyObject *
keep_args(PyObject *self, PyObject *args)
{
    PyObject *last = kept == NULL ? Py_NewRef(Py_None) : kept;
    kept = Py_NewRef(args);
    return last;
}

/* Keeps only the items. */
static PyObject *
keep_items(PyObject *self, PyObject *args)
{
    PyObject *last = kept == NULL ? Py_NewRef(Py_None) : kept;
    kept = PySequence_List(args);
    return last;
}

static PyObject *
give_args(PyObject *self, PyObject *args)
{
    return Py_NewRef(args);
}

static PyObject *
count_args(PyObject *self, PyObject *args)
{
    return PyLong_FromSsize_t(PyTuple_GET_SIZE(args));
}

/* Whether the hash of the arguments is that of an equal tuple. */
static PyObject *
hash_args(PyObject *self, PyObject *args)
{
    PyObject *same = PyTuple_GetSlice(args, 0, PyTuple_GET_SIZE(args));
    PyObject *list = PySequence_List(args);
    PyObject *again = PyList_AsTuple(list);
    Py_hash_t a = PyObject_Hash(args), b = PyObject_Hash(again);
    Py_XDECREF(same);
    Py_XDECREF(list);
    Py_XDECREF(again);
    return a == -1 || b == -1 ? NULL : PyBool_FromLong(a == b);
}

/* Puts None into the place of the first argument. */
static PyObject *
change_args(PyObject *self, PyObject *args)
{
    PyObject *old = PyTuple_GET_ITEM(args, 0);
    PyTuple_SET_ITEM(args, 0, Py_NewRef(Py_None));
    return old;
}

/* f(*rest) */
static PyObject *
pass_on(PyObject *self, PyObject *args)
{
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    PyObject *r = PyObject_Call(PyTuple_GET_ITEM(args, 0), rest, NULL);
    Py_DECREF(rest);
    return r;
}

/* f(*all), with the very tuple. */
static PyObject *
pass_all(PyObject *self, PyObject *args)
{
    return PyObject_Call(PyTuple_GET_ITEM(args, 0), args, NULL);
}

static PyObject *
fail(PyObject *self, PyObject *args)
{
    return PyErr_Format(PyExc_ValueError, "of %zd", PyTuple_GET_SIZE(args));
}

static PyObject *
with_keywords(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return Py_BuildValue("OOO", self, args, kwargs == NULL ? Py_None : kwargs);
}

static PyObject *
fast_keywords(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    PyObject *values = PyTuple_New(n + (names == NULL ? 0 : PyTuple_GET_SIZE(names)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
        PyTuple_SET_ITEM(values, i, Py_NewRef(args[i]));
    }
    return Py_BuildValue("OnNO", self == NULL ? Py_None : self, n, values, names == NULL ? Py_None : names);
}

static PyObject *
fast(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    return fast_keywords(self, args, n, NULL);
}

static PyObject *
of_class(PyObject *self, PyTypeObject *class, PyObject *const *args, size_t n, PyObject *names)
{
    PyObject *all = fast_keywords(self, args, (Py_ssize_t)n, names);
    return Py_BuildValue("ON", class, all);
}

static PyObject *
self_only(PyObject *self, PyObject *unused)
{
    return Py_BuildValue("OO", self == NULL ? Py_None : self, unused == NULL ? Py_None : unused);
}

#define CONVENTIONS \
    {"none", self_only, METH_NOARGS, NULL}, {"one", self_only, METH_O, NULL}, {"args", give_args, METH_VARARGS, NULL}, \
    {"keywords", (PyCFunction)with_keywords, METH_VARARGS | METH_KEYWORDS, NULL}, \
    {"fast", (PyCFunction)fast, METH_FASTCALL, NULL}, \
    {"fast_keywords", (PyCFunction)fast_keywords, METH_FASTCALL | METH_KEYWORDS, NULL}, \
    {"static_none", self_only, METH_NOARGS | METH_STATIC, NULL}, {"static_one", self_only, METH_O | METH_STATIC, NULL}, \
    {"static_fast", (PyCFunction)fast, METH_FASTCALL | METH_STATIC, NULL}, \
    {"static_args", give_args, METH_VARARGS | METH_STATIC, NULL}, \
    {"class_none", self_only, METH_NOARGS | METH_CLASS, NULL}, {"class_one", self_only, METH_O | METH_CLASS, NULL}, \
    {"class_args", give_args, METH_VARARGS | METH_CLASS, NULL}, \
    {"class_fast", (PyCFunction)fast, METH_FASTCALL | METH_CLASS, NULL}

/* ---- objects that are called ---- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *value;
} Caller;

static PyObject *
call_first(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *names)
{
    return fast_keywords(Py_None, args, PyVectorcall_NARGS(nargsf), names);
}

static PyObject *
call_second(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *names)
{
    return PyUnicode_FromFormat("second of %zd", PyVectorcall_NARGS(nargsf));
}

static PyObject *
call_badly(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *names)
{
    return NULL;
}

static PyObject *
caller_use(PyObject *op, PyObject *which)
{
    long n = PyLong_AsLong(which);
    ((Caller *)op)->call = n == 0 ? call_first : n == 1 ? call_second : call_badly;
    return Py_NewRef(Py_None);
}

static PyObject *
caller_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Caller *op = (Caller *)type->tp_alloc(type, 0);
    op->call = call_first;
    op->value = Py_NewRef(args);
    return (PyObject *)op;
}

static void
caller_dealloc(PyObject *op)
{
    Py_XDECREF(((Caller *)op)->value);
    Py_TYPE(op)->tp_free(op);
}

static PyMethodDef caller_methods[] = {{"use", caller_use, METH_O, NULL}, CONVENTIONS, {NULL, NULL, 0, NULL}};
static PyMemberDef caller_members[] = {{"value", Py_T_OBJECT_EX, offsetof(Caller, value), 0, NULL}, {NULL, 0, 0, 0, NULL}};

static PyTypeObject Caller_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Caller", .tp_basicsize = sizeof(Caller), .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Caller, call), .tp_new = caller_new, .tp_dealloc = caller_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL, .tp_methods = caller_methods,
    .tp_members = caller_members,
};

static PyObject *
plain_call(PyObject *op, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_GET_SIZE(args) == 1 && PyTuple_GET_ITEM(args, 0) == Py_Ellipsis) {
        return NULL;
    }
    return Py_BuildValue("OO", args, kwargs == NULL ? Py_None : kwargs);
}

static PyTypeObject Plain_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Plain", .tp_basicsize = sizeof(PyObject), .tp_call = plain_call, .tp_new = PyType_GenericNew,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

/* ---- classes that are called: by tp_new and tp_init, which do as the first argument says, or by a function of their own ---- */

enum { USUAL, OTHER, FAIL, NOTHING, BOTH, INIT_FAILS, INIT_NOTHING };

static int
wish(PyObject *args)
{
    return PyTuple_GET_SIZE(args) > 0 && PyLong_Check(PyTuple_GET_ITEM(args, 0)) ? (int)PyLong_AsLong(PyTuple_GET_ITEM(args, 0)) : USUAL;
}

static PyObject *
made_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    switch (wish(args)) {
    case OTHER: return Py_NewRef(PyTuple_GET_SIZE(args) > 1 ? PyTuple_GET_ITEM(args, 1) : args);
    case FAIL: return PyErr_Format(PyExc_ValueError, "new");
    case NOTHING: return NULL;
    case BOTH: PyErr_SetString(PyExc_ValueError, "new gave both");
    }
    return caller_new(type, args, kwargs);
}

static int
made_init(PyObject *op, PyObject *args, PyObject *kwargs)
{
    switch (wish(args)) {
    case INIT_FAILS: PyErr_SetString(PyExc_ValueError, "init"); return -1;
    case INIT_NOTHING: return -1;
    }
    PyObject *old = ((Caller *)op)->value;
    ((Caller *)op)->value = Py_BuildValue("OO", args, kwargs == NULL ? Py_None : kwargs);
    Py_XDECREF(old);
    return 0;
}

static PyTypeObject Made_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Made", .tp_basicsize = sizeof(Caller), .tp_new = made_new, .tp_init = made_init,
    .tp_dealloc = caller_dealloc, .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .tp_members = caller_members,
};

static PyTypeObject New_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.New", .tp_basicsize = sizeof(Caller), .tp_new = made_new, .tp_dealloc = caller_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .tp_members = caller_members,
};

static PyObject *
own_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names)
{
    return fast_keywords(type, args, PyVectorcall_NARGS(nargsf), names);
}

static PyTypeObject Own_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Own", .tp_basicsize = sizeof(Caller), .tp_new = caller_new, .tp_vectorcall = own_vectorcall,
    .tp_dealloc = caller_dealloc, .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .tp_members = caller_members,
};

static PyTypeObject OnlyOwn_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.OnlyOwn", .tp_basicsize = sizeof(PyObject), .tp_vectorcall = own_vectorcall,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

/* ---- attributes, items, iteration, conversion: as settings say ---- */

static int mode;

static PyObject *
answer(const char *what, PyObject *value)
{
    switch (mode) {
    case 1: return PyErr_Format(PyExc_AttributeError, "no %s", what);
    case 2: return PyErr_Format(PyExc_ValueError, "bad %s", what);
    case 3: return NULL;
    case 4: return PyLong_FromLong(7);
    case 5: return PyUnicode_FromString("text");
    case 6: return PyBool_FromLong(1);
    case 7: return PyFloat_FromDouble(2.5);
    case 9: return Py_NewRef(Py_NotImplemented);
    case 8: return PyErr_Format(PyExc_StopIteration, "stop");
    }
    return Py_XNewRef(value);
}

static int
done(const char *what)
{
    PyObject *r = answer(what, Py_None);
    Py_XDECREF(r);
    return r == NULL ? -1 : 0;
}

static PyObject *
set_mode(PyObject *self, PyObject *n)
{
    mode = (int)PyLong_AsLong(n);
    return Py_NewRef(Py_None);
}

static PyObject *asked_getattro(PyObject *op, PyObject *name) { return answer("attribute", name); }
static int asked_setattro(PyObject *op, PyObject *name, PyObject *v) { return done("attribute"); }
static PyObject *asked_item(PyObject *op, Py_ssize_t i) { PyObject *n = PyLong_FromSsize_t(i); PyObject *r = answer("item", n); Py_DECREF(n); return r; }
static int asked_set_item(PyObject *op, Py_ssize_t i, PyObject *v) { return done(v == NULL ? "deletion" : "item"); }
static Py_ssize_t asked_length(PyObject *op) { return mode == 2 ? (done("length"), -1) : 5; }
static PyObject *asked_next(PyObject *op) { return mode == 3 ? NULL : answer("next", op); }
static PyObject *asked_number(PyObject *op) { return answer("number", op); }
static PyObject *asked_divmod(PyObject *op, PyObject *other) { return answer("divmod", other); }
static int asked_bool(PyObject *op) { return mode == 4 ? 0 : mode == 2 ? done("bool") : 1; }
static PyObject *asked_get(PyObject *op, PyObject *obj, PyObject *type) { return obj == NULL ? Py_NewRef(op) : answer("get", type); }
static int asked_set(PyObject *op, PyObject *obj, PyObject *v) { return done(v == NULL ? "delete" : "set"); }

static PySequenceMethods asked_sequence = {.sq_length = asked_length, .sq_item = asked_item, .sq_ass_item = asked_set_item};
static PyNumberMethods asked_numbers = {.nb_int = asked_number, .nb_float = asked_number, .nb_bool = asked_bool, .nb_index = asked_number, .nb_divmod = asked_divmod};

static PyTypeObject Asked_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Asked", .tp_basicsize = sizeof(PyObject), .tp_new = PyType_GenericNew, .tp_as_sequence = &asked_sequence,
    .tp_as_number = &asked_numbers, .tp_iter = PyObject_SelfIter, .tp_iternext = asked_next,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

/* Gives so many numbers. It must not be asked again after the end. */
typedef struct {
    PyObject_HEAD
    long left;
} Counted;

static PyObject *
counted_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    long left;
    if (!PyArg_ParseTuple(args, "l", &left)) {
        return NULL;
    }
    Counted *self = (Counted *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->left = left;
    }
    return (PyObject *)self;
}

static PyObject *
counted_next(PyObject *op)
{
    long left = ((Counted *)op)->left--;
    if (left < 0) {
        return PyErr_Format(PyExc_RuntimeError, "asked again");
    }
    return left == 0 ? NULL : PyLong_FromLong(left * 1000);
}

static PyTypeObject Counted_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Counted", .tp_basicsize = sizeof(Counted), .tp_new = counted_new, .tp_iter = PyObject_SelfIter,
    .tp_iternext = counted_next, .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

static PyObject *asked_text(PyObject *op) { PyObject *t = PyUnicode_FromString("as ever"), *r = answer("text", t); Py_DECREF(t); return r; }

static PyTypeObject Texts_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Texts", .tp_basicsize = sizeof(PyObject), .tp_new = PyType_GenericNew, .tp_str = asked_text,
    .tp_repr = asked_text, .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

static PyObject *asked_computed(PyObject *op, void *closure) { return answer("computed", op); }

static PyGetSetDef computed_getset[] = {{"value", asked_computed, NULL, NULL, NULL}, {NULL, NULL, NULL, NULL, NULL}};

static PyTypeObject Computed_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Computed", .tp_basicsize = sizeof(PyObject), .tp_new = PyType_GenericNew,
    .tp_getset = computed_getset, .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

static PyTypeObject Attributes_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Attributes", .tp_basicsize = sizeof(PyObject), .tp_new = PyType_GenericNew,
    .tp_getattro = asked_getattro, .tp_setattro = asked_setattro, .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

static PyTypeObject Descriptor_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "hotcalls.Descriptor", .tp_basicsize = sizeof(PyObject), .tp_new = PyType_GenericNew,
    .tp_descr_get = asked_get, .tp_descr_set = asked_set, .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

static PyMethodDef of_class_methods[] = {
    {"of_class", (PyCFunction)of_class, METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL}, {NULL, NULL, 0, NULL}};
static PyType_Slot heap_slots[] = {{Py_tp_methods, of_class_methods}, {0, NULL}};
static PyType_Spec heap_spec = {
    .name = "hotcalls.Heap", .basicsize = sizeof(PyObject), .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .slots = heap_slots};

static PyMethodDef functions[] = {
    {"keep_args", keep_args, METH_VARARGS, NULL}, {"keep_items", keep_items, METH_VARARGS, NULL},
    {"give_args", give_args, METH_VARARGS, NULL}, {"count_args", count_args, METH_VARARGS, NULL},
    {"hash_args", hash_args, METH_VARARGS, NULL}, {"change_args", change_args, METH_VARARGS, NULL},
    {"pass_on", pass_on, METH_VARARGS, NULL}, {"pass_all", pass_all, METH_VARARGS, NULL}, {"fail", fail, METH_VARARGS, NULL},
    {"keywords", (PyCFunction)with_keywords, METH_VARARGS | METH_KEYWORDS, NULL},
    {"fast_keywords", (PyCFunction)fast_keywords, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"set_mode", set_mode, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "hotcalls", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC
PyInit_hotcalls(void)
{
    PyObject *m = PyModule_Create(&module);
    PyTypeObject *types[] = {&Caller_Type, &Plain_Type, &Made_Type, &New_Type, &Own_Type, &OnlyOwn_Type, &Asked_Type, &Texts_Type, &Computed_Type, &Attributes_Type, &Descriptor_Type, &Counted_Type};
    for (size_t i = 0; m != NULL && i < sizeof(types) / sizeof(*types); i++) {
        if (PyModule_AddType(m, types[i]) < 0) {
            return NULL;
        }
    }
    PyObject *heap = PyType_FromSpec(&heap_spec);
    if (heap == NULL || PyModule_AddObjectRef(m, "Heap", heap) < 0) {
        return NULL;
    }
    Py_DECREF(heap);
    return m;
}
