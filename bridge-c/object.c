/* The head of objects: references, allocation, constants, and the operations that go to one slot. */
#include "cape.h"

#undef Py_Is
#undef Py_IsNone
#undef Py_IsTrue
#undef Py_IsFalse
#undef Py_NewRef
#undef Py_XNewRef
#undef Py_TYPE
#undef Py_REFCNT

/* --- references as functions, for the stable ABI ------------------------------------------------- */

int Py_Is(PyObject *x, PyObject *y) { return x == y; }
int Py_IsNone(PyObject *x) { return x == Py_None; }
int Py_IsTrue(PyObject *x) { return x == Py_True; }
int Py_IsFalse(PyObject *x) { return x == Py_False; }
PyTypeObject *Py_TYPE(PyObject *ob) { return ob->ob_type; }
Py_ssize_t Py_REFCNT(PyObject *ob) { return _Py_REFCNT(ob); }
void Py_IncRef(PyObject *op) { Py_XINCREF(op); }
void Py_DecRef(PyObject *op) { Py_XDECREF(op); }
void _Py_IncRef(PyObject *op) { Py_INCREF(op); }
void _Py_DecRef(PyObject *op) { Py_DECREF(op); }
PyObject *Py_NewRef(PyObject *op) { return _Py_NewRef(op); }
PyObject *Py_XNewRef(PyObject *op) { return _Py_XNewRef(op); }
void _Py_SetRefcnt(PyObject *ob, Py_ssize_t refcnt) { Py_SET_REFCNT(ob, refcnt); }

#define Py_TYPE(ob) _Py_TYPE(_PyObject_CAST(ob))
#define Py_NewRef(ob) _Py_NewRef(_PyObject_CAST(ob))
#define Py_REFCNT(ob) _Py_REFCNT(_PyObject_CAST(ob))

void
_Py_SetImmortal(PyObject *op)
{
    if (PyObject_IS_GC(op)) {
        cape_untrack(op);
    }
    op->ob_refcnt = (PY_UINT32_T)_Py_IMMORTAL_INITIAL_REFCNT;
}

int
PyUnstable_IsImmortal(PyObject *op)
{
    return _Py_IsImmortal(op);
}

/* What follows is about threads without a GIL; with it, the plain answer is right. */
int
PyUnstable_TryIncRef(PyObject *op)
{
    if (Py_REFCNT(op) == 0) {
        return 0;
    }
    Py_INCREF(op);
    return 1;
}

void
PyUnstable_EnableTryIncRef(PyObject *Py_UNUSED(op))
{
}

int
PyUnstable_Object_EnableDeferredRefcount(PyObject *Py_UNUSED(op))
{
    return 0;
}

/* One reference, and no managed object besides: a linked mirror's first reference is the link's. */
int
PyUnstable_Object_IsUniquelyReferenced(PyObject *op)
{
    return Py_REFCNT(op) == 1 && !cape_is_linked(op);
}

/* A frame of CPython could say that its stack holds the only reference; Cape's hold none. */
int
PyUnstable_Object_IsUniqueReferencedTemporary(PyObject *op)
{
    return PyUnstable_Object_IsUniquelyReferenced(op);
}

/* --- the end of an object ----------------------------------------------------------------------- */

/* Containers deeper than this wait in a list, so that nesting cannot exhaust the stack. */
#define DEALLOC_DEPTH_LIMIT 200

static __thread int dealloc_depth __attribute__((tls_model("initial-exec"))) = 0;
/* Chained through _gc_prev; bit 0 of a link remembers that the object was tracked. */
static __thread uintptr_t dealloc_later __attribute__((tls_model("initial-exec"))) = 0;

void
_PyTrash_thread_deposit_object(PyThreadState *Py_UNUSED(tstate), PyObject *op)
{
    uintptr_t tracked = _PyObject_GC_IS_TRACKED(op) ? 1 : 0;
    cape_untrack(op);
    /* Low bits of _gc_prev are flags; objects are aligned to 16 bytes. */
    PyGC_Head *gc = _Py_AS_GC(op);
    gc->_gc_prev = dealloc_later | (gc->_gc_prev & _PyGC_PREV_MASK_FINALIZED);
    dealloc_later = (uintptr_t)op | (tracked << 1);
}

