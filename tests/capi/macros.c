/* macros: what extensions compile in: macros and inline functions over CPython's layouts; and the formats of arguments and results that
 * need C variables of their own. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <structmember.h>

/* ---- tests of types ---- */

#define TYPE_TESTS(X) \
    X(PyLong_Check) X(PyLong_CheckExact) X(PyBool_Check) X(PyFloat_Check) X(PyFloat_CheckExact) X(PyComplex_Check) X(PyComplex_CheckExact) \
    X(PyUnicode_Check) X(PyUnicode_CheckExact) X(PyBytes_Check) X(PyBytes_CheckExact) X(PyByteArray_Check) X(PyByteArray_CheckExact) \
    X(PyTuple_Check) X(PyTuple_CheckExact) X(PyList_Check) X(PyList_CheckExact) X(PyDict_Check) X(PyDict_CheckExact) X(PySet_Check) \
    X(PySet_CheckExact) X(PyFrozenSet_Check) X(PyFrozenSet_CheckExact) X(PyAnySet_Check) X(PyAnySet_CheckExact) X(PySlice_Check) \
    X(PyRange_Check) X(PyMemoryView_Check) X(PyModule_Check) X(PyModule_CheckExact) X(PyType_Check) X(PyType_CheckExact) X(PyFunction_Check) \
    X(PyMethod_Check) X(PyCFunction_Check) X(PyCFunction_CheckExact) X(PyGen_Check) X(PyCoro_CheckExact) X(PyAsyncGen_CheckExact) \
    X(PyCell_Check) X(PyCode_Check) X(PyFrame_Check) X(PyTraceBack_Check) X(PyCapsule_CheckExact) X(PyExceptionClass_Check) \
    X(PyExceptionInstance_Check) X(PyWeakref_Check) X(PyWeakref_CheckRef) X(PyWeakref_CheckProxy) X(PyDictKeys_Check) X(PyDictValues_Check) \
    X(PyDictItems_Check) X(PyDictViewSet_Check) X(PyContext_CheckExact) X(PyContextVar_CheckExact) X(PyContextToken_CheckExact) \
    X(PySeqIter_Check) X(PyCallIter_Check) X(PyIter_Check) X(PyIndex_Check) X(PyCallable_Check) X(PyMapping_Check) X(PySequence_Check) \
    X(PyNumber_Check) X(PyObject_CheckBuffer) X(PyAIter_Check) X(PyODict_Check) X(PyODict_CheckExact) X(Py_IsNone) X(Py_IsTrue) X(Py_IsFalse)

static PyObject *
type_tests(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *names = PyList_New(0);
#define TRY(NAME)                                               \
    if (NAME(object)) {                                         \
        PyObject *name = PyUnicode_FromString(#NAME);           \
        PyList_Append(names, name);                             \
        Py_DECREF(name);                                        \
    }
    TYPE_TESTS(TRY)
    return names;
}

/* ---- references ---- */

typedef struct {
    PyObject_HEAD
    PyObject *held;
} Box;

static int dropped;

static void
box_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((Box *)self)->held);
    dropped++;
    type->tp_free(self);
    Py_DECREF(type);
}

static int
box_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Box *)self)->held);
    return 0;
}

static int
box_clear(PyObject *self)
{
    Py_CLEAR(((Box *)self)->held);
    return 0;
}

/* set(value): Py_SETREF, or Py_XSETREF when there was none; the old value. */
static PyObject *
box_set(PyObject *op, PyObject *value)
{
    Box *self = (Box *)op;
    PyObject *old = Py_XNewRef(self->held);
    if (self->held != NULL) {
        Py_SETREF(self->held, Py_NewRef(value));
    }
    else {
        Py_XSETREF(self->held, Py_XNewRef(value));
    }
    return old == NULL ? Py_NewRef(Py_None) : old;
}

static PyObject *
box_get(PyObject *op, PyObject *Py_UNUSED(none))
{
    PyObject *held = ((Box *)op)->held;
    if (held == NULL) {
        Py_RETURN_NONE;
    }
    return Py_NewRef(held);
}

static PyObject *
box_compare(PyObject *a, PyObject *b, int op)
{
    if (!Py_IS_TYPE(b, Py_TYPE(a))) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    double x = PyFloat_AsDouble(((Box *)a)->held), y = PyFloat_AsDouble(((Box *)b)->held);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_RICHCOMPARE(x, y, op);
}

