/* What every file of bridge-c includes: the C API, the private calls into Rust, and what the files
 * share among themselves. Rules: everything here runs with the GIL, unless its row in api.toml says
 * otherwise; nothing keeps a managed pointer, C sees mirrors only. */
#ifndef CAPE_H
#define CAPE_H

#ifndef CAPE_BUILD
#  define CAPE_BUILD 1
#endif
#ifndef Py_BUILD_CORE
#  define Py_BUILD_CORE 1
#endif
#include "Python.h"
#include "structmember.h"
#include "frameobject.h"
#include "marshal.h"
#include "internal/pycore_gc.h"
#include "internal/pycore_moduleobject.h"

#include "generated/slow.h"

/* Old names are implemented here too. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* va_copy, by the words that va_start has just written: compilers copy 16 bytes at once, which have to reach the cache first. */
static inline void
cape_va_copy(va_list to, va_list from)
{
#ifdef __x86_64__
    for (int i = 0; i < 2; i++) {
        ((volatile unsigned *)to)[i] = ((const volatile unsigned *)from)[i];
        ((void *volatile *)to)[i + 1] = ((void *const volatile *)from)[i + 1];
    }
#else
    va_copy(to, from);
#endif
}

#define CAPE_PRIVATE Py_LOCAL_SYMBOL
#define CAPE_LIKELY(x) __builtin_expect(!!(x), 1)
#define CAPE_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* --- pystate.c: the thread ------------------------------------------------------------------- */

/* The state of the running thread; NULL while it does not hold the GIL. */
extern CAPE_PRIVATE __thread PyThreadState *_Cape_tstate __attribute__((tls_model("initial-exec")));
/* For Rust, which cannot name a thread-local of C. */
CAPE_PRIVATE void _Cape_SetThreadState(PyThreadState *tstate);
CAPE_PRIVATE PyThreadState *cape_new_thread_state(PyInterpreterState *interp);
CAPE_PRIVATE void cape_set_thread_vm(PyThreadState *tstate, void *vm);
CAPE_PRIVATE void *cape_thread_vm(PyThreadState *tstate);

/* An interpreter: extensions only compare its address. */
typedef struct {
    int64_t id;
    PyObject **by_index;  /* single-phase modules by the index of their definitions, owned; NULL where there is none */
    Py_ssize_t indices;
} CapeInterpreter;
CAPE_PRIVATE CapeInterpreter *cape_main_interpreter(void);
CAPE_PRIVATE CapeInterpreter *cape_new_interpreter(int64_t id);
CAPE_PRIVATE void cape_free_interpreter(CapeInterpreter *interp);
CAPE_PRIVATE void cape_run_at_exit(PyInterpreterState *interp);

/* The kinds of objects that are watched: a bit each (watchers.c). */
extern CAPE_PRIVATE int _Cape_watched;
CAPE_PRIVATE void cape_tell_watchers(int kind_bit, int event, PyObject *object, PyObject *key, PyObject *value);
CAPE_PRIVATE int cape_tell_watchers_of_end(PyObject *op);

#ifdef CAPE_INSIDE_CPYTHON  /* the differential tests run these files in CPython */
#  define cape_tstate() PyThreadState_GetUnchecked()
#else
#  define cape_tstate() _Cape_tstate
#endif
/* The error indicator: the exception, borrowed, or NULL. */
#define cape_error() (cape_tstate()->current_exception)

/* The lowest address that calls of this thread may reach; 0: not known yet. */
extern CAPE_PRIVATE __thread uintptr_t _Cape_stack_limit __attribute__((tls_model("initial-exec")));

/* Py_EnterRecursiveCall, which nothing need be done to leave. */
static inline int
cape_enter_call(const char *where)
{
#ifndef CAPE_INSIDE_CPYTHON
    /* (Less one: no limit is the highest of all.) */
    if (CAPE_LIKELY((uintptr_t)__builtin_frame_address(0) - 1 > _Cape_stack_limit - 1)) {
        return 0;
    }
#endif
    return Py_EnterRecursiveCall(where);
}

/* --- the link -------------------------------------------------------------------------------- */

/* The upper half of the head is the index of the object's link; a half with its low 16 bits clear is
 * none (static objects of extensions have flags in the other 16 bits). */
static inline int
cape_is_linked(PyObject *op)
{
    return op->ob_overflow != 0;
}

/* --- free lists ------------------------------------------------------------------------------ */

