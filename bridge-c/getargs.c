/* PyArg_Parse*: the arguments of a C function by format. */
#include "cape.h"

#define MAX_NESTING 32

/* What is left of the format and of the addresses to store at, and what must be undone on failure. */
typedef struct {
    const char *format;
    va_list args;
    /* Things that were acquired: an address and how to let go of it. */
    struct Cleanup {
        void *item;
        int (*release)(PyObject *, void *);
    } small[16], *cleanups;
    int count, room;
    /* Where a conversion failed: positions in nested tuples, from 1; 0 ends them. */
    int levels[MAX_NESTING];
    char message[512];
} Parse;

typedef int (*Converter)(PyObject *, void *);

static const char *convert_item(Parse *p, PyObject *arg, int depth);

/* --- cleaning up --------------------------------------------------------------------------------- */

static int
release_memory(PyObject *Py_UNUSED(self), void *item)
{
    char **address = item;
    PyMem_Free(*address);
    *address = NULL;
    return 0;
}

static int
release_buffer(PyObject *Py_UNUSED(self), void *item)
{
    PyBuffer_Release(item);
    return 0;
}

static int
add_cleanup(Parse *p, void *item, Converter release)
{
    if (p->count == p->room) {
        int room = p->room * 2;
        struct Cleanup *larger = PyMem_New(struct Cleanup, room);
        if (larger == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(larger, p->cleanups, (size_t)p->count * sizeof(struct Cleanup));
        if (p->cleanups != p->small) {
            PyMem_Free(p->cleanups);
        }
        p->cleanups = larger;
        p->room = room;
    }
    p->cleanups[p->count].item = item;
    p->cleanups[p->count].release = release;
    p->count++;
    return 0;
}

static void
begin(Parse *p, const char *format, va_list vargs)
{
    p->format = format;
    va_copy(p->args, vargs);
    p->cleanups = p->small;
    p->count = 0;
    p->room = Py_ARRAY_LENGTH(p->small);
    p->levels[0] = 0;
    p->message[0] = 0;
}

/* Returns `success`; lets go of everything when it is false. */
static int
finish(Parse *p, int success)
{
    if (!success) {
        for (int i = 0; i < p->count; i++) {
            p->cleanups[i].release(NULL, p->cleanups[i].item);
        }
    }
    if (p->cleanups != p->small) {
        PyMem_Free(p->cleanups);
    }
    va_end(p->args);
    return success;
}

/* --- errors -------------------------------------------------------------------------------------- */

/* "must be X, not Y"; what starts with ( is a mistake in the format. */
static const char *
wrong_type(Parse *p, const char *expected, PyObject *arg)
{
    if (expected[0] == '(') {
        PyOS_snprintf(p->message, sizeof(p->message), "%.100s", expected);
    }
    else {
        PyOS_snprintf(p->message, sizeof(p->message), "must be %.50s, not %.50s", expected,
                      arg == Py_None ? "None" : Py_TYPE(arg)->tp_name);
    }
    return p->message;
}

/* An exception is set already. */
static const char *
raised(Parse *p)
{
    return p->message;
}

static const char *
overflow(Parse *p, const char *text)
{
    PyErr_SetString(PyExc_OverflowError, text);
    return raised(p);
}

/* Raises what a conversion said about argument `index` (0: the only one). */
static void
raise_conversion(Parse *p, Py_ssize_t index, const char *text, const char *function,
                 const char *custom)
{
    char buffer[512];
    if (PyErr_Occurred()) {
        return;
    }
    if (custom == NULL) {
        int length = 0;
        if (function != NULL) {
            length += PyOS_snprintf(buffer, sizeof(buffer), "%.200s() ", function);
        }
        if (index != 0) {
            length += PyOS_snprintf(buffer + length, sizeof(buffer) - (size_t)length, "argument %zd", index);
            for (int i = 0; i < MAX_NESTING && p->levels[i] > 0 && length < 220; i++) {
                length += PyOS_snprintf(buffer + length, sizeof(buffer) - (size_t)length, ", item %d",
                                        p->levels[i] - 1);
            }
        }
        else {
            length += PyOS_snprintf(buffer + length, sizeof(buffer) - (size_t)length, "argument");
        }
        PyOS_snprintf(buffer + length, sizeof(buffer) - (size_t)length, " %.256s", text);
        custom = buffer;
    }
    PyErr_SetString(text[0] == '(' ? PyExc_SystemError : PyExc_TypeError, custom);
}

/* --- conversions --------------------------------------------------------------------------------- */

/* A signed int between bounds, for b, h and i. */
static const char *
bounded(Parse *p, PyObject *arg, long low, long high, const char *name, long *value)
{
    char text[64];
    *value = PyLong_AsLong(arg);
    if (*value == -1 && PyErr_Occurred()) {
        return raised(p);
    }
    if (*value < low) {
        PyOS_snprintf(text, sizeof(text), "%s integer is less than minimum", name);
        return overflow(p, text);
    }
    if (*value > high) {
        PyOS_snprintf(text, sizeof(text), "%s integer is greater than maximum", name);
        return overflow(p, text);
    }
    return NULL;
}

/* An int of any size, its low bits. */
static const char *
masked(Parse *p, PyObject *arg, unsigned long long *value)
{
    *value = PyLong_AsUnsignedLongLongMask(arg);
    return *value == (unsigned long long)-1 && PyErr_Occurred() ? raised(p) : NULL;
}

static const char *
convert_number(Parse *p, PyObject *arg, char letter)
{
    const char *failure;
    long value;
    unsigned long long bits;
    void *address = va_arg(p->args, void *);
    switch (letter) {
    case 'b':
        failure = bounded(p, arg, 0, UCHAR_MAX, "unsigned byte", &value);
        if (failure == NULL) {
            *(unsigned char *)address = (unsigned char)value;
        }
        return failure;
    case 'h':
        failure = bounded(p, arg, SHRT_MIN, SHRT_MAX, "signed short", &value);
        if (failure == NULL) {
            *(short *)address = (short)value;
        }
        return failure;
    case 'i':
        failure = bounded(p, arg, INT_MIN, INT_MAX, "signed", &value);
        if (failure == NULL) {
            *(int *)address = (int)value;
        }
        return failure;
    case 'l':
        failure = bounded(p, arg, LONG_MIN, LONG_MAX, "", &value);
        if (failure == NULL) {
            *(long *)address = value;
        }
        return failure;
    case 'L': {
        long long wide = PyLong_AsLongLong(arg);
        if (wide == -1 && PyErr_Occurred()) {
            return raised(p);
        }
        *(long long *)address = wide;
        return NULL;
    }
    case 'n': {
        PyObject *index = PyNumber_Index(arg);
        Py_ssize_t size = -1;
        if (index != NULL) {
            size = PyLong_AsSsize_t(index);
            Py_DECREF(index);
        }
        if (size == -1 && PyErr_Occurred()) {
            return raised(p);
        }
        *(Py_ssize_t *)address = size;
        return NULL;
    }
    default:
        break;
    }
    if ((letter == 'k' || letter == 'K') && !PyIndex_Check(arg)) {
        return wrong_type(p, "int", arg);
    }
    failure = masked(p, arg, &bits);
    if (failure != NULL) {
        return failure;
    }
    switch (letter) {
    case 'B': *(unsigned char *)address = (unsigned char)bits; break;
    case 'H': *(unsigned short *)address = (unsigned short)bits; break;
    case 'I': *(unsigned int *)address = (unsigned int)bits; break;
    case 'k': *(unsigned long *)address = (unsigned long)bits; break;
    default: *(unsigned long long *)address = bits; break;
    }
    return NULL;
}

static const char *
convert_real(Parse *p, PyObject *arg, char letter)
{
    void *address = va_arg(p->args, void *);
    if (letter == 'D') {
        Py_complex value = PyComplex_AsCComplex(arg);
        if (PyErr_Occurred()) {
            return raised(p);
        }
        *(Py_complex *)address = value;
        return NULL;
    }
    double value = PyFloat_AsDouble(arg);
    if (value == -1.0 && PyErr_Occurred()) {
        return raised(p);
    }
    if (letter == 'f') {
        *(float *)address = (float)value;
    }
    else {
        *(double *)address = value;
    }
    return NULL;
}

/* c and C: one byte, one character. */
static const char *
convert_character(Parse *p, PyObject *arg, char letter)
{
    void *address = va_arg(p->args, void *);
    if (letter == 'C') {
        if (!PyUnicode_Check(arg)) {
            return wrong_type(p, "a unicode character", arg);
        }
        if (PyUnicode_GET_LENGTH(arg) != 1) {
            PyOS_snprintf(p->message, sizeof(p->message),
                          "must be a unicode character, not a string of length %zd",
                          PyUnicode_GET_LENGTH(arg));
            return p->message;
        }
        *(int *)address = (int)PyUnicode_READ_CHAR(arg, 0);
        return NULL;
    }
    const char *bytes;
    Py_ssize_t size;
    const char *what;
    if (PyBytes_Check(arg)) {
        bytes = PyBytes_AS_STRING(arg);
        size = PyBytes_GET_SIZE(arg);
        what = "bytes";
    }
    else if (PyByteArray_Check(arg)) {
        bytes = PyByteArray_AS_STRING(arg);
        size = PyByteArray_GET_SIZE(arg);
        what = "bytearray";
    }
    else {
        return wrong_type(p, "a byte string of length 1", arg);
    }
    if (size != 1) {
        PyOS_snprintf(p->message, sizeof(p->message),
                      "must be a byte string of length 1, not a %s object of length %zd", what, size);
        return p->message;
    }
    *(char *)address = bytes[0];
    return NULL;
}

/* A contiguous view; the text of the failure, or NULL. */
static const char *
get_buffer(PyObject *arg, Py_buffer *view)
{
    if (PyObject_GetBuffer(arg, view, PyBUF_SIMPLE) != 0) {
        return "bytes-like object";
    }
    if (!PyBuffer_IsContiguous(view, 'C')) {
        PyBuffer_Release(view);
        return "contiguous buffer";
    }
    return NULL;
}

/* The bytes of an object that keeps them as long as it lives. */
static const char *
borrow_bytes(PyObject *arg, const char **bytes, Py_ssize_t *size)
{
    PyBufferProcs *procs = Py_TYPE(arg)->tp_as_buffer;
    if (procs != NULL && procs->bf_getbuffer != NULL && procs->bf_releasebuffer != NULL) {
        return "read-only bytes-like object";
    }
    Py_buffer view;
    const char *failure = get_buffer(arg, &view);
    if (failure == NULL) {
        *bytes = view.buf;
        *size = view.len;
        PyBuffer_Release(&view);
    }
    return failure;
}

/* s, z and y, each plain, with # or with *. */
static const char *
convert_text(Parse *p, PyObject *arg, char letter)
{
    int none = letter == 'z' && arg == Py_None;
    int text = letter != 'y' && PyUnicode_Check(arg);
    const char *bytes = NULL;
    Py_ssize_t size = 0;
    const char *failure;

    if (*p->format == '*') {
        Py_buffer *view = va_arg(p->args, Py_buffer *);
        p->format++;
        if (none) {
            PyBuffer_FillInfo(view, NULL, NULL, 0, 1, 0);
        }
        else if (text) {
            bytes = PyUnicode_AsUTF8AndSize(arg, &size);
            if (bytes == NULL) {
                return wrong_type(p, "(unicode conversion error)", arg);
            }
            PyBuffer_FillInfo(view, arg, (void *)bytes, size, 1, 0);
        }
        else {
            failure = get_buffer(arg, view);
            if (failure != NULL) {
                return wrong_type(p, failure, arg);
            }
        }
        return add_cleanup(p, view, release_buffer) < 0 ? wrong_type(p, "(cleanup problem)", arg) : NULL;
    }

    const char **address = va_arg(p->args, const char **);
    int sized = *p->format == '#';
    if (none) {
        /* NULL and 0 */
    }
    else if (text) {
        bytes = PyUnicode_AsUTF8AndSize(arg, &size);
        if (bytes == NULL) {
            return wrong_type(p, "(unicode conversion error)", arg);
        }
    }
    else if (letter == 'y' || sized) {
        failure = borrow_bytes(arg, &bytes, &size);
        if (failure != NULL) {
            return wrong_type(p, failure, arg);
        }
    }
    else {
        return wrong_type(p, letter == 'z' ? "str or None" : "str", arg);
    }
    *address = bytes;
    if (sized) {
        p->format++;
        *va_arg(p->args, Py_ssize_t *) = size;
    }
    else if (bytes != NULL && strlen(bytes) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError,
                        letter == 'y' ? "embedded null byte" : "embedded null character");
        return raised(p);
    }
    return NULL;
}