static PyMethodDef box_methods[] = {
    {"set", box_set, METH_O, NULL},
    {"get", box_get, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot box_slots[] = {
    {Py_tp_new, PyType_GenericNew}, {Py_tp_dealloc, box_dealloc}, {Py_tp_traverse, box_traverse}, {Py_tp_clear, box_clear},
    {Py_tp_methods, box_methods}, {Py_tp_richcompare, box_compare}, {Py_tp_hash, PyObject_HashNotImplemented}, {0, NULL},
};
static PyType_Spec box_spec = {"macros.Box", sizeof(Box), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, box_slots};

static PyObject *
drops(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(dropped);
}

/* Py_NewRef, Py_XNewRef, Py_REFCNT, Py_CLEAR, Py_XDECREF, Py_Is, Py_IS_TYPE, Py_TYPE, Py_SIZE */
static PyObject *
references(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_ssize_t before = Py_REFCNT(object);
    PyObject *other = Py_NewRef(object), *third = Py_XNewRef(object), *none = Py_XNewRef(NULL);
    Py_ssize_t more = Py_REFCNT(object) - before;
    Py_CLEAR(other);
    Py_XDECREF(third);
    Py_XDECREF(none);
    Py_CLEAR(none);
    return Py_BuildValue("(niiiO)", more, other == NULL && none == NULL, (int)(Py_REFCNT(object) - before), Py_Is(object, object),
                         Py_TYPE(object));
}

/* ---- items ---- */

/* PyTuple_GET_SIZE, PyTuple_GET_ITEM, PyList_GET_SIZE, PyList_GET_ITEM, PySequence_Fast_* */
static PyObject *
items(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *fast = PySequence_Fast(object, "no sequence");
    if (fast == NULL) {
        return NULL;
    }
    PyObject *found = PyList_New(0);
    Py_ssize_t size = PyTuple_Check(object) ? PyTuple_GET_SIZE(object) : PyList_Check(object) ? PyList_GET_SIZE(object) : -1;
    int same = 1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(fast, i);
        PyObject *direct = PyTuple_Check(object) ? PyTuple_GET_ITEM(object, i) : PyList_Check(object) ? PyList_GET_ITEM(object, i) : item;
        same &= item == PySequence_Fast_ITEMS(fast)[i] && item == direct;
        PyList_Append(found, item);
    }
    Py_DECREF(fast);
    return Py_BuildValue("(nNi)", size, found, same);
}

/* PyList_SET_ITEM, PyTuple_SET_ITEM on fresh ones; and in place of items of a list that Python made */
static PyObject *
filled(PyObject *Py_UNUSED(module), PyObject *list)
{
    PyObject *fresh = PyList_New(3), *tuple = PyTuple_New(2);
    PyList_SET_ITEM(fresh, 0, PyLong_FromLong(1));
    PyList_SET_ITEM(fresh, 1, PyFloat_FromDouble(2.5));
    PyList_SET_ITEM(fresh, 2, Py_NewRef(list));
    PyTuple_SET_ITEM(tuple, 0, PyLong_FromLong(1 << 30));
    PyTuple_SET_ITEM(tuple, 1, Py_NewRef(fresh));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *old = PyList_GET_ITEM(list, i);
        PyList_SET_ITEM(list, i, Py_BuildValue("(nO)", i, old));
        Py_DECREF(old);
    }
    return Py_BuildValue("(NN)", fresh, tuple);
}

/* ---- characters ---- */

static PyObject *
character(PyObject *Py_UNUSED(module), PyObject *number)
{
    Py_UCS4 c = (Py_UCS4)PyLong_AsUnsignedLong(number);
    if (PyErr_Occurred()) {
        return NULL;
    }
    return Py_BuildValue("(iiiiiiiiiiiIIIiid)", Py_UNICODE_ISSPACE(c) != 0, Py_UNICODE_ISALPHA(c), Py_UNICODE_ISALNUM(c) != 0, Py_UNICODE_ISDIGIT(c),
                         Py_UNICODE_ISDECIMAL(c), Py_UNICODE_ISNUMERIC(c), Py_UNICODE_ISLOWER(c), Py_UNICODE_ISUPPER(c),
                         Py_UNICODE_ISTITLE(c), Py_UNICODE_ISPRINTABLE(c), Py_UNICODE_ISLINEBREAK(c), Py_UNICODE_TOLOWER(c),
                         Py_UNICODE_TOUPPER(c), Py_UNICODE_TOTITLE(c), Py_UNICODE_TODECIMAL(c), Py_UNICODE_TODIGIT(c), Py_UNICODE_TONUMERIC(c));
}