/* Freed structs of one size, chained through their first word. */
typedef struct {
    void *first;
    int count;
} CapeFreeList;

static inline void *
cape_take(CapeFreeList *list)
{
    void *p = list->first;
    if (CAPE_LIKELY(p != NULL)) {
        list->first = *(void **)p;
        list->count--;
        /* (What died in a batch has left the nearest cache since.) */
        __builtin_prefetch(list->first, 1);
    }
    return p;
}

/* False when the list is full: the caller frees. */
static inline int
cape_give(CapeFreeList *list, void *p, int limit)
{
    if (list->count >= limit) {
        return 0;
    }
    *(void **)p = list->first;
    list->first = p;
    list->count++;
    return 1;
}

/* Mirrors die in batches, when a collection is over (interp/heap/src/links.rs): the lists of what is made again are so long that they
 * hold one. A full collection empties them. */
#define CAPE_FREE_BYTES (512 << 10)
/* Of each kind of number. (A list of a hundred thousand crosses as a whole.) */
#define CAPE_FREE_NUMBERS (4 << 20)

enum { CAPE_FREE_INTS, CAPE_FREE_FLOATS, CAPE_FREE_COMPLEXES, CAPE_FREE_KINDS };
/* Freed ints of up to two digits, floats, complex numbers. bridge-rust/src/to_c.rs takes ints, too, and from_c.rs looks how many there are. */
extern CAPE_PRIVATE CapeFreeList _Cape_free_numbers[CAPE_FREE_KINDS];

/* Freed structs of static types with a collector's head, which is clear, by their size in words. */
#define CAPE_FREE_WORDS 32
extern CAPE_PRIVATE CapeFreeList _Cape_free_structs[CAPE_FREE_WORDS];

/* Freed memory of other objects with a collector's head, by its size in words with all that is in front of them. */
#define CAPE_FREE_BLOCKS 32
extern CAPE_PRIVATE CapeFreeList _Cape_free_blocks[CAPE_FREE_BLOCKS];

/* listobject.c: the same for the storage of lists. */
CAPE_PRIVATE void cape_empty_list_items(void);
/* Storage for `room` items; NULL without an exception. */
CAPE_PRIVATE PyObject **cape_new_items(Py_ssize_t room);
/* Frees it, if there is any. */
CAPE_PRIVATE void cape_drop_items(PyObject **items, Py_ssize_t room);

/* dictobject.c: words of the row of a dict that only C has seen, with so many keys and values. bridge-rust/src/unseen.rs makes it. */
#define CAPE_ROW 16
#define CAPE_LONG_ROW 48
static inline Py_ssize_t
cape_row_room(Py_ssize_t used)
{
    return used <= CAPE_ROW ? CAPE_ROW : CAPE_LONG_ROW;
}
CAPE_PRIVATE void cape_drop_entries(PyObject *op);
/* largetext.c: the same for texts. */
CAPE_PRIVATE void cape_empty_texts(void);
/* alloc.c: the memory of all of them is given back. */
CAPE_PRIVATE void _Cape_CollectedFully(size_t doomed);
/* Whether so many bytes, at least one, are all ASCII. */
static inline int
cape_is_ascii(const void *from, size_t n)
{
    const unsigned char *s = from;
    uint64_t word, high = 0x8080808080808080u;
    uint32_t half, other;
    if (n < 4) {
        return (s[0] | s[n / 2] | s[n - 1]) < 0x80;
    }
    if (n < 8) {
        memcpy(&half, s, 4);
        memcpy(&other, s + n - 4, 4);
        return !((half | other) & (uint32_t)high);
    }
    for (size_t i = 0; i + 8 < n; i += 8) {
        memcpy(&word, s + i, 8);
        if (word & high) {
            return 0;
        }
    }
    memcpy(&word, s + n - 8, 8);
    return !(word & high);
}

/* Clears words of which there are few: compilers make memset of such a loop, or an instruction that takes longer to begin than it then works. */
static inline void
cape_clear_words(void *p, Py_ssize_t words)
{
    for (Py_ssize_t i = 0; i < words; i++) {
        ((void **)p)[i] = NULL;
        __asm__ volatile("" : : : "memory");
    }
}

/* Makes a fresh struct an object with one reference, unlinked. Static types are not counted. */
static inline void
cape_init(void *p, PyTypeObject *type)
{
    PyObject *op = (PyObject *)p;
    op->ob_refcnt_full = 1;
    op->ob_type = type;
}