/* es, et, es# and et#: encoded text in memory of its own. */
static const char *
convert_encoded(Parse *p, PyObject *arg)
{
    const char *encoding = va_arg(p->args, const char *);
    char kind = *p->format;
    if (kind != 's' && kind != 't') {
        return wrong_type(p, "(unknown parser marker combination)", arg);
    }
    char **buffer = va_arg(p->args, char **);
    p->format++;
    if (buffer == NULL) {
        return wrong_type(p, "(buffer is NULL)", arg);
    }
    PyObject *encoded;
    const char *bytes;
    Py_ssize_t size;
    if (kind == 't' && PyBytes_Check(arg)) {
        encoded = Py_NewRef(arg);
    }
    else if (kind == 't' && PyByteArray_Check(arg)) {
        encoded = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(arg), PyByteArray_GET_SIZE(arg));
    }
    else if (PyUnicode_Check(arg)) {
        encoded = PyUnicode_AsEncodedString(arg, encoding == NULL ? "utf-8" : encoding, NULL);
    }
    else {
        return wrong_type(p, kind == 's' ? "str" : "str, bytes or bytearray", arg);
    }
    if (encoded == NULL) {
        return wrong_type(p, "(encoding failed)", arg);
    }
    bytes = PyBytes_AS_STRING(encoded);
    size = PyBytes_GET_SIZE(encoded);

    int allocate = 1;
    Py_ssize_t *psize = NULL;
    if (*p->format == '#') {
        p->format++;
        psize = va_arg(p->args, Py_ssize_t *);
        if (psize == NULL) {
            Py_DECREF(encoded);
            return wrong_type(p, "(buffer_len is NULL)", arg);
        }
        allocate = *buffer == NULL;
    }
    else if (strlen(bytes) != (size_t)size) {
        Py_DECREF(encoded);
        return wrong_type(p, "encoded string without null bytes", arg);
    }
    if (allocate) {
        *buffer = PyMem_Malloc((size_t)size + 1);
        if (*buffer == NULL) {
            Py_DECREF(encoded);
            PyErr_NoMemory();
            return raised(p);
        }
        if (add_cleanup(p, buffer, release_memory) < 0) {
            Py_DECREF(encoded);
            return wrong_type(p, "(cleanup problem)", arg);
        }
    }
    else if (size + 1 > *psize) {
        Py_DECREF(encoded);
        PyErr_Format(PyExc_ValueError, "encoded string too long (%zd, maximum length %zd)", size,
                     *psize - 1);
        return raised(p);
    }
    memcpy(*buffer, bytes, (size_t)size + 1);
    if (psize != NULL) {
        *psize = size;
    }
    Py_DECREF(encoded);
    return NULL;
}

