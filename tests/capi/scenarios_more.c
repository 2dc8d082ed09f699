/* scenarios_more: more of what cannot be tried by one call alone: locks, threads, writers of text, types and their slots, memory, and
 * what ends the process. Each function makes the calls in the order that the API demands, and tells what came of them in a tuple. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static PyModuleDef definition;

/* The exception that is set, taken; None if there is none. */
static PyObject *
taken(void)
{
    PyObject *exception = PyErr_GetRaisedException();
    return exception == NULL ? Py_NewRef(Py_None) : exception;
}

/* ---- locks ---- */

/* PyThread_allocate_lock, PyThread_acquire_lock, PyThread_acquire_lock_timed, PyThread_release_lock, PyThread_free_lock */
static PyObject *
locks(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyThread_type_lock lock = PyThread_allocate_lock();
    int first = PyThread_acquire_lock(lock, WAIT_LOCK), second = PyThread_acquire_lock(lock, NOWAIT_LOCK);
    int timed = PyThread_acquire_lock_timed(lock, 1000, 0) == PY_LOCK_FAILURE;
    PyThread_release_lock(lock);
    int third = PyThread_acquire_lock(lock, NOWAIT_LOCK);
    PyThread_release_lock(lock);
    int fourth = PyThread_acquire_lock_timed(lock, 1000, 1) == PY_LOCK_ACQUIRED;
    PyThread_release_lock(lock);
    PyThread_free_lock(lock);
    PyMutex mutex = {0};
    PyMutex_Lock(&mutex);
    int locked = PyMutex_IsLocked(&mutex);
    PyMutex_Unlock(&mutex);
    return Py_BuildValue("(iiiiiii)", first, second, timed, third, fourth, locked, PyMutex_IsLocked(&mutex));
}

/* PyThread_tss_*, PyThread_create_key */
static PyObject *
thread_storage(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Py_tss_t key = Py_tss_NEEDS_INIT;
    int before = PyThread_tss_is_created(&key), made = PyThread_tss_create(&key), again = PyThread_tss_create(&key);
    int empty = PyThread_tss_get(&key) == NULL, set = PyThread_tss_set(&key, &key), same = PyThread_tss_get(&key) == &key;
    PyThread_tss_delete(&key);
    int after = PyThread_tss_is_created(&key);
    PyThread_tss_delete(&key);
    return Py_BuildValue("(iiiiiii)", before, made, again, empty, set, same, after);
}

/* ---- thread states ---- */

/* PyThreadState_New, PyThreadState_Swap, PyThreadState_Clear, PyThreadState_Delete in the thread that runs already */
static PyObject *
swapped(PyObject *Py_UNUSED(module), PyObject *callable)
{
    PyThreadState *mine = PyThreadState_Get();
    PyErr_SetString(PyExc_ValueError, "mine");
    PyThreadState *other = PyThreadState_New(PyInterpreterState_Get());
    int fresh = other != NULL && other != mine;
    int old = PyThreadState_Swap(other) == mine, current = PyThreadState_Get() == other, clean = PyErr_Occurred() == NULL;
    PyObject *result = PyObject_CallNoArgs(callable);
    PyErr_SetString(PyExc_KeyError, "other");
    PyErr_Clear();
    int back = PyThreadState_Swap(mine) == other;
    PyObject *kept = taken();
    PyThreadState_Clear(other);
    PyThreadState_Delete(other);
    int id = PyThreadState_GetID(mine) != 0, interpreter = PyThreadState_GetInterpreter(mine) == PyInterpreterState_Main();
    return Py_BuildValue("(iiiiNiNii)", fresh, old, current, clean, result, back, kept, id, interpreter);
}

/* PyThreadState_Swap(NULL): the thread has no state until it takes its own back */
static PyObject *
without_state(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyThreadState *mine = PyThreadState_Swap(NULL);
    int none = PyThreadState_GetUnchecked() == NULL;
    PyThreadState *before = PyThreadState_Swap(mine);
    return Py_BuildValue("(iii)", none, before == NULL, PyThreadState_Get() == mine);
}

