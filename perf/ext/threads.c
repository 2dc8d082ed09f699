/* The GIL: released and taken back, and taken by threads that Python has not made. */
#include "crossing.h"
#include <pthread.h>

NOARGS(allow_threads)
{
    for (int i = 0; i < TIMES; i++) {
        Py_BEGIN_ALLOW_THREADS
        Py_END_ALLOW_THREADS
    }
    Py_RETURN_NONE;
}

/* By a thread that has the GIL already. */
NOARGS(ensure_held)
{
    for (int i = 0; i < TIMES; i++) {
        PyGILState_STATE state = PyGILState_Ensure();
        PyGILState_Release(state);
    }
    Py_RETURN_NONE;
}

/* By a thread that has let it go. */
NOARGS(ensure_released)
{
    Py_BEGIN_ALLOW_THREADS
    for (int i = 0; i < TIMES; i++) {
        PyGILState_STATE state = PyGILState_Ensure();
        PyGILState_Release(state);
    }
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

NOARGS(thread_state)
{
    for (int i = 0; i < TIMES; i++) {
        if (PyThreadState_Get() == NULL) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

/* What a foreign thread does: takes the GIL TIMES times, and calls `callable`, if there is one, each time. */
static void *
foreign(void *callable)
{
    for (int i = 0; i < TIMES; i++) {
        PyGILState_STATE state = PyGILState_Ensure();
        if (callable != NULL) {
            PyObject *result = PyObject_CallNoArgs(callable);
            if (result == NULL) {
                PyErr_Clear();
            }
            Py_XDECREF(result);
        }
        PyGILState_Release(state);
    }
    return NULL;
}

static PyObject *
run_thread(PyObject *callable)
{
    pthread_t thread;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = pthread_create(&thread, NULL, foreign, callable);
    if (!failed) {
        pthread_join(thread, NULL);
    }
    Py_END_ALLOW_THREADS
    if (failed) {
        PyErr_SetString(PyExc_OSError, "no thread");
        return NULL;
    }
    Py_RETURN_NONE;
}

NOARGS(ensure_foreign) { return run_thread(NULL); }
ONE(call_foreign) { return run_thread(object); }

PyMethodDef thread_functions[] = {
    {"allow_threads", allow_threads, METH_NOARGS, NULL},
    {"ensure_held", ensure_held, METH_NOARGS, NULL},
    {"ensure_released", ensure_released, METH_NOARGS, NULL},
    {"thread_state", thread_state, METH_NOARGS, NULL},
    {"ensure_foreign", ensure_foreign, METH_NOARGS, NULL},
    {"call_foreign", call_foreign, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
