/* What the compiler and the platform offer. Cape serves 64-bit GCC and Clang. */
#ifndef Py_PYPORT_H
#define Py_PYPORT_H

#ifndef UCHAR_MAX
#  error "<limits.h> must be included first"
#endif
#ifdef Py_GIL_DISABLED
#  error "Cape implements the API of the GIL build: compile without Py_GIL_DISABLED"
#endif
#if defined(Py_TRACE_REFS) || defined(Py_REF_DEBUG)
#  error "Cape implements the ABI of the release build"
#endif

/* The API level that was asked for: the limited API's version, or everything. */
#ifdef Py_LIMITED_API
#  define CAPE_API_LEVEL (Py_LIMITED_API+0)
#else
#  define CAPE_API_LEVEL 0x7fffffff
#endif
/* Before the limited API of 3.11, macros cast their arguments to PyObject*. */
#if !defined(Py_LIMITED_API) || Py_LIMITED_API+0 < 0x030b0000
#  define CAPE_CASTING_MACROS 1
#else
#  define CAPE_CASTING_MACROS 0
#endif

#ifdef __has_builtin
#  define _Py__has_builtin(x) __has_builtin(x)
#else
#  define _Py__has_builtin(x) 0
#endif
#ifdef __has_attribute
#  define _Py__has_attribute(x) __has_attribute(x)
#else
#  define _Py__has_attribute(x) 0
#endif

#ifdef __cplusplus
#  define _Py_STATIC_CAST(type, expr) static_cast<type>(expr)
#  define PY_CXX_CONST const
#else
#  define _Py_STATIC_CAST(type, expr) ((type)(expr))
#  define PY_CXX_CONST
#endif
#define _Py_CAST(type, expr) ((type)(expr))
#define _Py_FUNC_CAST(T, func) _Py_CAST(T, _Py_CAST(void(*)(void), (func)))

#if (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L) \
    || (defined(__cplusplus) && __cplusplus >= 201103L)
#  define _Py_NULL nullptr
#else
#  define _Py_NULL NULL
#endif

#if (defined(Py_BUILD_CORE_BUILTIN) || defined(Py_BUILD_CORE_MODULE)) && !defined(Py_BUILD_CORE)
#  define Py_BUILD_CORE
#endif

/* Integers. */
#ifndef HAVE_LONG_LONG
#  define HAVE_LONG_LONG 1
#endif
#ifndef PY_LONG_LONG
#  define PY_LONG_LONG long long
#  define PY_LLONG_MIN LLONG_MIN
#  define PY_LLONG_MAX LLONG_MAX
#  define PY_ULLONG_MAX ULLONG_MAX
#endif
#define PY_UINT32_T uint32_t
#define PY_UINT64_T uint64_t
#define PY_INT32_T int32_t
#define PY_INT64_T int64_t
#ifndef PYLONG_BITS_IN_DIGIT
#  define PYLONG_BITS_IN_DIGIT 30
#endif

typedef uintptr_t Py_uintptr_t;
typedef intptr_t Py_intptr_t;
typedef ssize_t Py_ssize_t;
typedef Py_ssize_t Py_hash_t;
typedef size_t Py_uhash_t;
typedef Py_ssize_t Py_ssize_clean_t;

#define PY_SSIZE_T_MAX SSIZE_MAX
#define PY_SSIZE_T_MIN (-PY_SSIZE_T_MAX-1)
#define SIZEOF_PY_HASH_T SIZEOF_SIZE_T
#define SIZEOF_PY_UHASH_T SIZEOF_SIZE_T
#define PY_SIZE_MAX SIZE_MAX
#define PY_DWORD_MAX 4294967295U
#ifndef PY_FORMAT_SIZE_T
#  define PY_FORMAT_SIZE_T "z"
#endif
#ifndef LONG_BIT
#  define LONG_BIT (8 * SIZEOF_LONG)
#endif
#ifndef Py_LL
#  define Py_LL(x) x##LL
#endif
#ifndef Py_ULL
#  define Py_ULL(x) Py_LL(x##U)
#endif
#ifdef WORDS_BIGENDIAN
#  define PY_BIG_ENDIAN 1
#  define PY_LITTLE_ENDIAN 0
#else
#  define PY_BIG_ENDIAN 0
#  define PY_LITTLE_ENDIAN 1
#endif
#define Py_ARITHMETIC_RIGHT_SHIFT(TYPE, I, J) ((I) >> (J))
#define Py_FORCE_EXPANSION(X) X
#ifdef Py_DEBUG
#  define Py_SAFE_DOWNCAST(VALUE, WIDE, NARROW) \
    (assert(_Py_STATIC_CAST(WIDE, _Py_STATIC_CAST(NARROW, (VALUE))) == (VALUE)), \
     _Py_STATIC_CAST(NARROW, (VALUE)))
