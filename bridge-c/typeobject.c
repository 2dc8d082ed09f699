/* Types: what can be answered from a type's struct, and instances of types born in C. */
#include "cape.h"

int
PyType_IsSubtype(PyTypeObject *a, PyTypeObject *b)
{
    PyObject *mro = a->tp_mro;
    if (CAPE_LIKELY(mro != NULL)) {
        Py_ssize_t n = PyTuple_GET_SIZE(mro);
        for (Py_ssize_t i = 0; i < n; i++) {
            if (PyTuple_GET_ITEM(mro, i) == (PyObject *)b) {
                return 1;
            }
        }
        return 0;
    }
    /* Not ready yet: only single inheritance is known. */
    do {
        if (a == b) {
            return 1;
        }
        a = a->tp_base;
    } while (a != NULL);
    return b == &PyBaseObject_Type;
}

unsigned long
PyType_GetFlags(PyTypeObject *type)
{
    return type->tp_flags;
}

/* The name after the last dot. */
const char *
_PyType_Name(PyTypeObject *type)
{
    const char *dot = strrchr(type->tp_name, '.');
    return dot == NULL ? type->tp_name : dot + 1;
}

/* --- slots -------------------------------------------------------------------------------------- */

/* Where a slot is: in the type itself (inner < 0), or in the struct that the type points to. */
static const struct {
    short outer, inner;
} slot_places[] = {
    [Py_bf_getbuffer] = {offsetof(PyTypeObject, tp_as_buffer), offsetof(PyBufferProcs, bf_getbuffer)},
    [Py_bf_releasebuffer] = {offsetof(PyTypeObject, tp_as_buffer), offsetof(PyBufferProcs, bf_releasebuffer)},
    [Py_mp_ass_subscript] = {offsetof(PyTypeObject, tp_as_mapping), offsetof(PyMappingMethods, mp_ass_subscript)},
    [Py_mp_length] = {offsetof(PyTypeObject, tp_as_mapping), offsetof(PyMappingMethods, mp_length)},
    [Py_mp_subscript] = {offsetof(PyTypeObject, tp_as_mapping), offsetof(PyMappingMethods, mp_subscript)},
    [Py_nb_absolute] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_absolute)},
    [Py_nb_add] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_add)},
    [Py_nb_and] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_and)},
    [Py_nb_bool] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_bool)},
    [Py_nb_divmod] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_divmod)},
    [Py_nb_float] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_float)},
    [Py_nb_floor_divide] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_floor_divide)},
    [Py_nb_index] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_index)},
    [Py_nb_inplace_add] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_add)},
    [Py_nb_inplace_and] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_and)},
    [Py_nb_inplace_floor_divide] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_floor_divide)},
    [Py_nb_inplace_lshift] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_lshift)},
    [Py_nb_inplace_multiply] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_multiply)},
    [Py_nb_inplace_or] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_or)},
    [Py_nb_inplace_power] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_power)},
    [Py_nb_inplace_remainder] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_remainder)},
    [Py_nb_inplace_rshift] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_rshift)},
    [Py_nb_inplace_subtract] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_subtract)},
    [Py_nb_inplace_true_divide] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_true_divide)},
    [Py_nb_inplace_xor] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_xor)},
    [Py_nb_int] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_int)},
    [Py_nb_invert] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_invert)},
    [Py_nb_lshift] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_lshift)},
    [Py_nb_multiply] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_multiply)},
    [Py_nb_negative] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_negative)},
    [Py_nb_or] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_or)},
    [Py_nb_positive] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_positive)},
    [Py_nb_power] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_power)},
    [Py_nb_remainder] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_remainder)},
    [Py_nb_rshift] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_rshift)},
    [Py_nb_subtract] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_subtract)},
    [Py_nb_true_divide] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_true_divide)},
    [Py_nb_xor] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_xor)},
    [Py_sq_ass_item] = {offsetof(PyTypeObject, tp_as_sequence), offsetof(PySequenceMethods, sq_ass_item)},
    [Py_sq_concat] = {offsetof(PyTypeObject, tp_as_sequence), offsetof(PySequenceMethods, sq_concat)},
    [Py_sq_contains] = {offsetof(PyTypeObject, tp_as_sequence), offsetof(PySequenceMethods, sq_contains)},
    [Py_sq_inplace_concat] = {offsetof(PyTypeObject, tp_as_sequence), offsetof(PySequenceMethods, sq_inplace_concat)},
    [Py_sq_inplace_repeat] = {offsetof(PyTypeObject, tp_as_sequence), offsetof(PySequenceMethods, sq_inplace_repeat)},
    [Py_sq_item] = {offsetof(PyTypeObject, tp_as_sequence), offsetof(PySequenceMethods, sq_item)},
    [Py_sq_length] = {offsetof(PyTypeObject, tp_as_sequence), offsetof(PySequenceMethods, sq_length)},
    [Py_sq_repeat] = {offsetof(PyTypeObject, tp_as_sequence), offsetof(PySequenceMethods, sq_repeat)},
    [Py_tp_alloc] = {offsetof(PyTypeObject, tp_alloc), -1},
    [Py_tp_base] = {offsetof(PyTypeObject, tp_base), -1},
    [Py_tp_bases] = {offsetof(PyTypeObject, tp_bases), -1},
    [Py_tp_call] = {offsetof(PyTypeObject, tp_call), -1},
    [Py_tp_clear] = {offsetof(PyTypeObject, tp_clear), -1},
    [Py_tp_dealloc] = {offsetof(PyTypeObject, tp_dealloc), -1},
    [Py_tp_del] = {offsetof(PyTypeObject, tp_del), -1},
    [Py_tp_descr_get] = {offsetof(PyTypeObject, tp_descr_get), -1},
    [Py_tp_descr_set] = {offsetof(PyTypeObject, tp_descr_set), -1},
    [Py_tp_doc] = {offsetof(PyTypeObject, tp_doc), -1},
    [Py_tp_getattr] = {offsetof(PyTypeObject, tp_getattr), -1},
    [Py_tp_getattro] = {offsetof(PyTypeObject, tp_getattro), -1},
    [Py_tp_hash] = {offsetof(PyTypeObject, tp_hash), -1},
    [Py_tp_init] = {offsetof(PyTypeObject, tp_init), -1},
    [Py_tp_is_gc] = {offsetof(PyTypeObject, tp_is_gc), -1},
    [Py_tp_iter] = {offsetof(PyTypeObject, tp_iter), -1},
    [Py_tp_iternext] = {offsetof(PyTypeObject, tp_iternext), -1},
    [Py_tp_methods] = {offsetof(PyTypeObject, tp_methods), -1},
    [Py_tp_new] = {offsetof(PyTypeObject, tp_new), -1},
    [Py_tp_repr] = {offsetof(PyTypeObject, tp_repr), -1},
    [Py_tp_richcompare] = {offsetof(PyTypeObject, tp_richcompare), -1},
    [Py_tp_setattr] = {offsetof(PyTypeObject, tp_setattr), -1},
    [Py_tp_setattro] = {offsetof(PyTypeObject, tp_setattro), -1},
    [Py_tp_str] = {offsetof(PyTypeObject, tp_str), -1},
    [Py_tp_traverse] = {offsetof(PyTypeObject, tp_traverse), -1},
    [Py_tp_members] = {offsetof(PyTypeObject, tp_members), -1},
    [Py_tp_getset] = {offsetof(PyTypeObject, tp_getset), -1},
    [Py_tp_free] = {offsetof(PyTypeObject, tp_free), -1},
    [Py_nb_matrix_multiply] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_matrix_multiply)},
    [Py_nb_inplace_matrix_multiply] = {offsetof(PyTypeObject, tp_as_number), offsetof(PyNumberMethods, nb_inplace_matrix_multiply)},
    [Py_am_await] = {offsetof(PyTypeObject, tp_as_async), offsetof(PyAsyncMethods, am_await)},
    [Py_am_aiter] = {offsetof(PyTypeObject, tp_as_async), offsetof(PyAsyncMethods, am_aiter)},
    [Py_am_anext] = {offsetof(PyTypeObject, tp_as_async), offsetof(PyAsyncMethods, am_anext)},
    [Py_tp_finalize] = {offsetof(PyTypeObject, tp_finalize), -1},
    [Py_am_send] = {offsetof(PyTypeObject, tp_as_async), offsetof(PyAsyncMethods, am_send)},
    [Py_tp_vectorcall] = {offsetof(PyTypeObject, tp_vectorcall), -1},
};