void
_PyTrash_thread_destroy_chain(PyThreadState *Py_UNUSED(tstate))
{
    while (dealloc_later != 0) {
        PyObject *op = (PyObject *)(dealloc_later & ~(uintptr_t)3);
        int tracked = (dealloc_later & 2) != 0;
        PyGC_Head *gc = _Py_AS_GC(op);
        dealloc_later = gc->_gc_prev & ~_PyGC_PREV_MASK_FINALIZED;
        gc->_gc_prev &= _PyGC_PREV_MASK_FINALIZED;
        if (tracked) {
            cape_track(op);
        }
        dealloc_depth++;
        Py_TYPE(op)->tp_dealloc(op);
        dealloc_depth--;
    }
}

/* _Py_Dealloc of what may hold others. */
static void __attribute__((noinline))
dealloc_container(PyObject *op, PyTypeObject *type)
{
    if (CAPE_UNLIKELY(dealloc_depth >= DEALLOC_DEPTH_LIMIT) && PyObject_IS_GC(op)) {
        _PyTrash_thread_deposit_object(NULL, op);
        return;
    }
    dealloc_depth++;
    type->tp_dealloc(op);
    dealloc_depth--;
    if (CAPE_UNLIKELY(dealloc_later != 0) && dealloc_depth == 0) {
        _PyTrash_thread_destroy_chain(NULL);
    }
}

/* The count of `op` has become zero. */
void
_Py_Dealloc(PyObject *op)
{
    if (CAPE_UNLIKELY(cape_is_linked(op))) {
        _Cape_LinkedDealloc(op);
        return;
    }
    PyTypeObject *type = Py_TYPE(op);
    destructor dealloc = type->tp_dealloc;
    if (PyType_IS_GC(type) && dealloc != cape_mirror_dealloc) {
        dealloc_container(op, type);
    }
    else {
        dealloc(op);
    }
}

void
cape_mirror_dealloc(PyObject *op)
{
    if (CAPE_UNLIKELY(_Cape_watched) && cape_tell_watchers_of_end(op)) {
        return;
    }
    PyTypeObject *type = Py_TYPE(op);
    if (cape_has_list(type)) {
        cape_untrack(op);
        cape_free_struct(op, cape_mirror_words(type));
        return;
    }
    if (PyObject_IS_GC(op)) {
        cape_untrack(op);
    }
    cape_free(op);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        Py_DECREF(type);
    }
}

/* --- new objects -------------------------------------------------------------------------------- */

void
_Py_NewReference(PyObject *op)
{
    op->ob_refcnt_full = 1;
}

void
_Py_NewReferenceNoTotal(PyObject *op)
{
    op->ob_refcnt_full = 1;
}

/* For finalizers: the object lives again, with one reference. */
void
_Py_ResurrectReference(PyObject *op)
{
    op->ob_refcnt = 1;
}

PyObject *
PyObject_Init(PyObject *op, PyTypeObject *type)
{
    if (op == NULL) {
        return PyErr_NoMemory();
    }
    cape_init(op, type);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        Py_INCREF(type);
    }
    return op;
}

PyVarObject *
PyObject_InitVar(PyVarObject *op, PyTypeObject *type, Py_ssize_t size)
{
    if (PyObject_Init((PyObject *)op, type) != NULL) {
        op->ob_size = size;
    }
    return op;
}

PyObject *
_PyObject_New(PyTypeObject *type)
{
    return PyObject_Init(PyObject_Malloc(_PyObject_SIZE(type)), type);
}

PyVarObject *
_PyObject_NewVar(PyTypeObject *type, Py_ssize_t nitems)
{
    /* (With room for all of a block, as ints of this size are freed: largetext.c.) */
    size_t size = _PyObject_VAR_SIZE(type, nitems);
    PyVarObject *op = PyObject_Malloc((size + CAPE_BLOCK_STEP - 1) & ~(CAPE_BLOCK_STEP - 1));
    return PyObject_InitVar(op, type, nitems);
}

