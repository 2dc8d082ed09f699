/* Atomic operations, one family per C type, made by the tables at the end. Read-modify-write
 * operations return the old value; compare_exchange stores the current value in *expected. */
#ifndef Py_CPYTHON_ATOMIC_H
#  error "this header file must not be included directly"
#endif
#ifdef __cplusplus
extern "C" {
#endif

#define CAPE_ATOMIC_ADD(N, T) \
    static inline T _Py_atomic_add_##N(T *obj, T value) \
    { return __atomic_fetch_add(obj, value, __ATOMIC_SEQ_CST); }
#define CAPE_ATOMIC_BITS(N, T) \
    static inline T _Py_atomic_and_##N(T *obj, T value) \
    { return __atomic_fetch_and(obj, value, __ATOMIC_SEQ_CST); } \
    static inline T _Py_atomic_or_##N(T *obj, T value) \
    { return __atomic_fetch_or(obj, value, __ATOMIC_SEQ_CST); }
#define CAPE_ATOMIC_SWAP(N, T) \
    static inline int _Py_atomic_compare_exchange_##N(T *obj, T *expected, T desired) \
    { return __atomic_compare_exchange_n(obj, expected, desired, 0, \
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); } \
    static inline T _Py_atomic_exchange_##N(T *obj, T value) \
    { return __atomic_exchange_n(obj, value, __ATOMIC_SEQ_CST); }
#define CAPE_ATOMIC_LOAD(N, T, SUFFIX, ORDER) \
    static inline T _Py_atomic_load_##N##SUFFIX(const T *obj) \
    { T value; __atomic_load(_Py_CAST(T *, obj), &value, ORDER); return value; }
#define CAPE_ATOMIC_STORE(N, T, SUFFIX, ORDER) \
    static inline void _Py_atomic_store_##N##SUFFIX(T *obj, T value) \
    { __atomic_store(obj, &value, ORDER); }
#define CAPE_ATOMIC_RELAXED(N, T) \
    CAPE_ATOMIC_LOAD(N, T, _relaxed, __ATOMIC_RELAXED) \
    CAPE_ATOMIC_STORE(N, T, _relaxed, __ATOMIC_RELAXED)
#define CAPE_ATOMIC_ACQUIRE(N, T) CAPE_ATOMIC_LOAD(N, T, _acquire, __ATOMIC_ACQUIRE)
#define CAPE_ATOMIC_RELEASE(N, T) CAPE_ATOMIC_STORE(N, T, _release, __ATOMIC_RELEASE)
#define CAPE_ATOMIC_INTEGER(N, T) \
    CAPE_ATOMIC_ADD(N, T) CAPE_ATOMIC_SWAP(N, T) \
    CAPE_ATOMIC_LOAD(N, T, , __ATOMIC_SEQ_CST) CAPE_ATOMIC_STORE(N, T, , __ATOMIC_SEQ_CST) \
    CAPE_ATOMIC_RELAXED(N, T)
#define CAPE_ATOMIC_UNSIGNED(N, T) CAPE_ATOMIC_INTEGER(N, T) CAPE_ATOMIC_BITS(N, T)

#if defined(__GNUC__) && !defined(__clang__)
#  pragma GCC diagnostic push
#  pragma GCC diagnostic ignored "-Wpedantic"  /* the empty SUFFIX in C++98 and C90 */
#endif
CAPE_ATOMIC_INTEGER(int, int)
CAPE_ATOMIC_INTEGER(int8, int8_t)
CAPE_ATOMIC_INTEGER(int16, int16_t)
CAPE_ATOMIC_INTEGER(int32, int32_t)
CAPE_ATOMIC_INTEGER(int64, int64_t)
CAPE_ATOMIC_INTEGER(intptr, intptr_t)
CAPE_ATOMIC_INTEGER(uint, unsigned int)
CAPE_ATOMIC_INTEGER(ssize, Py_ssize_t)
CAPE_ATOMIC_UNSIGNED(uint8, uint8_t)
CAPE_ATOMIC_UNSIGNED(uint16, uint16_t)
CAPE_ATOMIC_UNSIGNED(uint32, uint32_t)
CAPE_ATOMIC_UNSIGNED(uint64, uint64_t)
CAPE_ATOMIC_UNSIGNED(uintptr, uintptr_t)
CAPE_ATOMIC_RELAXED(char, char)
CAPE_ATOMIC_RELAXED(uchar, unsigned char)
CAPE_ATOMIC_RELAXED(short, short)
CAPE_ATOMIC_RELAXED(ushort, unsigned short)
CAPE_ATOMIC_RELAXED(long, long)
CAPE_ATOMIC_LOAD(ulong, unsigned long, , __ATOMIC_SEQ_CST)
CAPE_ATOMIC_STORE(ulong, unsigned long, , __ATOMIC_SEQ_CST)
CAPE_ATOMIC_RELAXED(ulong, unsigned long)
CAPE_ATOMIC_RELAXED(llong, long long)
CAPE_ATOMIC_RELAXED(ullong, unsigned long long)
CAPE_ATOMIC_RELAXED(float, float)
CAPE_ATOMIC_RELAXED(double, double)
CAPE_ATOMIC_ACQUIRE(int, int)
CAPE_ATOMIC_ACQUIRE(uint32, uint32_t)
CAPE_ATOMIC_ACQUIRE(uint64, uint64_t)
CAPE_ATOMIC_ACQUIRE(ssize, Py_ssize_t)
CAPE_ATOMIC_ACQUIRE(uintptr, uintptr_t)
CAPE_ATOMIC_RELEASE(int, int)
CAPE_ATOMIC_RELEASE(uint, unsigned int)
CAPE_ATOMIC_RELEASE(uint32, uint32_t)
CAPE_ATOMIC_RELEASE(uint64, uint64_t)
CAPE_ATOMIC_RELEASE(ssize, Py_ssize_t)
CAPE_ATOMIC_RELEASE(uintptr, uintptr_t)
#if defined(__GNUC__) && !defined(__clang__)
#  pragma GCC diagnostic pop
#endif

/* Pointers: `obj` is the address of a pointer of any type. */
static inline int
_Py_atomic_compare_exchange_ptr(void *obj, void *expected, void *desired)
{
    return __atomic_compare_exchange_n((void **)obj, (void **)expected, desired, 0,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
static inline void *
_Py_atomic_exchange_ptr(void *obj, void *value)
{
    return __atomic_exchange_n((void **)obj, value, __ATOMIC_SEQ_CST);
}
#define CAPE_ATOMIC_LOAD_PTR(SUFFIX, ORDER) \
    static inline void *_Py_atomic_load_ptr##SUFFIX(const void *obj) \
    { return (void *)__atomic_load_n((void *const *)obj, ORDER); }
#define CAPE_ATOMIC_STORE_PTR(SUFFIX, ORDER) \
    static inline void _Py_atomic_store_ptr##SUFFIX(void *obj, void *value) \
    { __atomic_store_n((void **)obj, value, ORDER); }
CAPE_ATOMIC_LOAD_PTR(, __ATOMIC_SEQ_CST)
CAPE_ATOMIC_LOAD_PTR(_relaxed, __ATOMIC_RELAXED)
CAPE_ATOMIC_LOAD_PTR(_acquire, __ATOMIC_ACQUIRE)
CAPE_ATOMIC_LOAD_PTR(_consume, __ATOMIC_CONSUME)
CAPE_ATOMIC_STORE_PTR(, __ATOMIC_SEQ_CST)
CAPE_ATOMIC_STORE_PTR(_relaxed, __ATOMIC_RELAXED)
CAPE_ATOMIC_STORE_PTR(_release, __ATOMIC_RELEASE)

static inline void _Py_atomic_fence_seq_cst(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void _Py_atomic_fence_acquire(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
static inline void _Py_atomic_fence_release(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }

#ifdef __cplusplus
}
#endif
