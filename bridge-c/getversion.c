/* What the interpreter says of itself. */
#include "cape.h"

#undef Py_PACK_FULL_VERSION
#undef Py_PACK_VERSION

const unsigned long Py_Version = PY_VERSION_HEX;

/* interp/stdlib/src/sys/info.rs says the same in sys.version. */
#define BUILD "Cape " CAPE_VERSION ", Nov 28 2026, 00:00:00"
#define COMPILER "[rustc]"

const char *
Py_GetVersion(void)
{
    return PY_VERSION " (" BUILD ") " COMPILER;
}

const char *
Py_GetBuildInfo(void)
{
    return BUILD;
}

const char *
Py_GetCompiler(void)
{
    return COMPILER;
}

const char *
Py_GetPlatform(void)
{
    return "linux";
}

const char *
Py_GetCopyright(void)
{
    return "Copyright (c) the Cape developers. MIT OR Apache-2.0.\n"
           "The standard library is copyright (c) 2001 Python Software Foundation.";
}

uint32_t
Py_PACK_FULL_VERSION(int x, int y, int z, int level, int serial)
{
    return (uint32_t)_Py_PACK_FULL_VERSION(x, y, z, level, serial);
}

uint32_t
Py_PACK_VERSION(int x, int y)
{
    return (uint32_t)_Py_PACK_FULL_VERSION(x, y, 0, 0, 0);
}
