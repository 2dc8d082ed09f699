/* list: a list that C sees has its items in ob_item of the mirror, whichever side made it (the managed
 * list reads through it), so these functions work on one storage. */
#include "cape.h"

#define WORDS (sizeof(PyListObject) / sizeof(void *))

/* Freed storage for 4, 8, 12 and 16 items. */
#define FREE_ITEMS 16
static CapeFreeList free_items[FREE_ITEMS / 4 + 1];

/* Storage for `*room` items, one at least, and perhaps for more, which it then says; NULL without an exception. */
static inline PyObject **
new_items(Py_ssize_t *room)
{
    if (CAPE_LIKELY(*room <= FREE_ITEMS)) {
        *room = (*room + 3) & ~(Py_ssize_t)3;
        PyObject **items = cape_take(&free_items[*room / 4]);
        if (CAPE_LIKELY(items != NULL)) {
            return items;
        }
    }
    else if ((size_t)*room > (size_t)PY_SSIZE_T_MAX / sizeof(PyObject *)) {
        return NULL;
    }
    return PyMem_Malloc((size_t)*room * sizeof(PyObject *));
}

/* Frees the storage of a list, if it has any. */
static inline void
drop_items(PyObject **items, Py_ssize_t room)
{
    if (items == NULL) {
        return;
    }
    if (CAPE_LIKELY(room <= FREE_ITEMS && room % 4 == 0)) {
        CapeFreeList *list = &free_items[room / 4];
        if (CAPE_LIKELY((size_t)list->count * (size_t)room < CAPE_FREE_BYTES / sizeof(void *))) {
            cape_give(list, items, INT_MAX);
            return;
        }
    }
    PyMem_Free(items);
}

/* Moves `size` items to storage for `wanted`, of a length that there are lists of; NULL without an exception. */
static PyObject **
moved_items(PyObject **items, Py_ssize_t room, Py_ssize_t size, Py_ssize_t wanted)
{
    PyObject **moved = new_items(&wanted);
    if (CAPE_LIKELY(moved != NULL)) {
        for (Py_ssize_t i = 0; i < size; i++) {
            moved[i] = items[i];
            __asm__ volatile("" : : : "memory"); /* or GCC makes a call of memcpy of it */
        }
        drop_items(items, room);
    }
    return moved;
}

PyObject **
cape_new_items(Py_ssize_t room)
{
    return new_items(&room);
}

void
cape_drop_items(PyObject **items, Py_ssize_t room)
{
    drop_items(items, room);
}

void
cape_empty_list_items(void)
{
    for (int i = 0; i <= FREE_ITEMS / 4; i++) {
        void *items;
        while ((items = cape_take(&free_items[i])) != NULL) {
            PyMem_Free(items);
        }
    }
}

/* An empty list, not tracked yet. */
static inline PyListObject *
new_list(void)
{
    PyListObject *op = (PyListObject *)cape_alloc_struct(&PyList_Type, WORDS);
    if (CAPE_LIKELY(op != NULL)) {
        cape_init(op, &PyList_Type);
        op->ob_item = NULL;
        op->ob_base.ob_size = 0;
        op->allocated = 0;
    }
    return op;
}

/* An empty list with room for `size` items, not tracked yet; NULL with MemoryError. */
PyObject *
cape_unfilled_list(Py_ssize_t size)
{
    PyListObject *op = new_list();
    if (CAPE_LIKELY(op != NULL && size > 0)) {
        op->allocated = size;
        op->ob_item = new_items(&op->allocated);
        if (CAPE_UNLIKELY(op->ob_item == NULL)) {
            cape_free((PyObject *)op);
            return PyErr_NoMemory();
        }
    }
    return (PyObject *)op;
}