void *
PyType_GetSlot(PyTypeObject *type, int slot)
{
    if (slot == Py_tp_token) {
        return type->tp_flags & Py_TPFLAGS_HEAPTYPE ? ((PyHeapTypeObject *)type)->ht_token : NULL;
    }
    if (slot <= 0 || slot >= (int)Py_ARRAY_LENGTH(slot_places)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    char *place = (char *)type + slot_places[slot].outer;
    if (slot_places[slot].inner >= 0) {
        char *methods = *(char **)place;
        if (methods == NULL) {
            return NULL;
        }
        place = methods + slot_places[slot].inner;
    }
    return *(void **)place;
}

/* The place of a slot, its table made when `create`; NULL when there is no table. */
static void **
slot_place(PyTypeObject *type, int slot, int create)
{
    char *place = (char *)type + slot_places[slot].outer;
    if (slot_places[slot].inner < 0) {
        return (void **)place;
    }
    char **table = (char **)place;
    if (*table == NULL) {
        if (!create) {
            return NULL;
        }
        if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
            PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
            *table = table == (char **)&type->tp_as_async     ? (char *)&heap->as_async
                     : table == (char **)&type->tp_as_number   ? (char *)&heap->as_number
                     : table == (char **)&type->tp_as_sequence ? (char *)&heap->as_sequence
                     : table == (char **)&type->tp_as_mapping  ? (char *)&heap->as_mapping
                                                               : (char *)&heap->as_buffer;
        } else {
            /* A static type's table; lives as long as the process, like the type. */
            *table = calloc(1, sizeof(PyNumberMethods));
            if (*table == NULL) {
                return NULL;
            }
        }
    }
    return (void **)(*table + slot_places[slot].inner);
}