/* --- constants ---------------------------------------------------------------------------------- */

PyObject *
Py_GetConstantBorrowed(unsigned int constant_id)
{
    switch (constant_id) {
    case Py_CONSTANT_NONE: return Py_None;
    case Py_CONSTANT_FALSE: return Py_False;
    case Py_CONSTANT_TRUE: return Py_True;
    case Py_CONSTANT_ELLIPSIS: return Py_Ellipsis;
    case Py_CONSTANT_NOT_IMPLEMENTED: return Py_NotImplemented;
    case Py_CONSTANT_ZERO: return cape_small_int(0);
    case Py_CONSTANT_ONE: return cape_small_int(1);
    case Py_CONSTANT_EMPTY_STR: return cape_empty_str();
    case Py_CONSTANT_EMPTY_BYTES: return cape_empty_bytes();
    case Py_CONSTANT_EMPTY_TUPLE: return cape_empty_tuple();
    default:
        PyErr_BadInternalCall();
        return NULL;
    }
}

PyObject *
Py_GetConstant(unsigned int constant_id)
{
    return Py_XNewRef(Py_GetConstantBorrowed(constant_id));
}

/* --- attributes --------------------------------------------------------------------------------- */

PyObject *
PyObject_GetAttr(PyObject *v, PyObject *name)
{
    PyTypeObject *tp = Py_TYPE(v);
    if (!PyUnicode_Check(name)) {
        return cape_type_error("attribute name must be string, not '%.200s'", name);
    }
    if (tp->tp_getattro != NULL) {
        return tp->tp_getattro(v, name);
    }
    if (tp->tp_getattr != NULL) {
        const char *text = PyUnicode_AsUTF8(name);
        return text == NULL ? NULL : tp->tp_getattr(v, (char *)text);
    }
    return PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%U'", tp->tp_name,
                        name);
}

PyObject *
PyObject_GetAttrString(PyObject *v, const char *name)
{
    if (Py_TYPE(v)->tp_getattro == NULL && Py_TYPE(v)->tp_getattr != NULL) {
        return Py_TYPE(v)->tp_getattr(v, (char *)name);
    }
    PyObject *key = PyUnicode_InternFromString(name);
    if (key == NULL) {
        return NULL;
    }
    PyObject *result = PyObject_GetAttr(v, key);
    Py_DECREF(key);
    return result;
}

int
PyObject_SetAttr(PyObject *v, PyObject *name, PyObject *value)
{
    PyTypeObject *tp = Py_TYPE(v);
    if (!PyUnicode_Check(name)) {
        cape_type_error("attribute name must be string, not '%.200s'", name);
        return -1;
    }
    if (tp->tp_setattro != NULL) {
        return tp->tp_setattro(v, name, value);
    }
    if (tp->tp_setattr != NULL) {
        const char *text = PyUnicode_AsUTF8(name);
        return text == NULL ? -1 : tp->tp_setattr(v, (char *)text, value);
    }
    const char *kind = tp->tp_getattr == NULL && tp->tp_getattro == NULL
                       ? "no attributes" : "only read-only attributes";
    PyErr_Format(PyExc_TypeError, "'%.100s' object has %s (%s .%U)", tp->tp_name, kind,
                 value == NULL ? "del" : "assign to", name);
    return -1;
}

/* `tp_setattro` and `tp_getattro` of classes that have the older slots only. */
static int
setattro_by_text(PyObject *v, PyObject *name, PyObject *value)
{
    const char *text = PyUnicode_AsUTF8(name);
    return text == NULL ? -1 : Py_TYPE(v)->tp_setattr(v, (char *)text, value);
}

static PyObject *
getattro_by_text(PyObject *v, PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    return text == NULL ? NULL : Py_TYPE(v)->tp_getattr(v, (char *)text);
}

