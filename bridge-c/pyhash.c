/* What hashes bytes. */
#include "cape.h"

PyHash_FuncDef *
PyHash_GetFuncDef(void)
{
    /* As sys.hash_info says. */
    static PyHash_FuncDef definition = {Py_HashBuffer, "siphash13", 64, 128};
    return &definition;
}