/* The slot with this number, or NULL; no exception. */
void *
cape_get_slot(PyTypeObject *type, int slot)
{
    void **place = slot_place(type, slot, 0);
    return place == NULL ? NULL : *place;
}

/* Stores a slot by its number (typeslots.h); 0 when there is no such slot. */
int
cape_set_slot(PyTypeObject *type, int slot, void *value)
{
    if (slot <= 0 || slot >= (int)Py_ARRAY_LENGTH(slot_places)) {
        return 0;
    }
    void **place = slot_place(type, slot, 1);
    if (place == NULL) {
        return 0;
    }
    *place = value;
    return 1;
}

/* Slots that a type never takes from its base as they are. */
static int
is_own_slot(int slot)
{
    switch (slot) {
    case Py_tp_base: case Py_tp_bases: case Py_tp_doc: case Py_tp_methods: case Py_tp_members: case Py_tp_getset:
    case Py_tp_traverse: case Py_tp_clear: case Py_tp_hash: case Py_tp_richcompare: case Py_tp_getattr:
    case Py_tp_getattro: case Py_tp_setattr: case Py_tp_setattro: case Py_tp_del: case Py_tp_vectorcall:
    case Py_tp_free: case Py_bf_releasebuffer:
        return 1;
    default:
        return 0;
    }
}

/* Takes over from `base` the slots that `type` does not have, by CPython's rules. `own_hash`: the class's own dictionary has
 * __eq__ or __hash__. */
