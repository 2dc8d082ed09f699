/* Memory of str and bytes. That of small ones is used again at once. Large ones are made in memory that the heap lends: there the managed object gets its place in front of the
 * struct when they cross, and nothing is copied. */
#include "cape.h"

/* Where the heap's addresses begin, and how many they are. */
CAPE_PRIVATE uintptr_t _Cape_heap_start = 0;
CAPE_PRIVATE size_t _Cape_heap_size = 0;

/* Data of so many bytes or more; more than the most is an allocator's business (interp/vm/src/foreign.rs). */
#define LARGE ((size_t)64 << 10)
#define LARGEST ((size_t)1 << 32)

CAPE_PRIVATE CapeFreeList _Cape_small_blocks[CAPE_BLOCK_LISTS];

static inline size_t
rounded(size_t size)
{
    return (size + CAPE_BLOCK_STEP - 1) & ~(CAPE_BLOCK_STEP - 1);
}

void
cape_empty_texts(void)
{
    for (size_t i = 0; i < CAPE_BLOCK_LISTS; i++) {
        void *op;
        while ((op = cape_take(&_Cape_small_blocks[i])) != NULL) {
            PyObject_Free(op);
        }
    }
}

static int
is_lent(const void *op)
{
    return (uintptr_t)op - _Cape_heap_start < _Cape_heap_size;
}

void *
cape_text_malloc(size_t head, size_t data)
{
    size_t size = head + data;
    if (CAPE_LIKELY(size <= CAPE_BLOCK_MOST)) {
        return cape_block_malloc(size);
    }
    if (CAPE_UNLIKELY(data >= LARGE) && data < LARGEST) {
        char *place = _Cape_LendText(data);
        if (place != NULL) {
            return place - head;
        }
    }
    return PyObject_Malloc(rounded(size));
}

void *
cape_text_realloc(void *op, size_t head, size_t data)
{
    if (!CAPE_UNLIKELY(is_lent(op))) {
        return PyObject_Realloc(op, Py_MAX(rounded(head + data), CAPE_BLOCK_LEAST));
    }
    size_t room = _Cape_LentRoom(op) - head;
    if (data <= room && data >= LARGE && data >= room / 2) {
        return op;
    }
    char *moved = cape_text_malloc(head, data);
    if (moved != NULL) {
        memcpy(moved, op, head + Py_MIN(room, data));
        _Cape_FreeText(op);
    }
    return moved;
}

void
cape_text_free(void *op, size_t size)
{
    if (CAPE_LIKELY(size - 1 < CAPE_BLOCK_MOST)) {
        cape_block_free(op, size);
        return;
    }
    if (CAPE_UNLIKELY(is_lent(op))) {
        _Cape_FreeText(op);
        return;
    }
    PyObject_Free(op);
}