/* O, O! and O&. */
static const char *
convert_object(Parse *p, PyObject *arg)
{
    if (*p->format == '!') {
        p->format++;
        PyTypeObject *type = va_arg(p->args, PyTypeObject *);
        PyObject **address = va_arg(p->args, PyObject **);
        if (!PyType_IsSubtype(Py_TYPE(arg), type)) {
            return wrong_type(p, type->tp_name, arg);
        }
        *address = arg;
        return NULL;
    }
    if (*p->format == '&') {
        p->format++;
        Converter convert = va_arg(p->args, Converter);
        void *address = va_arg(p->args, void *);
        int status = convert(arg, address);
        if (status == 0) {
            return wrong_type(p, "(unspecified)", arg);
        }
        if (status == Py_CLEANUP_SUPPORTED && add_cleanup(p, address, convert) < 0) {
            return wrong_type(p, "(cleanup problem)", arg);
        }
        return NULL;
    }
    *va_arg(p->args, PyObject **) = arg;
    return NULL;
}

static const char *
convert_writable(Parse *p, PyObject *arg)
{
    void *address = va_arg(p->args, void *);
    if (*p->format != '*') {
        return wrong_type(p, "(invalid use of 'w' format character)", arg);
    }
    p->format++;
    Py_buffer *view = address;
    if (PyObject_GetBuffer(arg, view, PyBUF_WRITABLE) < 0) {
        PyErr_Clear();
        return wrong_type(p, "read-write bytes-like object", arg);
    }
    if (!PyBuffer_IsContiguous(view, 'C')) {
        PyBuffer_Release(view);
        return wrong_type(p, "contiguous buffer", arg);
    }
    return add_cleanup(p, view, release_buffer) < 0 ? wrong_type(p, "(cleanup problem)", arg) : NULL;
}