void
cape_inherit_slots(PyTypeObject *type, PyTypeObject *base, int own_hash)
{
    for (int slot = 1; slot < (int)Py_ARRAY_LENGTH(slot_places); slot++) {
        if (slot_places[slot].outer == 0 || is_own_slot(slot)) {
            continue;
        }
        void **from = slot_place(base, slot, 0);
        if (from == NULL || *from == NULL) {
            continue;
        }
        void **to = slot_place(type, slot, 1);
        if (to != NULL && *to == NULL) {
            *to = *from;
            if (slot == Py_bf_getbuffer) {
                type->tp_as_buffer->bf_releasebuffer = base->tp_as_buffer->bf_releasebuffer;
            }
        }
    }
    if (type->tp_getattr == NULL && type->tp_getattro == NULL) {
        type->tp_getattr = base->tp_getattr;
        type->tp_getattro = base->tp_getattro;
    }
    if (type->tp_setattr == NULL && type->tp_setattro == NULL) {
        type->tp_setattr = base->tp_setattr;
        type->tp_setattro = base->tp_setattro;
    }
    if (type->tp_richcompare == NULL && type->tp_hash == NULL && !own_hash) {
        type->tp_richcompare = base->tp_richcompare;
        type->tp_hash = base->tp_hash;
    }
    if (!(type->tp_flags & Py_TPFLAGS_HAVE_GC) && (base->tp_flags & Py_TPFLAGS_HAVE_GC)
        && type->tp_traverse == NULL && type->tp_clear == NULL) {
        type->tp_flags |= Py_TPFLAGS_HAVE_GC;
        type->tp_traverse = base->tp_traverse;
        type->tp_clear = base->tp_clear;
    }
    if (type->tp_free == NULL) {
        if ((type->tp_flags & Py_TPFLAGS_HAVE_GC) == (base->tp_flags & Py_TPFLAGS_HAVE_GC)) {
            type->tp_free = base->tp_free;
        } else if ((type->tp_flags & Py_TPFLAGS_HAVE_GC)
                   && (base->tp_free == PyObject_Free || base->tp_free == NULL)) {
            type->tp_free = PyObject_GC_Del;
        }
    }
    /* What may change is no method descriptor because its base is one. */
    int changes = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) && !(type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE);
    if (!changes && base->tp_descr_get != NULL && type->tp_descr_get == base->tp_descr_get) {
        type->tp_flags |= base->tp_flags & Py_TPFLAGS_METHOD_DESCRIPTOR;
    }
    if (type->tp_vectorcall_offset == 0) {
        type->tp_vectorcall_offset = base->tp_vectorcall_offset;
        if ((base->tp_flags & Py_TPFLAGS_HAVE_VECTORCALL) && type->tp_call == base->tp_call) {
            type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        }
    }
}

/* --- instances ---------------------------------------------------------------------------------- */

/* A zeroed instance, tracked when the type takes part in collection. */
PyObject *
PyType_GenericAlloc(PyTypeObject *type, Py_ssize_t nitems)
{
    /* One item more than asked, as a sentinel. */
    size_t size = type->tp_itemsize == 0 ? _Py_SIZE_ROUND_UP(type->tp_basicsize, SIZEOF_VOID_P)
                                         : _PyObject_VAR_SIZE(type, nitems + 1);
    PyObject *op = cape_alloc(type, size);
    if (CAPE_UNLIKELY(op == NULL)) {
        return NULL;
    }
    memset(op, 0, size);
    if (type->tp_itemsize == 0) {
        PyObject_Init(op, type);
    }
    else {
        PyObject_InitVar((PyVarObject *)op, type, nitems);
    }
    if (PyType_IS_GC(type)) {
        cape_track(op);
    }
    return op;
}

PyObject *
PyType_GenericNew(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwds))
{
    return type->tp_alloc(type, 0);
}

/* --- data of heap types ------------------------------------------------------------------------- */

#define ALIGNED(size) _Py_SIZE_ROUND_UP(size, ALIGNOF_MAX_ALIGN_T)

void *
PyObject_GetTypeData(PyObject *obj, PyTypeObject *cls)
{
    return (char *)obj + ALIGNED(cls->tp_base->tp_basicsize);
}