/* Py_UNICODE_JOIN_SURROGATES and its kin, Py_ISALPHA and its kin, _Py_ascii_whitespace */
static PyObject *
surrogates(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Py_UCS4 high = Py_UNICODE_HIGH_SURROGATE(0x1f600), low = Py_UNICODE_LOW_SURROGATE(0x1f600);
    int white = 0, ascii = 0;
    for (int c = 0; c < 128; c++) {
        white += _Py_ascii_whitespace[c] != (Py_UNICODE_ISSPACE((Py_UCS4)c) != 0);
        ascii += (Py_ISALPHA(c) != 0) + (Py_ISDIGIT(c) != 0) + (Py_ISSPACE(c) != 0) + (Py_TOUPPER(c) != c) + (Py_ISXDIGIT(c) != 0);
    }
    return Py_BuildValue("(IIIiiiii)", high, low, Py_UNICODE_JOIN_SURROGATES(high, low), Py_UNICODE_IS_HIGH_SURROGATE(high),
                         Py_UNICODE_IS_LOW_SURROGATE(low), Py_UNICODE_IS_SURROGATE('a'), white, ascii);
}

/* PyUnicode_KIND, PyUnicode_DATA, PyUnicode_READ, PyUnicode_READ_CHAR, PyUnicode_WRITE, PyUnicode_MAX_CHAR_VALUE, PyUnicode_IS_* */
static PyObject *
text(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(object);
    int kind = PyUnicode_KIND(object), same = PyUnicode_READY(object) == 0;
    const void *data = PyUnicode_DATA(object);
    PyObject *copy = PyUnicode_New(length, PyUnicode_MAX_CHAR_VALUE(object));
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        same &= c == PyUnicode_READ_CHAR(object, i);
        PyUnicode_WRITE(PyUnicode_KIND(copy), PyUnicode_DATA(copy), length - 1 - i, c);
    }
    same &= (const void *)PyUnicode_1BYTE_DATA(object) == data && (const void *)PyUnicode_4BYTE_DATA(object) == data;
    return Py_BuildValue("(niiiIiN)", length, kind, PyUnicode_IS_ASCII(object), PyUnicode_IS_COMPACT(object), PyUnicode_MAX_CHAR_VALUE(object), same,
                         copy);
}

/* PyBytes_AS_STRING, PyBytes_GET_SIZE, PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyMemoryView_GET_BUFFER, PyMemoryView_GET_BASE */
static PyObject *
data(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *bytes, *array, *view;
    if (!PyArg_ParseTuple(args, "SYO!:data", &bytes, &array, &PyMemoryView_Type, &view)) {
        return NULL;
    }
    PyByteArray_AS_STRING(array)[0] = 'X';
    Py_buffer *buffer = PyMemoryView_GET_BUFFER(view);
    PyObject *base = PyMemoryView_GET_BASE(view);
    return Py_BuildValue("(y#y#nsO)", PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), PyByteArray_AS_STRING(array),
                         PyByteArray_GET_SIZE(array), buffer->len, buffer->format, base == NULL ? Py_None : base);
}

/* ---- numbers: PyFloat_AS_DOUBLE, PyUnstable_Long_*, Py_RETURN_NAN, Py_RETURN_INF, Py_MIN, Py_ABS, Py_ARITHMETIC_RIGHT_SHIFT ---- */

static PyObject *
numbers(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *real, *integer;
    if (!PyArg_ParseTuple(args, "O!O!", &PyFloat_Type, &real, &PyLong_Type, &integer)) {
        return NULL;
    }
    int compact = PyUnstable_Long_IsCompact((PyLongObject *)integer), sign = 0;
    PyLong_GetSign(integer, &sign);
    return Py_BuildValue("(dinii)", PyFloat_AS_DOUBLE(real), compact, compact ? PyUnstable_Long_CompactValue((PyLongObject *)integer) : 0,
                         sign, Py_MAX(Py_ABS(-3), Py_MIN(1, 2)) + Py_ARITHMETIC_RIGHT_SHIFT(int, -8, 1));
}