/* Fills the newer slots where a class has only the older ones: what is not C finds those alone. */
void
cape_complete_attribute_slots(PyTypeObject *type)
{
    if (type->tp_setattr != NULL && type->tp_setattro == NULL) {
        type->tp_setattro = setattro_by_text;
    }
    if (type->tp_getattr != NULL && type->tp_getattro == NULL) {
        type->tp_getattro = getattro_by_text;
    }
}

int
PyObject_SetAttrString(PyObject *v, const char *name, PyObject *value)
{
    if (Py_TYPE(v)->tp_setattro == NULL && Py_TYPE(v)->tp_setattr != NULL) {
        return Py_TYPE(v)->tp_setattr(v, (char *)name, value);
    }
    PyObject *key = PyUnicode_InternFromString(name);
    if (key == NULL) {
        return -1;
    }
    int result = PyObject_SetAttr(v, key, value);
    Py_DECREF(key);
    return result;
}

int
PyObject_DelAttr(PyObject *v, PyObject *name)
{
    return PyObject_SetAttr(v, name, NULL);
}

int
PyObject_DelAttrString(PyObject *v, const char *name)
{
    return PyObject_SetAttrString(v, name, NULL);
}

int
PyObject_GetOptionalAttrString(PyObject *v, const char *name, PyObject **result)
{
    PyObject *key = PyUnicode_InternFromString(name);
    if (key == NULL) {
        *result = NULL;
        return -1;
    }
    int found = PyObject_GetOptionalAttr(v, key, result);
    Py_DECREF(key);
    return found;
}

int
PyObject_HasAttrWithError(PyObject *v, PyObject *name)
{
    PyObject *value;
    int found = PyObject_GetOptionalAttr(v, name, &value);
    Py_XDECREF(value);
    return found;
}

int
PyObject_HasAttrStringWithError(PyObject *v, const char *name)
{
    PyObject *value;
    int found = PyObject_GetOptionalAttrString(v, name, &value);
    Py_XDECREF(value);
    return found;
}

int
PyObject_HasAttr(PyObject *v, PyObject *name)
{
    int found = PyObject_HasAttrWithError(v, name);
    if (found < 0) {
        PyErr_FormatUnraisable("Exception ignored in PyObject_HasAttr(); consider using "
                               "PyObject_HasAttrWithError(), PyObject_GetOptionalAttr() or "
                               "PyObject_GetAttr()");
        return 0;
    }
    return found;
}

int
PyObject_HasAttrString(PyObject *v, const char *name)
{
    int found = PyObject_HasAttrStringWithError(v, name);
    if (found < 0) {
        PyErr_FormatUnraisable("Exception ignored in PyObject_HasAttrString(); consider using "
                               "PyObject_HasAttrStringWithError(), "
                               "PyObject_GetOptionalAttrString() or PyObject_GetAttrString()");
        return 0;
    }
    return found;
}

PyObject **
cape_dict_place(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    Py_ssize_t offset = type->tp_dictoffset;
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        return (PyObject **)op - 3;
    }
    if (offset == 0) {
        return NULL;
    }
    if (offset < 0) {
        Py_ssize_t items = ((PyVarObject *)op)->ob_size;
        offset += (Py_ssize_t)_PyObject_VAR_SIZE(type, items < 0 ? -items : items);
    }
    return (PyObject **)((char *)op + offset);
}