/* --- gcmodule.c: objects that take part in cyclic collection ------------------------------------ */

/* Head of the ring of tracked objects. */
extern CAPE_PRIVATE PyGC_Head _Cape_gc_tracked;
/* How many are in it, and how many may be. */
extern CAPE_PRIVATE size_t _Cape_tracked;
extern CAPE_PRIVATE size_t _Cape_tracked_limit;
#define CAPE_TRACKED_LEAST 65536

static inline void
cape_track(PyObject *op)
{
#ifdef CAPE_INSIDE_CPYTHON
    PyObject_GC_Track(op);
#else
    PyGC_Head *gc = _Py_AS_GC(op);
    PyGC_Head *last = (PyGC_Head *)_Cape_gc_tracked._gc_prev;
    last->_gc_next = (uintptr_t)gc;
    gc->_gc_prev = (uintptr_t)last | (gc->_gc_prev & ~_PyGC_PREV_MASK);
    gc->_gc_next = (uintptr_t)&_Cape_gc_tracked;
    _Cape_gc_tracked._gc_prev = (uintptr_t)gc;
    _Cape_tracked++;
#endif
}

static inline void
cape_untrack(PyObject *op)
{
#ifdef CAPE_INSIDE_CPYTHON
    PyObject_GC_UnTrack(op);
#else
    PyGC_Head *gc = _Py_AS_GC(op);
    if (gc->_gc_next == 0) {
        return;
    }
    PyGC_Head *prev = (PyGC_Head *)(gc->_gc_prev & _PyGC_PREV_MASK);
    PyGC_Head *next = (PyGC_Head *)gc->_gc_next;
    prev->_gc_next = (uintptr_t)next;
    next->_gc_prev = (uintptr_t)prev | (next->_gc_prev & ~_PyGC_PREV_MASK);
    gc->_gc_next = 0;
    gc->_gc_prev &= _PyGC_PREV_MASK_FINALIZED;
    _Cape_tracked--;
#endif
}

/* Bytes in front of an instance: collector's head, dictionary and weak references. */
static inline size_t
cape_preheader(PyTypeObject *type)
{
    return (PyType_IS_GC(type) ? sizeof(PyGC_Head) : 0)
           + ((type->tp_flags & Py_TPFLAGS_PREHEADER) ? 2 * sizeof(PyObject *) : 0);
}

/* Uninitialised memory of `size` bytes for an instance of `type`, behind a clear preheader; NULL with
 * MemoryError. */
CAPE_PRIVATE PyObject *cape_alloc(PyTypeObject *type, size_t size);
/* Frees what cape_alloc gave. */
CAPE_PRIVATE void cape_free(PyObject *op);

/* obmalloc.c: bytes that small objects took since Rust last looked, and bytes that were given back. */
extern CAPE_PRIVATE size_t _Cape_allocated_small;
extern CAPE_PRIVATE size_t _Cape_returned;

/* Bytes are given back that `taken` counted, since Rust last looked or before. */
static inline void
cape_returned(size_t *taken, size_t bytes)
{
    size_t uncounted = Py_MIN(*taken, bytes);
    *taken -= uncounted;
    _Cape_returned += bytes - uncounted;
}

/* Words of a struct of a static type whose structs are shorter than CPython's: those that C's macros can read. 0: as the type says. Rust writes
 * the number where CPython counts versions (bridge-rust/src/mirror/types.rs). */
static inline size_t
cape_short_words(PyTypeObject *type)
{
#ifdef CAPE_INSIDE_CPYTHON
    (void)type;
    return 0;
#else
    return type->tp_versions_used;
#endif
}

/* Words of a struct of a static type that the managed side makes. */
static inline size_t
cape_mirror_words(PyTypeObject *type)
{
    size_t words = cape_short_words(type);
    return words != 0 ? words : ((size_t)type->tp_basicsize + sizeof(void *) - 1) / sizeof(void *);
}

/* Whether freed structs of the type go to the lists of freed structs. */
static inline int
cape_has_list(PyTypeObject *type)
{
    return cape_short_words(type) != 0
           || (type->tp_itemsize == 0
               && (type->tp_flags & (_Py_TPFLAGS_STATIC_BUILTIN | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_PREHEADER))
                  == (_Py_TPFLAGS_STATIC_BUILTIN | Py_TPFLAGS_HAVE_GC));
}