static PyObject *
constant(PyObject *Py_UNUSED(module), PyObject *which)
{
    switch (PyLong_AsLong(which)) {
    case 0: Py_RETURN_NONE;
    case 1: Py_RETURN_TRUE;
    case 2: Py_RETURN_FALSE;
    case 3: Py_RETURN_NOTIMPLEMENTED;
    case 4: Py_RETURN_NAN;
    case 5: Py_RETURN_INF(-1.0);
    default: return Py_NewRef(Py_Ellipsis);
    }
}

/* ---- functions, methods, cells, exceptions, weak references ---- */

static PyObject *
function_parts(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *or_none;
#define OR_NONE(X) ((or_none = (X)) == NULL ? Py_None : or_none)
    if (PyCFunction_Check(object)) {
        return Py_BuildValue("(OiiO)", OR_NONE(PyCFunction_GET_SELF(object)), PyCFunction_GET_FLAGS(object),
                             PyCFunction_GET_FUNCTION(object) != NULL, OR_NONE((PyObject *)PyCFunction_GET_CLASS(object)));
    }
    if (PyMethod_Check(object)) {
        return Py_BuildValue("(OO)", PyMethod_GET_SELF(object), PyMethod_GET_FUNCTION(object));
    }
    if (PyCell_Check(object)) {
        PyObject *before = PyCell_Get(object);
        PyCell_Set(object, Py_True);
        return Py_BuildValue("(NO)", before == NULL ? Py_NewRef(Py_None) : before, PyCell_GET(object));
    }
    if (PyExceptionInstance_Check(object)) {
        return Py_BuildValue("(Os)", PyExceptionInstance_Class(object), PyExceptionClass_Name(PyExceptionInstance_Class(object)));
    }
    if (PyWeakref_Check(object)) {
        return Py_BuildValue("(O)", PyWeakref_GET_OBJECT(object));
    }
    if (PyFunction_Check(object)) {
        return Py_BuildValue("(OOOOO)", PyFunction_GET_CODE(object), PyFunction_GET_GLOBALS(object), OR_NONE(PyFunction_GET_MODULE(object)),
                             OR_NONE(PyFunction_GET_DEFAULTS(object)), OR_NONE(PyFunction_GET_KW_DEFAULTS(object)));
    }
    Py_RETURN_NONE;
}

/* ---- calls: PyObject_CallNoArgs, PyObject_CallMethodNoArgs, PyObject_CallMethodOneArg, PyObject_CallFunction, PyVectorcall_NARGS ---- */

static PyObject *
calls(PyObject *Py_UNUSED(module), PyObject *list)
{
    PyObject *append = PyUnicode_FromString("append"), *copy = PyUnicode_FromString("copy"), *one = PyLong_FromLong(1);
    PyObject *none = PyObject_CallMethodOneArg(list, append, one), *copied = PyObject_CallMethodNoArgs(list, copy);
    PyObject *made = PyObject_CallNoArgs((PyObject *)Py_TYPE(list)), *summed = PyObject_CallFunction((PyObject *)&PyComplex_Type, "dd", 1.0, 2.0);
    PyObject *stack[] = {NULL, one, one};
    PyObject *range = PyObject_Vectorcall((PyObject *)&PyRange_Type, stack + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(append);
    Py_DECREF(copy);
    Py_DECREF(one);
    return Py_BuildValue("(NNNNNn)", none, copied, made, summed, range, PyVectorcall_NARGS(3 | PY_VECTORCALL_ARGUMENTS_OFFSET));
}

/* ---- memory and sections: PyMem_New, PyMem_Resize, PyMem_Del, Py_BEGIN_CRITICAL_SECTION, Py_BEGIN_ALLOW_THREADS, Py_BLOCK_THREADS ---- */

static PyObject *
sections(PyObject *Py_UNUSED(module), PyObject *object)
{
    int *numbers = PyMem_New(int, 4), blocked, held;
    numbers[3] = 7;
    PyMem_Resize(numbers, int, 100000);
    int kept = numbers[3];
    PyMem_Del(numbers);
    Py_BEGIN_CRITICAL_SECTION(object);
    kept += 1;
    Py_END_CRITICAL_SECTION();
    Py_BEGIN_CRITICAL_SECTION2(object, Py_None);
    kept += 1;
    Py_END_CRITICAL_SECTION2();
    Py_BEGIN_ALLOW_THREADS
    held = PyGILState_Check();
    Py_BLOCK_THREADS
    blocked = PyGILState_Check();
    Py_UNBLOCK_THREADS
    Py_END_ALLOW_THREADS
    return Py_BuildValue("(iiii)", kept, held, blocked, PyGILState_Check());
}

/* ---- formats of arguments ---- */

/* Converters: one that holds memory, and gives it back when a later argument is wrong. */
static int held;

static int
converter(PyObject *object, void *address)
{
    if (object == NULL) {
        held--;
        return 1;
    }
    if (!PyLong_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "an int is needed");
        return 0;
    }
    held++;
    *(long *)address = PyLong_AsLong(object) * 2;
    return Py_CLEANUP_SUPPORTED;
}