/* Whether the place of the dictionary is one that a type of C itself has in its struct. */
static int
has_own_place(PyTypeObject *type)
{
    if (type->tp_dictoffset == 0 || (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        return 0;
    }
    while (type->tp_base != NULL && type->tp_base->tp_dictoffset == type->tp_dictoffset) {
        type = type->tp_base;
    }
    return !(type->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN);
}

/* Where C finds the instance's dictionary: in the struct, if a type of C says so, which then owns a reference. The dictionaries of other
   instances are the managed side's, and are shown in a place that is used again a few calls later; what is written there is lost. */
PyObject **
_PyObject_GetDictPtr(PyObject *op)
{
    static PyObject *shown[16];
    static unsigned next = 0;

    PyObject **place = cape_dict_place(op);
    /* What has no managed side has no dictionary there; deallocators ask, too, when it is over. */
    if (PyType_Check(op) || PyModule_Check(op) || !cape_is_linked(op)) {
        return place;
    }
    PyObject *dict = _Cape_InstanceDict(op);
    if (dict == NULL) {
        return place;
    }
    if (has_own_place(Py_TYPE(op))) {
        if (*place != dict) {
            Py_XSETREF(*place, Py_NewRef(dict));
        }
        return place;
    }
    place = &shown[next++ % Py_ARRAY_LENGTH(shown)];
    *place = dict;
    return place;
}

/* --- truth, hash, comparison -------------------------------------------------------------------- */

int
PyObject_IsTrue(PyObject *v)
{
    if (v == Py_True) {
        return 1;
    }
    if (v == Py_False || v == Py_None) {
        return 0;
    }
    PyTypeObject *tp = Py_TYPE(v);
    Py_ssize_t truth = cape_plain_length(v);
    if (truth >= 0) {
        return truth > 0;
    }
    if (tp->tp_as_number != NULL && tp->tp_as_number->nb_bool != NULL) {
        truth = tp->tp_as_number->nb_bool(v);
    }
    else if (tp->tp_as_mapping != NULL && tp->tp_as_mapping->mp_length != NULL) {
        truth = tp->tp_as_mapping->mp_length(v);
    }
    else if (tp->tp_as_sequence != NULL && tp->tp_as_sequence->sq_length != NULL) {
        truth = tp->tp_as_sequence->sq_length(v);
    }
    else {
        return 1;
    }
    return truth > 0 ? 1 : (int)truth;
}

int
PyObject_Not(PyObject *v)
{
    int truth = PyObject_IsTrue(v);
    return truth < 0 ? truth : !truth;
}

Py_hash_t
PyObject_HashNotImplemented(PyObject *v)
{
    PyErr_Format(PyExc_TypeError, "unhashable type: '%.200s'", Py_TYPE(v)->tp_name);
    return -1;
}

Py_hash_t
PyObject_Hash(PyObject *v)
{
    PyTypeObject *tp = Py_TYPE(v);
    if (PyUnicode_CheckExact(v)) {
        /* Kept in the struct. */
        Py_hash_t *hash = &((PyASCIIObject *)v)->hash;
        return *hash != -1 ? *hash : (*hash = tp->tp_hash(v));
    }
    if (tp->tp_hash == NULL && !(tp->tp_flags & Py_TPFLAGS_READY) && PyType_Ready(tp) < 0) {
        return -1;
    }
    return tp->tp_hash != NULL ? tp->tp_hash(v) : PyObject_HashNotImplemented(v);
}

Py_hash_t
Py_HashPointer(const void *ptr)
{
    /* Rotated: the low bits of an address say little. */
    size_t bits = (size_t)ptr;
    Py_hash_t hash = (Py_hash_t)((bits >> 4) | (bits << (8 * sizeof(void *) - 4)));
    return hash == -1 ? -2 : hash;
}

/* Indexed by Py_LT...Py_GE: the operator seen from the other side, and its sign. */
static const int swapped[] = {Py_GT, Py_GE, Py_EQ, Py_NE, Py_LT, Py_LE};
static const char *const signs[] = {"<", "<=", "==", "!=", ">", ">="};

/* Compares what needs no slot: small ints of class int; str of class str, for equality. -1: something else. */
static inline int
compare_plain(PyObject *v, PyObject *w, int op)
{
    if (PyUnicode_CheckExact(v)) {
        if (op != Py_EQ && op != Py_NE) {
            return -1;
        }
        return PyUnicode_CheckExact(w) ? PyUnicode_Equal(v, w) == (op == Py_EQ) : w == Py_None ? op == Py_NE : -1;
    }
    if (!PyLong_CheckExact(v) || !PyLong_CheckExact(w) || !_PyLong_IsCompact((PyLongObject *)v)
        || !_PyLong_IsCompact((PyLongObject *)w)) {
        return -1;
    }
    Py_ssize_t a = _PyLong_CompactValue((PyLongObject *)v);
    Py_ssize_t b = _PyLong_CompactValue((PyLongObject *)w);
    switch (op) {
    case Py_LT: return a < b;
    case Py_LE: return a <= b;
    case Py_EQ: return a == b;
    case Py_NE: return a != b;
    case Py_GT: return a > b;
    case Py_GE: return a >= b;
    default: return -1;
    }
}

static PyObject *
compare(PyObject *v, PyObject *w, int op)
{
    PyTypeObject *left = Py_TYPE(v), *right = Py_TYPE(w);
    richcmpfunc function;
    PyObject *result;
    int reflected = 0;

    if (left != right && right->tp_richcompare != NULL && PyType_IsSubtype(right, left)) {
        reflected = 1;
        result = right->tp_richcompare(w, v, swapped[op]);
        if (result != Py_NotImplemented) {
            return result;
        }
        Py_DECREF(result);
    }
    function = left->tp_richcompare;
    if (function != NULL) {
        result = function(v, w, op);
        if (result != Py_NotImplemented) {
            return result;
        }
        Py_DECREF(result);
    }
    function = right->tp_richcompare;
    if (!reflected && function != NULL) {
        result = function(w, v, swapped[op]);
        if (result != Py_NotImplemented) {
            return result;
        }
        Py_DECREF(result);
    }
    switch (op) {
    case Py_EQ: return PyBool_FromLong(v == w);
    case Py_NE: return PyBool_FromLong(v != w);
    default:
        return PyErr_Format(PyExc_TypeError,
                            "'%s' not supported between instances of '%.100s' and '%.100s'",
                            signs[op], left->tp_name, right->tp_name);
    }
}

PyObject *
PyObject_RichCompare(PyObject *v, PyObject *w, int op)
{
    if (v == NULL || w == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_BadInternalCall();
        }
        return NULL;
    }
    int plain = compare_plain(v, w, op);
    if (plain >= 0) {
        return PyBool_FromLong(plain);
    }
    if (cape_enter_call(" in comparison")) {
        return NULL;
    }
    PyObject *result = compare(v, w, op);
    return result;
}

