/* The running thread, the interpreter, and how deep the stack is. */
#include "cape.h"

__thread PyThreadState *_Cape_tstate __attribute__((tls_model("initial-exec"))) = NULL;

void
_Cape_SetThreadState(PyThreadState *tstate)
{
    _Cape_tstate = tstate;
}

static CapeInterpreter main_interpreter;

CapeInterpreter *
cape_main_interpreter(void)
{
    return &main_interpreter;
}

/* C's side of the interpreter of this number; NULL without memory. */
CapeInterpreter *
cape_new_interpreter(int64_t id)
{
    if (id == 0) {
        return &main_interpreter;
    }
    CapeInterpreter *interp = calloc(1, sizeof(CapeInterpreter));
    if (interp != NULL) {
        interp->id = id;
    }
    return interp;
}

/* The interpreter is no more. */
void
cape_free_interpreter(CapeInterpreter *interp)
{
    for (Py_ssize_t i = 0; i < interp->indices; i++) {
        Py_XDECREF(interp->by_index[i]);
    }
    PyMem_Free(interp->by_index);
    free(interp);
}

/* A thread state, and the VM of Rust's that runs in it; NULL until it has run. */
typedef struct {
    PyThreadState state;
    void *vm;
} CapeThreadState;

void
cape_set_thread_vm(PyThreadState *tstate, void *vm)
{
    ((CapeThreadState *)tstate)->vm = vm;
}

void *
cape_thread_vm(PyThreadState *tstate)
{
    return ((CapeThreadState *)tstate)->vm;
}

/* A zeroed thread state, for the calling thread; NULL without memory. */
PyThreadState *
cape_new_thread_state(PyInterpreterState *interp)
{
    static uint64_t next_id = 1;
    PyThreadState *tstate = calloc(1, sizeof(CapeThreadState));
    if (tstate == NULL) {
        return NULL;
    }
    tstate->interp = interp == NULL ? (PyInterpreterState *)&main_interpreter : interp;
    tstate->exc_info = &tstate->exc_state;
    tstate->py_recursion_limit = tstate->py_recursion_remaining = 1000;
    tstate->gilstate_counter = 1;
    tstate->thread_id = (unsigned long)pthread_self();
    tstate->id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
    return tstate;
}

/* The Rust side reads these two by offset. */
_Static_assert(offsetof(PyThreadState, current_exception) == 112, "bridge-rust/src/layout.rs");
_Static_assert(offsetof(PyThreadState, exc_info) == 120 && offsetof(_PyErr_StackItem, exc_value) == 0, "the same");

PyThreadState *
PyThreadState_GetUnchecked(void)
{
    return _Cape_tstate;
}

PyThreadState *
PyThreadState_Get(void)
{
    if (CAPE_UNLIKELY(_Cape_tstate == NULL)) {
        Py_FatalError("the function must be called with the GIL held, after Python initialization and "
                      "before Python finalization, but the GIL is released (the current Python "
                      "thread state is NULL)");
    }
    return _Cape_tstate;
}

PyInterpreterState *
PyThreadState_GetInterpreter(PyThreadState *tstate)
{
    return tstate->interp;
}

PyInterpreterState *
PyInterpreterState_Get(void)
{
    return PyThreadState_Get()->interp;
}

uint64_t
PyThreadState_GetID(PyThreadState *tstate)
{
    return tstate->id;
}

/* --- recursion ----------------------------------------------------------------------------------- */

__thread uintptr_t _Cape_stack_limit __attribute__((tls_model("initial-exec"))) = 0;
#define stack_limit _Cape_stack_limit
/* Left over, for what runs while a RecursionError is on its way. */
#define STACK_RESERVE ((size_t)128 * 1024)

static uintptr_t
find_stack_limit(void)
{
    pthread_attr_t attributes;
    void *lowest = NULL;
    size_t size = 0, guard = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &lowest, &size);
        pthread_attr_getguardsize(&attributes, &guard);
        pthread_attr_destroy(&attributes);
    }
    return (uintptr_t)lowest + guard + STACK_RESERVE;
}

int
Py_EnterRecursiveCall(const char *where)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (CAPE_UNLIKELY(stack_limit == 0)) {
        stack_limit = find_stack_limit();
    }
    if (CAPE_LIKELY(here > stack_limit)) {
        return 0;
    }
    /* Half of the reserve is for handling this one. */
    if (here < stack_limit - STACK_RESERVE / 2) {
        Py_FatalError("Cannot recover from stack overflow.");
    }
    PyErr_Format(PyExc_RecursionError, "Stack overflow (used %zd kB)%s",
                 (Py_ssize_t)(((stack_limit - here) >> 10) + 0), where);
    return -1;
}