/* PyEval_AcquireThread, PyEval_ReleaseThread, PyThreadState_DeleteCurrent in a thread of C's */
typedef struct {
    PyInterpreterState *interpreter;
    PyObject *callable, *result;
    int steps;
} Work;

static void *
acquiring(void *argument)
{
    Work *work = argument;
    PyThreadState *own = PyThreadState_New(work->interpreter);
    PyEval_AcquireThread(own);
    work->steps = PyThreadState_Get() == own;
    PyEval_ReleaseThread(own);
    work->steps += PyThreadState_GetUnchecked() == NULL;
    PyEval_AcquireThread(own);
    work->result = PyObject_CallNoArgs(work->callable);
    PyErr_Clear();
    PyThreadState_Clear(own);
    PyThreadState_DeleteCurrent();
    work->steps += PyThreadState_GetUnchecked() == NULL;
    return NULL;
}

/* PyGILState_Ensure, PyGILState_Release, nested, in a thread of C's; twice, with a state of its own each time */
static void *
ensuring(void *argument)
{
    Work *work = argument;
    for (int i = 0; i < 2; i++) {
        PyGILState_STATE outer = PyGILState_Ensure(), inner = PyGILState_Ensure();
        work->steps += outer == PyGILState_UNLOCKED && inner == PyGILState_LOCKED && PyGILState_Check();
        Py_XDECREF(work->result);
        work->result = PyObject_CallNoArgs(work->callable);
        PyErr_Clear();
        PyGILState_Release(inner);
        work->steps += PyGILState_GetThisThreadState() == PyThreadState_Get();
        Py_BEGIN_ALLOW_THREADS
        work->steps += !PyGILState_Check();
        Py_END_ALLOW_THREADS
        PyGILState_Release(outer);
        work->steps += PyThreadState_GetUnchecked() == NULL;
    }
    return NULL;
}

static PyObject *
in_thread(PyObject *Py_UNUSED(module), PyObject *args)
{
    Work work = {.interpreter = PyInterpreterState_Get()};
    int gilstate;
    if (!PyArg_ParseTuple(args, "Op", &work.callable, &gilstate)) {
        return NULL;
    }
    pthread_t thread;
    pthread_create(&thread, NULL, gilstate ? ensuring : acquiring, &work);
    Py_BEGIN_ALLOW_THREADS
    pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("(Ni)", work.result == NULL ? Py_NewRef(Py_None) : work.result, work.steps);
}

/* PyThreadState_GetDict, PyInterpreterState_GetDict, PyInterpreterState_Head, PyInterpreterState_Next, PyThreadState_GetFrame */
static PyObject *
states(PyObject *Py_UNUSED(module), PyObject *key)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    PyObject *dict = PyThreadState_GetDict(), *shared = PyInterpreterState_GetDict(interpreter);
    if (dict == NULL || shared == NULL || PyDict_SetItem(dict, key, key) < 0 || PyDict_SetItem(shared, key, key) < 0) {
        return NULL;
    }
    int same = PyThreadState_GetDict() == dict && PyInterpreterState_GetDict(interpreter) == shared && dict != shared;
    int kept = PyDict_Contains(PyThreadState_GetDict(), key) + PyDict_Contains(PyInterpreterState_GetDict(interpreter), key);
    PyDict_DelItem(dict, key);
    PyDict_DelItem(shared, key);
    int alone = PyInterpreterState_Head() == PyInterpreterState_Main() && PyInterpreterState_Next(interpreter) == NULL
                && interpreter == PyInterpreterState_Main();
    return Py_BuildValue("(iiiiN)", same, kept, alone, Py_IsInitialized() && !Py_IsFinalizing(), PyThreadState_GetFrame(PyThreadState_Get()));
}

/* ---- PyUnicodeWriter ---- */

