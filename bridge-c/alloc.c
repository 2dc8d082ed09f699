/* Memory of instances: what lies in front of them is the collector's head, and the dictionary and weak
 * references that the type wants managed. */
#include "cape.h"

PyObject *
cape_alloc(PyTypeObject *type, size_t size)
{
    size_t before = cape_preheader(type);
    char *block = PyObject_Malloc(before + size);
    if (CAPE_UNLIKELY(block == NULL)) {
        return PyErr_NoMemory();
    }
    memset(block, 0, before);
    return (PyObject *)(block + before);
}

void
cape_free(PyObject *op)
{
    PyObject_Free((char *)op - cape_preheader(Py_TYPE(op)));
}
