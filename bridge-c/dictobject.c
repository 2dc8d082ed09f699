/* dict: the managed side is the one storage, but of a dict that C has made and that only C has seen. That has its entries, key and value in
 * turn, in a row of its own, to which ma_keys leads (bridge-rust/src/unseen.rs). */
#include "cape.h"

/* Drops the entries of such a dict, which stays one, and is empty. */
void
cape_drop_entries(PyObject *op)
{
    PyDictObject *self = (PyDictObject *)op;
    PyObject **row = (PyObject **)self->ma_keys;
    Py_ssize_t n = 2 * self->ma_used;
    if (row == NULL) {
        return;
    }
    self->ma_keys = NULL;
    self->ma_used = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        cape_drop(row[i]);
    }
    cape_drop_items(row, cape_row_room(n));
}

void
cape_dict_dealloc(PyObject *op)
{
    if (PyDict_CheckExact(op) && ((PyDictObject *)op)->ma_keys != NULL) {
        cape_untrack(op);
        cape_drop_entries(op);
    }
    cape_mirror_dealloc(op);
}