/* One unit that is not a tuple. */
static const char *
convert_simple(Parse *p, PyObject *arg)
{
    char letter = *p->format++;
    switch (letter) {
    case 'b': case 'B': case 'h': case 'H': case 'i': case 'I': case 'l': case 'k': case 'L': case 'K':
    case 'n':
        return convert_number(p, arg, letter);
    case 'f': case 'd': case 'D':
        return convert_real(p, arg, letter);
    case 'c': case 'C':
        return convert_character(p, arg, letter);
    case 'p': {
        int *address = va_arg(p->args, int *);
        int truth = PyObject_IsTrue(arg);
        if (truth < 0) {
            return raised(p);
        }
        *address = truth > 0;
        return NULL;
    }
    case 's': case 'z': case 'y':
        return convert_text(p, arg, letter);
    case 'e':
        return convert_encoded(p, arg);
    case 'S': case 'Y': case 'U': {
        PyObject **address = va_arg(p->args, PyObject **);
        int right = letter == 'S' ? PyBytes_Check(arg)
                    : letter == 'Y' ? PyByteArray_Check(arg) : PyUnicode_Check(arg);
        if (!right) {
            return wrong_type(p, letter == 'S' ? "bytes" : letter == 'Y' ? "bytearray" : "str", arg);
        }
        *address = arg;
        return NULL;
    }
    case 'O':
        return convert_object(p, arg);
    case 'w':
        return convert_writable(p, arg);
    default:
        return wrong_type(p, "(impossible<bad format char>)", arg);
    }
}

/* Units up to the closing parenthesis; the format stands behind the opening one. */
static int
count_units(const char *format)
{
    int level = 0, count = 0;
    for (;; format++) {
        char c = *format;
        if (c == '(') {
            count += level == 0;
            level++;
        }
        else if (c == ')') {
            if (level == 0) {
                return count;
            }
            level--;
        }
        else if (c == ':' || c == ';' || c == 0) {
            return count;
        }
        else if (level == 0 && Py_ISALPHA(c) && c != 'e') {
            count++;
        }
    }
}

/* Whether a unit stores a reference or pointer that lives only as long as the item. */
static int
borrows(const char *format)
{
    int level = 0;
    for (;; format++) {
        char c = *format;
        if (c == '(') {
            level++;
        }
        else if (c == ')') {
            if (level-- == 0) {
                return 0;
            }
        }
        else if (c == ':' || c == ';' || c == 0) {
            return 0;
        }
        else if (c == 'e') {
            format++;
        }
        else if (strchr("szyYSUO", c) != NULL && format[1] != '*' && format[1] != '&') {
            return 1;
        }
    }
}