/* As cape_alloc, for static types with a collector's head and nothing else in front, from the lists. */
static inline PyObject *
cape_alloc_struct(PyTypeObject *type, size_t words)
{
    if (CAPE_LIKELY(words < CAPE_FREE_WORDS)) {
        void *op = cape_take(&_Cape_free_structs[words]);
        if (CAPE_LIKELY(op != NULL)) {
            return (PyObject *)op;
        }
    }
    return cape_alloc(type, words * sizeof(void *));
}

/* For Rust: see alloc.c, listobject.c, tupleobject.c. */
CAPE_PRIVATE PyObject *cape_new_mirror(PyTypeObject *type);
CAPE_PRIVATE PyObject *cape_unfilled_list(Py_ssize_t size);
CAPE_PRIVATE PyObject *cape_unfilled_tuple(Py_ssize_t size);
CAPE_PRIVATE void cape_free_emptied_list(PyObject *op);
CAPE_PRIVATE void cape_free_emptied_tuple(PyObject *op);
CAPE_PRIVATE void cape_end_own(PyObject *op);
CAPE_PRIVATE PyObject *cape_int(uint64_t magnitude, int negative);

/* Frees such a struct, which is not tracked. */
static inline void
cape_free_struct(PyObject *op, size_t words)
{
    _Py_AS_GC(op)->_gc_prev = 0;
    if (CAPE_LIKELY(words < CAPE_FREE_WORDS)) {
        CapeFreeList *list = &_Cape_free_structs[words];
        if (CAPE_LIKELY((size_t)list->count * words < CAPE_FREE_BYTES / sizeof(void *))) {
            cape_give(list, op, INT_MAX);
            return;
        }
    }
    /* (Not by the size that the type names.) */
    PyObject_Free(_Py_AS_GC(op));
}

/* Frees an exact int of up to two digits. */
static inline void
cape_free_int(PyObject *op)
{
    if (CAPE_UNLIKELY(!cape_give(&_Cape_free_numbers[CAPE_FREE_INTS], op, CAPE_FREE_NUMBERS / (int)sizeof(PyLongObject)))) {
        PyObject_Free(op);
    }
}

/* Py_XDECREF of an item of a container that dies: many are ints that nobody else has. */
static inline void
cape_drop(PyObject *op)
{
    if (op == NULL || _Py_IsImmortal(op)) {
        return;
    }
    if (--op->ob_refcnt != 0) {
        return;
    }
    if (Py_TYPE(op) == &PyLong_Type && !cape_is_linked(op)
        && ((PyLongObject *)op)->long_value.lv_tag < (3 << _PyLong_NON_SIZE_BITS)) {
        cape_free_int(op);
    }
    else {
        _Py_Dealloc(op);
    }
}

/* --- largetext.c: memory of exact str and bytes, and of numbers that are larger than most ---------------------------- */

/* Freed memory of up to 48, 64 ... 128 bytes. (Of texts there is none that is smaller.) What is freed as a block of some size has been
 * allocated with all of that size, which is a multiple of CAPE_BLOCK_STEP. */
#define CAPE_BLOCK_STEP ((size_t)16)
#define CAPE_BLOCK_LEAST (3 * CAPE_BLOCK_STEP)
#define CAPE_BLOCK_MOST (8 * CAPE_BLOCK_STEP)
#define CAPE_BLOCK_LISTS ((CAPE_BLOCK_MOST - CAPE_BLOCK_LEAST) / CAPE_BLOCK_STEP + 1)
extern CAPE_PRIVATE CapeFreeList _Cape_small_blocks[CAPE_BLOCK_LISTS];

/* The size of the block that has room for so many bytes, one at least and CAPE_BLOCK_MOST at most. */
static inline size_t
cape_block_size(size_t size)
{
    size = (size + CAPE_BLOCK_STEP - 1) & ~(CAPE_BLOCK_STEP - 1);
    return Py_MAX(size, CAPE_BLOCK_LEAST);
}

static inline CapeFreeList *
cape_block_list(size_t block_size)
{
    return &_Cape_small_blocks[(block_size - CAPE_BLOCK_LEAST) / CAPE_BLOCK_STEP];
}

/* A block for so many bytes; NULL without an exception. */
static inline void *
cape_block_malloc(size_t size)
{
    size = cape_block_size(size);
    void *op = cape_take(cape_block_list(size));
    return CAPE_LIKELY(op != NULL) ? op : PyObject_Malloc(size);
}

