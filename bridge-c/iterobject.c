/* Iterators over exact lists, tuples and ranges that C asks for: structs of C's own, which know their sequence and their place in it. Once
 * the managed side sees one, that has the state (mirror/mod.rs moves it), as with those it made itself. */
#include "cape.h"

#ifndef CAPE_INSIDE_CPYTHON

/* CPython's layout of the first two. A struct that is the mirror of a managed iterator has no sequence. */
typedef struct {
    PyObject ob_base;
    Py_ssize_t index;
    PyObject *sequence;
} Iterator;

#define FREE_LIMIT 32
static CapeFreeList free_iterators;

/* A new iterator of the type over an exact list or tuple; NULL with MemoryError. */
static PyObject *
new_iterator(PyTypeObject *type, PyObject *sequence)
{
    Iterator *self = cape_take(&free_iterators);
    if (CAPE_UNLIKELY(self == NULL)) {
        self = (Iterator *)cape_alloc(type, sizeof(Iterator));
        if (self == NULL) {
            return NULL;
        }
    }
    else {
        /* What the collector has noted of the one before. */
        _Py_AS_GC((PyObject *)self)->_gc_prev = 0;
    }
    cape_init(self, type);
    self->index = 0;
    self->sequence = Py_NewRef(sequence);
    cape_track((PyObject *)self);
    return (PyObject *)self;
}

PyObject *
cape_list_iterator(PyObject *list)
{
    return new_iterator(&PyListIter_Type, list);
}

PyObject *
cape_tuple_iterator(PyObject *tuple)
{
    return new_iterator(&PyTupleIter_Type, tuple);
}

void
cape_iterator_dealloc(PyObject *op)
{
    Iterator *self = (Iterator *)op;
    cape_untrack(op);
    Py_CLEAR(self->sequence);
    if (!cape_give(&free_iterators, op, FREE_LIMIT)) {
        cape_free(op);
    }
}

static int
traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(((Iterator *)op)->sequence);
    return 0;
}

/* The next item, `items` of `size`; NULL at the end, where the sequence is let go. */
static inline PyObject *
next_of(Iterator *self, PyObject **items, Py_ssize_t size)
{
    if (CAPE_LIKELY(self->index < size)) {
        PyObject *item = items[self->index++];
        /* A list that is not filled yet has None for the managed side. */
        return Py_NewRef(item != NULL ? item : Py_None);
    }
    Py_CLEAR(self->sequence);
    return NULL;
}

static PyObject *
managed_next(PyObject *op)
{
    iternextfunc next;
    memcpy(&next, &_Cape_trampolines[Py_tp_iternext], sizeof(next));
    return next(op);
}

static PyObject *
list_next(PyObject *op)
{
    Iterator *self = (Iterator *)op;
    if (CAPE_UNLIKELY(cape_is_linked(op))) {
        return managed_next(op);
    }
    PyListObject *list = (PyListObject *)self->sequence;
    return list == NULL ? NULL : next_of(self, list->ob_item, Py_SIZE(list));
}

static PyObject *
tuple_next(PyObject *op)
{
    Iterator *self = (Iterator *)op;
    if (CAPE_UNLIKELY(cape_is_linked(op))) {
        return managed_next(op);
    }
    PyTupleObject *tuple = (PyTupleObject *)self->sequence;
    return tuple == NULL ? NULL : next_of(self, tuple->ob_item, Py_SIZE(tuple));
}

/* CPython's layout. */
typedef struct {
    PyObject ob_base;
    int64_t start;
    int64_t step;
    Py_ssize_t len;
} RangeIterator;

PyObject *
cape_range_iterator(int64_t start, int64_t step, Py_ssize_t len)
{
    RangeIterator *self = (RangeIterator *)cape_new_mirror(&PyRangeIter_Type);
    if (CAPE_LIKELY(self != NULL)) {
        self->start = start;
        self->step = step;
        self->len = len;
    }
    return (PyObject *)self;
}

static PyObject *
range_next(PyObject *op)
{
    RangeIterator *self = (RangeIterator *)op;
    if (CAPE_UNLIKELY(cape_is_linked(op))) {
        return managed_next(op);
    }
    if (self->len <= 0) {
        return NULL;
    }
    int64_t number = self->start;
    self->start = (int64_t)((uint64_t)number + (uint64_t)self->step);
    self->len--;
    return PyLong_FromInt64(number);
}

/* Before Rust fills the slots that are left. */
__attribute__((constructor)) static void
set_slots(void)
{
    PyListIter_Type.tp_iternext = list_next;
    PyTupleIter_Type.tp_iternext = tuple_next;
    PyRangeIter_Type.tp_iternext = range_next;
    PyListIter_Type.tp_traverse = PyTupleIter_Type.tp_traverse = traverse;
}

#endif
