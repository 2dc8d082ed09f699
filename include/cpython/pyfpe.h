#ifndef Py_PYFPE_H
#define Py_PYFPE_H
#ifndef Py_LIMITED_API
/* Nothing: kept for code from before Python 3.7. */
#define PyFPE_START_PROTECT(err_string, leave_stmt)
#define PyFPE_END_PROTECT(v)
#endif
#endif