static const char *
convert_tuple(Parse *p, PyObject *arg, int depth)
{
    int count = count_units(p->format);
    int is_tuple = PyTuple_Check(arg);
    if (!is_tuple
        && (!PySequence_Check(arg) || PyUnicode_Check(arg) || PyBytes_Check(arg)
            || PyByteArray_Check(arg))) {
        p->levels[depth] = 0;
        PyOS_snprintf(p->message, sizeof(p->message), "must be %d-item tuple, not %.50s", count,
                      arg == Py_None ? "None" : Py_TYPE(arg)->tp_name);
        return p->message;
    }
    if (!is_tuple && borrows(p->format)
        && PyErr_WarnFormat(PyExc_DeprecationWarning, 0,
                            "argument must be %d-item tuple, not %T", count, arg) < 0) {
        return raised(p);
    }
    Py_ssize_t length = PySequence_Size(arg);
    if (length != count) {
        p->levels[depth] = 0;
        PyOS_snprintf(p->message, sizeof(p->message), "must be %s of length %d, not %zd",
                      is_tuple ? "tuple" : "sequence", count, length);
        return p->message;
    }
    for (int i = 0; i < count; i++) {
        PyObject *item = PySequence_GetItem(arg, i);
        if (item == NULL) {
            PyErr_Clear();
            p->levels[depth] = i + 1;
            p->levels[depth + 1] = 0;
            strcpy(p->message, "is not retrievable");
            return p->message;
        }
        const char *failure = convert_item(p, item, depth + 1);
        Py_DECREF(item);
        if (failure != NULL) {
            p->levels[depth] = i + 1;
            return failure;
        }
    }
    return NULL;
}

/* One unit: NULL, or the text of the failure. */
static const char *
convert_item(Parse *p, PyObject *arg, int depth)
{
    const char *failure;
    if (*p->format == '(') {
        p->format++;
        failure = convert_tuple(p, arg, depth);
        if (failure == NULL) {
            p->format++;
        }
    }
    else {
        failure = convert_simple(p, arg);
        if (failure != NULL) {
            p->levels[depth] = 0;
        }
    }
    return failure;
}

/* --- positional arguments ------------------------------------------------------------------------ */

/* What the whole format says. */
typedef struct {
    int min, max;
    const char *function;  /* behind ':' */
    const char *message;   /* behind ';' */
} Shape;

static void
read_shape(const char *format, Shape *shape)
{
    int level = 0;
    memset(shape, 0, sizeof(*shape));
    shape->min = -1;
    for (int end = 0; !end;) {
        char c = *format++;
        switch (c) {
        case '(':
            shape->max += level == 0;
            if (++level >= 30) {
                Py_FatalError("too many tuple nesting levels in argument format string");
            }
            break;
        case ')':
            if (level-- == 0) {
                Py_FatalError("excess ')' in getargs format");
            }
            break;
        case 0:
            end = 1;
            break;
        case ':':
            shape->function = format;
            end = 1;
            break;
        case ';':
            shape->message = format;
            end = 1;
            break;
        case '|':
            if (level == 0) {
                shape->min = shape->max;
            }
            break;
        default:
            if (level == 0 && Py_ISALPHA(c) && c != 'e') {
                shape->max++;
            }
        }
    }
    if (level != 0) {
        Py_FatalError("missing ')' in getargs format");
    }
    if (shape->min < 0) {
        shape->min = shape->max;
    }
}

/* "f()" or "function" */
#define NAME_OF(function) (function) == NULL ? "function" : (function), (function) == NULL ? "" : "()"
#define PLURAL(n) ((n) == 1 ? "" : "s")

static int
parse_tuple(PyObject *args, const char *format, va_list vargs)
{
    if (args == NULL || !PyTuple_Check(args)) {
        PyErr_SetString(PyExc_SystemError, "new style getargs format but argument is not a tuple");
        return 0;
    }
    Parse p;
    Shape shape;
    Py_ssize_t given = PyTuple_GET_SIZE(args);
    read_shape(format, &shape);
    begin(&p, format, vargs);
    if (given < shape.min || shape.max < given) {
        int wanted = given < shape.min ? shape.min : shape.max;
        if (shape.message == NULL) {
            PyErr_Format(PyExc_TypeError, "%.150s%s takes %s %d argument%s (%zd given)",
                         NAME_OF(shape.function),
                         shape.min == shape.max ? "exactly" : given < shape.min ? "at least" : "at most",
                         wanted, PLURAL(wanted), given);
        }
        else {
            PyErr_SetString(PyExc_TypeError, shape.message);
        }
        return finish(&p, 0);
    }
    for (Py_ssize_t i = 0; i < given; i++) {
        if (*p.format == '|') {
            p.format++;
        }
        const char *failure = convert_item(&p, PyTuple_GET_ITEM(args, i), 0);
        if (failure != NULL) {
            raise_conversion(&p, i + 1, failure, shape.function, shape.message);
            return finish(&p, 0);
        }
    }
    if (*p.format != 0 && !Py_ISALPHA(*p.format) && strchr("(|:;", *p.format) == NULL) {
        PyErr_Format(PyExc_SystemError, "bad format string: %.200s", format);
        return finish(&p, 0);
    }
    return finish(&p, 1);
}