static PyObject *
writer(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyUnicodeWriter *w = PyUnicodeWriter_Create(3);
    PyObject *text = PyUnicode_FromString("0123456789"), *errors = PyList_New(0);
    if (w == NULL || text == NULL || errors == NULL) {
        return NULL;
    }
    int bad = PyUnicodeWriter_WriteChar(w, 'a') + PyUnicodeWriter_WriteUTF8(w, "b\xc3\xa9", 3) + PyUnicodeWriter_WriteUTF8(w, "cd", -1)
              + PyUnicodeWriter_WriteStr(w, object) + PyUnicodeWriter_WriteRepr(w, object) + PyUnicodeWriter_WriteSubstring(w, text, 2, 5)
              + PyUnicodeWriter_WriteChar(w, 0x1f600) + PyUnicodeWriter_WriteASCII(w, "ascii", 3) + PyUnicodeWriter_WriteRepr(w, NULL)
              + PyUnicodeWriter_Format(w, "|%d %S|", 7, object) + PyUnicodeWriter_WriteUCS4(w, (Py_UCS4[]){0x20ac, 'x'}, 2)
              + PyUnicodeWriter_WriteWideChar(w, L"wide", 2);
#define FAILS(CALL)                             \
    do {                                        \
        int status = CALL;                      \
        PyObject *e = taken();                  \
        if (status != -1) {                     \
            bad += 100;                         \
        }                                       \
        PyList_Append(errors, e);               \
        Py_DECREF(e);                           \
    } while (0)
    FAILS(PyUnicodeWriter_WriteChar(w, 0x110000));
    FAILS(PyUnicodeWriter_WriteUTF8(w, "lost\xff", 5));
    FAILS(PyUnicodeWriter_WriteSubstring(w, text, 5, 2));
    FAILS(PyUnicodeWriter_WriteSubstring(w, text, -1, 2));
    FAILS(PyUnicodeWriter_WriteSubstring(w, text, 0, 11));
    FAILS(PyUnicodeWriter_WriteSubstring(w, errors, 0, 0));
    FAILS(PyUnicodeWriter_Format(w, "lost%q"));
    FAILS(PyUnicodeWriter_Create(-1) == NULL ? -1 : 0);
    Py_DECREF(text);
    PyUnicodeWriter_Discard(PyUnicodeWriter_Create(100));
    PyUnicodeWriter_Discard(NULL);
    return Py_BuildValue("(iNNN)", bad, PyUnicodeWriter_Finish(w), PyUnicodeWriter_Finish(PyUnicodeWriter_Create(0)), errors);
}

/* ---- memory and fresh objects ---- */

static int dropped;

typedef struct {
    PyObject_VAR_HEAD
    int number;
} Own;

static void
own_dealloc(PyObject *self)
{
    dropped++;
    PyTypeObject *type = Py_TYPE(self);
    int heap = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
    type->tp_free(self);
    if (heap) {
        Py_DECREF(type);
    }
}

static PyTypeObject Own_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "scenarios_more.Own",
    .tp_basicsize = sizeof(Own),
    .tp_itemsize = sizeof(int),
    .tp_dealloc = own_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

/* PyMem_Calloc, _PyObject_New, PyObject_NewVar, PyType_GenericAlloc, _Py_IncRef, _Py_DecRef */
static PyObject *
memory(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    char *zeros = PyMem_Calloc(10, 100), *nothing = PyMem_Calloc(0, 0);
    int clean = zeros[0] == 0 && memcmp(zeros, zeros + 1, 999) == 0, huge = PyMem_Calloc(PY_SSIZE_T_MAX, 3) == NULL;
    PyMem_Free(zeros);
    PyMem_Free(nothing);
    if (PyType_Ready(&Own_Type) < 0) {
        return NULL;
    }
    dropped = 0;
    Own *plain = PyObject_New(Own, &Own_Type), *sized = PyObject_NewVar(Own, &Own_Type, 5);
    Own *zeroed = (Own *)PyType_GenericAlloc(&Own_Type, 3);
    int sizes = Py_SIZE(sized) == 5 && Py_SIZE(zeroed) == 3, zero = zeroed->number == 0 && (&zeroed->number)[3] == 0;
    int types = Py_IS_TYPE(plain, &Own_Type) && Py_IS_TYPE(sized, &Own_Type) && Py_IS_TYPE(zeroed, &Own_Type);
    _Py_IncRef((PyObject *)plain);
    int two = (int)Py_REFCNT(plain);
    _Py_DecRef((PyObject *)plain);
    int one = (int)Py_REFCNT(plain);
    _Py_DecRef((PyObject *)plain);
    Py_DECREF(sized);
    Py_DECREF(zeroed);
    return Py_BuildValue("(iiiiiiii)", clean, huge, sizes, zero, types, two, one, dropped);
}

