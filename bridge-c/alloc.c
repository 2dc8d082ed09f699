/* Memory of instances: what lies in front of them is the collector's head, and the dictionary and weak
 * references that the type wants managed. */
#include "cape.h"

CAPE_PRIVATE CapeFreeList _Cape_free_numbers[CAPE_FREE_KINDS];
CAPE_PRIVATE CapeFreeList _Cape_free_structs[CAPE_FREE_WORDS];
CAPE_PRIVATE CapeFreeList _Cape_free_blocks[CAPE_FREE_BLOCKS];

static inline size_t
words_of(size_t bytes)
{
    return (bytes + sizeof(void *) - 1) / sizeof(void *);
}

PyObject *
cape_alloc(PyTypeObject *type, size_t size)
{
    size_t before = cape_preheader(type);
    if (before == 0) {
        void *op = PyObject_Malloc(size);
        return CAPE_LIKELY(op != NULL) ? op : PyErr_NoMemory();
    }
    if (CAPE_UNLIKELY(_Cape_tracked > _Cape_tracked_limit)) {
        _Cape_tracked_limit = SIZE_MAX;
        _Cape_LookForCycles();
    }
    size_t *block = NULL;
    if (CAPE_LIKELY(size < CAPE_FREE_BLOCKS * sizeof(void *))) {
        size_t words = words_of(before + size);
        block = words < CAPE_FREE_BLOCKS ? cape_take(&_Cape_free_blocks[words]) : NULL;
        /* (Used again it counts, too.) */
        _Cape_allocated_small += block != NULL ? words * sizeof(void *) : 0;
    }
    if (CAPE_UNLIKELY(block == NULL)) {
        block = PyObject_Malloc(before + size);
        if (CAPE_UNLIKELY(block == NULL)) {
            return PyErr_NoMemory();
        }
    }
    block[0] = block[1] = 0;
    if (before > sizeof(PyGC_Head)) {
        block[2] = block[3] = 0;
    }
    return (PyObject *)((char *)block + before);
}

/* What has no items takes as much as its type says, or more. */
void
cape_free(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    size_t before = cape_preheader(type);
    char *block = (char *)op - before;
    if (CAPE_LIKELY(before != 0 && type->tp_itemsize == 0)) {
        size_t words = words_of(before + (size_t)type->tp_basicsize);
        if (CAPE_LIKELY(words < CAPE_FREE_BLOCKS)) {
            CapeFreeList *list = &_Cape_free_blocks[words];
            if (CAPE_LIKELY((size_t)list->count * words < CAPE_FREE_BYTES / sizeof(void *))) {
                cape_returned(&_Cape_allocated_small, words * sizeof(void *));
                cape_give(list, block, INT_MAX);
                return;
            }
        }
    }
    PyObject_Free(block);
}

/* A freed number still has its type. */
static void
empty_free_lists(void)
{
    void *op;
    for (int i = 0; i < CAPE_FREE_KINDS; i++) {
        while ((op = cape_take(&_Cape_free_numbers[i])) != NULL) {
            cape_free(op);
        }
    }
    for (int i = 0; i < CAPE_FREE_WORDS; i++) {
        while ((op = cape_take(&_Cape_free_structs[i])) != NULL) {
            PyObject_Free(_Py_AS_GC(op));
        }
    }
    for (int i = 0; i < CAPE_FREE_BLOCKS; i++) {
        while ((op = cape_take(&_Cape_free_blocks[i])) != NULL) {
            PyObject_Free(op);
        }
    }
    cape_empty_list_items();
    cape_empty_texts();
}

/* A full collection is done: the next one is due when the tracked structs that it left, without the `doomed`, have grown by four fifths. */
void
_Cape_CollectedFully(size_t doomed)
{
    empty_free_lists();
    size_t left = _Cape_tracked > doomed ? _Cape_tracked - doomed : 0;
    _Cape_tracked_limit = doomed + left + Py_MAX(left / 5 * 4, CAPE_TRACKED_LEAST);
}

/* Memory for a struct that goes to the lists of freed structs later on: those have a collector's head, also where the type does not say so. */
static PyObject *
new_struct(PyTypeObject *type, size_t words)
{
    if (type->tp_flags & Py_TPFLAGS_HAVE_GC) {
        return cape_alloc(type, words * sizeof(void *));
    }
    PyGC_Head *head = PyObject_Malloc(sizeof(PyGC_Head) + words * sizeof(void *));
    if (head == NULL) {
        return PyErr_NoMemory();
    }
    head->_gc_next = head->_gc_prev = 0;
    return _Py_FROM_GC(head);
}

/* The struct of a dict or set, say, that the managed side made: clear behind its head, which has one reference. NULL with MemoryError. */
PyObject *
cape_new_mirror(PyTypeObject *type)
{
    size_t words = cape_mirror_words(type);
    PyObject *op = words < CAPE_FREE_WORDS ? cape_take(&_Cape_free_structs[words]) : NULL;
    if (CAPE_UNLIKELY(op == NULL)) {
        op = new_struct(type, words);
    }
    if (CAPE_LIKELY(op != NULL)) {
        cape_init(op, type);
        for (size_t i = sizeof(PyObject) / sizeof(void *); i < words; i++) {
            /* Volatile: a call of memset would cost more than it saves. */
            ((volatile size_t *)op)[i] = 0;
        }
    }
    return op;
}

/* The end of a struct that was lent for a call and belongs to no managed object: what C has kept is its own from now on. */
void
cape_end_own(PyObject *op)
{
    if (CAPE_LIKELY(Py_REFCNT(op) == 1 && !cape_is_linked(op))) {
        PyTypeObject *type = Py_TYPE(op);
        if (type == &PyUnicode_Type) {
            cape_unicode_dealloc(op);
        }
        else if (type == &PyBytes_Type) {
            cape_bytes_dealloc(op);
        }
        else if (type == &PyTuple_Type) {
            cape_tuple_dealloc(op);
        }
        else if (type == &PyList_Type) {
            cape_list_dealloc(op);
        }
        else if (type == &PyLong_Type) {
            cape_long_dealloc(op);
        }
        else {
            Py_DECREF(op);
        }
        return;
    }
    if ((PyTuple_CheckExact(op) || PyList_CheckExact(op)) && !cape_is_linked(op) && _Py_AS_GC(op)->_gc_next == 0) {
        cape_track(op);
    }
    Py_DECREF(op);
}
