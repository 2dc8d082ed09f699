/* Tuples with named fields. The visible items are a tuple's; further fields follow them in the same array, and each field is a member
 * at its place. The type's dictionary says how many there are. */
#include "cape.h"

#undef PyStructSequence_GetItem
#undef PyStructSequence_SetItem

const char *const PyStructSequence_UnnamedField = "unnamed field";

#define ITEMS(op) (((PyTupleObject *)(op))->ob_item)

void
PyStructSequence_SetItem(PyObject *op, Py_ssize_t index, PyObject *value)
{
    ITEMS(op)[index] = value;
}

PyObject *
PyStructSequence_GetItem(PyObject *op, Py_ssize_t index)
{
    return ITEMS(op)[index];
}

/* A number in the type's dictionary; -1 with an exception. */
static Py_ssize_t
number_of(PyTypeObject *type, const char *name)
{
    PyObject *value = PyObject_GetAttrString((PyObject *)type, name);
    Py_ssize_t number = value == NULL ? -1 : PyLong_AsSsize_t(value);
    Py_XDECREF(value);
    return number;
}

PyObject *
PyStructSequence_New(PyTypeObject *type)
{
    Py_ssize_t size = number_of(type, "n_fields"), visible = size < 0 ? -1 : number_of(type, "n_sequence_fields");
    if (visible < 0) {
        return NULL;
    }
    PyTupleObject *op = PyObject_GC_NewVar(PyTupleObject, type, size);
    if (op == NULL) {
        return NULL;
    }
    op->ob_hash = -1;
    memset(op->ob_item, 0, (size_t)size * sizeof(PyObject *));
    Py_SET_SIZE(op, visible);
    return (PyObject *)op;
}

static void
structseq_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    PyObject *error = PyErr_GetRaisedException();
    Py_ssize_t size = number_of(type, "n_fields");
    PyErr_SetRaisedException(error);
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_XDECREF(ITEMS(op)[i]);
    }
    PyObject_GC_Del(op);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        Py_DECREF(type);
    }
}

/* type(sequence, dict={}): fields that the sequence does not reach come from the dict, or are None. */
static PyObject *
structseq_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sequence", "dict", NULL};
    PyObject *sequence, *dict = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:structseq", names, &sequence, &dict)) {
        return NULL;
    }
    Py_ssize_t size = number_of(type, "n_fields"), least = size < 0 ? -1 : number_of(type, "n_sequence_fields");
    if (least < 0) {
        return NULL;
    }
    if (dict == Py_None) {
        dict = NULL;
    }
    if (dict != NULL && !PyDict_Check(dict)) {
        return PyErr_Format(PyExc_TypeError, "%.500s() takes a dict as second arg, if any", type->tp_name);
    }
    PyObject *items = PySequence_Fast(sequence, "constructor requires a sequence");
    if (items == NULL) {
        return NULL;
    }
    Py_ssize_t given = PySequence_Fast_GET_SIZE(items);
    PyObject *op = NULL;
    if (given < least || given > size) {
        PyErr_Format(PyExc_TypeError, "%.500s() takes %s%zd-sequence (%zd-sequence given)", type->tp_name,
                     size == least ? "a " : given < least ? "an at least " : "an at most ", given < least ? least : size, given);
    }
    else {
        op = PyStructSequence_New(type);
    }
    for (Py_ssize_t i = 0; op != NULL && i < size; i++) {
        PyObject *item = i < given ? Py_NewRef(PySequence_Fast_GET_ITEM(items, i)) : NULL;
        if (item == NULL && dict != NULL && type->tp_members != NULL) {
            /* Members are the named fields, in order. */
            for (PyMemberDef *m = type->tp_members; m->name != NULL; m++) {
                if (m->offset == (Py_ssize_t)(offsetof(PyTupleObject, ob_item) + (size_t)i * sizeof(PyObject *))
                    && PyDict_GetItemStringRef(dict, m->name, &item) < 0) {
                    Py_CLEAR(op);
                    break;
                }
            }
        }
        if (op != NULL) {
            ITEMS(op)[i] = item == NULL ? Py_NewRef(Py_None) : item;
        }
    }
    Py_DECREF(items);
    if (op != NULL) {
        PyObject_GC_Track(op);
    }
    return op;
}

static PyObject *
structseq_repr(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject *parts = PyList_New(0), *result = NULL;
    Py_ssize_t place = (Py_ssize_t)offsetof(PyTupleObject, ob_item);
    for (Py_ssize_t i = 0; parts != NULL && i < Py_SIZE(op); i++) {
        const char *name = NULL;
        for (PyMemberDef *m = type->tp_members; m != NULL && m->name != NULL; m++) {
            if (m->offset == place + i * (Py_ssize_t)sizeof(PyObject *)) {
                name = m->name;
            }
        }
        PyObject *part = name == NULL ? PyUnicode_FromFormat("%R", ITEMS(op)[i])
                                      : PyUnicode_FromFormat("%s=%R", name, ITEMS(op)[i]);
        if (part == NULL || PyList_Append(parts, part) < 0) {
            Py_CLEAR(parts);
        }
        Py_XDECREF(part);
    }
    PyObject *comma = parts == NULL ? NULL : PyUnicode_FromString(", ");
    PyObject *joined = comma == NULL ? NULL : PyUnicode_Join(comma, parts);
    if (joined != NULL) {
        result = PyUnicode_FromFormat("%s(%U)", type->tp_name, joined);
    }
    Py_XDECREF(joined);
    Py_XDECREF(comma);
    Py_XDECREF(parts);
    return result;
}