PyObject *
PyList_New(Py_ssize_t size)
{
    if (size < 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    int large = size > FREE_ITEMS;
    PyListObject *op = (PyListObject *)cape_unfilled_list(large ? 0 : size);
    if (CAPE_UNLIKELY(op == NULL)) {
        return NULL;
    }
    if (large) {
        /* The system has zeroed it already, perhaps. */
        op->ob_item = PyMem_Calloc((size_t)size, sizeof(PyObject *));
        if (op->ob_item == NULL) {
            cape_free((PyObject *)op);
            return PyErr_NoMemory();
        }
        op->allocated = size;
    }
    else {
        cape_clear_words(op->ob_item, size);
    }
    op->ob_base.ob_size = size;
    cape_track((PyObject *)op);
    return (PyObject *)op;
}

/* A list of new references to `size` items. */
PyObject *
cape_list_from_array(PyObject *const *items, Py_ssize_t size)
{
    PyListObject *op = (PyListObject *)cape_unfilled_list(size);
    if (CAPE_LIKELY(op != NULL)) {
        for (Py_ssize_t i = 0; i < size; i++) {
            op->ob_item[i] = Py_XNewRef(items[i]);
        }
        op->ob_base.ob_size = size;
        cape_track((PyObject *)op);
    }
    return (PyObject *)op;
}

void
cape_list_dealloc(PyObject *op)
{
    PyListObject *self = (PyListObject *)op;
    cape_untrack(op);
    if (self->ob_item != NULL) {
        for (Py_ssize_t i = Py_SIZE(self) - 1; i >= 0; i--) {
            cape_drop(self->ob_item[i]);
        }
        drop_items(self->ob_item, self->allocated);
        self->ob_item = NULL;
    }
    if (PyList_CheckExact(op)) {
        cape_free_struct(op, WORDS);
    }
    else {
        Py_TYPE(op)->tp_free(op);
    }
}

/* The same of a list of exact type whose items have been taken. */
void
cape_free_emptied_list(PyObject *op)
{
    PyListObject *self = (PyListObject *)op;
    cape_untrack(op);
    drop_items(self->ob_item, self->allocated);
    cape_free_struct(op, WORDS);
}

/* Makes room for `size` items and sets the size; grows by an eighth more than asked. -1 with
 * MemoryError, the list unchanged. New items are not set. */
static int
resize(PyListObject *self, Py_ssize_t size)
{
    if (self->allocated >= size && size >= (self->allocated >> 1)) {
        self->ob_base.ob_size = size;
        return 0;
    }
    size_t wanted = ((size_t)size + ((size_t)size >> 3) + 6) & ~(size_t)3;
    if (size - Py_SIZE(self) > (Py_ssize_t)(wanted - (size_t)size)) {
        wanted = ((size_t)size + 3) & ~(size_t)3;
    }
    if (size == 0) {
        wanted = 0;
    }
    PyObject **items = NULL;
    if (wanted == 0) {
        drop_items(self->ob_item, self->allocated);
    }
    else if (wanted <= FREE_ITEMS && (size_t)self->allocated < wanted) {
        items = moved_items(self->ob_item, self->allocated, Py_SIZE(self), (Py_ssize_t)wanted);
        if (items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    else {
        items = wanted > (size_t)PY_SSIZE_T_MAX / sizeof(PyObject *)
                ? NULL : PyMem_Realloc(self->ob_item, wanted * sizeof(PyObject *));
        if (items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    self->ob_item = items;
    self->allocated = (Py_ssize_t)wanted;
    self->ob_base.ob_size = size;
    return 0;
}

Py_ssize_t
PyList_Size(PyObject *op)
{
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return PyList_GET_SIZE(op);
}

/* A borrowed item; NULL with an exception. */
static PyObject *
item_at(PyObject *op, Py_ssize_t i)
{
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if ((size_t)i >= (size_t)Py_SIZE(op)) {
        PyErr_SetString(PyExc_IndexError, "list index out of range");
        return NULL;
    }
    return PyList_GET_ITEM(op, i);
}

PyObject *
PyList_GetItem(PyObject *op, Py_ssize_t i)
{
    return item_at(op, i);
}

PyObject *
PyList_GetItemRef(PyObject *op, Py_ssize_t i)
{
    if (!PyList_Check(op)) {
        PyErr_SetString(PyExc_TypeError, "expected a list");
        return NULL;
    }
    return Py_XNewRef(item_at(op, i));
}

int
PyList_SetItem(PyObject *list, Py_ssize_t index, PyObject *item)
{
    if (!PyList_Check(list)) {
        Py_XDECREF(item);
        PyErr_BadInternalCall();
        return -1;
    }
    if ((size_t)index >= (size_t)Py_SIZE(list)) {
        Py_XDECREF(item);
        PyErr_SetString(PyExc_IndexError, "list assignment index out of range");
        return -1;
    }
    Py_XSETREF(((PyListObject *)list)->ob_item[index], item);
    return 0;
}

int
PyList_Append(PyObject *op, PyObject *item)
{
    if (!PyList_Check(op) || item == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyListObject *self = (PyListObject *)op;
    Py_ssize_t size = Py_SIZE(self);
    if (CAPE_LIKELY(size < self->allocated)) {
        self->ob_base.ob_size = size + 1;
    }
    else if (resize(self, size + 1) < 0) {
        return -1;
    }
    self->ob_item[size] = Py_NewRef(item);
    return 0;
}

/* Moves items[where:size] up by one. Most insertions are near the end: a call of memmove would take longer than the rest. */
static inline void
move_up(PyObject **items, Py_ssize_t where, Py_ssize_t size)
{
    if (size - where > 8) {
        memmove(items + where + 1, items + where, (size_t)(size - where) * sizeof(*items));
        return;
    }
    for (; size > where; size--) {
        items[size] = items[size - 1];
        __asm__ volatile("" : : : "memory"); /* or GCC makes the call of it */
    }
}

int
PyList_Insert(PyObject *op, Py_ssize_t where, PyObject *item)
{
    if (!PyList_Check(op) || item == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyListObject *self = (PyListObject *)op;
    Py_ssize_t size = Py_SIZE(self);
    if (resize(self, size + 1) < 0) {
        return -1;
    }
    if (where < 0) {
        where = Py_MAX(where + size, 0);
    }
    where = Py_MIN(where, size);
    move_up(self->ob_item, where, size);
    self->ob_item[where] = Py_NewRef(item);
    return 0;
}

PyObject *
PyList_GetSlice(PyObject *op, Py_ssize_t low, Py_ssize_t high)
{
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    low = Py_MIN(Py_MAX(low, 0), Py_SIZE(op));
    high = Py_MIN(Py_MAX(high, low), Py_SIZE(op));
    return cape_list_from_array(((PyListObject *)op)->ob_item + low, high - low);
}

/* self[low:high] = items, which stay the caller's. */
static int
replace(PyListObject *self, Py_ssize_t low, Py_ssize_t high, PyObject **items, Py_ssize_t count)
{
    Py_ssize_t size = Py_SIZE(self);
    low = Py_MIN(Py_MAX(low, 0), size);
    high = Py_MIN(Py_MAX(high, low), size);
    Py_ssize_t removed = high - low;
    PyObject **old = NULL;
    if (removed > 0) {
        old = PyMem_Malloc((size_t)removed * sizeof(PyObject *));
        if (old == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(old, self->ob_item + low, (size_t)removed * sizeof(PyObject *));
    }
    size_t tail = (size_t)(size - high) * sizeof(PyObject *);
    if (count < removed) {
        memmove(self->ob_item + low + count, self->ob_item + high, tail);
        resize(self, size + count - removed);
    }
    else if (count > removed) {
        if (resize(self, size + count - removed) < 0) {
            PyMem_Free(old);
            return -1;
        }
        memmove(self->ob_item + low + count, self->ob_item + high, tail);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        self->ob_item[low + i] = Py_XNewRef(items[i]);
    }
    /* Only now: dropping a reference may run any code. */
    for (Py_ssize_t i = removed - 1; i >= 0; i--) {
        Py_XDECREF(old[i]);
    }
    PyMem_Free(old);
    return 0;
}

int
PyList_SetSlice(PyObject *op, Py_ssize_t low, Py_ssize_t high, PyObject *value)
{
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (value == NULL) {
        return replace((PyListObject *)op, low, high, NULL, 0);
    }
    PyObject *items = value == op ? PyList_GetSlice(op, 0, Py_SIZE(op))
                                  : PySequence_Fast(value, "can only assign an iterable");
    if (items == NULL) {
        return -1;
    }
    int status = replace((PyListObject *)op, low, high, PySequence_Fast_ITEMS(items),
                         PySequence_Fast_GET_SIZE(items));
    Py_DECREF(items);
    return status;
}

int
PyList_Clear(PyObject *op)
{
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyListObject *self = (PyListObject *)op;
    PyObject **items = self->ob_item;
    Py_ssize_t size = Py_SIZE(self), room = self->allocated;
    self->ob_item = NULL;
    self->allocated = 0;
    self->ob_base.ob_size = 0;
    while (--size >= 0) {
        Py_XDECREF(items[size]);
    }
    drop_items(items, room);
    return 0;
}

int
PyList_Extend(PyObject *op, PyObject *iterable)
{
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (PyList_CheckExact(iterable) || PyTuple_CheckExact(iterable)) {
        Py_ssize_t size = Py_SIZE(op);
        return PyList_SetSlice(op, size, size, iterable);
    }
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) {
        return -1;
    }
    PyObject *item;
    int status = 0;
    while (status == 0 && (item = PyIter_Next(iterator)) != NULL) {
        status = PyList_Append(op, item);
        Py_DECREF(item);
    }
    Py_DECREF(iterator);
    return status < 0 || PyErr_Occurred() ? -1 : 0;
}

static void
reverse(PyObject **items, Py_ssize_t size)
{
    for (Py_ssize_t low = 0, high = size - 1; low < high; low++, high--) {
        PyObject *item = items[low];
        items[low] = items[high];
        items[high] = item;
    }
}

/* Lists that are no longer are sorted by insertion. */
#define SHORT_LIST 32

/* Sorts a short list of nothing but ints of one digit, whose comparison runs no code; false, with nothing done, for all others. */
static int
sort_ints(PyObject **items, Py_ssize_t size)
{
    Py_ssize_t values[SHORT_LIST];
    int ascends = 1, descends = 1;
    if (size > SHORT_LIST) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        if (items[i] == NULL || !PyLong_CheckExact(items[i]) || !_PyLong_IsCompact((PyLongObject *)items[i])) {
            return 0;
        }
        values[i] = _PyLong_CompactValue((PyLongObject *)items[i]);
        if (i > 0) {
            ascends &= values[i - 1] <= values[i];
            descends &= values[i - 1] > values[i];
        }
    }
    if (ascends) {
        return 1;
    }
    if (descends) {
        reverse(items, size);
        return 1;
    }
    for (Py_ssize_t i = 1; i < size; i++) {
        Py_ssize_t value = values[i], at = i;
        PyObject *item = items[i];
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
            items[at] = items[at - 1];
        }
        values[at] = value;
        items[at] = item;
    }
    return 1;
}

int
PyList_Sort(PyObject *op)
{
    if (op == NULL || !PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return sort_ints(((PyListObject *)op)->ob_item, Py_SIZE(op)) ? 0 : _Cape_ListSort(op);
}

int
PyList_Reverse(PyObject *op)
{
    if (op == NULL || !PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    reverse(((PyListObject *)op)->ob_item, Py_SIZE(op));
    return 0;
}

PyObject *
PyList_AsTuple(PyObject *op)
{
    if (op == NULL || !PyList_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return cape_tuple_from_array(((PyListObject *)op)->ob_item, Py_SIZE(op));
}