/* One object, not a tuple of arguments. */
static int
parse_single(PyObject *arg, const char *format, va_list vargs)
{
    Shape shape;
    read_shape(format, &shape);
    if (shape.max == 0) {
        if (arg == NULL) {
            return 1;
        }
        PyErr_Format(PyExc_TypeError, "%.200s%s takes no arguments", NAME_OF(shape.function));
        return 0;
    }
    if (shape.min != 1 || shape.max != 1) {
        PyErr_SetString(PyExc_SystemError, "old style getargs format uses new features");
        return 0;
    }
    if (arg == NULL) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes at least one argument", NAME_OF(shape.function));
        return 0;
    }
    Parse p;
    begin(&p, format, vargs);
    const char *failure = convert_item(&p, arg, 0);
    if (failure != NULL) {
        Py_ssize_t index = p.levels[0];
        memmove(p.levels, p.levels + 1, sizeof(p.levels) - sizeof(p.levels[0]));
        raise_conversion(&p, index, failure, shape.function, shape.message);
    }
    return finish(&p, failure == NULL);
}

/* --- keyword arguments --------------------------------------------------------------------------- */

/* Passes over a unit and its addresses; the text of a mistake in the format, or NULL. */
static const char *
skip_unit(Parse *p)
{
    char c = *p->format++;
    switch (c) {
    case 'b': case 'B': case 'h': case 'H': case 'i': case 'I': case 'l': case 'k': case 'L': case 'K':
    case 'n': case 'f': case 'd': case 'D': case 'c': case 'C': case 'p': case 'S': case 'Y': case 'U':
        (void)va_arg(p->args, void *);
        return NULL;
    case 'e':
        if (*p->format != 's' && *p->format != 't') {
            return "impossible<bad format char>";
        }
        p->format++;
        (void)va_arg(p->args, const char *);
        _Py_FALLTHROUGH;
    case 's': case 'z': case 'y': case 'w':
        (void)va_arg(p->args, void *);
        if (*p->format == '#') {
            p->format++;
            (void)va_arg(p->args, void *);
        }
        else if (c != 'e' && *p->format == '*') {
            p->format++;
        }
        return NULL;
    case 'O':
        (void)va_arg(p->args, void *);
        if (*p->format == '!' || *p->format == '&') {
            p->format++;
            (void)va_arg(p->args, void *);
        }
        return NULL;
    case '(':
        while (*p->format != ')') {
            if (*p->format == 0 || *p->format == ':' || *p->format == ';') {
                return "Unmatched left paren in format string";
            }
            const char *failure = skip_unit(p);
            if (failure != NULL) {
                return failure;
            }
        }
        p->format++;
        return NULL;
    case ')':
        return "Unmatched right paren in format string";
    default:
        return "impossible<bad format char>";
    }
}

#define AT_END(c) ((c) == 0 || (c) == ';' || (c) == ':')

/* What parse_keywords knows while it goes through the format. */
typedef struct {
    Parse p;
    PyObject *args, *kwargs;
    const char *const *keywords;
    int positional_only;    /* how many keywords are "" */
    int total;
    Py_ssize_t nargs, nkwargs;
    int min, max;           /* where | and $ stand; INT_MAX: not yet */
    int missing_positional; /* a positional-only argument is missing */
    const char *function, *message;
} Keywords;

/* | and $ in front of parameter i; false with an exception. */
static int
read_marks(Keywords *k, int i)
{
    const char *mistake = NULL;
    if (*k->p.format == '|') {
        mistake = k->min != INT_MAX ? "Invalid format string (| specified twice)"
                  : k->max != INT_MAX ? "Invalid format string ($ before |)" : NULL;
        k->min = i;
        k->p.format++;
    }
    if (mistake == NULL && *k->p.format == '$') {
        mistake = k->max != INT_MAX ? "Invalid format string ($ specified twice)"
                  : i < k->positional_only ? "Empty parameter name after $" : NULL;
        k->max = i;
        k->p.format++;
        if (mistake == NULL && !k->missing_positional && k->max == 0 && k->nargs > 0) {
            PyErr_Format(PyExc_TypeError, "%.200s%s takes no positional arguments", NAME_OF(k->function));
            return 0;
        }
        if (mistake == NULL && !k->missing_positional && k->max < k->nargs) {
            PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %d positional argument%s (%zd given)",
                         NAME_OF(k->function), k->min != INT_MAX ? "at most" : "exactly", k->max,
                         PLURAL(k->max), k->nargs);
            return 0;
        }
    }
    if (mistake != NULL) {
        PyErr_SetString(PyExc_SystemError, mistake);
        return 0;
    }
    return 1;
}

/* Argument i: a new reference, NULL when it was not given; false with an exception. */
static int
find_argument(Keywords *k, int i, PyObject **arg)
{
    *arg = NULL;
    if (i < k->nargs) {
        *arg = Py_NewRef(PyTuple_GET_ITEM(k->args, i));
    }
    else if (k->nkwargs > 0 && i >= k->positional_only) {
        if (PyDict_GetItemStringRef(k->kwargs, k->keywords[i], arg) < 0) {
            return 0;
        }
        k->nkwargs -= *arg != NULL;
    }
    return 1;
}