static PyObject *
convert(PyObject *Py_UNUSED(module), PyObject *args)
{
    long a = -1, b = -1;
    int done = PyArg_ParseTuple(args, "O&|O&:convert", converter, &a, converter, &b);
    PyObject *exception = PyErr_GetRaisedException();
    int now = held;
    held = 0;
    return Py_BuildValue("(illiN)", done, a, b, now, exception == NULL ? Py_NewRef(Py_None) : exception);
}

/* One buffer: s*, z*, y*, w*. */
static PyObject *
take_buffer(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *format;
    PyObject *object;
    Py_buffer view = {0};
    if (!PyArg_ParseTuple(args, "sO", &format, &object)) {
        return NULL;
    }
    PyObject *tuple = PyTuple_Pack(1, object);
    int done = PyArg_ParseTuple(tuple, format, &view);
    Py_DECREF(tuple);
    if (!done) {
        return NULL;
    }
    if (view.buf != NULL && !view.readonly && view.len > 0) {
        ((char *)view.buf)[0]++;
    }
    PyObject *result = Py_BuildValue("(y#iO)", view.buf, view.len, view.readonly, view.obj == NULL ? Py_None : view.obj);
    PyBuffer_Release(&view);
    return result;
}

/* All numbers: bBhHiIlkLKncCfdDp. */
static PyObject *
take_numbers(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned char b, B;
    short h;
    unsigned short H;
    int i, C, p;
    unsigned int I;
    long l;
    unsigned long k;
    long long L;
    unsigned long long K;
    Py_ssize_t n;
    char c;
    float f;
    double d;
    Py_complex D;
    if (!PyArg_ParseTuple(args, "bBhHiIlkLKncCfdDp:take_numbers", &b, &B, &h, &H, &i, &I, &l, &k, &L, &K, &n, &c, &C, &f, &d, &D, &p)) {
        return NULL;
    }
    return Py_BuildValue("(BBhHiIlkLKncCfdDi)", b, B, h, H, i, I, l, k, L, K, n, c, C, f, d, &D, p);
}

/* One number: take_number(unit, object), for what is out of range. */
static PyObject *
take_number(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *unit;
    PyObject *object;
    long long room[4] = {0};
    if (!PyArg_ParseTuple(args, "sO", &unit, &object)) {
        return NULL;
    }
    return PyArg_Parse(object, unit, room) ? PyLong_FromLongLong(room[0]) : NULL;
}

/* Encoded text: es, et into fresh memory, es#, et# also into a room of 4 bytes. */
static PyObject *
take_encoded(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *format, *encoding;
    PyObject *object;
    int own_room;
    if (!PyArg_ParseTuple(args, "szOp", &format, &encoding, &object, &own_room)) {
        return NULL;
    }
    char room[4], *buffer = own_room ? room : NULL;
    Py_ssize_t size = own_room ? (Py_ssize_t)sizeof(room) : -1;
    PyObject *tuple = PyTuple_Pack(1, object);
    int sized = strchr(format, '#') != NULL;
    int done = sized ? PyArg_ParseTuple(tuple, format, encoding, &buffer, &size) : PyArg_ParseTuple(tuple, format, encoding, &buffer);
    Py_DECREF(tuple);
    if (!done) {
        return NULL;
    }
    PyObject *result = Py_BuildValue("(y#n)", buffer, sized ? size : (Py_ssize_t)strlen(buffer), size);
    if (!own_room) {
        PyMem_Free(buffer);
    }
    return result;
}

