/* Watchers: functions of extensions that are told of changes of dicts, classes, functions, code objects and contexts. A dict and a class say
 * in their structs who watches them; of the others, every watcher is told. The VM asks whether a kind is watched at all before it tells
 * anything, through cape_tell_watchers. */
#include "cape.h"

#define MOST 8

/* The bit of a kind is its number in cape_vm::watchers. */
enum kind { DICT, CLASS, FUNCTION, CODE, CONTEXT, KINDS };

/* The first ids of dicts and classes are CPython's own. */
static const struct {
    const char *name;
    const char *invalid;
    const char *unset;
    int first;
} words[KINDS] = {
    { "dict", "Invalid", "No", 2 },
    { "type", "Invalid", "No", 1 },
    { "func", "invalid", "no", 0 },
    { "code", "Invalid", "No", 0 },
    { "context", "Invalid", "No", 0 },
};

/* Functions of several types, as addresses. */
static void (*watchers[KINDS][MOST])(void);

int _Cape_watched;

static void
show_watched(void)
{
    _Cape_watched = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < MOST; i++) {
            if (watchers[kind][i] != NULL) {
                _Cape_watched |= 1 << kind;
            }
        }
    }
    _Cape_SetWatched(_Cape_watched);
}

static int
add(enum kind kind, void (*callback)(void))
{
    for (int i = words[kind].first; i < MOST; i++) {
        if (watchers[kind][i] == NULL) {
            watchers[kind][i] = callback;
            show_watched();
            return i;
        }
    }
    PyErr_Format(PyExc_RuntimeError, "no more %s watcher IDs available", words[kind].name);
    return -1;
}

static int
check(enum kind kind, int id)
{
    if (id < 0 || id >= MOST) {
        PyErr_Format(PyExc_ValueError, "%s %s watcher ID %d", words[kind].invalid, words[kind].name, id);
        return -1;
    }
    if (watchers[kind][id] == NULL) {
        PyErr_Format(PyExc_ValueError, "%s %s watcher set for ID %d", words[kind].unset, words[kind].name, id);
        return -1;
    }
    return 0;
}

static int
clear(enum kind kind, int id)
{
    if (check(kind, id) < 0) {
        return -1;
    }
    watchers[kind][id] = NULL;
    show_watched();
    return 0;
}

#define ADD_AND_CLEAR(Name, kind) \
    int Name##_AddWatcher(Name##_WatchCallback callback) \
    { \
        return add(kind, (void (*)(void))callback); \
    } \
    int Name##_ClearWatcher(int watcher_id) \
    { \
        return clear(kind, watcher_id); \
    }

ADD_AND_CLEAR(PyDict, DICT)
ADD_AND_CLEAR(PyType, CLASS)
ADD_AND_CLEAR(PyFunction, FUNCTION)
ADD_AND_CLEAR(PyCode, CODE)
ADD_AND_CLEAR(PyContext, CONTEXT)

static int
check_dict(int id, PyObject *dict)
{
    if (!PyDict_Check(dict)) {
        PyErr_SetString(PyExc_ValueError, "Cannot watch non-dictionary");
        return -1;
    }
    return check(DICT, id);
}

int
PyDict_Watch(int watcher_id, PyObject *dict)
{
    if (check_dict(watcher_id, dict) < 0) {
        return -1;
    }
    ((PyDictObject *)dict)->_ma_watcher_tag |= 1 << watcher_id;
    return 0;
}

int
PyDict_Unwatch(int watcher_id, PyObject *dict)
{
    if (check_dict(watcher_id, dict) < 0) {
        return -1;
    }
    ((PyDictObject *)dict)->_ma_watcher_tag &= ~(uint64_t)(1 << watcher_id);
    return 0;
}

static int
check_class(int id, PyObject *type)
{
    if (!PyType_Check(type)) {
        PyErr_SetString(PyExc_ValueError, "Cannot watch non-type");
        return -1;
    }
    return check(CLASS, id);
}

int
PyType_Watch(int watcher_id, PyObject *type)
{
    if (check_class(watcher_id, type) < 0 || _Cape_WatchClass(type) < 0) {
        return -1;
    }
    ((PyTypeObject *)type)->tp_watched |= (unsigned char)(1 << watcher_id);
    return 0;
}

int
PyType_Unwatch(int watcher_id, PyObject *type)
{
    if (check_class(watcher_id, type) < 0) {
        return -1;
    }
    ((PyTypeObject *)type)->tp_watched &= (unsigned char)~(1 << watcher_id);
    return 0;
}

/* --- events ------------------------------------------------------------------------------------- */

static const char *const dict_events[] = {
#define NAME(event) "PyDict_EVENT_" #event,
    PY_FOREACH_DICT_EVENT(NAME)
#undef NAME
};

static const char *const function_events[] = {
#define NAME(event) "PyFunction_EVENT_" #event,
    PY_FOREACH_FUNC_EVENT(NAME)
#undef NAME
};

