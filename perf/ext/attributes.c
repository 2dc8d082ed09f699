/* Attributes: members of every sort, descriptors, slots for attributes, a dict in the instance. */
#include "crossing.h"
#include <stddef.h>

/* ---- Record: a member of every sort ---- */

typedef struct {
    PyObject_HEAD
    PyObject *object, *object_ex;
    char flag, character;
    signed char byte;
    unsigned char ubyte;
    short short_;
    unsigned short ushort;
    int int_;
    unsigned int uint;
    long long_;
    unsigned long ulong;
    long long longlong;
    unsigned long long ulonglong;
    Py_ssize_t size;
    float float_;
    double double_;
    const char *string;
    char inplace[16];
} Record;

static PyObject *
Record_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Record *self = (Record *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->object = kept(Py_None);
        self->object_ex = kept(Py_None);
        self->character = 'x';
        self->string = "hello, world";
        memcpy(self->inplace, "hello, world", 13);
        self->ulong = 1234567;
        self->longlong = 1234567;
        self->double_ = 1.5;
    }
    return (PyObject *)self;
}

static void
Record_dealloc(Record *self)
{
    Py_CLEAR(self->object);
    Py_CLEAR(self->object_ex);
    free_plain((PyObject *)self);
}

static PyMemberDef Record_members[] = {
    {"object", T_OBJECT, offsetof(Record, object), 0, NULL},
    {"object_ex", T_OBJECT_EX, offsetof(Record, object_ex), 0, NULL},
    {"bool", T_BOOL, offsetof(Record, flag), 0, NULL},
    {"char", T_CHAR, offsetof(Record, character), 0, NULL},
    {"byte", T_BYTE, offsetof(Record, byte), 0, NULL},
    {"ubyte", T_UBYTE, offsetof(Record, ubyte), 0, NULL},
    {"short", T_SHORT, offsetof(Record, short_), 0, NULL},
    {"ushort", T_USHORT, offsetof(Record, ushort), 0, NULL},
    {"int", T_INT, offsetof(Record, int_), 0, NULL},
    {"uint", T_UINT, offsetof(Record, uint), 0, NULL},
    {"long", T_LONG, offsetof(Record, long_), 0, NULL},
    {"ulong", T_ULONG, offsetof(Record, ulong), 0, NULL},
    {"longlong", T_LONGLONG, offsetof(Record, longlong), 0, NULL},
    {"ulonglong", T_ULONGLONG, offsetof(Record, ulonglong), 0, NULL},
    {"size", T_PYSSIZET, offsetof(Record, size), 0, NULL},
    {"float", T_FLOAT, offsetof(Record, float_), 0, NULL},
    {"double", T_DOUBLE, offsetof(Record, double_), 0, NULL},
    {"string", T_STRING, offsetof(Record, string), READONLY, NULL},
    {"string_inplace", T_STRING_INPLACE, offsetof(Record, inplace), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot Record_slots[] = {
    {Py_tp_new, Record_new},
    {Py_tp_dealloc, Record_dealloc},
    {Py_tp_members, Record_members},
    {0, NULL},
};

static PyType_Spec Record_spec = {
    .name = "crossing.Record",
    .basicsize = sizeof(Record),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = Record_slots,
};

/* ---- Descriptor: stands in a class, and answers for its instances ---- */

static PyObject *
Descriptor_get(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(instance), PyObject *Py_UNUSED(owner))
{
    Py_RETURN_NONE;
}

static int
Descriptor_set(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(instance), PyObject *Py_UNUSED(value))
{
    return 0;
}

static PyType_Slot Descriptor_slots[] = {
    {Py_tp_dealloc, free_plain},
    {Py_tp_descr_get, Descriptor_get},
    {Py_tp_descr_set, Descriptor_set},
    {0, NULL},
};

static PyType_Spec Descriptor_spec = {
    .name = "crossing.Descriptor",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = Descriptor_slots,
};

/* ---- Dynamic: attributes are whatever the slots say; those that begin with `_` are the usual ones ---- */

static PyObject *
Dynamic_get(PyObject *self, PyObject *name)
{
    if (PyUnicode_ReadChar(name, 0) == '_') {
        return PyObject_GenericGetAttr(self, name);
    }
    Py_RETURN_NONE;
}

static int
Dynamic_set(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(name), PyObject *Py_UNUSED(value))
{
    return 0;
}

static PyType_Slot Dynamic_slots[] = {
    {Py_tp_dealloc, free_plain},
    {Py_tp_getattro, Dynamic_get},
    {Py_tp_setattro, Dynamic_set},
    {0, NULL},
};

static PyType_Spec Dynamic_spec = {
    .name = "crossing.Dynamic",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = Dynamic_slots,
};

/* ---- Open: instances have a dict, which C sees ---- */

typedef struct {
    PyObject_HEAD
    PyObject *dict;
} Open;

static int
Open_traverse(Open *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    return 0;
}

static int
Open_clear(Open *self)
{
    Py_CLEAR(self->dict);
    return 0;
}

static void
Open_dealloc(Open *self)
{
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->dict);
    free_plain((PyObject *)self);
}

static PyMemberDef Open_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Open, dict), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot Open_slots[] = {
    {Py_tp_dealloc, Open_dealloc},
    {Py_tp_traverse, Open_traverse},
    {Py_tp_clear, Open_clear},
    {Py_tp_members, Open_members},
    {0, NULL},
};

static PyType_Spec Open_spec = {
    .name = "crossing.Open",
    .basicsize = sizeof(Open),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = Open_slots,
};

int
add_attributes(PyObject *module)
{
    PyType_Spec *specs[] = {&Record_spec, &Descriptor_spec, &Dynamic_spec, &Open_spec};
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof(specs) / sizeof(*specs); i++) {
        result = add_spec(module, specs[i]);
    }
    return result;
}
