/* What getargs.c, getargs_units.c and clinic.c share: a format that is being read, and its units. */
#ifndef CAPE_GETARGS_H
#define CAPE_GETARGS_H

#include "cape.h"

#define MAX_NESTING 32

/* "f()" or "function", for two %s of messages. */
#define NAME_OF(function) (function) == NULL ? "function" : (function), (function) == NULL ? "" : "()"
#define PLURAL(n) ((n) == 1 ? "" : "s")

/* What is left of the format and of the addresses to store at, and what must be undone on failure. */
typedef struct {
    const char *format;
    va_list args;
    /* Things that were acquired: an address and how to let go of it. */
    struct Cleanup {
        void *item;
        int (*release)(PyObject *, void *);
    } small[16], *cleanups;
    int count, room;
    /* Where a conversion failed: positions in nested tuples, from 1; 0 ends them. */
    int levels[MAX_NESTING];
    char message[512];
} Parse;

typedef int (*Converter)(PyObject *, void *);

/* Starts on a format; finish() is its end, which undoes what was acquired unless `success`, and returns
 * that. */
CAPE_PRIVATE void cape_parse_begin(Parse *p, const char *format, va_list vargs);
CAPE_PRIVATE int cape_parse_finish(Parse *p, int success);
/* Converts `arg` as the next unit says: NULL, or the text of the failure. `depth`: of nested tuples. */
CAPE_PRIVATE const char *cape_parse_item(Parse *p, PyObject *arg, int depth);
/* Passes over a unit and its addresses: NULL, or the text of a mistake in the format. */
CAPE_PRIVATE const char *cape_parse_skip(Parse *p);

#endif
