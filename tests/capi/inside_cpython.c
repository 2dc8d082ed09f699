/* What bridge-c calls in Rust, for the differential test: there it runs inside CPython. */
#include "cape.h"

#include <dlfcn.h>

void
_Cape_LinkedDealloc(PyObject *Py_UNUSED(op))
{
    Py_FatalError("no object of CPython is linked");
}

/* (CPython tells its own watchers.) */
int _Cape_watched = 0;

int
cape_tell_watchers_of_end(PyObject *Py_UNUSED(op))
{
    return 0;
}

PyObject *
_Cape_InstanceDict(PyObject *op)
{
    /* (Borrowed from the instance.) */
    PyObject *dict = NULL;
    if (PyObject_GetOptionalAttrString(op, "__dict__", &dict) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(dict);
    return dict;
}

void
_Cape_WriteUnraisable(PyObject *message, PyObject *object)
{
    PyErr_WriteUnraisable(message == NULL ? object : message);
}

void
_Cape_DumpTraceback(void)
{
}

/* (CPython's own collector looks, and counts.) */
size_t _Cape_tracked = 0, _Cape_tracked_limit = SIZE_MAX, _Cape_allocated_small = 0, _Cape_returned = 0;

void
_Cape_LookForCycles(void)
{
}

int
_Cape_GetMethod(PyObject *obj, PyObject *name, PyObject **method)
{
    *method = PyObject_GetAttr(obj, name);
    return 0;
}

int
_Cape_CallMethod(PyObject *name, PyObject *const *args, size_t nargsf, PyObject *kwnames, PyObject **result)
{
    (void)nargsf, (void)kwnames;
    return _Cape_GetMethod(args[0], name, result);
}

/* (Nothing is managed there.) */
PyObject *
_Cape_CallDict(PyObject *callable, PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs)
{
    (void)args, (void)nargs, (void)kwargs;
    return callable;
}

int
_Cape_ListSort(PyObject *list)
{
    typedef int (*Sort)(PyObject *);
    return ((Sort)dlsym(dlopen(NULL, RTLD_NOW), "PyList_Sort"))(list);
}

PyObject *
_Cape_ClassGetItem(PyObject *cls, PyObject *key)
{
    typedef PyObject *(*GetItem)(PyObject *, PyObject *);
    return ((GetItem)dlsym(dlopen(NULL, RTLD_NOW), "PyObject_GetItem"))(cls, key);
}

PyObject *
_Cape_NextNotImplemented(PyObject *op)
{
    return PyErr_Format(PyExc_TypeError, "'%.200s' object is not iterable", Py_TYPE(op)->tp_name);
}

int
_Cape_Audit(const char *Py_UNUSED(event), PyObject *Py_UNUSED(args))
{
    return 0;
}

/* A function of CPython's own. */
static void *
own(const char *name)
{
    return dlsym(dlopen(NULL, RTLD_NOW), name);
}

PyObject *
_Cape_Binary(PyObject *a, PyObject *b, int operator, int flags)
{
    static const char *const names[] = {"Add", "Subtract", "Multiply", "Remainder", "Divmod", "Lshift", "Rshift", "And", "Xor", "Or",
                                        "FloorDivide", "TrueDivide", "MatrixMultiply"};
    char name[40];
    snprintf(name, sizeof(name), "PyNumber_%s%s", flags & 1 ? "InPlace" : "", names[operator]);
    return ((binaryfunc)own(name))(a, b);
}

PyObject *
_Cape_Unary(PyObject *o, int operator)
{
    static const char *const names[] = {"PyNumber_Negative", "PyNumber_Positive", "PyNumber_Invert", "PyNumber_Absolute"};
    return ((unaryfunc)own(names[operator]))(o);
}

int
_Cape_Contains(PyObject *container, PyObject *value)
{
    return ((objobjproc)own("PySequence_Contains"))(container, value);
}

PyObject *
_Cape_Str(PyObject *o)
{
    return ((unaryfunc)own("PyObject_Str"))(o);
}

/* The constructors of datetime make native objects of Cape's: nobody calls them here. */
#define NOT_HERE(NAME, ...) \
    PyObject * \
    NAME(__VA_ARGS__) \
    { \
        PyErr_SetString(PyExc_SystemError, #NAME); \
        return NULL; \
    }

NOT_HERE(_Cape_NewDate, int Py_UNUSED(y), int Py_UNUSED(m), int Py_UNUSED(d), PyTypeObject *Py_UNUSED(type))
NOT_HERE(_Cape_NewDateTime, const int *Py_UNUSED(fields), PyObject *Py_UNUSED(tz), PyTypeObject *Py_UNUSED(type))
NOT_HERE(_Cape_NewTime, const int *Py_UNUSED(fields), PyObject *Py_UNUSED(tz), PyTypeObject *Py_UNUSED(type))
NOT_HERE(_Cape_NewDelta, int Py_UNUSED(d), int Py_UNUSED(s), int Py_UNUSED(us), PyTypeObject *Py_UNUSED(type))
NOT_HERE(_Cape_NewTimeZone, PyObject *Py_UNUSED(offset), PyObject *Py_UNUSED(name))
NOT_HERE(_Cape_DateTimeFromTimestamp, PyObject *Py_UNUSED(cls), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
NOT_HERE(_Cape_DateFromTimestamp, PyObject *Py_UNUSED(cls), PyObject *Py_UNUSED(timestamp))

PyObject *
_Cape_ManagedVectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    typedef PyObject *(*Call)(PyObject *, PyObject *const *, size_t, PyObject *);
    return ((Call)own("PyObject_Vectorcall"))(callable, args, nargsf, kwnames);
}

int
_Cape_ByteArrayResize(PyObject *Py_UNUSED(op), Py_ssize_t Py_UNUSED(size))
{
    Py_FatalError("no object of CPython is linked");
}

char *
_Cape_LendText(size_t Py_UNUSED(size))
{
    return NULL;
}

size_t
_Cape_LentRoom(void *Py_UNUSED(op))
{
    return 0;
}

void
_Cape_FreeText(void *Py_UNUSED(op))
{
}

int
_Cape_SetClosure(PyObject *function, PyObject *value)
{
    return PyObject_SetAttrString(function, "__closure__", value);
}

int
_Cape_IsIncomplete(const char *Py_UNUSED(text), Py_ssize_t Py_UNUSED(size), int Py_UNUSED(flags))
{
    return 0;
}