static PyObject *
structseq_reduce(PyObject *op, PyObject *Py_UNUSED(none))
{
    PyObject *items = PyTuple_GetSlice(op, 0, Py_SIZE(op)), *dict = PyDict_New();
    for (PyMemberDef *m = Py_TYPE(op)->tp_members; items != NULL && dict != NULL && m != NULL && m->name != NULL; m++) {
        Py_ssize_t index = (m->offset - (Py_ssize_t)offsetof(PyTupleObject, ob_item)) / (Py_ssize_t)sizeof(PyObject *);
        if (index >= Py_SIZE(op) && PyDict_SetItemString(dict, m->name, ITEMS(op)[index]) < 0) {
            Py_CLEAR(dict);
        }
    }
    if (items == NULL || dict == NULL) {
        Py_XDECREF(items);
        Py_XDECREF(dict);
        return NULL;
    }
    return Py_BuildValue("(O(NN))", Py_TYPE(op), items, dict);
}

static PyMethodDef structseq_methods[] = {
    {"__reduce__", structseq_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* The members of the named fields, which live as long as the type; NULL with MemoryError. Stores how many fields there are, and how
 * many of them have no name. */
static PyMemberDef *
make_members(PyStructSequence_Desc *desc, Py_ssize_t *fields, Py_ssize_t *unnamed)
{
    *fields = *unnamed = 0;
    for (PyStructSequence_Field *f = desc->fields; f->name != NULL; f++) {
        *fields += 1;
        *unnamed += f->name == PyStructSequence_UnnamedField;
    }
    PyMemberDef *members = PyMem_New(PyMemberDef, *fields - *unnamed + 1), *m = members;
    if (members == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < *fields; i++) {
        if (desc->fields[i].name != PyStructSequence_UnnamedField) {
            size_t offset = offsetof(PyTupleObject, ob_item) + (size_t)i * sizeof(PyObject *);
            *m++ = (PyMemberDef){desc->fields[i].name, T_OBJECT, (Py_ssize_t)offset, READONLY, desc->fields[i].doc};
        }
    }
    *m = (PyMemberDef){NULL, 0, 0, 0, NULL};
    return members;
}

/* What the type's dictionary says of the fields. */
static int
add_numbers(PyTypeObject *type, PyStructSequence_Desc *desc, Py_ssize_t fields, Py_ssize_t unnamed)
{
    PyObject *names = PyList_New(0);
    for (int i = 0; names != NULL && i < desc->n_in_sequence && desc->fields[i].name != NULL; i++) {
        PyObject *name = desc->fields[i].name == PyStructSequence_UnnamedField ? NULL : PyUnicode_FromString(desc->fields[i].name);
        if (name != NULL && PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    PyObject *values = names == NULL ? NULL
                       : Py_BuildValue("{s:i,s:n,s:n,s:N}", "n_sequence_fields", desc->n_in_sequence, "n_fields", fields,
                                       "n_unnamed_fields", unnamed, "__match_args__", PyList_AsTuple(names));
    int status = values == NULL ? -1 : PyDict_Update(type->tp_dict, values);
    Py_XDECREF(values);
    Py_XDECREF(names);
    if (status == 0) {
        PyType_Modified(type);
    }
    return status;
}

int
PyStructSequence_InitType2(PyTypeObject *type, PyStructSequence_Desc *desc)
{
    Py_ssize_t fields, unnamed;
    PyMemberDef *members = make_members(desc, &fields, &unnamed);
    if (members == NULL) {
        return -1;
    }
    PyVarObject head = type->ob_base;
    memset(type, 0, sizeof(*type));
    type->ob_base = head;
    Py_SET_REFCNT(type, Py_MAX(Py_REFCNT(type), 1));
    type->tp_name = desc->name;
    type->tp_doc = desc->doc;
    type->tp_basicsize = PyTuple_Type.tp_basicsize;
    type->tp_itemsize = sizeof(PyObject *);
    type->tp_base = &PyTuple_Type;
    type->tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC;
    type->tp_new = structseq_new;
    type->tp_repr = structseq_repr;
    type->tp_dealloc = structseq_dealloc;
    type->tp_methods = structseq_methods;
    type->tp_members = members;
    return PyType_Ready(type) < 0 ? -1 : add_numbers(type, desc, fields, unnamed);
}

void
PyStructSequence_InitType(PyTypeObject *type, PyStructSequence_Desc *desc)
{
    (void)PyStructSequence_InitType2(type, desc);
}

PyTypeObject *
PyStructSequence_NewType(PyStructSequence_Desc *desc)
{
    Py_ssize_t fields, unnamed;
    PyMemberDef *members = make_members(desc, &fields, &unnamed);
    if (members == NULL) {
        return NULL;
    }
    PyType_Slot slots[] = {
        {Py_tp_dealloc, structseq_dealloc}, {Py_tp_new, structseq_new}, {Py_tp_repr, structseq_repr},
        {Py_tp_methods, structseq_methods}, {Py_tp_members, members}, {Py_tp_doc, (void *)desc->doc}, {0, NULL},
    };
    PyType_Spec spec = {
        desc->name, (int)PyTuple_Type.tp_basicsize, sizeof(PyObject *), Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)&PyTuple_Type);
    PyMem_Free(members);  /* copied */
    if (type != NULL && add_numbers(type, desc, fields, unnamed) < 0) {
        Py_CLEAR(type);
    }
    return type;
}
