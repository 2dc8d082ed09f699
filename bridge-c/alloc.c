/* Memory of instances: what lies in front of them is the collector's head, and the dictionary and weak
 * references that the type wants managed. */
#include "cape.h"

CAPE_PRIVATE CapeFreeList _Cape_free_numbers[CAPE_FREE_KINDS];
CAPE_PRIVATE CapeFreeList _Cape_free_structs[CAPE_FREE_WORDS];

PyObject *
cape_alloc(PyTypeObject *type, size_t size)
{
    size_t before = cape_preheader(type);
    char *block = PyObject_Malloc(before + size);
    if (CAPE_UNLIKELY(block == NULL)) {
        return PyErr_NoMemory();
    }
    if (before != 0) {
        if (CAPE_UNLIKELY(_Cape_tracked > _Cape_tracked_limit)) {
            _Cape_tracked_limit = SIZE_MAX;
            _Cape_LookForCycles();
        }
        size_t *head = (size_t *)block;
        head[0] = head[1] = 0;
        if (CAPE_UNLIKELY(before > sizeof(PyGC_Head))) {
            memset(block, 0, before);
        }
    }
    return (PyObject *)(block + before);
}

void
cape_free(PyObject *op)
{
    PyObject_Free((char *)op - cape_preheader(Py_TYPE(op)));
}

/* A freed struct still has its type. */
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
            cape_free(op);
        }
    }
    cape_empty_list_items();
}

/* A full collection is done: the next one is due when the tracked structs that it left, without the `doomed`, have grown by four fifths. */
void
_Cape_CollectedFully(size_t doomed)
{
    empty_free_lists();
    size_t left = _Cape_tracked > doomed ? _Cape_tracked - doomed : 0;
    _Cape_tracked_limit = doomed + left + Py_MAX(left / 5 * 4, CAPE_TRACKED_LEAST);
}

/* The struct of a dict or set, say, that the managed side made: clear behind its head, which has one reference. NULL with MemoryError. */
PyObject *
cape_new_mirror(PyTypeObject *type)
{
    size_t words = ((size_t)type->tp_basicsize + sizeof(void *) - 1) / sizeof(void *);
    PyObject *op = cape_alloc_struct(type, words);
    if (CAPE_LIKELY(op != NULL)) {
        cape_init(op, type);
        for (size_t i = sizeof(PyObject) / sizeof(void *); i < words; i++) {
            ((size_t *)op)[i] = 0;
        }
    }
    return op;
}