int
PyObject_RichCompareBool(PyObject *v, PyObject *w, int op)
{
    if (v == w && (op == Py_EQ || op == Py_NE)) {
        return op == Py_EQ;
    }
    int plain = v == NULL || w == NULL ? -1 : compare_plain(v, w, op);
    if (plain >= 0) {
        return plain;
    }
    PyObject *result = PyObject_RichCompare(v, w, op);
    if (result == NULL) {
        return -1;
    }
    int truth = PyBool_Check(result) ? result == Py_True : PyObject_IsTrue(result);
    Py_DECREF(result);
    return truth;
}

static PyObject *
decimal(Py_ssize_t value)
{
    char digits[24], *p = digits + sizeof(digits);
    size_t rest = value < 0 ? -(size_t)value : (size_t)value;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0) {
        *--p = '-';
    }
    Py_ssize_t size = digits + sizeof(digits) - p;
    PyObject *text = PyUnicode_New(size, 127);
    if (text != NULL) {
        memcpy(PyUnicode_1BYTE_DATA(text), p, (size_t)size);
    }
    return text;
}

PyObject *
PyObject_Str(PyObject *v)
{
    if (v == NULL) {
        return PyUnicode_FromString("<NULL>");
    }
    if (PyUnicode_CheckExact(v)) {
        return Py_NewRef(v);
    }
    if (PyLong_CheckExact(v) && _PyLong_IsCompact((PyLongObject *)v)) {
        return decimal(_PyLong_CompactValue((PyLongObject *)v));
    }
    return _Cape_Str(v);
}

PyObject *
PyObject_SelfIter(PyObject *op)
{
    return Py_NewRef(op);
}

int
PyCallable_Check(PyObject *op)
{
    return op != NULL && Py_TYPE(op)->tp_call != NULL;
}

PyObject **
PyObject_GET_WEAKREFS_LISTPTR(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    if (type->tp_flags & Py_TPFLAGS_MANAGED_WEAKREF) {
        return (PyObject **)op - 4;
    }
    return (PyObject **)((char *)op + type->tp_weaklistoffset);
}