/* Raises about a keyword argument that is left over. */
static void
raise_leftover(Keywords *k)
{
    for (int i = k->positional_only; i < k->nargs; i++) {
        PyObject *arg;
        if (PyDict_GetItemStringRef(k->kwargs, k->keywords[i], &arg) < 0) {
            return;
        }
        if (arg != NULL) {
            Py_DECREF(arg);
            PyErr_Format(PyExc_TypeError,
                         "argument for %.200s%s given by name ('%s') and position (%d)",
                         NAME_OF(k->function), k->keywords[i], i + 1);
            return;
        }
    }
    PyObject *key;
    Py_ssize_t position = 0;
    while (PyDict_Next(k->kwargs, &position, &key, NULL)) {
        if (!PyUnicode_Check(key)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            return;
        }
        int known = 0;
        for (int i = k->positional_only; i < k->total && !known; i++) {
            known = PyUnicode_EqualToUTF8(key, k->keywords[i]);
        }
        if (!known) {
            PyErr_Format(PyExc_TypeError, "%.200s%s got an unexpected keyword argument '%S'",
                         k->function == NULL ? "this function" : k->function,
                         k->function == NULL ? "" : "()", key);
            return;
        }
    }
    PyErr_Format(PyExc_SystemError, "invalid keyword arguments for %.200s%s", NAME_OF(k->function));
}

/* Goes through the parameters: 1 done, 0 failed, -1 all parameters seen. */
static int
convert_parameters(Keywords *k, int *seen)
{
    int i;
    for (i = 0; i < k->total; i++) {
        if (!read_marks(k, i)) {
            return 0;
        }
        if (k->missing_positional && k->max != INT_MAX) {
            break;
        }
        if (AT_END(*k->p.format)) {
            PyErr_Format(PyExc_SystemError,
                         "More keyword list entries (%d) than format specifiers (%d)", k->total, i);
            return 0;
        }
        if (!k->missing_positional) {
            PyObject *arg;
            if (!find_argument(k, i, &arg)) {
                return 0;
            }
            if (arg != NULL) {
                const char *failure = convert_item(&k->p, arg, 0);
                Py_DECREF(arg);
                if (failure != NULL) {
                    raise_conversion(&k->p, i + 1, failure, k->function, k->message);
                    return 0;
                }
                continue;
            }
            if (i < k->min) {
                if (i >= k->positional_only) {
                    PyErr_Format(PyExc_TypeError, "%.200s%s missing required argument '%s' (pos %i)",
                                 NAME_OF(k->function), k->keywords[i], i + 1);
                    return 0;
                }
                /* How many there should be is known when | or $ is seen. */
                k->missing_positional = 1;
            }
            if (k->nkwargs == 0 && !k->missing_positional) {
                return 1;
            }
        }
        const char *unit = k->p.format;
        const char *mistake = skip_unit(&k->p);
        if (mistake != NULL) {
            PyErr_Format(PyExc_SystemError, "%s: '%s'", mistake, unit);
            return 0;
        }
    }
    *seen = i;
    return -1;
}

static int
parse_keywords(PyObject *args, PyObject *kwargs, const char *format, const char *const *keywords,
               const char *function, const char *message, va_list vargs)
{
    if (args == NULL || !PyTuple_Check(args) || (kwargs != NULL && !PyDict_Check(kwargs))
        || format == NULL || keywords == NULL) {
        PyErr_BadInternalCall();
        return 0;
    }
    Keywords k = {.args = args, .kwargs = kwargs, .keywords = keywords, .min = INT_MAX, .max = INT_MAX,
                  .function = function, .message = message};
    while (keywords[k.positional_only] != NULL && !*keywords[k.positional_only]) {
        k.positional_only++;
    }
    for (k.total = k.positional_only; keywords[k.total] != NULL; k.total++) {
        if (!*keywords[k.total]) {
            PyErr_SetString(PyExc_SystemError, "Empty keyword parameter name");
            return 0;
        }
    }
    k.nargs = PyTuple_GET_SIZE(args);
    k.nkwargs = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs);
    if (k.nargs + k.nkwargs > k.total) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %d %sargument%s (%zd given)",
                     NAME_OF(k.function), "at most", k.total, k.nargs == 0 ? "keyword " : "",
                     PLURAL(k.total), k.nargs + k.nkwargs);
        return 0;
    }
    begin(&k.p, format, vargs);
    int seen = 0;
    int status = convert_parameters(&k, &seen);
    if (status >= 0) {
        return finish(&k.p, status);
    }
    if (k.missing_positional) {
        int wanted = Py_MIN(k.positional_only, k.min);
        PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %d positional argument%s (%zd given)",
                     NAME_OF(k.function), wanted < seen ? "at least" : "exactly", wanted, PLURAL(wanted),
                     k.nargs);
        return finish(&k.p, 0);
    }
    if (!AT_END(*k.p.format) && *k.p.format != '|' && *k.p.format != '$') {
        PyErr_Format(PyExc_SystemError,
                     "more argument specifiers than keyword list entries (remaining format:'%s')",
                     k.p.format);
        return finish(&k.p, 0);
    }
    if (k.nkwargs > 0) {
        raise_leftover(&k);
        return finish(&k.p, 0);
    }
    return finish(&k.p, 1);
}

