/* Checks of the program that layout.rs writes: each prints what is wrong and counts it. */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <datetime.h>
#include <frameobject.h>
#include <internal/pycore_context.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_moduleobject.h>
#include <internal/pycore_tstate.h>

static int failures = 0;

static void
differ(const char *what, long is, long should)
{
    if (is != should) {
        printf("%s is %ld, in CPython %ld\n", what, is, should);
        failures = 1;
    }
}

/* The value whose bytes at `at` have exactly the bits first..first+width set. */
static void
check_bits(const char *what, const unsigned char *bytes, size_t size, int at, int first, int width)
{
    for (size_t bit = 0; bit < size * 8; bit++) {
        size_t start = (size_t)at * 8 + first;
        int should = bit >= start && bit < start + width;
        if (((bytes[bit / 8] >> (bit % 8)) & 1) != should) {
            printf("%s occupies other bits than in CPython\n", what);
            failures = 1;
            return;
        }
    }
}

#define TOTAL(S, N) differ("sizeof " #S, sizeof(S), N)
#define OFFSET(S, F, N) differ("offset of " #S "." #F, offsetof(S, F), N)
#define SIZE(S, F, N) differ("size of " #S "." #F, sizeof(((S *)0)->F), N)
#define BITS(S, F, AT, FIRST, WIDTH) \
    do { \
        union { S s; unsigned char bytes[sizeof(S)]; } u; \
        memset(&u, 0, sizeof(u)); \
        u.s.F = (1u << WIDTH) - 1; \
        check_bits(#S "." #F, u.bytes, sizeof(S), AT, FIRST, WIDTH); \
    } while (0)

