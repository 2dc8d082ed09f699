/* What every file of bridge-c includes: the C API, the private calls into Rust, and what the files
 * share among themselves. */
#ifndef CAPE_H
#define CAPE_H

#ifndef CAPE_BUILD
#  define CAPE_BUILD 1
#endif
#define Py_BUILD_CORE 1
#include "Python.h"

#include "generated/slow.h"

/* Sets SystemError naming the function, which is a row of the table that nobody implements. */
extern Py_LOCAL_SYMBOL void _Cape_Missing(const char *function);
/* The same where the result cannot tell of an error: prints and aborts. */
extern Py_LOCAL_SYMBOL void _Cape_MissingFatal(const char *function) _Py_NO_RETURN;

#endif