/* Keywords: positional only, optional, keyword only. */
static PyObject *
take_keywords(PyObject *Py_UNUSED(module), PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "b", "c", "d", NULL};
    PyObject *a, *b = Py_None;
    int c = -1;
    double d = -1.0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O$pd:take_keywords", names, &a, &b, &c, &d)) {
        return NULL;
    }
    return Py_BuildValue("(OOid)", a, b, c, d);
}

/* A file's name by PyUnicode_FSConverter and PyUnicode_FSDecoder. */
static PyObject *
take_path(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *bytes, *text;
    if (!PyArg_ParseTuple(args, "O&O&", PyUnicode_FSConverter, &bytes, PyUnicode_FSDecoder, &text)) {
        return NULL;
    }
    return Py_BuildValue("(NN)", bytes, text);
}

/* ---- formats of results ---- */

static PyObject *
make_object(void *given)
{
    return given == NULL ? PyErr_Format(PyExc_KeyError, "converter") : PyUnicode_FromFormat("made of %s", given);
}

static PyObject *
build(PyObject *Py_UNUSED(module), PyObject *which)
{
    Py_complex c = {1.0, -2.0};
    switch (PyLong_AsLong(which)) {
    case 0: return Py_BuildValue("O&", make_object, "text");
    case 1: return Py_BuildValue("(iO&)", 1, make_object, NULL);
    case 2: return Py_BuildValue("(fdD)", 1.5, 2.5, &c);
    case 3: return Py_BuildValue("{s:(i[N]),O:{}}", "k", 1, PyTuple_New(0), Py_None);
    case 4: return Py_BuildValue("[i,i,i]", 1, 2, 3);
    case 5: return Py_BuildValue("()");
    case 6: return Py_BuildValue("(s#z#s#)", "text", (Py_ssize_t)2, NULL, (Py_ssize_t)5, NULL, (Py_ssize_t)0);
    case 7: return Py_BuildValue("(u)", L"wide \x20ac");
    case 8: return Py_BuildValue("(u#)", L"wide", (Py_ssize_t)2);
    case 9: return Py_BuildValue("(y)", "bytes");
    case 10: return Py_BuildValue("(O)", NULL);
    case 11: return Py_BuildValue("(N)", PyLong_FromString("x", NULL, 10));
    case 12: return Py_BuildValue("(cC)", 'a', 0x1f600);
    default: return Py_BuildValue("(C)", 0x110000);
    }
}

static PyMethodDef methods[] = {
    {"type_tests", type_tests, METH_O, NULL},
    {"drops", drops, METH_NOARGS, NULL},
    {"references", references, METH_O, NULL},
    {"items", items, METH_O, NULL},
    {"filled", filled, METH_O, NULL},
    {"character", character, METH_O, NULL},
    {"surrogates", surrogates, METH_NOARGS, NULL},
    {"text", text, METH_O, NULL},
    {"data", data, METH_VARARGS, NULL},
    {"numbers", numbers, METH_VARARGS, NULL},
    {"constant", constant, METH_O, NULL},
    {"function_parts", function_parts, METH_O, NULL},
    {"calls", calls, METH_O, NULL},
    {"sections", sections, METH_O, NULL},
    {"convert", convert, METH_VARARGS, NULL},
    {"take_buffer", take_buffer, METH_VARARGS, NULL},
    {"take_numbers", take_numbers, METH_VARARGS, NULL},
    {"take_number", take_number, METH_VARARGS, NULL},
    {"take_encoded", take_encoded, METH_VARARGS, NULL},
    {"take_keywords", (PyCFunction)(void (*)(void))take_keywords, METH_VARARGS | METH_KEYWORDS, NULL},
    {"take_path", take_path, METH_VARARGS, NULL},
    {"build", build, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

#define ANSWER 42

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "macros", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_macros(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL
        && (PyModule_Add(module, "Box", PyType_FromSpec(&box_spec)) < 0 || PyModule_AddIntMacro(module, ANSWER) < 0
            || PyModule_Add(module, "CAPSULE", PyCapsule_New(&definition, "macros.CAPSULE", NULL)) < 0
            || PyModule_AddStringMacro(module, PY_VERSION) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}