void
Py_LeaveRecursiveCall(void)
{
}

/* --- threads and interpreters, one by one -------------------------------------------------------------------- */

/* The state that runs, where it is the interpreter's; others are not listed. */
PyThreadState *
PyInterpreterState_ThreadHead(PyInterpreterState *interp)
{
    return _Cape_tstate != NULL && _Cape_tstate->interp == interp ? _Cape_tstate : NULL;
}

PyThreadState *
PyThreadState_Next(PyThreadState *Py_UNUSED(tstate))
{
    return NULL;
}

/* A state that no thread runs in yet; NULL without memory. */
PyThreadState *
PyThreadState_New(PyInterpreterState *interp)
{
    return cape_new_thread_state(interp);
}

void
PyThreadState_Clear(PyThreadState *tstate)
{
    Py_CLEAR(tstate->dict);
    Py_CLEAR(tstate->current_exception);
    Py_CLEAR(tstate->exc_state.exc_value);
    Py_CLEAR(tstate->context);
}

void
PyThreadState_Delete(PyThreadState *tstate)
{
    if (tstate == _Cape_tstate) {
        Py_FatalError("PyThreadState_Delete: the thread state is current");
    }
    _Cape_ThreadStateDies(tstate);
    free(tstate);
}

unsigned int
PyType_ClearCache(void)
{
    return 0;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void (*at_exit[32])(void);
static int at_exit_count = 0;

/* What PyUnstable_AtExit was given, the last first. */
typedef struct Callback {
    PyInterpreterState *interp;
    atexit_datacallbackfunc function;
    void *data;
    struct Callback *next;
} Callback;
static Callback *callbacks = NULL;

int
PyUnstable_AtExit(PyInterpreterState *interp, atexit_datacallbackfunc function, void *data)
{
    Callback *callback = PyMem_RawMalloc(sizeof(Callback));
    if (callback == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *callback = (Callback){interp, function, data, callbacks};
    callbacks = callback;
    return 0;
}

int
Py_AtExit(void (*function)(void))
{
    if (at_exit_count >= 32) {
        return -1;
    }
    at_exit[at_exit_count++] = function;
    return 0;
}

/* Calls what PyUnstable_AtExit was given for this interpreter, the last first; for NULL what it was given for any that has not ended, and then
   what Py_AtExit was given. */
void
cape_run_at_exit(PyInterpreterState *interp)
{
    Callback **at = &callbacks;
    while (*at != NULL) {
        Callback *callback = *at;
        if (interp != NULL && callback->interp != interp) {
            at = &callback->next;
            continue;
        }
        *at = callback->next;
        callback->function(callback->data);
        PyMem_RawFree(callback);
        /* It may have added others. */
        at = &callbacks;
    }
    while (interp == NULL && at_exit_count > 0) {
        at_exit[--at_exit_count]();
    }
}

/* --- further interpreters ------------------------------------------------------------------------------------------ */

/* The flags of a configuration as bits, in the order of the struct's fields. */
static int
bits_of(const PyInterpreterConfig *config)
{
    const int flags[] = {config->use_main_obmalloc, config->allow_fork, config->allow_exec, config->allow_threads,
                         config->allow_daemon_threads, config->check_multi_interp_extensions,
                         config->gil == PyInterpreterConfig_OWN_GIL};
    int bits = 0;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(flags); i++) {
        bits |= (flags[i] != 0) << i;
    }
    return bits;
}

PyStatus
Py_NewInterpreterFromConfig(PyThreadState **tstate_p, const PyInterpreterConfig *config)
{
    *tstate_p = NULL;
    if (config->gil < PyInterpreterConfig_DEFAULT_GIL || config->gil > PyInterpreterConfig_OWN_GIL) {
        return PyStatus_Error("invalid interpreter config 'gil' value");
    }
    if (!config->use_main_obmalloc && !config->check_multi_interp_extensions) {
        return PyStatus_Error("per-interpreter obmalloc does not support single-phase init extension modules");
    }
    *tstate_p = _Cape_NewInterpreter(bits_of(config), 0);
    return *tstate_p == NULL ? PyStatus_Error("sub-interpreter creation failed") : PyStatus_Ok();
}

/* NULL, without an exception, when there is none: it would be the new thread state's. */
PyThreadState *
Py_NewInterpreter(void)
{
    const PyInterpreterConfig config = _PyInterpreterConfig_LEGACY_INIT;
    return _Cape_NewInterpreter(bits_of(&config), 1);
}
