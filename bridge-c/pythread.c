/* Locks, thread-specific storage and threads of C. None of these needs the GIL. */
#include "cape.h"

#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>

/* --- locks ---------------------------------------------------------------------------------------- */

void
PyThread_init_thread(void)
{
}

PyThread_type_lock
PyThread_allocate_lock(void)
{
    sem_t *lock = PyMem_RawMalloc(sizeof(sem_t));
    if (lock != NULL && sem_init(lock, 0, 1) != 0) {
        PyMem_RawFree(lock);
        lock = NULL;
    }
    return lock;
}

void
PyThread_free_lock(PyThread_type_lock lock)
{
    if (lock != NULL) {
        sem_destroy(lock);
        PyMem_RawFree(lock);
    }
}

/* Waits at most so many microseconds; negative: for ever; 0: not at all. */
PyLockStatus
PyThread_acquire_lock_timed(PyThread_type_lock lock, PY_TIMEOUT_T microseconds, int intr_flag)
{
    struct timespec deadline;
    if (microseconds > 0) {
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += microseconds / 1000000;
        deadline.tv_nsec += (microseconds % 1000000) * 1000;
        if (deadline.tv_nsec >= 1000000000) {
            deadline.tv_sec++;
            deadline.tv_nsec -= 1000000000;
        }
    }
    for (;;) {
        int status = microseconds > 0 ? sem_clockwait(lock, CLOCK_MONOTONIC, &deadline)
                     : microseconds == 0 ? sem_trywait(lock) : sem_wait(lock);
        if (status == 0) {
            return PY_LOCK_ACQUIRED;
        }
        if (errno != EINTR) {
            return PY_LOCK_FAILURE;
        }
        if (intr_flag) {
            return PY_LOCK_INTR;
        }
    }
}

int
PyThread_acquire_lock(PyThread_type_lock lock, int wait)
{
    return PyThread_acquire_lock_timed(lock, wait ? -1 : 0, 0) == PY_LOCK_ACQUIRED;
}

void
PyThread_release_lock(PyThread_type_lock lock)
{
    sem_post(lock);
}

const long long PY_TIMEOUT_MAX = LLONG_MAX / 1000;

/* --- threads ------------------------------------------------------------------------------------- */

static size_t stack_size = 0;

unsigned long
PyThread_get_thread_ident(void)
{
    return (unsigned long)pthread_self();
}

unsigned long
PyThread_get_thread_native_id(void)
{
    return (unsigned long)syscall(SYS_gettid);
}

size_t
PyThread_get_stacksize(void)
{
    return stack_size;
}

int
PyThread_set_stacksize(size_t size)
{
    if (size != 0 && size < 32768) {
        return -1;
    }
    stack_size = size;
    return 0;
}

struct start {
    void (*function)(void *);
    void *argument;
};

static void *
run(void *p)
{
    struct start start = *(struct start *)p;
    PyMem_RawFree(p);
    start.function(start.argument);
    return NULL;
}

unsigned long
PyThread_start_new_thread(void (*function)(void *), void *argument)
{
    struct start *start = PyMem_RawMalloc(sizeof(*start));
    pthread_attr_t attributes;
    pthread_t thread;
    if (start == NULL || pthread_attr_init(&attributes) != 0) {
        PyMem_RawFree(start);
        return PYTHREAD_INVALID_THREAD_ID;
    }
    if (stack_size != 0) {
        pthread_attr_setstacksize(&attributes, stack_size);
    }
    start->function = function;
    start->argument = argument;
    int status = pthread_create(&thread, &attributes, run, start);
    pthread_attr_destroy(&attributes);
    if (status != 0) {
        PyMem_RawFree(start);
        return PYTHREAD_INVALID_THREAD_ID;
    }
    pthread_detach(thread);
    return (unsigned long)thread;
}

void
PyThread_exit_thread(void)
{
    pthread_exit(NULL);
}

/* --- thread-specific storage ------------------------------------------------------------------------ */

Py_tss_t *
PyThread_tss_alloc(void)
{
    return PyMem_RawCalloc(1, sizeof(Py_tss_t));
}

void
PyThread_tss_free(Py_tss_t *key)
{
    if (key != NULL) {
        PyThread_tss_delete(key);
        PyMem_RawFree(key);
    }
}

int
PyThread_tss_is_created(Py_tss_t *key)
{
    return key->_is_initialized;
}

int
PyThread_tss_create(Py_tss_t *key)
{
    if (key->_is_initialized) {
        return 0;
    }
    if (pthread_key_create(&key->_key, NULL) != 0) {
        return -1;
    }
    key->_is_initialized = 1;
    return 0;
}

void
PyThread_tss_delete(Py_tss_t *key)
{
    if (key->_is_initialized) {
        pthread_key_delete(key->_key);
        key->_is_initialized = 0;
    }
}

int
PyThread_tss_set(Py_tss_t *key, void *value)
{
    return pthread_setspecific(key->_key, value) == 0 ? 0 : -1;
}

void *
PyThread_tss_get(Py_tss_t *key)
{
    return pthread_getspecific(key->_key);
}

/* The keys of before, which are ints. */
int
PyThread_create_key(void)
{
    pthread_key_t key;
    if (pthread_key_create(&key, NULL) != 0) {
        return -1;
    }
    if (key > INT_MAX) {
        pthread_key_delete(key);
        return -1;
    }
    return (int)key;
}

void
PyThread_delete_key(int key)
{
    pthread_key_delete((pthread_key_t)key);
}

int
PyThread_set_key_value(int key, void *value)
{
    return pthread_setspecific((pthread_key_t)key, value) == 0 ? 0 : -1;
}

void *
PyThread_get_key_value(int key)
{
    return pthread_getspecific((pthread_key_t)key);
}

void
PyThread_delete_key_value(int key)
{
    pthread_setspecific((pthread_key_t)key, NULL);
}

void
PyThread_ReInitTLS(void)
{
}

PyObject *
PyThread_GetInfo(void)
{
    return PyImport_ImportModuleAttrString("sys", "thread_info");
}

/* There is a GIL from the beginning. */
void
PyEval_InitThreads(void)
{
}

int
PyEval_ThreadsInitialized(void)
{
    return 1;
}