/* _PyBytes_Resize, PyUnicode_Resize, _PyTuple_Resize, PyTuple_SetItem, PyList_SetItem on what nobody else holds */
static PyObject *
resized(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *bytes = PyBytes_FromString("abc"), *none = PyBytes_FromString("abc"), *shared = PyBytes_FromString("abc");
    PyObject *text = PyUnicode_New(3, 127), *tuple = PyTuple_New(2), *list = PyList_New(1), *errors = PyList_New(0);
    int bad = _PyBytes_Resize(&bytes, 5);
    memcpy(PyBytes_AS_STRING(bytes) + 3, "de", 2);
    bad += _PyBytes_Resize(&bytes, 4) + _PyBytes_Resize(&none, 0);
    PyObject *kept = Py_NewRef(shared);
    bad += _PyBytes_Resize(&shared, 2) + (shared == kept);
    bad += PyUnicode_Fill(text, 0, 3, 'x') != 3;
    bad += PyUnicode_Resize(&text, 5) + PyUnicode_WriteChar(text, 3, 'y') + PyUnicode_WriteChar(text, 4, 'z');
    FAILS(PyUnicode_WriteChar(text, 5, 'y'));
    FAILS(PyUnicode_WriteChar(text, 0, 0x20ac));
    FAILS(PyUnicode_Resize(&text, -1));
    bad += PyTuple_SetItem(tuple, 0, PyLong_FromLong(1000)) + PyTuple_SetItem(tuple, 0, PyFloat_FromDouble(1.5));
    bad += PyTuple_SetItem(tuple, 1, PyList_New(0)) + _PyTuple_Resize(&tuple, 3) + PyTuple_SetItem(tuple, 2, PyUnicode_FromString("last"));
    FAILS(PyTuple_SetItem(tuple, 3, PyList_New(0)));
    FAILS(PyTuple_SetItem(tuple, -1, PyList_New(0)));
    bad += PyList_SetItem(list, 0, PyTuple_New(0)) + PyList_SetItem(list, 0, PyLong_FromLong(1 << 20));
    FAILS(PyList_SetItem(list, 1, PyList_New(0)));
    int unique = PyUnstable_Object_IsUniquelyReferenced(list);
    Py_INCREF(list);
    int no_more = PyUnstable_Object_IsUniquelyReferenced(list);
    Py_DECREF(list);
    return Py_BuildValue("(iNNNNNNNNii)", bad, bytes, none, kept, shared, text, tuple, list, errors, unique, no_more);
}

/* ---- types ---- */

static PyObject *
class_module(PyObject *self, PyTypeObject *defining, PyObject *const *Py_UNUSED(args), Py_ssize_t count, PyObject *Py_UNUSED(names))
{
    if (count != 0) {
        PyErr_SetString(PyExc_TypeError, "class_module() takes no arguments");
        return NULL;
    }
    PyObject *by_definition = PyType_GetModuleByDef(Py_TYPE(self), &definition), *module = PyType_GetModule(defining);
    return by_definition == NULL || module == NULL ? NULL : Py_BuildValue("(OOO)", defining, by_definition, module);
}

