/* The units of argument formats: one object into one C value, with CPython's messages. */
#include "getargs.h"

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

void
cape_parse_begin(Parse *p, const char *format, va_list vargs)
{
    p->format = format;
    cape_va_copy(p->args, vargs);
    p->cleanups = p->small;
    p->count = 0;
    p->room = Py_ARRAY_LENGTH(p->small);
    p->levels[0] = 0;
    p->message[0] = 0;
}

int
cape_parse_finish(Parse *p, int success)
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
    int embedded = !sized && bytes != NULL && strlen(bytes) != (size_t)size;
    if (!embedded || letter == 'y') {
        *address = bytes;
    }
    if (sized) {
        p->format++;
        *va_arg(p->args, Py_ssize_t *) = size;
    }
    else if (embedded) {
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
    int borrowing = !is_tuple && borrows(p->format);
    if (borrowing
        && PyErr_WarnFormat(PyExc_DeprecationWarning, 0,
                            "argument must be %d-item tuple, not %T", count, arg) < 0) {
        return raised(p);
    }
    Py_ssize_t length = PySequence_Size(arg);
    if (length != count) {
        p->levels[depth] = 0;
        PyOS_snprintf(p->message, sizeof(p->message), "must be %s of length %d, not %zd",
                      is_tuple || borrowing ? "tuple" : "sequence", count, length);
        return p->message;
    }
    PyObject *items = is_tuple ? Py_NewRef(arg) : PySequence_Tuple(arg);
    if (items == NULL) {
        return raised(p);
    }
    const char *failure = NULL;
    for (int i = 0; i < count && failure == NULL; i++) {
        failure = cape_parse_item(p, PyTuple_GET_ITEM(items, i), depth + 1);
        if (failure != NULL) {
            p->levels[depth] = i + 1;
        }
    }
    Py_DECREF(items);
    return failure;
}

/* One unit: NULL, or the text of the failure. */
const char *
cape_parse_item(Parse *p, PyObject *arg, int depth)
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

/* Passes over a unit and its addresses; the text of a mistake in the format, or NULL. */
const char *
cape_parse_skip(Parse *p)
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
        if (c == 'w' && *p->format != '*') {
            return "impossible<bad format char>";
        }
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
            const char *failure = cape_parse_skip(p);
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
