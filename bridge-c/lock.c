/* PyMutex: one byte; bit 0 locked, bit 1 somebody may be waiting. The waiters of all mutexes share a few
 * condition variables. And critical sections, which the GIL makes empty. */
#include "cape.h"

#undef PyMutex_Lock
#undef PyMutex_Unlock
#undef PyMutex_IsLocked

#define LOCKED 1
#define WAITED 2

/* Where the waiters of a mutex sleep: by its address. */
static struct {
    pthread_mutex_t guard;
    pthread_cond_t wake;
} parking[16] = {[0 ... 15] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER}};

#define SPOT(m) (&parking[((uintptr_t)(m) >> 3 ^ (uintptr_t)(m)) & 15])

int
PyMutex_IsLocked(PyMutex *m)
{
    return _PyMutex_IsLocked(m);
}

/* Takes a free mutex, keeping the waiting bit. */
static int
take(PyMutex *m)
{
    uint8_t bits = _Py_atomic_load_uint8(&m->_bits);
    while (!(bits & LOCKED)) {
        if (_Py_atomic_compare_exchange_uint8(&m->_bits, &bits, bits | LOCKED)) {
            return 1;
        }
    }
    return 0;
}

void
PyMutex_Lock(PyMutex *m)
{
    if (take(m)) {
        return;
    }
    /* Whoever holds it may need the GIL to go on. */
    PyThreadState *save = cape_tstate() == NULL ? NULL : PyEval_SaveThread();
    pthread_mutex_lock(&SPOT(m)->guard);
    for (;;) {
        uint8_t bits = _Py_atomic_or_uint8(&m->_bits, WAITED);
        if (!(bits & LOCKED)) {
            if (take(m)) {
                break;
            }
            continue;
        }
        pthread_cond_wait(&SPOT(m)->wake, &SPOT(m)->guard);
    }
    pthread_mutex_unlock(&SPOT(m)->guard);
    if (save != NULL) {
        PyEval_RestoreThread(save);
    }
}

void
PyMutex_Unlock(PyMutex *m)
{
    uint8_t bits = _Py_atomic_exchange_uint8(&m->_bits, 0);
    if (!(bits & LOCKED)) {
        Py_FatalError("unlocking mutex that is not locked");
    }
    if (bits & WAITED) {
        pthread_mutex_lock(&SPOT(m)->guard);
        pthread_cond_broadcast(&SPOT(m)->wake);
        pthread_mutex_unlock(&SPOT(m)->guard);
    }
}

void PyCriticalSection_Begin(PyCriticalSection *Py_UNUSED(c), PyObject *Py_UNUSED(op)) {}
void PyCriticalSection_BeginMutex(PyCriticalSection *Py_UNUSED(c), PyMutex *Py_UNUSED(m)) {}
void PyCriticalSection_End(PyCriticalSection *Py_UNUSED(c)) {}
void PyCriticalSection2_Begin(PyCriticalSection2 *Py_UNUSED(c), PyObject *Py_UNUSED(a),
                              PyObject *Py_UNUSED(b)) {}
void PyCriticalSection2_BeginMutex(PyCriticalSection2 *Py_UNUSED(c), PyMutex *Py_UNUSED(m1),
                                   PyMutex *Py_UNUSED(m2)) {}
void PyCriticalSection2_End(PyCriticalSection2 *Py_UNUSED(c)) {}