/* Frees it. */
static inline void
cape_block_free(void *op, size_t size)
{
    size = cape_block_size(size);
    CapeFreeList *list = cape_block_list(size);
    if (CAPE_UNLIKELY((size_t)list->count * size >= CAPE_FREE_BYTES)) {
        PyObject_Free(op);
        return;
    }
    cape_give(list, op, INT_MAX);
}

/* Uninitialised memory for the head of a struct and its data; NULL without an exception. */
CAPE_PRIVATE void *cape_text_malloc(size_t head, size_t data);
/* The same memory, or other with what was in it (as much as there is room for); NULL leaves all as it was. */
CAPE_PRIVATE void *cape_text_realloc(void *op, size_t head, size_t data);
/* `size`: bytes of the text's struct and data; 0 when that is not known. */
CAPE_PRIVATE void cape_text_free(void *op, size_t size);

/* --- alloc.c and types.c ---------------------------------------------------------------------------------- */

typedef struct {
    const char *symbol;
    PyTypeObject *type;
} CapeStaticType;
/* All static types under the names of their symbols; {NULL, NULL} ends it. */
extern CAPE_PRIVATE const CapeStaticType _Cape_static_types[];
#ifndef CAPE_INSIDE_CPYTHON
extern CAPE_PRIVATE PyTypeObject _PyNone_Type;
extern CAPE_PRIVATE PyTypeObject _PyNotImplemented_Type;
extern CAPE_PRIVATE PyTypeObject _PyUnion_Type;
#endif

/* Deallocators of structs that are not linked. */
CAPE_PRIVATE void cape_list_dealloc(PyObject *op);
CAPE_PRIVATE void cape_dict_dealloc(PyObject *op);
CAPE_PRIVATE void cape_tuple_dealloc(PyObject *op);
CAPE_PRIVATE void cape_unicode_dealloc(PyObject *op);
CAPE_PRIVATE void cape_bytes_dealloc(PyObject *op);
CAPE_PRIVATE void cape_bytearray_dealloc(PyObject *op);
CAPE_PRIVATE void cape_long_dealloc(PyObject *op);
CAPE_PRIVATE void cape_float_dealloc(PyObject *op);
CAPE_PRIVATE void cape_complex_dealloc(PyObject *op);
CAPE_PRIVATE void cape_slice_dealloc(PyObject *op);
CAPE_PRIVATE void cape_capsule_dealloc(PyObject *op);
CAPE_PRIVATE void cape_iterator_dealloc(PyObject *op);
/* iterobject.c: iterators over an exact list or tuple. New references, or NULL. */
CAPE_PRIVATE PyObject *cape_list_iterator(PyObject *list);
CAPE_PRIVATE PyObject *cape_tuple_iterator(PyObject *tuple);
/* iterobject.c, for Rust: an iterator over `len` numbers, `step` apart. A new reference, or NULL. */
CAPE_PRIVATE PyObject *cape_range_iterator(int64_t start, int64_t step, Py_ssize_t len);
CAPE_PRIVATE PyObject *cape_capsule_repr(PyObject *op);
/* datetime.c: the types of the module, and its capsule; `utc` must stay alive. */
extern CAPE_PRIVATE PyTypeObject cape_datetime_types[];
CAPE_PRIVATE PyObject *cape_datetime_capsule(PyObject *utc);
/* datetime.c: sees to it that the module datetime has the capsule, too; -1 with an exception. */
CAPE_PRIVATE int cape_datetime_ready(void);
/* bf_getbuffer of bytes. */
CAPE_PRIVATE int cape_bytes_getbuffer(PyObject *op, Py_buffer *view, int flags);
/* object.c: where a struct has its instance's dictionary, by what its type says; NULL: nowhere. */
CAPE_PRIVATE PyObject **cape_dict_place(PyObject *op);

/* For the types whose mirrors hold nothing of their own: frees the struct. */
CAPE_PRIVATE void cape_mirror_dealloc(PyObject *op);

/* --- shared values ------------------------------------------------------------------------------ */