Py_ssize_t
PyType_GetTypeDataSize(PyTypeObject *cls)
{
    Py_ssize_t size = cls->tp_basicsize - (Py_ssize_t)ALIGNED(cls->tp_base->tp_basicsize);
    return size < 0 ? 0 : size;
}

void *
PyObject_GetItemData(PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    if (!PyType_HasFeature(type, Py_TPFLAGS_ITEMS_AT_END)) {
        PyErr_Format(PyExc_TypeError, "type '%s' does not have Py_TPFLAGS_ITEMS_AT_END",
                     type->tp_name);
        return NULL;
    }
    return (char *)obj + type->tp_basicsize;
}

PyObject *
PyType_GetModule(PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return PyErr_Format(PyExc_TypeError, "PyType_GetModule: Type '%s' is not a heap type",
                            type->tp_name);
    }
    PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
    if (module == NULL) {
        return PyErr_Format(PyExc_TypeError, "PyType_GetModule: Type '%s' has no associated module",
                            type->tp_name);
    }
    return module;
}

void *
PyType_GetModuleState(PyTypeObject *type)
{
    PyObject *module = PyType_GetModule(type);
    return module == NULL ? NULL : PyModule_GetState(module);
}

/* The first class of the MRO for which `accept` holds; NULL without an exception. */
static PyTypeObject *
find_in_mro(PyTypeObject *type, int (*accept)(PyTypeObject *, const void *), const void *what)
{
    if (accept(type, what)) {
        return type;
    }
    PyObject *mro = type->tp_mro;
    if (mro == NULL) {
        /* A type that is being made: its bases have theirs. */
        PyTypeObject *found = NULL;
        PyObject *bases = type->tp_bases;
        for (Py_ssize_t i = 0; bases != NULL && found == NULL && i < PyTuple_GET_SIZE(bases); i++) {
            found = find_in_mro((PyTypeObject *)PyTuple_GET_ITEM(bases, i), accept, what);
        }
        return found == NULL && bases == NULL && type->tp_base != NULL ? find_in_mro(type->tp_base, accept, what) : found;
    }
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *super = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (accept(super, what)) {
            return super;
        }
    }
    return NULL;
}

static int
is_of_module(PyTypeObject *type, const void *def)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return 0;
    }
    PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
    return module != NULL && PyModule_Check(module)
           && ((PyModuleObject *)module)->md_def == (const PyModuleDef *)def;
}

PyObject *
PyType_GetModuleByDef(PyTypeObject *type, PyModuleDef *def)
{
    PyTypeObject *found = find_in_mro(type, is_of_module, def);
    if (found == NULL) {
        return PyErr_Format(PyExc_TypeError,
                            "PyType_GetModuleByDef: No superclass of '%s' has the given module",
                            type->tp_name);
    }
    return ((PyHeapTypeObject *)found)->ht_module;
}

static int
has_token(PyTypeObject *type, const void *token)
{
    return (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
           && ((PyHeapTypeObject *)type)->ht_token == token;
}

int
PyType_GetBaseByToken(PyTypeObject *type, void *token, PyTypeObject **result)
{
    if (result != NULL) {
        *result = NULL;
    }
    if (token == NULL) {
        PyErr_Format(PyExc_SystemError, "PyType_GetBaseByToken called with token=NULL");
        return -1;
    }
    if (!PyType_Check(type)) {
        PyErr_Format(PyExc_TypeError, "expected a type, got a '%T' object", type);
        return -1;
    }
    PyTypeObject *found = find_in_mro(type, has_token, token);
    if (found == NULL) {
        return 0;
    }
    if (result != NULL) {
        *result = (PyTypeObject *)Py_NewRef(found);
    }
    return 1;
}

int
PyType_SUPPORTS_WEAKREFS(PyTypeObject *type)
{
    return type->tp_weaklistoffset != 0 || (type->tp_flags & Py_TPFLAGS_MANAGED_WEAKREF) != 0;
}
