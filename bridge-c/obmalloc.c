/* Memory. Three domains over one allocator, which PyMem_SetAllocator can replace; what extensions take
 * is counted, so that the collector hears of it. */
#include "cape.h"

/* Bytes taken since Rust last looked (it resets these), by large blocks and by small ones. */
CAPE_PRIVATE size_t _Cape_allocated = 0;
CAPE_PRIVATE size_t _Cape_allocated_small = 0;
/* The structs of most objects are small, and many, and so is what they allocate for themselves: collections come sooner for their sake
 * (bridge-rust/src/from_c.rs). */
#define SMALL 2048

/* Blocks of so many bytes are remembered, as far as there are places: what is given back of them does not count. */
#define LARGE (64 << 10)
#define PLACES 128
static void *larges[PLACES];
static size_t sizes[PLACES];
/* Bytes given back since Rust last looked. */
CAPE_PRIVATE size_t _Cape_returned = 0;

static void *
raw_malloc(void *Py_UNUSED(ctx), size_t size)
{
    return malloc(size ? size : 1);
}

static void *
raw_calloc(void *Py_UNUSED(ctx), size_t count, size_t size)
{
    return count && size ? calloc(count, size) : calloc(1, 1);
}

static void *
raw_realloc(void *Py_UNUSED(ctx), void *p, size_t size)
{
    return realloc(p, size ? size : 1);
}

static void
raw_free(void *Py_UNUSED(ctx), void *p)
{
    free(p);
}

/* The two domains of objects and their parts: mimalloc, which is linked into the binary. */
void *mi_malloc(size_t size);
void *mi_calloc(size_t count, size_t size);
void *mi_realloc(void *p, size_t size);
void mi_free(void *p);

static void *
object_malloc(void *Py_UNUSED(ctx), size_t size)
{
    return mi_malloc(size);
}

static void *
object_calloc(void *Py_UNUSED(ctx), size_t count, size_t size)
{
    return mi_calloc(count, size);
}

static void *
object_realloc(void *Py_UNUSED(ctx), void *p, size_t size)
{
    return mi_realloc(p, size);
}

static void
object_free(void *Py_UNUSED(ctx), void *p)
{
    mi_free(p);
}

#define OBJECTS {NULL, object_malloc, object_calloc, object_realloc, object_free}
#define SYSTEM {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free}
/* Indexed by PyMemAllocatorDomain. */
static PyMemAllocatorEx allocators[] = {SYSTEM, OBJECTS, OBJECTS};
static PyObjectArenaAllocator arenas;

#define TOO_LARGE(n) CAPE_UNLIKELY((size_t)(n) > (size_t)PY_SSIZE_T_MAX)
#define PRODUCT_TOO_LARGE(n, size) ((size) != 0 && (n) > (size_t)PY_SSIZE_T_MAX / (size))

/* The four functions of one domain. */
#define DOMAIN_FUNCTIONS(PREFIX, INDEX, COUNT, MADE, FREED) \
    void * \
    PREFIX##Malloc(size_t size) \
    { \
        if (TOO_LARGE(size)) { \
            return NULL; \
        } \
        COUNT(size); \
        void *p = allocators[INDEX].malloc(allocators[INDEX].ctx, size); \
        MADE(p, size); \
        return p; \
    } \
    void * \
    PREFIX##Calloc(size_t count, size_t size) \
    { \
        if (PRODUCT_TOO_LARGE(count, size)) { \
            return NULL; \
        } \
        COUNT(count * size); \
        return allocators[INDEX].calloc(allocators[INDEX].ctx, count, size); \
    } \
    void * \
    PREFIX##Realloc(void *p, size_t size) \
    { \
        if (TOO_LARGE(size)) { \
            return NULL; \
        } \
        COUNT(size); \
        FREED(p); \
        return allocators[INDEX].realloc(allocators[INDEX].ctx, p, size); \
    } \
    void \
    PREFIX##Free(void *p) \
    { \
        FREED(p); \
        allocators[INDEX].free(allocators[INDEX].ctx, p); \
    }

#define COUNTED(size) (*((size) <= SMALL ? &_Cape_allocated_small : &_Cape_allocated) += (size))

/* The first of the two places that a block may have. (The addresses of blocks of one size differ in few bits.) */
static inline size_t
place(void *p)
{
    return ((uintptr_t)p >> 12) * 0x9e3779b97f4a7c15u >> 32 & (PLACES - 2);
}

static inline void
made(void *p, size_t size)
{
    if (CAPE_UNLIKELY(size >= LARGE)) {
        size_t i = place(p);
        i += larges[i] != NULL && larges[i + 1] == NULL;
        larges[i] = p;
        sizes[i] = size;
    }
}

static inline void
freed(void *p)
{
    size_t i = place(p);
    if (CAPE_UNLIKELY((larges[i] == p || larges[i + 1] == p) && p != NULL)) {
        i += larges[i] != p;
        cape_returned(&_Cape_allocated, sizes[i]);
        larges[i] = NULL;
    }
}

/* The raw domain is used without the GIL. */
#define UNCOUNTED(...) ((void)0)

DOMAIN_FUNCTIONS(PyMem_Raw, PYMEM_DOMAIN_RAW, UNCOUNTED, UNCOUNTED, UNCOUNTED)
DOMAIN_FUNCTIONS(PyMem_, PYMEM_DOMAIN_MEM, COUNTED, made, freed)
DOMAIN_FUNCTIONS(PyObject_, PYMEM_DOMAIN_OBJ, COUNTED, made, freed)

void
PyMem_GetAllocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator)
{
    if ((unsigned)domain < Py_ARRAY_LENGTH(allocators)) {
        *allocator = allocators[domain];
    }
    else {
        memset(allocator, 0, sizeof(*allocator));
    }
}

void
PyMem_SetAllocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator)
{
    if ((unsigned)domain < Py_ARRAY_LENGTH(allocators)) {
        allocators[domain] = *allocator;
    }
}

/* There are no debug hooks: a release build's call does nothing either. */
void
PyMem_SetupDebugHooks(void)
{
}

/* Kept for those who ask: Cape's heap maps its own memory. */
void
PyObject_GetArenaAllocator(PyObjectArenaAllocator *allocator)
{
    *allocator = arenas;
}

void
PyObject_SetArenaAllocator(PyObjectArenaAllocator *allocator)
{
    arenas = *allocator;
}