/* Borrowed, immortal. */
CAPE_PRIVATE PyObject *cape_empty_tuple(void);
CAPE_PRIVATE PyObject *cape_empty_str(void);
CAPE_PRIVATE PyObject *cape_empty_bytes(void);
/* A tuple of new references to `size` items. */
CAPE_PRIVATE PyObject *cape_tuple_from_array(PyObject *const *items, Py_ssize_t size);
/* A list of new references to `size` items. */
CAPE_PRIVATE PyObject *cape_list_from_array(PyObject *const *items, Py_ssize_t size);
/* A new tuple of this item. */
CAPE_PRIVATE PyObject *cape_tuple_of_one(PyObject *item);
/* Borrowed, immortal: the string of one character below 256. */
CAPE_PRIVATE PyObject *cape_latin1_char(unsigned char ch);
/* Borrowed, immortal: the ints from -5 to 256. */
CAPE_PRIVATE PyObject *cape_small_int(int value);
/* pyerrors.c: of the builtin exceptions. */
CAPE_PRIVATE void cape_exception_dealloc(PyObject *op);

/* --- unicodeobject.c ----------------------------------------------------------------------------- */

/* The largest character of `size` characters of `kind`, rounded up to 0x7f, 0xff, 0xffff or 0x10ffff. */
CAPE_PRIVATE Py_UCS4 cape_max_char(int kind, const void *data, Py_ssize_t size);
/* ValueError unless all are code points. */
CAPE_PRIVATE int cape_are_characters(const wchar_t *u, Py_ssize_t size);
/* Copies characters, widening them or narrowing what is known to fit. */
CAPE_PRIVATE void cape_copy_chars(int to_kind, void *to, Py_ssize_t to_start, int from_kind,
                                  const void *from, Py_ssize_t from_start, Py_ssize_t count);
/* Nobody else has the string, and it may change: fresh, not hashed, not interned, not linked. */
CAPE_PRIVATE int cape_unicode_is_modifiable(PyObject *unicode);
/* Decodes valid UTF-8 without surrogates: its length in characters and their largest, or -1. */
CAPE_PRIVATE Py_ssize_t cape_utf8_measure(const unsigned char *s, Py_ssize_t size, Py_UCS4 *max_char);
/* Stores the characters of measured UTF-8. */
CAPE_PRIVATE void cape_utf8_store(const unsigned char *s, Py_ssize_t size, int kind, void *data,
                                  Py_ssize_t start);

/* unicode_codecs.c, for Rust. */
CAPE_PRIVATE int cape_encode_at_once(PyObject *op, const char *encoding, PyObject **result);
CAPE_PRIVATE int cape_decode_at_once(const char *s, Py_ssize_t size, const char *encoding, PyObject **result);

/* unicode_format.c: "module.qualname" of a type, `separator` between them. A new reference, or NULL. */
CAPE_PRIVATE PyObject *cape_type_full_name(PyTypeObject *type, char separator);

/* --- call.c ------------------------------------------------------------------------------------- */

/* classcall.c: the vectorcall of a builtin class that C calls by itself; NULL for all others. */
CAPE_PRIVATE vectorcallfunc cape_class_vectorcall(PyTypeObject *type);

/* methodobject.c: the vectorcall of functions and of method descriptors over a PyMethodDef with these flags; NULL: not in C. */
CAPE_PRIVATE vectorcallfunc cape_function_vectorcall(int flags);
CAPE_PRIVATE vectorcallfunc cape_descriptor_vectorcall(int flags);
/* Whether it calls a function that takes a tuple, which cape_call_with_tuple hands over as it is. */
CAPE_PRIVATE int cape_takes_tuple(vectorcallfunc function, PyObject *kwargs);
CAPE_PRIVATE PyObject *cape_call_with_tuple(PyObject *function, PyObject *args, PyObject *kwargs);
/* {name: value} of the keyword arguments at the end of a vector. A new reference, or NULL. */
CAPE_PRIVATE PyObject *cape_keywords_as_dict(PyObject *const *values, PyObject *kwnames);

/* Checks that a call left either a result or an exception, not both and not neither; steals `result`.
 * `where` names a function without an object. */
CAPE_PRIVATE PyObject *cape_check_result(PyObject *callable, PyObject *result, const char *where);

/* The same, where it is to be checked at once. */
static inline PyObject *
cape_checked(PyObject *callable, PyObject *result)
{
    int fine = (result == NULL) == (cape_error() != NULL);
    return CAPE_LIKELY(fine) ? result : cape_check_result(callable, result, NULL);
}