/* Takes name and message from the format. */
static int
parse_keywords_format(PyObject *args, PyObject *kwargs, const char *format, char *const *keywords,
                      va_list vargs)
{
    const char *function = NULL, *message = NULL;
    if (format != NULL) {
        function = strchr(format, ':');
        if (function != NULL) {
            function++;
        }
        else {
            message = strchr(format, ';');
            message = message == NULL ? NULL : message + 1;
        }
    }
    return parse_keywords(args, kwargs, format, (const char *const *)keywords, function, message, vargs);
}

/* --- the functions ------------------------------------------------------------------------------- */

#define VARIADIC(NAME, PARAMS, LAST, CALL) \
    int \
    NAME PARAMS \
    { \
        va_list vargs; \
        va_start(vargs, LAST); \
        int success = CALL; \
        va_end(vargs); \
        return success; \
    }

VARIADIC(PyArg_ParseTuple, (PyObject *args, const char *format, ...), format,
         parse_tuple(args, format, vargs))
VARIADIC(_PyArg_ParseTuple_SizeT, (PyObject *args, const char *format, ...), format,
         parse_tuple(args, format, vargs))
VARIADIC(PyArg_Parse, (PyObject *arg, const char *format, ...), format,
         parse_single(arg, format, vargs))
VARIADIC(_PyArg_Parse_SizeT, (PyObject *arg, const char *format, ...), format,
         parse_single(arg, format, vargs))
#define KEYWORD_PARAMS \
    (PyObject *args, PyObject *kwargs, const char *format, PY_CXX_CONST char *const *keywords, ...)
VARIADIC(PyArg_ParseTupleAndKeywords, KEYWORD_PARAMS, keywords,
         parse_keywords_format(args, kwargs, format, keywords, vargs))
VARIADIC(_PyArg_ParseTupleAndKeywords_SizeT, KEYWORD_PARAMS, keywords,
         parse_keywords_format(args, kwargs, format, keywords, vargs))

int
PyArg_VaParse(PyObject *args, const char *format, va_list vargs)
{
    return parse_tuple(args, format, vargs);
}

int
_PyArg_VaParse_SizeT(PyObject *args, const char *format, va_list vargs)
{
    return parse_tuple(args, format, vargs);
}

int
PyArg_VaParseTupleAndKeywords(PyObject *args, PyObject *kwargs, const char *format,
                              char *const *keywords, va_list vargs)
{
    return parse_keywords_format(args, kwargs, format, keywords, vargs);
}

int
_PyArg_VaParseTupleAndKeywords_SizeT(PyObject *args, PyObject *kwargs, const char *format,
                                     char *const *keywords, va_list vargs)
{
    return parse_keywords_format(args, kwargs, format, keywords, vargs);
}

int
_PyArg_ParseTupleAndKeywordsFast(PyObject *args, PyObject *kwargs, struct _PyArg_Parser *parser, ...)
{
    const char *format = parser->format;
    const char *function = parser->fname, *message = parser->custom_msg;
    if (function == NULL && message == NULL) {
        function = strchr(format, ':');
        function = function == NULL ? NULL : function + 1;
        if (function == NULL) {
            message = strchr(format, ';');
            message = message == NULL ? NULL : message + 1;
        }
    }
    va_list vargs;
    va_start(vargs, parser);
    int success = parse_keywords(args, kwargs, format, parser->keywords, function, message, vargs);
    va_end(vargs);
    return success;
}

int
PyArg_ValidateKeywordArguments(PyObject *kwargs)
{
    if (!PyDict_Check(kwargs)) {
        PyErr_BadInternalCall();
        return 0;
    }
    PyObject *key;
    Py_ssize_t position = 0;
    while (PyDict_Next(kwargs, &position, &key, NULL)) {
        if (!PyUnicode_Check(key)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            return 0;
        }
    }
    return 1;
}

/* The wrong number of arguments for PyArg_UnpackTuple. */
static void
raise_count(const char *name, const char *bound, Py_ssize_t wanted, Py_ssize_t given)
{
    if (name != NULL) {
        PyErr_Format(PyExc_TypeError, "%.200s expected %s%zd argument%s, got %zd", name, bound, wanted,
                     PLURAL(wanted), given);
    }
    else {
        PyErr_Format(PyExc_TypeError, "unpacked tuple should have %s%zd element%s, but has %zd", bound,
                     wanted, PLURAL(wanted), given);
    }
}

int
PyArg_UnpackTuple(PyObject *args, const char *name, Py_ssize_t min, Py_ssize_t max, ...)
{
    if (!PyTuple_Check(args)) {
        PyErr_SetString(PyExc_SystemError, "PyArg_UnpackTuple() argument list is not a tuple");
        return 0;
    }
    Py_ssize_t given = PyTuple_GET_SIZE(args);
    if (given < min) {
        raise_count(name, min == max ? "" : "at least ", min, given);
        return 0;
    }
    if (given > max) {
        raise_count(name, min == max ? "" : "at most ", max, given);
        return 0;
    }
    va_list vargs;
    va_start(vargs, max);
    for (Py_ssize_t i = 0; i < given; i++) {
        *va_arg(vargs, PyObject **) = PyTuple_GET_ITEM(args, i);
    }
    va_end(vargs);
    return 1;
}