static PyMethodDef made_methods[] = {
    {"class_module", (PyCFunction)(void (*)(void))class_module, METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot made_slots[] = {
    {Py_tp_new, PyType_GenericNew}, {Py_tp_dealloc, own_dealloc}, {Py_tp_methods, made_methods}, {Py_tp_doc, "Made."}, {0, NULL},
};
static PyType_Spec made_spec = {"scenarios_more.Made", sizeof(Own), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, made_slots};

/* PyType_FromModuleAndSpec, PyType_GetSlot, PyType_GetFlags, PyType_GetModule, PyType_GetModuleByDef, PyType_GenericNew */
static PyObject *
types(PyObject *module, PyObject *bases)
{
    PyObject *made = PyType_FromModuleAndSpec(module, &made_spec, bases == Py_None ? NULL : bases);
    if (made == NULL) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)made;
    unsigned long flags = PyType_GetFlags(type), wanted = Py_TPFLAGS_HEAPTYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_READY;
    int slots = PyType_GetSlot(type, Py_tp_new) == (void *)PyType_GenericNew && PyType_GetSlot(type, Py_tp_dealloc) == (void *)own_dealloc
                && PyType_GetSlot(type, Py_nb_add) == NULL && PyType_GetSlot(&PyLong_Type, Py_nb_add) != NULL
                && PyType_GetSlot(type, Py_tp_methods) == (void *)made_methods;
    PyObject *errors = PyList_New(0);
    int bad = 0;
    FAILS(PyType_GetSlot(type, 0) == NULL ? -1 : 0);
    FAILS(PyType_GetSlot(type, 1000) == NULL ? -1 : 0);
    FAILS(PyType_GetModule(&PyLong_Type) == NULL ? -1 : 0);
    FAILS(PyType_GetModuleByDef(&PyLong_Type, &definition) == NULL ? -1 : 0);
    FAILS(PyType_GetModuleState(&PyLong_Type) == NULL ? -1 : 0);
    int features = PyType_HasFeature(&PyLong_Type, Py_TPFLAGS_LONG_SUBCLASS) && PyType_HasFeature(&PyBool_Type, Py_TPFLAGS_LONG_SUBCLASS)
                   && !PyType_HasFeature(&PyBool_Type, Py_TPFLAGS_BASETYPE) && PyType_HasFeature(&PyDict_Type, Py_TPFLAGS_MAPPING)
                   && PyType_HasFeature(&PyList_Type, Py_TPFLAGS_SEQUENCE) && PyType_HasFeature(&PyUnicode_Type, Py_TPFLAGS_IMMUTABLETYPE)
                   && PyType_HasFeature((PyTypeObject *)PyExc_KeyError, Py_TPFLAGS_BASE_EXC_SUBCLASS);
    return Py_BuildValue("(NiiiiiN)", made, (flags & wanted) == wanted, slots, PyType_GetModule(type) == module, features, bad, errors);
}

/* ---- errors ---- */

/* PyErr_SetFromErrno, PyErr_SetFromErrnoWithFilename, PyErr_SetFromErrnoWithFilenameObjects */
static PyObject *
from_errno(PyObject *Py_UNUSED(module), PyObject *args)
{
    int number;
    const char *name;
    PyObject *type, *second = NULL;
    if (!PyArg_ParseTuple(args, "Oiz|O", &type, &number, &name, &second)) {
        return NULL;
    }
    errno = number;
    if (second != NULL) {
        PyObject *first = PyUnicode_FromString(name);
        errno = number;
        PyErr_SetFromErrnoWithFilenameObjects(type, first, second);
        Py_DECREF(first);
        return NULL;
    }
    return name == NULL ? PyErr_SetFromErrno(type) : PyErr_SetFromErrnoWithFilename(type, name);
}

/* PyErr_Print, PyErr_PrintEx, PyErr_DisplayException */
static PyObject *
printed(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *exception;
    int how;
    if (!PyArg_ParseTuple(args, "Oi", &exception, &how)) {
        return NULL;
    }
    if (how == 2) {
        PyErr_DisplayException(exception);
        Py_RETURN_NONE;
    }
    PyErr_SetRaisedException(Py_NewRef(exception));
    if (how == 1) {
        PyErr_Print();
    }
    else {
        PyErr_PrintEx(0);
    }
    return PyBool_FromLong(PyErr_Occurred() == NULL);
}

/* PyErr_SetInterrupt, PyErr_SetInterruptEx, PyErr_CheckSignals */
static PyObject *
interrupted(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    int quiet = PyErr_CheckSignals();
    PyErr_SetInterrupt();
    int status = PyErr_CheckSignals();
    PyObject *exception = taken();
    int unknown = PyErr_SetInterruptEx(-1), known = PyErr_SetInterruptEx(SIGUSR1), ignored = PyErr_CheckSignals();
    return Py_BuildValue("(iiNiii)", quiet, status, exception, unknown, known, ignored);
}

/* PyException_SetContext, PyException_GetContext, PyException_SetCause, PyException_GetCause, PyException_SetArgs: references as said */
static PyObject *
chained(PyObject *Py_UNUSED(module), PyObject *exception)
{
    PyObject *context = PyObject_CallFunction(PyExc_KeyError, "s", "context"), *cause = PyObject_CallFunction(PyExc_IndexError, "s", "cause");
    PyException_SetContext(exception, Py_NewRef(context));
    PyException_SetCause(exception, Py_NewRef(cause));
    PyObject *context_now = PyException_GetContext(exception), *cause_now = PyException_GetCause(exception);
    int same = context_now == context && cause_now == cause;
    PyException_SetContext(exception, NULL);
    PyException_SetCause(exception, NULL);
    int none = PyException_GetContext(exception) == NULL && PyException_GetCause(exception) == NULL;
    PyException_SetContext(exception, context);
    PyException_SetCause(exception, cause);
    PyObject *args = Py_BuildValue("(si)", "new", 7);
    PyException_SetArgs(exception, args);
    Py_DECREF(args);
    return Py_BuildValue("(iiNNN)", same, none, context_now, cause_now, PyException_GetArgs(exception));
}

/* ---- capsules ---- */

static int payload = 42, destroyed;

static void
destroy(PyObject *capsule)
{
    destroyed += PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)) == &payload && PyCapsule_GetContext(capsule) == &destroyed;
}

