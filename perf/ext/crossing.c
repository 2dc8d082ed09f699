/* crossing: one function, type or slot per way to cross between Python and C, each with as little work
 * of its own as there can be. Uses only what CPython 3.14, Cape and PyPy 3.11 all have. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

/* ---- calls into C ---- */

static PyObject *
noargs(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_RETURN_NONE;
}

static PyObject *
one(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(object))
{
    Py_RETURN_NONE;
}

static PyObject *
one_int(PyObject *Py_UNUSED(module), PyObject *number)
{
    long value = PyLong_AsLong(number);
    if (value == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
one_float(PyObject *Py_UNUSED(module), PyObject *number)
{
    double value = PyFloat_AsDouble(number);
    if (value == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
one_str(PyObject *Py_UNUSED(module), PyObject *text)
{
    Py_ssize_t size;
    if (PyUnicode_AsUTF8AndSize(text, &size) == NULL) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
args_none(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    Py_RETURN_NONE;
}

static PyObject *
args_parsed(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object;
    long number;
    if (!PyArg_ParseTuple(args, "Ol", &object, &number)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
keywords(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"object", "number", NULL};
    PyObject *object;
    long number = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|l", names, &object, &number)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
fastcall(PyObject *Py_UNUSED(module), PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(nargs))
{
    Py_RETURN_NONE;
}

static PyObject *
fastcall_keywords(PyObject *Py_UNUSED(module), PyObject *const *Py_UNUSED(args), Py_ssize_t Py_UNUSED(nargs),
                  PyObject *Py_UNUSED(names))
{
    Py_RETURN_NONE;
}

/* ---- containers that C reads and writes ---- */

static PyObject *
sum_list(PyObject *Py_UNUSED(module), PyObject *list)
{
    long total = 0;
    Py_ssize_t size = PyList_Size(list);
    for (Py_ssize_t i = 0; i < size; i++) {
        total += PyLong_AsLong(PyList_GET_ITEM(list, i));
    }
    return PyErr_Occurred() ? NULL : PyLong_FromLong(total);
}

static PyObject *
sum_tuple(PyObject *Py_UNUSED(module), PyObject *tuple)
{
    long total = 0;
    Py_ssize_t size = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < size; i++) {
        total += PyLong_AsLong(PyTuple_GET_ITEM(tuple, i));
    }
    return PyErr_Occurred() ? NULL : PyLong_FromLong(total);
}

static PyObject *
sum_dict(PyObject *Py_UNUSED(module), PyObject *dict)
{
    long total = 0;
    Py_ssize_t position = 0;
    PyObject *key, *value;
    while (PyDict_Next(dict, &position, &key, &value)) {
        total += PyLong_AsLong(value);
    }
    return PyErr_Occurred() ? NULL : PyLong_FromLong(total);
}

static PyObject *
sum_iterator(PyObject *Py_UNUSED(module), PyObject *object)
{
    long total = 0;
    PyObject *item, *iterator = PyObject_GetIter(object);
    if (iterator == NULL) {
        return NULL;
    }
    while ((item = PyIter_Next(iterator)) != NULL) {
        total += PyLong_AsLong(item);
        Py_DECREF(item);
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(total);
}

static PyObject *
dict_get(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *dict, *key;
    if (!PyArg_ParseTuple(args, "OO", &dict, &key)) {
        return NULL;
    }
    PyObject *value = PyDict_GetItemWithError(dict, key);
    if (value == NULL) {
        return NULL;
    }
    Py_INCREF(value);
    return value;
}

static PyObject *
append(PyObject *Py_UNUSED(module), PyObject *list)
{
    if (PyList_Append(list, Py_None) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- what comes back ---- */

static PyObject *kept_object, *kept_tuple, *kept_str;

static PyObject *
give_none(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_RETURN_NONE;
}

static PyObject *
give_small_int(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(7);
}

static PyObject *
give_int(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(1234567);
}

static PyObject *
give_float(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyFloat_FromDouble(1.5);
}

static PyObject *
give_str(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyUnicode_FromStringAndSize("hello, world", 12);
}

static PyObject *
give_bytes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyBytes_FromStringAndSize("hello, world", 12);
}

static PyObject *
give_tuple(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *tuple = PyTuple_New(2);
    if (tuple != NULL) {
        PyTuple_SET_ITEM(tuple, 0, PyLong_FromLong(7));
        PyTuple_SET_ITEM(tuple, 1, PyFloat_FromDouble(1.5));
    }
    return tuple;
}

static PyObject *
give_list(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *list = PyList_New(10);
    for (long i = 0; list != NULL && i < 10; i++) {
        PyList_SET_ITEM(list, i, PyLong_FromLong(i));
    }
    return list;
}

static PyObject *
give_dict(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("{s:i,s:i}", "one", 1, "two", 2);
}

static PyObject *
give_kept(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_INCREF(kept_object);
    return kept_object;
}

static PyObject *
give_kept_tuple(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_INCREF(kept_tuple);
    return kept_tuple;
}

static PyObject *
give_kept_str(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_INCREF(kept_str);
    return kept_str;
}

static PyObject *
give_same(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    return object;
}

static PyObject *
raise_error(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyErr_SetString(PyExc_ValueError, "no");
    return NULL;
}

/* ---- C calls Python: each function does one thing 100 times ---- */

#define TIMES 100

/* What a step gives back is dropped; NULL ends the loop. */
#define REPEATED(name, step)                                                   \
    static PyObject *name(PyObject *Py_UNUSED(module), PyObject *object)       \
    {                                                                          \
        for (long i = 0; i < TIMES; i++) {                                     \
            PyObject *result = step;                                           \
            if (result == NULL) {                                              \
                return NULL;                                                   \
            }                                                                  \
            Py_DECREF(result);                                                 \
        }                                                                      \
        Py_RETURN_NONE;                                                        \
    }

static PyObject *
call_with_int(PyObject *callable, long i)
{
    PyObject *number = PyLong_FromLong(100000 + i);
    PyObject *result = number == NULL ? NULL : PyObject_CallFunctionObjArgs(callable, number, NULL);
    Py_XDECREF(number);
    return result;
}

static PyObject *
call_vector(PyObject *callable)
{
    PyObject *arguments[] = {Py_None, Py_True};
    return PyObject_Vectorcall(callable, arguments, 2, NULL);
}

static PyObject *
call_failing(PyObject *callable)
{
    PyObject *result = PyObject_CallNoArgs(callable);
    if (result == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        result = Py_None;
        Py_INCREF(result);
    }
    return result;
}

static PyObject *
set_attribute(PyObject *object)
{
    if (PyObject_SetAttrString(object, "value", Py_None) < 0) {
        return NULL;
    }
    Py_INCREF(Py_None);
    return Py_None;
}

REPEATED(call_none, PyObject_CallNoArgs(object))
REPEATED(call_object, PyObject_CallFunctionObjArgs(object, Py_None, NULL))
REPEATED(call_int, call_with_int(object, i))
REPEATED(call_two, call_vector(object))
REPEATED(call_format, PyObject_CallFunction(object, "ls", i, "text"))
REPEATED(call_method, PyObject_CallMethod(object, "method", NULL))
REPEATED(call_raising, call_failing(object))
REPEATED(get_attribute, PyObject_GetAttrString(object, "value"))
REPEATED(set_attributes, set_attribute(object))
REPEATED(add_numbers, PyNumber_Add(object, object))

/* ---- a type ---- */

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

static PyObject *
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

/* ---- the module ---- */

static PyMethodDef functions[] = {
    {"noargs", noargs, METH_NOARGS, NULL},
    {"one", one, METH_O, NULL},
    {"one_int", one_int, METH_O, NULL},
    {"one_float", one_float, METH_O, NULL},
    {"one_str", one_str, METH_O, NULL},
    {"args_none", args_none, METH_VARARGS, NULL},
    {"args_parsed", args_parsed, METH_VARARGS, NULL},
    {"keywords", (PyCFunction)(void (*)(void))keywords, METH_VARARGS | METH_KEYWORDS, NULL},
    {"fastcall", (PyCFunction)(void (*)(void))fastcall, METH_FASTCALL, NULL},
    {"fastcall_keywords", (PyCFunction)(void (*)(void))fastcall_keywords, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"sum_list", sum_list, METH_O, NULL},
    {"sum_tuple", sum_tuple, METH_O, NULL},
    {"sum_dict", sum_dict, METH_O, NULL},
    {"sum_iterator", sum_iterator, METH_O, NULL},
    {"dict_get", dict_get, METH_VARARGS, NULL},
    {"append", append, METH_O, NULL},
    {"give_none", give_none, METH_NOARGS, NULL},
    {"give_small_int", give_small_int, METH_NOARGS, NULL},
    {"give_int", give_int, METH_NOARGS, NULL},
    {"give_float", give_float, METH_NOARGS, NULL},
    {"give_str", give_str, METH_NOARGS, NULL},
    {"give_bytes", give_bytes, METH_NOARGS, NULL},
    {"give_tuple", give_tuple, METH_NOARGS, NULL},
    {"give_list", give_list, METH_NOARGS, NULL},
    {"give_dict", give_dict, METH_NOARGS, NULL},
    {"give_kept", give_kept, METH_NOARGS, NULL},
    {"give_kept_tuple", give_kept_tuple, METH_NOARGS, NULL},
    {"give_kept_str", give_kept_str, METH_NOARGS, NULL},
    {"give_same", give_same, METH_O, NULL},
    {"give_box", give_box, METH_O, NULL},
    {"raise_error", raise_error, METH_NOARGS, NULL},
    {"call_none", call_none, METH_O, NULL},
    {"call_object", call_object, METH_O, NULL},
    {"call_int", call_int, METH_O, NULL},
    {"call_two", call_two, METH_O, NULL},
    {"call_format", call_format, METH_O, NULL},
    {"call_method", call_method, METH_O, NULL},
    {"call_raising", call_raising, METH_O, NULL},
    {"get_attribute", get_attribute, METH_O, NULL},
    {"set_attributes", set_attributes, METH_O, NULL},
    {"add_numbers", add_numbers, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "crossing",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC
PyInit_crossing(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
    box_type = (PyTypeObject *)PyType_FromSpec(&Box_spec);
    if (box_type == NULL || PyModule_AddType(module, box_type) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    kept_tuple = Py_BuildValue("(id)", 7, 1.5);
    kept_str = PyUnicode_FromString("hello, world");
    kept_object = give_box(NULL, Py_None);
    if (kept_tuple == NULL || kept_str == NULL || kept_object == NULL) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
