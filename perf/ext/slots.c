/* Operators and protocols: types each of whose slots does nothing. (The rest is in box.c.) */
#include "crossing.h"

static PyObject *
unary(PyObject *self)
{
    return kept(self);
}

/* Either side may be the instance. */
static PyObject *
binary(PyObject *left, PyObject *Py_UNUSED(right))
{
    return kept(left);
}

static PyObject *
ternary(PyObject *left, PyObject *Py_UNUSED(middle), PyObject *Py_UNUSED(right))
{
    return kept(left);
}

static PyObject *
as_int(PyObject *Py_UNUSED(self))
{
    return PyLong_FromLong(3);
}

static PyObject *
as_float(PyObject *Py_UNUSED(self))
{
    return PyFloat_FromDouble(1.5);
}

static PyObject *
as_text(PyObject *Py_UNUSED(self))
{
    return PyUnicode_FromStringAndSize("hello, world", 12);
}

static int
as_bool(PyObject *Py_UNUSED(self))
{
    return 1;
}

static Py_hash_t
as_hash(PyObject *Py_UNUSED(self))
{
    return 12345;
}

static PyObject *
compared(PyObject *left, PyObject *right, int operation)
{
    switch (operation) {
        case Py_EQ: return PyBool_FromLong(left == right);
        case Py_NE: return PyBool_FromLong(left != right);
        default: return PyBool_FromLong((operation == Py_LT || operation == Py_LE) == (left < right));
    }
}

/* Number: arithmetic, conversions, comparison. */
static PyType_Slot Number_slots[] = {
    {Py_tp_dealloc, free_plain},
    {Py_nb_add, binary},
    {Py_nb_subtract, binary},
    {Py_nb_multiply, binary},
    {Py_nb_true_divide, binary},
    {Py_nb_floor_divide, binary},
    {Py_nb_remainder, binary},
    {Py_nb_divmod, binary},
    {Py_nb_power, ternary},
    {Py_nb_matrix_multiply, binary},
    {Py_nb_lshift, binary},
    {Py_nb_and, binary},
    {Py_nb_or, binary},
    {Py_nb_inplace_add, binary},
    {Py_nb_inplace_multiply, binary},
    {Py_nb_negative, unary},
    {Py_nb_absolute, unary},
    {Py_nb_invert, unary},
    {Py_nb_bool, as_bool},
    {Py_nb_int, as_int},
    {Py_nb_index, as_int},
    {Py_nb_float, as_float},
    {Py_tp_richcompare, compared},
    {Py_tp_hash, as_hash},
    {Py_tp_repr, as_text},
    {Py_tp_str, as_text},
    {0, NULL},
};

static PyType_Spec Number_spec = {
    .name = "crossing.Number",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = Number_slots,
};

static Py_ssize_t
length(PyObject *Py_UNUSED(self))
{
    return 10;
}

static PyObject *
subscript(PyObject *self, PyObject *Py_UNUSED(key))
{
    return kept(self);
}

/* Also deletes: value is NULL then. */
static int
set_subscript(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(key), PyObject *Py_UNUSED(value))
{
    return 0;
}

/* Mapping: items by key. */
static PyType_Slot Mapping_slots[] = {
    {Py_tp_dealloc, free_plain},
    {Py_mp_length, length},
    {Py_mp_subscript, subscript},
    {Py_mp_ass_subscript, set_subscript},
    {0, NULL},
};

static PyType_Spec Mapping_spec = {
    .name = "crossing.Mapping",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = Mapping_slots,
};

/* Memory: lends a buffer. */
static int
lend_buffer(PyObject *self, Py_buffer *view, int flags)
{
    static char memory[64];
    return PyBuffer_FillInfo(view, self, memory, sizeof(memory), 0, flags);
}

static PyType_Slot Memory_slots[] = {
    {Py_tp_dealloc, free_plain},
    {Py_bf_getbuffer, lend_buffer},
    {0, NULL},
};

static PyType_Spec Memory_spec = {
    .name = "crossing.Memory",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = Memory_slots,
};

int
add_slots(PyObject *module)
{
    PyType_Spec *specs[] = {&Number_spec, &Mapping_spec, &Memory_spec};
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof(specs) / sizeof(*specs); i++) {
        result = add_spec(module, specs[i]);
    }
    return result;
}