/* PyCapsule_Import, PyCapsule_GetContext, PyCapsule_SetContext, PyCapsule_SetPointer, PyCapsule_SetName, PyCapsule_SetDestructor */
static PyObject *
capsules(PyObject *module, PyObject *Py_UNUSED(none))
{
    destroyed = 0;
    PyObject *capsule = PyCapsule_New(&payload, "scenarios_more.C_API", NULL), *errors = PyList_New(0);
    int bad = PyCapsule_GetContext(capsule) != NULL, found = 0;
    bad += PyCapsule_SetContext(capsule, &destroyed) + PyCapsule_SetDestructor(capsule, destroy) + (PyCapsule_GetDestructor(capsule) != destroy);
    bad += PyModule_AddObjectRef(module, "C_API", capsule);
    found = PyCapsule_Import("scenarios_more.C_API", 0) == &payload && PyCapsule_Import("scenarios_more.C_API", 1) == &payload;
    bad += PyCapsule_SetPointer(capsule, &found) + (PyCapsule_GetPointer(capsule, "scenarios_more.C_API") != &found);
    bad += PyCapsule_SetPointer(capsule, &payload);
    FAILS(PyCapsule_SetPointer(capsule, NULL));
    FAILS(PyCapsule_GetPointer(capsule, NULL) == NULL ? -1 : 0);
    FAILS(PyCapsule_New(NULL, "x", NULL) == NULL ? -1 : 0);
    bad += PyCapsule_SetName(capsule, NULL) + (PyCapsule_GetPointer(capsule, NULL) != &payload);
    FAILS(PyCapsule_Import("scenarios_more.C_API", 0) == NULL ? -1 : 0);
    bad += PyObject_DelAttrString(module, "C_API");
    Py_DECREF(capsule);
    PyGC_Collect();
    return Py_BuildValue("(iiNi)", bad, found, errors, destroyed);
}

