"""What `sysconfig` knows of the build, for programs that build extensions or ask for features."""

import _imp
import sys

_suffix = _imp.extension_suffixes()[0]
_version = "%d.%d" % sys.version_info[:2]
_include = f"{sys.base_prefix}/include/python{_version}"
_lib = f"{sys.base_prefix}/lib"
_cflags = "-fno-strict-overflow -Wsign-compare -DNDEBUG -O2 -Wall"

build_time_vars = {
    "ABIFLAGS": "",
    "AR": "ar",
    "ARFLAGS": "rcs",
    "BINDIR": f"{sys.base_prefix}/bin",
    "BINLIBDEST": f"{_lib}/python{_version}",
    "BLDSHARED": "cc -shared",
    "BUILD_GNU_TYPE": "x86_64-pc-linux-gnu",
    "CC": "cc",
    "CCSHARED": "-fPIC",
    "CFLAGS": _cflags,
    "CONFINCLUDEPY": _include,
    "CONFIG_ARGS": "",
    "CXX": "c++",
    "EXE": "",
    "EXT_SUFFIX": _suffix,
    "HAVE_FORK": 1,
    "HOST_GNU_TYPE": "x86_64-pc-linux-gnu",
    "INCLDIRSTOMAKE": _include,
    "INCLUDEDIR": f"{sys.base_prefix}/include",
    "INCLUDEPY": _include,
    "INSTSONAME": "",
    "LDCXXSHARED": "c++ -shared",
    "LDFLAGS": "",
    "LDLIBRARY": "",
    "LDSHARED": "cc -shared",
    "LDVERSION": _version,
    "LIBDEST": f"{_lib}/python{_version}",
    "LIBDIR": _lib,
    "LIBM": "-lm",
    "LIBPC": f"{_lib}/pkgconfig",
    "LIBPL": f"{_lib}/python{_version}/config-{_version}-x86_64-linux-gnu",
    "LIBRARY": "",
    "LIBS": "-lpthread -ldl",
    "MACHDEP": "linux",
    "MULTIARCH": "x86_64-linux-gnu",
    "OPT": "-DNDEBUG -O2 -Wall",
    "PLATLIBDIR": "lib",
    "PY_CFLAGS": _cflags,
    "Py_DEBUG": 0,
    "Py_ENABLE_SHARED": 0,
    "Py_GIL_DISABLED": 0,
    "Py_TRACE_REFS": 0,
    "SHELL": "/bin/sh",
    "SHLIB_SUFFIX": ".so",
    "SIZEOF_SIZE_T": 8,
    "SIZEOF_VOID_P": 8,
    "SIZEOF_WCHAR_T": 4,
    "SO": _suffix,
    "SOABI": _suffix.removeprefix(".").removesuffix(".so"),
    "SRCDIR": ".",
    "TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo",
    "VERSION": _version,
    "WITH_DOC_STRINGS": 1,
    "exec_prefix": sys.base_exec_prefix,
    "prefix": sys.base_prefix,
    "srcdir": ".",
}
