/* Capsules: a C pointer as an object, born in C. */
#include "cape.h"

/* The size is CPython's; nobody sees the fields. */
typedef struct {
    PyObject_HEAD
    void *pointer;
    const char *name;
    void *context;
    PyCapsule_Destructor destructor;
    traverseproc traverse;
    inquiry clear;
} PyCapsule;

/* Whether `op` is a capsule with a pointer; false with ValueError. */
static int
is_legal(PyObject *op, const char *function)
{
    if (op != NULL && PyCapsule_CheckExact(op) && ((PyCapsule *)op)->pointer != NULL) {
        return 1;
    }
    PyErr_Format(PyExc_ValueError, "%s called with invalid PyCapsule object", function);
    return 0;
}

static int
same_name(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

PyObject *
PyCapsule_New(void *pointer, const char *name, PyCapsule_Destructor destructor)
{
    if (pointer == NULL) {
        PyErr_SetString(PyExc_ValueError, "PyCapsule_New called with null pointer");
        return NULL;
    }
    PyCapsule *capsule = (PyCapsule *)cape_alloc(&PyCapsule_Type, sizeof(PyCapsule));
    if (capsule == NULL) {
        return NULL;
    }
    cape_init(capsule, &PyCapsule_Type);
    capsule->pointer = pointer;
    capsule->name = name;
    capsule->context = NULL;
    capsule->destructor = destructor;
    capsule->traverse = NULL;
    capsule->clear = NULL;
    return (PyObject *)capsule;
}

/* The repr; a new reference, or NULL. */
PyObject *
cape_capsule_repr(PyObject *op)
{
    const char *name = ((PyCapsule *)op)->name;
    const char *quote = name == NULL ? "" : "\"";
    return PyUnicode_FromFormat("<capsule object %s%s%s at %p>", quote, name == NULL ? "NULL" : name, quote, op);
}

void
cape_capsule_dealloc(PyObject *op)
{
    PyCapsule *capsule = (PyCapsule *)op;
    cape_untrack(op);
    if (capsule->destructor != NULL) {
        capsule->destructor(op);
    }
    cape_free(op);
}

int
PyCapsule_IsValid(PyObject *op, const char *name)
{
    return op != NULL && PyCapsule_CheckExact(op) && ((PyCapsule *)op)->pointer != NULL
           && same_name(((PyCapsule *)op)->name, name);
}

void *
PyCapsule_GetPointer(PyObject *op, const char *name)
{
    if (!is_legal(op, "PyCapsule_GetPointer")) {
        return NULL;
    }
    if (!same_name(((PyCapsule *)op)->name, name)) {
        PyErr_SetString(PyExc_ValueError, "PyCapsule_GetPointer called with incorrect name");
        return NULL;
    }
    return ((PyCapsule *)op)->pointer;
}

int
PyCapsule_SetPointer(PyObject *op, void *pointer)
{
    if (!is_legal(op, "PyCapsule_SetPointer")) {
        return -1;
    }
    if (pointer == NULL) {
        PyErr_SetString(PyExc_ValueError, "PyCapsule_SetPointer called with null pointer");
        return -1;
    }
    ((PyCapsule *)op)->pointer = pointer;
    return 0;
}

#define FIELD(NAME, FIELD, TYPE) \
    TYPE \
    PyCapsule_Get##NAME(PyObject *op) \
    { \
        return is_legal(op, "PyCapsule_Get" #NAME) ? ((PyCapsule *)op)->FIELD : NULL; \
    } \
    int \
    PyCapsule_Set##NAME(PyObject *op, TYPE value) \
    { \
        if (!is_legal(op, "PyCapsule_Set" #NAME)) { \
            return -1; \
        } \
        ((PyCapsule *)op)->FIELD = value; \
        return 0; \
    }

FIELD(Name, name, const char *)
FIELD(Context, context, void *)
FIELD(Destructor, destructor, PyCapsule_Destructor)

/* name is "module.attribute...", and the capsule's own name. */
void *
PyCapsule_Import(const char *name, int Py_UNUSED(no_block))
{
    PyObject *object = NULL;
    void *pointer = NULL;
    if (strcmp(name, "datetime.datetime_CAPI") == 0 && cape_datetime_ready() < 0) {
        return NULL;
    }
    char *copy = PyMem_Malloc(strlen(name) + 1);
    if (copy == NULL) {
        return PyErr_NoMemory();
    }
    strcpy(copy, name);
    for (char *part = copy; part != NULL;) {
        char *dot = strchr(part, '.');
        if (dot != NULL) {
            *dot++ = 0;
        }
        if (object == NULL) {
            object = PyImport_ImportModule(part);
            if (object == NULL) {
                PyErr_Format(PyExc_ImportError, "PyCapsule_Import could not import module \"%s\"", part);
            }
        }
        else {
            PyObject *attribute = PyObject_GetAttrString(object, part);
            Py_SETREF(object, attribute);
        }
        if (object == NULL) {
            goto done;
        }
        part = dot;
    }
    if (PyCapsule_IsValid(object, name)) {
        pointer = ((PyCapsule *)object)->pointer;
    }
    else {
        PyErr_Format(PyExc_AttributeError, "PyCapsule_Import \"%s\" is not valid", name);
    }
done:
    Py_XDECREF(object);
    PyMem_Free(copy);
    return pointer;
}