/* ---- buffers: PyBuffer_IsContiguous, PyBuffer_FillContiguousStrides, PyBuffer_GetPointer, PyBuffer_ToContiguous, PyBuffer_FromContiguous ---- */

static PyObject *
contiguous(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static char cells[24];
    for (int i = 0; i < 24; i++) {
        cells[i] = (char)('a' + i);
    }
    Py_ssize_t shape[] = {2, 3}, strides[2], gaps[] = {8, 2};
    Py_buffer view = {.buf = cells, .len = 6, .itemsize = 1, .ndim = 2, .format = "B", .shape = shape, .strides = strides};
    int answers[9];
    const char orders[] = "CFA";
    for (int i = 0; i < 3; i++) {
        PyBuffer_FillContiguousStrides(2, shape, strides, 1, orders[i] == 'A' ? 'C' : orders[i]);
        for (int j = 0; j < 3; j++) {
            if (i == 2) {
                view.strides = gaps;
            }
            answers[3 * i + j] = PyBuffer_IsContiguous(&view, orders[j]);
        }
    }
    char packed[6], other[6];
    int status = PyBuffer_ToContiguous(packed, &view, 6, 'C') + PyBuffer_ToContiguous(other, &view, 6, 'F');
    char *third = PyBuffer_GetPointer(&view, (Py_ssize_t[]){1, 2});
    status += PyBuffer_FromContiguous(&view, "ABCDEF", 6, 'C');
    PyObject *errors = PyList_New(0);
    int bad = 0;
    FAILS(PyBuffer_ToContiguous(packed, &view, 5, 'C'));
    FAILS(PyBuffer_FillInfo(&view, NULL, cells, 5, 1, PyBUF_WRITABLE));
    bad += PyBuffer_FillInfo(&view, NULL, cells, 5, 0, PyBUF_SIMPLE) + (view.obj != NULL) + (view.ndim != 1) + (view.shape != NULL);
    return Py_BuildValue("(iii)(iii)(iii)iy#y#iy#Ni", answers[0], answers[1], answers[2], answers[3], answers[4], answers[5], answers[6],
                         answers[7], answers[8], status, packed, (Py_ssize_t)6, other, (Py_ssize_t)6, (int)(third - cells), cells,
                         (Py_ssize_t)14, errors, bad);
}

/* ---- numbers and texts of the system: PyComplex_AsCComplex, _Py_c_*, PyOS_* ---- */