#else
#  define Py_SAFE_DOWNCAST(VALUE, WIDE, NARROW) _Py_STATIC_CAST(NARROW, (VALUE))
#endif
#define Py_VA_COPY va_copy
#if CAPE_CASTING_MACROS
#  define Py_MEMCPY memcpy
#endif

/* Functions and their attributes. */
#define Py_LOCAL(type) static type
#define Py_LOCAL_INLINE(type) static inline type
#define Py_GCC_ATTRIBUTE(x) __attribute__(x)
#define Py_ALIGNED(x) __attribute__((aligned(x)))
#define Py_DEPRECATED(VERSION_UNUSED) __attribute__((__deprecated__))
#ifdef Py_BUILD_CORE
#  define _Py_DEPRECATED_EXTERNALLY(VERSION_UNUSED)
#else
#  define _Py_DEPRECATED_EXTERNALLY(version) Py_DEPRECATED(version)
#endif
#ifdef __clang__
#  define _Py_COMP_DIAG_PUSH _Pragma("clang diagnostic push")
#  define _Py_COMP_DIAG_IGNORE_DEPR_DECLS \
    _Pragma("clang diagnostic ignored \"-Wdeprecated-declarations\"")
#  define _Py_COMP_DIAG_POP _Pragma("clang diagnostic pop")
#  define _Py_HOT_FUNCTION
#else
#  define _Py_COMP_DIAG_PUSH _Pragma("GCC diagnostic push")
#  define _Py_COMP_DIAG_IGNORE_DEPR_DECLS \
    _Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"")
#  define _Py_COMP_DIAG_POP _Pragma("GCC diagnostic pop")
#  define _Py_HOT_FUNCTION __attribute__((hot))
#endif
#ifdef Py_DEBUG
#  define Py_ALWAYS_INLINE
#else
#  define Py_ALWAYS_INLINE __attribute__((always_inline))
#endif
#define Py_NO_INLINE __attribute__((noinline))
#ifndef _Py_NO_RETURN
#  define _Py_NO_RETURN __attribute__((__noreturn__))
#endif
#if _Py__has_attribute(fallthrough)
#  define _Py_FALLTHROUGH __attribute__((fallthrough))
#else
#  define _Py_FALLTHROUGH do { } while (0)
#endif
#if _Py__has_attribute(nonstring)
#  define _Py_NONSTRING __attribute__((nonstring))
#else
#  define _Py_NONSTRING
#endif
#define _Py_TYPEOF(expr) __typeof__(expr)

/* Sanitizers. */
#ifdef __has_feature
#  if __has_feature(memory_sanitizer)
#    define _Py_MEMORY_SANITIZER
#    define _Py_NO_SANITIZE_MEMORY __attribute__((no_sanitize_memory))
#  endif
#  if __has_feature(address_sanitizer)
#    define _Py_ADDRESS_SANITIZER
#  endif
#  if __has_feature(thread_sanitizer)
#    define _Py_THREAD_SANITIZER
#  endif
#else
#  ifdef __SANITIZE_ADDRESS__
#    define _Py_ADDRESS_SANITIZER
#  endif
#  ifdef __SANITIZE_THREAD__
#    define _Py_THREAD_SANITIZER
#  endif
#endif
#ifndef _Py_NO_SANITIZE_MEMORY
#  define _Py_NO_SANITIZE_MEMORY
#endif
#define _Py_NO_SANITIZE_ADDRESS __attribute__((no_sanitize_address))
#define _Py_NO_SANITIZE_THREAD __attribute__((no_sanitize_thread))
#define _Py_NO_SANITIZE_UNDEFINED __attribute__((no_sanitize_undefined))

#include "exports.h"

#ifdef Py_LIMITED_API
#  undef Py_BUILD_CORE
#  undef Py_BUILD_CORE_BUILTIN
#  undef Py_BUILD_CORE_MODULE
#endif

/* Threads. */
#ifndef WITH_THREAD
#  define WITH_THREAD
#endif
#define Py_CAN_START_THREADS 1
#ifdef Py_BUILD_CORE
#  define HAVE_THREAD_LOCAL 1
#  define _Py_thread_local __thread
#endif
#ifndef _Py_STACK_GROWS_DOWN
#  define _Py_STACK_GROWS_DOWN 1
#endif

#endif
