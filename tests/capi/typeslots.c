/* typeslots: types whose slots say how they were called and answer as they are told, members of every sort, and constructors that go
 * every way. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* ---- what slots answer: told by Python in settings(), each call is noted in `journal` ---- */

/* How a slot ends. BY_SEQUENCES: slots of numbers do not know their operands. */
enum { GIVE, NOTHING, ERROR, GIVE_AND_ERROR, STOP, STOP_WITH_VALUE, BY_SEQUENCES };

static PyObject *journal, *answer, *numeral;
static long status;
static int how;

/* settings(how, answer, status=0): what slots with an object and with a number as their result do. A str `answer` that starts with '#'
 * is a number that the slot makes afresh. */
static PyObject *
settings(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object;
    status = 0;
    if (!PyArg_ParseTuple(args, "iO|l", &how, &object, &status)) {
        return NULL;
    }
    Py_CLEAR(numeral);
    Py_XSETREF(answer, Py_NewRef(object));
    if (PyUnicode_Check(object) && PyUnicode_GetLength(object) > 0 && PyUnicode_ReadChar(object, 0) == '#') {
        numeral = PyUnicode_Substring(object, 1, PyUnicode_GetLength(object));
    }
    Py_RETURN_NONE;
}

static PyObject *
take_journal(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *taken = journal;
    journal = PyList_New(0);
    return taken;
}

static int
fail(void)
{
    switch (how) {
        case ERROR:
        case GIVE_AND_ERROR:
            PyErr_SetString(PyExc_ValueError, "told so");
            break;
        case STOP:
            PyErr_SetNone(PyExc_StopIteration);
            break;
        case STOP_WITH_VALUE:
            PyErr_SetObject(PyExc_StopIteration, answer);
            break;
    }
    return how != GIVE && how != GIVE_AND_ERROR && how != BY_SEQUENCES;
}

static PyObject *
result(void)
{
    if (fail()) {
        return NULL;
    }
    return numeral != NULL ? PyLong_FromUnicodeObject(numeral, 10) : Py_NewRef(answer);
}

/* Notes the slot, its object operands (NULL: "NULL") and a number. */
static void
note(const char *slot, int count, PyObject *const *operands, Py_ssize_t number)
{
    PyObject *row = PyList_New(0), *name = PyUnicode_FromString(slot);
    PyList_Append(row, name);
    Py_DECREF(name);
    for (int i = 0; i < count; i++) {
        PyObject *shown = operands[i] == NULL ? PyUnicode_FromString("NULL")
                          : PyLong_Check(operands[i]) || PyFloat_Check(operands[i]) || PyUnicode_Check(operands[i])
                              ? Py_NewRef(operands[i])
                              : PyUnicode_FromString(Py_TYPE(operands[i])->tp_name);
        PyList_Append(row, shown);
        Py_DECREF(shown);
    }
    if (number != PY_SSIZE_T_MIN) {
        PyObject *n = PyLong_FromSsize_t(number);
        PyList_Append(row, n);
        Py_DECREF(n);
    }
    PyList_Append(journal, row);
    Py_DECREF(row);
}

/* No keywords may be NULL or an empty dict. */
static PyObject *
some(PyObject *kwargs)
{
    return kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0 ? NULL : kwargs;
}

