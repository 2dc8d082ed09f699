/* Clocks, in nanoseconds. */
#include "cape.h"

#include <time.h>

static int
read_clock(clockid_t clock, PyTime_t *result)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) {
        *result = 0;
        return -1;
    }
    *result = (PyTime_t)now.tv_sec * 1000000000 + now.tv_nsec;
    return 0;
}

/* The functions with "Raw" need no GIL and set no exception. */
#define CLOCK(NAME, ID) \
    int \
    PyTime_##NAME##Raw(PyTime_t *result) \
    { \
        return read_clock(ID, result); \
    } \
    int \
    PyTime_##NAME(PyTime_t *result) \
    { \
        if (read_clock(ID, result) == 0) { \
            return 0; \
        } \
        PyErr_SetFromErrno(PyExc_OSError); \
        return -1; \
    }

CLOCK(Time, CLOCK_REALTIME)
CLOCK(Monotonic, CLOCK_MONOTONIC)
CLOCK(PerfCounter, CLOCK_MONOTONIC)

double
PyTime_AsSecondsDouble(PyTime_t t)
{
    return (double)t / 1e9;
}