static PyObject *
complex_parts(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_complex c = PyComplex_AsCComplex(object);
    if (c.real == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    Py_complex product = _Py_c_prod(c, c), sum = _Py_c_sum(c, c);
    return Py_BuildValue("(ddDDD)", PyComplex_RealAsDouble(object), PyComplex_ImagAsDouble(object), &c, &product, &sum);
}

static int
through_vsnprintf(char *room, size_t size, const char *format, ...)
{
    va_list va;
    va_start(va, format);
    int written = PyOS_vsnprintf(room, size, format, va);
    va_end(va);
    return written;
}

static PyObject *
system_texts(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    char *end, *end2, room[6];
    long number = PyOS_strtol(" -0x1fg", &end, 0);
    unsigned long positive = PyOS_strtoul("777z", &end2, 8);
    int written = through_vsnprintf(room, sizeof(room), "%s", "longer than the room");
    errno = 0;
    long most = PyOS_strtol("99999999999999999999", NULL, 10);
    int range = errno == ERANGE;
    return Py_BuildValue("(lsksiislii)", number, end, positive, end2, PyOS_mystricmp("AbC", "aBc"),
                         PyOS_mystrnicmp("abcX", "ABCy", 3), room, most, range, written);
}

/* PyOS_getsig, PyOS_setsig */
static PyObject *
signals(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyOS_sighandler_t before = PyOS_getsig(SIGUSR2), old = PyOS_setsig(SIGUSR2, SIG_IGN);
    int ignored = PyOS_getsig(SIGUSR2) == SIG_IGN;
    PyOS_setsig(SIGUSR2, before);
    return Py_BuildValue("(iii)", before == old, ignored, PyOS_getsig(SIGUSR2) == before);
}

/* PyOS_BeforeFork, PyOS_AfterFork_Parent, PyOS_AfterFork_Child */
static PyObject *
forked(PyObject *Py_UNUSED(module), PyObject *callable)
{
    PyOS_BeforeFork();
    pid_t child = fork();
    if (child == 0) {
        PyOS_AfterFork_Child();
        PyObject *result = PyObject_CallNoArgs(callable);
        _exit(result == NULL ? 99 : (int)PyLong_AsLong(result));
    }
    PyOS_AfterFork_Parent();
    int status;
    waitpid(child, &status, 0);
    return PyLong_FromLong(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* ---- code: Py_CompileString, PyEval_EvalCode, PyRun_String, PyRun_SimpleString ---- */

static PyObject *
evaluated(PyObject *Py_UNUSED(module), PyObject *globals)
{
    PyObject *code = Py_CompileString("x = 6 * 7", "made by C", Py_file_input);
    PyObject *none = code == NULL ? NULL : PyEval_EvalCode(code, globals, globals);
    if (none == NULL) {
        return NULL;
    }
    PyObject *value = PyRun_String("x + 1", Py_eval_input, globals, globals), *errors = PyList_New(0);
    int bad = PyRun_SimpleString("import __main__; __main__.made_by_C = 1");
    FAILS(Py_CompileString("x =", "made by C", Py_file_input) == NULL ? -1 : 0);
    FAILS(PyRun_String("1 / 0", Py_eval_input, globals, globals) == NULL ? -1 : 0);
    return Py_BuildValue("(NNiNN)", code, none, bad, value, errors);
}

/* ---- Python's end ---- */

static void
last_words(void)
{
    ssize_t written = write(1, "last words\n", 11);
    (void)written;
}

static PyObject *
at_exit(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(Py_AtExit(last_words));
}

/* Py_FatalError, which is _Py_FatalErrorFunc */
static PyObject *
fatal(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Py_FatalError("no way to go on");
}

/* contiguous_view(object, order): PyMemoryView_GetContiguous for reading. */
static PyObject *
contiguous_view(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object;
    const char *order;
    return PyArg_ParseTuple(args, "Os", &object, &order) ? PyMemoryView_GetContiguous(object, PyBUF_READ, order[0]) : NULL;
}

static PyMethodDef methods[] = {
    {"contiguous_view", contiguous_view, METH_VARARGS, NULL},
    {"locks", locks, METH_NOARGS, NULL},
    {"thread_storage", thread_storage, METH_NOARGS, NULL},
    {"swapped", swapped, METH_O, NULL},
    {"without_state", without_state, METH_NOARGS, NULL},
    {"in_thread", in_thread, METH_VARARGS, NULL},
    {"states", states, METH_O, NULL},
    {"writer", writer, METH_O, NULL},
    {"memory", memory, METH_NOARGS, NULL},
    {"resized", resized, METH_NOARGS, NULL},
    {"types", types, METH_O, NULL},
    {"from_errno", from_errno, METH_VARARGS, NULL},
    {"printed", printed, METH_VARARGS, NULL},
    {"interrupted", interrupted, METH_NOARGS, NULL},
    {"chained", chained, METH_O, NULL},
    {"capsules", capsules, METH_NOARGS, NULL},
    {"contiguous", contiguous, METH_NOARGS, NULL},
    {"complex_parts", complex_parts, METH_O, NULL},
    {"system_texts", system_texts, METH_NOARGS, NULL},
    {"signals", signals, METH_NOARGS, NULL},
    {"forked", forked, METH_O, NULL},
    {"evaluated", evaluated, METH_O, NULL},
    {"at_exit", at_exit, METH_NOARGS, NULL},
    {"fatal", fatal, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "scenarios_more", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit_scenarios_more(void)
{
    return PyModule_Create(&definition);
}
