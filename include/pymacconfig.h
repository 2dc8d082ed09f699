/* Nothing to override: pyconfig.h serves one word size. */
#ifndef PY_PYMACCONFIG_H
#define PY_PYMACCONFIG_H
#endif
