/* bool: the two static ints of types.c. */
#include "cape.h"

PyObject *
PyBool_FromLong(long ok)
{
    return ok ? Py_True : Py_False;
}
