/* What the interpreter says of itself. */
#include "cape.h"

#undef Py_PACK_FULL_VERSION
#undef Py_PACK_VERSION

const unsigned long Py_Version = PY_VERSION_HEX;

const char *
Py_GetVersion(void)
{
    return PY_VERSION " (Cape " CAPE_VERSION ")";
}

const char *
Py_GetBuildInfo(void)
{
    return "Cape " CAPE_VERSION;
}

const char *
Py_GetCompiler(void)
{
    return "[GCC " __VERSION__ "]";
}

const char *
Py_GetPlatform(void)
{
    return "linux";
}

const char *
Py_GetCopyright(void)
{
    return "Copyright (c) the Cape authors.";
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