/* pythonrun.c: builtins.compile() for a source in str or bytes, with the flags of C. */
CAPE_PRIVATE PyObject *cape_compile(PyObject *source, PyObject *filename, int start, PyCompilerFlags *flags, int optimize);

/* Calls module.function(*args) and takes `args`, a tuple; NULL `args` is an error already. For what is
 * written in Python or Rust anyway. A new reference, or NULL. */
CAPE_PRIVATE PyObject *cape_call_module(const char *module, const char *function, PyObject *args);
/* modsupport.c: a tuple of what the format describes, for a call. A new reference, or NULL. */
CAPE_PRIVATE PyObject *cape_build_arguments(const char *format, va_list vargs);
/* How many values a format (NULL: none) describes; -1 with an exception. */
CAPE_PRIVATE Py_ssize_t cape_count_values(const char *format);
/* New references to them; -1 with an exception, and NULL for those that could not be made. */
CAPE_PRIVATE int cape_build_values(const char *format, va_list vargs, Py_ssize_t count, PyObject **values);

/* --- slots ------------------------------------------------------------------------------------------ */

/* What the managed side fills slots with, by their numbers: such a slot does the same as a way through Rust, and asks both operands.
 * The differential tests have none: all slots are their own there. */
#define CAPE_SLOTS 84
#ifdef CAPE_INSIDE_CPYTHON
#  define cape_is_own(function, slot) ((function) != NULL)
#else
extern CAPE_PRIVATE void *_Cape_trampolines[CAPE_SLOTS];
#  define cape_is_own(function, slot) ((function) != NULL && (void *)(function) != _Cape_trampolines[slot])
#endif

/* The functions for vectorcall of what the managed side calls, which takes a dict or a fresh tuple of arguments as well. */
#ifdef CAPE_INSIDE_CPYTHON
#  define cape_is_managed_call(function) 0
#else
extern CAPE_PRIVATE vectorcallfunc _Cape_managed_calls[4];
static inline int
cape_is_managed_call(vectorcallfunc function)
{
    return function == _Cape_managed_calls[0] || function == _Cape_managed_calls[1] || function == _Cape_managed_calls[2]
           || function == _Cape_managed_calls[3];
}
#endif

/* --- what needs no slot --------------------------------------------------------------------------- */

/* The length of an exact list, tuple, str or bytes, whose slots would take the way through Rust; -1 for all else. */
static inline Py_ssize_t
cape_plain_size(PyObject *op)
{
    if (PyList_CheckExact(op) || PyTuple_CheckExact(op) || PyBytes_CheckExact(op)) {
        return Py_SIZE(op);
    }
    return PyUnicode_CheckExact(op) ? PyUnicode_GET_LENGTH(op) : -1;
}

/* The same, and of an exact dict. */
static inline Py_ssize_t
cape_plain_length(PyObject *op)
{
    return PyDict_CheckExact(op) ? ((PyDictObject *)op)->ma_used : cape_plain_size(op);
}

/* --- moduleobject.c ------------------------------------------------------------------------------ */

/* The full name of the module that is being imported, for PyModule_Create: Rust sets it around PyInit_x. */
extern CAPE_PRIVATE const char *_Cape_package_context;
/* The end of a module's C state: m_free, then the memory. */
CAPE_PRIVATE void _Cape_ModuleFreeState(PyObject *module);

/* --- subtype.c ----------------------------------------------------------------------------------- */

/* Slots of heap types that define none: everything that the type added, then what its base does. */
CAPE_PRIVATE void _Cape_SubtypeDealloc(PyObject *op);
CAPE_PRIVATE int _Cape_SubtypeTraverse(PyObject *op, visitproc visit, void *arg);
CAPE_PRIVATE int _Cape_SubtypeClear(PyObject *op);

/* --- errors ------------------------------------------------------------------------------------- */

/* Sets SystemError naming the function, which is a row of the table that nobody implements. */
CAPE_PRIVATE void _Cape_Missing(const char *function);
/* The same where the result cannot tell of an error: prints and aborts. */
CAPE_PRIVATE void _Cape_MissingFatal(const char *function) _Py_NO_RETURN;
/* TypeError("expected ..., not ..."): `message` has one %.200s for the type's name. NULL. */
CAPE_PRIVATE void *cape_type_error(const char *message, PyObject *op);
/* SystemError("null argument to internal routine"), unless an exception is set. NULL. */
CAPE_PRIVATE void *cape_null_error(void);

#endif