static const char *const code_events[] = {
#define NAME(event) "PY_CODE_EVENT_" #event,
    PY_FOREACH_CODE_EVENT(NAME)
#undef NAME
};

/* What an object is called in a report; one that is about to be freed has no managed side to ask. */
static PyObject *
described(PyObject *object, int dying)
{
    if (dying) {
        return PyUnicode_FromFormat("<%s object at %p>", Py_TYPE(object)->tp_name, (void *)object);
    }
    return PyObject_Repr(object);
}

/* Reports the exception that watcher `id` has left. */
static void
report(enum kind kind, int id, int event, PyObject *object, int dying)
{
    PyObject *raised = PyErr_GetRaisedException();
    PyObject *shown = kind == DICT ? NULL : described(object, dying);
    PyObject *inner = NULL;
    if (kind == FUNCTION && shown != NULL) {
        inner = PyUnicode_Substring(shown, 1, PyUnicode_GET_LENGTH(shown) - 1);
    }
    PyErr_Clear();
    PyErr_SetRaisedException(raised);
    switch (kind) {
    case DICT:
        PyErr_FormatUnraisable("Exception ignored in %s watcher callback for <dict at %p>", dict_events[event], (void *)object);
        break;
    case CLASS:
        PyErr_FormatUnraisable("Exception ignored in type watcher callback #%d for %V", id, shown, "a class");
        break;
    case FUNCTION:
        PyErr_FormatUnraisable("Exception ignored in %s watcher callback for %V", function_events[event], inner, "a function");
        break;
    case CODE:
        PyErr_FormatUnraisable("Exception ignored in %s watcher callback for %V", code_events[event], shown, "a code object");
        break;
    default:
        PyErr_FormatUnraisable("Exception ignored in Py_CONTEXT_SWITCHED watcher callback for %V", shown, "a context");
        break;
    }
    Py_XDECREF(shown);
    Py_XDECREF(inner);
}

/* Who is to be told of changes of an object: a bit per watcher. */
static unsigned int
who_watches(enum kind kind, PyObject *object)
{
    switch (kind) {
    case DICT:
        return (unsigned char)((PyDictObject *)object)->_ma_watcher_tag;
    case CLASS:
        return ((PyTypeObject *)object)->tp_watched;
    default:
        return (1 << MOST) - 1;
    }
}

static void
tell(enum kind kind, int event, PyObject *object, PyObject *key, PyObject *value, int dying)
{
    unsigned int who = who_watches(kind, object);
    if (who == 0) {
        return;
    }
    PyObject *before = PyErr_GetRaisedException();
    for (int id = 0; id < MOST; id++) {
        void (*callback)(void) = watchers[kind][id];
        if ((who >> id & 1) == 0 || callback == NULL) {
            continue;
        }
        int status = 0;
        switch (kind) {
        case DICT:
            status = ((PyDict_WatchCallback)callback)((PyDict_WatchEvent)event, object, key, value);
            break;
        case CLASS:
            status = ((PyType_WatchCallback)callback)((PyTypeObject *)object);
            break;
        case FUNCTION:
            status = ((PyFunction_WatchCallback)callback)((PyFunction_WatchEvent)event, (PyFunctionObject *)object, value);
            break;
        case CODE:
            status = ((PyCode_WatchCallback)callback)((PyCodeEvent)event, (PyCodeObject *)object);
            break;
        default:
            status = ((PyContext_WatchCallback)callback)((PyContextEvent)event, object);
            break;
        }
        if (status < 0) {
            report(kind, id, event, object, dying);
        }
    }
    PyErr_SetRaisedException(before);
}

void
cape_tell_watchers(int kind_bit, int event, PyObject *object, PyObject *key, PyObject *value)
{
    for (int kind = 0; kind < KINDS; kind++) {
        if (kind_bit == 1 << kind) {
            tell((enum kind)kind, event, object, key, value, 0);
        }
    }
}

/* A struct without references is about to be freed: 0 unless a watcher has kept it. */
int
cape_tell_watchers_of_end(PyObject *op)
{
    enum kind kind;
    int event;
    if (PyDict_Check(op)) {
        kind = DICT;
        event = PyDict_EVENT_DEALLOCATED;
    }
    else if (Py_IS_TYPE(op, &PyFunction_Type)) {
        kind = FUNCTION;
        event = PyFunction_EVENT_DESTROY;
    }
    else if (Py_IS_TYPE(op, &PyCode_Type)) {
        kind = CODE;
        event = PY_CODE_EVENT_DESTROY;
    }
    else {
        return 0;
    }
    if ((_Cape_watched >> kind & 1) == 0) {
        return 0;
    }
    op->ob_refcnt = 1;
    tell(kind, event, op, NULL, NULL, 1);
    if (op->ob_refcnt != 1 || cape_is_linked(op)) {
        return 1;
    }
    op->ob_refcnt = 0;
    return 0;
}