#define NO_NUMBER PY_SSIZE_T_MIN
#define UNARY(NAME) \
    static PyObject *NAME(PyObject *a) { note(#NAME, 1, (PyObject *[]){a}, NO_NUMBER); return result(); }
#define BINARY(NAME) \
    static PyObject *NAME(PyObject *a, PyObject *b) \
    { \
        note(#NAME, 2, (PyObject *[]){a, b}, NO_NUMBER); \
        return how == BY_SEQUENCES && #NAME[0] == 'n' ? Py_NewRef(Py_NotImplemented) : result(); \
    }
#define TERNARY(NAME) \
    static PyObject *NAME(PyObject *a, PyObject *b, PyObject *c) \
    { note(#NAME, 3, (PyObject *[]){a, b, c}, NO_NUMBER); return result(); }
#define INDEXED(NAME) \
    static PyObject *NAME(PyObject *a, Py_ssize_t n) { note(#NAME, 1, (PyObject *[]){a}, n); return result(); }
#define STATUS(NAME, TYPE) \
    static TYPE NAME(PyObject *a) { note(#NAME, 1, (PyObject *[]){a}, NO_NUMBER); fail(); return (TYPE)status; }

UNARY(nb_negative) UNARY(nb_index) UNARY(nb_int) UNARY(nb_float) UNARY(tp_iter) UNARY(tp_iternext) UNARY(tp_repr) UNARY(tp_str)
BINARY(nb_add) BINARY(nb_subtract) BINARY(nb_multiply) BINARY(nb_inplace_add) BINARY(nb_matrix_multiply) BINARY(nb_divmod)
BINARY(nb_inplace_multiply) BINARY(mp_subscript) BINARY(sq_concat) BINARY(sq_inplace_concat) BINARY(tp_getattro)
TERNARY(nb_power) TERNARY(nb_inplace_power) TERNARY(tp_descr_get)
INDEXED(sq_item) INDEXED(sq_repeat) INDEXED(sq_inplace_repeat)
STATUS(nb_bool, int) STATUS(sq_length, Py_ssize_t) STATUS(tp_hash, Py_hash_t)

static PyObject *
tp_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    kwargs = some(kwargs);
    note("tp_call", 2, (PyObject *[]){self, kwargs}, PyTuple_GET_SIZE(args));
    if (how == GIVE && answer == Py_Ellipsis) {
        return Py_BuildValue("(OO)", args, kwargs == NULL ? Py_None : kwargs);
    }
    return result();
}

static PyObject *
tp_richcompare(PyObject *a, PyObject *b, int op)
{
    note("tp_richcompare", 2, (PyObject *[]){a, b}, op);
    return result();
}

static int
sq_contains(PyObject *a, PyObject *b)
{
    note("sq_contains", 2, (PyObject *[]){a, b}, NO_NUMBER);
    fail();
    return (int)status;
}

static int
sq_ass_item(PyObject *a, Py_ssize_t i, PyObject *v)
{
    note("sq_ass_item", 2, (PyObject *[]){a, v}, i);
    fail();
    return (int)status;
}

static int
mp_ass_subscript(PyObject *a, PyObject *k, PyObject *v)
{
    note("mp_ass_subscript", 3, (PyObject *[]){a, k, v}, NO_NUMBER);
    fail();
    return (int)status;
}

static int
tp_setattro(PyObject *a, PyObject *k, PyObject *v)
{
    note("tp_setattro", 3, (PyObject *[]){a, k, v}, NO_NUMBER);
    fail();
    return (int)status;
}

static int
tp_descr_set(PyObject *a, PyObject *o, PyObject *v)
{
    note("tp_descr_set", 3, (PyObject *[]){a, o, v}, NO_NUMBER);
    fail();
    return (int)status;
}

/* Methods under special names, which are no slots. */
static PyObject *
method_next(PyObject *self, PyObject *Py_UNUSED(none))
{
    note("tp_iternext", 1, (PyObject *[]){self}, NO_NUMBER);
    PyObject *next = result();
    if (next == NULL && !PyErr_Occurred()) {
        PyErr_SetNone(PyExc_StopIteration);
    }
    return next;
}

static PyObject *
method_bool(PyObject *self, PyObject *Py_UNUSED(none))
{
    note("__bool__", 1, (PyObject *[]){self}, NO_NUMBER);
    return result();
}

static PyObject *
method_add(PyObject *self, PyObject *other)
{
    note("__add__", 2, (PyObject *[]){self, other}, NO_NUMBER);
    return result();
}

static PyMethodDef special_methods[] = {
    {"__next__", method_next, METH_NOARGS | METH_COEXIST, NULL},
    {"__bool__", method_bool, METH_NOARGS | METH_COEXIST, NULL},
    {"__add__", method_add, METH_O | METH_COEXIST, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct {
    const char *name;
    PyType_Slot slot;
} all_slots[] = {
#define ROW(NAME) {#NAME, {Py_##NAME, NAME}},
    ROW(nb_negative) ROW(nb_index) ROW(nb_int) ROW(nb_float) ROW(tp_iter) ROW(tp_iternext) ROW(tp_repr) ROW(tp_str) ROW(nb_add)
    ROW(nb_subtract) ROW(nb_multiply) ROW(nb_inplace_add) ROW(nb_matrix_multiply) ROW(nb_divmod) ROW(mp_subscript) ROW(sq_concat)
    ROW(nb_power) ROW(nb_inplace_power) ROW(tp_descr_get) ROW(sq_item) ROW(sq_repeat) ROW(nb_bool) ROW(sq_length) ROW(tp_hash)
    ROW(tp_call) ROW(tp_richcompare) ROW(sq_contains) ROW(sq_ass_item) ROW(mp_ass_subscript) ROW(tp_setattro) ROW(tp_getattro)
    ROW(tp_descr_set) ROW(nb_inplace_multiply) ROW(sq_inplace_concat) ROW(sq_inplace_repeat)
#undef ROW
    {"mp_length", {Py_mp_length, sq_length}},
    {"methods", {Py_tp_methods, special_methods}},
    {"self_iter", {Py_tp_iter, PyObject_SelfIter}},
};

/* make_type(name, *slots, base=None) */
static PyObject *
make_type(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    PyType_Slot chosen[40];
    int n = 0;
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(args); i++) {
        for (size_t s = 0; s < Py_ARRAY_LENGTH(all_slots); s++) {
            if (PyUnicode_EqualToUTF8(PyTuple_GET_ITEM(args, i), all_slots[s].name)) {
                chosen[n++] = all_slots[s].slot;
            }
        }
    }
    if (n != PyTuple_GET_SIZE(args) - 1) {
        PyErr_SetString(PyExc_LookupError, "no such slot");
        return NULL;
    }
    chosen[n] = (PyType_Slot){0, NULL};
    PyType_Spec spec = {PyUnicode_AsUTF8(PyTuple_GET_ITEM(args, 0)), 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, chosen};
    return PyType_FromSpecWithBases(&spec, kwargs == NULL ? NULL : PyDict_GetItemString(kwargs, "base"));
}

/* ---- members ---- */

typedef struct {
    PyObject_HEAD
    short m_short;
    int m_int;
    long m_long;
    float m_float;
    double m_double;
    char *m_string;
    PyObject *m_object, *m_object_ex, *m_readonly;
    char m_char, m_byte, m_bool;
    unsigned char m_ubyte;
    unsigned short m_ushort;
    unsigned int m_uint;
    unsigned long m_ulong;
    char m_inplace[8];
    long long m_longlong;
    unsigned long long m_ulonglong;
    Py_ssize_t m_ssize;
} Members;

#define MEMBER(NAME, TYPE) {#NAME, TYPE, offsetof(Members, m_##NAME), 0, NULL}, \
                           {#NAME "_ro", TYPE, offsetof(Members, m_##NAME), Py_READONLY, "Read only."}
static PyMemberDef members[] = {
    MEMBER(short, Py_T_SHORT), MEMBER(int, Py_T_INT), MEMBER(long, Py_T_LONG), MEMBER(float, Py_T_FLOAT), MEMBER(double, Py_T_DOUBLE),
    MEMBER(string, Py_T_STRING), MEMBER(object, _Py_T_OBJECT), MEMBER(object_ex, Py_T_OBJECT_EX), MEMBER(char, Py_T_CHAR),
    MEMBER(byte, Py_T_BYTE), MEMBER(bool, Py_T_BOOL), MEMBER(ubyte, Py_T_UBYTE), MEMBER(ushort, Py_T_USHORT), MEMBER(uint, Py_T_UINT),
    MEMBER(ulong, Py_T_ULONG), MEMBER(inplace, Py_T_STRING_INPLACE), MEMBER(longlong, Py_T_LONGLONG),
    MEMBER(ulonglong, Py_T_ULONGLONG), MEMBER(ssize, Py_T_PYSSIZET), {"none", _Py_T_NONE, 0, 0, NULL},
    {"readonly", Py_T_OBJECT_EX, offsetof(Members, m_readonly), Py_READONLY, NULL},
    {"audited", Py_T_OBJECT_EX, offsetof(Members, m_object_ex), Py_AUDIT_READ, NULL},
    {NULL, 0, 0, 0, NULL},
};

static long destroyed;

static void
members_dealloc(PyObject *op)
{
    Members *self = (Members *)op;
    PyTypeObject *type = Py_TYPE(op);
    Py_CLEAR(self->m_object);
    Py_CLEAR(self->m_object_ex);
    Py_CLEAR(self->m_readonly);
    destroyed++;
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
members_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Members *self = (Members *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->m_string = "static text";
        strcpy(self->m_inplace, "inside");
    }
    return (PyObject *)self;
}

/* Fills all fields with their least (0) or largest (1) values. */
static PyObject *
members_fill(PyObject *op, PyObject *largest)
{
    Members *self = (Members *)op;
    int most = largest == Py_True;
#define EXTREME(FIELD, LEAST, MOST) self->m_##FIELD = most ? MOST : LEAST;
    EXTREME(short, SHRT_MIN, SHRT_MAX) EXTREME(int, INT_MIN, INT_MAX) EXTREME(long, LONG_MIN, LONG_MAX) EXTREME(float, -1.5f, 1e30f)
    EXTREME(double, -Py_INFINITY, 1e300) EXTREME(char, 'a', 'z') EXTREME(byte, CHAR_MIN, CHAR_MAX) EXTREME(bool, 0, 1)
    EXTREME(ubyte, 0, UCHAR_MAX) EXTREME(ushort, 0, USHRT_MAX) EXTREME(uint, 0, UINT_MAX) EXTREME(ulong, 0, ULONG_MAX)
    EXTREME(longlong, LLONG_MIN, LLONG_MAX) EXTREME(ulonglong, 0, ULLONG_MAX) EXTREME(ssize, PY_SSIZE_T_MIN, PY_SSIZE_T_MAX)
    EXTREME(string, NULL, "most")
    Py_XSETREF(self->m_readonly, most ? PyList_New(0) : NULL);
    Py_RETURN_NONE;
}

/* Whether the field has the very object. */
static PyObject *
members_has(PyObject *op, PyObject *object)
{
    Members *self = (Members *)op;
    return Py_BuildValue("(ii)", self->m_object == object, self->m_object_ex == object);
}

static PyMethodDef members_methods[] = {
    {"fill", members_fill, METH_O, NULL}, {"has", members_has, METH_O, NULL}, {NULL, NULL, 0, NULL},
};
static PyType_Slot members_slots[] = {
    {Py_tp_members, members}, {Py_tp_methods, members_methods}, {Py_tp_new, members_new}, {Py_tp_dealloc, members_dealloc}, {0, NULL},
};
static PyType_Spec members_spec = {"typeslots.Members", sizeof(Members), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, members_slots};

/* Members with offsets from the end of the base's struct. */
typedef struct {
    int number;
    PyObject *object;
} Added;

static PyMemberDef added_members[] = {
    {"number", Py_T_INT, offsetof(Added, number), Py_RELATIVE_OFFSET, NULL},
    {"thing", Py_T_OBJECT_EX, offsetof(Added, object), Py_RELATIVE_OFFSET, NULL},
    {NULL, 0, 0, 0, NULL},
};

static void
added_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    while (type->tp_dealloc != added_dealloc) {
        type = type->tp_base;
    }
    while (type->tp_base->tp_dealloc == added_dealloc) {
        type = type->tp_base;
    }
    Added *added = PyObject_GetTypeData(op, type);
    Py_CLEAR(added->object);
    members_dealloc(op);
}

static PyType_Slot added_slots[] = {{Py_tp_members, added_members}, {Py_tp_dealloc, added_dealloc}, {0, NULL}};
static PyType_Spec added_spec = {"typeslots.Added", -(int)sizeof(Added), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, added_slots};

static PyObject *
deallocations(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(destroyed);
}

/* ---- construction: tp_new and tp_init do as they are told by the first argument ---- */

typedef struct {
    PyObject_HEAD
    PyObject *seen;
} Made;

static PyObject *only;

static void
made_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    Py_CLEAR(((Made *)op)->seen);
    destroyed++;
    type->tp_free(op);
    Py_DECREF(type);
}

static int
is(PyObject *args, const char *word)
{
    return PyTuple_GET_SIZE(args) > 0 && PyUnicode_Check(PyTuple_GET_ITEM(args, 0))
           && PyUnicode_EqualToUTF8(PyTuple_GET_ITEM(args, 0), word);
}

static PyObject *
made_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    kwargs = some(kwargs);
    note("tp_new", 2, (PyObject *[]){(PyObject *)type, kwargs}, PyTuple_GET_SIZE(args));
    if (is(args, "new: nothing")) {
        return NULL;
    }
    if (is(args, "new: error")) {
        PyErr_SetString(PyExc_ValueError, "in tp_new");
        return NULL;
    }
    if (is(args, "new: other")) {
        return Py_NewRef(PyTuple_GET_ITEM(args, 1));
    }
    if (is(args, "new: fresh list")) {
        return PyList_New(0);
    }
    if (is(args, "new: only") && only != NULL) {
        return Py_NewRef(only);
    }
    Made *self = (Made *)type->tp_alloc(type, 0);
    if (self != NULL && is(args, "new: both")) {
        PyErr_SetString(PyExc_ValueError, "in tp_new, with a result");
    }
    if (is(args, "new: only")) {
        only = Py_NewRef(self);
    }
    return (PyObject *)self;
}

static int
made_init(PyObject *op, PyObject *args, PyObject *kwargs)
{
    kwargs = some(kwargs);
    note("tp_init", 2, (PyObject *[]){op, kwargs}, PyTuple_GET_SIZE(args));
    Py_XSETREF(((Made *)op)->seen, Py_BuildValue("(OO)", args, kwargs == NULL ? Py_None : kwargs));
    if (is(args, "init: error")) {
        PyErr_SetString(PyExc_ValueError, "in tp_init");
        return -1;
    }
    if (is(args, "init: nothing")) {
        return -1;
    }
    if (is(args, "init: both")) {
        PyErr_SetString(PyExc_ValueError, "in tp_init, with 0");
    }
    if (is(args, "init: call")) {
        PyObject *result = PyObject_CallOneArg(PyTuple_GET_ITEM(args, 1), op);
        Py_XDECREF(result);
        return result == NULL ? -1 : 0;
    }
    return 0;
}

static PyObject *
forget_only(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Py_CLEAR(only);
    Py_RETURN_NONE;
}

static PyMemberDef made_members[] = {{"seen", _Py_T_OBJECT, offsetof(Made, seen), 0, NULL}, {NULL, 0, 0, 0, NULL}};
static PyType_Slot made_slots[] = {
    {Py_tp_new, made_new}, {Py_tp_init, made_init}, {Py_tp_dealloc, made_dealloc}, {Py_tp_members, made_members}, {0, NULL},
};
static PyType_Spec made_spec = {"typeslots.Made", sizeof(Made), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, made_slots};
static PyType_Slot new_only_slots[] = {
    {Py_tp_new, made_new}, {Py_tp_dealloc, made_dealloc}, {Py_tp_members, made_members}, {0, NULL},
};
static PyType_Spec new_only_spec = {"typeslots.NewOnly", sizeof(Made), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, new_only_slots};
static PyType_Slot init_only_slots[] = {
    {Py_tp_init, made_init}, {Py_tp_dealloc, made_dealloc}, {Py_tp_members, made_members}, {0, NULL},
};
static PyType_Spec init_only_spec = {"typeslots.InitOnly", sizeof(Made), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, init_only_slots};
static PyType_Slot neither_slots[] = {{Py_tp_dealloc, made_dealloc}, {Py_tp_members, made_members}, {0, NULL}};
static PyType_Spec neither_spec = {"typeslots.Neither", sizeof(Made), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, neither_slots};
static PyType_Slot generic_slots[] = {
    {Py_tp_new, PyType_GenericNew}, {Py_tp_dealloc, made_dealloc}, {Py_tp_members, made_members}, {0, NULL},
};
static PyType_Spec generic_spec = {"typeslots.Generic", sizeof(Made), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, generic_slots};
static PyType_Spec closed_spec = {"typeslots.Closed", sizeof(Made), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, neither_slots};

/* A static type without tp_new: it inherits none from object. */
static PyTypeObject NoNew_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "typeslots.NoNew",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};

/* call(f, *args, **kwargs): by C. */
static PyObject *
call(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    PyObject *called = PyObject_Call(PyTuple_GET_ITEM(args, 0), rest, kwargs);
    Py_DECREF(rest);
    return called;
}

/* by_object(type): an instance, made by the tp_new of object, as code in Rust makes those of its classes. */
static PyObject *
by_object(PyObject *Py_UNUSED(module), PyObject *type)
{
    PyObject *none = PyTuple_New(0);
    PyObject *made = PyBaseObject_Type.tp_new((PyTypeObject *)type, none, NULL);
    Py_DECREF(none);
    return made;
}

/* ---- functions of every convention: what they were given ---- */

static PyObject *
given(PyObject *self, PyObject *args, PyObject *more)
{
    return Py_BuildValue("(sNN)", self == NULL ? "NULL" : PyModule_Check(self) ? "module" : PyType_Check(self) ? "type" : Py_TYPE(self)->tp_name,
                         args, more == NULL ? Py_NewRef(Py_None) : more);
}

static PyObject *
listed(PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *list = PyList_New(nargs);
    for (Py_ssize_t i = 0; i < nargs; i++) {
        PyList_SET_ITEM(list, i, Py_NewRef(args[i]));
    }
    return list;
}

static PyObject *
takes_none(PyObject *self, PyObject *args)
{
    return given(self, PyUnicode_FromString(args == NULL ? "nothing" : "something"), NULL);
}

static PyObject *
takes_one(PyObject *self, PyObject *arg)
{
    return given(self, Py_NewRef(arg), NULL);
}

static PyObject *
takes_tuple(PyObject *self, PyObject *args)
{
    return given(self, Py_NewRef(args), NULL);
}

static PyObject *
takes_dict(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return given(self, Py_NewRef(args), kwargs == NULL ? PyUnicode_FromString("no dict") : PyDict_Copy(kwargs));
}

static PyObject *
takes_vector(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return given(self, listed(args, nargs), NULL);
}

static PyObject *
takes_names(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    return given(self, listed(args, nargs + named), named == 0 ? NULL : Py_NewRef(names));
}

static PyObject *
breaks(PyObject *Py_UNUSED(self), PyObject *how)
{
    if (how != Py_None) {
        PyErr_SetString(PyExc_ValueError, "broken");
    }
    return how == Py_True ? Py_NewRef(how) : NULL;
}

#define CONVENTIONS(more) \
    {"takes_none", takes_none, METH_NOARGS | more, NULL}, {"takes_one", takes_one, METH_O | more, NULL}, \
    {"takes_tuple", takes_tuple, METH_VARARGS | more, NULL}, \
    {"takes_dict", (PyCFunction)(void (*)(void))takes_dict, METH_VARARGS | METH_KEYWORDS | more, NULL}, \
    {"takes_vector", (PyCFunction)(void (*)(void))takes_vector, METH_FASTCALL | more, NULL}, \
    {"takes_names", (PyCFunction)(void (*)(void))takes_names, METH_FASTCALL | METH_KEYWORDS | more, NULL}, \
    {"breaks", breaks, METH_O | more, NULL}
static PyMethodDef convention_methods[] = {CONVENTIONS(0), {NULL, NULL, 0, NULL}};
static PyMethodDef class_methods[] = {CONVENTIONS(METH_CLASS), {NULL, NULL, 0, NULL}};
static PyMethodDef static_methods[] = {CONVENTIONS(METH_STATIC), {NULL, NULL, 0, NULL}};
static PyType_Slot convention_slots[] = {{Py_tp_methods, convention_methods}, {0, NULL}};
static PyType_Slot class_slots[] = {{Py_tp_methods, class_methods}, {0, NULL}};
static PyType_Slot static_slots[] = {{Py_tp_methods, static_methods}, {0, NULL}};
static PyType_Spec convention_spec = {"typeslots.Conventions", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, convention_slots};
static PyType_Spec class_spec = {"typeslots.OfClass", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, class_slots};
static PyType_Spec static_spec = {"typeslots.Static", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, static_slots};

/* call_vector(f, args, names): the last arguments are named. */
static PyObject *
call_vector(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *function, *values, *names;
    if (!PyArg_ParseTuple(args, "OO!O", &function, &PyTuple_Type, &values, &names)) {
        return NULL;
    }
    Py_ssize_t named = names == Py_None ? 0 : PyTuple_GET_SIZE(names);
    return PyObject_Vectorcall(function, ((PyTupleObject *)values)->ob_item, (size_t)(PyTuple_GET_SIZE(values) - named),
                               names == Py_None ? NULL : names);
}

/* call_method(name, (self, *args), names) */
static PyObject *
call_method(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *name, *values, *names;
    if (!PyArg_ParseTuple(args, "OO!O", &name, &PyTuple_Type, &values, &names)) {
        return NULL;
    }
    Py_ssize_t named = names == Py_None ? 0 : PyTuple_GET_SIZE(names);
    return PyObject_VectorcallMethod(name, ((PyTupleObject *)values)->ob_item, (size_t)(PyTuple_GET_SIZE(values) - named),
                                     names == Py_None ? NULL : names);
}

/* free_function(i): one of the functions of all conventions, without a receiver. */
static PyObject *
free_function(PyObject *Py_UNUSED(module), PyObject *index)
{
    return PyCFunction_New(&convention_methods[PyLong_AsLong(index)], NULL);
}

/* What C reads of a method descriptor. */
static PyObject *
descriptor_parts(PyObject *Py_UNUSED(module), PyObject *op)
{
    PyMethodDescrObject *descriptor = (PyMethodDescrObject *)op;
    return Py_BuildValue("(OOsi)", PyDescr_TYPE(op), PyDescr_NAME(op), descriptor->d_method->ml_name, descriptor->vectorcall != NULL);
}

/* number(operator, a, b): by C. */
static PyObject *
number(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *operator;
    PyObject *a, *b, *c = Py_None;
    if (!PyArg_ParseTuple(args, "sOO|O", &operator, &a, &b, &c)) {
        return NULL;
    }
#define OPERATOR(NAME) if (strcmp(operator, #NAME) == 0) { return PyNumber_##NAME(a, b); }
    OPERATOR(Add) OPERATOR(Multiply) OPERATOR(InPlaceAdd) OPERATOR(InPlaceMultiply) OPERATOR(Subtract) OPERATOR(Divmod)
    OPERATOR(MatrixMultiply)
    return strcmp(operator, "InPlacePower") == 0 ? PyNumber_InPlacePower(a, b, c) : PyNumber_Power(a, b, c);
}

static PyMethodDef methods[] = {
    CONVENTIONS(0),
    {"number", number, METH_VARARGS, NULL},
    {"call_vector", call_vector, METH_VARARGS, NULL},
    {"call_method", call_method, METH_VARARGS, NULL},
    {"free_function", free_function, METH_O, NULL},
    {"descriptor_parts", descriptor_parts, METH_O, NULL},
    {"settings", settings, METH_VARARGS, NULL},
    {"take_journal", take_journal, METH_NOARGS, NULL},
    {"make_type", (PyCFunction)(void (*)(void))make_type, METH_VARARGS | METH_KEYWORDS, NULL},
    {"deallocations", deallocations, METH_NOARGS, NULL},
    {"forget_only", forget_only, METH_NOARGS, NULL},
    {"by_object", by_object, METH_O, NULL},
    {"call", (PyCFunction)(void (*)(void))call, METH_VARARGS | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "typeslots", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_typeslots(void)
{
    static PyType_Spec *const specs[] = {&members_spec,   &made_spec,    &new_only_spec, &init_only_spec,
                                         &neither_spec, &generic_spec, &closed_spec,
                                         &convention_spec, &class_spec, &static_spec};
    PyObject *module = PyModule_Create(&definition);
    journal = PyList_New(0);
    answer = Py_NewRef(Py_None);
    for (size_t i = 0; module != NULL && i < Py_ARRAY_LENGTH(specs); i++) {
        if (PyModule_Add(module, strchr(specs[i]->name, '.') + 1, PyType_FromSpec(specs[i])) < 0) {
            Py_CLEAR(module);
        }
    }
    if (module == NULL || PyModule_AddType(module, &NoNew_Type) < 0) {
        return NULL;
    }
    PyObject *base = PyObject_GetAttrString(module, "Members");
    PyObject *added = PyType_FromSpecWithBases(&added_spec, base);
    Py_DECREF(base);
    return PyModule_Add(module, "Added", added) < 0 ? NULL : module;
}
